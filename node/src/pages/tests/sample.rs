//! Made-up records: in, marked, kept from everything that counts, and out.

use super::*;
use crate::store::audit::COMMAND_LINE;

const BANNER: &str = "All records here are made up, for trying the node out.";

/// A node that nobody has used.
async fn empty() -> World {
    let world = world().await;
    sqlx::query("DELETE FROM enrolment")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn made_up_records_come_in_marked_stay_here_and_go_whole() {
    let world = empty().await.with_everybody().await;
    let home = world.get("ann", "/").await.body;
    assert!(home.contains("Getting started") && home.contains("/sample/bring-in"));
    assert!(
        !world
            .get("bob", "/")
            .await
            .body
            .contains("/sample/bring-in")
    );
    let done = world.post("ann", "/sample/bring-in", "").await;
    assert_eq!(done.location(), "/sample", "{}", done.body);
    let look = world.get("ann", "/sample").await.body;
    let places = super::roles::links(&look);
    assert!(places.len() > 10, "{look}");
    for path in places.iter().filter(|path| path.starts_with('/')) {
        let seen = world.get("ann", path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.body);
    }
    for (who, path) in [
        ("ann", "/"),
        ("bob", "/releases"),
        ("vic", "/practice"),
        ("pam", "/account"),
        ("ada", "/people"),
        ("", "/sign-in"),
        ("vic", "/nothing-here"),
    ] {
        let page = world.get(who, path).await.body;
        assert!(page.contains(BANNER), "{who} {path}");
    }
    let home = world.get("ann", "/").await.body;
    assert!(
        home.contains("/sample/remove")
            && home.contains("<td class=\"govuk-table__cell govuk-table__cell--numeric\"")
    );
    assert!(home.contains("Import your own programmes and learners"));
    assert!(!home.contains("Choose the month"));
    let prepared = world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    assert_eq!(prepared.status, StatusCode::CONFLICT);
    assert!(prepared.body.contains("made up"), "{}", prepared.body);
    let import = world.upload("programmes", "store", PROGRAMMES).await;
    assert!(import.body.contains("made-up records"), "{}", import.body);
    let again = world.post("ann", "/sample/bring-in", "").await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let removed = world.post("ann", "/sample/remove", "").await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    for table in [
        "programmes",
        "enrolments",
        "providers",
        "organisations WHERE name LIKE '%made up%'",
        "services",
        "demand",
        "identities",
        "imports",
        "sample",
    ] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(sql)
            .fetch_one(&world.node.store.reader)
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert!(!world.get("ann", "/").await.body.contains(BANNER));
    let import = world.upload("programmes", "store", PROGRAMMES).await;
    assert!(import.body.contains("The file is imported"));
    let late = world.post("ann", "/sample/bring-in", "").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "there are real ones");
}

#[tokio::test]
async fn the_way_from_an_empty_node_is_ticked_as_it_is_gone() {
    let world = empty().await;
    let home = async |who: &str| world.get(who, "/").await.body;
    let ticked = |page: &str| page.matches(">Completed<").count();
    let page = home("ann").await;
    // The LEP, and two people.
    assert_eq!(ticked(&page), 2, "{page}");
    for step in [
        "Create the admin",
        "Bring in made-up records, or import your own programmes",
        "Preview a release",
        "Enrol this node",
    ] {
        assert!(page.contains(step), "{step}");
    }
    let ada = Person::new("ada", Role::Admin, at("2022-03-04T09:00:00Z"));
    let store = &world.node.store;
    assert!(store.add_person(&ada, COMMAND_LINE).await.unwrap());
    assert_eq!(ticked(&home("ann").await), 3);
    world.upload("programmes", "store", PROGRAMMES).await;
    world.upload("learners", "store", &learners()).await;
    assert_eq!(ticked(&home("ann").await), 4);
    let seen = world
        .post("ann", "/releases/preview", "period=2022-01")
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert_eq!(ticked(&home("bob").await), 5);
    world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    assert_eq!(ticked(&home("bob").await), 5);
    let mut tx = store.write().await.unwrap();
    enrolment::write(&mut tx, &place(true)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!home("ann").await.contains("Getting started"));
}
