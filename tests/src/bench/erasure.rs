//! An erasure at a million enrolments: how long until the learner's bytes have left the files, and how long others who write wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use ldsp_node::home::Node;
use ldsp_node::rights::{Asked, erase};
use tempfile::TempDir;

use super::node::{path, prepared};
use super::{Bound, Report, Scale, quantile, records, timed_async};

/// Longest that somebody who writes may wait, in seconds.
const WAIT: f64 = 3.0;
/// Between two acts of who writes, and between two turns.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn run(scale: Scale) -> Report {
    let rows = match scale {
        Scale::Full => 1_000_000,
        Scale::Small => 4_000,
    };
    let dir = TempDir::new().expect("a temporary folder can be made");
    let program = prepared(dir.path());
    let file = dir.path().join("learners.csv");
    records::write(&file, rows);
    program.run(&["import", "learners", path(&file)]).done();
    let mut lines = records::lines(1);
    let row = lines.nth(1).expect("a file has a row");
    let mut cells = row.split(',');
    let asked = Asked {
        provider: cells.next().expect("a provider").to_owned(),
        reference: cells.next().expect("a reference").to_owned(),
        uln: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(erased(&program.data, &asked))
}

async fn erased(data: &std::path::Path, asked: &Asked) -> Report {
    let now: Timestamp = "2025-01-15T10:00:00Z".parse().expect("a moment");
    let node = Node::open(data).await.expect("a node that was just made");
    let subject = asked.subject(&node).await.expect("a learner of the file");
    let mut report = Report::default();
    let bytes = std::fs::metadata(data.join("node.db")).map_or(0, |about| about.len());
    report.figure("erasure.database", bytes as f64 / 1e6, "MB");
    let (gone, time) = timed_async(erase(&node, subject, &[], "Ama", now)).await;
    assert_eq!(gone.expect("the learner is held").learners, 1);
    report.figure("erasure.time", time.as_secs_f64(), "s");
    // Another program writes meanwhile, one small act after the other.
    let other = Node::open(data).await.expect("a node that was just made");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(other, now, Arc::clone(&stop)));
    let mut turns = 0;
    let (clean, time) = timed_async(async {
        loop {
            turns += 1;
            match node.store.scrub().await {
                Ok(true) => return true,
                // Whoever writes stands in the way for a moment: the server's next turn.
                Ok(false) if turns < 200 => tokio::time::sleep(PAUSE).await,
                _ => return false,
            }
        }
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = writer.await.expect("the writer runs");
    assert!(clean, "the files are clean after {turns} turns");
    report.figure("erasure.scrub", time.as_secs_f64(), "s");
    report.figure("erasure.writes", waits.len() as f64, "writes");
    report.figure(
        "erasure.write.p50",
        quantile(&mut waits, 0.5).as_secs_f64() * 1e3,
        "ms",
    );
    let longest = quantile(&mut waits, 1.0).as_secs_f64();
    report.figure("erasure.write.longest", longest, "s");
    report.ratio(
        "erasure.blocked (longest wait/3 s)",
        longest / WAIT,
        Bound::AtMost(1.0),
    );
    report
}

/// How long each small write took.
async fn write(node: Node, now: Timestamp, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let (done, time) = timed_async(node.store.audit(now, "Ama", "bench", "a small act")).await;
        done.expect("a write waits and is done");
        waits.push(time);
        // People do not write all the time.
        tokio::time::sleep(PAUSE).await;
    }
    waits
}
