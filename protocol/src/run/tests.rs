use std::sync::Arc;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use serde::Serialize;

use super::*;
use crate::dsse::Sealed;
use crate::keys::key_id;
use crate::log::Edge;
use crate::note::Verifier;
use crate::own::{self, KeyRevoke, KeysError, Own, OwnStatement};
use crate::revision::{self, Correction, Withdrawal};
use crate::rollup;
use crate::standard::Standard;
use crate::statement::{Body, SCHEMA, StatementError};
use crate::testing::Learners;

const ORIGIN: &str = "log.example";

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[99; 32])
}

fn log() -> Verifier {
    Verifier::new(ORIGIN, log_key().verifying_key()).unwrap()
}

fn node_key(number: usize) -> SigningKey {
    SigningKey::from_bytes(&[number as u8 + 1; 32])
}

/// A record and the bytes of its statement.
type Row = (Entry, Option<Vec<u8>>);

/// A small log with the bytes of its statements.
#[derive(Default)]
struct Log {
    entries: Vec<Row>,
    heads: BTreeMap<NodeSlug, (u64, Digest)>,
}

impl Log {
    fn add<P: Serialize>(&mut self, key: &SigningKey, node: NodeSlug, kind: Kind, said: Said<P>) {
        let (seq, prev) = self.heads.get(&node).copied().unwrap_or((0, Digest::ZERO));
        let body = Body {
            schema: SCHEMA,
            origin: ORIGIN.to_owned(),
            node: node.clone(),
            seq: seq + 1,
            prev,
            kind,
            period: said.period,
            standard: said.standard.digest(),
            payload: said.payload,
        };
        let sealed = Sealed::sign(key, &kind.payload_type(), &body.to_bytes());
        self.heads.insert(node.clone(), (seq + 1, sealed.pae()));
        let entry = Entry {
            kind,
            node,
            seq: seq + 1,
            key_id: key_id(&key.verifying_key()),
            pae: sealed.pae(),
        };
        self.entries.push((entry, Some(sealed.envelope().to_vec())));
    }

    fn own<P: Serialize>(&mut self, kind: Kind, payload: P) {
        let said = Said {
            period: None,
            standard: Standard::current(),
            payload,
        };
        self.add(&log_key(), own::name(), kind, said);
    }

    fn admit(&mut self, number: usize, learners: &Learners) {
        let key = node_key(number).verifying_key();
        let add = KeyAdd {
            node: learners.slug.clone(),
            lep: learners.lep.clone(),
            public_key: hex::encode(key.as_bytes()),
            key_id: key_id(&key),
            from: self.entries.len() as u64,
            enrolment: Digest::of(b"enrolment"),
            approved_by: "olive".into(),
        };
        self.own(Kind::KeyAdd, add);
    }

    fn publish(&mut self, number: usize, learners: &mut Learners, of: &'static Standard) {
        let said = Said {
            period: Some(learners.next),
            standard: of,
            payload: learners.summary_under(of, 80),
        };
        let node = learners.slug.clone();
        self.add(&node_key(number), node, Kind::LearningSummary, said);
    }

    fn root(&self) -> Digest {
        let mut edge = Edge::default();
        let leaves = self.entries.iter().map(|(entry, _)| entry.leaf_hash());
        leaves.for_each(|leaf| edge.push(leaf));
        edge.root()
    }

    /// What the figures stand on and the figures themselves, counted again from all that the log holds.
    fn recount(&self) -> Result<(StandsOn, Figures), RecountError> {
        let (log, mut gather) = (log(), Gather::default());
        let mut recount = Recount::new(&log);
        for (index, (entry, envelope)) in (0..).zip(&self.entries) {
            gather.entry(index, entry);
            if matches!(entry.kind, Kind::KeyAdd | Kind::KeyRevoke)
                && let Own::KeyAdd(add) = recount.key(index, entry, envelope.as_deref())?
            {
                gather.key(index, &add);
            }
        }
        let mut nodes: Vec<(u64, &Row)> = (0..).zip(&self.entries).collect();
        nodes.sort_by_key(|(index, (entry, _))| (&entry.node, *index));
        for (index, (entry, envelope)) in nodes {
            if counts(entry.kind) {
                recount.statement(index, entry, envelope.as_deref())?;
            }
        }
        let figures = recount.end()?;
        let inputs = gather.inputs().unwrap();
        let size = self.entries.len() as u64;
        let stands_on = StandsOn::new(size, self.root(), &figures, inputs);
        Ok((stands_on, figures))
    }
}

struct Said<P> {
    period: Option<crate::ids::Period>,
    standard: &'static Standard,
    payload: P,
}

