//! What comes over the network and may not be believed. Every refusal names its kind and the next step, and changes nothing.

use ldsp_protocol::dsse::{MAX_ENVELOPE, Sealed};
use ldsp_tests::world::{Federation, Node};
use ldsp_tests::{forge, input};
use serde_json::{Value, json};

const SLUG: &str = "cornwall-scilly";
const LEP: &str = "E37000005";

struct Scene {
    federation: Federation,
    node: Node,
    /// Envelope of statement 2, a summary.
    last: Vec<u8>,
    record: Value,
}

/// A node with two published months.
fn scene() -> Scene {
    let federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 4));
    node.import(&programmes, &learners);
    node.release();
    node.release();
    node.publish().done();
    let last = federation.envelope(SLUG, 2);
    let record = federation.record(SLUG);
    assert_eq!(record["seq"], 2);
    Scene {
        federation,
        node,
        last,
        record,
    }
}

impl Scene {
    /// The body that an honest third month would have, but for its cells, which are those of the second.
    fn third(&self) -> Value {
        let mut body = forge::body(&self.last);
        body["seq"] = json!(3);
        body["prev"] = self.record["prev"].clone();
        body["period"] = json!(input::periods(input::FIRST, 3)[2].to_string());
        body["payload"]["noise"]["month"] = json!(3);
        body
    }

    fn put(&self, seq: u64, bytes: &[u8]) -> ldsp_tests::http::Reply {
        self.federation
            .http()
            .put(&format!("/v1/nodes/{SLUG}/statements/{seq}"), bytes)
    }

    fn put_signed(&self, seq: u64, body: &Value) -> ldsp_tests::http::Reply {
        self.put(seq, forge::sign(&self.node.key(), body).envelope())
    }
}

#[test]
fn forged_statements_are_refused_and_change_nothing() {
    let scene = scene();
    let honest = forge::sign(&scene.node.key(), &scene.third());

    scene.put(3, b"not an envelope").is_problem(400, "envelope");
    scene
        .put(3, &forge::unsign(honest.envelope()))
        .is_problem(400, "envelope");
    scene
        .put(3, &forge::alter(honest.envelope()))
        .is_problem(403, "signature");
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    scene
        .put(3, forge::sign(&stranger, &scene.third()).envelope())
        .is_problem(403, "unknown-key");
    scene
        .put(3, &vec![b' '; MAX_ENVELOPE + 1])
        .is_problem(413, "too-large");
    let nobody = scene
        .federation
        .http()
        .put("/v1/nodes/no-such-node/statements/1", honest.envelope());
    nobody.is_problem(404, "unknown-node");

    assert_eq!(scene.federation.record(SLUG), scene.record);
}

#[test]
fn sequence_chain_and_period_are_kept() {
    let scene = scene();
    let with = |field: &str, value: Value| {
        let mut body = scene.third();
        body[field] = value;
        body
    };

    // A replay is the same statement again: the same receipt, nothing new.
    let receipt = scene
        .federation
        .http()
        .get(&format!("/v1/nodes/{SLUG}/statements/2/receipt"));
    let again = scene.put(2, &scene.last);
    assert_eq!(again.status, 200);
    assert_eq!(again.body, receipt.body, "a replay gets the stored receipt");
    // The same bytes at another address are another claim.
    scene.put(3, &scene.last).is_problem(422, "misdirected");

    let gap = scene
        .put_signed(5, &with("seq", json!(5)))
        .is_problem(409, "gap");
    assert_eq!(gap["expected_seq"], 3);
    scene
        .put_signed(3, &with("prev", json!("ab".repeat(32))))
        .is_problem(409, "chain");
    scene
        .put_signed(3, &with("origin", json!("another.log")))
        .is_problem(422, "misdirected");
    scene
        .put_signed(3, &with("node", json!("another-node")))
        .is_problem(422, "misdirected");
    scene
        .put_signed(3, &with("standard", json!("cd".repeat(32))))
        .is_problem(409, "standard");
    for period in ["2199-01", input::FIRST, "2022-12"] {
        scene
            .put_signed(3, &with("period", json!(period)))
            .is_problem(422, "period");
    }
    scene
        .put_signed(3, &with("colour", json!("blue")))
        .is_problem(422, "statement");

    let mut other = forge::body(&scene.last);
    other["payload"]["software"] = json!("another/1.0");
    scene.put_signed(2, &other).is_problem(409, "equivocation");

    assert_eq!(scene.federation.record(SLUG), scene.record);
}

