//! Which services may be the same one: rows of different sources that say the same thing. A person decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::kept::Stored;
use crate::store::providers::folded;
use crate::store::services::Service;

/// Why two rows may be the same service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Two sources give it the same identifier.
    Identifier,
    /// Organisation, name and place agree, whatever the capitals, spaces and punctuation.
    Words,
}

impl Why {
    /// Its word.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Words => "words",
        }
    }

    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Identifier => "Two sources give the same identifier",
            Self::Words => "Organisation, name and place are the same",
        }
    }
}

/// Two rows, by number, the older first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) one: i64,
    pub(crate) other: i64,
    pub(crate) why: Why,
}

/// A text as two of different sources are compared: letters and digits in words, without capitals.
pub(crate) fn plain(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    folded(&spaced)
}

/// What a service is known by where it has no identifier: organisation, name and place.
pub(crate) fn words(service: &Service) -> [String; 3] {
    [&service.organisation, &service.name, &service.place].map(|text| plain(text))
}

/// Every pair but those that somebody told apart. Each row is paired with the oldest of those that it agrees with, so three of a kind are two
/// pairs.
pub(crate) fn pairs(all: &[Stored<Service>], distinct: &BTreeSet<(i64, i64)>) -> Vec<Pair> {
    let mut ordered: Vec<&Stored<Service>> = all.iter().collect();
    ordered.sort_by_key(|stored| stored.id);
    let mut by_id: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut by_words: BTreeMap<[String; 3], Vec<i64>> = BTreeMap::new();
    let mut found = Vec::new();
    for stored in ordered {
        let other = stored.id;
        let oldest = |alike: &mut Vec<i64>| {
            let mut may_be = alike.iter().copied();
            let one = may_be.find(|one| !distinct.contains(&(*one, other)));
            alike.push(other);
            one
        };
        let mut first = None;
        if !stored.it.source_id.is_empty() {
            let one = oldest(by_id.entry(&stored.it.source_id).or_default());
            first = one.map(|one| (one, Why::Identifier));
        }
        let one = oldest(by_words.entry(words(&stored.it)).or_default());
        let same = first.or(one.map(|one| (one, Why::Words)));
        found.extend(same.map(|(one, why)| Pair { one, other, why }));
    }
    found
}
