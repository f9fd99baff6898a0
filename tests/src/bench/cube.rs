//! Counting a month's tables from the store against stepping through the bare columns with the same engine.

use std::fs;
use std::time::Duration;

use futures::TryStreamExt as _;
use ldsp_node::store::ledger;
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::Codebook;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

use super::node::{path, prepared};
use super::{Bound, Report, Scale, records, timed_async};

/// Every column of an enrolment that its cells depend on.
const BARE: &str = "SELECT programme, district, in_area, enters, counted, skill, mode, age, sex, ethnicity, disability, prior, \
     start_day, end_day, stage, destination_3m, destination_6m, destination_12m, confidence, everyday FROM enrolments";

pub(super) fn run(scale: Scale) -> Report {
    let (rows, times) = match scale {
        Scale::Full => (1_000_000, 5),
        Scale::Small => (8_000, 1),
    };
    let dir = TempDir::new().expect("a temporary folder can be made");
    let node = prepared(dir.path());
    let file = dir.path().join("learners.csv");
    records::write(&file, rows);
    node.run(&["import", "learners", path(&file)]).done();
    fs::remove_file(&file).expect("a temporary file can be removed");
    let options = SqliteConnectOptions::new().filename(node.data.join("node.db"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = options.connect().await.expect("the database opens");
        measure(&mut connection, rows, times).await
    })
}

async fn measure(connection: &mut SqliteConnection, rows: u64, times: u32) -> Report {
    let codebook = Codebook::new(&records::LEP.parse().expect("a LEP's code"), &[]);
    let period: Period = records::MONTH.parse().expect("a month");
    let (mut cube, mut bare) = (Duration::MAX, Duration::MAX);
    let mut entered = 0;
    for _ in 0..times {
        let (counts, time) =
            timed_async(ledger::entries(&mut *connection, &codebook, period)).await;
        let counts = counts.expect("the store is sound");
        cube = cube.min(time);
        entered = counts.tables()[0].iter().sum();
        let (stepped, time) = timed_async(step(&mut *connection)).await;
        assert_eq!(stepped, rows, "the bare SELECT sees every enrolment");
        bare = bare.min(time);
    }
    let mut report = Report::default();
    report.figure("cube.entered", entered as f64, "enrolments");
    report.figure("cube.time", cube.as_secs_f64(), "s");
    report.figure("cube.select", bare.as_secs_f64(), "s");
    report.ratio(
        "cube.time (tables/bare SELECT)",
        cube.as_secs_f64() / bare.as_secs_f64(),
        Bound::AtMost(1.5),
    );
    report
}

async fn step(connection: &mut SqliteConnection) -> u64 {
    let mut stream = sqlx::query(BARE).fetch(connection);
    let mut rows = 0;
    while let Some(_row) = stream.try_next().await.expect("the columns are there") {
        rows += 1;
    }
    rows
}
