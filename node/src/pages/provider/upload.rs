//! A provider's own file: checked first, then stored. Rows of another provider are refused.

use std::sync::Arc;

use axum::Form as Sent;
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use ldsp_ui::components::{
    Choice, Details, ErrorSummary, Field, Radios, Select, StatCard, Stats, link, list,
};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::import::{self, LARGEST_OF_PROVIDER};
use super::super::import_map::{self, Asked, Pasted, Places, Whose};
use super::super::import_map_forms;
use super::super::import_mappings::{self, Named};
use super::super::releases::file;
use super::super::upload::{self, UploadError};
use super::super::{Answer, Pages, fault, words, work};
use super::{cohort_page, not_now, own};
use crate::delivery::{self, Bringing, Handled, Own};
use crate::import::ImportError;
use crate::import::learners::COLUMNS;
use crate::import::mapping::Reading;
use crate::import::report::{ImportReport, Outcome, TAKEN_BACK};
use crate::import::{Doubtful, Options};
use crate::model::Model as _;
use crate::store::cohorts::Cohort;
use crate::store::imports::ImportKind;
use crate::store::kept::{Known, Stored};
use crate::work::{Asks, Door, Sender, SentFile, Turn};

/// The route that takes files, with its own limit.
pub(super) fn receive() -> MethodRouter<Pages> {
    post(take).layer(DefaultBodyLimit::max(LARGEST_OF_PROVIDER))
}

#[derive(askama::Template)]
#[template(
    source = r#"<form method="post" action="/provider/upload" enctype="multipart/form-data" novalidate class="ldsp-prose">
{{ cohort }}
{{ way }}
{% if let Some(doubtful) = doubtful %}{{ doubtful }}
{% endif %}<div class="govuk-form-group{% if error.is_some() %} govuk-form-group--error{% endif %}">
<label class="govuk-label govuk-label--s" for="file">File</label>
<div id="file-hint" class="govuk-hint">An Excel workbook (.xlsx), or CSV in UTF-8; the columns are named in the first row. Up to {{ mib }} MiB</div>
{% if let Some(error) = error %}<p id="file-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
<input class="govuk-file-upload{% if error.is_some() %} govuk-file-upload--error{% endif %} govuk-body" id="file" name="file" type="file" accept=".csv,.xlsx,text/csv" aria-describedby="file-hint{% if error.is_some() %} file-error{% endif %}">
</div>
<button type="submit" class="govuk-button" data-module="govuk-button" data-prevent-double-click="true">Send the file</button>
</form>"#,
    ext = "html"
)]
struct FormTemplate {
    cohort: Select,
    way: Radios,
    doubtful: Option<Radios>,
    error: Option<String>,
    mib: usize,
}

/// What was chosen besides the file.
struct Chosen {
    cohort: String,
    way: String,
    doubtful: String,
    asks: bool,
}

fn form_html(
    own: &Own,
    cohorts: &[Stored<Cohort>],
    known: &Known,
    chosen: &Chosen,
    error: Option<String>,
) -> Html {
    let none = Choice::new("", "None: the file says nothing of cohorts");
    let each = cohorts
        .iter()
        .map(|c| Choice::new(own.handle(Handled::Cohort, c.id), c.it.title(known)));
    let cohort = Select::new(
        Field::new("cohort", "Cohort of all learners in the file").value(chosen.cohort.clone()),
        std::iter::once(none).chain(each),
    );
    let way = Radios::new(
        Field::new("way", "What shall be done?").value(chosen.way.clone()),
        [
            Choice::new("check", "Check the file only")
                .hint("Every row is checked and nothing is stored"),
            Choice::new("store", "Store it if every row is sound"),
            Choice::new("valid", "Store the sound rows and leave the others out"),
        ],
    );
    let doubtful = chosen.asks.then(|| {
        Radios::new(
            Field::new(
                "doubtful",
                "What are the rows that may be new or corrected?",
            )
            .value(chosen.doubtful.clone()),
            [
                Choice::new("refuse", "Refuse them"),
                Choice::new("new", "New enrolments"),
                Choice::new("corrected", "Corrected ones")
                    .hint("The file corrects courses or first days"),
            ],
        )
    });
    Html::render(&FormTemplate {
        cohort,
        way,
        doubtful,
        error,
        mib: LARGEST_OF_PROVIDER >> 20,
    })
}

