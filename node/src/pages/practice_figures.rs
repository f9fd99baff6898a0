//! Choosing figures for an entry: month and table first, then a number of that table. Never typed.

use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::Evidence;
use ldsp_protocol::standard::{Family, Standard};
use ldsp_ui::components::{Button, Checkboxes, Choice, Field, Select};
use ldsp_ui::{Html, ProblemPage};

use super::practice_view::figure_words;
use super::{Pages, release_problem, words};
use crate::practice::{Form, OwnFigures};
use crate::release::figures::Opened;

/// What was picked so far.
#[derive(Default)]
pub(super) struct Picker {
    release: String,
    table: String,
    /// Reference and words of every number of the table, once it was asked for.
    cells: Vec<(String, String)>,
}

/// Looks up the numbers of a table in an approved release of this node.
pub(super) async fn picker(
    pages: &Pages,
    figures: &OwnFigures,
    release: &str,
    table: &str,
) -> Result<Picker, ProblemPage> {
    let mut picker = Picker {
        release: release.to_owned(),
        table: table.to_owned(),
        cells: Vec::new(),
    };
    let statement: Option<Digest> = release.parse().ok();
    let own = figures
        .releases()
        .iter()
        .find(|r| Some(r.statement) == statement);
    let Some((own, declared)) = own.and_then(|own| Some((own, own.standard.table(table)?))) else {
        return Ok(picker);
    };
    let opened = Opened::read(&pages.node.store, own.period)
        .await
        .map_err(release_problem)?;
    let cells = opened
        .estimates(opened.to_date())
        .map_err(|e| release_problem(e.into()))?
        .cells(own.standard, declared)
        .ok_or_else(ProblemPage::fault)?;
    let codebook = figures.codebook(own);
    picker.cells = cells
        .iter()
        .enumerate()
        .map(|(cell, estimate)| {
            let codes = words::cell(&codebook, declared, cell).join(", ");
            let value = format!(
                "{codes}: {} ({})",
                words::figure(*estimate),
                words::interval(*estimate)
            );
            (format!("{}/{}/{cell}", own.statement, declared.id), value)
        })
        .collect();
    Ok(picker)
}

fn cited(reference: &str) -> Option<Evidence> {
    let mut parts = reference.splitn(3, '/');
    Some(Evidence {
        statement: parts.next()?.parse().ok()?,
        table: parts.next()?.to_owned(),
        cell: parts.next()?.parse().ok()?,
    })
}

impl Picker {
    pub(super) fn html(&self, form: &Form, figures: &OwnFigures, error: Option<String>) -> Html {
        let chosen = form.evidence.iter().filter_map(|reference| {
            let words = figure_words(&cited(reference)?, figures);
            Some(Choice::new(reference.clone(), words).chosen(true))
        });
        let chosen: Vec<Choice> = chosen.collect();
        let mut pieces = Vec::new();
        if !chosen.is_empty() || error.is_some() {
            let field = Field::new("evidence", "Figures that the entry cites")
                .hint("Take the tick away from what it should not cite")
                .error_if(error);
            pieces.push(Checkboxes::new(field, chosen).into());
        }
        if figures.releases().is_empty() {
            pieces.push(Html::paragraph("An entry may cite figures of this node\u{2019}s approved releases. There is none yet; you can save the entry without figures."));
            return Html::concat(pieces);
        }
        pieces.push(Html::paragraph("Figures are chosen from this node\u{2019}s approved releases, never typed. Choose a month and a table, show its figures, then choose one."));
        let months = figures
            .releases()
            .iter()
            .rev()
            .map(|r| Choice::new(r.statement.to_string(), figures.named(r)));
        let release = Field::new("figure-release", "Figures up to").value(self.release.clone());
        pieces.push(Select::new(release, months).into());
        let chosen = figures
            .releases()
            .iter()
            .find(|r| r.statement.to_string() == self.release)
            .or(figures.releases().last());
        let standard = chosen.map_or_else(Standard::current, |r| r.standard);
        let tables = standard
            .tables()
            .iter()
            .map(|t| Choice::new(t.id.clone(), crate::release::title(t)));
        let table = if self.table.is_empty() {
            default_table()
        } else {
            self.table.clone()
        };
        pieces.push(Select::new(Field::new("figure-table", "Table").value(table), tables).into());
        if self.cells.is_empty() {
            pieces.push(
                Button::new("Show its figures")
                    .secondary()
                    .sends("action", "show-figures")
                    .into(),
            );
            return Html::concat(pieces);
        }
        let cells = self
            .cells
            .iter()
            .map(|(reference, words)| Choice::new(reference.clone(), words.clone()));
        pieces.push(
            Select::new(
                Field::new("figure-cell", "Published figure").hint("With its 95% interval"),
                cells,
            )
            .into(),
        );
        pieces.push(Html::literal("<div class=\"govuk-button-group\">"));
        pieces.push(
            Button::new("Cite this figure")
                .secondary()
                .sends("action", "add-figure")
                .into(),
        );
        pieces.push(
            Button::new("Show another table")
                .secondary()
                .sends("action", "show-figures")
                .into(),
        );
        pieces.push(Html::literal("</div>"));
        Html::concat(pieces)
    }
}

fn default_table() -> String {
    let tables = Standard::current().tables();
    let leavers = tables
        .iter()
        .find(|t| t.family == Family::Leavers)
        .or(tables.first());
    leavers.map_or_else(String::new, |t| t.id.clone())
}
