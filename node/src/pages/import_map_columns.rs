//! The question which column of a file is which, as a page; and its answer read back.
//!
//! What is needed and not clear stands first; what goes by its name alone is folded away, and what few files have is taken for not there.

use ldsp_ui::Html;
use ldsp_ui::components::{Choice, Details, Field, InsetText, Select, Table, TextInput};

use super::import_map::{Draft, Whose};
use super::import_map_forms::{Errors, Pairs, error, sent};
use super::release_view::heading;
use super::words;
use crate::import::mapping::look::{Examples, Look, Seen};
use crate::import::mapping::propose::is_known_in;
use crate::import::mapping::{Kind, Mapping, Need, Origin};
use crate::model::Model as _;
use crate::store::kept::Known;
use crate::store::services::Service;

/// Of a list of columns: none is meant, and the file says nothing.
pub(super) const NONE: &str = "none";

/// Columns for which one text may stand on every row.
fn may_be_fixed(kind: Kind, column: &str) -> bool {
    let of_each = [
        "age",
        "start",
        "planned_end",
        "end",
        "confidence_before",
        "confidence_after",
        "everyday_before",
        "everyday_after",
        "cost",
        "capacity",
        "holds_until",
        "date",
        // Of a person: what is the same for everybody is rarely so.
        "sex",
        "ethnicity",
        "disability",
        "prior_status",
    ];
    !kind.identifies(column) && !of_each.contains(&column)
}

/// What a column of the contract is, in words.
pub(super) fn label(kind: Kind, column: &str) -> String {
    let words = match column {
        column if kind == Kind::Services => return of_service(column),
        "learner_ref" => "Learner\u{2019}s reference",
        "uln" => "Unique learner number (ULN)",
        "prior_status" => "What they did before",
        "planned_end" => "Planned last day",
        "start" => "First day",
        "end" => "Last day",
        "destination_3m" => "Destination after 3 months",
        "destination_6m" => "Destination after 6 months",
        "destination_12m" => "Destination after 12 months",
        "confidence_before" => "Confidence at the start",
        "confidence_after" => "Confidence at the end",
        "everyday_before" => "Everyday tasks online at the start",
        "everyday_after" => "Everyday tasks online at the end",
        "asks" => "Who asks",
        "number" => "How many",
        "counts" => "What the number counts",
        "from" => "From which month",
        "until" => "Until which month",
        "how" => "How it was learnt",
        "sure" => "How sure it is",
        "by" => "Who said so",
        "date" => "When it was advertised",
        "title" => "Title of the vacancy",
        "description" => "Its text",
        "holds_until" => "Last day on which it is taken for true",
        plain => {
            let plain = words::sentence(&plain.replace('_', " "));
            return plain.trim_end_matches('.').to_owned();
        }
    };
    words.to_owned()
}

/// As the form and the list of services call it.
fn of_service(column: &str) -> String {
    let questions = Service::questions(&Known::default());
    let found = questions.iter().find(|question| question.column == column);
    found.map_or(column, |question| question.label).to_owned()
}

/// How much a column is missed in these people's file: a provider's own is known without its name.
fn need(whose: &Whose, kind: Kind, column: &str) -> Need {
    match (whose, column) {
        (Whose::Provider(..), "provider") => Need::Optional,
        _ => kind.need(column),
    }
}

/// A column of the contract on the page.
struct Asked {
    kind: Kind,
    column: &'static str,
    need: Need,
    /// What is chosen: empty, [`NONE`], or `=` and the name of a column.
    chosen: String,
    /// The text for every row.
    fixed: String,
    /// Whether the name alone says which column it is, or a person has said it before.
    is_clear: bool,
}

impl Asked {
    fn new(held: &Draft, look: &Look, pairs: &Pairs, column: &'static str) -> Self {
        let names = look.names();
        let (chosen, fixed) = origin(&held.mapping, column, &names);
        let chosen = sent(pairs, &format!("c-{column}")).map_or(chosen, str::to_owned);
        let fixed = sent(pairs, &format!("f-{column}")).map_or(fixed, str::to_owned);
        let need = need(&held.whose, held.kind, column);
        let is_clear = chosen
            .strip_prefix('=')
            .is_some_and(|name| held.name.is_some() || is_known_in(held.kind, column, name));
        Self {
            kind: held.kind,
            column,
            need,
            chosen,
            fixed,
            is_clear,
        }
    }

