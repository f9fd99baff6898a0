//! Which months a figure covers, and how much of its place is in it.

use crate::ids::Period;
use serde::{Deserialize, Serialize};

/// Months that a figure covers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = MonthRange))]
pub struct Range {
    /// First month.
    pub from: Period,
    /// Last month.
    pub to: Period,
}

impl Range {
    /// Its months in order.
    pub(super) fn periods(self) -> impl Iterator<Item = Period> {
        std::iter::successors(Some(self.from), |p| p.next()).take(self.months())
    }

    pub(super) fn holds(self, period: Period) -> bool {
        (self.from..=self.to).contains(&period)
    }

    /// Number of months.
    #[must_use]
    pub fn months(&self) -> usize {
        usize::try_from(self.to.index() - self.from.index() + 1).unwrap_or_default()
    }

    /// For people: `April 2022 to September 2022`.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.from == self.to {
            return self.to.in_words();
        }
        format!("{} to {}", self.from.in_words(), self.to.in_words())
    }
}

/// Whether a LEP is in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", schema(as = LepStatus))]
pub enum Status {
    /// Released the figure's last month.
    Contributed,
    /// In the figure with some of its enrolments only. Its node is changing to another data standard, so that a month has
    /// two summaries, and one of the last month's is not there; or what it counted under one standard ends before a month that it
    /// withdrew; or one of its standards has no such breakdown.
    Partial,
    /// Released earlier months only; those are in the figure.
    Late,
    /// Released nothing that is in the figure.
    Missing,
}

impl Status {
    /// As written in answers and addresses.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Contributed => "contributed",
            Self::Partial => "partial",
            Self::Late => "late",
            Self::Missing => "missing",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Contributed => "Contributed",
            Self::Partial => "In part",
            Self::Late => "Late",
            Self::Missing => "Not yet",
        }
    }
}

/// What a LEP has of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Whole,
    /// Under one standard and not under another.
    Part,
    Nothing,
}

/// What a LEP has in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) status: Status,
    /// Months of the figure's range that it released as a whole.
    pub(super) months: usize,
    /// 1, or 2 after a lost ledger; 0 without a release.
    pub(super) epoch: u32,
    /// Standards that its enrolments in the figure are counted under.
    pub(super) standards: usize,
    /// Whether it has enrolments under a standard that does not hold the figure.
    pub(super) left_out: bool,
}

/// How much of the country a figure holds, counted in LEPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// LEPs that released the last month.
    pub contributed: usize,
    /// LEPs in the figure with some of their enrolments only.
    pub partial: usize,
    /// LEPs with earlier months only.
    pub late: usize,
    /// LEPs with nothing.
    pub missing: usize,
    /// LEPs among them whose node lost its ledger and began a second epoch: their people's figures carry noise twice, and cost them
    /// another privacy budget.
    pub second_epoch: usize,
    /// LEPs among them whose enrolments are counted under two data standards, the earlier ones under the earlier: their figures
    /// carry the noise of both.
    pub two_standards: usize,
    /// LEPs with enrolments that are not in the figure because the data standard that they are counted under has no such
    /// breakdown. Those with no other are among the missing.
    pub left_out: usize,
    /// LEPs of the place: 38 for England.
    pub of: usize,
    /// Months of LEPs that are in the figure, added up.
    pub months: usize,
    /// Months that the LEPs with any release would have, had each released every month of the range.
    pub of_months: usize,
}

impl Coverage {
    /// Coverage of `range` months by LEPs.
    pub(super) fn of(leps: impl IntoIterator<Item = Part>, range: usize) -> Self {
        let mut coverage = Self {
            contributed: 0,
            partial: 0,
            late: 0,
            missing: 0,
            second_epoch: 0,
            two_standards: 0,
            left_out: 0,
            of: 0,
            months: 0,
            of_months: 0,
        };
        for Part {
            status,
            months,
            epoch,
            standards,
            left_out,
        } in leps
        {
            coverage.of += 1;
            coverage.months += months;
            coverage.second_epoch += usize::from(epoch > 1);
            coverage.two_standards += usize::from(standards > 1);
            coverage.left_out += usize::from(left_out);
            if status != Status::Missing {
                coverage.of_months += range;
            }
            match status {
                Status::Contributed => coverage.contributed += 1,
                Status::Partial => coverage.partial += 1,
                Status::Late => coverage.late += 1,
                Status::Missing => coverage.missing += 1,
            }
        }
        coverage
    }

