//! Death at every step of what both programs write, and each of these calls failing with nothing done or all of it: nothing
//! acknowledged is lost, nothing is counted twice, nothing is drawn or signed a second time.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ldsp_cluster::Database;
use ldsp_protocol::log::Proof;
use ldsp_tests::backup::Backup;
use ldsp_tests::fatal::{Fatal, How};
use ldsp_tests::held::{one, rows};
use ldsp_tests::http::Http;
use ldsp_tests::input;
use ldsp_tests::powers::{contribution, counted, holds_all};
use ldsp_tests::world::{Federation, Node, on_postgres, path};
use reqwest::Method;

const LEPS: [&str; 6] = [
    "E37000005",
    "E37000001",
    "E37000007",
    "E37000003",
    "E37000009",
    "E37000006",
];

/// An aggregator under a fault, and nodes that may contribute.
fn mortal(how: How) -> (Federation, Fatal, Vec<Node>) {
    let mut federation = Federation::new();
    let nodes = LEPS.into_iter().enumerate();
    let nodes = nodes.map(|(k, lep)| federation.join(&format!("node-{k}"), lep));
    let nodes = nodes.collect();
    let fatal = Fatal::new(federation.dir.path(), how);
    federation.aggregator = fatal.under(&federation.aggregator);
    federation.kill();
    federation.start();
    (federation, fatal, nodes)
}

fn place(node: &Node) -> String {
    format!("/v1/nodes/{}/statements/1", node.slug)
}

#[test]
fn an_aggregator_killed_at_every_step_counts_each_contribution_once() {
    counts_each_contribution_once(How::Killed);
}

#[test]
fn an_aggregator_of_which_every_call_fails_counts_each_contribution_once() {
    counts_each_contribution_once(How::Failed);
}

#[test]
fn an_aggregator_of_which_every_call_fails_after_its_work_counts_each_contribution_once() {
    counts_each_contribution_once(How::FailedButDone);
}

#[test]
fn an_aggregator_of_which_every_read_fails_counts_each_contribution_once() {
    // The files of PostgreSQL are read by its own server.
    if !on_postgres() {
        counts_each_contribution_once(How::Unreadable);
    }
}

/// At every write of the database and every byte that leaves: what was acknowledged is counted, and each contribution
/// once or not at all.
fn counts_each_contribution_once(how: How) {
    let (federation, fatal, nodes) = mortal(how);
    let federation = RefCell::new(federation);
    let mut acknowledged = BTreeSet::new();
    let sealed: Vec<_> = nodes
        .iter()
        .zip(0..)
        .map(|(node, power)| contribution(node, power))
        .collect();
    let mut receipts = Vec::new();
    // A contribution is sent under the next fault until it is logged; then comes the next one.
    let mut logged = BTreeSet::new();
    let mut faults = 0;
    for ((power, node), sealed) in (0..).zip(&nodes).zip(&sealed) {
        while !logged.contains(&power) {
            fatal.set(faults + 1);
            let answer = {
                let federation = federation.borrow();
                let http = federation.http();
                http.ask(Method::PUT, &place(node), sealed.envelope().to_vec())
            };
            faults += u32::from(fatal.clear());
            match answer {
                Ok(reply) if matches!(reply.status, 200 | 201) => {
                    acknowledged.insert(power);
                    receipts.push((node, sealed, reply.text()));
                }
                // The server also ends when a write that it did was not confirmed.
                Ok(reply) => {
                    let code = reply.json()["code"].clone();
                    assert!(
                        code == "storage" || code == "unconfirmed",
                        "{}",
                        reply.text()
                    );
                }
                Err(_) => {}
            }
            let mut federation = federation.borrow_mut();
            federation.kill();
            federation.start();
            for (power, node) in (0..).zip(&nodes) {
                if federation.logged(&node.slug) == 1 {
                    logged.insert(power);
                }
            }
            assert_eq!(counted(&federation.http()), logged, "after {faults} faults");
            assert!(acknowledged.is_subset(&logged), "after {faults} faults");
        }
    }
    assert!(faults >= 5, "{faults} faults struck the aggregator only");
    let all = (0..).zip(&nodes).map(|(power, _)| power).collect();
    assert!(!acknowledged.is_empty(), "no life was long enough");
    assert_eq!(logged, all);
    // Whoever got no answer asks again and gets its receipt.
    let mut federation = federation.into_inner();
    for (node, sealed) in nodes.iter().zip(&sealed) {
        let reply = federation.http().put(&place(node), sealed.envelope());
        assert_eq!(reply.status, 200, "{}", reply.text());
        receipts.push((node, sealed, reply.text()));
    }
    assert_eq!(counted(&federation.http()), all);
    holds_all(&federation.http(), &receipts);
    // And everything that is stored follows from the log alone.
    federation.kill();
    federation.aggregator.run(&["fsck"]).done();
}

