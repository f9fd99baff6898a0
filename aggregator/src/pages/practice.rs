//! The practice library: a list that shows failures as plainly as successes.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use ldsp_protocol::practice::{Direction, Factor, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, Choice as Item, Field, InsetText, Pagination, PostForm, Select, Tag, TagColour,
};
use ldsp_ui::{Html, Page};

use super::library::{self, Choice, Shelf};
use super::{Answer, words};
use crate::Service;
use crate::store::LibraryEntry;

/// Characters of "what was done" that the list shows.
const TEASER: usize = 220;

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let snapshot = service.snapshot().await?;
    let shelf = library::shelf(&service, &snapshot).await?;
    let choice = choice(&query);
    let page = Page::new("Practice library").lead(
        "What partnerships tried, whether it worked and why. Failures are worth as much as \
         successes: they save the next partnership from repeating them.",
    );
    Ok(page.body(body(&shelf, &choice)))
}

fn choice(query: &HashMap<String, String>) -> Choice {
    let tiers = &Standard::v1().dimension(Dimension::Tier).codes;
    let given = |name: &str| query.get(name).map(String::as_str);
    Choice {
        tier: given("tier")
            .filter(|t| tiers.iter().any(|c| c.id == *t))
            .map(str::to_owned),
        verdict: given("verdict").and_then(Verdict::parse),
        cause: given("cause").and_then(Factor::parse),
        before: given("before").and_then(|b| b.parse().ok()),
    }
}

#[derive(Template)]
#[template(path = "practice_list.html")]
struct List {
    verdicts: Vec<VerdictCount>,
    form: Html,
    heading: String,
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
    let slice = shelf.slice(choice);
    let verdicts = Verdict::ALL.iter().map(|v| {
        let only = Choice {
            verdict: Some(*v),
            before: None,
            ..choice.clone()
        };
        VerdictCount {
            href: only.href(),
            label: v.in_words(),
            count: words::thousands(shelf.count(&only) as u64),
            chosen: choice.verdict == Some(*v),
        }
    });
    let empty = match (slice.found, choice.is_narrowed()) {
        (0, true) => Html::paragraph("No entry has all of these. Choose fewer filters."),
        (0, false) => InsetText::new(
            "Nothing has been shared with everybody yet. Partnerships write entries on their own nodes, an approver \
             there releases them, and they appear here within a second.",
        )
        .into(),
        _ => Html::default(),
    };
    let peers_first = if shelf.peers_first == 0 {
        Html::default()
    } else {
        let verb = if shelf.peers_first == 1 { "is" } else { "are" };
        let n = words::plural(shelf.peers_first, "entry", "entries");
        InsetText::new(format!(
            "{n} {verb} shared with enrolled areas first and will appear here on the date that the authors chose."
        ))
        .into()
    };
    Html::render(&List {
        verdicts: verdicts.collect(),
        form: form(shelf, choice),
        heading: words::plural(slice.found, "entry", "entries"),
        cards: slice.entries.iter().map(|e| Card::new(e)).collect(),
        empty,
        peers_first,
        pagination: Pagination::new("Practice entries", slice.previous, slice.next).into(),
        narrowed: choice.is_narrowed(),
    })
}

/// Three lists with the number of entries that each choice would find beside the others.
fn form(shelf: &Shelf, choice: &Choice) -> Html {
    let options = |all: &str, wide: Choice, each: Vec<(&str, &str, Choice, bool)>| {
        let any = Item::new("", format!("{all} ({})", shelf.count(&wide)));
        let rest = each.into_iter().map(|(id, title, narrow, chosen)| {
            Item::new(id, format!("{title} ({})", shelf.count(&narrow))).chosen(chosen)
        });
        std::iter::once(any).chain(rest).collect::<Vec<_>>()
    };
    let with = |change: &dyn Fn(&mut Choice)| {
        let mut changed = Choice {
            before: None,
            ..choice.clone()
        };
        change(&mut changed);
        changed
    };
    let tiers = Standard::v1().dimension(Dimension::Tier).codes.iter();
    let tiers = tiers.map(|c| {
        let narrow = with(&|x| x.tier = Some(c.id.clone()));
        let chosen = choice.tier.as_ref() == Some(&c.id);
        (c.id.as_str(), c.title.as_str(), narrow, chosen)
    });
    let verdicts = Verdict::ALL.iter().map(|v| {
        let narrow = with(&|x| x.verdict = Some(*v));
        (v.id(), v.in_words(), narrow, choice.verdict == Some(*v))
    });
    let causes = Factor::ALL.iter().map(|f| {
        let narrow = with(&|x| x.cause = Some(*f));
        (f.id(), f.in_words(), narrow, choice.cause == Some(*f))
    });
    let tier = options("All tiers", with(&|x| x.tier = None), tiers.collect());
    let verdict = options(
        "All verdicts",
        with(&|x| x.verdict = None),
        verdicts.collect(),
    );
    let cause = options("All causes", with(&|x| x.cause = None), causes.collect());
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
