use super::*;
use crate::noise;
use crate::standard::Dimension;
use proptest::prelude::*;

const LEP: &str = "E37000001";

fn lep() -> Gss {
    LEP.parse().unwrap()
}

fn quiet_month() -> LearningSummary {
    let standard = Standard::v1();
    let codebook = Codebook::new(&lep(), &[]);
    let table = |t: &Table| ProtectedTable {
        id: t.id.clone(),
        cells: vec![0; codebook.cells(t)],
    };
    LearningSummary {
        software: "ldsp-node/0.1.0".into(),
        noise: Manifest::new(standard, 1, 1, standard.noise().rho_micro),
        pledges: vec![],
        tables: standard.tables().iter().map(table).collect(),
    }
}

/// The second of two months; the first had one pledge.
fn second() -> LearningSummary {
    let mut summary = quiet_month();
    summary.noise.month = 2;
    summary.pledges = vec!["p1".parse().unwrap()];
    let codebook = Codebook::new(&lep(), &summary.pledges);
    for (declared, table) in Standard::v1().tables().iter().zip(&mut summary.tables) {
        table.cells = vec![0; codebook.cells(declared)];
    }
    summary
}

fn first() -> Previous {
    Previous {
        epoch: 1,
        month: 1,
        rho_micro: 500_000,
        pledges: vec!["p1".parse().unwrap()],
    }
}

fn check(summary: &LearningSummary) -> Result<(), SummaryError> {
    summary.check(Standard::v1(), &lep(), None)
}

/// What is done to a sound summary; words of the rule; the table and the cell that the refusal names.
type Flaw = (
    &'static str,
    Option<&'static str>,
    Option<usize>,
    fn(&mut LearningSummary),
);

fn refused(sound: fn() -> LearningSummary, previous: Option<&Previous>, flaws: &[Flaw]) {
    assert_eq!(sound().check(Standard::v1(), &lep(), previous), Ok(()));
    for (words, table, cell, damage) in flaws {
        let mut summary = sound();
        damage(&mut summary);
        let error = summary.check(Standard::v1(), &lep(), previous);
        let error = error.expect_err(words);
        assert!(error.rule.contains(words), "{words}: {error}");
        assert_eq!(
            (error.table.as_deref(), error.cell),
            (*table, *cell),
            "{error}"
        );
        let said = error.to_string();
        assert!(table.is_none_or(|t| said.contains(t)), "{said}");
        assert!(
            cell.is_none_or(|c| said.contains(&format!("cell {c}"))),
            "{said}"
        );
    }
}

