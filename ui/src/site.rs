//! A whole site: the caller's routes between sign-in, role table, origin check, frame and headers.

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, Predicate, predicate::DefaultPredicate};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_sessions::Session;

use crate::accounts::{Accounts, Desk};
use crate::checker::Checker;
use crate::oidc::{self, OpenId};
use crate::page::{Frame, Live, Page, Unframed};
use crate::patience::{self, Patience, Watch};
use crate::people::{People, SharedPeople, SignedIn, to_sign_in};
use crate::problem::ProblemPage;
use crate::roles::{Access, Decision, RoleTable};
use crate::{Clock, Entropy, accounts, api, assets, headers, leftover, programs, session, sign_in};

/// Forms are small; a route that takes files sets its own `DefaultBodyLimit`.
const BODY_BYTES: usize = 1024 * 1024;

/// Addresses at which nobody expects a page: what no route answers below them is refused by a problem.
const FOR_PROGRAMS: [&str; 7] = [
    "/v1",
    "/v1/",
    "/v1/{*rest}",
    "/api/",
    "/api/{*rest}",
    "/health/",
    "/health/{*rest}",
];

/// Why a site cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The public address is not an origin.
    #[error(
        "{origin:?} is not an https origin ({reason}). Write it as browsers do: https://example.org or https://example.org:8443, no path."
    )]
    Origin {
        /// What was given.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A cookie's name takes letters, digits and dashes only.
    #[error("{0:?} cannot be part of a cookie's name. Use letters, digits and dashes.")]
    CookieSuffix(String),
}

/// A site: its frame, its people, and who may do what.
pub struct Site {
    frame: Frame,
    people: SharedPeople,
    clock: Clock,
    phones: Clock,
    roles: RoleTable,
    csrf: CsrfLayer,
    cookie: String,
    hsts: bool,
    patience: Patience,
    programs: Router,
    origin: String,
    accounts: Option<(Arc<dyn Accounts>, Entropy, Access)>,
    open: Option<Arc<OpenId>>,
    live: Option<AskLive>,
}

/// Says what of the frame is otherwise at present.
pub type AskLive = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Live> + Send>> + Send + Sync>;

impl Site {
    /// A site that people reach at `public_origin` (`https://host` or `https://host:port`, no path): browsers' forms are
    /// accepted from there only.
    ///
    /// # Errors
    /// [`SiteError::Origin`] when the address is not such an origin.
    pub fn new(
        frame: Frame,
        public_origin: &str,
        people: impl People,
        clock: Clock,
    ) -> Result<Self, SiteError> {
        let wrong = |reason: String| SiteError::Origin {
            origin: public_origin.to_owned(),
            reason,
        };
        let host = public_origin
            .strip_prefix("https://")
            .ok_or_else(|| wrong("it does not begin with https://".into()))?;
        let csrf = CsrfLayer::new()
            .add_trusted_origin(public_origin)
            .map_err(|e| wrong(e.to_string()))?;
        Ok(Self {
            frame,
            people: Arc::new(people),
            phones: clock.clone(),
            clock,
            roles: RoleTable::new([]),
            csrf,
            cookie: "__Host-ldsp".into(),
            hsts: is_named_host(host),
            patience: Patience::default(),
            programs: Router::new(),
            origin: public_origin.to_owned(),
            accounts: None,
            open: None,
            live: None,
        })
    }

    /// What people's phones show the time by, for the codes of second steps, where that is not the site's own clock: a demonstration
    /// may live in the past, and phones never do.
    #[must_use]
    pub fn phones(mut self, clock: Clock) -> Self {
        self.phones = clock;
        self
    }

    /// Who may ask for what. Without it only sign-in works.
    #[must_use]
    pub fn roles(mut self, roles: RoleTable) -> Self {
        self.roles = roles;
        self
    }

