//! Figures that followed the log statement by statement are those that are made from the whole log.

use proptest::prelude::*;

use super::*;
use crate::rollup::NodeMonth;
use crate::testing::{Learners, shown};

/// Streams of three nodes; the first of them changes standard, so that its streams are the first and the last.
fn published() -> [Vec<NodeMonth>; 4] {
    let streams = [
        (0, Standard::v1(), "2022-01"),
        (1, Standard::v2(), "2022-01"),
        (2, Standard::v1(), "2022-01"),
        (0, Standard::v2(), "2022-03"),
    ];
    streams.map(|(number, standard, first)| {
        let mut sim = Learners::new(number);
        sim.next = first.parse().unwrap();
        let mut history = vec![];
        for seq in 1..=4 {
            let summary = sim.summary_under(standard, 60);
            let place = (&sim.slug, &sim.lep, sim.next, seq);
            let fold = crate::rollup::fold(standard, &history, place, &summary).unwrap();
            history.push(fold.month);
            sim.next = sim.next.next().unwrap();
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the order between nodes and streams, however many come at once, and whoever looks in between.
    #[test]
    fn following_shows_what_starting_anew_shows(
        order in prop::collection::vec((0usize..4, any::<bool>(), any::<bool>()), 1..16),
    ) {
        let all = published();
        let (mut next, mut log, mut waiting) = ([0; 4], vec![], vec![]);
        let mut followed = Figures::default();
        for (node, alone, looks) in order {
            let Some(month) = all[node].get(next[node]) else { continue };
            next[node] += 1;
            log.push(month.clone());
            waiting.push(month.clone());
            if alone {
                followed = followed.after(Arc::default(), std::mem::take(&mut waiting));
            }
            if looks {
                shown(&followed);
            }
        }
        followed = followed.after(Arc::default(), waiting);
        let mut by_node = log.clone();
        by_node.sort_by(|a, b| (&a.node, a.period, a.standard.version()).cmp(&(&b.node, b.period, b.standard.version())));
        let anew = Figures::default().after(Arc::default(), log);
        let sorted = Figures::default().after(Arc::default(), by_node);
        prop_assert_eq!(shown(&followed), shown(&anew));
        prop_assert_eq!(shown(&followed), shown(&sorted));
    }
}
