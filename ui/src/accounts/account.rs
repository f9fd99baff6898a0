//! `/account`: what a person keeps here themselves. The secret and the sessions; second step and tokens have files of their own.

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::Session;

use super::looks::{heading, moment};
use super::{
    Act, Answer, Change, Keep, Peer, Proof, SecondStep, gone, session_fault, tokens, unavailable,
};
use crate::components::{
    Button, ErrorSummary, Field, Notification, PostForm, SummaryList, Table, Tag, TagColour,
    TextInput,
};
use crate::html::Html;
use crate::oidc;
use crate::page::{Link, Page};
use crate::people::{SignedIn, see_other};
use crate::problem::ProblemPage;
use crate::secret::{self, Secret};
use crate::session;
use crate::sign_in::no_secrets;

pub(super) fn router() -> Router<Keep> {
    Router::new()
        .route("/account", get(account))
        .route("/account/secret", get(secret_form).post(change_secret))
        .route("/account/sessions/end", post(end_sessions))
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn account(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    Query(done): Query<Done>,
) -> Answer {
    let name = &person.name;
    let second = keep.accounts.second_step(name).await.map_err(unavailable)?;
    let roles = keep.accounts.roles();
    let role = roles
        .iter()
        .find(|words| words.role == person.role.as_str());
    let mut facts = SummaryList::new().fact("Name", name.clone()).fact(
        "Role",
        role.map_or(person.role.as_str(), |words| words.title),
    );
    if let Some(words) = role {
        facts = facts.fact("What you do", words.does);
    }
    if let Some(organisation) = &person.organisation {
        facts = facts.fact("Organisation", organisation.name.clone());
    }
    let facts = ways_in(&keep, facts, name, second.as_ref()).await?;
    let facts = match &keep.service {
        Some(service) => facts.fact_with(
            "Sign-in service",
            service.name().to_owned(),
            Link::new("Connect or disconnect", oidc::MINE),
        ),
        None => facts,
    };
    let mut body = vec![
        facts.into(),
        heading("Where you are signed in"),
        sessions(&keep.sessions.of(name, session.id())),
    ];
    if let Some(held) = keep.accounts.tokens() {
        let held = held.of(name).await.map_err(unavailable)?;
        body.push(heading("Tokens of your programs"));
        body.push(tokens::list(&held, keep.now()));
    }
    let mut page = Page::new("Your account").body(Html::concat(body));
    if let Some(words) = said(&done.done) {
        page = page.notice(Notification::done(words));
    }
    Ok(page.into_response())
}

/// What of the secret opens something: nothing is said of a second step to those whom no secret lets in.
async fn ways_in(
    keep: &Keep,
    facts: SummaryList,
    name: &str,
    second: Option<&SecondStep>,
) -> Result<SummaryList, ProblemPage> {
    if !keep.takes_secrets() {
        return Ok(facts);
    }
    let record = keep.checker.people.find_boxed(name).await;
    let record = record.map_err(unavailable)?;
    if record.is_none_or(|record| record.secret_hash.is_none()) {
        let choose = Link::new("Choose one", "/account/secret");
        return Ok(facts.fact_with("Secret", "You have none", choose));
    }
    let step: Html = match second {
        Some(second) => Html::concat([
            Tag::coloured("On", TagColour::Green).into(),
            format!(" {} of your recovery codes are left", second.codes).into(),
        ]),
        None => Tag::coloured("Off", TagColour::Grey).into(),
    };
    let change = |path: &str| Link::new("Change", path);
    Ok(facts
        .fact_with("Secret", "Known to you alone", change("/account/secret"))
        .fact_with("Second step", step, change("/account/second-step")))
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "secret" => "Your secret is changed, and you are signed out everywhere else",
        "second-step-ended" => "Signing in asks for your secret alone again",
        "sessions" => "Ended",
        "token-ended" => "The token opens nothing any more",
        _ => return None,
    })
}

