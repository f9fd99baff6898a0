//! A database whose calls fail on purpose. It stands behind [`Backend`] itself, so whatever a server asks of its store
//! passes here, also by methods that a trait gets later.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Semaphore;

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{Backend, Outcome, StoreError};

/// What becomes of the call that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was done, and that is said.
    Failed,
    /// It was done, and the answer is lost: the caller is told the very same.
    FailedButPersisted,
}

/// A fault that is set for one call from now. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many calls pass before the one that fails.
    waiting: Option<(usize, Fault)>,
    /// The only method whose calls count, where that is said.
    only: Option<&'static str>,
    struck: Option<&'static str>,
    /// The method whose next call waits at a gate.
    held: Option<(&'static str, Gate)>,
}

/// Where a call waits before it is made. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// Waits until a call has come to the gate.
    pub(crate) async fn reached(&self) {
        drop(self.reached.acquire().await.unwrap());
    }

    /// Lets it pass.
    pub(crate) fn open(&self) {
        self.open.add_permits(1);
    }
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// After `passing` more calls, one fails.
    pub(crate) fn set(&self, passing: usize, fault: Fault) {
        *self.state() = State {
            waiting: Some((passing, fault)),
            ..State::default()
        };
    }

    /// The next call of this method fails.
    pub(crate) fn set_on(&self, method: &'static str, fault: Fault) {
        *self.state() = State {
            waiting: Some((0, fault)),
            only: Some(method),
            ..State::default()
        };
    }

    /// The next call of this method waits at the gate.
    pub(crate) fn hold(&self, method: &'static str) -> Gate {
        let gate = Gate {
            reached: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        };
        self.state().held = Some((method, gate.clone()));
        gate
    }

    fn holds(&self, method: &'static str) -> Option<Gate> {
        let mut state = self.state();
        let (_, gate) = state.held.take_if(|(of, _)| *of == method)?;
        Some(gate)
    }

    /// No call fails from now on; gives the method that failed since the fault was set.
    pub(crate) fn clear(&self) -> Option<&'static str> {
        std::mem::take(&mut *self.state()).struck
    }

    fn strikes(&self, method: &'static str) -> Option<Fault> {
        let mut state = self.state();
        let (passing, fault) = state.waiting?;
        if state.only.is_some_and(|only| only != method) {
            return None;
        }
        state.waiting = passing.checked_sub(1).map(|left| (left, fault));
        if state.waiting.is_some() {
            return None;
        }
        state.struck = Some(method);
        Some(fault)
    }
}

/// Either database without faults.
#[derive(Debug, Clone)]
pub(super) enum Sound {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The database, and what becomes of its calls.
#[derive(Debug, Clone)]
pub struct Failing {
    pub(super) store: Sound,
    faults: Faults,
}

impl Failing {
    pub(super) fn sound(&self) -> Backend {
        match self.store.clone() {
            Sound::Sqlite(store) => store.into(),
            Sound::Postgres(store) => store.into(),
        }
    }

    pub(super) async fn pass<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Outcome<T>>,
    ) -> Outcome<T> {
        if let Some(gate) = self.faults.holds(method) {
            gate.reached.add_permits(1);
            drop(gate.open.acquire().await.unwrap());
        }
        let Some(fault) = self.faults.strikes(method) else {
            return call.await;
        };
        if fault == Fault::FailedButPersisted {
            call.await?;
        }
        let lost = Error::new(ErrorKind::ConnectionReset, "the connection was lost");
        Err(StoreError::Database(lost.into()))
    }
}

impl Backend {
    /// This database, failing where `faults` say.
    pub(crate) fn failing(self, faults: &Faults) -> Self {
        let store = match self {
            Self::Sqlite(store) => Sound::Sqlite(store),
            Self::Postgres(store) => Sound::Postgres(store),
            Self::Failing(failing) => failing.store,
        };
        Self::Failing(Box::new(Failing {
            store,
            faults: faults.clone(),
        }))
    }
}