    /// Tells this site's cookie apart from those of other sites on the same host: browsers share cookies between ports.
    ///
    /// # Errors
    /// [`SiteError::CookieSuffix`] when it has other characters than letters, digits and dashes.
    pub fn cookie_suffix(mut self, suffix: &str) -> Result<Self, SiteError> {
        if suffix.is_empty()
            || !suffix
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return Err(SiteError::CookieSuffix(suffix.to_owned()));
        }
        self.cookie = format!("__Host-ldsp-{suffix}");
        Ok(self)
    }

    /// How long to wait for what clients send: [`Patience::default`] unless said here.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Routes for programs of the site's own people. Each must be in the role table.
    ///
    /// Who asks is known by HTTP Basic (a person's name and secret, under the same throttle as sign-in) or by the session of the
    /// pages; handlers take [`SignedIn`] as pages do. Every refusal is a problem ([`crate::api`]).
    #[must_use]
    pub fn programs(mut self, routes: Router) -> Self {
        self.programs = routes;
        self
    }

    /// The kit's pages of accounts ([`crate::accounts`]): set-up links, the second step, `/account`, `/people`, and tokens for programs.
    /// `managers` look after people. Their routes are in [`crate::accounts::rules`], which belong in the role table.
    #[must_use]
    pub fn accounts(mut self, accounts: impl Accounts, entropy: Entropy, managers: Access) -> Self {
        self.accounts = Some((Arc::new(accounts), entropy, managers));
        self
    }

    /// People may also sign in with their accounts at this service ([`crate::oidc`]).
    #[must_use]
    pub fn sign_in_service(mut self, open: OpenId) -> Self {
        self.open = Some(Arc::new(open));
        self
    }

    /// What of the frame may change while the site runs, asked for every page: its own, the kit's, and those that say no.
    #[must_use]
    pub fn live(mut self, ask: AskLive) -> Self {
        self.live = Some(ask);
        self
    }

    /// The name of the session's cookie.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The whole site.
    ///
    /// `pages` are for people: each of their routes must be in the role table; they get the session, the origin check, the
    /// frame and, as their answer to anything else, problem pages. `machine` is for programs, which prove themselves in their
    /// own way and get their answers unchanged: `/v1/`, `/api/v1/`, `/health/`; a refusal that is not a problem yet becomes
    /// one ([`crate::api`]), also below those paths where no route is. Neither may use `/assets/` or `/sign-`.
    pub fn router(mut self, pages: Router, machine: Router) -> Router {
        if let Some(open) = &self.open {
            self.roles = self.roles.and(open.rules());
        }
        let checker = Arc::new(Checker::new(self.people, self.clock.clone()));
        let for_programs = Arc::new(programs::Gate {
            checker: checker.clone(),
            roles: self.roles.clone(),
            accounts: self
                .accounts
                .as_ref()
                .map(|(accounts, ..)| accounts.clone()),
            takes_secrets: self.open.as_ref().is_none_or(|open| open.takes_secrets()),
        });
        let sessions = session::Store::new(self.clock);
        let (accounts, entropy, managers) = match self.accounts {
            Some((accounts, entropy, managers)) => (Some(accounts), Some(entropy), managers),
            None => (None, None, Access::Roles(&[])),
        };
        let desk = Desk {
            checker: checker.clone(),
            phones: self.phones,
            accounts,
            sessions: sessions.clone(),
            entropy,
            cookie: self.cookie.as_str().into(),
            origin: self.origin.into(),
            site: self.frame.site_name.as_str().into(),
            managers,
            service: self.open,
        };
        let gate = Arc::new(Gate {
            frame: self.frame,
            people: checker.people.clone(),
            roles: self.roles,
            live: self.live,
        });
        let sessions = session::layer(self.cookie.clone(), sessions);
        let patient = |answer: patience::Answer| {
            let patience = self.patience;
            middleware::from_fn_with_state(Watch { patience, answer }, patience::watch)
        };
        let programs = self
            .programs
            .layer(middleware::from_fn_with_state(
                for_programs,
                programs::admit,
            ))
            .layer(Extension(accounts::Names::new(checker.clone())))
            .layer(sessions.clone())
            .layer(self.csrf.clone().with_rejection_response(
                programs::refuse_foreign_origin as fn(ProtectionError) -> Response,
            ))
            .layer(middleware::from_fn(leftover::read));
        let machine = FOR_PROGRAMS
            .into_iter()
            .fold(machine, |router, path| {
                router.route(path, any(api::nothing_here))
            })
            .merge(programs)
            // One `layer`, outermost first: a router boxes what each adds, and clones the boxes for every request.
            .layer((
                middleware::from_fn(api::every_refusal_is_a_problem),
                CatchPanicLayer::custom(api::panicked as fn(Box<dyn Any + Send>) -> Response),
                patient(api::unread),
            ));
        let pages =
            pages
                .merge(accounts::router(&desk))
                .merge(oidc::router(&desk))
                .merge(sign_in::router(desk))
                .fallback(|| async { ProblemPage::not_found() })
                .layer(DefaultBodyLimit::max(BODY_BYTES))
                .layer(middleware::from_fn_with_state(gate.clone(), admit))
                .layer(sessions)
                .layer(self.csrf.with_rejection_response(
                    refuse_foreign_form as fn(ProtectionError) -> Response,
                ))
                .layer(CatchPanicLayer::custom(
                    apologise as fn(Box<dyn Any + Send>) -> Response,
                ))
                // Around everything that can refuse a request whose body is still on its way.
                .layer(patient(patience::page))
                .layer(middleware::from_fn_with_state(gate, frame));
        pages.merge(machine).merge(assets::router()).layer((
            middleware::from_fn_with_state(self.hsts, headers::add),
            middleware::from_fn(api::tell_encodings_apart),
            CompressionLayer::new().compress_when(DefaultPredicate::new().and(IsCacheable)),
        ))
    }
}

