//! Rows of the tables that hold the tree.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry};
use ldsp_protocol::statement::Kind;

use super::{Columns, Fields, head, kind};
use crate::store::plan::Ground;
use crate::store::{LogHead, LoggedStatement, StoreError, Turn};

/// What a batch stands on: `name`, `head_seq`, `head_pae` and `revoked` of its nodes, and in a row without a name `size`,
/// `edge` and `behind` of `log_head`.
pub(in crate::store) fn ground<R: Fields>(rows: &[R]) -> Result<Ground, StoreError> {
    let mut ground = Ground::default();
    let mut edge = None;
    for row in rows {
        let columns = Columns::keyed(row, "node", &["name"]);
        let Some(name) = columns.optional::<NodeSlug>("name")? else {
            ground.stopped = columns.optional_number::<i64>("revoked")?.is_some();
            edge = Some(Edge::from_bytes(
                Columns::new(row, "log_head", "1").number("head_seq")?,
                &columns.bytes("head_pae")?,
            ));
            continue;
        };
        if let Some(from) = columns.optional_number("revoked")? {
            ground.revoked.insert(name.clone(), from);
        }
        ground.heads.insert(name, head(&columns)?);
    }
    let edge = edge.ok_or_else(|| missing_head("id"))?;
    ground.edge = edge.ok_or_else(|| missing_head("edge"))?;
    Ok(ground)
}

/// The log's one row, which the migration made, is not as it must be.
pub(in crate::store) fn missing_head(column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "log_head",
        column,
        row: "1".to_owned(),
    }
}

/// `size, edge, checkpoint, receipt, behind` of `log_head`.
pub(in crate::store) fn log_head<R: Fields>(row: Option<&R>) -> Result<LogHead, StoreError> {
    let columns = Columns::new(row.ok_or_else(|| missing_head("id"))?, "log_head", "1");
    let edge = Edge::from_bytes(columns.number("size")?, &columns.bytes("edge")?);
    Ok(LogHead {
        edge: edge.ok_or_else(|| columns.corrupt("edge"))?,
        checkpoint: columns.optional_string("checkpoint")?,
        receipt: columns.optional_string("receipt")?,
        behind: columns.optional_time("behind")?,
    })
}

/// The records of `leaves` from `first` and `entries` of `log_entry`: the rows from the one that holds the first of them on, in
/// order. Rows follow one another without a gap, or leaves are lost.
pub(in crate::store) fn records<R: Fields>(
    rows: &[R],
    leaves: &Range<u64>,
) -> Result<Vec<u8>, StoreError> {
    let wanted = leaves.end.saturating_sub(leaves.start);
    let mut records = Vec::new();
    let mut next = None;
    for row in rows {
        let columns = Columns::keyed(row, "log_entry", &["first"]);
        let first: u64 = columns.number("first")?;
        let entries = columns.bytes("entries")?;
        let count = (entries.len() / ENTRY_LEN) as u64;
        if count == 0 || entries.len() % ENTRY_LEN != 0 {
            return Err(columns.corrupt("entries"));
        }
        if next.map_or(first > leaves.start, |next| next != first) {
            return Err(columns.corrupt("first"));
        }
        next = Some(first + count);
        let skip = leaves.start.saturating_sub(first).min(count) as usize;
        records.extend_from_slice(&entries[skip * ENTRY_LEN..]);
    }
    records.truncate(usize::try_from(wanted).map_or(usize::MAX, |n| n.saturating_mul(ENTRY_LEN)));
    Ok(records)
}

/// A kind that the log itself signs.
fn own_kind(text: &str) -> Option<Kind> {
    let mut own = Kind::ALL.into_iter().filter(|kind| kind.is_of_log());
    own.find(|kind| kind.as_str() == text)
}

/// Every column of `own_statement`.
pub(in crate::store) fn own<R: Fields>(row: &R) -> Result<LoggedStatement, StoreError> {
    let columns = Columns::keyed(row, "own_statement", &["leaf"]);
    Ok(LoggedStatement {
        index: columns.number("leaf")?,
        node: ldsp_protocol::own::name(),
        seq: columns.number("seq")?,
        kind: columns.choice("kind", own_kind)?,
        period: None,
        key_id: columns.digest("key_id")?,
        pae: columns.digest("pae")?,
        envelope: columns.bytes("envelope")?,
        received: columns.time("received")?,
        withdrawn: None,
    })
}

/// `leaf, node, seq, kind, key_id, pae` of `statement`, of each leaf from `first` on.
pub(in crate::store) fn entries<R: Fields>(
    rows: &[R],
    first: u64,
) -> Result<Vec<Entry>, StoreError> {
    let entry = |(row, leaf): (&R, u64)| {
        let columns = Columns::keyed(row, "statement", &["leaf"]);
        if columns.number::<u64>("leaf")? != leaf {
            return Err(columns.corrupt("leaf"));
        }
        Ok(Entry {
            kind: columns.choice("kind", kind)?,
            node: columns.text("node")?,
            seq: columns.number("seq")?,
            key_id: columns.digest("key_id")?,
            pae: columns.digest("pae")?,
        })
    };
    rows.iter().zip(first..).map(entry).collect()
}

/// `leaf` of `statement`.
pub(in crate::store) fn leaf<R: Fields>(row: &R) -> Result<u64, StoreError> {
    Columns::keyed(row, "statement", &["leaf"]).number("leaf")
}

/// The turn after `seq` and `pae` of the log's last own statement, at the leaf `index`.
pub(in crate::store) fn turn<R: Fields>(last: Option<&R>, index: u64) -> Result<Turn, StoreError> {
    let (seq, prev) = match last {
        None => (0, Digest::ZERO),
        Some(row) => {
            let columns = Columns::keyed(row, "own_statement", &["seq"]);
            (columns.number("seq")?, columns.digest("pae")?)
        }
    };
    Ok(Turn {
        index,
        seq: seq + 1,
        prev,
    })
}
