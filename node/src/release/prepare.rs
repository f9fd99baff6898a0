//! Preparing: count, draw, store, all in one transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ldsp_protocol::accountant::{Admitted, Design, Release};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::standard::{Codebook, Standard};
use sqlx::sqlite::SqliteConnection;

use super::{History, ReleaseError, histories};
use crate::Entropy;
use crate::account;
use crate::cube::{CodeError, EntryCounts, Move, moves};
use crate::disclosure::{ProtectedTables, protect};
use crate::quality;
use crate::sample;
use crate::schedule::london;
use crate::seal::{check_head, check_restored};
use crate::store::ledger::streams::{self, Stream};
use crate::store::records::persons;
use crate::store::releases::{self, Part, StoredRelease};
use crate::store::{self, Store, StoreError, audit, enrolment, ledger};
use crate::work::{Phase, Progress};

/// Author of what the timed job prepares.
pub const SCHEDULE: &str = "schedule";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// This month, which must be the next one or one that is prepared already; `None`: whatever is next.
    pub period: Option<Period>,
    /// Where the node's history begins: chosen by a person, and needed for the first release only.
    pub first: Option<Period>,
    /// The LEP's own budget in millionths of zCDP rho, at most the standard's; fixed by the first release under a standard.
    pub rho_micro: Option<u64>,
    /// The standard that new enrolments enter: [`Standard::current`], and an earlier one only to do what an earlier program did.
    pub standard: &'static Standard,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            period: None,
            first: None,
            rho_micro: None,
            standard: Standard::current(),
        }
    }
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
/// One immediate transaction reads the ledger, counts under each standard that publishes what became known by the month's end, draws the
/// noise, writes ledger, marks and release, and commits. Dropped or killed before the commit, it leaves nothing and
/// nobody has seen the draw; after it, the month is never drawn again. `entropy` gives a fresh
/// generator for the month. `author` is a coordinator of this node or [`SCHEDULE`]. A month that has not ended in London is refused; a quiet month is
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
    let watched = Progress::default();
    prepare_watched(store, request, (author, now), entropy, &watched).await
}

/// [`prepare`] with how far it is; cancelled before it is stored, it leaves nothing, and nobody has seen the draw.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_watched(
    store: &Store,
    request: Request,
    (author, now): (&str, Timestamp),
    entropy: &Entropy,
    progress: &Progress,
) -> Result<Prepared, ReleaseError> {
    let work = async {
        progress.enter(Phase::Waiting);
        let mut transaction = store.write().await?;
        let by = (author, now);
        let prepared = prepare_in(&mut transaction, request, by, entropy, progress).await?;
        progress.begin_storing()?;
        transaction.commit().await?;
        Ok(prepared)
    };
    progress.unless_cancelled(work).await
}

/// [`prepare_watched`] inside the caller's transaction, which what the caller writes of it shares.
pub(crate) async fn prepare_in(
    connection: &mut SqliteConnection,
    request: Request,
    (author, now): (&str, Timestamp),
    entropy: &Entropy,
    progress: &Progress,
) -> Result<Prepared, ReleaseError> {
    progress.enter(Phase::Ledger);
    let lep = enrolment::lep(&mut *connection)
        .await?
        .ok_or(ReleaseError::NoIdentity)?;
    check_author(&mut *connection, author).await?;
    if sample::is_there(&mut *connection).await? {
        return Err(ReleaseError::Sample);
    }
    let codebook = Codebook::new(&lep, &[]);
    let begun = streams::begun(&mut *connection).await?;
    let next = streams::next(&mut *connection).await?;
    let going_on = match next {
        Some(next) => streams::publishing(&begun, next, request.standard),
        None => vec![Stream::new(request.standard)],
    };
    let mut histories = histories(&mut *connection, &codebook, &going_on).await?;
    let first = begun.iter().filter_map(|s| s.first).min();
    if let Some(release) = stored(&mut *connection, request, first).await? {
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
    let period = next_after(request, next)?;
    if !has_ended(period, now) {
        return Err(ReleaseError::NotEnded(period));
    }
    begin(&mut *connection, &mut histories, period).await?;
    progress.enter(Phase::Counting);
    // Whatever became of the records before: no more of anybody's enrolments are counted, and nothing that a lost ledger held.
    persons::cap(&mut *connection, None).await?;
    ledger::withheld::hold(&mut *connection).await?;
    let mut draws = Vec::new();
    for history in histories {
        draws.push(Draw::of(&mut *connection, &codebook, history, request, period).await?);
    }
    progress.enter(Phase::Drawing);
    let release = draw(&mut *connection, &draws, (author, now), entropy).await?;
    progress.enter(Phase::Judging);
    let judged = quality::look_in(&mut *connection, now).await?;
    let verdict = quality::verdict(&judged, now);
    store::quality::keep(connection, period, &verdict).await?;
    Ok(Prepared {
        release,
        drawn: true,
    })
}

/// A standard that is new to this node begins with the month `period`; the one before it ends some time later, or now if its months are
/// used up.
async fn begin(
    connection: &mut SqliteConnection,
    histories: &mut Vec<History>,
    period: Period,
) -> Result<(), ReleaseError> {
    let new = histories.iter().find(|h| h.stream.first.is_none());
    let Some(new) = new.map(|h| h.stream.standard) else {
        return Ok(());
    };
    let before = histories
        .iter()
        .filter(|h| h.stream.first.is_some() && h.stream.is_open());
    let drawn = before.map(|h| h.months.len()).max().unwrap_or(0);
    streams::begin(&mut *connection, new, period, drawn).await?;
    let begun = streams::begun(connection).await?;
    for history in histories.iter_mut() {
        let now = begun.iter().find(|s| s.standard == history.stream.standard);
        history.stream = *now.ok_or(ReleaseError::LedgerLost)?;
    }
    histories.retain(|h| h.stream.publishes(period));
    Ok(())
}

/// An approver who prepared a month could leave nobody to approve it. Only the timed job is no person: one who bears its name is
/// judged by their role.
async fn check_author(connection: &mut SqliteConnection, author: &str) -> Result<(), ReleaseError> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(author)
        .fetch_optional(connection)
        .await?;
    match role.as_deref() {
        Some("coordinator") => Ok(()),
        None if author == SCHEDULE => Ok(()),
        _ => Err(ReleaseError::NotCoordinator(author.to_owned())),
    }
}

