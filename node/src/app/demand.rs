//! `demand`: list, show, add, set; the files of which it is held, and taking out what one brought.

use serde_json::json;

use super::cli::Demand as Command;
use super::output::{Answer, Output, Refusal};
use super::{Context, keep, open};
use crate::model::demand::remove_import;
use crate::store::demand::Demand;
use crate::store::terms::Term;

pub(super) async fn run(command: Command, context: &Context) -> Answer {
    match command {
        Command::Keep(command) => keep::run::<Demand>(command, context).await,
        Command::Words(command) => keep::run::<Term>(command, context).await,
        Command::Imports => imports(context).await,
        Command::Remove { import } => remove(import, context).await,
    }
}

async fn imports(context: &Context) -> Answer {
    let node = open(context).await?;
    let all = node.store.demand_imports().await?;
    node.store.close().await;
    let lines = all.iter().map(|file| {
        let kind = file.kind.as_str();
        format!(
            "{:>6}  {}  {kind}: {} held, {} changed since",
            file.import, file.at, file.rows, file.changed
        )
    });
    let lines: Vec<String> = lines.collect();
    let items = all.iter().map(|file| {
        json!({"import": file.import, "kind": file.kind.as_str(), "at": file.at, "rows": file.rows, "changed": file.changed})
    });
    Ok(Output {
        text: if lines.is_empty() {
            "No demand came by a file. Next: `import demand FILE --dry-run`.".to_owned()
        } else {
            lines.join("\n")
        },
        json: json!({"items": items.collect::<Vec<_>>()}),
    })
}

async fn remove(import: i64, context: &Context) -> Answer {
    let node = open(context).await?;
    let removed = remove_import(&node.store, import, &context.who, (context.clock)()).await;
    node.store.close().await;
    let removed = removed?;
    if removed.gone + removed.stay == 0 {
        return Err(Refusal::new(
            format!("nothing is held of an import {import}"),
            "`demand imports` shows the numbers.",
        ));
    }
    Ok(Output {
        text: format!(
            "Taken out: {}. Changed since and kept: {}.",
            removed.gone, removed.stay
        ),
        json: json!({"import": import, "removed": removed.gone, "kept": removed.stay}),
    })
}
