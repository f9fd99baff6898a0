//! The forms of a tutor: a learner who joins a cohort, and what became of one. Both are rows in the columns of the learner file.

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::scales;
use crate::import::learners::COLUMNS;
use crate::model::codes;
use crate::model::{Answer, Question};
use crate::store::cohorts::Cohort;
use crate::store::delivery::{Entry, Number};
use crate::store::records::Begun;

/// The column of the form that is none of the file: it is kept beside the enrolment.
pub(crate) const EMPLOYER: &str = "employer";

/// What is asked of a learner who joins. `postcodes`: whether the node can turn one into a district. `employers`: numbers and names of those
/// that may be chosen.
pub(crate) fn questions(lep: &Gss, postcodes: bool, employers: &[(i64, String)]) -> Vec<Question> {
    let one = |dimension| Answer::One(codes(dimension));
    let home = if postcodes {
        Question::new("postcode", "Home postcode", Answer::Line)
            .hint("It is turned into a district at once and not kept")
    } else {
        district(lep)
    };
    let names = employers
        .iter()
        .map(|(_, name)| (name.clone(), name.clone()))
        .collect();
    let employer = Question::new(EMPLOYER, "Employer", Answer::One(names))
        .hint("Where it is one of those of your own cohorts and learners. The coordinator can give your cohort another one");
    let employer = (!employers.is_empty()).then_some(employer);
    let (before, after) = person_and_course(home, one);
    let start = scales::questions(true);
    before
        .into_iter()
        .chain(employer)
        .chain(after)
        .chain(start)
        .collect()
}

fn district(lep: &Gss) -> Question {
    let geography = Geography::embedded();
    let districts = geography.owned_by(lep).into_iter();
    let districts = districts.filter_map(|code| {
        let name = geography.district(&code)?.name.clone();
        Some((code.as_str().to_owned(), name))
    });
    Question::new(
        "district",
        "District in which the learner lives",
        Answer::One(districts.collect()),
    )
}

/// The column of a correction that is none of the file.
pub(crate) const COHORT: &str = "cohort";

/// What is asked of a learner who joined, to correct it. `cohorts`: what each is called for programs, and its title.
pub(crate) fn corrections(
    lep: &Gss,
    employers: &[(i64, String)],
    cohorts: Vec<(String, String)>,
) -> Vec<Question> {
    // A postcode that was typed is not kept: the district is.
    let mut all = questions(lep, false, employers);
    for question in &mut all {
        question.hint = match question.column {
            "uln" => "Ten digits. None is kept, so give it again if you know it",
            "age" => "In whole years. Leave it empty to keep the age band that is recorded",
            _ => question.hint,
        };
    }
    let cohort = Question::new(COHORT, "Cohort", Answer::One(cohorts))
        .hint("One of your own. The programme of the cohort becomes the learner\u{2019}s")
        .blank("In no cohort");
    all.push(cohort);
    all
}

/// The questions before that for the employer, and those after it.
fn person_and_course(
    home: Question,
    one: impl Fn(Dimension) -> Answer,
) -> (Vec<Question>, Vec<Question>) {
    let person = vec![
        Question::new("learner_ref", "Your reference", Answer::Line)
            .hint("Your own number for the learner, such as 2022-017. Never a name, a ULN or a National Insurance number. Your organisation sees it, and the learner if they ask what is held")
            .required(),
        Question::new("uln", "Unique learner number", Answer::Line)
            .hint("Ten digits, if you know it. It is turned into a code at once and not kept"),
        Question::new("age", "Age on the first day", Answer::Number)
            .hint("In whole years. Only an age band is kept"),
        home,
        Question::new("sex", "Sex", one(Dimension::Sex)),
        Question::new("ethnicity", "Ethnic group", one(Dimension::Ethnicity)),
        Question::new("disability", "Disability or long-term health condition", one(Dimension::Disability)),
        Question::new("prior_status", "What they did before", one(Dimension::Prior)),
    ];
    let course = vec![
        Question::new("aim", "Course or learning aim", Answer::Line)
            .hint("A code of letters and digits")
            .required(),
        Question::new("skill", "Main skill", one(Dimension::Skill)),
        Question::new("mode", "How it is delivered", one(Dimension::Mode)),
        Question::new("start", "First day", Answer::Date).required(),
        Question::new("planned_end", "Planned last day", Answer::Date),
    ];
    (person, course)
}

