//! Recording delivery.

mod apart;
mod lasting;
mod mistakes;
mod references;

use super::*;
use crate::import::report::Outcome;
use crate::model::{self, Model};
use crate::store::delivery::{AFTER, Due, Within};
use crate::store::history::Kind;
use crate::store::organisations::Organisation;
use crate::store::people::{Person, Role};
use crate::testing::{World, at};

const NOW: &str = "2022-12-07T09:00:00Z";

fn key() -> PseudonymKey {
    PseudonymKey::from_bytes([7; 32])
}

async fn put<M: Model>(world: &World, pairs: &[(&str, &str)]) -> Stored<M> {
    let pairs = pairs
        .iter()
        .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()));
    let texts = model::texts::<M>(model::blank::<M>(), pairs).unwrap();
    let kept = model::add(&world.store, &texts, "ann", at(NOW)).await;
    kept.unwrap_or_else(|_| panic!("{texts:?}"))
}

/// Two providers, each with a cohort of programme P.
async fn world() -> World {
    let world = World::new().await;
    for (name, code) in [("College", "A1"), ("Library", "B1")] {
        put::<Organisation>(&world, &[("name", name), ("kind", "provider")]).await;
        put::<Cohort>(
            &world,
            &[
                ("cohort", code),
                ("programme", "P"),
                ("provider", name),
                ("title", code),
                ("start", "2022-01-10"),
            ],
        )
        .await;
    }
    world
}

async fn own(world: &World, name: &str) -> Own {
    let bound = crate::testing::bound(&world.store, name).await;
    Own::of(&world.store, &key(), &bound).await.unwrap()
}

const HEAD: &str = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n";

fn row(provider: &str, reference: &str, end: &str) -> String {
    let stage = if end.is_empty() {
        "in-progress"
    } else {
        "achieved"
    };
    format!(
        "{provider},{reference},,40,female,white,no,employed,E08000027,AIM,P,design,online,2022-01-10,,{end},{stage}\n"
    )
}

async fn brought(world: &World, name: &str, rows: &str, how: &Bringing) -> ImportReport {
    let own = own(world, name).await;
    let file = std::io::Cursor::new(format!("{HEAD}{rows}"));
    bring(&world.store, &key(), &own, file, how, &by("pam", at(NOW)))
        .await
        .unwrap()
}

fn in_cohort(id: i64) -> Bringing {
    Bringing {
        cohort: Some(id),
        ..Bringing::default()
    }
}

/// The enrolments of a provider in a cohort.
async fn register(store: &Store, own: &Own, cohort: i64) -> Result<Vec<Entry>, StoreError> {
    let sought = Sought {
        within: Within::Cohort(cohort),
        limit: 100,
        ..Sought::default()
    };
    let (entries, total) = learners(store, own, &sought).await?;
    assert_eq!(entries.len() as u64, total);
    Ok(entries)
}

