//! The log's own statements: signed by its key, one after the other.

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::statement::Kind;
use serde::Deserialize;

use super::{Fsck, Rule};
use crate::store::{Head, LoggedStatement, StoreError};

/// The frame of a body.
#[derive(Deserialize)]
struct Frame {
    origin: String,
    node: NodeSlug,
    seq: u64,
    prev: Digest,
    kind: Kind,
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut head = Some(Head {
        seq: 0,
        pae: Digest::ZERO,
    });
    for leaf in run.snapshot.own_leaves().await? {
        run.report.own += 1;
        let row = run.snapshot.own(leaf).await?;
        let row = row.map(|row| run.readable(row)).transpose()?.flatten();
        head = row.map(|row| one(run, &row, head));
    }
    Ok(())
}

/// Checks one and gives where the sequence stands behind it. `head` is `None` behind a row that could not be read.
fn one(run: &mut Fsck<'_>, row: &LoggedStatement, head: Option<Head>) -> Head {
    let stands = Head {
        seq: row.seq,
        pae: row.pae,
    };
    let log = run.ground.log;
    let mut find = |rule, column, what: &str| {
        run.find(rule, ("own_statement", column), row.index, what);
    };
    let verified = Unverified::parse(&row.envelope).and_then(|u| u.verify(log.key()));
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            find(Rule::Signature, "envelope", &error.to_string());
            return stands;
        }
    };
    let Ok(frame) = serde_json::from_slice::<Frame>(verified.body()) else {
        find(
            Rule::Body,
            "envelope",
            "the body is not in the form of version 1",
        );
        return stands;
    };
    let other = "it is not that of the signed envelope";
    let key_id = ldsp_protocol::keys::key_id(log.key());
    for (column, rule, right) in [
        ("pae", Rule::Digest, verified.pae() == row.pae),
        ("key_id", Rule::Body, key_id == row.key_id),
        ("seq", Rule::Body, frame.seq == row.seq),
        (
            "kind",
            Rule::Body,
            frame.kind == row.kind && verified.payload_type() == row.kind.payload_type(),
        ),
    ] {
        if !right {
            find(rule, column, other);
        }
    }
    if frame.origin != log.name() || frame.node != row.node {
        find(
            Rule::Body,
            "envelope",
            "the body names another log or signer",
        );
    }
    if let Some(head) = head {
        if row.seq != head.seq + 1 {
            let what = format!("the number {} follows {}", row.seq, head.seq);
            find(Rule::Sequence, "seq", &what);
        } else if frame.prev != head.pae {
            let what = "the statement does not name the one before it";
            find(Rule::Chain, "envelope", what);
        }
    }
    Head {
        seq: row.seq,
        pae: verified.pae(),
    }
}
