//! `people add` and `people list`.

use ldsp_ui::secret::{self, Secret};
use serde_json::json;

use super::cli::People;
use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::store::people::{Person, Role};

pub(super) async fn run(command: People, context: &Context) -> Answer {
    match command {
        People::Add { name, role } => add(&name, role.into(), context).await,
        People::List => list(context).await,
    }
}

async fn add(name: &str, role: Role, context: &Context) -> Answer {
    let name = name.trim();
    let plain =
        !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if !plain || ["schedule", "command line"].contains(&name.to_lowercase().as_str()) {
        return Err(Refusal::new(
            "that name cannot be used",
            "Give a name of 1 to 64 characters; `schedule` and `command line` are taken by the program.",
        ));
    }
    let node = open(context).await?;
    let mut rng = (context.entropy)();
    let secret = Secret::generate(&mut rng);
    let secret_hash = secret::hash(&secret, &mut rng)
        .map_err(|error| Refusal::new(error, "Nothing was changed."))?;
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
            format!("there is already a person named {name}"),
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
