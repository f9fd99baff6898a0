//! Programmes, as the LEP's coordinator describes them.

use std::collections::HashMap;

use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::{Store, StoreError, date, day};

/// A programme. Codes are positions in the standard's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `programmes`")]
pub struct Programme {
    pub code: String,
    pub name: String,
    pub provider: String,
    pub tier: u8,
    pub kind: u8,
    pub audience: u8,
    pub funder: String,
    pub cost_pence: Option<i64>,
    pub capacity: Option<i64>,
    pub start: Option<Date>,
    pub end: Option<Date>,
    pub skills: u32,
    pub mode: Option<u8>,
    pub funder_organisation: Option<i64>,
}

fn read(row: &SqliteRow) -> Result<Stored<Programme>, sqlx::Error> {
    let day = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(date));
    let it = Programme {
        code: row.try_get("code")?,
        name: row.try_get("name")?,
        provider: row.try_get("provider")?,
        tier: row.try_get("tier")?,
        kind: row.try_get("type")?,
        audience: row.try_get("audience")?,
        funder: row.try_get("funder")?,
        cost_pence: row.try_get("cost_pence")?,
        capacity: row.try_get("capacity")?,
        start: day("start_day")?,
        end: day("end_day")?,
        skills: row.try_get("skills")?,
        mode: row.try_get("mode")?,
        funder_organisation: row.try_get("funder_organisation")?,
    };
    Ok(Stored {
        id: row.try_get("id")?,
        version: row.try_get("version")?,
        it,
    })
}

impl Kept for Programme {
    const KIND: Kind = Kind::Programme;
    const TABLE: &'static str = "programmes";
    const DEPENDENTS: &'static [Dependent] = &[
        Dependent::new(
            "cohort runs it",
            "cohorts run it",
            "SELECT count(*) FROM cohorts WHERE programme = $1",
        ),
        Dependent::new(
            "enrolment is recorded for it",
            "enrolments are recorded for it",
            "SELECT count(*) FROM enrolments WHERE programme = $1",
        ),
        Dependent::new(
            "amount was spent on it",
            "amounts were spent on it",
            "SELECT count(*) FROM spend WHERE programme = $1",
        ),
        Dependent::new(
            "ILR mapping leads to it",
            "ILR mappings lead to it",
            "SELECT count(*) FROM ilr_aims WHERE programme = (SELECT code FROM programmes WHERE id = $1)",
        ),
    ];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM programmes WHERE $1 IS NULL OR id = $1 ORDER BY code")
                .bind(id)
                .fetch_all(connection)
                .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        // An update of tier, type or audience leaves what was counted where it is: the triggers of migration 11.
        let sql = match id {
            None => {
                "INSERT INTO programmes (code, name, provider, tier, type, audience, funder, cost_pence, capacity, start_day, end_day, \
                 skills, mode, funder_organisation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id"
            }
            Some(_) => {
                "UPDATE programmes SET code = $1, name = $2, provider = $3, tier = $4, type = $5, audience = $6, funder = $7, \
                 cost_pence = $8, capacity = $9, start_day = $10, end_day = $11, skills = $12, mode = $13, funder_organisation = $14, \
                 version = version + 1 WHERE id = $15 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.code)
            .bind(&self.name)
            .bind(&self.provider)
            .bind(self.tier)
            .bind(self.kind)
            .bind(self.audience)
            .bind(&self.funder)
            .bind(self.cost_pence)
            .bind(self.capacity)
            .bind(self.start.map(day))
            .bind(self.end.map(day))
            .bind(self.skills)
            .bind(self.mode)
            .bind(self.funder_organisation);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}

/// Every programme by code, as a transaction sees it.
pub(crate) async fn by_code(
    tx: &mut SqliteConnection,
) -> Result<HashMap<String, Stored<Programme>>, StoreError> {
    let all = Programme::rows(tx, None).await?.into_iter();
    Ok(all.map(|p| (p.it.code.clone(), p)).collect())
}

impl Store {
    /// Every programme, by code.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn programmes(&self) -> Result<Vec<Stored<Programme>>, StoreError> {
        self.kept().await
    }
}
