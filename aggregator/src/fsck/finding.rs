//! Figures that the log signed, made again from the statements that they stand on, as anybody would.

use std::collections::BTreeMap;

use ldsp_protocol::benchmark::{Figures, Measure};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry};
use ldsp_protocol::own::{KeyAdd, Own, OwnStatement};
use ldsp_protocol::run::{BenchmarkRun, CODE, Gather, MeasureFinding, Recount, StandsOn, counts};
use ldsp_protocol::statement::{Body, Kind};

use super::{Fsck, Rule};
use crate::store::{LoggedStatement, StoreError};

/// Statements that are counted again before older runs are left: their signatures are checked each time, a thousand or so in a second.
const ENOUGH: u64 = 20_000;

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

/// What a state of the log gives.
struct State {
    figures: Figures,
    stands_on: StandsOn,
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut stated = std::mem::take(&mut run.figures);
    for (seq, ..) in std::mem::take(&mut stated.open) {
        let what = "the figures are of no run";
        run.find(Rule::Finding, ("own_statement", "seq"), seq, what);
    }
    let mut by_size: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (size, leaf) in stated.findings {
        by_size.entry(size).or_default().push(leaf);
    }
    let mut verified = 0;
    // The newest first: they are what people quote.
    for (size, leaves) in by_size.into_iter().rev() {
        if verified > ENOUGH {
            run.report.figures_left += leaves.len() as u64;
            continue;
        }
        match state(run, size, &stated.keys, &mut verified).await? {
            Ok(Some(state)) => {
                for leaf in leaves {
                    one(run, &state, leaf).await?;
                }
            }
            Ok(None) => run.report.figures_gone += leaves.len() as u64,
            Err(what) => {
                let what = format!("the figures cannot be made again: {what}");
                for leaf in leaves {
                    run.find(Rule::Finding, ("own_statement", "envelope"), leaf, &what);
                }
            }
        }
    }
    Ok(())
}

/// Counts the first `size` leaves again; `None` where a statement of them was withdrawn since. The other error says what is wrong.
async fn state(
    run: &mut Fsck<'_>,
    size: u64,
    keys: &[(u64, KeyAdd)],
    verified: &mut u64,
) -> Result<Result<Option<State>, String>, StoreError> {
    let (mut edge, mut gather) = (Edge::default(), Gather::default());
    let (mut events, mut counted) = (Vec::new(), Vec::new());
    'rows: for first in run.snapshot.records().await? {
        // A row that cannot be read is a finding already.
        let bytes = run.snapshot.records_from(first).await.unwrap_or_default();
        for record in bytes.as_chunks::<ENTRY_LEN>().0 {
            let index = edge.size();
            if index == size {
                break 'rows;
            }
            edge.push(leaf_hash(record));
            let Ok(entry) = Entry::parse(record) else {
                continue;
            };
            gather.entry(index, &entry);
            match entry.kind {
                Kind::KeyAdd | Kind::KeyRevoke => events.push((index, entry)),
                kind if counts(kind) => counted.push((index, entry)),
                _ => {}
            }
        }
    }
    if edge.size() != size {
        return Ok(Err("the log's records do not lead there".to_owned()));
    }
    let keys = keys.iter().filter(|(index, _)| *index < size);
    keys.for_each(|(index, add)| gather.key(*index, add));
    let mut recount = Recount::new(run.ground.log);
    for (index, entry) in &events {
        let row = run.snapshot.own(*index).await?.and_then(Result::ok);
        let envelope = row.as_ref().map(|row| row.envelope.as_slice());
        if let Err(error) = recount.key(*index, entry, envelope) {
            return Ok(Err(error.to_string()));
        }
    }
    counted.sort_by_key(|(index, entry)| (entry.node.clone(), *index));
    *verified += counted.len() as u64;
    for (index, entry) in &counted {
        let row = run.snapshot.statement(*index).await?.and_then(Result::ok);
        let withdrawn = row.as_ref().and_then(|row| row.withdrawn);
        if withdrawn.is_some_and(|by| by >= size) {
            return Ok(Ok(None));
        }
        let row = row.as_ref().filter(|_| withdrawn.is_none());
        let envelope = row.map(|row| row.envelope.as_slice());
        if let Err(error) = recount.statement(*index, entry, envelope) {
            return Ok(Err(error.to_string()));
        }
    }
    let made = recount.end().map_err(|error| error.to_string());
    let inputs = gather.inputs().map_err(|error| error.to_string());
    Ok(made.and_then(|figures| {
        let stands_on = StandsOn::new(size, edge.root(), &figures, inputs?);
        Ok(Some(State { figures, stands_on }))
    }))
}

/// Makes the finding at this leaf again.
async fn one(run: &mut Fsck<'_>, state: &State, leaf: u64) -> Result<(), StoreError> {
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
        ..state.stands_on.clone()
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
        payload: MeasureFinding::of(&state.figures, finding.measure, stands_on),
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
