//! One LEP's server: holds local data, publishes protected counts and practice.
//!
//! Data flows one way: import -> store -> cube -> disclosure -> release -> seal -> outbox -> submit.
//! Stages are pure; `app` wires them to files, clock, randomness and the network.

use std::sync::Arc;

pub mod app;
pub mod home;
pub mod import;
pub mod store;

/// The clock as a parameter: the present moment, UTC.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Randomness as a parameter: a fresh generator for one act (a month's noise, a secret, a key).
pub type Entropy = Arc<dyn Fn() -> Box<dyn rand_core::CryptoRng + Send> + Send + Sync>;
