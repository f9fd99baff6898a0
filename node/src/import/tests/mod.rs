//! The import as a whole, on a real store.

mod bad_input;
mod books;
mod cancelled;
mod demand;
mod files;
mod first;
mod histories;
mod identity;
mod ilr;
mod mapped;
mod properties;
mod safety;
mod services;
mod survey;
mod vacancies;

use std::io::Cursor;

use jiff::Timestamp;
use tempfile::TempDir;

use super::mapping::{Kind, Reading};
use super::pseudonym::PseudonymKey;
use super::report::{ImportReport, Outcome};
use super::{Doubtful, ImportError, Options};
use crate::store::Store;
use crate::store::imports::Tally;

/// 1 August 2022, noon in London.
fn now() -> Timestamp {
    "2022-08-01T11:00:00Z".parse().unwrap()
}

/// A node of the Black Country with two programmes and three postcodes: ours, another LEP's, Wales.
struct Bench {
    dir: TempDir,
    store: Store,
    key: PseudonymKey,
}

const HEADER: &str = "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,postcode,district,aim,programme,skill,mode,start,planned_end,end,stage,destination_3m,destination_6m,destination_12m,confidence_before,confidence_after,everyday_before,everyday_after";

const PROGRAMMES: &str = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n\
    P1,Get online,Acme College,basic,short-course,older-people,Council,12500.50,40,2021-09-01,2022-07-31\n\
    P2,Cloud bootcamp,Acme College,Advanced,Bootcamp,people out of work,,,,,\n";

const POSTCODES: &str = "pcd,pcds,oslaua\nB70 1AA,B70 1AA,E08000028\nTS24 1AA,TS24 1AA,E06000001\nCF101AA,CF10 1AA,W06000015\nJE2 3AA,JE2 3AA,L99999999\n";

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.db")).await.unwrap();
        let lep = "E37000001".parse().unwrap();
        assert!(store.set_identity(&lep, now()).await.unwrap());
        let bench = Self {
            dir,
            store,
            key: PseudonymKey::from_bytes([5; 32]),
        };
        let report = bench.programmes(PROGRAMMES).await;
        assert_eq!(report.tally.added, 2, "{}", report.text());
        let report = super::postcodes(
            &bench.store,
            Cursor::new(POSTCODES),
            &Options::default(),
            now(),
        )
        .await
        .unwrap();
        assert_eq!(
            (report.tally.added, report.tally.outside),
            (3, 1),
            "{}",
            report.text()
        );
        bench
    }

    async fn programmes(&self, text: &str) -> ImportReport {
        let source = Cursor::new(text.to_owned());
        super::programmes(&self.store, source, &Options::default(), now())
            .await
            .unwrap()
    }

    async fn with(&self, bytes: &[u8], options: &Options) -> Result<ImportReport, ImportError> {
        let source = Cursor::new(bytes.to_vec());
        super::learners(&self.store, &self.key, source, options, now()).await
    }

    /// Imports a file as a person's browser or command does.
    async fn file(&self, bytes: &[u8], reading: &Reading) -> ImportReport {
        let file = (Kind::Learners, Cursor::new(bytes.to_vec()));
        super::file(
            &self.store,
            &self.key,
            file,
            reading,
            &Options::default(),
            now(),
        )
        .await
        .unwrap()
    }

    /// Imports rows below the usual header.
    async fn rows(&self, rows: &[&str]) -> ImportReport {
        self.with(file(rows).as_bytes(), &Options::default())
            .await
            .unwrap()
    }

    /// Everything about every enrolment, one line each.
    async fn dump(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT concat_ws('|', hex(spell), hex(learner), provider, aim, programme, coalesce(district, '-'), \
             in_area, enters, skill, mode, age, sex, ethnicity, disability, prior, start_day, \
             coalesce(planned_end_day, '-'), coalesce(end_day, '-'), stage, coalesce(destination_3m, '-'), \
             coalesce(destination_6m, '-'), coalesce(destination_12m, '-'), coalesce(confidence, '-'), \
             coalesce(everyday, '-'), counted) FROM enrolments ORDER BY id",
        )
        .fetch_all(&self.store.reader)
        .await
        .unwrap()
    }

    async fn flags(&self, column: &str) -> Vec<i64> {
        let sql = format!("SELECT {column} FROM enrolments ORDER BY id");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.store.reader)
            .await
            .unwrap()
    }
}

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// A good row of learner `n`; `change` replaces fields by column name.
fn row(n: usize, change: &[(&str, &str)]) -> String {
    let mut fields: Vec<String> = "Acme College,L1,,1980-05-17,female,asian,no,unemployed,,E08000028,AIM1,P1,transacting,online,2021-10-04,2022-01-31,2022-02-01,achieved,further-learning,,,3,7,5,5"
        .split(',')
        .map(str::to_owned)
        .collect();
    fields[1] = format!("L{n}");
    for (column, value) in change {
        let at = HEADER.split(',').position(|name| name == *column).unwrap();
        fields[at] = (*value).to_owned();
    }
    fields.join(",")
}

