//! What a learner may ask for, and what may not be kept for ever: subject access, erasure, retention.
//!
//! ```text
//! Asked (as typed) -> Subject (a keyed pseudonym) -> preview, access or erasure
//! Policy (months)  -> who is due                  -> the same erasure, for all of them
//! ```
//!
//! The reference or ULN that somebody is asked for by becomes a [`Subject`] at once; it is not kept, shown, logged or audited. Everything that
//! is kept about a learner is found by one list of tables ([`crate::store::erasure`]). Pages, commands and interface call these
//! functions.

mod access;
mod columns;
pub mod export;
pub(crate) mod journal;
mod preview;
mod retention;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::SqliteConnection;
use utoipa::ToSchema;

pub use access::{Access, access};
pub(crate) use journal::JOURNAL;
pub use journal::JournalError;
pub use preview::{Preview, Whose, preview};
pub use retention::{
    Due, Held, Job, NewPeriod, PERIODS, Policy, due, held, policy, run as retain, set_period,
};

use crate::home::Node;
use crate::import::{is_no_uln, is_uln, london_day};
use crate::store::erasure::{self, Gone};
use crate::store::providers::roots;
use crate::store::records::Pseudonym;
use crate::store::records::parts::{By, Part, parts, tell_apart};
use crate::store::records::persons::{Known, known};
use crate::store::{StoreError, audit, scrub};

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RightsError {
    #[error("{}", .0.what)]
    Unfit(Unfit),
    #[error("no retention period is set")]
    NoPeriod,
    #[error("the period is set in the configuration of the node")]
    Configured,
    #[error("somebody set another period in the meantime")]
    Changed,
    #[error("a period has 1 to 1200 months")]
    Months,
    #[error("the reason {0}")]
    Reason(String),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RightsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What to do where no file has named a provider like the one that is asked for.
const NAMED: &str =
    "The page Names of providers in files shows the names; capitals and spaces do not matter.";
/// What to do where nothing says which parts are meant.
const WHICH: &str = "Look at what is held (on the page Rights of learners, or by `preview_erasure`) and say which parts are the learner\u{2019}s. A wrong ULN ties a stranger to a learner.";

impl RightsError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unfit(unfit) => unfit.next,
            Self::NoPeriod => {
                "Agree on a period with your data protection officer; an admin or a coordinator sets it on the page How long records are kept."
            }
            Self::Configured => {
                "The IT team changes it there, or removes the table [retention] and starts the node again: then it is set on the page."
            }
            Self::Months => {
                "Give a whole number of months after the end of a learner\u{2019}s last enrolment."
            }
            Self::Reason(_) => {
                "Say in a sentence what asks for the period, such as a funding agreement; name nobody."
            }
            Self::Changed => {
                "Look at the period that holds now, and set yours again if it still shall be."
            }
            Self::Journal(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Unfit(unfit) if unfit.next == NAMED => {
                "`ldsp-node providers list` shows the names; capitals and spaces do not matter."
            }
            Self::Unfit(unfit) if unfit.next == WHICH => {
                "Look at what is held with `ldsp-node erase --dry-run` and say which parts are the learner\u{2019}s. A wrong ULN ties a stranger to a learner."
            }
            _ => self.next(),
        }
    }
}

/// A name for a learner that cannot be one. It does not repeat what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// The field: `provider`, `reference` or `uln`.
    pub field: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// By what a learner is asked for, as it was typed: the provider with its reference, or the ULN. It cannot be printed.
#[derive(Clone, Default)]
pub struct Asked {
    /// The training provider's name, as its files give it.
    pub provider: String,
    /// That provider's reference of the learner.
    pub reference: String,
    /// The unique learner number.
    pub uln: String,
}

/// The learner who is meant: a keyed pseudonym, with which nobody outside this node can do anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subject(Pseudonym);

