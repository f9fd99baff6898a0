//! Attacks on what nodes publish, by somebody who knows the public rules and nothing else.
//!
//! [`attacks`] takes [`releases`] (the published bytes of one or several nodes) and, to score itself, a
//! [`truth`] file. It uses `ldsp-protocol` only: standard, code lists, noise parameters, envelopes. [`simulate`]
//! makes nodes whose truth is known, with the node's own sampler, and variants with a planted flaw;
//! it is left out of the auditor's program by `--no-default-features`. docs/attacks.md says it in words.

pub mod app;
pub mod attacks;
pub mod releases;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod statistics;
pub mod truth;
pub mod verdict;
