//! What the commands of `people` do.

use std::fmt;

use jiff::Timestamp;
use ldsp_ui::accounts::{self, Act, By, Change, LINK_DAYS, Token, WayIn};
use ldsp_ui::secret::{self, Secret};
use rand_core::CryptoRng;
use serde::Serialize;

use super::Refused;
use crate::store::{Done, Person, Role, Span, Staff};

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
/// The name is taken or cannot be used; trouble with the store.
pub async fn add_person<S: Staff>(
    store: &S,
    name: &str,
    role: Role,
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<AddedPerson, Refused> {
    let (fresh, secret_hash) = draw(rng)?;
    let name = name.trim();
    add(store, name, role, WayIn::Secret(&secret_hash), by).await?;
    Ok(AddedPerson {
        name: name.to_owned(),
        role: role.as_str(),
        secret: fresh.reveal(),
    })
}

async fn add<S: Staff>(
    store: &S,
    name: &str,
    role: Role,
    way_in: WayIn<'_>,
    by: By<'_>,
) -> Result<(), Refused> {
    let change = Change::Add {
        name,
        role: role.as_str(),
        organisation: "",
        way_in,
    };
    carry_out(store, change, name, by).await
}

/// Does it; anything but done is refused.
async fn carry_out<S: Staff>(
    store: &S,
    change: Change<'_>,
    name: &str,
    by: By<'_>,
) -> Result<(), Refused> {
    match store.change(&change, by).await? {
        Act::Done => Ok(()),
        Act::Gone => Err(nobody(name)),
        // The command line is nobody's account.
        Act::Last | Act::Oneself => Err(Refused::new(
            format!("{name} is the only operator, and somebody has to look after people"),
            "Add another one first: `ldsp-aggregator people add NAME --role operator`.",
        )),
        act if act == Act::taken() => Err(Refused::new(
            format!("there is already a person named {name}, whatever the capitals"),
            "Choose another name; `ldsp-aggregator people list` shows who is there.",
        )),
        Act::Unfit { why, .. } => Err(Refused::new("that name cannot be used", format!("{why}."))),
    }
}

/// Nobody has this name.
pub(super) fn nobody(name: &str) -> Refused {
    Refused::new(
        format!("nobody named {name} signs in here"),
        "`ldsp-aggregator people list` shows who is there; names are written exactly as it shows them.",
    )
}

fn draw(rng: &mut impl CryptoRng) -> Result<(Secret, String), Refused> {
    let fresh = Secret::generate(rng);
    let hash = secret::hash(&fresh, rng)
        .map_err(|e| Refused::new(e.to_string(), "Free some memory and try again."))?;
    Ok((fresh, hash))
}

/// A link on which a person sets their own secret.
#[derive(Debug, Clone, Serialize)]
pub struct PersonLink {
    /// Name to sign in with.
    pub name: String,
    /// The role of somebody who was added now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Shown now and never again.
    pub link: String,
}

impl fmt::Display for PersonLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.role {
            Some(role) => writeln!(f, "{name} may sign in as {role}.")?,
            None => writeln!(
                f,
                "Everything that opened the name {name} has ended: secret, second step, connected accounts and sessions."
            )?,
        }
        write!(
            f,
            "Link, shown only this once: {}\nNext: give it to the person and to nobody else; it works once, for {LINK_DAYS} days, while `ldsp-aggregator serve` runs.",
            self.link
        )
    }
}

/// Makes a link for a person on the site at `url`; adds them first where `role` says as what.
///
/// # Errors
/// As [`add_person`]; nobody has this name.
pub async fn link_person<S: Staff>(
    store: &S,
    url: &str,
    (name, role): (&str, Option<Role>),
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<PersonLink, Refused> {
    let name = name.trim();
    let token = Token::draw(rng);
    let link = accounts::new_link(&token, by.now);
    match role {
        Some(role) => add(store, name, role, WayIn::Link(link), by).await?,
        None => carry_out(store, Change::Reset { name, link }, name, by).await?,
    }
    Ok(PersonLink {
        name: name.to_owned(),
        role: role.map(Role::as_str),
        link: accounts::link(url, &token),
    })
}

/// Makes the link on which somebody becomes the first operator of the site at `url`.
///
/// # Errors
/// There is an operator; trouble with the store.
pub(super) async fn first_link<S: Staff>(
    store: &S,
    url: &str,
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<String, Refused> {
    let token = Token::draw(rng);
    let kept = store.keep_first_link(accounts::new_link(&token, by.now), by);
    if kept.await? {
        return Ok(accounts::link(url, &token));
    }
    Err(Refused::new(
        "the database has an operator already",
        "They sign in as before; `ldsp-aggregator people list` shows who is there.",
    ))
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
pub async fn replace_secret<S: Staff>(
    store: &S,
    name: &str,
    by: By<'_>,
    rng: &mut impl CryptoRng,
) -> Result<NewSecret, Refused> {
    let (fresh, hash) = draw(rng)?;
    let change = Change::Secret {
        name,
        secret_hash: &hash,
    };
    carry_out(store, change, name, by).await?;
    Ok(NewSecret {
        name: name.to_owned(),
        secret: fresh.reveal(),
    })
}

/// A person whose role, or whether they may sign in, was changed.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedPerson {
    /// Name to sign in with.
    pub name: String,
    /// The role that they have now.
    pub role: &'static str,
    /// The role that they had.
    pub was: &'static str,
    /// Whether they are kept out now.
    pub locked: bool,
}

impl fmt::Display for ChangedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, role, was) = (&self.name, self.role, self.was);
        if role != was {
            write!(
                f,
                "{name}, who was {was}, is {role} from their next page on."
            )
        } else if self.locked {
            write!(
                f,
                "{name} is locked out: neither secret nor session opens anything.\nNext: `ldsp-aggregator people unlock` lets them in again."
            )
        } else {
            write!(f, "{name} may sign in as {role}.")
        }
    }
}

