//! `/welcome/{token}`: a one-time link on which a person chooses their own secret.
//!
//! Opening the page uses nothing up, because mail programs open links by themselves; sending its form does.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tower_sessions::Session;

use super::looks::{moment, shown_once};
use super::{Act, Answer, Change, Chosen, Keep, SetUp, Token, is_free_name, once, unavailable};
use crate::components::{Button, Details, ErrorSummary, Field, PostForm, TextInput};
use crate::html::Html;
use crate::oidc;
use crate::page::Page;
use crate::problem::ProblemPage;
use crate::secret::{self, Secret};

pub(super) fn router() -> Router<Keep> {
    Router::new().route("/welcome/{token}", get(form).post(choose))
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    again: String,
}

/// The fields with something wrong, and what.
type Errors = Vec<(&'static str, String)>;

/// The link was used, is too old, or was replaced.
pub(crate) fn over() -> ProblemPage {
    ProblemPage::new(StatusCode::GONE, "link_over", "This link opens nothing any more")
        .happened("A set-up link works once and for seven days. This one was used, is older, or was replaced by a newer one.")
        .next("If you have used it before, sign in. Otherwise ask the person who gave it to you for a new one.")
}

async fn opened(keep: &Keep, token: &str) -> Result<(Token, SetUp), ProblemPage> {
    let token = Token::sent(token).ok_or_else(over)?;
    let found = keep.accounts.link(token.digest(), keep.now()).await;
    let set_up = found.map_err(unavailable)?.ok_or_else(over)?;
    Ok((token, set_up))
}

async fn form(State(keep): State<Keep>, Path(token): Path<String>) -> Answer {
    let (token, set_up) = opened(&keep, &token).await?;
    if set_up.person.is_some() && !keep.takes_secrets() {
        return Ok(by_service(&keep, &token, &set_up, ""));
    }
    Ok(page(&keep, &token, &set_up, "", &[]))
}

fn page(
    keep: &Keep,
    token: &Token,
    set_up: &SetUp,
    name: &str,
    errors: &[(&'static str, String)],
) -> Response {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let mut form = PostForm::to(format!("/welcome/{}", token.reveal()));
    if set_up.person.is_none() {
        let field = Field::new("name", "Your name")
            .hint("You sign in with it, and what you do here is kept under it. 1 to 64 letters and digits, with single spaces, hyphens, apostrophes or full stops between")
            .value(name)
            .error_if(error("name"));
        form = form.with(TextInput::new(field).autocomplete("username").width(20));
    }
    if !keep.takes_secrets() {
        let form = form.with(Button::new("Continue"));
        return whole(keep, set_up, errors, [about(set_up), form.into()]);
    }
    let new = Field::new("secret", "Choose your secret")
        .hint(secret::RULE)
        .error_if(error("secret"));
    let again = Field::new("again", "The same again").error_if(error("again"));
    let form = form
        .with(TextInput::new(new).password().autocomplete("new-password"))
        .with(
            TextInput::new(again)
                .password()
                .autocomplete("new-password"),
        )
        .with(Button::new("Set my secret and sign in"));
    let drawn = Secret::generate(&mut (keep.entropy)()).reveal();
    let idea = Details::new(
        "Suggest one that nobody can guess",
        Html::concat([
            Html::paragraph(
                "Keep it in a password manager or on paper in a safe place, and type it into both fields. It was made for you just now and is stored nowhere.",
            ),
            shown_once(&drawn),
        ]),
    );
    whole(
        keep,
        set_up,
        errors,
        [about(set_up), form.into(), idea.into()],
    )
}

fn whole<const N: usize>(
    keep: &Keep,
    set_up: &SetUp,
    errors: &[(&'static str, String)],
    pieces: [Html; N],
) -> Response {
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    let title = match &set_up.person {
        Some(person) => format!("Welcome, {person}"),
        None => format!("Welcome to {}", keep.site),
    };
    once(Page::new(title).errors(summary).body(Html::concat(pieces)))
}

fn about(set_up: &SetUp) -> Html {
    let until = moment(set_up.expires_at);
    let text = match &set_up.person {
        Some(_) => format!(
            "This link is for you alone and works once, until {until}. Nobody else learns how you sign in from then on."
        ),
        None => format!(
            "You will look after this site: its people and its server. This link works once, until {until}; there is no other way in before it is used."
        ),
    };
    Html::paragraph(&text)
}

/// Where secrets open nothing the link leads through the service, and the account that is shown there becomes the way in.
fn by_service(keep: &Keep, token: &Token, set_up: &SetUp, name: &str) -> Response {
    let service = keep.service.as_ref().map_or("", |service| service.name());
    let own = set_up.person.as_deref().unwrap_or(name);
    let go = Button::link(
        format!("Continue with {service}"),
        oidc::welcome(token.reveal(), name),
    );
    let said = Html::paragraph(&format!(
        "Sign in to {service} now, with your own account: whoever signs in to it is {own} here from then on. If somebody else used this browser before \
         you, sign out there first."
    ));
    whole(keep, set_up, &[], [about(set_up), said, go.into()])
}

async fn choose(
    State(keep): State<Keep>,
    Path(token): Path<String>,
    session: Session,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Answer {
    let (token, set_up) = opened(&keep, &token).await?;
    let own = typed.name.trim();
    let name = set_up.person.as_deref().unwrap_or(own);
    let mut errors = Errors::new();
    if name.is_empty() {
        errors.push(("name", "Enter your name".into()));
    } else if set_up.person.is_none() && !is_free_name(name) {
        errors.extend(match Act::no_name() {
            Act::Unfit { field, why } => Some((field, why)),
            _ => None,
        });
    }
    if !keep.takes_secrets() {
        return Ok(match errors.as_slice() {
            [] => by_service(&keep, &token, &set_up, own),
            errors => page(&keep, &token, &set_up, own, errors),
        });
    }
    let secret = match Secret::chosen(&typed.secret, &typed.again, name) {
        Ok(secret) if errors.is_empty() => secret,
        Ok(_) => return Ok(page(&keep, &token, &set_up, own, &errors)),
        Err((field, why)) => {
            errors.push((field, why.into()));
            return Ok(page(&keep, &token, &set_up, own, &errors));
        }
    };
    let hash = keep.hashed(secret).await?;
    let change = Change::TakeLink {
        link: token.digest(),
        name,
        chosen: Chosen::Secret(&hash),
    };
    match keep.change(change, name).await? {
        Act::Done => {}
        Act::Unfit { field, why } => {
            return Ok(page(&keep, &token, &set_up, own, &[(field, why)]));
        }
        // Used in this moment by somebody else.
        Act::Gone | Act::Last | Act::Oneself => {
            opened(&keep, token.reveal()).await?;
            return Err(ProblemPage::fault());
        }
    }
    keep.checker.forgive(name);
    let person = keep.checker.people.find_boxed(name).await;
    match person.map_err(unavailable)? {
        Some(person) if !person.locked => keep.open(&session, &headers, &person, "/").await,
        _ => Err(ProblemPage::forbidden(
            "Your secret is set, but you are locked out at present.",
        )),
    }
}
