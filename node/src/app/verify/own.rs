//! `verify own`: what this machine holds, then what the log gives of it.

use serde_json::json;

use super::super::cli::VerifyOwn;
use super::super::output::{Answer, Output, Refusal};
use super::{Context, held, here, root};
use crate::home::HomeError;
use crate::store::enrolment::Enrolment;
use crate::transport::Https;
use crate::verify::Fault;
use crate::verify::own::{Own, Served, served};
use crate::verify::source::{Reader, Server};
use crate::words::count;

pub(super) async fn run(args: &VerifyOwn, context: &Context) -> Answer {
    let Some((node, place)) = here(context).await? else {
        return Err(HomeError::Missing(context.config.data_dir.clone()).into());
    };
    let Some(place) = place else {
        node.store.close().await;
        return Err(Refusal::new(
            "this node is not enrolled and has published nothing",
            "Enrol it first: `ldsp-node enrol --invite FILE`.",
        ));
    };
    let found = held(&node, &place, &context.config.data_dir).await;
    let reader = Reader {
        place: place.clone(),
        key: node.signing.clone(),
        clock: context.clock.clone(),
    };
    node.store.close().await;
    let (own, _) = found?;
    let served = if args.offline {
        None
    } else {
        let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
        let source = Server::new(transport, Some(reader));
        Some(served(&source, &place, &own).await.map_err(unasked)?)
    };
    Ok(told(&own, &place, served.as_ref()))
}

/// Where the log cannot be asked, what this machine holds can still be checked.
fn unasked(fault: Fault) -> Fault {
    match fault.code {
        "source" => Fault {
            what: format!(
                "what this node holds is as it was signed, but the log could not be asked for it: {}",
                fault.what
            ),
            next: "Check the network and the address and try again; `--offline` checks only what this machine holds.",
            ..fault
        },
        _ => fault,
    }
}

fn told(own: &Own, place: &Enrolment, served: Option<&Served>) -> Output {
    let newest = own.newest.as_ref().map_or_else(
        || "none".to_owned(),
        |c| format!("{} entries, root {}", count(c.size), root(c)),
    );
    let plain = match own.plain {
        0 => String::new(),
        n => format!(
            ", {} of before the log had a tree, the log's bare word",
            count(n)
        ),
    };
    let content = match served {
        None => "Content     the log was not asked".to_owned(),
        Some(served) => format!(
            "Content     the log gives {} as signed; {} withdrawn by this node and gone",
            count(served.given),
            count(served.withdrawn)
        ),
    };
    let gives = if served.is_some() {
        ", and that it gives\nthis node each of them, but for what the node took back itself"
    } else {
        ""
    };
    Output {
        text: format!(
            "Everything that this node published is as it was signed.\n\
             Statements  {} by {}, in one chain from the first; {} waiting to be acknowledged\n\
             Receipts    {} prove a place in the log{plain}\n\
             Checkpoint  the newest among them: {newest}\n\
             {content}\n\n\
             This proves that these bytes were signed with this node's key and that {} acknowledged them{gives}.\n\
             It does not prove that the log's tree still holds them: `ldsp-node verify log` does.",
            count(own.statements),
            place.node,
            count(own.waiting),
            count(own.proven),
            place.origin,
        ),
        json: json!({
            "node": place.node,
            "origin": place.origin,
            "statements": own.statements,
            "waiting": own.waiting,
            "receipts": own.proven,
            "plain_receipts": own.plain,
            "newest": own.newest.as_ref().map(|c| json!({"size": c.size, "root": root(c)})),
            "served": served.map(|s| json!({"given": s.given, "withdrawn": s.withdrawn})),
        }),
    }
}
