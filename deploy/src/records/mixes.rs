//! Illustrative distributions of what the published figures do not say. None is measured: they are
//! plausible, differ between LEPs, and hang together (online courses lose more people, achievers find more work) so that a
//! benchmark has something to show.

use super::figures::Tier;
use super::random::{Draw, Mix};

/// Age bands with the ages, in whole years, that are drawn inside them.
pub(crate) const AGES: [(&str, i32, i32); 5] = [
    ("under-19", 16, 18),
    ("19-24", 19, 24),
    ("25-49", 25, 49),
    ("50-64", 50, 64),
    ("65-and-over", 65, 84),
];

/// How far a LEP's weights stray from the ones below, as an exponent.
const TILT: f64 = 0.2;

/// One LEP's distributions. Arrays are by tier unless they say otherwise.
#[derive(Debug)]
pub(crate) struct Mixes {
    pub(crate) skill: [Mix; 3],
    pub(crate) mode: [Mix; 3],
    pub(crate) age: [Mix; 3],
    pub(crate) sex: [Mix; 3],
    pub(crate) ethnicity: Mix,
    pub(crate) disability: Mix,
    /// By age band.
    pub(crate) prior: [Mix; 5],
    /// Of achievers, then of other leavers.
    pub(crate) destination: [Mix; 2],
    /// Change in confidence, -2 to 2: of achievers, then of others.
    pub(crate) confidence: [Vec<f64>; 2],
    /// Share of learners who are asked about confidence.
    pub(crate) asked: f64,
}

impl Mixes {
    pub(crate) fn of(lep: &str, draw: &mut Draw) -> Self {
        let mut mix = |parts: &[(&'static str, f64)]| Mix::new(parts).tilted(draw, TILT);
        Self {
            skill: Tier::ALL.map(|tier| mix(skills(tier))),
            mode: MODES.map(|parts| mix(&parts)),
            age: AGE_MIXES.map(|weights| {
                let parts: Vec<_> = AGES
                    .iter()
                    .zip(weights)
                    .map(|(age, w)| (age.0, w))
                    .collect();
                mix(&parts)
            }),
            sex: [0.57, 0.55, 0.34].map(|female| {
                mix(&[
                    ("female", female),
                    ("male", 0.985 - female),
                    ("not-stated", 0.015),
                ])
            }),
            ethnicity: mix(ethnicities(lep)),
            disability: mix(&[("no", 0.77), ("yes", 0.19), ("not-stated", 0.04)]),
            prior: PRIOR.map(&mut mix),
            destination: DESTINATIONS.map(|parts| mix(&parts)),
            confidence: [
                vec![0.01, 0.06, 0.27, 0.45, 0.21],
                vec![0.04, 0.15, 0.44, 0.29, 0.08],
            ],
            asked: draw.between(0.5, 0.75),
        }
    }
}

fn skills(tier: Tier) -> &'static [(&'static str, f64)] {
    match tier {
        Tier::Basic => &[
            ("foundation", 0.26),
            ("communicating", 0.20),
            ("handling-information", 0.17),
            ("transacting", 0.13),
            ("problem-solving", 0.11),
            ("safe-and-legal", 0.13),
        ],
        Tier::General => &[("workplace", 1.0)],
        Tier::Advanced => &[
            ("software", 0.28),
            ("data-and-ai", 0.23),
            ("cyber-security", 0.18),
            ("infrastructure-and-cloud", 0.15),
            ("design", 0.06),
            ("digital-marketing", 0.10),
        ],
    }
}

const MODES: [[(&str, f64); 3]; 3] = [
    [("face-to-face", 0.62), ("online", 0.21), ("blended", 0.17)],
    [("face-to-face", 0.42), ("online", 0.33), ("blended", 0.25)],
    [("face-to-face", 0.22), ("online", 0.41), ("blended", 0.37)],
];

const AGE_MIXES: [[f64; 5]; 3] = [
    [0.04, 0.09, 0.48, 0.25, 0.14],
    [0.07, 0.15, 0.54, 0.21, 0.03],
    [0.12, 0.27, 0.50, 0.10, 0.01],
];

/// Profiles by the LEP's largest cities; the five harmonised groups of the Office for National Statistics.
fn ethnicities(lep: &str) -> &'static [(&'static str, f64)] {
    match lep {
        // London
        "E37000051" => &[
            ("asian", 0.24),
            ("black", 0.22),
            ("mixed", 0.07),
            ("white", 0.34),
            ("other", 0.10),
            ("not-stated", 0.03),
        ],
        // Black Country, Greater Birmingham, Coventry, Greater Manchester, Leicester, Leeds, Luton
        "E37000001" | "E37000012" | "E37000006" | "E37000015" | "E37000021" | "E37000062"
        | "E37000057" => &[
            ("asian", 0.21),
            ("black", 0.11),
            ("mixed", 0.05),
            ("white", 0.54),
            ("other", 0.06),
            ("not-stated", 0.03),
        ],
        _ => &[
            ("asian", 0.07),
            ("black", 0.05),
            ("mixed", 0.03),
            ("white", 0.80),
            ("other", 0.03),
            ("not-stated", 0.02),
        ],
    }
}

const PRIOR: [&[(&str, f64)]; 5] = [
    &[
        ("in-education", 0.62),
        ("unemployed", 0.22),
        ("employed", 0.10),
        ("economically-inactive", 0.06),
    ],
    &[
        ("unemployed", 0.40),
        ("employed", 0.33),
        ("in-education", 0.14),
        ("economically-inactive", 0.09),
        ("self-employed", 0.02),
        ("not-stated", 0.02),
    ],
    &[
        ("unemployed", 0.38),
        ("employed", 0.36),
        ("economically-inactive", 0.15),
        ("self-employed", 0.07),
        ("in-education", 0.02),
        ("not-stated", 0.02),
    ],
    &[
        ("unemployed", 0.33),
        ("employed", 0.30),
        ("economically-inactive", 0.22),
        ("self-employed", 0.07),
        ("retired", 0.06),
        ("not-stated", 0.02),
    ],
    &[
        ("retired", 0.88),
        ("economically-inactive", 0.06),
        ("employed", 0.02),
        ("self-employed", 0.02),
        ("not-stated", 0.02),
    ],
];

const DESTINATIONS: [[(&str, f64); 4]; 2] = [
    [
        ("sustained-employment", 0.46),
        ("further-learning", 0.25),
        ("other-positive", 0.09),
        ("none", 0.20),
    ],
    [
        ("sustained-employment", 0.33),
        ("further-learning", 0.10),
        ("other-positive", 0.09),
        ("none", 0.48),
    ],
];
