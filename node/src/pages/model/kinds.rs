//! What the pages of the four kinds say besides their columns.

use jiff::civil::Date;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{StatCard, Stats, Table, Tag, TagColour, link, list};
use ldsp_ui::{Html, ProblemPage, SignedIn};

use super::super::{Pages, exact_part, exact_tag, fault, words};
use super::form::Part;
use super::{Beside, Shown};
use crate::import::london_day;
use crate::model::Model as _;
use crate::store::cohorts::Cohort;
use crate::store::items::DataItem;
use crate::store::kept::{Known, Stored};
use crate::store::organisations::{Organisation, OrganisationKind};
use crate::store::programmes::Programme;
use crate::store::providers::folded;
use crate::store::spend::Spend;

/// Whether each row runs, by its first and last day: what cannot be deleted is ended.
fn state<M>(
    pages: &Pages,
    all: &[Stored<M>],
    days: fn(&M) -> (Option<Date>, Option<Date>),
) -> Beside {
    let today = london_day((pages.clock)());
    let of = all.iter().map(|stored| {
        let (start, end) = days(&stored.it);
        let (id, words, colour) = match () {
            () if end.is_some_and(|end| end < today) => ("ended", "Ended", TagColour::Grey),
            () if start.is_some_and(|start| start > today) => {
                ("later", "Not begun", TagColour::Yellow)
            }
            () => ("runs", "Runs", TagColour::Green),
        };
        (stored.id, (id, Tag::coloured(words, colour).into()))
    });
    let choices = [("runs", "Runs"), ("later", "Not begun"), ("ended", "Ended")];
    let choices = choices.map(|(id, words)| (id.to_owned(), words.to_owned()));
    Beside {
        column: "state",
        label: "State",
        choices: choices.to_vec(),
        of: of.collect(),
    }
}

pub(super) fn heading(text: &str) -> Html {
    Html::concat([
        Html::literal("<h2 class=\"govuk-heading-m\">"),
        Html::text(text),
        Html::literal("</h2>"),
    ])
}

/// `£1,250.00`.
fn pounds(pence: i64) -> String {
    format!("\u{a3}{}.{:02}", words::count(pence / 100), pence % 100)
}

/// A cohort's title, which leads to it whoever may open it.
fn title_link(cohort: &Stored<Cohort>, known: &Known, person: &SignedIn) -> Html {
    let title = cohort.it.title(known);
    if super::opens(person, "/cohorts/{id}") {
        link(&title, &format!("/cohorts/{}", cohort.id))
    } else {
        Html::text(&title)
    }
}

fn total<'a>(spend: impl Iterator<Item = &'a Spend>) -> i64 {
    spend.fold(0, |sum, spend| sum.saturating_add(spend.pence))
}

fn cohorts(title: &str, all: &[Stored<Cohort>], known: &Known, person: &SignedIn) -> Html {
    if all.is_empty() {
        return Html::concat([heading(title), Html::paragraph("None so far.")]);
    }
    let questions = Cohort::questions(known);
    let rows = all.iter().map(|cohort| {
        let texts = cohort.it.texts(known);
        let said = |column: &str| {
            let at = questions.iter().position(|q| q.column == column);
            at.map_or_else(Html::default, |at| super::said(&questions[at], &texts[at]))
        };
        [
            title_link(cohort, known, person),
            said("provider"),
            said("start"),
            said("places"),
        ]
    });
    let table = Table::new(title)
        .columns(["Cohort", "Provider", "First day", "Places"])
        .numeric([3])
        .rows(rows);
    table.into()
}

/// Which Individualised Learner Records are this provider's. `said`: whose those of a UKPRN are.
fn ilrs(provider: &Organisation, said: &[(u32, String)]) -> String {
    let own: Vec<String> = said
        .iter()
        .filter(|(_, name)| folded(name) == folded(&provider.name))
        .map(|(ukprn, _)| ukprn.to_string())
        .collect();
    let other = said.iter().find(|(ukprn, name)| {
        provider.ukprn == Some(i64::from(*ukprn)) && folded(name) != folded(&provider.name)
    });
    match (own.as_slice(), other, provider.ukprn) {
        (_, Some((ukprn, name)), _) => format!(
            "Individualised Learner Records (ILR) of its UKPRN {ukprn} are read as those of {name}: the ILR mappings say so."
        ),
        ([], None, None) => {
            "Its Individualised Learner Records (ILR) are found once its UKPRN stands here."
                .to_owned()
        }
        ([], None, Some(ukprn)) => format!(
            "More than one organisation has the UKPRN {ukprn}, so it is asked whose an Individualised Learner Record (ILR) with it is."
        ),
        (own, None, _) => format!(
            "Individualised Learner Records (ILR) of UKPRN {} are read as this provider\u{2019}s.",
            own.join(" and ")
        ),
    }
}

