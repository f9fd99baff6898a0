//! Figures counted again from the statements that they stand on.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::benchmark::Figures;
use crate::dsse::{EnvelopeError, Unverified, Verified};
use crate::ids::{Digest, Gss, NodeSlug, Period};
use crate::log::Entry;
use crate::note::Verifier;
use crate::own::{Keys, KeysError, Own, OwnStatement, PayloadError};
use crate::revision::RevisionError;
use crate::rollup::{FoldError, NodeMonth, fold};
use crate::standard::Standard;
use crate::statement::{Body, Kind, Payload, Statement, StatementError};
use crate::summary::{LearningSummary, SummaryError};

/// A statement from which figures cannot be counted again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}, statement {seq} of {node}: {cause}")]
pub struct RecountError {
    /// Place in the log.
    pub index: u64,
    /// Who signed it.
    pub node: NodeSlug,
    /// Place in the signer's sequence.
    pub seq: u64,
    /// Why.
    pub cause: RecountCause,
}

/// Why figures cannot be counted again from a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RecountCause {
    #[error("it is not there, and without it the figures cannot be counted again")]
    Gone,
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("the statement is not the one that the log's record names ({0})")]
    Record(&'static str),
    #[error("its node has no key that counts there")]
    Key,
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("it follows the data standard {0}, which this version does not know")]
    Standard(Digest),
    #[error("it is not the month after the node's last")]
    Month,
    #[error("it names a statement that is not the one in that place, or that was not withdrawn")]
    Named,
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error(transparent)]
    Summary(#[from] SummaryError),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

impl RecountError {
    fn new(index: u64, entry: &Entry, cause: RecountCause) -> Self {
        Self {
            index,
            node: entry.node.clone(),
            seq: entry.seq,
            cause,
        }
    }
}

/// A statement of the node at hand; its payload is `None` where it is gone.
type Held = (u64, Entry, Option<Statement>);

/// Counts again: first all key events in their order, then the statements that count, one node after the other, each node's in
/// their order. It believes the log's key and nothing else: every signature and every rule of a summary is checked on the way.
///
/// In memory are the statements of one node, and of all others what [`Figures`] holds.
#[derive(Debug)]
pub struct Recount<'a> {
    log: &'a Verifier,
    keys: Keys,
    added: BTreeMap<(NodeSlug, Digest), (Gss, VerifyingKey)>,
    figures: Figures,
    node: Vec<Held>,
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
            node: Vec::new(),
        }
    }

    /// Takes the key event in `envelope`, of which `entry` is the log's record at `index`.
    ///
    /// # Errors
    /// [`RecountError`].
    pub fn key(
        &mut self,
        index: u64,
        entry: &Entry,
        envelope: Option<&[u8]>,
    ) -> Result<Own, RecountError> {
        self.event(index, entry, envelope)
            .map_err(|cause| RecountError::new(index, entry, cause))
    }

    fn event(
        &mut self,
        index: u64,
        entry: &Entry,
        envelope: Option<&[u8]>,
    ) -> Result<Own, RecountCause> {
        let envelope = envelope.ok_or(RecountCause::Gone)?;
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

    /// Takes a summary, a withdrawal or a correction, of which `entry` is the log's record at `index`; without an envelope where
    /// the statement was withdrawn.
    ///
    /// # Errors
    /// [`RecountError`]; what only the node's other statements tell, when the next node's come or at the [end](Self::end).
    pub fn statement(
        &mut self,
        index: u64,
        entry: &Entry,
        envelope: Option<&[u8]>,
    ) -> Result<(), RecountError> {
        let other = |(_, held, _): &Held| held.node != entry.node;
        if self.node.first().is_some_and(other) {
            self.next()?;
        }
        let said = envelope.map(|envelope| self.read(index, entry, envelope));
        let said = said.transpose();
        let said = said.map_err(|cause| RecountError::new(index, entry, cause))?;
        self.node.push((index, entry.clone(), said));
        Ok(())
    }

    fn read(&self, index: u64, entry: &Entry, envelope: &[u8]) -> Result<Statement, RecountCause> {
        let signer = (entry.node.clone(), entry.key_id);
        let (_, key) = self.added.get(&signer).ok_or(RecountCause::Key)?;
        if !self.keys.count(&entry.node, entry.key_id, index) {
            return Err(RecountCause::Key);
        }
        let verified = Unverified::parse(envelope)?.verify(key)?;
        let said = Statement::read(&verified)?;
        self.agrees(&said, &verified, entry)?;
        Ok(said)
    }

    /// The figures of all that was taken.
    ///
    /// # Errors
    /// As [`Self::statement`].
    pub fn end(mut self) -> Result<Figures, RecountError> {
        self.next()?;
        Ok(self.figures)
    }

    /// Whether the statement is that of the log's record.
    fn agrees<P>(
        &self,
        said: &Body<P>,
        verified: &Verified,
        entry: &Entry,
    ) -> Result<(), RecountCause> {
        for (what, right) in [
            ("digest", verified.pae() == entry.pae),
            ("node", said.node == entry.node),
            ("number", said.seq == entry.seq),
            ("kind", said.kind == entry.kind),
            ("log", said.origin == self.log.name()),
        ] {
            if !right {
                return Err(RecountCause::Record(what));
            }
        }
        Ok(())
    }

    /// Adds up the node whose statements were taken.
    fn next(&mut self) -> Result<(), RecountError> {
        let held = std::mem::take(&mut self.node);
        let withdrawn = withdrawn(&held)?;
        let mut months = Vec::new();
        for stream in streams(&held, &withdrawn)?.into_values() {
            months.extend(self.fold(&stream, !withdrawn.is_empty())?);
        }
        self.figures = self.figures.after(Arc::default(), months);
        let signer = held.first();
        let signer = signer.map(|(_, entry, _)| (entry.node.clone(), entry.key_id));
        if let Some((lep, _)) = signer.and_then(|signer| self.added.get(&signer)) {
            for standard in cut_off(&held) {
                self.figures = self.figures.cut_off(lep, standard);
            }
        }
        Ok(())
    }

    /// The months of a stream up to the first that is withdrawn.
    fn fold(
        &self,
        stream: &[Published<'_>],
        has_gaps: bool,
    ) -> Result<Vec<NodeMonth>, RecountError> {
        let mut months: Vec<NodeMonth> = Vec::new();
        for published in stream {
            let (index, entry) = published.place;
            let refused = |cause| RecountError::new(index, entry, cause);
            if !published.follows(months.last()) {
                // Only a withdrawal leaves a gap, and the figures end there.
                if has_gaps {
                    break;
                }
                return Err(refused(RecountCause::Month));
            }
            let month = self.month(&months, published).map_err(refused)?;
            months.push(month);
        }
        Ok(months)
    }

    fn month(
        &self,
        months: &[NodeMonth],
        published: &Published<'_>,
    ) -> Result<NodeMonth, RecountCause> {
        let (_, entry) = published.place;
        let signer = (entry.node.clone(), entry.key_id);
        let (lep, _) = self.added.get(&signer).ok_or(RecountCause::Key)?;
        let previous = months.last().map(NodeMonth::as_previous);
        let (standard, summary) = (published.standard, published.summary);
        summary.check(standard, lep, previous.as_ref())?;
        let place = (&entry.node, lep, published.period, entry.seq);
        let month = fold(standard, months, place, summary)?.month;
        month.check_margins()?;
        Ok(month)
    }
}

/// A month that stands published.
struct Published<'a> {
    place: (u64, &'a Entry),
    standard: &'static Standard,
    period: Period,
    summary: &'a LearningSummary,
}

impl Published<'_> {
    /// Whether it is the month after `last`, or the first of its stream.
    fn follows(&self, last: Option<&NodeMonth>) -> bool {
        match last {
            Some(last) => last.period.next() == Some(self.period),
            None => (self.summary.noise.epoch, self.summary.noise.month) == (1, 1),
        }
    }
}

