//! Gathering tasks in columns: who brings what is not known yet, and by when.

use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::demand::{WHOLE, area, area_title, districts};
use super::{Answer, Model, Question, iso};
use crate::import::programmes::text;
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::gathering::{About, GatheringTask};
use crate::store::kept::Known;

const ABOUT: usize = 0;
const SKILL: usize = 1;
const AREA: usize = 2;
const BODY: usize = 3;
const DUE: usize = 4;
const DONE: usize = 5;
const NOTE: usize = 6;

/// The skills that are asked for and taught by name: positions, ids and titles.
pub(crate) fn skills() -> impl Iterator<Item = (u8, &'static str, &'static str)> {
    let codes = Standard::current().dimension(Dimension::Skill).codes.iter();
    // A dimension has fewer codes than a byte counts.
    (0..=u8::MAX).zip(codes).filter_map(|(at, code)| {
        (code.id != NOT_STATED).then_some((at, code.id.as_str(), code.title.as_str()))
    })
}

/// The skill at a position of the standard.
pub(crate) fn skill_title(at: u8) -> &'static str {
    let found = skills().find(|(position, ..)| *position == at);
    found.map_or("Skill not stated", |(_, _, title)| title)
}

impl Model for GatheringTask {
    const STAYS: &'static str = "Say when it was done instead.";
    const COLUMNS: &'static [&'static str] =
        &["about", "skill", "area", "body", "due", "done", "note"];

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let about = About::named(row.text(ABOUT));
        if about.is_none() {
            row.problem(ABOUT, faults::ABOUT);
        }
        let skill = match row.text(SKILL) {
            "" => {
                row.problem(SKILL, faults::REQUIRED);
                None
            }
            _ => values::code(row, SKILL, Dimension::Skill, NOT_STATED),
        };
        let is_named = |skill: &u8| skills().any(|(at, ..)| at == *skill);
        if skill.is_some_and(|skill| !is_named(&skill)) {
            row.problem(SKILL, faults::REQUIRED);
        }
        let district = area(row.text(AREA), known);
        if district.is_none() {
            let is_missing = row.text(AREA).is_empty();
            let fault = if is_missing {
                faults::REQUIRED
            } else {
                faults::AREA
            };
            row.problem(AREA, fault);
        }
        let body = text(row, BODY, true);
        if row.text(DUE).is_empty() {
            row.problem(DUE, faults::REQUIRED);
        }
        let (due, done) = (values::date(row, DUE), values::date(row, DONE));
        let note = text(row, NOTE, false);
        Some(Self {
            about: about?,
            skill: skill?,
            district: district?,
            body,
            due: due?,
            done,
            note,
        })
    }

    fn texts(&self, _: &Known) -> Vec<String> {
        let skill = skills().find(|(at, ..)| *at == self.skill);
        let district = self.district.as_ref();
        vec![
            self.about.id().to_owned(),
            skill.map_or(NOT_STATED, |(_, id, _)| id).to_owned(),
            district.map_or(WHOLE.to_owned(), ToString::to_string),
            self.body.clone(),
            iso(Some(self.due)),
            iso(self.done),
            self.note.clone(),
        ]
    }

    fn questions(known: &Known) -> Vec<Question> {
        let about = About::ALL.map(|a| (a.id().to_owned(), a.in_words().to_owned()));
        let skills = skills().map(|(_, id, title)| (id.to_owned(), title.to_owned()));
        let whole = (WHOLE.to_owned(), area_title(None));
        let districts = districts(known).into_iter();
        let districts = districts.map(|d| (d.code.to_string(), d.name.clone()));
        let areas = std::iter::once(whole).chain(districts).collect();
        vec![
            Question::new("about", "What is missing", Answer::One(about.to_vec()))
                .required()
                .listed(),
            Question::new("skill", "Skill", Answer::One(skills.collect()))
                .required()
                .listed(),
            Question::new("area", "Area", Answer::One(areas))
                .required()
                .listed(),
            Question::new("body", "Who brings it", Answer::Line)
                .hint("A body or a role, such as the growth hub; never a person\u{2019}s name")
                .required()
                .listed(),
            Question::new("due", "By", Answer::Date).required().listed(),
            Question::new("done", "Brought on", Answer::Date)
                .hint("Empty: it is still to come")
                .listed(),
            Question::new("note", "Note", Answer::Line)
                .hint("Such as: ask about cloud skills in the spring survey"),
        ]
    }

    fn title(&self, _: &Known) -> String {
        format!(
            "{}: {}, {}",
            self.about.in_words(),
            skill_title(self.skill),
            area_title(self.district.as_ref())
        )
    }
}
