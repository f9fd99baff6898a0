//! An aggregator whose owner lies, with all its keys: what it says to nodes and readers, or what it keeps, is not what it
//! signed before. Each lie is found by the node's own program, with the checkpoints that prove it to others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;

use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Checkpoint, Entry, Proof};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::statement::Kind;
use ldsp_tests::held::{one, rows};
use ldsp_tests::http::Http;
use ldsp_tests::liar::{Book, Liar, Said};
use ldsp_tests::powers::contributions;
use ldsp_tests::program::Program;
use ldsp_tests::world::{Federation, Node, path};
use ldsp_tests::{forge, input};
use serde_json::Value;

const SLUG: &str = "cornwall-scilly";
const LEP: &str = "E37000005";
const OTHER: &str = "E37000001";

/// A node with one acknowledged month and one that waits, and another node that may publish.
fn scene() -> (Federation, Node, Node) {
    let federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 3));
    node.import(&programmes, &learners);
    node.release();
    node.publish().done();
    node.release();
    let other = federation.join("other", OTHER);
    (federation, node, other)
}

/// The node's program finds this fault and says what to do; gives what it says.
#[track_caller]
fn finds(node: &Node, arguments: &[&str], code: &str) -> String {
    let outcome = node.program.run(&[arguments, &["--json"]].concat());
    let said = outcome.refused();
    // The answer is the last that the program says; connections that end meanwhile are logged beside it.
    let told = said.rfind("\n{\n").map_or(said.as_str(), |at| &said[at..]);
    let mut told = serde_json::Deserializer::from_str(told).into_iter();
    let told: Value = told.next().unwrap().unwrap();
    assert_eq!(told["code"], code, "{told:#}");
    told["refused"].as_str().unwrap().to_owned()
}

const LOG: [&str; 2] = ["verify", "log"];
const OWN: [&str; 2] = ["verify", "own"];
const PAYLOADS: [&str; 3] = ["verify", "log", "--payloads"];

/// What the node keeps to prove a fault of this kind to others.
fn proof(node: &Node, code: &str) -> [String; 2] {
    let kept = fs::read_dir(node.program.data.join("proofs")).unwrap();
    let mut folders = kept.map(|folder| folder.unwrap().path());
    let folder = folders.find(|folder| path(folder).contains(&format!("/{code}-")));
    let folder = folder.expect("the proof is kept");
    ["checkpoint-1", "checkpoint-2"].map(|file| fs::read_to_string(folder.join(file)).unwrap())
}

/// Publishes the months of a node that has no records: each a PUT.
fn publish(site: &Http, node: &Node, months: std::ops::Range<usize>) {
    let powers: Vec<u32> = (0..u32::try_from(months.end).unwrap()).collect();
    for (month, sealed) in contributions(node, &powers).iter().enumerate() {
        if months.contains(&month) {
            let at = format!("/v1/nodes/{}/statements/{}", node.slug, month + 1);
            assert_eq!(site.put(&at, sealed.envelope()).status, 201);
        }
    }
}

fn verifier(site: &Http) -> Verifier {
    Verifier::parse(&site.get("/v1/verifier").text()).unwrap()
}

/// The receipt, its checkpoint signed by another key.
fn resigned(receipt: &str, log: &Verifier, key: &SigningKey) -> String {
    let proof = Proof::parse(receipt).unwrap();
    let checkpoint = Checkpoint::open(log, &proof.checkpoint).unwrap();
    let checkpoint = checkpoint.sign(key).unwrap();
    Proof {
        checkpoint,
        ..proof
    }
    .to_text()
}

