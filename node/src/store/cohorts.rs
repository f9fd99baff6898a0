//! Cohorts: one run of a programme by one provider.

use jiff::civil::Date;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::records::Exact;
use super::{Store, StoreError, date, day};

/// A cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `cohorts`")]
pub struct Cohort {
    pub code: String,
    pub programme: i64,
    pub organisation: i64,
    pub title: String,
    pub start: Option<Date>,
    pub end: Option<Date>,
    pub places: Option<i64>,
    pub place: String,
    pub employer: Option<i64>,
}

struct Found(Stored<Cohort>);

impl FromRow<'_, SqliteRow> for Found {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let day =
            |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(date));
        let it = Cohort {
            code: row.try_get("code")?,
            programme: row.try_get("programme")?,
            organisation: row.try_get("organisation")?,
            title: row.try_get("title")?,
            start: day("start_day")?,
            end: day("end_day")?,
            places: row.try_get("places")?,
            place: row.try_get("place")?,
            employer: row.try_get("employer")?,
        };
        Ok(Self(Stored {
            id: row.try_get("id")?,
            version: row.try_get("version")?,
            it,
        }))
    }
}

impl Kept for Cohort {
    const KIND: Kind = Kind::Cohort;
    const TABLE: &'static str = "cohorts";
    const DEPENDENTS: &'static [Dependent] = &[
        Dependent::new(
            "learner is in it",
            "learners are in it",
            "SELECT count(*) FROM enrolments WHERE cohort = $1",
        ),
        Dependent::new(
            "amount was spent on it",
            "amounts were spent on it",
            "SELECT count(*) FROM spend WHERE cohort = $1",
        ),
    ];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let rows: Vec<Found> =
            sqlx::query_as("SELECT * FROM cohorts WHERE $1 IS NULL OR id = $1 ORDER BY code")
                .bind(id)
                .fetch_all(connection)
                .await?;
        Ok(rows.into_iter().map(|found| found.0).collect())
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match id {
            None => {
                "INSERT INTO cohorts (code, programme, organisation, title, start_day, end_day, places, place, employer) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"
            }
            Some(_) => {
                "UPDATE cohorts SET code = $1, programme = $2, organisation = $3, title = $4, start_day = $5, end_day = $6, \
                 places = $7, place = $8, employer = $9, version = version + 1 WHERE id = $10 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.code)
            .bind(self.programme)
            .bind(self.organisation)
            .bind(&self.title)
            .bind(self.start.map(day))
            .bind(self.end.map(day))
            .bind(self.places)
            .bind(&self.place)
            .bind(self.employer);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}

/// The programme that a cohort runs.
pub(crate) async fn programme_of(
    connection: &mut SqliteConnection,
    cohort: i64,
) -> Result<Option<i64>, StoreError> {
    let found = sqlx::query_scalar("SELECT programme FROM cohorts WHERE id = $1")
        .bind(cohort)
        .fetch_optional(connection)
        .await?;
    Ok(found)
}

/// Whether anybody is in a cohort.
pub(crate) async fn is_filled(
    connection: &mut SqliteConnection,
    cohort: i64,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM enrolments WHERE cohort = $1 AND removed_day IS NULL)",
    )
    .bind(cohort)
    .fetch_one(connection)
    .await?;
    Ok(found)
}

impl Store {
    /// The cohorts that a provider delivers, by code.
    pub(crate) async fn cohorts_of(
        &self,
        organisation: i64,
    ) -> Result<Vec<Stored<Cohort>>, StoreError> {
        let rows: Vec<Found> =
            sqlx::query_as("SELECT * FROM cohorts WHERE organisation = $1 ORDER BY code")
                .bind(organisation)
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|found| found.0).collect())
    }

    /// Exact numbers of a cohort's enrolments by stage, in the order of the standard's `stages`.
    pub(crate) async fn exact_cohort(
        &self,
        cohort: i64,
        stages: usize,
    ) -> Result<Exact<Vec<u64>>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT stage, count(*) FROM enrolments WHERE cohort = $1 AND removed_day IS NULL GROUP BY stage",
        )
        .bind(cohort)
        .fetch_all(&self.reader)
        .await?;
        let mut counts = vec![0; stages];
        for (stage, n) in rows {
            let at = usize::try_from(stage).unwrap_or(usize::MAX);
            let count = counts.get_mut(at).ok_or(StoreError::Corrupt {
                table: "enrolments",
                column: "stage",
                row: "(a group)".to_owned(),
            })?;
            *count = u64::try_from(n).unwrap_or(0);
        }
        Ok(Exact::new(counts))
    }
}
