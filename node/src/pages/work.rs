//! Work under way: how far it is, a way to cancel it, and in the end what came of it, as the page shows it that began it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, InsetText, Live, Notification, PostForm, link, list};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::import_map::{Places, Whose};
use super::{
    Answer, Pages, Settings, ilr, import, import_map, postcodes, provider, release_problem_of,
    see_other,
};
use crate::import::report::{ImportReport, Outcome as Became};
use crate::release::{self, Request};
use crate::schedule::london;
use crate::store::imports::ImportKind;
use crate::work::{Asks, Begin, Door, Outcome, Phase, Progress, SentFile, Task, Work};

/// Begins to read a file in; what has to be kept of it for its sender is kept, whether they wait or not.
pub(super) fn begin_import(pages: &Pages, person: &SignedIn, file: SentFile) -> Arc<Work> {
    let now = (pages.clock)();
    let begin = file.begin(person.into(), now);
    let (of, person) = (pages.clone(), person.clone());
    let run = async move {
        let report = match file.read_in(&of.node, now).await {
            Ok(report) => report,
            Err(error) => return Outcome::NotImported(error),
        };
        of.reports.keep(&person.name, &report);
        let asks = keep(&of, &person, file, &report).await;
        Outcome::Imported(Box::new(report), asks)
    };
    pages.works.start(begin, &pages.entropy, run)
}

/// Holds a file that asks something, and lets one go that is stored.
async fn keep(pages: &Pages, person: &SignedIn, file: SentFile, report: &ImportReport) -> Asks {
    match (file.door, file.kind) {
        (Door::Form, ImportKind::Ilr) => ilr::hold(pages, person, file, report),
        (Door::Form, kind) => {
            let by = (person, Whose::Lep);
            let held = import_map::begin(pages, by, kind, file.upload, report).await;
            // The cause is in the log; the report says what is wrong with the file.
            return held.unwrap_or(Asks::Nothing);
        }
        (Door::Provider, kind) => {
            let Ok(whose) = provider::whose(pages, person, &file.options).await else {
                return Asks::Nothing;
            };
            let held = import_map::begin(pages, (person, whose), kind, file.upload, report).await;
            return held.unwrap_or(Asks::Nothing);
        }
        (Door::Mapped(id), _) if report.outcome == Became::Stored => {
            import_map::let_go(pages, person, id);
        }
        (Door::Mapped(_) | Door::Directory, _) => {}
    }
    Asks::Nothing
}

/// Begins to prepare a month, or gives what prepares it already.
pub(crate) fn begin_release(
    settings: &Arc<Settings>,
    person: &SignedIn,
    request: Request,
) -> Arc<Work> {
    if let Some(work) = settings.works.preparing(request) {
        return work;
    }
    let (of, name) = (settings.clone(), person.name.clone());
    let now = (settings.clock)();
    let progress = Progress::default();
    let begin = Begin {
        task: Task::Release(request),
        owner: person.into(),
        at: now,
        progress: progress.clone(),
    };
    let run = async move {
        let (store, entropy) = (&of.node.store, &of.entropy);
        let by = (name.as_str(), now);
        match release::prepare_watched(store, request, by, entropy, &progress).await {
            Ok(prepared) => Outcome::Prepared(Box::new(prepared)),
            Err(error) => Outcome::NotPrepared(error),
        }
    };
    settings.works.start(begin, &settings.entropy, run)
}

/// What came of work that ends soon; of other work the page that shows how far it is.
pub(super) async fn answer(pages: &Pages, person: &SignedIn, work: &Work) -> Answer {
    if pages.works.ends_soon(work).await {
        ended(pages, person, work, work.ended().await, false).await
    } else {
        Ok(see_other(&format!("/work/{}", work.id)))
    }
}

