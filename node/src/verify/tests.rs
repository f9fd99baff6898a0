use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::log::merkle::{self, node_hash};
use ldsp_protocol::log::tile::{Level, TILE_WIDTH};
use ldsp_protocol::log::{Checkpoint, Edge, Proof, Tile};
use ldsp_protocol::receipt::Claim;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Body;
use proptest::prelude::*;

use super::own::Check;
use super::source::{Folder, Server, Source};
use super::whole::{Expected, Seen, Whole, whole};
use super::*;
use crate::store::outbox::OutboxRow;
use crate::testing::{ORIGIN, log_key, node_key, place};
use crate::transport::{Answer, Request, Transport, Unreachable};

fn log() -> Verifier {
    Verifier::new(ORIGIN, log_key().verifying_key()).unwrap()
}

/// `n` entries of three signers.
fn entries(n: u64) -> Vec<Entry> {
    let names = ["black-country", "solent", "cornwall-scilly"];
    (0..n)
        .map(|i| Entry {
            kind: Kind::ALL[(i % 2) as usize],
            node: names[(i % 3) as usize].parse().unwrap(),
            seq: i / 3 + 1,
            key_id: Digest::of(b"key"),
            pae: Digest::of(&i.to_be_bytes()),
        })
        .collect()
}

fn leaf_hashes(entries: &[Entry]) -> Vec<Digest> {
    entries.iter().map(Entry::leaf_hash).collect()
}

fn root_of(entries: &[Entry]) -> Digest {
    let mut edge = Edge::default();
    leaf_hashes(entries).into_iter().for_each(|l| edge.push(l));
    edge.root()
}

fn checkpoint(entries: &[Entry]) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.into(),
        size: entries.len() as u64,
        root: root_of(entries),
    }
}

/// The files of a log as C2SP tlog-tiles lays them out.
#[derive(Debug, Clone, Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn of(entries: &[Entry]) -> Self {
        let mut files = BTreeMap::new();
        let note = checkpoint(entries).sign(&log_key()).unwrap();
        files.insert("checkpoint".to_owned(), note.into_bytes());
        // Hashes of each level of tiles, straight from the definition.
        let mut levels = vec![leaf_hashes(entries)];
        while levels.last().unwrap().len() >= TILE_WIDTH as usize {
            let up = |full: &[Digest]| {
                let mut hashes = full.to_vec();
                while hashes.len() > 1 {
                    hashes = hashes.chunks(2).map(|p| node_hash(&p[0], &p[1])).collect();
                }
                hashes[0]
            };
            let next = levels.last().unwrap().chunks_exact(256).map(up).collect();
            levels.push(next);
        }
        for tile in Tile::of_tree(entries.len() as u64) {
            let range = tile.first() as usize..tile.first() as usize + usize::from(tile.width);
            let bytes = match tile.level {
                Level::Entries => entries[range]
                    .iter()
                    .flat_map(|e| [&[0, 105][..], &e.to_bytes()].concat())
                    .collect(),
                Level::Hashes(level) => levels[usize::from(level)][range]
                    .iter()
                    .flat_map(|h| *h.as_bytes())
                    .collect(),
            };
            files.insert(tile.to_string(), bytes);
        }
        Self(files)
    }

    fn flipped(mut self, path: &str, at: usize) -> Self {
        self.0.get_mut(path).unwrap()[at] ^= 1;
        self
    }
}

impl Source for Files {
    async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.get(path).cloned())
    }

    const AT_ONCE: usize = 3;
}

impl Transport for Files {
    async fn call(&self, request: Request) -> Result<Answer, Unreachable> {
        let file = self.0.get(request.path.strip_prefix('/').unwrap());
        Ok(Answer {
            status: if file.is_some() { 200 } else { 404 },
            retry_after: None,
            body: file.cloned().unwrap_or_default(),
        })
    }
}

async fn check(files: &Files, expected: Expected) -> Result<Whole, Fault> {
    whole(files, &log(), expected, |_, _| {}, |_, _| {}).await
}

async fn code(files: &Files, expected: Expected) -> &'static str {
    check(files, expected).await.unwrap_err().code
}

#[tokio::test]
async fn logs_of_every_shape_are_whole() {
    for n in [0, 1, 2, 255, 256, 257, 511, 512, 700, 66_000] {
        let entries = entries(n);
        let files = Files::of(&entries);
        let found = check(&files, Expected::default()).await.unwrap();
        assert_eq!(found.checkpoint, checkpoint(&entries));
        assert_eq!(found.files, files.0.len() as u64 - 1, "{n}");
        assert_eq!(found.kinds.values().sum::<u64>(), n);
        assert_eq!(found.signers as u64, n.min(3));
    }
}

