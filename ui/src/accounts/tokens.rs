//! Tokens with which a person's programs prove themselves.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tower_sessions::Session;

use super::looks::{moment, shown_once};
use super::{
    Act, Answer, By, Keep, ListedToken, Peer, Proof, TOKEN_PREFIX, Token, Tokens, gone, once,
    unavailable,
};
use crate::components::{
    Button, Choice, ErrorSummary, Field, Notification, PostForm, Radios, Table, Tag, TagColour,
    TextInput, Warning,
};
use crate::html::Html;
use crate::page::Page;
use crate::people::{SignedIn, see_other};
use crate::problem::ProblemPage;

const NEW: &str = "/account/tokens/new";

/// Days for which a token may hold.
const DAYS: [(i64, &str); 3] = [(30, "30 days"), (90, "90 days"), (365, "A year")];
const LABEL_CHARACTERS: usize = 80;
/// More than anybody's programs need.
const MOST: usize = 20;

pub(super) fn router() -> Router<Keep> {
    Router::new()
        .route(NEW, get(form).post(make))
        .route("/account/tokens/{id}/end", post(end))
}

/// Where tokens are kept: these pages are there only on a site that keeps some.
fn kept(keep: &Keep) -> Result<&dyn Tokens, ProblemPage> {
    keep.accounts.tokens().ok_or_else(ProblemPage::not_found)
}

/// The list on the page of the account.
pub(super) fn list(tokens: &[ListedToken], now: Timestamp) -> Html {
    let about = Html::paragraph(
        "A program of yours proves itself with a token instead of your secret. It may do what you may, until it ends or you end it here.",
    );
    let button = Button::link("Make a token", NEW).secondary();
    if tokens.is_empty() {
        return Html::concat([about, button.into()]);
    }
    let rows = tokens.iter().map(|token| {
        let used = token.used.map_or_else(
            || "never".to_owned(),
            |day| day.strftime("%-d %B %Y").to_string(),
        );
        let ends: Html = if token.expires_at <= now {
            Tag::coloured("Over", TagColour::Grey).into()
        } else {
            moment(token.expires_at).into()
        };
        [
            Html::from(token.label.clone()),
            moment(token.made_at).into(),
            used.into(),
            ends,
            PostForm::to(format!("/account/tokens/{}/end", token.id))
                .with(Button::new("End").secondary())
                .into(),
        ]
    });
    let table = Table::new("Tokens of your programs")
        .caption_hidden()
        .columns(["For", "Made", "Last used", "Ends", "End it"])
        .rows(rows);
    Html::concat([about, table.into(), button.into()])
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    label: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    secret: String,
}

const MAKE: &str = "Make a token for a program";

async fn form(State(keep): State<Keep>, person: SignedIn, session: Session) -> Answer {
    let proof = keep.proof(&person, &session).await?;
    if let Some(page) = proof.first(MAKE, NEW) {
        return Ok(page.into_response());
    }
    let new = New {
        label: String::new(),
        days: "90".into(),
        secret: String::new(),
    };
    Ok(page(&proof, &new, &[]).into_response())
}

fn page(proof: &Proof, new: &New, errors: &[(&'static str, String)]) -> Page {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let label = Field::new("label", "What is it for?")
        .hint("For your own list, for example: nightly upload of the college")
        .value(new.label.clone())
        .error_if(error("label"));
    let days = Field::new("days", "How long should it hold?")
        .hint("A short time is safer; you can make a new one whenever you like")
        .value(new.days.clone())
        .error_if(error("days"));
    let choices = DAYS.map(|(days, words)| Choice::new(days.to_string(), words));
    let form = PostForm::to(NEW)
        .with(TextInput::new(label).width(30))
        .with(Radios::new(days, choices))
        .with(proof.field("To make sure that it is you", error("secret")))
        .with(Button::new("Make the token"));
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    Page::new(MAKE)
        .breadcrumb("Your account", "/account")
        .errors(summary)
        .body(form)
}

async fn make(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(new): Form<New>,
) -> Answer {
    let proof = keep.proof(&person, &session).await?;
    if let Some(page) = proof.first(MAKE, NEW) {
        return Ok(page.into_response());
    }
    let label = new.label.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut errors = Vec::new();
    if label.is_empty() || label.chars().count() > LABEL_CHARACTERS {
        let why = format!("Say what it is for, in 1 to {LABEL_CHARACTERS} characters");
        errors.push(("label", why));
    }
    let days = DAYS.iter().find(|(days, _)| days.to_string() == new.days);
    if days.is_none() {
        errors.push(("days", "Choose how long it should hold".to_owned()));
    }
    let tokens = kept(&keep)?;
    if tokens.of(&person.name).await.map_err(unavailable)?.len() >= MOST {
        let why = format!("You have {MOST} tokens. End one on the page Your account first");
        errors.push(("label", why));
    }
    let Some((days, _)) = days.filter(|_| errors.is_empty()) else {
        return Ok(page(&proof, &new, &errors).into_response());
    };
    let confirmed = keep.confirm(&person, proof, &new.secret, &peer, &headers);
    if let Err(why) = confirmed.await? {
        return Ok(page(&Proof::Secret, &new, &[("secret", why)]).into_response());
    }
    let token = Token::draw(&mut (keep.entropy)());
    let now = keep.now();
    let expires = now + SignedDuration::from_hours(24 * days);
    let by = By {
        who: &person.name,
        now,
    };
    let added = tokens.keep(&label, token.digest(), expires, by);
    if added.await.map_err(unavailable)? != Act::Done {
        return Err(gone("There is nobody with your name."));
    }
    Ok(shown(&label, &token, expires))
}

fn shown(label: &str, token: &Token, expires: Timestamp) -> Response {
    let text = format!("{TOKEN_PREFIX}{}", token.reveal());
    let page = Page::new("Your new token")
        .breadcrumb("Your account", "/account")
        .notice(Notification::done(format!("The token for \u{201c}{label}\u{201d} is made")))
        .body(Html::concat([
            Warning::new("It is shown only this once. Whoever has it may do what you may.").into(),
            shown_once(&text),
            Html::paragraph(&format!(
                "The program sends it in the header Authorization, as the word Bearer, a space and the token. It ends on {}.",
                moment(expires)
            )),
            Button::link("I have kept it", "/account").into(),
        ]));
    once(page)
}

async fn end(State(keep): State<Keep>, person: SignedIn, Path(id): Path<String>) -> Answer {
    let none = || gone("You have no such token.");
    let id: i64 = id.parse().map_err(|_| none())?;
    let by = By {
        who: &person.name,
        now: keep.now(),
    };
    let ended = kept(&keep)?.end(id, by);
    match ended.await.map_err(unavailable)? {
        Act::Done => Ok(see_other("/account?done=token-ended")),
        _ => Err(none()),
    }
}
