//! The audit log: filtered and paged by address, checked, and as a file.

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use ldsp_ui::components::{
    Button, Choice, Field, Pagination, PostForm, Select, SummaryList, Table, Warning, link, list,
};
use ldsp_ui::{Html, Page};
use serde::Deserialize;

use super::release_view::code;
use super::releases::file;
use super::{Answer, Pages, fault, words};
use crate::rights::export;
use crate::store::audit::{Entry, Filter};

/// Entries of a page.
const SHOWN: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    who: String,
    #[serde(default)]
    action: String,
    before: Option<i64>,
}

impl Asked {
    fn filter(&self) -> Filter {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            who: some(&self.who),
            action: some(&self.action),
        }
    }

    /// The address of the list with these filters, from an entry on.
    fn address(&self, before: Option<i64>) -> String {
        let mut address = reqwest::Url::parse("https://node/audit")
            .expect("a constant address, used by every request of this page");
        {
            let mut query = address.query_pairs_mut();
            for (name, value) in [("who", &self.who), ("action", &self.action)] {
                if !value.is_empty() {
                    query.append_pair(name, value);
                }
            }
            if let Some(before) = before {
                query.append_pair("before", &before.to_string());
            }
        }
        match address.query() {
            None | Some("") => "/audit".to_owned(),
            Some(query) => format!("/audit?{query}"),
        }
    }
}

pub(super) async fn list_page(State(pages): State<Pages>, Query(asked): Query<Asked>) -> Answer {
    let store = &pages.node.store;
    let limit = u32::try_from(SHOWN + 1).unwrap_or(u32::MAX);
    let mut entries = store
        .audit_before(asked.before, limit, &asked.filter())
        .await
        .map_err(fault)?;
    let more = entries.len() > SHOWN;
    entries.truncate(SHOWN);
    let (who, actions) = store.audit_words().await.map_err(fault)?;
    let content = if entries.is_empty() {
        Html::paragraph(
            "There is no entry like that. Choose another person or action, or all of them.",
        )
    } else {
        table(&entries)
    };
    let next = entries
        .last()
        .filter(|_| more)
        .map(|e| asked.address(Some(e.id)));
    let newest = asked.before.map(|_| asked.address(None));
    let body = Html::concat([
        Html::paragraph(
            "Who did what at this node. Entries are only ever added, each is bound to the one before by its hash, and none holds anything about a learner but counts.",
        ),
        list([
            link("Check the whole log", "/audit/check"),
            link("Download it as CSV, to read", "/audit/export.csv"),
            link(
                "Download it as JSON, to check its hashes elsewhere",
                "/audit/export.json",
            ),
        ]),
        filters(&asked, &who, &actions),
        content,
        Pagination::new("Audit log", newest, next).into(),
    ]);
    Ok(Page::new("Audit log")
        .breadcrumb("Rights of learners", "/rights")
        .body(body)
        .into_response())
}

fn filters(asked: &Asked, who: &[String], actions: &[String]) -> Html {
    let choices = |all: &str, each: &[String], chosen: &str| -> Vec<Choice> {
        std::iter::once(Choice::new("", all))
            .chain(each.iter().map(|e| Choice::new(e, e).chosen(e == chosen)))
            .collect()
    };
    let form = PostForm::search("/audit")
        .with(Select::new(
            Field::new("who", "Who"),
            choices("Everybody", who, &asked.who),
        ))
        .with(Select::new(
            Field::new("action", "What"),
            choices("Everything", actions, &asked.action),
        ))
        .with(Button::new("Show entries").secondary());
    Html::concat([
        Html::literal("<div class=\"ldsp-filters\">"),
        form.into(),
        Html::literal("</div>"),
    ])
}

fn table(entries: &[Entry]) -> Html {
    let rows = entries.iter().map(|entry| {
        [
            Html::from(words::count(entry.id)),
            words::moment(entry.at).into(),
            entry.who.clone().into(),
            entry.action.clone().into(),
            entry.detail.clone().into(),
        ]
    });
    Table::new("Entries, newest first")
        .caption_hidden()
        .columns(["Entry", "When", "Who", "What", "In detail"])
        .rows(rows)
        .into()
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

pub(super) async fn csv(State(pages): State<Pages>) -> Answer {
    let entries = export::all(&pages.node.store).await.map_err(fault)?;
    Ok(file(
        export::csv(&entries),
        "text/csv; charset=utf-8",
        "attachment; filename=\"ldsp-audit.csv\"",
    ))
}

pub(super) async fn json(State(pages): State<Pages>) -> Answer {
    let entries = export::all(&pages.node.store).await.map_err(fault)?;
    let text =
        serde_json::to_string_pretty(&entries).expect("entries hold strings and numbers only");
    Ok(file(
        text,
        "application/json",
        "attachment; filename=\"ldsp-audit.json\"",
    ))
}
