//! How each measure is defined: formula, unit, tables, source, and how its uncertainty is worked out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use ldsp_protocol::standard::{Dimension, Family, Standard};
use ldsp_ui::components::{SummaryList, Table, link};
use ldsp_ui::{Html, Page};

use super::{Answer, figures, measures};
use crate::Service;
use crate::benchmark::{Figures, Measure, holds};

/// The formula in the symbols of [`LEGEND`].
fn symbols(measure: Measure) -> &'static str {
    match measure {
        Measure::Starts => "S",
        Measure::Leavers => "A + C + W",
        Measure::Completers => "A + C",
        Measure::Achievers => "A",
        Measure::InProgress => "S − (A + C + W)",
        Measure::Retention => "(A + C) ÷ (A + C + W)",
        Measure::Pass => "A ÷ (A + C)",
        Measure::Achievement => "A ÷ (A + C + W)",
        Measure::SustainedPositive => "(E + F + P) ÷ (E + F + P + N + U)",
        Measure::ConfidenceRose => "R ÷ (D + H + R)",
        Measure::EverydayMore => "M ÷ (L + K + M)",
    }
}

/// What the symbols count.
const LEGEND: [(&str, &str); 15] = [
    ("S", "that began"),
    ("A", "that ended: achieved"),
    ("C", "that ended: completed without achievement"),
    ("W", "that ended: withdrawn"),
    ("E", "six months after their end: in sustained employment"),
    ("F", "six months after their end: in further learning"),
    (
        "P",
        "six months after their end: another positive destination",
    ),
    ("N", "six months after their end: none of these"),
    ("U", "six months after their end: not stated"),
    ("R", "whose learner’s confidence online rose"),
    ("H", "whose learner’s confidence stayed the same"),
    ("D", "whose learner’s confidence fell"),
    ("M", "whose learner does more of five everyday tasks online"),
    ("K", "whose learner does as many"),
    ("L", "whose learner does fewer"),
];

/// The codes at these places of a fact's list, in words: `achieved, completed without achievement`.
fn codes(fact: Option<Dimension>, places: &[usize]) -> String {
    let Some(fact) = fact else {
        return String::new();
    };
    let list = &Standard::current().dimension(fact).codes;
    let titles = places.iter().filter_map(|at| list.get(*at));
    let titles: Vec<String> = titles
        .map(|c| super::words::lower_first(&c.title))
        .collect();
    super::words::and(&titles)
}

fn family_title(family: Family) -> &'static str {
    Standard::current()
        .families()
        .iter()
        .find(|f| f.id == family)
        .map_or("", |f| f.title.as_str())
}

/// What is counted, by family and codes.
fn count_of(family: Family, fact: Option<Dimension>, places: &[usize]) -> String {
    let codes = codes(fact, places);
    if codes.is_empty() {
        format!("All entries of the family “{}”", family_title(family))
    } else {
        format!("Entries of the family “{}”: {codes}", family_title(family))
    }
}

/// The declared tables of a family, by id.
fn tables(standard: &Standard, family: Family) -> Html {
    let ids: Vec<Html> = standard
        .tables()
        .iter()
        .filter(|t| t.family == family)
        .map(|t| super::entry::code(&t.id))
        .collect();
    ldsp_ui::components::list(ids)
}

/// The tables that a measure is read from.
fn read_from(standard: &Standard, measure: Measure) -> Html {
    let own = tables(standard, measure.recipe().family);
    match measure {
        Measure::InProgress => Html::concat([own, tables(standard, Family::Leavers)]),
        _ => own,
    }
}

/// By what a standard's tables can break a measure down.
fn breakdowns(standard: &Standard, measure: Measure) -> String {
    let held = |d: &Dimension| holds(standard, measure, Some(*d));
    let by = [Dimension::Area].into_iter().chain(Figures::BREAKDOWNS);
    let titles = by.filter(held).map(|d| {
        let title = &standard.dimension(d).title;
        super::words::lower_first(title)
    });
    super::words::and(&titles.collect::<Vec<_>>())
}

/// Everything about one measure, under the present standard and the earlier ones that any enrolment is counted under.
fn facts(measure: Measure, standards: &[&Standard]) -> SummaryList {
    let recipe = measure.recipe();
    let unit = if measure.is_rate() {
        "Share, shown in per cent from 0 to 100"
    } else {
        "Enrolments (a person may have two)"
    };
    let mut facts = SummaryList::new()
        .fact("Id", super::entry::code(measure.id()))
        .fact("In words", measure.formula().to_owned())
        .fact("In symbols", super::entry::code(symbols(measure)))
        .fact("Unit", unit);
    facts = match measure {
        Measure::InProgress => facts
            .fact("Counts", count_of(Family::Starts, None, &[]))
            .fact("Less", count_of(Family::Leavers, None, &[])),
        _ if measure.is_rate() => facts
            .fact(
                "Numerator",
                count_of(recipe.family, recipe.fact, recipe.part),
            )
            .fact(
                "Denominator",
                count_of(recipe.family, recipe.fact, recipe.base),
            ),
        _ => facts.fact("Counts", count_of(recipe.family, recipe.fact, recipe.part)),
    };
    for standard in standards.iter().rev() {
        let under = match standards.len() {
            1 => String::new(),
            _ => format!(" under {}", standard.title()),
        };
        facts = facts
            .fact(format!("Tables{under}"), read_from(standard, measure))
            .fact(
                format!("Broken down{under} by"),
                breakdowns(standard, measure),
            );
    }
    facts
        .fact("Definition by", figures::source(measure))
        .fact("Uncertainty", uncertainty(measure))
        .fact("Held back", held_back(measure))
}