fn tally(added: u64, changed: u64, unchanged: u64) -> Tally {
    Tally {
        rows: added + changed + unchanged,
        added,
        changed,
        unchanged,
        ..Tally::default()
    }
}

#[tokio::test]
async fn a_uln_that_is_issued_later_makes_no_second_enrolment() {
    let bench = Bench::new().await;
    let unknown = row(1, &[("uln", "9999999999")]);
    let known = row(1, &[("uln", "1000000027")]);
    assert_eq!(bench.rows(&[&unknown]).await.tally, tally(1, 0, 0));
    assert_eq!(bench.rows(&[&known]).await.tally, tally(0, 0, 1));
    // Left out again, it is not forgotten.
    assert_eq!(bench.rows(&[&unknown]).await.tally, tally(0, 0, 1));
    assert_eq!(bench.flags("enters").await, [1]);
}

#[tokio::test]
async fn two_of_a_person_enter_when_the_uln_ties_providers_together() {
    let bench = Bench::new().await;
    let at = |n: usize, provider: &str, uln: &str| row(n, &[("provider", provider), ("uln", uln)]);
    let (a, b) = (
        at(1, "Acme College", "1000000027"),
        at(2, "Beta College", "1000000027"),
    );
    let unknown = at(3, "Gamma College", "");
    bench.rows(&[&a, &b, &unknown]).await;
    assert_eq!(bench.flags("enters").await, [1, 1, 1]);
    // Nothing was counted yet, so the third is decided again when the person turns out to be the same.
    bench.rows(&[&at(3, "Gamma College", "1000000027")]).await;
    assert_eq!(bench.flags("enters").await, [1, 1, 0]);
}

#[tokio::test]
async fn a_corrected_district_decides_again_until_something_was_counted() {
    let bench = Bench::new().await;
    let wrong = row(1, &[("district", "E06000001")]);
    let right = row(1, &[]);
    bench.rows(&[&wrong]).await;
    assert_eq!(bench.flags("enters").await, [0]);
    bench.rows(&[&right]).await;
    assert_eq!(bench.flags("enters").await, [1]);
    sqlx::query("UPDATE enrolments SET counted = 1")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    bench.rows(&[&wrong]).await;
    assert_eq!(bench.flags("enters").await, [1]);
    assert_eq!(bench.flags("in_area").await, [0]);
}

#[tokio::test]
async fn a_row_becomes_codes() {
    let bench = Bench::new().await;
    let report = bench.rows(&[&row(1, &[])]).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let dump = bench.dump().await;
    let fields: Vec<&str> = dump[0].split('|').skip(2).collect();
    // Codes are positions in the standard; days since 1970-01-01 by `date -d 2021-10-04 +%s`/86400.
    assert_eq!(
        fields,
        [
            "Acme College",
            "AIM1",
            "1",
            "E08000028",
            "1",
            "1",
            "3",
            "1",
            "2",
            "0",
            "0",
            "1",
            "2",
            "18904",
            "19023",
            "19024",
            "1",
            "1",
            "-",
            "-",
            "2",
            "1",
            "0"
        ]
    );
}