fn about() -> Html {
    let columns = Details::new("Columns of the file", Html::paragraph(&COLUMNS.join(", ")));
    Html::concat([
        Html::paragraph(
            "One row for each enrolment. If the columns have names of their own, you are asked what they stand for, once for each source. Leave the column \u{201c}provider\u{201d} empty or write your own name; a row of another provider is refused. The file is read once and not kept: what tells a person becomes a code, an age band and a district.",
        ),
        columns.into(),
        list([
            link("Paste rows from a spreadsheet", "/provider/paste"),
            link(
                "Mappings: files with columns of their own",
                "/provider/mappings",
            ),
        ]),
    ])
}

#[derive(Deserialize)]
pub(super) struct Begun {
    #[serde(default)]
    cohort: String,
}

async fn page(
    pages: &Pages,
    own: &Own,
    chosen: &Chosen,
    (error, under_way): (Option<&str>, Html),
) -> Result<Page, ProblemPage> {
    let cohorts = delivery::cohorts(&pages.node.store, own)
        .await
        .map_err(fault)?;
    let known = super::known(pages).await?;
    let form = form_html(own, &cohorts, &known, chosen, error.map(str::to_owned));
    let mut summary = ErrorSummary::new();
    if let Some(error) = error {
        summary = summary.error("file", error);
    }
    Ok(cohort_page(own, "Upload a file of learners".to_owned())
        .errors(summary)
        .body(Html::concat([under_way, about(), form])))
}

pub(super) async fn form(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    Query(begun): Query<Begun>,
) -> Answer {
    let own = own(&pages, &of).await?;
    let chosen = Chosen {
        cohort: begun.cohort,
        way: "check".to_owned(),
        doubtful: String::new(),
        asks: false,
    };
    let above = (None, work::under_way(&pages, &person));
    Ok(page(&pages, &own, &chosen, above).await?.into_response())
}

async fn take(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    form: Multipart,
) -> Answer {
    let own = own(&pages, &of).await?;
    let sender = Sender::Provider(of.organisation.id);
    let place = pages.works.expect(sender).ok_or_else(full)?;
    let received = upload::receive(&pages.node.dir, &pages.entropy, form)
        .await
        .map_err(not_received)?;
    let chosen = Chosen {
        cohort: received.cohort,
        asks: !received.doubtful.is_empty(),
        doubtful: received.doubtful,
        way: received.way,
    };
    let cohort = match chosen.cohort.as_str() {
        "" => None,
        id => Some(super::find(&pages, &own, id).await?.id),
    };
    let Some(upload) = received.upload.filter(|upload| upload.bytes > 0) else {
        let above = (Some("Choose a file that is not empty"), Html::default());
        return Ok(page(&pages, &own, &chosen, above).await?.into_response());
    };
    let how = Bringing {
        cohort,
        employer: None,
        adds: false,
        // What was not asked for is not stored.
        dry_run: !["store", "valid"].contains(&chosen.way.as_str()),
        valid_rows: chosen.way == "valid",
        doubtful: match chosen.doubtful.as_str() {
            "new" => Doubtful::New,
            "corrected" => Doubtful::Corrected,
            _ => Doubtful::Ask,
        },
    };
    let by = delivery::by(&of.person, (pages.clock)());
    let file = SentFile {
        kind: ImportKind::Learners,
        door: Door::Provider,
        upload,
        reading: Reading::default(),
        options: how.options(&own, &by),
        turn: Turn::Waits(pages.works.clone(), place),
    };
    let work = work::begin_import(&pages, &person, file);
    work::answer(&pages, &person, &work).await
}

/// Whose file it is, and what was chosen with it.
async fn of_person(
    pages: &Pages,
    person: &SignedIn,
    options: &Options,
) -> Result<(Own, Chosen), ProblemPage> {
    let bound = person.organisation.clone().ok_or_else(|| {
        ProblemPage::forbidden(
            "This file was for people of one organisation, and you are not bound to any.",
        )
    })?;
    let of = OwnOrganisation {
        organisation: bound,
        person: person.name.clone(),
    };
    let own = own(pages, &of).await?;
    let cohort = options.brings.as_ref().and_then(|brings| brings.cohort);
    let form = import::Chosen::of(ImportKind::Learners, options);
    let chosen = Chosen {
        cohort: cohort.map_or_else(String::new, |id| own.handle(Handled::Cohort, id)),
        asks: form.asks.doubtful,
        way: form.way,
        doubtful: form.doubtful,
    };
    Ok((own, chosen))
}

