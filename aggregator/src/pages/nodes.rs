//! Who contributes: every node, what it has sent and when, and the areas that have none yet.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{InsetText, Table, Tag, TagColour, link, list};
use ldsp_ui::{Html, Page};

use super::statements::{area_name, start_of};
use super::{Answer, entry, home, words};
use crate::Service;
use crate::benchmark::{LepStanding, Snapshot};
use crate::store::{Log, Node, Registry, StoreError, Tally};

/// What a node has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Summaries that stand: those that were withdrawn and not published again are not among them.
    pub(super) months: u64,
    /// Practice entries that stand.
    pub(super) entries: u64,
    statements: u64,
    /// How many of all statements are withdrawn.
    pub(super) withdrawn: u64,
    pub(super) times: Option<(Timestamp, Timestamp)>,
}

impl Sent {
    /// Adds up the node's lines of the tally.
    pub(super) fn of(node: &NodeSlug, tally: &[Tally]) -> Self {
        let mut sent = Self::default();
        for t in tally.iter().filter(|t| t.node == *node) {
            let stand = t.count.saturating_sub(t.withdrawn);
            match t.kind {
                // A correction is the month again.
                Kind::LearningSummary | Kind::Correction => sent.months += stand,
                Kind::PracticeEntry => sent.entries += stand,
                // Answers are for their readers, needs have a page of their own, and a withdrawal is neither; the others are the log's own, and no node sends any.
                Kind::Withdrawal
                | Kind::QuestionnaireAnswers
                | Kind::DemandSummary
                | Kind::ProvisionSummary
                | Kind::KeyAdd
                | Kind::KeyRevoke
                | Kind::Standard
                | Kind::BenchmarkRun
                | Kind::Finding
                | Kind::Questionnaire => {}
            }
            sent.statements += t.count;
            sent.withdrawn += t.withdrawn;
            let (first, latest) = sent.times.unwrap_or((t.first, t.latest));
            sent.times = Some((first.min(t.first), latest.max(t.latest)));
        }
        sent
    }

    pub(super) fn statements(&self) -> u64 {
        self.statements
    }
}

pub(super) async fn show(State(service): State<Arc<Service>>) -> Answer {
    let snapshot = service.snapshot().await?;
    let (nodes, tally) = tokio::try_join!(service.store.nodes(), tally(&service.store, &snapshot))?;
    let body = Html::concat([
        intro(&nodes),
        table(&nodes, &snapshot, &tally),
        absent(&snapshot),
    ]);
    Ok(Page::new("Who contributes")
        .breadcrumb("Home", "/")
        .body(body))
}

/// What everybody has sent: counted once for each state of the log.
pub(super) async fn tally(
    store: &impl Log,
    snapshot: &Snapshot,
) -> Result<Arc<[Tally]>, StoreError> {
    if let Some(tally) = snapshot.kept() {
        return Ok(tally);
    }
    let tally: Arc<[Tally]> = store.tally().await?.into();
    snapshot.keep(Arc::clone(&tally));
    Ok(tally)
}

/// How many statements all nodes have sent.
pub(super) fn total(tally: &[Tally]) -> u64 {
    tally.iter().map(|t| t.count).sum()
}

fn intro(nodes: &[Node]) -> Html {
    let joined = nodes.iter().filter(|n| n.state == NodeState::Active);
    let text = format!(
        "{} of 38 areas have joined. Each runs its own server, its node, on which its learners’ records stay. \
         A node publishes one month after another, and what it has learnt; nobody else can publish in its name.",
        joined.count()
    );
    Html::concat([
        Html::paragraph(&text),
        Html::literal("<p class=\"govuk-body\">"),
        link("Browse all signed statements, newest first", "/statements"),
        Html::text(" · "),
        link("See when each area’s key was added or revoked", "/keys"),
        Html::literal("</p>"),
    ])
}

/// Where a node stands, in words.
pub(super) fn state_tag(node: &Node, standing: Option<&LepStanding>) -> Tag {
    match node.state {
        NodeState::Invited => Tag::coloured("Invited", TagColour::Grey),
        NodeState::Pending => Tag::coloured("Waiting for approval", TagColour::Yellow),
        NodeState::Active => match standing {
            Some(s) if s.releases > 0 => home::standing_tag(s),
            _ => Tag::coloured("Joined, nothing yet", TagColour::Blue),
        },
        NodeState::Revoked => Tag::coloured("Key revoked", TagColour::Red),
    }
}

fn table(nodes: &[Node], snapshot: &Snapshot, tally: &[Tally]) -> Html {
    if nodes.is_empty() {
        return InsetText::new(
            "No area has joined yet. An operator of this site invites areas one by one; each appears here with the first step that it takes.",
        )
        .into();
    }
    let standing = |n: &Node| {
        snapshot
            .leps()
            .iter()
            .find(|s| s.node.as_ref() == Some(&n.node))
    };
    let mut named: Vec<(String, &Node)> = nodes.iter().map(|n| (area_name(n), n)).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let rows = named.into_iter().map(|(name, n)| {
        let sent = Sent::of(&n.node, tally);
        let day = |at: Timestamp| words::date(crate::time::london_day(at));
        let [first, latest] = sent.times.map_or_else(
            || ["–".to_owned(), "–".to_owned()],
            |(first, latest)| [day(first), day(latest)],
        );
        let key = n.key.as_ref().map_or_else(
            || Html::text("–"),
            |key| entry::code(&start_of(&key_id(key).to_string())),
        );
        [
            link(&name, &format!("/nodes/{}", n.node)),
            state_tag(n, standing(n)).into(),
            Html::text(&words::thousands(sent.months)),
            Html::text(&words::thousands(sent.entries)),
            Html::text(&words::thousands(sent.statements())),
            Html::text(&first),
            Html::text(&latest),
            key,
        ]
    });
    Table::new("Nodes and what they have sent")
        .columns([
            "Area",
            "State",
            "Months released",
            "Practice entries",
            "Statements",
            "First received",
            "Latest received",
            "Key begins",
        ])
        .numeric([2, 3, 4])
        .rows(rows)
        .into()
}

/// Areas without a node.
fn absent(snapshot: &Snapshot) -> Html {
    let mut without: Vec<&LepStanding> = snapshot
        .leps()
        .iter()
        .filter(|s| s.node.is_none())
        .collect();
    without.sort_by(|a, b| a.place.name.cmp(&b.place.name));
    let without: Vec<Html> = without
        .iter()
        .map(|s| link(&s.place.name, &format!("/leps/{}", s.place.code)))
        .collect();
    if without.is_empty() {
        return Html::default();
    }
    let count = words::plural(without.len(), "area has", "areas have");
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">Not invited yet</h2>"),
        Html::paragraph(&format!(
            "{count} no node yet. Nothing of them is in any figure, and no figure is scaled up for them."
        )),
        Html::literal("<div class=\"ldsp-columns\">"),
        list(without),
        Html::literal("</div>"),
    ])
}
