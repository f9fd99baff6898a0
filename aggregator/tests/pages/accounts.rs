//! Links, second step and people: the kit's pages over the registry. What the kit itself does is tested at the node; here is what this server
//! keeps of it.

use axum::http::{StatusCode, header};
use jiff::SignedDuration;
use ldsp_aggregator::store::{Span, Staff as _};
use ldsp_ui::accounts::totp;

use crate::browser::{Browser, post};
use crate::synthetic::phones;

/// The address behind the words `shown once` on a page.
fn shown(body: &str) -> String {
    let found = body.split("class=\"ldsp-secret\">").nth(1);
    let found = found.and_then(|rest| rest.split('<').next());
    found.expect("something is shown once").to_owned()
}

fn leads(answer: &crate::browser::Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.headers[header::LOCATION].to_str().expect("text")
}

#[tokio::test]
async fn operators_add_people_who_choose_their_own_secret() {
    let browser = Browser::open().await;
    let operator = browser.sign_in("operator").await.cookies();
    let form = "name=Pat+Lee&role=partner&organisation=";
    let added = browser
        .with_cookies(&operator, "/people/new", Some(form))
        .await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.body);
    let link = shown(&added.body);
    let path = link
        .strip_prefix("https://site.example")
        .expect("this site");
    let store = &browser.world.service.store;
    let pat = store
        .person("Pat Lee")
        .await
        .expect("a store")
        .expect("somebody");
    assert_eq!(pat.secret_hash, None);

    let welcome = browser.get(path).await;
    assert!(
        welcome.body.contains("Welcome, Pat Lee"),
        "{}",
        welcome.body
    );
    let chosen = "secret=plum+harbour+lantern&again=plum+harbour+lantern";
    let opened = browser.send(post(path, None, chosen)).await;
    assert_eq!(leads(&opened), "/");
    assert_eq!(browser.get(path).await.status, StatusCode::GONE);
    let own = browser
        .with_cookies(&opened.cookies(), "/account", None)
        .await;
    for words in ["Pat Lee", "Partner", "Where you are signed in"] {
        assert!(own.body.contains(words), "{}", own.body);
    }
    // Nothing here is for programs to ask, so no token is offered.
    assert!(!own.body.contains("oken"), "{}", own.body);
    let kept = opened.cookies();
    let tokens = browser
        .with_cookies(&kept, "/account/tokens/new", None)
        .await;
    assert_eq!(tokens.status, StatusCode::NOT_FOUND);

    // On a browser that is known strangers' attempts elsewhere do not close the name.
    for _ in 0..30 {
        let wrong = "name=Pat+Lee&secret=wrong&next=/";
        browser.send(post("/sign-in", None, wrong)).await;
    }
    let right = "name=Pat+Lee&secret=plum+harbour+lantern&next=/";
    let elsewhere = browser.send(post("/sign-in", None, right)).await;
    assert_eq!(elsewhere.status, StatusCode::TOO_MANY_REQUESTS);
    let here = browser
        .send(post("/sign-in", Some(&opened.cookies()), right))
        .await;
    assert_eq!(leads(&here), "/");

    let told = browser
        .with_cookies(&operator, "/operator/acts", None)
        .await
        .body;
    for words in ["Pat Lee as partner", "people link", "by a link"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("plum"), "{told}");
}

