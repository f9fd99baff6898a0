//! Rows into what the store takes, on the reading thread.

use std::sync::Arc;

use super::{Directory, Draft, Parser};
use crate::import::ImportError;
use crate::import::report::RowProblem;
use crate::import::rows::{Gather, Row};
use crate::store::StoreError;
use crate::store::records::silent::Silent;
use crate::store::records::{Enrolment, fresh};

/// Valid rows on their way into the store.
pub(in crate::import) enum Valid {
    /// Into an empty store.
    Fresh(fresh::Rows),
    /// With their lines, to be compared with what is held.
    Merge(Vec<(u64, Enrolment)>),
}

/// Rows of a file, sorted out.
pub(in crate::import) struct Batch {
    pub(in crate::import) valid: Valid,
    /// Valid rows.
    pub(in crate::import) count: u64,
    /// Those of them outside the area.
    pub(in crate::import) outside: u64,
    /// Providers that they name, new ones among them.
    pub(in crate::import) providers: Vec<Arc<str>>,
    /// References that a provider's own valid rows bring, with their numbers.
    pub(in crate::import) references: Vec<(i64, String)>,
    /// What the file says nothing of.
    pub(in crate::import) silent: Silent,
    /// The problems of every other row.
    pub(in crate::import) refused: Vec<Vec<RowProblem>>,
}

/// Reads rows and finds where their learners live.
pub(in crate::import) struct Gatherer {
    parser: Parser,
    directory: Directory,
    fresh: bool,
    drafts: Vec<Draft>,
    /// Of the latest valid row, where the store is empty.
    id: i64,
}

impl Gatherer {
    /// `fresh`: whether the store is empty.
    pub(in crate::import) fn new(parser: Parser, directory: Directory, fresh: bool) -> Self {
        let drafts = Vec::new();
        Self {
            parser,
            directory,
            fresh,
            drafts,
            id: 0,
        }
    }

    fn numbered(&mut self, valid: Vec<(u64, Enrolment)>) -> Result<fresh::Rows, StoreError> {
        let numbered = valid.into_iter().map(|(line, enrolment)| {
            self.id = fresh::id_after(self.id, line);
            (self.id, enrolment)
        });
        Ok(fresh::Rows::new(numbered.collect())?)
    }

    /// Turns a draft's postcode into its district.
    fn resolve(&self, draft: &mut Draft) {
        let Some(postcode) = draft.postcode.take() else {
            return;
        };
        match self.directory.find(postcode) {
            Ok((district, in_area)) => {
                if let Some(enrolment) = &mut draft.enrolment {
                    enrolment.district = Some(district);
                    enrolment.in_area = in_area;
                }
            }
            Err(fault) => {
                draft.problems.push(fault.at(draft.line, Some("postcode")));
                draft.enrolment = None;
            }
        }
    }
}

impl Gather for Gatherer {
    type Batch = Batch;

    fn row(&mut self, row: Row<'_>) {
        let draft = self.parser.draft(row);
        self.drafts.push(draft);
    }

    fn batch(&mut self) -> Result<Batch, ImportError> {
        let mut drafts = std::mem::take(&mut self.drafts);
        self.directory
            .learn(drafts.iter().filter_map(|draft| draft.postcode))?;
        let mut outside = 0;
        let mut refused = Vec::new();
        let mut valid = Vec::with_capacity(drafts.len());
        let mut references = Vec::new();
        for mut draft in drafts.drain(..) {
            self.resolve(&mut draft);
            match draft.enrolment {
                Some(enrolment) => {
                    outside += u64::from(!enrolment.in_area);
                    valid.push((draft.line, enrolment));
                    references.extend(draft.reference);
                }
                None => refused.push(draft.problems),
            }
        }
        self.drafts = drafts;
        Ok(Batch {
            count: valid.len() as u64,
            outside,
            providers: std::mem::take(&mut self.parser.named),
            references,
            silent: self.parser.silent.unwrap_or_default(),
            refused,
            valid: if self.fresh {
                Valid::Fresh(self.numbered(valid)?)
            } else {
                Valid::Merge(valid)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::import::learners::{COLUMNS, HEADER, Own};
    use crate::import::pseudonym::PseudonymKey;
    use crate::import::rows::{self, Csv};
    use crate::import::{header, london_day};
    use crate::store::kept::Known;
    use crate::store::providers::Roots;
    use crate::testing::{LEP, World, at};

    /// A provider's account can send any number of rows that are refused: nothing of them is carried on.
    #[tokio::test]
    async fn rows_that_are_refused_leave_no_reference_behind() {
        let world = World::new().await;
        let roots = Roots::default();
        let parser = Parser {
            key: PseudonymKey::from_bytes([7; 32]),
            lep: LEP.parse().unwrap(),
            programmes: Default::default(),
            today: london_day(at("2022-03-04T09:00:00Z")),
            clean: Default::default(),
            own: Some(Own::new("College", &roots, &Known::default())),
            roots,
            new_providers: true,
            named: Vec::new(),
            reference: None,
            programme: None,
            silent: None,
        };
        let directory = Directory::new(&world.store, &LEP.parse().unwrap(), false);
        let row = format!(",7{}\n", ",".repeat(COLUMNS.len() - 2));
        let text = format!("{}\n{}", COLUMNS.join(","), row.repeat(5_000));
        let source = Csv::new(Cursor::new(text), COLUMNS, |row| header::find(row, &HEADER));
        let mut stream = rows::stream(source, Gatherer::new(parser, directory, false));
        let (mut refused, mut references) = (0, 0);
        while let Some(batch) = stream.batches.recv().await {
            refused += batch.refused.len();
            references += batch.references.len();
        }
        assert_eq!((refused, references), (5_000, 0));
    }
}
