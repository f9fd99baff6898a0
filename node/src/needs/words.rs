//! Needs as people read them, on pages and at the terminal.

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::needs::{Counts, How, PeopleAsked, Sure};
use ldsp_protocol::standard::{Dimension, NOT_STATED, Standard};

use super::sums::Why;
use crate::words::count;

/// What everybody has to know before publishing.
pub(crate) const WHO_READS: &str = "Everybody reads what is published here: it goes to the public log under this LEP\u{2019}s name and stays there. No figure is of a learner, and none tells what a single employer or person said.";

/// The title of a code, or the code.
fn title(dimension: Dimension, id: &str) -> String {
    let codes = &Standard::current().dimension(dimension).codes;
    let code = codes.iter().find(|code| code.id == id);
    code.map_or_else(|| id.to_owned(), |code| code.title.clone())
}

/// The skill, or the tier where it is not stated.
pub(crate) fn skill(id: &str, tier: Option<&str>) -> String {
    match tier {
        None => title(Dimension::Skill, id),
        Some(tier) if tier == NOT_STATED => "Skill not stated".to_owned(),
        Some(tier) => format!("{}, skill not stated", title(Dimension::Tier, tier)),
    }
}

/// A district, or the whole area.
pub(crate) fn place(district: Option<&Gss>) -> String {
    let Some(code) = district else {
        return "Whole area".to_owned();
    };
    let found = Geography::embedded().district(code);
    found.map_or_else(|| code.to_string(), |district| district.name.clone())
}

/// What a number counts.
pub(crate) fn counts(it: Counts) -> &'static str {
    match it {
        Counts::People => "People to be trained",
        Counts::Employers => "Employers with a need",
        Counts::Vacancies => "Vacancies",
    }
}

/// How sure it is.
pub(crate) fn sure(it: Sure) -> &'static str {
    match it {
        Sure::Counted => "Counted",
        Sure::Estimated => "Estimated",
        Sure::Guessed => "Guessed",
    }
}

/// How it was learnt.
pub(crate) fn how(all: &[How]) -> String {
    let words = all.iter().map(|how| match how {
        How::Survey => "survey",
        How::Vacancies => "vacancies",
        How::Panel => "panel",
        How::Workshop => "workshop",
        How::Application => "applications",
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Why a sum is not told, or not as it is now.
pub(crate) fn why(it: Why) -> &'static str {
    match it {
        Why::Few => {
            "Not told: few organisations make it up, and one could work out another\u{2019}s number"
        }
        Why::Change => {
            "Not told: few organisations make up what changed since it was told last, and the change would tell theirs"
        }
        Why::Under => {
            "Not told: with the districts\u{2019} numbers, what few organisations asked for could be worked out from it"
        }
        Why::Stands => {
            "The number that was told last stands: the change since then would tell what few organisations asked for"
        }
        Why::Lost => {
            "The number that was told last stands: what it was made of went with a lost database"
        }
    }
}

/// A count of people with noise, as people read it: rounded down at nought, and how far it may be off.
pub(crate) fn about(number: i64) -> String {
    count(u64::try_from(number).unwrap_or(0))
}

/// How far a count of people may be off in 19 of 20 cases: 1.96 standard errors, rounded up.
pub(crate) fn give_or_take(asked: &PeopleAsked) -> u64 {
    // 1.96^2 is 3.8416.
    let squared = asked.sigma2.saturating_mul(38_416).div_ceil(10_000);
    let root = squared.isqrt();
    root + u64::from(root * root < squared)
}

/// A count of people: of which skill, where, how many.
pub(crate) type Count = (String, String, i64);

/// The counts that stand out of the noise, three standard errors or more, the largest first; and how many others there are.
pub(crate) fn clear(asked: &PeopleAsked, lep: &Gss) -> (Vec<Count>, usize) {
    let owned = Geography::embedded().owned_by(lep);
    let skills = &Standard::current().dimension(Dimension::Skill).codes;
    let places = owned.len() + 1;
    let is_clear = |n: i64| n > 0 && n.unsigned_abs().pow(2) >= 9 * asked.sigma2;
    let mut found: Vec<Count> = (asked.counts.iter().enumerate())
        .filter(|(_, n)| is_clear(**n))
        .filter_map(|(at, n)| {
            let skill = skills.get(at / places)?;
            let district = (at % places).checked_sub(1);
            let district = district.and_then(|at| owned.get(at));
            Some((skill.title.clone(), place(district), *n))
        })
        .collect();
    found.sort_by_key(|(.., n)| -n);
    let others = asked.counts.len() - found.len();
    (found, others)
}
