//! The TOML form that `practice new` writes and `practice check` reads.

use ldsp_protocol::practice::FieldError;
use toml::{Table, Value};

use super::{CauseRow, DateParts, Form, OwnFigures, ToolRow, problem};

/// The form to fill in.
pub const TEMPLATE: &str = include_str!("../../templates/practice.toml");

/// Reads a file into a form. Together with what [`super::read()`] finds, the problems are all there are; none quotes the text.
#[must_use]
pub fn read_file(text: &str, figures: &OwnFigures) -> (Form, Vec<FieldError>) {
    let table: Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            let before = error
                .span()
                .map_or("", |span| text.get(..span.start).unwrap_or_default());
            let line = before.lines().count().max(1);
            let cause = format!("line {line} is not TOML");
            let remedy = "Check quotation marks, brackets and commas there; `ldsp-node practice new` writes a correct form";
            return (Form::default(), vec![problem("file", cause, remedy)]);
        }
    };
    let mut reader = Reader {
        figures,
        form: Form::default(),
        problems: Vec::new(),
    };
    for (key, value) in &table {
        reader.key(key, value);
    }
    (reader.form, reader.problems)
}

struct Reader<'a> {
    figures: &'a OwnFigures,
    form: Form,
    problems: Vec<FieldError>,
}

impl Reader<'_> {
    fn key(&mut self, key: &str, value: &Value) {
        match key {
            "skills" => self.form.skills = self.texts(key, value),
            "audience" => self.form.audience = self.texts(key, value),
            "causes" => {
                self.form.causes = self.rows(
                    key,
                    value,
                    ["factor", "direction", "because"],
                    |[factor, direction, because]| CauseRow {
                        factor,
                        direction,
                        because,
                    },
                );
            }
            "tools" => {
                self.form.tools = self.rows(
                    key,
                    value,
                    ["title", "link", "licence"],
                    |[title, link, licence]| ToolRow {
                        title,
                        link,
                        licence,
                    },
                );
            }
            "evidence" => self.evidence(value),
            "review" => self.form.review = date(value),
            "until" => self.form.until = date(value),
            // `until-day` and the like are names of the page only.
            other if other.contains('-') || self.form.field(other).is_none() => self.unknown(key),
            other => {
                let text = self.text(key, value);
                if let Some(field) = self.form.field(other) {
                    *field = text;
                }
            }
        }
    }

    fn unknown(&mut self, field: &str) {
        // A key is typed text too: one that is not a plain word is not repeated.
        let plain = field.len() <= 60
            && field
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-[].".contains(&b));
        let shown = if plain && ldsp_protocol::personal::find(field).is_empty() {
            field
        } else {
            "file"
        };
        self.problems.push(problem(
            shown,
            "a key is not one of the form",
            "Take it out, or compare with the form that `ldsp-node practice new` writes",
        ));
    }

    fn text(&mut self, field: &str, value: &Value) -> String {
        match value {
            Value::String(text) => text.replace("\r\n", "\n"),
            _ => {
                self.problems.push(problem(
                    field,
                    "text is expected here",
                    "Put it in quotation marks",
                ));
                String::new()
            }
        }
    }

    fn texts(&mut self, field: &str, value: &Value) -> Vec<String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.text(field, item)).collect(),
            _ => {
                self.problems.push(problem(
                    field,
                    "a list is expected here",
                    "Write it in square brackets: [\"first\", \"second\"]",
                ));
                Vec::new()
            }
        }
    }

    fn rows<T, const N: usize>(
        &mut self,
        list: &str,
        value: &Value,
        keys: [&str; N],
        make: impl Fn([String; N]) -> T,
    ) -> Vec<T> {
        let tables = self.tables(list, value);
        let mut rows = Vec::new();
        for (at, table) in tables.into_iter().enumerate() {
            for key in table.keys().filter(|k| !keys.contains(&k.as_str())) {
                self.unknown(&format!("{list}[{at}].{key}"));
            }
            rows.push(make(keys.map(|key| {
                table.get(key).map_or_else(String::new, |v| {
                    self.text(&format!("{list}[{at}].{key}"), v)
                })
            })));
        }
        rows
    }

    fn tables<'v>(&mut self, list: &str, value: &'v Value) -> Vec<&'v Table> {
        let Some(items) = value.as_array() else {
            self.problems.push(problem(
                list,
                "a list of blocks is expected here",
                format!("Begin each with [[{list}]]"),
            ));
            return Vec::new();
        };
        let tables: Vec<&Table> = items.iter().filter_map(Value::as_table).collect();
        if tables.len() != items.len() {
            self.problems.push(problem(
                list,
                "a list of blocks is expected here",
                format!("Begin each with [[{list}]]"),
            ));
        }
        tables
    }

    fn evidence(&mut self, value: &Value) {
        for (at, table) in self.tables("evidence", value).into_iter().enumerate() {
            let field = format!("evidence[{at}]");
            for key in table
                .keys()
                .filter(|k| !["release", "table", "codes"].contains(&k.as_str()))
            {
                self.unknown(&format!("{field}.{key}"));
            }
            let mut text = |key: &str| {
                table
                    .get(key)
                    .map_or_else(String::new, |v| self.text(&format!("{field}.{key}"), v))
            };
            let (release, id) = (text("release"), text("table"));
            let codes = table
                .get("codes")
                .map_or_else(Vec::new, |v| self.texts(&format!("{field}.codes"), v));
            let found = self.figures.cell(&release, &id, &codes);
            match found {
                Ok(evidence) => self
                    .form
                    .evidence
                    .push(super::figures::reference(&evidence)),
                Err((cause, remedy)) => self.problems.push(problem(field, cause, remedy)),
            }
        }
    }
}

fn date(value: &Value) -> DateParts {
    let text = match value {
        Value::Datetime(date) => date.to_string(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    match text.parse::<jiff::civil::Date>() {
        Ok(date) => date.into(),
        // Kept as typed, so that the reader of the form says what is wrong with it.
        Err(_) => DateParts {
            year: text,
            ..DateParts::default()
        },
    }
}
