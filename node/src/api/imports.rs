//! Imports: what was stored when, and files from the LEP's own systems.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::{Items, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::work::{WorkShown, accepted, would_not_wait};
use super::{Api, IMPORTS, Listed, Refused};
use crate::delivery::Own;
use crate::import::ilr::Summary;
use crate::import::ilr::schema::Year;
use crate::import::mapping::Reading;
use crate::import::report::{Alike, ImportReport, Outcome as Became, RowProblem};
use crate::import::{Brings, Doubtful, Options};
use crate::pages::upload::Upload;
use crate::pages::{LARGEST, LARGEST_DIRECTORY, LARGEST_OF_PROVIDER};
use crate::store::imports::{ImportKind, ImportRecord};
use crate::store::mappings::LEP;
use crate::work::{Asks, Door, Outcome, Owner, Sender, SentFile, Turn, Work};

/// The media type of an XLSX workbook.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FileKind {
    Learners,
    Programmes,
    Postcodes,
    Ilr,
    Demand,
    Vacancies,
    Survey,
    Services,
}

impl From<ImportKind> for FileKind {
    fn from(kind: ImportKind) -> Self {
        match kind {
            ImportKind::Learners => Self::Learners,
            ImportKind::Programmes => Self::Programmes,
            ImportKind::Postcodes => Self::Postcodes,
            ImportKind::Ilr => Self::Ilr,
            ImportKind::Demand => Self::Demand,
            ImportKind::Vacancies => Self::Vacancies,
            ImportKind::Survey => Self::Survey,
            ImportKind::Services => Self::Services,
        }
    }
}

/// An import that was stored. Its numbers of rows are exact: do not share them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Import {
    /// Its number at this node.
    #[schema(minimum = 1)]
    id: i64,
    kind: FileKind,
    /// SHA-256 of the file.
    digest: Digest,
    /// Data rows in the file.
    rows: u64,
    /// Rows that were new.
    added: u64,
    /// Rows that differed from what was held.
    changed: u64,
    /// Rows that were held already.
    unchanged: u64,
    /// Rows with a problem, which were left out.
    refused: u64,
    /// Rows of people who live outside the area: never published.
    outside: u64,
    /// Of the changed ones: the same enrolments with a corrected learner, provider, aim or start.
    carried: u64,
    /// Rows that were left out because their learners were erased.
    erased: u64,
    /// Enrolments that an ILR did not name any more, which an earlier one of its year had named.
    removed: u64,
    at: Timestamp,
}

impl From<(i64, ImportRecord)> for Import {
    fn from((id, record): (i64, ImportRecord)) -> Self {
        let t = record.tally;
        Self {
            id,
            kind: record.kind.into(),
            digest: record.digest,
            rows: t.rows,
            added: t.added,
            changed: t.changed,
            unchanged: t.unchanged,
            refused: t.refused,
            outside: t.outside,
            carried: t.carried,
            erased: t.erased,
            removed: t.removed,
            at: record.at,
        }
    }
}

/// What was imported
///
/// Newest first. The numbers of rows are exact, for the LEP's own people only.
#[utoipa::path(
    get, path = "/api/v1/imports", operation_id = "list_imports", tag = IMPORTS,
    params(Listed),
    responses((status = 200, description = "A page of imports.", body = Items<Import>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Import>>, Refused> {
    let list = List::new("/api/v1/imports");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let found = api
        .node
        .store
        .imports_before(before, limit.get() + 1)
        .await?;
    let found = found.into_iter().map(Import::from).collect();
    Ok(Json(list.page(found, limit, |import: &Import| import.id)))
}

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it describes a header, which is read from the headers"
)]
pub(super) struct Preferring {
    /// `respond-async` (RFC 7240): begin and answer 202 with the address that says how far it is. Other preferences are not looked at.
    #[param(required = false)]
    prefer: Option<String>,
}

/// What shall be done with the file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Check every row and store nothing.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
    /// Store the sound rows although others have problems.
    #[serde(default)]
    #[param(required = false, default = false)]
    valid_rows: bool,
    /// Take providers that no earlier learner file named: they are new, not old ones under another name.
    #[serde(default)]
    #[param(required = false, default = false)]
    new_providers: bool,
    /// What rows of a learner file are that may be new enrolments or held ones that were corrected; without it they are refused.
    #[param(required = false, inline)]
    doubtful: Option<AskedDoubtful>,
    /// The file has columns of its own, which this mapping explains: see `/api/v1/mappings`.
    #[param(max_length = 100)]
    mapping: Option<String>,
    /// The sheet of a workbook, where more than one may be meant.
    #[param(max_length = 100)]
    sheet: Option<String>,
}

