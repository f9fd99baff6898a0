//! What the file about columns says, and that the data file has the same columns.

use std::collections::BTreeSet;

use super::{Reading, Table, is_name, is_where};
use crate::exchange::ees::{Column, Kind, META};

impl Reading {
    /// What the file about columns says: filters, then indicators, each with the number of its line.
    pub(super) fn columns(&mut self, meta: &Table) -> Vec<(u64, Column, String)> {
        let places: Vec<Option<usize>> = META.iter().map(|name| meta.place(name)).collect();
        let mut columns: Vec<(u64, Column, String)> = Vec::new();
        for (line, cells) in &meta.rows {
            let cell = |at: usize| places[at].map_or("", |place| cells[place].trim());
            let name = cell(0);
            let at = (*line, name);
            if !is_name(name) {
                let said = (
                    "The row names no column.",
                    "Write the name as it stands in the data file.",
                );
                self.defect("meta", (*line, "col_name"), "column-name", said);
                continue;
            }
            if columns.iter().any(|(_, column, _)| column.name == name) {
                let said = ("The column is described twice.", "Take one row out.");
                self.defect("meta", at, "column-twice", said);
                continue;
            }
            if is_where(name) {
                let said = (
                    "The column says when or where, which is not described here.",
                    "Take the row out.",
                );
                self.defect("meta", at, "column-where", said);
                continue;
            }
            if cell(2).is_empty() {
                let said = ("The column has no label.", "Write what people should read.");
                self.defect("meta", at, "label", said);
            }
            self.text("meta", at, cell(2));
            let kind = match cell(1) {
                "Filter" => {
                    if !(cell(4).is_empty() && cell(5).is_empty()) {
                        let said = (
                            "A filter has neither unit nor decimal places.",
                            "Leave indicator_unit and indicator_dp empty.",
                        );
                        self.defect("meta", at, "filter-unit", said);
                    }
                    Kind::Filter
                }
                "Indicator" => self.indicator(at, [cell(4), cell(5), cell(6), cell(7)]),
                _ => {
                    let said = (
                        "col_type is neither Filter nor Indicator.",
                        "Write one of the two.",
                    );
                    self.defect("meta", at, "column-kind", said);
                    continue;
                }
            };
            let column = Column {
                name: name.to_owned(),
                label: cell(2).to_owned(),
                kind,
            };
            columns.push((*line, column, cell(7).to_owned()));
        }
        if !columns.iter().any(|(_, column, _)| !column.is_filter()) {
            let said = (
                "No column is an indicator.",
                "Describe the columns that hold numbers.",
            );
            self.defect("meta", (1, "col_type"), "no-indicator", said);
        }
        columns.sort_by_key(|(_, column, _)| !column.is_filter());
        columns
    }

    fn indicator(&mut self, at: (u64, &str), [unit, places, hint, grouping]: [&str; 4]) -> Kind {
        if !(hint.is_empty() && grouping.is_empty()) {
            let said = (
                "An indicator has neither a filter's hint nor a grouping column.",
                "Leave filter_hint and filter_grouping_column empty.",
            );
            self.defect("meta", at, "indicator-filter", said);
        }
        if !["", "%", "\u{a3}", "\u{a3}m", "pp", "numberstring"].contains(&unit) {
            let said = (
                "The unit is none of those of explore education statistics.",
                "Use %, \u{a3}, \u{a3}m, pp, or leave it empty for a plain number.",
            );
            self.defect("meta", at, "unit", said);
        }
        let decimal = places.parse::<u8>().ok().filter(|places| *places <= 10);
        if decimal.is_none() && !places.is_empty() {
            let said = (
                "indicator_dp is no number of decimal places.",
                "Write 0, 1, 2 or leave it empty.",
            );
            self.defect("meta", at, "places", said);
        }
        Kind::Indicator {
            unit: unit.to_owned(),
            places: decimal,
        }
    }

    /// That both files speak of the same columns.
    pub(super) fn agree(&mut self, data: &Table, columns: &[(u64, Column, String)]) {
        let groupings: BTreeSet<&str> = columns.iter().map(|(.., g)| g.as_str()).collect();
        for (line, column, grouping) in columns {
            if data.place(&column.name).is_none() {
                let said = (
                    "The data file has no such column.",
                    "Correct the name, or take the row out.",
                );
                self.defect("meta", (*line, &column.name), "column-missing", said);
            }
            if !grouping.is_empty() && data.place(grouping).is_none() {
                let said = (
                    "filter_grouping_column names a column that the data file does not have.",
                    "Correct the name, or leave it empty.",
                );
                self.defect("meta", (*line, &column.name), "grouping", said);
            }
        }
        for name in &data.header {
            let described = columns.iter().any(|(_, column, _)| column.name == *name);
            if is_name(name) && !described && !is_where(name) && !groupings.contains(name.as_str())
            {
                let said = (
                    "The file about columns does not describe this column.",
                    "Add a row for it to the meta file, or take the column out.",
                );
                self.defect("data", (1, name), "column-undescribed", said);
            }
        }
    }
}
