//! Web kit of both sites: layout, components, charts, assets, sessions, sign-in, people and roles, security headers, TLS, and
//! what their JSON interfaces share.
//! No domain logic.
//!
//! # In five minutes
//!
//! 1. A handler returns a [`Page`] (or `Result<Page, ProblemPage>`). Its body is [`Html`]: render an askama template of your
//!    own with [`Html::render`], and put components of [`components`] and charts of [`charts`] into it as fields; they need
//!    no `|safe`.
//! 2. Say once what surrounds every page ([`Frame`]) and who may ask for what ([`RoleTable`]); a route that the table does not
//!    name is refused.
//! 3. [`Site::router`] puts your routes, sign-in, assets, session, origin check, security headers and problem pages together.
//! 4. [`serve`] runs it over TLS with a certificate from [`tls`].
//!
//! ```no_run
//! # use std::{net::TcpListener, sync::Arc};
//! # use axum::{Router, routing::get};
//! use ldsp_ui::{Access, Frame, Html, Nobody, Page, RoleTable, Rule, Site, components::Table};
//!
//! async fn areas() -> Page {
//!     let table = Table::new("Enrolments by area")
//!         .columns(["Area", "Enrolments"])
//!         .numeric([1])
//!         .row(["Essex", "1,240"]);
//!     Page::new("Areas").body(table)
//! }
//!
//! # async fn run(clock: ldsp_ui::Clock, material: ldsp_ui::tls::Material) -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::new(Frame::new("My site"), "https://example.org", Nobody, clock)?
//!     .roles(RoleTable::new([Rule::get("/areas", Access::Public)]));
//! let router = site.router(Router::new().route("/areas", get(areas)), Router::new());
//! ldsp_ui::serve(TcpListener::bind("127.0.0.1:0")?, material, router, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

pub mod accounts;
pub mod api;
pub mod api_docs;
mod assets;
mod cell;
pub mod charts;
mod checker;
pub mod components;
pub mod disk;
mod door;
mod headers;
mod html;
mod leftover;
pub mod listing;
mod nav;
pub mod oidc;
mod page;
mod patience;
mod people;
mod problem;
mod programs;
mod roles;
pub mod schedule;
pub mod secret;
mod server;
mod session;
mod share;
mod sign_in;
mod site;
pub mod terminal;
mod throttle;
pub mod tls;

use std::sync::Arc;

pub use cell::csv_text;
pub use html::Html;
pub use nav::NavItem;
pub use page::{Banner, Frame, Link, Live, Page};
pub use patience::Patience;
pub use people::{
    Bound, Nobody, OwnOrganisation, People, PeopleError, PersonRecord, Role, SignedIn,
    percent_encode,
};
pub use problem::{ProblemPage, wants_html};
pub use roles::{Access, RoleTable, Rule};
pub use server::{Limits, serve, serve_within};
pub use share::{Turn, Turns};
pub use site::{AskLive, Site, SiteError};

/// Where the time comes from. Only `app` modules give one that reads the system's.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Randomness as a parameter: a fresh generator for one act (a secret, a link, a month's noise).
pub type Entropy = Arc<dyn Fn() -> Box<dyn rand_core::CryptoRng + Send> + Send + Sync>;
