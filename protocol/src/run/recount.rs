//! Figures counted again from the statements that they stand on.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::benchmark::Figures;
use crate::dsse::{EnvelopeError, Unverified, Verified};
use crate::ids::{Digest, Gss, NodeSlug};
use crate::log::Entry;
use crate::note::Verifier;
use crate::own::{Keys, KeysError, Own, OwnStatement, PayloadError};
use crate::rollup::{FoldError, NodeMonth, fold};
use crate::standard::Standard;
use crate::statement::{Body, Payload, Statement, StatementError};
use crate::summary::SummaryError;

/// Why figures cannot be counted again from what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RecountError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("the statement is not the one that the log's record names ({0})")]
    Record(&'static str),
    #[error("{0} has no key that counts there")]
    Key(NodeSlug),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("it follows the data standard {0}, which this version does not know")]
    Standard(Digest),
    #[error("it is not the month after the node's last")]
    Month,
    #[error(transparent)]
    Summary(#[from] SummaryError),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// Counts again: first all key events in their order, then the summaries, one node after the other, each node's in their order. It
/// believes the log's key and nothing else: every signature and every rule of a summary is checked on the way.
///
/// In memory are the months of one node, and of all others what [`Figures`] holds.
#[derive(Debug)]
pub struct Recount<'a> {
    log: &'a Verifier,
    keys: Keys,
    added: BTreeMap<(NodeSlug, Digest), (Gss, VerifyingKey)>,
    figures: Figures,
    /// The node whose statements come, and its months by version of the standard.
    node: Option<NodeSlug>,
    months: BTreeMap<u32, Vec<NodeMonth>>,
}

impl<'a> Recount<'a> {
    /// Begins; `log` is the key and name of the log.
    #[must_use]
    pub fn new(log: &'a Verifier) -> Self {
        Self {
            log,
            keys: Keys::default(),
            added: BTreeMap::new(),
            figures: Figures::default(),
            node: None,
            months: BTreeMap::new(),
        }
    }

    /// Takes the key event in `envelope`, of which `entry` is the log's record at `index`.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn key(&mut self, index: u64, entry: &Entry, envelope: &[u8]) -> Result<Own, RecountError> {
        let verified = Unverified::parse(envelope)?.verify(self.log.key())?;
        let said = OwnStatement::read(&verified)?;
        self.agrees(&said, &verified, entry)?;
        self.keys.take(index, &said.payload)?;
        if let Own::KeyAdd(add) = &said.payload {
            let key = (add.node.clone(), add.key_id);
            self.added.insert(key, (add.lep.clone(), add.key()?));
        }
        Ok(said.payload)
    }

    /// Takes the summary in `envelope`, of which `entry` is the log's record at `index`.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn statement(
        &mut self,
        index: u64,
        entry: &Entry,
        envelope: &[u8],
    ) -> Result<(), RecountError> {
        let signer = (entry.node.clone(), entry.key_id);
        let unknown = || RecountError::Key(entry.node.clone());
        let (lep, key) = self.added.get(&signer).cloned().ok_or_else(unknown)?;
        if !self.keys.count(&entry.node, entry.key_id, index) {
            return Err(unknown());
        }
        let verified = Unverified::parse(envelope)?.verify(&key)?;
        let said = Statement::read(&verified)?;
        self.agrees(&said, &verified, entry)?;
        let Payload::LearningSummary(summary) = &said.payload else {
            return Err(RecountError::Record("kind"));
        };
        if self.node.as_ref() != Some(&said.node) {
            self.next();
            self.node = Some(said.node.clone());
        }
        let standard = Standard::of(said.standard);
        let standard = standard.ok_or(RecountError::Standard(said.standard))?;
        let months = self.months.entry(standard.version()).or_default();
        let last = months.last();
        let due = last.and_then(|month| month.period.next());
        let period = said.period.filter(|p| due.is_none_or(|due| due == *p));
        let period = period.ok_or(RecountError::Month)?;
        let previous = last.map(NodeMonth::as_previous);
        summary.check(standard, &lep, previous.as_ref())?;
        let place = (&said.node, &lep, period, said.seq);
        let month = fold(standard, months, place, summary)?.month;
        month.check_margins()?;
        months.push(month);
        Ok(())
    }

    /// The figures of all that was taken.
    #[must_use]
    pub fn end(mut self) -> Figures {
        self.next();
        self.figures
    }

    /// Whether the statement is that of the log's record.
    fn agrees<P>(
        &self,
        said: &Body<P>,
        verified: &Verified,
        entry: &Entry,
    ) -> Result<(), RecountError> {
        for (what, right) in [
            ("digest", verified.pae() == entry.pae),
            ("node", said.node == entry.node),
            ("number", said.seq == entry.seq),
            ("kind", said.kind == entry.kind),
            ("log", said.origin == self.log.name()),
        ] {
            if !right {
                return Err(RecountError::Record(what));
            }
        }
        Ok(())
    }

    /// Adds up the node that was read.
    fn next(&mut self) {
        let months = std::mem::take(&mut self.months).into_values().flatten();
        self.figures = self.figures.after(Arc::default(), months);
    }
}
