//! What every party of the federation must agree on.
//!
//! Pure and small: no I/O, no clock, no randomness. The same bytes give the same answer at a node,
//! at the aggregator and at an auditor's desk.
//!
//! | module | what it fixes |
//! |---|---|
//! | [`ids`] | slugs, GSS codes, periods, digests |
//! | [`geography`] | LEPs, their districts, regions, successors |
//! | [`standard`] | the data standards: code lists, declared tables, privacy budget, measures |
//! | [`noise`] | the filter, its grid and the public variances |
//! | [`accountant`] | what the releases of a node have cost, and the refusal of one that would overspend |
//! | [`additivity`] | least squares over a family of tables |
//! | [`measures`] | estimates, intervals, rates and what may be displayed |
//! | [`rollup`] | a pure fold of summaries to cumulative estimates and national sums |
//! | [`benchmark`] | figures with coverage and intervals from those |
//! | [`dsse`] | the envelope: signed bytes, [`dsse::Unverified`] -> [`dsse::Verified`] |
//! | [`keys`] | Ed25519 keys: admission, PEM, fingerprints |
//! | [`note`], [`receipt`] | C2SP signed notes and the receipt for a statement |
//! | [`log`] | the transparency log: entries, tree, tiles, checkpoints, proofs |
//! | [`statement`], [`summary`], [`practice`], [`revision`] | the bodies that nodes sign |
//! | [`own`] | the bodies that the log itself signs: keys added and revoked, data standards, figures |
//! | [`run`] | figures that the log signed, and how anybody makes them again to the byte |
//! | [`questionnaire`] | what the log's operators ask of LEPs, what these answer, and what the answers come to |
//! | [`needs`] | what a LEP publishes of demand and provision, and the national picture of it |
//! | [`recovery`] | what nodes and a log that lost leaves tell each other |
//! | [`enrolment`] | invite, proof of possession, signed reads |
//! | [`problem`] | RFC 9457 problems and their catalogue |

#[cfg(test)]
extern crate self as ldsp_protocol;

pub mod accountant;
pub mod additivity;
pub mod benchmark;
pub mod context;
pub mod dsse;
pub mod enrolment;
pub mod geography;
pub mod ids;
pub mod keys;
pub mod log;
pub mod measures;
pub mod needs;
pub mod noise;
pub mod note;
#[cfg(feature = "openapi")]
mod openapi;
pub mod own;
pub mod personal;
pub mod practice;
pub mod problem;
pub mod questionnaire;
pub mod receipt;
pub mod recovery;
pub mod revision;
pub mod rollup;
pub mod run;
pub mod standard;
pub mod statement;
pub mod summary;
#[cfg(test)]
mod testing;
