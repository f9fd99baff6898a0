//! Corrections: an enrolment that was published under other codes than it has now, and the one time that it may be put right.
//!
//! A trigger of the schema keeps the codes that were published when an import changes them (migration 5). Here they are
//! read as cube entries, and what was published is marked. Whether a correction may be published is the accountant's to say.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::standard::{Codebook, Dimension, Standard};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::cube::Entry;
use crate::disclosure::LedgerMonth;
use crate::store::StoreError;

/// An enrolment whose codes differ from those that it was published under.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its row.
    pub enrolment: i64,
    /// As published: each entry's fresh families are those that were counted under its codes.
    pub published: Vec<Entry>,
    /// As it is now.
    pub now: Entry,
}

/// Columns of `corrections` and, under the same names, of the enrolment as it is.
macro_rules! codes {
    ($of:literal, $description:literal) => {
        concat!(
            $of,
            ".district, ",
            $of,
            ".skill, ",
            $of,
            ".mode, ",
            $of,
            ".age, ",
            $of,
            ".sex, ",
            $of,
            ".ethnicity, ",
            $of,
            ".disability, ",
            $of,
            ".prior, ",
            $of,
            ".stage, ",
            $of,
            ".destination_3m, ",
            $of,
            ".destination_6m, ",
            $of,
            ".destination_12m, ",
            $of,
            ".confidence, ",
            $of,
            ".everyday, ",
            $description
        )
    };
}

/// Every enrolment of `standard` with a correction that was not published, by row. What is withheld is not corrected: the epoch that
/// published it is over, and nobody knows any more whether it had corrected it already.
///
/// # Errors
/// Database trouble, or a negative code.
pub async fn pending(
    connection: &mut SqliteConnection,
    codebook: &Codebook,
    standard: &Standard,
) -> Result<Vec<Pending>, StoreError> {
    let reader = Reader::new(codebook);
    let then = sqlx::query(concat!(
        "SELECT c.enrolment, c.families & ~e.withheld AS families, ",
        codes!("c", "c.tier, c.type, c.audience"),
        " FROM corrections c JOIN enrolments e ON e.id = c.enrolment \
         WHERE c.settled = 0 AND c.families & ~e.withheld != 0 ORDER BY c.enrolment, c.families"
    ))
    .fetch_all(&mut *connection)
    .await?;
    let now = sqlx::query(concat!(
        "SELECT e.id AS enrolment, 0 AS families, ",
        codes!(
            "e",
            "coalesce(e.tier, p.tier) AS tier, coalesce(e.type, p.type) AS type, coalesce(e.audience, p.audience) AS audience"
        ),
        " FROM enrolments e JOIN programmes p ON p.id = e.programme WHERE e.standard = $1 AND e.in_area = 1 AND e.enters = 1 AND e.removed_day IS NULL \
         AND e.id IN (SELECT enrolment FROM corrections WHERE settled = 0)"
    ))
    .bind(standard.version())
    .fetch_all(connection)
    .await?;
    let mut published: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
    for row in &then {
        let (enrolment, entry) = reader.read(row)?;
        published.entry(enrolment).or_default().push(entry);
    }
    let mut pending = Vec::new();
    for row in &now {
        let (enrolment, now) = reader.read(row)?;
        let published = published.remove(&enrolment).unwrap_or_default();
        pending.push(Pending {
            enrolment,
            published,
            now,
        });
    }
    Ok(pending)
}

