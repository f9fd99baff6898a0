//! Needs that the log holds and a restored database does not.
//!
//! What their sums are made of went with the lost database, so those numbers stand until their rows are gone. Every record of people in the
//! backup was written before, and may have been counted: none of them is drawn again. What a draft of the backup drew may have been
//! published with them: it is not published again.

use jiff::Timestamp;
use ldsp_protocol::needs::{DemandSummary, ProvisionSummary};
use sqlx::sqlite::SqliteConnection;

use super::{people, sums};
use crate::recover::LOG;
use crate::store::StoreError;
use crate::store::demand::Demand;
use crate::store::kept::Kept as _;
use crate::store::needs::{self, Left, New};

/// A statement of what is asked for, by its place in the node's sequence, and the one of what is offered that follows it.
pub(crate) type Published<'a> = (u64, &'a DemandSummary, Option<(u64, &'a ProvisionSummary)>);

/// Why a draft of the backup is refused.
const LATER: &str = "The log has needs that were published after this backup was made.";

/// Writes what the log holds, the oldest first.
pub(crate) async fn take_back(
    tx: &mut SqliteConnection,
    published: &[Published<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    if published.is_empty() {
        return Ok(());
    }
    let last = needs::last(&mut *tx).await?;
    let mut waiting = last.filter(needs::StoredNeeds::waits);
    for (seq, demand, provision) in published {
        let seqs = [Some(*seq), provision.map(|(seq, _)| seq)];
        let is_it = |draft: &needs::StoredNeeds| {
            let same = provision.is_none_or(|(_, it)| draft.provision.as_ref() == Some(it));
            draft.demand == **demand && same
        };
        if let Some(draft) = waiting.take() {
            if is_it(&draft) {
                needs::approve(&mut *tx, draft.id, (LOG, now), seqs).await?;
                continue;
            }
            needs::refuse(&mut *tx, draft.id, (LOG, now), LATER).await?;
        }
        let before = needs::published(&mut *tx).await?;
        let known = before.map_or_else(Vec::new, |(_, known)| known);
        let known = sums::taken_back(&demand.organisations, &known);
        let new = New {
            demand,
            provision: provision.map(|(_, it)| it),
            left: &Left::default(),
            known: &known,
        };
        let id = needs::insert(&mut *tx, &new, (LOG, now)).await?;
        needs::approve(&mut *tx, id, (LOG, now), seqs).await?;
        let records = Demand::rows(&mut *tx, None).await?;
        let asked: Vec<(i64, String)> = (records.iter())
            .filter(|stored| people::is_counted(&stored.it))
            .map(|stored| (stored.id, stored.it.code.clone()))
            .collect();
        needs::count(&mut *tx, id, &asked).await?;
    }
    Ok(())
}
