//! Two nodes and an aggregator as real processes over TLS, from `init` to the benchmark.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use ldsp_deploy::records::Stage;
use ldsp_node::Entropy;
use ldsp_node::home::Node as Home;
use ldsp_node::release::{Approval, Request, approve, prepare};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::standard::Standard;
use ldsp_tests::held::rows;
use ldsp_tests::world::{Federation, Node};
use ldsp_tests::{forge, input};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

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

fn digest_of_cells(summary: &serde_json::Value) -> String {
    let tables = summary["tables"]
        .as_array()
        .expect("a list of tables")
        .iter();
    let cells = tables.flat_map(|t| t["cells"].as_array().expect("a list of cells"));
    let bytes = cells.flat_map(|c| c.as_i64().expect("a cell is an integer").to_le_bytes());
    Digest::of(&bytes.collect::<Vec<_>>()).to_string()
}

const DATABASE: &str = "aggregator.sqlite";

/// Whether pieces of an envelope are in the files of the aggregator's database.
fn on_disk(federation: &Federation, envelope: &[u8]) -> bool {
    // Pages of the file cut an envelope where nobody knows: of several short pieces most are whole.
    let pieces: Vec<&[u8]> = envelope.chunks(64).skip(8).step_by(97).collect();
    ["", "-wal"].iter().any(|end| {
        let file = federation.aggregator.data.join(format!("{DATABASE}{end}"));
        let bytes = std::fs::read(file).unwrap_or_default();
        let holds = |piece: &&[u8]| bytes.windows(piece.len()).any(|w| w == *piece);
        pieces.iter().any(holds)
    })
}

/// A month is withdrawn: its bytes are gone, figures end before it. It comes back as it was, and so do the figures.
#[test]
fn a_withdrawn_month_comes_back_as_it_was() {
    let federation = Federation::new();
    let (slug, lep) = NODES[0];
    let node = federation.join(slug, lep);
    let (programmes, learners) = input::files(&input::records(lep, MONTHS));
    node.import(&programmes, &learners);
    for _ in 0..MONTHS {
        node.release();
    }
    node.publish().done();
    let benchmark = || federation.aggregator.run(&["benchmark", "--json"]).json();
    let before = benchmark();
    let third = federation.envelope(slug, 3);
    let periods = input::periods(input::FIRST, MONTHS);

    let why = "Published before the partnership had agreed to it.";
    let revise = |what: &str, seq: &str| {
        let arguments = ["statements", what, seq, "--reason", why];
        node.run_as(&node.approver, &arguments)
    };
    node.run_as(
        &node.coordinator,
        &["statements", "withdraw", "3", "--reason", why],
    )
    .refused();
    revise("reissue", "3").refused();
    revise("withdraw", "3").done();
    let is_a_file = federation.aggregator.data.join(DATABASE).exists();
    assert_eq!(on_disk(&federation, &third), is_a_file);
    node.publish().done();
    let gone = federation
        .http()
        .get(&format!("/v1/nodes/{slug}/statements/3"));
    assert_eq!(gone.status, 410, "{}", gone.text());
    assert_eq!(gone.json()["code"], "withdrawn");
    assert!(gone.text().contains(why));
    let kept = federation
        .http()
        .get(&format!("/v1/nodes/{slug}/statements/3/receipt"));
    assert_eq!(kept.status, 200);
    assert!(!on_disk(&federation, &third), "the bytes are gone");
    let figure = |report: &serde_json::Value| {
        let all = report["national"].as_array().unwrap().iter();
        all.clone()
            .find(|f| f["measure"] == "starts")
            .unwrap()
            .clone()
    };
    let meanwhile = benchmark();
    assert_eq!(figure(&meanwhile)["range"]["to"], periods[1].to_string());
    federation.aggregator.run(&["fsck"]).done();

    revise("reissue", "3").done();
    node.publish().done();
    let after = benchmark();
    assert_eq!(
        after["national"], before["national"],
        "figures are as they were"
    );
    let withdrawal = forge::body(&federation.envelope(slug, 6));
    let correction = forge::body(&federation.envelope(slug, 7));
    assert_eq!(correction["kind"], "correction");
    assert_eq!(
        correction["payload"]["summary"],
        forge::body(&third)["payload"]
    );
    let cells = digest_of_cells(&correction["payload"]["summary"]);
    assert_eq!(withdrawal["payload"]["cells"], cells);
    let (gone, back) = (federation.envelope(slug, 6), federation.envelope(slug, 7));
    assert!(as_the_page_says(&gone, &back));
    let mut other = correction.clone();
    let cell = &mut other["payload"]["summary"]["tables"][0]["cells"][0];
    *cell = (cell.as_i64().unwrap() + 1).into();
    let other = forge::sign(&node.key(), &other);
    assert!(!as_the_page_says(&gone, other.envelope()));
    revise("withdraw", "6").refused();
    federation.aggregator.run(&["fsck"]).done();
    node.program.run(&["verify", "own"]).done();
    node.program.run(&["verify", "log"]).done();
    let list = node.program.run(&["statements", "list", "--json"]).json();
    assert_eq!(list["statements"][4]["withdrawn_by"], 6);
    assert_eq!(list["statements"][4]["published_again_by"], 7);
}

