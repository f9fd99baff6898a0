//! What a tutor recorded is not lost silently, and what was taken away is on no page.

use super::*;

const ENDED: &[(&str, &str)] = &[
    ("stage", "achieved"),
    ("end", "2022-09-05"),
    ("destination_3m", "further-learning"),
    ("confidence_before", "3"),
    ("confidence_after", "8"),
];

/// College's learner 2022-017, of whom a tutor recorded what became.
async fn recorded() -> (World, Own) {
    let world = world().await;
    brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    let college = own(&world, "College").await;
    let at_first = (Number(1), 2);
    amend(
        &world.store,
        &college,
        at_first,
        &answers(ENDED),
        &by("pam", at(NOW)),
    )
    .await
    .unwrap();
    (world, college)
}

async fn now(world: &World, own: &Own) -> Entry {
    entry(&world.store, own, Number(1)).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_a_tutor_recorded_outlives_a_file_without_the_columns() {
    let (world, college) = recorded().await;
    let how = Bringing::default();
    let file = row("", "2022-017", "2022-09-05");
    let report = brought(&world, "College", &file, &how).await;
    assert_eq!(
        (report.tally.unchanged, report.taken_back),
        (1, 0),
        "{}",
        report.text()
    );
    // A corrected last day changes that alone.
    let file = row("", "2022-017", "2022-09-02");
    let report = brought(&world, "College", &file, &how).await;
    assert_eq!((report.tally.changed, report.taken_back), (1, 0));
    let seen = now(&world, &college).await;
    assert_eq!((seen.destinations[0], seen.confidence), (Some(1), Some(2)));
    // What the file has a column for it takes back, and says so.
    let head = HEAD.replace(
        "stage\n",
        "stage,destination_3m,confidence_before,confidence_after\n",
    );
    let file = file.replace('\n', ",,,\n");
    let file = std::io::Cursor::new(format!("{head}{file}"));
    let report = bring(
        &world.store,
        &key(),
        &college,
        file,
        &how,
        &by("pam", at(NOW)),
    )
    .await
    .unwrap();
    assert_eq!(report.taken_back, 2, "{}", report.text());
    assert!(report.text().contains("taken back"), "{}", report.text());
    let seen = now(&world, &college).await;
    assert_eq!((seen.destinations[0], seen.confidence), (None, None));
}

#[tokio::test]
async fn a_destination_goes_when_the_enrolment_goes_on_again() {
    let (world, college) = recorded().await;
    let file = row("", "2022-017", "");
    let report = brought(&world, "College", &file, &Bringing::default()).await;
    assert_eq!(report.taken_back, 1, "{}", report.text());
    let seen = now(&world, &college).await;
    assert_eq!((seen.destinations[0], seen.confidence), (None, Some(2)));
}

#[tokio::test]
async fn adding_a_learner_who_is_there_changes_nothing() {
    let (world, college) = recorded().await;
    let adds = Bringing {
        adds: true,
        ..in_cohort(1)
    };
    let before = now(&world, &college).await.version;
    let codes = async |file: &str, how: &Bringing| -> Vec<&'static str> {
        let report = brought(&world, "College", file, how).await;
        report.problems.by_code().keys().copied().collect()
    };
    let again = row("", "2022-017", "");
    assert_eq!(codes(&again, &adds).await, ["enrolment-held"]);
    let began_later = again.replace("2022-01-10", "2022-01-17");
    assert_eq!(codes(&began_later, &adds).await, ["same-or-new"]);
    let seen = now(&world, &college).await;
    assert_eq!(
        (seen.version, seen.stage, seen.confidence),
        (before, 1, Some(2))
    );
    // Who says that it corrects the first day changes nothing else.
    let corrects = Bringing {
        doubtful: Doubtful::Corrected,
        ..adds
    };
    assert!(codes(&began_later, &corrects).await.is_empty());
    let seen = now(&world, &college).await;
    assert_eq!(seen.start, Some(jiff::civil::date(2022, 1, 17)));
    assert_eq!(seen.end, Some(jiff::civil::date(2022, 9, 5)));
    assert_eq!(
        (seen.stage, seen.destinations[0], seen.confidence),
        (1, Some(1), Some(2))
    );
    let all = "SELECT count(*) FROM enrolments";
    assert_eq!(world.number(all).await, 1);
}

