//! Drafts of questionnaires: what operators write before they issue it. The log does not know them. A draft goes in the very
//! transaction that issues it ([`OwnEffect::Ask`](super::OwnEffect::Ask)).
//!
//! Both databases know the text of the commands, so it is written once (`sql`).

mod sql;

use std::future::Future;

use jiff::Timestamp;
use ldsp_protocol::ids::QuestionId;
use ldsp_ui::accounts::By;

use super::Outcome;
use crate::questionnaires::Draft;

pub(super) use sql::drafts;

/// A draft as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRow {
    /// What it says.
    pub draft: Draft,
    /// Raised by each change; no two drafts of a name have one in common.
    pub edition: u64,
    /// When it was changed last.
    pub changed: Timestamp,
    /// Who did so.
    pub changed_by: String,
}

/// What came of changing a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is changed, and this is its edition now; 0 where it is dropped.
    Done(u64),
    /// Somebody changed it, began it or dropped it meanwhile; nothing was changed.
    Moved,
}

/// Drafts of questionnaires, one for each name.
pub trait Drafts: Send + Sync + 'static {
    /// All of them, by name.
    fn drafts(&self) -> impl Future<Output = Outcome<Vec<DraftRow>>> + Send;
    /// The draft of this name.
    fn draft(&self, name: &QuestionId) -> impl Future<Output = Outcome<Option<DraftRow>>> + Send;
    /// Keeps the draft in the place of its edition `seen`; 0 begins one.
    fn keep_draft(
        &self,
        draft: &Draft,
        seen: u64,
        by: By<'_>,
    ) -> impl Future<Output = Outcome<Keeping>> + Send;
    /// Drops the draft if it is still of this edition.
    fn drop_draft(
        &self,
        name: &QuestionId,
        seen: u64,
    ) -> impl Future<Output = Outcome<Keeping>> + Send;
}
