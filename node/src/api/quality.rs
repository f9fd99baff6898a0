//! Quality of the records: findings, questions to providers, and how the rules are set.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, Nothing, QUALITY, Refused};
use crate::quality::{
    self, CATALOGUE, ChangeError, Completeness, Judged, OfProgramme, QuestionError, Rule, Set,
    Severity, Standing,
};
use crate::store::quality::{self as stored, Question};

/// What a rule found. Exact counts: for the LEP's own people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QualityFinding)]
struct Finding {
    /// Code of the rule.
    rule: &'static str,
    title: &'static str,
    severity: Severity,
    /// Records concerned.
    records: u64,
    /// Records that the rule looked at.
    of: u64,
    /// Where, most first.
    programmes: Vec<OfProgramme>,
}

/// A provider's records. Exact counts: for the LEP's own people.
#[derive(Debug, Serialize, ToSchema)]
struct OfProvider {
    provider: String,
    enrolments: u64,
    /// The newest start or end.
    #[schema(value_type = Option<String>, format = Date, required)]
    newest: Option<jiff::civil::Date>,
    completeness: Vec<Completeness>,
    findings: Vec<Finding>,
}

impl From<Judged> for OfProvider {
    fn from(judged: Judged) -> Self {
        let findings = judged.findings.into_iter().map(|f| Finding {
            rule: f.rule.code,
            title: f.rule.title,
            severity: f.severity,
            records: f.records,
            of: f.of,
            programmes: f.programmes,
        });
        Self {
            findings: findings.collect(),
            provider: judged.provider,
            enrolments: judged.enrolments,
            newest: crate::store::date(judged.newest),
            completeness: judged.completeness,
        }
    }
}

/// How the records stand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quality {
    at: Timestamp,
    standing: Standing,
    providers: Vec<OfProvider>,
}

/// Quality of the records
///
/// What rules find in the records of each provider, and how much is recorded. Exact counts: do not share.
#[utoipa::path(
    get, path = "/api/v1/quality", operation_id = "show_quality", tag = QUALITY,
    responses((status = 200, description = "How the records stand now.", body = Quality), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Quality>, Refused> {
    let at = (api.clock)();
    let judged = quality::look(&api.node.store, at).await?;
    Ok(Json(Quality {
        at,
        standing: quality::verdict(&judged, at).standing,
        providers: judged.into_iter().map(Into::into).collect(),
    }))
}

/// A question to a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asked {
    #[schema(minimum = 1)]
    id: i64,
    provider: String,
    /// Code of the rule that gave rise to it.
    rule: String,
    question: String,
    asked_by: String,
    asked_at: Timestamp,
    /// Null while it is open.
    #[schema(required)]
    answer: Option<String>,
    #[schema(required)]
    answered_by: Option<String>,
    #[schema(required)]
    answered_at: Option<Timestamp>,
}

impl From<Question> for Asked {
    fn from(question: Question) -> Self {
        let (asked_by, asked_at) = question.asked;
        let (answer, answered_by, answered_at) = match question.answer {
            Some((text, by, at)) => (Some(text), Some(by), Some(at)),
            None => (None, None, None),
        };
        Self {
            id: question.id,
            provider: question.provider,
            rule: question.rule,
            question: question.question,
            asked_by,
            asked_at,
            answer,
            answered_by,
            answered_at,
        }
    }
}

/// Every question.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Questions {
    /// The open ones first, then the newest.
    questions: Vec<Asked>,
}

