//! The postcode directory, sent by a browser.

use super::*;

const DIRECTORY: &str = "pcds,oslaua\nWV1 1AA,E08000031\nB1 1AA,E08000025\nJE2 3AB,L99999999\n";

async fn sends(world: &World, who: &str, file: &str) -> Seen {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ONSPD.csv\"\r\n\r\n{file}\r\n--b--\r\n"
    );
    let request = Request::post("/import/postcodes")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    world.send(who, request, body.into()).await
}

#[tokio::test]
async fn an_admin_or_a_coordinator_imports_the_directory_and_learner_files_may_give_postcodes() {
    let world = world().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let file = learners().replace(",,E08000027,", ",WV1 1AA,,");
    let refused = world.upload("learners", "store", &file).await;
    assert!(
        refused.body.contains("page Postcode directory"),
        "{}",
        refused.body
    );
    for who in ["bob", "pam", "vic"] {
        let path = "/import/postcodes";
        assert_eq!(world.get(who, path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(
            sends(&world, who, DIRECTORY).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let page = world.get("ada", "/import/postcodes").await.body;
    assert!(page.contains("There is no directory yet") && page.contains("type=\"file\""));
    let none = sends(&world, "ada", "").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("href=\"#file\""), "{}", none.body);
    let other = sends(&world, "ada", "a,b\n1,2\n").await;
    assert!(other.body.contains("refused") && other.body.contains("as ONS names it"));
    let report = world.get("ada", "/import/report.csv").await;
    assert!(report.body.contains("column-missing"), "{}", report.body);
    let done = sends(&world, "ada", DIRECTORY).await;
    assert!(
        done.body.contains("The directory is imported"),
        "{}",
        done.body
    );
    let page = world.get("ann", "/import/postcodes").await.body;
    assert!(
        page.contains("holds 2 postcodes") && page.contains("4 March 2022"),
        "{page}"
    );
    let stored = world.upload("learners", "store", &file).await;
    assert!(
        stored.body.contains("The file is imported"),
        "{}",
        stored.body
    );
    // A refused one leaves the old one.
    let again = sends(&world, "ann", "pcds,oslaua\nWV1 1AA,nowhere\n").await;
    assert!(again.body.contains("Nothing was changed"), "{}", again.body);
    let page = world.get("ann", "/import/postcodes").await.body;
    assert!(page.contains("holds 2 postcodes"), "{page}");
    assert_eq!(world.uploads_left(), 0);
}
