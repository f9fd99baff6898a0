//! Rows that are the same service, and rows that only look so: what a person decided of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::audit::append;
use super::history::{self, Change, Kind};
use super::{Store, StoreError};

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It is done.
    Done,
    /// One of the two is not there, or stands for itself no more.
    Gone,
}

/// A row that another one stands for.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) source: String,
}

/// The field under which a history tells of a merge.
const FIELD: &str = "merged_into";

/// The field under which a history tells that two rows are two services.
const DISTINCT: &str = "not_the_same_as";

/// A pair as it is kept: the older row first.
fn ordered((one, other): (i64, i64)) -> (i64, i64) {
    (one.min(other), one.max(other))
}

/// Whether both rows are there and stand for themselves.
async fn stand_alone(
    tx: &mut SqliteConnection,
    (one, other): (i64, i64),
) -> Result<bool, StoreError> {
    let both: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM services WHERE id IN ($1, $2) AND merged_into IS NULL",
    )
    .bind(one)
    .bind(other)
    .fetch_one(tx)
    .await?;
    Ok(one != other && both == 2)
}

impl Store {
    /// Pairs of services, the older first, that somebody found to be two.
    pub(crate) async fn distinct_services(&self) -> Result<BTreeSet<(i64, i64)>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT one, other FROM services_distinct")
            .fetch_all(&self.reader)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// Every row that another one stands for, with the number of that one.
    pub(crate) async fn merged_services(&self) -> Result<Vec<(Merged, i64)>, StoreError> {
        let rows: Vec<(i64, String, String, i64)> = sqlx::query_as(
            "SELECT id, name, source, merged_into FROM services WHERE merged_into IS NOT NULL ORDER BY id",
        )
        .fetch_all(&self.reader)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, name, source, into)| (Merged { id, name, source }, into))
            .collect())
    }

    /// Remembers that two rows are two services, or forgets it where they are not `distinct` after all.
    pub(crate) async fn tell_apart(
        &self,
        pair: (i64, i64),
        distinct: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<Joined, StoreError> {
        let mut tx = self.write().await?;
        if !stand_alone(&mut tx, pair).await? {
            return Ok(Joined::Gone);
        }
        let (one, other) = ordered(pair);
        let sql = match distinct {
            true => {
                "INSERT INTO services_distinct (one, other) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            }
            false => "DELETE FROM services_distinct WHERE one = $1 AND other = $2",
        };
        let done = sqlx::query(sql)
            .bind(one)
            .bind(other)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Joined::Done);
        }
        let changes = [(one, other), (other, one)].map(|(row, than)| {
            let than = Some(format!("service {than}"));
            let (before, after) = if distinct { (None, than) } else { (than, None) };
            Change {
                row,
                field: DISTINCT,
                before,
                after,
            }
        });
        history::record(&mut tx, now, who, Kind::Service, &changes).await?;
        let not = if distinct { "not " } else { "perhaps " };
        let detail = format!("service {other} is {not}service {one}");
        append(&mut tx, now, who, "services told apart", &detail).await?;
        tx.commit().await?;
        Ok(Joined::Done)
    }

    /// The rows that a service stands for.
    pub(crate) async fn merged_with(&self, id: i64) -> Result<Vec<Merged>, StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT id, name, source FROM services WHERE merged_into = $1 ORDER BY id",
        )
        .bind(id)
        .fetch_all(&self.reader)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, name, source)| Merged { id, name, source })
            .collect())
    }

    /// The row that stands for a service; `None`: it stands for itself.
    pub(crate) async fn merged_into(&self, id: i64) -> Result<Option<i64>, StoreError> {
        let found = sqlx::query_scalar("SELECT merged_into FROM services WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reader)
            .await?;
        Ok(found.flatten())
    }

    /// Lets `kept` stand for `other` and for all that `other` stood for. Nothing of either is changed otherwise.
    pub(crate) async fn merge_services(
        &self,
        (kept, other): (i64, i64),
        who: &str,
        now: Timestamp,
    ) -> Result<Joined, StoreError> {
        let mut tx = self.write().await?;
        if !stand_alone(&mut tx, (kept, other)).await? {
            return Ok(Joined::Gone);
        }
        let (first, second) = ordered((kept, other));
        sqlx::query("DELETE FROM services_distinct WHERE one = $1 AND other = $2")
            .bind(first)
            .bind(second)
            .execute(&mut *tx)
            .await?;
        let moved: Vec<(i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, merged_into FROM services WHERE id = $1 OR merged_into = $1 ORDER BY id",
        )
        .bind(other)
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query("UPDATE services SET merged_into = $1 WHERE id = $2 OR merged_into = $2")
            .bind(kept)
            .bind(other)
            .execute(&mut *tx)
            .await?;
        let said = |row: i64| Some(format!("service {row}"));
        let changes: Vec<Change> = moved
            .into_iter()
            .map(|(row, before)| Change {
                row,
                field: FIELD,
                before: before.and_then(said),
                after: said(kept),
            })
            .collect();
        history::record(&mut tx, now, who, Kind::Service, &changes).await?;
        let detail = format!("service {kept} stands for service {other}");
        append(&mut tx, now, who, "service merged", &detail).await?;
        tx.commit().await?;
        Ok(Joined::Done)
    }

    /// Lets a row stand for itself again.
    pub(crate) async fn part_service(
        &self,
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<Joined, StoreError> {
        let mut tx = self.write().await?;
        let into: Option<Option<i64>> =
            sqlx::query_scalar("SELECT merged_into FROM services WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(Some(into)) = into else {
            return Ok(Joined::Gone);
        };
        sqlx::query("UPDATE services SET merged_into = NULL WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let change = Change {
            row: id,
            field: FIELD,
            before: Some(format!("service {into}")),
            after: None,
        };
        history::record(&mut tx, now, who, Kind::Service, &[change]).await?;
        let detail = format!("service {id} stands for itself again, not service {into}");
        append(&mut tx, now, who, "service parted", &detail).await?;
        tx.commit().await?;
        Ok(Joined::Done)
    }
}
