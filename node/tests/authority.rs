//! An invite that names a private authority: the aggregator is believed by that one alone.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::Path;
use std::process::{Command, Output};

use jiff::Timestamp;
use ldsp_protocol::enrolment::Invite;
use ldsp_protocol::note::Verifier;
use ldsp_ui::tls::PrivateCa;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn authority() -> PrivateCa {
    PrivateCa::generate(at("2020-01-01T00:00:00Z"), at("2090-01-01T00:00:00Z")).unwrap()
}

/// A server that answers 404 to everything, under `ca`, until the program ends.
fn serve(ca: &PrivateCa) -> String {
    let (from, until) = (at("2020-01-01T00:00:00Z"), at("2090-01-01T00:00:00Z"));
    let issued = ca.issue(&["localhost"], from, until).unwrap();
    let tls = issued.material().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let served = ldsp_ui::serve(listener, tls, axum::Router::new(), std::future::pending());
        runtime.block_on(served).unwrap();
    });
    format!("https://localhost:{port}")
}

/// `enrol` on a machine whose operating system trusts the authority in `trusted`.
fn enrol(dir: &Path, trusted: &Path, url: &str, ca_pem: Option<&str>) -> Output {
    let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
    let invite = Invite {
        schema: 1,
        url: url.to_owned(),
        origin: "log.example".to_owned(),
        verifier: Verifier::new("log.example", key.verifying_key())
            .unwrap()
            .vkey(),
        node: "black-country".parse().unwrap(),
        lep: "E37000001".parse().unwrap(),
        secret: "ab".repeat(32),
        expires: at("2089-01-01T00:00:00Z"),
        ca_pem: ca_pem.map(str::to_owned),
    };
    let file = dir.join("invite.json");
    std::fs::write(&file, serde_json::to_vec(&invite).unwrap()).unwrap();
    node(dir, trusted, &["enrol", "--invite", "invite.json"])
}

fn node(dir: &Path, trusted: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
        .current_dir(dir)
        .env("SSL_CERT_FILE", trusted)
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn an_authority_that_the_system_trusts_does_not_speak_for_a_private_one() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (system, private) = (authority(), authority());
    let trusted = dir.join("system.pem");
    std::fs::write(&trusted, system.certificate_pem()).unwrap();
    let made = node(dir, &trusted, &["init", "--lep", "E37000001"]);
    assert!(made.status.success());
    let url = serve(&system);
    let said = |output: Output| String::from_utf8(output.stderr).unwrap();
    // Without a private authority the system's is believed: the server is heard, whatever it says.
    let heard = said(enrol(dir, &trusted, &url, None));
    assert!(heard.contains("the aggregator refuses"), "{heard}");
    let refused = said(enrol(dir, &trusted, &url, Some(private.certificate_pem())));
    assert!(
        refused.contains("could not be reached") && refused.contains("certificate"),
        "{refused}"
    );
    let heard = said(enrol(dir, &trusted, &url, Some(system.certificate_pem())));
    assert!(heard.contains("the aggregator refuses"), "{heard}");
}
