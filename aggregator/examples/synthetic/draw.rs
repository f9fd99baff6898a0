//! Invented enrolments, counted into the standard's tables.

use ldsp_protocol::standard::{Codebook, Dimension, Family, Standard, cell_index};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

/// A standard normal number (Box and Muller 1958).
pub(super) fn normal(rng: &mut impl Rng) -> f64 {
    let unit = |n: u64| ((n >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let (a, b) = (unit(rng.next_u64()), unit(rng.next_u64()));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Draws enrolments.
pub(super) struct Draw<'a> {
    pub(super) standard: &'static Standard,
    pub(super) rng: &'a mut ChaCha20Rng,
    pub(super) codebook: &'a Codebook,
}

pub(super) type Counts = Vec<Vec<i64>>;

impl Draw<'_> {
    /// Entry counts by month, table, cell.
    pub(super) fn entries(&mut self, months: usize, size: u64) -> Vec<Counts> {
        let tables = self.standard.tables();
        let empty: Counts = tables
            .iter()
            .map(|t| vec![0; self.codebook.cells(t)])
            .collect();
        let mut entries = vec![empty; months];
        let quality = self.rng.next_u64() % 14;
        for start in 0..months {
            for _ in 0..size {
                let person = self.person();
                self.add(&mut entries[start], Family::Starts, &person);
                // History before the first month leaves too, so that leavers do not start at nought.
                let end =
                    start.saturating_sub(1) + usize::try_from(self.rng.next_u64() % 3).unwrap_or(0);
                if end < months && self.rng.next_u64() % 100 < 92 {
                    self.leave(&mut entries, end, person, quality);
                }
            }
        }
        entries
    }

    fn leave(
        &mut self,
        entries: &mut [Counts],
        end: usize,
        mut person: Vec<(Dimension, usize)>,
        quality: u64,
    ) {
        let by_tier = person.iter().find(|(d, _)| *d == Dimension::Tier);
        let easier = by_tier.map_or(0, |(_, t)| 6 * (2 - (*t).min(2)) as u64);
        let luck = self.rng.next_u64() % 100;
        let outcome = match luck {
            l if l < 62 + quality + easier => 0,
            l if l < 76 + quality + easier => 1,
            _ => 2,
        };
        person.push((Dimension::Outcome, outcome));
        self.add(&mut entries[end], Family::Leavers, &person);
        person.push((Dimension::Confidence, [0, 1, 1, 2, 2, 2][self.below(6)]));
        person.push((Dimension::Everyday, [0, 1, 2, 2][self.below(4)]));
        person.push((Dimension::Destination, self.below(5)));
        self.add(&mut entries[end], Family::Confidence, &person);
        self.add(&mut entries[end], Family::Everyday, &person);
        if let Some(later) = entries.get_mut(end + 2) {
            self.add(later, Family::Destination6, &person);
        }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.next_u64() % n.max(1) as u64).unwrap_or(0)
    }

    /// A code for each dimension; early codes are likelier and the last, "not stated", is rare.
    fn person(&mut self) -> Vec<(Dimension, usize)> {
        use Dimension::{
            Age, Area, Audience, Disability, Ethnicity, Mode, Pledge, Prior, ProgrammeType, Sex,
            Skill, Tier,
        };
        let dimensions = [
            Area,
            Tier,
            Skill,
            Mode,
            Age,
            Sex,
            Ethnicity,
            Disability,
            Prior,
            Audience,
            ProgrammeType,
            Pledge,
        ];
        dimensions
            .into_iter()
            .map(|d| {
                let n = self.codebook.size(d);
                let stated = if n > 1 && self.below(30) > 0 {
                    n - 1
                } else {
                    n
                };
                let (a, b) = (self.below(stated), self.below(stated));
                (d, if self.below(3) == 0 { a.min(b) } else { a })
            })
            .collect()
    }

    fn add(&self, counts: &mut Counts, family: Family, person: &[(Dimension, usize)]) {
        for (number, table) in self.standard.tables().iter().enumerate() {
            if table.family != family {
                continue;
            }
            let code = |d: &Dimension| person.iter().find(|(p, _)| p == d).map_or(0, |(_, c)| *c);
            let position: Vec<usize> = table.dimensions.iter().map(code).collect();
            counts[number][cell_index(&self.codebook.shape(table), &position)] += 1;
        }
    }
}
