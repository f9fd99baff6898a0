//! `access`, `erase`, `retain`.

use ldsp_ui::secret::ask_unseen;
use ldsp_ui::terminal::{self, Word};
use serde_json::json;

use super::cli::{Retain, Whom};
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::home::Node;
use crate::rights::{self, Asked, NewPeriod, Policy, RightsError, Subject};

impl From<RightsError> for Refusal {
    fn from(error: RightsError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

async fn subject(node: &Node, whom: &Whom) -> Result<Subject, Refusal> {
    let prompt = match &whom.provider {
        Some(provider) => format!("Reference of the learner at {provider}: "),
        None => "ULN of the learner: ".to_owned(),
    };
    let typed = ask_unseen(&prompt).map_err(|error| {
        Refusal::new(
            format!("the learner\u{2019}s number cannot be read: {error}"),
            "Type it at the prompt, or give it as one line on standard input.",
        )
    })?;
    let asked = match &whom.provider {
        Some(provider) => Asked {
            provider: provider.clone(),
            reference: typed,
            ..Asked::default()
        },
        None => Asked {
            uln: typed,
            ..Asked::default()
        },
    };
    Ok(asked.subject(node).await?)
}

pub(super) async fn access(whom: &Whom, html: bool, context: &Context) -> Answer {
    let node = open(context).await?;
    let subject = subject(&node, whom).await?;
    let configured = context.config.retention.as_ref();
    let policy = rights::policy(&node.store, configured).await?;
    let (policy, now) = (policy.as_ref(), (context.clock)());
    let held = rights::access(&node, subject, &whom.parts, policy, &context.who, now).await;
    node.store.close().await;
    let held = held?;
    Ok(Output {
        text: if html { held.document() } else { held.text() },
        json: json!(held),
    })
}

pub(super) async fn erase(whom: &Whom, (dry_run, yes): (bool, bool), context: &Context) -> Answer {
    let node = open(context).await?;
    let subject = subject(&node, whom).await?;
    let preview = rights::preview(&node, subject, &whom.parts).await?;
    let mut text = preview.effect.join("\n");
    for whose in &preview.parts {
        text.push_str(&format!("\n--part {}: {}", whose.part, whose.by));
        for found in &whose.enrolments {
            text.push_str(&format!("\n  {}, began {}", found.provider, found.start));
        }
    }
    if dry_run || preview.enrolments.is_empty() {
        node.store.close().await;
        if dry_run {
            text.push_str("\nNothing was changed.");
        }
        return Ok(Output {
            text,
            json: json!({"preview": preview, "erased": null}),
        });
    }
    if !yes && let Err(refusal) = confirm(&text) {
        node.store.close().await;
        return Err(refusal);
    }
    let erased =
        rights::erase(&node, subject, &whom.parts, &context.who, (context.clock)()).await?;
    let clean = scrub(&node).await;
    node.store.close().await;
    Ok(Output {
        text: format!(
            "{text}\nDone: {} enrolment(s) erased. {}",
            erased.enrolments,
            scrubbed(clean)
        ),
        json: json!({"preview": preview, "erased": erased, "files_overwritten": clean}),
    })
}

/// Shows what goes, and has it meant.
fn confirm(text: &str) -> Result<(), Refusal> {
    let about = format!("{text}\nThis cannot be undone.");
    match terminal::asked_for("erase", &about) {
        Word::Given => Ok(()),
        Word::Withheld => Err(Refusal::new(
            "something else was typed, so nothing was erased",
            "Run the command again if it is meant.",
        )),
        Word::NoTerminal => Err(Refusal::new(
            "an erasure cannot be undone, and there is no terminal to confirm it at",
            "Look at what would go with --dry-run, then say --yes.",
        )),
    }
}

/// Writes the files anew; what keeps it from that is no reason to say that nothing was erased.
async fn scrub(node: &Node) -> bool {
    match node.store.scrub().await {
        Ok(done) => done,
        Err(error) => {
            tracing::warn!(%error, next = error.next(), "the files were not written anew yet");
            false
        }
    }
}

fn scrubbed(clean: bool) -> &'static str {
    if clean {
        "The files were written anew: nothing of it is left in them. Backups of before still hold it; restoring one erases it again with the journal."
    } else {
        "The files are in use and still hold old bytes of it: `ldsp-node serve` overwrites them with its next turn. Backups of before hold it too; restoring one erases it again with the journal."
    }
}

pub(super) async fn retain(args: &Retain, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match (args.set, args.reason.as_deref()) {
        (Some(months), Some(reason)) if !args.dry_run => {
            set_period(&node, months.0, reason, context).await
        }
        (Some(months), _) => {
            let policy = months.0.map(Policy::of);
            told(&node, policy.as_ref(), context).await
        }
        (None, _) => {
            let configured = context.config.retention.as_ref();
            let policy = rights::policy(&node.store, configured).await?;
            match (policy, args.dry_run) {
                (None, _) => Err(RightsError::NoPeriod.into()),
                (Some(policy), true) => told(&node, Some(&policy), context).await,
                (Some(policy), false) => delete(&node, &policy, context).await,
            }
        }
    };
    node.store.close().await;
    answer
}

/// Says for how long records are kept.
async fn set_period(node: &Node, months: Option<u16>, reason: &str, context: &Context) -> Answer {
    let new = NewPeriod {
        months,
        reason,
        instead_of: None,
    };
    let (configured, now) = (context.config.retention.as_ref(), (context.clock)());
    rights::set_period(&node.store, configured, new, &context.who, now).await?;
    let text = match months {
        Some(months) => format!(
            "Records are kept for {months} months from now on. What is over by it goes on Sunday at 04:00, while `serve` runs, not before.\nNext: `ldsp-node retain --dry-run` counts what is due."
        ),
        None => "Nothing is deleted by itself from now on.".to_owned(),
    };
    Ok(Output {
        text,
        json: json!({"months": months, "reason": reason, "by": context.who}),
    })
}

/// What would go.
async fn told(node: &Node, policy: Option<&Policy>, context: &Context) -> Answer {
    let Some(policy) = policy else {
        return Ok(Output {
            text: "Nothing would be deleted by itself.\nNothing was changed.".to_owned(),
            json: json!({"due": null, "deleted": null}),
        });
    };
    let due = rights::due(&node.store, policy, (context.clock)()).await?;
    Ok(Output {
        text: format!("{}\nNothing was changed.", due.sentences().join("\n")),
        json: json!({"due": due, "deleted": null}),
    })
}

async fn delete(node: &Node, policy: &Policy, context: &Context) -> Answer {
    let now = (context.clock)();
    let due = rights::due(&node.store, policy, now).await?;
    let mut text = due.sentences().join("\n");
    let gone = rights::retain(node, policy, &context.who, now).await?;
    let clean = scrub(node).await;
    text.push_str(&format!(
        "\nDone: {} learner(s) with {} enrolment(s) deleted.",
        gone.learners, gone.enrolments
    ));
    if gone.learners > 0 {
        text.push_str(&format!(" {}", scrubbed(clean)));
    }
    Ok(Output {
        text,
        json: json!({"due": due, "deleted": gone, "files_overwritten": clean}),
    })
}
