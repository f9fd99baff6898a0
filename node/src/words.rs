//! Figures, dates and codes as people read them.

use jiff::Timestamp;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::measures::{Count, Estimate};
use ldsp_protocol::standard::{Codebook, Dimension, NOT_STATED, Standard, Table};
use ldsp_protocol::statement::Kind;

use crate::schedule::london;
use crate::store::ledger::streams::Stream;
use crate::store::overview::StatementRow;

/// `5 April 2022, 06:00`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned(london())
        .strftime("%-d %B %Y, %H:%M")
        .to_string()
}

/// The same from seconds since 1970-01-01 UTC.
pub(crate) fn second(at: i64) -> String {
    Timestamp::from_second(at).map_or_else(|_| "at an unknown time".to_owned(), moment)
}

/// `27 March 2027`.
pub(crate) fn day(date: jiff::civil::Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `1,240`.
pub(crate) fn count(n: impl TryInto<i128>) -> String {
    let n: i128 = n.try_into().unwrap_or(i128::MAX);
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 {
        format!("\u{2212}{text}")
    } else {
        text
    }
}

/// How a data standard takes over from an earlier one, for people.
pub(crate) fn turn(old: &Stream, new: &Stream) -> String {
    let month = |period: Option<Period>| period.map_or_else(String::new, Period::in_words);
    format!(
        "Two data standards are in use. An enrolment is counted under one of them for ever: those of which something was published before {} stay under {}, and what becomes known of them is published there up to {}; everybody else is counted under {}. No enrolment is in both, and nothing is counted again. That last month was fixed when the new standard began and does not depend on who is left by then, because an end that did would tell of them. What becomes known of them later stays at this node.",
        month(new.first),
        old.standard.title(),
        month(old.last),
        new.standard.title(),
    )
}

/// `1 table`, `26 tables`.
pub(crate) fn some(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n as u64), if n == 1 { one } else { many })
}

/// A sentence as it stands in the middle of another one.
pub(crate) fn begun_small(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    first
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(letters)
        .collect()
}

/// An estimate for people: the figure, or that it is too small to say.
pub(crate) fn figure(estimate: Estimate) -> String {
    match estimate.display() {
        Count::TooFew => "too few to say".to_owned(),
        Count::Shown { value, .. } => count(value),
    }
}

/// Its 95 % interval, clamped at 0: `1,180 to 1,300`.
pub(crate) fn interval(estimate: Estimate) -> String {
    let (low, high) = estimate.interval();
    let whole = |x: f64| count(x.round().max(0.0) as u64);
    format!("{} to {}", whole(low), whole(high))
}

/// Both: `1,240 (1,180 to 1,300)`.
pub(crate) fn published(estimate: impl Into<Estimate>) -> String {
    let estimate = estimate.into();
    format!("{} ({})", figure(estimate), interval(estimate))
}

/// A difference: `+12`, `−3`, `0`.
pub(crate) fn signed(difference: f64) -> String {
    let whole = difference.round() as i64;
    let sign = if whole > 0 { "+" } else { "" };
    format!("{sign}{}", count(whole))
}

/// A change with its 95 % interval: `+120 (+60 to +180)`, or that none can be made out.
pub(crate) fn change(estimate: impl Into<Estimate>) -> String {
    let estimate = estimate.into();
    let (low, high) = estimate.interval();
    let span = format!("{} to {}", signed(low), signed(high));
    if low <= 0.0 && high >= 0.0 {
        format!("no clear change ({span})")
    } else {
        format!("{} ({span})", signed(estimate.value))
    }
}

/// `65.5%`; `under 0.1%`.
pub(crate) fn percent(part: f64) -> String {
    if part < 0.001 {
        "under 0.1%".to_owned()
    } else {
        format!("{:.1}%", 100.0 * part)
    }
}

/// `Ama`, `Ama or Ben`, `Ama, Ben or Cy`.
pub(crate) fn either(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        one => one.concat(),
    }
}

/// Who prepared a release.
pub(crate) fn author(name: &str) -> String {
    if name == crate::release::SCHEDULE {
        "the timetable".to_owned()
    } else {
        name.to_owned()
    }
}

