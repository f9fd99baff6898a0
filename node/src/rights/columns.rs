//! Stored columns as people read them.

use std::collections::BTreeMap;

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Dimension, Family, Standard};

use crate::store::date;
use crate::store::erasure::Value;
use crate::words;

/// Columns that a code list of the standard explains.
const CODES: [(&str, &str, Dimension); 17] = [
    ("skill", "Skill", Dimension::Skill),
    ("mode", "Mode", Dimension::Mode),
    ("age", "Age at the start", Dimension::Age),
    ("sex", "Sex", Dimension::Sex),
    ("ethnicity", "Ethnicity", Dimension::Ethnicity),
    ("disability", "Disability", Dimension::Disability),
    ("prior", "Before the start", Dimension::Prior),
    ("tier", "Tier of the programme", Dimension::Tier),
    ("type", "Type of the programme", Dimension::ProgrammeType),
    ("audience", "Whom the programme is for", Dimension::Audience),
    (
        "destination_3m",
        "Three months after the end",
        Dimension::Destination,
    ),
    (
        "destination_6m",
        "Six months after the end",
        Dimension::Destination,
    ),
    (
        "destination_12m",
        "Twelve months after the end",
        Dimension::Destination,
    ),
    ("confidence", "Confidence", Dimension::Confidence),
    ("everyday", "Everyday tasks online", Dimension::Everyday),
    ("outcome", "Outcome", Dimension::Outcome),
    ("pledge", "Pledge", Dimension::Pledge),
];

/// Names of the other columns.
const NAMES: [(&str, &str); 39] = [
    ("id", "Internal number"),
    ("at", "When"),
    ("who", "By whom"),
    ("field", "What"),
    ("before", "Before"),
    ("after", "After"),
    ("provider", "Training provider"),
    ("aim", "Learning aim"),
    ("programme", "Programme"),
    ("district", "District of residence"),
    ("stage", "Stage"),
    ("start_day", "Start"),
    ("planned_end_day", "Planned end"),
    ("end_day", "End"),
    ("in_area", "Lives in the partnership\u{2019}s area"),
    ("enters", "May be counted in published figures"),
    ("counted", "Counted in published figures so far"),
    ("withheld", "Kept out of published figures after a loss"),
    ("families", "Published under this description"),
    ("settled", "The one published correction was made"),
    ("drawn", "Last counted for"),
    ("standard", "Counted under version of the data standard"),
    ("spell", "Keyed number of the enrolment"),
    ("learner", "Keyed number of the learner"),
    (
        "reference",
        "Keyed number of the provider\u{2019}s reference",
    ),
    ("own_reference", "Your provider\u{2019}s reference"),
    ("ident", "Another keyed number of the learner"),
    ("enrolment", "Of the enrolment with the internal number"),
    ("row", "Of the enrolment with the internal number"),
    ("kind", "Of what"),
    ("cohort", "Cohort"),
    ("employer", "Employer"),
    ("version", "Version, which grows with each change"),
    (
        "removed_day",
        "Not in the provider\u{2019}s record any more since",
    ),
    (
        "uln",
        "The same in full, where it is of a unique learner number",
    ),
    ("organisation", "Training provider"),
    (
        "confidence_before",
        "Confidence at the start, from 1 to 10; it goes when you are asked again",
    ),
    (
        "everyday_before",
        "Everyday tasks online at the start, of five; it goes when you are asked again",
    ),
    ("brought", "Recorded by the training provider itself"),
];

/// Names of the rows of other tables that are referred to, by column and number.
#[derive(Default)]
pub(super) struct Names(BTreeMap<(String, i64), String>);

impl Names {
    /// Notes what `column` means by `id`.
    pub(super) fn add(&mut self, column: &str, id: i64, name: String) {
        self.0.insert((column.to_owned(), id), name);
    }

    /// What `column` means by `id`.
    pub(super) fn of(&self, column: &str, id: i64) -> Option<String> {
        self.0.get(&(column.to_owned(), id)).cloned()
    }
}

