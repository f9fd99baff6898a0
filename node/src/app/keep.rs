//! `organisations`, `programmes`, `cohorts`, `spend`: list, show, add, set, delete.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::cli::{Keep, Said};
use super::output::{Answer, Output, Refusal, fields};
use super::{Context, open};
use crate::home::Node;
use crate::model::{self, Model, Trouble};
use crate::store::kept::{Known, Stored};

/// Longest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;
/// Changes that `show` tells.
const SHOWN: u32 = 500;

pub(super) async fn run<M: Model>(command: Keep, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match command {
        Keep::List => list::<M>(&node).await,
        Keep::Show { id } => show::<M>(&node, id).await,
        Keep::Add(said) => add::<M>(&node, &said, context).await,
        Keep::Set { id, version, said } => set::<M>(&node, (id, version), &said, context).await,
        Keep::Delete { id, version } => delete::<M>(&node, (id, version), context).await,
    };
    node.store.close().await;
    answer
}

pub(super) fn value<M: Model>(stored: &Stored<M>, known: &Known) -> Value {
    let mut value = json!({"id": stored.id, "version": stored.version});
    for (column, text) in M::COLUMNS.iter().zip(stored.it.texts(known)) {
        value[*column] = text.into();
    }
    value
}

fn missing<M: Model>(id: i64) -> Refusal {
    Refusal::new(
        format!("there is no {} with the number {id}", M::KIND.as_str()),
        "`list` shows the numbers.",
    )
}

async fn list<M: Model>(node: &Node) -> Answer {
    let known = node.store.known().await?;
    let all: Vec<Stored<M>> = node.store.kept().await?;
    let lines = all
        .iter()
        .map(|s| format!("{:>6}  {}", s.id, s.it.title(&known)));
    let lines: Vec<String> = lines.collect();
    Ok(Output {
        text: if lines.is_empty() {
            "None so far. Next: `add`; `--help` lists the columns.".to_owned()
        } else {
            lines.join("\n")
        },
        json: json!({"items": all.iter().map(|s| value(s, &known)).collect::<Vec<_>>()}),
    })
}

fn text<M: Model>(stored: &Stored<M>, known: &Known) -> String {
    let width = M::COLUMNS
        .iter()
        .map(|column| column.len())
        .max()
        .unwrap_or(0);
    let line = |name: &str, text: &str| format!("{name:width$}  {text}");
    let mut lines = vec![
        line("number", &stored.id.to_string()),
        line("version", &stored.version.to_string()),
    ];
    let texts = stored.it.texts(known);
    lines.extend(
        M::COLUMNS
            .iter()
            .zip(&texts)
            .map(|(column, text)| line(column, text)),
    );
    lines.join("\n")
}

async fn show<M: Model>(node: &Node, id: i64) -> Answer {
    let stored: Stored<M> = node
        .store
        .kept_one(id)
        .await?
        .ok_or_else(|| missing::<M>(id))?;
    let known = node.store.known().await?;
    let history = node.store.history(M::KIND, id, SHOWN).await?;
    let mut json = value(&stored, &known);
    let changes = history.iter().map(|c| {
        json!({"at": c.at, "who": c.who, "field": c.field, "before": c.before, "after": c.after})
    });
    json["history"] = changes.collect();
    let mut lines = vec![text(&stored, &known), String::new()];
    lines.extend(history.iter().map(|c| {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let (before, after) = (said(&c.before), said(&c.after));
        format!("{}  {}: {} from {before} to {after}", c.at, c.who, c.field)
    }));
    Ok(Output {
        text: lines.join("\n"),
        json,
    })
}

/// The columns of a file's JSON object.
fn from_file(path: &Path) -> Result<Map<String, Value>, Refusal> {
    let cannot = |why: String| {
        Refusal::new(
            format!("{} cannot be read: {why}", path.display()),
            "Give a file with one JSON object of columns and texts, such as {\"name\": \"City College\"}.",
        )
    };
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path);
        file.and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.map_err(|error| cannot(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))
}

