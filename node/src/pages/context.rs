//! What others published about the area, beside its region and England: nothing of it is this node's own, but for exact counts of the
//! same year where there are any.

use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_protocol::context::{Compared, Context, Figure as Published, Measure, Topic, Year};
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::Standard;
use ldsp_ui::charts::{Alternative, Bar, BarChart, Estimate, LineChart, Series, Unit};
use ldsp_ui::components::{
    Figure, InsetText, StatCard, Stats, SummaryList, Table, Tag, TagColour, link, list as bullets,
};
use ldsp_ui::{Html, Page, ProblemPage, csv_text};

use super::release_view::heading;
use super::releases::file;
use super::{Answer, Pages, exact_part, exact_tag, fault, words};
use crate::context::{Level, Places};

const PATH: &str = "/context";

fn places(pages: &Pages) -> Result<Places, ProblemPage> {
    Places::of(&pages.lep()?).ok_or_else(ProblemPage::fault)
}

/// The number that areas are compared by.
fn number(measure: &Measure, code: &Gss, year: Year) -> Option<f64> {
    Context::embedded().number(measure, code, year)
}

/// A figure as people read it.
fn said(measure: &Measure, code: &Gss, year: Year) -> String {
    Context::embedded().in_words(measure, code, year)
}

/// The last year that a measure speaks of, for one of these places at least.
fn last(measure: &Measure) -> Result<Year, ProblemPage> {
    let years = Context::embedded().years(measure);
    years.last().copied().ok_or_else(ProblemPage::fault)
}

fn topic(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Demand => (
            "What employers need",
            "Per cent of the workplaces that expected to need new skills, and their number.",
        ),
        Topic::Provision => (
            "What is taught",
            "Further education of all kinds, whoever taught it: more than the programmes of this partnership.",
        ),
        Topic::People => (
            "Who lives here",
            "Basic digital skills and employment of residents.",
        ),
    }
}

/// Where no figure of the LEP is held, the nearest area of which one is.
fn level(places: &Places, measure: &Measure, year: Year) -> Html {
    let tag = match places.nearest(measure, year) {
        Some(Level::Region) => Tag::coloured("Region only", TagColour::Yellow),
        Some(Level::Nation) => Tag::coloured("Nation only", TagColour::Yellow),
        Some(Level::Lep | Level::District) | None => return Html::default(),
    };
    Html::concat([Html::literal("<br>"), tag.into()])
}

pub(super) async fn list(State(pages): State<Pages>) -> Answer {
    let places = places(&pages)?;
    let all = Context::embedded();
    let mut pieces = Vec::new();
    for about in [Topic::Demand, Topic::Provision, Topic::People] {
        let (title, note) = topic(about);
        let mut rows = Vec::new();
        for measure in all.measures().iter().filter(|m| m.topic == about) {
            let year = last(measure)?;
            let mut row = vec![
                link(&measure.title, &format!("{PATH}/{}", measure.id)),
                year.in_words().into(),
            ];
            row.extend([
                Html::concat([
                    said(measure, &places.lep.0, year).into(),
                    level(&places, measure, year),
                ]),
                said(measure, &places.region.0, year).into(),
            ]);
            let nation = all.beside(measure, year);
            row.push(nation.map_or_else(Html::default, |(name, code)| {
                let said = said(measure, &code, year);
                let of = if name == "England" { "" } else { " (UK)" };
                format!("{said}{of}").into()
            }));
            rows.push(row);
        }
        let table = Table::new(title)
            .columns([
                "What",
                "Year",
                places.lep.1.as_str(),
                places.region.1,
                "England",
            ])
            .numeric([2, 3, 4])
            .rows(rows);
        pieces.extend([table.into(), Html::paragraph(note)]);
    }
    pieces.extend([
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "Download all of it for this area and its districts (CSV)",
            &format!("{PATH}/figures.csv"),
        ),
        Html::literal("</p>"),
        heading("Where the figures come from"),
        sources(),
    ]);
    Ok(Page::new("England\u{2019}s figures")
        .lead(format!(
            "What others published about {}, beside its region and England: to see what is known before it is asked again. The newest figures that came with this program.",
            places.lep.1
        ))
        .body(Html::concat(pieces))
        .into_response())
}

fn sources() -> Html {
    let all = Context::embedded().sources().iter();
    bullets(all.map(|source| {
        format!(
            "{}: {}. {}.",
            source.publisher, source.title, source.licence
        )
    }))
}

