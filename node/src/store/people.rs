//! People who sign in to this node, and what each of them may do. With what they sign in is in [`super::accounts`].

mod who;

use jiff::Timestamp;
use ldsp_ui::Bound;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::audit::append;
use super::organisations::of_provider;
use super::{Store, StoreError, moment};

pub use ldsp_ui::accounts::same_person;
pub use who::{Person, PersonError, Role, organisation_of};

/// Every [`Row`].
const PEOPLE: &str = "SELECT p.name, p.role, p.organisation_id, o.name, p.secret_hash, p.added_at, p.locked_at, p.totp_key IS NOT NULL, p.generation \
    FROM people AS p LEFT JOIN organisations AS o ON o.id = p.organisation_id";

type Row = (
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    bool,
    i64,
);

fn person(
    (
        name,
        role,
        organisation_id,
        organisation,
        secret_hash,
        added_at,
        locked_at,
        second_step,
        generation,
    ): Row,
) -> Result<Person, StoreError> {
    let locked_at = locked_at.map(|at| moment(at, "people", "locked_at", &name));
    let damaged = |column| StoreError::Corrupt {
        table: "people",
        column,
        row: name.clone(),
    };
    let role = Role::named(&role).ok_or_else(|| damaged("role"))?;
    if organisation.is_some() != (role == Role::Provider) {
        return Err(damaged("organisation_id"));
    }
    Ok(Person {
        role,
        added_at: moment(added_at, "people", "added_at", &name)?,
        locked_at: locked_at.transpose()?,
        name,
        organisation,
        organisation_id,
        secret_hash,
        second_step,
        generation,
    })
}

/// What came of changing a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It is done; who they were before.
    Done(Person),
    /// Nobody has this name.
    Nobody,
    /// They are the only admin who can sign in: somebody has to look after people.
    LastAdmin,
}

