//! Rules at their thresholds, the counts of the store against counting by hand, and questions.

use proptest::prelude::*;

use super::*;
use crate::store::date;
use crate::testing::{World, at, started};

fn measured() -> Measured {
    Measured {
        provider: "X".to_owned(),
        programme: "P".to_owned(),
        capacity: Some(30),
        enrolments: 100,
        open: 30,
        left: 60,
        due: 40,
        newest: 1_000,
        starts: [10, 60],
        stated: [100; 6],
        destinations: 40,
        asked: [60; 2],
        ..Measured::default()
    }
}

fn found(measured: Measured, today: i64) -> Vec<(&'static str, u64, u64)> {
    let judged = judge(&[measured], &Settings::default(), today);
    let findings = judged[0].findings.iter();
    findings.map(|f| (f.rule.code, f.records, f.of)).collect()
}

#[test]
fn sound_records_give_no_finding_and_each_rule_finds_its_own() {
    assert_eq!(found(measured(), 1_060), []);
    type Change = fn(&mut Measured);
    type Expected = &'static [(&'static str, u64, u64)];
    let cases: [(Change, Expected); 12] = [
        (|m| m.outside = 1, &[("outside-programme", 1, 100)]),
        (|m| m.open = 32, &[("over-capacity", 2, 32)]),
        (|m| m.capacity = None, &[]),
        (|m| m.overdue = 3, &[("overdue-end", 3, 30)]),
        (|m| m.late = 4, &[("destination-late", 4, 40)]),
        (|m| m.newest = 999, &[("silent", 30, 100)]),
        (|m| m.starts = [31, 60], &[("jump", 31, 91)]),
        (|m| m.starts = [3, 60], &[("jump", 3, 63)]),
        (|m| m.same_day = 7, &[("same-day", 7, 60)]),
        (|m| m.long = 1, &[("too-long", 1, 100)]),
        (|m| m.stated[0] = 89, &[("no-area", 11, 100)]),
        (|m| m.asked[1] = 29, &[("not-asked", 31, 60)]),
    ];
    for (change, expected) in cases {
        let mut one = measured();
        change(&mut one);
        assert_eq!(found(one, 1_060), expected);
    }
    // A share at its threshold is none.
    for change in [
        (|m: &mut Measured| m.same_day = 6) as Change,
        |m| m.stated[0] = 90,
        |m| m.stated[3] = 75,
        |m| m.asked[1] = 30,
    ] {
        let mut one = measured();
        change(&mut one);
        assert_eq!(found(one, 1_060), []);
    }
}

#[test]
fn a_few_starts_are_no_jump() {
    let few = |starts| {
        found(
            Measured {
                starts,
                ..measured()
            },
            1_060,
        )
    };
    assert_eq!(few([0, 20]), []);
    assert_eq!(few([9, 6]), [], "both too few to call it a change");
    assert_eq!(few([12, 6]), [("jump", 12, 18)]);
    assert_eq!(few([500, 0]), [], "a provider that begins");
}