impl Asked {
    /// What a provider asks of its own rows.
    pub(super) fn of(
        (dry_run, valid_rows): (bool, bool),
        doubtful: Option<AskedDoubtful>,
        (mapping, sheet): (Option<String>, Option<String>),
    ) -> Self {
        Self {
            dry_run,
            valid_rows,
            new_providers: false,
            doubtful,
            mapping,
            sheet,
        }
    }
}

/// What a row is that may be either.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AskedDoubtful {
    New,
    Corrected,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FileOutcome {
    Stored,
    Checked,
    Refused,
}

/// A problem at its place. It never quotes what the file says there.
#[derive(Debug, Serialize, ToSchema)]
struct FileProblem {
    /// Line of the file on which the row begins; the header is line 1.
    line: u64,
    /// Column; null when the row or the file as a whole is at fault.
    #[schema(required)]
    field: Option<&'static str>,
    code: &'static str,
    /// What is wrong.
    cause: String,
    /// What to do.
    remedy: String,
}

impl From<&RowProblem> for FileProblem {
    fn from(problem: &RowProblem) -> Self {
        Self {
            line: problem.line,
            field: problem.field,
            code: problem.code,
            cause: problem.cause.to_string(),
            remedy: problem.remedy.to_string(),
        }
    }
}

/// Every problem of a file.
#[derive(Debug, Serialize, ToSchema)]
struct FileProblems {
    total: u64,
    /// Number of problems by code.
    by_code: BTreeMap<&'static str, u64>,
    /// Equal ones together.
    alike: Vec<AlikeProblems>,
    /// The first 10,000 in the order of the file.
    detailed: Vec<FileProblem>,
}

/// Equal problems of several rows.
#[derive(Debug, Serialize, ToSchema)]
struct AlikeProblems {
    /// Column; null when rows or the file as a whole are at fault.
    #[schema(required)]
    field: Option<&'static str>,
    code: &'static str,
    cause: String,
    remedy: String,
    /// How many there are.
    count: u64,
    /// Lines of the first five of them.
    lines: Vec<u64>,
}

impl From<&Alike> for AlikeProblems {
    fn from(alike: &Alike) -> Self {
        Self {
            field: alike.field,
            code: alike.code,
            cause: alike.cause.to_string(),
            remedy: alike.remedy.to_string(),
            count: alike.count,
            lines: alike.lines.clone(),
        }
    }
}

/// What an import did, or would have done. Its numbers are exact: do not share them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    kind: FileKind,
    outcome: FileOutcome,
    /// SHA-256 of the file; null when it could not be read to its end.
    #[schema(required)]
    digest: Option<Digest>,
    /// Data rows in the file.
    rows: u64,
    /// Rows that are new.
    added: u64,
    /// Rows that differ from what was held.
    changed: u64,
    /// Rows that were held already.
    unchanged: u64,
    /// Rows with a problem.
    refused: u64,
    /// Rows of people who live outside the area: never published.
    outside: u64,
    /// Of the changed ones: the same enrolments with a corrected learner, provider, aim or start.
    carried: u64,
    /// Rows that are left out because their learners were erased; ask the provider to remove them.
    erased: u64,
    /// Enrolments that an ILR does not name any more, which an earlier one of its year had named.
    removed: u64,
    /// Destinations and answers that were recorded and that the file leaves empty. What it has no columns for stays.
    taken_back: u64,
    references: ProviderReferences,
    problems: FileProblems,
    /// Of an ILR; null otherwise.
    #[schema(required)]
    ilr: Option<IlrSummary>,
}

/// What became of providers' own references of learners, by rows. Each is shown to its own provider alone.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderReferences {
    /// Known to its provider from now on.
    known: u64,
    /// Not shown to anybody, because it may tell who somebody is.
    not_shown: u64,
    /// The row has none.
    none: u64,
}