#[test]
fn an_aggregator_killed_at_every_step_of_a_recovery_puts_each_leaf_back_once() {
    puts_each_leaf_back_once(How::Killed);
}

#[test]
fn an_aggregator_of_which_every_call_of_a_recovery_fails_puts_each_leaf_back_once() {
    puts_each_leaf_back_once(How::Failed);
}

#[test]
fn an_aggregator_of_which_every_call_of_a_recovery_fails_after_its_work_puts_each_leaf_back_once() {
    puts_each_leaf_back_once(How::FailedButDone);
}

/// Two contributions are in the backup. The others come back in the wrong order, to a server under faults, and are put in their places by a
/// command under faults: at every moment the log is the beginning of what it was, and in the end all of it.
fn puts_each_leaf_back_once(how: How) {
    let (mut federation, fatal, nodes) = mortal(how);
    let sealed: Vec<_> = nodes
        .iter()
        .zip(0..)
        .map(|(node, power)| contribution(node, power))
        .collect();
    let mut receipts = Vec::new();
    let mut backup = None;
    for ((power, node), sealed) in (0..).zip(&nodes).zip(&sealed) {
        let reply = federation.http().put(&place(node), sealed.envelope());
        assert_eq!(reply.status, 201, "{}", reply.text());
        receipts.push((node, sealed, reply.text()));
        if power == 1 {
            federation.kill();
            backup = Some(Backup::of(&federation));
            federation.start();
        }
    }
    let checkpoint = federation.http().get("/checkpoint").text();
    federation.kill();
    backup.expect("it was made").restore(&federation);
    federation.operate(&["recovery", "begin"]).done();
    federation.start();
    let mut faults = 0;
    for (_, sealed, receipt) in receipts[2..].iter().rev() {
        let leaf = Proof::parse(receipt).expect("a proof").index;
        let mut kept = false;
        while !kept {
            fatal.set(faults + 1);
            let answer = federation
                .http()
                .give_back(leaf, receipt, sealed.envelope());
            faults += u32::from(fatal.clear());
            kept = answer.is_ok_and(|reply| reply.status == 202);
            federation.kill();
            federation.start();
        }
    }
    // How many of its calls a leaf takes depends on what else the server is at when it comes.
    assert!(faults >= 3, "{faults} faults struck the server only");
    federation.kill();

    let go_on = ["recovery", "go-on", "--reason", "A test."];
    let federation = RefCell::new(federation);
    let before = RefCell::new(2);
    let faults = fatal.at_every_step(
        || drop(federation.borrow().operate(&go_on)),
        |step| {
            let mut federation = federation.borrow_mut();
            federation.aggregator.run(&["fsck"]).done();
            federation.start();
            let there = counted(&federation.http());
            let number = u32::try_from(there.len()).expect("a few nodes");
            assert_eq!(there, (0..number).collect(), "step {step}");
            assert!(*before.borrow() <= number, "step {step}");
            *before.borrow_mut() = number;
            federation.kill();
        },
    );
    assert!(faults >= 5, "{faults} faults struck the command only");
    let mut federation = federation.into_inner();
    federation.start();
    assert_eq!(federation.http().get("/checkpoint").text(), checkpoint);
    assert_eq!(counted(&federation.http()).len(), nodes.len());
    holds_all(&federation.http(), &receipts);
    federation.kill();
    federation.aggregator.run(&["fsck"]).done();
}

#[test]
fn a_node_killed_at_every_step_draws_signs_and_sends_once() {
    draws_signs_and_sends_once(How::Killed);
}

#[test]
fn a_node_of_which_every_call_fails_draws_signs_and_sends_once() {
    draws_signs_and_sends_once(How::Failed);
}

#[test]
fn a_node_of_which_every_call_fails_after_its_work_draws_signs_and_sends_once() {
    draws_signs_and_sends_once(How::FailedButDone);
}

#[test]
fn a_node_of_which_every_read_fails_draws_signs_and_sends_once() {
    draws_signs_and_sends_once(How::Unreadable);
}