#[test]
fn a_verdict_adds_up_over_providers_and_takes_the_gravest() {
    let mut other = measured();
    other.provider = "Y".to_owned();
    other.overdue = 2;
    let mut first = measured();
    first.overdue = 1;
    let at = at("2022-03-04T09:00:00Z");
    let parts = [first.clone(), other.clone()];
    let judged = judge(&parts, &Settings::default(), 1_060);
    let sum = verdict(&judged, at);
    assert_eq!(sum.standing, Standing::Doubtful);
    assert_eq!((sum.enrolments, sum.findings.len()), (200, 1));
    let total = &sum.findings[0];
    assert_eq!(
        (total.rule.as_str(), total.providers, total.records),
        ("overdue-end", 2, 3)
    );
    other.outside = 1;
    let judged = judge(&[first, other], &Settings::default(), 1_060);
    assert_eq!(verdict(&judged, at).standing, Standing::Faulty);
    assert_eq!(
        judged[1].findings[0].rule.code, "outside-programme",
        "the gravest first"
    );
    assert_eq!(verdict(&[], at).standing, Standing::Good);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// The store's one pass gives what counting each row gives.
    #[test]
    fn the_store_counts_as_one_would_by_hand(rows in prop::collection::vec((0..900_i64, 0..400_i64, 0..5_i64, any::<[bool; 4]>(), 0..9_i64), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let now = at("2022-03-04T09:00:00Z");
            let today = day(now.to_zoned(london()).date());
            let made: Vec<_> = rows.iter().map(|(ago, lasted, stage, flags, kind)| {
                let start = today - ago;
                let mut row = started(&date(start).unwrap().to_string());
                row.stage = *stage;
                row.end = (*stage != 0).then(|| date((start + lasted).min(today)).unwrap());
                row.destinations[1] = flags[0].then_some(0);
                row.confidence = flags[1].then_some(1);
                row.everyday = flags[2].then_some(1);
                row.kind = *kind;
                row
            }).collect();
            world.add_all(&made).await;
            world.run("UPDATE programmes SET capacity = 5, start_day = 18500, end_day = 19000").await;
            world.run("UPDATE enrolments SET planned_end_day = start_day + 100").await;
            let mut reader = world.store.reader.acquire().await.unwrap();
            let counted = stored::measure(&mut reader, &Settings::default(), today, [0, 0, 0]).await.unwrap();
            if made.is_empty() {
                assert!(counted.is_empty());
                return;
            }
            let [one] = &counted[..] else { panic!("one provider and programme") };
            let of = |test: &dyn Fn(&crate::testing::Row) -> bool| made.iter().filter(|row| test(row)).count() as u64;
            let has_left = |row: &crate::testing::Row| (1..=3).contains(&row.stage);
            let end = |row: &crate::testing::Row| row.end.map_or(i64::MAX, day);
            let due = |row: &crate::testing::Row| has_left(row) && end(row) <= today - 183;
            assert_eq!(one.enrolments, made.len() as u64);
            assert_eq!(one.open, of(&|r| r.stage == 0));
            assert_eq!(one.left, of(&has_left));
            assert_eq!(one.due, of(&due));
            assert_eq!(one.destinations, of(&|r| due(r) && r.destinations[1].is_some()));
            assert_eq!(one.late, of(&|r| due(r) && r.destinations[1].is_none() && end(r) < today - 183 - 60));
            assert_eq!(one.overdue, of(&|r| r.stage == 0 && day(r.start) + 100 < today - 90));
            assert_eq!(one.same_day, of(&|r| r.stage == 1 && end(r) == day(r.start)));
            assert_eq!(one.outside, of(&|r| day(r.start) < 18_500 || day(r.start) > 19_000));
            assert_eq!(one.asked, [of(&|r| has_left(r) && r.confidence.is_some()), of(&|r| has_left(r) && r.everyday.is_some())]);
            assert_eq!(one.stated[0], 0);
            // Codes of the rows come from `kind`: the last of each list is "not stated".
            assert_eq!(one.stated[1], of(&|r| r.kind % 6 != 5));
            assert_eq!(one.newest, made.iter().map(|r| r.end.map_or(day(r.start), day).max(day(r.start))).max().unwrap());
        });
    }
}

#[tokio::test]
async fn a_provider_that_is_written_in_two_ways_stands_there_once() {
    let world = World::new().await;
    let now = at("2022-03-04T09:00:00Z");
    world
        .add_all(&[
            started("2022-01-10"),
            started("2022-01-11"),
            started("2022-01-12"),
        ])
        .await;
    world
        .run("INSERT INTO providers (name, was) VALUES ('X', NULL), ('x', NULL), ('X Group', 'x'), ('Y', NULL)")
        .await;
    world
        .run("UPDATE enrolments SET provider = CASE id WHEN 1 THEN 'X' WHEN 2 THEN 'x' ELSE 'X Group' END")
        .await;
    let judged = look(&world.store, now).await.unwrap();
    let stand: Vec<_> = judged
        .iter()
        .map(|j| (j.provider.as_str(), j.enrolments))
        .collect();
    assert_eq!(stand, [("X Group", 3)]);
    for (provider, question) in [("x", "Why?"), ("X", "When?"), ("Y", "Who?")] {
        ask(
            &world.store,
            (provider, "overdue-end"),
            question,
            "ann",
            now,
        )
        .await
        .unwrap();
    }
    let mut reader = world.store.reader.acquire().await.unwrap();
    let asked = stored::questions(&mut reader, Some("X")).await.unwrap();
    let asked: Vec<_> = asked
        .iter()
        .map(|q| (q.provider.as_str(), q.question.as_str()))
        .collect();
    assert_eq!(asked, [("X Group", "When?"), ("X Group", "Why?")]);
    // As it stands among the organisations, where it does.
    world
        .run("INSERT INTO organisations (name, kind, contact_role) VALUES ('X', 'provider', '')")
        .await;
    assert_eq!(look(&world.store, now).await.unwrap()[0].provider, "X");
}

