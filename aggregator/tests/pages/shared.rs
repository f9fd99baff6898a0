//! What partners and curators find when they sign in.

use axum::http::{StatusCode, header};
use ldsp_aggregator::store::{Curation as _, Span};
use ldsp_protocol::practice::Sharing;

use crate::browser::Browser;
use crate::synthetic::{entry, leps};

async fn with_entries(titles: &[&str]) -> Browser {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    for title in titles {
        browser.world.share(lep, entry(title, lep)).await;
    }
    browser
}

/// The number of the last word on an entry as its page's form carries it.
fn seen(body: &str) -> &str {
    let field = body.split("name=\"seen\" value=\"").nth(1);
    field
        .and_then(|rest| rest.split('"').next())
        .expect("the form's hidden field")
}

#[tokio::test]
async fn a_curator_takes_an_entry_out_with_a_reason_and_puts_it_back() {
    let browser = with_entries(&["Harbour group", "Quiet mornings"]).await;
    let curator = browser.sign_in("curator").await.cookies();
    let asks =
        async |path: &str, form: Option<&str>| browser.with_cookies(&curator, path, form).await;
    let path = "/curator/black-country/1";
    let desk = asks("/curator", None).await.body;
    assert!(
        desk.contains("To look at (2)") && desk.contains(path),
        "{desk}"
    );
    let page = asks(path, None).await.body;
    assert!(page.contains("Nobody has looked at this entry yet") && page.contains("Counter staff"));
    assert_eq!(seen(&page), "0");
    for (form, field) in [
        ("seen=0&standing=&words=x", "standing"),
        ("seen=0&standing=hidden&words=", "words"),
        ("seen=0&standing=hidden&words=Ring+0121+496+0000", "words"),
    ] {
        let refused = asks(path, Some(form)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(
            refused.body.contains(&format!("href=\"#{field}\"")),
            "{form}"
        );
    }
    // Every list is asked for before, so that one which is kept too long shows.
    for public in [
        "/",
        "/practice",
        "/leps/E37000001",
        "/practice.csv",
        "/practice.json",
        "/api/v1/practice",
    ] {
        assert!(
            browser.shows(public).await.contains("Harbour group"),
            "{public}"
        );
    }
    let form = "seen=0&standing=hidden&words=It+names+a+shop.";
    let done = asks(path, Some(form)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(done.headers[header::LOCATION], "/curator?done=hidden");
    let told = asks("/curator?done=hidden", None).await.body;
    assert!(
        told.contains("no longer in the library") && told.contains("Taken out (1)"),
        "{told}"
    );
    for public in [
        "/",
        "/practice",
        "/leps/E37000001",
        "/practice.csv",
        "/practice.json",
        "/api/v1/practice",
    ] {
        let shown = browser.shows(public).await;
        assert!(
            !shown.contains("Harbour group") && shown.contains("Quiet mornings"),
            "{public}"
        );
    }
    for public in [
        "/practice/black-country/1",
        "/api/v1/practice/black-country/1",
    ] {
        let gone = browser.get(public).await;
        assert_eq!(gone.status, StatusCode::GONE, "{public}");
        assert!(gone.body.contains("It names a shop.") && !gone.body.contains("Counter staff"));
    }
    // What its area signed stays where it is.
    let signed = browser.get("/v1/nodes/black-country/statements/1").await;
    assert_eq!(signed.status, StatusCode::OK);

    // Somebody who looked before that was said changes nothing by a slip.
    let late = asks(path, Some("seen=0&standing=listed&words=")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("It names a shop."), "{}", late.body);
    let back = format!("seen={}&standing=listed&words=", seen(&late.body));
    assert_eq!(asks(path, Some(&back)).await.status, StatusCode::SEE_OTHER);
    assert!(browser.shows("/practice").await.contains("Harbour group"));
    browser.shows("/practice/black-country/1").await;
    let acts = asks("/curator/acts", None).await.body;
    for words in [
        "It names a shop.",
        "Looked at",
        "Taken out",
        "curator",
        "Harbour group",
    ] {
        assert!(acts.contains(words), "{words}: {acts}");
    }
    let store = &browser.world.service.store;
    assert_eq!(
        store.sayings(Span::Newest, 9).await.expect("a store").len(),
        2
    );
}

#[tokio::test]
async fn an_entry_that_a_curator_chose_is_shown_first_with_why() {
    let browser = with_entries(&["Harbour group", "Quiet mornings"]).await;
    assert!(
        !browser
            .shows("/practice")
            .await
            .contains("Chosen by the curator")
    );
    let form = "seen=0&standing=featured&words=Two+areas+have+repeated+it.";
    let done = browser
        .as_person("curator", "/curator/black-country/1", Some(form))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let list = browser.shows("/practice").await;
    assert!(list.contains("Chosen by the curator") && list.contains("Two areas have repeated it."));
    let narrowed = browser.shows("/practice?verdict=failed").await;
    assert!(!narrowed.contains("Chosen by the curator"));
    let page = browser.shows("/practice/black-country/1").await;
    assert!(page.contains("Two areas have repeated it."));
    // Those who read what curators do have no form.
    let read = browser
        .as_person("analyst", "/curator/black-country/1", None)
        .await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(!read.body.contains("name=\"standing\"") && read.body.contains("Shown first"));
}

#[tokio::test]
async fn curators_see_nothing_that_is_for_enrolled_areas_first() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut early = entry("Canary title", lep);
    early.sharing = Sharing::PeersUntil("2026-11-23".parse().expect("a day"));
    browser.world.share(lep, early).await;
    let desk = browser.as_person("curator", "/curator", None).await;
    assert!(!desk.body.contains("Canary") && desk.body.contains("To look at (0)"));
    let path = "/curator/black-country/1";
    for form in [None, Some("seen=0&standing=listed&words=")] {
        let answer = browser.as_person("curator", path, form).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_partner_is_told_what_is_new_and_takes_files_along() {
    let mut browser = with_entries(&["Harbour group"]).await;
    let lep = leps()[0];
    let month = "2026-09".parse().expect("a month");
    browser.world.publish(lep, month, 2, 400).await;
    let partner = browser.sign_in("partner").await.cookies();
    let page = browser.with_cookies(&partner, "/shared", None).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for words in [
        "New to you",
        "2 months of 1 area",
        "the latest of October 2026",
        "1 entry",
        "Harbour group",
        "/practice.csv",
        "/api/v1/benchmarks.csv",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let field = page.body.split("name=\"size\" value=\"").nth(1);
    let size = field
        .and_then(|rest| rest.split('"').next())
        .expect("how far it shows");
    // What comes while somebody reads is new still.
    browser.world.share(lep, entry("Late arrival", lep)).await;
    let form = format!("size={size}");
    let noted = browser
        .with_cookies(&partner, "/shared/read", Some(&form))
        .await;
    assert_eq!(noted.headers[header::LOCATION], "/shared?read");
    let page = browser.with_cookies(&partner, "/shared", None).await.body;
    assert!(
        page.contains("Late arrival") && !page.contains("Harbour group"),
        "{page}"
    );
    assert!(!page.contains("months of"), "{page}");
    let form = "size=99999999999999999999";
    browser
        .with_cookies(&partner, "/shared/read", Some(form))
        .await;
    let page = browser
        .with_cookies(&partner, "/shared?read", None)
        .await
        .body;
    assert!(
        page.contains("Nothing new") && page.contains("Noted."),
        "{page}"
    );
    // It is each person's own.
    let other = browser.as_person("analyst", "/shared", None).await.body;
    assert!(other.contains("New to you"), "{other}");
}

#[tokio::test]
async fn every_file_that_is_named_is_there() {
    let mut browser = with_entries(&["=SUM(A1)"]).await;
    let lep = leps()[0];
    let month = "2026-09".parse().expect("a month");
    browser.world.publish(lep, month, 2, 400).await;
    let page = browser.as_person("partner", "/shared", None).await.body;
    let mut files = 0;
    for label in ["CSV", "JSON"] {
        for before in page
            .split(&format!("\">{label}</a>"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
        {
            let Some(href) = before.rsplit("href=\"").next() else {
                continue;
            };
            if !href.starts_with('/') || href.contains(['<', '"']) {
                continue;
            }
            let answer = browser.get(href).await;
            assert_eq!(answer.status, StatusCode::OK, "{href}");
            files += 1;
        }
    }
    assert!(files >= 8, "{files}: {page}");
    let csv = browser.get("/practice.csv").await;
    assert!(csv.headers.contains_key(header::ETAG));
    assert!(
        csv.body.contains("'=SUM(A1)"),
        "no spreadsheet runs it: {}",
        csv.body
    );
    let json = browser.get("/practice.json").await.body;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["items"][0]["entry"]["title"], "=SUM(A1)");
}
