//! The node's JSON interface: `/api/v1/` for the LEP's own people and systems, `/v1/` and `/health/` for everybody's programs.
//!
//! Handlers parse the address, call the functions that pages and the command line call, and translate; they decide nothing.
//! [`described`] holds every route with its description; [`rules`] says who may use it; `/openapi.json` is generated from
//! the first, and a test holds the three together.

mod context;
mod demand;
mod doubles;
mod enrolment;
mod exchange;
mod feed;
mod feeds;
mod gathering;
mod ilr;
mod imports;
pub(crate) mod learners;
mod lep;
mod machine;
mod mappings;
mod model;
mod names;
mod needs;
mod own_services;
mod people;
mod practice;
mod provider;
mod quality;
mod questionnaires;
mod refusal;
mod releases;
mod rights;
mod sent;
mod statements;
mod status;
#[cfg(test)]
mod tests;
mod work;

pub(crate) use context::Figures;
pub(crate) use demand::Sums;
pub(crate) use doubles::Alike;
pub(crate) use gathering::Places;
pub(crate) use own_services::OwnService;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use axum::routing::get;
use jiff::Timestamp;
use ldsp_protocol::problem::Problem;
use ldsp_ui::api::{Limit, entity_tag, public_reads};
use ldsp_ui::{Access, Rule, refusals};
use serde::Deserialize;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoParams, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::pages::{
    self, ADMIN, APPROVER, COORDINATOR, KEEPERS, LEP, PROVIDER, READERS, STAFF, Settings, WORKERS,
};
use crate::store::StoreError;
use refusal::Refused;

const NODE: &str = "The node";
const IMPORTS: &str = "Imports";
const RELEASES: &str = "Releases";
const PEOPLE: &str = "People";
const PROGRAMMES: &str = "Programmes";
const NEEDS: &str = "Needs";
const PUBLISHED_NEEDS: &str = "Published needs";
const PROVISION: &str = "Provision";
const PROVIDERS: &str = "For providers";
const PRACTICE: &str = "Practice";
const QUALITY: &str = "Quality";
const EXCHANGE: &str = "Exchange";
const GATHERING: &str = "Gathering";
const CONTEXT: &str = "England\u{2019}s figures";
const QUESTIONNAIRES: &str = "Questionnaires";
const STATEMENTS: &str = "Statements";
const RIGHTS: &str = "Rights and retention";
const MACHINE: &str = "For everybody's programs";
const HEALTH: &str = "Health";

/// What handlers share, with the pages.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) settings: Arc<Settings>,
    /// `https://host[:port]`, for links.
    pub(crate) origin: Arc<str>,
}

impl std::ops::Deref for Api {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "LDSP node",
        description = "The server of one Local Enterprise Partnership. Its own people and systems import files, prepare and approve releases, and \
                       see how publishing stands; a person's role decides, as on the pages. Send a token of a person (`Authorization: Bearer`, \
                       made on the page /account), or a name and secret as HTTP Basic where the person has no second step, or the session cookie of the \
                       pages.\n\nNumbers of rows are exact: they are for the LEP's own people, and must not be \
                       shared. Figures of releases are protected. Nothing here tells a learner, but what is asked for in a learner\u{2019}s name.\n\nA refusal is a problem (RFC 9457) whose type is \
                       the address of a page that says what to do.",
    ),
    tags(
        (name = NODE), (name = IMPORTS), (name = PROGRAMMES), (name = NEEDS), (name = PROVISION), (name = PROVIDERS), (name = RELEASES), (name = PRACTICE), (name = QUALITY), (name = EXCHANGE, description = "Who collects what, and files from and for the Skills Advisory Panel."), (name = GATHERING, description = "What is known of demand and provision, what is missing, and who is to bring it."), (name = CONTEXT, description = "What others published about the area, its districts, its region and England."), (name = QUESTIONNAIRES, description = "What the national operators ask this LEP, and what it answers."), (name = PUBLISHED_NEEDS, description = "What is asked for and what is offered in the area, as everybody may read it."), (name = STATEMENTS),
        (name = PEOPLE, description = "Who signs in, and as what. Nobody learns or sets another person\u{2019}s secret here."),
        (name = RIGHTS, description = "What learners may ask for, how long records are kept, and who did what."),
        (name = MACHINE, description = "Public and without secrets, so that an auditor can compare this node with the log."),
        (name = HEALTH, description = "For load balancers and service managers.")
    ),
    components(schemas(Problem)),
)]
struct Document;

