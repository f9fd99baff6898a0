use super::*;
use Dimension::{Age, Outcome, Sex, Tier};
use proptest::prelude::*;

fn observed(
    dimensions: &[Dimension],
    shape: &[usize],
    values: Vec<f64>,
    variance: f64,
) -> Observed {
    let grid = |v: f64| (v * 2f64.powi(32)).round() as i64;
    Observed {
        dimensions: dimensions.to_vec(),
        shape: shape.to_vec(),
        values: values.into_iter().map(grid).collect(),
        variance,
        weight_variance: (variance * 2f64.powi(32)) as u128,
        weight_shape: shape.to_vec(),
    }
}

proptest! {
    #[test]
    fn consistent_tables_stay_as_they_are(cells in prop::collection::vec(0f64..1e4, 24)) {
        // On the grid, so that the tables agree exactly.
        let cells = cells.into_iter().map(|c| (c * 65_536.0).round() / 65_536.0).collect();
        let full = Margin { dimensions: vec![Tier, Age, Outcome], shape: vec![2, 4, 3], values: cells };
        let tables: Vec<_> = [vec![Tier, Outcome], vec![Age, Outcome], vec![Outcome]]
            .iter()
            .map(|d| { let m = full.onto(d); observed(d, &m.shape, m.values, 7.0) })
            .collect();
        let reconciled = reconcile(&tables).unwrap();
        for table in &tables {
            let again = reconciled.margin(&table.dimensions).unwrap();
            for (x, y) in again.values.iter().zip(&table.values) {
                prop_assert_eq!(*x, *y as f64 / 2f64.powi(32));
            }
        }
    }

    #[test]
    fn shared_margins_agree_afterwards(a in prop::collection::vec(-1e3f64..1e3, 6), b in prop::collection::vec(-1e3f64..1e3, 12)) {
        let tables = [observed(&[Tier, Outcome], &[2, 3], a, 4.0), observed(&[Outcome, Age], &[3, 4], b, 9.0)];
        let reconciled = reconcile(&tables).unwrap();
        let left = onto(&reconciled, &[Tier, Outcome], &[Outcome]);
        let right = onto(&reconciled, &[Outcome, Age], &[Outcome]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &reconciled.exact(&[Outcome]).unwrap().values);
        let total: Exact = left.into_iter().sum();
        prop_assert_eq!(total, reconciled.exact(&[]).unwrap().values[0]);
    }

    /// Nodes with lists and budgets of their own, estimated one by one and added up, are the estimate of the sums: as
    /// fractions, and therefore as doubles.
    #[test]
    fn estimates_of_nodes_add_up_to_the_estimate_of_the_sums(seed in any::<u64>(), districts in prop::collection::vec(2usize..14, 2..7)) {
        let standard = Standard::current();
        let mut state = seed;
        let nodes: Vec<Vec<Observed>> = districts.iter().map(|d| starts(standard, *d, &mut state)).collect();
        let each: Vec<Reconciled> = nodes.iter().map(|n| reconcile(n).unwrap()).collect();
        // The nation has no districts: they are summed out before nodes are added up.
        let mut national = without_area(standard, &nodes[0]);
        for node in &nodes[1..] {
            for (sum, part) in national.iter_mut().zip(without_area(standard, node)) {
                sum.variance += part.variance;
                sum.values.iter_mut().zip(part.values).for_each(|(a, b)| *a += b);
            }
        }
        let national = reconcile(&national).unwrap();
        for on in [&[][..], &[Tier], &[Dimension::Skill, Tier], &[Sex, Tier, Age]] {
            let whole = national.exact(on).unwrap();
            let parts: Vec<_> = each.iter().map(|r| r.exact(on).unwrap()).collect();
            for (cell, whole) in whole.values.iter().enumerate() {
                let sum: Exact = parts.iter().map(|p| p.values[cell]).sum();
                prop_assert_eq!(sum, *whole);
                prop_assert_eq!(sum.in_counts().to_bits(), whole.in_counts().to_bits());
            }
            let form = [(vec![0; on.len()], 1)];
            let variance: f64 = each.iter().map(|r| r.covariance(on, &form, &form).unwrap()).sum();
            let stated = national.covariance(on, &form, &form).unwrap();
            prop_assert!((variance / stated - 1.0).abs() < 1e-12);
        }
        // Districts add up to the LEP.
        for (node, districts) in each.iter().zip(&districts) {
            let by_district = node.exact(&[Dimension::Area]).unwrap();
            prop_assert_eq!(by_district.values.len(), *districts);
            let sum: Exact = by_district.values.into_iter().sum();
            prop_assert_eq!(sum, node.exact(&[]).unwrap().values[0]);
        }
    }
}

