//! `people`: add, another role, new secret, lock, unlock, remove, list.

use ldsp_ui::accounts::{self, LINK_DAYS, NewLink, Token};
use ldsp_ui::secret::{self, Secret};
use serde_json::json;

use super::cli::People;
use super::output::{Answer, Output, Refusal};
use super::{Context, open, subjects};
use crate::home::Node;
use crate::store::people::{Changed, Person, Role, organisation_of};

pub(super) async fn run(command: People, context: &Context) -> Answer {
    match command {
        People::Add {
            name,
            role,
            organisation,
            link: false,
        } => add(&name, role.into(), organisation.as_deref(), context).await,
        People::Add {
            name,
            role,
            organisation,
            link: true,
        } => invite(&name, role.into(), organisation.as_deref(), context).await,
        People::Link { name } => link(name.trim(), context).await,
        People::Role {
            name,
            role,
            organisation,
        } => change(name.trim(), role.into(), organisation.as_deref(), context).await,
        People::Secret { name } => replace(name.trim(), context).await,
        People::Lock { name } => lock(name.trim(), true, context).await,
        People::Unlock { name } => lock(name.trim(), false, context).await,
        People::Remove { name } => remove(name.trim(), context).await,
        People::List => list(context).await,
        People::Connect { name, account } => {
            subjects::connect(name.trim(), account.trim(), context).await
        }
        People::Disconnect {
            name,
            account,
            issuer,
        } => {
            let who = (name.trim(), account.trim());
            subjects::disconnect(who, issuer.as_deref(), context).await
        }
        People::Accounts => subjects::list(context).await,
    }
}

/// ` of College`, or nothing.
fn of(organisation: Option<&str>) -> String {
    organisation.map_or_else(String::new, |name| format!(" of {name}"))
}

async fn add(name: &str, role: Role, organisation: Option<&str>, context: &Context) -> Answer {
    let mut person = Person::described(name, role, organisation, (context.clock)())?;
    let node = open(context).await?;
    bind(&node, &mut person.organisation).await?;
    let (secret, secret_hash) = draw(context)?;
    let person = person.with_secret(secret_hash);
    let added = node.store.add_person(&person, &context.who).await?;
    node.store.close().await;
    let name = &person.name;
    if !added {
        return Err(taken(name));
    }
    Ok(Output {
        text: format!(
            "{name} is now {}{} of this node.\nSecret, shown only this once: {}\nNext: hand it over in person; it is needed to sign in.",
            role.as_str(),
            of(person.organisation.as_deref()),
            secret.reveal(),
        ),
        json: json!({"name": name, "role": role.as_str(), "organisation": person.organisation, "secret": secret.reveal()}),
    })
}

/// Writes the organisation that somebody is bound to as it is shown here, if it is a training provider that is known.
async fn bind(node: &Node, organisation: &mut Option<String>) -> Result<(), Refusal> {
    let Some(name) = organisation else {
        return Ok(());
    };
    let Some(shown) = node.store.shown_provider(name).await? else {
        return Err(Refusal::new(
            format!("no training provider named {name} is known here"),
            "Look for a misspelling: `ldsp-node providers list` and `ldsp-node organisations list` show who is known. A new one is added first: `ldsp-node organisations add name=NAME kind=provider`.",
        ));
    };
    *name = shown;
    Ok(())
}

fn taken(name: &str) -> Refusal {
    Refusal::new(
        format!("there is already a person named {name}, whatever the capitals"),
        "Choose another name; `ldsp-node people list` shows who is there.",
    )
}

/// Adds a person who sets their own secret.
async fn invite(name: &str, role: Role, organisation: Option<&str>, context: &Context) -> Answer {
    let mut person = Person::described(name, role, organisation, (context.clock)())?;
    let node = open(context).await?;
    bind(&node, &mut person.organisation).await?;
    let (link, made) = draw_link(context);
    let added = node
        .store
        .invite_person(&person, link, &context.who)
        .await?;
    node.store.close().await;
    if !added {
        return Err(taken(&person.name));
    }
    let role = role.as_str();
    Ok(Output {
        text: format!(
            "{} is now {role}{} of this node.\n{}",
            person.name,
            of(person.organisation.as_deref()),
            said(&made)
        ),
        json: json!({"name": person.name, "role": role, "organisation": person.organisation, "link": made}),
    })
}

fn said(link: &str) -> String {
    format!(
        "Link, shown only this once: {link}\nNext: give it to the person and to nobody else; it works once, for {LINK_DAYS} days, while `ldsp-node serve` runs."
    )
}

/// A link, to be kept and in clear.
fn draw_link(context: &Context) -> (NewLink, String) {
    let token = Token::draw(&mut (context.entropy)());
    let link = accounts::new_link(&token, (context.clock)());
    (link, accounts::link(&context.config.address(), &token))
}

async fn link(name: &str, context: &Context) -> Answer {
    let node = open(context).await?;
    let (link, made) = draw_link(context);
    let kept = node
        .store
        .reset_person(name, link, &context.who, (context.clock)())
        .await?;
    node.store.close().await;
    if !kept {
        return Err(nobody(name));
    }
    Ok(Output {
        text: format!(
            "Everything that opened the name {name} has ended: secret, second step, connected accounts, sessions and tokens.\n{}",
            said(&made)
        ),
        json: json!({"name": name, "link": made}),
    })
}

