//! `providers`: list, rename.

use serde_json::json;

use super::cli::Providers;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::renaming::{self, RenameError};

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

impl From<RenameError> for Refusal {
    fn from(error: RenameError) -> Self {
        Self::new(&error, error.next())
    }
}

async fn rename(old: &str, new: &str, context: &Context) -> Answer {
    let node = open(context).await?;
    let now = (context.clock)();
    let named = renaming::rename(&node.store, (old, new), &context.who, now).await;
    node.store.close().await;
    let new = named?;
    Ok(Output {
        text: format!(
            "{new} is the provider that files named {old} so far.\nNext: import its file; its learners and enrolments stay the same ones."
        ),
        json: json!({"name": new, "was": old}),
    })
}