/// Bits of families in words.
fn families(bits: i64) -> String {
    let standard = Standard::current();
    let titles: Vec<String> = standard
        .families()
        .iter()
        .filter(|family| {
            let at = Family::ALL.iter().position(|f| *f == family.id);
            at.is_some_and(|at| bits >> at & 1 == 1)
        })
        .map(|family| family.title.to_lowercase())
        .collect();
    if titles.is_empty() {
        "nothing".to_owned()
    } else {
        titles.join(", ")
    }
}

/// A column's name and value for people; what is empty is left out.
pub(super) fn fact(column: &str, value: &Value, names: &Names) -> Option<(String, String)> {
    if let Some((_, title, dimension)) = CODES.iter().find(|(name, ..)| *name == column) {
        return match value {
            Value::Null => None,
            Value::Number(at) => {
                let codes = &Standard::current().dimension(*dimension).codes;
                let code = usize::try_from(*at).ok().and_then(|at| codes.get(at));
                // Behind the last of the list stands "not stated".
                let words = code.map_or("Not stated", |code| &code.title);
                Some(((*title).to_owned(), words.to_owned()))
            }
            other => Some(((*title).to_owned(), raw(other))),
        };
    }
    let title = match (column, value) {
        ("reference", Value::Text(_)) => Some("Your provider\u{2019}s reference"),
        ("year", _) => Some("Teaching year that began in"),
        ("ukprn", _) => Some("UK Provider Reference Number"),
        _ => NAMES
            .iter()
            .find(|(name, _)| *name == column)
            .map(|(_, t)| *t),
    };
    let title = title.map_or_else(|| column.replace('_', " "), str::to_owned);
    let words = match (column, value) {
        (_, Value::Null) => return None,
        ("programme" | "cohort" | "employer", Value::Number(id)) => names.of(column, *id)?,
        ("district", Value::Text(code)) => district(code),
        ("stage", Value::Number(at)) => {
            let stage = usize::try_from(*at).ok();
            let stage = stage.and_then(|at| Standard::current().stages().get(at));
            stage.map_or_else(String::new, |stage| stage.title.clone())
        }
        ("in_area" | "enters" | "settled" | "brought", Value::Number(n)) => {
            if *n == 1 { "Yes" } else { "No" }.to_owned()
        }
        ("counted" | "withheld" | "families", Value::Number(bits)) => families(*bits),
        ("drawn", Value::Number(drawn)) => month(drawn >> 7),
        ("reference" | "ident", Value::Number(n)) => format!("{:016x}", n.cast_unsigned()),
        ("at", Value::Number(second)) => words::second(*second),
        (name, Value::Number(n)) if name.ends_with("_day") => {
            date(*n).map_or_else(String::new, words::day)
        }
        (_, other) => raw(other),
    };
    Some((title, words))
}

fn raw(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(n) => n.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => hex::encode(bytes),
    }
}

fn month(index: i64) -> String {
    let first: Result<Period, _> = "2000-01".parse();
    let period = first.ok().zip(i32::try_from(index).ok());
    let period = period.and_then(|(first, n)| first.plus(n));
    period.map_or_else(String::new, Period::in_words)
}

fn district(code: &str) -> String {
    let known = code.parse().ok();
    let known = known.and_then(|code: Gss| Geography::embedded().district(&code));
    known.map_or_else(|| code.to_owned(), |d| format!("{} ({code})", d.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::erasure::HOLDINGS;
    use crate::testing::World;

    /// A learner reads it: no column of a table about learners may come without words.
    #[tokio::test]
    async fn every_column_that_is_held_about_a_learner_has_a_title() {
        let world = World::new().await;
        for holding in HOLDINGS {
            let columns: Vec<(String, String)> =
                sqlx::query_as("SELECT name, type FROM pragma_table_info($1)")
                    .bind(holding.table)
                    .fetch_all(&world.store.reader)
                    .await
                    .unwrap();
            for (column, kind) in columns {
                let value = match kind.as_str() {
                    "TEXT" => Value::Text("x".to_owned()),
                    "BLOB" => Value::Bytes(vec![0; 16]),
                    _ => Value::Number(1),
                };
                let mut names = Names::default();
                names.add(&column, 1, "N".to_owned());
                let (title, _) = fact(&column, &value, &names).unwrap();
                assert!(
                    title.starts_with(char::is_uppercase),
                    "{}.{column} needs a title in rights/columns.rs",
                    holding.table
                );
            }
        }
    }
}
