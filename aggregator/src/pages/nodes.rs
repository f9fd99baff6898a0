//! Who contributes: every area, what it has published, and the latest statements.

use std::sync::Arc;

use axum::extract::State;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{InsetText, Table, link};
use ldsp_ui::{Html, Page};

use super::{Answer, Failure, figures, home, words};
use crate::Service;
use crate::store::{Log, Registry};

/// Releases that the page lists.
const LATEST: usize = 10;
/// Statements looked at for them: entries of other kinds lie between.
const WINDOW: u32 = 60;

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let snapshot = service.snapshot().await?;
    let joined = snapshot
        .leps()
        .iter()
        .filter(|s| s.state == Some(NodeState::Active))
        .count();
    let intro = format!(
        "{} of 38 areas have joined. Each runs its own server, its node, on which its learners’ records stay. \
         A node publishes one month after another; nobody else can publish in its name.",
        words::thousands(joined as u64)
    );
    let table = Table::new("Areas and what they have published")
        .columns([
            "Local Enterprise Partnership",
            "Node",
            "Joined",
            "Months published",
            "State",
        ])
        .rows(snapshot.leps().iter().map(|s| {
            let joined = match s.state {
                Some(NodeState::Active) => "yes",
                Some(NodeState::Pending) => "waiting for approval",
                Some(NodeState::Invited) => "invited",
                None => "not yet invited",
            };
            let months = s.range.map_or_else(
                || "nothing yet".to_owned(),
                |r| {
                    format!(
                        "{} ({})",
                        figures::period(r),
                        words::plural(s.releases, "month", "months")
                    )
                },
            );
            [
                link(&s.place.name, &format!("/leps/{}", s.place.code)),
                Html::text(
                    &s.node
                        .as_ref()
                        .map_or_else(|| "–".to_owned(), ToString::to_string),
                ),
                Html::text(joined),
                Html::text(&months),
                home::standing_tag(s).into(),
            ]
        }));
    let body = Html::concat([
        Html::paragraph(&intro),
        table.into(),
        latest(&service).await?,
    ]);
    Ok(Page::new("Who contributes")
        .breadcrumb("Home", "/")
        .body(body))
}

/// The newest monthly releases.
async fn latest(service: &Service) -> Result<Html, Failure> {
    let size = service.store.size().await?;
    let start = size.saturating_sub(u64::from(WINDOW));
    let statements = service.store.statements(start, WINDOW).await?;
    let newest: Vec<_> = statements
        .iter()
        .rev()
        .filter(|s| s.kind == Kind::LearningSummary)
        .take(LATEST)
        .collect();
    if newest.is_empty() {
        return Ok(InsetText::new(
            "Nothing has been published yet. Releases are listed here as they arrive.",
        )
        .into());
    }
    let nodes = service.store.nodes().await?;
    let area = |node: &NodeSlug| {
        let lep = nodes.iter().find(|n| &n.node == node).map(|n| &n.lep);
        lep.and_then(|code| Geography::embedded().lep(code))
            .map_or_else(
                || Html::text(&node.to_string()),
                |l| link(&l.name, &format!("/leps/{}", l.code)),
            )
    };
    let table = Table::new("Latest releases")
        .columns([
            "Area",
            "Month",
            "Received",
            "Place in the log",
            "Exact bytes",
        ])
        .numeric([3])
        .rows(newest.iter().map(|s| {
            [
                area(&s.node),
                Html::text(&s.period.map_or_else(String::new, |p| p.in_words())),
                Html::text(&words::moment(s.received)),
                Html::text(&words::thousands(s.index)),
                link(
                    &format!("{} statement {}", s.node, s.seq),
                    &format!("/v1/nodes/{}/statements/{}", s.node, s.seq),
                ),
            ]
        }));
    Ok(table.into())
}
