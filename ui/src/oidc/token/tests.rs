//! Every defect that an ID token can have, with keys of our own.

use jsonwebtoken::{EncodingKey, encode};
use serde_json::{Value, json};

use super::super::tests::{Key, NOW, keys};
use super::*;

const CLIENT: &str = "ldsp";
const ISSUER: &str = "https://id.example.org";

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: "n-1",
        access_token: Some("at-1"),
        anew: false,
        started: Timestamp::from_second(NOW - 20).unwrap(),
        now: Timestamp::from_second(NOW).unwrap(),
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "u-1", "aud": CLIENT, "exp": NOW + 300, "iat": NOW, "nonce": "n-1"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn judged(key: &Key, claims: &Value) -> Result<Identity, Defect> {
    check(&key.sign(claims), &[key.public()], &expected())
}

/// The token as it stands with another header, whose signature is then made anew by `key`.
fn with_header(key: &Key, header: &Value) -> String {
    key.sign_header(header, &claims())
}

#[test]
fn a_good_token_of_each_algorithm_is_believed() {
    for key in keys() {
        let hash = left_half(key.algorithm, "at-1");
        for good in [
            claims(),
            with("at_hash", json!(hash)),
            with("aud", json!([CLIENT])),
            with("azp", json!(CLIENT)),
            with("nbf", json!(NOW)),
            with("exp", json!(NOW as f64 + 0.5)),
            // Within the leeway.
            with("iat", json!(NOW + 60)),
            with("iat", json!(NOW - 80)),
            with("exp", json!(NOW - 59)),
        ] {
            let who = judged(key, &good).unwrap();
            assert_eq!(who.subject, "u-1");
            assert_eq!(who.email, None);
        }
    }
}

#[test]
fn an_address_counts_when_it_is_verified() {
    let key = &keys()[1];
    let address = |verified: Value| {
        let mut claims = with("email", json!("ada@example.org"));
        claims["email_verified"] = verified;
        judged(key, &claims).unwrap().email
    };
    assert_eq!(address(json!(true)).as_deref(), Some("ada@example.org"));
    for not in [json!(false), json!("true"), json!(1), json!(null)] {
        assert_eq!(address(not), None);
    }
    assert_eq!(
        judged(key, &with("email", json!("a@b.c"))).unwrap().email,
        None
    );
}

#[test]
fn every_wrong_claim_has_its_own_name() {
    let late = NOW - 60;
    for key in keys() {
        for (claims, defect) in [
            (
                with("iss", json!("https://id.example.org/")),
                Defect::Issuer,
            ),
            (without("iss"), Defect::Shape),
            (with("aud", json!("other")), Defect::Audience),
            (with("aud", json!([CLIENT, "other"])), Defect::Audience),
            (with("aud", json!([])), Defect::Audience),
            (without("aud"), Defect::Shape),
            (with("azp", json!("other")), Defect::AuthorisedParty),
            (with("nonce", json!("n-2")), Defect::Nonce),
            (without("nonce"), Defect::Nonce),
            (with("exp", json!(late)), Defect::Expired),
            (without("exp"), Defect::Shape),
            (with("exp", json!("tomorrow")), Defect::Shape),
            (with("exp", json!(-1.5)), Defect::Shape),
            (without("iat"), Defect::Shape),
            (with("iat", json!(NOW + 61)), Defect::ClockBehind(61)),
            (with("iat", json!(NOW - 81)), Defect::ClockAhead(61)),
            (with("nbf", json!(NOW + 61)), Defect::NotYet),
            (
                with("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
                Defect::AccessToken,
            ),
            (with("sub", json!("")), Defect::Subject),
            (with("sub", json!("x".repeat(256))), Defect::Subject),
            (with("sub", json!("\u{430}da")), Defect::Subject),
            (without("sub"), Defect::Shape),
            (with("sub", json!(7)), Defect::Shape),
        ] {
            assert_eq!(judged(key, &claims), Err(defect), "{claims}");
        }
    }
}

#[test]
fn nothing_but_the_three_algorithms_is_looked_at() {
    let key = &keys()[0];
    let public = serde_json::to_vec(&key.public()).unwrap();
    for name in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256",
        "ES384", "ES512", "ES256K", "EdDSA ", "rs256",
    ] {
        let token = with_header(key, &json!({"alg": name}));
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        for token in [token, unsigned] {
            let judged = check(&token, &[key.public()], &expected());
            assert_eq!(judged, Err(Defect::Algorithm), "{name}");
        }
    }
    // What everybody can read as the key of an HMAC.
    let header = Header::new(Algorithm::HS256);
    let forged = encode(&header, &claims(), &EncodingKey::from_secret(&public)).unwrap();
    let judged = check(&forged, &[key.public()], &expected());
    assert_eq!(judged, Err(Defect::Algorithm));
}