/// In which role somebody reads a page that is for another one.
pub(crate) fn signed_in_as(person: &ldsp_ui::SignedIn) -> String {
    let role = crate::store::people::Role::named(person.role.as_str());
    let role = role.map_or_else(|| person.role.to_string(), |role| role.with_article());
    format!("You are signed in as {role}.")
}

/// First letter up, a full stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut whole: String = chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default();
    if !whole.is_empty() && !whole.ends_with(['.', '?', '!']) {
        whole.push('.');
    }
    whole
}

/// What a statement of this node is.
pub(crate) fn statement(row: &StatementRow) -> String {
    let month = row.period.map_or_else(String::new, Period::in_words);
    match (row.kind, &row.names) {
        (Kind::LearningSummary, _) => format!("Monthly figures of {month}"),
        (Kind::Correction, _) => format!("{month}, published again"),
        (Kind::Withdrawal, Some((target, _))) => format!("Withdrawal of statement {target}"),
        (Kind::Withdrawal, None) => "Withdrawal".to_owned(),
        (Kind::DemandSummary, _) => "What is asked for in the area".to_owned(),
        (Kind::ProvisionSummary, _) => "What is offered in the area".to_owned(),
        (Kind::QuestionnaireAnswers, _) => "Answers to a questionnaire".to_owned(),
        _ => "Practice entry".to_owned(),
    }
}

/// A LEP's name.
pub(crate) fn lep(code: &Gss) -> String {
    Geography::embedded()
        .lep(code)
        .map_or_else(|| code.to_string(), |lep| lep.name.clone())
}

/// A code of a dimension as people read it.
pub(crate) fn code(dimension: Dimension, id: &str) -> String {
    match dimension {
        _ if id == NOT_STATED => "Not stated".to_owned(),
        Dimension::Area => {
            let district = id
                .parse()
                .ok()
                .and_then(|code: Gss| Geography::embedded().district(&code));
            district.map_or_else(|| id.to_owned(), |d| d.name.clone())
        }
        Dimension::Pledge if id == "none" => "No pledge".to_owned(),
        other => Standard::current()
            .dimension(other)
            .codes
            .iter()
            .find(|c| c.id == id)
            .map_or_else(|| id.to_owned(), |c| c.title.clone()),
    }
}

/// The codes of cell number `cell` in words, one for each dimension.
pub(crate) fn cell(codebook: &Codebook, table: &Table, cell: usize) -> Vec<String> {
    let position = ldsp_protocol::additivity::positions(&codebook.shape(table), cell);
    table
        .dimensions
        .iter()
        .zip(position)
        .map(|(dimension, at)| {
            let codes = codebook.codes(*dimension);
            codes
                .get(at)
                .map_or_else(String::new, |id| code(*dimension, id))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(0u64), "0");
        assert_eq!(count(999u64), "999");
        assert_eq!(count(1_234_567u64), "1,234,567");
        assert_eq!(count(-1_234i64), "\u{2212}1,234");
        let estimate = Estimate {
            value: 1_240.4,
            se: 30.0,
        };
        assert_eq!(
            (figure(estimate), interval(estimate)),
            ("1,240".into(), "1,182 to 1,299".into())
        );
        assert_eq!(published(estimate), "1,240 (1,182 to 1,299)");
        assert_eq!(change(estimate), "+1,240 (+1,182 to +1,299)");
        let small = Estimate {
            value: 4.0,
            se: 9.0,
        };
        assert_eq!(
            (figure(small), interval(small)),
            ("too few to say".into(), "0 to 22".into())
        );
        assert_eq!(change(small), "no clear change (\u{2212}14 to +22)");
        assert_eq!(either(&["Ama", "Ben", "Cy"]), "Ama, Ben or Cy");
        assert_eq!(
            sentence("the key is not approved"),
            "The key is not approved."
        );
    }

    #[test]
    fn moments_are_in_london_time() {
        assert_eq!(
            moment("2022-06-01T05:00:00Z".parse().unwrap()),
            "1 June 2022, 06:00"
        );
        assert_eq!(
            moment("2022-12-01T06:00:00Z".parse().unwrap()),
            "1 December 2022, 06:00"
        );
    }
}