/// What an ILR was, and what came of it besides rows.
#[derive(Debug, Serialize, ToSchema)]
struct IlrSummary {
    /// Such as 2018-19; null where the file does not get so far.
    #[schema(required)]
    year: Option<String>,
    /// Whether files of that year are held to its published schema.
    schema_checked: bool,
    /// The provider's number; null where the file does not get so far.
    #[schema(required)]
    ukprn: Option<u32>,
    /// Whose the file is; null while nobody has said it.
    #[schema(required)]
    provider: Option<String>,
    /// What is worth saying of the file, a sentence each.
    notes: Vec<String>,
    /// Aims that nobody has said anything of: say it by `POST /api/v1/ilr/aims`.
    unmapped: Vec<UnmappedAim>,
    /// Rows were refused, so nothing was removed.
    incomplete: bool,
}

/// An aim that nobody has said anything of.
#[derive(Debug, Serialize, ToSchema)]
struct UnmappedAim {
    aim: String,
    /// 0: the file gives none.
    fund_model: u8,
    /// Deliveries of it in the file.
    deliveries: u64,
}

impl From<&Summary> for IlrSummary {
    fn from(summary: &Summary) -> Self {
        let unmapped = summary.unmapped.iter().map(|asked| UnmappedAim {
            aim: asked.aim.clone(),
            fund_model: asked.fund_model,
            deliveries: asked.deliveries,
        });
        Self {
            year: summary.year.map(Year::title),
            schema_checked: summary.year.is_some_and(Year::is_checked),
            ukprn: (summary.ukprn > 0).then_some(summary.ukprn),
            provider: summary.provider.clone(),
            notes: summary.notes(),
            unmapped: unmapped.collect(),
            incomplete: summary.incomplete,
        }
    }
}

impl From<&ImportReport> for Report {
    fn from(report: &ImportReport) -> Self {
        let t = report.tally;
        let problems = &report.problems;
        Self {
            kind: report.kind.into(),
            outcome: match report.outcome {
                Became::Stored => FileOutcome::Stored,
                Became::Checked => FileOutcome::Checked,
                Became::Refused => FileOutcome::Refused,
            },
            digest: report.digest,
            rows: t.rows,
            added: t.added,
            changed: t.changed,
            unchanged: t.unchanged,
            refused: t.refused,
            outside: t.outside,
            carried: t.carried,
            erased: t.erased,
            removed: t.removed,
            taken_back: report.taken_back,
            references: ProviderReferences {
                known: report.references.known,
                not_shown: report.references.not_shown,
                none: report.references.none,
            },
            ilr: report.ilr.as_ref().map(IlrSummary::from),
            problems: FileProblems {
                total: problems.total(),
                by_code: problems.by_code().clone(),
                alike: problems.alike().iter().map(AlikeProblems::from).collect(),
                detailed: problems.detailed().iter().map(FileProblem::from).collect(),
            },
        }
    }
}

/// What is answered to a file.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "it describes what `take` answers, for every address that takes a file, and is never made"
)]
pub(super) enum Answers {
    /// Checked only, because `dry_run` was asked for.
    #[response(status = 200)]
    Checked(Report),
    /// Stored.
    #[response(status = 201)]
    Stored(Report),
    /// Begun, because `Prefer: respond-async` was asked for.
    #[response(status = 202, headers(("location" = String, description = "The work's address.")))]
    Begun(WorkShown),
    /// Rows have problems; nothing was stored. (`import`)
    #[response(status = 422, content_type = "application/problem+json")]
    Refused(Refused),
}

/// Who brings a file.
pub(super) struct Bringer {
    owner: Owner,
    /// Where it is a provider's own rows.
    brings: Option<Brings>,
    /// Whose mappings explain it.
    mappings: String,
}

impl Bringer {
    /// One of the LEP's own people.
    fn lep(person: &SignedIn) -> Self {
        Self {
            owner: person.into(),
            brings: None,
            mappings: LEP.to_owned(),
        }
    }

    /// A provider's person, with the cohort that the rows are put into.
    pub(super) fn provider(person: &SignedIn, own: Own, cohort: Option<i64>) -> Self {
        Self {
            owner: person.into(),
            mappings: own.root().to_owned(),
            brings: Some(Brings {
                provider: own.name,
                organisation: own.organisation,
                cohort,
                employer: None,
                adds: false,
            }),
        }
    }
}

