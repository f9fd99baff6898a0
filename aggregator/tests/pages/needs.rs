//! What areas ask for and offer, added up, as everybody reads it.

use axum::http::StatusCode;
use jiff::civil::date;
use ldsp_protocol::statement::Kind;

use crate::browser::Browser;
use crate::synthetic::{demand, leps, provision};

#[tokio::test]
async fn before_anybody_told_the_page_says_what_will_come() {
    let browser = Browser::open().await;
    let page = browser.shows("/needs").await;
    assert!(page.contains("has published its needs yet"), "{page}");
    let skill = browser.shows("/needs/software").await;
    assert!(skill.contains("No area of England told"), "{skill}");
    let unknown = browser.get("/needs/knitting").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let csv = browser.get("/api/v1/needs.csv").await;
    assert_eq!(csv.status, StatusCode::OK);
}

#[tokio::test]
async fn needs_are_added_up_and_lead_to_their_statements() {
    let browser = Browser::open().await;
    let (one, two) = (leps()[0], leps()[1]);
    let day = date(2026, 11, 20);
    for (lep, number) in [(one, 42), (two, 17)] {
        browser.world.join(lep).await;
        let said = demand(lep, day, number);
        browser.world.state(lep, Kind::DemandSummary, said).await;
    }
    let offered = provision(two, day, 30);
    browser
        .world
        .state(two, Kind::ProvisionSummary, offered)
        .await;
    let page = browser.shows("/needs").await;
    for words in [
        "59 people to be trained",
        "30 places in a year",
        "At least 29 people more than places",
        "LEPs that told demand",
        "The 3 signed statements behind these numbers",
        "/needs/software",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let here = browser.shows(&format!("/needs?place={}", one.code)).await;
    assert!(here.contains("42 people to be trained"), "{here}");
    assert!(here.contains("Asked for, and no service offers it"));
    let skill = browser.shows("/needs/software").await;
    assert!(skill.contains(&one.name) && skill.contains(&two.name));
    let area = browser.shows(&format!("/leps/{}", one.code)).await;
    assert!(
        area.contains("What this area asks for and offers"),
        "{area}"
    );
    let json = browser
        .get(&format!("/api/v1/needs?place={}", two.code))
        .await;
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(json["place"]["name"], two.name.as_str());
    assert_eq!(json["statements"].as_array().map(Vec::len), Some(2));
    let wrong = browser.get("/api/v1/needs?place=London").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
