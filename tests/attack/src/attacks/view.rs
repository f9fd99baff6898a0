//! What the strongest attacker knows: every release, every entry but the target's, and the public rules.
//!
//! With v_t = u_t + z_t per cell (noise module of `ldsp-protocol`), whoever knows all entries but one person's
//! subtracts their filtered counts and is left with that person's contribution and z. [`Lens`] holds z once
//! for all targets; a target's contribution is added back where it is attacked, which is the same thing.

use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::noise::{FILTER, GRID_BITS};
use ldsp_protocol::standard::{Dimension, Family, cell_index};

use crate::releases::{Published, Series};
use crate::truth::{ABSENT, Codes, Event, LAST, Truth};

/// One unit of a count on the grid.
pub(super) const UNIT: f64 = (1u64 << GRID_BITS) as f64;

/// c_k in counts.
pub(super) fn c(lag: usize) -> f64 {
    FILTER[lag] as f64 / UNIT
}

/// The filter's inverse: d with (d * c)_k = 1 for k = 0 and 0 otherwise, so that d * v are the months' entries and noise.
pub(super) fn inverse(months: usize) -> Vec<f64> {
    let mut d: Vec<f64> = Vec::with_capacity(months);
    for k in 0..months {
        let rest: f64 = (1..=k).map(|j| c(j) * d[k - j]).sum();
        d.push(if k == 0 { 1.0 } else { -rest });
    }
    d
}

/// A table as the attacker sees it; month-major arrays of `months` x `cells`.
#[derive(Clone)]
pub(super) struct TableView {
    pub(super) id: String,
    pub(super) family: Family,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) shape: Vec<usize>,
    pub(super) cells: usize,
    /// Variance as the manifest states it, in counts^2.
    pub(super) sigma2: f64,
    /// Published, in grid units: of a month that was drawn again the first version.
    pub(super) v: Vec<i64>,
    /// What was published of every known entry, noise apart, in grid units.
    pub(super) u: Vec<i64>,
    /// Entries of the month.
    pub(super) x: Vec<i64>,
    /// Noise in counts, averaged over versions.
    pub(super) z: Vec<f64>,
    /// sum over t >= s of c_{t-s} w_t z_t: the projection on an entry of month s.
    pub(super) g: Vec<f64>,
    /// Noise of the month's entries after undoing the filter.
    pub(super) d: Vec<f64>,
}

impl TableView {
    /// The cell of these codes; `None` where a code is absent or beyond the list.
    pub(super) fn cell(&self, codes: &Codes) -> Option<usize> {
        let mut position = [0; 3];
        for ((to, dimension), size) in position.iter_mut().zip(&self.dimensions).zip(&self.shape) {
            let code = codes[*dimension as usize];
            *to = match code {
                ABSENT => return None,
                LAST => size - 1,
                code => usize::from(code),
            };
            if *to >= *size {
                return None;
            }
        }
        Some(cell_index(&self.shape, &position[..self.shape.len()]))
    }

    pub(super) fn holds(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    pub(super) fn size(&self, dimension: Dimension) -> usize {
        let at = self.dimensions.iter().position(|d| *d == dimension);
        at.map_or(0, |at| self.shape[at])
    }
}

/// One series with everything known subtracted.
#[derive(Clone)]
pub(super) struct Lens {
    pub(super) node: usize,
    pub(super) digest: Digest,
    pub(super) first: Period,
    pub(super) months: usize,
    pub(super) tables: Vec<TableView>,
    /// Different releases of each month: averaging them divides the variance.
    pub(super) weight: Vec<f64>,
    /// A(s, s') = sum over t of w_t c_{t-s} c_{t-s'}.
    pub(super) inner: Vec<f64>,
    /// Variance of the noise as the attacker measures it, over that which is stated.
    pub(super) scale: f64,
}

impl Lens {
    pub(super) fn inner(&self, s: usize, t: usize) -> f64 {
        self.inner[s * self.months + t]
    }
}

/// An [`Event`] in its lens, months from 0.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) lens: usize,
    pub(super) family: Family,
    pub(super) month: usize,
    pub(super) weight: f64,
    pub(super) codes: Codes,
}

/// An enrolment under attack.
#[derive(Clone)]
pub(super) struct Spell {
    pub(super) node: usize,
    pub(super) learner: usize,
    pub(super) own: bool,
    /// Lens and month of the erasure.
    pub(super) erased: Option<(usize, usize)>,
    pub(super) entries: Vec<Entry>,
}

/// A node: its lenses in the order in which they began, and how many learners it has.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) lenses: Vec<usize>,
    learners: usize,
    /// Median number of learners of the nodes of its class: under 1,500, under 15,000, and more.
    pub(super) size: usize,
}

/// All that the attacker knows of all nodes.
pub(super) struct Knowledge {
    pub(super) nodes: Vec<Node>,
    pub(super) lenses: Vec<Lens>,
    pub(super) spells: Vec<Spell>,
    /// Enrolments of nodes or months that were not published.
    pub(super) outside: usize,
}

