//! Releases: what will leave, in plain words, and the word of a second person.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, InsetText, PostForm, Select, Tag, TagColour, link,
};
use ldsp_ui::listing::{Asked, Column, Listing};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::home::receipt_words;
use super::release_view::{Said, preview};
use super::{Answer, Pages, done, fault, federation, release_problem, see_other, words, work};
use crate::release::figures::Opened;
use crate::release::{self, Approval, Refusal, ReleaseError, Request, next_period};
use crate::schedule::london;
use crate::store::overview::StatementRow;
use crate::store::people::Role;
use crate::store::releases::{self, StoredRefusal, StoredRelease};

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

/// `refused`: the refusals of this release.
pub(super) fn state_tag(release: &StoredRelease, refused: &[StoredRefusal]) -> Tag {
    match release.approved {
        Some(_) => Tag::coloured("Approved", TagColour::Green),
        None if !refused.is_empty() => Tag::coloured("Refused", TagColour::Red),
        None => Tag::coloured("Waiting for an approver", TagColour::Yellow),
    }
}

pub(super) async fn list(State(pages): State<Pages>, asked: Asked, person: SignedIn) -> Answer {
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let releases = releases::all(&mut reader).await.map_err(fault)?;
    // Only the last one can be open.
    let refused = match releases.last() {
        Some(last) => releases::refusals(&mut reader, last.period)
            .await
            .map_err(fault)?,
        None => Vec::new(),
    };
    drop(reader);
    let statements = store.statements().await.map_err(fault)?;
    let next = next_period(store, (pages.clock)())
        .await
        .map_err(release_problem)?;
    let today = Period::of((pages.clock)().to_zoned(london()).date());
    let then = "a month can be prepared, but it cannot be approved, and nothing leaves before.";
    let body = Html::concat([
        work::under_way(&pages, &person),
        federation::obstacle(&pages, then)
            .await?
            .unwrap_or_default(),
        next_step(&releases, &refused, next, &person, today),
        listing(releases, &refused, &statements, &asked),
    ]);
    Ok(Page::new("Releases").body(body).into_response())
}

fn next_step(
    releases: &[StoredRelease],
    refused: &[StoredRefusal],
    next: Option<(Period, bool)>,
    person: &SignedIn,
    today: Option<Period>,
) -> Html {
    if let Some(open) = releases.iter().find(|r| r.approved.is_none()) {
        let text = Html::concat([
            link(
                &open.period.in_words(),
                &format!("/releases/{}", open.period),
            ),
            if refused.is_empty() {
                " is waiting for an approver. The next month can be prepared after it.".into()
            } else {
                " was refused and has not left. It stays as it is, and the next month can be prepared only once it is approved.".into()
            },
        ]);
        return InsetText::new(text).into();
    }
    let Some((period, ended)) = next else {
        return first_month(person, today);
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
    if person.role.as_str() != Role::Coordinator.as_str() {
        return Html::concat([
            why,
            Html::paragraph("A coordinator, or the timetable, prepares it."),
        ]);
    }
    let form = PostForm::to("/releases/prepare")
        .hidden("period", period.to_string())
        .with(Button::new(format!("Prepare {month}")));
    Html::concat([why, form.into()])
}

/// Months to choose from: those of the last five years that have ended.
const CHOICES: i32 = 60;

/// Months that have ended, the last one first.
pub(super) fn ended_months(pages: &Pages) -> impl Iterator<Item = Period> {
    last_ended(Period::of((pages.clock)().to_zoned(london()).date()))
}

fn last_ended(today: Option<Period>) -> impl Iterator<Item = Period> {
    (1..=CHOICES).filter_map(move |ago| today?.plus(-ago))
}

/// Where the published history begins. The month is public and free of noise, so no record may suggest it.
fn first_month(person: &SignedIn, today: Option<Period>) -> Html {
    let why = Html::paragraph(
        "Before the first release a coordinator chooses the month in which the published figures begin: the month in which the LEP began to record, or a later one. It is public and cannot be changed. Do not take it from learners\u{2019} records: a month that only one learner explains would betray that they are here. What became known before it is counted in it.",
    );
    if person.role.as_str() != Role::Coordinator.as_str() {
        return why;
    }
    let months = last_ended(today);
    let months = months.map(|month| Choice::new(month.to_string(), month.in_words()));
    let form = PostForm::to("/releases/prepare")
        .hidden("first", "yes")
        .with(Select::new(Field::new("period", "First month"), months))
        .with(Button::new("Prepare the first release"));
    Html::concat([why, form.into()])
}

/// Months of a page.
const SHOWN: usize = 60;

/// How a release stands, as the address calls it.
fn state(release: &StoredRelease, refused: &[StoredRefusal]) -> &'static str {
    match release.approved {
        Some(_) => "approved",
        None if !refused.is_empty() => "refused",
        None => "waiting",
    }
}

fn approver(release: &StoredRelease) -> &str {
    let approved = release.approved.as_ref();
    approved.map_or("\u{2013}", |(name, _)| name.as_str())
}

