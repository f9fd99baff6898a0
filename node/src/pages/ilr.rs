//! What is said of ILRs: whose they are, what their aims are, how their codes are read. What the last file asked stands on top, and the file
//! waits for the answers.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use ldsp_ui::components::{Button, Details, Notification, PostForm, Table, link, list};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::held::Waits;
use super::import::{Chosen, busy};
use super::upload::Upload;
use super::{Answer, Pages, exact_part, exact_tag, fault, words, work};
use crate::import::ilr::{Summary, mapping};
use crate::import::mapping::Reading;
use crate::import::report::ImportReport;
use crate::store::ilr::Mappings;
use crate::store::imports::ImportKind;
use crate::work::{Door, SentFile, Turn};

pub(super) const HOME: &str = "/import/ilr";

/// A file that asks something.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) file: Upload,
    pub(super) chosen: Chosen,
    pub(super) summary: Summary,
}

/// Holds a file that asks something, in place of the person's last one.
pub(super) fn hold(pages: &Pages, person: &SignedIn, file: SentFile, report: &ImportReport) {
    let asked = report.ilr.as_ref().filter(|summary| asks(summary));
    match asked {
        Some(summary) => {
            let asked = Asked {
                chosen: Chosen::of(file.kind, &file.options),
                file: file.upload,
                summary: summary.clone(),
            };
            pages.held.hold(&person.name, Waits::Answers(asked));
        }
        None => pages.held.let_go(&person.name),
    }
}

/// Whether an ILR asks what it cannot tell.
pub(super) fn asks(summary: &Summary) -> bool {
    summary.ukprn > 0 && (summary.provider.is_none() || !summary.unmapped.is_empty())
}

/// What an import's report says of an ILR besides its rows.
pub(super) fn report(summary: &Summary) -> Html {
    let mut pieces: Vec<Html> = summary
        .notes()
        .iter()
        .map(|note| Html::paragraph(note))
        .collect();
    if asks(summary) {
        pieces.push(Html::paragraph("The file asks what it cannot tell. Say it once; the file waits for 15 minutes after each answer, and later files need it no more."));
        pieces.push(Button::link("Answer the questions", HOME).into());
    }
    if !summary.gone.is_empty() {
        let rows = summary.gone.iter().map(|gone| {
            [
                Html::from(gone.aim.as_str()),
                words::count(gone.enrolments).into(),
                words::count(gone.counted).into(),
            ]
        });
        let table = Table::new("Enrolments that this file does not name any more")
            .columns(["Aim", "Enrolments", "Of them published"])
            .numeric([1, 2])
            .rows(rows);
        pieces.push(exact_part(table));
        pieces.push(Html::paragraph("They leave the local figures. What was published of them stays; nothing more of them is published, unless a later file names them again."));
    }
    Html::concat(pieces)
}

#[derive(Deserialize, Default)]
pub(super) struct Said {
    #[serde(default)]
    said: String,
}

/// Everything that was said, and what is asked.
pub(super) async fn home(
    State(pages): State<Pages>,
    person: SignedIn,
    Query(done): Query<Said>,
) -> Answer {
    let mappings = pages.node.store.ilr_mappings().await.map_err(fault)?;
    let mut pieces = Vec::new();
    if let Some(waits) = pages.held.asked(&person.name) {
        pieces.push(questions(&waits.summary, &mappings));
    }
    pieces.push(providers(&mappings));
    pieces.push(aims(&mappings));
    pieces.push(codes(&mappings));
    let mut page = Page::new("ILR mappings")
        .breadcrumb("Import", "/import")
        .lead("What an Individualised Learner Record cannot tell is asked once and stands here.")
        .body(Html::concat(pieces));
    if done.said == "yes" {
        page = page.notice(Notification::done("Written down"));
    }
    Ok(page.into_response())
}

fn heading(text: &str) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-m">{{ text }}</h2>"#,
        ext = "html"
    )]
    struct Heading<'a> {
        text: &'a str,
    }
    Html::render(&Heading { text })
}

