use crate::noise::in_counts;
use crate::summary::{Manifest, ProtectedTable};

use super::*;

/// A month with `value` in the first cell of every table, in grid units.
fn summary(epoch: u32, month: usize, pledges: &[&str], value: i64) -> LearningSummary {
    let standard = Standard::current();
    let pledges: Vec<PledgeId> = pledges.iter().map(|p| p.parse().unwrap()).collect();
    let codebook = Codebook::new(&"E37000001".parse().unwrap(), &pledges);
    let table = |t: &crate::standard::Table| {
        let mut cells = vec![0; codebook.cells(t)];
        cells[0] = value;
        if t.dimensions == [Dimension::Pledge] && cells.len() > 1 {
            cells[1] = 2 * value;
        }
        ProtectedTable {
            id: t.id.clone(),
            cells,
        }
    };
    LearningSummary {
        software: "test/1".into(),
        noise: Manifest::new(standard, epoch, month, 500_000),
        tables: standard.tables().iter().map(table).collect(),
        pledges,
    }
}

fn folded(summaries: &[LearningSummary]) -> State {
    let (node, lep) = ("a-node".parse().unwrap(), "E37000001".parse().unwrap());
    let first: Period = "2022-01".parse().unwrap();
    let items = summaries.iter().enumerate().map(|(at, s)| {
        let place = (&node, &lep, first.plus(at as i32).unwrap(), at as u64 + 1);
        (Standard::current(), place, s)
    });
    rebuild(items).unwrap()
}

fn months(state: &State) -> &[NodeMonth] {
    state.months.values().next().unwrap()
}

#[test]
fn estimates_are_the_filter_of_all_months_of_the_epoch() {
    let state = folded(&[summary(1, 1, &[], 65_536), summary(1, 2, &[], 65_536)]);
    let y: Vec<i64> = months(&state).iter().map(|m| m.cumulative[0]).collect();
    // c_0 = 1, c_1 = 1/2.
    assert_eq!(y, [1 << 32, (1 << 32) + (1 << 31)]);
    let national: Vec<i64> = state
        .national
        .iter()
        .filter(|((_, _, part), _)| part.is_empty())
        .map(|(_, cells)| cells.iter().copied().max().unwrap())
        .collect();
    assert_eq!(national, [1 << 32, 1 << 31]);
}

#[test]
fn a_new_epoch_adds_to_the_last_estimate_of_the_one_before() {
    let state = folded(&[
        summary(1, 1, &[], 65_536),
        summary(1, 2, &[], 0),
        summary(2, 1, &[], 65_536),
        summary(2, 2, &[], 0),
    ]);
    let y: Vec<f64> = months(&state)
        .iter()
        .map(|m| in_counts(m.cumulative[0]))
        .collect();
    assert_eq!(y, [1.0, 0.5, 1.5, 1.0]);
    let earlier = months(&state)[3].earlier.unwrap();
    assert_eq!((earlier.month, earlier.rho_micro), (2, 500_000));
}

#[test]
fn an_accepted_pledge_widens_its_tables_and_nothing_else() {
    let state = folded(&[
        summary(1, 1, &[], 65_536),
        summary(1, 2, &["acme-2022"], 65_536),
    ]);
    let period: Period = "2022-02".parse().unwrap();
    let version = Standard::current().version();
    let part = |name: &str| &state.national[&(version, period, name.to_owned())];
    assert_eq!(part("acme-2022")[0], 2 << 32);
    assert_eq!(part("none")[0], 1 << 31);
    let last = &months(&state)[1];
    let grown = last.cumulative.len() - months(&state)[0].cumulative.len();
    // One cell of starts by pledge, three of leavers by pledge and outcome.
    assert_eq!(grown, 4);
    assert_eq!(last.cumulative[0], (1 << 32) + (1 << 31));
}

#[test]
fn an_estimate_out_of_range_names_table_and_cell() {
    let node = "a-node".parse().unwrap();
    let lep = "E37000001".parse().unwrap();
    let period = "2022-01".parse().unwrap();
    let mut huge = summary(1, 1, &[], 0);
    huge.tables[4].cells[3] = 1 << 41;
    let error = fold(Standard::current(), &[], (&node, &lep, period, 1), &huge).unwrap_err();
    assert_eq!(
        (error.table.as_str(), error.cell),
        ("starts.disability-by-tier", 3)
    );
}

type Sums = BTreeMap<(Period, String), Vec<i64>>;

/// A log of three nodes under revision: every stream as it stands, and the sums that deltas gave so far.
#[derive(Default, Clone)]
struct Revised {
    streams: BTreeMap<usize, Vec<NodeMonth>>,
    sums: Sums,
    /// What was published of each month, which a correction brings again.
    drawn: BTreeMap<(usize, Period), Vec<i64>>,
    seq: u64,
}

impl Revised {
    fn add(&mut self, deltas: impl IntoIterator<Item = ((Period, String), Vec<i64>)>) {
        for (key, delta) in deltas {
            add(self.sums.entry(key).or_default(), &delta);
        }
    }

