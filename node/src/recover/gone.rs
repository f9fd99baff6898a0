//! What can be said of statements that were withdrawn, from the statements around them and from the backup.
//!
//! A month that was published again has the very cells that it had, and with them the whole summary: the body is made once more, and it is the
//! statement if and only if its digest is. Its signature is then the same, too (Ed25519 is deterministic): nothing is signed
//! that was not. Nobody has the content of the others any more.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::accountant::EPOCHS;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::revision::Withdrawal;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind, Payload, SCHEMA, Statement};
use ldsp_protocol::summary::LearningSummary;
use sqlx::sqlite::SqliteConnection;

use super::RecoverError;
use super::fetch::{Gone, Link};
use crate::seal;
use crate::store::enrolment::Enrolment;
use crate::store::ledger::{self, withheld};
use crate::store::outbox::{self, Head};
use crate::store::{StoreError, releases};
use crate::submit::Held;

/// The reason of a correction whose words are gone.
const UNKNOWN: &str = "(withdrawn; not known any more)";

/// A statement that goes back into the outbox.
pub(super) struct Found {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    pub(super) period: Option<Period>,
    pub(super) pae: Digest,
    /// Empty when the content is gone.
    pub(super) envelope: Vec<u8>,
    /// `None` when the content is gone.
    pub(super) statement: Option<Statement>,
    /// The standard that it follows; the withdrawal's when the content is gone.
    pub(super) standard: Digest,
    /// Of a month whose content is gone: where it stands in the ledger.
    pub(super) drawn: Option<Drawn>,
    /// Of what was withdrawn: it is not sent again.
    pub(super) held: Option<Held>,
    /// Of a withdrawal or a correction: the statement that it names and why.
    pub(super) names: Option<(u64, String)>,
}

/// A withdrawal as its month's next correction needs it: its place, what it names, the digest of the cells.
type Withdrawn = (u64, u64, Option<Digest>);

/// Says of every statement what is known of it.
pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    key: &SigningKey,
    place: &Enrolment,
    links: Vec<Link>,
) -> Result<Vec<Found>, RecoverError> {
    let known = summaries(connection, &links).await?;
    let mut withdrawals = withdrawn(connection).await?;
    let mut found: Vec<Found> = Vec::new();
    for link in links {
        let next = match link {
            Link::Given {
                statement,
                pae,
                envelope,
            } => {
                let names = match &statement.payload {
                    Payload::Withdrawal(w) => {
                        withdrawals.push((statement.seq, w.statement.seq, w.cells));
                        Some((w.statement.seq, w.reason.clone()))
                    }
                    Payload::Correction(c) => Some((c.supersedes.seq, c.reason.clone())),
                    _ => None,
                };
                Found {
                    seq: statement.seq,
                    kind: statement.kind,
                    period: statement.period,
                    pae,
                    envelope,
                    standard: statement.standard,
                    statement: Some(statement),
                    drawn: None,
                    held: None,
                    names,
                }
            }
            Link::Gone(gone) => again(key, place, gone, &known, &withdrawals)?,
        };
        found.push(next);
    }
    dated(connection, &mut found).await?;
    Ok(found)
}

/// Summaries of which a withdrawn month may be one: what was published again, and what the backup holds drawn.
async fn summaries(
    connection: &mut SqliteConnection,
    links: &[Link],
) -> Result<Vec<(Period, LearningSummary)>, StoreError> {
    let mut known = Vec::new();
    for link in links {
        if let Link::Given { statement, .. } = link
            && let (Payload::Correction(correction), Some(period)) =
                (&statement.payload, statement.period)
        {
            known.push((period, correction.summary.clone()));
        }
    }
    if let Some(release) = releases::last(connection).await? {
        let read = |part: &releases::Part| serde_json::from_slice(&part.payload).ok();
        let drawn = release.parts.iter().filter_map(read);
        known.extend(drawn.map(|summary| (release.period, summary)));
    }
    Ok(known)
}

/// The withdrawals that the backup holds.
async fn withdrawn(connection: &mut SqliteConnection) -> Result<Vec<Withdrawn>, StoreError> {
    let mut withdrawals = Vec::new();
    for seq in 1..=outbox::head(&mut *connection).await?.seq {
        let row = outbox::of(&mut *connection, seq).await?;
        let Some(row) = row.filter(|row| row.kind == Kind::Withdrawal) else {
            continue;
        };
        let body = Unverified::parse(&row.envelope).ok().and_then(|sealed| {
            serde_json::from_slice::<Body<Withdrawal>>(sealed.unverified_body()).ok()
        });
        let said = body.ok_or_else(|| StoreError::Corrupt {
            table: "outbox",
            column: "envelope",
            row: seq.to_string(),
        })?;
        withdrawals.push((seq, said.payload.statement.seq, said.payload.cells));
    }
    Ok(withdrawals)
}

