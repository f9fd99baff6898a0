//! Files on their way. Each takes room on the disk for as long as its sender likes, so only so many may come at a time; and a sender of one
//! kind takes nobody else's place. What has come whole waits for its turn to be imported, in the order in which it came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of the LEP's own people.
const LEP: usize = 4;
/// Files of one provider.
const PROVIDER: usize = 2;
/// Files of all providers together: half a GiB with [`crate::pages::LARGEST_OF_PROVIDER`].
const PROVIDERS: usize = 8;

/// Who sends a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sender {
    /// A coordinator.
    Lep,
    /// The provider that is the organisation of this number.
    Provider(i64),
}

#[derive(Debug, Default)]
struct Counts {
    lep: usize,
    /// By number; one that sends nothing is not in it.
    providers: BTreeMap<i64, usize>,
}

/// How many files are on their way, from pages and programs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals(Arc<Mutex<Counts>>);

/// A place for one file, until this is dropped.
#[derive(Debug)]
pub(crate) struct Arrival {
    of: Arrivals,
    provider: Option<i64>,
}

impl Arrivals {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole whenever the lock is free.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a file of this sender; `None` when as many are on their way as may be.
    pub(crate) fn expect(&self, sender: Sender) -> Option<Arrival> {
        let mut counts = self.counts();
        let provider = match sender {
            Sender::Lep => {
                if counts.lep == LEP {
                    return None;
                }
                counts.lep += 1;
                None
            }
            Sender::Provider(id) => {
                let all: usize = counts.providers.values().sum();
                let own = counts.providers.get(&id).copied().unwrap_or(0);
                if own == PROVIDER || all == PROVIDERS {
                    return None;
                }
                counts.providers.insert(id, own + 1);
                Some(id)
            }
        };
        Some(Arrival {
            of: self.clone(),
            provider,
        })
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        let Some(id) = &self.provider else {
            counts.lep -= 1;
            return;
        };
        if let Some(own) = counts.providers.get_mut(id) {
            *own -= 1;
            if *own == 0 {
                counts.providers.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_anybody_elses_place() {
        let arrivals = Arrivals::default();
        let expect = |id: i64| arrivals.expect(Sender::Provider(id));
        let first = expect(1).unwrap();
        let _second = expect(1).unwrap();
        assert!(expect(1).is_none(), "two of each provider");
        let lep: Vec<_> = (0..LEP)
            .map(|_| arrivals.expect(Sender::Lep).unwrap())
            .collect();
        assert!(arrivals.expect(Sender::Lep).is_none());
        let others: Vec<_> = [2, 2, 3, 3, 4, 4].map(|id| expect(id).unwrap()).into();
        assert!(expect(5).is_none(), "so many of all providers");
        drop(first);
        let _again = expect(1).unwrap();
        drop((lep, others));
        assert!(arrivals.expect(Sender::Lep).is_some() && expect(5).is_some());
        drop(_second);
        drop(_again);
        assert!(arrivals.counts().providers.is_empty() && arrivals.counts().lep == 0);
    }
}
