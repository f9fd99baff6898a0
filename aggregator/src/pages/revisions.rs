//! Revisions: what areas withdrew and what they published again, when and why, and where figures end meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Query, State};
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{InsetText, Pagination, Table, Warning, link, list};
use ldsp_ui::{Html, Page};

use super::statements::{area_name, kind_in_words};
use super::{Answer, paging, standards, words};
use crate::Service;
use crate::benchmark::LepStanding;
use crate::store::{Log, LoggedStatement, Node, Registry, RevisionRow, Span, StoreError};

/// Revisions on one page.
const PAGE: usize = 20;
/// The newest ones that an area's own pages show.
const SHOWN: u32 = 20;

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let fetch = |span, limit| service.store.revisions(None, span, limit);
    let index = |r: &RevisionRow| r.index;
    let paged = paging::page(paging::span(&query), PAGE, index, fetch).await?;
    let href = |span| paging::href("/revisions", &[], span);
    let content = if paged.items.is_empty() {
        InsetText::new(
            "No area has withdrawn anything. When one does, it appears here with its reason, and figures follow at once.",
        )
        .into()
    } else {
        let nodes = service.store.nodes().await?;
        Html::concat([
            table(&paged.items, &nodes),
            Pagination::new("Revisions", paged.previous.map(href), paged.next.map(href)).into(),
        ])
    };
    Ok(Page::new("Withdrawn and published again")
        .breadcrumb("Home", "/")
        .breadcrumb("Who contributes", "/nodes")
        .breadcrumb("Signed statements", "/statements")
        .body(Html::concat([intro(), content])))
}

fn intro() -> Html {
    Html::concat([
        Html::paragraph(
            "An area may take back what it published. The statement’s content is then no longer kept or counted here; its place in the log, its digest and its receipt stay, so that nobody can pretend that it never was.",
        ),
        Html::paragraph(
            "A withdrawn month may be published again, and then only with the very figures that it had: noise is drawn once. Wrong data are mended by the releases of later months.",
        ),
        Html::literal("<p class=\"govuk-body\">"),
        link("The same for programs (JSON)", "/api/v1/revisions"),
        Html::literal("</p>"),
    ])
}

/// What was done, in words.
fn what(r: &RevisionRow) -> String {
    let subject = match r.month {
        Some((_, period, _)) => format!("the release of {}", period.in_words()),
        None => "a practice entry".to_owned(),
    };
    match r.kind {
        Kind::Withdrawal => format!("Withdrew {subject}"),
        _ if r.withdrawn.is_some() => format!("Published {subject} again, and withdrew it since"),
        _ => format!("Published {subject} again"),
    }
}

fn reason(r: &RevisionRow) -> Html {
    let gone = "Withdrawn with the statement that gave it";
    Html::text(r.reason.as_deref().unwrap_or(gone))
}

fn to_statement(index: u64) -> Html {
    link(
        &format!("Statement {index}"),
        &format!("/statements/{index}"),
    )
}

fn table(rows: &[RevisionRow], nodes: &[Node]) -> Html {
    let rows = rows.iter().map(|r| {
        let area = nodes.iter().find(|n| n.node == r.node).map(area_name);
        [
            Html::text(&words::moment(r.received)),
            link(
                &area.unwrap_or_else(|| r.node.to_string()),
                &format!("/nodes/{}", r.node),
            ),
            Html::text(&what(r)),
            reason(r),
            to_statement(r.index),
            to_statement(r.target),
        ]
    });
    Table::new("Revisions, newest first")
        .caption_hidden()
        .columns(["When", "Area", "What", "Why", "By", "Of"])
        .rows(rows)
        .into()
}

