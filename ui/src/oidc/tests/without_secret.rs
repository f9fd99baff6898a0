//! People whom the service alone lets in: set-up links, and what is asked of them before something that outlasts the session.

use std::collections::HashMap;

use axum::http::StatusCode;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;

use super::NOW;
use super::world::{Answer, Away, HERE, World, world, world_of};
use crate::accounts::Token;

const FORM: &[(&str, &str)] = &[("label", "Nightly"), ("days", "30")];

fn link(world: &World, seed: u64, person: Option<&str>) -> Token {
    let token = Token::draw(&mut ChaCha20Rng::seed_from_u64(seed));
    let mut links = world.register.links.lock().unwrap();
    links.insert(token.digest(), person.map(str::to_owned));
    token
}

/// Comes back from the service with a link's attempt and says yes.
async fn confirms(world: &World, away: &Away) -> Answer {
    let asked = world.back(away, "").await;
    asked.says(200, "Is this you?");
    let field = asked.body.split("name=\"proposal\" value=\"").nth(1);
    let proposal = field.unwrap().split('"').next().unwrap();
    let form = [("proposal", proposal)];
    world.post("/sign-in/welcome", "", HERE, &form).await
}

#[tokio::test]
async fn where_it_is_required_a_link_leads_through_the_service() {
    let world = world_of(|config| config.required = true);
    world.knows("u-2", "bob");
    world.forgets_secret("ada");
    let token = link(&world, 7, Some("ada"));
    let path = format!("/welcome/{}", token.reveal());
    let through = format!("/sign-in/with?welcome={}&name=", token.reveal());
    // No secret is asked for, and none that is sent opens anything.
    let chosen = [
        ("secret", "copper lantern seven violins"),
        ("again", "copper lantern seven violins"),
    ];
    for page in [
        world.get(&path, "").await,
        world.post(&path, "", HERE, &chosen).await,
    ] {
        page.says(200, "Continue with Council account");
        page.says(200, &through.replace('&', "&#38;"));
        assert!(!page.body.contains("name=\"secret\""), "{}", page.body);
        assert_eq!(page.cookie("__Host-ldsp"), None);
    }
    // Somebody else's account is nobody's way in.
    world.service.told().claims["sub"] = json!("u-2");
    let away = world.leave(&through, "").await;
    confirms(&world, &away).await.says(409, "account_taken");
    world.service.told().claims["sub"] = json!("u-1");
    let away = world.leave(&through, "").await;
    // Nothing is connected before it is confirmed.
    world.back(&away, "").await.says(200, "Subject (sub)");
    world.sign_in().await.says(403, "not connected yet");
    let away = world.leave(&through, "").await;
    let opened = confirms(&world, &away).await;
    assert_eq!(opened.location(), "/", "{}", opened.body);
    let ada = opened.session();
    world.get("/mine", &ada).await.says(200, "I am ada");
    assert_eq!(world.sign_in().await.location(), "/mine");
    // It works once, also for who left with it before.
    world.get(&path, "").await.says(410, "link_over");
    world.get(&through, "").await.says(410, "link_over");
    let again = world.back(&away, "").await;
    assert_ne!(again.status, StatusCode::OK, "{}", again.body);
    // Nobody is told to choose a secret.
    world
        .get("/account/secret", &ada)
        .await
        .says(403, "takes no secrets");
    let page = world.get("/account", &ada).await;
    assert!(!page.body.contains("/account/secret"), "{}", page.body);
}

#[tokio::test]
async fn where_it_is_required_the_first_of_all_comes_by_the_service() {
    let world = world_of(|config| config.required = true);
    let token = link(&world, 8, None);
    let path = format!("/welcome/{}", token.reveal());
    world.get(&path, "").await.says(200, "Your name");
    let bad = world.post(&path, "", HERE, &[("name", "new")]).await;
    bad.says(422, "1 to 64");
    let page = world.post(&path, "", HERE, &[("name", "Eve Lee")]).await;
    page.says(200, "Eve Lee here from then on");
    let through = format!("/sign-in/with?welcome={}&name=Eve%20Lee", token.reveal());
    let away = world.leave(&through, "").await;
    let opened = confirms(&world, &away).await;
    world
        .get("/mine", &opened.session())
        .await
        .says(200, "I am Eve Lee");
}

