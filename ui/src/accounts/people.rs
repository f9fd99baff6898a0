//! `/people`: who may sign in, and adding somebody.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::IntoResponse as _;
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;

use super::looks::{moment, shown_once, until};
use super::{
    Act, Answer, Change, Closed, Keep, LINK_DAYS, Listed, RoleWords, WayIn, is_local, once,
    unavailable,
};
use crate::components::{
    Button, Choice, Details, ErrorSummary, Field, InsetText, Notification, PostForm, Radios, Tag,
    TagColour, TextInput, Warning, link, list as bullets,
};
use crate::html::Html;
use crate::listing::{Asked, Column, Listing};
use crate::page::Page;
use crate::people::{SignedIn, percent_encode};
use crate::roles::Access;

pub(super) fn router() -> Router<Keep> {
    Router::new()
        .route("/people", get(list))
        .route("/people/new", get(form).post(add))
}

/// The address of somebody's page.
pub(super) fn path_of(name: &str) -> String {
    format!("/people/{}", percent_encode(name).replace('/', "%2F"))
}

pub(super) fn role_tag(roles: &[RoleWords], role: &str) -> Html {
    roles.iter().find(|words| words.role == role).map_or_else(
        || Html::text(role),
        |words| Tag::coloured(words.title, words.colour).into(),
    )
}

/// With what somebody signs in, in one or two words; `takes_secrets`: secrets open something here.
pub(super) fn state_tag(person: &Listed, takes_secrets: bool) -> Tag {
    let green = |words| Tag::coloured(words, TagColour::Green);
    let missing = |words| Tag::coloured(words, TagColour::Yellow);
    if person.locked_at.is_some() {
        return Tag::coloured("Locked out", TagColour::Red);
    }
    match (person.has_secret && takes_secrets, person.connected) {
        (true, _) if person.second_step => green("Secret and phone"),
        (true, true) => green("Secret or account elsewhere"),
        (true, false) => green("Secret"),
        (false, true) => green("Account elsewhere"),
        (false, false) if takes_secrets => missing("Has not set a secret yet"),
        (false, false) => missing("Has not connected an account yet"),
    }
}

/// That failed attempts have closed a name, and until when.
pub(super) fn closed_tag(closed: &Closed, now: Timestamp) -> Tag {
    Tag::coloured(
        format!("Closed {}", until(closed.until, now)),
        TagColour::Red,
    )
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    done: String,
}

/// People of a page.
const SHOWN: usize = 100;

async fn list(
    State(keep): State<Keep>,
    person: SignedIn,
    asked: Asked,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let people = keep.accounts.everybody().await.map_err(unavailable)?;
    let roles = keep.accounts.roles();
    let manages = match keep.managers {
        Access::Roles(roles) => person.is_any(roles),
        Access::SignedIn | Access::Public => true,
    };
    let mut pieces = Vec::new();
    if manages {
        pieces.push(Button::link("Add a person", "/people/new").into());
    } else {
        pieces.push(Html::paragraph(
            "People are added, locked out and removed by those who look after them here. Your own secret is on the page Your account, which your name at the top leads to.",
        ));
    }
    let closed = people.iter().filter(|_| manages);
    let closed: BTreeMap<String, Closed> = closed
        .filter_map(|p| Some((p.name.clone(), keep.checker.closed(&p.name)?)))
        .collect();
    if !closed.is_empty() {
        let names = closed.keys().map(|name| link(name, &path_of(name)));
        let text = Html::concat([
            Html::paragraph(
                "Closed for a while after too many failed attempts to sign in. Ask them whether it was they before you open the name:",
            ),
            bullets(names),
        ]);
        pieces.push(InsetText::new(text).into());
    }
    let shown = Shown {
        reader: &person,
        manages,
        takes_secrets: keep.takes_secrets(),
        closed,
        now: keep.now(),
    };
    pieces.push(listing(people, &roles, &asked, &shown));
    let explained = roles.iter().map(|words| {
        Html::concat([
            Tag::coloured(words.title, words.colour).into(),
            " ".into(),
            words.does.into(),
        ])
    });
    pieces.push(Details::new("What each role does", bullets(explained)).into());
    if manages {
        let history = link(
            "What was done to accounts, and by whom",
            keep.accounts.history(),
        );
        pieces.push(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            history,
            Html::literal("</p>"),
        ]));
    }
    let mut page = Page::new("People").body(Html::concat(pieces));
    if wanted.done == "removed" {
        page = page.notice(Notification::done("They can no longer sign in"));
    }
    Ok(page.into_response())
}

