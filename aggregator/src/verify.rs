//! Verify: bytes -> [`Authentic`] (who signed it, and for which place) -> [`VerifiedStatement`]
//! (everything that a receiver can check without a learner's data). Pure; only this stage makes
//! either type. A statement that stands at a place already logged stops at the first: it is
//! compared, not checked again.

use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use ldsp_protocol::dsse::{EnvelopeError, Unverified};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::practice::{Area, PracticeEntry};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::rollup::{self, NodeMonth};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload, Statement};
use ldsp_protocol::summary::LearningSummary;

use crate::store::{Effect, NewStatement, Node};
use crate::time::has_ended;

/// Where a statement was sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The node in the address.
    pub node: NodeSlug,
    /// The sequence number in the address.
    pub seq: u64,
}

/// A statement that its node signed for this log and this place.
#[derive(Debug, Clone)]
pub struct Authentic {
    statement: Statement,
    key_id: Digest,
    pae: Digest,
    envelope: Vec<u8>,
    node: Node,
}

/// A statement that may be logged next.
#[derive(Debug, Clone)]
pub struct VerifiedStatement(NewStatement);

/// Parses an envelope without believing it.
///
/// # Errors
/// Problems `too-large`, `envelope`.
pub fn parse(bytes: &[u8]) -> Result<Unverified, Problem> {
    Unverified::parse(bytes).map_err(|e| envelope_problem(&e))
}

/// The one key with which the node signs.
///
/// # Errors
/// Problem `not-active`.
pub fn approved_key(node: &Node) -> Result<VerifyingKey, Problem> {
    let key = node.key.filter(|_| node.state.is_approved());
    key.ok_or_else(|| {
        let detail = format!("{} has no approved key.", node.node);
        Problem::new(problem::NOT_ACTIVE, detail)
    })
}

