//! Pages for people: the public's and, behind sign-in, the operator's.
//!
//! They show what the store and the benchmark stage give and compute nothing of their own beyond
//! putting it into words. [`router`] has the routes, [`roles`] says who may use them, [`frame`] is
//! what surrounds every page; [`ldsp_ui::Site`] puts the three together.

mod about;
mod breakdown;
mod dots;
mod entry;
mod evidence;
mod help;
mod home;
mod lep;
mod library;
mod measure;
mod measures;
mod figures;
mod nodes;
mod operator;
mod practice;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::civil::Date;
use ldsp_ui::{
    Access, Banner, Clock, Frame, Html, Link, NavItem, Page, ProblemPage, RoleTable, Rule,
};

use crate::benchmark::{Benchmarks, Snapshot};
use crate::store::{Store, StoreError};

/// The site's name, in the header and in every title.
pub const SITE_NAME: &str = "Local digital skills";

/// What the pages say about this server.
#[derive(Debug, Clone)]
pub struct About {
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key, a C2SP vkey line.
    pub verifier: String,
    /// A sentence across every page, for a demonstration.
    pub banner: Option<String>,
}

/// What every handler reads.
#[derive(Debug)]
pub struct Pages<S> {
    store: Arc<S>,
    benchmarks: Arc<Benchmarks>,
    clock: HiddenClock,
    about: Arc<About>,
}

#[derive(Clone)]
struct HiddenClock(Clock);

impl std::fmt::Debug for HiddenClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

impl<S> Clone for Pages<S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            benchmarks: self.benchmarks.clone(),
            clock: self.clock.clone(),
            about: self.about.clone(),
        }
    }
}

impl<S: Store> Pages<S> {
    /// Pages over this store.
    #[must_use]
    pub fn new(store: Arc<S>, benchmarks: Arc<Benchmarks>, clock: Clock, about: About) -> Self {
        Self {
            store,
            benchmarks,
            clock: HiddenClock(clock),
            about: Arc::new(about),
        }
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.benchmarks.load(&*self.store).await
    }

    fn now(&self) -> jiff::Timestamp {
        (self.clock.0)()
    }

    /// The day in London.
    fn today(&self) -> Date {
        words::london(self.now())
    }
}

/// Why a page cannot be shown; becomes a page itself.
#[derive(Debug)]
enum Failure {
    Problem(Box<ProblemPage>),
    Store(StoreError),
}

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
            Self::Store(error) => {
                tracing::error!(%error, "a page could not read the store");
                ProblemPage::unavailable("The server cannot read its data at the moment.")
                    .into_response()
            }
        }
    }
}

/// Every page.
pub fn router<S: Store>(pages: Pages<S>) -> Router {
    Router::new()
        .route("/", get(home::show::<S>))
        .route("/contributions.csv", get(home::contributions::<S>))
        .route("/benchmarks", get(measures::show::<S>))
        .route("/benchmarks/{measure}", get(measure::show::<S>))
        .route("/benchmarks/{measure}/trend.csv", get(measure::trend::<S>))
        .route("/benchmarks/{measure}/groups.csv", get(measure::groups::<S>))
        .route("/benchmarks/{measure}/leps.csv", get(measure::leps::<S>))
        .route("/leps", get(lep::list::<S>))
        .route("/leps/{code}", get(lep::show::<S>))
        .route("/leps/{code}/figures.csv", get(lep::figures::<S>))
        .route("/practice", get(practice::list::<S>))
        .route("/practice/{node}/{seq}", get(entry::show::<S>))
        .route("/nodes", get(nodes::show::<S>))
        .route("/operator/nodes", get(operator::show::<S>))
        .route("/operator/nodes/{node}/approve", post(operator::approve::<S>))
        .route("/problems", get(help::list))
        .route("/problems/{code}", get(help::show))
        .route("/about", get(about::about::<S>))
        .route("/accessibility", get(about::accessibility))
        .route("/privacy", get(about::privacy))
        .with_state(pages)
}

/// Who may use which route of [`router`].
#[must_use]
pub fn roles() -> RoleTable {
    const PUBLIC: [&str; 18] = [
        "/",
        "/contributions.csv",
        "/benchmarks",
        "/benchmarks/{measure}",
        "/benchmarks/{measure}/trend.csv",
        "/benchmarks/{measure}/groups.csv",
        "/benchmarks/{measure}/leps.csv",
        "/leps",
        "/leps/{code}",
        "/leps/{code}/figures.csv",
        "/practice",
        "/practice/{node}/{seq}",
        "/nodes",
        "/problems",
        "/problems/{code}",
        "/about",
        "/accessibility",
        "/privacy",
    ];
    let public = PUBLIC.map(|path| Rule::get(path, Access::Public));
    RoleTable::new(public.into_iter().chain([
        Rule::get("/operator/nodes", Access::Roles(&["operator", "analyst"])),
        Rule::post("/operator/nodes/{node}/approve", Access::Roles(&["operator"])),
    ]))
}

/// What surrounds every page.
#[must_use]
pub fn frame(about: &About) -> Frame {
    let mut frame = Frame::new(SITE_NAME);
    frame.tagline = "Figures and practice of the Local Digital Skills Partnerships".into();
    frame.nav = vec![
        NavItem::public("Home", "/"),
        NavItem::public("Benchmarks", "/benchmarks"),
        NavItem::public("Areas", "/leps"),
        NavItem::public("Practice", "/practice"),
        NavItem::public("Who contributes", "/nodes"),
        NavItem::public("About", "/about"),
        NavItem::signed_in("Manage nodes", "/operator/nodes"),
    ];
    if let Some(text) = &about.banner {
        frame.banners = vec![Banner::illustrative(text.clone())];
    }
    frame.footer_links = vec![
        Link::new("About these figures", "/about"),
        Link::new("Accessibility", "/accessibility"),
        Link::new("Privacy and cookies", "/privacy"),
        Link::new("Messages and what to do", "/problems"),
    ];
    frame.footer_note = Html::text(
        "Every figure is an estimate with noise added for privacy and is shown with its interval and coverage. \
         Boundaries and names: Office for National Statistics and Department for Education, Open Government Licence v3.0.",
    );
    frame.people_sign_in = true;
    frame
}
