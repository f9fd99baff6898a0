//! The published figures that the records are expanded from: ICT, England, 2021/22.
//! Sources, licence and the reason for the two national totals: `deploy/data/README.md`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

const FIGURES_CSV: &str = include_str!("../../data/ict_2021_22.csv");
const WEIGHTS_CSV: &str = include_str!("../../data/ict_2021_22_districts.csv");
const ENGLAND: &str = "E92000001";

/// Notional levels in the order of [`LevelCounts::levels`].
const LEVELS: [&str; 6] = ["e", "1", "2", "3", "4+", "not assigned"];

/// The tiers of the data standard that the levels count towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Entry level and level 1.
    Basic,
    /// Level 2 and not assigned.
    General,
    /// Level 3 and above.
    Advanced,
}

impl Tier {
    /// All tiers, lowest first.
    pub const ALL: [Self; 3] = [Self::Basic, Self::General, Self::Advanced];

    /// The code of the data standard.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::General => "general",
            Self::Advanced => "advanced",
        }
    }

    /// Tier of each of the six levels, in the order of [`LEVELS`].
    const OF_LEVEL: [Self; 6] = [
        Self::Basic,
        Self::Basic,
        Self::General,
        Self::Advanced,
        Self::Advanced,
        Self::General,
    ];
}

/// One measure of one area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelCounts {
    /// The published total, which controls the levels.
    pub total: u32,
    /// Levels E, 1, 2, 3, 4+ and not assigned; `None` where the publisher left a blank.
    pub levels: [Option<u32>; 6],
}

/// Enrolments and achievements of one area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AreaFigures {
    /// Enrolments.
    pub enrolments: LevelCounts,
    /// Achievements.
    pub achievements: LevelCounts,
}

/// What a LEP's records of one tier add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierTotals {
    /// Enrolments.
    pub enrolments: u32,
    /// Achievements, never more than enrolments.
    pub achievements: u32,
}

/// The published figures by area.
#[derive(Debug)]
pub struct Figures {
    areas: BTreeMap<String, AreaFigures>,
    district_weights: BTreeMap<String, u64>,
}

impl Figures {
    /// The figures that are embedded in this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static FIGURES: OnceLock<Figures> = OnceLock::new();
        FIGURES.get_or_init(|| {
            Self::read(FIGURES_CSV, WEIGHTS_CSV)
                .expect("the embedded figures are read by a test of this module")
        })
    }

    fn read(figures: &str, weights: &str) -> Result<Self, String> {
        let mut areas: BTreeMap<String, AreaFigures> = BTreeMap::new();
        for line in figures.lines().skip(1) {
            let wrong = || format!("ict_2021_22.csv: {line}");
            let [code, level, enrolments, achievements] = fields(line).ok_or_else(wrong)?;
            let area = areas.entry(code.to_owned()).or_default();
            for (counts, text) in [
                (&mut area.enrolments, enrolments),
                (&mut area.achievements, achievements),
            ] {
                let value = if text.is_empty() {
                    None
                } else {
                    Some(text.parse::<u32>().map_err(|_| wrong())?)
                };
                if level == "total" {
                    counts.total = value.ok_or_else(wrong)?;
                } else {
                    let at = LEVELS.iter().position(|l| *l == level).ok_or_else(wrong)?;
                    counts.levels[at] = value;
                }
            }
        }
        let mut district_weights = BTreeMap::new();
        for line in weights.lines().skip(1) {
            let wrong = || format!("ict_2021_22_districts.csv: {line}");
            let [code, weight] = fields(line).ok_or_else(wrong)?;
            district_weights.insert(code.to_owned(), weight.parse().map_err(|_| wrong())?);
        }
        Ok(Self {
            areas,
            district_weights,
        })
    }

    /// Codes of the LEPs that have figures, in order.
    pub fn leps(&self) -> impl Iterator<Item = &str> {
        self.areas
            .keys()
            .map(String::as_str)
            .filter(|code| *code != ENGLAND)
    }

    /// The figures of an area by its GSS code; `None` where nothing was published.
    #[must_use]
    pub fn area(&self, code: &str) -> Option<&AreaFigures> {
        self.areas.get(code)
    }

    /// Sum of the LEP totals, the demonstration's input: (enrolments, achievements).
    #[must_use]
    pub fn input(&self) -> (u64, u64) {
        self.leps()
            .filter_map(|code| self.areas.get(code))
            .fold((0, 0), |(e, a), area| {
                (
                    e + u64::from(area.enrolments.total),
                    a + u64::from(area.achievements.total),
                )
            })
    }

    /// The official figures for England: (enrolments, achievements).
    #[must_use]
    pub fn official(&self) -> (u64, u64) {
        self.areas.get(ENGLAND).map_or((0, 0), |area| {
            (
                u64::from(area.enrolments.total),
                u64::from(area.achievements.total),
            )
        })
    }

    /// Weight of a district among those of its LEP (achievements on another measure); 0 where unknown.
    #[must_use]
    pub fn district_weight(&self, code: &str) -> u64 {
        self.district_weights.get(code).copied().unwrap_or(0)
    }

    /// A LEP's totals by tier, basic first. They add up to the published totals exactly, and no
    /// tier has more achievements than enrolments. `None` where nothing was published.
    #[must_use]
    pub fn tiers(&self, lep: &str) -> Option<[TierTotals; 3]> {
        let area = self.areas.get(lep)?;
        let nation = self.areas.get(ENGLAND)?;
        let enrolments = by_tier(&scaled(&area.enrolments, &nation.enrolments));
        let wanted = by_tier(&scaled(&area.achievements, &nation.achievements));
        let achievements = capped(wanted, enrolments);
        Some([0, 1, 2].map(|at| TierTotals {
            enrolments: enrolments[at],
            achievements: achievements[at],
        }))
    }
}

fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    line.split(',').collect::<Vec<_>>().try_into().ok()
}

/// Levels that add up to the area's total: blanks share what the published levels leave over, in
/// the nation's proportions; where they leave nothing, the published levels are scaled to the total.
fn scaled(area: &LevelCounts, nation: &LevelCounts) -> [u32; 6] {
    let given: u32 = area.levels.iter().flatten().sum();
    let blank_weights: Vec<u64> = (0..6)
        .map(|at| match area.levels[at] {
            Some(_) => 0,
            None => u64::from(nation.levels[at].unwrap_or(0)),
        })
        .collect();
    if given < area.total && blank_weights.iter().any(|w| *w > 0) {
        let shares = apportion(area.total - given, &blank_weights);
        return std::array::from_fn(|at| area.levels[at].unwrap_or(0) + shares[at]);
    }
    let weights: Vec<u64> = area
        .levels
        .iter()
        .map(|l| u64::from(l.unwrap_or(0)))
        .collect();
    let shares = apportion(area.total, &weights);
    std::array::from_fn(|at| shares[at])
}

fn by_tier(levels: &[u32; 6]) -> [u32; 3] {
    let mut tiers = [0; 3];
    for (count, tier) in levels.iter().zip(Tier::OF_LEVEL) {
        tiers[tier as usize] += count;
    }
    tiers
}

/// `wanted` with what exceeds `limits` moved to tiers with room. Rounding in the source can put a few
/// achievements more than enrolments into one tier; the totals never do.
fn capped(wanted: [u32; 3], limits: [u32; 3]) -> [u32; 3] {
    let kept: [u32; 3] = std::array::from_fn(|at| wanted[at].min(limits[at]));
    let excess: u32 = wanted.iter().sum::<u32>() - kept.iter().sum::<u32>();
    let room: Vec<u64> = (0..3).map(|at| u64::from(limits[at] - kept[at])).collect();
    let moved = apportion(excess, &room);
    std::array::from_fn(|at| kept[at] + moved[at])
}

/// `total` divided in proportion to `weights` by largest remainders (Hamilton's method; ties go to the
/// first). All zero when every weight is zero.
pub(crate) fn apportion(total: u32, weights: &[u64]) -> Vec<u32> {
    let sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<u128> = weights
        .iter()
        .map(|w| u128::from(*w) * u128::from(total))
        .collect();
    let mut shares: Vec<u32> = exact
        .iter()
        .map(|e| u32::try_from(e / sum).unwrap_or(u32::MAX))
        .collect();
    let left = total - shares.iter().sum::<u32>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(exact[*at] % sum), *at));
    for at in order.into_iter().take(left as usize) {
        shares[at] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_embedded_figures_are_whole() {
        let figures = Figures::read(FIGURES_CSV, WEIGHTS_CSV).unwrap();
        assert_eq!(figures.leps().count(), 38);
        assert_eq!(figures.district_weights.len(), 309);
        assert_eq!(figures.input(), (84_760, 62_870));
        assert_eq!(figures.official(), (84_190, 62_410));
    }

    #[test]
    fn tiers_add_up_to_the_published_totals() {
        let figures = Figures::embedded();
        for lep in figures.leps() {
            let area = figures.area(lep).unwrap();
            let tiers = figures.tiers(lep).unwrap();
            assert_eq!(
                tiers.iter().map(|t| t.enrolments).sum::<u32>(),
                area.enrolments.total,
                "{lep}"
            );
            assert_eq!(
                tiers.iter().map(|t| t.achievements).sum::<u32>(),
                area.achievements.total,
                "{lep}"
            );
            assert!(
                tiers.iter().all(|t| t.achievements <= t.enrolments),
                "{lep}: {tiers:?}"
            );
        }
    }

    #[test]
    fn blanks_share_what_is_left_and_levels_are_scaled_otherwise() {
        let nation = LevelCounts {
            total: 1000,
            levels: [
                Some(300),
                Some(300),
                Some(300),
                Some(70),
                Some(10),
                Some(20),
            ],
        };
        let left_over = LevelCounts {
            total: 100,
            levels: [Some(40), Some(30), Some(20), Some(4), None, None],
        };
        assert_eq!(scaled(&left_over, &nation), [40, 30, 20, 4, 2, 4]);
        let too_much = LevelCounts {
            total: 100,
            levels: [Some(60), Some(30), Some(20), None, None, None],
        };
        assert_eq!(scaled(&too_much, &nation), [55, 27, 18, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn apportioned_shares_add_up(total in 0u32..100_000, weights in proptest::collection::vec(0u64..10_000, 1..12)) {
            let shares = apportion(total, &weights);
            let sum: u64 = weights.iter().sum();
            if sum == 0 {
                prop_assert!(shares.iter().all(|s| *s == 0));
            } else {
                prop_assert_eq!(shares.iter().sum::<u32>(), total);
                for (share, weight) in shares.iter().zip(&weights) {
                    let exact = f64::from(total) * *weight as f64 / sum as f64;
                    prop_assert!((f64::from(*share) - exact).abs() < 1.0);
                }
            }
        }

        #[test]
        fn capping_keeps_the_sum(limits in [0u32..500, 0u32..500, 0u32..500], share in 0.0f64..=1.0, split in [1u64..9, 1u64..9, 1u64..9]) {
            let total = (f64::from(limits.iter().sum::<u32>()) * share) as u32;
            let wanted = apportion(total, &split);
            let kept = capped([wanted[0], wanted[1], wanted[2]], limits);
            prop_assert_eq!(kept.iter().sum::<u32>(), total);
            prop_assert!(kept.iter().zip(&limits).all(|(k, l)| k <= l));
        }
    }
}
