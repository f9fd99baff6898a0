//! One LEP's enrolments: how many of each tier and stage, in which programme, when, with what result.

use super::calendar::Calendar;
use super::figures::{Tier, TierTotals};
use super::learners::{Crowd, Learner};
use super::mixes::Mixes;
use super::programmes::Programme;
use super::random::Draw;

/// England, education and training, 2021/22 (Department for Education): retention and pass rate.
const RETENTION: f64 = 0.904;
const PASS: f64 = 0.924;

/// Share of a tier's enrolments that may still be in progress, lowest and highest.
const IN_PROGRESS: [(f64, f64); 3] = [(0.015, 0.05), (0.02, 0.06), (0.03, 0.10)];

/// Share of the unfinished that were transferred within the area.
const TRANSFERRED: f64 = 0.08;

/// Planned length in days by tier, shortest and longest.
const LENGTH: [(i32, i32); 3] = [(10, 56), (21, 98), (49, 182)];

/// Days of calendar from which on courses have their full length.
const FULL_LENGTH: f64 = 330.0;

/// Share of learners who enrol a second time.
const SECOND: f64 = 0.08;

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the data standard's own")]
pub enum Stage {
    InProgress,
    Achieved,
    CompletedWithoutAchievement,
    Withdrawn,
    Transferred,
}

impl Stage {
    /// The code of the data standard.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Achieved => "achieved",
            Self::CompletedWithoutAchievement => "completed-without-achievement",
            Self::Withdrawn => "withdrawn",
            Self::Transferred => "transferred",
        }
    }

    /// Whether the enrolment ended in one of the three outcomes.
    #[must_use]
    pub fn left(self) -> bool {
        !matches!(self, Self::InProgress | Self::Transferred)
    }
}

/// One enrolment. Days count from the first day of the first period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enrolment {
    pub(crate) learner: usize,
    pub(crate) programme: usize,
    pub(crate) aim: String,
    pub(crate) skill: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) start: i32,
    pub(crate) planned_end: i32,
    pub(crate) end: Option<i32>,
    pub(crate) stage: Stage,
    /// At 3, 6 and 12 months, where due and known.
    pub(crate) destinations: [Option<&'static str>; 3],
    /// Before and after, 1 to 5.
    pub(crate) confidence: (Option<u8>, Option<u8>),
    /// Of five everyday tasks, how many are done online: at the start, at follow-up.
    pub(crate) everyday: (Option<u8>, Option<u8>),
}

/// A tier (0 basic to 2 advanced) and a stage still to be given to somebody.
type Slot = (usize, Stage);

/// Tier and stage of every enrolment, shuffled. Enrolments and achievements of a tier are the
/// published ones; the rest is divided so that retention and pass come as near to England's as these allow.
pub(crate) fn slots(draw: &mut Draw, tiers: &[TierTotals; 3]) -> Vec<Slot> {
    let mut all = Vec::new();
    for (tier, totals) in tiers.iter().enumerate() {
        let enrolments = f64::from(totals.enrolments);
        let rest = totals.enrolments - totals.achievements;
        let at_published_rates = enrolments - f64::from(totals.achievements) / (RETENTION * PASS);
        let (least, most) = IN_PROGRESS[tier];
        let open = at_published_rates.clamp(least * enrolments, most * enrolments)
            * draw.between(0.8, 1.2);
        let open = (open.round() as u32).min(rest);
        let transferred = (f64::from(open) * TRANSFERRED).round() as u32;
        let failed = f64::from(rest - open);
        let share = (1.0 - RETENTION) / (1.0 - RETENTION * PASS) * draw.between(0.85, 1.15);
        let withdrawn = (failed * share).round() as u32;
        let counts = [
            (Stage::Achieved, totals.achievements),
            (Stage::InProgress, open - transferred),
            (Stage::Transferred, transferred),
            (Stage::Withdrawn, withdrawn),
            (Stage::CompletedWithoutAchievement, rest - open - withdrawn),
        ];
        for (stage, count) in counts {
            all.extend(std::iter::repeat_n((tier, stage), count as usize));
        }
    }
    draw.shuffle(&mut all);
    all
}

/// Everything that the enrolments of a LEP are drawn from.
pub(crate) struct Scene<'a> {
    pub(crate) mixes: &'a Mixes,
    pub(crate) calendar: &'a Calendar,
    pub(crate) programmes: &'a [Programme],
}

/// Draws learners and enrolments for `slots`: a learner for each of the first slots, and a second
/// enrolment of a different learner for each of the rest.
pub(crate) fn draw_enrolments(
    draw: &mut Draw,
    people: &mut Draw,
    scene: &Scene<'_>,
    crowd: &mut Crowd<'_>,
    slots: &[Slot],
) -> (Vec<Learner>, Vec<Enrolment>) {
    let first = slots.len() - (slots.len() as f64 * SECOND / (1.0 + SECOND)) as usize;
    let mut learners: Vec<Learner> = Vec::with_capacity(first);
    let mut enrolments: Vec<Enrolment> = Vec::with_capacity(slots.len());
    for (at, (tier, stage)) in slots.iter().copied().enumerate() {
        let programme = scene.programme(draw, tier);
        let (start, planned_end, end) = scene.dates(draw, tier, stage);
        let learner = if at < first { at } else { at - first };
        if at < first {
            let audience = scene.programmes[programme].audience;
            learners.push(crowd.learner(people, at, tier, audience, scene.calendar.date(start)));
        }
        let skill = scene.skill(draw, tier, programme);
        let unit = 1 + draw.below(3) + if at < first { 0 } else { 3 };
        let achiever = stage == Stage::Achieved;
        enrolments.push(Enrolment {
            learner,
            programme,
            aim: aim(tier, skill, unit),
            skill,
            mode: scene.mode(draw, tier, stage),
            start,
            planned_end,
            end,
            stage,
            destinations: scene.destinations(draw, stage, end, learners[learner].prior),
            confidence: scene.confidence(draw, achiever, stage.left()),
            everyday: everyday(
                draw,
                tier,
                achiever,
                end.is_some_and(|e| scene.calendar.due(e, 1)) && stage.left(),
            ),
        });
    }
    (learners, enrolments)
}

