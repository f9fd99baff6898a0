//! Signing in with an account at a sign-in service: OpenID Connect Core 1.0, authorization code flow (section 3.1) with PKCE
//! (RFC 7636, `S256`).
//!
//! Nobody gets an account here by having one there. A person is known by a [`Subject`] that an administrator noted, or that the
//! person connected from a session of their own; whoever else comes back from the service sees a page that says what to send to
//! the administrator.
//!
//! The way of one sign-in: `/sign-in/with` leaves a cookie (`attempt`) and goes to the service; `/sign-in/back` matches cookie,
//! state and issuer (RFC 9207), gives the code for an ID token (`provider`), believes it or not (`token`), looks the subject
//! up (`subject`) and opens the same session as a secret does. No token is kept or logged. Signing out ends the session here, and a page
//! then offers to end the one at the service too (OpenID Connect RP-Initiated Logout 1.0), which is for the person to decide: it may be
//! the one that everything else on their desk hangs on.

mod attempt;
mod config;
mod connecting;
mod fetch;
mod keys;
mod links;
mod pages;
mod provider;
mod routes;
mod subject;
mod token;
mod trouble;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::share::Shares;
use crate::{Access, Clock, Html, Rule, components};

pub use config::{Config, ConfigError};
pub(crate) use routes::router;
pub use subject::{Binding, Bound, Claim, Meant, Subject, Subjects};

/// Where people leave for the service.
const WITH: &str = "/sign-in/with";
/// Where the service sends them back to: what its administrators enter as redirect URI, behind the site's public address.
pub const BACK: &str = "/sign-in/back";
/// How a signed-in person signs in.
pub const MINE: &str = "/sign-in/mine";
/// Where a signed-in person leaves for the service, and where they confirm who they are there.
pub(crate) const CONNECT: &str = "/sign-in/connect";
/// Where a signed-in person without a secret leaves to show that it is still they.
const AGAIN: &str = "/sign-in/again";
/// Where whoever opened a set-up link says that the account is theirs.
const WELCOME: &str = "/sign-in/welcome";
/// Where a signed-in person takes that back.
const DISCONNECT: &str = "/sign-in/disconnect";
/// Everybody's subjects, for administrators.
pub const PEOPLE: &str = "/sign-in/people";

/// Where somebody who came by the service is when they have signed out here.
pub(crate) const OUT: &str = "/sign-in/out";
/// Where the service sends people whom it has signed out: what its administrators enter as post-logout redirect URI, behind the site's public
/// address (OpenID Connect RP-Initiated Logout 1.0, section 3).
const OUT_THERE: &str = "/sign-in/out/there";

/// Codes that are given for tokens at a time.
const QUESTIONS: usize = 32;
/// And of those from one address.
const QUESTIONS_OF_ONE: usize = 8;

/// Where somebody who opened a set-up link leaves for the service: the link's token, and the name of the first of those who look after people.
pub(crate) fn welcome(token: &str, name: &str) -> String {
    let encoded = crate::people::percent_encode;
    format!("{WITH}?welcome={}&name={}", encoded(token), encoded(name))
}

/// Where a signed-in person without a secret leaves to show that it is still they, and comes back to `next`.
pub(crate) fn again(next: &str) -> String {
    format!("{AGAIN}?next={}", crate::people::percent_encode(next))
}

/// A site's sign-in service.
pub struct OpenId {
    service: provider::Service,
    seal: attempt::Seal,
    subjects: Arc<dyn Subjects>,
    /// Questions to the service under way: no more at a time for one address, and for all. A code cannot be guessed (state, nonce and PKCE), so
    /// failures are not counted, and nobody closes the button for others who sit behind the same address.
    shares: Shares,
    questions: Semaphore,
    clock: Clock,
    admins: &'static [&'static str],
}

impl OpenId {
    /// The service of `config` for the site at `public_origin` (`https://host[:port]`). Nothing is asked over the network yet: a
    /// service that is down keeps nobody from starting this site.
    ///
    /// `key` is drawn at random at each start. People of the roles `admins` note who is whom at [`PEOPLE`].
    ///
    /// # Errors
    /// [`ConfigError`] for a value or a file that cannot be used.
    pub fn new(
        config: Config,
        public_origin: &str,
        clock: Clock,
        key: [u8; 32],
        subjects: impl Subjects,
        admins: &'static [&'static str],
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            service: provider::Service::new(config, public_origin, clock.clone())?,
            seal: attempt::Seal::new(key),
            subjects: Arc::new(subjects),
            shares: Shares::new(QUESTIONS_OF_ONE),
            questions: Semaphore::new(QUESTIONS),
            clock,
            admins,
        })
    }

    /// Whether secrets of people open anything here.
    pub(crate) fn takes_secrets(&self) -> bool {
        !self.service.config.required
    }

    /// What people call the service.
    pub(crate) fn name(&self) -> &str {
        &self.service.config.name
    }

    /// What stands above the form for a secret, or in its place.
    pub(crate) fn button(&self, next: &str) -> Html {
        let name = self.name();
        let href = format!("{WITH}?next={}", crate::people::percent_encode(next));
        let button = components::Button::link(format!("Sign in with {name}"), href);
        if self.takes_secrets() {
            let other = Html::literal("<h2 class=\"govuk-heading-m\">Or with your secret</h2>");
            Html::concat([button.into(), other])
        } else {
            button.into()
        }
    }

    /// Who may use the routes of [`router`].
    pub(crate) fn rules(&self) -> [Rule; 12] {
        let admins = Access::Roles(self.admins);
        [
            Rule::get(WITH, Access::Public),
            Rule::get(BACK, Access::Public),
            Rule::get(MINE, Access::SignedIn),
            Rule::get(CONNECT, Access::SignedIn),
            Rule::post(CONNECT, Access::SignedIn),
            Rule::get(AGAIN, Access::SignedIn),
            Rule::post(WELCOME, Access::Public),
            Rule::post(DISCONNECT, Access::SignedIn),
            Rule::get(PEOPLE, admins),
            Rule::post(PEOPLE, admins),
            Rule::get(OUT, Access::Public),
            Rule::get(OUT_THERE, Access::Public),
        ]
    }
}
