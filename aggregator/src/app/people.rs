//! What the commands of `people` do.

use std::fmt;

use jiff::Timestamp;
use ldsp_ui::secret::{self, Secret};
use rand_core::CryptoRng;
use serde::Serialize;

use super::Refused;
use crate::store::{Person, Registry, Role};

/// A person with the secret that is shown once.
#[derive(Debug, Clone, Serialize)]
pub struct AddedPerson {
    /// Name to sign in with.
    pub name: String,
    /// Role.
    pub role: &'static str,
    /// Shown now and never again.
    pub secret: String,
}

impl fmt::Display for AddedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} may sign in as {}.", self.name, self.role)?;
        write!(f, "Secret, shown once: {}", self.secret)
    }
}

/// Adds a person and gives the secret.
///
/// # Errors
/// The name is taken or empty; trouble with the store.
pub async fn add_person<S: Registry>(
    store: &S,
    name: &str,
    role: Role,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<AddedPerson, Refused> {
    let plain =
        !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if !plain || name.trim() != name {
        return Err(Refused::new(
            "a name has 1 to 64 characters and no spaces at its ends",
            "Choose another name.",
        ));
    }
    let (fresh, secret_hash) = draw(rng)?;
    let person = Person {
        name: name.to_owned(),
        role,
        secret_hash,
        added: now,
    };
    store.add_person(&person).await?;
    Ok(AddedPerson {
        name: person.name,
        role: role.as_str(),
        secret: fresh.reveal(),
    })
}

fn draw(rng: &mut impl CryptoRng) -> Result<(Secret, String), Refused> {
    let fresh = Secret::generate(rng);
    let hash = secret::hash(&fresh, rng)
        .map_err(|e| Refused::new(e.to_string(), "Free some memory and try again."))?;
    Ok((fresh, hash))
}

/// A person's new secret, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct NewSecret {
    /// Name to sign in with.
    pub name: String,
    /// Shown now and never again.
    pub secret: String,
}

impl fmt::Display for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} has a new secret; the old one no longer signs in and open sessions have ended.",
            self.name
        )?;
        write!(f, "Secret, shown once: {}", self.secret)
    }
}

/// Gives a person a new secret; the old one and its sessions end at once.
///
/// # Errors
/// Nobody has this name; trouble with the store.
pub async fn replace_secret<S: Registry>(
    store: &S,
    name: &str,
    rng: &mut impl CryptoRng,
) -> Result<NewSecret, Refused> {
    let (fresh, hash) = draw(rng)?;
    store.replace_secret(name, &hash).await?;
    Ok(NewSecret {
        name: name.to_owned(),
        secret: fresh.reveal(),
    })
}

/// A person who was removed.
#[derive(Debug, Clone, Serialize)]
pub struct RemovedPerson {
    /// The name, free to be added again.
    pub removed: String,
    /// The role that they had.
    pub role: &'static str,
    /// Nobody has that role now.
    pub last_of_role: bool,
}

impl fmt::Display for RemovedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} can no longer sign in. What they invited or approved keeps their name.",
            self.removed
        )?;
        if !self.last_of_role {
            return Ok(());
        }
        let missing = if self.role == Role::Operator.as_str() {
            "nobody can invite or approve a node"
        } else {
            "nobody can sign in to read as one"
        };
        write!(
            f,
            "\nNo {role} is left: {missing} until there is one.\nNext: ldsp-aggregator people add NAME --role {role}",
            role = self.role
        )
    }
}

/// Removes a person.
///
/// # Errors
/// Nobody has this name; trouble with the store.
pub async fn remove_person<S: Registry>(store: &S, name: &str) -> Result<RemovedPerson, Refused> {
    let removed = store.remove_person(name).await?;
    let left = store.people().await?;
    Ok(RemovedPerson {
        removed: removed.name,
        role: removed.role.as_str(),
        last_of_role: !left.iter().any(|p| p.role == removed.role),
    })
}

/// A person in the list.
#[derive(Debug, Clone, Serialize)]
pub struct PersonLine {
    /// Name to sign in with.
    pub name: String,
    /// Role.
    pub role: &'static str,
    /// When they were added.
    pub added: Timestamp,
}

/// Everybody by name.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct PersonList(pub Vec<PersonLine>);

impl fmt::Display for PersonList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(
                f,
                "Nobody yet. Next: ldsp-aggregator people add NAME --role operator"
            );
        }
        for (at, line) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{:8}  {}", line.role, line.name)?;
        }
        Ok(())
    }
}

/// Lists the people.
///
/// # Errors
/// Trouble with the store.
pub async fn people<S: Registry>(store: &S) -> Result<PersonList, Refused> {
    let people = store.people().await?.into_iter();
    let line = |p: Person| PersonLine {
        name: p.name,
        role: p.role.as_str(),
        added: p.added,
    };
    Ok(PersonList(people.map(line).collect()))
}
