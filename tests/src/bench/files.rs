//! Workbooks (XLSX) and Individualised Learner Records (ILR, XML): memory by size of the file, and how fast an ILR is read.
//!
//! A workbook's texts are shared between its cells, so whoever reads it holds all of them: memory follows the file, within the guard's bounds.
//! An ILR is read twice, once to learn what holds for all of it, once for its rows; its baseline is quick-xml reading the file once and
//! doing nothing with what it finds.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;
use rust_xlsxwriter::Workbook;
use tempfile::TempDir;

use super::node::{Taken, measured, path, prepared};
use super::{Bound, Report, Scale, records, timed};
use crate::program::Program;

/// Most memory that a workbook may take, in MB: so much for a small one,
const SHEET_BASE: f64 = 50.0;
/// and so many times the file's size.
const SHEET_TIMES: f64 = 2.0;
/// Most memory that an ILR may take, in MB, whatever its size.
const ILR_MEMORY: f64 = 150.0;
/// Most time, of what reading the file once takes.
const ILR_TIME: f64 = 12.0;

pub(super) fn run(scale: Scale) -> Report {
    let (rows, learners): ([u64; 3], u64) = match scale {
        Scale::Full => ([50_000, 100_000, 200_000], 140_000),
        Scale::Small => ([500, 1_000, 2_000], 500),
    };
    let dir = TempDir::new().expect("a temporary folder can be made");
    let mut report = Report::default();
    for rows in rows {
        workbook(dir.path(), rows, &mut report);
    }
    ilr(dir.path(), learners, &mut report);
    report
}

fn workbook(dir: &Path, rows: u64, report: &mut Report) {
    let file = dir.join("learners.xlsx");
    write_workbook(&file, rows);
    let bytes = fs::metadata(&file).map_or(0, |about| about.len()) as f64 / 1e6;
    let node = prepared(&dir.join(format!("sheet-{rows}")));
    let (taken, added) = import(&node, "learners", &file);
    assert_eq!(added, rows, "every row is there");
    report.point("files.xlsx.time", bytes, taken.time.as_secs_f64(), "s");
    report.point("files.xlsx.memory", bytes, taken.peak_mb, "MB");
    report.ratio(
        format!("files.xlsx.memory (peak/budget, {bytes:.1} MB)"),
        taken.peak_mb / (SHEET_BASE + SHEET_TIMES * bytes),
        Bound::AtMost(1.0),
    );
}

/// Imports; gives what it took and the number of new enrolments.
fn import(node: &Program, kind: &str, file: &Path) -> (Taken, u64) {
    let (outcome, taken) = measured(node, &["import", kind, path(file), "--json"], "");
    let tally = outcome.json();
    let added = tally["added"].as_u64().expect("a report has a tally");
    (taken, added)
}

fn write_workbook(file: &Path, rows: u64) {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0..).zip(records::lines(rows)) {
        for (column, text) in (0..)
            .zip(line.split(','))
            .filter(|(_, text)| !text.is_empty())
        {
            let written = sheet.write_string(row, column, text);
            written.expect("the sheet has room");
        }
    }
    book.save(file).expect("a temporary folder can be written");
}

fn ilr(dir: &Path, learners: u64, report: &mut Report) {
    let file = dir.join("ilr.xml");
    write_ilr(&file, learners);
    let bytes = fs::metadata(&file).map_or(0, |about| about.len()) as f64 / 1e6;
    let node = prepared(&dir.join("ilr"));
    node.run(&["ilr", "provider", UKPRN, "Sandwell College"])
        .done();
    let aim = [
        "ilr",
        "aim",
        "60990011",
        "--programme",
        "P00",
        "--skill",
        "transacting",
        "--mode",
        "online",
    ];
    node.run(&aim).done();
    let (taken, added) = import(&node, "ilr", &file);
    assert_eq!(added, learners, "one delivery of each learner is digital");
    let (events, alone) = timed(|| read_alone(&file));
    assert!(events > 50 * learners, "the whole file was read");
    let (ours, theirs) = (taken.time.as_secs_f64(), alone.as_secs_f64());
    report.figure("files.ilr.file", bytes, "MB");
    report.figure("files.ilr.rate", bytes / ours, "MB/s");
    report.figure("files.ilr.quick-xml.rate", bytes / theirs, "MB/s");
    report.ratio(
        "files.ilr.time (node/quick-xml)",
        ours / theirs,
        Bound::AtMost(ILR_TIME),
    );
    report.ratio(
        "files.ilr.memory (peak/150MB)",
        taken.peak_mb / ILR_MEMORY,
        Bound::AtMost(1.0),
    );
}

