//! Everything that the log holds, newest first.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{
    Button, Choice as Item, Field, InsetText, Pagination, PostForm, Select, Table, link,
};
use ldsp_ui::{Html, Page};

use super::{Answer, paging, words};
use crate::Service;
use crate::store::{Library, Log, Node, Outline, Registry, Span, StatementFilter, StoreError};

/// Statements on one page of a list.
const PAGE: usize = 25;

/// A list of statements at an address of its own.
pub(super) struct List {
    /// Where it is shown, without a query.
    pub(super) path: String,
    pub(super) filter: StatementFilter,
    /// Whether the address itself names the node.
    pub(super) of_one_node: bool,
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let nodes = service.store.nodes().await?;
    let list = List {
        path: "/statements".into(),
        filter: filter(&query),
        of_one_node: false,
    };
    let size = nodes.iter().map(|n| n.head.seq).sum::<u64>();
    let intro = format!(
        "The log holds {}. Each was signed by the node that sent it, is kept byte for byte, and has its place for ever. \
         Open one to read it, to download its exact bytes and to check them with software that is not ours.",
        words::plural(
            usize::try_from(size).unwrap_or(usize::MAX),
            "statement",
            "statements"
        )
    );
    let body = if size == 0 {
        Html::from(InsetText::new(
            "Nothing has been published yet. The first statement appears here within a second of its arrival.",
        ))
    } else {
        Html::concat([
            Html::paragraph(&intro),
            Html::literal("<p class=\"govuk-body\">"),
            Html::text("Places that are missing here hold what the log states itself: "),
            link("whose key was added or revoked", "/keys"),
            Html::text(", the data standard, what its operators ask of areas, and "),
            link("figures that it froze", "/runs"),
            Html::text(". See also "),
            link("what was withdrawn or published again", "/revisions"),
            Html::text("."),
            Html::literal("</p>"),
            form(&list.filter, &nodes),
            list.html(&service).await?,
        ])
    };
    Ok(Page::new("Signed statements")
        .breadcrumb("Home", "/")
        .breadcrumb("Who contributes", "/nodes")
        .body(body))
}

/// What the address names; unknown words choose nothing.
fn filter(query: &HashMap<String, String>) -> StatementFilter {
    let given = |name| query.get(name).filter(|value| !value.is_empty());
    StatementFilter {
        node: given("node").and_then(|n| n.parse().ok()),
        kind: given("kind")
            .and_then(|k| Kind::OF_NODES.into_iter().find(|kind| kind.as_str() == k)),
        span: paging::span(query),
    }
}

/// What a statement is, in words.
pub(super) fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::LearningSummary => "Monthly release",
        Kind::PracticeEntry => "Practice entry",
        Kind::Correction => "Month published again",
        Kind::Withdrawal => "Withdrawal",
        Kind::KeyAdd => "Key added",
        Kind::KeyRevoke => "Key revoked",
        Kind::Standard => "Data standard",
        Kind::BenchmarkRun => "Benchmark run",
        Kind::Finding => "Figures of a measure",
        Kind::QuestionnaireAnswers => "Answers to a questionnaire",
        Kind::DemandSummary => "Needs: what is asked for",
        Kind::ProvisionSummary => "Needs: what is offered",
        Kind::Questionnaire => "Questionnaire",
    }
}

/// The area that a node serves, by its name; the node's own name where the map has no such area.
pub(super) fn area_name(node: &Node) -> String {
    Geography::embedded()
        .lep(&node.lep)
        .map_or_else(|| node.node.to_string(), |l| l.name.clone())
}

fn form(filter: &StatementFilter, nodes: &[Node]) -> Html {
    let mut named: Vec<(String, &NodeSlug)> =
        nodes.iter().map(|n| (area_name(n), &n.node)).collect();
    named.sort();
    let any = Item::new("", "All nodes").chosen(filter.node.is_none());
    let each = named.into_iter().map(|(name, node)| {
        Item::new(node.to_string(), name).chosen(filter.node.as_ref() == Some(node))
    });
    let node: Vec<Item> = std::iter::once(any).chain(each).collect();
    let any = Item::new("", "All kinds").chosen(filter.kind.is_none());
    let each = Kind::OF_NODES.into_iter().map(|kind| {
        Item::new(kind.as_str(), kind_in_words(kind)).chosen(filter.kind == Some(kind))
    });
    let kind: Vec<Item> = std::iter::once(any).chain(each).collect();
    let form = PostForm::search("/statements")
        .with(Select::new(Field::new("node", "Node"), node))
        .with(Select::new(Field::new("kind", "Kind"), kind))
        .with(Button::new("Show statements").secondary());
    Html::concat([
        Html::literal("<div class=\"ldsp-filters\">"),
        form.into(),
        Html::literal("</div>"),
    ])
}

