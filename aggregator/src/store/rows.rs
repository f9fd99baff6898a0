//! Rows of either database as values of the model, and values as columns hold them. What does not
//! parse is named by table, column and row. Nothing here knows a dialect.

mod audit;
mod curation;
mod drafts;
mod recovery;
mod staff;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;
use ldsp_protocol::benchmark::Member;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::{KeyError, admit};
use ldsp_protocol::practice::{PracticeEntry, Sharing};
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::rollup::{Layout, NodeMonth, Span};
use ldsp_protocol::standard::{Codebook, Standard};
use ldsp_protocol::statement::{Kind, Payload, Statement};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::{
    Contradiction, Equivocation, Head, InviteRow, KEPT_BYTES, KEPT_PLACES, LibraryEntry,
    LoggedStatement, NationalMonth, Node, Outline, Position, RevisionRow, StoreError, Tally,
};

pub(super) use audit::{index_row, key_of_month, recorded};
pub(super) use curation::{read_to, said};
pub(super) use drafts::draft;
pub(super) use recovery::{claim, fork, heard, link, staged, stop};
pub(super) use staff::{done, person, second_step, set_up, subject};
pub(super) use tree::{entries, ground, leaf, log_head, missing_head, own, records, turn};

/// The three types that columns have. `None` when the column holds another, `Some(None)` for NULL.
pub(super) trait Fields {
    fn text(&self, column: &str) -> Option<Option<String>>;
    fn bytes(&self, column: &str) -> Option<Option<Vec<u8>>>;
    fn number(&self, column: &str) -> Option<Option<i64>>;
}

macro_rules! fields {
    ($row:ty) => {
        impl Fields for $row {
            fn text(&self, column: &str) -> Option<Option<String>> {
                self.try_get(column).ok()
            }
            fn bytes(&self, column: &str) -> Option<Option<Vec<u8>>> {
                self.try_get(column).ok()
            }
            fn number(&self, column: &str) -> Option<Option<i64>> {
                self.try_get(column).ok()
            }
        }
    };
}
fields!(SqliteRow);
fields!(PgRow);

/// How a row is named when it is damaged.
enum Key {
    Known(String),
    /// By these columns: text, number, or the beginning of a digest.
    Of(&'static [&'static str]),
}

/// Reads the columns of one row; what does not parse is named.
pub(super) struct Columns<'a, R> {
    row: &'a R,
    table: &'static str,
    key: Key,
}