#[test]
fn a_summary_that_breaks_a_rule_is_refused_by_table_and_rule() {
    let scene = scene();
    let first_table = scene.third()["payload"]["tables"][0]["id"].clone();

    let mut body = scene.third();
    body["payload"]["tables"][0]["cells"]
        .as_array_mut()
        .unwrap()
        .pop();
    let problem = scene.put_signed(3, &body).is_problem(422, "summary");
    assert_eq!(problem["table"], first_table, "{problem:#}");

    let mut body = scene.third();
    body["payload"]["tables"].as_array_mut().unwrap().pop();
    scene.put_signed(3, &body).is_problem(422, "summary");

    let mut body = scene.third();
    body["payload"]["noise"]["sigma2"][first_table.as_str().unwrap()] = json!(1);
    scene.put_signed(3, &body).is_problem(422, "summary");

    let mut body = scene.third();
    body["payload"]["noise"]["rho_micro"] = json!(2_000_000);
    scene.put_signed(3, &body).is_problem(422, "summary");

    // Shared margins that disagree by far more than the noise: one table's cells are raised.
    let mut body = scene.third();
    for cell in body["payload"]["tables"][0]["cells"]
        .as_array_mut()
        .unwrap()
    {
        *cell = json!(cell.as_i64().unwrap() + (100_000 << 16));
    }
    scene.put_signed(3, &body).is_problem(422, "summary");

    assert_eq!(scene.federation.record(SLUG), scene.record);
    // After all this the node's own third month is taken.
    scene.node.release();
    scene.node.publish().done();
    assert_eq!(scene.federation.logged(SLUG), 3);
}

#[test]
fn a_practice_entry_with_personal_data_is_refused_by_the_receiver_too() {
    let scene = scene();
    let vector = include_str!("../../protocol/vectors/v1/bad_practice_telephone.toml");
    let line = vector
        .lines()
        .find_map(|l| l.strip_prefix("body = '''"))
        .unwrap();
    let mut body: Value = serde_json::from_str(line.trim_end_matches("'''")).unwrap();
    for field in ["origin", "node", "standard"] {
        body[field] = scene.third()[field].clone();
    }
    body["seq"] = json!(3);
    body["prev"] = scene.record["prev"].clone();
    scene.put_signed(3, &body).is_problem(422, "practice");
    assert_eq!(scene.federation.record(SLUG), scene.record);
}

#[test]
fn an_invite_works_once_and_only_for_its_node() {
    let federation = Federation::new();
    let invite = federation.invite(SLUG, LEP);
    let (first, second) = (federation.node(SLUG, LEP), federation.node("second", LEP));
    let arguments = ["enrol", "--invite", ldsp_tests::world::path(&invite)];
    first.program.run(&arguments).done();
    second.program.run(&arguments).refused();

    // Not approved yet: nothing is taken from it.
    let body = json!({"kind": "learning-summary"});
    let sealed: Sealed = forge::sign(&first.key(), &body);
    let reply = federation
        .http()
        .put(&format!("/v1/nodes/{SLUG}/statements/1"), sealed.envelope());
    reply.is_problem(403, "not-active");
    // The operator has to have the right fingerprint.
    let wrong = second.fingerprint();
    federation
        .operate(&["nodes", "approve", SLUG, "--fingerprint", &wrong])
        .refused();
    federation.approve(&first).done();
}

