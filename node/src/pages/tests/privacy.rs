//! The page of the privacy budget, and the word beside figures of a second epoch.

use super::*;
use crate::epoch;

const NOW: &str = "2022-03-04T09:00:00Z";

#[tokio::test]
async fn every_role_reads_what_was_spent_and_what_an_attacker_gains() {
    let world = world().await;
    world.released().await;
    for who in ["ann", "bob"] {
        let page = world.get(who, "/privacy").await;
        assert_eq!(page.status, StatusCode::OK);
        for words in [
            "65.5%",
            "0.7%",
            "0.49",
            "First epoch",
            "119",
            "No attacker can ever be certain",
        ] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert!(!page.body.contains("spell") && !page.body.contains("cube"));
    }
    assert_eq!(
        world.get("", "/privacy").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_second_epoch_is_said_beside_its_figures() {
    let world = world().await;
    world.released().await;
    let store = &world.node.store;
    sqlx::query("DELETE FROM ledger_cells WHERE table_id = 'starts.pledge'")
        .execute(&store.writer)
        .await
        .unwrap();
    epoch::ask(store, "ann", HOSTILE, at(NOW)).await.unwrap();
    // Asked for is not begun.
    assert!(
        !world
            .get("bob", "/privacy")
            .await
            .body
            .contains("Second epoch")
    );
    epoch::confirm(store, "bob", at(NOW)).await.unwrap();
    let prepared = world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    assert_eq!(prepared.status, StatusCode::SEE_OTHER, "{}", prepared.body);
    for path in [
        "/privacy",
        "/releases/2022-02",
        "/releases/2022-02/tables/starts.pledge",
    ] {
        let page = world.get("bob", path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(page.body.contains("Second epoch"), "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
    let csv = world.get("bob", "/releases/2022-02/figures.csv").await.body;
    assert!(
        csv.lines()
            .skip(1)
            .all(|line| line.ends_with(",2,ldsp-data-standard v2")),
        "{}",
        &csv[..300]
    );
    let spent = world.get("bob", "/privacy").await.body;
    assert!(spent.contains("0.9"), "two budgets: {spent}");
}