fn listing(
    mut all: Vec<StoredRelease>,
    refused: &[StoredRefusal],
    statements: &[StatementRow],
    asked: &Asked,
) -> Html {
    if all.is_empty() {
        return Html::default();
    }
    let wanted = asked.text("state");
    all.retain(|r| wanted.is_empty() || state(r, refused) == wanted);
    let order = asked.order("month", true);
    match order.by.as_str() {
        "state" => order.sort(&mut all, |r| state(r, refused)),
        "author" => order.sort(&mut all, |r| r.author.to_lowercase()),
        "approver" => order.sort(&mut all, |r| approver(r).to_lowercase()),
        _ => order.sort(&mut all, |r| r.period),
    }
    let rows = all[asked.rows(all.len(), SHOWN)].iter().map(|r| {
        let seqs: Vec<u64> = r.parts.iter().filter_map(|p| p.seq).collect();
        let of_release = statements.iter().filter(|s| seqs.contains(&s.seq));
        let receipts: Vec<Html> = of_release.map(receipt_words).collect();
        let numbers: Vec<String> = seqs.iter().map(|seq| words::count(*seq)).collect();
        [
            link(&r.period.in_words(), &format!("/releases/{}", r.period)),
            state_tag(r, refused).into(),
            words::author(&r.author).into(),
            approver(r).into(),
            match numbers.is_empty() {
                true => "\u{2013}".into(),
                false => numbers.join(" and ").into(),
            },
            match receipts.is_empty() {
                true => "\u{2013}".into(),
                false => Html::concat(receipts),
            },
        ]
    });
    let states = [
        ("waiting", "Waiting for an approver"),
        ("refused", "Refused"),
        ("approved", "Approved"),
    ];
    Listing::new("Months", asked, order)
        .caption("Months")
        .filter("state", "State", "Any", states)
        .columns([
            Column::new("Month").sorts("month"),
            Column::new("State").sorts("state"),
            Column::new("Prepared by").sorts("author"),
            Column::new("Approved by").sorts("approver"),
            Column::new("Statement"),
            Column::new("Receipt"),
        ])
        .rows(rows)
        .paged(all.len(), SHOWN)
        .nothing("No month is like this.")
        .into()
}

/// The month that a form asks for, so that a button pressed twice does not prepare two months.
#[derive(Deserialize)]
pub(super) struct Wanted {
    period: String,
    /// `yes`: the published history begins with it.
    #[serde(default)]
    first: String,
}

pub(super) async fn prepare(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(wanted): Form<Wanted>,
) -> Answer {
    let period = parse(&wanted.period)?;
    let request = Request {
        period: Some(period),
        first: (wanted.first == "yes").then_some(period),
        rho_micro: pages.rho_micro,
        ..Request::default()
    };
    (pages.before_signing)().await;
    let work = work::begin_release(&pages.settings, &person, request);
    work::answer(&pages, &person, &work).await
}

/// The release of a month in an address.
pub(super) async fn opened(pages: &Pages, period: &str) -> Result<Opened, ProblemPage> {
    let period = parse(period)?;
    Opened::read(&pages.node.store, period)
        .await
        .map_err(release_problem)
}

pub(super) fn parse(period: &str) -> Result<Period, ProblemPage> {
    period.parse().map_err(|_| ProblemPage::not_found())
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(period): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let opened = opened(&pages, &period).await?;
    let mut page = preview(&pages, &opened, &person, &Said::default()).await?;
    match after.done.as_str() {
        "prepared" => {
            page = page.notice(done(
                "The release is prepared. Nothing has left yet.",
                "An approver has to read and approve it.",
            ))
        }
        "late" => {
            page = page.notice(done(
                "It was stored already, so it could not be cancelled. Nothing has left yet.",
                "If it shall not leave, an approver can refuse it.",
            ))
        }
        "approved" => {
            page = page.notice(done(
                "The release is approved and signed.",
                "It is delivered to the national log by itself; its receipt will show here.",
            ))
        }
        "refused" => {
            page = page.notice(done(
                "The release is refused and stays here.",
                "Its author sees your reason on this page.",
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
    if word.read != "yes" {
        let opened = opened(&pages, &period).await?;
        let said = Said {
            unread: Some(MUST_READ),
            ..Said::default()
        };
        let page = preview(&pages, &opened, &person, &said).await?;
        return Ok(page
            .errors(ErrorSummary::new().error("read", MUST_READ))
            .into_response());
    }
    let (period, digest) = (parse(&period)?, digest(&word.digest)?);
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

/// A form without a digest was not made by these pages.
fn digest(text: &str) -> Result<Digest, ProblemPage> {
    text.parse().map_err(|_| {
        super::refused(
            "digest",
            "These are not the bytes that you looked at",
            "The form names no digest. Nothing was signed.",
            "Open the release again, read it, and approve or refuse what it shows then.",
        )
    })
}

#[derive(Deserialize)]
pub(super) struct No {
    digest: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn refuse(
    State(pages): State<Pages>,
    Path(period): Path<String>,
    person: SignedIn,
    Form(no): Form<No>,
) -> Answer {
    let refusal = Refusal {
        person: &person.name,
        period: Some(parse(&period)?),
        digest: digest(&no.digest)?,
        reason: &no.reason,
    };
    match release::refuse(&pages.node.store, &refusal, (pages.clock)()).await {
        Ok(period) => Ok(see_other(&format!("/releases/{period}?done=refused"))),
        Err(error @ ReleaseError::Reason(_)) => {
            let problem = words::sentence(&error.to_string());
            let opened = opened(&pages, &period).await?;
            let said = Said {
                reason: no.reason,
                unfit: Some(problem.clone()),
                ..Said::default()
            };
            let page = preview(&pages, &opened, &person, &said).await?;
            Ok(page
                .errors(ErrorSummary::new().error("reason", problem))
                .into_response())
        }
        Err(error) => Err(release_problem(error)),
    }
}

pub(super) async fn payload(State(pages): State<Pages>, Path(period): Path<String>) -> Answer {
    let opened = opened(&pages, &period).await?;
    let release = &opened.release;
    let name = format!(
        "attachment; filename=\"ldsp-release-{}.json\"",
        release.period
    );
    Ok(file(release.bytes(), release.media_type(), &name))
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