async fn find<S: Staff>(store: &S, name: &str) -> Result<Person, Refused> {
    store.person(name).await?.ok_or_else(|| nobody(name))
}

/// Gives a person another role.
///
/// # Errors
/// Nobody has this name, or they are the last operator; trouble with the store.
pub async fn change_role<S: Staff>(
    store: &S,
    name: &str,
    role: Role,
    by: By<'_>,
) -> Result<ChangedPerson, Refused> {
    let before = find(store, name).await?;
    let change = Change::Role {
        name,
        role: role.as_str(),
        organisation: "",
    };
    carry_out(store, change, name, by).await?;
    Ok(ChangedPerson {
        name: before.name,
        role: role.as_str(),
        was: before.role.as_str(),
        locked: before.locked.is_some(),
    })
}

/// Keeps a person out, or lets them in again.
///
/// # Errors
/// As [`change_role`].
pub async fn lock_person<S: Staff>(
    store: &S,
    name: &str,
    locked: bool,
    by: By<'_>,
) -> Result<ChangedPerson, Refused> {
    let before = find(store, name).await?;
    let change = if locked {
        Change::Lock {
            name,
            careful: true,
        }
    } else {
        Change::Unlock { name }
    };
    carry_out(store, change, name, by).await?;
    let role = before.role.as_str();
    Ok(ChangedPerson {
        name: before.name,
        role,
        was: role,
        locked,
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
        write!(
            f,
            "\nNo {role} is left: nobody can sign in to read as one until there is one.\nNext: ldsp-aggregator people add NAME --role {role}",
            role = self.role
        )
    }
}

/// Removes a person.
///
/// # Errors
/// As [`change_role`].
pub async fn remove_person<S: Staff>(
    store: &S,
    name: &str,
    by: By<'_>,
) -> Result<RemovedPerson, Refused> {
    let removed = find(store, name).await?;
    carry_out(store, Change::Remove { name }, name, by).await?;
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
    /// Since when they are kept out; null when they are not.
    pub locked: Option<Timestamp>,
    /// Whether sign-in asks for a code of their phone.
    pub second_step: bool,
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
                "Nobody yet. Next: ldsp-aggregator people add NAME --role operator --link"
            );
        }
        for (at, line) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let locked = line.locked.map_or("", |_| ", locked out");
            write!(f, "{end}{:8}  {}{locked}", line.role, line.name)?;
        }
        Ok(())
    }
}

/// Lists the people.
///
/// # Errors
/// Trouble with the store.
pub async fn people<S: Staff>(store: &S) -> Result<PersonList, Refused> {
    let people = store.people().await?.into_iter();
    let line = |p: Person| PersonLine {
        name: p.name,
        role: p.role.as_str(),
        added: p.added,
        locked: p.locked,
        second_step: p.second_step,
    };
    Ok(PersonList(people.map(line).collect()))
}

/// Something that was done to an account.
#[derive(Debug, Clone, Serialize)]
pub struct ActLine {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// In two words.
    pub action: String,
    /// To whom, and what exactly.
    pub detail: String,
}

/// What was done to accounts, newest first.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct ActList(pub Vec<ActLine>);

impl fmt::Display for ActList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "Nothing was done to accounts yet.");
        }
        for (at, line) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let ActLine {
                at,
                who,
                action,
                detail,
                ..
            } = line;
            write!(f, "{end}{at}  {who}: {action}, {detail}")?;
        }
        Ok(())
    }
}

/// At most `last` things that were done to accounts, newest first.
///
/// # Errors
/// Trouble with the store.
pub async fn history<S: Staff>(store: &S, last: u32) -> Result<ActList, Refused> {
    let acts = store.acts(Span::Newest, last).await?.into_iter();
    let line = |done: Done| ActLine {
        number: done.number,
        at: done.at,
        who: done.who,
        action: done.action,
        detail: done.detail,
    };
    Ok(ActList(acts.map(line).collect()))
}
