//! Practice of other areas, read from the aggregator as this node: also what only peers may see yet.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::{Factor, PracticeEntry, Sharing, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, Choice, Details, Field, InsetText, PostForm, Select, Tag, TagColour, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::practice_view::{entry_html, verdict_tag};
use super::{Answer, Boxed, Pages, fault, unread, words};
use crate::Clock;
use crate::home::Node;
use crate::store::enrolment;
use crate::store::people::Role;
use crate::submit::{self, ReadError};
use crate::transport::Https;

/// Reads a path of the aggregator with a signed request; `None` while the node is not enrolled.
pub type ReadPeers = Arc<dyn Fn(String) -> Boxed<Option<Result<Vec<u8>, ReadError>>> + Send + Sync>;

/// Reads over HTTPS from where the node is enrolled.
#[must_use]
pub fn peers_over_https(node: Node, clock: Clock) -> ReadPeers {
    Arc::new(move |path| {
        let (node, clock) = (node.clone(), clock.clone());
        Box::pin(async move {
            let mut reader = node.store.reader.acquire().await.ok()?;
            let enrolment = enrolment::read(&mut reader).await.ok().flatten()?;
            drop(reader);
            let transport = match Https::new(&enrolment.url, enrolment.ca_pem.as_deref()) {
                Ok(transport) => transport,
                Err(error) => return Some(Err(error.into())),
            };
            Some(submit::read(&transport, &enrolment, &node.signing, &path, clock()).await)
        })
    })
}

/// What the aggregator answers. Fields that a newer one adds are left aside.
#[derive(Deserialize)]
struct Listing {
    entries: Vec<Listed>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    node: NodeSlug,
    pae: Digest,
    entry: PracticeEntry,
}

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    tier: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    cause: String,
    before: Option<u64>,
}

impl Asked {
    /// The query for the aggregator, of known codes only.
    fn query(&self, before: Option<u64>) -> String {
        let tiers = &Standard::current().dimension(Dimension::Tier).codes;
        let mut parts = Vec::new();
        if tiers.iter().any(|c| c.id == self.tier) {
            parts.push(format!("tier={}", self.tier));
        }
        if let Some(verdict) = Verdict::parse(&self.verdict) {
            parts.push(format!("verdict={}", verdict.id()));
        }
        if let Some(factor) = Factor::parse(&self.cause) {
            parts.push(format!("cause={}", factor.id()));
        }
        parts.extend(before.map(|n| format!("before={n}")));
        if parts.is_empty() {
            String::new()
        } else {
            format!("?{}", parts.join("&"))
        }
    }
}

pub(super) async fn library(
    State(pages): State<Pages>,
    Query(asked): Query<Asked>,
    person: SignedIn,
) -> Answer {
    let path = format!("/v1/practice{}", asked.query(asked.before));
    let page = Page::new("Practice from other areas").breadcrumb("Practice", "/practice");
    let listing = match (pages.peers)(path).await {
        None => {
            return Ok(page.body(InsetText::new("This node is not enrolled with the national log yet, so there is nothing to read from other areas. Home says what is next.")).into_response());
        }
        Some(Err(error)) => {
            let reason = Html::concat([
                InsetText::new(format!(
                    "The entries of other areas cannot be read just now. {}",
                    unread(&error)
                ))
                .into(),
                Html::paragraph("Your own entries are not affected. Try again in a few minutes."),
            ]);
            return Ok(page
                .status(axum::http::StatusCode::BAD_GATEWAY)
                .body(reason)
                .into_response());
        }
        Some(Ok(bytes)) => serde_json::from_slice::<Listing>(&bytes).map_err(|_| {
            ProblemPage::new(
                axum::http::StatusCode::BAD_GATEWAY,
                "library_form",
                "The answer of the aggregator could not be read",
            )
            .happened("It is in a form that this version does not know.")
            .next("Ask the IT team whether a newer version of this program is there.")
        })?,
    };
    let figures = pages
        .node
        .store
        .own_figures(&pages.lep()?)
        .await
        .map_err(fault)?;
    let today = words_day(&pages);
    let mut pieces = vec![
        Html::paragraph(
            "Entries of all enrolled areas, newest first, also those that are shared with peers only. Please respect that: do not pass on what is marked \u{201c}peers only\u{201d}.",
        ),
        filters(&asked),
    ];
    if listing.entries.is_empty() {
        pieces.push(Html::paragraph("No entry matches."));
    }
    let may_write = person.role.as_str() == Role::Coordinator.as_str();
    pieces.extend(
        listing
            .entries
            .iter()
            .map(|listed| summary(listed, &figures, today, may_write)),
    );
    if let Some(next) = listing.next {
        let href = format!("/practice/library{}", asked.query(Some(next)));
        pieces.push(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("Older entries", &href),
            Html::literal("</p>"),
        ]));
    }
    Ok(page.body(Html::concat(pieces)).into_response())
}

fn words_day(pages: &Pages) -> jiff::civil::Date {
    (pages.clock)().to_zoned(crate::schedule::london()).date()
}

fn summary(
    listed: &Listed,
    figures: &crate::practice::OwnFigures,
    today: jiff::civil::Date,
    may_write: bool,
) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-m">{{ title }}</h2><p class="govuk-body">{{ verdict }} {% if let Some(peers) = peers %}{{ peers }} {% endif %}<span>{{ from }}</span></p>{{ details }}"#,
        ext = "html"
    )]
    struct Summary<'a> {
        title: &'a str,
        verdict: Tag,
        peers: Option<Tag>,
        from: String,
        details: Details,
    }
    let entry = &listed.entry;
    let peers = match entry.sharing {
        Sharing::PeersUntil(date) if !entry.sharing.is_public(today) => Some(Tag::coloured(
            format!("Peers only until {}", words::day(date)),
            TagColour::Purple,
        )),
        _ => None,
    };
    let mut content = vec![entry_html(entry, figures)];
    if may_write {
        let href = format!("/practice/new?replicates={}", listed.pae);
        content.push(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("We repeated this: write an entry about it", &href),
            Html::literal("</p>"),
        ]));
    }
    Html::render(&Summary {
        title: &entry.title,
        verdict: verdict_tag(entry.verdict),
        peers,
        from: format!("Node {}", listed.node),
        details: Details::new("Read the entry", Html::concat(content)),
    })
}

fn filters(asked: &Asked) -> Html {
    let any = || std::iter::once(Choice::new("", "Any"));
    let tiers = Standard::current().dimension(Dimension::Tier).codes.iter();
    let tier = Select::new(
        Field::new("tier", "Tier").value(asked.tier.clone()),
        any().chain(tiers.map(|c| Choice::new(c.id.clone(), c.title.clone()))),
    );
    let verdict = Select::new(
        Field::new("verdict", "Verdict").value(asked.verdict.clone()),
        any().chain(
            Verdict::ALL
                .iter()
                .map(|v| Choice::new(v.id(), v.in_words())),
        ),
    );
    let cause = Select::new(
        Field::new("cause", "Cause").value(asked.cause.clone()),
        any().chain(
            Factor::ALL
                .iter()
                .map(|f| Choice::new(f.id(), f.in_words())),
        ),
    );
    let form = PostForm::search("/practice/library")
        .with(tier)
        .with(verdict)
        .with(cause)
        .with(Button::new("Show").secondary());
    Details::new("Filter by tier, verdict or cause", form).into()
}
