//! A finding in words, as a card, as a point of a chart, in a download.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use ldsp_protocol::standard::Standard;
use ldsp_ui::charts::{Estimate, Unit};
use ldsp_ui::components::{StatCard, Tag};
use ldsp_ui::{Banner, ProblemPage};

use super::words::{self, TOO_FEW};
use crate::benchmark::{self, Coverage, Finding, Measure, Range, Shown, Standing};
use crate::runs::Run;
use crate::time::london_day;

/// Beside a figure that is not due yet.
pub(super) const NOT_DUE_SENTENCE: &str = "Counted six months after an enrolment ended: with six months of figures or fewer, none can be due yet";

/// Above figures that the next statement may change.
pub(super) fn provisional(last: Option<&Run>) -> Banner {
    let live =
        "Live figures that change as areas publish. Quote them with their period and coverage";
    Banner::provisional(match last {
        None => format!("{live}."),
        Some(run) => format!(
            "{live}, or quote the last benchmark run, of {}, which stays as it is.",
            words::date(london_day(run.received))
        ),
    })
}

/// A measure's name on pages: people say enrolments where the standard says starts.
pub(super) fn title(measure: Measure) -> &'static str {
    match measure {
        Measure::Starts => "Enrolments",
        Measure::Achievers => "Achievements",
        other => other.title(),
    }
}

/// What a measure counts, in a sentence.
pub(super) fn meaning(measure: Measure) -> &'static str {
    match measure {
        Measure::Starts => "Enrolments on digital skills programmes that began.",
        Measure::Leavers => {
            "Enrolments that ended: achieved, completed without achievement or withdrawn."
        }
        Measure::Completers => "Enrolments that were completed, with or without the achievement.",
        Measure::Achievers => "Enrolments that ended with the achievement that they aimed at.",
        Measure::InProgress => "Enrolments that began and have not ended.",
        Measure::Retention => "Of the enrolments that ended, the share that was completed.",
        Measure::Pass => "Of the enrolments that were completed, the share that was achieved.",
        Measure::Achievement => {
            "Of the enrolments that ended, the share that was achieved: retention times pass."
        }
        Measure::SustainedPositive => {
            "Six months after leaving: the share in sustained employment, further learning or another positive destination."
        }
        Measure::ConfidenceRose => {
            "Of the people asked before and after, the share whose confidence online rose."
        }
        Measure::EverydayMore => {
            "Of the people asked at the start and at follow-up, the share that does more of five everyday tasks online."
        }
    }
}

/// What a rate is a share of.
pub(super) fn base_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Pass => "completed enrolments",
        Measure::Retention | Measure::Achievement => "enrolments that ended",
        Measure::SustainedPositive => "enrolments with a known destination due",
        Measure::ConfidenceRose | Measure::EverydayMore => "enrolments asked twice",
        _ => "enrolments",
    }
}

/// Whose definition it is.
pub(super) fn source(measure: Measure) -> &'static str {
    let declared = Standard::current()
        .measures()
        .iter()
        .find(|m| m.id == measure.id());
    declared.map_or("LDSP", |m| m.source.as_str())
}

/// `83.1 %` or `84,760`, or that there is too little to say.
pub(super) fn value(f: &Finding) -> String {
    match f.shown {
        Shown::Count { value, .. } => words::thousands(value),
        Shown::Rate { value, .. } => words::percent(value),
        Shown::TooFew | Shown::NotDue => held_back(f).to_owned(),
    }
}

/// Why there is no figure.
pub(super) fn held_back(f: &Finding) -> &'static str {
    if f.shown == Shown::NotDue {
        words::NOT_DUE
    } else {
        TOO_FEW
    }
}

/// `82.4 to 83.8`; empty where the figure is held back.
pub(super) fn interval(f: &Finding) -> String {
    match f.shown {
        Shown::Count { low, high, .. } => {
            format!("{} to {}", words::thousands(low), words::thousands(high))
        }
        Shown::Rate { low, high, .. } => {
            format!("{} to {}", words::decimal(low), words::decimal(high))
        }
        Shown::TooFew | Shown::NotDue => String::new(),
    }
}

/// `83.1 % (82.4 to 83.8)`, or that there is too little to say.
pub(super) fn with_interval(f: &Finding) -> String {
    match f.shown {
        Shown::TooFew | Shown::NotDue => value(f),
        _ => format!("{} ({})", value(f), interval(f)),
    }
}

