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
