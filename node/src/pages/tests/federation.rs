//! Enrolling the node in the browser.

use ldsp_protocol::enrolment::{Invite, NodeState};

use super::*;
use crate::testing::{Mood, invite};

/// What a browser sends that has chosen a file, or pasted a text.
async fn look(world: &World, who: &str, field: &str, text: &str) -> Seen {
    let extra = if field == "file" {
        "; filename=\"a.invite\"\r\nContent-Type: application/octet-stream"
    } else {
        ""
    };
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{field}\"{extra}\r\n\r\n{text}\r\n--b--\r\n"
    );
    let request = Request::post("/federation/invite")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    world.send(who, request, body.into()).await
}

fn text(invite: &Invite) -> String {
    serde_json::to_string(invite).unwrap()
}

/// The invite as the page that asks for a last word holds it.
fn form(invite: &Invite) -> String {
    let value = ldsp_ui::percent_encode(&text(invite)).replace('/', "%2F");
    format!("invite={value}")
}

#[tokio::test]
async fn an_admin_enrols_the_node_in_the_browser() {
    let world = world_alone().await.with_everybody().await;
    world.aggregator.0.lock().unwrap().node = NodeState::Pending;
    let home = world.get("ada", "/").await.body;
    assert!(home.contains("href=\"/federation\""), "{home}");
    assert!(!home.contains("ldsp-node"), "{home}");
    let page = world.get("ada", "/federation").await.body;
    assert!(page.contains("type=\"file\"") && page.contains("Not enrolled"));
    // Others see how it stands, and whom to ask.
    for who in ["ann", "bob", "vic"] {
        let page = world.get(who, "/federation").await.body;
        assert!(page.contains("An admin of this node enrols it"), "{page}");
        assert!(!page.contains("type=\"file\""), "{who}");
        let seen = look(&world, who, "file", &text(&invite())).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        for path in ["/federation/enrol", "/federation/ask"] {
            let seen = world.post(who, path, &form(&invite())).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{who} {path}");
        }
    }
    assert_eq!(
        world.get("pam", "/federation").await.status,
        StatusCode::FORBIDDEN
    );
    for field in ["file", "text"] {
        let seen = look(&world, "ada", field, &text(&invite())).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        for words in [
            "https://log.example",
            "black-country",
            "Black Country",
            &invite().fingerprint().in_blocks(),
            "Enrol this node",
        ] {
            assert!(seen.body.contains(words), "{words}: {}", seen.body);
        }
        assert_eq!(seen.headers[header::CACHE_CONTROL], "no-store");
    }
    assert!(world.node.store.enrolment().await.unwrap().is_none());
    let seen = world
        .post("ada", "/federation/enrol", &form(&invite()))
        .await;
    assert_eq!(seen.location(), "/federation?done=enrolled");
    let page = world.get("ada", seen.location()).await.body;
    let fingerprint = ldsp_protocol::keys::key_id(&world.node.signing.verifying_key());
    assert!(page.contains("One thing is left") && page.contains(&fingerprint.in_blocks()));
    let seen = world.post("ada", "/federation/ask", "").await;
    let page = world.get("ada", seen.location()).await.body;
    assert!(page.contains("has not approved the key yet"), "{page}");
    world.aggregator.0.lock().unwrap().node = NodeState::Active;
    let seen = world.post("ada", "/federation/ask", "").await;
    let page = world.get("ada", seen.location()).await.body;
    assert!(
        page.contains("is approved") && !page.contains("type=\"file\""),
        "{page}"
    );
    assert_eq!(world.queued.load(Ordering::Relaxed), 3);
    let log = world.get("ada", "/audit").await.body;
    assert!(log.contains("enrolled") && log.contains("ada"), "{log}");
}

#[tokio::test]
async fn an_invite_that_does_not_fit_says_so_at_its_field_and_is_never_quoted() {
    let world = world_alone().await.with_everybody().await;
    let secret = "5ec4e7".repeat(10);
    let other = |change: fn(&mut Invite)| {
        let mut other = invite();
        other.secret = format!("{secret}abcd");
        change(&mut other);
        text(&other)
    };
    for (sent, says) in [
        (String::new(), "Choose the invite file"),
        ("PK\u{3}\u{4}".repeat(9), "it is no invite"),
        ("x".repeat(200_000), "it is no invite"),
        (other(|_| ())[..200].to_owned(), "is not whole"),
        (other(|i| i.secret = "short".into()), "64 hex digits"),
        (other(|i| i.url = "http://log.example".into()), "https://"),
        (
            other(|i| i.expires = "2022-03-01T00:00:00Z".parse().unwrap()),
            "the national operator for a new invite",
        ),
        (
            other(|i| i.lep = "E37000002".parse().unwrap()),
            "Use the invite that was made for this LEP",
        ),
    ] {
        let seen = look(&world, "ada", "file", &sent).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}");
        assert!(seen.body.contains(says), "{says}: {}", seen.body);
        assert!(seen.body.contains("href=\"#invite\"") && !seen.body.contains(&secret));
    }
    assert!(world.aggregator.0.lock().unwrap().calls.is_empty());
    // What the log says against it, and what only the network does.
    let full = Mood::Unavailable { retry_after: None };
    world.aggregator.set(full);
    let seen = world
        .post("ada", "/federation/enrol", &form(&invite()))
        .await;
    assert!(seen.body.contains("refuses"), "{}", seen.body);
    world.aggregator.set(Mood::Down);
    let seen = world
        .post("ada", "/federation/enrol", &form(&invite()))
        .await;
    assert!(seen.body.contains("could not be reached"), "{}", seen.body);
    assert!(
        seen.body.contains("Enrol this node"),
        "the same invite again"
    );
    assert!(world.node.store.enrolment().await.unwrap().is_none());
}

/// An invite is for one LEP, and a node of made-up records is nobody's.
#[tokio::test]
async fn what_has_to_be_done_first_is_said_before_an_invite_is_asked_for() {
    let world = world_without_lep().await.with_everybody().await;
    let page = world.get("ada", "/federation").await.body;
    assert!(page.contains("href=\"/lep\"") && !page.contains("type=\"file\""));
    let world = world_alone().await.with_everybody().await;
    let seen = world.post("ann", "/sample/bring-in", "").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let page = world.get("ada", "/federation").await.body;
    assert!(page.contains("made up") && !page.contains("type=\"file\""));
    let seen = world
        .post("ada", "/federation/enrol", &form(&invite()))
        .await;
    assert!(seen.body.contains("made up"), "{}", seen.body);
    assert!(world.node.store.enrolment().await.unwrap().is_none());
}
