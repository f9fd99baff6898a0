//! Signatures that were made to tell verifiers apart, judged as this project judges them: the key
//! is admitted, then the signature is verified strictly.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use ed25519_dalek::{Signature, VerifyingKey};
use ldsp_protocol::keys::{admit, verifies};

/// One line of a file of cases.
struct Case {
    name: String,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    expected: bool,
    edges: String,
}

impl Case {
    fn accepted(&self) -> bool {
        admit(&self.key).is_ok_and(|key| verifies(&key, &self.message, &self.signature))
    }

    /// As somebody would judge who takes the library's first offer.
    fn accepted_loosely(&self) -> bool {
        let key = <[u8; 32]>::try_from(self.key.as_slice())
            .ok()
            .and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let signature = Signature::from_slice(&self.signature).ok();
        key.zip(signature).is_some_and(|(key, signature)| {
            #[expect(
                clippy::disallowed_methods,
                reason = "what the strict form is compared with"
            )]
            ed25519_dalek::Verifier::verify(&key, &self.message, &signature).is_ok()
        })
    }
}

fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors/ed25519")
        .join(file);
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip_while(|line| line.starts_with('#'));
    let columns = "case,key,message,signature,expected,edges";
    assert_eq!(lines.next(), Some(columns), "{file}");
    let case = |line: &str| {
        let [case, key, message, signature, expected, edges] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        Case {
            name: format!("{file} {case}"),
            key: hex::decode(key).unwrap(),
            message: hex::decode(message).unwrap(),
            signature: hex::decode(signature).unwrap(),
            expected: match expected {
                "accepted" => true,
                "refused" => false,
                other => panic!("{file} {case}: {other}"),
            },
            edges: edges.to_owned(),
        }
    };
    lines.map(case).collect()
}

/// Judges every case and gives how many there are, how many are accepted here, and how many loosely.
fn judge(file: &str) -> (usize, usize, usize) {
    let cases = cases(file);
    for case in &cases {
        let Case { name, edges, .. } = case;
        assert_eq!(case.accepted(), case.expected, "{name}: {edges}");
    }
    let count = |accepted: fn(&Case) -> bool| cases.iter().filter(|case| accepted(case)).count();
    (
        cases.len(),
        count(Case::accepted),
        count(Case::accepted_loosely),
    )
}

#[test]
fn wycheproof_does_not_differ() {
    assert_eq!(judge("wycheproof.csv"), (151, 88, 88));
}

#[test]
fn speccheck_is_refused_whole() {
    let (all, accepted, loosely) = judge("speccheck.csv");
    assert_eq!((all, accepted), (12, 0));
    assert!(loosely > 0, "the cases tell lax verifiers from strict ones");
}

/// The one that is left has no edge: an ordinary key's ordinary signature.
#[test]
fn of_cctv_one_is_accepted() {
    let (all, accepted, loosely) = judge("cctv.csv");
    assert_eq!((all, accepted), (914, 1));
    assert!(loosely > 1, "the cases tell lax verifiers from strict ones");
    let plain = cases("cctv.csv").into_iter().find(Case::accepted);
    assert_eq!(plain.map(|case| case.edges), Some(String::new()));
}
