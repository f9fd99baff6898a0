//! The node's place in the federation: using the operator's invite, and how the node stands since.

use std::sync::Arc;

use axum::Form;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::enrolment::Invite;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::standard::Standard;
use ldsp_ui::components::{
    Button, Details, ErrorSummary, Field, InsetText, Notification, PostForm, SummaryList,
    TagColour, TextArea, link, list,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::home::tag;
use super::release_view::code;
use super::upload::UploadError;
use super::{Answer, Boxed, Pages, READ, done, fault, import, see_other, words};
use crate::enrol::{Checked, EnrolError, Enrolled};
use crate::store::enrolment::Enrolment;

pub(super) const PATH: &str = "/federation";
pub(super) const INVITE: &str = "/federation/invite";
pub(super) const ENROL: &str = "/federation/enrol";
pub(super) const ASK: &str = "/federation/ask";

/// Longest invite in bytes: an authority may be a chain of certificates.
const LONGEST: usize = 64 << 10;

/// Uses an invite at the aggregator that it names, as an act of the named person.
pub type UseInvite =
    Arc<dyn Fn(Checked, String) -> Boxed<Result<Enrolled, EnrolError>> + Send + Sync>;

/// Asks the aggregator how the node stands: whether its key is approved; `None` before there is a place to ask about.
pub type AskHow = Arc<dyn Fn() -> Boxed<Result<Option<bool>, EnrolError>> + Send + Sync>;

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    person: SignedIn,
    Query(after): Query<After>,
) -> Answer {
    let place = pages.node.store.enrolment().await.map_err(fault)?;
    let waits = place
        .as_ref()
        .is_some_and(|e| !e.active && e.revoked_from.is_none());
    let page = page(&pages, &person, place.as_ref(), None).await?;
    let page = match after.done.as_str() {
        "enrolled" if waits => page.notice(done(
            "The national log knows this node. One thing is left: the telephone call.",
            "Read the fingerprint below to the national operator.",
        )),
        "enrolled" | "asked" if place.is_some() && !waits => page.notice(done(
            "The key of this node is approved.",
            "What two people agreed on is sent from now on.",
        )),
        "asked" if waits => page.notice(
            Notification::important("The national operator has not approved the key yet.").content(
                "Telephone them, and ask again afterwards. This node asks by itself every minute.",
            ),
        ),
        _ => page,
    };
    Ok(page.into_response())
}

/// The page of the present state; `error`: why the last invite was not taken.
async fn page(
    pages: &Pages,
    person: &SignedIn,
    place: Option<&Enrolment>,
    error: Option<&str>,
) -> Result<Page, ProblemPage> {
    let is_admin = person.is_any(&["admin"]);
    let fingerprint = key_id(&pages.node.signing.verifying_key()).in_blocks();
    let mut pieces = Vec::new();
    match place {
        None => {
            pieces.push(Html::paragraph("Once this node is enrolled, what two people agreed on reaches the national log, signed with the node\u{2019}s key. It needs an invite: a small file that the national operator makes for this LEP. An invite works once, for seven days at most."));
            pieces.push(way());
            pieces.push(first(pages, is_admin, error).await?);
        }
        Some(e) if e.revoked_from.is_some() => pieces.push(
            InsetText::new("The key of this node was revoked: nothing that it signs is taken any more, and what was published before stays. Telephone the national operator.").into(),
        ),
        Some(e) if e.active => {
            pieces.push(Html::paragraph("The key of this node is approved: what two people agree on is signed, sent and receipted. A coordinator prepares the next month, and an approver approves it."));
            if person.is_any(READ) {
                pieces.push(list([
                    link("Prepare or approve a release", "/releases"),
                    link("What was sent, and its receipts", "/statements"),
                ]));
            }
        }
        Some(_) => pieces.push(waiting(&fingerprint, is_admin, error)),
    }
    pieces.push(facts(place, &fingerprint));
    let mut errors = ErrorSummary::new();
    if let Some(error) = error {
        errors = errors.error("invite", error);
    }
    Ok(Page::new("Place in the federation")
        .breadcrumb("Home", "/")
        .errors(errors)
        .body(Html::concat(pieces)))
}

/// What will happen, before anything does.
fn way() -> Html {
    let steps = list([
        "You choose the invite here and see what it says. Nothing is sent yet.",
        "You enrol: the node shows the national log that it holds its own key. It takes seconds.",
        "You read the key\u{2019}s fingerprint to the national operator over the telephone, so that nobody else can publish under your name.",
        "The operator approves the key. This page says so, and approved figures can leave from then on.",
    ]);
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">What will happen</h2>"),
        steps,
    ])
}

