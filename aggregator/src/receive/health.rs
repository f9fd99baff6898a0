//! Whether the program runs, and whether it can work.

use std::sync::Arc;

use axum::extract::State;

use super::Refusal;
use crate::Service;
use crate::store::Log;

pub(super) async fn live() -> &'static str {
    "live\n"
}

/// Ready when the database answers and the sequencer takes statements.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<&'static str, Refusal> {
    service.store.size().await?;
    if service.sequencer.is_open() {
        Ok("ready\n")
    } else {
        Err(crate::log::storage().into())
    }
}
