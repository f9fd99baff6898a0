//! Organisations in columns.

use super::{Answer, Model, Question, number};
use crate::import::faults;
use crate::import::programmes::text;
use crate::import::rows::Row;
use crate::import::values::whole;
use crate::store::kept::Known;
use crate::store::organisations::{Organisation, OrganisationKind};

const NAME: usize = 0;
const KIND: usize = 1;
const UKPRN: usize = 2;
const CONTACT_ROLE: usize = 3;

impl Model for Organisation {
    const STAYS: &'static str = "Correct its name or kind if they are wrong. Where it stands here twice, give what names this one to the other first.";
    const COLUMNS: &'static [&'static str] = &["name", "kind", "ukprn", "contact_role"];

    fn read(row: &mut Row<'_>, _: &Known) -> Option<Self> {
        let name = text(row, NAME, true);
        let kind = OrganisationKind::named(row.text(KIND));
        if kind.is_none() {
            row.problem(KIND, faults::KIND);
        }
        let ukprn = whole(row.text(UKPRN), 10_000_000, 99_999_999);
        if ukprn.is_none() && !row.text(UKPRN).is_empty() {
            row.problem(UKPRN, faults::UKPRN);
        }
        Some(Self {
            name,
            kind: kind?,
            ukprn,
            contact_role: text(row, CONTACT_ROLE, false),
        })
    }

    fn texts(&self, _: &Known) -> Vec<String> {
        vec![
            self.name.clone(),
            self.kind.id().to_owned(),
            number(self.ukprn),
            self.contact_role.clone(),
        ]
    }

    fn questions(_: &Known) -> Vec<Question> {
        let kinds = OrganisationKind::ALL.map(|k| (k.id().to_owned(), k.in_words().to_owned()));
        vec![
            Question::new("name", "Name", Answer::Line)
                .hint("Of the organisation, never of a person. A provider\u{2019}s as its files write it: so its records are found")
                .required()
                .listed(),
            Question::new("kind", "What it is", Answer::One(kinds.to_vec()))
                .required()
                .listed(),
            Question::new("ukprn", "UKPRN", Answer::Line)
                .hint("UK Provider Reference Number, eight digits; leave it empty where there is none")
                .listed(),
            Question::new("contact_role", "Whom to ask", Answer::Line)
                .hint("A role, such as head of adult learning; never a person\u{2019}s name or address")
                .listed(),
        ]
    }

    fn title(&self, _: &Known) -> String {
        self.name.clone()
    }
}
