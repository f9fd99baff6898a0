//! A file with columns of its own: what they stand for is asked page by page, then it is checked and imported. The file is sent once.
//!
//! It is held meanwhile ([`super::held`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Form as Sent;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use ldsp_ui::components::{Button, Notification, PostForm};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::held::Waits;
use super::import::{Chosen, busy, not_received};
use super::import_map_forms as forms;
use super::upload::{Upload, UploadError};
use super::{Answer, Pages, fault, see_other, work};
use crate::import::Options;
use crate::import::SheetName;
use crate::import::mapping::look::{Look, Looked, look};
use crate::import::mapping::propose::propose;
use crate::import::mapping::{self, Kind, Mapping, Reading};
use crate::import::report::{ImportReport, Outcome, RowProblem};
use crate::store::imports::ImportKind;
use crate::store::mappings::Remembered;
use crate::work::{Asks, Door, SentFile, Turn};

/// Longest text that can be pasted, in bytes; and the most rows.
pub(super) const PASTE: usize = 1 << 20;
pub(super) const PASTED_ROWS: usize = 2_000;

/// A file and what was answered about it so far. It has no `Debug`: its look holds values of the file.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) upload: Upload,
    pub(super) kind: Kind,
    sheet: Option<String>,
    pub(super) sheets: Vec<SheetName>,
    pub(super) look: Option<Arc<Look>>,
    pub(super) mapping: Mapping,
    /// The remembered mapping that it began with, and its version.
    pub(super) name: Option<(String, i64)>,
    answered: BTreeSet<Step>,
    western: bool,
}

impl Draft {
    fn reading(&self) -> Reading {
        Reading {
            mapping: Some(self.mapping.clone()),
            sheet: self.sheet.clone(),
        }
    }

    /// The next question, in the order of the questions.
    fn next(&self) -> Step {
        let Some(look) = &self.look else {
            return if self.western {
                Step::Text
            } else {
                Step::Sheet
            };
        };
        let open = |step: &Step| {
            let asked = match step {
                Step::Columns | Step::Name => true,
                Step::Dates => look.dates(&self.mapping).1 > 0,
                Step::Values => !look.unknown(&self.mapping).is_empty(),
                Step::Sheet | Step::Text | Step::Check => false,
            };
            asked && !self.answered.contains(step)
        };
        let steps = [Step::Columns, Step::Dates, Step::Values, Step::Name];
        steps.into_iter().find(open).unwrap_or(Step::Check)
    }
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Which sheet?
    Sheet,
    /// Is it Windows-1252?
    Text,
    /// Which column is which?
    Columns,
    /// How are dates written?
    Dates,
    /// Which codes do values stand for?
    Values,
    /// Under which name is it remembered?
    Name,
    /// Shall it be imported?
    Check,
}

impl Step {
    /// The question of this name in a form or an address.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sheet" => Self::Sheet,
            "text" => Self::Text,
            "columns" => Self::Columns,
            "dates" => Self::Dates,
            "values" => Self::Values,
            "name" => Self::Name,
            _ => return None,
        })
    }
}

/// Codes of problems that a mapping can solve.
const HEADER: [&str; 6] = [
    "header-missing",
    "column-unknown",
    "column-missing",
    "column-duplicate",
    "sheet-unclear",
    "sheets-too-many",
];