impl Report {
    pub(super) fn in_words(&self) -> String {
        let s = if self.problems.total == 1 { "" } else { "s" };
        format!(
            "{} problem{s} in {} rows; nothing was stored.",
            self.problems.total, self.rows
        )
    }
}

/// Import learners
///
/// One CSV file (docs/files.md), read to its end and then imported as a whole or not at all, as the page does. It is not kept. The
/// same file twice changes nothing. One file is imported at a time: one that has come whole waits for its turn.
#[utoipa::path(
    post, path = "/api/v1/imports/learners", operation_id = "import_learners", tag = IMPORTS,
    params(Asked, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The file, CSV in UTF-8 or a workbook, at most 512 MiB.",
    ),
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn learners(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    take(
        &api,
        ImportKind::Learners,
        Bringer::lep(&person),
        &asked,
        &headers,
        body,
    )
    .await
}

/// Import programmes
///
/// As learners are imported; one whose code is held already is updated. Import them before their learners.
#[utoipa::path(
    post, path = "/api/v1/imports/programmes", operation_id = "import_programmes", tag = IMPORTS,
    params(Asked, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The file, CSV in UTF-8 or a workbook, at most 512 MiB.",
    ),
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn programmes(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    take(
        &api,
        ImportKind::Programmes,
        Bringer::lep(&person),
        &asked,
        &headers,
        body,
    )
    .await
}

/// Import demand
///
/// As programmes are imported (docs/demand.md); a row whose reference is held already is updated, one that says what is held is left.
#[utoipa::path(
    post, path = "/api/v1/imports/demand", operation_id = "import_demand", tag = IMPORTS,
    params(Asked, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The file, CSV in UTF-8 or a workbook, at most 512 MiB.",
    ),
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn demand(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let owner = Bringer::lep(&person);
    take(&api, ImportKind::Demand, owner, &asked, &headers, body).await
}

