//! Few organisations in a cell: whether a sum may be told to anybody outside, or one who is in it could work out what another one has in it.
//!
//! Two rules, both of which a sum has to pass (disclosure.md, 12):
//!
//! - (n, k) dominance with n = 2 and k = 85: it is unsafe when the two largest contributions are more than 85 % of it;
//! - p % with p = 10: it is unsafe when what is left without the two largest is less than 10 % of the largest. The second largest, who knows its own part,
//!   would estimate the largest to within 10 %.
//!
//! Source: A. Hundepool et al., Handbook on Statistical Disclosure Control (ESSnet SDC, version 1.2, 2010), section 4.2.2, table 4.2: with contributions
//! x1 >= x2 >= ... of a sum X, (n, k): x1 + ... + xn > (k / 100) X; p %: X - x1 - x2 < (p / 100) x1.
//!
//! Where it is not known whose a contribution is, the worst is taken for true: that all of those belong to the organisation that makes the sum least safe.

/// n of the (n, k) rule is 2; this is its k, in percent.
pub(crate) const K: u128 = 85;
/// p of the p % rule, in percent.
pub(crate) const P: u128 = 10;

/// Part of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What one organisation has in it, by a number that is this organisation's alone.
    Of(i64, u64),
    /// What organisations without a name have in it, and the most that one and that two of them may have.
    Unnamed { sum: u64, one: u64, two: u64 },
}

impl Part {
    /// It is not known whose it is, nor whether it is more than one's.
    pub(crate) fn anybody(sum: u64) -> Self {
        Self::Unnamed {
            sum,
            one: sum,
            two: sum,
        }
    }

    /// Of several organisations, the largest two of which are known by their size alone.
    pub(crate) fn several(sum: u64, largest: u64, second: u64) -> Self {
        let one = largest.min(sum);
        let two = largest.saturating_add(second.min(largest)).min(sum);
        Self::Unnamed { sum, one, two }
    }
}

/// What comes of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is in it: there is nobody to protect.
    Nobody,
    /// It passes both.
    Safe,
    /// Two organisations may have more than 85 % of it.
    Dominated,
    /// One could work out what another has in it to within 10 %.
    Close,
}

impl Verdict {
    /// Whether the sum may be told.
    pub(crate) fn may_be_told(self) -> bool {
        matches!(self, Self::Nobody | Self::Safe)
    }
}

/// Judges a sum by its parts.
///
/// With k = 85 and p = 10 what passes the first rule passes the second: 15 % of a sum is more than 10 % of any part of it. Both are asked, because
/// both are promised and either may be set anew.
pub(crate) fn judge(parts: &[Part]) -> Verdict {
    judged(parts, K, P)
}

