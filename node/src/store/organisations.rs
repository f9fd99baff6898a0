//! Organisations, never persons: who delivers, employs, is trained or pays.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::audit::append;
use super::history::{self, Change, Kind};
use super::kept::{Dependent, Kept, Stands, Stored, renumber, unless_taken};
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
    const TABLE: &'static str = "organisations";
    const DEPENDENTS: &'static [Dependent] = &[
        Dependent::new(
            "person signs in for it",
            "people sign in for it",
            "SELECT count(*) FROM people WHERE organisation_id = $1",
        ),
        Dependent::new(
            "cohort is delivered by it",
            "cohorts are delivered by it",
            "SELECT count(*) FROM cohorts WHERE organisation = $1",
        ),
        Dependent::new(
            "cohort trains its people",
            "cohorts train its people",
            "SELECT count(*) FROM cohorts WHERE employer = $1",
        ),
        // An admin may delete an organisation, and learns no number of learners.
        Dependent::new(
            "learner is employed by it",
            "learners are employed by it",
            "SELECT count(*) FROM enrolments WHERE employer = $1",
        )
        .untold(),
        Dependent::new(
            "programme is paid for by it",
            "programmes are paid for by it",
            "SELECT count(*) FROM programmes WHERE funder_organisation = $1",
        ),
        Dependent::new(
            "need was stated by it",
            "needs were stated by it",
            "SELECT count(*) FROM demand WHERE organisation = $1",
        ),
        Dependent::new(
            "service is offered by it",
            "services are offered by it",
            "SELECT count(*) FROM services WHERE organisation_id = $1",
        ),
    ];

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

    async fn carry(&self, tx: &mut SqliteConnection, before: &Self) -> Result<bool, StoreError> {
        if folded(&before.name) == folded(&self.name) {
            return Ok(true);
        }
        rename(tx, (&before.name, &self.name)).await
    }

    /// Files and programmes name a provider, and its records are found by that.
    async fn named(&self, tx: &mut SqliteConnection) -> Result<Vec<Stands>, StoreError> {
        if self.kind != OrganisationKind::Provider {
            return Ok(Vec::new());
        }
        let known = providers::roots(&mut *tx).await?;
        let root = known.of(&self.name);
        let is_own = |name: &String| known.of(name) == root;
        let written: Vec<String> = sqlx::query_scalar("SELECT name FROM providers")
            .fetch_all(&mut *tx)
            .await?;
        let mut has_records = false;
        for name in written.iter().filter(|name| is_own(name)) {
            let sql = "SELECT EXISTS (SELECT 1 FROM enrolments WHERE provider = $1)";
            let found: bool = sqlx::query_scalar(sql)
                .bind(name)
                .fetch_one(&mut *tx)
                .await?;
            has_records = has_records || found;
        }
        let leads: Vec<String> = sqlx::query_scalar("SELECT provider FROM programmes")
            .fetch_all(&mut *tx)
            .await?;
        let leads = leads.iter().filter(|name| is_own(name)).count() as u64;
        let mut all = Vec::new();
        if has_records {
            all.push(Stands {
                one: "learner is recorded under its name",
                many: "learners are recorded under its name",
                number: None,
            });
        }
        if leads > 0 {
            all.push(Stands {
                one: "programme names it as its provider",
                many: "programmes name it as their provider",
                number: Some(leads),
            });
        }
        Ok(all)
    }
}

/// Keeps the records of an organisation its own under its new name; `false` where both names have records or people: each would see the
/// other's.
async fn rename(tx: &mut SqliteConnection, (old, new): (&str, &str)) -> Result<bool, StoreError> {
    let known = providers::roots(tx).await?;
    let people = providers::bound(tx).await?;
    let (was, is) = (known.of(old), known.of(new));
    let used = |name: &str, root: &str| {
        known.know(name) || people.iter().any(|(_, of)| *known.of(of) == *root)
    };
    if was != is && used(old, &was) && used(new, &is) {
        return Ok(false);
    }
    if known.know(old) && !known.know(new) {
        sqlx::query("INSERT INTO providers (name, was) VALUES ($1, $2)")
            .bind(new)
            .bind(&*was)
            .execute(tx)
            .await?;
    }
    Ok(true)
}

