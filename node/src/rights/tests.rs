//! Rights on a real node: found by any number, erased with every byte, told, and gone again after a restore.

mod providers;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::*;
use crate::backup::{self, BackupError, Parts};
use crate::import::{Options, learners, programmes};
use crate::store::audit::COMMAND_LINE;
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
        let node = Node::init(
            &home.path().join("data"),
            Some(&lep),
            &mut seeded(3)(),
            (COMMAND_LINE, at(NOW)),
        )
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
        let found = preview(&bench.node, subject, &[]).await.unwrap();
        assert_eq!(found.enrolments.len(), 1);
        assert_eq!(found.enrolments[0].provider, "Acme College");
        let same = Subject::from_hex(&subject.to_hex()).unwrap();
        assert!(same == subject);
    }
    let nobody = by_reference("l1").subject(&bench.node).await.unwrap();
    let found = preview(&bench.node, nobody, &[]).await.unwrap();
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
    let found = preview(&bench.node, subject, &[]).await.unwrap();
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

    let gone = erase(&bench.node, subject, &[], "ann", at(NOW))
        .await
        .unwrap();
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
    let again = erase(&bench.node, subject, &[], "ann", at(LATER))
        .await
        .unwrap();
    assert_eq!((again.learners, again.enrolments), (0, 0));
    assert_eq!(bench.node.store.audit_entries(1).await.unwrap(), acts);
    let found = preview(&bench.node, subject, &[]).await.unwrap();
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
        let done = erase(&bench.node, subject, &[], "ann", at(NOW))
            .await
            .unwrap();
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
    let held = access(&bench.node, subject, &[], Some(&policy), "ann", at(NOW))
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
    let held = access(&bench.node, nobody, &[], None, "ann", at(NOW))
        .await
        .unwrap();
    assert!(held.text().contains("Nothing is held about you."));
}

/// What the copy says of sources, recipients, cohort, employer and the provider's reference is as it is.
#[tokio::test]
async fn the_copy_says_who_records_and_who_sees_and_names_what_it_refers_to() {
    let bench = Bench::new().await;
    bench.import(&[row("L1", "", "A1", "2022-01-10", "")]).await;
    for sql in [
        "INSERT INTO organisations (id, name, kind, contact_role) VALUES (7, 'Acme College', 'provider', ''), (8, 'Bakery Ltd', 'employer', '')",
        "INSERT INTO cohorts (id, code, programme, organisation, title, place) VALUES (5, 'C-1', 1, 7, 'Tuesdays', ''), (6, 'C-2', 1, 7, 'Fridays', '')",
        "UPDATE enrolments SET cohort = 5, employer = 8, removed_day = 19000",
        "INSERT INTO history (at, who, kind, row, field, before, after) SELECT 0, 'pam', 'enrolment', id, 'cohort', '6', '5' FROM enrolments",
        "UPDATE enrolments SET own_reference = 'REF-17'",
    ] {
        sqlx::query(sql)
            .execute(&bench.node.store.writer)
            .await
            .unwrap();
    }
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let held = access(&bench.node, subject, &[], None, "ann", at(NOW))
        .await
        .unwrap();
    let text = held.text();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Cohort: Tuesdays (C-1)",
        "Employer: Bakery Ltd",
        "Before: Fridays (C-2)",
        "After: Tuesdays (C-1)",
        "Your provider\u{2019}s reference: REF-17",
        "Not in the provider\u{2019}s record any more since",
        "typed in by its staff",
        "People of your training provider who sign in",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("only source") && !text.contains("leave it in no form"));
}

