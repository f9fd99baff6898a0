//! Organisations, never persons: who delivers, employs, is trained or pays.

use sqlx::SqliteConnection;

use super::history::Kind;
use super::kept::{Carried, Kept, Stored, unless_taken};
use super::providers::{self, folded};
use super::{Store, StoreError};

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrganisationKind {
    /// Delivers training.
    Provider,
    /// Employs learners, or has its people trained.
    Employer,
    /// The same, as a charity.
    Charity,
    /// A council, a library, an NHS body.
    PublicBody,
    /// Pays.
    Funder,
}

impl OrganisationKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Provider,
        Self::Employer,
        Self::Charity,
        Self::PublicBody,
        Self::Funder,
    ];

    /// The word in the database, in forms and for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Employer => "employer",
            Self::Charity => "charity",
            Self::PublicBody => "public-body",
            Self::Funder => "funder",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Provider => "Training provider",
            Self::Employer => "Business or other employer",
            Self::Charity => "Charity or community group",
            Self::PublicBody => "Public body",
            Self::Funder => "Funder",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == word)
    }

    pub(super) fn stored(word: &str, id: i64) -> Result<Self, StoreError> {
        Self::named(word).ok_or_else(|| StoreError::Corrupt {
            table: "organisations",
            column: "kind",
            row: id.to_string(),
        })
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `organisations`")]
pub struct Organisation {
    pub name: String,
    pub kind: OrganisationKind,
    pub ukprn: Option<i64>,
    pub contact_role: String,
}

impl Kept for Organisation {
    const KIND: Kind = Kind::Organisation;

    async fn rows(
        connection: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        type Row = (i64, i64, String, String, Option<i64>, String);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, version, name, kind, ukprn, contact_role FROM organisations WHERE $1 IS NULL OR id = $1 ORDER BY name",
        )
        .bind(id)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(|(id, version, name, kind, ukprn, contact_role)| {
                let kind = OrganisationKind::stored(&kind, id)?;
                let it = Self {
                    name,
                    kind,
                    ukprn,
                    contact_role,
                };
                Ok(Stored { id, version, it })
            })
            .collect()
    }

    async fn put(
        &self,
        tx: &mut SqliteConnection,
        id: Option<i64>,
    ) -> Result<Option<i64>, StoreError> {
        // A database compares letters of ASCII alone without regard to capitals.
        let others: Vec<String> =
            sqlx::query_scalar("SELECT name FROM organisations WHERE id IS NOT $1")
                .bind(id)
                .fetch_all(&mut *tx)
                .await?;
        if others.iter().any(|name| folded(name) == folded(&self.name)) {
            return Ok(None);
        }
        let sql = match id {
            None => {
                "INSERT INTO organisations (name, kind, ukprn, contact_role) VALUES ($1, $2, $3, $4) RETURNING id"
            }
            Some(_) => {
                "UPDATE organisations SET name = $1, kind = $2, ukprn = $3, contact_role = $4, version = version + 1 \
                 WHERE id = $5 RETURNING id"
            }
        };
        let mut query = sqlx::query_scalar(sql)
            .bind(&self.name)
            .bind(self.kind.id())
            .bind(self.ukprn)
            .bind(&self.contact_role);
        if let Some(id) = id {
            query = query.bind(id);
        }
        unless_taken(query.fetch_one(tx).await)
    }

    async fn carry(&self, tx: &mut SqliteConnection, before: &Self) -> Result<Carried, StoreError> {
        if folded(&before.name) == folded(&self.name) {
            return Ok(Carried::Nothing);
        }
        rename(tx, (&before.name, &self.name)).await
    }
}

/// Binds the people of an organisation to its new name, under which its records stay its own. Refused where both names have records or
/// people: each would see the other's.
async fn rename(
    tx: &mut SqliteConnection,
    (old, new): (&str, &str),
) -> Result<Carried, StoreError> {
    let known = providers::roots(tx).await?;
    let people = providers::bound(tx).await?;
    let (was, is) = (known.of(old), known.of(new));
    let used = |name: &str, root: &str| {
        known.know(name) || people.iter().any(|(_, of)| *known.of(of) == *root)
    };
    if was != is && used(old, &was) && used(new, &is) {
        return Ok(Carried::Refused);
    }
    let mut moved = Vec::new();
    for (person, of) in people {
        if folded(&of) == folded(old) {
            sqlx::query("UPDATE people SET organisation = $1 WHERE name = $2")
                .bind(new)
                .bind(&person)
                .execute(&mut *tx)
                .await?;
            moved.push(person);
        }
    }
    if known.know(old) && !known.know(new) {
        sqlx::query("INSERT INTO providers (name, was) VALUES ($1, $2)")
            .bind(new)
            .bind(&*was)
            .execute(tx)
            .await?;
    }
    Ok(if moved.is_empty() {
        Carried::Nothing
    } else {
        Carried::Bound(format!("{}, of {old}: of {new}", moved.join(", ")))
    })
}

/// Businesses and charities by whom the programmes are for that reached them.
#[derive(Clone, PartialEq, Eq)]
pub struct Reached {
    /// Position in the standard's audiences.
    pub audience: u8,
    /// What they are.
    pub kind: OrganisationKind,
    /// Different organisations whose people were trained, as a cohort or one by one.
    pub organisations: u64,
}

impl Store {
    /// Organisations whose people were trained, by audience of the programme and kind of organisation. Concerns no person.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn reached(&self) -> Result<Vec<Reached>, StoreError> {
        let rows: Vec<(u8, String, i64)> = sqlx::query_as(
            "SELECT p.audience, o.kind, count(DISTINCT o.id) FROM ( \
               SELECT employer, programme FROM cohorts WHERE employer IS NOT NULL \
               UNION SELECT employer, programme FROM enrolments WHERE employer IS NOT NULL AND removed_day IS NULL \
             ) AS r JOIN programmes AS p ON p.id = r.programme JOIN organisations AS o ON o.id = r.employer \
             GROUP BY p.audience, o.kind ORDER BY p.audience, o.kind",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(audience, kind, n)| {
                Ok(Reached {
                    audience,
                    kind: OrganisationKind::stored(&kind, 0)?,
                    organisations: u64::try_from(n).unwrap_or(0),
                })
            })
            .collect()
    }
}
