//! Rights on a real node: found by any number, erased with every byte, told, and gone again after a restore.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::*;
use crate::backup::{self, BackupError, Parts};
use crate::import::{Options, learners, programmes};
use crate::testing::{LEP, at, seeded};

const NOW: &str = "2022-08-01T11:00:00Z";
const LATER: &str = "2022-08-02T11:00:00Z";
const ULN: &str = "1000000027";
const COLUMNS: &str = "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage,destination_3m,destination_6m,destination_12m\n";

struct Bench {
    home: tempfile::TempDir,
    node: Node,
}

/// A row of learner `reference`.
fn row(reference: &str, uln: &str, aim: &str, start: &str, end: &str) -> String {
    let stage = if end.is_empty() {
        "in progress"
    } else {
        "achieved"
    };
    format!(
        "Acme College,{reference},{uln},1980-05-17,female,asian,no,unemployed,E08000028,{aim},P1,transacting,online,{start},,{end},{stage},,,\n"
    )
}

impl Bench {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let lep = LEP.parse().unwrap();
        let node = Node::init(&home.path().join("data"), &lep, &mut seeded(3)(), at(NOW))
            .await
            .unwrap();
        let csv = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme College,basic,short-course,older-people,,,,,\n";
        let options = Options::default();
        programmes(&node.store, Cursor::new(csv), &options, at(NOW))
            .await
            .unwrap();
        Self { home, node }
    }

    async fn import(&self, rows: &[String]) {
        let options = Options {
            new_providers: true,
            ..Options::default()
        };
        let text = COLUMNS.to_owned() + &rows.concat();
        let (store, key) = (&self.node.store, &self.node.pseudonyms);
        let report = learners(store, key, Cursor::new(text), &options, at(NOW))
            .await
            .unwrap();
        assert_eq!(report.problems.total(), 0, "{}", report.text());
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.node.store.reader)
            .await
            .unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Enrolments with their learners' and enrolments' keyed numbers.
    async fn pseudonyms(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        sqlx::query_as("SELECT spell, learner FROM enrolments")
            .fetch_all(&self.node.store.reader)
            .await
            .unwrap()
    }
}

fn by_reference(reference: &str) -> Asked {
    Asked {
        provider: " acme  COLLEGE".to_owned(),
        reference: reference.to_owned(),
        ..Asked::default()
    }
}

fn by_uln(uln: &str) -> Asked {
    Asked {
        uln: uln.to_owned(),
        ..Asked::default()
    }
}

/// Every byte of every file below a directory.
fn bytes(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes(&path));
        } else {
            all.extend(fs::read(path).unwrap());
        }
    }
    all
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_learner_is_found_by_either_number_and_nobody_else() {
    let bench = Bench::new().await;
    bench
        .import(&[
            row("L1", ULN, "A1", "2022-01-10", ""),
            row("L2", "", "A1", "2022-01-10", ""),
        ])
        .await;
    for asked in [
        by_uln(ULN),
        by_uln(" 1000 000027 "),
        by_reference("L1"),
        by_reference(" L1 "),
    ] {
        let subject = asked.subject(&bench.node).await.unwrap();
        let found = preview(&bench.node, subject).await.unwrap();
        assert_eq!(found.enrolments.len(), 1);
        assert_eq!(found.enrolments[0].provider, "Acme College");
        let same = Subject::from_hex(&subject.to_hex()).unwrap();
        assert!(same == subject);
    }
    let nobody = by_reference("l1").subject(&bench.node).await.unwrap();
    let found = preview(&bench.node, nobody).await.unwrap();
    assert_eq!(found.effect, ["The node holds nothing about this learner."]);
    for (asked, field) in [
        (Asked::default(), "uln"),
        (by_uln("1000000028"), "uln"),
        (by_uln("9999999999"), "uln"),
        (by_uln("100000002"), "uln"),
        (by_reference(""), "reference"),
        (
            Asked {
                provider: "Nowhere".to_owned(),
                ..by_reference("L1")
            },
            "provider",
        ),
        (
            Asked {
                provider: String::new(),
                ..by_reference("L1")
            },
            "provider",
        ),
        (
            Asked {
                uln: ULN.to_owned(),
                ..by_reference("L1")
            },
            "uln",
        ),
    ] {
        let typed = [asked.reference.clone(), asked.uln.clone()];
        let Err(RightsError::Unfit(unfit)) = asked.subject(&bench.node).await else {
            panic!("{field} was taken");
        };
        assert_eq!(unfit.field, field);
        // What was typed is not repeated.
        let said = format!("{} {}", unfit.what, unfit.next);
        assert!(typed.iter().all(|t| t.len() < 3 || !said.contains(t)));
    }
    assert_eq!(Subject::from_hex("zz").map(Subject::to_hex), None);
}

