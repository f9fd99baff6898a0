//! Pages and the API at 38 areas and 60 months, each beside its bare query.
//!
//! An answer is timed through the server's whole router in this process: sessions, headers, compression for who asks for
//! it (nobody here does), no network. Its bare query is the least SQL that reads the rows on which the answer stands,
//! through the same kind of pool on the same runtime, alternating with it; nothing is parsed or added up. A figure of
//! England stands on the national sums of all months ([`NATIONAL`]), figures of all areas on the last month of each
//! ([`LATEST`]), a trend of an area on all its months, an envelope on its row, the list of nodes on what each has sent by
//! now ([`TALLY`]; its ten newest statements would not do). A statement's place in those answers is looked up by the same
//! keys as in the server.

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use ldsp_aggregator::Service;
use ldsp_aggregator::benchmark::{Benchmarks, Measure};
use ldsp_aggregator::store::NewStatement;
use sqlx::query;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tower::ServiceExt as _;

use super::{Bound, Report, Scale, quantile, timed_async};
use world::World;

/// England: sums of every month.
const NATIONAL: &str = "SELECT period, part, cells FROM national_month ORDER BY period, part";
/// Areas: the last month of each.
const LATEST: &str = "SELECT m.node, m.lep, m.period, m.month, m.rho_micro, m.pledges, m.cumulative
    FROM node AS n CROSS JOIN node_month AS m
    ON m.node = n.name AND m.period = (SELECT max(period) FROM node_month WHERE node = n.name)";
/// One area: its last month.
const LAST: &str = "SELECT node, lep, period, month, rho_micro, pledges, cumulative FROM node_month
    WHERE node = 'london' ORDER BY period DESC LIMIT 1";
/// One area: all its months.
const MONTHS: &str = "SELECT period, seq, month, rho_micro, pledges, cumulative FROM node_month WHERE node = 'london'";
/// A page of the library, and what its filters count.
const SHELF: &str = "SELECT s.leaf, s.node, s.seq, s.pae, s.envelope FROM practice JOIN statement AS s ON s.leaf = practice.leaf
    WHERE public_from <= '2026-04-10' AND superseded_by IS NULL ORDER BY practice.leaf DESC LIMIT 20";
const COUNTS: &str =
    "SELECT tier, verdict, factor, count(*) FROM practice JOIN practice_cause USING (leaf)
    WHERE public_from <= '2026-04-10' AND superseded_by IS NULL GROUP BY tier, verdict, factor";
const ENTRIES: &str = "SELECT s.leaf, s.node, s.seq, s.pae, s.envelope FROM practice JOIN statement AS s ON s.leaf = practice.leaf
    WHERE public_from <= '2026-04-10' AND superseded_by IS NULL ORDER BY practice.leaf DESC LIMIT 50";
const ENTRY: &str = "SELECT s.leaf, s.node, s.seq, s.pae, s.envelope, superseded_by FROM practice JOIN statement AS s ON s.leaf = practice.leaf
    WHERE s.node = 'london' AND s.seq = $1";
const NODES: &str =
    "SELECT name, lep, state, public_key, head_seq, head_pae FROM node ORDER BY name";
const NODE: &str =
    "SELECT name, lep, state, public_key, head_seq, head_pae FROM node WHERE name = 'london'";
/// What each node has sent.
const TALLY: &str =
    "SELECT node, kind, statements, first, latest FROM statement_tally ORDER BY node, kind";
const STATEMENT: &str = "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received
    FROM statement WHERE node = 'london' AND seq = $1";
const RECEIPT: &str = "SELECT leaf FROM statement WHERE node = 'london' AND seq = $1";

/// An answer: its name in the report, its address, and the SQL of its rows, each with the sequence number that it asks for.
type Route = (&'static str, String, Vec<(&'static str, Option<i64>)>);

