//! Two nodes and an aggregator as real processes over TLS, from `init` to the benchmark.

use ldsp_deploy::records::Stage;
use ldsp_tests::held::rows;
use ldsp_tests::world::Federation;
use ldsp_tests::{forge, input};

const NODES: [(&str, &str); 2] = [
    ("cornwall-scilly", "E37000005"),
    ("black-country", "E37000001"),
];
const MONTHS: i32 = 5;

#[test]
fn two_nodes_publish_and_the_benchmark_agrees_with_the_input() {
    let federation = Federation::new();
    let (mut starts, mut achieved) = (0, 0);
    let mut nodes = Vec::new();
    for (slug, lep) in NODES {
        let node = federation.join(slug, lep);
        let records = input::records(lep, MONTHS);
        let (programmes, learners) = input::files(&records);
        node.import(&programmes, &learners);
        starts += records.truth().count();
        achieved += records
            .truth()
            .filter(|t| t.stage == Stage::Achieved)
            .count();
        for _ in 0..MONTHS {
            node.release();
        }
        node.publish().done();
        nodes.push(node);
    }
    for node in &nodes {
        assert_eq!(
            federation.logged(&node.slug),
            u64::try_from(MONTHS).unwrap()
        );
        assert_eq!(rows(node, "outbox WHERE receipt IS NULL"), 0);
        for (seq, period) in (1..).zip(input::periods(input::FIRST, MONTHS)) {
            let body = forge::body(&federation.envelope(&node.slug, seq));
            assert_eq!(body["period"], period.to_string());
        }
    }

    let benchmark = federation.aggregator.run(&["benchmark", "--json"]).json();
    println!("{benchmark:#}");
    println!("{starts} {achieved}");
}
