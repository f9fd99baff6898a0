//! `provision`: services as other rows are kept, with how fresh each is; which may be the same, and feeds that are pulled.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};

use super::cli::{Keep, Provision};
use super::output::{Answer, Output, Refusal};
use super::{Context, keep, open};
use crate::api::Alike;
use crate::home::Node;
use crate::import::london_day;
use crate::provision::Freshness;
use crate::provision::pull::fetch::Web;
use crate::provision::pull::{self, Step, guard, refusal};
use crate::store::doubles::Joined;
use crate::store::feeds::{Feed, Pulled};
use crate::store::kept::Stored;
use crate::store::services::Service;

/// What was pulled says so after so many requests.
const SAYS: u64 = 20;

impl From<refusal::Refusal> for Refusal {
    fn from(refusal: refusal::Refusal) -> Self {
        Self {
            code: Some(refusal.code()),
            ..Self::new(refusal, refusal.next())
        }
    }
}

pub(super) async fn run(command: Provision, context: &Context) -> Answer {
    match command {
        Provision::Keep(Keep::List) => {
            let node = open(context).await?;
            let answer = list(&node, (context.clock)()).await;
            node.store.close().await;
            answer
        }
        Provision::Keep(command) => keep::run::<Service>(command, context).await,
        Provision::Pull { url, term } => {
            let node = open(context).await?;
            let answer = pull(&node, &url, term.as_deref().unwrap_or_default(), context).await;
            node.store.close().await;
            answer
        }
        Provision::Feeds => {
            let node = open(context).await?;
            let feeds = node.store.feeds().await?;
            node.store.close().await;
            Ok(feeds_in_words(&feeds))
        }
        Provision::Doubles => {
            let node = open(context).await?;
            let alike = Alike::read(&node.store).await;
            node.store.close().await;
            Ok(alike_in_words(&alike?))
        }
        Provision::Merge { kept, other } => decide(context, Decision::Merge(kept, other)).await,
        Provision::Part { id } => decide(context, Decision::Part(id)).await,
        Provision::Differ { one, other, undo } => {
            decide(context, Decision::Differ(one, other, !undo)).await
        }
    }
}

/// What a person says of services that look alike.
#[derive(Clone, Copy)]
enum Decision {
    Merge(i64, i64),
    Part(i64),
    /// Whether they are two.
    Differ(i64, i64, bool),
}

async fn decide(context: &Context, decision: Decision) -> Answer {
    let node = open(context).await?;
    let (store, who, now) = (&node.store, &context.who, (context.clock)());
    let done = match decision {
        Decision::Merge(kept, other) => store.merge_services((kept, other), who, now).await,
        Decision::Part(id) => store.part_service(id, who, now).await,
        Decision::Differ(one, other, differ) => {
            store.tell_apart((one, other), differ, who, now).await
        }
    };
    store.close().await;
    match done? {
        Joined::Done => Ok(Output {
            text: match decision {
                Decision::Merge(kept, other) => {
                    format!("Service {kept} stands for service {other}.")
                }
                Decision::Part(id) => format!("Service {id} stands for itself again."),
                Decision::Differ(one, other, true) => {
                    format!("Services {one} and {other} are two.")
                }
                Decision::Differ(one, other, false) => {
                    format!("Services {one} and {other} may be the same.")
                }
            },
            json: json!({"done": true}),
        }),
        Joined::Gone => Err(Refusal::new(
            "nothing was changed: one of the services is not there, or is not as you saw it",
            "`provision doubles` shows which may be the same and which were merged.",
        )),
    }
}

fn alike_in_words(alike: &Alike) -> Output {
    let may_be = alike.may_be.iter();
    let may_be = may_be.map(|pair| format!("{} and {} may be the same", pair.one, pair.other));
    let merged = alike.merged.iter();
    let merged = merged.map(|row| format!("{} stands for {}, {}", row.into, row.id, row.name));
    let apart = alike.distinct.iter();
    let apart = apart.map(|pair| format!("{} and {} are two", pair.one, pair.other));
    let lines: Vec<String> = may_be.chain(merged).chain(apart).collect();
    Output {
        text: match lines.is_empty() {
            true => "No services look alike.".to_owned(),
            false => lines.join("\n"),
        },
        json: serde_json::to_value(alike).expect("pairs hold numbers and texts"),
    }
}

