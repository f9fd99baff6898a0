//! What the log would refuse is refused here, before it has a number: a statement that the log does not take holds up
//! everything behind it.

use ldsp_protocol::ids::{Gss, NodeSlug, Period};
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::revision::{Correction, Withdrawal};
use ldsp_protocol::rollup::{Change, FoldError, NodeMonth, Revision, fold, revise};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

use super::{RevisionError, body};
use crate::seal::QueueError;
use crate::store::outbox::{self, OutboxRow};
use crate::store::{StoreError, enrolment, overview};

/// Whether the stream of `standard` adds up once statement `target`, a withdrawn month, is published again with `summary`: that month and
/// every later one that counts again with it. Later months were checked by themselves only while it was away.
///
/// # Errors
/// [`RevisionError::LaterMonth`], [`RevisionError::Unfit`].
pub(super) async fn comes_back(
    connection: &mut SqliteConnection,
    standard: &'static Standard,
    target: u64,
    summary: &LearningSummary,
) -> Result<(), RevisionError> {
    let place = enrolment::read(&mut *connection).await?;
    let lep = enrolment::lep(&mut *connection).await?;
    let (place, lep) = place.zip(lep).ok_or(QueueError::NotEnrolled)?;
    let head = outbox::head(&mut *connection).await?.seq;
    let mut stream = Stream {
        standard,
        node: &place.node,
        lep: &lep,
        months: Vec::new(),
    };
    for seq in 1..=head {
        let row = outbox::of(&mut *connection, seq).await?;
        let row = row.ok_or_else(|| damaged(seq))?;
        // Behind a month whose content is lost nothing counts any more.
        if row.kind == Kind::LearningSummary && row.envelope.is_empty() {
            break;
        }
        stream.take(&row)?;
    }
    let Some(at) = stream.place_of(target) else {
        return Ok(());
    };
    let change = Change::Reissue {
        seq: head + 1,
        published: summary.cells().collect(),
    };
    let refused = |period, why: String| stream.refused(target, period, why);
    let revision = revise(&stream.months, at, change);
    let revision = revision.map_err(|(period, error)| refused(period, error.to_string()))?;
    for month in revision.months.iter().filter(|m| m.counts()) {
        let checked = month.check_margins();
        checked.map_err(|error| refused(month.period, error.to_string()))?;
    }
    Ok(())
}

/// The months under one standard as the log has them after each statement.
struct Stream<'a> {
    standard: &'static Standard,
    node: &'a NodeSlug,
    lep: &'a Gss,
    months: Vec<NodeMonth>,
}

impl Stream<'_> {
    fn place_of(&self, seq: u64) -> Option<usize> {
        self.months.iter().position(|month| month.seq == seq)
    }

    fn refused(&self, target: u64, period: Period, why: String) -> RevisionError {
        match self.months.iter().find(|month| month.period == period) {
            Some(month) if month.seq != target => RevisionError::LaterMonth {
                seq: month.seq,
                period,
                why,
            },
            _ => RevisionError::Unfit(why),
        }
    }

    /// Takes the next statement, of whatever kind.
    fn take(&mut self, row: &OutboxRow) -> Result<(), RevisionError> {
        // What is gone was withdrawn, and what it said of a month is that month's withdrawal.
        if row.envelope.is_empty() {
            return Ok(());
        }
        let damaged = || damaged(row.seq);
        match row.kind {
            Kind::LearningSummary => {
                let said = body::<LearningSummary>(row).ok_or_else(damaged)?;
                if said.standard == self.standard.digest() {
                    let period = said.period.ok_or_else(damaged)?;
                    let place = (self.node, self.lep, period, row.seq);
                    let folded = fold(self.standard, &self.months, place, &said.payload);
                    let folded = folded.map_err(|e| self.refused(0, period, e.to_string()))?;
                    self.months.push(folded.month);
                }
            }
            Kind::Withdrawal => {
                let said = body::<Withdrawal>(row).ok_or_else(damaged)?;
                if let Some(at) = self.place_of(said.payload.statement.seq) {
                    self.revised(revise(&self.months, at, Change::Withdraw))?;
                }
            }
            Kind::Correction => {
                let said = body::<Correction>(row).ok_or_else(damaged)?;
                if let Some(at) = self.place_of(said.payload.supersedes.seq) {
                    let change = Change::Reissue {
                        seq: row.seq,
                        published: said.payload.summary.cells().collect(),
                    };
                    self.revised(revise(&self.months, at, change))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn revised(
        &mut self,
        revision: Result<Revision, (Period, FoldError)>,
    ) -> Result<(), RevisionError> {
        let revision = revision.map_err(|(period, e)| self.refused(0, period, e.to_string()))?;
        for month in revision.months {
            if let Some(kept) = self.months.iter_mut().find(|m| m.period == month.period) {
                *kept = month;
            }
        }
        Ok(())
    }
}

/// Whether a practice entry may go: one that replaced a standing entry and was itself replaced by one may not, because the older
/// would come back beside the newer.
///
/// # Errors
/// [`RevisionError::Between`].
pub(super) async fn not_between(
    connection: &mut SqliteConnection,
    row: &OutboxRow,
) -> Result<(), RevisionError> {
    let said = body::<PracticeEntry>(row).ok_or_else(|| damaged(row.seq))?;
    let Some(replaced) = said.payload.supersedes else {
        return Ok(());
    };
    let head = outbox::head(&mut *connection).await?.seq;
    let (mut older, mut newer) = (None, None);
    for seq in 1..=head {
        let standing = overview::statement(&mut *connection, seq).await?;
        let stands =
            |s: &overview::StatementRow| s.kind == Kind::PracticeEntry && s.withdrawn_by.is_none();
        let Some(standing) = standing.filter(stands) else {
            continue;
        };
        if standing.pae == replaced {
            older = Some(seq);
        }
        let other = outbox::of(&mut *connection, seq).await?;
        let other = other.and_then(|other| body::<PracticeEntry>(&other));
        let other = other.ok_or_else(|| damaged(seq))?;
        if other.payload.supersedes == Some(row.pae) {
            newer = Some(seq);
        }
    }
    match older.zip(newer) {
        Some((older, newer)) => Err(RevisionError::Between {
            seq: row.seq,
            older,
            newer,
        }),
        None => Ok(()),
    }
}

fn damaged(seq: u64) -> StoreError {
    StoreError::Corrupt {
        table: "outbox",
        column: "envelope",
        row: seq.to_string(),
    }
}
