//! One node: its key, its months, its statements, and where it contradicted itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{CodeBlock, InsetText, SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage};

use super::nodes::{Sent, state_tag, tally};
use super::statements::{List, area_name};
use super::{Answer, Failure, conflict, figures, keys, paging, revisions, words};
use crate::Service;
use crate::benchmark::LepStanding;
use crate::store::{Log, Node, Outline, Registry, Span, StatementFilter, StoreError};

/// Months that the calendar looks back: those of two whole epochs.
const MONTHS: u32 = 240;
const NAMES: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

pub(super) async fn find(service: &Service, node: &str) -> Result<Node, Failure> {
    let unknown = || {
        ProblemPage::not_found()
            .happened("No node has this name here.")
            .next("Look for it in the list of those who contribute.")
    };
    let slug: NodeSlug = node.parse().map_err(|_| unknown())?;
    let found = service.store.node(&slug).await?;
    Ok(found.ok_or_else(unknown)?)
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(node): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let node = find(&service, &node).await?;
    let snapshot = service.snapshot().await?;
    let standing = snapshot
        .leps()
        .iter()
        .find(|s| s.node.as_ref() == Some(&node.node));
    let sent = Sent::of(&node.node, &tally(&service.store, &snapshot).await?);
    let list = List {
        path: format!("/nodes/{}", node.node),
        filter: StatementFilter {
            node: Some(node.node.clone()),
            kind: None,
            span: paging::span(&query),
        },
        of_one_node: true,
    };
    let statements = if sent.statements() == 0 {
        nothing(&node)
    } else {
        list.html(&service).await?
    };
    let body = Body {
        facts: facts(&node, standing, sent),
        key: key(&node),
        events: keys::of(&service, &node).await?,
        months: months(&service, &node).await?,
        statements,
        conflicts: conflict::list(&service, &node).await?,
        revisions: revisions::of_area(&service, &node.node, standing).await?,
    };
    Ok(Page::new(area_name(&node))
        .caption(format!("Node {}", node.node))
        .breadcrumb("Home", "/")
        .breadcrumb("Who contributes", "/nodes")
        .body(Html::render(&body)))
}

#[derive(Template)]
#[template(path = "node.html")]
struct Body {
    facts: SummaryList,
    conflicts: Html,
    revisions: Html,
    months: Html,
    key: Html,
    events: Html,
    statements: Html,
}

fn facts(node: &Node, standing: Option<&LepStanding>, sent: Sent) -> SummaryList {
    let months = standing.and_then(|s| s.range).map_or_else(
        || "None yet".to_owned(),
        |r| format!("{} ({})", words::thousands(sent.months), figures::period(r)),
    );
    let figures = link(
        "Its figures beside England’s, and what it has learnt",
        &format!("/leps/{}", node.lep),
    );
    let statements = match sent.withdrawn {
        0 => words::thousands(sent.statements()),
        gone => format!(
            "{}, {} of them withdrawn since",
            words::thousands(sent.statements()),
            words::thousands(gone)
        ),
    };
    let facts = SummaryList::new()
        .fact("State", state_tag(node, standing))
        .fact("Area", figures)
        .fact("Months released", months)
        .fact("Practice entries", words::thousands(sent.entries))
        .fact("Statements", statements);
    match sent.times {
        None => facts,
        Some((first, latest)) => facts
            .fact("First received", words::moment(first))
            .fact("Latest received", words::moment(latest)),
    }
}

fn nothing(node: &Node) -> Html {
    let text = match node.state {
        NodeState::Active => {
            "This node has joined and has not sent anything yet. Its first statement appears here within a second of its arrival."
        }
        NodeState::Pending => {
            "This node has asked to join. An operator compares its key with the area over the telephone before it may publish."
        }
        NodeState::Invited => {
            "This node has been invited and has not asked to join yet. Its IT team installs it and sends its key."
        }
        NodeState::Revoked => {
            "This node’s key was revoked before it sent anything. Nothing that the key signs is accepted."
        }
    };
    InsetText::new(text).into()
}

