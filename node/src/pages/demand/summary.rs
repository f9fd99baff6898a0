//! What demand adds up to, and which of it may be shared.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Gss;
use ldsp_ui::charts::{Alternative, Bar, BarChart, Estimate, Unit};
use ldsp_ui::components::{Details, Figure, Table, Tag, TagColour, list};
use ldsp_ui::{Html, Page};

use super::super::{Answer, Pages, exact, exact_part, fault, words};
use crate::demand::summary::{Block, Skill, Sum, Told, summary};
use crate::import::london_day;
use crate::model::demand::area_title;
use crate::store::demand::{Counts, Demand, How};
use crate::store::kept::Stored;

fn heading(block: &Block) -> &'static str {
    match (block.people_ask, block.counts) {
        (true, Counts::People) => "People who ask for themselves",
        (true, Counts::Employers) => "Employers that people named",
        (true, Counts::Vacancies) => "Vacancies that people named",
        (false, Counts::People) => {
            "People whom employers, charities and public bodies want trained"
        }
        (false, Counts::Employers) => "Employers, charities and public bodies with a need",
        (false, Counts::Vacancies) => "Vacancies that ask for digital skills",
    }
}

fn told(told: Told) -> Html {
    let (text, colour, why) = match told {
        Told::Yes => ("May be shared", TagColour::Green, ""),
        Told::People => (
            "Not to be shared",
            TagColour::Red,
            "It counts people who were asked.",
        ),
        Told::Few => (
            "Not to be shared",
            TagColour::Red,
            "Too few organisations make it up, or it is not known how many.",
        ),
        Told::Under => (
            "Not to be shared",
            TagColour::Red,
            "A part of it is kept back and could be worked out.",
        ),
        Told::NotPublished => (
            "Nothing to share",
            TagColour::Grey,
            "Its source did not publish the number.",
        ),
    };
    Html::concat([
        Tag::coloured(text, colour).into(),
        Html::literal(" "),
        Html::text(why),
    ])
}

/// A number, exact unless it may be told to everybody.
fn number(sum: &Sum) -> Html {
    if sum.told == Told::NotPublished {
        return "not published".into();
    }
    let number = words::count(sum.number);
    let number = match sum.told {
        Told::Yes => Html::from(number),
        _ => exact(number),
    };
    if sum.suppressed == 0 {
        return number;
    }
    Html::concat([number, Html::literal("<br>and more that is not published")])
}

fn learnt(sum: &Sum) -> String {
    let how: Vec<&str> = sum.how.iter().map(|how: &How| how.in_words()).collect();
    format!("{}: {}", how.join(", "), sum.sure.in_words().to_lowercase())
}

fn chart(block: &Block, at: usize) -> Html {
    let mut skills: Vec<(&Skill, &Sum)> = block.skills.iter().collect();
    skills.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.number));
    let bars = skills.iter().map(|(key, sum)| match sum.told {
        Told::NotPublished => Bar::missing(key.title(), "not published"),
        #[expect(clippy::cast_precision_loss, reason = "sums stay far under 2^52")]
        _ => Bar::new(key.title(), Estimate::exact(sum.number as f64)),
    });
    let most = skills
        .first()
        .map_or_else(String::new, |(key, _)| key.title());
    let title = heading(block);
    let alternative = Alternative::new(
        format!("demand-{at}"),
        title,
        format!("A bar for each skill, the longest first: {most}."),
    );
    let table = Table::new(format!("{title}, by skill"))
        .columns(["Skill", "Number", "Records"])
        .numeric([1, 2])
        .rows(skills.iter().map(|(key, sum)| {
            let records = words::count(sum.rows as u64);
            [Html::from(key.title()), number(sum), records.into()]
        }));
    let chart = BarChart::new(alternative, Unit::Count, bars);
    let figure = Figure::new(
        format!("{most} is asked for most"),
        format!(
            "{title}, by skill: of the whole area where that is recorded, else of its districts together; exact: do not share"
        ),
        chart,
        table,
    );
    exact_part(figure.under_section())
}

fn cells(block: &Block) -> Html {
    let row = |key: &Skill, area: Html, sum: &Sum| {
        [
            Html::from(key.title()),
            area,
            number(sum),
            learnt(sum).into(),
            told(sum.told),
        ]
    };
    let mut rows = Vec::new();
    for (key, total) in &block.skills {
        let own = block.cells.iter().filter(|((skill, _), _)| skill == key);
        let own: Vec<(&Option<Gss>, &Sum)> = own.map(|((_, area), sum)| (area, sum)).collect();
        for (area, sum) in &own {
            rows.push(row(key, area_title(area.as_ref()).into(), sum));
        }
        if own.len() > 1 && own.iter().all(|(area, _)| area.is_some()) {
            let all = Html::literal("<strong>Its districts together</strong>");
            rows.push(row(key, all, total));
        }
    }
    Table::new("By skill and place")
        .columns([
            "Skill",
            "Where",
            "Number",
            "How it was learnt",
            "Outside this node",
        ])
        .numeric([2])
        .rows(rows)
        .into()
}

fn rules() -> Html {
    let text = list([
        "People who were asked are a unit of their own: numbers of them leave the node with noise alone, as the page Published needs shows. Nothing here is of a learner\u{2019}s record.",
        "A number of employers, charities or public bodies is told only if the two largest have at most 85 % of it ((n,k) rule, n = 2), and what is left without these two is at least 10 % of the largest (p % rule, p = 10). Otherwise one of them could work out what another one needs.",
        "Where it is not recorded whose a number is, it is taken for one organisation\u{2019}s. Name the organisation of a need, and more can be told.",
        "A total is told only if everything in it is: otherwise what is kept back could be worked out.",
        "Skills are not added to one another, because who needs two is in both. Nor is the whole area to its districts, which are in it.",
        "Source of both rules: Handbook on Statistical Disclosure Control (ESSnet SDC, 2010), section 4.2.2.",
    ]);
    Details::new("How it is decided what may be shared", text).into()
}

pub(super) async fn show(State(pages): State<Pages>) -> Answer {
    let all: Vec<Stored<Demand>> = pages.node.store.kept().await.map_err(fault)?;
    let today = london_day((pages.clock)());
    let found = summary(all.iter().map(|row| &row.it), today);
    let mut pieces = vec![Html::paragraph(&format!(
        "What was recorded and holds on {}. Different sources may count the same need twice, so read each with how it was learnt. Nothing is sent from here: the last column says what might be told to a partner.",
        words::day(today)
    ))];
    if found.over > 0 {
        pieces.push(Html::paragraph(&format!(
            "Left out because their last day is over: {}.",
            words::some(found.over, "record", "records")
        )));
    }
    if found.older > 0 {
        pieces.push(Html::paragraph(&format!(
            "Left out because a newer year of the same survey is there: {}.",
            words::some(found.older, "record", "records")
        )));
    }
    if found.blocks.is_empty() {
        pieces.push(Html::paragraph("Nothing is recorded that holds today."));
    }
    for (at, block) in found.blocks.iter().enumerate() {
        pieces.push(Html::literal("<h2 class=\"govuk-heading-l\">"));
        pieces.push(heading(block).into());
        pieces.push(Html::literal("</h2>"));
        pieces.push(chart(block, at));
        pieces.push(cells(block));
    }
    pieces.push(rules());
    Ok(Page::new("What is asked for")
        .breadcrumb("Demand", "/demand")
        .body(Html::concat(pieces))
        .into_response())
}
