//! Provision: the coordinator's pages.

use super::*;
use crate::store::kept::Stored;
use crate::store::services::Service;

const LEARN: &str = "name=Learn+My+Way&organisation=Library&description=&url=&status=&tier=basic&skills=foundation&audience=&mode=&area=E08000027\
    &place=Town+Hall&places=12&starts=4&start-day=&start-month=&start-year=&end-day=&end-month=&end-year=&cost=0&cost_notes=&minimum_age=\
    &maximum_age=&eligibility=&accessibility=&assured_date-day=1&assured_date-month=8&assured_date-year=2021&assured_by=Adult+learning\
    &source=&source_id=&public=yes";

async fn made(world: &World) {
    let seen = world.post("ann", "/provision/new", LEARN).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let other = LEARN
        .replace("year=2021", "year=2022")
        .replace("source=&", "source=Council+list&");
    let other = other.replace("month=8", "month=2");
    let seen = world.post("ann", "/provision/new", &other).await;
    assert_eq!(seen.location(), "/provision/2?done=added");
}

#[tokio::test]
async fn old_services_are_told_from_fresh_ones_in_list_and_page() {
    let world = world().await;
    assert!(
        world
            .get("ann", "/provision")
            .await
            .body
            .contains("Nothing is listed yet")
    );
    made(&world).await;
    let list = world.get("bob", "/provision").await.body;
    for words in [
        "Learn My Way",
        "Dudley",
        "1 August 2021",
        "1 February 2022",
        "To be checked",
        "Old",
    ] {
        assert!(list.contains(words), "{words}: {list}");
    }
    let rows = async |query: &str| {
        let list = world.get("bob", &format!("/provision?{query}")).await.body;
        (
            list.contains("href=\"/provision/1\""),
            list.contains("href=\"/provision/2\""),
        )
    };
    assert_eq!(rows("fresh=stale").await, (true, false));
    assert_eq!(rows("fresh=fresh").await, (false, true));
    assert_eq!(rows("fresh=never").await, (false, false));
    assert_eq!(rows("tier=basic&q=library").await, (true, true));
    let old = world.get("bob", "/provision/1").await.body;
    assert!(old.contains("more than six months ago"), "{old}");
    assert!(
        old.contains(">48<") || old.contains("48"),
        "places in a year"
    );
    assert!(
        !world
            .get("bob", "/provision/2")
            .await
            .body
            .contains("more than six months ago")
    );
}

#[tokio::test]
async fn services_that_may_be_the_same_are_merged_by_a_coordinator_and_taken_apart() {
    let world = world().await.with_everybody().await;
    made(&world).await;
    let list = world.get("ann", "/provision").await.body;
    assert!(list.contains("1 pair may be the same service"), "{list}");
    let doubles = world.get("vic", "/provision/doubles").await.body;
    assert!(doubles.contains("Organisation, name and place are the same"));
    assert!(
        !doubles.contains("They are the same: keep"),
        "a reader merges nothing"
    );
    let form = "kept=2&other=1";
    assert_eq!(
        world.post("bob", "/provision/doubles", form).await.status,
        StatusCode::FORBIDDEN
    );
    let seen = world.post("ann", "/provision/doubles", form).await;
    assert_eq!(seen.location(), "/provision/2?done=changed");
    assert_eq!(
        world.post("ann", "/provision/doubles", form).await.status,
        StatusCode::CONFLICT
    );
    let kept = world.get("ann", "/provision/2").await.body;
    assert!(
        kept.contains("It stands for") && kept.contains("/provision/1/part"),
        "{kept}"
    );
    let other = world.get("ann", "/provision/1").await.body;
    assert!(
        other.contains("Another row stands for this service"),
        "{other}"
    );
    assert!(
        !world
            .get("ann", "/provision")
            .await
            .body
            .contains("href=\"/provision/1\"")
    );
    let history = world.get("ann", "/provision/1/history").await.body;
    assert!(history.contains("service 2"), "{history}");
    assert_eq!(
        world.post("ann", "/provision/1/part", "").await.location(),
        "/provision/1?done=changed"
    );
    assert!(
        world
            .get("ann", "/provision")
            .await
            .body
            .contains("href=\"/provision/1\"")
    );
}

