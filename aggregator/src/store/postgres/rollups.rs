//! Cumulative estimates and national sums.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use sqlx::{PgConnection, query};

use super::Postgres;
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
        "INSERT INTO node_month (node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month,
             earlier_rho_micro, pledges, published, cumulative)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[],
             $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bytea[],
             $13::bytea[])",
    )
    .bind(all().map(|m| m.node.as_str()).collect::<Vec<_>>())
    .bind(all().map(|m| m.period.to_string()).collect::<Vec<_>>())
    .bind(all().map(|m| m.standard.digest().as_bytes().to_vec()).collect::<Vec<_>>())
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

/// The sums so far of these standards, periods and parts; those that have none yet are left out.
pub(super) async fn read_national(
    connection: &mut PgConnection,
    keys: &[(Digest, Period, &str)],
) -> Result<Vec<NationalMonth>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (mut standards, mut periods, mut parts) = (vec![], vec![], vec![]);
    for (standard, period, part) in keys {
        standards.push(standard.as_bytes().to_vec());
        periods.push(period.to_string());
        parts.push(*part);
    }
    let found = query(
        "SELECT period, standard, part, cells FROM national_month
         JOIN unnest($1::text[], $2::bytea[], $3::text[]) AS asked (period, standard, part)
             USING (period, standard, part)",
    )
    .bind(periods)
    .bind(standards)
    .bind(parts)
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::national).collect()
}

/// Writes the sums that a batch changed, in one statement.
pub(super) async fn write_national<'a>(
    connection: &mut PgConnection,
    sums: impl ExactSizeIterator<Item = ((Digest, Period, &'a str), &'a [i64])>,
) -> Result<(), StoreError> {
    if sums.len() == 0 {
        return Ok(());
    }
    let (mut standards, mut periods, mut parts, mut cells) = (vec![], vec![], vec![], vec![]);
    for ((standard, period, part), sum) in sums {
        standards.push(standard.as_bytes().to_vec());
        periods.push(period.to_string());
        parts.push(part);
        cells.push(as_blob(sum));
    }
    query(
        "INSERT INTO national_month (period, standard, part, cells)
         SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[])
         ON CONFLICT (period, standard, part) DO UPDATE SET cells = excluded.cells",
    )
    .bind(periods)
    .bind(standards)
    .bind(parts)
    .bind(cells)
    .execute(connection)
    .await?;
    Ok(())
}

impl Rollups for Postgres {
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
             WHERE $1::text IS NULL OR node = $1 ORDER BY node, period, seq",
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