/// One flaw at least for each rule of a single summary.
#[test]
fn each_flaw_is_refused_by_rule_table_and_cell() {
    let flaws: &[Flaw] = &[
        ("software names", None, None, |s| s.software = String::new()),
        ("software names", None, None, |s| {
            s.software = "ldsp-node".into()
        }),
        ("software names", None, None, |s| {
            s.software = "ldsp-node/0.1 beta".into()
        }),
        ("software names", None, None, |s| {
            s.software = format!("ldsp-node/{}", "1".repeat(60))
        }),
        ("rho is at least", None, None, |s| s.noise.rho_micro = 999),
        ("at most the standard's", None, None, |s| {
            s.noise.rho_micro = 500_001
        }),
        ("two epochs", None, None, |s| s.noise.epoch = 0),
        ("two epochs", None, None, |s| s.noise.epoch = 3),
        ("months 1 to 120", None, None, |s| s.noise.month = 0),
        ("months 1 to 120", None, None, |s| s.noise.month = 121),
        ("the method", None, None, |s| s.noise.method = "none".into()),
        (
            "sigma squared is the one",
            Some("leavers.skill-by-outcome"),
            None,
            |s| {
                *s.noise.sigma2.get_mut("leavers.skill-by-outcome").unwrap() -= 1;
            },
        ),
        (
            "sigma squared is the one",
            Some("starts.pledge"),
            None,
            |s| {
                s.noise.sigma2.remove("starts.pledge");
            },
        ),
        // A budget of one's own needs a sigma of one's own.
        (
            "sigma squared is the one",
            Some("confidence.tier-by-confidence"),
            None,
            |s| s.noise.rho_micro = 400_000,
        ),
        ("declared tables only", Some("starts.sex"), None, |s| {
            s.noise.sigma2.insert("starts.sex".into(), 1);
        }),
        ("contiguous", None, None, |s| s.noise.month = 2),
        ("contiguous", None, None, |s| s.noise.epoch = 2),
        ("has at most 64", None, None, |s| {
            s.pledges = (0..65).map(|n| format!("p{n}").parse().unwrap()).collect();
        }),
        ("listed once", None, None, |s| {
            s.pledges = vec!["p1".parse().unwrap(); MAX_PLEDGES]
        }),
        ("listed once", None, None, |s| {
            s.pledges = vec!["p1".parse().unwrap(); 2]
        }),
        (
            "every declared table",
            Some("everyday.tier-by-everyday"),
            None,
            |s| {
                s.tables.pop();
            },
        ),
        ("the standard declares", Some("starts.sex"), None, |s| {
            s.tables[3].id = "starts.sex".into()
        }),
        ("published once", Some("starts.pledge"), None, |s| {
            let twice = s.tables[8].clone();
            s.tables.push(twice);
        }),
        (
            "standard's order",
            Some("starts.tier-by-skill-by-mode"),
            None,
            |s| s.tables.swap(0, 1),
        ),
        ("dense", Some("starts.ethnicity-by-tier"), Some(23), |s| {
            s.tables[3].cells.pop();
        }),
        ("dense", Some("starts.ethnicity-by-tier"), Some(24), |s| {
            s.tables[3].cells.push(0)
        }),
        // A pledge that is listed has its cells.
        ("dense", Some("starts.pledge"), Some(1), |s| {
            s.pledges = vec!["p1".parse().unwrap()]
        }),
        (
            "within 2^53",
            Some("starts.age-by-sex-by-tier"),
            Some(5),
            |s| s.tables[2].cells[5] = 1 << 53,
        ),
        (
            "within 2^53",
            Some("everyday.tier-by-everyday"),
            Some(5),
            |s| s.tables[25].cells[5] = i64::MIN,
        ),
        (
            "table starts.pledge",
            Some("starts.area-by-tier"),
            Some(0),
            |s| s.tables[8].cells[0] = 10_000 << 16,
        ),
        // Tier general of ethnicity, but of no other table.
        (
            "tier general stands",
            Some("starts.area-by-tier"),
            Some(1),
            |s| s.tables[3].cells[9] = 1_000 << 16,
        ),
    ];
    refused(quiet_month, None, flaws);
}

/// The rules of a summary after another.
#[test]
fn a_summary_follows_the_one_before() {
    let flaws: &[Flaw] = &[
        ("month 2 of epoch 1 is expected", None, None, |s| {
            s.noise.month = 1
        }),
        ("month 2 of epoch 1 is expected", None, None, |s| {
            s.noise.month = 3
        }),
        ("month 1 of epoch 2 is expected", None, None, |s| {
            s.noise.epoch = 2
        }),
        ("rho stays the same", None, None, |s| {
            s.noise = Manifest::new(Standard::v1(), 1, 2, 400_000);
        }),
        ("only grows", None, None, |s| {
            s.pledges = vec!["p2".parse().unwrap()]
        }),
    ];
    refused(second, Some(&first()), flaws);
    let mut epoch = second();
    epoch.noise = Manifest::new(Standard::v1(), 2, 1, 400_000);
    assert_eq!(epoch.check(Standard::v1(), &lep(), Some(&first())), Ok(()));
    let small = Previous {
        rho_micro: 399_999,
        ..first()
    };
    let raised = epoch.check(Standard::v1(), &lep(), Some(&small));
    assert_eq!(
        raised.unwrap_err().rule,
        "a second epoch has at most the rho of the first"
    );
}

