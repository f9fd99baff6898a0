//! From a file to an approved release, at sizes up to ten million enrolments: time follows the number of rows.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::node::{import_lists, measured, path};
use super::{Bound, Report, Scale, records};
use crate::world::{Federation, Node};

/// Most that a row may take at the largest size, of what it takes at the second; at the smallest, what every run takes once weighs in.
const GROWTH: f64 = 1.3;

pub(super) fn run(scale: Scale) -> Report {
    let sizes: &[u64] = match scale {
        Scale::Full => &[100_000, 1_000_000, 3_000_000, 10_000_000],
        Scale::Small => &[1_000, 2_000, 8_000],
    };
    let mut report = Report::default();
    let mut a_row = Vec::new();
    for size in sizes {
        let federation = Federation::new();
        let node = federation.join("large", records::LEP);
        a_row.push(whole(&federation, &node, *size, &mut report) / *size as f64);
    }
    if let [_, second, .., last] = a_row[..] {
        report.ratio(
            "growth (a row at 10M/at 1M)",
            last / second,
            Bound::AtMost(GROWTH),
        );
    }
    report
}

/// Seconds from the start of the import to the approved release.
fn whole(federation: &Federation, node: &Node, rows: u64, report: &mut Report) -> f64 {
    let dir: &Path = federation.dir.path();
    let quiet = node.program.clone().with("RUST_LOG", "warn");
    import_lists(&quiet, dir);
    let file = dir.join("learners.csv");
    records::write(&file, rows);
    let (outcome, import) = measured(&quiet, &["import", "learners", path(&file)], "");
    outcome.done();
    fs::remove_file(&file).expect("a temporary file can be removed");
    let (coordinator, approver) = (
        format!("{}\n", node.coordinator.secret),
        format!("{}\n", node.approver.secret),
    );
    let arguments = [
        "release",
        "prepare",
        "--json",
        "--as",
        &node.coordinator.name,
        "--first",
        records::MONTH,
    ];
    let (outcome, prepare) = measured(&quiet, &arguments, &coordinator);
    let prepared = outcome.json();
    let digest = prepared["digest"]
        .as_str()
        .expect("a prepared month has a digest");
    let arguments = [
        "release",
        "approve",
        "--as",
        &node.approver.name,
        "--digest",
        digest,
    ];
    let (outcome, approve) = measured(&quiet, &arguments, &approver);
    outcome.done();
    let size = rows as f64;
    let seconds = |time: Duration| time.as_secs_f64();
    let total = seconds(import.time + prepare.time + approve.time);
    for (name, taken) in [
        ("import", import),
        ("prepare", prepare),
        ("approve", approve),
    ] {
        report.point(format!("growth.{name}"), size, seconds(taken.time), "s");
        report.point(format!("growth.{name}.memory"), size, taken.peak_mb, "MB");
    }
    report.point("growth.total", size, total, "s");
    report.point("growth.row", size, total / size * 1e6, "us");
    total
}
