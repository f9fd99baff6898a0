//! One question of a draft: its words, what an answer is, and its place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::questionnaire::{
    Choice as Listed, Fact, Form, MAX_CHOICES, MAX_NUMBER, MAX_QUESTIONS, MAX_TEXT, Question,
};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, Field, PostForm, Radios, Select, TextArea, TextInput, link,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::{
    EDITION, Errors, Sent, address, below, draft, keep, links, missing, moved as changed_meanwhile,
    name_of, of, summary,
};
use crate::Service;
use crate::announce::one_line;
use crate::pages::{Answer, Failure};
use crate::questionnaires::Draft;
use crate::store::DraftRow;

/// What an answer can be, as addresses and forms name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    YesNo,
    Number,
    One,
    Any,
    Text,
}

impl Kind {
    const ALL: [Self; 5] = [Self::YesNo, Self::Number, Self::One, Self::Any, Self::Text];

    fn word(self) -> &'static str {
        match self {
            Self::YesNo => "yes-no",
            Self::Number => "number",
            Self::One => "one",
            Self::Any => "any",
            Self::Text => "text",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    fn of(form: &Form) -> Self {
        match form {
            Form::YesNo => Self::YesNo,
            Form::Number { .. } => Self::Number,
            Form::One(_) => Self::One,
            Form::Any(_) => Self::Any,
            Form::Text { .. } => Self::Text,
        }
    }

    fn in_words(self) -> (&'static str, &'static str) {
        match self {
            Self::YesNo => ("Yes or no", "Later questions can depend on it."),
            Self::Number => (
                "A number",
                "A whole number, which a node can fill in where it knows it.",
            ),
            Self::One => ("One of a list", "Later questions can depend on it."),
            Self::Any => ("Any of a list", "Several may be ticked, or none."),
            Self::Text => (
                "Words",
                "You read them one by one; nobody else is shown them but their own area.",
            ),
        }
    }
}

type Asked = Query<HashMap<String, String>>;

fn kind_of(query: &HashMap<String, String>) -> Option<Kind> {
    query.get("form").and_then(|word| Kind::named(word))
}

pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Query(query): Asked,
) -> Answer {
    let row = draft(&service, &name).await?;
    let there = format!("{}/add", address(&row.draft.name));
    Ok(match kind_of(&query) {
        None => which(&row, &there, None, query.contains_key("asked")),
        Some(kind) => {
            let filled = Sent(vec![("required".to_owned(), "yes".to_owned())]);
            form(&row, kind, None, &filled, &Errors::new())
        }
    })
}

/// Asks what kind of answer is wanted; `unchosen`: this was asked before and nothing was chosen.
fn which(row: &DraftRow, there: &str, now: Option<Kind>, unchosen: bool) -> Page {
    let why = "Choose what an answer is";
    let field = Field::new("form", "What is an answer?").error_if(unchosen.then_some(why));
    let choices = Kind::ALL.map(|kind| {
        let (what, hint) = kind.in_words();
        Choice::new(kind.word(), what)
            .hint(hint)
            .chosen(now == Some(kind))
    });
    let errors = if unchosen {
        vec![("form".to_owned(), why.to_owned())]
    } else {
        Errors::new()
    };
    let form = PostForm::search(there)
        .hidden("asked", "1")
        .with(Radios::new(field, choices))
        .with(Button::new("Continue"));
    below("Add a question", &row.draft)
        .errors(summary(&errors))
        .body(form)
}

pub(super) async fn edit(
    State(service): State<Arc<Service>>,
    Path((name, id)): Path<(String, String)>,
    Query(query): Asked,
) -> Answer {
    let row = draft(&service, &name).await?;
    let (_, question) = find(&row.draft, &id)?;
    if query.contains_key("kind") {
        let there = format!("{}/questions/{id}", address(&row.draft.name));
        return Ok(which(&row, &there, Some(Kind::of(&question.form)), false));
    }
    let kind = kind_of(&query).unwrap_or_else(|| Kind::of(&question.form));
    let filled = filled(question);
    Ok(form(&row, kind, Some(&id), &filled, &Errors::new()))
}

fn find<'a>(draft: &'a Draft, id: &str) -> Result<(usize, &'a Question), Failure> {
    let mut all = draft.questions.iter().enumerate();
    let found = all.find(|(_, question)| question.id.as_str() == id);
    Ok(found.ok_or_else(missing)?)
}