/// What an envelope's refusal looks like from outside.
#[must_use]
pub fn envelope_problem(error: &EnvelopeError) -> Problem {
    let kind = match error {
        EnvelopeError::TooLarge => problem::TOO_LARGE,
        EnvelopeError::Form(_) | EnvelopeError::Signatures(_) => problem::ENVELOPE,
        EnvelopeError::UnknownKey => problem::UNKNOWN_KEY,
        EnvelopeError::Signature => problem::SIGNATURE,
    };
    Problem::new(kind, sentence(&error.to_string()))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

impl Authentic {
    /// Verifies strictly with the node's one key, reads the statement and compares it with the
    /// address and the log.
    ///
    /// # Errors
    /// Problems `not-active`, `unknown-key`, `signature`, `statement`, `misdirected`. A key that was revoked still says who
    /// signed: what it signed before may be asked for again ([`Self::accept`] takes nothing new of it).
    pub fn new(
        unverified: Unverified,
        address: &Address,
        node: Node,
        origin: &str,
    ) -> Result<Self, Problem> {
        let key = approved_key(&node)?;
        let verified = unverified.verify(&key).map_err(|e| envelope_problem(&e))?;
        let statement = Statement::read(&verified)
            .map_err(|e| Problem::new(problem::STATEMENT, sentence(&e.to_string())))?;
        let misdirected = |what: &str, stated: &dyn std::fmt::Display| {
            let detail = format!("The body names {what} {stated}, the address another.");
            Err(Problem::new(problem::MISDIRECTED, detail))
        };
        if statement.origin != origin {
            let stated: String = statement.origin.chars().take(100).collect();
            return misdirected("the log", &stated);
        }
        if statement.node != address.node {
            return misdirected("the node", &statement.node);
        }
        if statement.seq != address.seq {
            return misdirected("sequence number", &statement.seq);
        }
        Ok(Self {
            key_id: key_id(&key),
            pae: verified.pae(),
            envelope: verified.envelope().to_vec(),
            statement,
            node,
        })
    }

    /// Identity.
    #[must_use]
    pub fn pae(&self) -> Digest {
        self.pae
    }

    /// The key that signed.
    #[must_use]
    pub fn key_id(&self) -> Digest {
        self.key_id
    }

    /// Exact envelope bytes.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// Who signed, as it stood at look-up.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Place in the node's own sequence.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.statement.seq
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.statement.kind
    }

    /// Whether its place was free when the node was looked up.
    #[must_use]
    pub fn is_beyond_head(&self) -> bool {
        self.statement.seq > self.node.head.seq
    }

    /// Digests of the statements whose cells a practice entry cites.
    #[must_use]
    pub fn cited(&self) -> Vec<Digest> {
        match &self.statement.payload {
            Payload::PracticeEntry(entry) => entry.evidence.iter().map(|e| e.statement).collect(),
            Payload::LearningSummary(_) => Vec::new(),
        }
    }

    /// The standard that it follows, if this program knows it.
    #[must_use]
    pub fn standard(&self) -> Option<&'static Standard> {
        Standard::of(self.statement.standard)
    }

    /// Checks place, standard and payload against the stream's history: the node's months under the statement's standard,
    /// in order.
    ///
    /// # Errors
    /// Problems `key-revoked`, `gap`, `chain`, `standard`, `period`, `summary`, `practice`.
    pub fn accept(
        self,
        history: &[NodeMonth],
        now: Timestamp,
    ) -> Result<VerifiedStatement, Problem> {
        // By the log's order as it stands now; the writer compares again when the statement's turn comes.
        if let Some(from) = self.node.revoked {
            return Err(revoked(from));
        }
        let head = self.node.head;
        if self.statement.seq > head.seq + 1 {
            return Err(Problem::gap(head.seq + 1, self.statement.seq));
        }
        if self.statement.prev != head.pae {
            return Err(chain(head.seq));
        }
        let Some(standard) = self.standard() else {
            let known: Vec<String> = Standard::all()
                .iter()
                .map(|s| s.digest().to_string())
                .collect();
            let detail = format!(
                "The statement follows {}, this log {}.",
                self.statement.standard,
                known.join(" and ")
            );
            return Err(Problem::new(problem::STANDARD, detail));
        };
        let effect = match &self.statement.payload {
            Payload::LearningSummary(summary) => {
                self.check_summary(summary, standard, history, now)?
            }
            Payload::PracticeEntry(entry) => {
                self.check_entry(entry)?;
                Effect::Practice(entry.clone())
            }
        };
        Ok(VerifiedStatement(NewStatement {
            kind: self.statement.kind,
            period: self.statement.period,
            seq: self.statement.seq,
            prev: self.statement.prev,
            node: self.node.node,
            key_id: self.key_id,
            pae: self.pae,
            envelope: self.envelope,
            received: now,
            effect,
        }))
    }

    fn check_summary(
        &self,
        summary: &LearningSummary,
        standard: &'static Standard,
        history: &[NodeMonth],
        now: Timestamp,
    ) -> Result<Effect, Problem> {
        let last = history.last();
        let period = self
            .statement
            .period
            .ok_or_else(|| Problem::new(problem::STATEMENT, "A summary names its month."))?;
        check_period(period, last.map(|m| m.period), now)?;
        let lep = &self.node.lep;
        let previous = last.map(NodeMonth::as_previous);
        summary
            .check(standard, lep, previous.as_ref())
            .map_err(|e| Problem::summary(&e))?;
        let place = (&self.node.node, lep, period, self.statement.seq);
        let fold = rollup::fold(standard, history, place, summary).map_err(|e| Problem {
            table: Some(e.table.clone()),
            cell: Some(e.cell),
            ..Problem::new(problem::SUMMARY, format!("Rule: {e}."))
        })?;
        fold.month
            .check_margins()
            .map_err(|e| Problem::summary(&e))?;
        Ok(Effect::Summary(Box::new(fold)))
    }

    fn check_entry(&self, entry: &PracticeEntry) -> Result<(), Problem> {
        let mut faults: Vec<String> = entry.check().iter().map(ToString::to_string).collect();
        if let Area::Lep(code) = &entry.area
            && *code != self.node.lep
        {
            faults.push(
                "area: the code is that of another LEP. Name your own, or say what the area is like"
                    .to_owned(),
            );
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Problem::new(problem::PRACTICE, faults.join("; ")))
    }
}

fn check_period(period: Period, last: Option<Period>, now: Timestamp) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(problem::PERIOD, detail));
    if let Some(expected) = last.and_then(Period::next)
        && period != expected
    {
        return refuse(format!(
            "The summary is for {period}; {expected} is the next month of the node's summaries under this standard."
        ));
    }
    if !has_ended(period, now) {
        return refuse(format!("{period} has not ended in London."));
    }
    Ok(())
}

/// The problem of a key that was revoked by the statement at this leaf.
#[must_use]
pub fn revoked(from: u64) -> Problem {
    let detail = format!("Statement {from} of the log revoked the node's key.");
    Problem::new(problem::REVOKED, detail)
}

/// The problem of a broken chain after `seq`.
#[must_use]
pub fn chain(seq: u64) -> Problem {
    let detail = format!("`prev` is not the digest of statement {seq}, the node's last one here.");
    Problem::new(problem::CHAIN, detail)
}

impl VerifiedStatement {
    pub(crate) fn into_new(self) -> NewStatement {
        self.0
    }
}
