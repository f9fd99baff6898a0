//! Which services may be the same one: rows of different sources that say the same thing. A person decides.

use std::collections::BTreeMap;

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

/// Every pair; each row is paired with the oldest of those that it agrees with, so three of a kind are two pairs.
pub(crate) fn pairs(all: &[Stored<Service>]) -> Vec<Pair> {
    let mut ordered: Vec<&Stored<Service>> = all.iter().collect();
    ordered.sort_by_key(|stored| stored.id);
    let mut by_id: BTreeMap<&str, i64> = BTreeMap::new();
    let mut by_words: BTreeMap<[String; 3], i64> = BTreeMap::new();
    let mut found = Vec::new();
    for stored in ordered {
        let other = stored.id;
        let mut first = None;
        if !stored.it.source_id.is_empty() {
            let one = *by_id.entry(&stored.it.source_id).or_insert(other);
            first = (one != other).then_some((one, Why::Identifier));
        }
        let one = *by_words.entry(words(&stored.it)).or_insert(other);
        let same = first.or((one != other).then_some((one, Why::Words)));
        found.extend(same.map(|(one, why)| Pair { one, other, why }));
    }
    found
}