#[tokio::test]
async fn a_provider_brings_its_own_rows_and_sees_its_own_alone() {
    let world = world().await;
    let rows = row("", "2022-017", "") + &row("COLLEGE", "2022-018", "2022-09-05");
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let report = brought(&world, "Library", &row("", "2022-017", ""), &in_cohort(2)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let college = own(&world, "college").await;
    let held = register(&world.store, &college, 1).await.unwrap();
    let references: Vec<_> = held.iter().map(|e| e.reference.as_deref()).collect();
    assert_eq!(references, [Some("2022-017"), Some("2022-018")]);
    // The same reference at another provider is another learner, and nobody else's pages find either.
    let library = own(&world, "Library").await;
    for entry in &held {
        assert!(
            super::entry(&world.store, &library, entry.id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            super::entry(&world.store, &college, entry.id)
                .await
                .unwrap()
                .is_some()
        );
    }
    assert!(
        register(&world.store, &library, 1)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(cohort(&world.store, &library, 1).await.unwrap().is_none());
    let nobody = own(&world, "Nobody").await;
    assert!(cohorts(&world.store, &nobody).await.unwrap().is_empty());
    assert_eq!(
        figures(&world.store, &nobody).await.unwrap(),
        delivery::Own::default()
    );
    let own = figures(&world.store, &college).await.unwrap();
    assert_eq!((own.starts, own.leavers, own.achievers), (2, 1, 1));
    let changes = world
        .store
        .history(Kind::Enrolment, held[0].id.0, 10)
        .await
        .unwrap();
    assert_eq!(changes[0].field, "cohort");
    // What was there is changed, not doubled; the cohort stays where an upload names none.
    let report = brought(
        &world,
        "College",
        &row("", "2022-017", "2022-11-01"),
        &Bringing::default(),
    )
    .await;
    assert_eq!(
        (report.tally.changed, report.tally.added),
        (1, 0),
        "{}",
        report.text()
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM enrolments WHERE cohort = 1")
            .await,
        2
    );
}

#[tokio::test]
async fn rows_of_others_and_references_that_tell_a_person_are_refused() {
    let world = world().await;
    for (provider, reference, code) in [
        ("Library", "2022-017", "provider-other"),
        ("Collage", "2022-017", "provider-other"),
        ("", "Jane Smith", "reference-personal"),
        ("", "Smith1", "reference-personal"),
        ("", "smith", "reference-personal"),
        ("", "J SMITH 07 AB", "reference-personal"),
        ("", "1000000027", "reference-personal"),
        ("", "AB 12 34 56 C", "reference-personal"),
        ("", "AB123456C", "reference-personal"),
        ("", "qq 12 34 56 c", "reference-personal"),
        ("", "jo7@example.org", "reference-personal"),
        ("", "jane.smith1", "reference-personal"),
        ("", "SMITH-JANE-1980", "reference-personal"),
        ("", "smith_jane_19800517", "reference-personal"),
        ("", "JSMITH80", "reference-personal"),
        ("", "js19800517", "reference-personal"),
        ("", "JS-17.05.1980", "reference-personal"),
        ("", "05171980", "reference-personal"),
        ("", "ali7-kaya", "reference-personal"),
    ] {
        let report = brought(
            &world,
            "College",
            &row(provider, reference, ""),
            &Bringing::default(),
        )
        .await;
        assert_eq!(report.outcome, Outcome::Refused, "{provider} {reference}");
        assert!(
            report.problems.by_code().contains_key(code),
            "{reference}: {}",
            report.text()
        );
        assert!(!report.text().contains(reference), "{reference}");
    }
    for good in [
        "2022-017",
        "LRN00123",
        "7",
        "a-12/B",
        "20220113",
        "19801399",
        "DIG-2022-01-17",
        "12345678",
    ] {
        let checked = Bringing {
            dry_run: true,
            ..Bringing::default()
        };
        let report = brought(&world, "College", &row("", good, ""), &checked).await;
        assert_eq!(
            report.outcome,
            Outcome::Checked,
            "{good}: {}",
            report.text()
        );
    }
    assert_eq!(world.number("SELECT count(*) FROM enrolments").await, 0);
    assert_eq!(
        world
            .number("SELECT count(DISTINCT own_reference) FROM enrolments")
            .await,
        0
    );
    // A reference of a row that is left out is not kept either.
    let some = Bringing {
        valid_rows: true,
        ..Bringing::default()
    };
    let rows = row("", "2022-017", "") + &row("", "2022-018", "").replace("E08000027", "E99999999");
    brought(&world, "College", &rows, &some).await;
    assert_eq!(
        world
            .number("SELECT count(DISTINCT own_reference) FROM enrolments")
            .await,
        1
    );
}

fn answers(pairs: &[(&str, &str)]) -> Vec<String> {
    let text = |column: &&str| {
        let found = pairs.iter().find(|(name, _)| name == column);
        found.map_or_else(String::new, |(_, text)| (*text).to_owned())
    };
    crate::import::learners::COLUMNS.iter().map(text).collect()
}

#[tokio::test]
async fn what_became_of_a_learner_is_checked_and_kept_as_from_a_file() {
    let world = world().await;
    brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    let college = own(&world, "College").await;
    let seen = register(&world.store, &college, 1).await.unwrap().remove(0);
    let by = by("pam", at(NOW));
    let say = |at, pairs: &'static [(&str, &str)]| {
        let (world, college, by) = (&world, &college, &by);
        async move { amend(&world.store, college, at, &answers(pairs), by).await }
    };
    let at = (seen.id, seen.version);
    for (pairs, codes) in [
        (&[("stage", "achieved")][..], &["end-missing"][..]),
        (
            &[("stage", "achieved"), ("end", "2023-01-01")],
            &["end-future"],
        ),
        (
            &[("stage", "achieved"), ("end", "2021-01-01")],
            &["end-before-start"],
        ),
        (
            &[("stage", "none"), ("end", "x")],
            &["date-form", "stage-unknown"],
        ),
        (
            &[("stage", "in-progress"), ("destination_3m", "none")],
            &["destination-open"],
        ),
        (
            &[
                ("stage", "achieved"),
                ("end", "2022-11-01"),
                ("destination_3m", "none"),
            ],
            &["destination-early"],
        ),
        (
            &[("stage", "in-progress"), ("confidence_after", "11")],
            &["pair-incomplete", "confidence-range"],
        ),
    ] {
        match say(at, pairs).await {
            Err(Trouble::Fields(problems)) => {
                let found: Vec<_> = problems.iter().map(|p| p.code).collect();
                assert_eq!(found, codes, "{pairs:?}");
            }
            other => panic!("{pairs:?} {other:?}"),
        }
    }
    const ENDED: &[(&str, &str)] = &[
        ("stage", "achieved"),
        ("end", "2022-09-05"),
        ("destination_3m", "further-learning"),
        ("confidence_before", "3"),
        ("confidence_after", "8"),
    ];
    say(at, ENDED).await.unwrap();
    // The same again loses nothing; something else that was seen before is refused.
    say(at, &ENDED[..3]).await.unwrap();
    let stale = say(at, &[("stage", "withdrawn"), ("end", "2022-09-05")]).await;
    assert!(matches!(stale, Err(Trouble::Changed)), "{stale:?}");
    let now = entry(&world.store, &college, seen.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (now.destinations[0], now.confidence, now.cohort),
        (Some(1), Some(2), Some(1))
    );
    assert_eq!(now.reference.as_deref(), Some("2022-017"));
    let fields: Vec<_> = world
        .store
        .history(Kind::Enrolment, seen.id.0, 3)
        .await
        .unwrap();
    let fields: Vec<_> = fields
        .iter()
        .map(|c| (c.who.as_str(), c.field.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("pam", "stage"),
            ("pam", "confidence"),
            ("pam", "destination_3m")
        ]
    );
    let library = own(&world, "Library").await;
    let foreign = amend(
        &world.store,
        &library,
        (seen.id, now.version),
        &answers(ENDED),
        &by,
    )
    .await;
    assert!(matches!(foreign, Err(Trouble::Missing)), "{foreign:?}");
}

#[tokio::test]
async fn who_has_to_be_asked_when() {
    let world = world().await;
    // Today is Wednesday 7 December 2022.
    let rows: String = [
        ("1", "2022-09-05"), // 3 months: Monday of this week
        ("2", "2022-09-11"), // 3 months: Sunday of this week
        ("3", "2022-09-12"), // next Monday
        ("4", "2022-08-31"), // 3 months: 30 November, late
        ("5", "2022-06-07"), // 3 months: September, late; 6 months: today
        ("6", "2022-11-30"), // not before February
        ("7", ""),
    ]
    .map(|(reference, end)| row("", reference, end))
    .concat();
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let college = own(&world, "College").await;
    let today = jiff::civil::date(2022, 12, 7);
    let places = |all: &[Due]| {
        all.iter()
            .map(|d| (d.entry.id, d.question))
            .collect::<Vec<_>>()
    };
    let mut said = Vec::new();
    let mut together = Vec::new();
    for (when, days) in [When::Late, When::ThisWeek, When::Later].map(|w| (w, w.days(today))) {
        let found = due_in(&world.store, &college, days, 0..99).await;
        let count = count_due(&world.store, &college, days).await.unwrap();
        assert_eq!(count.questions, found.len() as i64);
        // Page by page it is the same.
        let mut paged = Vec::new();
        for at in 0..found.len() as u64 {
            paged.extend(due_in(&world.store, &college, days, at..at + 1).await);
        }
        assert_eq!(places(&paged), places(&found));
        together.push((found.len() as u64, places(&found)));
        said.extend(found.into_iter().map(|due| {
            let reference = due.entry.reference.unwrap();
            (reference, AFTER[due.question], when, due.on <= today)
        }));
    }
    let said: Vec<_> = said
        .iter()
        .map(|(reference, after, when, is_open)| (reference.as_str(), *after, *when, *is_open))
        .collect();
    assert_eq!(
        said,
        [
            ("5", 3, When::Late, true),
            ("4", 3, When::Late, true),
            ("1", 3, When::ThisWeek, true),
            ("5", 6, When::ThisWeek, true),
            ("2", 3, When::ThisWeek, false),
            ("3", 3, When::Later, false),
        ]
    );
    // All parts in one pass are the parts one by one.
    let parts = [When::Late, When::ThisWeek, When::Later].map(|when| when.days(today));
    let in_one = due(&world.store, &college, &parts, 0..99).await.unwrap();
    let in_one: Vec<_> = in_one
        .iter()
        .map(|part| (part.all, places(&part.rows)))
        .collect();
    assert_eq!(in_one, together);
    // Behind the last row there are none, and there are as many as before.
    let behind = due(&world.store, &college, &parts, 99..199).await.unwrap();
    assert!(behind.iter().all(|part| part.rows.is_empty()));
    assert_eq!(behind.iter().map(|part| part.all).sum::<u64>(), 6);
    let library = own(&world, "Library").await;
    let days = (When::Late.days(today).0, When::Later.days(today).1);
    let nobody = count_due(&world.store, &library, days).await.unwrap();
    assert_eq!((nobody.questions, nobody.enrolments), (0, 0));
    let all = count_due(&world.store, &college, days).await.unwrap();
    assert_eq!((all.questions, all.enrolments), (6, 5));
}

/// What is due in one span of days.
async fn due_in(
    store: &Store,
    own: &Own,
    days: (jiff::civil::Date, jiff::civil::Date),
    rows: std::ops::Range<u64>,
) -> Vec<Due> {
    let parts = due(store, own, &[days], rows).await;
    parts.unwrap().remove(0).rows
}

/// The database reckons months as the import does, on every day of a leap year and of the one before it.
#[tokio::test]
async fn a_question_is_due_on_the_day_from_which_the_import_takes_its_answer() {
    let world = world().await;
    let rows: String = (0..731)
        .map(|n| {
            let end = jiff::civil::date(2019, 1, 1) + jiff::Span::new().days(n);
            let row = row("", &format!("r{n}"), &end.to_string());
            row.replace("2022-01-10", "2018-01-10")
        })
        .collect();
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let college = own(&world, "College").await;
    let days = (
        jiff::civil::date(2019, 1, 1),
        jiff::civil::date(2022, 12, 31),
    );
    let all = due_in(&world.store, &college, days, 0..9_999).await;
    assert_eq!(all.len(), 3 * 731);
    for due in all {
        let after = jiff::Span::new().months(AFTER[due.question]);
        assert_eq!(due.on, due.entry.end.unwrap().saturating_add(after));
    }
    // And each day's questions are found by that day alone.
    for day in ["2019-05-31", "2020-02-29", "2019-02-28", "2020-11-30"] {
        let day: jiff::civil::Date = day.parse().unwrap();
        let found = due_in(&world.store, &college, (day, day), 0..99).await;
        assert!(!found.is_empty() || day.year() == 2019, "{day}");
        assert!(found.iter().all(|due| due.on == day), "{day}");
    }
}

/// More than any list would hold: the newest are asked too.
#[tokio::test]
async fn nobody_falls_off_the_list_of_whom_to_ask() {
    let world = world().await;
    let rows: String = (0..2_100)
        .map(|n| row("", &format!("r{n}"), "2022-09-01"))
        .chain([row("", "last", "2022-09-05").replace("last", "l-1")])
        .collect();
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let college = own(&world, "College").await;
    let today = jiff::civil::date(2022, 12, 7);
    let days = (When::Late.days(today).0, When::ThisWeek.days(today).1);
    let count = count_due(&world.store, &college, days).await.unwrap();
    assert_eq!(count.questions, 2_101);
    let last = due_in(&world.store, &college, days, 2_100..2_200).await;
    assert_eq!(last[0].entry.reference.as_deref(), Some("l-1"));
}

/// The log outlives the learner: it does not say whose record it was, and the number is never another learner's.
#[tokio::test]
async fn a_record_is_not_named_in_the_log_and_its_number_is_not_given_again() {
    let world = world().await;
    let rows = row("", "2022-017", "") + &row("", "2022-018", "");
    brought(&world, "College", &rows, &in_cohort(1)).await;
    let college = own(&world, "College").await;
    let register = register(&world.store, &college, 1).await.unwrap();
    let last = register.iter().max_by_key(|e| e.id).unwrap().clone();
    let texts = answers(&[
        ("stage", "in-progress"),
        ("confidence_before", "1"),
        ("confidence_after", "3"),
    ]);
    amend(
        &world.store,
        &college,
        (last.id, last.version),
        &texts,
        &by("pam", at(NOW)),
    )
    .await
    .unwrap();
    let act = world.store.audit_entries(1).await.unwrap().remove(0);
    assert_eq!(
        (act.action.as_str(), act.detail.as_str()),
        ("enrolment recorded", "what became of one enrolment")
    );
    let gone = world.number("SELECT max(id) FROM enrolments").await;
    world.erase(gone).await;
    brought(&world, "College", &row("", "2022-019", ""), &in_cohort(1)).await;
    brought(&world, "College", &row("", "2022-020", ""), &in_cohort(1)).await;
    assert_eq!(world.number("SELECT count(*) FROM enrolments").await, 3);
    assert_eq!(
        world.number("SELECT max(id) FROM enrolments").await,
        gone + 2
    );
    // A form that was open for the erased learner is told so.
    let form = (last.id, last.version);
    let late = amend(&world.store, &college, form, &texts, &by("pam", at(NOW))).await;
    assert!(matches!(late, Err(Trouble::Missing)));
}

/// What an upload says besides its rows is of rows that are taken alone.
#[tokio::test]
async fn a_row_that_is_left_out_moves_no_enrolment_into_a_cohort() {
    let world = world().await;
    let with = |reference: &str, uln: &str, aim: &str| {
        row("", reference, "")
            .replace(",,40", &format!(",{uln},40"))
            .replace("AIM", aim)
    };
    let held = with("2022-017", "1000000027", "OLD");
    brought(&world, "College", &held, &Bringing::default()).await;
    let some = Bringing {
        valid_rows: true,
        ..in_cohort(1)
    };
    // The second row gives the reference of the first another ULN.
    let rows = with("2022-018", "1000000035", "NEW") + &held.replace("2022-017", "2022-018");
    let report = brought(&world, "College", &rows, &some).await;
    assert_eq!(
        (report.tally.added, report.tally.refused),
        (1, 1),
        "{}",
        report.text()
    );
    let placed = "SELECT group_concat(aim) FROM enrolments WHERE cohort = 1";
    let placed: String = sqlx::query_scalar(placed)
        .fetch_one(&world.store.reader)
        .await
        .unwrap();
    assert_eq!(placed, "NEW");
    assert_eq!(
        world
            .number("SELECT count(*) FROM history WHERE kind = 'enrolment' AND field = 'cohort'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_reference_goes_with_its_learner() {
    let world = world().await;
    let rows = row("", "2022-017", "") + &row("", "2022-018", "");
    brought(&world, "College", &rows, &in_cohort(1)).await;
    let learner: Vec<u8> = sqlx::query_scalar("SELECT learner FROM enrolments WHERE id = 1")
        .fetch_one(&world.store.reader)
        .await
        .unwrap();
    let learner = learner.try_into().unwrap();
    let day = jiff::civil::date(2022, 12, 1);
    assert_eq!(world.store.erase(&learner, day).await.unwrap(), 1);
    assert_eq!(
        world
            .number("SELECT count(DISTINCT own_reference) FROM enrolments")
            .await,
        1
    );
    let report = brought(&world, "College", &rows, &in_cohort(1)).await;
    assert_eq!(report.tally.erased, 1, "{}", report.text());
    assert_eq!(
        world
            .number("SELECT count(DISTINCT own_reference) FROM enrolments")
            .await,
        1
    );
}

#[tokio::test]
async fn a_provider_with_another_name_is_the_same_one() {
    let world = world().await;
    brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    let renamed = world
        .store
        .rename_provider("College", "City College", "ann", at(NOW))
        .await
        .unwrap();
    assert_eq!(renamed, crate::store::providers::Renamed::Done);
    // So is its organisation: the same one under the new name.
    let renamed = own(&world, "City College").await;
    assert_eq!(renamed.organisation, 1);
    assert_eq!(register(&world.store, &renamed, 1).await.unwrap().len(), 1);
    let changes = world.store.history(Kind::Organisation, 1, 1).await.unwrap();
    let change = &changes[0];
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some("College"), Some("City College"))
    );
    // The name of another organisation is not given to it.
    let other = world
        .store
        .rename_provider("City College", "library", "ann", at(NOW));
    assert_eq!(
        other.await.unwrap(),
        crate::store::providers::Renamed::Taken
    );
}

#[tokio::test]
async fn whoever_is_bound_stays_so_under_every_name() {
    let world = world().await;
    brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    bound(&world, "Pam", " college ").await;
    bound(&world, "Pat", "Library").await;
    let seen = async |who: &str| {
        let person = ldsp_ui::People::find(&world.store, who).await.unwrap();
        let of = person.unwrap().organisation.unwrap();
        let own = Own::of(&world.store, &key(), &of).await.unwrap();
        let cohort = own.organisation;
        let held = register(&world.store, &own, cohort).await.unwrap();
        (of.id, of.name, held.len())
    };
    assert_eq!(seen("Pam").await, (1, "College".to_owned(), 1));
    named(&world, 1, "City College").await.unwrap();
    assert_eq!(seen("Pam").await, (1, "City College".to_owned(), 1));
    let renamed = world
        .store
        .rename_provider("College", "College Group", "ann", at(NOW));
    assert_eq!(
        renamed.await.unwrap(),
        crate::store::providers::Renamed::Done
    );
    assert_eq!(seen("Pam").await, (1, "College Group".to_owned(), 1));
    assert_eq!(seen("Pat").await, (2, "Library".to_owned(), 0));
    // An earlier name leads to the same organisation.
    bound(&world, "Pia", "College").await;
    assert_eq!(seen("Pia").await.0, 1);
    // Whom files alone named is an organisation from then on.
    world
        .run("INSERT INTO providers (name) VALUES ('Delta')")
        .await;
    bound(&world, "Dan", "Delta").await;
    assert_eq!(seen("Dan").await, (3, "Delta".to_owned(), 0));
    let acts = world.store.audit_entries(2).await.unwrap();
    let acts: Vec<_> = acts.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(acts, ["people add", "organisation added"]);
}

async fn bound(world: &World, name: &str, organisation: &str) {
    let person = Person::described(name, Role::Provider, Some(organisation), at(NOW)).unwrap();
    assert!(world.store.add_person(&person, "ada").await.unwrap());
}

async fn named(
    world: &World,
    id: i64,
    name: &str,
) -> Result<Stored<Organisation>, model::Trouble<Organisation>> {
    let now: Stored<Organisation> = world.store.kept_one(id).await.unwrap().unwrap();
    let texts = [name, "provider", "", ""].map(str::to_owned);
    model::change(&world.store, (id, now.version), &texts, "cat", at(NOW)).await
}

#[tokio::test]
async fn an_organisation_is_not_renamed_to_another_providers_records() {
    let world = world().await;
    bound(&world, "Pam", "College").await;
    // A provider that files name and nobody added as an organisation, and one that people are bound to alone.
    brought(&world, "College", &row("", "2022-017", ""), &in_cohort(1)).await;
    world
        .run("INSERT INTO providers (name) VALUES ('Beta Ltd')")
        .await;
    bound(&world, "Gus", "Gamma").await;
    for other in ["Beta Ltd", "BETA  ltd", "Gamma"] {
        let refused = named(&world, 1, other).await;
        let Err(model::Trouble::Fields(problems)) = refused else {
            panic!("{other}");
        };
        assert_eq!(problems[0].code, "provider-known", "{other}");
    }
    assert_eq!(
        world
            .store
            .person("Pam")
            .await
            .unwrap()
            .unwrap()
            .organisation
            .as_deref(),
        Some("College")
    );
    // The same by the other way.
    let renamed = world
        .store
        .rename_provider("College", "gamma", "ada", at(NOW));
    assert_eq!(
        renamed.await.unwrap(),
        crate::store::providers::Renamed::Taken
    );
    // A new name is nobody's: people and records go with it.
    named(&world, 1, "\u{c9}cole").await.unwrap();
    let pam = world.store.person("Pam").await.unwrap().unwrap();
    assert_eq!(pam.organisation.as_deref(), Some("\u{c9}cole"));
    let own = own(&world, "\u{c9}cole").await;
    assert_eq!(register(&world.store, &own, 1).await.unwrap().len(), 1);
    // Other capitals are the same name, also beyond ASCII: of another organisation it is taken.
    let taken = named(&world, 2, "\u{e9}cole").await;
    assert!(matches!(taken, Err(model::Trouble::Fields(_))));
    named(&world, 1, "\u{e9}cole").await.unwrap();
    // One that no file named and nobody is bound to may be given the name that files use.
    let beta = put::<Organisation>(&world, &[("name", "Beta"), ("kind", "provider")]).await;
    named(&world, beta.id, "Beta Ltd").await.unwrap();
}