#[test]
fn a_key_that_was_revoked_adds_nothing_and_comes_back_under_no_name() {
    let scene = scene();
    let revoke = [
        "revoke",
        SLUG,
        "--reason",
        "The server was stolen.",
        "--yes",
    ];
    scene.federation.operate(&revoke).done();
    let revoked = scene.federation.record(SLUG);
    // What stands can be asked for again; nothing more is taken, by hand or by the program, nor kept as a proof.
    assert_eq!(scene.put(2, &scene.last).status, 200);
    scene
        .put_signed(3, &scene.third())
        .is_problem(403, "key-revoked");
    let mut other = forge::body(&scene.last);
    other["payload"]["software"] = json!("another/1.0");
    scene.put_signed(2, &other).is_problem(403, "key-revoked");
    // The node hears of it before anything more is signed.
    let prepared = scene.node.prepare();
    let why = scene.node.approve(&prepared).refused();
    assert!(why.contains("key was revoked"), "{why}");
    assert_eq!(scene.federation.record(SLUG), revoked);
    let nodes = scene.federation.aggregator.run(&["nodes", "--json"]).json();
    assert_eq!(nodes[0]["conflicts"], 0, "{nodes:#}");

    // Its node is not invited again, and for another node the key is refused before an operator has to look at it.
    let out = scene.federation.dir.path().join("again.invite");
    let again = [
        "invite",
        SLUG,
        "--lep",
        LEP,
        "--out",
        ldsp_tests::world::path(&out),
    ];
    scene.federation.operate(&again).refused();
    let thief = scene.federation.node("thief", "E37000001");
    std::fs::copy(
        scene.node.program.data.join("node.key"),
        thief.program.data.join("node.key"),
    )
    .unwrap();
    let invite = scene.federation.invite("thief", "E37000001");
    let enrol = ["enrol", "--invite", ldsp_tests::world::path(&invite)];
    let reason = thief.program.run(&enrol).refused();
    assert!(reason.contains("one node only"), "{reason}");
    scene.federation.approve(&thief).refused();
}

#[test]
fn a_key_outside_the_prime_order_group_is_not_enrolled() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    let federation = Federation::new();
    let file = federation.invite(SLUG, LEP);
    let invite: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let secret = invite["secret"].as_str().unwrap();
    // Of small order, of mixed order, and not in its one canonical form: y is p, which is 0, and p + 1, which is 1.
    let mut keys: Vec<String> = EIGHT_TORSION
        .iter()
        .flat_map(|torsion| [*torsion, ED25519_BASEPOINT_POINT + torsion])
        .map(|point| hex::encode(point.compress().to_bytes()))
        .collect();
    let whole = hex::encode(ED25519_BASEPOINT_POINT.compress().to_bytes());
    keys.retain(|key| *key != whole);
    keys.push(format!("ed{}7f", "ff".repeat(30)));
    keys.push(format!("ee{}7f", "ff".repeat(30)));
    for key in keys {
        let body = json!({
            "schema": 1, "origin": ldsp_tests::world::ORIGIN, "node": SLUG,
            "invite": ldsp_protocol::ids::Digest::of(secret.as_bytes()), "nonce": "00".repeat(32), "public_key": key,
            "standard": ldsp_protocol::standard::Standard::current().digest(), "software": "test/1",
        });
        let signer = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
        let kind = ldsp_protocol::enrolment::ENROLMENT_TYPE;
        let sealed = Sealed::sign(&signer, kind, &serde_json::to_vec(&body).unwrap());
        let reply = federation.http().enrol(secret, sealed.envelope());
        assert!(
            matches!(reply.status, 400 | 403 | 422),
            "{key}: {}",
            reply.text()
        );
    }
    // The invite is not spent.
    let node = federation.node(SLUG, LEP);
    let enrol = ["enrol", "--invite", ldsp_tests::world::path(&file)];
    node.program.run(&enrol).done();
}

/// A node that signed for one log is no witness in another: there the same bytes, by the same key, are refused.
#[test]
fn a_statement_of_one_log_is_refused_by_another() {
    let scene = scene();
    let elsewhere = Federation::named("other.ldsp.test");
    let node = elsewhere.node(SLUG, LEP);
    std::fs::copy(
        scene.node.program.data.join("node.key"),
        node.program.data.join("node.key"),
    )
    .unwrap();
    let invite = elsewhere.invite(SLUG, LEP);
    let enrol = ["enrol", "--invite", ldsp_tests::world::path(&invite)];
    node.program.run(&enrol).done();
    elsewhere.approve(&node).done();
    let record = elsewhere.record(SLUG);
    assert_eq!(record["public_key"], scene.record["public_key"]);
    let first = scene.federation.envelope(SLUG, 1);
    let at = format!("/v1/nodes/{SLUG}/statements/1");
    let reply = elsewhere.http().put(&at, &first);
    reply.is_problem(422, "misdirected");
    assert_eq!(elsewhere.record(SLUG), record);
}

