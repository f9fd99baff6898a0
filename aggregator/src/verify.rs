//! Verify: bytes -> [`Authentic`] (who signed it, and for which place) -> [`VerifiedStatement`]
//! (everything that a receiver can check without a learner's data). Pure; only this stage makes
//! either type. A statement that stands at a place already logged stops at the first: it is
//! compared, not checked again.

use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::dsse::{EnvelopeError, Unverified};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::practice::{Area, PracticeEntry};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::questionnaire::Answers;
use ldsp_protocol::revision::{Correction, Named, RevisionError, Withdrawal, cells_digest};
use ldsp_protocol::rollup::{self, Change, NodeMonth, Revision, revise};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload, Statement};
use ldsp_protocol::summary::LearningSummary;

use crate::needs::Said;
use crate::questionnaires::Asked;
use crate::store::{Effect, LoggedStatement, NewStatement, Node, Revised, RevisedMonth};
use crate::time::{has_ended, london_day};

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

/// What is logged of the statement that a withdrawal or a correction names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its leaf.
    pub index: u64,
    /// Identity.
    pub pae: Digest,
    /// What it is about.
    pub kind: Kind,
    /// Leaf of its withdrawal.
    pub withdrawn: Option<u64>,
    /// Of a practice entry between two others: number of the entry that it replaced, which would stand again beside the one that
    /// replaced it.
    pub between: Option<u64>,
}

impl From<&LoggedStatement> for Target {
    fn from(statement: &LoggedStatement) -> Self {
        Self {
            index: statement.index,
            pae: statement.pae,
            kind: statement.kind,
            withdrawn: statement.withdrawn,
            between: None,
        }
    }
}

