//! What demand adds up to by skill and area, and which of the sums may be told outside the node.
//!
//! A sum over people who were asked is never told: they are a unit of their own, and leave the node with noise alone ([`crate::needs::people`]). A sum over employers, charities and public bodies is told when [`dominance`](crate::disclosure::dominance) says so; a total is told when
//! everything under it is, because else what is kept back could be worked out from it.
//!
//! Only what counts different ones is added up. Of a survey that was held again the newest year stands ([`standing`]). Skills are never added to one
//! another, because who needs two is in both; nor is a number of the whole area to those of its districts, which are in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use crate::disclosure::dominance::{Part, judge};
use crate::store::demand::{Asks, Counts, Demand, How, Sure};

/// Whether a sum may be told to anybody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It may.
    Yes,
    /// It counts people who were asked.
    People,
    /// Few organisations make it up.
    Few,
    /// Something under it may not be told.
    Under,
    /// There is no number: its sources suppressed all of them.
    NotPublished,
}

/// What sums are of: a skill, or the tier where the skill is not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skill {
    /// Position in the standard's skills.
    pub(crate) skill: u8,
    /// Position in its tiers; of a stated skill none, because the skill says it.
    pub(crate) tier: Option<u8>,
}

impl Skill {
    pub(crate) fn of(it: &Demand) -> Self {
        let codes = &Standard::current().dimension(Dimension::Skill).codes;
        let code = codes.get(usize::from(it.skill));
        let is_stated = code.is_some_and(|code| code.id != NOT_STATED);
        Self {
            skill: it.skill,
            tier: (!is_stated).then_some(it.tier),
        }
    }

    /// The codes of the skill and, where it is not stated, of the tier; `None`: the standard does not have one of them.
    pub(crate) fn ids(self) -> Option<(String, Option<String>)> {
        let id = |dimension, at: u8| {
            let codes = &Standard::current().dimension(dimension).codes;
            codes.get(usize::from(at)).map(|code| code.id.clone())
        };
        let tier = match self.tier {
            Some(tier) => Some(id(Dimension::Tier, tier)?),
            None => None,
        };
        Some((id(Dimension::Skill, self.skill)?, tier))
    }

    /// For people.
    pub(crate) fn title(self) -> String {
        let code = |dimension, at: u8| {
            let codes = &Standard::current().dimension(dimension).codes;
            codes.get(usize::from(at))
        };
        let tier = self.tier.and_then(|tier| code(Dimension::Tier, tier));
        match (self.tier, tier) {
            (None, _) => {
                let skill = code(Dimension::Skill, self.skill);
                skill.map_or_else(String::new, |code| code.title.clone())
            }
            (Some(_), Some(tier)) if tier.id != NOT_STATED => {
                format!("{}, skill not stated", tier.title)
            }
            _ => "Skill not stated".to_owned(),
        }
    }
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Of the numbers that are known. Exact.
    pub(crate) number: u64,
    /// Rows whose number its source suppressed: they are in no sum.
    pub(crate) suppressed: usize,
    /// Rows.
    pub(crate) rows: usize,
    /// How sure the least sure of them is.
    pub(crate) sure: Sure,
    /// The ways in which they were learnt.
    pub(crate) how: BTreeSet<How>,
    /// Whether it may be told.
    pub(crate) told: Told,
}

/// Sums of one unit, of people or of organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Whether people themselves ask; else employers, charities and public bodies.
    pub(crate) people_ask: bool,
    /// What the numbers count.
    pub(crate) counts: Counts,
    /// By skill and district; `None`: the whole area, which is not the sum of the districts.
    pub(crate) cells: BTreeMap<(Skill, Option<Gss>), Sum>,
    /// By skill: of the whole area where that is recorded, else of its districts together.
    pub(crate) skills: BTreeMap<Skill, Sum>,
}

/// What demand adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    /// Units are never added to one another.
    pub(crate) blocks: Vec<Block>,
    /// Rows that are left out because their last day is over.
    pub(crate) over: usize,
    /// Rows that are left out because a newer year of the same survey is there.
    pub(crate) older: usize,
}

/// The name of a survey without the year in it, and the year; `None` where it has none.
fn edition(said_by: &str) -> Option<(String, u16)> {
    let words = || said_by.split(|c: char| !c.is_alphanumeric());
    let year = |word: &str| {
        let is_year = word.len() == 4 && (word.starts_with("20") || word.starts_with("19"));
        word.parse::<u16>().ok().filter(|_| is_year)
    };
    let found = words().filter_map(year).max()?;
    let name = words().filter(|word| year(word).is_none() && !word.is_empty());
    Some((name.collect::<Vec<_>>().join(" ").to_lowercase(), found))
}

