//! Providers by the names that files give them. A learner's and an enrolment's pseudonym are made with the provider's first name, so a provider
//! that renames itself goes on being the same one once somebody has said so.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::audit::append;
use super::kept::Kept as _;
use super::organisations::{self, Organisation, OrganisationKind};
use super::{Store, StoreError};

/// One spelling for what people type with other case or spacing.
pub(crate) fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The providers that the node knows: by name, [`folded`], the first name, folded too.
#[derive(Clone, Default)]
pub(crate) struct Roots(HashMap<String, Arc<str>>);

impl Roots {
    /// The first name of a provider; of one that is not known its own.
    pub(crate) fn of(&self, name: &str) -> Arc<str> {
        let name = folded(name);
        self.0.get(&name).cloned().unwrap_or_else(|| name.into())
    }

    /// Whether a provider is known.
    pub(crate) fn know(&self, name: &str) -> bool {
        self.0.contains_key(&folded(name))
    }
}

/// Every provider.
pub(crate) async fn roots(connection: &mut SqliteConnection) -> Result<Roots, StoreError> {
    // What somebody said of a name holds for every spelling of it: it comes last, and the last one stands.
    let sql = "SELECT name, was FROM providers ORDER BY was IS NOT NULL";
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(sql).fetch_all(connection).await?;
    let root = |(name, was): (String, Option<String>)| {
        let root = folded(was.as_deref().unwrap_or(&name));
        (folded(&name), root.into())
    };
    Ok(Roots(rows.into_iter().map(root).collect()))
}

/// The name under which each provider is shown, whatever files wrote.
pub(crate) struct Shown {
    roots: Roots,
    /// By first name.
    names: HashMap<Arc<str>, String>,
}

impl Shown {
    /// The name to show for any name of a provider.
    pub(crate) fn of(&self, name: &str) -> String {
        let shown = self.names.get(&self.roots.of(name));
        shown.map_or_else(|| name.to_owned(), Clone::clone)
    }
}

/// One name for each provider: as it stands among the organisations, else the one that it took later, else as the latest record has it.
pub(crate) async fn shown(connection: &mut SqliteConnection) -> Result<Shown, StoreError> {
    let roots = roots(&mut *connection).await?;
    let rows: Vec<(String, bool)> = sqlx::query_as("SELECT name, was IS NOT NULL FROM providers")
        .fetch_all(&mut *connection)
        .await?;
    let mut written: HashMap<Arc<str>, Vec<(String, bool)>> = HashMap::new();
    for (name, later) in rows {
        written
            .entry(roots.of(&name))
            .or_default()
            .push((name, later));
    }
    let known: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM organisations WHERE kind = 'provider' ORDER BY id DESC",
    )
    .fetch_all(&mut *connection)
    .await?;
    let known = known.into_iter().map(|name| (roots.of(&name), name));
    let mut names: HashMap<Arc<str>, String> = known.collect();
    for (root, mut written) in written {
        if names.contains_key(&root) {
            continue;
        }
        let mut latest = written.pop();
        if !written.is_empty() {
            let mut best = None;
            for (name, later) in written.into_iter().chain(latest.take()) {
                let last: Option<i64> =
                    sqlx::query_scalar("SELECT max(id) FROM enrolments WHERE provider = $1")
                        .bind(&name)
                        .fetch_one(&mut *connection)
                        .await?;
                let place = (later, last, name);
                best = best.max(Some(place));
            }
            latest = best.map(|(later, _, name)| (name, later));
        }
        names.extend(latest.map(|(name, _)| (root, name)));
    }
    Ok(Shown { roots, names })
}

/// Adds providers; those that are there stay as they are. Another spelling of one that is known has that one's first name.
pub(crate) async fn note(
    tx: &mut SqliteConnection,
    names: &[Arc<str>],
    known: &Roots,
) -> Result<(), StoreError> {
    if names.is_empty() {
        return Ok(());
    }
    let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO providers (name, was) ");
    sql.push_values(names, |mut row, name| {
        let root = known.of(name);
        let was = (*root != *folded(name)).then(|| root.to_string());
        row.push_bind(&**name).push_bind(was);
    });
    sql.push(" ON CONFLICT DO NOTHING");
    sql.build().execute(tx).await?;
    Ok(())
}

