//! Quality on the pages: the board, a provider, its questions, and the rules.

use super::*;

#[tokio::test]
async fn an_author_asks_a_provider_and_writes_the_answer_down() {
    let world = world().await;
    let empty = world.get("ann", "/quality").await.body;
    assert!(empty.contains("No learners are here yet"));
    world.released().await;
    let board = world.get("bob", "/quality").await.body;
    for part in [
        "College",
        "Exact: do not share",
        "40 enrolments of 1 provider",
    ] {
        assert!(board.contains(part), "{part}: {board}");
    }
    let none = world.get("ann", "/quality?q=zz").await.body;
    assert!(none.contains("No provider fits"));
    let filtered = world
        .get("ann", "/quality?q=coll&severity=note&sort=complete")
        .await;
    assert_eq!(filtered.status, StatusCode::OK);

    let place = "/quality/provider?name=College";
    let unknown = world.get("ann", "/quality/provider?name=Other").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(!world.get("bob", place).await.body.contains("<textarea"));
    world
        .post(
            "ann",
            "/quality/rules/silent",
            "severity=warning&threshold=10&version=0",
        )
        .await;
    let page = world.get("ann", place).await.body;
    assert!(
        page.contains("nothing new for long") && page.contains("question-silent"),
        "{page}"
    );
    let path = "/quality/questions";
    let unfit = "provider=College&rule=silent&question-silent=Ask+Jo+on+0121+496+0000";
    let seen = world.post("ann", path, unfit).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.body.contains("href=\"#question-silent\"") && seen.body.contains("0121 496"));
    let form = "provider=College&rule=silent&question-silent=Is+%3Cb%3EMarch%3C/b%3E+late%3F";
    let forbidden = world.post("bob", path, form).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    let seen = world.post("ann", path, form).await;
    assert_eq!(seen.location(), "/quality/provider?name=College&done=asked");
    let page = world.get("bob", place).await.body;
    assert!(page.contains("Is &lt;b&gt;March&lt;/b&gt; late?") && page.contains("No answer yet"));
    let seen = world
        .post("ann", "/quality/questions/1/answer", "answer-1=Next+week.")
        .await;
    assert_eq!(
        seen.location(),
        "/quality/provider?name=College&done=answered"
    );
    let page = world.get("bob", place).await.body;
    assert!(page.contains("Next week."));
    let twice = world
        .post("ann", "/quality/questions/1/answer", "answer-1=Never.")
        .await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    for part in ["Next week.", "was not stored: Never."] {
        assert!(twice.body.contains(part), "{part}: {}", twice.body);
    }
    for missing in ["9", "x"] {
        let path = format!("/quality/questions/{missing}/answer");
        let seen = world.post("ann", &path, "answer-9=x").await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND);
    }
}

/// What is exact stands where it is not printed.
#[tokio::test]
async fn the_count_of_a_provider_is_in_the_exact_part() {
    let world = world().await;
    world.released().await;
    let page = world
        .get("ann", "/quality/provider?name=College")
        .await
        .body;
    let page = &page[page.find("<main").expect("a main part")..];
    let exact = page.find("Exact: do not share").expect("an exact part");
    assert!(!page[..exact].contains("40"), "{page}");
    assert!(page[exact..].contains("40 enrolments"), "{page}");
}

#[tokio::test]
async fn a_question_to_a_provider_without_records_is_found_and_answered() {
    let world = world().await;
    world.released().await;
    let form = "provider=College&rule=silent&question-silent=Is+March+late%3F";
    world.post("ann", "/quality/questions", form).await;
    for sql in [
        "UPDATE enrolments SET provider = 'Other'",
        "INSERT INTO providers (name) VALUES ('Other')",
    ] {
        sqlx::query(sql)
            .execute(&world.node.store.writer)
            .await
            .unwrap();
    }
    let place = "/quality/provider?name=College";
    let board = world.get("ann", "/quality").await.body;
    assert!(
        board.contains("Questions to providers without records") && board.contains(place),
        "{board}"
    );
    let page = world.get("ann", place).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("No records of this provider are here"));
    let seen = world
        .post("ann", "/quality/questions/1/answer", "answer-1=Next+week.")
        .await;
    assert_eq!(seen.location(), format!("{place}&done=answered"));
    let gone = world.get("ann", "/quality/provider?name=Nobody").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_rule_is_set_on_its_page_and_a_stale_page_is_refused() {
    let world = world().await;
    let list = world.get("bob", "/quality/rules").await.body;
    assert!(list.contains("90 days") && !list.contains("/quality/rules/overdue-end"));
    let path = "/quality/rules/overdue-end";
    let page = world.get("ann", path).await.body;
    assert!(page.contains("From how many days on") && page.contains("value=\"90\""));
    let seen = world
        .post("ann", path, "severity=error&threshold=many&version=0")
        .await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.body.contains("href=\"#threshold\"") && seen.body.contains("value=\"many\""));
    let seen = world
        .post("ann", path, "severity=error&threshold=30&version=0")
        .await;
    assert_eq!(seen.location(), "/quality/rules?done=set");
    let stale = world
        .post("ann", path, "severity=off&threshold=30&version=0")
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    for part in [
        "Somebody else set this rule meanwhile",
        "from 30 days on",
        "value=\"off\" checked",
        "name=\"version\" value=\"1\"",
    ] {
        assert!(stale.body.contains(part), "{part}: {}", stale.body);
    }
    let list = world.get("ann", "/quality/rules?done=set").await.body;
    assert!(list.contains("30 days") && list.contains("This LEP"));
    let none = world.get("ann", "/quality/rules/other").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_release_keeps_the_verdict_that_it_was_prepared_with() {
    let world = world().await;
    world.released().await;
    let before = world.get("bob", "/releases/2022-01").await.body;
    assert!(before.contains("Quality of the records"), "{before}");
    let rule = "/quality/rules/silent";
    world
        .post("ann", rule, "severity=error&threshold=1&version=0")
        .await;
    let now = world.get("bob", "/quality").await.body;
    assert!(now.contains("Has errors"));
    let after = world.get("bob", "/releases/2022-01").await.body;
    let part = |page: &str| {
        let from = page.find("Quality of the records").unwrap();
        page[from..from + 400].to_owned()
    };
    assert_eq!(part(&before), part(&after));
}