/// What a survey counted, whatever the year.
fn series(row: &Demand) -> Option<(impl Ord + use<>, u16)> {
    let (name, year) = edition(&row.said_by).filter(|_| row.how == How::Survey)?;
    let of = (row.asks, row.counts, row.organisation, row.audience);
    let cell = (row.tier, row.skill, row.district.clone());
    Some(((name, of, cell), year))
}

/// The rows that hold on a day, but for those of a survey of which a newer year is there.
pub(crate) fn standing<'a>(
    rows: impl IntoIterator<Item = &'a Demand>,
    today: Date,
) -> Vec<&'a Demand> {
    let rows: Vec<&Demand> = rows.into_iter().filter(|row| row.holds(today)).collect();
    let mut newest = BTreeMap::new();
    for (of, year) in rows.iter().filter_map(|row| series(row)) {
        let last = newest.entry(of).or_insert(year);
        *last = year.max(*last);
    }
    let is_newest = |row: &&Demand| {
        series(row).is_none_or(|(of, year)| newest.get(&of).is_none_or(|last| *last == year))
    };
    rows.into_iter().filter(is_newest).collect()
}

/// Adds up what holds on a day.
pub(crate) fn summary<'a>(rows: impl IntoIterator<Item = &'a Demand>, today: Date) -> Summary {
    let rows: Vec<&Demand> = rows.into_iter().collect();
    let over = rows.iter().filter(|row| !row.holds(today)).count();
    let standing = standing(rows.iter().copied(), today);
    let older = rows.len() - over - standing.len();
    let mut blocks: BTreeMap<(bool, Counts), Vec<&Demand>> = BTreeMap::new();
    for row in standing {
        let people_ask = row.asks == Asks::Individual;
        let block = blocks.entry((people_ask, row.counts));
        block.or_default().push(row);
    }
    let blocks = blocks.into_iter();
    Summary {
        blocks: blocks
            .map(|((people_ask, counts), rows)| block(people_ask, counts, &rows))
            .collect(),
        over,
        older,
    }
}

fn block(people_ask: bool, counts: Counts, rows: &[&Demand]) -> Block {
    let judged = |rows: &[&Demand]| sum(people_ask, rows);
    let cells = group(rows, |row| (Skill::of(row), row.district.clone()), judged);
    let of_whole: BTreeSet<Skill> = (cells.keys())
        .filter(|(_, district)| district.is_none())
        .map(|(skill, _)| *skill)
        .collect();
    let is_in_total =
        |(skill, district): (Skill, Option<&Gss>)| district.is_none() || !of_whole.contains(&skill);
    let in_total: Vec<&Demand> = (rows.iter().copied())
        .filter(|row| is_in_total((Skill::of(row), row.district.as_ref())))
        .collect();
    let kept: BTreeSet<Skill> = (cells.iter())
        .filter(|((skill, district), _)| is_in_total((*skill, district.as_ref())))
        .filter(|(_, cell)| !matches!(cell.told, Told::Yes | Told::NotPublished))
        .map(|((skill, _), _)| *skill)
        .collect();
    let skills = group(&in_total, Skill::of, judged).into_iter();
    let skills = skills.map(|(skill, mut sum)| {
        if sum.told == Told::Yes && kept.contains(&skill) {
            sum.told = Told::Under;
        }
        (skill, sum)
    });
    Block {
        people_ask,
        counts,
        skills: skills.collect(),
        cells,
    }
}

fn group<K: Ord>(
    rows: &[&Demand],
    key: impl Fn(&Demand) -> K,
    sum: impl Fn(&[&Demand]) -> Option<Sum>,
) -> BTreeMap<K, Sum> {
    let mut groups: BTreeMap<K, Vec<&Demand>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    let groups = groups.into_iter();
    groups
        .filter_map(|(key, rows)| sum(&rows).map(|sum| (key, sum)))
        .collect()
}

/// `None` for no rows.
fn sum(people_ask: bool, rows: &[&Demand]) -> Option<Sum> {
    let numbers = rows.iter().filter_map(|row| row.number);
    let parts: Vec<Part> = rows.iter().filter_map(|row| part(row)).collect();
    let suppressed = rows.iter().filter(|row| row.number.is_none()).count();
    let told = match judge(&parts) {
        _ if suppressed == rows.len() => Told::NotPublished,
        _ if people_ask => Told::People,
        verdict if verdict.may_be_told() => Told::Yes,
        _ => Told::Few,
    };
    Some(Sum {
        number: numbers.map(|n| u64::try_from(n).unwrap_or(0)).sum(),
        suppressed,
        rows: rows.len(),
        sure: rows.iter().map(|row| row.sure).max()?,
        how: rows.iter().map(|row| row.how).collect(),
        told,
    })
}

