//! The curator's desk: entries of the practice library that nobody has looked at yet, and what was said of the others. A curator
//! changes what the library shows, never what an area signed.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::own::{MAX_REASON, check_reason};
use ldsp_ui::accounts::By;
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, InsetText, Notification, Pagination, PostForm, Radios,
    Table, Tag, TagColour, TextArea, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::practice::Card;
use super::{Answer, CURATORS, Failure, entry, paging, words};
use crate::Service;
use crate::announce::one_line;
use crate::store::{
    Curated, Curation, Library, LibraryEntry, PracticeFilter, Reader, Said, Saying, Span, Standing,
};

/// Entries of a page.
const LISTED: usize = 10;
/// Acts of a page.
const ACTS: usize = 50;
const DESK: &str = "/curator";
const DONE: &str = "/curator/acts";

/// A list of the desk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pile {
    Unseen,
    Featured,
    Hidden,
}

impl Pile {
    const ALL: [Self; 3] = [Self::Unseen, Self::Featured, Self::Hidden];

    fn of(query: &HashMap<String, String>) -> Self {
        let named = query.get("show").map(String::as_str);
        let found = Self::ALL.into_iter().find(|pile| pile.parameter() == named);
        found.unwrap_or(Self::Unseen)
    }

    fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Unseen => None,
            Self::Featured => Some("featured"),
            Self::Hidden => Some("hidden"),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Unseen => "To look at",
            Self::Featured => "Shown first",
            Self::Hidden => "Taken out",
        }
    }

    fn empty(self) -> &'static str {
        match self {
            Self::Unseen => {
                "You have looked at every entry. A new one appears here as soon as everybody may read it."
            }
            Self::Featured => "No entry is shown before the others. Open an entry to choose it.",
            Self::Hidden => "Nothing was taken out of the library.",
        }
    }

    fn curated(self) -> Curated {
        match self {
            Self::Unseen => Curated::Unseen,
            Self::Featured => Curated::As(Standing::Featured),
            Self::Hidden => Curated::As(Standing::Hidden),
        }
    }

    fn href(self, span: Span) -> String {
        let show = self.parameter().map(str::to_owned);
        paging::href(DESK, &[("show", show)], span)
    }
}

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let pile = Pile::of(&query);
    let today = service.today();
    let filter = |pile: Pile| PracticeFilter {
        curated: pile.curated(),
        ..PracticeFilter::all(Reader::Public(today))
    };
    let mut piles = Vec::new();
    for one in Pile::ALL {
        let number = service.store.number(&filter(one)).await?;
        let label = format!("{} ({})", one.title(), words::thousands(number));
        piles.push(if one == pile {
            Html::concat([
                Html::literal("<strong>"),
                Html::text(&label),
                Html::literal("</strong>"),
            ])
        } else {
            link(&label, &one.href(Span::Newest))
        });
    }
    let store = &service.store;
    let fetch = |span, limit| {
        let (before, after) = match span {
            Span::Newest => (None, None),
            Span::Before(index) => (Some(index), None),
            Span::After(index) => (None, Some(index)),
        };
        let filter = PracticeFilter {
            before,
            after,
            limit,
            ..filter(pile)
        };
        async move { store.entries(&filter).await }
    };
    let paged = paging::page(
        paging::span(&query),
        LISTED,
        |e: &LibraryEntry| e.index,
        fetch,
    )
    .await?;
    let cards = paged
        .items
        .iter()
        .map(|e| Card::new(e).leading_to(address(e)).html());
    let cards: Vec<Html> = cards.collect();
    let shown = if cards.is_empty() {
        InsetText::new(pile.empty()).into()
    } else {
        Html::concat(cards)
    };
    let href = |span| pile.href(span);
    let beside = Pagination::new("Entries", paged.previous.map(href), paged.next.map(href));
    let page = Page::new("Look after the practice library").breadcrumb("Home", "/").lead(
        "Each entry that areas share with everybody is looked at once. You may put it first, or take it out of the library with a reason; \
         what its area signed stays in the log as it is.",
    );
    let page = match query.get("done").and_then(|word| Standing::named(word)) {
        Some(standing) => page.notice(Notification::done(told(standing))),
        None => page,
    };
    Ok(page.body(Html::concat([
        Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            joined(piles),
            Html::literal("</p>"),
        ]),
        heading(pile.title()),
        shown,
        beside.into(),
        Html::literal("<p class=\"govuk-body\">"),
        link("Everything that was done, and by whom", DONE),
        Html::literal("</p>"),
    ])))
}

