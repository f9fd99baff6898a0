//! The figures behind a practice entry: a cited cell of one of the node's own releases, as an
//! estimate with its interval.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ldsp_protocol::additivity::positions;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::measures::Estimate;
use ldsp_protocol::practice::Evidence;
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::{Codebook, Dimension, NOT_STATED, Standard, Table};

use super::words;
use crate::benchmark::cell_to_date;
use crate::store::{Rollups, StoreError};

/// A reference and what it leads to.
pub(super) struct Cited {
    pub(super) table: String,
    pub(super) cell: u64,
    /// `None` when the node has no such release or the release no such cell.
    pub(super) figure: Option<Figure>,
}

/// The cited cell.
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) estimate: Estimate,
    pub(super) first: Period,
    pub(super) last: Period,
    pub(super) node: NodeSlug,
    pub(super) seq: u64,
}

/// Looks the references up in the releases of `node`.
pub(super) async fn resolve(
    store: &impl Rollups,
    node: &NodeSlug,
    evidence: &[Evidence],
) -> Result<Vec<Cited>, StoreError> {
    let mut releases: BTreeMap<Digest, Option<NodeMonth>> = BTreeMap::new();
    for e in evidence {
        if let Entry::Vacant(release) = releases.entry(e.statement) {
            let month = store.month(e.statement).await?;
            release.insert(month.filter(|m| m.node == *node));
        }
    }
    let cited = evidence.iter().map(|e| Cited {
        table: e.table.clone(),
        cell: e.cell,
        figure: (releases.get(&e.statement).and_then(Option::as_ref))
            .and_then(|month| figure(month, e)),
    });
    Ok(cited.collect())
}

fn figure(month: &NodeMonth, evidence: &Evidence) -> Option<Figure> {
    let tables = month.standard.tables();
    let number = tables.iter().position(|t| t.id == evidence.table)?;
    let table = &tables[number];
    let codebook = month.codebook();
    let cell = usize::try_from(evidence.cell).ok()?;
    Some(Figure {
        estimate: cell_to_date(month, number, cell)?,
        label: label(table, &codebook, &positions(&codebook.shape(table), cell)),
        first: month.first()?,
        last: month.period,
        node: month.node.clone(),
        seq: month.seq,
    })
}

/// `Starts: Older people, Basic`.
fn label(table: &Table, codebook: &Codebook, position: &[usize]) -> String {
    let standard = Standard::current();
    let family = standard
        .families()
        .iter()
        .find(|f| f.id == table.family)
        .map_or("", |f| f.title.as_str());
    let parts: Vec<String> = table
        .dimensions
        .iter()
        .zip(position)
        .map(|(d, at)| code_title(*d, &codebook.codes(*d)[*at]))
        .collect();
    format!("{family}: {}", parts.join(", "))
}

/// A code in words; "not stated" says of what.
fn code_title(dimension: Dimension, code: &str) -> String {
    let def = Standard::current().dimension(dimension);
    if code == NOT_STATED {
        return format!("{} not stated", words::lower_first(&def.title));
    }
    if dimension == Dimension::Area {
        let district = code.parse().ok();
        let named =
            district.and_then(|c| Geography::embedded().district(&c).map(|d| d.name.clone()));
        return named.unwrap_or_else(|| code.to_owned());
    }
    super::library::title(dimension, code)
}