fn onto(reconciled: &Reconciled, table: &[Dimension], on: &[Dimension]) -> Vec<Exact> {
    let table = reconciled.exact(table).unwrap();
    let axis = table.dimensions.iter().position(|d| *d == on[0]).unwrap();
    let at = |code: usize| {
        let cells = table.values.iter().enumerate();
        let of = cells.filter(|(cell, _)| positions(&table.shape, *cell)[axis] == code);
        of.map(|(_, value)| *value).sum()
    };
    (0..table.shape[axis]).map(at).collect()
}

/// The starts tables of a node with so many districts, filled with anything.
fn starts(standard: &Standard, districts: usize, state: &mut u64) -> Vec<Observed> {
    let tables = standard
        .tables()
        .iter()
        .filter(|t| t.family == crate::standard::Family::Starts);
    let one = |table: &Table| {
        let size = |d: &Dimension| match d {
            Dimension::Area => districts,
            Dimension::Pledge => 2,
            other => standard.dimension(*other).codes.len(),
        };
        let shape: Vec<usize> = table.dimensions.iter().map(size).collect();
        let cells = (0..shape.iter().product::<usize>()).map(|_| {
            // Knuth, The Art of Computer Programming 2, 3.3.4: MMIX's generator.
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (*state as i64) >> 16
        });
        let variance = 100.0 + districts as f64;
        Observed::of(
            standard,
            table,
            &table.dimensions,
            shape.clone(),
            cells.collect(),
            variance,
        )
    };
    tables.map(one).collect()
}

fn without_area(standard: &Standard, node: &[Observed]) -> Vec<Observed> {
    let tables = standard
        .tables()
        .iter()
        .filter(|t| t.family == crate::standard::Family::Starts);
    let one = |(observed, table): (&Observed, &Table)| {
        let outside = |d: &&Dimension| !matches!(d, Dimension::Area | Dimension::Pledge);
        let kept: Vec<Dimension> = table.dimensions.iter().filter(outside).copied().collect();
        let full = Margin {
            dimensions: observed.dimensions.clone(),
            shape: observed.shape.clone(),
            values: observed.values.clone(),
        };
        let margin = full.onto(&kept);
        let summed = full.values.len() / margin.values.len();
        let variance = observed.variance * summed as f64;
        Observed::of(
            standard,
            table,
            &kept,
            margin.shape,
            margin.values,
            variance,
        )
    };
    node.iter().zip(tables).map(one).collect()
}

#[test]
fn weights_add_up_to_one_and_follow_the_inverse_variance() {
    for costs in [
        vec![1],
        vec![7, 7, 7],
        vec![1 << 39, 36 << 39, 224 << 39],
        vec![1 << 64, 3],
    ] {
        let found = weights(&costs);
        assert_eq!(found.iter().sum::<u64>(), 1 << WEIGHT_BITS, "{costs:?}");
        let total: f64 = costs.iter().map(|c| 1.0 / *c as f64).sum();
        for (weight, cost) in found.iter().zip(&costs) {
            let ideal = 1.0 / *cost as f64 / total;
            let stated = *weight as f64 / f64::from(1u32 << WEIGHT_BITS);
            assert!((stated - ideal).abs() < 4e-6, "{costs:?}: {stated} {ideal}");
        }
    }
}

#[test]
fn equal_fractions_are_one_double() {
    let third = Exact::new(1 << 90, 3);
    let also = Exact::new(7 << 90, 21);
    assert_eq!(third, also);
    assert_eq!(third.in_counts().to_bits(), also.in_counts().to_bits());
    assert_eq!(third + third + third, Exact::new(1 << 90, 1));
    assert_eq!(third - also, Exact::ZERO);
    assert_eq!((Exact::new(5 << 52, 1)).in_counts(), 5.0);
}

