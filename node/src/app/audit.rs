//! `audit list`, `export`, `check`.

use ldsp_protocol::ids::Digest;
use serde_json::json;

use super::cli::Audit;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::rights::export;
use crate::store::Store;
use crate::store::audit::{Checked, Entry, Fault, Filter};

pub(super) async fn run(command: Audit, context: &Context) -> Answer {
    let node = open(context).await?;
    let store = &node.store;
    let answer = match command {
        Audit::List { who, action, limit } => list(store, Filter { who, action }, limit).await,
        Audit::Export => export(store).await,
        Audit::Check { head } => check(store, head).await,
    };
    node.store.close().await;
    answer
}

fn line(entry: &Entry) -> String {
    format!(
        "{:>6}  {}  {}: {}  {}",
        entry.id, entry.at, entry.who, entry.action, entry.detail
    )
}

async fn list(store: &Store, filter: Filter, limit: u32) -> Answer {
    let entries = store.audit_before(None, limit, &filter).await?;
    let lines: Vec<String> = entries.iter().map(line).collect();
    Ok(Output {
        text: if lines.is_empty() {
            "No entry like that.".to_owned()
        } else {
            lines.join("\n")
        },
        json: json!({"entries": entries}),
    })
}

async fn export(store: &Store) -> Answer {
    let entries = export::all(store, &Filter::default()).await?;
    Ok(Output {
        text: export::csv(&entries),
        json: json!({"entries": entries}),
    })
}

async fn check(store: &Store, head: Option<Digest>) -> Answer {
    let checked = store.audit_check(head).await?;
    let json = json!({
        "entries": checked.entries,
        "head": checked.head,
        "fault": checked.fault.as_ref().map(ToString::to_string),
        "known": checked.known,
    });
    match &checked {
        Checked {
            fault: Some(fault), ..
        } => Err(Refusal {
            output: Some(Output {
                text: format!(
                    "{} entries were read; the first {} hold together.",
                    checked.entries, checked.head.entry
                ),
                json,
            }),
            ..broken(fault)
        }),
        Checked {
            known: Some(false), ..
        } => Err(Refusal::new(
            "no entry of the log has the hash that was written down earlier",
            "The log holds together but is another one: somebody made it anew, or the hash is of another node. Compare with older backups and exports.",
        )),
        _ => Ok(Output {
            text: format!(
                "The audit log is whole: {} entries, each bound to the one before.\nLast hash: {}\nNext: write that hash down elsewhere, and give it to `ldsp-node audit check --head` the next time.",
                checked.entries, checked.head.hash
            ),
            json,
        }),
    }
}

/// A log that does not hold together.
pub(super) fn broken(fault: &Fault) -> Refusal {
    Refusal::new(
        format!("the audit log does not hold together: {fault}"),
        "Somebody changed the database past this program. Keep it as it is, compare with `audit export` of an older backup, and tell the data protection officer.",
    )
}
