//! What both sides collect, what nobody does, and what is late. Pure: register, files and the present month in, findings out.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::ids::Period;

use super::export::Item;
use super::time::Identified;
use crate::store::items::{Collector, DataItem, PanelFile};

/// Months that whoever collects has for working the figures out.
const GRACE: i32 = 3;

/// What is not as it should be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trouble {
    /// Two collect it.
    Twice,
    /// Nobody collects it.
    Nobody,
    /// Figures are late.
    Overdue,
    /// It came, and the register does not know it.
    NotAgreed,
}

impl Trouble {
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Twice => "Collected twice",
            Self::Nobody => "Collected by nobody",
            Self::Overdue => "Overdue",
            Self::NotAgreed => "Not agreed",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Overlap)]
pub(crate) struct Found {
    /// What is not as it should be.
    pub(crate) trouble: Trouble,
    /// Code of the data item.
    pub(crate) item: String,
    /// In a sentence or two, with what to do.
    pub(crate) words: String,
}

/// The last day of the figures of a file.
fn end(file: &PanelFile) -> Option<Date> {
    let ends = file.periods.iter();
    ends.filter_map(|(period, identifier)| Identified::named(identifier)?.end(period))
        .max()
}

/// `own`: the last month of the figures that this node can give itself.
pub(crate) fn look(
    items: &[DataItem],
    files: &[PanelFile],
    own: Option<Period>,
    today: Period,
) -> Vec<Found> {
    let mut by_code: BTreeMap<String, Vec<&DataItem>> = BTreeMap::new();
    for item in items {
        by_code
            .entry(item.item.to_lowercase())
            .or_default()
            .push(item);
    }
    let mut found = Vec::new();
    for rows in by_code.values() {
        of_item(rows, files, own, today, &mut found);
    }
    let mut strange: BTreeMap<String, &str> = BTreeMap::new();
    for file in files {
        if !by_code.contains_key(&file.item.to_lowercase()) {
            strange.insert(file.item.to_lowercase(), &file.item);
        }
    }
    found.extend(strange.into_values().map(|item| Found {
        trouble: Trouble::NotAgreed,
        item: item.to_owned(),
        words: "The panel sent figures of it, and nobody wrote down who collects it. Add it to the register.".to_owned(),
    }));
    found.sort_by(|a, b| (a.trouble, &a.item).cmp(&(b.trouble, &b.item)));
    found
}

/// `rows`: the agreements of one item, one at least.
fn of_item(
    rows: &[&DataItem],
    files: &[PanelFile],
    own: Option<Period>,
    today: Period,
    found: &mut Vec<Found>,
) {
    let code = &rows[0].item;
    let mut say = |trouble, words: String| {
        found.push(Found {
            trouble,
            item: code.clone(),
            words,
        });
    };
    let holding: Vec<&&DataItem> = rows.iter().filter(|row| row.holds(today)).collect();
    let mut who: Vec<Collector> = holding.iter().map(|row| row.collector).collect();
    who.sort_unstable();
    who.dedup();
    let came = files
        .iter()
        .filter(|file| file.item.eq_ignore_ascii_case(code));
    let last_came = came.clone().filter_map(end).max();
    if who.len() > 1 {
        let names: Vec<&str> = who.iter().map(|collector| collector.in_words()).collect();
        say(
            Trouble::Twice,
            format!(
                "{} are all written down as its collector. Agree on one and end the other agreement.",
                names.join(" and ")
            ),
        );
    } else if let [one] = who.as_slice()
        && *one != Collector::Panel
        && let Some(end) = last_came
        && holding.iter().any(|row| row.since.first_day() <= end)
    {
        say(
            Trouble::Twice,
            format!(
                "{} should collect it, and the panel sent figures of it. Agree with the panel on one of the two.",
                one.in_words()
            ),
        );
    }
    if holding.is_empty() {
        let begins = rows
            .iter()
            .map(|row| row.since)
            .filter(|since| *since > today);
        say(
            Trouble::Nobody,
            match begins.min() {
                Some(begins) => format!("Nobody collects it before {}.", begins.in_words()),
                None => "Its last agreement has ended. Agree on who goes on, or leave it be if nobody needs it.".to_owned(),
            },
        );
    }
    for row in holding {
        let last = match row.collector {
            Collector::Panel => last_came.and_then(Period::of),
            Collector::Lep if Item::named(code).is_some() => own,
            // Nobody here can see what others have.
            _ => continue,
        };
        // A figure of before the agreement is no answer to it.
        let last = last.filter(|last| *last >= row.since);
        let due = match (last, row.frequency.months()) {
            (Some(_), None) => continue,
            (Some(last), Some(months)) => last.plus(months + GRACE),
            (None, months) => row.since.plus(months.unwrap_or(0) + GRACE),
        };
        if due.is_some_and(|due| due < today) {
            let last = last.map_or_else(
                || "none came since it was agreed".to_owned(),
                |last| format!("the last ones end in {}", last.in_words()),
            );
            let next = match row.collector {
                Collector::Lep => {
                    "Figures are taken from approved releases: release the months that are missing."
                }
                _ => "Ask the panel for them.",
            };
            say(
                Trouble::Overdue,
                format!("New figures are late: {last}. {next}"),
            );
        }
    }
}
