//! `/people/{name}`: one person's account, for those who look after people.

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::looks::{heading, moment};
use super::people::{closed_tag, link_page, path_of, role_fields, role_tag, state_tag};
use super::{Act, Answer, Change, Keep, Listed, RoleWords, gone, once, unavailable};
use crate::components::{Button, ErrorSummary, Notification, PostForm, SummaryList, Warning};
use crate::html::Html;
use crate::page::{Link, Page};
use crate::people::{SignedIn, see_other};
use crate::problem::ProblemPage;

pub(super) fn router() -> Router<Keep> {
    Router::new()
        .route("/people/{name}", get(show))
        .route("/people/{name}/role", get(role_form).post(change_role))
        .route("/people/{name}/remove", get(ask).post(remove))
        .route("/people/{name}/link", post(reset))
        .route("/people/{name}/lock", post(lock))
        .route("/people/{name}/unlock", post(unlock))
}

async fn find(keep: &Keep, name: &str) -> Result<Listed, ProblemPage> {
    let people = keep.accounts.everybody().await.map_err(unavailable)?;
    let found = people.into_iter().find(|p| p.name == name);
    found.ok_or_else(|| gone("There is nobody with this name."))
}

/// The page of an act that was refused, or where it leads when it was done.
fn after(act: Act, name: &str, done: &str) -> Answer {
    match act {
        Act::Done => Ok(see_other(done)),
        Act::Gone => Err(gone("There is nobody with this name.")),
        Act::Last => Err(ProblemPage::new(
            StatusCode::CONFLICT,
            "last_admin",
            "Somebody has to look after people",
        )
        .happened(format!(
            "{name} is the only one who can. Nothing was changed."
        ))
        .next("Give somebody else this role first.")),
        Act::Oneself => Err(ProblemPage::new(
            StatusCode::CONFLICT,
            "own_account",
            "You cannot do this to yourself",
        )
        .happened("You would be signed out at once, with nobody to let you in again.")
        .next("Ask another person with your role. Your own secret is changed on the page Your account.")),
        Act::Unfit { why, .. } => Err(ProblemPage::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_changed",
            "Nothing was changed",
        )
        .happened(why)),
    }
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn show(
    State(keep): State<Keep>,
    person: SignedIn,
    Path(name): Path<String>,
    Query(done): Query<Done>,
) -> Answer {
    let one = find(&keep, &name).await?;
    let roles = keep.accounts.roles();
    let path = path_of(&name);
    let mut facts = SummaryList::new().fact_with(
        "Role",
        role_tag(&roles, &one.role),
        Link::new("Change", format!("{path}/role")),
    );
    if let Some(organisation) = &one.organisation {
        facts = facts.fact("Organisation", organisation.clone());
    }
    facts = facts
        .fact("Signs in with", state_tag(&one, keep.takes_secrets()))
        .fact("Added", moment(one.added_at));
    if let Some(at) = one.locked_at {
        facts = facts.fact("Locked out since", moment(at));
    }
    let closed = keep.checker.closed(&name);
    if let Some(closed) = &closed {
        let place = if closed.everywhere {
            "on every browser that it was not used on before"
        } else {
            "where it was tried"
        };
        facts = facts
            .fact("Name", closed_tag(closed, keep.now()))
            .fact("Closed since", format!("{}, {place}", moment(closed.since)))
            .fact("Opens by itself", moment(closed.until));
    }
    let own = one.name == person.name;
    let has_tokens = keep.accounts.tokens().is_some();
    let mut page = Page::new(one.name.clone())
        .breadcrumb("People", "/people")
        .body(Html::concat([
            facts.into(),
            acts(&one, &path, (own, has_tokens), closed.is_some()),
        ]));
    let said = match done.done.as_str() {
        "role" => "Their role is changed",
        "locked" => "They are locked out: their secret, sessions and tokens open nothing",
        "unlocked" => "They may sign in again",
        _ => return Ok(page.into_response()),
    };
    page = page.notice(Notification::done(said));
    Ok(page.into_response())
}

