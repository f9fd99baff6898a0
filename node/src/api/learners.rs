//! A provider's daily work for its own programs: its learners, who joins, what became of them, what was got wrong, whom to ask. The functions are those
//! of the pages ([`crate::delivery`]), so another's learner is none here either.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::OwnOrganisation;
use ldsp_ui::api::{Items, Limit, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::imports::AskedDoubtful;
use super::model::{FieldProblem, tag, version};
use super::sent::Sent;
use super::{Api, Nothing, PROVIDERS, Refused};
use crate::delivery::{self, Answer, Answers, Handled, Joined, Own, Said, Trouble, When};
use crate::import::report::RowProblem;
use crate::import::{Doubtful, london_day};
use crate::store::cohorts::Cohort;
use crate::store::delivery::{AFTER, Entry, Number, Sorted, Sought, Within};
use crate::store::kept::{Known, Stored};
use crate::store::{Store, StoreError};

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            Trouble::Missing => no_learner(),
            Trouble::Fields(problems) => refused(problems),
            Trouble::Changed => {
                let detail = "Somebody changed it since that version.";
                Problem::new(problem::CHANGED_MEANWHILE, detail).into()
            }
            Trouble::Stands(stands) => {
                let (why, instead) = delivery::in_words(stands);
                refused(vec![RowProblem {
                    line: 1,
                    field: None,
                    code: "in-use",
                    cause: why.into(),
                    remedy: instead.into(),
                }])
            }
        }
    }
}

fn refused(problems: Vec<RowProblem>) -> Refused {
    Refused::fields(problems.into_iter().map(FieldProblem::from).collect())
}

fn no_learner() -> Refused {
    Refused::not_found(
        "Your organisation has no such learner. GET /api/v1/provider/learners lists its own with their `id`.",
    )
}

async fn own(api: &Api, of: &OwnOrganisation) -> Result<Own, Refused> {
    let own = Own::of(&api.node.store, &api.node.pseudonyms, &of.organisation);
    Ok(own.await?)
}

async fn find(api: &Api, own: &Own, handle: &str) -> Result<Entry, Refused> {
    let id = own
        .number(Handled::Enrolment, handle)
        .ok_or_else(no_learner)?;
    let found = delivery::entry(&api.node.store, own, Number(id)).await?;
    found.ok_or_else(no_learner)
}

/// One of the provider's cohorts, by its handle.
pub(super) async fn cohort(api: &Api, own: &Own, handle: &str) -> Result<Stored<Cohort>, Refused> {
    let found = match own.number(Handled::Cohort, handle) {
        Some(id) => delivery::cohort(&api.node.store, own, id).await?,
        None => None,
    };
    found.ok_or_else(|| {
        let detail = "Your organisation has no such cohort. GET /api/v1/provider/cohorts lists its own with their `id`.";
        Refused::not_found(detail)
    })
}

fn code(dimension: Dimension, at: Option<u8>) -> String {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = at.and_then(|at| codes.get(usize::from(at)));
    code.map_or_else(String::new, |code| code.id.clone())
}

fn iso(date: Option<jiff::civil::Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

fn number(n: Option<u8>) -> String {
    n.map_or_else(String::new, |n| n.to_string())
}

/// A learner of the provider: one enrolment. What is not stated is empty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnLearner {
    /// What its address calls it.
    id: String,
    /// Grows with each change; the ETag of its address.
    #[schema(minimum = 1)]
    version: i64,
    /// The provider's own reference.
    learner_ref: String,
    /// `id` of its cohort, or empty.
    cohort: String,
    /// Code of its programme.
    programme: String,
    aim: String,
    /// `YYYY-MM-DD`, as are the next two.
    start: String,
    planned_end: String,
    end: String,
    /// A stage of the data standard.
    stage: String,
    /// A code of the data standard, as are the next two; empty until it was asked.
    destination_3m: String,
    destination_6m: String,
    destination_12m: String,
    /// From 1 to 10; it goes when the answer at the follow-up comes.
    confidence_before: String,
    /// `fell`, `same` or `rose`, once both answers came.
    confidence: String,
    /// Of five tasks, 0 to 5; it goes when the answer at the follow-up comes.
    everyday_before: String,
    /// `fewer`, `same` or `more`, once both answers came.
    everyday: String,
}

