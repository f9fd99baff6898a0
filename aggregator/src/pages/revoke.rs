//! Revoking a node's key: asked, confirmed, done. It cannot be undone, so it has a page of its own.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own::MAX_REASON;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, CodeBlock, ErrorSummary, Field, InsetText, PostForm, SummaryList,
    TextArea, Warning, link,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::statements::area_name;
use super::{Answer, Failure, node, words};
use crate::Service;
use crate::announce::{Act, AnnounceError, one_line};
use crate::store::{Node, StoreError};

/// What was filled in, and what is wrong with it.
#[derive(Default)]
struct Filled {
    reason: String,
    bad_reason: Option<String>,
    unconfirmed: bool,
}

pub(super) async fn ask(State(service): State<Arc<Service>>, Path(name): Path<String>) -> Answer {
    let node = node::find(&service, &name).await?;
    Ok(page(&node, &Filled::default()))
}

pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let node = node::find(&service, &name).await?;
    let mut filled = Filled {
        reason: one_line(form.get("reason").map_or("", String::as_str)),
        bad_reason: None,
        unconfirmed: form.get("confirmed").map(String::as_str) != Some("yes"),
    };
    if filled.reason.is_empty() {
        filled.bad_reason = Some("Say why the key is revoked".to_owned());
    }
    if filled.unconfirmed || filled.bad_reason.is_some() {
        return Ok(page(&node, &filled).into_response());
    }
    let act = Act {
        by: &person.name,
        at: service.now(),
    };
    let announcer = service.announcer();
    match announcer.revoke(&node.node, &filled.reason, act).await {
        Ok(stands) => {
            tracing::warn!(node = %node.node, by = %person.name, index = stands.index, "a node's key was revoked");
            let done = format!("/operator/nodes?revoked={}", node.node);
            Ok(Redirect::to(&done).into_response())
        }
        Err(AnnounceError::Payload(cause)) => {
            filled.bad_reason = Some(format!("The log would say {cause}. Write it without that"));
            Ok(page(&node, &filled).into_response())
        }
        Err(AnnounceError::Store(StoreError::Conflict(_))) => {
            Ok(page(&super::node::find(&service, &name).await?, &filled).into_response())
        }
        Err(AnnounceError::Store(error)) => Err(error.into()),
    }
}

fn page(node: &Node, filled: &Filled) -> Page {
    let page = Page::new(format!("Revoke the key of {}", node.node))
        .caption(area_name(node))
        .breadcrumb("Home", "/")
        .breadcrumb("Manage nodes", "/operator/nodes");
    let key = node.key.filter(|_| node.state == NodeState::Active);
    let Some(key) = key else {
        return page.body(nothing_to_revoke(node));
    };
    let mut errors = ErrorSummary::new();
    if let Some(cause) = &filled.bad_reason {
        errors = errors.error("reason", cause);
    }
    if filled.unconfirmed {
        errors = errors.error("confirmed", CONFIRM);
    }
    let facts = SummaryList::new()
        .fact("Area", area_name(node))
        .fact("Statements logged", words::thousands(node.head.seq))
        .fact(
            "Approved by",
            node.approved_by.clone().unwrap_or_else(|| "–".to_owned()),
        );
    let body = Html::concat([
        Warning::new(
            "This cannot be undone. From then on nothing that the node signs is taken, and it cannot get another key yet.",
        )
        .into(),
        Html::paragraph(
            "Revoke a key when it may be in other hands: a stolen server, a copied disk, a person who left with it. What the node published before \
             stays valid and stays in every figure. Your name, the time and the reason become part of the public log, where nobody can take them back.",
        ),
        facts.into(),
        CodeBlock::new("fingerprint", "Fingerprint of the key", key_id(&key).in_blocks()).into(),
        form(node, filled),
    ]);
    page.errors(errors).body(body)
}

const CONFIRM: &str = "Confirm that the key is to be revoked";

fn form(node: &Node, filled: &Filled) -> Html {
    let reason = Field::new("reason", "Why is it revoked?")
        .hint("One or two sentences that everybody may read. No names, addresses or telephone numbers.")
        .value(filled.reason.clone())
        .error_if(filled.bad_reason.as_deref());
    let limit = u32::try_from(MAX_REASON).unwrap_or(u32::MAX);
    let confirmed = Field::new("confirmed", "Do you want to revoke it?")
        .error_if(filled.unconfirmed.then_some(CONFIRM));
    let form = PostForm::to(format!("/operator/nodes/{}/revoke", node.node))
        .with(TextArea::new(reason).rows(3).limit(limit))
        .with(Checkboxes::new(
            confirmed,
            [Choice::new(
                "yes",
                format!("Yes, the key of {} is to count no more", node.node),
            )],
        ))
        .with(Button::new("Revoke the key").warning());
    form.into()
}

fn nothing_to_revoke(node: &Node) -> Html {
    let text = match node.revoked {
        Some(from) => format!(
            "The key of this node was revoked at place {} in the log.",
            words::thousands(from)
        ),
        None => "This node has no approved key, so there is nothing to revoke.".to_owned(),
    };
    Html::concat([
        InsetText::new(text).into(),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "Its page and its key events",
            &format!("/nodes/{}", node.node),
        ),
        Html::literal("</p>"),
    ])
}
