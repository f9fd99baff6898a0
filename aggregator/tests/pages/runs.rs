//! Benchmark runs for everybody.

use axum::http::StatusCode;
use ldsp_aggregator::runs;
use ldsp_protocol::benchmark::Measure;

use crate::browser::Browser;

async fn freeze(browser: &Browser) -> u64 {
    let announcer = browser.world.service.announcer();
    let made = runs::make(&announcer, browser.world.now).await;
    let made = made.expect("figures can be frozen");
    assert!(made.new);
    made.run.expect("there are figures").index
}

#[tokio::test]
async fn figures_stay_as_a_run_froze_them_and_pages_name_it() {
    let mut browser = Browser::open().await;
    let empty = browser.shows("/runs").await;
    assert!(empty.contains("No run has been made yet"), "{empty}");
    browser.world.federation(3).await;
    let live = browser.shows("/benchmarks").await;
    assert!(!live.contains("last benchmark run"), "{live}");
    let index = freeze(&browser).await;

    for path in [
        "/",
        "/benchmarks",
        "/benchmarks/achievement",
        "/leps",
        "/leps/E37000001",
    ] {
        let page = browser.shows(path).await;
        let named = "quote the last benchmark run, of 22 November 2026, which stays as it is";
        assert!(page.contains(named), "{path}");
    }
    let link = format!("href=\"/runs/{index}\"");
    let measure = browser.shows("/benchmarks/achievement").await;
    let list = browser.shows("/runs").await;
    assert!(measure.contains(&link) && list.contains(&link), "{list}");

    let run = runs::at(&browser.world.service.store, index).await.unwrap();
    let run = run.unwrap().run;
    let page = browser.shows(&format!("/runs/{index}")).await;
    for part in [
        "Benchmark run of 22 November 2026",
        &run.stands_on.root.to_string(),
        "ldsp-protocol/",
        "--recompute",
        &format!(
            "/v1/nodes/aggregator/statements/{}/receipt",
            run.findings[0].seq
        ),
        &format!("href=\"/statements/{index}\""),
        &format!("href=\"/runs/{index}/figures.csv\""),
        "Achievement rate",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let national = browser.world.service.snapshot().await.unwrap();
    let rows: usize = Measure::ALL.iter().map(|m| national.of(*m).len()).sum();
    let csv = browser.get(&format!("/runs/{index}/figures.csv")).await;
    assert_eq!(csv.status, StatusCode::OK);
    assert_eq!(csv.body.lines().count(), rows + 1);

    let statement = browser.shows(&format!("/statements/{index}")).await;
    assert!(statement.contains("every figure at one state of the log"));
    let finding = browser.shows(&format!("/statements/{}", index - 1)).await;
    assert!(
        finding.contains("to date, as the log signed it"),
        "{finding}"
    );
    for gone in ["/runs/0", "/runs/99999", "/runs/x", "/runs/0/figures.csv"] {
        assert_eq!(
            browser.get(gone).await.status,
            StatusCode::NOT_FOUND,
            "{gone}"
        );
    }
}
