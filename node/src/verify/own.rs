//! Everything that this node holds of what it published: each statement as it was signed, one chain, and the receipts.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Checkpoint, Entry, Proof};

use super::source::{Given, Source};
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
    /// Digests of the acknowledged ones by their number.
    pub acknowledged: BTreeMap<u64, Digest>,
    /// By the number of a statement that a withdrawal names: the withdrawal's own, and whether the log has acknowledged that.
    pub withdrawn: BTreeMap<u64, (u64, bool)>,
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
    digests: Vec<Digest>,
    /// Statements without content.
    gone: Vec<u64>,
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
            digests: Vec::new(),
            gone: Vec::new(),
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
        if row.envelope.is_empty() {
            return self.without_content(row).map_err(named);
        }
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
        if let Some(target) = said.withdraws {
            let at = usize::try_from(target.seq).unwrap_or(usize::MAX);
            if self.digests.get(at.wrapping_sub(1)) != Some(&target.pae) {
                let what = "it withdraws a statement that is not the one of this node's";
                return Err(named(Fault::new("row", what, RESTORE)));
            }
            let by = (row.seq, row.acknowledged_at.is_some());
            self.found.withdrawn.insert(target.seq, by);
        }
        self.counted(row);
        // What the log lost and is sent again keeps its receipt: the proof of the loss.
        let Some(text) = &row.receipt else {
            return Ok(());
        };
        self.received(row, text, genuine.entry())
    }

    fn counted(&mut self, row: &OutboxRow) {
        self.prev = row.pae;
        self.digests.push(row.pae);
        self.found.statements += 1;
        self.found.waiting += u64::from(row.acknowledged_at.is_none());
        if row.acknowledged_at.is_some() {
            self.found.acknowledged.insert(row.seq, row.pae);
        }
    }

    /// A statement that was withdrawn and whose content went with a database that was lost: what is left is its receipt, and
    /// the digest by which its withdrawal and the next statement name it.
    fn without_content(&mut self, row: &OutboxRow) -> Result<(), Fault> {
        let (Some(text), true) = (&row.receipt, row.seq == self.found.statements + 1) else {
            let what = "neither its content nor a receipt is kept";
            return Err(Fault::new("row", what, RESTORE));
        };
        let entry = Entry {
            kind: row.kind,
            node: self.place.node.clone(),
            seq: row.seq,
            key_id: key_id(&self.key),
            pae: row.pae,
        };
        self.gone.push(row.seq);
        self.counted(row);
        self.received(row, text, entry)
    }

    fn received(&mut self, row: &OutboxRow, text: &str, entry: Entry) -> Result<(), Fault> {
        let of = |fault: Fault| Fault {
            what: format!("the receipt of statement {}: {}", row.seq, fault.what),
            ..fault
        };
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
    ///
    /// # Errors
    /// `row` for a statement without content that nothing withdraws.
    pub fn end(self) -> Result<(Own, Expected), Fault> {
        let withdrawn = &self.found.withdrawn;
        if let Some(seq) = self.gone.iter().find(|seq| !withdrawn.contains_key(seq)) {
            let what = format!("statement {seq}: its content is missing, and nothing withdraws it");
            return Err(Fault::new("row", what, RESTORE));
        }
        Ok((self.found, self.expected))
    }
}

/// Of a node's acknowledged statements, as the log serves them now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Number of those that it gives, byte for byte what was signed.
    pub given: u64,
    /// Number of those that this node withdrew and that it gives no more.
    pub withdrawn: u64,
}

/// Asks for every statement that the log acknowledged: it has to give what was signed, or nothing where the node withdrew it.
///
/// # Errors
/// The first fault: `source`, `hidden`, `altered`, `still-given`.
pub async fn served<S: Source>(source: &S, place: &Enrolment, own: &Own) -> Result<Served, Fault> {
    let mut answers = stream::iter(&own.acknowledged)
        .map(|(&seq, &pae)| async move {
            let path = format!("v1/nodes/{}/statements/{seq}", place.node);
            Ok::<_, Fault>((seq, pae, source.envelope(&path).await?))
        })
        .buffered(S::AT_ONCE);
    let mut served = Served::default();
    while let Some((seq, pae, given)) = answers.try_next().await? {
        match (given, own.withdrawn.get(&seq)) {
            (Given::Gone, Some((_, true))) => served.withdrawn += 1,
            (Given::Bytes(_), Some((by, true))) => {
                let what = format!(
                    "the log acknowledged statement {by}, which withdraws statement {seq}, and still gives that one's content"
                );
                let next = "Tell the log's operator: the content has to go. A log that was restored from a backup gets the withdrawal again with `ldsp-node publish`.";
                return Err(Fault::new("still-given", what, next));
            }
            (Given::Bytes(bytes), _) => {
                let pae_of = Unverified::parse(&bytes).map(|e| e.unverified_pae());
                if pae_of != Ok(pae) {
                    let what = format!(
                        "what the log gives as statement {seq} is not what this node signed"
                    );
                    return Err(Fault::new("altered", what, TELL));
                }
                served.given += 1;
            }
            (Given::Gone, Some((by, false))) => {
                let what = format!(
                    "the log gives statement {seq} no more and has not acknowledged statement {by}, which withdraws it"
                );
                let next = "Run `ldsp-node publish` and check again.";
                return Err(Fault::new("hidden", what, next));
            }
            (Given::Gone, None) => {
                let what = format!(
                    "the log acknowledged statement {seq} and gives it no more, although this node never withdrew it: the log hides it"
                );
                return Err(Fault::new("hidden", what, TELL));
            }
            (Given::Closed(words), _) => {
                let what =
                    format!("the log does not give this node its own statement {seq}: {words}");
                let next = "A node whose key is not active any more cannot read what is for enrolled nodes only. Otherwise keep the files and tell the log's operator and the other LEPs.";
                return Err(Fault::new("hidden", what, next));
            }
        }
    }
    Ok(served)
}
