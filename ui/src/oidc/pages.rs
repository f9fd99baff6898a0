//! What people see on the way.

use axum::http::StatusCode;

use super::subject::{Bound, Claim, Subject};
use super::{CONNECT, DISCONNECT, MINE, PEOPLE, WELCOME};
use crate::accounts::Proof;
use crate::accounts::looks::moment;
use crate::components::{
    Button, CodeBlock, Details, ErrorSummary, Field, Notification, PostForm, SummaryList, Table,
    TextInput, Warning, link,
};
use crate::html::Html;
use crate::page::Page;

fn word(claim: Claim) -> &'static str {
    match claim {
        Claim::Subject => "Subject (sub)",
        Claim::Email => "E-mail address",
    }
}

/// Somebody whom the service knows and this site does not.
pub(super) fn unknown(subject: &Subject, service: &str, takes_secrets: bool) -> Page {
    let text = format!(
        "Service: {}\n{}: {}",
        subject.issuer,
        word(subject.claim),
        subject.value
    );
    let mut parts = vec![
        Html::paragraph(&format!(
            "{service} told us who you are, and nobody of this site is connected with that account yet. No account is made by itself."
        )),
        Html::literal("<h2 class=\"govuk-heading-m\">What to do</h2>"),
        Html::paragraph(
            "Send these lines to the person who runs this site, and say which name you have here:",
        ),
        CodeBlock::new("subject", "Your account at the service", text).into(),
    ];
    if takes_secrets {
        parts.push(Html::paragraph(
            "If you have a name and a secret here you can do it yourself: sign in with them, then connect the account.",
        ));
        let next = format!("/sign-in?next={MINE}");
        parts.push(
            Button::link("Sign in with your secret", next)
                .secondary()
                .into(),
        );
    }
    Page::new("This account is not connected yet")
        .status(StatusCode::FORBIDDEN)
        .body(Html::concat(parts))
}

/// Asks a signed-in person whether the account they came back with is theirs, and to show that it is they, with what was wrong with that.
pub(super) fn confirm(
    person: &str,
    subject: &Subject,
    service: &str,
    proposal: &str,
    proof: &Proof,
    error: Option<String>,
) -> Page {
    let mut page = Page::new("Is this you?");
    if let Some(error) = &error {
        let summary = ErrorSummary::new().error("secret", error.clone());
        page = page.errors(summary);
    }
    let why = "The account opens your name here from then on, so this is asked of you alone";
    let form = PostForm::to(CONNECT)
        .hidden("proposal", proposal)
        .with(proof.field(why, error))
        .with(Button::new("Connect them"))
        .with(link("Leave it as it is", MINE));
    page.body(is_it(person, subject, service, form))
}

/// Asks whoever opened a set-up link whether the account they came back with is theirs.
pub(super) fn welcome(person: &str, subject: &Subject, service: &str, proposal: &str) -> Page {
    let form = PostForm::to(WELCOME)
        .hidden("proposal", proposal)
        .with(Button::new("Yes, sign me in with it from now on"));
    Page::new("Is this you?").body(is_it(person, subject, service, form))
}

fn is_it(person: &str, subject: &Subject, service: &str, form: PostForm) -> Html {
    let facts = SummaryList::new()
        .fact("Your name here", person)
        .fact("Service", service)
        .fact(word(subject.claim), subject.value.as_str());
    Html::concat([
        Html::paragraph(&format!(
            "Whoever signs in to this account at {service} will be {person} here."
        )),
        facts.into(),
        Warning::new("If somebody else used this browser before you, sign out at the service first: the account above must be your own.").into(),
        form.into(),
    ])
}

/// How a signed-in person signs in.
pub(super) fn mine(
    bound: &[Bound],
    service: &str,
    takes_secrets: bool,
    done: Option<&str>,
) -> Page {
    let mut parts = Vec::new();
    if bound.is_empty() {
        parts.push(Html::paragraph(&format!(
            "Your name here is not connected with an account at {service}. Connect them, and next time one button signs you in."
        )));
        parts.push(Button::link(format!("Connect {service}"), CONNECT).into());
    } else {
        let table = Table::new("Accounts that sign you in")
            .columns(["Service", "Account", "Connected", "Change"])
            .rows(bound.iter().map(|one| {
                let form = PostForm::to(DISCONNECT)
                    .hidden("claim", one.subject.claim.as_str())
                    .hidden("issuer", one.subject.issuer.as_str())
                    .hidden("value", one.subject.value.as_str())
                    .with(Button::new("Disconnect").secondary());
                [
                    Html::text(&one.subject.issuer),
                    Html::text(&one.subject.value),
                    Html::text(&moment(one.since)),
                    form.into(),
                ]
            }));
        parts.push(table.into());
        let after = if takes_secrets {
            "After disconnecting you sign in with your name and secret."
        } else {
            "This site takes no secrets: after disconnecting the last account you cannot sign in until an administrator connects one."
        };
        parts.push(Html::paragraph(after));
        parts.push(
            Button::link("Connect another account", CONNECT)
                .secondary()
                .into(),
        );
    }
    parts.push(
        Details::new(
            "What signing out does",
            format!("Signing out ends your session here. A page then offers to sign you out at {service} too: do that on a computer that others use."),
        )
        .into(),
    );
    let page = Page::new("How you sign in").body(Html::concat(parts));
    match done {
        Some(text) => page.notice(Notification::done(text)),
        None => page,
    }
}

