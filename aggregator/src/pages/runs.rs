//! Benchmark runs: figures that stay as they are, what they stand on, and how anybody makes them again.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use ldsp_protocol::own;
use ldsp_protocol::run::MeasureFinding;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{CodeBlock, InsetText, Pagination, SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage};

use super::{Answer, Failure, entry, figures, paging, words};
use crate::Service;
use crate::benchmark::{Measure, Snapshot};
use crate::runs::{self, Run};
use crate::store::{Log as _, LoggedStatement, StoreError};
use crate::time::london_day;

/// Runs on one page.
const PAGE: usize = 20;

/// The last run; read once for each state of the log.
pub(super) async fn last(
    service: &Service,
    snapshot: &Snapshot,
) -> Result<Option<Arc<Run>>, StoreError> {
    if let Some(known) = snapshot.kept() {
        return Ok(known);
    }
    let last = runs::latest(&service.store).await?.map(Arc::new);
    snapshot.keep(last.clone());
    Ok(last)
}

/// `15 March 2023`, the day on which the run was made.
fn day(run: &Run) -> String {
    words::date(london_day(run.received))
}

pub(super) fn address(index: u64) -> String {
    format!("/runs/{index}")
}

/// Where the figures that do not change are.
pub(super) fn note(last: Option<&Run>) -> Html {
    let Some(run) = last else {
        return Html::default();
    };
    let text = Html::concat([
        Html::text("These figures are live. The last benchmark run froze all of them on "),
        link(&day(run), &address(run.index)),
        Html::text(
            ": signed, with the statements that they stand on, so that anybody can make them again.",
        ),
    ]);
    InsetText::new(text).into()
}

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let kinds = [Kind::BenchmarkRun];
    let fetch = |span, limit| service.store.announced(&kinds, span, limit);
    let index = |s: &LoggedStatement| s.index;
    let paged = paging::page(paging::span(&query), PAGE, index, fetch).await?;
    let href = |span| paging::href("/runs", &[], span);
    let mut all = Vec::new();
    for statement in &paged.items {
        all.extend(Run::of(statement)?);
    }
    let runs = if all.is_empty() {
        InsetText::new(
            "No run has been made yet. The server makes one each month once an area has published, and an operator can ask for one.",
        )
        .into()
    } else {
        Html::concat([
            table(&all),
            Pagination::new(
                "Benchmark runs",
                paged.previous.map(href),
                paged.next.map(href),
            )
            .into(),
        ])
    };
    Ok(Page::new("Benchmark runs")
        .breadcrumb("Home", "/")
        .breadcrumb("Benchmarks", "/benchmarks")
        .body(Html::concat([intro(), runs])))
}

fn intro() -> Html {
    Html::concat([
        Html::paragraph(
            "Figures on these pages follow every release at once. A benchmark run freezes them: every measure, as it stood at one moment of the log, \
             signed with the log’s key and a part of the log itself. Quote a run where a figure must stay as it is.",
        ),
        Html::paragraph(
            "Each run names the very statements that it stands on. Anybody can fetch those, check who signed them, and make every figure again, \
             to the last digit.",
        ),
        Html::literal("<p class=\"govuk-body\">"),
        link("The same for programs (JSON)", "/api/v1/benchmark-runs"),
        Html::literal("</p>"),
    ])
}

fn table(runs: &[Run]) -> Html {
    let rows = runs.iter().map(|run| {
        let stands_on = &run.run.stands_on;
        [
            link(&day(run), &address(run.index)),
            Html::text(&words::thousands(stands_on.size)),
            Html::text(&words::thousands(stands_on.inputs.count())),
            Html::text(&words::thousands(run.index)),
        ]
    });
    Table::new("Runs, newest first")
        .columns([
            "Made on",
            "Entries of the log",
            "Statements it stands on",
            "Place in the log",
        ])
        .numeric([1, 2, 3])
        .rows(rows)
        .into()
}

async fn find(service: &Service, index: &str) -> Result<Run, Failure> {
    let unknown = || {
        ProblemPage::not_found()
            .happened("No benchmark run stands at this place of the log.")
            .next("Look for it in the list of benchmark runs.")
    };
    // SQL's numbers end before Rust's.
    let index = index.parse::<i64>().ok();
    let index = index.and_then(|n| u64::try_from(n).ok());
    let run = runs::at(&service.store, index.ok_or_else(unknown)?).await?;
    Ok(run.ok_or_else(unknown)?)
}

async fn findings(service: &Service, run: &Run) -> Result<Vec<MeasureFinding>, StoreError> {
    let mut findings = Vec::with_capacity(run.run.findings.len());
    for named in &run.run.findings {
        findings.push(runs::finding(&service.store, named).await?);
    }
    Ok(findings)
}

