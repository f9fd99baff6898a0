use axum::http::{Method, StatusCode};
use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::enrolment::{ENROLMENT_TYPE, EnrolmentBody};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::standard::Standard;

use crate::store::{InviteRow, Registry};
use crate::testing::{Answer, ORIGIN, World, at};

const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A canonical point that is not in the prime-order group ("Taming the many EdDSAs", section 3).
fn mixed_order_key() -> [u8; 32] {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1])
        .compress()
        .to_bytes()
}

async fn invited(world: &World) {
    let invite = InviteRow {
        node: "solent".parse().unwrap(),
        lep: "E37000055".parse().unwrap(),
        secret_hash: Digest::of(SECRET.as_bytes()),
        expires: at("2023-01-10T00:00:00Z"),
        created: at("2023-01-05T00:00:00Z"),
        created_by: "op".into(),
        used: None,
    };
    world.service.store.invite(&invite).await.unwrap();
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn body(seed: u8) -> EnrolmentBody {
    EnrolmentBody {
        schema: 1,
        origin: ORIGIN.into(),
        node: "solent".parse().unwrap(),
        invite: Digest::of(SECRET.as_bytes()),
        nonce: Digest::of(b"nonce"),
        public_key: hex::encode(key(seed).verifying_key().as_bytes()),
        standard: Standard::current().digest(),
        software: "test/1".into(),
    }
}

async fn post(world: &World, signer: u8, body: &EnrolmentBody, secret: &str) -> Answer {
    let sealed = Sealed::sign(
        &key(signer),
        ENROLMENT_TYPE,
        &serde_json::to_vec(body).unwrap(),
    );
    let bearer = format!("Bearer {secret}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/vnd.dsse+json"),
    ];
    let envelope = sealed.envelope().to_vec();
    world
        .call(Method::POST, "/v1/enrolments", &headers, envelope)
        .await
}

fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.problem().code, code, "{}", answer.text());
}

#[tokio::test]
async fn an_invite_enrols_one_key_once_and_may_be_repeated() {
    let world = World::new().await;
    invited(&world).await;
    let first = post(&world, 1, &body(1), SECRET).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    assert_eq!(first.json()["state"], "pending");
    // Even after the invite has expired: the answer may have been lost.
    *world.now.lock().unwrap() = at("2023-02-01T00:00:00Z");
    let again = post(&world, 1, &body(1), SECRET).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body, first.body);
    refused(&post(&world, 2, &body(2), SECRET).await, "invite");
}

#[tokio::test]
async fn an_invite_that_does_not_fit_is_refused_in_one_way() {
    let world = World::new().await;
    refused(&post(&world, 1, &body(1), SECRET).await, "invite");
    invited(&world).await;
    let wrong = "ff".repeat(32);
    let answer = post(&world, 1, &body(1), &wrong).await;
    refused(&answer, "invite");
    let mut other = body(1);
    other.invite = Digest::of(wrong.as_bytes());
    refused(&post(&world, 1, &other, &wrong).await, "invite");
    let mut elsewhere = body(1);
    elsewhere.node = "essex".parse().unwrap();
    let unknown = post(&world, 1, &elsewhere, SECRET).await;
    assert_eq!(unknown.problem().detail, answer.problem().detail);
    *world.now.lock().unwrap() = at("2023-01-10T00:00:00Z");
    refused(&post(&world, 1, &body(1), SECRET).await, "invite");
    let node = world.get("/v1/nodes/solent").await.json();
    assert_eq!(node["state"], "invited");
}

#[tokio::test]
async fn a_key_must_be_held_and_of_prime_order() {
    let world = World::new().await;
    invited(&world).await;
    refused(&post(&world, 2, &body(1), SECRET).await, "unknown-key");
    let mut weak = body(1);
    weak.public_key = hex::encode(mixed_order_key());
    let answer = post(&world, 1, &weak, SECRET).await;
    refused(&answer, "statement");
    assert!(
        answer.problem().detail.contains("prime-order"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn log_and_standard_must_agree() {
    let world = World::new().await;
    invited(&world).await;
    let mut other = body(1);
    other.origin = "elsewhere.example".into();
    refused(&post(&world, 1, &other, SECRET).await, "misdirected");
    let mut other = body(1);
    other.standard = Digest::of(b"v2");
    refused(&post(&world, 1, &other, SECRET).await, "standard");
}
