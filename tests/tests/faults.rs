//! Processes that die, servers that are away, disks that are full: nothing acknowledged is lost, nothing counts twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use ldsp_tests::disk::SmallDisk;
use ldsp_tests::gate::{Event, Mode};
use ldsp_tests::held::{one, rows};
use ldsp_tests::http::Http;
use ldsp_tests::input;
use ldsp_tests::program::Running;
use ldsp_tests::world::{Federation, Node, path};
use serde_json::Value;

const SLUG: &str = "cornwall-scilly";
const LEP: &str = "E37000005";

fn scene() -> (Federation, Node) {
    let federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    node.import(&programmes, &learners);
    (federation, node)
}

/// Both sides hold `n` statements, each with a receipt, and the chain at the aggregator is the node's.
fn agrees(federation: &Federation, node: &Node, n: u64) {
    assert_eq!(federation.logged(SLUG), n);
    assert_eq!(rows(node, "outbox"), i64::try_from(n).unwrap());
    assert_eq!(rows(node, "outbox WHERE receipt IS NULL"), 0);
    for seq in 1..=n {
        let sent = one::<Vec<u8>>(
            node,
            &format!("SELECT envelope FROM outbox WHERE seq = {seq}"),
        );
        assert_eq!(
            federation.envelope(SLUG, seq),
            sent,
            "statement {seq} is the node's, byte for byte"
        );
    }
}

#[test]
fn an_aggregator_that_is_away_costs_nothing() {
    let (mut federation, node) = scene();
    node.release();
    federation.gate.set(Mode::Closed);
    node.publish().refused();
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 1);
    node.release();

    federation.gate.set(Mode::Open);
    federation.kill();
    node.publish().refused();
    federation.start();
    node.publish().done();
    agrees(&federation, &node, 2);
    // Nothing is left to send, and saying so is no failure.
    node.publish().done();
    agrees(&federation, &node, 2);
}

#[test]
fn a_node_killed_before_the_answer_sends_the_same_bytes_again() {
    let (federation, node) = scene();
    node.release();
    federation.gate.set(Mode::HoldAnswer);
    let publishing = node.program.start(&["publish"]);
    assert_eq!(federation.gate.event(), Event::Answered);
    assert_eq!(publishing.kill().code, None, "killed, not ended");
    federation.gate.set(Mode::Open);
    assert_eq!(federation.logged(SLUG), 1, "the aggregator had taken it");
    assert_eq!(
        rows(&node, "outbox WHERE receipt IS NULL"),
        1,
        "the node does not know"
    );
    node.publish().done();
    agrees(&federation, &node, 1);
}

#[test]
fn a_node_killed_half_way_through_a_statement_sends_it_whole_later() {
    let (federation, node) = scene();
    node.release();
    federation.gate.set(Mode::CutRequest);
    let publishing = node.program.start(&["publish"]);
    assert_eq!(federation.gate.event(), Event::Cut);
    publishing.kill();
    federation.gate.set(Mode::Open);
    assert_eq!(federation.logged(SLUG), 0, "half a statement is none");
    node.publish().done();
    agrees(&federation, &node, 1);
}

#[test]
fn an_aggregator_killed_before_or_after_its_commit_loses_nothing() {
    let (mut federation, node) = scene();
    node.release();
    federation.gate.set(Mode::CutRequest);
    let publishing = node.program.start(&["publish"]);
    assert_eq!(federation.gate.event(), Event::Cut);
    federation.kill();
    publishing.kill();
    federation.gate.set(Mode::Open);
    federation.start();
    assert_eq!(federation.logged(SLUG), 0);

    federation.gate.set(Mode::HoldAnswer);
    let publishing = node.program.start(&["publish"]);
    assert_eq!(federation.gate.event(), Event::Answered);
    federation.kill();
    publishing.kill();
    federation.gate.set(Mode::Open);
    federation.start();
    assert_eq!(federation.logged(SLUG), 1, "what was answered is durable");
    let receipt = federation
        .http()
        .get(&format!("/v1/nodes/{SLUG}/statements/1/receipt"));
    assert_eq!(receipt.status, 200);

    node.publish().done();
    node.release();
    node.publish().done();
    agrees(&federation, &node, 2);
}

/// Feeds `file` into a pipe up to `bytes`, so that the reader waits for more, and says when the reader has taken them.
fn feed(pipe: &Path, file: &[u8], bytes: usize) -> fs::File {
    let mut end = fs::OpenOptions::new().write(true).open(pipe).unwrap();
    end.write_all(&file[..bytes]).unwrap();
    end
}