pub(super) async fn show(State(pages): State<Pages>, Path(id): Path<String>) -> Answer {
    let places = places(&pages)?;
    let all = Context::embedded();
    let measure = all.measure(&id).ok_or_else(ProblemPage::not_found)?;
    let (years, last) = (all.years(measure), last(measure)?);
    let mut pieces = Vec::new();
    let (lep, region) = (&places.lep.1, places.region.1);
    let said = match places.nearest(measure, last) {
        Some(Level::Region) => Some(format!(
            "The publications held here have no figure of {lep}. The nearest is that of its region, {region}."
        )),
        Some(Level::Nation) => Some(format!(
            "The publications held here have a figure neither of {lep} nor of its region."
        )),
        _ => None,
    };
    pieces.extend(said.map(|said| Html::from(InsetText::new(said))));
    pieces.push(figure(&places, measure, &years, last));
    pieces.extend(districts(&places, measure, last));
    if let Some(own) = own(&pages, measure, last).await? {
        pieces.push(own);
    }
    pieces.push(facts(&places, measure, &years));
    Ok(Page::new(measure.title.clone())
        .caption(topic(measure.topic).0)
        .breadcrumb("England\u{2019}s figures", PATH)
        .lead(measure.note.clone())
        .body(Html::concat(pieces))
        .into_response())
}

/// The figures over the years, or beside one another where there is one year.
fn figure(places: &Places, measure: &Measure, years: &[Year], last: Year) -> Html {
    let beside = places.beside(measure, last);
    let unit = match measure.compared() {
        Compared::Share => Unit::Percent,
        _ => Unit::Count,
    };
    let parts: Vec<String> = beside
        .iter()
        .filter_map(|(name, code)| {
            let number = number(measure, code, last)?;
            Some(format!("{name} {}", measure.number_in_words(number)))
        })
        .collect();
    let headline = match parts.is_empty() {
        true => measure.title.clone(),
        false => format!("{}: {}", last.in_words(), parts.join(", ")),
    };
    let subtitle = match measure.compared() {
        Compared::Share if measure.unit == "percent" => format!("{}, %", measure.title),
        Compared::Share => format!("{}, % of those who expect to need any", measure.title),
        Compared::Residents => {
            format!("{}, per 10,000 residents aged 16 to 64", measure.title)
        }
        Compared::Size => format!("{}, {}", measure.title, measure.unit),
    };
    let subtitle = subtitle.replace(
        "in employment, % of those who expect to need any",
        "in employment, % of all residents of that age",
    );
    let alternative = Alternative::new("context", measure.title.clone(), format!("{headline}."));
    // Its own size is no comparison: a line of the area alone.
    let drawn: Vec<_> = match measure.compared() {
        Compared::Size => beside.iter().take(1).collect(),
        _ => beside.iter().collect(),
    };
    let shown: Vec<Year> = years
        .iter()
        .copied()
        .filter(|year| {
            let mut all = drawn.iter();
            all.any(|(_, code)| number(measure, code, *year).is_some())
        })
        .collect();
    let chart: Html = if shown.len() > 1 {
        let chart = LineChart::new(alternative, unit, shown.iter().map(|year| year.in_words()));
        let has = |code: &Gss| shown.iter().any(|y| number(measure, code, *y).is_some());
        let drawn = drawn.iter().filter(|(_, code)| has(code));
        drawn
            .fold(chart, |chart, (name, code)| {
                let points = shown.iter();
                let points = points.map(|year| number(measure, code, *year).map(Estimate::exact));
                chart.series(Series::new(name.clone(), points))
            })
            .into()
    } else {
        let bars = drawn.iter().map(|(name, code)| {
            let bar = match number(measure, code, last) {
                Some(number) => Bar::new(name.clone(), Estimate::exact(number)),
                None => Bar::missing(name.clone(), "not held here"),
            };
            match *code == places.lep.0 {
                true => bar.highlighted(),
                false => bar,
            }
        });
        BarChart::new(alternative, unit, bars).into()
    };
    let columns = std::iter::once("Year".to_owned()).chain(beside.iter().map(|b| b.0.clone()));
    let table = Table::new(measure.title.clone())
        .columns(columns)
        .numeric(1..=beside.len())
        .rows(years.iter().map(|year| {
            let cells = beside
                .iter()
                .map(|(_, code)| said(measure, code, *year).into());
            std::iter::once(Html::from(year.in_words())).chain(cells)
        }));
    Figure::new(headline, subtitle, chart, table)
        .download(
            "Download all figures of this area (CSV)",
            format!("{PATH}/figures.csv"),
        )
        .into()
}

/// What is published of the area's districts.
fn districts(places: &Places, measure: &Measure, year: Year) -> Option<Html> {
    let map = Geography::embedded();
    let all: Vec<Gss> = map.owned_by(&places.lep.0);
    let published = |code: &Gss| Context::embedded().figure(measure, code, year).is_some();
    if !all.iter().any(published) {
        return None;
    }
    let rows = all.iter().map(|code| {
        let name = map
            .district(code)
            .map_or(code.as_str(), |d| d.name.as_str());
        [name.to_owned(), said(measure, code, year)]
    });
    let table = Table::new(format!(
        "Districts of {}, {}",
        places.lep.1,
        year.in_words()
    ))
    .columns(["District", measure.title.as_str()])
    .numeric([1])
    .rows(rows);
    Some(table.into())
}