#[tokio::test]
async fn everything_goes_and_the_preview_says_so_before() {
    let bench = Bench::new().await;
    bench
        .import(&[
            row("L1", "", "A1", "2022-01-10", ""),
            row("L1", ULN, "A2", "2022-02-10", "2022-05-01"),
            row("L2", "", "A1", "2022-01-10", ""),
        ])
        .await;
    // The first start was published; it is described otherwise since.
    for sql in [
        "UPDATE enrolments SET counted = 1, standard = 1 WHERE aim = 'A1'",
        "UPDATE enrolments SET skill = 5 WHERE aim = 'A1'",
    ] {
        sqlx::query(sql)
            .execute(&bench.node.store.writer)
            .await
            .unwrap();
    }
    let subject = by_uln(ULN).subject(&bench.node).await.unwrap();
    let found = preview(&bench.node, subject).await.unwrap();
    assert_eq!(
        (
            found.enrolments.len(),
            found.published,
            found.unpublished,
            found.left_open,
            found.corrections
        ),
        (2, 1, 2, 1, 1)
    );
    let said = found.effect.join(" ");
    for words in [
        "Enrolments that go: 2",
        "in figures that were published: 1",
        "and will not: 2",
        "stays that much higher",
        "will not be made: 1",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 3);

    let gone = erase(&bench.node, subject, "ann", at(NOW)).await.unwrap();
    assert_eq!((gone.learners, gone.enrolments), (1, 2));
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 1);
    assert_eq!(bench.number("SELECT count(*) FROM identities").await, 0);
    assert_eq!(bench.number("SELECT count(*) FROM corrections").await, 1);
    // Each number by itself, and with the provider.
    assert_eq!(bench.number("SELECT count(*) FROM erased").await, 4);
    let acts = bench.node.store.audit_entries(1).await.unwrap();
    assert_eq!(
        (
            acts[0].action.as_str(),
            acts[0].who.as_str(),
            acts[0].detail.as_str()
        ),
        (
            "learner erased",
            "ann",
            "on request: 1 learner(s), 2 enrolment(s)"
        )
    );
    // A second time there is nothing to do, and nothing is written.
    let again = erase(&bench.node, subject, "ann", at(LATER)).await.unwrap();
    assert_eq!((again.learners, again.enrolments), (0, 0));
    assert_eq!(bench.node.store.audit_entries(1).await.unwrap(), acts);
    let found = preview(&bench.node, subject).await.unwrap();
    assert_eq!(found.erased, Some(jiff::civil::date(2022, 8, 1)));
    assert!(found.effect[0].contains("erased before"));
    // The same file brings nothing back.
    bench
        .import(&[row("L1", ULN, "A2", "2022-02-10", "2022-05-01")])
        .await;
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 1);
}

