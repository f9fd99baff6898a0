//! `/sign-in/code`: the second step, after the secret.

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use tower_sessions::Session;

use super::token::recovery_digest;
use super::{Act, Answer, Change, Keep, Peer, WRONG_CODES, address, totp, unavailable};
use crate::components::{Button, Details, ErrorSummary, Field, PostForm, TextInput};
use crate::html::Html;
use crate::page::Page;
use crate::people::{PeopleError, PersonRecord, see_other};
use crate::problem::ProblemPage;
use crate::secret::Secret;
use crate::session;
use crate::sign_in::{local, too_many};
use crate::throttle::Caller;

pub(super) fn router() -> Router<Keep> {
    Router::new().route("/sign-in/code", get(form).post(check))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Attempt {
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery: String,
    #[serde(default)]
    next: String,
}

async fn half(keep: &Keep, session: &Session) -> Result<Option<PersonRecord>, PeopleError> {
    session::half(session, &keep.checker.people, keep.now()).await
}

async fn form(State(keep): State<Keep>, session: Session, Query(wanted): Query<Wanted>) -> Answer {
    let next = local(&wanted.next);
    Ok(match half(&keep, &session).await.map_err(unavailable)? {
        Some(_) => page(next, None),
        None => see_other("/sign-in"),
    })
}

async fn check(
    State(keep): State<Keep>,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(attempt): Form<Attempt>,
) -> Answer {
    let next = local(&attempt.next);
    let Some(person) = half(&keep, &session).await.map_err(unavailable)? else {
        return Ok(see_other("/sign-in"));
    };
    let (code, recovery) = (attempt.code.trim(), attempt.recovery.trim());
    if code.is_empty() && recovery.is_empty() {
        return Ok(page(
            next,
            Some(("code", "Enter the six digits that your phone shows")),
        ));
    }
    let caller = Caller {
        name: &person.name,
        address: address(&peer),
        browser: None,
    };
    if let Some(wait) = keep.checker.codes.wait(caller, keep.now()) {
        return Ok(too_many(wait));
    }
    keep.checker.codes.attempt(caller, keep.now());
    let looked = if recovery.is_empty() {
        phone(&keep, &person.name, code).await
    } else {
        spent(&keep, &person.name, recovery).await
    };
    let right = looked.inspect_err(|_| {
        // Nobody tells whether it was right: the store's trouble locks no name.
        keep.checker.codes.take_back(caller);
    })?;
    if right {
        // Many people sign in behind one address.
        keep.checker.codes.succeeded(caller);
        keep.checker.codes.forgive(&person.name);
        return keep.open(&session, &headers, &person, next).await;
    }
    if keep.checker.codes.failures_today(&person.name) >= WRONG_CODES {
        // Whoever this is knows the secret: only a person who looks after people opens the name again.
        let change = Change::Lock {
            name: &person.name,
            careful: false,
        };
        keep.change(change, "sign-in").await?;
        tracing::warn!("a name was locked after too many wrong codes");
        return Ok(see_other("/sign-in"));
    }
    let error = if recovery.is_empty() {
        (
            "code",
            "This is not the code of this moment, or it was used before. Wait for the next one and type that",
        )
    } else {
        (
            "recovery",
            "This is none of your recovery codes, or it was used before",
        )
    };
    Ok(page(next, Some(error)))
}

/// Whether this is a code that the phone shows now and that was not used before.
async fn phone(keep: &Keep, name: &str, code: &str) -> Result<bool, ProblemPage> {
    let second = keep.accounts.second_step(name).await;
    let Some(second) = second.map_err(unavailable)? else {
        return Ok(false);
    };
    match totp::accepted(&second.key, code, keep.phones_now(), second.step) {
        Some(step) => {
            let change = Change::Code { name, step };
            Ok(keep.change(change, name).await? == Act::Done)
        }
        None => Ok(false),
    }
}

/// Whether this is a recovery code of theirs, which is used up now.
async fn spent(keep: &Keep, name: &str, recovery: &str) -> Result<bool, ProblemPage> {
    let change = Change::RecoveryCode {
        name,
        code: recovery_digest(&Secret::typed(recovery)),
    };
    Ok(keep.change(change, name).await? == Act::Done)
}

fn page(next: &str, error: Option<(&'static str, &'static str)>) -> Response {
    let of = |field: &str| error.filter(|(at, _)| *at == field).map(|(_, error)| error);
    let code = Field::new("code", "Code of your phone")
        .hint("The six digits that your authenticator app shows for this site")
        .error_if(of("code"));
    let form = PostForm::to("/sign-in/code")
        .hidden("next", next)
        .with(
            TextInput::new(code)
                .numeric()
                .autocomplete("one-time-code")
                .width(10),
        )
        .with(Button::new("Continue"));
    let recovery = Field::new("recovery", "Recovery code")
        .hint("Sixteen letters and digits in groups of four. Each works once")
        .error_if(of("recovery"));
    let other = PostForm::to("/sign-in/code")
        .hidden("next", next)
        .with(TextInput::new(recovery).autocomplete("off").width(20))
        .with(Button::new("Continue with a recovery code").secondary());
    let mut lost = Details::new("I do not have my phone", other);
    if of("recovery").is_some() {
        lost = lost.open();
    }
    let mut summary = ErrorSummary::new();
    if let Some((field, error)) = error {
        summary = summary.error(field, error);
    }
    Page::new("Enter the code of your phone")
        .caption("Sign in, second step")
        .errors(summary)
        .body(Html::concat([form.into(), lost.into()]))
        .into_response()
}
