//! What was read of a table of the Employer Skills Survey.

use ldsp_ui::Html;
use ldsp_ui::components::{SummaryList, Table};

use super::super::{exact_part, words};
use crate::import::survey::{Became, Figure, Summary, or_not_published};

/// What becomes, or became, of a figure.
fn became(figure: &Figure, stored: bool) -> String {
    match (figure.became, figure.before, stored) {
        (Some(Became::New), _, false) => "New: would be added".to_owned(),
        (Some(Became::New), _, true) => "New: added".to_owned(),
        (Some(Became::Unchanged), ..) => "Same as held".to_owned(),
        (Some(Became::Changed), before, false) => {
            let held = or_not_published(before.flatten());
            format!("Would change: {held} is held")
        }
        (Some(Became::Changed), before, true) => {
            let held = or_not_published(before.flatten());
            format!("Changed: {held} was held")
        }
        (None, ..) => "Not compared with what is held".to_owned(),
    }
}

/// Table, area, year, base and figures, to be compared with the publication.
pub(in crate::pages) fn found(summary: &Summary, stored: bool) -> Html {
    let mut facts = SummaryList::new();
    if !summary.title.is_empty() {
        facts = facts.fact("Table", summary.title.clone());
    }
    if let Some(sheet) = &summary.sheet {
        facts = facts.fact("Sheet", sheet.clone());
    }
    facts = facts
        .fact("Area", summary.area.clone())
        .fact("Year of the survey", summary.year.to_string());
    if !summary.base.is_empty() {
        facts = facts.fact("Base", summary.base.clone());
    }
    let counts = [
        ("Establishments that were asked", summary.asked),
        ("Establishments that they stand for", summary.stand_for),
    ];
    for (name, number) in counts {
        if let Some(number) = number {
            facts = facts.fact(name, words::count(number.unsigned_abs()));
        }
    }
    let rows = summary.figures.iter().map(|figure| {
        [
            Html::from(figure.name.clone()),
            words::count(figure.line).into(),
            or_not_published(figure.number).into(),
            became(figure, stored).into(),
        ]
    });
    let table = Table::new("Figures that were read")
        .columns([
            "Skill",
            "Row of the file",
            "Establishments",
            "What becomes of it",
        ])
        .numeric([1, 2])
        .rows(rows);
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">What was read of the table</h2>"),
        facts.into(),
        exact_part(table),
    ])
}
