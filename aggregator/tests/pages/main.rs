//! The pages over real stores: nothing published yet, one area, a whole federation.

mod accounts;
mod browser;
mod invites;
mod keys;
mod library;
mod needs;
mod public;
mod questionnaires;
mod revisions;
mod runs;
mod shared;
mod staff;
mod standards;
mod statements;
#[path = "../../examples/synthetic/mod.rs"]
mod synthetic;