    fn is_answered(&self) -> bool {
        !self.chosen.is_empty() || !self.fixed.trim().is_empty()
    }

    fn is_wrong(&self, errors: &[(String, String)]) -> bool {
        ["c", "f"]
            .iter()
            .any(|part| error(errors, &format!("{part}-{}", self.column)).is_some())
    }

    fn html(&self, held: &Draft, look: &Look, errors: &[(String, String)]) -> Html {
        let (id, fixed_id) = (format!("c-{}", self.column), format!("f-{}", self.column));
        let mut choices = match self.need {
            Need::Needed => vec![
                Choice::new("", "Choose a column"),
                Choice::new(NONE, "The file has none: leave it empty"),
            ],
            Need::Usual | Need::Optional => vec![Choice::new("", "Not in this file")],
        };
        for name in look.names() {
            choices.push(Choice::new(format!("={name}"), name));
        }
        let is_left_out = self.need != Need::Needed && self.chosen == NONE;
        let chosen = if is_left_out {
            ""
        } else {
            self.chosen.as_str()
        };
        let mut field = Field::new(&id, label(self.kind, self.column))
            .value(chosen)
            .error_if(error(errors, &id));
        let seen = chosen.strip_prefix('=').and_then(|name| look.column(name));
        let about = hint(held.kind, self.column).map(str::to_owned);
        let said: Vec<String> = about.into_iter().chain(seen.map(in_the_file)).collect();
        if !said.is_empty() {
            field = field.hint(said.join(". "));
        }
        let list = Html::from(Select::new(field, choices));
        // Where the file has a column of its own there is nothing to type.
        let is_asked = self.need != Need::Optional && !self.is_clear || !self.fixed.is_empty();
        let may_be_fixed = is_asked && may_be_fixed(held.kind, self.column);
        if !may_be_fixed {
            return list;
        }
        let label = format!("{}: the same on every row", label(self.kind, self.column));
        let field = Field::new(&fixed_id, &label)
            .value(self.fixed.clone())
            .error_if(error(errors, &fixed_id));
        let input = Html::from(TextInput::new(field).width(30));
        let input = if self.fixed.is_empty() {
            Details::new(label, input).into()
        } else {
            input
        };
        Html::concat([list, input])
    }
}

/// What a column of the file holds, after a full stop.
fn in_the_file(seen: &Seen) -> String {
    format!("In the file: {}", examples(seen))
}

fn examples(seen: &Seen) -> String {
    match seen.examples() {
        Examples::Values(values) => values.join(", "),
        Examples::Forms(forms) if forms.is_empty() => "empty on every row".to_owned(),
        Examples::Forms(forms) => format!("written like {}", forms.join(", ")),
    }
}

/// Every column of the file, with how many of its rows have it and examples.
fn all(look: &Look) -> Html {
    let rows = look.columns.iter().filter(|seen| !seen.name.is_empty());
    let rows = rows.map(|seen| {
        [
            Html::from(seen.name.clone()),
            words::count(seen.filled).into(),
            examples(seen).into(),
        ]
    });
    let table = Table::new("Columns of the file")
        .caption_hidden()
        .columns(["Column", "Rows that have it", "Examples"])
        .numeric([1])
        .rows(rows);
    let note = "Values are shown where several rows share them. Of others, which may tell of one person, the form alone: 9 is a digit, a and A are letters.";
    Html::concat([Html::paragraph(note), table.into()])
}

/// What is still missing, or that nothing is.
fn standing(asked: &[Asked]) -> InsetText {
    let missing: Vec<String> = asked
        .iter()
        .filter(|one| one.need == Need::Needed && !one.is_answered())
        .map(|one| label(one.kind, one.column))
        .collect();
    InsetText::new(if missing.is_empty() {
        "Everything that is needed is there. Look at what was found, and go on.".to_owned()
    } else {
        format!("Still missing: {}.", missing.join("; "))
    })
}