/// Every training provider that is an organisation here, by the number it got.
async fn all(tx: &mut SqliteConnection) -> Result<Vec<Stored<Organisation>>, StoreError> {
    let mut all = Organisation::rows(tx, None).await?;
    all.retain(|stored| stored.it.kind == OrganisationKind::Provider);
    all.sort_by_key(|stored| stored.id);
    Ok(all)
}

/// The organisation that is the training provider of this name, whichever of its names that is.
pub(super) async fn provider(
    tx: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Stored<Organisation>>, StoreError> {
    let known = providers::roots(&mut *tx).await?;
    let (root, mut all) = (known.of(name), all(tx).await?);
    let named = |stored: &Stored<Organisation>| folded(&stored.it.name) == folded(name);
    let at = all
        .iter()
        .position(named)
        .or_else(|| all.iter().position(|s| known.of(&s.it.name) == root));
    Ok(at.map(|at| all.swap_remove(at)))
}

/// The number of the organisation that is the training provider of this name; one that only files named so far is added.
pub(super) async fn of_provider(
    tx: &mut SqliteConnection,
    name: &str,
    who: &str,
    at: Timestamp,
) -> Result<i64, StoreError> {
    if let Some(stored) = provider(tx, name).await? {
        return Ok(stored.id);
    }
    let it = Organisation {
        name: name.to_owned(),
        kind: OrganisationKind::Provider,
        ukprn: None,
        contact_role: String::new(),
    };
    if let Some(id) = write(tx, None, &it, who, at).await? {
        return Ok(id);
    }
    // An organisation of another kind bears the name, and files name it as a provider all the same.
    let other = named(tx, name).await?;
    other.ok_or_else(|| StoreError::Corrupt {
        table: "organisations",
        column: "name",
        row: name.to_owned(),
    })
}

/// The number of the organisation of exactly this name, capitals and spaces aside, of whatever kind.
pub(super) async fn named(
    tx: &mut SqliteConnection,
    name: &str,
) -> Result<Option<i64>, StoreError> {
    let mut all = Organisation::rows(tx, None).await?.into_iter();
    let found = all.find(|stored| folded(&stored.it.name) == folded(name));
    Ok(found.map(|stored| stored.id))
}

/// Gives a training provider its UK provider reference number, where it has none; any other that bore the number has none from then on, as the
/// last word on whose it is counts.
pub(super) async fn number(
    tx: &mut SqliteConnection,
    name: &str,
    ukprn: i64,
    who: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let id = of_provider(tx, name, who, at).await?;
    for stored in Organisation::rows(tx, None).await? {
        let mut it = stored.it.clone();
        if stored.id == id {
            it.ukprn = it.ukprn.or(Some(ukprn));
        } else if it.ukprn == Some(ukprn) {
            it.ukprn = None;
        }
        if it != stored.it {
            write(tx, Some(&stored), &it, who, at).await?;
        }
    }
    Ok(())
}

/// Writes an organisation that something else than its form adds or changes, with history and audit log; `None` when the name is
/// another one's.
pub(super) async fn write(
    tx: &mut SqliteConnection,
    before: Option<&Stored<Organisation>>,
    it: &Organisation,
    who: &str,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let Some(row) = it.put(&mut *tx, before.map(|before| before.id)).await? else {
        return Ok(None);
    };
    let row = match before {
        Some(_) => row,
        None => renumber::<Organisation>(tx, row).await?,
    };
    let said = |it: &Organisation| {
        let ukprn = it.ukprn.map(|number| number.to_string());
        [Some(it.name.clone()), Some(it.kind.id().to_owned()), ukprn]
    };
    let was = before.map_or([const { None }; 3], |before| said(&before.it));
    let fields = ["name", "kind", "ukprn"].into_iter();
    let changes = fields.zip(was.into_iter().zip(said(it)));
    let changes = changes.filter(|(_, (before, after))| before != after);
    let change = |(field, (before, after))| Change {
        row,
        field,
        before,
        after,
    };
    let changes: Vec<Change> = changes.map(change).collect();
    history::record(&mut *tx, at, who, Kind::Organisation, &changes).await?;
    let done = if before.is_some() { "changed" } else { "added" };
    append(tx, at, who, &format!("organisation {done}"), &it.name).await?;
    Ok(Some(row))
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