#[test]
fn a_receipt_that_is_not_for_the_statement_acknowledges_nothing() {
    let (federation, node, _) = scene();
    let liar = Liar::before(&federation);
    let log = verifier(&federation.http());
    let earlier: String = one(&node, "SELECT receipt FROM outbox WHERE seq = 1");
    let stranger = SigningKey::from_bytes(&[66; 32]);
    type Change = Box<dyn Fn(&str) -> String + Send + Sync>;
    let lies: [(&str, Change); 5] = [
        ("for another entry", Box::new(move |_| earlier.clone())),
        (
            "not signed by the log",
            Box::new(move |receipt| resigned(receipt, &log, &stranger)),
        ),
        (
            "for another entry",
            Box::new(|receipt| {
                let proof = Proof::parse(receipt).unwrap();
                let index = proof.index - 1;
                Proof { index, ..proof }.to_text()
            }),
        ),
        (
            "not a proof",
            Box::new(|_| "ldsp receipt v1\nnothing\n".to_owned()),
        ),
        ("not a proof", Box::new(|_| String::new())),
    ];
    for (words, change) in lies {
        liar.tell(move |asked, truth| {
            let said = truth();
            if asked.method != "PUT" {
                return said;
            }
            Said::with(change(std::str::from_utf8(&said.body).unwrap()))
        });
        let reason = node.publish().refused();
        assert!(reason.contains(words), "{words}: {reason}");
        assert_eq!(rows(&node, "outbox WHERE receipt IS NOT NULL"), 1);
    }
    liar.repent();
    node.publish().done();
    assert_eq!(federation.logged(SLUG), 2);
    node.program.run(&["verify", "own"]).done();
    node.program.run(&LOG).done();
}

/// The leaf of a statement that is on its way.
fn leaf_of(node: &Node, envelope: &[u8], seq: u64) -> Entry {
    Entry {
        kind: Kind::LearningSummary,
        node: node.slug.parse().unwrap(),
        seq,
        key_id: key_id(&node.key().verifying_key()),
        pae: Unverified::parse(envelope).unwrap().unverified_pae(),
    }
}

/// The receipt is sound; the tree that it proves is shown to nobody else.
#[test]
fn a_leaf_that_was_promised_and_dropped_is_found_whatever_comes_after_it() {
    let (federation, node, other) = scene();
    let liar = Liar::before(&federation);
    let book = Book::of(&federation);
    let envelope: Vec<u8> = one(&node, "SELECT envelope FROM outbox WHERE seq = 2");
    let mut promised = book;
    promised.entries.push(leaf_of(&node, &envelope, 2));
    let receipt = promised.receipt(promised.size() - 1);
    liar.tell(move |asked, truth| match asked.method.as_str() {
        "PUT" => Said::with(receipt.clone()),
        _ => truth(),
    });
    node.publish().done();
    assert_eq!(federation.logged(SLUG), 1, "it was dropped");
    liar.repent();
    finds(&node, &LOG, "rolled-back");

    // Others go on where it should stand.
    publish(&federation.http(), &other, 0..1);
    finds(&node, &LOG, "split");
    let log = verifier(&federation.http());
    let [held, shown] = proof(&node, "split");
    let (held, shown) = (
        Checkpoint::open(&log, &held).unwrap(),
        Checkpoint::open(&log, &shown).unwrap(),
    );
    assert_eq!(held.size, shown.size, "one key, one size, two trees");
    assert_ne!(held.root, shown.root);
    publish(&federation.http(), &other, 1..2);
    let told = finds(&node, &LOG, "receipt-broken");
    assert!(told.contains("statement 2"), "{told}");
}

#[test]
fn two_trees_of_one_size_are_found_among_a_nodes_own_receipts() {
    let (federation, node, _) = scene();
    let liar = Liar::before(&federation);
    // As large as the tree of the first receipt, with another statement at its end.
    let first: String = one(&node, "SELECT receipt FROM outbox WHERE seq = 1");
    let first = Proof::parse(&first).unwrap();
    let size = Checkpoint::open(&verifier(&federation.http()), &first.checkpoint)
        .unwrap()
        .size;
    let envelope: Vec<u8> = one(&node, "SELECT envelope FROM outbox WHERE seq = 2");
    let mut book = Book::of(&federation);
    let place = usize::try_from(size - 2).unwrap();
    book.entries.truncate(usize::try_from(size).unwrap());
    book.entries[place] = leaf_of(&node, &envelope, 2);
    let receipt = book.receipt(size - 2);
    liar.tell(move |asked, truth| match asked.method.as_str() {
        "PUT" => Said::with(receipt.clone()),
        _ => truth(),
    });
    node.publish().done();
    let told = finds(&node, &["verify", "own"], "split");
    assert!(told.contains("contradicts itself"), "{told}");
    let [one, other] = proof(&node, "split");
    assert!(one != other && one.lines().nth(1) == other.lines().nth(1));
}

