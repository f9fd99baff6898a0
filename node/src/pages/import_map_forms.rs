//! The questions about a file with columns of its own, as pages; and the answers read back.

use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, ErrorSummary, Field, InsetText, PostForm, Radios, Select,
    TextArea, TextInput, link, list,
};
use ldsp_ui::{Html, Page};

use super::import::{Chosen, questions, report_body, verdict};
use super::import_map::{Draft, PASTE, PASTED_ROWS, Step, drop_form, note};
use super::words;
use crate::import::mapping::look::Look;
use crate::import::mapping::{DateForm, Kind, Mapping, Origin, TextForm};
use crate::import::report::ImportReport;

type Pairs = [(String, String)];
type Errors = Vec<(String, String)>;

/// Of a list of columns: none is meant, and the file says nothing.
const NONE: &str = "none";

fn sent<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let found = pairs.iter().rev().find(|(sent, _)| sent == name);
    found.map(|(_, value)| value.as_str())
}

fn error<'a>(errors: &'a [(String, String)], field: &str) -> Option<&'a str> {
    let found = errors.iter().find(|(name, _)| name == field);
    found.map(|(_, error)| error.as_str())
}

/// The page of a question; `pairs` is what was sent, when that has errors.
pub(super) fn question(
    held: &Draft,
    step: Step,
    pairs: &Pairs,
    errors: &[(String, String)],
) -> Page {
    let (title, name, parts) = match step {
        Step::Sheet => ("Which sheet holds the rows?", "sheet", sheet(held, errors)),
        Step::Text => ("Is the file in an older coding?", "text", text(errors)),
        Step::Columns => (
            "Which column is which?",
            "columns",
            columns(held, pairs, errors),
        ),
        Step::Dates => (
            "How are the dates written?",
            "dates",
            dates(held, pairs, errors),
        ),
        Step::Values => (
            "What do the values stand for?",
            "values",
            values(held, pairs, errors),
        ),
        Step::Name | Step::Check => (
            "Shall this be remembered?",
            "name",
            remembered(held, pairs, errors),
        ),
    };
    let mut form = PostForm::to("/import/map").hidden("step", name);
    for part in parts {
        form = form.with(part);
    }
    let form = form.buttons([Button::new("Continue")]);
    let form = match step {
        Step::Columns | Step::Values => Html::concat([
            Html::literal("<div class=\"ldsp-pairs\">"),
            form.into(),
            Html::literal("</div>"),
        ]),
        _ => form.into(),
    };
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(field, error);
    }
    let mut pieces = vec![form, drop_form()];
    if step > Step::Columns {
        pieces.insert(
            0,
            list([link("Back to the columns", "/import/map?step=columns")]),
        );
    }
    let page = Page::new(title)
        .breadcrumb("Import", "/import")
        .errors(summary);
    let page = match note(held) {
        Some(notice) if step == Step::Columns && errors.is_empty() => page.notice(notice),
        _ => page,
    };
    page.body(Html::concat(pieces))
}

fn sheet(held: &Draft, errors: &[(String, String)]) -> Vec<Html> {
    let choices = held
        .sheets
        .iter()
        .map(|sheet| Choice::new(&sheet.name, &sheet.name));
    let field = Field::new("sheet", "Sheet").error_if(error(errors, "sheet"));
    vec![Radios::new(field, choices).into()]
}

fn text(errors: &[(String, String)]) -> Vec<Html> {
    let field = Field::new("western", "The file is not UTF-8, as it should be. It may be Windows-1252 (Western European), which older programs write")
        .hint("Letters such as é and the pound sign come out wrong if it is neither. Look at the names of providers after the check")
        .error_if(error(errors, "western"));
    vec![
        Radios::new(
            field,
            [
                Choice::new("yes", "Read it as Windows-1252"),
                Choice::new("no", "No: I will save it as UTF-8 and send it again"),
            ],
        )
        .into(),
    ]
}

