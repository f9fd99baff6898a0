//! Inviting an area: what its IT team is sent, shown once.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::enrolment::{Invite, NodeState};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, NodeSlug};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, CodeBlock, Details, ErrorSummary, Field, InsetText, Notification,
    PostForm, Select, SummaryList, TextInput, list,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::{Answer, Failure, words};
use crate::Service;
use crate::invite::{self, InviteError, Order};
use crate::store::{Node, Registry, StoreError};

pub(super) const PATH: &str = "/operator/invites/new";

/// What was filled in.
struct Filled {
    lep: String,
    node: String,
    days: String,
    /// The key that waits may be dropped.
    again: bool,
}

impl Default for Filled {
    fn default() -> Self {
        Self {
            lep: String::new(),
            node: String::new(),
            days: invite::DAYS.end().to_string(),
            again: false,
        }
    }
}

type Errors = Vec<(&'static str, String)>;

pub(super) async fn ask(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let nodes = service.store.nodes().await?;
    let named = query.get("node");
    let known = nodes
        .iter()
        .find(|n| Some(n.node.as_str()) == named.map(String::as_str));
    let filled = known.map_or_else(Filled::default, |node| Filled {
        lep: node.lep.to_string(),
        node: node.node.to_string(),
        ..Filled::default()
    });
    Ok(page(&nodes, &filled, &Vec::new()))
}

pub(super) async fn make(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let text = |name: &str| form.get(name).map_or("", String::as_str).trim().to_owned();
    let filled = Filled {
        lep: text("lep"),
        node: text("node"),
        days: text("days"),
        again: text("again") == "yes",
    };
    let nodes = service.store.nodes().await?;
    let order = match read(&filled, &nodes, &person.name) {
        Ok(order) => order,
        Err(errors) => return Ok(page(&nodes, &filled, &errors).into_response()),
    };
    let mut rng = (service.entropy)();
    let made = invite::make(
        &service.store,
        service.host(),
        &order,
        service.now(),
        &mut *rng,
    )
    .await;
    match made {
        Ok(invite) => {
            tracing::info!(node = %invite.node, by = %person.name, expires = %invite.expires, "an area was invited");
            Ok(shown(&invite).into_response())
        }
        Err(InviteError::Store(error)) if !matches!(error, StoreError::Conflict(_)) => {
            Err(error.into())
        }
        Err(error) => {
            let field = error.field().unwrap_or("lep");
            let said = format!("{} {}", words::sentence(&error.to_string()), error.next());
            let errors = vec![(field, said.trim_end().to_owned())];
            Ok(page(&nodes, &filled, &errors).into_response())
        }
    }
}

/// The order, or what is wrong with it.
fn read(filled: &Filled, nodes: &[Node], by: &str) -> Result<Order, Errors> {
    let mut errors = Errors::new();
    let code: Option<Gss> = filled.lep.parse().ok();
    let lep = code.and_then(|code| Geography::embedded().lep(&code));
    if lep.is_none() {
        errors.push(("lep", "Choose the area".to_owned()));
    }
    let slug: Option<NodeSlug> = match (filled.node.as_str(), lep) {
        ("", Some(lep)) => nodes
            .iter()
            .find(|node| node.lep == lep.code)
            .map_or_else(|| Some(lep.slug.clone()), |node| Some(node.node.clone())),
        ("", None) => None,
        (name, _) => name.parse().ok(),
    };
    if slug.is_none() && !filled.node.is_empty() {
        let form = "Use 2 to 32 of the letters a to z, digits and hyphens, such as black-country";
        errors.push(("node", form.to_owned()));
    }
    let days = filled
        .days
        .parse()
        .ok()
        .filter(|days| invite::DAYS.contains(days));
    if days.is_none() {
        errors.push(("days", "Enter a number of days from 1 to 7".to_owned()));
    }
    let (Some(lep), Some(node), Some(days)) = (lep, slug, days) else {
        return Err(errors);
    };
    let waits = |n: &&Node| n.node == node && n.state == NodeState::Pending;
    if nodes.iter().any(|n| waits(&n)) && !filled.again {
        let drops = format!(
            "{node} has enrolled and its key waits for your approval. A new invite drops that key: confirm it if the area lost it"
        );
        return Err(vec![("again", drops)]);
    }
    Ok(Order {
        node,
        lep: lep.code.clone(),
        days,
        by: by.to_owned(),
    })
}

fn page(nodes: &[Node], filled: &Filled, errors: &Errors) -> Page {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    let mut leps: Vec<_> = Geography::embedded().leps().collect();
    leps.sort_by_key(|lep| lep.name.as_str());
    let none = Choice::new("", "Choose").chosen(filled.lep.is_empty());
    let choices = leps.into_iter().filter_map(|lep| {
        let state = nodes.iter().find(|n| n.lep == lep.code).map(|n| n.state);
        let label = match state {
            None => lep.name.clone(),
            Some(NodeState::Invited) => format!("{} (invited before)", lep.name),
            Some(NodeState::Pending) => format!("{} (its key waits for approval)", lep.name),
            // It publishes, or did.
            Some(NodeState::Active | NodeState::Revoked) => return None,
        };
        Some(Choice::new(lep.code.as_str(), label).chosen(filled.lep == lep.code.as_str()))
    });
    let area = Field::new("lep", "Which area do you invite?")
        .hint("Areas whose node publishes already are not in the list.")
        .error_if(error("lep"));
    let days = Field::new("days", "For how many days does the invite hold?")
        .hint("1 to 7. It works once, whichever day that is.")
        .value(filled.days.clone())
        .error_if(error("days"));
    let name = Field::new("node", "Name of the node")
        .hint("Leave it empty for the area\u{2019}s own, such as black-country. It is public and stays for ever.")
        .value(filled.node.clone())
        .error_if(error("node"));
    let name = Details::new("Give the node another name", TextInput::new(name).width(20));
    let name = if filled.node.is_empty() {
        name
    } else {
        name.open()
    };
    let mut form = PostForm::to(PATH)
        .with(Select::new(area, std::iter::once(none).chain(choices)))
        .with(TextInput::new(days).numeric().width(2))
        .with(name);
    if error("again").is_some() {
        let field = Field::new("again", "A key waits for approval").error_if(error("again"));
        let drop = Choice::new("yes", "Drop the key that waits; the area enrols anew");
        form = form.with(Checkboxes::new(field, [drop]));
    }
    Page::new("Invite an area")
        .breadcrumb("Home", "/")
        .breadcrumb("Manage nodes", "/operator/nodes")
        .errors(summary)
        .body(form.with(Button::new("Make the invite")))
}

/// The file as something that a browser saves without another request: it holds a secret, and is kept nowhere.
fn download(invite: &Invite, file: &str) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<p class="govuk-body"><a class="govuk-button" role="button" draggable="false" data-module="govuk-button" download="{{ name }}.invite" href="data:application/octet-stream;base64,{{ data }}">Save {{ name }}.invite</a></p>"#,
        ext = "html"
    )]
    struct Download<'a> {
        name: &'a str,
        data: String,
    }
    Html::render(&Download {
        name: invite.node.as_str(),
        data: BASE64.encode(file),
    })
}

