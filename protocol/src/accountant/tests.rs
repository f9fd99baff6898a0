use super::*;
use crate::standard::{Family, Standard};

const NONE: &[BTreeSet<String>] = &[];

fn whole() -> Design {
    Design::of(Standard::v1(), 500_000)
}

fn release(design: &Design, epoch: u32, month: usize) -> Release<'_> {
    Release {
        design,
        epoch,
        month,
        corrections: NONE,
    }
}

fn published(design: &Design, months: usize) -> Accountant {
    let mut accountant = Accountant::new();
    for month in 1..=months {
        accountant.admit(&release(design, 1, month)).unwrap();
    }
    accountant
}

fn moved(tables: &[&str]) -> BTreeSet<String> {
    tables.iter().map(|t| (*t).to_owned()).collect()
}

/// A later standard with its own tables: those of version 1 at other budgets under other names.
fn second(added_to: Option<&str>, tables: &[(&str, u64)]) -> Design {
    Design {
        standard: "a constructed second standard".to_owned(),
        tables: tables
            .iter()
            .map(|(id, micro)| TableBudget {
                id: (*id).to_owned(),
                family: Family::Starts,
                sensitive: [Dimension::Ethnicity].into(),
                rho: Rho(*micro),
            })
            .collect(),
        added_to: added_to.map(str::to_owned),
        ..whole()
    }
}

#[test]
fn the_standard_costs_what_it_says() {
    let accountant = published(&whole(), 1);
    assert_eq!(accountant.enrolment(), Rho(450_000));
    assert_eq!(accountant.learner(), Rho(4 * 450_000));
    let apart = |d| accountant.attribute(d).micro();
    // Outcome: the ten leavers' tables of 0.016 each, doubled: the bound to the last millionth.
    assert_eq!(apart(Dimension::Outcome), 320_000);
    assert_eq!(apart(Dimension::Ethnicity), 2 * (20_000 + 16_000));
    assert_eq!(apart(Dimension::Destination), 2 * 5 * 16_000);
    assert!(
        SENSITIVE
            .into_iter()
            .all(|d| accountant.attribute(d) <= whole().limits.attribute)
    );
}

#[test]
fn what_is_spent_grows_with_the_months_to_the_whole() {
    let spent: Vec<u64> = (1..=HORIZON)
        .map(|t| published(&whole(), t).enrolment_so_far().micro())
        .collect();
    assert!(spent.windows(2).all(|w| w[0] < w[1]));
    // One month: 1 / 2.59 of it, for c_0 = 1.
    assert_eq!(spent[0], (450_000u64 * (1 << 32)).div_ceil(energy(HORIZON)));
    assert_eq!(spent[HORIZON - 1], 450_000);
}

#[test]
fn months_follow_one_another_up_to_the_horizon() {
    let design = whole();
    let mut accountant = published(&design, 3);
    for month in [1, 3, 5] {
        let refused = accountant.admit(&release(&design, 1, month));
        assert_eq!(refused, Err(Overspent::Order { epoch: 1, month }));
    }
    let before = accountant.clone();
    assert!(accountant.admit(&release(&design, 3, 1)).is_err());
    assert_eq!(accountant, before, "a refusal charges nothing");
    let mut full = published(&design, HORIZON);
    assert_eq!(
        full.admit(&release(&design, 1, HORIZON + 1)),
        Err(Overspent::Horizon)
    );
}

#[test]
fn a_second_epoch_costs_another_budget_and_a_third_is_refused() {
    let design = whole();
    let mut accountant = published(&design, 7);
    accountant.admit(&release(&design, 2, 1)).unwrap();
    assert_eq!(accountant.enrolment(), Rho(900_000));
    assert_eq!(accountant.attribute(Dimension::Outcome), Rho(640_000));
    // The first one is over.
    assert!(matches!(
        accountant.admit(&release(&design, 1, 8)),
        Err(Overspent::Order { .. })
    ));
    let third = accountant.admit(&release(&design, 3, 1)).unwrap_err();
    assert_eq!(third, Overspent::Epoch(3));
    assert!(third.to_string().contains("2 epochs") && !third.next().is_empty());
}

#[test]
fn a_budget_stays_what_it_was_within_an_epoch() {
    let mut accountant = published(&Design::of(Standard::v1(), 200_000), 1);
    assert_eq!(accountant.enrolment(), Rho(26 * 180_000 / 26));
    assert_eq!(
        accountant.admit(&release(&whole(), 1, 2)),
        Err(Overspent::Changed(1))
    );
    // A second epoch may choose again; the two add up.
    accountant.admit(&release(&whole(), 2, 1)).unwrap();
    assert_eq!(accountant.enrolment(), Rho(180_000 + 450_000));
}

