//! Files from the LEP's own systems, one address for each kind.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{Api, IMPORTS, Refused};
use super::{Answers, Asked, Bringer, Preferring, take};
use crate::store::imports::ImportKind;

/// A file of rows: CSV or a workbook, in the contract's columns or with a mapping.
macro_rules! rows {
    ($(#[$doc:meta])* $name:ident is $kind:ident at $path:tt, $id:tt) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, operation_id = $id, tag = IMPORTS,
            params(Asked, Preferring),
            request_body(
                content(
                    (String = "text/csv"),
                    (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                ),
                description = "The file, CSV in UTF-8 or a workbook, at most 512 MiB.",
            ),
            responses(Answers, crate::api::TakesFile),
            security(("secret" = []), ("token" = []), ("session" = [])),
        )]
        pub(in crate::api) async fn $name(
            State(api): State<Api>,
            person: SignedIn,
            Query(asked): Query<Asked>,
            headers: HeaderMap,
            body: Body,
        ) -> Result<Response, Refused> {
            let by = Bringer::lep(&person);
            take(&api, ImportKind::$kind, by, &asked, &headers, body).await
        }
    };
}

rows! {
    /// Import learners
    ///
    /// One CSV file (docs/files.md), read to its end and then imported as a whole or not at all, as the page does. It is not kept. The
    /// same file twice changes nothing. One file is imported at a time: one that has come whole waits for its turn.
    learners is Learners at "/api/v1/imports/learners", "import_learners"
}

rows! {
    /// Import programmes
    ///
    /// As learners are imported; one whose code is held already is updated. Import them before their learners.
    programmes is Programmes at "/api/v1/imports/programmes", "import_programmes"
}

rows! {
    /// Import demand
    ///
    /// As programmes are imported (docs/demand.md); a row whose reference is held already is updated, one that says what is held is left.
    demand is Demand at "/api/v1/imports/demand", "import_demand"
}

rows! {
    /// Import services
    ///
    /// As learners are imported; the columns are in docs/provision.md. A service that is held already is updated in the columns that the file
    /// has: it is known by its identifier at its source, or else by organisation, name and place.
    services is Services at "/api/v1/imports/services", "import_services"
}

rows! {
    /// Import vacancies
    ///
    /// One row each (docs/demand.md). Digital skills are found by the words of `/api/v1/demand/words`; what they add up to becomes demand, and
    /// nothing else of a vacancy is kept. `vacancies` of the report says every word that was found, with what stands around it: look at it with
    /// `dry_run` first, because a word can mislead.
    vacancies is Vacancies at "/api/v1/imports/vacancies", "import_vacancies"
}

/// What shall be done with a table of a survey.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct AskedSurvey {
    /// Read it and store nothing.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
    /// The sheet of a workbook; without it the one with the title of the table.
    #[param(max_length = 100)]
    sheet: Option<String>,
}

/// Import a table of the Employer Skills Survey
///
/// As the Department for Education published it: skills that will need developing, of the standard LEP tables of 2017 or all areas of 2019. The
/// digital skills of this LEP become demand of employers; what was not published stays so and is never 0.
#[utoipa::path(
    post, path = "/api/v1/imports/survey", operation_id = "import_survey", tag = IMPORTS,
    params(AskedSurvey, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The table, CSV in UTF-8 or a workbook, at most 512 MiB.",
    ),
    responses(Answers, crate::api::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(in crate::api) async fn survey(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<AskedSurvey>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let asked = Asked::of((asked.dry_run, false), None, (None, asked.sheet));
    let by = Bringer::lep(&person);
    take(&api, ImportKind::Survey, by, &asked, &headers, body).await
}

/// Import an ILR
///
/// A provider's Individualised Learner Record of a year (docs/ilr.md). It replaces what an earlier file of the same year said: enrolments that
/// it does not name any more are removed. What it cannot tell has to be said before, by `POST /api/v1/ilr/providers` and
/// `POST /api/v1/ilr/aims`; a file that asks is refused and its report lists what it asks.
#[utoipa::path(
    post, path = "/api/v1/imports/ilr", operation_id = "import_ilr", tag = IMPORTS,
    params(Asked, Preferring),
    request_body(content = String, content_type = "application/xml", description = "The file, UTF-8, at most 512 MiB."),
    responses(Answers, crate::api::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(in crate::api) async fn ilr(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let by = Bringer::lep(&person);
    take(&api, ImportKind::Ilr, by, &asked, &headers, body).await
}

/// What shall be done with a directory.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct AskedDirectory {
    /// Check every row and store nothing.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
}

/// Import the postcode directory
///
/// The ONS Postcode Directory or the National Statistics Postcode Lookup as published. It replaces the one that was there. It holds nobody's
/// data; learner files that give postcodes need it.
#[utoipa::path(
    post, path = "/api/v1/imports/postcodes", operation_id = "import_postcodes", tag = IMPORTS,
    params(AskedDirectory, Preferring),
    request_body(content = String, content_type = "text/csv", description = "The CSV file, unpacked, at most 2 GiB."),
    responses(Answers, crate::api::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(in crate::api) async fn postcodes(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<AskedDirectory>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let asked = Asked::of((asked.dry_run, false), None, (None, None));
    let by = Bringer::lep(&person);
    take(&api, ImportKind::Postcodes, by, &asked, &headers, body).await
}
