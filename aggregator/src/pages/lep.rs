//! One area: what it contributed and when, its figures beside England's, what it learnt.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::context::Context;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_ui::charts::{Alternative, Bar, BarChart, LineChart, Series, Unit};
use ldsp_ui::components::{Details, Figure, InsetText, Stats, SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage};

use super::measure::TREND;
use super::practice::Card;
use super::words::TOO_FEW;
use super::{Failure, figures, home, library, needs, revisions, runs, standards, words};
use crate::Service;
use crate::benchmark::{Group, LepFindings, LepStanding, Measure, Shown, Snapshot};
use crate::etag::Handed;

/// The code of the LEP that an address names by its code, a former code or its slug.
fn find(text: &str) -> Option<Gss> {
    let map = Geography::embedded();
    let by_code = home::lep_code(text).and_then(|c| map.lep(map.current(&c)));
    let lep = by_code.or_else(|| map.leps().find(|l| l.slug.as_str() == text));
    lep.map(|l| l.code.clone())
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let asked = code;
    let code = find(&asked).ok_or_else(ProblemPage::not_found)?;
    if code.as_str() != asked {
        return Ok(Redirect::permanent(&format!("/leps/{code}")).into_response());
    }
    let snapshot = service.snapshot().await?;
    let last = runs::last(&service, &snapshot).await?;
    let lep = snapshot.lep(&code).ok_or_else(ProblemPage::not_found)?;
    let practice = match &lep.standing.node {
        Some(node) => library::naming(&service.store, service.today(), node, &code).await?,
        None => Vec::new(),
    };
    let revisions = match &lep.standing.node {
        Some(node) => revisions::of_area(&service, node, Some(&lep.standing)).await?,
        None => Html::default(),
    };
    let body = Body {
        revisions,
        epoch: second_epoch(&lep.standing),
        change: standards::change(&snapshot, &code, &lep.standing),
        facts: facts(&code, &lep.standing),
        stats: stats(&lep.standing),
        beside: beside(&snapshot, lep),
        trend: trend(&snapshot, &code, &lep.standing),
        tiers: tiers(&snapshot, lep),
        districts: districts(lep),
        known: known(&code, &lep.standing),
        needs: needs::of_area(&snapshot, &code, service.today()),
        practice: practice.iter().map(Card::new).collect(),
        statements: statements(&snapshot, &code, &lep.standing),
    };
    let page = Page::new(lep.standing.place.name.clone())
        .caption(format!(
            "Local Enterprise Partnership, {}",
            lep.standing.region.name
        ))
        .breadcrumb("Home", "/")
        .breadcrumb("Areas", "/leps");
    let page = if lep.standing.releases > 0 {
        page.banner(figures::provisional(last.as_deref()))
    } else {
        page
    };
    Ok(page.body(Html::render(&body)).into_response())
}

#[derive(Template)]
#[template(path = "lep.html")]
struct Body {
    revisions: Html,
    epoch: Html,
    change: Html,
    facts: SummaryList,
    stats: Html,
    beside: Html,
    trend: Html,
    tiers: Html,
    districts: Html,
    known: Html,
    needs: Html,
    practice: Vec<Card>,
    statements: Html,
}

/// Said of every figure that stands on a second epoch.
fn second_epoch(s: &LepStanding) -> Html {
    if s.epoch.is_none_or(|epoch| epoch < 2) {
        return Html::default();
    }
    InsetText::new(
        "Second epoch. This area\u{2019}s node lost its ledger, the record of what it had counted and published. Two people of the area decided to go on with fresh noise, which costs the people in its figures another privacy budget. There will be no third epoch.",
    )
    .into()
}

