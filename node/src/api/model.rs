//! Organisations, programmes, cohorts and spend: in the columns of the pages' forms, each a text, kept by the functions that the pages
//! and the command line call.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::{Items, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, Listed, Nothing, Refused};
use crate::import::report::RowProblem;
use crate::model::{self, Model, Trouble};
use crate::store::cohorts::Cohort;
use crate::store::history;
use crate::store::items::DataItem;
use crate::store::kept::{Kept as _, Known, Stored};
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::spend::Spend;

/// Changes that are told with a row.
const SHOWN: u32 = 500;

/// What is wrong with a member.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// The member; null when all of it is at fault.
    #[schema(required)]
    field: Option<&'static str>,
    code: &'static str,
    /// What is wrong.
    cause: String,
    /// What to do.
    remedy: String,
}

impl FieldProblem {
    /// What was sent as `field` is no such thing.
    pub(super) fn unfit(field: &'static str, cause: String) -> Self {
        Self {
            field: Some(field),
            code: "unfit",
            cause,
            remedy: "Correct it and send it again.".to_owned(),
        }
    }

    /// A defect of a file that was sent as `field`.
    pub(super) fn found(
        field: &'static str,
        code: &'static str,
        cause: String,
        remedy: &str,
    ) -> Self {
        Self {
            field: Some(field),
            code,
            cause,
            remedy: remedy.to_owned(),
        }
    }
}

impl From<RowProblem> for FieldProblem {
    fn from(problem: RowProblem) -> Self {
        Self {
            field: problem.field,
            code: problem.code,
            cause: problem.cause.into_owned(),
            remedy: problem.remedy.into_owned(),
        }
    }
}

impl<M> From<Trouble<M>> for Refused {
    fn from(trouble: Trouble<M>) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            Trouble::Missing => Self::not_found("Nothing of this number is kept here."),
            Trouble::Fields(problems) => {
                Self::fields(problems.into_iter().map(FieldProblem::from).collect())
            }
            Trouble::Changed(now) => {
                let detail = format!("It is in version {} by now.", now.version);
                Problem::new(problem::CHANGED_MEANWHILE, detail).into()
            }
        }
    }
}

/// A row with its number and version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Row<S> {
    /// Its number at this node.
    #[schema(minimum = 1)]
    id: i64,
    /// Grows by 1 with each change; the row's ETag.
    #[schema(minimum = 1)]
    version: i64,
    #[serde(flatten)]
    it: S,
}

/// A row and who changed what of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowInFull<S> {
    #[serde(flatten)]
    row: Row<S>,
    /// The latest 500 changes, newest first.
    history: Vec<Changed>,
}

/// A change of one member.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    at: Timestamp,
    who: String,
    field: String,
    /// Null: there was nothing.
    #[schema(required)]
    before: Option<String>,
    /// Null: there is nothing any more.
    #[schema(required)]
    after: Option<String>,
}

impl From<history::Changed> for Changed {
    fn from(change: history::Changed) -> Self {
        let history::Changed {
            at,
            who,
            field,
            before,
            after,
        } = change;
        Self {
            at,
            who,
            field,
            before,
            after,
        }
    }
}

/// A kind of row as programs send and get it.
pub(super) trait Spoken: Sized {
    type Model: Model;
    const PATH: &'static str;
    fn of(texts: Vec<String>) -> Self;
    fn texts(self) -> Vec<String>;
}

macro_rules! spoken {
    ($(#[$doc:meta])* $name:ident of $model:ident at $path:literal { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$field_doc])* $field: String),+
        }

        impl Spoken for $name {
            type Model = $model;
            const PATH: &'static str = $path;

            fn of(texts: Vec<String>) -> Self {
                let mut texts = texts.into_iter();
                Self { $($field: texts.next().unwrap_or_default()),+ }
            }

            fn texts(self) -> Vec<String> {
                vec![$(self.$field),+]
            }
        }
    };
}

spoken! {
    /// An organisation, never a person.
    OrganisationText of Organisation at "/api/v1/organisations" {
        /// Needed; no two have the same, whatever the capitals.
        name,
        /// `provider`, `employer`, `charity`, `public-body` or `funder`.
        kind,
        /// Eight digits, or empty.
        ukprn,
        /// A role, never a person; or empty.
        contact_role,
    }
}

spoken! {
    /// A programme, in the columns of the programme file (docs/files.md) and two more. Members that are left out are empty: not stated.
    ProgrammeText of Programme at "/api/v1/programmes" {
        /// Its code, needed; no two have the same.
        programme,
        /// Needed.
        name,
        /// Needed.
        provider,
        /// A code of the data standard, as are the next two.
        tier,
        r#type,
        audience,
        /// The name of an organisation, or any text.
        funder,
        /// Pounds, such as `12500` or `12500.50`.
        cost,
        /// Places.
        capacity,
        /// `YYYY-MM-DD`, as is `end`.
        start,
        end,
        /// Codes of the data standard with semicolons between them.
        skills,
        /// A code of the data standard.
        mode,
    }
}

