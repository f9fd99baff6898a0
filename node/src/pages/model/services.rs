//! Services: how fresh what is known of each is, and which may be the same.

use axum::Form as Sent;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, InsetText, PostForm, StatCard, Stats, Table, Tag, TagColour, link, list,
};
use ldsp_ui::{Html, Page, ProblemPage, Rule, SignedIn};
use serde::Deserialize;

use super::super::{Answer, COORDINATOR, Pages, READERS, fault, refused, see_other, words};
use super::form::Part;
use super::kinds::heading;
use super::{Beside, Shown, csv_of};
use crate::import::london_day;
use crate::provision::Freshness;
use crate::provision::doubles::{Pair, pairs};
use crate::provision::offer::{Offer, is_on_offer};
use crate::provision::words as provision_words;
use crate::store::doubles::Joined;
use crate::store::kept::{Known, Stored};
use crate::store::services::Service;

const DOUBLES: &str = "/provision/doubles";
const EXPORT: &str = "/provision/export.csv";

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::get(DOUBLES, READERS),
        Rule::post(DOUBLES, COORDINATOR),
        Rule::post("/provision/{id}/part", COORDINATOR),
        Rule::get(EXPORT, READERS),
    ]
}

pub(super) fn routes(router: Router<Pages>) -> Router<Pages> {
    router
        .route(DOUBLES, get(doubles).post(merge))
        .route("/provision/{id}/part", post(part))
        .route(EXPORT, get(export))
}

/// How fresh each of these is, with the day of today.
async fn freshness(
    pages: &Pages,
    all: &[Stored<Service>],
) -> Result<Vec<(i64, Freshness)>, ProblemPage> {
    let seen = pages.node.store.sightings().await.map_err(fault)?;
    let today = london_day((pages.clock)());
    let of = |stored: &Stored<Service>| {
        let seen = seen.get(&stored.id).map(|at| london_day(*at));
        Freshness::of(stored.it.assured, seen, today)
    };
    Ok(all.iter().map(|stored| (stored.id, of(stored))).collect())
}

fn freshness_tag(freshness: Freshness) -> Html {
    let day = |day: Date| words::day(day);
    match freshness {
        Freshness::Fresh(on) => Html::text(&day(on)),
        Freshness::Stale(on) => Html::concat([
            Tag::coloured("Old", TagColour::Yellow).into(),
            Html::text(&format!(" {}", day(on))),
        ]),
        Freshness::Never => Tag::coloured("Never checked", TagColour::Grey).into(),
    }
}

/// What a page says of how fresh it is.
fn freshness_words(freshness: Freshness) -> Html {
    let text = match freshness {
        Freshness::Fresh(on) => {
            return Html::paragraph(&format!("Last checked or seen on {}.", words::day(on)));
        }
        Freshness::Stale(on) => format!(
            "It was last checked or seen on {}, more than six months ago. Ask who offers it, then note the day under Last checked on.",
            words::day(on)
        ),
        Freshness::Never => "Nobody has said that they checked this, and no feed has given it. Ask who offers it, then note the day under Last checked on.".to_owned(),
    };
    InsetText::new(text).into()
}

