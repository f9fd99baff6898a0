//! Figures that the log signed, made again from what they stand on. The months are those that are stored, which the check of
//! nodes compared with the statements.

use std::sync::Arc;

use ldsp_protocol::benchmark::{Figures, Measure};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry};
use ldsp_protocol::own::{KeyAdd, Own, OwnStatement};
use ldsp_protocol::run::{BenchmarkRun, CODE, Gather, MeasureFinding, StandsOn};
use ldsp_protocol::statement::{Body, Kind};

use super::{Fsck, Rule};
use crate::store::{LoggedStatement, StoreError};

/// Leaves whose months are read at once.
const CHUNK: u64 = 256;

/// What the log's own statements say of figures.
#[derive(Debug, Default)]
pub(super) struct Stated {
    /// Size of the log that they are of, and leaf.
    findings: Vec<(u64, u64)>,
    keys: Vec<(u64, KeyAdd)>,
    /// Findings since the last run: number, measure, identity, what they stand on.
    open: Vec<(u64, Measure, Digest, StandsOn)>,
}

impl Stated {
    pub(super) fn key(&mut self, leaf: u64, add: &KeyAdd) {
        self.keys.push((leaf, add.clone()));
    }

    pub(super) fn finding(&mut self, row: &LoggedStatement, finding: MeasureFinding) {
        let stands_on = finding.stands_on;
        self.findings.push((stands_on.size, row.index));
        self.open
            .push((row.seq, finding.measure, row.pae, stands_on));
    }

    /// Whether the run names exactly the findings before it, of the same state.
    pub(super) fn run(&mut self, run: &BenchmarkRun) -> bool {
        let open = std::mem::take(&mut self.open);
        let named = run.findings.iter();
        let named = named.map(|n| (n.seq, n.measure, n.pae, run.stands_on.clone()));
        named.eq(open)
    }
}

/// How far the log was read.
struct Reached {
    rows: std::vec::IntoIter<u64>,
    /// Records of the row at hand that are not taken yet.
    records: std::collections::VecDeque<[u8; ENTRY_LEN]>,
    edge: Edge,
    gather: Gather,
    figures: Figures,
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut stated = std::mem::take(&mut run.figures);
    if !stated.open.is_empty() {
        for (seq, ..) in std::mem::take(&mut stated.open) {
            let what = "the figures are of no run";
            run.find(Rule::Finding, ("own_statement", "seq"), seq, what);
        }
    }
    stated.findings.sort_unstable();
    let mut reached = Reached {
        rows: run.snapshot.records().await?.into_iter(),
        records: std::collections::VecDeque::new(),
        edge: Edge::default(),
        gather: Gather::default(),
        figures: Figures::default(),
    };
    for (size, leaf) in stated.findings {
        if !reach(run, &mut reached, size, leaf).await? {
            return Ok(());
        }
        let mut gather = reached.gather.clone();
        let keys = stated.keys.iter().filter(|(index, _)| *index < size);
        keys.for_each(|(index, add)| gather.key(*index, add));
        let column = ("own_statement", "envelope");
        match gather.inputs() {
            Ok(inputs) => {
                let root = reached.edge.root();
                let stands_on = StandsOn::new(size, root, &reached.figures, inputs);
                one(run, &reached.figures, stands_on, leaf).await?;
            }
            Err(error) => run.find(Rule::Finding, column, leaf, error.to_string()),
        }
    }
    Ok(())
}

/// Reads on to this size; `false` where what is stored does not lead there.
async fn reach(
    run: &mut Fsck<'_>,
    reached: &mut Reached,
    size: u64,
    leaf: u64,
) -> Result<bool, StoreError> {
    let from = reached.edge.size();
    while reached.edge.size() < size {
        let Some(record) = reached.records.pop_front() else {
            let bytes = match reached.rows.next() {
                Some(first) => run.snapshot.records_from(first).await,
                None => Ok(Vec::new()),
            };
            let bytes = bytes.unwrap_or_default();
            let (records, _) = bytes.as_chunks::<ENTRY_LEN>();
            if records.is_empty() {
                return Ok(stop(run, leaf, "the log's records do not lead there"));
            }
            reached.records.extend(records);
            continue;
        };
        let index = reached.edge.size();
        reached.edge.push(leaf_hash(&record));
        if let Ok(entry) = Entry::parse(&record) {
            reached.gather.entry(index, &entry);
        }
    }
    let mut from = from;
    while from < size {
        let to = size.min(from + CHUNK);
        let Ok(months) = run.snapshot.months_at(from..to).await else {
            return Ok(stop(run, leaf, "a month that they stand on cannot be read"));
        };
        reached.figures = reached.figures.after(Arc::default(), months);
        from = to;
    }
    Ok(true)
}

fn stop(run: &mut Fsck<'_>, leaf: u64, what: &str) -> bool {
    let what = format!("the figures cannot be made again: {what}");
    run.find(Rule::Finding, ("own_statement", "envelope"), leaf, what);
    false
}

/// Makes the finding at this leaf again.
async fn one(
    run: &mut Fsck<'_>,
    figures: &Figures,
    stands_on: StandsOn,
    leaf: u64,
) -> Result<(), StoreError> {
    // A row that cannot be read is a finding already.
    let Some(Ok(row)) = run.snapshot.own(leaf).await? else {
        return Ok(());
    };
    let Ok(unverified) = Unverified::parse(&row.envelope) else {
        return Ok(());
    };
    let body = unverified.unverified_body();
    let Ok(said) = OwnStatement::of_body(Kind::Finding, body) else {
        return Ok(());
    };
    let Own::Finding(finding) = &said.payload else {
        return Ok(());
    };
    let code = finding.stands_on.code.clone();
    let stands_on = StandsOn {
        code: code.clone(),
        ..stands_on
    };
    let again = Body {
        schema: said.schema,
        origin: said.origin.clone(),
        node: said.node.clone(),
        seq: said.seq,
        prev: said.prev,
        kind: said.kind,
        period: said.period,
        standard: said.standard,
        payload: MeasureFinding::of(figures, finding.measure, stands_on),
    };
    if again.to_bytes() != body {
        let mut what = "the figures are not those that the log gives".to_owned();
        if code != CODE {
            what.push_str(&format!(
                "; they were made by {code} and this is {CODE}: check with that version"
            ));
        }
        run.find(Rule::Finding, ("own_statement", "envelope"), leaf, what);
    }
    run.report.figures += 1;
    Ok(())
}
