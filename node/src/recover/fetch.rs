//! The statements that the log holds beyond this database, each checked: signature, place, chain. Of one that was withdrawn the log
//! gives the receipt only; what it was is said by the next statement, which names its digest, and by its withdrawal.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::Entry;
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::revision::Withdrawal;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload, Statement};

use super::RecoverError;
use crate::store::enrolment::Enrolment;
use crate::store::outbox::Head;
use crate::submit::{Held, ReadError, proven, read};
use crate::transport::{Request, Transport};

/// A statement of this node as the log has it.
pub(super) enum Link {
    /// The log gives it.
    Given {
        statement: Statement,
        pae: Digest,
        envelope: Vec<u8>,
    },
    /// It was withdrawn.
    Gone(Gone),
}

/// A statement that was withdrawn.
pub(super) struct Gone {
    pub(super) seq: u64,
    /// Identity of the statement before it.
    pub(super) prev: Digest,
    pub(super) pae: Digest,
    pub(super) kind: Kind,
    /// The withdrawal's: a month is withdrawn under its own.
    pub(super) standard: &'static Standard,
    /// Of a month: the digest of its cells.
    pub(super) cells: Option<Digest>,
    /// Of a month: what the log says of its place in the ledger. Nobody else knows any more.
    pub(super) drawn: Option<Drawn>,
    pub(super) held: Held,
}

/// What the log answers.
enum Answered {
    Given(Box<Statement>, Digest, Vec<u8>),
    Withdrawn(Option<Drawn>),
}

fn other(seq: u64, why: impl ToString) -> RecoverError {
    let why = why.to_string();
    RecoverError::Other { seq, why }
}

/// The statements after `ours`, in order.
pub(super) async fn fetch<T: Transport>(
    transport: &T,
    place: &Enrolment,
    key: &SigningKey,
    ours: Head,
    now: Timestamp,
) -> Result<Vec<Link>, RecoverError> {
    let mut given = Vec::new();
    for seq in ours.seq + 1..=place.head.seq {
        given.push((seq, one(transport, place, key, seq, now).await?));
    }
    let withdrawals: BTreeMap<u64, (Digest, Withdrawal)> = given
        .iter()
        .filter_map(|(_, found)| match found {
            Answered::Given(statement, ..) => match &statement.payload {
                Payload::Withdrawal(w) => Some((w.statement.seq, (statement.standard, w.clone()))),
                _ => None,
            },
            Answered::Withdrawn(_) => None,
        })
        .collect();
    let mut links = Vec::new();
    let mut prev = ours.pae;
    for (seq, found) in given {
        let link = match found {
            Answered::Given(statement, pae, envelope) => {
                if statement.prev != prev {
                    return Err(other(seq, "it names another statement before"));
                }
                prev = pae;
                Link::Given {
                    statement: *statement,
                    pae,
                    envelope,
                }
            }
            Answered::Withdrawn(drawn) => {
                let by = withdrawals.get(&seq);
                let by = by.ok_or_else(|| {
                    other(
                        seq,
                        "it is said to be withdrawn, and no later statement withdraws it",
                    )
                })?;
                let gone = gone(transport, place, key, (seq, prev, drawn), by).await?;
                prev = gone.pae;
                Link::Gone(gone)
            }
        };
        links.push(link);
    }
    if prev != place.head.pae {
        return Err(other(
            place.head.seq,
            "the log states another digest for it",
        ));
    }
    Ok(links)
}

/// One statement with its digest and bytes, checked by itself, or that it was withdrawn.
async fn one<T: Transport>(
    transport: &T,
    place: &Enrolment,
    key: &SigningKey,
    seq: u64,
    now: Timestamp,
) -> Result<Answered, RecoverError> {
    let path = format!("/v1/nodes/{}/statements/{seq}", place.node);
    let envelope = match read(transport, place, key, &path, now).await {
        Ok(envelope) => envelope,
        Err(ReadError::Withdrawn { drawn, .. }) => return Ok(Answered::Withdrawn(drawn)),
        Err(error) => return Err(RecoverError::Read { seq, error }),
    };
    let verified = Unverified::parse(&envelope).map_err(|e| other(seq, e))?;
    let verified = verified.verify(&key.verifying_key());
    let verified = verified.map_err(|e| other(seq, e))?;
    let statement = Statement::read(&verified).map_err(|e| other(seq, e))?;
    let agrees = [
        ("number", statement.seq == seq),
        ("node", statement.node == place.node),
        ("log", statement.origin == place.origin),
    ];
    if let Some((what, _)) = agrees.iter().find(|(_, agrees)| !agrees) {
        return Err(other(seq, format!("it names another {what}")));
    }
    Ok(Answered::Given(
        Box::new(statement),
        verified.pae(),
        envelope,
    ))
}

/// What is said of a statement by its withdrawal, which this node signed, and by its receipt, which tells its kind.
async fn gone<T: Transport>(
    transport: &T,
    place: &Enrolment,
    key: &SigningKey,
    (seq, prev, drawn): (u64, Digest, Option<Drawn>),
    (standard, withdrawal): &(Digest, Withdrawal),
) -> Result<Gone, RecoverError> {
    let path = format!("/v1/nodes/{}/statements/{seq}/receipt", place.node);
    let answer = transport.call(Request::get(path)).await;
    let answer = answer.map_err(|error| RecoverError::Read {
        seq,
        error: error.into(),
    })?;
    if answer.status != 200 {
        let error = ReadError::Refused(crate::submit::in_words(&answer));
        return Err(RecoverError::Read { seq, error });
    }
    let unknown = || {
        other(
            seq,
            "it follows a data standard that this version does not know",
        )
    };
    let standard = Standard::of(*standard).ok_or_else(unknown)?;
    let kinds: &[Kind] = match withdrawal.cells {
        None => &[Kind::PracticeEntry],
        Some(_) => &[Kind::LearningSummary, Kind::Correction],
    };
    let entry = |kind| Entry {
        kind,
        node: place.node.clone(),
        seq,
        key_id: key_id(&key.verifying_key()),
        pae: withdrawal.statement.pae,
    };
    let mut why = String::new();
    for kind in kinds {
        match proven(&answer, place, &entry(*kind)) {
            Ok(held) => {
                return Ok(Gone {
                    seq,
                    prev,
                    pae: withdrawal.statement.pae,
                    kind: *kind,
                    standard,
                    cells: withdrawal.cells,
                    drawn,
                    held,
                });
            }
            Err(error) => why = error,
        }
    }
    Err(other(seq, format!("its receipt does not hold: {why}")))
}