/// A correction that goes into the month.
struct Correction {
    enrolment: i64,
    moves: Vec<Move>,
    /// Ids of the tables of `moves`.
    moved: BTreeSet<String>,
}

/// The corrections of a standard's enrolments that may be published: each enrolment's first, where its budget has room for it. All others stay local, and
/// are looked at again in every month: a budget does not grow, but a correction may become smaller.
async fn corrections(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    standard: &Standard,
    design: &Design,
) -> Result<Vec<Correction>, ReleaseError> {
    let tables = standard.tables();
    let mut admitted = Vec::new();
    for pending in ledger::corrections::pending(connection, codebook, standard).await? {
        let damaged = |error: CodeError| StoreError::Corrupt {
            table: "enrolments",
            column: ledger::column(error.dimension),
            row: pending.enrolment.to_string(),
        };
        let parts = pending.published.iter();
        let parts = parts.map(|published| moves(standard, codebook, published, &pending.now));
        let parts: Vec<_> = parts.collect::<Result<_, _>>().map_err(damaged)?;
        // A fact that was published and is no longer one, an ending that was withdrawn, is never taken back.
        let parts: Option<Vec<Vec<Move>>> = parts.into_iter().collect();
        let Some(moves) = parts.map(|parts| parts.concat()) else {
            continue;
        };
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

/// The budget of a stream: what its epoch began with, else the LEP's own, else what is allowed: the standard's, in a second epoch no more than
/// the first had (`before`).
pub(crate) fn rho(
    standard: &Standard,
    asked: Option<u64>,
    begun: Option<u64>,
    before: Option<u64>,
) -> Result<u64, ReleaseError> {
    match (asked, begun, before) {
        (Some(asked), Some(begun), _) if asked != begun => Err(ReleaseError::Rho { asked, begun }),
        (_, Some(begun), _) => Ok(begun),
        (Some(asked), None, Some(before)) if asked > before => {
            Err(ReleaseError::RhoRaised { asked, before })
        }
        (asked, None, before) => {
            let most = before.unwrap_or(standard.noise().rho_micro);
            Ok(asked.unwrap_or(most).clamp(1, most))
        }
    }
}

/// The release that answers the request without a draw: the one asked for, or the open one.
async fn stored(
    connection: &mut SqliteConnection,
    request: Request,
    begun: Option<Period>,
) -> Result<Option<StoredRelease>, ReleaseError> {
    if let (Some(first), Some(begun)) = (request.first, begun)
        && first != begun
    {
        return Err(ReleaseError::First(begun));
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

/// `next`: the month after the last one.
fn next_after(request: Request, next: Option<Period>) -> Result<Period, ReleaseError> {
    // Where the history begins is public and free of noise, so no record may decide it.
    let next = next.or(request.first).ok_or(ReleaseError::NoFirst)?;
    match request.period {
        Some(asked) if asked != next => Err(ReleaseError::Order { asked, next }),
        _ => Ok(next),
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

/// The month that a release would be for next and whether it has ended; `None` while nobody has chosen the first.
///
/// # Errors
/// [`ReleaseError`] of store and ledger.
pub async fn next_period(
    store: &Store,
    now: Timestamp,
) -> Result<Option<(Period, bool)>, ReleaseError> {
    let mut connection = store.reader.acquire().await?;
    let next = streams::next(&mut connection).await?;
    Ok(next.map(|period| (period, has_ended(period, now))))
}

fn has_ended(period: Period, now: Timestamp) -> bool {
    let today = now.to_zoned(london()).date();
    period
        .next()
        .is_some_and(|following| today >= following.first_day())
}

/// One stream's draw of a month: everything but the noise.
struct Draw {
    history: History,
    counts: EntryCounts,
    admitted: Admitted,
    corrections: Vec<Correction>,
}

impl Draw {
    /// Counts what enters, and asks the accountant: a month that would overspend is refused before anything is drawn.
    async fn of(
        connection: &mut SqliteConnection,
        codebook: &Codebook,
        history: History,
        request: Request,
        period: Period,
    ) -> Result<Self, ReleaseError> {
        let stream = &history.stream;
        // A stream that goes on for earlier enrolments keeps its budget, whatever is configured for new ones.
        let asked = request.rho_micro.filter(|_| stream.is_open());
        let begun = history.last.as_ref().map(|s| s.noise.rho_micro);
        let before = match stream.epoch {
            1 => None,
            epoch => account::rho(&mut *connection, stream.standard, epoch - 1).await?,
        };
        let rho_micro = rho(stream.standard, asked, begun, before)?;
        let design = Design::of(stream.standard, rho_micro);
        let corrections = corrections(&mut *connection, codebook, stream.standard, &design).await?;
        let moved: Vec<BTreeSet<String>> = corrections.iter().map(|c| c.moved.clone()).collect();
        let mut accountant = account::of(&mut *connection).await?;
        let admitted = accountant.admit(&Release {
            design: &design,
            epoch: stream.epoch,
            month: history.months.len() + 1,
            corrections: &moved,
        })?;
        let mut counts = ledger::entries(connection, codebook, stream, period).await?;
        for correction in &corrections {
            counts.correct(&correction.moves);
        }
        Ok(Self {
            history,
            counts,
            admitted,
            corrections,
        })
    }

    /// Writes ledger and marks, and gives the part of the release.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
        protected: &ProtectedTables,
        now: Timestamp,
    ) -> Result<Part, ReleaseError> {
        let month = protected.ledger_month();
        let payload = serde_json::to_vec(protected.summary())
            .expect("a summary holds strings, integers and lists only");
        ledger::append(&mut *connection, month, now.as_second()).await?;
        ledger::mark_counted(&mut *connection, &self.history.stream, month.period).await?;
        let corrected = self.corrections.iter();
        let corrected: Vec<_> = corrected.map(|c| (c.enrolment, c.moved.clone())).collect();
        ledger::corrections::settle(connection, month, &corrected).await?;
        Ok(Part {
            standard: month.standard,
            epoch: month.epoch,
            month: month.month,
            payload,
            seq: None,
        })
    }
}

/// Draws the noise of all streams and writes what came of it.
async fn draw(
    connection: &mut SqliteConnection,
    draws: &[Draw],
    (author, now): (&str, Timestamp),
    entropy: &Entropy,
) -> Result<StoredRelease, ReleaseError> {
    let protected: Vec<ProtectedTables> = {
        let mut rng = entropy();
        let one = |d: &Draw| protect(&d.counts, &d.history.months, &d.admitted, &mut *rng);
        draws.iter().map(one).collect::<Result<_, _>>()?
    };
    let mut parts = Vec::with_capacity(draws.len());
    for (draw, protected) in draws.iter().zip(&protected) {
        parts.push(draw.write(&mut *connection, protected, now).await?);
    }
    let period = protected.first().map(ProtectedTables::period);
    let mut release = StoredRelease {
        period: period.ok_or(ReleaseError::LedgerLost)?,
        parts,
        digest: Digest::ZERO,
        author: author.to_owned(),
        prepared_at: now.as_second(),
        approved: None,
    };
    release.digest = Digest::of(&release.bytes());
    releases::insert(&mut *connection, &release).await?;
    let detail = format!("{}, digest {}", release.period, release.digest);
    audit::append(connection, now, author, "release prepared", &detail).await?;
    Ok(release)
}
