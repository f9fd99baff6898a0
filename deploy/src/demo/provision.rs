//! What there is to learn in an area, as a coordinator lists it: a service for each of the first programmes that the published figures were
//! expanded into, and a library of another source that may be the same as one of them.

use std::io::Cursor;

use anyhow::ensure;
use jiff::ToSpan as _;
use ldsp_node::app::Context;
use ldsp_node::home::Node;
use ldsp_node::import::report::Outcome;
use ldsp_node::import::{self, Options, london_day};

use super::area::COORDINATOR;
use crate::records::LepRecords;

/// Services of an area at most.
const SERVICES: usize = 6;
/// Runs that a programme's places are spread over.
const RUNS: u32 = 4;
/// Months since each was checked last: most are fresh, and some have to be asked about.
const CHECKED: [i32; SERVICES] = [1, 9, 2, 4, 13, 3];

/// Columns of the file.
const COLUMNS: [&str; 17] = [
    "name",
    "organisation",
    "description",
    "tier",
    "skills",
    "audience",
    "mode",
    "place",
    "places",
    "starts",
    "start",
    "end",
    "cost",
    "public",
    "assured_date",
    "assured_by",
    "source",
];

/// Brings them in as a file, as the page Import does.
pub(super) async fn describe(
    node: &Node,
    records: &LepRecords,
    context: &Context,
) -> anyhow::Result<()> {
    let now = (context.clock)();
    let today = london_day(now);
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(COLUMNS)?;
    let programmes = records.programmes().iter().take(SERVICES);
    for (at, programme) in programmes.enumerate() {
        let checked = today.saturating_sub(CHECKED[at].months());
        let (place, mode) = if at % 3 == 2 {
            ("Online", "online")
        } else {
            ("Central library", "face-to-face")
        };
        // Of the last one nobody has said yet what it teaches.
        let tier = if at + 1 == SERVICES {
            ""
        } else {
            programme.tier.code()
        };
        let skills = match (tier, programme.focus) {
            ("", _) => "",
            (_, Some(focus)) => focus,
            ("basic", None) => "foundation; communicating",
            (_, None) => "workplace",
        };
        let public = if at % 2 == 0 { "yes" } else { "no" };
        let name = programme.name;
        let description = format!("As programme {} (illustrative)", programme.programme);
        let places = (programme.capacity / RUNS).max(1).to_string();
        let (start, end) = (programme.start.to_string(), programme.end.to_string());
        let checked = checked.to_string();
        file.write_record([
            name,
            &programme.provider,
            &description,
            tier,
            skills,
            programme.audience,
            mode,
            place,
            &places,
            &RUNS.to_string(),
            &start,
            &end,
            "0.00",
            public,
            &checked,
            "Adult learning team",
            "",
        ])?;
        if at == 0 {
            let again = name.to_uppercase();
            let mut row = [""; COLUMNS.len()];
            (row[0], row[1], row[7]) = (&again, &programme.provider, place);
            row[COLUMNS.len() - 1] = "County directory (illustrative)";
            file.write_record(row)?;
        }
    }
    let file = file.into_inner()?;
    let options = Options {
        who: COORDINATOR.to_owned(),
        ..Options::default()
    };
    let report = import::services(&node.store, Cursor::new(file), &options, now).await?;
    ensure!(
        report.outcome == Outcome::Stored,
        "the list of services was refused: {:?}",
        report.problems
    );
    Ok(())
}
