//! A preview changes nothing, and shows of real people nothing that was drawn.

use super::*;

/// What every table holds, but for the audit log.
async fn dump(world: &World) -> String {
    let store = &world.node.store;
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'audit%' ORDER BY 1";
    let names: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(&store.reader)
        .await
        .unwrap();
    let mut all = String::new();
    for name in names {
        let columns = format!(
            "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM pragma_table_info('{name}')"
        );
        let columns: String = sqlx::query_scalar(sqlx::AssertSqlSafe(columns))
            .fetch_one(&store.reader)
            .await
            .unwrap();
        let rows = sqlx::AssertSqlSafe(format!("SELECT {columns} FROM {name} ORDER BY 1"));
        let rows: Vec<String> = sqlx::query_scalar(rows)
            .fetch_all(&store.reader)
            .await
            .unwrap();
        all.push_str(&format!("{name}\n{}\n", rows.join("\n")));
    }
    all
}

#[tokio::test]
async fn real_records_are_counted_and_forgotten() {
    let world = world().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    world.upload("learners", "store", &learners()).await;
    let form = world.get("ann", "/releases/preview").await.body;
    assert!(
        form.contains("As if the published figures began in"),
        "{form}"
    );
    for who in ["ada", "vic", "pam"] {
        assert_eq!(
            world.get(who, "/releases/preview").await.status,
            StatusCode::FORBIDDEN
        );
        let seen = world.post(who, "/releases/preview", "period=2022-01").await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
    }
    let before = dump(&world).await;
    let seen = world
        .post("ann", "/releases/preview", "period=2022-01")
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    for words in [
        "Preview of January 2022",
        "20</span>",
        "\u{b1} ",
        "Every number carries noise",
        "Exact: do not share",
    ] {
        assert!(seen.body.contains(words), "{words}: {}", seen.body);
    }
    assert!(!seen.body.contains("Published estimate"), "{}", seen.body);
    // Other noise was drawn, and nothing of either shows.
    let again = world
        .post("bob", "/releases/preview", "period=2022-01")
        .await;
    let main = |body: &str| body[body.find("<main").unwrap()..].to_owned();
    assert_eq!(main(&again.body), main(&seen.body));
    assert_eq!(dump(&world).await, before);
    let log = world.get("bob", "/audit").await.body;
    assert!(log.contains("release previewed"), "{log}");
    let none = world.post("ann", "/releases/preview", "").await;
    assert_eq!(none.status, StatusCode::CONFLICT, "no first month");
    let ahead = world
        .post("ann", "/releases/preview", "period=2022-03")
        .await;
    assert!(ahead.body.contains("not over yet"), "{}", ahead.body);
    // What was prepared shows itself.
    world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    let waits = world.post("ann", "/releases/preview", "").await.body;
    assert!(
        waits.contains("/releases/2022-01") && waits.contains("waits"),
        "{waits}"
    );
}

#[tokio::test]
async fn made_up_records_are_shown_as_readers_would_see_them() {
    let world = world_without_lep().await.with_everybody().await;
    world.post("ada", "/lep", "lep=E37000001").await;
    let done = world.post("ann", "/sample/bring-in", "").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let before = dump(&world).await;
    let seen = world
        .post("ann", "/releases/preview", "period=2022-02")
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    for words in ["Made up, not publishable", "Published estimate", "240"] {
        assert!(seen.body.contains(words), "{words}: {}", seen.body);
    }
    let again = world
        .post("ann", "/releases/preview", "period=2022-02")
        .await;
    assert_ne!(again.body, seen.body, "other noise");
    assert_eq!(dump(&world).await, before);
    let prepared = world
        .post("ann", "/releases/prepare", "first=yes&period=2022-02")
        .await;
    assert_eq!(prepared.status, StatusCode::CONFLICT, "the mark stands");
}
