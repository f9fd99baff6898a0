//! The truth that attacks are scored against: one CSV row for each thing that entered a family.
//!
//! Columns: `node`, `learner`, `enrolment` (numbers or texts of the auditor's own making), `family` and `month` (which
//! family it entered, and in which month), then one column for each dimension by its id, with the code as the
//! standard has it (for `area` a district's GSS code, for `pledge` `none`, for either also the place in the node's own
//! list from 0), empty where the family does not use it. Optional: `weight`
//! (1, or -1 for the half of a correction that takes back), `own` (`yes`: an attacker's invention), `erased`
//! (the month in which the record was erased), `standard` (digest; empty for the node's first) and `epoch` (1).

use std::collections::BTreeMap;
use std::io;

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss, Period};
use ldsp_protocol::standard::{Dimension, Family, NOT_STATED, Standard};

/// Codes of one entry by dimension.
pub type Codes = [u8; 16];
/// The dimension has no code in this family.
pub const ABSENT: u8 = u8::MAX;
/// The last code of a list whose length depends on the node.
pub const LAST: u8 = u8::MAX - 1;

/// Every dimension, in the order of [`Codes`].
pub const DIMENSIONS: [Dimension; 16] = [
    Dimension::Area,
    Dimension::Tier,
    Dimension::Skill,
    Dimension::Mode,
    Dimension::Age,
    Dimension::Sex,
    Dimension::Ethnicity,
    Dimension::Disability,
    Dimension::Prior,
    Dimension::Audience,
    Dimension::ProgrammeType,
    Dimension::Pledge,
    Dimension::Outcome,
    Dimension::Destination,
    Dimension::Confidence,
    Dimension::Everyday,
];

/// One +1, or the -1 of a correction, in each table of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `None`: the node's first standard.
    pub standard: Option<Digest>,
    /// Epoch of the ledger that counted it.
    pub epoch: u32,
    /// The family.
    pub family: Family,
    /// The month in which it entered.
    pub period: Period,
    /// 1 or -1.
    pub weight: i64,
    /// Positions in the code lists.
    pub codes: Codes,
}

/// One enrolment and all that was counted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The node's name.
    pub node: String,
    /// Whose it is.
    pub learner: String,
    /// An attacker's invention: known to the attacker, and no target.
    pub own: bool,
    /// When its record was erased.
    pub erased: Option<Period>,
    /// In the order of the file.
    pub events: Vec<Event>,
}

/// All enrolments of the nodes under attack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// In the order of the file.
    pub enrolments: Vec<Enrolment>,
}

/// Why a truth file cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TruthError {
    #[error("the truth file is not CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("the truth file lacks the column {0}")]
    Column(String),
    #[error("row {row}, column {column}: {text:?} is not {expected}")]
    Value {
        row: usize,
        column: String,
        text: String,
        expected: &'static str,
    },
}

/// The column of a dimension: its id in the standard.
#[must_use]
pub fn column(dimension: Dimension) -> String {
    serde_json::to_value(dimension)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The position of a code.
fn parse_code(dimension: Dimension, text: &str) -> Option<u8> {
    let position = match dimension {
        _ if text.is_empty() => return Some(ABSENT),
        Dimension::Area if text == NOT_STATED => return Some(LAST),
        // A place in the node's own list, from 0.
        Dimension::Area | Dimension::Pledge if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse().ok()?
        }
        Dimension::Area => {
            let geography = Geography::embedded();
            let code: Gss = text.parse().ok()?;
            let code = geography.current(&code).clone();
            let owner = &geography.district(&code)?.owner;
            geography.owned_by(owner).binary_search(&code).ok()?
        }
        Dimension::Pledge if text == "none" => 0,
        Dimension::Pledge => return None,
        other => Standard::current().parse_code(other, text)?,
    };
    u8::try_from(position).ok().filter(|p| *p < LAST)
}

struct Columns<'a>(BTreeMap<&'a str, usize>);

