//! Who is whom at the service.

use super::world::{HERE, world};

#[tokio::test]
async fn a_person_connects_their_own_account_and_confirms_it() {
    let world = world();
    let ada = world.by_secret("ada").await.session();
    world
        .get("/sign-in/mine", &ada)
        .await
        .says(200, "Connect Council account");
    let away = world.leave("/sign-in/connect", &ada).await;
    let asked = world.back(&away, &ada).await;
    asked.says(200, "Is this you?");
    assert!(
        world.register.subjects.lock().unwrap().is_empty(),
        "not before it is confirmed"
    );
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let proposal = field.split('"').next().unwrap();
    let alone = [("proposal", proposal)];
    // Whoever finds the browser open does not know the secret.
    asked.says(200, "name=\"secret\"");
    for (form, why) in [
        (&alone[..], "Enter your secret"),
        (
            &[("proposal", proposal), ("secret", "not hers")],
            "This is not your secret",
        ),
    ] {
        let seen = world.post("/sign-in/connect", &ada, HERE, form).await;
        seen.says(422, why);
        seen.says(422, proposal);
    }
    let secret = world.secret.reveal();
    let form = [("proposal", proposal), ("secret", &*secret)];
    let foreign = world
        .post("/sign-in/connect", &ada, "https://evil.example", &form)
        .await;
    foreign.says(403, "foreign_origin");
    let bob = world.by_secret("bob").await.session();
    world
        .post("/sign-in/connect", &bob, HERE, &form)
        .await
        .says(400, "sign_in_too_late");
    let forged = [("proposal", "e30.AAAA")];
    world
        .post("/sign-in/connect", &ada, HERE, &forged)
        .await
        .says(400, "sign_in_too_late");
    assert!(world.register.subjects.lock().unwrap().is_empty());
    world
        .post("/sign-in/connect", &ada, HERE, &form)
        .await
        .says(200, "The account is connected");
    assert_eq!(world.sign_in().await.location(), "/mine");

    // Nobody else connects the same account, and nobody else disconnects it.
    let away = world.leave("/sign-in/connect", &bob).await;
    let asked = world.back(&away, &bob).await;
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let form = [
        ("proposal", field.split('"').next().unwrap()),
        ("secret", &*secret),
    ];
    world
        .post("/sign-in/connect", &bob, HERE, &form)
        .await
        .says(409, "account_taken");
    let issuer = world.service.issuer.clone();
    let chosen = [
        ("issuer", issuer.as_str()),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    world
        .post("/sign-in/disconnect", &bob, HERE, &chosen)
        .await
        .says(404, "");
    world
        .post("/sign-in/disconnect", &ada, HERE, &chosen)
        .await
        .says(200, "The account is disconnected");
    world.sign_in().await.says(403, "not connected yet");
}

#[tokio::test]
async fn a_proposal_is_for_the_one_who_left_and_not_for_long() {
    let world = world();
    let ada = world.by_secret("ada").await.session();
    let bob = world.by_secret("bob").await.session();
    let away = world.leave("/sign-in/connect", &ada).await;
    world
        .back(&away, &bob)
        .await
        .says(400, "sign_in_not_begun_here");
    world
        .back(&away, "")
        .await
        .says(400, "sign_in_not_begun_here");
    let asked = world.back(&away, &ada).await;
    let field = asked
        .body
        .split("name=\"proposal\" value=\"")
        .nth(1)
        .unwrap();
    let form = [("proposal", field.split('"').next().unwrap())];
    world.advance(601);
    world
        .post("/sign-in/connect", &ada, HERE, &form)
        .await
        .says(400, "sign_in_too_late");
}

#[tokio::test]
async fn administrators_note_who_is_whom_and_nobody_else_does() {
    let world = world();
    let (ada, bob) = (
        world.by_secret("ada").await.session(),
        world.by_secret("bob").await.session(),
    );
    let connect = |person, value| [("what", "connect"), ("person", person), ("value", value)];
    world
        .get("/sign-in/people", &ada)
        .await
        .says(403, "role_not_allowed");
    let form = connect("ada", "u-1");
    world
        .post("/sign-in/people", &ada, HERE, &form)
        .await
        .says(403, "role_not_allowed");
    assert_eq!(
        world.get("/sign-in/people", "").await.location(),
        "/sign-in?next=/sign-in/people"
    );
    world
        .get("/sign-in/people", &bob)
        .await
        .says(200, "Nobody is connected yet");
    for (person, value, words) in [
        ("eve", "u-1", "Nobody has this name here"),
        ("ada", "", "Enter what the service calls the person"),
    ] {
        let form = connect(person, value);
        world
            .post("/sign-in/people", &bob, HERE, &form)
            .await
            .says(422, words);
    }
    world
        .post("/sign-in/people", &bob, HERE, &connect("ada", " u-1 "))
        .await
        .says(200, "ada signs in with this account now");
    world
        .post("/sign-in/people", &bob, HERE, &connect("bob", "u-1"))
        .await
        .says(422, "Somebody else signs in");
    assert_eq!(world.sign_in().await.location(), "/mine");
    let issuer = world.service.issuer.clone();
    let form = [
        ("what", "disconnect"),
        ("person", "ada"),
        ("issuer", &issuer),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    world
        .post("/sign-in/people", &bob, HERE, &form)
        .await
        .says(200, "ada is disconnected");
    world.sign_in().await.says(403, "not connected yet");
}

/// Also of somebody without a secret, whose sessions no new secret would end.
#[tokio::test]
async fn disconnecting_ends_sessions_but_the_one_that_asks() {
    let world = world();
    world.knows("u-1", "ada");
    world.forgets_secret("ada");
    let issuer = world.service.issuer.clone();
    let chosen = [
        ("issuer", issuer.as_str()),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    let (own, other) = (
        world.sign_in().await.session(),
        world.sign_in().await.session(),
    );
    let done = world.post("/sign-in/disconnect", &own, HERE, &chosen).await;
    done.says(200, "signed out everywhere else");
    world
        .get("/mine", &done.session())
        .await
        .says(200, "I am ada");
    let gone = world.get("/mine", &other).await;
    assert_eq!(gone.location(), "/sign-in?next=/mine");
    // Whoever looks after people leaves none.
    world.knows("u-1", "ada");
    let session = world.sign_in().await.session();
    let bob = world.by_secret("bob").await.session();
    let form = [
        ("what", "disconnect"),
        ("person", "ada"),
        ("issuer", &issuer),
        ("claim", "sub"),
        ("value", "u-1"),
    ];
    world
        .post("/sign-in/people", &bob, HERE, &form)
        .await
        .says(200, "their sessions have ended");
    let gone = world.get("/mine", &session).await;
    assert_eq!(gone.location(), "/sign-in?next=/mine");
}

#[tokio::test]
async fn days_are_those_of_london() {
    let world = world();
    world.knows("u-1", "ada");
    let session = world.sign_in().await.session();
    world
        .get("/sign-in/mine", &session)
        .await
        .says(200, "15 July 2026, 00:30");
}
