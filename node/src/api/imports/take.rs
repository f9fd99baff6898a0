//! Taking a file: what is asked of it and by whom, on its way to the disk, and into the store.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use serde::Deserialize;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::super::work::{WorkShown, accepted, would_not_wait};
use super::super::{Api, Refused};
use super::report::Report;
use crate::delivery::Own;
use crate::import::mapping::Reading;
use crate::import::report::Outcome as Became;
use crate::import::{Brings, Doubtful, Options};
use crate::pages::upload::Upload;
use crate::pages::{LARGEST, LARGEST_DIRECTORY, LARGEST_OF_PROVIDER};
use crate::store::imports::ImportKind;
use crate::store::mappings::LEP;
use crate::work::{Asks, Door, Outcome, Owner, Sender, SentFile, Turn, Work};

/// The media type of an XLSX workbook.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it describes a header, which is read from the headers"
)]
pub(in crate::api) struct Preferring {
    /// `respond-async` (RFC 7240): begin and answer 202 with the address that says how far it is. Other preferences are not looked at.
    #[param(required = false)]
    prefer: Option<String>,
}

/// What shall be done with the file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Asked {
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
    pub(in crate::api) fn of(
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
pub(in crate::api) enum AskedDoubtful {
    New,
    Corrected,
}

/// What is answered to a file.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "it describes what `take` answers, for every address that takes a file, and is never made"
)]
pub(in crate::api) enum Answers {
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
pub(in crate::api) struct Bringer {
    owner: Owner,
    /// Where it is a provider's own rows.
    brings: Option<Brings>,
    /// Whose mappings explain it.
    mappings: String,
}

impl Bringer {
    /// One of the LEP's own people.
    pub(super) fn lep(person: &SignedIn) -> Self {
        Self {
            owner: person.into(),
            brings: None,
            mappings: LEP.to_owned(),
        }
    }

    /// A provider's person, with the cohort that the rows are put into.
    pub(in crate::api) fn provider(person: &SignedIn, own: Own, cohort: Option<i64>) -> Self {
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

pub(in crate::api) async fn take(
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