/// Import services
///
/// As learners are imported; the columns are in docs/provision.md. A service that is held already is updated in the columns that the file
/// has: it is known by its identifier at its source, or else by organisation, name and place.
#[utoipa::path(
    post, path = "/api/v1/imports/services", operation_id = "import_services", tag = IMPORTS,
    params(Asked, Preferring),
    request_body(
        content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ),
        description = "The file, CSV in UTF-8 or a workbook, at most 512 MiB.",
    ),
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn services(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    take(
        &api,
        ImportKind::Services,
        Bringer::lep(&person),
        &asked,
        &headers,
        body,
    )
    .await
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
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn ilr(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    take(
        &api,
        ImportKind::Ilr,
        Bringer::lep(&person),
        &asked,
        &headers,
        body,
    )
    .await
}

/// What shall be done with a directory.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedDirectory {
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
    responses(Answers, super::TakesFile),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn postcodes(
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

pub(super) async fn take(
    api: &Api,
    kind: ImportKind,
    by: Bringer,
    asked: &Asked,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let Bringer {
        owner,
        brings,
        mappings,
    } = by;
    let (sender, largest) = match (owner.organisation, kind) {
        (Some(id), _) => (Sender::Provider(id), LARGEST_OF_PROVIDER),
        (None, ImportKind::Postcodes) => (Sender::Lep, LARGEST_DIRECTORY),
        (None, _) => (Sender::Lep, LARGEST),
    };
    check_headers(kind, headers, largest)?;
    let Some(place) = api.works.expect(sender) else {
        let detail = "As many files are on their way as this server takes at a time. Nothing of this one was stored.";
        return Err(Problem::new(problem::IMPORT_BUSY, detail).into());
    };
    // To the disk first: a sender that is slow, or stops half way, holds no transaction and no turn.
    let upload = Upload::receive(&api.node.dir, &api.entropy, chunks(body, largest)).await?;
    let reading = reading(api, &mappings, asked).await?;
    let options = Options {
        who: owner.name.clone(),
        brings,
        dry_run: asked.dry_run,
        valid_rows: asked.valid_rows,
        new_providers: asked.new_providers,
        doubtful: match asked.doubtful {
            None => Doubtful::Ask,
            Some(AskedDoubtful::New) => Doubtful::New,
            Some(AskedDoubtful::Corrected) => Doubtful::Corrected,
        },
        ..Options::default()
    };
    let file = SentFile {
        kind,
        door: match kind {
            ImportKind::Postcodes => Door::Directory,
            _ => Door::Form,
        },
        upload,
        reading,
        options,
        turn: Turn::Waits(api.works.clone(), place),
    };
    let work = begin(api, owner, file);
    if would_not_wait(headers) {
        return Ok(accepted(&work));
    }
    let report = match work.awaited().await {
        Outcome::Imported(report, _) => report,
        other => return Err(Refused::failed(other)),
    };
    let said = Report::from(&**report);
    match report.outcome {
        Became::Refused => Err(Refused::file(said)),
        Became::Checked => Ok((StatusCode::OK, Json(said)).into_response()),
        Became::Stored => Ok((StatusCode::CREATED, Json(said)).into_response()),
    }
}

fn begin(api: &Api, owner: Owner, file: SentFile) -> Arc<Work> {
    let (settings, now) = (api.settings.clone(), (api.clock)());
    let begin = file.begin(owner, now);
    let run = async move {
        match file.read_in(&settings.node, now).await {
            Ok(report) => Outcome::Imported(Box::new(report), Asks::Nothing),
            Err(error) => Outcome::NotImported(error),
        }
    };
    api.works.start(begin, &api.entropy, run)
}

/// How the file is read: with the mapping that is named.
async fn reading(api: &Api, whose: &str, asked: &Asked) -> Result<Reading, Refused> {
    let mapping = match &asked.mapping {
        None => None,
        Some(name) => {
            let held = api.node.store.mapping(whose, name).await?.ok_or_else(|| {
                let list = if whose == LEP {
                    "/api/v1/mappings"
                } else {
                    "/api/v1/provider/mappings"
                };
                let detail = format!("There is no mapping of this name. GET {list} lists them.");
                Refused::from(Problem::new(problem::PARAMETER, detail))
            })?;
            Some(held.mapping)
        }
    };
    Ok(Reading {
        mapping,
        sheet: asked.sheet.clone(),
    })
}

/// What can be refused before a byte of the file is read.
fn check_headers(kind: ImportKind, headers: &HeaderMap, largest: usize) -> Result<(), Refused> {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let sent = text(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    let taken: &[&str] = match kind {
        ImportKind::Ilr => &["application/xml", "text/xml"],
        ImportKind::Postcodes => &["text/csv"],
        _ => &["text/csv", WORKBOOK],
    };
    let is_taken = |sent: &str| taken.iter().any(|t| sent.trim().eq_ignore_ascii_case(t));
    if !sent.is_some_and(is_taken) {
        let detail = format!("The file has to come as {}.", taken.join(" or "));
        return Err(Problem::new(problem::UNSUPPORTED, detail).into());
    }
    if text(header::CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        let detail = "The file has to come as it is, without a content coding.";
        return Err(Problem::new(problem::UNSUPPORTED, detail).into());
    }
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest as u64) {
        return Err(Trouble::TooLarge(largest).into());
    }
    Ok(())
}

/// Why a file did not arrive.
enum Trouble {
    /// With what may be sent at most, in bytes.
    TooLarge(usize),
    /// The sender stopped.
    Cut,
    Disk(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn chunks(body: Body, largest: usize) -> impl Stream<Item = Result<bytes::Bytes, Trouble>> + Unpin {
    let mut left = largest;
    body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(|_| Trouble::Cut)?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(Trouble::TooLarge(largest))?;
        Ok(chunk)
    })
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::TooLarge(largest) => {
                let detail = "Nothing of the file was stored.";
                let mut problem = Problem::new(problem::FILE_TOO_LARGE, detail);
                if largest == LARGEST_DIRECTORY {
                    let gib = largest >> 30;
                    problem.next =
                        format!("A directory has at most {gib} GiB: send the CSV file of ONS.");
                } else if largest == LARGEST_OF_PROVIDER {
                    let mib = largest >> 20;
                    problem.next = format!(
                        "Send at most {mib} MiB at once: split the file and send its parts one after the other."
                    );
                }
                problem
            }
            Trouble::Cut => Problem::new(
                problem::REQUEST,
                "The file did not arrive to its end. Nothing of it was stored.",
            ),
            Trouble::Disk(error) => {
                tracing::error!(%error, "an upload could not be written to the data directory");
                Problem::new(
                    problem::STORAGE,
                    "The file could not be taken. Nothing of it was stored.",
                )
            }
        }
        .into()
    }
}
