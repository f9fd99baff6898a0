//! Approving: a second person's word, the seal and the outbox row, in one transaction.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::Codebook;
use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteConnection;

use super::figures::Opened;
use super::{ReleaseError, histories, rules};
use crate::seal;
use crate::store::ledger::streams::{self, Stream};
use crate::store::people::same_person;
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, audit, enrolment};

/// What a person approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval<'a> {
    /// Who; the caller has checked the secret.
    pub person: &'a str,
    /// Which month; `None`: the open one.
    pub period: Option<Period>,
    /// The digest that the person was shown.
    pub digest: Digest,
}

/// Approves a release, seals its statements, oldest standard first, and queues them. Gives the last one's sequence number.
///
/// # Errors
/// [`ReleaseError`]; nothing was changed.
pub async fn approve(
    store: &Store,
    key: &SigningKey,
    approval: &Approval<'_>,
    now: Timestamp,
) -> Result<u64, ReleaseError> {
    let mut transaction = store.write().await?;
    let release = shown(
        &mut transaction,
        approval.person,
        approval.period,
        approval.digest,
    )
    .await?;
    let lep = enrolment::lep(&mut transaction)
        .await?
        .ok_or(ReleaseError::NoIdentity)?;
    let codebook = Codebook::new(&lep, &[]);
    let begun = streams::begun(&mut transaction).await?;
    let published = begun
        .iter()
        .filter(|s| release.under(s.standard).is_some())
        .map(|s| s.at(release.period));
    let published: Vec<Stream> = published.collect();
    histories(&mut transaction, &codebook, &published).await?;
    let opened = Opened::of(&mut transaction, release).await?;
    let previous = rules::previous(&mut transaction, &opened).await?;
    // What the receiver would refuse gets no number: a refused statement would stand in the way of all later ones.
    if let Some(broken) = rules::broken(&opened, &previous) {
        return Err(ReleaseError::Rule(broken));
    }
    let (release, at) = (&opened.release, now.as_second());
    let mut seqs = Vec::new();
    for (stream, summary) in opened.published() {
        let (kind, of) = (
            Kind::LearningSummary,
            (Some(release.period), stream.standard),
        );
        let seq = seal::queue(&mut transaction, key, kind, of, summary, at).await?;
        seqs.push((stream.standard, seq));
    }
    let seq = seqs.last().map(|(_, seq)| *seq);
    let seq = seq.ok_or(ReleaseError::LedgerLost)?;
    if !releases::approve(&mut transaction, release.period, approval.person, at, &seqs).await? {
        return Err(ReleaseError::NothingOpen);
    }
    let numbers: Vec<String> = seqs.iter().map(|(_, seq)| seq.to_string()).collect();
    let detail = format!(
        "{}, digest {}, statement {}",
        release.period,
        release.digest,
        numbers.join(" and ")
    );
    audit::append(
        &mut transaction,
        now,
        approval.person,
        "release approved",
        &detail,
    )
    .await?;
    transaction.commit().await?;
    Ok(seq)
}

/// The release that an approver was shown: this person may judge it, and `digest` is that of its bytes.
pub(super) async fn shown(
    connection: &mut SqliteConnection,
    person: &str,
    period: Option<Period>,
    digest: Digest,
) -> Result<StoredRelease, ReleaseError> {
    let release = match period {
        Some(period) => releases::of(&mut *connection, period)
            .await?
            .ok_or(ReleaseError::Unknown(period))?,
        None => releases::last(&mut *connection)
            .await?
            .filter(|r| r.approved.is_none())
            .ok_or(ReleaseError::NothingOpen)?,
    };
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(person)
        .fetch_optional(connection)
        .await?;
    check_person(&release, person, role.as_deref())?;
    if release.digest != digest {
        return Err(ReleaseError::Digest {
            said: digest,
            stored: release.digest,
        });
    }
    Ok(release)
}

fn check_person(
    release: &StoredRelease,
    person: &str,
    role: Option<&str>,
) -> Result<(), ReleaseError> {
    if role != Some("approver") {
        return Err(ReleaseError::NotApprover(person.to_owned()));
    }
    if let (Some((by, _)), Some(seq)) = (&release.approved, release.seq()) {
        return Err(ReleaseError::Already {
            period: release.period,
            by: by.clone(),
            seq,
        });
    }
    if same_person(person, &release.author) {
        return Err(ReleaseError::OwnWork(person.to_owned()));
    }
    Ok(())
}
