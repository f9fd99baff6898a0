//! The tree: leaves numbered without gaps, each with the record of its statement, and the log's signed word on all of them.

use std::collections::BTreeMap;

use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{Checkpoint, ENTRY_LEN, Edge, Entry};

use super::{Fsck, Rule};
use crate::store::{LogHead, StoreError};

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut edge = Edge::default();
    for first in run.snapshot.records().await? {
        if first != edge.size() {
            let what = format!("the records before it end with leaf {}", edge.size());
            run.find(Rule::Place, ("log_entry", "first"), first, what);
        }
        records(run, first, &mut edge).await?;
    }
    run.report.leaves = edge.size();
    for (leaf, _) in run.snapshot.recorded(edge.size()..u64::MAX).await? {
        let what = "a statement stands here, but the leaf has no record";
        run.find(Rule::Place, ("log_entry", "entries"), leaf, what);
    }
    let head = run.snapshot.log_head().await;
    if let Some(head) = run.readable(head)? {
        compare(run, &head, &edge);
    }
    Ok(())
}

/// One row of records: as many leaves as one transaction added.
async fn records(run: &mut Fsck<'_>, first: u64, edge: &mut Edge) -> Result<(), StoreError> {
    let bytes = run.snapshot.records_from(first).await;
    let Some(bytes) = run.readable(bytes)? else {
        return Ok(());
    };
    let (records, rest) = bytes.as_chunks::<ENTRY_LEN>();
    if records.is_empty() || !rest.is_empty() {
        let what = format!("the records are not of {ENTRY_LEN} bytes each");
        run.find(Rule::Readable, ("log_entry", "entries"), first, what);
    }
    let mut standing: BTreeMap<u64, Vec<Result<Entry, StoreError>>> = BTreeMap::new();
    for (leaf, entry) in run
        .snapshot
        .recorded(first..first + records.len() as u64)
        .await?
    {
        standing.entry(leaf).or_default().push(entry);
    }
    for (leaf, record) in (first..).zip(records) {
        edge.push(leaf_hash(record));
        let found = standing.remove(&leaf).unwrap_or_default();
        let (rule, what) = match (Entry::parse(record), found.as_slice()) {
            (Err(error), _) => (Rule::Entry, error.to_string()),
            (Ok(_), []) => (Rule::Place, "no statement stands at this leaf".to_owned()),
            (Ok(entry), [Ok(stands)]) if entry == *stands => continue,
            (Ok(_), [Ok(_)]) => (
                Rule::Entry,
                "the record is not that of the statement at this leaf".to_owned(),
            ),
            // Its row is a finding of its own.
            (Ok(_), [Err(_)]) => continue,
            (Ok(_), _) => (
                Rule::Place,
                "a node's statement and one of the log's own stand at this leaf".to_owned(),
            ),
        };
        run.find(rule, ("log_entry", "entries"), leaf, what);
    }
    Ok(())
}

fn compare(run: &mut Fsck<'_>, head: &LogHead, edge: &Edge) {
    if head.edge.size() != edge.size() {
        let what = format!("the records are of {} leaves", edge.size());
        run.find(Rule::Tree, ("log_head", "size"), 1, what);
    } else if head.edge != *edge {
        let what = "the subtrees are not those of the records";
        run.find(Rule::Tree, ("log_head", "edge"), 1, what);
    }
    let column = ("log_head", "checkpoint");
    let Some(note) = &head.checkpoint else {
        if run.statements > 0 {
            let what = "the log was not signed yet since it has a tree: start the server once";
            run.find(Rule::Checkpoint, column, 1, what);
        }
        return;
    };
    match Checkpoint::open(run.ground.log, note) {
        Err(error) => run.find(Rule::Checkpoint, column, 1, error.to_string()),
        Ok(signed) if signed.size != edge.size() || signed.root != edge.root() => {
            let what = format!(
                "it is signed for {} leaves with root {}, the records are {} with root {}",
                signed.size,
                signed.root,
                edge.size(),
                edge.root()
            );
            run.find(Rule::Checkpoint, column, 1, what);
        }
        Ok(_) => {}
    }
}
