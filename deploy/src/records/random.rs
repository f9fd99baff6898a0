//! A keyed generator: the same key, LEP and purpose give the same draws on every machine.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Draws for one purpose of one LEP. A change to one purpose leaves the others as they were.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha12Rng);

impl Draw {
    /// Seeded by SHA-256 over key, LEP and purpose, each closed by its length.
    pub(crate) fn keyed(key: &[u8; 32], lep: &str, purpose: &str) -> Self {
        let mut seed = Sha256::new();
        for part in [key.as_slice(), lep.as_bytes(), purpose.as_bytes()] {
            seed.update(part);
            seed.update((part.len() as u64).to_be_bytes());
        }
        Self(ChaCha12Rng::from_seed(seed.finalize().into()))
    }

    /// Uniform in [0, 1) on the grid 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `low..high` (half open).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in `0..n`; 0 when `n` is 0. Multiply-shift (Lemire 2019); its bias, below n / 2^64, is
    /// of no account for illustrative records.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Uniform in `low..=high`.
    pub(crate) fn days(&mut self, low: i32, high: i32) -> i32 {
        let width = usize::try_from(high - low + 1).unwrap_or(1);
        low + i32::try_from(self.below(width)).unwrap_or(0)
    }

    /// The index of one of `weights`, each as likely as its share of their sum; 0 when all are zero.
    pub(crate) fn index(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (at, weight) in weights.iter().enumerate() {
            if left < *weight {
                return at;
            }
            left -= weight;
        }
        0
    }

    /// Fisher-Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(at + 1);
            items.swap(at, other);
        }
    }
}

/// A code list with weights.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    codes: Vec<&'static str>,
    weights: Vec<f64>,
}

impl Mix {
    pub(crate) fn new(parts: &[(&'static str, f64)]) -> Self {
        Self {
            codes: parts.iter().map(|(code, _)| *code).collect(),
            weights: parts.iter().map(|(_, weight)| *weight).collect(),
        }
    }

    /// Each weight changed by up to a factor e^±`amount`: two LEPs are never quite alike.
    pub(crate) fn tilted(mut self, draw: &mut Draw, amount: f64) -> Self {
        for weight in &mut self.weights {
            *weight *= draw.between(-amount, amount).exp();
        }
        self
    }

    /// The weight of each of `codes` multiplied by `factor`.
    pub(crate) fn favour(mut self, codes: &[&str], factor: f64) -> Self {
        for (code, weight) in self.codes.iter().zip(&mut self.weights) {
            if codes.contains(code) {
                *weight *= factor;
            }
        }
        self
    }

    pub(crate) fn pick(&self, draw: &mut Draw) -> &'static str {
        self.codes
            .get(draw.index(&self.weights))
            .copied()
            .unwrap_or("")
    }

    /// One draw with the weight of each of `codes` multiplied by `factor`.
    pub(crate) fn pick_favouring(
        &self,
        draw: &mut Draw,
        codes: &[&str],
        factor: f64,
    ) -> &'static str {
        self.clone().favour(codes, factor).pick(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_has_its_own_stream() {
        let mut a = Draw::keyed(&[7; 32], "E37000001", "people");
        let mut b = Draw::keyed(&[7; 32], "E37000001", "people");
        let mut c = Draw::keyed(&[7; 32], "E37000001", "enrolments");
        let first: Vec<f64> = (0..8).map(|_| a.unit()).collect();
        assert_eq!(first, (0..8).map(|_| b.unit()).collect::<Vec<_>>());
        assert_ne!(first, (0..8).map(|_| c.unit()).collect::<Vec<_>>());
    }

    #[test]
    fn weights_steer_the_draw() {
        let mut draw = Draw::keyed(&[1; 32], "x", "y");
        let mix = Mix::new(&[("a", 1.0), ("b", 0.0), ("c", 3.0)]);
        let drawn: Vec<&str> = (0..4000).map(|_| mix.pick(&mut draw)).collect();
        let share = |code| drawn.iter().filter(|d| **d == code).count();
        assert_eq!(share("b"), 0);
        // Standard deviation of a binomial (4000, 1/4) is 27.4: five of them.
        assert!(share("a").abs_diff(1000) < 137, "{}", share("a"));
    }

    #[test]
    fn days_reach_both_ends() {
        let mut draw = Draw::keyed(&[1; 32], "x", "z");
        let drawn: std::collections::BTreeSet<i32> = (0..200).map(|_| draw.days(-1, 1)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-1, 0, 1]);
    }
}
