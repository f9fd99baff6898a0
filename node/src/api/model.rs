//! Organisations, programmes, cohorts, spend, demand and services: in the columns of the pages' forms, each a text, kept by the functions that the pages
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
use crate::store::demand::Demand;
use crate::store::gathering::GatheringTask;
use crate::store::history;
use crate::store::items::DataItem;
use crate::store::kept::{Kept as _, Known, Stored};
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::services::Service;
use crate::store::spend::Spend;
use crate::store::terms::Term;

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
    /// A need that somebody stated (docs/demand.md). It counts people who were asked and is of no learner; its number is exact: do not share it.
    DemandText of Demand at "/api/v1/demand" {
        /// The partnership's own name for it; made where it is empty. No two have the same, whatever the capitals.
        reference,
        /// `individual`, `employer`, `charity` or `public-body`; needed.
        asks,
        /// Name of an organisation of this node, of the kind that asks; or empty.
        organisation,
        /// A code of the data standard, as are the next two.
        tier,
        skill,
        audience,
        /// GSS code or name of a district of the LEP, or `whole`; needed.
        area,
        /// From 1 to 1,000,000, or `not published` where its source suppressed it; needed.
        number,
        /// What it is a number of: `people` (where it is empty), `employers` or `vacancies`.
        counts,
        /// `YYYY-MM`, needed.
        from,
        /// `YYYY-MM`; empty: open.
        until,
        /// `survey`, `vacancies`, `panel`, `workshop` or `application`; needed.
        how,
        /// `counted`, `estimated` or `guessed`; needed.
        sure,
        /// A role or a body, never a person; needed.
        by,
        /// The last day on which it is taken for true, `YYYY-MM-DD`.
        holds_until,
        /// A sentence, without anything that tells of a person.
        note,
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

spoken! {
    /// Who is to bring what is not known yet of a skill in an area.
    GatheringTaskText of GatheringTask at "/api/v1/gathering/tasks" {
        /// `demand` or `provision`, needed.
        about,
        /// A code of the data standard, needed.
        skill,
        /// GSS code or name of a district of the LEP, or `whole`; needed.
        area,
        /// The body or role that brings it, never a person; needed.
        body,
        /// `YYYY-MM-DD`, needed.
        due,
        /// `YYYY-MM-DD`; empty: it is still to come. Of a skill in an area one at a time is.
        done,
        note,
    }
}

spoken! {
    /// A word by which a skill is found in vacancies (docs/demand.md).
    WordText of Term at "/api/v1/demand/words" {
        /// One word or several, needed; no two are the same, whatever the capitals.
        term,
        /// A code of the data standard, needed, as is the next.
        tier,
        skill,
        /// How sure one may be by this word alone, in percent: 0 to 100, needed. 0: it is not looked for.
        weight,
    }
}

spoken! {
    /// A service where people learn digital skills, of any organisation. Members that are left out are empty: not stated. None is about a
    /// learner.
    ServiceText of Service at "/api/v1/services" {
        /// Needed.
        name,
        /// Who offers it, needed: an organisation of this node's list or any other; never a person.
        organisation,
        /// At most 900 characters, as all texts without personal data.
        description,
        /// A code of the data standard; empty: not yet classified.
        tier,
        /// Codes of the data standard with semicolons between them.
        skills,
        /// A code of the data standard, as is `mode`.
        audience,
        mode,
        /// GSS code of a district; empty: the whole area.
        area,
        /// Where, in words.
        place,
        /// People that one run takes.
        places,
        /// Runs that begin in a year.
        starts,
        /// `YYYY-MM-DD`, as is `end`.
        start,
        end,
        /// Pounds for one person, `0` where it is free.
        cost,
        cost_notes,
        /// Years, as is `maximum_age`.
        minimum_age,
        maximum_age,
        eligibility,
        accessibility,
        url,
        /// `active`, `inactive`, `defunct` or `temporarily closed`; empty: active.
        status,
        /// `yes`: it stands in the open feed at `/services`. `no` or empty: it does not.
        public,
        /// `YYYY-MM-DD`: when somebody last made sure that all this is so.
        assured_date,
        /// A role or a body, never a person.
        assured_by,
        /// The address of a feed, or what a list is called; empty: this node's own.
        source,
        /// UUID at the source, or empty.
        source_id,
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
pub(super) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that `If-Match` names. A compressed answer's tag says how it was compressed behind the version.
pub(super) fn version(headers: &HeaderMap) -> Result<i64, Refused> {
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

async fn remove_of<S: Spoken>(
    api: &Api,
    person: &SignedIn,
    id: &str,
    headers: &HeaderMap,
) -> Result<StatusCode, Refused> {
    let missing = || Refused::not_found("Nothing of this number is kept here.");
    let id = super::number(id).ok_or_else(missing)?;
    let at = (id, version(headers)?);
    let (store, now) = (&api.node.store, (api.clock)());
    model::remove::<S::Model>(store, at, &person.name, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

macro_rules! endpoints {
    ($module:ident: $text:ident, $tag:tt, $all:tt, $one:tt,
     $list:tt $list_title:tt, $add:tt $add_title:tt, $show:tt $show_title:tt, $set:tt $set_title:tt, $delete:tt $delete_title:tt) => {
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

            #[doc = $delete_title]
            ///
            /// For what was added by mistake: while anything stands on it, it stays, and the answer says what. `If-Match` names the version
            /// that was read. What it said stays in its history.
            #[utoipa::path(
                delete, path = $one, operation_id = $delete, tag = $tag,
                params(
                    ("id" = i64, Path, description = "Its number at this node.", minimum = 1),
                    ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
                ),
                responses(
                    (status = 204, description = "It is gone."),
                    (status = 422, description = "Something stands on it: each as a problem `in-use` of no member. (`form`)", body = Refused,
                        content_type = "application/problem+json"),
                    crate::api::Removes
                ),
                security(("secret" = []), ("token" = []), ("session" = [])),
            )]
            pub(in crate::api) async fn remove(
                State(api): State<Api>,
                person: SignedIn,
                Path(id): Path<String>,
                headers: HeaderMap,
                _none: Query<Nothing>,
            ) -> Result<StatusCode, Refused> {
                remove_of::<$text>(&api, &person, &id, &headers).await
            }
        }
    };
}

endpoints!(organisations: OrganisationText, "Programmes", "/api/v1/organisations", "/api/v1/organisations/{id}",
    "list_organisations" "Organisations", "add_organisation" "Add an organisation",
    "show_organisation" "An organisation", "set_organisation" "Change an organisation",
    "delete_organisation" "Delete an organisation");
endpoints!(programmes: ProgrammeText, "Programmes", "/api/v1/programmes", "/api/v1/programmes/{id}",
    "list_programmes" "Programmes", "add_programme" "Add a programme",
    "show_programme" "A programme", "set_programme" "Change a programme",
    "delete_programme" "Delete a programme");
endpoints!(cohorts: CohortText, "Programmes", "/api/v1/cohorts", "/api/v1/cohorts/{id}",
    "list_cohorts" "Cohorts", "add_cohort" "Add a cohort",
    "show_cohort" "A cohort", "set_cohort" "Change a cohort",
    "delete_cohort" "Delete a cohort");
endpoints!(spend: SpendText, "Programmes", "/api/v1/spend", "/api/v1/spend/{id}",
    "list_spend" "Spend", "add_spend" "Add an amount",
    "show_spend" "An amount", "set_spend" "Change an amount",
    "delete_spend" "Delete an amount");
endpoints!(demand: DemandText, "Needs", "/api/v1/demand", "/api/v1/demand/{id}",
    "list_demand" "Demand", "add_demand" "Add demand",
    "show_demand" "A need that was stated", "set_demand" "Change what was stated",
    "delete_demand" "Delete what was stated");
endpoints!(words: WordText, "Needs", "/api/v1/demand/words", "/api/v1/demand/words/{id}",
    "list_words" "Words for vacancies", "add_word" "Add a word",
    "show_word" "A word for vacancies", "set_word" "Change a word",
    "delete_word" "Delete a word");
endpoints!(services: ServiceText, "Provision", "/api/v1/services", "/api/v1/services/{id}",
    "list_services" "Services", "add_service" "Add a service",
    "show_service" "A service", "set_service" "Change a service",
    "delete_service" "Delete a service");
endpoints!(gathering_tasks: GatheringTaskText, "Gathering", "/api/v1/gathering/tasks", "/api/v1/gathering/tasks/{id}",
    "list_gathering_tasks" "Gathering tasks", "add_gathering_task" "Add a gathering task",
    "show_gathering_task" "A gathering task", "set_gathering_task" "Change a gathering task",
    "delete_gathering_task" "Delete a gathering task");
endpoints!(data_items: DataItemText, "Exchange", "/api/v1/data-items", "/api/v1/data-items/{id}",
    "list_data_items" "Data items", "add_data_item" "Add a data item",
    "show_data_item" "A data item", "set_data_item" "Change a data item",
    "delete_data_item" "Delete a data item");