#[cfg(test)]
thread_local! {
    static READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many rows this thread has read.
#[cfg(test)]
pub(crate) fn rows_read() -> u64 {
    READ.get()
}

impl<'a, R: Fields> Columns<'a, R> {
    pub(super) fn new(row: &'a R, table: &'static str, key: impl Into<String>) -> Self {
        Self::of(row, table, Key::Known(key.into()))
    }

    fn keyed(row: &'a R, table: &'static str, key: &'static [&'static str]) -> Self {
        Self::of(row, table, Key::Of(key))
    }

    fn of(row: &'a R, table: &'static str, key: Key) -> Self {
        #[cfg(test)]
        READ.set(READ.get() + 1);
        Self { row, table, key }
    }

    fn corrupt(&self, column: &'static str) -> StoreError {
        let part = |column: &&str| {
            let text = self.row.text(column).flatten();
            let number = || self.row.number(column).flatten().map(|n| n.to_string());
            let digest = || self.row.bytes(column).flatten().map(|b| beginning(&b));
            let found = text.or_else(number).or_else(digest);
            found.unwrap_or_else(|| "?".to_owned())
        };
        let row = match &self.key {
            Key::Known(name) => name.clone(),
            Key::Of(columns) => columns.iter().map(part).collect::<Vec<_>>().join(" "),
        };
        StoreError::Corrupt {
            table: self.table,
            column,
            row,
        }
    }

    /// A value that must be there, of what `read` found.
    fn there<T>(&self, column: &'static str, found: Option<Option<T>>) -> Result<T, StoreError> {
        found.flatten().ok_or_else(|| self.corrupt(column))
    }

    fn string(&self, column: &'static str) -> Result<String, StoreError> {
        self.there(column, self.row.text(column))
    }

    fn optional_string(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.row.text(column).ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.there(column, self.row.bytes(column))
    }

    fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.row.bytes(column).ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn text<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = self.string(column)?;
        text.parse().map_err(|_| self.corrupt(column))
    }

    fn optional<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text = self.optional_string(column)?;
        text.map(|t| t.parse().map_err(|_| self.corrupt(column)))
            .transpose()
    }

    pub(super) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        let number = self.there(column, self.row.number(column))?;
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    fn optional_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let number = self.row.number(column);
        let number = number.ok_or_else(|| self.corrupt(column))?;
        number
            .map(|n| T::try_from(n).map_err(|_| self.corrupt(column)))
            .transpose()
    }

    pub(super) fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        let bytes = <[u8; 32]>::try_from(self.bytes(column)?);
        bytes
            .map(Digest::from_bytes)
            .map_err(|_| self.corrupt(column))
    }

    /// A standard by its digest.
    fn standard(&self) -> Result<&'static Standard, StoreError> {
        Standard::of(self.digest("standard")?).ok_or_else(|| self.corrupt("standard"))
    }

    fn optional_digest(&self, column: &'static str) -> Result<Option<Digest>, StoreError> {
        match self.optional_bytes(column)? {
            None => Ok(None),
            Some(_) => self.digest(column).map(Some),
        }
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.number(column)?).map_err(|_| self.corrupt(column))
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        match self.optional_number::<i64>(column)? {
            None => Ok(None),
            Some(_) => self.time(column).map(Some),
        }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.string(column)?).map_err(|_| self.corrupt(column))
    }

    /// A choice of ours by its id.
    fn choice<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(&self.string(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// As [`Self::cells`]; none where there are no cells to have.
    fn cells_or_none(&self, column: &'static str, expected: usize) -> Result<Vec<i64>, StoreError> {
        match self.bytes(column)?.is_empty() {
            true => Ok(Vec::new()),
            false => self.cells(column, expected),
        }
    }

    /// `expected` signed 64-bit integers, little-endian.
    fn cells(&self, column: &'static str, expected: usize) -> Result<Vec<i64>, StoreError> {
        let bytes = self.bytes(column)?;
        let (cells, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || cells.len() != expected {
            return Err(self.corrupt(column));
        }
        Ok(cells.iter().map(|c| i64::from_le_bytes(*c)).collect())
    }
}

/// Eight hexadecimal digits.
fn beginning(digest: &[u8]) -> String {
    digest.iter().take(4).map(|b| format!("{b:02x}")).collect()
}

/// As the columns `published`, `cumulative` and `cells` hold them.
pub(super) fn as_blob(cells: &[i64]) -> Vec<u8> {
    cells.iter().flat_map(|c| c.to_le_bytes()).collect()
}

/// Sequence numbers, indices and budgets are far below 2^63; neither database has unsigned integers.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As the column `pledges` holds them.
pub(super) fn pledges(month: &NodeMonth) -> String {
    let pledges: Vec<&str> = month.pledges.iter().map(|p| p.as_str()).collect();
    serde_json::to_string(&pledges).expect("a list of texts always serialises")
}

/// As the column `public_from` holds it.
pub(super) fn public_from(entry: &PracticeEntry) -> String {
    match entry.sharing {
        Sharing::Public => "0000-01-01".to_owned(),
        Sharing::PeersUntil(date) => date.to_string(),
    }
}

/// As the column `supersedes` holds it.
pub(super) fn supersedes(entry: &PracticeEntry) -> Option<&[u8]> {
    entry
        .supersedes
        .as_ref()
        .map(|pae| pae.as_bytes().as_slice())
}

/// The causes that an entry names, each once.
pub(super) fn factors(entry: &PracticeEntry) -> BTreeSet<&'static str> {
    entry.causes.iter().map(|c| c.factor.id()).collect()
}

/// Keys that [`admit`] found good lately: the check costs more than a signature's, and a node's row is read for every statement.
static ADMITTED: Mutex<BTreeMap<Vec<u8>, VerifyingKey>> = Mutex::new(BTreeMap::new());
/// Many times the nodes of one log.
const ADMITTED_MAX: usize = 1024;

fn admitted(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let mut known = ADMITTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = known.get(bytes) {
        return Ok(*key);
    }
    let key = admit(bytes)?;
    if known.len() == ADMITTED_MAX {
        known.clear();
    }
    known.insert(bytes.to_vec(), key);
    Ok(key)
}

fn state_of(text: &str) -> Option<NodeState> {
    match text {
        "invited" => Some(NodeState::Invited),
        "pending" => Some(NodeState::Pending),
        "active" => Some(NodeState::Active),
        _ => None,
    }
}

/// `name, lep, state, public_key, approved_by, head_seq, head_pae, added, revoked` of `node`.
pub(super) fn node<R: Fields>(row: &R) -> Result<Node, StoreError> {
    let columns = Columns::keyed(row, "node", &["name"]);
    let key = match columns.optional_bytes("public_key")? {
        None => None,
        Some(bytes) => Some(admitted(&bytes).map_err(|_| columns.corrupt("public_key"))?),
    };
    let mut state = columns.choice("state", state_of)?;
    let revoked = columns.optional_number("revoked")?;
    if revoked.is_some() {
        // Only a key that was approved can be revoked.
        if state != NodeState::Active {
            return Err(columns.corrupt("revoked"));
        }
        state = NodeState::Revoked;
    }
    if (state == NodeState::Invited) != key.is_none() {
        return Err(columns.corrupt("public_key"));
    }
    Ok(Node {
        node: columns.text("name")?,
        lep: columns.text("lep")?,
        state,
        key,
        approved_by: columns.optional_string("approved_by")?,
        head: head(&columns)?,
        added: columns.optional_number("added")?,
        revoked,
    })
}

fn head<R: Fields>(columns: &Columns<'_, R>) -> Result<Head, StoreError> {
    Ok(Head {
        seq: columns.number("head_seq")?,
        pae: columns.digest("head_pae")?,
    })
}

/// `node, secret_hash, expires, created, created_by, used_pae` of `invite` with `lep` of its node.
pub(super) fn invite<R: Fields>(row: &R) -> Result<InviteRow, StoreError> {
    let columns = Columns::keyed(row, "invite", &["node"]);
    Ok(InviteRow {
        node: columns.text("node")?,
        lep: columns.text("lep")?,
        secret_hash: columns.digest("secret_hash")?,
        expires: columns.time("expires")?,
        created: columns.time("created")?,
        created_by: columns.string("created_by")?,
        used: columns.optional_digest("used_pae")?,
    })
}

/// Every column of `statement`.
pub(super) fn statement<R: Fields>(row: &R) -> Result<LoggedStatement, StoreError> {
    let columns = Columns::keyed(row, "statement", &["leaf"]);
    Ok(LoggedStatement {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        kind: columns.choice("kind", kind)?,
        period: columns.optional("period")?,
        key_id: columns.digest("key_id")?,
        pae: columns.digest("pae")?,
        envelope: columns.bytes("envelope")?,
        received: columns.time("received")?,
        withdrawn: columns.optional_number("withdrawn")?,
    })
}

/// The columns of `revision` with those of its statement, and `target_seq`, `target_kind` of the one that it names.
pub(super) fn revision<R: Fields>(row: &R) -> Result<RevisionRow, StoreError> {
    let columns = Columns::keyed(row, "revision", &["leaf"]);
    let month = match columns.optional("period")? {
        None => None,
        Some(period) => Some((columns.standard()?, period, columns.digest("cells")?)),
    };
    let epoch = columns.optional_number("epoch")?;
    let drawn = epoch.zip(columns.optional_number("month")?);
    Ok(RevisionRow {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        kind: columns.choice("kind", kind)?,
        received: columns.time("received")?,
        withdrawn: columns.optional_number("withdrawn")?,
        target: columns.number("target")?,
        target_seq: columns.number("target_seq")?,
        target_kind: columns.choice("target_kind", kind)?,
        month,
        drawn: drawn.map(|(epoch, month)| Drawn { epoch, month }),
        reason: columns.optional_string("reason")?,
    })
}

fn kind(text: &str) -> Option<Kind> {
    Kind::OF_NODES.into_iter().find(|k| k.as_str() == text)
}

/// The columns of `statement` without the envelope, and `public_from` of `practice`.
pub(super) fn outline<R: Fields>(row: &R) -> Result<Outline, StoreError> {
    let columns = Columns::keyed(row, "statement", &["leaf"]);
    Ok(Outline {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        kind: columns.choice("kind", kind)?,
        period: columns.optional("period")?,
        key_id: columns.digest("key_id")?,
        pae: columns.digest("pae")?,
        received: columns.time("received")?,
        public_from: columns.optional("public_from")?,
        withdrawn: columns.optional_number("withdrawn")?,
    })
}

/// Every column of `statement_tally`, and how many are `withdrawn`.
pub(super) fn tally<R: Fields>(row: &R) -> Result<Tally, StoreError> {
    let columns = Columns::keyed(row, "statement_tally", &["node", "kind"]);
    Ok(Tally {
        node: columns.text("node")?,
        kind: columns.choice("kind", kind)?,
        count: columns.number("statements")?,
        withdrawn: columns.number("withdrawn")?,
        first: columns.time("first")?,
        latest: columns.time("latest")?,
    })
}

/// Every column of `equivocation`.
pub(super) fn evidence<R: Fields>(row: &R) -> Result<Equivocation, StoreError> {
    let columns = Columns::keyed(row, "equivocation", &["seq"]);
    Ok(Equivocation {
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        logged: columns.digest("logged_pae")?,
        refused: columns.digest("pae")?,
        envelope: columns.bytes("envelope")?,
        received: columns.time("received")?,
    })
}

/// `node`, the `envelope` of its statement, and the `envelope` of a refused one as `kept`.
pub(super) fn kept<R: Fields>(row: &R) -> Result<(String, Vec<u8>, Vec<u8>), StoreError> {
    let columns = Columns::keyed(row, "equivocation", &["node", "seq"]);
    Ok((
        columns.string("node")?,
        columns.bytes("envelope")?,
        columns.bytes("kept")?,
    ))
}

/// The columns of `equivocation` without node and envelope, and `leaf` of the statement that stands.
pub(super) fn contradiction<R: Fields>(row: &R) -> Result<Contradiction, StoreError> {
    let columns = Columns::keyed(row, "equivocation", &["seq"]);
    Ok(Contradiction {
        seq: columns.number("seq")?,
        index: columns.optional_number("leaf")?,
        logged: columns.digest("logged_pae")?,
        refused: columns.digest("pae")?,
        received: columns.time("received")?,
    })
}

/// Whether a node's proofs, of which there are `places` with `bytes` in all and `known` for the place at hand, have room for
/// this one.
pub(super) fn has_room<R: Fields>(row: &R, proof: &Equivocation) -> Result<bool, StoreError> {
    let columns = Columns::new(row, "equivocation", proof.node.as_str());
    let number = |column| columns.number::<u64>(column);
    let bytes = number("bytes")? + proof.envelope.len() as u64;
    Ok(number("known")? == 0
        && number("places")? < KEPT_PLACES.into()
        && bytes <= KEPT_BYTES.into())
}

/// `node` and the number `conflicts` of its rows in `equivocation`.
pub(super) fn conflicts<R: Fields>(row: &R) -> Result<(NodeSlug, u64), StoreError> {
    let columns = Columns::new(row, "equivocation", "all");
    Ok((columns.text("node")?, columns.number("conflicts")?))
}

/// Every column of `node_month`, `published` only where asked for. Cells that were withdrawn, and estimates that stood on them, are
/// not there; digests of cells are there whenever these are not.
pub(super) fn month<R: Fields>(row: &R, with_published: bool) -> Result<NodeMonth, StoreError> {
    let columns = Columns::keyed(row, "node_month", &["node", "seq"]);
    let standard = columns.standard()?;
    let lep = columns.text("lep")?;
    let pledges: Vec<_> = columns.json("pledges")?;
    let cells = Layout::of_node(standard, &Codebook::new(&lep, &pledges)).cells();
    let earlier = match columns.optional_number("earlier_month")? {
        None => None,
        Some(month) => Some(Span {
            month,
            rho_micro: columns.number("earlier_rho_micro")?,
        }),
    };
    let drawn = columns.optional_digest("drawn")?;
    let published = if with_published {
        columns.cells_or_none("published", cells)?
    } else {
        Vec::new()
    };
    let cumulative = columns.cells_or_none("cumulative", cells)?;
    if with_published && published.is_empty() && (drawn.is_none() || !cumulative.is_empty()) {
        return Err(columns.corrupt("published"));
    }
    Ok(NodeMonth {
        standard,
        node: columns.text("node")?,
        period: columns.text("period")?,
        seq: columns.number("seq")?,
        epoch: columns.number("epoch")?,
        span: Span {
            month: columns.number("month")?,
            rho_micro: columns.number("rho_micro")?,
        },
        earlier,
        drawn,
        published,
        cumulative,
        lep,
        pledges,
    })
}

/// A month that a revision changes is not there.
pub(super) fn missing_month(month: &NodeMonth) -> StoreError {
    StoreError::Corrupt {
        table: "node_month",
        column: "period",
        row: format!("{} {}", month.node, month.period),
    }
}

/// A statement that cannot be withdrawn, although the node's sequence says so.
pub(super) fn not_withdrawn(leaf: u64) -> StoreError {
    StoreError::Corrupt {
        table: "statement",
        column: "withdrawn",
        row: leaf.to_string(),
    }
}

/// The same of a summary's month with the summary's own node and place as `author` and `stated`: a month that is not there
/// is damage, for it must not be left out of sums.
pub(super) fn month_of<R: Fields>(row: &R) -> Result<NodeMonth, StoreError> {
    Columns::keyed(row, "node_month", &["author", "stated"]).string("node")?;
    month(row, false)
}

/// `size` and `edge` of the log's tree, `members`: `name lep state` of each node, commas between, and `curated`.
pub(super) fn position<R: Fields>(row: &R) -> Result<Position, StoreError> {
    let columns = Columns::new(row, "node", "all");
    let members = columns.optional_string("members")?.unwrap_or_default();
    let members = members.split(',').filter(|m| !m.is_empty()).map(member);
    Ok(Position {
        size: columns.number("size")?,
        edge: Digest::of(&columns.bytes("edge")?),
        members: members.collect::<Result<_, _>>()?,
        curated: columns.number("curated")?,
    })
}

fn member(text: &str) -> Result<Member, StoreError> {
    let mut words = text.splitn(3, ' ');
    let [name, lep, state] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let corrupt = |column| StoreError::Corrupt {
        table: "node",
        column,
        row: name.to_owned(),
    };
    Ok(Member {
        node: name.parse().map_err(|_| corrupt("name"))?,
        lep: lep.parse().map_err(|_| corrupt("lep"))?,
        state: match state {
            "revoked" => NodeState::Revoked,
            stored => state_of(stored).ok_or_else(|| corrupt("state"))?,
        },
    })
}

/// Every column of `national_month`.
pub(super) fn national<R: Fields>(row: &R) -> Result<NationalMonth, StoreError> {
    let columns = Columns::keyed(row, "national_month", &["period", "standard", "part"]);
    let standard = columns.standard()?;
    let part = columns.string("part")?;
    let layout = if part.is_empty() {
        Layout::national(standard)
    } else {
        Layout::national_pledge(standard)
    };
    Ok(NationalMonth {
        standard,
        period: columns.text("period")?,
        cells: columns.cells("cells", layout.cells())?,
        part,
    })
}

/// `leaf, node, seq, pae, envelope` of a statement that is an entry, and `superseded_by` of its row in the library's index.
pub(super) fn entry<R: Fields>(row: &R) -> Result<LibraryEntry, StoreError> {
    let columns = Columns::keyed(row, "statement", &["leaf"]);
    let index = Columns::keyed(row, "practice", &["leaf"]);
    Ok(LibraryEntry {
        index: columns.number("leaf")?,
        node: columns.text("node")?,
        seq: columns.number("seq")?,
        pae: columns.digest("pae")?,
        entry: practice(&columns.bytes("envelope")?).ok_or_else(|| columns.corrupt("envelope"))?,
        superseded_by: index.optional_number("superseded_by")?,
    })
}

/// The entry in an envelope that was verified when it was logged.
fn practice(envelope: &[u8]) -> Option<PracticeEntry> {
    let unverified = Unverified::parse(envelope).ok()?;
    let statement = Statement::of_body(Kind::PracticeEntry, unverified.unverified_body()).ok()?;
    match statement.payload {
        Payload::PracticeEntry(entry) => Some(*entry),
        _ => None,
    }
}

/// `code` and the number of `entries` of `practice` that have it.
pub(super) fn code_count<R: Fields>(row: &R) -> Result<(String, u64), StoreError> {
    let columns = Columns::new(row, "practice", "all");
    Ok((columns.text("code")?, columns.number("entries")?))
}
