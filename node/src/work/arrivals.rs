//! Files on their way. Each takes room on the disk for as long as its sender likes, so only so many may come at a time; and a sender of one
//! kind takes nobody else's place. What has come whole waits for its turn to be imported, in the order in which it came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::providers::folded;

/// Files of the LEP's own people.
const LEP: usize = 4;
/// Files of one provider.
const PROVIDER: usize = 2;
/// Files of all providers together: half a GiB with [`crate::pages::LARGEST_OF_PROVIDER`].
const PROVIDERS: usize = 8;

/// Who sends a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sender<'a> {
    /// A coordinator.
    Lep,
    /// The provider of this name.
    Provider(&'a str),
}

#[derive(Debug, Default)]
struct Counts {
    lep: usize,
    /// By name; one that sends nothing is not in it.
    providers: BTreeMap<String, usize>,
}

/// How many files are on their way, from pages and programs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals(Arc<Mutex<Counts>>);

/// A place for one file, until this is dropped.
#[derive(Debug)]
pub(crate) struct Arrival {
    of: Arrivals,
    provider: Option<String>,
}

impl Arrivals {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole whenever the lock is free.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a file of this sender; `None` when as many are on their way as may be.
    pub(crate) fn expect(&self, sender: Sender<'_>) -> Option<Arrival> {
        let mut counts = self.counts();
        let provider = match sender {
            Sender::Lep => {
                if counts.lep == LEP {
                    return None;
                }
                counts.lep += 1;
                None
            }
            Sender::Provider(name) => {
                let name = folded(name);
                let all: usize = counts.providers.values().sum();
                let own = counts.providers.get(&name).copied().unwrap_or(0);
                if own == PROVIDER || all == PROVIDERS {
                    return None;
                }
                counts.providers.insert(name.clone(), own + 1);
                Some(name)
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
        let Some(name) = &self.provider else {
            counts.lep -= 1;
            return;
        };
        if let Some(own) = counts.providers.get_mut(name) {
            *own -= 1;
            if *own == 0 {
                counts.providers.remove(name);
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
        let expect = |name: &str| arrivals.expect(Sender::Provider(name));
        let first = expect("College").unwrap();
        let _second = expect("college ").unwrap();
        assert!(expect("COLLEGE").is_none(), "two of each provider");
        let lep: Vec<_> = (0..LEP)
            .map(|_| arrivals.expect(Sender::Lep).unwrap())
            .collect();
        assert!(arrivals.expect(Sender::Lep).is_none());
        let others: Vec<_> = ["a", "a", "b", "b", "c", "c"]
            .map(|name| expect(name).unwrap())
            .into();
        assert!(expect("d").is_none(), "so many of all providers");
        drop(first);
        let _again = expect("college").unwrap();
        drop((lep, others));
        assert!(arrivals.expect(Sender::Lep).is_some() && expect("d").is_some());
        drop(_second);
        drop(_again);
        assert!(arrivals.counts().providers.is_empty() && arrivals.counts().lep == 0);
    }
}
