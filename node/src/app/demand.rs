//! `demand`: what it adds up to; list, show, add, set; the files of which it is held, and taking out what one brought.

use serde_json::json;

use super::cli::Demand as Command;
use super::output::{Answer, Output, Refusal};
use super::{Context, keep, open};
use crate::api::Sums;
use crate::demand::summary::{self as added_up, Told};
use crate::import::london_day;
use crate::model::demand::{area_title, remove_import};
use crate::store::demand::Demand;
use crate::store::kept::Stored;
use crate::store::terms::Term;
use crate::words;

pub(super) async fn run(command: Command, context: &Context) -> Answer {
    match command {
        Command::Keep(command) => keep::run::<Demand>(command, context).await,
        Command::Words(command) => keep::run::<Term>(command, context).await,
        Command::Summary => summary(context).await,
        Command::Imports => imports(context).await,
        Command::Remove { import } => remove(import, context).await,
    }
}

async fn summary(context: &Context) -> Answer {
    let node = open(context).await?;
    let all: Result<Vec<Stored<Demand>>, _> = node.store.kept().await;
    node.store.close().await;
    let all = all?;
    let today = london_day((context.clock)());
    let found = added_up::summary(all.iter().map(|row| &row.it), today);
    let mut lines = Vec::new();
    for block in &found.blocks {
        let who = if block.people_ask {
            "people ask for themselves"
        } else {
            "employers, charities and public bodies ask"
        };
        let counts = words::sentence(block.counts.id());
        let counts = counts.trim_end_matches('.');
        lines.push(format!("{counts}, by skill and place ({who})"));
        for ((skill, area), sum) in &block.cells {
            let number = match sum.told {
                Told::NotPublished => "not published".to_owned(),
                _ => words::count(sum.number),
            };
            let told = match sum.told {
                Told::Yes => "may be shared",
                Told::NotPublished => "nothing to share",
                Told::People | Told::Few | Told::Under => "not to be shared",
            };
            let area = area_title(area.as_ref());
            lines.push(format!("{number:>14}  {}, {area}: {told}", skill.title()));
        }
    }
    if found.over > 0 {
        let over = words::some(found.over, "record", "records");
        lines.push(format!("Left out because their last day is over: {over}."));
    }
    if found.older > 0 {
        let older = words::some(found.older, "record", "records");
        lines.push(format!(
            "Left out because a newer year of the same survey is there: {older}."
        ));
    }
    if found.blocks.is_empty() {
        lines.push("Nothing is recorded that holds today.".to_owned());
    }
    let json = serde_json::to_value(Sums::of(&found, true));
    Ok(Output {
        text: lines.join("\n"),
        json: json.expect("sums hold texts, numbers and booleans"),
    })
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
