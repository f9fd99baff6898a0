//! Who collects what: what is done twice, late or by nobody, what goes to the Skills Advisory Panel and what came from it.

use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use ldsp_ui::components::{
    Button, Choice, ErrorSummary, Field, InsetText, Notification, PostForm, Radios, Select, Table,
    Tag, TagColour, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::heading;
use super::releases::file;
use super::{Answer, Pages, done, fault, refused, release_problem, see_other, words};
use crate::exchange::export::ITEMS;
use crate::exchange::overlap::Trouble;
use crate::exchange::{
    self, Defects, LARGEST, Read, Refused, Standing, Taken, Ungiven, give, time,
};
use crate::store::items::PanelFile;

const PATH: &str = "/exchange";
/// Rows of a panel's file that a page shows.
const SHOWN: usize = 500;

fn writes(person: &SignedIn) -> bool {
    person.is_any(&["coordinator"])
}

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

async fn standing(pages: &Pages) -> Result<Standing, ProblemPage> {
    let standing = Standing::read(&pages.node.store, (pages.clock)()).await;
    standing.map_err(release_problem)
}

pub(super) async fn overview(
    State(pages): State<Pages>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let standing = standing(&pages).await?;
    let page = page(&standing, &person, None);
    let page = match after.done.as_str() {
        "kept" => page.notice(done("The panel\u{2019}s file is kept", "")),
        "already" => page.notice(done(
            "The very same file is kept already",
            "Nothing was added.",
        )),
        "removed" => page.notice(done("The panel\u{2019}s file is removed", "")),
        _ => page,
    };
    Ok(page.into_response())
}

/// What was chosen besides the files, with what is wrong.
struct Again<'a> {
    item: &'a str,
    errors: Vec<(&'static str, String)>,
}

fn page(standing: &Standing, person: &SignedIn, again: Option<&Again<'_>>) -> Page {
    let may_write = writes(person);
    let mut pieces = vec![troubles(standing), register(standing, may_write)];
    pieces.push(leaves(standing));
    pieces.push(came(&standing.files));
    if may_write {
        pieces.push(form(standing, again));
    }
    let errors = again
        .map(|again| again.errors.as_slice())
        .unwrap_or_default();
    let errors = errors
        .iter()
        .fold(ErrorSummary::new(), |summary, (field, error)| {
            summary.error(*field, error.clone())
        });
    Page::new("Who collects what")
        .lead("What this LEP and the Skills Advisory Panel each collect, so that nobody is asked twice: the agreements, the figures that go to the panel and those that come from it.")
        .errors(errors)
        .body(Html::concat(pieces))
}

fn tag(trouble: Trouble) -> Tag {
    let colour = match trouble {
        Trouble::Twice => TagColour::Red,
        Trouble::Nobody | Trouble::Overdue => TagColour::Yellow,
        Trouble::NotAgreed => TagColour::Blue,
    };
    Tag::coloured(trouble.in_words(), colour)
}

fn troubles(standing: &Standing) -> Html {
    if standing.items.is_empty() && standing.files.is_empty() {
        return InsetText::new(
            "Nothing is agreed yet. Begin with the register: one row for each thing that you or the panel collect.",
        )
        .into();
    }
    if standing.found.is_empty() {
        return InsetText::new("Nothing is collected twice, nothing is late, and everything that was agreed has somebody who collects it.").into();
    }
    let rows = standing.found.iter().map(|found| {
        [
            Html::from(found.item.clone()),
            tag(found.trouble).into(),
            found.words.clone().into(),
        ]
    });
    Table::new("What needs a word with the panel")
        .columns(["Data item", "What is amiss", "What to do"])
        .rows(rows)
        .into()
}

fn register(standing: &Standing, may_write: bool) -> Html {
    let mut pieces = vec![heading("Agreed now")];
    let holding = standing.items.iter().filter(|s| s.it.holds(standing.month));
    let rows: Vec<_> = holding
        .map(|stored| {
            let item = &stored.it;
            [
                link(&item.item, &format!("/data-items/{}", stored.id)),
                item.title.clone().into(),
                item.collector.in_words().into(),
                item.frequency.in_words().into(),
                item.since.in_words().into(),
            ]
        })
        .collect();
    if rows.is_empty() {
        pieces.push(Html::paragraph("No agreement holds at present."));
    } else {
        let table = Table::new("Agreements that hold now")
            .caption_hidden()
            .columns(["Data item", "What", "Who collects it", "How often", "Since"])
            .rows(rows);
        pieces.push(table.into());
    }
    pieces.push(Html::literal(
        "<div class=\"govuk-button-group ldsp-screen\">",
    ));
    if may_write {
        pieces.push(Button::link("Add a data item", "/data-items/new").into());
    }
    pieces.push(
        Button::link("The whole register", "/data-items")
            .secondary()
            .into(),
    );
    pieces.push(Html::literal("</div>"));
    Html::concat(pieces)
}

fn leaves(standing: &Standing) -> Html {
    let rows = ITEMS.iter().map(|item| {
        let at = format!("{PATH}/export/{}", item.code);
        let ungiven = |why: Ungiven| words::sentence(&why.said().0).into();
        let files = if !standing.is_ours(item.code) {
            ungiven(Ungiven::NotOurs)
        } else if !standing.has_year {
            ungiven(Ungiven::NoYear)
        } else {
            Html::concat([
                link("Data (CSV)", &format!("{at}/data.csv")),
                ", ".into(),
                link("about its columns (CSV)", &format!("{at}/meta.csv")),
            ])
        };
        [item.code.into(), item.title.into(), files]
    });
    let table = Table::new("Files for the panel")
        .caption_hidden()
        .columns(["Data item", "What", "Files"])
        .rows(rows);
    Html::concat([
        heading("What goes to the panel"),
        Html::paragraph(
            "Estimates of approved releases, whole academic years, for the LEP and its districts: what anybody can work out from what is published, and no exact number. In the layout of explore education statistics.",
        ),
        table.into(),
    ])
}

fn periods(file: &PanelFile) -> String {
    let all = file.periods.iter();
    let all = all.map(|(period, identifier)| time::in_words(period, identifier));
    all.collect::<Vec<_>>().join(", ")
}

fn came(files: &[PanelFile]) -> Html {
    let mut pieces = vec![heading("What came from the panel")];
    if files.is_empty() {
        pieces.push(Html::paragraph("No file yet."));
        return Html::concat(pieces);
    }
    let rows = files.iter().map(|file| {
        [
            link(&file.item, &format!("{PATH}/files/{}", file.id)),
            periods(file).into(),
            words::count(file.rows).into(),
            words::moment(file.at).into(),
            file.who.clone().into(),
        ]
    });
    let table = Table::new("Files of the panel, the latest first")
        .columns(["Data item", "Periods", "Rows", "Kept", "By"])
        .numeric([2])
        .rows(rows);
    pieces.push(table.into());
    Html::concat(pieces)
}

#[derive(askama::Template)]
#[template(
    source = r#"<h2 class="govuk-heading-m">Bring in a file of the panel</h2>
<form method="post" action="/exchange" enctype="multipart/form-data" novalidate class="ldsp-prose">
{{ item }}
{% for file in files %}<div class="govuk-form-group{% if file.error.is_some() %} govuk-form-group--error{% endif %}">
<label class="govuk-label govuk-label--s" for="{{ file.name }}">{{ file.label }}</label>
<div id="{{ file.name }}-hint" class="govuk-hint">{{ file.hint }}</div>
{% if let Some(error) = file.error %}<p id="{{ file.name }}-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> {{ error }}</p>{% endif %}
<input class="govuk-file-upload{% if file.error.is_some() %} govuk-file-upload--error{% endif %} govuk-body" id="{{ file.name }}" name="{{ file.name }}" type="file" accept=".csv,text/csv" aria-describedby="{{ file.name }}-hint{% if file.error.is_some() %} {{ file.name }}-error{% endif %}">
</div>
{% endfor %}{{ way }}
<button type="submit" class="govuk-button" data-module="govuk-button" data-prevent-double-click="true">Send the files</button>
</form>"#,
    ext = "html"
)]
struct FormTemplate {
    item: Select,
    files: Vec<FileInput>,
    way: Radios,
}