spoken! {
    /// A cohort: one run of a programme by one provider.
    CohortText of Cohort at "/api/v1/cohorts" {
        /// Its code, needed; no two have the same.
        cohort,
        /// Code of its programme, needed.
        programme,
        /// Name of the organisation that delivers it, needed.
        provider,
        /// Needed.
        title,
        /// `YYYY-MM-DD`, as is `end`.
        start,
        end,
        places,
        /// Where, in words.
        place,
        /// Name of the business, charity or public body whose people it trains; empty where it is open to all.
        employer,
    }
}

spoken! {
    /// An amount that was spent in a month.
    SpendText of Spend at "/api/v1/spend" {
        /// `YYYY-MM`, needed.
        month,
        /// Code of the programme, or else of the cohort.
        programme,
        cohort,
        /// `staff`, `premises`, `equipment`, `learner-support`, `marketing`, `overheads` or `other`.
        category,
        /// Pounds, such as `1250` or `1250.50`; needed.
        amount,
        /// Who said so: a document or a role, never a person; needed.
        source,
    }
}

spoken! {
    /// Who collects a data item, from when until when.
    DataItemText of DataItem at "/api/v1/data-items" {
        /// The code that both sides know it by, needed; several rows may have it.
        item,
        /// Needed.
        title,
        /// `lep`, `panel`, `dfe` or `other`.
        collector,
        /// `once`, `monthly`, `quarterly`, `termly` or `yearly`.
        frequency,
        /// `YYYY-MM`, needed.
        since,
        /// `YYYY-MM`; empty: until something else is agreed.
        until,
        /// The body or role that does it, never a person.
        body,
        note,
    }
}

fn row<S: Spoken>(stored: &Stored<S::Model>, known: &Known) -> Row<S> {
    Row {
        id: stored.id,
        version: stored.version,
        it: S::of(stored.it.texts(known)),
    }
}

async fn list_of<S: Spoken>(api: &Api, asked: &Listed) -> Result<Json<Items<Row<S>>>, Refused> {
    let list = List::new(S::PATH);
    let after: i64 = list.after(asked.cursor.as_deref())?.unwrap_or(0);
    let limit = asked.limit.unwrap_or_default();
    let known = api.node.store.known().await?;
    let mut all: Vec<Stored<S::Model>> = api.node.store.kept().await?;
    all.retain(|stored| stored.id > after);
    all.sort_by_key(|stored| stored.id);
    all.truncate(limit.get() as usize + 1);
    let found = all.iter().map(|stored| row(stored, &known)).collect();
    Ok(Json(list.page(found, limit, |row: &Row<S>| row.id)))
}

async fn one_of<S: Spoken + Serialize>(api: &Api, id: &str) -> Result<Response, Refused> {
    let missing = || Refused::not_found("Nothing of this number is kept here.");
    let store = &api.node.store;
    let id = super::number(id).ok_or_else(missing)?;
    let stored: Stored<S::Model> = store.kept_one(id).await?.ok_or_else(missing)?;
    let known = store.known().await?;
    let history = store.history(S::Model::KIND, id, SHOWN).await?;
    let body = RowInFull {
        row: row::<S>(&stored, &known),
        history: history.into_iter().map(Changed::from).collect(),
    };
    Ok(([(header::ETAG, tag(stored.version))], Json(body)).into_response())
}

/// The strong entity tag of a version.
fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that `If-Match` names. A compressed answer's tag says how it was compressed behind the version.
fn version(headers: &HeaderMap) -> Result<i64, Refused> {
    let named = headers
        .get(header::IF_MATCH)
        .and_then(|value| value.to_str().ok());
    let version = named.and_then(|tag| {
        let tag = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
        super::number(tag.strip_suffix("-gzip").unwrap_or(tag))
    });
    version.ok_or_else(|| {
        let detail = "The header If-Match does not name one version.";
        Problem::new(problem::VERSION_NEEDED, detail).into()
    })
}

async fn answer<S: Spoken + Serialize>(
    api: &Api,
    status: StatusCode,
    stored: &Stored<S::Model>,
) -> Result<Response, Refused> {
    let known = api.node.store.known().await?;
    let tag = (header::ETAG, tag(stored.version));
    let body = Json(row::<S>(stored, &known));
    if status == StatusCode::CREATED {
        let location = (header::LOCATION, format!("{}/{}", S::PATH, stored.id));
        return Ok((status, [tag, location], body).into_response());
    }
    Ok((status, [tag], body).into_response())
}

async fn add_of<S: Spoken + Serialize>(
    api: &Api,
    person: &SignedIn,
    sent: S,
) -> Result<Response, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let stored = model::add::<S::Model>(store, &sent.texts(), &person.name, now).await?;
    answer::<S>(api, StatusCode::CREATED, &stored).await
}

async fn change_of<S: Spoken + Serialize>(
    api: &Api,
    person: &SignedIn,
    id: &str,
    headers: &HeaderMap,
    sent: S,
) -> Result<Response, Refused> {
    let missing = || Refused::not_found("Nothing of this number is kept here.");
    let id = super::number(id).ok_or_else(missing)?;
    let at = (id, version(headers)?);
    let (store, now) = (&api.node.store, (api.clock)());
    let stored = model::change::<S::Model>(store, at, &sent.texts(), &person.name, now).await?;
    answer::<S>(api, StatusCode::OK, &stored).await
}