/// What a node withdrew: numbers of statements with the digest of the cells that are gone.
fn withdrawn(held: &[Held]) -> Result<BTreeMap<u64, Option<Digest>>, RecountError> {
    let mut withdrawn = BTreeMap::new();
    let mut by_number: BTreeMap<u64, Vec<Digest>> = BTreeMap::new();
    for (_, entry, _) in held {
        by_number.entry(entry.seq).or_default().push(entry.pae);
    }
    for (index, entry, said) in held {
        let Some(Payload::Withdrawal(withdrawal)) = said.as_ref().map(|s| &s.payload) else {
            continue;
        };
        let refused = |cause| RecountError::new(*index, entry, cause);
        let named = withdrawal.statement;
        withdrawal.check(entry.seq).map_err(|e| refused(e.into()))?;
        let there = by_number.get(&named.seq);
        if there.is_some_and(|there| there.iter().any(|pae| *pae != named.pae)) {
            return Err(refused(RecountCause::Named));
        }
        withdrawn.insert(named.seq, withdrawal.cells);
    }
    let missing = |(_, entry, said): &&Held| said.is_none() && !withdrawn.contains_key(&entry.seq);
    match held.iter().find(missing) {
        Some((index, entry, _)) => Err(RecountError::new(*index, entry, RecountCause::Gone)),
        None => Ok(withdrawn),
    }
}

