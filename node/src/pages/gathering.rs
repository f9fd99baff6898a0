//! The gathering board: skill by area, what is known, how old and how sure it is, what is missing and who brings it.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use ldsp_ui::components::{
    Button, Details, StatCard, Stats, SummaryList, Table, Tag, TagColour, link, list,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::release_view::heading;
use super::{Answer, Pages, exact, fault, sees_exact, words};
use crate::gathering::{Gathered, Side, State as How, skill_named};
use crate::import::london_day;
use crate::model::demand::{WHOLE, area_title};
use crate::model::gathering::{skill_title, skills};
use crate::provision::Freshness;
use crate::store::gathering::{About, GatheringTask};
use crate::store::kept::Stored;

pub(super) const PATH: &str = "/gathering";

/// Areas that stand beside one another; where there are more, a page of each skill has them.
const BESIDE: usize = 8;

fn area_id(area: Option<&Gss>) -> &str {
    area.map_or(WHOLE, Gss::as_str)
}

fn skill_id(skill: u8) -> &'static str {
    let found = skills().find(|(at, ..)| *at == skill);
    found.map_or("", |(_, id, _)| id)
}

/// The page of a skill in an area.
pub(super) fn address(skill: u8, area: Option<&Gss>) -> String {
    format!("{PATH}/{}/{}", skill_id(skill), area_id(area))
}

fn tag(state: How) -> Html {
    let colour = match state {
        How::Known => TagColour::Green,
        How::Wider => TagColour::Blue,
        How::Unsure | How::Old => TagColour::Yellow,
        How::Missing => TagColour::Red,
    };
    Tag::coloured(state.in_words(), colour).into()
}

fn month(day: Date) -> String {
    Period::of(day).map_or_else(|| words::day(day), Period::in_words)
}

/// The month of what is known, and who brings what is not.
fn facts(gathered: &Gathered, side: &Side) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(newest) = side.newest {
        facts.push(month(newest));
    }
    let task = gathered.tasks.iter().find(|t| Some(t.id) == side.task);
    if let Some(task) = task {
        let late = if side.is_overdue { "overdue: " } else { "" };
        facts.push(format!("{late}{}", task.it.body));
    }
    facts
}

/// The state with its facts below; a link where `to` says whither and of what.
fn shown(gathered: &Gathered, side: &Side, to: Option<(&str, &str)>) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"{% if let Some((href, of)) = to %}<a class="govuk-link" href="{{ href }}">{{ tag }}<span class="govuk-visually-hidden">, {{ of }}</span></a>{% else %}{{ tag }}{% endif %}{% for fact in facts %}<br>{{ fact }}{% endfor %}"#,
        ext = "html"
    )]
    struct Shown<'a> {
        to: Option<(&'a str, &'a str)>,
        tag: Html,
        facts: Vec<String>,
    }
    Html::render(&Shown {
        to,
        tag: tag(side.state),
        facts: facts(gathered, side),
    })
}

async fn read(pages: &Pages) -> Result<(Gathered, Date), ProblemPage> {
    let today = london_day((pages.clock)());
    let gathered = Gathered::read(&pages.node.store, today).await;
    Ok((gathered.map_err(fault)?, today))
}

pub(super) async fn board(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let (gathered, today) = read(&pages).await?;
    let mut pieces = vec![counts(&gathered)];
    for about in About::ALL {
        pieces.push(heading(about.in_words()));
        pieces.push(matrix(&gathered, about));
    }
    pieces.push(legend());
    pieces.push(heading("Who brings what is missing"));
    pieces.push(tasks(&gathered, today));
    pieces.push(ways(&person));
    Ok(Page::new("What is known, and what is missing")
        .lead("Of each skill in each area: what people and employers ask for, what is on offer, how old and how sure that is, and who brings what nobody knows yet. Choose a place in a table to see what stands behind it.")
        .body(Html::concat(pieces))
        .into_response())
}

