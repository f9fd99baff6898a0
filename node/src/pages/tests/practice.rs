//! Practice entries, from the form to the release.

use super::*;

const ENTRY: &str = "title=Drop-in&what=Weekly+sessions.&tier=basic&skills=foundation&audience=older-people&mode=online&area=own\
    &cost=1k-10k&verdict=worked&causes-0-factor=staff&causes-0-direction=worked-because&causes-0-because=They+stayed.&again=yes&change=\
    &repeat=Book+a+room.&design=none&participants=under-30&attrition=not-known&follow_up=none&contact_role=Coordinator&sharing=public\
    &review-day=1&review-month=6&review-year=2023&action=save";

#[tokio::test]
async fn an_entry_is_written_by_one_and_released_by_another() {
    let world = world().await;
    let seen = world.post("ann", "/practice/new", ENTRY).await;
    assert_eq!(seen.location(), "/practice/1?done=saved", "{}", seen.body);
    let author = world.get("ann", "/practice/1").await.body;
    assert!(author.contains("Only an approver") && !author.contains("/practice/1/release"));
    let digest = world.digest("/practice/1").await;
    let changed = world
        .post(
            "ann",
            "/practice/1/edit",
            &ENTRY.replace("Drop-in", "Drop-ins"),
        )
        .await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    let form = format!("digest={digest}&read=yes");
    let stale = world.post("bob", "/practice/1/release", &form).await;
    assert_eq!(
        stale.status,
        StatusCode::CONFLICT,
        "the entry was changed after it was read"
    );
    let digest = world.digest("/practice/1").await;
    let unread = world
        .post("bob", "/practice/1/release", &format!("digest={digest}"))
        .await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let seen = world
        .post(
            "bob",
            "/practice/1/release",
            &format!("digest={digest}&read=yes"),
        )
        .await;
    assert_eq!(seen.location(), "/practice/1?done=released");
    let late = world.post("ann", "/practice/1/edit", ENTRY).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let rows = world.node.store.statements().await.unwrap();
    assert_eq!((rows.len(), rows[0].seq, rows[0].period), (1, 1, None));
    assert_eq!(world.queued.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_form_with_errors_keeps_the_text_and_shows_the_place() {
    let world = world().await;
    let hostile = "title=%22%27%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E&what=Ring+0121+496+0000+%3Cb%3E&causes-0-because=Half&action=save";
    let seen = world.post("ann", "/practice/new", hostile).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = &seen.body;
    assert!(
        !page.contains(HOSTILE) && page.contains("alert(1)"),
        "kept and escaped"
    );
    assert!(
        page.contains("Ring 0121 496 0000"),
        "the author sees the own text again"
    );
    assert!(
        page.contains("Characters 6 to 18 look like a telephone number"),
        "{page}"
    );
    for link in [
        "#what",
        "#tier",
        "#skills",
        "#causes-0-factor",
        "#review-day",
        "#contact_role",
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
    }
    assert!(
        world
            .node
            .store
            .practice_entries()
            .await
            .unwrap()
            .is_empty(),
        "nothing is stored"
    );
    let more = world
        .post("ann", "/practice/new", "title=Kept&action=add-cause")
        .await;
    assert_eq!(more.status, StatusCode::OK);
    assert!(more.body.contains("value=\"Kept\"") && more.body.contains("causes-0-because"));
}

#[tokio::test]
async fn figures_are_chosen_from_own_releases_only() {
    let world = world().await;
    world.released().await;
    let figures = world
        .node
        .store
        .own_figures(&world.node.lep().unwrap())
        .await
        .unwrap();
    let statement = figures.releases()[0].statement;
    let picked = format!(
        "title=Kept&figure-release={statement}&figure-table=starts.audience-by-tier&action=show-figures"
    );
    let seen = world.post("ann", "/practice/new", &picked).await.body;
    assert!(
        seen.contains("name=\"figure-cell\"") && seen.contains("Older people, Basic: "),
        "{seen}"
    );
    let cited = format!("{ENTRY}&evidence={statement}/starts.audience-by-tier/12");
    let seen = world.post("ann", "/practice/new", &cited).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let entry = world.get("bob", "/practice/1").await.body;
    assert!(
        entry.contains(
            "Older people, Basic: Starts by audience of the programme and tier, January 2022"
        ),
        "{entry}"
    );
    for foreign in [
        format!("{}/starts.pledge/0", "a".repeat(64)),
        format!("{statement}/starts.pledge/99"),
        "17".to_owned(),
    ] {
        let seen = world
            .post(
                "ann",
                "/practice/new",
                &format!("{ENTRY}&evidence={foreign}"),
            )
            .await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{foreign}");
    }
}

#[tokio::test]
async fn an_aggregator_that_is_away_is_said_in_words() {
    let world = world().await;
    let seen = world.get("ann", "/practice/library").await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    assert!(
        seen.body.contains("could not be reached")
            && seen.body.contains("Your own entries are not affected")
    );
}
