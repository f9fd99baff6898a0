//! How somebody who is signed in shows that it is they, before something that outlasts the session.

use axum::http::HeaderMap;
use tower_sessions::Session;

use super::desk::{Desk, Peer, address, gone, minutes, session_fault, unavailable};
use super::looks;
use crate::checker::Verdict;
use crate::components::Button;
use crate::html::Html;
use crate::page::Page;
use crate::people::{PersonRecord, SignedIn};
use crate::problem::ProblemPage;
use crate::secret::Secret;
use crate::throttle::Caller;
use crate::{oidc, session};

impl Desk {
    /// How a signed-in person shows that it is they, before something that outlasts the session.
    pub(crate) async fn proof(
        &self,
        person: &SignedIn,
        session: &Session,
    ) -> Result<Proof, ProblemPage> {
        let found = self.checker.people.find_boxed(&person.name).await;
        let record = found
            .map_err(unavailable)?
            .ok_or_else(|| gone("There is nobody with your name."))?;
        let has_secret = self.takes_secrets() && record.secret_hash.is_some();
        Ok(match &self.service {
            Some(service) if !has_secret => Proof::Service {
                name: service.name().to_owned(),
                shown: session::is_shown(session, self.now())
                    .await
                    .map_err(session_fault)?,
                record,
            },
            _ => Proof::Secret,
        })
    }

    /// Whether it is they: what they typed is their secret, or they have shown it at the service.
    pub(crate) async fn confirm(
        &self,
        person: &SignedIn,
        proof: Proof,
        typed: &str,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Result<Result<PersonRecord, String>, ProblemPage> {
        match proof {
            Proof::Service {
                shown: true,
                record,
                ..
            } => return Ok(Ok(record)),
            Proof::Service { name, .. } => {
                return Ok(Err(format!("Show at {name} first that it is you")));
            }
            Proof::Secret => {}
        }
        if typed.trim().is_empty() {
            return Ok(Err("Enter your secret".into()));
        }
        let browser = self.known_browser(&person.name, headers).await;
        let caller = Caller {
            name: &person.name,
            address: address(peer),
            browser: browser.map_err(unavailable)?,
        };
        let verdict = self.checker.typed(caller, Secret::typed(typed)).await;
        Ok(match verdict.map_err(unavailable)? {
            Verdict::Right(record) => Ok(record),
            Verdict::Wrong => Err("This is not your secret. Check it and try again".into()),
            Verdict::Wait(wait) => Err(format!(
                "After several wrong attempts your secret is not looked at for another {}",
                minutes(wait)
            )),
        })
    }
}

/// How a signed-in person shows that it is they.
pub(crate) enum Proof {
    /// They type their secret.
    Secret,
    /// No secret of theirs opens anything here: they sign in once more with the account that is connected.
    Service {
        /// What people call the service.
        name: String,
        /// They did so just now.
        shown: bool,
        record: PersonRecord,
    },
}

impl Proof {
    /// The field of a form that asks for the secret, with why it asks and what was wrong; nothing where it was shown at the service.
    pub(crate) fn field(&self, why: &str, error: Option<String>) -> Html {
        match self {
            Self::Secret => looks::present_secret(why, error),
            Self::Service { .. } => Html::default(),
        }
    }

    /// The page in the place of one that asks, called `title` and at `path`, for those who have to go to the service first.
    pub(crate) fn first(&self, title: &str, path: &str) -> Option<Page> {
        let Self::Service {
            name, shown: false, ..
        } = self
        else {
            return None;
        };
        let why = Html::paragraph(&format!(
            "What you do here outlasts your session, so show first that it is you: sign in to {name} once more, with the account that is connected \
             with your name. Whoever else finds this browser open cannot. It holds for ten minutes.",
        ));
        let go = Button::link(format!("Continue with {name}"), oidc::again(path));
        let page = Page::new(title.to_owned()).breadcrumb("Your account", "/account");
        Some(page.body(Html::concat([why, go.into()])))
    }
}
