//! What the tests of the whole federation are made of: the real programs as processes, a gate between
//! them that can fail on purpose, input files, an HTTPS client and a forger.
//!
//! Nothing here sleeps or tries again. A server is ready when it says so; a fault happens at a byte, not at a time.

pub mod backup;
pub mod bench;
pub mod disk;
pub mod fatal;
pub mod fit;
pub mod forge;
pub mod gate;
pub mod held;
pub mod http;
pub mod input;
pub mod liar;
pub mod powers;
pub mod program;
pub mod world;
