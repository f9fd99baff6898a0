//! Work that may take a while, an import or the preparing of a release: how far it is, how it is cancelled, and what came of it.
//!
//! A stage takes a [`Progress`] and counts in it; who watches reads the counters, whether on a terminal, on a page or by program. What is
//! cancelled before it begins to be stored leaves nothing behind: its transaction is undone. [`Works`] is the list of a server's work.

mod arrivals;
mod file;
mod progress;
mod register;

#[cfg(test)]
mod tests;

pub(crate) use arrivals::{Arrival, Sender};
pub(crate) use file::{SentFile, Turn};
pub use progress::{Cancelled, Phase, Progress};
pub use register::Works;
pub(crate) use register::{Asks, Begin, Door, Outcome, Owner, Task, Work};
