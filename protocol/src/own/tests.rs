use ed25519_dalek::SigningKey;

use super::*;
use crate::dsse::{Sealed, Unverified};
use crate::standard::{STANDARD_V1, Standard};
use crate::statement::{SCHEMA, Statement};

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[99; 32])
}

fn node_key(seed: u8) -> VerifyingKey {
    SigningKey::from_bytes(&[seed; 32]).verifying_key()
}

fn add(node: &str, seed: u8, from: u64) -> KeyAdd {
    KeyAdd {
        node: node.parse().unwrap(),
        lep: "E37000055".parse().unwrap(),
        public_key: hex::encode(node_key(seed).as_bytes()),
        key_id: key_id(&node_key(seed)),
        from,
        enrolment: Digest::of(b"enrolment"),
        approved_by: "olive".into(),
    }
}

fn revoke(node: &str, seed: u8, from: u64) -> KeyRevoke {
    KeyRevoke {
        node: node.parse().unwrap(),
        key_id: key_id(&node_key(seed)),
        from,
        reason: "The server was stolen.".into(),
        revoked_by: "olive".into(),
    }
}

fn standard() -> StandardVersion {
    StandardVersion {
        title: Standard::v1().title(),
        digest: Standard::v1().digest(),
        text: STANDARD_V1.to_owned(),
    }
}

fn body<P>(kind: Kind, payload: P) -> Body<P> {
    Body {
        schema: SCHEMA,
        origin: "log.example".into(),
        node: name(),
        seq: 1,
        prev: Digest::ZERO,
        kind,
        period: None,
        standard: Standard::v1().digest(),
        payload,
    }
}

fn sealed<P: Serialize>(body: &Body<P>) -> Verified {
    let sealed = Sealed::sign(&log_key(), &body.kind.payload_type(), &body.to_bytes());
    let key = log_key().verifying_key();
    let parsed = Unverified::parse(sealed.envelope()).unwrap();
    parsed.verify(&key).unwrap()
}

fn said<P: Serialize>(body: &Body<P>) -> Result<Own, StatementError> {
    OwnStatement::read(&sealed(body)).map(|s| s.payload)
}

#[test]
fn what_the_log_signs_is_read_back_as_it_was() {
    let (added, revoked) = (add("solent", 1, 4), revoke("solent", 1, 9));
    assert_eq!(
        said(&body(Kind::KeyAdd, added.clone())),
        Ok(Own::KeyAdd(added.clone()))
    );
    assert_eq!(added.key(), Ok(node_key(1)));
    assert_eq!(
        said(&body(Kind::KeyRevoke, revoked.clone())),
        Ok(Own::KeyRevoke(revoked))
    );
    let version = said(&body(Kind::Standard, standard())).unwrap();
    assert_eq!(version, Own::Standard(Box::new(standard())));
    assert_eq!(version.kind(), Kind::Standard);
}

#[test]
fn neither_speaks_for_the_other() {
    let own = body(Kind::KeyAdd, add("solent", 1, 0));
    assert_eq!(
        Statement::read(&sealed(&own)),
        Err(StatementError::Author(Kind::KeyAdd))
    );
    let entry = body(Kind::PracticeEntry, 1);
    let refused = said(&entry).unwrap_err();
    assert_eq!(refused, StatementError::Author(Kind::PracticeEntry));
    assert!(refused.to_string().ends_with("a node's to make"));
    let mut by_node = own;
    by_node.node = "solent".parse().unwrap();
    let refused = said(&by_node).unwrap_err();
    assert!(refused.to_string().contains("node solent"), "{refused}");
}

