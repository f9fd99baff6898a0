//! A file with columns of its own: what they stand for is asked page by page, then it is checked and imported. The file is sent once.
//!
//! It is held meanwhile ([`super::held`]). A provider's own files go the same way: [`Whose`] tells their pages and what is remembered apart.

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
use super::{Answer, Pages, fault, provider, see_other, work};
use crate::delivery::{self, Bringing, Own};
use crate::import::Options;
use crate::import::SheetName;
use crate::import::mapping::look::{Look, Looked, look};
use crate::import::mapping::propose::propose;
use crate::import::mapping::{self, Kind, Mapping, Reading};
use crate::import::report::{ImportReport, Outcome, RowProblem};
use crate::store::imports::ImportKind;
use crate::store::mappings::{LEP, Remembered};
use crate::store::records::merge::By;
use crate::work::{Asks, Door, Sender, SentFile, Turn};

/// Longest text that can be pasted, in bytes; and the most rows.
pub(super) const PASTE: usize = 1 << 20;
pub(super) const PASTED_ROWS: usize = 2_000;

/// Whose files are asked about.
#[derive(Clone)]
pub(super) enum Whose {
    /// The LEP's own people's.
    Lep,
    /// A provider's, with the cohort that its rows are put into.
    Provider(Arc<Own>, Option<i64>),
}

/// The pages of files of the LEP's people, or of a provider's.
pub(super) struct Places {
    /// What the page is called where files are sent.
    pub(super) name: &'static str,
    pub(super) upload: &'static str,
    pub(super) map: &'static str,
    pub(super) paste: &'static str,
    pub(super) mappings: &'static str,
}

const OF_LEP: Places = Places {
    name: "Import",
    upload: "/import",
    map: "/import/map",
    paste: "/import/paste",
    mappings: "/import/mappings",
};
const OF_PROVIDER: Places = Places {
    name: "Upload",
    upload: "/provider/upload",
    map: "/provider/map",
    paste: "/provider/paste",
    mappings: "/provider/mappings",
};

impl Places {
    /// Those of whoever imports with these options.
    pub(super) fn of(options: &Options) -> &'static Self {
        match options.brings {
            None => &OF_LEP,
            Some(_) => &OF_PROVIDER,
        }
    }
}

impl Whose {
    pub(super) fn places(&self) -> &'static Places {
        match self {
            Self::Lep => &OF_LEP,
            Self::Provider(..) => &OF_PROVIDER,
        }
    }

    /// Under what its mappings are remembered.
    pub(super) fn scope(&self) -> &str {
        match self {
            Self::Lep => LEP,
            Self::Provider(own, _) => own.root(),
        }
    }

    /// A page about its file.
    pub(super) fn page(&self, title: impl Into<String>) -> Page {
        let page = match self {
            Self::Lep => Page::new(title),
            Self::Provider(own, _) => Page::new(title).breadcrumb(own.name.clone(), "/provider"),
        };
        let places = self.places();
        page.breadcrumb(places.name, places.upload)
    }

    /// How its file is read.
    fn options(&self, chosen: &Chosen, person: &SignedIn, by: &By) -> Options {
        let options = chosen.options(person);
        match self {
            Self::Lep => options,
            Self::Provider(own, cohort) => {
                let how = Bringing {
                    cohort: *cohort,
                    employer: None,
                    adds: false,
                    dry_run: options.dry_run,
                    valid_rows: options.valid_rows,
                    doubtful: options.doubtful,
                };
                how.options(own, by)
            }
        }
    }
}

/// A file and what was answered about it so far. It has no `Debug`: its look holds values of the file.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) whose: Whose,
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
    (person, whose): (&SignedIn, Whose),
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
    let held = match opened(pages, whose, kind, upload).await? {
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
        None => forms::stored(report, options),
    }
}

