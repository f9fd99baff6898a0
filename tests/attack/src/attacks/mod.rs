//! The attacks of docs/attacks.md. They know the public rules, the releases and what a [`Truth`] file hands them as the
//! attacker's knowledge; never a node's program.

mod counts;
mod dyadic;
mod elimination;
mod entries;
mod epochs;
mod groups;
mod intervals;
mod margins;
mod nation;
mod persons;
mod presence;
mod public;
mod score;
mod view;

use crate::releases::Published;
use crate::truth::Truth;
use crate::verdict::Verdict;

/// Attacks that are scored, and therefore need a truth file.
const SCORED: &str = "disability, outcome, destination, ethnicity, prior status, confidence, unique, newcomer, leaver, fake learners, membership, erasure, \
    group, reconstruction, differencing of months, averaging, feasible intervals, nation minus nodes, colluding nodes, changed standard, lost ledger, \
    noise as stated, counted again";

/// Every attack that the input allows, in the order of docs/attacks.md.
#[must_use]
pub fn run(published: &Published, truth: Option<&Truth>) -> Vec<Verdict> {
    let mut verdicts = public::run(published);
    verdicts.extend(margins::run(published));
    let Some(truth) = truth else {
        verdicts.push(Verdict::not_run(
            "scored attacks",
            format!("need --truth FILE: {SCORED}."),
        ));
        return verdicts;
    };
    let known = view::Knowledge::new(published, truth);
    if known.outside > 0 {
        let why = format!(
            "{} rows of the truth file are of nodes, epochs or months that were not published.",
            known.outside
        );
        verdicts.push(Verdict::not_run("some rows", why));
    }
    verdicts.extend(entries::run(&known));
    verdicts.extend(persons::run(&known));
    verdicts.extend(presence::membership_verdicts(&known));
    verdicts.extend(presence::erasure_verdicts(&known));
    verdicts.extend(groups::run(&known));
    verdicts.extend(counts::run(&known));
    verdicts.extend(intervals::run(&known));
    verdicts.extend(nation::run(&known));
    verdicts.extend(epochs::run(&known));
    verdicts
}
