//! What curators said, and how far people have read.

use jiff::Timestamp;

use super::{Columns, Fields, practice};
use crate::store::{Said, Standing, StoreError};

/// Every column of `curation`, with `node`, `seq` and `envelope` of the entry's statement.
pub(in crate::store) fn said<R: Fields>(row: &R) -> Result<Said, StoreError> {
    let columns = Columns::keyed(row, "curation", &["number"]);
    let entry = practice(&columns.bytes("envelope")?);
    Ok(Said {
        number: columns.number("number")?,
        leaf: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        // Of a withdrawn statement nothing is left to read.
        title: entry.map(|entry| entry.title),
        at: columns.time("at")?,
        who: columns.string("who")?,
        standing: columns.choice("standing", Standing::named)?,
        words: columns.string("words")?,
    })
}

/// Every column of `read_to`.
pub(in crate::store) fn read_to<R: Fields>(row: &R) -> Result<(u64, Timestamp), StoreError> {
    let columns = Columns::keyed(row, "read_to", &["person"]);
    Ok((columns.number("size")?, columns.time("at")?))
}