fn facts(code: &Gss, s: &LepStanding) -> SummaryList {
    let map = Geography::embedded();
    let names: Vec<String> = map
        .owned_by(code)
        .iter()
        .filter_map(|c| map.district(c).map(|d| d.name.clone()))
        .collect();
    let published = s.range.map_or_else(
        || "Nothing yet".to_owned(),
        |r| {
            format!(
                "{} ({})",
                figures::period(r),
                words::plural(s.months, "month", "months")
            )
        },
    );
    let standards = if s.standards.is_empty() {
        "None yet".to_owned()
    } else {
        standards::titles(&s.standards)
    };
    let districts: Html = if names.len() > 6 {
        Details::new(
            words::plural(names.len(), "district", "districts"),
            Html::text(&words::and(&names)),
        )
        .into()
    } else {
        Html::text(&words::and(&names))
    };
    SummaryList::new()
        .fact("State", home::standing_tag(s))
        .fact("Months published", published)
        .fact("Data standard", standards)
        .fact("Region", s.region.name.clone())
        .fact("Districts counted here", districts)
        .fact("Code", code.to_string())
}

fn stats(s: &LepStanding) -> Html {
    let cards = [
        (Measure::Starts, "Enrolments"),
        (Measure::Achievers, "Achievements"),
        (Measure::Achievement, "Achievement rate"),
    ];
    let cards: Vec<_> = cards
        .iter()
        .filter_map(|(m, label)| Some(figures::card_of_area(s.finding(*m)?, label)))
        .collect();
    if cards.is_empty() {
        let text = match s.node {
            None => {
                "This area has not joined yet. The Department for Digital, Culture, Media and Sport invites areas one by one; \
                     when this one publishes its first month, its figures appear here."
            }
            Some(_) => {
                "This area has been invited but has not published a month yet. Its figures appear here within a second of its first release."
            }
        };
        return InsetText::new(text).into();
    }
    Stats::new("This area to date", cards).into()
}

fn beside(snapshot: &Snapshot, lep: &LepFindings) -> Html {
    if lep.standing.findings.is_empty() {
        return Html::default();
    }
    let national = snapshot.national();
    let rates: Vec<_> = lep
        .standing
        .findings
        .iter()
        .filter(|f| f.measure.is_rate())
        .collect();
    let code: Option<Gss> = lep.standing.place.code.parse().ok();
    let table = Table::new("Rates beside England, % (95 % interval)")
        .columns(["Measure", "This area", "England", "Difference"])
        .numeric([1, 2])
        .rows(rates.iter().map(|f| {
            let england = national.iter().find(|n| n.measure == f.measure);
            // Three standard errors: several rates are compared at once.
            let difference = code
                .as_ref()
                .and_then(|c| snapshot.beside_england(c, f.measure));
            let difference = match england.and_then(|e| figures::direction([e, f], difference, 3.0))
            {
                None => figures::held_back(f),
                Some(std::cmp::Ordering::Equal) => "no clear difference",
                Some(std::cmp::Ordering::Greater) => "above England",
                Some(std::cmp::Ordering::Less) => "below England",
            };
            [
                link(
                    figures::title(f.measure),
                    &format!("/benchmarks/{}", f.measure.id()),
                ),
                Html::text(&figures::with_interval(f)),
                Html::text(&figures::maybe(england)),
                Html::text(difference),
            ]
        }));
    let note = format!(
        "England: {}, {}. The area’s own figures are part of England’s. A difference is called clear when noise does not explain it; \
         the area may still differ in who enrols and on what.",
        snapshot.range().map_or_else(String::new, figures::period),
        figures::coverage(snapshot.coverage())
    );
    let download = link(
        "Download all figures of this area (CSV)",
        &format!("/leps/{}/figures.csv", lep.standing.place.code),
    );
    Html::concat([
        table.into(),
        Html::paragraph(&note),
        Html::literal("<p class=\"govuk-body\">"),
        download,
        Html::literal("</p>"),
    ])
}

