//! People of the node: the functions of the pages below `/people`.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::accounts::{self, Accounts as _, Act, By, Change, Names, NewLink, Token, WayIn};
use ldsp_ui::api::{Items, List, Query};
use ldsp_ui::{PeopleError, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FieldProblem;
use super::sent::Sent;
use super::{Api, Listed, Nothing, PEOPLE, Refused};
use crate::store::StoreError;

impl From<PeopleError> for Refused {
    fn from(PeopleError(source): PeopleError) -> Self {
        match source.downcast::<StoreError>() {
            Ok(error) => (*error).into(),
            Err(error) => {
                tracing::error!(%error, "the store of accounts did not answer");
                Problem::new(problem::STORAGE, "Accounts could not be read or changed.").into()
            }
        }
    }
}

/// Somebody who signs in here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    name: String,
    /// `admin`, `coordinator`, `approver`, `provider` or `viewer`.
    role: String,
    /// Of a provider: the organisation whose records they see; null for everybody else.
    #[schema(required)]
    organisation: Option<String>,
    /// Of a provider: the number of that organisation, to which they stay bound whatever it is called; null for everybody else.
    #[schema(required)]
    organisation_id: Option<i64>,
    added_at: Timestamp,
    /// Since when they are kept out; null when they are not.
    #[schema(required)]
    locked_at: Option<Timestamp>,
    /// Since when too many failed attempts keep the name closed for a while; null when they do not, and for everybody but an admin.
    #[schema(required)]
    closed_at: Option<Timestamp>,
    /// When it opens by itself.
    #[schema(required)]
    closed_until: Option<Timestamp>,
    /// Whether they have set a secret.
    has_secret: bool,
    /// Whether sign-in asks them for a code of their phone too.
    second_step: bool,
    /// Whether an account at the sign-in service is connected with the name.
    connected: bool,
}

/// Who signs in here, by name.
/// `names`: with those that failed attempts have closed, for those who look after people.
async fn everybody(api: &Api, names: Option<&Names>) -> Result<Vec<Person>, StoreError> {
    let store = &api.node.store;
    let people = store.people().await?;
    let subjects = store.subjects().await?;
    let connected: BTreeSet<String> = subjects.into_iter().map(|one| one.person).collect();
    let closed = |name: &str| names.and_then(|names| names.closed(name));
    let people = people.into_iter().map(|account| Person {
        closed_at: closed(&account.name).map(|closed| closed.since),
        closed_until: closed(&account.name).map(|closed| closed.until),
        connected: connected.contains(&account.name),
        name: account.name,
        role: account.role.as_str().to_owned(),
        organisation: account.organisation,
        organisation_id: account.organisation_id,
        added_at: account.added_at,
        locked_at: account.locked_at,
        has_secret: account.secret_hash.is_some(),
        second_step: account.second_step,
    });
    Ok(people.collect())
}

/// People
///
/// Who signs in here, by name.
#[utoipa::path(
    get, path = "/api/v1/people", operation_id = "list_people", tag = PEOPLE,
    params(Listed),
    responses((status = 200, description = "A page of people.", body = Items<Person>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Person>>, Refused> {
    let list = List::new("/api/v1/people");
    let after: Option<String> = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let names = person.is_any(&["admin"]).then_some(&names);
    let mut people = everybody(&api, names).await?;
    people.retain(|person| after.as_ref().is_none_or(|after| person.name > *after));
    people.truncate(limit.get() as usize + 1);
    let key = |person: &Person| person.name.clone();
    Ok(Json(list.page(people, limit, key)))
}

/// Somebody new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invited {
    /// They sign in with it. 1 to 64 Latin letters and digits, with single spaces, hyphens, apostrophes or full stops between.
    #[schema(max_length = 64, example = "Zo\u{eb} Lee")]
    name: String,
    /// `admin`, `coordinator`, `approver`, `provider` or `viewer`.
    #[schema(example = "viewer")]
    role: String,
    /// Of a provider: the organisation\u{2019}s name, one that it has or that files give it. They stay bound to the organisation when it is renamed.
    #[serde(default)]
    #[schema(max_length = 200)]
    organisation: String,
}

/// A link on which a person chooses their own secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetUp {
    name: String,
    /// For this person alone: whoever opens it first sets the secret of this name. It is told only now, and works once.
    link: String,
    ends_at: Timestamp,
}

/// Invite somebody
///
/// They are added without a secret, and choose their own on the link.
#[utoipa::path(
    post, path = "/api/v1/people", operation_id = "invite_person", tag = PEOPLE,
    request_body = Invited,
    responses((status = 201, description = "Added.", body = SetUp), super::Invites),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn invite(
    State(api): State<Api>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    _none: Query<Nothing>,
    Sent(new): Sent<Invited>,
) -> Result<(StatusCode, Json<SetUp>), Refused> {
    let name = new.name.trim();
    let (link, made) = draw_link(&api, name);
    let change = Change::Add {
        name,
        role: &new.role,
        organisation: &new.organisation,
        way_in: WayIn::Link(link),
    };
    carry_out(&api, change, &person).await?;
    names.open(name);
    Ok((StatusCode::CREATED, Json(made)))
}