/// Each is a whole log that its owner signed: only who saw the earlier one can tell.
#[test]
fn a_log_that_is_not_what_it_was_is_found() {
    let (federation, node, other) = scene();
    publish(&federation.http(), &other, 0..2);
    let liar = Liar::before(&federation);
    let book = Book::of(&federation);
    let mine = book.entries.iter().position(|e| e.node.as_str() == SLUG);
    let mine = mine.unwrap();
    type Change = Box<dyn Fn(&mut Book)>;
    let lies: [(&str, Change); 7] = [
        ("rolled-back", Box::new(move |b| b.entries.truncate(mine))),
        (
            "receipt-broken",
            Box::new(move |b| drop(b.entries.remove(mine))),
        ),
        (
            "receipt-broken",
            Box::new(move |b| b.entries[mine].pae = Digest::of(b"another payload")),
        ),
        (
            "receipt-broken",
            Box::new(move |b| b.entries.swap(mine, mine + 1)),
        ),
        (
            "rewritten",
            Box::new(|b| b.entries[0].pae = Digest::of(b"another standard")),
        ),
        (
            "sequence",
            Box::new(move |b| b.entries.push(b.entries[mine].clone())),
        ),
        (
            "log-signature",
            Box::new(|b| *b = b.clone().signed_by(SigningKey::from_bytes(&[66; 32]))),
        ),
    ];
    liar.show(book.clone());
    node.program.run(&LOG).done();
    for (code, change) in lies {
        let mut told = book.clone();
        change(&mut told);
        liar.show(told);
        finds(&node, &LOG, code);
    }

    // Files that do not belong together.
    let mut another = book.clone();
    another.entries.last_mut().unwrap().pae = Digest::of(b"another end");
    let (shown, hidden) = (another.checkpoint(), book.clone());
    liar.tell(move |asked, truth| match asked.path.as_str() {
        "/checkpoint" => Said::with(shown.clone()),
        file => hidden.answer(file).unwrap_or_else(truth),
    });
    finds(&node, &LOG, "root");
    for (file, status, code) in [
        ("/tile/0/", 200, "tile"),
        ("/tile/entries/", 200, "receipt-broken"),
        ("/tile/0/", 404, "missing"),
        ("/tile/entries/", 404, "missing"),
    ] {
        let book = book.clone();
        liar.tell(move |asked, truth| {
            let mut said = book.answer(&asked.path).unwrap_or_else(truth);
            if asked.path.starts_with(file) {
                said.status = status;
                // The last byte of my leaf, or of its hash.
                let width = said.body.len() / book.entries.len();
                said.body[width * (mine + 1) - 1] ^= 1;
            }
            said
        });
        finds(&node, &LOG, code);
    }
    liar.repent();
    node.program.run(&LOG).done();
}

/// The same aggregator once more, with all that it holds, as its owner would start it from a copy.
fn twin(federation: &mut Federation) -> Program {
    federation.kill();
    let folder = federation.dir.path().join("twin");
    let twin = Program::new("ldsp-aggregator", &folder);
    let copied = Command::new("cp")
        .args(["-r", path(&federation.aggregator.data), path(&folder)])
        .status();
    assert!(copied.unwrap().success());
    let twin = match federation.database() {
        None => twin,
        Some(database) => {
            let (name, copy) = (database.name(), format!("{}_twin", database.name()));
            let make = format!("CREATE DATABASE {copy} TEMPLATE {name}");
            let _made = database.cluster().sql("postgres", &make);
            twin.with("LDSP_DATABASE", &database.url().replace(name, &copy))
        }
    };
    federation.start();
    twin
}

