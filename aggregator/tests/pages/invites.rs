//! Inviting an area, on a page and by program.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ldsp_aggregator::store::Registry;
use ldsp_protocol::enrolment::{Invite, NodeState};
use serde_json::{Value, json};

use crate::browser::{Answer, Browser, ROLES};
use crate::synthetic::leps;

const PATH: &str = "/operator/invites/new";

/// The file that the page gives to save.
fn saved(body: &str) -> Invite {
    let (_, rest) = body.split_once(";base64,").expect("a file to save");
    let data = rest.split('"').next().expect("its end");
    let data = data
        .replace("&#43;", "+")
        .replace("&#61;", "=")
        .replace("&#47;", "/");
    let file = BASE64.decode(data).expect("base64");
    serde_json::from_slice(&file).expect("an invite")
}

#[tokio::test]
async fn an_operator_invites_an_area_on_a_page() {
    let browser = Browser::open().await;
    let operator = browser.sign_in("operator").await.cookies();
    let list = async || {
        browser
            .with_cookies(&operator, "/operator/nodes", None)
            .await
            .body
    };
    assert!(list().await.contains("href=\"/operator/invites/new\""));
    let read = browser.as_person("analyst", "/operator/nodes", None).await;
    assert!(!read.body.contains("href=\"/operator/invites/new\""));
    let form = browser.with_cookies(&operator, PATH, None).await.body;
    assert_eq!(form.matches("<option value=\"E37").count(), 38);
    for (wrong, field) in [
        ("lep=&days=7", "lep"),
        ("lep=E37000001&days=8", "days"),
        ("lep=E37000001&days=x", "days"),
        ("lep=E37000001&days=7&node=Black+Country", "node"),
        ("lep=E37000001&days=7&node=aggregator", "node"),
        ("", "lep"),
    ] {
        let seen = browser.with_cookies(&operator, PATH, Some(wrong)).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(
            seen.body.contains(&format!("href=\"#{field}\"")),
            "{wrong}: {}",
            seen.body
        );
    }
    let seen = browser
        .with_cookies(&operator, PATH, Some("lep=E37000001&days=3"))
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert_eq!(seen.headers[header::CACHE_CONTROL], "no-store");
    let invite = saved(&seen.body);
    assert_eq!(invite.node.as_str(), "black-country");
    assert!(seen.body.contains(&invite.fingerprint().in_blocks()));
    let held = browser.world.service.store.invite_of(&invite.node).await;
    let held = held.unwrap().unwrap();
    assert_eq!(held.secret_hash, Invite::id_of(&invite.secret));
    assert_eq!(held.created_by, "operator");
    let told = list().await;
    assert!(
        told.contains("22 November 2026 at 10:00") && told.contains("25 November 2026 at 10:00")
    );
    assert!(!told.contains(&invite.secret));
    // Another one takes the first one's place.
    let again = format!("{PATH}?node=black-country");
    let form = browser.with_cookies(&operator, &again, None).await.body;
    assert!(form.contains("value=\"black-country\""), "{form}");
    let seen = browser
        .with_cookies(&operator, PATH, Some("lep=E37000001&days=7"))
        .await;
    let other = saved(&seen.body);
    assert_ne!(other.secret, invite.secret);
}

/// A key that waits is somebody's work: it goes only where that is meant.
#[tokio::test]
async fn an_invite_drops_a_key_that_waits_only_when_it_is_confirmed() {
    let browser = Browser::open().await;
    let waiting = leps()[0];
    browser.world.enrol(waiting).await;
    let store = &browser.world.service.store;
    let state = async || store.node(&waiting.slug).await.unwrap().unwrap().state;
    let form = format!("lep={}&days=7", waiting.code);
    let seen = browser.as_person("operator", PATH, Some(&form)).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.body.contains("name=\"again\""), "{}", seen.body);
    assert_eq!(state().await, NodeState::Pending);
    let form = format!("{form}&again=yes");
    let seen = browser.as_person("operator", PATH, Some(&form)).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert_eq!(state().await, NodeState::Invited);
    let active = leps()[1];
    browser.world.join(active).await;
    let form = format!("lep={}&days=7", active.code);
    let seen = browser.as_person("operator", PATH, Some(&form)).await;
    assert!(seen.body.contains("is already active"), "{}", seen.body);
}

async fn asks(browser: &Browser, who: &str, method: &str, path: &str, body: &Value) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");
    if !who.is_empty() {
        let basic = BASE64.encode(format!("{who}:{}", browser.secret));
        request = request.header(header::AUTHORIZATION, format!("Basic {basic}"));
    }
    browser
        .send(
            request
                .body(Body::from(body.to_string()))
                .expect("a request"),
        )
        .await
}

#[tokio::test]
async fn an_operators_program_invites_and_others_do_not() {
    let browser = Browser::open().await;
    let path = "/api/v1/invites";
    let order = json!({"node": "black-country", "lep": "E37000001"});
    for (who, may_read, may_write) in [
        ("", false, false),
        ("partner", false, false),
        ("curator", false, false),
        ("analyst", true, false),
        ("operator", true, true),
    ] {
        assert!(who.is_empty() || ROLES.contains(&who));
        let refused = if who.is_empty() { "sign-in" } else { "role" };
        for (method, may) in [("GET", may_read), ("POST", may_write)] {
            let seen = asks(&browser, who, method, path, &order).await;
            assert_eq!(
                seen.status.is_success(),
                may,
                "{who} {method}: {}",
                seen.body
            );
            let code: Value = serde_json::from_str(&seen.body).unwrap();
            assert!(may || code["code"] == refused, "{who} {method}: {code}");
            assert!(!seen.headers.contains_key("access-control-allow-origin"));
        }
    }
    let listed = asks(&browser, "analyst", "GET", path, &Value::Null)
        .await
        .body;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["items"][0]["created_by"], "operator");
    assert!(!listed.to_string().contains("secret"));
    let made = asks(&browser, "operator", "POST", path, &order).await.body;
    let made: Value = serde_json::from_str(&made).unwrap();
    let invite: Invite = serde_json::from_value(made["invite"].clone()).unwrap();
    assert_eq!(made["fingerprint"], invite.fingerprint().to_string());
    browser.world.enrol(leps()[0]).await;
    for (wrong, code) in [
        (json!({}), "request"),
        (json!({"node": "x y", "lep": "E37000001"}), "request"),
        (
            json!({"node": "aggregator", "lep": "E37000001"}),
            "no-invite",
        ),
        (json!({"node": "solent", "lep": "E37000099"}), "no-invite"),
        (json!({"node": "solent", "lep": "E37000001"}), "no-invite"),
        (
            json!({"node": "solent", "lep": "E37000030", "days": 9}),
            "no-invite",
        ),
        // Its key waits by now.
        (order.clone(), "no-invite"),
    ] {
        let seen = asks(&browser, "operator", "POST", path, &wrong).await;
        let problem: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(problem["code"], code, "{wrong}: {problem}");
    }
}
