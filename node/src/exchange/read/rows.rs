//! The rows of the data file: when, where, by what, how many.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ldsp_protocol::context::{ENGLAND, Symbol, lep_names};
use ldsp_protocol::geography::{Geography, region_name};
use ldsp_protocol::ids::Gss;

use super::{Read, Reading, Table};
use crate::exchange::ees::{Column, Level, OTHER_LEVELS, Row, Sheet};
use crate::exchange::time::Identified;

impl Reading {
    pub(super) fn rows(&mut self, data: &Table, columns: Vec<(u64, Column, String)>) -> Read {
        self.agree(data, &columns);
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|(_, column, _)| data.place(&column.name))
            .collect();
        let columns: Vec<Column> = columns.into_iter().map(|(_, column, _)| column).collect();
        let (mut rows, mut left_out) = (Vec::new(), 0);
        let mut periods = BTreeMap::new();
        let mut groups = BTreeSet::new();
        let mut seen: HashMap<(String, String, Vec<String>), u64> = HashMap::new();
        for (line, cells) in &data.rows {
            let cell = |name: &str| data.place(name).map_or("", |at| cells[at].as_str());
            let (period, identifier) = (cell("time_period"), cell("time_identifier"));
            if let Some((group, end)) = self.time(*line, period, identifier) {
                groups.insert(group);
                periods.insert(end, (period.to_owned(), identifier.to_owned()));
            }
            let level = self.level(*line, cell("geographic_level"));
            let filters = self.filters(*line, &columns, &places, cells);
            let values = self.values(*line, &columns, &places, cells);
            self.country(*line, data, cells);
            let level = match level {
                Some(Some(level)) => level,
                Some(None) => {
                    left_out += 1;
                    continue;
                }
                None => continue,
            };
            let Some(place) = self.place(*line, level, data, cells) else {
                continue;
            };
            let key = (
                period.to_owned() + identifier,
                place.0.clone(),
                filters.clone(),
            );
            if let Some(first) = seen.insert(key, *line) {
                let said = (
                    format!(
                        "The row says what line {first} says: the same time, place and filters."
                    ),
                    "Take one out, or add the filter by which they differ.",
                );
                self.defect("data", (*line, ""), "row-twice", said);
            }
            rows.push(Row {
                time: (period.to_owned(), identifier.to_owned()),
                level,
                place,
                filters,
                values,
            });
        }
        if groups.len() > 1 {
            let said = (
                format!(
                    "Periods of different kinds stand in one file: {}.",
                    groups.into_iter().collect::<Vec<_>>().join(", ")
                ),
                "Send a file for each kind.",
            );
            self.defect("data", (1, "time_identifier"), "time-mixed", said);
        }
        Read {
            sheet: Sheet { columns, rows },
            left_out,
            periods: periods.into_values().collect(),
        }
    }

    fn time(
        &mut self,
        line: u64,
        period: &str,
        identifier: &str,
    ) -> Option<(&'static str, (jiff::civil::Date, String))> {
        let Some(identified) = Identified::named(identifier) else {
            let said = (
                "This is no time identifier of explore education statistics that is read here.",
                "Write it exactly: Academic year, Financial year, Calendar year, a term, a quarter such as Academic year Q1, or a month.",
            );
            self.defect("data", (line, "time_identifier"), "time-identifier", said);
            return None;
        };
        let Some(end) = identified.end(period) else {
            let said = (
                "The period does not fit its identifier.",
                "Write 201718 for academic and financial years and their parts, 2017 for calendar years and months.",
            );
            self.defect("data", (line, "time_period"), "time-period", said);
            return None;
        };
        Some((identified.group, (end, identifier.to_owned())))
    }

    /// `Some(None)`: a level whose rows are not kept.
    fn level(&mut self, line: u64, text: &str) -> Option<Option<Level>> {
        if let Some(level) = Level::ALL.into_iter().find(|level| level.as_str() == text) {
            return Some(Some(level));
        }
        if OTHER_LEVELS.contains(&text) {
            return Some(None);
        }
        let said = (
            "This is no geographic level of explore education statistics.",
            "Write it exactly, such as Local enterprise partnership, National, Regional or Local authority district.",
        );
        self.defect("data", (line, "geographic_level"), "level", said);
        None
    }

    fn country(&mut self, line: u64, data: &Table, cells: &[String]) {
        let [code, name] = Level::National.columns();
        let said = |column: &str| data.place(column).map(|at| cells[at].as_str());
        for (column, right) in [(code, ENGLAND), (name, "England")] {
            match said(column) {
                Some(text) if text == right => {}
                // Said once for the whole file.
                None if line > data.rows[0].0 => {}
                _ => {
                    let said = (
                        "The country is not England with its code E92000001.",
                        "Fill in country_code and country_name in every row.",
                    );
                    self.defect("data", (line, column), "country", said);
                }
            }
        }
    }

    /// The row's place: its code and its name are of one place.
    fn place(
        &mut self,
        line: u64,
        level: Level,
        data: &Table,
        cells: &[String],
    ) -> Option<(String, String)> {
        let columns = level.columns();
        let said = columns.map(|column| data.place(column).map_or("", |at| cells[at].as_str()));
        if said.contains(&"") {
            let said = (
                format!(
                    "A row of the level {} has no code or no name of its place.",
                    level.as_str()
                ),
                "Fill in both columns.",
            );
            self.defect("data", (line, columns[0]), "place-missing", said);
            return None;
        }
        let [code, name] = said;
        if let Some(cause) = misplaced(level, code, name) {
            let remedy = "Write the code and the name of one place, as the Office for National Statistics publishes them.";
            self.defect("data", (line, columns[0]), "place", (cause, remedy));
            return None;
        }
        Some((code.to_owned(), name.to_owned()))
    }

    fn filters(
        &mut self,
        line: u64,
        columns: &[Column],
        places: &[Option<usize>],
        cells: &[String],
    ) -> Vec<String> {
        let filters = columns
            .iter()
            .zip(places)
            .filter(|(column, _)| column.is_filter());
        let mut values = Vec::new();
        for (column, place) in filters {
            let text = place.map_or("", |at| cells[at].trim());
            if place.is_some() && text.is_empty() {
                let said = ("A filter is blank.", "Write Total where the row is of all.");
                self.defect("data", (line, &column.name), "filter-blank", said);
            }
            self.text("data", (line, &column.name), text);
            values.push(text.to_owned());
        }
        values
    }

    fn values(
        &mut self,
        line: u64,
        columns: &[Column],
        places: &[Option<usize>],
        cells: &[String],
    ) -> Vec<Result<String, Symbol>> {
        let indicators = columns
            .iter()
            .zip(places)
            .filter(|(column, _)| !column.is_filter());
        let mut values = Vec::new();
        for (column, place) in indicators {
            let Some(place) = place else { continue };
            let text = cells[*place].as_str();
            if let Some(symbol) = Symbol::named(text) {
                values.push(Err(symbol));
                continue;
            }
            if !is_number(text) {
                let (code, cause) = match text.trim() {
                    "" => ("value-blank", "A number is blank."),
                    _ => ("value", "This is neither a number nor a symbol."),
                };
                let remedy = "Write a plain number such as 1240 or 12.5, or one of z (not applicable), x (not available), c (suppressed), low, u (low reliability).";
                self.defect("data", (line, &column.name), code, (cause, remedy));
            }
            values.push(Ok(text.to_owned()));
        }
        values
    }
}

