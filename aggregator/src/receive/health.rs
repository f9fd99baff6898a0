//! Whether the program runs, and whether it can work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, header};
use ldsp_protocol::problem::{self, Problem};
use ldsp_ui::disk;

use super::Refusal;
use super::describe::{Anything, Stopped};
use crate::Service;
use crate::store::Log;

type Word = ([(HeaderName, &'static str); 1], &'static str);

/// It is so now; a minute ago does not count.
fn now(word: &'static str) -> Word {
    ([(header::CACHE_CONTROL, "no-store")], word)
}

/// Whether the program runs
#[utoipa::path(
    get, path = "/health/live", tag = "Health", operation_id = "live",
    responses((status = 200, description = "It runs.", body = String, content_type = "text/plain"), Anything),
)]
pub(super) async fn live() -> Word {
    now("live\n")
}

/// Whether it can work
///
/// Ready when the database answers, its disk takes more and the sequencer takes statements. Whether the log is whole is
/// `/health/log`.
#[utoipa::path(
    get, path = "/health/ready", tag = "Health", operation_id = "ready",
    responses((status = 200, description = "It is ready.", body = String, content_type = "text/plain"), Anything),
)]
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<Word, Refusal> {
    service.store.size().await?;
    if let Some(dir) = &service.data_dir {
        disk::takes_more(dir)
            .map_err(|trouble| Problem::new(problem::STORAGE, format!("Not ready: {trouble}")))?;
    }
    if service.sequencer.is_open() {
        Ok(now("ready\n"))
    } else {
        Err(crate::log::storage().into())
    }
}

/// Whether the log takes what is new
///
/// 503 while it lacks leaves that it acknowledged, or may lack some: it then serves, answers and takes back what it lacks,
/// and logs nothing else. To be watched beside `/health/ready`, not in its place: a server that is stopped has to stay in reach.
#[utoipa::path(
    get, path = "/health/log", tag = "Health", operation_id = "log",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain"), Stopped),
)]
pub(super) async fn log(State(service): State<Arc<Service>>) -> Result<Word, Refusal> {
    match service.store.head().await?.behind {
        None => Ok(now("whole\n")),
        Some(_) => Err(crate::log::behind().into()),
    }
}