/// A new draft, looked at as far as is possible without an answer.
async fn opened(
    pages: &Pages,
    whose: Whose,
    kind: Kind,
    upload: Upload,
) -> Result<Result<Draft, Vec<RowProblem>>, ProblemPage> {
    let held = Draft {
        whose,
        upload,
        kind,
        sheet: None,
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
                .mapping_for(held.whose.scope(), held.kind.as_str(), print)
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
pub(super) fn offer(places: &Places) -> Html {
    let link = ldsp_ui::components::link("Say which column is which", places.map);
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

fn nothing_held(whose: &Whose) -> ProblemPage {
    ProblemPage::new(StatusCode::NOT_FOUND, "no_file", "There is no file")
        .happened("A file is held for 15 minutes after the last answer, and until it is imported. Nothing of it is kept.")
        .next(format!("Send it again on the page {}.", whose.places().name))
}

/// The file that the person has sent for these people.
fn own_draft(pages: &Pages, person: &SignedIn, whose: &Whose) -> Result<Draft, ProblemPage> {
    let held = pages.held.draft(&person.name);
    held.filter(|held| held.whose.scope() == whose.scope())
        .ok_or_else(|| nothing_held(whose))
}

pub(super) async fn show(
    State(pages): State<Pages>,
    person: SignedIn,
    Query(asked): Query<Asked>,
) -> Answer {
    ask(&pages, &person, &Whose::Lep, &asked).await
}

/// The question that is open, or an earlier one.
pub(super) async fn ask(pages: &Pages, person: &SignedIn, whose: &Whose, asked: &Asked) -> Answer {
    let held = own_draft(pages, person, whose)?;
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
        return read(pages, person, &held, &chosen).await;
    }
    Ok(forms::question(&held, step, &[], &[]).into_response())
}

pub(super) async fn answer(
    State(pages): State<Pages>,
    person: SignedIn,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    take_answer(&pages, &person, &Whose::Lep, pairs).await
}

/// Takes an answer, and leads to the next question.
pub(super) async fn take_answer(
    pages: &Pages,
    person: &SignedIn,
    whose: &Whose,
    pairs: Vec<(String, String)>,
) -> Answer {
    let mut held = own_draft(pages, person, whose)?;
    let places = whose.places();
    let sent = |name: &str| {
        let found = pairs.iter().rev().find(|(sent, _)| sent == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if sent("step") == "drop" {
        pages.held.let_go(&person.name);
        return Ok(see_other(places.upload));
    }
    let Some(step) = Step::named(sent("step")) else {
        return import_now(pages, person, &held, sent).await;
    };
    if (step > Step::Text) != held.look.is_some() {
        return Ok(see_other(places.map));
    }
    let errors = forms::read(&mut held, step, &pairs);
    if !errors.is_empty() {
        return Ok(forms::question(&held, step, &pairs, &errors).into_response());
    }
    if step <= Step::Text {
        if step == Step::Sheet {
            held.sheet = Some(sent("sheet").to_owned());
        }
        held = match looked(pages, held).await? {
            Ok(held) => held,
            Err(problems) => return Err(refused(&problems, places)),
        };
    }
    if step == Step::Name
        && let Err(error) =
            remember(pages, person, &mut held, sent("name"), sent("replace")).await?
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
    Ok(see_other(places.map))
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
        .remember_mapping(
            held.whose.scope(),
            (&name, &held.mapping),
            print,
            seen,
            &person.name,
            now,
        )
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

fn refused(problems: &[RowProblem], places: &Places) -> ProblemPage {
    let first = problems.first();
    let (cause, remedy) = first.map_or(("", ""), |problem| (&*problem.cause, &*problem.remedy));
    ProblemPage::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "file_refused",
        "The file cannot be read",
    )
    .happened(format!("{cause} Nothing was stored."))
    .next(if remedy.is_empty() {
        format!("Send it again on the page {}.", places.name)
    } else {
        remedy.to_owned()
    })
}

/// Reads the file with its mapping: checks it and asks whether it shall be imported, or imports it.
async fn read(pages: &Pages, person: &SignedIn, held: &Draft, chosen: &Chosen) -> Answer {
    let turn = match &held.whose {
        Whose::Lep => Turn::Mine(pages.works.alone().ok_or_else(busy)?),
        Whose::Provider(own, cohort) => {
            if let Some(cohort) = cohort {
                // It may have become another provider's since the file was sent.
                let found = delivery::cohort(&pages.node.store, own, *cohort).await;
                found.map_err(fault)?.ok_or_else(ProblemPage::not_found)?;
            }
            let place = pages.works.expect(Sender::Provider(own.organisation));
            Turn::Waits(pages.works.clone(), place.ok_or_else(provider::full)?)
        }
    };
    let by = delivery::by(&person.name, (pages.clock)());
    let file = SentFile {
        kind: held.kind.into(),
        door: Door::Mapped(held.upload.id),
        upload: held.upload.clone(),
        reading: held.reading(),
        options: held.whose.options(chosen, person, &by),
        turn,
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
        return Ok(see_other(held.whose.places().map));
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
    forms::paste(&Whose::Lep, &Pasted::default(), &[])
}

/// The route that takes pasted rows, with its own limit: a form makes up to three bytes of one.
pub(super) fn take_paste() -> MethodRouter<Pages> {
    post(paste).layer(DefaultBodyLimit::max(PASTE_FORM))
}

/// Longest form with pasted rows, in bytes.
pub(super) const PASTE_FORM: usize = 3 * PASTE + 4_096;

/// What was pasted.
#[derive(Default, Deserialize)]
pub(super) struct Pasted {
    /// Empty for a provider's, which are learners.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) rows: String,
}

async fn paste(State(pages): State<Pages>, person: SignedIn, Sent(pasted): Sent<Pasted>) -> Answer {
    take_pasted(&pages, &person, Whose::Lep, pasted).await
}

/// Takes pasted rows as a file, and leads to the first question about it.
pub(super) async fn take_pasted(
    pages: &Pages,
    person: &SignedIn,
    whose: Whose,
    pasted: Pasted,
) -> Answer {
    let mut errors = Vec::new();
    let kind = match &whose {
        Whose::Lep => pasted.kind.parse::<Kind>(),
        Whose::Provider(..) => Ok(Kind::Learners),
    };
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
        return Ok(forms::paste(&whose, &pasted, &errors).into_response());
    };
    let chunk = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(pasted.rows))]);
    let upload = Upload::receive(&pages.node.dir, &pages.entropy, chunk).await;
    let upload = upload.map_err(|error| not_received(UploadError::Disk(error)))?;
    let places = whose.places();
    match opened(pages, whose, kind, upload).await? {
        Ok(held) => {
            pages.held.hold(&person.name, Waits::Columns(held));
            Ok(see_other(places.map))
        }
        Err(problems) => Err(refused(&problems, places)),
    }
}

/// A way out: the file is let go at once.
pub(super) fn drop_form(places: &Places) -> Html {
    PostForm::to(places.map)
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
