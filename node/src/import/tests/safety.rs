//! What must never be kept, and what must survive.

use std::io::{self, Read};
use std::sync::mpsc;

use super::*;

/// Canaries of one learner: none may be found in any file of the node, nor in any report.
const CANARIES: [&str; 8] = [
    "1000000027",
    "REF-CANARY-77",
    "1971-03-09",
    "19710309",
    "B70 1AA",
    "B701AA",
    "Zebediah",
    "QQ123456C",
];

fn contains(haystack: &[u8], needle: &str) -> bool {
    let folded = haystack.to_ascii_lowercase();
    let needle = needle.to_lowercase();
    folded.windows(needle.len()).any(|w| w == needle.as_bytes())
}

fn reports(report: &ImportReport) -> Vec<u8> {
    let mut all = format!("{}{}{report:?}", report.text(), report.json()).into_bytes();
    report.csv(&mut all).unwrap();
    all
}

#[tokio::test]
async fn canaries_reach_neither_database_nor_report() {
    let bench = Bench::new().await;
    // The directory holds the postcode by right: ask for it under one that only the learner has.
    sqlx::query("DELETE FROM postcodes")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    sqlx::query("VACUUM")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    let secret = [
        ("uln", "1000000027"),
        ("learner_ref", "REF-CANARY-77"),
        ("birth_date", "1971-03-09"),
    ];
    let mut seen = Vec::new();
    for extra in [
        vec![],
        vec![("district", ""), ("postcode", "B70 1AA")],
        vec![("provider", "REF-CANARY-77 QQ123456C jo@example.org")],
        vec![
            ("sex", "Zebediah"),
            ("stage", "QQ123456C"),
            ("start", "B70 1AA"),
            ("district", "1000000027"),
        ],
        vec![
            ("aim", "1000000027"),
            ("programme", "Zebediah"),
            ("end", "1971-03-09"),
            ("confidence_before", "1000000027"),
        ],
    ] {
        let change: Vec<_> = secret.iter().copied().chain(extra).collect();
        let report = bench.rows(&[&row(1, &change)]).await;
        seen.extend(reports(&report));
        let options = Options {
            valid_rows: true,
            ..Options::default()
        };
        let mut columns = file(&[&row(1, &change)]).replace("everyday_after", "Zebediah");
        columns.push_str("\"1971-03-09,QQ123456C");
        let report = bench.with(columns.as_bytes(), &options).await.unwrap();
        seen.extend(reports(&report));
    }
    assert_eq!(bench.dump().await.len(), 1, "the good row is stored");
    bench.store.close().await;
    for entry in std::fs::read_dir(bench.dir.path()).unwrap() {
        seen.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(
        contains(&seen, "Acme College"),
        "the scan sees what is stored"
    );
    for canary in CANARIES {
        assert!(!contains(&seen, canary), "{canary} was kept");
    }
}

#[tokio::test]
async fn a_dry_run_and_a_refused_file_store_nothing() {
    let bench = Bench::new().await;
    let rows: Vec<String> = (0..1_200).map(|n| row(n, &[])).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = bench.with(file(&rows).as_bytes(), &dry).await.unwrap();
    assert_eq!(
        (report.outcome, report.tally),
        (Outcome::Checked, tally(1_200, 0, 0))
    );
    rows.push("late,and,short");
    let report = bench.rows(&rows).await;
    assert_eq!(
        (report.outcome, report.tally.refused),
        (Outcome::Refused, 1)
    );
    assert_eq!(bench.dump().await.len(), 0);
    assert_eq!(bench.store.imports(9).await.unwrap().len(), 2);
    let valid = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.with(file(&rows).as_bytes(), &valid).await.unwrap();
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Stored, 1_200)
    );
    let report = bench.with(file(&["bad"]).as_bytes(), &valid).await.unwrap();
    assert_eq!(report.outcome, Outcome::Refused, "no row is valid");
}

