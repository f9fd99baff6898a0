//! Pages for people: the public's and, behind sign-in, the operator's.
//!
//! They show what the store and the benchmark stage give and compute nothing of their own beyond
//! putting it into words. `router` has the routes, [`roles`] says who may use them, `frame` is
//! what surrounds every page; [`site`] puts the three together.

mod about;
mod acts;
mod api;
mod breakdown;
mod conflict;
mod curator;
mod definition;
mod dots;
mod entry;
mod evidence;
mod figures;
mod help;
mod home;
mod invite;
mod keys;
mod lep;
mod leps;
mod library;
mod map;
mod measure;
mod measures;
mod needs;
mod node;
mod nodes;
mod operator;
mod paging;
mod practice;
mod practice_files;
mod pretty;
mod proof;
mod questionnaires;
mod recovery;
mod revisions;
mod revoke;
mod runs;
mod shared;
mod standards;
mod statement;
mod statements;
pub(crate) mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ldsp_protocol::problem;
use ldsp_ui::oidc::{self, OpenId};
use ldsp_ui::{
    Access, Banner, Entropy, Frame, Html, Link, NavItem, Page, ProblemPage, RoleTable, Rule, Site,
    SiteError, accounts,
};

use crate::store::StoreError;
use crate::{Service, etag, receive};

pub(crate) use words::sentence;

/// The site's name, in the header and in every title.
pub const SITE_NAME: &str = "Local digital skills";

/// What tells this site's cookie apart.
const SUFFIX: &str = "national";
/// The name of the session's cookie.
pub(crate) const COOKIE: &str = "__Host-ldsp-national";

/// Why a page cannot be shown; becomes a page itself.
#[derive(Debug)]
enum Failure {
    Problem(Box<ProblemPage>),
    Store(StoreError),
}

/// Roles that change something here: who contributes, and who is whom at the sign-in service.
pub const OPERATORS: &[&str] = &["operator"];
/// Roles that see what is not for everybody: nodes that wait, contradictions, the state of the log.
pub const READERS: &[&str] = &["operator", "analyst"];

/// Roles that say what the practice library shows.
pub const CURATORS: &[&str] = &["curator"];
/// Roles that see what curators did.
pub const OF_LIBRARY: &[&str] = &["curator", "operator", "analyst"];

/// What handlers return.
type Answer = Result<Page, Failure>;

impl From<ProblemPage> for Failure {
    fn from(problem: ProblemPage) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Store(StoreError::Behind) => stopped().into_response(),
            Self::Store(error) => {
                tracing::error!(%error, "a page met trouble with the store");
                if error.is_fatal() {
                    return ProblemPage::unconfirmed().into_response();
                }
                ProblemPage::unavailable("The server cannot read its data at the moment.")
                    .into_response()
            }
        }
    }
}

/// Nothing can be stated in a log that lacks leaves.
fn stopped() -> ProblemPage {
    let kind = problem::LOG_BEHIND;
    ProblemPage::new(StatusCode::SERVICE_UNAVAILABLE, kind.code, kind.title)
        .happened("The log lacks leaves that it acknowledged, or may lack some. Nothing was changed.")
        .next("Look at the state of the log: it says what it waits for. Do this again when it takes statements.")
}