#[tokio::test]
async fn importing_again_changes_nothing_and_a_correction_changes_its_row() {
    let bench = Bench::new().await;
    let rows: Vec<String> = (0..1_300).map(|n| row(n, &[])).collect();
    let text = file(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let run = async |text: &str| {
        bench
            .with(text.as_bytes(), &Options::default())
            .await
            .unwrap()
    };
    assert_eq!(run(&text).await.tally, tally(1_300, 0, 0));
    let before = bench.dump().await;
    assert_eq!(run(&text).await.tally, tally(0, 0, 1_300));
    assert_eq!(bench.dump().await, before);
    sqlx::query("UPDATE enrolments SET counted = 3, enters = 0 WHERE id = 700")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    let corrected = row(699, &[("sex", "male"), ("everyday_after", "2")]);
    let report = bench.rows(&[&corrected]).await;
    assert_eq!(report.tally, tally(0, 1, 0));
    let after = bench.dump().await;
    let differs: Vec<_> = (0..1_300).filter(|n| before[*n] != after[*n]).collect();
    assert_eq!(differs, [699]);
    assert_eq!(bench.flags("counted").await[699], 3);
    assert_eq!(bench.flags("enters").await[699], 0);
}

#[tokio::test]
async fn a_learners_first_two_enrolments_in_the_area_enter() {
    let bench = Bench::new().await;
    let aims = |range: std::ops::Range<usize>, change: &[(&str, &str)]| -> Vec<String> {
        range
            .map(|n| {
                let aim = format!("A{n}");
                let mut change = change.to_vec();
                change.extend([
                    ("aim", aim.as_str()),
                    ("uln", "1000000027"),
                    ("stage", "in-progress"),
                ]);
                change.extend([("end", ""), ("destination_3m", "")]);
                row(n, &change)
            })
            .collect()
    };
    let options = Options {
        doubtful: Doubtful::New,
        ..Options::default()
    };
    let import = async |rows: Vec<String>| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let report = bench.with(file(&rows).as_bytes(), &options).await.unwrap();
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    };
    import(aims(0..1, &[("district", "E06000001")])).await;
    import(aims(1..2, &[])).await;
    import(aims(2..5, &[])).await;
    assert_eq!(bench.flags("enters").await, [0, 1, 1, 0, 0]);
    // Moving the first one into the area does not make it enter after all.
    import(aims(0..1, &[])).await;
    assert_eq!(bench.flags("enters").await, [0, 1, 1, 0, 0]);
    assert_eq!(bench.flags("in_area").await, [1, 1, 1, 1, 1]);
    let held = bench
        .store
        .exact_held(4, 5)
        .await
        .unwrap()
        .for_signed_in_page();
    assert_eq!((held.learners, held.outside, held.local_only), (1, 0, 3));
    assert_eq!(held.tier_by_stage[0][0], 5);
    let programmes = bench
        .store
        .exact_programmes(1)
        .await
        .unwrap()
        .for_signed_in_page();
    assert_eq!((programmes[0].enrolments, programmes[1].enrolments), (5, 0));
}

