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
    assert_eq!(benchmark["coverage"]["contributed"], NODES.len());
    assert_eq!(benchmark["coverage"]["of"], 38);
    for (measure, truth) in [("starts", starts), ("achievers", achieved)] {
        let all = benchmark["national"].as_array().unwrap();
        let finding = all.iter().find(|f| f["measure"] == measure).unwrap();
        let number = |of: &str, name: &str| finding[of][name].as_f64().unwrap();
        let (estimate, se) = (number("raw", "estimate"), number("raw", "se"));
        // Six standard errors: two in a thousand million runs are further off.
        let off = (estimate - truth as f64).abs();
        assert!(
            off <= 6.0 * se,
            "{measure}: {estimate} against {truth}, {off} off, se {se}"
        );
        assert!(
            se < 0.01 * truth as f64,
            "{measure}: se {se} leaves a useful figure"
        );
        assert!(number("shown", "low") <= estimate && estimate <= number("shown", "high"));
        assert_eq!(
            finding["range"]["to"],
            input::periods(input::FIRST, MONTHS)[4].to_string()
        );
    }

    // The same file again changes nothing, and nothing is left to send.
    let node = &nodes[0];
    let before = rows(node, "enrolments");
    let (programmes, learners) = input::files(&input::records(&node.lep, MONTHS));
    node.import(&programmes, &learners);
    node.publish().done();
    assert_eq!(rows(node, "enrolments"), before);
    assert_eq!(
        federation.logged(&node.slug),
        u64::try_from(MONTHS).unwrap()
    );
    let again = federation.aggregator.run(&["benchmark", "--json"]).json();
    assert_eq!(again, benchmark);
    let status = node.program.run(&["status", "--json"]).json();
    assert_eq!(status["lep"], node.lep.as_str());
}

/// A node that nobody uses is small.
#[test]
fn an_idle_node_takes_less_than_40_mb() {
    let federation = Federation::new();
    let node = federation.join(NODES[0].0, NODES[0].1);
    let serving = node.serve();
    let kib = serving.memory_kib();
    assert!(kib < 40_000, "{kib} KiB");
}
