//! Cumulative estimates and national sums.

use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query};

use super::{Columns, Sqlite, as_blob, signed};
use crate::rollup::{Layout, NodeMonth, Span};
use crate::store::{NationalMonth, Rollups, StoreError};

fn row_key(row: &SqliteRow, first: &str, second: &str) -> String {
    let text = |column: &str| row.try_get(column).unwrap_or_else(|_| "?".to_owned());
    format!("{} {}", text(first), text(second))
}

fn month(row: &SqliteRow, with_published: bool) -> Result<NodeMonth, StoreError> {
    let columns = Columns::new(row, "node_month", row_key(row, "node", "period"));
    let lep = columns.text("lep")?;
    let pledges: Vec<_> = columns.json("pledges")?;
    let cells = Layout::of_node(Standard::v1(), &Codebook::new(&lep, &pledges)).cells();
    let earlier = match columns.optional_number("earlier_month")? {
        None => None,
        Some(month) => Some(Span {
            month,
            rho_micro: columns.number("earlier_rho_micro")?,
        }),
    };
    Ok(NodeMonth {
        node: columns.text("node")?,
        period: columns.text("period")?,
        seq: columns.number("seq")?,
        epoch: columns.number("epoch")?,
        span: Span {
            month: columns.number("month")?,
            rho_micro: columns.number("rho_micro")?,
        },
        earlier,
        published: if with_published {
            columns.cells("published", cells)?
        } else {
            Vec::new()
        },
        cumulative: columns.cells("cumulative", cells)?,
        lep,
        pledges,
    })
}

pub(super) async fn insert_month(
    connection: &mut SqliteConnection,
    month: &NodeMonth,
) -> Result<(), StoreError> {
    let pledges: Vec<&str> = month.pledges.iter().map(|p| p.as_str()).collect();
    let number = |n: usize| signed(n as u64);
    query(
        "INSERT INTO node_month (node, period, lep, seq, epoch, month, rho_micro, earlier_month,
             earlier_rho_micro, pledges, published, cumulative)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(month.node.as_str())
    .bind(month.period.to_string())
    .bind(month.lep.as_str())
    .bind(signed(month.seq))
    .bind(month.epoch)
    .bind(number(month.span.month))
    .bind(signed(month.span.rho_micro))
    .bind(month.earlier.map(|e| number(e.month)))
    .bind(month.earlier.map(|e| signed(e.rho_micro)))
    .bind(serde_json::to_string(&pledges).expect("a list of texts always serialises"))
    .bind(as_blob(&month.published))
    .bind(as_blob(&month.cumulative))
    .execute(connection)
    .await?;
    Ok(())
}

fn national(row: &SqliteRow) -> Result<NationalMonth, StoreError> {
    let columns = Columns::new(row, "national_month", row_key(row, "period", "part"));
    let part: String = columns.raw("part")?;
    let layout = if part.is_empty() {
        Layout::national(Standard::v1())
    } else {
        Layout::national_pledge(Standard::v1())
    };
    Ok(NationalMonth {
        period: columns.text("period")?,
        cells: columns.cells("cells", layout.cells())?,
        part,
    })
}

/// A month's sum so far; empty before the first.
pub(super) async fn national_cells(
    connection: &mut SqliteConnection,
    period: Period,
    part: &str,
) -> Result<Vec<i64>, StoreError> {
    let row =
        query("SELECT period, part, cells FROM national_month WHERE period = $1 AND part = $2")
            .bind(period.to_string())
            .bind(part)
            .fetch_optional(connection)
            .await?;
    row.map_or_else(|| Ok(Vec::new()), |row| Ok(national(&row)?.cells))
}

pub(super) async fn write_national(
    connection: &mut SqliteConnection,
    period: Period,
    part: &str,
    cells: &[i64],
) -> Result<(), StoreError> {
    query(
        "INSERT INTO national_month (period, part, cells) VALUES ($1, $2, $3)
         ON CONFLICT (period, part) DO UPDATE SET cells = excluded.cells",
    )
    .bind(period.to_string())
    .bind(part)
    .bind(as_blob(cells))
    .execute(connection)
    .await?;
    Ok(())
}

impl Rollups for Sqlite {
    async fn history(&self, node: &NodeSlug) -> Result<Vec<NodeMonth>, StoreError> {
        let rows = query(
            "SELECT node, period, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, published, cumulative FROM node_month WHERE node = $1 ORDER BY period",
        )
        .bind(node.as_str())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| month(row, true)).collect()
    }

    async fn contributions(&self) -> Result<Vec<NodeMonth>, StoreError> {
        let rows = query(
            "SELECT node, period, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro,
                 pledges, cumulative FROM node_month ORDER BY node, period",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| month(row, false)).collect()
    }

    async fn months(&self, places: Range<u64>) -> Result<Vec<NodeMonth>, StoreError> {
        // A summary whose month is not there must be noticed, not left out of the sums.
        let rows = query(
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
        let present = |row: &SqliteRow| {
            let columns = Columns::new(row, "node_month", row_key(row, "author", "stated"));
            columns.raw::<String>("node")?;
            month(row, false)
        };
        rows.iter().map(present).collect()
    }

    async fn month(&self, pae: Digest) -> Result<Option<NodeMonth>, StoreError> {
        let row = query(
            "SELECT node_month.node, node_month.period, lep, node_month.seq, epoch, month, rho_micro, earlier_month,
                 earlier_rho_micro, pledges, cumulative
             FROM statement JOIN node_month
                 ON node_month.node = statement.node AND node_month.period = statement.period
             WHERE pae = $1",
        )
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| month(&row, false)).transpose()
    }

    async fn national(&self) -> Result<Vec<NationalMonth>, StoreError> {
        let rows = query("SELECT period, part, cells FROM national_month ORDER BY period, part")
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(national).collect()
    }
}
