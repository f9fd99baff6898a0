//! Learners that nobody is: skewed attributes, late facts, corrections, erasures, a provider's inventions.

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Gss, Period};
use ldsp_protocol::standard::{Dimension, Family};
use rand_core::Rng;

use crate::truth::{ABSENT, Codes, Enrolment, Event, LAST};

/// Shares of the codes of each dimension, in the standard's order. Made up, and skewed as real lists are: a few codes hold
/// most people, several hold almost nobody.
const SHARES: [(Dimension, &[f64]); 11] = [
    (Dimension::Tier, &[50.0, 38.0, 11.0, 1.0]),
    (
        Dimension::Skill,
        &[
            18.0, 9.0, 9.0, 7.0, 7.0, 8.0, 20.0, 5.0, 5.0, 4.0, 3.0, 2.0, 2.0, 1.0,
        ],
    ),
    (Dimension::Mode, &[45.0, 25.0, 28.0, 2.0]),
    (Dimension::Age, &[14.0, 16.0, 46.0, 17.0, 6.0, 1.0]),
    (Dimension::Sex, &[55.0, 44.0, 1.0]),
    (Dimension::Ethnicity, &[12.0, 7.0, 3.0, 72.0, 3.0, 3.0]),
    (Dimension::Disability, &[17.0, 78.0, 5.0]),
    (Dimension::Prior, &[38.0, 6.0, 28.0, 12.0, 4.0, 10.0, 2.0]),
    (
        Dimension::Audience,
        &[30.0, 32.0, 14.0, 10.0, 9.0, 3.0, 2.0],
    ),
    (
        Dimension::ProgrammeType,
        &[40.0, 25.0, 6.0, 12.0, 10.0, 5.0, 2.0],
    ),
    (Dimension::Outcome, &[72.0, 10.0, 18.0]),
];
const DESTINATION: &[f64] = &[48.0, 20.0, 8.0, 18.0, 6.0];
const CHANGE: &[f64] = &[8.0, 34.0, 58.0];

/// Uniform on [0, 1), 53 bits.
fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn chance(rng: &mut impl Rng, p: f64) -> bool {
    uniform(rng) < p
}

fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((uniform(rng) * n as f64) as usize).min(n.saturating_sub(1))
}

fn pick(rng: &mut impl Rng, shares: &[f64]) -> u8 {
    let mut left = uniform(rng) * shares.iter().sum::<f64>();
    for (at, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return at as u8;
        }
    }
    0
}

/// A node to be filled.
pub(super) struct Place<'a> {
    pub(super) node: &'a str,
    pub(super) lep: &'a Gss,
    pub(super) first: Period,
    pub(super) months: usize,
}

/// The enrolments of `learners` learners over the node's months, and an attacker's inventions.
pub(super) fn population(place: &Place<'_>, learners: usize, rng: &mut impl Rng) -> Vec<Enrolment> {
    let mut all = Vec::new();
    for learner in 0..learners {
        let who = person(place, rng);
        // At most two enrolments of a learner enter any family.
        let times = 1 + usize::from(chance(rng, 0.15));
        for _ in 0..times {
            let start = start_month(place, rng);
            all.push(enrolment(place, learner.to_string(), &who, start, rng));
        }
    }
    let mut invention = person(place, rng);
    (
        invention[Dimension::Area as usize],
        invention[Dimension::Disability as usize],
    ) = (0, 0);
    for fake in 0..(learners / 25).clamp(20, 400) {
        let start = below(rng, place.months);
        let mut made_up = enrolment(place, format!("fake-{fake}"), &invention, start, rng);
        (made_up.own, made_up.erased) = (true, None);
        all.push(made_up);
    }
    all
}

fn person(place: &Place<'_>, rng: &mut impl Rng) -> Codes {
    let mut codes = [ABSENT; 16];
    let districts = Geography::embedded().owned_by(place.lep).len();
    // The k-th district is a k-th as large as the first.
    let sizes: Vec<f64> = (1..=districts).map(|k| 1.0 / k as f64).collect();
    codes[Dimension::Area as usize] = if chance(rng, 0.02) {
        LAST
    } else {
        pick(rng, &sizes)
    };
    for (dimension, shares) in SHARES.iter().take(10) {
        codes[*dimension as usize] = pick(rng, shares);
    }
    codes[Dimension::Pledge as usize] = 0;
    codes
}

