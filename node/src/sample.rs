//! A small set of made-up records, for trying the node out before there are real ones.
//!
//! They come in by the same way as files, into an empty node only; while they are there nothing else is imported, nothing is prepared and the
//! node does not enrol, so that nothing made-up can reach the log. They go whole.

use std::fmt::Write as _;
use std::io::Cursor;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::geography::Geography;
use sqlx::SqliteConnection;

use crate::home::Node;
use crate::import::report::{ImportReport, Outcome};
use crate::import::{self, ImportError, Options, london_day};
use crate::store::audit::append;
use crate::store::{Store, StoreError};

/// Who imports the sample's files, in the audit log. No person may be called so.
pub(crate) const WHO: &str = "sample";
/// Made-up learners.
const LEARNERS: usize = 180;
/// Months before this one in which they start.
const MONTHS: i32 = 6;

/// Why the sample was neither brought in nor removed.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There are records, or a month was released, or the node is enrolled.
    #[error("this node is in use: it holds records, released a month or is enrolled")]
    InUse,
    /// There is none to remove.
    #[error("this node holds no sample")]
    None,
    /// A row was refused.
    #[error("the sample does not fit this version of the program")]
    Unfit,
    /// The import did not run to its end.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SampleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl SampleError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::InUse => "Try the sample on a node of its own: `init` in another data directory.",
            Self::None => "Nothing is left to do.",
            Self::Unfit => "Nothing of it was kept. Report it, and begin with your own files.",
            Self::Import(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

/// Whether all records are the sample's.
pub(crate) async fn is_there(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sample")
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

impl Store {
    /// Whether all records are the sample's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn holds_sample(&self) -> Result<bool, StoreError> {
        let mut reader = self.reader.acquire().await?;
        is_there(&mut reader).await
    }
}

/// Brings the sample in, as an act of `who`.
///
/// # Errors
/// [`SampleError`]; nothing of it is left then.
pub async fn bring_in(node: &Node, who: &str, now: Timestamp) -> Result<(), SampleError> {
    // Marked first: whatever ends the program from here on, nothing made-up stands there without the mark.
    mark(&node.store, who, now).await?;
    match read_files(node, now).await {
        Ok(()) => Ok(()),
        Err(error) => {
            remove(&node.store, who, now).await?;
            Err(error)
        }
    }
}

async fn mark(store: &Store, who: &str, now: Timestamp) -> Result<(), SampleError> {
    let mut tx = store.write().await?;
    let in_use: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM programmes UNION ALL SELECT 1 FROM enrolments UNION ALL SELECT 1 FROM erased UNION ALL SELECT 1 FROM releases
         UNION ALL SELECT 1 FROM enrolment UNION ALL SELECT 1 FROM sample LIMIT 1",
    )
    .fetch_optional(&mut *tx)
    .await?;
    if in_use.is_some() {
        return Err(SampleError::InUse);
    }
    sqlx::query("INSERT INTO sample (id, at) VALUES (1, $1)")
        .bind(now.as_second())
        .execute(&mut *tx)
        .await?;
    append(&mut tx, now, who, "sample brought in", "made-up records").await?;
    Ok(tx.commit().await?)
}

async fn read_files(node: &Node, now: Timestamp) -> Result<(), SampleError> {
    let options = Options {
        who: WHO.to_owned(),
        new_providers: true,
        ..Options::default()
    };
    let today = london_day(now);
    let districts = Geography::embedded().owned_by(&node.lep);
    let districts: Vec<&str> = districts.iter().map(|code| code.as_str()).collect();
    let programmes = Cursor::new(programmes().into_bytes());
    stored(&import::programmes(&node.store, programmes, &options, now).await?)?;
    let learners = Cursor::new(learners(&districts, today).into_bytes());
    stored(&import::learners(&node.store, &node.pseudonyms, learners, &options, now).await?)
}

fn stored(report: &ImportReport) -> Result<(), SampleError> {
    if report.outcome == Outcome::Stored {
        Ok(())
    } else {
        Err(SampleError::Unfit)
    }
}

