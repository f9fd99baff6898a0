//! Feasible intervals: what additivity and non-negativity leave of each small count.
//!
//! A cell lies within four standard deviations of its estimate, is a whole number and not negative; tables of a family
//! share their margins. Bounds are propagated between cells and shared margins until nothing moves (bounds consistency;
//! Schulte and Stuckey 2005): every bound is valid for the linear programme, and for one margin per table, where each cell
//! is in one sum, it is the programme's own optimum. A simplex over a thousand cells adds little at this noise, and
//! propagation needs no solver.

use std::collections::BTreeMap;

use ldsp_protocol::additivity::Margin;
use ldsp_protocol::standard::{Dimension, Family};

use super::counts::consistent;
use super::score::{PROOF_P, surprise};
use super::view::{Knowledge, Lens, TableView};
use crate::statistics::binomial_tail;
use crate::verdict::{Unit, Verdict};

/// Half width of the interval that a reader takes as certain.
const WIDTH: f64 = 4.0;
const ROUNDS: usize = 20;
/// Counts that point at people.
const SMALL: std::ops::RangeInclusive<f64> = 1.0..=4.0;

struct Bounds {
    low: Vec<f64>,
    high: Vec<f64>,
}

/// Cells that the bounds prove to hold 1 to 4 people: how many claims, how many right; and how many cells hold 1 to 4.
#[derive(Default)]
struct Tally {
    cells: usize,
    small: usize,
    claims: u64,
    right: u64,
}

pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    for lens in &known.lenses {
        let tally = tallies.entry(known.nodes[lens.node].size).or_default();
        for family in Family::ALL {
            family_bounds(lens, family, tally);
        }
    }
    let verdict = |(size, tally): (&usize, &Tally)| {
        let chance = tally.small as f64 / tally.cells.max(1) as f64;
        let p = binomial_tail(tally.right, tally.claims, chance);
        let sentence = format!(
            "Cells that intervals, sums and zero prove to hold 1 to 4 people: {} claims, {} right; {:.1} % of cells do.",
            tally.claims,
            tally.right,
            100.0 * chance
        );
        Verdict::at_most(
            "feasible intervals",
            tally.cells,
            surprise(p),
            surprise(PROOF_P),
            Unit::Surprise,
            sentence,
        )
        .of_size(*size)
    };
    tallies.iter().map(verdict).collect()
}

fn family_bounds(lens: &Lens, family: Family, tally: &mut Tally) {
    let estimates = consistent(lens, family);
    let mut bounds: Vec<Bounds> = estimates
        .iter()
        .map(|(_, margin, sd)| Bounds {
            low: margin
                .values
                .iter()
                .map(|y| (y - WIDTH * sd).ceil().max(0.0))
                .collect(),
            high: margin
                .values
                .iter()
                .map(|y| (y + WIDTH * sd).floor().max(0.0))
                .collect(),
        })
        .collect();
    let mut dimensions: Vec<Dimension> = estimates
        .iter()
        .flat_map(|(t, ..)| t.dimensions.clone())
        .collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    for _ in 0..ROUNDS {
        let mut moved = false;
        for dimension in &dimensions {
            let holding: Vec<usize> = (0..estimates.len())
                .filter(|at| estimates[*at].0.holds(*dimension))
                .collect();
            moved |= share(&estimates, &mut bounds, &holding, *dimension);
        }
        if !moved {
            break;
        }
    }
    for ((table, ..), bounds) in estimates.iter().zip(&bounds) {
        for cell in 0..table.cells {
            let truth: i64 = (0..lens.months)
                .map(|s| table.x[s * table.cells + cell])
                .sum();
            let small = SMALL.contains(&(truth as f64));
            tally.cells += 1;
            tally.small += usize::from(small);
            if SMALL.contains(&bounds.low[cell]) && SMALL.contains(&bounds.high[cell]) {
                tally.claims += 1;
                tally.right +=
                    u64::from((bounds.low[cell]..=bounds.high[cell]).contains(&(truth as f64)));
            }
        }
    }
}

/// Intersects the tables' bounds of one shared margin and hands what is gained back to the cells; whether any moved.
fn share(
    estimates: &[(&TableView, Margin, f64)],
    bounds: &mut [Bounds],
    holding: &[usize],
    dimension: Dimension,
) -> bool {
    let sums = |at: usize, values: &[f64]| {
        let table = estimates[at].0;
        let margin = Margin {
            dimensions: table.dimensions.clone(),
            shape: table.shape.clone(),
            values: values.to_vec(),
        };
        margin.onto(&[dimension]).values
    };
    let Some(first) = holding.first() else {
        return false;
    };
    let size = estimates[*first].0.size(dimension);
    let (mut low, mut high) = (vec![0.0; size], vec![f64::INFINITY; size]);
    let mut own = Vec::new();
    for at in holding {
        let (lows, highs) = (sums(*at, &bounds[*at].low), sums(*at, &bounds[*at].high));
        for code in 0..size {
            low[code] = lows[code].max(low[code]);
            high[code] = highs[code].min(high[code]);
        }
        own.push((lows, highs));
    }
    let mut moved = false;
    for (at, (lows, highs)) in holding.iter().zip(own) {
        let table = estimates[*at].0;
        for cell in 0..table.cells {
            let code = code_of(table, cell, dimension);
            if low[code] > high[code] {
                // Four standard deviations were exceeded somewhere: nothing can be said here.
                continue;
            }
            let to = &mut bounds[*at];
            let ceiling = high[code] - (lows[code] - to.low[cell]);
            let floor = low[code] - (highs[code] - to.high[cell]);
            if ceiling < to.high[cell] && ceiling >= to.low[cell] {
                (to.high[cell], moved) = (ceiling, true);
            }
            if floor > to.low[cell] && floor <= to.high[cell] {
                (to.low[cell], moved) = (floor, true);
            }
        }
    }
    moved
}

fn code_of(table: &TableView, cell: usize, dimension: Dimension) -> usize {
    let at = table
        .dimensions
        .iter()
        .position(|d| *d == dimension)
        .unwrap_or(0);
    ldsp_protocol::additivity::positions(&table.shape, cell)[at]
}
