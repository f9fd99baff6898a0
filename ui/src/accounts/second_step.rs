//! `/account/second-step`: beginning and ending the code of a phone.

use axum::Router;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::Session;

use super::looks::{present_secret, shown_once};
use super::token::{RECOVERY_CODES, recovery_code, recovery_digest};
use super::{
    Act, Answer, Change, Keep, Peer, Proof, gone, once, qr, session_fault, totp, unavailable,
};
use crate::components::{
    Button, Details, ErrorSummary, Field, InsetText, Notification, PostForm, TextInput, Warning,
};
use crate::html::Html;
use crate::page::Page;
use crate::people::{SignedIn, see_other};

pub(super) fn router() -> Router<Keep> {
    Router::new()
        .route(PATH, get(show).post(begin))
        .route("/account/second-step/end", post(end))
}

/// The key that is offered, kept in the session until the phone has shown that it has it.
const OFFERED: &str = "second-step";

#[derive(Deserialize)]
struct First {
    #[serde(default)]
    secret: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct Ending {
    #[serde(default)]
    secret: String,
}

/// The fields with something wrong, and what.
type Errors<'a> = &'a [(&'static str, String)];

const PATH: &str = "/account/second-step";
const TITLE: &str = "A second step for signing in";

/// For those whom no secret lets in: there is no first step for it to follow.
fn elsewhere(service: &str) -> Page {
    Page::new(TITLE)
        .breadcrumb("Your account", "/account")
        .body(Html::paragraph(&format!(
            "You sign in with {service} and not with a secret. A second step is set up there, for everything that your account opens."
        )))
}

async fn show(State(keep): State<Keep>, person: SignedIn, session: Session) -> Answer {
    let second = keep.accounts.second_step(&person.name).await;
    let second = second.map_err(unavailable)?;
    let proof = keep.proof(&person, &session).await?;
    if let Some(second) = second {
        let page = proof.first(TITLE, PATH);
        let page = page.unwrap_or_else(|| on(&proof, second.codes, None));
        return Ok(page.into_response());
    }
    if let Proof::Service { name, .. } = &proof {
        return Ok(elsewhere(name).into_response());
    }
    let key = totp::draw(&mut (keep.entropy)());
    session
        .insert(OFFERED, hex::encode(key))
        .await
        .map_err(session_fault)?;
    Ok(offer(&keep, &person, &key, &[]))
}

fn offer(keep: &Keep, person: &SignedIn, key: &totp::Key, errors: Errors<'_>) -> Response {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let address = totp::address(key, &person.name, &keep.site);
    let typed: Vec<String> = totp::base32(key)
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    let picture = qr::picture(&address, "QR code with the key for your authenticator app");
    let by_hand = Details::new(
        "I cannot scan it",
        Html::concat([
            Html::paragraph(
                "Type this key into the app. Kind: by time, six digits, every 30 seconds.",
            ),
            shown_once(&typed.join(" ")),
        ]),
    );
    let code = Field::new("code", "The six digits that the app shows now").error_if(error("code"));
    let form = PostForm::to(PATH)
        .with(
            TextInput::new(code)
                .numeric()
                .autocomplete("one-time-code")
                .width(10),
        )
        .with(present_secret(
            "To make sure that it is you",
            error("secret"),
        ))
        .with(Button::new("Ask for a code from now on"));
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    let why = Html::paragraph(
        "With a second step your secret alone opens nothing: signing in also asks for a code that only your phone knows. It takes two minutes and \
         any authenticator app, which needs neither network nor telephone number. Open the app and scan this:",
    );
    let programs = keep.accounts.tokens().map(|_| {
        InsetText::new(
            "Programs of yours that sign in with your secret stop working. Give them a token, on the page Your account.",
        )
    });
    let page = Page::new(TITLE)
        .breadcrumb("Your account", "/account")
        .errors(summary)
        .body(Html::concat([
            why,
            picture.unwrap_or_default(),
            by_hand.into(),
            form.into(),
            programs.map(Html::from).unwrap_or_default(),
        ]));
    once(page)
}

fn on(proof: &Proof, codes: usize, error: Option<String>) -> Page {
    let mut summary = ErrorSummary::new();
    if let Some(error) = &error {
        summary = summary.error("secret", error.clone());
    }
    let state = Html::paragraph(&format!(
        "Signing in asks for your secret and for a code of your phone. {codes} of your {RECOVERY_CODES} recovery codes are left. For new ones, or for \
         another phone, end the second step here and begin it again.",
    ));
    let form = PostForm::to("/account/second-step/end")
        .with(proof.field("To make sure that it is you", error))
        .with(Button::new("End the second step").warning());
    Page::new(TITLE)
        .breadcrumb("Your account", "/account")
        .errors(summary)
        .body(Html::concat([state, form.into()]))
}

async fn begin(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(first): Form<First>,
) -> Answer {
    let proof = keep.proof(&person, &session).await?;
    if let Proof::Service { name, .. } = &proof {
        return Ok(elsewhere(name).into_response());
    }
    let offered = session
        .get::<String>(OFFERED)
        .await
        .map_err(session_fault)?;
    let mut key = totp::Key::default();
    let is_offered = offered.is_some_and(|offered| hex::decode_to_slice(offered, &mut key).is_ok());
    if !is_offered {
        return Ok(see_other(PATH));
    }
    let now = keep.phones_now();
    let Some(step) = totp::accepted(&key, first.code.trim(), now, 0) else {
        let why = "This is not the code of this moment. Check that the app shows this site, and that your phone\u{2019}s clock is right".to_owned();
        return Ok(offer(&keep, &person, &key, &[("code", why)]));
    };
    if let Err(why) = keep
        .confirm(&person, proof, &first.secret, &peer, &headers)
        .await?
    {
        return Ok(offer(&keep, &person, &key, &[("secret", why)]));
    }
    let codes = {
        let mut rng = (keep.entropy)();
        [(); RECOVERY_CODES].map(|()| recovery_code(&mut rng))
    };
    let digests: Vec<_> = codes.iter().map(recovery_digest).collect();
    let change = Change::BeginSecondStep {
        name: &person.name,
        key,
        step,
        codes: &digests,
    };
    if keep.change(change, &person.name).await? != Act::Done {
        return Err(gone("There is nobody with your name."));
    }
    session.remove_value(OFFERED).await.map_err(session_fault)?;
    // Sessions that were opened with the secret alone.
    keep.sessions
        .end(&person.name, session.id(), |_, this| !this);
    let text: Vec<String> = codes.iter().map(crate::secret::Secret::reveal).collect();
    let page = Page::new("Your recovery codes")
        .breadcrumb("Your account", "/account")
        .notice(Notification::done("Signing in asks for a code of your phone from now on"))
        .body(Html::concat([
            Warning::new("They are shown only this once. Print this page, or write them down, and keep them apart from your phone.").into(),
            Html::paragraph("On the day your phone is lost, each of them lets you sign in once."),
            Html::concat(text.iter().map(|code| shown_once(code))),
            Button::link("I have kept them", "/account").into(),
        ]));
    Ok(once(page))
}

async fn end(
    State(keep): State<Keep>,
    person: SignedIn,
    session: Session,
    peer: Peer,
    headers: HeaderMap,
    Form(ending): Form<Ending>,
) -> Answer {
    let second = keep.accounts.second_step(&person.name).await;
    let Some(second) = second.map_err(unavailable)? else {
        return Ok(see_other(PATH));
    };
    let proof = keep.proof(&person, &session).await?;
    if let Some(page) = proof.first(TITLE, PATH) {
        return Ok(page.into_response());
    }
    let confirmed = keep.confirm(&person, proof, &ending.secret, &peer, &headers);
    if let Err(why) = confirmed.await? {
        return Ok(on(&Proof::Secret, second.codes, Some(why)).into_response());
    }
    let change = Change::EndSecondStep { name: &person.name };
    keep.change(change, &person.name).await?;
    Ok(see_other("/account?done=second-step-ended"))
}
