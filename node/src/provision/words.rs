//! Words of the coordinator's table (docs/demand.md) in what a service says of itself: whether it is about digital skills at all, and what a
//! coordinator may want to look at. Nothing is classified by them: a person says tier and skills.

use crate::demand::terms::{Entry, Match, extract};
pub(crate) use crate::import::vacancies::table;

/// Words that tell that a service is about digital skills, without telling which: they are for services, not for vacancies.
const ABOUT: [&str; 9] = [
    "digital",
    "computer",
    "computing",
    "ICT",
    "get online",
    "getting online",
    "tablet",
    "smartphone",
    "laptop",
];

/// Whether a text is about digital skills: a word of the table stands in it, or one that says as much of any service.
pub(crate) fn is_digital(text: &str, table: &[Entry]) -> bool {
    let about: Vec<Entry> = ABOUT
        .iter()
        .map(|term| Entry {
            term: (*term).to_owned(),
            tier: 0,
            skill: 0,
            weight: 1,
        })
        .collect();
    !extract(text, table).is_empty() || !extract(text, &about).is_empty()
}

/// The words of the table in a text: as they stand there, with what each may mean and how sure that is.
pub(crate) fn found<'a>(text: &'a str, table: &[Entry]) -> Vec<(&'a str, Match)> {
    let all = extract(text, table).into_iter();
    all.map(|found| (&text[found.span.0..found.span.1], found))
        .collect()
}