/// What was said over `texts`.
fn said<M: Model>(texts: Vec<String>, said: &Said) -> Result<Vec<String>, Refusal> {
    let mut pairs = Vec::new();
    if let Some(path) = &said.from {
        for (column, value) in from_file(path)? {
            // What `show --json` gives may come back as it is.
            let own = ["id", "version", "history"].contains(&column.as_str());
            match value {
                _ if own => {}
                Value::String(text) => pairs.push((column, text)),
                Value::Number(number) => pairs.push((column, number.to_string())),
                Value::Null => pairs.push((column, String::new())),
                _ => {
                    return Err(Refusal::new(
                        format!("the column {column} is no text"),
                        "Give each column a text; several skills stand in one text with semicolons between them.",
                    ));
                }
            }
        }
    }
    for word in &said.columns {
        let Some((column, text)) = word.split_once('=') else {
            return Err(Refusal::new(
                "a column is given without a text",
                "Write COLUMN=TEXT, in quotation marks where the text has spaces.",
            ));
        };
        pairs.retain(|(known, _)| known != column);
        pairs.push((column.to_owned(), text.to_owned()));
    }
    let unknown = |_| {
        Refusal::new(
            "a column is none of these",
            format!("The columns are {}.", M::COLUMNS.join(", ")),
        )
    };
    model::texts::<M>(texts, pairs).map_err(unknown)
}

async fn add<M: Model>(node: &Node, given: &Said, context: &Context) -> Answer {
    let texts = said::<M>(model::blank::<M>(), given)?;
    let kept = model::add::<M>(&node.store, &texts, &context.who, (context.clock)()).await;
    answer(node, kept, "Added.").await
}

async fn set<M: Model>(
    node: &Node,
    (id, version): (i64, Option<i64>),
    given: &Said,
    context: &Context,
) -> Answer {
    let before: Stored<M> = node
        .store
        .kept_one(id)
        .await?
        .ok_or_else(|| missing::<M>(id))?;
    let known = node.store.known().await?;
    let texts = said::<M>(before.it.texts(&known), given)?;
    let at = (id, version.unwrap_or(before.version));
    let kept = model::change(&node.store, at, &texts, &context.who, (context.clock)()).await;
    answer::<M>(node, kept, "Changed.").await
}

async fn delete<M: Model>(
    node: &Node,
    (id, version): (i64, Option<i64>),
    context: &Context,
) -> Answer {
    let before: Option<Stored<M>> = node.store.kept_one(id).await?;
    let before = before.ok_or_else(|| missing::<M>(id))?;
    let at = (id, version.unwrap_or(before.version));
    let gone = model::remove(&node.store, at, &context.who, (context.clock)()).await;
    answer::<M>(node, gone, "Deleted. It said:").await
}

async fn answer<M: Model>(node: &Node, kept: Result<Stored<M>, Trouble<M>>, done: &str) -> Answer {
    let known = node.store.known().await?;
    match kept {
        Ok(stored) => Ok(Output {
            text: format!("{done}\n{}", text(&stored, &known)),
            json: value(&stored, &known),
        }),
        Err(Trouble::Store(error)) => Err(error.into()),
        Err(Trouble::Missing) => Err(Refusal::new(
            "it is not there any more",
            "`list` shows what is.",
        )),
        Err(Trouble::Changed(now)) => Err(Refusal {
            output: Some(Output {
                text: text(&now, &known),
                json: value(&now, &known),
            }),
            code: Some("changed-meanwhile"),
            ..Refusal::new(
                format!(
                    "somebody changed it in the meantime: it is in version {} by now",
                    now.version
                ),
                "Look at what is stored above, then run the command again with that version.",
            )
        }),
        Err(Trouble::Fields(problems)) => Err(fields(&problems)),
    }
}