impl Shown for Service {
    const PATH: &'static str = "/provision";
    const ONE: &'static str = "service";
    const A: &'static str = "a service";
    const MANY: &'static str = "Services";
    const ABOUT: &'static str = "Where people can learn digital skills in this area, whoever offers it: what it teaches, for whom, how many it takes and when somebody last checked that this is so.";
    const EMPTY: &'static str =
        "Nothing is listed yet. Add a service, or import a list of them as a file.";
    const PARTS: &'static [Part] = &[
        Part {
            title: "What is it, and who offers it?",
            columns: &["name", "organisation", "description", "url", "status"],
        },
        Part {
            title: "What does it teach, and whom?",
            columns: &["tier", "skills", "audience", "mode"],
        },
        Part {
            title: "Where and when, and for how many?",
            columns: &["area", "place", "places", "starts", "start", "end"],
        },
        Part {
            title: "What does it cost, and who may come?",
            columns: &[
                "cost",
                "cost_notes",
                "minimum_age",
                "maximum_age",
                "eligibility",
                "accessibility",
            ],
        },
        Part {
            title: "Who checked it, and who may see it?",
            columns: &[
                "assured_date",
                "assured_by",
                "source",
                "source_id",
                "public",
            ],
        },
    ];

    async fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        _: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let store = &pages.node.store;
        if let Some(into) = store.merged_into(stored.id).await.map_err(fault)? {
            return Ok(Html::concat([
                InsetText::new("Another row stands for this service: lists show that one.").into(),
                link("The row that stands for it", &format!("/provision/{into}")),
                apart(stored.id, "Let it stand for itself again", person),
            ]));
        }
        let all = freshness(pages, std::slice::from_ref(stored)).await?;
        let mut pieces: Vec<Html> = all.iter().map(|(_, f)| freshness_words(*f)).collect();
        if let (Some(places), Some(starts)) = (stored.it.places, stored.it.starts) {
            let a_year = places.saturating_mul(starts);
            let card = StatCard::new("People it can take in a year", words::count(a_year))
                .line("places in each run times runs in a year");
            pieces.push(Stats::new("How many", [card]).into());
        }
        pieces.push(suggested(pages, &stored.it).await?);
        let others = store.merged_with(stored.id).await.map_err(fault)?;
        if !others.is_empty() {
            pieces.push(heading("It stands for"));
            let rows = others.iter().map(|other| {
                let source = match other.source.as_str() {
                    "" => "This node",
                    source => source,
                };
                [
                    link(&other.name, &format!("/provision/{}", other.id)),
                    Html::text(source),
                    apart(other.id, "Take it apart again", person),
                ]
            });
            let table = Table::new("Rows that are the same service")
                .columns(["Name", "Where it comes from", "Undo"])
                .rows(rows);
            pieces.push(table.into());
        }
        Ok(Html::concat(pieces))
    }

    async fn beside(pages: &Pages, all: &[Stored<Self>]) -> Result<Option<Beside>, ProblemPage> {
        let of = freshness(pages, all).await?;
        let choices = Freshness::CHOICES;
        Ok(Some(Beside {
            column: "fresh",
            label: "Last checked or seen",
            choices: choices.map(|(id, t)| (id.to_owned(), t.to_owned())).into(),
            of: of
                .into_iter()
                .map(|(id, f)| (id, (f.id(), freshness_tag(f))))
                .collect(),
        }))
    }

    async fn below(
        pages: &Pages,
        found: &[Stored<Self>],
        _: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        if found.is_empty() {
            return Ok(ways(person));
        }
        let all = freshness(pages, found).await?;
        let old = all
            .iter()
            .filter(|(_, f)| !matches!(f, Freshness::Fresh(_)));
        let today = london_day((pages.clock)());
        let offer = Offer::on(today, found, pages.node.chosen().as_ref());
        let offered = found.iter().filter(|s| is_on_offer(&s.it, today));
        let a_year = offered.filter_map(|s| Some(s.it.places?.saturating_mul(s.it.starts?)));
        let cards = [
            StatCard::new("Services on offer", words::count(offer.services)),
            StatCard::new(
                "People they can take in a year",
                words::count(a_year.sum::<i64>()),
            )
            .line("where places and runs are stated"),
            StatCard::new("To be checked", words::count(old.count() as u64))
                .line("not checked or seen in the last six months"),
        ];
        let mut pieces = vec![Stats::new("Of those found", cards).into()];
        let store = &pages.node.store;
        let (all, distinct) = (store.kept().await, store.distinct_services().await);
        let doubles = pairs(&all.map_err(fault)?, &distinct.map_err(fault)?).len();
        if doubles > 0 {
            let some = words::some(doubles, "pair", "pairs");
            let doubles = link(&format!("{some} may be the same service"), DOUBLES);
            pieces.push(list([doubles]));
        }
        pieces.push(ways(person));
        Ok(Html::concat(pieces))
    }
}

/// Where to go from the list.
fn ways(person: &SignedIn) -> Html {
    let mut ways = Vec::new();
    if super::writes::<Service>(person) {
        ways.push(link(
            "Bring in a list of services as a file",
            "/import?kind=services",
        ));
    }
    ways.push(link(
        "Pull the services of somebody else\u{2019}s directory",
        "/provision/feeds",
    ));
    ways.push(link(
        "Services that may be the same, and what was decided of them",
        DOUBLES,
    ));
    ways.push(link(
        "Download all of it in the columns of the file (CSV)",
        EXPORT,
    ));
    list(ways)
}