impl List {
    fn href(&self, span: Span) -> String {
        let node = self.filter.node.as_ref().filter(|_| !self.of_one_node);
        let parts = [
            ("node", node.map(ToString::to_string)),
            ("kind", self.filter.kind.map(|k| k.as_str().to_owned())),
        ];
        paging::href(&self.path, &parts, span)
    }

    /// The page of the list that its filter names.
    pub(super) async fn html(&self, service: &Service) -> Result<Html, StoreError> {
        let store = &service.store;
        let fetch = |span, limit| {
            let filter = StatementFilter {
                span,
                ..self.filter.clone()
            };
            async move { store.latest(&filter, limit).await }
        };
        let paged = paging::page(self.filter.span, PAGE, |s: &Outline| s.index, fetch).await?;
        if paged.items.is_empty() {
            let text = "No statement is both of this node and of this kind.";
            return Ok(Html::concat([
                Html::literal("<p class=\"govuk-body\">"),
                Html::text(text),
                Html::literal(" "),
                link("Show all statements", "/statements"),
                Html::literal("</p>"),
            ]));
        }
        let pagination = Pagination::new(
            "Statements",
            paged.previous.map(|span| self.href(span)),
            paged.next.map(|span| self.href(span)),
        );
        Ok(Html::concat([
            self.table(service, &paged.items).await?,
            pagination.into(),
        ]))
    }

    async fn table(&self, service: &Service, items: &[Outline]) -> Result<Html, StoreError> {
        let nodes = service.store.nodes().await?;
        let mut rows: Vec<Vec<Html>> = Vec::with_capacity(items.len());
        for s in items {
            let mut row = vec![
                link(
                    &format!("Statement {}", s.index),
                    &format!("/statements/{}", s.index),
                ),
                Html::text(&words::moment(s.received)),
            ];
            if !self.of_one_node {
                let area = nodes.iter().find(|n| n.node == s.node).map(area_name);
                let name = area.unwrap_or_else(|| s.node.to_string());
                row.push(link(&name, &format!("/nodes/{}", s.node)));
            }
            row.push(what(s, service.today()));
            row.push(Html::text(&words::thousands(s.seq)));
            row.push(super::entry::code(&start_of(&s.pae.to_string())));
            rows.push(row);
        }
        let mut columns = vec!["Place in the log", "Received"];
        if !self.of_one_node {
            columns.push("From");
        }
        let number = columns.len() + 1;
        columns.extend(["What it is", "Node’s own number", "Digest begins"]);
        let table = Table::new("Statements, newest first")
            .caption_hidden()
            .columns(columns)
            .numeric([number])
            .rows(rows);
        Ok(table.into())
    }
}

/// Kind, month, and from when an entry is open. No entry's title: its authors may have preferred not to be tied to
/// their area in a list.
fn what(s: &Outline, today: Date) -> Html {
    let kind = kind_in_words(s.kind);
    let withdrawn = if s.withdrawn.is_some() {
        ", withdrawn"
    } else {
        ""
    };
    if let Some(month) = s.period {
        return Html::text(&format!("{kind}, {}{withdrawn}", month.in_words()));
    }
    if s.kind == Kind::QuestionnaireAnswers {
        return Html::text(&format!("{kind}, for its operators and the area"));
    }
    let opens = s.public_from.filter(|_| !s.is_public(today));
    Html::text(&match opens {
        Some(date) => format!("{kind}, open from {}", words::date(date)),
        None => format!("{kind}{withdrawn}"),
    })
}

/// The date from which everybody may read the node's practice entry; none when that is so already. What the library does not
/// know is damage and is not shown: nobody knows who may read it.
pub(super) async fn opens(
    service: &Service,
    node: &NodeSlug,
    seq: u64,
) -> Result<Option<Date>, StoreError> {
    use ldsp_protocol::practice::Sharing;
    let entry = service.store.entry(node, seq).await?;
    let entry = entry.ok_or_else(|| StoreError::Corrupt {
        table: "practice",
        column: "leaf",
        row: format!("{node} {seq}"),
    })?;
    Ok(match entry.entry.sharing {
        Sharing::PeersUntil(date) if date > service.today() => Some(date),
        _ => None,
    })
}

/// The first 16 characters of a digest, for telling lines of a list apart.
pub(super) fn start_of(digest: &str) -> String {
    format!("{}…", digest.chars().take(16).collect::<String>())
}
