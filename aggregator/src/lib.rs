//! The national server: verifies, logs and adds up what nodes publish.
//!
//! Data flows one way: `receive` (HTTP) -> `verify` (bytes to a `VerifiedStatement`) -> `log` (one
//! durable transaction) -> `rollup` (exact sums) -> `benchmark` (figures with coverage and
//! intervals) -> pages and API. [`app`] wires the stages to clock, randomness, files and sockets.

pub mod benchmark;
pub mod pages;
pub mod rollup;
pub mod store;
