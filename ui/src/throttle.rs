//! A limit on failed sign-ins, so that nobody can guess a secret, and so that nobody can keep somebody else out for long.
//!
//! What is counted: failures of a name from one address, of one address whatever the name, and of a name from everywhere. The last limit stops
//! somebody who has many addresses, but with it alone a stranger could close any name for ever. A browser on which the person has signed in before
//! is therefore counted by itself and by nothing else ("device cookies", OWASP, Slow Down Online Guessing Attacks): whatever strangers do, the person
//! gets in from there, and elsewhere once the limit's time is over or an admin has opened the name again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::accounts::Hash;
use crate::share::subscriber;

const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const PER_NAME_AND_ADDRESS: u32 = 5;
const PER_ADDRESS: u32 = 30;
const PER_NAME: u32 = 20;
/// NIST SP 800-63B-4, section 3.2.2 allows 100 failures in a row.
const PER_NAME_AND_DAY: u32 = 100;
const PER_BROWSER: u32 = 5;
/// At this many different counters the older half is dropped, so that a flood of names cannot fill memory.
const COUNTERS: usize = 10_000;

/// Who tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: Option<IpAddr>,
    /// A browser on which this person has signed in before.
    pub(crate) browser: Option<Hash>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    NameAt(String, Option<IpAddr>),
    Address(Option<IpAddr>),
    Name(String),
    NameToday(String),
    Browser(Hash, String),
}

impl Key {
    fn limit(&self) -> (u32, SignedDuration) {
        match self {
            Self::NameAt(..) => (PER_NAME_AND_ADDRESS, QUARTER),
            Self::Address(_) => (PER_ADDRESS, QUARTER),
            Self::Name(_) => (PER_NAME, QUARTER),
            Self::NameToday(_) => (PER_NAME_AND_DAY, DAY),
            Self::Browser(..) => (PER_BROWSER, QUARTER),
        }
    }

    /// Whether one success shows that the failures before it were the same person's.
    fn is_cleared(&self) -> bool {
        matches!(self, Self::NameAt(..) | Self::Browser(..))
    }

    fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Address(_) => false,
            Self::NameAt(of, _) | Self::Name(of) | Self::NameToday(of) | Self::Browser(_, of) => {
                of == name
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Counter {
    since: Timestamp,
    failures: u32,
}

/// Failed sign-ins of the last quarter of an hour, and of the last day.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Counter>>);

impl Throttle {
    fn counters(&self) -> MutexGuard<'_, HashMap<Key, Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the caller must still wait, if at all, before another attempt is looked at.
    pub(crate) fn wait(&self, caller: Caller<'_>, now: Timestamp) -> Option<SignedDuration> {
        self.longest(&caller.keys(), now)
    }

    /// As [`Self::wait`], of what was tried from the same address alone: for those who have proved themselves before.
    pub(crate) fn wait_here(&self, caller: Caller<'_>, now: Timestamp) -> Option<SignedDuration> {
        self.longest(&caller.keys_here(), now)
    }

    fn longest(&self, keys: &[Key], now: Timestamp) -> Option<SignedDuration> {
        let counters = self.counters();
        keys.iter()
            .filter_map(|key| {
                let (limit, window) = key.limit();
                let counter = counters.get(key)?;
                let left = window - now.duration_since(counter.since);
                (counter.failures >= limit && left.is_positive()).then_some(left)
            })
            .max()
    }

    /// Counts an attempt as failed. Called before the secret is looked at, so that attempts sent at once all count.
    pub(crate) fn attempt(&self, caller: Caller<'_>, now: Timestamp) {
        let mut counters = self.counters();
        let is_live =
            |key: &Key, counter: &Counter| now.duration_since(counter.since) < key.limit().1;
        if counters.len() >= COUNTERS {
            counters.retain(|key, counter| is_live(key, counter));
        }
        if counters.len() >= COUNTERS {
            let mut ages: Vec<Timestamp> = counters.values().map(|counter| counter.since).collect();
            let (_, &mut median, _) = ages.select_nth_unstable(COUNTERS / 2);
            counters.retain(|_, counter| counter.since > median);
        }
        let begun = Counter {
            since: now,
            failures: 0,
        };
        for key in caller.keys() {
            let over = counters.get(&key).is_some_and(|c| !is_live(&key, c));
            let counter = counters.entry(key).or_insert(begun);
            if over {
                *counter = begun;
            }
            counter.failures = counter.failures.saturating_add(1);
        }
    }

    /// Takes an attempt back that turned out right.
    pub(crate) fn succeeded(&self, caller: Caller<'_>) {
        let mut counters = self.counters();
        for key in caller.keys() {
            if key.is_cleared() {
                counters.remove(&key);
            } else if let Some(counter) = counters.get_mut(&key) {
                counter.failures = counter.failures.saturating_sub(1);
            }
        }
    }

    /// Opens a name again everywhere.
    pub(crate) fn forgive(&self, name: &str) {
        self.counters().retain(|key, _| !key.is_of(name));
    }

    /// Failures of a name in the last day.
    pub(crate) fn failures_today(&self, name: &str) -> u32 {
        let key = Key::NameToday(name.to_owned());
        self.counters()
            .get(&key)
            .map_or(0, |counter| counter.failures)
    }
}

impl Caller<'_> {
    fn keys(self) -> Vec<Key> {
        if let Some(browser) = self.browser {
            return vec![Key::Browser(browser, self.name.to_owned())];
        }
        let mut keys = self.keys_here();
        keys.extend([
            Key::Name(self.name.to_owned()),
            Key::NameToday(self.name.to_owned()),
        ]);
        keys
    }

    fn keys_here(self) -> Vec<Key> {
        let address = self.address.map(subscriber);
        vec![
            Key::NameAt(self.name.to_owned(), address),
            Key::Address(address),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(n)
    }

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn of(name: &str, address: Option<IpAddr>) -> Caller<'_> {
        Caller {
            name,
            address,
            browser: None,
        }
    }

    #[test]
    fn five_failures_close_a_name_for_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let here = of("ada", ip(1));
        for _ in 0..5 {
            assert_eq!(throttle.wait(here, minute(0)), None);
            throttle.attempt(here, minute(0));
        }
        assert_eq!(
            throttle.wait(here, minute(5)),
            Some(SignedDuration::from_mins(10))
        );
        assert_eq!(
            throttle.wait(of("ada", ip(2)), minute(5)),
            None,
            "another address is not locked out"
        );
        assert_eq!(throttle.wait(of("grace", ip(1)), minute(5)), None);
        assert_eq!(throttle.wait(here, minute(15)), None);
        throttle.attempt(here, minute(16));
        assert_eq!(
            throttle.wait(here, minute(16)),
            None,
            "the count starts anew"
        );
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let throttle = Throttle::default();
        for n in 0..30 {
            throttle.attempt(of(&format!("name{n}"), ip(1)), minute(0));
        }
        assert!(throttle.wait(of("ada", ip(1)), minute(0)).is_some());
    }