/// What the form of a question holds.
fn filled(question: &Question) -> Sent {
    let mut filled = vec![
        ("text", question.text.clone()),
        ("hint", question.hint.clone()),
    ];
    if question.required {
        filled.push(("required", "yes".to_owned()));
    }
    if let Some(fact) = question.prefill {
        filled.push(("prefill", fact.id().to_owned()));
    }
    match &question.form {
        Form::YesNo => {}
        Form::Number { unit, min, max } => {
            filled.push(("unit", unit.clone()));
            filled.push(("min", min.to_string()));
            filled.push(("max", max.to_string()));
        }
        Form::One(choices) | Form::Any(choices) => {
            let lines: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
            filled.push(("choices", lines.join("\n")));
        }
        Form::Text { max } => filled.push(("most", max.to_string())),
    }
    let filled = filled.into_iter();
    Sent(
        filled
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The form of a question; `id` is that of one that is there.
fn form(row: &DraftRow, kind: Kind, id: Option<&str>, sent: &Sent, errors: &Errors) -> Page {
    let here = address(&row.draft.name);
    let to = match id {
        Some(id) => format!("{here}/questions/{id}"),
        None => format!("{here}/add"),
    };
    let field = |name: &str, label: &str| {
        Field::new(name, label)
            .value(sent.get(name))
            .error_if(of(errors, name))
    };
    let hint = field("hint", "Hint, if one helps").hint("What counts, and what does not.");
    let required = Field::new("required", "Must it be answered?");
    let required = Checkboxes::new(
        required,
        [
            Choice::new("yes", "It must be answered, if only by “not known”")
                .chosen(sent.get("required") == "yes"),
        ],
    );
    let mut whole = PostForm::to(&to)
        .hidden(EDITION, row.edition.to_string())
        .hidden("form", kind.word())
        .with(TextInput::new(field("text", "The question")))
        .with(TextArea::new(hint).rows(2).limit(MAX_TEXT));
    for part in of_kind(kind, &field, sent) {
        whole = whole.with(part);
    }
    whole = whole.with(required);
    if id.is_none() {
        let name = field("id", "Short name")
            .hint("Letters a to z, digits and hyphens: how downloads name the question. Leave it empty to have one made of the question.");
        whole = whole.with(TextInput::new(name).width(30));
    }
    let whole = whole.with(Button::new("Save the question"));
    let (what, _) = kind.in_words();
    let other = match id {
        Some(_) => format!("{to}?kind=1"),
        None => to,
    };
    let title = match id {
        Some(id) => {
            let at = row.draft.questions.iter().position(|q| q.id.as_str() == id);
            format!("Question {}", at.map_or(1, |at| at + 1))
        }
        None => "Add a question".to_owned(),
    };
    let mut body = vec![
        Html::concat([
            Html::literal("<p class=\"govuk-body\">"),
            Html::text(&format!("An answer is: {}. ", what.to_lowercase())),
            link("Choose another kind of answer", &other),
            Html::literal("</p>"),
        ]),
        whole.into(),
    ];
    if let Some(id) = id {
        body.push(links([link(
            "When the question is asked",
            &format!("{here}/questions/{id}/when"),
        )]));
        body.push(to_remove(row, id));
    }
    below(&title, &row.draft)
        .errors(summary(errors))
        .body(Html::concat(body))
}

/// The fields that depend on what an answer is.
fn of_kind(kind: Kind, field: &dyn Fn(&str, &str) -> Field, sent: &Sent) -> Vec<Html> {
    match kind {
        Kind::YesNo => Vec::new(),
        Kind::Number => {
            let none = Choice::new("", "Nothing").chosen(sent.get("prefill").is_empty());
            let facts = Fact::ALL.iter().map(|fact| {
                let words = fact.in_words();
                let first = words.chars().take(1).flat_map(char::to_uppercase);
                let label: String = first.chain(words.chars().skip(1)).collect();
                Choice::new(fact.id(), label)
            });
            let prefill = field("prefill", "What may a node fill in?").hint(
                "People at the area see it and may change it. Numbers of learners are never typed: they are the published estimate or not known.",
            );
            vec![
                TextInput::new(field("unit", "What is counted?").hint("Such as “places a year”."))
                    .into(),
                TextInput::new(
                    field("min", "The smallest answer").hint("0 where nothing is said."),
                )
                .width(10)
                .numeric()
                .into(),
                TextInput::new(
                    field("max", "The largest answer")
                        .hint("What is larger is a slip: the area is told so."),
                )
                .width(10)
                .numeric()
                .into(),
                Select::new(prefill, std::iter::once(none).chain(facts)).into(),
            ]
        }
        Kind::One | Kind::Any => {
            let choices = field("choices", "Choices, one on each line").hint(format!(
                "2 to {MAX_CHOICES}. Add “Other” where an area may need it."
            ));
            vec![TextArea::new(choices).rows(8).into()]
        }
        Kind::Text => {
            let most = field("most", "Characters at most")
                .hint(format!("Up to {MAX_TEXT}; 500 where nothing is said."));
            vec![TextInput::new(most).width(5).numeric().into()]
        }
    }
}

fn to_remove(row: &DraftRow, id: &str) -> Html {
    let form = PostForm::to(format!(
        "{}/questions/{id}/remove",
        address(&row.draft.name)
    ))
    .hidden(EDITION, row.edition.to_string())
    .with(Button::new("Delete the question").warning());
    Details::new("Delete this question", form).into()
}

/// A number of the form; `none` where nothing was typed.
fn number(sent: &Sent, name: &str, none: u64, errors: &mut Errors) -> u64 {
    let typed = sent.get(name).trim().replace([',', ' '], "");
    if typed.is_empty() {
        return none;
    }
    let number = typed.parse().ok().filter(|n| *n <= MAX_NUMBER);
    number.unwrap_or_else(|| {
        errors.push((name.to_owned(), "Give a whole number from 0".to_owned()));
        none
    })
}

/// The choices that were typed. One whose words were there before keeps its code, by which conditions and answers name it.
fn choices(sent: &Sent, before: &[Listed]) -> Vec<Listed> {
    let lines = sent.get("choices").lines().map(one_line);
    let mut all: Vec<Listed> = Vec::new();
    for text in lines.filter(|line| !line.is_empty()) {
        let known = before.iter().find(|choice| choice.text == text);
        let taken = |code: &QuestionId| {
            let later = before.iter().any(|choice| choice.code == *code);
            later || all.iter().any(|choice| choice.code == *code)
        };
        let code = match known {
            Some(choice) => choice.code.clone(),
            None => free(&name_of(&text), "choice", taken),
        };
        all.push(Listed { code, text });
    }
    all
}

/// The first name that is not taken: this one, or with a number behind it.
fn free(wanted: &str, otherwise: &str, taken: impl Fn(&QuestionId) -> bool) -> QuestionId {
    let wanted = if wanted.is_empty() { otherwise } else { wanted };
    let numbered = |n: u32| match n {
        1 => wanted.to_owned(),
        n => format!("{}-{n}", wanted.chars().take(36).collect::<String>()),
    };
    let mut names = (1..).filter_map(|n| numbered(n).parse().ok());
    names
        .find(|name| !taken(name))
        .expect("there are more numbers than names that can be taken")
}

/// The question that was sent, and what is wrong with it beside its rules.
fn read(sent: &Sent, kind: Kind, id: QuestionId, before: Option<&Question>) -> (Question, Errors) {
    let mut errors = Errors::new();
    let known = match before.map(|question| &question.form) {
        Some(Form::One(choices) | Form::Any(choices)) => choices.as_slice(),
        _ => &[],
    };
    let form = match kind {
        Kind::YesNo => Form::YesNo,
        Kind::Number => Form::Number {
            unit: one_line(sent.get("unit")),
            min: number(sent, "min", 0, &mut errors),
            max: number(sent, "max", 1_000_000, &mut errors),
        },
        Kind::One => Form::One(choices(sent, known)),
        Kind::Any => Form::Any(choices(sent, known)),
        Kind::Text => {
            let most = number(sent, "most", 500, &mut errors);
            Form::Text {
                max: u32::try_from(most).unwrap_or(u32::MAX),
            }
        }
    };
    let fact = |fact: &&Fact| fact.id() == sent.get("prefill");
    let prefill = Fact::ALL.iter().find(fact).copied();
    let question = Question {
        id,
        text: one_line(sent.get("text")),
        hint: sent.get("hint").trim().replace("\r\n", "\n"),
        form,
        required: sent.get("required") == "yes",
        only_if: before.and_then(|question| question.only_if.clone()),
        prefill: prefill.filter(|_| kind == Kind::Number),
    };
    (question, errors)
}

/// What the rules say against question `at` of the draft, by the fields of its form. Its condition has a page of its own.
fn judged(draft: &Draft, at: usize, kind: Kind) -> Errors {
    let prefix = format!("questions[{at}].");
    let mut errors = Errors::new();
    let mut seen = BTreeMap::new();
    for fault in draft.version(1, "").check() {
        let Some(field) = fault.field.strip_prefix(&prefix) else {
            continue;
        };
        let (name, label) = match (field, kind) {
            ("text", _) => ("text", "The question"),
            ("hint", _) => ("hint", "The hint"),
            ("id", _) => ("id", "The short name"),
            ("prefill", _) => ("prefill", "What a node fills in"),
            ("form.unit", _) => ("unit", "What is counted"),
            (_, Kind::Number) => ("max", "The largest answer"),
            (_, Kind::Text) => ("most", "Characters at most"),
            (f, Kind::One | Kind::Any) if f.starts_with("form") => ("choices", "The choices"),
            _ => continue,
        };
        // A field shows one thing at a time.
        if seen.insert(name, ()).is_none() {
            errors.push((name.to_owned(), format!("{label}: {}", fault.rule)));
        }
    }
    errors
}

pub(super) async fn added(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    axum::Form(sent): axum::Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let kind = Kind::named(sent.get("form")).ok_or_else(missing)?;
    let mut changed = row.draft.clone();
    let taken = |id: &QuestionId| changed.questions.iter().any(|question| question.id == *id);
    let typed = sent.get("id").trim();
    let made = free(&name_of(sent.get("text")), "question", taken);
    let (id, wrong_name) = match typed.parse() {
        _ if typed.is_empty() => (made, false),
        Ok(id) => (id, false),
        Err(_) => (made, true),
    };
    let (question, mut errors) = read(&sent, kind, id, None);
    changed.questions.push(question);
    let at = changed.questions.len() - 1;
    errors.extend(judged(&changed, at, kind));
    if wrong_name {
        let why = "Give a short name of 1 to 40 letters a to z, digits and hyphens";
        errors.push(("id".to_owned(), why.to_owned()));
    }
    if at >= MAX_QUESTIONS {
        let why = format!("There are {MAX_QUESTIONS} questions, and no more can be asked");
        errors.push(("text".to_owned(), why));
    }
    if errors.is_empty() {
        let then = format!("{}#questions", address(&row.draft.name));
        match keep(&service, &person, &changed, (&row, &sent), &then).await? {
            Ok(done) => return Ok(done),
            Err(newer) => {
                errors.push(("text".to_owned(), changed_meanwhile(&newer)));
                return Ok(form(&newer, kind, None, &sent, &errors).into_response());
            }
        }
    }
    Ok(form(&row, kind, None, &sent, &errors).into_response())
}

pub(super) async fn edited(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path((name, id)): Path<(String, String)>,
    axum::Form(sent): axum::Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let kind = Kind::named(sent.get("form")).ok_or_else(missing)?;
    let (at, before) = find(&row.draft, &id)?;
    let (question, mut errors) = read(&sent, kind, before.id.clone(), Some(before));
    let mut changed = row.draft.clone();
    changed.questions[at] = question;
    errors.extend(judged(&changed, at, kind));
    if errors.is_empty() {
        let then = format!("{}#questions", address(&row.draft.name));
        match keep(&service, &person, &changed, (&row, &sent), &then).await? {
            Ok(done) => return Ok(done),
            Err(newer) => {
                errors.push(("text".to_owned(), changed_meanwhile(&newer)));
                find(&newer.draft, &id)?;
                return Ok(form(&newer, kind, Some(&id), &sent, &errors).into_response());
            }
        }
    }
    Ok(form(&row, kind, Some(&id), &sent, &errors).into_response())
}

/// Keeps a change that was a press of a button; where somebody changed the draft meanwhile, the draft is shown as it is.
async fn pressed(
    service: &Service,
    person: &SignedIn,
    changed: &Draft,
    (row, sent): (&DraftRow, &Sent),
) -> Result<Response, Failure> {
    let then = format!("{}#questions", address(&row.draft.name));
    let kept = keep(service, person, changed, (row, sent), &then).await?;
    Ok(kept.unwrap_or_else(|_| axum::response::Redirect::to(&then).into_response()))
}

pub(super) async fn moved(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path((name, id)): Path<(String, String)>,
    axum::Form(sent): axum::Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let (at, _) = find(&row.draft, &id)?;
    let mut changed = row.draft.clone();
    match sent.get("to") {
        "up" if at > 0 => changed.questions.swap(at, at - 1),
        "down" if at + 1 < changed.questions.len() => changed.questions.swap(at, at + 1),
        _ => {}
    }
    pressed(&service, &person, &changed, (&row, &sent)).await
}

pub(super) async fn removed(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path((name, id)): Path<(String, String)>,
    axum::Form(sent): axum::Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let (at, _) = find(&row.draft, &id)?;
    let mut changed = row.draft.clone();
    changed.questions.remove(at);
    pressed(&service, &person, &changed, (&row, &sent)).await
}
