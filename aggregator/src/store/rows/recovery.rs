//! Rows of the tables of a log that lacks leaves.

use ldsp_protocol::ids::NodeSlug;

use super::{Columns, Fields};
use crate::store::{Cause, Claim, Fork, Heard, Link, StagedLeaf, Stop, StoreError};

/// The columns of `log_stop` that people see.
pub(in crate::store) fn stop<R: Fields>(row: &R) -> Result<Stop, StoreError> {
    let columns = Columns::keyed(row, "log_stop", &["number"]);
    let cause = |text: &str| Cause::ALL.into_iter().find(|cause| cause.as_str() == text);
    Ok(Stop {
        since: columns.time("since")?,
        cause: columns.choice("cause", cause)?,
        said_by: columns.string("said_by")?,
        trouble: columns.optional_string("trouble")?,
        ended: columns.optional_time("ended")?,
        decided: columns.optional_string("decided")?,
        reason: columns.optional_string("reason")?,
    })
}

/// Every column of `log_claim`.
pub(in crate::store) fn claim<R: Fields>(row: &R) -> Result<Claim, StoreError> {
    let columns = Columns::keyed(row, "log_claim", &["size", "root"]);
    Ok(Claim {
        size: columns.number("size")?,
        root: columns.digest("root")?,
        note: columns.string("note")?,
        said_by: columns.string("said_by")?,
    })
}

/// Every column of `log_heard`.
pub(in crate::store) fn heard<R: Fields>(row: &R) -> Result<(NodeSlug, Heard), StoreError> {
    let columns = Columns::keyed(row, "log_heard", &["node"]);
    let heard = Heard {
        at: columns.time("heard")?,
        excused: columns.optional_string("excused")?,
    };
    Ok((columns.text("node")?, heard))
}

/// The columns of `log_leaf` that say where a leaf stands.
pub(in crate::store) fn link<R: Fields>(row: &R) -> Result<Link, StoreError> {
    let columns = Columns::keyed(row, "log_leaf", &["leaf", "root"]);
    Ok(Link {
        leaf: columns.number("leaf")?,
        before: columns.digest("before")?,
        root: columns.digest("root")?,
    })
}

/// Every column of `log_leaf`.
pub(in crate::store) fn staged<R: Fields>(row: &R) -> Result<StagedLeaf, StoreError> {
    let columns = Columns::keyed(row, "log_leaf", &["leaf", "root"]);
    Ok(StagedLeaf {
        link: link(row)?,
        record: columns.bytes("record")?,
        receipt: columns.string("receipt")?,
        envelope: columns.bytes("envelope")?,
        received: columns.time("received")?,
    })
}

/// The columns of `log_fork` that people see.
pub(in crate::store) fn fork<R: Fields>(row: &R) -> Result<Fork, StoreError> {
    let columns = Columns::keyed(row, "log_fork", &["place", "id"]);
    Ok(Fork {
        place: columns.number("place")?,
        id: columns.digest("id")?,
        agreed: columns.number("agreed")?,
        ours: columns.string("ours")?,
        theirs: columns.string("theirs")?,
        said_by: columns.string("said_by")?,
        found: columns.time("found")?,
        settled: columns.optional_time("settled")?,
    })
}