refusals! {
    struct ReadPublic: PARAMETER;
    struct ReadOpen: PARAMETER, NOT_FOUND;
    struct ReadPublished: PARAMETER, SIGN_IN, NOT_FOUND;
    struct ReadEnvelope: PARAMETER, SIGN_IN, NOT_FOUND, WITHDRAWN;
    struct Read: PARAMETER, SIGN_IN, ROLE;
    struct SaysOfIlr: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, MAPPING;
    struct ReadOne: PARAMETER, SIGN_IN, ROLE, NOT_FOUND;
    struct GivesItem: PARAMETER, SIGN_IN, ROLE, NOT_FOUND, NO_ITEM, RELEASE;
    struct ReadList: PARAMETER, CURSOR, SIGN_IN, ROLE;
    struct TakesFile: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, IMPORT_BUSY, FILE_TOO_LARGE, UNSUPPORTED;
    struct TakesJson: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED;
    struct ReadsDue: PARAMETER, SIGN_IN, ROLE, RETENTION;
    struct Deletes: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, RETENTION;
    struct SetsPeriod: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, RETENTION, CHANGED_MEANWHILE, FORM;
    struct Maps: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, FORM, CHANGED_MEANWHILE;
    struct Versioned: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, CHANGED_MEANWHILE;
    struct Enrols: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, ENROLMENT;
    struct AsksLog: PARAMETER, SIGN_IN, ROLE, ORIGIN, TIMEOUT, ENROLMENT;
    struct Forgets: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT;
    struct Revises: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED, WITHDRAWAL, CORRECTION;
    struct Keeps: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED, CHANGED_MEANWHILE, VERSION_NEEDED;
    struct Removes: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, CHANGED_MEANWHILE, VERSION_NEEDED;
    struct Invites: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, FORM;
    struct GivesRole: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, LAST_ADMIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, FORM;
    struct KeepsOut: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, LAST_ADMIN, OWN_ACCOUNT, TIMEOUT;
    struct EndsAll: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, OWN_ACCOUNT, TIMEOUT;
    struct Answers: PARAMETER, REQUEST, SIGN_IN, ROLE, OWN_WORK, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED, FORM, CHANGED_MEANWHILE, ANSWERING;
    struct HandsOver: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, FORM, ANSWERING;
    struct TakesBack: PARAMETER, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, ANSWERING;
    struct PreparesNeeds: PARAMETER, SIGN_IN, ROLE, ORIGIN, TIMEOUT, NEEDS_DRAFT;
    struct JudgesNeeds: PARAMETER, REQUEST, SIGN_IN, ROLE, OWN_WORK, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED, FORM, NEEDS_DRAFT;
    struct Decides: PARAMETER, REQUEST, SIGN_IN, ROLE, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED;
    struct Approves: PARAMETER, REQUEST, SIGN_IN, ROLE, OWN_WORK, ORIGIN, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED;
}

/// No parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Where the page begins: from `next` of the page before.
    cursor: Option<String>,
    /// Items of a page at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// Who may use which route of this interface.
