//! A log that lacks leaves, and nodes that have them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::recovery::{LogState, RECEIPT_HEADER};

use super::body::{Large, SMALL};
use super::describe::{Anything, Envelope, NotHeard, NotTakenBack};
use super::statements::envelope_type;
use super::{Refusal, read, slug};
use crate::Service;
use crate::recovery::{Progress, Proven, Taken, Told};
use crate::store::{Recovery as _, Registry};
use crate::verify;

/// Who shows something without saying who they are.
const SOMEBODY: &str = "somebody unnamed";

/// A text in a header as base64; `None` where there is none such.
pub(super) fn header(value: Option<&HeaderValue>) -> Option<String> {
    let bytes = BASE64.decode(value?.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

/// Refuses to go on when `note` is a checkpoint of this log that the log does not stand by.
pub(super) async fn look(service: &Service, note: &str, by: &str) -> Result<(), Refusal> {
    let recovery = service.recovery();
    match recovery
        .told(&service.tree, note, by, service.now())
        .await?
    {
        Told::Nothing => Ok(()),
        Told::Behind => Err(crate::log::behind().into()),
    }
}

/// Whether the log is whole
///
/// A log whose database was restored from a backup lacks leaves that it acknowledged. It then signs nothing new until they
/// are back in their places: nodes send them, with the receipts that prove the places.
#[utoipa::path(
    get, path = "/v1/recovery", tag = "For nodes", operation_id = "recovery",
    responses((status = 200, description = "Where the log stands.", body = LogState), Anything),
)]
pub(super) async fn state(State(service): State<Arc<Service>>) -> Result<Json<LogState>, Refusal> {
    Ok(Json(service.recovery().state().await?))
}

/// Say which checkpoint a node holds
///
/// The signed note of the largest log that the node knows, or nothing where it has no receipt yet. A log that does not stand by its
/// own checkpoint stops at once, whoever shows it. A stopped log has to have heard every node before it signs again, so that the
/// node signs this request like a read.
#[utoipa::path(
    post, path = "/v1/nodes/{node}/checkpoint", tag = "For nodes", operation_id = "hold", security(("node" = [])),
    params(("node" = NodeSlug, Path, description = "Who holds it.")),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 204, description = "The log stands by it."), NotHeard),
)]
pub(super) async fn hold(
    State(service): State<Arc<Service>>,
    Path(node): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let node = slug(&node)?;
    let body = body?;
    if body.len() > SMALL {
        let detail = "A checkpoint is a few lines.";
        return Err(Problem::new(problem::TOO_LARGE, detail).into());
    }
    let note = std::str::from_utf8(&body).unwrap_or_default();
    let signed = read::node(&service, &uri, &headers).await;
    let signed = signed.and_then(|by| {
        let other = || Problem::new(problem::READ, "The request is signed by another node.");
        if by == node {
            Ok(by)
        } else {
            Err(other().into())
        }
    });
    let recovery = service.recovery();
    let by = signed.as_ref().map_or(SOMEBODY, NodeSlug::as_str);
    // It speaks for itself, whoever shows it.
    let mut told = recovery
        .told(&service.tree, note, by, service.now())
        .await?;
    let stopped = recovery.stopped().await?.is_some();
    if !stopped {
        // Not stopped by what it was told a moment ago: of a fork that is settled.
        signed?;
        return Ok(StatusCode::NO_CONTENT);
    }
    if let Ok(heard) = &signed {
        service.store.hear(heard, service.now(), None).await?;
        if recovery.advance(service.now()).await? == Progress::Signs {
            // What it did not stand by a moment ago may be what it just put back.
            told = recovery
                .told(&service.tree, note, by, service.now())
                .await?;
        }
    }
    if told == Told::Nothing && recovery.stopped().await?.is_none() {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(crate::log::behind().into())
}

/// Send a statement back
///
/// A statement that the log acknowledged and lacks, a node's or the log's own, exactly as it was sealed, with the receipt that proves its
/// place. It is kept until everything before it is there, and then goes back to that very place. Anybody may send it: the
/// receipt speaks for itself.
#[utoipa::path(
    put, path = "/v1/recovery/leaves/{leaf}", tag = "For nodes", operation_id = "send_back",
    params(
        ("leaf" = u64, Path, description = "Its place in the log, from 0.", maximum = 999_999_999_999_999_999_i64, example = 0),
        ("ldsp-receipt" = String, Header, description = "The receipt, a C2SP tlog-proof, as base64."),
    ),
    request_body(content = Envelope, content_type = "application/vnd.dsse+json"),
    responses(
        (status = 200, description = "The log has it there."),
        (status = 202, description = "It is kept until everything before it is there."),
        NotTakenBack,
    ),
)]
pub(super) async fn leaf(
    State(service): State<Arc<Service>>,
    Path(leaf): Path<String>,
    Extension(large): Extension<Large>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let leaf: u64 = leaf.parse().map_err(|_| {
        let detail = "Places in the log are whole numbers from 0.";
        Problem::new(problem::NOT_FOUND, detail)
    })?;
    envelope_type(request.headers())?;
    let receipt = header(request.headers().get(RECEIPT_HEADER)).ok_or_else(|| {
        let detail = format!("The header {RECEIPT_HEADER} is missing or not the base64 of a text.");
        Problem::new(problem::RECEIPT, detail)
    })?;
    let (body, _turn) = large.read(request).await?;
    let unverified = verify::parse(&body)?;
    let log = service.signer.verifier();
    let proven = Proven::new(log, &unverified, body.to_vec(), &receipt)
        .map_err(|e| Problem::new(problem::RECEIPT, format!("The receipt does not hold: {e}.")))?;
    if proven.leaf() != leaf {
        let detail = format!(
            "The receipt is for place {}, the address for another.",
            proven.leaf()
        );
        return Err(Problem::new(problem::MISDIRECTED, detail).into());
    }
    check_signature(&service, unverified, &proven).await?;
    let by = format!("whoever sent back the statement of place {leaf}");
    let recovery = service.recovery();
    match recovery
        .take(&service.tree, &proven, &by, service.now())
        .await?
    {
        Taken::Stands => Ok(StatusCode::OK),
        Taken::Kept => Ok(StatusCode::ACCEPTED),
        Taken::Forked => {
            let detail = "Another statement stands there: the log signed two histories, and both receipts are kept as proof.";
            Err(Problem::new(problem::LOG_BEHIND, detail).into())
        }
    }
}

/// The receipt vouches for what was signed, not for the signature: of a key that is known it is checked before the bytes are
/// kept, of another one when its turn comes.
async fn check_signature(
    service: &Service,
    unverified: Unverified,
    proven: &Proven,
) -> Result<(), Refusal> {
    let entry = proven.entry();
    let key = if entry.kind.is_of_log() {
        Some(*service.signer.verifier().key())
    } else {
        let node = service.store.node(&entry.node).await?;
        node.and_then(|node| node.key)
    };
    if let Some(key) = key.filter(|key| key_id(key) == entry.key_id) {
        let verified = unverified.verify(&key);
        verified.map_err(|e| verify::envelope_problem(&e))?;
    }
    Ok(())
}
