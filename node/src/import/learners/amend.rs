//! What became of an enrolment that is held: a tutor's form names it by its number, asks for what changes, and the checks are the file's.

use jiff::civil::Date;
use ldsp_protocol::standard::Standard;

use super::checks::{answers, is_leaver, stage};
use super::{COLUMNS, Column, DESTINATIONS, Left, destination};
use crate::import::faults;
use crate::import::report::RowProblem;
use crate::import::rows::{Row, alone};
use crate::import::values;
use crate::store::audit::append;
use crate::store::records::merge::{self, By};
use crate::store::records::{Begun, Enrolment};
use crate::store::{Store, StoreError, ledger, providers};

/// What came of it.
pub(crate) enum Amended {
    /// It is recorded.
    Done,
    /// It said so already.
    Same,
    /// Somebody changed it since it was read, or it is gone.
    Changed,
    /// Everything that is wrong with what was said.
    Refused(Vec<RowProblem>),
}

/// The columns that say what became of it; the others stay as they are held.
fn read(row: &mut Row<'_>, held: &Enrolment, today: Date) -> Option<Enrolment> {
    let end = values::date(row, Column::End);
    if end.is_some_and(|end| end < held.start) {
        row.problem(Column::End, faults::END_BEFORE);
    }
    if end.is_some_and(|end| end > today) {
        row.problem(Column::End, faults::END_FUTURE);
    }
    let stage = stage(row, end);
    let left = match (stage, end) {
        (Some(stage), _) if !is_leaver(stage) => Left::Not,
        (Some(_), Some(end)) => Left::On(end),
        _ => Left::Unknown,
    };
    let destinations =
        DESTINATIONS.map(|(column, months)| destination(row, column, months, left, today));
    let [confidence, everyday] = answers(row);
    for (answered, came, after) in [
        (confidence, held.confidence, Column::ConfidenceAfter),
        (everyday, held.everyday, Column::EverydayAfter),
    ] {
        if answered.begun.is_some() && came.is_some() {
            row.problem(after, faults::PAIR_BEGUN);
        }
    }
    Some(Enrolment {
        end,
        stage: stage?,
        destinations,
        // The answers themselves are not kept once both came: without new ones what came of them stays.
        confidence: confidence.both.or(held.confidence),
        everyday: everyday.both.or(held.everyday),
        begun: Begun {
            confidence: confidence.begun,
            everyday: everyday.begun,
        },
        ..held.clone()
    })
}

/// Records it of enrolment `id` as it was read in `version`. `texts` stand for [`COLUMNS`].
pub(crate) async fn amend(
    store: &Store,
    (id, version): (i64, i64),
    texts: &[String],
    today: Date,
    by: &By,
) -> Result<Amended, StoreError> {
    let mut tx = store.write().await?;
    let Some((now, held)) = merge::one(&mut tx, id).await? else {
        return Ok(Amended::Changed);
    };
    let amended = match alone(COLUMNS, texts, |row| read(row, &held, today)) {
        Ok(amended) if amended == held => return Ok(Amended::Same),
        Ok(_) if now != version => return Ok(Amended::Changed),
        Ok(amended) => amended,
        Err(problems) => return Ok(Amended::Refused(problems)),
    };
    let roots = providers::roots(&mut tx).await?;
    let merging = merge::begin(&mut tx, roots, by).await?;
    merge::take(&mut tx, vec![(1, amended)], &merging).await?;
    merge::end(&mut tx).await?;
    ledger::withheld::hold(&mut tx).await?;
    append(
        &mut tx,
        by.at,
        &by.who,
        "enrolment recorded",
        // Which one stands in its own history, and goes with it.
        "what became of one enrolment",
    )
    .await?;
    tx.commit().await?;
    Ok(Amended::Done)
}

/// What a learner of a register answered: of the start, or of the follow-up.
pub(crate) struct Answer {
    /// The enrolment, and the version in which it was seen.
    pub(crate) at: (i64, i64),
    /// Confidence, everyday tasks; empty where there is no answer.
    pub(crate) texts: [String; 2],
}

/// What came of the answers of a register.
pub(crate) enum Answers {
    /// They are recorded; so many enrolments are other than before.
    Done(u64),
    /// Nothing is: by place among the answers, what is wrong; nothing named where somebody changed the enrolment since it was read.
    Refused(Vec<(usize, Vec<RowProblem>)>),
}

/// The enrolment with what its learner answered.
fn answered(row: &mut Row<'_>, held: &Enrolment) -> Option<Enrolment> {
    let [confidence, everyday] = answers(row);
    for (answered, came, before) in [
        (confidence, held.confidence, Column::ConfidenceBefore),
        (everyday, held.everyday, Column::EverydayBefore),
    ] {
        if answered.begun.is_some() && came.is_some() {
            row.problem(before, faults::PAIR_BEGUN);
        }
    }
    Some(Enrolment {
        confidence: confidence.both.or(held.confidence),
        everyday: everyday.both.or(held.everyday),
        begun: Begun {
            confidence: confidence.begun,
            everyday: everyday.begun,
        },
        ..held.clone()
    })
}

/// Records what the learners of a register answered at the start, or now. All of it or, where anything is wrong, nothing.
pub(crate) async fn answer(
    store: &Store,
    at_start: bool,
    all: &[Answer],
    by: &By,
) -> Result<Answers, StoreError> {
    let mut tx = store.write().await?;
    let roots = providers::roots(&mut tx).await?;
    let merging = merge::begin(&mut tx, roots, by).await?;
    let mut wrong = Vec::new();
    let mut done = 0;
    for (place, answer) in all.iter().enumerate() {
        let (id, version) = answer.at;
        let Some((now, held)) = merge::one(&mut tx, id).await? else {
            wrong.push((place, Vec::new()));
            continue;
        };
        let [confidence, everyday] = &answer.texts;
        let begun = |n: Option<u8>| n.map_or_else(String::new, |n| n.to_string());
        let text = |column: &str| match (column, at_start) {
            ("confidence_before", true) | ("confidence_after", false) => confidence.clone(),
            ("everyday_before", true) | ("everyday_after", false) => everyday.clone(),
            ("confidence_before", false) => begun(held.begun.confidence),
            ("everyday_before", false) => begun(held.begun.everyday),
            _ => String::new(),
        };
        let texts: Vec<String> = COLUMNS.iter().map(|column| text(column)).collect();
        match alone(COLUMNS, &texts, |row| answered(row, &held)) {
            Ok(amended) if amended == held => {}
            Ok(_) if now != version => wrong.push((place, Vec::new())),
            Ok(amended) => {
                let line = place as u64 + 1;
                merge::take(&mut tx, vec![(line, amended)], &merging).await?;
                done += 1;
            }
            Err(problems) => wrong.push((place, problems)),
        }
    }
    if !wrong.is_empty() {
        return Ok(Answers::Refused(wrong));
    }
    merge::end(&mut tx).await?;
    if done > 0 {
        ledger::withheld::hold(&mut tx).await?;
        let detail = format!("answers of {done} enrolment(s)");
        append(&mut tx, by.at, &by.who, "enrolment recorded", &detail).await?;
        tx.commit().await?;
    }
    Ok(Answers::Done(done))
}

/// Whether the stage at this place says that an enrolment ended.
pub(crate) fn has_left(stage: u8) -> bool {
    is_leaver(stage)
}

/// A stage in words.
pub(crate) fn stage_in_words(stage: u8) -> &'static str {
    let stage = Standard::current().stages().get(usize::from(stage));
    stage.map_or("Not known", |stage| stage.title.as_str())
}
