//! Workbooks: what is read of them, what is refused, and what may come that no program wrote.

use std::io::Write as _;

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use zip::write::SimpleFileOptions;

use super::*;

/// The fields of learner `n` that a good row has.
fn fields(n: usize) -> Vec<String> {
    row(n, &[]).split(',').map(str::to_owned).collect()
}

/// A workbook of rows in the contract's columns, dates as dates and whole numbers as numbers.
fn book(rows: &[Vec<String>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let sheet = book.add_worksheet().set_name("Learners").unwrap();
    for (column, name) in HEADER.split(',').enumerate() {
        sheet.write(0, column as u16, name).unwrap();
    }
    for (at, row) in rows.iter().enumerate() {
        for (column, text) in row.iter().enumerate() {
            let (at, column) = (at as u32 + 1, column as u16);
            if let Ok(day) = ExcelDateTime::parse_from_str(text).map_err(drop)
                && text.len() == 10
            {
                sheet.write_with_format(at, column, &day, &date).unwrap();
            } else if let Ok(number) = text.parse::<f64>() {
                sheet.write(at, column, number).unwrap();
            } else if !text.is_empty() {
                sheet.write(at, column, text).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn workbook(properties: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><workbook xmlns:r="r">{properties}<sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>"#
    )
}

/// A workbook by hand: this sheet, and what comes besides.
fn by_hand(properties: &str, sheet: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let workbook = workbook(properties);
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELS.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.extend(more);
    packed(&parts)
}

/// A sheet of the contract's header and one row; `change` replaces cells of it by column name.
fn sheet(change: &[(&str, &str)], behind: &str) -> String {
    let letter = |at: usize| crate::import::header::letters(at);
    let inline = |at: usize, line: usize, text: &str| {
        format!(
            r#"<c r="{}{line}" t="inlineStr"><is><t>{text}</t></is></c>"#,
            letter(at)
        )
    };
    let names: Vec<&str> = HEADER.split(',').collect();
    let head: String = names
        .iter()
        .enumerate()
        .map(|(at, name)| inline(at, 1, name))
        .collect();
    let cells: String = fields(1)
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let changed = change.iter().find(|(name, _)| *name == names[at]);
            match changed {
                Some((_, cell)) => cell.replace("REF", &format!("{}2", letter(at))),
                None => inline(at, 2, text),
            }
        })
        .collect();
    format!(
        r#"<?xml version="1.0"?><worksheet><sheetData><row r="1">{head}</row><row r="2">{cells}</row></sheetData>{behind}</worksheet>"#
    )
}

fn codes(report: &ImportReport) -> Vec<&'static str> {
    report.problems.by_code().keys().copied().collect()
}

#[tokio::test]
async fn a_workbook_gives_what_its_csv_gives() {
    let rows: Vec<Vec<String>> = (1..=150).map(fields).collect();
    let (one, other) = (Bench::new().await, Bench::new().await);
    let report = one.file(&book(&rows), &Reading::default()).await;
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let expected = other.rows(&lines).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    assert_eq!(report.tally, expected.tally);
    assert_eq!(one.dump().await, other.dump().await);
    assert!(report.digest.is_some());
}

#[tokio::test]
async fn dates_are_of_the_workbooks_own_calendar() {
    // 4 October 2021 in both calendars; the time of day says nothing.
    for (properties, serial) in [
        ("", "44473.75"),
        (r#"<workbookPr date1904="1"/>"#, "43011.5"),
    ] {
        let bench = Bench::new().await;
        let cell = format!(r#"<c r="REF" s="1"><v>{serial}</v></c>"#);
        let bytes = by_hand(properties, &sheet(&[("start", &cell)], ""), &[]);
        let report = bench.file(&bytes, &Reading::default()).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
        let plain = Bench::new().await;
        plain.rows(&[&row(1, &[])]).await;
        assert_eq!(bench.dump().await, plain.dump().await);
    }
}

#[tokio::test]
async fn cells_that_are_no_values_are_named_by_line_and_column() {
    for (column, cell, code) in [
        ("start", r#"<c r="REF" t="e"><v>#N/A</v></c>"#, "cell-error"),
        (
            "start",
            r#"<c r="REF"><f>TODAY()</f></c>"#,
            "formula-no-value",
        ),
        ("aim", r#"<c r="REF" s="1"><v>44473</v></c>"#, "cell-date"),
        (
            "learner_ref",
            r#"<c r="REF"><v>12345678901234567890</v></c>"#,
            "cell-number",
        ),
        // A number that nobody said is a date.
        ("start", r#"<c r="REF"><v>44473</v></c>"#, "date-form"),
    ] {
        let bench = Bench::new().await;
        let bytes = by_hand("", &sheet(&[(column, cell)], ""), &[]);
        let report = bench.file(&bytes, &Reading::default()).await;
        assert_eq!(codes(&report), [code], "{column} {}", report.text());
        let problem = &report.problems.detailed()[0];
        assert_eq!((problem.line, problem.field), (2, Some(column)));
        let at = HEADER.split(',').position(|name| name == column).unwrap();
        let letter = format!(
            "(Column {} of the file.)",
            crate::import::header::letters(at)
        );
        assert!(problem.cause.ends_with(&letter), "{}", problem.cause);
    }
}

#[tokio::test]
async fn the_value_that_was_saved_with_a_formula_is_read() {
    let bench = Bench::new().await;
    let cell = r#"<c r="REF" t="str"><f>"Acme"&amp;" College"</f><v>Acme College</v></c>"#;
    let bytes = by_hand("", &sheet(&[("provider", cell)], ""), &[]);
    let report = bench.file(&bytes, &Reading::default()).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
}

#[tokio::test]
async fn the_sheet_with_the_header_is_taken_and_otherwise_asked_for() {
    let rows = [fields(1)];
    let write = |sheet: &mut rust_xlsxwriter::Worksheet, header: bool| {
        for (column, name) in HEADER.split(',').enumerate() {
            if header {
                sheet.write(2, column as u16, name).unwrap();
            }
            let line = if header { 3 } else { 1 };
            sheet
                .write(line, column as u16, rows[0][column].as_str())
                .unwrap();
        }
    };
    let mut one = Workbook::new();
    one.add_worksheet()
        .set_name("Notes")
        .unwrap()
        .write(0, 0, "How to fill this in")
        .unwrap();
    let list = one.add_worksheet().set_name("List").unwrap();
    list.write(0, 0, "Learners of 2021").unwrap();
    write(list, true);
    let hidden = one.add_worksheet().set_name("Old").unwrap();
    write(hidden, true);
    hidden.set_hidden(true);
    let bench = Bench::new().await;
    let report = bench
        .file(&one.save_to_buffer().unwrap(), &Reading::default())
        .await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());

    let mut two = Workbook::new();
    for name in ["Autumn", "Spring"] {
        write(two.add_worksheet().set_name(name).unwrap(), true);
    }
    let bytes = two.save_to_buffer().unwrap();
    let bench = Bench::new().await;
    let report = bench.file(&bytes, &Reading::default()).await;
    assert_eq!(codes(&report), ["sheet-unclear"]);
    let named = |name: &str| Reading {
        sheet: Some(name.to_owned()),
        mapping: None,
    };
    assert_eq!(
        codes(&bench.file(&bytes, &named("Summer")).await),
        ["sheet-unknown"]
    );
    let report = bench.file(&bytes, &named("spring")).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
}

/// Each would be read as far as its first row while nobody else can write.
#[tokio::test]
async fn many_names_for_one_sheet_are_not_searched() {
    let names = |many: usize| -> String {
        (0..many)
            .map(|at| format!(r#"<sheet name="S{at}" sheetId="{at}" r:id="r1"/>"#))
            .collect()
    };
    for (many, code) in [(40, "sheet-unclear"), (41, "sheets-too-many")] {
        let text =
            workbook("").replace(r#"<sheet name="One" sheetId="1" r:id="r1"/>"#, &names(many));
        let sheet = sheet(&[], "");
        let bytes = packed(&[
            ("[Content_Types].xml", TYPES.as_bytes()),
            ("_rels/.rels", RELS.as_bytes()),
            ("xl/workbook.xml", text.as_bytes()),
            ("xl/_rels/workbook.xml.rels", BOOK_RELS.as_bytes()),
            ("xl/styles.xml", STYLES.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]);
        let bench = Bench::new().await;
        let report = bench.file(&bytes, &Reading::default()).await;
        assert_eq!(codes(&report), [code]);
        let named = Reading {
            sheet: Some("S7".to_owned()),
            mapping: None,
        };
        let report = bench.file(&bytes, &named).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    }
}

#[tokio::test]
async fn merged_cells_below_the_header_are_refused() {
    let merges =
        r#"<mergeCells count="2"><mergeCell ref="A1:A1"/><mergeCell ref="B2:B3"/></mergeCells>"#;
    let bench = Bench::new().await;
    let report = bench
        .file(&by_hand("", &sheet(&[], merges), &[]), &Reading::default())
        .await;
    assert_eq!(codes(&report), ["cells-merged"]);
    assert_eq!(report.problems.detailed()[0].line, 2);
}

#[tokio::test]
async fn other_files_are_refused_by_what_they_are() {
    let good = by_hand("", &sheet(&[], ""), &[]);
    let old = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    let with = |name: &str| {
        let mut bytes = old.clone();
        bytes.resize(70_000, 7);
        bytes.extend(name.bytes().flat_map(|byte| [byte, 0]));
        bytes
    };
    let (protected, word) = (with("EncryptedPackage"), with("WordDocument"));
    let root = ("_rels/.rels", TYPES.as_bytes());
    let types = ("[Content_Types].xml", TYPES.as_bytes());
    for (bytes, code) in [
        (old.clone(), "format-old"),
        (protected, "format-password"),
        (
            packed(&[
                (
                    "mimetype",
                    b"application/vnd.oasis.opendocument.spreadsheet",
                ),
                ("content.xml", b"<x/>"),
            ]),
            "format-ods",
        ),
        (
            packed(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", b"<x/>"),
            ]),
            "format-document",
        ),
        (word, "format-document"),
        (
            packed(&[types, root, ("word/document.xml", b"<x/>")]),
            "format-document",
        ),
        (packed(&[types, ("xl/workbook.bin", b"x")]), "format-xlsb"),
        (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\0".to_vec(),
            "format-pdf",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "format-picture"),
        (
            b"<Message xmlns=\"ESFA/ILR/2020-21\">".to_vec(),
            "format-ilr",
        ),
        (super::PROGRAMMES.as_bytes().to_vec(), "kind-programmes"),
        (packed(&[("learners.xlsx", &good)]), "format-zip"),
        (packed(&[("learners.csv", b"provider")]), "format-zip"),
        (good[..good.len() / 2].to_vec(), "workbook-damaged"),
    ] {
        let bench = Bench::new().await;
        let report = bench.file(&bytes, &Reading::default()).await;
        assert_eq!(codes(&report), [code], "{}", report.text());
        assert!(report.digest.is_none());
    }
}

#[tokio::test]
async fn bombs_are_refused_before_they_are_read() {
    let spaces = vec![b' '; 40 << 20];
    let zeros = vec![0; 40 << 20];
    let long = sheet(
        &[(
            "aim",
            &format!(
                r#"<c r="REF" t="inlineStr"><is><t>{}</t></is></c>"#,
                "x".repeat(300_000)
            ),
        )],
        "",
    );
    let runs = format!(
        r#"<c r="REF" t="inlineStr"><is>{}</is></c>"#,
        "<r><t>abcdefgh</t></r>".repeat(20_000)
    );
    let promised = br#"<?xml version="1.0"?><sst count="1" uniqueCount="99999999999999"><si><t>a</t></si></sst>"#;
    let unclosed = [&b"<sst "[..], &vec![b'a'; 2_000], b">"].concat();
    let entity = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><worksheet><sheetData/></worksheet>";
    let many: Vec<(String, Vec<u8>)> = (0..5_000)
        .map(|n| (format!("p{n}.xml"), b"<a/>".to_vec()))
        .collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let good = sheet(&[], "");
    let strings = format!("<sst>{}</sst>", "<si/>".repeat(2_000_001));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes, code) in [
        (
            "ratio",
            by_hand("", &good, &[("xl/media/a.png", &zeros)]),
            "workbook-size",
        ),
        (
            "spaces",
            by_hand("", &good, &[("xl/b.xml", &spaces)]),
            "workbook-size",
        ),
        ("text", by_hand("", &long, &[]), "workbook-size"),
        (
            "runs",
            by_hand("", &sheet(&[("aim", &runs)], ""), &[]),
            "workbook-size",
        ),
        (
            "promise",
            by_hand("", &good, &[("xl/sharedStrings.xml", promised)]),
            "workbook-size",
        ),
        (
            "unclosed",
            by_hand("", &good, &[("xl/sharedStrings.xml", &unclosed)]),
            "workbook-size",
        ),
        (
            "strings",
            by_hand("", &good, &[("xl/sharedStrings.xml", strings.as_bytes())]),
            "workbook-size",
        ),
        ("parts", by_hand("", &good, &many), "workbook-size"),
        ("entity", by_hand("", entity, &[]), "workbook-form"),
        (
            "utf-16",
            by_hand("", &good, &[("xl/b.xml", &utf16)]),
            "workbook-form",
        ),
    ] {
        let bench = Bench::new().await;
        let report = bench.file(&bytes, &Reading::default()).await;
        assert_eq!(codes(&report), [code], "{name}: {}", report.text());
    }
}

#[tokio::test]
async fn a_row_that_is_too_long_and_rows_out_of_order_end_the_reading() {
    let bench = Bench::new().await;
    let text = "x".repeat(30_000);
    let strings = format!("<sst><si><t>{text}</t></si></sst>");
    let wide: String = (30..40)
        .map(|at| {
            format!(
                r#"<c r="{}2" t="s"><v>0</v></c>"#,
                crate::import::header::letters(at)
            )
        })
        .collect();
    let long = sheet(&[], "").replace("</row></sheetData>", &format!("{wide}</row></sheetData>"));
    let bytes = by_hand("", &long, &[("xl/sharedStrings.xml", strings.as_bytes())]);
    let report = bench.file(&bytes, &Reading::default()).await;
    assert_eq!(codes(&report), ["record-size"], "{}", report.text());
    let again = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row></sheetData>"#;
    let back = sheet(&[], "").replace("</sheetData>", again);
    let report = bench
        .file(&by_hand("", &back, &[]), &Reading::default())
        .await;
    assert_eq!(codes(&report), ["workbook-damaged"], "{}", report.text());
    // A cell right of the table.
    let stray = sheet(&[], "").replace(
        "</row></sheetData>",
        r#"<c r="ZZ2"><v>1</v></c></row></sheetData>"#,
    );
    let report = bench
        .file(&by_hand("", &stray, &[]), &Reading::default())
        .await;
    assert_eq!(codes(&report), ["field-count"], "{}", report.text());
}

/// A part that says that it is packed in a way which nobody knows.
#[tokio::test]
async fn a_part_packed_in_an_unknown_way_is_damage() {
    let mut bytes = by_hand("", &sheet(&[], ""), &[]);
    // The method stands 10 bytes behind the mark of an entry of the directory, 8 behind that of the part itself (APPNOTE 4.3.7, 4.3.12).
    for (mark, behind) in [(b"PK\x01\x02", 10), (b"PK\x03\x04", 8)] {
        for at in 0..bytes.len() - 12 {
            if &bytes[at..at + 4] == mark {
                bytes[at + behind] = 217;
            }
        }
    }
    let bench = Bench::new().await;
    let report = bench.file(&bytes, &Reading::default()).await;
    assert_eq!(codes(&report), ["workbook-damaged"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes, there is a report, and nothing ends unexpectedly.
    #[test]
    fn a_damaged_workbook_gets_a_report(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        inner in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut bytes = if inner {
            // Damage behind the packing.
            let mut part = sheet(&[], "").into_bytes();
            for (at, byte) in &changes {
                let at = at.index(part.len());
                part[at] = *byte;
            }
            by_hand("", &String::from_utf8_lossy(&part), &[])
        } else {
            by_hand("", &sheet(&[], ""), &[])
        };
        if !inner {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if cut.index(3) == 0 {
                bytes.truncate(cut.index(bytes.len()).max(4));
            }
        }
        let report = runtime.block_on(async {
            let bench = Bench::new().await;
            bench.file(&bytes, &Reading::default()).await
        });
        prop_assert!(report.outcome == Outcome::Stored || report.problems.total() > 0);
    }
}
