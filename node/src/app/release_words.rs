//! A release as the terminal shows it: estimates, rules, tables and who must approve, and no exact count.

use std::fmt::Write as _;

use crate::release::rules::Outcome;
use crate::release::{Interval, Shown};
use crate::words;

/// Writing to a string does not fail.
macro_rules! say {
    ($text:expr, $($words:tt)*) => {
        writeln!($text, $($words)*).expect("a string takes what it is given")
    };
}

pub(super) fn in_words(shown: &Shown) -> String {
    let mut text = format!(
        "Release of {}, prepared by {}.{}\n\n\
         What leaves: {} tables, {} bytes, every number with noise. Exact counts stand on the signed-in pages only.\n",
        shown.period.in_words(),
        words::author(&shown.author),
        match shown.epoch {
            1 => "",
            _ =>
                " Second epoch: this node lost its ledger and its figures have fresh noise, at the cost of another privacy budget.",
        },
        shown.tables.len(),
        shown.bytes,
    );
    if let Some(turn) = &shown.turn {
        say!(text, "\n{turn}");
    }
    families(&mut text, shown);
    tables(&mut text, shown);
    rules(&mut text, shown);
    decision(&mut text, shown);
    text
}

/// What became known, with 95 % intervals.
fn families(text: &mut String, shown: &Shown) {
    say!(text, "\nWhat readers will estimate (95% interval):\n");
    say!(
        text,
        "{:<27} {:>24}  {}",
        "became known",
        "in the month",
        "change since the month before"
    );
    for family in &shown.families {
        let change = |c: Interval| words::change(c);
        say!(
            text,
            "{:<27} {:>24}  {}",
            family.title,
            words::published(family.published),
            family
                .change
                .map_or_else(|| "first month".to_owned(), change)
        );
    }
}

fn tables(text: &mut String, shown: &Shown) {
    say!(
        text,
        "\nTables, with the standard error of one number of the month:\n"
    );
    say!(text, "{:>7} {:>9}  table", "numbers", "error");
    let mut standard = "";
    for table in &shown.tables {
        if shown.statements.len() > 1 && standard != table.standard {
            standard = &table.standard;
            say!(text, "under {standard}:");
        }
        say!(
            text,
            "{:>7} {:>9.1}  {}",
            table.cells,
            table.cell_sd,
            table.title
        );
    }
}

fn rules(text: &mut String, shown: &Shown) {
    say!(text, "\nRules that were checked:\n");
    for verdict in &shown.rules {
        let mark = match verdict.outcome {
            Outcome::Kept => "kept",
            Outcome::Broken => "BROKEN",
            Outcome::NotReached => "not looked at",
        };
        say!(text, "{mark:<7} {}", verdict.rule);
        if let Some(detail) = &verdict.detail {
            say!(text, "        {}", words::sentence(detail));
        }
    }
}

fn decision(text: &mut String, shown: &Shown) {
    say!(text, "\nDigest: {}", shown.digest);
    for refusal in &shown.refusals {
        say!(
            text,
            "Refused by {} on {}: {}",
            refusal.person,
            words::second(refusal.refused_at),
            words::sentence(&refusal.reason)
        );
    }
    match (&shown.approver, shown.seq) {
        (Some(approver), Some(_)) => {
            let seqs = shown.statements.iter().filter_map(|s| s.seq);
            let seqs: Vec<String> = seqs.map(|seq| seq.to_string()).collect();
            say!(
                text,
                "Approved by {approver}: statement {}.",
                seqs.join(" and ")
            );
        }
        _ => waiting(text, shown),
    }
}

fn waiting(text: &mut String, shown: &Shown) {
    if !shown.refusals.is_empty() {
        say!(
            text,
            "A refused release stays as it is and is never drawn again; no later month is prepared before it is approved."
        );
    }
    match shown.approvers.as_slice() {
        [] => say!(
            text,
            "Next: `ldsp-node people add NAME --role approver`. Nobody may approve it yet."
        ),
        names => say!(
            text,
            "Next: {} looks at it and runs `ldsp-node release approve --as NAME --digest {}`, or `release refuse` with a reason.",
            words::either(names),
            shown.digest
        ),
    }
}
