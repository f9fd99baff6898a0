//! Drafts of questionnaires.

use super::{Columns, Fields};
use crate::store::{DraftRow, StoreError};

/// Every column of `questionnaire_draft`.
pub(in crate::store) fn draft<R: Fields>(row: &R) -> Result<DraftRow, StoreError> {
    let columns = Columns::keyed(row, "questionnaire_draft", &["name"]);
    let draft: crate::questionnaires::Draft = columns.json("draft")?;
    if columns.string("name")? != draft.name.as_str() {
        return Err(columns.corrupt("draft"));
    }
    Ok(DraftRow {
        draft,
        edition: columns.number("edition")?,
        changed: columns.time("changed")?,
        changed_by: columns.string("changed_by")?,
    })
}
