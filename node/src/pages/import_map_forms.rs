//! The questions about a file with columns of its own, as pages; and the answers read back.

use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, PostForm, Radios, Select, TextArea,
    TextInput, link, list,
};
use ldsp_ui::{Html, Page};

use super::import::{Chosen, onward, questions, report_body, verdict};
use super::import_map::{Draft, PASTE, PASTED_ROWS, Pasted, Places, Step, Whose, drop_form, note};
use super::import_map_columns::{self as columns, NONE, label};
use super::{provider, words};
use crate::import::Options;
use crate::import::mapping::look::Look;
use crate::import::mapping::{DateForm, TextForm};
use crate::import::report::ImportReport;

pub(super) type Pairs = [(String, String)];
pub(super) type Errors = Vec<(String, String)>;

pub(super) fn sent<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let found = pairs.iter().rev().find(|(sent, _)| sent == name);
    found.map(|(_, value)| value.as_str())
}

pub(super) fn error<'a>(errors: &'a [(String, String)], field: &str) -> Option<&'a str> {
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
            columns::question(held, pairs, errors),
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
    let places = held.whose.places();
    let mut form = PostForm::to(places.map).hidden("step", name);
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
    let mut pieces = vec![form, drop_form(places)];
    if step > Step::Columns {
        let back = format!("{}?step=columns", places.map);
        pieces.insert(0, list([link("Back to the columns", &back)]));
    }
    let page = held.whose.page(title).errors(summary);
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
            label(held.kind, column).into(),
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
            let mut choices = vec![Choice::new("", "Leave it: refuse its rows")];
            if !value.is_empty() {
                choices.push(Choice::new(NONE, "Nothing: as if it were empty"));
            }
            choices.extend(codes.iter().map(|(id, title)| Choice::new(id, title)));
            let title = if value.is_empty() {
                "(nothing in the field)"
            } else {
                value
            };
            let field = Field::new(&id, title)
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
        Step::Columns => columns::read(held, pairs),
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
    let places = held.whose.places();
    let mut pieces = body(report, sound, places);
    if let Some(look) = &held.look {
        let numbers = look.numbers(&held.mapping);
        if !numbers.is_empty() {
            let names: Vec<String> = numbers
                .iter()
                .map(|column| label(held.kind, column))
                .collect();
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
    let mut form = PostForm::to(places.map).hidden("step", "import");
    for question in questions(chosen) {
        form = form.with(question);
    }
    let form = form
        .with(Radios::new(way, ways))
        .buttons([Button::new("Import")]);
    pieces.push(form.into());
    pieces.push(list([
        link(
            "Back to the columns",
            &format!("{}?step=columns", places.map),
        ),
        link("Back to the name", &format!("{}?step=name", places.map)),
    ]));
    pieces.push(drop_form(places));
    held.whose
        .page(format!("Check of {}", report.kind.as_str()))
        .notice(notice)
        .body(Html::concat(pieces))
}

/// The import of a mapped file.
pub(super) fn stored(report: &ImportReport, options: &Options) -> Page {
    let (notice, sound) = verdict(report);
    let places = Places::of(options);
    let page = Page::new(format!("Import of {}", report.kind.as_str()));
    let page = match &options.brings {
        None => page,
        Some(brings) => page.breadcrumb(brings.provider.clone(), "/provider"),
    };
    let mut pieces = body(report, sound, places);
    pieces.push(match options.brings {
        None => onward(report.kind),
        Some(_) => provider::onward(),
    });
    page.breadcrumb(places.name, places.upload)
        .notice(notice)
        .body(Html::concat(pieces))
}

/// What a report says to those whose pages these are, without its verdict.
fn body(report: &ImportReport, sound: bool, places: &Places) -> Vec<Html> {
    if places.upload == Places::of(&Options::default()).upload {
        report_body(report, sound)
    } else {
        provider::report_body(report, sound)
    }
}

/// The form for rows from a spreadsheet.
pub(super) fn paste(whose: &Whose, pasted: &Pasted, errors: &[(String, String)]) -> Page {
    let mut summary = ErrorSummary::new();
    for (field, error) in errors {
        summary = summary.error(field, error);
    }
    let mut form = PostForm::to(whose.places().paste);
    if matches!(whose, Whose::Lep) {
        form = form.with(Radios::new(
            Field::new("kind", "What do the rows hold?")
                .value(pasted.kind.as_str())
                .error_if(error(errors, "kind")),
            [
                Choice::new("programmes", "Programmes"),
                Choice::new("learners", "Learners"),
                Choice::new("demand", "Demand"),
                Choice::new("vacancies", "Vacancies"),
                Choice::new("services", "Services where people learn"),
            ],
        ));
    }
    let field = Field::new("rows", "Rows")
        .hint(format!("In the spreadsheet select the rows with the columns\u{2019} names above them, copy them, and paste them here: at most {} rows and {} MiB", words::count(PASTED_ROWS as u64), PASTE >> 20))
        .value(pasted.rows.as_str())
        .error_if(error(errors, "rows"));
    let form = form
        .with(TextArea::new(field).rows(12))
        .buttons([Button::new("Continue")]);
    whose.page("Paste rows").errors(summary).body(Html::concat([
        Html::paragraph("Nothing is stored before you have seen what the rows would do. They are held for 15 minutes at most."),
        form.into(),
    ]))
}