/// Who they were before, or why nothing was changed.
fn done(changed: Changed, name: &str) -> Result<Person, Refusal> {
    match changed {
        Changed::Done(before) => Ok(before),
        Changed::Nobody => Err(nobody(name)),
        Changed::LastAdmin => Err(Refusal::new(
            format!("{name} is the only admin, and somebody has to look after people"),
            "Add another one first: `ldsp-node people add NAME --role admin`.",
        )),
    }
}

async fn change(name: &str, role: Role, organisation: Option<&str>, context: &Context) -> Answer {
    let mut organisation = organisation_of(role, organisation)?;
    let node = open(context).await?;
    bind(&node, &mut organisation).await?;
    let organisation = organisation.as_deref();
    let changed = node
        .store
        .change_role(name, role, organisation, &context.who, (context.clock)())
        .await?;
    node.store.close().await;
    let before = done(changed, name)?;
    Ok(Output {
        text: format!(
            "{name}, who was {}{}, is now {}{}. It holds from their next page on.",
            before.role.as_str(),
            of(before.organisation.as_deref()),
            role.as_str(),
            of(organisation),
        ),
        json: json!({"name": name, "role": role.as_str(), "organisation": organisation, "was": before.role.as_str()}),
    })
}

async fn lock(name: &str, locked: bool, context: &Context) -> Answer {
    let node = open(context).await?;
    let changed = node
        .store
        .lock_person(name, locked, true, &context.who, (context.clock)())
        .await?;
    node.store.close().await;
    done(changed, name)?;
    let text = if locked {
        format!(
            "{name} is locked out: no secret, session or token of theirs opens anything.\nNext: `ldsp-node people unlock` lets them in again."
        )
    } else {
        format!("{name} may sign in again.")
    };
    Ok(Output {
        text,
        json: json!({"name": name, "locked": locked}),
    })
}

fn draw(context: &Context) -> Result<(Secret, String), Refusal> {
    let mut rng = (context.entropy)();
    let secret = Secret::generate(&mut rng);
    let hash = secret::hash(&secret, &mut rng)
        .map_err(|error| Refusal::new(error, "Nothing was changed."))?;
    Ok((secret, hash))
}

pub(super) fn nobody(name: &str) -> Refusal {
    Refusal::new(
        format!("there is nobody named {name}"),
        "`ldsp-node people list` shows who is there; names are written exactly as it shows them.",
    )
}

async fn replace(name: &str, context: &Context) -> Answer {
    let node = open(context).await?;
    let (secret, hash) = draw(context)?;
    let replaced = node
        .store
        .replace_secret(name, &hash, &context.who, (context.clock)())
        .await?;
    node.store.close().await;
    if !replaced {
        return Err(nobody(name));
    }
    let secret = secret.reveal();
    Ok(Output {
        text: format!(
            "{name} has a new secret; the old one no longer signs in and open sessions have ended.\nSecret, shown only this once: {secret}\nNext: hand it over in person.",
        ),
        json: json!({"name": name, "secret": secret}),
    })
}

async fn remove(name: &str, context: &Context) -> Answer {
    let node = open(context).await?;
    let removed = node
        .store
        .remove_person(name, &context.who, (context.clock)())
        .await?;
    let left = node.store.people().await?;
    node.store.close().await;
    let role = done(removed, name)?.role;
    let last = !left.iter().any(|person| person.role == role);
    let mut text = format!(
        "{name} can no longer sign in. What they prepared, wrote or approved keeps their name."
    );
    let missing = match role {
        Role::Coordinator => Some("imported on the page, written or prepared by a person"),
        Role::Approver => Some("approved, and nothing new leaves this node,"),
        // There is always an admin; the node works without the others.
        Role::Admin | Role::Provider | Role::Viewer => None,
    };
    if let Some(missing) = missing.filter(|_| last) {
        let role = role.as_str();
        text.push_str(&format!(
            "\nNo {role} is left: nothing is {missing} until there is one.\nNext: `ldsp-node people add NAME --role {role}`.",
        ));
    }
    Ok(Output {
        text,
        json: json!({"removed": name, "role": role.as_str(), "last_of_role": last}),
    })
}

async fn list(context: &Context) -> Answer {
    let node = open(context).await?;
    let people = node.store.people().await?;
    node.store.close().await;
    let mut text = String::new();
    for person in &people {
        let locked = person.locked_at.map_or("", |_| ", locked out");
        text.push_str(&format!(
            "{}  {}{}{locked}\n",
            person.role.as_str(),
            person.name,
            of(person.organisation.as_deref()),
        ));
    }
    if people.is_empty() {
        text.push_str("Nobody yet. Next: `ldsp-node people add NAME --role coordinator`.");
    }
    let people: Vec<_> = people
        .iter()
        .map(|p| {
            json!({
                "name": p.name, "role": p.role.as_str(), "organisation": p.organisation, "organisation_id": p.organisation_id, "added_at": p.added_at,
                "locked_at": p.locked_at, "second_step": p.second_step,
            })
        })
        .collect();
    Ok(Output {
        text,
        json: json!({"people": people}),
    })
}