#[test]
fn tables_that_overspend_are_refused_with_the_reason() {
    let mut greedy = whole();
    greedy.tables[0].rho = Rho(20_001);
    let refused = Accountant::new()
        .admit(&release(&greedy, 1, 1))
        .unwrap_err();
    let expected = Overspent::Enrolment {
        cost: Rho(450_001),
        limit: Rho(450_000),
    };
    assert_eq!(refused, expected);
    assert!(refused.to_string().contains("0.450001"), "{refused}");
    let mut outcome = whole();
    let at = |d: &Design, id: &str| d.tables.iter().position(|t| t.id == id).unwrap();
    let (leavers, starts) = (
        at(&outcome, "leavers.skill-by-outcome"),
        at(&outcome, "starts.pledge"),
    );
    outcome.tables[leavers].rho = Rho(16_001);
    outcome.tables[starts].rho = Rho(19_999);
    let refused = Accountant::new().admit(&release(&outcome, 1, 1));
    assert!(matches!(
        refused,
        Err(Overspent::Attribute {
            attribute: Dimension::Outcome,
            ..
        })
    ));
}

#[test]
fn new_enrolments_of_a_new_standard_bear_its_tables_only() {
    let first = whole();
    let mut accountant = published(&first, 5);
    let next = second(None, &[("x", 200_000), ("y", 100_000)]);
    // Ethnicity in both: 2 x 0.3 is over the bound of 0.32.
    assert!(matches!(
        accountant.admit(&release(&next, 1, 1)),
        Err(Overspent::Attribute { .. })
    ));
    let next = second(None, &[("x", 80_000), ("y", 80_000)]);
    accountant.admit(&release(&next, 1, 1)).unwrap();
    // The old tables go on, for the enrolments that entered them; nobody bears both.
    accountant.admit(&release(&first, 1, 6)).unwrap();
    accountant.admit(&release(&next, 1, 2)).unwrap();
    assert_eq!(accountant.enrolment(), Rho(450_000));
    assert_eq!(accountant.attribute(Dimension::Ethnicity), Rho(320_000));
}

#[test]
fn a_standard_that_begins_after_a_loss_begins_its_own_first_epoch() {
    let first = whole();
    let mut accountant = published(&first, 5);
    accountant.admit(&release(&first, 2, 1)).unwrap();
    let next = Design::of(Standard::v2(), 500_000);
    accountant.admit(&release(&next, 1, 1)).unwrap();
    accountant.admit(&release(&first, 2, 2)).unwrap();
    let (old, new) = (
        accountant.under(&first.standard),
        accountant.under(&next.standard),
    );
    assert_eq!(old.enrolment(), Rho(900_000));
    assert_eq!(new.enrolment(), Rho(490_000));
    assert_eq!(accountant.enrolment(), Rho(900_000));
    assert_eq!(new.attribute(Dimension::Outcome), Rho(320_000));
    accountant.admit(&release(&next, 2, 1)).unwrap();
    assert_eq!(
        accountant.admit(&release(&next, 3, 1)),
        Err(Overspent::Epoch(3))
    );
}

#[test]
fn tables_added_for_earlier_enrolments_are_paid_from_the_reserve() {
    let first = whole();
    let mut accountant = published(&first, 5);
    let base = first.standard.as_str();
    let refused = accountant.admit(&release(&second(Some(base), &[("x", 50_001)]), 1, 1));
    assert_eq!(
        refused,
        Err(Overspent::Reserve {
            cost: Rho(50_001),
            limit: Rho(50_000)
        })
    );
    let small = second(Some(base), &[("x", 30_000)]);
    accountant.admit(&release(&small, 1, 1)).unwrap();
    assert_eq!(accountant.enrolment(), Rho(480_000));
    assert_eq!(
        accountant.attribute(Dimension::Ethnicity),
        Rho(72_000 + 60_000)
    );
    // The reserve is one, however often it is asked.
    let more = Design {
        standard: "a third".to_owned(),
        ..second(Some(base), &[("y", 20_001)])
    };
    assert!(matches!(
        accountant.admit(&release(&more, 1, 1)),
        Err(Overspent::Reserve { .. })
    ));
}

