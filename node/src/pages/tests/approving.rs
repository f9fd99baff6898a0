//! Who approves a release, and what.

use super::*;

#[tokio::test]
async fn nobody_approves_unread_or_something_else_or_twice() {
    let world = world().await;
    world.released().await;
    let seen = world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let page = world.get("ann", "/releases/2022-02").await.body;
    assert!(page.contains("You prepared this release") && !page.contains("name=\"digest\""));
    let digest = world.digest("/releases/2022-02").await;
    let path = "/releases/2022-02/approve";
    let unread = world.post("bob", path, &format!("digest={digest}")).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.body.contains("href=\"#read\""));
    let other = world
        .post("bob", path, &format!("digest={}&read=yes", "0".repeat(64)))
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    for words in [
        "These are not the bytes that you looked at",
        "0000 0000",
        "Nothing was signed",
    ] {
        assert!(other.body.contains(words), "{words}: {}", other.body);
    }
    let none = world.post("bob", path, "digest=&read=yes").await;
    assert_eq!(none.status, StatusCode::CONFLICT);
    assert_eq!(world.queued.load(Ordering::Relaxed), 1, "January only");
    let form = format!("digest={digest}&read=yes");
    assert_eq!(
        world.post("bob", path, &form).await.status,
        StatusCode::SEE_OTHER
    );
    let twice = world.post("bob", path, &form).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.body.contains("already-approved"), "{}", twice.body);
    assert_eq!(world.queued.load(Ordering::Relaxed), 2);
}

/// Removed as a coordinator and added as an approver, one stays the author of what one prepared.
#[tokio::test]
async fn a_new_role_under_an_old_name_does_not_approve_own_work() {
    let mut world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    world.upload("learners", "store", &learners()).await;
    let seen = world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let digest = world.digest("/releases/2022-01").await;
    let now = at("2022-03-04T09:00:00Z");
    let store = world.node.store.clone();
    let phc = store.person("ann").await.unwrap().unwrap().secret_hash;
    let phc = phc.unwrap();
    let removed = async |name| store.remove_person(name, COMMAND_LINE, now).await.unwrap();
    let was = |person: &Changed, role| matches!(person, Changed::Done(p) if p.role == role);
    assert!(was(&removed("ann").await, Role::Coordinator));
    assert_eq!(
        world.get("ann", "/releases").await.status,
        StatusCode::SEE_OTHER,
        "the session ended with the person"
    );
    for name in ["ann", "Ann"] {
        let person = Person::new(name, Role::Approver, now).with_secret(&phc);
        assert!(store.add_person(&person, COMMAND_LINE).await.unwrap());
        world.sign_in(name).await;
        let form = format!("digest={digest}&read=yes");
        let own = world.post(name, "/releases/2022-01/approve", &form).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.body);
        assert!(own.body.contains("own-work"), "{}", own.body);
        assert!(was(&removed(name).await, Role::Approver));
    }
    let page = world.get("bob", "/releases/2022-01").await.body;
    assert!(page.contains("ann"), "the author's name stays");
    assert_eq!(world.queued.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_refusal_is_told_and_the_same_bytes_wait() {
    let world = world().await;
    world.released().await;
    world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    let (path, digest) = ("/releases/2022-02", world.digest("/releases/2022-02").await);
    let payload = world
        .get("bob", "/releases/2022-02/payload.json")
        .await
        .body;
    let refuse = "/releases/2022-02/refuse";
    let silent = world.post("bob", refuse, &format!("digest={digest}")).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.body.contains("href=\"#reason\""), "{}", silent.body);
    let told = world
        .post(
            "bob",
            refuse,
            &format!("digest={digest}&reason=%3Cb%3Enurse%40canary.example"),
        )
        .await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told.body.contains("an e-mail address") && !told.body.contains("<b>"));
    let other = world
        .post(
            "bob",
            refuse,
            &format!("digest={}&reason=x", "0".repeat(64)),
        )
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let form = format!("digest={digest}&reason=The+college+sent+an+old+file");
    let done = world.post("bob", refuse, &form).await;
    assert_eq!(done.location(), "/releases/2022-02?done=refused");
    let page = world.get("ann", path).await.body;
    for words in [
        "The college sent an old file.",
        "drawn once",
        "same digest",
        "No later month",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(
        world
            .get("ann", "/releases")
            .await
            .body
            .contains("was refused")
    );
    let again = world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(
        world
            .get("bob", "/releases/2022-02/payload.json")
            .await
            .body,
        payload
    );
    assert_eq!(world.digest(path).await, digest);
    let form = format!("digest={digest}&read=yes");
    let approved = world.post("bob", &format!("{path}/approve"), &form).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER);
    assert!(!world.get("ann", path).await.body.contains("has refused"));
}
