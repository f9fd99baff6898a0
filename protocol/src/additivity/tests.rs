use super::*;
use Dimension::{Age, Outcome, Sex, Tier};
use proptest::prelude::*;

fn observed(
    dimensions: &[Dimension],
    shape: &[usize],
    values: Vec<f64>,
    variance: f64,
) -> Observed {
    Observed {
        dimensions: dimensions.to_vec(),
        shape: shape.to_vec(),
        values,
        variance,
        weight_variance: variance,
        weight_shape: shape.to_vec(),
    }
}

proptest! {
    #[test]
    fn consistent_tables_stay_as_they_are(cells in prop::collection::vec(0f64..1e4, 24)) {
        let full = Margin { dimensions: vec![Tier, Age, Outcome], shape: vec![2, 4, 3], values: cells };
        let tables: Vec<_> = [vec![Tier, Outcome], vec![Age, Outcome], vec![Outcome]]
            .iter()
            .map(|d| { let m = full.onto(d); observed(d, &m.shape, m.values, 7.0) })
            .collect();
        let reconciled = reconcile(&tables).unwrap();
        for table in &tables {
            let again = reconciled.margin(&table.dimensions).unwrap();
            for (x, y) in again.values.iter().zip(&table.values) {
                prop_assert!((x - y).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn shared_margins_agree_afterwards(a in prop::collection::vec(-1e3f64..1e3, 6), b in prop::collection::vec(-1e3f64..1e3, 12)) {
        let tables = [observed(&[Tier, Outcome], &[2, 3], a, 4.0), observed(&[Outcome, Age], &[3, 4], b, 9.0)];
        let reconciled = reconcile(&tables).unwrap();
        let left = reconciled.margin(&[Tier, Outcome]).unwrap().onto(&[Outcome]);
        let right = reconciled.margin(&[Outcome, Age]).unwrap().onto(&[Outcome]);
        for (x, y) in left.values.iter().zip(&right.values) {
            prop_assert!((x - y).abs() < 1e-6);
        }
    }
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
            right[i] += table.values[target(i)] / table.variance;
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
            assert!((x - y).abs() < 1e-4, "{on:?}: {x} {y}");
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
            let form = [(positions(&ours.shape, cell), 1.0)];
            let stated = reconciled.covariance(&on, &form, &form).unwrap();
            assert!(
                (variance - stated).abs() < 1e-4,
                "{on:?}: {variance} {stated}"
            );
        }
    }
}
