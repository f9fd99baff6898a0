//! `enrol`.

use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::{Context, cli, open};
use crate::enrol::{Checked, EnrolError, over_https};
use crate::transport::Unreachable;

impl From<EnrolError> for Refusal {
    fn from(error: EnrolError) -> Self {
        let command = match error {
            EnrolError::NoIdentity => " Or run `ldsp-node lep --set CODE`.",
            EnrolError::Sample => " Or run `ldsp-node sample remove`.",
            _ => "",
        };
        Self::new(&error, format!("{}{command}", error.next()))
    }
}

impl From<Unreachable> for Refusal {
    fn from(error: Unreachable) -> Self {
        Self::new(&error, error.next())
    }
}

pub(super) async fn run(args: &cli::Enrol, context: &Context) -> Answer {
    let file = std::fs::read(&args.invite).map_err(|error| {
        Refusal::new(
            format!("the invite cannot be read: {error}"),
            "Check the path of the invite file.",
        )
    })?;
    let now = (context.clock)();
    let checked = Checked::read(&file, now)?;
    let node = open(context).await?;
    let mut rng = (context.entropy)();
    // The name is not proved by a secret, so who gave it stands beside it.
    let who = match &args.name {
        Some(name) => format!("{name}, {}", context.who),
        None => context.who.clone(),
    };
    let enrolled = over_https(&node, &checked, &who, now, &mut *rng).await?;
    node.store.close().await;
    let (place, fingerprint) = (enrolled.enrolment, enrolled.fingerprint);
    let next = if place.active {
        "The key is approved. Next: `ldsp-node release prepare --as NAME`."
    } else {
        "Next: read this fingerprint to the national operator over the telephone. They compare it and approve the key."
    };
    Ok(Output {
        text: format!(
            "Enrolled as {} at {}.\n\nFingerprint of this node's key:\n{}\n\n{next}",
            place.node,
            place.origin,
            fingerprint.in_blocks(),
        ),
        json: json!({
            "node": place.node,
            "origin": place.origin,
            "active": place.active,
            "key": fingerprint,
        }),
    })
}
