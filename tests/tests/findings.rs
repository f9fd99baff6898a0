//! Figures that the log signed are made again by somebody who has nothing but the program: from the server, from a copy of its
//! files, and of a log whose owner lies.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's allowance for tests does not reach the helpers of an integration test"
)]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use ldsp_aggregator::app::{Config, open_log};
use ldsp_aggregator::log::Speech;
use ldsp_aggregator::runs;
use ldsp_aggregator::store::{DatabaseUrl, OwnEffect, Turn};
use ldsp_protocol::log::{Checkpoint, Tile};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own;
use ldsp_protocol::run::{MeasureFinding, Named};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_tests::program::{Outcome, Program};
use ldsp_tests::world::{Federation, Node, path};
use ldsp_tests::{forge, input};
use serde_json::Value;

const NODES: [(&str, &str); 2] = [
    ("cornwall-scilly", "E37000005"),
    ("black-country", "E37000001"),
];
const MONTHS: i32 = 3;

/// A federation with two nodes that published.
struct World {
    federation: Federation,
    nodes: Vec<Node>,
    /// A machine that has the program and nothing else.
    desk: Program,
    key: String,
}

impl World {
    fn new() -> Self {
        let federation = Federation::new();
        let mut nodes = Vec::new();
        for (slug, lep) in NODES {
            let node = federation.join(slug, lep);
            let (programmes, learners) = input::files(&input::records(lep, MONTHS));
            node.import(&programmes, &learners);
            for _ in 0..MONTHS {
                node.release();
            }
            node.publish().done();
            nodes.push(node);
        }
        let desk = Program::new("ldsp-node", &federation.dir.path().join("desk"));
        let key = federation.http().get("/v1/verifier").text();
        Self {
            federation,
            nodes,
            desk,
            key: key.trim().to_owned(),
        }
    }

    fn freeze(&self) -> Value {
        let aggregator = &self.federation.aggregator;
        aggregator.run(&["benchmark", "run", "--json"]).json()
    }

    fn runs(&self) -> Vec<Value> {
        let list = self.federation.http().get("/api/v1/benchmark-runs").json();
        list["items"].as_array().unwrap().clone()
    }

    /// The address of the run's finding of a measure.
    fn envelope(&self, run: &Value, measure: &str) -> String {
        let findings = run["findings"].as_array().unwrap();
        let finding = findings.iter().find(|f| f["measure"] == measure).unwrap();
        finding["envelope"].as_str().unwrap().to_owned()
    }

    /// `verify finding` at the server.
    fn verify(&self, envelope: &str, more: &[&str]) -> Outcome {
        let url = format!("https://{}{envelope}", self.federation.gate.address);
        let ca = self.federation.aggregator.data.join("ca-cert.pem");
        let arguments = [
            "verify",
            "finding",
            &url,
            "--log",
            &self.key,
            "--ca",
            path(&ca),
            "--json",
        ];
        self.desk.run(&[&arguments, more].concat())
    }

    /// The log's files and all its statements, as somebody copied them: over an earlier copy, what was withdrawn since stays there.
    fn copy(&self, to: &Path) {
        let http = self.federation.http();
        let save = |name: &str| {
            let reply = http.get(&format!("/{name}"));
            if reply.status == 410 {
                return;
            }
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let file = to.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, reply.body).unwrap();
        };
        save("checkpoint");
        let log = Verifier::parse(&self.key).unwrap();
        let note = fs::read_to_string(to.join("checkpoint")).unwrap();
        let size = Checkpoint::open(&log, &note).unwrap().size;
        Tile::of_tree(size).for_each(|tile| save(&tile.to_string()));
        let own = (1..).take_while(|seq| {
            let envelope = format!("/v1/nodes/{}/statements/{seq}", own::NAME);
            http.get(&envelope).status == 200
        });
        let own = own.map(|seq| (own::NAME, seq));
        let nodes = NODES
            .iter()
            .flat_map(|(slug, _)| (1..=self.federation.logged(slug)).map(|seq| (*slug, seq)));
        for (node, seq) in own.chain(nodes) {
            save(&format!("v1/nodes/{node}/statements/{seq}"));
        }
    }

    /// `verify finding` on a copy.
    fn verify_copy(&self, folder: &Path, envelope: &str, more: &[&str]) -> Outcome {
        let file = folder.join(envelope.trim_start_matches('/'));
        let arguments = [
            "verify",
            "finding",
            path(&file),
            "--log",
            &self.key,
            "--at",
            path(folder),
        ];
        self.desk.run(&[&arguments, more].concat())
    }

    /// What a page or a file of the aggregator says.
    fn page(&self, path: &str) -> String {
        let reply = self.federation.http().get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }
}

