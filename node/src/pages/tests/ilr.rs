//! An ILR from the browser: it asks, waits, and goes on.

use super::*;

const FILE: &str = include_str!("../../../tests/ilr/2018-19.xml");

#[tokio::test]
async fn a_file_asks_waits_and_goes_on() {
    let world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let file = FILE
        .replace("B70 1AA", "ZZ99 9ZZ")
        .replace("TS24 1AA", "ZZ99 9ZZ");
    let asked = world.upload("ilr", "store", &file).await;
    assert_eq!(asked.status, StatusCode::OK);
    for words in [
        "The file needs some answers first",
        "ilr-ukprn-unknown",
        "Answer the questions",
        "2018-19",
    ] {
        assert!(asked.body.contains(words), "{words}: {}", asked.body);
    }
    assert!(!asked.body.contains("Canary") && !asked.body.contains("LA 1"));
    let list = world.get("ann", "/import/ilr").await.body;
    for words in [
        "99000001",
        "4 aims to be said",
        "/import/ilr/aim?aim=60990011&amp;ukprn=99000001",
        "English, Welsh",
        "ZWRKX*",
    ] {
        assert!(
            list.contains(words) || list.contains(&words.replace("&amp;", "&#38;")),
            "{words}: {list}"
        );
    }
    // Errors stand on top and at the field; what was typed stays.
    let wrong = world
        .post("ann", "/import/ilr/provider", "ukprn=12&provider=Acme")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("href=\"#ukprn\"") && wrong.body.contains("value=\"Acme\""),
        "{}",
        wrong.body
    );
    let said = world
        .post(
            "ann",
            "/import/ilr/provider",
            "ukprn=99000001&provider=College",
        )
        .await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.body);
    let form = world
        .get("ann", "/import/ilr/aim?aim=60990011&ukprn=99000001")
        .await
        .body;
    assert!(
        form.contains("value=\"60990011\"") && form.contains("Basics (P1, College)"),
        "{form}"
    );
    let wrong = world
        .post(
            "ann",
            "/import/ilr/aim",
            "aim=60990011&digital=yes&programme=P9&skill=transacting&mode=online",
        )
        .await;
    assert!(wrong.body.contains("href=\"#programme\""), "{}", wrong.body);
    for (aim, digital) in [("6099*", "yes"), ("ZPROG001/*", "no")] {
        let form = format!(
            "aim={}&digital={digital}&programme=P1&skill=transacting&mode=online",
            aim.replace('/', "%2F")
        );
        let said = world.post("ann", "/import/ilr/aim", &form).await;
        assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.body);
    }
    let list = world.get("ann", "/import/ilr?said=yes").await.body;
    assert!(
        list.contains("Go on with the import") && list.contains("Written down"),
        "{list}"
    );
    let done = world.post("ann", "/import/ilr/go-on", "").await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
    assert!(
        done.body
            .contains("2 deliveries are of aims that are not digital"),
        "{}",
        done.body
    );
    // Nothing waits any more, here or on the disk.
    assert_eq!(
        world.post("ann", "/import/ilr/go-on", "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.uploads_left(), 0);
    // The next file of the year misses a learner: the preview says what would go.
    let short = file
        .replace("2019-10-17T", "2019-11-17T")
        .replace(">LA 3<", ">LA 6<");
    let preview = world.upload("ilr", "check", &short).await.body;
    assert!(
        preview.contains("Enrolments that this file does not name any more"),
        "{preview}"
    );
    let code = world
        .post(
            "ann",
            "/import/ilr/code",
            "field=Sex&code=X&value=not-stated",
        )
        .await;
    assert_eq!(code.status, StatusCode::SEE_OTHER, "{}", code.body);
    let form = world
        .get("ann", "/import/ilr/code?field=Sex&code=X")
        .await
        .body;
    assert!(form.contains("value=\"not-stated\" selected"), "{form}");
    let unsaid = world
        .post(
            "ann",
            "/import/ilr/aim",
            "aim=6099*&digital=yes&digital=unsaid",
        )
        .await;
    assert_eq!(unsaid.status, StatusCode::SEE_OTHER, "{}", unsaid.body);
}

#[tokio::test]
async fn only_who_imports_says_how_ilrs_are_read() {
    let world = world().await;
    for path in [
        "/import/ilr",
        "/import/ilr/aim",
        "/import/ilr/provider",
        "/import/ilr/code",
    ] {
        assert_eq!(
            world.get("ann", path).await.status,
            StatusCode::OK,
            "{path}"
        );
        assert_eq!(
            world.get("bob", path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        if path != "/import/ilr" {
            assert_eq!(
                world.post("bob", path, "").await.status,
                StatusCode::FORBIDDEN,
                "{path}"
            );
        }
    }
}
