//! Bad input, each case by name: the problem that is reported, and nothing stored.

use super::*;
use crate::import::{faults, report};

fn codes(report: &ImportReport) -> Vec<(Option<&'static str>, &'static str)> {
    report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.field, p.code))
        .collect()
}

/// One row with changed fields gives exactly these problems on line 2, and nothing is stored.
async fn refused(bench: &Bench, change: &[(&str, &str)], expected: &[(&str, &str)]) {
    let report = bench.rows(&[&row(1, change)]).await;
    let found: Vec<_> = codes(&report)
        .iter()
        .map(|(field, code)| (field.unwrap_or(""), *code))
        .collect();
    assert_eq!(found, expected, "{change:?}");
    assert!(report.problems.detailed().iter().all(|p| p.line == 2));
    assert_eq!(report.outcome, Outcome::Refused);
    assert_eq!(bench.dump().await.len(), 0);
}

#[tokio::test]
async fn fields() {
    let bench = Bench::new().await;
    for (change, expected) in [
        (vec![("provider", "")], vec![("provider", "required")]),
        (
            vec![("provider", "Ring 0121 496 0000")],
            vec![("provider", "personal-data")],
        ),
        (vec![("aim", "two words")], vec![("aim", "code-form")]),
        (vec![("aim", "1000000027")], vec![("aim", "personal-data")]),
        (
            vec![("learner_ref", "")],
            vec![("learner_ref", "learner-unknown")],
        ),
        (vec![("uln", "123")], vec![("uln", "uln-form")]),
        (vec![("uln", "1000000028")], vec![("uln", "uln-check")]),
        (
            vec![("programme", "P9")],
            vec![("programme", "programme-unknown")],
        ),
        (vec![("start", "04/10/2021")], vec![("start", "date-form")]),
        (vec![("start", "")], vec![("start", "required")]),
        (
            vec![("start", "2021-02-30")],
            vec![("start", "date-impossible")],
        ),
        (
            vec![
                ("start", "2022-08-02"),
                ("planned_end", ""),
                ("end", ""),
                ("stage", "in-progress"),
                ("destination_3m", ""),
            ],
            vec![("start", "start-future")],
        ),
        (
            vec![("start", "1999-12-31")],
            vec![("start", "start-early")],
        ),
        (
            vec![("end", "2021-10-03")],
            vec![("end", "end-before-start")],
        ),
        (
            vec![("planned_end", "2021-10-03")],
            vec![("planned_end", "end-before-start")],
        ),
        (
            vec![("end", "2022-08-02"), ("destination_3m", "")],
            vec![("end", "end-future")],
        ),
        (
            vec![("stage", "in-progress"), ("destination_3m", "")],
            vec![("end", "end-in-progress")],
        ),
        (
            vec![("end", ""), ("destination_3m", "")],
            vec![("end", "end-missing")],
        ),
        (
            vec![("stage", "finished")],
            vec![("stage", "stage-unknown")],
        ),
        (vec![("stage", "")], vec![("stage", "required")]),
        (
            vec![("birth_date", "2021-10-05")],
            vec![("birth_date", "birth-after-start")],
        ),
        (
            vec![("birth_date", "2017-10-05")],
            vec![("birth_date", "age-impossible")],
        ),
        (
            vec![("birth_date", "1900-01-01")],
            vec![("birth_date", "age-impossible")],
        ),
        (
            vec![("birth_date", "0980-01-01")],
            vec![("birth_date", "date-impossible")],
        ),
        (
            vec![("district", "Sandwell")],
            vec![("district", "district-form")],
        ),
        (
            vec![("district", "E99000001")],
            vec![("district", "district-unknown")],
        ),
        (
            vec![("district", ""), ("postcode", "none")],
            vec![("postcode", "postcode-form")],
        ),
        (
            vec![("district", ""), ("postcode", "B1 1AA")],
            vec![("postcode", "postcode-unknown")],
        ),
        (vec![("sex", "x")], vec![("sex", "code-unknown")]),
        (
            vec![("destination_3m", "moon")],
            vec![("destination_3m", "code-unknown")],
        ),
        (
            vec![("destination_12m", "none")],
            vec![("destination_12m", "destination-early")],
        ),
        (
            vec![("stage", "transferred")],
            vec![("destination_3m", "destination-open")],
        ),
        (
            vec![("confidence_before", "")],
            vec![("confidence_before", "pair-incomplete")],
        ),
        (
            vec![("confidence_before", "0"), ("confidence_after", "11")],
            vec![
                ("confidence_before", "confidence-range"),
                ("confidence_after", "confidence-range"),
            ],
        ),
        (
            vec![("everyday_before", "6")],
            vec![("everyday_before", "everyday-range")],
        ),
        (
            vec![("skill", "\"a\nb\"")],
            vec![("skill", "control-character")],
        ),
    ] {
        refused(&bench, &change, &expected).await;
    }
    let long = "x".repeat(1_001);
    refused(
        &bench,
        &[("provider", &long)],
        &[("provider", "field-size")],
    )
    .await;
    let all = [
        ("uln", "1"),
        ("sex", "x"),
        ("start", "soon"),
        ("district", "-"),
        ("programme", "?"),
    ];
    let report = bench.rows(&[&row(1, &all)]).await;
    assert_eq!(report.problems.total(), 5, "{}", report.text());
}