#[test]
fn a_node_killed_in_an_import_holds_all_of_it_or_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let node = Node::new(dir.path(), SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    let file = node.file("programmes.csv", &programmes);
    node.program
        .run(&["import", "programmes", path(&file)])
        .done();

    // The file is a pipe that never ends: the program is half-way through when it is killed.
    let pipe = file.with_file_name("learners.pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let importing: Running = node.program.start(&["import", "learners", path(&pipe)]);
    let held_open = feed(&pipe, &learners, learners.len() - 100);
    importing.kill();
    drop(held_open);
    assert_eq!(rows(&node, "enrolments"), 0);

    let file = node.file("learners.csv", &learners);
    node.program
        .run(&["import", "learners", path(&file)])
        .done();
    let held = rows(&node, "enrolments");
    assert_eq!(
        held,
        i64::try_from(input::records(LEP, 3).enrolments()).unwrap()
    );
    node.program
        .run(&["import", "learners", path(&file)])
        .done();
    assert_eq!(
        rows(&node, "enrolments"),
        held,
        "the same file twice changes nothing"
    );
}

/// Kills a command as soon as its database's write-ahead log has grown by `bytes`; false when it ended first.
fn kill_after_writing(mut running: Running, node: &Node, bytes: u64) -> bool {
    let wal = node.program.data.join("node.db-wal");
    let size = || fs::metadata(&wal).map_or(0, |m| m.len());
    let before = size();
    while !running.ended() {
        if size() >= before + bytes {
            return running.kill().code.is_none();
        }
        std::hint::spin_loop();
    }
    false
}

#[test]
fn a_node_killed_while_it_draws_or_approves_draws_and_signs_once() {
    let (federation, node) = scene();
    let mut killed = 0;
    for bytes in [1, 60_000] {
        let preparing = node.start_as(
            &node.coordinator,
            &["release", "prepare", "--first", input::FIRST],
        );
        killed += i32::from(kill_after_writing(preparing, &node, bytes));
        // All of a release or nothing of it.
        assert_eq!(rows(&node, "ledger_months"), rows(&node, "releases"));
        if rows(&node, "releases WHERE approver IS NULL") == 0 {
            let _drawn = node.prepare();
        }
        let drawn = one::<Vec<u8>>(
            &node,
            "SELECT payload FROM release_statements ORDER BY period DESC LIMIT 1",
        );
        let digest = node.prepare();
        let approve = ["release", "approve", "--digest", &digest];
        let approving = node.start_as(&node.approver, &approve);
        killed += i32::from(kill_after_writing(approving, &node, 1));
        assert_eq!(
            rows(&node, "releases WHERE approver IS NOT NULL"),
            rows(&node, "outbox")
        );
        if rows(&node, "releases WHERE approver IS NULL") == 1 {
            node.run_as(&node.approver, &approve).done();
        }
        let sent = one::<Vec<u8>>(
            &node,
            "SELECT payload FROM release_statements ORDER BY period DESC LIMIT 1",
        );
        assert_eq!(drawn, sent, "what was drawn first is what leaves");
    }
    assert!(killed > 0, "at least one command was killed while it wrote");
    node.publish().done();
    agrees(&federation, &node, 2);
}

#[test]
fn a_data_directory_serves_one_process() {
    let (federation, node) = scene();
    let serving = node.program.serve();
    let reason = node.program.run(&["serve"]).refused();
    assert!(reason.contains("already"), "{reason}");
    drop(serving);
    let reason = federation.aggregator.run(&["serve"]).refused();
    assert!(reason.contains("already"), "{reason}");
    // Once the first is gone, even by `kill -9`, the next may serve.
    drop(node.program.serve());
}

#[test]
fn a_full_disk_at_the_node_is_said_and_costs_nothing() {
    let federation = Federation::new();
    let at = federation.dir.path().join(SLUG).join("data");
    let disk = SmallDisk::mount(&at, "24m");
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    let file = node.file("programmes.csv", &programmes);
    node.program
        .run(&["import", "programmes", path(&file)])
        .done();
    let file = node.file("learners.csv", &learners);

    let ballast = disk.fill();
    let reason = node
        .program
        .run(&["import", "learners", path(&file)])
        .refused();
    assert!(
        reason.contains("disk") || reason.contains("full"),
        "{reason}"
    );
    drop(ballast);
    assert_eq!(rows(&node, "enrolments"), 0);
    node.program
        .run(&["import", "learners", path(&file)])
        .done();

    let ballast = disk.fill();
    node.run_as(
        &node.coordinator,
        &["release", "prepare", "--first", input::FIRST],
    )
    .refused();
    drop(ballast);
    assert_eq!(rows(&node, "releases"), 0);
    node.release();
    node.publish().done();
    agrees(&federation, &node, 1);
}

#[test]
fn a_server_goes_on_when_its_disk_has_room_again() {
    let federation = Federation::new();
    let at = federation.dir.path().join(SLUG).join("data");
    let disk = SmallDisk::mount(&at, "24m");
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    node.import(&programmes, &learners);
    let serving = node.serve();
    let site = Http::new(&format!("https://{}", serving.address), &node.ca_pem());
    let site = site.signed_in(&node.coordinator.name, &node.coordinator.secret);
    let prepare = || {
        site.post(
            "/releases/prepare",
            &format!("first=yes&period={}", input::FIRST),
        )
    };

    let ballast = disk.fill();
    assert_eq!(prepare().status, 500, "{}", prepare().text());
    drop(ballast);
    assert_eq!(prepare().status, 303);
}

#[test]
fn a_full_disk_at_the_aggregator_acknowledges_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let at = dir.path().join("aggregator").join("data");
    let disk = SmallDisk::mount(&at, "24m");
    let federation = Federation::in_folder(dir);
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    node.import(&programmes, &learners);
    node.release();

    let ballast = disk.fill();
    node.publish().refused();
    drop(ballast);
    assert_eq!(federation.logged(SLUG), 0);
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 1);
    node.publish().done();
    agrees(&federation, &node, 1);
}

