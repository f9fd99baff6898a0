//! `lep`: which LEP the node is of, and choosing it.

use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::home::Node;
use crate::lep::{self, LepError};

impl From<LepError> for Refusal {
    fn from(error: LepError) -> Self {
        Self::new(&error, error.next_by_command())
    }
}

pub(super) async fn run(set: Option<&str>, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = said(&node, set, context).await;
    node.store.close().await;
    answer
}

async fn said(node: &Node, set: Option<&str>, context: &Context) -> Answer {
    if let Some(code) = set {
        let lep = lep::choose(node, code, &context.who, (context.clock)()).await?;
        return Ok(Output {
            text: format!("This is the node of {} ({}).", lep.name, lep.code),
            json: json!({"lep": lep.code, "name": lep.name}),
        });
    }
    let fixed = node.store.lep_fixed().await?;
    let stays = match fixed {
        Some(why) => format!("It stays so: {}.", why.in_words()),
        None => "It may still be changed: `ldsp-node lep --set CODE`.".to_owned(),
    };
    let lep = node.chosen();
    Ok(Output {
        text: match &lep {
            Some(lep) => format!("This is the node of {} ({lep}). {stays}", node.place()),
            None => "The LEP of this node is not chosen yet: `ldsp-node lep --set CODE`, or an admin on the node\u{2019}s pages.".to_owned(),
        },
        json: json!({
            "lep": lep,
            "name": lep.as_ref().map(|_| node.place()),
            "fixed": fixed.map(|why| why.in_words()),
        }),
    })
}