/// Among many others, whose rows split pages, in the order in which keyed numbers come: as good as random.
#[tokio::test]
async fn every_byte_leaves_the_files() {
    let bench = Bench::new().await;
    let all: Vec<String> = (0..3_000)
        .map(|n| {
            row(
                &format!("L{n}"),
                "",
                &format!("AIM{n:05}"),
                "2022-01-10",
                "",
            )
        })
        .collect();
    // The second file goes row by row into indices that are there.
    bench.import(&all[..1_000]).await;
    bench.import(&all[1_000..]).await;
    let gone: Vec<usize> = (0..3_000).step_by(25).collect();
    let mut traces = Vec::new();
    for n in &gone {
        let subject = by_reference(&format!("L{n}"))
            .subject(&bench.node)
            .await
            .unwrap();
        let rows: Vec<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT spell, learner FROM enrolments WHERE learner = $1")
                .bind(&subject.0[..])
                .fetch_all(&bench.node.store.reader)
                .await
                .unwrap();
        assert_eq!(rows.len(), 1);
        traces.push(rows[0].0.clone());
        // Its first half is a keyed number that stays, so that no file brings the learner back.
        traces.push(rows[0].1[8..].to_vec());
        traces.push(format!("AIM{n:05}").into_bytes());
    }
    let dir = bench.path("data");
    let before = bytes(&dir);
    assert!(traces.iter().all(|trace| holds(&before, trace)));
    // Somebody reads meanwhile: the log cannot be ended yet, and that is said.
    let mut reading = bench.node.store.reader.begin().await.unwrap();
    let _held: i64 = sqlx::query_scalar("SELECT count(*) FROM enrolments")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    for n in &gone {
        let subject = by_reference(&format!("L{n}"))
            .subject(&bench.node)
            .await
            .unwrap();
        let done = erase(&bench.node, subject, "ann", at(NOW)).await.unwrap();
        assert_eq!(done.enrolments, 1);
    }
    assert!(!bench.node.store.scrub().await.unwrap());
    reading.rollback().await.unwrap();
    assert!(bench.node.store.scrub().await.unwrap());
    assert_eq!(
        bench
            .number("SELECT count(*) FROM identity WHERE erased_at IS NULL")
            .await,
        1
    );
    let after = bytes(&dir);
    let left = traces.iter().filter(|trace| holds(&after, trace)).count();
    assert_eq!(left, 0, "of {} traces", traces.len());
    assert!(holds(&after, b"AIM00001"), "the others are there");
    assert!(bench.node.store.scrub().await.unwrap(), "nothing is due");
}

#[tokio::test]
async fn what_is_held_is_told_in_words_and_as_it_is_stored() {
    let bench = Bench::new().await;
    bench
        .import(&[
            row("L1", "", "A1", "2022-01-10", "2022-03-01"),
            row("L1", ULN, "A2", "2022-02-10", ""),
            row("L2", "", "OTHER", "2022-01-10", ""),
        ])
        .await;
    sqlx::query("UPDATE enrolments SET counted = 3, drawn = (265 << 7) | 3 WHERE aim = 'A1'")
        .execute(&bench.node.store.writer)
        .await
        .unwrap();
    let subject = by_uln(ULN).subject(&bench.node).await.unwrap();
    let policy = Policy {
        months: 84,
        schedule: "0 4 * * SUN".parse().unwrap(),
    };
    let held = access(&bench.node, subject, Some(&policy), "ann", at(NOW))
        .await
        .unwrap();
    assert_eq!(held.enrolments(), 2);
    // Lines are cut to a width.
    let text = held.text();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Training provider: Acme College",
        "Learning aim: A1",
        "Get online (P1)",
        "Start: 10 January 2022",
        "Sandwell (E08000028)",
        "Stage: Achieved",
        "Sex: Female",
        "Last counted for: February 2022",
        "2 facts about you",
        "84 months",
        "ico.org.uk",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // Nothing of anybody else, and not the number that was asked by.
    let document = held.document();
    let json = serde_json::to_string(&held).unwrap();
    for told in [&text, &document, &json] {
        assert!(!told.contains("OTHER") && !told.contains(ULN), "{told}");
    }
    assert!(document.starts_with("<!DOCTYPE html>"));
    // Every table of the list is in it, and every column of an enrolment.
    for holding in crate::store::erasure::HOLDINGS {
        assert!(held.held.contains_key(holding.table), "{}", holding.table);
    }
    let columns = bench
        .number("SELECT count(*) FROM pragma_table_info('enrolments')")
        .await;
    assert_eq!(held.held["enrolments"][0].len() as i64, columns);
    let acts = bench.node.store.audit_entries(1).await.unwrap();
    assert_eq!(
        acts[0].detail,
        "everything about one learner: 2 enrolment(s)"
    );
    let nobody = by_reference("L9").subject(&bench.node).await.unwrap();
    let held = access(&bench.node, nobody, None, "ann", at(NOW))
        .await
        .unwrap();
    assert!(held.text().contains("Nothing is held about you."));
}

