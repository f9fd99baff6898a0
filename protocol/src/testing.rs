//! Learners known to a test, counted and made noise of as the standard says. The aggregator's tests read this file too, so that there
//! is one such federation.

use std::collections::BTreeMap;

use ldsp_protocol::benchmark::{Figures, Measure};
use ldsp_protocol::ids::{Gss, NodeSlug, Period};
use ldsp_protocol::noise::filtered;
use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, cell_index};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const LEPS: [(&str, &str); 3] = [
    ("black-country", "E37000001"),
    ("solent", "E37000055"),
    ("cornwall-scilly", "E37000005"),
];

/// A standard normal deviate (Box and Muller 1958).
fn normal(rng: &mut ChaCha20Rng) -> f64 {
    let uniform = |rng: &mut ChaCha20Rng| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let (a, b) = (1.0 - uniform(rng), uniform(rng));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// A node's learners.
pub(crate) struct Learners {
    pub(crate) slug: NodeSlug,
    pub(crate) lep: Gss,
    pub(crate) next: Period,
    /// Entries by version of the standard, by table and cell, month by month.
    entries: BTreeMap<u32, Vec<Vec<Vec<i64>>>>,
    /// Starts, leavers, achievers so far.
    pub(crate) truth: [u64; 3],
    rng: ChaCha20Rng,
    noisy: bool,
}

impl Learners {
    pub(crate) fn new(number: usize) -> Self {
        let (slug, lep) = LEPS[number];
        Self::named(slug, lep, number as u8 + 1)
    }

    pub(crate) fn named(slug: &str, lep: &str, seed: u8) -> Self {
        Self {
            slug: slug.parse().unwrap(),
            lep: lep.parse().unwrap(),
            next: "2022-01".parse().unwrap(),
            entries: BTreeMap::new(),
            truth: [0; 3],
            rng: ChaCha20Rng::from_seed([seed; 32]),
            noisy: true,
        }
    }

    /// From now on without noise, so that estimates are the truth.
    pub(crate) fn quieten(&mut self) {
        self.noisy = false;
    }

    /// A month's summary of `spells` new enrolments, under the present standard.
    pub(crate) fn summary(&mut self, spells: usize) -> LearningSummary {
        self.summary_under(Standard::current(), spells)
    }

    /// The next month of the stream under a standard.
    pub(crate) fn summary_under(&mut self, standard: &Standard, spells: usize) -> LearningSummary {
        let codebook = Codebook::new(&self.lep, &[]);
        let mut month: Vec<Vec<i64>> = standard
            .tables()
            .iter()
            .map(|t| vec![0; codebook.cells(t)])
            .collect();
        for _ in 0..spells {
            self.spell(standard, &codebook, &mut month);
        }
        let entries = self.entries.entry(standard.version()).or_default();
        entries.push(month);
        let noise = Manifest::new(standard, 1, entries.len(), standard.noise().rho_micro);
        let tables = standard.tables().iter().enumerate().map(|(number, table)| {
            let sigma = (noise.sigma2[&table.id] as f64).sqrt();
            let cells = (0..codebook.cells(table)).map(|cell| {
                let series: Vec<i64> = entries.iter().map(|m| m[number][cell]).collect();
                let z = if self.noisy {
                    (normal(&mut self.rng) * sigma).round() as i64
                } else {
                    0
                };
                filtered(&series) + z
            });
            ProtectedTable {
                id: table.id.clone(),
                cells: cells.collect(),
            }
        });
        LearningSummary {
            software: "test/1".into(),
            tables: tables.collect(),
            noise,
            pledges: vec![],
        }
    }

    fn spell(&mut self, standard: &Standard, codebook: &Codebook, month: &mut [Vec<i64>]) {
        let mut codes: BTreeMap<Dimension, usize> = BTreeMap::new();
        let mut leaves = BTreeMap::new();
        for family in Family::ALL {
            let share = if family == Family::Starts { 100 } else { 80 };
            leaves.insert(family, self.rng.next_u64() % 100 < share);
        }
        for (number, table) in standard.tables().iter().enumerate() {
            let position: Vec<usize> = table
                .dimensions
                .iter()
                .map(|d| {
                    let size = codebook.size(*d) as u64;
                    *codes
                        .entry(*d)
                        .or_insert_with(|| (self.rng.next_u64() % size) as usize)
                })
                .collect();
            if leaves[&table.family] {
                month[number][cell_index(&codebook.shape(table), &position)] += 1;
            }
        }
        self.truth[0] += 1;
        if leaves[&Family::Leavers] {
            self.truth[1] += 1;
            self.truth[2] += u64::from(codes[&Dimension::Outcome] == 0);
        }
    }
}

/// Everything that can be asked of a snapshot.
pub(crate) fn shown(s: &Figures) -> String {
    let by: Vec<_> = Figures::BREAKDOWNS.iter().map(|d| s.by(*d)).collect();
    let trends: Vec<_> = Measure::ALL.iter().map(|m| s.trend(*m)).collect();
    let leps: Vec<_> = (s.leps().iter())
        .map(|l| {
            let code = l.place.code.parse().unwrap();
            let own: Vec<_> = Measure::ALL
                .iter()
                .map(|m| s.lep_trend(&code, *m))
                .collect();
            format!("{:?} {own:?}", s.lep(&code))
        })
        .collect();
    let (national, regions, coverage) = (s.national(), s.regions(), s.coverage());
    format!("{national:?} {regions:?} {coverage:?} {by:?} {trends:?} {leps:?}")
}