impl Subject {
    /// For a form that goes on to its next question.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Back from it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl Asked {
    /// Who is meant. Whether the node holds anything of them is another question.
    ///
    /// # Errors
    /// [`RightsError::Unfit`] names the field; the store's.
    pub async fn subject(&self, node: &Node) -> Result<Subject, RightsError> {
        let unfit = |field, what, next| RightsError::Unfit(Unfit { field, what, next });
        let (provider, reference) = (self.provider.trim(), self.reference.trim());
        let uln: String = self.uln.split_whitespace().collect();
        let by_reference = !(provider.is_empty() && reference.is_empty());
        if by_reference && !uln.is_empty() {
            return Err(unfit(
                "uln",
                "both a ULN and a provider's reference were given",
                "Give one of them: the ULN finds the learner at every provider that knows it.",
            ));
        }
        if !by_reference {
            if uln.is_empty() || is_no_uln(&uln) || !is_uln(&uln) {
                return Err(unfit(
                    "uln",
                    "that is no unique learner number",
                    "Give its ten digits, or ask for the learner by a provider's reference.",
                ));
            }
            return Ok(Subject(node.pseudonyms.of_uln(&uln)));
        }
        if reference.is_empty() {
            return Err(unfit(
                "reference",
                "the provider's reference of the learner is missing",
                "Give it as the provider's file has it, capitals too.",
            ));
        }
        let mut reader = node.store.reader.acquire().await?;
        let roots = roots(&mut reader).await?;
        if !roots.know(provider) {
            return Err(unfit(
                "provider",
                "no file has named a provider like that",
                NAMED,
            ));
        }
        let pseudonym = node.pseudonyms.of_reference(&roots.of(provider), reference);
        Ok(Subject(pseudonym))
    }
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Erased {
    /// Learners whose records went: 0 or 1, more only where nothing tied one person's records together before.
    pub learners: u64,
    /// Enrolments that went.
    pub enrolments: u64,
    /// Keyed numbers that stay, so that no later file brings back what went.
    pub numbers_kept: u64,
}

impl From<Gone> for Erased {
    fn from(gone: Gone) -> Self {
        Self {
            learners: gone.learners,
            enrolments: gone.enrolments,
            numbers_kept: gone.numbers,
        }
    }
}

/// Who is meant. Where records of several ULNs are tied together, or by a provider's reference also those of others, `chosen` says by [`Whose::part`] which of them are the learner's, and those alone
/// are left of the person: see [`crate::store::records::parts`]. That is written into the transaction, for whoever keeps it.
async fn meant(
    tx: &mut SqliteConnection,
    node: &Node,
    subject: Subject,
    chosen: &[String],
) -> Result<Known, RightsError> {
    let person = known(tx, &[subject.0], &[]).await?;
    let parts = parts(tx, &node.pseudonyms, &person, By::Asked(subject.0)).await?;
    if chosen.is_empty() && parts.is_empty() {
        return Ok(person);
    }
    let names: Vec<String> = parts.iter().map(Part::name).collect();
    if chosen.is_empty() || chosen.iter().any(|name| !names.contains(name)) {
        return Err(RightsError::Unfit(Unfit {
            field: "parts",
            what: "records of more than one ULN, or of other providers under the same one, are tied together here, and nothing says whose are meant",
            next: WHICH,
        }));
    }
    if names.iter().all(|name| chosen.contains(name)) {
        return Ok(person);
    }
    let is_chosen = |part: &Part| chosen.contains(&part.name());
    let learners = tell_apart(tx, &person, &parts, is_chosen).await?;
    Ok(known(tx, &learners, &[]).await?)
}

/// Erases everything about a learner, in one transaction with its audit entry, after the journal beside the database has it: a restored
/// backup of before can then be told. `chosen`: whose records, see [`Whose`]. The bytes leave the files with the next [`crate::store::Store::scrub`].
///
/// # Errors
/// [`RightsError`]; nothing was erased then.
pub async fn erase(
    node: &Node,
    subject: Subject,
    chosen: &[String],
    who: &str,
    now: Timestamp,
) -> Result<Erased, RightsError> {
    let mut tx = node.store.write().await?;
    let person = meant(&mut tx, node, subject, chosen).await?;
    let gone = erasure::erase(&mut tx, &person, london_day(now)).await?;
    if gone.learners == 0 {
        return Ok(gone.into());
    }
    let detail = format!(
        "on request: {} learner(s), {} enrolment(s)",
        gone.learners, gone.enrolments
    );
    audit::append(&mut tx, now, who, "learner erased", &detail).await?;
    scrub::due(&mut tx, now).await?;
    journal::write(&node.dir.join(JOURNAL), &node.pseudonyms.mark(), &mut tx).await?;
    tx.commit().await?;
    Ok(gone.into())
}
