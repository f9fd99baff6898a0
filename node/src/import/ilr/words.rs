//! A summary in words and for programs.

use std::fmt::Write as _;

use serde_json::json;

use super::Summary;

impl Summary {
    /// One sentence for each thing that is worth saying of the file as a whole.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(year) = self.year {
            let of = self.provider.as_deref().map(|name| format!(" of {name}"));
            let held = if year.is_checked() {
                "held to the published schema of that year"
            } else {
                "read by documentation: the schema of that year is not among those that this program holds files to"
            };
            notes.push(format!(
                "An ILR{} for {}, {held}.",
                of.unwrap_or_default(),
                year.title()
            ));
        }
        if self.learners > 0 {
            notes.push(format!(
                "It tells of {} learners and {} deliveries.",
                self.learners, self.deliveries
            ));
        }
        for (n, what) in [
            (
                self.not_digital,
                "deliveries are of aims that are not digital: left out",
            ),
            (
                self.future,
                "deliveries begin after today: left out until a later file",
            ),
            (
                self.joined,
                "deliveries go on after a break: one enrolment with what was before",
            ),
            (
                self.later,
                "enrolments stand as a later year\u{2019}s file told of them",
            ),
        ] {
            if n > 0 {
                notes.push(format!("{n} {what}."));
            }
        }
        if self.counts_deliveries {
            notes.push("Several deliveries stand on one line of the file: where a problem names a line, it is the number of the delivery, counted from 1.".to_owned());
        }
        if self.incomplete {
            notes.push(
                "Rows were refused, so nothing that the file does not name was removed.".to_owned(),
            );
        }
        notes
    }

    /// For a terminal.
    pub(in crate::import) fn text(&self) -> String {
        let mut text = String::from("\n");
        for note in self.notes() {
            text.push_str(&note);
            text.push('\n');
        }
        // Writing to a String does not fail.
        if self.provider.is_none() && self.ukprn > 0 {
            let _written = writeln!(
                text,
                "\nWhose file is it? Say it once, then import the file again:\n  ldsp-node ilr provider {} NAME",
                self.ukprn
            );
        }
        if !self.unmapped.is_empty() {
            text.push_str(
                "\nWhat are these aims? Say it once of each, then import the file again:\n",
            );
            for asked in &self.unmapped {
                let _written = writeln!(
                    text,
                    "  {:<20} funding model {:>2} {:>8} deliveries",
                    asked.aim, asked.fund_model, asked.deliveries
                );
            }
            text.push_str("  ldsp-node ilr aim AIM --programme CODE --skill SKILL --mode MODE\n  ldsp-node ilr aim AIM --not-digital\n");
        }
        if !self.gone.is_empty() {
            text.push_str("\nNot in the file any more:\n");
            for gone in &self.gone {
                let _written = writeln!(
                    text,
                    "  {:<20} {:>8} enrolments, {} of them published: they leave local figures, what was published stays",
                    gone.aim, gone.enrolments, gone.counted
                );
            }
        }
        text
    }

    pub(in crate::import) fn json(&self) -> serde_json::Value {
        let gone = self.gone.iter().map(|gone| {
            json!({"aim": gone.aim, "enrolments": gone.enrolments, "published": gone.counted})
        });
        json!({
            "year": self.year.map(super::Year::title),
            "schema_checked": self.year.map(super::Year::is_checked),
            "ukprn": (self.ukprn > 0).then_some(self.ukprn),
            "provider": self.provider,
            "learners": self.learners,
            "deliveries": self.deliveries,
            "not_digital": self.not_digital,
            "future": self.future,
            "joined": self.joined,
            "later": self.later,
            "counts_deliveries": self.counts_deliveries,
            "incomplete": self.incomplete,
            "unmapped": self.unmapped,
            "gone": gone.collect::<Vec<_>>(),
        })
    }
}
