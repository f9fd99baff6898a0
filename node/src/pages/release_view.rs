//! A release in plain words, with its figures, the rules it keeps and the word that it waits for.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::ids::Period;
use ldsp_protocol::standard::{Dimension, Standard, Table as Declared};
use ldsp_ui::components::{Details, InsetText, SummaryList, Table, Tag, TagColour, link};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};

use super::home::receipt_words;
use super::privacy::epoch_note;
use super::release_table::address;
use super::release_word::{Judges, decision};
use super::releases::state_tag;
use super::{Pages, exact, exact_part, exact_tag, fault, release_problem, words};
use crate::release::figures::{Estimates, Opened, Span};
use crate::release::report::{checker, outcome};
use crate::release::rules::{self, Outcome, Verdict};
use crate::release::{approvers, title};
use crate::store::overview::StatementRow;
use crate::store::releases::{self, StoredRefusal};

/// What a form came back with.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Why it was not approved.
    pub(super) unread: Option<&'static str>,
    /// The reason that was typed.
    pub(super) reason: String,
    /// Why it was not refused.
    pub(super) unfit: Option<String>,
}

/// What stands beside a release in the store.
struct Around {
    /// In the order of the release's parts; none before it is approved.
    statements: Vec<StatementRow>,
    refusals: Vec<StoredRefusal>,
    approvers: Vec<String>,
    verdicts: Vec<Verdict>,
}

impl Around {
    async fn read(pages: &Pages, opened: &Opened) -> Result<Self, ProblemPage> {
        let store = &pages.node.store;
        let statements = store.statements().await.map_err(fault)?;
        let release = &opened.release;
        let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
        let previous = rules::previous(&mut reader, opened)
            .await
            .map_err(release_problem)?;
        Ok(Self {
            statements: {
                let row = |seq| statements.iter().find(|s| Some(s.seq) == seq).cloned();
                let parts = release.parts.iter();
                parts.filter_map(|p| row(p.seq)).collect()
            },
            refusals: releases::refusals(&mut reader, release.period)
                .await
                .map_err(fault)?,
            approvers: approvers(&mut reader, release)
                .await
                .map_err(release_problem)?,
            verdicts: rules::verdicts(opened, &previous),
        })
    }
}

pub(super) async fn preview(
    pages: &Pages,
    opened: &Opened,
    person: &SignedIn,
    said: &Said,
) -> Result<Page, ProblemPage> {
    let around = Around::read(pages, opened).await?;
    let judges = Judges {
        person,
        approvers: &around.approvers,
        refusals: &around.refusals,
        sound: around.verdicts.iter().all(|v| v.outcome == Outcome::Kept),
        obstacle: super::federation::obstacle(pages, "no release can be approved.").await?,
    };
    let body = Html::concat([
        epoch_note(opened.second.as_ref()).unwrap_or_default(),
        Html::render(&WhatLeaves::of(opened, &around.refusals)),
        turn(opened),
        this_month(opened)?,
        over_time(opened)?,
        tables(opened),
        heading("Rules that were checked"),
        rule_list(&around.verdicts),
        super::quality::of_release(pages, opened.release.period).await?,
        heading("Facts and downloads"),
        facts(opened, &around.statements),
        downloads(opened),
        decision(opened, &judges, said),
    ]);
    let month = opened.release.period.in_words();
    Ok(Page::new(format!("Release of {month}"))
        .breadcrumb("Releases", "/releases")
        .body(body))
}

