//! Sums that are told more than once: whoever has two numbers of one sum has their difference too.
//!
//! A sum may be told when [`judge`] lets it be told by itself, and when everything that numbers of it ever told apart passes [`judge`] as well. To
//! see that, what organisations have in it is kept in blocks: a block is what was in the same numbers, always together.
//!
//! - What somebody has in the sum beyond what the last number held was there before and went (then it comes back from its block, the one
//!   that went last first), or is new; everything that is new is one block.
//! - What somebody has less is taken from what came last.
//! - A block of which a part goes or comes back falls into two. Each part has to pass, as has the new block; else the sum is not told.
//!
//! Why that is enough: every number is a sum of whole blocks, so whoever is told every block knows more than whoever has all numbers. In a block that
//! passes, what is left without the two largest is at least p % of the largest (p = 10), so for an organisation `a` that knows its own part and
//! any other `t` the rest of the block is at least p % of what `t` has in it. Whatever `a` works out of all numbers, it also fits a world
//! in which `t` has that rest as well: in no number is what `t` has known to within p %. A property test makes that world.
//!
//! What organisations without a name have is taken for one's as far as it may be one's, as [`judge`] does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dominance::{Part, judge};

/// What organisations without a name have in a sum, and the most that one and that two of them may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Unnamed {
    sum: u64,
    one: u64,
    two: u64,
}

impl Unnamed {
    /// So much of it, which may be anybody's of it.
    fn some(self, sum: u64) -> Self {
        Self {
            sum,
            one: self.one.min(sum),
            two: self.two.min(sum),
        }
    }
}

/// What a sum is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Made {
    /// By the organisation's number; none of nothing.
    named: BTreeMap<i64, u64>,
    unnamed: Unnamed,
}

impl Made {
    pub(crate) fn of(parts: &[Part]) -> Self {
        let mut made = Self::default();
        for part in parts {
            match *part {
                Part::Of(_, 0) => {}
                Part::Of(whose, sum) => {
                    let held = made.named.entry(whose).or_default();
                    *held = held.saturating_add(sum);
                }
                Part::Unnamed { sum, one, two } => {
                    let all = &mut made.unnamed;
                    all.sum = all.sum.saturating_add(sum);
                    all.one = all.one.saturating_add(one);
                    all.two = all.two.saturating_add(two);
                }
            }
        }
        made.unnamed = made.unnamed.some(made.unnamed.sum);
        made
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.unnamed.sum == 0
    }

    /// What is left of it without what the same organisations have in `others`. Of those without a name nothing is taken away: nobody
    /// knows whether they are the same.
    pub(crate) fn without<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut left = self.clone();
        for other in others {
            for (whose, sum) in &other.named {
                left.hand(&mut Self::default(), *whose, *sum);
            }
        }
        left
    }

    /// Whether it may be told by itself.
    pub(crate) fn may_be_told(&self) -> bool {
        let named = self.named.iter();
        let mut parts: Vec<Part> = named.map(|(whose, sum)| Part::Of(*whose, *sum)).collect();
        let Unnamed { sum, one, two } = self.unnamed;
        parts.push(Part::Unnamed { sum, one, two });
        judge(&parts).may_be_told()
    }

    fn has(&self, whose: i64) -> u64 {
        self.named.get(&whose).copied().unwrap_or(0)
    }

    fn put(&mut self, whose: i64, sum: u64) {
        if sum > 0 {
            *self.named.entry(whose).or_default() += sum;
        }
    }

    /// Takes `wanted` of what one has, or all of it, over to `to`; gives how much that was.
    fn hand(&mut self, to: &mut Self, whose: i64, wanted: u64) -> u64 {
        let sum = self.has(whose).min(wanted);
        to.put(whose, sum);
        match self.has(whose) - sum {
            0 => drop(self.named.remove(&whose)),
            left => drop(self.named.insert(whose, left)),
        }
        sum
    }

    /// The same of those without a name.
    fn hand_unnamed(&mut self, to: &mut Self, wanted: u64) -> u64 {
        let (whole, sum) = (self.unnamed, self.unnamed.sum.min(wanted));
        to.unnamed = whole.some(to.unnamed.sum + sum);
        self.unnamed = whole.some(whole.sum - sum);
        sum
    }
}