/// The invite, once.
fn shown(invite: &Invite) -> Page {
    let file = invite::file(invite);
    let area = Geography::embedded().lep(&invite.lep);
    let area = area.map_or_else(|| invite.lep.to_string(), |lep| lep.name.clone());
    let facts = SummaryList::new()
        .fact("Area", area.clone())
        .fact("Name of its node", invite.node.as_str())
        .fact("Works once, until", words::moment(invite.expires));
    let next = list([
        format!("Save the file and give it to the IT team of {area}, and to nobody else: whoever uses it first enrols a node in the area\u{2019}s name. A shared folder or an encrypted message will do; plain e-mail will not."),
        "Their admin opens the page Place in the federation of their node, chooses the file and sees the fingerprint below. If they ring you, compare it.".to_owned(),
        "Their key then waits under Manage nodes. Ring them, compare its fingerprint, and approve it.".to_owned(),
    ]);
    let fingerprint = CodeBlock::new(
        "invite-fingerprint",
        "Fingerprint of the invite",
        invite.fingerprint().in_blocks(),
    );
    let text = Details::new(
        "The text of the invite, to copy instead",
        CodeBlock::new("invite-text", "Text of the invite", file.clone()),
    );
    Page::new(format!("An invite for {area}"))
        .breadcrumb("Home", "/")
        .breadcrumb("Manage nodes", "/operator/nodes")
        .notice(Notification::done("The invite is made. It is shown only now"))
        .body(Html::concat([
            facts.into(),
            download(invite, &file),
            text.into(),
            Html::literal("<h2 class=\"govuk-heading-m\">What happens next</h2>"),
            next,
            fingerprint.into(),
            InsetText::new("The server keeps a digest of the invite\u{2019}s secret, not the invite: if the file is lost, make a new one, and this one opens nothing any more.").into(),
            Button::link("Back to the nodes", "/operator/nodes").secondary().into(),
        ]))
}