#[test]
fn a_cell_off_the_grid_is_refused_by_table_and_cell() {
    for wrong in ["1.5", "1.0", "1e3", "9223372036854775808", "null", "\"1\""] {
        let mut summary = quiet_month();
        summary.tables[3].cells[17] = 424_242;
        let json = serde_json::to_string(&summary).unwrap();
        let sorted = serde_json::to_value(&summary).unwrap().to_string();
        for (json, named) in [
            (json, "table starts.ethnicity-by-tier: cell 17"),
            // The cells before the id.
            (sorted, "table number 4: cell 17"),
        ] {
            let json = json.replace("424242", wrong);
            let error = serde_json::from_str::<LearningSummary>(&json).unwrap_err();
            let said = error.to_string();
            assert!(said.starts_with(named), "{wrong}: {said}");
        }
    }
}

/// Noise of the right size from 64-bit words: the sum of 12 uniforms, standardised (variance exactly 1, tails within 6).
fn noisy(words: &mut impl FnMut() -> u64) -> LearningSummary {
    let mut summary = quiet_month();
    for table in &mut summary.tables {
        let sd = (summary.noise.sigma2[&table.id] as f64).sqrt();
        for cell in &mut table.cells {
            let uniforms: f64 = (0..12)
                .map(|_| (words() >> 11) as f64 / 2f64.powi(53))
                .sum();
            *cell = ((uniforms - 6.0) * sd).round() as i64;
        }
    }
    summary
}

fn generator(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    // Steele, Lea, Flood 2014: SplitMix64.
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Comparisons that an honest summary undergoes, and the chance that any fails.
#[test]
fn an_honest_summary_is_refused_less_than_once_in_a_thousand_million() {
    let codebook = Codebook::new(&lep(), &[]);
    let summary = quiet_month();
    let cells = summary.tables.iter().map(|t| t.cells.as_slice());
    let margins = Margins::new(Standard::v1(), &codebook, cells, |_| 1.0);
    let comparisons = margins.differences().count();
    // P(|Z| > 7.5), Mills' ratio: 2 phi(7.5) / 7.5 bounds it from above.
    let each = 2.0 * (-MARGIN_LIMIT * MARGIN_LIMIT / 2.0).exp()
        / std::f64::consts::TAU.sqrt()
        / MARGIN_LIMIT;
    assert!((100..2_000).contains(&comparisons), "{comparisons}");
    assert!(comparisons as f64 * each < 1e-9, "{comparisons} x {each:e}");
}

#[test]
fn deviates_of_honest_summaries_are_standard_normal() {
    let codebook = Codebook::new(&lep(), &[]);
    let mut words = generator(1);
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..40 {
        let summary = noisy(&mut words);
        assert_eq!(check(&summary), Ok(()));
        let cells = summary.tables.iter().map(|t| t.cells.as_slice());
        let sigma2 = |t: &Table| summary.noise.sigma2[&t.id] as f64;
        for difference in Margins::new(Standard::v1(), &codebook, cells, sigma2).differences() {
            n += 1.0;
            sum += difference.deviate;
            squares += difference.deviate.powi(2);
        }
    }
    // Comparisons that share tables are correlated: the bounds are for a tenth of them being independent.
    let mean: f64 = sum / n;
    assert!(mean.abs() < 4.5 / (n / 10.0).sqrt(), "{mean}");
    let variance: f64 = squares / n;
    assert!(
        (variance - 1.0).abs() < 4.5 * (2.0 / (n / 10.0)).sqrt(),
        "{variance}"
    );
}

/// Every part of a summary but the cells, as a path into its JSON.
fn paths(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    let mut inside = |key: &str, value| paths(value, &format!("{at}/{key}"), found);
    match value {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(k, v)| inside(k, v)),
        serde_json::Value::Array(items) if !at.ends_with("cells") => {
            items
                .iter()
                .enumerate()
                .for_each(|(k, v)| inside(&k.to_string(), v));
        }
        _ => {}
    }
    found.push(at.to_owned());
}

