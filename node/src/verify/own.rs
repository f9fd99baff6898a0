//! Everything that this node holds of what it published: each statement as it was signed, one chain, and the receipts.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::{Checkpoint, Proof};

use super::whole::{Expected, Seen};
use super::{Fault, TELL, receipt, statement};
use crate::store::enrolment::Enrolment;
use crate::store::outbox::OutboxRow;

/// A node's own statements, all in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Number of statements.
    pub statements: u64,
    /// Number of those that wait to be acknowledged, for the first time or again.
    pub waiting: u64,
    /// Number of receipts that prove a place in the log's tree.
    pub proven: u64,
    /// Number of receipts of before the log had a tree: the log's bare word.
    pub plain: u64,
    /// The largest checkpoint among the receipts.
    pub newest: Option<Checkpoint>,
}

const RESTORE: &str = "Restore the node from its newest backup whose `verify own` finds nothing. Do not publish before: statements may not be signed again.";

/// Checks one statement after the other.
#[derive(Debug)]
pub struct Check<'a> {
    place: &'a Enrolment,
    key: VerifyingKey,
    prev: Digest,
    found: Own,
    /// Statement by its place in the log.
    places: BTreeMap<u64, u64>,
    /// Statement and checkpoint, as it was signed, by the size of a receipt's checkpoint.
    roots: BTreeMap<u64, (Digest, u64, String)>,
    expected: Expected,
}

impl<'a> Check<'a> {
    /// Begins with a node's first statement; `key` is the one that it signs with.
    #[must_use]
    pub fn new(place: &'a Enrolment, key: VerifyingKey) -> Self {
        Self {
            place,
            key,
            prev: Digest::ZERO,
            found: Own::default(),
            places: BTreeMap::new(),
            roots: BTreeMap::new(),
            expected: Expected::default(),
        }
    }

    /// Takes the next statement.
    ///
    /// # Errors
    /// The first fault: those of [`statement`] and [`receipt`], `row`, `chain`, `split`.
    pub fn take(&mut self, row: &OutboxRow) -> Result<(), Fault> {
        let named = |fault: Fault| Fault {
            what: format!("statement {}: {}", row.seq, fault.what),
            next: RESTORE,
            ..fault
        };
        let genuine = statement(&row.envelope, &self.key).map_err(named)?;
        let said = &genuine.statement;
        let expected = self.found.statements + 1;
        let agrees = [
            ("number", said.seq == row.seq && row.seq == expected),
            ("node", said.node == self.place.node),
            ("log", said.origin == self.place.origin),
            ("kind", said.kind == row.kind),
            ("month", said.period == row.period),
            ("digest", genuine.pae == row.pae),
        ];
        if let Some((what, _)) = agrees.iter().find(|(_, agrees)| !agrees) {
            let what = format!(
                "the {what} that was signed is not the one that this node keeps in place {expected}"
            );
            return Err(named(Fault::new("row", what, RESTORE)));
        }
        if said.prev != self.prev {
            let what = "it does not name the statement before it";
            return Err(named(Fault::new("chain", what, RESTORE)));
        }
        self.prev = genuine.pae;
        self.found.statements += 1;
        self.found.waiting += u64::from(row.acknowledged_at.is_none());
        // What the log lost and is sent again keeps its receipt: the proof of the loss.
        let Some(text) = &row.receipt else {
            return Ok(());
        };
        let of = |fault: Fault| Fault {
            what: format!("the receipt of statement {}: {}", row.seq, fault.what),
            ..fault
        };
        let entry = genuine.entry();
        let received = receipt(text, &self.place.verifier, &entry).map_err(of)?;
        if row.log_index != Some(received.index) {
            let what = "it is for another place in the log than the one that this node keeps";
            return Err(of(Fault::new("row", what, RESTORE)));
        }
        if let Some(other) = self.places.insert(received.index, row.seq) {
            let what = format!("statement {other} has a receipt for the same place in the log");
            return Err(of(Fault::new("split", what, TELL)));
        }
        self.expected.received.insert(received.index, entry);
        match received.checkpoint {
            None => self.found.plain += 1,
            Some(checkpoint) => self.proven(row.seq, checkpoint, text)?,
        }
        Ok(())
    }

    fn proven(&mut self, seq: u64, checkpoint: Checkpoint, receipt: &str) -> Result<(), Fault> {
        self.found.proven += 1;
        let size = checkpoint.size;
        let note = Proof::parse(receipt).map_or_else(|_| String::new(), |proof| proof.checkpoint);
        let first = self.roots.entry(size);
        let (root, other, before) = first.or_insert((checkpoint.root, seq, note.clone()));
        if *root != checkpoint.root {
            let what = format!(
                "the receipts of statements {other} and {seq} name two different trees of {size} entries: the log contradicts itself"
            );
            return Err(Fault::new("split", what, TELL).shown_by(&[before, &note]));
        }
        if self.found.newest.as_ref().is_none_or(|n| n.size < size) {
            self.found.newest = Some(checkpoint.clone());
        }
        self.expected.earlier.push(Seen {
            place: format!("the receipt of this node's statement {seq}"),
            checkpoint,
            note,
        });
        Ok(())
    }

    /// What was found, and what a log that these receipts are of must hold.
    #[must_use]
    pub fn end(self) -> (Own, Expected) {
        (self.found, self.expected)
    }
}