struct FileInput {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    error: Option<String>,
}

fn form(standing: &Standing, again: Option<&Again<'_>>) -> Html {
    let error = |field: &str| {
        let errors = again
            .map(|again| again.errors.as_slice())
            .unwrap_or_default();
        let found = errors.iter().find(|(name, _)| *name == field);
        found.map(|(_, error)| error.clone())
    };
    let chosen = again.map_or("", |again| again.item);
    let mut codes: Vec<&str> = standing.items.iter().map(|s| s.it.item.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let choices = codes
        .into_iter()
        .map(|code| Choice::new(code, code).chosen(code == chosen));
    let choices = std::iter::once(Choice::new("", "Choose")).chain(choices);
    let field = Field::new("item", "Data item")
        .hint("As the register has it")
        .error_if(error("item"));
    Html::render(&FormTemplate {
        item: Select::new(field, choices),
        files: vec![
            FileInput {
                name: "data",
                label: "Data file",
                hint: "CSV in UTF-8 in the layout of explore education statistics, up to 4 MiB",
                error: error("data"),
            },
            FileInput {
                name: "meta",
                label: "The file about its columns",
                hint: "CSV; its name often ends in .meta.csv",
                error: error("meta"),
            },
        ],
        way: Radios::new(
            Field::new("way", "What shall be done"),
            [
                Choice::new("check", "Check it and keep nothing").chosen(true),
                Choice::new("store", "Keep it if nothing is wrong with it"),
            ],
        ),
    })
}

/// The route that takes files, with its own limit: both files and the form around them.
pub(super) fn receive() -> MethodRouter<Pages> {
    post(take).layer(DefaultBodyLimit::max(2 * LARGEST + (1 << 16)))
}

#[derive(Default)]
struct Sent {
    item: String,
    way: String,
    data: Vec<u8>,
    meta: Vec<u8>,
}

async fn sent(mut form: Multipart) -> Result<Sent, ProblemPage> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        ProblemPage::new(error.status(), "form", "The files did not arrive whole")
            .happened("The browser stopped sending, or the files are too large. Nothing was kept.")
            .next("Send them again; each may have 4 MiB.")
    };
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        let text = || String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
        match name.as_str() {
            "item" => sent.item = text(),
            "way" => sent.way = text(),
            "data" => sent.data = bytes.into(),
            "meta" => sent.meta = bytes.into(),
            _ => {}
        }
    }
    Ok(sent)
}

