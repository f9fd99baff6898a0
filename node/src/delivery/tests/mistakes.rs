//! What a tutor got wrong is corrected or taken back.

use super::*;
use crate::store::records::own::Stands;

fn said(texts: &[(&str, &str)]) -> Said {
    let texts = texts.iter();
    Said {
        texts: texts
            .map(|(column, text)| ((*column).to_owned(), (*text).to_owned()))
            .collect(),
        ..Said::default()
    }
}

/// College's learners in its cohort.
async fn joined(references: &[&str]) -> (World, Own) {
    let world = world().await;
    for reference in references {
        let adds = Bringing {
            adds: true,
            ..in_cohort(1)
        };
        let report = brought(&world, "College", &row("", reference, ""), &adds).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    }
    let college = own(&world, "College").await;
    (world, college)
}

async fn all(world: &World, own: &Own) -> Vec<Entry> {
    register(&world.store, own, 1).await.unwrap()
}

async fn fix(world: &World, own: &Own, entry: &Entry, said: &Said) -> Result<Number, Trouble> {
    let by = by("pam", at(NOW));
    correct(&world.store, own, (entry.id, entry.version), said, &by).await
}

async fn back(world: &World, own: &Own, entry: &Entry) -> Result<(), Trouble> {
    let by = by("pam", at(NOW));
    take_back(&world.store, own, (entry.id, entry.version), &by).await
}

/// Rows that are about a learner, in any table.
async fn left(world: &World) -> i64 {
    world
        .number(
            "SELECT (SELECT count(*) FROM enrolments) + (SELECT count(*) FROM identities) \
             + (SELECT count(*) FROM history WHERE kind = 'enrolment')",
        )
        .await
}

#[tokio::test]
async fn a_learner_who_was_added_by_mistake_leaves_nothing_behind() {
    let (world, college) = joined(&["2022-017"]).await;
    let seen = all(&world, &college).await.remove(0);
    let library = own(&world, "Library").await;
    let foreign = back(&world, &library, &seen).await;
    assert!(matches!(foreign, Err(Trouble::Missing)), "{foreign:?}");
    let stale = Entry {
        version: seen.version + 1,
        ..seen.clone()
    };
    let stale = back(&world, &college, &stale).await;
    assert!(matches!(stale, Err(Trouble::Changed)), "{stale:?}");
    back(&world, &college, &seen).await.unwrap();
    assert_eq!(left(&world).await, 0);
    let said = "SELECT count(*) FROM audit WHERE who = 'pam' AND action = 'enrolment taken back'";
    assert_eq!(world.number(said).await, 1);
    // The same reference is free again, and no number of before comes back.
    let report = brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    assert_eq!(report.tally.added, 1, "{}", report.text());
    assert!(all(&world, &college).await[0].id > seen.id);
}

#[tokio::test]
async fn what_others_brought_was_counted_or_stands_in_an_ilr_stays() {
    let (world, college) = joined(&["1", "2"]).await;
    let learners = all(&world, &college).await;
    let stays = async |entry: &Entry| match back(&world, &college, entry).await {
        Err(Trouble::Stands(stands)) => stands,
        other => panic!("{other:?}"),
    };
    let (counted, ilr) = (&learners[0], &learners[1]);
    world
        .run("UPDATE enrolments SET counted = 1 WHERE id = (SELECT min(id) FROM enrolments)")
        .await;
    world
        .run("INSERT INTO ilr_rows (enrolment, ukprn, year) SELECT max(id), 99000001, 2018 FROM enrolments")
        .await;
    assert_eq!(stays(counted).await, Stands::Counted);
    assert_eq!(stays(ilr).await, Stands::Ilr);
    // Nor do they become another learner's; a code is corrected all the same.
    let other = fix(&world, &college, counted, &said(&[("learner_ref", "3")])).await;
    assert!(matches!(other, Err(Trouble::Stands(_))), "{other:?}");
    let code = fix(
        &world,
        &college,
        counted,
        &said(&[("skill", "transacting")]),
    )
    .await;
    assert_eq!(code.unwrap(), counted.id);
    // What a coordinator's file brought.
    let file = std::io::Cursor::new(format!("{HEAD}{}", row("College", "4", "")));
    let options = Options::default();
    let now = at(NOW);
    import::learners(&world.store, &key(), file, &options, now)
        .await
        .unwrap();
    let sought = Sought {
        within: Within::None,
        limit: 9,
        ..Sought::default()
    };
    let (theirs, _) = super::super::learners(&world.store, &college, &sought)
        .await
        .unwrap();
    assert_eq!(stays(&theirs[0]).await, Stands::Others);
    assert_eq!(world.number("SELECT count(*) FROM enrolments").await, 3);
}