/// Two real servers sign one log: the node that saw the one finds the other out, from behind, at the same size, and beyond.
#[test]
fn two_servers_with_one_key_are_found_out() {
    let (mut federation, node, other) = scene();
    let twin = twin(&mut federation).serve();
    let site = Http::new(&format!("https://{}", twin.address), &federation.ca_pem());
    federation.gate.lead_to(twin.address);
    node.program.run(&LOG).done();
    federation.gate.lead_to(federation.server().address);
    node.publish().done();

    federation.gate.lead_to(twin.address);
    finds(&node, &LOG, "rolled-back");
    publish(&site, &other, 0..1);
    finds(&node, &LOG, "split");
    publish(&site, &other, 1..2);
    finds(&node, &LOG, "receipt-broken");
    // To a reader who has the other's checkpoint as a file, and nothing else, as well.
    let since = node.file("since", &federation.http().get("/checkpoint").body);
    let ca = node.file("ca.pem", federation.ca_pem().as_bytes());
    let nobody = Node::new(&federation.dir.path().join("nobody"), "nobody", LEP);
    let key = site.get("/v1/verifier").text();
    let at = format!("https://{}", twin.address);
    let arguments = [
        "verify",
        "log",
        &at,
        "--log",
        key.trim(),
        "--since",
        path(&since),
        "--ca",
        path(&ca),
    ];
    finds(&nobody, &arguments, "rewritten");
    federation.gate.lead_to(federation.server().address);
    node.program.run(&LOG).done();
}

/// Runs SQL in the database of an aggregator that does not run; bytes as SQLite writes them.
fn tamper(federation: &Federation, sql: &str) {
    match federation.database() {
        Some(database) => drop(database.sql(&sql.replace("x'", "'\\x"))),
        None => {
            let file = federation.aggregator.data.join("aggregator.sqlite");
            ldsp_tests::held::change(&file, sql);
        }
    }
}

#[test]
fn bytes_that_were_rewritten_where_they_are_kept_are_refused_by_every_reader() {
    let (mut federation, node, _) = scene();
    let true_bytes = federation.envelope(SLUG, 1);
    let receipt = federation
        .http()
        .get(&format!("/v1/nodes/{SLUG}/statements/1/receipt"));
    let receipt = node.file("receipt", &receipt.body);
    let key = hex::encode(node.key().verifying_key().as_bytes());
    let log_key = fs::read_to_string(federation.aggregator.data.join("log-key.pem")).unwrap();
    let log_key = ldsp_protocol::keys::from_pem(&log_key).unwrap();
    let mut body = forge::body(&true_bytes);
    body["payload"]["tables"][0]["cells"][0] = 1_000_000.into();
    let owners = forge::sign(&log_key, &body);
    // Other figures under the node's own signature, and under the log's.
    let mut altered: Value = serde_json::from_slice(&true_bytes).unwrap();
    let forged: Value = serde_json::from_slice(owners.envelope()).unwrap();
    altered["payload"] = forged["payload"].clone();
    for (bytes, code) in [
        (serde_json::to_vec(&altered).unwrap(), "signature"),
        (owners.envelope().to_vec(), "unknown-key"),
    ] {
        let sql = format!(
            "UPDATE statement SET envelope = x'{}' WHERE seq = 1",
            hex::encode(&bytes)
        );
        federation.kill();
        tamper(&federation, &sql);
        federation.start();
        assert_eq!(
            federation.envelope(SLUG, 1),
            bytes,
            "it serves what it keeps"
        );
        let shown = node.file("shown", &bytes);
        let shown = path(&shown);
        finds(&node, &["verify", "statement", shown, "--key", &key], code);
        let arguments = ["verify", "receipt", path(&receipt), "--statement", shown];
        finds(&node, &arguments, "other-statement");
        federation.kill();
        federation.aggregator.run(&["fsck"]).refused();
        federation.start();
        // The log itself is whole: its leaf is the digest of the true bytes, which the node still has.
        node.program.run(&LOG).done();
        node.program.run(&["verify", "own", "--offline"]).done();
        finds(&node, &OWN, "altered");
        finds(&node, &PAYLOADS, "altered");
    }
}

