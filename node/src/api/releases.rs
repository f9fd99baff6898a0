//! Releases: prepared by a coordinator, approved by somebody else, through the functions that the pages and the command line call.
//! Everything here is protected: what any reader of the log could work out once it is published.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_ui::SignedIn;
use ldsp_ui::api::{Items, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::imports::Preferring;
use super::sent::Sent;
use super::work::{WorkShown, accepted, would_not_wait};
use super::{Api, Listed, Nothing, RELEASES, Refused, moment};
use crate::pages;
use crate::release::rules::Verdict;
use crate::release::{
    self, Approval, Interval, Refusal, Request, ShownFamily, ShownRefusal, ShownStatement,
    ShownTable,
};
use crate::store::releases::{self, ReleaseHead};
use crate::work::Outcome;

/// How far a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// Nothing has left; an approver has to look at it.
    Open,
    /// Signed and on its way to the log, or there.
    Approved,
}

/// A month's release.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Release {
    period: Period,
    #[schema(inline)]
    state: Stage,
    /// SHA-256 of the payload: what an approver approves. Of two payloads, one after the other, oldest data standard first.
    digest: Digest,
    /// Who prepared it; `schedule` when nobody did.
    author: String,
    prepared_at: Timestamp,
    /// Who approved it.
    #[schema(required)]
    approver: Option<String>,
    #[schema(required)]
    approved_at: Option<Timestamp>,
    /// Sequence number of its last statement.
    #[schema(required)]
    seq: Option<u64>,
    /// Sequence numbers of all its statements: two while an earlier data standard goes on beside the present one.
    seqs: Vec<u64>,
}

impl TryFrom<ReleaseHead> for Release {
    type Error = Refused;

    fn try_from(head: ReleaseHead) -> Result<Self, Refused> {
        let (approver, approved_at) = head.approved.unzip();
        Ok(Self {
            period: head.period,
            state: if approver.is_some() {
                Stage::Approved
            } else {
                Stage::Open
            },
            digest: head.digest,
            author: head.author,
            prepared_at: moment(head.prepared_at)?,
            approver,
            approved_at: approved_at.map(moment).transpose()?,
            seq: head.seqs.last().copied(),
            seqs: head.seqs,
        })
    }
}

/// A release and what readers will work out from it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReleaseInFull {
    #[serde(flatten)]
    release: Release,
    /// What is signed: a statement under each data standard that the node publishes under, oldest first.
    statements: Vec<ShownStatement>,
    /// How one standard takes over from the other, in words; null where there is one.
    #[schema(required)]
    turn: Option<String>,
    /// Bytes of all payloads.
    bytes: usize,
    /// What became known in the month, as readers will estimate it.
    families: Vec<ShownFamily>,
    /// The declared tables in order.
    tables: Vec<ShownTable>,
    /// Every rule that it has to keep, with the outcome of its check.
    rules: Vec<Verdict>,
    /// Who may approve it.
    approvers: Vec<String>,
    /// Who refused it and why, oldest first. A refused release stays as it is and may be approved later.
    refusals: Vec<ShownRefusal>,
}