#[tokio::test]
async fn a_restored_backup_forgets_who_was_erased_since() {
    let bench = Bench::new().await;
    bench
        .import(&[
            row("L1", ULN, "A1", "2022-01-10", ""),
            row("L2", "", "A1", "2022-01-10", ""),
        ])
        .await;
    let old = bench.path("old");
    backup::make(&bench.node, &old, None, at(NOW))
        .await
        .unwrap();
    let traces = bench.pseudonyms().await;
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    erase(&bench.node, subject, "ann", at(LATER)).await.unwrap();
    let journal = bench.path("data").join(JOURNAL);
    let parts = Parts {
        records: &old,
        keys: None,
        erasures: None,
    };
    // Without a journal it says that it does not know, and the learner is back.
    let unknown = backup::restore(parts, &bench.path("unknown"), at(LATER))
        .await
        .unwrap();
    assert_eq!(unknown.erased_again, None);
    let back = preview(&unknown.node, subject).await.unwrap();
    assert_eq!(back.enrolments.len(), 1);
    // With it the learner is gone from table and file before there is a node.
    let with = Parts {
        erasures: Some(&journal),
        ..parts
    };
    let known = backup::restore(with, &bench.path("known"), at(LATER))
        .await
        .unwrap();
    let gone = known.erased_again.unwrap();
    assert_eq!((gone.learners, gone.enrolments), (1, 1));
    let back = preview(&known.node, subject).await.unwrap();
    assert!(back.enrolments.is_empty() && back.erased.is_some());
    let other = by_reference("L2").subject(&known.node).await.unwrap();
    assert_eq!(
        preview(&known.node, other).await.unwrap().enrolments.len(),
        1
    );
    known.node.store.close().await;
    let all = bytes(&bench.path("known"));
    let left = traces
        .iter()
        .filter(|(spell, _)| holds(&all, spell))
        .count();
    assert_eq!(left, 1, "the other learner's alone");
    // The journal is taken over, so that it outlives the next restore too.
    let taken = journal::read(
        &bench.path("known").join(JOURNAL),
        &bench.node.pseudonyms.mark(),
    );
    assert_eq!(taken.unwrap().unwrap().len(), 4);
    // One that is left in the data directory is found by itself.
    let found = bench.path("found");
    fs::create_dir(&found).unwrap();
    fs::copy(&journal, found.join(JOURNAL)).unwrap();
    let found = backup::restore(parts, &found, at(LATER)).await.unwrap();
    assert_eq!(found.erased_again.map(|gone| gone.enrolments), Some(1));
}

#[tokio::test]
async fn a_journal_that_is_another_ones_or_altered_is_refused() {
    let bench = Bench::new().await;
    bench.import(&[row("L1", "", "A1", "2022-01-10", "")]).await;
    let old = bench.path("old");
    backup::make(&bench.node, &old, None, at(NOW))
        .await
        .unwrap();
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let journal = bench.path("data").join(JOURNAL);
    // Nothing is erased while it cannot be written down.
    fs::write(&journal, "something else").unwrap();
    let refused = erase(&bench.node, subject, "ann", at(NOW))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        RightsError::Journal(JournalError::Damaged(_))
    ));
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 1);
    fs::remove_file(&journal).unwrap();
    erase(&bench.node, subject, "ann", at(NOW)).await.unwrap();
    let own = fs::read_to_string(&journal).unwrap();
    let target = bench.path("again");
    for (text, other_key) in [
        (own.replace("2022-08-01", "2022-08-02"), false),
        (own.lines().take(3).collect::<Vec<_>>().join("\n"), false),
        (own.lines().skip(1).collect::<Vec<_>>().join("\n"), false),
        (String::new(), false),
        (
            journal::marked(&"0".repeat(32), &journal::Numbers::new()),
            true,
        ),
    ] {
        fs::write(&journal, &text).unwrap();
        let parts = Parts {
            records: &old,
            keys: None,
            erasures: Some(&journal),
        };
        let refused = backup::restore(parts, &target, at(LATER))
            .await
            .unwrap_err();
        let BackupError::Rights(RightsError::Journal(error)) = refused else {
            panic!("{text:?}: {refused}");
        };
        assert_eq!(
            matches!(error, JournalError::OtherKey(_)),
            other_key,
            "{text:?}"
        );
        assert!(!target.exists());
    }
}

fn keep(months: u16) -> Policy {
    Policy {
        months,
        schedule: "0 4 * * *".parse().unwrap(),
    }
}

