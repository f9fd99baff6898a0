//! Approving: a second person's word, the seal and the outbox row, in one transaction.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::Codebook;
use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteConnection;

use super::figures::Opened;
use super::{ReleaseError, check_ledger, rules};
use crate::seal;
use crate::store::people::same_person;
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, audit, enrolment, ledger};

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

/// Approves a release, seals it and queues it. Gives the statement's sequence number.
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
    let months = ledger::months(&mut transaction, &codebook).await?;
    check_ledger(&mut transaction, &months).await?;
    let opened = Opened::new(release, lep, codebook, months, None)?;
    let previous = rules::previous(&mut transaction, &opened).await?;
    // What the receiver would refuse gets no number: a refused statement would stand in the way of all later ones.
    if let Some(broken) = rules::broken(&opened, previous.as_ref()) {
        return Err(ReleaseError::Rule(broken));
    }
    let Opened {
        release, summary, ..
    } = opened;
    let at = now.as_second();
    let (kind, period) = (Kind::LearningSummary, Some(release.period));
    let seq = seal::queue(&mut transaction, key, kind, period, summary, at).await?;
    if !releases::approve(&mut transaction, release.period, approval.person, at, seq).await? {
        return Err(ReleaseError::NothingOpen);
    }
    let detail = format!(
        "{}, digest {}, statement {seq}",
        release.period, release.digest
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
    if let (Some((by, _)), Some(seq)) = (&release.approved, release.seq) {
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
