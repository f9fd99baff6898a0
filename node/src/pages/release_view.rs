//! A release in plain words, with its figures and the word that it waits for.

use std::collections::BTreeMap;

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Standard, Table as Declared};
use ldsp_protocol::summary::LearningSummary;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, Field, InsetText, PostForm, SummaryList, Table, Tag,
    Warning, link,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::figures::{Estimates, Opened, Span};
use super::home::receipt_words;
use super::privacy::epoch_note;
use super::releases::{author, state_tag};
use super::{Pages, exact_tag, fault, words};
use crate::release;
use crate::store::overview::StatementRow;
use crate::store::people::{Role, same_person};

pub(super) async fn preview(
    pages: &Pages,
    opened: &Opened,
    person: &SignedIn,
    error: Option<&str>,
) -> Result<Page, ProblemPage> {
    let summary = summary(opened)?;
    let store = &pages.node.store;
    let statements = store.statements().await.map_err(fault)?;
    let statement = statements
        .iter()
        .find(|s| Some(s.seq) == opened.release.seq);
    let people = store.people().await.map_err(fault)?;
    let approvers: Vec<&str> = people
        .iter()
        .filter(|p| p.role == Role::Approver && !same_person(&p.name, &opened.release.author))
        .map(|p| p.name.as_str())
        .collect();
    let body = Html::concat([
        epoch_note(opened.second.as_ref()).unwrap_or_default(),
        Html::render(&WhatLeaves::of(pages, opened, &summary)),
        totals(opened, &summary)?,
        tables(opened),
        facts(opened, &summary, statement),
        downloads(opened),
        decision(opened, person, &approvers, error),
    ]);
    let month = opened.release.period.in_words();
    Ok(Page::new(format!("Release of {month}"))
        .breadcrumb("Releases", "/releases")
        .body(body))
}

/// The payload of a stored release.
pub(super) fn summary(opened: &Opened) -> Result<LearningSummary, ProblemPage> {
    serde_json::from_slice(&opened.release.payload).map_err(|_| {
        fault(crate::store::StoreError::Corrupt {
            table: "releases",
            column: "payload",
            row: opened.release.period.to_string(),
        })
    })
}

#[derive(askama::Template)]
#[template(path = "what_leaves.html")]
struct WhatLeaves {
    state: Tag,
    lep: String,
    month: String,
    tables: usize,
    cells: String,
    open: bool,
}

impl WhatLeaves {
    fn of(pages: &Pages, opened: &Opened, summary: &LearningSummary) -> Self {
        let cells: usize = summary.tables.iter().map(|t| t.cells.len()).sum();
        Self {
            state: state_tag(&opened.release),
            lep: words::lep(&pages.node.lep),
            month: opened.release.period.in_words(),
            tables: summary.tables.len(),
            cells: words::count(cells as u64),
            open: opened.release.approved.is_none(),
        }
    }
}

fn unreconciled(error: &ldsp_protocol::additivity::AdditivityError) -> ProblemPage {
    tracing::error!(%error, "the published tables do not fit together");
    ProblemPage::fault()
}

pub(super) fn estimates(
    opened: &Opened,
    span: Span,
    summary: &LearningSummary,
) -> Result<Estimates, ProblemPage> {
    opened
        .estimates(span, summary.noise.rho_micro)
        .map_err(|e| unreconciled(&e))
}

/// Totals of the families: this month, the month before, the exact count.
fn totals(opened: &Opened, summary: &LearningSummary) -> Result<Html, ProblemPage> {
    let now = estimates(opened, opened.month(), summary)?;
    let before = opened
        .month_before()
        .map(|span| estimates(opened, span, summary))
        .transpose()?;
    let to_date = estimates(opened, opened.to_date(), summary)?;
    let shown = |estimates: &Estimates, family| {
        estimates.total(family).map_or_else(
            || ("\u{2013}".to_owned(), String::new()),
            |e| (words::figure(e), words::interval(e)),
        )
    };
    let last = before.as_ref().map_or_else(String::new, |_| {
        opened
            .release
            .period
            .plus(-1)
            .map_or_else(String::new, Period::in_words)
    });
    let rows = Standard::v1().families().iter().map(|family| {
        let (value, interval) = shown(&now, family.id);
        let earlier = before.as_ref().map_or_else(
            || "\u{2013}".to_owned(),
            |b| {
                let (value, interval) = shown(b, family.id);
                format!("{value} ({interval})")
            },
        );
        let (all, all_interval) = shown(&to_date, family.id);
        [
            Html::from(family.title.clone()),
            value.into(),
            interval.into(),
            words::count(opened.exact_family(family.id, opened.month())).into(),
            earlier.into(),
            format!("{all} ({all_interval})").into(),
        ]
    });
    let earlier = if last.is_empty() {
        "Month before".to_owned()
    } else {
        format!("Published for {last}")
    };
    let columns = [
        Html::from("Became known in the month"),
        "Published estimate".into(),
        "95% interval".into(),
        Html::concat(["Counted here ".into(), exact_tag().into()]),
        earlier.into(),
        format!("Published since {}", opened.first().in_words()).into(),
    ];
    let table = Table::new("What readers will estimate, beside what was counted")
        .columns(columns)
        .numeric(1..6)
        .rows(rows);
    let note = Html::paragraph(
        "The estimate differs from the count because of the noise; that is what protects people. Compare the two for large mistakes, such as a file of another year.",
    );
    Ok(Html::concat([table.into(), note]))
}

