//! `statements list`, `withdraw`, `reissue`.

use serde_json::json;

use super::cli::Statements;
use super::output::{Answer, Output, Refusal};
use super::release::{refresh, sign_in};
use super::{Context, open};
use crate::home::Node;
use crate::revision::{self, Decision, RevisionError};
use crate::store::overview::StatementRow;
use crate::words;

impl From<RevisionError> for Refusal {
    fn from(error: RevisionError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

/// Which way a statement is revised.
#[derive(Clone, Copy)]
enum Way {
    Withdraw,
    Reissue,
}

pub(super) async fn run(command: Statements, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match command {
        Statements::List => list(&node).await,
        Statements::Withdraw { seq, reason, name } => {
            revise(&node, Way::Withdraw, (seq, &reason, &name), context).await
        }
        Statements::Reissue { seq, reason, name } => {
            revise(&node, Way::Reissue, (seq, &reason, &name), context).await
        }
    };
    node.store.close().await;
    answer
}

async fn revise(
    node: &Node,
    way: Way,
    (seq, reason, name): (u64, &str, &str),
    context: &Context,
) -> Answer {
    let person = sign_in(&node.store, name).await?;
    refresh(&node.store, (context.clock)()).await?;
    let decision = Decision {
        person: &person.name,
        seq,
        reason,
    };
    let now = (context.clock)();
    let (store, key) = (&node.store, &node.signing);
    let (by, done) = match way {
        Way::Withdraw => {
            let by = revision::withdraw(store, key, &decision, now).await?;
            (
                by,
                format!("Statement {seq} is withdrawn by statement {by}"),
            )
        }
        Way::Reissue => {
            let by = revision::reissue(store, key, &decision, now).await?;
            let done =
                format!("What statement {seq} published is published again as statement {by}");
            (by, done)
        }
    };
    Ok(Output {
        text: format!(
            "{done} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
        ),
        json: json!({"seq": by, "target": seq}),
    })
}

fn line(row: &StatementRow) -> String {
    let about = words::statement(row);
    let delivery = match row.log_index {
        Some(index) if row.acknowledged_at.is_some() => format!("received, log entry {index}"),
        _ => "on its way".to_owned(),
    };
    let mut line = format!("{:>4}  {about}: {delivery}", row.seq);
    if let Some(by) = row.withdrawn_by {
        line.push_str(&format!(", withdrawn by statement {by}"));
    }
    if let Some(by) = row.published_again_by {
        line.push_str(&format!(", published again as statement {by}"));
    }
    if let Some((_, reason)) = &row.names {
        line.push_str(&format!("\n      {reason}"));
    }
    line
}

async fn list(node: &Node) -> Answer {
    let rows = node.store.statements().await?;
    let lines: Vec<String> = rows.iter().map(line).collect();
    let text = if lines.is_empty() {
        "Nothing was sent yet.".to_owned()
    } else {
        lines.join("\n")
    };
    let json: Vec<_> = rows
        .iter()
        .map(|row| {
            let (target, reason) = row.names.clone().unzip();
            json!({
                "seq": row.seq,
                "kind": row.kind,
                "period": row.period,
                "pae": row.pae,
                "log_index": row.log_index,
                "withdrawn_by": row.withdrawn_by,
                "published_again_by": row.published_again_by,
                "target": target,
                "reason": reason,
            })
        })
        .collect();
    Ok(Output {
        text,
        json: json!({"statements": json}),
    })
}
