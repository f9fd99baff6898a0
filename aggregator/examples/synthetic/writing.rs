//! Invented practice entries.

use ldsp_protocol::geography::Lep;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Factor, FollowUp, Participants,
    PracticeEntry, Resource, Sharing, Strength, Verdict,
};

pub(super) const TITLES: [&str; 5] = [
    "Recruiting at the library counter:",
    "Laptops on loan with a helpline:",
    "Evening bootcamp in data skills:",
    "Market-day surgery for small firms:",
    "Letters from the jobcentre:",
];

/// A sound entry.
pub(crate) fn entry(title: &str, lep: &Lep) -> PracticeEntry {
    PracticeEntry {
        title: title.into(),
        what: "A helper with two laptops sat at the same table in four libraries, on the same morning each week. There was no booking and no course name.\n\nThe first task was always the one that the person had come in with:\nprinting, a form, an e-mail account. Only then did the helper offer a second visit.".into(),
        tier: ["basic", "general", "advanced"][title.len() % 3].into(),
        skills: vec!["foundation".into(), "transacting".into()],
        audience: vec!["older-people".into(), "out-of-work".into()],
        mode: "face-to-face".into(),
        area: Area::Lep(lep.code.clone()),
        cost: CostBand::To10k,
        verdict: Verdict::Failed,
        causes: vec![
            Cause {
                factor: Factor::Recruitment,
                direction: Direction::WorkedBecause,
                because: "Counter staff already knew who was stuck.".into(),
            },
            Cause {
                factor: Factor::Staff,
                direction: Direction::FailedBecause,
                because: "One helper to a table broke down whenever somebody brought a long form.".into(),
            },
        ],
        again: Again::YesChanged,
        change: "Put two helpers at the busiest table.".into(),
        repeat: "Agree the table with the branch manager for a whole year.\n\nKeep a tally of what people came for.".into(),
        evidence: vec![],
        strength: Strength {
            design: Design::BeforeAfter,
            participants: Participants::To100,
            attrition: Attrition::Medium,
            follow_up: FollowUp::Months3,
        },
        tools: vec![Resource {
            title: "Essential digital skills framework".into(),
            link: "https://www.gov.uk/government/publications/essential-digital-skills-framework".into(),
            licence: "OGL v3.0".into(),
        }],
        contact_role: "Digital inclusion lead".into(),
        sharing: Sharing::Public,
        review: "2027-06-01".parse().expect("a day"),
        supersedes: None,
        replicates: None,
    }
}
