//! The national server: verifies, logs and adds up what nodes publish.
//!
//! Data flows one way: [`receive`] (HTTP) -> [`verify`] (bytes to a `VerifiedStatement`) -> [`log`]
//! (one durable transaction) -> [`ldsp_protocol::rollup`] (exact sums) -> [`benchmark`] (figures with coverage and
//! intervals) -> pages and API. [`app`] wires the stages to clock, randomness, files and sockets.

#![expect(
    clippy::result_large_err,
    reason = "a refusal carries its whole problem; it is built once per refused request and never in a loop"
)]

pub mod announce;
pub mod app;
pub mod benchmark;
pub mod directory;
pub mod enrol;
mod etag;
pub mod fsck;
pub mod invite;
pub mod log;
pub mod needs;
pub mod pages;
pub mod questionnaires;
pub mod receive;
pub mod recovery;
pub mod runs;
mod service;
pub mod store;
#[cfg(test)]
mod testing;
pub mod time;
pub mod tree;
pub mod verify;

pub use service::Service;
pub use store::Backend;

/// Program and version, as it stands in logs and answers.
pub const SOFTWARE: &str = concat!("ldsp-aggregator/", env!("CARGO_PKG_VERSION"));
