//! The practice library as the public sees it: which entries, how many of each kind, which page of them.

use std::sync::Arc;

use jiff::civil::Date;
use ldsp_protocol::practice::{Area, Direction, Factor, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};

use crate::Service;
use crate::benchmark::Snapshot;
use crate::store::{Library, LibraryEntry, PracticeFilter, Reader, StoreError};

/// Entries on one page of the list.
pub(super) const PAGE: usize = 20;
/// Entries asked of the store at once.
const BATCH: u32 = 200;

/// What the reader chose; unknown words choose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) tier: Option<String>,
    pub(super) verdict: Option<Verdict>,
    pub(super) cause: Option<Factor>,
    pub(super) before: Option<u64>,
}

impl Choice {
    fn admits(&self, e: &LibraryEntry) -> bool {
        self.tier.as_ref().is_none_or(|t| *t == e.entry.tier)
            && self.verdict.is_none_or(|v| v == e.entry.verdict)
            && self
                .cause
                .is_none_or(|f| e.entry.causes.iter().any(|c| c.factor == f))
    }

    /// The list's address with this choice.
    pub(super) fn href(&self) -> String {
        let parts: Vec<String> = [
            self.tier.as_ref().map(|t| format!("tier={t}")),
            self.verdict.map(|v| format!("verdict={}", v.id())),
            self.cause.map(|f| format!("cause={}", f.id())),
            self.before.map(|b| format!("before={b}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            "/practice".to_owned()
        } else {
            format!("/practice?{}", parts.join("&"))
        }
    }

    /// Whether anything is chosen.
    pub(super) fn is_narrowed(&self) -> bool {
        self.tier.is_some() || self.verdict.is_some() || self.cause.is_some()
    }
}

/// Entries that everybody may read today, newest first, and how many others wait for their date.
pub(super) struct Shelf {
    pub(super) entries: Vec<LibraryEntry>,
    pub(super) peers_first: usize,
}

/// A page of the list.
pub(super) struct Slice<'a> {
    pub(super) entries: Vec<&'a LibraryEntry>,
    pub(super) found: usize,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

/// A shelf that was read before, and the day for which it was.
#[derive(Clone)]
struct Read(Date, Arc<Shelf>);

/// The shelf as it is today; read again when a statement was logged since or another day began. Signed-in people see no
/// more than the public: peers-first entries are for enrolled nodes only.
pub(super) async fn shelf(
    service: &Service,
    snapshot: &Snapshot,
) -> Result<Arc<Shelf>, StoreError> {
    let today = service.today();
    if let Some(Read(_, shelf)) = snapshot.kept().filter(|Read(day, _)| *day == today) {
        return Ok(shelf);
    }
    let entries = all(&service.store, Reader::Public(today)).await?;
    let everything = all(&service.store, Reader::Peer).await?;
    let is_waiting = |e: &&LibraryEntry| !e.entry.sharing.is_public(today);
    let shelf = Arc::new(Shelf {
        entries,
        peers_first: everything.iter().filter(is_waiting).count(),
    });
    snapshot.keep(Read(today, Arc::clone(&shelf)));
    Ok(shelf)
}

async fn all(store: &impl Library, reader: Reader) -> Result<Vec<LibraryEntry>, StoreError> {
    let mut found: Vec<LibraryEntry> = Vec::new();
    loop {
        let filter = PracticeFilter {
            before: found.last().map(|e| e.index),
            limit: BATCH,
            ..PracticeFilter::all(reader)
        };
        let batch = store.entries(&filter).await?;
        if batch.is_empty() {
            return Ok(found);
        }
        found.extend(batch);
    }
}

impl Shelf {
    /// How many entries a choice would find.
    pub(super) fn count(&self, choice: &Choice) -> usize {
        self.entries.iter().filter(|e| choice.admits(e)).count()
    }

    /// The page that the choice asks for.
    pub(super) fn slice(&self, choice: &Choice) -> Slice<'_> {
        let found: Vec<&LibraryEntry> = self.entries.iter().filter(|e| choice.admits(e)).collect();
        let start = choice
            .before
            .and_then(|before| found.iter().position(|e| e.index < before))
            .unwrap_or(if choice.before.is_some() {
                found.len()
            } else {
                0
            });
        let end = found.len().min(start + PAGE);
        let at = |before: Option<u64>| {
            Choice {
                before,
                ..choice.clone()
            }
            .href()
        };
        let previous = (start > 0).then(|| match start.checked_sub(PAGE + 1) {
            Some(last_of_page_before) => at(Some(found[last_of_page_before].index)),
            None => at(None),
        });
        let next = (end < found.len() && end > start).then(|| at(Some(found[end - 1].index)));
        Slice {
            entries: found[start..end].to_vec(),
            found: found.len(),
            previous,
            next,
        }
    }
}

/// Where an entry applies, in words: never the LEP's name where its authors preferred not to give it.
pub(super) fn area(area: &Area) -> String {
    use ldsp_protocol::geography::Geography;
    match area {
        Area::Lep(code) => Geography::embedded()
            .lep(code)
            .map_or_else(|| code.to_string(), |l| l.name.clone()),
        Area::Like { setting, size } => {
            format!("An area like: {}, {}", setting.in_words(), size.in_words())
        }
    }
}

/// The factors that pulled one way, in words.
pub(super) fn factors(entry: &LibraryEntry, direction: Direction) -> String {
    let named: Vec<String> = entry
        .entry
        .causes
        .iter()
        .filter(|c| c.direction == direction)
        .map(|c| super::words::lower_first(c.factor.in_words()))
        .collect();
    super::words::and(&named)
}

/// A code's title.
pub(super) fn title(dimension: Dimension, code: &str) -> String {
    let codes = &Standard::v1().dimension(dimension).codes;
    codes
        .iter()
        .find(|c| c.id == code)
        .map_or_else(|| code.to_owned(), |c| c.title.clone())
}
