//! Ingest by name, over the router.

mod bodies;
mod document;
mod enrolment;
mod ingest;
mod keys;
pub(crate) mod practice;
mod skew;
mod tiles;
