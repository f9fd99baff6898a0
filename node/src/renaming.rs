//! Saying that a provider has a new name, before the first file with it: its learners and enrolments stay the same ones. Page, command and
//! program do it here.

use jiff::Timestamp;

use crate::import::clean_provider;
use crate::store::providers::Renamed;
use crate::store::{Store, StoreError};

/// Why a provider was not renamed. Nothing changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RenameError {
    #[error("the new name cannot be a provider's")]
    Unfit,
    #[error("no file has named a provider {0}")]
    Unknown(String),
    #[error("files have named {0} as a provider already, or an organisation of this name is there")]
    Taken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RenameError {
    /// The field of forms and programs that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unfit | Self::Taken(_) => Some("new"),
            Self::Unknown(_) => Some("old"),
            Self::Store(_) => None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unfit => {
                "Give a name of at most 200 characters without personal data, as the provider's files write it."
            }
            Self::Unknown(_) => {
                "Choose a name that is in the list; capitals and spaces do not matter."
            }
            Self::Taken(_) => {
                "Two providers cannot become one here: their enrolments were counted as different ones. Use the old name in the files. An organisation that was added under the new name is given another one first, and people who sign in for it the right one."
            }
            Self::Store(error) => error.next(),
        }
    }
}

/// Writes that the provider that files named `old` is named `new` from now on; gives the name as it is kept.
///
/// # Errors
/// [`RenameError`].
pub async fn rename(
    store: &Store,
    (old, new): (&str, &str),
    who: &str,
    now: Timestamp,
) -> Result<String, RenameError> {
    let new = clean_provider(new).ok_or(RenameError::Unfit)?;
    match store.rename_provider(old, &new, who, now).await? {
        Renamed::Done => Ok(new),
        Renamed::Unknown => Err(RenameError::Unknown(old.trim().to_owned())),
        Renamed::Taken => Err(RenameError::Taken(new)),
    }
}
