//! Where a node contradicted itself: two signed statements for one place, and the proof of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::statement::{Body, Kind};
use ldsp_protocol::summary::LearningSummary;
use ldsp_ui::components::{Table, Warning, link};
use ldsp_ui::{Html, ProblemPage, SignedIn};
use serde::de::DeserializeOwned;

use super::node::{self, pem};
use super::{Failure, entry, words};
use crate::Service;
use crate::store::{Equivocation, Log, LoggedStatement, Node, StoreError};

/// Whether the proof may be read by everybody. A second release of a month holds a second draw of its noise: both
/// together tell more about learners than one, whoever is at fault. A second practice entry may be for peers, or hold
/// what the checks would have refused.
fn is_open(service: &Service, logged: &LoggedStatement, refused: &Equivocation) -> bool {
    match logged.kind {
        Kind::LearningSummary => {
            let two = body::<LearningSummary>(&logged.envelope)
                .zip(body::<LearningSummary>(&refused.envelope));
            two.is_some_and(|(a, b)| a.period == b.period && a.payload == b.payload)
        }
        Kind::PracticeEntry => {
            let two = body::<PracticeEntry>(&logged.envelope)
                .zip(body::<PracticeEntry>(&refused.envelope));
            two.is_some_and(|(a, b)| {
                let open = |e: &PracticeEntry| e.sharing.is_public(service.today());
                open(&a.payload) && open(&b.payload) && b.payload.check().is_empty()
            })
        }
        // The log's own: no node has two of them.
        Kind::KeyAdd | Kind::KeyRevoke | Kind::Standard => false,
    }
}

fn body<P: DeserializeOwned>(envelope: &[u8]) -> Option<Body<P>> {
    let unverified = Unverified::parse(envelope).ok()?;
    serde_json::from_slice(unverified.unverified_body()).ok()
}

/// The node's conflicts; nothing where there is none.
pub(super) async fn list(
    service: &Service,
    node: &Node,
    person: Option<&SignedIn>,
) -> Result<Html, StoreError> {
    let proofs = service.store.evidence(&node.node).await?;
    if proofs.is_empty() {
        return Ok(Html::default());
    }
    let mut rows = Vec::with_capacity(proofs.len());
    let mut withheld = false;
    for proof in &proofs {
        let logged = service.store.statement(&node.node, proof.seq).await?;
        let open = logged
            .as_ref()
            .is_some_and(|logged| is_open(service, logged, proof));
        withheld |= !open;
        let place = logged.map_or_else(
            || Html::text("–"),
            |s| {
                link(
                    &format!("Statement {}", s.index),
                    &format!("/statements/{}", s.index),
                )
            },
        );
        let download = if open || person.is_some() {
            link(
                "Proof: both envelopes (JSON)",
                &format!("/nodes/{}/conflicts/{}", node.node, proof.seq),
            )
        } else {
            Html::text("For staff of this site")
        };
        rows.push([
            Html::text(&words::thousands(proof.seq)),
            place,
            entry::code(&proof.logged.to_string()),
            entry::code(&proof.refused.to_string()),
            Html::text(&words::moment(proof.received)),
            download,
        ]);
    }
    let warning = "This node signed two different statements for one place of its sequence. The first stands; the other was refused and is kept as proof.";
    let meaning = "It may have been restored from an old copy, or its key may be in other hands. Its operators have to say which.";
    let table = Table::new("Places with two signed statements")
        .caption_hidden()
        .columns([
            "Number",
            "What stands",
            "Its digest",
            "Digest of the refused one",
            "Refused",
            "Proof",
        ])
        .rows(rows);
    let why = if withheld {
        Html::paragraph(
            "Where the two differ in protected figures, or one is not open to everybody, the proof is for the staff of this site: a second draw \
             of noise for the same month would weaken what protects learners. Both digests are public.",
        )
    } else {
        Html::default()
    };
    Ok(Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\" id=\"conflicts\">Conflicts</h2>"),
        Warning::new(warning).into(),
        Html::paragraph(meaning),
        table.into(),
        why,
    ]))
}

/// Both envelopes and the key that signed them, in one file.
pub(super) async fn proof(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
    person: Option<SignedIn>,
) -> Result<Response, Failure> {
    let node = node::find(&service, &node).await?;
    let proofs = service.store.evidence(&node.node).await?;
    let proof = proofs.iter().find(|p| p.seq.to_string() == seq);
    let proof = proof.ok_or_else(ProblemPage::not_found)?;
    let logged = service.store.statement(&node.node, proof.seq).await?;
    let logged = logged.ok_or_else(ProblemPage::not_found)?;
    let key = node.key.as_ref().ok_or_else(ProblemPage::not_found)?;
    let open = is_open(&service, &logged, proof);
    if !open && person.is_none() {
        return Err(ProblemPage::forbidden(
            "The two statements differ in protected figures, or one of them is not open to everybody. Only staff of this site may have both.",
        )
        .into());
    }
    // An envelope is JSON in UTF-8 and goes in as it is: re-serialised it would no longer be the bytes that came.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let file = format!(
        "{{\"node\":\"{}\",\"seq\":{},\"public_key\":{},\"logged\":{{\"index\":{},\"pae\":\"{}\",\"envelope\":{}}},\"refused\":{{\"received\":\"{}\",\"pae\":\"{}\",\"envelope\":{}}}}}\n",
        node.node,
        proof.seq,
        serde_json::Value::from(pem(key)),
        logged.index,
        proof.logged,
        text(&logged.envelope),
        proof.received,
        proof.refused,
        text(&proof.envelope)
    );
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (
            header::CACHE_CONTROL,
            if open {
                "public, max-age=3600"
            } else {
                "no-store"
            }
            .to_owned(),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "attachment; filename=\"{}-{}-conflict.json\"",
                node.node, proof.seq
            ),
        ),
    ];
    Ok((headers, file).into_response())
}
