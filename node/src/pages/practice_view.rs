//! An entry as readers will see it.

use ldsp_protocol::practice::{Area, Direction, Evidence, PracticeEntry, Sharing, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::Html;
use ldsp_ui::components::{SummaryList, Tag, TagColour, link, list};

use super::words;
use crate::practice::OwnFigures;

pub(super) fn verdict_tag(verdict: Verdict) -> Tag {
    let colour = match verdict {
        Verdict::Worked => TagColour::Green,
        Verdict::Mixed => TagColour::Yellow,
        Verdict::Failed => TagColour::Red,
        Verdict::TooEarly => TagColour::Grey,
    };
    Tag::coloured(verdict.in_words(), colour)
}

#[derive(askama::Template)]
#[template(path = "entry.html")]
struct EntryTemplate<'a> {
    verdict: Tag,
    sharing: String,
    what: Vec<&'a str>,
    causes: Vec<(Tag, &'static str, &'a str)>,
    again: &'static str,
    change: Vec<&'a str>,
    repeat: Vec<&'a str>,
    evidence: Html,
    tools: Html,
    facts: SummaryList,
}

/// The body of an entry, without its title.
pub(super) fn entry_html(entry: &PracticeEntry, figures: &OwnFigures) -> Html {
    let causes = entry.causes.iter().map(|cause| {
        let colour = match cause.direction {
            Direction::WorkedBecause => TagColour::Green,
            Direction::FailedBecause => TagColour::Red,
        };
        (
            Tag::coloured(cause.direction.in_words(), colour),
            cause.factor.in_words(),
            cause.because.as_str(),
        )
    });
    Html::render(&EntryTemplate {
        verdict: verdict_tag(entry.verdict),
        sharing: sharing(&entry.sharing),
        what: paragraphs(&entry.what),
        causes: causes.collect(),
        again: entry.again.in_words(),
        change: paragraphs(&entry.change),
        repeat: paragraphs(&entry.repeat),
        evidence: list(entry.evidence.iter().map(|e| figure(e, figures))),
        tools: list(entry.tools.iter().map(|tool| {
            Html::concat([
                link(&tool.title, &tool.link),
                format!(" ({})", tool.licence).into(),
            ])
        })),
        facts: facts(entry),
    })
}

fn paragraphs(text: &str) -> Vec<&str> {
    text.split('\n')
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect()
}

/// A cited figure in words: which number, of which table and month.
pub(super) fn figure_words(evidence: &Evidence, figures: &OwnFigures) -> String {
    let own = figures.release_of(evidence);
    let table = match own {
        Some(release) => release.standard.table(&evidence.table),
        None => (Standard::all().iter().rev()).find_map(|s| s.table(&evidence.table)),
    };
    let Some(table) = table else {
        return "A figure of a table that this version does not know".to_owned();
    };
    let title = crate::release::title(table);
    let Some(release) = own else {
        return format!("{title}, in a release of that area");
    };
    let cell = usize::try_from(evidence.cell).unwrap_or(usize::MAX);
    let codes = words::cell(&figures.codebook(release), table, cell).join(", ");
    format!("{codes}: {title}, {}", figures.named(release))
}

/// The same with a link to the table, where the figure is our own.
fn figure(evidence: &Evidence, figures: &OwnFigures) -> Html {
    let words = figure_words(evidence, figures);
    match figures.release_of(evidence) {
        Some(release) => link(
            &words,
            &super::release_table::address(release.period, release.standard, &evidence.table),
        ),
        None => words.into(),
    }
}

fn sharing(sharing: &Sharing) -> String {
    match sharing {
        Sharing::Public => "Everybody may read it".to_owned(),
        Sharing::PeersUntil(date) => {
            format!("Only other LEPs may read it until {}", words::day(*date))
        }
    }
}

fn facts(entry: &PracticeEntry) -> SummaryList {
    let titles = |dimension, codes: &[String]| {
        let titles: Vec<String> = codes.iter().map(|c| words::code(dimension, c)).collect();
        titles.join(", ")
    };
    let area = match &entry.area {
        Area::Lep(code) => words::lep(code),
        Area::Like { setting, size } => format!(
            "an area that is {}, {}",
            setting.in_words(),
            size.in_words()
        ),
    };
    let strength = entry.strength;
    let mut facts = SummaryList::new()
        .fact("Where", area)
        .fact("Tier", words::code(Dimension::Tier, &entry.tier))
        .fact("Skills", titles(Dimension::Skill, &entry.skills))
        .fact("For", titles(Dimension::Audience, &entry.audience))
        .fact("Mode", words::code(Dimension::Mode, &entry.mode))
        .fact("Cost", entry.cost.in_words())
        .fact(
            "Strength of evidence",
            format!(
                "{}. {}. {}. {}",
                strength.design.in_words(),
                strength.participants.in_words(),
                match strength.attrition.in_words() {
                    "Not known" => "Drop-out not known",
                    known => known,
                },
                match strength.follow_up.in_words() {
                    "No follow-up" => "No follow-up".to_owned(),
                    time => format!("Follow-up: {time}"),
                },
            ),
        )
        .fact("Contact", entry.contact_role.clone())
        .fact("Review", words::day(entry.review));
    if let Some(older) = entry.supersedes {
        facts = facts.fact("Replaces", super::release_view::code(&older.to_string()));
    }
    if let Some(other) = entry.replicates {
        facts = facts.fact("Repeats", super::release_view::code(&other.to_string()));
    }
    facts
}
