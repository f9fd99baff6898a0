//! What people see of a node that goes on under a second data standard.

use ldsp_protocol::ids::Digest;
use ldsp_protocol::standard::Standard;

use super::*;
use crate::release::{Approval, Request, approve, prepare};

impl World {
    /// Imports, and publishes January as a program did that knew the first standard only.
    pub(crate) async fn released_under_the_first(&self) {
        for (kind, file) in [
            ("programmes", PROGRAMMES.to_owned()),
            ("learners", learners()),
        ] {
            assert_eq!(
                self.upload(kind, "store", &file).await.status,
                StatusCode::OK
            );
        }
        let now = at("2022-02-04T09:00:00Z");
        let store = &self.node.store;
        let request = Request {
            standard: Standard::v1(),
            first: Some("2022-01".parse().unwrap()),
            ..Request::default()
        };
        let prepared = prepare(store, request, "ann", now, &seeded(3))
            .await
            .unwrap();
        let approval = Approval {
            person: "bob",
            period: None,
            digest: prepared.release.digest,
        };
        let seq = approve(store, &self.node.signing, &approval, now).await;
        assert_eq!(seq.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_month_under_two_standards_is_read_once_and_approved_once() {
    let world = world().await;
    world.released_under_the_first().await;
    let prepared = world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    assert_eq!(prepared.location(), "/releases/2022-02?done=prepared");
    let page = world.get("bob", "/releases/2022-02").await.body;
    for words in [
        "48 tables",
        "Two data standards are in use",
        "up to January 2025",
        "Show all 26 tables under ldsp-data-standard v1",
        "Show all 22 tables under ldsp-data-standard v2",
        "audience of the programme, type of programme and pledge",
        "two JSON texts, one after the other",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let digest = world.digest("/releases/2022-02").await;
    let payload = world.get("bob", "/releases/2022-02/payload.json").await;
    assert_eq!(
        payload.headers[header::CONTENT_TYPE],
        "application/octet-stream"
    );
    assert_eq!(Digest::of(payload.body.as_bytes()).to_string(), digest);
    let approved = world
        .post(
            "bob",
            "/releases/2022-02/approve",
            &format!("digest={digest}&read=yes"),
        )
        .await;
    assert_eq!(approved.location(), "/releases/2022-02?done=approved");
    let list = world.get("bob", "/releases").await.body;
    assert!(list.contains("2 and 3"), "{list}");

    let table = "/releases/2022-02/tables/starts.pledge";
    for (path, title) in [
        (table.to_owned(), "ldsp-data-standard v2"),
        (format!("{table}?standard=2"), "ldsp-data-standard v2"),
        (format!("{table}?standard=1"), "ldsp-data-standard v1"),
    ] {
        let page = world.get("bob", &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains(title), "{path}");
    }
    let dropped = "/releases/2022-02/tables/leavers.audience-by-outcome";
    assert_eq!(world.get("bob", dropped).await.status, StatusCode::OK);
    let new = format!("{dropped}?standard=2");
    assert_eq!(world.get("bob", &new).await.status, StatusCode::NOT_FOUND);
    let csv = world.get("bob", "/releases/2022-02/figures.csv").await.body;
    for standard in Standard::all() {
        assert!(
            csv.lines().any(|line| line.ends_with(&standard.title())),
            "{}",
            standard.title()
        );
    }
}

#[tokio::test]
async fn the_privacy_page_tells_the_budgets_apart() {
    let world = world().await;
    world.released_under_the_first().await;
    // Before the new standard begins, its plan stands beside what was spent.
    let page = world.get("bob", "/privacy").await.body;
    assert!(page.contains("Enrolments that are counted under ldsp-data-standard v1"));
    assert!(!page.contains("Two data standards are in use"), "{page}");
    world
        .post("ann", "/releases/prepare", "period=2022-02")
        .await;
    let page = world.get("bob", "/privacy").await.body;
    for words in [
        "Two data standards are in use",
        "0.49",
        "0.45",
        "bear what follows, and nothing of the above",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
