//! The library's index: each practice entry as its statement has it.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::PracticeEntry;

use super::{Fsck, Rule};
use crate::store::{IndexRow, LoggedStatement, StoreError};

/// Rows of the index by leaf.
pub(super) type Expected = BTreeMap<u64, (IndexRow, BTreeSet<String>)>;

/// The leaves of a node's entries by identity.
#[derive(Default)]
pub(super) struct Versions(BTreeMap<Digest, u64>);

impl Versions {
    /// The next entry of the node.
    pub(super) fn take(&mut self, run: &mut Fsck<'_>, row: &LoggedStatement, entry: PracticeEntry) {
        run.report.entries += 1;
        let older = entry.supersedes.and_then(|pae| self.0.get(&pae));
        if let Some((older, _)) = older.and_then(|leaf| run.library.get_mut(leaf)) {
            older.superseded_by.get_or_insert(row.index);
        }
        self.0.insert(row.pae, row.index);
        let expected = IndexRow::of(row, &entry);
        run.library.insert(row.index, expected);
    }
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut expected = std::mem::take(&mut run.library);
    for leaf in run.snapshot.indexed().await? {
        let row = run.snapshot.index_row(leaf).await?;
        let causes = run.snapshot.causes(leaf).await?;
        let expected = expected.remove(&leaf);
        let Some(row) = row.map(|row| run.readable(row)).transpose()?.flatten() else {
            continue;
        };
        let Some((wanted, factors)) = expected else {
            let what = "no logged practice entry stands at this leaf";
            run.find(Rule::Library, ("practice", "leaf"), leaf, what);
            continue;
        };
        for column in row.different(&wanted) {
            let what = "it is not what the logged entry gives";
            run.find(Rule::Library, ("practice", column), leaf, what);
        }
        if causes != factors {
            let what = "they are not the causes that the logged entry names";
            run.find(Rule::Library, ("practice_cause", "factor"), leaf, what);
        }
    }
    for leaf in expected.into_keys() {
        let what = "a logged practice entry is missing";
        run.find(Rule::Library, ("practice", "leaf"), leaf, what);
    }
    Ok(())
}