impl OwnLearner {
    pub(crate) fn of(own: &Own, known: &Known, entry: &Entry) -> Self {
        let [three, six, twelve] = entry
            .destinations
            .map(|at| code(Dimension::Destination, at));
        let stage = Standard::current().stages().get(usize::from(entry.stage));
        let cohort = entry.cohort.map(|id| own.handle(Handled::Cohort, id));
        Self {
            id: own.handle(Handled::Enrolment, entry.id.0),
            version: entry.version,
            learner_ref: entry.reference.clone().unwrap_or_default(),
            cohort: cohort.unwrap_or_default(),
            programme: known.programme_code(Some(entry.programme)).to_owned(),
            aim: entry.aim.clone(),
            start: iso(entry.start),
            planned_end: iso(entry.planned_end),
            end: iso(entry.end),
            stage: stage.map_or_else(String::new, |stage| stage.id.clone()),
            destination_3m: three,
            destination_6m: six,
            destination_12m: twelve,
            confidence_before: number(entry.begun.confidence),
            confidence: code(Dimension::Confidence, entry.confidence),
            everyday_before: number(entry.begun.everyday),
            everyday: code(Dimension::Everyday, entry.everyday),
        }
    }

    /// In a line of a terminal.
    pub(crate) fn line(&self) -> String {
        let reference = match self.learner_ref.as_str() {
            "" => "no reference",
            reference => reference,
        };
        format!(
            "{}  {reference}  {} {} {}",
            self.id, self.aim, self.start, self.stage
        )
    }
}

/// A learner with what is recorded of the start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnLearnerInFull {
    #[serde(flatten)]
    learner: OwnLearner,
    /// Band on the first day, in words.
    age_band: &'static str,
    /// GSS code.
    district: String,
    /// A code of the data standard, as are the next five.
    sex: String,
    ethnicity: String,
    disability: String,
    prior_status: String,
    skill: String,
    mode: String,
    /// Name of the business, charity or public body that employs the learner.
    employer: String,
}

/// A learner with all that is recorded; `None` for what is none of the provider's.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn in_full(
    store: &Store,
    own: &Own,
    entry: &Entry,
) -> Result<Option<OwnLearnerInFull>, StoreError> {
    let known = store.known().await?;
    let held = delivery::described(store, own, entry).await?;
    let full = held.map(|held| {
        let text = |column: &str| held.text(column).to_owned();
        OwnLearnerInFull {
            learner: OwnLearner::of(own, &known, entry),
            age_band: held.age,
            district: text("district"),
            sex: text("sex"),
            ethnicity: text("ethnicity"),
            disability: text("disability"),
            prior_status: text("prior_status"),
            skill: text("skill"),
            mode: text("mode"),
            employer: known.organisation_name(entry.employer).to_owned(),
        }
    });
    Ok(full)
}

async fn shown(
    api: &Api,
    own: &Own,
    entry: &Entry,
    status: StatusCode,
) -> Result<Response, Refused> {
    let full = in_full(&api.node.store, own, entry).await?;
    let body = full.ok_or_else(no_learner)?;
    let tag = (header::ETAG, tag(entry.version));
    Ok((status, [tag], Json(body)).into_response())
}

/// Which learners, page by page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Seeking {
    /// Where the page begins: from `next` of the page before.
    cursor: Option<String>,
    /// Items of a page at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
    /// `id` of one of the provider's cohorts.
    cohort: Option<String>,
    /// A stage of the data standard.
    stage: Option<String>,
}