async fn carry_out(api: &Api, change: Change<'_>, person: &SignedIn) -> Result<(), Refused> {
    let by = By {
        who: &person.name,
        now: (api.clock)(),
    };
    match api.node.store.change(change, by).await? {
        Act::Done => Ok(()),
        Act::Gone => Err(nobody()),
        Act::Last => {
            let detail = "They are the last who look after people here. Nothing was changed.";
            Err(Problem::new(problem::LAST_ADMIN, detail).into())
        }
        Act::Oneself => {
            let detail = "You would be kept out at once. Nothing was changed.";
            Err(Problem::new(problem::OWN_ACCOUNT, detail).into())
        }
        Act::Unfit { field, why } => Err(Refused::fields(vec![FieldProblem::unfit(
            field,
            format!("{why}."),
        )])),
    }
}

fn nobody() -> Refused {
    Refused::not_found("There is nobody with this name.")
}

/// A link for `name`, to be kept and in clear.
fn draw_link(api: &Api, name: &str) -> (NewLink, SetUp) {
    let token = Token::draw(&mut (api.entropy)());
    let kept = accounts::new_link(&token, (api.clock)());
    let shown = SetUp {
        name: name.to_owned(),
        link: accounts::link(&api.origin, &token),
        ends_at: kept.expires_at,
    };
    (kept, shown)
}

/// The person as they are now.
async fn shown(api: &Api, names: &Names, name: &str) -> Result<Json<Person>, Refused> {
    let people = everybody(api, Some(names)).await?;
    let found = people.into_iter().find(|p| p.name == name);
    found.map(Json).ok_or_else(nobody)
}

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// `admin`, `coordinator`, `approver`, `provider` or `viewer`.
    #[schema(example = "viewer")]
    role: String,
    /// Of a provider: the organisation\u{2019}s name, one that it has or that files give it. They stay bound to the organisation when it is renamed.
    #[serde(default)]
    #[schema(max_length = 200)]
    organisation: String,
}

/// Give another role
///
/// It holds from their next request on. Of admins who can sign in one always stays.
#[utoipa::path(
    post, path = "/api/v1/people/{name}/role", operation_id = "give_role", tag = PEOPLE,
    params(("name" = String, Path, description = "Exactly as the list gives it.")),
    request_body = Given,
    responses((status = 200, description = "The person as they are now.", body = Person), super::GivesRole),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn give_role(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    _none: Query<Nothing>,
    Sent(given): Sent<Given>,
) -> Result<Json<Person>, Refused> {
    let change = Change::Role {
        name: &name,
        role: &given.role,
        organisation: &given.organisation,
    };
    carry_out(&api, change, &person).await?;
    shown(&api, &names, &name).await
}

/// Make a new link
///
/// For somebody who lost their secret or their phone, or whose name somebody else may have used. Everything that opens the name ends at once:
/// secret, second step, connected accounts, sessions, tokens. Nobody does it to themselves.
#[utoipa::path(
    post, path = "/api/v1/people/{name}/link", operation_id = "make_link", tag = PEOPLE,
    params(("name" = String, Path, description = "Exactly as the list gives it.")),
    responses((status = 200, description = "The link.", body = SetUp), super::EndsAll),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn link(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    _none: Query<Nothing>,
) -> Result<Json<SetUp>, Refused> {
    let (link, made) = draw_link(&api, &name);
    carry_out(&api, Change::Reset { name: &name, link }, &person).await?;
    names.open(&name);
    Ok(Json(made))
}

/// Lock somebody out
///
/// Neither secret nor session nor token of theirs opens anything until they are let in again.
#[utoipa::path(
    post, path = "/api/v1/people/{name}/lock", operation_id = "lock_person", tag = PEOPLE,
    params(("name" = String, Path, description = "Exactly as the list gives it.")),
    responses((status = 200, description = "The person as they are now.", body = Person), super::KeepsOut),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn lock(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    _none: Query<Nothing>,
) -> Result<Json<Person>, Refused> {
    let change = Change::Lock {
        name: &name,
        careful: true,
    };
    carry_out(&api, change, &person).await?;
    shown(&api, &names, &name).await
}

/// Let somebody in again
///
/// Also opens a name that failed attempts have closed.
#[utoipa::path(
    post, path = "/api/v1/people/{name}/unlock", operation_id = "unlock_person", tag = PEOPLE,
    params(("name" = String, Path, description = "Exactly as the list gives it.")),
    responses((status = 200, description = "The person as they are now.", body = Person), super::Forgets),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn unlock(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    Extension(names): Extension<Names>,
    _none: Query<Nothing>,
) -> Result<Json<Person>, Refused> {
    carry_out(&api, Change::Unlock { name: &name }, &person).await?;
    names.open(&name);
    shown(&api, &names, &name).await
}

/// Remove somebody
///
/// What they prepared, wrote or approved keeps their name.
#[utoipa::path(
    post, path = "/api/v1/people/{name}/remove", operation_id = "remove_person", tag = PEOPLE,
    params(("name" = String, Path, description = "Exactly as the list gives it.")),
    responses((status = 204, description = "Removed."), super::KeepsOut),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn remove(
    State(api): State<Api>,
    Path(name): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
) -> Result<StatusCode, Refused> {
    carry_out(&api, Change::Remove { name: &name }, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
