//! Releasing an entry: a second person's word, the seal and the outbox row, in one transaction.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::FieldError;
use ldsp_protocol::statement::Kind;

use crate::seal::{self, QueueError};
use crate::store::audit::append;
use crate::store::practice::{self, StoredEntry};
use crate::store::{Store, StoreError, enrolment};

/// Why an entry is not released.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PracticeError {
    #[error("this node has no practice entry {0}")]
    Unknown(i64),
    #[error("{0} may not release an entry: that takes a person with the role approver")]
    NotApprover(String),
    #[error("{0} wrote this entry, so somebody else has to release it")]
    OwnWork(String),
    #[error("the entry was changed after it was shown, so what was read is not what would leave")]
    Digest,
    #[error("the entry was released by {by} and is statement {seq}")]
    Already { by: String, seq: u64 },
    #[error("the entry does not pass the check: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Check(Vec<FieldError>),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PracticeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl PracticeError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-entry",
            Self::NotApprover(_) => "role",
            Self::OwnWork(_) => "own-work",
            Self::Digest => "digest",
            Self::Already { .. } => "already-released",
            Self::Check(_) => "entry-check",
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unknown(_) => {
                "See which entries there are: `ldsp-node practice list`, or the page Practice."
            }
            Self::NotApprover(_) => {
                "Ask an approver; one is added with `ldsp-node people add NAME --role approver`."
            }
            Self::OwnWork(_) => "Ask another approver to read and release it.",
            Self::Digest => "Read the entry again and release what is shown now.",
            Self::Already { .. } => {
                "Nothing is left to do. To correct it, write a new entry that replaces it."
            }
            Self::Check(_) => "An author has to change the entry first.",
            Self::Queue(_) => "The reason says what to do.",
            Self::Store(error) => error.next(),
        }
    }
}

/// Releases entry `id`: checks it once more, seals it as the node's next statement and queues it. Gives the sequence number.
/// `digest` is that of the entry which `person` read; the caller has checked who `person` is.
///
/// # Errors
/// [`PracticeError`]; nothing was changed.
pub async fn release(
    store: &Store,
    key: &SigningKey,
    id: i64,
    person: &str,
    digest: Digest,
    now: Timestamp,
) -> Result<u64, PracticeError> {
    let mut tx = store.write().await?;
    let stored = practice::of(&mut tx, id)
        .await?
        .ok_or(PracticeError::Unknown(id))?;
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    check_person(&stored, person, role.as_deref())?;
    if stored.digest != digest {
        return Err(PracticeError::Digest);
    }
    let mut problems = stored.entry.check();
    if let Some(lep) = enrolment::lep(&mut tx).await? {
        let figures = practice::own_figures(&mut tx, &lep).await?;
        for (at, evidence) in stored.entry.evidence.iter().enumerate() {
            if figures.release_of(evidence).is_none() {
                problems.push(super::problem(
                    format!("evidence[{at}]"),
                    "this is not a figure of an approved release of this node",
                    "Choose a figure from the list",
                ));
            }
        }
    }
    if !problems.is_empty() {
        return Err(PracticeError::Check(problems));
    }
    let seq = seal::queue(
        &mut tx,
        key,
        Kind::PracticeEntry,
        None,
        &stored.entry,
        now.as_second(),
    )
    .await?;
    if !practice::approve(&mut tx, id, person, now, seq).await? {
        return Err(PracticeError::Unknown(id));
    }
    append(
        &mut tx,
        now,
        person,
        "practice-released",
        &format!("entry {id}, digest {digest}, statement {seq}"),
    )
    .await?;
    tx.commit().await?;
    Ok(seq)
}

fn check_person(
    stored: &StoredEntry,
    person: &str,
    role: Option<&str>,
) -> Result<(), PracticeError> {
    if let (Some((by, _)), Some(seq)) = (&stored.approved, stored.seq) {
        return Err(PracticeError::Already {
            by: by.clone(),
            seq,
        });
    }
    if role != Some("approver") {
        return Err(PracticeError::NotApprover(person.to_owned()));
    }
    // Two spellings of a name are one person: "Ann" does not release what "ann" wrote.
    let plain = |name: &str| name.trim().to_lowercase();
    if plain(person) == plain(&stored.author) {
        return Err(PracticeError::OwnWork(person.to_owned()));
    }
    Ok(())
}
