//! Preparing: count, draw, store, all in one transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ldsp_protocol::accountant::{Admitted, Design, Release};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::{Codebook, Standard};
use sqlx::sqlite::SqliteConnection;

use super::{ReleaseError, check_ledger};
use crate::Entropy;
use crate::account;
use crate::cube::{Move, moves};
use crate::disclosure::{LedgerMonth, protect};
use crate::schedule::london;
use crate::seal::{check_head, check_restored};
use crate::store::releases::{self, StoredRelease};
use crate::store::{Store, audit, enrolment, ledger};

/// Author of what the timed job prepares.
pub const SCHEDULE: &str = "schedule";

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// This month, which must be the next one or one that is prepared already; `None`: whatever is next.
    pub period: Option<Period>,
    /// Where the node's history begins; only before the first release.
    pub first: Option<Period>,
    /// The LEP's own budget in millionths of zCDP rho, at most the standard's; fixed by the first release.
    pub rho_micro: Option<u64>,
}

/// A release that waits for approval, or one that was prepared before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// As stored.
    pub release: StoredRelease,
    /// Whether this call drew it.
    pub drawn: bool,
}

/// Prepares the next release, or gives the one that is there, unchanged.
///
/// One immediate transaction reads the ledger, counts what became known by the month's end, draws the
/// noise, writes ledger, marks and release, and commits. Dropped or killed before the commit, it leaves nothing and
/// nobody has seen the draw; after it, the month is never drawn again. `entropy` gives a fresh
/// generator for the month. `author` is an author of this node or [`SCHEDULE`]. A month that has not ended in London is refused; a quiet month is
/// released like any other.
///
/// # Errors
/// [`ReleaseError`]; nothing was changed.
pub async fn prepare(
    store: &Store,
    request: Request,
    author: &str,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<Prepared, ReleaseError> {
    let mut transaction = store.write().await?;
    let prepared = prepare_in(&mut transaction, request, author, now, entropy).await?;
    transaction.commit().await?;
    Ok(prepared)
}

/// [`prepare`] inside the caller's transaction, which what the caller writes of it shares.
pub(crate) async fn prepare_in(
    connection: &mut SqliteConnection,
    request: Request,
    author: &str,
    now: Timestamp,
    entropy: &Entropy,
) -> Result<Prepared, ReleaseError> {
    let lep = enrolment::lep(&mut *connection)
        .await?
        .ok_or(ReleaseError::NoIdentity)?;
    check_author(&mut *connection, author).await?;
    let codebook = Codebook::new(&lep, &[]);
    let history = ledger::months(&mut *connection, &codebook).await?;
    let last = check_ledger(&mut *connection, &history).await?;
    if let Some(release) = stored(&mut *connection, request, &history).await? {
        return Ok(Prepared {
            release,
            drawn: false,
        });
    }
    check_restored(&mut *connection).await?;
    if let Some(enrolment) = enrolment::read(&mut *connection).await? {
        // A month that the log already has must not be drawn again from an older backup.
        check_head(&mut *connection, &enrolment).await?;
    }
    let period = next_after(&mut *connection, request, &history).await?;
    if !has_ended(period, now) {
        return Err(ReleaseError::NotEnded(period));
    }
    let begun = last.map(|summary| summary.noise.rho_micro);
    let rho_micro = rho(request.rho_micro, begun)?;
    let design = Design::of(Standard::v1(), rho_micro);
    let corrections = corrections(&mut *connection, &codebook, &design).await?;
    let draw = Draw {
        period,
        history: &history,
        admitted: admit(&mut *connection, &design, history.len() + 1, &corrections).await?,
        corrections,
        author,
        now,
    };
    let release = draw.run(connection, &codebook, entropy).await?;
    Ok(Prepared {
        release,
        drawn: true,
    })
}

/// An approver who prepared a month could leave nobody to approve it. Only the timed job is no person: one who bears its name is
/// judged by their role.
async fn check_author(connection: &mut SqliteConnection, author: &str) -> Result<(), ReleaseError> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(author)
        .fetch_optional(connection)
        .await?;
    match role.as_deref() {
        Some("author") => Ok(()),
        None if author == SCHEDULE => Ok(()),
        _ => Err(ReleaseError::NotAuthor(author.to_owned())),
    }
}

