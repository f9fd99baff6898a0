//! ILRs into a real store.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::import::ilr::Summary;
use crate::import::ilr::mapping::{self, AimSaid};
use crate::store::history::Kind;
use crate::store::records::Exact;

pub(super) const FILE: &str = include_str!("../../../tests/ilr/2018-19.xml");
const ALL: [&str; 2] = [
    include_str!("../../../tests/ilr/all-2018-19.xml"),
    include_str!("../../../tests/ilr/all-2020-21.xml"),
];

/// What stands in the samples and must be nowhere else.
const CANARIES: [&str; 11] = [
    "Canary",
    "Wren",
    "Aviary",
    "canary@",
    "LA 1",
    "LA 2",
    "1000000027",
    "1000000035",
    "1984-05-17",
    "B70 1AA",
    "B701AA",
];

impl Bench {
    async fn ilr(&self, text: &str) -> ImportReport {
        self.ilr_with(text.as_bytes(), &Options::default()).await
    }

    async fn ilr_with(&self, bytes: &[u8], options: &Options) -> ImportReport {
        let source = Cursor::new(bytes.to_vec());
        let report = crate::import::ilr(&self.store, &self.key, source, options, now()).await;
        report.unwrap()
    }

    async fn say(&self, aim: &str, programme: &str) {
        let said = AimSaid {
            aim: aim.to_owned(),
            digital: !programme.is_empty(),
            programme: programme.to_owned(),
            skill: "transacting".to_owned(),
            mode: "online".to_owned(),
            ..AimSaid::default()
        };
        mapping::say_aim(&self.store, &said, "ann", now())
            .await
            .unwrap();
    }

    /// With everything said that the samples ask.
    pub(super) async fn asked() -> Self {
        let bench = Self::new().await;
        let acme = ("99000001", "Acme College");
        mapping::say_provider(&bench.store, acme.0, acme.1, "ann", now())
            .await
            .unwrap();
        bench.say("60990011", "P1").await;
        bench.say("60990022", "P1").await;
        bench.say("zprog001/S2", "P2").await;
        bench
    }

    /// What matters of each enrolment: aim, start, end, stage, destinations, codes of the person, whether removed.
    async fn shown(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT concat_ws(' ', aim, date(start_day * 86400, 'unixepoch'), coalesce(date(end_day * 86400, 'unixepoch'), '-'), stage, \
             coalesce(destination_3m, '-') || coalesce(destination_6m, '-') || coalesce(destination_12m, '-'), \
             sex || ethnicity || disability || prior, coalesce(district, '-'), enters, CASE WHEN removed_day IS NULL THEN '' ELSE 'removed' END) \
             FROM enrolments ORDER BY aim, start_day",
        )
        .fetch_all(&self.store.reader)
        .await
        .unwrap()
    }

    async fn held(&self) -> u64 {
        let held = self
            .store
            .exact_held(4, 5)
            .await
            .map(Exact::for_signed_in_page);
        held.unwrap().tier_by_stage.iter().flatten().sum()
    }
}

fn codes(report: &ImportReport) -> Vec<&'static str> {
    report.problems.by_code().keys().copied().collect()
}

fn summary(report: &ImportReport) -> &Summary {
    report.ilr.as_ref().unwrap()
}

