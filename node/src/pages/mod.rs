//! The node's pages. Everything but sign-in and the documentation of its interface for programs is for signed-in people of the LEP: exact counts of learners appear here,
//! marked "exact: do not share", and nowhere else.
//!
//! [`site`] gives the whole site; [`rules`] and [`frame`] are its parts.

mod audit;
mod context;
mod demand;
mod exchange;
mod federation;
mod gathering;
mod held;
mod help;
mod home;
mod home_tasks;
mod ilr;
mod ilr_forms;
mod import;
mod import_map;
mod import_map_columns;
mod import_map_forms;
mod import_mappings;
mod lep;
mod library;
mod model;
mod names;
mod needs;
mod postcodes;
mod practice;
mod practice_figures;
mod practice_form;
mod practice_problems;
mod practice_sheet;
mod practice_view;
mod preview;
mod privacy;
mod problems;
mod provider;
mod quality;
mod quality_rules;
mod questionnaires;
mod release_report;
mod release_table;
mod release_view;
mod release_word;
mod releases;
mod retention;
mod rights;
mod sample;
mod statements;
pub(crate) mod upload;
mod veil;
mod work;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ldsp_protocol::ids::Gss;
use ldsp_ui::components::{Notification, Tag, TagColour};
use ldsp_ui::oidc::{self, OpenId};
use ldsp_ui::{
    Access, AskLive, Banner, Frame, Html, Link, Live, NavItem, Page, ProblemPage, RoleTable, Rule,
    SignedIn, Site, SiteError,
};
use utoipa::openapi::OpenApi;

use crate::api::{self, Api};
use crate::home::Node;
use crate::practice::PracticeError;
use crate::release::ReleaseError;
use crate::revision::RevisionError;
use crate::rights::{self as kept_rights, Policy};
use crate::store::StoreError;
use crate::submit::ReadError;
use crate::work::Works;
use crate::{Clock, Entropy, words};

pub use federation::{AskHow, UseInvite};
pub(crate) use import::{LARGEST, LARGEST_OF_PROVIDER};
pub use library::{ReadPeers, peers_over_https};
pub(crate) use postcodes::LARGEST_DIRECTORY;
pub(crate) use work::begin_release;

/// What the pages need. The caller makes it; nothing here reads clock or randomness by itself.
pub struct Settings {
    /// The open node.
    pub node: Node,
    /// The present.
    pub clock: Clock,
    /// What people's phones show the time by: the same but in a demonstration.
    pub phones: Clock,
    /// Randomness: a month's noise, names of temporary files.
    pub entropy: Entropy,
    /// The LEP's own, smaller privacy budget in millionths of zCDP rho.
    pub rho_micro: Option<u64>,
    /// How long records are kept, as the configuration says; `None`: as people set it on the page. `Settings::policy` is what holds.
    pub retention: Option<Policy>,
    /// Hosts of feeds that may lie in a private network.
    pub feed_hosts: Vec<String>,
    /// What is under way: imports and releases that are being prepared.
    pub works: Works,
    /// Reads what only enrolled nodes may see; see [`peers_over_https`].
    pub peers: ReadPeers,
    /// Uses an invite.
    pub enrol: UseInvite,
    /// Asks the aggregator how the node stands.
    pub ask: AskHow,
    /// The same before something is drawn or signed, so that a node restored from an old backup
    /// does neither. Best effort: without an answer the last one holds.
    pub before_signing: Arc<dyn Fn() -> Boxed<()> + Send + Sync>,
    /// Called after a statement was queued, so that the submitter need not wait for its next turn.
    pub queued: Arc<dyn Fn() + Send + Sync>,
    /// A sentence for a banner on every page when the records are not real.
    pub illustrative: Option<String>,
}

impl Settings {
    /// How long records are kept; `None`: nothing goes by itself.
    pub(crate) async fn policy(&self) -> Result<Option<Policy>, StoreError> {
        kept_rights::policy(&self.node.store, self.retention.as_ref()).await
    }
}

