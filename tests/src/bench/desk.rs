//! Pages of a node that holds a million enrolments, each beside its bare query.
//!
//! An answer is timed through the server's whole router in this process: session, role table, headers; no network. Its bare query is the
//! least SQL that reads the rows on which it stands (`routes`), through the same kind of pool on the same runtime, alternating with it;
//! nothing is read out of the rows, judged or written as HTML. What stands on few rows costs its own HTML, whatever is held: such a page is judged as
//! though its query took [`LEAST`], so it has to come within twice that. Pages that count enrolments are measured twice: as people meet them, again
//! and again, and right after somebody wrote something, when what was counted before does not hold any more.

mod routes;
mod world;

use std::time::Duration;

use sqlx::{AssertSqlSafe, query};

use super::{Bound, Report, Scale, quantile, timed_async};
use routes::{Ids, Route, routes};
use world::World;

/// A query that takes less says nothing of how a page grows.
const LEAST: Duration = Duration::from_millis(5);

/// Runs it.
///
/// # Panics
/// When the server does not answer as it should.
#[must_use]
pub(super) fn desk(scale: Scale) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(run(scale))
}

async fn run(scale: Scale) -> Report {
    let (rows, rounds, writes) = match scale {
        Scale::Full => (1_000_000, 100, 5),
        Scale::Small => (4_000, 3, 2),
    };
    let mut report = Report::default();
    let world = World::new(rows).await;
    let routes = routes(&ids(&world).await);
    for route in &routes {
        quiet(&world, route, rounds, &mut report).await;
    }
    for route in routes.iter().filter(|route| route.counts) {
        busy(&world, route, writes, &mut report).await;
    }
    report
}

/// A cohort of the provider's, and somebody in it.
async fn ids(world: &World) -> Ids {
    let sql = "SELECT e.cohort, e.id FROM enrolments AS e JOIN cohorts AS c ON c.id = e.cohort WHERE e.provider = $1 ORDER BY c.code, e.id LIMIT 1";
    let found: Result<(i64, i64), _> = sqlx::query_as(sql)
        .bind(world::PROVIDER)
        .fetch_one(&world.pool)
        .await;
    let (cohort, learner) = found.expect("the provider has learners in cohorts");
    // The provider's addresses hold no numbers.
    let cohort_at = world.link("Pia", "/provider", "/provider/cohorts/").await;
    let learner_at = world.link("Pia", &cohort_at, "/provider/learners/").await;
    Ids {
        cohort,
        learner,
        cohort_at,
        learner_at,
    }
}

/// While nobody writes. A page that has to count does it once, before.
async fn quiet(world: &World, route: &Route, rounds: usize, report: &mut Report) {
    if let Err(status) = world.get(route.who, &route.path).await {
        panic!("{} answers {status}", route.path);
    }
    let (_, once) = timed_async(bare(world, route)).await;
    // What takes long need not be asked for often.
    let rounds = if once > Duration::from_millis(50) {
        rounds.div_ceil(16)
    } else {
        rounds
    };
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        rows.push(timed_async(bare(world, route)).await.1);
        answers.push(timed_async(world.get(route.who, &route.path)).await.1);
    }
    judge(route.name, answers, rows, report);
}

/// Each visit after a write.
async fn busy(world: &World, route: &Route, rounds: usize, report: &mut Report) {
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        rows.push(timed_async(bare(world, route)).await.1);
        world.write().await;
        answers.push(timed_async(world.get(route.who, &route.path)).await.1);
    }
    judge(
        &format!("{}.after-a-write", route.name),
        answers,
        rows,
        report,
    );
}

fn judge(name: &str, mut answers: Vec<Duration>, mut rows: Vec<Duration>, report: &mut Report) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    report.figure(
        format!("desk.{name}.p50"),
        millis(quantile(&mut answers, 0.5)),
        "ms",
    );
    let (answer, bare) = (quantile(&mut answers, 0.95), quantile(&mut rows, 0.95));
    report.figure(format!("desk.{name}.p95"), millis(answer), "ms");
    report.figure(format!("desk.{name}.query.p95"), millis(bare), "ms");
    let ratio = answer.as_secs_f64() / bare.max(LEAST).as_secs_f64();
    report.ratio(format!("desk.{name}.p95"), ratio, Bound::AtMost(2.0));
}

async fn bare(world: &World, route: &Route) {
    for sql in &route.sql {
        let rows = query(AssertSqlSafe(sql.as_str()))
            .fetch_all(&world.pool)
            .await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
