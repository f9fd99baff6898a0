//! The aggregator's database is lost and restored from a backup that is older than what it acknowledged: real processes, on the
//! database that the tests run on.

use ldsp_protocol::receipt::Receipt;
use ldsp_tests::backup::Backup;
use ldsp_tests::held::{all, one, rows};
use ldsp_tests::input;
use ldsp_tests::world::{Federation, Node};
use serde_json::Value;

fn benchmark(federation: &Federation) -> Value {
    federation.aggregator.run(&["benchmark", "--json"]).json()
}

fn recovery(federation: &Federation) -> Value {
    federation.aggregator.run(&["recovery", "--json"]).json()
}

fn filled(federation: &Federation, slug: &str, lep: &str) -> Node {
    let node = federation.join(slug, lep);
    let (programmes, learners) = input::files(&input::records(lep, 3));
    node.import(&programmes, &learners);
    node
}

/// The first index and text of each receipt that a node holds, by sequence number.
fn receipts(node: &Node) -> Vec<(i64, String)> {
    let places = all::<i64>(node, "SELECT log_index FROM outbox ORDER BY seq");
    let texts = all::<String>(node, "SELECT receipt FROM outbox ORDER BY seq");
    assert!(texts.iter().all(|text| Receipt::from_text(text).is_proof()));
    places.into_iter().zip(texts).collect()
}

#[test]
fn a_restored_log_is_put_together_by_its_nodes() {
    let mut federation = Federation::new();
    let first = filled(&federation, "cornwall-scilly", "E37000005");
    let second = filled(&federation, "black-country", "E37000001");
    for node in [&first, &second] {
        node.release();
        node.publish().done();
    }
    federation.kill();
    let backup = Backup::of(&federation);
    federation.start();

    // After the backup: more months, and a node that the backup does not know.
    let third = filled(&federation, "solent", "E37000055");
    for node in [&second, &third, &first] {
        node.release();
        node.publish().done();
    }
    let nodes = [&first, &second, &third];
    let before: Vec<_> = nodes.iter().map(|node| receipts(node)).collect();
    let figures = benchmark(&federation);
    let checkpoint = federation.http().get("/checkpoint").text();
    federation.kill();
    backup.restore(&federation);
    federation.start();

    // The first node that asks is told, and sends back what it has; so does each, until the log is whole.
    first.release();
    let refused = first.publish().refused();
    assert!(refused.contains("log-behind"), "{refused}");
    let told = recovery(&federation);
    assert_eq!(
        (&told["stopped"], told["cause"].is_string()),
        (&true.into(), true)
    );
    let operate = |arguments: &[&str]| federation.operate(arguments);
    let refused = operate(&["revoke", "black-country", "--reason", "A test.", "--yes"]).refused();
    assert!(refused.contains("put back together"), "{refused}");
    // The log does not know the third one, but takes what it sends back.
    second.publish().refused();
    third.publish().done();
    // Now all leaves are back, and with them the third one's key: it has to be heard, too.
    first.publish().refused();
    let told = recovery(&federation);
    assert_eq!(
        (&told["missing"], &told["unheard"]),
        (&serde_json::json!([]), &serde_json::json!(["solent"]))
    );
    third.publish().done();
    let told = recovery(&federation);
    assert_eq!(told["stopped"], false, "{told}");
    let now = federation.http().get("/checkpoint").text();
    assert_eq!(now, checkpoint, "the very tree that was lost");
    assert_eq!(benchmark(&federation), figures);

    // Everything goes on.
    first.publish().done();
    second.publish().done();
    for (node, before) in nodes.iter().zip(before) {
        assert_eq!(
            rows(node, "outbox WHERE acknowledged_at IS NULL"),
            0,
            "{}",
            node.slug
        );
        let after = receipts(node);
        let places = |of: &[(i64, String)]| of.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        assert_eq!(
            places(&after)[..before.len()],
            places(&before),
            "each is where it was"
        );
        node.program.run(&["verify", "own"]).done();
    }
    assert!(one::<i64>(&first, "SELECT count(*) FROM own_statements") >= 3);
    federation.kill();
    federation.aggregator.run(&["fsck"]).done();
}

#[test]
fn an_operator_who_says_that_it_was_restored_leaves_no_moment_in_which_it_signs() {
    let mut federation = Federation::new();
    let node = filled(&federation, "cornwall-scilly", "E37000005");
    federation.kill();
    let backup = Backup::of(&federation);
    federation.start();
    node.release();
    node.publish().done();
    let place = receipts(&node)[0].0;
    federation.kill();
    backup.restore(&federation);
    let told = federation.operate(&["recovery", "begin", "--json"]).json();
    assert_eq!(
        (&told["stopped"], &told["unheard"][0]),
        (&true.into(), &"cornwall-scilly".into())
    );
    federation.start();
    let live = federation.http().get("/health/log");
    assert_eq!(live.status, 503, "{}", live.text());
    // The next statement finds the log stopped; what the node holds is all that it lacks.
    node.release();
    node.publish().done();
    let after = receipts(&node);
    assert_eq!((after[0].0, after[1].0), (place, place + 1));
    node.program.run(&["verify", "own"]).done();
    assert_eq!(recovery(&federation)["stopped"], false);
    federation.kill();
    federation.aggregator.run(&["fsck"]).done();
}