#[tokio::test]
async fn what_a_tutor_recorded_outlives_the_next_return() {
    let bench = Bench::asked().await;
    bench.ilr(FILE).await;
    for sql in [
        "UPDATE enrolments SET confidence = 2, everyday = 1",
        "UPDATE enrolments SET destination_3m = 1 WHERE destination_3m IS NULL AND stage BETWEEN 1 AND 3",
    ] {
        sqlx::query(sql).execute(&bench.store.writer).await.unwrap();
    }
    let recorded = bench.dump().await;
    assert!(
        bench
            .flags("coalesce(destination_3m, 9)")
            .await
            .contains(&1)
    );
    let report = bench.ilr(&later(FILE, 20)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!((report.tally.changed, report.taken_back), (0, 0));
    assert_eq!(bench.dump().await, recorded);
}

/// It is asked once: who says whose the files of a UKPRN are has said which organisation's number it is.
#[tokio::test]
async fn whose_an_ilr_is_stands_at_the_organisation_too() {
    let bench = Bench::new().await;
    let say = async |number: &str, name: &str| {
        let said = mapping::say_provider(&bench.store, number, name, "ann", now());
        said.await.unwrap();
    };
    let numbers = async || -> Vec<(String, Option<i64>)> {
        sqlx::query_as("SELECT name, ukprn FROM organisations ORDER BY id")
            .fetch_all(&bench.store.reader)
            .await
            .unwrap()
    };
    let of = |name: &str, number| (name.to_owned(), number);
    say("10000001", "Acme College").await;
    assert_eq!(
        numbers().await,
        [of("Acme College", Some(10_000_001))],
        "one that nobody described is added"
    );
    let changes = bench.store.history(Kind::Organisation, 1, 10).await;
    assert_eq!(changes.unwrap().len(), 3);
    // Its second number is known as its own, and the first one stays at the organisation.
    say("10000002", " ACME  college").await;
    assert_eq!(numbers().await, [of("Acme College", Some(10_000_001))]);
    // The last word counts.
    say("10000001", "Town College").await;
    assert_eq!(
        numbers().await,
        [
            of("Acme College", None),
            of("Town College", Some(10_000_001))
        ]
    );
    say("10000002", "Acme College").await;
    assert_eq!(numbers().await[0], of("Acme College", Some(10_000_002)));
    let mappings = bench.store.ilr_mappings().await.unwrap();
    assert_eq!(mappings.providers.len(), 2);
}

/// Nobody has said whose the file is, but the list of organisations has its number.
#[tokio::test]
async fn the_organisation_of_its_ukprn_is_whose_it_is() {
    let bench = Bench::asked().await;
    let run = async |sql: &'static str| {
        sqlx::query(sql).execute(&bench.store.writer).await.unwrap();
    };
    run("DELETE FROM ilr_providers").await;
    run("DELETE FROM providers").await;
    run("DELETE FROM organisations").await;
    assert_eq!(codes(&bench.ilr(FILE).await), ["ilr-ukprn-unknown"]);
    let organisation = "INSERT INTO organisations (name, kind, ukprn, contact_role) VALUES ($1, 'provider', 99000001, '')";
    let add = async |name: &str| {
        let added = sqlx::query(organisation).bind(name);
        added.execute(&bench.store.writer).await.unwrap();
    };
    add("City College").await;
    let report = bench.ilr(FILE).await;
    assert_eq!(report.outcome, Outcome::Stored, "{:?}", report.problems);
    let named: Vec<String> = sqlx::query_scalar("SELECT DISTINCT provider FROM enrolments")
        .fetch_all(&bench.store.reader)
        .await
        .unwrap();
    assert_eq!(named, ["City College"]);
    // What was said goes before the list, and of two with one number neither is meant.
    add("Town College").await;
    assert_eq!(
        codes(&bench.ilr(&later(FILE, 20)).await),
        ["ilr-ukprn-unknown"]
    );
    let said = mapping::say_provider(&bench.store, "99000001", "City College", "ann", now());
    said.await.unwrap();
    let report = bench.ilr(&later(FILE, 21)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{:?}", report.problems);
    assert_eq!(report.tally.added, 0);
}

/// The sample without the learner of a reference, prepared on a later day.
pub(super) fn without(reference: &str, day: u8) -> String {
    let mark = format!("<LearnRefNumber>{reference}</LearnRefNumber>");
    let at = FILE.find(&mark).unwrap();
    let from = FILE[..at].rfind("  <Learner>").unwrap();
    let to = at + FILE[at..].find("  </Learner>\n").unwrap() + "  </Learner>\n".len();
    later(&format!("{}{}", &FILE[..from], &FILE[to..]), day)
}

fn later(text: &str, day: u8) -> String {
    text.replace("2019-10-17T09:30:00", &format!("2019-11-{day:02}T09:30:00"))
}

#[tokio::test]
async fn deliveries_become_enrolments() {
    let bench = Bench::asked().await;
    let report = bench.ilr(FILE).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!((report.tally.rows, report.tally.added), (5, 5));
    let told = summary(&report);
    assert_eq!(
        (
            told.learners,
            told.deliveries,
            told.not_digital,
            told.joined
        ),
        (4, 7, 1, 1)
    );
    // Codes are positions in the standard: stage 0 in progress, 1 achieved, 2 without achievement, 3 withdrawn, 4 transferred; destination 0
    // employment, 3 none, 4 not stated.
    assert_eq!(
        bench.shown().await,
        [
            // A break and the restart after it: one enrolment from the first start on. Self-employed.
            "60990011 2018-09-10 - 0 --- 1301 E08000028 1 ",
            // Out of work before; three months after the end still, six months after it in a job that somebody saw; not looked after a year.
            "60990011 2018-10-01 2019-03-29 1 30- 0012 E08000028 1 ",
            // Another LEP's resident. Nobody could be reached by the sixth month; nobody looked after a year. No status before.
            "60990022 2018-10-08 2019-02-01 2 44- 1116 E06000001 0 ",
            // Withdrawn; in full-time education before; no address.
            "60990022 2019-03-04 2019-04-12 3 --- 0525 - 1 ",
            // Went to another provider; the programme aim is told by its standard.
            "ZPROG001/S2 2018-09-03 2019-01-18 4 --- 0525 - 1 ",
        ]
    );
    let again = bench.ilr(FILE).await;
    assert_eq!(
        (again.tally.unchanged, again.tally.removed),
        (5, 0),
        "{}",
        again.text()
    );
    for text in [report.text(), report.json().to_string(), again.text()] {
        assert!(
            !CANARIES.iter().any(|canary| text.contains(canary)),
            "{text}"
        );
        assert!(text.contains("2018-19"), "{text}");
    }
}

#[tokio::test]
async fn every_element_of_a_checked_year_is_taken() {
    let bench = Bench::asked().await;
    for text in ALL {
        let report = bench.ilr(text).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
        assert_eq!(report.tally.added, 1, "{}", report.text());
    }
    let strange = ALL[1]
        .replace("2020-21", "2018-19")
        .replace(">2021<", ">1819<");
    let report = bench.ilr(&strange).await;
    assert_eq!(codes(&report), ["ilr-element-unknown"], "{}", report.text());
    assert_eq!(
        report.problems.detailed().len(),
        3,
        "PHours, OTJActHours, LSDPostcode"
    );
}

#[tokio::test]
async fn what_a_file_cannot_tell_is_asked_once() {
    let bench = Bench::new().await;
    let report = bench.ilr(FILE).await;
    assert_eq!(codes(&report), ["ilr-ukprn-unknown"]);
    let asked: Vec<_> = summary(&report)
        .unmapped
        .iter()
        .map(|a| (a.aim.as_str(), a.fund_model, a.deliveries))
        .collect();
    assert_eq!(
        asked,
        [
            ("60990011", 35, 3),
            ("60990022", 10, 1),
            ("60990022", 35, 1),
            ("ZPROG001/S2", 36, 1)
        ]
    );
    assert!(
        report
            .text()
            .contains("ldsp-node ilr provider 99000001 NAME"),
        "{}",
        report.text()
    );
    mapping::say_provider(&bench.store, "99000001", "Acme College", "ann", now())
        .await
        .unwrap();
    bench.say("60990011", "P1").await;
    let report = bench.ilr(FILE).await;
    assert_eq!(
        (report.outcome, report.tally.rows, report.tally.refused),
        (Outcome::Refused, 5, 3)
    );
    assert_eq!(codes(&report), ["ilr-aim-unknown"]);
    // What is said not to be digital is left out.
    bench.say("6099*", "").await;
    bench.say("ZPROG001/*", "P2").await;
    let report = bench.ilr(FILE).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!((report.tally.added, summary(&report).not_digital), (3, 3));
    let acts = bench.store.audit_entries(20).await.unwrap();
    assert_eq!(
        acts.iter()
            .filter(|act| act.action.starts_with("ilr "))
            .count(),
        4
    );
}

#[tokio::test]
async fn a_file_replaces_its_providers_year() {
    let bench = Bench::asked().await;
    bench.ilr(FILE).await;
    // Something was published of one of the two that will be missing.
    sqlx::query("UPDATE enrolments SET counted = 1, standard = 2 WHERE aim = 'ZPROG001/S2'")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    assert_eq!(bench.held().await, 4);
    let short = without("LA 3", 1);
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    let preview = bench.ilr_with(short.as_bytes(), &dry).await;
    assert_eq!(
        (preview.tally.removed, preview.tally.unchanged),
        (2, 3),
        "{}",
        preview.text()
    );
    let gone: Vec<_> = summary(&preview)
        .gone
        .iter()
        .map(|g| (g.aim.as_str(), g.enrolments, g.counted))
        .collect();
    assert_eq!(gone, [("60990022", 1, 0), ("ZPROG001/S2", 1, 1)]);
    assert_eq!(bench.shown().await.len(), 5, "a preview changes nothing");
    // Stored: what was never published goes; what was stays as a row that is in no figure.
    let report = bench.ilr(&short).await;
    assert_eq!((report.outcome, report.tally.removed), (Outcome::Stored, 2));
    let shown = bench.shown().await;
    assert_eq!(shown.len(), 4);
    assert!(
        shown[3].starts_with("ZPROG001/S2") && shown[3].ends_with("removed"),
        "{shown:?}"
    );
    assert_eq!(bench.held().await, 2);
    assert_eq!(
        bench.flags("counted").await.iter().sum::<i64>(),
        1,
        "what was published stays"
    );
    // An older file of the year is not taken; a newer one brings it back.
    let older = bench.ilr(FILE).await;
    assert_eq!(codes(&older), ["ilr-older"]);
    let back = bench.ilr(&later(FILE, 2)).await;
    assert_eq!(
        (back.tally.added, back.tally.unchanged, back.tally.removed),
        (1, 4, 0),
        "{}",
        back.text()
    );
    assert_eq!(bench.held().await, 4);
    assert_eq!(
        bench.flags("counted").await.iter().sum::<i64>(),
        1,
        "and is not counted twice"
    );
    let kinds: Vec<_> = bench
        .store
        .imports(9)
        .await
        .unwrap()
        .iter()
        .map(|i| (i.kind.as_str(), i.tally.removed))
        .collect();
    assert_eq!(kinds[..3], [("ilr", 0), ("ilr", 2), ("ilr", 0)]);
}

#[tokio::test]
async fn what_was_refused_is_not_missing() {
    let bench = Bench::asked().await;
    bench.ilr(FILE).await;
    let bad = later(FILE, 1)
        .replacen(
            "<CompStatus>6</CompStatus>",
            "<CompStatus>66</CompStatus>",
            1,
        )
        .replacen(">44<", ">4x<", 1);
    let valid = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.ilr_with(bad.as_bytes(), &valid).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(codes(&report), ["ilr-value"]);
    assert_eq!(
        (report.tally.removed, summary(&report).incomplete),
        (0, true)
    );
    assert_eq!(bench.shown().await.len(), 5);
}

#[tokio::test]
async fn other_files_enrolments_and_later_years_are_left_alone() {
    let bench = Bench::asked().await;
    bench.rows(&[&row(1, &[])]).await;
    bench.ilr(FILE).await;
    // The next year's file holds who went on, and is of a year without a schema of ours.
    let next = without("LA 1", 1)
        .replace("2018-19", "2019-20")
        .replace(">1819<", ">1920<")
        .replace("<CompStatus>1</CompStatus>", "<CompStatus>2</CompStatus><LearnActEndDate>2019-09-20</LearnActEndDate><Outcome>1</Outcome><Newer>x</Newer>");
    let report = bench.ilr(&next).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(
        (
            report.tally.changed,
            report.tally.unchanged,
            report.tally.removed
        ),
        (1, 3, 0),
        "{}",
        report.text()
    );
    assert!(
        report.text().contains("read by documentation"),
        "{}",
        report.text()
    );
    // The year before comes again: it says nothing new of what the later one told of.
    let report = bench.ilr(&later(FILE, 20)).await;
    assert_eq!(
        (report.tally.changed, report.tally.unchanged),
        (0, 5),
        "{}",
        report.text()
    );
    assert_eq!(summary(&report).later, 4);
    assert_eq!(bench.shown().await.len(), 6);
    let done = bench.shown().await;
    assert!(
        done[0].starts_with("60990011 2018-09-10 2019-09-20 1"),
        "{done:?}"
    );
}

/// The older file knows the learner by reference alone, so that the enrolment has another key there.
#[tokio::test]
async fn an_older_year_says_nothing_new_of_a_learner_whose_uln_came_later() {
    let bench = Bench::asked().await;
    let next = later(FILE, 1)
        .replace("2018-19", "2019-20")
        .replace(">1819<", ">1920<");
    bench.ilr(&next).await;
    let done = bench.shown().await;
    let older = FILE.replace("1000000027", "9999999999").replacen(
        "<CompStatus>2</CompStatus>\n      <LearnActEndDate>2019-03-29</LearnActEndDate>\n      <Outcome>1</Outcome>",
        "<CompStatus>1</CompStatus>",
        1,
    );
    assert_ne!(older.len(), FILE.len());
    let report = bench.ilr(&older).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(
        (
            report.tally.changed,
            report.tally.added,
            summary(&report).later
        ),
        (0, 0, 5),
        "{}",
        report.text()
    );
    assert_eq!(bench.shown().await, done);
    // The year that told last goes on telling.
    assert_eq!(bench.ilr(&later(&next, 9)).await.tally.unchanged, 5);
}

/// The last of two would have got the rows of both, and lost its own.
#[tokio::test]
async fn a_file_of_two_providers_is_refused_in_every_year() {
    let bench = Bench::asked().await;
    let provider = "<LearningProvider>\n    <UKPRN>99000001</UKPRN>\n  </LearningProvider>\n";
    let other = provider.replace("99000001", "99000002");
    let two = FILE.replacen(provider, &format!("{provider}  {other}"), 1);
    for year in ["2018-19", "2019-20", "2021-22"] {
        let coded = year.replace('-', "")[2..].to_owned();
        let file = two
            .replace("2018-19", year)
            .replace(">1819<", &format!(">{coded}<"));
        let report = bench.ilr(&file).await;
        assert_eq!(codes(&report), ["ilr-element-repeated"], "{year}");
    }
    assert!(bench.shown().await.is_empty());
}

#[tokio::test]
async fn a_later_enrolment_on_the_same_aim_is_no_correction() {
    let bench = Bench::asked().await;
    bench.ilr(FILE).await;
    let next = later(FILE, 1)
        .replace("2018-19", "2020-21")
        .replace(">1819<", ">2021<")
        .replace("2018-10-01", "2020-10-01")
        .replace("2019-03-29", "2021-03-29");
    let report = bench.ilr(&next).await;
    assert!(
        !codes(&report).contains(&"same-or-new"),
        "{}",
        report.text()
    );
}

#[tokio::test]
async fn what_makes_a_file_unreadable_is_named_with_its_line() {
    let bench = Bench::asked().await;
    let cut = &FILE[..FILE.find("<ULN>9999999999").unwrap()];
    let line = |text: &str| text.matches('\n').count() as u64 + 1;
    let mixed = FILE.replacen(
        "<ULN>9999999999",
        "<ULN xmlns=\"SFA/ILR/2017-18\">9999999999",
        1,
    );
    for (text, code, at) in [
        (
            FILE.replace("ESFA/ILR/2018-19\"", "urn:other\""),
            "ilr-namespace",
            3,
        ),
        (
            FILE.replace("ESFA/ILR/2018-19", "ESFA/ILR/2031-32"),
            "ilr-year",
            3,
        ),
        (FILE.replace(">1819<", ">1718<"), "ilr-value", 7),
        (FILE.replace("Message", "Massage"), "ilr-root", 3),
        (mixed, "ilr-namespaces-mixed", line(cut)),
        (cut.to_owned(), "xml-truncated", line(cut)),
        (
            FILE.replacen("<Message", "<!DOCTYPE m [<!ENTITY a \"b\">]>\n<Message", 1),
            "xml-doctype",
            3,
        ),
        (FILE.replacen("Wren", "&wren;", 1), "xml-entity", 25),
        (FILE.replacen("</Sex>", "</Six>", 1), "xml-form", 28),
        (String::new(), "file-empty", 1),
        ("provider,aim\n".to_owned(), "ilr-not-xml", 1),
    ] {
        let valid = Options {
            valid_rows: true,
            ..Options::default()
        };
        let report = bench.ilr_with(text.as_bytes(), &valid).await;
        assert_eq!(report.outcome, Outcome::Refused, "{code}");
        let first = &report.problems.detailed()[0];
        assert_eq!((first.code, first.line), (code, at), "{}", report.text());
        assert!(!CANARIES.iter().any(|canary| report.text().contains(canary)));
    }
    assert!(bench.shown().await.is_empty());
    let empty = format!("{}</Message>", &FILE[..FILE.find("  <Learner>").unwrap()]);
    assert_eq!(codes(&bench.ilr(&empty).await), ["ilr-empty"]);
}

#[tokio::test]
async fn a_file_on_one_line_counts_deliveries() {
    let bench = Bench::asked().await;
    let flat: String = FILE.lines().map(str::trim_start).collect();
    let report = bench.ilr(&flat).await;
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Stored, 5),
        "{}",
        report.text()
    );
    assert!(summary(&report).counts_deliveries);
    let bad = later(&flat, 1).replace("<Ethnicity>44", "<Ethnicity>77");
    let report = bench.ilr(&bad).await;
    let found: Vec<_> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.field, p.code))
        .collect();
    assert_eq!(found, [(7, Some("Ethnicity"), "ilr-code-unknown")]);
    mapping::say_code(&bench.store, "ethnicity", "77", "Black", "ann", now())
        .await
        .unwrap();
    assert_eq!(bench.ilr(&bad).await.outcome, Outcome::Stored);
}