#[test]
fn figures_are_made_again_from_the_server_and_from_a_copy() {
    let world = World::new();
    let first = world.freeze();
    assert_eq!(
        (&first["new"], &first["findings"]),
        (&true.into(), &11.into())
    );
    let again = world.freeze();
    assert_eq!(
        (&again["new"], &again["index"]),
        (&false.into(), &first["index"])
    );
    let run = &world.runs()[0];
    assert_eq!(run["index"], first["index"]);
    assert_eq!(run["stands_on"]["root"], first["root"]);
    let envelope = world.envelope(run, "achievement");
    let held = world.verify(&envelope, &[]).json();
    assert_eq!(
        (&held["recomputed"], &held["size"]),
        (&false.into(), &first["size"])
    );

    // The log goes on, and the run stays what it was.
    let node = &world.nodes[0];
    let slug = &node.slug;
    node.release();
    node.publish().done();
    for measure in ["achievement", "starts"] {
        let made = world
            .verify(&world.envelope(run, measure), &["--recompute"])
            .json();
        assert_eq!(
            (&made["recomputed"], &made["measure"]),
            (&true.into(), &measure.into())
        );
        assert_eq!(made["inputs"], run["stands_on"]["inputs"]);
    }
    let next = world.freeze();
    assert_eq!(next["new"], true);
    let runs = world.runs();
    assert_eq!(runs.len(), 2);
    let later = world.verify(&world.envelope(&runs[0], "starts"), &["--recompute"]);
    assert_eq!(later.json()["size"], next["size"]);
    let run_itself = runs[0]["envelope"].as_str().unwrap();
    let refused = world.verify(run_itself, &[]).refused();
    assert!(refused.contains("not a finding"), "{refused}");
    let page = world
        .federation
        .http()
        .get(&format!("/runs/{}", next["index"]));
    assert!(page.text().contains("Make it again"), "{}", page.text());
    let sound = world.federation.aggregator.run(&["fsck", "--json"]).json();
    assert_eq!(sound["figures"], 22);

    // A copy on a disk is as good, and a damaged one is told.
    let folder = world.federation.dir.path().join("copy");
    world.copy(&folder);
    let at = |file: &Path, more: &[&str]| {
        let envelope = file.strip_prefix(&folder).unwrap();
        world.verify_copy(&folder, path(envelope), more)
    };
    let file = folder.join(envelope.trim_start_matches('/'));
    let said = at(&file, &["--recompute"]).done();
    assert!(said.contains("every byte is the same"), "{said}");
    let other = folder.join(format!("v1/nodes/{slug}/statements/2"));
    let refused = at(&other, &[]).refused();
    assert!(refused.contains("another key"), "{refused}");
    let sound = fs::read(&other).unwrap();
    fs::write(&other, forge::alter(&sound)).unwrap();
    let refused = at(&file, &["--recompute"]).refused();
    assert!(
        refused.contains(&format!("statement 2 of {slug}")),
        "{refused}"
    );
    fs::remove_file(&other).unwrap();
    let refused = at(&file, &["--recompute"]).refused();
    assert!(refused.contains("cannot be counted again"), "{refused}");
    let _held = at(&file, &[]).done();
    fs::write(&file, forge::alter(&fs::read(&file).unwrap())).unwrap();
    assert!(at(&file, &[]).refused().contains("signature"));
}

