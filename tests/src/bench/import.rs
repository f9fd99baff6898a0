//! `ldsp-node import learners` against `sqlite3 .import` of the same file, and its memory by size.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::node::{Taken, measured, path, prepared};
use super::{Bound, Report, Scale, records, timed};

/// Most memory that an import may take, in MB.
const MEMORY: f64 = 150.0;

pub(super) fn run(scale: Scale) -> Report {
    let (largest, times) = match scale {
        Scale::Full => (1_000_000, 3),
        Scale::Small => (8_000, 1),
    };
    let dir = TempDir::new().expect("a temporary folder can be made");
    let mut report = Report::default();
    for size in [largest / 8, largest / 4, largest / 2] {
        let taken = import(dir.path(), size);
        points(&mut report, size, taken);
    }
    let file = dir.path().join("learners.csv");
    records::write(&file, largest);
    // Alternating, and the best of each: what else the machine does slows one run or the other.
    let (mut ours, mut theirs): (Option<Taken>, Duration) = (None, Duration::MAX);
    for n in 0..times {
        let taken = import_file(&dir.path().join(format!("node-{n}")), &file);
        if ours.is_none_or(|best| taken.time < best.time) {
            ours = Some(taken);
        }
        theirs = theirs.min(sqlite3(&dir.path().join("untyped.db"), &file));
    }
    let ours = ours.expect("it ran at least once");
    points(&mut report, largest, ours);
    let bytes = fs::metadata(&file).map_or(0, |about| about.len());
    report.figure("import.file", bytes as f64 / 1e6, "MB");
    report.figure("import.time", ours.time.as_secs_f64(), "s");
    report.figure("import.sqlite3", theirs.as_secs_f64(), "s");
    report.ratio(
        "import.time (node/sqlite3)",
        ours.time.as_secs_f64() / theirs.as_secs_f64(),
        Bound::AtMost(2.0),
    );
    report.ratio(
        "import.memory (peak/150MB)",
        ours.peak_mb / MEMORY,
        Bound::AtMost(1.0),
    );
    report
}

fn points(report: &mut Report, rows: u64, taken: Taken) {
    report.point("import.time", rows as f64, taken.time.as_secs_f64(), "s");
    report.point("import.memory", rows as f64, taken.peak_mb, "MB");
}

fn import(dir: &Path, rows: u64) -> Taken {
    let file = dir.join("part.csv");
    records::write(&file, rows);
    import_file(&dir.join(format!("node-of-{rows}")), &file)
}

/// Imports into a new node and forgets it again.
fn import_file(dir: &Path, file: &Path) -> Taken {
    let node = prepared(dir);
    let (outcome, taken) = measured(&node, &["import", "learners", path(file)], "");
    outcome.done();
    fs::remove_dir_all(dir).expect("a temporary folder can be removed");
    taken
}

/// The file into a table without types or keys, with sqlite3's own defaults: `synchronous=FULL` and a rollback journal.
fn sqlite3(database: &Path, file: &Path) -> Duration {
    let columns: Vec<String> = (1..=18).map(|n| format!("c{n}")).collect();
    let table = format!("CREATE TABLE untyped ({})", columns.join(", "));
    let import = format!(".import --csv --skip 1 '{}' untyped", path(file));
    let (status, time) = timed(|| {
        Command::new("sqlite3")
            .args([path(database), "PRAGMA synchronous = FULL", &table, &import])
            .status()
    });
    assert!(
        status.is_ok_and(|status| status.success()),
        "sqlite3 imports the file"
    );
    fs::remove_file(database).expect("a temporary file can be removed");
    time
}
