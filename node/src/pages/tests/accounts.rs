//! Links, second steps, tokens and the people's pages, from the outside.

use super::*;
use crate::store::audit::COMMAND_LINE;
use ldsp_ui::accounts::{self, Accounts as _, Act, By, Change, Token, totp};

const NOW: &str = "2022-03-04T09:00:00Z";
const OWN: &str = "copper lantern seven violins";

fn link_of(page: &str) -> &str {
    let from = page.find("https://node.example/welcome/").expect("a link");
    let link = &page[from + "https://node.example".len()..];
    &link[..link.find('<').expect("markup ends it")]
}

fn secret_form(secret: &str) -> String {
    format!("secret={secret}&again={secret}").replace(' ', "+")
}

impl World {
    async fn enter(&self, name: &str, secret: &str) -> Seen {
        let form = format!("name={name}&secret={secret}").replace(' ', "+");
        self.post("", "/sign-in", &form).await
    }

    /// Who has acted how, the latest first.
    async fn acts(&self) -> Vec<(String, String)> {
        let entries = self.node.store.audit_entries(5).await.unwrap();
        entries.into_iter().map(|e| (e.who, e.action)).collect()
    }
}

#[tokio::test]
async fn the_first_link_makes_the_admin_once() {
    let world = world().await;
    let token = Token::draw(&mut seeded(70)());
    let store = &world.node.store;
    let link = accounts::new_link(&token, at(NOW));
    store
        .keep_first_link(link, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let path = format!("/welcome/{}", token.reveal());
    for _ in 0..2 {
        // Mail programs open links by themselves.
        let page = world.get("", &path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Your name"), "{}", page.body);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    }
    for (form, words) in [
        ("name=&secret=x&again=x".to_owned(), "Enter your name"),
        ("name=Ada&secret=short&again=short".into(), "at least 15"),
        (format!("name=Ada&{}x", secret_form(OWN)), "not the same"),
        (format!("name=new&{}", secret_form(OWN)), "1 to 64"),
        (format!("name=ANN&{}", secret_form(OWN)), "already"),
    ] {
        let refused = world.post("", &path, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
        assert!(!refused.body.contains("copper"));
    }
    let form = format!("name=Ada&{}", secret_form(OWN));
    let done = world.post("", &path, &form).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"));
    let ada = store.person("Ada").await.unwrap().unwrap();
    assert_eq!(ada.role, Role::Admin);
    for again in [
        world.get("", &path).await,
        world.post("", &path, &form).await,
    ] {
        assert_eq!(again.status, StatusCode::GONE);
    }
    assert_eq!(world.enter("Ada", OWN).await.status, StatusCode::SEE_OTHER);
    // With an admin there is no second first one.
    let second = Token::draw(&mut seeded(71)());
    let link = accounts::new_link(&second, at(NOW));
    store
        .keep_first_link(link, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let late = world
        .get("", &format!("/welcome/{}", second.reveal()))
        .await;
    assert_eq!(late.status, StatusCode::GONE);
}

#[tokio::test]
async fn an_admin_adds_changes_locks_resets_and_removes() {
    let world = world().await.with_everybody().await;
    let none = world.post("ada", "/people/new", "").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let bound = "name=Eve&role=provider&organisation=";
    let bound = world.post("ada", "/people/new", bound).await;
    assert!(bound.body.contains("href=\"#organisation\""));
    let taken = world
        .post("ada", "/people/new", "name=ANN&role=viewer&organisation=")
        .await;
    assert!(taken.body.contains("already"));
    let added = world
        .post("ada", "/people/new", "name=Eve&role=viewer&organisation=")
        .await;
    assert_eq!(added.status, StatusCode::OK);
    let link = link_of(&added.body).to_owned();
    let list = world.get("ada", "/people").await.body;
    assert!(list.contains("Has not set a secret yet") && list.contains("/people/Eve"));
    let read = world.get("bob", "/people").await.body;
    assert!(read.contains(">Eve<") && !read.contains("/people/Eve"));
    // With what somebody signs in, and whether they do yet, is for those alone who look after people.
    assert!(
        !read.contains("Has not set a secret yet") && !read.contains("Signs in with"),
        "{read}"
    );
    assert!(
        !world
            .get("ada", "/people?role=admin")
            .await
            .body
            .contains("/people/Eve")
    );
    let entered = world.post("", &link, &secret_form(OWN)).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);

    // A typing error makes no second provider of one that is there.
    let library = "name=Library&kind=provider&ukprn=&contact_role=";
    world.post("ada", "/organisations/new", library).await;
    for (path, form) in [
        ("/people/new", "name=Una&role=provider&organisation=Libary"),
        ("/people/Eve/role", "role=provider&organisation=Libary"),
    ] {
        let typo = world.post("ada", path, form).await;
        assert_eq!(typo.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(
            typo.body.contains("Known are: College, Library"),
            "{path}: {}",
            typo.body
        );
    }
    let role = world.get("ada", "/people/Eve/role").await;
    assert!(
        role.body.contains("value=\"viewer\" checked"),
        "{}",
        role.body
    );
    let changed = world
        .post(
            "ada",
            "/people/Eve/role",
            "role=provider&organisation=+library",
        )
        .await;
    assert_eq!(changed.location(), "/people/Eve?done=role");
    let eve = world.node.store.person("Eve").await.unwrap().unwrap();
    assert_eq!(eve.organisation.as_deref(), Some("Library"));

    world.post("ada", "/people/Eve/lock", "").await;
    assert_eq!(
        world.enter("Eve", OWN).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    world.post("ada", "/people/Eve/unlock", "").await;
    assert_eq!(world.enter("Eve", OWN).await.status, StatusCode::SEE_OTHER);

    let reset = world.post("ada", "/people/Eve/link", "").await;
    assert_ne!(link_of(&reset.body), link);
    assert_eq!(
        world.enter("Eve", OWN).await.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the old secret has ended"
    );
    assert_eq!(world.acts().await[0], ("ada".into(), "people link".into()));

    for own in ["lock", "remove", "link"] {
        let path = format!("/people/ada/{own}");
        let refused = world.post("ada", &path, "").await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{own}");
    }
    let last = world.post("ada", "/people/ada/role", "role=viewer").await;
    assert!(last.body.contains("last_admin"), "{}", last.body);
    assert!(
        world
            .get("ada", "/people/Eve/remove")
            .await
            .body
            .contains("Remove Eve?")
    );
    let removed = world.post("ada", "/people/Eve/remove", "").await;
    assert_eq!(removed.location(), "/people?done=removed");
    assert_eq!(
        world.get("ada", "/people/Eve").await.status,
        StatusCode::NOT_FOUND
    );
    let gone = world.get("", link_of(&reset.body)).await;
    assert_eq!(gone.status, StatusCode::GONE, "its link went too");
}

#[tokio::test]
async fn a_second_step_is_asked_for_and_a_code_opens_once() {
    let world = world().await;
    let offer = world.get("ann", "/account/second-step").await;
    assert!(offer.body.contains("class=\"ldsp-qr\""), "{}", offer.body);
    let mark = "<p class=\"ldsp-secret\">";
    let from = offer.body.find(mark).expect("the key to type") + mark.len();
    let typed: String = offer.body[from..from + 39].split(' ').collect();
    // The key as the phone reads it.
    let key = key_of(&typed);
    assert_eq!(totp::base32(&key), typed);
    let code = |seconds: i64| {
        let then = at(NOW) + jiff::SignedDuration::from_secs(seconds);
        totp::current(&key, then)
    };
    let wrong = world
        .post("ann", "/account/second-step", "code=000000x&secret=x")
        .await;
    assert!(wrong.body.contains("href=\"#code\""));
    let form = format!("code={}&secret=WRONG-WRONG", code(-30));
    let wrong = world.post("ann", "/account/second-step", &form).await;
    assert!(wrong.body.contains("not your secret"), "{}", wrong.body);
    let form = format!("code={}&secret={SECRET}", code(-30));
    let begun = world.post("ann", "/account/second-step", &form).await;
    assert!(begun.body.contains("recovery codes"), "{}", begun.body);
    let recovery: Vec<&str> = begun
        .body
        .split(mark)
        .skip(1)
        .map(|rest| &rest[..19])
        .collect();
    assert_eq!(recovery.len(), 8);

    let cookie = |seen: &Seen| session_cookie(seen);
    let half = world.enter("ann", SECRET).await;
    assert_eq!(half.location(), "/sign-in/code?next=/");
    let mut world = world;
    world.cookies.insert("half", cookie(&half));
    assert_eq!(
        world.get("half", "/releases").await.status,
        StatusCode::SEE_OTHER,
        "half is not in"
    );
    // The code with which it was begun was used.
    for used in [code(-30), "12345".into(), String::new()] {
        let form = format!("code={used}");
        let refused = world.post("half", "/sign-in/code", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{used}");
    }
    let form = format!("code={}&next=/releases", code(0));
    let opened = world.post("half", "/sign-in/code", &form).await;
    assert_eq!(opened.location(), "/releases");
    let again = world.enter("ann", SECRET).await;
    world.cookies.insert("half", cookie(&again));
    let replayed = world.post("half", "/sign-in/code", &form).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (expected, left) in [
        (StatusCode::SEE_OTHER, 7),
        (StatusCode::UNPROCESSABLE_ENTITY, 7),
    ] {
        let half = world.enter("ann", SECRET).await;
        world.cookies.insert("half", cookie(&half));
        let form = format!("recovery={}", recovery[3].to_lowercase());
        let seen = world.post("half", "/sign-in/code", &form).await;
        assert_eq!(seen.status, expected);
        let second = world.node.store.second_step("ann").await.unwrap().unwrap();
        assert_eq!(second.codes, left);
    }
    // Programs cannot show a code; they use a token.
    let page = world.get("ann", "/account").await.body;
    assert!(page.contains("7 of your recovery codes are left"), "{page}");
    let ended = world
        .post(
            "ann",
            "/account/second-step/end",
            &format!("secret={SECRET}"),
        )
        .await;
    assert_eq!(ended.location(), "/account?done=second-step-ended");
    assert_eq!(world.enter("ann", SECRET).await.location(), "/");
}

/// Bytes of RFC 4648's base 32.
fn key_of(text: &str) -> totp::Key {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u64, Vec::new());
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            _ => c - b'2' + 26,
        };
        held = (held << 5) | u64::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    bytes.try_into().unwrap()
}

async fn begin_second_step(store: &crate::store::Store, name: &str, key: totp::Key) {
    let change = Change::BeginSecondStep {
        name,
        key,
        step: 0,
        codes: &[],
    };
    let by = By {
        who: name,
        now: at(NOW),
    };
    assert_eq!(store.change(change, by).await.unwrap(), Act::Done);
}

#[tokio::test]
async fn whoever_tries_codes_is_stopped_until_an_admin_opens_the_name() {
    let mut world = world().await.with_everybody().await;
    let store = world.node.store.clone();
    begin_second_step(&store, "vic", [9; 20]).await;
    let half = world.enter("vic", SECRET).await;
    world.cookies.insert("half", session_cookie(&half));
    for n in 1..=10 {
        // Each time from somewhere else.
        let from = std::net::SocketAddr::from(([192, 0, 2, n], 443));
        let request = Request::post("/sign-in/code")
            .extension(axum::extract::ConnectInfo(from))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let seen = world.send("half", request, "code=000000".into()).await;
        let person = store.person("vic").await.unwrap().unwrap();
        assert_eq!(person.locked_at.is_some(), n == 10, "{n}: {}", seen.status);
    }
    let closed = world.enter("vic", SECRET).await;
    assert_eq!(closed.status, StatusCode::UNPROCESSABLE_ENTITY);
    world.post("ada", "/people/vic/unlock", "").await;
    let code = totp::current(&[9; 20], at(NOW));
    let half = world.enter("vic", SECRET).await;
    world.cookies.insert("half", session_cookie(&half));
    let opened = world
        .post("half", "/sign-in/code", &format!("code={code}"))
        .await;
    assert_eq!(opened.location(), "/");
}

#[tokio::test]
async fn ones_own_secret_and_sessions() {
    let mut world = world().await;
    let other = world.enter("ann", SECRET).await;
    world.cookies.insert("other", session_cookie(&other));
    let page = world.get("ann", "/account").await.body;
    assert_eq!(page.matches("Sign out there").count(), 1, "{page}");
    assert!(page.contains("This browser") && page.contains("Another browser"));
    let handle = page.split("name=\"session\" value=\"").nth(1).unwrap();
    let form = format!("session={}", &handle[..16]);
    // Nobody ends somebody else's.
    world.post("bob", "/account/sessions/end", &form).await;
    assert_eq!(world.get("other", "/account").await.status, StatusCode::OK);
    world.post("ann", "/account/sessions/end", &form).await;
    assert_eq!(
        world.get("other", "/account").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(world.get("ann", "/account").await.status, StatusCode::OK);

    let other = world.enter("ann", SECRET).await;
    world.cookies.insert("other", session_cookie(&other));
    let own = OWN.replace(' ', "+");
    for (form, field) in [
        (format!("secret=WRONG&new={own}&again={own}"), "secret"),
        (format!("secret={SECRET}&new=short&again=short"), "new"),
        (format!("secret={SECRET}&new={own}&again={own}x"), "again"),
    ] {
        let refused = world.post("ann", "/account/secret", &form).await;
        let anchor = format!("href=\"#{field}\"");
        assert!(refused.body.contains(&anchor), "{form}: {}", refused.body);
    }
    let form = format!("secret={SECRET}&new={own}&again={own}");
    let changed = world.post("ann", "/account/secret", &form).await;
    assert_eq!(
        changed.location(),
        "/account?done=secret",
        "{}",
        changed.body
    );
    world.cookies.insert("now", session_cookie(&changed));
    assert_eq!(world.get("now", "/account").await.status, StatusCode::OK);
    assert_eq!(
        world.get("other", "/account").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(world.enter("ann", OWN).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        world.acts().await[0],
        ("ann".into(), "people secret".into())
    );
}

#[tokio::test]
async fn a_token_does_what_its_person_may_until_it_ends() {
    let world = world().await.with_everybody().await;
    let form = "label=Nightly+upload&days=30";
    let unproved = world.post("vic", "/account/tokens/new", form).await;
    assert!(unproved.body.contains("href=\"#secret\""));
    let made = world
        .post(
            "vic",
            "/account/tokens/new",
            &format!("{form}&secret={SECRET}"),
        )
        .await;
    let from = made.body.find("ldsp_").expect("a token");
    let token = made.body[from..].split('<').next().unwrap().to_owned();
    let asks = async |path: &str, token: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.send("", request, Body::empty()).await.status
    };
    assert_eq!(asks("/api/v1/status", &token).await, StatusCode::OK);
    assert_eq!(asks("/api/v1/imports", &token).await, StatusCode::FORBIDDEN);
    let other = format!("ldsp_{}", Token::draw(&mut seeded(3)()).reveal());
    for wrong in [other.as_str(), "ldsp_x", "x", &token[5..]] {
        assert_eq!(
            asks("/api/v1/status", wrong).await,
            StatusCode::UNAUTHORIZED
        );
    }
    let page = world.get("vic", "/account").await.body;
    assert!(page.contains("Nightly upload") && !page.contains(&token));
    assert!(page.contains("4 March 2022"), "the day of its last use");
    let store = &world.node.store;
    let tokens = store.tokens().unwrap();
    let id = tokens.of("vic").await.unwrap()[0].id;
    let path = format!("/account/tokens/{id}/end");
    assert_eq!(
        world.post("bob", &path, "").await.status,
        StatusCode::NOT_FOUND,
        "nobody else ends it"
    );
    let later = at(NOW) + jiff::SignedDuration::from_hours(24 * 30);
    let digest = Token::sent(&token[5..]).unwrap().digest();
    assert!(tokens.owner(digest, later).await.unwrap().is_none());
    store
        .lock_person("vic", true, true, COMMAND_LINE, at(NOW))
        .await
        .unwrap();
    assert_eq!(
        asks("/api/v1/status", &token).await,
        StatusCode::UNAUTHORIZED
    );
    store
        .lock_person("vic", false, true, COMMAND_LINE, at(NOW))
        .await
        .unwrap();
    assert_eq!(asks("/api/v1/status", &token).await, StatusCode::OK);
    let by = By {
        who: "vic",
        now: at(NOW),
    };
    tokens.end(id, by).await.unwrap();
    assert_eq!(
        asks("/api/v1/status", &token).await,
        StatusCode::UNAUTHORIZED
    );
}

/// With a second step the secret alone opens nothing, to programs either.
#[tokio::test]
async fn basic_is_refused_to_people_with_a_second_step() {
    use base64::Engine as _;
    let world = world().await;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("ann:{SECRET}"));
    let asks = async || {
        let request =
            Request::get("/api/v1/status").header(header::AUTHORIZATION, format!("Basic {basic}"));
        world.send("", request, Body::empty()).await
    };
    assert_eq!(asks().await.status, StatusCode::OK);
    let store = &world.node.store;
    begin_second_step(store, "ann", [1; 20]).await;
    let refused = asks().await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.body.contains("token"), "{}", refused.body);
}

/// Many people sign in behind one address: right codes count for nothing.
#[tokio::test]
async fn right_codes_do_not_close_an_address() {
    let mut world = world().await.with_everybody().await;
    let code = totp::current(&[9; 20], at(NOW));
    for n in 0..31 {
        begin_second_step(&world.node.store, "vic", [9; 20]).await;
        let half = world.enter("vic", SECRET).await;
        world.cookies.insert("half", session_cookie(&half));
        let seen = world
            .post("half", "/sign-in/code", &format!("code={code}"))
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{n}: {}", seen.body);
    }
}

/// Nobody knows whether a code was right that the store could not look up.
#[tokio::test]
async fn a_store_that_does_not_answer_locks_no_name() {
    let mut world = world().await.with_everybody().await;
    let store = world.node.store.clone();
    begin_second_step(&store, "vic", [9; 20]).await;
    let half = world.enter("vic", SECRET).await;
    world.cookies.insert("half", session_cookie(&half));
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&store.writer)
            .await
            .unwrap();
    };
    let form = format!("code={}", totp::current(&[9; 20], at(NOW)));
    rename("recovery_codes", "elsewhere").await;
    for _ in 0..11 {
        let seen = world.post("half", "/sign-in/code", &form).await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    rename("elsewhere", "recovery_codes").await;
    let wrong = world.post("half", "/sign-in/code", "code=000000").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let vic = store.person("vic").await.unwrap().unwrap();
    assert_eq!(vic.locked_at, None);
    let opened = world.post("half", "/sign-in/code", &form).await;
    assert_eq!(opened.location(), "/");
}
