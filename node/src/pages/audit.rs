//! The audit log: filtered and paged by address, checked, and as a file.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{SummaryList, Warning, link, list as list_of};
use ldsp_ui::listing::{Asked, Column, Listing};
use ldsp_ui::{Html, Page, ProblemPage};

use super::release_view::code;
use super::releases::file;
use super::{Answer, Pages, fault, sees_exact, words};
use crate::rights::export;
use crate::store::audit::{Entry, Filter, From};

/// Entries of a page.
const SHOWN: usize = 50;

/// What the address lets through.
fn filter(asked: &Asked) -> Filter {
    let some = |name| Some(asked.text(name).to_owned()).filter(|text| !text.is_empty());
    Filter {
        who: some("who"),
        action: some("action"),
    }
}

/// The entry that the page begins behind.
fn behind(asked: &Asked, name: &str) -> Option<i64> {
    asked.text(name).parse().ok()
}

pub(super) async fn list_page(State(pages): State<Pages>, asked: Asked) -> Answer {
    let store = &pages.node.store;
    let order = asked.order("entry", true);
    let from = match order.down {
        true => From::Before(behind(&asked, "before").unwrap_or(i64::MAX)),
        false => From::After(behind(&asked, "after").unwrap_or(0)),
    };
    let limit = u32::try_from(SHOWN + 1).unwrap_or(u32::MAX);
    let mut entries = store
        .audit_from(from, limit, &filter(&asked))
        .await
        .map_err(fault)?;
    let more = entries.len() > SHOWN;
    entries.truncate(SHOWN);
    let entries: Vec<Entry> = entries.into_iter().map(told).collect();
    let (who, actions) = store.audit_words().await.map_err(fault)?;
    let begins = if order.down { "before" } else { "after" };
    let next = entries
        .last()
        .filter(|_| more)
        .map(|last| asked.href(&[(begins, &last.id.to_string())]));
    let first = behind(&asked, begins).map(|_| asked.href(&[(begins, "")]));
    let same = |all: Vec<String>| all.into_iter().map(|word| (word.clone(), word));
    let list = Listing::new("Audit log", &asked, order)
        .filter("who", "Who", "Everybody", same(who))
        .filter("action", "What", "Everything", same(actions))
        .columns([
            Column::new("Entry").sorts("entry").numeric(),
            Column::new("When"),
            Column::new("Who"),
            Column::new("What"),
            Column::new("In detail"),
        ])
        .rows(entries.iter().map(cells))
        .turns(first, next)
        .file("Download these entries as CSV", "/audit/export.csv")
        .nothing("There is no entry like that. Choose another person or action.");
    let body = Html::concat([
        Html::paragraph(
            "Who did what at this node. Entries are only ever added, each is bound to the one before by its hash, and none holds anything about a learner but counts.",
        ),
        list_of([
            link("Check the whole log", "/audit/check"),
            link(
                "Download the whole log as CSV, to read",
                "/audit/export.csv",
            ),
            link(
                "Download the whole log as JSON, to check its hashes elsewhere",
                "/audit/export.json",
            ),
        ]),
        list.into(),
    ]);
    Ok(Page::new("Audit log")
        .breadcrumb("Rights of learners", "/rights")
        .body(body)
        .into_response())
}

/// The entry as whoever asks may read it.
fn told(entry: Entry) -> Entry {
    if sees_exact() {
        entry
    } else {
        entry.without_counts()
    }
}

async fn all(pages: &Pages, asked: &Asked) -> Result<Vec<Entry>, ProblemPage> {
    let entries = export::all(&pages.node.store, &filter(asked)).await;
    Ok(entries.map_err(fault)?.into_iter().map(told).collect())
}

fn cells(entry: &Entry) -> [Html; 5] {
    [
        Html::from(words::count(entry.id)),
        words::moment(entry.at).into(),
        entry.who.clone().into(),
        entry.action.clone().into(),
        entry.detail.clone().into(),
    ]
}

pub(super) async fn check(State(pages): State<Pages>) -> Answer {
    let checked = pages.node.store.audit_check(None).await.map_err(fault)?;
    let facts = SummaryList::new()
        .fact("Entries", words::count(checked.entries))
        .fact("Last entry that holds", words::count(checked.head.entry))
        .fact("Its hash", code(&checked.head.hash.to_string()));
    let verdict = match &checked.fault {
        None => Html::paragraph("The log is whole: every entry is bound to the one before, and the last one is the last that was written. Write the hash down elsewhere: whoever could change the database could also make the whole log anew, and only a hash kept elsewhere tells."),
        Some(fault) => Warning::new(format!(
            "The log does not hold together: {fault}. Somebody changed the database past this program. Keep it as it is, compare it with an older backup, and tell the data protection officer."
        ))
        .into(),
    };
    Ok(Page::new("Check of the audit log")
        .breadcrumb("Rights of learners", "/rights")
        .breadcrumb("Audit log", "/audit")
        .body(Html::concat([verdict, facts.into()]))
        .into_response())
}

pub(super) async fn csv(State(pages): State<Pages>, asked: Asked) -> Answer {
    let entries = all(&pages, &asked).await?;
    Ok(file(
        export::csv(&entries),
        "text/csv; charset=utf-8",
        "attachment; filename=\"ldsp-audit.csv\"",
    ))
}

pub(super) async fn json(State(pages): State<Pages>, asked: Asked) -> Answer {
    let entries = all(&pages, &asked).await?;
    let text =
        serde_json::to_string_pretty(&entries).expect("entries hold strings and numbers only");
    Ok(file(
        text,
        "application/json",
        "attachment; filename=\"ldsp-audit.json\"",
    ))
}
