//! Whether the program runs, and whether it can work.

use std::sync::Arc;

use axum::extract::State;
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::disk;

use super::Refusal;
use crate::Service;
use crate::store::Log;

pub(super) async fn live() -> &'static str {
    "live\n"
}

/// Ready when the database answers, its disk takes more and the sequencer takes statements.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<&'static str, Refusal> {
    service.store.size().await?;
    if let Some(dir) = &service.data_dir {
        disk::takes_more(dir)
            .map_err(|trouble| Problem::new(problem::STORAGE, format!("Not ready: {trouble}")))?;
    }
    if service.sequencer.is_open() {
        Ok("ready\n")
    } else {
        Err(crate::log::storage().into())
    }
}
