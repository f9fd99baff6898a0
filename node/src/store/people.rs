//! People who sign in to this node: authors and approvers.

use jiff::Timestamp;

use super::audit::{COMMAND_LINE, append};
use super::{Store, StoreError, moment};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Prepares releases and writes practice entries.
    Author,
    /// Approves what others prepared.
    Approver,
}

impl Role {
    /// The word in the database, on pages and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Approver => "approver",
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Author, Self::Approver]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// A person of this node.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The name they sign in with.
    pub name: String,
    /// Their one role.
    pub role: Role,
    /// argon2id PHC string.
    pub secret_hash: String,
    /// When they were added.
    pub added_at: Timestamp,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

type Row = (String, String, String, i64);

fn person((name, role, secret_hash, added_at): Row) -> Result<Person, StoreError> {
    Ok(Person {
        role: Role::named(&role).ok_or_else(|| StoreError::Corrupt {
            table: "people",
            column: "role",
            row: name.clone(),
        })?,
        added_at: moment(added_at, "people", "added_at", &name)?,
        name,
        secret_hash,
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

/// Two spellings of a name are one person: "Ann" does not approve what "ann" prepared.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

impl Store {
    /// Adds a person and says so in the audit log. `false` when the name is taken; nothing is
    /// changed then.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_person(&self, person: &Person) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM people")
            .fetch_all(&mut *tx)
            .await?;
        if names.iter().any(|name| same_person(name, &person.name)) {
            return Ok(false);
        }
        let done = sqlx::query(
            "INSERT INTO people (name, role, secret_hash, added_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(&person.name)
        .bind(person.role.as_str())
        .bind(&person.secret_hash)
        .bind(person.added_at.as_second())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let detail = format!("{} as {}", person.name, person.role.as_str());
        append(
            &mut tx,
            person.added_at,
            COMMAND_LINE,
            "people add",
            &detail,
        )
        .await?;
        tx.commit().await?;
        Ok(true)
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
        append(&mut tx, now, COMMAND_LINE, "people secret", name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Removes a person and says so in the audit log; what they wrote, prepared or approved keeps their name. The role that
    /// they had, or `None` when nobody has this name.
    ///
    /// # Errors
    /// The database cannot be written, or the row is damaged.
    pub async fn remove_person(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Role>, StoreError> {
        let mut tx = self.write().await?;
        let row: Option<Row> = sqlx::query_as(
            "DELETE FROM people WHERE name = $1 RETURNING name, role, secret_hash, added_at",
        )
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(removed) = row.map(person).transpose()? else {
            return Ok(None);
        };
        let detail = format!("{name}, who was {}", removed.role.as_str());
        append(&mut tx, now, COMMAND_LINE, "people remove", &detail).await?;
        tx.commit().await?;
        Ok(Some(removed.role))
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT name, role, secret_hash, added_at FROM people ORDER BY name")
                .fetch_all(&self.reader)
                .await?;
        rows.into_iter().map(person).collect()
    }

    /// The person with exactly this name.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn person(&self, name: &str) -> Result<Option<Person>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT name, role, secret_hash, added_at FROM people WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.reader)
                .await?;
        row.map(person).transpose()
    }
}

impl ldsp_ui::People for Store {
    async fn find(
        &self,
        name: &str,
    ) -> Result<Option<ldsp_ui::PersonRecord>, ldsp_ui::PeopleError> {
        let person = self.person(name).await;
        let person = person.map_err(|error| ldsp_ui::PeopleError(Box::new(error)))?;
        Ok(person.map(|person| ldsp_ui::PersonRecord {
            name: person.name,
            role: ldsp_ui::Role::new(person.role.as_str()),
            secret_hash: person.secret_hash,
        }))
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
