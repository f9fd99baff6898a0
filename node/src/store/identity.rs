//! Who this node is: at most one row, written by `init` or once its LEP is chosen.

use jiff::Timestamp;
use ldsp_protocol::geography::Lep;
use ldsp_protocol::ids::Gss;

use super::audit::append;
use super::{Store, StoreError, moment};

/// The node's LEP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// GSS code of the LEP.
    pub lep: Gss,
    /// When it was chosen first.
    pub created_at: Timestamp,
}

/// What depends on the LEP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// Made-up records.
    Sample,
    /// Learners' records, or what an erasure left of them.
    Records,
    /// A month was prepared.
    Release,
    /// A practice entry was written.
    Practice,
    /// Demand was recorded, for its area or a district of it.
    Demand,
    /// The place in the federation.
    Enrolment,
}

impl Fixed {
    /// For people: why it stays.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Sample => "made-up records were brought in",
            Self::Records => {
                "learners\u{2019} records were imported, and where they live was judged by it"
            }
            Self::Release => "a month was prepared for it",
            Self::Practice => "a practice entry was written for it",
            Self::Demand => "demand was recorded for its districts",
            Self::Enrolment => "the node is enrolled with the national log",
        }
    }
}

/// What came of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// It is this one from now on.
    Done,
    /// It was this one before.
    Same,
    /// It stays another one.
    Fixed(Fixed),
}

/// What depends on the LEP, as a query each.
const DEPENDS: [(Fixed, &str); 6] = [
    (Fixed::Sample, "SELECT 1 FROM sample"),
    (
        Fixed::Records,
        "SELECT 1 FROM enrolments UNION ALL SELECT 1 FROM erased LIMIT 1",
    ),
    (
        Fixed::Release,
        "SELECT 1 FROM releases UNION ALL SELECT 1 FROM ledger_epochs LIMIT 1",
    ),
    (Fixed::Practice, "SELECT 1 FROM practice LIMIT 1"),
    (Fixed::Demand, "SELECT 1 FROM demand JOIN identity LIMIT 1"),
    (Fixed::Enrolment, "SELECT 1 FROM enrolment"),
];

impl Store {
    /// Who this node is; `Ok(None)` before its LEP is chosen.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT lep, created_at FROM identity WHERE id = 1")
                .fetch_optional(&self.reader)
                .await?;
        row.map(|(lep, created_at)| {
            Ok(Identity {
                lep: lep.parse().map_err(|_| StoreError::Corrupt {
                    table: "identity",
                    column: "lep",
                    row: "1".to_owned(),
                })?,
                created_at: moment(created_at, "identity", "created_at", 1)?,
            })
        })
        .transpose()
    }

    /// Says who this node is, unless it was said before: `false` then, and nothing is changed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_identity(&self, lep: &Gss, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "INSERT INTO identity (id, lep, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(lep.as_str())
        .bind(at.as_second())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// What depends on the LEP by now; `None`: it may be chosen.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn lep_fixed(&self) -> Result<Option<Fixed>, StoreError> {
        fixed(&mut *self.reader.begin().await?).await
    }

    /// Says that the node is of `lep` from now on, unless something depends on its being of another one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn choose_lep(
        &self,
        lep: &Lep,
        who: &str,
        at: Timestamp,
    ) -> Result<Chosen, StoreError> {
        // An import is one writing transaction: it is over, or has not looked at the LEP yet.
        let mut tx = self.write().await?;
        let held: Option<String> = sqlx::query_scalar("SELECT lep FROM identity WHERE id = 1")
            .fetch_optional(&mut *tx)
            .await?;
        if held.as_deref() == Some(lep.code.as_str()) {
            return Ok(Chosen::Same);
        }
        if held.is_some()
            && let Some(why) = fixed(&mut tx).await?
        {
            return Ok(Chosen::Fixed(why));
        }
        sqlx::query(
            "INSERT INTO identity (id, lep, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET lep = excluded.lep",
        )
        .bind(lep.code.as_str())
        .bind(at.as_second())
        .execute(&mut *tx)
        .await?;
        let detail = match held {
            Some(held) => format!("{} ({}), {held} before", lep.name, lep.code),
            None => format!("{} ({})", lep.name, lep.code),
        };
        append(&mut tx, at, who, "lep chosen", &detail).await?;
        tx.commit().await?;
        Ok(Chosen::Done)
    }
}

async fn fixed(connection: &mut sqlx::SqliteConnection) -> Result<Option<Fixed>, StoreError> {
    for (why, sql) in DEPENDS {
        let any: Option<i64> = sqlx::query_scalar(sql)
            .fetch_optional(&mut *connection)
            .await?;
        if any.is_some() {
            return Ok(Some(why));
        }
    }
    Ok(None)
}
