//! Which accounts at the service are whose: what people connect and disconnect themselves, and what administrators do for them.

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::CONNECT;
use super::attempt::{LIFE, Purpose};
use super::pages::{self, Draft};
use super::routes::{Way, store_trouble};
use super::subject::{Binding, Claim, Subject};
use super::trouble::Trouble;
use crate::accounts::{Peer, Proof};
use crate::page::Page;
use crate::people::{PeopleError, SignedIn};
use crate::problem::ProblemPage;
use crate::session;

/// What a hidden field of the confirmation holds: only for whom it was made, and not for long.
#[derive(Serialize, Deserialize)]
struct Proposal {
    person: String,
    subject: Subject,
    at: i64,
}

impl Way {
    /// The page in the place of connecting, for somebody who has to show first that it is they.
    async fn first(
        &self,
        person: &SignedIn,
        session: &Session,
    ) -> Result<Option<Page>, ProblemPage> {
        let proof = self.desk.proof(person, session).await?;
        Ok(proof.first("Connect an account", CONNECT))
    }

    pub(super) async fn propose(
        &self,
        session: &Session,
        person: &SignedIn,
        subject: Subject,
    ) -> Response {
        let proposal = Proposal {
            person: person.name.clone(),
            subject,
            at: (self.open.clock)().as_second(),
        };
        let field = self.open.seal.close(&proposal);
        match self.desk.proof(person, session).await {
            Ok(proof) => self.asks(&proposal, &field, &proof, None),
            Err(refused) => refused.into_response(),
        }
    }

    fn asks(
        &self,
        proposal: &Proposal,
        field: &str,
        proof: &Proof,
        error: Option<String>,
    ) -> Response {
        let name = &self.open.service.config.name;
        let (person, subject) = (&proposal.person, &proposal.subject);
        pages::confirm(person, subject, name, field, proof, error).into_response()
    }

    async fn mine(&self, person: &SignedIn, done: Option<&str>) -> Response {
        match self.open.subjects.all().await {
            Ok(mut all) => {
                all.retain(|one| one.person == person.name);
                let name = &self.open.service.config.name;
                pages::mine(&all, name, self.open.takes_secrets(), done).into_response()
            }
            Err(error) => store_trouble(&error),
        }
    }

    async fn everybody(&self, draft: &Draft, done: Option<&str>) -> Response {
        let config = &self.open.service.config;
        match self.open.subjects.all().await {
            Ok(all) => {
                pages::people(&all, &config.issuer, config.claim, draft, done).into_response()
            }
            Err(error) => store_trouble(&error),
        }
    }

    async fn unbind(&self, name: &str, chosen: &Chosen, by: &str) -> Result<bool, PeopleError> {
        let Some(subject) = chosen.subject() else {
            return Ok(false);
        };
        let now = (self.open.clock)();
        self.open.subjects.unbind(name, &subject, by, now).await
    }
}

pub(super) async fn leave(State(way): State<Way>, person: SignedIn, session: Session) -> Response {
    match way.first(&person, &session).await {
        Ok(None) => way.leave(Purpose::Connect(person.name)).await,
        Ok(Some(page)) => page.into_response(),
        Err(refused) => refused.into_response(),
    }
}

pub(super) async fn mine(State(way): State<Way>, person: SignedIn) -> Response {
    way.mine(&person, None).await
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    proposal: String,
    #[serde(default)]
    secret: String,
}

pub(super) async fn connect(
    State(way): State<Way>,
    person: SignedIn,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(sent): Form<Confirmed>,
) -> Response {
    let now = (way.open.clock)();
    let proposal: Option<Proposal> = way.open.seal.open(&sent.proposal);
    let Some(proposal) = proposal.filter(|one| {
        let age = now.as_second().saturating_sub(one.at);
        one.person == person.name && age <= LIFE.as_secs()
    }) else {
        return Trouble::Late.respond(&way.open.service.config.name);
    };
    let proof = match way.desk.proof(&person, &session).await {
        Ok(proof) => proof,
        Err(refused) => return refused.into_response(),
    };
    if let Some(page) = proof.first("Connect an account", CONNECT) {
        return page.into_response();
    }
    let confirmed = way
        .desk
        .confirm(&person, proof, &sent.secret, &peer, &headers);
    match confirmed.await {
        Ok(Ok(_)) => {}
        Ok(Err(why)) => return way.asks(&proposal, &sent.proposal, &Proof::Secret, Some(why)),
        Err(refused) => return refused.into_response(),
    }
    let bound = way
        .open
        .subjects
        .bind(&person.name, &proposal.subject, &person.name, now)
        .await;
    match bound {
        Ok(Binding::Noted) => way.mine(&person, Some("The account is connected")).await,
        Ok(Binding::Taken) => taken().into_response(),
        Ok(Binding::Nobody) => ProblemPage::not_found().into_response(),
        Err(error) => store_trouble(&error),
    }
}