/// An illustrative learning aim of eight characters. Units 4 to 6 are second enrolments', so nobody takes an aim twice.
fn aim(tier: usize, skill: &str, unit: usize) -> String {
    let letter = ["B", "G", "A"][tier];
    let short: String = skill
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(4)
        .collect();
    format!("ZX{letter}{:0>4}{unit}", short.to_uppercase())
}

impl Scene<'_> {
    fn programme(&self, draw: &mut Draw, tier: usize) -> usize {
        let tier = Tier::ALL[tier];
        let weights: Vec<f64> = self
            .programmes
            .iter()
            .map(|p| if p.tier == tier { p.weight as f64 } else { 0.0 })
            .collect();
        draw.index(&weights)
    }

    fn skill(&self, draw: &mut Draw, tier: usize, programme: usize) -> &'static str {
        match self.programmes[programme].focus {
            Some(focus) => self.mixes.skill[tier].pick_favouring(draw, &[focus], 3.0),
            None => self.mixes.skill[tier].pick(draw),
        }
    }

    fn mode(&self, draw: &mut Draw, tier: usize, stage: Stage) -> &'static str {
        let online = if stage == Stage::Withdrawn { 1.9 } else { 1.0 };
        self.mixes.mode[tier].pick_favouring(draw, &["online"], online)
    }

    /// Start, planned end and end. All starts and ends lie in the calendar; the planned end of an
    /// enrolment in progress lies after it.
    fn dates(&self, draw: &mut Draw, tier: usize, stage: Stage) -> (i32, i32, Option<i32>) {
        let last = self.calendar.last();
        let (short, long) = LENGTH[tier];
        // A short calendar holds shorter courses; otherwise nobody would start in its last months.
        let scale = (f64::from(last) / FULL_LENGTH).clamp(0.2, 1.0);
        let length = (f64::from(draw.days(short, long)) * scale) as i32;
        if stage == Stage::InProgress {
            let start = self.calendar.start(draw, last, 1.5);
            return (start, (start + length).max(last + draw.days(1, 45)), None);
        }
        let length = length.min((f64::from(last) * draw.between(0.3, 0.8)) as i32);
        let start = self.calendar.start(draw, last - length, 0.0);
        let stayed = match stage {
            Stage::Withdrawn | Stage::Transferred => {
                (f64::from(length) * draw.between(0.05, 0.8)) as i32
            }
            _ => length + draw.days(-5, 12),
        };
        (
            start,
            start + length,
            Some((start + stayed).clamp(start, last)),
        )
    }

    fn destinations(
        &self,
        draw: &mut Draw,
        stage: Stage,
        end: Option<i32>,
        prior: &str,
    ) -> [Option<&'static str>; 3] {
        let Some(end) = end.filter(|_| stage.left()) else {
            return [None; 3];
        };
        let mix = &self.mixes.destination[usize::from(stage != Stage::Achieved)];
        let (favoured, factor) = match prior {
            "employed" | "self-employed" => ("sustained-employment", 3.0),
            "retired" => ("other-positive", 6.0),
            "in-education" => ("further-learning", 3.0),
            _ => ("none", 1.3),
        };
        let mut known = None;
        [3, 6, 12].map(|months| {
            // Most people are where they were before; a few cannot be traced.
            let moved = known.is_none() || draw.chance(0.2);
            let untraced = draw.chance(0.05);
            if !self.calendar.due(end, months) {
                return None;
            }
            if moved {
                known = Some(mix.pick_favouring(draw, &[favoured], factor));
            }
            if untraced { Some("not-stated") } else { known }
        })
    }

    fn confidence(&self, draw: &mut Draw, achiever: bool, left: bool) -> (Option<u8>, Option<u8>) {
        if !draw.chance(self.mixes.asked) {
            return (None, None);
        }
        let before = draw.days(1, 4);
        if !left || draw.chance(0.15) {
            return (score(before, 1), None);
        }
        let change = draw.index(&self.mixes.confidence[usize::from(!achiever)]) as i32 - 2;
        (score(before, 1), score(before + change, 1))
    }
}

/// A score between `least` and 5.
fn score(value: i32, least: i32) -> Option<u8> {
    u8::try_from(value.clamp(least, 5)).ok()
}

/// Everyday tasks are asked about in basic and general programmes, again a month after the end.
fn everyday(
    draw: &mut Draw,
    tier: usize,
    achiever: bool,
    followed: bool,
) -> (Option<u8>, Option<u8>) {
    let asked = draw.chance([0.6, 0.3, 0.0][tier]);
    let before = draw.days(0, 4);
    let change = if achiever {
        draw.index(&[0.04, 0.26, 0.38, 0.22, 0.10]) as i32 - 1
    } else {
        draw.index(&[0.12, 0.52, 0.27, 0.09]) as i32 - 1
    };
    let answered = draw.chance(0.7);
    match (asked, followed && answered) {
        (false, _) => (None, None),
        (true, false) => (score(before, 0), None),
        (true, true) => (score(before, 0), score(before + change, 0)),
    }
}
