//! `sample`: made-up records.

use serde_json::json;

use super::cli::Sample;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::sample::{SampleError, bring_in, remove};

impl From<SampleError> for Refusal {
    fn from(error: SampleError) -> Self {
        let next = match &error {
            SampleError::Import(error) => error.next_by_command(),
            SampleError::Home(error) => error.next_by_command(),
            other => other.next(),
        };
        Self::new(&error, next)
    }
}

pub(super) async fn run(command: Sample, context: &Context) -> Answer {
    let node = open(context).await?;
    let now = (context.clock)();
    let done = match command {
        Sample::BringIn => bring_in(&node, &context.who, now).await,
        Sample::Remove => remove(&node.store, &context.who, now).await,
    };
    node.store.close().await;
    done?;
    let (text, there) = match command {
        Sample::BringIn => (
            "The made-up records are in. Nothing is imported, prepared or enrolled while they are there.\nNext: look around, by `ldsp-node quality show` and `ldsp-node release preview` or on the page /sample, which says where there is something to see; `ldsp-node sample remove` removes them whole.",
            true,
        ),
        Sample::Remove => ("The made-up records are removed.", false),
    };
    Ok(Output {
        text: text.to_owned(),
        json: json!({"sample": there}),
    })
}
