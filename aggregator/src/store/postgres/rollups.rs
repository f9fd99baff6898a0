//! Cumulative estimates and national sums.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::statement::Kind;
use sqlx::{PgConnection, query};

use super::Postgres;
use crate::rollup::NodeMonth;
use crate::store::rows::{self, as_blob, signed};
use crate::store::{NationalMonth, Rollups, StoreError};

/// Writes months in one command.
pub(super) async fn insert_months(
    connection: &mut PgConnection,
    months: &[&NodeMonth],
) -> Result<(), StoreError> {
    if months.is_empty() {
        return Ok(());
    }
    let all = || months.iter();
    let number = |n: usize| signed(n as u64);
    query(
        "INSERT INTO node_month (node, period, lep, seq, epoch, month, rho_micro, earlier_month,
             earlier_rho_micro, pledges, published, cumulative)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[],
             $12::bytea[])",
    )
    .bind(all().map(|m| m.node.as_str()).collect::<Vec<_>>())
    .bind(all().map(|m| m.period.to_string()).collect::<Vec<_>>())
    .bind(all().map(|m| m.lep.as_str()).collect::<Vec<_>>())
    .bind(all().map(|m| signed(m.seq)).collect::<Vec<_>>())
    .bind(all().map(|m| i64::from(m.epoch)).collect::<Vec<_>>())
    .bind(all().map(|m| number(m.span.month)).collect::<Vec<_>>())
    .bind(all().map(|m| signed(m.span.rho_micro)).collect::<Vec<_>>())
    .bind(
        all()
            .map(|m| m.earlier.map(|e| number(e.month)))
            .collect::<Vec<_>>(),
    )
    .bind(
        all()
            .map(|m| m.earlier.map(|e| signed(e.rho_micro)))
            .collect::<Vec<_>>(),
    )
    .bind(all().map(|m| rows::pledges(m)).collect::<Vec<_>>())
    .bind(all().map(|m| as_blob(&m.published)).collect::<Vec<_>>())
    .bind(all().map(|m| as_blob(&m.cumulative)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// The sums so far of these periods and parts; those that have none yet are left out.
pub(super) async fn read_national(
    connection: &mut PgConnection,
    keys: &[(Period, &str)],
) -> Result<Vec<NationalMonth>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (periods, parts): (Vec<String>, Vec<&str>) = keys
        .iter()
        .map(|(period, part)| (period.to_string(), *part))
        .unzip();
    let found = query(
        "SELECT period, part, cells FROM national_month
         JOIN unnest($1::text[], $2::text[]) AS asked (period, part) USING (period, part)",
    )
    .bind(periods)
    .bind(parts)
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::national).collect()
}

/// Writes the sums that a batch changed, in one statement.
pub(super) async fn write_national<'a>(
    connection: &mut PgConnection,
    sums: impl ExactSizeIterator<Item = (Period, &'a str, &'a [i64])>,
) -> Result<(), StoreError> {
    if sums.len() == 0 {
        return Ok(());
    }
    let (mut periods, mut parts, mut cells) = (vec![], vec![], vec![]);
    for (period, part, sum) in sums {
        periods.push(period.to_string());
        parts.push(part);
        cells.push(as_blob(sum));
    }
    query(
        "INSERT INTO national_month (period, part, cells)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
         ON CONFLICT (period, part) DO UPDATE SET cells = excluded.cells",
    )
    .bind(periods)
    .bind(parts)
    .bind(cells)
    .execute(connection)
    .await?;
    Ok(())
}

impl Rollups for Postgres {
    async fn history(&self, node: &NodeSlug) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node, period, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, published, cumulative FROM node_month WHERE node = $1 ORDER BY period",
        )
        .bind(node.as_str())
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(|row| rows::month(row, true)).collect()
    }

    async fn contributions(&self) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node, period, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, cumulative FROM node_month ORDER BY node, period",
        )
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(|row| rows::month(row, false)).collect()
    }

    async fn months(&self, places: Range<u64>) -> Result<Vec<NodeMonth>, StoreError> {
        let found = query(
            "SELECT statement.node AS author, statement.period AS stated, node_month.node, node_month.period, lep,
                 node_month.seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro, pledges, cumulative
             FROM statement LEFT JOIN node_month
                 ON node_month.node = statement.node AND node_month.period = statement.period
             WHERE leaf >= $1 AND leaf < $2 AND kind = $3 ORDER BY leaf",
        )
        .bind(signed(places.start))
        .bind(signed(places.end))
        .bind(Kind::LearningSummary.as_str())
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::month_of).collect()
    }

    async fn month(&self, pae: Digest) -> Result<Option<NodeMonth>, StoreError> {
        let found = query(
            "SELECT node_month.node, node_month.period, lep, node_month.seq, epoch, month, rho_micro, earlier_month,
                 earlier_rho_micro, pledges, cumulative
             FROM statement JOIN node_month
                 ON node_month.node = statement.node AND node_month.period = statement.period
             WHERE pae = $1",
        )
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(&self.reader)
        .await?;
        found.map(|row| rows::month(&row, false)).transpose()
    }

    async fn national(&self) -> Result<Vec<NationalMonth>, StoreError> {
        let found = query("SELECT period, part, cells FROM national_month ORDER BY period, part")
            .fetch_all(&self.reader)
            .await?;
        found.iter().map(rows::national).collect()
    }
}
