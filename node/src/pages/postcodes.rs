//! The postcode directory: what turns postcodes of learner files into districts. It holds nobody's data.

use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use ldsp_ui::components::{ErrorSummary, InsetText, Notification, StatCard, Stats, list};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::upload::{self, UploadError};
use super::{Answer, Pages, SEE_EXACT, fault, import, words, work};
use crate::import::Options;
use crate::import::mapping::Reading;
use crate::import::report::{ImportReport, Outcome};
use crate::store::imports::{ImportKind, ImportRecord};
use crate::work::{Door, Sender, SentFile, Turn};

pub(super) const PATH: &str = "/import/postcodes";

/// Largest directory: that of the whole kingdom is about 1.3 GB, and grows a little with every edition.
pub(crate) const LARGEST_DIRECTORY: usize = 2 << 30;

/// The route that takes a directory, with its own limit.
pub(super) fn receive() -> MethodRouter<Pages> {
    post(take).layer(DefaultBodyLimit::max(LARGEST_DIRECTORY))
}

pub(super) async fn show(State(pages): State<Pages>, person: SignedIn) -> Answer {
    Ok(page(&pages, &person, None).await?.into_response())
}

async fn page(pages: &Pages, person: &SignedIn, error: Option<&str>) -> Result<Page, ProblemPage> {
    let store = &pages.node.store;
    let held = store.has_postcodes().await.map_err(fault)?;
    let last = store
        .last_import(ImportKind::Postcodes)
        .await
        .map_err(fault)?;
    let mut errors = ErrorSummary::new();
    if let Some(error) = error {
        errors = errors.error("file", error);
    }
    let title = Page::new("Postcode directory");
    let title = match person.is_any(SEE_EXACT) {
        true => title.breadcrumb("Import", "/import"),
        false => title.breadcrumb("Home", "/"),
    };
    Ok(title
        .lead("It turns the postcodes in learner files into districts. The postcodes themselves are not kept.")
        .errors(errors)
        .body(Html::concat([
            work::under_way(pages, person),
            state(held.then_some(last).flatten().as_ref(), held),
            Html::literal("<h2 class=\"govuk-heading-m\">Where the file comes from</h2>"),
            list([
                "Files that give the district of each learner need no directory. One that gives postcodes does.",
                "The Office for National Statistics publishes it for nothing on the Open Geography Portal, geoportal.statistics.gov.uk: search there for \u{201c}ONS Postcode Directory\u{201d} or \u{201c}National Statistics Postcode Lookup\u{201d}. Take an edition of 2022: the data standard counts the districts of that year.",
                "Unpack the ZIP file. Its folder Data has one large CSV file of the whole kingdom, about 1.3 GB: send that one. It takes some minutes; the page shows how far it is.",
                "A new directory replaces the one that was there. Records that are held keep the districts that they have.",
            ]),
            form(error),
        ])))
}

fn state(last: Option<&ImportRecord>, held: bool) -> Html {
    match (last, held) {
        (Some(last), _) => InsetText::new(format!(
            "The directory holds {} postcodes. It was imported on {}.",
            words::count(last.tally.added),
            words::moment(last.at)
        ))
        .into(),
        (None, true) => InsetText::new("There is a directory.").into(),
        (None, false) => InsetText::new(
            "There is no directory yet: a row with a postcode and no district is refused.",
        )
        .into(),
    }
}

#[derive(askama::Template)]
#[template(
    source = r##"<form method="post" action="/import/postcodes" enctype="multipart/form-data" novalidate class="ldsp-prose">
<div class="govuk-form-group{% if error.is_some() %} govuk-form-group--error{% endif %}">
<label class="govuk-label govuk-label--s" for="file">The directory</label>
<div id="file-hint" class="govuk-hint">The CSV file, unpacked, at most {{ gib }} GiB</div>
{% if let Some(error) = error %}<p id="file-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
<input class="govuk-file-upload{% if error.is_some() %} govuk-file-upload--error{% endif %} govuk-body" id="file" name="file" type="file" accept=".csv,text/csv" aria-describedby="file-hint{% if error.is_some() %} file-error{% endif %}">
</div>
<button type="submit" class="govuk-button" data-module="govuk-button" data-prevent-double-click="true">Import the directory</button>
</form>"##,
    ext = "html"
)]
struct FormTemplate<'a> {
    error: Option<&'a str>,
    gib: usize,
}

fn form(error: Option<&str>) -> Html {
    Html::render(&FormTemplate {
        error,
        gib: LARGEST_DIRECTORY >> 30,
    })
}

async fn take(State(pages): State<Pages>, person: SignedIn, form: Multipart) -> Answer {
    let place = pages.works.expect(Sender::Lep).ok_or_else(import::full)?;
    let received = upload::receive(&pages.node.dir, &pages.entropy, form)
        .await
        .map_err(not_received)?;
    let Some(upload) = received.upload.filter(|upload| upload.bytes > 0) else {
        let none = "Choose the CSV file of the directory";
        return Ok(page(&pages, &person, Some(none)).await?.into_response());
    };
    let options = Options {
        who: person.name.clone(),
        ..Options::default()
    };
    let file = SentFile {
        kind: ImportKind::Postcodes,
        door: Door::Directory,
        upload,
        reading: Reading::default(),
        options,
        turn: Turn::Waits(pages.works.clone(), place),
    };
    let work = work::begin_import(&pages, &person, file);
    work::answer(&pages, &person, &work).await
}

fn not_received(error: UploadError) -> ProblemPage {
    match error {
        UploadError::Sent(error) if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
            ProblemPage::new(error.status(), "file_too_large", "The file is too large")
                .happened(format!("A directory may have up to {} GiB. Nothing was stored.", LARGEST_DIRECTORY >> 30))
                .next("Send the CSV file of the ONS Postcode Directory or of the National Statistics Postcode Lookup: both are smaller.")
        }
        error => import::not_received(error),
    }
}

/// What came of a directory.
pub(super) fn ended(report: &ImportReport) -> Page {
    let page = Page::new("Import of the postcode directory").breadcrumb("Postcode directory", PATH);
    let t = report.tally;
    if report.outcome == Outcome::Stored {
        let cards = [
            StatCard::new("Postcodes", words::count(t.added))
                .line("with a district of the United Kingdom"),
            StatCard::new("Without a district", words::count(t.outside))
                .line("the Channel Islands, the Isle of Man, no place"),
        ];
        return page
            .notice(
                Notification::done("The directory is imported")
                    .content("Learner files may give postcodes from now on."),
            )
            .body(Stats::new("What the directory holds", cards));
    }
    page.notice(
        Notification::important("The directory was refused. Nothing was changed")
            .content("The directory that was there before is still there."),
    )
    .body(Html::concat([
        import::problems(report, "/import/report.csv"),
        form(None),
    ]))
}
