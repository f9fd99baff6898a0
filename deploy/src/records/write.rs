//! The records as files of the CSV contract, and as the truth that published intervals are scored against.

use std::io::Write;

use jiff::{ToSpan, civil::Date};
use ldsp_protocol::ids::Period;

use super::enrolments::{Enrolment, Stage};
use super::figures::Tier;
use super::mixes::AGES;
use super::programmes::write_programmes;
use super::{Learner, LepRecords};

/// Header of the learner file.
const HEADER: [&str; 25] = [
    "provider",
    "learner_ref",
    "uln",
    "birth_date",
    "sex",
    "ethnicity",
    "disability",
    "prior_status",
    "postcode",
    "district",
    "aim",
    "programme",
    "skill",
    "mode",
    "start",
    "planned_end",
    "end",
    "stage",
    "destination_3m",
    "destination_6m",
    "destination_12m",
    "confidence_before",
    "confidence_after",
    "everyday_before",
    "everyday_after",
];

/// The exact facts of one enrolment, in codes of the data standard. Only tests and the demonstration's
/// own scoring may hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the standard's dimensions, or said below"
)]
pub struct Truth<'a> {
    /// District, or `not-stated`.
    pub area: &'a str,
    pub tier: Tier,
    pub skill: &'static str,
    pub mode: &'static str,
    /// Band of the age at the start.
    pub age: &'static str,
    pub sex: &'static str,
    pub ethnicity: &'static str,
    pub disability: &'static str,
    pub prior: &'static str,
    pub audience: &'static str,
    pub programme_type: &'static str,
    pub stage: Stage,
    /// Month of the start.
    pub started: Period,
    /// Month of the end, for leavers and transfers.
    pub ended: Option<Period>,
    /// At 3, 6 and 12 months: the destination and the month in which it fell due.
    pub destinations: [Option<(&'static str, Period)>; 3],
    /// `fell`, `same` or `rose`, where asked twice.
    pub confidence: Option<&'static str>,
    /// `fewer`, `same` or `more`, where asked twice.
    pub everyday: Option<&'static str>,
}

impl LepRecords {
    /// Writes the learner file, one row for each enrolment, districts given and postcodes empty.
    ///
    /// # Errors
    /// [`csv::Error`] when `out` refuses.
    pub fn write_learners_csv(&self, out: impl Write) -> Result<(), csv::Error> {
        self.write_learners_csv_with(&[], out)
    }

    /// The same with a postcode instead of the district for every second learner whose district has one
    /// in `postcodes`, pairs of postcode and district.
    ///
    /// # Errors
    /// [`csv::Error`] when `out` refuses.
    pub fn write_learners_csv_with(
        &self,
        postcodes: &[(&str, &str)],
        out: impl Write,
    ) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(HEADER)?;
        for enrolment in &self.enrolments {
            let district = self.learners[enrolment.learner].district.as_deref();
            let postcode = postcodes
                .iter()
                .filter(|_| enrolment.learner.is_multiple_of(2))
                .find(|(_, of)| Some(*of) == district)
                .map(|(postcode, _)| *postcode);
            rows.write_record(self.learner_row(enrolment, postcode))?;
        }
        rows.flush()?;
        Ok(())
    }

    /// Writes the rows of a programme whose first day and last day, where there is one, `fit`: at most so `many`. Gives their number.
    ///
    /// # Errors
    /// [`csv::Error`] when `out` refuses.
    pub fn write_some_learners_csv(
        &self,
        programme: &str,
        many: usize,
        out: impl Write,
        fit: impl Fn(Date, Option<Date>) -> bool,
    ) -> Result<usize, csv::Error> {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(HEADER)?;
        let chosen = self.enrolments.iter().filter(|e| {
            self.programmes[e.programme].programme == programme
                && fit(self.date(e.start), e.end.map(|end| self.date(end)))
        });
        let mut written = 0;
        for enrolment in chosen.take(many) {
            rows.write_record(self.learner_row(enrolment, None))?;
            written += 1;
        }
        rows.flush()?;
        Ok(written)
    }

    /// Writes the programme file.
    ///
    /// # Errors
    /// [`csv::Error`] when `out` refuses.
    pub fn write_programmes_csv(&self, out: impl Write) -> Result<(), csv::Error> {
        write_programmes(&self.programmes, out)
    }

    /// The exact facts, one item for each enrolment, in the order of the learner file.
    pub fn truth(&self) -> impl Iterator<Item = Truth<'_>> {
        self.enrolments
            .iter()
            .map(|enrolment| self.truth_of(enrolment))
    }

    fn date(&self, day: i32) -> Date {
        self.first_day.saturating_add(day.days())
    }

    fn learner_row(&self, e: &Enrolment, postcode: Option<&str>) -> [String; 25] {
        let learner = &self.learners[e.learner];
        let programme = &self.programmes[e.programme];
        let number = |value: Option<u8>| value.map_or_else(String::new, |v| v.to_string());
        let district = if postcode.is_some() {
            None
        } else {
            learner.district.as_deref()
        };
        let [at_3, at_6, at_12] = e.destinations.map(|d| d.unwrap_or_default().to_owned());
        [
            programme.provider.clone(),
            learner.reference.clone(),
            learner.uln.clone().unwrap_or_default(),
            learner.birth.to_string(),
            learner.sex.to_owned(),
            learner.ethnicity.to_owned(),
            learner.disability.to_owned(),
            learner.prior.to_owned(),
            postcode.unwrap_or_default().to_owned(),
            district.unwrap_or_default().to_owned(),
            e.aim.clone(),
            programme.programme.clone(),
            e.skill.to_owned(),
            e.mode.to_owned(),
            self.date(e.start).to_string(),
            self.date(e.planned_end).to_string(),
            e.end
                .map_or_else(String::new, |end| self.date(end).to_string()),
            e.stage.code().to_owned(),
            at_3,
            at_6,
            at_12,
            number(e.confidence.0),
            number(e.confidence.1),
            number(e.everyday.0),
            number(e.everyday.1),
        ]
    }

    fn truth_of<'a>(&'a self, e: &Enrolment) -> Truth<'a> {
        let learner = &self.learners[e.learner];
        let programme = &self.programmes[e.programme];
        let start = self.date(e.start);
        let due = |months: i32, e: &Enrolment| {
            e.end
                .and_then(|end| Period::of(self.date(end).saturating_add(months.months())))
        };
        let [at_3, at_6, at_12] = e.destinations;
        Truth {
            area: learner.district.as_deref().unwrap_or("not-stated"),
            tier: programme.tier,
            skill: e.skill,
            mode: e.mode,
            age: age_band(learner, start),
            sex: learner.sex,
            ethnicity: learner.ethnicity,
            disability: learner.disability,
            prior: learner.prior,
            audience: programme.audience,
            programme_type: programme.kind,
            stage: e.stage,
            started: month(start),
            ended: e.end.map(|end| month(self.date(end))),
            destinations: [
                at_3.zip(due(3, e)),
                at_6.zip(due(6, e)),
                at_12.zip(due(12, e)),
            ],
            confidence: changed(e.confidence, ["fell", "same", "rose"]),
            everyday: changed(e.everyday, ["fewer", "same", "more"]),
        }
    }
}

fn month(date: Date) -> Period {
    Period::of(date).expect("records lie within the periods they were drawn for, which are valid")
}

/// Band of the age in whole years on `day`.
fn age_band(learner: &Learner, day: Date) -> &'static str {
    let birthday_to_come = (day.month(), day.day()) < (learner.birth.month(), learner.birth.day());
    let age = i32::from(day.year() - learner.birth.year()) - i32::from(birthday_to_come);
    AGES.iter()
        .rev()
        .find(|(_, youngest, _)| age >= *youngest)
        .map_or(AGES[0].0, |(band, ..)| band)
}

fn changed(pair: (Option<u8>, Option<u8>), codes: [&'static str; 3]) -> Option<&'static str> {
    let (before, after) = (pair.0?, pair.1?);
    Some(match after.cmp(&before) {
        std::cmp::Ordering::Less => codes[0],
        std::cmp::Ordering::Equal => codes[1],
        std::cmp::Ordering::Greater => codes[2],
    })
}