/// All of it in the columns of the file, which may come back as it is.
async fn export(State(pages): State<Pages>) -> Answer {
    let store = &pages.node.store;
    let known = store.known().await.map_err(fault)?;
    let all: Vec<Stored<Service>> = store.kept().await.map_err(fault)?;
    Ok(csv_of(&known, &all, "ldsp-services.csv"))
}

/// Words of the table in what a service that nobody classified says of itself.
async fn suggested(pages: &Pages, it: &Service) -> Result<Html, ProblemPage> {
    let standard = Standard::current();
    let title = |dimension: Dimension, at: u8| {
        let code = standard.dimension(dimension).codes.get(usize::from(at));
        code.map_or("", |code| code.title.as_str())
    };
    if it.skills != 0 {
        return Ok(Html::default());
    }
    let store = &pages.node.store;
    let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
    let table = provision_words::table(&mut reader).await.map_err(fault)?;
    let text = format!("{}. {}", it.name, it.description);
    let found = provision_words::found(&text, &table);
    if found.is_empty() {
        return Ok(Html::paragraph(
            "It is not yet classified: say its tier and the skills that it teaches.",
        ));
    }
    let rows = found.into_iter().map(|(word, found)| {
        [
            word.to_owned(),
            title(Dimension::Tier, found.tier).to_owned(),
            title(Dimension::Skill, found.skill).to_owned(),
            format!("{} %", found.confidence),
        ]
    });
    let table = Table::new(
        "Not yet classified. Words found in name and description, and what each may mean",
    )
    .columns(["Word", "Tier", "Skill", "How sure"])
    .numeric([3])
    .rows(rows);
    Ok(table.into())
}

/// What undoes a merge, for who may.
fn apart(id: i64, words: &str, person: &SignedIn) -> Html {
    if !super::writes::<Service>(person) {
        return Html::default();
    }
    PostForm::to(format!("/provision/{id}/part"))
        .buttons([Button::new(words.to_owned()).secondary()])
        .into()
}

async fn doubles(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let store = &pages.node.store;
    let all: Vec<Stored<Service>> = store.kept().await.map_err(fault)?;
    let distinct = store.distinct_services().await.map_err(fault)?;
    let found = pairs(&all, &distinct);
    let may_write = super::writes::<Service>(&person);
    let mut pieces = vec![Html::paragraph(
        "Rows that may be the same service. The one that you keep stands for both: lists and the open feed show it alone. Nothing of the other is lost, and it can be taken apart again.",
    )];
    if found.is_empty() {
        pieces.push(Html::paragraph("Nothing waits for a decision."));
    }
    let one = |id: i64| all.iter().find(|stored| stored.id == id);
    for pair in &found {
        if let (Some(first), Some(second)) = (one(pair.one), one(pair.other)) {
            pieces.push(side_by_side(*pair, first, second, may_write));
        }
    }
    let pairs = distinct.iter();
    let apart: Vec<_> = pairs
        .filter_map(|(first, second)| Some((one(*first)?, one(*second)?)))
        .collect();
    if !apart.is_empty() {
        pieces.push(told_apart(&apart, may_write));
    }
    Ok(Page::new("Services that may be the same")
        .breadcrumb(Service::MANY, Service::PATH)
        .body(Html::concat(pieces))
        .into_response())
}

fn source(stored: &Stored<Service>) -> String {
    match stored.it.source.as_str() {
        "" => "This node".to_owned(),
        source => source.to_owned(),
    }
}

/// A button that says something of two rows.
fn decide(kept: i64, other: i64, said: &str, words: &str) -> Html {
    PostForm::to(DOUBLES)
        .hidden("kept", kept.to_string())
        .hidden("other", other.to_string())
        .hidden("said", said.to_owned())
        .buttons([Button::new(words.to_owned()).secondary()])
        .into()
}