/// What was always in the same numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    /// The numbers that it was in, counted from 1, ascending.
    within: Vec<u32>,
    made: Made,
}

/// What the numbers of a sum that were told are made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How many were told.
    numbers: u32,
    /// The oldest first.
    blocks: Vec<Block>,
}

impl Told {
    /// The same once the sum was told as it is `now`; `None`: it may not be told.
    pub(crate) fn next(&self, now: &Made) -> Option<Self> {
        if now.is_empty() || !now.may_be_told() {
            return None;
        }
        let number = self.numbers + 1;
        let mut split: Vec<Split<'_>> = (self.blocks.iter())
            .map(|block| Split {
                is_told: block.within.last() == Some(&self.numbers),
                within: &block.within,
                stays: block.made.clone(),
                moves: Made::default(),
            })
            .collect();
        let mut new = Made::default();
        let everybody = self.blocks.iter().flat_map(|block| block.made.named.keys());
        let mut everybody: Vec<i64> = everybody.chain(now.named.keys()).copied().collect();
        everybody.sort_unstable();
        everybody.dedup();
        for whose in everybody {
            let before = told(&split).map(|block| block.stays.has(whose)).sum();
            let more = moved(&mut split, (before, now.has(whose)), |block, wanted| {
                block.stays.hand(&mut block.moves, whose, wanted)
            });
            new.put(whose, more);
        }
        let before = told(&split).map(|block| block.stays.unnamed.sum).sum();
        let more = moved(&mut split, (before, now.unnamed.sum), |block, wanted| {
            block.stays.hand_unnamed(&mut block.moves, wanted)
        });
        new.unnamed = now.unnamed.some(more);
        let mut blocks = Vec::new();
        for block in split {
            block.into(number, &mut blocks)?;
        }
        if !new.is_empty() {
            let within = vec![number];
            blocks.push(new.may_be_told().then_some(Block { within, made: new })?);
        }
        Some(Self {
            numbers: number,
            blocks,
        })
    }
}

/// A block, and what of it moves: goes, where it was in the last number, else comes back.
struct Split<'a> {
    is_told: bool,
    within: &'a [u32],
    stays: Made,
    moves: Made,
}

impl Split<'_> {
    /// What becomes of it; `None`: a part of it may not be told apart.
    fn into(self, number: u32, blocks: &mut Vec<Block>) -> Option<()> {
        let falls_apart = !self.stays.is_empty() && !self.moves.is_empty();
        if falls_apart && !(self.stays.may_be_told() && self.moves.may_be_told()) {
            return None;
        }
        for (made, is_told) in [(self.stays, self.is_told), (self.moves, !self.is_told)] {
            if made.is_empty() {
                continue;
            }
            let mut within = self.within.to_vec();
            within.extend(is_told.then_some(number));
            blocks.push(Block { within, made });
        }
        Some(())
    }
}

fn told<'a>(split: &'a [Split<'_>]) -> impl Iterator<Item = &'a Split<'a>> {
    split.iter().filter(|block| block.is_told)
}