/// People who see the records of a provider, each with the present name of their organisation; by name.
pub(crate) async fn bound(tx: &mut SqliteConnection) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT p.name, o.name FROM people AS p JOIN organisations AS o ON o.id = p.organisation_id ORDER BY p.name";
    Ok(sqlx::query_as(sql).fetch_all(tx).await?)
}

/// A provider as a file named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProvider {
    /// As the file has it.
    pub name: String,
    /// The name under which it is shown, whichever a file gives.
    pub shown: String,
    /// The name that files gave first, where this is a later one.
    pub first: Option<String>,
    /// The organisation that it is, by number; `None` while only files name it.
    pub organisation: Option<i64>,
}

/// What came of saying that a provider has a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renamed {
    /// It is written down.
    Done,
    /// No file has named the old name.
    Unknown,
    /// The new name is known already, so it may have learners and enrolments of its own; or it is that of another organisation, whose people
    /// would see another provider's.
    Taken,
}

impl Store {
    /// Every provider by name, each with its first name where it has a later one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn providers(&self) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let sql = "SELECT name, was FROM providers ORDER BY name COLLATE NOCASE";
        Ok(sqlx::query_as(sql).fetch_all(&self.reader).await?)
    }

    /// Every name that a file gave, by name, with what it is taken for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn named_providers(&self) -> Result<Vec<NamedProvider>, StoreError> {
        let mut reader = self.reader.begin().await?;
        let shown = shown(&mut reader).await?;
        let organisations = Organisation::rows(&mut reader, None).await?;
        let all: Vec<(String, Option<String>)> =
            sqlx::query_as("SELECT name, was FROM providers ORDER BY name COLLATE NOCASE")
                .fetch_all(&mut *reader)
                .await?;
        let named = all.into_iter().map(|(name, first)| {
            let shown = shown.of(&name);
            let of = organisations.iter().find(|stored| {
                stored.it.kind == OrganisationKind::Provider
                    && folded(&stored.it.name) == folded(&shown)
            });
            NamedProvider {
                organisation: of.map(|stored| stored.id),
                name,
                shown,
                first,
            }
        });
        Ok(named.collect())
    }

    /// Every training provider that a person can be bound to, by the name that is shown: those that files have named, and those that
    /// somebody described.
    pub(crate) async fn bindable(&self) -> Result<Vec<String>, StoreError> {
        let mut reader = self.reader.begin().await?;
        let shown = shown(&mut reader).await?;
        let mut names: Vec<String> = shown.names.into_values().collect();
        names.sort_by_key(|name| folded(name));
        Ok(names)
    }

    /// The provider of this name as it is to be bound: its name as it is shown; `None` where there is none.
    pub(crate) async fn shown_provider(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut reader = self.reader.begin().await?;
        let shown = shown(&mut reader).await?;
        Ok(shown.names.get(&shown.roots.of(name)).cloned())
    }

    /// Writes that the provider `old` is named `new` from now on, also among the organisations. Who is bound to it stays so.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn rename_provider(
        &self,
        old: &str,
        new: &str,
        who: &str,
        at: Timestamp,
    ) -> Result<Renamed, StoreError> {
        let mut tx = self.write().await?;
        let known = roots(&mut tx).await?;
        let held = organisations::provider(&mut tx, old).await?;
        let sees_new = |(_, organisation): &(String, String)| folded(organisation) == folded(new);
        let taken = match (&held, organisations::named(&mut tx, new).await?) {
            (Some(held), Some(other)) => held.id != other,
            _ => bound(&mut tx).await?.iter().any(sees_new),
        };
        if known.know(new) || taken {
            return Ok(Renamed::Taken);
        }
        if !known.know(old) {
            return Ok(Renamed::Unknown);
        }
        let new = new.split_whitespace().collect::<Vec<_>>().join(" ");
        sqlx::query("INSERT INTO providers (name, was) VALUES ($1, $2)")
            .bind(&new)
            .bind(&*known.of(old))
            .execute(&mut *tx)
            .await?;
        if let Some(held) = held {
            let mut it = held.it.clone();
            it.name.clone_from(&new);
            organisations::write(&mut tx, Some(&held), &it, who, at).await?;
        }
        let detail = format!("{old} is {new} from now on");
        append(&mut tx, at, who, "provider renamed", &detail).await?;
        tx.commit().await?;
        Ok(Renamed::Done)
    }
}