/// Three nodes, the last of which changes standard; `order` says who publishes next.
fn published(order: &[usize]) -> Log {
    let mut nodes: Vec<Learners> = (0..3).map(Learners::new).collect();
    let mut log = Log::default();
    for (number, learners) in nodes.iter().enumerate() {
        log.admit(number, learners);
    }
    for number in order {
        let learners = &mut nodes[*number];
        let of = if *number == 1 {
            Standard::v2()
        } else {
            Standard::v1()
        };
        log.publish(*number, learners, of);
        if *number == 2 && learners.next.month() > 1 {
            log.publish(*number, learners, Standard::v2());
        }
        learners.next = learners.next.next().unwrap();
    }
    log
}

fn texts(stands_on: &StandsOn, figures: &Figures) -> Vec<String> {
    let finding = |m| MeasureFinding::of(figures, m, stands_on.clone());
    Measure::ALL
        .map(|m| serde_json::to_string(&finding(m)).unwrap())
        .into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the order between nodes: the figures are the same to the byte, and those of the rollup.
    #[test]
    fn figures_are_counted_again_to_the_byte(order in prop::sample::subsequence(vec![0, 1, 2, 0, 1, 2, 0, 1, 2], 1..9).prop_shuffle()) {
        let log = published(&order);
        let (stands_on, figures) = log.recount().unwrap();
        let mut sorted = order;
        sorted.sort_unstable();
        let (_, other) = published(&sorted).recount().unwrap();
        prop_assert_eq!(texts(&stands_on, &figures), texts(&stands_on, &other));
        let mut summaries = Vec::new();
        for (entry, envelope) in &log.entries {
            let key = (0..3).map(|n| node_key(n).verifying_key()).find(|k| key_id(k) == entry.key_id);
            let Some(key) = key else { continue };
            let verified = crate::dsse::Unverified::parse(envelope.as_ref().unwrap()).unwrap().verify(&key).unwrap();
            summaries.push(crate::statement::Statement::read(&verified).unwrap());
        }
        let leps: Vec<Learners> = (0..3).map(Learners::new).collect();
        let items = summaries.iter().map(|s| {
            let crate::statement::Payload::LearningSummary(summary) = &s.payload else { unreachable!() };
            let lep = &leps.iter().find(|l| l.slug == s.node).unwrap().lep;
            (Standard::of(s.standard).unwrap(), (&s.node, lep, s.period.unwrap(), s.seq), summary)
        });
        let state = rollup::rebuild(items).unwrap();
        let folded = Figures::default().after(Arc::default(), state.months.into_values().flatten());
        prop_assert_eq!(texts(&stands_on, &figures), texts(&stands_on, &folded));
        // What was signed is read back, and every number of it is one.
        for (measure, text) in Measure::ALL.into_iter().zip(texts(&stands_on, &figures)) {
            let read: MeasureFinding = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.check(), Ok(()));
            prop_assert_eq!(&read.stands_on, &stands_on);
            prop_assert_eq!(read.figures.len(), figures.of(measure).len());
        }
    }

    #[test]
    fn inputs_are_ranges_of_their_leaves(leaves in prop::collection::btree_set(0u64..60, 0..40)) {
        let inputs: Inputs = leaves.iter().copied().collect();
        prop_assert!(inputs.leaves().eq(leaves.iter().copied()));
        prop_assert_eq!(inputs.count(), leaves.len() as u64);
        prop_assert_eq!(inputs.last(), leaves.last().copied());
        let text = serde_json::to_string(&inputs).unwrap();
        prop_assert_eq!(serde_json::from_str::<Inputs>(&text).unwrap(), inputs);
    }
}

#[test]
fn inputs_have_one_way_to_be_written() {
    for bad in [
        "[[1,0]]",
        "[[0,1],[2,3]]",
        "[[4,5],[0,1]]",
        "[[0,4],[4,5]]",
        "[[0]]",
    ] {
        assert!(serde_json::from_str::<Inputs>(bad).is_err(), "{bad}");
    }
    let whole = format!("[[0,{}]]", u64::MAX);
    assert_eq!(
        serde_json::from_str::<Inputs>(&whole).unwrap().last(),
        Some(u64::MAX)
    );
}

#[test]
fn what_stands_for_figures_is_exactly_the_summaries_and_their_keys() {
    let mut log = published(&[0, 2, 2]);
    let (before, _) = log.recount().unwrap();
    // Node 1 published nothing; node 2 has two statements of its second month.
    assert_eq!(
        before.inputs.leaves().collect::<Vec<_>>(),
        [0, 2, 3, 4, 5, 6]
    );
    // Other statements change neither inputs nor figures.
    log.own(Kind::KeyRevoke, revoke(1, log.entries.len() as u64));
    let (after, _) = log.recount().unwrap();
    assert_eq!((after.inputs, after.size), (before.inputs, before.size + 1));
    let mut gather = Gather::default();
    gather.entry(9, &log.entries[3].0);
    let node = log.entries[3].0.node.clone();
    assert_eq!(gather.inputs(), Err(RunError::Unstated(node)));
}