/// Every kind of page and every way into the API; `entry` is the sequence number of one of London's practice entries.
fn routes(entry: i64) -> Vec<Route> {
    let one = |sql| vec![(sql, None)];
    let two = |a, b| vec![(a, None), (b, None)];
    let london = "E37000051";
    vec![
        (
            "home",
            "/".into(),
            vec![(NATIONAL, None), (LATEST, None), (SHELF, None)],
        ),
        ("benchmarks", "/benchmarks".into(), one(NATIONAL)),
        (
            "measure",
            "/benchmarks/achievement".into(),
            two(NATIONAL, LATEST),
        ),
        (
            "measure.by",
            "/benchmarks/starts?by=ethnicity".into(),
            two(NATIONAL, LATEST),
        ),
        (
            "measure.trend-csv",
            "/benchmarks/achievement/trend.csv".into(),
            one(NATIONAL),
        ),
        ("leps", "/leps".into(), one(LATEST)),
        ("lep", format!("/leps/{london}"), two(MONTHS, NATIONAL)),
        (
            "lep.trend-csv",
            format!("/leps/{london}/trend.csv"),
            one(MONTHS),
        ),
        (
            "lep.figures-csv",
            format!("/leps/{london}/figures.csv"),
            one(LAST),
        ),
        ("practice", "/practice".into(), two(SHELF, COUNTS)),
        (
            "entry",
            format!("/practice/london/{entry}"),
            vec![(ENTRY, Some(entry)), (STATEMENT, Some(entry)), (LAST, None)],
        ),
        ("nodes", "/nodes".into(), two(NODES, TALLY)),
        ("api.nodes", "/api/v1/nodes".into(), two(NODES, LATEST)),
        (
            "api.benchmarks",
            "/api/v1/benchmarks".into(),
            two(NATIONAL, LATEST),
        ),
        (
            "api.benchmarks-csv",
            "/api/v1/benchmarks.csv".into(),
            two(NATIONAL, LATEST),
        ),
        ("api.lep", format!("/api/v1/leps/{london}"), one(LAST)),
        ("api.practice", "/api/v1/practice".into(), one(ENTRIES)),
        ("v1.node", "/v1/nodes/london".into(), one(NODE)),
        (
            "v1.envelope",
            "/v1/nodes/london/statements/2".into(),
            vec![(STATEMENT, Some(2))],
        ),
        (
            "v1.envelope-of-entry",
            format!("/v1/nodes/london/statements/{entry}"),
            vec![(STATEMENT, Some(entry)), (ENTRY, Some(entry))],
        ),
        (
            "v1.receipt",
            "/v1/nodes/london/statements/2/receipt".into(),
            vec![(RECEIPT, Some(2))],
        ),
    ]
}

/// Runs it: 38 areas, months up to 60, 300 practice entries.
///
/// # Panics
/// When the server does not answer as it should.
#[must_use]
pub(super) fn pages(scale: Scale) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(run(scale))
}

async fn run(scale: Scale) -> Report {
    let (steps, entries, rounds): (&[usize], _, _) = match scale {
        Scale::Full => (&[6, 12, 24, 60], 300, 300),
        Scale::Small => (&[2, 3], 40, 5),
    };
    let mut report = Report::default();
    let mut world = World::new(38).await;
    for months in steps {
        while world.months() < *months {
            let batch = world.month();
            world.append(&batch).await;
        }
        grow(&world, &mut report).await;
    }
    let library: Vec<NewStatement> = (0..entries).map(|_| world.entry()).collect();
    world.append(&library).await;
    let bench = Bench {
        router: world.router(),
        pool: pool(&world.database()).await,
    };
    let entry = library.iter().rfind(|new| new.node.as_str() == "london");
    let entry = entry.map_or(1, |new| i64::try_from(new.seq).expect("small"));
    for route in routes(entry) {
        bench.judge(&route, rounds, &mut report).await;
    }
    refreshes(&mut world, &bench, rounds.min(30), &mut report).await;
    busy(&mut world, &bench, rounds, &mut report).await;
    report
}

/// A point of the growth curves: the first load and the first front page.
async fn grow(world: &World, report: &mut Report) {
    let months = world.months() as f64;
    let before = resident();
    let fresh = Benchmarks::default();
    let (loaded, first) = timed_async(fresh.load(&world.service().store)).await;
    let loaded = loaded.expect("the store can be read");
    report.point("pages.first-load", months, millis(first), "ms");
    let (_, figures) = timed_async(async {
        let months: usize = Measure::ALL.iter().map(|m| loaded.trend(*m).len()).sum();
        months + loaded.leps().len()
    })
    .await;
    report.point("pages.first-figures", months, millis(figures), "ms");
    report.point(
        "pages.snapshot-memory",
        months,
        (resident() - before).max(0.0),
        "MB",
    );
    let router = world.router();
    get(&router, "/").await;
    let mut sample = Vec::new();
    for _ in 0..20 {
        sample.push(timed_async(get(&router, "/")).await.1);
    }
    report.point(
        "pages.home.p50",
        months,
        millis(quantile(&mut sample, 0.5)),
        "ms",
    );
}

struct Bench {
    router: Router,
    pool: SqlitePool,
}

impl Bench {
    async fn judge(&self, (name, path, sql): &Route, rounds: usize, report: &mut Report) {
        get(&self.router, path).await;
        let (mut answers, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            rows.push(timed_async(self.bare(sql)).await.1);
            answers.push(timed_async(get(&self.router, path)).await.1);
        }
        for (word, q) in [("p50", 0.5), ("p95", 0.95)] {
            let (answer, bare) = (quantile(&mut answers, q), quantile(&mut rows, q));
            report.figure(format!("pages.{name}.{word}"), millis(answer), "ms");
            report.figure(format!("pages.{name}.query.{word}"), millis(bare), "ms");
            let ratio = answer.as_secs_f64() / bare.as_secs_f64();
            report.ratio(format!("pages.{name}.{word}"), ratio, Bound::AtMost(2.0));
        }
    }

