//! Importing a file in the browser: check first, then store. The file is not kept; one whose columns have to be explained is held for
//! some minutes, see [`super::import_map`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, post};
use ldsp_ui::components::{
    Choice, Details, ErrorSummary, Field, InsetText, Notification, Radios, StatCard, Stats, Table,
    link, list,
};
use ldsp_ui::listing::Asked;
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::import_map;
use super::releases::file;
use super::upload::{self, UploadError};
use super::{Answer, Pages, exact_part, exact_tag, fault_of, ilr, words, work};
use crate::import::mapping::Reading;
use crate::import::report::{CARRIED, ERASED, ImportReport, Outcome, TAKEN_BACK};
use crate::import::{self, Doubtful, ImportError, Options, services};
use crate::store::imports::ImportKind;
use crate::store::people::Role;
use crate::work::{Asks as Needs, Door, Sender, SentFile, Turn};

/// Largest file: about two million rows.
pub(crate) const LARGEST: usize = 512 << 20;
/// Largest file of a provider: a quarter of a million rows.
pub(crate) const LARGEST_OF_PROVIDER: usize = 64 << 20;
/// Kinds of problems that are shown on the page; the download has every line.
const SHOWN: usize = 100;

/// The last report of each person, for download. Reports quote nothing of the files.
#[derive(Clone, Default)]
pub(super) struct Reports(Arc<Mutex<BTreeMap<String, Arc<Vec<u8>>>>>);

impl Reports {
    pub(super) fn keep(&self, person: &str, report: &ImportReport) {
        let mut csv = Vec::new();
        if report.csv(&mut csv).is_err() {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(person.to_owned(), Arc::new(csv));
    }

    pub(super) fn of(&self, person: &str) -> Option<Arc<Vec<u8>>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(person).cloned()
    }
}

/// The route that takes files, with its own limit.
pub(super) fn receive() -> MethodRouter<Pages> {
    post(take).layer(DefaultBodyLimit::max(LARGEST))
}

/// What was chosen besides the file.
#[derive(Default, Clone)]
pub(super) struct Chosen {
    pub(super) kind: String,
    pub(super) way: String,
    pub(super) providers: String,
    pub(super) doubtful: String,
    /// Questions that the last file raised.
    pub(super) asks: Asks,
}

impl Chosen {
    /// How to import, for this person.
    pub(super) fn options(&self, person: &SignedIn) -> Options {
        Options {
            who: person.name.clone(),
            dry_run: self.way == "check",
            valid_rows: self.way == "valid",
            new_providers: self.providers == "new",
            doubtful: match self.doubtful.as_str() {
                "new" => Doubtful::New,
                "corrected" => Doubtful::Corrected,
                _ => Doubtful::Ask,
            },
            ..Options::default()
        }
    }

    /// What was chosen, by what was made of it.
    pub(super) fn of(kind: ImportKind, options: &Options) -> Self {
        let way = match (options.dry_run, options.valid_rows) {
            (true, _) => "check",
            (false, true) => "valid",
            (false, false) => "store",
        };
        Self {
            kind: kind.as_str().to_owned(),
            way: way.to_owned(),
            providers: if options.new_providers { "new" } else { "" }.to_owned(),
            doubtful: match options.doubtful {
                Doubtful::New => "new",
                Doubtful::Corrected => "corrected",
                Doubtful::Ask => "",
            }
            .to_owned(),
            asks: Asks {
                providers: options.new_providers,
                doubtful: options.doubtful != Doubtful::Ask,
            },
        }
    }

    /// The same with the questions that a report raises.
    pub(super) fn asked(&self, report: &ImportReport) -> Self {
        let or_refuse = |answer: &str| match answer {
            "" => "refuse".to_owned(),
            answer => answer.to_owned(),
        };
        let found = |code: &str| report.problems.by_code().contains_key(code);
        let kinds = [
            ("kind-learners", ImportKind::Learners),
            ("kind-programmes", ImportKind::Programmes),
            ("kind-demand", ImportKind::Demand),
            ("format-ilr", ImportKind::Ilr),
        ];
        let kind = kinds.into_iter().find(|(code, _)| found(code));
        Self {
            kind: kind.map_or_else(|| self.kind.clone(), |(_, kind)| kind.as_str().to_owned()),
            way: self.way.clone(),
            providers: or_refuse(&self.providers),
            doubtful: or_refuse(&self.doubtful),
            asks: Asks {
                providers: self.asks.providers || found("provider-unknown"),
                doubtful: self.asks.doubtful || found("same-or-new") || found("correction-unclear"),
            },
        }
    }
}