/// A college typed a stranger's ULN for its learner and corrected it: for counting the two are one for good. What the learner sees and has erased
/// is the learner's alone, also after a restore of before.
#[tokio::test]
async fn a_corrected_uln_gives_nobody_a_strangers_records() {
    const OTHER: &str = "1000000035";
    // Of the two numbers the one or the other is what all rows bear.
    for (mine, strangers) in [(ULN, OTHER), (OTHER, ULN)] {
        let bench = Bench::new().await;
        let stranger = row("B7", strangers, "A9", "2021-10-01", "2022-01-31")
            .replace("Acme College", "Beta College");
        let wrong = row("L1", strangers, "A1", "2022-01-10", "");
        let right = row("L1", mine, "A1", "2022-01-10", "");
        let first = row("L1", mine, "A0", "2021-11-10", "");
        bench.import(&[stranger.clone(), first]).await;
        bench.import(&[wrong]).await;
        bench
            .import(&[right, row("L1", mine, "A2", "2022-03-10", "")])
            .await;
        let learners = "SELECT count(DISTINCT learner) FROM enrolments";
        assert_eq!(bench.number(learners).await, 1, "they are tied together");
        let old = bench.path("old");
        backup::make(&bench.node, &old, None, (COMMAND_LINE, at(NOW)))
            .await
            .unwrap();

        let subject = by_uln(mine).subject(&bench.node).await.unwrap();
        let found = preview(&bench.node, subject, &[]).await.unwrap();
        let parts: Vec<(&str, Vec<&str>)> = found
            .parts
            .iter()
            .map(|p| {
                (
                    p.by.as_str(),
                    p.enrolments.iter().map(|e| e.provider.as_str()).collect(),
                )
            })
            .collect();
        assert_eq!(parts.len(), 2);
        assert!(
            parts.contains(&("The ULN that was given", vec!["Acme College"; 3])),
            "{parts:?}"
        );
        assert!(
            parts.contains(&("Another ULN", vec!["Beta College"])),
            "{parts:?}"
        );
        let own = found
            .parts
            .iter()
            .find(|p| p.by == "The ULN that was given")
            .unwrap();
        let own = [own.part.clone()];
        // Without a choice, or with one that is none, nothing is shown and nothing goes.
        for chosen in [&[][..], &["0000000000000000".to_owned()]] {
            let refused = [
                access(&bench.node, subject, chosen, None, "ann", at(NOW))
                    .await
                    .err(),
                erase(&bench.node, subject, chosen, "ann", at(NOW))
                    .await
                    .err(),
            ];
            for refused in refused {
                let Some(RightsError::Unfit(unfit)) = refused else {
                    panic!("{chosen:?}");
                };
                assert_eq!(unfit.field, "parts");
            }
        }
        assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 4);
        let held = access(&bench.node, subject, &own, None, "ann", at(NOW))
            .await
            .unwrap();
        assert_eq!(held.enrolments(), 3);
        assert!(!held.text().contains("Beta College"));
        assert_eq!(
            bench.number(learners).await,
            1,
            "looking tells nobody apart"
        );
        let chosen = preview(&bench.node, subject, &own).await.unwrap();
        assert_eq!((chosen.enrolments.len(), chosen.parts.len()), (3, 0));
        let gone = erase(&bench.node, subject, &own, "ann", at(LATER))
            .await
            .unwrap();
        assert_eq!(gone.enrolments, 3);

        // The stranger is there, is found, is not barred, and what comes of theirs later is taken.
        let them = by_uln(strangers).subject(&bench.node).await.unwrap();
        let left = preview(&bench.node, them, &[]).await.unwrap();
        assert_eq!(
            (left.enrolments.len(), left.parts.len(), left.erased),
            (1, 0, None)
        );
        bench
            .import(&[
                stranger
                    .replace("A9", "A8")
                    .replace("2021-10-01", "2021-11-01"),
                stranger.clone(),
            ])
            .await;
        let left = preview(&bench.node, them, &[]).await.unwrap();
        assert_eq!((left.enrolments.len(), left.erased), (2, None));
        assert_eq!(bench.number("SELECT min(enters) FROM enrolments").await, 1);
        // The learner does not come back, by ULN or by reference.
        for uln in [mine, ""] {
            bench
                .import(&[row("L1", uln, "A1", "2022-01-10", "")])
                .await;
        }
        assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 2);

        let journal = bench.path("data").join(JOURNAL);
        let parts = Parts {
            records: &old,
            keys: None,
            erasures: Some(&journal),
        };
        let back = backup::restore(parts, &bench.path("back"), (COMMAND_LINE, at(LATER)))
            .await
            .unwrap();
        assert_eq!(back.erased_again.map(|gone| gone.enrolments), Some(3));
        let left = preview(&back.node, them, &[]).await.unwrap();
        assert_eq!((left.enrolments.len(), left.erased), (1, None));
    }
}