pub(super) fn heading(text: &str) -> Html {
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

#[derive(askama::Template)]
#[template(path = "what_leaves.html")]
struct WhatLeaves {
    state: Tag,
    standing: Html,
    lep: String,
    month: String,
    period: Period,
    tables: usize,
    cells: String,
    by: String,
    open: bool,
}

impl WhatLeaves {
    fn of(opened: &Opened, refusals: &[StoredRefusal]) -> Self {
        let tables = || opened.published().flat_map(|(_, summary)| &summary.tables);
        let cells: usize = tables().map(|t| t.cells.len()).sum();
        let open = opened.release.approved.is_none();
        Self {
            state: state_tag(&opened.release, refusals),
            standing: if open {
                refused(refusals)
            } else {
                Html::default()
            },
            lep: words::lep(&opened.lep),
            month: opened.release.period.in_words(),
            period: opened.release.period,
            tables: tables().count(),
            cells: words::count(cells as u64),
            by: people_by(opened),
            open,
        }
    }
}

/// What people are told apart by, in the tables of the release: everything but what became of them.
fn people_by(opened: &Opened) -> String {
    use Dimension::{Confidence, Destination, Everyday, Outcome};
    let tables = opened.published().flat_map(|(s, _)| s.standard.tables());
    let dimensions: BTreeSet<Dimension> = tables.flat_map(|t| t.dimensions.clone()).collect();
    let people = dimensions
        .into_iter()
        .filter(|d| !matches!(d, Outcome | Destination | Confidence | Everyday));
    let names: Vec<String> = people
        .map(|d| Standard::current().dimension(d).title.to_lowercase())
        .collect();
    match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// That figures are under two standards, and until when.
fn turn(opened: &Opened) -> Html {
    let Some((old, new)) = opened.turn() else {
        return Html::default();
    };
    let words = format!(
        "{} The figures on this page are of all together; the tables are listed for each. What is approved is both, and a statement is signed for each.",
        words::turn(&old.stream, &new.stream)
    );
    InsetText::new(words).into()
}

/// What a refusal means, with its reasons.
fn refused(refusals: &[StoredRefusal]) -> Html {
    #[derive(askama::Template)]
    #[template(path = "refused.html")]
    struct Refused {
        reasons: Vec<(String, String)>,
    }
    if refusals.is_empty() {
        return Html::default();
    }
    let reasons = refusals.iter().map(|r| {
        let who = format!("{} on {}", r.person, words::second(r.refused_at));
        (who, words::sentence(&r.reason))
    });
    InsetText::new(Html::render(&Refused {
        reasons: reasons.collect(),
    }))
    .into()
}

fn estimates(opened: &Opened, span: Span) -> Result<Estimates, ProblemPage> {
    opened
        .estimates(span)
        .map_err(|e| release_problem(e.into()))
}

/// Totals of the families, each with the exact count and what the noise did to it.
pub(super) fn this_month(opened: &Opened) -> Result<Html, ProblemPage> {
    let now = estimates(opened, opened.month())?;
    let rows = Standard::current().families().iter().map(|family| {
        let counted = opened.exact_family(family.id, opened.month());
        let (value, interval, noise) = now.total(family.id).map_or_else(
            || ("\u{2013}".to_owned(), String::new(), String::new()),
            |e| {
                let noise = words::signed(e.value - counted as f64);
                (words::figure(e), words::interval(e), noise)
            },
        );
        [
            Html::from(family.title.clone()),
            value.into(),
            interval.into(),
            exact(words::count(counted)),
            exact(noise),
        ]
    });
    let month = opened.release.period.in_words();
    let columns = [
        Html::from(format!("Became known in {month}")),
        "Published estimate".into(),
        "95% interval".into(),
        Html::concat(["Counted here ".into(), exact(exact_tag())]),
        Html::concat(["What the noise did ".into(), exact(exact_tag())]),
    ];
    let table = Table::new(format!("{month}, as readers will estimate it"))
        .columns(columns)
        .numeric(1..5)
        .rows(rows);
    let note = Html::paragraph(
        "The estimate differs from the count because of the noise; that is what protects people. Compare the two for large mistakes, such as a file of another year.",
    );
    Ok(Html::concat([table.into(), exact_part(note)]))
}

/// The month before, the change, and everything so far.
fn over_time(opened: &Opened) -> Result<Html, ProblemPage> {
    let to_date = estimates(opened, opened.to_date())?;
    let before = opened
        .month_before()
        .map(|span| estimates(opened, span))
        .transpose()?;
    let change = opened
        .change()
        .transpose()
        .map_err(|e| release_problem(e.into()))?;
    let dash = || "\u{2013}".to_owned();
    let shown = |estimates: &Estimates, family, word: fn(_) -> String| {
        estimates.total(family).map_or_else(dash, word)
    };
    let rows = Standard::current().families().iter().map(|family| {
        let mut row = vec![family.title.clone()];
        if let (Some(before), Some(change)) = (&before, &change) {
            row.push(shown(before, family.id, words::published));
            row.push(shown(change, family.id, words::change));
        }
        row.push(shown(&to_date, family.id, words::published));
        row
    });
    let mut columns = vec!["Became known".to_owned()];
    if let (Some(_), Some(last)) = (&before, opened.release.period.plus(-1)) {
        columns.push(format!("In {}", last.in_words()));
        columns.push(format!("Change in {}", opened.release.period.in_words()));
    }
    columns.push(format!("Since {}", opened.first().in_words()));
    let last = columns.len();
    Ok(
        Table::new("Change since the month before, and all months together")
            .columns(columns)
            .numeric(1..last)
            .rows(rows)
            .into(),
    )
}

/// A list of tables under each standard.
fn tables(opened: &Opened) -> Html {
    let lists = opened.published().map(|(stream, _)| {
        let standard = stream.standard;
        let mut families: BTreeMap<_, Vec<&Declared>> = BTreeMap::new();
        for table in standard.tables() {
            families.entry(table.family).or_default().push(table);
        }
        let rows = families.into_values().flatten().map(|table| {
            [
                link(
                    &title(table),
                    &address(opened.release.period, standard, &table.id),
                ),
                words::count(opened.codebook.cells(table) as u64).into(),
            ]
        });
        let table = Table::new(format!("Tables under {}", standard.title()))
            .columns(["Table", "Numbers"])
            .numeric([1])
            .rows(rows)
            .caption_hidden();
        let which = match opened.is_double() {
            true => format!(" under {}", standard.title()),
            false => String::new(),
        };
        let summary = format!(
            "Show all {} tables{which}, each with its figures",
            standard.tables().len()
        );
        Html::from(Details::new(summary, table))
    });
    Html::concat(lists)
}

/// Every rule with its outcome; open at once when one is broken.
pub(super) fn rule_list(verdicts: &[Verdict]) -> Html {
    let kept = verdicts.iter().filter(|v| v.outcome == Outcome::Kept);
    let (kept, all) = (kept.count(), verdicts.len());
    let rows = verdicts.iter().map(|verdict| {
        let rule = match &verdict.detail {
            None => verdict.rule.clone(),
            Some(detail) => format!("{} {}", verdict.rule, words::sentence(detail)),
        };
        let colour = match verdict.outcome {
            Outcome::Kept => TagColour::Green,
            Outcome::Broken => TagColour::Red,
            Outcome::NotReached => TagColour::Grey,
        };
        [
            Html::from(rule),
            checker(verdict.by).into(),
            Tag::coloured(outcome(verdict.outcome), colour).into(),
        ]
    });
    let table = Table::new("Rules")
        .caption_hidden()
        .columns(["Rule", "Checked by", "Outcome"])
        .rows(rows);
    let (said, colour) = if kept == all {
        (format!("All {all} rules are kept"), TagColour::Green)
    } else {
        (
            format!("{} of {all} rules are not kept", all - kept),
            TagColour::Red,
        )
    };
    let details = Details::new(
        format!("Show the {all} rules, each with its outcome"),
        table,
    );
    let details = if kept == all { details } else { details.open() };
    Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        Tag::coloured(said, colour).into(),
        Html::literal("</p>"),
        Html::paragraph(
            "This node checks every one before it signs; the national log checks its own again. A release that breaks a rule cannot be approved.",
        ),
        details.into(),
    ])
}

