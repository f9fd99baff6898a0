//! What a provider brought by mistake and takes back, while nothing stands on it.

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::merge::{self, held};
use super::{Enrolment, Pseudonym};
use crate::store::StoreError;

/// Why an enrolment stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Something of it was counted in a release, or may have been before a ledger was lost.
    Counted,
    /// The provider's Individualised Learner Record names it.
    Ilr,
    /// Somebody else's file brought it.
    Others,
}

/// What stands on an enrolment; `None`: its provider may take it back.
pub(crate) async fn standing(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<Stands>, StoreError> {
    let row = sqlx::query(
        "SELECT (counted | withheld) != 0 OR drawn IS NOT NULL OR EXISTS (SELECT 1 FROM corrections WHERE enrolment = $1) AS counted, \
         EXISTS (SELECT 1 FROM ilr_rows WHERE enrolment = $1) AS ilr, brought FROM enrolments WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let all = [
        (row.try_get("counted")?, Stands::Counted),
        (row.try_get("ilr")?, Stands::Ilr),
        (!row.try_get::<bool, _>("brought")?, Stands::Others),
    ];
    let stands = all.into_iter().find(|(stands, _)| *stands);
    Ok(stands.map(|(_, why)| why))
}

/// Takes an enrolment out on which nothing stands, with its history and, where it was the learner's only one, every number by which the learner was
/// known. Its place among the two of the learner that enter goes to the next one.
pub(crate) async fn take_out(tx: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    let learner: Option<Vec<u8>> =
        sqlx::query_scalar("DELETE FROM enrolments WHERE id = $1 RETURNING learner")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
    let Some(learner) = learner else {
        return Ok(());
    };
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE learner = ");
    sql.push_bind(learner.clone()).push(" ORDER BY id");
    let others = held(&mut *tx, sql).await?;
    if others.is_empty() {
        sqlx::query("DELETE FROM identities WHERE learner = $1")
            .bind(learner)
            .execute(tx)
            .await?;
        return Ok(());
    }
    let rows: Vec<(&Enrolment, bool)> = others.iter().map(|h| (&h.enrolment, !h.fixed)).collect();
    let entering = merge::entering(tx, &rows).await?;
    let open = others.iter().zip(entering).filter(|(held, _)| !held.fixed);
    for (held, enters) in open {
        sqlx::query("UPDATE enrolments SET enters = $1 WHERE id = $2 AND enters != $1")
            .bind(enters)
            .bind(held.id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Where an enrolment stands beside its own columns, to be put there again.
pub(crate) struct Placed {
    pub(crate) cohort: Option<i64>,
    pub(crate) employer: Option<i64>,
    pub(crate) version: i64,
}

/// Puts an enrolment that its provider brought where another one stood.
pub(crate) async fn stand_for(
    tx: &mut SqliteConnection,
    spell: &Pseudonym,
    placed: &Placed,
) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "UPDATE enrolments SET cohort = $1, employer = $2, version = $3, brought = 1 WHERE spell = $4 RETURNING id",
    )
    .bind(placed.cohort)
    .bind(placed.employer)
    .bind(placed.version + 1)
    .bind(&spell[..])
    .fetch_one(tx)
    .await?;
    Ok(id)
}
