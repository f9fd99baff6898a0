//! Rows into what the store takes, on the reading thread.

use std::sync::Arc;

use super::{Directory, Draft, Parser};
use crate::import::ImportError;
use crate::import::report::{References, RowProblem};
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
    /// What became of the references of the valid rows; nothing is known to anybody yet.
    pub(in crate::import) references: References,
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
        let mut references = References::default();
        for mut draft in drafts.drain(..) {
            self.resolve(&mut draft);
            match draft.enrolment {
                Some(enrolment) => {
                    outside += u64::from(!enrolment.in_area);
                    references.note(&enrolment);
                    valid.push((draft.line, enrolment));
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