/// Holds a file that was refused for its header, when its columns can be explained.
pub(super) async fn begin(
    pages: &Pages,
    person: &SignedIn,
    kind: ImportKind,
    upload: Upload,
    report: &ImportReport,
) -> Result<Asks, ProblemPage> {
    let kind = match kind {
        ImportKind::Programmes => Kind::Programmes,
        ImportKind::Demand => Kind::Demand,
        ImportKind::Vacancies => Kind::Vacancies,
        ImportKind::Services => Kind::Services,
        ImportKind::Learners => Kind::Learners,
        ImportKind::Ilr | ImportKind::Postcodes | ImportKind::Survey => return Ok(Asks::Nothing),
    };
    let codes = report.problems.by_code();
    // Text in another coding may be found anywhere; the rest before the first row.
    // What is found in vacancies is looked at before anything of it is kept.
    let is_header = kind == Kind::Vacancies
        || report.outcome == Outcome::Refused
            && (codes.contains_key("encoding")
                || report.tally.rows == 0 && codes.keys().any(|code| HEADER.contains(code)));
    if !is_header {
        return Ok(Asks::Nothing);
    }
    let known = codes.get("column-unknown").copied().unwrap_or(0);
    let held = match opened(pages, kind, upload, None).await? {
        Ok(held) => held,
        Err(_) => return Ok(Asks::Nothing),
    };
    // A file with most of the contract's columns has a mistake in them, rather than columns of its own.
    let is_near = kind != Kind::Vacancies
        && held.look.as_ref().is_some_and(|look| {
            let named = look.names().len() as u64;
            named > 0 && known * 2 < named && !codes.contains_key("header-missing")
        });
    pages.held.hold(&person.name, Waits::Columns(held));
    Ok(if is_near {
        Asks::PerhapsColumns
    } else {
        Asks::Columns
    })
}

/// Lets a file go that is stored, if it is still the one that is held.
pub(super) fn let_go(pages: &Pages, person: &SignedIn, id: [u8; 16]) {
    if draft_of(pages, person, id).is_some() {
        pages.held.let_go(&person.name);
    }
}

fn draft_of(pages: &Pages, person: &SignedIn, id: [u8; 16]) -> Option<Draft> {
    let held = pages.held.draft(&person.name)?;
    (held.upload.id == id).then_some(held)
}

/// What came of a file whose columns were explained. It can be imported from there while it is held.
pub(super) fn ended(
    pages: &Pages,
    person: &SignedIn,
    id: [u8; 16],
    report: &ImportReport,
    options: &Options,
) -> Page {
    let held = draft_of(pages, person, id).filter(|_| report.outcome != Outcome::Stored);
    match held {
        Some(held) => {
            let chosen = Chosen::of(report.kind, options);
            forms::checked(&held, report, &chosen.asked(report))
        }
        None => forms::stored(report),
    }
}

/// A new draft, looked at as far as is possible without an answer.
async fn opened(
    pages: &Pages,
    kind: Kind,
    upload: Upload,
    sheet: Option<String>,
) -> Result<Result<Draft, Vec<RowProblem>>, ProblemPage> {
    let held = Draft {
        upload,
        kind,
        sheet,
        sheets: Vec::new(),
        look: None,
        mapping: Mapping::begun(kind),
        name: None,
        answered: BTreeSet::new(),
        western: false,
    };
    looked(pages, held).await
}

/// Looks at the file of a draft again, with what was answered; the mapping begins with what is remembered for its header.
async fn looked(
    pages: &Pages,
    mut held: Draft,
) -> Result<Result<Draft, Vec<RowProblem>>, ProblemPage> {
    let found = look(held.upload.open(), held.kind, &held.reading()).await;
    match found.map_err(|error| not_received(UploadError::Disk(error)))? {
        Looked::Refused(problems) => return Ok(Err(problems)),
        Looked::Sheets(sheets) => held.sheets = sheets,
        Looked::Western => held.western = true,
        Looked::Table(found) => {
            let print = mapping::fingerprint(&found.header());
            let store = &pages.node.store;
            let before = store
                .mapping_for(held.kind.as_str(), print)
                .await
                .map_err(fault)?;
            let text = held.mapping.text;
            held.mapping = propose(
                held.kind,
                &found,
                before.as_ref().map(|before| &before.mapping),
            );
            held.mapping.text = text;
            held.name = before.map(|before| (before.name, before.version));
            held.look = Some(Arc::new(*found));
        }
    }
    Ok(Ok(held))
}

/// Offers to explain the columns of a file that is held.
pub(super) fn offer() -> Html {
    let link = ldsp_ui::components::link("Say which column is which", "/import/map");
    Html::concat([
        Html::paragraph(
            "If the file has columns of its own, you need not change it. It is held for 15 minutes.",
        ),
        ldsp_ui::components::list([link]),
    ])
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    step: String,
}

