//! Certificates that do not hold, and clocks that are a day off: said clearly, nothing lost, and it works again afterwards.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ldsp_tests::held::rows;
use ldsp_tests::input;
use ldsp_tests::program::Program;
use ldsp_tests::world::{Federation, Node, path};
use ldsp_ui::tls::PrivateCa;

const SLUG: &str = "cornwall-scilly";
const LEP: &str = "E37000005";
const DAY: i64 = 86_400;

#[expect(
    clippy::disallowed_methods,
    reason = "the programs under test judge certificates by the system's clock"
)]
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970");
    i64::try_from(since.as_secs()).expect("the year is near ours")
}

/// The aggregator's own authority, as `init` made it.
fn authority(federation: &Federation) -> PrivateCa {
    let read = |name: &str| {
        fs::read_to_string(federation.aggregator.data.join(name))
            .expect("`init` made the authority")
    };
    PrivateCa::from_pem(&read("ca-cert.pem"), &read("ca-key.pem")).expect("an authority is PEM")
}

/// The aggregator with a certificate of `authority` for `name` that holds for these days from today.
fn with_certificate(
    program: &Program,
    authority: &PrivateCa,
    dir: &Path,
    name: &str,
    days: (i64, i64),
) -> Program {
    let at = |days: i64| jiff::Timestamp::from_second(now() + days * DAY).expect("a day near ours");
    let issued = authority
        .issue(&[name], at(days.0), at(days.1))
        .expect("the authority issues");
    let (chain, key) = (dir.join("served.pem"), dir.join("served.key"));
    fs::write(&chain, issued.certificate_pem).expect("a temporary folder can be written");
    fs::write(&key, issued.key_pem).expect("a temporary folder can be written");
    program
        .clone()
        .with("LDSP_TLS_CERT", path(&chain))
        .with("LDSP_TLS_KEY", path(&key))
}

/// Nothing left the node, and nothing is lost.
fn keeps(node: &Node) {
    assert_eq!(rows(node, "outbox WHERE receipt IS NULL"), 1);
}

#[test]
fn a_certificate_that_does_not_hold_is_named_and_the_statement_waits() {
    let mut federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);
    node.release();
    let own = authority(&federation);
    let at = |days: i64| jiff::Timestamp::from_second(now() + days * DAY).unwrap();
    let other = PrivateCa::generate(at(-9), at(9)).unwrap();
    let sound = federation.aggregator.clone();
    let dir = federation.dir.path().to_owned();

    for (authority, name, days, words) in [
        (&own, "127.0.0.1", (-30, -1), "has ended"),
        (&own, "127.0.0.1", (1, 30), "not valid yet"),
        (&own, "log.elsewhere.example", (-1, 30), "another name"),
        (&other, "127.0.0.1", (-1, 30), "another authority"),
    ] {
        federation.kill();
        federation.aggregator = with_certificate(&sound, authority, &dir, name, days);
        federation.start();
        let reason = node.publish().refused();
        assert!(
            reason.contains("certificate") && reason.contains(words),
            "{reason}"
        );
        assert!(reason.contains("queued"), "{reason}");
        keeps(&node);
        let status = node.program.run(&["status"]).done();
        assert!(status.contains("certificate"), "{status}");
    }

    federation.kill();
    federation.aggregator = sound;
    federation.start();
    assert_eq!(federation.logged(SLUG), 0, "nothing came through before");
    node.publish().done();
    assert_eq!(federation.logged(SLUG), 1);
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 0);
}

#[test]
fn an_invite_is_not_spent_on_a_server_that_is_not_believed() {
    let mut federation = Federation::new();
    let node = federation.node(SLUG, LEP);
    let invite = federation.invite(SLUG, LEP);
    let sound = federation.aggregator.clone();
    let own = authority(&federation);
    let dir = federation.dir.path().to_owned();
    federation.kill();
    federation.aggregator = with_certificate(&sound, &own, &dir, "127.0.0.1", (-30, -1));
    federation.start();
    let enrol = ["enrol", "--invite", path(&invite)];
    let reason = node.program.run(&enrol).refused();
    assert!(reason.contains("has ended"), "{reason}");
    federation.kill();
    federation.aggregator = sound;
    federation.start();
    node.program.run(&enrol).done();
}