/// One learner with two numbers: all parts are chosen, and all of it goes.
#[tokio::test]
async fn a_learner_with_two_ulns_can_have_both_erased() {
    let bench = Bench::new().await;
    bench
        .import(&[row("L1", "1000000035", "A1", "2021-10-01", "")])
        .await;
    bench
        .import(&[row("L1", ULN, "A2", "2022-01-10", "")])
        .await;
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let found = preview(&bench.node, subject, &[]).await.unwrap();
    let all: Vec<String> = found.parts.iter().map(|p| p.part.clone()).collect();
    assert_eq!(all.len(), 2);
    // One of them alone takes its own reference with it, as far as it is not the other's too.
    let held = access(&bench.node, subject, &all[..1], None, "ann", at(NOW))
        .await
        .unwrap();
    assert_eq!(held.enrolments(), 1);
    let gone = erase(&bench.node, subject, &all, "ann", at(LATER))
        .await
        .unwrap();
    assert_eq!(gone.enrolments, 2);
    assert_eq!(bench.number("SELECT count(*) FROM identities").await, 0);
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
    backup::make(&bench.node, &old, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let traces = bench.pseudonyms().await;
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    erase(&bench.node, subject, &[], "ann", at(LATER))
        .await
        .unwrap();
    let journal = bench.path("data").join(JOURNAL);
    let parts = Parts {
        records: &old,
        keys: None,
        erasures: None,
    };
    // Without a journal it says that it does not know, and the learner is back.
    let unknown = backup::restore(parts, &bench.path("unknown"), (COMMAND_LINE, at(LATER)))
        .await
        .unwrap();
    assert_eq!(unknown.erased_again, None);
    let back = preview(&unknown.node, subject, &[]).await.unwrap();
    assert_eq!(back.enrolments.len(), 1);
    // With it the learner is gone from table and file before there is a node.
    let with = Parts {
        erasures: Some(&journal),
        ..parts
    };
    let known = backup::restore(with, &bench.path("known"), (COMMAND_LINE, at(LATER)))
        .await
        .unwrap();
    let gone = known.erased_again.unwrap();
    assert_eq!((gone.learners, gone.enrolments), (1, 1));
    let back = preview(&known.node, subject, &[]).await.unwrap();
    assert!(back.enrolments.is_empty() && back.erased.is_some());
    let other = by_reference("L2").subject(&known.node).await.unwrap();
    assert_eq!(
        preview(&known.node, other, &[])
            .await
            .unwrap()
            .enrolments
            .len(),
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
    let found = backup::restore(parts, &found, (COMMAND_LINE, at(LATER)))
        .await
        .unwrap();
    assert_eq!(found.erased_again.map(|gone| gone.enrolments), Some(1));
}

/// Of two people who were erased on one day one has begun anew: what a restore erases again is the other's alone.
#[tokio::test]
async fn a_restore_leaves_the_numbers_of_whoever_began_anew() {
    let bench = Bench::new().await;
    let both = [
        row("L1", "", "A1", "2022-01-10", ""),
        row("L2", "", "A1", "2022-01-10", ""),
    ];
    bench.import(&both).await;
    let day = at("2022-02-01T09:00:00Z");
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    erase(&bench.node, subject, &[], "ann", day).await.unwrap();
    // Later known by a ULN too, which the former number is tied to.
    bench.import(&[row("L1", "", "A2", "2022-03-10", "")]).await;
    bench
        .import(&[row("L1", ULN, "A2", "2022-03-10", "")])
        .await;
    let ties = "SELECT count(*) FROM identities";
    assert_eq!(bench.number(ties).await, 1);
    let mut tx = bench.node.store.write().await.unwrap();
    sqlx::query("UPDATE enrolments SET own_reference = aim")
        .execute(&mut *tx)
        .await
        .unwrap();
    // The other one was erased after the state at hand, on the same day.
    let mut erased = crate::store::erasure::buried(&mut tx).await.unwrap();
    let other = by_reference("L2").subject(&bench.node).await.unwrap();
    let on = *erased.values().next().unwrap();
    erased.insert(crate::store::records::persons::ident(&other.0), on);
    let gone = crate::store::erasure::replay(&mut tx, &erased, &bench.node.pseudonyms)
        .await
        .unwrap();
    assert_eq!((gone.learners, gone.enrolments), (1, 1));
    tx.commit().await.unwrap();
    assert_eq!(bench.number(ties).await, 1);
    let references = "SELECT count(own_reference) FROM enrolments";
    assert_eq!(bench.number(references).await, 1);
    assert_eq!(bench.number("SELECT max(enters) FROM enrolments").await, 0);
}

/// Whose rows stayed when they turned out to be an erased learner's keeps them over a restore, too.
#[tokio::test]
async fn a_restore_keeps_what_the_node_kept_of_an_erased_learner() {
    let bench = Bench::new().await;
    let other = row("B7", "", "A9", "2022-01-12", "").replace("Acme College", "Beta College");
    bench
        .import(&[row("L1", ULN, "A1", "2022-01-10", ""), other.clone()])
        .await;
    let old = bench.path("old");
    backup::make(&bench.node, &old, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let subject = by_uln(ULN).subject(&bench.node).await.unwrap();
    erase(&bench.node, subject, &[], "ann", at(LATER))
        .await
        .unwrap();
    // Only now a file says whose they are.
    bench
        .import(&[other.replace(",B7,,", &format!(",B7,{ULN},"))])
        .await;
    let held = "SELECT count(*) FROM enrolments WHERE enters = 0";
    assert_eq!(bench.number(held).await, 1);
    // The journal is written with the next erasure.
    bench.import(&[row("L3", "", "A1", "2022-01-10", "")]).await;
    let third = by_reference("L3").subject(&bench.node).await.unwrap();
    erase(&bench.node, third, &[], "ann", at(LATER))
        .await
        .unwrap();
    let journal = bench.path("data").join(JOURNAL);
    let parts = Parts {
        records: &old,
        keys: None,
        erasures: Some(&journal),
    };
    let back = backup::restore(parts, &bench.path("back"), (COMMAND_LINE, at(LATER)))
        .await
        .unwrap();
    assert_eq!(back.erased_again.map(|gone| gone.enrolments), Some(1));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM enrolments WHERE aim = 'A9'")
        .fetch_one(&back.node.store.reader)
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_journal_that_is_another_ones_or_altered_is_refused() {
    let bench = Bench::new().await;
    bench.import(&[row("L1", "", "A1", "2022-01-10", "")]).await;
    let old = bench.path("old");
    backup::make(&bench.node, &old, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let journal = bench.path("data").join(JOURNAL);
    // Nothing is erased while it cannot be written down.
    fs::write(&journal, "something else").unwrap();
    let refused = erase(&bench.node, subject, &[], "ann", at(NOW))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        RightsError::Journal(JournalError::Damaged(_))
    ));
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 1);
    fs::remove_file(&journal).unwrap();
    erase(&bench.node, subject, &[], "ann", at(NOW))
        .await
        .unwrap();
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
        let refused = backup::restore(parts, &target, (COMMAND_LINE, at(LATER)))
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
    let mut job = Job::new(Some(keep(12)));
    assert_eq!(job.step(&bench.node, at(NOW)).await.unwrap(), None);
    let mut job_after_restart = Job::new(Some(keep(12)));
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

/// Whoever sets a period has until the schedule's next time for second thoughts, whenever retention last ran.
#[tokio::test]
async fn a_period_that_is_set_on_the_page_is_followed_from_then_on() {
    let bench = Bench::new().await;
    let store = &bench.node.store;
    let mut job = Job::new(None);
    let monday = at("2022-08-01T09:00:00Z");
    assert_eq!(job.step(&bench.node, monday).await.unwrap(), None);
    let set = async |months, now| {
        let new = NewPeriod {
            months,
            reason: "The grant says so",
            instead_of: None,
        };
        set_period(store, None, new, "ada", now).await.unwrap();
    };
    set(Some(12), monday).await;
    assert_eq!(job.step(&bench.node, monday).await.unwrap(), None);
    let sunday = at("2022-08-07T03:00:00Z");
    assert!(job.step(&bench.node, sunday).await.unwrap().is_some());
    // Off for a month, and set again: not made up for at once.
    set(None, sunday).await;
    let later = at("2022-09-14T09:00:00Z");
    assert_eq!(job.step(&bench.node, later).await.unwrap(), None);
    set(Some(6), later).await;
    assert_eq!(job.step(&bench.node, later).await.unwrap(), None);
    let restarted = Job::new(None).step(&bench.node, later).await.unwrap();
    assert_eq!(restarted, None, "nor by a start");
    let next = at("2022-09-18T03:00:00Z");
    assert!(job.step(&bench.node, next).await.unwrap().is_some());
    // What the configuration says comes before what people say.
    let told = policy(store, Some(&keep(3))).await.unwrap();
    assert_eq!(told, Some(keep(3)));
    assert_eq!(policy(store, None).await.unwrap(), Some(Policy::of(6)));
}
