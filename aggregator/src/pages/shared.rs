//! What is shared with those who sign in: what is new since they were here, and everything that can be taken along. Nothing of it is
//! hidden from the public; here it is in one place, and the site remembers how far each person has read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{
    Button, InsetText, Notification, PostForm, Stats, SummaryList, Table, link,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::practice::Card;
use super::{Answer, Failure, figures, runs, words};
use crate::Service;
use crate::benchmark::{Measure, Snapshot};
use crate::store::{
    Curation, Library, LibraryEntry, Log, Outline, PracticeFilter, Reader, Span, StatementFilter,
    StoreError,
};

/// Releases and revisions that are looked through; where all of them are new there may be more.
const LOOKED_THROUGH: u32 = 500;
/// New practice entries that are shown.
const CARDS: u32 = 5;

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let snapshot = service.snapshot().await?;
    let read = service.store.read_to(&person.name).await?;
    let from = read.map_or(0, |(size, _)| size);
    let since = match read {
        Some((_, at)) => format!("New since you had read everything, {}", words::moment(at)),
        None => "New to you".to_owned(),
    };
    let new = News::since(&service, from).await?;
    let mut parts = vec![heading(&since), new.html()];
    if snapshot.size() > from {
        let form = PostForm::to("/shared/read")
            .hidden("size", snapshot.size().to_string())
            .with(Button::new("I have read everything").secondary());
        parts.push(form.into());
    }
    parts.push(heading("England to date"));
    parts.push(national(&snapshot));
    parts.push(heading("To take along"));
    parts.push(files(&service, &snapshot).await?);
    let page = Page::new("Shared with you").breadcrumb("Home", "/").lead(
        "What the partnerships of England publish, for those who plan, fund or do the same elsewhere: figures with their intervals, \
         and what worked, what failed and why.",
    );
    let page = if query.contains_key("read") {
        page.notice(Notification::done(
            "Noted. What comes from now on is listed as new.",
        ))
    } else {
        page
    };
    Ok(page.body(Html::concat(parts)))
}

/// Notes how far somebody has read: up to what their page showed, not what came since.
pub(super) async fn note(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let size = service.store.size().await?;
    let shown = form.get("size").and_then(|text| text.parse().ok());
    let size = shown.map_or(size, |shown: u64| shown.min(size));
    let now = service.now();
    service.store.note_read(&person.name, size, now).await?;
    Ok(Redirect::to("/shared?read").into_response())
}

fn heading(text: &str) -> Html {
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">"),
        Html::text(text),
        Html::literal("</h2>"),
    ])
}

/// What came since a place in the log.
struct News {
    releases: Vec<Outline>,
    /// There may be more releases than were looked through.
    more: bool,
    runs: usize,
    revisions: usize,
    entries: Vec<LibraryEntry>,
    entries_in_all: usize,
}

impl News {
    async fn since(service: &Service, from: u64) -> Result<Self, StoreError> {
        let (store, today) = (&service.store, service.today());
        let is_new = |index: u64| index >= from;
        let releases = StatementFilter {
            kind: Some(Kind::LearningSummary),
            ..StatementFilter::default()
        };
        let entries = PracticeFilter {
            // The list begins after a place; at the first there is none before it.
            after: from.checked_sub(1),
            limit: LOOKED_THROUGH,
            ..PracticeFilter::all(Reader::Public(today))
        };
        let (mut releases, mut runs, mut revisions, mut entries) = tokio::try_join!(
            store.latest(&releases, LOOKED_THROUGH),
            store.announced(&[Kind::BenchmarkRun], Span::Newest, LOOKED_THROUGH),
            store.revisions(None, Span::Newest, LOOKED_THROUGH),
            store.entries(&entries),
        )?;
        releases.retain(|one| is_new(one.index) && one.withdrawn.is_none());
        runs.retain(|one| is_new(one.index));
        revisions.retain(|one| is_new(one.index));
        let entries_in_all = entries.len();
        entries.truncate(CARDS as usize);
        Ok(Self {
            more: releases.len() == LOOKED_THROUGH as usize,
            releases,
            runs: runs.len(),
            revisions: revisions.len(),
            entries,
            entries_in_all,
        })
    }