impl Knowledge {
    pub(super) fn new(published: &Published, truth: &Truth) -> Self {
        let usable: Vec<&Series> = published
            .series
            .iter()
            .filter(|s| !s.contiguous().is_empty())
            .collect();
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut nodes: Vec<Node> = Vec::new();
        let mut lenses = Vec::new();
        for (at, series) in usable.iter().enumerate() {
            let node = *names.entry(&series.node).or_insert(nodes.len());
            if node == nodes.len() {
                nodes.push(Node {
                    lenses: Vec::new(),
                    learners: 0,
                    size: 0,
                });
            }
            nodes[node].lenses.push(at);
            lenses.push(lens(series, node));
        }
        let mut known = Self {
            nodes,
            lenses,
            spells: Vec::new(),
            outside: 0,
        };
        known.learn(&usable, &names, truth);
        for lens in &mut known.lenses {
            lens.subtract();
        }
        known
    }

    fn learn(&mut self, usable: &[&Series], names: &BTreeMap<&str, usize>, truth: &Truth) {
        let mut learners: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for enrolment in &truth.enrolments {
            let Some(node) = names.get(enrolment.node.as_str()).copied() else {
                self.outside += 1;
                continue;
            };
            let number = learners.len();
            let learner = *learners.entry((node, &enrolment.learner)).or_insert(number);
            let mut entries = Vec::new();
            for event in &enrolment.events {
                match self.place(usable, node, event) {
                    Some((lens, month)) => entries.push(self.count(lens, month, event)),
                    None => self.outside += 1,
                }
            }
            let erased = enrolment.erased.and_then(|period| {
                let lens = entries.first()?.lens;
                let first = usable[lens].months[0].period;
                let month = usize::try_from(period.index() - first.index()).ok()?;
                (month < self.lenses[lens].months).then_some((lens, month))
            });
            self.spells.push(Spell {
                node,
                learner,
                own: enrolment.own,
                erased,
                entries,
            });
        }
        for (node, _) in learners.keys() {
            self.nodes[*node].learners += 1;
        }
        for class in [0..1_500, 1_500..15_000, 15_000..usize::MAX] {
            let mut sizes: Vec<usize> = self
                .nodes
                .iter()
                .map(|n| n.learners)
                .filter(|n| class.contains(n))
                .collect();
            sizes.sort_unstable();
            let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
            for node in self
                .nodes
                .iter_mut()
                .filter(|n| class.contains(&n.learners))
            {
                node.size = median;
            }
        }
    }

    fn place(&self, usable: &[&Series], node: usize, event: &Event) -> Option<(usize, usize)> {
        let lenses = &self.nodes[node].lenses;
        let standard = event.standard.unwrap_or(usable[lenses[0]].digest);
        let fits =
            |at: &&usize| usable[**at].digest == standard && usable[**at].epoch == event.epoch;
        let lens = *lenses.iter().find(fits)?;
        let first = usable[lens].months[0].period;
        let month = usize::try_from(event.period.index() - first.index()).ok()?;
        (month < self.lenses[lens].months).then_some((lens, month))
    }

    fn count(&mut self, lens: usize, month: usize, event: &Event) -> Entry {
        for table in self.lenses[lens]
            .tables
            .iter_mut()
            .filter(|t| t.family == event.family)
        {
            if let Some(cell) = table.cell(&event.codes) {
                table.x[month * table.cells + cell] += event.weight;
            }
        }
        Entry {
            lens,
            family: event.family,
            month,
            weight: event.weight as f64,
            codes: event.codes,
        }
    }

    /// Log-likelihoods, up to a common constant, of what the releases would be under each of `candidates` where
    /// `truth` are the entries that were really counted. Gaussian on every published cell that `holds`, exact: with
    /// residual r = mu_true + z, log L_h = (<r, mu_h> - |mu_h|^2 / 2) / sigma^2 summed over tables.
    pub(super) fn log_likelihoods(
        &self,
        truth: &[Entry],
        candidates: &[Vec<Entry>],
        holds: impl Fn(&TableView) -> bool,
    ) -> Vec<f64> {
        let mut sums = vec![0.0; candidates.len()];
        let mut touched: Vec<usize> = truth
            .iter()
            .chain(candidates.iter().flatten())
            .map(|e| e.lens)
            .collect();
        touched.sort_unstable();
        touched.dedup();
        for at in touched {
            let lens = &self.lenses[at];
            for table in lens.tables.iter().filter(|t| holds(t)) {
                let points = |entries: &[Entry]| -> Vec<(usize, usize, f64)> {
                    let here = entries
                        .iter()
                        .filter(|e| e.lens == at && e.family == table.family);
                    here.filter_map(|e| Some((table.cell(&e.codes)?, e.month, e.weight)))
                        .collect()
                };
                let product = |a: &[(usize, usize, f64)], b: &[(usize, usize, f64)]| -> f64 {
                    let pairs = a.iter().flat_map(|p| b.iter().map(move |q| (p, q)));
                    pairs
                        .filter(|(p, q)| p.0 == q.0)
                        .map(|(p, q)| p.2 * q.2 * lens.inner(p.1, q.1))
                        .sum()
                };
                let real = points(truth);
                for (sum, candidate) in sums.iter_mut().zip(candidates) {
                    let points = points(candidate);
                    let noise: f64 = points
                        .iter()
                        .map(|(cell, s, w)| w * table.g[s * table.cells + cell])
                        .sum();
                    let fit = noise + product(&real, &points) - 0.5 * product(&points, &points);
                    *sum += fit / (table.sigma2 * lens.scale);
                }
            }
        }
        sums
    }
}

