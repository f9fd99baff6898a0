//! The state of the log for those who run it: whether it lacks leaves that it acknowledged, what it waits for, what to do.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::recovery::LogState;
use ldsp_ui::components::{CodeBlock, Details, SummaryList, Table, Warning, link};
use ldsp_ui::{Html, Page};

use super::{Answer, words};
use crate::Service;
use crate::recovery::{in_words, next, run_in_words};
use crate::store::{Fork, Heard, Node, Recovery as _, Registry, Stop};

/// Runs of missing leaves that are listed.
const LISTED: usize = 50;
/// Proofs of forks that are shown, those first that wait for a decision.
const SHOWN_FORKS: usize = 20;

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let recovery = service.recovery();
    let state = recovery.state().await?;
    let stops = service.store.stops().await?;
    let forks = service.store.forks().await?;
    let unheard = recovery.unheard().await?;
    let mut parts = Vec::new();
    if state.stopped {
        parts.push(stopped(&state, stops.first()));
        parts.push(what_next(next(&state, &unheard, &forks)));
        parts.push(missing(&state));
        let (nodes, heard) = (service.store.nodes().await?, service.store.heard().await?);
        parts.push(heading("Nodes"));
        parts.push(nodes_table(&nodes, |node| heard.get(&node.node)));
    } else {
        parts.push(Html::paragraph(&format!(
            "The log has {} entries and takes statements. Nobody has shown it that it lacks anything it acknowledged.",
            words::thousands(state.size)
        )));
        parts.push(after_a_restore());
    }
    if let Some((at, why)) = service.overdue.why() {
        parts.push(overdue(at, &why));
    }
    if !forks.is_empty() {
        parts.push(forked(&forks));
    }
    let past: Vec<&Stop> = stops.iter().filter(|stop| stop.ended.is_some()).collect();
    if !past.is_empty() {
        parts.push(heading("Earlier"));
        parts.push(earlier(&past));
    }
    Ok(Page::new("State of the log")
        .breadcrumb("Home", "/")
        .body(Html::concat(parts)))
}

fn heading(text: &str) -> Html {
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">"),
        Html::text(text),
        Html::literal("</h2>"),
    ])
}

fn stopped(state: &LogState, stop: Option<&Stop>) -> Html {
    let cause = stop.map(in_words).unwrap_or_default();
    let warning = format!("The log takes nothing new: {cause}.");
    let since = stop.map_or_else(String::new, |stop| words::moment(stop.since));
    let mut rows = SummaryList::new()
        .fact("Stopped", since)
        .fact("Leaves that it has", words::thousands(state.size))
        .fact("Leaves that it needs", words::thousands(state.needs));
    if let Some(trouble) = stop.and_then(|stop| stop.trouble.as_deref()) {
        rows = rows.fact("In the way", trouble);
    }
    let calm = "Nothing that was acknowledged is lost: nodes keep every statement with its receipt, and send back by themselves what the log lacks. \
                Until then pages and figures show the log as far as it is here.";
    Html::concat([
        Warning::new(warning).into(),
        Html::paragraph(calm),
        rows.into(),
    ])
}

fn what_next(text: &str) -> Html {
    Html::concat([heading("What to do"), Html::paragraph(text)])
}

fn missing(state: &LogState) -> Html {
    if state.missing.is_empty() {
        return Html::default();
    }
    let rows = state.missing.iter().take(LISTED).map(|run| {
        let number = run.last - run.first + 1;
        [run_in_words(*run), words::thousands(number)]
    });
    let table = Table::new("Leaves that nobody has sent back yet")
        .columns(["Where", "How many"])
        .numeric([1])
        .rows(rows);
    let more = state.missing.len().saturating_sub(LISTED);
    let more = if more > 0 {
        Html::paragraph(&format!(
            "And {} more such runs.",
            words::thousands(more as u64)
        ))
    } else {
        Html::default()
    };
    Html::concat([table.into(), more])
}