/// What only a person can say, by what a file brought up.
#[derive(Default, Clone, Copy)]
pub(super) struct Asks {
    pub(super) providers: bool,
    pub(super) doubtful: bool,
}

#[derive(Default)]
struct Errors {
    kind: Option<&'static str>,
    way: Option<&'static str>,
    file: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "import_form.html")]
struct FormTemplate {
    kind: Radios,
    way: Radios,
    questions: Vec<Radios>,
    error: Option<String>,
}

fn form_html(chosen: &Chosen, errors: &Errors) -> Html {
    let kind = Radios::new(
        Field::new("kind", "What does the file hold?")
            .value(chosen.kind.clone())
            .error_if(errors.kind),
        [
            Choice::new("programmes", "Programmes")
                .hint("One row for each programme. Import them before their learners"),
            Choice::new("learners", "Learners").hint("One row for each enrolment"),
            Choice::new("demand", "Demand for digital skills")
                .hint("One row for each need that somebody stated: of a survey, a panel, a workshop"),
            Choice::new("vacancies", "Vacancies")
                .hint("Digital skills are found in them by a table of words. You see every word that was found before anything is kept; the vacancies themselves are not"),
            Choice::new("survey", "A table of the Employer Skills Survey")
                .hint("As it was published: the standard LEP tables of 2017, or all areas of 2019. A workbook may come whole: the table is found by its title. The digital skills of this LEP become demand"),
            Choice::new("ilr", "An Individualised Learner Record (ILR)")
                .hint("A provider\u{2019}s XML file of a year. It replaces what an earlier file of that year said"),
            Choice::new("services", "Services where people learn")
                .hint("One row for each service of any organisation: what there is to learn digital skills"),
        ],
    );
    let way = Radios::new(
        Field::new("way", "What shall be done?")
            .value(chosen.way.clone())
            .error_if(errors.way),
        [
            Choice::new("check", "Check the file only")
                .hint("Every row is checked and nothing is stored"),
            Choice::new("store", "Import it if every row is sound"),
            Choice::new("valid", "Import the sound rows and leave the others out")
                .hint("Rows with a problem are listed for you to correct"),
        ],
    );
    let form = FormTemplate {
        kind,
        way,
        questions: questions(chosen),
        error: errors.file.clone(),
    };
    Html::render(&form)
}

/// Asked when a file has raised them, and again with the answer.
pub(super) fn questions(chosen: &Chosen) -> Vec<Radios> {
    let mut questions = Vec::new();
    if chosen.asks.providers {
        questions.push(Radios::new(
            Field::new("providers", "Who are the providers that no earlier file named?")
                .value(chosen.providers.clone()),
            [
                Choice::new("refuse", "Refuse their rows")
                    .hint("The name may be misspelt. If a provider has a new name, say so first on the page Names of providers in files, under Organisations"),
                Choice::new("new", "They are new providers")
                    .hint("A provider that only has another name would be counted twice"),
            ],
        ));
    }
    if chosen.asks.doubtful {
        questions.push(Radios::new(
            Field::new(
                "doubtful",
                "What are the rows that may be new or corrected?",
            )
            .value(chosen.doubtful.clone()),
            [
                Choice::new("refuse", "Refuse them"),
                Choice::new("new", "New enrolments")
                    .hint("The file adds enrolments to those that are held"),
                Choice::new("corrected", "Corrected ones").hint(
                    "The file corrects aims or starts; what was counted is not counted again",
                ),
            ],
        ));
    }
    questions
}