/// Digits, with a sign and decimal places at most.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, rest)) => digits(whole) && digits(rest) && text.len() <= 24,
        None => digits(text) && text.len() <= 15,
    }
}

/// What is wrong with a code and a name that should be of one place. It names places only by what is published of them.
fn misplaced(level: Level, code: &str, name: &str) -> Option<String> {
    let no_code = |of: &str| Some(format!("The code is none of {of}."));
    let of = match level {
        // Checked in every row.
        Level::National => return None,
        Level::Regional => "a region of England",
        Level::District => "a district of England",
        Level::Lep => "a Local Enterprise Partnership",
    };
    let Ok(gss) = code.parse::<Gss>() else {
        return no_code(of);
    };
    let names = match level {
        Level::Lep => lep_names(&gss),
        Level::Regional => match gss.as_str() {
            "E13000001" => vec!["Inner London".to_owned()],
            "E13000002" => vec!["Outer London".to_owned()],
            _ => region_name(&gss).map(str::to_owned).into_iter().collect(),
        },
        _ => match Geography::embedded().district(&gss) {
            Some(district) if district.code == gss => vec![district.name.clone()],
            // Of a code that is not in use any more no name is kept.
            Some(_) => return None,
            None => Vec::new(),
        },
    };
    if names.is_empty() {
        return no_code(of);
    }
    let same = |known: &String| known.eq_ignore_ascii_case(name);
    (!names.iter().any(same)).then(|| {
        format!(
            "{code} is the code of {}, and the row names another place.",
            names.join(" or ")
        )
    })
}