/// Every page.
fn router(service: Arc<Service>) -> Router {
    let downloads = Router::new()
        .route("/contributions.csv", get(map::csv))
        .route("/trend.csv", get(home::months_csv))
        .route("/benchmarks/{measure}/trend.csv", get(measure::trend))
        .route("/benchmarks/{measure}/groups.csv", get(measure::groups))
        .route("/benchmarks/{measure}/leps.csv", get(measure::leps))
        .route("/leps/{code}/trend.csv", get(lep::trend_csv))
        .route("/leps/{code}/figures.csv", get(lep::figures))
        .route_layer(from_fn_with_state(
            (service.clone(), etag::Basis::Figures),
            etag::conditional,
        ));
    let files = Router::new()
        .route("/practice.csv", get(practice_files::csv))
        .route("/practice.json", get(practice_files::json))
        .route_layer(from_fn_with_state(
            (service.clone(), etag::Basis::Log),
            etag::conditional,
        ));
    Router::new()
        .route("/", get(home::show))
        .route("/benchmarks", get(measures::show))
        .route("/benchmarks/{measure}", get(measure::show))
        .route("/leps", get(leps::show))
        .route("/leps/{code}", get(lep::show))
        .route("/needs", get(needs::show))
        .route("/needs/{skill}", get(needs::skill))
        .route("/practice", get(practice::list))
        .route("/practice/{node}/{seq}", get(entry::show))
        .route("/measures", get(definition::all))
        .route("/nodes", get(nodes::show))
        .route("/nodes/{node}", get(node::show))
        .route("/nodes/{node}/key.pem", get(node::key_file))
        .route("/nodes/{node}/conflicts/{seq}", get(conflict::proof))
        .route("/keys", get(keys::show))
        .route("/revisions", get(revisions::show))
        .route("/runs", get(runs::list))
        .route("/runs/{index}", get(runs::show))
        .route("/runs/{index}/figures.csv", get(runs::csv))
        .route("/statements", get(statements::show))
        .route("/statements/{index}", get(statement::show))
        .route("/shared", get(shared::show))
        .route("/shared/read", post(shared::note))
        .route("/curator", get(curator::show))
        .route("/curator/acts", get(curator::acts))
        .route(
            "/curator/{node}/{seq}",
            get(curator::ask).post(curator::say),
        )
        .route("/operator/acts", get(acts::show))
        .route("/operator/log", get(recovery::show))
        .route("/operator/invites/new", get(invite::ask).post(invite::make))
        .route("/operator/nodes", get(operator::show))
        .route("/operator/nodes/{node}/approve", post(operator::approve))
        .route(
            "/operator/nodes/{node}/revoke",
            get(revoke::ask).post(revoke::revoke),
        )
        .route("/problems", get(help::list))
        .route("/problems/{code}", get(help::show))
        .route("/api", get(api::page(&service)))
        .route("/about", get(about::about))
        .route("/accessibility", get(about::accessibility))
        .route("/privacy", get(about::privacy))
        .merge(questionnaires::router())
        .merge(downloads)
        .merge(files)
        .with_state(service)
}

/// Who may use which route of these pages.
#[must_use]
pub fn roles() -> RoleTable {
    const PUBLIC: [&str; 36] = [
        "/",
        "/contributions.csv",
        "/trend.csv",
        "/benchmarks",
        "/benchmarks/{measure}",
        "/benchmarks/{measure}/trend.csv",
        "/benchmarks/{measure}/groups.csv",
        "/benchmarks/{measure}/leps.csv",
        "/leps",
        "/leps/{code}",
        "/leps/{code}/figures.csv",
        "/leps/{code}/trend.csv",
        "/needs",
        "/needs/{skill}",
        "/practice",
        "/practice.csv",
        "/practice.json",
        "/practice/{node}/{seq}",
        "/measures",
        "/nodes",
        "/nodes/{node}",
        "/nodes/{node}/key.pem",
        // Serves everybody only what is open to everybody; `READERS` get the rest.
        "/nodes/{node}/conflicts/{seq}",
        "/keys",
        "/revisions",
        "/runs",
        "/runs/{index}",
        "/runs/{index}/figures.csv",
        "/statements",
        "/statements/{index}",
        "/problems",
        "/problems/{code}",
        "/api",
        "/about",
        "/accessibility",
        "/privacy",
    ];
    let public = PUBLIC.map(|path| Rule::get(path, Access::Public));
    let own = [
        Rule::get("/shared", Access::SignedIn),
        Rule::post("/shared/read", Access::SignedIn),
        Rule::get("/curator", Access::Roles(OF_LIBRARY)),
        Rule::get("/curator/acts", Access::Roles(OF_LIBRARY)),
        Rule::get("/curator/{node}/{seq}", Access::Roles(OF_LIBRARY)),
        Rule::post("/curator/{node}/{seq}", Access::Roles(CURATORS)),
        Rule::get("/operator/acts", Access::Roles(OPERATORS)),
        Rule::get(invite::PATH, Access::Roles(OPERATORS)),
        Rule::post(invite::PATH, Access::Roles(OPERATORS)),
        Rule::get("/operator/log", Access::Roles(READERS)),
        Rule::get("/operator/nodes", Access::Roles(READERS)),
        Rule::post("/operator/nodes/{node}/approve", Access::Roles(OPERATORS)),
        Rule::get("/operator/nodes/{node}/revoke", Access::Roles(OPERATORS)),
        Rule::post("/operator/nodes/{node}/revoke", Access::Roles(OPERATORS)),
    ];
    let of_questionnaires = [
        // For signed reads by nodes, too: the handler knows those.
        Rule::get("/v1/questionnaires/{name}/results", Access::Public),
        Rule::get("/api/v1/questionnaires", Access::Roles(READERS)),
        Rule::post("/api/v1/questionnaires", Access::Roles(OPERATORS)),
        Rule::get("/api/v1/questionnaires/{name}", Access::Roles(READERS)),
        Rule::get(
            "/api/v1/questionnaires/{name}/answers",
            Access::Roles(READERS),
        ),
        Rule::get(
            "/api/v1/questionnaires/{name}/answers.csv",
            Access::Roles(READERS),
        ),
        Rule::get("/api/v1/answers/{index}", Access::Roles(READERS)),
    ];
    let accounts = accounts::rules(Access::Roles(OPERATORS), Access::Roles(READERS));
    let own = own
        .into_iter()
        .chain(of_questionnaires)
        .chain(questionnaires::rules());
    RoleTable::new(public.into_iter().chain(own).chain(accounts))
}