/// What others published about the area, beside its region and England.
fn known(code: &Gss, s: &LepStanding) -> Html {
    let all = Context::embedded();
    let region: Option<Gss> = s.region.code.parse().ok();
    let rows = all.measures().iter().filter_map(|measure| {
        let year = all.years(measure).last().copied()?;
        let (nation, of) = all.beside(measure, year)?;
        let kingdom = if nation == "England" { "" } else { " (UK)" };
        let region = region.as_ref()?;
        Some([
            measure.title.clone(),
            year.in_words(),
            all.in_words(measure, code, year),
            all.in_words(measure, region, year),
            format!("{}{kingdom}", all.in_words(measure, &of, year)),
        ])
    });
    let table = Table::new("Published by others")
        .columns([
            "What",
            "Year",
            "This area",
            s.region.name.as_str(),
            "England",
        ])
        .numeric([2, 3, 4])
        .rows(rows);
    let sources = all.sources().iter();
    let sources = sources.map(|source| format!("{}: {}", source.publisher, source.title));
    Html::concat([
        table.into(),
        Html::paragraph(&format!(
            "Not figures of this service: employers\u{2019} needs as a share of workplaces that expect to need new skills, further education of all kinds, residents. Sources: {}.",
            sources.collect::<Vec<_>>().join("; ")
        )),
    ])
}

fn trend(snapshot: &Snapshot, code: &Gss, s: &LepStanding) -> Html {
    let starts = snapshot.lep_trend(code, Measure::Starts);
    let achieved = snapshot.lep_trend(code, Measure::Achievers);
    let Some(last) = starts.last() else {
        return Html::default();
    };
    let place = &s.place.name;
    let alternative = Alternative::new(
        "area-by-month",
        format!("Enrolments and achievements by month, {place}"),
        format!(
            "In {}: {} enrolments began.",
            last.range.to.in_words(),
            figures::with_interval(last)
        ),
    );
    let chart = LineChart::new(
        alternative,
        Unit::Count,
        starts.iter().map(figures::short_month),
    )
    .series(Series::new("Enrolments", starts.iter().map(figures::point)))
    .series(Series::new(
        "Achievements",
        achieved.iter().map(figures::point),
    ));
    let table = Table::new(format!("Enrolments and achievements by month, {place}"))
        .columns([
            "Month",
            "Enrolments (95 % interval)",
            "Achievements (95 % interval)",
        ])
        .numeric([1, 2])
        .rows(starts.iter().zip(achieved).map(|(a, b)| {
            [
                a.range.to.in_words(),
                figures::with_interval(a),
                figures::with_interval(b),
            ]
        }));
    let subtitle = format!(
        "Enrolments that began and achievements in each month, {place}, with 95 % intervals"
    );
    let mut figure = Figure::new("Enrolments and achievements month by month", subtitle, chart, table)
        .download("Download by month (CSV)", format!("/leps/{code}/trend.csv"))
    .note("A gap means “too few to say”: in a single month of a small area noise may outweigh the figure.");
    if starts.len() < TREND {
        figure = figure.note(format!(
            "A trend needs at least {TREND} months: read these as single figures."
        ));
    }
    figure.into()
}

fn tiers(snapshot: &Snapshot, lep: &LepFindings) -> Html {
    if lep.by_tier.is_empty() {
        return Html::default();
    }
    let bars = lep.by_tier.iter().map(|g| {
        let point = g.finding(Measure::Achievement).and_then(figures::point);
        match point {
            Some(p) => Bar::new(&g.title, p),
            None => Bar::missing(&g.title, TOO_FEW),
        }
    });
    let place = &lep.standing.place.name;
    let range = lep.standing.range.map_or_else(String::new, figures::period);
    let alternative = Alternative::new(
        "by-tier",
        format!("Achievement rate by tier, {place}"),
        "The table below has the figures.",
    );
    let mut chart = BarChart::new(alternative, Unit::Percent, bars);
    if let Some(Shown::Rate { value, .. }) = snapshot
        .national_measure(Measure::Achievement)
        .map(|f| f.shown)
    {
        chart = chart.reference("England, all tiers", value * 100.0);
    }
    Figure::new(
        "Achievement by tier",
        format!("Achievement rate by tier of skill, {place}, {range}, with 95 % intervals"),
        chart,
        groups_table("By tier", "Tier", &lep.by_tier),
    )
    .download(
        "Download all figures of this area (CSV)",
        format!("/leps/{}/figures.csv", lep.standing.place.code),
    )
    .into()
}