#[tokio::test]
async fn a_file_of_services_comes_in_by_the_page_and_providers_see_nothing_of_it() {
    let world = world().await.with_everybody().await;
    let file = "name,organisation,tier\nLearn,Library,basic\n";
    let seen = world.upload("services", "store", file).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let held: Vec<Stored<Service>> = world.node.store.kept().await.unwrap();
    assert_eq!(held.len(), 1);
    for who in ["ada", "pam"] {
        for path in ["/provision", "/provision/1", "/provision/doubles"] {
            assert_eq!(
                world.get(who, path).await.status,
                StatusCode::FORBIDDEN,
                "{who} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_feed_is_begun_by_a_coordinator_and_bad_addresses_are_told() {
    let world = world().await.with_everybody().await;
    assert!(
        world
            .get("vic", "/provision/feeds")
            .await
            .body
            .contains("No feed was pulled yet")
    );
    for bad in [
        "",
        "http%3A%2F%2Ffeed.example",
        "https%3A%2F%2Fann%3Ax%40feed.example",
    ] {
        let seen = world
            .post("ann", "/provision/feeds", &format!("url={bad}&term="))
            .await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(
            seen.body.contains("This is not the address of a feed"),
            "{}",
            seen.body
        );
    }
    let form = "url=https%3A%2F%2Ffeed.example%2Fapi%2F&term=t1";
    assert_eq!(
        world.post("bob", "/provision/feeds", form).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world.post("ann", "/provision/feeds", form).await.location(),
        "/provision/feeds"
    );
    let page = world.get("bob", "/provision/feeds").await.body;
    assert!(
        page.contains("https://feed.example/api") && page.contains("Under way"),
        "{page}"
    );
    assert!(
        !page.contains("Pull again"),
        "it is under way, and bob may not"
    );
    let feeds = world.node.store.feeds().await.unwrap();
    assert_eq!(
        (feeds[0].term.as_str(), feeds[0].begun_by.as_str()),
        ("t1", "ann")
    );
}

#[tokio::test]
async fn two_services_that_look_alike_are_told_apart_and_nobody_is_asked_again() {
    let world = world().await.with_everybody().await;
    made(&world).await;
    let doubles = world.get("ann", "/provision/doubles").await.body;
    assert!(doubles.contains("They are two services"), "{doubles}");
    let form = "kept=1&other=2&said=distinct";
    assert_eq!(
        world.post("bob", "/provision/doubles", form).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world
            .post("ann", "/provision/doubles", form)
            .await
            .location(),
        "/provision/doubles"
    );
    let doubles = world.get("vic", "/provision/doubles").await.body;
    assert!(doubles.contains("are two services") && !doubles.contains("may be the same after all"));
    let list = world.get("ann", "/provision").await.body;
    assert!(!list.contains("pair may be the same"), "{list}");
    world
        .post("ann", "/provision/doubles", "kept=1&other=2&said=perhaps")
        .await;
    let list = world.get("ann", "/provision").await.body;
    assert!(list.contains("1 pair may be the same service"), "{list}");
}

/// Reproduction: from the list of services nobody found how a file of them comes in.
#[tokio::test]
async fn the_list_leads_to_a_file_and_gives_one_that_may_come_back() {
    let world = world().await.with_everybody().await;
    let empty = world.get("ann", "/provision").await.body;
    assert!(empty.contains("href=\"/import?kind=services\""), "{empty}");
    let form = world.get("ann", "/import?kind=services").await.body;
    let chosen = form.split("value=\"services\"").nth(1).unwrap();
    assert!(chosen[..40].contains("checked"), "{chosen}");
    made(&world).await;
    let list = world.get("vic", "/provision").await.body;
    assert!(!list.contains("/import?kind"), "a viewer imports nothing");
    assert!(list.contains("/provision/export.csv"));
    let file = world.get("vic", "/provision/export.csv").await.body;
    assert_eq!(file.lines().count(), 3, "{file}");
    let seen = world.upload("services", "store", &file).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let held: Vec<Stored<Service>> = world.node.store.kept().await.unwrap();
    assert_eq!(held.len(), 2);
}
