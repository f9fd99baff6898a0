//! Key events for everybody, and the revocation by operators.

use axum::http::{StatusCode, header};
use ldsp_aggregator::announce::{Act, read};
use ldsp_aggregator::store::{Log, Registry};
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own::Own;

use crate::browser::Browser;
use crate::synthetic::{entry, key, leps};

const REASON: &str = "A disk <b>was</b> lost.";
const PATH: &str = "/operator/nodes/black-country/revoke";

#[tokio::test]
async fn each_event_is_told_with_its_place_and_its_proof() {
    let browser = Browser::open().await;
    let empty = browser.shows("/keys").await;
    assert!(empty.contains("No key has been added yet"), "{empty}");
    let (one, other) = (leps()[0], leps()[1]);
    browser.world.join(one).await;
    browser.world.share(one, entry("Shared", one)).await;
    browser.world.join(other).await;
    let act = Act {
        by: "olive",
        at: browser.world.now,
    };
    let announcer = browser.world.service.announcer();
    let stands = announcer.revoke(&one.slug, REASON, act).await.unwrap();
    assert_eq!((stands.index, stands.new), (3, true));

    let page = browser.shows("/keys").await;
    let id = key_id(&key(&one.slug).verifying_key()).to_string();
    for part in [
        "Black Country: key added",
        "Black Country: key revoked",
        "From place 3 in the log on, nothing that it signs is taken",
        "What the node published before stays in them",
        "Reason: A disk &#60;b&#62;was&#60;/b&#62; lost.",
        "href=\"/statements/3\"",
        "href=\"/v1/nodes/aggregator/statements/3\"",
        "href=\"/v1/nodes/aggregator/statements/3/receipt\"",
        "olive",
        "22 November 2026 at 10:00, London time",
        &id,
    ] {
        assert!(page.contains(part), "{part}");
    }
    let place = |text: &str| page.find(text).unwrap();
    assert!(
        place("key revoked") < place("Black Country: key added"),
        "newest first"
    );

    let node = browser.shows("/nodes/black-country").await;
    assert!(node.contains("key revoked") && node.contains("key added"));
    assert!(node.contains("It was revoked: nothing more that it signs is accepted"));
    assert!(
        !node.contains(other.name.as_str()),
        "events of this node only"
    );
    let list = browser.shows("/nodes").await;
    assert!(list.contains("Key revoked") && list.contains("1 of 38 areas have joined"));
    let invited = browser.world.service.store.node(&other.slug).await.unwrap();
    assert_eq!(invited.unwrap().state, NodeState::Active);
}

#[tokio::test]
async fn many_events_come_by_pages() {
    let browser = Browser::open().await;
    for lep in leps().into_iter().take(23) {
        browser.world.join(lep).await;
    }
    let first = browser.shows("/keys").await;
    assert!(first.contains("id=\"event-22\"") && !first.contains("id=\"event-2\""));
    assert!(
        first.contains("href=\"/keys?before=3\" rel=\"next\""),
        "{first}"
    );
    let rest = browser.shows("/keys?before=3").await;
    assert!(rest.contains("id=\"event-2\"") && rest.contains("id=\"event-0\""));
    assert!(rest.contains("rel=\"prev\"") && !rest.contains("rel=\"next\""));
}

#[tokio::test]
async fn the_logs_own_statements_are_shown_at_their_places() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    let announcer = browser.world.service.announcer();
    announcer.settle(browser.world.now).await.unwrap();
    browser.world.join(lep).await;
    browser.world.share(lep, entry("Shared", lep)).await;
    let standard = browser.shows("/statements/0").await;
    for part in [
        "The log itself: Data standard",
        "None: this is the log’s first",
        "ldsp-data-standard v1",
        "href=\"/v1/nodes/aggregator/statements/1\"",
        "https://log.example.org/nodes/aggregator/key.pem",
        "href=\"/statements/1\" rel=\"next\"",
    ] {
        assert!(standard.contains(part), "{part}");
    }
    let added = browser.shows("/statements/2").await;
    assert!(
        added.contains("The log itself: Key added") && added.contains("Black Country: key added")
    );
    assert!(
        added.contains("&#34;approved_by&#34;: &#34;olive&#34;"),
        "{added}"
    );
    let by_node = browser.shows("/statements/3").await;
    assert!(by_node.contains("Black Country: Practice entry"));
    let pem = browser.get("/nodes/aggregator/key.pem").await;
    assert!(pem.body.starts_with("-----BEGIN PUBLIC KEY-----"));
    assert_eq!(
        browser.get("/nodes/aggregator").await.status,
        StatusCode::NOT_FOUND
    );
    // The node's own list has the node's statements only.
    let list = browser.shows("/nodes/black-country").await;
    assert!(list.contains(">Statement 3</a>") && !list.contains(">Statement 2</a>"));
}

#[tokio::test]
async fn an_operator_revokes_after_saying_why_and_confirming() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let store = &browser.world.service.store;
    let state = async || store.node(&lep.slug).await.unwrap().unwrap().state;
    assert_eq!(browser.get(PATH).await.status, StatusCode::SEE_OTHER);
    let good = "reason=A+disk+was+lost.%0D%0AIt+held+the+key.&confirmed=yes";
    for form in [None, Some(good)] {
        let refused = browser.as_person("analyst", PATH, form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let read_only = browser.as_person("analyst", "/operator/nodes", None).await;
    assert!(!read_only.body.contains("/revoke\""));
    let list = browser.as_person("operator", "/operator/nodes", None).await;
    assert!(
        list.body.contains(&format!("href=\"{PATH}\"")),
        "{}",
        list.body
    );
    let asked = browser.as_person("operator", PATH, None).await.body;
    assert!(asked.contains("This cannot be undone") && !asked.contains("There is a problem"));
    assert!(asked.contains(&key_id(&key(&lep.slug).verifying_key()).in_blocks()));
    for (form, error) in [
        ("reason=A+disk+was+lost.", "href=\"#confirmed\""),
        ("reason=+&confirmed=yes", "href=\"#reason\""),
        (
            "reason=Ring+0121+496+0000&confirmed=yes",
            "a telephone number",
        ),
    ] {
        let refused = browser.as_person("operator", PATH, Some(form)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(refused.body.contains(error), "{form}: {}", refused.body);
    }
    assert_eq!(state().await, NodeState::Active);

    let done = browser.as_person("operator", PATH, Some(good)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let told = done.headers[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(told, "/operator/nodes?revoked=black-country");
    assert_eq!(state().await, NodeState::Revoked);
    let told = browser.as_person("operator", &told, None).await.body;
    assert!(told.contains("black-country can publish nothing more."));
    assert!(told.contains("Place 1 in the log") && !told.contains(PATH));
    let own = store.owns(1, 1).await.unwrap();
    let Own::KeyRevoke(revoke) = read(&own[0]).unwrap().payload else {
        panic!("not a revocation");
    };
    assert_eq!(revoke.reason, "A disk was lost. It held the key.");
    assert_eq!(revoke.revoked_by, "operator");
    // Sent twice, nothing more is logged.
    let again = browser.as_person("operator", PATH, Some(good)).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(store.size().await.unwrap(), 2);
    let asked = browser.as_person("operator", PATH, None).await.body;
    assert!(asked.contains("was revoked at place 1 in the log"));
}
