//! Enrolment: an invite's secret and a proof that the node holds the key it brings. Pure checks.

use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::{ENROLMENT_TYPE, EnrolmentBody, Invite};
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::keys::admit;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::standard::Standard;
use subtle::ConstantTimeEq;

use crate::store::{InviteRow, NewEnrolment};
use crate::verify::envelope_problem;

/// A request whose signature is by the very key that it brings.
#[derive(Debug, Clone)]
pub struct Proven {
    body: EnrolmentBody,
    enrolment: NewEnrolment,
}

/// Parses a request to enrol and verifies its proof of possession.
///
/// # Errors
/// Problems `envelope`, `too-large`, `signature`, `unknown-key`, `statement`.
pub fn prove(envelope: &[u8], at: Timestamp) -> Result<Proven, Problem> {
    let unverified = Unverified::parse(envelope).map_err(|e| envelope_problem(&e))?;
    let form = |cause: &str| {
        let detail = format!("The request to enrol cannot be taken: {cause}.");
        Problem::new(problem::STATEMENT, detail)
    };
    let claimed: EnrolmentBody = serde_json::from_slice(unverified.unverified_body())
        .map_err(|_| form("the body is not in the form of version 1"))?;
    let raw = hex::decode(&claimed.public_key).map_err(|_| form("public_key is not hex"))?;
    let key = admit(&raw).map_err(|e| form(&e.to_string()))?;
    let verified = unverified.verify(&key).map_err(|e| envelope_problem(&e))?;
    if verified.payload_type() != ENROLMENT_TYPE {
        return Err(form("the payload type is not that of an enrolment"));
    }
    if claimed.schema != 1 {
        return Err(form("schema is not 1"));
    }
    if claimed.software.is_empty() || claimed.software.len() > 64 || !claimed.software.is_ascii() {
        return Err(form(
            "software names a program and version in at most 64 characters",
        ));
    }
    let enrolment = NewEnrolment {
        node: claimed.node.clone(),
        secret_hash: claimed.invite,
        key,
        pae: verified.pae(),
        envelope: verified.envelope().to_vec(),
        at,
    };
    Ok(Proven {
        body: claimed,
        enrolment,
    })
}

impl Proven {
    /// The node that asks.
    #[must_use]
    pub fn node(&self) -> &NodeSlug {
        &self.body.node
    }

    /// Compares the request with the log, the standard and the node's invite; `secret` is what the
    /// request carried beside the envelope.
    ///
    /// # Errors
    /// Problems `misdirected`, `standard`, `invite`.
    pub fn admit(
        self,
        secret: &str,
        invite: Option<&InviteRow>,
        origin: &str,
        standard: &Standard,
    ) -> Result<NewEnrolment, Problem> {
        if self.body.origin != origin {
            let detail = "The request names another log than this one.";
            return Err(Problem::new(problem::MISDIRECTED, detail));
        }
        let presented = Invite::id_of(secret);
        // One answer for every fault of the invite, so that it tells a guesser nothing.
        let refused = || Problem::new(problem::INVITE, "No open invite fits this request.");
        let invite = invite.ok_or_else(refused)?;
        let fits = presented.as_bytes().ct_eq(invite.secret_hash.as_bytes())
            & self.body.invite.as_bytes().ct_eq(presented.as_bytes());
        if !bool::from(fits) || invite.node != self.body.node {
            return Err(refused());
        }
        match invite.used {
            Some(pae) if pae != self.enrolment.pae => return Err(refused()),
            None if self.enrolment.at >= invite.expires => return Err(refused()),
            _ => {}
        }
        if self.body.standard != standard.digest() {
            let detail = format!(
                "The node applies {}, this log {}.",
                self.body.standard,
                standard.digest()
            );
            return Err(Problem::new(problem::STANDARD, detail));
        }
        Ok(self.enrolment)
    }
}
