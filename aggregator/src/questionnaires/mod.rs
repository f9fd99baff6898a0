//! Questionnaires: what the log's operators asked of LEPs, who answered, and what the answers come to. All of it is read from the log,
//! where questions are statements of its own and answers those of nodes; only drafts are stored beside it.
//!
//! Of a LEP the last answers count, whatever version of a questionnaire they are to, and they are counted among those of the newest
//! version if they are to that one. Answers to a version that was replaced are taken all the same: a node signs once and sends in order, so
//! a statement that is refused for ever would stop everything behind it.

mod csv;
mod issue;
mod standing;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod words;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::own::Own;
use ldsp_protocol::questionnaire::Questionnaire;
use ldsp_protocol::statement::Kind;

pub use csv::to_csv;
pub use issue::{Draft, IssueError, Issued, issue};
pub use standing::{
    Asker, FEW, Given, InList, OfLep, Progress, Results, Standing, State, standing, standings,
};

use crate::announce::read;
use crate::store::{Log, LoggedStatement, Span, StoreError};

/// Statements that are read at once.
const PAGE: u32 = 200;

/// A version of a questionnaire that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Place in the log.
    pub index: u64,
    /// Place in the log's own sequence.
    pub seq: u64,
    /// Identity of the statement, which answers name.
    pub pae: Digest,
    /// When it was issued; for people, never for order.
    pub received: Timestamp,
    /// What it asks.
    pub questionnaire: Questionnaire,
}

impl Asked {
    /// The questionnaire that one of the log's own statements is; `None` for any other.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn of(statement: &LoggedStatement) -> Result<Option<Self>, StoreError> {
        if statement.kind != Kind::Questionnaire {
            return Ok(None);
        }
        let Own::Questionnaire(questionnaire) = read(statement)?.payload else {
            return Ok(None);
        };
        Ok(Some(Self {
            index: statement.index,
            seq: statement.seq,
            pae: statement.pae,
            received: statement.received,
            questionnaire: *questionnaire,
        }))
    }
}

/// The version with this identity.
///
/// # Errors
/// Trouble with the store.
pub async fn by_identity<S: Log>(store: &S, pae: Digest) -> Result<Option<Asked>, StoreError> {
    let found = store.own_by_identity(pae).await?;
    Ok(found.as_ref().map(Asked::of).transpose()?.flatten())
}

/// Every version of every questionnaire, in the order of the log.
///
/// # Errors
/// Trouble with the store.
pub async fn all<S: Log>(store: &S) -> Result<Vec<Asked>, StoreError> {
    let mut all = Vec::new();
    let mut span = Span::Newest;
    loop {
        let found = store.announced(&[Kind::Questionnaire], span, PAGE).await?;
        for statement in &found {
            all.extend(Asked::of(statement)?);
        }
        match found.last() {
            Some(last) if found.len() == PAGE as usize => span = Span::Before(last.index),
            _ => break,
        }
    }
    all.reverse();
    Ok(all)
}

/// The newest version of each questionnaire, the one that was issued last first.
///
/// # Errors
/// Trouble with the store.
pub async fn newest<S: Log>(store: &S) -> Result<Vec<Asked>, StoreError> {
    let mut newest: Vec<Asked> = Vec::new();
    for asked in all(store).await?.into_iter().rev() {
        let name = &asked.questionnaire.name;
        if newest.iter().all(|n| n.questionnaire.name != *name) {
            newest.push(asked);
        }
    }
    Ok(newest)
}

/// The versions of the questionnaire of this name, oldest first; none where there is none.
///
/// # Errors
/// Trouble with the store.
pub async fn versions<S: Log>(store: &S, name: &QuestionId) -> Result<Vec<Asked>, StoreError> {
    let mut all = all(store).await?;
    all.retain(|asked| asked.questionnaire.name == *name);
    Ok(all)
}