#[must_use]
pub(crate) fn rules() -> Vec<Rule> {
    let read = |path| Rule::get(path, READERS);
    let public = |path| Rule::get(path, Access::Public);
    let kept = [
        ["/api/v1/programmes", "/api/v1/programmes/{id}"],
        ["/api/v1/cohorts", "/api/v1/cohorts/{id}"],
        ["/api/v1/spend", "/api/v1/spend/{id}"],
        ["/api/v1/demand/words", "/api/v1/demand/words/{id}"],
        ["/api/v1/services", "/api/v1/services/{id}"],
        ["/api/v1/data-items", "/api/v1/data-items/{id}"],
        ["/api/v1/gathering/tasks", "/api/v1/gathering/tasks/{id}"],
    ];
    let kept = kept.into_iter().flat_map(|[all, one]| {
        let write = [
            Rule::post(all, COORDINATOR),
            Rule::put(one, COORDINATOR),
            Rule::delete(one, COORDINATOR),
        ];
        [all, one]
            .map(|path| Rule::get(path, READERS))
            .into_iter()
            .chain(write)
    });
    let mut rules = vec![
        Rule::get("/api/v1/status", LEP),
        Rule::get("/api/v1/imports", STAFF),
        Rule::post("/api/v1/imports/learners", COORDINATOR),
        Rule::post("/api/v1/imports/programmes", COORDINATOR),
        Rule::post("/api/v1/imports/demand", COORDINATOR),
        Rule::post("/api/v1/imports/services", COORDINATOR),
        Rule::post("/api/v1/imports/vacancies", COORDINATOR),
        Rule::post("/api/v1/imports/survey", COORDINATOR),
        Rule::post("/api/v1/imports/postcodes", KEEPERS),
        Rule::get("/api/v1/mappings", STAFF),
        Rule::post("/api/v1/mappings", COORDINATOR),
        Rule::post("/api/v1/mappings/{name}/remove", COORDINATOR),
        Rule::post("/api/v1/imports/ilr", COORDINATOR),
        Rule::get("/api/v1/work/{id}", WORKERS),
        Rule::delete("/api/v1/work/{id}", WORKERS),
        Rule::get("/api/v1/ilr/mappings", COORDINATOR),
        Rule::post("/api/v1/ilr/providers", COORDINATOR),
        Rule::post("/api/v1/ilr/aims", COORDINATOR),
        Rule::post("/api/v1/ilr/aims/remove", COORDINATOR),
        Rule::post("/api/v1/ilr/codes", COORDINATOR),
        read("/api/v1/releases"),
        Rule::get("/api/v1/lep", LEP),
        Rule::put("/api/v1/lep", ADMIN),
        Rule::get("/api/v1/enrolment", LEP),
        Rule::post("/api/v1/enrolment", ADMIN),
        Rule::post("/api/v1/enrolment/ask", ADMIN),
        Rule::post("/api/v1/releases", COORDINATOR),
        Rule::post("/api/v1/releases/preview", STAFF),
        read("/api/v1/releases/{period}"),
        read("/api/v1/releases/{period}/payload"),
        Rule::post("/api/v1/releases/{period}/approve", APPROVER),
        Rule::post("/api/v1/releases/{period}/refuse", APPROVER),
        read("/api/v1/gathering"),
        read("/api/v1/context"),
        read("/api/v1/demand/summary"),
        read("/api/v1/feeds"),
        Rule::post("/api/v1/feeds", COORDINATOR),
        read("/api/v1/feeds/{id}"),
        read("/api/v1/services/doubles"),
        Rule::post("/api/v1/services/{id}/merge", COORDINATOR),
        Rule::post("/api/v1/services/{id}/part", COORDINATOR),
        Rule::post("/api/v1/services/{id}/differ", COORDINATOR),
        read("/api/v1/exchange/overlap"),
        read("/api/v1/exchange/export/{item}"),
        Rule::post("/api/v1/exchange/files", COORDINATOR),
        read("/api/v1/questionnaires"),
        read("/api/v1/questionnaires/{name}"),
        Rule::put("/api/v1/questionnaires/{name}/answers", COORDINATOR),
        Rule::post("/api/v1/questionnaires/{name}/hand-over", COORDINATOR),
        Rule::post("/api/v1/questionnaires/{name}/take-back", COORDINATOR),
        Rule::post("/api/v1/questionnaires/{name}/release", APPROVER),
        Rule::post("/api/v1/questionnaires/{name}/send-back", APPROVER),
        read("/api/v1/questionnaires/{name}/results"),
        read("/api/v1/needs"),
        Rule::post("/api/v1/needs", COORDINATOR),
        read("/api/v1/needs/{id}"),
        Rule::post("/api/v1/needs/{id}/approve", APPROVER),
        Rule::post("/api/v1/needs/{id}/refuse", APPROVER),
        read("/api/v1/practice"),
        read("/api/v1/practice/{id}"),
        Rule::get("/api/v1/quality", STAFF),
        Rule::get("/api/v1/quality/questions", STAFF),
        Rule::post("/api/v1/quality/questions", COORDINATOR),
        Rule::post("/api/v1/quality/questions/{id}/answer", COORDINATOR),
        Rule::get("/api/v1/quality/rules", STAFF),
        Rule::post("/api/v1/quality/rules/{rule}", COORDINATOR),
        read("/api/v1/statements"),
        Rule::post("/api/v1/statements/{seq}/withdraw", APPROVER),
        Rule::post("/api/v1/statements/{seq}/reissue", APPROVER),
        Rule::post("/api/v1/rights/access", pages::RIGHTS),
        Rule::post("/api/v1/rights/preview", pages::RIGHTS),
        Rule::post("/api/v1/rights/erase", pages::RIGHTS),
        Rule::get("/api/v1/retention", STAFF),
        Rule::post("/api/v1/retention", COORDINATOR),
        Rule::get("/api/v1/retention/period", pages::AUDITS),
        Rule::put("/api/v1/retention/period", pages::RETAINS),
        Rule::get("/api/v1/audit", pages::AUDITS),
        Rule::get("/api/v1/audit/check", pages::AUDITS),
        public("/services"),
        public("/services/{id}"),
        public("/v1/node"),
        public("/v1/standard"),
        public("/v1/statements/{seq}"),
        public("/v1/statements/{seq}/receipt"),
        public("/health/live"),
        public("/health/ready"),
        public("/openapi.json"),
    ];
    rules.extend(kept);
    // Its numbers are exact.
    let [all, one] = ["/api/v1/demand", "/api/v1/demand/{id}"];
    rules.extend([
        Rule::post(all, COORDINATOR),
        Rule::put(one, COORDINATOR),
        Rule::delete(one, COORDINATOR),
    ]);
    rules.extend([all, one].map(|path| Rule::get(path, STAFF)));
    let [all, one] = ["/api/v1/organisations", "/api/v1/organisations/{id}"];
    rules.extend([
        Rule::post(all, KEEPERS),
        Rule::put(one, KEEPERS),
        Rule::delete(one, KEEPERS),
    ]);
    rules.extend([all, one].map(|path| Rule::get(path, LEP)));
    rules.extend([
        Rule::get("/api/v1/provider/cohorts", PROVIDER),
        Rule::get("/api/v1/provider/learners", PROVIDER),
        Rule::post("/api/v1/provider/learners", PROVIDER),
        Rule::get("/api/v1/provider/learners/{id}", PROVIDER),
        Rule::delete("/api/v1/provider/learners/{id}", PROVIDER),
        Rule::post("/api/v1/provider/learners/{id}/outcome", PROVIDER),
        Rule::post("/api/v1/provider/learners/{id}/correct", PROVIDER),
        Rule::post("/api/v1/provider/cohorts/{id}/learners", PROVIDER),
        Rule::post("/api/v1/provider/answers", PROVIDER),
        Rule::get("/api/v1/provider/due", PROVIDER),
        Rule::get("/api/v1/provider/services", PROVIDER),
        Rule::get("/api/v1/provider/services/{id}", PROVIDER),
        Rule::post("/api/v1/provider/services/{id}/assure", PROVIDER),
        Rule::get("/api/v1/provider/questions", PROVIDER),
        Rule::post("/api/v1/provider/questions/{id}/answer", PROVIDER),
        Rule::get("/api/v1/provider/mappings", PROVIDER),
        Rule::post("/api/v1/provider/mappings", PROVIDER),
        Rule::post("/api/v1/provider/mappings/{name}/remove", PROVIDER),
        Rule::get("/api/v1/provider-names", KEEPERS),
        Rule::post("/api/v1/provider-names", KEEPERS),
        Rule::get("/api/v1/people", LEP),
        Rule::post("/api/v1/people", ADMIN),
        Rule::post("/api/v1/people/{name}/role", ADMIN),
        Rule::post("/api/v1/people/{name}/link", ADMIN),
        Rule::post("/api/v1/people/{name}/lock", ADMIN),
        Rule::post("/api/v1/people/{name}/unlock", ADMIN),
        Rule::post("/api/v1/people/{name}/remove", ADMIN),
    ]);
    rules
}

