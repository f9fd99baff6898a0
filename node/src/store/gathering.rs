//! Who is to bring what is not known yet of demand and provision.

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use sqlx::SqliteConnection;

use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::{StoreError, date, day};

/// What something is not known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum About {
    /// What is asked for.
    Demand,
    /// What is on offer.
    Provision,
}

impl About {
    pub(crate) const ALL: [Self; 2] = [Self::Demand, Self::Provision];

    /// The word in the database, in addresses and forms and for programs.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Provision => "provision",
        }
    }

    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Demand => "What is asked for",
            Self::Provision => "What is on offer",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|about| about.id() == word)
    }
}

/// Something that a body or a role is to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatheringTask {
    pub(crate) about: About,
    /// Position in the standard's skills.
    pub(crate) skill: u8,
    /// `None`: the whole area.
    pub(crate) district: Option<Gss>,
    pub(crate) body: String,
    pub(crate) due: Date,
    pub(crate) done: Option<Date>,
    pub(crate) note: String,
}

impl Kept for GatheringTask {
    const KIND: Kind = Kind::GatheringTask;
    const TABLE: &'static str = "gathering_tasks";
    const DEPENDENTS: &'static [Dependent] = &[];

    /// Those that are still to come first, the earliest due before the others.
    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        type Row = (
            i64,
            i64,
            String,
            u8,
            Option<String>,
            String,
            i64,
            Option<i64>,
            String,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, version, about, skill, district, body, due_day, done_day, note FROM gathering_tasks \
             WHERE $1 IS NULL OR id = $1 ORDER BY done_day IS NOT NULL, due_day, id",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        let stored = |(id, version, about, skill, district, body, due, done, note): Row| {
            let corrupt = |column| StoreError::Corrupt {
                table: "gathering_tasks",
                column,
                row: id.to_string(),
            };
            let district = district.map(|code| code.parse().map_err(|_| corrupt("district")));
            let done = done.map(|on| date(on).ok_or_else(|| corrupt("done_day")));
            let it = Self {
                about: About::named(&about).ok_or_else(|| corrupt("about"))?,
                skill,
                district: district.transpose()?,
                body,
                due: date(due).ok_or_else(|| corrupt("due_day"))?,
                done: done.transpose()?,
                note,
            };
            Ok(Stored { id, version, it })
        };
        rows.into_iter().map(stored).collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match id {
            None => {
                "INSERT INTO gathering_tasks (about, skill, district, body, due_day, done_day, note) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"
            }
            Some(_) => {
                "UPDATE gathering_tasks SET about = $1, skill = $2, district = $3, body = $4, due_day = $5, done_day = $6, note = $7, \
                 version = version + 1 WHERE id = $8 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(self.about.id())
            .bind(self.skill)
            .bind(self.district.as_ref().map(Gss::as_str))
            .bind(&self.body)
            .bind(day(self.due))
            .bind(self.done.map(day))
            .bind(&self.note);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}
