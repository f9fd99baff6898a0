//! `people`: add, new secret, remove, list.

use ldsp_ui::secret::{self, Secret};
use serde_json::json;

use super::cli::People;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::store::people::{Person, Role, is_name};

pub(super) async fn run(command: People, context: &Context) -> Answer {
    match command {
        People::Add { name, role } => add(&name, role.into(), context).await,
        People::Secret { name } => replace(name.trim(), context).await,
        People::Remove { name } => remove(name.trim(), context).await,
        People::List => list(context).await,
    }
}

async fn add(name: &str, role: Role, context: &Context) -> Answer {
    let name = name.trim();
    if !is_name(name) || ["schedule", "command line"].contains(&name.to_lowercase().as_str()) {
        return Err(Refusal::new(
            "that name cannot be used",
            "Give a name of 1 to 64 Latin letters and digits with single spaces, hyphens, apostrophes or full stops between them; `schedule` and `command line` are taken by the program.",
        ));
    }
    let node = open(context).await?;
    let (secret, secret_hash) = draw(context)?;
    let person = Person {
        name: name.to_owned(),
        role,
        secret_hash,
        added_at: (context.clock)(),
    };
    let added = node.store.add_person(&person).await?;
    node.store.close().await;
    if !added {
        return Err(Refusal::new(
            format!("there is already a person named {name}, whatever the capitals"),
            "Choose another name; `ldsp-node people list` shows who is there.",
        ));
    }
    Ok(Output {
        text: format!(
            "{name} is now {} of this node.\nSecret, shown only this once: {}\nNext: hand it over in person; it is needed to sign in.",
            role.as_str(),
            secret.reveal(),
        ),
        json: json!({"name": name, "role": role.as_str(), "secret": secret.reveal()}),
    })
}

fn draw(context: &Context) -> Result<(Secret, String), Refusal> {
    let mut rng = (context.entropy)();
    let secret = Secret::generate(&mut rng);
    let hash = secret::hash(&secret, &mut rng)
        .map_err(|error| Refusal::new(error, "Nothing was changed."))?;
    Ok((secret, hash))
}

fn nobody(name: &str) -> Refusal {
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
        .replace_secret(name, &hash, (context.clock)())
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
    let removed = node.store.remove_person(name, (context.clock)()).await?;
    let left = node.store.people().await?;
    node.store.close().await;
    let Some(role) = removed else {
        return Err(nobody(name));
    };
    let last = !left.iter().any(|person| person.role == role);
    let mut text = format!(
        "{name} can no longer sign in. What they prepared, wrote or approved keeps their name."
    );
    if last {
        let missing = match role {
            Role::Author => "imported on the page, written or prepared by a person",
            Role::Approver => "approved, and nothing new leaves this node,",
        };
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
        text.push_str(&format!("{}  {}\n", person.role.as_str(), person.name));
    }
    if people.is_empty() {
        text.push_str("Nobody yet. Next: `ldsp-node people add NAME --role author`.");
    }
    let people: Vec<_> = people
        .iter()
        .map(|p| json!({"name": p.name, "role": p.role.as_str(), "added_at": p.added_at}))
        .collect();
    Ok(Output {
        text,
        json: json!({"people": people}),
    })
}