#[test]
fn a_key_is_used_for_what_it_is_for() {
    let [rsa, ec, ed] = keys();
    let change = |field: &str, value: Value| {
        let mut key = serde_json::to_value(ec.public()).unwrap();
        key[field] = value;
        super::super::keys::read(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
    };
    let token = ec.sign(&claims());
    assert!(check(&token, &change("use", json!("sig")), &expected()).is_ok());
    for (field, value) in [
        ("use", json!("enc")),
        ("alg", json!("RS256")),
        ("key_ops", json!(["sign"])),
        ("crv", json!("P-384")),
        ("kty", json!("oct")),
        ("kid", json!("another")),
    ] {
        let judged = check(&token, &change(field, value.clone()), &expected());
        assert_eq!(judged, Err(Defect::NoKey), "{field} {value}");
    }
    for other in [rsa, ed] {
        let judged = check(&token, &[other.public()], &expected());
        assert_eq!(judged, Err(Defect::NoKey));
    }
    assert_eq!(check(&token, &[], &expected()), Err(Defect::NoKey));
    // A stranger's key under the same name.
    let stranger = Key::elliptic("ec");
    let judged = check(&stranger.sign(&claims()), &[ec.public()], &expected());
    assert_eq!(judged, Err(Defect::Signature));
    // Whoever signs says which key it was, and that one alone is tried.
    let both = [ec.public(), stranger.public()];
    assert!(check(&stranger.sign(&claims()), &both, &expected()).is_ok());
}

#[test]
fn without_a_name_the_key_must_be_the_only_one() {
    let (one, two) = (Key::elliptic("one"), Key::elliptic("two"));
    let token = one.sign_header(&json!({"alg": "ES256"}), &claims());
    let rsa = keys()[0].public();
    assert!(check(&token, &[one.public(), rsa], &expected()).is_ok());
    let judged = check(&token, &[one.public(), two.public()], &expected());
    assert_eq!(judged, Err(Defect::NoKey));
}

#[test]
fn headers_that_ask_for_more_are_refused() {
    let key = &keys()[1];
    let judged = |header: Value| check(&with_header(key, &header), &[key.public()], &expected());
    assert!(judged(json!({"alg": "ES256", "kid": "ec", "typ": "jwt"})).is_ok());
    for more in [
        json!({"alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": 1}),
        json!({"alg": "ES256", "kid": "ec", "b64": false}),
        json!({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}),
        json!({"alg": "ES256", "kid": "ec", "typ": "logout+jwt"}),
    ] {
        assert_eq!(judged(more.clone()), Err(Defect::Header), "{more}");
    }
    // A key that the token brings itself, or says where to find, changes nothing.
    let stranger = Key::elliptic("ec");
    let brought = json!({"alg": "ES256", "kid": "ec", "jwk": stranger.public(), "jku": "https://evil.example/keys"});
    let token = stranger.sign_header(&brought, &claims());
    let judged = check(&token, &[key.public()], &expected());
    assert_eq!(judged, Err(Defect::Signature));
}

#[test]
fn what_is_no_token_is_no_token() {
    let key = &keys()[1];
    let token = key.sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let long = format!("{token}{}", "A".repeat(LONGEST));
    for bad in [
        "",
        "a",
        "..",
        "a.b.c.d.e",
        &parts[..2].join("."),
        &format!("{token}.x"),
        &long,
    ] {
        assert!(check(bad, &[key.public()], &expected()).is_err(), "{bad}");
    }
    // One character of each part, in turn.
    for part in 0..3 {
        let mut changed: Vec<String> = parts.iter().map(|p| (*p).to_owned()).collect();
        let other = if changed[part].starts_with('A') {
            "B"
        } else {
            "A"
        };
        changed[part].replace_range(0..1, other);
        assert!(check(&changed.join("."), &[key.public()], &expected()).is_err());
    }
    // A claim that is there twice is two answers.
    let twice = claims().to_string().replacen('{', r#"{"sub":"u-2","#, 1);
    let judged = check(&key.sign_text(&twice), &[key.public()], &expected());
    assert_eq!(judged, Err(Defect::Shape));
}
