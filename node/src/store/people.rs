//! People who sign in to this node, and what each of them may do. With what they sign in is in [`super::accounts`].

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::audit::append;
use super::{Store, StoreError, moment};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks after people, the server and its data, and sees no learner's record.
    Admin,
    /// Imports files, prepares releases and writes practice entries.
    Coordinator,
    /// Approves what others prepared.
    Approver,
    /// Records for one organisation, and sees that organisation's records only.
    Provider,
    /// Reads what was released.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Coordinator,
        Self::Approver,
        Self::Provider,
        Self::Viewer,
    ];

    /// The word in the database, on pages and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Coordinator => "coordinator",
            Self::Approver => "approver",
            Self::Provider => "provider",
            Self::Viewer => "viewer",
        }
    }

    /// The word with its article: `an admin`, `a coordinator`.
    #[must_use]
    pub fn with_article(self) -> String {
        let article = match self {
            Self::Admin | Self::Approver => "an",
            Self::Coordinator | Self::Provider | Self::Viewer => "a",
        };
        format!("{article} {}", self.as_str())
    }

    /// What somebody with this role does, in a sentence.
    #[must_use]
    pub fn does(self) -> &'static str {
        match self {
            Self::Admin => {
                "Looks after people and the server. Sees no learner\u{2019}s record and approves nothing."
            }
            Self::Coordinator => {
                "Imports files, looks after programmes, prepares releases and writes practice entries."
            }
            Self::Approver => {
                "Reads what will leave, approves or refuses it, and withdraws what should not have left. Never their own work."
            }
            Self::Provider => {
                "Records for one organisation and sees that organisation\u{2019}s records only."
            }
            Self::Viewer => {
                "Reads releases, figures, practice entries and statements. Sees no exact count."
            }
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A person of this node.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The name they sign in with.
    pub name: String,
    /// Their one role.
    pub role: Role,
    /// Of a [`Role::Provider`], and of nobody else: the organisation whose records they see, by its name in files.
    pub organisation: Option<String>,
    /// argon2id PHC string; `None` until they have set a secret.
    pub secret_hash: Option<String>,
    /// When they were added.
    pub added_at: Timestamp,
    /// Since when an admin keeps them out.
    pub locked_at: Option<Timestamp>,
    /// Whether sign-in asks for a code of their phone.
    pub second_step: bool,
}

impl Person {
    /// Somebody who has no secret yet and is not bound to an organisation.
    #[must_use]
    pub fn new(name: &str, role: Role, added_at: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            role,
            organisation: None,
            secret_hash: None,
            added_at,
            locked_at: None,
            second_step: false,
        }
    }

    /// Somebody new as a form or a command describes them.
    ///
    /// # Errors
    /// [`PersonError`].
    pub fn described(
        name: &str,
        role: Role,
        organisation: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, PersonError> {
        let name = name.trim();
        if !is_free_name(name) {
            return Err(PersonError::Name);
        }
        Ok(Self {
            organisation: organisation_of(role, organisation)?,
            ..Self::new(name, role, now)
        })
    }

    /// With this argon2id PHC string.
    #[must_use]
    pub fn with_secret(self, phc: impl Into<String>) -> Self {
        Self {
            secret_hash: Some(phc.into()),
            ..self
        }
    }

    /// Bound to this organisation.
    #[must_use]
    pub fn of(self, organisation: impl Into<String>) -> Self {
        Self {
            organisation: Some(organisation.into()),
            ..self
        }
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("organisation", &self.organisation)
            .finish_non_exhaustive()
    }
}

/// The columns of a [`Row`].
const COLUMNS: &str =
    "name, role, organisation, secret_hash, added_at, locked_at, totp_key IS NOT NULL";

type Row = (
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    bool,
);

fn person(
    (name, role, organisation, secret_hash, added_at, locked_at, second_step): Row,
) -> Result<Person, StoreError> {
    let locked_at = locked_at.map(|at| moment(at, "people", "locked_at", &name));
    Ok(Person {
        role: Role::named(&role).ok_or_else(|| StoreError::Corrupt {
            table: "people",
            column: "role",
            row: name.clone(),
        })?,
        added_at: moment(added_at, "people", "added_at", &name)?,
        locked_at: locked_at.transpose()?,
        name,
        organisation,
        secret_hash,
        second_step,
    })
}