fn acts(one: &Listed, path: &str, (own, has_tokens): (bool, bool), is_closed: bool) -> Html {
    let button = |to: &str, button: Button| -> Html {
        PostForm::to(format!("{path}/{to}")).with(button).into()
    };
    let mut pieces = Vec::new();
    if !own {
        let tokens = if has_tokens {
            ", and the tokens of their programs"
        } else {
            ""
        };
        let link_words = format!(
            "For somebody who lost their secret or their phone, or whose name somebody else may have used. Everything that opens the name ends at \
             once: secret, second step, connected accounts, sessions, an earlier link{tokens}."
        );
        pieces.extend([
            heading("A new link"),
            Html::paragraph(&link_words),
            button("link", Button::new("Make a new link").secondary()),
        ]);
    }
    if one.locked_at.is_some() {
        pieces.extend([
            heading("Let them in again"),
            Html::paragraph("They were locked out by somebody who looks after people, or after too many wrong codes of a phone. Ask them which before you open their name."),
            button("unlock", Button::new("Let them sign in again").secondary()),
        ]);
    } else if is_closed {
        pieces.extend([
            heading("After failed attempts"),
            Html::paragraph("Somebody tried this name too often with a wrong secret or code. Ask them whether it was they: if so, this opens the name at once; if not, leave it closed, or make a new link."),
            button("unlock", Button::new("Open the name").secondary()),
        ]);
    }
    if !own && one.locked_at.is_none() {
        pieces.extend([
            heading("Lock out"),
            Html::paragraph(
                "For a while, or until something is cleared up. Everything that is theirs stays.",
            ),
            button("lock", Button::new("Lock them out").secondary()),
        ]);
    }
    if !own {
        pieces.extend([
            heading("Remove"),
            Html::paragraph("For good. What they prepared, wrote or approved keeps their name."),
            Button::link("Remove them", format!("{path}/remove"))
                .warning()
                .into(),
        ]);
    }
    Html::concat(pieces)
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    role: String,
    #[serde(default)]
    organisation: String,
}

async fn role_form(State(keep): State<Keep>, Path(name): Path<String>) -> Answer {
    let one = find(&keep, &name).await?;
    let chosen = Chosen {
        role: one.role,
        organisation: one.organisation.unwrap_or_default(),
    };
    Ok(role_page(&name, &keep.accounts.roles(), &chosen, &[]))
}

fn role_page(
    name: &str,
    roles: &[RoleWords],
    chosen: &Chosen,
    errors: &[(&'static str, String)],
) -> Response {
    let [role, organisation] = role_fields(roles, &chosen.role, &chosen.organisation, errors);
    let path = path_of(name);
    let form = PostForm::to(format!("{path}/role"))
        .with(role)
        .with(organisation)
        .with(Button::new("Change the role"));
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(*field, error.clone());
    }
    Page::new(format!("The role of {name}"))
        .breadcrumb("People", "/people")
        .breadcrumb(name, path)
        .errors(summary)
        .body(form)
        .into_response()
}

async fn change_role(
    State(keep): State<Keep>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Answer {
    find(&keep, &name).await?;
    let roles = keep.accounts.roles();
    if !roles.iter().any(|words| words.role == chosen.role) {
        let error = [("role", "Choose what they may do".to_owned())];
        return Ok(role_page(&name, &roles, &chosen, &error));
    }
    let change = Change::Role {
        name: &name,
        role: &chosen.role,
        organisation: &chosen.organisation,
    };
    match keep.change(change, &person.name).await? {
        Act::Unfit { field, why } => Ok(role_page(&name, &roles, &chosen, &[(field, why)])),
        act => after(act, &name, &format!("{}?done=role", path_of(&name))),
    }
}

async fn ask(State(keep): State<Keep>, Path(name): Path<String>) -> Answer {
    let one = find(&keep, &name).await?;
    let path = path_of(&name);
    let form = PostForm::to(format!("{path}/remove")).buttons([
        Button::new(format!("Remove {}", one.name)).warning(),
        Button::link("Keep them", path.clone()).secondary(),
    ]);
    let page = Page::new(format!("Remove {}?", one.name))
        .breadcrumb("People", "/people")
        .breadcrumb(one.name, path)
        .body(Html::concat([
            Warning::new("They can no longer sign in, and the tokens of their programs end. Somebody who is only away for a while can be locked out instead.").into(),
            form.into(),
        ]));
    Ok(page.into_response())
}

async fn remove(State(keep): State<Keep>, person: SignedIn, Path(name): Path<String>) -> Answer {
    let change = Change::Remove { name: &name };
    let act = keep.change(change, &person.name).await?;
    after(act, &name, "/people?done=removed")
}

async fn lock(State(keep): State<Keep>, person: SignedIn, Path(name): Path<String>) -> Answer {
    let change = Change::Lock {
        name: &name,
        careful: true,
    };
    let act = keep.change(change, &person.name).await?;
    after(act, &name, &format!("{}?done=locked", path_of(&name)))
}

async fn unlock(State(keep): State<Keep>, person: SignedIn, Path(name): Path<String>) -> Answer {
    keep.checker.forgive(&name);
    let change = Change::Unlock { name: &name };
    let act = keep.change(change, &person.name).await?;
    after(act, &name, &format!("{}?done=unlocked", path_of(&name)))
}

async fn reset(State(keep): State<Keep>, person: SignedIn, Path(name): Path<String>) -> Answer {
    let (link, shown) = keep.draw_link();
    let change = Change::Reset { name: &name, link };
    match keep.change(change, &person.name).await? {
        Act::Done => {
            keep.checker.forgive(&name);
            let done = "The link is made, and what opened the name before has ended";
            Ok(once(link_page(&name, &shown, done)))
        }
        act => after(act, &name, "/people"),
    }
}
