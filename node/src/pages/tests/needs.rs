//! Needs, from a coordinator's draft to two statements, as people see them.

use super::*;

async fn known() -> World {
    let world = world().await.with_everybody().await;
    crate::needs::tests::record(&world.node.store).await;
    world
}

#[tokio::test]
async fn one_prepares_and_another_reads_and_publishes() {
    let world = known().await;
    let empty = world.get("bob", "/needs").await.body;
    assert!(empty.contains("Nothing was prepared yet"), "{empty}");
    assert!(!empty.contains("Prepare a draft"), "{empty}");
    let made = world.post("ann", "/needs", "").await;
    assert_eq!(made.location(), "/needs/1?done=prepared", "{}", made.body);
    let home = world.get("bob", "/").await.body;
    assert!(home.contains("Read and publish the needs"), "{home}");
    let own = world.get("ann", "/needs/1").await.body;
    assert!(own.contains("You prepared this draft"), "{own}");
    let page = world.get("bob", "/needs/1").await.body;
    for words in [">100<", "give or take 5", "about ", "Publish the needs"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let digest = world.digest("/needs/1").await;
    let unread = world
        .post("bob", "/needs/1/approve", &format!("digest={digest}"))
        .await;
    assert!(unread.body.contains("Tick the box"), "{}", unread.body);
    let yes = format!("digest={digest}&read=yes");
    let done = world.post("bob", "/needs/1/approve", &yes).await;
    assert_eq!(done.location(), "/needs/1?done=approved", "{}", done.body);
    let again = world.post("bob", "/needs/1/approve", &yes).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let page = world.get("vic", "/needs/1").await.body;
    assert!(page.contains("/statements/2"), "{page}");
}

#[tokio::test]
async fn what_is_refused_says_why_and_what_was_typed_stays() {
    let world = known().await;
    world.post("ann", "/needs", "").await;
    let digest = world.digest("/needs/1").await;
    let unfit = format!("digest={digest}&reason=Ring+0121+496+0000");
    let page = world.post("bob", "/needs/1/refuse", &unfit).await.body;
    assert!(page.contains("Ring 0121 496 0000"), "{page}");
    let reason = format!("digest={digest}&reason=Too+early");
    let done = world.post("bob", "/needs/1/refuse", &reason).await;
    assert_eq!(done.location(), "/needs/1?done=refused", "{}", done.body);
    let page = world.get("ann", "/needs/1").await.body;
    assert!(page.contains("Too early"), "{page}");
}
