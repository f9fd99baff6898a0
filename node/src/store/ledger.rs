//! The ledger: what entered and what was published, per table and month. Insert only.
//!
//! Every function works inside the caller's transaction. A table's row carries a digest that is checked whenever
//! it is read; months without a gap and tables without a lack are checked too. Damage is
//! [`StoreError::Corrupt`]: a node that has lost its ledger may not draw noise.

pub mod corrections;
mod entries;
pub mod epochs;

use std::collections::BTreeMap;

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Standard};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

pub use entries::{earliest_start, entries, mark_counted};

use super::StoreError;
use crate::disclosure::{LedgerMonth, LedgerTable};

fn corrupt(column: &'static str, row: impl ToString) -> StoreError {
    StoreError::Corrupt {
        table: "ledger_cells",
        column,
        row: row.to_string(),
    }
}

/// All months of the present epoch in order.
///
/// # Errors
/// [`StoreError::Corrupt`] for a gap, a lacking or unknown table, a wrong length or a digest that does not match.
pub async fn months(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
) -> Result<Vec<LedgerMonth>, StoreError> {
    let present = epochs::present(&mut *connection).await?;
    months_of(connection, codebook, present.number).await
}

/// All months of `epoch` in order.
///
/// # Errors
/// As [`months`].
pub async fn months_of(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    epoch: u32,
) -> Result<Vec<LedgerMonth>, StoreError> {
    let mut months: Vec<LedgerMonth> = Vec::new();
    let sql = "SELECT month, period FROM ledger_months WHERE epoch = $1 ORDER BY month";
    let rows = sqlx::query(sql)
        .bind(epoch)
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let number: i64 = row.try_get("month")?;
        let damaged = |column| StoreError::Corrupt {
            table: "ledger_months",
            column,
            row: format!("epoch {epoch}, month {number}"),
        };
        if usize::try_from(number) != Ok(months.len() + 1) {
            return Err(damaged("month"));
        }
        let period = period(row.try_get("period")?).ok_or_else(|| damaged("period"))?;
        let follows = months
            .last()
            .is_none_or(|m| m.period.next() == Some(period));
        if !follows {
            return Err(damaged("period"));
        }
        let tables = tables(connection, codebook, epoch, months.len() + 1).await?;
        months.push(LedgerMonth {
            epoch,
            month: months.len() + 1,
            period,
            tables,
        });
    }
    Ok(months)
}

/// A month as the database writes it: months since 2000-01.
pub(crate) fn period(index: i64) -> Option<Period> {
    Period::new(2000, 1).ok()?.plus(i32::try_from(index).ok()?)
}

async fn tables(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    epoch: u32,
    month: usize,
) -> Result<Vec<LedgerTable>, StoreError> {
    let rows = sqlx::query(
        "SELECT table_id, entries, published, digest FROM ledger_cells WHERE epoch = $1 AND month = $2",
    )
    .bind(epoch)
    .bind(month as i64)
    .fetch_all(connection)
    .await?;
    let mut found: BTreeMap<String, LedgerTable> = BTreeMap::new();
    for row in rows {
        let id: String = row.try_get("table_id")?;
        let place = format!("month {month}, table {id}");
        let (entries, published): (Vec<u8>, Vec<u8>) =
            (row.try_get("entries")?, row.try_get("published")?);
        let stated: Vec<u8> = row.try_get("digest")?;
        if stated != digest(epoch, month, &id, &entries, &published) {
            return Err(corrupt("digest", place));
        }
        let table = LedgerTable {
            entries: numbers(&entries).ok_or_else(|| corrupt("entries", &place))?,
            published: numbers(&published).ok_or_else(|| corrupt("published", &place))?,
        };
        found.insert(id, table);
    }
    let declared = Standard::v1().tables();
    if let Some(id) = found
        .keys()
        .find(|id| !declared.iter().any(|t| t.id == **id))
    {
        return Err(corrupt("table_id", format!("month {month}, table {id}")));
    }
    declared
        .iter()
        .map(|t| {
            let place = || format!("month {month}, table {}", t.id);
            let table = found
                .remove(&t.id)
                .ok_or_else(|| corrupt("table_id", place()))?;
            let cells = codebook.cells(t);
            if table.entries.len() != cells || table.published.len() != cells {
                return Err(corrupt("entries", place()));
            }
            Ok(table)
        })
        .collect()
}

/// Writes one month.
///
/// # Errors
/// Database trouble, also when the month is already there: a month is never drawn twice.
pub async fn append(
    connection: &mut SqliteConnection,
    month: &LedgerMonth,
    drawn_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger_months (epoch, month, period, drawn_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(month.epoch)
    .bind(month.month as i64)
    .bind(month.period.index())
    .bind(drawn_at)
    .execute(&mut *connection)
    .await?;
    for (declared, table) in Standard::v1().tables().iter().zip(&month.tables) {
        let (entries, published) = (bytes(&table.entries), bytes(&table.published));
        let digest = digest(month.epoch, month.month, &declared.id, &entries, &published);
        sqlx::query(
            "INSERT INTO ledger_cells (epoch, month, table_id, entries, published, digest) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(month.epoch)
        .bind(month.month as i64)
        .bind(&declared.id)
        .bind(entries)
        .bind(published)
        .bind(digest)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn bytes(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Option<Vec<i64>> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    rest.is_empty()
        .then(|| chunks.iter().map(|c| i64::from_le_bytes(*c)).collect())
}

/// SHA-256 of epoch, month, table and cells. Lengths go in first, so that no two rows hash the same bytes.
fn digest(epoch: u32, month: usize, table: &str, entries: &[u8], published: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update(epoch.to_le_bytes())
        .chain_update((month as u64).to_le_bytes())
        .chain_update((table.len() as u64).to_le_bytes())
        .chain_update(table)
        .chain_update((entries.len() as u64).to_le_bytes())
        .chain_update(entries)
        .chain_update(published)
        .finalize()
        .to_vec()
}