    async fn bare(&self, statements: &[(&'static str, Option<i64>)]) {
        for (sql, seq) in statements {
            let mut bound = query(*sql);
            if let Some(seq) = seq {
                bound = bound.bind(*seq);
            }
            let rows = bound.fetch_all(&self.pool).await;
            assert!(!rows.expect("the query runs").is_empty(), "{sql}");
        }
    }
}

/// What one more statement costs: the snapshot alone, and the first front page that shows it.
async fn refreshes(world: &mut World, bench: &Bench, rounds: usize, report: &mut Report) {
    let mut sums: BTreeMap<&str, (Vec<Duration>, Vec<Duration>)> = BTreeMap::new();
    for _ in 0..rounds {
        let entry = world.entry();
        one_more(world, bench, &entry, sums.entry("practice").or_default()).await;
    }
    let month = world.month();
    for summary in month.iter().take(rounds) {
        one_more(world, bench, summary, sums.entry("summary").or_default()).await;
    }
    world.append(&month[rounds.min(month.len())..]).await;
    for (kind, (mut snapshots, mut pages)) in sums {
        let p50 = quantile(&mut snapshots, 0.5);
        report.figure(format!("pages.refresh.{kind}.p50"), millis(p50), "ms");
        let p50 = quantile(&mut pages, 0.5);
        report.figure(format!("pages.refresh.{kind}.home.p50"), millis(p50), "ms");
    }
}

async fn one_more(
    world: &World,
    bench: &Bench,
    new: &NewStatement,
    (snapshots, pages): &mut (Vec<Duration>, Vec<Duration>),
) {
    world.append(std::slice::from_ref(new)).await;
    let (loaded, time) = timed_async(world.service().snapshot()).await;
    loaded.expect("the store can be read");
    snapshots.push(time);
    pages.push(timed_async(get(&bench.router, "/")).await.1);
}

/// Pages and their bare queries while statements keep arriving, one durable transaction after another: every tenth a month of
/// an area, the others practice.
async fn busy(world: &mut World, bench: &Bench, rounds: usize, report: &mut Report) {
    let visited = ["home", "measure", "lep", "api.benchmarks-csv"];
    let routes: Vec<Route> = routes(1)
        .into_iter()
        .filter(|(name, ..)| visited.contains(name))
        .collect();
    let coming: Vec<NewStatement> = (0..1520).map(|n| world.arrival(n)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(world.service().clone(), coming, Arc::clone(&stop)));
    let (answers, rows) = visits(bench, &routes, rounds).await;
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.expect("the writer runs");
    report.figure("pages.busy.statements", written as f64, "statements");
    for (word, q) in [("p50", 0.5), ("p95", 0.95)] {
        let (answer, bare) = (
            quantile(&mut answers.clone(), q),
            quantile(&mut rows.clone(), q),
        );
        report.figure(format!("pages.busy.{word}"), millis(answer), "ms");
        report.figure(format!("pages.busy.query.{word}"), millis(bare), "ms");
        let ratio = answer.as_secs_f64() / bare.as_secs_f64();
        report.ratio(format!("pages.busy.{word}"), ratio, Bound::AtMost(2.0));
    }
}

/// Answers and bare queries in turn, so that both meet the same load.
async fn visits(bench: &Bench, routes: &[Route], rounds: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..rounds.div_ceil(routes.len()) {
        for (_, path, sql) in routes {
            rows.push(timed_async(bench.bare(sql)).await.1);
            answers.push(timed_async(get(&bench.router, path)).await.1);
        }
    }
    (answers, rows)
}

/// Logs one statement a transaction until told to stop or nothing is left.
async fn write(service: Arc<Service>, coming: Vec<NewStatement>, stop: Arc<AtomicBool>) -> usize {
    let mut written = 0;
    for new in &coming {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        world::append(&service, std::slice::from_ref(new)).await;
        written += 1;
    }
    written
}

/// The whole answer of a page.
async fn get(router: &Router, path: &str) -> usize {
    let request = Request::get(path)
        .header("host", "localhost")
        .body(Body::empty());
    let response = router.clone().oneshot(request.expect("an address")).await;
    let response = response.expect("a router always answers");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let body = to_bytes(response.into_body(), usize::MAX).await;
    body.expect("the body is in memory").len()
}

async fn pool(database: &std::path::Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(8)
        .connect_with(options);
    pool.await.expect("the database exists")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Resident memory of this process in MB (proc(5), statm: the second number, in pages of 4 KiB).
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|n| n.parse().ok());
    pages.map_or(0.0, |pages: f64| pages * 4096.0 / 1e6)
}
