//! Providers by the names that files give them, and what is said before a node is enrolled.

use super::*;

#[tokio::test]
async fn a_provider_gets_a_new_name_on_the_page_and_its_learners_stay_the_same() {
    let world = world().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let path = "/organisations/names";
    for who in ["bob", "pam", "vic"] {
        assert_eq!(world.get(who, path).await.status, StatusCode::FORBIDDEN);
        let sent = world.post(who, path, "old=College&new=Academy").await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN);
    }
    world.upload("learners", "store", &learners()).await;
    let page = world.get("ada", path).await.body;
    assert!(page.contains("<option value=\"College\""), "{page}");
    for (form, field) in [
        ("old=&new=Academy", "old"),
        ("old=College&new=", "new"),
        ("old=Nobody&new=Academy", "old"),
        ("old=College&new=college", "new"),
        ("old=College&new=jo%40example.org", "new"),
    ] {
        let seen = world.post("ann", path, form).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        let at = format!("href=\"#{field}\"");
        assert!(seen.body.contains(&at), "{form}: {}", seen.body);
    }
    let done = world.post("ann", path, "old=College&new=Academy").await;
    assert_eq!(done.location(), "/organisations/names?done=renamed");
    let page = world.get("ann", path).await.body;
    assert!(page.contains("Academy"), "{page}");
    let file = learners().replace("College,", "Academy,");
    let again = world.upload("learners", "store", &file).await;
    assert!(
        again.body.contains("The file is imported"),
        "{}",
        again.body
    );
    let held = world.node.store.exact_held(9, 9).await.unwrap();
    assert_eq!(held.for_signed_in_page().learners, 40);
}

/// An approval that cannot be is not offered, and whoever looks is led to what is missing.
#[tokio::test]
async fn nothing_is_offered_to_be_approved_before_the_node_is_enrolled() {
    let world = world_alone().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    world.upload("learners", "store", &learners()).await;
    for path in ["/releases", "/releases/preview"] {
        let page = world.get("ann", path).await.body;
        assert!(page.contains("is not enrolled"), "{path}: {page}");
        assert!(page.contains("href=\"/federation\""), "{path}: {page}");
    }
    let form = "first=yes&period=2022-01";
    world.post("ann", "/releases/prepare", form).await;
    let page = world.get("bob", "/releases/2022-01").await.body;
    assert!(page.contains("no release can be approved"), "{page}");
    assert!(!page.contains("/approve\"") && page.contains("/refuse\""));
}