/// Columns for which one text may stand on every row.
fn may_be_fixed(kind: Kind, column: &str) -> bool {
    let numbers = [
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
    ];
    !kind.identifies(column) && !numbers.contains(&column)
}

/// What a column of the contract is, in words.
fn label(column: &str) -> String {
    let words = match column {
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

fn columns(held: &Draft, pairs: &Pairs, errors: &[(String, String)]) -> Vec<Html> {
    let Some(look) = &held.look else {
        return Vec::new();
    };
    let mut parts = vec![Html::paragraph(&format!(
        "The file has {} rows. For each of the columns that are read, say which column of the file it is. What is chosen already goes by the names alone: look at it.",
        words::count(look.rows)
    ))];
    if look.formulas > 0 {
        parts.push(Html::paragraph(
            "The workbook has formulas: the values that were saved with them are read.",
        ));
    }
    let names = look.names();
    for column in held.kind.columns() {
        let (chosen, fixed) = origin(&held.mapping, column, &names);
        let id = format!("c-{column}");
        let fixed_id = format!("f-{column}");
        let chosen = sent(pairs, &id).map_or(chosen, str::to_owned);
        let fixed = sent(pairs, &fixed_id).map_or(fixed, str::to_owned);
        let mut choices = vec![Choice::new("", "Choose a column")];
        choices.push(Choice::new(NONE, "The file has none: leave it empty"));
        for name in &names {
            choices.push(Choice::new(format!("={name}"), *name));
        }
        let mut field = Field::new(&id, label(column))
            .value(chosen)
            .error_if(error(errors, &id));
        if let Some(hint) = hint(held.kind, column) {
            field = field.hint(hint);
        }
        parts.push(Select::new(field, choices).into());
        if may_be_fixed(held.kind, column) {
            let is_shown = !fixed.is_empty();
            let label = format!("{}: the same on every row", label(column));
            let field = Field::new(&fixed_id, &label)
                .value(fixed)
                .error_if(error(errors, &fixed_id));
            let input = Html::from(TextInput::new(field).width(30));
            parts.push(if is_shown {
                input
            } else {
                Details::new(label, input).into()
            });
        }
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
        _ if !kind.requires(column) => "May be left out",
        _ => return None,
    })
}

fn dates(held: &Draft, pairs: &Pairs, errors: &[(String, String)]) -> Vec<Html> {
    let (iso, slashed) = held
        .look
        .as_ref()
        .map_or((0, 0), |look| look.dates(&held.mapping));
    let some = |n: u64| words::some(usize::try_from(n).unwrap_or(usize::MAX), "date", "dates");
    let chosen = match held.mapping.dates {
        DateForm::DayFirst => "day-first",
        // The one is no answer to the question unless it was given.
        DateForm::Iso => "",
    };
    let field = Field::new(
        "dates",
        format!("{} of the file are written like 04/10/2021", some(slashed)),
    )
    .hint(format!(
        "{} are written like 2021-10-04, which can mean one day only",
        some(iso)
    ))
    .value(sent(pairs, "dates").unwrap_or(chosen))
    .error_if(error(errors, "dates"));
    vec![
        Radios::new(
            field,
            [
                Choice::new(
                    "day-first",
                    "The day comes first: 04/10/2021 is 4 October 2021",
                ),
                Choice::new("iso", "Something else: refuse those rows")
                    .hint("Give the columns the format yyyy-mm-dd and send the file again"),
            ],
        )
        .into(),
    ]
}

fn values(held: &Draft, pairs: &Pairs, errors: &[(String, String)]) -> Vec<Html> {
    let Some(look) = &held.look else {
        return Vec::new();
    };
    let mut parts = vec![Html::paragraph(
        "These values of the file are no codes of the data standard. Say what each stands for; rows with a value that you leave are refused.",
    )];
    for (column, unknown) in look.unknown(&held.mapping) {
        parts.push(Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\">"),
            label(column).into(),
            Html::literal("</h2>"),
        ]));
        let Some(unknown) = unknown else {
            parts.push(InsetText::new("The values of this column are too many or too long to be codes, and are not shown. Is it the right column? Rows whose value is no code are refused.").into());
            continue;
        };
        let codes = held.kind.codes(column).unwrap_or_default();
        let known = held.mapping.values.get(column);
        for (at, (value, _)) in unknown.iter().enumerate() {
            let id = format!("v-{column}-{at}");
            let said = known.and_then(|values| {
                let same =
                    |(other, _): &(&String, &String)| crate::import::same_value(other, value);
                values
                    .iter()
                    .find(same)
                    .map(|(_, code)| if code.is_empty() { NONE } else { code.as_str() })
            });
            let chosen = sent(pairs, &id).or(said).unwrap_or_default();
            let mut choices = vec![
                Choice::new("", "Leave it: refuse its rows"),
                Choice::new(NONE, "Nothing: as if it were empty"),
            ];
            choices.extend(codes.iter().map(|(id, title)| Choice::new(id, title)));
            let field = Field::new(&id, value)
                .value(chosen)
                .error_if(error(errors, &id));
            parts.push(Select::new(field, choices).into());
        }
    }
    parts
}

