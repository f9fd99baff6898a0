//! Rows as they stand, for comparing them one by one.

use std::collections::BTreeSet;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::log::Entry;
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::statement::Kind;

use super::{Columns, Fields};
use crate::store::{IndexRow, LoggedStatement, StoreError};

/// `standard` and `period` of a month, where they can be read.
pub(in crate::store) fn key_of_month<R: Fields>(row: &R) -> Option<(Digest, Period)> {
    let standard = row.bytes("standard").flatten()?;
    let period = row.text("period").flatten()?.parse().ok()?;
    Some((Digest::from_bytes(standard.try_into().ok()?), period))
}

/// `leaf, node, seq, kind, key_id, pae` of `statement` or, with the log's name as `node`, of `own_statement`: the leaf and the
/// record that it must have.
pub(in crate::store) fn recorded<R: Fields>(
    row: &R,
) -> Result<(u64, Result<Entry, StoreError>), StoreError> {
    let columns = Columns::keyed(row, "statement", &["leaf"]);
    let entry = || {
        Ok(Entry {
            // The log's own kinds too: which table may hold which is the row's own check.
            kind: columns.choice("kind", any_kind)?,
            node: columns.text("node")?,
            seq: columns.number("seq")?,
            key_id: columns.digest("key_id")?,
            pae: columns.digest("pae")?,
        })
    };
    Ok((columns.number("leaf")?, entry()))
}

fn any_kind(text: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
}

/// Every column of `practice`.
pub(in crate::store) fn index_row<R: Fields>(row: &R) -> Result<IndexRow, StoreError> {
    let columns = Columns::keyed(row, "practice", &["leaf"]);
    Ok(IndexRow {
        leaf: columns.number("leaf")?,
        node: columns.string("node")?,
        tier: columns.string("tier")?,
        verdict: columns.string("verdict")?,
        public_from: columns.string("public_from")?,
        supersedes: columns.optional_digest("supersedes")?,
        superseded_by: columns.optional_number("superseded_by")?,
    })
}

impl IndexRow {
    /// The row and the causes of a logged entry that nothing supersedes.
    pub(crate) fn of(row: &LoggedStatement, entry: &PracticeEntry) -> (Self, BTreeSet<String>) {
        let expected = Self {
            leaf: row.index,
            node: row.node.to_string(),
            tier: entry.tier.clone(),
            verdict: entry.verdict.id().to_owned(),
            public_from: super::public_from(entry),
            supersedes: entry.supersedes,
            superseded_by: None,
        };
        let factors = super::factors(entry).into_iter().map(str::to_owned);
        (expected, factors.collect())
    }

    /// Columns in which two rows differ.
    pub(crate) fn different(&self, other: &Self) -> impl Iterator<Item = &'static str> + use<> {
        [
            ("leaf", self.leaf == other.leaf),
            ("node", self.node == other.node),
            ("tier", self.tier == other.tier),
            ("verdict", self.verdict == other.verdict),
            ("public_from", self.public_from == other.public_from),
            ("supersedes", self.supersedes == other.supersedes),
            ("superseded_by", self.superseded_by == other.superseded_by),
        ]
        .into_iter()
        .filter_map(|(column, same)| (!same).then_some(column))
    }
}
