//! The method, the budget and what an attacker could gain, in plain words.

use ldsp_protocol::accountant::Rho;
use ldsp_protocol::accountant::conversion::{DELTA, Gain, epsilon};
use ldsp_protocol::noise::HORIZON;
use ldsp_protocol::standard::Standard;

use super::{Block, Facts, Section, Stated, paragraph, points, section};
use crate::account::Standing;
use crate::words;

pub(super) fn stays() -> Section {
    section(
        "What did not leave",
        [points([
            "any record of a person, pseudonymised or not",
            "any exact count; exact counts stand on this node\u{2019}s own pages, for people who have signed in",
            "any learner\u{2019}s name, unique learner number, National Insurance number, birth date or postcode; they are not kept at the node either",
            "names of training providers and of programmes",
            "what the noise was in each number, and the exact counts that the node\u{2019}s ledger keeps",
        ])],
    )
}

pub(super) fn protection(facts: &Facts) -> Section {
    let spells = facts.budgets.iter().map(|s| s.standing.per_learner);
    let spells = spells.max().unwrap_or(1);
    section(
        "How people are protected",
        [
            paragraph("Leaving out small numbers, or rounding them, does not protect: figures of several tables, or of several months, can be set against each other until a person shows. This release uses noise with a proof instead."),
            points([
                "Random noise is added to every number of every table, zeros included. It comes from the discrete Gaussian distribution (Canonne, Kamath and Steinke 2020), drawn from the operating system\u{2019}s randomness by exact arithmetic.".to_owned(),
                "How large the noise is, is public and stated in the release; what it was in each number, nothing that leaves the node tells.".to_owned(),
                "A month is drawn once. Looking again, refusing or preparing again gives the same bytes, because two draws together would tell more than one.".to_owned(),
                "Months are tied together by a fixed filter (the square-root factorisation of Fichtenberger, Henzinger and Upadhyay 2022), so that one budget covers all months and figures over many months stay sharp.".to_owned(),
                format!("An enrolment enters each table of a group once, in the month in which the fact becomes known. At most {spells} enrolments of one learner are counted, also when the learner number comes late or is left out; further ones stay local. Learners of two providers who turn out to be one person count as one from then on."),
                "Nothing is ever counted again: a deleted record, a later file, a corrected one or a changed standard does not change what was published. An enrolment is counted under one standard only, for ever. Who was erased is not counted again either.".to_owned(),
                "Two people agree to every release: whoever prepared it cannot approve it. Both see the same bytes, named by the same digest, and exactly those are signed.".to_owned(),
            ]),
        ],
    )
}

/// The same words in every report: whether anybody was erased before a month was drawn, and how many, would tell of them.
pub(super) fn erasure() -> Section {
    section(
        "Erasure and the end of retention",
        [
            paragraph(
                "Records that were erased on a learner\u{2019}s request, or deleted because their period was over, before this month was drawn are not in it. How many there were is an exact count: it stands in the node\u{2019}s audit log, not here.",
            ),
            points([
                "What such a learner added to the figures of earlier months stays, as an anonymous one among others under the same noise: published figures are never counted or drawn again.",
                "Nothing of the learner is counted from then on. Where a start was published and the leaving was not, the difference of the two, \u{201c}in progress\u{201d}, keeps that one.",
                "The guarantee does not change: it was never tied to the record, but to what was published about it. Somebody who knows of an erasure learns no more from this release than the bounds below allow.",
                "Who was erased is known to the node by keyed numbers alone, so that a later file does not bring them back and they are not counted a second time.",
            ]),
        ],
    )
}

/// `under`: which standard, where a release has more than one.
fn titled(title: &str, under: Option<&Standard>) -> String {
    under.map_or_else(
        || title.to_owned(),
        |standard| format!("{title}: {}", standard.title()),
    )
}

/// [`DELTA`] for people.
const DELTA_IN_WORDS: &str = "10\u{207b}\u{2076}";

fn in_epsilon(micro: u64) -> String {
    format!("{:.2}", epsilon(Rho::from_micro(micro), DELTA))
}

/// What one enrolment bears in all, in words.
fn borne(stands: &Standing) -> String {
    let rho = |micro| Rho::from_micro(micro);
    let spent = &stands.enrolment;
    let epochs = match stands.epoch {
        1 => "",
        _ => ", of both epochs together",
    };
    let corrected = if stands.allows_corrections {
        format!(
            ". That is with the dearest correction that may be published; without one it is {}",
            rho(spent.whole_micro)
        )
    } else {
        ". It leaves no room to publish a correction".to_owned()
    };
    format!(
        "\u{3c1} = {} at most (zero-concentrated differential privacy, Bun and Steinke 2016){epochs}{corrected}",
        rho(spent.most_micro)
    )
}

