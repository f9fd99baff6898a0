//! `/sign-in` and `/sign-out`.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::Session;

use crate::accounts::{Desk, Peer, address};
use crate::checker::Verdict;
use crate::components::{Button, Details, ErrorSummary, Field, PostForm, TextInput};
use crate::html::Html;
use crate::oidc;
use crate::page::Page;
use crate::people::{PeopleError, PersonRecord, SignedIn, percent_encode, see_other};
use crate::problem::ProblemPage;
use crate::secret::Secret;
use crate::session;
use crate::throttle::Caller;

const FORM_BYTES: usize = 8 * 1024;

pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route(
            "/sign-in",
            get(form)
                .post(sign_in)
                .layer(DefaultBodyLimit::max(FORM_BYTES)),
        )
        .route(
            "/sign-out",
            post(sign_out).layer(DefaultBodyLimit::max(FORM_BYTES)),
        )
        .with_state(desk)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Attempt {
    name: String,
    secret: String,
    #[serde(default)]
    next: String,
}

async fn form(
    State(desk): State<Desk>,
    Query(wanted): Query<Wanted>,
    person: Option<SignedIn>,
) -> Response {
    let next = local(&wanted.next);
    if person.is_some() {
        return see_other(next);
    }
    desk.page("", next, None).into_response()
}

async fn sign_in(
    State(desk): State<Desk>,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(attempt): Form<Attempt>,
) -> Response {
    if !desk.takes_secrets() {
        return no_secrets().into_response();
    }
    let (name, next) = (attempt.name.trim(), local(&attempt.next));
    if name.is_empty() || attempt.secret.trim().is_empty() {
        let error = Some("Enter your name and your secret");
        return desk.page(name, next, error).into_response();
    }
    match desk.judge(&attempt, &peer, &headers).await {
        Ok(Verdict::Right(person)) => admit(&desk, &session, &headers, &person, next).await,
        Ok(Verdict::Wrong) => desk.page(name, next, Some(WRONG)).into_response(),
        Ok(Verdict::Wait(wait)) => too_many(wait),
        Err(error) => {
            tracing::error!(error = ?error, "sign-in could not be checked");
            ProblemPage::unavailable("Your name and secret could not be checked.").into_response()
        }
    }
}

/// Opens the session, or asks for the second step first.
async fn admit(
    desk: &Desk,
    session: &Session,
    headers: &HeaderMap,
    person: &PersonRecord,
    next: &str,
) -> Response {
    if !person.second_step {
        let opened = desk.open(session, headers, person, next).await;
        return opened.unwrap_or_else(IntoResponse::into_response);
    }
    let browser = session::family(headers);
    match session::sign_in_half(session, person, browser, desk.now()).await {
        Ok(()) => see_other(&format!("/sign-in/code?next={}", percent_encode(next))),
        Err(error) => {
            tracing::error!(%error, "a session could not be opened");
            ProblemPage::fault().into_response()
        }
    }
}

/// One sentence for a wrong name and a wrong secret, so that names cannot be found out.
const WRONG: &str = "The name and the secret do not belong together. Check both and try again";

async fn sign_out(State(desk): State<Desk>, session: Session) -> Response {
    let by_service = session::is_of_service(&session).await;
    let ended = session.flush().await;
    let by_service = match by_service.and_then(|by_service| ended.map(|()| by_service)) {
        Ok(by_service) => by_service && desk.service.is_some(),
        Err(error) => {
            tracing::error!(%error, "a session could not be ended");
            return ProblemPage::fault().into_response();
        }
    };
    let mut response = see_other(if by_service { oidc::OUT } else { "/" });
    // The library removes its cookie without `Secure`, which browsers refuse for the prefix `__Host-`.
    let removal = format!(
        "{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        desk.cookie
    );
    if let Ok(removal) = HeaderValue::try_from(removal) {
        response.headers_mut().append(header::SET_COOKIE, removal);
    }
    response
}

