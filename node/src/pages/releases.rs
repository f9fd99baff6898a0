//! Releases: what will leave, in plain words, and the word of a second person.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::{Standard, Table as Declared};
use ldsp_protocol::summary::LearningSummary;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, ErrorSummary, Field, InsetText, PostForm, SummaryList,
    Table, Tag, TagColour, Warning, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::figures::{Estimates, Opened, Span};
use super::home::receipt_words;
use super::{Answer, Pages, done, exact_tag, fault, release_problem, see_other, words};
use crate::release::{self, Approval, Request, SCHEDULE, next_period};
use crate::store::overview::StatementRow;
use crate::store::people::Role;
use crate::store::releases::{self, StoredRelease};

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) fn author(name: &str) -> String {
    if name == SCHEDULE {
        "the timetable".to_owned()
    } else {
        name.to_owned()
    }
}

fn state_tag(release: &StoredRelease) -> Tag {
    match release.approved {
        Some(_) => Tag::coloured("Approved", TagColour::Green),
        None => Tag::coloured("Waiting for an approver", TagColour::Yellow),
    }
}

pub(super) async fn list(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let releases = releases::all(&mut reader).await.map_err(fault)?;
    drop(reader);
    let statements = store.statements().await.map_err(fault)?;
    let next = next_period(store, (pages.clock)())
        .await
        .map_err(release_problem)?;
    let body = Html::concat([
        next_step(&releases, next, &person),
        table(&releases, &statements),
    ]);
    Ok(Page::new("Releases").body(body).into_response())
}

fn next_step(releases: &[StoredRelease], next: Option<(Period, bool)>, person: &SignedIn) -> Html {
    if let Some(open) = releases.iter().find(|r| r.approved.is_none()) {
        let text = Html::concat([
            link(
                &open.period.in_words(),
                &format!("/releases/{}", open.period),
            ),
            " is waiting for an approver. The next month can be prepared after it.".into(),
        ]);
        return InsetText::new(text).into();
    }
    let Some((period, ended)) = next else {
        return Html::paragraph(
            "There is nothing to release yet: import programmes and learners first.",
        );
    };
    let month = period.in_words();
    if !ended {
        let from = period
            .next()
            .map_or_else(String::new, |n| words::day(n.first_day()));
        return Html::paragraph(&format!(
            "The next release is for {month}. It can be prepared from {from}, when the month is over."
        ));
    }
    let why = Html::paragraph(&format!(
        "The next release is for {month}. Preparing it counts what became known by the end of the month, adds random noise once and shows what would leave. Nothing leaves before an approver agrees. Import late files first: what comes later enters the next month."
    ));
    if person.role.as_str() != Role::Author.as_str() {
        return Html::concat([
            why,
            Html::paragraph("An author, or the timetable, prepares it."),
        ]);
    }
    let form = PostForm::to("/releases/prepare")
        .hidden("period", period.to_string())
        .with(Button::new(format!("Prepare {month}")));
    Html::concat([why, form.into()])
}

fn table(all: &[StoredRelease], statements: &[StatementRow]) -> Html {
    if all.is_empty() {
        return Html::default();
    }
    let rows = all.iter().rev().map(|r| {
        let statement = statements.iter().find(|s| Some(s.seq) == r.seq);
        [
            link(&r.period.in_words(), &format!("/releases/{}", r.period)),
            state_tag(r).into(),
            author(&r.author).into(),
            r.approved
                .as_ref()
                .map_or_else(|| "\u{2013}".into(), |(name, _)| name.clone().into()),
            r.seq
                .map_or_else(|| "\u{2013}".into(), |seq| words::count(seq).into()),
            statement.map_or_else(|| "\u{2013}".into(), receipt_words),
        ]
    });
    Table::new("All months, newest first")
        .columns([
            "Month",
            "State",
            "Prepared by",
            "Approved by",
            "Statement",
            "Receipt",
        ])
        .rows(rows)
        .into()
}

/// The month that a form asks for, so that a button pressed twice does not prepare two months.
#[derive(Deserialize)]
pub(super) struct Wanted {
    period: String,
}