fn counts(gathered: &Gathered) -> Html {
    let cards = About::ALL.map(|about| {
        let count = gathered.board.count(about);
        let of = |state| count.states.get(&state).copied().unwrap_or(0);
        let known = of(How::Known);
        let card =
            StatCard::new(about.in_words(), format!("{known} of {}", count.all)).line(format!(
                "places in the table are known. For the whole area only {}, unsure {}, old {}, missing {}.",
                of(How::Wider),
                of(How::Unsure),
                of(How::Old),
                of(How::Missing)
            ));
        match (count.nobody, count.overdue) {
            (0, 0) => card,
            (nobody, 0) => card.line(format!("Nobody brings {nobody} of them.")),
            (nobody, overdue) => card.line(format!(
                "Nobody brings {nobody} of them, and {overdue} are overdue."
            )),
        }
    });
    Stats::new("How much is known", cards).into()
}

fn matrix(gathered: &Gathered, about: About) -> Html {
    let areas = &gathered.board.areas;
    let beside = if areas.len() > BESIDE { 1 } else { areas.len() };
    let mut columns = vec!["Skill".to_owned()];
    columns.extend((areas[..beside].iter()).map(|area| area_title(area.as_ref())));
    if beside < areas.len() {
        columns.push(format!("Its {} districts", areas.len() - beside));
    }
    let rows = gathered.board.side(about).iter().map(|(skill, sides)| {
        let title = skill_title(*skill);
        let mut row = vec![link(title, &format!("{PATH}/{}", skill_id(*skill)))];
        for (area, side) in areas[..beside].iter().zip(sides) {
            let to = address(*skill, area.as_ref());
            let of = format!("{title}, {}", area_title(area.as_ref()));
            row.push(shown(gathered, side, Some((&to, &of))));
        }
        row.extend(in_districts(&sides[beside..]));
        row
    });
    let tiers = gathered.board.tiers.iter();
    let tiers = tiers.filter(|_| about == About::Demand);
    let tiers = tiers.map(|(tier, sides)| {
        let mut row = vec![of_tier(*tier)];
        let shown = |side| shown(gathered, side, None);
        row.extend(sides[..beside].iter().map(shown));
        row.extend(in_districts(&sides[beside..]));
        row
    });
    let rows = rows.chain(tiers);
    Table::new(format!("{}, by skill and area", about.in_words()))
        .caption_hidden()
        .columns(columns)
        .rows(rows)
        .into()
}

/// How many districts that stand in no column of their own are in which state.
fn in_districts(sides: &[Side]) -> Option<Html> {
    let each = How::ALL.into_iter().filter_map(|state| {
        let count = sides.iter().filter(|s| s.state == state).count();
        let said = || format!("{} {count}", state.in_words().to_lowercase());
        (count > 0).then(said)
    });
    let said = each.collect::<Vec<_>>().join(", ");
    (!sides.is_empty()).then(|| Html::from(words::sentence(&said)))
}

/// A tier of which needs are recorded that name no skill, with the way to them.
fn of_tier(tier: u8) -> Html {
    let codes = &Standard::current().dimension(Dimension::Tier).codes;
    let code = codes.get(usize::from(tier));
    let (id, title) = code.map_or(("", ""), |code| (&code.id, &code.title));
    match id {
        NOT_STATED | "" => link("Neither tier nor skill stated", "/demand"),
        id => link(
            &format!("{title}, skill not stated"),
            &format!("/demand?tier={id}"),
        ),
    }
}

fn legend() -> Html {
    let text = list([
        "Known: somebody counted or estimated it in the last twelve months, or a service was checked or seen in the last six.",
        "Whole area only: that is so of the LEP as a whole, and nobody says how much of it is in this district.",
        "Unsure: there are guesses alone, or services that nobody ever checked.",
        "Old: all of it was learnt longer ago, or its last day is over.",
        "Missing: nothing is recorded. That is not the same as that there is none.",
        "Needs of a tier that name no skill, as those of the Employer Skills Survey, have rows of their own. They fill no place of a skill and are not counted above.",
    ]);
    Details::new("What the words mean", text).into()
}