fn strange() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (0u64..4).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[ -~]{0,20}".prop_map(Into::into),
        prop::collection::vec(any::<i64>(), 0..4).prop_map(Into::into),
    ]
}

/// Reads and checks what a node might have signed.
fn read(json: &serde_json::Value) -> Option<LearningSummary> {
    let summary: LearningSummary = serde_json::from_str(&json.to_string()).ok()?;
    check(&summary).ok()?;
    Some(summary)
}

proptest! {
    /// Anything but a cell's value that is replaced, taken away or added leads to a refusal or to the same summary. Only
    /// the program's name is free.
    #[test]
    fn a_changed_summary_is_refused_or_the_same(seed in any::<u64>(), at in any::<prop::sample::Index>(), with in strange(), way in 0..3) {
        let honest = noisy(&mut generator(seed));
        let mut json = serde_json::to_value(&honest).unwrap();
        let mut all = Vec::new();
        paths(&json, "", &mut all);
        let path = at.get(&all).clone();
        let (parent, key) = path.rsplit_once('/').unwrap_or(("", ""));
        match (way, json.pointer_mut(parent)) {
            (1, Some(serde_json::Value::Object(fields))) if !key.is_empty() => { fields.remove(key); }
            (1, Some(serde_json::Value::Array(items))) => { items.remove(key.parse().unwrap()); }
            (2, Some(serde_json::Value::Object(fields))) => { fields.insert(format!("{key}x"), with); }
            (2, Some(serde_json::Value::Array(items))) => { items.insert(key.parse().unwrap(), with); }
            _ => *json.pointer_mut(&path).unwrap() = with,
        }
        if let Some(mut read) = read(&json) {
            read.software.clone_from(&honest.software);
            prop_assert_eq!(read, honest);
        }
    }

    /// A cell that is moved further than noise goes is refused, by the name of a table of its family: wherever another
    /// table counts the same enrolments.
    #[test]
    fn a_moved_cell_is_refused(seed in any::<u64>(), at in any::<prop::sample::Index>(), up in any::<bool>()) {
        let mut summary = noisy(&mut generator(seed));
        let standard = Standard::v1();
        let tables = standard.tables();
        let with_others: Vec<usize> = (0..tables.len())
            .filter(|a| (0..tables.len()).any(|b| *a != b && tables[b].family == tables[*a].family))
            .collect();
        let number = *at.get(&with_others);
        let sd = (noise::sigma2(tables[number].rho_micro) as f64).sqrt();
        // The whole table against another that has no dimension in common: sd of a cell times the root of both sizes.
        let most = summary.tables.iter().map(|t| t.cells.len()).max().unwrap() as f64;
        let step = (16.0 * sd * (2.0 * most).sqrt()) as i64;
        let cell = at.index(summary.tables[number].cells.len());
        summary.tables[number].cells[cell] += if up { step } else { -step };
        let error = check(&summary).unwrap_err();
        prop_assert!(error.rule.starts_with("shared margins"), "{}", error);
        let named = standard.table(error.table.as_deref().unwrap()).unwrap();
        prop_assert_eq!(named.family, tables[number].family);
        prop_assert!(error.cell.is_some());
    }
}

#[test]
fn tables_of_one_family_share_a_margin_of_their_common_dimensions() {
    let codebook = Codebook::new(&lep(), &[]);
    let summary = quiet_month();
    let cells = summary.tables.iter().map(|t| t.cells.as_slice());
    let margins = Margins::new(Standard::v1(), &codebook, cells, |_| 1.0);
    let tables = Standard::v1().tables();
    for difference in margins.differences() {
        let (a, b) = (&tables[difference.table], &tables[difference.against]);
        assert_eq!(a.family, b.family);
        let all: [&Dimension; 2] = [&Dimension::Tier, &Dimension::Outcome];
        for dimension in all {
            let both = a.dimensions.contains(dimension) && b.dimensions.contains(dimension);
            assert_eq!(difference.on.contains(dimension), both);
        }
    }
}
