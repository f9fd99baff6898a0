//! What readers are told while nodes change to another data standard.

use ldsp_protocol::standard::Standard;

use crate::browser::Browser;
use crate::synthetic::leps;

#[tokio::test]
async fn a_change_of_standard_is_said_where_figures_are_shown() {
    let mut browser = Browser::open().await;
    let (old, new) = (Standard::v1(), Standard::v2());
    let month = |m: &str| m.parse().unwrap();
    let [stays, changes, begins] = [leps()[0], leps()[2], leps()[4]];
    let world = &mut browser.world;
    for lep in [stays, changes, begins] {
        world.join(lep).await;
    }
    world
        .publish_under(old, stays, (month("2026-07"), 4), 3_000)
        .await;
    world
        .publish_under(old, changes, (month("2026-07"), 4), 3_000)
        .await;
    world
        .publish_under(new, begins, (month("2026-07"), 4), 3_000)
        .await;
    // Of October the changing node's summary under the second standard is not there yet.
    world
        .publish_under(new, changes, (month("2026-08"), 2), 3_000)
        .await;
    let home = browser.shows("/").await;
    assert!(
        home.contains("2 of 38 LEPs up to date, 1 in part, 35 not yet, 11 of 12 months, 1 under two data standards"),
        "{home}"
    );
    let area = browser.shows(&format!("/leps/{}", changes.code)).await;
    for said in [
        "Two data standards.",
        "ldsp-data-standard v1 and ldsp-data-standard v2",
        "The summary of October 2026 under ldsp-data-standard v2 is still to come",
        "In part",
        "Signed statements (6 releases)",
    ] {
        assert!(area.contains(said), "{said}: {area}");
    }
    let other = browser.shows(&format!("/leps/{}", stays.code)).await;
    assert!(!other.contains("Two data standards"));
    // Outcomes by audience are the first standard's alone, enrolments by audience are in both.
    let leavers = browser.shows("/benchmarks/leavers?by=audience").await;
    let left_out = "1 of 38 LEPs up to date, 1 in part, 36 not in it, 2 left out in whole or part: their data standard has no such breakdown";
    assert!(leavers.contains(left_out), "{leavers}");
    let starts = browser.shows("/benchmarks/starts?by=audience").await;
    assert!(!starts.contains("left out"), "{starts}");
    let measures = browser.shows("/measures").await;
    for said in [
        "Data standards in these figures",
        "Tables under ldsp-data-standard v1",
        "Broken down under ldsp-data-standard v2 by",
    ] {
        assert!(measures.contains(said), "{said}");
    }
    let map = browser.get("/contributions.csv").await.body;
    assert!(map.lines().any(|l| l.contains(",3,in part,")), "{map}");
    let node = browser.shows(&format!("/nodes/{}", changes.slug)).await;
    assert!(node.contains("A month has two while its node changes"));
    let statement = browser.shows("/statements/13").await;
    assert!(statement.contains("ldsp-data-standard v2"), "{statement}");
}

#[tokio::test]
async fn one_standard_needs_no_word() {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    browser
        .world
        .publish(lep, "2026-10".parse().unwrap(), 1, 400)
        .await;
    let measures = browser.shows("/measures").await;
    assert!(measures.contains("ldsp-data-standard v2"));
    assert!(!measures.contains("ldsp-data-standard v1") && !measures.contains("Tables under"));
}