fn nodes_table<'a>(nodes: &'a [Node], heard: impl Fn(&'a Node) -> Option<&'a Heard>) -> Html {
    let active = nodes
        .iter()
        .filter(|node| node.state == ldsp_protocol::enrolment::NodeState::Active);
    let rows = active.map(|node| {
        let said = match heard(node) {
            None => "Not heard yet".to_owned(),
            Some(Heard { at, excused: None }) => format!("Heard {}", words::moment(*at)),
            Some(Heard {
                excused: Some(by), ..
            }) => format!("{by} decided to go on without it"),
        };
        [
            link(node.node.as_str(), &format!("/nodes/{}", node.node)),
            Html::text(&said),
        ]
    });
    Table::new("Nodes and whether they have said what they hold")
        .caption_hidden()
        .columns(["Node", "Since the log stopped"])
        .rows(rows)
        .into()
}

fn overdue(at: Timestamp, why: &str) -> Html {
    let text = format!(
        "The benchmark run that was due could not be made, last tried on {}: {why}. Figures on the pages go on; the last run stays as it is.",
        words::moment(at)
    );
    Html::concat([heading("A run that is due"), Warning::new(text).into()])
}

fn after_a_restore() -> Html {
    let text = "Whoever restores its database from a backup runs ldsp-aggregator recovery begin before it is served. The log then signs nothing until \
                every node has said what it holds and has sent back what is missing. Without that it finds out as soon as a node shows it a \
                newer checkpoint, which is within half an hour.";
    Details::new("After a restore", Html::paragraph(text)).into()
}

/// Both texts of each fork, as they were signed.
fn forked(forks: &[Fork]) -> Html {
    let mut parts = vec![
        heading("Proof that the log signed two histories"),
        Html::paragraph(
            "Each pair is signed by the log’s key, and both cannot be true of one log. Keep them, tell the areas, and find out how it came to be: a server that \
             was restored and signed before it was whole, two servers with one key, or a key in other hands.",
        ),
    ];
    // Those that wait for a decision first.
    let (settled, waiting): (Vec<&Fork>, Vec<&Fork>) =
        forks.iter().partition(|fork| fork.settled.is_some());
    let ordered = waiting.into_iter().chain(settled);
    for (number, fork) in (1..).zip(ordered.take(SHOWN_FORKS)) {
        let settled = fork.settled.map_or_else(
            || "An operator has to decide how to go on.".to_owned(),
            |at| format!("An operator decided to go on, {}.", words::moment(at)),
        );
        parts.push(Html::paragraph(&format!(
            "At {}, shown by {}, {}. {settled}",
            words::thousands(fork.place),
            fork.said_by,
            words::moment(fork.found)
        )));
        for (id, label, text) in [
            ("ours", "What this log stands by", &fork.ours),
            ("theirs", "What it was shown", &fork.theirs),
        ] {
            let id = format!("fork-{number}-{id}");
            parts.push(CodeBlock::new(id, label, text.clone()).into());
        }
    }
    let more = forks.len().saturating_sub(SHOWN_FORKS);
    if more > 0 {
        let pairs = words::plural(more, "more such pair is", "more such pairs are");
        parts.push(Html::paragraph(&format!("{pairs} kept.")));
    }
    Html::concat(parts)
}

fn earlier(past: &[&Stop]) -> Html {
    let rows = past.iter().map(|stop| {
        let decided = stop.decided.as_ref().map_or_else(
            || "Went on by itself".to_owned(),
            |by| format!("{by}: {}", stop.reason.clone().unwrap_or_default()),
        );
        [
            words::moment(stop.since),
            stop.ended.map_or_else(String::new, words::moment),
            in_words(stop),
            decided,
        ]
    });
    Table::new("Times in which the log signed nothing")
        .caption_hidden()
        .columns(["From", "Until", "Why", "Decision"])
        .rows(rows)
        .into()
}
