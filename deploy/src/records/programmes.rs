//! Illustrative programmes and providers of one LEP.

use std::io::Write;

use jiff::{ToSpan, civil::Date};
use ldsp_protocol::ids::Period;

use super::figures::{Tier, TierTotals, apportion};
use super::random::Draw;

/// One row of the programme file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// Reference, unique in the LEP.
    pub programme: String,
    /// Name.
    pub name: &'static str,
    /// Who delivers it; made up.
    pub provider: String,
    /// Tier.
    pub tier: Tier,
    /// Programme type, a code of the standard.
    pub kind: &'static str,
    /// Whom it is for, a code of the standard.
    pub audience: &'static str,
    /// Who pays.
    pub funder: &'static str,
    /// Whole cost in pounds.
    pub cost: u32,
    /// Places.
    pub capacity: u32,
    /// First day.
    pub start: Date,
    /// Last day.
    pub end: Date,
    /// The specialist or everyday skill that it favours, where it has one.
    pub(crate) focus: Option<&'static str>,
    /// Enrolments relative to the tier's other programmes.
    pub(crate) weight: u64,
}

/// A programme that a LEP may offer.
struct Offer {
    name: &'static str,
    tier: Tier,
    kind: &'static str,
    audience: &'static str,
    funder: &'static str,
    focus: Option<&'static str>,
    /// Cost of a place in pounds, lowest and highest.
    place: (f64, f64),
}

const fn offer(
    tier: Tier,
    name: &'static str,
    kind: &'static str,
    audience: &'static str,
    funder: &'static str,
    focus: Option<&'static str>,
    place: (f64, f64),
) -> Offer {
    Offer {
        name,
        tier,
        kind,
        audience,
        funder,
        focus,
        place,
    }
}

use Tier::{Advanced, Basic, General};

/// The first two of a tier are offered everywhere.
const OFFERS: [Offer; 15] = [
    offer(
        Basic,
        "First steps online",
        "short-course",
        "out-of-work",
        "adult education budget",
        Some("foundation"),
        (160.0, 320.0),
    ),
    offer(
        Basic,
        "Devices and confidence at home",
        "community-session",
        "older-people",
        "local authority",
        Some("communicating"),
        (120.0, 260.0),
    ),
    offer(
        Basic,
        "Everyday internet, safely",
        "qualification",
        "out-of-work",
        "adult education budget",
        Some("safe-and-legal"),
        (140.0, 280.0),
    ),
    offer(
        Basic,
        "English and digital together",
        "short-course",
        "out-of-work",
        "adult education budget",
        Some("communicating"),
        (220.0, 420.0),
    ),
    offer(
        Basic,
        "Online forms and services",
        "self-directed",
        "people-in-work",
        "charity",
        Some("transacting"),
        (90.0, 180.0),
    ),
    offer(
        General,
        "Digital at work",
        "qualification",
        "people-in-work",
        "adult education budget",
        None,
        (260.0, 520.0),
    ),
    offer(
        General,
        "Back to work with digital skills",
        "short-course",
        "out-of-work",
        "adult education budget",
        None,
        (320.0, 640.0),
    ),
    offer(
        General,
        "Selling and booking online",
        "workplace-training",
        "small-businesses",
        "growth hub",
        None,
        (180.0, 420.0),
    ),
    offer(
        General,
        "Digital volunteers",
        "workplace-training",
        "charities",
        "corporate partner",
        None,
        (140.0, 300.0),
    ),
    offer(
        General,
        "Step into the digital office",
        "qualification",
        "young-people",
        "adult education budget",
        None,
        (300.0, 560.0),
    ),
    offer(
        Advanced,
        "Software development bootcamp",
        "bootcamp",
        "out-of-work",
        "national skills fund",
        Some("software"),
        (2200.0, 4200.0),
    ),
    offer(
        Advanced,
        "Data skills for people in work",
        "bootcamp",
        "people-in-work",
        "national skills fund",
        Some("data-and-ai"),
        (1600.0, 3400.0),
    ),
    offer(
        Advanced,
        "Cyber security starter",
        "bootcamp",
        "young-people",
        "national skills fund",
        Some("cyber-security"),
        (1800.0, 3600.0),
    ),
    offer(
        Advanced,
        "Cloud and network support",
        "qualification",
        "people-in-work",
        "advanced learner loan",
        Some("infrastructure-and-cloud"),
        (1200.0, 2600.0),
    ),
    offer(
        Advanced,
        "Digital marketing for small firms",
        "workplace-training",
        "small-businesses",
        "growth hub",
        Some("digital-marketing"),
        (700.0, 1500.0),
    ),
];

