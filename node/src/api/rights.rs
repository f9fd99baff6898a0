//! Learners' rights, retention and the audit log.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::SignedIn;
use ldsp_ui::api::{Items, Limit, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sent::Sent;
use super::{Api, Nothing, RIGHTS, Refused};
use crate::pages::SEE_EXACT;
use crate::rights::{self, Access, Asked, Due, Erased, Held, NewPeriod, Preview, Subject};
use crate::store::audit::{AuditHead, Entry, Filter};

/// By what a learner is asked for: `uln`, or `provider` and `reference`. It is used to look up, and not kept or logged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    /// The training provider's name, as its files give it.
    #[serde(default)]
    #[schema(max_length = 200, example = "Acme College")]
    provider: String,
    /// That provider's reference of the learner.
    #[serde(default)]
    #[schema(max_length = 200, example = "L1")]
    reference: String,
    /// The unique learner number.
    #[serde(default)]
    #[schema(max_length = 20)]
    uln: String,
    /// Which records are the learner's, where those of several ULNs or providers are tied together: `preview_erasure` lists them. Else empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    parts: Vec<String>,
}

impl Whom {
    async fn subject(self, api: &Api) -> Result<(Subject, Vec<String>), Refused> {
        let asked = Asked {
            provider: self.provider,
            reference: self.reference,
            uln: self.uln,
        };
        Ok((asked.subject(&api.node).await?, self.parts))
    }
}

/// Everything that is held about a learner
///
/// For the learner. That it was asked for is written into the audit log, without the learner. Who is not held is not found, and the answer says
/// so.
#[utoipa::path(
    post, path = "/api/v1/rights/access", operation_id = "show_held", tag = RIGHTS,
    request_body = Whom,
    responses((status = 200, description = "What is held, as it is stored and in words.", body = Access), super::TakesJson),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn access(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(whom): Sent<Whom>,
) -> Result<Json<Access>, Refused> {
    let (subject, parts) = whom.subject(&api).await?;
    let (policy, now) = (api.policy().await?, (api.clock)());
    let held = rights::access(
        &api.node,
        subject,
        &parts,
        policy.as_ref(),
        &person.name,
        now,
    )
    .await?;
    Ok(Json(held))
}

/// What erasing a learner would do
///
/// To the records, to what was published and to the next release. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/rights/preview", operation_id = "preview_erasure", tag = RIGHTS,
    request_body = Whom,
    responses((status = 200, description = "What would go, and what stays.", body = Preview), super::TakesJson),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn preview(
    State(api): State<Api>,
    _none: Query<Nothing>,
    Sent(whom): Sent<Whom>,
) -> Result<Json<Preview>, Refused> {
    let (subject, parts) = whom.subject(&api).await?;
    Ok(Json(rights::preview(&api.node, subject, &parts).await?))
}

/// Erase a learner
///
/// At once and for good. Figures that were published stay as they are. Erasing somebody who is not held changes nothing and is no error.
#[utoipa::path(
    post, path = "/api/v1/rights/erase", operation_id = "erase_learner", tag = RIGHTS,
    request_body = Whom,
    responses((status = 200, description = "What went, in numbers.", body = Erased), super::TakesJson),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn erase(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(whom): Sent<Whom>,
) -> Result<Json<Erased>, Refused> {
    let (subject, parts) = whom.subject(&api).await?;
    let erased = rights::erase(&api.node, subject, &parts, &person.name, (api.clock)()).await?;
    (api.queued)();
    Ok(Json(erased))
}

/// What is due
///
/// How long records are kept, and what would be deleted now.
#[utoipa::path(
    get, path = "/api/v1/retention", operation_id = "show_retention", tag = RIGHTS,
    responses((status = 200, description = "Counts of what is due.", body = Due), super::ReadsDue),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn due(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Due>, Refused> {
    let policy = api.policy().await?.ok_or_else(off)?;
    Ok(Json(
        rights::due(&api.node.store, &policy, (api.clock)()).await?,
    ))
}

fn off() -> Refused {
    rights::RightsError::NoPeriod.into()
}

/// Which period is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retaining {
    /// The period in months, as `show_retention` gave it: another one is refused.
    #[schema(minimum = 1)]
    #[schema(minimum = 1, maximum = 1200)]
    months: u16,
}

/// Delete what is due
///
/// Before the server does by itself.
#[utoipa::path(
    post, path = "/api/v1/retention", operation_id = "delete_due", tag = RIGHTS,
    request_body = Retaining,
    responses((status = 200, description = "What went, in numbers.", body = Erased), super::Deletes),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn retain(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(asked): Sent<Retaining>,
) -> Result<Json<Erased>, Refused> {
    let policy = api.policy().await?.ok_or_else(off)?;
    if asked.months != policy.months {
        let detail = format!("The period is {} months.", policy.months);
        return Err(Problem::new(problem::REQUEST, detail).into());
    }
    let gone = rights::retain(&api.node, &policy, &person.name, (api.clock)()).await?;
    (api.queued)();
    Ok(Json(gone))
}

/// Who says for how long records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum PeriodSource {
    /// The configuration of the node: it cannot be set here.
    Configuration,
    /// A person.
    Set,
    /// Nobody yet.
    Nobody,
}