macro_rules! endpoints {
    ($module:ident: $text:ident, $tag:tt, $all:tt, $one:tt,
     $list:tt $list_title:tt, $add:tt $add_title:tt, $show:tt $show_title:tt, $set:tt $set_title:tt) => {
        pub(super) mod $module {
            use super::*;

            #[doc = $list_title]
            ///
            /// In the order in which they were added.
            #[utoipa::path(
                get, path = $all, operation_id = $list, tag = $tag,
                params(Listed),
                responses((status = 200, description = "A page of them.", body = Items<Row<$text>>), crate::api::ReadList),
                security(("secret" = []), ("token" = []), ("session" = [])),
            )]
            pub(in crate::api) async fn list(
                State(api): State<Api>,
                Query(asked): Query<Listed>,
            ) -> Result<Json<Items<Row<$text>>>, Refused> {
                list_of(&api, &asked).await
            }

            #[doc = $add_title]
            ///
            /// Its members are texts, as in a file.
            #[utoipa::path(
                post, path = $all, operation_id = $add, tag = $tag,
                request_body = $text,
                responses(
                    (status = 201, description = "Added.", body = Row<$text>, headers(
                        ("location" = String, description = "Its address."), ("etag" = String, description = "Its version."))),
                    (status = 422, description = "Members have problems; nothing was stored. (`form`)", body = Refused,
                        content_type = "application/problem+json"),
                    crate::api::TakesJson
                ),
                security(("secret" = []), ("token" = []), ("session" = [])),
            )]
            pub(in crate::api) async fn add(
                State(api): State<Api>,
                person: SignedIn,
                _none: Query<Nothing>,
                Sent(sent): Sent<$text>,
            ) -> Result<Response, Refused> {
                add_of(&api, &person, sent).await
            }

            #[doc = $show_title]
            ///
            /// With who changed what of it.
            #[utoipa::path(
                get, path = $one, operation_id = $show, tag = $tag,
                params(("id" = i64, Path, description = "Its number at this node.", minimum = 1)),
                responses((status = 200, description = "What is kept.", body = RowInFull<$text>, headers(
                    ("etag" = String, description = "Its version."))), crate::api::ReadOne),
                security(("secret" = []), ("token" = []), ("session" = [])),
            )]
            pub(in crate::api) async fn show(
                State(api): State<Api>,
                Path(id): Path<String>,
                _none: Query<Nothing>,
            ) -> Result<Response, Refused> {
                one_of::<$text>(&api, &id).await
            }

            #[doc = $set_title]
            ///
            /// The whole of it: a member that is left out becomes empty. `If-Match` names the version that was read; when somebody
            /// changed it since, nothing is stored.
            #[utoipa::path(
                put, path = $one, operation_id = $set, tag = $tag,
                params(
                    ("id" = i64, Path, description = "Its number at this node.", minimum = 1),
                    ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
                ),
                request_body = $text,
                responses(
                    (status = 200, description = "As it is now.", body = Row<$text>, headers(
                        ("etag" = String, description = "Its version."))),
                    (status = 422, description = "Members have problems; nothing was stored. (`form`)", body = Refused,
                        content_type = "application/problem+json"),
                    crate::api::Keeps
                ),
                security(("secret" = []), ("token" = []), ("session" = [])),
            )]
            pub(in crate::api) async fn set(
                State(api): State<Api>,
                person: SignedIn,
                Path(id): Path<String>,
                headers: HeaderMap,
                _none: Query<Nothing>,
                Sent(sent): Sent<$text>,
            ) -> Result<Response, Refused> {
                change_of(&api, &person, &id, &headers, sent).await
            }
        }
    };
}

endpoints!(organisations: OrganisationText, "Programmes", "/api/v1/organisations", "/api/v1/organisations/{id}",
    "list_organisations" "Organisations", "add_organisation" "Add an organisation",
    "show_organisation" "An organisation", "set_organisation" "Change an organisation");
endpoints!(programmes: ProgrammeText, "Programmes", "/api/v1/programmes", "/api/v1/programmes/{id}",
    "list_programmes" "Programmes", "add_programme" "Add a programme",
    "show_programme" "A programme", "set_programme" "Change a programme");
endpoints!(cohorts: CohortText, "Programmes", "/api/v1/cohorts", "/api/v1/cohorts/{id}",
    "list_cohorts" "Cohorts", "add_cohort" "Add a cohort",
    "show_cohort" "A cohort", "set_cohort" "Change a cohort");
endpoints!(spend: SpendText, "Programmes", "/api/v1/spend", "/api/v1/spend/{id}",
    "list_spend" "Spend", "add_spend" "Add an amount",
    "show_spend" "An amount", "set_spend" "Change an amount");
endpoints!(data_items: DataItemText, "Exchange", "/api/v1/data-items", "/api/v1/data-items/{id}",
    "list_data_items" "Data items", "add_data_item" "Add a data item",
    "show_data_item" "A data item", "set_data_item" "Change a data item");
