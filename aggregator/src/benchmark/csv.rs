//! Figures as a tidy CSV: one row per figure, symbols instead of blanks.

use ldsp_ui::csv_text;

use super::{Finding, Shown};

/// Header of the table; `z` not applicable or not due yet, `low` too few to say.
const HEADER: [&str; 23] = [
    "place_code",
    "place",
    "dimension",
    "code",
    "title",
    "measure",
    "from",
    "to",
    "value",
    "low_95",
    "high_95",
    "base",
    "estimate",
    "standard_error",
    "leps_contributed",
    "leps_partial",
    "leps_late",
    "leps_missing",
    "leps_left_out",
    "leps_two_standards",
    "leps",
    "lep_months",
    "lep_months_of",
];

/// Writes `findings` as CSV. Shares are between 0 and 1; `estimate` and `standard_error` are
/// unrounded and may be negative: use them to add figures up.
///
/// # Errors
/// Does not happen: the writer is a buffer in memory.
pub fn to_csv<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let z = || "z".to_owned();
    for f in findings {
        let share = |x: f64| format!("{x:.4}");
        let [value, low, high, base] = match f.shown {
            Shown::Count { value, low, high } => {
                [value.to_string(), low.to_string(), high.to_string(), z()]
            }
            Shown::Rate {
                value,
                low,
                high,
                base,
            } => [share(value), share(low), share(high), base.to_string()],
            Shown::TooFew => ["low".to_owned(), "low".to_owned(), "low".to_owned(), z()],
            Shown::NotDue => [z(), z(), z(), z()],
        };
        let [estimate, se] = f.raw.map_or_else(
            || {
                if f.shown == Shown::NotDue {
                    [z(), z()]
                } else {
                    ["low".to_owned(), "low".to_owned()]
                }
            },
            |raw| [share(raw.estimate), share(raw.se)],
        );
        let (dimension, code, title) = f.slice.as_ref().map_or_else(
            || (z(), z(), "All".to_owned()),
            |s| (dimension_id(s.dimension), s.code.clone(), s.title.clone()),
        );
        let c = f.coverage;
        writer.write_record([
            text(&f.place.code),
            text(&f.place.name),
            text(&dimension),
            text(&code),
            text(&title),
            f.measure.id().to_owned(),
            f.range.from.to_string(),
            f.range.to.to_string(),
            value,
            low,
            high,
            base,
            estimate,
            se,
            c.contributed.to_string(),
            c.partial.to_string(),
            c.late.to_string(),
            c.missing.to_string(),
            c.left_out.to_string(),
            c.two_standards.to_string(),
            c.of.to_string(),
            c.months.to_string(),
            c.of_months.to_string(),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|e| csv::Error::from(e.into_error()))
}

fn text(cell: &str) -> String {
    csv_text(cell).into_owned()
}

/// A dimension's id as the standard writes it.
fn dimension_id(dimension: ldsp_protocol::standard::Dimension) -> String {
    match serde_json::to_value(dimension) {
        Ok(serde_json::Value::String(id)) => id,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use ldsp_protocol::standard::Dimension;

    use super::super::{Coverage, Figures, Measure, Place, Range, Slice};
    use super::*;

    #[test]
    fn names_are_no_formulas_and_numbers_stay_numbers() {
        let month = "2026-10".parse().unwrap();
        let finding = Finding {
            measure: Measure::Starts,
            place: Place {
                code: "E37000001".into(),
                name: "=HYPERLINK(\"https://evil.example\")".into(),
            },
            slice: Some(Slice {
                dimension: Dimension::Area,
                code: "+1".into(),
                title: "@SUM(A1)".into(),
            }),
            range: Range {
                from: month,
                to: month,
            },
            coverage: Coverage {
                months: 7,
                of_months: 9,
                ..Figures::default().coverage()
            },
            shown: Shown::TooFew,
            raw: Some(super::super::Standing {
                estimate: -3.5,
                se: 2.0,
            }),
        };
        let csv = String::from_utf8(to_csv([&finding]).unwrap()).unwrap();
        let row = csv.lines().nth(1).unwrap();
        assert!(row.contains("\"'=HYPERLINK("), "{row}");
        assert!(row.contains(",'+1,'@SUM(A1),"), "{row}");
        assert!(row.contains(",low,low,low,z,-3.5000,2.0000,"), "{row}");
        assert!(row.ends_with(",38,7,9"), "{row}");
    }
}