/// What a row has in a sum, by whom.
pub(crate) fn part(row: &Demand) -> Option<Part> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let number = count(row.number?);
    Some(match (row.organisation, row.largest, row.counts) {
        (Some(organisation), ..) => Part::Of(organisation, number),
        (None, Some((largest, second)), _) => Part::several(number, count(largest), count(second)),
        // Each of the employers is one.
        (None, None, Counts::Employers) => Part::several(number, 1, 1),
        (None, None, _) => Part::anybody(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2022, 3, 4);

    /// An employer's need of 10 people for the first skill in a district.
    fn need(organisation: Option<i64>, number: Option<i64>, district: &str) -> Demand {
        Demand {
            code: "D1".to_owned(),
            asks: Asks::Employer,
            organisation,
            tier: 0,
            skill: 7,
            audience: 0,
            district: (!district.is_empty()).then(|| district.parse().unwrap()),
            number,
            counts: Counts::People,
            from: "2022-01".parse().unwrap(),
            until: None,
            how: How::Panel,
            sure: Sure::Estimated,
            said_by: "Panel".to_owned(),
            holds_until: None,
            note: String::new(),
            largest: None,
            import: None,
        }
    }

    const HERE: &str = "E08000027";
    const THERE: &str = "E08000028";

    fn of(rows: &[Demand]) -> Summary {
        summary(rows, TODAY)
    }

    /// Whether the sum of rows of one skill may be told.
    fn told(rows: &[Demand]) -> Told {
        let blocks = of(rows).blocks;
        let mut all = blocks.iter().flat_map(|block| block.skills.values());
        all.next().unwrap().told
    }

    #[test]
    fn a_cell_of_many_is_told_and_one_of_few_is_not_nor_what_it_could_be_worked_out_from() {
        let mut rows: Vec<Demand> = (1..=5).map(|org| need(Some(org), Some(10), HERE)).collect();
        rows.push(need(Some(6), Some(40), THERE));
        let block = of(&rows).blocks.pop().unwrap();
        let at = |district: &str| {
            let key = block
                .cells
                .keys()
                .find(|key| key.1.as_ref().is_some_and(|d| d.as_str() == district));
            &block.cells[key.unwrap()]
        };
        assert_eq!((at(HERE).number, at(HERE).told), (50, Told::Yes));
        assert_eq!((at(THERE).number, at(THERE).told), (40, Told::Few));
        let skill = block.skills.values().next().unwrap();
        assert_eq!(
            (skill.number, skill.told),
            (90, Told::Under),
            "90 - 50 would tell 40"
        );
    }

    #[test]
    fn people_who_were_asked_are_never_told_and_never_added_to_employers() {
        let mut rows: Vec<Demand> = (1..=5).map(|org| need(Some(org), Some(10), HERE)).collect();
        rows.push(Demand {
            asks: Asks::Individual,
            ..need(None, Some(900), HERE)
        });
        rows.push(Demand {
            counts: Counts::Vacancies,
            ..need(None, Some(7), HERE)
        });
        let summary = of(&rows);
        let told: Vec<_> = summary
            .blocks
            .iter()
            .map(|b| (b, &b.skills[b.skills.keys().next().unwrap()]))
            .map(|(b, all)| (b.people_ask, b.counts, all.number, all.told))
            .collect();
        assert_eq!(
            told,
            [
                (false, Counts::People, 50, Told::Yes),
                (false, Counts::Vacancies, 7, Told::Few),
                (true, Counts::People, 900, Told::People),
            ]
        );
    }

    #[test]
    fn what_is_suppressed_is_no_zero_and_what_is_over_is_left_out() {
        let mut rows = vec![need(None, None, "")];
        rows.push(Demand {
            holds_until: Some(jiff::civil::date(2022, 3, 3)),
            ..need(Some(1), Some(5), HERE)
        });
        rows.push(Demand {
            holds_until: Some(TODAY),
            ..need(None, None, "")
        });
        let summary = of(&rows);
        assert_eq!(summary.over, 1);
        let all = summary.blocks[0].skills.values().next().unwrap();
        assert_eq!(
            (all.number, all.suppressed, all.rows, all.told),
            (0, 2, 2, Told::NotPublished)
        );
        assert_eq!(of(&[]), Summary::default());
    }

    #[test]
    fn employers_that_are_counted_are_one_each_and_files_say_their_largest() {
        let counted = |n| Demand {
            counts: Counts::Employers,
            ..need(None, Some(n), "")
        };
        assert_eq!(told(&[counted(430)]), Told::Yes);
        assert_eq!(told(&[counted(2)]), Told::Few);
        let file = |largest| Demand {
            largest: Some(largest),
            ..need(None, Some(100), "")
        };
        assert_eq!(told(&[file((40, 10))]), Told::Yes);
        assert_eq!(told(&[file((80, 10))]), Told::Few);
        // The same employers may be the largest of both.
        assert_eq!(told(&[file((41, 40)), file((45, 45))]), Told::Few);
    }

    #[test]
    fn a_tier_stands_for_a_skill_that_is_not_stated() {
        let codes = &Standard::current().dimension(Dimension::Skill).codes;
        let none =
            u8::try_from(codes.iter().position(|code| code.id == NOT_STATED).unwrap()).unwrap();
        let rows = [
            Demand {
                skill: none,
                tier: 0,
                ..need(None, Some(4), "")
            },
            Demand {
                skill: none,
                tier: 2,
                ..need(None, Some(5), "")
            },
            Demand {
                tier: 2,
                ..need(None, Some(6), "")
            },
            need(None, Some(7), ""),
        ];
        let skills: Vec<u64> = of(&rows).blocks[0]
            .skills
            .values()
            .map(|sum| sum.number)
            .collect();
        assert_eq!(skills, [13, 4, 5]);
    }

    /// Workplaces that a survey counted, of the tier with this position.
    fn surveyed(said_by: &str, tier: u8, number: i64) -> Demand {
        let codes = &Standard::current().dimension(Dimension::Skill).codes;
        let none = codes.iter().position(|code| code.id == NOT_STATED).unwrap();
        Demand {
            skill: u8::try_from(none).unwrap(),
            tier,
            counts: Counts::Employers,
            how: How::Survey,
            said_by: said_by.to_owned(),
            ..need(None, Some(number), "")
        }
    }

    /// Reproduction: 4,954 of 2017 and 3,447 of 2019 were told as 8,401 employers.
    #[test]
    fn of_a_survey_that_was_held_again_the_newest_year_stands_and_is_never_added() {
        let (then, later) = (
            "Employer Skills Survey 2017, DfE",
            "Employer Skills Survey 2019, DfE",
        );
        let rows = [
            surveyed(later, 0, 3447),
            surveyed(then, 0, 4954),
            // Of this tier there is the earlier year alone.
            surveyed(then, 2, 4323),
            // Another survey is another source, and so is one without a year.
            surveyed("Chamber of Commerce 2017", 0, 40),
            surveyed("Chamber of Commerce", 0, 2),
            Demand {
                district: Some(HERE.parse().unwrap()),
                ..surveyed(then, 0, 7)
            },
        ];
        let found = of(&rows);
        assert_eq!((found.older, found.over), (1, 0));
        let cells: Vec<u64> = found.blocks[0]
            .cells
            .values()
            .map(|sum| sum.number)
            .collect();
        assert_eq!(cells, [3489, 7, 4323]);
        assert_eq!(standing(&rows, TODAY).len(), 5);
        // Until the newer one is over.
        let over = Demand {
            holds_until: Some(jiff::civil::date(2021, 1, 1)),
            ..surveyed(later, 0, 1)
        };
        let found = of(&[over, surveyed(then, 0, 4954)]);
        assert_eq!((found.older, found.over), (0, 1));
    }

    /// Reproduction: 4,954 workplaces that need basic and 4,323 that need advanced skills were told as 9,277, and are 7,617.
    #[test]
    fn neither_skills_nor_an_area_and_what_lies_in_it_are_added_up() {
        let here = || Some(HERE.parse().unwrap());
        let rows = [
            surveyed("ESS 2017", 0, 4954),
            surveyed("ESS 2017", 2, 4323),
            Demand {
                district: here(),
                ..surveyed("Council 2021", 0, 30)
            },
            Demand {
                district: here(),
                ..surveyed("Council 2021", 1, 30)
            },
            Demand {
                district: Some(THERE.parse().unwrap()),
                ..surveyed("Council 2021", 1, 2)
            },
        ];
        let found = of(&rows).blocks.pop().unwrap();
        let told = found.skills.values().map(|sum| (sum.number, sum.told));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(4954, Told::Yes), (32, Told::Under), (4323, Told::Yes)]
        );
    }
}