    fn publish(&mut self, node: usize, value: i64) {
        self.seq += 1;
        let history = self.streams.entry(node).or_default();
        let (slug, lep) = (
            format!("node-{node}").parse().unwrap(),
            "E37000001".parse().unwrap(),
        );
        let first: Period = "2022-01".parse().unwrap();
        let period = first.plus(history.len() as i32).unwrap();
        // A lost ledger after the third month; a pledge from the second.
        let (epoch, month) = match history.len() {
            before @ 0..3 => (1, before + 1),
            before => (2, before - 2),
        };
        let pledges: &[&str] = if history.is_empty() {
            &[]
        } else {
            &["acme-2022"]
        };
        let summary = summary(epoch, month, pledges, value);
        let place = (&slug, &lep, period, self.seq);
        let fold = fold(Standard::current(), history, place, &summary).unwrap();
        self.drawn
            .insert((node, period), fold.month.published.clone());
        history.push(fold.month);
        self.add(
            fold.national
                .into_iter()
                .map(|(part, d)| ((period, part), d)),
        );
    }

    fn revise(&mut self, node: usize, at: usize) {
        self.seq += 1;
        let history = self.streams.entry(node).or_default();
        let Some(month) = history.get(at) else { return };
        let change = if month.is_withdrawn() {
            let published = self.drawn[&(node, month.period)].clone();
            Change::Reissue {
                seq: self.seq,
                published,
            }
        } else {
            Change::Withdraw
        };
        let revision = revise(history, at, change).unwrap();
        for month in revision.months {
            let place = history.iter().position(|m| m.period == month.period);
            history[place.unwrap()] = month;
        }
        self.add(revision.national);
    }

    /// The same from what counts alone: each stream's months before its first withdrawn one.
    fn rebuilt(&self) -> (Vec<Vec<NodeMonth>>, Sums) {
        let mut sums = BTreeMap::new();
        let mut streams = Vec::new();
        for stream in self.streams.values() {
            let mut months: Vec<NodeMonth> = Vec::new();
            for month in stream.iter().take_while(|m| !m.is_withdrawn()) {
                let mut month = month.clone();
                month.cumulative = estimates(&months, &month).unwrap();
                for (part, delta) in contribution(months.last(), &month) {
                    add(sums.entry((month.period, part)).or_default(), &delta);
                }
                months.push(month);
            }
            streams.push(months);
        }
        (streams, sums)
    }

    fn check(&self) {
        let (streams, sums) = self.rebuilt();
        let counted = |stream: &Vec<NodeMonth>| -> Vec<NodeMonth> {
            stream.iter().filter(|m| m.counts()).cloned().collect()
        };
        assert_eq!(
            self.streams.values().map(counted).collect::<Vec<_>>(),
            streams
        );
        // Sums of months that nobody counts in any more stay, and are nought.
        let mut kept = self.sums.clone();
        kept.retain(|_, cells| cells.iter().any(|c| *c != 0));
        let mut sums = sums;
        sums.retain(|_, cells| cells.iter().any(|c| *c != 0));
        assert_eq!(kept, sums);
    }
}

proptest::proptest! {
    /// Whatever is published, withdrawn and published again in whatever order between nodes: the sums are those of what counts.
    #[test]
    fn sums_are_those_of_what_counts(
        steps in proptest::collection::vec((0usize..3, proptest::option::weighted(0.4, 0usize..6), -9i64..9), 1..24),
    ) {
        let mut log = Revised::default();
        for (node, month, value) in steps {
            match month {
                Some(at) => log.revise(node, at),
                None if log.streams.get(&node).is_some_and(|s| s.len() == 6) => {}
                None => log.publish(node, value << 16),
            }
            log.check();
        }
    }

    /// A withdrawal and its correction leave everything as it was but the statement's number and the digest that it is held to.
    #[test]
    fn what_comes_back_is_as_it_was(
        at in 0usize..5,
        between in proptest::collection::vec((1usize..3, -9i64..9), 0..4),
        values in proptest::collection::vec(-9i64..9, 5),
    ) {
        let mut log = Revised::default();
        values.iter().for_each(|value| log.publish(0, value << 16));
        let before = log.clone();
        log.revise(0, at);
        assert_eq!(log.streams[&0].iter().filter(|m| m.counts()).count(), at);
        let mut untouched = before.clone();
        for (node, value) in between {
            log.publish(node, value << 16);
            untouched.publish(node, value << 16);
        }
        log.revise(0, at);
        let mut month = log.streams[&0][at].clone();
        proptest::prop_assert_eq!(month.drawn, Some(crate::revision::cells_digest(&month.published)));
        (month.drawn, month.seq) = (None, before.streams[&0][at].seq);
        log.streams.get_mut(&0).unwrap()[at] = month;
        proptest::prop_assert_eq!(&log.streams[&0], &before.streams[&0]);
        log.sums.retain(|_, cells| cells.iter().any(|c| *c != 0));
        untouched.sums.retain(|_, cells| cells.iter().any(|c| *c != 0));
        proptest::prop_assert_eq!(log.sums, untouched.sums);
    }
}
