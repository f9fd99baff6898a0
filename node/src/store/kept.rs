//! What a coordinator keeps besides learners' records: organisations, programmes, cohorts, spend, demand. Each row has a version, which tells
//! of two people who change it at a time whose change was made first.

use std::future::Future;

use ldsp_protocol::ids::Gss;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::organisations::OrganisationKind;
use super::providers::folded;
use super::{Store, StoreError, history};

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// Its number.
    pub id: i64,
    /// Grows by 1 with each change.
    pub version: i64,
    /// What it says.
    pub it: T,
}

/// Rows of other tables that may stand on a row, so that it cannot go.
pub(crate) struct Dependent {
    /// What one of them does to it, in words behind a number.
    pub(crate) one: &'static str,
    /// The same of several.
    pub(crate) many: &'static str,
    /// SQL that counts those of row $1.
    pub(crate) count: &'static str,
    /// Whether everybody who may delete the row may know how many there are: numbers of learners are exact.
    pub(crate) told: bool,
}

impl Dependent {
    pub(crate) const fn new(one: &'static str, many: &'static str, count: &'static str) -> Self {
        Self {
            one,
            many,
            count,
            told: true,
        }
    }

    /// Their number is not told.
    pub(crate) const fn untold(self) -> Self {
        Self {
            told: false,
            ..self
        }
    }
}

/// What stands on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stands {
    /// As [`Dependent::one`].
    pub(crate) one: &'static str,
    /// As [`Dependent::many`].
    pub(crate) many: &'static str,
    /// How many; `None`: at least one, and the number is not told.
    pub(crate) number: Option<u64>,
}

/// A kind of row that is kept.
pub(crate) trait Kept: Sized + Clone + PartialEq + Send + Sync + 'static {
    const KIND: history::Kind;
    /// Its table, with the columns `id` and `version`.
    const TABLE: &'static str;
    /// What may stand on one.
    const DEPENDENTS: &'static [Dependent];

    /// Every row, or the one with this number; by code or name.
    fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> impl Future<Output = Result<Vec<Stored<Self>>, StoreError>> + Send;

    /// Adds it, or writes it over the row with this number, whose version it raises; gives its number, or `None` when its code or
    /// name is another row's.
    fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> impl Future<Output = Result<Option<i64>, StoreError>> + Send;

    /// Does what writing it over `before` means for rows of other kinds; `false` when it may not be written, because people would see
    /// records of another provider.
    fn carry(
        &self,
        _tx: &mut SqliteConnection,
        _before: &Self,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async { Ok(true) }
    }

    /// What stands on it by name alone; [`Self::DEPENDENTS`] say what refers to its number.
    fn named(
        &self,
        _tx: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Vec<Stands>, StoreError>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// What stands on a row: while anything does, it cannot go.
pub(crate) async fn standing<T: Kept>(
    connection: &mut SqliteConnection,
    stored: &Stored<T>,
) -> Result<Vec<Stands>, StoreError> {
    let mut all = Vec::new();
    for dependent in T::DEPENDENTS {
        let number: i64 = sqlx::query_scalar(dependent.count)
            .bind(stored.id)
            .fetch_one(&mut *connection)
            .await?;
        let number = number.unsigned_abs();
        if number > 0 {
            all.push(Stands {
                one: dependent.one,
                many: dependent.many,
                number: dependent.told.then_some(number),
            });
        }
    }
    all.extend(stored.it.named(connection).await?);
    Ok(all)
}

/// Takes a row out on which nothing stands. Its history stays.
pub(crate) async fn delete<T: Kept>(tx: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {} WHERE id = $1", T::TABLE);
    sqlx::query(AssertSqlSafe(sql)).bind(id).execute(tx).await?;
    Ok(())
}

/// The number that a new row is to have: the database gives the one after the highest that is there, which may be that of a row that went, and
/// its history would become the new row's.
pub(crate) async fn renumber<T: Kept>(
    tx: &mut SqliteConnection,
    id: i64,
) -> Result<i64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(row) FROM history WHERE kind = $1")
        .bind(T::KIND.as_str())
        .fetch_one(&mut *tx)
        .await?;
    let Some(last) = last.filter(|last| *last >= id) else {
        return Ok(id);
    };
    let sql = format!("UPDATE {} SET id = $1 WHERE id = $2", T::TABLE);
    sqlx::query(AssertSqlSafe(sql))
        .bind(last + 1)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(last + 1)
}

