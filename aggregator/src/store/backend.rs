//! The database that a running server was told to use.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug, QuestionId};
use ldsp_protocol::log::Edge;
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_ui::accounts::{Act, By, Change, Hash, NewLink, SecondStep, SetUp};
use ldsp_ui::oidc::{Binding, Bound, Subject};

#[cfg(test)]
use super::failing::{Failing, Sound};
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use crate::questionnaires::Draft;

use super::{
    Announced, Appended, Back, Claim, Contradiction, Curation, Done, DraftRow, Drafts,
    Equivocation, Fork, Heard, InviteRow, Keeping, Library, LibraryEntry, Link, Location, Log,
    LogHead, LoggedStatement, Make, NationalMonth, NewEnrolment, NewStatement, Node, Outline,
    OwnEffect, Person, Position, PracticeCounts, PracticeFilter, Recovery, Registry, Returned,
    RevisionRow, Rollups, Said, Saying, Shown, Sign, Span, Staff, StagedLeaf, Standing,
    StatementFilter, Stop, Stopped, StoreError, Stored, Tally,
};

/// Either database. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A file.
    Sqlite(Sqlite),
    /// A database server.
    Postgres(Postgres),
    /// Either, with faults.
    #[cfg(test)]
    Failing(Box<Failing>),
}

impl From<Sqlite> for Backend {
    fn from(store: Sqlite) -> Self {
        Self::Sqlite(store)
    }
}

impl From<Postgres> for Backend {
    fn from(store: Postgres) -> Self {
        Self::Postgres(store)
    }
}

impl Backend {
    /// Opens the database for a server and brings it up to date.
    ///
    /// # Errors
    /// It cannot be opened, or a newer version wrote it.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        Ok(match location {
            Location::Sqlite(path) => Sqlite::open(path).await?.into(),
            Location::Postgres(server) => Postgres::open(server).await?.into(),
        })
    }

    /// Opens a database that is up to date, or a new one, beside the server that may use it.
    ///
    /// # Errors
    /// As [`Self::open`]; an older version wrote it.
    pub async fn visit(location: &Location) -> Result<Self, StoreError> {
        Ok(match location {
            Location::Sqlite(path) => Sqlite::visit(path).await?.into(),
            Location::Postgres(server) => Postgres::visit(server).await?.into(),
        })
    }

    /// Waits for running work and closes the database.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
            #[cfg(test)]
            Self::Failing(failing) => Box::pin(failing.sound().close()).await,
        }
    }

    /// SQLite's writing connection, for tests that damage rows.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &sqlx::SqlitePool {
        match self {
            Self::Sqlite(store) => store.writer(),
            Self::Postgres(_) => panic!("the test was written for SQLite"),
            Self::Failing(_) => panic!("damage the database itself"),
        }
    }
}

/// Hands methods of a trait on to whichever database it is. A server is not waited for without end.
macro_rules! hand_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $value:ty;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$value, StoreError> {
            match self {
                Self::Sqlite(store) => store.$name($($argument),*).await,
                Self::Postgres(store) => store.in_time(store.$name($($argument),*)).await,
                #[cfg(test)]
                Self::Failing(failing) => {
                    let call = async {
                        match &failing.store {
                            Sound::Sqlite(store) => store.$name($($argument),*).await,
                            Sound::Postgres(store) => store.$name($($argument),*).await,
                        }
                    };
                    failing.pass(stringify!($name), call).await
                }
            }
        })*
    };
}

impl Registry for Backend {
    hand_on! {
        invite(invite: &InviteRow) -> ();
        invite_of(node: &NodeSlug) -> Option<InviteRow>;
        enrol(enrolment: &NewEnrolment) -> Stored;
        node(node: &NodeSlug) -> Option<Node>;
        nodes_named(names: &BTreeSet<&NodeSlug>) -> Vec<Node>;
        nodes() -> Vec<Node>;
    }

    #[cfg(test)]
    hand_on! {
        seat(node: &NodeSlug, by: &str) -> ();
    }
}