pub(super) async fn prepare(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(wanted): Form<Wanted>,
) -> Answer {
    let request = Request {
        period: Some(parse(&wanted.period)?),
        first: None,
        rho_micro: pages.rho_micro,
    };
    let prepared = release::prepare(
        &pages.node.store,
        request,
        &person.name,
        (pages.clock)(),
        &pages.entropy,
    )
    .await
    .map_err(release_problem)?;
    let period = prepared.release.period;
    Ok(see_other(&format!("/releases/{period}?done=prepared")))
}

fn parse(period: &str) -> Result<Period, ProblemPage> {
    period.parse().map_err(|_| ProblemPage::not_found())
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(period): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let opened = Opened::read(&pages.node.store, &pages.node.lep, parse(&period)?).await?;
    let mut page = preview(&pages, &opened, &person, None).await?;
    match after.done.as_str() {
        "prepared" => {
            page = page.notice(done(
                "The release is prepared. Nothing has left yet.",
                "An approver has to read and approve it.",
            ))
        }
        "approved" => {
            page = page.notice(done(
                "The release is approved and signed.",
                "It is delivered to the national log by itself; its receipt will show here.",
            ))
        }
        _ => {}
    }
    Ok(page.into_response())
}

#[derive(Deserialize)]
pub(super) struct Word {
    digest: String,
    #[serde(default)]
    read: String,
}

const MUST_READ: &str = "Tick the box when you have read what will leave";

pub(super) async fn approve(
    State(pages): State<Pages>,
    Path(period): Path<String>,
    person: SignedIn,
    Form(word): Form<Word>,
) -> Answer {
    let period = parse(&period)?;
    if word.read != "yes" {
        let opened = Opened::read(&pages.node.store, &pages.node.lep, period).await?;
        let page = preview(&pages, &opened, &person, Some(MUST_READ)).await?;
        return Ok(page
            .errors(ErrorSummary::new().error("read", MUST_READ))
            .into_response());
    }
    let digest: Digest = word
        .digest
        .parse()
        .map_err(|_| release_problem(release::ReleaseError::Digest))?;
    let approval = Approval {
        person: &person.name,
        period: Some(period),
        digest,
    };
    (pages.before_signing)().await;
    release::approve(
        &pages.node.store,
        &pages.node.signing,
        &approval,
        (pages.clock)(),
    )
    .await
    .map_err(release_problem)?;
    (pages.queued)();
    Ok(see_other(&format!("/releases/{period}?done=approved")))
}

async fn preview(
    pages: &Pages,
    opened: &Opened,
    person: &SignedIn,
    error: Option<&str>,
) -> Result<Page, ProblemPage> {
    let summary = summary(opened)?;
    let store = &pages.node.store;
    let statements = store.statements().await.map_err(fault)?;
    let statement = statements
        .iter()
        .find(|s| Some(s.seq) == opened.release.seq);
    let people = store.people().await.map_err(fault)?;
    let approvers: Vec<&str> = people
        .iter()
        .filter(|p| p.role == Role::Approver && p.name != opened.release.author)
        .map(|p| p.name.as_str())
        .collect();
    let body = Html::concat([
        Html::render(&WhatLeaves::of(pages, opened, &summary)),
        totals(opened, &summary)?,
        tables(opened),
        facts(opened, &summary, statement),
        downloads(opened),
        decision(opened, person, &approvers, error),
    ]);
    let month = opened.release.period.in_words();
    Ok(Page::new(format!("Release of {month}"))
        .breadcrumb("Releases", "/releases")
        .body(body))
}

/// The payload of a stored release.
pub(super) fn summary(opened: &Opened) -> Result<LearningSummary, ProblemPage> {
    serde_json::from_slice(&opened.release.payload).map_err(|_| {
        fault(crate::store::StoreError::Corrupt {
            table: "releases",
            column: "payload",
            row: opened.release.period.to_string(),
        })
    })
}