fn groups_table(caption: &str, first: &str, groups: &[Group]) -> Table {
    Table::new(caption)
        .columns([
            first,
            "Enrolments (95 % interval)",
            "Achievements (95 % interval)",
            "Achievement rate, % (95 % interval)",
        ])
        .numeric([1, 2, 3])
        .rows(groups.iter().map(|g| {
            let of = |m| {
                g.finding(m)
                    .map_or_else(|| TOO_FEW.to_owned(), figures::with_interval)
            };
            [
                g.title.clone(),
                of(Measure::Starts),
                of(Measure::Achievers),
                of(Measure::Achievement),
            ]
        }))
}

fn districts(lep: &LepFindings) -> Html {
    if lep.by_district.is_empty() {
        return Html::default();
    }
    let range = lep.standing.range.map_or_else(String::new, figures::period);
    let caption = format!("By district where the learner lives, {range}");
    let note = "“Too few to say” means that the noise added for privacy could explain the figure. It does not mean none.";
    Html::concat([
        groups_table(&caption, "District", &lep.by_district).into(),
        Html::paragraph(note),
    ])
}

/// The area's statements, each with a link to its exact bytes.
fn statements(snapshot: &Snapshot, code: &Gss, s: &LepStanding) -> Html {
    let Some(node) = s.node.as_ref().filter(|_| s.releases > 0) else {
        return Html::default();
    };
    let releases = snapshot.releases(code);
    let all = link(
        "All statements of this area’s node, and its key",
        &format!("/nodes/{node}"),
    );
    let table = Table::new("Signed monthly releases, newest first")
        .columns(["Month", "Data standard", "Statement", "Exact bytes"])
        .numeric([2])
        .rows(releases.iter().rev().map(|(period, standard, seq)| {
            [
                Html::text(&period.in_words()),
                Html::text(&standard.title()),
                Html::text(&seq.to_string()),
                link(
                    &format!("Envelope of statement {seq}"),
                    &format!("/v1/nodes/{node}/statements/{seq}"),
                ),
            ]
        }));
    Details::new(
        format!(
            "Signed statements ({})",
            words::plural(releases.len(), "release", "releases")
        ),
        Html::concat([
            table.into(),
            Html::literal("<p class=\"govuk-body\">"),
            all,
            Html::literal("</p>"),
        ]),
    )
    .into()
}

pub(super) async fn figures(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let code = home::lep_code(&code).ok_or_else(ProblemPage::not_found)?;
    let snapshot = handed.or_present(&service).await?;
    let lep = snapshot.lep(&code).ok_or_else(ProblemPage::not_found)?;
    let groups = lep.by_tier.iter().chain(&lep.by_district);
    let findings = lep
        .standing
        .findings
        .iter()
        .chain(groups.flat_map(|g| &g.findings));
    Ok(figures::csv(&format!("figures-{code}"), findings))
}

pub(super) async fn trend_csv(
    State(service): State<Arc<Service>>,
    handed: Handed,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let code = home::lep_code(&code).filter(|c| Geography::embedded().lep(c).is_some());
    let code = code.ok_or_else(ProblemPage::not_found)?;
    let snapshot = handed.or_present(&service).await?;
    let findings = [Measure::Starts, Measure::Achievers].map(|m| snapshot.lep_trend(&code, m));
    Ok(figures::csv(
        &format!("{code}-by-month"),
        findings.into_iter().flatten(),
    ))
}
