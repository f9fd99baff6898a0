//! A service that refuses, changes, or is not there.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;

use super::service::Service;
use super::world::{world, world_of};
use super::{Key, NOW, keys};

#[tokio::test]
async fn what_the_service_refuses_is_said_in_words() {
    let world = world();
    let issuer = world.service.issuer.clone();
    for (error, words) in [
        ("access_denied", "You stopped there"),
        ("login_required", "It answered: login_required"),
        (
            "<script>alert(1)</script>",
            "It answered: an error without a name",
        ),
    ] {
        let away = world.leave("/sign-in/with", "").await;
        let query = [
            ("error", error),
            ("state", away.state.as_str()),
            ("iss", issuer.as_str()),
        ];
        world.back_with(&query, &away.cookie).await.says(403, words);
    }
    for (status, error, code) in [
        (400, "invalid_grant", (400, "sign_in_too_late")),
        (401, "invalid_client", (502, "sign_in_service_unusable")),
        (400, "invalid_scope", (403, "It answered: invalid_scope")),
        (
            503,
            "temporarily_unavailable",
            (503, "sign_in_service_unreachable"),
        ),
    ] {
        world.service.told().refuses = Some((status, json!({ "error": error })));
        world.sign_in().await.says(code.0, code.1);
    }
    world.service.told().refuses = Some((200, json!({"access_token": "x"})));
    world.sign_in().await.says(502, "sign_in_service_unusable");
}

#[tokio::test]
async fn clocks_that_differ_are_named() {
    let world = world();
    world.knows("u-1", "ada");
    for (iat, words) in [
        (NOW + 3600, "3600 s ahead"),
        (NOW - 3600, "is behind this server"),
    ] {
        world.service.told().claims["iat"] = json!(iat);
        let answer = world.sign_in().await;
        answer.says(502, "sign_in_clocks_differ");
        answer.says(502, words);
    }
}

#[tokio::test]
async fn keys_are_kept_and_asked_for_again_when_the_service_changes_them() {
    let world = world();
    world.knows("u-1", "ada");
    for _ in 0..3 {
        assert_eq!(world.sign_in().await.location(), "/mine");
    }
    assert_eq!(world.service.told().asked, (1, 1));
    // A new key, which is published before it is used.
    let next = Key::elliptic("next");
    {
        let mut told = world.service.told();
        told.key = next.clone();
        told.published = vec![next, keys()[2].clone()];
    }
    assert_eq!(world.sign_in().await.location(), "/mine");
    assert_eq!(world.service.told().asked, (1, 2));
    // A token of a key that nobody published makes nobody ask more than twice a minute.
    world.service.told().key = Key::elliptic("stranger");
    for _ in 0..3 {
        world.sign_in().await.says(502, "sign_in_not_believed");
    }
    assert_eq!(world.service.told().asked, (1, 2));
    world.advance(31);
    world.sign_in().await.says(502, "sign_in_not_believed");
    assert_eq!(world.service.told().asked, (1, 3));
    // A key that is taken back is believed for ten minutes at most.
    world.service.told().key = keys()[2].clone();
    assert_eq!(world.sign_in().await.location(), "/mine");
    world.service.told().published = Vec::new();
    world.advance(599);
    assert_eq!(world.sign_in().await.location(), "/mine");
    world.advance(1);
    world.sign_in().await.says(502, "sign_in_not_believed");
    world.advance(3600);
    world.sign_in().await.says(502, "sign_in_not_believed");
    assert_eq!(world.service.told().asked.0, 2);
}

#[tokio::test]
async fn a_service_that_is_not_as_agreed_is_not_used() {
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("token_endpoint", json!("http://127.0.0.1/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!(null)),
        ("response_types_supported", json!(["id_token"])),
        ("code_challenge_methods_supported", json!(["plain"])),
    ] {
        let world = world();
        world.service.told().metadata[name] = value;
        let answer = world.get("/sign-in/with", "").await;
        answer.says(502, "sign_in_service_unusable");
    }
    let world = world();
    world.service.told().metadata["token_endpoint_auth_methods_supported"] =
        json!(["private_key_jwt"]);
    world.sign_in().await.says(502, "sign_in_service_unusable");
}

#[tokio::test]
async fn a_secret_goes_by_post_where_the_service_wants_it_so() {
    let world = world();
    world.knows("u-1", "ada");
    world.service.told().metadata["token_endpoint_auth_methods_supported"] =
        json!(["client_secret_post"]);
    assert_eq!(world.sign_in().await.location(), "/mine");
    assert_eq!(world.service.told().form["client_secret"], "s3cret/+ %");
    let public = world_of(|config| config.client_secret_file = None);
    public.knows("u-1", "ada");
    assert_eq!(public.sign_in().await.location(), "/mine");
    assert_eq!(public.service.told().form["client_id"], "ldsp");
    assert_eq!(public.service.told().authorization, None);
}

#[tokio::test]
async fn a_service_that_is_down_is_asked_again_later() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let world = world_of(|config| config.issuer = format!("https://{address}"));
    let answer = world.get("/sign-in/with", "").await;
    answer.says(503, "Council account does not answer");
    // An authority that is not the service's: nobody speaks for it.
    let other = Service::start();
    let path = other.authority.path().to_owned();
    let world = world_of(|config| config.ca_file = Some(path));
    world
        .get("/sign-in/with", "")
        .await
        .says(503, "does not answer");
    assert_eq!(world.service.told().asked, (0, 0));
}

/// A code cannot be guessed, so nothing is counted that would keep out others who sit behind the same address.
#[tokio::test]
async fn nobody_behind_the_same_address_closes_the_button() {
    let world = world();
    world.knows("u-1", "ada");
    for (status, error) in [(400, "invalid_grant"), (503, "temporarily_unavailable")] {
        world.service.told().refuses = Some((status, json!({ "error": error })));
        for _ in 0..40 {
            assert!(!world.sign_in().await.status.is_redirection());
        }
    }
    world.service.told().refuses = None;
    assert_eq!(world.sign_in().await.location(), "/mine");
}

/// What is asked of the service at a time is bounded instead.
#[tokio::test]
async fn so_many_codes_of_one_address_are_asked_about_at_a_time() {
    let world = world();
    let gate = Arc::new(Semaphore::new(0));
    world.service.told().gate = Some(gate.clone());
    let mut away = Vec::new();
    for _ in 0..12 {
        away.push(world.leave("/sign-in/with", "").await);
    }
    let answers = futures::future::join_all(away.iter().map(|away| world.back(away, "")));
    let watch = async {
        while world.service.told().under_way < 8 {
            tokio::task::yield_now().await;
        }
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.service.told().under_way, 8);
        gate.add_permits(12);
    };
    let (answers, ()) = futures::future::join(answers, watch).await;
    assert_eq!(answers.len(), 12);
}