/// Shared by all handlers.
#[derive(Clone)]
struct Pages {
    settings: Arc<Settings>,
    reports: import::Reports,
    /// Files that wait for what their sender has to say.
    held: held::Held,
}

impl Pages {
    /// The LEP, which most pages need.
    fn lep(&self) -> Result<Gss, ProblemPage> {
        self.node.chosen().ok_or_else(|| {
            refused(
                "no-lep",
                "Choose the LEP first",
                "nobody has said yet which Local Enterprise Partnership this node is of",
                "An admin chooses it on the page Choose the LEP: it is a task on the first page.",
            )
        })
    }
}

impl std::ops::Deref for Pages {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

/// A future behind a pointer.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a handler answers: a page, a redirect or a file; a refusal is a page too.
type Answer = Result<Response, ProblemPage>;

pub(crate) const ADMIN: Access = Access::Roles(&["admin"]);
pub(crate) const COORDINATOR: Access = Access::Roles(&["coordinator"]);
pub(crate) const APPROVER: Access = Access::Roles(&["approver"]);
pub(crate) const PROVIDER: Access = Access::Roles(&["provider"]);
/// Those who import files or prepare releases, an admin the postcode directory. Each sees the own ones only: `work::Works::find`.
pub(crate) const WORKERS: Access = Access::Roles(&["admin", "coordinator", "provider"]);
/// Those who see exact counts and learners' records.
pub(crate) const STAFF: Access = Access::Roles(SEE_EXACT);
/// Those who read what was released and what is about to be.
pub(crate) const READERS: Access = Access::Roles(READ);
/// Those who look after the list of organisations and the postcode directory.
pub(crate) const KEEPERS: Access = Access::Roles(&["admin", "coordinator"]);
/// The LEP's own people.
pub(crate) const LEP: Access = Access::Roles(&["admin", "coordinator", "approver", "viewer"]);

pub(crate) const READ: &[&str] = &["coordinator", "approver", "viewer"];
pub(crate) const SEE_EXACT: &[&str] = &["coordinator", "approver"];

tokio::task_local! {
    /// Whether who asks may see exact counts. Where nobody said so, nobody may.
    static EXACT: bool;
}

/// Runs a handler with what its reader may see, so that no page has to remember to ask: [`exact`] and [`exact_part`] do.
async fn with_sight(person: Option<SignedIn>, request: Request, next: Next) -> Response {
    let sees = person.is_some_and(|person| person.is_any(SEE_EXACT));
    EXACT.scope(sees, next.run(request)).await
}

/// The LEP's name on every page from the moment on in which it is chosen, and that the records are made up, while they are.
fn live(node: &Node) -> AskLive {
    let node = node.clone();
    Arc::new(move || {
        let node = node.clone();
        Box::pin(async move {
            // A command may have chosen it.
            match node.store.identity().await {
                Ok(Some(identity)) => node.take_lep(identity.lep),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the LEP cannot be read"),
            }
            let is_sample = node.store.holds_sample().await.unwrap_or_else(|error| {
                tracing::error!(%error, "it is not known whether the records are made up");
                false
            });
            Live {
                site_name: Some(node.place()),
                banner: is_sample.then(|| {
                    Banner::illustrative("All records here are made up, for trying the node out.")
                }),
            }
        })
    })
}

fn sees_exact() -> bool {
    EXACT.try_with(|sees| *sees).unwrap_or(false)
}

/// Answers what learners ask for.
pub(crate) const RIGHTS: Access = COORDINATOR;
/// Deletes what is not kept any longer, and says for how long it is.
pub(crate) const RETAINS: Access = Access::Roles(MAY_RETAIN);
/// Reads the audit log, and how long records are kept.
pub(crate) const AUDITS: Access = Access::Roles(&["admin", "coordinator", "approver"]);

const MAY_RETAIN: &[&str] = &["admin", "coordinator"];

/// Who may ask for what: every route of the pages.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let read = |path| Rule::get(path, READERS);
    let own = |path| Rule::get(path, LEP);
    let mut rules = vec![
        Rule::get("/", Access::SignedIn),
        Rule::get(lep::PATH, ADMIN),
        Rule::post(lep::PATH, ADMIN),
        own(federation::PATH),
        Rule::post(federation::INVITE, ADMIN),
        Rule::post(federation::ENROL, ADMIN),
        Rule::post(federation::ASK, ADMIN),
        own("/help"),
        read("/releases"),
        Rule::post("/releases/prepare", COORDINATOR),
        Rule::get(preview::PATH, STAFF),
        Rule::post(preview::PATH, STAFF),
        read("/releases/{period}"),
        Rule::post("/releases/{period}/approve", APPROVER),
        Rule::post("/releases/{period}/refuse", APPROVER),
        read("/releases/{period}/report"),
        read("/releases/{period}/payload.json"),
        read("/releases/{period}/figures.csv"),
        read("/releases/{period}/tables/{table}"),
        read("/privacy"),
        read("/context"),
        read("/context/figures.csv"),
        read("/context/{measure}"),
        read(gathering::PATH),
        read("/gathering/{skill}"),
        read("/gathering/{skill}/{area}"),
        read("/exchange"),
        Rule::post("/exchange", COORDINATOR),
        read("/exchange/export/{item}/{file}"),
        read("/exchange/files/{id}"),
        Rule::post("/exchange/files/{id}/remove", COORDINATOR),
        Rule::get(sample::PATH, STAFF),
        Rule::post("/sample/bring-in", COORDINATOR),
        Rule::post("/sample/remove", COORDINATOR),
        read("/practice"),
        Rule::get("/practice/new", COORDINATOR),
        Rule::post("/practice/new", COORDINATOR),
        read("/practice/library"),
        read("/practice/{id}"),
        Rule::get("/practice/{id}/edit", COORDINATOR),
        Rule::post("/practice/{id}/edit", COORDINATOR),
        Rule::post("/practice/{id}/release", APPROVER),
        read("/statements"),
        read("/statements/{seq}"),
        Rule::post("/statements/{seq}/withdraw", APPROVER),
        Rule::post("/statements/{seq}/reissue", APPROVER),
        Rule::get("/quality", STAFF),
        Rule::get("/quality/provider", STAFF),
        Rule::post("/quality/questions", COORDINATOR),
        Rule::post("/quality/questions/{id}/answer", COORDINATOR),
        Rule::get("/quality/rules", STAFF),
        Rule::get("/quality/rules/{rule}", COORDINATOR),
        Rule::post("/quality/rules/{rule}", COORDINATOR),
        Rule::get("/import", STAFF),
        Rule::post("/import", COORDINATOR),
        Rule::get("/import/report.csv", KEEPERS),
        Rule::get(names::PATH, KEEPERS),
        Rule::post(names::PATH, KEEPERS),
        Rule::get(postcodes::PATH, KEEPERS),
        Rule::post(postcodes::PATH, KEEPERS),
        Rule::get("/import/ilr", COORDINATOR),
        Rule::get("/import/ilr/provider", COORDINATOR),
        Rule::post("/import/ilr/provider", COORDINATOR),
        Rule::get("/import/ilr/aim", COORDINATOR),
        Rule::post("/import/ilr/aim", COORDINATOR),
        Rule::get("/import/ilr/code", COORDINATOR),
        Rule::post("/import/ilr/code", COORDINATOR),
        Rule::post("/import/ilr/go-on", COORDINATOR),
        Rule::get("/rights", AUDITS),
        Rule::post("/rights", RIGHTS),
        Rule::post("/rights/access", RIGHTS),
        Rule::post("/rights/preview", RIGHTS),
        Rule::post("/rights/erase", RIGHTS),
        Rule::get("/retention", AUDITS),
        Rule::post("/retention", RETAINS),
        Rule::get(retention::PERIOD, RETAINS),
        Rule::post(retention::PERIOD, RETAINS),
        Rule::get("/audit", AUDITS),
        Rule::get("/audit/check", AUDITS),
        Rule::get("/audit/export.csv", AUDITS),
        Rule::get("/audit/export.json", AUDITS),
        Rule::get("/import/map", COORDINATOR),
        Rule::post("/import/map", COORDINATOR),
        Rule::get("/import/paste", COORDINATOR),
        Rule::post("/import/paste", COORDINATOR),
        Rule::get("/work/{id}", WORKERS),
        Rule::post("/work/{id}/cancel", WORKERS),
        Rule::get("/import/mappings", STAFF),
        Rule::post("/import/mappings", COORDINATOR),
        Rule::get("/api", Access::Public),
        Rule::get("/problems", Access::Public),
        Rule::get("/problems/{code}", Access::Public),
    ];
    rules.extend(model::rules());
    rules.extend(demand::rules());
    rules.extend(questionnaires::rules());
    rules.extend(needs::rules());
    rules.extend(provider::rules());
    rules.extend(ldsp_ui::accounts::rules(ADMIN, LEP));
    rules.extend(ldsp_ui::accounts::token_rules());
    rules
}