/// Whether the command of docs/revisions.md, as it stands there, finds that the correction brings what was withdrawn.
fn as_the_page_says(withdrawal: &[u8], correction: &[u8]) -> bool {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/revisions.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, command) = page.split_once("```sh\n").expect("it has a command");
    let (command, _) = command.split_once("```").expect("the command ends");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in [("withdrawal", withdrawal), ("correction", correction)] {
        let file = folder.path().join(format!("{name}.json"));
        fs::write(file, bytes).expect("a temporary folder can be written");
    }
    let done = Command::new("bash")
        .args(["-euc", command])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    done.status.success() && String::from_utf8_lossy(&done.stdout).contains("published again")
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

/// Publishes months as a program did that knew the first data standard only.
fn published_before(node: &Node, months: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let home = Home::open(&node.program.data)
            .await
            .expect("the node's own data");
        let now: Timestamp = "2024-06-01T12:00:00Z".parse().expect("a moment");
        let entropy: Entropy = Arc::new(|| Box::new(ChaCha20Rng::seed_from_u64(1)));
        let request = Request {
            standard: Standard::v1(),
            first: Some(input::FIRST.parse().expect("a month is YYYY-MM")),
            ..Request::default()
        };
        for _ in 0..months {
            let author = &node.coordinator.name;
            let prepared = prepare(&home.store, request, author, now, &entropy)
                .await
                .expect("a month that has ended can be prepared");
            let approval = Approval {
                person: &node.approver.name,
                period: None,
                digest: prepared.release.digest,
            };
            approve(&home.store, &home.signing, &approval, now)
                .await
                .expect("another person approves it");
        }
        home.store.close().await;
    });
}

/// A node that published two months under the first data standard goes on beside one that begins with the second.
#[test]
fn a_node_of_the_first_standard_goes_on_and_the_nation_counts_everybody_once() {
    let federation = Federation::new();
    let mut starts = 0;
    for ((slug, lep), before) in NODES.into_iter().zip([2, 0]) {
        let node = federation.join(slug, lep);
        let records = input::records(lep, MONTHS);
        let (programmes, learners) = input::files(&records);
        node.import(&programmes, &learners);
        starts += records.truth().count();
        published_before(&node, before);
        for _ in before..usize::try_from(MONTHS).unwrap() {
            node.release();
        }
        node.publish().done();
        // Each month after the turn is two statements, the one under the older standard first.
        let statements: Vec<(String, u32)> = (1..=federation.logged(&node.slug))
            .map(|seq| {
                let body = forge::body(&federation.envelope(&node.slug, seq));
                let digest = body["standard"].as_str().unwrap().parse().unwrap();
                let standard = Standard::of(digest).unwrap();
                (
                    body["period"].as_str().unwrap().to_owned(),
                    standard.version(),
                )
            })
            .collect();
        let expected = (0..).zip(input::periods(input::FIRST, MONTHS));
        let expected = expected.flat_map(|(at, period)| {
            let versions: &[u32] = match (before, at) {
                (0, _) => &[2],
                (before, at) if at < before => &[1],
                _ => &[1, 2],
            };
            versions.iter().map(move |v| (period.to_string(), *v))
        });
        assert_eq!(statements, expected.collect::<Vec<_>>());
        assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 0);
    }
    let benchmark = federation.aggregator.run(&["benchmark", "--json"]).json();
    assert_eq!(benchmark["coverage"]["contributed"], NODES.len());
    let all = benchmark["national"].as_array().unwrap();
    let finding = all.iter().find(|f| f["measure"] == "starts").unwrap();
    let number = |name: &str| finding["raw"][name].as_f64().unwrap();
    let off = (number("estimate") - starts as f64).abs();
    assert!(off <= 6.0 * number("se"), "{finding}, {off} off {starts}");
}