/// Whether a person may be called this: 1 to 64 Latin letters, digits, and single spaces, hyphens, apostrophes or full stops
/// between them. Two names that look alike are then alike to the program too.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || ('\u{c0}'..='\u{24f}').contains(&c);
    let between = |c: char| matches!(c, ' ' | '-' | '\'' | '.');
    let mut before = ' ';
    name.chars().count() <= 64
        && !name.is_empty()
        && !name.ends_with(' ')
        && name.chars().all(|c| {
            let fits = letter(c) || (between(c) && (letter(before) || (before == '.' && c == ' ')));
            before = c;
            fits
        })
}

/// Whether a new person may be called this: a name that is not one of those under which the program itself acts.
#[must_use]
pub fn is_free_name(name: &str) -> bool {
    is_name(name) && !["schedule", "command line"].contains(&name.to_lowercase().as_str())
}

/// Two spellings of a name are one person: "Ann" does not approve what "ann" prepared.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Why a person cannot be added or changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The name.
    #[error("that name cannot be used")]
    Name,
    /// A provider without an organisation.
    #[error("a provider is bound to an organisation, and none is given")]
    NoOrganisation,
    /// Somebody else with one.
    #[error("only a provider is bound to an organisation")]
    Organisation,
    /// An organisation's name that is none.
    #[error("that name of an organisation cannot be used")]
    OrganisationName,
}

impl PersonError {
    /// What to do next.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::Name => {
                "Give a name of 1 to 64 Latin letters and digits with single spaces, hyphens, apostrophes or full stops between them; `schedule` and `command line` are taken by the program."
            }
            Self::NoOrganisation => {
                "Give the organisation\u{2019}s name as files give it; `ldsp-node providers list` shows the names that files gave."
            }
            Self::Organisation => "Leave the organisation out, or choose the role provider.",
            Self::OrganisationName => "Give 1 to 200 characters without line breaks.",
        }
    }
}

/// The organisation to which somebody with `role` is bound, from what was given; blanks around and between words do not count.
///
/// # Errors
/// [`PersonError`]: a provider has one, nobody else does.
pub fn organisation_of(role: Role, given: Option<&str>) -> Result<Option<String>, PersonError> {
    let name = given.unwrap_or_default();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match (role, name.is_empty()) {
        (Role::Provider, true) => Err(PersonError::NoOrganisation),
        (Role::Provider, false)
            if name.chars().count() > 200 || name.contains(char::is_control) =>
        {
            Err(PersonError::OrganisationName)
        }
        (Role::Provider, false) => Ok(Some(name)),
        (_, true) => Ok(None),
        (_, false) => Err(PersonError::Organisation),
    }
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
        sqlx::query("UPDATE people SET role = $2, organisation = $3 WHERE name = $1")
            .bind(name)
            .bind(role.as_str())
            .bind(organisation)
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

    /// Keeps a person out, with all their sessions and tokens, or lets them in again.
    ///
    /// # Errors
    /// The database cannot be written, or the row is damaged.
    pub async fn lock_person(
        &self,
        name: &str,
        locked: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.write().await?;
        let before = match changeable(&mut tx, name, locked).await? {
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
    let sql = format!("SELECT {COLUMNS} FROM people ORDER BY name");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(person).collect()
}

async fn one(connection: &mut SqliteConnection, name: &str) -> Result<Option<Person>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM people WHERE name = $1");
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
    sqlx::query(
        "INSERT INTO people (name, role, organisation, secret_hash, added_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&person.name)
    .bind(person.role.as_str())
    .bind(&person.organisation)
    .bind(&person.secret_hash)
    .bind(person.added_at.as_second())
    .execute(&mut *tx)
    .await?;
    let mut detail = format!("{} as {}", person.name, person.role.as_str());
    if let Some(organisation) = &person.organisation {
        detail.push_str(&format!(" of {organisation}"));
    }
    append(tx, person.added_at, who, "people add", &detail).await?;
    Ok(true)
}

/// The person before a change; `leaves` says that they are no admin who can sign in after it.
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
    let others = people.iter().filter(|p| p.name != name).any(is_admin);
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
}

impl From<Person> for ldsp_ui::PersonRecord {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            role: ldsp_ui::Role::new(person.role.as_str()),
            organisation: person.organisation,
            secret_hash: person.secret_hash,
            locked: person.locked_at.is_some(),
            second_step: person.second_step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_only_look_alike_are_refused() {
        for good in ["Ama", "Zoë O'Neill", "J. P. Smith-Jones", "op2"] {
            assert!(is_name(good), "{good}");
        }
        // Cyrillic A, a combining accent, a thin space, two spaces, spaces at the ends.
        for bad in [
            "\u{410}ma",
            "Zoe\u{308}",
            "Ann\u{2009}Lee",
            "Ann  Lee",
            " Ann",
            "Ann ",
            "",
            "a\nb",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(same_person("Ann Lee", "ann lee "));
    }
}
