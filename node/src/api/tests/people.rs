//! People by the interface: what the pages below `/people` do.

use serde_json::json;

use super::*;

const PATH: &str = "/api/v1/people";

#[tokio::test]
async fn an_admin_invites_somebody_who_chooses_their_own_secret() {
    let world = world().await.with_everybody().await;
    let acme = json!({"name": "Acme", "kind": "provider"}).to_string();
    let made = post(&world, "ann", "/api/v1/organisations", &acme).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let new = json!({"name": " Zo\u{eb} Lee ", "role": "provider", "organisation": "Acme"});
    let made = post(&world, "ada", PATH, &new.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!(made["name"], "Zo\u{eb} Lee");
    let link = made["link"].as_str().unwrap();
    let path = link.strip_prefix(crate::pages::tests::HERE).unwrap();
    let page = get(&world, "", path).await.text();
    assert!(page.contains("Welcome, Zo\u{eb} Lee"), "{page}");
    let store = &world.node.store;
    let person = store.person("Zo\u{eb} Lee").await.unwrap().unwrap();
    assert_eq!(person.organisation.as_deref(), Some("Acme"));
    assert_eq!(person.secret_hash, None);
    // A new link ends the one before it.
    let again = post(&world, "ada", &format!("{PATH}/Zo%C3%AB%20Lee/link"), "").await;
    assert_ne!(again.json()["link"], link);
    assert_eq!(get(&world, "", path).await.status, StatusCode::GONE);
    for (field, new) in [
        ("name", json!({"name": "ada", "role": "viewer"})),
        ("name", json!({"name": "a\u{0}b", "role": "viewer"})),
        ("role", json!({"name": "Eve", "role": "king"})),
        ("organisation", json!({"name": "Eve", "role": "provider"})),
        (
            "organisation",
            json!({"name": "Eve", "role": "viewer", "organisation": "Acme"}),
        ),
    ] {
        let refused = post(&world, "ada", PATH, &new.to_string()).await;
        assert_eq!(
            refused.is(problem::FORM)["fields"][0]["field"],
            field,
            "{new}"
        );
    }
    let with_secret = json!({"name": "Eve", "role": "viewer", "secret": "x"}).to_string();
    post(&world, "ada", PATH, &with_secret)
        .await
        .is(problem::REQUEST);
    assert_eq!(store.person("Eve").await.unwrap(), None);
}

#[tokio::test]
async fn an_admin_changes_locks_and_removes_but_not_themselves_or_the_last() {
    let world = world().await.with_everybody().await;
    let act =
        async |path: &str, body: &str| post(&world, "ada", &format!("{PATH}/{path}"), body).await;
    let changed = act("vic/role", r#"{"role": "coordinator"}"#).await.json();
    assert_eq!(changed["role"], "coordinator");
    let locked = act("vic/lock", "").await.json();
    assert!(locked["locked_at"].is_string(), "{locked:#}");
    get(&world, "vic", "/api/v1/status")
        .await
        .is(problem::SIGN_IN);
    let open = act("vic/unlock", "").await.json();
    assert!(open["locked_at"].is_null(), "{open:#}");
    assert_eq!(
        get(&world, "vic", "/api/v1/status").await.status,
        StatusCode::OK
    );
    let everybody = get(&world, "bob", PATH).await.json();
    let names = everybody["items"].as_array().unwrap().iter();
    let names: Vec<_> = names
        .map(|person| person["name"].as_str().unwrap())
        .collect();
    assert!(names.is_sorted() && names.contains(&"vic"), "{names:?}");
    assert!(everybody["items"][0].get("secret_hash").is_none());
    let first = get(&world, "bob", &format!("{PATH}?limit=2")).await.json();
    let next = get(&world, "bob", first["next"].as_str().unwrap())
        .await
        .json();
    assert_eq!(next["items"][0]["name"], names[2]);
    assert_eq!(act("vic/remove", "").await.status, StatusCode::NO_CONTENT);
    act("vic/remove", "").await.is(problem::NOT_FOUND);
    act("a%00b/lock", "").await.is(problem::NOT_FOUND);
    act("ada/lock", "").await.is(problem::OWN_ACCOUNT);
    act("ada/remove", "").await.is(problem::OWN_ACCOUNT);
    act("ada/role", r#"{"role": "viewer"}"#)
        .await
        .is(problem::LAST_ADMIN);
    let told = world.node.store.audit_entries(9);
    let told: Vec<String> = told.await.unwrap().into_iter().map(|e| e.action).collect();
    assert!(told.contains(&"people lock".to_owned()), "{told:?}");
}

/// A name that strangers' attempts have closed opens with a new link or by an admin, as on the page.
#[tokio::test]
async fn an_admin_opens_a_name_that_failures_have_closed() {
    let world = world().await.with_everybody().await;
    let guess = async || {
        let wrong =
            Request::get("/api/v1/status").header(header::AUTHORIZATION, basic("vic", "no"));
        send(&world, wrong, "").await
    };
    for _ in 0..6 {
        guess().await.is(problem::SIGN_IN);
    }
    let closed = get(&world, "vic", "/api/v1/status").await;
    assert_ne!(closed.header(header::RETRY_AFTER), "");
    post(&world, "ada", &format!("{PATH}/vic/unlock"), "").await;
    assert_eq!(
        get(&world, "vic", "/api/v1/status").await.status,
        StatusCode::OK
    );
}
