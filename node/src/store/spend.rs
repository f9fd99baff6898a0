//! What was spent in a month, on a programme as a whole or on one cohort of it.

use ldsp_protocol::ids::Period;
use sqlx::SqliteConnection;

use super::StoreError;
use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};
use super::ledger::period;

/// What money was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Category {
    Staff,
    Premises,
    Equipment,
    LearnerSupport,
    Marketing,
    Overheads,
    Other,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 7] = [
        Self::Staff,
        Self::Premises,
        Self::Equipment,
        Self::LearnerSupport,
        Self::Marketing,
        Self::Overheads,
        Self::Other,
    ];

    /// The word in the database, in forms and for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Premises => "premises",
            Self::Equipment => "equipment",
            Self::LearnerSupport => "learner-support",
            Self::Marketing => "marketing",
            Self::Overheads => "overheads",
            Self::Other => "other",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Staff => "Staff and tutors",
            Self::Premises => "Premises",
            Self::Equipment => "Equipment and software",
            Self::LearnerSupport => "Support for learners",
            Self::Marketing => "Marketing and recruitment",
            Self::Overheads => "Overheads",
            Self::Other => "Other",
        }
    }

    /// The category with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.id() == word)
    }
}

/// An amount that was spent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `spend`")]
pub struct Spend {
    pub programme: Option<i64>,
    pub cohort: Option<i64>,
    pub month: Period,
    pub category: Category,
    pub pence: i64,
    pub source: String,
}

impl Kept for Spend {
    const KIND: Kind = Kind::Spend;
    const TABLE: &'static str = "spend";
    const DEPENDENTS: &'static [Dependent] = &[];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        type Row = (i64, i64, Option<i64>, Option<i64>, i64, String, i64, String);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, version, programme, cohort, month, category, pence, source FROM spend \
             WHERE $1 IS NULL OR id = $1 ORDER BY month DESC, id DESC",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(
                |(id, version, programme, cohort, month, category, pence, source)| {
                    let corrupt = |column| StoreError::Corrupt {
                        table: "spend",
                        column,
                        row: id.to_string(),
                    };
                    let it = Self {
                        programme,
                        cohort,
                        month: period(month).ok_or_else(|| corrupt("month"))?,
                        category: Category::named(&category).ok_or_else(|| corrupt("category"))?,
                        pence,
                        source,
                    };
                    Ok(Stored { id, version, it })
                },
            )
            .collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match id {
            None => {
                "INSERT INTO spend (programme, cohort, month, category, pence, source) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"
            }
            Some(_) => {
                "UPDATE spend SET programme = $1, cohort = $2, month = $3, category = $4, pence = $5, source = $6, version = version + 1 \
                 WHERE id = $7 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(self.programme)
            .bind(self.cohort)
            .bind(i64::from(self.month.index()))
            .bind(self.category.id())
            .bind(self.pence)
            .bind(&self.source);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}
