//! The demonstration's records: published figures expanded into illustrative enrolments.
//!
//! Real: how many enrolments and achievements a LEP had, by tier. Illustrative: everything
//! else, drawn by a keyed generator, so the same key gives the same files. See `deploy/data/README.md`.

mod calendar;
mod enrolments;
pub mod figures;
mod learners;
mod mixes;
pub mod practice;
mod programmes;
mod random;
mod write;

use jiff::civil::Date;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};

pub use enrolments::Stage;
pub use figures::{Figures, Tier};
pub use learners::{Learner, uln};
pub use programmes::Programme;
pub use write::Truth;

use calendar::Calendar;
use enrolments::Enrolment;
use learners::{Crowd, UlnRange};
use mixes::Mixes;
use random::Draw;

/// Why figures cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// No LEP with this code has figures.
    #[error("no figures for {0}; use the code of one of the 38 LEPs, such as E37000051")]
    UnknownLep(String),
    /// No periods.
    #[error("no periods; give at least one month")]
    NoPeriods,
    /// Periods that do not follow one another.
    #[error("the periods do not follow one another month by month")]
    Gap,
}

/// One LEP's illustrative records.
#[derive(Debug)]
pub struct LepRecords {
    lep: Gss,
    first_day: Date,
    learners: Vec<Learner>,
    programmes: Vec<Programme>,
    enrolments: Vec<Enrolment>,
}

impl LepRecords {
    /// The name of one of the providers, the same for the same records.
    #[must_use]
    pub fn a_provider(&self) -> Option<&str> {
        self.programmes.first().map(|p| p.provider.as_str())
    }
}

/// Expands the figures of `lep` into records whose starts and ends lie within `periods`. Enrolments
/// and achievements add up to the published totals exactly, by tier as [`Figures::tiers`] gives them. Pure:
/// the same arguments give the same records.
///
/// # Errors
/// [`ExpandError`] for an unknown LEP, no periods, or periods with a gap.
pub fn expand(
    figures: &Figures,
    lep: &str,
    key: [u8; 32],
    periods: &[Period],
) -> Result<LepRecords, ExpandError> {
    let unknown = || ExpandError::UnknownLep(lep.to_owned());
    let code: Gss = lep.parse().map_err(|_| unknown())?;
    let tiers = figures.tiers(lep).ok_or_else(unknown)?;
    let districts = districts(figures, &code);
    if districts.is_empty() {
        return Err(unknown());
    }
    let stream = |purpose| Draw::keyed(&key, lep, purpose);
    let calendar = Calendar::of(periods, &mut stream("calendar"))?;
    let mixes = Mixes::of(lep, &mut stream("mixes"));
    let programmes = programmes::draw_programmes(&mut stream("programmes"), &tiers, periods);
    let slots = enrolments::slots(&mut stream("stages"), &tiers);
    let scene = enrolments::Scene {
        mixes: &mixes,
        calendar: &calendar,
        programmes: &programmes,
    };
    let mut crowd = Crowd {
        mixes: &mixes,
        districts: &districts,
        ulns: UlnRange::of(lep),
    };
    let (learners, enrolments) = enrolments::draw_enrolments(
        &mut stream("enrolments"),
        &mut stream("learners"),
        &scene,
        &mut crowd,
        &slots,
    );
    Ok(LepRecords {
        lep: code,
        first_day: calendar.date(0),
        learners,
        programmes,
        enrolments,
    })
}

/// The districts that `lep` owns, with weights: achievements, or residents of working age where all of
/// those are zero.
fn districts(figures: &Figures, lep: &Gss) -> Vec<(String, f64)> {
    let map = Geography::embedded();
    let owned = map.owned_by(lep);
    let by_figures = owned
        .iter()
        .any(|code| figures.district_weight(code.as_str()) > 0);
    owned
        .iter()
        .map(|code| {
            let weight = if by_figures {
                figures.district_weight(code.as_str())
            } else {
                map.district(code)
                    .and_then(|d| d.population_16_64)
                    .unwrap_or(0)
            };
            (code.to_string(), weight as f64)
        })
        .collect()
}

impl LepRecords {
    /// The LEP.
    #[must_use]
    pub fn lep(&self) -> &Gss {
        &self.lep
    }

    /// The learners; each has one enrolment or two.
    #[must_use]
    pub fn learners(&self) -> &[Learner] {
        &self.learners
    }

    /// The programmes.
    #[must_use]
    pub fn programmes(&self) -> &[Programme] {
        &self.programmes
    }

    /// Number of enrolments: rows of the learner file.
    #[must_use]
    pub fn enrolments(&self) -> usize {
        self.enrolments.len()
    }

    /// Number of achievements.
    #[must_use]
    pub fn achievements(&self) -> usize {
        self.enrolments
            .iter()
            .filter(|e| e.stage == Stage::Achieved)
            .count()
    }
}

#[cfg(test)]
mod tests;
