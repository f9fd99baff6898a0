//! Statements: how their delivery stands, for the LEP's own people; and those that are public, for auditors who compare both
//! sides.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::statement::Kind;
use ldsp_ui::SignedIn;
use ldsp_ui::api::{Items, List, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sent::Sent;
use super::{Api, Listed, MACHINE, Nothing, Refused, STATEMENTS, moment};
use crate::import::london_day;
use crate::pages;
use crate::revision::{self, Decision};
use crate::store::outbox::{self, OutboxRow};
use crate::store::overview::{self, StatementRow};
use crate::store::practice;
use crate::transport::ENVELOPE_TYPE;

/// How a statement's delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Delivery {
    /// Queued; it is sent until a receipt comes.
    Waiting,
    /// The log's receipt verified.
    Acknowledged,
}

/// A signed statement of this node.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Statement {
    /// From 1, without a gap.
    #[schema(minimum = 1)]
    seq: u64,
    kind: Kind,
    /// The month of a learning summary, also of one that was published again.
    #[schema(required)]
    period: Option<Period>,
    #[schema(inline)]
    state: Delivery,
    /// SHA-256 of the signed bytes (DSSE PAE): the statement's reference.
    pae: Digest,
    queued_at: Timestamp,
    /// How often it was sent.
    attempts: u64,
    /// Not sent before; null when it was acknowledged.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    /// The log's last refusal.
    #[schema(required)]
    problem: Option<String>,
    /// Place in the log, from 0.
    #[schema(required)]
    log_index: Option<u64>,
    #[schema(required)]
    acknowledged_at: Option<Timestamp>,
    /// Sequence number of this node's statement that withdraws it; null while it holds.
    #[schema(required)]
    withdrawn_by: Option<u64>,
    /// Sequence number of this node's statement that publishes the withdrawn month again.
    #[schema(required)]
    published_again_by: Option<u64>,
    /// Of a withdrawal or a correction: the statement that it names.
    #[schema(required)]
    target: Option<u64>,
    /// Of a withdrawal or a correction: why.
    #[schema(required)]
    reason: Option<String>,
}

impl TryFrom<StatementRow> for Statement {
    type Error = Refused;

    fn try_from(row: StatementRow) -> Result<Self, Refused> {
        let is_waiting = row.acknowledged_at.is_none();
        let (target, reason) = row.names.unzip();
        Ok(Self {
            seq: row.seq,
            kind: row.kind,
            period: row.period,
            state: if is_waiting {
                Delivery::Waiting
            } else {
                Delivery::Acknowledged
            },
            pae: row.pae,
            queued_at: moment(row.queued_at)?,
            attempts: row.attempts,
            next_attempt_at: is_waiting
                .then(|| moment(row.next_attempt_at))
                .transpose()?,
            problem: row.problem,
            log_index: row.log_index,
            acknowledged_at: row.acknowledged_at.map(moment).transpose()?,
            withdrawn_by: row.withdrawn_by,
            published_again_by: row.published_again_by,
            target,
            reason,
        })
    }
}

/// Statements and their delivery
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/v1/statements", operation_id = "list_statements", tag = STATEMENTS,
    params(Listed),
    responses((status = 200, description = "A page of statements.", body = Items<Statement>), super::ReadList),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Query(asked): Query<Listed>,
) -> Result<Json<Items<Statement>>, Refused> {
    let list = List::new("/api/v1/statements");
    let before = list.after(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or_default();
    let rows = api
        .node
        .store
        .statements_before(before, limit.get() + 1)
        .await?;
    let found: Result<Vec<_>, _> = rows.into_iter().map(Statement::try_from).collect();
    Ok(Json(list.page(found?, limit, |s: &Statement| s.seq)))
}

/// Why a statement is withdrawn or published again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revising {
    /// One line of at most 500 characters, public for ever: nothing that tells of a person.
    #[schema(
        max_length = 500,
        example = "Published before the partnership had agreed to it."
    )]
    reason: String,
}

/// What was signed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revised {
    /// Sequence number of the withdrawal or correction.
    seq: u64,
    /// Sequence number of the statement that it names.
    target: u64,
}

/// Withdraw a statement
///
/// An approver's word. The content leaves the national log's storage and the figures; its place, digest and receipt stay. A month takes
/// the area's later months out of the figures too, until it is published again.
#[utoipa::path(
    post, path = "/api/v1/statements/{seq}/withdraw", operation_id = "withdraw_statement", tag = STATEMENTS,
    params(("seq" = u64, Path, description = "Sequence number.", minimum = 1)),
    request_body = Revising,
    responses((status = 200, description = "Signed and queued.", body = Revised), super::Revises),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn withdraw(
    State(api): State<Api>,
    Path(seq): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(word): Sent<Revising>,
) -> Result<Json<Revised>, Refused> {
    let decision = Decision {
        person: &person.name,
        seq: statement_number(&seq)?,
        reason: &word.reason,
    };
    (api.before_signing)().await;
    let node = &api.node;
    let seq = revision::withdraw(&node.store, &node.signing, &decision, (api.clock)()).await?;
    (api.queued)();
    let target = decision.seq;
    Ok(Json(Revised { seq, target }))
}