/// Dense generalised least squares by normal equations, the definition itself.
fn brute_force(
    tables: &[Observed],
    dimensions: &[Dimension],
    shape: &[usize],
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let cells: usize = shape.iter().product();
    // A ridge that is far below the noise picks one of the many full tables with the same margins.
    let mut normal = vec![vec![0.0; cells]; cells];
    let mut right = vec![0.0; cells];
    for (i, row) in normal.iter_mut().enumerate() {
        row[i] = 1e-9;
    }
    for table in tables {
        let axes: Vec<usize> = table
            .dimensions
            .iter()
            .map(|d| dimensions.iter().position(|e| e == d).unwrap())
            .collect();
        let target = |cell: usize| {
            let p = positions(shape, cell);
            axes.iter().fold(0, |at, a| at * shape[*a] + p[*a])
        };
        for i in 0..cells {
            right[i] += table.values[target(i)] as f64 / 2f64.powi(32) / table.variance;
            for (j, entry) in normal[i].iter_mut().enumerate() {
                if target(i) == target(j) {
                    *entry += 1.0 / table.variance;
                }
            }
        }
    }
    let inverse = invert(normal);
    let solution = inverse
        .iter()
        .map(|row| row.iter().zip(&right).map(|(a, b)| a * b).sum())
        .collect();
    (solution, inverse)
}

fn invert(mut m: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = m.len();
    for (i, row) in m.iter_mut().enumerate() {
        row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
    }
    for i in 0..n {
        let pivot = (i..n)
            .max_by(|a, b| m[*a][i].abs().total_cmp(&m[*b][i].abs()))
            .unwrap();
        m.swap(i, pivot);
        let lead = m[i][i];
        m[i].iter_mut().for_each(|v| *v /= lead);
        for r in 0..n {
            if r != i {
                let factor = m[r][i];
                let row = m[i].clone();
                m[r].iter_mut().zip(row).for_each(|(v, w)| *v -= factor * w);
            }
        }
    }
    m.into_iter().map(|row| row[n..].to_vec()).collect()
}

#[test]
fn equals_dense_least_squares_in_values_and_variances() {
    let dims = [Tier, Sex, Outcome];
    let shape = [2, 3, 3];
    let noise = |k: usize| ((k * 7919 + 13) % 101) as f64 - 50.0;
    let tables = [
        observed(&[Tier, Outcome], &[2, 3], (0..6).map(noise).collect(), 4.0),
        observed(&[Outcome, Sex], &[3, 3], (10..19).map(noise).collect(), 9.0),
        observed(&[Sex], &[3], (30..33).map(noise).collect(), 2.5),
    ];
    let reconciled = reconcile(&tables).unwrap();
    let (solution, inverse) = brute_force(&tables, &dims, &shape);
    let full = Margin {
        dimensions: dims.to_vec(),
        shape: shape.to_vec(),
        values: solution,
    };
    for on in [vec![Tier, Outcome], vec![Sex, Outcome], vec![Sex]] {
        let ours = reconciled.margin(&on).unwrap();
        let theirs = full.onto(&on);
        for (cell, (x, y)) in ours.values.iter().zip(&theirs.values).enumerate() {
            assert!((x - y).abs() < 1e-3, "{on:?}: {x} {y}");
            let members: Vec<usize> = (0..18)
                .filter(|i| {
                    let unit = Margin {
                        dimensions: dims.to_vec(),
                        shape: shape.to_vec(),
                        values: (0..18).map(|j| f64::from(u8::from(j == *i))).collect(),
                    };
                    unit.onto(&on).values[cell] > 0.5
                })
                .collect();
            let variance: f64 = members
                .iter()
                .flat_map(|i| members.iter().map(|j| inverse[*i][*j]))
                .sum();
            let form = [(positions(&ours.shape, cell), 1)];
            let stated = reconciled.covariance(&on, &form, &form).unwrap();
            assert!(
                (variance - stated).abs() < 1e-3,
                "{on:?}: {variance} {stated}"
            );
        }
    }
}
