//! `practice new`, `practice check`, `practice list`, `practice publish`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{FieldError, PracticeEntry};
use serde_json::json;

use super::cli::Practice;
use super::output::{Answer, Output, Refusal};
use super::release::{refresh, sign_in};
use super::{Context, open};
use crate::home::Node;
use crate::import::london_day;
use crate::practice::{self, PracticeError, TEMPLATE, check_file};
use crate::store::people::Role;
use crate::store::practice::StoredEntry;

/// Longest form that is read, in bytes: far more than the longest entry.
const LARGEST: u64 = 1 << 20;

impl From<PracticeError> for Refusal {
    fn from(error: PracticeError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

pub(super) async fn run(command: Practice, context: &Context) -> Answer {
    if let Practice::New { out } = &command {
        return new(out.as_deref());
    }
    let node = open(context).await?;
    let answer = match command {
        Practice::New { out } => new(out.as_deref()),
        Practice::Check { file } => check(&node, &file, context).await,
        Practice::List => list(&node).await,
        Practice::Publish { what, name, digest } => match what.parse::<i64>() {
            Ok(id) => release(&node, id, &name, digest, context).await,
            Err(_) => write(&node, Path::new(&what), &name, context).await,
        },
    };
    node.store.close().await;
    answer
}

fn new(out: Option<&Path>) -> Answer {
    let Some(path) = out else {
        return Ok(Output {
            text: TEMPLATE.to_owned(),
            json: json!({"form": TEMPLATE}),
        });
    };
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(TEMPLATE.as_bytes())
    };
    write().map_err(|error| {
        Refusal::new(
            format!("{} cannot be written: {error}", path.display()),
            "Give the name of a file that does not exist yet, in a directory where you may write.",
        )
    })?;
    let shown = path.display();
    Ok(Output {
        text: format!(
            "{shown} is a form to fill in.\nNext: fill it in, then `ldsp-node practice check {shown}`."
        ),
        json: json!({"file": path}),
    })
}

/// Reads and checks a form; a refusal carries every problem.
async fn read(node: &Node, path: &Path, context: &Context) -> Result<PracticeEntry, Refusal> {
    let cannot = |why: String| {
        Refusal::new(
            format!("{} cannot be read: {why}", path.display()),
            "Give a TOML file in UTF-8; `ldsp-node practice new` writes a form to fill in.",
        )
    };
    let size = fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if size > LARGEST {
        return Err(cannot(format!("it is over {LARGEST} bytes")));
    }
    let bytes = fs::read(path).map_err(|e| cannot(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8".to_owned()))?;
    let figures = node.store.own_figures(&node.lep()?).await?;
    check_file(&text, &figures, london_day((context.clock)()))
        .map_err(|problems| refused(&problems))
}

fn refused(problems: &[FieldError]) -> Refusal {
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let list: Vec<_> = problems
        .iter()
        .map(|p| json!({"field": p.field, "cause": p.cause, "remedy": p.remedy}))
        .collect();
    let count = match problems.len() {
        1 => "one problem".to_owned(),
        n => format!("{n} problems"),
    };
    Refusal {
        output: Some(Output {
            text: text.join("\n"),
            json: json!({"problems": list}),
        }),
        ..Refusal::new(
            format!("the form has {count}"),
            "Correct them and run the command again.",
        )
    }
}

async fn check(node: &Node, path: &Path, context: &Context) -> Answer {
    let entry = read(node, path, context).await?;
    let shown = path.display();
    Ok(Output {
        text: format!(
            "The entry is sound: {}\nNext: a coordinator runs `ldsp-node practice publish {shown} --as NAME`.",
            entry.title
        ),
        json: json!({"sound": true, "entry": entry}),
    })
}

fn line(entry: &StoredEntry) -> String {
    let state = match (&entry.approved, entry.seq) {
        (Some((by, _)), Some(seq)) => format!("released by {by}, statement {seq}"),
        _ => format!("draft of {}, waits for an approver", entry.author),
    };
    format!(
        "{}  {}\n    {state}\n    digest {}",
        entry.id, entry.entry.title, entry.digest
    )
}

async fn list(node: &Node) -> Answer {
    let entries = node.store.practice_entries().await?;
    let lines: Vec<String> = entries.iter().map(line).collect();
    let text = if lines.is_empty() {
        "No entry yet. Next: `ldsp-node practice new --out FILE`.".to_owned()
    } else {
        lines.join("\n")
    };
    let json: Vec<_> = entries
        .iter()
        .map(|e| {
            json!({
                "id": e.id,
                "digest": e.digest,
                "author": e.author,
                "approver": e.approved.as_ref().map(|(name, _)| name),
                "seq": e.seq,
                "entry": e.entry,
            })
        })
        .collect();
    Ok(Output {
        text,
        json: json!({"entries": json}),
    })
}

async fn write(node: &Node, path: &Path, name: &str, context: &Context) -> Answer {
    let entry = read(node, path, context).await?;
    let person = sign_in(&node.store, name).await?;
    if person.role != Role::Coordinator {
        return Err(Refusal::new(
            format!(
                "{} may not write an entry: that takes a person with the role coordinator",
                person.name
            ),
            "Ask a coordinator to publish the file; an approver releases it by its number afterwards.",
        ));
    }
    let id = node
        .store
        .add_practice(&entry, &person.name, (context.clock)())
        .await?;
    let stored = node
        .store
        .practice_entry(id)
        .await?
        .ok_or(PracticeError::Unknown(id))?;
    Ok(Output {
        text: format!(
            "Kept as draft {id}. Nothing has left yet.\nDigest: {digest}\nNext: an approver reads it and runs `ldsp-node practice publish {id} --as NAME --digest {digest}`.",
            digest = stored.digest
        ),
        json: json!({"id": id, "digest": stored.digest}),
    })
}

async fn release(
    node: &Node,
    id: i64,
    name: &str,
    digest: Option<Digest>,
    context: &Context,
) -> Answer {
    let stored = node
        .store
        .practice_entry(id)
        .await?
        .ok_or(PracticeError::Unknown(id))?;
    let Some(digest) = digest else {
        let text = serde_json::to_string_pretty(&stored.entry).unwrap_or_default();
        return Err(Refusal {
            output: Some(Output {
                text: format!("{text}\nDigest: {}", stored.digest),
                json: json!({"id": id, "digest": stored.digest, "entry": stored.entry}),
            }),
            ..Refusal::new(
                "a release takes the digest of the entry that was read",
                "Read the entry above, then run the command again with `--digest` and the digest below it.",
            )
        });
    };
    let person = sign_in(&node.store, name).await?;
    refresh(&node.store, (context.clock)()).await?;
    let seq = practice::release(
        &node.store,
        &node.signing,
        id,
        &person.name,
        digest,
        (context.clock)(),
    )
    .await?;
    Ok(Output {
        text: format!(
            "Released. It is statement {seq} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
        ),
        json: json!({"id": id, "seq": seq, "digest": digest}),
    })
}
