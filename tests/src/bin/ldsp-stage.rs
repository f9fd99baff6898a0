//! A small federation of real processes for the browser checks: one node with two months published and more to be released.
//! Prints where it listens and who may sign in as one line of JSON, and ends when its standard input does.

use std::io::Read as _;

use ldsp_tests::input;
use ldsp_tests::world::{Federation, Person};
use serde_json::{Value, json};

const LEP: &str = "E37000005";

#[expect(clippy::print_stdout, reason = "the program's answer")]
fn main() {
    let federation = Federation::new();
    let node = federation.join("cornwall-scilly", LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 6));
    node.import(&programmes, &learners);
    node.release();
    node.release();
    node.publish().done();
    let server = node.serve();
    let sign_in = |person: &Person, role: &str| -> Value {
        json!({"name": person.name, "role": role, "secret": person.secret})
    };
    println!(
        "{}",
        json!({
            "aggregator": {
                "url": format!("https://{}", federation.gate.address),
                "people": [sign_in(&federation.operator, "operator")],
            },
            "nodes": [{
                "node": node.slug,
                "url": format!("https://{}", server.address),
                "people": [sign_in(&node.coordinator, "coordinator"), sign_in(&node.approver, "approver")],
            }],
        })
    );
    let mut nothing = Vec::new();
    std::io::stdin()
        .read_to_end(&mut nothing)
        .expect("standard input can be read");
}
