//! Counting a month's tables from the store against stepping through the bare columns with the same engine; and the month's release,
//! counted and protected, against the bare GROUP BY of the same tables.

use std::fs;
use std::time::Duration;

use futures::TryStreamExt as _;
use ldsp_node::disclosure::protect;
use ldsp_node::store::ledger;
use ldsp_node::store::ledger::streams::Stream;
use ldsp_protocol::accountant::{Accountant, Design, Release};
use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, Table};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
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
    let stream = Stream::new(Standard::current());
    let (mut cube, mut bare) = (Duration::MAX, Duration::MAX);
    let (mut release, mut grouped) = (Duration::MAX, Duration::MAX);
    let mut entered = 0;
    for _ in 0..times {
        let (counts, time) = timed_async(ledger::entries(
            &mut *connection,
            &codebook,
            &stream,
            period,
        ))
        .await;
        let counts = counts.expect("the store is sound");
        cube = cube.min(time);
        entered = counts.tables()[0].iter().sum();
        let ((), noise) = timed_async(async {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            protect(&counts, &[], &admitted(), &mut rng).expect("a first month can be protected");
        })
        .await;
        release = release.min(time + noise);
        grouped = grouped.min(timed_async(group(&mut *connection)).await.1);
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
    report.figure("cube.release", release.as_secs_f64(), "s");
    report.figure("cube.group-by", grouped.as_secs_f64(), "s");
    report.ratio(
        "cube.release (counted and protected/bare GROUP BY)",
        release.as_secs_f64() / grouped.as_secs_f64(),
        Bound::AtMost(1.5),
    );
    report
}

/// The accountant's word for a first month at the standard's budget.
fn admitted() -> ldsp_protocol::accountant::Admitted {
    let design = Design::of(Standard::current(), Standard::current().noise().rho_micro);
    let release = Release {
        design: &design,
        epoch: 1,
        month: 1,
        corrections: &[],
    };
    let admitted = Accountant::new().admit(&release);
    admitted.expect("a first month is within the budget")
}

/// Counts the tables as plain SQL would: one GROUP BY each.
async fn group(connection: &mut SqliteConnection) {
    for table in Standard::current().tables() {
        let columns: Vec<&str> = table
            .dimensions
            .iter()
            .filter_map(|d| column(table, *d))
            .collect();
        let keys = columns.join(", ");
        let by = if keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {keys}")
        };
        let sql = format!(
            "SELECT count(*) FROM enrolments AS e JOIN programmes AS p ON p.id = e.programme
             WHERE e.in_area = 1 AND e.enters = 1 AND {known}{by}",
            known = known(table.family),
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection);
        rows.await.expect("the columns are there");
    }
}

/// Which enrolments have the family's fact.
fn known(family: Family) -> &'static str {
    match family {
        Family::Starts => "1",
        Family::Leavers => "e.stage > 0",
        Family::Destination3 => "e.destination_3m IS NOT NULL",
        Family::Destination6 => "e.destination_6m IS NOT NULL",
        Family::Destination12 => "e.destination_12m IS NOT NULL",
        Family::Confidence => "e.confidence IS NOT NULL",
        Family::Everyday => "e.everyday IS NOT NULL",
    }
}

/// The column of a dimension; pledges have none at this node.
fn column(table: &Table, dimension: Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Area => "e.district",
        Dimension::Tier => "p.tier",
        Dimension::Skill => "e.skill",
        Dimension::Mode => "e.mode",
        Dimension::Age => "e.age",
        Dimension::Sex => "e.sex",
        Dimension::Ethnicity => "e.ethnicity",
        Dimension::Disability => "e.disability",
        Dimension::Prior => "e.prior",
        Dimension::Audience => "p.audience",
        Dimension::ProgrammeType => "p.type",
        Dimension::Pledge => return None,
        Dimension::Outcome => "e.stage",
        Dimension::Destination => match table.family {
            Family::Destination3 => "e.destination_3m",
            Family::Destination6 => "e.destination_6m",
            _ => "e.destination_12m",
        },
        Dimension::Confidence => "e.confidence",
        Dimension::Everyday => "e.everyday",
    })
}

async fn step(connection: &mut SqliteConnection) -> u64 {
    let mut stream = sqlx::query(BARE).fetch(connection);
    let mut rows = 0;
    while let Some(_row) = stream.try_next().await.expect("the columns are there") {
        rows += 1;
    }
    rows
}