/// The node's pages, to be put behind sign-in and [`rules`] by [`site`].
fn router(api: &Api, document: &OpenApi) -> Router {
    let pages = Pages {
        settings: api.settings.clone(),
        reports: import::Reports::default(),
        held: held::Held::new(api.settings.clock.clone()),
    };
    let documentation = documentation(document);
    let router = Router::new()
        .route("/", get(home::home))
        .route(lep::PATH, get(lep::form).post(lep::choose))
        .route(federation::PATH, get(federation::show))
        .route(federation::INVITE, post(federation::look))
        .route(federation::ENROL, post(federation::enrol))
        .route(federation::ASK, post(federation::ask))
        .route("/help", get(help::help))
        .route("/releases", get(releases::list))
        .route("/releases/prepare", post(releases::prepare))
        .route(preview::PATH, get(preview::ask).post(preview::show))
        .route("/releases/{period}", get(releases::show))
        .route("/releases/{period}/approve", post(releases::approve))
        .route("/releases/{period}/refuse", post(releases::refuse))
        .route("/releases/{period}/report", get(release_report::report))
        .route("/releases/{period}/payload.json", get(releases::payload))
        .route("/releases/{period}/figures.csv", get(release_table::csv))
        .route(
            "/releases/{period}/tables/{table}",
            get(release_table::table),
        )
        .route("/privacy", get(privacy::page))
        .route("/context", get(context::list))
        .route("/context/figures.csv", get(context::csv))
        .route("/context/{measure}", get(context::show))
        .route(
            "/exchange",
            get(exchange::overview).merge(exchange::receive()),
        )
        .route(gathering::PATH, get(gathering::board))
        .route("/gathering/{skill}", get(gathering::skill))
        .route("/gathering/{skill}/{area}", get(gathering::cell))
        .route("/exchange/export/{item}/{file}", get(exchange::export))
        .route("/exchange/files/{id}", get(exchange::show))
        .route("/exchange/files/{id}/remove", post(exchange::remove))
        .route(sample::PATH, get(sample::look_around))
        .route("/sample/bring-in", post(sample::bring_in))
        .route("/sample/remove", post(sample::remove))
        .route("/practice", get(practice::list))
        .route(
            "/practice/new",
            get(practice_form::new).post(practice_form::create),
        )
        .route("/practice/library", get(library::library))
        .route("/practice/{id}", get(practice::show))
        .route(
            "/practice/{id}/edit",
            get(practice_form::edit).post(practice_form::change),
        )
        .route("/practice/{id}/release", post(practice::release))
        .route("/statements", get(statements::list))
        .route("/statements/{seq}", get(statements::show))
        .route("/statements/{seq}/withdraw", post(statements::withdraw))
        .route("/statements/{seq}/reissue", post(statements::reissue))
        .route("/quality", get(quality::board))
        .route("/quality/provider", get(quality::provider))
        .route("/quality/questions", post(quality::ask))
        .route("/quality/questions/{id}/answer", post(quality::answer))
        .route("/quality/rules", get(quality_rules::list))
        .route(
            "/quality/rules/{rule}",
            get(quality_rules::show).post(quality_rules::change),
        )
        .route("/import", get(import::form).merge(import::receive()))
        .route("/import/report.csv", get(import::report))
        .route(names::PATH, get(names::show).post(names::change))
        .route(
            postcodes::PATH,
            get(postcodes::show).merge(postcodes::receive()),
        )
        .route("/import/ilr", get(ilr::home))
        .route(
            "/import/ilr/provider",
            get(ilr_forms::provider).post(ilr_forms::say_provider),
        )
        .route(
            "/import/ilr/aim",
            get(ilr_forms::aim).post(ilr_forms::say_aim),
        )
        .route(
            "/import/ilr/code",
            get(ilr_forms::code).post(ilr_forms::say_code),
        )
        .route("/import/ilr/go-on", post(ilr::go_on))
        .route("/rights", get(rights::who).post(rights::which))
        .route("/rights/access", post(rights::access))
        .route("/rights/preview", post(rights::preview))
        .route("/rights/erase", post(rights::erase))
        .route("/retention", get(retention::show).post(retention::run))
        .route(
            retention::PERIOD,
            get(retention::ask_period).post(retention::set_period),
        )
        .route("/audit", get(audit::list_page))
        .route("/audit/check", get(audit::check))
        .route("/audit/export.csv", get(audit::csv))
        .route("/audit/export.json", get(audit::json))
        .route(
            "/import/map",
            get(import_map::show).post(import_map::answer),
        )
        .route(
            "/import/paste",
            get(import_map::paste_form).merge(import_map::take_paste()),
        )
        .route(
            "/import/mappings",
            get(import_mappings::list).post(import_mappings::forget),
        )
        .route("/work/{id}", get(work::show))
        .route("/work/{id}/cancel", post(work::cancel))
        .route("/api", get(async move || documentation.clone()))
        .route("/problems", get(problems::list))
        .route("/problems/{code}", get(problems::show));
    let router = questionnaires::routes(demand::routes(model::routes(router)));
    let router = needs::routes(router);
    provider::routes(router)
        .layer(middleware::from_fn(with_sight))
        .with_state(pages)
}

