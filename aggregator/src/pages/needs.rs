//! The national picture of needs: what areas ask for, what people who were asked need, what is offered, and how far the one goes for the other.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::civil::Date;
use ldsp_protocol::geography::{Geography, REGIONS};
use ldsp_protocol::ids::Gss;
use ldsp_protocol::measures::Count;
use ldsp_protocol::needs::{Counts, PEOPLE_MONTHS, SkillPicture};
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};
use ldsp_protocol::statement::Kind;
use ldsp_ui::charts::{Alternative, Bar, BarChart, Estimate, Unit};
use ldsp_ui::components::{Details, Figure, InsetText, StatCard, Stats, Table, link};
use ldsp_ui::listing::{Asked, Column, Listing};
use ldsp_ui::{Html, Page, ProblemPage};

use super::words::{TOO_FEW, date, plural, thousands};
use super::{Answer, library, statements};
use crate::Service;
use crate::benchmark::Snapshot;
use crate::needs::{Area, Gap, Report, Source, by_lep, report, shown};

const PATH: &str = "/needs";

/// Other words than a place's code are England's: nothing in an address is an error.
fn area(asked: &Asked) -> Area {
    asked.text("place").parse().unwrap_or_default()
}

/// Regions and LEPs, as the filter offers them.
fn places() -> impl Iterator<Item = (String, String)> {
    let regions = REGIONS.map(|(code, name)| (code.to_owned(), format!("Region: {name}")));
    let leps = Geography::embedded().leps();
    let leps = leps.map(|lep| (lep.code.to_string(), lep.name.clone()));
    regions.into_iter().chain(leps)
}

pub(super) async fn show(State(service): State<Arc<Service>>, asked: Asked) -> Answer {
    let snapshot = service.snapshot().await?;
    let report = report(&snapshot, &area(&asked), service.today());
    let name = &report.place.name;
    let heading = match area(&asked) {
        Area::England => "Needs".to_owned(),
        _ => format!("Needs: {name}"),
    };
    let page = Page::new(heading)
        .breadcrumb("Home", "/")
        .lead("Which digital skills are asked for and which are offered, as the areas publish it.");
    let body = match report.statements.is_empty() {
        true => Html::concat([
            InsetText::new(format!(
                "No area of {name} has published its needs yet. When one does, this page shows what is asked for and what is offered, skill by skill."
            ))
            .into(),
            listing(&report, &asked),
        ]),
        false => Html::concat([
            cards(&report),
            listing(&report, &asked),
            people(&report),
            places_offered(&report),
            stands_on(&report.statements),
            method(),
        ]),
    };
    Ok(page.body(body))
}

fn cards(report: &Report) -> Html {
    let picture = &report.picture;
    let of = format!("of {}", plural(count(report.leps), "LEP", "LEPs"));
    let kept = match picture.kept_back {
        0 => "all their sums".to_owned(),
        n => format!("{} kept some sums back", thousands(n)),
    };
    let oldest = report.oldest.map_or_else(|| "none".to_owned(), date);
    let cards = [
        StatCard::new("LEPs that told demand", thousands(picture.demand))
            .line(of.clone())
            .line(kept),
        StatCard::new("LEPs that told provision", thousands(picture.provision)).line(of),
        StatCard::new("Oldest number", oldest).line("numbers count for 24 months"),
    ];
    Stats::new("What this picture stands on", cards).into()
}

fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn title(skill: &str) -> String {
    if skill == NOT_STATED {
        return "Skill not stated".to_owned();
    }
    library::title(Dimension::Skill, skill)
}