/// For how long records are kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionPeriod)]
pub(super) struct Period {
    source: PeriodSource,
    /// Months after the end of a learner's last enrolment; null: nothing is deleted by itself.
    #[schema(required)]
    months: Option<u16>,
    /// Tells it from the one that is set after it; 0 before the first.
    version: i64,
    /// Who set it; null where nobody did.
    #[schema(required)]
    by: Option<String>,
    /// When.
    #[schema(required)]
    at: Option<Timestamp>,
    /// Why.
    #[schema(required)]
    reason: Option<String>,
}

async fn held(api: &Api) -> Result<Json<Period>, Refused> {
    let held = rights::held(&api.node.store, api.retention.as_ref()).await?;
    let months = held.policy().map(|policy| policy.months);
    let (source, set) = match held {
        Held::Configured(_) => (PeriodSource::Configuration, None),
        Held::Set(set) => (PeriodSource::Set, Some(set)),
        Held::Nobody => (PeriodSource::Nobody, None),
    };
    Ok(Json(Period {
        source,
        months,
        version: set.as_ref().map_or(0, |set| set.id),
        at: set.as_ref().map(|set| set.at),
        by: set.as_ref().map(|set| set.who.clone()),
        reason: set.map(|set| set.reason),
    }))
}

/// For how long records are kept
#[utoipa::path(
    get, path = "/api/v1/retention/period", operation_id = "show_period", tag = RIGHTS,
    responses((status = 200, description = "The period that holds, and who set it.", body = Period), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn period(
    State(api): State<Api>,
    _none: Query<Nothing>,
) -> Result<Json<Period>, Refused> {
    held(&api).await
}

/// For how long they shall be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RetentionSetting)]
pub(super) struct Setting {
    /// Months after the end of a learner's last enrolment; null: nothing is deleted by itself.
    #[schema(required, minimum = 1, maximum = 1200)]
    #[serde(deserialize_with = "Option::deserialize")]
    months: Option<u16>,
    /// Why, in a sentence that names nobody.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// That of the period that was read: if another one holds by now, nothing is set.
    version: i64,
}

/// Set for how long records are kept
///
/// What is over by it goes at the next time of the schedule, Sundays at 04:00, not before.
#[utoipa::path(
    put, path = "/api/v1/retention/period", operation_id = "set_period", tag = RIGHTS,
    request_body = Setting,
    responses((status = 200, description = "It holds from now on.", body = Period), super::SetsPeriod),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn set_period(
    State(api): State<Api>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(setting): Sent<Setting>,
) -> Result<Json<Period>, Refused> {
    let new = NewPeriod {
        months: setting.months,
        reason: &setting.reason,
        instead_of: Some(setting.version),
    };
    let (configured, now) = (api.retention.as_ref(), (api.clock)());
    rights::set_period(&api.node.store, configured, new, &person.name, now).await?;
    (api.queued)();
    held(&api).await
}

/// Which entries of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Entries {
    /// Where the page begins: from `next` of the page before.
    cursor: Option<String>,
    /// Items of a page at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// Audit log
///
/// Who did what, newest first, without anything about a learner but counts, which an admin does not see.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "list_audit", tag = RIGHTS,
    params(Entries),
    responses((status = 200, description = "A page of entries.", body = Items<Entry>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn audit(
    State(api): State<Api>,
    person: SignedIn,
    Query(asked): Query<Entries>,
) -> Result<Json<Items<Entry>>, Refused> {
    let list = List::new("/api/v1/audit");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let store = &api.node.store;
    let mut found = store
        .audit_before(before, limit.get() + 1, &Filter::default())
        .await?;
    if !person.is_any(SEE_EXACT) {
        found = found.into_iter().map(Entry::without_counts).collect();
    }
    Ok(Json(list.page(found, limit, |entry: &Entry| entry.id)))
}

/// A head to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Head {
    /// A hash that was written down earlier: the log must still hold its entry.
    #[param(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    head: Option<Digest>,
}

/// Whether the audit log holds together.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditCheck {
    /// Entries that were read.
    entries: u64,
    /// The last entry that holds.
    head: AuditHead,
    /// The first fault; null when the log is whole.
    #[schema(required)]
    fault: Option<String>,
    /// Whether an entry has the hash that was asked for; null when none was.
    #[schema(required)]
    known: Option<bool>,
}

/// Check the audit log
///
/// Every entry is held to its hash, which covers the entry and the hash of the one before.
#[utoipa::path(
    get, path = "/api/v1/audit/check", operation_id = "check_audit", tag = RIGHTS,
    params(Head),
    responses((status = 200, description = "What the check found.", body = AuditCheck), super::Read),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn check(
    State(api): State<Api>,
    Query(asked): Query<Head>,
) -> Result<Json<AuditCheck>, Refused> {
    let checked = api.node.store.audit_check(asked.head).await?;
    Ok(Json(AuditCheck {
        entries: checked.entries,
        head: checked.head,
        fault: checked.fault.map(|fault| fault.to_string()),
        known: checked.known,
    }))
}