/// What a run stands on is withdrawn and comes back. The next run does without it; the one before still holds, and whoever kept what is
/// gone makes it again.
#[test]
fn a_withdrawal_between_two_runs_leaves_both_to_be_verified() {
    let world = World::new();
    let aggregator = &world.federation.aggregator;
    let (node, (_, lep)) = (&world.nodes[0], NODES[0]);
    let why = "Published before the partnership had agreed to it.";
    let revise = |what: &str| {
        let arguments = ["statements", what, "3", "--reason", why];
        node.run_as(&node.approver, &arguments).done();
        node.publish().done();
    };
    let figures = |run: &Value| world.page(&format!("/runs/{}/figures.csv", run["index"]));
    let latest = || world.envelope(&world.runs()[0], "achievement");
    let sound = || aggregator.run(&["fsck", "--json"]).json();
    let recount = |envelope: &str| world.verify(envelope, &["--recompute"]);

    let first = world.freeze();
    let (of_first, frozen) = (latest(), figures(&first));
    let _made = recount(&of_first).done();
    let folder = world.federation.dir.path().join("copy");
    world.copy(&folder);

    revise("withdraw");
    let second = world.freeze();
    assert_eq!(second["new"], true);
    let of_second = latest();
    let made = recount(&of_second).json();
    assert_eq!(
        (&made["recomputed"], &made["size"]),
        (&true.into(), &second["size"])
    );
    assert_ne!(figures(&second), frozen, "the month is out");
    // The first run is what it was, and holds as far as it can: signed, in the log, standing on all that counted then.
    assert_eq!(figures(&first), frozen);
    assert_eq!(world.verify(&of_first, &[]).json()["recomputed"], false);
    let refused = recount(&of_first).refused();
    assert!(refused.contains("withdrawn since"), "{refused}");
    let report = sound();
    assert_eq!(
        (&report["figures"], &report["figures_gone"]),
        (&11.into(), &11.into())
    );
    let ends = "withdrew its release of";
    let area = format!("/leps/{lep}");
    for page in [area.as_str(), "/nodes/cornwall-scilly"] {
        assert!(world.page(page).contains(ends), "{page}");
    }
    assert!(world.page("/revisions").contains(why));
    let run = world.page(&format!("/runs/{}", first["index"]));
    assert!(run.contains("/revisions"), "{run}");

    revise("reissue");
    let third = world.freeze();
    assert_eq!(figures(&third), frozen, "the very cells are back");
    let of_third = latest();
    for envelope in [&of_second, &of_third] {
        let _made = recount(envelope).done();
    }
    // The correction is another statement: what the first run stands on is gone for good …
    let refused = recount(&of_first).refused();
    assert!(refused.contains("withdrawn since"), "{refused}");
    assert!(!world.page(&area).contains(ends));
    let report = sound();
    assert_eq!(
        (&report["figures"], &report["figures_gone"]),
        (&22.into(), &11.into())
    );
    // … but for those who kept it.
    world.copy(&folder);
    for envelope in [&of_first, &of_second, &of_third] {
        let said = world.verify_copy(&folder, envelope, &["--recompute"]);
        assert!(said.done().contains("every byte is the same"), "{envelope}");
    }
}

/// Whoever holds the log's key signs and logs figures of their own.
fn lie(world: &World, change: impl Fn(&mut MeasureFinding)) -> String {
    let federation = &world.federation;
    let config = Config {
        data_dir: federation.aggregator.data.clone(),
        database: federation.database().map(|d| DatabaseUrl::from(d.url())),
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let (store, signer) = open_log(&config, now).await.unwrap();
        let run = runs::latest(&store).await.unwrap().unwrap();
        let named: &Named = &run.run.findings[0];
        let mut finding = runs::finding(&store, named).await.unwrap();
        change(&mut finding);
        let speak = |speech: &mut Speech<'_>| {
            let body = |turn: &Turn| {
                let body = Body {
                    schema: SCHEMA,
                    origin: signer.verifier().name().to_owned(),
                    node: own::name(),
                    seq: turn.seq,
                    prev: turn.prev,
                    kind: Kind::Finding,
                    period: None,
                    standard: finding.stands_on.standards[0],
                    payload: &finding,
                };
                body.to_bytes()
            };
            speech.say(Kind::Finding, body);
        };
        let said = signer.announce(&store, &OwnEffect::None, speak, now).await;
        let seq = said.unwrap().turn.seq;
        store.close().await;
        format!("/v1/nodes/{}/statements/{seq}", own::NAME)
    })
}

#[test]
fn a_log_that_signs_other_figures_is_caught_by_whoever_counts_again() {
    let world = World::new();
    world.freeze();
    let better = lie(&world, |finding| {
        let england = &mut finding.figures[0];
        england.raw.as_mut().unwrap().estimate += 1.0;
    });
    // The log holds it and it names its inputs: only counting tells.
    let held = world.verify(&better, &[]).json();
    assert_eq!(held["recomputed"], false);
    let refused = world.verify(&better, &["--recompute"]).refused();
    assert!(refused.contains("starts of England says"), "{refused}");
    let out = lie(&world, |finding| {
        let inputs = finding.stands_on.inputs.leaves();
        let last = finding.stands_on.inputs.last();
        finding.stands_on.inputs = inputs.filter(|leaf| Some(*leaf) != last).collect();
    });
    let refused = world.verify(&out, &[]).refused();
    assert!(refused.contains("leave out entry"), "{refused}");
    let other = lie(&world, |finding| finding.stands_on.size += 1);
    let refused = world.verify(&other, &[]).refused();
    assert!(refused.contains("they were rewritten"), "{refused}");
    let found = world.federation.aggregator.run(&["fsck"]).refused();
    assert!(
        found.contains("row(s) are not what the log gives"),
        "{found}"
    );
}