fn nothing_held() -> ProblemPage {
    ProblemPage::new(StatusCode::NOT_FOUND, "no_file", "There is no file")
        .happened("A file is held for 15 minutes after the last answer, and until it is imported. Nothing of it is kept.")
        .next("Send it again on the page Import.")
}

pub(super) async fn show(
    State(pages): State<Pages>,
    person: SignedIn,
    Query(asked): Query<Asked>,
) -> Answer {
    let held = pages.held.draft(&person.name).ok_or_else(nothing_held)?;
    let next = held.next();
    // What comes later cannot be asked yet.
    let step = Step::named(&asked.step)
        .filter(|step| *step < next && held.look.is_some())
        .unwrap_or(next);
    if step == Step::Check {
        let chosen = Chosen {
            way: "check".to_owned(),
            ..Chosen::default()
        };
        return read(&pages, &person, &held, &chosen).await;
    }
    Ok(forms::question(&held, step, &[], &[]).into_response())
}

pub(super) async fn answer(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let mut held = pages.held.draft(&person.name).ok_or_else(nothing_held)?;
    let sent = |name: &str| {
        let found = pairs.iter().rev().find(|(sent, _)| sent == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if sent("step") == "drop" {
        pages.held.let_go(&person.name);
        return Ok(see_other("/import"));
    }
    let Some(step) = Step::named(sent("step")) else {
        return import_now(&pages, &person, &held, sent).await;
    };
    if (step > Step::Text) != held.look.is_some() {
        return Ok(see_other("/import/map"));
    }
    let errors = forms::read(&mut held, step, &pairs);
    if !errors.is_empty() {
        return Ok(forms::question(&held, step, &pairs, &errors).into_response());
    }
    if step <= Step::Text {
        if step == Step::Sheet {
            held.sheet = Some(sent("sheet").to_owned());
        }
        held = match looked(&pages, held).await? {
            Ok(held) => held,
            Err(problems) => return Err(refused(&problems)),
        };
    }
    if step == Step::Name
        && let Err(error) =
            remember(&pages, &person, &mut held, sent("name"), sent("replace")).await?
    {
        let errors = vec![("name".to_owned(), error.to_owned())];
        return Ok(forms::question(&held, step, &pairs, &errors).into_response());
    }
    held.answered.insert(step);
    if step == Step::Columns {
        // Other columns have other dates and values.
        held.answered.retain(|step| *step <= Step::Columns);
    }
    pages.held.hold(&person.name, Waits::Columns(held));
    Ok(see_other("/import/map"))
}

/// Remembers the mapping under a name, unless that is empty; gives what is wrong with it.
async fn remember(
    pages: &Pages,
    person: &SignedIn,
    held: &mut Draft,
    name: &str,
    replace: &str,
) -> Result<Result<(), &'static str>, ProblemPage> {
    if name.trim().is_empty() {
        return Ok(Ok(()));
    }
    let Some(name) = mapping::clean_name(name) else {
        return Ok(Err(
            "Use up to 100 letters, digits, spaces and . - _ ( ) & ', and no personal data",
        ));
    };
    let own = held
        .name
        .as_ref()
        .filter(|(own, _)| own.eq_ignore_ascii_case(&name));
    let seen = match (own, replace) {
        (Some((_, version)), _) => Some(*version),
        (None, "yes") => None,
        (None, _) => Some(0),
    };
    let print = held
        .look
        .as_ref()
        .map(|look| mapping::fingerprint(&look.header()));
    let (store, now) = (&pages.node.store, (pages.clock)());
    let done = store
        .remember_mapping((&name, &held.mapping), print, seen, &person.name, now)
        .await
        .map_err(fault)?;
    Ok(match done {
        Remembered::Done(version) => {
            held.name = Some((name, version));
            Ok(())
        }
        Remembered::Changed(_) => Err(
            "There is another mapping of this name, or somebody changed it meanwhile. Choose another name, or tick that it is replaced",
        ),
    })
}

fn refused(problems: &[RowProblem]) -> ProblemPage {
    let first = problems.first();
    let (cause, remedy) = first.map_or(("", ""), |problem| (&*problem.cause, &*problem.remedy));
    ProblemPage::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "file_refused",
        "The file cannot be read",
    )
    .happened(format!("{cause} Nothing was stored."))
    .next(if remedy.is_empty() {
        "Send it again on the page Import."
    } else {
        remedy
    })
}

