//! A draft: what it says so far, what keeps it from being issued, how an area will see it, and issuing it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::questionnaire::{MAX_TEXT, QuestionnaireError};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, DateInput, Details, ErrorSummary, Field, InsetText, PostForm,
    Radios, SummaryList, TextArea, TextInput, Warning, link, list,
};
use ldsp_ui::{Html, Link, Page, SignedIn};

use super::{
    EDITION, Errors, LIST, Sent, address, below, draft, form, heading, keep, links, moved, of,
    page, shown, summary,
};
use crate::Service;
use crate::announce::{Act, AnnounceError, one_line};
use crate::pages::{Answer, Failure, OPERATORS, words};
use crate::questionnaires::{Draft, IssueError, issue as stage, versions};
use crate::store::{DraftRow, Drafts as _, Keeping, StoreError};

pub(super) async fn show(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Answer {
    let row = draft(&service, &name).await?;
    whole(&service, &person, &row, None).await
}

/// The draft's page; `refused` is why it was not issued or deleted.
async fn whole(
    service: &Service,
    person: &SignedIn,
    row: &DraftRow,
    refused: Option<&str>,
) -> Answer {
    let draft = &row.draft;
    let writes = person.is_any(OPERATORS);
    let before = versions(&service.store, &draft.name).await?.len();
    let faults = draft.faults(&person.name, service.today());
    let preview = Button::link(
        "See it as an area will",
        format!("{}/preview", address(&draft.name)),
    );
    let mut body = vec![
        unfinished(draft, &faults),
        about_draft(draft, writes),
        heading("Questions"),
        questions(row, writes),
    ];
    if writes {
        let add = Button::link("Add a question", format!("{}/add", address(&draft.name)));
        body.push(add.secondary().into());
    }
    body.push(Html::literal(
        "<hr class=\"govuk-section-break govuk-section-break--m govuk-section-break--visible\">",
    ));
    body.push(preview.into());
    if writes {
        body.push(to_delete(row));
    }
    let page = page(draft.title.clone())
        .caption(format!("Draft of version {}", before + 1))
        .body(Html::concat(body));
    Ok(match refused {
        Some(why) => page
            .errors(ErrorSummary::new().error("questions", why))
            .status(StatusCode::CONFLICT),
        None => page,
    })
}

/// What keeps the draft from being issued, each with a link to where it is changed.
fn unfinished(draft: &Draft, faults: &[QuestionnaireError]) -> Html {
    if faults.is_empty() {
        return Html::default();
    }
    let told = faults.iter().map(|fault| {
        let (what, to) = place(draft, &fault.field);
        Html::concat([link(&what, &to), Html::text(&format!(": {}", fault.rule))])
    });
    InsetText::new(Html::concat([
        Html::paragraph("Before it can be issued:"),
        list(told),
    ]))
    .into()
}

/// A field of a fault in words, and where it is changed.
fn place(draft: &Draft, field: &str) -> (String, String) {
    let here = address(&draft.name);
    let (part, rest) = field.split_once('.').unwrap_or((field, ""));
    let number = part.strip_prefix("questions[");
    let number = number.and_then(|rest| rest.strip_suffix(']')?.parse::<usize>().ok());
    if let Some((at, question)) = number.and_then(|at| Some((at, draft.questions.get(at)?))) {
        let to = match rest {
            "only_if" => format!("{here}/questions/{}/when", question.id),
            _ => format!("{here}/questions/{}", question.id),
        };
        let what = match rest.split(['.', '[']).next().unwrap_or_default() {
            "hint" => "the hint",
            "form" => "the kind of answer",
            "only_if" => "when it is asked",
            "prefill" => "what a node fills in",
            _ => "the question itself",
        };
        return (format!("Question {}, {what}", at + 1), to);
    }
    let (what, rest) = match part {
        "purpose" => ("What the answers are for", "/about"),
        "due" => ("Last day for answers", "/about"),
        "to" => ("Areas that are asked", "/areas"),
        "questions" => ("Questions", "/add"),
        "asked_by" => ("Your name, which becomes public", ""),
        _ => ("Title", "/about"),
    };
    (what.to_owned(), format!("{here}{rest}"))
}

fn about_draft(draft: &Draft, writes: bool) -> Html {
    let here = address(&draft.name);
    let or = |text: &str| {
        if text.is_empty() {
            Html::text("Not written yet")
        } else {
            shown::lines(text)
        }
    };
    let due = draft
        .due
        .map_or_else(|| "Not set yet".to_owned(), words::date);
    let facts: [(&str, Html, &str); 4] = [
        ("Title", Html::text(&draft.title), "about"),
        ("What the answers are for", or(&draft.purpose), "about"),
        ("Last day for answers", Html::text(&due), "about"),
        (
            "Areas that are asked",
            Html::text(&shown::areas(&draft.to)),
            "areas",
        ),
    ];
    let facts = facts.into_iter();
    facts
        .fold(SummaryList::new(), |all, (key, value, to)| {
            if writes {
                all.fact_with(key, value, Link::new("Change", format!("{here}/{to}")))
            } else {
                all.fact(key, value)
            }
        })
        .into()
}

fn questions(row: &DraftRow, writes: bool) -> Html {
    let draft = &row.draft;
    if draft.questions.is_empty() {
        return Html::concat([
            Html::literal("<div id=\"questions\">"),
            InsetText::new("There is no question yet. Ten questions that an area can answer in an hour bring more back than a hundred.").into(),
            Html::literal("</div>"),
        ]);
    }
    // Conditions are told by the numbers of questions.
    let whole = draft.version(1, "");
    let last = draft.questions.len() - 1;
    let all = draft.questions.iter().enumerate().map(|(at, question)| {
        let number = at + 1;
        let here = format!("{}/questions/{}", address(&draft.name), question.id);
        let mut parts = vec![
            Html::literal("<h3 class=\"govuk-heading-s\">"),
            Html::text(&format!("{number}. {}", question.text)),
            Html::literal("</h3>"),
            list(shown::about(question, &whole)),
        ];
        if writes {
            parts.push(links([
                link(&format!("Change question {number}"), &here),
                link(
                    &format!("When question {number} is asked"),
                    &format!("{here}/when"),
                ),
            ]));
            let move_ = |to: &str| {
                Button::new(format!("Move question {number} {to}"))
                    .secondary()
                    .sends("to", to)
            };
            let up = (at > 0).then(|| move_("up"));
            let down = (at < last).then(|| move_("down"));
            let form = PostForm::to(format!("{here}/move"))
                .hidden(EDITION, row.edition.to_string())
                .buttons(up.into_iter().chain(down));
            if last > 0 {
                parts.push(form.into());
            }
        }
        Html::concat(parts)
    });
    Html::concat([
        Html::literal("<div id=\"questions\">"),
        Html::concat(all),
        Html::literal("</div>"),
    ])
}

fn to_delete(row: &DraftRow) -> Html {
    let form = PostForm::to(format!("{}/delete", address(&row.draft.name)))
        .hidden(EDITION, row.edition.to_string())
        .with(Button::new("Delete the draft").warning());
    Details::new(
        "Delete this draft",
        Html::concat([
            Html::paragraph("It is gone then. What was issued stays as it is."),
            form.into(),
        ]),
    )
    .into()
}

pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let dropped = service.store.drop_draft(&row.draft.name, sent.edition());
    if let Keeping::Done(_) = dropped.await? {
        tracing::info!(name, by = %person.name, "a draft of a questionnaire was deleted");
        return Ok(Redirect::to(LIST).into_response());
    }
    let why = format!(
        "{} changed the draft meanwhile: nothing was deleted. Look at it again",
        row.changed_by
    );
    Ok(whole(&service, &person, &row, Some(&why))
        .await?
        .into_response())
}

