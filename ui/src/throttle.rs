//! A limit on failed sign-ins, per name and address, and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::share::subscriber;

const WINDOW: SignedDuration = SignedDuration::from_mins(15);
const PER_NAME_AND_ADDRESS: u32 = 5;
const PER_ADDRESS: u32 = 30;
/// At this many different counters the older half is dropped, so that a flood of names cannot fill memory.
const COUNTERS: usize = 10_000;

/// Name and address; the address alone counts under no name.
type Key = (Option<String>, Option<IpAddr>);

#[derive(Clone, Copy)]
struct Counter {
    since: Timestamp,
    failures: u32,
}

/// Failed sign-ins of the last quarter of an hour.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Counter>>);

impl Throttle {
    /// How long the caller must still wait, if at all, before another attempt is looked at.
    pub(crate) fn wait(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys(name, address)
            .into_iter()
            .filter_map(|(key, limit)| {
                let counter = counters.get(&key)?;
                let left = WINDOW - now.duration_since(counter.since);
                (counter.failures >= limit && left.is_positive()).then_some(left)
            })
            .max()
    }

    /// Counts an attempt as failed. Called before the secret is looked at, so that attempts sent at once all count.
    pub(crate) fn attempt(&self, name: &str, address: Option<IpAddr>, now: Timestamp) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS {
            counters.retain(|_, counter| now.duration_since(counter.since) < WINDOW);
        }
        if counters.len() >= COUNTERS {
            let mut ages: Vec<Timestamp> = counters.values().map(|counter| counter.since).collect();
            let (_, &mut median, _) = ages.select_nth_unstable(COUNTERS / 2);
            counters.retain(|_, counter| counter.since > median);
        }
        for (key, _) in keys(name, address) {
            let counter = counters.entry(key).or_insert(Counter {
                since: now,
                failures: 0,
            });
            if now.duration_since(counter.since) >= WINDOW {
                *counter = Counter {
                    since: now,
                    failures: 0,
                };
            }
            counter.failures = counter.failures.saturating_add(1);
        }
    }

    /// Takes an attempt back that turned out right.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [(both, _), (alone, _)] = keys(name, address);
        counters.remove(&both);
        if let Some(counter) = counters.get_mut(&alone) {
            counter.failures = counter.failures.saturating_sub(1);
        }
    }
}

fn keys(name: &str, address: Option<IpAddr>) -> [(Key, u32); 2] {
    let address = address.map(subscriber);
    [
        ((Some(name.to_owned()), address), PER_NAME_AND_ADDRESS),
        ((None, address), PER_ADDRESS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(n)
    }

    #[test]
    fn five_failures_close_a_name_for_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let there = Some(IpAddr::from([192, 0, 2, 2]));
        for _ in 0..5 {
            assert_eq!(throttle.wait("ada", here, minute(0)), None);
            throttle.attempt("ada", here, minute(0));
        }
        assert_eq!(
            throttle.wait("ada", here, minute(5)),
            Some(SignedDuration::from_mins(10))
        );
        assert_eq!(
            throttle.wait("ada", there, minute(5)),
            None,
            "another address is not locked out"
        );
        assert_eq!(throttle.wait("grace", here, minute(5)), None);
        assert_eq!(throttle.wait("ada", here, minute(15)), None);
        throttle.attempt("ada", here, minute(16));
        assert_eq!(
            throttle.wait("ada", here, minute(16)),
            None,
            "the count starts anew"
        );
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let throttle = Throttle::default();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        for n in 0..30 {
            throttle.attempt(&format!("name{n}"), here, minute(0));
        }
        assert!(throttle.wait("ada", here, minute(0)).is_some());
    }

    #[test]
    fn success_clears_the_count_and_memory_is_bounded() {
        let throttle = Throttle::default();
        for _ in 0..4 {
            throttle.attempt("ada", None, minute(0));
        }
        throttle.succeeded("ada", None);
        throttle.attempt("ada", None, minute(0));
        assert_eq!(throttle.wait("ada", None, minute(0)), None);
        for n in 0..u32::try_from(COUNTERS + 50).unwrap() {
            throttle.attempt("x", Some(IpAddr::from(n.to_be_bytes())), minute(1));
        }
        assert!(throttle.0.lock().unwrap().len() <= COUNTERS + 1);
    }
}
