//! Needs of the area: one draft at most, and what was published.

use std::collections::HashSet;

use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::needs::{DemandSummary, ProvisionSummary};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::answers::Act;
use super::{Store, StoreError, moment};
use crate::needs::sums::{Held, Known};

/// What a draft leaves out, for the people who read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// Sums that are not told, or not as they are now.
    pub sums: Vec<Held>,
    /// Records of districts that another LEP owns: that LEP tells of them.
    pub elsewhere: u64,
    /// Records of people who were asked that were counted for this draft.
    pub people: u64,
}

/// Needs as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNeeds {
    /// Number at this node.
    pub id: i64,
    /// What is asked for.
    pub demand: DemandSummary,
    /// What is offered; `None`: the log did not have it.
    pub provision: Option<ProvisionSummary>,
    /// What is left out.
    pub left: Left,
    /// What an approver names.
    pub digest: Digest,
    /// Who prepared them, and when.
    pub prepared: Act,
    /// The approver who refused them, and why.
    pub refused: Option<(Act, String)>,
    /// Who published them.
    pub approved: Option<Act>,
    /// Their statements.
    pub seqs: [Option<u64>; 2],
}

impl StoredNeeds {
    /// Whether they wait for an approver.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.refused.is_none() && self.approved.is_none()
    }
}

/// What both payloads are known by.
pub(crate) fn digest(demand: &str, provision: Option<&str>) -> Digest {
    let provision = provision.unwrap_or_default();
    Digest::of(format!("{demand}\n{provision}\n").as_bytes())
}

pub(crate) fn json(it: &impl Serialize) -> String {
    serde_json::to_string(it).expect("texts, numbers, dates and lists are JSON")
}

const TABLE: &str = "needs";

fn corrupt(column: &'static str, id: i64) -> StoreError {
    StoreError::Corrupt {
        table: TABLE,
        column,
        row: id.to_string(),
    }
}

fn parsed<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
    id: i64,
) -> Result<T, StoreError> {
    serde_json::from_str(row.try_get(column)?).map_err(|_| corrupt(column, id))
}

fn read(row: &SqliteRow) -> Result<StoredNeeds, StoreError> {
    let id: i64 = row.try_get("id")?;
    let act = |who, when: &'static str| -> Result<Option<Act>, StoreError> {
        let who: Option<String> = row.try_get(who)?;
        let at: Option<i64> = row.try_get(when)?;
        let at = at.map(|at| moment(at, TABLE, when, id)).transpose()?;
        Ok(who.zip(at))
    };
    let seq = |column: &'static str| -> Result<Option<u64>, StoreError> {
        let seq: Option<i64> = row.try_get(column)?;
        seq.map(|seq| u64::try_from(seq).map_err(|_| corrupt(column, id)))
            .transpose()
    };
    let (demand, provision): (&str, Option<&str>) =
        (row.try_get("demand")?, row.try_get("provision")?);
    let stored: &[u8] = row.try_get("digest")?;
    let digest = digest(demand, provision);
    if digest.as_bytes() != stored {
        return Err(corrupt("digest", id));
    }
    let provision = provision.map(serde_json::from_str).transpose();
    Ok(StoredNeeds {
        id,
        demand: parsed(row, "demand", id)?,
        provision: provision.map_err(|_| corrupt("provision", id))?,
        left: parsed(row, "left_out", id)?,
        digest,
        prepared: act("author", "prepared_at")?.ok_or_else(|| corrupt("author", id))?,
        refused: act("refused_by", "refused_at")?.zip(row.try_get("reason")?),
        approved: act("approver", "approved_at")?,
        seqs: [seq("demand_seq")?, seq("provision_seq")?],
    })
}