/// Two statements for one free place, sent at once by many: one is taken, and whoever sent the other holds a proof against
/// the node, as the aggregator does.
#[test]
fn of_two_statements_for_one_place_that_come_at_once_one_is_taken() {
    let scene = scene();
    let one = forge::sign(&scene.node.key(), &scene.third());
    let mut other = scene.third();
    other["payload"]["software"] = json!("another/1.0");
    let other = forge::sign(&scene.node.key(), &other);
    let (base, ca) = (scene.federation.server().address, scene.federation.ca_pem());
    let replies = std::thread::scope(|scope| {
        let senders: Vec<_> = [&one, &other, &one, &other, &one, &other]
            .into_iter()
            .map(|sealed| {
                let http = ldsp_tests::http::Http::new(&format!("https://{base}"), &ca);
                let at = format!("/v1/nodes/{SLUG}/statements/3");
                scope.spawn(move || http.put(&at, sealed.envelope()))
            })
            .collect();
        let replies = senders.into_iter().map(|sender| sender.join().unwrap());
        replies.collect::<Vec<_>>()
    });
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 201, 409, 409, 409]);
    let refused = replies.iter().filter(|reply| reply.status == 409);
    refused.for_each(|reply| drop(reply.is_problem(409, "equivocation")));
    let taken = scene.federation.envelope(SLUG, 3);
    assert!([one.envelope(), other.envelope()].contains(&taken.as_slice()));
    let nodes = scene.federation.aggregator.run(&["nodes", "--json"]).json();
    assert_eq!(nodes[0]["conflicts"], 1, "{nodes:#}");
}

/// What only the log may state, in its name or a node's own, and envelopes with more than one signature.
#[test]
fn a_node_speaks_for_nobody_else() {
    let scene = scene();
    let mut body = scene.third();
    for kind in ["key-add", "key-revoke", "standard"] {
        body["kind"] = json!(kind);
        scene.put_signed(3, &body).is_problem(422, "statement");
    }
    let mut body = scene.third();
    body["node"] = json!("aggregator");
    let sealed = forge::sign(&scene.node.key(), &body);
    let http = scene.federation.http();
    let own = http.put("/v1/nodes/aggregator/statements/3", sealed.envelope());
    own.is_problem(404, "unknown-node");
    let out = scene.federation.dir.path().join("own.invite");
    let invite = ["invite", "aggregator", "--lep", "E37000001", "--out"];
    let invite = [&invite[..], &[ldsp_tests::world::path(&out)]].concat();
    scene.federation.operate(&invite).refused();

    let honest = forge::sign(&scene.node.key(), &scene.third());
    let mut twice: Value = serde_json::from_slice(honest.envelope()).unwrap();
    let signature = twice["signatures"][0].clone();
    twice["signatures"].as_array_mut().unwrap().push(signature);
    let twice = serde_json::to_vec(&twice).unwrap();
    scene.put(3, &twice).is_problem(400, "envelope");
    assert_eq!(scene.federation.record(SLUG), scene.record);
}

#[test]
fn a_server_of_another_authority_is_not_believed() {
    let federation = Federation::new();
    let invite = federation.invite(SLUG, LEP);
    let mut altered: Value = serde_json::from_slice(&std::fs::read(&invite).unwrap()).unwrap();
    let (from, to) = (
        "2020-01-01T00:00:00Z".parse().unwrap(),
        "2120-01-01T00:00:00Z".parse().unwrap(),
    );
    let other = ldsp_ui::tls::PrivateCa::generate(from, to).unwrap();
    altered["ca_pem"] = json!(other.certificate_pem());
    let node = federation.node(SLUG, LEP);
    let file = node.file("altered.invite", &serde_json::to_vec(&altered).unwrap());
    let reason = node
        .program
        .run(&["enrol", "--invite", ldsp_tests::world::path(&file)])
        .refused();
    assert!(reason.contains("certificate"), "{reason}");
    // Nothing was spent: the true invite still works.
    node.program
        .run(&["enrol", "--invite", ldsp_tests::world::path(&invite)])
        .done();
}
