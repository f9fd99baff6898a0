use crate::additivity::Exact;

use super::super::finding::Standing;
use super::super::linear::{Linear, Noise};
use super::super::tests::{mixed, snapshot, three};
use super::*;
use crate::testing::Learners;

fn exactly(parts: impl Iterator<Item = Totals>, whole: &Totals, what: &str) {
    let parts: Vec<Totals> = parts.collect();
    for measure in Measure::ALL {
        let of = |t: &Totals| t[measure.place()];
        let Some(whole) = of(whole) else {
            assert!(parts.iter().all(|t| of(t).is_none()), "{what} {measure:?}");
            continue;
        };
        let sum = parts.iter().filter_map(of).reduce(Linear::plus).unwrap();
        assert_eq!(
            (sum.part, sum.base),
            (whole.part, whole.base),
            "{what} {measure:?}"
        );
        let bits = |e: Exact| e.in_counts().to_bits();
        assert_eq!(bits(sum.part), bits(whole.part), "{what} {measure:?}");
    }
}

/// The same of the codes of a dimension, where a measure that some standard does not hold by it is not compared: what is the sum of
/// parts is so to the last unit.
fn exactly_where_held(
    parts: impl Iterator<Item = Totals>,
    whole: &Totals,
    by: Dimension,
    standards: &[&Standard],
) {
    let held = |measure: Measure| {
        let all = standards.iter();
        all.copied().all(|s| holds(s, measure, Some(by)))
    };
    let only = |mut totals: Totals| {
        let dropped = Measure::ALL.into_iter().filter(|m| !held(*m));
        dropped.for_each(|m| totals[m.place()] = None);
        totals
    };
    exactly(parts.map(only), &only(*whole), &format!("{by:?}"));
}

#[test]
fn districts_areas_codes_and_months_add_up_to_the_last_unit() {
    add_up(&snapshot(&mut three(), 150));
}

#[test]
fn streams_of_two_standards_add_up_to_the_last_unit() {
    add_up(&mixed(150).1);
}

fn add_up(snapshot: &Figures) {
    let streams = snapshot.ground.areas.values().flat_map(|a| a.streams());
    let used: Vec<&Standard> = streams.map(|s| s.standard()).collect();
    let nation = snapshot.totals().unwrap();
    let areas = || snapshot.ground.areas.values();
    exactly(areas().map(|a| *a.totals().unwrap()), nation, "areas");
    let months = snapshot.ground.months.values();
    exactly(months.map(|m| *m.totals().unwrap()), nation, "months");
    let families = snapshot.families().unwrap();
    for dimension in Figures::BREAKDOWNS {
        let codes = 0..Standard::current().dimension(dimension).codes.len();
        let groups = codes.map(|code| families.totals(Some((dimension, code))));
        exactly_where_held(groups, nation, dimension, &used);
    }
    for (code, area) in &snapshot.ground.areas {
        let own = area.releases().into_iter();
        let own = own.map(|r| *r.own_totals().unwrap());
        let to_date = area.totals().unwrap();
        exactly(own, to_date, code.as_str());
        let families = area.families().unwrap();
        let districts = 0..district_codes(code).len();
        let districts = districts.map(|d| families.totals(Some((Dimension::Area, d))));
        exactly_where_held(districts, to_date, Dimension::Area, &used);
    }
    for (period, month) in &snapshot.ground.months {
        let own = month.releases.values().map(|r| *r.own_totals().unwrap());
        exactly(own, month.totals().unwrap(), &period.to_string());
    }
}

#[test]
fn a_figure_less_itself_is_nought_and_certain() {
    let snapshot = snapshot(&mut [(Learners::new(0), 2)], 400);
    let totals = snapshot.totals().unwrap();
    for linear in totals.iter().flatten() {
        let Some(none) = linear.less(linear, linear.noise) else {
            continue;
        };
        assert!(none.estimate == 0.0 && none.se < 1e-6, "{none:?}");
        let apart = linear.less(linear, Noise::default()).unwrap();
        let (_, raw) = linear.shown();
        assert!((apart.se / raw.unwrap().se - 2f64.sqrt()).abs() < 1e-9);
    }
}

/// With nobody enrolled every difference is noise: in units of its standard error its mean square is 1. Taken for
/// independent, an area and England would give 1/3 and neighbouring months 4/3.
#[test]
fn differences_have_the_error_that_they_state() {
    let mut squares = [const { Vec::new() }; 3];
    for seed in 0..100 {
        let mut sims = [
            (Learners::named("a-node", "E37000001", seed), 2),
            (Learners::named("b-node", "E37000005", seed + 100), 2),
        ];
        let snapshot = snapshot(&mut sims, 0);
        let lep: Gss = "E37000001".parse().unwrap();
        for measure in [Measure::Starts, Measure::Leavers, Measure::InProgress] {
            let tiers = ("basic", "advanced");
            let found = [
                snapshot.beside_england(&lep, measure),
                snapshot.change(measure),
                snapshot.between(Dimension::Tier, tiers, measure),
            ];
            for (squares, found) in squares.iter_mut().zip(found) {
                let Standing { estimate, se } = found.unwrap();
                squares.push((estimate / se).powi(2));
            }
        }
    }
    for (squares, what) in squares.iter().zip(["england", "months", "groups"]) {
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        // 200 independent squares of a standard normal: sd of their mean 0.1.
        assert!((mean - 1.0).abs() < 0.3, "{what}: {mean}");
    }
}
