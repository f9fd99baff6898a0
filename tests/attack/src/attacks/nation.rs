//! What the sum over nodes adds to a node's own figures for somebody who knows all the others.

use super::persons::{DISABILITY, OUTCOME, all_but_one, once};
use super::score::{TENFOLD_LIMIT, by_size};
use super::view::{Knowledge, Lens, TableView, UNIT};
use crate::verdict::{Unit, Verdict};
use ldsp_protocol::standard::Dimension;

/// How the attacker takes the other nodes out of the national figures.
#[derive(Clone, Copy)]
enum Minus {
    /// By what these published: their noise goes with them.
    Figures,
    /// By their exact entries: their noise stays.
    Entries,
}

pub(super) fn run(known: &Knowledge) -> Vec<Verdict> {
    let groups = together(known);
    if groups.is_empty() {
        return vec![Verdict::not_run(
            "nation minus nodes",
            "needs two nodes or more with the same months.",
        )];
    }
    let mut verdicts = Vec::new();
    for (minus, names, what) in [
        (
            Minus::Entries,
            ["nation minus nodes", "nation minus nodes, certain proof"],
            "Outcome or disability from the national figures less the other nodes' exact entries",
        ),
        (
            Minus::Figures,
            ["colluding nodes", "colluding nodes, certain proof"],
            "Outcome or disability when all other nodes pool their exact data and their releases",
        ),
    ] {
        let (seen, differ) = derived(known, &groups, minus);
        let alone = |_: usize, s: &super::view::Spell| {
            once(s)
                && groups
                    .iter()
                    .flatten()
                    .any(|at| known.lenses[*at].node == s.node)
        };
        let scores = all_but_one(&seen, &[OUTCOME, DISABILITY], alone);
        verdicts.extend(by_size(&scores, |s| {
            s.tenfold(names[0], TENFOLD_LIMIT, what)
        }));
        verdicts.extend(by_size(&scores, |s| s.proofs(names[1], what)));
        if let Minus::Figures = minus {
            let sentence = "Published values that national figures less the other nodes' give differently from the node's own: the sum says nothing more.";
            verdicts.push(Verdict::at_most(
                "colluding nodes, anything new",
                differ.1,
                differ.0 as f64,
                0.0,
                Unit::Count,
                sentence,
            ));
        }
    }
    verdicts
}

/// Lenses that cover the same months under the same standard.
fn together(known: &Knowledge) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in 0..known.lenses.len() {
        let lens = &known.lenses[at];
        let alike = |group: &&mut Vec<usize>| {
            let first = &known.lenses[group[0]];
            (first.digest, first.first, first.months) == (lens.digest, lens.first, lens.months)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.retain(|g| g.len() > 1);
    groups
}

/// The same knowledge with each node's lens made from the nation's figures; and of the values compared how many differ
/// from the node's own, and how many there are. Districts are no national figure.
fn derived(known: &Knowledge, groups: &[Vec<usize>], minus: Minus) -> (Knowledge, (usize, usize)) {
    let mut seen = Knowledge {
        nodes: known.nodes.clone(),
        lenses: known.lenses.clone(),
        spells: known.spells.clone(),
        outside: 0,
    };
    let mut differ = (0, 0);
    for group in groups {
        for at in group {
            let others: Vec<&Lens> = group
                .iter()
                .filter(|o| *o != at)
                .map(|o| &known.lenses[*o])
                .collect();
            let lens = &mut seen.lenses[*at];
            lens.tables.retain(|t| {
                !t.holds(Dimension::Area)
                    && others
                        .iter()
                        .all(|o| o.tables.iter().any(|x| x.id == t.id && x.cells == t.cells))
            });
            for table in &mut lens.tables {
                let same: Vec<&TableView> = others
                    .iter()
                    .filter_map(|o| o.tables.iter().find(|t| t.id == table.id))
                    .collect();
                let compared = take_out(table, &same, minus);
                differ = (differ.0 + compared, differ.1 + table.v.len());
            }
            lens.project();
        }
    }
    (seen, differ)
}

/// Replaces a node's figures by the nation's less the others'; how many changed.
fn take_out(table: &mut TableView, others: &[&TableView], minus: Minus) -> usize {
    let mut changed = 0;
    for at in 0..table.v.len() {
        let nation = table.v[at] + others.iter().map(|o| o.v[at]).sum::<i64>();
        let known: i64 = match minus {
            Minus::Figures => others.iter().map(|o| o.v[at]).sum(),
            Minus::Entries => others.iter().map(|o| o.u[at]).sum(),
        };
        changed += usize::from(nation - known != table.v[at]);
        table.v[at] = nation - known;
        table.z[at] = (table.v[at] - table.u[at]) as f64 / UNIT;
    }
    if let Minus::Entries = minus {
        table.sigma2 += others.iter().map(|o| o.sigma2).sum::<f64>();
    }
    changed
}