/// Removes the sample whole.
///
/// # Errors
/// [`SampleError::None`], or the store.
pub async fn remove(store: &Store, who: &str, now: Timestamp) -> Result<(), SampleError> {
    let mut tx = store.write().await?;
    if !is_there(&mut tx).await? {
        return Err(SampleError::None);
    }
    // The mark says that there is nothing else in these.
    for sql in [
        "DELETE FROM enrolments",
        "DELETE FROM identities",
        "DELETE FROM programmes",
        "DELETE FROM providers",
        "DELETE FROM imports WHERE kind IN ('programmes', 'learners')",
        "DELETE FROM quality_questions",
        "DELETE FROM sample",
    ] {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    append(&mut tx, now, who, "sample removed", "made-up records").await?;
    Ok(tx.commit().await?)
}

/// Code, name, provider, tier, type, audience.
const PROGRAMMES: [[&str; 6]; 5] = [
    [
        "S1",
        "First steps online",
        LIBRARY,
        "basic",
        "community-session",
        "older-people",
    ],
    [
        "S2",
        "Everyday digital skills",
        COLLEGE,
        "basic",
        "short-course",
        "out-of-work",
    ],
    [
        "S3",
        "Spreadsheets at work",
        COLLEGE,
        "general",
        "workplace-training",
        "people-in-work",
    ],
    [
        "S4",
        "Selling online",
        TRAINER,
        "general",
        "short-course",
        "small-businesses",
    ],
    [
        "S5",
        "Data bootcamp",
        TRAINER,
        "advanced",
        "bootcamp",
        "young-people",
    ],
];
const LIBRARY: &str = "Sample Library (made up)";
const COLLEGE: &str = "Sample College (made up)";
const TRAINER: &str = "Sample Trainer (made up)";

fn programmes() -> String {
    let mut csv =
        "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n".to_owned();
    for [code, name, provider, tier, kind, audience] in PROGRAMMES {
        csv.push_str(&format!(
            "{code},{name} (sample),{provider},{tier},{kind},{audience},Sample funder,,,,\n"
        ));
    }
    csv
}

/// The `n`th of some choices, spread so that two lists do not move together.
fn pick<'a>(n: usize, stride: usize, from: &[&'a str]) -> &'a str {
    from[(n * stride + n / from.len()) % from.len()]
}

fn learners(districts: &[&str], today: Date) -> String {
    let mut csv = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n".to_owned();
    let this_month = today.first_of_month();
    for n in 0..LEARNERS {
        let [programme, _, provider, ..] = PROGRAMMES[n % PROGRAMMES.len()];
        let ago = 1 + i32::try_from(n).unwrap_or_default() % MONTHS;
        let days = i32::try_from(n * 5 % 20).unwrap_or_default();
        let start = this_month - ago.months() + days.days();
        let ended = start + 28.days();
        let (end, stage) = match n % 4 {
            _ if ended >= today => (String::new(), "in-progress"),
            0 => (String::new(), "in-progress"),
            3 => (ended.to_string(), "withdrawn"),
            _ => (ended.to_string(), "achieved"),
        };
        let age = 17 + n * 7 % 60;
        let sex = pick(n, 1, &["female", "male"]);
        let ethnicity = pick(n, 3, &["white", "asian", "black", "white", "mixed"]);
        let disability = pick(n, 1, &["no", "no", "yes"]);
        let prior = pick(n, 2, &["unemployed", "employed", "retired", "in-education"]);
        let district = pick(n, 1, districts);
        let skill = pick(
            n,
            1,
            &["foundation", "communicating", "workplace", "software"],
        );
        let mode = pick(n, 1, &["face-to-face", "online", "blended"]);
        // Writing to a String cannot fail.
        let _written = writeln!(
            csv,
            "{provider},SAMPLE-{n},,{age},{sex},{ethnicity},{disability},{prior},{district},SAMPLE,{programme},{skill},{mode},{start},,{end},{stage}"
        );
    }
    csv
}