/// To whom the list is shown, and on what site.
struct Shown<'a> {
    reader: &'a SignedIn,
    /// With links to people's pages.
    manages: bool,
    takes_secrets: bool,
    /// Names that failed attempts have closed.
    closed: BTreeMap<String, Closed>,
    now: Timestamp,
}

/// Those who are like what the address asks for.
fn listing(mut people: Vec<Listed>, roles: &[RoleWords], asked: &Asked, shown: &Shown<'_>) -> Html {
    let counts: Vec<(&str, String)> = roles
        .iter()
        .map(|words| {
            let count = people.iter().filter(|p| p.role == words.role).count();
            (words.role, format!("{} ({count})", words.title))
        })
        .collect();
    let (role, wanted) = (asked.text("role"), asked.text("q").to_lowercase());
    let everybody = format!("Any ({})", people.len());
    people.retain(|p| {
        let of = p.organisation.as_deref().unwrap_or_default();
        let is_found = [p.name.as_str(), of]
            .iter()
            .any(|text| text.to_lowercase().contains(&wanted));
        is_found && (role.is_empty() || p.role == role)
    });
    let order = asked.order("name", false);
    match order.by.as_str() {
        "role" => order.sort(&mut people, |p| p.role.clone()),
        "organisation" => order.sort(&mut people, |p| p.organisation.clone()),
        "added" => order.sort(&mut people, |p| p.added_at),
        _ => order.sort(&mut people, |p| p.name.to_lowercase()),
    }
    let rows = people[asked.rows(people.len(), SHOWN)].iter().map(|p| {
        let you = if p.name == shown.reader.name {
            " (you)"
        } else {
            ""
        };
        let name: Html = if shown.manages {
            Html::concat([link(&p.name, &path_of(&p.name)), you.into()])
        } else {
            format!("{}{you}", p.name).into()
        };
        let cells = [
            name,
            role_tag(roles, &p.role),
            p.organisation.clone().unwrap_or_default().into(),
            moment(p.added_at).into(),
        ];
        // Who has no second step, or no secret yet, is for those who look after people: nobody else has use for it but an attacker.
        let state = shown.manages.then(|| {
            let closed = shown
                .closed
                .get(&p.name)
                .map(|closed| closed_tag(closed, shown.now));
            let with = state_tag(p, shown.takes_secrets).into();
            Html::concat([
                with,
                " ".into(),
                closed.map_or_else(Html::default, Html::from),
            ])
        });
        cells.into_iter().chain(state)
    });
    let mut columns = vec![
        Column::new("Name").sorts("name"),
        Column::new("Role").sorts("role"),
        Column::new("Organisation").sorts("organisation"),
        Column::new("Added").sorts("added"),
    ];
    if shown.manages {
        columns.push(Column::new("Signs in with"));
    }
    Listing::new("People who sign in here", asked, order)
        .search("Name or organisation")
        .filter("role", "Role", &everybody, counts)
        .columns(columns)
        .rows(rows)
        .paged(people.len(), SHOWN)
        .nothing("Nobody is like this.")
        .into()
}

#[derive(Deserialize, Default)]
struct New {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    organisation: String,
}

async fn form(State(keep): State<Keep>) -> Page {
    new_page(&keep.accounts.roles(), &New::default(), &[])
}

