//! Words by which skills are found in vacancies, in columns.

use ldsp_protocol::standard::{Dimension, NOT_STATED};

use super::programme::stated;
use super::{Answer, Model, Question, codes};
use crate::import::programmes::text;
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::kept::Known;
use crate::store::terms::Term;

const TERM: usize = 0;
const TIER: usize = 1;
const SKILL: usize = 2;
const WEIGHT: usize = 3;

/// A code that has to be stated.
fn code(row: &mut Row<'_>, column: usize, dimension: Dimension) -> Option<u8> {
    if row.text(column).is_empty() {
        row.problem(column, faults::REQUIRED);
        return None;
    }
    let at = values::code(row, column, dimension, NOT_STATED)?;
    if stated(dimension, at).is_empty() {
        row.problem(column, faults::REQUIRED);
        return None;
    }
    Some(at)
}

impl Model for Term {
    const STAYS: &'static str = "Give it the weight 0 instead: it is not looked for then.";
    const COLUMNS: &'static [&'static str] = &["term", "tier", "skill", "weight"];

    fn read(row: &mut Row<'_>, _: &Known) -> Option<Self> {
        let term = text(row, TERM, true);
        if !term.is_empty() && !term.chars().any(char::is_alphanumeric) {
            row.problem(TERM, faults::TERM);
        }
        let tier = code(row, TIER, Dimension::Tier);
        let skill = code(row, SKILL, Dimension::Skill);
        let weight = values::whole(row.text(WEIGHT), 0, 100);
        if weight.is_none() {
            row.problem(WEIGHT, faults::WEIGHT);
        }
        Some(Self {
            term,
            tier: tier?,
            skill: skill?,
            weight: u8::try_from(weight?).ok()?,
        })
    }

    fn texts(&self, _: &Known) -> Vec<String> {
        vec![
            self.term.clone(),
            stated(Dimension::Tier, self.tier),
            stated(Dimension::Skill, self.skill),
            self.weight.to_string(),
        ]
    }

    fn questions(_: &Known) -> Vec<Question> {
        vec![
            Question::new("term", "Word or words", Answer::Line)
                .hint("Such as spreadsheet, or data analyst. Capitals and plurals do not matter; it is found as a whole word only")
                .required()
                .listed(),
            Question::new("tier", "Tier", Answer::One(codes(Dimension::Tier)))
                .required()
                .listed(),
            Question::new("skill", "Skill", Answer::One(codes(Dimension::Skill)))
                .required()
                .listed(),
            Question::new("weight", "How sure one may be by this word alone, in percent", Answer::Number)
                .hint("From 0 to 100. 0: it is not looked for. Under 50 it counts only together with another word of the same skill")
                .required()
                .listed(),
        ]
    }

    fn title(&self, _: &Known) -> String {
        self.term.clone()
    }
}
