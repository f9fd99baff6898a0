//! Whom to ask what became of them, 3, 6 and 12 months after the last day.

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_ui::components::{Pagination, Table, Tag, TagColour, link};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};
use serde::Deserialize;

use super::super::{Answer, Pages, fault, words};
use super::{learner_at, name};
use crate::delivery::{self, Own, When};
use crate::import::london_day;
use crate::store::delivery::{AFTER, Due, Part};
use crate::store::kept::Known;

const LIST: &str = "/provider/follow-up";
/// Questions of a part where all parts are on one page.
const FIRST: u64 = 50;
/// Questions of a page where one part is alone.
const PAGE: u64 = 100;

const PARTS: [(When, &str, &str); 3] = [
    (When::ThisWeek, "week", "Due this week"),
    (When::Late, "late", "Was due before"),
    (When::Later, "later", "In the next four weeks"),
];

fn table(own: &Own, title: &str, all: &[Due], today: Date, known: &Known) -> Html {
    let is_late = |on: Date| on < When::ThisWeek.days(today).0;
    let rows = all.iter().map(|due| {
        let entry = &due.entry;
        let state = if is_late(due.on) {
            Tag::coloured("Late", TagColour::Red)
        } else if due.on <= today {
            Tag::coloured("Ask now", TagColour::Yellow)
        } else {
            Tag::coloured("Not yet", TagColour::Grey)
        };
        [
            link(&name(own, entry), &learner_at(own, entry.id)),
            Html::text(&format!("{} months", AFTER[due.question])),
            Html::text(&words::day(due.on)),
            state.into(),
            Html::text(known.cohort_code(entry.cohort)),
        ]
    });
    Table::new(title)
        .columns([
            "Your reference",
            "Question after",
            "From",
            "State",
            "Cohort",
        ])
        .rows(rows)
        .into()
}

/// Which part, and which page of it; without a part the first rows of each.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    when: String,
    #[serde(default)]
    page: String,
}

/// The reader and what is to be shown.
struct Shown<'a> {
    pages: &'a Pages,
    own: &'a Own,
    known: &'a Known,
    today: Date,
}

impl Shown<'_> {
    /// Rows of parts, with how many there are.
    async fn due(&self, parts: &[When], from: u64, rows: u64) -> Result<Vec<Part>, ProblemPage> {
        let days: Vec<_> = parts.iter().map(|when| when.days(self.today)).collect();
        let places = from..from.saturating_add(rows);
        let due = delivery::due(&self.pages.node.store, self.own, &days, places);
        due.await.map_err(fault)
    }

    fn table(&self, title: &str, due: &[Due]) -> Html {
        table(self.own, title, due, self.today, self.known)
    }

    /// The first rows of a part, and where the others are.
    fn part(&self, (code, title): (&str, &str), part: &Part) -> Html {
        if part.all == 0 {
            return Html::default();
        }
        let table = self.table(title, &part.rows);
        if part.all <= FIRST {
            return table;
        }
        let all = format!("All {} of \u{201c}{title}\u{201d}", words::count(part.all));
        Html::concat([
            table,
            Html::literal("<p class=\"govuk-body\">"),
            link(&all, &format!("{LIST}?when={code}")),
            Html::literal("</p>"),
        ])
    }

    /// One part, page by page.
    async fn alone(
        &self,
        (when, code, title): (When, &str, &str),
        page: u64,
    ) -> Result<Html, ProblemPage> {
        let from = (page - 1).saturating_mul(PAGE);
        let part = self.due(&[when], from, PAGE).await?;
        let part = part.into_iter().next().unwrap_or_default();
        let to = |page: u64| format!("{LIST}?when={code}&page={page}");
        let previous = (page > 1).then(|| to(page - 1));
        let next = (from.saturating_add(PAGE) < part.all).then(|| to(page + 1));
        let title = format!("{title}: {}", words::count(part.all));
        Ok(Html::concat([
            self.table(&title, &part.rows),
            Pagination::new("Whom to ask", previous, next).into(),
        ]))
    }
}

pub(super) async fn list(
    State(pages): State<Pages>,
    of: OwnOrganisation,
    Query(asked): Query<Asked>,
) -> Answer {
    let own = super::own(&pages, &of).await?;
    let known = super::known(&pages).await?;
    let shown = Shown {
        pages: &pages,
        own: &own,
        known: &known,
        today: london_day((pages.clock)()),
    };
    let mut page = Page::new("Whom to ask").breadcrumb(own.name.clone(), "/provider");
    let mut pieces = vec![Html::paragraph(
        "Ask each learner whether they are in work, in further learning or in something else that is good for them, and record it. Answers make the outcomes of your programmes visible.",
    )];
    let one = PARTS.into_iter().find(|(_, code, _)| *code == asked.when);
    if let Some(part) = one {
        let number = asked.page.parse().ok().filter(|page| *page > 0);
        pieces.push(shown.alone(part, number.unwrap_or(1)).await?);
        page = page.breadcrumb("Whom to ask", LIST);
    } else {
        let due = shown.due(&PARTS.map(|(when, ..)| when), 0, FIRST).await?;
        let parts = PARTS.iter().zip(&due);
        pieces.extend(parts.map(|((_, code, title), part)| shown.part((code, title), part)));
        if pieces[1..].iter().all(|part| part.as_str().is_empty()) {
            pieces.push(Html::paragraph(
                "Nobody has to be asked by four weeks from now.",
            ));
        }
    }
    Ok(page.body(Html::concat(pieces)).into_response())
}