fn facts(opened: &Opened, statements: &[StatementRow]) -> Html {
    let release = &opened.release;
    let mut list = SummaryList::new().fact(
        "Prepared",
        format!(
            "by {} on {}",
            words::author(&release.author),
            words::second(release.prepared_at)
        ),
    );
    if let Some((name, at)) = &release.approved {
        list = list.fact("Approved", format!("by {name} on {}", words::second(*at)));
    }
    for row in statements {
        list = list
            .fact(
                "Statement",
                format!("number {} of this node", words::count(row.seq)),
            )
            .fact("Receipt", receipt_words(row));
    }
    for (stream, summary) in opened.published() {
        let noise = &summary.noise;
        let rho = noise.rho_micro as f64 / 1e6;
        list = list
            .fact("Data standard", stream.standard.title())
            .fact("Protection", format!(
                "discrete Gaussian noise, budget \u{3c1} = {rho} for one enrolment over all tables and years; epoch {}, month {} of {} that the budget is spread over",
                noise.epoch,
                noise.month,
                ldsp_protocol::noise::HORIZON
            ));
    }
    list.fact(
        "Size",
        format!("{} bytes", words::count(release.bytes().len() as u64)),
    )
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
    let bytes = match (opened.release.approved.is_some(), opened.is_double()) {
        (true, false) => "Download the exact bytes that were signed (JSON)",
        (false, false) => "Download the exact bytes that will be signed (JSON)",
        (true, true) => {
            "Download the exact bytes that were signed (two JSON texts, one after the other)"
        }
        (false, true) => {
            "Download the exact bytes that will be signed (two JSON texts, one after the other)"
        }
    };
    ldsp_ui::components::list([
        link(
            "Read or print the privacy report, for the data protection officer",
            &format!("/releases/{period}/report"),
        ),
        link(bytes, &format!("/releases/{period}/payload.json")),
        link(
            "Download the published estimates (CSV)",
            &format!("/releases/{period}/figures.csv"),
        ),
    ])
}
