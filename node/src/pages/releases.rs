//! Releases: what will leave, in plain words, and the word of a second person.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_ui::components::{Button, ErrorSummary, InsetText, PostForm, Table, Tag, TagColour, link};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::figures::Opened;
use super::home::receipt_words;
use super::release_view::preview;
use super::{Answer, Pages, done, fault, release_problem, see_other, words};
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

pub(super) fn state_tag(release: &StoredRelease) -> Tag {
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
    (pages.before_signing)().await;
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