/// What this node holds of the same year, where it holds anything of the kind.
async fn own(pages: &Pages, measure: &Measure, year: Year) -> Result<Option<Html>, ProblemPage> {
    if measure.topic != Topic::Provision || !year.is_academic() {
        return Ok(None);
    }
    let stages = Standard::current().stages().iter();
    let achieved = stages
        .map(|stage| stage.id.as_str())
        .position(|id| id == "achieved");
    let achieved = achieved.ok_or_else(ProblemPage::fault)?;
    let begins = i16::try_from(year.begins()).map_err(|_| ProblemPage::fault())?;
    let day = |year, month, day| Date::new(year, month, day).map_err(|_| ProblemPage::fault());
    let (first, end) = (day(begins, 8, 1)?, day(begins + 1, 7, 31)?);
    let held = pages.node.store.exact_between(first, end, achieved).await;
    let (began, done) = held.map_err(fault)?.for_signed_in_page();
    let cards = [
        StatCard::new("Enrolments that began", words::count(began)).tag(exact_tag()),
        StatCard::new("Achieved", words::count(done)).tag(exact_tag()),
    ];
    let note = "Programmes of this partnership, residents of this area. Not the same thing as the figure above: many of its enrolments are in neither, some in both.";
    Ok(Some(Html::concat([
        heading(&format!("What this node holds of {}", year.in_words())),
        exact_part(Html::concat([
            Stats::new("August to July", cards).into(),
            Html::paragraph(note),
        ])),
    ])))
}

/// Who published it, and of which area.
fn facts(places: &Places, measure: &Measure, years: &[Year]) -> Html {
    let all = Context::embedded();
    let mut found: Vec<(Published<'_>, Vec<String>)> = Vec::new();
    for year in years {
        for (_, code) in places.beside(measure, *year) {
            let Some(figure) = all.figure(measure, &code, *year) else {
                continue;
            };
            let same = found
                .iter_mut()
                .find(|(other, _)| other.source == figure.source);
            match same {
                Some((other, of)) => {
                    other.was = other.was.or(figure.was);
                    if of.last() != Some(&year.in_words()) {
                        of.push(year.in_words());
                    }
                }
                None => found.push((figure, vec![year.in_words()])),
            }
        }
    }
    let mut pieces = Vec::new();
    let mut list = SummaryList::new();
    for (figure, years) in &found {
        let source = figure.source;
        list = list.fact(
            format!("Source of {}", years.join(", ")),
            format!(
                "{}: {}. {}.",
                source.publisher, source.title, source.licence
            ),
        );
    }
    if let Some(was) = found.iter().find_map(|(figure, _)| figure.was) {
        let text = format!(
            "The area was another one in that survey. It counted in {}: {was}.",
            places.lep.1
        );
        pieces.push(InsetText::new(text).into());
    }
    if measure.compared() == Compared::Residents {
        list = list.fact(
            "Source of the number of residents",
            "Office for National Statistics: Annual Population Survey through Nomis, of the year in which the academic year begins.",
        );
    }
    pieces.push(list.into());
    Html::concat(pieces)
}

/// Every figure of the LEP, its districts, its region and England, a row each.
pub(super) async fn csv(State(pages): State<Pages>) -> Answer {
    let places = places(&pages)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [&str; 11]| writer.write_record(row).map_err(|_| ProblemPage::fault());
    write([
        "measure", "title", "unit", "year", "level", "code", "name", "value", "symbol", "percent",
        "source",
    ])?;
    for row in places.figures() {
        let (value, symbol) = match row.figure.value {
            Ok(value) => (value.to_string(), ""),
            Err(symbol) => (String::new(), symbol.as_str()),
        };
        let percent = row.percent.map_or_else(String::new, |p| format!("{p:.1}"));
        let source = row.figure.source;
        write([
            &row.measure.id,
            &csv_text(&row.measure.title),
            &row.measure.unit,
            &row.year.to_string(),
            row.level.id(),
            row.code.as_str(),
            &csv_text(&row.name),
            &value,
            symbol,
            &percent,
            &csv_text(&format!("{}: {}", source.publisher, source.title)),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|_| ProblemPage::fault())?;
    let name = format!("attachment; filename=\"ldsp-context-{}.csv\"", places.lep.0);
    Ok(file(bytes, "text/csv; charset=utf-8", &name))
}
