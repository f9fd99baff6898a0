//! `/v1/nodes/{node}/statements/{seq}`: naturally idempotent.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::own::is_reserved;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::recovery::CHECKPOINT_HEADER;
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::statement::Kind;

use super::body::Large;
use super::describe::{Envelope, NoSuchStatement, NotForYou, NotTaken, Withdrawn};
use super::enrolments::find;
use super::{Refusal, number, read, slug};
use crate::questionnaires::Asked;
use crate::store::{Library, Log, LoggedStatement, Rollups};
use crate::verify::{self, Address, Authentic, Known, Target, VerifiedStatement};
use crate::{Service, log as stage};

/// Media type of envelopes.
pub(super) const ENVELOPE_TYPE: &str = "application/vnd.dsse+json";

/// Publish a statement
///
/// The exact envelope as it was sealed. The same again gives a receipt for the same place; sequence numbers are taken without gaps.
/// A statement that was acknowledged is on disk.
#[utoipa::path(
    put, path = "/v1/nodes/{node}/statements/{seq}", tag = "For nodes", operation_id = "publish",
    params(
        ("node" = NodeSlug, Path, description = "Who signed."),
        ("seq" = u64, Path, description = "Its place in the node's sequence.", minimum = 1, maximum = 999_999_999_999_999_999_i64, example = 1),
        ("ldsp-checkpoint" = Option<String>, Header, description = "The checkpoint of the largest log that the sender knows, base64 of the signed note: a log that was rolled back knows by it that it was."),
    ),
    request_body(content = Envelope, content_type = "application/vnd.dsse+json"),
    responses(
        (status = 201, description = "Logged now: the receipt, a C2SP tlog-proof of its leaf.", body = String, content_type = "text/plain"),
        (status = 200, description = "Logged before: a receipt as good.", body = String, content_type = "text/plain"),
        NotTaken,
    ),
)]
pub(super) async fn put(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
    Extension(large): Extension<Large>,
    request: Request,
) -> Result<Response, Refusal> {
    let address = Address {
        node: slug(&node)?,
        seq: number(&seq)?,
    };
    envelope_type(request.headers())?;
    let known = super::recovery::header(request.headers().get(CHECKPOINT_HEADER));
    // Who may not publish is refused before the body takes memory.
    let node = find(&service, &address.node).await?;
    verify::approved_key(&node)?;
    let (body, _turn) = large.read(request).await?;
    let unverified = verify::parse(&body)?;
    let authentic = Authentic::new(unverified, &address, node, service.origin())?;
    let now = service.now();
    if let Some(note) = known {
        let looked = super::recovery::look(&service, &note, address.node.as_str()).await;
        if looked.is_err() {
            service.candidates.keep(&authentic, now);
        }
        looked?;
    }
    // What a statement is checked against comes before the comparison: a twin of this request that is logged meanwhile is then found
    // by the comparison, and never stands in the history that this one is checked against. Entries, answers and needs need no history, and
    // beyond the node's head it needs no comparison: should a twin take the place meanwhile, the log's writer sees to it.
    let target = stage::new_target(&service.store, &authentic).await?;
    let asked = stage::asked(&service.store, &authentic).await?;
    let published = stage::published(&service.store, &authentic).await?;
    let (history, settled) = if has_no_history(authentic.kind()) && authentic.is_beyond_head() {
        (Vec::new(), None)
    } else {
        let history = match authentic.standard() {
            Some(standard) => service.store.history(&address.node, standard).await?,
            // Such a statement is refused, whatever was published before.
            None => Vec::new(),
        };
        let settled = stage::compare(&service.store, &authentic, now).await?;
        (history, settled)
    };
    let answer = match settled {
        Some(answer) => answer?,
        None => {
            check_evidence(&service, &authentic).await?;
            let verified =
                accept(authentic.clone(), (history, target, asked, published), now).await?;
            let logged = service.sequencer.log(verified).await;
            if logged.is_err() && service.store.head().await?.behind.is_some() {
                service.candidates.keep(&authentic, now);
            }
            logged?
        }
    };
    let status = if answer.new {
        tracing::debug!(node = %address.node, seq = address.seq, index = answer.index, "a statement was logged");
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let receipt = receipt_of(&service, answer.index).await?;
    Ok((status, receipt).into_response())
}

/// Whether statements of this kind are checked without what the node published before.
fn has_no_history(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PracticeEntry
            | Kind::QuestionnaireAnswers
            | Kind::DemandSummary
            | Kind::ProvisionSummary
    )
}

/// What is stored of that which a statement is checked against.
type Stored = (Vec<NodeMonth>, Option<Target>, Option<Asked>, Option<Date>);

/// Checks a statement that is not logged yet. A withdrawal and a correction fold a whole stream again, which is no work for the threads that
/// answer everybody.
async fn accept(
    authentic: Authentic,
    (history, target, asked, published): Stored,
    now: Timestamp,
) -> Result<VerifiedStatement, Problem> {
    let folds = matches!(authentic.kind(), Kind::Withdrawal | Kind::Correction);
    let check = move || {
        let (history, asked) = (&history, asked.as_ref());
        let known = Known {
            history,
            target,
            asked,
            published,
        };
        authentic.accept(known, now)
    };
    if !folds {
        return check();
    }
    let checked = tokio::task::spawn_blocking(check).await;
    checked.unwrap_or_else(|_| Err(stage::storage()))
}

/// Bodies are envelopes and say so.
pub(super) fn envelope_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    if declared.is_none_or(|v| v.split(';').next().map(str::trim) != Some(ENVELOPE_TYPE)) {
        let detail = format!("The content type must be {ENVELOPE_TYPE}.");
        return Err(Problem::new(problem::UNSUPPORTED, detail).into());
    }
    Ok(())
}