/// Answers as to a statement that was withdrawn.
fn withdrawn(path: &'static str, liar: &Liar) {
    liar.tell(move |asked, truth| match asked.path.as_str() {
        asked if asked == path => {
            let problem = Problem::new(problem::WITHDRAWN, "Its area withdrew it.");
            Said {
                status: 410,
                kind: "application/problem+json".to_owned(),
                body: serde_json::to_vec(&problem).unwrap(),
            }
        }
        _ => truth(),
    });
}

/// Entries are digests: that an owner of the log deletes what is behind one, and says that the area did, shows in no tree.
#[test]
fn content_that_its_node_did_not_take_back_is_not_to_be_hidden() {
    let (federation, node, other) = scene();
    node.publish().done();
    publish(&federation.http(), &other, 0..1);
    let liar = Liar::before(&federation);
    let ours = "/v1/nodes/cornwall-scilly/statements/1";
    node.program.run(&OWN).done();
    let told = node.program.run(&[&PAYLOADS[..], &["--json"]].concat());
    let told = told.json()["payloads"].clone();
    assert_eq!(
        (&told["withdrawn"], &told["closed"]),
        (&0.into(), &0.into())
    );
    withdrawn(ours, &liar);
    node.program.run(&LOG).done();
    let told = finds(&node, &OWN, "hidden");
    assert!(told.contains("statement 1"), "{told}");
    let told = finds(&node, &PAYLOADS, "hidden");
    assert!(told.contains("statement 1 of cornwall-scilly"), "{told}");
    // Another node's: by whoever looks.
    withdrawn("/v1/nodes/other/statements/1", &liar);
    node.program.run(&OWN).done();
    let told = finds(&node, &PAYLOADS, "hidden");
    assert!(told.contains("statement 1 of other"), "{told}");

    // The node takes back another month than the one that is hidden.
    liar.repent();
    let first = federation.envelope(SLUG, 1);
    let why = "Published before the partnership had agreed to it.";
    let withdraw = |seq: &str| {
        let arguments = ["statements", "withdraw", seq, "--reason", why];
        node.run_as(&node.approver, &arguments).done();
    };
    withdraw("2");
    node.publish().done();
    node.program.run(&OWN).done();
    node.program.run(&PAYLOADS).done();
    withdrawn(ours, &liar);
    finds(&node, &OWN, "hidden");
    finds(&node, &PAYLOADS, "hidden");
    // Now that one, too; the log gives it still.
    withdraw("1");
    finds(&node, &OWN, "hidden");
    node.publish().done();
    node.program.run(&OWN).done();
    liar.tell(move |asked, truth| match asked.path.as_str() {
        asked if asked == ours => Said::with(first.clone()),
        _ => truth(),
    });
    finds(&node, &OWN, "still-given");
    liar.repent();
    let told = node.program.run(&[&PAYLOADS[..], &["--json"]].concat());
    assert_eq!(told.json()["payloads"]["withdrawn"], 2);
    node.program.run(&OWN).done();
}

/// Leaves that were taken out or changed under a checkpoint that covers them are not served at all.
#[test]
fn a_tree_that_is_not_what_was_signed_is_not_served() {
    let (mut federation, node, _) = scene();
    for (damage, mended) in [
        (
            "UPDATE log_entry SET first = first + 1000 WHERE first = 1",
            "UPDATE log_entry SET first = first - 1000 WHERE first > 1000",
        ),
        (
            "UPDATE log_head SET size = size - 1",
            "UPDATE log_head SET size = size + 1",
        ),
        (
            "UPDATE log_head SET checkpoint = replace(checkpoint, 'log.ldsp', 'lag.ldsp')",
            "UPDATE log_head SET checkpoint = replace(checkpoint, 'lag.ldsp', 'log.ldsp')",
        ),
    ] {
        federation.kill();
        tamper(&federation, damage);
        let reason = federation.aggregator.run(&["serve"]).refused();
        let reasons = ["not what was signed", "is damaged", "another key signed"];
        let said = reasons.iter().any(|words| reason.contains(words));
        assert!(said, "{damage}: {reason}");
        tamper(&federation, mended);
        federation.start();
        node.program.run(&LOG).done();
    }
}