/// Publish a withdrawn month again
///
/// An approver's word. The very figures that it had are signed once more; nothing is counted or drawn.
#[utoipa::path(
    post, path = "/api/v1/statements/{seq}/reissue", operation_id = "reissue_statement", tag = STATEMENTS,
    params(("seq" = u64, Path, description = "Sequence number of the withdrawn statement.", minimum = 1)),
    request_body = Revising,
    responses((status = 200, description = "Signed and queued.", body = Revised), super::Revises),
    security(("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn reissue(
    State(api): State<Api>,
    Path(seq): Path<String>,
    person: SignedIn,
    _none: Query<Nothing>,
    Sent(word): Sent<Revising>,
) -> Result<Json<Revised>, Refused> {
    let decision = Decision {
        person: &person.name,
        seq: statement_number(&seq)?,
        reason: &word.reason,
    };
    (api.before_signing)().await;
    let node = &api.node;
    let seq = revision::reissue(&node.store, &node.signing, &decision, (api.clock)()).await?;
    (api.queued)();
    let target = decision.seq;
    Ok(Json(Revised { seq, target }))
}

fn statement_number(text: &str) -> Result<u64, Refused> {
    let missing = || Refused::not_found("This node has sent no statement of this number.");
    Ok(super::number(text).ok_or_else(missing)?.cast_unsigned())
}

/// A published statement
///
/// The exact envelope (DSSE) that the log acknowledged. What is still open to enrolled nodes only needs sign-in here, and so
/// does what was withdrawn.
#[utoipa::path(
    get, path = "/v1/statements/{seq}", operation_id = "read_statement", tag = MACHINE,
    params(("seq" = u64, Path, description = "Sequence number.", minimum = 1)),
    responses(
        (status = 200, description = "The envelope's bytes.", body = Object, content_type = "application/vnd.dsse+json"),
        super::ReadEnvelope
    ),
    security((), ("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn envelope(
    State(api): State<Api>,
    Path(seq): Path<String>,
    person: Option<SignedIn>,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let found = published(&api, &seq, person.as_ref()).await?;
    if let Some(by) = found.withdrawn_by.filter(|_| person.is_none()) {
        let detail = format!(
            "Statement {} was withdrawn by this node's statement {by}, which says why.",
            found.row.seq
        );
        return Err(Problem::new(problem::WITHDRAWN, detail).into());
    }
    if found.row.envelope.is_empty() {
        let gone =
            "The statement was withdrawn, and its content went with a database that was lost.";
        return Err(Problem::new(problem::WITHDRAWN, gone).into());
    }
    Ok(found.answer(ENVELOPE_TYPE, |row| row.envelope))
}

/// The receipt of a published statement
///
/// The log's signed note, as it came.
#[utoipa::path(
    get, path = "/v1/statements/{seq}/receipt", operation_id = "read_receipt", tag = MACHINE,
    params(("seq" = u64, Path, description = "Sequence number.", minimum = 1)),
    responses(
        (status = 200, description = "A signed note.", body = String, content_type = "text/plain"),
        super::ReadPublished
    ),
    security((), ("secret" = []), ("token" = []), ("session" = [])),
)]
pub(super) async fn receipt(
    State(api): State<Api>,
    Path(seq): Path<String>,
    person: Option<SignedIn>,
    _none: Query<Nothing>,
) -> Result<Response, Refused> {
    let found = published(&api, &seq, person.as_ref()).await?;
    let kind = "text/plain; charset=utf-8";
    Ok(found.answer(kind, |row| row.receipt.unwrap_or_default().into_bytes()))
}

/// A statement that the log acknowledged.
struct Published {
    row: OutboxRow,
    is_public: bool,
    /// Our statement that withdraws it.
    withdrawn_by: Option<u64>,
}

impl Published {
    fn answer(self, kind: &'static str, bytes: impl Fn(OutboxRow) -> Vec<u8>) -> Response {
        let kind = (header::CONTENT_TYPE, kind);
        if self.is_public {
            return ([kind], bytes(self.row)).into_response();
        }
        let keep_nowhere = (header::CACHE_CONTROL, "no-store");
        ([kind, keep_nowhere], bytes(self.row)).into_response()
    }
}

/// Statement `seq` if the log has it and the caller may read it, by the rule that the aggregator applies.
async fn published(api: &Api, seq: &str, person: Option<&SignedIn>) -> Result<Published, Refused> {
    let missing = || Refused::not_found("This node has published no statement of this number.");
    let seq: u64 = super::number(seq).ok_or_else(missing)?.cast_unsigned();
    let mut reader = api.node.store.reader.acquire().await?;
    let row = outbox::of(&mut reader, seq).await?;
    let row = row
        .filter(|row| row.receipt.is_some())
        .ok_or_else(missing)?;
    let is_public = match row.kind {
        // The log's own are public too, and never a node's.
        Kind::LearningSummary
        | Kind::Correction
        | Kind::Withdrawal
        | Kind::KeyAdd
        | Kind::KeyRevoke
        | Kind::Standard
        | Kind::BenchmarkRun
        | Kind::Finding
        | Kind::Questionnaire
        | Kind::DemandSummary
        | Kind::ProvisionSummary => true,
        Kind::QuestionnaireAnswers => false,
        Kind::PracticeEntry => {
            let today = london_day((api.clock)());
            let stored = practice::of_statement(&mut reader, seq).await?;
            stored.is_some_and(|stored| stored.entry.sharing.is_public(today))
        }
    };
    // Who teaches for the LEP has no part in what it answers.
    let may_read = match row.kind {
        Kind::QuestionnaireAnswers => person.is_some_and(|person| person.is_any(pages::READ)),
        _ => is_public || person.is_some(),
    };
    if !may_read {
        let detail = match row.kind {
            Kind::QuestionnaireAnswers => {
                "Answers to a questionnaire are for the national operators and this LEP's own people."
            }
            _ => "Until its date the entry is for enrolled nodes; the aggregator opens it to them.",
        };
        return Err(Problem::new(problem::SIGN_IN, detail).into());
    }
    let standing = overview::statement(&mut reader, seq).await?;
    Ok(Published {
        withdrawn_by: standing.and_then(|row| row.withdrawn_by),
        row,
        is_public,
    })
}