#[derive(askama::Template)]
#[template(path = "what_leaves.html")]
struct WhatLeaves {
    state: Tag,
    lep: String,
    month: String,
    tables: usize,
    cells: String,
    open: bool,
}

impl WhatLeaves {
    fn of(pages: &Pages, opened: &Opened, summary: &LearningSummary) -> Self {
        let cells: usize = summary.tables.iter().map(|t| t.cells.len()).sum();
        Self {
            state: state_tag(&opened.release),
            lep: words::lep(&pages.node.lep),
            month: opened.release.period.in_words(),
            tables: summary.tables.len(),
            cells: words::count(cells as u64),
            open: opened.release.approved.is_none(),
        }
    }
}

fn unreconciled(error: &ldsp_protocol::additivity::AdditivityError) -> ProblemPage {
    tracing::error!(%error, "the published tables do not fit together");
    ProblemPage::fault()
}

pub(super) fn estimates(
    opened: &Opened,
    span: Span,
    summary: &LearningSummary,
) -> Result<Estimates, ProblemPage> {
    opened
        .estimates(span, summary.noise.rho_micro)
        .map_err(|e| unreconciled(&e))
}

/// Totals of the families: this month, the month before, the exact count.
fn totals(opened: &Opened, summary: &LearningSummary) -> Result<Html, ProblemPage> {
    let now = estimates(opened, opened.month(), summary)?;
    let before = opened
        .month_before()
        .map(|span| estimates(opened, span, summary))
        .transpose()?;
    let to_date = estimates(opened, opened.to_date(), summary)?;
    let shown = |estimates: &Estimates, family| {
        estimates.total(family).map_or_else(
            || ("\u{2013}".to_owned(), String::new()),
            |e| (words::figure(e), words::interval(e)),
        )
    };
    let last = before.as_ref().map_or_else(String::new, |_| {
        opened
            .release
            .period
            .plus(-1)
            .map_or_else(String::new, Period::in_words)
    });
    let rows = Standard::v1().families().iter().map(|family| {
        let (value, interval) = shown(&now, family.id);
        let earlier = before.as_ref().map_or_else(
            || "\u{2013}".to_owned(),
            |b| {
                let (value, interval) = shown(b, family.id);
                format!("{value} ({interval})")
            },
        );
        let (all, all_interval) = shown(&to_date, family.id);
        [
            Html::from(family.title.clone()),
            value.into(),
            interval.into(),
            words::count(opened.exact_family(family.id, opened.month())).into(),
            earlier.into(),
            format!("{all} ({all_interval})").into(),
        ]
    });
    let earlier = if last.is_empty() {
        "Month before".to_owned()
    } else {
        format!("Published for {last}")
    };
    let columns = [
        Html::from("Became known in the month"),
        "Published estimate".into(),
        "95% interval".into(),
        Html::concat(["Counted here ".into(), exact_tag().into()]),
        earlier.into(),
        format!("Published since {}", opened.first().in_words()).into(),
    ];
    let table = Table::new("What readers will estimate, beside what was counted")
        .columns(columns)
        .numeric(1..6)
        .rows(rows);
    let note = Html::paragraph(
        "The estimate differs from the count because of the noise; that is what protects people. Compare the two for large mistakes, such as a file of another year.",
    );
    Ok(Html::concat([table.into(), note]))
}

/// `Starts by district and tier`.
pub(super) fn title(table: &Declared) -> String {
    release::title(table)
}

fn tables(opened: &Opened) -> Html {
    let mut families: BTreeMap<_, Vec<&Declared>> = BTreeMap::new();
    for table in Standard::v1().tables() {
        families.entry(table.family).or_default().push(table);
    }
    let rows = families.into_values().flatten().map(|table| {
        [
            link(
                &title(table),
                &format!("/releases/{}/tables/{}", opened.release.period, table.id),
            ),
            words::count(opened.codebook.cells(table) as u64).into(),
        ]
    });
    let table = Table::new("Tables in this release")
        .columns(["Table", "Numbers"])
        .numeric([1])
        .rows(rows)
        .caption_hidden();
    let summary = format!(
        "Show all {} tables, each with its figures",
        Standard::v1().tables().len()
    );
    Details::new(summary, table).into()
}