/// Releases
///
/// Newest month first.
#[utoipa::path(
    get, path = "/api/v1/releases", operation_id = "list_releases", tag = RELEASES,
    params(Listed),
    responses((status = 200, description = "A page of releases.", body = Items<Release>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Release>>, Refused> {
    let list = List::new("/api/v1/releases");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let mut reader = api.node.store.reader.acquire().await?;
    let heads = releases::heads_before(&mut reader, before, limit.get() + 1).await?;
    let found: Result<Vec<_>, _> = heads.into_iter().map(Release::try_from).collect();
    Ok(Json(list.page(found?, limit, |r: &Release| r.period)))
}

/// A release
///
/// Protected figures only: estimates with their standard deviations, as readers of the log will have them.
#[utoipa::path(
    get, path = "/api/v1/releases/{period}", operation_id = "show_release", tag = RELEASES,
    params(("period" = Period, Path, description = "The month.")),
    responses((status = 200, description = "The release.", body = ReleaseInFull), super::ReadOne),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(period): Path<String>,
    _none: Query<Nothing>,
) -> Result<Json<ReleaseInFull>, Refused> {
    Ok(Json(in_full(&api, month(&period)?).await?))
}

/// The payload of a release
///
/// Exactly the bytes whose SHA-256 is the release's digest: what an approver signs. Two payloads stand one after the other, as
/// `application/octet-stream`.
#[utoipa::path(
    get, path = "/api/v1/releases/{period}/payload", operation_id = "show_payload", tag = RELEASES,
    params(("period" = Period, Path, description = "The month.")),
    responses(
        (status = 200, description = "A learning summary of the data standard.", body = Object, content_type = "application/json"),
        super::ReadOne
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn payload(
    State(api): State<Api>,
    Path(period): Path<String>,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let period = month(&period)?;
    let mut reader = api.node.store.reader.acquire().await?;
    let release = releases::of(&mut reader, period).await?;
    let release = release.ok_or(release::ReleaseError::Unknown(period))?;
    let kind = release.media_type();
    Ok(([(header::CONTENT_TYPE, kind)], release.bytes()).into_response())
}

/// Which month.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Preparing {
    /// The month that the caller believes to be next, so that a request sent twice does not prepare two; without it, whichever is
    /// next.
    #[serde(default)]
    period: Option<Period>,
    /// The first month of the published history, needed for the first release: public, and never to be taken from learners' records.
    #[serde(default)]
    first: Option<Period>,
}

/// Prepare the next month
///
/// Counts what became known by the month's end and draws its noise, once. A month that is prepared already is answered as it is.
/// Nothing leaves before an approver agrees.
#[utoipa::path(
    post, path = "/api/v1/releases", operation_id = "prepare_release", tag = RELEASES,
    params(Preferring),
    request_body = Preparing,
    responses(
        (status = 200, description = "It was prepared before.", body = ReleaseInFull),
        (status = 201, description = "Prepared now.", body = ReleaseInFull,
            headers(("location" = String, description = "Its address."))),
        (status = 202, description = "Begun, because `Prefer: respond-async` was asked for.", body = WorkShown,
            headers(("location" = String, description = "The work's address."))),
        (status = 409, description = "The release was left as it is. (`release`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn prepare(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    headers: HeaderMap,
    Sent(wanted): Sent<Preparing>,
) -> Result<Response, Refused> {
    let request = Request {
        period: wanted.period,
        first: wanted.first,
        rho_micro: api.rho_micro,
        ..Request::default()
    };
    (api.before_signing)().await;
    let work = pages::begin_release(&api.settings, &person, request);
    if would_not_wait(&headers) {
        return Ok(accepted(&work));
    }
    let prepared = match work.ended().await {
        Outcome::Prepared(prepared) => prepared,
        other => return Err(Refused::failed(other)),
    };
    let period = prepared.release.period;
    let (status, location): (_, Option<(HeaderName, String)>) = if prepared.drawn {
        let address = format!("/api/v1/releases/{period}");
        (StatusCode::CREATED, Some((header::LOCATION, address)))
    } else {
        (StatusCode::OK, None)
    };
    let location = axum::response::AppendHeaders(location);
    Ok((status, location, Json(in_full(&api, period).await?)).into_response())
}

/// From which month on the preview shall count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Previewing {
    /// As if the published figures began in this month; needed where nobody has chosen it yet, and kept nowhere.
    #[serde(default)]
    first: Option<Period>,
}

/// What would become known of a family.
#[derive(Debug, Serialize, ToSchema)]
struct Expected {
    /// Title in the standard.
    title: String,
    /// Enrolments that would enter. An exact count, not to be shared.
    counted: i64,
    /// Half the width of the 95 % interval that readers would see, in enrolments.
    margin_95: f64,
    /// What readers would see, of made-up records alone; null of real ones.
    #[schema(required)]
    published: Option<Interval>,
}

/// What a release would publish, without being one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Preview {
    period: Period,
    /// Whether the records are made up: nothing of them is ever published.
    made_up: bool,
    families: Vec<Expected>,
    /// Every rule that a release has to keep, with its outcome.
    rules: Vec<Verdict>,
}