impl Shown for Organisation {
    const PATH: &'static str = "/organisations";
    const ONE: &'static str = "organisation";
    const A: &'static str = "an organisation";
    const MANY: &'static str = "Organisations";
    const ABOUT: &'static str = "Who delivers training here, whose people are trained, and who pays. Organisations only: a person has no place in this list.";
    const EMPTY: &'static str = "There is no organisation yet. Add the training providers first: cohorts and the providers\u{2019} own pages need them.";

    async fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        known: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let store = &pages.node.store;
        let all: Vec<Stored<Cohort>> = store.kept().await.map_err(fault)?;
        if stored.it.kind != OrganisationKind::Provider {
            let trained: Vec<_> = all
                .into_iter()
                .filter(|c| c.it.employer == Some(stored.id))
                .collect();
            return Ok(cohorts("Cohorts of its people", &trained, known, person));
        }
        let own: Vec<_> = all
            .into_iter()
            .filter(|c| c.it.organisation == stored.id)
            .collect();
        let named = store.providers().await.map_err(fault)?;
        let name = folded(&stored.it.name);
        let found = named.iter().any(|(other, _)| folded(other) == name);
        let records = if found {
            "Files name this provider: their rows are its records."
        } else {
            "No file has named this provider so far. Its records are found by its name, as files write it."
        };
        let mappings = store.ilr_mappings().await.map_err(fault)?;
        Ok(Html::concat([
            cohorts("Cohorts that it delivers", &own, known, person),
            Html::paragraph(records),
            Html::paragraph(&ilrs(&stored.it, &mappings.providers)),
        ]))
    }

    async fn below(
        pages: &Pages,
        _: &[Stored<Self>],
        known: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let store = &pages.node.store;
        let reached = store.reached().await.map_err(fault)?;
        let mut pieces = Vec::new();
        if !reached.is_empty() {
            let audiences = &Standard::current().dimension(Dimension::Audience).codes;
            let rows = reached.iter().map(|r| {
                let audience = audiences.get(usize::from(r.audience));
                [
                    audience
                        .map_or("Not stated", |code| code.title.as_str())
                        .to_owned(),
                    r.kind.in_words().to_owned(),
                    words::count(r.organisations),
                ]
            });
            let table = Table::new("Organisations whose people were trained, by whom the programme is for. Exact: do not share")
                .columns(["Programme for", "Organisations", "Different ones"])
                .numeric([2])
                .rows(rows);
            pieces.push(exact_part(table));
        }
        let named = store.providers().await.map_err(fault)?;
        if !named.is_empty() && super::writes::<Self>(person) {
            pieces.push(list([link(
                "Names of providers in files, and saying that one has a new name",
                super::super::names::PATH,
            )]));
        }
        let has = |name: &str| {
            known
                .organisations
                .iter()
                .any(|(_, other, _)| folded(other) == folded(name))
        };
        let missing: Vec<_> = named
            .iter()
            .filter(|(name, was)| was.is_none() && !has(name))
            .collect();
        if !missing.is_empty() && super::writes::<Self>(person) {
            pieces.push(heading("Providers that files name and this list does not"));
            pieces.push(list(missing.into_iter().map(|(name, _)| {
                let query = [("kind", "provider"), ("name", name)];
                let url = reqwest::Url::parse_with_params("https://any", query);
                let query = url
                    .as_ref()
                    .ok()
                    .and_then(reqwest::Url::query)
                    .unwrap_or_default();
                link(
                    &format!("Add {name}"),
                    &format!("/organisations/new?{query}"),
                )
            })));
        }
        Ok(Html::concat(pieces))
    }
}

impl Shown for Programme {
    const PATH: &'static str = "/programmes";
    const ONE: &'static str = "programme";
    const A: &'static str = "a programme";
    const MANY: &'static str = "Programmes";
    const ABOUT: &'static str = "What is taught here, for whom and with whose money. A programme file (Import) adds and updates many at once; both ways keep the same history. What was counted of an enrolment stays as it was, also when its programme is described anew.";
    const EMPTY: &'static str = "There is no programme yet. Add one, or import a programme file: learners\u{2019} files refer to programmes by their codes.";
    const PARTS: &'static [Part] = &[
        Part {
            title: "What is the programme called?",
            columns: &["programme", "name"],
        },
        Part {
            title: "Who delivers it, and who pays?",
            columns: &["provider", "funder", "cost"],
        },
        Part {
            title: "Whom is it for, and what does it teach?",
            columns: &["tier", "type", "audience", "skills"],
        },
        Part {
            title: "When, how and for how many?",
            columns: &["start", "end", "mode", "capacity"],
        },
    ];

    async fn beside(pages: &Pages, all: &[Stored<Self>]) -> Result<Option<Beside>, ProblemPage> {
        Ok(Some(state(pages, all, |it| (it.start, it.end))))
    }

    async fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        known: &Known,
        person: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let store = &pages.node.store;
        let all: Vec<Stored<Cohort>> = store.kept().await.map_err(fault)?;
        let own: Vec<_> = all
            .into_iter()
            .filter(|c| c.it.programme == stored.id)
            .collect();
        let spend: Vec<Stored<Spend>> = store.kept().await.map_err(fault)?;
        let is_own = |s: &&Spend| {
            s.programme == Some(stored.id) || own.iter().any(|c| s.cohort == Some(c.id))
        };
        let places: i64 = own.iter().filter_map(|c| c.it.places).sum();
        let cards = [
            StatCard::new("Cohorts", words::count(own.len() as u64)),
            StatCard::new("Places in them", words::count(places)),
            StatCard::new(
                "Spent",
                pounds(total(spend.iter().map(|s| &s.it).filter(is_own))),
            )
            .line("on the programme and its cohorts"),
        ];
        Ok(Html::concat([
            Stats::new("So far", cards).into(),
            cohorts("Cohorts", &own, known, person),
        ]))
    }
}

