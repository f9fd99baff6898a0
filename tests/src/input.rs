//! Input files: records expanded from published figures, and small files of one's own making.

use ldsp_deploy::records::{Figures, LepRecords, expand};
use ldsp_protocol::ids::Period;

/// First month of the tests' records.
pub const FIRST: &str = "2022-02";

/// Months from `first` on.
///
/// # Panics
/// When `first` is no month.
#[must_use]
pub fn periods(first: &str, months: i32) -> Vec<Period> {
    let first: Period = first.parse().expect("a month is YYYY-MM");
    (0..months).filter_map(|n| first.plus(n)).collect()
}

/// Records of `lep` that start and end within `months` months.
///
/// # Panics
/// When there are no figures for `lep`.
#[must_use]
pub fn records(lep: &str, months: i32) -> LepRecords {
    expand(Figures::embedded(), lep, [7; 32], &periods(FIRST, months)).expect("the LEP has figures")
}

/// The two files of `records`: programmes and learners.
///
/// # Panics
/// When they cannot be written to memory.
#[must_use]
pub fn files(records: &LepRecords) -> (Vec<u8>, Vec<u8>) {
    let (mut programmes, mut learners) = (Vec::new(), Vec::new());
    records
        .write_programmes_csv(&mut programmes)
        .expect("memory takes everything");
    records
        .write_learners_csv(&mut learners)
        .expect("memory takes everything");
    (programmes, learners)
}

/// One programme called `P1` of the basic tier.
pub const PROGRAMMES: &str = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n\
    P1,Online basics,North College,basic,short-course,out-of-work,,,,2021-09-01,2023-08-31\n";

/// A row of the learner file; `Row::default` is a good one.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the file's columns")]
pub struct Row {
    pub learner_ref: String,
    pub uln: String,
    pub birth_date: String,
    pub sex: String,
    pub postcode: String,
    pub district: String,
    pub start: String,
    pub end: String,
    pub stage: String,
}

impl Row {
    /// A good row of learner `n` in `district`.
    #[must_use]
    pub fn of(n: u32, district: &str) -> Self {
        Self {
            learner_ref: format!("R{n:06}"),
            uln: String::new(),
            birth_date: "1980-05-17".to_owned(),
            sex: "female".to_owned(),
            postcode: String::new(),
            district: district.to_owned(),
            start: format!("{FIRST}-07"),
            end: String::new(),
            stage: "in-progress".to_owned(),
        }
    }
}

/// The learner file of these rows.
#[must_use]
pub fn learners(rows: &[Row]) -> Vec<u8> {
    let mut text = String::from(
        "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,postcode,district,aim,programme,skill,mode,start,planned_end,end,stage\n",
    );
    for row in rows {
        text.push_str(&format!(
            "North College,{},{},{},{},white,no,unemployed,{},{},A1,P1,foundation,online,{},,{},{}\n",
            row.learner_ref, row.uln, row.birth_date, row.sex, row.postcode, row.district, row.start, row.end, row.stage
        ));
    }
    text.into_bytes()
}