/// Why a file of the person's organisation was not read to its end, above the form with what was chosen.
pub(in crate::pages) async fn not_imported(
    pages: &Pages,
    person: &SignedIn,
    options: &Options,
    error: &ImportError,
) -> Result<Page, ProblemPage> {
    let (own, chosen) = of_person(pages, person, options).await?;
    let (status, notice) = not_now(error);
    let page = page(pages, &own, &chosen, (None, Html::default())).await?;
    Ok(page.notice(notice).status(status))
}

/// Whose file it is, for the questions about its columns.
pub(in crate::pages) async fn whose(
    pages: &Pages,
    person: &SignedIn,
    options: &Options,
) -> Result<Whose, ProblemPage> {
    let (own, _) = of_person(pages, person, options).await?;
    let cohort = options.brings.as_ref().and_then(|brings| brings.cohort);
    Ok(Whose::Provider(Arc::new(own), cohort))
}

/// What came of a file of the person's organisation.
pub(in crate::pages) async fn ended(
    pages: &Pages,
    person: &SignedIn,
    (report, asks): (&ImportReport, Asks),
    options: &Options,
) -> Result<Page, ProblemPage> {
    let (own, mut chosen) = of_person(pages, person, options).await?;
    let found = |code| report.problems.by_code().contains_key(code);
    chosen.asks |= found("same-or-new") || found("correction-unclear");
    let places = Places::of(options);
    let offer = (asks == Asks::PerhapsColumns).then(|| import_map::offer(places));
    report_page(pages, &own, (report, offer), &mut chosen).await
}

pub(in crate::pages) fn full() -> ProblemPage {
    ProblemPage::new(
        StatusCode::CONFLICT,
        "upload_busy",
        "Too many files are on their way",
    )
    .happened("Files of your organisation are being sent already, or many are just now. Nothing of yours was stored.")
    .next("Wait a few minutes, then send the file again.")
}

/// In words for a provider's people: they have one page for files, and no server.
fn not_received(error: UploadError) -> ProblemPage {
    let (happened, next) = match &error {
        UploadError::Sent(sent) if sent.status() == StatusCode::PAYLOAD_TOO_LARGE => (
            Some(format!(
                "A file may have up to {} MiB. Nothing was stored.",
                LARGEST_OF_PROVIDER >> 20
            )),
            "Split the file and send its parts one after the other.",
        ),
        UploadError::Sent(_) => (
            None,
            "Try again. If it happens again, tell the coordinator of the area.",
        ),
        UploadError::Form(_) => (
            None,
            "Open the page Upload a file of learners again and send one file from there.",
        ),
        UploadError::Disk(_) => (
            None,
            "Tell the coordinator of the area; try again when there is space.",
        ),
    };
    let page = import::not_received(error).next(next);
    match happened {
        Some(happened) => page.happened(happened),
        None => page,
    }
}

async fn report_page(
    pages: &Pages,
    own: &Own,
    (report, offer): (&ImportReport, Option<Html>),
    chosen: &mut Chosen,
) -> Result<Page, ProblemPage> {
    let (notice, sound) = import::verdict(report);
    let mut pieces: Vec<Html> = offer.into_iter().collect();
    pieces.extend(report_body(report, sound));
    if report.outcome != Outcome::Stored {
        if report.outcome == Outcome::Checked {
            chosen.way = "store".to_owned();
        }
        let cohorts = delivery::cohorts(&pages.node.store, own)
            .await
            .map_err(fault)?;
        let known = super::known(pages).await?;
        pieces.push(Html::literal(
            "<h2 class=\"govuk-heading-m\">Send the file again</h2>",
        ));
        pieces.push(form_html(own, &cohorts, &known, chosen, None));
    }
    if report.outcome == Outcome::Stored {
        pieces.push(onward());
    }
    let title = if report.outcome == Outcome::Stored {
        "Your file is stored"
    } else {
        "Check of your file"
    };
    Ok(cohort_page(own, title.to_owned())
        .breadcrumb("Upload", "/provider/upload")
        .notice(notice)
        .body(Html::concat(pieces)))
}