#[tokio::test]
async fn duplicates_within_a_file_also_across_batches() {
    let bench = Bench::new().await;
    let mut rows: Vec<String> = (0..700).map(|n| row(n, &[])).collect();
    rows.push(row(3, &[("sex", "male")]));
    rows.push(row(700, &[]));
    rows.push(row(700, &[]));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let report = bench.rows(&rows).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let found: Vec<_> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.code))
        .collect();
    assert_eq!(found, [(702, "duplicate"), (704, "duplicate")]);
    assert!(report.problems.detailed()[0].cause.contains("line 5"));
    assert_eq!(bench.dump().await.len(), 0);
    let options = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.with(file(&rows).as_bytes(), &options).await.unwrap();
    assert_eq!(
        (report.outcome, report.tally.added, report.tally.refused),
        (Outcome::Stored, 701, 2)
    );
}

async fn whole_file(bytes: &[u8], expected: &[(Option<&str>, &str)]) -> ImportReport {
    let bench = Bench::new().await;
    let options = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.with(bytes, &options).await.unwrap();
    assert_eq!(codes(&report), expected, "{}", report.text());
    assert_eq!(report.outcome, Outcome::Refused);
    assert_eq!(bench.dump().await.len(), 0);
    report
}

#[tokio::test]
async fn encodings() {
    let good = file(&[&row(1, &[])]);
    let wide = |be: bool, mark: bool| -> Vec<u8> {
        let units = mark
            .then_some(0xFEFF)
            .into_iter()
            .chain(good.encode_utf16());
        units
            .flat_map(|u| if be { u.to_be_bytes() } else { u.to_le_bytes() })
            .collect()
    };
    for bytes in [
        wide(true, true),
        wide(false, true),
        wide(true, false),
        wide(false, false),
    ] {
        let report = whole_file(&bytes, &[(None, "encoding")]).await;
        assert!(report.text().contains("UTF-16"));
    }
    let western = good.replace("Acme", "Caf?").into_bytes();
    let western: Vec<u8> = western
        .into_iter()
        .map(|b| if b == b'?' { 0xE9 } else { b })
        .collect();
    let report = whole_file(&western, &[(None, "encoding")]).await;
    assert!(report.text().contains("Windows-1252"));
    assert!(report.text().contains("CSV UTF-8"));
    whole_file(
        good.replace("Acme", "Ac\0me").as_bytes(),
        &[(None, "encoding")],
    )
    .await;
}

#[tokio::test]
async fn headers() {
    let one = row(1, &[]);
    whole_file(b"", &[(None, "file-empty")]).await;
    whole_file(one.as_bytes(), &[(None, "header-missing")]).await;
    whole_file(HEADER.as_bytes(), &[(None, "no-rows")]).await;
    let bars = file(&[&one]).replace(',', "|");
    whole_file(bars.as_bytes(), &[(None, "separator")]).await;
    let header = HEADER
        .replace("skill,mode", "mode,mode")
        .replace("birth_date,", "");
    let text = format!("{header},NI number,zzz\n{one},AB123456C,1\n");
    let report = whole_file(
        text.as_bytes(),
        &[
            (Some("ni_number"), "column-unknown"),
            (None, "column-unknown"),
            (Some("mode"), "column-duplicate"),
            (Some("skill"), "column-missing"),
            (Some("birth_date"), "column-missing"),
        ],
    )
    .await;
    assert!(report.text().contains("Column 26 (Z)"), "{}", report.text());
    assert!(report.text().contains("Remove the column"));
    assert!(!report.text().contains("zzz"));
}