#[tokio::test]
async fn a_mistyped_reference_ties_nobody_together() {
    let (world, college) = joined(&["2022-018"]).await;
    let seen = all(&world, &college).await.remove(0);
    for (texts, code) in [
        (&[("learner_ref", "Jane Smith")][..], "reference-personal"),
        (&[("learner_ref", "")], "learner-unknown"),
        (&[("learner_ref", "7"), ("uln", "12")], "uln-form"),
    ] {
        match fix(&world, &college, &seen, &said(texts)).await {
            Err(Trouble::Fields(problems)) => assert_eq!(problems[0].code, code),
            other => panic!("{other:?}"),
        }
    }
    let id = fix(
        &world,
        &college,
        &seen,
        &said(&[("learner_ref", "2022-017")]),
    )
    .await
    .unwrap();
    let now = entry(&world.store, &college, id).await.unwrap().unwrap();
    assert_eq!(now.reference.as_deref(), Some("2022-017"));
    assert_eq!((now.cohort, now.version), (Some(1), seen.version + 1));
    // Whoever has the other reference is somebody else.
    let report = brought(&world, "College", &row("", "2022-018", ""), &in_cohort(1)).await;
    assert_eq!(report.tally.added, 1, "{}", report.text());
    let learners = world
        .number("SELECT count(DISTINCT learner) FROM enrolments")
        .await;
    assert_eq!(learners, 2);
    assert_eq!(world.number("SELECT count(*) FROM identities").await, 0);
    // One who is in the register already is not made twice of.
    let now = entry(&world.store, &college, id).await.unwrap().unwrap();
    match fix(
        &world,
        &college,
        &now,
        &said(&[("learner_ref", "2022-018")]),
    )
    .await
    {
        Err(Trouble::Fields(problems)) => assert_eq!(problems[0].code, "enrolment-held"),
        other => panic!("{other:?}"),
    }
    let still = entry(&world.store, &college, id).await.unwrap().unwrap();
    assert_eq!(still.version, now.version);
}