    #[test]
    fn many_addresses_close_a_name_to_strangers_and_not_to_its_own_browsers() {
        let throttle = Throttle::default();
        for n in 0..20 {
            assert_eq!(throttle.wait(of("ada", ip(n)), minute(0)), None);
            throttle.attempt(of("ada", ip(n)), minute(0));
        }
        let stranger = of("ada", ip(99));
        assert!(throttle.wait(stranger, minute(14)).is_some());
        assert_eq!(throttle.wait_here(stranger, minute(14)), None);
        let own = Caller {
            browser: Some([7; 32]),
            ..stranger
        };
        assert_eq!(throttle.wait(own, minute(14)), None);
        assert_eq!(throttle.wait(stranger, minute(15)), None);
        // Going on for a day closes it for the rest of the day.
        let (mut tried, mut at) = (20, 15);
        while tried < 100 {
            for n in 0..20 {
                throttle.attempt(of("ada", ip(n)), minute(at));
            }
            (tried, at) = (tried + 20, at + 15);
        }
        assert_eq!(throttle.failures_today("ada"), 100);
        assert!(throttle.wait(stranger, minute(23 * 60)).is_some());
        assert_eq!(throttle.wait(own, minute(23 * 60)), None);
        assert_eq!(throttle.wait(stranger, minute(24 * 60)), None);
        // Or until somebody who looks after people opens it.
        for n in 0..20 {
            throttle.attempt(of("ada", ip(n)), minute(at));
        }
        throttle.forgive("ada");
        assert_eq!(throttle.wait(stranger, minute(at)), None);
    }

    #[test]
    fn a_stolen_browser_guesses_no_faster() {
        let throttle = Throttle::default();
        let own = Caller {
            browser: Some([7; 32]),
            ..of("ada", ip(1))
        };
        for _ in 0..5 {
            assert_eq!(throttle.wait(own, minute(0)), None);
            throttle.attempt(own, minute(0));
        }
        assert!(throttle.wait(own, minute(1)).is_some());
        assert_eq!(throttle.wait(of("ada", ip(1)), minute(1)), None);
    }

    #[test]
    fn success_clears_the_count_and_memory_is_bounded() {
        let throttle = Throttle::default();
        let here = of("ada", None);
        for _ in 0..4 {
            throttle.attempt(here, minute(0));
        }
        throttle.succeeded(here);
        throttle.attempt(here, minute(0));
        assert_eq!(throttle.wait(here, minute(0)), None);
        for n in 0..u32::try_from(COUNTERS + 50).unwrap() {
            let address = Some(IpAddr::from(n.to_be_bytes()));
            throttle.attempt(of("x", address), minute(1));
        }
        assert!(throttle.counters().len() <= COUNTERS + 4);
    }
}
