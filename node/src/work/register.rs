//! The work of a server: under way, or ended a while ago. It lives in memory: what a restart interrupts was not stored, and is gone.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use ldsp_ui::SignedIn;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SetOnce};

use super::arrivals::{Arrival, Arrivals, Sender};
use super::{Cancelled, Progress};
use crate::Entropy;
use crate::import::report::ImportReport;
use crate::import::{ImportError, Options};
use crate::release::{Prepared, ReleaseError, Request};
use crate::store::imports::ImportKind;
use crate::store::people::Role;

/// How long what came of it can be asked for.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// How much that has ended is kept. A report has up to 10,000 problems.
const MOST: usize = 20;

/// Where a file came in: what came of it is shown there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The page Import, or a program.
    Form,
    /// The pages that ask about a file's own columns; the number of the upload.
    Mapped([u8; 16]),
    /// A provider's own page.
    Provider,
    /// The postcode directory's, or a program.
    Directory,
}

/// What is done.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// A file is read.
    Import {
        kind: ImportKind,
        options: Options,
        door: Door,
    },
    /// A month is prepared.
    Release(Request),
}

/// What a file needs that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    Nothing,
    /// That its columns be explained.
    Columns,
    /// Rather a correction, but its columns may be explained.
    PerhapsColumns,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Imported(Box<ImportReport>, Asks),
    NotImported(ImportError),
    Prepared(Box<Prepared>),
    NotPrepared(ReleaseError),
    /// The program has a fault; what it wrote was undone.
    Broken,
}

impl Outcome {
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::NotImported(ImportError::Cancelled(_))
                | Self::NotPrepared(ReleaseError::Cancelled(_))
        )
    }
}

/// Who began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) name: String,
    /// The number of the organisation that they are bound to.
    pub(crate) organisation: Option<i64>,
}

impl From<&SignedIn> for Owner {
    fn from(person: &SignedIn) -> Self {
        Self {
            name: person.name.clone(),
            organisation: person.organisation.as_ref().map(|bound| bound.id),
        }
    }
}

/// What is about to be done.
pub(crate) struct Begin {
    pub(crate) task: Task,
    pub(crate) owner: Owner,
    pub(crate) at: Timestamp,
    /// Counts of [`Task::Import`] are in its options.
    pub(crate) progress: Progress,
}

/// A piece of work.
#[derive(Debug)]
pub(crate) struct Work {
    /// 32 hexadecimal digits, random: who does not know it cannot ask for it.
    pub(crate) id: String,
    pub(crate) task: Task,
    pub(crate) owner: Owner,
    pub(crate) begun: Timestamp,
    pub(crate) progress: Progress,
    outcome: SetOnce<Outcome>,
}

impl Work {
    /// What came of it; `None` while it is under way.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// Waits for what comes of it.
    pub(crate) async fn ended(&self) -> &Outcome {
        self.outcome.wait().await
    }

    /// Whether somebody may cancel it and has its whole report: its owner, and every coordinator a release.
    pub(crate) fn is_for(&self, person: &SignedIn) -> bool {
        match self.task {
            Task::Release(_) => person.role.as_str() == Role::Coordinator.as_str(),
            Task::Import { .. } => self.owner == Owner::from(person),
        }
    }

    /// Whether somebody sees how far it is: besides, every coordinator what others of the LEP import. One file is imported at a time, so who
    /// waits wants to know for whom.
    fn is_seen_by(&self, person: &SignedIn) -> bool {
        let is_coordinator = person.role.as_str() == Role::Coordinator.as_str();
        self.is_for(person) || is_coordinator && self.owner.organisation.is_none()
    }

    /// [`Self::ended`] for somebody who waits: if they go, it is cancelled.
    pub(crate) async fn awaited(&self) -> &Outcome {
        struct Gone<'a>(&'a Work);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                // Of what has ended it changes nothing.
                self.0.progress.cancel();
            }
        }
        let _gone = Gone(self);
        self.ended().await
    }
}

/// The work of a server. Cheap to clone; all clones are the same list.
#[derive(Debug, Clone)]
pub struct Works(Arc<Register>);

#[derive(Debug)]
struct Register {
    all: Mutex<Vec<Arc<Work>>>,
    /// One file at a time.
    alone: Arc<Semaphore>,
    arrivals: Arrivals,
    soon: Duration,
}

