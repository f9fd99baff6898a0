//! One table of a release, and all of them as a file.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Period;
use ldsp_protocol::measures::Z95;
use ldsp_protocol::standard::Standard;
use ldsp_ui::components::{InsetText, Table};
use ldsp_ui::{Html, Page, ProblemPage, csv_text};
use serde::Deserialize;

use super::privacy::epoch_note;
use super::releases::{file, opened};
use super::{Answer, Pages, exact, exact_tag, not_printed, release_problem, words};
use crate::release::figures::OpenedStream;
use crate::release::title;

/// Where a table stands.
pub(super) fn address(period: Period, standard: &Standard, id: &str) -> String {
    let version = standard.version();
    format!("/releases/{period}/tables/{id}?standard={version}")
}

/// Which of two standards, where a release has both.
#[derive(Deserialize)]
pub(super) struct Under {
    standard: Option<u32>,
}

pub(super) async fn table(
    State(pages): State<Pages>,
    Path((period, id)): Path<(String, String)>,
    Query(under): Query<Under>,
) -> Answer {
    let opened = opened(&pages, &period).await?;
    let published: Vec<&OpenedStream> = opened.published().map(|(s, _)| s).collect();
    let holds = |s: &&&OpenedStream| {
        let wanted = under.standard.is_none_or(|v| v == s.standard.version());
        wanted && s.standard.table(&id).is_some()
    };
    let stream = *published
        .iter()
        .rev()
        .find(holds)
        .ok_or_else(ProblemPage::not_found)?;
    let standard = stream.standard;
    let at = (standard.tables().iter().position(|t| t.id == id)).ok_or_else(ProblemPage::fault)?;
    let declared = &standard.tables()[at];
    let period = opened.release.period;
    let (month, to_date) = (opened.month(), opened.to_date());
    let estimates = |span| {
        let estimates = opened.estimates(span);
        estimates.map_err(|e| release_problem(e.into()))
    };
    let now = estimates(month)?
        .cells(standard, declared)
        .ok_or_else(ProblemPage::fault)?;
    let all = estimates(to_date)?
        .cells(standard, declared)
        .ok_or_else(ProblemPage::fault)?;
    let dimensions = declared.dimensions.len();
    let rows = now.iter().zip(&all).enumerate().map(|(cell, (now, all))| {
        let mut row: Vec<Html> = words::cell(&opened.codebook, declared, cell)
            .into_iter()
            .map(Html::from)
            .collect();
        for (estimate, span) in [(*now, month), (*all, to_date)] {
            row.push(words::published(estimate).into());
            row.push(exact(words::count(stream.exact(at, cell, span))));
        }
        row
    });
    let mut columns: Vec<Html> = declared
        .dimensions
        .iter()
        .map(|d| standard.dimension(*d).title.clone().into())
        .collect();
    let counted =
        |span: &str| Html::concat([format!("Counted {span} ").into(), exact(exact_tag())]);
    let (in_month, since) = (
        period.in_words(),
        format!(
            "since {}",
            stream
                .months
                .first()
                .map_or(period, |m| m.period)
                .in_words()
        ),
    );
    columns.extend([
        Html::from(format!("Published for {in_month} (95% interval)")),
        counted("in the month"),
        format!("Published {since} (95% interval)").into(),
        counted(&since),
    ]);
    let table = Table::new(title(declared))
        .caption_hidden()
        .columns(columns)
        .numeric(dimensions..dimensions + 4)
        .rows(rows);
    let se = now.first().map_or(0.0, |e| e.se);
    let note = format!(
        "Estimates are made consistent over all tables of the family, as every reader will do. The standard error of a monthly figure in this table is {se:.1} enrolments; a figure under three standard errors is \u{201c}too few to say\u{201d}. Figures over many months are sharper."
    );
    let body = Html::concat([
        epoch_note(opened.second.as_ref()).unwrap_or_default(),
        InsetText::new(note).into(),
        table.into(),
        not_printed(),
    ]);
    let month = format!("Release of {}", period.in_words());
    let caption = match opened.is_double() {
        true => format!("{month}, {}", standard.title()),
        false => month,
    };
    Ok(Page::new(title(declared))
        .caption(caption)
        .breadcrumb("Releases", "/releases")
        .breadcrumb(period.in_words(), format!("/releases/{period}"))
        .body(body)
        .into_response())
}

/// Published estimates of all tables: what any reader can compute, and no exact count.
pub(super) async fn csv(State(pages): State<Pages>, Path(period): Path<String>) -> Answer {
    let opened = opened(&pages, &period).await?;
    let period = opened.release.period;
    let estimates = opened
        .estimates(opened.month())
        .map_err(|e| release_problem(e.into()))?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [String; 10]| writer.write_record(&row).map_err(|_| ProblemPage::fault());
    write(
        [
            "period",
            "table",
            "dimensions",
            "codes",
            "estimate",
            "standard_error",
            "low_95",
            "high_95",
            "epoch",
            "standard",
        ]
        .map(str::to_owned),
    )?;
    let declared = opened.published().flat_map(|(stream, summary)| {
        let tables = stream.standard.tables().iter();
        tables.map(move |table| (stream.standard, summary.noise.epoch, table))
    });
    for (standard, epoch, declared) in declared {
        let dimensions: Vec<&str> = declared
            .dimensions
            .iter()
            .map(|d| standard.dimension(*d).title.as_str())
            .collect();
        let cells = estimates.cells(standard, declared);
        let cells = cells.ok_or_else(ProblemPage::fault)?;
        for (cell, estimate) in cells.iter().enumerate() {
            write([
                period.to_string(),
                declared.id.clone(),
                csv_text(&dimensions.join("; ")).into_owned(),
                csv_text(&words::cell(&opened.codebook, declared, cell).join("; ")).into_owned(),
                format!("{:.2}", estimate.value),
                format!("{:.2}", estimate.se),
                format!("{:.2}", estimate.value - Z95 * estimate.se),
                format!("{:.2}", estimate.value + Z95 * estimate.se),
                epoch.to_string(),
                standard.title(),
            ])?;
        }
    }
    let bytes = writer.into_inner().map_err(|_| ProblemPage::fault())?;
    let name = format!("attachment; filename=\"ldsp-estimates-{period}.csv\"");
    Ok(file(bytes, "text/csv; charset=utf-8", &name))
}
