//! Data items in columns: who collects what, how often, from when until when.

use ldsp_protocol::ids::Period;

use super::{Answer, Model, Question};
use crate::exchange::export;
use crate::import::faults;
use crate::import::programmes::{code, text};
use crate::import::rows::Row;
use crate::store::items::{Collector, DataItem, Frequency};
use crate::store::kept::Known;

const ITEM: usize = 0;
const TITLE: usize = 1;
const COLLECTOR: usize = 2;
const FREQUENCY: usize = 3;
const SINCE: usize = 4;
const UNTIL: usize = 5;
const BODY: usize = 6;
const NOTE: usize = 7;

fn month(row: &mut Row<'_>, column: usize) -> Option<Period> {
    let month: Option<Period> = row.text(column).parse().ok();
    let month = month.filter(|month| month.year() >= 2000);
    if month.is_none() && !row.text(column).is_empty() {
        row.problem(column, faults::MONTH);
    }
    month
}

impl Model for DataItem {
    const STAYS: &'static str = "Give the agreement its last month instead.";
    const COLUMNS: &'static [&'static str] = &[
        "item",
        "title",
        "collector",
        "frequency",
        "since",
        "until",
        "body",
        "note",
    ];

    fn read(row: &mut Row<'_>, _: &Known) -> Option<Self> {
        let item = code(row, ITEM);
        let title = text(row, TITLE, true);
        let collector = Collector::named(row.text(COLLECTOR));
        if collector.is_none() {
            row.problem(COLLECTOR, faults::COLLECTOR);
        }
        let frequency = Frequency::named(row.text(FREQUENCY));
        if frequency.is_none() {
            row.problem(FREQUENCY, faults::FREQUENCY);
        }
        if row.text(SINCE).is_empty() {
            row.problem(SINCE, faults::REQUIRED);
        }
        let (since, until) = (month(row, SINCE), month(row, UNTIL));
        if since.zip(until).is_some_and(|(since, until)| until < since) {
            row.problem(UNTIL, faults::UNTIL_BEFORE);
        }
        let (body, note) = (text(row, BODY, false), text(row, NOTE, false));
        Some(Self {
            item,
            title,
            collector: collector?,
            frequency: frequency?,
            since: since?,
            until,
            body,
            note,
        })
    }

    fn texts(&self, _: &Known) -> Vec<String> {
        vec![
            self.item.clone(),
            self.title.clone(),
            self.collector.id().to_owned(),
            self.frequency.id().to_owned(),
            self.since.to_string(),
            self.until
                .map_or_else(String::new, |until| until.to_string()),
            self.body.clone(),
            self.note.clone(),
        ]
    }

    fn questions(_: &Known) -> Vec<Question> {
        let collectors = Collector::ALL.iter();
        let collectors = collectors.map(|c| (c.id().to_owned(), c.in_words().to_owned()));
        let frequencies = Frequency::ALL.iter();
        let frequencies = frequencies.map(|f| (f.id().to_owned(), f.in_words().to_owned()));
        vec![
            Question::new("item", "Code", Answer::Line)
                .hint(export::HINT)
                .required()
                .listed(),
            Question::new("title", "What is collected", Answer::Line)
                .hint("Such as vacancies by occupation")
                .required()
                .listed(),
            Question::new(
                "collector",
                "Who collects it",
                Answer::One(collectors.collect()),
            )
            .required()
            .listed(),
            Question::new("frequency", "How often", Answer::One(frequencies.collect()))
                .required()
                .listed(),
            Question::new("since", "From", Answer::Month)
                .hint("The month from which this is agreed, such as 2022-04")
                .required()
                .listed(),
            Question::new("until", "Until", Answer::Month)
                .hint("Its last month; empty: until something else is agreed")
                .listed(),
            Question::new("body", "By which body or role", Answer::Line)
                .hint("Such as the panel\u{2019}s analyst; never a person\u{2019}s name"),
            Question::new("note", "Note", Answer::Line),
        ]
    }

    fn title(&self, _: &Known) -> String {
        format!("{}: {}", self.item, self.title)
    }
}
