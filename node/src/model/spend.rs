//! Spend in columns.

use ldsp_protocol::ids::Period;

use super::{Answer, Model, Question, pounds};
use crate::import::faults;
use crate::import::programmes::{pence, text};
use crate::import::rows::Row;
use crate::store::kept::Known;
use crate::store::spend::{Category, Spend};

const MONTH: usize = 0;
const PROGRAMME: usize = 1;
const COHORT: usize = 2;
const CATEGORY: usize = 3;
const AMOUNT: usize = 4;
const SOURCE: usize = 5;

fn of(row: &mut Row<'_>, known: &Known) -> (Option<i64>, Option<i64>) {
    let [programme, cohort] = [PROGRAMME, COHORT].map(|column| row.text(column));
    if programme.is_empty() == cohort.is_empty() {
        row.problem(PROGRAMME, faults::ONE_OF_TWO);
        return (None, None);
    }
    let found = (known.programme(programme), known.cohort(cohort));
    match found {
        (None, None) if cohort.is_empty() => row.problem(PROGRAMME, faults::PROGRAMME),
        (None, None) => row.problem(COHORT, faults::COHORT),
        _ => {}
    }
    found
}

impl Model for Spend {
    const STAYS: &'static str = "Change the amount instead.";
    const COLUMNS: &'static [&'static str] = &[
        "month",
        "programme",
        "cohort",
        "category",
        "amount",
        "source",
    ];

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let month: Option<Period> = row.text(MONTH).parse().ok();
        let month = month.filter(|month| month.year() >= 2000);
        if month.is_none() {
            row.problem(MONTH, faults::MONTH);
        }
        let (programme, cohort) = of(row, known);
        let category = Category::named(row.text(CATEGORY));
        if category.is_none() {
            row.problem(CATEGORY, faults::CATEGORY);
        }
        let amount = pence(row, AMOUNT);
        if row.text(AMOUNT).is_empty() {
            row.problem(AMOUNT, faults::REQUIRED);
        }
        let source = text(row, SOURCE, true);
        Some(Self {
            programme,
            cohort,
            month: month?,
            category: category?,
            pence: amount?,
            source,
        })
    }

    fn texts(&self, known: &Known) -> Vec<String> {
        vec![
            self.month.to_string(),
            known.programme_code(self.programme).to_owned(),
            known.cohort_code(self.cohort).to_owned(),
            self.category.id().to_owned(),
            pounds(Some(self.pence)),
            self.source.clone(),
        ]
    }

    fn questions(known: &Known) -> Vec<Question> {
        let named = |of: &[(i64, String, String)]| {
            let all = of.iter();
            Answer::One(
                all.map(|(_, code, name)| (code.clone(), format!("{code}: {name}")))
                    .collect(),
            )
        };
        let categories = Category::ALL.map(|c| (c.id().to_owned(), c.in_words().to_owned()));
        vec![
            Question::new("month", "Month", Answer::Month)
                .hint("In which it was spent, such as 2022-09")
                .required()
                .listed(),
            Question::new("programme", "Programme", named(&known.programmes))
                .hint("For an amount that is for the programme as a whole")
                .listed(),
            Question::new("cohort", "Cohort", named(&known.cohorts))
                .hint("For an amount that is for one cohort alone")
                .listed(),
            Question::new("category", "On what", Answer::One(categories.to_vec()))
                .required()
                .listed(),
            Question::new("amount", "Amount in pounds", Answer::Pounds)
                .hint("Such as 1250 or 1250.50")
                .required()
                .listed(),
            Question::new("source", "Who said so", Answer::Line)
                .hint("A document or a role, such as finance return of quarter 2; never a person")
                .required()
                .listed(),
        ]
    }

    fn title(&self, known: &Known) -> String {
        let of = match self.cohort {
            Some(_) => known.cohort_code(self.cohort),
            None => known.programme_code(self.programme),
        };
        format!("{of}, {}: {}", self.month, self.category.id())
    }
}