async fn named() -> World {
    let world = World::new().await;
    world
        .run("INSERT INTO providers (name) VALUES ('X'), ('Y')")
        .await;
    world
}

#[tokio::test]
async fn a_question_names_nobody_and_is_answered_once() {
    let world = named().await;
    let (store, now) = (&world.store, at("2022-03-04T09:00:00Z"));
    let about = ("X", "overdue-end");
    for unfit in [
        "",
        "  \n ",
        "Is it 0121 496 0000?",
        "What of JG103759A?",
        &"long ".repeat(300),
    ] {
        let refused = ask(store, about, unfit, "ann", now).await;
        assert!(matches!(refused, Err(QuestionError::Text(_))), "{unfit}");
    }
    let nowhere = ask(store, ("Z", "overdue-end"), "Why?", "ann", now).await;
    assert!(matches!(nowhere, Err(QuestionError::Provider)));
    let nothing = ask(store, ("X", "other"), "Why?", "ann", now).await;
    assert!(matches!(nothing, Err(QuestionError::Rule(_))));
    let id = ask(store, about, "Who  of the 12\nleft?", "ann", now)
        .await
        .unwrap();
    let foreign = answer(store, (id, Some("Y")), "All.", "yan", now).await;
    assert!(
        matches!(foreign, Err(QuestionError::Unknown(_))),
        "another provider's question is unknown"
    );
    answer(store, (id, Some("X")), "Nine of them.", "xia", now)
        .await
        .unwrap();
    let twice = answer(store, (id, None), "Ten.", "ann", now).await;
    assert!(matches!(twice, Err(QuestionError::Answered)));
    let mut reader = store.reader.acquire().await.unwrap();
    let all = stored::questions(&mut reader, Some("X")).await.unwrap();
    assert_eq!(all[0].question, "Who of the 12\nleft?");
    assert_eq!(all[0].answer.as_ref().unwrap().0, "Nine of them.");
    let others = stored::questions(&mut reader, Some("Y")).await.unwrap();
    assert_eq!(others, []);
}

#[tokio::test]
async fn a_rule_is_set_by_who_has_seen_it_last() {
    let world = named().await;
    let (store, now) = (&world.store, at("2022-03-04T09:00:00Z"));
    let wanted = |threshold, version| Set {
        severity: Severity::Error,
        threshold,
        version,
    };
    for unfit in [None, Some(0), Some(4_000)] {
        let refused = change(store, "overdue-end", wanted(unfit, 0), "ann", now).await;
        assert!(matches!(refused, Err(ChangeError::Threshold(3_660))));
    }
    let none = change(store, "over-capacity", wanted(Some(1), 0), "ann", now).await;
    assert!(matches!(none, Err(ChangeError::NoThreshold)));
    let set = change(store, "overdue-end", wanted(Some(10), 0), "ann", now)
        .await
        .unwrap();
    assert_eq!(set.version, 1);
    let late = change(store, "overdue-end", wanted(Some(20), 0), "cat", now).await;
    assert!(matches!(late, Err(ChangeError::Meanwhile(now)) if now == set));
    let mut row = started("2022-01-01");
    row.kind = 1;
    world.add(&row).await;
    world
        .run("UPDATE enrolments SET planned_end_day = start_day + 40")
        .await;
    let judged = look(store, now).await.unwrap();
    let first = &judged[0].findings[0];
    assert_eq!(
        (first.rule.code, first.severity),
        ("overdue-end", Severity::Error),
        "22 days after the planned end, and 10 are allowed"
    );
    let off = Set {
        severity: Severity::Off,
        ..wanted(Some(10), 1)
    };
    change(store, "overdue-end", off, "cat", now).await.unwrap();
    let judged = look(store, now).await.unwrap();
    assert!(
        judged[0]
            .findings
            .iter()
            .all(|f| f.rule.code != "overdue-end")
    );
}
