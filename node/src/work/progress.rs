//! How far a piece of work is: plain counters, and the one switch that decides between cancelling and storing.

use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::sync::watch;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Somebody else writes.
    Waiting,
    /// A file is read, its rows checked and merged.
    Reading,
    /// All rows are read; those that had to wait for the others are decided, and indices are built.
    Settling,
    /// The ledger is read back and checked.
    Ledger,
    /// What enters the month is counted.
    Counting,
    /// Noise is drawn.
    Drawing,
    /// The quality of the records is judged.
    Judging,
    /// It is being made durable: too late to cancel.
    Storing,
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Reading,
        Self::Settling,
        Self::Ledger,
        Self::Counting,
        Self::Drawing,
        Self::Judging,
        Self::Storing,
    ];
    /// Those of a release, in their order.
    const RELEASE: [Self; 5] = [
        Self::Ledger,
        Self::Counting,
        Self::Drawing,
        Self::Judging,
        Self::Storing,
    ];

    /// As people are told.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting until the node has written something else",
            Self::Reading => "Reading and checking the file",
            Self::Settling => "Putting the rows in order",
            Self::Ledger => "Checking the ledger of earlier months",
            Self::Counting => "Counting what became known",
            Self::Drawing => "Drawing the noise",
            Self::Judging => "Judging the quality of the records",
            Self::Storing => "Storing",
        }
    }
}

/// It was cancelled, and nothing of it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was cancelled")]
pub struct Cancelled;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Cancelled,
    Storing,
}

/// How far something is. Cheap to clone; all clones are of the same piece of work.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    phase: AtomicU8,
    /// Bytes read.
    done: AtomicU64,
    /// Bytes that will be read; 0: nobody knows.
    total: AtomicU64,
    fate: watch::Sender<Fate>,
}

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Counters {
            phase: AtomicU8::new(0),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            fate: watch::Sender::new(Fate::Open),
        }))
    }
}

impl Progress {
    /// What is being done now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let at = usize::from(self.0.phase.load(Ordering::Relaxed));
        Phase::ALL.get(at).copied().unwrap_or(Phase::Waiting)
    }

    /// How much of the phase at hand is done and of how much: bytes of a file, or steps of a release. `None` where nobody knows.
    #[must_use]
    pub fn share(&self) -> Option<(u64, u64)> {
        let phase = self.phase();
        if phase == Phase::Reading {
            let total = self.0.total.load(Ordering::Relaxed);
            let done = self.0.done.load(Ordering::Relaxed).min(total);
            return (total > 0).then_some((done, total));
        }
        // An import is stored too, but not in the last of five steps.
        let is_file = self.0.done.load(Ordering::Relaxed) > 0;
        let step = Phase::RELEASE.iter().position(|step| *step == phase);
        let step = step.filter(|_| !is_file)?;
        Some((step as u64, Phase::RELEASE.len() as u64))
    }

    /// Cancels it, unless it is being stored already: then `false`.
    pub fn cancel(&self) -> bool {
        self.settle(Fate::Cancelled)
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.fate.borrow() == Fate::Cancelled
    }

    /// Decides, if nothing is decided yet; gives whether `fate` holds.
    fn settle(&self, fate: Fate) -> bool {
        self.0.fate.send_if_modified(|now| {
            let is_open = *now == Fate::Open;
            if is_open {
                *now = fate;
            }
            is_open
        });
        *self.0.fate.borrow() == fate
    }

    pub(crate) fn enter(&self, phase: Phase) {
        let at = Phase::ALL.iter().position(|known| *known == phase);
        let at = at.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
        self.0.phase.store(at, Ordering::Relaxed);
    }

    /// From here on it cannot be cancelled any more: comes right before the commit.
    ///
    /// # Errors
    /// It was cancelled; whoever asks has to leave nothing behind.
    pub(crate) fn begin_storing(&self) -> Result<(), Cancelled> {
        if self.settle(Fate::Storing) {
            self.enter(Phase::Storing);
            Ok(())
        } else {
            Err(Cancelled)
        }
    }

    /// Runs `work` until it ends or is cancelled: then it is dropped where it stands.
    pub(crate) async fn unless_cancelled<T, E: From<Cancelled>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut fate = self.0.fate.subscribe();
        let cancelled = async {
            // The sender is `self`'s: it cannot be gone.
            let _known = fate.wait_for(|fate| *fate == Fate::Cancelled).await.is_ok();
        };
        tokio::select! {
            biased;
            () = cancelled => Err(Cancelled.into()),
            done = work => done,
        }
    }

    /// `source`, whose bytes are counted as they are read; reading it fails once the work is cancelled.
    pub(crate) fn counting<R>(&self, source: R) -> Counted<R> {
        Counted {
            source,
            progress: self.clone(),
        }
    }

    /// Says how many bytes will be read.
    pub fn expect(&self, bytes: u64) {
        self.0.total.store(bytes, Ordering::Relaxed);
    }

    /// [`Self::counting`] for what is read `times` times, from its beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn counting_all<R: Seek>(
        &self,
        mut source: R,
        times: u64,
    ) -> io::Result<Counted<R>> {
        let length = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        self.expect(length.saturating_mul(times));
        Ok(self.counting(source))
    }
}

/// A source whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<R> {
    source: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Nobody waits for the thread that reads: it has to end by itself.
        if self.progress.is_cancelled() {
            return Err(io::Error::other(Cancelled));
        }
        let n = self.source.read(buffer)?;
        let done = &self.progress.0.done;
        done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}
