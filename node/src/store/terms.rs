//! Words by which digital skills are found in vacancies.

use ldsp_protocol::standard::{Dimension, Standard};
use sqlx::SqliteConnection;

use super::StoreError;
use super::history::Kind;
use super::kept::{Dependent, Kept, Stored, unless_taken};

/// A word of the table. Codes are positions in the standard's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `demand_terms`")]
pub struct Term {
    pub term: String,
    pub tier: u8,
    pub skill: u8,
    pub weight: u8,
}

fn position(dimension: Dimension, id: &str) -> Option<u8> {
    let codes = &Standard::current().dimension(dimension).codes;
    let at = codes.iter().position(|code| code.id == id)?;
    u8::try_from(at).ok()
}

fn id(dimension: Dimension, at: u8) -> &'static str {
    let codes = &Standard::current().dimension(dimension).codes;
    codes
        .get(usize::from(at))
        .map_or("", |code| code.id.as_str())
}

impl Kept for Term {
    const KIND: Kind = Kind::Term;
    const TABLE: &'static str = "demand_terms";
    const DEPENDENTS: &'static [Dependent] = &[];

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let rows: Vec<(i64, i64, String, String, String, u8)> = sqlx::query_as(
            "SELECT id, version, term, tier, skill, weight FROM demand_terms WHERE $1 IS NULL OR id = $1 ORDER BY term COLLATE NOCASE",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(|(id, version, term, tier, skill, weight)| {
                let corrupt = |column| StoreError::Corrupt {
                    table: "demand_terms",
                    column,
                    row: id.to_string(),
                };
                let it = Self {
                    term,
                    tier: position(Dimension::Tier, &tier).ok_or_else(|| corrupt("tier"))?,
                    skill: position(Dimension::Skill, &skill).ok_or_else(|| corrupt("skill"))?,
                    weight,
                };
                Ok(Stored { id, version, it })
            })
            .collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        at: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match at {
            None => {
                "INSERT INTO demand_terms (term, tier, skill, weight) VALUES ($1, $2, $3, $4) RETURNING id"
            }
            Some(_) => {
                "UPDATE demand_terms SET term = $1, tier = $2, skill = $3, weight = $4, version = version + 1 WHERE id = $5 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.term)
            .bind(id(Dimension::Tier, self.tier))
            .bind(id(Dimension::Skill, self.skill))
            .bind(self.weight);
        if let Some(at) = at {
            query = query.bind(at);
        }
        unless_taken(query.fetch_one(tx).await)
    }
}