/// The same of a figure that may not exist.
pub(super) fn maybe(f: Option<&Finding>) -> String {
    f.map_or_else(|| "not measured".to_owned(), with_interval)
}

/// The base of a rate: `84,760`; a dash for counts, which have none.
pub(super) fn base(f: &Finding) -> String {
    match f.shown {
        Shown::Rate { base, .. } => words::thousands(base),
        Shown::Count { .. } => "–".to_owned(),
        Shown::TooFew | Shown::NotDue => held_back(f).to_owned(),
    }
}

/// `May to October 2026`.
pub(super) fn period(range: Range) -> String {
    words::period_range(range.from, range.to)
}

/// `36 of 38 LEPs up to date, 1 behind, 1 not yet`, with the months where some are wanting.
pub(super) fn coverage(c: Coverage) -> String {
    let mut text = format!("{} of {} LEPs up to date", c.contributed, c.of);
    if c.partial > 0 {
        text.push_str(&format!(", {} in part", c.partial));
    }
    if c.late > 0 {
        text.push_str(&format!(", {} behind", c.late));
    }
    if c.missing > 0 {
        text.push_str(&format!(", {}", c.missing_in_words()));
    }
    text.push_str(&c.notes_in_words());
    text
}

/// A big national number with everything that it owes its reader.
pub(super) fn card(f: &Finding, label: &str) -> StatCard {
    card_of_area(f, label)
        .coverage(coverage(f.coverage))
        .tag(Tag::new("Provisional"))
}

/// The same for one area, whose coverage is its period.
pub(super) fn card_of_area(f: &Finding, label: &str) -> StatCard {
    let mut card = StatCard::new(label, value(f));
    if f.shown == Shown::NotDue {
        card = card.line(NOT_DUE_SENTENCE);
    } else if f.shown == Shown::TooFew {
        card = card.line("The noise added for privacy could explain it");
    } else {
        let unit = if f.measure.is_rate() { "\u{a0}%" } else { "" };
        card = card.interval(format!("95\u{a0}% interval: {}{unit}", interval(f)));
    }
    if let Shown::Rate { base, .. } = f.shown {
        let of = base_name(f.measure);
        card = card.line(format!("of about {} {of}", words::thousands(base)));
    }
    card.line(period(f.range))
}

/// A point of a chart; none where the figure is held back.
pub(super) fn point(f: &Finding) -> Option<Estimate> {
    match f.shown {
        Shown::Count { value, low, high } => {
            Some(Estimate::between(value as f64, low as f64, high as f64))
        }
        Shown::Rate {
            value, low, high, ..
        } => Some(Estimate::between(value * 100.0, low * 100.0, high * 100.0)),
        Shown::TooFew | Shown::NotDue => None,
    }
}

/// The unit of a chart of this measure.
pub(super) fn unit(measure: Measure) -> Unit {
    if measure.is_rate() {
        Unit::Percent
    } else {
        Unit::Count
    }
}

/// Which way a `difference` of two figures points, when noise alone does not explain it: further from 0 than `limit` of
/// its standard errors. Nothing where either figure is held back.
pub(super) fn direction(
    of: [&Finding; 2],
    difference: Option<Standing>,
    limit: f64,
) -> Option<std::cmp::Ordering> {
    let difference = difference.filter(|_| of.iter().all(|f| f.shown.is_figure()))?;
    if difference.estimate.abs() <= limit * difference.se {
        return Some(std::cmp::Ordering::Equal);
    }
    difference.estimate.partial_cmp(&0.0)
}

/// `Aug 2026`, for the axis of a chart.
pub(super) fn short_month(f: &Finding) -> String {
    let words = f.range.to.in_words();
    let (month, year) = words.split_once(' ').unwrap_or((words.as_str(), ""));
    let short: String = month.chars().take(3).collect();
    format!("{short} {year}")
}

/// Findings as a download called `name`.csv.
pub(super) fn csv<'a>(name: &str, findings: impl IntoIterator<Item = &'a Finding>) -> Response {
    match benchmark::to_csv(findings) {
        Ok(bytes) => csv_file(name, bytes),
        Err(error) => {
            tracing::error!(%error, "a download could not be written");
            ProblemPage::fault().into_response()
        }
    }
}

/// A file to save.
pub(super) fn csv_file(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.csv\""),
        ),
    ];
    (headers, bytes).into_response()
}
