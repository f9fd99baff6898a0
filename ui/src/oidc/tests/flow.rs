//! Signing in, and out.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::world::{Away, HERE, world, world_of};
use crate::oidc::{Claim, Subject};

#[tokio::test]
async fn somebody_known_signs_in_and_lands_where_they_wanted() {
    let world = world();
    world.knows("u-1", "ada");
    world
        .get("/sign-in?next=/mine", "")
        .await
        .says(200, "href=\"/sign-in/with?next=/mine\" role=\"button\"");
    let away = world.leave("/sign-in/with?next=/mine", "").await;
    let asked: HashMap<_, _> = away.address.query_pairs().into_owned().collect();
    let sent = |name: &str| asked[name].as_str();
    assert_eq!(
        (
            sent("response_type"),
            sent("client_id"),
            sent("scope"),
            sent("tenant")
        ),
        ("code", "ldsp", "openid", "1")
    );
    assert_eq!(sent("redirect_uri"), "https://site.example/sign-in/back");
    assert_eq!(sent("code_challenge_method"), "S256");
    let answer = world.back(&away, "").await;
    assert_eq!(answer.location(), "/mine", "{}", answer.body);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        answer.cookie("__Host-ldsp-with").unwrap(),
        "__Host-ldsp-with="
    );
    {
        let told = world.service.told();
        assert_eq!(told.form["grant_type"], "authorization_code");
        assert_eq!(told.form["code"], "c-1");
        assert_eq!(told.form["redirect_uri"], sent("redirect_uri"));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&told.form["code_verifier"]));
        assert_eq!(challenge, sent("code_challenge"));
        let basic = STANDARD.encode("ldsp:s3cret%2F%2B+%25");
        assert_eq!(told.authorization, Some(format!("Basic {basic}")));
        assert!(!told.form.contains_key("client_secret"));
    }
    let session = answer.session();
    world.get("/mine", &session).await.says(200, "I am ada");
    // Whoever an admin keeps out does not come in here either.
    let lock = |locked| {
        let mut people = world.register.people.lock().unwrap();
        people.get_mut("ada").unwrap().locked = locked;
    };
    lock(true);
    let refused = world.sign_in().await;
    refused.says(403, "An admin has locked your account here");
    assert_eq!(refused.cookie("__Host-ldsp"), None);
    lock(false);
    let session = world.sign_in().await.session();
    // Removal ends it, as it ends a session that a secret opened.
    world.register.people.lock().unwrap().remove("ada");
    let gone = world.get("/mine", &session).await;
    assert_eq!(gone.location(), "/sign-in?next=/mine");
}