async fn list(node: &Node, now: Timestamp) -> Answer {
    let known = node.store.known().await?;
    let all: Vec<Stored<Service>> = node.store.kept().await?;
    let seen = node.store.sightings().await?;
    let fresh = |stored: &Stored<Service>| {
        let seen = seen.get(&stored.id).map(|at| london_day(*at));
        Freshness::of(stored.it.assured, seen, london_day(now))
    };
    let line = |stored: &Stored<Service>| {
        let day = fresh(stored)
            .day()
            .map_or_else(String::new, |day| day.to_string());
        let (id, word) = (stored.id, fresh(stored).id());
        format!(
            "{id:>6}  {word:<5}  {day:<10}  {}, {}",
            stored.it.name, stored.it.organisation
        )
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    let value = |stored: &Stored<Service>| {
        let mut value: Value = keep::value(stored, &known);
        value["freshness"] = fresh(stored).id().into();
        value["last_seen"] = json!(seen.get(&stored.id));
        value
    };
    Ok(Output {
        text: if lines.is_empty() {
            "None so far. Next: `add`, `pull`, or `import services FILE`.".to_owned()
        } else {
            lines.join("\n")
        },
        json: json!({"items": all.iter().map(value).collect::<Vec<_>>()}),
    })
}

fn tally_in_words(tally: Pulled) -> String {
    let Pulled {
        found,
        added,
        changed,
        unchanged,
        refused,
    } = tally;
    format!(
        "{found} listed: {added} new, {changed} changed, {unchanged} as before, {refused} left out"
    )
}

fn tally_in_json(tally: Pulled) -> Value {
    let Pulled {
        found,
        added,
        changed,
        unchanged,
        refused,
    } = tally;
    json!({"found": found, "added": added, "changed": changed, "unchanged": unchanged, "refused": refused})
}

fn feeds_in_words(feeds: &[Feed]) -> Output {
    let lines = feeds.iter().map(|feed| {
        let state = match (
            refusal::Refusal::named(&feed.problem),
            feed.begun_at,
            feed.ended_at,
        ) {
            (Some(why), ..) => format!("{} {}", why.cause(), why.next()),
            (None, Some(_), _) => format!("under way, at page {}", feed.page),
            (None, None, Some(at)) => format!("read whole at {at}"),
            (None, None, None) => "not read yet".to_owned(),
        };
        format!("{}\n  {}\n  {state}", feed.url, tally_in_words(feed.tally))
    });
    let lines: Vec<String> = lines.collect();
    let items = feeds.iter().map(|feed| {
        json!({"url": feed.url, "term": feed.term, "under_way": feed.begun_at.is_some(), "page": feed.page, "problem": feed.problem,
            "ended_at": feed.ended_at, "services": tally_in_json(feed.tally)})
    });
    Output {
        text: if lines.is_empty() {
            "None so far. Next: `provision pull URL`.".to_owned()
        } else {
            lines.join("\n")
        },
        json: json!({"items": items.collect::<Vec<_>>()}),
    }
}

async fn wait(until: Timestamp, context: &Context) -> Result<(), Refusal> {
    let left = Duration::try_from(until.duration_since((context.clock)()));
    tokio::select! {
        () = tokio::time::sleep(left.unwrap_or_default()) => Ok(()),
        _ = tokio::signal::ctrl_c() => Err(Refusal {
            next: "What came so far is stored; the same command goes on where it ended.".to_owned(),
            ..Refusal::cancelled()
        }),
    }
}

async fn pull(node: &Node, url: &str, term: &str, context: &Context) -> Answer {
    let hosts = &context.config.feed_hosts;
    let url: Url = guard::address(url, hosts)?;
    let name = url.as_str().trim_end_matches('/').to_owned();
    let store = &node.store;
    let feed = store
        .begin_pull(&name, term, &context.who, (context.clock)())
        .await?;
    let web = Web::of(url, hosts);
    let mut requests = 0;
    let tally = loop {
        match pull::step(store, &web, feed, (context.clock)()).await? {
            Step::Went => {
                requests += 1;
                if requests % SAYS == 0 {
                    tracing::info!(feed = name, requests, "a feed is being read");
                }
            }
            Step::Wait(until) => wait(until, context).await?,
            Step::Again(until) => {
                tracing::warn!(feed = name, %until, "the feed did not answer as it should; it is asked again");
                wait(until, context).await?;
            }
            Step::Refused(why) => return Err(why.into()),
            Step::Done(tally) => break tally,
            // The server of this node read the last of it.
            Step::Idle => {
                let all = store.feeds().await?;
                let ended = all.into_iter().find(|found| found.id == feed);
                let ended = ended.ok_or_else(|| {
                    Refusal::new("the feed is not there any more", "Pull it again.")
                })?;
                if let Some(why) = refusal::Refusal::named(&ended.problem) {
                    return Err(why.into());
                }
                break ended.tally;
            }
        }
    };
    Ok(Output {
        text: format!(
            "{}.\nNext: `provision list`; on the page Provision say of each its tier and skills, and which are the same.",
            tally_in_words(tally)
        ),
        json: tally_in_json(tally),
    })
}
