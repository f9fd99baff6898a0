//! A whole federation on one machine, for demonstration and tests.

pub mod demo;
pub mod records;