/// Reads the file with its mapping: checks it and asks whether it shall be imported, or imports it.
async fn read(pages: &Pages, person: &SignedIn, held: &Draft, chosen: &Chosen) -> Answer {
    let alone = pages.works.alone().ok_or_else(busy)?;
    let file = SentFile {
        kind: held.kind.into(),
        door: Door::Mapped(held.upload.id),
        upload: held.upload.clone(),
        reading: held.reading(),
        options: chosen.options(person),
        turn: Turn::Mine(alone),
    };
    let work = work::begin_import(pages, person, file);
    work::answer(pages, person, &work).await
}

async fn import_now<'a>(
    pages: &Pages,
    person: &SignedIn,
    held: &Draft,
    sent: impl Fn(&str) -> &'a str,
) -> Answer {
    if held.next() != Step::Check {
        return Ok(see_other("/import/map"));
    }
    let way = match sent("way") {
        way @ ("store" | "valid") => way,
        _ => "check",
    };
    let chosen = Chosen {
        way: way.to_owned(),
        providers: sent("providers").to_owned(),
        doubtful: sent("doubtful").to_owned(),
        ..Chosen::default()
    };
    read(pages, person, held, &chosen).await
}

pub(super) async fn paste_form() -> Page {
    forms::paste("", "", &[])
}

/// The route that takes pasted rows, with its own limit: a form makes up to three bytes of one.
pub(super) fn take_paste() -> MethodRouter<Pages> {
    post(paste).layer(DefaultBodyLimit::max(3 * PASTE + 4_096))
}

#[derive(Deserialize)]
struct Pasted {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    rows: String,
}

async fn paste(State(pages): State<Pages>, person: SignedIn, Sent(pasted): Sent<Pasted>) -> Answer {
    let mut errors = Vec::new();
    let kind = pasted.kind.parse::<Kind>();
    if kind.is_err() {
        errors.push(("kind".to_owned(), "Choose what the rows hold".to_owned()));
    }
    let lines = pasted
        .rows
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    if lines < 2 {
        errors.push((
            "rows".to_owned(),
            "Paste the row with the columns' names and at least one row below it".to_owned(),
        ));
    } else if lines > PASTED_ROWS + 1 || pasted.rows.len() > PASTE {
        let cause = format!(
            "Paste at most {PASTED_ROWS} rows and 1 MiB; for more, save the sheet and send it as a file"
        );
        errors.push(("rows".to_owned(), cause));
    }
    let (Ok(kind), true) = (kind, errors.is_empty()) else {
        return Ok(forms::paste(&pasted.kind, &pasted.rows, &errors).into_response());
    };
    let chunk = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(pasted.rows))]);
    let upload = Upload::receive(&pages.node.dir, &pages.entropy, chunk).await;
    let upload = upload.map_err(|error| not_received(UploadError::Disk(error)))?;
    match opened(&pages, kind, upload, None).await? {
        Ok(held) => {
            pages.held.hold(&person.name, Waits::Columns(held));
            Ok(see_other("/import/map"))
        }
        Err(problems) => Err(refused(&problems)),
    }
}

/// A way out: the file is let go at once.
pub(super) fn drop_form() -> Html {
    PostForm::to("/import/map")
        .hidden("step", "drop")
        .buttons([Button::new("Let this file go").secondary()])
        .into()
}

/// What says that nothing of the answers is an import yet.
pub(super) fn note(held: &Draft) -> Option<Notification> {
    held.name.as_ref().map(|(name, _)| {
        Notification::important(format!(
            "This file's columns are remembered as \u{201c}{name}\u{201d}"
        ))
        .content("What was said the last time is chosen already. Look at it and go on.")
    })
}