#[tokio::test]
async fn somebody_without_a_secret_shows_at_the_service_that_it_is_they() {
    let world = world();
    world.knows("u-1", "ada");
    world.knows("u-2", "bob");
    world.forgets_secret("ada");
    let ada = world.sign_in().await.session();
    let page = world.get("/account", &ada).await;
    page.says(200, "You have none");
    assert!(!page.body.contains("Known to you alone"), "{}", page.body);
    world
        .get("/account/second-step", &ada)
        .await
        .says(200, "A second step is set up there");
    // Whoever finds the browser open does not get in at the service.
    let make = "/account/tokens/new";
    for asked in [
        world.get(make, &ada).await,
        world.post(make, &ada, HERE, FORM).await,
        world.get("/account/secret", &ada).await,
        world.get("/sign-in/connect", &ada).await,
    ] {
        asked.says(200, "once more");
        asked.says(200, "/sign-in/again?next=/");
    }
    assert!(world.register.tokens.lock().unwrap().is_empty());
    let again = format!("/sign-in/again?next={make}");
    let away = world.leave(&again, &ada).await;
    let asked: HashMap<_, _> = away.address.query_pairs().into_owned().collect();
    assert_eq!((&*asked["prompt"], &*asked["max_age"]), ("login", "0"));
    // A service that did not ask, or asked somebody else.
    for auth_time in [json!(null), json!(NOW - 3600)] {
        if auth_time.is_number() {
            world.service.told().claims["auth_time"] = auth_time;
        }
        let away = world.leave(&again, &ada).await;
        world
            .back(&away, &ada)
            .await
            .says(502, "sign_in_not_asked_again");
    }
    world.service.told().claims["auth_time"] = json!(NOW);
    world.service.told().claims["sub"] = json!("u-2");
    let away = world.leave(&again, &ada).await;
    world
        .back(&away, &ada)
        .await
        .says(403, "not an account that signs you in");
    world.get(make, &ada).await.says(200, "once more");
    world.service.told().claims["sub"] = json!("u-1");
    let away = world.leave(&again, &ada).await;
    assert_eq!(world.back(&away, &ada).await.location(), make);
    let form = world.get(make, &ada).await;
    form.says(200, "What is it for?");
    assert!(!form.body.contains("name=\"secret\""), "{}", form.body);
    world
        .post(make, &ada, HERE, FORM)
        .await
        .says(200, "Your new token");
    assert_eq!(*world.register.tokens.lock().unwrap(), ["Nightly of ada"]);
    assert_eq!(
        world.get("/sign-in/connect", &ada).await.status,
        StatusCode::SEE_OTHER
    );
    // Not for long.
    world.advance(601);
    world.get(make, &ada).await.says(200, "once more");
    world.service.told().claims["auth_time"] = json!(NOW + 601);
    let away = world
        .leave("/sign-in/again?next=/account/secret", &ada)
        .await;
    world.back(&away, &ada).await;
    let own = "copper lantern seven violins";
    let done = world
        .post(
            "/account/secret",
            &ada,
            HERE,
            &[("new", own), ("again", own)],
        )
        .await;
    assert_eq!(done.location(), "/account?done=secret", "{}", done.body);
    let page = world.get("/account", &done.session()).await;
    page.says(200, "Known to you alone");
    // From then on it is the secret that is asked for.
    let asked = world.get(make, &done.session()).await;
    asked.says(200, "name=\"secret\"");
}

#[tokio::test]
async fn the_list_says_with_what_people_sign_in() {
    let world = world();
    world.knows("u-1", "ada");
    let bob = world.by_secret("bob").await.session();
    let list = async || world.get("/people", &bob).await;
    list().await.says(200, "Secret or account elsewhere");
    world.forgets_secret("ada");
    let seen = list().await;
    seen.says(200, ">Account elsewhere<");
    assert!(!seen.body.contains("Has not set"), "{}", seen.body);
    world.register.subjects.lock().unwrap().clear();
    list().await.says(200, "Has not set a secret yet");
    // Where secrets open nothing, one that was set before is no way in.
    let required = world_of(|config| config.required = true);
    required.knows("u-1", "bob");
    let bob = required.sign_in().await.session();
    let seen = required.get("/people", &bob).await;
    seen.says(200, "Has not connected an account yet");
    seen.says(200, ">Account elsewhere<");
}
