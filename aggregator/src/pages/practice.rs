//! The practice library: a list that shows failures as plainly as successes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use ldsp_protocol::practice::{Direction, Factor, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, Choice as Item, Field, InsetText, Pagination, PostForm, Select, Tag, TagColour, link,
};
use ldsp_ui::{Html, Page};

use super::library::{self, Choice, Shelf};
use super::{Answer, paging, words};
use crate::Service;
use crate::store::{LibraryEntry, PracticeCounts, Span};

/// Characters of "what was done" that the list shows.
const TEASER: usize = 220;

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let choice = choice(&query);
    let snapshot = service.snapshot().await?;
    let shelf = library::shelf(&service, &snapshot, &choice).await?;
    let page = Page::new("Practice library").lead(
        "What partnerships tried, whether it worked and why. Failures are worth as much as \
         successes: they save the next partnership from repeating them.",
    );
    Ok(page.body(body(&shelf, &choice)))
}

fn choice(query: &HashMap<String, String>) -> Choice {
    let tiers = &Standard::current().dimension(Dimension::Tier).codes;
    let given = |name: &str| query.get(name).map(String::as_str);
    Choice {
        tier: given("tier")
            .filter(|t| tiers.iter().any(|c| c.id == *t))
            .map(str::to_owned),
        verdict: given("verdict").and_then(Verdict::parse),
        cause: given("cause").and_then(Factor::parse),
        span: paging::span(query),
    }
}

#[derive(Template)]
#[template(path = "practice_list.html")]
struct List {
    verdicts: Vec<VerdictCount>,
    form: Html,
    heading: String,
    featured: Vec<(Card, String)>,
    cards: Vec<Card>,
    empty: Html,
    peers_first: Html,
    pagination: Html,
    narrowed: bool,
}

struct VerdictCount {
    href: String,
    label: &'static str,
    count: String,
    chosen: bool,
}

/// One entry of a list.
#[derive(Template)]
#[template(path = "practice_card.html")]
pub(super) struct Card {
    href: String,
    title: String,
    verdict: Tag,
    teaser: String,
    facts: String,
    worked: String,
    failed: String,
}

impl Card {
    /// Leads to another page of the entry than its public one.
    pub(super) fn leading_to(mut self, href: String) -> Self {
        self.href = href;
        self
    }

    pub(super) fn new(e: &LibraryEntry) -> Self {
        let p = &e.entry;
        let facts = [
            format!("{} tier", library::title(Dimension::Tier, &p.tier)),
            library::title(Dimension::Mode, &p.mode),
            p.cost.in_words().to_owned(),
            library::area(&p.area),
        ];
        Self {
            href: href(e),
            title: p.title.clone(),
            verdict: verdict(p.verdict),
            teaser: teaser(&p.what),
            facts: facts.join(" · "),
            worked: library::factors(e, Direction::WorkedBecause),
            failed: library::factors(e, Direction::FailedBecause),
        }
    }

    pub(super) fn html(&self) -> Html {
        Html::render(self)
    }
}

/// An entry's address.
pub(super) fn href(e: &LibraryEntry) -> String {
    format!("/practice/{}/{}", e.node, e.seq)
}

/// The verdict's tag.
pub(super) fn verdict(verdict: Verdict) -> Tag {
    let colour = match verdict {
        Verdict::Worked => TagColour::Green,
        Verdict::Mixed => TagColour::Yellow,
        Verdict::Failed => TagColour::Red,
        Verdict::TooEarly => TagColour::Grey,
    };
    Tag::coloured(verdict.in_words(), colour)
}

/// The beginning of a text, cut at a word.
fn teaser(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= TEASER {
        return flat;
    }
    let cut: String = flat.chars().take(TEASER).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.']))
}

