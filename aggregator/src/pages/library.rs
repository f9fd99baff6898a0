//! The practice library as the public sees it: which entries, how many of each kind, which page of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use ldsp_protocol::ids::{Gss, NodeSlug};
use ldsp_protocol::practice::{Area, Direction, Factor, Verdict};
use ldsp_protocol::standard::{Dimension, Standard};

use super::paging;
use crate::Service;
use crate::benchmark::Snapshot;
use crate::store::{
    Curated, Curation, Library, LibraryEntry, PracticeCounts, PracticeFilter, Reader, Span,
    Standing, StoreError,
};

/// Entries on one page of the list.
const PAGE: usize = 20;
/// Entries that stand before all others.
const FEATURED: u32 = 3;
/// Entries of one node that its area's page looks at.
const OF_ONE_AREA: u32 = 200;

/// What the reader chose; unknown words choose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) tier: Option<String>,
    pub(super) verdict: Option<Verdict>,
    pub(super) cause: Option<Factor>,
    pub(super) span: Span,
}

impl Choice {
    /// The list's address with this choice.
    pub(super) fn href(&self) -> String {
        let parts = [
            ("tier", self.tier.clone()),
            ("verdict", self.verdict.map(|v| v.id().to_owned())),
            ("cause", self.cause.map(|f| f.id().to_owned())),
        ];
        paging::href("/practice", &parts, self.span)
    }

    /// Whether anything is chosen.
    pub(super) fn is_narrowed(&self) -> bool {
        self.tier.is_some() || self.verdict.is_some() || self.cause.is_some()
    }

    fn filter(&self, today: Date, span: Span, limit: u32) -> PracticeFilter {
        let (before, after) = match span {
            Span::Newest => (None, None),
            Span::Before(index) => (Some(index), None),
            Span::After(index) => (None, Some(index)),
        };
        PracticeFilter {
            tier: self.tier.clone(),
            verdict: self.verdict,
            cause: self.cause,
            before,
            after,
            limit,
            ..PracticeFilter::all(Reader::Public(today))
        }
    }
}

/// A page of the entries that everybody may read on a day, newest first. Signed-in people see no more than the
/// public: peers-first entries are for enrolled nodes only.
pub(super) struct Shelf {
    pub(super) entries: Vec<LibraryEntry>,
    /// Those that a curator put first, with why; on the first page of the whole list only.
    pub(super) featured: Vec<(LibraryEntry, String)>,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    /// What this and other choices find.
    pub(super) counts: PracticeCounts,
    /// Entries that wait for their date.
    pub(super) waiting: u64,
}

/// Pages of the library that one state of the log keeps at most.
const KEPT: usize = 64;

/// By the day and the choice.
type ByChoice = BTreeMap<(Date, String), Arc<Shelf>>;

/// Pages that were read before.
#[derive(Clone, Default)]
struct Shelves(Arc<Mutex<ByChoice>>);

impl Shelves {
    fn kept(&self) -> MutexGuard<'_, ByChoice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page that the choice asks for, as it is today: read again when a statement was logged since.
pub(super) async fn shelf(
    service: &Service,
    snapshot: &Snapshot,
    choice: &Choice,
) -> Result<Arc<Shelf>, StoreError> {
    let today = service.today();
    let shelves: Shelves = snapshot.kept().unwrap_or_default();
    let key = (today, choice.href());
    if let Some(shelf) = shelves.kept().get(&key) {
        return Ok(Arc::clone(shelf));
    }
    let shelf = Arc::new(read(&service.store, today, choice).await?);
    if shelves.kept().len() < KEPT {
        shelves.kept().insert(key, Arc::clone(&shelf));
    }
    snapshot.keep(shelves);
    Ok(shelf)
}

/// The newest entries and the number of all.
pub(super) struct Newest {
    pub(super) entries: Vec<LibraryEntry>,
    pub(super) found: u64,
}

/// What the front page shows of the library today: read again when a statement was logged since.
pub(super) async fn newest(
    service: &Service,
    snapshot: &Snapshot,
) -> Result<Arc<Newest>, StoreError> {
    let today = service.today();
    let kept: Option<(Date, Arc<Newest>)> = snapshot.kept();
    if let Some((_, newest)) = kept.filter(|(day, _)| *day == today) {
        return Ok(newest);
    }
    let filter = Choice::default().filter(today, Span::Newest, 3);
    let store = &service.store;
    let (entries, found) = tokio::try_join!(store.entries(&filter), store.number(&filter))?;
    let newest = Arc::new(Newest { entries, found });
    snapshot.keep((today, Arc::clone(&newest)));
    Ok(newest)
}

/// The latest entries that a curator put first, each with why.
async fn featured(
    store: &(impl Library + Curation),
    today: Date,
) -> Result<Vec<(LibraryEntry, String)>, StoreError> {
    let filter = PracticeFilter {
        curated: Curated::As(Standing::Featured),
        limit: FEATURED,
        ..PracticeFilter::all(Reader::Public(today))
    };
    let mut featured = Vec::new();
    for entry in store.entries(&filter).await? {
        if let Some(said) = store.said(entry.index).await? {
            featured.push((entry, said.words));
        }
    }
    Ok(featured)
}

async fn read(
    store: &(impl Library + Curation),
    today: Date,
    choice: &Choice,
) -> Result<Shelf, StoreError> {
    let fetch = |span, limit| {
        let filter = choice.filter(today, span, limit);
        async move { store.entries(&filter).await }
    };
    let paged = paging::page(choice.span, PAGE, |e: &LibraryEntry| e.index, fetch).await?;
    let at = |span| {
        let choice = Choice {
            span,
            ..choice.clone()
        };
        choice.href()
    };
    let is_front = !choice.is_narrowed() && choice.span == Span::Newest;
    Ok(Shelf {
        featured: if is_front {
            featured(store, today).await?
        } else {
            Vec::new()
        },
        entries: paged.items,
        previous: paged.previous.map(at),
        next: paged.next.map(at),
        counts: store.counts(&choice.filter(today, Span::Newest, 0)).await?,
        waiting: store.waiting(today).await?,
    })
}

/// The newest entries of `node` that everybody may read and that name `lep`: others must not be tied to it.
pub(super) async fn naming(
    store: &impl Library,
    today: Date,
    node: &NodeSlug,
    lep: &Gss,
) -> Result<Vec<LibraryEntry>, StoreError> {
    let filter = PracticeFilter {
        node: Some(node.clone()),
        limit: OF_ONE_AREA,
        ..PracticeFilter::all(Reader::Public(today))
    };
    let mut entries = store.entries(&filter).await?;
    entries.retain(|e| e.entry.area == Area::Lep(lep.clone()));
    Ok(entries)
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
    let codes = &Standard::current().dimension(dimension).codes;
    codes
        .iter()
        .find(|c| c.id == code)
        .map_or_else(|| code.to_owned(), |c| c.title.clone())
}