async fn take(State(pages): State<Pages>, person: SignedIn, form: Multipart) -> Answer {
    let sent = sent(form).await?;
    let mut errors = Vec::new();
    if sent.item.is_empty() {
        errors.push((
            "item",
            "Choose the data item that the figures are of".to_owned(),
        ));
    }
    for (field, bytes) in [("data", &sent.data), ("meta", &sent.meta)] {
        if bytes.is_empty() {
            errors.push((field, "Choose the file".to_owned()));
        }
    }
    let again = |errors| Again {
        item: &sent.item,
        errors,
    };
    let now = standing(&pages).await?;
    if !errors.is_empty() {
        let page = page(&now, &person, Some(&again(errors)));
        return Ok(page
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response());
    }
    let (store, files) = (
        &pages.node.store,
        (sent.data.as_slice(), sent.meta.as_slice()),
    );
    let by = (person.name.as_str(), (pages.clock)());
    match exchange::take(store, &sent.item, files, sent.way != "store", by).await {
        Ok(Taken::Kept(..)) => Ok(see_other(&format!("{PATH}?done=kept"))),
        Ok(Taken::Already(_)) => Ok(see_other(&format!("{PATH}?done=already"))),
        Ok(Taken::Checked(read)) => Ok(checked(&sent.item, &read).into_response()),
        Err(Refused::Item) => {
            let errors = vec![("item", "This is no code of a data item".to_owned())];
            let page = page(&now, &person, Some(&again(errors)));
            Ok(page
                .status(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response())
        }
        Err(Refused::Defects(defects)) => Ok(defective(&sent.item, &defects)
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response()),
        Err(Refused::Store(error)) => Err(fault(error)),
    }
}

fn checked(item: &str, read: &Read) -> Page {
    let all = read.periods.iter();
    let periods: Vec<String> = all.map(|(p, i)| time::in_words(p, i)).collect();
    let text = format!(
        "{} of {}. {} of other places would be left out.",
        words::some(read.sheet.rows.len(), "row", "rows"),
        periods.join(", "),
        words::some(read.left_out, "row", "rows"),
    );
    Page::new("Nothing is wrong with the files")
        .caption(item)
        .breadcrumb("Who collects what", PATH)
        .notice(
            Notification::done("Nothing was kept")
                .content("Send them again with the other choice to keep them."),
        )
        .body(Html::concat([
            Html::paragraph(&text),
            figures(read),
            Button::link("Back", PATH).into(),
        ]))
}

/// Every defect, where it is, why, and what to do.
fn defective(item: &str, defects: &Defects) -> Page {
    let rows = defects.detailed.iter().map(|defect| {
        [
            match defect.file {
                "meta" => "About columns".to_owned(),
                _ => "Data".to_owned(),
            },
            defect.line.to_string(),
            defect.column.clone(),
            defect.cause.clone(),
            defect.remedy.to_owned(),
        ]
    });
    let table = Table::new("What is wrong")
        .columns(["File", "Line", "Column", "What is wrong", "What to do"])
        .numeric([1])
        .rows(rows);
    let more = defects.total - defects.detailed.len();
    let more = match more {
        0 => Html::default(),
        more => Html::paragraph(&format!(
            "{} more are not listed.",
            words::count(more as u64)
        )),
    };
    Page::new("The files were not kept")
        .caption(item)
        .breadcrumb("Who collects what", PATH)
        .lead(format!(
            "{} found in one pass. Send this list to the panel; nothing of the files was kept.",
            words::some(defects.total, "defect was", "defects were")
        ))
        .body(Html::concat([
            table.into(),
            more,
            Button::link("Back", PATH).into(),
        ]))
}

/// The rows of a file for people.
fn figures(read: &Read) -> Html {
    let sheet = &read.sheet;
    let filters = sheet
        .columns
        .iter()
        .filter(|column| column.is_filter())
        .count();
    let columns = ["When".to_owned(), "Where".to_owned()].into_iter();
    let columns = columns.chain(sheet.columns.iter().map(|column| column.label.clone()));
    let rows = sheet.rows.iter().take(SHOWN).map(|row| {
        let place = row.place.1.clone();
        let mut cells = vec![time::in_words(&row.time.0, &row.time.1), place];
        cells.extend(row.filters.iter().cloned());
        cells.extend(row.values.iter().map(|value| match value {
            Ok(number) => number.clone(),
            Err(symbol) => symbol.in_words().to_owned(),
        }));
        cells
    });
    let table = Table::new("Figures")
        .columns(columns)
        .numeric(2 + filters..2 + sheet.columns.len())
        .rows(rows);
    let more = sheet.rows.len().saturating_sub(SHOWN);
    let more = match more {
        0 => Html::default(),
        more => Html::paragraph(&format!(
            "{} more rows are not shown.",
            words::count(more as u64)
        )),
    };
    Html::concat([table.into(), more])
}

pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
) -> Answer {
    let id = crate::api::number(&id).ok_or_else(ProblemPage::not_found)?;
    let files = pages.node.store.panel_files().await.map_err(fault)?;
    let head = files.into_iter().find(|file| file.id == id);
    let head = head.ok_or_else(ProblemPage::not_found)?;
    let held = pages.node.store.panel_file(id).await.map_err(fault)?;
    let (data, meta) = held.ok_or_else(ProblemPage::not_found)?;
    // It had no defect when it was kept.
    let read =
        exchange::read(data.as_bytes(), meta.as_bytes()).map_err(|_| ProblemPage::fault())?;
    let mut pieces = vec![
        Html::paragraph(&format!(
            "Kept by {} on {}. {}.",
            head.who,
            words::moment(head.at),
            periods(&head)
        )),
        figures(&read),
    ];
    if writes(&person) {
        let form = PostForm::to(format!("{PATH}/files/{id}/remove"))
            .with(Button::new("Remove the whole file").warning());
        pieces.push(form.into());
    }
    Ok(
        Page::new(format!("The panel\u{2019}s figures: {}", head.item))
            .breadcrumb("Who collects what", PATH)
            .body(Html::concat(pieces))
            .into_response(),
    )
}

