//! What is said of ILRs.

use axum::Json;
use axum::extract::State;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, IMPORTS, Nothing, Refused};
use crate::import::ilr::mapping::{self, AimSaid, MappingError};
use crate::store::ilr::{AimRule, CodeRule};

impl From<MappingError> for Refused {
    fn from(error: MappingError) -> Self {
        if let MappingError::Store(error) = error {
            return error.into();
        }
        let mut problem = Problem::new(problem::MAPPING, format!("`{}`: {error}.", error.field()));
        problem.next = error.next().to_owned();
        problem.into()
    }
}

/// Whose the files of a UKPRN are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    /// UK provider reference number, eight digits.
    #[schema(minimum = 10_000_000, maximum = 99_999_999)]
    ukprn: u32,
    /// The provider's name, as other files give it.
    provider: String,
}

/// What a learning aim is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Aim {
    /// The aim, or its beginning and `*`.
    aim: String,
    /// Only of this provider.
    #[serde(default)]
    ukprn: Option<u32>,
    /// Only under this funding model.
    #[serde(default)]
    #[schema(maximum = 255)]
    fund_model: Option<u8>,
    /// Whether it teaches digital skills; if not, its learners are left out and the three below are not looked at.
    digital: bool,
    /// Code of the programme.
    #[serde(default)]
    programme: Option<String>,
    /// Skill of the data standard.
    #[serde(default)]
    skill: Option<String>,
    /// Mode of delivery.
    #[serde(default)]
    mode: Option<String>,
}

/// Which line of the list of aims.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AimKey {
    /// The aim, or its beginning and `*`.
    aim: String,
    /// As in the list.
    #[serde(default)]
    ukprn: Option<u32>,
    /// As in the list.
    #[serde(default)]
    #[schema(maximum = 255)]
    fund_model: Option<u8>,
}

/// How a code is read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Code {
    /// Field of the ILR.
    field: String,
    /// The code, or codes that are read together.
    code: String,
    /// Id in the data standard.
    value: String,
    /// In words.
    meaning: String,
}

/// How a code shall be read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeSaid {
    /// Ethnicity, Sex, LLDDHealthProb, EmpStat, CompStatus, WithdrawReason or DPOutcome.
    field: String,
    /// The code, as the list writes it.
    code: String,
    /// Id or title in the data standard.
    value: String,
}

/// Everything that was said of ILRs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IlrMappings {
    providers: Vec<Provider>,
    aims: Vec<Aim>,
    codes: Vec<Code>,
}

impl From<AimRule> for Aim {
    fn from(rule: AimRule) -> Self {
        let digital = rule.taught.is_some();
        let (programme, skill, mode) = match rule.taught {
            Some(t) => (Some(t.programme), Some(t.skill), Some(t.mode)),
            None => (None, None, None),
        };
        Self {
            aim: rule.aim,
            ukprn: rule.ukprn,
            fund_model: rule.fund_model,
            digital,
            programme,
            skill,
            mode,
        }
    }
}

impl From<CodeRule> for Code {
    fn from(rule: CodeRule) -> Self {
        Self {
            field: rule.field,
            code: rule.code,
            value: rule.value,
            meaning: rule.meaning,
        }
    }
}

async fn all(api: &Api) -> Result<Json<IlrMappings>, Refused> {
    let mappings = api.node.store.ilr_mappings().await?;
    let providers = mappings.providers.into_iter();
    Ok(Json(IlrMappings {
        providers: providers
            .map(|(ukprn, provider)| Provider { ukprn, provider })
            .collect(),
        aims: mappings.aims.into_iter().map(Aim::from).collect(),
        codes: mappings.codes.into_iter().map(Code::from).collect(),
    }))
}

fn text(number: Option<impl ToString>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

/// What is said of ILRs
///
/// Whose files are whose, what aims are, how codes are read.
#[utoipa::path(
    get, path = "/api/v1/ilr/mappings", operation_id = "ilr_mappings", tag = IMPORTS,
    responses((status = 200, description = "All of it.", body = IlrMappings), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn mappings(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<IlrMappings>, Refused> {
    all(&api).await
}

/// Say whose files are whose
#[utoipa::path(
    post, path = "/api/v1/ilr/providers", operation_id = "say_ilr_provider", tag = IMPORTS,
    request_body = Provider,
    responses((status = 200, description = "Done; all that is said now.", body = IlrMappings), super::SaysOfIlr),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn provider(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(said): Sent<Provider>,
) -> Result<Json<IlrMappings>, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let number = said.ukprn.to_string();
    mapping::say_provider(store, &number, &said.provider, &person.name, now).await?;
    all(&api).await
}

/// Say what an aim is
#[utoipa::path(
    post, path = "/api/v1/ilr/aims", operation_id = "say_ilr_aim", tag = IMPORTS,
    request_body = Aim,
    responses((status = 200, description = "Done; all that is said now.", body = IlrMappings), super::SaysOfIlr),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn aim(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(said): Sent<Aim>,
) -> Result<Json<IlrMappings>, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let said = AimSaid {
        aim: said.aim,
        ukprn: text(said.ukprn),
        fund_model: text(said.fund_model),
        digital: said.digital,
        programme: said.programme.unwrap_or_default(),
        skill: said.skill.unwrap_or_default(),
        mode: said.mode.unwrap_or_default(),
    };
    mapping::say_aim(store, &said, &person.name, now).await?;
    all(&api).await
}

/// Take back what was said of an aim
#[utoipa::path(
    post, path = "/api/v1/ilr/aims/remove", operation_id = "unsay_ilr_aim", tag = IMPORTS,
    request_body = AimKey,
    responses((status = 200, description = "Done; all that is said now.", body = IlrMappings), super::SaysOfIlr),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn remove(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(key): Sent<AimKey>,
) -> Result<Json<IlrMappings>, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let said = AimSaid {
        aim: key.aim,
        ukprn: text(key.ukprn),
        fund_model: text(key.fund_model),
        ..AimSaid::default()
    };
    mapping::unsay_aim(store, &said, &person.name, now).await?;
    all(&api).await
}

/// Say how a code is read
#[utoipa::path(
    post, path = "/api/v1/ilr/codes", operation_id = "say_ilr_code", tag = IMPORTS,
    request_body = CodeSaid,
    responses((status = 200, description = "Done; all that is said now.", body = IlrMappings), super::SaysOfIlr),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn code(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(said): Sent<CodeSaid>,
) -> Result<Json<IlrMappings>, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let (field, code, value) = (&said.field, &said.code, &said.value);
    mapping::say_code(store, field, code, value, &person.name, now).await?;
    all(&api).await
}
