//! Answers as a tidy CSV: one row for each answer.

use ldsp_protocol::geography::Geography;
use ldsp_protocol::questionnaire::{Source, Value, YES_NO};
use ldsp_ui::csv_text;

use super::{Given, Standing};
use crate::time::london_day;

const HEADER: [&str; 11] = [
    "lep_code",
    "lep",
    "node",
    "version",
    "received",
    "late",
    "place_in_log",
    "question",
    "question_text",
    "answer",
    "source",
];

/// Writes the last answers of each LEP, to whatever version, in the order of LEPs and questions. A choice is its code, several have
/// spaces between; `z` is "not known". What was left out or not reached has no row.
///
/// # Errors
/// Does not happen: the writer is a buffer in memory.
pub fn to_csv(standing: &Standing) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for given in standing.given.values() {
        write(&mut writer, standing, given)?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

fn write(
    writer: &mut csv::Writer<Vec<u8>>,
    standing: &Standing,
    given: &Given,
) -> Result<(), csv::Error> {
    let lep = Geography::embedded().lep(&given.lep);
    let name = lep.map_or_else(String::new, |lep| lep.name.clone());
    let asked = standing.version(given.version);
    for answer in &given.answers.answers {
        let question = asked.and_then(|asked| asked.questionnaire.question(&answer.question));
        let text = question.map_or("", |question| question.text.as_str());
        writer.write_record([
            given.lep.as_str(),
            &csv_text(&name),
            given.node.as_str(),
            &given.version.to_string(),
            &london_day(given.received).to_string(),
            if given.late { "yes" } else { "no" },
            &given.index.to_string(),
            answer.question.as_str(),
            &csv_text(text),
            &csv_text(&value(&answer.value)),
            source(answer.source),
        ])?;
    }
    Ok(())
}

fn value(value: &Value) -> String {
    match value {
        Value::NotKnown => "z".to_owned(),
        Value::YesNo(yes) => YES_NO[usize::from(!yes)].to_owned(),
        Value::Number(number) => number.to_string(),
        Value::One(code) => code.to_string(),
        Value::Any(codes) => {
            let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
            codes.join(" ")
        }
        Value::Text(text) => text.clone(),
    }
}

/// As it stands in the answers.
fn source(source: Source) -> &'static str {
    match source {
        Source::Person => "person",
        Source::Records => "records",
        Source::Releases => "releases",
    }
}
