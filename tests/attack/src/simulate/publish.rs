//! From entries to signed releases: the node's sampler and the public filter, with a flaw where one is planted.

use ed25519_dalek::SigningKey;
use ldsp_node::disclosure::sampler::DiscreteGaussian;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::noise::{FILTER, GRID_BITS};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind, SCHEMA};
use ldsp_protocol::summary::{LearningSummary, Manifest, ProtectedTable};
use rand_core::CryptoRng;

use super::flaw::Flaw;

/// Exact entries of one stream: per table in the standard's order, per month, per cell.
pub(super) type Entries = Vec<Vec<Vec<i64>>>;

/// One stream of a node: what a standard and an epoch publish, from `first` on.
pub(super) struct Stream<'a> {
    pub(super) standard: &'a Standard,
    pub(super) epoch: u32,
    pub(super) first: Period,
    pub(super) entries: Entries,
}

/// One month's noise for one cell, in grid units; `earlier` are the cell's whole-number draws, this month's last.
fn noise(
    gaussian: &DiscreteGaussian,
    flaw: Option<Flaw>,
    earlier: &mut Vec<i64>,
    rng: &mut (impl CryptoRng + ?Sized),
) -> i64 {
    let drawn = gaussian.sample(rng);
    match flaw {
        Some(Flaw::IntegerNoise) => drawn << GRID_BITS,
        Some(Flaw::FilteredIntegerNoise) => {
            earlier.push(drawn);
            earlier.iter().rev().zip(FILTER).map(|(z, c)| z * c).sum()
        }
        _ => drawn,
    }
}

fn gaussian(stated: u64, flaw: Option<Flaw>) -> DiscreteGaussian {
    let variance = match flaw {
        Some(Flaw::IntegerNoise | Flaw::FilteredIntegerNoise) => {
            stated.div_ceil(1 << (2 * GRID_BITS))
        }
        Some(Flaw::DoubledRho) => stated / 2,
        Some(Flaw::FaintNoise) => stated / 10_000,
        _ => stated,
    };
    DiscreteGaussian::new(variance)
        .expect("the standard's variances and parts of them are between 1 and 2^60")
}

/// The month's protected tables, drawn as `ldsp_node::disclosure::protect` draws them: cells in the standard's order.
pub(super) fn summaries(
    stream: &Stream<'_>,
    rho_micro: u64,
    flaw: Option<Flaw>,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Vec<LearningSummary> {
    let months = stream.entries.first().map_or(0, Vec::len);
    let mut whole: Vec<Vec<Vec<i64>>> = stream
        .entries
        .iter()
        .map(|t| vec![Vec::new(); t.first().map_or(0, Vec::len)])
        .collect();
    let mut all = Vec::with_capacity(months);
    for month in 0..months {
        let manifest = Manifest::new(stream.standard, stream.epoch, month + 1, rho_micro);
        let mut tables = Vec::new();
        for (at, declared) in stream.standard.tables().iter().enumerate() {
            let gaussian = gaussian(manifest.sigma2[&declared.id], flaw);
            let entries = &stream.entries[at];
            let cells = (0..entries[month].len()).map(|cell| {
                let filtered: i64 = (0..=month)
                    .map(|s| FILTER[month - s] * entries[s][cell])
                    .sum();
                let z = noise(&gaussian, flaw, &mut whole[at][cell], rng);
                match flaw {
                    Some(Flaw::NoiselessZeros) if filtered == 0 => 0,
                    Some(Flaw::FilteredIntegerNoise) => (entries[month][cell] << GRID_BITS) + z,
                    _ => filtered + z,
                }
            });
            tables.push(ProtectedTable {
                id: declared.id.clone(),
                cells: cells.collect(),
            });
        }
        all.push(LearningSummary {
            software: ldsp_node::SOFTWARE.to_owned(),
            noise: manifest,
            pledges: Vec::new(),
            tables,
        });
    }
    all
}

/// A node's outbox.
pub(super) struct Signer {
    pub(super) node: NodeSlug,
    key: SigningKey,
    seq: u64,
    prev: Digest,
}

/// One signed release: folder, envelope and public key in hex.
pub type Release = (String, Vec<u8>, String);

impl Signer {
    pub(super) fn new(node: NodeSlug, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        Self {
            node,
            key: SigningKey::from_bytes(&secret),
            seq: 0,
            prev: Digest::ZERO,
        }
    }

    pub(super) fn sign(
        &mut self,
        stream: &Stream<'_>,
        period: Period,
        summary: LearningSummary,
    ) -> Release {
        self.seq += 1;
        let body = Body {
            schema: SCHEMA,
            origin: "simulated.example".to_owned(),
            node: self.node.clone(),
            seq: self.seq,
            prev: self.prev,
            kind: Kind::LearningSummary,
            period: Some(period),
            standard: stream.standard.digest(),
            payload: summary,
        };
        let sealed = Sealed::sign(
            &self.key,
            &Kind::LearningSummary.payload_type(),
            &body.to_bytes(),
        );
        self.prev = sealed.pae();
        let key: String = self
            .key
            .verifying_key()
            .as_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        (
            format!("{}-{:04}", self.node, self.seq),
            sealed.envelope().to_vec(),
            key,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_node::cube::{Entry, bit, count};
    use ldsp_node::disclosure::{LedgerMonth, LedgerTable, protect};
    use ldsp_protocol::accountant::{Accountant, Design, Release};
    use ldsp_protocol::standard::{Codebook, Family};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    /// The simulation draws what a node draws, byte for byte.
    #[test]
    fn a_sound_simulation_is_the_nodes_own_release() {
        Standard::all().iter().for_each(drawn_as_a_node_draws);
    }

    fn drawn_as_a_node_draws(standard: &'static Standard) {
        let codebook = Codebook::new(&"E37000001".parse().unwrap(), &[]);
        let first: Period = "2020-01".parse().unwrap();
        let rho = standard.noise().rho_micro;
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let mut history: Vec<LedgerMonth> = Vec::new();
        let (mut accountant, design) = (Accountant::new(), Design::of(standard, rho));
        let mut expected = Vec::new();
        for month in 0..3 {
            let entries = (0..40).map(|n| Entry {
                fresh: bit(Family::Starts) | bit(Family::Leavers),
                skill: (n * (month + 1)) % 14,
                tier: n % 4,
                outcome: Some(n % 3),
                ..Entry::default()
            });
            let period = first.plus(month as i32).unwrap();
            let counts = count(standard, &codebook, period, entries).unwrap();
            let release = Release {
                design: &design,
                epoch: 1,
                month: month + 1,
                corrections: &[],
            };
            let admitted = accountant.admit(&release).unwrap();
            let protected = protect(&counts, &history, &admitted, &mut rng).unwrap();
            let tables = counts.tables().iter().zip(&protected.summary().tables);
            history.push(LedgerMonth {
                standard,
                epoch: 1,
                month: month + 1,
                period: counts.period(),
                tables: tables
                    .map(|(entries, table)| LedgerTable {
                        entries: entries.clone(),
                        published: table.cells.clone(),
                    })
                    .collect(),
            });
            expected.push(protected.summary().clone());
        }
        let table = |at: usize| {
            history
                .iter()
                .map(|m| m.tables[at].entries.clone())
                .collect()
        };
        let stream = Stream {
            standard,
            epoch: 1,
            first,
            entries: (0..standard.tables().len()).map(table).collect(),
        };
        let drawn = summaries(&stream, rho, None, &mut ChaCha20Rng::seed_from_u64(7));
        assert_eq!(drawn, expected);
    }
}