pub(super) fn question(held: &Draft, pairs: &Pairs, errors: &[(String, String)]) -> Vec<Html> {
    let Some(look) = &held.look else {
        return Vec::new();
    };
    let asked: Vec<Asked> = held
        .kind
        .columns()
        .iter()
        .map(|column| Asked::new(held, look, pairs, column))
        .collect();
    let (clear, open): (Vec<&Asked>, Vec<&Asked>) = asked
        .iter()
        .partition(|one| one.is_clear && !one.is_wrong(errors));
    let of = |need| -> Vec<&Asked> {
        open.iter()
            .filter(|one| one.need == need)
            .copied()
            .collect()
    };
    // A part of its own, so that what is folded below does not look like the last one's.
    let html = |all: &[&Asked]| {
        let all = all.iter().map(|one| one.html(held, look, errors));
        Html::concat([
            Html::literal("<div>"),
            Html::concat(all),
            Html::literal("</div>"),
        ])
    };
    let (needed, usual, optional) = (of(Need::Needed), of(Need::Usual), of(Need::Optional));
    let mut parts = vec![standing(&asked).into()];
    let number = usize::try_from(look.rows).unwrap_or(usize::MAX);
    parts.push(Html::paragraph(&format!(
        "The file has {} and {}.",
        words::some(number, "row", "rows"),
        words::some(look.names().len(), "column", "columns"),
    )));
    if look.formulas > 0 {
        parts.push(Html::paragraph(
            "The workbook has formulas: the values that were saved with them are read.",
        ));
    }
    parts.push(Details::new("What the columns of the file hold", all(look)).into());
    let is_used = |name: &&str| asked.iter().any(|one| one.chosen == format!("={name}"));
    let names = look.names().into_iter().filter(|name| !name.is_empty());
    let unused: Vec<&str> = names.filter(|name| !is_used(name)).collect();
    if !unused.is_empty() {
        let text = format!(
            "Columns of the file that nothing is taken from: {}.",
            unused.join(", ")
        );
        parts.push(InsetText::new(text).into());
    }
    if !clear.is_empty() {
        let by = if held.name.is_some() {
            "as the last time"
        } else {
            "by their names"
        };
        let found = words::some(clear.len(), "column", "columns");
        let summary = format!("Found {by}: {found}. Look at them, or change them");
        parts.push(Details::new(summary, html(&clear)).into());
    }
    if !needed.is_empty() {
        parts.extend([heading("Needed"), html(&needed)]);
    }
    if !usual.is_empty() {
        parts.extend([heading("Usually there"), html(&usual)]);
    }
    if !optional.is_empty() {
        let summary = format!(
            "Optional: {}",
            words::some(optional.len(), "column", "columns")
        );
        let details = Details::new(summary, html(&optional));
        let is_open = optional
            .iter()
            .any(|one| one.is_answered() && one.chosen != NONE || one.is_wrong(errors));
        parts.push(if is_open { details.open() } else { details }.into());
    }
    parts
}

/// What the mapping says of a column: the value of its list, and the text for every row.
fn origin(mapping: &Mapping, column: &str, names: &[&str]) -> (String, String) {
    match mapping.columns.get(column) {
        None => (String::new(), String::new()),
        Some(Origin::Always(text)) if text.is_empty() => (NONE.to_owned(), String::new()),
        Some(Origin::Always(text)) => (String::new(), text.clone()),
        Some(Origin::Column(name)) => {
            let same =
                |other: &&&str| crate::import::plain_name(other) == crate::import::plain_name(name);
            let found = names.iter().find(same);
            (
                found.map_or(String::new(), |name| format!("={name}")),
                String::new(),
            )
        }
    }
}