fn iso(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

/// What the form of a cohort begins with, by column; `employer` is whom the cohort trains.
pub(crate) fn blank_row(
    cohort: &Cohort,
    employer: &str,
    mode: &str,
    skill: &str,
) -> Vec<(String, String)> {
    let pair = |column: &str, text: String| (column.to_owned(), text);
    vec![
        pair(EMPLOYER, employer.to_owned()),
        pair("aim", cohort.code.clone()),
        pair("skill", skill.to_owned()),
        pair("mode", mode.to_owned()),
        pair("start", iso(cohort.start)),
        pair("planned_end", iso(cohort.end)),
    ]
}

/// What a cohort says of all who join it, so that nobody has to be asked.
pub(crate) const OF_COHORT: [&str; 5] = ["aim", "skill", "mode", "start", "planned_end"];

/// A file of one row: what was answered, by column, and what the cohort says.
pub(crate) fn row_of(answers: &[(String, String)], programme: &str) -> Vec<u8> {
    let text = |column: &str| match column {
        "programme" => programme,
        "stage" => "in-progress",
        _ => answers
            .iter()
            .find(|(name, _)| name == column)
            .map_or("", |(_, text)| text.as_str()),
    };
    let mut csv = csv::Writer::from_writer(Vec::new());
    let written = csv
        .write_record(COLUMNS)
        .and_then(|()| csv.write_record(COLUMNS.iter().map(|column| text(column))));
    written.expect("a list grows as it is written");
    csv.into_inner().expect("a list grows as it is written")
}

/// What is asked of any enrolment that goes on or ended.
pub(crate) fn endings() -> Vec<Question> {
    let nobody = Entry {
        id: Number(0),
        version: 0,
        cohort: None,
        programme: 0,
        reference: None,
        aim: String::new(),
        start: None,
        planned_end: None,
        end: None,
        stage: 0,
        destinations: [None; 3],
        confidence: None,
        everyday: None,
        begun: Begun::default(),
        employer: None,
    };
    let all = amendments(&nobody).into_iter();
    all.map(|(question, _)| question).collect()
}

/// What is asked of an enrolment that goes on or ended, and what is known of it.
pub(crate) fn amendments(entry: &Entry) -> Vec<(Question, String)> {
    let standard = Standard::current();
    let stages = standard.stages().iter();
    let stages = stages
        .map(|stage| (stage.id.clone(), stage.title.clone()))
        .collect();
    let destinations: Vec<(String, String)> = standard
        .dimension(Dimension::Destination)
        .codes
        .iter()
        .map(|code| match code.id.as_str() {
            // Beside "not asked yet" that would say nothing.
            NOT_STATED => (
                code.id.clone(),
                "Asked: could not be reached, or did not say".to_owned(),
            ),
            _ => (code.id.clone(), code.title.clone()),
        })
        .collect();
    let code = |at: Option<u8>| {
        let code = at.and_then(|at| destinations.get(usize::from(at)));
        code.map_or_else(String::new, |(id, _)| id.clone())
    };
    let stage = standard.stages().get(usize::from(entry.stage));
    let stage = stage.map_or_else(String::new, |stage| stage.id.clone());
    let [three, six, twelve] = entry.destinations;
    let destination = |column, label| {
        Question::new(column, label, Answer::One(destinations.clone())).blank("Not asked yet")
    };
    let mut asked = vec![
        (
            Question::new("stage", "Stage", Answer::One(stages)).required(),
            stage,
        ),
        (
            Question::new("end", "Last day", Answer::Date)
                .hint("Once the learner has finished or left"),
            iso(entry.end),
        ),
        (
            destination("destination_3m", "3 months after the last day")
                .hint("Leave this and the next two until that time has passed"),
            code(three),
        ),
        (
            destination("destination_6m", "6 months after the last day"),
            code(six),
        ),
        (
            destination("destination_12m", "12 months after the last day"),
            code(twelve),
        ),
    ];
    let begun = |answer: Option<u8>| answer.map_or_else(String::new, |n| n.to_string());
    let held = [begun(entry.begun.confidence), begun(entry.begun.everyday)];
    let [confidence, everyday] = scales::questions(true);
    asked.extend([confidence, everyday].into_iter().zip(held));
    asked.extend(scales::questions(false).map(|question| (question, String::new())));
    asked
}

/// What became of an enrolment as it is to be recorded, in the columns of the learner file: `said` over what is held. An answer of now without one of
/// the start is compared with that which is held.
pub(crate) fn outcome_of(entry: &Entry, said: &[(String, String)]) -> Vec<String> {
    let held = amendments(entry);
    let text = |column: &str| {
        let said = said.iter().find(|(name, _)| name == column);
        let held = || held.iter().find(|(question, _)| question.column == column);
        match said {
            Some((_, text)) => text.trim().to_owned(),
            None => held().map_or_else(String::new, |(_, text)| text.clone()),
        }
    };
    COLUMNS.iter().map(|column| text(column)).collect()
}