fn tasks(gathered: &Gathered, today: Date) -> Html {
    let open: Vec<&Stored<GatheringTask>> = (gathered.tasks.iter())
        .filter(|task| task.it.done.is_none())
        .collect();
    if open.is_empty() {
        return Html::paragraph(
            "Nobody is asked for anything. Open a place that is missing and say who brings it.",
        );
    }
    let rows = open.into_iter().map(|task| {
        let it = &task.it;
        let due = Html::from(words::day(it.due));
        let due = if it.due < today {
            let late = Tag::coloured("Overdue", TagColour::Red);
            Html::concat([late.into(), Html::literal(" "), due])
        } else {
            due
        };
        [
            link(
                skill_title(it.skill),
                &format!("/gathering-tasks/{}", task.id),
            ),
            area_title(it.district.as_ref()).into(),
            it.about.in_words().into(),
            it.body.clone().into(),
            due,
        ]
    });
    Table::new("Still to come, the earliest first")
        .caption_hidden()
        .columns(["Skill", "Area", "What", "Who brings it", "By"])
        .rows(rows)
        .into()
}

fn ways(person: &SignedIn) -> Html {
    let mut ways = vec![
        link(
            "Everything that was or is to be brought",
            "/gathering-tasks",
        ),
        link("What England publishes about this area", "/context"),
        link("Who collects what, with the panel", "/exchange"),
    ];
    if person.is_any(&["coordinator"]) {
        ways.insert(0, link("Bring in a survey or a list as a file", "/import"));
    }
    list(ways)
}

fn named(skill: &str) -> Result<u8, ProblemPage> {
    let found = skill_named(skill).filter(|at| skills().any(|(named, ..)| named == *at));
    found.ok_or_else(ProblemPage::not_found)
}

/// Every area of a skill: what a table on a telephone has no room for.
pub(super) async fn skill(State(pages): State<Pages>, Path(skill): Path<String>) -> Answer {
    let skill = named(&skill)?;
    let (gathered, _) = read(&pages).await?;
    let board = &gathered.board;
    let none = Vec::new();
    let of = |about| board.side(about).get(&skill).unwrap_or(&none);
    let both = of(About::Demand).iter().zip(of(About::Provision));
    let rows = board
        .areas
        .iter()
        .zip(both)
        .map(|(area, (asked, offered))| {
            [
                link(&area_title(area.as_ref()), &address(skill, area.as_ref())),
                shown(&gathered, asked, None),
                shown(&gathered, offered, None),
            ]
        });
    let [asked, offered] = About::ALL.map(About::in_words);
    let table = Table::new("By area")
        .caption_hidden()
        .columns(["Area", asked, offered])
        .rows(rows);
    Ok(Page::new(skill_title(skill))
        .breadcrumb("Gathering board", PATH)
        .body(Html::concat([table.into(), legend()]))
        .into_response())
}

/// One skill in one area.
pub(super) async fn cell(
    State(pages): State<Pages>,
    Path((skill, area)): Path<(String, String)>,
    person: SignedIn,
) -> Answer {
    let skill = named(&skill)?;
    let (gathered, today) = read(&pages).await?;
    let areas = &gathered.board.areas;
    let at = areas.iter().position(|a| area_id(a.as_ref()) == area);
    let at = at.ok_or_else(ProblemPage::not_found)?;
    let area = areas[at].as_ref();
    let may_write = person.is_any(&["coordinator"]);
    let mut pieces = Vec::new();
    for about in About::ALL {
        let sides = gathered.board.side(about).get(&skill);
        let side = sides.and_then(|sides| sides.get(at));
        let side = side.ok_or_else(ProblemPage::not_found)?;
        pieces.push(heading(about.in_words()));
        pieces.push(standing(&gathered, side, today));
        pieces.push(match about {
            About::Demand => needs(&gathered, side),
            About::Provision => services(&gathered, side),
        });
        if may_write {
            pieces.push(next(about, side, (skill, area)));
        }
    }
    let title = format!("{}, {}", skill_title(skill), area_title(area));
    Ok(Page::new(title)
        .breadcrumb("Gathering board", PATH)
        .breadcrumb(skill_title(skill), format!("{PATH}/{}", skill_id(skill)))
        .body(Html::concat(pieces))
        .into_response())
}