fn draws_signs_and_sends_once(how: How) {
    let federation = Federation::new();
    let mut node = federation.join("node-0", LEPS[0]);
    let fatal = Fatal::new(federation.dir.path(), how);
    let sound = node.program.clone();
    node.program = fatal.under(&sound);

    let file = node.file("programmes.csv", input::PROGRAMMES.as_bytes());
    sound.run(&["import", "programmes", path(&file)]).done();
    let learners: Vec<_> = (1..6).map(|n| input::Row::of(n, "E06000052")).collect();
    let file = node.file("learners.csv", &input::learners(&learners));
    let import = || node.program.run(&["import", "learners", path(&file)]);
    let faults = fatal.at_every_step(
        || drop(import()),
        |step| assert!(matches!(rows(&node, "enrolments"), 0 | 5), "step {step}"),
    );
    assert!(faults >= 5, "{faults} faults struck the import only");
    assert_eq!(rows(&node, "enrolments"), 5);

    // The first month that is on disk is the one that stays.
    let payload = || one::<Vec<u8>>(&node, "SELECT payload FROM release_statements");
    let drawn = RefCell::new(None);
    let prepare = ["release", "prepare", "--first", input::FIRST];
    let faults = fatal.at_every_step(
        || drop(node.run_as(&node.coordinator, &prepare)),
        |step| {
            assert_eq!(rows(&node, "ledger_months"), rows(&node, "releases"));
            if rows(&node, "releases") == 1 {
                let first = drawn.borrow_mut().get_or_insert_with(payload).clone();
                assert_eq!(first, payload(), "step {step}");
            }
        },
    );
    assert!(faults >= 5, "{faults} faults struck the preparing only");

    let digest = node.prepare();
    let approve = ["release", "approve", "--digest", &digest];
    let envelope = || one::<Vec<u8>>(&node, "SELECT envelope FROM outbox");
    let signed = RefCell::new(None);
    let faults = fatal.at_every_step(
        // A second approval of what is approved is refused.
        || drop(node.run_as(&node.approver, &approve)),
        |step| {
            let approved = rows(&node, "releases WHERE approver IS NOT NULL");
            assert_eq!(approved, rows(&node, "outbox"), "step {step}");
            if approved == 1 {
                let first = signed.borrow_mut().get_or_insert_with(envelope).clone();
                assert_eq!(first, envelope(), "step {step}");
            }
        },
    );
    assert!(faults >= 3, "{faults} faults struck the approval only");
    assert_eq!(rows(&node, "outbox"), 1);

    let faults = fatal.at_every_step(
        || drop(node.publish()),
        |step| {
            let sent = u64::try_from(rows(&node, "outbox WHERE receipt IS NOT NULL"));
            let logged = federation.logged(&node.slug);
            assert!(sent.is_ok_and(|sent| sent <= logged), "step {step}");
            assert!(logged <= 1, "step {step}");
        },
    );
    assert!(faults >= 5, "{faults} faults struck publishing only");
    assert_eq!(rows(&node, "outbox WHERE receipt IS NOT NULL"), 1);
    assert_eq!(Some(federation.envelope(&node.slug, 1)), signed.take());
}

/// The server of the database is gone in the middle of a transaction: the sender is told that nothing was
/// acknowledged, and what it sends again is counted once.
#[test]
fn a_database_server_cut_off_in_a_transaction_loses_nothing_acknowledged() {
    let federation = Federation::on(Database::alone());
    let nodes =
        [(0, LEPS[0]), (1, LEPS[1])].map(|(k, lep)| federation.join(&format!("node-{k}"), lep));
    let database = federation.database().unwrap();
    let first = contribution(&nodes[0], 0);
    let http = federation.http();
    assert_eq!(http.put(&place(&nodes[0]), first.envelope()).status, 201);

    // The statement is written and the sums wait for a lock that nobody gives back.
    let mut holder = database.cluster().hold(
        database.name(),
        "LOCK TABLE national_month IN EXCLUSIVE MODE",
    );
    let waiting =
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'national_month'::regclass";
    let held = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'ExclusiveLock' AND relation = 'national_month'::regclass";
    let until = |sql: &str| while database.sql(sql).trim() == "0" {};
    until(held);
    let second = contribution(&nodes[1], 1);
    let (path, envelope) = (place(&nodes[1]), second.envelope().to_vec());
    let (base, ca) = (federation.server().address, federation.ca_pem());
    let sending = std::thread::spawn(move || {
        let http = Http::new(&format!("https://{base}"), &ca);
        http.put(&path, &envelope)
    });
    until(waiting);
    database.cluster().cut();
    let reply = sending.join().unwrap();
    reply.is_problem(503, "storage");
    let _gone = holder.wait().unwrap();

    database.cluster().start_again();
    // Each connection that the server lost costs one answer at most, which says so.
    let ask = || Some(http.get("/api/v1/benchmarks")).filter(|reply| reply.status != 200);
    while let Some(reply) = ask() {
        reply.is_problem(503, "storage");
    }
    assert_eq!(counted(&http), BTreeSet::from([0]));
    assert_eq!(federation.logged(&nodes[1].slug), 0);
    let send = || http.put(&place(&nodes[1]), second.envelope());
    let mut again = send();
    while again.status != 201 {
        again.is_problem(503, "storage");
        again = send();
    }
    assert_eq!(counted(&http), BTreeSet::from([0, 1]));
}
