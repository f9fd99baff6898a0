//! Nodes for those who run the federation: who is invited, whose key waits, who is late.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, Notification, PostForm, Table, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::{Answer, Failure, figures, words};
use crate::Service;
use crate::announce::{Act, AnnounceError};
use crate::benchmark::{LepStanding, Status};
use crate::store::{InviteRow, Log, Node, Registry, StoreError};

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let page = page(&service, &person, None).await?;
    // Only what is true: the address could name any node.
    for (name, state, done) in [
        ("approved", NodeState::Active, "may publish now."),
        ("revoked", NodeState::Revoked, "can publish nothing more."),
    ] {
        let named: Option<NodeSlug> = query.get(name).and_then(|n| n.parse().ok());
        if let Some(slug) = named
            && let Some(node) = service.store.node(&slug).await?
            && node.state == state
        {
            let notice = Notification::done(format!("{slug} {done}"));
            return Ok(page.notice(notice.content(Html::concat([
                Html::text("It stands in the public list of "),
                link("key events", "/keys"),
                Html::text("."),
            ]))));
        }
    }
    Ok(page)
}

pub(super) async fn approve(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(node): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let slug: NodeSlug = node.parse().map_err(|_| ProblemPage::not_found())?;
    let key = form.get("key").and_then(|k| k.parse().ok());
    let key: Digest = key.ok_or_else(ProblemPage::not_found)?;
    if form.get(&field(&slug)).map(String::as_str) != Some("yes") {
        let missing =
            "Confirm that you compared the fingerprint with the area by telephone or in person";
        let refused = page(&service, &person, Some((&slug, missing))).await?;
        return Ok(refused.into_response());
    }
    let act = Act {
        by: &person.name,
        at: service.now(),
    };
    match service.announcer().approve(&slug, key, act).await {
        Ok(stands) => {
            tracing::info!(node = %slug, by = %person.name, index = stands.index, "a node's key was approved");
            Ok(Redirect::to(&format!("/operator/nodes?approved={slug}")).into_response())
        }
        Err(AnnounceError::Store(error)) if !matches!(error, StoreError::Conflict(_)) => {
            Err(error.into())
        }
        Err(cause) => {
            let text = format!("Nothing was changed: {cause}.");
            let refused = page(&service, &person, Some((&slug, &text))).await?;
            Ok(refused.into_response())
        }
    }
}

async fn page(service: &Service, person: &SignedIn, error: Option<(&NodeSlug, &str)>) -> Answer {
    let nodes = service.store.nodes().await?;
    let snapshot = service.snapshot().await?;
    let may_approve = person.is_any(super::OPERATORS);
    let in_state = |state| nodes.iter().filter(move |n| n.state == state);
    let mut invites = Vec::new();
    for node in in_state(NodeState::Invited) {
        invites.push((node, service.store.invite_of(&node.node).await?));
    }
    let mut waiting = Vec::new();
    for node in in_state(NodeState::Pending) {
        waiting.push((node, service.store.invite_of(&node.node).await?));
    }
    let standings: Vec<&LepStanding> = snapshot
        .leps()
        .iter()
        .filter(|s| s.state == Some(NodeState::Active))
        .collect();
    let body = Body {
        pending: waiting
            .iter()
            .filter_map(|(n, invite)| pending(n, invite.as_ref(), may_approve, error))
            .collect(),
        invited: invited(&invites, service.now(), may_approve),
        late: late(&standings, snapshot.range().map(|r| r.to), service),
        active: active(&standings, &service.store.conflicts().await?, may_approve),
        revoked: revoked(&nodes),
        may_approve,
    };
    let mut page = Page::new("Manage nodes")
        .breadcrumb("Home", "/")
        .body(Html::render(&body));
    if let Some((slug, text)) = error {
        page = page.errors(ErrorSummary::new().error(field(slug), text));
    }
    Ok(page)
}

#[derive(Template)]
#[template(path = "operator_nodes.html")]
struct Body {
    pending: Vec<Pending>,
    invited: Html,
    late: Html,
    active: Html,
    revoked: Html,
    may_approve: bool,
}

struct Pending {
    area: String,
    node: String,
    /// Who invited it, and when.
    invited: Option<String>,
    blocks: Vec<String>,
    form: Html,
}

fn lep_name(node: &Node) -> String {
    Geography::embedded()
        .lep(&node.lep)
        .map_or_else(|| node.lep.to_string(), |l| l.name.clone())
}

/// The box's name, and so its id: unique among the forms of the page.
fn field(node: &NodeSlug) -> String {
    format!("compared-{node}")
}

fn pending(
    node: &Node,
    invite: Option<&InviteRow>,
    may_approve: bool,
    error: Option<(&NodeSlug, &str)>,
) -> Option<Pending> {
    let fingerprint = key_id(node.key.as_ref()?);
    let digits = fingerprint.in_blocks();
    let blocks: Vec<&str> = digits.split(' ').collect();
    let mine = error
        .filter(|(slug, _)| **slug == node.node)
        .map(|(_, text)| text);
    let form = if may_approve {
        approval_form(&node.node, fingerprint, mine)
    } else {
        Html::default()
    };
    Some(Pending {
        area: lep_name(node),
        node: node.node.to_string(),
        invited: invite.map(|i| {
            format!(
                "Invited by {} on {}.",
                i.created_by,
                words::moment(i.created)
            )
        }),
        blocks: blocks.chunks(4).map(|row| row.join(" ")).collect(),
        form,
    })
}