fn about() -> Html {
    let columns = |names: &[&str]| names.join(", ");
    let learners = Details::new(
        "Columns of the learner file",
        Html::paragraph(&columns(import::learners::COLUMNS)),
    );
    let programmes = Details::new(
        "Columns of the programme file",
        Html::paragraph(&columns(import::programmes::COLUMNS)),
    );
    let demand = Details::new(
        "Columns of the demand file",
        Html::paragraph(&columns(import::demands::COLUMNS)),
    );
    let services = Details::new(
        "Columns of the file of services",
        Html::paragraph(&columns(import::services::COLUMNS)),
    );
    Html::concat([
        list([
            "The file is read and deleted from this server at once, also when it is refused. To import after a check, choose it again. Only a file whose columns have to be explained is held meanwhile, for 15 minutes at most.",
            "Names, learner numbers, birth dates and postcodes become a code, an age band and a district. They are not kept, and no report quotes them.",
            "Importing the same file twice changes nothing; a row that has changed is updated.",
        ]),
        programmes.into(),
        learners.into(),
        demand.into(),
        services.into(),
    ])
}

/// Other ways to bring records in, and what is remembered about files.
fn ways() -> Html {
    list([
        link("Paste rows from a spreadsheet", "/import/paste"),
        link(
            "Mappings: files with columns of their own",
            "/import/mappings",
        ),
        link("Names of providers in files", super::names::PATH),
        link(
            "Postcode directory: what turns postcodes into districts",
            super::postcodes::PATH,
        ),
        link(
            "How ILRs are read: providers, aims and codes",
            "/import/ilr",
        ),
    ])
}

fn page(chosen: &Chosen, errors: &Errors, under_way: Html) -> Page {
    let mut summary = ErrorSummary::new();
    for (field, error) in [
        ("kind", errors.kind),
        ("way", errors.way),
        ("file", errors.file.as_deref()),
    ] {
        if let Some(error) = error {
            summary = summary.error(field, error);
        }
    }
    Page::new("Import a file")
        .errors(summary)
        .body(Html::concat([
            under_way,
            about(),
            ways(),
            form_html(chosen, errors),
        ]))
}

/// With `?kind=` what the file holds is chosen already.
pub(super) async fn form(State(pages): State<Pages>, asked: Asked, person: SignedIn) -> Page {
    if person.role.as_str() != Role::Coordinator.as_str() {
        let why = InsetText::new(
            "You are signed in as an approver. Only a coordinator may import a file.",
        );
        return Page::new("Import a file").body(Html::concat([about(), why.into()]));
    }
    let chosen = Chosen {
        kind: asked.text("kind").to_owned(),
        way: "check".to_owned(),
        ..Chosen::default()
    };
    let under_way = work::under_way(&pages, &person);
    page(&chosen, &Errors::default(), under_way)
}

async fn take(State(pages): State<Pages>, person: SignedIn, form: Multipart) -> Answer {
    let place = pages.works.expect(Sender::Lep).ok_or_else(full)?;
    let received = upload::receive(&pages.node.dir, &pages.entropy, form)
        .await
        .map_err(not_received)?;
    let chosen = Chosen {
        kind: received.kind,
        way: received.way,
        asks: Asks {
            providers: !received.providers.is_empty(),
            doubtful: !received.doubtful.is_empty(),
        },
        providers: received.providers,
        doubtful: received.doubtful,
    };
    let kind = kind_of(&chosen);
    let way = ["check", "store", "valid"].contains(&chosen.way.as_str());
    let received = received.upload.filter(|upload| upload.bytes > 0);
    let errors = Errors {
        kind: kind.is_none().then_some("Choose what the file holds"),
        way: (!way).then_some("Choose what shall be done"),
        file: received
            .is_none()
            .then(|| "Choose a file that is not empty".to_owned()),
    };
    let (Some(kind), true, Some(upload)) = (kind, way, received) else {
        return Ok(page(&chosen, &errors, Html::default()).into_response());
    };
    let mut options = chosen.options(&person);
    // What is found in vacancies is confirmed by a person before it is kept: see import_map.
    options.dry_run |= kind == ImportKind::Vacancies;
    let file = SentFile {
        kind,
        door: Door::Form,
        upload,
        reading: Reading::default(),
        options,
        turn: Turn::Waits(pages.works.clone(), place),
    };
    let work = work::begin_import(&pages, &person, file);
    work::answer(&pages, &person, &work).await
}