#[tokio::test]
async fn what_is_corrected_leaves_what_became_of_the_learner() {
    let (world, college) = joined(&["2022-017"]).await;
    put::<Cohort>(
        &world,
        &[
            ("cohort", "A2"),
            ("programme", "P"),
            ("provider", "College"),
            ("title", "A2"),
        ],
    )
    .await;
    let seen = all(&world, &college).await.remove(0);
    let ended = answers(&[
        ("stage", "achieved"),
        ("end", "2022-09-05"),
        ("destination_3m", "further-learning"),
        ("confidence_before", "4"),
    ]);
    let by = by("pam", at(NOW));
    amend(&world.store, &college, (seen.id, seen.version), &ended, &by)
        .await
        .unwrap();
    let seen = all(&world, &college).await.remove(0);
    for (texts, code) in [
        (&[("start", "2022-10-01")][..], "end-before-start"),
        (&[("age", "old")], "age-form"),
        (&[("aim", "")], "required"),
        (&[("sex", "x")], "code-unknown"),
    ] {
        match fix(&world, &college, &seen, &said(texts)).await {
            Err(Trouble::Fields(problems)) => assert_eq!(problems[0].code, code, "{texts:?}"),
            other => panic!("{other:?}"),
        }
    }
    let mut all_of_it = said(&[
        ("start", "2022-01-17"),
        ("aim", "AIM2"),
        ("skill", "transacting"),
        ("age", ""),
        ("district", ""),
    ]);
    let foreign = Said {
        cohort: Some(Some(2)),
        ..Said::default()
    };
    let foreign = fix(&world, &college, &seen, &foreign).await;
    assert!(matches!(foreign, Err(Trouble::Missing)), "{foreign:?}");
    all_of_it.cohort = Some(Some(3));
    let id = fix(&world, &college, &seen, &all_of_it).await.unwrap();
    assert_eq!(id, seen.id);
    let now = entry(&world.store, &college, id).await.unwrap().unwrap();
    assert_eq!(
        (now.cohort, now.aim.as_str(), now.start),
        (Some(3), "AIM2", Some(jiff::civil::date(2022, 1, 17)))
    );
    assert_eq!(
        (now.stage, now.destinations[0], now.begun.confidence),
        (1, Some(1), Some(4))
    );
    let held = described(&world.store, &college, &now)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (held.text("skill"), held.text("district")),
        ("transacting", "")
    );
    assert_eq!(held.age, "25 to 49");
    // Somebody saw it before that.
    let stale = fix(&world, &college, &seen, &said(&[("sex", "male")])).await;
    assert!(matches!(stale, Err(Trouble::Changed)), "{stale:?}");
    // The next file finds it under its new key.
    let file = row("", "2022-017", "2022-09-05")
        .replace("2022-01-10", "2022-01-17")
        .replace("AIM", "AIM2");
    let report = brought(&world, "College", &file, &Bringing::default()).await;
    assert_eq!(
        (report.tally.added, report.tally.changed),
        (0, 1),
        "{}",
        report.text()
    );
}

/// Of the three enrolments of a learner two enter; when one that did is taken back, the third does.
#[tokio::test]
async fn the_place_of_one_that_is_taken_back_goes_to_the_next() {
    let (world, college) = joined(&["2022-017"]).await;
    for aim in ["B", "C"] {
        let rows = row("", "2022-017", "").replace("AIM", aim);
        let new = Bringing {
            doubtful: Doubtful::New,
            ..in_cohort(1)
        };
        brought(&world, "College", &rows, &new).await;
    }
    let enter = "SELECT group_concat(enters) FROM (SELECT enters FROM enrolments ORDER BY id)";
    let enter = async || -> String {
        let found = sqlx::query_scalar(enter).fetch_one(&world.store.reader);
        found.await.unwrap()
    };
    assert_eq!(enter().await, "1,1,0");
    let first = all(&world, &college).await.into_iter().min_by_key(|e| e.id);
    back(&world, &college, &first.unwrap()).await.unwrap();
    assert_eq!(enter().await, "1,1");
}

#[tokio::test]
async fn the_answer_at_the_start_waits_for_the_one_at_the_follow_up() {
    let (world, college) = joined(&["1", "2"]).await;
    let by = by("pam", at(NOW));
    let say = async |at_start: bool, texts: [[&str; 2]; 2]| {
        let learners = all(&world, &college).await;
        let all = learners.iter().zip(texts).map(|(entry, texts)| Answer {
            at: (entry.id.0, entry.version),
            texts: texts.map(str::to_owned),
        });
        let all: Vec<Answer> = all.collect();
        answer(&world.store, &college, at_start, &all, &by)
            .await
            .unwrap()
    };
    assert!(matches!(
        say(true, [["3", "2"], ["8", ""]]).await,
        Answers::Done(2)
    ));
    assert!(matches!(
        say(true, [["3", "2"], ["8", ""]]).await,
        Answers::Done(0)
    ));
    // All or nothing, each problem at its learner.
    match say(true, [["4", "2"], ["11", "6"]]).await {
        Answers::Refused(wrong) => {
            assert_eq!(wrong.len(), 1);
            let codes: Vec<_> = wrong[0].1.iter().map(|p| p.code).collect();
            assert_eq!(
                (wrong[0].0, codes.as_slice()),
                (1, &["confidence-range", "everyday-range"][..])
            );
        }
        Answers::Done(_) => panic!("it is out of range"),
    }
    let begun = async || -> Vec<_> {
        let learners = all(&world, &college).await.into_iter();
        learners
            .map(|e| {
                (
                    e.begun.confidence,
                    e.begun.everyday,
                    e.confidence,
                    e.everyday,
                )
            })
            .collect()
    };
    assert_eq!(
        begun().await,
        [(Some(3), Some(2), None, None), (Some(8), None, None, None)]
    );
    // A file that knows nothing of them leaves them.
    let file = row("", "1", "") + &row("", "2", "");
    let report = brought(&world, "College", &file, &Bringing::default()).await;
    assert_eq!(report.tally.unchanged, 2, "{}", report.text());
    assert!(matches!(
        say(false, [["5", ""], ["8", ""]]).await,
        Answers::Done(2)
    ));
    // What came of both is kept, the answers are not.
    assert_eq!(
        begun().await,
        [(None, Some(2), Some(2), None), (None, None, Some(1), None)]
    );
    let kept = "SELECT count(*) FROM history WHERE field LIKE '%_before' AND (before GLOB '*[0-9]*' OR after GLOB '*[0-9]*')";
    assert_eq!(world.number(kept).await, 0);
    let library = own(&world, "Library").await;
    let seen = all(&world, &college).await.remove(0);
    let foreign = [Answer {
        at: (seen.id.0, seen.version),
        texts: ["1".to_owned(), String::new()],
    }];
    let foreign = answer(&world.store, &library, true, &foreign, &by).await;
    assert!(matches!(foreign, Err(Trouble::Missing)));
}