/// Own learners
///
/// The provider's enrolments in the order in which they were recorded, whatever brought them.
#[utoipa::path(
    get, path = "/api/v1/provider/learners", operation_id = "list_own_learners", tag = PROVIDERS,
    params(Seeking),
    responses((status = 200, description = "A page of them.", body = Items<OwnLearner>),
        (status = 404, description = "The provider has no such cohort. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    of: OwnOrganisation,
    Query(asked): Query<Seeking>,
) -> Result<Json<Items<OwnLearner>>, Refused> {
    let own = own(&api, &of).await?;
    let within = match &asked.cohort {
        None => Within::Anywhere,
        Some(handle) => Within::Cohort(cohort(&api, &own, handle).await?.id),
    };
    let stage = match &asked.stage {
        None => None,
        Some(stage) => {
            let at = Standard::current().parse_stage(stage);
            let at = at.and_then(|at| u8::try_from(at).ok());
            let none = || Problem::new(problem::PARAMETER, "stage is none of the data standard's");
            Some(at.ok_or_else(none)?)
        }
    };
    let stage_id = stage.and_then(|at| Standard::current().stages().get(usize::from(at)));
    // A cohort's handle and a stage's id need no escaping.
    let cohort = asked.cohort.as_deref();
    let list = List::new("/api/v1/provider/learners")
        .filter("cohort", cohort)
        .filter("stage", stage_id.map(|stage| stage.id.as_str()));
    let after: Option<String> = list.after(asked.cursor.as_deref())?;
    let after = after.and_then(|handle| own.number(Handled::Enrolment, &handle));
    let limit = asked.limit.unwrap_or_default();
    let sought = Sought {
        within,
        stage,
        by: Sorted::Number {
            after: after.unwrap_or(0),
        },
        limit: i64::from(limit.get()) + 1,
        ..Sought::default()
    };
    let store = &api.node.store;
    let (entries, _) = delivery::learners(store, &own, &sought).await?;
    let known = store.known().await?;
    let found = entries
        .iter()
        .map(|entry| OwnLearner::of(&own, &known, entry));
    Ok(Json(list.page(
        found.collect(),
        limit,
        |learner: &OwnLearner| learner.id.clone(),
    )))
}

/// An own learner
///
/// With what is recorded of the start.
#[utoipa::path(
    get, path = "/api/v1/provider/learners/{id}", operation_id = "show_own_learner", tag = PROVIDERS,
    params(("id" = String, Path, description = "The learner, as the list calls it.")),
    responses((status = 200, description = "What is recorded.", body = OwnLearnerInFull, headers(
        ("etag" = String, description = "Its version."))), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let entry = find(&api, &own, &id).await?;
    shown(&api, &own, &entry, StatusCode::OK).await
}

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$field_doc])* $field: Option<String>),+
        }

        impl $name {
            /// What was said, by column.
            fn said(self) -> Vec<(String, String)> {
                let all = [$((stringify!($field), self.$field)),+];
                let said = all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
                said.collect()
            }
        }
    };
}

texts! {
    /// A learner who joins a cohort, in the columns of the learner file. A member that is left out is as the cohort has it, or not stated.
    Joining {
        /// The provider's own reference, needed: a number of its own, never a name, a ULN or a National Insurance number.
        learner_ref,
        /// Ten digits; turned into a code at once.
        uln,
        /// Whole years on the first day, or else `birth_date`; only an age band is kept.
        age,
        /// `YYYY-MM-DD`.
        birth_date,
        /// Turned into a district at once; or else `district`.
        postcode,
        /// GSS code.
        district,
        /// A code of the data standard, as are the next three.
        sex,
        ethnicity,
        disability,
        prior_status,
        /// One of the employers that the provider's own cohorts and learners name.
        employer,
        /// A code of letters and digits.
        aim,
        /// A code of the data standard, as is `mode`.
        skill,
        mode,
        /// `YYYY-MM-DD`, as is the next.
        start,
        planned_end,
        /// From 1, not confident at all, to 10, very confident.
        confidence_before,
        /// How many of five everyday tasks online the learner does without help, 0 to 5.
        everyday_before,
    }
}

texts! {
    /// What became of a learner. A member that is left out stays as it is recorded; an empty one is taken back.
    Outcome {
        /// A stage of the data standard.
        stage,
        /// The last day, `YYYY-MM-DD`.
        end,
        /// A code of the data standard, once that time has passed, as are the next two.
        destination_3m,
        destination_6m,
        destination_12m,
        /// From 1 to 10.
        confidence_before,
        /// From 1 to 10; only whether it rose is kept of both.
        confidence_after,
        /// 0 to 5 tasks.
        everyday_before,
        /// 0 to 5 tasks; only whether there are more is kept of both.
        everyday_after,
    }
}