fn hint(kind: Kind, column: &str) -> Option<&'static str> {
    Some(match (kind, column) {
        (Kind::Learners, "provider") => "The college, charity or company that teaches",
        (Kind::Learners, "learner_ref") => {
            "The provider\u{2019}s own reference of the learner. It becomes a code and is not kept"
        }
        (Kind::Learners, "uln") => "Unique learner number. It becomes a code and is not kept",
        (Kind::Learners, "birth_date") => "This or the age. It becomes an age band and is not kept",
        (Kind::Learners, "postcode") => {
            "This or the district. It becomes a district and is not kept"
        }
        (Kind::Learners, "district") => "A code such as E08000028",
        (Kind::Learners, "aim") => "The code of the course or qualification",
        (Kind::Services, "name") => "What the service is called",
        (Kind::Services, "organisation") => "Who offers it",
        (_, "programme") => "The code of the programme, as the file of programmes has it",
        (Kind::Learners, "stage") => {
            "In progress, achieved, completed without achievement, withdrawn or transferred"
        }
        (Kind::Learners, "planned_end") => "The day on which the course should end",
        (Kind::Vacancies, "title" | "description") => {
            "Words of the table are looked for in it. It is not kept"
        }
        (Kind::Vacancies, "employer") => {
            "So that it is known whether few make up a number. It is not kept"
        }
        (Kind::Vacancies, "district" | "postcode") => {
            "Where neither is given a vacancy is counted for the whole area"
        }
        (Kind::Vacancies, "number") => "Of places; 1 where it is left out",
        (Kind::Demand, "asks") => "People themselves, a business, a charity or a public body",
        (Kind::Demand, "area") => {
            "The name or code of a district, or whole for all of them. One text for every row: below"
        }
        (Kind::Demand, "number") => "A whole number, or the words not published",
        (Kind::Demand, "by") => "A role or a body, never a person\u{2019}s name",
        (Kind::Demand, "from") => "Such as 2022-09; of a date, its month",
        _ => return None,
    })
}

/// Reads the answer into the draft; gives the errors by field.
pub(super) fn read(held: &mut Draft, pairs: &Pairs) -> Errors {
    let mut errors = Errors::new();
    let mut mapping = Mapping {
        columns: Default::default(),
        ..held.mapping.clone()
    };
    let names: Vec<String> = held
        .look
        .iter()
        .flat_map(|look| look.names())
        .map(str::to_owned)
        .collect();
    for column in held.kind.columns() {
        let chosen = sent(pairs, &format!("c-{column}")).unwrap_or_default();
        let fixed = sent(pairs, &format!("f-{column}"))
            .unwrap_or_default()
            .trim();
        let origin = match (chosen, fixed) {
            ("", "") => continue,
            (NONE, "") => Origin::Always(String::new()),
            ("" | NONE, fixed) => Origin::Always(fixed.to_owned()),
            (chosen, "") => {
                let name = chosen.strip_prefix('=').unwrap_or_default();
                if !names.iter().any(|other| other == name) {
                    errors.push((
                        format!("c-{column}"),
                        format!(
                            "{}: choose one of the file\u{2019}s columns",
                            label(held.kind, column)
                        ),
                    ));
                    continue;
                }
                Origin::Column(name.to_owned())
            }
            _ => {
                errors.push((
                    format!("f-{column}"),
                    format!(
                        "{}: choose a column or give a text for every row, not both",
                        label(held.kind, column)
                    ),
                ));
                continue;
            }
        };
        mapping.columns.insert((*column).to_owned(), origin);
    }
    if matches!(held.whose, Whose::Provider(..)) && !mapping.columns.contains_key("provider") {
        let own = Origin::Always(String::new());
        mapping.columns.insert("provider".to_owned(), own);
    }
    mapping.leave_out_the_rest();
    mapping
        .values
        .retain(|column, _| matches!(mapping.columns.get(column), Some(Origin::Column(_))));
    for problem in mapping.check() {
        let field = match mapping.columns.get(&problem.column) {
            Some(Origin::Always(text)) if !text.is_empty() => format!("f-{}", problem.column),
            _ => format!("c-{}", problem.column),
        };
        if error(&errors, &field).is_none() {
            errors.push((
                field,
                format!("{}: {}", label(held.kind, &problem.column), problem.cause),
            ));
        }
    }
    if errors.is_empty() {
        held.mapping = mapping;
    }
    errors
}
