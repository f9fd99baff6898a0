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
    report.extend(again(dir.path(), largest));
    report
}

/// The file a month later: each of its rows changes an enrolment that is held, whose history says so. Beside the least that does it in SQL: the file
/// into a table, the table's rows over those that are held, a row of history each.
fn again(dir: &Path, rows: u64) -> Report {
    let (first, later) = (dir.join("learners.csv"), dir.join("later.csv"));
    records::write(&first, rows);
    records::write_later(&later, rows);
    let node = prepared(&dir.join("again"));
    node.run(&["import", "learners", path(&first)]).done();
    let (outcome, ours) = measured(&node, &["import", "learners", path(&later), "--json"], "");
    let tally = outcome.json();
    assert_eq!(tally["changed"].as_u64(), Some(rows), "{tally:#}");
    let theirs = sqlite3_again(&dir.join("held.db"), &first, &later);
    let mut report = Report::default();
    report.figure("import.again.time", ours.time.as_secs_f64(), "s");
    report.figure("import.again.sqlite3", theirs.as_secs_f64(), "s");
    report.ratio(
        "import.again (changes with history, node/sqlite3)",
        ours.time.as_secs_f64() / theirs.as_secs_f64(),
        Bound::AtMost(3.0),
    );
    report.ratio(
        "import.again.memory (peak/150MB)",
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

/// Rows by provider, reference, aim and start; those of the later file over those of the first.
fn sqlite3_again(database: &Path, first: &Path, later: &Path) -> Duration {
    let run = |commands: &[&str]| {
        let mut command = Command::new("sqlite3");
        command.args([path(database), "PRAGMA synchronous = FULL"]);
        let status = command.args(commands).status();
        assert!(status.is_ok_and(|status| status.success()), "sqlite3 runs");
    };
    let columns: Vec<String> = (1..=18).map(|n| format!("c{n}")).collect();
    let table = |name: &str| format!("CREATE TABLE {name} ({})", columns.join(", "));
    let import =
        |name: &str, file: &Path| format!(".import --csv --skip 1 '{}' {name}", path(file));
    run(&[
        &table("held"),
        &import("held", first),
        "CREATE UNIQUE INDEX held_key ON held (c1, c2, c10, c14)",
        "CREATE TABLE history (id INTEGER PRIMARY KEY, at, who, kind, row, field, before, after)",
        "CREATE INDEX history_row ON history (kind, row)",
    ]);
    let changed = "INSERT INTO history (at, who, kind, row, field, before, after)
        SELECT 1700000000, 'command line', 'enrolment', h.rowid, 'mode', h.c13, l.c13 FROM later AS l
        JOIN held AS h ON h.c1 = l.c1 AND h.c2 = l.c2 AND h.c10 = l.c10 AND h.c14 = l.c14 WHERE h.c13 != l.c13";
    let over = "UPDATE held SET c13 = l.c13, c15 = l.c15, c16 = l.c16, c17 = l.c17, c18 = l.c18 FROM later AS l
        WHERE held.c1 = l.c1 AND held.c2 = l.c2 AND held.c10 = l.c10 AND held.c14 = l.c14";
    let commands = [table("later"), import("later", later)];
    let [table, import] = commands.each_ref().map(String::as_str);
    let ((), time) = timed(|| run(&[table, import, "BEGIN", changed, over, "COMMIT"]));
    fs::remove_file(database).expect("a temporary file can be removed");
    time
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