fn read_alone(file: &Path) -> u64 {
    let file = File::open(file).expect("a file that was just written");
    let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 16, file));
    let (mut buffer, mut events) = (Vec::new(), 0);
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return events,
            Ok(_) => events += 1,
            Err(error) => panic!("no XML: {error}"),
        }
        buffer.clear();
    }
}

const UKPRN: &str = "99000001";
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Message xmlns="ESFA/ILR/2018-19">
  <Header>
    <CollectionDetails><Collection>ILR</Collection><Year>1819</Year><FilePreparationDate>2019-10-17</FilePreparationDate></CollectionDetails>
    <Source><ProtectiveMarking>OFFICIAL-SENSITIVE-Personal</ProtectiveMarking><UKPRN>99000001</UKPRN><SerialNo>01</SerialNo><DateTime>2019-10-17T09:30:00</DateTime></Source>
  </Header>
  <LearningProvider><UKPRN>99000001</UKPRN></LearningProvider>
"#;

/// An ILR of `learners`, each with a digital delivery and a work placement, about 1.5 KB.
fn write_ilr(file: &Path, learners: u64) {
    let file = File::create(file).expect("a temporary folder can be written");
    let mut out = BufWriter::with_capacity(1 << 20, file);
    out.write_all(HEAD.as_bytes())
        .expect("a temporary folder can be written");
    let mut text = String::new();
    for n in 0..learners {
        text.clear();
        learner(n, &mut text);
        out.write_all(text.as_bytes())
            .expect("a temporary folder can be written");
    }
    out.write_all(b"</Message>\n")
        .expect("a temporary folder can be written");
    out.flush().expect("a temporary folder can be written");
}

fn learner(n: u64, text: &mut String) {
    let postcode = records::postcode((n % u64::from(records::POSTCODES)) as u32);
    let (month, day) = (1 + n % 9, 1 + n / 9 % 28);
    let delivery = |aim: &str, number: u8, text: &mut String| {
        let _ = write!(
            text,
            "    <LearningDelivery>
      <LearnAimRef>{aim}</LearnAimRef>
      <AimType>4</AimType>
      <AimSeqNumber>{number}</AimSeqNumber>
      <LearnStartDate>2018-0{month}-{day:02}</LearnStartDate>
      <LearnPlanEndDate>2019-03-29</LearnPlanEndDate>
      <FundModel>35</FundModel>
      <DelLocPostCode>{postcode}</DelLocPostCode>
      <CompStatus>2</CompStatus>
      <LearnActEndDate>2019-03-29</LearnActEndDate>
      <Outcome>1</Outcome>
    </LearningDelivery>
",
            month = if number == 1 { month } else { 9 },
        );
    };
    let _ = write!(
        text,
        "  <Learner>
    <LearnRefNumber>L{n:07}</LearnRefNumber>
    <ULN>9999999999</ULN>
    <FamilyName>Made</FamilyName>
    <GivenNames>Up</GivenNames>
    <DateOfBirth>19{}-0{month}-{day:02}</DateOfBirth>
    <Ethnicity>39</Ethnicity>
    <Sex>F</Sex>
    <LLDDHealthProb>2</LLDDHealthProb>
    <PriorAttain>2</PriorAttain>
    <PostcodePrior>{postcode}</PostcodePrior>
    <Postcode>{postcode}</Postcode>
    <AddLine1>1 Any Lane</AddLine1>
    <LearnerEmploymentStatus>
      <EmpStat>11</EmpStat>
      <DateEmpStatApp>2017-09-28</DateEmpStatApp>
    </LearnerEmploymentStatus>
",
        50 + n % 40,
    );
    delivery("60990011", 1, text);
    delivery("ZWRKX001", 2, text);
    text.push_str("  </Learner>\n");
}