fn remembered(held: &Draft, pairs: &Pairs, errors: &[(String, String)]) -> Vec<Html> {
    let name = held.name.as_ref().map_or("", |(name, _)| name.as_str());
    let failed = error(errors, "name");
    let field = Field::new("name", "Name of the source")
        .hint("Such as the provider whose files these are. The next file with these columns finds the answers again. Leave it empty to remember nothing")
        .value(sent(pairs, "name").unwrap_or(name))
        .error_if(failed);
    let mut parts = vec![Html::from(TextInput::new(field).width(30))];
    if failed.is_some() {
        let field = Field::new("replace", "If there is one of this name");
        parts.push(Checkboxes::new(field, [Choice::new("yes", "Replace it")]).into());
    }
    parts
}

/// Reads an answer into the draft; gives the errors by field.
pub(super) fn read(held: &mut Draft, step: Step, pairs: &Pairs) -> Errors {
    match step {
        Step::Sheet => {
            let named = sent(pairs, "sheet").unwrap_or_default();
            if held.sheets.iter().any(|sheet| sheet.name == named) {
                return Errors::new();
            }
            vec![("sheet".to_owned(), "Choose a sheet".to_owned())]
        }
        Step::Text => match sent(pairs, "western") {
            Some("yes") => {
                held.mapping.text = TextForm::Windows1252;
                Errors::new()
            }
            _ => vec![("western".to_owned(), "It can only be read as Windows-1252. If it is not, let this file go, save it as UTF-8 and send it again".to_owned())],
        },
        Step::Columns => read_columns(held, pairs),
        Step::Dates => {
            held.mapping.dates = match sent(pairs, "dates") {
                Some("day-first") => DateForm::DayFirst,
                Some("iso") => DateForm::Iso,
                _ => return vec![("dates".to_owned(), "Say how the dates are written".to_owned())],
            };
            Errors::new()
        }
        Step::Values => {
            let look = held.look.clone();
            if let Some(look) = look {
                read_values(held, &look, pairs);
            }
            Errors::new()
        }
        Step::Name | Step::Check => Errors::new(),
    }
}

fn read_columns(held: &mut Draft, pairs: &Pairs) -> Errors {
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
                        format!("{}: choose one of the file\u{2019}s columns", label(column)),
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
                        label(column)
                    ),
                ));
                continue;
            }
        };
        mapping.columns.insert((*column).to_owned(), origin);
    }
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
                format!("{}: {}", label(&problem.column), problem.cause),
            ));
        }
    }
    if errors.is_empty() {
        held.mapping = mapping;
    }
    errors
}

