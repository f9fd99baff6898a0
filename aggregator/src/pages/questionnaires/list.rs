//! The list of questionnaires, and beginning a draft.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::questionnaire::MAX_LINE;
use ldsp_ui::accounts::By;
use ldsp_ui::components::{
    Button, Field, InsetText, PostForm, Table, Tag, TagColour, TextInput, link,
};
use ldsp_ui::{Html, Page, SignedIn};

use super::{Errors, LIST, Sent, address, heading, missing, name_of, of, page, parse, summary};
use crate::Service;
use crate::announce::one_line;
use crate::pages::{Answer, Failure, OPERATORS, words};
use crate::questionnaires::{self, Draft, Standing, standings};
use crate::store::{DraftRow, Drafts as _, Keeping};

pub(super) async fn show(State(service): State<Arc<Service>>, person: SignedIn) -> Answer {
    let store = &service.store;
    let asked = standings(store).await?;
    let drafts = store.drafts().await?;
    let writes = person.is_any(OPERATORS);
    let new = if writes {
        Button::link("Write a questionnaire", "/questionnaires/new").into()
    } else {
        Html::default()
    };
    let body = Html::concat([
        Html::paragraph(
            "A questionnaire asks areas for what no release tells: provision, ways to it, plans. It is signed by the log and public for ever; each area’s \
             answers are read by operators and analysts and by the area itself. Areas that were asked see what all answers come to.",
        ),
        new,
        heading("Asked"),
        table(&asked, &service),
        heading("Drafts"),
        of_drafts(&drafts, writes),
    ]);
    Ok(Page::new("Questionnaires")
        .breadcrumb("Home", "/")
        .body(body))
}

fn table(asked: &[Standing], service: &Service) -> Html {
    if asked.is_empty() {
        return InsetText::new("Nothing has been asked yet. A questionnaire is written as a draft first, which nobody else sees until it is issued.")
            .into();
    }
    let today = service.today();
    let rows = asked.iter().map(|stands| {
        let questionnaire = stands.questionnaire();
        let state = if questionnaire.due < today {
            Tag::coloured("Over", TagColour::Grey)
        } else {
            Tag::coloured("Open", TagColour::Green)
        };
        [
            link(
                &questionnaire.title,
                &format!("{LIST}/asked/{}", questionnaire.name),
            ),
            Html::text(&questionnaire.version.to_string()),
            Html::text(&words::date(questionnaire.due)),
            state.into(),
            Html::text(&format!(
                "{} of {}",
                stands.counted().count(),
                stands.asked.len()
            )),
        ]
    });
    Table::new("Questionnaires, the one that was issued last first")
        .caption_hidden()
        .columns([
            "Questionnaire",
            "Version",
            "Last day",
            "State",
            "Areas that answered",
        ])
        .numeric([1, 4])
        .rows(rows)
        .into()
}

fn of_drafts(drafts: &[DraftRow], writes: bool) -> Html {
    if drafts.is_empty() {
        return Html::paragraph(if writes {
            "There is none. A draft is kept here until it is issued or deleted; you need not finish it at once."
        } else {
            "There is none."
        });
    }
    let rows = drafts.iter().map(|row| {
        [
            link(&row.draft.title, &address(&row.draft.name)),
            Html::text(&row.draft.questions.len().to_string()),
            Html::text(&words::moment(row.changed)),
            Html::text(&row.changed_by),
        ]
    });
    Table::new("Drafts")
        .caption_hidden()
        .columns(["Draft", "Questions", "Last change", "By"])
        .numeric([1])
        .rows(rows)
        .into()
}

pub(super) async fn ask() -> Page {
    form(&Sent::default(), &Vec::new())
}

fn form(sent: &Sent, errors: &Errors) -> Page {
    let title = Field::new("title", "Title")
        .hint("What areas see first, such as “Provision and ways to it, autumn 2022”.")
        .value(sent.get("title"))
        .error_if(of(errors, "title"));
    let name = Field::new("name", "Short name")
        .hint("Letters a to z, digits and hyphens; the same in every later version. Leave it empty to have one made of the title.")
        .value(sent.get("name"))
        .error_if(of(errors, "name"));
    let form = PostForm::to("/questionnaires/new")
        .with(TextInput::new(title))
        .with(TextInput::new(name).width(30))
        .with(Button::new("Begin the draft"));
    page("Write a questionnaire")
        .errors(summary(errors))
        .body(form)
}

pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let sent = Sent(sent);
    let mut errors = Errors::new();
    let title = one_line(sent.get("title"));
    if title.is_empty() {
        errors.push((
            "title".to_owned(),
            "Give the questionnaire a title".to_owned(),
        ));
    } else if title.chars().count() > MAX_LINE {
        errors.push((
            "title".to_owned(),
            format!("Use {MAX_LINE} characters at most"),
        ));
    }
    let typed = sent.get("name").trim();
    let made = name_of(&title);
    let name = if typed.is_empty() {
        made.as_str()
    } else {
        typed
    };
    match name.parse::<QuestionId>() {
        Err(_) if errors.is_empty() || !typed.is_empty() => errors.push((
            "name".to_owned(),
            "Give a short name of 1 to 40 letters a to z, digits and hyphens".to_owned(),
        )),
        Err(_) => {}
        Ok(name) if errors.is_empty() => {
            let known = questionnaires::versions(&service.store, &name).await?;
            let by = By {
                who: &person.name,
                now: service.now(),
            };
            let draft = Draft::new(name, title);
            if !known.is_empty() {
                let why = "A questionnaire of this name was asked: open it and write a new version, or choose another name";
                errors.push(("name".to_owned(), why.to_owned()));
            } else if let Keeping::Done(_) = service.store.keep_draft(&draft, 0, by).await? {
                return Ok(Redirect::to(&address(&draft.name)).into_response());
            } else {
                let why =
                    "There is a draft of this name: open it in the list, or choose another name";
                errors.push(("name".to_owned(), why.to_owned()));
            }
        }
        Ok(_) => {}
    }
    Ok(form(&sent, &errors).into_response())
}

/// Begins the draft of the next version; where there is one already, that is what is shown.
pub(super) async fn version(
    State(service): State<Arc<Service>>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let name = parse(&name)?;
    let newest = questionnaires::versions(&service.store, &name).await?.pop();
    let newest = newest.ok_or_else(missing)?;
    let by = By {
        who: &person.name,
        now: service.now(),
    };
    let draft = Draft::of(&newest.questionnaire);
    // One that is there already stays as it is.
    service.store.keep_draft(&draft, 0, by).await?;
    Ok(Redirect::to(&address(&name)).into_response())
}