/// Whether it was cancelled too late.
#[derive(Deserialize)]
pub(super) struct Seen {
    #[serde(default)]
    late: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(seen): Query<Seen>,
    person: SignedIn,
) -> Answer {
    let work = pages.works.find(&id, &person).ok_or_else(gone)?;
    match work.outcome() {
        Some(outcome) => ended(&pages, &person, &work, outcome, seen.late == "yes").await,
        None => Ok(page(&work, &person).into_response()),
    }
}

pub(super) async fn cancel(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
) -> Answer {
    let work = pages.works.find(&id, &person);
    let work = work.filter(|work| work.is_for(&person)).ok_or_else(gone)?;
    let late = if work.progress.cancel() {
        ""
    } else {
        "?late=yes"
    };
    pages.works.ends_soon(&work).await;
    Ok(see_other(&format!("/work/{id}{late}")))
}

fn gone() -> ProblemPage {
    ProblemPage::new(
        StatusCode::NOT_FOUND,
        "no_work",
        "There is nothing under way here",
    )
    .happened("What came of an import or a release is shown here for 15 minutes, an import whole to nobody but who began it. If the server was started again before the end, nothing was stored.")
    .next("Go back to the page where you began and look whether it is there. If it is not, begin again.")
}

/// What is done, as a title.
fn title(task: &Task) -> String {
    match task {
        Task::Import { kind, options, .. } => {
            let what = match kind {
                ImportKind::Ilr => "an ILR".to_owned(),
                ImportKind::Postcodes => "the postcode directory".to_owned(),
                kind => format!("a file of {}", kind.as_str()),
            };
            let act = if options.dry_run {
                "Checking"
            } else {
                "Importing"
            };
            format!("{act} {what}")
        }
        Task::Release(Request {
            period: Some(period),
            ..
        }) => format!("Preparing {}", period.in_words()),
        Task::Release(_) => "Preparing the next month".to_owned(),
    }
}

/// The page that leads to the work's own.
fn origin(task: &Task) -> (&'static str, &'static str) {
    match task {
        Task::Release(_) => ("Releases", "/releases"),
        Task::Import {
            door: Door::Directory,
            ..
        } => ("Postcode directory", postcodes::PATH),
        Task::Import { options, .. } => {
            let places = Places::of(options);
            (places.name, places.upload)
        }
    }
}

/// How far it is, in words.
fn share(progress: &Progress) -> String {
    match progress.share() {
        Some((done, total)) if progress.phase() == Phase::Reading => {
            format!("{} % of the file", percent(done, total))
        }
        Some((done, total)) => format!("Step {} of {total}", done + 1),
        None => "It is not known how long this takes".to_owned(),
    }
}

fn percent(done: u64, total: u64) -> u64 {
    (u128::from(done) * 100)
        .checked_div(u128::from(total))
        .and_then(|percent| u64::try_from(percent).ok())
        .unwrap_or(0)
}

fn page(work: &Work, person: &SignedIn) -> Page {
    let progress = &work.progress;
    let phase = progress.phase();
    let title = title(&work.task);
    let known = progress.share();
    let live = Live::new(&title, phase.in_words(), share(progress))
        .percent(known.map(|(done, total)| percent(done, total)));
    let begun = work.begun.to_zoned(london()).strftime("%H:%M");
    let what = match work.task {
        Task::Import { .. } => {
            "If you cancel it, or the server is stopped before the end, nothing of the file is stored."
        }
        Task::Release(_) => {
            "If you cancel it, or the server is stopped before the end, nothing of the release is stored, and no noise was drawn that anybody saw."
        }
    };
    let about = list([
        format!("Begun at {begun} by {}.", work.owner.name),
        "You can close this page: it goes on. Its address shows what came of it for 15 minutes after the end.".to_owned(),
        what.to_owned(),
    ]);
    let form: Html = match work.is_for(person) {
        true => PostForm::to(format!("/work/{}/cancel", work.id))
            .buttons([Button::new("Cancel").secondary()])
            .into(),
        false => Html::paragraph(&format!("{} can cancel it.", work.owner.name)),
    };
    let (name, href) = origin(&work.task);
    Page::new(title)
        .breadcrumb(name, href)
        .live()
        .body(Html::concat([live.into(), about, form]))
}