#[tokio::test]
async fn a_learner_is_known_by_uln_or_by_the_providers_reference() {
    let bench = Bench::new().await;
    let rows = [
        row(1, &[("uln", "1000000027"), ("aim", "A1")]),
        row(
            2,
            &[
                ("uln", "1000000027"),
                ("aim", "A2"),
                ("provider", "Other Trust"),
            ],
        ),
        row(3, &[("uln", "9999999999"), ("aim", "A3")]),
        row(3, &[("aim", "A4"), ("provider", "  ACME   college ")]),
        row(3, &[("aim", "A5"), ("provider", "Other Trust")]),
    ];
    let report = bench.rows(&rows.each_ref().map(String::as_str)).await;
    assert_eq!(report.tally.added, 5, "{}", report.text());
    let learners: Vec<String> =
        sqlx::query_scalar("SELECT hex(learner) FROM enrolments ORDER BY id")
            .fetch_all(&bench.store.reader)
            .await
            .unwrap();
    assert_eq!(learners[0], learners[1]);
    assert_eq!(learners[2], learners[3]);
    assert_ne!(learners[2], learners[4]);
    assert_ne!(learners[0], learners[2]);
}

#[tokio::test]
async fn place_comes_from_district_or_postcode() {
    let bench = Bench::new().await;
    let place = |n, district, postcode| row(n, &[("district", district), ("postcode", postcode)]);
    let rows = [
        place(1, "", "b70 1aa"),
        place(2, "", "TS241AA"),
        place(3, "", "CF10 1AA"),
        place(4, "", ""),
        place(5, "", "ZZ99 9ZZ"),
        place(6, "e08000027", "not looked at"),
        place(7, "S12000033", ""),
    ];
    let report = bench.rows(&rows.each_ref().map(String::as_str)).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(report.tally.outside, 3);
    assert_eq!(bench.flags("in_area").await, [1, 0, 0, 1, 1, 1, 0]);
    let districts: Vec<Option<String>> =
        sqlx::query_scalar("SELECT district FROM enrolments ORDER BY id")
            .fetch_all(&bench.store.reader)
            .await
            .unwrap();
    let districts: Vec<_> = districts.iter().map(Option::as_deref).collect();
    assert_eq!(
        districts,
        [
            Some("E08000028"),
            Some("E06000001"),
            Some("W06000015"),
            None,
            None,
            Some("E08000027"),
            Some("S12000033")
        ]
    );
    assert!(report.text().contains("never published"));
}

#[tokio::test]
async fn blank_is_not_stated_and_age_may_stand_for_the_birth_date() {
    let bench = Bench::new().await;
    let header = HEADER.replace("birth_date", "age");
    let blank = row(
        1,
        &[
            ("birth_date", "64"),
            ("sex", ""),
            ("ethnicity", ""),
            ("disability", ""),
            ("prior_status", ""),
            ("skill", ""),
            ("mode", ""),
        ],
    );
    let text = format!("\u{feff}{header}\r\n{blank}\r\n,,,,,,,,,,,,,,,,,,,,,,,,\r\n");
    let report = bench
        .with(text.as_bytes(), &Options::default())
        .await
        .unwrap();
    assert_eq!(report.tally, tally(1, 0, 0), "{}", report.text());
    let dump = bench.dump().await;
    let fields: Vec<&str> = dump[0].split('|').skip(8).take(7).collect();
    assert_eq!(fields, ["13", "3", "3", "2", "5", "2", "6"]);
}

#[tokio::test]
async fn programmes_are_updated_by_code() {
    let bench = Bench::new().await;
    assert_eq!(bench.programmes(PROGRAMMES).await.tally, tally(0, 0, 2));
    let report = bench.programmes(&PROGRAMMES.replace("12500.50", "9")).await;
    assert_eq!(report.tally, tally(0, 1, 1));
    let programmes = bench.store.programmes().await.unwrap();
    assert_eq!(programmes[0].it.cost_pence, Some(900));
    let bad = PROGRAMMES
        .replace("Council", "jo@example.org")
        .replace("P2", "P1")
        .replace("12500.50", "-3");
    let report = bench.programmes(&bad).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let codes: Vec<_> = report.problems.by_code().keys().copied().collect();
    assert_eq!(codes, ["cost-form", "personal-data"]);
    assert_eq!(bench.store.imports(9).await.unwrap().len(), 4);
}