texts! {
    /// What is corrected of a learner who joined. A member that is left out stays as it is recorded.
    Correcting {
        /// Says who the learner is, with `uln` where there is one: only while nothing was counted. The learner gets another address.
        learner_ref,
        uln,
        /// Whole years on the first day.
        age,
        /// GSS code; empty: not stated.
        district,
        /// A code of the data standard, as are the next three.
        sex,
        ethnicity,
        disability,
        prior_status,
        aim,
        /// A code of the data standard, as is `mode`.
        skill,
        mode,
        /// `YYYY-MM-DD`, as is the next.
        start,
        planned_end,
        /// `id` of an own cohort, whose programme becomes the learner's; empty: none.
        cohort,
    }
}

/// What a row is that may be new or correct one that is recorded.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Doubting {
    /// Without it such a learner is refused.
    #[param(required = false, inline)]
    doubtful: Option<AskedDoubtful>,
}

/// Add a learner to a cohort
///
/// One who is in the register already is refused, and stays as recorded.
#[utoipa::path(
    post, path = "/api/v1/provider/cohorts/{id}/learners", operation_id = "add_own_learner", tag = PROVIDERS,
    params(("id" = String, Path, description = "The cohort, as the list calls it."), Doubting),
    request_body = Joining,
    responses(
        (status = 201, description = "Recorded; a correction of what was recorded, where that was said.", body = OwnLearnerInFull, headers(
            ("location" = String, description = "Its address."), ("etag" = String, description = "Its version."))),
        (status = 404, description = "The provider has no such cohort. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 409, description = "Nothing is recorded at present. (`import-busy`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 422, description = "Members have problems, or the learner is there already; nothing was stored. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn add(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    Query(doubting): Query<Doubting>,
    Sent(joining): Sent<Joining>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let cohort = cohort(&api, &own, &id).await?;
    let store = &api.node.store;
    let said = joining.said();
    let begun = delivery::begun(store, &cohort.it).await?;
    let begun = begun
        .into_iter()
        .filter(|(column, _)| !said.iter().any(|(name, _)| name == column));
    let answers: Vec<(String, String)> = said.iter().cloned().chain(begun).collect();
    let text = |column: &str| {
        let found = answers.iter().find(|(name, _)| name == column);
        found.map_or("", |(_, text)| text.trim())
    };
    let by = delivery::by(&of.person, (api.clock)());
    let doubtful = match doubting.doubtful {
        None => Doubtful::Ask,
        Some(AskedDoubtful::New) => Doubtful::New,
        Some(AskedDoubtful::Corrected) => Doubtful::Corrected,
    };
    let done = delivery::join(store, &own, &cohort, &answers, doubtful, &by).await;
    match done.as_ref().map_err(Refused::from)? {
        Joined::Refused(problems) => return Err(refused(problems.clone())),
        Joined::Erased => {
            let cause = "The records of this learner were erased here. Nothing was stored.";
            let remedy = "Remove them from your own files too.";
            let problem =
                FieldProblem::found("learner_ref", "learner-erased", cause.to_owned(), remedy);
            return Err(Refused::fields(vec![problem]));
        }
        Joined::Added | Joined::Corrected => {}
    }
    let (aim, start) = (text("aim").to_owned(), text("start").parse().ok());
    let under = delivery::under(store, &own, &api.node.pseudonyms, text("learner_ref")).await?;
    let entry = under
        .into_iter()
        .find(|e| e.start == start && e.aim.eq_ignore_ascii_case(&aim));
    let entry = entry.ok_or_else(no_learner)?;
    let entry = find(&api, &own, &own.handle(Handled::Enrolment, entry.id.0)).await?;
    let mut response = shown(&api, &own, &entry, StatusCode::CREATED).await?;
    let location = format!(
        "/api/v1/provider/learners/{}",
        own.handle(Handled::Enrolment, entry.id.0)
    );
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Record what became of a learner
///
/// Stage, last day, destinations, answers. `If-Match` names the version that was read; when somebody changed it since, nothing is stored.
#[utoipa::path(
    post, path = "/api/v1/provider/learners/{id}/outcome", operation_id = "record_own_outcome", tag = PROVIDERS,
    params(
        ("id" = String, Path, description = "The learner, as the list calls it."),
        ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
    ),
    request_body = Outcome,
    responses(
        (status = 200, description = "As it is now.", body = OwnLearnerInFull, headers(("etag" = String, description = "Its version."))),
        (status = 422, description = "Members have problems; nothing was stored. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::Keeps
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn outcome(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    headers: HeaderMap,
    _none: Query<Nothing>,
    Sent(outcome): Sent<Outcome>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let entry = find(&api, &own, &id).await?;
    let version = version(&headers)?;
    let texts = delivery::outcome_of(&entry, &outcome.said());
    let by = delivery::by(&of.person, (api.clock)());
    delivery::amend(&api.node.store, &own, (entry.id, version), &texts, &by).await?;
    let entry = find(&api, &own, &id).await?;
    shown(&api, &own, &entry, StatusCode::OK).await
}

/// Correct a learner
///
/// What was recorded of the start. `If-Match` names the version that was read. Where the reference or the ULN is another one, the learner's
/// address is another one afterwards.
#[utoipa::path(
    post, path = "/api/v1/provider/learners/{id}/correct", operation_id = "correct_own_learner", tag = PROVIDERS,
    params(
        ("id" = String, Path, description = "The learner, as the list calls it."),
        ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
    ),
    request_body = Correcting,
    responses(
        (status = 200, description = "As it is now.", body = OwnLearnerInFull, headers(("etag" = String, description = "Its version."))),
        (status = 422, description = "Members have problems, or it was counted and stays who it is; nothing was stored. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::Keeps
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn correct(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    headers: HeaderMap,
    _none: Query<Nothing>,
    Sent(correcting): Sent<Correcting>,
) -> Result<Response, Refused> {
    let own = own(&api, &of).await?;
    let entry = find(&api, &own, &id).await?;
    let version = version(&headers)?;
    let mut texts = correcting.said();
    let place = texts
        .iter()
        .position(|(column, _)| column == delivery::COHORT);
    let to = match place.map(|place| texts.remove(place).1) {
        None => None,
        Some(none) if none.is_empty() => Some(None),
        Some(handle) => Some(Some(cohort(&api, &own, &handle).await?.id)),
    };
    let said = Said {
        texts,
        cohort: to,
        employer: None,
    };
    let by = delivery::by(&of.person, (api.clock)());
    let store = &api.node.store;
    let id = delivery::correct(store, &own, (entry.id, version), &said, &by).await?;
    let entry = find(&api, &own, &own.handle(Handled::Enrolment, id.0)).await?;
    shown(&api, &own, &entry, StatusCode::OK).await
}

/// Take a learner back
///
/// One who was added by mistake: only what the provider itself brought, and only while nothing of it was counted; else the answer says what to do
/// instead. `If-Match` names the version that was read.
#[utoipa::path(
    delete, path = "/api/v1/provider/learners/{id}", operation_id = "take_back_own_learner", tag = PROVIDERS,
    params(
        ("id" = String, Path, description = "The learner, as the list calls it."),
        ("if-match" = Option<String>, Header, description = "The ETag that reading it gave; needed."),
    ),
    responses(
        (status = 204, description = "It is as if it had never come."),
        (status = 422, description = "Something stands on it: a problem `in-use` of no member. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::Removes
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn take_back(
    State(api): State<Api>,
    of: OwnOrganisation,
    Path(id): Path<String>,
    headers: HeaderMap,
    _none: Query<Nothing>,
) -> Result<StatusCode, Refused> {
    let own = own(&api, &of).await?;
    let entry = find(&api, &own, &id).await?;
    let at = (entry.id, version(&headers)?);
    let by = delivery::by(&of.person, (api.clock)());
    delivery::take_back(&api.node.store, &own, at, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether answers are of the start, or of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AskedWhen {
    Start,
    Now,
}

/// What one learner answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnAnswer {
    /// The learner, as the list calls it.
    learner: String,
    /// The version that was read.
    #[schema(minimum = 1)]
    version: i64,
    /// From 1, not confident at all, to 10, very confident; empty: not asked.
    #[serde(default)]
    confidence: String,
    /// How many of five everyday tasks online, 0 to 5; empty: not asked.
    #[serde(default)]
    everyday: String,
}

/// What the learners of a register answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnAnswers {
    when: AskedWhen,
    #[schema(max_items = 500)]
    answers: Vec<OwnAnswer>,
}

/// How many learners are other than before.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnswersKept {
    changed: u64,
}

/// Record answers
///
/// Of many learners at once: all of them or, where anything is wrong, none. An answer of now is compared with that of the start; what came of both is
/// kept, and the answers go.
#[utoipa::path(
    post, path = "/api/v1/provider/answers", operation_id = "record_own_answers", tag = PROVIDERS,
    request_body = OwnAnswers,
    responses(
        (status = 200, description = "Recorded.", body = AnswersKept),
        (status = 404, description = "One of them is no learner of the provider. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 412, description = "Somebody changed one of them since that version. (`changed-meanwhile`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 422, description = "Answers have problems; nothing was stored. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn answers(
    State(api): State<Api>,
    of: OwnOrganisation,
    _none: Query<Nothing>,
    Sent(sent): Sent<OwnAnswers>,
) -> Result<Json<AnswersKept>, Refused> {
    let own = own(&api, &of).await?;
    let all = sent.answers.into_iter().take(501).map(|answer| {
        let id = own.number(Handled::Enrolment, &answer.learner);
        Ok(Answer {
            at: (id.ok_or_else(no_learner)?, answer.version),
            texts: [answer.confidence, answer.everyday],
        })
    });
    let all: Vec<Answer> = all.collect::<Result<_, Refused>>()?;
    if all.len() > 500 {
        let cause = "There are more than 500 answers.".to_owned();
        return Err(Refused::fields(vec![FieldProblem::unfit("answers", cause)]));
    }
    let by = delivery::by(&of.person, (api.clock)());
    let at_start = sent.when == AskedWhen::Start;
    match delivery::answer(&api.node.store, &own, at_start, &all, &by).await? {
        Answers::Done(changed) => Ok(Json(AnswersKept { changed })),
        Answers::Refused(wrong) if wrong.iter().any(|(_, problems)| problems.is_empty()) => {
            Err(Trouble::Changed.into())
        }
        Answers::Refused(wrong) => Err(refused(
            wrong.into_iter().flat_map(|(_, all)| all).collect(),
        )),
    }
}

/// When questions are due.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DueWhen {
    Week,
    Late,
    Later,
}

/// Which questions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Due {
    /// Those of this week, where nothing is said; those before it, or those of the next four weeks.
    #[param(required = false, inline)]
    when: Option<DueWhen>,
    /// Questions to leave out at the beginning.
    #[param(required = false, minimum = 0, default = 0)]
    from: Option<i32>,
}

/// A question that is due.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnDue {
    /// Months after the last day: 3, 6 or 12.
    months: i64,
    /// The day from which it can be asked, `YYYY-MM-DD`.
    on: String,
    learner: OwnLearner,
}

/// Questions that are due.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnDues {
    /// How many there are.
    all: u64,
    /// At most 100, the earliest first.
    items: Vec<OwnDue>,
}

/// Whom to ask
///
/// What became of leavers, 3, 6 and 12 months after their last day. An answer is recorded as the learner's outcome.
#[utoipa::path(
    get, path = "/api/v1/provider/due", operation_id = "list_own_due", tag = PROVIDERS,
    params(Due),
    responses((status = 200, description = "The questions.", body = OwnDues), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn due(
    State(api): State<Api>,
    of: OwnOrganisation,
    Query(asked): Query<Due>,
) -> Result<Json<OwnDues>, Refused> {
    let own = own(&api, &of).await?;
    let when = match asked.when {
        None | Some(DueWhen::Week) => When::ThisWeek,
        Some(DueWhen::Late) => When::Late,
        Some(DueWhen::Later) => When::Later,
    };
    let store = &api.node.store;
    let below = |_| Problem::new(problem::PARAMETER, "from is not 0 or more");
    let from = u64::try_from(asked.from.unwrap_or(0)).map_err(below)?;
    let days = [when.days(london_day((api.clock)()))];
    let part = delivery::due(store, &own, &days, from..from + 100).await?;
    let part = part.into_iter().next().unwrap_or_default();
    let known = store.known().await?;
    let items = part.rows.iter().map(|due| OwnDue {
        months: AFTER[due.question],
        on: due.on.to_string(),
        learner: OwnLearner::of(&own, &known, &due.entry),
    });
    Ok(Json(OwnDues {
        all: part.all,
        items: items.collect(),
    }))
}