/// Writes that the corrections of these enrolments are in this month of a stream, each with the tables in which it moved.
///
/// # Errors
/// Database trouble.
pub async fn settle(
    connection: &mut SqliteConnection,
    month: &LedgerMonth,
    corrected: &[(i64, BTreeSet<String>)],
) -> Result<(), StoreError> {
    for (enrolment, moved) in corrected {
        sqlx::query("UPDATE corrections SET settled = 1 WHERE enrolment = $1")
            .bind(enrolment)
            .execute(&mut *connection)
            .await?;
        let moved = serde_json::to_string(moved).expect("a list of strings always serialises");
        sqlx::query(
            "INSERT INTO ledger_corrections (standard, epoch, month, moved) VALUES ($1, $2, $3, $4)",
        )
        .bind(month.standard.version())
        .bind(month.epoch)
        .bind(month.month as i64)
        .bind(moved)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The tables in which each published correction moved, by month of an epoch of `standard`.
///
/// # Errors
/// Database trouble, or a damaged row.
pub async fn published(
    connection: &mut SqliteConnection,
    standard: &Standard,
    epoch: u32,
) -> Result<BTreeMap<usize, Vec<BTreeSet<String>>>, StoreError> {
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT id, month, moved FROM ledger_corrections WHERE standard = $1 AND epoch = $2",
    )
    .bind(standard.version())
    .bind(epoch)
    .fetch_all(connection)
    .await?;
    let mut months: BTreeMap<usize, Vec<BTreeSet<String>>> = BTreeMap::new();
    for (id, month, moved) in rows {
        let damaged = |column| StoreError::Corrupt {
            table: "ledger_corrections",
            column,
            row: id.to_string(),
        };
        let month = usize::try_from(month).map_err(|_| damaged("month"))?;
        let moved = serde_json::from_str(&moved).map_err(|_| damaged("moved"))?;
        months.entry(month).or_default().push(moved);
    }
    Ok(months)
}

struct Reader {
    /// The node's districts; "not stated" is the last of the list and NULL in the store.
    districts: Vec<String>,
    /// Outcome by position of the stage.
    outcomes: Vec<Option<usize>>,
}

impl Reader {
    fn new(codebook: &Codebook) -> Self {
        let standard = Standard::current();
        let outcomes = &standard.dimension(Dimension::Outcome).codes;
        let mut districts = codebook.codes(Dimension::Area);
        districts.pop();
        let of = |stage: &str| outcomes.iter().position(|o| o.id == stage);
        Self {
            districts: districts.iter().map(ToString::to_string).collect(),
            outcomes: standard.stages().iter().map(|s| of(&s.id)).collect(),
        }
    }

    fn read(&self, row: &SqliteRow) -> Result<(i64, Entry), StoreError> {
        let enrolment: i64 = row.try_get("enrolment")?;
        let damaged = |column| StoreError::Corrupt {
            table: "corrections",
            column,
            row: enrolment.to_string(),
        };
        let code = |column: &'static str| -> Result<usize, StoreError> {
            usize::try_from(row.try_get::<i64, _>(column)?).map_err(|_| damaged(column))
        };
        let optional = |column: &'static str| -> Result<Option<usize>, StoreError> {
            let code: Option<i64> = row.try_get(column)?;
            let code = code.map(usize::try_from).transpose();
            code.map_err(|_| damaged(column))
        };
        let district: Option<String> = row.try_get("district")?;
        let area = match district {
            None => self.districts.len(),
            Some(code) => (self.districts.iter().position(|d| *d == code))
                .ok_or_else(|| damaged("district"))?,
        };
        let families: i64 = row.try_get("families")?;
        let entry = Entry {
            fresh: u8::try_from(families).map_err(|_| damaged("families"))?,
            area,
            tier: code("tier")?,
            skill: code("skill")?,
            mode: code("mode")?,
            age: code("age")?,
            sex: code("sex")?,
            ethnicity: code("ethnicity")?,
            disability: code("disability")?,
            prior: code("prior")?,
            audience: code("audience")?,
            programme_type: code("type")?,
            pledge: 0,
            outcome: *(self.outcomes.get(code("stage")?)).ok_or_else(|| damaged("stage"))?,
            destination: [
                optional("destination_3m")?,
                optional("destination_6m")?,
                optional("destination_12m")?,
            ],
            confidence: optional("confidence")?,
            everyday: optional("everyday")?,
        };
        Ok((enrolment, entry))
    }
}