#[test]
fn a_correction_costs_what_two_more_entries_can() {
    assert_eq!(correction_micro(), 2_408_495);
    let design = Design::of(Standard::v1(), 200_000);
    let mut accountant = published(&design, 2);
    let skill = moved(&["starts.tier-by-skill-by-mode", "leavers.skill-by-outcome"]);
    let month = Release {
        corrections: std::slice::from_ref(&skill),
        ..release(&design, 1, 3)
    };
    accountant.admit(&month).unwrap();
    // 0.18 + 1.408495 x (0.008 + 0.0064), each table rounded up.
    assert_eq!(design.cost(&skill), Rho(180_000 - 14_400 + 19_268 + 15_415));
    assert_eq!(
        accountant.enrolment(),
        Rho(180_000),
        "others bear what they bore"
    );
    assert_eq!(accountant.corrections(), 1);
}

/// The dearest correction of the records was stated as if any reader of the log could work it out.
#[test]
fn what_is_stated_of_corrections_depends_on_no_record() {
    let design = Design::of(Standard::v1(), 200_000);
    let mut accountant = published(&design, 2);
    let before = (
        accountant.enrolment_at_most(),
        accountant.learner(),
        SENSITIVE.map(|d| accountant.attribute_at_most(d)),
    );
    let month = Release {
        corrections: &[
            moved(&["leavers.skill-by-outcome"]),
            moved(&["starts.ethnicity-by-tier"]),
        ],
        ..release(&design, 1, 3)
    };
    accountant.admit(&month).unwrap();
    let after = (
        accountant.enrolment_at_most(),
        accountant.learner(),
        SENSITIVE.map(|d| accountant.attribute_at_most(d)),
    );
    assert_eq!(before, after);
    // 2.408495 x 0.18, each table rounded up, and no more than may be spent.
    assert!(
        (433_529..433_560).contains(&before.0.micro()),
        "{:?}",
        before.0
    );
    assert_eq!(before.1, before.0.times(4));
    assert_eq!(
        accountant.attribute_at_most(Dimension::Outcome),
        Rho(320_000)
    );
    assert_eq!(accountant.attribute(Dimension::Outcome), Rho(128_000));
    // Whatever is let through is within it.
    let all = design.tables.iter().map(|t| t.id.as_str());
    for one in all {
        let moved = moved(&[one]);
        if design.check_correction(&moved).is_ok() {
            assert!(design.cost(&moved) <= before.0);
        }
    }
    // At the whole budget none is, and nothing is added.
    let whole = published(&whole(), 1);
    assert!(!whole.allows_corrections());
    assert_eq!(whole.enrolment_at_most(), whole.enrolment());
}

/// An outcome that was corrected both ways was priced as if its cells were four.
#[test]
fn a_corrected_attribute_costs_what_the_opposite_correction_is_apart() {
    assert_eq!(attribute_correction_micro(), 3_816_989);
    let design = Design::of(Standard::v1(), 200_000);
    let outcomes = design
        .tables
        .iter()
        .filter(|t| t.sensitive.contains(&Dimension::Outcome));
    let all: BTreeSet<String> = outcomes.map(|t| t.id.clone()).collect();
    assert_eq!(all.len(), 10);
    // 2 x 10 x 0.0064 x 3.816989 = 0.489 is over 0.32; so is what the two entries alone would cost beside it in five tables.
    let refused = design.check_correction(&all).unwrap_err();
    assert!(
        matches!(refused, Overspent::Attribute { attribute: Dimension::Outcome, cost, .. } if cost == Rho(488_580)),
        "{refused}"
    );
    let two = all.into_iter().take(2).collect();
    assert_eq!(design.check_correction(&two), Ok(()));
    assert_eq!(
        design.attribute_cost(&two, Dimension::Outcome),
        Rho(2 * (8 * 6_400 + 2 * 24_429))
    );
}

#[test]
fn at_the_standards_whole_budget_no_correction_can_be_published() {
    let design = whole();
    let mut accountant = published(&design, 2);
    let before = accountant.clone();
    let skill = [moved(&["leavers.skill-by-outcome"])];
    let month = Release {
        corrections: &skill,
        ..release(&design, 1, 3)
    };
    let refused = accountant.admit(&month).unwrap_err();
    assert!(
        matches!(refused, Overspent::Correction { tables: 1, .. }),
        "{refused}"
    );
    assert!(refused.next().contains("local"));
    assert_eq!(accountant, before);
}

#[test]
fn budgets_are_written_without_rounding() {
    for (micro, text) in [
        (0, "0.0"),
        (450_000, "0.45"),
        (1, "0.000001"),
        (1_000_000, "1.0"),
        (2_408_495, "2.408495"),
    ] {
        assert_eq!(Rho(micro).to_string(), text);
    }
}
