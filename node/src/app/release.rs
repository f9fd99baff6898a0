//! `release preview`, `release approve`, `release show`.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_ui::secret::{Secret, verify};
use serde_json::{Value, json};

use super::cli::Release;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::enrol;
use crate::home::Node;
use crate::release::{
    self, Approval, ReleaseError, Request, Shown, ShownTable, approve, prepare, show,
};
use crate::store::people::Person;
use crate::store::{Store, StoreError, enrolment};
use crate::transport::Https;

impl From<ReleaseError> for Refusal {
    fn from(error: ReleaseError) -> Self {
        Self::new(&error, error.next())
    }
}

pub(super) async fn run(command: Release, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match command {
        Release::Preview {
            name,
            period,
            first,
        } => {
            let request = Request {
                period,
                first,
                rho_micro: context.config.rho_micro,
            };
            preview(&node, request, name.as_deref(), context).await
        }
        Release::Approve {
            name,
            digest,
            period,
        } => approve_one(&node, &name, digest, period, context).await,
        Release::Show { period } => shown(&node, period).await,
    };
    node.store.close().await;
    answer
}

async fn preview(node: &Node, request: Request, name: Option<&str>, context: &Context) -> Answer {
    let now = (context.clock)();
    let waiting = release::waiting(&node.store, request.period).await?;
    let prepared = match (waiting, name) {
        (Some(release), _) => release,
        (None, None) => {
            return Err(Refusal::new(
                "no release is prepared, and preparing one takes an author",
                "Add `--as NAME` with the name of an author. The noise of a month is drawn once, when it is prepared.",
            ));
        }
        (None, Some(name)) => {
            let author = sign_in(&node.store, name).await?;
            refresh(&node.store).await?;
            prepare(&node.store, request, &author.name, now, &context.entropy)
                .await?
                .release
        }
    };
    let shown = show(&node.store, Some(prepared.period)).await?;
    let payload: Value = serde_json::from_slice(&prepared.payload).map_err(|_| {
        Refusal::from(StoreError::Corrupt {
            table: "releases",
            column: "payload",
            row: prepared.period.to_string(),
        })
    })?;
    let payload_text = String::from_utf8_lossy(&prepared.payload);
    Ok(Output {
        text: in_words(&shown),
        json: json!({
            "period": shown.period,
            "digest": shown.digest,
            "author": shown.author,
            "approver": shown.approver,
            "payload": payload,
            "payload_text": payload_text,
        }),
    })
}

async fn approve_one(
    node: &Node,
    name: &str,
    digest: Digest,
    period: Option<Period>,
    context: &Context,
) -> Answer {
    let person = sign_in(&node.store, name).await?;
    refresh(&node.store).await?;
    let approval = Approval {
        person: &person.name,
        period,
        digest,
    };
    let now = (context.clock)();
    let seq = approve(&node.store, &node.signing, &approval, now).await?;
    Ok(Output {
        text: format!(
            "Approved. It is statement {seq} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
        ),
        json: json!({"seq": seq, "digest": digest}),
    })
}

/// Asks the aggregator how the node stands, so that a node restored from a backup neither draws nor signs. Without a connection the last
/// answer holds.
pub(super) async fn refresh(store: &Store) -> Result<(), Refusal> {
    let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
    let place = enrolment::read(&mut connection).await?;
    drop(connection);
    let Some(place) = place else { return Ok(()) };
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    match enrol::refresh(store, &transport, &place).await {
        Ok(_) => Ok(()),
        Err(enrol::EnrolError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "the aggregator was not asked how this node stands; its last answer holds");
            Ok(())
        }
    }
}

async fn shown(node: &Node, period: Option<Period>) -> Answer {
    let shown = show(&node.store, period).await?;
    Ok(Output {
        text: in_words(&shown),
        json: json!(shown),
    })
}

/// The person, once their secret is right. A wrong name and a wrong secret are told in the same words.
pub(super) async fn sign_in(store: &Store, name: &str) -> Result<Person, Refusal> {
    let secret = Secret::ask(name).map_err(|error| {
        Refusal::new(
            format!("the secret cannot be read: {error}"),
            "Type it at the prompt, or give it as one line on standard input.",
        )
    })?;
    let wrong = || {
        Refusal::new(
            "name and secret do not belong together",
            "Check the spelling of the name; `ldsp-node people list` shows who is there, `ldsp-node people secret NAME` gives a new secret.",
        )
    };
    let person = store.person(name).await?.ok_or_else(wrong)?;
    let hash = person.secret_hash.clone();
    let right = tokio::task::spawn_blocking(move || verify(&secret, &hash))
        .await
        .unwrap_or(false);
    if right { Ok(person) } else { Err(wrong()) }
}

fn in_words(shown: &Shown) -> String {
    let mut text = format!(
        "Release of {period}, prepared by {author}.{epoch}\n\n\
         What leaves: {tables} tables, {bytes} bytes, every cell with noise. Exact counts stand on the signed-in pages only.\n\n\
         {published:>12} {sd:>9} {cells:>6}  table\n",
        period = shown.period.in_words(),
        author = shown.author,
        epoch = match shown.epoch {
            1 => "",
            _ =>
                " Second epoch: this node lost its ledger and its figures have fresh noise, at the cost of another privacy budget.",
        },
        tables = shown.tables.len(),
        bytes = shown.bytes,
        published = "readers'",
        sd = "standard",
        cells = "cells",
    );
    text.push_str(&format!(
        "{:>12} {:>9} {:>6}\n",
        "estimate", "deviation", ""
    ));
    for ShownTable {
        title,
        cells,
        published,
        sd,
        ..
    } in &shown.tables
    {
        text.push_str(&format!(
            "{published:>12.1} {sd:>9.1} {cells:>6}  {title}\n"
        ));
    }
    text.push_str(&format!("\nDigest: {}\n", shown.digest));
    match (&shown.approver, shown.seq) {
        (Some(approver), Some(seq)) => {
            text.push_str(&format!("Approved by {approver}: statement {seq}.\n"));
        }
        _ => text.push_str(&format!(
            "Next: an approver who is not {} runs `ldsp-node release approve --as NAME --digest {}`.\n",
            shown.author, shown.digest
        )),
    }
    text
}
