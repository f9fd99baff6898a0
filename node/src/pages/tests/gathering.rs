//! The gathering board: what is missing, and who brings it.

use super::*;

const TASK: &str =
    "about=demand&skill=foundation&area=whole&body=Growth+hub&due=2022-05-01&done=&note=";

#[tokio::test]
async fn what_is_missing_leads_to_the_form_and_who_brings_it_stands_on_the_board() {
    let world = world().await.with_everybody().await;
    let page = world.get("ann", "/gathering").await.body;
    assert!(page.contains("Nobody is asked for anything"), "{page}");
    assert!(page.contains("/gathering/foundation/whole"), "{page}");
    let place = world.get("ann", "/gathering/foundation/whole").await.body;
    for words in [
        "No need is recorded",
        "No service that runs is recorded",
        "/demand/new?skill=foundation&#38;area=whole",
        "/gathering-tasks/new?about=demand&#38;skill=foundation&#38;area=whole",
    ] {
        assert!(place.contains(words), "{words} {place}");
    }
    let seen = world.post("ann", "/gathering-tasks/new", TASK).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let again = world.post("ann", "/gathering-tasks/new", TASK).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("Another one has this already"));
    let page = world.get("vic", "/gathering").await.body;
    assert!(
        page.contains("Growth hub") && page.contains("1 May 2022"),
        "{page}"
    );
}

#[tokio::test]
async fn a_person_and_a_skill_that_is_none_are_refused_at_their_fields() {
    let world = world().await.with_everybody().await;
    for (wrong, words) in [
        (TASK.replace("Growth+hub", "ann%40solent.example"), "look"),
        (
            TASK.replace("foundation", "not-stated"),
            "The field is empty",
        ),
        (
            TASK.replace("whole", "E06000052"),
            "no district of this node",
        ),
        (
            TASK.replace("demand", "both"),
            "does not say what is missing",
        ),
    ] {
        let seen = world.post("ann", "/gathering-tasks/new", &wrong).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(seen.body.contains(words), "{words} {}", seen.body);
    }
}

#[tokio::test]
async fn numbers_of_needs_are_for_those_who_see_exact_counts() {
    let world = world().await.with_everybody().await;
    let need = "reference=D7&asks=employer&organisation=&tier=&skill=foundation&audience=&area=whole&number=4711&counts=people\
        &from=2022-03&until=&how=panel&sure=estimated&by=Panel&holds_until=&note=";
    let seen = world.post("ann", "/demand/new", need).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let ann = world.get("ann", "/gathering/foundation/whole").await.body;
    assert!(ann.contains("4,711") && ann.contains("Estimated"), "{ann}");
    let viewer = world.get("vic", "/gathering/foundation/whole").await.body;
    assert!(
        !viewer.contains("4,711") && !viewer.contains("D7"),
        "{viewer}"
    );
    assert!(viewer.contains("1 need is recorded"), "{viewer}");
    for nowhere in [
        "/gathering/nothing",
        "/gathering/not-stated/whole",
        "/gathering/foundation/E06000052",
    ] {
        assert_eq!(
            world.get("ann", nowhere).await.status,
            StatusCode::NOT_FOUND
        );
    }
}
