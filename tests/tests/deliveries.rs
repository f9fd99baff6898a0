//! Statements that come twice, at once, late or in another order: each contribution is counted once, whichever way it came.

use std::collections::BTreeSet;
use std::thread;

use ldsp_protocol::dsse::Sealed;
use ldsp_tests::http::{Http, Reply};
use ldsp_tests::powers::{contributions, counted};
use ldsp_tests::world::{Federation, Node};

/// Nodes and their months; month m of node n contributes 2^(3 m + n).
fn scene() -> (Federation, Vec<(Node, Vec<Sealed>)>) {
    let federation = Federation::new();
    let leps = ["E37000005", "E37000001", "E37000003"];
    let nodes = leps.into_iter().zip(0..).map(|(lep, n)| {
        let node = federation.join(&format!("node-{n}"), lep);
        let sealed = contributions(&node, &[n, 3 + n, 6 + n, 9 + n]);
        (node, sealed)
    });
    let nodes = nodes.collect();
    (federation, nodes)
}

fn put(http: &Http, node: &Node, seq: usize, sealed: &Sealed) -> Reply {
    let path = format!("/v1/nodes/{}/statements/{seq}", node.slug);
    http.put(&path, sealed.envelope())
}

#[test]
fn the_same_statement_at_once_from_several_senders_is_logged_once() {
    let (federation, nodes) = scene();
    let (base, ca) = (federation.server().address, federation.ca_pem());
    for month in 0..4 {
        // Every node's month, three times each, all at once: a batch holds a statement and its copies.
        let statuses = thread::scope(|scope| {
            let senders: Vec<_> = nodes
                .iter()
                .flat_map(|sender| [sender; 3])
                .map(|(node, sealed)| {
                    let http = Http::new(&format!("https://{base}"), &ca);
                    scope.spawn(move || put(&http, node, month + 1, &sealed[month]).status)
                })
                .collect();
            let answers = senders.into_iter().map(|sender| sender.join().unwrap());
            answers.collect::<Vec<_>>()
        });
        for of_node in statuses.chunks(3) {
            let mut of_node = of_node.to_vec();
            of_node.sort_unstable();
            assert_eq!(of_node, [200, 200, 201], "month {}", month + 1);
        }
        let expected: BTreeSet<u32> = (0..3 * (month as u32 + 1)).collect();
        assert_eq!(counted(&federation.http()), expected);
    }
}

#[test]
fn what_comes_too_early_waits_and_what_comes_again_changes_nothing() {
    let (federation, nodes) = scene();
    let http = federation.http();
    let (node, sealed) = &nodes[0];
    let mut logged = BTreeSet::new();
    // The last month first, and so on: only the first is taken, and each refusal says which is expected.
    for seq in [4, 3, 2] {
        let refusal = put(&http, node, seq, &sealed[seq - 1]).is_problem(409, "gap");
        assert_eq!(refusal["expected_seq"], 1);
        assert_eq!(counted(&http), logged);
    }
    for seq in 1..=4 {
        assert_eq!(put(&http, node, seq, &sealed[seq - 1]).status, 201);
        logged.insert(3 * (seq as u32 - 1));
        assert_eq!(counted(&http), logged);
        // Delayed copies of everything before.
        for old in 1..=seq {
            assert_eq!(put(&http, node, old, &sealed[old - 1]).status, 200);
        }
        assert_eq!(counted(&http), logged);
    }
}
