//! Sealing and queueing: a body becomes exact bytes, signed once, never re-serialised.

use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use crate::store::StoreError;
use crate::store::enrolment::{self, Enrolment};
use crate::store::outbox::{self, Head};

/// A statement ready for the outbox. Made only by [`seal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedStatement {
    seq: u64,
    kind: Kind,
    period: Option<Period>,
    sealed: Sealed,
}

impl SealedStatement {
    /// Its sequence number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The month, for a learning summary.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        self.period
    }

    /// SHA-256 of its PAE.
    #[must_use]
    pub fn pae(&self) -> Digest {
        self.sealed.pae()
    }

    /// The exact bytes to send.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        self.sealed.envelope()
    }
}

/// Why nothing may be signed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum QueueError {
    #[error("this node is not enrolled")]
    NotEnrolled,
    #[error(
        "this node\u{2019}s key was revoked: from place {from} of the log on nothing that it signs is taken"
    )]
    Revoked { from: u64 },
    #[error(
        "the log holds {log} statements of this node, this database {ours}: it was restored from an older backup, and a second statement at the same number would be proof against the node. Nothing is signed"
    )]
    Behind { log: u64, ours: u64 },
    #[error(
        "statement {seq} of this node in the log is not the one in this database. Nothing is signed"
    )]
    Forked { seq: u64 },
    #[error(
        "this node was restored from a backup and has not heard from the log since: a month that is out already would be drawn or signed a second time"
    )]
    Restored,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl QueueError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEnrolled => "not-enrolled",
            Self::Revoked { .. } => "key-revoked",
            Self::Behind { .. } => "behind-log",
            Self::Forked { .. } => "forked",
            Self::Restored => "restored",
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NotEnrolled => {
                "An admin asks the national operator for an invite and uses it on the page Place in the federation."
            }
            Self::Revoked { .. } => {
                "Telephone the national operator: the page Keys of the national site says when and why, in public."
            }
            Self::Behind { .. } => {
                "Tell the IT team: the newest backup has to be restored. Without one they take back from the log, on the server, what this database lacks."
            }
            Self::Forked { .. } => {
                "If the data directory was restored, restore the newest backup instead. If not, look for a second copy of this node that runs with the same key. Then ask the national operator."
            }
            Self::Restored => {
                "Try again when the national aggregator can be reached: it is asked first. A node that has never enrolled enrols first."
            }
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Behind { .. } => {
                "Restore the newest backup. If there is none, a coordinator runs `ldsp-node ledger new-epoch`: it takes back from the log what this database lacks and says whether a second epoch is needed."
            }
            _ => self.next(),
        }
    }
}

/// Signs `payload`, made under `standard`, as the statement after `head`.
#[must_use]
pub fn seal<P: Serialize>(
    key: &SigningKey,
    enrolment: &Enrolment,
    head: &Head,
    kind: Kind,
    (period, standard): (Option<Period>, &Standard),
    payload: P,
) -> SealedStatement {
    let body = Body {
        schema: SCHEMA,
        origin: enrolment.origin.clone(),
        node: enrolment.node.clone(),
        seq: head.seq + 1,
        prev: head.pae,
        kind,
        period,
        standard: standard.digest(),
        payload,
    };
    SealedStatement {
        seq: body.seq,
        kind,
        period,
        sealed: Sealed::sign(key, &kind.payload_type(), &body.to_bytes()),
    }
}

/// Refuses while a backup is all that the node knows of itself.
///
/// # Errors
/// [`QueueError::Restored`].
pub async fn check_restored(connection: &mut SqliteConnection) -> Result<(), QueueError> {
    if enrolment::awaits_the_log(connection).await? {
        return Err(QueueError::Restored);
    }
    Ok(())
}

/// Compares the log's view of this node, as last heard, with the outbox.
///
/// # Errors
/// [`QueueError::Restored`], [`QueueError::Behind`], [`QueueError::Forked`].
pub async fn check_head(
    connection: &mut SqliteConnection,
    enrolment: &Enrolment,
) -> Result<Head, QueueError> {
    check_restored(&mut *connection).await?;
    let ours = outbox::head(&mut *connection).await?;
    let log = enrolment.head;
    if log.seq > ours.seq {
        return Err(QueueError::Behind {
            log: log.seq,
            ours: ours.seq,
        });
    }
    if log.seq > 0 && outbox::pae(connection, log.seq).await? != Some(log.pae) {
        return Err(QueueError::Forked { seq: log.seq });
    }
    Ok(ours)
}

/// Seals `payload`, made under a standard and of a month if it is a summary, and queues it, inside the caller's transaction: the domain change and the outbox
/// row are one. Gives the sequence number.
///
/// # Errors
/// [`QueueError`].
pub async fn queue<P: Serialize>(
    connection: &mut SqliteConnection,
    key: &SigningKey,
    kind: Kind,
    of: (Option<Period>, &Standard),
    payload: P,
    now: i64,
) -> Result<u64, QueueError> {
    let enrolment = enrolment::read(&mut *connection)
        .await?
        .ok_or(QueueError::NotEnrolled)?;
    if let Some(from) = enrolment.revoked_from {
        return Err(QueueError::Revoked { from });
    }
    let head = check_head(&mut *connection, &enrolment).await?;
    let statement = seal(key, &enrolment, &head, kind, of, payload);
    outbox::append(connection, &statement, now).await?;
    Ok(statement.seq())
}