impl Store {
    /// Adds a person and says so in the audit log, as an act of `who`. `false` when the name is taken; nothing is changed then.
    ///
    /// # Errors
    /// The database cannot be written, or there is an organisation where the role has none (see [`Person::organisation`]) or the other
    /// way round.
    pub async fn add_person(&self, person: &Person, who: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let added = insert(&mut tx, person, who).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Gives a person another secret, which ends their sessions, and says so in the audit log. `false` when nobody has this
    /// name.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn replace_secret(
        &self,
        name: &str,
        secret_hash: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("UPDATE people SET secret_hash = $1 WHERE name = $2")
            .bind(secret_hash)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        append(&mut tx, now, who, "people secret", name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Gives a person another role, and an organisation where the role has one.
    ///
    /// # Errors
    /// As [`Self::add_person`].
    pub async fn change_role(
        &self,
        name: &str,
        role: Role,
        organisation: Option<&str>,
        who: &str,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.write().await?;
        let before = match changeable(&mut tx, name, role != Role::Admin).await? {
            Changed::Done(before) => before,
            refused => return Ok(refused),
        };
        let id = bound(&mut tx, organisation, who, now).await?;
        sqlx::query(
            "UPDATE people SET role = $2, organisation = $3, organisation_id = $4 WHERE name = $1",
        )
        .bind(name)
        .bind(role.as_str())
        .bind(organisation)
        .bind(id)
        .execute(&mut *tx)
        .await?;
        let of = |organisation: Option<&str>| {
            organisation.map_or_else(String::new, |name| format!(" of {name}"))
        };
        let detail = format!(
            "{name}, who was {}{}, is {}{}",
            before.role.as_str(),
            of(before.organisation.as_deref()),
            role.as_str(),
            of(organisation)
        );
        append(&mut tx, now, who, "people role", &detail).await?;
        tx.commit().await?;
        Ok(Changed::Done(before))
    }

    /// Keeps a person out, with all their sessions and tokens, or lets them in again. `careful`: not the last admin.
    ///
    /// # Errors
    /// The database cannot be written, or the row is damaged.
    pub async fn lock_person(
        &self,
        name: &str,
        locked: bool,
        careful: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.write().await?;
        let before = match changeable(&mut tx, name, locked && careful).await? {
            Changed::Done(before) => before,
            refused => return Ok(refused),
        };
        if before.locked_at.is_some() == locked {
            return Ok(Changed::Done(before));
        }
        sqlx::query("UPDATE people SET locked_at = $2 WHERE name = $1")
            .bind(name)
            .bind(locked.then_some(now.as_second()))
            .execute(&mut *tx)
            .await?;
        let action = if locked {
            "people lock"
        } else {
            "people unlock"
        };
        append(&mut tx, now, who, action, name).await?;
        tx.commit().await?;
        Ok(Changed::Done(before))
    }

    /// Removes a person and says so in the audit log; what they wrote, prepared or approved keeps their name.
    ///
    /// # Errors
    /// The database cannot be written, or the row is damaged.
    pub async fn remove_person(
        &self,
        name: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.write().await?;
        let before = match changeable(&mut tx, name, true).await? {
            Changed::Done(before) => before,
            refused => return Ok(refused),
        };
        sqlx::query("DELETE FROM people WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        let detail = format!("{name}, who was {}", before.role.as_str());
        append(&mut tx, now, who, "people remove", &detail).await?;
        tx.commit().await?;
        Ok(Changed::Done(before))
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        all(&mut reader).await
    }

    /// The person with exactly this name.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn person(&self, name: &str) -> Result<Option<Person>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        one(&mut reader, name).await
    }
}

async fn all(connection: &mut SqliteConnection) -> Result<Vec<Person>, StoreError> {
    let sql = format!("{PEOPLE} ORDER BY p.name");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(person).collect()
}

async fn one(connection: &mut SqliteConnection, name: &str) -> Result<Option<Person>, StoreError> {
    let sql = format!("{PEOPLE} WHERE p.name = $1");
    let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(person).transpose()
}

/// [`Store::add_person`] within a transaction.
pub(crate) async fn insert(
    tx: &mut SqliteConnection,
    person: &Person,
    who: &str,
) -> Result<bool, StoreError> {
    let people = all(&mut *tx).await?;
    if people.iter().any(|p| same_person(&p.name, &person.name)) {
        return Ok(false);
    }
    let id = bound(tx, person.organisation.as_deref(), who, person.added_at).await?;
    sqlx::query(
        "INSERT INTO people (name, role, organisation, organisation_id, secret_hash, added_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&person.name)
    .bind(person.role.as_str())
    .bind(&person.organisation)
    .bind(id)
    .bind(&person.secret_hash)
    .bind(person.added_at.as_second())
    .execute(&mut *tx)
    .await?;
    end_sessions(tx, &person.name).await?;
    let mut detail = format!("{} as {}", person.name, person.role.as_str());
    if let Some(organisation) = &person.organisation {
        detail.push_str(&format!(" of {organisation}"));
    }
    append(tx, person.added_at, who, "people add", &detail).await?;
    Ok(true)
}

/// The organisation that somebody is about to be bound to.
async fn bound(
    tx: &mut SqliteConnection,
    organisation: Option<&str>,
    who: &str,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    match organisation {
        Some(name) => of_provider(tx, name, who, now).await.map(Some),
        None => Ok(None),
    }
}

/// Gives somebody a generation that nobody ever had, on which no session stands.
pub(super) async fn end_sessions(tx: &mut SqliteConnection, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE generations SET last = last + 1")
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE people SET generation = (SELECT last FROM generations) WHERE name = $1")
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// The person before a change; `leaves` says that they are no admin who can sign in after it. Who has not set a secret yet, and is nobody's
/// account at a sign-in service, cannot.
async fn changeable(
    tx: &mut SqliteConnection,
    name: &str,
    leaves: bool,
) -> Result<Changed, StoreError> {
    let people = all(tx).await?;
    let is_admin = |p: &Person| p.role == Role::Admin && p.locked_at.is_none();
    let Some(before) = people.iter().find(|p| p.name == name) else {
        return Ok(Changed::Nobody);
    };
    let elsewhere: Vec<String> = sqlx::query_scalar("SELECT DISTINCT person FROM subjects")
        .fetch_all(tx)
        .await?;
    let can_sign_in = |p: &Person| p.secret_hash.is_some() || elsewhere.contains(&p.name);
    let others = people
        .iter()
        .filter(|p| p.name != name && can_sign_in(p))
        .any(is_admin);
    Ok(if leaves && is_admin(before) && !others {
        Changed::LastAdmin
    } else {
        Changed::Done(before.clone())
    })
}

impl ldsp_ui::People for Store {
    async fn find(
        &self,
        name: &str,
    ) -> Result<Option<ldsp_ui::PersonRecord>, ldsp_ui::PeopleError> {
        let person = self.person(name).await;
        let person = person.map_err(|error| ldsp_ui::PeopleError(Box::new(error)))?;
        Ok(person.map(Into::into))
    }

    async fn names(&self) -> Result<Vec<String>, ldsp_ui::PeopleError> {
        let people = self.people().await;
        let people = people.map_err(|error| ldsp_ui::PeopleError(Box::new(error)))?;
        Ok(people.into_iter().map(|person| person.name).collect())
    }
}

impl From<Person> for ldsp_ui::PersonRecord {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            role: ldsp_ui::Role::new(person.role.as_str()),
            organisation: person
                .organisation_id
                .zip(person.organisation)
                .map(|(id, name)| Bound { id, name }),
            secret_hash: person.secret_hash,
            locked: person.locked_at.is_some(),
            second_step: person.second_step,
            generation: person.generation,
        }
    }
}