impl Works {
    /// No work. A page waits for `soon` whether what it began ends, before it shows how far it is instead.
    #[must_use]
    pub fn new(soon: Duration) -> Self {
        Self(Arc::new(Register {
            all: Mutex::default(),
            alone: Arc::new(Semaphore::new(1)),
            arrivals: Arrivals::default(),
            soon,
        }))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Work>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to read a file, while it is held: each may be as large as the disk has room for, and only one can be stored at a time.
    /// `None` while another one is read.
    pub(crate) fn alone(&self) -> Option<OwnedSemaphorePermit> {
        self.0.alone.clone().try_acquire_owned().ok()
    }

    /// Waits for that right, in the order in which it was asked for.
    ///
    /// # Errors
    /// The server ends.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Cancelled> {
        let turn = self.0.alone.clone().acquire_owned().await;
        turn.map_err(|_| Cancelled)
    }

    /// A place for a file that is about to come; `None` when as many are on their way as may be.
    pub(crate) fn expect(&self, sender: Sender) -> Option<Arrival> {
        self.0.arrivals.expect(sender)
    }

    /// Begins something. It goes on when nobody waits for it.
    pub(crate) fn start(
        &self,
        begin: Begin,
        entropy: &Entropy,
        run: impl Future<Output = Outcome> + Send + 'static,
    ) -> Arc<Work> {
        let mut id = [0; 16];
        entropy().fill_bytes(&mut id);
        let work = Arc::new(Work {
            id: hex::encode(id),
            task: begin.task,
            owner: begin.owner,
            begun: begin.at,
            progress: begin.progress,
            outcome: SetOnce::new(),
        });
        self.all().push(work.clone());
        let (ending, register) = (work.clone(), Arc::downgrade(&self.0));
        let running = tokio::spawn(run);
        tokio::spawn(async move {
            let outcome = running.await.unwrap_or(Outcome::Broken);
            // Nobody else sets it.
            drop(ending.outcome.set(outcome));
            keep_few(&register);
            tokio::time::sleep(KEPT).await;
            forget(&register, &ending.id);
        });
        work
    }

    /// Work of this id, if the person may see it.
    pub(crate) fn find(&self, id: &str, person: &SignedIn) -> Option<Arc<Work>> {
        let all = self.all();
        let found = all.iter().find(|work| work.id == id);
        found.filter(|work| work.is_seen_by(person)).cloned()
    }

    /// What is under way and the person may see.
    pub(crate) fn under_way(&self, person: &SignedIn) -> Vec<Arc<Work>> {
        let all = self.all();
        let mine = all.iter().filter(|work| work.outcome().is_none());
        mine.filter(|work| work.is_seen_by(person))
            .cloned()
            .collect()
    }

    /// The preparing that answers a request, if that is under way already.
    pub(crate) fn preparing(&self, wanted: Request) -> Option<Arc<Work>> {
        let is_it = |work: &&Arc<Work>| {
            work.outcome().is_none() && matches!(work.task, Task::Release(asked) if asked == wanted)
        };
        self.all().iter().find(is_it).cloned()
    }

    /// Whether it ends soon enough for its outcome to be shown at once.
    pub(crate) async fn ends_soon(&self, work: &Work) -> bool {
        // A timeout of nothing still takes what has ended already, which depends on the machine.
        !self.0.soon.is_zero()
            && tokio::time::timeout(self.0.soon, work.ended())
                .await
                .is_ok()
    }

    /// Cancels everything, waits for what is being stored already, and takes no more files: the server ends.
    pub async fn stop(&self) {
        self.0.alone.close();
        let all = self.all().clone();
        for work in &all {
            work.progress.cancel();
        }
        for work in &all {
            work.ended().await;
        }
    }
}

/// Lets go of the oldest that has ended, while there are more than [`MOST`].
fn keep_few(register: &Weak<Register>) {
    let Some(register) = register.upgrade() else {
        return;
    };
    let mut all = register.all.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = all.iter().filter(|work| work.outcome().is_some()).count();
    let mut over = ended.saturating_sub(MOST);
    all.retain(|work| {
        let goes = over > 0 && work.outcome().is_some();
        over -= usize::from(goes);
        !goes
    });
}

fn forget(register: &Weak<Register>, id: &str) {
    if let Some(register) = register.upgrade() {
        let mut all = register.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|work| work.id != id);
    }
}