/// Every route with its description.
fn described() -> OpenApiRouter<Api> {
    let own = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status::status))
        .routes(routes!(lep::show, lep::choose))
        .routes(routes!(enrolment::show, enrolment::enrol))
        .routes(routes!(enrolment::ask))
        .routes(routes!(imports::list))
        .routes(routes!(imports::files::learners))
        .routes(routes!(imports::files::programmes))
        .routes(routes!(imports::files::demand))
        .routes(routes!(imports::files::services))
        .routes(routes!(imports::files::vacancies))
        .routes(routes!(imports::files::survey))
        .routes(routes!(imports::files::postcodes))
        .routes(routes!(provider::cohorts))
        .routes(routes!(learners::list, provider::learners))
        .routes(routes!(learners::show, learners::take_back))
        .routes(routes!(learners::outcome))
        .routes(routes!(learners::correct))
        .routes(routes!(learners::add))
        .routes(routes!(learners::answers))
        .routes(routes!(learners::due))
        .routes(routes!(own_services::list))
        .routes(routes!(own_services::show))
        .routes(routes!(own_services::assure))
        .routes(routes!(provider::questions))
        .routes(routes!(provider::answer))
        .routes(routes!(provider::mappings, provider::remember_mapping))
        .routes(routes!(provider::forget_mapping))
        .routes(routes!(
            model::organisations::list,
            model::organisations::add
        ))
        .routes(routes!(
            model::organisations::show,
            model::organisations::set,
            model::organisations::remove
        ))
        .routes(routes!(model::programmes::list, model::programmes::add))
        .routes(routes!(
            model::programmes::show,
            model::programmes::set,
            model::programmes::remove
        ))
        .routes(routes!(model::cohorts::list, model::cohorts::add))
        .routes(routes!(
            model::cohorts::show,
            model::cohorts::set,
            model::cohorts::remove
        ))
        .routes(routes!(model::spend::list, model::spend::add))
        .routes(routes!(
            model::spend::show,
            model::spend::set,
            model::spend::remove
        ))
        .routes(routes!(model::demand::list, model::demand::add))
        .routes(routes!(
            model::demand::show,
            model::demand::set,
            model::demand::remove
        ))
        .routes(routes!(model::words::list, model::words::add))
        .routes(routes!(
            model::words::show,
            model::words::set,
            model::words::remove
        ))
        .routes(routes!(model::services::list, model::services::add))
        .routes(routes!(
            model::services::show,
            model::services::set,
            model::services::remove
        ))
        .routes(routes!(model::data_items::list, model::data_items::add))
        .routes(routes!(
            model::data_items::show,
            model::data_items::set,
            model::data_items::remove
        ))
        .routes(routes!(
            model::gathering_tasks::list,
            model::gathering_tasks::add
        ))
        .routes(routes!(
            model::gathering_tasks::show,
            model::gathering_tasks::set,
            model::gathering_tasks::remove
        ))
        .routes(routes!(gathering::board))
        .routes(routes!(context::figures))
        .routes(routes!(demand::summary))
        .routes(routes!(feeds::list, feeds::pull))
        .routes(routes!(feeds::show))
        .routes(routes!(doubles::list))
        .routes(routes!(doubles::merge))
        .routes(routes!(doubles::part))
        .routes(routes!(doubles::differ))
        .routes(routes!(exchange::overlap))
        .routes(routes!(exchange::export))
        .routes(routes!(exchange::take))
        .routes(routes!(mappings::list, mappings::remember))
        .routes(routes!(mappings::forget))
        .routes(routes!(imports::files::ilr))
        .routes(routes!(work::show, work::cancel))
        .routes(routes!(ilr::mappings))
        .routes(routes!(ilr::provider))
        .routes(routes!(ilr::aim))
        .routes(routes!(ilr::remove))
        .routes(routes!(ilr::code))
        .routes(routes!(releases::list, releases::prepare))
        .routes(routes!(releases::preview))
        .routes(routes!(releases::show))
        .routes(routes!(releases::payload))
        .routes(routes!(releases::approve))
        .routes(routes!(releases::refuse))
        .routes(routes!(practice::list))
        .routes(routes!(practice::show))
        .routes(routes!(questionnaires::list))
        .routes(routes!(questionnaires::show))
        .routes(routes!(questionnaires::answer))
        .routes(routes!(questionnaires::hand_over))
        .routes(routes!(questionnaires::take_back))
        .routes(routes!(questionnaires::release))
        .routes(routes!(questionnaires::send_back))
        .routes(routes!(questionnaires::results))
        .routes(routes!(needs::list, needs::prepare))
        .routes(routes!(needs::show))
        .routes(routes!(needs::approve))
        .routes(routes!(needs::refuse))
        .routes(routes!(quality::show))
        .routes(routes!(quality::questions, quality::ask))
        .routes(routes!(quality::answer))
        .routes(routes!(quality::rules))
        .routes(routes!(quality::set))
        .routes(routes!(statements::list))
        .routes(routes!(statements::withdraw))
        .routes(routes!(statements::reissue))
        .routes(routes!(names::list, names::change))
        .routes(routes!(people::list, people::invite))
        .routes(routes!(people::give_role))
        .routes(routes!(people::link))
        .routes(routes!(people::lock))
        .routes(routes!(people::unlock))
        .routes(routes!(people::remove))
        .routes(routes!(rights::access))
        .routes(routes!(rights::preview))
        .routes(routes!(rights::erase))
        .routes(routes!(rights::due, rights::retain))
        .routes(routes!(rights::period, rights::set_period))
        .routes(routes!(rights::audit))
        .routes(routes!(rights::check))
        .layer(from_fn(entity_tag));
    let public = OpenApiRouter::new()
        .routes(routes!(machine::node))
        .routes(routes!(machine::standard))
        .routes(routes!(statements::envelope))
        .routes(routes!(statements::receipt))
        .routes(routes!(feed::list))
        .routes(routes!(feed::show))
        .layer(from_fn(entity_tag))
        .routes(routes!(machine::live))
        .routes(routes!(machine::ready))
        .layer(from_fn(public_reads));
    own.merge(public)
}