#[tokio::test]
async fn a_second_step_asks_for_the_phones_own_time_and_a_new_link_ends_it() {
    let browser = Browser::open().await;
    let store = &browser.world.service.store;
    let analyst = browser.sign_in("analyst").await.cookies();
    let offer = browser
        .with_cookies(&analyst, "/account/second-step", None)
        .await;
    let key = key_of(&shown(&offer.body));
    let form = |code: &str| format!("code={code}&secret={}", browser.secret);
    // What a phone would show if it lived when the site does.
    let of_site = form(&totp::current(&key, browser.world.now));
    let refused = browser
        .with_cookies(&analyst, "/account/second-step", Some(&of_site))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = totp::current(&key, phones(browser.world.now));
    let begun = browser
        .with_cookies(&analyst, "/account/second-step", Some(&form(&code)))
        .await;
    assert!(begun.body.contains("Your recovery codes"), "{}", begun.body);
    let recovery = shown(&begun.body);
    assert_eq!(
        store
            .second_step("analyst")
            .await
            .expect("a store")
            .expect("one")
            .codes,
        8
    );

    let half = browser.sign_in("analyst").await;
    assert!(leads(&half).starts_with("/sign-in/code"));
    let seen = browser
        .with_cookies(&half.cookies(), "/account", None)
        .await;
    assert!(leads(&seen).starts_with("/sign-in"));
    // A code of this moment lets in; the one that was shown is used up; a recovery code works once.
    let next = phones(browser.world.now) + SignedDuration::from_secs(30);
    let by_phone = format!("code={}&next=/", totp::current(&key, next));
    let fresh = browser.sign_in("analyst").await.cookies();
    let opened = browser
        .with_cookies(&fresh, "/sign-in/code", Some(&by_phone))
        .await;
    assert_eq!(leads(&opened), "/");
    let again = format!("code={code}&next=/");
    let again = browser
        .with_cookies(&half.cookies(), "/sign-in/code", Some(&again))
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("recovery={recovery}&next=/");
    let opened = browser
        .with_cookies(&half.cookies(), "/sign-in/code", Some(&form))
        .await;
    assert_eq!(leads(&opened), "/");

    let operator = browser.sign_in("operator").await.cookies();
    let made = browser
        .with_cookies(&operator, "/people/analyst/link", Some(""))
        .await;
    assert!(shown(&made.body).contains("/welcome/"), "{}", made.body);
    let person = store
        .person("analyst")
        .await
        .expect("a store")
        .expect("somebody");
    assert!(!person.second_step && person.secret_hash.is_none());
    let over = browser
        .with_cookies(&opened.cookies(), "/account", None)
        .await;
    assert!(
        leads(&over).starts_with("/sign-in"),
        "the session ended too"
    );
}

/// Base32 in groups, as it is shown.
fn key_of(shown: &str) -> totp::Key {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut held, mut bits, mut bytes) = (0_u32, 0, Vec::new());
    for letter in shown.chars().filter(|c| *c != ' ') {
        let value = alphabet.find(letter).expect("base32");
        held = held << 5 | u32::try_from(value).expect("five bits");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("eight bits"));
        }
    }
    bytes.try_into().expect("twenty bytes")
}

#[tokio::test]
async fn operators_change_lock_and_remove_but_never_the_last_of_them() {
    let browser = Browser::open().await;
    let store = &browser.world.service.store;
    let operator = browser.sign_in("operator").await.cookies();
    let does =
        async |path: &str, form: &str| browser.with_cookies(&operator, path, Some(form)).await;
    let partner = browser.sign_in("partner").await.cookies();
    let changed = does("/people/partner/role", "role=curator&organisation=").await;
    assert_eq!(leads(&changed), "/people/partner?done=role");
    let own = browser.with_cookies(&partner, "/account", None).await;
    assert!(
        own.body.contains("Curator"),
        "from the next page on: {}",
        own.body
    );
    let locked = does("/people/partner/lock", "").await;
    assert_eq!(leads(&locked), "/people/partner?done=locked");
    let out = browser.with_cookies(&partner, "/account", None).await;
    assert!(leads(&out).starts_with("/sign-in"));
    assert_eq!(
        browser.sign_in("partner").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let removed = does("/people/partner/remove", "").await;
    assert_eq!(leads(&removed), "/people?done=removed");
    for (path, form) in [
        ("/people/operator/role", "role=analyst&organisation="),
        ("/people/operator/remove", ""),
        ("/people/operator/lock", ""),
    ] {
        assert_eq!(
            does(path, form).await.status,
            StatusCode::CONFLICT,
            "{path}"
        );
    }
    for path in [
        "/people/Eve/remove",
        "/people/a%00b/remove",
        "/people/a%00b/lock",
    ] {
        assert_eq!(does(path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let readable = browser.as_person("analyst", "/people", None).await.body;
    assert!(readable.contains("curator") && !readable.contains("/people/new"));
    let acts = store.acts(Span::Newest, 3).await.expect("a store");
    let who: Vec<&str> = acts.iter().map(|act| act.who.as_str()).collect();
    assert_eq!(who, ["operator"; 3]);
}