#[tokio::test]
async fn what_is_due_goes_by_schedule_and_what_waits_stays() {
    let bench = Bench::new().await;
    bench
        .import(&[
            // Ended two years ago, and nothing is open.
            row("OLD", "", "A1", "2019-01-10", "2019-06-30"),
            row("OLD", "", "A2", "2019-01-10", "2019-05-01"),
            // One of them ended lately.
            row("BOTH", "", "A1", "2019-01-10", "2019-06-30"),
            row("BOTH", "", "A2", "2022-01-10", "2022-06-30"),
            // Over, but a destination may still become known.
            row("DEST", "", "A1", "2020-09-01", "2021-06-30"),
            // Over, and never released.
            row("WAITS", "", "A1", "2020-09-01", "2021-01-15"),
            // Never ended.
            row("OPEN", "", "A1", "2019-09-01", ""),
        ])
        .await;
    sqlx::query("UPDATE enrolments SET counted = 127 WHERE end_day <> 18642 OR end_day IS NULL")
        .execute(&bench.node.store.writer)
        .await
        .unwrap();
    let store = &bench.node.store;
    let due = due(store, &keep(12), at(NOW)).await.unwrap();
    assert_eq!(
        (
            due.learners,
            due.enrolments,
            due.wait_for_destinations,
            due.wait_for_release
        ),
        (2, 3, 1, 1)
    );
    assert_eq!(due.ended_by, jiff::civil::date(2021, 8, 1));
    assert!(due.sentences()[0].starts_with("Due: the records of 2 learner(s), 3 enrolment(s)"));
    let mut job = Job::new(store, keep(12), at(NOW)).await.unwrap();
    assert_eq!(job.step(&bench.node, at(NOW)).await.unwrap(), None);
    let mut job_after_restart = Job::new(store, keep(12), at(LATER)).await.unwrap();
    let gone = job_after_restart
        .step(&bench.node, at(LATER))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (gone.learners, gone.enrolments, gone.numbers_kept),
        (2, 3, 2)
    );
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 4);
    assert_eq!(
        bench
            .number("SELECT erased_at IS NOT NULL FROM identity")
            .await,
        1
    );
    let acts = store.audit_entries(1).await.unwrap();
    assert_eq!(
        (acts[0].who.as_str(), acts[0].action.as_str()),
        ("schedule", "retention")
    );
    assert_eq!(
        acts[0].detail,
        "12 months: 2 learner(s), 3 enrolment(s) deleted; 1 wait for destinations, 1 for a release"
    );
    assert_eq!(
        job_after_restart
            .step(&bench.node, at(LATER))
            .await
            .unwrap(),
        None
    );
    // What is not released is not kept for ever.
    let much_later = "2023-03-01T11:00:00Z";
    let rest = super::due(store, &keep(12), at(much_later)).await.unwrap();
    assert_eq!(
        (
            rest.learners,
            rest.wait_for_destinations,
            rest.wait_for_release
        ),
        (2, 0, 0)
    );
    // Who was deleted does not come back with an old file, and is in the journal.
    bench
        .import(&[row("OLD", "", "A1", "2019-01-10", "2019-06-30")])
        .await;
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 4);
    let journal = journal::read(
        &bench.path("data").join(JOURNAL),
        &bench.node.pseudonyms.mark(),
    );
    assert_eq!(journal.unwrap().unwrap().len(), 4);
}

/// A release after an erasure lacks the learner; what was published before stays as it is, and so does the budget.
#[tokio::test]
async fn an_erasure_between_two_releases_changes_the_second_alone() {
    use crate::testing::{World, started};
    let world = World::enrolled().await;
    let ids = world
        .add_all(&[
            started("2022-03-10"),
            started("2022-04-10"),
            started("2022-04-11"),
        ])
        .await;
    let prepared = async |month: &str, first: Option<&str>| {
        let request = crate::release::Request {
            period: Some(month.parse().unwrap()),
            first: first.map(|f| f.parse().unwrap()),
            ..crate::testing::asked()
        };
        let now = at("2022-07-01T00:00:00Z");
        crate::release::prepare(&world.store, request, "ann", now, &seeded(5)).await
    };
    prepared("2022-03", Some("2022-03")).await.unwrap();
    world
        .run("UPDATE releases SET approver = 'bob', approved_at = 0")
        .await;
    let before = world.number("SELECT count(*) FROM ledger_cells").await;
    for id in [ids[0], ids[1]] {
        world.erase(id).await;
    }
    assert_eq!(
        world.number("SELECT count(*) FROM ledger_cells").await,
        before
    );
    prepared("2022-04", None).await.unwrap();
    // The one of April who is left is counted, and nobody else.
    assert_eq!(world.number("SELECT count(*) FROM enrolments").await, 1);
    assert_eq!(world.number("SELECT counted FROM enrolments").await, 1);
}
