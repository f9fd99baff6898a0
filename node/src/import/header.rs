//! The header is checked before anything else: unknown, missing and duplicate columns.

use csv::StringRecord;

use super::faults;
use super::report::{Fault, RowProblem};
use super::rows::Places;

/// The columns of a file.
pub(super) struct Columns {
    /// All of them, in the order of the contract.
    pub(super) names: &'static [&'static str],
    /// Those that a file must have.
    pub(super) required: &'static [&'static str],
    /// Pairs of which a file must have at least one.
    pub(super) either: &'static [(&'static str, &'static str)],
}

/// Columns that people export and that must not come here, so that we can name them without
/// quoting the file.
const UNWANTED: [&str; 16] = [
    "name",
    "full_name",
    "first_name",
    "forename",
    "given_name",
    "last_name",
    "surname",
    "family_name",
    "ni_number",
    "nino",
    "national_insurance_number",
    "email",
    "phone",
    "telephone",
    "mobile",
    "address",
];

/// Whether a name, as [`plain`] writes it, is of what must not come here.
pub(super) fn is_unwanted(name: &str) -> bool {
    UNWANTED.contains(&name)
}

pub(super) fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// Finds the columns.
pub(super) fn find(header: &StringRecord, columns: &Columns) -> Result<Places, Vec<RowProblem>> {
    let names: Vec<String> = header.iter().map(plain).collect();
    let known = |name: &String| columns.names.contains(&name.as_str());
    if let Some(fault) = other_kind(&names, columns) {
        return Err(vec![fault.at(1, None)]);
    }
    if !names.iter().any(known) {
        let fault = match header.get(0) {
            Some(first) if names.len() == 1 && first.contains([';', '\t', '|']) => {
                faults::SEPARATOR
            }
            _ => faults::NO_HEADER,
        };
        return Err(vec![fault.at(1, None)]);
    }
    let mut problems = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if !known(name) {
            problems.push(unknown(at, name));
        }
    }
    let has = |name: &str| names.iter().any(|n| n == name);
    for name in columns.names {
        if names.iter().filter(|n| n == name).count() > 1 {
            problems.push(wrong(
                Some(name),
                "column-duplicate",
                "The column stands in the file twice.",
                "Keep one of them.",
            ));
        }
    }
    for name in columns.required.iter().filter(|name| !has(name)) {
        problems.push(wrong(
            Some(name),
            "column-missing",
            "The column is missing.",
            "Add it; where a value is not known its field may stay empty.",
        ));
    }
    for (one, other) in columns.either {
        if !has(one) && !has(other) {
            let remedy = format!(
                "Add `{one}` or `{other}`; where a value is not known its field may stay empty."
            );
            problems.push(RowProblem {
                remedy: remedy.into(),
                ..wrong(
                    Some(one),
                    "column-missing",
                    "The column and its alternative are missing.",
                    "",
                )
            });
        }
    }
    if problems.is_empty() {
        let place = |name: &&str| names.iter().position(|n| n == name);
        Ok(columns.names.iter().map(place).collect())
    } else {
        Err(problems)
    }
}

/// Whether the names are those of another kind of file: most columns that such a one has to have, and few of those that this one has to have.
fn other_kind(names: &[String], columns: &Columns) -> Option<Fault> {
    let most = |columns: &Columns| {
        let is_there = |name: &&&str| names.iter().any(|other| other == **name);
        let there = columns.required.iter().filter(is_there).count();
        there * 4 >= columns.required.len() * 3
    };
    if most(columns) {
        return None;
    }
    let kinds = [
        (&super::learners::HEADER, faults::LEARNERS_HERE),
        (&super::programmes::HEADER, faults::PROGRAMMES_HERE),
        (&super::demands::HEADER, faults::DEMAND_HERE),
    ];
    let other = kinds.into_iter().find(|(columns, _)| most(columns));
    other.map(|(_, fault)| fault)
}

fn wrong(
    field: Option<&'static str>,
    code: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> RowProblem {
    RowProblem {
        line: 1,
        field,
        code,
        cause: cause.into(),
        remedy: remedy.into(),
    }
}

/// A file without a header has data where the names should be: an unknown name is told by its
/// place, and by itself only when it is one that we expect.
fn unknown(at: usize, name: &str) -> RowProblem {
    let field = UNWANTED.iter().find(|unwanted| **unwanted == name).copied();
    let cause = format!(
        "Column {} ({}) is not one of this file's columns.",
        at + 1,
        letters(at)
    );
    RowProblem {
        cause: cause.into(),
        ..wrong(
            field,
            "column-unknown",
            "",
            "Remove the column, or correct its name. Names, National Insurance numbers and contact details do not belong here.",
        )
    }
}

/// The name of a column in a spreadsheet: A, B, … Z, AA, …
pub(super) fn letters(at: usize) -> String {
    let mut left = at + 1;
    let mut name = Vec::new();
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_named_as_in_a_spreadsheet() {
        let names: Vec<_> = [0, 25, 26, 51, 52, 701, 702].map(letters).into();
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