fn uncertainty(measure: Measure) -> &'static str {
    if measure.is_rate() {
        "95 % interval: by Fieller\u{2019}s theorem from the known variances and covariance of numerator and denominator"
    } else {
        "95 % interval: the estimate ± 1.96 standard errors of the noise, which are known exactly"
    }
}

fn held_back(measure: Measure) -> &'static str {
    match measure {
        Measure::SustainedPositive => {
            "“Too few to say” where the denominator is under five standard errors; “not due yet” until seven months have been released"
        }
        m if m.is_rate() => "“Too few to say” where the denominator is under five standard errors",
        _ => "“Too few to say” under three standard errors",
    }
}

#[derive(Template)]
#[template(path = "measures.html")]
struct Body {
    standard: String,
    digest: Html,
    earlier: Html,
    overview: Html,
    legend: Html,
    each: Vec<(&'static str, &'static str, &'static str, Html, Html)>,
    rho: String,
    horizon: usize,
}

/// All measures.
pub(super) async fn all(State(service): State<Arc<Service>>) -> Answer {
    let standard = Standard::current();
    let standards = service.snapshot().await?.standards();
    let overview = Table::new("All measures")
        .columns(["Measure", "Id", "Formula", "Unit", "Definition by"])
        .rows(Measure::ALL.map(|m| {
            [
                link(figures::title(m), &format!("#{}", m.id())),
                super::entry::code(m.id()),
                super::entry::code(symbols(m)),
                Html::text(if m.is_rate() { "%" } else { "enrolments" }),
                Html::text(figures::source(m)),
            ]
        }));
    let legend = Table::new("What the symbols count")
        .columns(["Symbol", "Number of enrolments"])
        .rows(LEGEND.map(|(symbol, counts)| [symbol, counts]));
    let each = Measure::ALL.map(|m| {
        let more = link(
            &format!("{}: the figures", figures::title(m)),
            &format!("/benchmarks/{}", m.id()),
        );
        let title = figures::title(m);
        (
            m.id(),
            title,
            figures::meaning(m),
            Html::from(facts(m, &standards)),
            more,
        )
    });
    let body = Body {
        standard: standard.title(),
        digest: super::entry::code(&standard.digest().to_string()),
        earlier: earlier(&standards),
        overview: overview.into(),
        legend: legend.into(),
        each: each.into(),
        rho: (standard.noise().rho_micro as f64 / 1_000_000.0).to_string(),
        horizon: standard.noise().horizon_months,
    };
    Ok(Page::new("How each measure is defined")
        .caption("Benchmarks")
        .breadcrumb("Home", "/")
        .breadcrumb("Benchmarks", "/benchmarks")
        .body(Html::render(&body)))
}

/// The standards that enrolments in the figures are counted under, where there are several.
fn earlier(standards: &[&Standard]) -> Html {
    if standards.len() < 2 {
        return Html::default();
    }
    let table = Table::new("Data standards in these figures")
        .columns(["Data standard", "Takes", "Tables", "SHA-256"])
        .numeric([2])
        .rows(standards.iter().rev().map(|standard| {
            let takes = if *standard == Standard::current() {
                "enrolments that a node begins to count now"
            } else {
                "what becomes known of enrolments that a node began to count under it"
            };
            [
                Html::text(&standard.title()),
                Html::text(takes),
                Html::text(&standard.tables().len().to_string()),
                link(
                    &standard.digest().to_string(),
                    &format!("/v1/standards/{}", standard.digest()),
                ),
            ]
        }));
    let why = "An enrolment is counted under one data standard for ever: counting it again under another would spend its privacy budget twice. \
               A figure is the sum of what each standard\u{2019}s tables give, its variance the sum of theirs. Where a standard lacks a breakdown, \
               its enrolments are left out of it, and the coverage beside the figure says so.";
    Html::concat([table.into(), Html::paragraph(why)])
}

/// The definition on a measure's own page, with a published figure to set it beside.
pub(super) fn of(measure: Measure, standards: &[&Standard]) -> Html {
    let titles: Vec<String> = standards.iter().rev().map(|s| s.title()).collect();
    let mut all = facts(measure, standards).fact("Data standard", super::words::and(&titles));
    if let Some(context) = measures::context(measure) {
        all = all.fact(
            "For context, another population",
            format!(
                "{} %: England, all education and training aims, 2021/22 ({}). Department for Education, further education and \
                 skills. It covers every subject and funded course, so it is not a target for digital skills programmes.",
                context.figure, context.text
            ),
        );
    }
    Html::concat([
        all.into(),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "All measures, their symbols, and how noise and intervals are computed",
            "/measures",
        ),
        Html::literal("</p>"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A formula has one symbol for each code that the recipe counts, above the line and under it.
    #[test]
    fn symbols_agree_with_the_recipes() {
        let letters = |text: &str| text.chars().filter(char::is_ascii_uppercase).count();
        for m in Measure::ALL {
            let recipe = m.recipe();
            let text = symbols(m);
            if let Some((part, base)) = text.split_once('÷') {
                assert_eq!(letters(part), recipe.part.len(), "{text}");
                assert_eq!(letters(base), recipe.base.len(), "{text}");
            } else if !recipe.part.is_empty() {
                assert_eq!(letters(text), recipe.part.len(), "{text}");
            }
            for c in text.chars().filter(char::is_ascii_uppercase) {
                assert!(LEGEND.iter().any(|(s, _)| *s == c.to_string()), "{c}");
            }
        }
    }

    #[test]
    fn codes_are_the_standards() {
        let recipe = Measure::Retention.recipe();
        assert_eq!(
            count_of(recipe.family, recipe.fact, recipe.part),
            "Entries of the family “Leavers”: achieved and completed without achievement"
        );
    }
}
