//! The transparency log: what its leaves are, how they are hashed into a tree, and what a reader
//! checks. Any software that knows the four specifications below can check it.
//!
//! | module | what it fixes | source |
//! |---|---|---|
//! | [`entry`] | the record of one leaf | this project |
//! | [`merkle`] | hashes, roots, inclusion and consistency | RFC 6962 section 2.1, RFC 9162 section 2.1 |
//! | [`tile`] | which part of the tree is served under which path | C2SP tlog-tiles |
//! | [`checkpoint`] | the log's signed word on its size and root | C2SP tlog-checkpoint |
//! | [`proof`] | that an entry is in the tree of a checkpoint | C2SP tlog-proof@v1 |

pub mod checkpoint;
pub mod entry;
pub mod merkle;
pub mod proof;
pub mod tile;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{ENTRY_LEN, Entry, EntryError};
pub use merkle::Edge;
pub use proof::{Proof, ProofError};
pub use tile::{Tile, TileError};
