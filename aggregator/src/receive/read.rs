//! Signed reads: a node shows who it is when it asks for what only enrolled nodes may see.

use axum::http::{HeaderMap, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::{NodeState, READ_TYPE, READ_WINDOW_SECONDS, ReadBody};
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::problem::{self, Problem};

use super::Refusal;
use crate::Service;

fn refused(cause: &str) -> Problem {
    Problem::new(
        problem::READ,
        format!("The signed read is not accepted: {cause}."),
    )
}

/// The active node that signed this request (`authorization: LDSP <base64 envelope>`).
pub(super) async fn node(
    service: &Service,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<NodeSlug, Refusal> {
    let credential = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("LDSP "))
        .ok_or_else(|| refused("there is none"))?;
    let envelope = BASE64
        .decode(credential)
        .map_err(|_| refused("it is not base64"))?;
    let unverified = Unverified::parse(&envelope).map_err(|_| refused("it is not an envelope"))?;
    let claimed: ReadBody = serde_json::from_slice(unverified.unverified_body())
        .map_err(|_| refused("its body is not in the form of version 1"))?;
    let known = service.directory.node(&claimed.node).await?;
    let key = known
        .filter(|node| node.state == NodeState::Active)
        .and_then(|node| node.key)
        .ok_or_else(|| refused("it is not by an active node"))?;
    let verified = unverified
        .verify(&key)
        .map_err(|_| refused("its signature does not verify with the node's key"))?;
    let path = uri.path_and_query().map_or("", |p| p.as_str());
    if verified.payload_type() != READ_TYPE || claimed.schema != 1 {
        return Err(refused("it is not a read of version 1").into());
    }
    if claimed.origin != service.origin() {
        return Err(refused("it is for another log").into());
    }
    if claimed.path != path {
        return Err(refused("it is for another address").into());
    }
    let age = service.now().as_second() - claimed.at.as_second();
    if age.abs() > READ_WINDOW_SECONDS {
        let (minutes, way) = (age.abs() / 60, if age < 0 { "ahead of" } else { "behind" });
        let cause =
            format!("its time is {minutes} minutes {way} this server's, and five are allowed");
        return Err(refused(&cause).into());
    }
    Ok(claimed.node)
}
