//! Cumulative estimates and national sums.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use sqlx::{SqliteConnection, query};

use super::Sqlite;
use crate::store::rows::{self, as_blob, signed};
use crate::store::{NationalMonth, Rollups, StoreError};

pub(super) async fn insert_month(
    connection: &mut SqliteConnection,
    month: &NodeMonth,
) -> Result<(), StoreError> {
    let number = |n: usize| signed(n as u64);
    query(
        "INSERT INTO node_month (node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month,
             earlier_rho_micro, pledges, published, cumulative)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(month.node.as_str())
    .bind(month.period.to_string())
    .bind(month.standard.digest().as_bytes().as_slice())
    .bind(month.lep.as_str())
    .bind(signed(month.seq))
    .bind(month.epoch)
    .bind(number(month.span.month))
    .bind(signed(month.span.rho_micro))
    .bind(month.earlier.map(|e| number(e.month)))
    .bind(month.earlier.map(|e| signed(e.rho_micro)))
    .bind(rows::pledges(month))
    .bind(as_blob(&month.published))
    .bind(as_blob(&month.cumulative))
    .execute(connection)
    .await?;
    Ok(())
}

/// A month's sum so far; empty before the first.
pub(super) async fn national_cells(
    connection: &mut SqliteConnection,
    (standard, period, part): (Digest, Period, &str),
) -> Result<Vec<i64>, StoreError> {
    let row = query(
        "SELECT period, standard, part, cells FROM national_month
         WHERE period = $1 AND standard = $2 AND part = $3",
    )
    .bind(period.to_string())
    .bind(standard.as_bytes().as_slice())
    .bind(part)
    .fetch_optional(connection)
    .await?;
    row.map_or_else(|| Ok(Vec::new()), |row| Ok(rows::national(&row)?.cells))
}

pub(super) async fn write_national(
    connection: &mut SqliteConnection,
    (standard, period, part): (Digest, Period, &str),
    cells: &[i64],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO national_month (period, standard, part, cells) VALUES ($1, $2, $3, $4)
         ON CONFLICT (period, standard, part) DO UPDATE SET cells = excluded.cells",
    )
    .bind(period.to_string())
    .bind(standard.as_bytes().as_slice())
    .bind(part)
    .bind(as_blob(cells))
    .execute(connection)
    .await?;
    Ok(())
}

impl Rollups for Sqlite {
    async fn history(
        &self,
        node: &NodeSlug,
        standard: &'static Standard,
    ) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, drawn, published, cumulative FROM node_month WHERE node = $1 AND standard = $2 ORDER BY period",
        )
        .bind(node.as_str())
        .bind(standard.digest().as_bytes().as_slice())
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(|row| rows::month(row, true)).collect()
    }

    async fn contributions(&self, node: Option<&NodeSlug>) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, drawn, cumulative FROM node_month
             WHERE $1 IS NULL OR node = $1 ORDER BY node, period, seq",
        )
        .bind(node.map(NodeSlug::as_str))
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(|row| rows::month(row, false)).collect()
    }

    async fn months(&self, places: Range<u64>) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT statement.node AS author, statement.seq AS stated, node_month.node, node_month.period, standard, lep,
                 node_month.seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro, pledges, drawn, cumulative
             FROM statement LEFT JOIN node_month ON node_month.node = statement.node
                 AND node_month.period = statement.period AND node_month.seq = statement.seq
             WHERE leaf >= $1 AND leaf < $2 AND kind IN ($3, $4) AND withdrawn IS NULL
                 AND (node_month.node IS NULL OR length(cumulative) > 0) ORDER BY leaf",
        )
        .bind(signed(places.start))
        .bind(signed(places.end))
        .bind(Kind::LearningSummary.as_str())
        .bind(Kind::Correction.as_str())
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::month_of).collect()
    }

    async fn month(&self, pae: Digest) -> Result<Option<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node_month.node, node_month.period, standard, lep, node_month.seq, epoch, month, rho_micro,
                 earlier_month, earlier_rho_micro, pledges, drawn, cumulative
             FROM statement JOIN node_month ON node_month.node = statement.node
                 AND node_month.period = statement.period AND (node_month.seq = statement.seq
                     OR standard = (SELECT r.standard FROM revision AS r WHERE r.target = statement.leaf LIMIT 1))
             WHERE pae = $1 AND length(cumulative) > 0",
        )
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(&self.reader)
        .await?;
        found.map(|row| rows::month(&row, false)).transpose()
    }

    async fn national(&self) -> Result<Vec<NationalMonth>, StoreError> {
        let found = query(
            "SELECT period, standard, part, cells FROM national_month ORDER BY period, standard, part",
        )
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::national).collect()
    }
}