/// Standards under which a month is withdrawn and not published again: each correction brings back what one withdrawal took, and is gone
/// itself where a later withdrawal names it.
fn cut_off(held: &[Held]) -> impl Iterator<Item = &'static Standard> {
    let mut open: BTreeMap<Digest, i64> = BTreeMap::new();
    for (_, _, said) in held {
        let Some(said) = said else { continue };
        match &said.payload {
            Payload::Withdrawal(withdrawal) if withdrawal.cells.is_some() => {
                let named = withdrawal.statement.seq;
                let again = |(_, of, _): &&Held| of.seq == named && of.kind == Kind::Correction;
                // What it takes, a correction had brought back.
                let was_closed = held.iter().any(|held| again(&held));
                *open.entry(said.standard).or_default() += i64::from(!was_closed);
            }
            Payload::Correction(_) => *open.entry(said.standard).or_default() -= 1,
            _ => {}
        }
    }
    let open = open.into_iter().filter(|(_, open)| *open > 0);
    open.filter_map(|(standard, _)| Standard::of(standard))
}

/// The months that stand published, by the version of their standard, each stream's in order.
fn streams<'a>(
    held: &'a [Held],
    withdrawn: &BTreeMap<u64, Option<Digest>>,
) -> Result<BTreeMap<u32, Vec<Published<'a>>>, RecountError> {
    let mut streams: BTreeMap<u32, Vec<Published<'a>>> = BTreeMap::new();
    for (index, entry, said) in held {
        let Some(said) = said
            .as_ref()
            .filter(|_| !withdrawn.contains_key(&entry.seq))
        else {
            continue;
        };
        let refused = |cause| RecountError::new(*index, entry, cause);
        let summary = match &said.payload {
            Payload::LearningSummary(summary) => summary,
            Payload::Correction(correction) => {
                let cells = withdrawn.get(&correction.supersedes.seq).copied().flatten();
                let cells = cells.ok_or_else(|| refused(RecountCause::Named))?;
                let checked = correction.check(entry.seq);
                checked
                    .and_then(|()| correction.check_cells(cells))
                    .map_err(|e| refused(e.into()))?;
                &correction.summary
            }
            Payload::Withdrawal(_)
            | Payload::PracticeEntry(_)
            | Payload::QuestionnaireAnswers(_)
            | Payload::DemandSummary(_)
            | Payload::ProvisionSummary(_) => {
                continue;
            }
        };
        let standard = Standard::of(said.standard);
        let standard = standard.ok_or_else(|| refused(RecountCause::Standard(said.standard)))?;
        let period = said.period.ok_or_else(|| refused(RecountCause::Month))?;
        let stream = streams.entry(standard.version()).or_default();
        stream.push(Published {
            place: (*index, entry),
            standard,
            period,
            summary,
        });
    }
    // Without a withdrawal months come in order; a correction comes late.
    if !withdrawn.is_empty() {
        let all = streams.values_mut();
        all.for_each(|stream| stream.sort_by_key(|p| p.period));
    }
    Ok(streams)
}