/// What the waiting file asks still.
fn questions(asked: &Summary, mappings: &Mappings) -> Html {
    let known = mappings
        .providers
        .iter()
        .any(|(ukprn, _)| *ukprn == asked.ukprn);
    let open: Vec<_> = asked
        .unmapped
        .iter()
        .filter(|aim| {
            mappings
                .aim(&aim.aim, asked.ukprn, aim.fund_model)
                .is_none()
        })
        .collect();
    let mut pieces = vec![heading("Asked by your last file")];
    if !known {
        let text = format!("Whose file is it? Its UKPRN is {}.", asked.ukprn);
        pieces.push(Html::paragraph(&text));
        let href = format!("{HOME}/provider?ukprn={}", asked.ukprn);
        pieces.push(Button::link("Say whose it is", href).into());
    }
    if !open.is_empty() {
        let rows = open.iter().map(|aim| {
            let href = format!("{HOME}/aim?aim={}&ukprn={}", aim.aim, asked.ukprn);
            let model = if aim.fund_model == 0 {
                "not given".to_owned()
            } else {
                aim.fund_model.to_string()
            };
            [
                Html::from(aim.aim.as_str()),
                model.into(),
                words::count(aim.deliveries).into(),
                link("Say what it is", &href),
            ]
        });
        let table = Table::new(words::some(open.len(), "aim to be said", "aims to be said"))
            .columns([
                Html::from("Aim"),
                "Funding model".into(),
                Html::concat(["Deliveries ".into(), exact_tag().into()]),
                "".into(),
            ])
            .numeric([1, 2])
            .rows(rows);
        pieces.push(exact_part(table));
    }
    if known && open.is_empty() {
        pieces.push(Html::paragraph(
            "Everything is answered. The file can go on where it stopped.",
        ));
        let form = PostForm::to(format!("{HOME}/go-on")).with(Button::new("Go on with the import"));
        pieces.push(form.into());
    }
    Html::concat(pieces)
}

fn providers(mappings: &Mappings) -> Html {
    let rows = mappings.providers.iter().map(|(ukprn, name)| {
        let href = format!("{HOME}/provider?ukprn={ukprn}");
        [
            Html::from(ukprn.to_string()),
            name.as_str().into(),
            link("Change", &href),
        ]
    });
    let table = Table::new("Providers by UKPRN")
        .columns(["UKPRN", "Provider", ""])
        .rows(rows)
        .caption_hidden();
    let shown = if mappings.providers.is_empty() {
        Html::paragraph("No provider so far. The first file of each provider asks for it.")
    } else {
        table.into()
    };
    Html::concat([
        heading("Whose files"),
        shown,
        list([link("Add a provider", "/import/ilr/provider")]),
    ])
}

fn aims(mappings: &Mappings) -> Html {
    let rows = mappings.aims.iter().map(|rule| {
        let (ukprn, model) = (
            rule.ukprn.map_or(String::new(), |n| n.to_string()),
            rule.fund_model.map_or(String::new(), |n| n.to_string()),
        );
        let href = format!(
            "{HOME}/aim?aim={}&ukprn={ukprn}&fund_model={model}",
            rule.aim
        );
        let any = |text: String| {
            if text.is_empty() {
                "any".to_owned()
            } else {
                text
            }
        };
        let what = match &rule.taught {
            Some(t) => format!("{}, {}, {}", t.programme, t.skill, t.mode),
            None => "not digital: left out".to_owned(),
        };
        [
            Html::from(rule.aim.as_str()),
            any(ukprn).into(),
            any(model).into(),
            what.into(),
            link("Change", &href),
        ]
    });
    let table = Table::new("What the aims are: programme, skill, mode")
        .columns(["Aim", "UKPRN", "Funding model", "What it is", ""])
        .rows(rows);
    Html::concat([
        heading("Aims"),
        table.into(),
        list([link("Add an aim", "/import/ilr/aim")]),
    ])
}

fn codes(mappings: &Mappings) -> Html {
    let rows = mappings.codes.iter().map(|code| {
        let href = format!(
            "{HOME}/code?field={}&code={}",
            code.field,
            code.code.replace('/', "%2F")
        );
        [
            Html::from(code.field.as_str()),
            code.code.as_str().into(),
            code.meaning.as_str().into(),
            title(&code.field, &code.value).into(),
            link("Change", &href),
        ]
    });
    let table = Table::new("How codes are read")
        .caption_hidden()
        .columns(["Field", "Code", "Meaning", "Read as", ""])
        .rows(rows);
    let all = words::some(mappings.codes.len(), "code is read", "codes are read");
    Html::concat([
        heading("Codes"),
        Details::new(format!("Show how {all}"), table).into(),
        list([link("Add a code", "/import/ilr/code")]),
    ])
}

/// A value's title in the data standard.
fn title(field: &str, value: &str) -> String {
    let known = mapping::values(field).unwrap_or_default();
    let found = known.iter().find(|(id, _)| *id == value);
    found.map_or(value, |(_, title)| title).to_owned()
}

/// Imports the waiting file as it was sent.
pub(super) async fn go_on(State(pages): State<Pages>, person: SignedIn) -> Answer {
    let waits = pages.held.asked(&person.name).ok_or_else(|| {
        ProblemPage::new(
            StatusCode::NOT_FOUND,
            "no_file",
            "There is no file that waits",
        )
        .happened("A file waits for 15 minutes after you looked at its questions. It was imported, another file was sent, the time was over, or the server was started again.")
        .next("Send the file again on the page Import.")
    })?;
    let alone = pages.works.alone().ok_or_else(busy)?;
    let file = SentFile {
        kind: ImportKind::Ilr,
        door: Door::Form,
        options: waits.chosen.options(&person),
        upload: waits.file,
        reading: Reading::default(),
        turn: Turn::Mine(alone),
    };
    let work = work::begin_import(&pages, &person, file);
    work::answer(&pages, &person, &work).await
}
