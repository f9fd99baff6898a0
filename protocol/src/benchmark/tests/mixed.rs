//! A federation under two standards: one node under the first, one under the second, one that changes.

use super::*;
use crate::benchmark::Status;

/// Summaries of each in the order given; `releases` names node, standard and month, the first being January 2022.
fn publish(
    sims: &mut [Learners],
    releases: &[(usize, &'static Standard, u8)],
    spells: usize,
) -> Figures {
    figures(state(sims, releases, spells))
}

fn figures(state: rollup::State) -> Figures {
    Figures::default().after(Arc::default(), state.months.into_values().flatten())
}

fn state(
    sims: &mut [Learners],
    releases: &[(usize, &'static Standard, u8)],
    spells: usize,
) -> rollup::State {
    let mut published = Vec::new();
    for (seq, (node, standard, month)) in (1..).zip(releases) {
        let sim = &mut sims[*node];
        let first: crate::ids::Period = "2022-01".parse().unwrap();
        let period = first.plus(i32::from(*month) - 1).unwrap();
        let summary = sim.summary_under(standard, spells);
        let place = (sim.slug.clone(), sim.lep.clone(), period, seq);
        published.push((*standard, place, summary));
    }
    let items = published
        .iter()
        .map(|(of, (n, l, p, s), summary)| (*of, (n, l, *p, *s), summary));
    rollup::rebuild(items).unwrap()
}

fn sims() -> Vec<Learners> {
    (0..3).map(Learners::new).collect()
}

/// Four months: the first node under the first standard, the second under the second, the third changes in the third month.
fn four_months() -> Vec<(usize, &'static Standard, u8)> {
    let (v1, v2) = (Standard::v1(), Standard::v2());
    let mut releases = Vec::new();
    for month in 1..=4 {
        releases.extend([(0, v1, month), (1, v2, month), (2, v1, month)]);
        if month > 2 {
            releases.push((2, v2, month));
        }
    }
    releases
}

/// The sims behind such a federation and its figures.
pub(in crate::benchmark) fn mixed(spells: usize) -> (Vec<Learners>, Figures) {
    let mut sims = sims();
    let snapshot = publish(&mut sims, &four_months(), spells);
    (sims, snapshot)
}

fn of(snapshot: &Figures, node: usize) -> &LepStanding {
    let code = crate::testing::LEPS[node].1;
    let mut leps = snapshot.leps().iter();
    leps.find(|l| l.place.code == code).unwrap()
}

#[test]
fn national_sums_are_the_truth_of_all_streams() {
    let mut sims = sims();
    sims.iter_mut().for_each(Learners::quieten);
    let snapshot = publish(&mut sims, &four_months(), 200);
    let counts = [Measure::Starts, Measure::Leavers, Measure::Achievers];
    for (at, measure) in counts.into_iter().enumerate() {
        let truth: u64 = sims.iter().map(|s| s.truth[at]).sum();
        let found = raw(snapshot.national_measure(measure).unwrap()).estimate;
        // The filter's coefficients are rounded: at most 2.8e-5 of a count.
        let near = |found: f64, truth: u64| (found - truth as f64).abs() < 3e-5 * truth as f64;
        assert!(near(found, truth), "{measure:?}: {found} of {truth}");
        for (node, sim) in sims.iter().enumerate() {
            let own = raw(of(&snapshot, node).finding(measure).unwrap()).estimate;
            assert!(near(own, sim.truth[at]), "{measure:?} of {node}: {own}");
        }
        let months = snapshot.trend(measure);
        let sum: f64 = months.iter().map(|f| raw(f).estimate).sum();
        assert!((sum - found).abs() < 1e-6);
        let tiers = snapshot.by(Dimension::Tier).iter();
        let sum: f64 = tiers
            .map(|g| raw(g.finding(measure).unwrap()).estimate)
            .sum();
        assert!((sum - found).abs() < 1e-6);
    }
    let (achieved, left) = (2, 1);
    let truth = |at: usize| sims.iter().map(|s| s.truth[at]).sum::<u64>() as f64;
    let rate = raw(snapshot.national_measure(Measure::Achievement).unwrap()).estimate;
    assert!((rate - truth(achieved) / truth(left)).abs() < 1e-4);
}

#[test]
fn variances_of_streams_add_up() {
    let (_, snapshot) = mixed(50);
    let se = |f: &Finding| raw(f).se;
    for measure in [Measure::Starts, Measure::Leavers, Measure::InProgress] {
        let nation = se(snapshot.national_measure(measure).unwrap());
        let own = (0..3).map(|n| se(of(&snapshot, n).finding(measure).unwrap()).powi(2));
        assert!((own.sum::<f64>().sqrt() / nation - 1.0).abs() < 1e-9);
    }
    // The node that changes has the noise of its first standard's four months, as the first node has, and of two months more.
    let [first, changing] = [0, 2].map(|n| se(of(&snapshot, n).finding(Measure::Starts).unwrap()));
    let mut alone = vec![Learners::new(2)];
    let two = publish(
        &mut alone,
        &[(0, Standard::v2(), 3), (0, Standard::v2(), 4)],
        50,
    );
    let second = se(of(&two, 2).finding(Measure::Starts).unwrap());
    // Districts differ from area to area, and with them the noise of what they add up to.
    let unchanged = publish(
        &mut [Learners::new(2)],
        &(1..=4).map(|m| (0, Standard::v1(), m)).collect::<Vec<_>>(),
        50,
    );
    let before = se(of(&unchanged, 2).finding(Measure::Starts).unwrap());
    assert!((before.hypot(second) / changing - 1.0).abs() < 1e-9);
    assert!(first > 0.0 && changing > before);
}

#[test]
fn what_a_standard_does_not_break_down_is_left_out_and_said() {
    let mut sims = sims();
    sims.iter_mut().for_each(Learners::quieten);
    let snapshot = publish(&mut sims, &four_months(), 100);
    // Only the first standard has outcomes by audience: the first node is in, the second is not, the third with its first stream.
    let groups = snapshot.by(Dimension::Audience);
    let leavers = groups[0].finding(Measure::Leavers).unwrap();
    let c = leavers.coverage;
    assert_eq!(
        (c.contributed, c.partial, c.late, c.missing, c.left_out),
        (1, 1, 0, 36, 2)
    );
    assert!(
        c.in_words().ends_with(
            "36 not in it, 2 left out in whole or part: their data standard has no such breakdown"
        ),
        "{}",
        c.in_words()
    );
    let all = raw(snapshot.national_measure(Measure::Leavers).unwrap()).estimate;
    let shown = groups.iter();
    let shown: f64 = shown
        .map(|g| raw(g.finding(Measure::Leavers).unwrap()).estimate)
        .sum();
    assert!(shown < all * 0.75 && shown > all * 0.4, "{shown} of {all}");
    // Both have starts by audience.
    let starts = groups[0].finding(Measure::Starts).unwrap().coverage;
    assert_eq!((starts.contributed, starts.left_out), (3, 0));
    assert_eq!(starts, snapshot.coverage());
}

#[test]
fn a_month_of_which_one_summary_is_owed_is_there_in_part() {
    let (v1, v2) = (Standard::v1(), Standard::v2());
    let whole = four_months();
    let (_, snapshot) = mixed(20);
    let c = snapshot.coverage();
    assert_eq!(
        (
            c.contributed,
            c.partial,
            c.two_standards,
            c.months,
            c.of_months
        ),
        (3, 0, 1, 12, 12)
    );
    assert_eq!(of(&snapshot, 2).releases, 6);
    assert_eq!(of(&snapshot, 2).standards, [v1.digest(), v2.digest()]);
    // Either of the two of the last month may be owed.
    for owed in [v1, v2] {
        let releases: Vec<_> = whole
            .iter()
            .filter(|r| **r != (2, owed, 4))
            .copied()
            .collect();
        let snapshot = publish(&mut sims(), &releases, 20);
        let standing = of(&snapshot, 2);
        assert_eq!(standing.status, Status::Partial);
        assert_eq!(
            (standing.months, &*standing.owes),
            (3, &[owed.digest()][..])
        );
        let c = snapshot.coverage();
        assert_eq!((c.contributed, c.partial, c.late), (2, 1, 0));
        assert_eq!((c.months, c.of_months), (11, 12));
        let last = snapshot.trend(Measure::Starts).last().unwrap().coverage;
        assert_eq!((last.contributed, last.partial), (2, 1));
        let code = standing.place.code.parse().unwrap();
        let own = snapshot.lep_trend(&code, Measure::Starts);
        assert_eq!(own.last().unwrap().coverage.partial, 1);
        assert_eq!(own.len(), 4);
    }
    // Before the change, and where both are owed, an area is late as ever.
    let releases: Vec<_> = whole
        .iter()
        .filter(|(node, _, month)| (*node, *month) != (2, 4))
        .copied()
        .collect();
    let snapshot = publish(&mut sims(), &releases, 20);
    assert_eq!(of(&snapshot, 2).status, Status::Late);
    assert_eq!(snapshot.trend(Measure::Starts)[0].coverage.partial, 0);
}

/// The earlier standard's months are over after three years of the next: then nothing of it is owed, and what it counted stays.
#[test]
fn an_earlier_standard_ends() {
    let (v1, v2) = (Standard::v1(), Standard::v2());
    let last = 2 + u8::try_from(crate::standard::TAIL).unwrap();
    let releases = |to: u8| -> Vec<_> {
        let old = (1..=last).map(|m| (0, v1, m));
        old.chain((3..=to).map(|m| (0, v2, m))).collect()
    };
    let status = |to: u8, ended: u8| {
        let releases = releases(to).into_iter();
        let releases: Vec<_> = releases
            .filter(|(_, of, month)| *of != v1 || *month <= ended)
            .collect();
        let snapshot = publish(&mut [Learners::new(0)], &releases, 1);
        let standing = of(&snapshot, 0);
        (standing.status, standing.owes.len(), standing.months)
    };
    let months = usize::from(last);
    assert_eq!(status(last, last), (Status::Contributed, 0, months));
    assert_eq!(status(last, last - 1), (Status::Partial, 1, months - 1));
    assert_eq!(status(last + 1, last), (Status::Contributed, 0, months + 1));
}

/// A month that was withdrawn under the earlier standard is wanting however long ago that one's months are over, and all of them are
/// where the first was withdrawn.
#[test]
fn what_was_withdrawn_under_one_of_two_standards_is_wanting() {
    let (v1, v2) = (Standard::v1(), Standard::v2());
    let last = 2 + u8::try_from(crate::standard::TAIL).unwrap();
    let releases: Vec<_> = (1..=last).map(|m| (0, v1, m)).collect();
    let releases = releases
        .into_iter()
        .chain((3..=last + 1).map(|m| (0, v2, m)));
    let releases: Vec<_> = releases.collect();
    let whole = state(&mut [Learners::new(0)], &releases, 1);
    let status = |snapshot: &Figures| {
        let standing = of(snapshot, 0);
        (standing.status, standing.months)
    };
    let months = usize::from(last) + 1;
    assert_eq!(
        status(&figures(whole.clone())),
        (Status::Contributed, months)
    );
    for (at, held, left) in [(0, 0, 0), (1, 1, 1), (3, 3, 3)] {
        let mut cut = whole.clone();
        let stream = cut.months.values_mut().next().unwrap();
        let revised = rollup::revise(stream, at, rollup::Change::Withdraw).unwrap();
        stream.splice(at.., revised.months);
        let counted = |all: &rollup::State| {
            let all = all.months.values().flatten();
            all.filter(|m| m.counts()).cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            counted(&cut).iter().filter(|m| m.standard == v1).count(),
            held
        );
        let snapshot = figures(cut.clone());
        assert_eq!(status(&snapshot), (Status::Partial, left), "month {at}");
        let c = snapshot.coverage();
        assert_eq!((c.contributed, c.partial, c.months), (0, 1, left));
        let months = snapshot.trend(Measure::Starts).last().unwrap().coverage;
        assert_eq!((months.contributed, months.partial), (0, 1));
        let lep = "E37000001".parse().unwrap();
        let own = snapshot.lep(&lep).unwrap().standing.clone();
        assert!(own.findings.iter().all(|f| f.coverage.partial == 1));
        // Whoever knows only what counts says it in so many words.
        let told = Figures::default().after(Arc::default(), counted(&cut));
        assert_eq!(status(&told).0, Status::Contributed);
        assert_eq!(
            crate::testing::shown(&told.cut_off(&lep, v1)),
            crate::testing::shown(&snapshot)
        );
        let again = snapshot.with(
            Arc::default(),
            Some(&lep),
            whole.months.values().flatten().cloned(),
        );
        assert_eq!(status(&again), (Status::Contributed, usize::from(last) + 1));
    }
}

/// A month that comes twice, as when it was logged while an area was read anew, is counted once.
#[test]
fn a_month_that_comes_twice_counts_once() {
    let all = state(&mut sims(), &four_months(), 20);
    let months = || all.months.values().flatten().cloned();
    let once = Figures::default().after(Arc::default(), months());
    let last = months().filter(|m| m.period == "2022-04".parse().unwrap());
    let twice = once.after(Arc::default(), last);
    let shown = crate::testing::shown;
    assert_eq!(shown(&twice), shown(&once));
}