#[tokio::test]
async fn quotation_marks_and_sizes() {
    let one = row(1, &[]);
    let open = file(&[&one, &row(2, &[("provider", "\"Acme")])]);
    let report = whole_file(
        open.as_bytes(),
        &[(None, "field-count"), (None, "unclosed-quote")],
    )
    .await;
    assert_eq!(report.problems.detailed()[1].line, 3);
    let many: Vec<String> = (0..900).map(|n| row(n, &[])).collect();
    let swallowed = format!("{}{}", open, many.join("\n"));
    let report = whole_file(swallowed.as_bytes(), &[(None, "record-size")]).await;
    assert_eq!(report.problems.detailed()[0].line, 3);
    let closed = file(&[&row(1, &[("provider", "\"Acme, \"\"the\"\" College\"")])]);
    let bench = Bench::new().await;
    let report = bench
        .with(closed.as_bytes(), &Options::default())
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let rows = [&one, "Acme,short", &one.replace("L1", "L2")];
    let options = Options {
        new_providers: true,
        ..Options::default()
    };
    let report = bench.with(file(&rows).as_bytes(), &options).await.unwrap();
    assert_eq!(codes(&report), [(None, "field-count")]);
    assert_eq!(report.problems.detailed()[0].line, 3);
}

#[tokio::test]
async fn a_long_report_is_counted() {
    let bench = Bench::new().await;
    let bad: Vec<String> = (0..report::DETAILED + 50)
        .map(|n| row(n, &[("sex", "?")]))
        .collect();
    let report = bench
        .rows(&bad.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    assert_eq!(report.problems.detailed().len(), report::DETAILED);
    assert_eq!(
        report.problems.by_code()["code-unknown"],
        report::DETAILED as u64 + 50
    );
    let mut csv = Vec::new();
    report.csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), report::DETAILED + 2);
    assert!(csv.contains("50 more problems of this kind"));
    assert_eq!(report.json()["problems"]["total"], report::DETAILED + 50);
}

#[tokio::test]
async fn postcode_files() {
    let bench = Bench::new().await;
    let run = async |text: &'static str| {
        crate::import::postcodes(&bench.store, Cursor::new(text), &Options::default(), now())
            .await
            .unwrap()
    };
    let report = run("pcds,lad22cd\nSW1A 1AA,E09000033\nnothing,E09000033\nM1 1AA,here\n").await;
    assert_eq!(
        codes(&report),
        [
            (Some("postcode"), "postcode-form"),
            (Some("district"), "district-form")
        ]
    );
    let report = run("pcds,ward\nSW1A 1AA,E09000033\n").await;
    assert_eq!(codes(&report), [(Some("district"), "column-missing")]);
    // The directory that was there is still there.
    let report = bench
        .rows(&[&row(1, &[("district", ""), ("postcode", "B70 1AA")])])
        .await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let report = run("PCD7,LAD23CD\nSW1A1AA,E09000033\nTA1 1AA,E06000066\n").await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    let moved = [
        row(2, &[("district", ""), ("postcode", "B70 1AA")]),
        row(3, &[("district", ""), ("postcode", "TA1 1AA")]),
    ];
    let report = bench.rows(&moved.each_ref().map(String::as_str)).await;
    assert_eq!(
        codes(&report),
        [
            (Some("postcode"), "postcode-unknown"),
            (Some("postcode"), "postcode-district")
        ]
    );
}

#[test]
fn every_fault_says_what_and_what_to_do() {
    for fault in faults::ALL {
        assert!(
            fault.cause.ends_with('.') && fault.remedy.ends_with('.'),
            "{}",
            fault.code
        );
        assert!(
            fault
                .code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{}",
            fault.code
        );
    }
}

/// Somebody at a page is told what to press, somebody at a terminal what to type.
#[test]
fn a_remedy_names_a_command_at_the_terminal_alone() {
    use crate::import::faults::{ALL, PROVIDER, at_terminal};
    for fault in ALL {
        let page = fault.remedy;
        assert!(
            !page.contains("ldsp-node") && !page.contains("--"),
            "{}: {page}",
            fault.code
        );
        let terminal = at_terminal(page);
        assert!(
            terminal == page || terminal.contains('`'),
            "{}: {terminal}",
            fault.code
        );
    }
    assert!(at_terminal(PROVIDER.remedy).contains("`--new-providers`"));
}