/// A tenth were there before the first release; starts peak in September and January.
fn start_month(place: &Place<'_>, rng: &mut impl Rng) -> usize {
    if chance(rng, 0.1) {
        return 0;
    }
    let weight = |at: usize| {
        let month = (place.first.month() as usize - 1 + at) % 12;
        match month {
            8 => 4.0,
            0 => 2.0,
            6 | 7 => 0.3,
            _ => 1.0,
        }
    };
    let weights: Vec<f64> = (0..place.months).map(weight).collect();
    // `pick` counts in bytes; an epoch has 120 months at most.
    usize::from(pick(rng, &weights))
}

fn enrolment(
    place: &Place<'_>,
    learner: String,
    who: &Codes,
    start: usize,
    rng: &mut impl Rng,
) -> Enrolment {
    let mut made = Made {
        place,
        events: Vec::new(),
    };
    let mut codes = *who;
    for dimension in [Dimension::Tier, Dimension::Skill, Dimension::Mode] {
        let shares = SHARES
            .iter()
            .find(|(d, _)| *d == dimension)
            .map_or(&[][..], |(_, s)| s);
        codes[dimension as usize] = pick(rng, shares);
    }
    let known = start + late(rng);
    made.add(Family::Starts, known, &codes);
    let end = start + 1 + below(rng, 12);
    if chance(rng, 0.93) {
        leave(&mut made, &codes, end, rng);
    }
    let erased = chance(rng, 0.03)
        .then(|| known + 1 + below(rng, 18))
        .filter(|m| *m < place.months);
    let erased = erased.and_then(|m| place.first.plus(m as i32));
    // What was to become known later never does.
    made.events.retain(|e| erased.is_none_or(|m| e.period < m));
    Enrolment {
        node: place.node.to_owned(),
        learner,
        own: false,
        erased,
        events: made.events,
    }
}

/// Three facts in ten become known a month late or later.
fn late(rng: &mut impl Rng) -> usize {
    let mut months = 0;
    while months < 6 && chance(rng, 0.3) {
        months += 1;
    }
    months
}

struct Made<'a> {
    place: &'a Place<'a>,
    events: Vec<Event>,
}

impl Made<'_> {
    fn add(&mut self, family: Family, month: usize, codes: &Codes) {
        self.weigh(family, month, codes, 1);
    }

    fn weigh(&mut self, family: Family, month: usize, codes: &Codes, weight: i64) {
        if month >= self.place.months {
            return;
        }
        if let Some(period) = self.place.first.plus(month as i32) {
            self.events.push(Event {
                standard: None,
                epoch: 1,
                family,
                period,
                weight,
                codes: *codes,
            });
        }
    }
}

fn leave(made: &mut Made<'_>, codes: &Codes, end: usize, rng: &mut impl Rng) {
    let known = end + late(rng);
    let mut with = *codes;
    let shares = SHARES[10].1;
    with[Dimension::Outcome as usize] = pick(rng, shares);
    made.add(Family::Leavers, known, &with);
    // One correction of a spell at most: a -1 and a +1.
    let corrected = known + 1 + below(rng, 4);
    if chance(rng, 0.03) && corrected < made.place.months {
        made.weigh(Family::Leavers, corrected, &with, -1);
        let other = (with[Dimension::Outcome as usize] + 1) % 3;
        with[Dimension::Outcome as usize] = other;
        made.add(Family::Leavers, corrected, &with);
    }
    for (family, months) in [
        (Family::Destination3, 3),
        (Family::Destination6, 6),
        (Family::Destination12, 12),
    ] {
        if chance(rng, 0.8) {
            let mut after = *codes;
            after[Dimension::Destination as usize] = pick(rng, DESTINATION);
            made.add(family, end + months + late(rng), &after);
        }
    }
    for (family, dimension) in [
        (Family::Confidence, Dimension::Confidence),
        (Family::Everyday, Dimension::Everyday),
    ] {
        if chance(rng, 0.6) {
            let mut after = *codes;
            after[dimension as usize] = pick(rng, CHANGE);
            made.add(family, end + late(rng), &after);
        }
    }
}