/// The statement with its bytes, where a known summary gives its digest, else what is left of it.
fn again(
    key: &SigningKey,
    place: &Enrolment,
    gone: Gone,
    known: &[(Period, LearningSummary)],
    withdrawals: &[Withdrawn],
) -> Result<Found, RecoverError> {
    let mut found = Found {
        seq: gone.seq,
        kind: gone.kind,
        period: None,
        pae: gone.pae,
        envelope: Vec::new(),
        statement: None,
        standard: gone.standard.digest(),
        drawn: gone.drawn,
        held: Some(gone.held),
        names: None,
    };
    let same =
        |(_, summary): &&(Period, LearningSummary)| Some(summary.cells_digest()) == gone.cells;
    match gone.kind {
        Kind::Correction => {
            let mut before = withdrawals.iter().rev();
            let of = before.find(|(by, _, cells)| *by < gone.seq && *cells == gone.cells);
            let of = of.ok_or_else(|| RecoverError::Other {
                seq: gone.seq,
                why: "nothing was withdrawn before it that it could stand for".to_owned(),
            })?;
            found.names = Some((of.1, UNKNOWN.to_owned()));
            found.period = known.iter().find(same).map(|(period, _)| *period);
        }
        Kind::LearningSummary => {
            let head = Head {
                seq: gone.seq - 1,
                pae: gone.prev,
            };
            for (period, summary) in known.iter().filter(same) {
                let of = (Some(*period), gone.standard);
                let sealed = seal::seal(key, place, &head, gone.kind, of, summary);
                if sealed.pae() == gone.pae {
                    found.period = Some(*period);
                    found.envelope = sealed.envelope().to_vec();
                    found.statement = Some(Body {
                        schema: SCHEMA,
                        origin: place.origin.clone(),
                        node: place.node.clone(),
                        seq: gone.seq,
                        prev: gone.prev,
                        kind: gone.kind,
                        period: Some(*period),
                        standard: gone.standard.digest(),
                        payload: Payload::LearningSummary(summary.clone()),
                    });
                    break;
                }
            }
        }
        _ => {}
    }
    Ok(found)
}

/// The months of what is gone: those of a standard follow each other without a gap.
async fn dated(connection: &mut SqliteConnection, found: &mut [Found]) -> Result<(), RecoverError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT standard, max(period) FROM release_statements WHERE seq IS NOT NULL GROUP BY standard",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut last: BTreeMap<Digest, Period> = rows
        .into_iter()
        .filter_map(|(version, period)| {
            let standard = Standard::numbered(u32::try_from(version).ok()?)?;
            Some((standard.digest(), ledger::period(period)?))
        })
        .collect();
    for at in 0..found.len() {
        let (before, rest) = found.split_at_mut(at);
        let Some((this, later)) = rest.split_first_mut() else {
            continue;
        };
        match this.kind {
            Kind::LearningSummary => {
                let due = last.get(&this.standard).and_then(|last| last.next());
                let due = due.or_else(|| backwards(this.standard, later));
                let period = this.period.or(due);
                let period = period.ok_or(RecoverError::Month { seq: this.seq })?;
                this.period = Some(period);
                last.insert(this.standard, period);
            }
            Kind::Correction if this.period.is_none() => {
                let target = this.names.as_ref().map(|(target, _)| *target);
                let named = before.iter().find(|f| Some(f.seq) == target);
                this.period = match (named, target) {
                    (Some(named), _) => named.period,
                    (None, Some(target)) => outbox::of(&mut *connection, target)
                        .await?
                        .and_then(|row| row.period),
                    (None, None) => None,
                };
            }
            _ => {}
        }
    }
    Ok(())
}

/// The month of a summary from the next one of its standard that is dated.
fn backwards(standard: Digest, later: &[Found]) -> Option<Period> {
    let months = later
        .iter()
        .filter(|f| f.kind == Kind::LearningSummary && f.standard == standard);
    for (back, month) in (1..).zip(months) {
        if let Some(period) = month.period {
            return period.plus(-back);
        }
    }
    None
}

/// A month that was published and whose content is gone: no release tells of it, so that its ledger counts as lost ([`crate::epoch`]). What
/// this database drew for it was never published, and gives way.
pub(super) async fn month(
    connection: &mut SqliteConnection,
    lost: &Found,
    now: Timestamp,
) -> Result<(), RecoverError> {
    let (Kind::LearningSummary, Some(period)) = (lost.kind, lost.period) else {
        return Ok(());
    };
    // Without it the node would take the month for one of the first epoch, and its next for the first of the second, which the log may
    // hold already: it would refuse that month for ever, and all behind it.
    let possible = |drawn: &Drawn| (1..=EPOCHS).contains(&drawn.epoch) && drawn.month >= 1;
    let drawn = lost.drawn.filter(possible);
    let drawn = drawn.ok_or(RecoverError::Epoch { seq: lost.seq })?;
    withheld::forget(&mut *connection, period).await?;
    if let Some(standard) = Standard::of(lost.standard) {
        super::begun(connection, standard, period, drawn, now.as_second()).await?;
    }
    Ok(())
}
