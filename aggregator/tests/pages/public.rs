//! Figures and help, in three states of the log.

use axum::http::{StatusCode, header};

use crate::browser::Browser;
use crate::synthetic::leps;

/// Every public address that needs no data.
const PUBLIC: [&str; 26] = [
    "/",
    "/benchmarks",
    "/benchmarks/starts",
    "/benchmarks/in-progress",
    "/benchmarks/retention",
    "/benchmarks/achievement",
    "/benchmarks/achievement?by=age",
    "/benchmarks/sustained-positive",
    "/benchmarks/everyday-more?by=nonsense",
    "/leps",
    "/leps/E37000001",
    "/leps/E37000051",
    "/practice",
    "/practice?verdict=failed&tier=basic&cause=staff",
    "/needs",
    "/needs?place=E12000005",
    "/needs/software?place=E37000001",
    "/nodes",
    "/keys",
    "/statements",
    "/statements?node=black-country&kind=practice-entry",
    "/measures",
    "/problems",
    "/about",
    "/accessibility",
    "/privacy",
];
const DOWNLOADS: [&str; 7] = [
    "/contributions.csv",
    "/trend.csv",
    "/benchmarks/achievement/trend.csv",
    "/benchmarks/achievement/groups.csv?by=skill",
    "/benchmarks/starts/leps.csv",
    "/leps/E37000001/figures.csv",
    "/leps/E37000001/trend.csv",
];

async fn every_page(browser: &Browser) {
    for path in PUBLIC {
        browser.shows(path).await;
    }
    for kind in ldsp_protocol::problem::CATALOGUE {
        let page = browser.shows(&format!("/problems/{}", kind.code)).await;
        assert!(page.contains("What to do next"));
    }
    for path in DOWNLOADS {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "text/csv; charset=utf-8"
        );
        assert!(answer.headers.contains_key(header::ETAG), "{path}");
        let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
        let columns = reader.headers().expect("a header").len();
        assert!(columns > 5, "{path}");
        for row in reader.records() {
            let row = row.expect("rows as long as the header");
            assert!(row.iter().all(|cell| !cell.is_empty()), "{path}: {row:?}");
        }
    }
}

#[tokio::test]
async fn before_the_first_release_pages_say_what_will_come() {
    let browser = Browser::open().await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(home.contains("No area has published yet") && !home.contains("Provisional"));
    assert!(
        browser
            .shows("/practice")
            .await
            .contains("Nothing has been shared")
    );
    assert!(
        browser
            .shows("/leps/E37000001")
            .await
            .contains("has not joined yet")
    );
}

#[tokio::test]
async fn one_area_gives_figures_but_no_comparison() {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    browser
        .world
        .publish(lep, "2026-10".parse().unwrap(), 1, 4000)
        .await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(
        home.contains("1 of 38 LEPs up to date, 37 not yet"),
        "{home}"
    );
    assert!(home.contains("Provisional") && home.contains("95\u{a0}% interval: "));
    let measure = browser.shows("/benchmarks/achievement").await;
    assert!(measure.contains("A comparison of areas needs figures of at least 10"));
    assert!(measure.contains("A trend needs at least 5 months"));
    assert!(measure.contains("83.6 %") && measure.contains("another population"));
    let later = browser.shows("/benchmarks/sustained-positive").await;
    assert!(later.contains("not due yet") && later.contains("six months after an enrolment ended"));
    let area = browser.shows("/leps/E37000001").await;
    assert!(area.contains("/v1/nodes/black-country/statements/1"));
    let other = browser.shows("/leps/E37000003").await;
    assert!(!other.contains("Rates beside England"));
}

#[tokio::test]
async fn a_federation_is_shown_with_coverage_intervals_and_downloads() {
    let mut browser = Browser::open().await;
    browser.world.federation(6).await;
    every_page(&browser).await;
    let home = browser.shows("/").await;
    assert!(home.contains("32 of 38 areas are up to date"), "{home}");
    assert!(home.contains("32 of 38 LEPs up to date, 3 behind, 3 not yet"));
    assert!(home.contains("href=\"/leps/E37000051\"") && home.contains("May to October 2026"));
    assert!(home.contains(&browser.world.service.signer.verifier().vkey()));
    // Those achieved in a month are not a part of those begun in it.
    assert!(
        home.contains("In October 2026, ")
            && home.contains(", begun then or earlier, were achieved")
    );
    let measure = browser.shows("/benchmarks/achievement").await;
    assert!(
        measure.contains("not a league table")
            && measure.contains("cannot be told apart from England")
    );
    assert!(measure.contains("nothing yet"));
    let trend = browser.get("/benchmarks/starts/trend.csv").await.body;
    assert_eq!(trend.lines().count(), 7);
    let starts = browser.shows("/benchmarks/starts").await;
    assert!(
        starts.contains("from different numbers of areas") && starts.contains("Coverage differs")
    );
}

#[tokio::test]
async fn the_download_of_contributions_holds_what_the_map_shows() {
    let mut browser = Browser::open().await;
    for (lep, size) in [(leps()[0], 4000), (leps()[1], 0)] {
        browser.world.join(lep).await;
        let month = "2026-10".parse().unwrap();
        browser.world.publish(lep, month, 1, size).await;
    }
    let shown = browser.shows("/leps/E37000001").await;
    let file = browser.get("/contributions.csv").await.body;
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name| header.iter().position(|h| h == name).unwrap();
    let columns = [at("enrolments"), at("low_95"), at("high_95")];
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cells = |row: usize| columns.map(|c| rows[row][c].to_owned());
    let [value, low, high] = cells(0).map(|n| n.parse::<u64>().unwrap());
    assert!(low < value && value < high, "{low} {value} {high}");
    let thousands = format!("{},{:03}", value / 1000, value % 1000);
    assert!(shown.contains(&thousands), "{thousands}");
    assert_eq!(cells(1), ["low", "low", "low"]);
    assert_eq!(cells(2), ["z", "z", "z"]);
}

#[tokio::test]
async fn the_about_page_says_what_this_site_holds() {
    let browser = Browser::open().await;
    let page = browser.shows("/about").await;
    assert!(page.contains("About the data on this site"));
    assert!(page.contains("<p class=\"govuk-body\">Nothing here may be quoted.</p>"));
    assert!(page.contains("no&#62;") && !page.contains("<no>"));
}

#[tokio::test]
async fn what_is_too_few_is_said_in_standard_errors() {
    let browser = Browser::open().await;
    for path in ["/about", "/measures"] {
        let page = browser.shows(path).await;
        assert!(page.contains("three standard errors"), "{path}");
        assert!(page.contains("under five standard errors"), "{path}");
    }
}

#[tokio::test]
async fn a_slug_leads_to_the_code_and_unknown_places_to_a_problem_page() {
    let browser = Browser::open().await;
    let moved = browser.get("/leps/solent").await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.headers[header::LOCATION], "/leps/E37000055");
    for path in [
        "/leps/nowhere",
        "/leps/E92000001",
        "/leps/nowhere/figures.csv",
        "/benchmarks/nothing",
        "/problems/nothing",
        "/practice/solent/1",
        "/practice/SOLENT/1",
        "/practice/%22%3E/1",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_demonstration_says_so_on_every_page() {
    let banner = "Demonstration: records are illustrative.";
    let browser = Browser::with_banner(Some(banner)).await;
    for path in PUBLIC {
        assert!(browser.shows(path).await.contains(banner), "{path}");
    }
}