/// `Starts by district and tier`.
pub(super) fn title(table: &Declared) -> String {
    release::title(table)
}

fn tables(opened: &Opened) -> Html {
    let mut families: BTreeMap<_, Vec<&Declared>> = BTreeMap::new();
    for table in Standard::v1().tables() {
        families.entry(table.family).or_default().push(table);
    }
    let rows = families.into_values().flatten().map(|table| {
        [
            link(
                &title(table),
                &format!("/releases/{}/tables/{}", opened.release.period, table.id),
            ),
            words::count(opened.codebook.cells(table) as u64).into(),
        ]
    });
    let table = Table::new("Tables in this release")
        .columns(["Table", "Numbers"])
        .numeric([1])
        .rows(rows)
        .caption_hidden();
    let summary = format!(
        "Show all {} tables, each with its figures",
        Standard::v1().tables().len()
    );
    Details::new(summary, table).into()
}

fn facts(opened: &Opened, summary: &LearningSummary, statement: Option<&StatementRow>) -> Html {
    let release = &opened.release;
    let rho = summary.noise.rho_micro as f64 / 1e6;
    let mut list = SummaryList::new().fact(
        "Prepared",
        format!(
            "by {} on {}",
            author(&release.author),
            words::second(release.prepared_at)
        ),
    );
    if let Some((name, at)) = &release.approved {
        list = list.fact("Approved", format!("by {name} on {}", words::second(*at)));
    }
    if let Some(row) = statement {
        list = list
            .fact(
                "Statement",
                format!("number {} of this node", words::count(row.seq)),
            )
            .fact("Receipt", receipt_words(row));
    }
    list.fact("Protection", format!(
        "discrete Gaussian noise, budget \u{3c1} = {rho} for one enrolment over all tables and years; epoch {}, month {} of {} that the budget is spread over",
        summary.noise.epoch,
        summary.noise.month,
        ldsp_protocol::noise::HORIZON
    ))
    .fact("Data standard", Standard::v1().title())
    .fact("Size", format!("{} bytes", words::count(release.payload.len() as u64)))
    .fact("Digest (SHA-256)", code(&release.digest.in_blocks()))
    .into()
}

pub(super) fn code(text: &str) -> Html {
    #[derive(askama::Template)]
    #[template(source = r#"<span class="ldsp-code">{{ text }}</span>"#, ext = "html")]
    struct Code<'a> {
        text: &'a str,
    }
    Html::render(&Code { text })
}

fn downloads(opened: &Opened) -> Html {
    let period = opened.release.period;
    ldsp_ui::components::list([
        link(
            "Download the exact bytes that will be signed (JSON)",
            &format!("/releases/{period}/payload.json"),
        ),
        link(
            "Download the published estimates (CSV)",
            &format!("/releases/{period}/figures.csv"),
        ),
    ])
}

fn decision(opened: &Opened, person: &SignedIn, approvers: &[&str], error: Option<&str>) -> Html {
    let release = &opened.release;
    if release.approved.is_some() {
        return Html::default();
    }
    let heading = Html::literal("<h2 class=\"govuk-heading-m\">Approve</h2>");
    if !approvers.contains(&person.name.as_str()) {
        let who = match approvers {
            [] => "Nobody may approve it yet: the IT team has to add an approver with ldsp-node people add NAME --role approver.".to_owned(),
            names => format!("It is waiting for {}.", names.join(" or ")),
        };
        let why = if same_person(&person.name, &release.author) {
            "You prepared this release, so somebody else has to approve it."
        } else {
            "You are signed in as an author. Only an approver may approve a release."
        };
        return Html::concat([heading, InsetText::new(format!("{why} {who}")).into()]);
    }
    let read = Field::new("read", "Your word").error_if(error);
    let choice = Choice::new("yes", "I have read what will leave")
        .hint("The words and figures above, and the tables as far as I need to be sure");
    let month = release.period.in_words();
    let form = PostForm::to(format!("/releases/{}/approve", release.period))
        .hidden("digest", release.digest.to_string())
        .with(Warning::new("What has left cannot be taken back."))
        .with(Checkboxes::new(read, [choice]))
        .with(Button::new(format!("Approve and send {month}")));
    Html::concat([heading, form.into()])
}
