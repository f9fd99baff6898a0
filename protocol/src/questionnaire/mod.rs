//! National questionnaires: what the log's operators ask of LEPs, what a LEP answers ([`Answers`]), and what the answers of all
//! come to ([`tally`]).
//!
//! A questionnaire is the log's own statement: whoever is asked can prove what was asked, and by when. A newer version of it is
//! a statement of the same name with the next version, and answers name the very statement that they answer. Answers are
//! the node's statements: their leaf is public, what they say is for the operators and for the LEPs that were asked.
//!
//! Learners are never asked about here: a number of learners leaves a node as the estimate of a release and in no other way,
//! so the only such [`Fact`] is taken from releases and cannot be typed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::geography::Geography;
use crate::ids::{Gss, QuestionId};
use crate::personal;

mod answers;
mod tally;
#[cfg(test)]
mod tests;

pub use answers::{Answer, Answers, AnswersError, Source, Value};
pub use tally::{Spread, Tally, TallyError, Told, tally};

/// Questions at most.
pub const MAX_QUESTIONS: usize = 100;
/// Choices of a question at most.
pub const MAX_CHOICES: usize = 50;
/// Characters of a line: a title, a question, a choice.
pub const MAX_LINE: usize = 300;
/// Characters of a longer text: a purpose, a hint, an answer in words.
pub const MAX_TEXT: u32 = 2000;
/// The largest number that can be answered: every one below is exact in JSON's numbers.
pub const MAX_NUMBER: u64 = 1_000_000_000_000;
/// The codes of a yes-or-no question, for conditions and tallies.
pub const YES_NO: [&str; 2] = ["yes", "no"];

/// What the log's operators ask. Payload of the kind `questionnaire`, the log's own.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questionnaire {
    /// The same in every version.
    pub name: QuestionId,
    /// From 1; each is one more than the last.
    pub version: u32,
    /// For people.
    pub title: String,
    /// What the answers are for, and who reads them.
    pub purpose: String,
    /// The last day on which answers are in time.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub due: Date,
    /// The LEPs that are asked, in ascending order; none named: all of them.
    pub to: Vec<Gss>,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
    /// The person who asks.
    pub asked_by: String,
}

/// One question.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Names it in conditions and answers.
    pub id: QuestionId,
    /// The question.
    pub text: String,
    /// What helps to answer it; may be empty.
    pub hint: String,
    /// What an answer is.
    pub form: Form,
    /// Whether it must be answered where it is reached; "not known" is an answer.
    pub required: bool,
    /// Asked only then; `null`: always.
    pub only_if: Option<Condition>,
    /// What a node fills in from what it knows; `null`: nothing.
    pub prefill: Option<Fact>,
}

/// What an answer is.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// Yes or no.
    YesNo,
    /// A whole number.
    Number {
        /// What is counted, such as `places a year`.
        unit: String,
        /// The smallest answer.
        min: u64,
        /// The largest, at most [`MAX_NUMBER`].
        max: u64,
    },
    /// One of a list.
    One(Vec<Choice>),
    /// Any of a list, and perhaps none.
    Any(Vec<Choice>),
    /// Words.
    Text {
        /// Characters at most, up to [`MAX_TEXT`].
        max: u32,
    },
}

/// One of a list.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Names it in conditions and answers.
    pub code: QuestionId,
    /// For people.
    pub text: String,
}