/// Every page that a person goes to by name; each sees what is theirs.
fn navigation() -> Vec<NavItem> {
    let item = |label: &str, href: &str| NavItem::signed_in(label, href);
    vec![
        item("Home", "/").not_for(&["provider"]),
        item("Cohorts", "/provider").covering("/provider/cohorts"),
        item("Learners", "/provider/learners"),
        item("Whom to ask", "/provider/follow-up"),
        item("Upload", "/provider/upload"),
        item("Questions", "/provider/questions"),
        item("Services", "/provider/services"),
        item("How we do", "/provider/results"),
        item("How this works", "/provider/help"),
        NavItem::section(
            "Delivery",
            [
                item("Programmes", "/programmes"),
                item("Cohorts", "/cohorts"),
                item("Organisations", "/organisations"),
                item("Spend", "/spend"),
                item("Import files", "/import"),
            ],
        ),
        NavItem::section(
            "Needs",
            [
                item("Gathering board", gathering::PATH).covering("/gathering-tasks"),
                item("Demand", "/demand"),
                item("Demand summary", "/demand/summary"),
                item("Provision", "/provision").covering("/provision/doubles"),
                item("Feeds", "/provision/feeds"),
                item("England\u{2019}s figures", "/context"),
                item("Who collects what", "/exchange").covering("/data-items"),
                item("Questionnaires", questionnaires::PATH),
            ],
        ),
        NavItem::section(
            "Quality",
            [
                item("Providers", "/quality").covering("/quality/provider"),
                item("Rules", "/quality/rules"),
            ],
        ),
        NavItem::section(
            "Publish",
            [
                item("Releases", "/releases"),
                item("Preview", preview::PATH),
                item("Published needs", needs::PATH),
                item("Statements", "/statements"),
                item("Privacy budget", "/privacy"),
            ],
        ),
        NavItem::section(
            "Practice",
            [
                item("Our entries", "/practice"),
                item("Library", "/practice/library"),
            ],
        ),
        NavItem::section(
            "Administration",
            [
                item("LEP", lep::PATH),
                item("Place in the federation", federation::PATH),
                item("Postcode directory", postcodes::PATH),
                item("People", "/people"),
                item("Accounts elsewhere", oidc::PEOPLE),
                item("Rights of learners", "/rights"),
                item("Retention", "/retention"),
                item("Audit log", "/audit"),
            ],
        ),
        item("Help", "/help"),
    ]
}

