//! Programmes in columns: those of the programme file, and two that only this node asks for.

use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::{Answer, Model, Question, codes, iso, number, pounds};
use crate::import::programmes::fields;
use crate::import::rows::Row;
use crate::import::{faults, values};
use crate::store::kept::Known;
use crate::store::programmes::Programme;

const SKILLS: usize = 11;
const MODE: usize = 12;

/// The code at a position, but for "not stated".
pub(super) fn stated(dimension: Dimension, at: u8) -> String {
    let code = Standard::current()
        .dimension(dimension)
        .codes
        .get(usize::from(at));
    let code = code.map_or("", |code| code.id.as_str());
    if code == NOT_STATED {
        String::new()
    } else {
        code.to_owned()
    }
}

/// A bit for each skill that a field names.
pub(super) fn skills(row: &mut Row<'_>, column: usize) -> u32 {
    let codes = row.text(column).split([';', ',']).map(str::trim);
    let mut bits = 0;
    for code in codes.filter(|code| !code.is_empty() && *code != NOT_STATED) {
        let at = Standard::current().parse_code(Dimension::Skill, code);
        match at.and_then(|at| 1_u32.checked_shl(u32::try_from(at).ok()?)) {
            Some(bit) => bits |= bit,
            None => {
                row.problem(column, faults::SKILLS);
                return 0;
            }
        }
    }
    bits
}

/// The field that names the skills of these bits.
pub(super) fn taught(skills: u32) -> String {
    let all = &Standard::current().dimension(Dimension::Skill).codes;
    let named = all
        .iter()
        .enumerate()
        .filter(|(at, _)| skills >> at & 1 == 1);
    let named: Vec<&str> = named.map(|(_, code)| code.id.as_str()).collect();
    named.join("; ")
}

/// Adds what the programme file does not say: of a programme that is held the same as before, and the funder's place among the
/// organisations.
pub(crate) fn complete(programme: &mut Programme, before: Option<&Programme>, known: &Known) {
    let funder = known.organisation(&programme.funder).map(|(id, _)| id);
    programme.funder_organisation = funder;
    let Some(before) = before else { return };
    (programme.skills, programme.mode) = (before.skills, before.mode);
    if programme.funder == before.funder {
        // An organisation that has another name by now is the same one.
        programme.funder_organisation = before.funder_organisation.or(funder);
    }
}

impl Model for Programme {
    const STAYS: &'static str =
        "Give it its last day instead: it stays for what was recorded, and is listed as ended.";
    const COLUMNS: &'static [&'static str] = &[
        "programme",
        "name",
        "provider",
        "tier",
        "type",
        "audience",
        "funder",
        "cost",
        "capacity",
        "start",
        "end",
        "skills",
        "mode",
    ];

    fn read(row: &mut Row<'_>, known: &Known) -> Option<Self> {
        let programme = fields(row);
        let skills = skills(row, SKILLS);
        let mode = values::code(row, MODE, Dimension::Mode, NOT_STATED)
            .filter(|at| !stated(Dimension::Mode, *at).is_empty());
        let programme = programme?;
        let funder = known.organisation(&programme.funder).map(|(id, _)| id);
        Some(Self {
            skills,
            mode,
            funder: match funder {
                Some(id) => known.organisation_name(Some(id)).to_owned(),
                None => programme.funder,
            },
            funder_organisation: funder,
            ..programme
        })
    }

    fn texts(&self, known: &Known) -> Vec<String> {
        let funder = match self.funder_organisation {
            Some(_) => known.organisation_name(self.funder_organisation),
            None => &self.funder,
        };
        vec![
            self.code.clone(),
            self.name.clone(),
            self.provider.clone(),
            stated(Dimension::Tier, self.tier),
            stated(Dimension::ProgrammeType, self.kind),
            stated(Dimension::Audience, self.audience),
            funder.to_owned(),
            pounds(self.cost_pence),
            number(self.capacity),
            iso(self.start),
            iso(self.end),
            taught(self.skills),
            self.mode
                .map_or_else(String::new, |at| stated(Dimension::Mode, at)),
        ]
    }

    fn questions(_: &Known) -> Vec<Question> {
        vec![
            Question::new("programme", "Code", Answer::Line)
                .hint("What the rows of learner files name it by: letters, digits, dot, hyphen, underscore and slash")
                .required()
                .listed(),
            Question::new("name", "Name", Answer::Line).required().listed(),
            Question::new("provider", "Provider", Answer::Line)
                .hint("Who delivers it, or who leads where several do")
                .required()
                .listed(),
            Question::new("tier", "Tier", Answer::One(codes(Dimension::Tier))).listed(),
            Question::new("type", "Type", Answer::One(codes(Dimension::ProgrammeType))),
            Question::new("audience", "For whom", Answer::One(codes(Dimension::Audience))).listed(),
            Question::new("funder", "Funder", Answer::Line)
                .hint("The name of an organisation of this node, or any other text"),
            Question::new("cost", "Planned cost of the whole programme, in pounds", Answer::Pounds)
                .hint("Such as 12500 or 12500.50. What was really spent is recorded month by month under Spend"),
            Question::new("capacity", "Places", Answer::Number),
            Question::new("start", "First day", Answer::Date),
            Question::new("end", "Last day", Answer::Date),
            Question::new("skills", "Skills that it teaches", Answer::Many(codes(Dimension::Skill))),
            Question::new("mode", "How it is delivered", Answer::One(codes(Dimension::Mode))),
        ]
    }

    fn title(&self, _: &Known) -> String {
        format!("{}: {}", self.code, self.name)
    }
}
