//! The ledger: what entered and what was published, per standard, table and month. Insert only.
//!
//! Every function works inside the caller's transaction. A table's row carries a digest that is checked whenever
//! it is read; months without a gap and tables without a lack are checked too. Damage is
//! [`StoreError::Corrupt`]: a node that has lost its ledger may not draw noise.

pub mod corrections;
mod entries;
pub mod epochs;
pub mod streams;
pub mod withheld;

use std::collections::BTreeMap;

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Codebook, Standard};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

pub(crate) use entries::{KNOWN, column};
pub use entries::{entries, mark_counted};

use super::StoreError;
use crate::disclosure::{LedgerMonth, LedgerTable};

fn corrupt(column: &'static str, row: impl ToString) -> StoreError {
    StoreError::Corrupt {
        table: "ledger_cells",
        column,
        row: row.to_string(),
    }
}

/// All months of an epoch of `standard` in order.
///
/// # Errors
/// [`StoreError::Corrupt`] for a gap, a lacking or unknown table, a wrong length or a digest that does not match.
pub async fn months(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    standard: &'static Standard,
    epoch: u32,
) -> Result<Vec<LedgerMonth>, StoreError> {
    let mut months: Vec<LedgerMonth> = Vec::new();
    let sql =
        "SELECT month, period FROM ledger_months WHERE standard = $1 AND epoch = $2 ORDER BY month";
    let rows = sqlx::query(sql)
        .bind(standard.version())
        .bind(epoch)
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let number: i64 = row.try_get("month")?;
        let damaged = |column| StoreError::Corrupt {
            table: "ledger_months",
            column,
            row: format!("{}, epoch {epoch}, month {number}", standard.title()),
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
        let place = (standard, epoch, months.len() + 1);
        let tables = tables(connection, codebook, place).await?;
        months.push(LedgerMonth {
            standard,
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
    place: (&Standard, u32, usize),
) -> Result<Vec<LedgerTable>, StoreError> {
    let (standard, epoch, month) = place;
    let rows = sqlx::query(
        "SELECT table_id, entries, published, digest FROM ledger_cells WHERE standard = $1 AND epoch = $2 AND month = $3",
    )
    .bind(standard.version())
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
        if stated != digest((standard, epoch, month), &id, &entries, &published) {
            return Err(corrupt("digest", place));
        }
        let table = LedgerTable {
            entries: numbers(&entries).ok_or_else(|| corrupt("entries", &place))?,
            published: numbers(&published).ok_or_else(|| corrupt("published", &place))?,
        };
        found.insert(id, table);
    }
    let declared = standard.tables();
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

/// Writes one month of a stream.
///
/// # Errors
/// Database trouble, also when the month is already there: a month is never drawn twice.
pub async fn append(
    connection: &mut SqliteConnection,
    month: &LedgerMonth,
    drawn_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ledger_months (standard, epoch, month, period, drawn_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(month.standard.version())
    .bind(month.epoch)
    .bind(month.month as i64)
    .bind(month.period.index())
    .bind(drawn_at)
    .execute(&mut *connection)
    .await?;
    let place = (month.standard, month.epoch, month.month);
    for (declared, table) in month.standard.tables().iter().zip(&month.tables) {
        let (entries, published) = (bytes(&table.entries), bytes(&table.published));
        let digest = digest(place, &declared.id, &entries, &published);
        sqlx::query(
            "INSERT INTO ledger_cells (standard, epoch, month, table_id, entries, published, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(month.standard.version())
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

/// SHA-256 of standard, epoch, month, table and cells. Lengths go in first, so that no two rows hash the same bytes. The first standard is
/// not named: its rows are older than the second. Those of others are longer by its digest.
fn digest(
    place: (&Standard, u32, usize),
    table: &str,
    entries: &[u8],
    published: &[u8],
) -> Vec<u8> {
    let (standard, epoch, month) = place;
    let mut hash = Sha256::new();
    if standard.version() > 1 {
        hash.update(standard.digest().as_bytes());
    }
    hash.chain_update(epoch.to_le_bytes())
        .chain_update((month as u64).to_le_bytes())
        .chain_update((table.len() as u64).to_le_bytes())
        .chain_update(table)
        .chain_update((entries.len() as u64).to_le_bytes())
        .chain_update(entries)
        .chain_update(published)
        .finalize()
        .to_vec()
}