fn revoke(number: usize, from: u64) -> KeyRevoke {
    KeyRevoke {
        node: Learners::new(number).slug,
        key_id: key_id(&node_key(number).verifying_key()),
        from,
        reason: "The server was stolen.".into(),
        revoked_by: "olive".into(),
    }
}

#[test]
fn what_a_reader_must_not_believe_is_refused() {
    let refused = |log: &Log| log.recount().unwrap_err().cause;
    let mut altered = published(&[0]);
    let bytes = altered.entries[3].1.as_mut().unwrap();
    let at = bytes.len() / 2;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    assert!(matches!(refused(&altered), RecountCause::Envelope(_)));
    let mut swapped = published(&[0, 0]);
    swapped.entries.swap(3, 4);
    assert_eq!(refused(&swapped), RecountCause::Month);
    let mut gap = published(&[0, 0, 0]);
    gap.entries.remove(4);
    assert_eq!(refused(&gap), RecountCause::Month);
    let mut other = published(&[0, 0]);
    other.entries[4].0.pae = Digest::of(b"other");
    assert_eq!(refused(&other), RecountCause::Record("digest"));
    let mut keyless = published(&[0]);
    let solent = keyless.entries[3].0.node.clone();
    keyless.entries.remove(0);
    assert!(matches!(
        refused(&keyless),
        RecountCause::Keys(KeysError::Place { .. })
    ));
    let mut late = published(&[0]);
    let add = late.entries.remove(0);
    late.entries.push(add);
    late.entries[0..2].reverse();
    assert!(matches!(refused(&late), RecountCause::Keys(_)), "{solent}");
    let mut revoked = published(&[0]);
    revoked.own(Kind::KeyRevoke, revoke(0, 4));
    let mut sim = Learners::new(0);
    sim.summary_under(Standard::v1(), 80);
    sim.next = sim.next.next().unwrap();
    revoked.publish(0, &mut sim, Standard::v1());
    assert_eq!(refused(&revoked), RecountCause::Key);
}

#[test]
fn runs_and_findings_that_contradict_themselves_are_refused() {
    let mut log = published(&[0, 1]);
    let (stands_on, figures) = log.recount().unwrap();
    let finding = MeasureFinding::of(&figures, Measure::Pass, stands_on.clone());
    let run = |seqs: &[u64], measures: &[Measure]| BenchmarkRun {
        stands_on: stands_on.clone(),
        findings: (seqs.iter().zip(measures))
            .map(|(seq, measure)| Named {
                measure: *measure,
                seq: *seq,
                pae: Digest::of(b"finding"),
            })
            .collect(),
    };
    let two = [Measure::Starts, Measure::Pass];
    assert_eq!(run(&[4, 5], &two).check(6), Ok(()));
    for (seqs, measures, seq) in [
        (&[4, 5][..], &two[..], 7),
        (&[5, 4], &two, 6),
        (&[4, 5], &[Measure::Pass, Measure::Starts], 6),
        (&[], &[], 6),
    ] {
        assert_eq!(run(seqs, measures).check(seq), Err(RunError::Findings));
    }
    let with = |change: &dyn Fn(&mut MeasureFinding)| {
        let mut other = finding.clone();
        change(&mut other);
        other.check()
    };
    assert_eq!(with(&|_| {}), Ok(()));
    assert_eq!(with(&|f| f.stands_on.size = 4), Err(RunError::Size(4)));
    assert_eq!(
        with(&|f| f.stands_on.inputs = Inputs::default()),
        Err(RunError::Size(5))
    );
    assert_eq!(
        with(&|f| f.stands_on.code = "a b".into()),
        Err(RunError::Code)
    );
    assert_eq!(
        with(&|f| f.stands_on.standards.clear()),
        Err(RunError::Standards)
    );
    assert_eq!(
        with(&|f| f.measure = Measure::Starts),
        Err(RunError::Measure)
    );
    // Each stands behind what it stands on, and is the log's to make.
    log.own(Kind::Finding, finding.clone());
    let (entry, envelope) = log.entries.last().unwrap();
    let verified = crate::dsse::Unverified::parse(envelope.as_ref().unwrap()).unwrap();
    let verified = verified.verify(&log_key().verifying_key()).unwrap();
    let said = OwnStatement::read(&verified).unwrap().payload;
    assert_eq!((said.kind(), entry.kind), (Kind::Finding, Kind::Finding));
    assert!(said.fits(5) && !said.fits(4));
    let author = crate::statement::Statement::read(&verified).unwrap_err();
    assert_eq!(author, StatementError::Author(Kind::Finding));
}