impl Shown for Cohort {
    const PATH: &'static str = "/cohorts";
    const ONE: &'static str = "cohort";
    const A: &'static str = "a cohort";
    const MANY: &'static str = "Cohorts";
    const ABOUT: &'static str = "One run of a programme by one provider: when, where, how many places. The provider sees its cohorts on its own pages and records its learners there.";
    const EMPTY: &'static str = "There is no cohort yet. Add the provider under Organisations and the programme first, then a cohort.";
    const PARTS: &'static [Part] = &[
        Part {
            title: "What is the cohort called?",
            columns: &["cohort", "title"],
        },
        Part {
            title: "What is taught, by whom and to whom?",
            columns: &["programme", "provider", "employer"],
        },
        Part {
            title: "When and where, and for how many?",
            columns: &["start", "end", "place", "places"],
        },
    ];

    async fn beside(pages: &Pages, all: &[Stored<Self>]) -> Result<Option<Beside>, ProblemPage> {
        Ok(Some(state(pages, all, |it| (it.start, it.end))))
    }

    async fn more(
        pages: &Pages,
        stored: &Stored<Self>,
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        let store = &pages.node.store;
        let stages = Standard::current().stages();
        let held = store
            .exact_cohort(stored.id, stages.len())
            .await
            .map_err(fault)?;
        let held = held.for_signed_in_page();
        let spend: Vec<Stored<Spend>> = store.kept().await.map_err(fault)?;
        let spent = total(
            spend
                .iter()
                .map(|s| &s.it)
                .filter(|s| s.cohort == Some(stored.id)),
        );
        let all: u64 = held.iter().sum();
        let mut cards = vec![StatCard::new("Enrolments", words::count(all)).tag(exact_tag())];
        let counted = stages.iter().zip(&held).filter(|(_, n)| **n > 0);
        cards
            .extend(counted.map(|(stage, n)| StatCard::new(stage.title.clone(), words::count(*n))));
        cards.push(StatCard::new("Spent", pounds(spent)).line("on this cohort alone"));
        Ok(exact_part(Stats::new("Who is in it", cards)))
    }
}

impl Shown for Spend {
    const PATH: &'static str = "/spend";
    const ONE: &'static str = "amount";
    const A: &'static str = "an amount";
    const MANY: &'static str = "Spend";
    const ABOUT: &'static str = "What was really spent, month by month, on a programme as a whole or on one cohort, and who said so. Cost per start and per outcome rest on it.";
    const EMPTY: &'static str = "No amount is recorded yet. Add one for a programme or a cohort; an amount that was wrong is changed, never repeated.";

    async fn below(
        _: &Pages,
        found: &[Stored<Self>],
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        if found.is_empty() {
            return Ok(Html::default());
        }
        let sum = total(found.iter().map(|stored| &stored.it));
        Ok(Html::paragraph(&format!("Together: {}.", pounds(sum))))
    }
}

impl Shown for DataItem {
    const PATH: &'static str = "/data-items";
    const ONE: &'static str = "data item";
    const A: &'static str = "a data item";
    const MANY: &'static str = "Data items";
    const ABOUT: &'static str = "Who collects what, how often and since when, as agreed with the Skills Advisory Panel. An agreement that ends gets its last month; the next one is another row with the same code.";
    const EMPTY: &'static str =
        "Nothing is agreed yet. Add what you collect and what the panel collects, one row each.";

    async fn below(
        _: &Pages,
        _: &[Stored<Self>],
        _: &Known,
        _: &SignedIn,
    ) -> Result<Html, ProblemPage> {
        Ok(Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            link("What is collected twice, late or by nobody", "/exchange"),
            Html::literal("</p>"),
        ]))
    }
}