fn lens(series: &Series, node: usize) -> Lens {
    let months = series.contiguous();
    let first = &months[0].versions[0].noise;
    let tables = series
        .standard
        .tables()
        .iter()
        .enumerate()
        .map(|(at, declared)| {
            let shape = series.shape(at);
            let cells: usize = shape.iter().product();
            let mut v = vec![0; months.len() * cells];
            let mut z = vec![0.0; months.len() * cells];
            for (month, to) in months.iter().enumerate() {
                for (version, summary) in to.versions.iter().enumerate() {
                    for (cell, value) in summary.tables[at].cells.iter().take(cells).enumerate() {
                        z[month * cells + cell] += *value as f64 / UNIT / to.versions.len() as f64;
                        if version == 0 {
                            v[month * cells + cell] = *value;
                        }
                    }
                }
            }
            let stated = first.sigma2.get(&declared.id).copied().unwrap_or(0).max(1);
            TableView {
                id: declared.id.clone(),
                family: declared.family,
                dimensions: declared.dimensions.clone(),
                shape,
                cells,
                sigma2: stated as f64 / (UNIT * UNIT),
                v,
                u: vec![0; months.len() * cells],
                x: vec![0; months.len() * cells],
                z,
                g: Vec::new(),
                d: Vec::new(),
            }
        });
    Lens {
        node,
        digest: series.digest,
        first: months[0].period,
        months: months.len(),
        tables: tables.collect(),
        weight: months.iter().map(|m| m.versions.len() as f64).collect(),
        inner: Vec::new(),
        scale: 1.0,
    }
}

impl Lens {
    /// Subtracts what is known and prepares the projections.
    pub(super) fn subtract(&mut self) {
        for table in &mut self.tables {
            let n = table.cells;
            for t in 0..self.months {
                for s in 0..=t {
                    for cell in 0..n {
                        table.u[t * n + cell] += FILTER[t - s] * table.x[s * n + cell];
                    }
                }
            }
            for (z, u) in table.z.iter_mut().zip(&table.u) {
                *z -= *u as f64 / UNIT;
            }
        }
        self.project();
    }

    /// Prepares the projections from z.
    pub(super) fn project(&mut self) {
        let months = self.months;
        let inverse = inverse(months);
        for table in &mut self.tables {
            let n = table.cells;
            table.g = vec![0.0; months * n];
            table.d = vec![0.0; months * n];
            for s in 0..months {
                for t in s..months {
                    let factor = c(t - s) * self.weight[t];
                    for cell in 0..n {
                        table.g[s * n + cell] += factor * table.z[t * n + cell];
                        table.d[t * n + cell] += inverse[t - s] * table.z[s * n + cell];
                    }
                }
            }
        }
        self.inner = vec![0.0; months * months];
        for s in 0..months {
            for t in 0..months {
                let sum = (s.max(t)..months)
                    .map(|m| self.weight[m] * c(m - s) * c(m - t))
                    .sum();
                self.inner[s * months + t] = sum;
            }
        }
        self.scale = self.measure();
    }

    /// The attacker does not trust the stated variance: the median of |z| / sigma over cells that carry noise, over
    /// the median of a standard normal variable, squared. A median, because a flaw may move a month by thousands.
    fn measure(&self) -> f64 {
        let mut sizes: Vec<f64> = Vec::new();
        for table in &self.tables {
            for (at, z) in table.z.iter().enumerate() {
                if table.v[at] != 0 {
                    sizes.push(z.abs() * (self.weight[at / table.cells] / table.sigma2).sqrt());
                }
            }
        }
        if sizes.is_empty() {
            return 1.0;
        }
        let middle = sizes.len() / 2;
        let (_, median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
        (*median / 0.674_489_75).powi(2).max(1e-6)
    }

    /// Variance, over sigma^2, of the noise of one month's entries after undoing the filter.
    pub(super) fn month_variance(&self, month: usize) -> f64 {
        let inverse = inverse(month + 1);
        (0..=month)
            .map(|k| inverse[k].powi(2) / self.weight[month - k])
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::DIMENSIONS;

    #[test]
    fn codes_stand_in_the_order_of_the_dimensions() {
        for (at, dimension) in DIMENSIONS.iter().enumerate() {
            assert_eq!(*dimension as usize, at);
        }
    }

    #[test]
    fn the_inverse_undoes_the_filter() {
        let inverse = inverse(40);
        for k in 0..40 {
            let sum: f64 = (0..=k).map(|j| c(j) * inverse[k - j]).sum();
            assert!((sum - f64::from(u8::from(k == 0))).abs() < 1e-9);
        }
    }
}