fn sessions(listed: &[session::Listed]) -> Html {
    let rows = listed.iter().map(|one| {
        let act: Html = if one.this {
            "This browser".into()
        } else {
            PostForm::to("/account/sessions/end")
                .hidden("session", one.handle.clone())
                .with(Button::new("Sign out there").secondary())
                .into()
        };
        [
            Html::from(one.browser.clone()),
            moment(one.opened).into(),
            moment(one.used).into(),
            act,
        ]
    });
    let table = Table::new("Where you are signed in")
        .caption_hidden()
        .columns(["Browser", "Since", "Last used", "End it"])
        .rows(rows);
    let mut pieces = vec![Html::from(table)];
    if listed.len() > 1 {
        let all = PostForm::to("/account/sessions/end")
            .hidden("session", "others")
            .with(Button::new("Sign out everywhere else").secondary());
        pieces.push(all.into());
    }
    pieces.push(Html::paragraph(
        "A session ends after half an hour without use, after twelve hours, and when the server is started anew.",
    ));
    Html::concat(pieces)
}

#[derive(Deserialize)]
struct Which {
    session: String,
}

async fn end_sessions(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    Form(which): Form<Which>,
) -> Response {
    let all = which.session == "others";
    keep.sessions
        .end(&person.name, session.id(), |handle, this| {
            !this && (all || handle == which.session)
        });
    see_other("/account?done=sessions")
}

#[derive(Deserialize)]
struct NewSecret {
    #[serde(default)]
    secret: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
}

const SECRET: &str = "/account/secret";

/// How the person shows that it is they, or the page in the place of the form.
async fn asked(
    keep: &Keep,
    person: &SignedIn,
    session: &Session,
) -> Result<Result<Proof, Page>, ProblemPage> {
    if !keep.takes_secrets() {
        return Err(no_secrets());
    }
    let proof = keep.proof(person, session).await?;
    Ok(match proof.first("Choose a secret", SECRET) {
        Some(page) => Err(page),
        None => Ok(proof),
    })
}

async fn secret_form(State(keep): State<Keep>, person: SignedIn, session: Session) -> Answer {
    Ok(match asked(&keep, &person, &session).await? {
        Ok(proof) => secret_page(&proof, &[]).into_response(),
        Err(page) => page.into_response(),
    })
}

fn secret_page(proof: &Proof, errors: &[(&'static str, String)]) -> Page {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let (title, button) = match proof {
        Proof::Secret => ("Change your secret", "Change my secret"),
        Proof::Service { .. } => ("Choose a secret", "Set my secret"),
    };
    let new = Field::new("new", "Your new secret")
        .hint(secret::RULE)
        .error_if(error("new"));
    let again = Field::new("again", "The new one again").error_if(error("again"));
    let form = PostForm::to(SECRET)
        .with(proof.field("The one that you sign in with today", error("secret")))
        .with(TextInput::new(new).password().autocomplete("new-password"))
        .with(
            TextInput::new(again)
                .password()
                .autocomplete("new-password"),
        )
        .with(Button::new(button));
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    Page::new(title)
        .breadcrumb("Your account", "/account")
        .errors(summary)
        .body(form)
}

async fn change_secret(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(typed): Form<NewSecret>,
) -> Answer {
    let proof = match asked(&keep, &person, &session).await? {
        Ok(proof) => proof,
        Err(page) => return Ok(page.into_response()),
    };
    let refused =
        |proof: &Proof, field, why| Ok(secret_page(proof, &[(field, why)]).into_response());
    let new = match Secret::chosen(&typed.new, &typed.again, &person.name) {
        Ok(new) => new,
        Err(("secret", why)) => return refused(&proof, "new", why.to_owned()),
        Err((field, why)) => return refused(&proof, field, why.to_owned()),
    };
    if let Err(why) = keep
        .confirm(&person, proof, &typed.secret, &peer, &headers)
        .await?
    {
        return refused(&Proof::Secret, "secret", why);
    }
    let hash = keep.hashed(new).await?;
    let change = Change::Secret {
        name: &person.name,
        secret_hash: &hash,
    };
    if keep.change(change, &person.name).await? != Act::Done {
        return Err(gone("There is nobody with your name."));
    }
    // Every session was opened with the old secret and ended with it; this one goes on under the new one.
    let record = keep.checker.people.find_boxed(&person.name).await;
    let record = record.map_err(unavailable)?;
    let record = record.ok_or_else(|| gone("There is nobody with your name."))?;
    session::sign_in(&session, &record, session::family(&headers))
        .await
        .map_err(session_fault)?;
    Ok(see_other("/account?done=secret"))
}
