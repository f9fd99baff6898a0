//! A node whose LEP is chosen on a page.

use super::*;

const CODE: &str = "E37000001";

#[tokio::test]
async fn an_admin_chooses_the_lep_and_the_node_begins() {
    let world = world_without_lep().await.with_everybody().await;
    let home = world.get("ada", "/").await.body;
    for words in ["LDSP node", "href=\"/lep\"", "Choose the LEP", "1 minute"] {
        assert!(home.contains(words), "{words}: {home}");
    }
    let home = world.get("ann", "/").await.body;
    assert!(home.contains("Choose the LEP") && !home.contains("href=\"/lep\""));
    assert!(!home.contains("/sample/bring-in"));
    // What needs it says so; what does not goes on.
    let seen = world.get("ann", "/releases/preview").await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(seen.body.contains("Choose the LEP first"), "{}", seen.body);
    let seen = world.post("ann", "/sample/bring-in", "").await;
    assert!(seen.body.contains("not chosen yet"), "{}", seen.body);
    let seen = world.upload("programmes", "store", PROGRAMMES).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let seen = world.upload("learners", "store", &learners()).await;
    assert!(seen.body.contains("has no LEP yet"), "{}", seen.body);
    for who in ["ann", "bob", "vic", "pam"] {
        assert_eq!(world.get(who, "/lep").await.status, StatusCode::FORBIDDEN);
        let seen = world.post(who, "/lep", "lep=E37000001").await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
    }
    let form = world.get("ada", "/lep").await.body;
    assert_eq!(form.matches("<option value=\"E37").count(), 38);
    assert!(form.contains("Black Country") && form.contains("Sandwell"));
    for wrong in ["lep=", "lep=E37000099", "lep=north", ""] {
        let seen = world.post("ada", "/lep", wrong).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(seen.body.contains("href=\"#lep\""), "{}", seen.body);
    }
    let seen = world.post("ada", "/lep", "lep=E37000003").await;
    assert_eq!(seen.location(), "/lep?done=chosen");
    assert!(
        world
            .get("", "/sign-in")
            .await
            .body
            .contains("Cheshire and Warrington")
    );
    // Nothing depends on it yet.
    world.post("ada", "/lep", &format!("lep={CODE}")).await;
    let home = world.get("ada", "/").await.body;
    assert!(home.contains("Choose the LEP: Black Country"), "{home}");
    assert!(home.contains("Black Country at a glance"), "{home}");
    let seen = world.upload("learners", "store", &learners()).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let form = world.get("ada", "/lep").await.body;
    assert!(
        form.contains("It stays so") && !form.contains("<select"),
        "{form}"
    );
    let seen = world.post("ada", "/lep", "lep=E37000003").await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(seen.body.contains("records were imported"), "{}", seen.body);
    assert_eq!(world.node.lep().unwrap().as_str(), CODE);
    let again = world.post("ada", "/lep", &format!("lep={CODE}")).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let log = world.get("ada", "/audit").await.body;
    assert!(log.contains("E37000003 before"), "{log}");
}

#[tokio::test]
async fn each_thing_that_depends_on_it_keeps_it() {
    for (table, row, why) in [
        (
            "enrolment",
            "(node, url, origin, verifier, state, enrolled_at) VALUES ('a', 'b', 'c', 'd', 'active', 0)",
            "enrolled",
        ),
        ("erased", "(ident, day) VALUES (1, 1)", "records"),
        ("sample", "(id, at) VALUES (1, 1)", "made-up"),
        (
            "practice",
            "(entry, author, written_at) VALUES (x'00', 'ann', 0)",
            "practice entry",
        ),
    ] {
        let world = world_without_lep().await.with_everybody().await;
        world.post("ada", "/lep", "lep=E37000003").await;
        let sql = sqlx::AssertSqlSafe(format!("INSERT INTO {table} {row}"));
        let store = &world.node.store;
        sqlx::query(sql).execute(&store.writer).await.unwrap();
        let seen = world.post("ada", "/lep", "lep=E37000001").await;
        assert!(seen.body.contains(why), "{table}: {}", seen.body);
        let held = store.identity().await.unwrap().unwrap();
        assert_eq!(held.lep.as_str(), "E37000003", "{table}");
    }
}

/// What a command chose shows on the pages of a running server.
#[tokio::test]
async fn a_choice_by_a_command_is_seen() {
    let world = world_without_lep().await.with_everybody().await;
    let geography = ldsp_protocol::geography::Geography::embedded();
    let lep = geography.lep(&CODE.parse().unwrap()).unwrap();
    let now = at("2022-03-04T09:00:00Z");
    let store = &world.node.store;
    store.choose_lep(lep, COMMAND_LINE, now).await.unwrap();
    assert!(world.get("ann", "/").await.body.contains("Black Country"));
    assert_eq!(world.node.lep().unwrap().as_str(), CODE);
}
