//! Services: where people learn digital skills. Organisations and what they offer, nothing about a learner.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::{Store, StoreError, date, day, moment};

/// What has become of a service, in the words of Open Referral UK 3.0 (`service.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Status {
    #[default]
    Active,
    Inactive,
    Defunct,
    TemporarilyClosed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Active,
        Self::Inactive,
        Self::Defunct,
        Self::TemporarilyClosed,
    ];

    /// The word in the database, in files, feeds and for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Defunct => "defunct",
            Self::TemporarilyClosed => "temporarily closed",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Active => "Runs",
            Self::Inactive => "Does not run at present",
            Self::Defunct => "Has ended for good",
            Self::TemporarilyClosed => "Closed for a time",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.id() == word)
    }
}

/// A service. Codes are positions in the standard's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `services`")]
pub struct Service {
    pub name: String,
    pub organisation: String,
    pub organisation_id: Option<i64>,
    pub description: String,
    pub tier: u8,
    pub skills: u32,
    pub audience: u8,
    pub mode: Option<u8>,
    pub area: Option<String>,
    pub place: String,
    pub places: Option<i64>,
    pub starts: Option<i64>,
    pub start: Option<Date>,
    pub end: Option<Date>,
    pub cost_pence: Option<i64>,
    pub cost_notes: String,
    pub minimum_age: Option<i64>,
    pub maximum_age: Option<i64>,
    pub eligibility: String,
    pub accessibility: String,
    pub url: String,
    pub status: Status,
    pub public: bool,
    pub assured: Option<Date>,
    pub assured_by: String,
    pub source: String,
    pub source_id: String,
}

fn read(row: &SqliteRow) -> Result<Stored<Service>, StoreError> {
    let id: i64 = row.try_get("id")?;
    let day = |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.and_then(date));
    let status: String = row.try_get("status")?;
    let status = Status::named(&status).ok_or_else(|| StoreError::Corrupt {
        table: "services",
        column: "status",
        row: id.to_string(),
    })?;
    let it = Service {
        name: row.try_get("name")?,
        organisation: row.try_get("organisation")?,
        organisation_id: row.try_get("organisation_id")?,
        description: row.try_get("description")?,
        tier: row.try_get("tier")?,
        skills: row.try_get("skills")?,
        audience: row.try_get("audience")?,
        mode: row.try_get("mode")?,
        area: row.try_get("area")?,
        place: row.try_get("place")?,
        places: row.try_get("places")?,
        starts: row.try_get("starts")?,
        start: day("start_day")?,
        end: day("end_day")?,
        cost_pence: row.try_get("cost_pence")?,
        cost_notes: row.try_get("cost_notes")?,
        minimum_age: row.try_get("minimum_age")?,
        maximum_age: row.try_get("maximum_age")?,
        eligibility: row.try_get("eligibility")?,
        accessibility: row.try_get("accessibility")?,
        url: row.try_get("url")?,
        status,
        public: row.try_get("public")?,
        assured: day("assured_day")?,
        assured_by: row.try_get("assured_by")?,
        source: row.try_get("source")?,
        source_id: row.try_get("source_id")?,
    };
    Ok(Stored {
        id,
        version: row.try_get("version")?,
        it,
    })
}

const INSERT: &str = "INSERT INTO services (name, organisation, organisation_id, description, tier, skills, audience, mode, area, place, \
     places, starts, start_day, end_day, cost_pence, cost_notes, minimum_age, maximum_age, eligibility, accessibility, url, status, \
     public, assured_day, assured_by, source, source_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
     $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27) RETURNING id";

const UPDATE: &str = "UPDATE services SET name = $1, organisation = $2, organisation_id = $3, description = $4, tier = $5, skills = $6, \
     audience = $7, mode = $8, area = $9, place = $10, places = $11, starts = $12, start_day = $13, end_day = $14, cost_pence = $15, \
     cost_notes = $16, minimum_age = $17, maximum_age = $18, eligibility = $19, accessibility = $20, url = $21, status = $22, \
     public = $23, assured_day = $24, assured_by = $25, source = $26, source_id = $27, version = version + 1 WHERE id = $28 RETURNING id";

