//! Margins that tables share. Two tables of a family count the same spells, and the filter is linear, so the margins that
//! they share differ by noise alone: by a normal deviate of known variance.

use super::{SummaryError, refuse};
use crate::additivity::{Margin, positions};
use crate::standard::{Codebook, Dimension, Standard, Table};

/// Shared margins may differ by this many standard deviations of their difference. A normal deviate
/// exceeds it with p = 6.4e-14 either way (Abramowitz and Stegun 1964, 26.2.12), and the standard has
/// a few hundred comparisons, so an honest summary is refused with p < 10^-9 (Bonferroni).
pub const MARGIN_LIMIT: f64 = 7.5;

/// The tables of one summary, or their cumulative estimates, ready to be compared.
#[derive(Debug)]
pub struct Margins<'a> {
    standard: &'a Standard,
    codebook: &'a Codebook,
    /// In the standard's order, with the variance of a cell.
    tables: Vec<(Margin<i128>, f64)>,
}

/// A comparison of one cell of a margin that two tables share.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Number of the one table.
    pub table: usize,
    /// Number of the other.
    pub against: usize,
    /// Dimensions of the margin: all that both have.
    pub on: Vec<Dimension>,
    /// Cell of the margin.
    pub position: Vec<usize>,
    /// The one less the other in standard deviations of that: standard normal when both are honest.
    pub deviate: f64,
}

impl<'a> Margins<'a> {
    /// Of dense `cells` by table in the standard's order, any unit; `variance` of a cell of each in that unit squared.
    pub fn new<'b>(
        standard: &'a Standard,
        codebook: &'a Codebook,
        cells: impl IntoIterator<Item = &'b [i64]>,
        variance: impl Fn(&Table) -> f64,
    ) -> Self {
        let table = |(table, cells): (&Table, &[i64])| {
            let margin = Margin {
                dimensions: table.dimensions.clone(),
                shape: codebook.shape(table),
                values: cells.iter().map(|v| i128::from(*v)).collect(),
            };
            (margin, variance(table))
        };
        let tables = standard.tables().iter().zip(cells);
        Self {
            standard,
            codebook,
            tables: tables.map(table).collect(),
        }
    }

    /// Every comparison: each pair of tables of a family, each cell of all that they share.
    pub fn differences(&self) -> impl Iterator<Item = Difference> + '_ {
        let numbers = 0..self.tables.len();
        let pairs = numbers.flat_map(|a| (a + 1..self.tables.len()).map(move |b| (a, b)));
        let family = |number: usize| self.standard.tables()[number].family;
        pairs
            .filter(move |(a, b)| family(*a) == family(*b))
            .flat_map(|(a, b)| self.compare(a, b))
    }

    fn compare(&self, a: usize, b: usize) -> impl Iterator<Item = Difference> + '_ {
        let ((left, variance), (right, other_variance)) = (&self.tables[a], &self.tables[b]);
        let shared = left.dimensions.iter();
        let shared = shared.filter(|d| right.dimensions.contains(d));
        let on: Vec<Dimension> = shared.copied().collect();
        let summed = |full: &Margin<i128>, on: &Margin<i128>| {
            full.values.len() as f64 / on.values.len() as f64
        };
        let (mine, theirs) = (left.onto(&on), right.onto(&on));
        let variance = variance * summed(left, &mine) + other_variance * summed(right, &theirs);
        let sd = variance.sqrt();
        let pairs = mine.values.into_iter().zip(theirs.values).enumerate();
        pairs.map(move |(cell, (x, y))| Difference {
            table: a,
            against: b,
            on: on.clone(),
            position: positions(&mine.shape, cell),
            deviate: (x - y) as f64 / sd,
        })
    }

    /// Refuses what noise cannot explain.
    ///
    /// # Errors
    /// The first table, a cell of it in the margin at fault, and how far apart it is from which other table. `what` names the
    /// figures that are compared.
    pub fn check(&self, what: &str) -> Result<(), SummaryError> {
        let far = |d: &Difference| d.deviate.abs() > MARGIN_LIMIT;
        match self.differences().find(far) {
            None => Ok(()),
            Some(difference) => Err(self.refusal(&difference, what)),
        }
    }

    fn refusal(&self, found: &Difference, what: &str) -> SummaryError {
        let codes = found.on.iter().zip(&found.position).map(|(d, code)| {
            let title = &self.standard.dimension(*d).title;
            let codes = self.codebook.codes(*d);
            let code = codes.get(*code).map_or("", String::as_str);
            format!("{} {code}", title.to_lowercase())
        });
        let codes: Vec<String> = codes.collect();
        let of = if codes.is_empty() {
            "in all".to_owned()
        } else {
            codes.join(", ")
        };
        let table = &self.standard.tables()[found.table];
        let against = &self.standard.tables()[found.against].id;
        let rule = format!(
            "shared margins {what} differ no more than their noise allows, {MARGIN_LIMIT} standard deviations: {of} stands {:.1} from table {against}",
            found.deviate.abs()
        );
        let shape = &self.tables[found.table].0.shape;
        let belongs = |cell: &usize| {
            let at = positions(shape, *cell);
            let code = |d: &Dimension| {
                let axis = table.dimensions.iter().position(|own| own == d);
                axis.map(|axis| at[axis])
            };
            let mut pairs = found.on.iter().zip(&found.position);
            pairs.all(|(d, wanted)| code(d) == Some(*wanted))
        };
        let cell = (0..shape.iter().product()).find(belongs);
        refuse(rule, Some(&table.id), cell)
    }
}
