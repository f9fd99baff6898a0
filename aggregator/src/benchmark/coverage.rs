//! Which months a figure covers, and how much of its place is in it.

use ldsp_protocol::ids::Period;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Months that a figure covers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MonthRange)]
pub struct Range {
    /// First month.
    pub from: Period,
    /// Last month.
    pub to: Period,
}

impl Range {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LepStatus)]
pub enum Status {
    /// Released the figure's last month.
    Contributed,
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
            Self::Late => "late",
            Self::Missing => "missing",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Contributed => "Contributed",
            Self::Late => "Late",
            Self::Missing => "Not yet",
        }
    }
}

/// What a LEP has in a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) status: Status,
    /// Months of the figure's range that it released.
    pub(super) months: usize,
    /// 1, or 2 after a lost ledger; 0 without a release.
    pub(super) epoch: u32,
}

/// How much of the country a figure holds, counted in LEPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Coverage {
    /// LEPs that released the last month.
    pub contributed: usize,
    /// LEPs with earlier months only.
    pub late: usize,
    /// LEPs with nothing.
    pub missing: usize,
    /// LEPs among them whose node lost its ledger and began a second epoch: their people's figures carry noise twice, and cost them
    /// another privacy budget.
    pub second_epoch: usize,
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
            late: 0,
            missing: 0,
            second_epoch: 0,
            of: 0,
            months: 0,
            of_months: 0,
        };
        for Part {
            status,
            months,
            epoch,
        } in leps
        {
            coverage.of += 1;
            coverage.months += months;
            coverage.second_epoch += usize::from(epoch > 1);
            if status != Status::Missing {
                coverage.of_months += range;
            }
            match status {
                Status::Contributed => coverage.contributed += 1,
                Status::Late => coverage.late += 1,
                Status::Missing => coverage.missing += 1,
            }
        }
        coverage
    }

    /// For people: `36 of 38 LEPs contributed, 1 late, 1 not yet`, with the months where some are wanting.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = format!(
            "{} of {} LEPs contributed, {} late, {} not yet",
            self.contributed, self.of, self.late, self.missing
        );
        if let Some(months) = self.months_in_words() {
            text.push_str(&format!(", {months}"));
        }
        if let Some(epochs) = self.epochs_in_words() {
            text.push_str(&format!(", {epochs}"));
        }
        text
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
        let several = self.of_months > self.contributed + self.late;
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
}
