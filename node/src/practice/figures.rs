//! Figures that an entry may cite: cells of the node's own releases that were approved.

use ldsp_protocol::ids::{Digest, Gss, Period, PledgeId};
use ldsp_protocol::practice::Evidence;
use ldsp_protocol::standard::{Codebook, Standard, cell_index};

/// A statement of an approved release of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRelease {
    /// Its month.
    pub period: Period,
    /// The standard that it was made under.
    pub standard: &'static Standard,
    /// SHA-256 of its statement's PAE.
    pub statement: Digest,
    /// Pledges that its tables count, in the order of acceptance.
    pub pledges: Vec<PledgeId>,
}

/// Everything that an entry of this node may cite.
#[derive(Debug, Clone)]
pub struct OwnFigures {
    lep: Gss,
    releases: Vec<OwnRelease>,
}

/// A reference as the form keeps it: `statement/table/cell`.
pub(super) fn reference(evidence: &Evidence) -> String {
    format!(
        "{}/{}/{}",
        evidence.statement, evidence.table, evidence.cell
    )
}

impl OwnFigures {
    /// The figures of `releases`, approved ones of the node of `lep`, in order of month.
    #[must_use]
    pub fn new(lep: Gss, releases: Vec<OwnRelease>) -> Self {
        Self { lep, releases }
    }

    /// The LEP that the node serves.
    #[must_use]
    pub fn lep(&self) -> &Gss {
        &self.lep
    }

    /// Statements of approved releases in order of month and standard.
    #[must_use]
    pub fn releases(&self) -> &[OwnRelease] {
        &self.releases
    }

    /// The release that `evidence` cites, when it is one of ours and holds the cell.
    #[must_use]
    pub fn release_of(&self, evidence: &Evidence) -> Option<&OwnRelease> {
        let release = self
            .releases
            .iter()
            .find(|r| r.statement == evidence.statement)?;
        let table = release.standard.table(&evidence.table)?;
        let cells = self.codebook(release).cells(table);
        (evidence.cell < cells as u64).then_some(release)
    }

    /// A statement for people: its month, and its standard where the month has two.
    #[must_use]
    pub fn named(&self, release: &OwnRelease) -> String {
        let month = release.period.in_words();
        let of_month = self.releases.iter().filter(|r| r.period == release.period);
        match of_month.count() {
            0 | 1 => month,
            _ => format!("{month}, {}", release.standard.title()),
        }
    }

    /// The code lists that a release's tables follow.
    #[must_use]
    pub fn codebook(&self, release: &OwnRelease) -> Codebook {
        Codebook::new(&self.lep, &release.pledges)
    }

    /// The figure that a file names by month, table and codes.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub(super) fn cell(
        &self,
        release: &str,
        table: &str,
        codes: &[String],
    ) -> Result<Evidence, (String, String)> {
        let period: Option<Period> = release.parse().ok();
        // Of two statements of a month the one under the newer standard, where it holds the table.
        let of_month = || {
            self.releases
                .iter()
                .rev()
                .filter(|r| Some(r.period) == period)
        };
        let found = of_month()
            .find(|r| r.standard.table(table).is_some())
            .or_else(|| of_month().next())
            .ok_or_else(|| {
                let mut months: Vec<String> =
                    self.releases.iter().map(|r| r.period.to_string()).collect();
                months.dedup();
                let remedy = match months.as_slice() {
                    [] => "Take the figure out until a release has been approved".to_owned(),
                    _ => format!("Use one of: {}", months.join(", ")),
                };
                (
                    "this node has no approved release of that month".to_owned(),
                    remedy,
                )
            })?;
        let declared = found.standard.table(table).ok_or_else(|| {
            let ids: Vec<&str> = found
                .standard
                .tables()
                .iter()
                .map(|t| t.id.as_str())
                .collect();
            (
                "not a table of the data standard that the release was made under".to_owned(),
                format!("Use one of: {}", ids.join(", ")),
            )
        })?;
        let codebook = self.codebook(found);
        if codes.len() != declared.dimensions.len() {
            let cause = format!(
                "the table has {} dimensions, {} codes are given",
                declared.dimensions.len(),
                codes.len()
            );
            return Err((
                cause,
                "Give one code for each dimension, in the order of the table's name".to_owned(),
            ));
        }
        let mut position = Vec::new();
        for (dimension, code) in declared.dimensions.iter().zip(codes) {
            let list = codebook.codes(*dimension);
            let at = list.iter().position(|c| c == code).ok_or_else(|| {
                let title = &found.standard.dimension(*dimension).title;
                (
                    format!("a code is not in the list of {title}"),
                    format!("Use one of: {}", list.join(", ")),
                )
            })?;
            position.push(at);
        }
        Ok(Evidence {
            statement: found.statement,
            table: declared.id.clone(),
            cell: cell_index(&codebook.shape(declared), &position) as u64,
        })
    }
}
