//! `exchange items`, `export`, `import`, `overlap`.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::cli::Exchange;
use super::output::{Answer, Output, Refusal};
use super::{Context, keep, open};
use crate::exchange::{
    self, Defects, LARGEST, Read, Refused, Standing, Taken, Ungiven, give, time,
};
use crate::home::Node;
use crate::store::items::DataItem;

pub(super) async fn run(command: Exchange, context: &Context) -> Answer {
    let command = match command {
        Exchange::Items(command) => return keep::run::<DataItem>(command, context).await,
        other => other,
    };
    let node = open(context).await?;
    let answer = match command {
        Exchange::Items(_) | Exchange::Overlap => overlap(&node, context).await,
        Exchange::Export { item, out } => export(&node, &item, &out, context).await,
        Exchange::Import {
            item,
            data,
            meta,
            dry_run,
        } => take(&node, &item, (&data, &meta), dry_run, context).await,
    };
    node.store.close().await;
    answer
}

async fn overlap(node: &Node, context: &Context) -> Answer {
    let standing = Standing::read(&node.store, (context.clock)()).await?;
    let lines: Vec<String> = standing
        .found
        .iter()
        .map(|f| {
            format!(
                "{}: {}. {}",
                f.item,
                f.trouble.in_words().to_lowercase(),
                f.words
            )
        })
        .collect();
    Ok(Output {
        text: match (lines.is_empty(), standing.items.is_empty()) {
            (true, true) => "Nothing is agreed yet. Next: `exchange items add`.".to_owned(),
            (true, false) => "Nothing is collected twice, late or by nobody.".to_owned(),
            _ => lines.join("\n"),
        },
        json: json!({ "items": standing.found }),
    })
}

async fn export(node: &Node, item: &str, out: &Path, context: &Context) -> Answer {
    let files = match give(&node.store, item, (context.clock)()).await {
        Ok(sheet) => sheet.files(),
        Err(Ungiven::Release(error)) => return Err(error.into()),
        Err(ungiven) => {
            let (reason, next) = ungiven.said();
            return Err(Refusal {
                code: Some(ungiven.code()),
                ..Refusal::new(reason, next)
            });
        }
    };
    let unwritten = |error: std::io::Error| {
        Refusal::new(
            format!("the files cannot be written: {error}"),
            "Give a directory that is there and that you may write to.",
        )
    };
    let item = item.to_lowercase();
    let (data, meta) = (
        out.join(format!("{item}.csv")),
        out.join(format!("{item}.meta.csv")),
    );
    fs::write(&data, files.data).map_err(unwritten)?;
    fs::write(&meta, files.meta).map_err(unwritten)?;
    Ok(Output {
        text: format!("Written: {} and {}.", data.display(), meta.display()),
        json: json!({ "data": data, "meta": meta }),
    })
}

fn file(path: &Path) -> Result<Vec<u8>, Refusal> {
    use std::io::Read as _;
    let cannot = |error: std::io::Error| {
        Refusal::new(
            format!("{} cannot be read: {error}", path.display()),
            "Check the name and the rights on the file.",
        )
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    // One byte more tells that it is too large.
    let most = LARGEST as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

fn what(read: &Read) -> String {
    let periods: Vec<String> = read
        .periods
        .iter()
        .map(|(period, identifier)| time::in_words(period, identifier))
        .collect();
    format!(
        "{} rows of {}; {} of other places left out.",
        read.sheet.rows.len(),
        periods.join(", "),
        read.left_out
    )
}

async fn take(
    node: &Node,
    item: &str,
    (data, meta): (&Path, &Path),
    dry_run: bool,
    context: &Context,
) -> Answer {
    let (data, meta) = (file(data)?, file(meta)?);
    let by = (context.who.as_str(), (context.clock)());
    let taken = exchange::take(&node.store, item, (&data, &meta), dry_run, by).await;
    let (read, id, said) = match taken {
        Ok(Taken::Checked(read)) => (read, None, "Nothing is wrong with it; nothing was kept."),
        Ok(Taken::Already(read)) => (read, None, "The very same file is kept already."),
        Ok(Taken::Kept(read, id)) => (read, Some(id), "Kept."),
        Err(Refused::Store(error)) => return Err(error.into()),
        Err(Refused::Item) => {
            return Err(Refusal::new(
                "this is no code of a data item",
                "`ldsp-node exchange items list` shows them.",
            ));
        }
        Err(Refused::Defects(defects)) => return Err(defective(&defects)),
    };
    Ok(Output {
        text: format!("{said} {}", what(&read)),
        json: json!({
            "id": id,
            "rows": read.sheet.rows.len(),
            "left_out": read.left_out,
            "periods": read.periods,
        }),
    })
}

fn defective(defects: &Defects) -> Refusal {
    let lines = defects.detailed.iter().map(|d| {
        let column = match d.column.as_str() {
            "" => String::new(),
            column => format!(", {column}"),
        };
        format!(
            "{} file, line {}{column}: {} {}",
            d.file, d.line, d.cause, d.remedy
        )
    });
    let text: Vec<String> = lines.collect();
    Refusal {
        output: Some(Output {
            text: text.join("\n"),
            json: json!({ "defects": defects.detailed, "total": defects.total }),
        }),
        code: Some("form"),
        ..Refusal::new(
            format!(
                "the files have {} defects, and nothing was kept",
                defects.total
            ),
            "Send the list above to the panel, and run the command again with the corrected files.",
        )
    }
}