#[tokio::test]
async fn what_an_ilr_took_away_is_on_no_page_of_its_provider() {
    let (world, college) = recorded().await;
    brought(
        &world,
        "College",
        &row("", "2022-018", "2022-09-05"),
        &in_cohort(1),
    )
    .await;
    let version = now(&world, &college).await.version;
    world
        .run("UPDATE enrolments SET counted = 1, removed_day = 19300 WHERE id = 1")
        .await;
    let store = &world.store;
    let references: Vec<_> = register(store, &college, 1).await.unwrap();
    let references: Vec<_> = references.into_iter().map(|e| e.reference).collect();
    assert_eq!(references, [Some("2022-018".to_owned())]);
    assert!(entry(store, &college, Number(1)).await.unwrap().is_none());
    assert_eq!(figures(store, &college).await.unwrap().starts, 1);
    let held = store.exact_held(3, 5).await.unwrap().for_signed_in_page();
    assert_eq!(held.learners, 1, "one of two is in no count any more");
    let today = jiff::civil::date(2022, 12, 7);
    let days = (When::Late.days(today).0, When::Later.days(today).1);
    let due = due_in(store, &college, days, 0..99).await;
    assert!(due.iter().all(|due| due.entry.id == Number(2)));
    let stages = store.exact_cohort(1, 5).await.unwrap();
    assert_eq!(stages.for_signed_in_page().iter().sum::<u64>(), 1);
    let by = by("pam", at(NOW));
    let saved = amend(
        store,
        &college,
        (Number(1), version),
        &answers(&ENDED[..2]),
        &by,
    )
    .await;
    assert!(matches!(saved, Err(Trouble::Missing)), "{saved:?}");
    // Whoever adds it again brings it back.
    let adds = Bringing {
        adds: true,
        ..in_cohort(1)
    };
    let report = brought(&world, "College", &row("", "2022-017", ""), &adds).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert!(entry(store, &college, Number(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_first_answer_alone_is_kept_and_never_stands_beside_what_came_of_both() {
    let (world, college) = recorded().await;
    let by = by("pam", at(NOW));
    let say = async |pair: (&'static str, &'static str)| {
        let version = now(&world, &college).await.version;
        let texts = answers(&[ENDED[0], ENDED[1], ENDED[2], pair]);
        amend(&world.store, &college, (Number(1), version), &texts, &by).await
    };
    // What came of both is recorded of confidence.
    match say(("confidence_before", "4")).await {
        Err(Trouble::Fields(problems)) => {
            let found: Vec<_> = problems.iter().map(|p| (p.field, p.code)).collect();
            assert_eq!(found, [(Some("confidence_after"), "pair-incomplete")]);
        }
        other => panic!("{other:?}"),
    }
    say(("everyday_before", "4")).await.unwrap();
    let seen = now(&world, &college).await;
    assert_eq!((seen.begun.everyday, seen.everyday), (Some(4), None));
    // A form that shows it and sends it empty takes it back.
    say(("everyday_before", "")).await.unwrap();
    assert_eq!(now(&world, &college).await.begun.everyday, None);
}

#[tokio::test]
async fn rows_of_another_programme_are_not_put_into_a_cohort() {
    let world = world().await;
    world
        .run("INSERT INTO programmes (code, name, provider, tier, type, audience, funder) VALUES ('P2', 'P2', 'College', 1, 2, 3, '')")
        .await;
    let other = row("", "2022-020", "").replace(",P,", ",P2,");
    let rows = row("", "2022-019", "") + &other;
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let problems: Vec<_> = report.problems.detailed().iter().collect();
    let found: Vec<_> = problems.iter().map(|p| (p.line, p.code)).collect();
    assert_eq!(found, [(3, "programme-other")]);
    let report = brought(&world, "College", &rows, &Bringing::default()).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
}

#[tokio::test]
async fn a_cohort_with_learners_keeps_its_provider_and_programme() {
    let (world, college) = recorded().await;
    let change = async |provider: &str| {
        let known = world.store.known().await.unwrap();
        let held: Stored<Cohort> = world.store.kept_one(1).await.unwrap().unwrap();
        let mut texts = held.it.texts(&known);
        texts[2] = provider.to_owned();
        let at_version = (held.id, held.version);
        model::change::<Cohort>(&world.store, at_version, &texts, "ann", at(NOW)).await
    };
    match change("Library").await {
        Err(model::Trouble::Fields(problems)) => {
            let found: Vec<_> = problems.iter().map(|p| (p.field, p.code)).collect();
            assert_eq!(found, [(Some("provider"), "cohort-filled")]);
        }
        other => panic!("{other:?}"),
    }
    // One that was given away before is not shown to whom it was taken from.
    world
        .run("UPDATE cohorts SET organisation = 2 WHERE id = 1")
        .await;
    let seen = now(&world, &college).await;
    assert_eq!(seen.cohort, None);
    let today = jiff::civil::date(2023, 3, 7);
    let days = (When::Late.days(today).0, When::Later.days(today).1);
    let due = due_in(&world.store, &college, days, 0..99).await;
    assert!(!due.is_empty() && due.iter().all(|due| due.entry.cohort.is_none()));
    world.run("UPDATE enrolments SET cohort = NULL").await;
    assert!(change("College").await.is_ok());
}

#[tokio::test]
async fn a_provider_that_nobody_knows_brings_nothing() {
    let world = world().await;
    let how = Bringing::default();
    let report = brought(&world, "Collge", &row("", "2022-017", ""), &how).await;
    assert_eq!(report.outcome, Outcome::Refused);
    assert!(
        report.problems.by_code().contains_key("provider-unknown"),
        "{}",
        report.text()
    );
    assert_eq!(world.number("SELECT count(*) FROM providers").await, 0);
}