/// The log after the node withdrew its statement; its payload is gone.
fn withdraw(log: &mut Log, number: usize, at: usize, cells: &crate::summary::LearningSummary) {
    let said = Said {
        period: None,
        standard: Standard::v1(),
        payload: Withdrawal {
            statement: named(&log.entries[at].0),
            reason: "Published too early.".into(),
            cells: Some(cells.cells_digest()),
        },
    };
    let node = log.entries[at].0.node.clone();
    log.add(&node_key(number), node, Kind::Withdrawal, said);
    log.entries[at].1 = None;
}

fn named(entry: &Entry) -> revision::Named {
    revision::Named {
        seq: entry.seq,
        pae: entry.pae,
    }
}

#[test]
fn figures_end_before_what_was_withdrawn_and_come_back_with_the_same_cells() {
    let mut learners = Learners::new(0);
    let mut log = Log::default();
    log.admit(0, &learners);
    let mut months = Vec::new();
    for _ in 0..3 {
        months.push((learners.next, learners.summary_under(Standard::v1(), 80)));
        learners.next = learners.next.next().unwrap();
        let (period, summary) = months.last().unwrap();
        let said = Said {
            period: Some(*period),
            standard: Standard::v1(),
            payload: summary.clone(),
        };
        log.add(
            &node_key(0),
            learners.slug.clone(),
            Kind::LearningSummary,
            said,
        );
    }
    let (_, whole) = log.recount().unwrap();
    let to_date = |figures: &Figures| Measure::ALL.map(|m| figures.of(m));
    let gone = |log: &Log| log.recount().unwrap_err().cause == RecountCause::Gone;
    for (at, left) in [(2, 1), (1, 0), (3, 2)] {
        let (period, summary) = &months[at - 1];
        let mut log = Log {
            entries: log.entries.clone(),
            heads: log.heads.clone(),
        };
        let mut damaged = Log {
            entries: log.entries.clone(),
            heads: BTreeMap::new(),
        };
        damaged.entries[at].1 = None;
        assert!(gone(&damaged), "nobody withdrew it");
        withdraw(&mut log, 0, at, summary);
        let (stands_on, figures) = log.recount().unwrap();
        assert_eq!(figures.range().map_or(0, |r| r.months()), left);
        assert!(stands_on.inputs.leaves().eq(0..5));
        let correct = |log: &mut Log, summary: &crate::summary::LearningSummary| {
            let said = Said {
                period: Some(*period),
                standard: Standard::v1(),
                payload: Correction {
                    supersedes: named(&log.entries[at].0),
                    reason: "It was right after all.".into(),
                    summary: summary.clone(),
                },
            };
            log.add(&node_key(0), learners.slug.clone(), Kind::Correction, said);
        };
        let mut redrawn = summary.clone();
        redrawn.tables[0].cells[0] += 1;
        let mut other = Log {
            entries: log.entries.clone(),
            heads: log.heads.clone(),
        };
        correct(&mut other, &redrawn);
        let cause = other.recount().unwrap_err().cause;
        assert_eq!(
            cause,
            RecountCause::Revision(revision::RevisionError::Redraw)
        );
        correct(&mut log, summary);
        let (_, again) = log.recount().unwrap();
        assert_eq!(to_date(&again), to_date(&whole));
    }
}

/// Whoever counts again is told as the log's readers are: what was withdrawn under one of two standards is wanting.
#[test]
fn an_area_is_there_in_part_while_one_of_its_streams_is_withdrawn() {
    let mut learners = Learners::new(0);
    let mut log = Log::default();
    log.admit(0, &learners);
    let mut summaries = Vec::new();
    for standard in [Standard::v1(), Standard::v2()] {
        let summary = learners.summary_under(standard, 80);
        let said = Said {
            period: Some(learners.next),
            standard,
            payload: summary.clone(),
        };
        let node = learners.slug.clone();
        log.add(&node_key(0), node, Kind::LearningSummary, said);
        summaries.push(summary);
        learners.next = learners.next.next().unwrap();
    }
    withdraw(&mut log, 0, 1, &summaries[0]);
    let (_, figures) = log.recount().unwrap();
    let c = figures.coverage();
    assert_eq!((c.contributed, c.partial, c.months), (0, 1, 0));
    let said = Said {
        period: Some("2022-01".parse().unwrap()),
        standard: Standard::v1(),
        payload: Correction {
            supersedes: named(&log.entries[1].0),
            reason: "It was right after all.".into(),
            summary: summaries[0].clone(),
        },
    };
    let node = learners.slug.clone();
    log.add(&node_key(0), node, Kind::Correction, said);
    let again = log.recount().unwrap().1.coverage();
    assert_eq!(
        again.partial, 1,
        "the first standard's second month is owed"
    );
    assert_eq!(again.months, 1);
}