fn body(shelf: &Shelf, choice: &Choice) -> Html {
    let verdicts = Verdict::ALL.iter().map(|v| {
        let only = Choice {
            verdict: Some(*v),
            span: Span::Newest,
            ..choice.clone()
        };
        VerdictCount {
            href: only.href(),
            label: v.in_words(),
            count: words::thousands(of(&shelf.counts.verdicts, v.id())),
            chosen: choice.verdict == Some(*v),
        }
    });
    let found = usize::try_from(shelf.counts.found).unwrap_or(usize::MAX);
    let waiting = usize::try_from(shelf.waiting).unwrap_or(usize::MAX);
    let empty = match (found, choice.is_narrowed()) {
        (0, true) => Html::concat([
            Html::literal("<p class=\"govuk-body\">No entry has all of these. Choose fewer filters, or "),
            link("show all entries", "/practice"),
            Html::literal(".</p>"),
        ]),
        (0, false) => InsetText::new(
            "Nothing has been shared with everybody yet. Partnerships write entries on their own nodes, an approver \
             there releases them, and they appear here within a second.",
        )
        .into(),
        _ => Html::default(),
    };
    let peers_first = if waiting == 0 {
        Html::default()
    } else {
        let verb = if waiting == 1 { "is" } else { "are" };
        let n = words::plural(waiting, "entry", "entries");
        InsetText::new(format!(
            "{n} {verb} shared with enrolled areas first and will appear here on the date that the authors chose."
        ))
        .into()
    };
    Html::render(&List {
        verdicts: verdicts.collect(),
        form: form(&shelf.counts, choice),
        heading: words::plural(found, "entry", "entries"),
        featured: shelf
            .featured
            .iter()
            .map(|(entry, why)| (Card::new(entry), why.clone()))
            .collect(),
        cards: shelf.entries.iter().map(Card::new).collect(),
        empty,
        peers_first,
        pagination: Pagination::new(
            "Practice entries",
            shelf.previous.clone(),
            shelf.next.clone(),
        )
        .into(),
        narrowed: choice.is_narrowed(),
    })
}

fn of(counts: &BTreeMap<String, u64>, code: &str) -> u64 {
    counts.get(code).copied().unwrap_or_default()
}

/// Three lists with the number of entries that each choice would find beside the others.
fn form(counts: &PracticeCounts, choice: &Choice) -> Html {
    let options = |all: &str,
                   any: u64,
                   found: &BTreeMap<String, u64>,
                   codes: Vec<(&str, &str)>,
                   chosen: Option<&str>| {
        let any = Item::new("", format!("{all} ({any})"));
        let rest = codes.into_iter().map(|(id, title)| {
            Item::new(id, format!("{title} ({})", of(found, id))).chosen(chosen == Some(id))
        });
        std::iter::once(any).chain(rest).collect::<Vec<_>>()
    };
    let tiers = Standard::current().dimension(Dimension::Tier).codes.iter();
    let tier = options(
        "All tiers",
        counts.any_tier,
        &counts.tiers,
        tiers.map(|c| (c.id.as_str(), c.title.as_str())).collect(),
        choice.tier.as_deref(),
    );
    let verdicts = Verdict::ALL.iter().map(|v| (v.id(), v.in_words()));
    let verdict = options(
        "All verdicts",
        counts.any_verdict,
        &counts.verdicts,
        verdicts.collect(),
        choice.verdict.map(Verdict::id),
    );
    let causes = Factor::ALL.iter().map(|f| (f.id(), f.in_words()));
    let cause = options(
        "All causes",
        counts.any_cause,
        &counts.causes,
        causes.collect(),
        choice.cause.map(Factor::id),
    );
    PostForm::search("/practice")
        .with(Select::new(Field::new("tier", "Tier"), tier))
        .with(Select::new(Field::new("verdict", "Verdict"), verdict))
        .with(Select::new(
            Field::new("cause", "Cause of success or failure"),
            cause,
        ))
        .with(Button::new("Show entries").secondary())
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teaser_ends_at_a_word() {
        assert_eq!(teaser("short\n\ntext"), "short text");
        let long = "word ".repeat(100);
        let cut = teaser(&long);
        assert!(cut.ends_with("word…") && cut.chars().count() <= TEASER);
    }

    #[test]
    fn unknown_filters_choose_nothing() {
        let query = HashMap::from([
            ("tier".to_owned(), "x\"><script>".to_owned()),
            ("verdict".to_owned(), "failed".to_owned()),
        ]);
        let choice = choice(&query);
        assert_eq!(choice.tier, None);
        assert_eq!(choice.href(), "/practice?verdict=failed");
    }
}
