//! Files that are no CSV, too wide, too long or cut off: refused with a reason, early, and nothing stored.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// `start`, and then `filler` again and again up to `length` bytes; counts what is taken.
struct Endless {
    start: Cursor<Vec<u8>>,
    filler: &'static [u8],
    left: u64,
    taken: Arc<AtomicU64>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut n = self.start.read(buffer)?;
        if n == 0 {
            let room = buffer.len().min(usize::try_from(self.left).unwrap());
            for (place, byte) in buffer[..room].iter_mut().zip(self.filler.iter().cycle()) {
                *place = *byte;
            }
            n = room;
        }
        self.left = self.left.saturating_sub(n as u64);
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

const TEN_GB: u64 = 10_000_000_000;

/// Imports ten gigabytes and gives the report, once it is sure that they were not read.
async fn ten_gigabytes(bench: &Bench, start: &str, filler: &'static [u8]) -> ImportReport {
    let taken = Arc::new(AtomicU64::new(0));
    let source = Endless {
        start: Cursor::new(start.as_bytes().to_vec()),
        filler,
        left: TEN_GB,
        taken: taken.clone(),
    };
    let options = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = crate::import::learners(&bench.store, &bench.key, source, &options, now())
        .await
        .unwrap();
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 1024 * 1024, "{taken} bytes were read");
    assert_eq!(report.outcome, Outcome::Refused);
    assert_eq!(bench.dump().await.len(), 0);
    report
}

/// The only problem of a report.
fn only(report: &ImportReport) -> (u64, &'static str) {
    let [problem] = report.problems.detailed() else {
        panic!("{}", report.text());
    };
    assert!(!problem.cause.is_empty() && !problem.remedy.is_empty());
    (problem.line, problem.code)
}

#[tokio::test]
async fn a_line_of_ten_gigabytes_is_refused_after_its_first_kilobytes() {
    let bench = Bench::new().await;
    let first = row(1, &[]);
    for (start, filler, line) in [
        (String::new(), &b"x"[..], 1),
        (String::new(), b"provider,", 1),
        (format!("{HEADER}\n"), b"x", 2),
        (format!("{HEADER}\n{first}\n"), b",", 3),
        (format!("{HEADER}\n{first}\n\""), b"Acme\n", 3),
        (format!("{HEADER}\n{first}\nAcme,\""), b"\"\"", 3),
    ] {
        let report = ten_gigabytes(&bench, &start, filler).await;
        assert_eq!(only(&report), (line, "record-size"), "{}", report.text());
    }
    let report = ten_gigabytes(&bench, &format!("{HEADER}\n"), b"\0").await;
    assert_eq!(only(&report).1, "encoding");
    let report = ten_gigabytes(&bench, "", b"\0").await;
    assert_eq!(only(&report).1, "encoding");
}

#[tokio::test]
async fn ten_thousand_columns_are_counted_and_the_first_are_named() {
    let bench = Bench::new().await;
    let names: Vec<String> = (0..10_000).map(|n| format!("c{n}")).collect();
    let fields = vec!["1"; 10_000].join(",");
    for header in [
        names.join(","),
        format!("{HEADER},{}", names.join(",")),
        vec!["sex"; 10_000].join(","),
    ] {
        let text = format!("{header}\n{fields}\n");
        let report = bench
            .with(text.as_bytes(), &Options::default())
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Refused);
        let shown = report.problems.detailed().len();
        assert!(
            (1..=crate::import::report::DETAILED).contains(&shown),
            "{shown}"
        );
        assert!(!report.text().contains("c9999"), "no name is quoted");
        assert!(report.text().len() < 400_000, "{}", report.text().len());
    }
    // A header of 25 columns over rows of 10,000 fields.
    let report = bench.rows(&[&fields]).await;
    assert_eq!(only(&report), (2, "field-count"));
    assert_eq!(bench.dump().await.len(), 0);
}

#[tokio::test]
async fn line_ends_may_be_of_either_kind_but_not_carriage_returns_alone() {
    let bench = Bench::new().await;
    let good = file(&[&row(1, &[]), &row(2, &[])]);
    let old = good.replace('\n', "\r");
    for text in [old.clone(), format!("\u{feff}{old}")] {
        let report = bench
            .with(text.as_bytes(), &Options::default())
            .await
            .unwrap();
        assert_eq!(only(&report), (1, "line-ends"), "{}", report.text());
        assert!(report.text().contains("CSV UTF-8"));
    }
    assert_eq!(bench.dump().await.len(), 0);
    for text in [
        good.replace('\n', "\r\n"),
        format!("\u{feff}{good}"),
        good.trim_end().to_owned(),
    ] {
        let report = bench
            .with(text.as_bytes(), &Options::default())
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
        assert_eq!(bench.dump().await.len(), 2);
    }
}

/// Reproduction: of a file with the line ends of Windows each problem was told one line too high.
#[tokio::test]
async fn a_problem_stands_on_its_own_line_whatever_the_line_ends() {
    let bench = Bench::new().await;
    let rows = [row(1, &[]), row(2, &[("stage", "walking")]), row(3, &[])];
    let good = file(&[&rows[0], &rows[1], &rows[2]]);
    for text in [good.clone(), good.replace('\n', "\r\n")] {
        let report = bench
            .with(text.as_bytes(), &Options::default())
            .await
            .unwrap();
        assert_eq!(only(&report).0, 3, "{}", report.text());
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_in_a_row_is_refused_wherever_it_does() {
    let bench = Bench::new().await;
    let rows: Vec<String> = (0..3).map(|n| row(n, &[])).collect();
    let text = file(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    let commas = text[last..].match_indices(',').map(|(at, _)| last + at);
    // At a comma, and between two; the end of the last field cannot be told from a whole row.
    for cut in commas.flat_map(|at| [at, at + 1]).collect::<Vec<_>>() {
        let report = bench
            .with(&text.as_bytes()[..cut], &Options::default())
            .await
            .unwrap();
        let whole = text[..cut].matches(',').count() == text.matches(',').count();
        assert!(
            whole || report.outcome == Outcome::Refused,
            "{cut}: {}",
            report.text()
        );
        assert!(report.problems.detailed().iter().all(|p| p.line == 4));
    }
}

#[tokio::test]
async fn a_programme_file_is_held_to_the_same() {
    let bench = Bench::new().await;
    let wide: Vec<u8> = PROGRAMMES
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let western: Vec<u8> = PROGRAMMES
        .bytes()
        .map(|b| if b == b'.' { 0xE9 } else { b })
        .collect();
    let before = bench.store.programmes().await.unwrap().len();
    for (bytes, code) in [
        (wide, "encoding"),
        (western, "encoding"),
        (PROGRAMMES.replace("P1", "P\0").into_bytes(), "encoding"),
        (PROGRAMMES.replace('\n', "\r").into_bytes(), "line-ends"),
        (
            PROGRAMMES.replace("P2,", "P2,\"").into_bytes(),
            "unclosed-quote",
        ),
        (Vec::new(), "file-empty"),
        (super::file(&[]).into_bytes(), "kind-learners"),
        (PROGRAMMES.lines().next().unwrap().into(), "no-rows"),
        (
            PROGRAMMES.replacen("name", "provider", 1).into_bytes(),
            "column-duplicate",
        ),
    ] {
        let source = Cursor::new(bytes);
        let report = crate::import::programmes(&bench.store, source, &Options::default(), now())
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Refused, "{code}");
        assert!(
            report.problems.by_code().contains_key(code),
            "{}",
            report.text()
        );
    }
    assert_eq!(bench.store.programmes().await.unwrap().len(), before);
}