pub(super) async fn ask_about(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Answer {
    let row = draft(&service, &name).await?;
    let [day, month, year] = row.draft.due.map_or([0; 3], |due| {
        [due.day().into(), due.month().into(), i32::from(due.year())]
    });
    let or_none = |n: i32| match n {
        0 => String::new(),
        n => n.to_string(),
    };
    let filled = [
        ("title", row.draft.title.clone()),
        ("purpose", row.draft.purpose.clone()),
        ("due-day", or_none(day)),
        ("due-month", or_none(month)),
        ("due-year", or_none(year)),
    ];
    let filled = Sent(filled.map(|(n, v)| (n.to_owned(), v)).to_vec());
    Ok(about_form(&row, &filled, &Errors::new()))
}

fn about_form(row: &DraftRow, sent: &Sent, errors: &Errors) -> Page {
    let title = Field::new("title", "Title")
        .value(sent.get("title"))
        .error_if(of(errors, "title"));
    let purpose = Field::new("purpose", "What are the answers for?")
        .hint("Say what becomes of the answers, and who reads them. It stays public for ever: no names, addresses or telephone numbers.")
        .value(sent.get("purpose"))
        .error_if(of(errors, "purpose"));
    let due = Field::new("due", "Last day for answers")
        .hint("Answers that come later are taken and marked as late.")
        .error_if(of(errors, "due"));
    let [day, month, year] = ["due-day", "due-month", "due-year"].map(|name| sent.get(name));
    let form = PostForm::to(format!("{}/about", address(&row.draft.name)))
        .hidden(EDITION, row.edition.to_string())
        .with(TextInput::new(title))
        .with(TextArea::new(purpose).limit(MAX_TEXT))
        .with(DateInput::new(due, day, month, year))
        .with(Button::new("Save"));
    below("Title, purpose and last day", &row.draft)
        .errors(summary(errors))
        .body(form)
}

/// The day of the three fields; `None` where all are empty.
fn day(sent: &Sent) -> Result<Option<Date>, String> {
    let parts = ["due-day", "due-month", "due-year"].map(|name| sent.get(name).trim());
    if parts.iter().all(|part| part.is_empty()) {
        return Ok(None);
    }
    let day = match (parts[0].parse(), parts[1].parse(), parts[2].parse()) {
        (Ok(day), Ok(month), Ok(year)) => Date::new(year, month, day).ok(),
        _ => None,
    };
    let wrong = || "Give a day that there is, such as 30 9 2022".to_owned();
    day.map(Some).ok_or_else(wrong)
}

pub(super) async fn about(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let mut changed = row.draft.clone();
    changed.title = one_line(sent.get("title"));
    changed.purpose = sent.get("purpose").trim().replace("\r\n", "\n");
    let mut errors = Errors::new();
    match day(&sent) {
        Ok(due) => changed.due = due,
        Err(why) => errors.push(("due".to_owned(), why)),
    }
    let faults = changed.faults(&person.name, service.today());
    for fault in faults {
        let what = match fault.field.as_str() {
            "title" => "The title",
            // It may be written later.
            "purpose" if !changed.purpose.is_empty() => "What the answers are for",
            "due" if changed.due.is_some() => "The last day",
            _ => continue,
        };
        let why = format!("{what}: {}", fault.rule);
        errors.push((fault.field, why));
    }
    if errors.is_empty() {
        let then = address(&row.draft.name);
        match keep(&service, &person, &changed, (&row, &sent), &then).await? {
            Ok(done) => return Ok(done),
            Err(newer) => {
                errors.push(("title".to_owned(), moved(&newer)));
                return Ok(about_form(&newer, &sent, &errors).into_response());
            }
        }
    }
    Ok(about_form(&row, &sent, &errors).into_response())
}

pub(super) async fn ask_areas(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Answer {
    let row = draft(&service, &name).await?;
    let scope = if row.draft.to.is_empty() {
        "all"
    } else {
        "some"
    };
    let mut filled = vec![("scope".to_owned(), scope.to_owned())];
    filled.extend(
        row.draft
            .to
            .iter()
            .map(|code| ("lep".to_owned(), code.to_string())),
    );
    Ok(areas_form(&row, &Sent(filled), &Errors::new()))
}

fn areas_form(row: &DraftRow, sent: &Sent, errors: &Errors) -> Page {
    let scope = Field::new("scope", "Who is asked?")
        .value(sent.get("scope"))
        .error_if(of(errors, "scope"));
    let chosen: BTreeSet<&str> = sent.all("lep").collect();
    let mut leps: Vec<_> = Geography::embedded().leps().collect();
    leps.sort_by(|a, b| a.name.cmp(&b.name));
    let choices = leps.into_iter().map(|lep| {
        let code = lep.code.as_str();
        Choice::new(code, lep.name.clone()).chosen(chosen.contains(code))
    });
    let leps = Field::new("lep", "Areas")
        .hint("Only where you ask some of them.")
        .error_if(of(errors, "lep"));
    let form = PostForm::to(format!("{}/areas", address(&row.draft.name)))
        .hidden(EDITION, row.edition.to_string())
        .with(Radios::new(
            scope,
            [
                Choice::new("all", "All areas"),
                Choice::new("some", "The areas that I choose below"),
            ],
        ))
        .with(Checkboxes::new(leps, choices))
        .with(Button::new("Save"));
    below("Areas that are asked", &row.draft)
        .errors(summary(errors))
        .body(form)
}

pub(super) async fn areas(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    let map = Geography::embedded();
    let named = sent.all("lep").filter_map(|code| code.parse::<Gss>().ok());
    let named: BTreeSet<Gss> = named.filter(|code| map.lep(code).is_some()).collect();
    let mut errors = Errors::new();
    let to = match sent.get("scope") {
        "all" => Vec::new(),
        "some" if !named.is_empty() => named.into_iter().collect(),
        "some" => {
            errors.push(("lep".to_owned(), "Choose at least one area".to_owned()));
            Vec::new()
        }
        _ => {
            errors.push(("scope".to_owned(), "Choose who is asked".to_owned()));
            Vec::new()
        }
    };
    if errors.is_empty() {
        let changed = Draft {
            to,
            ..row.draft.clone()
        };
        let then = address(&row.draft.name);
        match keep(&service, &person, &changed, (&row, &sent), &then).await? {
            Ok(done) => return Ok(done),
            Err(newer) => {
                errors.push(("scope".to_owned(), moved(&newer)));
                return Ok(areas_form(&newer, &sent, &errors).into_response());
            }
        }
    }
    Ok(areas_form(&row, &sent, &errors).into_response())
}

pub(super) async fn preview(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Answer {
    let row = draft(&service, &name).await?;
    previewed(&service, &person, &row, None).await
}

async fn previewed(
    service: &Service,
    person: &SignedIn,
    row: &DraftRow,
    error: Option<&str>,
) -> Answer {
    let draft = &row.draft;
    let before = versions(&service.store, &draft.name).await?.len();
    let faults = draft.faults(&person.name, service.today());
    let issue = if !person.is_any(OPERATORS) {
        Html::default()
    } else if faults.is_empty() {
        issue_form(row, before, error)
    } else {
        unfinished(draft, &faults)
    };
    let due = draft
        .due
        .map_or_else(|| "not set yet".to_owned(), words::date);
    let page = below("As an area will see it", draft).body(Html::concat([
        Html::paragraph(
            "Nothing can be answered here. Questions with a condition appear where it is met.",
        ),
        InsetText::new(Html::concat([
            heading(&draft.title),
            Html::paragraph(&format!("Answer by: {due}. Asked by: {}.", person.name)),
            Html::literal("<p class=\"govuk-body\">"),
            shown::lines(&draft.purpose),
            Html::literal("</p>"),
            form::questionnaire(&draft.version(1, &person.name)),
        ]))
        .into(),
        issue,
    ]));
    Ok(match error {
        Some(why) => page.errors(ErrorSummary::new().error("confirmed", why)),
        None => page,
    })
}

/// Whom it asks, within a sentence.
fn whom(draft: &Draft) -> String {
    if draft.to.is_empty() {
        return "all areas".to_owned();
    }
    shown::areas(&draft.to)
}

fn issue_form(row: &DraftRow, before: usize, error: Option<&str>) -> Html {
    let draft = &row.draft;
    let replaces = match before {
        0 => String::new(),
        n => format!(
            " It takes the place of version {n}: answers to that one are kept, and not counted with those to this one."
        ),
    };
    let confirmed = Field::new("confirmed", "Is it to be issued?").error_if(error);
    let form = PostForm::to(format!("{}/issue", address(&draft.name)))
        .hidden(EDITION, row.edition.to_string())
        .with(Checkboxes::new(
            confirmed,
            [Choice::new("yes", format!("Yes, ask {} now", whom(draft)))],
        ))
        .with(Button::new("Issue the questionnaire"));
    Html::concat([
        heading("Issue it"),
        Warning::new(format!(
            "What is issued is signed by the log, with your name, and stays public for ever. It cannot be changed, only followed by a new version.{replaces}"
        ))
        .into(),
        form.into(),
    ])
}

pub(super) async fn issue(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, sent) = (draft(&service, &name).await?, Sent(sent));
    if sent.edition() != row.edition {
        let why = format!(
            "{} changed the draft meanwhile: nothing was issued. Look at it again",
            row.changed_by
        );
        return Ok(whole(&service, &person, &row, Some(&why))
            .await?
            .into_response());
    }
    if sent.get("confirmed") != "yes" {
        let why = "Confirm that the questionnaire is to be issued";
        let page = previewed(&service, &person, &row, Some(why)).await?;
        return Ok(page.into_response());
    }
    let act = Act {
        by: &person.name,
        at: service.now(),
    };
    let issued = stage(&service.announcer(), &row.draft, Some(row.edition), act).await;
    let why = match issued {
        Ok(issued) => {
            let name = &issued.asked.questionnaire.name;
            return Ok(Redirect::to(&format!("{LIST}/asked/{name}?issued=1")).into_response());
        }
        Err(IssueError::Announce(AnnounceError::Store(StoreError::Conflict(why)))) => {
            why.to_string()
        }
        Err(IssueError::Announce(AnnounceError::Store(error))) => return Err(error.into()),
        Err(other) => other.to_string(),
    };
    let why = format!("Nothing was issued: {why}");
    Ok(whole(&service, &person, &row, Some(&why))
        .await?
        .into_response())
}
