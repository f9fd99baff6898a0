//! The ONS Postcode Directory or National Statistics Postcode Lookup: postcode and district of each
//! row; the other columns are not looked at.

use csv::StringRecord;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;

use super::faults;
use super::report::RowProblem;
use super::rows::{Places, Row};
use super::values::Postcode;

/// Our names for the two columns.
pub const COLUMNS: &[&str] = &["postcode", "district"];
const POSTCODE: usize = 0;
const DISTRICT: usize = 1;

/// Finds the two columns under the names that ONS has used over the years.
pub(super) fn header(header: &StringRecord) -> Result<Places, Vec<RowProblem>> {
    let names: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    let find = |is: &dyn Fn(&str) -> bool| names.iter().position(|name| is(name));
    let postcode = ["pcds", "pcd", "pcd2", "pcd7", "pcd8", "postcode"]
        .iter()
        .find_map(|wanted| find(&|name| name == *wanted));
    let district = find(&is_district);
    let mut problems = Vec::new();
    for (place, at, ons) in [
        (postcode, POSTCODE, "pcds"),
        (district, DISTRICT, "oslaua, laua or lad22cd"),
    ] {
        if place.is_none() {
            problems.push(RowProblem {
                line: 1,
                field: Some(COLUMNS[at]),
                code: "column-missing",
                cause: format!("No column of this file is named as ONS names it: {ons}.").into(),
                remedy: "Use the CSV file of the ONS Postcode Directory or of the National Statistics Postcode Lookup.".into(),
            });
        }
    }
    if problems.is_empty() {
        Ok(vec![postcode, district])
    } else {
        Err(problems)
    }
}

/// `oslaua`, `laua`, `lad22cd` and the like.
fn is_district(name: &str) -> bool {
    let year = name
        .strip_prefix("lad")
        .and_then(|rest| rest.strip_suffix("cd"));
    ["oslaua", "laua", "ladcd", "district"].contains(&name)
        || year.is_some_and(|year| year.len() == 2 && year.bytes().all(|b| b.is_ascii_digit()))
}

/// What a row says.
pub(super) enum Draft {
    /// A postcode and its live district.
    Here(String, Gss),
    /// A postcode without a district of the United Kingdom.
    Elsewhere,
    /// A row that cannot be read.
    Wrong(Vec<RowProblem>),
}

/// Reads one row.
pub(super) fn draft(mut row: Row<'_>) -> Draft {
    if row.whole {
        let postcode = Postcode::read(row.text(POSTCODE));
        if postcode.is_none() {
            row.problem(POSTCODE, faults::POSTCODE_FORM);
        }
        let text = row.text(DISTRICT);
        // The Channel Islands and the Isle of Man have codes L99999999 and M99999999, and a
        // postcode without a place has none.
        let elsewhere =
            text.is_empty() || text.starts_with(['L', 'M']) || text.ends_with("99999999");
        let district = text.parse::<Gss>();
        if !elsewhere && district.is_err() {
            row.problem(DISTRICT, faults::DISTRICT_FORM);
        }
        if let (Some(postcode), true) = (postcode, row.problems.is_empty()) {
            return match district {
                Ok(code) if !elsewhere => {
                    let district = Geography::embedded().current(&code).clone();
                    Draft::Here(postcode.as_str().to_owned(), district)
                }
                _ => Draft::Elsewhere,
            };
        }
    }
    Draft::Wrong(row.problems)
}
