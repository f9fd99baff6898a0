//! Published bytes of one or several nodes, read as an outsider reads them.
//!
//! Layout: any directory tree. Every file whose name ends in `.json` and that holds a DSSE envelope of a learning
//! summary is a release; what node, month and epoch it is for stands in its body. A file `public_key` (64 hex
//! digits) in the same folder is used to verify the signature. That is what `tests/third-party/fetch.mjs` lays out
//! from `/v1/nodes/NODE/statements/SEQ`, and what `ldsp-attack --simulate --write` makes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::keys;
use ldsp_protocol::standard::{Dimension, STANDARD_V1, STANDARD_V2, Standard, Table};
use ldsp_protocol::statement::{Body, Kind};
use ldsp_protocol::summary::LearningSummary;

/// All that was published.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Ordered by node, then as the series began.
    pub series: Vec<Series>,
}

/// One node's releases under one standard in one epoch: one stream of noise.
#[derive(Debug, Clone)]
pub struct Series {
    /// The node's name.
    pub node: String,
    /// Digest of the standard.
    pub digest: Digest,
    /// The standard.
    pub standard: Arc<Standard>,
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// In the order of the manifests' month numbers, each number once.
    pub months: Vec<Month>,
}

/// What was published for one month of a series.
#[derive(Debug, Clone)]
pub struct Month {
    /// Month of the epoch, from 1.
    pub number: usize,
    /// The calendar month.
    pub period: Period,
    /// One, unless the month was drawn again: each different content once.
    pub versions: Vec<LearningSummary>,
}

/// Why releases cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    #[error("{0}: {1}")]
    File(String, io::Error),
    #[error("{0}: its signature does not verify with the public key beside it")]
    Signature(String),
    #[error("{0}: the public key beside it is not 64 hex digits of an Ed25519 key")]
    Key(String),
    #[error("{0}: the body is no learning summary of version 1: {1}")]
    Body(String, serde_json::Error),
    #[error(
        "{name}: follows the data standard {digest}, which is not known here: give its file with --standard"
    )]
    Standard { name: String, digest: Digest },
    #[error("{name}: table {table} does not have the cells of its standard")]
    Shape { name: String, table: String },
    #[error(
        "no learning summary was found: the directory needs DSSE envelopes in files ending in .json"
    )]
    Empty,
}

/// Standards by digest: the embedded ones and those that were read from files.
#[derive(Debug, Clone)]
pub struct Standards(BTreeMap<Digest, Arc<Standard>>);

impl Default for Standards {
    fn default() -> Self {
        let mut known = Self(BTreeMap::new());
        for text in [STANDARD_V1, STANDARD_V2] {
            let embedded = Standard::parse(text.as_bytes());
            known.add(
                embedded.expect("the embedded standards are parsed by a test of the protocol"),
            );
        }
        known
    }
}

impl Standards {
    /// Makes a standard known.
    pub fn add(&mut self, standard: Standard) {
        self.0.insert(standard.digest(), Arc::new(standard));
    }
}

impl Published {
    /// Reads every release under `dir`.
    ///
    /// # Errors
    /// [`ReadError`]: the first file that looks like a release and cannot be read as one, or none at all.
    pub fn read(dir: &Path, standards: &Standards) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        envelopes(dir, &mut files)?;
        Self::of(files, standards)
    }

    /// Reads envelopes that are at hand: name, bytes, and the key where one is known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn of(
        envelopes: impl IntoIterator<Item = (String, Vec<u8>, Option<String>)>,
        standards: &Standards,
    ) -> Result<Self, ReadError> {
        let mut found: BTreeMap<(String, Period, Digest, u32), Series> = BTreeMap::new();
        let mut bodies = Vec::new();
        for (name, bytes, key) in envelopes {
            if let Some(body) = open(&name, &bytes, key.as_deref())? {
                bodies.push((name, body));
            }
        }
        // A series is filed under its first month, so that a node's standards and epochs stand in the order in which they began.
        let mut first: BTreeMap<(String, Digest, u32), Period> = BTreeMap::new();
        for (_, body) in &bodies {
            let key = (
                body.node.to_string(),
                body.standard,
                body.payload.noise.epoch,
            );
            if let Some(period) = body.period {
                first
                    .entry(key)
                    .and_modify(|p| *p = period.min(*p))
                    .or_insert(period);
            }
        }
        for (name, body) in bodies {
            let standard = standards.0.get(&body.standard).cloned();
            let standard = standard.ok_or_else(|| ReadError::Standard {
                name: name.clone(),
                digest: body.standard,
            })?;
            check_cells(&name, &standard, &body.payload)?;
            let (node, epoch) = (body.node.to_string(), body.payload.noise.epoch);
            let Some(period) = body.period else { continue };
            let began = first[&(node.clone(), body.standard, epoch)];
            let series = found
                .entry((node.clone(), began, body.standard, epoch))
                .or_insert_with(|| Series {
                    node,
                    digest: body.standard,
                    standard,
                    epoch,
                    months: Vec::new(),
                });
            series.add(period, body.payload);
        }
        let mut series: Vec<Series> = found.into_values().collect();
        for one in &mut series {
            one.months.sort_by_key(|m| (m.number, m.period));
        }
        if series.is_empty() {
            return Err(ReadError::Empty);
        }
        Ok(Self { series })
    }
}

