//! Approving: a second person's word, the seal and the outbox row, in one transaction.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::Kind;
use ldsp_protocol::summary::{LearningSummary, Previous};
use sqlx::sqlite::SqliteConnection;

use super::{ReleaseError, check_ledger, check_payload};
use crate::disclosure::LedgerMonth;
use crate::seal;
use crate::store::people::same_person;
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, StoreError, audit, enrolment, ledger};

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
    let release = match approval.period {
        Some(period) => releases::of(&mut transaction, period)
            .await?
            .ok_or(ReleaseError::Unknown(period))?,
        None => releases::last(&mut transaction)
            .await?
            .filter(|r| r.approved.is_none())
            .ok_or(ReleaseError::NothingOpen)?,
    };
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(approval.person)
        .fetch_optional(&mut *transaction)
        .await?;
    check_person(&release, approval.person, role.as_deref())?;
    if release.digest != approval.digest {
        return Err(ReleaseError::Digest);
    }
    let lep = enrolment::lep(&mut transaction)
        .await?
        .ok_or(ReleaseError::NoIdentity)?;
    let months = ledger::months(&mut transaction, &Codebook::new(&lep, &[])).await?;
    check_ledger(&mut transaction, &months).await?;
    let at = months
        .iter()
        .position(|m| m.period == release.period)
        .ok_or(ReleaseError::LedgerLost)?;
    let summary = check_payload(&release, &months[at])?;
    let previous = match at.checked_sub(1).map(|before| &months[before]) {
        Some(month) => Some(previous(&mut transaction, month).await?),
        None => last_before(&mut transaction, release.period).await?,
    };
    // What the receiver would refuse gets no number: a refused statement would stand in the way of all later ones.
    summary.check(Standard::v1(), &lep, previous.as_ref())?;
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

/// What the next summary has to follow.
async fn previous(
    connection: &mut SqliteConnection,
    month: &LedgerMonth,
) -> Result<Previous, ReleaseError> {
    let release = releases::of(connection, month.period)
        .await?
        .ok_or(ReleaseError::LedgerLost)?;
    let summary = check_payload(&release, month)?;
    Ok(Previous {
        epoch: summary.noise.epoch,
        month: summary.noise.month,
        rho_micro: summary.noise.rho_micro,
        pledges: summary.pledges,
    })
}

/// What the first month of a second epoch has to follow: the last release of the first, whose ledger is lost.
async fn last_before(
    connection: &mut SqliteConnection,
    period: Period,
) -> Result<Option<Previous>, ReleaseError> {
    let Some(before) = period.plus(-1) else {
        return Ok(None);
    };
    let Some(release) = releases::of(connection, before).await? else {
        return Ok(None);
    };
    let summary: LearningSummary =
        serde_json::from_slice(&release.payload).map_err(|_| StoreError::Corrupt {
            table: "releases",
            column: "payload",
            row: before.to_string(),
        })?;
    Ok(Some(Previous {
        epoch: summary.noise.epoch,
        month: summary.noise.month,
        rho_micro: summary.noise.rho_micro,
        pledges: summary.pledges,
    }))
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
