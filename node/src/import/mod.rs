//! Files into records: bytes in, typed rows and a row report out.

pub mod pseudonym;