/// What came of a file that was sent by the form.
pub(super) fn ended(
    report: &ImportReport,
    kind: ImportKind,
    options: &Options,
    asks: Needs,
) -> Page {
    let places = import_map::Places::of(options);
    let offer = (asks == Needs::PerhapsColumns).then(|| import_map::offer(places));
    report_page(report, &Chosen::of(kind, options), offer)
}

fn kind_of(chosen: &Chosen) -> Option<ImportKind> {
    [
        ImportKind::Programmes,
        ImportKind::Learners,
        ImportKind::Demand,
        ImportKind::Vacancies,
        ImportKind::Survey,
        ImportKind::Ilr,
        ImportKind::Services,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == chosen.kind)
}

pub(super) fn failed(error: &ImportError) -> ProblemPage {
    if let ImportError::Store(error) = error
        && (error.is_busy() || error.is_fatal())
    {
        return fault_of(error);
    }
    tracing::error!(%error, "an import from the page did not run to its end");
    ProblemPage::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "import_failed",
        "The file was not imported",
    )
    .happened(format!(
        "{} Nothing was stored.",
        words::sentence(&error.to_string())
    ))
    .next(error.next())
}

pub(super) fn busy() -> ProblemPage {
    ProblemPage::new(
        StatusCode::CONFLICT,
        "upload_busy",
        "Another file is being imported",
    )
    .happened("One file is taken at a time. Nothing of yours was stored.")
    .next("Wait until the other import is done, then send the file again. If it is yours, the page where you sent it leads to it: you can see how far it is and cancel it.")
}

pub(super) fn full() -> ProblemPage {
    ProblemPage::new(
        StatusCode::CONFLICT,
        "upload_busy",
        "Too many files are on their way",
    )
    .happened("As many files of the partnership\u{2019}s own people are being sent as this server takes at a time. Nothing of yours was stored.")
    .next("Wait until one of them has been sent, then send yours again.")
}

pub(super) fn not_received(error: UploadError) -> ProblemPage {
    match error {
        UploadError::Sent(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ProblemPage::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "file_too_large",
                "The file is too large",
            )
            .happened(format!(
                "A file may have up to {} MiB. Nothing was stored.",
                LARGEST >> 20
            ))
            .next("Split the file, or ask the IT team to import it on the server.")
        }
        UploadError::Sent(error) => ProblemPage::new(
            StatusCode::BAD_REQUEST,
            "upload_broken",
            "The file did not arrive whole",
        )
        .happened(format!(
            "{} Nothing was stored.",
            words::sentence(&error.body_text())
        ))
        .next("Try again. If it happens again, ask the IT team to import the file on the server."),
        UploadError::Form(why) => ProblemPage::new(
            StatusCode::BAD_REQUEST,
            "upload_form",
            "The form was not understood",
        )
        .happened(format!("{why} Nothing was stored."))
        .next("Open the page Import again and send one file from there."),
        UploadError::Disk(error) => {
            tracing::error!(%error, "an upload could not be written to the data directory");
            ProblemPage::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "disk",
                "The server could not take the file",
            )
            .happened(
                "The disk of the data directory is full or cannot be written. Nothing was stored.",
            )
            .next("Tell the IT team; try again when there is space.")
        }
    }
}

/// What the notice at the top says, and whether no row needs attention.
pub(super) fn verdict(report: &ImportReport) -> (Notification, bool) {
    let t = report.tally;
    match report.outcome {
        Outcome::Stored if t.refused > 0 => (Notification::done(format!("The sound rows are stored; {} left out", words::some(usize::try_from(t.refused).unwrap_or(usize::MAX), "row was", "rows were"))), false),
        Outcome::Stored => (Notification::done("The file is imported"), true),
        Outcome::Checked if report.problems.total() == 0 => (
            Notification::done("The file is sound. Nothing was stored yet")
                .content("To import it, choose it again below and send it."),
            true,
        ),
        Outcome::Checked => (
            Notification::important("Some rows have problems. Nothing was stored")
                .content("The others could go in alone. Correct the file, or import the sound rows."),
            false,
        ),
        Outcome::Refused => (
            Notification::important("The file was refused. Nothing was stored")
                .content("Each problem stands below with its line, its cause and what to do. Correct them all and send the file again."),
            false,
        ),
    }
}

