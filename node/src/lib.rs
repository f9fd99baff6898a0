//! One LEP's server: holds local data, publishes protected counts and practice.
//!
//! Data flows one way: import -> store -> cube -> disclosure -> release -> seal -> outbox -> submit.
//! Stages are pure; `app` wires them to files, clock, randomness and the network.

use std::sync::Arc;

pub mod account;
mod api;
pub mod app;
pub mod backup;
mod context;
pub mod cube;
mod delivery;
mod demand;
pub mod disclosure;
pub mod enrol;
pub mod epoch;
mod exchange;
mod gathering;
pub mod home;
pub mod import;
pub mod lep;
mod model;
pub mod needs;
pub mod pages;
pub mod practice;
mod provision;
pub mod quality;
pub mod questionnaire;
pub mod recover;
pub mod release;
pub mod renaming;
pub mod revision;
pub mod rights;
pub mod sample;
pub mod schedule;
pub mod seal;
pub mod store;
pub mod submit;
#[cfg(test)]
mod testing;
pub mod transport;
pub mod verify;
mod words;
pub mod work;

/// Program and version, as stated in manifests and enrolments.
pub const SOFTWARE: &str = concat!("ldsp-node/", env!("CARGO_PKG_VERSION"));

/// The clock as a parameter: the present moment, UTC.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

pub use ldsp_ui::Entropy;