/// The form for the invite, or what has to be done before.
async fn first(pages: &Pages, is_admin: bool, error: Option<&str>) -> Result<Html, ProblemPage> {
    if pages.node.chosen().is_none() {
        let before: [Html; 2] = [
            "An invite is for one LEP, and nobody has said yet which one this node is of. An admin chooses it first: ".into(),
            link("Choose the LEP", super::lep::PATH),
        ];
        return Ok(InsetText::new(Html::concat(before)).into());
    }
    if pages.node.store.holds_sample().await.map_err(fault)? {
        let before: [Html; 2] = [
            "All records here are made up, and a node with such records is not enrolled. A coordinator removes them first, on the page ".into(),
            link("Home", "/"),
        ];
        return Ok(InsetText::new(Html::concat(before)).into());
    }
    if !is_admin {
        return Ok(InsetText::new("An admin of this node enrols it.").into());
    }
    Ok(Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">The invite</h2>"),
        form(error),
    ]))
}

#[derive(askama::Template)]
#[template(
    source = r##"<form method="post" action="/federation/invite" enctype="multipart/form-data" novalidate class="ldsp-prose">
<div class="govuk-form-group{% if error.is_some() %} govuk-form-group--error{% endif %}">
<label class="govuk-label govuk-label--s" for="invite">Invite file</label>
<div id="invite-hint" class="govuk-hint">The national operator sends it. Its name usually ends in .invite</div>
{% if let Some(error) = error %}<p id="invite-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
<input class="govuk-file-upload{% if error.is_some() %} govuk-file-upload--error{% endif %} govuk-body" id="invite" name="file" type="file" aria-describedby="invite-hint{% if error.is_some() %} invite-error{% endif %}">
</div>
{{ paste }}
<button type="submit" class="govuk-button" data-module="govuk-button" data-prevent-double-click="true">See what the invite says</button>
</form>"##,
    ext = "html"
)]
struct FormTemplate<'a> {
    error: Option<&'a str>,
    paste: Html,
}

fn form(error: Option<&str>) -> Html {
    let text = Field::new("text", "The text of the invite")
        .hint("Everything from the first { to the last }");
    let paste = Details::new("Paste its text instead", TextArea::new(text).rows(8)).into();
    Html::render(&FormTemplate { error, paste })
}

/// What is left while the operator has not approved the key.
fn waiting(fingerprint: &str, is_admin: bool, error: Option<&str>) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-m">Read this fingerprint to the national operator</h2>
<p class="govuk-body">Ring a number that you knew before, not one from the invite{{ "\u{2019}" }}s message. Read all 16 blocks aloud. The operator sees the same ones and approves the key when each of them agrees; if one differs, neither side goes on.</p>
<p class="ldsp-secret">{{ fingerprint }}</p>"#,
        ext = "html"
    )]
    struct Read<'a> {
        fingerprint: &'a str,
    }
    let mut pieces = vec![
        Html::render(&Read { fingerprint }),
        Html::paragraph(
            "This node asks every minute whether the key is approved. What is approved here meanwhile is signed and queued, and sent by itself afterwards.",
        ),
    ];
    if is_admin {
        let ask = PostForm::to(ASK).with(Button::new("Ask now whether it is approved"));
        let again = Details::new(
            "The operator sent a new invite",
            Html::concat([
                Html::paragraph(
                    "If the first one cannot be found on the operator\u{2019}s side, use the new one here. It has to be for the same name at the same log.",
                ),
                form(error),
            ]),
        );
        pieces.push(ask.into());
        pieces.push(if error.is_some() { again.open() } else { again }.into());
    }
    Html::concat(pieces)
}

/// Why nothing can be approved here, said before anybody works for it; `None` where something can. `then` is what has to wait.
pub(super) async fn obstacle(pages: &Pages, then: &str) -> Result<Option<Html>, ProblemPage> {
    let place = pages.node.store.enrolment().await.map_err(fault)?;
    let why = match place {
        None => "This node is not enrolled with the national log yet",
        Some(place) if place.revoked_from.is_some() => "The key of this node was revoked",
        Some(_) => return Ok(None),
    };
    let text = Html::concat([
        format!("{why}: {then} What to do: ").into(),
        link("Place in the federation", PATH),
    ]);
    Ok(Some(InsetText::new(text).into()))
}

/// Where the node publishes and who it is.
pub(super) fn facts(place: Option<&Enrolment>, fingerprint: &str) -> Html {
    let list = SummaryList::new();
    let list = match place {
        None => list.fact("Enrolment", tag("Not enrolled", TagColour::Grey)),
        Some(e) => {
            let state = if e.revoked_from.is_some() {
                tag("Key revoked", TagColour::Red)
            } else if e.active {
                tag("Active", TagColour::Green)
            } else {
                tag("Waiting for the operator", TagColour::Yellow)
            };
            list.fact("Enrolment", state)
                .fact("Name in the federation", e.node.as_str())
                .fact("National log", e.origin.clone())
                .fact("Address", e.url.clone())
                .fact("Enrolled", words::second(e.enrolled_at))
        }
    };
    list.fact("Key (fingerprint)", code(fingerprint))
        .fact("Data standard", Standard::current().title())
        .into()
}

