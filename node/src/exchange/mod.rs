//! What the node exchanges with the Skills Advisory Panel, so that nothing is collected twice: a register of who collects what
//! (`model/item`), files in the layout of explore education statistics both ways, and what the two sides do twice, late or not at all.
//!
//! Of learners nothing leaves but what any reader of the node's approved releases can work out ([`export`]).

pub(crate) mod ees;
pub(crate) mod export;
pub(crate) mod overlap;
mod read;
#[cfg(test)]
mod tests;
pub(crate) mod time;

use jiff::Timestamp;
use ldsp_protocol::ids::Period;
use ldsp_protocol::personal;

use crate::import::values::is_code;
use crate::release::ReleaseError;
use crate::schedule::london;
use crate::store::items::{Collector, DataItem, NewPanelFile, PanelFile};
use crate::store::kept::Stored;
use crate::store::{Store, StoreError};
use ees::Sheet;
pub(crate) use read::{Read, read};

/// Longest file that is read, in bytes.
pub(crate) const LARGEST: usize = 4 << 20;

/// A defect of a panel's file. It quotes nothing of the file but names of columns in order and codes of areas.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Defect {
    /// `data` or `meta`.
    pub(crate) file: &'static str,
    /// Line on which the row begins; the header is line 1.
    pub(crate) line: u64,
    /// Column; empty: the row or the file.
    pub(crate) column: String,
    /// Stable code.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) cause: String,
    /// What to do.
    pub(crate) remedy: &'static str,
}

/// Every defect of a file, the first of them in detail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defects {
    pub(crate) detailed: Vec<Defect>,
    pub(crate) total: usize,
}

/// Defects that are kept in detail.
pub(crate) const DETAILED: usize = 200;

impl Defects {
    fn add(&mut self, defect: Defect) {
        self.total += 1;
        if self.detailed.len() < DETAILED {
            self.detailed.push(defect);
        }
    }
}

/// Why a panel's file was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The database.
    Store(StoreError),
    /// The data item is no code.
    Item,
    /// Everything that is wrong with the files.
    Defects(Defects),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What came of a panel's file without a defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was checked only.
    Checked(Read),
    /// It is kept under this number.
    Kept(Read, i64),
    /// The very same file was kept before.
    Already(Read),
}

/// Checks a panel's file of an item and, unless `check`, keeps it.
///
/// # Errors
/// [`Refused`]; nothing was kept then.
pub(crate) async fn take(
    store: &Store,
    item: &str,
    (data, meta): (&[u8], &[u8]),
    check: bool,
    (who, now): (&str, Timestamp),
) -> Result<Taken, Refused> {
    if !is_code(item) || !personal::find(item).is_empty() {
        return Err(Refused::Item);
    }
    let found = read(data, meta).map_err(Refused::Defects)?;
    if check {
        return Ok(Taken::Checked(found));
    }
    let text = |bytes| String::from_utf8_lossy(bytes);
    let file = NewPanelFile {
        item,
        data: &text(data),
        meta: &text(meta),
        rows: found.sheet.rows.len(),
        periods: &found.periods,
    };
    Ok(match store.keep_panel_file(&file, who, now).await? {
        Some(id) => Taken::Kept(found, id),
        None => Taken::Already(found),
    })
}

/// The register, the panel's files and what is amiss, now.
pub(crate) struct Standing {
    pub(crate) month: Period,
    pub(crate) items: Vec<Stored<DataItem>>,
    pub(crate) files: Vec<PanelFile>,
    pub(crate) found: Vec<overlap::Found>,
    /// Whether an academic year was released whole: without one there is nothing to give.
    pub(crate) has_year: bool,
}

impl Standing {
    /// # Errors
    /// [`ReleaseError`].
    pub(crate) async fn read(store: &Store, now: Timestamp) -> Result<Self, ReleaseError> {
        let today = now.to_zoned(london()).date();
        let month = Period::of(today).ok_or(ReleaseError::Calendar)?;
        let items: Vec<Stored<DataItem>> = store.kept().await?;
        let files = store.panel_files().await?;
        let own = export::until(store).await?;
        let all: Vec<DataItem> = items.iter().map(|stored| stored.it.clone()).collect();
        let found = overlap::look(&all, &files, own, month);
        Ok(Self {
            month,
            items,
            files,
            found,
            has_year: own.is_some(),
        })
    }

    /// Whether it is agreed that this LEP collects an item now: then it may be given to the panel.
    pub(crate) fn is_ours(&self, code: &str) -> bool {
        self.items.iter().any(|stored| {
            let item = &stored.it;
            item.item.eq_ignore_ascii_case(code)
                && item.collector == Collector::Lep
                && item.holds(self.month)
        })
    }
}

/// Why there is no file of an item.
#[derive(Debug)]
pub(crate) enum Ungiven {
    /// The releases cannot be read.
    Release(ReleaseError),
    /// This node makes no such file.
    Unknown,
    /// It is not agreed that this LEP collects it.
    NotOurs,
    /// No academic year was released whole.
    NoYear,
}

impl Ungiven {
    /// Stable, for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Release(error) => error.code(),
            Self::Unknown => "unknown-item",
            Self::NotOurs => "not-ours",
            Self::NoYear => "no-year",
        }
    }

    /// What happened and what to do.
    pub(crate) fn said(&self) -> (String, &'static str) {
        match self {
            Self::Release(error) => (error.to_string(), error.next()),
            Self::Unknown => (
                "this node makes no file of that data item".to_owned(),
                "It makes those of enrolments and achievements.",
            ),
            Self::NotOurs => (
                "the register does not say that this LEP collects it now".to_owned(),
                "Agree with the panel who does, and write it into the register of data items.",
            ),
            Self::NoYear => (
                "no academic year, August to July, was released whole".to_owned(),
                "It can be given once the twelve months of one are released.",
            ),
        }
    }
}

/// The file of an item that the LEP has agreed to collect.
///
/// # Errors
/// [`Ungiven`].
pub(crate) async fn give(store: &Store, code: &str, now: Timestamp) -> Result<Sheet, Ungiven> {
    let item = export::Item::named(code).ok_or(Ungiven::Unknown)?;
    let standing = Standing::read(store, now).await.map_err(Ungiven::Release)?;
    if !standing.is_ours(item.code) {
        return Err(Ungiven::NotOurs);
    }
    let sheet = export::sheet(store, item).await.map_err(Ungiven::Release)?;
    sheet.ok_or(Ungiven::NoYear)
}
