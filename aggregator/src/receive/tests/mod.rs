//! Ingest by name, over the router.

mod bodies;
mod document;
mod enrolment;
pub(crate) mod ingest;
mod keys;
pub(crate) mod practice;
mod skew;
mod tiles;