fn joined(parts: Vec<Html>) -> Html {
    let mut all = Vec::new();
    for part in parts {
        if !all.is_empty() {
            all.push(Html::text(" · "));
        }
        all.push(part);
    }
    Html::concat(all)
}

fn heading(text: &str) -> Html {
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">"),
        Html::text(text),
        Html::literal("</h2>"),
    ])
}

fn address(e: &LibraryEntry) -> String {
    format!("{DESK}/{}/{}", e.node, e.seq)
}

fn told(standing: Standing) -> &'static str {
    match standing {
        Standing::Listed => "The entry stands in the library among the others.",
        Standing::Featured => "The entry is shown first in the library.",
        Standing::Hidden => "The entry is no longer in the library.",
    }
}

/// How an entry stands, in two words.
fn tag(standing: Standing) -> Tag {
    match standing {
        Standing::Listed => Tag::coloured("Looked at", TagColour::Grey),
        Standing::Featured => Tag::coloured("Shown first", TagColour::Green),
        Standing::Hidden => Tag::coloured("Taken out", TagColour::Red),
    }
}

/// What was filled in, and what is wrong with it.
#[derive(Default)]
struct Filled {
    standing: Option<Standing>,
    words: String,
    errors: Vec<(&'static str, String)>,
}

/// An entry that everybody may read by its authors' word, hidden or not.
async fn find(
    service: &Service,
    (node, seq): &(String, u64),
) -> Result<(LibraryEntry, Html), Failure> {
    let node = node.parse().map_err(|_| ProblemPage::not_found())?;
    entry::whole(service, &(service.today(), node, *seq)).await
}

pub(super) async fn ask(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(place): Path<(String, u64)>,
) -> Answer {
    let found = find(&service, &place).await?;
    let said = service.store.said(found.0.index).await?;
    Ok(page(&found, said.as_ref(), &person, &Filled::default()))
}

pub(super) async fn say(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(place): Path<(String, u64)>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let found = find(&service, &place).await?;
    let text = |name: &str| form.get(name).map_or("", String::as_str);
    let mut filled = Filled {
        standing: Standing::named(text("standing")),
        words: one_line(text("words")),
        errors: Vec::new(),
    };
    let standing = filled.standing;
    match standing {
        None => filled
            .errors
            .push(("standing", "Choose what becomes of the entry".to_owned())),
        Some(standing) if standing.has_words() && filled.words.is_empty() => filled
            .errors
            .push(("words", "Say why, for everybody to read".to_owned())),
        Some(standing) if standing.has_words() => {
            if let Err(cause) = check_reason(&filled.words) {
                let why = format!("Readers would be shown {cause}. Write it without that");
                filled.errors.push(("words", why));
            }
        }
        Some(_) => filled.words.clear(),
    }
    let said = service.store.said(found.0.index).await?;
    let Some(standing) = standing.filter(|_| filled.errors.is_empty()) else {
        return Ok(page(&found, said.as_ref(), &person, &filled).into_response());
    };
    let seen = text("seen").parse().unwrap_or_default();
    let by = By {
        who: &person.name,
        now: service.now(),
    };
    let store = &service.store;
    match store
        .say(found.0.index, standing, &filled.words, seen, by)
        .await?
    {
        Saying::Done(_) => {
            let done = format!("{DESK}?done={}", standing.as_str());
            Ok(Redirect::to(&done).into_response())
        }
        Saying::Gone => Err(ProblemPage::not_found().into()),
        Saying::Moved => {
            let why = "Somebody has looked at this entry meanwhile: what they said stands above. Look again, then save";
            filled.errors.push(("standing", why.to_owned()));
            let said = store.said(found.0.index).await?;
            let page = page(&found, said.as_ref(), &person, &filled);
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
    }
}

fn page(
    (found, body): &(LibraryEntry, Html),
    said: Option<&Said>,
    person: &SignedIn,
    filled: &Filled,
) -> Page {
    let mut errors = ErrorSummary::new();
    for (field, why) in &filled.errors {
        errors = errors.error(*field, why.clone());
    }
    let form = if person.is_any(CURATORS) {
        form(found, said, filled)
    } else {
        Html::default()
    };
    Page::new(found.entry.title.clone())
        .caption("Look after the practice library")
        .breadcrumb("Home", "/")
        .breadcrumb("Look after the library", DESK)
        .errors(errors)
        .body(Html::concat([
            stands(said),
            form,
            heading("The entry"),
            body.clone(),
        ]))
}

/// What was said of the entry last.
fn stands(said: Option<&Said>) -> Html {
    let Some(said) = said else {
        return InsetText::new(
            "Nobody has looked at this entry yet. It stands in the library among the others.",
        )
        .into();
    };
    let by = format!(" by {}, {}. ", said.who, words::moment(said.at));
    InsetText::new(Html::concat([
        tag(said.standing).into(),
        Html::text(&by),
        Html::text(&said.words),
    ]))
    .into()
}

fn form(found: &LibraryEntry, said: Option<&Said>, filled: &Filled) -> Html {
    let error = |field: &str| {
        let mut found = filled.errors.iter().filter(|(of, _)| *of == field);
        found.next().map(|(_, why)| why.clone())
    };
    let choice = |standing: Standing, label: &str, hint: &str| {
        Choice::new(standing.as_str(), label)
            .hint(hint)
            .chosen(filled.standing == Some(standing))
    };
    let choices = [
        choice(
            Standing::Listed,
            "It stands in the library",
            "Among all others, the newest first.",
        ),
        choice(
            Standing::Featured,
            "It is shown first",
            "Above all others; the three latest that were chosen are.",
        ),
        choice(
            Standing::Hidden,
            "It is taken out of the library",
            "For what names or hurts somebody, or is no practice at all. A failure is no reason: failures are why people come here.",
        ),
    ];
    let why = Field::new("words", "Why?")
        .hint("For everybody to read, where the entry is shown first or taken out. One or two sentences, without names.")
        .value(filled.words.clone())
        .error_if(error("words"));
    PostForm::to(address(found))
        .hidden("seen", said.map_or(0, |said| said.number).to_string())
        .with(Radios::new(
            Field::new("standing", "What becomes of this entry?").error_if(error("standing")),
            choices,
        ))
        .with(
            TextArea::new(why)
                .rows(3)
                .limit(u32::try_from(MAX_REASON).unwrap_or(u32::MAX)),
        )
        .with(Button::new("Save"))
        .into()
}

pub(super) async fn acts(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let store = &service.store;
    let paged = paging::page(
        paging::span(&query),
        ACTS,
        |said: &Said| said.number,
        |span, limit| store.sayings(span, limit),
    )
    .await?;
    let rows = paged.items.iter().map(|said| {
        let entry = match &said.title {
            Some(title) => link(title, &format!("{DESK}/{}/{}", said.node, said.seq)),
            None => Html::text("An entry that its area withdrew since"),
        };
        [
            Html::from(words::moment(said.at)),
            said.who.clone().into(),
            tag(said.standing).into(),
            entry,
            said.words.clone().into(),
        ]
    });
    let shown: Html = if paged.items.is_empty() {
        InsetText::new("Nobody has looked at an entry yet.").into()
    } else {
        Table::new("What was done in the practice library")
            .caption_hidden()
            .columns(["When", "Who", "What", "Entry", "Why"])
            .rows(rows)
            .into()
    };
    let href = |span| paging::href(DONE, &[], span);
    let beside = Pagination::new("Acts", paged.previous.map(href), paged.next.map(href));
    Ok(Page::new("What was done in the practice library")
        .breadcrumb("Home", "/")
        .breadcrumb("Look after the library", DESK)
        .body(Html::concat([
            Html::paragraph("Newest first. Nothing here is changed or removed."),
            shown,
            beside.into(),
        ])))
}