pub(super) fn taken() -> ProblemPage {
    ProblemPage::new(
        StatusCode::CONFLICT,
        "account_taken",
        "Somebody else signs in with this account",
    )
    .happened("The account at the service is connected with another name of this site. Nothing was changed.")
    .next("Use your own account at the service, or ask the person who runs this site to disconnect it from the other name.")
}

/// A subject in the fields of a form.
#[derive(Deserialize)]
pub(super) struct Chosen {
    issuer: String,
    claim: String,
    value: String,
}

impl Chosen {
    fn subject(&self) -> Option<Subject> {
        Subject::new(&self.issuer, Claim::named(&self.claim)?, &self.value)
    }
}

pub(super) async fn disconnect(
    State(way): State<Way>,
    person: SignedIn,
    session: Session,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Response {
    match way.unbind(&person.name, &chosen, &person.name).await {
        Ok(true) => {}
        Ok(false) => return ProblemPage::not_found().into_response(),
        Err(error) => return store_trouble(&error),
    }
    // Every session ended with it; the one that asked goes on.
    let record = match way.desk.checker.people.find_boxed(&person.name).await {
        Ok(Some(record)) => record,
        Ok(None) => return ProblemPage::not_found().into_response(),
        Err(error) => return store_trouble(&error),
    };
    if let Err(error) = session::sign_in(&session, &record, session::family(&headers)).await {
        tracing::error!(%error, "a session could not be opened");
        return ProblemPage::fault().into_response();
    }
    let done = "The account is disconnected, and you are signed out everywhere else";
    way.mine(&person, Some(done)).await
}

pub(super) async fn everybody(State(way): State<Way>) -> Response {
    way.everybody(&Draft::default(), None).await
}

#[derive(Deserialize)]
pub(super) struct Change {
    what: String,
    person: String,
    value: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    claim: String,
}

pub(super) async fn change(
    State(way): State<Way>,
    by: SignedIn,
    Form(sent): Form<Change>,
) -> Response {
    if sent.what == "disconnect" {
        let chosen = Chosen {
            issuer: sent.issuer,
            claim: sent.claim,
            value: sent.value,
        };
        return match way.unbind(&sent.person, &chosen, &by.name).await {
            Ok(true) => {
                let done = format!(
                    "{} is disconnected, and their sessions have ended",
                    sent.person
                );
                way.everybody(&Draft::default(), Some(&done)).await
            }
            Ok(false) => ProblemPage::not_found().into_response(),
            Err(error) => store_trouble(&error),
        };
    }
    let config = &way.open.service.config;
    let mut draft = Draft {
        person: sent.person.trim().to_owned(),
        value: sent.value.trim().to_owned(),
        errors: Vec::new(),
    };
    let subject = Subject::new(&config.issuer, config.claim, &draft.value);
    let Some(subject) = subject else {
        let error = "Enter what the service calls the person, 1 to 255 characters";
        draft.errors.push(("value", error.to_owned()));
        return way.everybody(&draft, None).await;
    };
    let now = (way.open.clock)();
    let bound = way
        .open
        .subjects
        .bind(&draft.person, &subject, &by.name, now)
        .await;
    let (field, error) = match bound {
        Ok(Binding::Noted) => {
            let done = format!("{} signs in with this account now", draft.person);
            return way.everybody(&Draft::default(), Some(&done)).await;
        }
        Ok(Binding::Nobody) => (
            "person",
            "Nobody has this name here. Write it exactly as in the list of people",
        ),
        Ok(Binding::Taken) => (
            "value",
            "Somebody else signs in with this account. Disconnect it from them first",
        ),
        Err(error) => return store_trouble(&error),
    };
    draft.errors.push((field, error.to_owned()));
    way.everybody(&draft, None).await
}