impl Staff for Backend {
    hand_on! {
        person(name: &str) -> Option<Person>;
        people() -> Vec<Person>;
        change(change: &Change<'_>, by: By<'_>) -> Act;
        set_up(link: Hash, now: Timestamp) -> Option<SetUp>;
        second_step(name: &str) -> Option<SecondStep>;
        people_of_browser(browser: Hash) -> Vec<String>;
        acts(span: Span, limit: u32) -> Vec<Done>;
        keep_first_link(link: NewLink, by: By<'_>) -> bool;
        person_of(subject: &Subject) -> Option<String>;
        subjects() -> Vec<Bound>;
        bind_subject(name: &str, subject: &Subject, by: By<'_>) -> Binding;
        unbind_subject(name: &str, subject: &Subject, by: By<'_>) -> bool;
    }
}

impl Log for Backend {
    /// Reads a whole log once, however long that takes.
    async fn establish(&self, sign: Sign<'_>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.establish(sign).await,
            Self::Postgres(store) => store.establish(sign).await,
            #[cfg(test)]
            Self::Failing(failing) => {
                let call = async {
                    match &failing.store {
                        Sound::Sqlite(store) => store.establish(sign).await,
                        Sound::Postgres(store) => store.establish(sign).await,
                    }
                };
                failing.pass("establish", call).await
            }
        }
    }

    hand_on! {
        append(batch: &[NewStatement], sign: Sign<'_>) -> Appended;
        announce(make: Make<'_>, effect: &OwnEffect, sign: Sign<'_>) -> Announced;
        head() -> LogHead;
        records(leaves: Range<u64>) -> Vec<u8>;
        own(seq: u64) -> Option<LoggedStatement>;
        own_by_identity(pae: Digest) -> Option<LoggedStatement>;
        owns(start: u64, limit: u32) -> Vec<LoggedStatement>;
        announced(kinds: &[Kind], span: Span, limit: u32) -> Vec<LoggedStatement>;
        keep_evidence(evidence: &Equivocation) -> ();
        evidence(node: &NodeSlug, seq: u64) -> Option<Equivocation>;
        contradictions(node: &NodeSlug) -> Vec<Contradiction>;
        conflicts() -> BTreeMap<NodeSlug, u64>;
        size() -> u64;
        position() -> Position;
        statement(node: &NodeSlug, seq: u64) -> Option<LoggedStatement>;
        leaf(node: &NodeSlug, seq: u64) -> Option<u64>;
        by_identity(pae: Digest) -> Option<LoggedStatement>;
        statements(start: u64, limit: u32) -> Vec<LoggedStatement>;
        statements_of(kind: Kind, start: u64, limit: u32) -> Vec<LoggedStatement>;
        latest(filter: &StatementFilter, limit: u32) -> Vec<Outline>;
        heads() -> Vec<Outline>;
        revision(leaf: u64) -> Option<RevisionRow>;
        revisions(node: Option<&NodeSlug>, span: Span, limit: u32) -> Vec<RevisionRow>;
        withheld(node: Option<&NodeSlug>) -> Vec<RevisionRow>;
        revised(places: Range<u64>) -> BTreeSet<NodeSlug>;
        tally() -> Vec<Tally>;
    }
}

impl Recovery for Backend {
    hand_on! {
        stop(shown: Shown<'_>, said_by: &str, at: Timestamp) -> Stopped;
        stops() -> Vec<Stop>;
        note_trouble(trouble: Option<&str>) -> ();
        goals() -> Vec<Claim>;
        hear(node: &NodeSlug, at: Timestamp, excused: Option<&str>) -> ();
        heard() -> BTreeMap<NodeSlug, Heard>;
        stage(leaf: &StagedLeaf) -> ();
        links(start: u64) -> Vec<Link>;
        staged(leaf: u64) -> Vec<StagedLeaf>;
        unstage(link: Link) -> ();
        forks() -> Vec<Fork>;
        decide(by: &str, reason: &str, at: Timestamp) -> ();
        put_back(leaf: &Returned, before: &Edge, sign: Sign<'_>) -> Back;
        resume(edge: &Edge, at: Timestamp) -> bool;
    }
}

impl Rollups for Backend {
    hand_on! {
        history(node: &NodeSlug, standard: &'static Standard) -> Vec<NodeMonth>;
        contributions(node: Option<&NodeSlug>) -> Vec<NodeMonth>;
        months(places: Range<u64>) -> Vec<NodeMonth>;
        month(pae: Digest) -> Option<NodeMonth>;
        national() -> Vec<NationalMonth>;
    }
}

impl Curation for Backend {
    hand_on! {
        say(leaf: u64, standing: Standing, words: &str, seen: u64, by: By<'_>) -> Saying;
        said(leaf: u64) -> Option<Said>;
        sayings(span: Span, limit: u32) -> Vec<Said>;
        read_to(name: &str) -> Option<(u64, Timestamp)>;
        note_read(name: &str, size: u64, at: Timestamp) -> ();
    }
}

impl Drafts for Backend {
    hand_on! {
        drafts() -> Vec<DraftRow>;
        draft(name: &QuestionId) -> Option<DraftRow>;
        keep_draft(draft: &Draft, seen: u64, by: By<'_>) -> Keeping;
        drop_draft(name: &QuestionId, seen: u64) -> Keeping;
    }
}

impl Library for Backend {
    hand_on! {
        entries(filter: &PracticeFilter) -> Vec<LibraryEntry>;
        counts(filter: &PracticeFilter) -> PracticeCounts;
        number(filter: &PracticeFilter) -> u64;
        waiting(today: Date) -> u64;
        entry(node: &NodeSlug, seq: u64) -> Option<LibraryEntry>;
        newest(leaf: u64, today: Date) -> Option<LibraryEntry>;
        cited(pae: Digest) -> Option<LibraryEntry>;
    }
}