async fn ended(
    pages: &Pages,
    person: &SignedIn,
    work: &Work,
    outcome: &Outcome,
    late: bool,
) -> Answer {
    if outcome.is_cancelled() {
        return Ok(cancelled(work).into_response());
    }
    if !work.is_for(person) {
        return Ok(of_another(work, outcome).into_response());
    }
    let page = match (outcome, &work.task) {
        (Outcome::Imported(report, Asks::Columns), Task::Import { options, .. })
            if report.outcome != Became::Stored =>
        {
            return Ok(see_other(Places::of(options).map));
        }
        (
            Outcome::Imported(report, asks),
            Task::Import {
                kind,
                options,
                door,
            },
        ) => match door {
            Door::Form => import::ended(report, *kind, options, *asks),
            Door::Mapped(id) => import_map::ended(pages, person, *id, report, options),
            Door::Provider => provider::ended(pages, person, (report, *asks), options).await?,
            Door::Directory => postcodes::ended(report),
        },
        (Outcome::Prepared(prepared), _) => {
            let period = prepared.release.period;
            let done = if late { "late" } else { "prepared" };
            return Ok(see_other(&format!("/releases/{period}?done={done}")));
        }
        (Outcome::NotImported(error), Task::Import { options, .. }) if options.brings.is_some() => {
            provider::not_imported(pages, person, options, error).await?
        }
        (Outcome::NotImported(error), _) => return Err(import::failed(error)),
        (Outcome::NotPrepared(error), _) => return Err(release_problem_of(error)),
        (Outcome::Broken | Outcome::Imported(..), _) => return Err(ProblemPage::fault()),
    };
    let page = if late {
        page.notice(
            Notification::important("It was stored already, so it could not be cancelled")
                .content("This is what came of it."),
        )
    } else {
        page
    };
    Ok(page.into_response())
}

/// What came of somebody else's import, without its rows.
fn of_another(work: &Work, outcome: &Outcome) -> Page {
    let (name, href) = origin(&work.task);
    let what = match outcome {
        Outcome::Imported(report, _) => match report.outcome {
            Became::Stored => "It is stored.",
            Became::Checked => "It was a check: nothing was stored.",
            Became::Refused => "Rows have problems, so nothing was stored.",
        },
        _ => "It did not run to its end, so nothing was stored.",
    };
    let who = &work.owner.name;
    Page::new(format!("{}: ended", title(&work.task)))
        .breadcrumb(name, href)
        .body(Html::concat([
            Html::paragraph(&format!("{what} {who} began it and has the report.")),
            Html::from(Button::link(format!("Back to {name}"), href)),
        ]))
}

fn cancelled(work: &Work) -> Page {
    let (name, href) = origin(&work.task);
    let drawn = match work.task {
        Task::Import { .. } => "The records are as they were before.",
        Task::Release(_) => {
            "Records and ledger are as they were before; nothing is spent of the privacy budget."
        }
    };
    Page::new("Cancelled. Nothing was stored")
        .breadcrumb(name, href)
        .body(Html::concat([
            Html::paragraph(&format!(
                "{} ended before its time. {drawn}",
                title(&work.task)
            )),
            Html::from(Button::link(format!("Back to {name}"), href)),
        ]))
}

/// What the person has under way, with the way to it; empty where nothing is.
pub(super) fn under_way(pages: &Pages, person: &SignedIn) -> Html {
    let works = pages.works.under_way(person);
    if works.is_empty() {
        return Html::default();
    }
    let links = works.iter().map(|work| {
        let href = format!("/work/{}", work.id);
        match work.is_for(person) {
            true => link(&title(&work.task), &href),
            false => link(
                &format!("{}, begun by {}", title(&work.task), work.owner.name),
                &href,
            ),
        }
    });
    let text = Html::concat([Html::paragraph("Under way at the moment:"), list(links)]);
    InsetText::new(text).into()
}
