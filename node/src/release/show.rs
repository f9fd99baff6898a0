//! What will leave, in plain words.

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::noise::{cumulative, in_counts, sigma2, table_rho, variance};
use ldsp_protocol::standard::{Codebook, Standard, Table};
use serde::Serialize;

use super::{ReleaseError, check_payload};
use crate::disclosure::LedgerMonth;
use crate::store::{Store, enrolment, ledger, releases};

/// A release in words and estimates: what any reader of the log could work out. It holds no exact count, so that a terminal or
/// a program may show it without sign-in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The month.
    pub period: Period,
    /// What the approver approves.
    pub digest: Digest,
    /// 1, or 2 where the node lost its ledger and began anew.
    pub epoch: u32,
    /// Who prepared it.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// Sequence number of its statement.
    pub seq: Option<u64>,
    /// Bytes of the payload.
    pub bytes: usize,
    /// Declared tables in order.
    pub tables: Vec<ShownTable>,
}

/// One table of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShownTable {
    /// Id in the standard.
    pub id: String,
    /// Family and dimensions in words.
    pub title: String,
    /// Number of cells, zeros included.
    pub cells: usize,
    /// Enrolments that entered in the month as readers will estimate them from what is published, over all cells.
    pub published: f64,
    /// Standard deviation of `published`.
    pub sd: f64,
    /// Standard deviation of one cell's estimate.
    pub cell_sd: f64,
}

/// Shows the release of `period`, or the last one.
///
/// # Errors
/// [`ReleaseError`].
pub async fn show(store: &Store, period: Option<Period>) -> Result<Shown, ReleaseError> {
    let mut connection = store.reader.begin().await?;
    let release = match period {
        Some(period) => releases::of(&mut connection, period)
            .await?
            .ok_or(ReleaseError::Unknown(period))?,
        None => releases::last(&mut connection)
            .await?
            .ok_or(ReleaseError::NothingOpen)?,
    };
    let lep = enrolment::lep(&mut connection)
        .await?
        .ok_or(ReleaseError::NoIdentity)?;
    let codebook = Codebook::new(&lep, &[]);
    let mut months = ledger::months_of(&mut connection, &codebook, release.epoch).await?;
    months.truncate(release.month);
    let month = months
        .last()
        .filter(|m| m.period == release.period)
        .ok_or(ReleaseError::LedgerLost)?;
    let summary = check_payload(&release, month)?;
    let declared = Standard::v1().tables().iter().enumerate();
    Ok(Shown {
        period: release.period,
        digest: release.digest,
        epoch: release.epoch,
        author: release.author,
        approver: release.approved.map(|(name, _)| name),
        seq: release.seq,
        bytes: release.payload.len(),
        tables: declared
            .map(|(at, table)| shown_table(table, at, &months, summary.noise.rho_micro))
            .collect(),
    })
}

fn shown_table(table: &Table, at: usize, months: &[LedgerMonth], rho_micro: u64) -> ShownTable {
    let month = months.len();
    let cells = months.last().map_or(0, |m| m.tables[at].entries.len());
    let estimate = |cell: usize, until: usize| {
        let published: Vec<i64> = months[..until]
            .iter()
            .map(|m| m.tables[at].published[cell])
            .collect();
        cumulative(&published).map_or(f64::NAN, in_counts)
    };
    let rho = table_rho(Standard::v1(), table.rho_micro, rho_micro);
    let one = variance(sigma2(rho), month - 1, month);
    ShownTable {
        id: table.id.clone(),
        title: title(table),
        cells,
        published: (0..cells)
            .map(|cell| estimate(cell, month) - estimate(cell, month - 1))
            .sum(),
        sd: (one * cells as f64).sqrt(),
        cell_sd: one.sqrt(),
    }
}

/// `Starts by district and tier`.
#[must_use]
pub fn title(table: &Table) -> String {
    let standard = Standard::v1();
    let family = standard
        .families()
        .iter()
        .find(|f| f.id == table.family)
        .map_or("", |f| f.title.as_str());
    let names: Vec<String> = table
        .dimensions
        .iter()
        .map(|d| standard.dimension(*d).title.to_lowercase())
        .collect();
    let list = match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    };
    format!("{family} by {list}")
}