/// After signing out here; `address` is where a browser signs out at the service.
pub(super) fn out(service: &str, address: Option<String>) -> Page {
    let still = Html::paragraph(&format!(
        "You are still signed in with {service}, so whoever uses this browser next could come in here again as you, and wherever else that account \
         opens something. On a computer that others use, sign out there too."
    ));
    let there = match address {
        Some(address) => Button::link(format!("Sign out of {service} too"), address).into(),
        None => Html::paragraph(&format!(
            "{service} cannot be asked from here: open its own page, or close all windows of this browser."
        )),
    };
    Page::new("You are signed out here").body(Html::concat([
        still,
        there,
        Button::link("To the first page", "/").secondary().into(),
    ]))
}

/// After signing out at the service.
pub(super) fn out_there(service: &str) -> Page {
    Page::new("You are signed out").body(Html::concat([
        Html::paragraph(&format!("Here, and with {service}.")),
        Button::link("To the first page", "/").secondary().into(),
    ]))
}

/// A form that was sent and what is wrong with it.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) person: String,
    pub(super) value: String,
    pub(super) errors: Vec<(&'static str, String)>,
}

/// Everybody's accounts, for administrators.
pub(super) fn people(
    bound: &[Bound],
    issuer: &str,
    claim: Claim,
    draft: &Draft,
    done: Option<&str>,
) -> Page {
    let error = |field: &str| {
        let mut errors = draft.errors.iter();
        errors
            .find(|(name, _)| *name == field)
            .map(|(_, e)| e.clone())
    };
    let mut summary = ErrorSummary::new();
    for (field, error) in &draft.errors {
        summary = summary.error(*field, error.as_str());
    }
    let hint = match claim {
        Claim::Subject => {
            "The line that the person saw when they tried to sign in. Capitals matter."
        }
        Claim::Email => "As the service has verified it.",
    };
    let form = PostForm::to(PEOPLE)
        .hidden("what", "connect")
        .with(
            TextInput::new(
                Field::new("person", "Name here")
                    .value(draft.person.as_str())
                    .error_if(error("person")),
            )
            .width(20),
        )
        .with(TextInput::new(
            Field::new("value", word(claim))
                .hint(hint)
                .value(draft.value.as_str())
                .error_if(error("value")),
        ))
        .with(Button::new("Connect"));
    let list: Html = if bound.is_empty() {
        Html::paragraph(
            "Nobody is connected yet. Ask people to try signing in with the service and to send you what they see, or to connect their account themselves.",
        )
    } else {
        Table::new("People and their accounts")
            .columns(["Name here", "Account", "Service", "Connected", "Change"])
            .rows(bound.iter().map(|one| {
                let form = PostForm::to(PEOPLE)
                    .hidden("what", "disconnect")
                    .hidden("person", one.person.as_str())
                    .hidden("claim", one.subject.claim.as_str())
                    .hidden("issuer", one.subject.issuer.as_str())
                    .hidden("value", one.subject.value.as_str())
                    .with(Button::new("Disconnect").secondary());
                [
                    Html::text(&one.person),
                    Html::text(&one.subject.value),
                    Html::text(&one.subject.issuer),
                    Html::text(&moment(one.since)),
                    form.into(),
                ]
            }))
            .into()
    };
    let page = Page::new("Accounts at the sign-in service")
        .errors(summary)
        .body(Html::concat([
            Html::paragraph(&format!("Service: {issuer}")),
            list,
            Html::literal("<h2 class=\"govuk-heading-m\">Connect a person</h2>"),
            form.into(),
        ]));
    match done {
        Some(text) => page.notice(Notification::done(text)),
        None => page,
    }
}
