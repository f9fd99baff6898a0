//! Columns as people are asked for them, and their texts as people read them.

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use crate::words;

/// How a column is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A line of text.
    Line,
    /// A whole number.
    Number,
    /// Pounds and pence.
    Pounds,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM`.
    Month,
    /// One of these: what is kept, what people read. Nothing where it is not stated.
    One(Vec<(String, String)>),
    /// Any of these, with semicolons between them.
    Many(Vec<(String, String)>),
}

/// A column as people are asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Its name in files, forms and for programs.
    pub(crate) column: &'static str,
    /// What people are asked.
    pub(crate) label: &'static str,
    /// A line of help; may be empty.
    pub(crate) hint: &'static str,
    /// How it is answered.
    pub(crate) answer: Answer,
    /// What stands for no answer, where it is one of several.
    pub(crate) blank: &'static str,
    /// Whether it cannot be left out.
    pub(crate) required: bool,
    /// Whether lists show it.
    pub(crate) listed: bool,
    /// Whether it counts people, so that only those see it who may see exact counts.
    pub(crate) exact: bool,
}

impl Question {
    pub(crate) fn new(column: &'static str, label: &'static str, answer: Answer) -> Self {
        Self {
            column,
            label,
            hint: "",
            answer,
            blank: "Not stated",
            required: false,
            listed: false,
            exact: false,
        }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    pub(crate) fn blank(self, blank: &'static str) -> Self {
        Self { blank, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self {
            blank: "Choose",
            required: true,
            ..self
        }
    }

    pub(super) fn listed(self) -> Self {
        Self {
            listed: true,
            ..self
        }
    }

    pub(super) fn exact(self) -> Self {
        Self {
            exact: true,
            ..self
        }
    }

    /// A text of this column as people read it; empty for none.
    pub(crate) fn words(&self, text: &str) -> String {
        let titled = |of: &[(String, String)], id: &str| {
            let mut all = of.iter();
            all.find(|(known, _)| known == id)
                .map_or_else(|| id.to_owned(), |(_, title)| title.clone())
        };
        match &self.answer {
            _ if text.is_empty() => String::new(),
            Answer::Line => text.to_owned(),
            Answer::Number => text
                .parse::<i64>()
                .map_or_else(|_| text.to_owned(), words::count),
            Answer::Pounds => pounds(text),
            Answer::Date => text.parse().map_or_else(|_| text.to_owned(), words::day),
            Answer::Month => {
                (text.parse::<Period>()).map_or_else(|_| text.to_owned(), Period::in_words)
            }
            Answer::One(of) => titled(of, text),
            Answer::Many(of) => {
                let all: Vec<String> = text.split(';').map(|id| titled(of, id.trim())).collect();
                all.join(", ")
            }
        }
    }
}

/// `£12,500.50` of `12500.50`.
fn pounds(text: &str) -> String {
    let (whole, pence) = text.split_once('.').unwrap_or((text, "00"));
    match whole.parse::<i64>() {
        Ok(whole) => format!("\u{a3}{}.{pence}", words::count(whole)),
        Err(_) => text.to_owned(),
    }
}

/// The codes of a dimension but for "not stated", which is no answer.
pub(crate) fn codes(dimension: Dimension) -> Vec<(String, String)> {
    let codes = Standard::current().dimension(dimension).codes.iter();
    codes
        .filter(|code| code.id != NOT_STATED)
        .map(|code| (code.id.clone(), code.title.clone()))
        .collect()
}