#[test]
fn every_wrong_row_is_named_in_one_pass_and_the_file_is_refused_whole() {
    let dir = tempfile::TempDir::new().unwrap();
    let node = Node::new(dir.path(), SLUG, LEP);
    let file = node.file("programmes.csv", input::PROGRAMMES.as_bytes());
    node.program
        .run(&["import", "programmes", path(&file)])
        .done();
    let good = input::Row::of(1, "E06000052");
    let bad = [
        input::Row {
            birth_date: "1980-02-30".to_owned(),
            ..input::Row::of(2, "E06000052")
        },
        input::Row {
            sex: "other".to_owned(),
            ..input::Row::of(3, "E06000052")
        },
        input::Row {
            start: "yesterday".to_owned(),
            ..input::Row::of(4, "E06000052")
        },
        good.clone(),
    ];
    let rows_of_file: Vec<_> = std::iter::once(good).chain(bad).collect();
    let file = node.file("learners.csv", &input::learners(&rows_of_file));
    let import = |extra: &[&str]| {
        node.program
            .run(&[&["import", "learners", path(&file), "--json"], extra].concat())
    };

    let dry = import(&["--dry-run"]);
    let whole = import(&[]);
    for outcome in [dry, whole] {
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let lines: Vec<_> = report["problems"]["detailed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, [3, 4, 5, 6], "{report:#}");
        for problem in report["problems"]["detailed"].as_array().unwrap() {
            for field in ["code", "cause", "remedy"] {
                assert!(
                    problem[field].as_str().is_some_and(|s| !s.is_empty()),
                    "{problem:#}"
                );
            }
        }
    }
    assert_eq!(rows(&node, "enrolments"), 0);
    let _valid = import(&["--valid-rows"]);
    assert_eq!(rows(&node, "enrolments"), 1);

    for (name, bytes) in [
        ("latin1.csv", b"provider,learner_ref\nCaf\xe9,1\n".to_vec()),
        (
            "columns.csv",
            input::learners(&[])
                .iter()
                .copied()
                .chain(*b"x")
                .collect::<Vec<u8>>(),
        ),
        ("empty.csv", Vec::new()),
        (
            "unknown.csv",
            b"provider,learner_ref,shoe_size\nA,1,43\n".to_vec(),
        ),
    ] {
        let file = node.file(name, &bytes);
        node.program
            .run(&["import", "learners", path(&file)])
            .refused();
    }
    assert_eq!(rows(&node, "enrolments"), 1);
}

/// A line without an end, through a pipe: the program says what is wrong and goes while the other side still writes.
#[test]
fn an_endless_line_is_refused_before_its_end() {
    let dir = tempfile::TempDir::new().unwrap();
    let node = Node::new(dir.path(), SLUG, LEP);
    let pipe = node.file("x", b"").with_file_name("endless.pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let importing = node.program.start(&["import", "learners", path(&pipe)]);
    let mut end = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let mut written = 0_usize;
    while end.write_all(&[b'x'; 65_536]).is_ok() {
        written += 65_536;
    }
    assert!(written < 4 << 20, "{written} bytes were taken");
    let outcome = importing.wait();
    assert!(outcome.stdout.contains("record-size"), "{}", outcome.stdout);
    outcome.refused();
}