impl Series {
    fn add(&mut self, period: Period, summary: LearningSummary) {
        let number = summary.noise.month;
        let same = |m: &&mut Month| m.number == number && m.period == period;
        match self.months.iter_mut().find(same) {
            None => self.months.push(Month {
                number,
                period,
                versions: vec![summary],
            }),
            Some(month) if month.versions.contains(&summary) => {}
            Some(month) => month.versions.push(summary),
        }
    }

    /// The months that attacks can use: from the first, as long as none is missing or claimed twice.
    #[must_use]
    pub fn contiguous(&self) -> &[Month] {
        let sound = self.months.iter().enumerate().take_while(|(at, month)| {
            let follows = at
                .checked_sub(1)
                .is_none_or(|before| self.months[before].period.next() == Some(month.period));
            month.number == at + 1 && follows
        });
        &self.months[..sound.count()]
    }

    /// Sizes of a table's dimensions in the first month. Lists that differ from node to node are measured:
    /// a pledge that is accepted later adds cells at a table's end, which are left out.
    #[must_use]
    pub fn shape(&self, at: usize) -> Vec<usize> {
        let table = &self.standard.tables()[at];
        let cells = self.months[0].versions[0].tables[at].cells.len();
        let known: usize = table
            .dimensions
            .iter()
            .filter_map(|d| size(&self.standard, *d))
            .product();
        table
            .dimensions
            .iter()
            .map(|d| size(&self.standard, *d).unwrap_or(cells / known))
            .collect()
    }
}

/// The number of codes that a standard gives a dimension; `None` where it depends on the node.
fn size(standard: &Standard, dimension: Dimension) -> Option<usize> {
    let codes = standard.dimension(dimension).codes.len();
    (codes > 0).then_some(codes)
}

fn check_cells(
    name: &str,
    standard: &Standard,
    summary: &LearningSummary,
) -> Result<(), ReadError> {
    let wrong = |table: &Table| ReadError::Shape {
        name: name.to_owned(),
        table: table.id.clone(),
    };
    for (at, table) in standard.tables().iter().enumerate() {
        let published = summary
            .tables
            .get(at)
            .filter(|t| t.id == table.id)
            .ok_or_else(|| wrong(table))?;
        let known: usize = table
            .dimensions
            .iter()
            .filter_map(|d| size(standard, *d))
            .product();
        let open = table
            .dimensions
            .iter()
            .filter(|d| size(standard, **d).is_none())
            .count();
        let cells = published.cells.len();
        if cells == 0 || cells % known != 0 || open > 1 || (open == 0 && cells != known) {
            return Err(wrong(table));
        }
    }
    Ok(())
}

fn open(
    name: &str,
    bytes: &[u8],
    key: Option<&str>,
) -> Result<Option<Body<LearningSummary>>, ReadError> {
    // Other JSON may lie beside the releases; an envelope of another kind is not about learners.
    let Ok(envelope) = Unverified::parse(bytes) else {
        return Ok(None);
    };
    let body = envelope.unverified_body().to_vec();
    let kind = serde_json::from_slice::<serde_json::Value>(&body);
    let kind = kind
        .ok()
        .and_then(|b| b.get("kind")?.as_str().map(str::to_owned));
    if kind.as_deref() != Some(Kind::LearningSummary.as_str()) {
        return Ok(None);
    }
    if let Some(text) = key {
        // A digest and a key are both 32 bytes of hex.
        let bytes: Digest = text
            .trim()
            .parse()
            .map_err(|_| ReadError::Key(name.to_owned()))?;
        let key = keys::admit(bytes.as_bytes()).map_err(|_| ReadError::Key(name.to_owned()))?;
        envelope
            .verify(&key)
            .map_err(|_| ReadError::Signature(name.to_owned()))?;
    }
    let body = serde_json::from_slice(&body).map_err(|e| ReadError::Body(name.to_owned(), e))?;
    Ok(Some(body))
}

fn envelopes(
    dir: &Path,
    found: &mut Vec<(String, Vec<u8>, Option<String>)>,
) -> Result<(), ReadError> {
    let failed = |path: &Path| {
        let name = path.display().to_string();
        move |e| ReadError::File(name, e)
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed(dir))? {
        paths.push(entry.map_err(failed(dir))?.path());
    }
    paths.sort();
    let key = fs::read_to_string(dir.join("public_key")).ok();
    for path in paths {
        if path.is_dir() {
            envelopes(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "json") {
            let bytes = fs::read(&path).map_err(failed(&path))?;
            found.push((path.display().to_string(), bytes, key.clone()));
        }
    }
    Ok(())
}