/// Strict transport security is for hosts with a name; browsers ignore it for addresses, and on `localhost` it would bind
/// every other program there.
fn is_named_host(authority: &str) -> bool {
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(authority, |(host, _)| host);
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    !is_address && host != "localhost" && !host.ends_with(".localhost")
}

struct Gate {
    frame: Frame,
    people: SharedPeople,
    roles: RoleTable,
    live: Option<AskLive>,
}

/// Finds out who asks and whether the role table lets them.
async fn admit(
    State(gate): State<Arc<Gate>>,
    session: Session,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let person = match session::person(&session, &gate.people).await {
        Ok(person) => person,
        Err(error) => {
            tracing::error!(error = ?error, "the store of people did not answer");
            return ProblemPage::unavailable("We could not check who you are.").into_response();
        }
    };
    let method = request.method().clone();
    // No matched path: the fallback, which says that there is no such page.
    let decision = matched.as_ref().map_or(Decision::Allowed, |path| {
        gate.roles.decide(&method, path.as_str(), person.as_ref())
    });
    let mut response = match decision {
        Decision::Allowed => {
            if let Some(person) = person.clone() {
                request.extensions_mut().insert(person);
            }
            next.run(request).await
        }
        Decision::MustSignIn => to_sign_in(&method, request.uri()),
        Decision::WrongRole => refuse_role(person.as_ref()).into_response(),
        Decision::NoSuchMethod => {
            let mut refusal =
                ProblemPage::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
            let allow = matched.map(|path| gate.roles.allow(path.as_str()));
            refusal
                .headers_mut()
                .extend(allow.map(|allow| (header::ALLOW, allow)));
            refusal
        }
        Decision::Unlisted => {
            tracing::error!(%method, path = ?matched, "a route is missing from the role table");
            ProblemPage::new(
                StatusCode::FORBIDDEN,
                "route_not_listed",
                "This page is closed",
            )
            .happened("Nobody has been given the right to use this page.")
            .next("Tell the person who runs this site: its table of roles does not name this page.")
            .into_response()
        }
    };
    if let Some(person) = person {
        headers::no_store(response.headers_mut());
        response.extensions_mut().insert(person);
    }
    response
}

fn refuse_role(person: Option<&SignedIn>) -> ProblemPage {
    let role = person
        .map(|person| person.role.as_str())
        .unwrap_or_default();
    ProblemPage::forbidden(format!(
        "You are signed in as {role}. This page or button is for another role."
    ))
}

fn refuse_foreign_form(_: ProtectionError) -> Response {
    ProblemPage::new(StatusCode::FORBIDDEN, "foreign_origin", "This form was not sent from this site")
        .happened("Your browser says that another site sent it, or this site is reached under another address than its public one.")
        .next("Open this site by its usual address and send the form from there.")
        .into_response()
}

fn apologise(_: Box<dyn Any + Send>) -> Response {
    // The panic hook has written what happened to standard error; a page must not.
    tracing::error!("a handler panicked");
    ProblemPage::fault().into_response()
}

/// Puts the frame around pages, and a problem page in the place of a library's bare refusal.
async fn frame(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if response.extensions().get::<Unframed>().is_none() && is_bare_refusal(&response) {
        let problem = ProblemPage::of_status(response.status()).into_response();
        let (kept, _) = response.into_parts();
        response = problem;
        response.extensions_mut().extend(kept.extensions);
        for name in [header::CACHE_CONTROL, header::ALLOW, header::SET_COOKIE] {
            for value in kept.headers.get_all(&name) {
                response.headers_mut().append(&name, value.clone());
            }
        }
    }
    let Some(Unframed(page)) = response.extensions_mut().remove::<Unframed>() else {
        return response;
    };
    let live = match &gate.live {
        Some(ask) => ask().await,
        None => Live::default(),
    };
    let page = match live.banner {
        Some(banner) => Arc::new(Page::clone(&page).banner(banner)),
        None => page,
    };
    let frame = match live.site_name {
        Some(site_name) if site_name != gate.frame.site_name => Cow::Owned(Frame {
            site_name,
            ..gate.frame.clone()
        }),
        _ => Cow::Borrowed(&gate.frame),
    };
    let document = frame.render(
        &page,
        &path,
        response.extensions().get::<SignedIn>(),
        &gate.roles,
    );
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    *response.body_mut() = if is_head {
        axum::body::Body::empty()
    } else {
        document.into()
    };
    response
}

fn is_bare_refusal(response: &Response) -> bool {
    let status = response.status();
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.starts_with("text/plain"))
}

/// Pages of signed-in people are not compressed: the length of a compressed page tells about what is in it.
#[derive(Clone, Copy)]
struct IsCacheable;

impl Predicate for IsCacheable {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        response
            .headers()
            .get(header::CACHE_CONTROL)
            .is_none_or(|value| value != "no-store")
    }
}

#[cfg(test)]
mod tests;
