//! Contributions that tell themselves apart in any sum: the k-th node's first month has 2^k enrolments and no noise, so
//! the binary digits of a national figure say exactly which contributions were counted, and that none was twice.

use std::collections::BTreeSet;

use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, Gss, Period};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::tile::Level;
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Edge, Entry, Tile, merkle};
use ldsp_protocol::noise;
use ldsp_protocol::note::Verifier;
use ldsp_protocol::receipt::Receipt;
use ldsp_protocol::standard::{Codebook, Family, Standard};
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};

use crate::http::Http;
use crate::input;
use crate::world::{Node, ORIGIN};

/// Powers that a sum can hold: the largest cell is 2^23 enrolments.
pub const POWERS: u32 = 22;

/// The first statement of `node`: 2^`power` enrolments began, all with the first code of every list.
///
/// # Panics
/// When the node's folder is not whole, or `power` is not under [`POWERS`].
#[must_use]
pub fn contribution(node: &Node, power: u32) -> Sealed {
    contributions(node, &[power]).remove(0)
}

/// The first statements of `node`, a month each: in the month of the n-th, 2^`powers[n]` enrolments began, all with the
/// first code of every list.
///
/// # Panics
/// When the node's folder is not whole, or a power is not under [`POWERS`].
#[must_use]
pub fn contributions(node: &Node, powers: &[u32]) -> Vec<Sealed> {
    let highest = powers.iter().max();
    assert!(highest.is_some_and(|power| *power < POWERS), "{powers:?}");
    let entries: Vec<i64> = powers.iter().map(|power| 1 << power).collect();
    let months = input::periods(input::FIRST, powers.len().try_into().expect("a few months"));
    let mut prev = Digest::ZERO;
    let mut sealed = Vec::new();
    for (month, period) in (1..).zip(months) {
        let one = month_of(node, &entries[..month], period, prev);
        prev = one.pae();
        sealed.push(one);
    }
    sealed
}

fn month_of(node: &Node, entries: &[i64], period: Period, prev: Digest) -> Sealed {
    let standard = Standard::current();
    let lep: Gss = node.lep.parse().expect("the node has a LEP");
    let codebook = Codebook::new(&lep, &[]);
    let tables = standard.tables().iter().map(|table| {
        let mut cells = vec![0; codebook.cells(table)];
        if let Some(cell) = cells.first_mut().filter(|_| table.family == Family::Starts) {
            *cell = noise::filtered(entries);
        }
        ProtectedTable {
            id: table.id.clone(),
            cells,
        }
    });
    let month = entries.len();
    let body = Body {
        schema: SCHEMA,
        origin: ORIGIN.to_owned(),
        node: node.slug.parse().expect("the node has a slug"),
        seq: month.try_into().expect("a few months"),
        prev,
        kind: Kind::LearningSummary,
        period: Some(period),
        standard: standard.digest(),
        payload: LearningSummary {
            software: "ldsp-node/0.1.0".to_owned(),
            noise: Manifest::new(standard, 1, month, standard.noise().rho_micro),
            pledges: Vec::new(),
            tables: tables.collect(),
        },
    };
    let payload_type = Kind::LearningSummary.payload_type();
    Sealed::sign(&node.key(), &payload_type, &body.to_bytes())
}

/// The powers that the national number of starts is made of.
///
/// # Panics
/// When it is no whole number, as a contribution counted in part would make it.
#[must_use]
pub fn counted(site: &Http) -> BTreeSet<u32> {
    let report = site.get("/api/v1/benchmarks").json();
    let national = report["national"].as_array().expect("a list of figures");
    let starts = national.iter().find(|figure| figure["measure"] == "starts");
    let Some(raw) = starts.and_then(|figure| figure["raw"]["estimate"].as_f64()) else {
        return BTreeSet::new();
    };
    let sum = raw.round();
    // The filter's coefficients are rounded to the grid: over some months they miss a whole number by 2^-17 of it.
    assert!((raw - sum).abs() < 0.1, "{raw} enrolments");
    assert!((0.0..2f64.powi(24)).contains(&sum), "{raw} enrolments");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number under 2^24, as asserted"
    )]
    let sum = sum as u32;
    (0..u32::BITS).filter(|k| sum >> k & 1 == 1).collect()
}

/// The log's present checkpoint, whose signature holds, and the records of its leaves.
///
/// # Panics
/// When the log does not sign its checkpoint.
#[must_use]
pub fn leaves(site: &Http) -> (Checkpoint, Vec<Vec<u8>>) {
    let signed = site.get("/checkpoint").text();
    let present = Checkpoint::open(&verifier(site), &signed).expect("the log signs its checkpoint");
    let mut leaves = Vec::new();
    for tile in Tile::all(Level::Entries, present.size) {
        let bundle = site.get(&format!("/{tile}")).body;
        for framed in bundle.chunks(2 + ENTRY_LEN) {
            leaves.push(framed[2..].to_vec());
        }
    }
    (present, leaves)
}

fn verifier(site: &Http) -> Verifier {
    let vkey = site.get("/v1/verifier").text();
    Verifier::parse(&vkey).expect("a verifier key")
}

/// Reads the whole log and checks that each receipt was given for a leaf of it: the leaf is the statement's, and the checkpoint that the
/// receipt leads to is the beginning of the log as it is now.
///
/// # Panics
/// When a receipt does not hold, or the log does not agree with its own checkpoint.
pub fn holds_all(site: &Http, receipts: &[(&Node, &Sealed, String)]) {
    let log = verifier(site);
    let (present, leaves) = leaves(site);
    let root_at = |size: u64| {
        let mut edge = Edge::default();
        let first = leaves.iter().take(size.try_into().expect("a small log"));
        first.for_each(|leaf| edge.push(merkle::leaf_hash(leaf)));
        edge.root()
    };
    assert_eq!(leaves.len() as u64, present.size);
    assert_eq!(root_at(present.size), present.root);
    for (node, sealed, receipt) in receipts {
        let entry = Entry {
            kind: Kind::LearningSummary,
            node: node.slug.parse().expect("the node has a slug"),
            seq: 1,
            key_id: key_id(&node.key().verifying_key()),
            pae: sealed.pae(),
        };
        let held = Receipt::from_text(receipt).check(&log, &entry);
        let held = held.unwrap_or_else(|e| panic!("{}: {e}", node.slug));
        let index = usize::try_from(held.index).expect("a small log");
        assert_eq!(leaves[index], entry.to_bytes(), "{}", node.slug);
        let then = held.checkpoint.expect("a receipt is a proof");
        assert_eq!(root_at(then.size), then.root, "{}", node.slug);
        let same = leaves.iter().filter(|leaf| **leaf == entry.to_bytes());
        assert_eq!(same.count(), 1, "{} is one leaf", node.slug);
    }
}