/// When a question is reached: an earlier one was reached and its answer is, or has among others, one of these.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// An earlier question with choices, or a yes-or-no one.
    pub question: QuestionId,
    /// Codes of its choices; of a yes-or-no question those in [`YES_NO`].
    pub is: Vec<QuestionId>,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $words:literal;)+) => {
        /// What a node can fill in, as a number. Each is counted on the day on which the page is opened.
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fact { $($(#[$doc])* $name,)+ }

        impl Fact {
            /// Every fact of this version.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As written in bodies.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// For people: what the number counts.
            #[must_use]
            pub fn in_words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

facts! {
    /// Services offered on the day.
    Services = "services", "services on offer";
    /// Of them, those that somebody assured within their time.
    ServicesAssured = "services-assured", "services on offer that somebody assured in time";
    /// Organisations with a service on offer.
    Organisations = "organisations", "organisations with a service on offer";
    /// Places in those services where they state them.
    Places = "places", "places in the services on offer that state them";
    /// Local authority districts of the LEP with a service on offer.
    DistrictsServed = "districts-served", "districts with a service on offer";
    /// Enrolments as its published months estimate them, all together: the one fact that counts learners.
    EnrolmentsPublished = "enrolments-published", "enrolments, as the published months estimate them";
}

impl Fact {
    /// Whether it is the estimate of releases: it counts learners, so it is answered as it was published or not at all.
    #[must_use]
    pub fn is_estimate(self) -> bool {
        matches!(self, Self::EnrolmentsPublished)
    }
}

/// Why a questionnaire cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct QuestionnaireError {
    /// Path, such as `questions[2].only_if`.
    pub field: String,
    /// What does not hold.
    pub rule: String,
}

/// Collects what is wrong, so that somebody who writes one sees all of it at once.
struct Checks(Vec<QuestionnaireError>);

impl Checks {
    fn add(&mut self, field: impl Into<String>, rule: impl Into<String>) {
        self.0.push(QuestionnaireError {
            field: field.into(),
            rule: rule.into(),
        });
    }

    /// A text that stays public for ever. `lines`: whether it may have several.
    fn text(&mut self, field: &str, text: &str, limit: usize, (needed, lines): (bool, bool)) {
        if needed && text.trim().is_empty() {
            self.add(field, "nothing is written there");
        }
        if text.chars().count() > limit {
            self.add(field, format!("more than {limit} characters"));
        }
        let control = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r'));
        if text.chars().any(control) {
            self.add(field, "a control character stands in the text");
        }
        if let Some(found) = personal::find(text).first() {
            let (start, end, what) = (found.start, found.end, found.kind.in_words());
            self.add(
                field,
                format!("characters {start} to {end} look like {what}"),
            );
        }
    }

    fn form(&mut self, field: &str, form: &Form) {
        match form {
            Form::YesNo => {}
            Form::Number { unit, min, max } => {
                self.text(&format!("{field}.unit"), unit, MAX_LINE, (true, false));
                if min > max || *max > MAX_NUMBER {
                    self.add(field, format!("min, max and {MAX_NUMBER} are not in order"));
                }
            }
            Form::One(choices) | Form::Any(choices) => {
                if !(2..=MAX_CHOICES).contains(&choices.len()) {
                    self.add(field, format!("not 2 to {MAX_CHOICES} choices"));
                }
                let codes: BTreeSet<_> = choices.iter().map(|c| &c.code).collect();
                if codes.len() < choices.len() {
                    self.add(field, "two choices have the same code");
                }
                for (at, choice) in choices.iter().enumerate() {
                    self.text(
                        &format!("{field}[{at}]"),
                        &choice.text,
                        MAX_LINE,
                        (true, false),
                    );
                }
            }
            Form::Text { max } if !(1..=MAX_TEXT).contains(max) => {
                self.add(field, format!("not 1 to {MAX_TEXT} characters"));
            }
            Form::Text { .. } => {}
        }
    }

    fn question(&mut self, at: usize, question: &Question, earlier: &BTreeMap<&QuestionId, &Form>) {
        let field = |name: &str| format!("questions[{at}].{name}");
        if earlier.contains_key(&question.id) {
            self.add(field("id"), "an earlier question has the same");
        }
        self.text(&field("text"), &question.text, MAX_LINE, (true, false));
        let long = MAX_TEXT as usize;
        self.text(&field("hint"), &question.hint, long, (false, true));
        self.form(&field("form"), &question.form);
        if question.prefill.is_some() && !matches!(question.form, Form::Number { .. }) {
            self.add(
                field("prefill"),
                "what a node knows is a number, and no number is asked for",
            );
        }
        if let Some(condition) = &question.only_if {
            let codes = earlier
                .get(&condition.question)
                .and_then(|form| form.codes());
            match codes {
                None => self.add(
                    field("only_if"),
                    "no earlier question with choices has this name",
                ),
                Some(codes) => {
                    let known = |code: &QuestionId| codes.contains(&code.as_str());
                    if condition.is.is_empty() || !condition.is.iter().all(known) {
                        self.add(
                            field("only_if"),
                            "not choices of the question that it names",
                        );
                    }
                }
            }
        }
    }
}

impl Form {
    /// The codes that an answer may have; `None` where an answer is no choice.
    #[must_use]
    pub fn codes(&self) -> Option<Vec<&str>> {
        match self {
            Self::YesNo => Some(YES_NO.to_vec()),
            Self::One(choices) | Self::Any(choices) => {
                Some(choices.iter().map(|c| c.code.as_str()).collect())
            }
            Self::Number { .. } | Self::Text { .. } => None,
        }
    }
}

impl Questionnaire {
    /// Checks everything that can be checked without the log; all that is wrong, in the order of the fields.
    #[must_use]
    pub fn check(&self) -> Vec<QuestionnaireError> {
        let mut checks = Checks(Vec::new());
        if self.version == 0 {
            checks.add("version", "versions begin at 1");
        }
        checks.text("title", &self.title, MAX_LINE, (true, false));
        checks.text("purpose", &self.purpose, MAX_TEXT as usize, (true, true));
        checks.text(
            "asked_by",
            &self.asked_by,
            crate::own::MAX_NAME,
            (true, false),
        );
        if !self.to.is_sorted_by(|a, b| a < b) {
            checks.add("to", "not in ascending order, or one LEP twice");
        }
        let map = Geography::embedded();
        if self.to.iter().any(|code| map.lep(code).is_none()) {
            checks.add("to", "a code is not that of a LEP");
        }
        if !(1..=MAX_QUESTIONS).contains(&self.questions.len()) {
            checks.add("questions", format!("not 1 to {MAX_QUESTIONS} questions"));
        }
        let mut earlier = BTreeMap::new();
        for (at, question) in self.questions.iter().enumerate() {
            checks.question(at, question, &earlier);
            earlier.insert(&question.id, &question.form);
        }
        checks.0
    }

    /// Whether the LEP with this code is asked.
    #[must_use]
    pub fn asks(&self, lep: &Gss) -> bool {
        self.to.is_empty() || self.to.contains(lep)
    }

    /// The question of this name.
    #[must_use]
    pub fn question(&self, id: &QuestionId) -> Option<&Question> {
        self.questions.iter().find(|q| q.id == *id)
    }

    /// The questions that are reached with these answers, in their order: those without a condition, and those whose
    /// condition's question is reached and answered so. Answers to others are not looked at.
    #[must_use]
    pub fn reached<'a>(&'a self, given: &[Answer]) -> Vec<&'a Question> {
        let mut reached: Vec<&Question> = Vec::new();
        for question in &self.questions {
            let met = question.only_if.as_ref().is_none_or(|condition| {
                let asked = reached.iter().any(|q| q.id == condition.question);
                let answer = given.iter().find(|a| a.question == condition.question);
                asked
                    && answer
                        .is_some_and(|a| condition.is.iter().any(|code| a.value.has(code.as_str())))
            });
            if met {
                reached.push(question);
            }
        }
        reached
    }
}
