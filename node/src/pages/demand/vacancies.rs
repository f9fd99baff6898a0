//! What was found in a file of vacancies, with its evidence.

use ldsp_ui::Html;
use ldsp_ui::components::{Details, InsetText, Table, link, list};

use super::super::{exact, exact_part, words};
use crate::import::vacancies::{COUNTS_FROM, Found, Line, Summary};

/// The words in bold, with what stands around them.
fn evidence(found: &Found) -> Html {
    let cut = |text: &str| match text.is_empty() {
        true => String::new(),
        false => "\u{2026}".to_owned(),
    };
    Html::concat([
        Html::text(&format!("{}{}", cut(&found.before), found.before)),
        Html::literal("<strong>"),
        Html::text(&found.words),
        Html::literal("</strong>"),
        Html::text(&format!("{}{}", found.after, cut(&found.after))),
    ])
}

fn matches(line: &Line) -> Vec<[Html; 4]> {
    let judged: Vec<String> = line
        .skills
        .iter()
        .map(|(skill, confidence, counts)| {
            let counts = if *counts {
                "counted"
            } else {
                "too little to count"
            };
            format!("{skill} {confidence} %, {counts}")
        })
        .collect();
    let each = line.found.iter().enumerate().map(|(at, found)| {
        let judged = if at == 0 {
            judged.join("; ")
        } else {
            String::new()
        };
        [
            words::count(line.line).into(),
            evidence(found),
            format!("{} ({}), {} %", found.term, found.column, found.confidence).into(),
            judged.into(),
        ]
    });
    each.collect()
}

/// All that was found, and in which lines nothing was.
pub(in crate::pages) fn found(summary: &Summary) -> Html {
    let needs = summary.needs.iter().map(|need| {
        [
            Html::from(need.skill.clone()),
            need.area.clone().into(),
            exact(words::count(need.vacancies)),
            exact(words::count(need.employers)),
        ]
    });
    let needs = Table::new("What is recorded as demand")
        .columns(["Skill", "Where", "Vacancies", "Employers named"])
        .numeric([2, 3])
        .rows(needs);
    let mut pieces = vec![
        Html::from(InsetText::new(format!(
            "Look at what was found: a word can mislead. Vacancies that ask for a digital skill: {}; without: {}. A skill counts from {COUNTS_FROM} % on. A vacancy that asks for two skills is counted for both, and one that stands in two files is counted twice.",
            words::count(summary.matched),
            words::count(summary.left),
        ))),
        exact_part(needs),
        list([link(
            "Change the words that are looked for",
            "/demand/words",
        )]),
    ];
    if !summary.lines.is_empty() {
        let table = Table::new("Every word that was found")
            .columns(["Line", "Evidence", "Word of the table", "Skill"])
            .rows(summary.lines.iter().flat_map(matches));
        pieces.push(table.into());
    }
    if !summary.unmatched.is_empty() {
        let rows = summary
            .unmatched
            .iter()
            .map(|(line, title)| [Html::from(words::count(*line)), title.clone().into()]);
        let table = Table::new("Vacancies in which nothing was found that counts")
            .columns(["Line", "Title"])
            .rows(rows);
        pieces.push(Details::new("Vacancies in which nothing was found that counts", table).into());
    }
    Html::concat(pieces)
}