/// Preview the next month
///
/// Counts what would become known and checks every rule, then forgets it: nothing is stored or sent, and nothing of a budget is spent. For the
/// LEP’s own people: exact counts.
#[utoipa::path(
    post, path = "/api/v1/releases/preview", operation_id = "preview_release", tag = RELEASES,
    request_body = Previewing,
    responses(
        (status = 200, description = "What it would be.", body = Preview),
        (status = 409, description = "There is nothing to preview. (`release`)", body = Refused,
            content_type = "application/problem+json"),
        super::TakesJson
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn preview(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(wanted): Sent<Previewing>,
) -> Result<Json<Preview>, Refused> {
    let request = Request {
        first: wanted.first,
        rho_micro: api.rho_micro,
        ..Request::default()
    };
    let (store, now) = (&api.node.store, (api.clock)());
    let tried = release::preview::preview(store, request, &person.name, now, &api.entropy).await?;
    let families = tried.families.into_iter().map(|family| Expected {
        title: family.title,
        counted: family.counted,
        margin_95: family.margin,
        published: family.published.map(Into::into),
    });
    Ok(Json(Preview {
        period: tried.period,
        made_up: tried.made_up.is_some(),
        families: families.collect(),
        rules: tried.verdicts,
    }))
}

/// What an approver says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approving {
    /// Digest of the release that the approver has looked at.
    digest: Digest,
}

/// Where an approved release went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sealed {
    period: Period,
    digest: Digest,
    /// Sequence number of the last statement.
    seq: u64,
}

/// Approve a release
///
/// The word of a second person, never of the one who prepared it. Signs the release and queues it for the log. What has left
/// cannot be taken back.
#[utoipa::path(
    post, path = "/api/v1/releases/{period}/approve", operation_id = "approve_release", tag = RELEASES,
    params(("period" = Period, Path, description = "The month.")),
    request_body = Approving,
    responses(
        (status = 200, description = "Approved and signed.", body = Sealed),
        (status = 409, description = "The release was left as it is. (`release`)", body = Refused,
            content_type = "application/problem+json"),
        super::Approves
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn approve(
    State(api): State<Api>,
    Path(period): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(word): Sent<Approving>,
) -> Result<Json<Sealed>, Refused> {
    let period = month(&period)?;
    let digest = word.digest;
    let approval = Approval {
        person: &person.name,
        period: Some(period),
        digest,
    };
    (api.before_signing)().await;
    let node = &api.node;
    let seq = release::approve(&node.store, &node.signing, &approval, (api.clock)()).await?;
    (api.queued)();
    Ok(Json(Sealed {
        period,
        digest,
        seq,
    }))
}

/// What an approver says against a release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusing {
    /// Digest of the release that the approver has looked at.
    digest: Digest,
    /// What is wrong, for the coordinator: at most 500 characters, nothing that tells of a person. It is never published.
    reason: String,
}

/// Refuse a release
///
/// The word of a second person. The release stays as it is and is never drawn again: the same bytes may be approved later, and no
/// later month is prepared before.
#[utoipa::path(
    post, path = "/api/v1/releases/{period}/refuse", operation_id = "refuse_release", tag = RELEASES,
    params(("period" = Period, Path, description = "The month.")),
    request_body = Refusing,
    responses(
        (status = 200, description = "Written down.", body = ReleaseInFull),
        (status = 409, description = "The release was left as it is. (`release`)", body = Refused,
            content_type = "application/problem+json"),
        super::Approves
    ),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn refuse(
    State(api): State<Api>,
    Path(period): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(word): Sent<Refusing>,
) -> Result<Json<ReleaseInFull>, Refused> {
    let refusal = Refusal {
        person: &person.name,
        period: Some(month(&period)?),
        digest: word.digest,
        reason: &word.reason,
    };
    let period = release::refuse(&api.node.store, &refusal, (api.clock)()).await?;
    Ok(Json(in_full(&api, period).await?))
}

async fn in_full(api: &Api, period: Period) -> Result<ReleaseInFull, Refused> {
    let store = &api.node.store;
    let shown = release::show(store, Some(period)).await?;
    let mut reader = store.reader.acquire().await?;
    let stored = releases::of(&mut reader, period).await?;
    let stored = stored.ok_or(release::ReleaseError::Unknown(period))?;
    Ok(ReleaseInFull {
        release: ReleaseHead::from(&stored).try_into()?,
        statements: shown.statements,
        turn: shown.turn,
        bytes: shown.bytes,
        families: shown.families,
        tables: shown.tables,
        rules: shown.rules,
        approvers: shown.approvers,
        refusals: shown.refusals,
    })
}

fn month(text: &str) -> Result<Period, Refused> {
    text.parse()
        .map_err(|_| Refused::not_found("The address does not name a month such as 2022-03."))
}