impl Kept for Service {
    const KIND: Kind = Kind::Service;
    const TABLE: &'static str = "services";
    const DEPENDENTS: &'static [Dependent] = &[
        Dependent::new(
            "service is merged into it",
            "services are merged into it",
            "SELECT count(*) FROM services WHERE merged_into = $1",
        ),
        Dependent::new(
            "open feed gives it, and would bring it again",
            "open feeds give it, and would bring it again",
            "SELECT count(*) FROM services AS s JOIN feeds AS f ON f.url = s.source WHERE s.id = $1",
        ),
    ];

    /// Those that stand for themselves, by name; with a number also one that another row stands for.
    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM services WHERE id = $1 OR $1 IS NULL AND merged_into IS NULL ORDER BY name COLLATE NOCASE, id",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        rows.iter().map(read).collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let mut query = sqlx::query_scalar(if id.is_none() { INSERT } else { UPDATE })
            .bind(&self.name)
            .bind(&self.organisation)
            .bind(self.organisation_id)
            .bind(&self.description)
            .bind(self.tier)
            .bind(self.skills)
            .bind(self.audience)
            .bind(self.mode)
            .bind(&self.area)
            .bind(&self.place)
            .bind(self.places)
            .bind(self.starts)
            .bind(self.start.map(day))
            .bind(self.end.map(day))
            .bind(self.cost_pence)
            .bind(&self.cost_notes)
            .bind(self.minimum_age)
            .bind(self.maximum_age)
            .bind(&self.eligibility)
            .bind(&self.accessibility)
            .bind(&self.url)
            .bind(self.status.id())
            .bind(self.public)
            .bind(self.assured.map(day))
            .bind(&self.assured_by)
            .bind(&self.source)
            .bind(&self.source_id);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}

/// Every row, also those that others stand for, as a transaction sees them.
pub(crate) async fn every(tx: &mut SqliteConnection) -> Result<Vec<Stored<Service>>, StoreError> {
    let rows = sqlx::query("SELECT * FROM services ORDER BY id")
        .fetch_all(tx)
        .await?;
    rows.iter().map(read).collect()
}

/// The row that a source gave under an identifier, and what it gave last of it.
pub(crate) async fn pulled(
    tx: &mut SqliteConnection,
    (source, source_id): (&str, &str),
) -> Result<Option<(Stored<Service>, Option<String>)>, StoreError> {
    let row = sqlx::query("SELECT * FROM services WHERE source = $1 AND source_id = $2")
        .bind(source)
        .bind(source_id)
        .fetch_optional(tx)
        .await?;
    let found = row.map(|row| Ok((read(&row)?, row.try_get("pulled")?)));
    found.transpose()
}

/// Notes that a feed gave a row just now, and what it gave, where that was sent.
pub(crate) async fn saw(
    tx: &mut SqliteConnection,
    id: i64,
    pulled: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE services SET seen_at = $1, pulled = coalesce($2, pulled) WHERE id = $3")
        .bind(now.as_second())
        .bind(pulled)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// When feeds last gave the services that stand for themselves: the latest of all rows that each stands for.
    pub(crate) async fn sightings(&self) -> Result<HashMap<i64, Timestamp>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT coalesce(merged_into, id), max(seen_at) FROM services WHERE seen_at IS NOT NULL GROUP BY 1",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(id, at)| Ok((id, moment(at, "services", "seen_at", id)?)))
            .collect()
    }

    /// When each service was changed last, by number.
    pub(crate) async fn services_changed(&self) -> Result<HashMap<i64, Timestamp>, StoreError> {
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT row, max(at) FROM history WHERE kind = $1 GROUP BY row")
                .bind(Kind::Service.as_str())
                .fetch_all(&self.reader)
                .await?;
        rows.into_iter()
            .map(|(row, at)| Ok((row, moment(at, "history", "at", row)?)))
            .collect()
    }
}