/// What surrounds every page of the node of this LEP.
#[must_use]
pub fn frame(settings: &Settings) -> Frame {
    let mut frame = Frame::new(settings.node.place());
    frame.tagline = "Local Digital Skills Partnership node".to_owned();
    frame.people_sign_in = true;
    frame.nav = navigation();
    if let Some(sentence) = &settings.illustrative {
        frame.banners.push(Banner::illustrative(sentence.clone()));
    }
    frame.footer_links = vec![
        Link::new("Help and how data are protected", "/help"),
        Link::new("For programs", "/api"),
    ];
    frame.footer_note = "Records held here are pseudonymised. Only protected counts and practice entries leave this node.".into();
    frame
}

/// The whole site at `public_origin` (`https://host[:port]`): pages and the interface for programs. People may also sign in with
/// their accounts at `sign_in_service`.
///
/// # Errors
/// [`SiteError`] when the address is no https origin.
pub fn site(
    settings: Settings,
    public_origin: &str,
    cookie: &str,
    sign_in_service: Option<OpenId>,
) -> Result<Router, SiteError> {
    shared_site(Arc::new(settings), public_origin, cookie, sign_in_service)
}

fn shared_site(
    settings: Arc<Settings>,
    public_origin: &str,
    cookie: &str,
    sign_in_service: Option<OpenId>,
) -> Result<Router, SiteError> {
    let people = settings.node.store.clone();
    let entropy = settings.entropy.clone();
    let (clock, phones) = (settings.clock.clone(), settings.phones.clone());
    let live = live(&settings.node);
    let frame = frame(&settings);
    let api = Api {
        settings,
        origin: public_origin.into(),
    };
    let rules = rules().into_iter().chain(api::rules());
    let mut site = Site::new(frame, public_origin, people.clone(), clock)?
        .phones(phones)
        .accounts(people, entropy, ADMIN)
        .roles(RoleTable::new(rules))
        .live(live)
        .cookie_suffix(cookie)?;
    if let Some(service) = sign_in_service {
        site = site.sign_in_service(service);
    }
    let document = api::document(site.cookie());
    let pages = router(&api, &document);
    let programs = api::router(api, &document);
    Ok(site.programs(programs).router(pages, Router::new()))
}

