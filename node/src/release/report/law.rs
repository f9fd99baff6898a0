//! Where the law touches a release, how to check the report, and what its reader adds.

use super::{Block, Facts, Section, paragraph, points, section};
use crate::words;

pub(super) fn law(facts: &Facts) -> Section {
    let lep = words::lep(&facts.opened.lep);
    let rows = [
        ("Controller", format!("{lep}, or the body that acts for it, for the records at this node")),
        ("Records at the node", "pseudonymised personal data (UK GDPR, article 4(5)); never called anonymous. They do not leave".to_owned()),
        ("Published figures", "statistics. Whether a person is identifiable in them by means reasonably likely to be used (UK GDPR, recital 26) is for the officer to judge; the sections on the budget and on the attacker give the evidence".to_owned()),
        ("Purpose", "statistics for planning and evaluating digital skills training (article 5(1)(b) and article 89(1); Data Protection Act 2018, section 19)".to_owned()),
        ("Data minimisation and design", "counts of declared tables only, protected before anybody sees them (articles 5(1)(c), 25 and 89(1))".to_owned()),
        ("Special categories", "ethnicity and disability are held at the node and counted; article 9(2) asks for a condition besides the lawful basis of article 6(1)".to_owned()),
        ("Recipients", "everybody: figures of the log are public. No personal data are passed on, and none are transferred abroad".to_owned()),
        ("Decisions about people", "none are made from the figures (article 22)".to_owned()),
        ("Erasure", "deleting a learner\u{2019}s record at the node (article 17) leaves published figures as they are: they cannot be drawn again, and nothing in them leads back to the person".to_owned()),
    ];
    section(
        "Data protection law",
        [
            paragraph(
                "The program cannot know the basis on which the controller holds the records. The officer names it below.",
            ),
            Block::Facts(rows.map(|(key, value)| (key.to_owned(), value)).into()),
        ],
    )
}

pub(super) fn check(facts: &Facts) -> Section {
    let period = facts.opened.release.period;
    let mut steps = vec![
        format!(
            "Write the exact bytes with \u{201c}ldsp-node release show --period {period} --payload release.json\u{201d}, or download them from the page of the release, and compare \u{201c}sha256sum release.json\u{201d} with the digest above."
        ),
        if facts.budgets.len() > 1 {
            "Those bytes are two payloads, one after the other; each stands in its signed statement as it is. Whoever prepared and whoever approved the release saw this digest.".to_owned()
        } else {
            "Those bytes stand in the signed statement as they are, as its payload. Whoever prepared and whoever approved the release saw this digest.".to_owned()
        },
    ];
    let Some(place) = facts
        .place
        .as_ref()
        .filter(|_| !facts.statements.is_empty())
    else {
        steps.push("Nothing is signed yet. Print this report again once the release is approved and the log has answered with its receipt.".to_owned());
        return section("How to check this report", [points(steps)]);
    };
    for row in &facts.statements {
        steps.push(match row.log_index {
            Some(index) => format!("Anybody finds the statement at {}/statements/{index}, with the commands that check its signature and its receipt by software that this project did not write.", place.url),
            None => format!("Once the log {} has answered with its receipt, anybody finds the statement there. Print this report again then.", place.origin),
        });
    }
    section("How to check this report", [points(steps)])
}

pub(super) fn officer() -> Section {
    let blanks = [
        "Lawful basis (article 6(1))",
        "Condition for special categories (article 9(2); Data Protection Act 2018, schedule 1)",
        "Reference of the data protection impact assessment (article 35)",
        "Remarks",
        "Name, date, signature",
    ];
    section(
        "For the data protection officer",
        [Block::Blanks(blanks.map(str::to_owned).into())],
    )
}

pub(super) fn words() -> Section {
    let words = [
        (
            "Enrolment",
            "one learner\u{2019}s place in one course from one start date; what the guarantee protects",
        ),
        (
            "Estimate and interval",
            "a published number is the true one plus noise; the interval says how far off it may be",
        ),
        (
            "Noise",
            "a random amount, up or down, added to a number so that it no longer tells of one person",
        ),
        (
            "Digest",
            "a fingerprint of bytes: other bytes have another one",
        ),
        (
            "Receipt",
            "the national log\u{2019}s signed word that it holds a statement, at which place",
        ),
        (
            "Ledger",
            "what the node keeps of each month, so that no month is drawn twice",
        ),
        (
            "\u{3c1}, \u{3b5}, \u{3b4}",
            "measures of how much figures tell about one person at most; \u{3c1} is exact for this method, \u{3b5} with \u{3b4} is the form that most guidance uses",
        ),
    ];
    let words = words.map(|(key, value)| (key.to_owned(), value.to_owned()));
    section("Words", [Block::Facts(words.into())])
}