/// Pairs that somebody found to be two services.
fn told_apart(all: &[(&Stored<Service>, &Stored<Service>)], may_write: bool) -> Html {
    let named = |stored: &Stored<Service>| {
        let name = format!("{} ({})", stored.it.name, source(stored));
        link(&name, &format!("/provision/{}", stored.id))
    };
    let rows = all.iter().map(|(first, second)| {
        let undo = match may_write {
            true => decide(
                first.id,
                second.id,
                PERHAPS,
                "They may be the same after all",
            ),
            false => Html::default(),
        };
        [named(first), named(second), undo]
    });
    let table = Table::new("They look alike and are two services")
        .columns(["One", "The other", "Undo"])
        .rows(rows);
    table.into()
}

fn side_by_side(
    pair: Pair,
    first: &Stored<Service>,
    second: &Stored<Service>,
    may_write: bool,
) -> Html {
    let name = |s: &Stored<Service>| link(&s.it.name, &format!("/provision/{}", s.id));
    let row = |label: &str, of: &dyn Fn(&Stored<Service>) -> Html| {
        [Html::text(label), of(first), of(second)]
    };
    let rows = [
        row("Name", &name),
        row("Who offers it", &|s| Html::text(&s.it.organisation)),
        row("Where", &|s| Html::text(&s.it.place)),
        row("Page about it", &|s| Html::text(&s.it.url)),
        row("Where it comes from", &|s| Html::text(&source(s))),
        row("Its identifier there", &|s| Html::text(&s.it.source_id)),
    ];
    let table = Table::new(pair.why.in_words())
        .columns(["What", "One", "The other"])
        .rows(rows);
    let mut pieces = vec![table.into()];
    if may_write {
        pieces.push(decide(
            pair.one,
            pair.other,
            "",
            "They are the same: keep the one",
        ));
        pieces.push(decide(
            pair.other,
            pair.one,
            "",
            "They are the same: keep the other",
        ));
        pieces.push(decide(
            pair.one,
            pair.other,
            DISTINCT,
            "They are two services",
        ));
    }
    Html::concat(pieces)
}

/// What is said of two rows, besides that they are the same.
const DISTINCT: &str = "distinct";
const PERHAPS: &str = "perhaps";

#[derive(Deserialize)]
struct Same {
    #[serde(default)]
    kept: String,
    #[serde(default)]
    other: String,
    /// [`DISTINCT`], [`PERHAPS`], or that they are the same.
    #[serde(default)]
    said: String,
}

fn gone() -> ProblemPage {
    refused(
        "service_gone",
        "The rows are not as you saw them",
        "somebody merged one of them or took it apart in the meantime",
        "Open the page again and look at what is there now.",
    )
}

async fn merge(State(pages): State<Pages>, person: SignedIn, Sent(same): Sent<Same>) -> Answer {
    let number = crate::api::number;
    let (Some(kept), Some(other)) = (number(&same.kept), number(&same.other)) else {
        return Err(ProblemPage::not_found());
    };
    let (store, now) = (&pages.node.store, (pages.clock)());
    let (pair, who) = ((kept, other), &person.name);
    let (decided, to) = match same.said.as_str() {
        DISTINCT => (
            store.tell_apart(pair, true, who, now).await,
            DOUBLES.to_owned(),
        ),
        PERHAPS => (
            store.tell_apart(pair, false, who, now).await,
            DOUBLES.to_owned(),
        ),
        _ => {
            let merged = store.merge_services(pair, who, now).await;
            (merged, format!("/provision/{kept}?done=changed"))
        }
    };
    match decided.map_err(fault)? {
        Joined::Done => Ok(see_other(&to)),
        Joined::Gone => Err(gone()),
    }
}

async fn part(
    State(pages): State<Pages>,
    axum::extract::Path(id): axum::extract::Path<String>,
    person: SignedIn,
) -> Answer {
    let id = crate::api::number(&id).ok_or_else(ProblemPage::not_found)?;
    let (store, now) = (&pages.node.store, (pages.clock)());
    let parted = store.part_service(id, &person.name, now).await;
    match parted.map_err(fault)? {
        Joined::Done => Ok(see_other(&format!("/provision/{id}?done=changed"))),
        Joined::Gone => Err(gone()),
    }
}