/// Draws a LEP's programmes: two to four a tier, three to six providers.
pub(crate) fn draw_programmes(
    draw: &mut Draw,
    tiers: &[TierTotals; 3],
    periods: &[Period],
) -> Vec<Programme> {
    let providers = 3 + draw.below(4);
    let mut chosen = Vec::new();
    for (tier, totals) in Tier::ALL.into_iter().zip(tiers) {
        let mut of_tier: Vec<&Offer> = OFFERS.iter().filter(|offer| offer.tier == tier).collect();
        draw.shuffle(&mut of_tier[2..]);
        of_tier.truncate(2 + draw.below(3));
        let weights: Vec<u64> = of_tier
            .iter()
            .map(|_| draw.between(30.0, 100.0) as u64)
            .collect();
        let places = apportion(totals.enrolments, &weights);
        chosen.extend(of_tier.into_iter().zip(weights).zip(places));
    }
    let first_day = periods
        .first()
        .map_or(Date::ZERO, |period| period.first_day());
    let last_day = periods
        .last()
        .map_or(Date::ZERO, |period| period.first_day().last_of_month());
    chosen
        .into_iter()
        .enumerate()
        .map(|(at, ((offer, weight), places))| {
            let capacity = 5 + (f64::from(places) * draw.between(1.02, 1.35)) as u32;
            let place = draw.between(offer.place.0, offer.place.1);
            // Every provider has a programme before any has two.
            let provider = if at < providers {
                at
            } else {
                draw.below(providers)
            };
            Programme {
                programme: format!("P{:02}", at + 1),
                name: offer.name,
                provider: provider_name(provider),
                tier: offer.tier,
                kind: offer.kind,
                audience: offer.audience,
                funder: offer.funder,
                cost: (f64::from(capacity) * place / 100.0).round() as u32 * 100,
                capacity,
                start: first_day.saturating_sub(draw.days(0, 60).days()),
                end: last_day.saturating_add(draw.days(30, 200).days()),
                focus: offer.focus,
                weight,
            }
        })
        .collect()
}

fn provider_name(at: usize) -> String {
    const LETTERS: [char; 6] = ['A', 'B', 'C', 'D', 'E', 'F'];
    format!(
        "Provider {} (illustrative)",
        LETTERS.get(at).copied().unwrap_or('Z')
    )
}

/// Writes the programme file: the header, then a row for each programme.
///
/// # Errors
/// [`csv::Error`] when `out` refuses.
pub(crate) fn write_programmes(
    programmes: &[Programme],
    out: impl Write,
) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record([
        "programme",
        "name",
        "provider",
        "tier",
        "type",
        "audience",
        "funder",
        "cost",
        "capacity",
        "start",
        "end",
    ])?;
    for p in programmes {
        rows.write_record([
            p.programme.as_str(),
            p.name,
            &p.provider,
            p.tier.code(),
            p.kind,
            p.audience,
            p.funder,
            &p.cost.to_string(),
            &p.capacity.to_string(),
            &p.start.to_string(),
            &p.end.to_string(),
        ])?;
    }
    rows.flush()?;
    Ok(())
}
