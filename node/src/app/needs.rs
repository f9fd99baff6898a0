//! `needs list`, `show`, `prepare`, `approve`, `refuse`.

use serde_json::json;

use super::cli::Needs;
use super::output::{Answer, Output, Refusal};
use super::release::{refresh, sign_in};
use super::{Context, open};
use crate::home::Node;
use crate::needs::shown::{Head, Shown, State};
use crate::needs::{self, NeedsError, Word, words};
use crate::store::needs::StoredNeeds;
use crate::words::{count, day, moment};

impl From<NeedsError> for Refusal {
    fn from(error: NeedsError) -> Self {
        let next = error.next_by_command();
        Self::new(error, next)
    }
}

pub(super) async fn run(command: Needs, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = act(&node, command, context).await;
    node.store.close().await;
    answer
}

async fn act(node: &Node, command: Needs, context: &Context) -> Answer {
    let (store, now) = (&node.store, (context.clock)());
    match command {
        Needs::List => list(node).await,
        Needs::Show { id } => {
            let found = match id {
                Some(id) => store.needs_of(id).await?.ok_or(NeedsError::Unknown(id))?,
                None => {
                    let mut all = store.needs().await?;
                    if all.is_empty() {
                        return list(node).await;
                    }
                    all.remove(0)
                }
            };
            Ok(show(&found))
        }
        Needs::Prepare { name } => {
            let person = sign_in(store, &name).await?;
            refresh(store, now).await?;
            let id = needs::prepare(store, (&person.name, now), &context.entropy).await?;
            let found = store.needs_of(id).await?.ok_or(NeedsError::Unknown(id))?;
            let mut output = show(&found);
            output.text.push_str(&format!(
                "\nNext: somebody else reads this and runs `ldsp-node needs approve {id} --as NAME --digest {}`.",
                found.digest
            ));
            Ok(output)
        }
        Needs::Approve { id, name, digest } => {
            let person = sign_in(store, &name).await?;
            refresh(store, now).await?;
            let word = Word {
                id,
                digest,
                person: &person.name,
            };
            let [first, second] = needs::approve(store, &node.signing, word, now).await?;
            Ok(Output {
                text: format!(
                    "Published. They are statements {first} and {second} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
                ),
                json: json!({"id": id, "statements": [first, second], "digest": digest}),
            })
        }
        Needs::Refuse {
            id,
            name,
            digest,
            reason,
        } => {
            let person = sign_in(store, &name).await?;
            let word = Word {
                id,
                digest,
                person: &person.name,
            };
            needs::refuse(store, word, &reason, now).await?;
            Ok(Output {
                text: "Refused. What was drawn for people is published with the next draft."
                    .to_owned(),
                json: json!({"id": id, "digest": digest}),
            })
        }
    }
}

async fn list(node: &Node) -> Answer {
    let all = node.store.needs().await?;
    let lines = all.iter().map(|it| {
        format!(
            "{}  {}  {}",
            it.id,
            day(it.demand.as_of),
            State::of(it).in_words()
        )
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push(
            "No needs were published yet. A coordinator runs `ldsp-node needs prepare --as NAME`."
                .to_owned(),
        );
    }
    let heads: Vec<Head> = all.iter().map(Head::from).collect();
    Ok(Output {
        text: lines.join("\n"),
        json: json!({"needs": heads}),
    })
}

fn show(it: &StoredNeeds) -> Output {
    let demand = &it.demand;
    let mut lines = vec![format!(
        "Needs {} of {}: {}. Prepared by {} on {}.",
        it.id,
        day(demand.as_of),
        State::of(it).in_words().to_lowercase(),
        it.prepared.0,
        moment(it.prepared.1)
    )];
    if let Some(((who, at), reason)) = &it.refused {
        lines.push(format!("Refused by {who} on {}: {reason}", moment(*at)));
    }
    lines.push(String::new());
    lines.push("Organisations ask for:".to_owned());
    for sum in &demand.organisations {
        lines.push(format!(
            "  {} {} ({}, {})",
            count(sum.number),
            words::counts(sum.counts).to_lowercase(),
            words::skill(&sum.skill, sum.tier.as_deref()),
            words::place(sum.district.as_ref()),
        ));
    }
    for held in &it.left.sums {
        lines.push(format!(
            "  {}, {}: {}",
            words::skill(&held.of.skill, held.of.tier.as_deref()),
            words::place(held.of.district.as_ref()),
            words::why(held.why)
        ));
    }
    lines.push(match &demand.people {
        None => "People were not asked since the last needs.".to_owned(),
        Some(asked) => format!(
            "People who were asked need (each give or take {}):",
            words::give_or_take(asked)
        ),
    });
    if let Some(asked) = &demand.people {
        let (found, others) = words::clear(asked, &demand.lep);
        for (skill, place, number) in found {
            lines.push(format!(
                "  about {} ({skill}, {place})",
                words::about(number)
            ));
        }
        lines.push(format!("  {others} counts that are lost in the noise"));
    }
    if let Some(provision) = &it.provision {
        lines.push(format!(
            "Offered: {} services with {} places in a year where that is known.",
            count(provision.all.services),
            count(provision.all.places)
        ));
    }
    lines.extend([String::new(), format!("Digest: {}", it.digest)]);
    Output {
        text: lines.join("\n"),
        json: json!(Shown::from(it)),
    }
}