fn standing(gathered: &Gathered, side: &Side, today: Date) -> Html {
    let mut facts = SummaryList::new().fact("How good it is", tag(side.state));
    if let Some(newest) = side.newest {
        facts = facts.fact("Newest", month(newest));
    }
    if let Some(sure) = side.sure {
        facts = facts.fact("How sure", sure.in_words());
    }
    let task = gathered.tasks.iter().find(|t| Some(t.id) == side.task);
    let bringer = match task {
        Some(task) => {
            let late = if task.it.due < today { ", overdue" } else { "" };
            let said = format!("{}, by {}{late}", task.it.body, words::day(task.it.due));
            link(&said, &format!("/gathering-tasks/{}", task.id))
        }
        None => "Nobody was asked".into(),
    };
    facts.fact("Who brings what is missing", bringer).into()
}

fn needs(gathered: &Gathered, side: &Side) -> Html {
    let wanted: Vec<i64> = side.own.iter().chain(&side.wider).copied().collect();
    if wanted.is_empty() {
        return Html::paragraph("No need is recorded.");
    }
    if !sees_exact() {
        let needs = words::some(wanted.len(), "need is", "needs are");
        return Html::paragraph(&format!(
            "{needs} recorded. Coordinators and approvers see what they say: their numbers are exact."
        ));
    }
    let rows = gathered
        .demand
        .iter()
        .filter(|row| wanted.contains(&row.id));
    let rows = rows.map(|row| {
        let it = &row.it;
        let number = it.number.and_then(|n| u64::try_from(n).ok());
        let number = number.map_or_else(
            || Html::from("not published"),
            |number| exact(words::count(number)),
        );
        [
            link(&it.code, &format!("/demand/{}", row.id)),
            it.asks.in_words().into(),
            number,
            area_title(it.district.as_ref()).into(),
            it.how.in_words().into(),
            it.sure.in_words().into(),
            it.until.unwrap_or(it.from).in_words().into(),
        ]
    });
    Table::new("Needs that are recorded")
        .columns([
            "Need",
            "Who asks",
            "Number",
            "Where",
            "How it was learnt",
            "How sure",
            "Until",
        ])
        .numeric([2])
        .rows(rows)
        .into()
}

fn services(gathered: &Gathered, side: &Side) -> Html {
    let wanted: Vec<i64> = side.own.iter().chain(&side.wider).copied().collect();
    let rows = gathered
        .services
        .iter()
        .filter(|row| wanted.contains(&row.id));
    let rows = rows.map(|row| {
        let fresh = gathered.fresh.get(&row.id).copied();
        let fresh = match fresh.unwrap_or(Freshness::Never) {
            Freshness::Fresh(on) => words::day(on),
            Freshness::Stale(on) => format!("{}, old", words::day(on)),
            Freshness::Never => "never".to_owned(),
        };
        let places = row
            .it
            .places
            .map_or_else(|| "not stated".to_owned(), words::count);
        [
            link(&row.it.name, &format!("/provision/{}", row.id)),
            row.it.organisation.clone().into(),
            places.into(),
            fresh.into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Html::paragraph("No service that runs is recorded.");
    }
    Table::new("Services that run")
        .columns([
            "Service",
            "Who offers it",
            "Places in a run",
            "Checked or seen",
        ])
        .numeric([2])
        .rows(rows)
        .into()
}

fn next(about: About, side: &Side, (skill, area): (u8, Option<&Gss>)) -> Html {
    let (skill, place) = (skill_id(skill), area_id(area));
    let add = match about {
        About::Demand => Button::link(
            "Record a need",
            format!("/demand/new?skill={skill}&area={place}"),
        ),
        About::Provision => {
            // In a service's own words an empty area is the whole of it.
            let place = area.map_or("", Gss::as_str);
            let to = format!("/provision/new?skills={skill}&area={place}");
            Button::link("Record a service", to)
        }
    };
    let mut pieces = vec![
        Html::literal("<div class=\"govuk-button-group ldsp-screen\">"),
        add.into(),
    ];
    if side.task.is_none() {
        let to = format!(
            "/gathering-tasks/new?about={}&skill={skill}&area={place}",
            about.id()
        );
        pieces.push(Button::link("Say who brings it", to).secondary().into());
    }
    pieces.push(Html::literal("</div>"));
    Html::concat(pieces)
}