/// The accountant's word: a month that would overspend is refused before anything is drawn.
async fn admit(
    connection: &mut SqliteConnection,
    design: &Design,
    month: usize,
    corrections: &[Correction],
) -> Result<Admitted, ReleaseError> {
    let epoch = ledger::epochs::present(&mut *connection).await?.number;
    let mut accountant = account::of(connection).await?;
    let moved: Vec<BTreeSet<String>> = corrections.iter().map(|c| c.moved.clone()).collect();
    let release = Release {
        design,
        epoch,
        month,
        corrections: &moved,
    };
    Ok(accountant.admit(&release)?)
}

/// A correction that goes into the month.
struct Correction {
    enrolment: i64,
    moves: Vec<Move>,
    /// Ids of the tables of `moves`.
    moved: BTreeSet<String>,
}

/// The corrections that may be published: each enrolment's first, where its budget has room for it. All others stay local, and
/// are looked at again in every month: a budget does not grow, but a correction may become smaller.
async fn corrections(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    design: &Design,
) -> Result<Vec<Correction>, ReleaseError> {
    let tables = Standard::v1().tables();
    let mut admitted = Vec::new();
    for pending in ledger::corrections::pending(connection, codebook).await? {
        let parts = pending
            .published
            .iter()
            .map(|published| moves(codebook, published, &pending.now));
        // A fact that was published and is no longer one, an ending that was withdrawn, is never taken back.
        let Ok(parts) = parts.collect::<Result<Vec<_>, _>>() else {
            continue;
        };
        let moves = parts.concat();
        let moved = moves.iter().map(|m| tables[m.table].id.clone()).collect();
        if !moves.is_empty() && design.check_correction(&moved).is_ok() {
            admitted.push(Correction {
                enrolment: pending.enrolment,
                moves,
                moved,
            });
        }
    }
    Ok(admitted)
}

/// The budget: what the epoch began with, else the LEP's own, else the standard's.
pub(crate) fn rho(asked: Option<u64>, begun: Option<u64>) -> Result<u64, ReleaseError> {
    match (asked, begun) {
        (Some(asked), Some(begun)) if asked != begun => Err(ReleaseError::Rho { asked, begun }),
        (_, Some(begun)) => Ok(begun),
        (asked, None) => {
            let most = Standard::v1().noise().rho_micro;
            Ok(asked.unwrap_or(most).clamp(1, most))
        }
    }
}

/// The release that answers the request without a draw: the one asked for, or the open one.
async fn stored(
    connection: &mut SqliteConnection,
    request: Request,
    history: &[LedgerMonth],
) -> Result<Option<StoredRelease>, ReleaseError> {
    if let (Some(first), Some(begun)) = (request.first, history.first())
        && first != begun.period
    {
        return Err(ReleaseError::First(begun.period));
    }
    if let Some(period) = request.period
        && let Some(release) = releases::of(&mut *connection, period).await?
    {
        return Ok(Some(release));
    }
    let open = releases::last(connection)
        .await?
        .filter(|r| r.approved.is_none());
    match (open, request.period) {
        (Some(open), Some(_)) => Err(ReleaseError::Open(open.period)),
        (open, _) => Ok(open),
    }
}

async fn next_after(
    connection: &mut SqliteConnection,
    request: Request,
    history: &[LedgerMonth],
) -> Result<Period, ReleaseError> {
    let next = match history.last() {
        Some(last) => last.period.next().ok_or(ReleaseError::Calendar)?,
        None => first_month(connection, request).await?,
    };
    match request.period {
        Some(asked) if asked != next => Err(ReleaseError::Order { asked, next }),
        _ => Ok(next),
    }
}