/// Turns the violation of a UNIQUE into `None`.
pub(super) fn unless_taken(done: Result<i64, sqlx::Error>) -> Result<Option<i64>, StoreError> {
    match done {
        Ok(id) => Ok(Some(id)),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What rows refer to one another by: numbers with codes and names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// By name.
    pub(crate) organisations: Vec<(i64, String, OrganisationKind)>,
    /// Code and name, by code.
    pub(crate) programmes: Vec<(i64, String, String)>,
    /// Code and title, by code.
    pub(crate) cohorts: Vec<(i64, String, String)>,
    /// The node's LEP; `None` before it is chosen.
    pub(crate) lep: Option<Gss>,
}

impl Known {
    pub(crate) async fn read(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let organisations: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT id, name, kind FROM organisations ORDER BY name")
                .fetch_all(&mut *connection)
                .await?;
        let organisations = organisations
            .into_iter()
            .map(|(id, name, kind)| Ok((id, name, OrganisationKind::stored(&kind, id)?)));
        let lep: Option<String> = sqlx::query_scalar("SELECT lep FROM identity")
            .fetch_optional(&mut *connection)
            .await?;
        let corrupt = || StoreError::Corrupt {
            table: "identity",
            column: "lep",
            row: "1".to_owned(),
        };
        Ok(Self {
            organisations: organisations.collect::<Result<_, StoreError>>()?,
            programmes: sqlx::query_as("SELECT id, code, name FROM programmes ORDER BY code")
                .fetch_all(&mut *connection)
                .await?,
            cohorts: sqlx::query_as("SELECT id, code, title FROM cohorts ORDER BY code")
                .fetch_all(&mut *connection)
                .await?,
            lep: lep
                .map(|lep| lep.parse().map_err(|_| corrupt()))
                .transpose()?,
        })
    }

    /// The organisation of this name, whatever its capitals.
    pub(crate) fn organisation(&self, name: &str) -> Option<(i64, OrganisationKind)> {
        let mut all = self.organisations.iter();
        all.find(|(_, known, _)| known.eq_ignore_ascii_case(name))
            .map(|(id, _, kind)| (*id, *kind))
    }

    /// The training provider of this name, whatever its capitals and spaces.
    pub(crate) fn provider(&self, name: &str) -> Option<(i64, &str)> {
        let name = folded(name);
        let mut all = self.organisations.iter();
        all.find(|(_, known, kind)| *kind == OrganisationKind::Provider && folded(known) == name)
            .map(|(id, known, _)| (*id, known.as_str()))
    }

    /// The name of an organisation; empty for none.
    pub(crate) fn organisation_name(&self, id: Option<i64>) -> &str {
        let mut all = self.organisations.iter();
        all.find(|(known, ..)| Some(*known) == id)
            .map_or("", |(_, name, _)| name)
    }

    pub(crate) fn programme(&self, code: &str) -> Option<i64> {
        by_code(&self.programmes, code)
    }

    pub(crate) fn programme_code(&self, id: Option<i64>) -> &str {
        code_of(&self.programmes, id)
    }

    pub(crate) fn cohort(&self, code: &str) -> Option<i64> {
        by_code(&self.cohorts, code)
    }

    pub(crate) fn cohort_code(&self, id: Option<i64>) -> &str {
        code_of(&self.cohorts, id)
    }
}

fn by_code(of: &[(i64, String, String)], code: &str) -> Option<i64> {
    let mut all = of.iter();
    all.find(|(_, known, _)| known == code).map(|(id, ..)| *id)
}

fn code_of(of: &[(i64, String, String)], id: Option<i64>) -> &str {
    let mut all = of.iter();
    all.find(|(known, ..)| Some(*known) == id)
        .map_or("", |(_, code, _)| code)
}

impl Store {
    /// Every row of a kind, by code or name.
    pub(crate) async fn kept<T: Kept>(&self) -> Result<Vec<Stored<T>>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        T::rows(&mut reader, None).await
    }

    /// One row of a kind.
    pub(crate) async fn kept_one<T: Kept>(&self, id: i64) -> Result<Option<Stored<T>>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        Ok(T::rows(&mut reader, Some(id)).await?.pop())
    }

    /// What rows refer to one another by.
    pub(crate) async fn known(&self) -> Result<Known, StoreError> {
        let mut reader = self.reader.acquire().await?;
        Known::read(&mut reader).await
    }
}
