//! The provider's own learners: all of them, or those of a cohort.

use axum::extract::State;
use axum::response::IntoResponse as _;
use ldsp_protocol::standard::Standard;
use ldsp_ui::components::{InsetText, link};
use ldsp_ui::listing::{Asked, Column, Listing, Order};
use ldsp_ui::{Html, OwnOrganisation, Page, ProblemPage};

use super::super::{Answer, Pages, done, fault, words};
use super::{cohort_at, date, learner_at, name, own, stage_tag};
use crate::delivery::{self, Handled, Own};
use crate::quality::{self, CATALOGUE, Rule};
use crate::store::delivery::{Entry, Sorted, Sought, Within};
use crate::store::kept::Known;

/// Learners of a page.
const SHOWN: usize = 100;
/// What the filter of cohorts calls those in none.
const NO_COHORT: &str = "none";

/// So many are seen at a glance.
const FEW: usize = 8;

/// The address of the provider's learners that a rule is about.
pub(super) fn found_at(rule: &str) -> String {
    format!("/provider/learners?found={rule}")
}

/// Whose learners a list shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// All of the provider.
    Everywhere,
    /// Those of this cohort.
    Cohort(i64),
}

fn sought(pages: &Pages, own: &Own, (asked, order): (&Asked, &Order), place: Place) -> Sought {
    let from = (asked.page() - 1).saturating_mul(SHOWN);
    Sought {
        within: match (place, asked.text("cohort")) {
            (Place::Cohort(id), _) => Within::Cohort(id),
            (Place::Everywhere, NO_COHORT) => Within::None,
            (Place::Everywhere, "") => Within::Anywhere,
            // What is no cohort of its own holds nobody, whatever else it is: no row has the number 0.
            (Place::Everywhere, handle) => {
                Within::Cohort(own.number(Handled::Cohort, handle).unwrap_or(0))
            }
        },
        stage: Standard::current()
            .parse_stage(asked.text("stage"))
            .and_then(|at| u8::try_from(at).ok()),
        reference: asked.text("q").to_owned(),
        condition: None,
        ident: Some(delivery::number_of(
            own,
            &pages.node.pseudonyms,
            asked.text("q"),
        )),
        by: match order.by.as_str() {
            "reference" => Sorted::Reference,
            "stage" => Sorted::Stage,
            "end" => Sorted::End,
            _ => Sorted::Start,
        },
        down: order.down,
        from: i64::try_from(from).unwrap_or(i64::MAX),
        limit: SHOWN as i64,
    }
}

fn cells(own: &Own, entry: &Entry, known: &Known, place: Place) -> Vec<Html> {
    let mut cells = vec![
        link(&name(own, entry), &learner_at(own, entry.id)),
        stage_tag(entry).into(),
        date(entry.start),
        date(entry.end),
    ];
    if place == Place::Everywhere {
        cells.push(match entry.cohort {
            Some(id) => link(known.cohort_code(Some(id)), &cohort_at(own, id)),
            None => Html::text("\u{2013}"),
        });
    }
    cells
}

/// The learners as the address asks for them; `nobody` where there are none at all.
pub(super) async fn listing(
    pages: &Pages,
    own: &Own,
    known: &Known,
    asked: &Asked,
    place: Place,
    nobody: &str,
) -> Result<Html, ProblemPage> {
    let order = asked.order("start", false);
    let rule = Rule::of(asked.text("found"));
    let mut wanted = sought(pages, own, (asked, &order), place);
    if let Some(rule) = rule {
        let (store, now) = (&pages.node.store, (pages.clock)());
        let rows = quality::rows_of(store, rule.code, now);
        wanted.condition = rows.await.map_err(fault)?;
    }
    let (entries, total) = delivery::learners(&pages.node.store, own, &wanted)
        .await
        .map_err(fault)?;
    let narrows = ["q", "stage", "cohort", "found", "page"];
    let is_all = narrows.iter().all(|name| asked.text(name).is_empty());
    if total == 0 && is_all {
        return Ok(Html::paragraph(nobody));
    }
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let mut columns = vec![
        Column::new("Your reference").sorts("reference"),
        Column::new("Stage").sorts("stage"),
        Column::new("First day").sorts("start"),
        Column::new("Last day").sorts("end"),
    ];
    let mut list =
        Listing::new("Learners", asked, order).caption(words::some(total, "learner", "learners"));
    // Nobody looks for one of a few; on a phone the fields would stand before them.
    let is_searched = !is_all || total > FEW;
    if is_searched {
        let stages = Standard::current().stages().iter();
        let stages = stages.map(|stage| (stage.id.clone(), stage.title.clone()));
        list = list
            .search("Your reference")
            .filter("stage", "Stage", "Any", stages);
        if place == Place::Everywhere {
            let rules = CATALOGUE.iter().map(|rule| (rule.code, rule.title));
            list = list.filter("found", "What stands out", "Anything", rules);
        }
    }
    if place == Place::Everywhere {
        columns.push(Column::new("Cohort"));
    }
    if place == Place::Everywhere && is_searched {
        let cohorts = delivery::cohorts(&pages.node.store, own)
            .await
            .map_err(fault)?;
        let cohorts = cohorts
            .into_iter()
            .map(|cohort| (own.handle(Handled::Cohort, cohort.id), cohort.it.code));
        let none = (NO_COHORT.to_owned(), "In no cohort".to_owned());
        let cohorts = cohorts.chain([none]);
        list = list.filter("cohort", "Cohort", "Any", cohorts);
    }
    let list: Html = list
        .columns(columns)
        .rows(entries.iter().map(|entry| cells(own, entry, known, place)))
        .paged(total, SHOWN)
        .nothing("Your organisation has no learner like this. A reference that is not shown is found when it is typed whole.")
        .into();
    let is_nameless = entries.iter().any(|entry| entry.reference.is_none());
    let why = is_nameless.then(super::no_reference);
    let about = rule
        .map(|rule| InsetText::new(format!("{}. {} {}", rule.title, rule.why, rule.next)).into());
    Ok(Html::concat(about.into_iter().chain(why).chain([list])))
}

pub(super) async fn list(State(pages): State<Pages>, of: OwnOrganisation, asked: Asked) -> Answer {
    let is_back = asked.text("done") == "taken-back";
    let own = own(&pages, &of).await?;
    let known = super::known(&pages).await?;
    let nobody = "Nobody of your organisation is recorded here yet. Add a learner to a cohort, or upload a file.";
    let list = listing(&pages, &own, &known, &asked, Place::Everywhere, nobody).await?;
    let what = "Everybody of your organisation who is recorded here, by you or by a file of the coordinator, in a cohort or not. The references are your own, and nobody else sees them.";
    let mut page = Page::new("Our learners")
        .breadcrumb(own.name.clone(), "/provider")
        .body(Html::concat([Html::paragraph(what), list]));
    if is_back {
        page = page.notice(done(
            "The learner is taken back",
            "Nothing of it is recorded any more.",
        ));
    }
    Ok(page.into_response())
}