/// Moves what one has less out of the blocks of the last number, or what one has more back into it, what came or went last first. Gives
/// what one has more than ever.
fn moved<'a>(
    split: &mut [Split<'a>],
    (before, now): (u64, u64),
    hand: impl Fn(&mut Split<'a>, u64) -> u64,
) -> u64 {
    let goes = now < before;
    let mut wanted = now.abs_diff(before);
    let mut of: Vec<&mut Split<'a>> = (split.iter_mut())
        .filter(|block| block.is_told == goes)
        .collect();
    if goes {
        of.sort_by_key(|block| block.within.first().copied());
    } else {
        of.sort_by_key(|block| block.within.last().copied());
    }
    for block in of.into_iter().rev() {
        wanted -= hand(block, wanted);
    }
    if goes { 0 } else { wanted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dominance::P;
    use super::*;

    fn made(parts: &[(i64, u64)]) -> Made {
        let parts: Vec<Part> = parts.iter().map(|(o, n)| Part::Of(*o, *n)).collect();
        Made::of(&parts)
    }

    /// The same number each.
    fn each(of: &[i64]) -> Made {
        made(&of.iter().map(|whose| (*whose, 10)).collect::<Vec<_>>())
    }

    /// Tells these one after the other, and gives which of them may be told.
    fn run(all: &[Made]) -> Vec<bool> {
        let mut told = Told::default();
        let mut may = Vec::new();
        for now in all {
            let next = told.next(now);
            may.push(next.is_some());
            told = next.unwrap_or(told);
        }
        may
    }

    #[test]
    fn a_change_by_few_is_not_told_and_one_by_many_is() {
        let base = each(&[1, 2, 3, 4]);
        assert_eq!(run(&[each(&[1, 2])]), [false]);
        assert_eq!(run(&[base.clone(), base.clone()]), [true, true]);
        // One more, one less, one that changed.
        assert_eq!(run(&[base.clone(), each(&[1, 2, 3, 4, 5])]), [true, false]);
        assert_eq!(run(&[base.clone(), each(&[1, 2, 3])]), [true, false]);
        let changed = made(&[(1, 10), (2, 10), (3, 10), (4, 11)]);
        assert_eq!(run(&[base.clone(), changed]), [true, false]);
        // Three more, and three less again.
        let more = each(&[1, 2, 3, 4, 5, 6, 7]);
        let story = [base.clone(), more.clone(), base.clone(), more];
        assert_eq!(run(&story), [true; 4]);
        // All go and others come.
        assert_eq!(run(&[base, each(&[5, 6, 7, 8])]), [true, true]);
    }

    #[test]
    fn what_is_left_of_a_block_has_to_pass_as_well() {
        // Three of five go, and two are left: with others they would be told, by themselves not.
        let story = [each(&[1, 2, 3, 4, 5]), each(&[1, 2, 6, 7, 8])];
        assert_eq!(run(&story), [true, false]);
    }

    /// 1 to 3 come, then 2 and 3 go with 4: the first and the last number would tell 1 less 4.
    #[test]
    fn what_several_changes_come_to_is_judged_too() {
        let story = [
            each(&[4, 5, 6, 7]),
            each(&[1, 2, 3, 4, 5, 6, 7]),
            each(&[1, 5, 6, 7]),
        ];
        assert_eq!(run(&story), [true, true, false]);
    }

    /// The number goes for a time and comes back with somebody else in it.
    #[test]
    fn who_comes_back_in_other_company_is_not_told() {
        let story = [
            each(&[1, 2, 3, 4, 5, 6]),
            each(&[1, 2, 3]),
            each(&[1, 2, 3, 4, 5, 7]),
            each(&[1, 2, 3, 4, 5, 6]),
        ];
        assert_eq!(run(&story), [true, true, false, true]);
    }

    #[test]
    fn those_without_a_name_may_be_one() {
        let lump = |sum| Made::of(&[Part::several(sum, 40, 60)]);
        assert_eq!(run(&[lump(400), lump(430)]), [true, false]);
        assert_eq!(run(&[lump(400), lump(800)]), [true, true]);
        // Employers are one each.
        let employers = |n| Made::of(&[Part::several(n, 1, 1)]);
        assert_eq!(run(&[employers(400), employers(402)]), [true, false]);
        assert_eq!(run(&[employers(400), employers(430)]), [true, true]);
    }

    #[test]
    fn what_is_kept_is_what_was_told() {
        let told = Told::default().next(&each(&[1, 2, 3, 4])).unwrap();
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), told);
    }

    /// Publications of a sum: what is told of each, and what was in it.
    fn published(story: &[Vec<u64>]) -> (Told, Vec<Vec<u64>>) {
        let mut told = Told::default();
        let mut numbers = Vec::new();
        for all in story {
            let parts: Vec<(i64, u64)> = (1..).zip(all.iter().copied()).collect();
            if let Some(next) = told.next(&made(&parts)) {
                told = next;
                numbers.push(all.clone());
            }
        }
        (told, numbers)
    }

    fn stories() -> impl Strategy<Value = Vec<Vec<u64>>> {
        // Few sizes, so that much stays as it was and comes again.
        let size = prop_oneof![2 => Just(0_u64), 4 => Just(10), 1 => 1_u64..30];
        let all = proptest::collection::vec(size, 7);
        proptest::collection::vec(all, 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Every number is made of whole blocks, each of which may be told.
        #[test]
        fn numbers_are_made_of_blocks_that_may_be_told(story in stories()) {
            let (told, numbers) = published(&story);
            for block in &told.blocks {
                prop_assert!(block.made.may_be_told() && !block.made.is_empty());
            }
            for (at, number) in (1_u32..).zip(&numbers) {
                for (whose, has) in (1..).zip(number) {
                    let within = told.blocks.iter().filter(|b| b.within.contains(&at));
                    prop_assert_eq!(within.map(|b| b.made.has(whose)).sum::<u64>(), *has);
                }
            }
        }

        /// One organisation knows its own part of everything and has every number. For any other one there is a world that gives the very same
        /// numbers, in each of which the other one has more than p % more than it has.
        #[test]
        fn no_organisation_pins_another_by_any_sequence_of_numbers(
            story in stories(), attacker in 1_i64..8, target in 1_i64..8
        ) {
            prop_assume!(attacker != target);
            let (told, numbers) = published(&story);
            let mut other_world = told.clone();
            for block in &mut other_world.blocks {
                let all: u64 = block.made.named.values().sum();
                let own = block.made.has(attacker);
                block.made = made(&[(attacker, own), (target, all - own)]);
            }
            for (at, number) in (1_u32..).zip(&numbers) {
                let within = |world: &Told, whose| -> u64 {
                    let of = world.blocks.iter().filter(|b| b.within.contains(&at));
                    of.map(|b| b.made.has(whose)).sum()
                };
                let everything: u64 = (1..8).map(|whose| within(&other_world, whose)).sum();
                prop_assert_eq!(everything, number.iter().sum::<u64>(), "the same number");
                prop_assert_eq!(within(&other_world, attacker), within(&told, attacker));
                let (has, might) = (within(&told, target), within(&other_world, target));
                prop_assert!(u128::from(might - has) * 100 >= P * u128::from(has));
                prop_assert!(has == 0 || might > has);
            }
        }

        /// What changed between a number and the next is safe on either side.
        #[test]
        fn what_comes_and_what_goes_is_safe(story in stories()) {
            let (_, numbers) = published(&story);
            for two in numbers.windows(2) {
                let side = |from: &[u64], to: &[u64]| {
                    let more = from.iter().zip(to).map(|(a, b)| b.saturating_sub(*a));
                    made(&(1..).zip(more).collect::<Vec<_>>())
                };
                for side in [side(&two[0], &two[1]), side(&two[1], &two[0])] {
                    prop_assert!(side.is_empty() || side.may_be_told());
                }
            }
        }

        /// A sum that did not change may be told again for ever.
        #[test]
        fn what_did_not_change_is_told_again(story in stories()) {
            let (told, numbers) = published(&story);
            if let Some(last) = numbers.last() {
                let parts: Vec<(i64, u64)> = (1..).zip(last.iter().copied()).collect();
                prop_assert!(told.next(&made(&parts)).is_some());
            }
        }
    }
}