fn judged(parts: &[Part], k: u128, p: u128) -> Verdict {
    let mut named: Vec<(i64, u128)> = Vec::new();
    let (mut total, mut one, mut two) = (0_u128, 0_u128, 0_u128);
    for part in parts {
        match *part {
            Part::Of(whose, sum) => {
                total += u128::from(sum);
                match named.iter_mut().find(|(other, _)| *other == whose) {
                    Some((_, held)) => *held += u128::from(sum),
                    None => named.push((whose, u128::from(sum))),
                }
            }
            Part::Unnamed {
                sum,
                one: a,
                two: b,
            } => {
                total += u128::from(sum);
                // The largest of each may be the same one, as may the second.
                one += u128::from(a);
                two += u128::from(b);
            }
        }
    }
    if total == 0 {
        return Verdict::Nobody;
    }
    named.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    let largest = |at: usize| named.get(at).map_or(0, |(_, sum)| *sum);
    let first = largest(0) + one;
    let both = (largest(0) + largest(1) + two).min(total);
    if both * 100 > k * total {
        return Verdict::Dominated;
    }
    if (total - both) * 100 < p * first {
        return Verdict::Close;
    }
    Verdict::Safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(sums: &[u64]) -> Vec<Part> {
        let numbered = (1..).zip(sums);
        numbered.map(|(whose, sum)| Part::Of(whose, *sum)).collect()
    }

    #[test]
    fn the_rules_hold_at_their_borders() {
        assert_eq!(judge(&[]), Verdict::Nobody);
        assert_eq!(judge(&of(&[0, 0])), Verdict::Nobody);
        // One or two organisations are never safe.
        assert_eq!(judge(&of(&[100])), Verdict::Dominated);
        assert_eq!(judge(&of(&[50, 50])), Verdict::Dominated);
        // Exactly 85 % of the sum is not more than 85 %.
        assert_eq!(judge(&of(&[50, 35, 15])), Verdict::Safe);
        assert_eq!(judge(&of(&[50, 36, 14])), Verdict::Dominated);
        // Of the same one twice is of one.
        let same = [
            Part::Of(1, 30),
            Part::Of(1, 30),
            Part::Of(2, 30),
            Part::Of(3, 10),
        ];
        assert_eq!(judge(&same), Verdict::Dominated);
    }

    #[test]
    fn the_second_rule_holds_by_itself() {
        // 100, and 9 left without the two largest: the second would know the first to within 9 %.
        let parts = of(&[100, 40, 9]);
        assert_eq!(judged(&parts, 100, P), Verdict::Close);
        assert_eq!(judged(&of(&[100, 40, 10]), 100, P), Verdict::Safe);
        assert_eq!(judge(&parts), Verdict::Dominated);
    }

    /// Who asked is not known, so it may be one.
    #[test]
    fn what_has_no_name_may_be_of_one() {
        assert_eq!(judge(&[Part::anybody(10); 9]), Verdict::Dominated);
        let mixed = [
            Part::Of(1, 10),
            Part::Of(2, 10),
            Part::Of(3, 10),
            Part::anybody(5),
        ];
        assert_eq!(judge(&mixed), Verdict::Safe);
        let mixed = [Part::Of(1, 10), Part::Of(2, 10), Part::anybody(30)];
        assert_eq!(judge(&mixed), Verdict::Dominated);
        // Four hundred employers, each of whom is one.
        assert_eq!(judge(&[Part::several(400, 1, 1)]), Verdict::Safe);
        assert_eq!(judge(&[Part::several(2, 1, 1)]), Verdict::Dominated);
        assert_eq!(judge(&[Part::several(100, 60, 10)]), Verdict::Safe);
        assert_eq!(judge(&[Part::several(100, 60, 26)]), Verdict::Dominated);
    }

    /// The rules as they stand in the source, over contributions that are all known.
    fn plainly(sums: &[u64]) -> bool {
        let mut sorted: Vec<f64> = sums
            .iter()
            .map(|x| f64::from(u32::try_from(*x).unwrap()))
            .collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = sorted.iter().sum();
        let x = |at: usize| sorted.get(at).copied().unwrap_or(0.0);
        let dominated = 100.0 * (x(0) + x(1)) > 85.0 * total;
        let close = 100.0 * (total - x(0) - x(1)) < 10.0 * x(0);
        !dominated && !close
    }

    proptest! {
        #[test]
        fn known_contributions_are_judged_as_the_source_says(sums in proptest::collection::vec(1_u64..1_000_000, 1..12)) {
            prop_assert_eq!(judge(&of(&sums)).may_be_told(), plainly(&sums));
        }

        /// Knowing less never makes a sum safer.
        #[test]
        fn what_is_not_known_is_never_safer(sums in proptest::collection::vec(1_u64..10_000, 1..10), hidden in 0_usize..10) {
            let known = judge(&of(&sums));
            let less: Vec<Part> = sums.iter().enumerate().map(|(at, sum)| {
                if at < hidden { Part::anybody(*sum) } else { Part::Of(i64::try_from(at).unwrap(), *sum) }
            }).collect();
            prop_assert!(known.may_be_told() || !judge(&less).may_be_told());
            let mut sorted = sums.clone();
            sorted.sort_by_key(|sum| std::cmp::Reverse(*sum));
            let second = sorted.get(1).copied().unwrap_or(0);
            let whole = Part::several(sums.iter().sum(), sorted[0], second);
            // What the two largest have is all that the rules ask.
            prop_assert_eq!(judge(&[whole]).may_be_told(), known.may_be_told());
        }

        /// Parts of one cell that come from several rows are judged at their worst.
        #[test]
        fn rows_together_are_judged_at_their_worst(
            rows in proptest::collection::vec((0_usize..5, 1_u64..1_000), 1..20)
        ) {
            // Employers 0 to 4 in two files, each of which says its largest two alone.
            let file = |odd: usize| {
                let mut of = [0_u64; 5];
                for (at, (whose, sum)) in rows.iter().enumerate() {
                    if at % 2 == odd { of[*whose] += sum; }
                }
                of
            };
            let (one, other) = (file(0), file(1));
            let truth: Vec<u64> = one.iter().zip(other).map(|(a, b)| a + b).filter(|sum| *sum > 0).collect();
            let part = |of: [u64; 5]| {
                let mut sorted = of;
                sorted.sort_by_key(|sum| std::cmp::Reverse(*sum));
                Part::several(of.iter().sum(), sorted[0], sorted[1])
            };
            let told = judge(&[part(one), part(other)]).may_be_told();
            prop_assert!(!told || plainly(&truth));
        }
    }
}