/// The documentation of the interface for programs.
fn documentation(document: &OpenApi) -> Page {
    let document =
        serde_json::to_value(document).expect("the document holds strings, numbers and lists only");
    ldsp_ui::api_docs::page(&document)
}

fn see_other(target: &str) -> Response {
    Redirect::to(target).into_response()
}

fn exact_tag() -> Tag {
    Tag::coloured("Exact: do not share", TagColour::Red)
}

/// A mark of [`exact_tag`] or an exact count. Paper does not show it, nor the column of a table or the card that holds it; nor does a
/// page of somebody who may not see exact counts.
fn exact(content: impl Into<Html>) -> Html {
    if !sees_exact() {
        return "not shown".into();
    }
    #[derive(askama::Template)]
    #[template(
        source = r#"<span class="ldsp-exact">{{ content }}</span>"#,
        ext = "html"
    )]
    struct Exact {
        content: Html,
    }
    Html::render(&Exact {
        content: content.into(),
    })
}

/// A whole part of a page with exact counts in it, which neither paper shows nor a page of somebody who may not see them.
fn exact_part(content: impl Into<Html>) -> Html {
    if !sees_exact() {
        return Html::paragraph("Exact counts are shown to coordinators and approvers only.");
    }
    Html::concat([
        Html::literal("<div class=\"ldsp-exact\">"),
        content.into(),
        Html::literal("</div>"),
        not_printed(),
    ])
}

