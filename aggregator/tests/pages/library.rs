//! What people write: escaped, shared with whom they chose, named as they chose.

use axum::http::StatusCode;
use ldsp_aggregator::store::Library;
use ldsp_protocol::practice::{Area, Resource, Setting, Sharing, SizeBand, Verdict};

use crate::browser::Browser;
use crate::synthetic::{entry, leps};

#[tokio::test]
async fn what_people_write_cannot_become_markup() {
    const XSS: &str = "\"><script>alert('x')</script>";
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut hostile = entry(XSS, lep);
    hostile.what = format!("{XSS}\nsecond line\n\nnew paragraph");
    hostile.causes[0].because = XSS.into();
    hostile.change = XSS.into();
    hostile.repeat = XSS.into();
    hostile.contact_role = XSS.into();
    hostile.tools = [
        "javascript:alert(1)",
        "//evil.example",
        "/sign-out",
        "http://plain.example",
    ]
    .map(|link| Resource {
        title: XSS.into(),
        link: link.into(),
        licence: XSS.into(),
    })
    .to_vec();
    browser.world.share(lep, hostile).await;
    for path in [
        "/",
        "/practice",
        "/practice/black-country/1",
        "/leps/E37000001",
    ] {
        let page = browser.shows(path).await;
        assert!(
            !page.contains("<script>alert") && !page.contains("\"><script"),
            "{path}"
        );
        assert!(page.contains("alert("), "{path} shows it as text");
    }
    let page = browser.shows("/practice/black-country/1").await;
    for link in [
        "javascript:",
        "//evil.example\"",
        "href=\"/sign-out",
        "http://plain",
    ] {
        assert!(!page.contains(link), "{link}");
    }
    assert!(
        page.contains("<br>second line</p>")
            && page.contains("<p class=\"govuk-body\">new paragraph</p>")
    );
}

#[tokio::test]
async fn peers_first_entries_are_counted_and_nothing_else() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut early = entry("Canary title", lep);
    early.sharing = Sharing::PeersUntil("2026-11-23".parse().unwrap());
    let early = browser.world.share(lep, early).await;
    let mut later = entry("Open again", lep);
    later.sharing = Sharing::PeersUntil("2026-11-22".parse().unwrap());
    later.replicates = Some(early);
    browser.world.share(lep, later).await;
    for path in [
        "/",
        "/practice",
        "/leps/E37000001",
        "/nodes",
        "/practice/black-country/2",
    ] {
        assert!(!browser.shows(path).await.contains("Canary"), "{path}");
    }
    assert_eq!(
        browser.get("/practice/black-country/1").await.status,
        StatusCode::NOT_FOUND
    );
    let list = browser.shows("/practice").await;
    assert!(
        list.contains("1 entry is shared with enrolled areas first") && list.contains("Open again")
    );
    // Neither do people of the department see it before its date.
    let signed_in = browser.as_person("operator", "/practice", None).await;
    assert!(!signed_in.body.contains("Canary"));
    let signed_in = browser
        .as_person("operator", "/practice/black-country/1", None)
        .await;
    assert_eq!(signed_in.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn authors_who_do_not_name_their_area_are_not_named() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut shy = entry("A quiet failure", lep);
    shy.area = Area::Like {
        setting: Setting::Rural,
        size: SizeBand::Small,
    };
    browser.world.share(lep, shy).await;
    let page = browser.shows("/practice/black-country/1").await;
    assert!(page.contains("An area like: rural") && !page.contains("Black Country"));
    assert!(!browser.shows("/practice").await.contains("Black Country"));
    assert!(
        !browser
            .shows("/leps/E37000001")
            .await
            .contains("A quiet failure")
    );
}

#[tokio::test]
async fn the_library_filters_counts_pages_and_follows_replacements() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    for n in 0..45 {
        let mut one = entry(&format!("Entry {n:02}"), lep);
        one.tier = if n % 2 == 0 { "basic" } else { "advanced" }.into();
        one.verdict = if n % 3 == 0 {
            Verdict::Failed
        } else {
            Verdict::Worked
        };
        browser.world.share(lep, one).await;
    }
    let first = browser.shows("/practice").await;
    assert!(
        first.contains("45 entries") && first.contains("Failed 15") && first.contains("Basic (23)")
    );
    assert!(
        first.contains("Entry 44") && first.contains("Entry 25") && !first.contains("Entry 24")
    );
    assert!(
        first.contains("href=\"/practice?before=26\" rel=\"next\"")
            && !first.contains("rel=\"prev\"")
    );
    let second = browser.shows("/practice?before=26").await;
    assert!(
        second.contains("Entry 24") && second.contains("Entry 05") && !second.contains("Entry 04")
    );
    assert!(second.contains("href=\"/practice?after=25\" rel=\"prev\""));
    let back = browser.shows("/practice?after=25").await;
    assert!(back.contains("Entry 44") && back.contains("Entry 25") && !back.contains("Entry 24"));
    let last = browser.shows("/practice?before=6").await;
    assert!(
        last.contains("Entry 00")
            && last.contains("href=\"/practice?after=5\" rel=\"prev\"")
            && !last.contains("rel=\"next\"")
    );
    let narrow = browser.shows("/practice?verdict=failed&tier=basic").await;
    assert!(narrow.contains("8 entries") && narrow.contains("Clear all filters"));

    let old = browser
        .world
        .service
        .store
        .entry(&lep.slug, 1)
        .await
        .unwrap()
        .unwrap();
    let mut newer = entry("Better", lep);
    newer.supersedes = Some(old.pae);
    browser.world.share(lep, newer).await;
    let page = browser.shows("/practice/black-country/1").await;
    assert!(
        page.contains("The authors have replaced this entry")
            && page.contains("/practice/black-country/46")
    );
    assert!(
        browser
            .shows("/practice/black-country/46")
            .await
            .contains("/practice/black-country/1\"")
    );
}

#[tokio::test]
async fn an_entry_leads_to_the_newest_version_that_is_public() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut older = None;
    for (title, sharing) in [
        ("Version one", Sharing::Public),
        ("Canary", Sharing::PeersUntil("2027-01-01".parse().unwrap())),
        ("Version three", Sharing::Public),
    ] {
        let mut version = entry(title, lep);
        (version.sharing, version.supersedes) = (sharing, older);
        older = Some(browser.world.share(lep, version).await);
    }
    let list = browser.shows("/practice").await;
    assert!(list.contains("Version three") && !list.contains("Version one"));
    let first = browser.shows("/practice/black-country/1").await;
    assert!(first.contains("The authors have replaced this entry"));
    assert!(first.contains("/practice/black-country/3") && !first.contains("Canary"));
}

#[tokio::test]
async fn evidence_is_shown_as_an_estimate_with_its_release() {
    let mut browser = Browser::open().await;
    browser.world.federation(2).await;
    let page = browser.shows("/practice/leeds-city-region/3").await;
    assert!(page.contains("Starts: Older people, Basic"), "{page}");
    assert!(
        page.contains("/v1/nodes/leeds-city-region/statements/2")
            && page.contains("May to June 2026")
    );
    assert!(page.contains("/v1/nodes/leeds-city-region/statements/3") && page.contains("receipt"));
}
