//! Signing in and out, and how long it lasts.

use super::*;

#[tokio::test]
async fn signing_in_opens_a_session_under_a_bound_cookie_and_leads_back() {
    let world = world();
    let sent_away = world.get("/releases/2026-10?show=all", None).await;
    assert_eq!(
        (sent_away.status, sent_away.location()),
        (
            StatusCode::SEE_OTHER,
            "/sign-in?next=/releases/2026-10%3Fshow%3Dall"
        )
    );
    let form = world.get(sent_away.location(), None).await;
    assert!(
        form.body
            .contains(r#"name="next" value="/releases/2026-10?show=all""#),
        "{}",
        form.body
    );

    let done = world
        .sign_in("ada", "%2Freleases%2F2026-10%3Fshow%3Dall")
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/releases/2026-10?show=all")
    );
    let set = done.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-ldsp="), "{set}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(
            set.split("; ").any(|a| a == attribute),
            "{attribute} missing in {set}"
        );
    }
    assert!(!set.contains("Domain"), "{set}");

    let cookie = done.cookie();
    let page = world.get("/releases/2026-10", cookie.as_deref()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(
        page.body
            .contains("Signed in as <strong>ada</strong> (coordinator)")
            && page.body.contains(r#"href="/mine""#)
    );
    let again = world.get("/sign-in", cookie.as_deref()).await;
    assert_eq!(again.location(), "/");
}

#[tokio::test]
async fn a_planted_session_id_is_not_taken_over() {
    let world = world();
    let first = world.sign_in("ada", "/").await.cookie().unwrap();
    let form = format!("name=bob&secret={}", world.secret.reveal());
    let second = world
        .post("/sign-in", Some(&first), "https://site.example", &form)
        .await;
    assert_eq!(second.status, StatusCode::SEE_OTHER);
    assert_ne!(second.cookie().unwrap(), first);
    assert_eq!(
        world.get("/mine", Some(&first)).await.status,
        StatusCode::SEE_OTHER,
        "the old id is dead"
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server_and_in_the_browser() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    let out = world
        .post("/sign-out", cookie.as_deref(), "https://site.example", "")
        .await;
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, "/"));
    let removal = "__Host-ldsp=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
    assert!(
        out.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .any(|value| value == removal)
    );
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.location(),
        "/sign-in?next=/mine"
    );
}

#[tokio::test]
async fn sessions_end_when_idle_and_after_half_a_day() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    world.advance(29);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::OK
    );
    world.advance(30);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER,
        "idle"
    );

    let cookie = world.sign_in("ada", "/").await.cookie();
    for _ in 0..28 {
        world.advance(25);
        assert_eq!(
            world.get("/mine", cookie.as_deref()).await.status,
            StatusCode::OK
        );
    }
    world.advance(25);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER,
        "12 hours are over"
    );
}

#[tokio::test]
async fn removing_a_person_a_new_role_and_a_new_secret_take_effect_at_once() {
    let world = world();
    let cookie = world.sign_in("ada", "/").await.cookie();
    world
        .register
        .0
        .lock()
        .unwrap()
        .get_mut("ada")
        .unwrap()
        .role = Role::new("approver");
    assert_eq!(
        world
            .post("/approve", cookie.as_deref(), "https://site.example", "")
            .await
            .location(),
        "/mine"
    );
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let other = secret::hash(&Secret::generate(&mut rng), &mut rng).unwrap();
    world
        .register
        .0
        .lock()
        .unwrap()
        .get_mut("ada")
        .unwrap()
        .secret_hash = Some(other);
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER
    );

    let cookie = world.sign_in("bob", "/").await.cookie();
    world.register.0.lock().unwrap().remove("bob");
    assert_eq!(
        world.get("/mine", cookie.as_deref()).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn wrong_attempts_say_nothing_about_names_and_close_the_name() {
    let world = world();
    let here = "https://site.example";
    let wrong = world
        .post("/sign-in", None, here, "name=ada&secret=nope")
        .await;
    let unknown = world
        .post("/sign-in", None, here, "name=eve&secret=nope")
        .await;
    assert_eq!(
        (wrong.status, unknown.status),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::UNPROCESSABLE_ENTITY
        )
    );
    assert_eq!(wrong.body.replace("ada", "eve"), unknown.body);
    assert!(wrong.body.contains("<title>Error: Sign in") && !wrong.body.contains("nope"));
    assert!(wrong.cookie().is_none());
    for _ in 0..4 {
        world
            .post("/sign-in", None, here, "name=ada&secret=nope")
            .await;
    }
    let closed = world.sign_in("ada", "/").await;
    assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(closed.headers[header::RETRY_AFTER], "900");
    world.advance(15);
    assert_eq!(
        world.sign_in("ada", "/").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        world
            .sign_in("ada", "https%3A%2F%2Fevil.example")
            .await
            .location(),
        "/"
    );
    let broken = world.sign_in("broken", "/").await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!broken.body.contains("disk on fire"));
}

/// A phone writes "Ama boss" for Ama Boss.
#[tokio::test]
async fn capitals_and_spaces_of_a_name_do_not_matter_and_count_as_one_name() {
    let world = world();
    let admitted = world.sign_in("+ADA+", "/").await;
    assert_eq!(admitted.status, StatusCode::SEE_OTHER);
    assert!(admitted.cookie().is_some());
    for spelling in ["Ada", "aDa", "adA", "ADA", "+ada"] {
        let form = format!("name={spelling}&secret=nope");
        let here = "https://site.example";
        world.post("/sign-in", None, here, &form).await;
    }
    let closed = world.sign_in("ada", "/").await;
    assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
}

/// Trouble of the store is nobody's failure.
#[tokio::test]
async fn a_store_that_does_not_answer_closes_no_name() {
    let world = world();
    for n in 0..7 {
        let seen = world.sign_in("broken", "/").await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{n}");
    }
}