fn read_values(held: &mut Draft, look: &Look, pairs: &Pairs) {
    for (column, unknown) in look.unknown(&held.mapping) {
        let codes = held.kind.codes(column).unwrap_or_default();
        let values = held.mapping.values.entry(column.to_owned()).or_default();
        for (at, (value, _)) in unknown.unwrap_or_default().into_iter().enumerate() {
            values.retain(|other, _| !crate::import::same_value(other, &value));
            let chosen = sent(pairs, &format!("v-{column}-{at}")).unwrap_or_default();
            if chosen == NONE {
                values.insert(value, String::new());
            } else if codes.iter().any(|(id, _)| id == chosen) {
                values.insert(value, chosen.to_owned());
            }
        }
    }
    held.mapping.values.retain(|_, values| !values.is_empty());
}

/// The check of a mapped file, and whether it shall be imported.
pub(super) fn checked(held: &Draft, report: &ImportReport, chosen: &Chosen) -> Page {
    let (notice, sound) = verdict(report);
    let mut pieces = report_body(report, sound);
    if let Some(look) = &held.look {
        let numbers = look.numbers(&held.mapping);
        if !numbers.is_empty() {
            let names: Vec<String> = numbers.iter().map(|column| label(column)).collect();
            pieces.insert(0, InsetText::new(format!(
                "The workbook keeps numbers in the column of {}: if they began with zeros, these are lost, and a learner would be another one than in a file that has them.",
                names.join(", ").to_lowercase()
            )).into());
        }
    }
    let way = Field::new("way", "What shall be done?").value("store");
    let ways = [
        Choice::new("store", "Import the file if every row is sound"),
        Choice::new("valid", "Import the sound rows and leave the others out"),
    ];
    let mut form = PostForm::to("/import/map").hidden("step", "import");
    for question in questions(chosen) {
        form = form.with(question);
    }
    let form = form
        .with(Radios::new(way, ways))
        .buttons([Button::new("Import")]);
    pieces.push(form.into());
    pieces.push(list([
        link("Back to the columns", "/import/map?step=columns"),
        link("Back to the name", "/import/map?step=name"),
    ]));
    pieces.push(drop_form());
    Page::new(format!("Check of {}", report.kind.as_str()))
        .breadcrumb("Import", "/import")
        .notice(notice)
        .body(Html::concat(pieces))
}

/// The import of a mapped file.
pub(super) fn stored(report: &ImportReport) -> Page {
    let (notice, sound) = verdict(report);
    Page::new(format!("Import of {}", report.kind.as_str()))
        .breadcrumb("Import", "/import")
        .notice(notice)
        .body(Html::concat(report_body(report, sound)))
}

/// The form for rows from a spreadsheet.
pub(super) fn paste(kind: &str, rows: &str, errors: &[(String, String)]) -> Page {
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(field, error);
    }
    let kinds = Radios::new(
        Field::new("kind", "What do the rows hold?")
            .value(kind)
            .error_if(error(errors, "kind")),
        [
            Choice::new("programmes", "Programmes"),
            Choice::new("learners", "Learners"),
            Choice::new("demand", "Demand"),
            Choice::new("vacancies", "Vacancies"),
            Choice::new("services", "Services where people learn"),
        ],
    );
    let field = Field::new("rows", "Rows")
        .hint(format!("In the spreadsheet select the rows with the columns\u{2019} names above them, copy them, and paste them here: at most {} rows and {} MiB", words::count(PASTED_ROWS as u64), PASTE >> 20))
        .value(rows)
        .error_if(error(errors, "rows"));
    let form = PostForm::to("/import/paste")
        .with(kinds)
        .with(TextArea::new(field).rows(12))
        .buttons([Button::new("Continue")]);
    Page::new("Paste rows")
        .breadcrumb("Import", "/import")
        .errors(summary)
        .body(Html::concat([
            Html::paragraph("Nothing is stored before you have seen what the rows would do. They are held for 15 minutes at most."),
            form.into(),
        ]))
}