/// The OpenAPI 3.1 document of this interface; `cookie` is the name of the session's.
#[must_use]
pub(crate) fn document(cookie: &str) -> OpenApi {
    let mut document = described().into_openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "secret",
        SecurityScheme::Http(
            Http::builder()
                .scheme(HttpAuthScheme::Basic)
                .description(Some("Name and secret of a person of this node."))
                .build(),
        ),
    );
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(
            Http::builder()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "A token that a person of this node made on the page /account. It may do what the person may.",
                ))
                .build(),
        ),
    );
    let session = ApiKeyValue::with_description(cookie, "The session of the pages.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    opened(&document)
}

/// The document with parts of `allOf` open: what is flattened into a row is one object with the row’s own members, and a part that
/// allows no others would refuse them. Bodies that are sent stay closed.
fn opened(document: &OpenApi) -> OpenApi {
    fn open(value: &mut serde_json::Value) {
        if let Some(parts) = value.get_mut("allOf").and_then(|all| all.as_array_mut()) {
            let parts = parts.iter_mut().filter_map(|part| part.as_object_mut());
            parts.for_each(|part| drop(part.remove("additionalProperties")));
        }
        match value {
            serde_json::Value::Object(members) => members.values_mut().for_each(open),
            serde_json::Value::Array(items) => items.iter_mut().for_each(open),
            _ => {}
        }
    }
    let mut value =
        serde_json::to_value(document).expect("the document holds strings, numbers and lists only");
    open(&mut value);
    serde_json::from_value(value).expect("it was a document before members were taken out")
}

/// The routes, to be put behind [`rules`] by [`crate::pages::site`].
pub(crate) fn router(api: Api, document: &OpenApi) -> Router {
    let text: Arc<str> = document
        .to_json()
        .expect("the document holds strings, numbers and lists only")
        .into();
    let openapi = get(async move || {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (kind, text.to_string()).into_response()
    });
    let openapi = Router::new()
        .route("/openapi.json", openapi)
        .layer(from_fn(entity_tag))
        .layer(from_fn(public_reads));
    Router::from(described()).with_state(api).merge(openapi)
}

/// A number in an address: whole, from 1, written as numbers are.
pub(crate) fn number(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// A stored moment.
fn moment(second: i64) -> Result<Timestamp, Refused> {
    Timestamp::from_second(second).map_err(|error| {
        tracing::error!(second, %error, "a stored moment is damaged");
        StoreError::Database(sqlx::Error::Decode(Box::new(error))).into()
    })
}