/// What says on paper why there are no exact counts.
fn not_printed() -> Html {
    Html::literal(
        "<p class=\"govuk-body ldsp-paper\">Exact counts are not printed: they are for this node\u{2019}s own people.</p>",
    )
}

fn done(heading: &str, content: &str) -> Notification {
    Notification::done(heading).content(content)
}

/// What follows a step that is done: each with its page and what it is for.
fn next_steps(steps: impl IntoIterator<Item = (&'static str, &'static str, &'static str)>) -> Html {
    let steps = steps.into_iter().map(|(name, href, what)| {
        Html::concat([
            ldsp_ui::components::link(name, href),
            format!(": {what}").into(),
        ])
    });
    Html::concat([
        release_view::heading("What is next"),
        ldsp_ui::components::list(steps),
    ])
}

/// A fault of the store as a page. The cause goes to the log.
fn fault(error: StoreError) -> ProblemPage {
    fault_of(&error)
}

fn fault_of(error: &StoreError) -> ProblemPage {
    tracing::error!(%error, next = error.next(), "the store refused");
    if error.is_busy() {
        return ProblemPage::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "The node is busy writing",
        )
        .happened("Another import or command is being stored. What you just sent was not stored.")
        .next("Wait a minute and send it again.");
    }
    if error.is_fatal() {
        return ProblemPage::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unconfirmed",
            "The disk did not confirm what you sent",
        )
        .happened("Whether it was stored is unknown. The node ends now and reads back what is there when it is started again.")
        .next("Tell the IT team: the disk has to be checked. Then look whether it is there before you send it again.");
    }
    ProblemPage::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "storage",
        "The node's database could not be used",
    )
    .happened("What was stored before is safe; what you just sent was not stored.")
    .next(format!("Tell the IT team. {}", error.next()))
}

fn refused(code: &'static str, title: &str, reason: &str, next: &str) -> ProblemPage {
    ProblemPage::new(StatusCode::CONFLICT, code, title)
        .happened(words::sentence(reason))
        .next(next)
}

fn release_problem(error: ReleaseError) -> ProblemPage {
    release_problem_of(&error)
}

fn release_problem_of(error: &ReleaseError) -> ProblemPage {
    match error {
        ReleaseError::Store(error) => fault_of(error),
        ReleaseError::Unknown(_) => ProblemPage::not_found(),
        ReleaseError::NotCoordinator(_) => {
            ProblemPage::forbidden("Only a coordinator may prepare a release.")
        }
        ReleaseError::NotApprover(_) => {
            ProblemPage::forbidden("Only an approver may approve a release.")
        }
        error @ ReleaseError::Digest { .. } => refused(
            error.code(),
            "These are not the bytes that you looked at",
            &error.to_string(),
            "Open the release again, read it, and approve or refuse what it shows then.",
        ),
        error @ ReleaseError::Reason(_) => refused(
            error.code(),
            "The refusal was not written down",
            &error.to_string(),
            error.next(),
        ),
        error => refused(
            error.code(),
            "The release was left as it is",
            &error.to_string(),
            error.next(),
        ),
    }
}

fn practice_problem(error: PracticeError) -> ProblemPage {
    match error {
        PracticeError::Store(error) => fault(error),
        PracticeError::Unknown(_) => ProblemPage::not_found(),
        PracticeError::NotApprover(_) => {
            ProblemPage::forbidden("Only an approver may release an entry.")
        }
        error => refused(
            error.code(),
            "The entry was not released",
            &error.to_string(),
            error.next(),
        ),
    }
}

fn revision_problem(error: RevisionError) -> ProblemPage {
    match error {
        RevisionError::Store(error) => fault(error),
        RevisionError::Unknown(_) => ProblemPage::not_found(),
        RevisionError::NotApprover(_) => {
            ProblemPage::forbidden("Only an approver may withdraw a statement or publish it again.")
        }
        error => refused(
            error.code(),
            "The statement was left as it is",
            &error.to_string(),
            error.next(),
        ),
    }
}

/// What peers' entries could not be read for, in words.
fn unread(error: &ReadError) -> String {
    words::sentence(&error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