    /// Whether the same numbers of areas are in two figures, whatever their noise: then their counts can be compared.
    #[must_use]
    pub fn same_areas(&self, other: &Self) -> bool {
        let areas = |c: &Self| (c.contributed, c.partial, c.late, c.missing, c.of);
        areas(self) == areas(other)
    }

    /// For people: `36 of 38 LEPs contributed, 1 late, 1 not yet`, with the months where some are wanting.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = format!("{} of {} LEPs contributed, ", self.contributed, self.of);
        if self.partial > 0 {
            text.push_str(&format!("{} in part, ", self.partial));
        }
        text.push_str(&format!("{} late, {}", self.late, self.missing_in_words()));
        text.push_str(&self.notes_in_words());
        text
    }

    /// `1 not yet`; those whose standard has no such breakdown are not late.
    #[must_use]
    pub fn missing_in_words(&self) -> String {
        let when = if self.left_out > 0 {
            "not in it"
        } else {
            "not yet"
        };
        format!("{} {when}", self.missing)
    }

    /// What else a reader must know, each after a comma: wanting months, second epochs, standards.
    #[must_use]
    pub fn notes_in_words(&self) -> String {
        let notes = [
            self.months_in_words(),
            self.epochs_in_words(),
            self.standards_in_words(),
            self.left_out_in_words(),
        ];
        let notes = notes.into_iter().flatten();
        notes.map(|note| format!(", {note}")).collect()
    }

    /// `3 under two data standards` while nodes change to another.
    #[must_use]
    pub fn standards_in_words(&self) -> Option<String> {
        (self.two_standards > 0).then(|| format!("{} under two data standards", self.two_standards))
    }

    /// `4 left out in whole or part: their data standard has no such breakdown`.
    #[must_use]
    pub fn left_out_in_words(&self) -> Option<String> {
        let why = "left out in whole or part: their data standard has no such breakdown";
        (self.left_out > 0).then(|| format!("{} {why}", self.left_out))
    }

    /// `1 in a second epoch` where a node lost its ledger.
    #[must_use]
    pub fn epochs_in_words(&self) -> Option<String> {
        (self.second_epoch > 0).then(|| format!("{} in a second epoch", self.second_epoch))
    }

    /// `195 of 228 months` where LEPs that released anything lack months; none where nothing is wanting, and for a
    /// single month, of which the LEPs say it all.
    #[must_use]
    pub fn months_in_words(&self) -> Option<String> {
        let several = self.of_months > self.contributed + self.partial + self.late;
        (several && self.months < self.of_months)
            .then(|| format!("{} of {} months", self.months, self.of_months))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_epoch_is_said_beside_the_figure() {
        let part = |status, epoch| Part {
            status,
            months: 3,
            epoch,
            standards: 1,
            left_out: false,
        };
        let first = [part(Status::Contributed, 1), part(Status::Missing, 0)];
        assert_eq!(Coverage::of(first, 3).epochs_in_words(), None);
        let second = [part(Status::Contributed, 2), part(Status::Late, 1)];
        let coverage = Coverage::of(second, 3);
        assert_eq!(coverage.second_epoch, 1);
        assert_eq!(
            coverage.in_words(),
            "1 of 2 LEPs contributed, 1 late, 0 not yet, 1 in a second epoch"
        );
    }

    #[test]
    fn a_change_of_standard_is_said_beside_the_figure() {
        let changing = Part {
            status: Status::Partial,
            months: 2,
            epoch: 1,
            standards: 2,
            left_out: false,
        };
        let gone = Part {
            status: Status::Missing,
            months: 0,
            epoch: 0,
            standards: 0,
            left_out: true,
        };
        assert_eq!(
            Coverage::of([changing], 3).in_words(),
            "0 of 1 LEPs contributed, 1 in part, 0 late, 0 not yet, 2 of 3 months, 1 under two data standards"
        );
        assert_eq!(
            Coverage::of([gone], 3).in_words(),
            "0 of 1 LEPs contributed, 0 late, 1 not in it, 1 left out in whole or part: their data standard has no such breakdown"
        );
    }
}