fn approval_form(node: &NodeSlug, fingerprint: Digest, error: Option<&str>) -> Html {
    let field = Field::new(field(node), "Did you compare the fingerprint?")
        .hint("Ring the area’s IT team on a number that you knew before. Have them read their fingerprint aloud: their node shows it on the page Place in the federation.")
        .error_if(error);
    let boxes = Checkboxes::new(
        field,
        [Choice::new(
            "yes",
            "I compared all 64 characters with the area, not by e-mail, and they are the same",
        )],
    );
    let form = PostForm::to(format!("/operator/nodes/{node}/approve"))
        .hidden("key", fingerprint.to_string())
        .with(boxes)
        .with(Button::new(format!("Approve {node}")));
    form.into()
}

fn invited(invites: &[(&Node, Option<InviteRow>)], now: jiff::Timestamp, may_invite: bool) -> Html {
    let make = match may_invite {
        true => Button::link("Invite an area", super::invite::PATH).into(),
        false => Html::default(),
    };
    if invites.is_empty() {
        return Html::concat([Html::paragraph("No invite is open."), make]);
    }
    let columns = ["Area", "Node", "Invited by", "Invited", "Invite ends"];
    let table = Table::new("Invites that have not been used")
        .caption_hidden()
        .columns(columns.into_iter().chain(may_invite.then_some("Invite")))
        .rows(invites.iter().map(|(node, invite)| {
            let [by, made, ends] = invite.as_ref().map_or_else(
                || ["–", "–", "–"].map(str::to_owned),
                |i| {
                    let ended = if i.expires < now { " (ended)" } else { "" };
                    [
                        i.created_by.clone(),
                        words::moment(i.created),
                        format!("{}{ended}", words::moment(i.expires)),
                    ]
                },
            );
            let again = may_invite.then(|| {
                link(
                    &format!("Make a new one for {}", node.node),
                    &format!("{}?node={}", super::invite::PATH, node.node),
                )
            });
            let cells = [lep_name(node), node.node.to_string(), by, made, ends];
            cells.map(Html::from).into_iter().chain(again)
        }));
    Html::concat([table.into(), make])
}

/// Active nodes that lack the latest month that any area has, or the last month that has ended.
fn late(standings: &[&LepStanding], latest: Option<Period>, service: &Service) -> Html {
    let ended = Period::of(service.today()).and_then(|p| p.plus(-1));
    let behind: Vec<_> = standings
        .iter()
        .filter(|s| s.status != Status::Contributed)
        .collect();
    let expected = match (latest, ended) {
        (Some(latest), Some(ended)) => format!(
            "The latest month that any area has is {}; the last month that has ended is {}.",
            latest.in_words(),
            ended.in_words()
        ),
        _ => String::new(),
    };
    if behind.is_empty() {
        return Html::paragraph(&format!("No active node is behind the others. {expected}"));
    }
    let table = Table::new("Active nodes that are behind")
        .caption_hidden()
        .columns(["Area", "Node", "Latest month"])
        .rows(behind.iter().map(|s| {
            [
                s.place.name.clone(),
                s.node
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                s.range
                    .map_or_else(|| "nothing yet".to_owned(), |r| latest_month(s, r.to)),
            ]
        }));
    Html::concat([Html::paragraph(&expected), table.into()])
}

/// `June 2026`, with the standard whose summary of it is owed.
fn latest_month(s: &LepStanding, month: Period) -> String {
    let owed = super::standards::titles(&s.owes);
    if s.status != Status::Partial || owed.is_empty() {
        return month.in_words();
    }
    format!("{}, without its summary under {owed}", month.in_words())
}

fn active(
    standings: &[&LepStanding],
    conflicts: &BTreeMap<NodeSlug, u64>,
    may_revoke: bool,
) -> Html {
    if standings.is_empty() {
        return InsetText::new("No node is active yet.").into();
    }
    let of = |s: &LepStanding| {
        let count = s.node.as_ref().and_then(|n| conflicts.get(n));
        count.copied().unwrap_or_default()
    };
    let table = Table::new("Active nodes")
        .caption_hidden()
        .columns(
            ["Area", "Node", "Months published", "Releases", "Conflicts"]
                .into_iter()
                .chain(may_revoke.then_some("Key")),
        )
        .numeric([3, 4])
        .rows(standings.iter().map(|s| {
            let node = s
                .node
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let months = s
                .range
                .map_or_else(|| "nothing yet".to_owned(), figures::period);
            let revoke =
                may_revoke.then(|| link("Revoke", &format!("/operator/nodes/{node}/revoke")));
            let cells = [
                Html::text(&s.place.name),
                link(&node, &format!("/nodes/{node}")),
                Html::text(&months),
                Html::text(&s.releases.to_string()),
                Html::text(&words::thousands(of(s))),
            ];
            cells.into_iter().chain(revoke).collect::<Vec<_>>()
        }));
    if conflicts.is_empty() {
        return table.into();
    }
    let meaning = "A conflict: the node signed two different statements for one place. The first stands in the log, and the other is kept as proof. \
                   Ask the area whether it restored an old copy; if not, its key may be in other hands.";
    Html::concat([table.into(), Html::paragraph(meaning)])
}

fn revoked(nodes: &[Node]) -> Html {
    let revoked: Vec<_> = nodes.iter().filter_map(|n| Some((n, n.revoked?))).collect();
    if revoked.is_empty() {
        return Html::paragraph("No key has been revoked.");
    }
    Table::new("Nodes whose key was revoked")
        .caption_hidden()
        .columns(["Area", "Node", "Revoked"])
        .rows(revoked.into_iter().map(|(node, index)| {
            let place = format!("Place {} in the log", words::thousands(index));
            [
                Html::text(&lep_name(node)),
                link(node.node.as_str(), &format!("/nodes/{}", node.node)),
                link(&place, &format!("/statements/{index}")),
            ]
        }))
        .into()
}