/// A file as a system without end would send it: read piece by piece, rewound once.
struct Endless {
    head: Vec<u8>,
    learners: u64,
    at: u64,
    piece: Cursor<Vec<u8>>,
}

impl Endless {
    fn new(learners: u64) -> Self {
        let head = &FILE[..FILE.find("  <Learner>").unwrap()];
        Self {
            head: head.as_bytes().to_vec(),
            learners,
            at: 0,
            piece: Cursor::new(head.as_bytes().to_vec()),
        }
    }

    fn learner(n: u64) -> String {
        let from = FILE.find("  <Learner>").unwrap();
        let to = from + FILE[from..].find("  </Learner>\n").unwrap() + 13;
        FILE[from..to]
            .replace("LA 1", &format!("L{n}"))
            .replace("1000000027", "9999999999")
    }
}

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.piece.read(buffer)?;
            if n > 0 || self.at > self.learners {
                return Ok(n);
            }
            let text = if self.at < self.learners {
                Self::learner(self.at)
            } else {
                "</Message>".to_owned()
            };
            self.at += 1;
            self.piece = Cursor::new(text.into_bytes());
        }
    }
}

impl std::io::Seek for Endless {
    fn seek(&mut self, _to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.at = 0;
        self.piece = Cursor::new(self.head.clone());
        Ok(0)
    }
}