pub(super) fn budget(stated: &Stated, under: Option<&Standard>) -> Section {
    let (stands, month) = (&stated.standing, stated.months);
    let rho = |micro| Rho::from_micro(micro);
    let facts = [
        ("Budget of one enrolment, for ever", borne(stands)),
        (
            "The same in the common form",
            format!(
                "\u{3b5} = {} at \u{3b4} = {DELTA_IN_WORDS} (Canonne, Kamath and Steinke 2020, corollary 13)",
                in_epsilon(stands.enrolment.most_micro)
            ),
        ),
        (
            "Taken by the tables of the data standard",
            format!("\u{3c1} = {} in an epoch", rho(stands.tables_micro())),
        ),
        (
            "Held back for tables added later, beside all this",
            format!("\u{3c1} = {} at most", rho(stands.reserve_micro)),
        ),
        (
            "Of one learner with as many enrolments as are counted",
            format!(
                "\u{3c1} = {} at most, \u{3b5} = {}",
                rho(stands.learner_micro),
                in_epsilon(stands.learner_micro)
            ),
        ),
        (
            "Months",
            format!(
                "this is month {month} of the {HORIZON} that the budget is spread over; a further month costs nothing more"
            ),
        ),
    ];
    let rows = stands.attributes.iter().map(|a| {
        vec![
            a.title.clone(),
            rho(a.spent.most_micro).to_string(),
            rho(a.spent.limit_micro).to_string(),
            in_epsilon(a.spent.most_micro),
        ]
    });
    let table = Block::Table {
        caption: "Budget of each sensitive attribute".to_owned(),
        columns: ["Attribute", "\u{3c1}", "Limit", "\u{3b5}"]
            .map(str::to_owned)
            .into(),
        numeric: 1,
        rows: rows.collect(),
    };
    section(
        &titled("The privacy budget", under),
        [
            paragraph(
                "The budget says how much all that is ever published may tell about one enrolment. Smaller is safer. It is fixed when the node publishes the first month of an epoch; it is not spent month by month, and nobody can raise it. A ledger that is lost costs a second budget, once, which is no larger than the first.",
            ),
            Block::Facts(facts.map(|(key, value)| (key.to_owned(), value)).into()),
            paragraph(
                "An attribute whose disclosure could harm a person has a limit of its own, over all tables that hold it. It counts twice, because another value takes an enrolment out of one number and puts it into another.",
            ),
            table,
        ],
    )
}

pub(super) fn attacker(stands: &Standing, under: Option<&Standard>) -> Section {
    let row = |question: String, micro: u64| {
        let gain = Gain::at(Rho::from_micro(micro));
        vec![
            question,
            words::percent(gain.right_guess),
            words::percent(gain.tenfold),
        ]
    };
    let mut rows = vec![
        row(
            "Is an enrolment in the figures?".to_owned(),
            stands.enrolment.most_micro,
        ),
        row(
            format!(
                "Is a learner with {} enrolments in them?",
                stands.per_learner
            ),
            stands.learner_micro,
        ),
    ];
    rows.extend(stands.attributes.iter().map(|a| {
        let question = format!("{} of an enrolment: which of two?", a.title);
        row(question, a.spent.most_micro)
    }));
    let table = Block::Table {
        caption: "What an attacker could gain at worst".to_owned(),
        columns: ["Question", "Best guess", "Tenfold hint"]
            .map(str::to_owned)
            .into(),
        numeric: 1,
        rows,
    };
    section(
        &titled("What an attacker could gain at worst", under),
        [
            paragraph(
                "The attacker of this table is far stronger than a real one: they know the exact record of everybody else, they read every release of this node for all its years, they compute without limit, and before they look both answers are equally likely to them. The first column of figures says how often their best guess is right; tossing a coin is right 50.0% of the time. The second says how often they get evidence that makes one answer ten times as likely, against the other, as it was before.",
            ),
            table,
            paragraph(
                "These are upper bounds from the mathematics of the method, not measurements, for all months together and whether or not a correction is published. The line of a learner with several enrolments is reached only if they fall into the same number of every table. A real attacker, who knows less, gains less. Nothing that is done with the figures afterwards can raise them.",
            ),
        ],
    )
}
