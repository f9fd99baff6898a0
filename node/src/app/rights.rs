//! `access`, `erase`, `retain`.

use ldsp_ui::secret::ask_unseen;
use serde_json::json;

use super::cli::Whom;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::home::Node;
use crate::rights::{self, Asked, RightsError, Subject};
use crate::store::audit::COMMAND_LINE;

impl From<RightsError> for Refusal {
    fn from(error: RightsError) -> Self {
        Self::new(&error, error.next())
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
    let (policy, now) = (context.config.retention.as_ref(), (context.clock)());
    let held = rights::access(&node, subject, &whom.parts, policy, COMMAND_LINE, now).await;
    node.store.close().await;
    let held = held?;
    Ok(Output {
        text: if html { held.document() } else { held.text() },
        json: json!(held),
    })
}

pub(super) async fn erase(whom: &Whom, dry_run: bool, context: &Context) -> Answer {
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
    let erased =
        rights::erase(&node, subject, &whom.parts, COMMAND_LINE, (context.clock)()).await?;
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

pub(super) async fn retain(dry_run: bool, context: &Context) -> Answer {
    let Some(policy) = &context.config.retention else {
        return Err(RightsError::NoPeriod.into());
    };
    let node = open(context).await?;
    let now = (context.clock)();
    let due = rights::due(&node.store, policy, now).await?;
    let mut text = due.sentences().join("\n");
    if dry_run {
        node.store.close().await;
        text.push_str("\nNothing was changed.");
        return Ok(Output {
            text,
            json: json!({"due": due, "deleted": null}),
        });
    }
    let gone = rights::retain(&node, policy, COMMAND_LINE, now).await?;
    let clean = scrub(&node).await;
    node.store.close().await;
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