/// The first month of an epoch: the second follows on the first.
async fn first_month(
    connection: &mut SqliteConnection,
    request: Request,
) -> Result<Period, ReleaseError> {
    let present = ledger::epochs::present(&mut *connection).await?;
    match (present.after, request.first) {
        (Some(after), first) => {
            let next = after.next().ok_or(ReleaseError::Calendar)?;
            match first.filter(|first| *first != next) {
                Some(asked) => Err(ReleaseError::Order { asked, next }),
                None => Ok(next),
            }
        }
        (None, Some(first)) => Ok(first),
        (None, None) => ledger::earliest_start(connection)
            .await?
            .ok_or(ReleaseError::NoData),
    }
}

/// The release of `period`, or without one the release that waits for approval; `None` when there is none.
///
/// # Errors
/// The store's.
pub async fn waiting(
    store: &Store,
    period: Option<Period>,
) -> Result<Option<StoredRelease>, ReleaseError> {
    let mut connection = store.reader.acquire().await?;
    Ok(match period {
        Some(period) => releases::of(&mut connection, period).await?,
        None => releases::last(&mut connection)
            .await?
            .filter(|r| r.approved.is_none()),
    })
}

/// The month that a release would be for next and whether it has ended; `None` while the node holds nothing.
///
/// # Errors
/// [`ReleaseError`] of store and ledger.
pub async fn next_period(
    store: &Store,
    now: Timestamp,
) -> Result<Option<(Period, bool)>, ReleaseError> {
    let mut connection = store.reader.acquire().await?;
    let next = match releases::last(&mut connection).await? {
        Some(last) => last.period.next(),
        None => ledger::earliest_start(&mut connection).await?,
    };
    Ok(next.map(|period| (period, has_ended(period, now))))
}

fn has_ended(period: Period, now: Timestamp) -> bool {
    let today = now.to_zoned(london()).date();
    period
        .next()
        .is_some_and(|following| today >= following.first_day())
}

/// One month's draw.
struct Draw<'a> {
    period: Period,
    history: &'a [LedgerMonth],
    admitted: Admitted,
    corrections: Vec<Correction>,
    author: &'a str,
    now: Timestamp,
}

impl Draw<'_> {
    async fn run(
        &self,
        connection: &mut SqliteConnection,
        codebook: &Codebook,
        entropy: &Entropy,
    ) -> Result<StoredRelease, ReleaseError> {
        let (period, now) = (self.period, self.now);
        let mut counts = ledger::entries(&mut *connection, codebook, period).await?;
        for correction in &self.corrections {
            counts.correct(&correction.moves);
        }
        let protected = protect(&counts, self.history, &self.admitted, &mut *entropy())?;
        let month = protected.ledger_month();
        let payload = serde_json::to_vec(protected.summary())
            .expect("a summary holds strings, integers and lists only");
        let release = StoredRelease {
            period,
            epoch: month.epoch,
            month: month.month,
            digest: Digest::of(&payload),
            payload,
            author: self.author.to_owned(),
            prepared_at: now.as_second(),
            approved: None,
            seq: None,
        };
        ledger::append(&mut *connection, month, now.as_second()).await?;
        ledger::mark_counted(&mut *connection, period).await?;
        let corrected = self
            .corrections
            .iter()
            .map(|c| (c.enrolment, c.moved.clone()));
        let corrected: Vec<_> = corrected.collect();
        ledger::corrections::settle(&mut *connection, month.epoch, month.month, &corrected).await?;
        releases::insert(&mut *connection, &release).await?;
        let detail = format!("{period}, digest {}", release.digest);
        audit::append(connection, now, self.author, "release prepared", &detail).await?;
        Ok(release)
    }
}
