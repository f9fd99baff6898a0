//! Whom to ask what became of them, 3, 6 and 12 months after the last day.

use axum::extract::State;
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_ui::components::{Table, Tag, TagColour, link};
use ldsp_ui::{Html, OwnOrganisation, Page};

use super::super::{Answer, Pages, fault, words};
use super::{name, own};
use crate::delivery::{self, AFTER, Due};
use crate::import::london_day;
use crate::store::kept::Known;

fn table(title: &str, all: &[&Due], today: Date, known: &Known) -> Html {
    if all.is_empty() {
        return Html::default();
    }
    let rows = all.iter().map(|due| {
        let entry = &due.entry;
        let state = if due.is_late(today) {
            Tag::coloured("Late", TagColour::Red)
        } else if due.is_open(today) {
            Tag::coloured("Ask now", TagColour::Yellow)
        } else {
            Tag::coloured("Not yet", TagColour::Grey)
        };
        [
            link(&name(entry), &format!("/provider/learners/{}", entry.id)),
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

pub(super) async fn list(State(pages): State<Pages>, of: OwnOrganisation) -> Answer {
    let own = own(&pages, &of).await?;
    let known = super::known(&pages).await?;
    let today = london_day((pages.clock)());
    let due = delivery::due(&pages.node.store, &own, today)
        .await
        .map_err(fault)?;
    let of_which =
        |is: &dyn Fn(&Due) -> bool| -> Vec<&Due> { due.iter().filter(|due| is(due)).collect() };
    let week = of_which(&|due| due.is_this_week(today));
    let late = of_which(&|due| due.is_late(today));
    let later = of_which(&|due| !due.is_late(today) && !due.is_this_week(today));
    let mut pieces = vec![Html::paragraph(
        "Ask each learner whether they are in work, in further learning or in something else that is good for them, and record it. Answers make the outcomes of your programmes visible.",
    )];
    if due.is_empty() {
        pieces.push(Html::paragraph(
            "Nobody has to be asked by four weeks from now.",
        ));
    }
    pieces.push(table("Due this week", &week, today, &known));
    pieces.push(table("Was due before", &late, today, &known));
    pieces.push(table("In the next four weeks", &later, today, &known));
    Ok(Page::new("Whom to ask")
        .breadcrumb(own.name.clone(), "/provider")
        .body(Html::concat(pieces))
        .into_response())
}