/// A code of another provider's programme is answered as one that is nobody's.
#[tokio::test]
async fn a_programme_of_another_provider_is_none() {
    let (world, college) = joined(&["1"]).await;
    world
        .run(
            "INSERT INTO programmes (id, code, name, provider, tier, type, audience, funder) VALUES \
             (7, 'LIB', 'Shelves', 'Library', 1, 2, 3, ''), (8, 'OWN', 'Ours', 'college', 1, 2, 3, '')",
        )
        .await;
    let checked = Bringing {
        dry_run: true,
        ..Bringing::default()
    };
    let answer = async |code: &str, how: &Bringing| {
        let rows = row("", "9", "").replace(",P,", &format!(",{code},"));
        let report = brought(&world, "College", &rows, how).await;
        let said = report.problems.detailed().iter().map(|p| format!("{p:?}"));
        (report.outcome, said.collect::<Vec<_>>())
    };
    for how in [
        &checked,
        &Bringing {
            dry_run: true,
            ..in_cohort(1)
        },
    ] {
        let (foreign, none) = (answer("LIB", how).await, answer("NONE", how).await);
        assert_eq!(foreign, none);
        assert!(none.1[0].contains("programme-unknown"), "{none:?}");
    }
    assert_eq!(answer("OWN", &checked).await.0, Outcome::Checked);
    assert_eq!(answer("P", &checked).await.0, Outcome::Checked);
    let open = programmes(&world.store, &college).await.unwrap();
    let open: Vec<_> = open.iter().map(|p| p.it.code.as_str()).collect();
    assert_eq!(open, ["OWN", "P"]);
    // What its records are of stays open to its files, whoever leads it.
    world.run("UPDATE enrolments SET programme = 7").await;
    assert_eq!(answer("LIB", &checked).await.0, Outcome::Checked);
}

/// Whoever adds the first learner of a provider finds it at once.
#[tokio::test]
async fn the_first_learner_of_a_provider_is_found_by_who_adds_it() {
    let world = world().await;
    let college = own(&world, "College").await;
    let cohort = cohort(&world.store, &college, 1).await.unwrap().unwrap();
    let mut answers = begun(&world.store, &cohort.it).await.unwrap();
    answers.push(("learner_ref".to_owned(), "2022-017".to_owned()));
    let by = by("pam", at(NOW));
    let joined = join(
        &world.store,
        &college,
        &cohort,
        &answers,
        Doubtful::Ask,
        &by,
    );
    assert!(matches!(joined.await.unwrap(), Joined::Added));
    let found = under(&world.store, &college, &key(), "2022-017")
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        entry(&world.store, &college, found[0].id)
            .await
            .unwrap()
            .is_some()
    );
}
