//! What a learner is asked at the start and again at the follow-up: confidence, and five everyday tasks online.

use crate::model::{Answer, Question};

/// The tasks that are counted: one for each of the five areas of the Essential Digital Skills framework (Department for Education, 2018)
/// beyond its foundation, with the code of the area in the data standard's skills.
pub(crate) const TASKS: [(&str, &str); 5] = [
    ("communicating", "Send and answer an e-mail or a message"),
    (
        "handling-information",
        "Find something with a search engine and save it to find it again",
    ),
    (
        "transacting",
        "Buy, book or pay for something, or fill in a form of a public service",
    ),
    (
        "problem-solving",
        "Find out by yourself how to do something, from a help page or a video",
    ),
    (
        "safe-and-legal",
        "Choose a strong password and tell a message that is a trick",
    ),
];

/// Where the tasks are from.
pub(crate) const SOURCE: &str = "One task for each of the five areas of the Essential Digital Skills framework (Department for Education, 2018).";

/// What a tutor reads to the learner.
pub(crate) const ASK_CONFIDENCE: &str = "\u{201c}From 1, not confident at all, to 10, very confident: how confident are you using a computer, tablet or phone to do things online?\u{201d}";
/// What a tutor reads before the tasks.
pub(crate) const ASK_EVERYDAY: &str =
    "\u{201c}Which of these five do you do online, without help?\u{201d} Count them.";

/// 1 to 10 with words at each end.
fn confidence() -> Answer {
    let words = |n: u8| match n {
        1 => "1, not confident at all".to_owned(),
        10 => "10, very confident".to_owned(),
        n => n.to_string(),
    };
    Answer::One((1..=10).map(|n| (n.to_string(), words(n))).collect())
}

/// 0 to 5 with words at each end.
fn everyday() -> Answer {
    let words = |n: u8| match n {
        0 => "0, none of the five".to_owned(),
        5 => "5, all of them".to_owned(),
        n => n.to_string(),
    };
    Answer::One((0..=5).map(|n| (n.to_string(), words(n))).collect())
}

/// The two questions of the start, or of the follow-up.
pub(crate) fn questions(at_start: bool) -> [Question; 2] {
    let blank = "Not asked";
    if at_start {
        return [
            Question::new("confidence_before", "Confidence at the start", confidence())
                .hint("From 1, not confident at all, to 10, very confident")
                .blank(blank),
            Question::new("everyday_before", "Everyday tasks at the start", everyday())
                .hint("How many of the five the learner does online without help")
                .blank(blank),
        ];
    }
    [
        Question::new("confidence_after", "Confidence now", confidence())
            .hint("Needs the answer at the start. Only whether it rose is kept of both")
            .blank(blank),
        Question::new("everyday_after", "Everyday tasks now", everyday())
            .hint("Needs the answer at the start. Only whether there are more is kept of both")
            .blank(blank),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldsp_protocol::standard::{Dimension, Standard};

    /// Each task is of another area of the standard's skills, and what is asked is what the file takes.
    #[test]
    fn tasks_and_scales_are_those_of_the_standard_and_the_file() {
        let standard = Standard::current();
        let places: std::collections::BTreeSet<_> = TASKS
            .iter()
            .map(|(skill, _)| standard.parse_code(Dimension::Skill, skill).unwrap())
            .collect();
        assert_eq!(places.len(), 5);
        let ends = |answer: &Answer| match answer {
            Answer::One(of) => (of[0].0.clone(), of[of.len() - 1].0.clone()),
            _ => panic!("no list"),
        };
        for [confidence, everyday] in [questions(true), questions(false)] {
            assert_eq!(ends(&confidence.answer), ("1".into(), "10".into()));
            assert_eq!(ends(&everyday.answer), ("0".into(), "5".into()));
        }
    }
}
