//! Refusing: an approver's no, with its reason. It changes nothing of the release, and so draws nothing again.

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::personal;

use super::ReleaseError;
use super::approve::shown;
use crate::store::releases::{self, StoredRefusal};
use crate::store::{Store, audit};

/// Longest reason, in characters.
const LONGEST: usize = 500;

/// What a person refuses and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// Who; the caller has checked the secret.
    pub person: &'a str,
    /// Which month; `None`: the open one.
    pub period: Option<Period>,
    /// The digest that the person was shown.
    pub digest: Digest,
    /// Why, for the coordinator; stays at the node.
    pub reason: &'a str,
}

/// Writes down that an approver will not approve a release as it stands, and gives its month.
///
/// The release stays what it is: the same bytes wait, no later month is prepared before them, and an approver may
/// still approve them when the reason is cleared up.
///
/// # Errors
/// [`ReleaseError`]; nothing was changed.
pub async fn refuse(
    store: &Store,
    refusal: &Refusal<'_>,
    now: Timestamp,
) -> Result<Period, ReleaseError> {
    let reason = in_order(refusal.reason, LONGEST).map_err(ReleaseError::Reason)?;
    let mut transaction = store.write().await?;
    let release = shown(
        &mut transaction,
        refusal.person,
        refusal.period,
        refusal.digest,
    )
    .await?;
    let row = StoredRefusal {
        period: release.period,
        digest: release.digest,
        person: refusal.person.to_owned(),
        reason,
        refused_at: now.as_second(),
    };
    releases::refuse(&mut transaction, &row).await?;
    let detail = format!("{}, digest {}", release.period, release.digest);
    audit::append(
        &mut transaction,
        now,
        refusal.person,
        "release refused",
        &detail,
    )
    .await?;
    transaction.commit().await?;
    Ok(release.period)
}

/// A reason in one line, of 1 to `longest` characters and without anything that looks like personal data; else what is wrong with it.
pub(crate) fn in_order(reason: &str, longest: usize) -> Result<String, String> {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = reason.chars().count();
    if length == 0 {
        return Err("is missing".to_owned());
    }
    if length > longest {
        return Err(format!("has {length} characters; {longest} are allowed"));
    }
    match personal::find(&reason).first() {
        None => Ok(reason),
        Some(found) => Err(format!(
            "may not hold personal data: characters {} to {} look like {}",
            found.start,
            found.end,
            found.kind.in_words()
        )),
    }
}
