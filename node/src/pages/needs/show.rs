//! A draft, or what was published: what everybody reads, what is kept back and why, and what an approver decides.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::needs::{DemandSummary, PEOPLE_MONTHS, ProvisionSummary};
use ldsp_ui::components::{
    CodeBlock, Details, ErrorSummary, InsetText, StatCard, Stats, SummaryList, Table, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::home::receipt_words;
use super::super::release_view::{code, heading};
use super::super::{Answer, Pages, done, fault, federation, words};
use super::word::{Said, decision};
use super::{PATH, find, tag};
use crate::needs::shown::State as Stage;
use crate::needs::words as said;
use crate::store::needs::StoredNeeds;

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let it = find(&pages, &id).await?;
    let page = page(&pages, &it, &person, &Said::default()).await?;
    let page = match after.done.as_str() {
        "prepared" => page.notice(done(
            "The draft is ready. Nothing has left yet.",
            "Somebody else with the role approver reads it and publishes or refuses it.",
        )),
        "approved" => page.notice(done(
            "The needs are published and signed.",
            "They are delivered to the national log by themselves; the receipts will show here.",
        )),
        "refused" => page.notice(done(
            "The draft is refused.",
            "The coordinator sees your reason on this page.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

pub(super) async fn page(
    pages: &Pages,
    it: &StoredNeeds,
    person: &SignedIn,
    word: &Said,
) -> Result<Page, ProblemPage> {
    let mut pieces = vec![facts(pages, it).await?];
    if it.waits() {
        let then = "this draft can be read and refused, and is published once that is done.";
        let obstacle = federation::obstacle(pages, then).await?;
        pieces.extend([
            heading("Who must agree"),
            obstacle.clone().unwrap_or_default(),
            decision(it, person, word, obstacle.is_some()),
        ]);
    }
    pieces.push(organisations(&it.demand));
    pieces.push(kept_back(it));
    pieces.push(people(&it.demand));
    pieces.push(offered(it.provision.as_ref()));
    pieces.push(exact(it));
    let errors = word
        .errors
        .iter()
        .fold(ErrorSummary::new(), |all, (at, error)| {
            all.error(at.clone(), error.clone())
        });
    Ok(
        Page::new(format!("Needs of {}", words::day(it.demand.as_of)))
            .caption("What this area asks for and what is offered in it")
            .breadcrumb("Published needs", PATH)
            .errors(errors)
            .body(Html::concat(pieces)),
    )
}

async fn facts(pages: &Pages, it: &StoredNeeds) -> Result<Html, ProblemPage> {
    let by = |(who, at): &(String, jiff::Timestamp)| format!("{who} on {}", words::moment(*at));
    let mut list = SummaryList::new()
        .fact("State", tag(Stage::of(it)))
        .fact("Prepared by", by(&it.prepared));
    if let Some((act, reason)) = &it.refused {
        list = list.fact("Refused by", by(act)).fact("Why", reason.clone());
    }
    if let Some(act) = &it.approved {
        list = list.fact("Published by", by(act));
    }
    let statements = pages.node.store.statements().await.map_err(fault)?;
    for seq in it.seqs.iter().flatten() {
        if let Some(row) = statements.iter().find(|row| row.seq == *seq) {
            let what = link(&words::statement(row), &format!("/statements/{seq}"));
            let receipt = Html::concat([what, ": ".into(), receipt_words(row)]);
            list = list.fact(format!("Statement {seq}"), receipt);
        }
    }
    Ok(list.fact("Digest", code(&it.digest.in_blocks())).into())
}

fn organisations(demand: &DemandSummary) -> Html {
    let title = heading("What organisations ask for");
    if demand.organisations.is_empty() {
        let none = "No number of organisations is told.";
        return Html::concat([title, InsetText::new(none).into()]);
    }
    let rows = demand.organisations.iter().map(|sum| {
        let learnt = format!(
            "{}, by {}",
            said::sure(sum.sure),
            said::how(&sum.how).to_lowercase()
        );
        let as_of = match sum.as_of == demand.as_of {
            true => String::new(),
            false => words::day(sum.as_of),
        };
        [
            said::skill(&sum.skill, sum.tier.as_deref()).into(),
            said::place(sum.district.as_ref()).into(),
            said::counts(sum.counts).into(),
            words::count(sum.number).into(),
            Html::from(learnt),
            as_of.into(),
        ]
    });
    let table = Table::new("Sums that are told")
        .caption_hidden()
        .columns([
            "Skill",
            "Where",
            "What is counted",
            "Number",
            "How it was learnt",
            "Stands since",
        ])
        .numeric([3])
        .rows(rows);
    Html::concat([
        title,
        Html::paragraph(
            "Of employers, charities and public bodies. A number of the whole area is not the sum of the districts: it was stated for all of it.",
        ),
        table.into(),
    ])
}

fn kept_back(it: &StoredNeeds) -> Html {
    let mut pieces = Vec::new();
    if !it.left.sums.is_empty() {
        let rows = it.left.sums.iter().map(|held| {
            [
                Html::from(said::skill(&held.of.skill, held.of.tier.as_deref())),
                said::place(held.of.district.as_ref()).into(),
                said::counts(held.of.counts).into(),
                said::why(held.why).into(),
            ]
        });
        let table = Table::new("Sums that are kept back, or stand as they were told last")
            .columns(["Skill", "Where", "What is counted", "Why"])
            .rows(rows);
        pieces.extend([
            table.into(),
            Html::paragraph(
                "This table stays at this node. The statement says only that some numbers are kept back.",
            ),
        ]);
    }
    if it.left.elsewhere > 0 {
        pieces.push(Html::paragraph(&format!(
            "{} of districts that another LEP owns: that LEP tells of them, so they are in no number here.",
            match it.left.elsewhere {
                1 => "1 record is".to_owned(),
                n => format!("{} records are", words::count(n)),
            }
        )));
    }
    Html::concat(pieces)
}

fn people(demand: &DemandSummary) -> Html {
    let title = heading("What people who were asked need");
    let Some(asked) = &demand.people else {
        let none = "No record of people was added since the needs before, so nothing is told of them again.";
        return Html::concat([title, InsetText::new(none).into()]);
    };
    let around = said::give_or_take(asked);
    let intro = Html::paragraph(&format!(
        "Random noise was added once to every count, so that nobody can tell whether one person was asked: each is right give or take {around}, in 19 of 20 cases. These counts are added to those that were published in the {PEOPLE_MONTHS} months before.",
    ));
    let (found, others) = said::clear(asked, &demand.lep);
    let lost = match others {
        0 => String::new(),
        n => format!(
            "{} other counts are too small to tell from the noise. They are published too, so that the country can add them up.",
            words::count(n as u64)
        ),
    };
    let rows = found.into_iter().map(|(skill, place, number)| {
        [
            Html::from(skill),
            place.into(),
            format!("about {}", said::about(number)).into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let table = match rows.is_empty() {
        true => Html::default(),
        false => Table::new("Counts that stand out of the noise")
            .columns(["Skill", "Where", "People"])
            .numeric([2])
            .rows(rows)
            .into(),
    };
    Html::concat([title, intro, table, Html::paragraph(&lost)])
}

fn offered(provision: Option<&ProvisionSummary>) -> Html {
    let title = heading("What is offered");
    let Some(provision) = provision else {
        let none = "The log did not have this statement when this database was put back together.";
        return Html::concat([title, InsetText::new(none).into()]);
    };
    let all = &provision.all;
    let known = format!(
        "of {} of which it is known",
        words::some(
            usize::try_from(all.places_known).unwrap_or(usize::MAX),
            "service",
            "services"
        )
    );
    let cards = [
        StatCard::new("Services", words::count(all.services)).line("of the open feed, on offer"),
        StatCard::new("Places in a year", words::count(all.places)).line(known),
        StatCard::new("Free", words::count(all.free)).line("cost a learner nothing"),
        StatCard::new("Assured", words::count(all.assured)).line("in the last 12 months"),
    ];
    let stats = Stats::new("Services on offer", cards);
    if provision.offers.is_empty() {
        return Html::concat([title, stats.into()]);
    }
    let rows = provision.offers.iter().map(|offer| {
        [
            said::skill(&offer.skill, None).into(),
            said::place(offer.district.as_ref()).into(),
            words::count(offer.sum.services).into(),
            words::count(offer.sum.organisations).into(),
            Html::from(match offer.sum.places_known {
                0 => "not known".to_owned(),
                _ => words::count(offer.sum.places),
            }),
        ]
    });
    let table = Table::new("By skill and district")
        .columns([
            "Skill",
            "Where",
            "Services",
            "Organisations",
            "Places in a year",
        ])
        .numeric([2, 3, 4])
        .rows(rows);
    Html::concat([
        title,
        stats.into(),
        Html::paragraph("A service that teaches two skills is in both rows."),
        table.into(),
    ])
}

/// What is, or would be, signed, in what it says.
fn exact(it: &StoredNeeds) -> Html {
    let demand = CodeBlock::new("demand", "What is asked for", pretty(&it.demand));
    let mut pieces = vec![demand.into()];
    if let Some(provision) = &it.provision {
        pieces.push(CodeBlock::new("provision", "What is offered", pretty(provision)).into());
    }
    Details::new("Exactly what is signed and sent", Html::concat(pieces)).into()
}

fn pretty(it: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(it).expect("texts, numbers, dates and lists are JSON")
}
