//! A whole federation on one machine, for demonstration and tests.

pub mod records;
