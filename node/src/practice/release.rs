//! Releasing an entry: a second person's word, the seal and the outbox row, in one transaction.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{Area, FieldError, PracticeEntry};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;

use super::OwnFigures;
use crate::seal::{self, QueueError};
use crate::store::audit::append;
use crate::store::people::same_person;
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
            Self::Unknown(_) => "The page Our entries shows which there are.",
            Self::NotApprover(_) => "Ask an approver; an admin adds one on the page People.",
            Self::OwnWork(_) => "Ask another approver to read and release it.",
            Self::Digest => "Read the entry again and release what is shown now.",
            Self::Already { .. } => {
                "Nothing is left to do. To correct it, write a new entry that replaces it."
            }
            Self::Check(_) => "A coordinator has to change the entry first.",
            Self::Queue(_) => "The reason says what to do.",
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "See which entries there are: `ldsp-node practice list`.",
            Self::NotApprover(_) => {
                "Ask an approver; one is added with `ldsp-node people add NAME --role approver`."
            }
            _ => self.next(),
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
    // Without `init` there are no figures, no enrolment and no way to seal.
    let problems = match enrolment::lep(&mut tx).await? {
        Some(lep) => check(&stored.entry, &practice::own_figures(&mut tx, &lep).await?),
        None => stored.entry.check(),
    };
    if !problems.is_empty() {
        return Err(PracticeError::Check(problems));
    }
    let seq = seal::queue(
        &mut tx,
        key,
        Kind::PracticeEntry,
        (None, Standard::current()),
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

/// Every check that the receiver makes, and that figures are the node's own: what it would refuse does not get a number here.
fn check(entry: &PracticeEntry, figures: &OwnFigures) -> Vec<FieldError> {
    let mut problems = entry.check();
    if let Area::Lep(code) = &entry.area
        && code != figures.lep()
    {
        problems.push(super::problem(
            "area",
            "the code is that of another LEP",
            "Name your own, or say what the area is like",
        ));
    }
    for (at, evidence) in entry.evidence.iter().enumerate() {
        if figures.release_of(evidence).is_none() {
            problems.push(super::problem(
                format!("evidence[{at}]"),
                "this is not a figure of an approved release of this node",
                "Choose a figure from the list",
            ));
        }
    }
    problems
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
    if same_person(person, &stored.author) {
        return Err(PracticeError::OwnWork(person.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::{TEMPLATE, check_file};
    use crate::testing::{LEP, World, at, node_key};

    const NOW: &str = "2022-05-01T12:00:00Z";

    fn filled() -> String {
        let mut text = TEMPLATE.to_owned();
        for (empty, full) in [
            ("title = \"\"", "title = \"Drop-in\""),
            ("what = \"\"\"\n\"\"\"", "what = \"Weekly sessions.\""),
            ("tier = \"\"", "tier = \"basic\""),
            ("skills = []", "skills = [\"foundation\"]"),
            ("audience = []", "audience = [\"older-people\"]"),
            ("mode = \"\"", "mode = \"online\""),
            ("cost = \"\"", "cost = \"1k-10k\""),
            ("verdict = \"\"", "verdict = \"worked\""),
            ("again = \"\"", "again = \"yes\""),
            ("repeat = \"\"\"\n\"\"\"", "repeat = \"Book a room.\""),
            ("contact_role = \"\"", "contact_role = \"Coordinator\""),
            ("# review = 2027-09-30", "review = 2023-06-01"),
            ("design = \"\"", "design = \"none\""),
            ("participants = \"\"", "participants = \"under-30\""),
            ("attrition = \"\"", "attrition = \"not-known\""),
            ("follow_up = \"\"", "follow_up = \"none\""),
            ("factor = \"\"", "factor = \"staff\""),
            ("direction = \"\"", "direction = \"worked-because\""),
            ("because = \"\"", "because = \"They stayed.\""),
        ] {
            assert!(text.contains(empty), "{empty}");
            text = text.replacen(empty, full, 1);
        }
        text
    }

    #[tokio::test]
    async fn what_the_receiver_would_refuse_gets_no_number() {
        let world = World::enrolled().await;
        let figures = world
            .store
            .own_figures(&LEP.parse().unwrap())
            .await
            .unwrap();
        let today = jiff::civil::date(2022, 5, 1);
        let own = check_file(&filled(), &figures, today).unwrap();
        let mut foreign = own.clone();
        foreign.area = Area::Lep("E37000002".parse().unwrap());
        let attempt = async |entry: &PracticeEntry| {
            let id = world
                .store
                .add_practice(entry, "ann", at(NOW))
                .await
                .unwrap();
            let stored = world.store.practice_entry(id).await.unwrap().unwrap();
            release(&world.store, &node_key(), id, "bob", stored.digest, at(NOW)).await
        };
        let error = attempt(&foreign).await.unwrap_err();
        assert_eq!(error.code(), "entry-check");
        assert!(
            error
                .to_string()
                .contains("area: the code is that of another LEP"),
            "{error}"
        );
        assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
        assert_eq!(attempt(&own).await.unwrap(), 1);
    }
}