/// The steps that follow a file that is stored.
pub(in crate::pages) fn onward() -> Html {
    super::super::next_steps([
        (
            "Your learners",
            "/provider/learners",
            "everybody of yours who is recorded here",
        ),
        (
            "What stands out in your records",
            super::questions::LIST,
            "and what the coordinator asks about them",
        ),
        (
            "Whom to ask",
            "/provider/follow-up",
            "learners whose destination is due",
        ),
    ])
}

/// What a report says to a provider's people, without its verdict.
pub(in crate::pages) fn report_body(report: &ImportReport, sound: bool) -> Vec<Html> {
    let t = report.tally;
    let would = if report.outcome == Outcome::Stored {
        ""
    } else {
        "would be "
    };
    let cards = [
        StatCard::new("Rows in your file", words::count(t.rows)),
        StatCard::new("New", words::count(t.added)).line(format!("{would}added")),
        StatCard::new("Changed", words::count(t.changed)).line(format!("{would}updated")),
        StatCard::new("Same as held", words::count(t.unchanged)).line("nothing to do"),
        StatCard::new("Refused", words::count(t.refused)).line("rows with a problem"),
    ];
    let mut pieces = vec![Stats::new("What your file holds", cards).into()];
    if t.erased > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} left out: the records of these learners were erased here. Remove them from your files.",
            words::some(usize::try_from(t.erased).unwrap_or(usize::MAX), "row was", "rows were"),
        )));
    }
    if report.taken_back > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} {}. Without these columns your file leaves what is recorded.",
            words::count(report.taken_back),
            TAKEN_BACK.trim(),
        )));
    }
    for sentence in report
        .references
        .sentences(t.rows, report.outcome == Outcome::Stored)
    {
        pieces.push(Html::paragraph(&sentence));
    }
    if !sound {
        pieces.push(import::problems(report, "/provider/upload/report.csv"));
    }
    pieces
}
pub(super) async fn report(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let csv = pages.reports.of(&of.person).ok_or_else(import::no_report)?;
    let name = "attachment; filename=\"ldsp-upload-report.csv\"";
    Ok(file(csv.as_ref().clone(), "text/csv; charset=utf-8", name).into_response())
}

/// The provider whose files are asked about, of rows in no cohort.
async fn own_files(pages: &Pages, of: &OwnOrganisation) -> Result<Whose, ProblemPage> {
    Ok(Whose::Provider(Arc::new(own(pages, of).await?), None))
}

pub(super) async fn ask(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    Query(asked): Query<Asked>,
) -> Answer {
    let whose = own_files(&pages, &of).await?;
    import_map::ask(&pages, &person, &whose, &asked).await
}

pub(super) async fn answer(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    Sent(pairs): Sent<Vec<(String, String)>>,
) -> Answer {
    let whose = own_files(&pages, &of).await?;
    import_map::take_answer(&pages, &person, &whose, pairs).await
}

pub(super) async fn paste_form(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let whose = own_files(&pages, &of).await?;
    Ok(import_map_forms::paste(&whose, &Pasted::default(), &[]).into_response())
}

/// The route that takes pasted rows, with its own limit.
pub(super) fn take_paste() -> MethodRouter<Pages> {
    post(paste).layer(DefaultBodyLimit::max(import_map::PASTE_FORM))
}

async fn paste(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    Sent(pasted): Sent<Pasted>,
) -> Answer {
    let whose = own_files(&pages, &of).await?;
    import_map::take_pasted(&pages, &person, whose, pasted).await
}

pub(super) async fn mappings(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let whose = own_files(&pages, &of).await?;
    import_mappings::list_of(&pages, &whose, true).await
}

pub(super) async fn forget_mapping(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    person: SignedIn,
    Sent(named): Sent<Named>,
) -> Answer {
    let whose = own_files(&pages, &of).await?;
    import_mappings::forget_of(&pages, &person, &whose, &named).await
}
