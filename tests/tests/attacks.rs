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
