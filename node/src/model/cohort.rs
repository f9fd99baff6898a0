//! Cohorts in columns.

use sqlx::SqliteConnection;

use super::{Answer, Model, Question, iso, number};
use crate::import::programmes::{code, places, text};
use crate::import::report::RowProblem;
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::StoreError;
use crate::store::cohorts::{Cohort, is_filled};
use crate::store::kept::{Known, Stored};
use crate::store::organisations::OrganisationKind;

const CODE: usize = 0;
const PROGRAMME: usize = 1;
const PROVIDER: usize = 2;
const TITLE: usize = 3;
const START: usize = 4;
const END: usize = 5;
const PLACES: usize = 6;
const PLACE: usize = 7;
const EMPLOYER: usize = 8;

/// Whether an organisation is one whose people are trained.
pub(crate) fn is_trained(kind: OrganisationKind) -> bool {
    use OrganisationKind::{Charity, Employer, PublicBody};
    matches!(kind, Employer | Charity | PublicBody)
}

fn provider(row: &mut Row<'_>, known: &Known) -> Option<i64> {
    let name = row.text(PROVIDER);
    let fault = match known.organisation(name) {
        Some((id, OrganisationKind::Provider)) => return Some(id),
        Some(_) => faults::NOT_A_PROVIDER,
        None if name.is_empty() => faults::REQUIRED,
        None => faults::ORGANISATION,
    };
    row.problem(PROVIDER, fault);
    None
}

fn employer(row: &mut Row<'_>, known: &Known) -> Option<i64> {
    let name = row.text(EMPLOYER);
    let fault = match known.organisation(name) {
        Some((id, kind)) if is_trained(kind) => return Some(id),
        Some(_) => faults::NOT_TRAINED,
        None if name.is_empty() => return None,
        None => faults::ORGANISATION,
    };
    row.problem(EMPLOYER, fault);
    None
}

impl Model for Cohort {
    const STAYS: &'static str =
        "Give it its last day instead: it stays for what was recorded, and is listed as ended.";
    const COLUMNS: &'static [&'static str] = &[
        "cohort",
        "programme",
        "provider",
        "title",
        "start",
        "end",
        "places",
        "place",
        "employer",
    ];

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let code = code(row, CODE);
        let programme = known.programme(row.text(PROGRAMME));
        if programme.is_none() {
            let missing = row.text(PROGRAMME).is_empty();
            row.problem(
                PROGRAMME,
                if missing {
                    faults::REQUIRED
                } else {
                    faults::PROGRAMME
                },
            );
        }
        let organisation = provider(row, known);
        let title = text(row, TITLE, true);
        let start = values::date(row, START);
        let end = values::date(row, END);
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            row.problem(END, faults::END_BEFORE);
        }
        let places = places(row, PLACES);
        let place = text(row, PLACE, false);
        let employer = employer(row, known);
        Some(Self {
            code,
            programme: programme?,
            organisation: organisation?,
            title,
            start,
            end,
            places,
            place,
            employer,
        })
    }

    fn texts(&self, known: &Known) -> Vec<String> {
        vec![
            self.code.clone(),
            known.programme_code(Some(self.programme)).to_owned(),
            known.organisation_name(Some(self.organisation)).to_owned(),
            self.title.clone(),
            iso(self.start),
            iso(self.end),
            number(self.places),
            self.place.clone(),
            known.organisation_name(self.employer).to_owned(),
        ]
    }

    fn questions(known: &Known) -> Vec<Question> {
        let programmes = known.programmes.iter();
        let programmes =
            programmes.map(|(_, code, name)| (code.clone(), format!("{code}: {name}")));
        let named = |is: fn(OrganisationKind) -> bool| {
            let all = known
                .organisations
                .iter()
                .filter(move |(_, _, kind)| is(*kind));
            Answer::One(
                all.map(|(_, name, _)| (name.clone(), name.clone()))
                    .collect(),
            )
        };
        vec![
            Question::new("cohort", "Code", Answer::Line)
                .hint("Letters, digits, dot, hyphen, underscore and slash, such as AUTUMN-1")
                .required()
                .listed(),
            Question::new("programme", "Programme", Answer::One(programmes.collect()))
                .required()
                .listed(),
            Question::new("provider", "Provider who delivers it", named(|kind| kind == OrganisationKind::Provider))
                .hint("A training provider of the page Organisations. It sees this cohort on its own pages")
                .required()
                .listed(),
            Question::new("title", "Title", Answer::Line)
                .hint("Such as Tuesdays at the library, autumn")
                .required()
                .listed(),
            Question::new("start", "First day", Answer::Date).listed(),
            Question::new("end", "Last day", Answer::Date),
            Question::new("places", "Places", Answer::Number).listed(),
            Question::new("place", "Where", Answer::Line)
                .hint("A venue in words, without its postcode; or online"),
            Question::new("employer", "Whose people it trains", named(is_trained))
                .hint("Where a cohort is for the staff of one business or charity; leave it empty where it is open to all"),
        ]
    }

    fn title(&self, _: &Known) -> String {
        format!("{}: {}", self.code, self.title)
    }

    /// Those who are in it are this provider's, of this programme.
    async fn fixed(
        before: &Stored<Self>,
        it: &Self,
        tx: &mut SqliteConnection,
    ) -> Result<Vec<RowProblem>, StoreError> {
        let changes = [
            (PROGRAMME, before.it.programme != it.programme),
            (PROVIDER, before.it.organisation != it.organisation),
        ];
        let changes = changes.into_iter().filter(|(_, changes)| *changes);
        let changed: Vec<usize> = changes.map(|(column, _)| column).collect();
        if changed.is_empty() || !is_filled(tx, before.id).await? {
            return Ok(Vec::new());
        }
        let problem = |at: usize| faults::COHORT_FILLED.at(1, Some(Self::COLUMNS[at]));
        Ok(changed.into_iter().map(problem).collect())
    }
}