#[tokio::test]
async fn somebody_unknown_hears_what_to_send_and_gets_no_account() {
    let world = world();
    world.service.told().claims["sub"] = json!("u<2>");
    let answer = world.sign_in().await;
    answer.says(403, "This account is not connected yet");
    answer.says(403, "Subject (sub): u&#60;2&#62;");
    assert!(answer.body.contains(&world.service.issuer));
    assert_eq!(answer.cookie("__Host-ldsp"), None);
    assert_eq!(world.register.people.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_belongs_to_one_attempt_of_one_browser() {
    let world = world();
    world.knows("u-1", "ada");
    let issuer = world.service.issuer.clone();
    let (one, two) = (
        world.leave("/sign-in/with", "").await,
        world.leave("/sign-in/with", "").await,
    );
    let swapped = Away {
        cookie: two.cookie.clone(),
        ..one
    };
    for (query, cookie) in [
        (
            vec![
                ("code", "c"),
                ("state", swapped.state.as_str()),
                ("iss", issuer.as_str()),
            ],
            two.cookie.as_str(),
        ),
        (
            vec![
                ("code", "c"),
                ("state", swapped.state.as_str()),
                ("iss", issuer.as_str()),
            ],
            "",
        ),
        (
            vec![("code", "c"), ("iss", issuer.as_str())],
            two.cookie.as_str(),
        ),
        (
            vec![("state", two.state.as_str()), ("iss", issuer.as_str())],
            two.cookie.as_str(),
        ),
        (vec![], two.cookie.as_str()),
    ] {
        world
            .back_with(&query, cookie)
            .await
            .says(400, "sign_in_not_begun_here");
    }
    let twice = format!(
        "/sign-in/back?code=c&state={0}&state={0}&iss={issuer}",
        two.state
    );
    assert_eq!(
        world.get(&twice, &two.cookie).await.status,
        StatusCode::BAD_REQUEST
    );
    // The nonce in the token is that of the attempt.
    let away = world.leave("/sign-in/with", "").await;
    world.service.told().claims["nonce"] = json!("another");
    world
        .back(&away, "")
        .await
        .says(502, "sign_in_not_believed");
    let late = world.leave("/sign-in/with", "").await;
    world.advance(601);
    world.back(&late, "").await.says(400, "sign_in_too_late");
    assert_eq!(world.sign_in().await.location(), "/mine");
}

#[tokio::test]
async fn an_answer_of_another_service_is_not_taken() {
    let world = world();
    world.knows("u-1", "ada");
    for (iss, status) in [(Some("https://evil.example"), 502), (None, 502)] {
        let away = world.leave("/sign-in/with", "").await;
        let mut query = vec![("code", "c"), ("state", away.state.as_str())];
        query.extend(iss.map(|iss| ("iss", iss)));
        world
            .back_with(&query, &away.cookie)
            .await
            .says(status, "sign_in_service_unusable");
        // Nor is what it says of an error.
        query.push(("error", "access_denied"));
        world
            .back_with(&query, &away.cookie)
            .await
            .says(status, "sign_in_service_unusable");
    }
    assert!(
        world.service.told().form.is_empty(),
        "no code went anywhere"
    );
    // A service that does not promise the parameter need not send it.
    let quiet = super::world::world();
    quiet.knows("u-1", "ada");
    let name = "authorization_response_iss_parameter_supported";
    quiet.service.told().metadata[name] = json!(false);
    let away = quiet.leave("/sign-in/with?next=/mine", "").await;
    let query = [("code", "c"), ("state", away.state.as_str())];
    assert_eq!(
        quiet.back_with(&query, &away.cookie).await.location(),
        "/mine"
    );
}

#[tokio::test]
async fn where_it_is_required_secrets_open_nothing() {
    let world = world_of(|config| config.required = true);
    world.knows("u-1", "ada");
    let page = world.get("/sign-in", "").await;
    page.says(200, "Sign in with Council account");
    assert!(!page.body.contains("name=\"secret\""));
    world.by_secret("ada").await.says(403, "takes no secrets");
    let basic = STANDARD.encode(format!("ada:{}", world.secret.reveal()));
    let request =
        Request::get("/api/v1/mine").header(header::AUTHORIZATION, format!("Basic {basic}"));
    let refused = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
    assert_eq!(world.sign_in().await.location(), "/mine");
}

#[tokio::test]
async fn an_address_is_who_somebody_is_only_where_that_is_said() {
    let world = world_of(|config| config.claim = Claim::Email);
    let subject = Subject::new(&world.service.issuer, Claim::Email, "ada@example.org").unwrap();
    world
        .register
        .subjects
        .lock()
        .unwrap()
        .insert(subject, "ada".into());
    let away = world.leave("/sign-in/with", "").await;
    assert!(away.address.query().unwrap().contains("scope=openid+email"));
    world.sign_in().await.says(403, "sign_in_no_email");
    world.service.told().claims["email"] = json!("Ada@Example.org");
    world.sign_in().await.says(403, "sign_in_no_email");
    world.service.told().claims["email_verified"] = json!(true);
    assert_eq!(world.sign_in().await.location(), "/mine");
    // A subject that reads like somebody's address is not that address.
    let plain = super::world::world();
    let subject = Subject::new(&plain.service.issuer, Claim::Email, "ada@example.org").unwrap();
    plain
        .register
        .subjects
        .lock()
        .unwrap()
        .insert(subject, "ada".into());
    plain.service.told().claims["sub"] = json!("ada@example.org");
    plain.sign_in().await.says(403, "not connected yet");
}

#[tokio::test]
async fn signing_out_offers_to_sign_out_at_the_service_too() {
    let world = world();
    world.knows("u-1", "ada");
    let out = async |session: &str| world.post("/sign-out", session, HERE, &[]).await;
    // Whoever came with a secret goes to the first page, as ever.
    let by_secret = world.by_secret("ada").await.session();
    assert_eq!(out(&by_secret).await.location(), "/");
    let session = world.sign_in().await.session();
    assert_eq!(world.get("/sign-in/out", &session).await.location(), "/");
    assert_eq!(out(&session).await.location(), "/sign-in/out");
    let gone = world.get("/mine", &session).await;
    assert_eq!(gone.location(), "/sign-in?next=/mine", "it is over at once");
    // A service without such an address: the page says how else.
    let page = world.get("/sign-in/out", "").await;
    page.says(200, "You are signed out here");
    page.says(200, "Council account cannot be asked from here");

    let offering = super::world::world();
    offering.knows("u-1", "ada");
    let issuer = offering.service.issuer.clone();
    let address = format!("{issuer}/end?tenant=1");
    offering.service.told().metadata["end_session_endpoint"] = json!(address);
    let session = offering.sign_in().await.session();
    offering.post("/sign-out", &session, HERE, &[]).await;
    let page = offering.get("/sign-in/out", "").await;
    let back = "https%3A%2F%2Fsite.example%2Fsign-in%2Fout%2Fthere";
    let link =
        format!("{issuer}/end?tenant=1&#38;client_id=ldsp&#38;post_logout_redirect_uri={back}");
    page.says(200, &link);
    let back = offering.get("/sign-in/out/there", "").await;
    back.says(200, "You are signed out");

    // What is no https address is not led to.
    let odd = super::world::world();
    odd.service.told().metadata["end_session_endpoint"] = json!("javascript:alert(1)");
    let page = odd.get("/sign-in/out", "").await;
    page.says(200, "cannot be asked from here");
    assert!(!page.body.contains("javascript:"), "{}", page.body);
}

/// Browsers keep 4,096 bytes of a cookie.
#[tokio::test]
async fn a_way_back_that_fills_the_cookie_leads_to_the_first_page() {
    let world = world();
    world.knows("u-1", "ada");
    for (length, kept) in [(900, true), (1900, false)] {
        let next = format!("/mine?q={}", "%22".repeat(length));
        let away = world.leave(&format!("/sign-in/with?next={next}"), "").await;
        assert!(away.cookie.len() < 4000, "{}", away.cookie.len());
        let back = world.back(&away, "").await;
        let expected = if kept {
            format!("/mine?q={}", "\"".repeat(length))
        } else {
            "/".to_owned()
        };
        assert_eq!(back.location(), expected);
    }
}
