//! `providers`: list, rename.

use serde_json::json;

use super::cli::Providers;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::import::clean_provider;
use crate::store::audit::COMMAND_LINE;
use crate::store::providers::Renamed;

pub(super) async fn run(command: Providers, context: &Context) -> Answer {
    match command {
        Providers::List => list(context).await,
        Providers::Rename { old, new } => rename(&old, &new, context).await,
    }
}

async fn list(context: &Context) -> Answer {
    let node = open(context).await?;
    let all = node.store.providers().await?;
    node.store.close().await;
    let line = |(name, was): &(String, Option<String>)| match was {
        Some(was) => format!("{name} (first named {was})"),
        None => name.clone(),
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    let text = if lines.is_empty() {
        "No file has named a provider so far.".to_owned()
    } else {
        lines.join("\n")
    };
    let providers = all
        .iter()
        .map(|(name, was)| json!({"name": name, "was": was}));
    Ok(Output {
        text,
        json: json!({"providers": providers.collect::<Vec<_>>()}),
    })
}

async fn rename(old: &str, new: &str, context: &Context) -> Answer {
    let Some(new) = clean_provider(new) else {
        return Err(Refusal::new(
            "the new name cannot be a provider's",
            "Give a name of at most 200 characters without personal data, as the provider's files write it.",
        ));
    };
    let node = open(context).await?;
    let now = (context.clock)();
    let done = node
        .store
        .rename_provider(old, &new, COMMAND_LINE, now)
        .await?;
    node.store.close().await;
    match done {
        Renamed::Done => Ok(Output {
            text: format!(
                "{new} is the provider that files named {old} so far.\nNext: import its file; its learners and enrolments stay the same ones."
            ),
            json: json!({"name": new, "was": old}),
        }),
        Renamed::Unknown => Err(Refusal::new(
            format!("no file has named a provider {old}"),
            "`ldsp-node providers list` shows the names; capitals and spaces do not matter.",
        )),
        Renamed::Taken => Err(Refusal::new(
            format!(
                "files have named {new} as a provider already, or an organisation of this name is there"
            ),
            "Two providers cannot become one here: their enrolments were counted as different ones. Use the old name in the files. An organisation that was added under the new name is given another one first (`organisations set`), and people who sign in for it the right one (`people role`).",
        )),
    }
}