pub(super) async fn remove(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
) -> Answer {
    let id = crate::api::number(&id).ok_or_else(ProblemPage::not_found)?;
    let gone = pages
        .node
        .store
        .remove_panel_file(id, &person.name, (pages.clock)());
    if !gone.await.map_err(fault)? {
        return Err(ProblemPage::not_found());
    }
    Ok(see_other(&format!("{PATH}?done=removed")))
}

pub(super) async fn export(
    State(pages): State<Pages>,
    Path((item, name)): Path<(String, String)>,
) -> Answer {
    if !["data.csv", "meta.csv"].contains(&name.as_str()) {
        return Err(ProblemPage::not_found());
    }
    let given = give(&pages.node.store, &item, (pages.clock)()).await;
    let files = match given {
        Ok(sheet) => sheet.files(),
        Err(Ungiven::Unknown) => return Err(ProblemPage::not_found()),
        Err(Ungiven::Release(error)) => return Err(release_problem(error)),
        Err(ungiven) => {
            let (reason, next) = ungiven.said();
            return Err(refused(
                ungiven.code(),
                "There is no file of this data item",
                &reason,
                next,
            ));
        }
    };
    let item = item.to_lowercase();
    let (bytes, name) = match name.as_str() {
        "data.csv" => (files.data, format!("ldsp-{item}.csv")),
        _ => (files.meta, format!("ldsp-{item}.meta.csv")),
    };
    let name = format!("attachment; filename=\"{name}\"");
    Ok(file(bytes, "text/csv; charset=utf-8", &name))
}