/// Of withdrawals that stand the first of each stream, by node and version of the standard: its figures end there.
fn ends(open: &[RevisionRow]) -> Vec<(&RevisionRow, &'static Standard, Period)> {
    let mut first: BTreeMap<(&NodeSlug, u32), (&RevisionRow, &'static Standard, Period)> =
        BTreeMap::new();
    for row in open {
        let Some((standard, period, _)) = row.month else {
            continue;
        };
        let known = first.entry((&row.node, standard.version()));
        let known = known.or_insert((row, standard, period));
        if period < known.2 {
            *known = (row, standard, period);
        }
    }
    first.into_values().collect()
}

/// Where figures end because months are withdrawn: the first of each data standard.
fn warnings(open: &[RevisionRow], standing: Option<&LepStanding>) -> Html {
    Html::concat(ends(open).into_iter().map(|(row, standard, period)| {
        let month = period.in_words();
        let on = words::moment(row.received);
        let why = row.reason.as_deref().unwrap_or_default();
        let others: Vec<Digest> = standing
            .into_iter()
            .flat_map(|s| s.standards.iter().copied())
            .filter(|digest| *digest != standard.digest())
            .collect();
        let text = if others.is_empty() {
            format!(
                "This area withdrew its release of {month} on {on}. Its figures end before {month} until it publishes that month again. Its reason: {why}"
            )
        } else {
            let (of, others) = (standard.title(), standards::titles(&others));
            format!(
                "This area withdrew its release of {month} under {of} on {on}. What it counts under {of} ends before {month} until it publishes that month again; what it counts under {others} goes on. Until then its figures hold a part of its enrolments. Its reason: {why}"
            )
        };
        Html::from(Warning::new(text))
    }))
}

/// What an area withdrew and published again, and where its figures end; nothing where it never did.
pub(super) async fn of_area(
    service: &Service,
    node: &NodeSlug,
    standing: Option<&LepStanding>,
) -> Result<Html, StoreError> {
    let rows = service
        .store
        .revisions(Some(node), Span::Newest, SHOWN)
        .await?;
    if rows.is_empty() {
        return Ok(Html::default());
    }
    let notice = warnings(&service.store.withheld(Some(node)).await?, standing);
    let items = rows.iter().map(|r| {
        Html::concat([
            Html::text(&format!("{}: {}. ", words::moment(r.received), what(r))),
            reason(r),
            Html::text(" "),
            to_statement(r.index),
        ])
    });
    Ok(Html::concat([
        notice,
        Html::literal("<h2 class=\"govuk-heading-m\">Withdrawn and published again</h2>"),
        list(items),
    ]))
}

/// Which areas' figures end early because a month is withdrawn; nothing where none is.
pub(super) async fn of_england(service: &Service) -> Result<Html, StoreError> {
    let open = service.store.withheld(None).await?;
    let ends = ends(&open);
    if ends.is_empty() {
        return Ok(Html::default());
    }
    let nodes = service.store.nodes().await?;
    let items = ends.into_iter().map(|(r, _, period)| {
        let node = nodes.iter().find(|n| n.node == r.node);
        let month = period.in_words();
        let area = match node {
            Some(node) => link(&area_name(node), &format!("/leps/{}", node.lep)),
            None => Html::text(r.node.as_str()),
        };
        Html::concat([
            area,
            Html::text(&format!(
                " withdrew {month} on {}: ",
                words::moment(r.received)
            )),
            reason(r),
        ])
    });
    let content = Html::concat([
        Html::paragraph(
            "Figures were revised. They leave these months out, and the same area’s later ones under the same data standard, until they are published again:",
        ),
        list(items),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "Everything that was withdrawn or published again",
            "/revisions",
        ),
        Html::literal("</p>"),
    ]);
    Ok(InsetText::new(content).into())
}

/// What a statement's page says of its withdrawal, or of the statement that it withdraws or stands in place of.
pub(super) async fn of_statement(
    service: &Service,
    statement: &LoggedStatement,
) -> Result<Html, StoreError> {
    if let Some(leaf) = statement.withdrawn {
        let by = service.store.revision(leaf).await?;
        let when = by
            .as_ref()
            .map_or_else(String::new, |r| words::moment(r.received));
        let text = Html::concat([
            Html::text(&format!(
                "Withdrawn on {when} by the area that signed it. Its content is no longer kept here; its place, digest and receipt are. By "
            )),
            to_statement(leaf),
            Html::text(". The reason: "),
            by.as_ref().map_or_else(Html::default, reason),
        ]);
        return Ok(InsetText::new(text).into());
    }
    if !matches!(statement.kind, Kind::Withdrawal | Kind::Correction) {
        return Ok(Html::default());
    }
    let Some(r) = service.store.revision(statement.index).await? else {
        return Ok(Html::default());
    };
    let text = Html::concat([
        Html::text(&format!("{}. {} ", what(&r), kind_in_words(r.target_kind))),
        to_statement(r.target),
        Html::text(". The reason: "),
        reason(&r),
    ]);
    Ok(InsetText::new(text).into())
}
