//! Code lists of one node, and the numbering of cells.

use super::{Dimension, NOT_STATED, Standard, Table};
use crate::geography::Geography;
use crate::ids::{Gss, PledgeId};

/// A node's code lists: the standard's, with its own districts and accepted pledges filled in.
#[derive(Debug, Clone)]
pub struct Codebook {
    area: Vec<Gss>,
    pledges: Vec<PledgeId>,
    lep: Gss,
}

impl Codebook {
    /// Code lists of the node that serves `lep` and accepted `pledges`, in the order of acceptance.
    #[must_use]
    pub fn new(lep: &Gss, pledges: &[PledgeId]) -> Self {
        Self {
            area: Geography::embedded().owned_by(lep),
            pledges: pledges.to_vec(),
            lep: lep.clone(),
        }
    }

    /// The LEP that the node serves.
    #[must_use]
    pub fn lep(&self) -> &Gss {
        &self.lep
    }

    /// Number of codes of a dimension, "not stated" included.
    #[must_use]
    pub fn size(&self, dimension: Dimension) -> usize {
        match dimension {
            Dimension::Area => self.area.len() + 1,
            Dimension::Pledge => self.pledges.len() + 1,
            other => Standard::current().dimension(other).codes.len(),
        }
    }

    /// Code ids of a dimension, in order.
    #[must_use]
    pub fn codes(&self, dimension: Dimension) -> Vec<String> {
        match dimension {
            Dimension::Area => {
                let districts = self.area.iter().map(ToString::to_string);
                districts.chain([NOT_STATED.to_owned()]).collect()
            }
            Dimension::Pledge => {
                let accepted = self.pledges.iter().map(ToString::to_string);
                std::iter::once("none".to_owned()).chain(accepted).collect()
            }
            other => Standard::current()
                .dimension(other)
                .codes
                .iter()
                .map(|c| c.id.clone())
                .collect(),
        }
    }

    /// Position of a district (live code) in the `area` list; `None` when the LEP does not own it.
    #[must_use]
    pub fn area(&self, district: &Gss) -> Option<usize> {
        self.area.binary_search(district).ok()
    }

    /// Sizes of a table's dimensions, slowest first.
    #[must_use]
    pub fn shape(&self, table: &Table) -> Vec<usize> {
        table.dimensions.iter().map(|d| self.size(*d)).collect()
    }

    /// Number of cells of a table.
    #[must_use]
    pub fn cells(&self, table: &Table) -> usize {
        self.shape(table).iter().product()
    }
}

/// Index of a cell in a dense table: first dimension slowest.
#[must_use]
pub fn cell_index(shape: &[usize], position: &[usize]) -> usize {
    shape
        .iter()
        .zip(position)
        .fold(0, |at, (size, code)| at * size + code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbered_with_the_first_dimension_slowest() {
        assert_eq!(cell_index(&[2, 3, 4], &[1, 2, 3]), 23);
        assert_eq!(cell_index(&[2, 3, 4], &[0, 1, 0]), 4);
    }
}