/// What a report says, without its verdict.
pub(super) fn report_body(report: &ImportReport, sound: bool) -> Vec<Html> {
    let t = report.tally;
    let would = if report.outcome == Outcome::Stored {
        ""
    } else {
        "would be "
    };
    let cards = [
        StatCard::new("Rows in the file", words::count(t.rows)).tag(exact_tag()),
        StatCard::new("New", words::count(t.added)).line(format!("{would}added")),
        StatCard::new("Changed", words::count(t.changed)).line(format!("{would}updated")),
        StatCard::new("Same as held", words::count(t.unchanged)).line("nothing to do"),
        StatCard::new("Refused", words::count(t.refused)).line("rows with a problem"),
    ];
    let mut pieces = Vec::new();
    if t.rows > 0 {
        pieces.push(exact_part(Stats::new("What the file holds", cards)));
    }
    if t.outside > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} {}.",
            words::some(
                usize::try_from(t.outside).unwrap_or(usize::MAX),
                "row",
                "rows"
            ),
            report.outside_note().trim()
        )));
    }
    for sentence in report
        .references
        .sentences(t.rows, report.outcome == Outcome::Stored)
    {
        pieces.push(Html::paragraph(&sentence));
    }
    if report.taken_back > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} {}.",
            words::count(report.taken_back),
            TAKEN_BACK.trim()
        )));
    }
    for (rows, note) in [(t.carried, CARRIED), (t.erased, ERASED)] {
        if rows > 0 {
            pieces.push(Html::paragraph(&format!(
                "{} {}.",
                words::some(usize::try_from(rows).unwrap_or(usize::MAX), "row", "rows"),
                note.trim()
            )));
        }
    }
    if let Some(summary) = &report.ilr {
        pieces.push(ilr::report(summary));
    }
    if let Some(found) = &report.vacancies {
        pieces.push(super::demand::vacancies(found));
    }
    if let Some(survey) = &report.survey {
        pieces.push(super::demand::survey(
            survey,
            report.outcome == Outcome::Stored,
        ));
    }
    if let Some(services) = &report.services {
        pieces.push(changed_services(
            services,
            report.outcome == Outcome::Stored,
        ));
    }
    if !sound {
        pieces.push(problems(report, "/import/report.csv"));
    }
    pieces
}

/// What the file changes of services that are held, column by column.
fn changed_services(summary: &services::Summary, stored: bool) -> Html {
    if summary.changes.is_empty() {
        return Html::default();
    }
    let rows = summary.changes.iter().flat_map(|change| {
        let name = link(&change.name, &format!("/provision/{}", change.id));
        let older = change.older_check.then(|| {
            [
                name.clone(),
                "Last checked on".into(),
                services::OLDER_CHECK.into(),
                Html::default(),
            ]
        });
        let columns = change.columns.iter().map(move |it| {
            let [label, was, is] = &it.words;
            let text = |text: &str| Html::text(services::or_empty(text));
            [name.clone(), Html::text(label), text(was), text(is)]
        });
        columns.chain(older).collect::<Vec<_>>()
    });
    let (title, becomes) = match stored {
        true => ("What changed of services that were held", "Is now"),
        false => ("What would change of services that are held", "Would be"),
    };
    let table = Table::new(title)
        .columns(["Service", "What", "Held", becomes])
        .rows(rows);
    let more = match summary.more {
        0 => Html::default(),
        n => Html::paragraph(&format!(
            "And {} more services: the history of each shows what changed.",
            words::count(n)
        )),
    };
    let note = "What the file has no column for stays as it is.";
    Html::concat([Html::paragraph(note), table.into(), more])
}