proptest! {
    #[test]
    fn each_tile_of_a_tree_is_visited_once(size in prop_oneof![0u64..2_000, 60_000u64..70_000, 130_000u64..140_000]) {
        let key = |t: &Tile| t.to_string();
        let mut visited: Vec<String> = super::whole::in_order(size).map(|t| key(&t)).collect();
        let mut all: Vec<String> = Tile::of_tree(size).map(|t| key(&t)).collect();
        visited.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(visited, all);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let good = Files::of(&entries(300));
        let path = good.0.keys().nth(file.index(good.0.len())).unwrap().clone();
        let mut bad = good;
        let bytes = bad.0.get_mut(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert!(runtime.block_on(check(&bad, Expected::default())).is_err(), "{} {}", path, at);
    }
}

#[tokio::test]
async fn each_fault_has_its_name() {
    let all = entries(600);
    let files = Files::of(&all);
    let none = Expected::default;
    let other = Verifier::new(ORIGIN, node_key().verifying_key()).unwrap();
    let fault = whole(&files, &other, none(), |_, _| {}, |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(fault.code, "log-signature");
    // Digest of an entry, its type, a hash, a hash of a hash.
    assert_eq!(
        code(&files.clone().flipped("tile/entries/001", 100), none()).await,
        "tile"
    );
    assert_eq!(
        code(&files.clone().flipped("tile/entries/000", 2), none()).await,
        "entry"
    );
    assert_eq!(
        code(&files.clone().flipped("tile/0/001", 40), none()).await,
        "tile"
    );
    assert_eq!(
        code(&files.clone().flipped("tile/1/000.p/2", 0), none()).await,
        "tile"
    );
    for path in [
        "tile/0/000",
        "tile/entries/002.p/88",
        "tile/1/000.p/2",
        "checkpoint",
    ] {
        let mut short = files.clone();
        short.0.remove(path);
        assert_eq!(code(&short, none()).await, "missing");
    }
    let mut short = files.clone();
    short.0.get_mut("tile/0/000").unwrap().pop();
    assert_eq!(code(&short, none()).await, "tile");
    // A whole and signed log that leaves one out, counts one twice, or whose checkpoint is for other entries.
    let mut gap = all.clone();
    gap.remove(7);
    assert_eq!(code(&Files::of(&gap), none()).await, "sequence");
    let mut twice = all.clone();
    twice.insert(8, all[7].clone());
    assert_eq!(code(&Files::of(&twice), none()).await, "sequence");
    let mut wrong = files.clone();
    let mut forged = checkpoint(&all);
    forged.root = Digest::of(b"other");
    let note = forged.sign(&log_key()).unwrap().into_bytes();
    wrong.0.insert("checkpoint".into(), note);
    assert_eq!(code(&wrong, none()).await, "root");
}

#[tokio::test]
async fn a_log_begins_with_what_was_seen_of_it() {
    let all = entries(600);
    let files = Files::of(&all);
    let earlier = |sizes: &[usize]| Expected {
        earlier: sizes
            .iter()
            .map(|n| Seen {
                place: format!("that of {n}"),
                checkpoint: checkpoint(&all[..*n]),
                note: checkpoint(&all[..*n]).sign(&log_key()).unwrap(),
            })
            .collect(),
        ..Expected::default()
    };
    let found = check(&files, earlier(&[600, 256, 0, 17, 256]))
        .await
        .unwrap();
    assert_eq!(found.earlier, 4, "two are the same");
    assert_eq!(
        code(&Files::of(&all[..590]), earlier(&[600])).await,
        "rolled-back"
    );
    let mut other = all.clone();
    other[16].pae = Digest::of(b"other");
    assert_eq!(
        code(&Files::of(&other), earlier(&[16, 17])).await,
        "rewritten"
    );
    check(&Files::of(&other), earlier(&[16])).await.unwrap();
    assert_eq!(code(&Files::of(&other), earlier(&[600])).await, "split");
    // Both words of the log go with it, and prove it to anybody.
    let fault = check(&Files::of(&other), earlier(&[600]))
        .await
        .unwrap_err();
    let said = fault
        .proof
        .iter()
        .map(|note| Checkpoint::open(&log(), note));
    let said: Vec<Checkpoint> = said.map(Result::unwrap).collect();
    assert_eq!(said, [checkpoint(&all), checkpoint(&other)]);
    let received = |at: u64, entry: &Entry| Expected {
        received: BTreeMap::from([(at, entry.clone())]),
        ..Expected::default()
    };
    assert_eq!(
        check(&files, received(16, &all[16]))
            .await
            .unwrap()
            .received,
        1
    );
    assert_eq!(
        code(&files, received(16, &other[16])).await,
        "receipt-broken"
    );
    assert_eq!(
        code(&files, received(600, &all[16])).await,
        "receipt-broken"
    );
}

#[tokio::test]
async fn directory_and_server_are_read_alike() {
    let all = entries(300);
    let mut files = Files::of(&all);
    let expected = check(&files, Expected::default()).await.unwrap();
    // The log has grown meanwhile and dropped its partial tiles.
    let longer = Files::of(&entries(512));
    for (path, bytes) in longer.0 {
        files.0.entry(path).or_insert(bytes);
    }
    files.0.remove("tile/entries/001.p/44");
    files.0.remove("tile/0/001.p/44");
    let server = Server::new(files.clone(), None);
    let found = whole(&server, &log(), Expected::default(), |_, _| {}, |_, _| {}).await;
    assert_eq!(found, Ok(expected.clone()));
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in &files.0 {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let folder = Folder::new(dir.path());
    let found = whole(&folder, &log(), Expected::default(), |_, _| {}, |_, _| {}).await;
    assert_eq!(found, Ok(expected));
}

/// A sound entry of practice as `node_key` signs it.
fn sealed(seq: u64, prev: Digest) -> Sealed {
    let text = include_str!("../../../protocol/vectors/v1/practice_entry.toml");
    let vector: toml::Table = toml::from_str(text).unwrap();
    let vector: serde_json::Value = serde_json::from_str(vector["body"].as_str().unwrap()).unwrap();
    let body = Body {
        schema: 1,
        origin: ORIGIN.to_owned(),
        node: place(true).node,
        seq,
        prev,
        kind: Kind::PracticeEntry,
        period: None,
        standard: Standard::v1().digest(),
        payload: vector["payload"].clone(),
    };
    let kind = Kind::PracticeEntry.payload_type();
    Sealed::sign(&node_key(), &kind, &body.to_bytes())
}

fn receipt_of(entries: &[Entry], index: u64) -> String {
    let leaves = leaf_hashes(entries);
    let node = |level: u32, at: u64| {
        let range = (at << level) as usize..((at + 1) << level) as usize;
        let mut hashes = leaves[range].to_vec();
        while hashes.len() > 1 {
            hashes = hashes.chunks(2).map(|p| node_hash(&p[0], &p[1])).collect();
        }
        Ok::<_, std::convert::Infallible>(hashes[0])
    };
    let proof = Proof {
        index,
        hashes: merkle::inclusion(index, leaves.len() as u64, node).unwrap(),
        checkpoint: checkpoint(entries).sign(&log_key()).unwrap(),
    };
    proof.to_text()
}

#[test]
fn a_statement_is_its_signers_and_no_one_elses() {
    let key = node_key().verifying_key();
    let sealed = sealed(1, Digest::ZERO);
    let genuine = statement(sealed.envelope(), &key).unwrap();
    assert_eq!((genuine.statement.seq, genuine.pae), (1, sealed.pae()));
    assert_eq!(named_key(sealed.envelope()), Ok(genuine.key_id));
    assert_eq!(entry_of(sealed.envelope()), Ok(genuine.entry()));
    let code = |envelope: &[u8], key| statement(envelope, key).unwrap_err().code;
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
    assert_eq!(code(sealed.envelope(), &other), "unknown-key");
    let text = String::from_utf8(sealed.envelope().to_vec()).unwrap();
    let altered = text.replacen("\"payload\":\"eyJ", "\"payload\":\"eyI", 1);
    assert_eq!(code(altered.as_bytes(), &key), "signature");
    assert_eq!(code(b"{}", &key), "envelope");
    let odd = Sealed::sign(&node_key(), "application/x", b"{}");
    assert_eq!(code(odd.envelope(), &key), "statement");
    assert_eq!(entry_of(odd.envelope()).unwrap_err().code, "statement");
}

#[test]
fn keys_are_read_in_either_form() {
    let key = log().key().to_owned();
    assert_eq!(public_key(&format!("{}\n", log().vkey())), Ok(key));
    assert_eq!(public_key(&hex::encode(key.as_bytes())), Ok(key));
    for bad in ["", "00", "log+0+0", &"0".repeat(64)] {
        assert_eq!(public_key(bad).unwrap_err().code, "key", "{bad}");
    }
    assert_eq!(verifier("log+0+0").unwrap_err().code, "key");
}

#[test]
fn a_receipt_holds_for_its_statement_alone() {
    let mut all = entries(300);
    let mine = entry_of(sealed(1, Digest::ZERO).envelope()).unwrap();
    all[77] = mine.clone();
    let text = receipt_of(&all, 77);
    let received = receipt(&text, &log(), &mine).unwrap();
    assert_eq!(
        (received.index, received.checkpoint),
        (77, Some(checkpoint(&all)))
    );
    let code = |text: &str, log: &Verifier, entry| receipt(text, log, entry).unwrap_err().code;
    assert_eq!(code(&text, &log(), &all[78]), "other-statement");
    assert_eq!(
        code(&text.replace("index 77", "index 78"), &log(), &mine),
        "other-statement"
    );
    assert_eq!(code("c2sp.org/tlog-proof@v1\n", &log(), &mine), "receipt");
    let other = Verifier::new(ORIGIN, node_key().verifying_key()).unwrap();
    assert_eq!(code(&text, &other, &mine), "log-signature");
    // One of before the log had a tree.
    let claim = Claim {
        origin: ORIGIN.into(),
        node: mine.node.clone(),
        seq: mine.seq,
        pae: mine.pae,
    };
    let old = Receipt::sign(&log_key(), &claim, 9).unwrap();
    let received = receipt(old.as_text(), &log(), &mine).unwrap();
    assert_eq!((received.index, received.checkpoint), (9, None));
    assert_eq!(code(old.as_text(), &log(), &all[78]), "other-statement");
}

/// Three statements of this node at entries 10, 20 and 30; the third waits for its receipt.
fn outbox() -> (Vec<OutboxRow>, Vec<Entry>) {
    let mut all = entries(40);
    let mut prev = Digest::ZERO;
    let mut rows = Vec::new();
    for seq in 1..=3u64 {
        let sealed = sealed(seq, prev);
        prev = sealed.pae();
        let index = seq * 10;
        all[index as usize] = entry_of(sealed.envelope()).unwrap();
        rows.push(OutboxRow {
            seq,
            kind: Kind::PracticeEntry,
            period: None,
            pae: sealed.pae(),
            envelope: sealed.envelope().to_vec(),
            queued_at: 0,
            attempts: 1,
            next_attempt_at: 0,
            problem: None,
            receipt: (seq < 3).then(|| receipt_of(&all[..=index as usize], index)),
            log_index: (seq < 3).then_some(index),
            acknowledged_at: (seq < 3).then_some(0),
        });
    }
    (rows, all)
}

fn own_of(rows: &[OutboxRow]) -> Result<(own::Own, Expected), Fault> {
    let place = place(true);
    let mut check = Check::new(&place, node_key().verifying_key());
    rows.iter().try_for_each(|row| check.take(row))?;
    check.end()
}

#[test]
fn what_a_node_holds_is_one_chain_with_its_receipts() {
    let (rows, all) = outbox();
    let (own, expected) = own_of(&rows).unwrap();
    assert_eq!(
        (own.statements, own.waiting, own.proven, own.plain),
        (3, 1, 2, 0)
    );
    assert_eq!(own.newest, Some(checkpoint(&all[..21])));
    assert_eq!(expected.received.keys().collect::<Vec<_>>(), [&10, &20]);
    assert_eq!(expected.earlier.len(), 2);
    let with = |damage: &dyn Fn(&mut Vec<OutboxRow>)| {
        let mut rows = rows.clone();
        damage(&mut rows);
        let fault = own_of(&rows).unwrap_err();
        assert!(fault.what.contains("statement"), "{fault}");
        fault.code
    };
    assert_eq!(with(&|rows| rows[1].pae = Digest::ZERO), "row");
    assert_eq!(with(&|rows| drop(rows.remove(1))), "row");
    assert_eq!(with(&|rows| rows[0].log_index = Some(11)), "row");
    assert_eq!(with(&|rows| rows[2].kind = Kind::LearningSummary), "row");
    assert_eq!(
        with(&|rows| rows[1].receipt = rows[0].receipt.clone()),
        "other-statement"
    );
    assert_eq!(with(&|rows| rows[1].envelope.truncate(99)), "envelope");
    let forked = |rows: &mut Vec<OutboxRow>| {
        let loose = sealed(2, Digest::of(b"loose"));
        rows[1].pae = loose.pae();
        rows[1].envelope = loose.envelope().to_vec();
    };
    assert_eq!(with(&forked), "chain");
    // The log's word on another tree of the same size.
    let mut other = all[..21].to_vec();
    other[9].pae = Digest::of(b"other");
    other[10] = entry_of(&rows[0].envelope).unwrap();
    let contradicts = |rows: &mut Vec<OutboxRow>| rows[0].receipt = Some(receipt_of(&other, 10));
    assert_eq!(with(&contradicts), "split");
}
