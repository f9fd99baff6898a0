//! Trouble with the store as an answer.

use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::api::Refusal;

use crate::log::storage;
use crate::store::{Conflict, StoreError, trouble};

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request met trouble with the store");
        Self(match error {
            error if error.is_fatal() => Problem::new(
                problem::UNCONFIRMED,
                "The server ends now and reads back what is there when it is started again.",
            ),
            StoreError::Database(error) => {
                Problem::new(problem::STORAGE, format!("{}.", trouble::of(&error).cause))
            }
            StoreError::Migration(_) | StoreError::Unusable { .. } => storage(),
            StoreError::Behind => crate::log::behind(),
            StoreError::Corrupt { .. } => Problem::new(
                problem::INTERNAL,
                "Stored data is damaged. The operator finds the place in the log.",
            ),
            StoreError::Conflict(Conflict::Invite) => {
                Problem::new(problem::INVITE, "No open invite fits this request.")
            }
            StoreError::Conflict(Conflict::KeyTaken) => Problem::new(
                problem::KEY_TAKEN,
                "A key speaks for one node only, also after it was revoked.",
            ),
            StoreError::Conflict(conflict) => Problem::new(problem::INTERNAL, conflict.to_string()),
        })
    }
}
