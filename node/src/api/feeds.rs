//! Feeds of others that services are pulled from.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_ui::SignedIn;
use ldsp_ui::api::Query;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FieldProblem;
use super::sent::Sent;
use super::{Api, Nothing, PROVISION, Refused};
use crate::provision::pull::refusal::Refusal;
use crate::provision::pull::{Unbegun, begin};
use crate::store::feeds::{Feed, Pulled};

/// What the last pull came to so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PulledServices)]
struct Came {
    /// Services that it listed.
    found: u64,
    added: u64,
    changed: u64,
    unchanged: u64,
    /// Left out: something is wrong with them.
    refused: u64,
}

impl From<Pulled> for Came {
    fn from(tally: Pulled) -> Self {
        let Pulled {
            found,
            added,
            changed,
            unchanged,
            refused,
        } = tally;
        Self {
            found,
            added,
            changed,
            unchanged,
            refused,
        }
    }
}

/// Why a feed is not read on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedRefusal)]
struct Why {
    code: &'static str,
    cause: &'static str,
    next: &'static str,
}

/// A feed, and how far its last pull is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedPulled)]
pub(super) struct FeedShown {
    /// Its number at this node.
    #[schema(minimum = 1)]
    id: i64,
    /// What comes before /services.
    url: String,
    /// The taxonomy term that is asked for alone; empty: none.
    term: String,
    under_way: bool,
    /// The page that is read, from 1.
    page: u64,
    /// How many there are; null: not known yet.
    #[schema(required)]
    pages: Option<u64>,
    /// Null: nothing stands against it.
    #[schema(required)]
    problem: Option<Why>,
    /// When a pull last came to its end; null: none did.
    #[schema(required)]
    ended_at: Option<Timestamp>,
    services: Came,
}

impl From<Feed> for FeedShown {
    fn from(feed: Feed) -> Self {
        let problem = Refusal::named(&feed.problem);
        Self {
            id: feed.id,
            url: feed.url,
            term: feed.term,
            under_way: feed.begun_at.is_some() && problem.is_none(),
            page: feed.page,
            pages: feed.pages,
            problem: problem.map(|why| Why {
                code: why.code(),
                cause: why.cause(),
                next: why.next(),
            }),
            ended_at: feed.ended_at,
            services: feed.tally.into(),
        }
    }
}

/// Every feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedsPulled)]
pub(super) struct Feeds {
    items: Vec<FeedShown>,
}

/// Feeds
///
/// Those that were pulled, with how far each pull is.
#[utoipa::path(
    get, path = "/api/v1/feeds", operation_id = "list_feeds", tag = PROVISION,
    responses((status = 200, description = "Every feed.", body = Feeds), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Feeds>, Refused> {
    let all = api.node.store.feeds().await?;
    Ok(Json(Feeds {
        items: all.into_iter().map(FeedShown::from).collect(),
    }))
}

async fn one(api: &Api, id: i64) -> Result<FeedShown, Refused> {
    let all = api.node.store.feeds().await?;
    let found = all.into_iter().find(|feed| feed.id == id);
    let found = found.ok_or_else(|| Refused::not_found("No feed of this number was pulled."))?;
    Ok(found.into())
}

/// A feed
///
/// How far its pull is: ask again until `under_way` is false.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}", operation_id = "show_feed", tag = PROVISION,
    params(("id" = i64, Path, description = "Its number at this node.", minimum = 1)),
    responses((status = 200, description = "The feed.", body = FeedShown), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<FeedShown>, Refused> {
    let id = super::number(&id).unwrap_or(0);
    Ok(Json(one(&api, id).await?))
}

/// A feed to pull.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PullFeed)]
pub(super) struct Pull {
    /// What comes before /services, such as `https://directory.example/api`.
    url: String,
    /// Only services that have this taxonomy term: its identifier in the feed. Empty: those that speak of digital skills.
    #[serde(default)]
    #[schema(max_length = 200)]
    term: String,
}

/// Pull a feed
///
/// An Open Referral UK 3.0 feed (docs/provision.md). It is begun, or goes on where it ended, and read one request a second: the address in
/// `Location` says how far it is.
#[utoipa::path(
    post, path = "/api/v1/feeds", operation_id = "pull_feed", tag = PROVISION,
    request_body = Pull,
    responses(
        (status = 202, description = "Begun.", body = FeedShown, headers(("location" = String, description = "Its address."))),
        (status = 422, description = "This is not the address of a feed that may be pulled. (`form`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn pull(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(sent): Sent<Pull>,
) -> Result<Response, Refused> {
    let (store, now) = (&api.node.store, (api.clock)());
    let of = (sent.url.as_str(), sent.term.as_str());
    let id = match begin(store, &api.feed_hosts, of, (&person.name, now)).await {
        Ok(id) => id,
        Err(Unbegun::Store(error)) => return Err(error.into()),
        Err(Unbegun::Refused(why)) => {
            let cause = why.cause().to_owned();
            let problem = FieldProblem::found("url", why.code(), cause, why.next());
            return Err(Refused::fields(vec![problem]));
        }
    };
    let location = [(header::LOCATION, format!("/api/v1/feeds/{id}"))];
    let body = Json(one(&api, id).await?);
    Ok((StatusCode::ACCEPTED, location, body).into_response())
}