    fn html(&self) -> Html {
        if self.is_empty() {
            return InsetText::new("Nothing new. You have read everything that is published.")
                .into();
        }
        let mut facts = SummaryList::new();
        if !self.releases.is_empty() {
            facts = facts.fact("Releases of months", self.releases_in_words());
        }
        if self.runs > 0 {
            let runs = words::plural(self.runs, "run", "runs");
            facts = facts.fact("Figures frozen", link(&runs, "/runs"));
        }
        if self.revisions > 0 {
            let changes = words::plural(self.revisions, "change", "changes");
            facts = facts.fact("Withdrawn or published again", link(&changes, "/revisions"));
        }
        if self.entries_in_all > 0 {
            let entries = words::plural(self.entries_in_all, "entry", "entries");
            facts = facts.fact("Practice", link(&entries, "/practice"));
        }
        let cards = self.entries.iter().map(|entry| Card::new(entry).html());
        Html::concat(std::iter::once(facts.into()).chain(cards))
    }

    fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.runs + self.revisions + self.entries_in_all == 0
    }

    /// `114 months of 38 areas, the latest of October 2026`.
    fn releases_in_words(&self) -> Html {
        let areas: BTreeSet<_> = self.releases.iter().map(|one| &one.node).collect();
        let latest = self.releases.iter().filter_map(|one| one.period).max();
        let least = if self.more { "at least " } else { "" };
        let text = format!(
            "{least}{} of {}",
            words::plural(self.releases.len(), "month", "months"),
            words::plural(areas.len(), "area", "areas"),
        );
        let latest = latest.map_or_else(String::new, |period| {
            format!(", the latest of {}", period.in_words())
        });
        Html::concat([
            link(&text, "/statements?kind=learning-summary"),
            Html::text(&latest),
        ])
    }
}

fn national(snapshot: &Snapshot) -> Html {
    let shown = [
        (Measure::Starts, "Enrolments"),
        (Measure::Achievers, "Achievements"),
        (Measure::Achievement, "Achievement rate"),
    ];
    let all = snapshot.national();
    let cards = shown.iter().filter_map(|(measure, label)| {
        let finding = all.iter().find(|f| f.measure == *measure)?;
        Some(figures::card(finding, label))
    });
    let cards: Vec<_> = cards.collect();
    if cards.is_empty() {
        return InsetText::new("No area has published yet.").into();
    }
    Stats::new("England to date", cards).into()
}

/// Everything that can be taken along: where it is read, and as which file.
async fn files(service: &Arc<Service>, snapshot: &Snapshot) -> Result<Html, StoreError> {
    let mut rows = Vec::new();
    if let Some(run) = runs::last(service, snapshot).await? {
        rows.push([
            link(
                "Figures of the last run, frozen and signed",
                &runs::address(run.index),
            ),
            link("CSV", &format!("{}/figures.csv", runs::address(run.index))),
            link("JSON", &format!("/api/v1/benchmark-runs/{}", run.index)),
        ]);
    }
    let plain = [
        (
            "Latest figures by measure, group, region and area",
            "/benchmarks",
            "/api/v1/benchmarks.csv",
            "/api/v1/benchmarks",
        ),
        (
            "Enrolments and achievements by month",
            "/",
            "/trend.csv",
            "",
        ),
        (
            "Who has contributed up to when",
            "/leps",
            "/contributions.csv",
            "/api/v1/leps",
        ),
        (
            "What is asked for and what is offered",
            "/needs",
            "/api/v1/needs.csv",
            "/api/v1/needs",
        ),
        (
            "The practice library",
            "/practice",
            "/practice.csv",
            "/practice.json",
        ),
        (
            "How measures are defined",
            "/measures",
            "",
            "/api/v1/measures",
        ),
    ];
    rows.extend(plain.map(|(what, page, csv, json)| {
        let file = |label: &str, href: &str| {
            if href.is_empty() {
                Html::text("–")
            } else {
                link(label, href)
            }
        };
        [link(what, page), file("CSV", csv), file("JSON", json)]
    }));
    let table = Table::new("What can be taken along")
        .caption_hidden()
        .columns(["What", "For spreadsheets", "For programs"])
        .rows(rows);
    Ok(Html::concat([
        table.into(),
        Html::paragraph(
            "Figures are estimates with noise added for privacy: quote each with its interval and its coverage, and a frozen run where it must stay as it is.",
        ),
    ]))
}
