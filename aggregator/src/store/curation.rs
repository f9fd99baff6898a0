//! What is said of the practice library by those who look after it, and how far people have read. The log knows neither: what a node
//! signed stays as it is, and only what the library shows changes.
//!
//! Both databases know the text of the commands, so it is written once (`sql`).

mod sql;

use std::future::Future;

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_ui::accounts::By;

use super::Outcome;

pub(super) use sql::curation;

/// How an entry stands in the library, by the last word of a curator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Among all others.
    Listed,
    /// Before all others.
    Featured,
    /// Not at all.
    Hidden,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Listed, Self::Featured, Self::Hidden];

    /// As stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Featured => "featured",
            Self::Hidden => "hidden",
        }
    }

    /// The standing with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == word)
    }

    /// Whether readers are told why.
    #[must_use]
    pub fn has_words(self) -> bool {
        self != Self::Listed
    }
}

/// Something that a curator said of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// From 1, without gaps.
    pub number: u64,
    /// The entry's place in the log.
    pub leaf: u64,
    /// Who published it.
    pub node: NodeSlug,
    /// Its place in the node's sequence.
    pub seq: u64,
    /// Its title; `None` where it was withdrawn since.
    pub title: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The curator.
    pub who: String,
    /// How the entry stands from then on.
    pub standing: Standing,
    /// Why, for everybody to read; empty where an entry is listed like any other.
    pub words: String,
}

/// What came of saying something of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// It is said, under this number.
    Done(u64),
    /// Somebody said something of the entry meanwhile; nothing was changed.
    Moved,
    /// There is no such entry, or no longer; nothing was changed.
    Gone,
}

/// The library's curators and readers.
pub trait Curation: Send + Sync + 'static {
    /// Says how the entry at `leaf` stands from now on, and why, unless something was said of it since what had the number `seen` (0: nothing
    /// was).
    fn say(
        &self,
        leaf: u64,
        standing: Standing,
        words: &str,
        seen: u64,
        by: By<'_>,
    ) -> impl Future<Output = Outcome<Saying>> + Send;
    /// The last that was said of the entry at this leaf.
    fn said(&self, leaf: u64) -> impl Future<Output = Outcome<Option<Said>>> + Send;
    /// At most `limit` things that were said, newest first.
    fn sayings(
        &self,
        span: super::Span,
        limit: u32,
    ) -> impl Future<Output = Outcome<Vec<Said>>> + Send;
    /// How many leaves the log had when somebody said that they have read what is shared, and when that was.
    fn read_to(&self, name: &str)
    -> impl Future<Output = Outcome<Option<(u64, Timestamp)>>> + Send;
    /// Notes that; of somebody who was removed it notes nothing.
    fn note_read(
        &self,
        name: &str,
        size: u64,
        at: Timestamp,
    ) -> impl Future<Output = Outcome<()>> + Send;
}