#[tokio::test]
async fn however_long_a_file_one_learner_is_held_at_a_time() {
    let bench = Bench::asked().await;
    let mut most = Vec::new();
    for learners in [10, 3_000] {
        let report = crate::import::ilr(
            &bench.store,
            &bench.key,
            Endless::new(learners),
            &Options {
                dry_run: true,
                ..Options::default()
            },
            now(),
        )
        .await
        .unwrap();
        assert_eq!(report.tally.added, learners, "{}", report.text());
        most.push(summary(&report).most_waiting);
    }
    assert_eq!(most, [1, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Bytes of the sample are changed, cut, doubled: the import ends with a report, stores nothing that it refuses, and quotes nothing.
    #[test]
    fn a_mutated_ilr_neither_panics_nor_is_quoted(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, any::<u8>(), 1..40_usize), 1..6),
    ) {
        let mut bytes = [FILE, ALL[0], ALL[1]][which].as_bytes().to_vec();
        for (at, how, byte, length) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.drain(at..end); }
                2 => { let piece = bytes[at..end].to_vec(); bytes.splice(at..at, piece); }
                3 => bytes.truncate(at),
                4 => { bytes.splice(at..at, *b"<Learner>"); }
                _ => { bytes.splice(at..at, *b"Canary&#x26;"); }
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::asked().await;
            let report = bench.ilr_with(&bytes, &Options::default()).await;
            let mut csv = Vec::new();
            report.csv(&mut csv).unwrap();
            let mut said = format!("{}{}", report.text(), report.json());
            let _written = write!(said, "{}", String::from_utf8_lossy(&csv));
            for canary in CANARIES {
                prop_assert!(!said.contains(canary), "{canary}: {said}");
            }
            if report.outcome == Outcome::Refused {
                prop_assert!(report.problems.total() > 0);
                prop_assert!(bench.shown().await.is_empty());
            }
            Ok(())
        })?;
    }
}