fn facts(opened: &Opened, summary: &LearningSummary, statement: Option<&StatementRow>) -> Html {
    let release = &opened.release;
    let rho = summary.noise.rho_micro as f64 / 1e6;
    let mut list = SummaryList::new().fact(
        "Prepared",
        format!(
            "by {} on {}",
            author(&release.author),
            words::second(release.prepared_at)
        ),
    );
    if let Some((name, at)) = &release.approved {
        list = list.fact("Approved", format!("by {name} on {}", words::second(*at)));
    }
    if let Some(row) = statement {
        list = list
            .fact(
                "Statement",
                format!("number {} of this node", words::count(row.seq)),
            )
            .fact("Receipt", receipt_words(row));
    }
    list.fact("Protection", format!(
        "discrete Gaussian noise, budget \u{3c1} = {rho} for one enrolment over all tables and years; month {} of {} that the budget is spread over",
        summary.noise.month,
        ldsp_protocol::noise::HORIZON
    ))
    .fact("Data standard", Standard::v1().title())
    .fact("Size", format!("{} bytes", words::count(release.payload.len() as u64)))
    .fact("Digest (SHA-256)", code(&release.digest.in_blocks()))
    .into()
}

pub(super) fn code(text: &str) -> Html {
    #[derive(askama::Template)]
    #[template(source = r#"<span class="ldsp-code">{{ text }}</span>"#, ext = "html")]
    struct Code<'a> {
        text: &'a str,
    }
    Html::render(&Code { text })
}

fn downloads(opened: &Opened) -> Html {
    let period = opened.release.period;
    ldsp_ui::components::list([
        link(
            "Download the exact bytes that will be signed (JSON)",
            &format!("/releases/{period}/payload.json"),
        ),
        link(
            "Download the published estimates (CSV)",
            &format!("/releases/{period}/figures.csv"),
        ),
    ])
}

fn decision(opened: &Opened, person: &SignedIn, approvers: &[&str], error: Option<&str>) -> Html {
    let release = &opened.release;
    if release.approved.is_some() {
        return Html::default();
    }
    let heading = Html::literal("<h2 class=\"govuk-heading-m\">Approve</h2>");
    if !approvers.contains(&person.name.as_str()) {
        let who = match approvers {
            [] => "Nobody may approve it yet: the IT team has to add an approver with ldsp-node people add NAME --role approver.".to_owned(),
            names => format!("It is waiting for {}.", names.join(" or ")),
        };
        let why = if person.name == release.author {
            "You prepared this release, so somebody else has to approve it."
        } else {
            "You are signed in as an author. Only an approver may approve a release."
        };
        return Html::concat([heading, InsetText::new(format!("{why} {who}")).into()]);
    }
    let read = Field::new("read", "Your word").error_if(error);
    let choice = Choice::new("yes", "I have read what will leave")
        .hint("The words and figures above, and the tables as far as I need to be sure");
    let month = release.period.in_words();
    let form = PostForm::to(format!("/releases/{}/approve", release.period))
        .hidden("digest", release.digest.to_string())
        .with(Warning::new("What has left cannot be taken back."))
        .with(Checkboxes::new(read, [choice]))
        .with(Button::new(format!("Approve and send {month}")));
    Html::concat([heading, form.into()])
}

pub(super) async fn payload(State(pages): State<Pages>, Path(period): Path<String>) -> Answer {
    let opened = Opened::read(&pages.node.store, &pages.node.lep, parse(&period)?).await?;
    let name = format!(
        "attachment; filename=\"ldsp-release-{}.json\"",
        opened.release.period
    );
    Ok(file(opened.release.payload, "application/json", &name))
}

pub(super) fn file(
    bytes: impl Into<axum::body::Body>,
    kind: &'static str,
    disposition: &str,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition.to_owned()),
    ];
    (headers, bytes.into()).into_response()
}