pub(super) async fn show(State(service): State<Arc<Service>>, Path(index): Path<String>) -> Answer {
    let run = find(&service, &index).await?;
    let findings = findings(&service, &run).await?;
    let heading = |text: &str| {
        Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\">"),
            Html::text(text),
            Html::literal("</h2>"),
        ])
    };
    let body = Html::concat([
        facts(&run, &findings),
        national(&run, &findings),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "Download every figure of the run: groups, regions, areas (CSV)",
            &format!("{}/figures.csv", address(run.index)),
        ),
        Html::literal("</p>"),
        heading("Make it again"),
        again(&service, &run, &findings),
    ]);
    Ok(Page::new(format!("Benchmark run of {}", day(&run)))
        .breadcrumb("Home", "/")
        .breadcrumb("Benchmarks", "/benchmarks")
        .breadcrumb("Benchmark runs", "/runs")
        .body(body))
}

fn facts(run: &Run, findings: &[MeasureFinding]) -> Html {
    let stands_on = &run.run.stands_on;
    let standards = stands_on
        .standards
        .iter()
        .map(|digest| Standard::of(*digest).map_or_else(|| digest.to_string(), Standard::title));
    let standards: Vec<String> = standards.collect();
    let england = findings.iter().find_map(|f| f.figures.first());
    let months = england.map_or_else(String::new, |f| figures::period(f.range));
    let coverage = england.map_or_else(String::new, |f| figures::coverage(f.coverage));
    SummaryList::new()
        .fact("Months", months)
        .fact("Coverage", coverage)
        .fact(
            "Made",
            format!("{}, London time", words::moment(run.received)),
        )
        .fact(
            "State of the log",
            format!(
                "The first {} entries",
                words::thousands(stands_on.size)
            ),
        )
        .fact("Root of the log then", entry::code(&stands_on.root.to_string()))
        .fact(
            "Stands on",
            format!(
                "{} statements: the areas’ monthly releases, and those by which the log took their keys",
                words::thousands(stands_on.inputs.count())
            ),
        )
        .fact("Data standard", words::and(&standards))
        .fact("Version of the code", stands_on.code.clone())
        .fact(
            "The run itself",
            link(
                &format!("Place {} in the log", words::thousands(run.index)),
                &format!("/statements/{}", run.index),
            ),
        )
        .into()
}

fn national(run: &Run, findings: &[MeasureFinding]) -> Html {
    let named = run.run.findings.iter();
    let rows = named.zip(findings).map(|(named, finding)| {
        let england = finding.figures.first();
        let statement = format!("/v1/nodes/{}/statements/{}", own::NAME, named.seq);
        [
            link(
                figures::title(finding.measure),
                &format!("/benchmarks/{}", finding.measure.id()),
            ),
            Html::text(&figures::maybe(england)),
            Html::text(&england.map_or_else(String::new, figures::base)),
            Html::concat([
                link("Signed envelope", &statement),
                Html::text(" · "),
                link("Proof", &format!("{statement}/receipt")),
                Html::text(" · "),
                // A run and its findings stand one behind the other.
                link(
                    "How to check both",
                    &format!(
                        "/statements/{}",
                        run.index.saturating_sub(run.seq - named.seq)
                    ),
                ),
            ]),
        ]
    });
    Table::new("England to date, as the run froze it")
        .columns(["Measure", "Figure (95 % interval)", "Base", "Check it"])
        .numeric([1, 2])
        .rows(rows)
        .into()
}

fn again(service: &Service, run: &Run, findings: &[MeasureFinding]) -> Html {
    let example = run.run.findings.iter();
    let example = example.max_by_key(|named| named.measure == Measure::Achievement);
    let Some(example) = example else {
        return Html::default();
    };
    let commands = format!(
        "ldsp-node verify finding {}/v1/nodes/{}/statements/{} \\\n  --log '{}' --recompute\n",
        service.public_url,
        own::NAME,
        example.seq,
        service.signer.verifier().vkey()
    );
    Html::concat([
        Html::paragraph(&format!(
            "Each of the {} is a statement of the log’s own. One command checks that the log signed it, that it is in the log, and that the log of then is \
             the beginning of the log of now; it fetches the statements that the figures stand on, checks every signature, counts again, and compares \
             the result byte for byte. It needs no node and no account.",
            words::plural(findings.len(), "measure", "measures")
        )),
        CodeBlock::new("recompute", "Make one measure again", commands).into(),
        Html::literal("<p class=\"govuk-body\">"),
        Html::text("A statement that its area took back since ("),
        link("what was withdrawn", "/revisions"),
        Html::text(
            ") is no longer here. Signature and place of a run that stands on it still hold; who kept the statement can count again from files, with ",
        ),
        Html::literal("<code>--at</code>.</p>"),
        Html::paragraph(
            "Signature and receipt alone are checked with software that is not ours: the commands stand on the page of each statement in the log, \
             under “Verify it yourself”.",
        ),
    ])
}

pub(super) async fn csv(
    State(service): State<Arc<Service>>,
    Path(index): Path<String>,
) -> Result<Response, Failure> {
    let run = find(&service, &index).await?;
    let findings = findings(&service, &run).await?;
    let all = findings.iter().flat_map(|finding| &finding.figures);
    Ok(figures::csv(&format!("benchmark-run-{}", run.index), all).into_response())
}
