//! What a release would publish, without being one: everything is done as for a release inside a transaction that is never committed, so
//! nothing enters the ledger, nothing is spent of anybody's budget, and no noise that anybody has seen was drawn for real people.
//!
//! Behind made-up records there is nobody, so their figures are shown with the noise of the attempt. Of real records only what a coordinator
//! sees anyway: counts, how wide the noise will be, and which rules hold. A second attempt would show other noise over the same counts, and
//! many of them together no noise at all.

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use ldsp_protocol::measures::{Estimate, Z95};
use ldsp_protocol::standard::Standard;

use super::figures::Opened;
use super::prepare::prepare_in;
use super::rules::{self, Verdict};
use super::{ReleaseError, Request, SCHEDULE};
use crate::store::audit::append;
use crate::store::{Store, StoreError};
use crate::work::Progress;
use crate::{Entropy, sample};

/// The action in the audit log.
const ACTION: &str = "release previewed";

/// An attempt at a release.
pub(crate) struct Previewed {
    /// The month.
    pub(crate) period: Period,
    /// By family.
    pub(crate) families: Vec<Expected>,
    /// Every rule with its outcome in the attempt.
    pub(crate) verdicts: Vec<Verdict>,
    /// The whole attempt with its noise, of made-up records alone.
    pub(crate) made_up: Option<Opened>,
}

/// What would become known of a family. Exact: for signed-in pages only.
pub(crate) struct Expected {
    /// Title in the standard.
    pub(crate) title: String,
    /// Enrolments that would enter.
    pub(crate) counted: i64,
    /// Half the width of the 95 % interval that readers would see, in enrolments. It follows from the data standard alone.
    pub(crate) margin: f64,
    /// What readers would estimate, of made-up records alone.
    pub(crate) published: Option<Estimate>,
}

/// Tries the next release, as an act of `who`.
///
/// # Errors
/// [`ReleaseError`], as for preparing it; [`ReleaseError::Open`] while a release waits, which shows itself.
pub(crate) async fn preview(
    store: &Store,
    request: Request,
    who: &str,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<Previewed, ReleaseError> {
    let mut tx = store.write().await?;
    let is_made_up = sample::is_there(&mut tx).await?;
    if is_made_up {
        // Within what is never committed: no release can be prepared while the mark stands.
        sqlx::query("DELETE FROM sample").execute(&mut *tx).await?;
    }
    let prepared = prepare_in(
        &mut tx,
        request,
        (SCHEDULE, now),
        entropy,
        &Progress::default(),
    )
    .await?;
    if !prepared.drawn {
        return Err(ReleaseError::Open(prepared.release.period));
    }
    let opened = Opened::of(&mut tx, prepared.release).await?;
    let previous = rules::previous(&mut tx, &opened).await?;
    tx.rollback().await?;
    let previewed = Previewed {
        period: opened.release.period,
        families: expected(&opened, is_made_up)?,
        verdicts: rules::verdicts(&opened, &previous),
        made_up: is_made_up.then_some(opened),
    };
    let mut tx = store.write().await?;
    let month = previewed.period.to_string();
    append(&mut tx, now, who, ACTION, &month).await?;
    tx.commit().await?;
    Ok(previewed)
}

fn expected(opened: &Opened, is_made_up: bool) -> Result<Vec<Expected>, ReleaseError> {
    let estimates = opened.estimates(opened.month())?;
    let families = Standard::current().families().iter();
    let expected = families.map(|family| Expected {
        title: family.title.clone(),
        counted: opened.exact_family(family.id, opened.month()),
        margin: estimates.total(family.id).map_or(0.0, |e| Z95 * e.se),
        published: estimates.total(family.id).filter(|_| is_made_up),
    });
    Ok(expected.collect())
}

/// Whether anybody has tried one.
pub(crate) async fn was_tried(store: &Store) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM audit WHERE action = $1 LIMIT 1")
        .bind(ACTION)
        .fetch_optional(&store.reader)
        .await?;
    Ok(found.is_some())
}