/// The fields of a role and of the organisation that some are bound to.
pub(super) fn role_fields(
    roles: &[RoleWords],
    role: &str,
    organisation: &str,
    errors: &[(&'static str, String)],
) -> [Html; 2] {
    let error = |field: &str| {
        let found = errors.iter().find(|(of, _)| *of == field);
        found.map(|(_, error)| error.clone())
    };
    let field = Field::new("role", "What may they do?")
        .value(role)
        .error_if(error("role"));
    let choices = roles
        .iter()
        .map(|words| Choice::new(words.role, words.title).hint(words.does));
    let bound: Vec<&str> = roles.iter().filter(|w| w.bound).map(|w| w.title).collect();
    if bound.is_empty() {
        return [Radios::new(field, choices).into(), Html::default()];
    }
    let organisation = Field::new("organisation", "Their organisation")
        .hint(format!(
            "Only for the role {}: the organisation\u{2019}s name as your files give it",
            bound.join(", ")
        ))
        .value(organisation)
        .error_if(error("organisation"));
    [
        Radios::new(field, choices).into(),
        TextInput::new(organisation).width(30).into(),
    ]
}

fn new_page(roles: &[RoleWords], new: &New, errors: &[(&'static str, String)]) -> Page {
    let error = errors.iter().find(|(of, _)| *of == "name");
    let name = Field::new("name", "Their name")
        .hint("They sign in with it, and what they do is kept under it. 1 to 64 letters and digits, with single spaces, hyphens, apostrophes or full stops between")
        .value(new.name.clone())
        .error_if(error.map(|(_, error)| error.clone()));
    let [role, organisation] = role_fields(roles, &new.role, &new.organisation, errors);
    let form = PostForm::to("/people/new")
        .with(TextInput::new(name).autocomplete("off").width(20))
        .with(role)
        .with(organisation)
        .with(Button::new("Add them and make a link"));
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    Page::new("Add a person")
        .breadcrumb("People", "/people")
        .errors(summary)
        .body(form)
}

async fn add(State(keep): State<Keep>, person: SignedIn, Form(new): Form<New>) -> Answer {
    let roles = keep.accounts.roles();
    let refused =
        |errors: &[(&'static str, String)]| Ok(new_page(&roles, &new, errors).into_response());
    let (name, role) = (new.name.trim(), new.role.as_str());
    let mut errors = Vec::new();
    if name.is_empty() {
        errors.push(("name", "Enter their name".to_owned()));
    }
    if !roles.iter().any(|words| words.role == role) {
        errors.push(("role", "Choose what they may do".to_owned()));
    }
    if !errors.is_empty() {
        return refused(&errors);
    }
    let (link, shown) = keep.draw_link();
    let change = Change::Add {
        name,
        role,
        organisation: &new.organisation,
        way_in: WayIn::Link(link),
    };
    match keep.change(change, &person.name).await? {
        Act::Done => {}
        Act::Unfit { field, why } => return refused(&[(field, why)]),
        Act::Gone | Act::Last | Act::Oneself => {
            return refused(&[("name", "They could not be added".into())]);
        }
    }
    // Strangers may have tried the name before.
    keep.checker.forgive(name);
    Ok(once(link_page(name, &shown, &format!("{name} is added"))))
}

/// What to do first where the link leads to no browser but those of the server's own machine.
fn local_only(link: &str) -> Html {
    if !is_local(link) {
        return Html::default();
    }
    Warning::new("The address in this link opens on the server\u{2019}s own machine only. Before you give it away, the IT team sets \u{201c}listen\u{201d} and \u{201c}public_url\u{201d} in the configuration and starts the server again.").into()
}

/// Shows a set-up link once.
pub(super) fn link_page(name: &str, link: &str, done: &str) -> Page {
    Page::new(format!("A link for {name}"))
        .breadcrumb("People", "/people")
        .notice(Notification::done(done))
        .body(Html::concat([
            Html::paragraph(&format!(
                "Give this link to {name}, and to nobody else: whoever opens it first chooses how this name signs in. It works once, for \
                 {LINK_DAYS} days. It is shown only now; if it is lost, make a new one on their page."
            )),
            shown_once(link),
            local_only(link),
            Button::link("Back to people", "/people").into(),
        ]))
}