impl Columns<'_> {
    fn text<'r>(&self, row: &'r csv::StringRecord, name: &str) -> &'r str {
        self.0
            .get(name)
            .and_then(|at| row.get(*at))
            .unwrap_or("")
            .trim()
    }
}

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// [`TruthError`]: the first row that does not fit.
    pub fn read(input: impl io::Read) -> Result<Self, TruthError> {
        let mut reader = csv::Reader::from_reader(input);
        let headers = reader.headers()?.clone();
        let columns = Columns(
            headers
                .iter()
                .enumerate()
                .map(|(at, h)| (h.trim(), at))
                .collect(),
        );
        for name in ["node", "learner", "enrolment", "family", "month"] {
            if !columns.0.contains_key(name) {
                return Err(TruthError::Column(name.to_owned()));
            }
        }
        let names: Vec<String> = DIMENSIONS.iter().map(|d| column(*d)).collect();
        let mut index: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut enrolments: Vec<Enrolment> = Vec::new();
        for (at, row) in reader.records().enumerate() {
            let row = row?;
            let event = event(&columns, &row, &names, at + 2)?;
            let text = |name: &str| columns.text(&row, name).to_owned();
            let key = (text("node"), text("enrolment"));
            let erased = match columns.text(&row, "erased") {
                "" => None,
                month => Some(
                    month
                        .parse()
                        .map_err(|_| value(at + 2, "erased", month, "a month YYYY-MM"))?,
                ),
            };
            let own = columns.text(&row, "own") == "yes";
            let place = *index.entry(key.clone()).or_insert_with(|| {
                enrolments.push(Enrolment {
                    node: key.0,
                    learner: text("learner"),
                    own,
                    erased,
                    events: Vec::new(),
                });
                enrolments.len() - 1
            });
            enrolments[place].events.push(event);
        }
        Ok(Self { enrolments })
    }

    /// Writes the same form.
    ///
    /// # Errors
    /// The output's.
    pub fn write(&self, out: impl io::Write) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        let mut header: Vec<String> = [
            "node",
            "learner",
            "enrolment",
            "family",
            "month",
            "weight",
            "own",
            "erased",
            "standard",
            "epoch",
        ]
        .map(str::to_owned)
        .to_vec();
        header.extend(DIMENSIONS.iter().map(|d| column(*d)));
        writer.write_record(&header)?;
        for (number, enrolment) in self.enrolments.iter().enumerate() {
            for event in &enrolment.events {
                let family = Standard::current()
                    .families()
                    .iter()
                    .find(|f| f.id == event.family);
                let family = family.and_then(|f| serde_json::to_value(f.id).ok());
                let mut row = vec![
                    enrolment.node.clone(),
                    enrolment.learner.clone(),
                    number.to_string(),
                    family
                        .as_ref()
                        .and_then(|f| f.as_str().map(str::to_owned))
                        .unwrap_or_default(),
                    event.period.to_string(),
                    event.weight.to_string(),
                    if enrolment.own { "yes" } else { "" }.to_owned(),
                    enrolment.erased.map(|p| p.to_string()).unwrap_or_default(),
                    event.standard.map(|d| d.to_string()).unwrap_or_default(),
                    event.epoch.to_string(),
                ];
                for (dimension, code) in DIMENSIONS.iter().zip(event.codes) {
                    row.push(match (dimension, code) {
                        (_, ABSENT) => String::new(),
                        (_, LAST) => NOT_STATED.to_owned(),
                        (Dimension::Area | Dimension::Pledge, at) => at.to_string(),
                        (other, at) => Standard::current().dimension(*other).codes[usize::from(at)]
                            .id
                            .clone(),
                    });
                }
                writer.write_record(&row)?;
            }
        }
        writer.flush()?;
        Ok(())
    }
}

fn value(row: usize, column: &str, text: &str, expected: &'static str) -> TruthError {
    TruthError::Value {
        row,
        column: column.to_owned(),
        text: text.to_owned(),
        expected,
    }
}

fn event(
    columns: &Columns<'_>,
    row: &csv::StringRecord,
    names: &[String],
    at: usize,
) -> Result<Event, TruthError> {
    let wrong = |column: &str, expected| value(at, column, columns.text(row, column), expected);
    let mut codes = [ABSENT; 16];
    for ((dimension, name), code) in DIMENSIONS.iter().zip(names).zip(&mut codes) {
        *code = parse_code(*dimension, columns.text(row, name))
            .ok_or_else(|| wrong(name, "a code of the standard's list"))?;
    }
    let family = serde_json::from_value(columns.text(row, "family").into());
    let standard = match columns.text(row, "standard") {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| wrong("standard", "a SHA-256 digest"))?,
        ),
    };
    let number = |name: &str, default: i64| match columns.text(row, name) {
        "" => Ok(default),
        text => text
            .parse::<i64>()
            .map_err(|_| wrong(name, "a whole number")),
    };
    Ok(Event {
        standard,
        epoch: u32::try_from(number("epoch", 1)?).map_err(|_| wrong("epoch", "1 or 2"))?,
        family: family.map_err(|_| wrong("family", "a family's id"))?,
        period: columns
            .text(row, "month")
            .parse()
            .map_err(|_| wrong("month", "a month YYYY-MM"))?,
        weight: number("weight", 1)?,
        codes,
    })
}
