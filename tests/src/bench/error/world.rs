//! Nodes and their noise.

use std::collections::BTreeMap;

use ldsp_node::disclosure::sampler::DiscreteGaussian;
use ldsp_protocol::additivity::Observed;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::noise::{cumulative, sigma2, variance};
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, Table};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

/// Months that figures add up.
pub(super) const MONTHS: usize = 36;
/// Learners of the federation, as in the design's experiment.
const LEARNERS: f64 = 423_000.0;

/// A table with its noise.
pub(super) type Seen = Observed;

/// One LEP's node.
pub(super) struct Node {
    pub(super) codebook: Codebook,
    /// Its share of the learners, by population aged 16 to 64.
    pub(super) learners: f64,
    /// By learners: under 8,000 `small`, under 15,000 `middle`, else `large`.
    pub(super) class: &'static str,
}

/// Tables in the standard's order.
pub(super) struct Tables {
    pub(super) observed: Vec<Seen>,
}

/// All 38.
pub(super) fn nodes() -> Vec<Node> {
    let map = Geography::embedded();
    let people = |lep: &Gss| -> f64 {
        let districts = map.owned_by(lep);
        let of = districts
            .iter()
            .filter_map(|d| map.district(d)?.population_16_64);
        of.sum::<u64>() as f64
    };
    let total: f64 = map.leps().map(|l| people(&l.code)).sum();
    let node = |lep: &ldsp_protocol::geography::Lep| {
        let learners = LEARNERS * people(&lep.code) / total;
        let class = match learners {
            l if l < 8_000.0 => "small",
            l if l < 15_000.0 => "middle",
            _ => "large",
        };
        Node {
            codebook: Codebook::new(&lep.code, &[]),
            learners,
            class,
        }
    };
    map.leps().map(node).collect()
}

/// A standard normal number (Box and Muller 1958).
pub(super) fn normal(rng: &mut ChaCha20Rng) -> f64 {
    let unit = |n: u64| ((n >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (a, b) = (unit(rng.next_u64()), unit(rng.next_u64()));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Units of 2^-32 in enrolments.
pub(super) fn in_counts(value: i64) -> f64 {
    value as f64 / 2f64.powi(32)
}

impl Node {
    /// Variance of a cell after [`MONTHS`].
    pub(super) fn variance(table: &Table) -> f64 {
        variance(sigma2(table.rho_micro), 0, MONTHS)
    }

    /// Noise of every table after [`MONTHS`], normal.
    pub(super) fn noise(&self, rng: &mut ChaCha20Rng) -> Tables {
        self.tables(|table| {
            let sd = Self::variance(table).sqrt() * 2f64.powi(32);
            (normal(rng) * sd).round() as i64
        })
    }

    /// Tables without any, for errors that follow from the covariance alone.
    pub(super) fn quiet(&self) -> Tables {
        self.tables(|_| 0)
    }

    /// The same drawn month by month by the sampler that nodes use.
    pub(super) fn exact_noise(&self, rng: &mut ChaCha20Rng) -> Tables {
        self.tables(|table| {
            let gaussian = DiscreteGaussian::new(sigma2(table.rho_micro));
            let gaussian = gaussian.expect("the standard's sigma is in range");
            let z: Vec<i64> = (0..MONTHS).map(|_| gaussian.sample(rng)).collect();
            cumulative(&z).expect("noise alone stays in range")
        })
    }

    fn tables(&self, mut cell: impl FnMut(&Table) -> i64) -> Tables {
        let standard = Standard::current();
        let observed = standard.tables().iter().map(|table| {
            let shape = self.codebook.shape(table);
            let cells = 0..shape.iter().product::<usize>();
            let values = cells.map(|_| cell(table)).collect();
            let kept = &table.dimensions;
            Observed::of(standard, table, kept, shape, values, Self::variance(table))
        });
        Tables {
            observed: observed.collect(),
        }
    }
}

/// Whether dimensions of the table were summed out.
pub(super) fn summed(table: &Table, observed: &Seen) -> bool {
    table.dimensions != observed.dimensions
}

/// Sums over nodes, districts summed out.
pub(super) fn nation(nodes: &[Tables]) -> Tables {
    let standard = Standard::current();
    let observed = standard.tables().iter().enumerate().map(|(at, table)| {
        let kept: Vec<Dimension> = table
            .dimensions
            .iter()
            .copied()
            .filter(|d| *d != Dimension::Area)
            .collect();
        let mut sum: Option<Seen> = None;
        for node in nodes {
            let own = &node.observed[at];
            let full = ldsp_protocol::additivity::Margin {
                dimensions: own.dimensions.clone(),
                shape: own.shape.clone(),
                values: own.values.clone(),
            };
            let part = full.onto(&kept);
            let variance = own.variance * (full.values.len() / part.values.len()) as f64;
            match &mut sum {
                None => {
                    sum = Some(Observed::of(
                        standard,
                        table,
                        &kept,
                        part.shape,
                        part.values,
                        variance,
                    ))
                }
                Some(sum) => {
                    sum.variance += variance;
                    sum.values
                        .iter_mut()
                        .zip(part.values)
                        .for_each(|(a, b)| *a += b);
                }
            }
        }
        sum.expect("there are nodes")
    });
    Tables {
        observed: observed.collect(),
    }
}

impl Tables {
    /// By family, as the estimator takes them.
    pub(super) fn families(&self) -> BTreeMap<Family, Vec<Seen>> {
        let mut families: BTreeMap<Family, Vec<Seen>> = BTreeMap::new();
        for (table, observed) in Standard::current().tables().iter().zip(&self.observed) {
            families
                .entry(table.family)
                .or_default()
                .push(observed.clone());
        }
        families
    }
}
