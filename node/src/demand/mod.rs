//! Demand beyond its rows: what it adds up to, and which of that may be told outside.

pub(crate) mod summary;
pub(crate) mod terms;