/// A practice entry cites cells of the node's own summaries, and of nothing else.
async fn check_evidence(service: &Service, authentic: &Authentic) -> Result<(), Refusal> {
    for (at, cited) in authentic.cited().into_iter().enumerate() {
        let statement = service.store.by_identity(cited).await?;
        let own = statement.is_some_and(|s| {
            s.kind.has_period() && s.withdrawn.is_none() && s.node == authentic.node().node
        });
        if !own {
            let detail = format!(
                "evidence[{at}].statement: not a summary that this node published, or one that it withdrew. Cite your own releases"
            );
            return Err(Problem::new(problem::PRACTICE, detail).into());
        }
    }
    Ok(())
}

/// A statement's envelope
///
/// The exact bytes that the node signed. One that was withdrawn is gone; its receipt is not. A practice entry that is for enrolled nodes first asks for a signed read until its
/// day, answers to a questionnaire for one by the node that gave them.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/statements/{seq}", tag = "Statements", operation_id = "envelope",
    params(
        ("node" = NodeSlug, Path, description = "Who signed."),
        ("seq" = u64, Path, description = "Its place in the node's sequence.", minimum = 1, maximum = 999_999_999_999_999_999_i64, example = 1),
    ),
    security((), ("node" = [])),
    responses(
        (status = 200, description = "The envelope.", body = Envelope, content_type = "application/vnd.dsse+json"),
        NotForYou, Withdrawn,
    ),
)]
pub(super) async fn envelope(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let statement = logged(&service, &node, &seq).await?;
    if let Some(leaf) = statement.withdrawn {
        return Err(withdrawn(&service, &statement, leaf).await?);
    }
    let mut answer = ([(header::CONTENT_TYPE, ENVELOPE_TYPE)], statement.envelope).into_response();
    if statement.kind == Kind::PracticeEntry {
        let entry = service.store.entry(&statement.node, statement.seq).await?;
        let public = entry.is_some_and(|e| e.entry.sharing.is_public(service.today()));
        if !public {
            read::node(&service, &uri, &headers).await?;
            for_one_reader(&mut answer);
        }
    }
    if statement.kind == Kind::QuestionnaireAnswers {
        let reader = read::node(&service, &uri, &headers).await?;
        if reader != statement.node {
            let detail = format!("{} gave these answers, and {reader} asks.", statement.node);
            return Err(Problem::new(problem::WITHHELD, detail).into());
        }
        for_one_reader(&mut answer);
    }
    // What is public may be kept if it is asked about: its bytes stay the same, whether they may be read need not.
    Ok(answer)
}

fn for_one_reader(answer: &mut Response) {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// A statement's receipt
///
/// A C2SP tlog-proof (v1): that the statement's leaf is in the log of the signed checkpoint at its end. The leaf is a record of
/// 105 bytes: type, node, sequence number, key and digest. Asked again later, it leads to a later checkpoint; each holds for ever.
#[utoipa::path(
    get, path = "/v1/nodes/{node}/statements/{seq}/receipt", tag = "Statements", operation_id = "receipt",
    params(
        ("node" = NodeSlug, Path, description = "Who signed."),
        ("seq" = u64, Path, description = "Its place in the node's sequence.", minimum = 1, maximum = 999_999_999_999_999_999_i64, example = 1),
    ),
    responses((status = 200, description = "The receipt.", body = String, content_type = "text/plain"), NoSuchStatement),
)]
pub(super) async fn receipt(
    State(service): State<Arc<Service>>,
    Path((node, seq)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (node, seq) = (slug(&node)?, number(&seq)?);
    let leaf = if is_reserved(&node) {
        service.store.own(seq).await?.map(|own| own.index)
    } else {
        service.store.leaf(&node, seq).await?
    };
    let Some(leaf) = leaf else {
        return Err(missing(&service, &node, seq).await);
    };
    let receipt = receipt_of(&service, leaf).await?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], receipt).into_response())
}

async fn logged(service: &Service, node: &str, seq: &str) -> Result<LoggedStatement, Refusal> {
    let (node, seq) = (slug(node)?, number(seq)?);
    let found = if is_reserved(&node) {
        service.store.own(seq).await?
    } else {
        service.store.statement(&node, seq).await?
    };
    if let Some(statement) = found {
        return Ok(statement);
    }
    Err(missing(service, &node, seq).await)
}

/// That a statement was withdrawn by the one at this leaf, and why.
pub(super) async fn withdrawn(
    service: &Service,
    statement: &LoggedStatement,
    leaf: u64,
) -> Result<Refusal, Refusal> {
    let revision = service.store.revision(leaf).await?;
    let drawn = revision.as_ref().and_then(|r| r.drawn);
    let why = revision.and_then(|r| r.reason).unwrap_or_default();
    let detail = format!(
        "{} withdrew its statement {} by statement {leaf} of the log: {why}",
        statement.node, statement.seq
    );
    Ok(Problem::withdrawn(detail, drawn).into())
}

/// Why there is no such statement.
async fn missing(service: &Service, node: &NodeSlug, seq: u64) -> Refusal {
    if !is_reserved(node)
        && let Err(unknown) = find(service, node).await
    {
        return unknown;
    }
    let detail = format!("{node} has published no statement {seq}.");
    Problem::new(problem::NOT_FOUND, detail).into()
}

/// The receipt for a leaf of the log.
async fn receipt_of(service: &Service, leaf: u64) -> Result<Response, Refusal> {
    let receipt = service.receipt(leaf).await?;
    // It was read from the log a moment ago.
    let receipt = receipt.ok_or_else(crate::log::storage)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, receipt.into_text()).into_response())
}
