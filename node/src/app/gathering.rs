//! `gathering board`, `gathering tasks`.

use serde_json::json;

use super::cli::Gathering;
use super::output::{Answer, Output};
use super::{Context, keep, open};
use crate::api::Places;
use crate::gathering::{Gathered, State};
use crate::import::london_day;
use crate::store::gathering::{About, GatheringTask};

pub(super) async fn run(command: Gathering, context: &Context) -> Answer {
    match command {
        Gathering::Tasks(command) => keep::run::<GatheringTask>(command, context).await,
        Gathering::Board => board(context).await,
    }
}

async fn board(context: &Context) -> Answer {
    let node = open(context).await?;
    let gathered = Gathered::read(&node.store, london_day((context.clock)())).await;
    node.store.close().await;
    let gathered = gathered?;
    let lines = About::ALL.map(|about| {
        let count = gathered.board.count(about);
        let states = State::ALL.map(|state| {
            let of = count.states.get(&state).copied().unwrap_or(0);
            format!("{} {of}", state.in_words().to_lowercase())
        });
        format!(
            "{}, by skill and area ({} places): {}; nobody brings {}, overdue {}",
            about.in_words(),
            count.all,
            states.join(", "),
            count.nobody,
            count.overdue
        )
    });
    let places = serde_json::to_value(Places::of(&gathered))
        .expect("places hold texts, numbers and booleans");
    Ok(Output {
        text: format!(
            "{}\nNext: `gathering tasks add` says who brings what is missing; --json tells every place.",
            lines.join("\n")
        ),
        json: json!({ "places": places["items"], "tiers": places["tiers"] }),
    })
}
