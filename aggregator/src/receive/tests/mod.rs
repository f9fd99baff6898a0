//! Ingest by name, over the router.

mod bodies;
mod document;
mod enrolment;
mod faults;
pub(crate) mod ingest;
mod keys;
pub(crate) mod practice;
mod questionnaires;
mod revisions;
mod runs;
mod skew;
mod tiles;
