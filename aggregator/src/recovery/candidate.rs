//! Statements without a receipt that nodes send to a stopped log. One may be a leaf that the log signed over without anybody getting its own
//! receipt: the answer was lost, and a neighbour's receipt covers it. It is put back only where the tree that the log signed says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::{ENTRY_LEN, Entry};

use crate::verify::Authentic;

/// A statement that its node signed for this log; the log may never have signed over it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) entry: Entry,
    pub(super) record: [u8; ENTRY_LEN],
    pub(super) envelope: Vec<u8>,
    pub(super) received: Timestamp,
}

/// Of each node the one that comes last in its sequence, in memory: a node has one statement on its way at a time, and the next one leaves when
/// the receipt is there, so that whatever else somebody replays for it is an earlier one. It sends it again for as long as the log is
/// stopped, so that nothing is lost with the process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    last: Arc<Mutex<BTreeMap<NodeSlug, Candidate>>>,
    /// Held while leaves are put back, by one request of this process at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Candidates {
    /// Keeps what an enrolled node sent, signed with the node's key, beyond the end of the node's sequence.
    pub fn keep(&self, authentic: &Authentic, at: Timestamp) {
        if !authentic.is_beyond_head() {
            return;
        }
        let node = authentic.node().node.clone();
        let entry = Entry {
            kind: authentic.kind(),
            node: node.clone(),
            seq: authentic.seq(),
            key_id: authentic.key_id(),
            pae: authentic.pae(),
        };
        let candidate = Candidate {
            record: entry.to_bytes(),
            entry,
            envelope: authentic.envelope().to_vec(),
            received: at,
        };
        let mut all = self.lock();
        let held = all.get(&node).map(|held| held.entry.seq);
        if held.is_none_or(|held| held <= candidate.entry.seq) {
            all.insert(node, candidate);
        }
    }

    /// Waits for the turn to put leaves back.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Their records.
    pub(super) fn records(&self) -> Vec<Vec<u8>> {
        let all = self.lock();
        all.values().map(|one| one.record.to_vec()).collect()
    }

    pub(super) fn of(&self, record: &[u8]) -> Option<Candidate> {
        let all = self.lock();
        all.values().find(|one| one.record == record).cloned()
    }

    /// Drops one that has its place, or cannot have one.
    pub(super) fn done(&self, record: &[u8]) {
        self.lock().retain(|_, one| one.record != record);
    }

    /// Drops all: the log signs.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeSlug, Candidate>> {
        // Each change is one call on the map: it is whole after a panic, too.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
