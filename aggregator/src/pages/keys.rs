//! Key events: which key counted for which area from which place in the log on, each told in plain words.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::own::{KeyAdd, KeyRevoke, Own};
use ldsp_ui::components::{InsetText, Pagination, SummaryList, Tag, TagColour, link};
use ldsp_ui::{Html, Page};

use super::statements::area_name;
use super::{Answer, entry, paging, words};
use crate::Service;
use crate::announce::{KEY_EVENTS, read, subject};
use crate::store::{Log, LoggedStatement, Node, Registry, StoreError};

/// Events on one page.
const PAGE: usize = 20;

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let fetch = |span, limit| service.store.announced(&KEY_EVENTS, span, limit);
    let index = |s: &LoggedStatement| s.index;
    let paged = paging::page(paging::span(&query), PAGE, index, fetch).await?;
    let href = |span| paging::href("/keys", &[], span);
    let events = if paged.items.is_empty() {
        InsetText::new(
            "No key has been added yet. When an operator of this site approves an area’s key, it appears here with the person who did it and its proof.",
        )
        .into()
    } else {
        Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\">Newest first</h2>"),
            cards(&service, &paged.items).await?,
            Pagination::new("Key events", paged.previous.map(href), paged.next.map(href)).into(),
        ])
    };
    Ok(Page::new("Keys of the areas")
        .breadcrumb("Home", "/")
        .breadcrumb("Who contributes", "/nodes")
        .body(Html::concat([intro(), events])))
}

fn intro() -> Html {
    Html::concat([
        Html::paragraph(
            "Everything that an area publishes is signed with the area’s key. Here stands each time that a key was added or revoked, newest first.",
        ),
        Html::paragraph(
            "Each event is a statement of the log itself, signed with the log’s key, at a place of its own between the areas’ statements. \
             So none can be slipped in, changed or left out unnoticed, and the order of the log, never a clock, decides which statements a key counts for.",
        ),
        Html::literal("<p class=\"govuk-body\">"),
        link("The same for programs (JSON)", "/api/v1/keys"),
        Html::literal("</p>"),
    ])
}

/// The node's own events, newest first.
pub(super) async fn of(service: &Service, node: &Node) -> Result<Html, StoreError> {
    let mut events = Vec::new();
    for index in [node.revoked, node.added].into_iter().flatten() {
        let found = service.store.owns(index, 1).await?;
        events.extend(found.into_iter().filter(|s| s.index == index));
    }
    if events.is_empty() {
        return Ok(Html::paragraph("None yet: its key has not been approved."));
    }
    cards(service, &events).await
}

/// One event, told in words.
pub(super) struct Event {
    index: u64,
    title: String,
    tag: Tag,
    what: String,
    reason: Option<String>,
    facts: SummaryList,
}

#[derive(Template)]
#[template(path = "key_events.html")]
struct Cards {
    events: Vec<Event>,
}

/// The events among the log's own statements, told in words.
pub(super) async fn cards(
    service: &Service,
    statements: &[LoggedStatement],
) -> Result<Html, StoreError> {
    let nodes = service.store.nodes().await?;
    let mut events = Vec::with_capacity(statements.len());
    for statement in statements {
        let own = read(statement)?.payload;
        let Some(subject) = subject(&own) else {
            continue;
        };
        let node = nodes.iter().find(|n| n.node == *subject);
        let area = node.map_or_else(|| subject.to_string(), area_name);
        events.extend(event(statement, &own, &area));
    }
    Ok(Html::render(&Cards { events }))
}

/// `None` for what is no event of a key.
fn event(statement: &LoggedStatement, own: &Own, area: &str) -> Option<Event> {
    match own {
        Own::KeyAdd(add) => Some(added(statement, add, area)),
        Own::KeyRevoke(revoke) => Some(revoked(statement, revoke, area)),
        Own::Standard(_) | Own::BenchmarkRun(_) | Own::Finding(_) | Own::Questionnaire(_) => None,
    }
}

fn added(statement: &LoggedStatement, add: &KeyAdd, area: &str) -> Event {
    let what = if add.from < statement.index {
        format!(
            "{} had compared the key’s fingerprint with the area and approved it before the log kept events of keys. With this statement \
             the key became part of the log: it counts from place {}, the node’s first statement, on.",
            add.approved_by,
            words::thousands(add.from)
        )
    } else {
        format!(
            "{} compared the key’s fingerprint with the area and approved it. From place {} in the log on, statements by the name of this node \
             count if this key signed them.",
            add.approved_by,
            words::thousands(add.from)
        )
    };
    let facts = facts(statement, &add.node, "Approved by", &add.approved_by)
        .fact("Key (SHA-256)", entry::code(&add.key_id.to_string()))
        .fact("Counts from", place(add.from))
        .fact(
            "For the figures",
            "No figure changes by it. What the node publishes under this key comes into them.",
        )
        .fact("Check it", checks(statement));
    Event {
        index: statement.index,
        title: format!("{area}: key added"),
        tag: Tag::coloured("Added", TagColour::Green),
        what,
        reason: None,
        facts,
    }
}

fn revoked(statement: &LoggedStatement, revoke: &KeyRevoke, area: &str) -> Event {
    let what = format!(
        "{} revoked the key. From place {} in the log on, nothing that it signs is taken, whoever holds it. What stands before that place stays valid.",
        revoke.revoked_by,
        words::thousands(revoke.from)
    );
    let facts = facts(statement, &revoke.node, "Revoked by", &revoke.revoked_by)
        .fact("Key (SHA-256)", entry::code(&revoke.key_id.to_string()))
        .fact("Counts no more from", place(revoke.from))
        .fact(
            "For the figures",
            "No figure changes by it. What the node published before stays in them; nothing new of it comes in.",
        )
        .fact("Check it", checks(statement));
    Event {
        index: statement.index,
        title: format!("{area}: key revoked"),
        tag: Tag::coloured("Revoked", TagColour::Red),
        what,
        reason: Some(revoke.reason.clone()),
        facts,
    }
}

fn facts(statement: &LoggedStatement, node: &NodeSlug, did: &str, who: &str) -> SummaryList {
    SummaryList::new()
        .fact("Node", link(node.as_str(), &format!("/nodes/{node}")))
        .fact(did, who)
        .fact(
            "When",
            format!("{}, London time", words::moment(statement.received)),
        )
}

fn place(index: u64) -> Html {
    link(
        &format!("Place {} in the log", words::thousands(index)),
        &format!("/statements/{index}"),
    )
}

fn checks(statement: &LoggedStatement) -> Html {
    let space = || Html::text(" · ");
    let envelope = format!("/v1/nodes/{}/statements/{}", statement.node, statement.seq);
    Html::concat([
        link("Signed envelope", &envelope),
        space(),
        link(
            "Proof that it is in the log",
            &format!("{envelope}/receipt"),
        ),
        space(),
        link(
            "How to check both",
            &format!("/statements/{}", statement.index),
        ),
    ])
}