fn report_page(report: &ImportReport, chosen: &Chosen, offer: Option<Html>) -> Page {
    let what = match report.kind {
        ImportKind::Ilr => "an ILR",
        kind => kind.as_str(),
    };
    let (mut notice, sound) = verdict(report);
    let asks = report.ilr.as_ref().is_some_and(ilr::asks);
    if asks && report.outcome == Outcome::Refused {
        notice = Notification::important("The file needs some answers first. Nothing was stored")
            .content(
                "Answer the questions below: the file is held meanwhile, and is read again then.",
            );
    }
    if offer.is_some() {
        notice = Notification::important("The file needs some answers first. Nothing was stored")
            .content("Say which column is which, below: the file is held meanwhile. Or correct what stands below and send it again.");
    }
    let mut pieces: Vec<Html> = offer.into_iter().collect();
    pieces.extend(report_body(report, sound));
    let again = match (report.outcome, chosen.way.as_str()) {
        (Outcome::Stored, _) => {
            pieces.push(onward(report.kind));
            return Page::new(format!("Import of {what}"))
                .breadcrumb("Import", "/import")
                .notice(notice)
                .body(Html::concat(pieces));
        }
        (Outcome::Checked, _) => "store",
        (_, way) => way,
    };
    let next = Chosen {
        way: again.to_owned(),
        ..chosen.asked(report)
    };
    pieces.push(Html::literal(
        "<h2 class=\"govuk-heading-m\">Send the file again</h2>",
    ));
    pieces.push(form_html(&next, &Errors::default()));
    Page::new(format!("Check of {what}"))
        .breadcrumb("Import", "/import")
        .notice(notice)
        .body(Html::concat(pieces))
}

/// The steps that follow a file that is stored.
pub(super) fn onward(kind: ImportKind) -> Html {
    let quality = (
        "Look at the quality of the records",
        "/quality",
        "what is late, missing or unlikely, provider by provider, and whom to ask",
    );
    let preview = (
        "Preview the next release",
        super::preview::PATH,
        "what would leave this node",
    );
    match kind {
        ImportKind::Learners | ImportKind::Ilr => super::next_steps([quality, preview]),
        ImportKind::Programmes | ImportKind::Postcodes => super::next_steps([(
            "Import the learners",
            "/import",
            "each of their rows names a programme by its code",
        )]),
        ImportKind::Demand | ImportKind::Vacancies | ImportKind::Survey => super::next_steps([(
            "See what is asked for",
            "/demand/summary",
            "and what is provided",
        )]),
        ImportKind::Services => super::next_steps([(
            "Look through the services",
            "/provision",
            "which are new, doubled or old",
        )]),
    }
}

pub(super) fn problems(report: &ImportReport, download: &str) -> Html {
    let all = report.problems.total();
    if all == 0 {
        return Html::default();
    }
    let alike = report.problems.alike();
    let rows = alike.iter().take(SHOWN).map(|alike| {
        let place = match alike.count {
            1 => alike.lines_in_words(),
            many => format!(
                "{} times: {}",
                words::count(many),
                crate::words::begun_small(&alike.lines_in_words())
            ),
        };
        [
            Html::from(alike.field.unwrap_or("whole row")),
            alike.cause.to_string().into(),
            alike.remedy.to_string().into(),
            place.into(),
            super::release_view::code(alike.code),
        ]
    });
    let number = usize::try_from(all).unwrap_or(usize::MAX);
    let shown = if number > alike.len() {
        let kinds = words::some(alike.len(), "kind", "kinds");
        format!("{} of {kinds}", words::some(number, "problem", "problems"))
    } else {
        words::some(number, "problem", "problems")
    };
    let table = Table::new(shown)
        .columns(["Field", "What is wrong", "What to do", "Where", "Code"])
        .rows(rows);
    let download =
        ldsp_ui::components::link("Download the whole report, line by line (CSV)", download);
    Html::concat([table.into(), ldsp_ui::components::list([download])])
}

pub(super) fn no_report() -> ProblemPage {
    ProblemPage::new(StatusCode::NOT_FOUND, "no_report", "There is no report")
        .happened("No file was checked since this server was started, or it was by another person.")
        .next("Check the file again on the page where it is sent.")
}

pub(super) async fn report(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let csv = pages.reports.of(&person.name).ok_or_else(no_report)?;
    let response: Response = file(
        csv.as_ref().clone(),
        "text/csv; charset=utf-8",
        "attachment; filename=\"ldsp-import-report.csv\"",
    );
    Ok(response)
}