#[test]
fn a_payload_that_cannot_be_is_refused() {
    let faulty = |change: fn(&mut KeyAdd)| {
        let mut added = add("solent", 1, 0);
        change(&mut added);
        said(&body(Kind::KeyAdd, added)).unwrap_err()
    };
    let small_order = faulty(|a| a.public_key = "0".repeat(64));
    assert_eq!(
        small_order,
        StatementError::Payload(PayloadError::Key(KeyError::Torsion))
    );
    for (refused, cause) in [
        (
            faulty(|a| a.public_key.make_ascii_uppercase()),
            PayloadError::Hex,
        ),
        (faulty(|a| a.public_key.truncate(62)), PayloadError::Hex),
        (faulty(|a| a.key_id = Digest::ZERO), PayloadError::KeyId),
        (faulty(|a| a.node = name()), PayloadError::Node),
        (
            faulty(|a| a.approved_by.clear()),
            PayloadError::Person("approved_by"),
        ),
    ] {
        assert_eq!(refused, StatementError::Payload(cause));
    }
    let mut revoked = revoke("solent", 1, 0);
    revoked.revoked_by = "a\nb".into();
    let refused = said(&body(Kind::KeyRevoke, revoked)).unwrap_err();
    assert!(refused.to_string().contains("revoked_by"), "{refused}");
    let mut version = standard();
    version.text.push(' ');
    let refused = said(&body(Kind::Standard, version)).unwrap_err();
    assert_eq!(refused, StatementError::Payload(PayloadError::Digest));
    let mut other = body(Kind::Standard, standard());
    other.standard = Digest::ZERO;
    let refused = said(&other).unwrap_err();
    assert_eq!(refused, StatementError::Payload(PayloadError::Standard));
}

#[test]
fn a_reason_is_one_line_without_personal_data() {
    assert_eq!(check_reason("The server was stolen."), Ok(()));
    for bad in ["", "  ", "a\nb", &"x".repeat(MAX_REASON + 1)] {
        assert_eq!(check_reason(bad), Err(PayloadError::Reason), "{bad:?}");
    }
    let named = check_reason("Ask jo@example.org about it").unwrap_err();
    assert!(named.to_string().contains("characters 5 to 18"), "{named}");
}

#[test]
fn the_order_of_the_log_says_which_key_counts() {
    let solent = "solent".parse().unwrap();
    let [first, second] = [1, 2].map(|seed| key_id(&node_key(seed)));
    let mut keys = Keys::default();
    keys.take(3, &Own::KeyAdd(add("solent", 1, 3))).unwrap();
    let counting = |keys: &Keys, id| -> Vec<u64> {
        (0..14)
            .filter(|index| keys.count(&solent, id, *index))
            .collect()
    };
    assert_eq!(counting(&keys, first), Vec::from_iter(3..14));
    let twice = keys.take(4, &Own::KeyAdd(add("solent", 2, 4)));
    assert_eq!(twice, Err(KeysError::Added(solent.clone())));
    let other = keys.take(4, &Own::KeyRevoke(revoke("solent", 2, 4)));
    assert_eq!(other, Err(KeysError::Missing(solent.clone())));
    let early = keys.take(7, &Own::KeyRevoke(revoke("solent", 1, 5)));
    assert_eq!(early, Err(KeysError::Place { from: 5, index: 7 }));
    keys.take(7, &Own::KeyRevoke(revoke("solent", 1, 7)))
        .unwrap();
    assert_eq!(counting(&keys, first), Vec::from_iter(3..7));
    let again = keys.take(8, &Own::KeyRevoke(revoke("solent", 1, 8)));
    assert_eq!(again, Err(KeysError::Missing(solent.clone())));
    let risen = keys.take(8, &Own::KeyAdd(add("solent", 1, 8)));
    assert_eq!(risen, Err(KeysError::Added(solent.clone())));
    keys.take(9, &Own::KeyAdd(add("solent", 2, 9))).unwrap();
    keys.take(10, &Own::Standard(Box::new(standard()))).unwrap();
    assert_eq!(counting(&keys, second), Vec::from_iter(9..14));
    // A key of before the log kept such statements counts from the node's first.
    keys.take(11, &Own::KeyAdd(add("essex", 3, 2))).unwrap();
    assert!(keys.count(&"essex".parse().unwrap(), key_id(&node_key(3)), 2));
    let ahead = keys.take(12, &Own::KeyAdd(add("kent", 4, 13)));
    assert_eq!(
        ahead,
        Err(KeysError::Place {
            from: 13,
            index: 12
        })
    );
}
