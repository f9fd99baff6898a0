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
use crate::store::{Equivocation, KEPT_PLACES, Log, LoggedStatement, Node, StoreError};

/// Who may have a proof. A second release of a month holds a second draw of its noise: both together tell more about learners
/// than one, whoever is at fault. A second practice entry may hold what the checks would have refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Everybody,
    Staff,
    /// One of the two is an entry that its authors keep for enrolled areas, and people who sign in here are not those.
    Nobody,
}

fn readers(service: &Service, logged: &LoggedStatement, refused: &Equivocation) -> Readers {
    if logged.withdrawn.is_some() {
        return of_withdrawn(service, refused);
    }
    if logged.kind != Kind::PracticeEntry {
        let two = body::<LearningSummary>(&logged.envelope)
            .zip(body::<LearningSummary>(&refused.envelope));
        return match two {
            Some((a, b)) if a.period == b.period && a.payload == b.payload => Readers::Everybody,
            _ => Readers::Staff,
        };
    }
    let two = body::<PracticeEntry>(&logged.envelope).zip(body::<PracticeEntry>(&refused.envelope));
    // What cannot be read says nothing of who may read it.
    let Some((a, b)) = two else {
        return Readers::Nobody;
    };
    let open = |e: &PracticeEntry| e.sharing.is_public(service.today());
    match (open(&a.payload) && open(&b.payload), b.payload.check()) {
        (false, _) => Readers::Nobody,
        (true, faults) if faults.is_empty() => Readers::Everybody,
        (true, _) => Readers::Staff,
    }
}

/// What was withdrawn is no longer there to be compared: what was refused in its place is for operators and analysts, and for nobody before its day.
fn of_withdrawn(service: &Service, refused: &Equivocation) -> Readers {
    let entry = body::<PracticeEntry>(&refused.envelope);
    match entry {
        Some(entry) if !entry.payload.sharing.is_public(service.today()) => Readers::Nobody,
        _ => Readers::Staff,
    }
}

fn body<P: DeserializeOwned>(envelope: &[u8]) -> Option<Body<P>> {
    let unverified = Unverified::parse(envelope).ok()?;
    serde_json::from_slice(unverified.unverified_body()).ok()
}

fn may_read(readers: Readers, person: Option<&SignedIn>) -> bool {
    match readers {
        Readers::Everybody => true,
        Readers::Staff => person.is_some_and(|p| p.is_any(super::READERS)),
        Readers::Nobody => false,
    }
}

/// The node's conflicts; nothing where there is none. Who may have a proof depends on both bodies, which are large: that is found out
/// for the one that is asked for.
pub(super) async fn list(service: &Service, node: &Node) -> Result<Html, StoreError> {
    let places = service.store.contradictions(&node.node).await?;
    if places.is_empty() {
        return Ok(Html::default());
    }
    let is_full = places.len() >= KEPT_PLACES as usize;
    let rows = places.into_iter().map(|place| {
        let stands = place.index.map_or_else(
            || Html::text("–"),
            |index| {
                let title = format!("Statement {index}");
                link(&title, &format!("/statements/{index}"))
            },
        );
        let proof = format!("/nodes/{}/conflicts/{}", node.node, place.seq);
        [
            Html::text(&words::thousands(place.seq)),
            stands,
            entry::code(&place.logged.to_string()),
            entry::code(&place.refused.to_string()),
            Html::text(&words::moment(place.received)),
            link("Proof: both envelopes (JSON)", &proof),
        ]
    });
    let warning = "This node signed two different statements for one place of its sequence. The first stands; the other was refused and is kept as proof.";
    let meaning = "It may have been restored from an old copy, or its key may be in other hands. Its operators have to say which.";
    let readers = "Where the two differ in protected figures, or one would not have passed the checks, the proof is for the operators and analysts of this site: a \
                   second draw of noise for the same month would weaken what protects learners. What its authors share with enrolled areas first is \
                   withheld until its day. Of what was withdrawn since, its leaf and its receipt are left. Both digests are public.";
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
    let full = if is_full {
        Html::paragraph("No more of them are kept: these are proof enough.")
    } else {
        Html::default()
    };
    Ok(Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\" id=\"conflicts\">Conflicts</h2>"),
        Warning::new(warning).into(),
        Html::paragraph(meaning),
        table.into(),
        full,
        Html::paragraph(readers),
    ]))
}

/// Both envelopes and the key that signed them, in one file.
pub(super) async fn proof(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
    person: Option<SignedIn>,
) -> Result<Response, Failure> {
    let node = node::find(&service, &node).await?;
    let seq: i64 = seq.parse().map_err(|_| ProblemPage::not_found())?;
    let place = u64::try_from(seq).map_err(|_| ProblemPage::not_found())?;
    let proof = service.store.evidence(&node.node, place).await?;
    let proof = proof.ok_or_else(ProblemPage::not_found)?;
    let logged = service.store.statement(&node.node, proof.seq).await?;
    let logged = logged.ok_or_else(ProblemPage::not_found)?;
    let key = node.key.as_ref().ok_or_else(ProblemPage::not_found)?;
    let readers = readers(&service, &logged, &proof);
    if !may_read(readers, person.as_ref()) {
        return Err(ProblemPage::forbidden(match readers {
            Readers::Nobody => "One of the two statements is shared with enrolled areas first. Until its day it is not given here to anybody; its digest is on the node’s page.",
            _ if logged.withdrawn.is_some() => "The statement that stands in this place was withdrawn. Only operators and analysts of this site may have what is left: its leaf with the proof that it is in the log, and what was refused.",
            _ => "The two statements differ in protected figures, or one of them is not open to everybody. Only operators and analysts of this site may have both.",
        })
        .into());
    }
    // An envelope is JSON in UTF-8 and goes in as it is: re-serialised it would no longer be the bytes that came.
    // What was withdrawn is gone.
    let text = |bytes: &[u8]| match String::from_utf8_lossy(bytes).trim() {
        "" => "null".to_owned(),
        envelope => envelope.to_owned(),
    };
    let receipt = match logged.withdrawn {
        Some(_) => service.receipt(logged.index).await?,
        None => None,
    };
    let receipt = receipt.map_or_else(String::new, |receipt| {
        format!(
            ",\"receipt\":{}",
            serde_json::Value::from(receipt.into_text())
        )
    });
    let file = format!(
        "{{\"node\":\"{}\",\"seq\":{},\"public_key\":{},\"logged\":{{\"index\":{},\"pae\":\"{}\",\"envelope\":{}{receipt}}},\"refused\":{{\"received\":\"{}\",\"pae\":\"{}\",\"envelope\":{}}}}}\n",
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
            match readers {
                Readers::Everybody => "no-cache",
                _ => "no-store",
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