/// The whole site at `public_origin` (`https://host[:port]`): these pages and what programs ask, behind sign-in and the table. People may also sign in by `sign_in`; `entropy` is for
/// links and second steps.
///
/// # Errors
/// The address is not an origin.
pub fn site(
    service: &Arc<Service>,
    public_origin: &str,
    banner: Option<&str>,
    sign_in: Option<OpenId>,
    entropy: Entropy,
) -> Result<Router, SiteError> {
    let frame = frame(banner);
    let (people, clock) = (service.store.clone(), service.clock.clone());
    let mut site = Site::new(frame, public_origin, people.clone(), clock)?
        .cookie_suffix(SUFFIX)?
        .phones(service.phones.clone())
        .roles(roles().and(receive::rules()))
        .accounts(people, entropy, Access::Roles(OPERATORS));
    if let Some(sign_in) = sign_in {
        site = site.sign_in_service(sign_in);
    }
    let site = site.programs(receive::for_people(service.clone()));
    Ok(site.router(router(service.clone()), receive::router(service.clone())))
}

/// What surrounds every page; `banner` is a sentence across all of them, for a demonstration.
#[must_use]
fn frame(banner: Option<&str>) -> Frame {
    let mut frame = Frame::new(SITE_NAME);
    frame.tagline = "Figures and practice of the Local Digital Skills Partnerships".into();
    frame.nav = vec![
        NavItem::public("Home", "/"),
        NavItem::section(
            "Benchmarks",
            [
                NavItem::public("Latest figures", "/benchmarks"),
                NavItem::public("How measures are defined", "/measures"),
                NavItem::public("Runs", "/runs"),
            ],
        ),
        NavItem::public("Areas", "/leps"),
        NavItem::public("Needs", "/needs"),
        NavItem::public("Practice", "/practice"),
        NavItem::section(
            "Who contributes",
            [
                NavItem::public("Areas\u{2019} nodes", "/nodes"),
                NavItem::public("Signed statements", "/statements"),
                NavItem::public("Withdrawn and published again", "/revisions"),
                NavItem::public("Keys", "/keys"),
            ],
        ),
        NavItem::public("About", "/about"),
        NavItem::signed_in("Shared with you", "/shared"),
        NavItem::section(
            "Operate",
            [
                NavItem::signed_in("Questionnaires", "/questionnaires"),
                NavItem::signed_in("Look after the library", "/curator"),
                NavItem::signed_in("Manage nodes", "/operator/nodes"),
                NavItem::signed_in("State of the log", "/operator/log"),
                NavItem::signed_in("People", "/people").covering("/operator/acts"),
                NavItem::signed_in("Accounts elsewhere", oidc::PEOPLE),
            ],
        ),
    ];
    frame.banners = banner.map(Banner::illustrative).into_iter().collect();
    frame.footer_links = vec![
        Link::new("About these figures", "/about"),
        Link::new("How measures are defined", "/measures"),
        Link::new("Benchmark runs", "/runs"),
        Link::new("Signed statements", "/statements"),
        Link::new("Withdrawn and published again", "/revisions"),
        Link::new("Keys of the areas", "/keys"),
        Link::new("Accessibility", "/accessibility"),
        Link::new("Privacy and cookies", "/privacy"),
        Link::new("API", "/api"),
        Link::new("Messages and what to do", "/problems"),
    ];
    frame.footer_note = Html::text(
        "Every figure is an estimate with noise added for privacy and is shown with its interval and coverage. \
         Boundaries and names: Office for National Statistics and Department for Education, Open Government Licence v3.0.",
    );
    frame.people_sign_in = true;
    frame
}