/// The invite as it came: chosen as a file, or pasted.
async fn sent(mut form: Multipart) -> Result<Vec<u8>, ProblemPage> {
    let broken = |error: MultipartError| import::not_received(UploadError::Sent(error));
    let (mut file, mut text) = (Vec::new(), Vec::new());
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let into = match field.name() {
            Some("file") => &mut file,
            Some("text") => &mut text,
            _ => continue,
        };
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            // What is longer is no invite, and is told to be none.
            let room = LONGEST.saturating_sub(into.len());
            into.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
    }
    let is_empty = file.iter().all(u8::is_ascii_whitespace);
    Ok(if is_empty { text } else { file })
}

pub(super) async fn look(State(pages): State<Pages>, person: SignedIn, form: Multipart) -> Answer {
    let invite = sent(form).await?;
    if invite.iter().all(u8::is_ascii_whitespace) {
        let none = "Choose the invite file, or paste its text";
        return again(&pages, &person, none).await;
    }
    let checked = Checked::read(&invite, (pages.clock)());
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => return refused(&pages, &person, error).await,
    };
    if let Err(error) = checked.fits(&pages.node.store).await {
        return refused(&pages, &person, error).await;
    }
    let text = String::from_utf8_lossy(&invite).into_owned();
    Ok(confirm(checked.invite(), text).into_response())
}

/// The first page again, with what is wrong.
async fn again(pages: &Pages, person: &SignedIn, error: &str) -> Answer {
    let place = pages.node.store.enrolment().await.map_err(fault)?;
    let page = page(pages, person, place.as_ref(), Some(error)).await?;
    Ok(page.into_response())
}

/// What was refused for good: another invite is needed, or something has to be done before.
async fn refused(pages: &Pages, person: &SignedIn, error: EnrolError) -> Answer {
    let said = format!("{} {}", words::sentence(&error.to_string()), error.next());
    match error {
        EnrolError::Store(error) => Err(fault(error)),
        _ => again(pages, person, &said).await,
    }
}

/// What the invite says, before it is used.
fn confirm(invite: &Invite, text: String) -> Page {
    let authority = match invite.ca_pem {
        Some(_) => {
            "the operator\u{2019}s own authority, which came with the invite: the node believes that one alone"
        }
        None => "an authority that this machine trusts already",
    };
    let facts = SummaryList::new()
        .fact("National log", invite.origin.clone())
        .fact("Address", invite.url.clone())
        .fact("Its certificate is issued by", authority)
        .fact("For the LEP", words::lep(&invite.lep))
        .fact("Name of this node in the federation", invite.node.as_str())
        .fact("The invite ends", words::moment(invite.expires))
        .fact(
            "Fingerprint of the invite",
            code(&invite.fingerprint().in_blocks()),
        );
    let form = PostForm::to(ENROL).hidden("invite", text).buttons([
        Button::new("Enrol this node"),
        Button::link("Use another invite", PATH).secondary(),
    ]);
    Page::new("Is this the invite that you expect?")
        .breadcrumb("Home", "/")
        .breadcrumb("Place in the federation", PATH)
        .body(Html::concat([
            Html::paragraph("Nothing was sent yet. If you do not know the address, or the invite came through other hands, ring the national operator first: they see the same fingerprint where they made the invite."),
            facts.into(),
            form.into(),
        ]))
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    #[serde(default)]
    invite: String,
}

pub(super) async fn enrol(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(form): Form<Confirmed>,
) -> Answer {
    let checked = match Checked::read(form.invite.as_bytes(), (pages.clock)()) {
        Ok(checked) => checked,
        Err(error) => return refused(&pages, &person, error).await,
    };
    match (pages.enrol)(checked.clone(), person.name.clone()).await {
        Ok(_) => {
            // The worker sends what waits, and asks how the node stands.
            (pages.queued)();
            Ok(see_other("/federation?done=enrolled"))
        }
        // The invite may be as good as before: it is not asked for again.
        Err(error @ (EnrolError::Unreachable(_) | EnrolError::Standard { .. })) => {
            let notice =
                Notification::important("This node is not enrolled yet. Nothing was stored")
                    .content(format!(
                        "{} {}",
                        words::sentence(&error.to_string()),
                        error.next()
                    ));
            Ok(confirm(checked.invite(), form.invite)
                .notice(notice)
                .into_response())
        }
        Err(error) => refused(&pages, &person, error).await,
    }
}

pub(super) async fn ask(State(pages): State<Pages>, person: SignedIn) -> Answer {
    match (pages.ask)().await {
        Ok(_) => {
            (pages.queued)();
            Ok(see_other("/federation?done=asked"))
        }
        Err(EnrolError::Store(error)) => Err(fault(error)),
        Err(error) => {
            let place = pages.node.store.enrolment().await.map_err(fault)?;
            let notice =
                Notification::important("The national log did not say how this node stands")
                    .content(format!(
                        "{} {}",
                        words::sentence(&error.to_string()),
                        error.next()
                    ));
            let page = page(&pages, &person, place.as_ref(), None).await?;
            Ok(page.notice(notice).into_response())
        }
    }
}