fn key(node: &Node) -> Html {
    let Some(key) = &node.key else {
        return Html::paragraph("It has no key yet: a node makes its key when it asks to join.");
    };
    let approved = match node.state {
        NodeState::Active => {
            "An operator of this site compared it with the area before the node could publish."
        }
        NodeState::Revoked => {
            "It was revoked: nothing more that it signs is accepted, and what was logged before stays valid."
        }
        NodeState::Invited | NodeState::Pending => {
            "It is not approved yet: nothing that it signs is accepted."
        }
    };
    Html::concat([
        Html::paragraph(&format!(
            "Everything that the node publishes is signed by one key (Ed25519). {approved} The area’s own staff see the same fingerprint with ldsp-node status."
        )),
        CodeBlock::new(
            "fingerprint",
            "Fingerprint (SHA-256 of the key)",
            key_id(key).in_blocks(),
        )
        .into(),
        CodeBlock::new("key", "Public key", pem(key)).into(),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "Download the key (PEM)",
            &format!("/nodes/{}/key.pem", node.node),
        ),
        Html::text(" · "),
        link(
            "What this server tells programs about the node (JSON)",
            &format!("/v1/nodes/{}", node.node),
        ),
        Html::literal("</p>"),
    ])
}

/// `SubjectPublicKeyInfo` of an Ed25519 key (RFC 8410, section 4) as PEM.
pub(super) fn pem(key: &VerifyingKey) -> String {
    const PREFIX: [u8; 12] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = [&PREFIX[..], key.as_bytes()].concat();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64.encode(der)
    )
}

pub(super) async fn key_file(
    State(service): State<Arc<Service>>,
    Path(node): Path<String>,
) -> Result<Response, Failure> {
    // The log signs under a name as nodes do, and is checked in the same way.
    let (name, key) = if node == own::NAME {
        (node, *service.signer.verifier().key())
    } else {
        let node = find(&service, &node).await?;
        let key = node.key.ok_or_else(|| {
            ProblemPage::not_found()
                .happened("The node has no key yet: it makes one when it asks to join.")
                .next("Come back when the node has joined.")
        })?;
        (node.node.to_string(), key)
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.pem\""),
        ),
    ];
    Ok((headers, pem(&key)).into_response())
}

/// Years by months, each released month a link to its statement.
async fn months(service: &Service, node: &Node) -> Result<Html, StoreError> {
    let mut released = Vec::new();
    for kind in [Kind::Correction, Kind::LearningSummary] {
        let filter = StatementFilter {
            node: Some(node.node.clone()),
            kind: Some(kind),
            span: Span::Newest,
        };
        released.extend(service.store.latest(&filter, MONTHS).await?);
    }
    released.sort_by_key(|s| std::cmp::Reverse(s.index));
    let mut years: BTreeMap<i16, BTreeMap<i8, Vec<&Outline>>> = BTreeMap::new();
    for s in &released {
        if let Some(month) = s.period {
            let first = month.first_day();
            years
                .entry(first.year())
                .or_default()
                .entry(first.month())
                .or_default()
                .push(s);
        }
    }
    if years.is_empty() {
        return Ok(Html::paragraph("None yet."));
    }
    let rows = years.iter().rev().map(|(year, released)| {
        let cells =
            (1..=12).map(|month| places(released.get(&month).map_or(&[][..], Vec::as_slice)));
        std::iter::once(Html::text(&year.to_string()))
            .chain(cells)
            .collect::<Vec<_>>()
    });
    let columns = std::iter::once("Year").chain(NAMES);
    let table = Table::new("Months released, each with its statement’s place in the log")
        .caption_hidden()
        .columns(columns)
        .numeric(1..=12)
        .rows(rows);
    Ok(Html::concat([
        Html::paragraph(
            "A number is the place in the log of that month’s statement. A month has two while its node changes to another data standard, and one more each time that it was withdrawn and published again.",
        ),
        table.into(),
    ]))
}

/// The places of a month's statements (newest first) in the order of the log.
fn places(of: &[&Outline]) -> Html {
    let place = |s: &&Outline| {
        let withdrawn = if s.withdrawn.is_some() {
            " (withdrawn)"
        } else {
            ""
        };
        link(
            &format!("{}{withdrawn}", s.index),
            &format!("/statements/{}", s.index),
        )
    };
    match of {
        [] => Html::text("–"),
        [one] => place(one),
        [rest @ .., first] => {
            let others = rest.iter().rev();
            let others = others.flat_map(|s| [Html::text(", "), place(s)]);
            Html::concat(std::iter::once(place(first)).chain(others))
        }
    }
}
