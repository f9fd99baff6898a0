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
use sha2::{Digest as _, Sha256};

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
/// Failures of a name from everywhere are counted in so many places, and a name's place is by its digest. No place is ever given up, so nobody
/// makes one forgotten by trying made-up names; two secrets at a time are hashed, too few in a day to fill them all.
const PLACES: u32 = 1 << 17;
/// At this many counters of addresses the older half is dropped, so that a flood cannot fill memory. Whoever can bring that about has so many
/// addresses that those limits stop nothing anyway.
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
    /// By its place.
    Name(u32),
    NameToday(u32),
    Browser(Hash, String),
}

/// Where failures of a name are counted.
fn place(name: &str) -> u32 {
    let digest: Hash = Sha256::digest(name.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d]) % PLACES
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
            Self::NameAt(of, _) | Self::Browser(_, of) => of == name,
            Self::Name(at) | Self::NameToday(at) => *at == place(name),
        }
    }

    /// Whether a stranger makes as many of them as they have addresses. Of the others there are so many as places, or as browsers that are known.
    fn is_of_addresses(&self) -> bool {
        matches!(self, Self::NameAt(..) | Self::Address(_))
    }
}

#[derive(Clone, Copy)]
struct Counter {
    since: Timestamp,
    failures: u32,
}

#[derive(Default)]
struct Counters {
    of_addresses: HashMap<Key, Counter>,
    others: HashMap<Key, Counter>,
    /// When those that are over were last forgotten.
    swept: Option<Timestamp>,
}

impl Counters {
    fn of(&self, key: &Key) -> &HashMap<Key, Counter> {
        if key.is_of_addresses() {
            &self.of_addresses
        } else {
            &self.others
        }
    }

    fn of_mut(&mut self, key: &Key) -> &mut HashMap<Key, Counter> {
        if key.is_of_addresses() {
            &mut self.of_addresses
        } else {
            &mut self.others
        }
    }

    fn get(&self, key: &Key) -> Option<&Counter> {
        self.of(key).get(key)
    }

    fn retain(&mut self, keeps: impl Fn(&Key, &Counter) -> bool) {
        self.of_addresses.retain(|key, counter| keeps(key, counter));
        self.others.retain(|key, counter| keeps(key, counter));
    }

    /// Makes room.
    fn sweep(&mut self, now: Timestamp) {
        if self
            .swept
            .is_none_or(|at| now.duration_since(at) >= QUARTER)
        {
            self.retain(|key, counter| is_live(key, counter, now));
            self.swept = Some(now);
        }
        if self.of_addresses.len() >= COUNTERS {
            let mut ages: Vec<Timestamp> = self.of_addresses.values().map(|c| c.since).collect();
            let (_, &mut median, _) = ages.select_nth_unstable(COUNTERS / 2);
            self.of_addresses
                .retain(|_, counter| counter.since > median);
        }
    }
}

fn is_live(key: &Key, counter: &Counter, now: Timestamp) -> bool {
    now.duration_since(counter.since) < key.limit().1
}

/// A name that failed attempts have closed for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The first of the attempts that closed it.
    pub since: Timestamp,
    /// When it opens by itself.
    pub until: Timestamp,
    /// Whether it is closed wherever the person has not signed in before; otherwise only where it was tried.
    pub everywhere: bool,
}

impl Closed {
    /// Two that hold at once, as one.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            since: self.since.min(other.since),
            until: self.until.max(other.until),
            everywhere: self.everywhere || other.everywhere,
        }
    }
}

/// Failed sign-ins of the last quarter of an hour, and of the last day.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<Counters>);

impl Throttle {
    fn counters(&self) -> MutexGuard<'_, Counters> {
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
        counters.sweep(now);
        let begun = Counter {
            since: now,
            failures: 0,
        };
        for key in caller.keys() {
            let counter = counters.of_mut(&key).entry(key.clone()).or_insert(begun);
            if !is_live(&key, counter, now) {
                *counter = begun;
            }
            counter.failures = counter.failures.saturating_add(1);
        }
    }

    /// Takes an attempt back that turned out right.
    pub(crate) fn succeeded(&self, caller: Caller<'_>) {
        self.take_back(caller);
        let mut counters = self.counters();
        for key in caller.keys().iter().filter(|key| key.is_cleared()) {
            counters.of_mut(key).remove(key);
        }
    }

    /// Takes an attempt back of which it is not known whether it was right.
    pub(crate) fn take_back(&self, caller: Caller<'_>) {
        let mut counters = self.counters();
        for key in caller.keys() {
            if let Some(counter) = counters.of_mut(&key).get_mut(&key) {
                counter.failures = counter.failures.saturating_sub(1);
            }
        }
    }

    /// Whether attempts at this name are not looked at, from wherever they came: for those who look after people.
    pub(crate) fn closed(&self, name: &str, now: Timestamp) -> Option<Closed> {
        let counters = self.counters();
        let all = counters.of_addresses.iter().chain(&counters.others);
        let closed = all
            .filter(|(key, _)| key.is_of(name))
            .filter_map(|(key, counter)| {
                let (limit, window) = key.limit();
                let holds = counter.failures >= limit && is_live(key, counter, now);
                holds.then(|| Closed {
                    since: counter.since,
                    until: counter.since + window,
                    everywhere: matches!(key, Key::Name(_) | Key::NameToday(_)),
                })
            });
        closed.reduce(Closed::and)
    }

    /// Opens a name again everywhere.
    pub(crate) fn forgive(&self, name: &str) {
        self.counters().retain(|key, _| !key.is_of(name));
    }

    /// Failures of a name in the last day.
    pub(crate) fn failures_today(&self, name: &str) -> u32 {
        let key = Key::NameToday(place(name));
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
            Key::Name(place(self.name)),
            Key::NameToday(place(self.name)),
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
mod tests;
