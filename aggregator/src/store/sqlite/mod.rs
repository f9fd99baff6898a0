//! SQLite: embedded, one writer and many readers, WAL, `synchronous = FULL`, so that what a
//! transaction wrote survives a power cut.

mod library;
mod listing;
mod log;
mod registry;
mod rollups;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Row};

use super::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Write transactions take the lock at once: a read that turns into a write later would not wait
/// for a busy database.
const IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqlite {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Sqlite {
    /// Opens the database at `path`, creating it when absent, and brings it up to date.
    ///
    /// # Errors
    /// The file cannot be opened, or a newer version wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A full disk makes SQLite end the transaction by itself; sqlx does not notice and would refuse every
            // later one. Such a connection is closed and another one opened.
            .before_acquire(|connection, _| {
                let clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(clean) })
            })
            .connect_with(options.clone())
            .await?;
        MIGRATIONS.run(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(8)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, reader })
    }

    /// Waits for running work and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// The writing connection, for tests that damage rows.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }
}

/// Reads the columns of one row; what does not parse is named.
struct Columns<'a> {
    row: &'a SqliteRow,
    table: &'static str,
    key: String,
}

impl<'a> Columns<'a> {
    fn new(row: &'a SqliteRow, table: &'static str, key: impl Into<String>) -> Self {
        Self {
            row,
            table,
            key: key.into(),
        }
    }

    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            column,
            row: self.key.clone(),
        }
    }

    fn raw<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    fn text<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.raw(column)?;
        text.parse().map_err(|_| self.corrupt(column))
    }

    fn optional<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.raw(column)?;
        text.map(|t| t.parse().map_err(|_| self.corrupt(column)))
            .transpose()
    }

    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let number: i64 = self.raw(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    fn optional_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let number: Option<i64> = self.raw(column)?;
        number
            .map(|n| T::try_from(n).map_err(|_| self.corrupt(column)))
            .transpose()
    }

    fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        let bytes: Vec<u8> = self.raw(column)?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| self.corrupt(column))?;
        Ok(Digest::from_bytes(bytes))
    }

    fn optional_digest(&self, column: &'static str) -> Result<Option<Digest>, StoreError> {
        match self.raw::<Option<Vec<u8>>>(column)? {
            None => Ok(None),
            Some(_) => self.digest(column).map(Some),
        }
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        let ms: i64 = self.raw(column)?;
        Timestamp::from_millisecond(ms).map_err(|_| self.corrupt(column))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.raw(column)?;
        serde_json::from_str(&text).map_err(|_| self.corrupt(column))
    }

    /// A choice of ours by its id.
    fn choice<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text: String = self.raw(column)?;
        parse(&text).ok_or_else(|| self.corrupt(column))
    }

    /// `expected` signed 64-bit integers, little-endian.
    fn cells(&self, column: &'static str, expected: usize) -> Result<Vec<i64>, StoreError> {
        let bytes: Vec<u8> = self.raw(column)?;
        let (cells, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || cells.len() != expected {
            return Err(self.corrupt(column));
        }
        Ok(cells.iter().map(|c| i64::from_le_bytes(*c)).collect())
    }
}

fn as_blob(cells: &[i64]) -> Vec<u8> {
    cells.iter().flat_map(|c| c.to_le_bytes()).collect()
}

/// Sequence numbers, indices and budgets are far below 2^63; SQLite has no unsigned integers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