/// Questions to providers
#[utoipa::path(
    get, path = "/api/v1/quality/questions", operation_id = "list_questions", tag = QUALITY,
    responses((status = 200, description = "Every question with its answer.", body = Questions), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn questions(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Questions>, Refused> {
    let mut reader = api.node.store.reader.acquire().await?;
    let questions = stored::questions(&mut reader, None).await?;
    Ok(Json(Questions {
        questions: questions.into_iter().map(Into::into).collect(),
    }))
}

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asking {
    provider: String,
    /// Code of the rule.
    rule: String,
    /// At most 1,000 characters, about nobody.
    question: String,
}

/// Ask a provider
#[utoipa::path(
    post, path = "/api/v1/quality/questions", operation_id = "ask_question", tag = QUALITY,
    request_body = Asking,
    responses(
        (status = 201, description = "Written down.", body = Asked),
        (status = 422, description = "It cannot be asked like this. (`quality`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn ask(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(asking): Sent<Asking>,
) -> Result<Response, Refused> {
    let store = &api.node.store;
    let about = (asking.provider.as_str(), asking.rule.as_str());
    let id = quality::ask(store, about, &asking.question, &person.name, (api.clock)()).await?;
    Ok((StatusCode::CREATED, Json(one(&api, id).await?)).into_response())
}

async fn one(api: &Api, id: i64) -> Result<Asked, Refused> {
    let mut reader = api.node.store.reader.acquire().await?;
    let question = stored::question(&mut reader, id).await?;
    let question = question.ok_or(QuestionError::Unknown(id))?;
    Ok(question.into())
}

/// What is answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answering {
    /// At most 1,000 characters, about nobody.
    pub(super) answer: String,
}

/// Write an answer down
#[utoipa::path(
    post, path = "/api/v1/quality/questions/{id}/answer", operation_id = "answer_question", tag = QUALITY,
    params(("id" = i64, Path, description = "The question's number.", minimum = 1)),
    request_body = Answering,
    responses(
        (status = 200, description = "Written down.", body = Asked),
        (status = 404, description = "There is no such question. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 422, description = "It cannot be answered like this, or is answered already. (`quality`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn answer(
    State(api): State<Api>,
    Path(id): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(answering): Sent<Answering>,
) -> Result<Json<Asked>, Refused> {
    let id = super::number(&id)
        .ok_or_else(|| Refused::not_found("This node has no question of this number."))?;
    let store = &api.node.store;
    quality::answer(
        store,
        (id, None),
        &answering.answer,
        &person.name,
        (api.clock)(),
    )
    .await?;
    Ok(Json(one(&api, id).await?))
}

/// A rule and how it is set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QualityRule)]
pub(super) struct RuleSet {
    /// Code.
    rule: &'static str,
    title: &'static str,
    severity: Severity,
    /// In the rule's own unit; null where it has none.
    #[schema(required)]
    threshold: Option<u32>,
    #[schema(required)]
    unit: Option<&'static str>,
    /// 0 while the LEP has set nothing.
    version: u32,
}

fn with(rule: &'static Rule, set: Set) -> RuleSet {
    RuleSet {
        rule: rule.code,
        title: rule.title,
        severity: set.severity,
        threshold: set.threshold,
        unit: rule.threshold.map(|(_, unit)| unit.in_words()),
        version: set.version,
    }
}

/// Every rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rules {
    rules: Vec<RuleSet>,
}

/// Rules of quality
#[utoipa::path(
    get, path = "/api/v1/quality/rules", operation_id = "list_quality_rules", tag = QUALITY,
    responses((status = 200, description = "Every rule and how it is set here.", body = Rules), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn rules(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Rules>, Refused> {
    let mut reader = api.node.store.reader.acquire().await?;
    let settings = stored::settings(&mut reader).await?;
    let rules = CATALOGUE.iter();
    Ok(Json(Rules {
        rules: rules.map(|rule| with(rule, settings.of(rule))).collect(),
    }))
}

/// How a rule shall be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    severity: Severity,
    /// A whole number in the rule's unit; left out where the rule has none.
    threshold: Option<u32>,
    /// The version that was looked at: 0 while the LEP has set nothing.
    version: u32,
}

/// Set a rule
#[utoipa::path(
    post, path = "/api/v1/quality/rules/{rule}", operation_id = "set_quality_rule", tag = QUALITY,
    params(("rule" = String, Path, description = "Code of the rule.")),
    request_body = Setting,
    responses(
        (status = 200, description = "Set.", body = RuleSet),
        (status = 404, description = "There is no such rule. (`not-found`)", body = Refused,
            content_type = "application/problem+json"),
        (status = 422, description = "It cannot be set like this. (`quality`)", body = Refused,
            content_type = "application/problem+json"),
        super::Versioned
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn set(
    State(api): State<Api>,
    Path(code): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(setting): Sent<Setting>,
) -> Result<Json<RuleSet>, Refused> {
    let rule = Rule::of(&code)
        .ok_or_else(|| Refused::not_found("There is no rule of quality of this code."))?;
    let set = Set {
        severity: setting.severity,
        threshold: setting.threshold,
        version: setting.version,
    };
    let now = (api.clock)();
    let set = quality::change(&api.node.store, rule.code, set, &person.name, now).await?;
    Ok(Json(with(rule, set)))
}

fn unfit(detail: &str) -> Refused {
    Problem::new(problem::QUALITY, super::refusal::sentence(detail)).into()
}

impl From<QuestionError> for Refused {
    fn from(error: QuestionError) -> Self {
        match error {
            QuestionError::Store(error) => error.into(),
            QuestionError::Unknown(_) => {
                Self::not_found("This node has no question of this number.")
            }
            error => unfit(&error.to_string()),
        }
    }
}

impl From<ChangeError> for Refused {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => error.into(),
            error @ ChangeError::Meanwhile(_) => {
                let detail = super::refusal::sentence(&error.to_string());
                Problem::new(problem::CHANGED_MEANWHILE, detail).into()
            }
            error => unfit(&error.to_string()),
        }
    }
}