/// What a statement is checked against: its own node's, and what the log asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The stream's history: the node's months under the statement's standard, in order, with what was published.
    pub history: &'a [NodeMonth],
    /// The statement that this one names, if there is one.
    pub target: Option<Target>,
    /// The questionnaire of the log that answers name, if it stands there.
    pub asked: Option<&'a Asked>,
    /// The day of the node's last statement of the same kind of needs.
    pub published: Option<Date>,
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
            _ => Vec::new(),
        }
    }

    /// Digest of the published cells of a summary or a correction.
    #[must_use]
    pub fn cells(&self) -> Option<Digest> {
        match &self.statement.payload {
            Payload::LearningSummary(summary) => Some(summary.cells_digest()),
            Payload::Correction(correction) => Some(correction.summary.cells_digest()),
            Payload::PracticeEntry(_)
            | Payload::Withdrawal(_)
            | Payload::QuestionnaireAnswers(_)
            | Payload::DemandSummary(_)
            | Payload::ProvisionSummary(_) => None,
        }
    }

    /// The place of the node's statement that a withdrawal or a correction names.
    #[must_use]
    pub fn named(&self) -> Option<u64> {
        match &self.statement.payload {
            Payload::Withdrawal(withdrawal) => Some(withdrawal.statement.seq),
            Payload::Correction(correction) => Some(correction.supersedes.seq),
            Payload::LearningSummary(_)
            | Payload::PracticeEntry(_)
            | Payload::QuestionnaireAnswers(_)
            | Payload::DemandSummary(_)
            | Payload::ProvisionSummary(_) => None,
        }
    }

    /// Digest of the questionnaire's statement that answers name.
    #[must_use]
    pub fn answered(&self) -> Option<Digest> {
        match &self.statement.payload {
            Payload::QuestionnaireAnswers(answers) => Some(answers.questionnaire),
            _ => None,
        }
    }

    /// The needs that it publishes.
    #[must_use]
    pub fn needs(&self) -> Option<Said<'_>> {
        match &self.statement.payload {
            Payload::DemandSummary(demand) => Some(Said::Demand(demand)),
            Payload::ProvisionSummary(provision) => Some(Said::Provision(provision)),
            _ => None,
        }
    }

    /// The standard that it follows, if this program knows it.
    #[must_use]
    pub fn standard(&self) -> Option<&'static Standard> {
        Standard::of(self.statement.standard)
    }

    /// Checks place, standard and payload against what is known of the node.
    ///
    /// # Errors
    /// Problems `key-revoked`, `gap`, `chain`, `standard`, `period`, `summary`, `practice`, `withdrawal`, `correction`,
    /// `redraw`, `answers`, `needs`.
    pub fn accept(self, known: Known<'_>, now: Timestamp) -> Result<VerifiedStatement, Problem> {
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
                self.check_summary(summary, standard, known.history, now)?
            }
            Payload::PracticeEntry(entry) => {
                self.check_entry(entry)?;
                Effect::Practice(entry.clone())
            }
            Payload::Withdrawal(withdrawal) => {
                self.check_withdrawal(withdrawal, standard, known)?
            }
            Payload::Correction(correction) => {
                self.check_correction(correction, standard, known)?
            }
            Payload::QuestionnaireAnswers(answers) => self.check_answers(answers, known.asked)?,
            Payload::DemandSummary(demand) => {
                self.check_needs(Said::Demand(demand), standard, known.published, now)?
            }
            Payload::ProvisionSummary(provision) => {
                self.check_needs(Said::Provision(provision), standard, known.published, now)?
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
        // Behind a withdrawn month there are no sums to check; they are when it is published again.
        if fold.month.counts() {
            fold.month
                .check_margins()
                .map_err(|e| Problem::summary(&e))?;
        }
        Ok(Effect::Summary(Box::new(fold)))
    }

    fn check_withdrawal(
        &self,
        withdrawal: &Withdrawal,
        standard: &'static Standard,
        known: Known<'_>,
    ) -> Result<Effect, Problem> {
        let refuse = |detail: String| Problem::new(problem::WITHDRAWAL, detail);
        withdrawal
            .check(self.seq())
            .map_err(|e| refuse(sentence(&e.to_string())))?;
        let (named, target) = named(withdrawal.statement, known).map_err(refuse)?;
        if let Some(leaf) = target.withdrawn {
            return Err(refuse(format!(
                "Statement {named} was withdrawn by statement {leaf} of the log already."
            )));
        }
        let month = match target.kind {
            Kind::PracticeEntry if withdrawal.cells.is_none() => {
                if let Some(older) = target.between {
                    return Err(refuse(format!(
                        "Statement {named} replaced statement {older} and was replaced itself: without it statement {older} would stand again beside its newest version. Withdraw statement {older} first."
                    )));
                }
                None
            }
            Kind::PracticeEntry => {
                return Err(refuse("A practice entry has no cells.".to_owned()));
            }
            Kind::LearningSummary | Kind::Correction => {
                Some(withdrawn_month(withdrawal, standard, known.history).map_err(refuse)?)
            }
            other => {
                return Err(refuse(format!(
                    "Statement {named} is of the kind {}, which stays.",
                    other.as_str()
                )));
            }
        };
        Ok(Effect::Revision(Box::new(Revised {
            target: target.index,
            reason: withdrawal.reason.clone(),
            month,
        })))
    }

    fn check_correction(
        &self,
        correction: &Correction,
        standard: &'static Standard,
        known: Known<'_>,
    ) -> Result<Effect, Problem> {
        let refuse = |detail: String| Problem::new(problem::CORRECTION, detail);
        correction
            .check(self.seq())
            .map_err(|e| refuse(sentence(&e.to_string())))?;
        let (named, target) = named(correction.supersedes, known).map_err(refuse)?;
        if target.kind == Kind::PracticeEntry {
            return Err(refuse(format!(
                "Statement {named} is a practice entry. Its newer version is an entry that supersedes it, not a correction."
            )));
        }
        if target.withdrawn.is_none() {
            return Err(refuse(format!(
                "Statement {named} is not withdrawn. Withdraw it first."
            )));
        }
        let at = place_of(named, known.history).map_err(refuse)?;
        let month = &known.history[at];
        let revision = self.check_again(correction, standard, (known.history, at))?;
        Ok(Effect::Revision(Box::new(Revised {
            target: target.index,
            reason: correction.reason.clone(),
            month: Some(RevisedMonth {
                standard,
                period: month.period,
                cells: correction.summary.cells_digest(),
                revision,
            }),
        })))
    }

    /// Holds a summary to the place of the withdrawn month `at` of its stream and to the cells that it had.
    fn check_again(
        &self,
        correction: &Correction,
        standard: &'static Standard,
        (history, at): (&[NodeMonth], usize),
    ) -> Result<Revision, Problem> {
        let (month, summary) = (&history[at], &correction.summary);
        let noise = &summary.noise;
        for (what, same) in [
            ("month", self.statement.period == Some(month.period)),
            ("epoch", noise.epoch == month.epoch),
            ("month of the epoch", noise.month == month.span.month),
            ("rho", noise.rho_micro == month.span.rho_micro),
            ("list of accepted pledges", summary.pledges == month.pledges),
        ] {
            if !same {
                let detail = format!("The {what} is not that of the withdrawn summary.");
                return Err(Problem::new(problem::CORRECTION, detail));
            }
        }
        let previous = at
            .checked_sub(1)
            .map(|before| history[before].as_previous());
        summary
            .check(standard, &self.node.lep, previous.as_ref())
            .map_err(|e| Problem::summary(&e))?;
        let drawn = month.drawn.filter(|_| month.is_withdrawn());
        correction
            .check_cells(drawn.unwrap_or(Digest::ZERO))
            .map_err(|e| Problem::new(problem::REDRAW, redraw(&e, month.period)))?;
        let change = Change::Reissue {
            seq: self.statement.seq,
            published: summary.cells().collect(),
        };
        let revision = revise(history, at, change).map_err(|(period, e)| Problem {
            table: Some(e.table.clone()),
            cell: Some(e.cell),
            ..Problem::new(problem::SUMMARY, format!("Rule for {period}: {e}."))
        })?;
        for month in revision.months.iter().filter(|m| m.counts()) {
            month.check_margins().map_err(|e| {
                let problem = Problem::summary(&e);
                let detail = format!("Of {}: {}", month.period, problem.detail);
                Problem { detail, ..problem }
            })?;
        }
        Ok(revision)
    }

    /// Holds answers to the questionnaire that they name, whether or not a newer version took its place, and whenever they come.
    fn check_answers(&self, answers: &Answers, asked: Option<&Asked>) -> Result<Effect, Problem> {
        let refuse = |detail: String| Problem::new(problem::ANSWERS, detail);
        let asked = asked.ok_or_else(|| {
            refuse(format!(
                "No questionnaire of this log has the digest {}.",
                answers.questionnaire
            ))
        })?;
        let questionnaire = &asked.questionnaire;
        let (name, version) = (&questionnaire.name, questionnaire.version);
        if !questionnaire.asks(&self.node.lep) {
            let lep = &self.node.lep;
            return Err(refuse(format!(
                "Version {version} of the questionnaire {name} does not ask {lep}."
            )));
        }
        answers.check(questionnaire).map_err(|e| {
            refuse(format!(
                "Version {version} of the questionnaire {name}: {e}."
            ))
        })?;
        Ok(Effect::None)
    }

    fn check_needs(
        &self,
        said: Said<'_>,
        standard: &Standard,
        published: Option<Date>,
        now: Timestamp,
    ) -> Result<Effect, Problem> {
        let checked = said.check(&self.node.lep, standard, published, london_day(now));
        checked.map_err(|why| Problem::new(problem::NEEDS, why))?;
        Ok(Effect::None)
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

/// What is logged of the statement that another one names, with its place; else why there is nothing.
fn named(named: Named, known: Known<'_>) -> Result<(u64, Target), String> {
    match known.target {
        None => Err(format!(
            "The node has published no statement {}.",
            named.seq
        )),
        Some(target) if target.pae != named.pae => Err(format!(
            "Statement {} of the node has digest {}, the one that is named another.",
            named.seq, target.pae
        )),
        Some(target) => Ok((named.seq, target)),
    }
}

/// The month of a stream that statement `seq` brought last.
fn place_of(seq: u64, history: &[NodeMonth]) -> Result<usize, String> {
    let at = history.iter().position(|m| m.seq == seq);
    at.ok_or_else(|| {
        format!(
            "Statement {seq} is not what the node last published of a month under the data standard that is named here."
        )
    })
}

/// What the withdrawal of a summary takes out of its stream.
fn withdrawn_month(
    withdrawal: &Withdrawal,
    standard: &'static Standard,
    history: &[NodeMonth],
) -> Result<RevisedMonth, String> {
    let at = place_of(withdrawal.statement.seq, history)?;
    let month = &history[at];
    // fsck receives withdrawals again whose cells are gone: there they are known by their digest alone.
    let cells = match month.drawn {
        Some(drawn) if month.is_withdrawn() => drawn,
        _ => cells_digest(&month.published),
    };
    if withdrawal.cells != Some(cells) {
        return Err(format!(
            "`cells` is not the digest of the cells of {}, {cells}.",
            month.period
        ));
    }
    let revision = revise(history, at, Change::Withdraw)
        .map_err(|(period, e)| format!("Rule for {period}: {e}."))?;
    Ok(RevisedMonth {
        standard,
        period: month.period,
        cells,
        revision,
    })
}

fn redraw(error: &RevisionError, period: Period) -> String {
    format!("The correction of {period}: {error}.")
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
    /// What the log's writer takes.
    #[must_use]
    pub fn into_new(self) -> NewStatement {
        self.0
    }
}