/// A skill with what is told of its kinds, the skill "not stated" last.
fn listing(report: &Report, asked: &Asked) -> Html {
    let place = asked.text("place").to_owned();
    let skills = report.picture.skills.iter();
    let (silent, told): (Vec<_>, Vec<_>) = skills.partition(|it| is_silent(it));
    let rows = told.into_iter().map(|skill| {
        let mut href = format!("{PATH}/{}", skill.skill);
        if !place.is_empty() {
            href = format!("{href}?place={}", report.place.code);
        }
        [
            link(&title(&skill.skill), &href),
            wanted(skill),
            asked_people(skill).into(),
            offered(skill),
            gap(skill).into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let order = asked.order("skill", false);
    let csv = format!("/api/v1/needs.csv?place={}", report.place.code);
    let list = Listing::new("Skills that are asked for or offered", asked, order)
        .filter("place", "Where", "England", places())
        .columns([
            Column::new("Skill"),
            Column::new("Organisations ask for, at least"),
            Column::new("People asked (95 % interval)"),
            Column::new("Offered"),
            Column::new("In short"),
        ])
        .rows(rows)
        .nothing("No skill was told of here.")
        .file("Download all of it (CSV)", csv);
    let names: Vec<String> = silent.iter().map(|it| title(&it.skill)).collect();
    if report.statements.is_empty() || names.is_empty() {
        return list.into();
    }
    let rest = format!(
        "Of these nothing is told, or too little to say: {}.",
        names.join("; ")
    );
    Html::concat([list.into(), Html::paragraph(&rest)])
}

/// Nothing is told of it that could be shown.
fn is_silent(skill: &SkillPicture) -> bool {
    Gap::of(skill) == Gap::Silent
}

fn lines(all: impl IntoIterator<Item = String>) -> Html {
    let mut pieces = Vec::new();
    for line in all {
        if !pieces.is_empty() {
            pieces.push(Html::literal("<br>"));
        }
        pieces.push(Html::text(&line));
    }
    Html::concat(pieces)
}

fn wanted(skill: &SkillPicture) -> Html {
    if skill.wanted.is_empty() {
        return "Nothing told".into();
    }
    lines(skill.wanted.iter().map(|it| {
        let of = match it.counts {
            Counts::People => "people to be trained",
            Counts::Employers => "employers with a need",
            Counts::Vacancies => "vacancies",
        };
        format!("{} {of}", thousands(it.number))
    }))
}

fn asked_people(skill: &SkillPicture) -> String {
    let Some(people) = &skill.people else {
        return "Nothing told".to_owned();
    };
    match shown(people) {
        Count::TooFew => TOO_FEW.to_owned(),
        Count::Shown { value, low, high } => format!(
            "{} ({} to {})",
            thousands(value),
            thousands(low),
            thousands(high)
        ),
    }
}

fn offered(skill: &SkillPicture) -> Html {
    let offered = &skill.offered;
    if offered.services == 0 {
        return "No service told".into();
    }
    let services = plural(count(offered.services), "service", "services");
    let places = match offered.places_known {
        0 => "places not known".to_owned(),
        known if known == offered.services => {
            format!("{} places in a year", thousands(offered.places))
        }
        known => format!(
            "{} places in a year in {} of them",
            thousands(offered.places),
            thousands(known)
        ),
    };
    lines([services, places])
}

fn gap(skill: &SkillPicture) -> String {
    if skill.skill == NOT_STATED {
        return "Not compared: which skill it is was not said".to_owned();
    }
    match Gap::of(skill) {
        Gap::Silent => "Nothing is told of it".to_owned(),
        Gap::Unasked => "Offered; nobody told that it is asked for".to_owned(),
        Gap::Nothing => "Asked for, and no service offers it".to_owned(),
        Gap::Unknown => "Asked for and offered; how far it goes is not known".to_owned(),
        Gap::Short { by: None } => "More people than places that are known".to_owned(),
        Gap::Short { by: Some(by) } => {
            format!("At least {} people more than places", thousands(by))
        }
        Gap::Enough => "As many places as people who are known to ask, or more".to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far under 2^52")]
fn estimate(value: u64, low: u64, high: u64) -> Estimate {
    Estimate::between(value as f64, low as f64, high as f64)
}

fn people(report: &Report) -> Html {
    let counts = report.picture.skills.iter().filter_map(|skill| {
        let people = skill.people.as_ref()?;
        match shown(people) {
            Count::Shown { value, low, high } => Some((skill, value, low, high)),
            Count::TooFew => None,
        }
    });
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, value, ..)| std::cmp::Reverse(*value));
    let Some((most, value, low, high)) = counts.first().copied() else {
        return Html::default();
    };
    let bars = counts.iter().map(|(skill, value, low, high)| {
        Bar::new(title(&skill.skill), estimate(*value, *low, *high))
    });
    let alternative = Alternative::new(
        "people-asked",
        "What people who were asked need",
        format!(
            "The most for {}: {} ({} to {}).",
            title(&most.skill),
            thousands(value),
            thousands(low),
            thousands(high)
        ),
    );
    let table = Table::new("What people who were asked need, by skill")
        .columns(["Skill", "People (95 % interval)", "LEPs that told"])
        .numeric([1, 2])
        .rows(counts.iter().map(|(skill, ..)| {
            let leps = skill.people.as_ref().map_or(0, |people| people.leps);
            [title(&skill.skill), asked_people(skill), thousands(leps)]
        }));
    let chart = BarChart::new(alternative, Unit::Count, bars);
    Figure::new(
        format!("{} is what most people who were asked need", title(&most.skill)),
        format!(
            "People who were asked in surveys, workshops and applications, {}, in the last {PEOPLE_MONTHS} months, with 95 % intervals; not a sample of all people",
            report.place.name
        ),
        chart,
        table,
    )
    .note("A person who needs two skills may be in both bars. Skills with too few people to tell from the noise are left out.")
    .into()
}

fn places_offered(report: &Report) -> Html {
    let skills = report.picture.skills.iter();
    let mut known: Vec<_> = skills.filter(|it| it.offered.places_known > 0).collect();
    known.sort_by_key(|skill| std::cmp::Reverse(skill.offered.places));
    let Some(most) = known.first() else {
        return Html::default();
    };
    #[expect(clippy::cast_precision_loss, reason = "places stay far under 2^52")]
    let bars = known.iter().map(|skill| {
        Bar::new(
            title(&skill.skill),
            Estimate::exact(skill.offered.places as f64),
        )
    });
    let name = title(&most.skill);
    let alternative = Alternative::new(
        "places-offered",
        "Places in a year",
        format!(
            "The most for {name}: {} places.",
            thousands(most.offered.places)
        ),
    );
    let table = Table::new("Places in a year, by skill")
        .columns(["Skill", "Places", "Services", "Free", "Assured"])
        .numeric([1, 2, 3, 4])
        .rows(known.iter().map(|skill| {
            let it = &skill.offered;
            [
                title(&skill.skill),
                thousands(it.places),
                thousands(it.services),
                thousands(it.free),
                thousands(it.assured),
            ]
        }));
    let chart = BarChart::new(alternative, Unit::Count, bars);
    Figure::new(
        format!("Most places are offered for {name}"),
        format!(
            "Places in a year of services whose number is known, {}",
            report.place.name
        ),
        chart,
        table,
    )
    .note("A service that teaches two skills is in both bars.")
    .into()
}

fn stands_on(sources: &[Source]) -> Html {
    let rows = sources.iter().rev().map(|source| {
        let used = match (source.sums, source.people) {
            (true, true) => "sums, and counts of people",
            (true, false) => "sums",
            _ => "counts of people",
        };
        [
            link(&source.lep.name, &format!("/leps/{}", source.lep.code)),
            statements::kind_in_words(source.kind).into(),
            Html::text(&date(source.as_of)),
            link(
                &format!("Statement {}", source.index),
                &format!("/statements/{}", source.index),
            ),
            Html::text(if source.kind == Kind::DemandSummary {
                used
            } else {
                "all of it"
            }),
        ]
    });
    let table = Table::new("Statements that this page adds up, the newest first")
        .columns(["Area", "What", "Of", "Statement", "In this picture"])
        .rows(rows);
    let text = plural(sources.len(), "signed statement", "signed statements");
    Details::new(
        format!("The {text} behind these numbers"),
        Html::from(table),
    )
    .into()
}

fn method() -> Html {
    let text = "A number of organisations is told only where it gives no single one away, so the true number is this or more. A count of people who were asked \
        has random noise, so that nobody can tell whether one person was asked; it is shown where it stands three standard errors out of the \
        noise. Services are those of the areas\u{2019} open feeds. In short compares the larger of people to be trained and people asked with the places of a year.";
    Details::new("How to read these numbers", Html::paragraph(text)).into()
}

/// One skill, area by area.
pub(super) async fn skill(
    State(service): State<Arc<Service>>,
    Path(skill): Path<String>,
    asked: Asked,
) -> Answer {
    let skills = &Standard::current().dimension(Dimension::Skill).codes;
    if skills.iter().all(|code| code.id != skill) {
        return Err(ProblemPage::not_found().into());
    }
    let snapshot = service.snapshot().await?;
    let area = area(&asked);
    let told = by_lep(&snapshot, &area, &skill, service.today());
    let name = area.place().name;
    let body = match told.is_empty() {
        true => InsetText::new(format!("No area of {name} told anything of this skill.")).into(),
        false => {
            let rows = told.iter().map(|(place, skill, sources)| {
                let newest = sources.iter().filter(|source| source.sums);
                let newest = newest.map(|source| {
                    link(
                        &source.index.to_string(),
                        &format!("/statements/{}", source.index),
                    )
                });
                let mut cells = Vec::new();
                for source in newest {
                    if !cells.is_empty() {
                        cells.push(", ".into());
                    }
                    cells.push(source);
                }
                [
                    link(&place.name, &format!("/leps/{}", place.code)),
                    wanted(skill),
                    asked_people(skill).into(),
                    offered(skill),
                    gap(skill).into(),
                    Html::concat(cells),
                ]
            });
            let table = Table::new(format!("{}, by area", title(&skill)))
                .caption_hidden()
                .columns([
                    "Area",
                    "Organisations ask for, at least",
                    "People asked (95 % interval)",
                    "Offered",
                    "In short",
                    "Statements",
                ])
                .rows(rows);
            Html::from(table)
        }
    };
    Ok(Page::new(title(&skill))
        .caption(format!("Needs, {name}"))
        .breadcrumb("Home", "/")
        .breadcrumb("Needs", asked.href_at(PATH, &[]))
        .body(body))
}

/// What one area published, for its own page.
pub(super) fn of_area(snapshot: &Snapshot, code: &Gss, today: Date) -> Html {
    let report = report(snapshot, &Area::Lep(code.clone()), today);
    if report.statements.is_empty() {
        return Html::default();
    }
    let rows = report.picture.skills.iter().filter(|it| !is_silent(it));
    let rows = rows.map(|skill| {
        [
            link(&title(&skill.skill), &format!("{PATH}/{}", skill.skill)),
            wanted(skill),
            asked_people(skill).into(),
            offered(skill),
        ]
    });
    let table = Table::new("What this area asks for and offers")
        .columns([
            "Skill",
            "Organisations ask for, at least",
            "People asked (95 % interval)",
            "Offered",
        ])
        .rows(rows);
    let more = link(
        "How far it goes, and the statements behind it",
        &format!("{PATH}?place={code}"),
    );
    Html::concat([
        table.into(),
        Html::literal("<p class=\"govuk-body\">"),
        more,
        Html::literal("</p>"),
    ])
}
