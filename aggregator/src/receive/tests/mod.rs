//! Ingest by name, over the router.

mod enrolment;
mod ingest;
pub(crate) mod practice;
mod skew;
