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
use crate::store::records::Enrolment;
use crate::store::records::merge::{self, By};
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
    let (confidence, everyday) = answers(row);
    Some(Enrolment {
        end,
        stage: stage?,
        destinations,
        // The answers themselves are not kept: without new ones what came of them stays.
        confidence: confidence.or(held.confidence),
        everyday: everyday.or(held.everyday),
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

/// Whether the stage at this place says that an enrolment ended.
pub(crate) fn has_left(stage: u8) -> bool {
    is_leaver(stage)
}

/// A stage in words.
pub(crate) fn stage_in_words(stage: u8) -> &'static str {
    let stage = Standard::current().stages().get(usize::from(stage));
    stage.map_or("Not known", |stage| stage.title.as_str())
}