/// The needs that were made last, whatever became of them.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn last(connection: &mut SqliteConnection) -> Result<Option<StoredNeeds>, StoreError> {
    let row = sqlx::query("SELECT * FROM needs ORDER BY id DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The needs that were published last, with what their sums are made of.
pub(crate) async fn published(
    connection: &mut SqliteConnection,
) -> Result<Option<(StoredNeeds, Vec<Known>)>, StoreError> {
    let row =
        sqlx::query("SELECT * FROM needs WHERE approved_at IS NOT NULL ORDER BY id DESC LIMIT 1")
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let needs = read(&row)?;
    let known = parsed(&row, "made_of", needs.id)?;
    Ok(Some((needs, known)))
}

/// The needs with this number.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn of(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<StoredNeeds>, StoreError> {
    let row = sqlx::query("SELECT * FROM needs WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// New needs: payloads, what is held back, what sums are made of.
pub(crate) struct New<'a> {
    pub(crate) demand: &'a DemandSummary,
    pub(crate) provision: Option<&'a ProvisionSummary>,
    pub(crate) left: &'a Left,
    pub(crate) known: &'a [Known],
}

/// Stores needs; gives their number.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    new: &New<'_>,
    (who, now): (&str, Timestamp),
) -> Result<i64, StoreError> {
    let (demand, provision) = (json(new.demand), new.provision.map(json));
    let digest = digest(&demand, provision.as_deref());
    Ok(sqlx::query_scalar(
        "INSERT INTO needs (demand, provision, left_out, made_of, digest, author, prepared_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(demand)
    .bind(provision)
    .bind(json(new.left))
    .bind(json(&new.known))
    .bind(digest.as_bytes().as_slice())
    .bind(who)
    .bind(now.as_second())
    .fetch_one(connection)
    .await?)
}

/// Writes that these needs are published, as these statements. Of earlier ones nobody needs what they are made of any more.
pub(crate) async fn approve(
    connection: &mut SqliteConnection,
    id: i64,
    (who, now): (&str, Timestamp),
    [demand, provision]: [Option<u64>; 2],
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE needs SET approver = $2, approved_at = $3, demand_seq = $4, provision_seq = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(who)
    .bind(now.as_second())
    .bind(demand.map(u64::cast_signed))
    .bind(provision.map(u64::cast_signed))
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE needs SET made_of = '[]' WHERE id < $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes that these needs are refused. What they are made of is needed no more.
pub(crate) async fn refuse(
    connection: &mut SqliteConnection,
    id: i64,
    (who, now): (&str, Timestamp),
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE needs SET refused_by = $2, refused_at = $3, reason = $4, made_of = '[]' WHERE id = $1",
    )
    .bind(id)
    .bind(who)
    .bind(now.as_second())
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// Records of people that were counted: their numbers and their references.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    ids: HashSet<i64>,
    codes: HashSet<String>,
}

impl Counted {
    pub(crate) fn has(&self, id: i64, code: &str) -> bool {
        self.ids.contains(&id) || self.codes.contains(code)
    }
}

/// The records of people that were counted.
pub(crate) async fn counted(connection: &mut SqliteConnection) -> Result<Counted, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT demand, code FROM needs_people")
        .fetch_all(connection)
        .await?;
    let (ids, codes) = rows.into_iter().unzip();
    Ok(Counted { ids, codes })
}

/// Writes that these records of people are counted for needs.
pub(crate) async fn count(
    connection: &mut SqliteConnection,
    needs: i64,
    records: &[(i64, String)],
) -> Result<(), StoreError> {
    for (id, code) in records {
        sqlx::query("INSERT INTO needs_people (demand, code, needs) VALUES ($1, $2, $3) ON CONFLICT (demand) DO NOTHING")
            .bind(id)
            .bind(code)
            .bind(needs)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// All needs, the newest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn needs(&self) -> Result<Vec<StoredNeeds>, StoreError> {
        let rows = sqlx::query("SELECT * FROM needs ORDER BY id DESC")
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The needs with this number.
    ///
    /// # Errors
    /// As [`Self::needs`].
    pub async fn needs_of(&self, id: i64) -> Result<Option<StoredNeeds>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        of(&mut reader, id).await
    }
}