/// Gives `text`, says so, and then waits until it is let go.
struct Stalling {
    text: io::Cursor<String>,
    reached: Option<tokio::sync::oneshot::Sender<()>>,
    release: mpsc::Receiver<()>,
}

impl Read for Stalling {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.text.read(buffer)?;
        if n == 0
            && let Some(reached) = self.reached.take()
        {
            reached.send(()).unwrap();
            // The sender's end is dropped at the end of the test.
            self.release.recv().unwrap_err();
        }
        Ok(n)
    }
}

#[tokio::test]
async fn killed_half_way_the_store_is_as_it_was() {
    let bench = Bench::new().await;
    bench.rows(&[&row(1, &[])]).await;
    let before = bench.dump().await;
    let rows: Vec<String> = (0..5_000).map(|n| row(n, &[])).collect();
    let text = file(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let (reached, at_the_end) = tokio::sync::oneshot::channel();
    let (release, waiting) = mpsc::channel();
    let source = Stalling {
        text: io::Cursor::new(text.clone()),
        reached: Some(reached),
        release: waiting,
    };
    let (store, key) = (bench.store.clone(), bench.key.clone());
    let import = tokio::spawn(async move {
        crate::import::learners(&store, &key, source, &Options::default(), now()).await
    });
    at_the_end.await.unwrap();
    import.abort();
    assert!(import.await.unwrap_err().is_cancelled());
    drop(release);
    assert_eq!(bench.dump().await, before);
    // The store goes on working, also after it was opened anew.
    let again = Store::open(&bench.dir.path().join("node.db"))
        .await
        .unwrap();
    assert_eq!(again.imports(9).await.unwrap().len(), 3);
    again.close().await;
    let report = bench
        .with(text.as_bytes(), &Options::default())
        .await
        .unwrap();
    assert_eq!(report.tally, tally(4_999, 0, 1));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_stores_nothing() {
    struct Torn(io::Cursor<String>);
    impl Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the stick was pulled out")),
                n => Ok(n),
            }
        }
    }
    let bench = Bench::new().await;
    let rows: Vec<String> = (0..2_000).map(|n| row(n, &[])).collect();
    let source = Torn(io::Cursor::new(file(
        &rows.iter().map(String::as_str).collect::<Vec<_>>(),
    )));
    let error =
        crate::import::learners(&bench.store, &bench.key, source, &Options::default(), now())
            .await
            .unwrap_err();
    assert!(matches!(error, ImportError::Read(_)), "{error}");
    assert_eq!(bench.dump().await.len(), 0);
}

async fn fails_with(pragma: &'static str, undo: &'static str, code: &str, next: &str) {
    let bench = Bench::new().await;
    let rows: Vec<String> = (0..3_000).map(|n| row(n, &[])).collect();
    let text = file(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    sqlx::query(pragma)
        .fetch_optional(&bench.store.writer)
        .await
        .unwrap();
    let error = bench
        .with(text.as_bytes(), &Options::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains(code), "{error}");
    assert!(error.next().contains(next), "{}", error.next());
    assert_eq!(bench.dump().await.len(), 0);
    sqlx::query(undo)
        .fetch_optional(&bench.store.writer)
        .await
        .unwrap();
    let report = bench
        .with(text.as_bytes(), &Options::default())
        .await
        .unwrap();
    assert_eq!(report.tally.added, 3_000);
}

#[tokio::test]
async fn a_full_disk_is_a_clear_error_and_loses_nothing() {
    fails_with(
        "PRAGMA max_page_count = 60",
        "PRAGMA max_page_count = 4294967294",
        "full",
        "Free space",
    )
    .await;
}

#[tokio::test]
async fn a_read_only_database_is_a_clear_error() {
    fails_with(
        "PRAGMA query_only = 1",
        "PRAGMA query_only = 0",
        "readonly",
        "writable",
    )
    .await;
}
