//! A picture as a tidy CSV: one row for each figure of each skill, symbols instead of blanks.

use ldsp_protocol::measures::Count;
use ldsp_protocol::needs::{Counts, SkillPicture};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::csv_text;

use super::{Report, shown};

/// Header of the table.
const HEADER: [&str; 17] = [
    "place_code",
    "place",
    "day",
    "skill",
    "skill_title",
    "figure",
    "value",
    "low_95",
    "high_95",
    "estimate",
    "standard_error",
    "leps_told",
    "oldest",
    "leps_demand",
    "leps_kept_back",
    "leps_provision",
    "leps",
];

/// What a row says beside the skill.
struct Figure {
    name: &'static str,
    /// Value, ends of its interval, unrounded estimate and standard error.
    numbers: [String; 5],
    leps: u64,
    oldest: String,
}

fn z() -> String {
    "z".to_owned()
}

/// Writes a picture as CSV. `z` is not told or not applicable, `low` too few to say; `leps_told` are the LEPs that told the figure,
/// `oldest` is the day of the oldest sum in it.
///
/// # Errors
/// Does not happen: the writer is a buffer in memory.
pub fn to_csv(report: &Report) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let picture = &report.picture;
    let titles = &Standard::current().dimension(Dimension::Skill).codes;
    for skill in &picture.skills {
        let title = titles.iter().find(|code| code.id == skill.skill);
        for figure in figures(skill) {
            let [value, low, high, estimate, se] = figure.numbers;
            writer.write_record([
                report.place.code.clone(),
                csv_text(&report.place.name).into_owned(),
                picture.day.to_string(),
                skill.skill.clone(),
                csv_text(title.map_or("", |code| code.title.as_str())).into_owned(),
                figure.name.to_owned(),
                value,
                low,
                high,
                estimate,
                se,
                figure.leps.to_string(),
                figure.oldest,
                picture.demand.to_string(),
                picture.kept_back.to_string(),
                picture.provision.to_string(),
                report.leps.to_string(),
            ])?;
        }
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

fn figures(skill: &SkillPicture) -> Vec<Figure> {
    let exact = |value: String| [value, z(), z(), z(), z()];
    let wanted = Counts::ALL.iter().map(|counts| {
        let told = skill.wanted.iter().find(|w| w.counts == *counts);
        Figure {
            name: match counts {
                Counts::People => "wanted-people",
                Counts::Employers => "wanted-employers",
                Counts::Vacancies => "wanted-vacancies",
            },
            numbers: exact(told.map_or_else(z, |w| w.number.to_string())),
            leps: told.map_or(0, |w| w.leps),
            oldest: told.map_or_else(z, |w| w.oldest.to_string()),
        }
    });
    let offered = &skill.offered;
    let offers = [
        ("services", offered.services),
        ("places", offered.places),
        ("services-with-known-places", offered.places_known),
        ("free-services", offered.free),
        ("assured-services", offered.assured),
    ];
    let offers = offers.map(|(name, number)| Figure {
        name,
        numbers: exact(number.to_string()),
        leps: offered.leps,
        oldest: z(),
    });
    wanted.chain([asked(skill)]).chain(offers).collect()
}

fn asked(skill: &SkillPicture) -> Figure {
    let numbers = skill.people.as_ref().map(|people| {
        #[expect(clippy::cast_precision_loss, reason = "a variance is far below 2^53")]
        let se = (people.variance as f64).sqrt();
        let raw = [people.count.to_string(), format!("{se:.4}")];
        let [value, low, high] = match shown(people) {
            Count::Shown { value, low, high } => [value, low, high].map(|n| n.to_string()),
            Count::TooFew => [(); 3].map(|()| "low".to_owned()),
        };
        let [estimate, se] = raw;
        [value, low, high, estimate, se]
    });
    Figure {
        name: "people-asked",
        numbers: numbers.unwrap_or_else(|| [(); 5].map(|()| z())),
        leps: skill.people.as_ref().map_or(0, |people| people.leps),
        oldest: z(),
    }
}