impl Desk {
    /// What comes of the name and the secret that somebody typed.
    async fn judge(
        &self,
        attempt: &Attempt,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Result<Verdict, PeopleError> {
        let name = self.checker.spelt(&attempt.name).await?;
        let caller = Caller {
            name: &name,
            address: address(peer),
            browser: self.known_browser(&name, headers).await?,
        };
        let secret = Secret::typed(&attempt.secret);
        self.checker.typed(caller, secret).await
    }

    fn page(&self, name: &str, next: &str, error: Option<&str>) -> Page {
        let page = Page::new("Sign in");
        let Some(service) = &self.service else {
            return secret_form(page, Html::default(), name, next, error);
        };
        let button = service.button(next);
        if service.takes_secrets() {
            secret_form(page, button, name, next, error)
        } else {
            page.body(button)
        }
    }
}

pub(crate) fn no_secrets() -> ProblemPage {
    ProblemPage::forbidden("This site takes no secrets: people sign in with its sign-in service.")
        .next("Use the button of the page Sign in.")
}

/// `page` with the form for name and secret, under what stands `above` it.
fn secret_form(page: Page, above: Html, name: &str, next: &str, error: Option<&str>) -> Page {
    let field = Field::new("name", "Name").value(name);
    let field = if let Some(error) = error {
        field.error(error)
    } else {
        field
    };
    let secret = Field::new("secret", "Secret").hint(
        "The one that you chose, or the groups of letters and digits that you were given. Its capitals, spaces and dashes do not matter.",
    );
    let form = PostForm::to("/sign-in")
        .hidden("next", next)
        .with(TextInput::new(field).autocomplete("username").width(20))
        .with(TextInput::new(secret).password())
        .with(Button::new("Sign in"));
    let mut summary = ErrorSummary::new();
    if let Some(error) = error {
        summary = summary.error("name", error);
    }
    let lost = Details::new(
        "I have lost my secret",
        "Nobody can look a secret up. Ask the person who looks after this site for a new link, on which you choose another one; the old \
         one then stops working.",
    );
    page.errors(summary)
        .body(Html::concat([above, form.into(), lost.into()]))
}

pub(crate) fn too_many(wait: jiff::SignedDuration) -> Response {
    let minutes = (wait.as_secs() + 59) / 60;
    let problem = ProblemPage::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "Too many attempts to sign in")
        .happened("After several wrong attempts this name stays closed for a while, so that nobody can guess secrets. On a browser on which you have signed in before it may be open still.")
        .next(format!("Wait {minutes} {}, then try again. Somebody who looks after people here can open the name at once.", if minutes == 1 { "minute" } else { "minutes" }));
    let mut response = problem.into_response();
    response.headers_mut().insert(
        header::RETRY_AFTER,
        HeaderValue::from(wait.as_secs().max(1)),
    );
    response
}

/// `next` if it is a path on this site, else the front page: a sign-in must never send people elsewhere.
///
/// Browsers drop tabs and line breaks from addresses and read `\` as `/`, so that `/\evil` and `/<tab>/evil` leave the site;
/// only visible ASCII without a backslash passes.
pub(crate) fn local(next: &str) -> &str {
    let leaves = next.starts_with("//")
        || next.contains('\\')
        || !next.bytes().all(|b| b.is_ascii_graphic());
    let is_own = next.starts_with("/sign-") && ![oidc::MINE, oidc::CONNECT].contains(&next);
    if next.starts_with('/') && !leaves && next.len() <= 2000 && !is_own {
        next
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_local_paths_survive() {
        for good in [
            "/",
            "/releases/2026-10?show=all#top",
            "/a//b",
            "/sign-in/mine",
        ] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x",
            "javascript:x",
            "/sign-out",
            "/é",
        ] {
            assert_eq!(local(bad), "/", "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_redirect_stays_here(next in ".{0,60}") {
            let kept = local(&next);
            prop_assert!(kept.starts_with('/') && !kept.starts_with("//") && !kept.contains('\\'));
            prop_assert!(HeaderValue::try_from(kept).is_ok());
        }
    }
}
