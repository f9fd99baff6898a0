//! What every backend must do, written once. Each function takes a way to open an empty store and,
//! where rows are damaged, a way to run a statement of SQL that both dialects know.

mod curation;
mod drafts;
mod figures;
mod fsck;
mod library;
mod listing;
mod log;
mod recovery;
mod registry;
mod revisions;
mod rollups;
mod sharing;
mod staff;
mod stops;
mod tree;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::statement::Kind;

use super::{Effect, Log, NewStatement, Placed, Sign};
use crate::testing::{Sim, at};
use ldsp_protocol::rollup::{self, NodeMonth};
use ldsp_protocol::standard::Standard;

pub(crate) use curation::curation_conforms;
pub(crate) use drafts::drafts_conform;
pub(crate) use figures::figures_conform;
pub(crate) use fsck::fsck_conforms;
pub(crate) use library::library_conforms;
pub(crate) use listing::listing_conforms;
pub(crate) use log::log_conforms;
pub(crate) use recovery::recovery_conforms;
pub(crate) use registry::registry_conforms;
pub(crate) use revisions::{
    Area, a_snapshot_is_of_one_state, proofs_do_not_keep_what_was_withdrawn, revisions_conform,
};
pub(crate) use rollups::rollups_conforms;
pub(crate) use sharing::{
    openings_share_one_log, readers_do_not_wait, same_statements_same_answers,
};
pub(crate) use staff::staff_conforms;
pub(crate) use tree::{a_log_without_a_tree_gets_one, tree_conforms};

/// A checkpoint that says what it was made from.
pub(crate) const SIGN: Sign<'static> = &|size, root| format!("{size} {root}");

/// Logs these and says how each fared.
async fn placed<S: Log>(store: &S, batch: &[NewStatement]) -> Vec<Placed> {
    store.append(batch, SIGN).await.unwrap().placed
}

fn statement(
    sim: &Sim,
    kind: Kind,
    period: Option<Period>,
    effect: Effect,
    text: &str,
) -> NewStatement {
    NewStatement {
        node: sim.slug.clone(),
        seq: sim.seq + 1,
        prev: sim.prev,
        kind,
        period,
        key_id: Digest::of(b"key"),
        pae: Digest::of(format!("{} {} {text}", sim.slug, sim.seq).as_bytes()),
        envelope: text.as_bytes().to_vec(),
        received: at("2022-06-01T10:00:00Z"),
        effect,
    }
}

fn advance(sim: &mut Sim, new: &NewStatement) {
    sim.seq = new.seq;
    sim.prev = new.pae;
}

/// The node's next month; `history` grows with it.
pub(crate) fn month(sim: &mut Sim, history: &mut Vec<NodeMonth>) -> NewStatement {
    let new = month_under(Standard::current(), sim, history);
    sim.next = sim.next.next().unwrap();
    new
}

/// The node's summary of the month under a standard; `history` of that stream grows with it.
fn month_under(
    standard: &'static Standard,
    sim: &mut Sim,
    history: &mut Vec<NodeMonth>,
) -> NewStatement {
    let summary = sim.summary_under(standard, 3);
    let period = sim.next;
    let place = (&sim.slug.clone(), &sim.lep.clone(), period, sim.seq + 1);
    let fold = rollup::fold(standard, history, place, &summary).unwrap();
    history.push(fold.month.clone());
    let effect = Effect::Summary(Box::new(fold));
    let new = statement(sim, Kind::LearningSummary, Some(period), effect, "summary");
    advance(sim, &new);
    new
}

/// The node's next entry.
fn entry(sim: &mut Sim, entry: PracticeEntry) -> NewStatement {
    let text = entry.title.clone();
    let sealed = sim.seal(Kind::PracticeEntry, None, &entry);
    let effect = Effect::Practice(Box::new(entry));
    let new = NewStatement {
        envelope: sealed.envelope().to_vec(),
        ..statement(sim, Kind::PracticeEntry, None, effect, &text)
    };
    advance(sim, &new);
    new
}

/// Asserts that an outcome is damage at this place.
fn damaged<T: std::fmt::Debug>(outcome: Result<T, super::StoreError>, place: (&str, &str, &str)) {
    match outcome {
        Err(super::StoreError::Corrupt { table, column, row }) => {
            assert_eq!((table, column, row.as_str()), place);
        }
        other => panic!("{place:?} was not noticed: {other:?}"),
    }
}
