//! A provider's own file: checked first, then stored. Rows of another provider are refused.

use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use ldsp_ui::components::{Choice, Details, ErrorSummary, Field, Radios, Select, StatCard, Stats};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::import::{self, LARGEST};
use super::super::releases::file;
use super::super::upload;
use super::super::{Answer, Pages, fault, words, work};
use super::{cohort_page, own};
use crate::delivery::{self, Bringing, Own};
use crate::import::learners::COLUMNS;
use crate::import::mapping::Reading;
use crate::import::report::{ImportReport, Outcome};
use crate::import::{Doubtful, Options};
use crate::model::Model as _;
use crate::store::cohorts::Cohort;
use crate::store::imports::ImportKind;
use crate::store::kept::{Known, Stored};
use crate::work::{Door, SentFile};

/// The route that takes files, with its own limit.
pub(super) fn receive() -> MethodRouter<Pages> {
    post(take).layer(DefaultBodyLimit::max(LARGEST))
}

#[derive(askama::Template)]
#[template(
    source = r#"<form method="post" action="/provider/upload" enctype="multipart/form-data" novalidate class="ldsp-prose">
{{ cohort }}
{{ way }}
{% if let Some(doubtful) = doubtful %}{{ doubtful }}
{% endif %}<div class="govuk-form-group{% if error.is_some() %} govuk-form-group--error{% endif %}">
<label class="govuk-label govuk-label--s" for="file">CSV file</label>
<div id="file-hint" class="govuk-hint">In UTF-8, with the columns named in the first line</div>
{% if let Some(error) = error %}<p id="file-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
<input class="govuk-file-upload{% if error.is_some() %} govuk-file-upload--error{% endif %} govuk-body" id="file" name="file" type="file" accept=".csv,text/csv" aria-describedby="file-hint{% if error.is_some() %} file-error{% endif %}">
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
}

/// What was chosen besides the file.
struct Chosen {
    cohort: String,
    way: String,
    doubtful: String,
    asks: bool,
}

fn form_html(
    cohorts: &[Stored<Cohort>],
    known: &Known,
    chosen: &Chosen,
    error: Option<String>,
) -> Html {
    let none = Choice::new("", "None: the file says nothing of cohorts");
    let each = cohorts
        .iter()
        .map(|c| Choice::new(c.id.to_string(), c.it.title(known)));
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
    })
}

fn about() -> Html {
    let columns = Details::new("Columns of the file", Html::paragraph(&COLUMNS.join(", ")));
    Html::concat([
        Html::paragraph(
            "One row for each enrolment. Leave `provider` empty or write your own name; a row of another provider is refused. The file is read once and not kept: what tells a person becomes a code, an age band and a district.",
        ),
        columns.into(),
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
    let form = form_html(&cohorts, &known, chosen, error.map(str::to_owned));
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
    let alone = pages.works.alone().ok_or_else(import::busy)?;
    let received = upload::receive(&pages.node.dir, &pages.entropy, form)
        .await
        .map_err(import::not_received)?;
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
        let above = (Some("Choose a CSV file that is not empty"), Html::default());
        return Ok(page(&pages, &own, &chosen, above).await?.into_response());
    };
    let how = Bringing {
        cohort,
        employer: None,
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
        alone,
    };
    let work = work::begin_import(&pages, &person, file);
    work::answer(&pages, &person, &work).await
}

/// What came of a file of the person's organisation.
pub(in crate::pages) async fn ended(
    pages: &Pages,
    person: &SignedIn,
    report: &ImportReport,
    options: &Options,
) -> Result<Page, ProblemPage> {
    let organisation = person.organisation.as_deref().unwrap_or_default();
    let own = Own::named(&pages.node.store, organisation)
        .await
        .map_err(fault)?;
    let cohort = options.brings.as_ref().and_then(|brings| brings.cohort);
    let found = |code| report.problems.by_code().contains_key(code);
    let form = import::Chosen::of(report.kind, options);
    let mut chosen = Chosen {
        cohort: cohort.map_or_else(String::new, |id| id.to_string()),
        asks: form.asks.doubtful || found("same-or-new") || found("correction-unclear"),
        way: form.way,
        doubtful: form.doubtful,
    };
    report_page(pages, &own, report, &mut chosen).await
}

async fn report_page(
    pages: &Pages,
    own: &Own,
    report: &ImportReport,
    chosen: &mut Chosen,
) -> Result<Page, ProblemPage> {
    let t = report.tally;
    let (notice, sound) = import::verdict(report);
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
    if !sound {
        pieces.push(import::problems(report, "/provider/upload/report.csv"));
    }
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
        pieces.push(form_html(&cohorts, &known, chosen, None));
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

pub(super) async fn report(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let csv = pages.reports.of(&of.person).ok_or_else(import::no_report)?;
    let name = "attachment; filename=\"ldsp-upload-report.csv\"";
    Ok(file(csv.as_ref().clone(), "text/csv; charset=utf-8", name).into_response())
}
