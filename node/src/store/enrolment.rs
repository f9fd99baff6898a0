//! Where the node publishes, and who it is. One row each.

use ldsp_protocol::ids::{Digest, Gss, NodeSlug};
use ldsp_protocol::note::Verifier;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::StoreError;
use super::outbox::Head;

/// The node's place in the federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its name.
    pub node: NodeSlug,
    /// The aggregator's address, `https://…` without a path.
    pub url: String,
    /// The log's origin.
    pub origin: String,
    /// The log's key.
    pub verifier: Verifier,
    /// Private certificate authority of the aggregator.
    pub ca_pem: Option<String>,
    /// Whether the operator has approved the key, as last heard, be it revoked since or not.
    pub active: bool,
    /// Place in the log from which the key counts no more, as last heard.
    pub revoked_from: Option<u64>,
    /// Seconds since 1970-01-01 UTC.
    pub enrolled_at: i64,
    /// Where the log says this node's sequence ends, as last heard.
    pub head: Head,
}

fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Corrupt {
        table,
        column,
        row: "1".to_owned(),
    }
}

/// The LEP that `init` wrote; `None` before `init`.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn lep(connection: &mut SqliteConnection) -> Result<Option<Gss>, StoreError> {
    let text: Option<String> = sqlx::query_scalar("SELECT lep FROM identity WHERE id = 1")
        .fetch_optional(connection)
        .await?;
    text.map(|t| t.parse().map_err(|_| corrupt("identity", "lep")))
        .transpose()
}

impl super::Store {
    /// The enrolment; `None` before `enrol`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub async fn enrolment(&self) -> Result<Option<Enrolment>, StoreError> {
        read(&mut *self.reader.acquire().await?).await
    }
}

/// The enrolment; `None` before `enrol`.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn read(connection: &mut SqliteConnection) -> Result<Option<Enrolment>, StoreError> {
    let row = sqlx::query(
        "SELECT node, url, origin, verifier, ca_pem, state, revoked_from, enrolled_at, head_seq, head_pae FROM enrolment WHERE id = 1",
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let damaged = |column| corrupt("enrolment", column);
    let pae: Option<Vec<u8>> = row.try_get("head_pae")?;
    let pae = match pae {
        None => Digest::ZERO,
        Some(bytes) => Digest::from_bytes(bytes.try_into().map_err(|_| damaged("head_pae"))?),
    };
    Ok(Some(Enrolment {
        node: row
            .try_get::<&str, _>("node")?
            .parse()
            .map_err(|_| damaged("node"))?,
        url: row.try_get("url")?,
        origin: row.try_get("origin")?,
        verifier: Verifier::parse(row.try_get("verifier")?).map_err(|_| damaged("verifier"))?,
        ca_pem: row.try_get("ca_pem")?,
        active: row.try_get::<&str, _>("state")? == "active",
        revoked_from: row
            .try_get::<Option<i64>, _>("revoked_from")?
            .map(|place| u64::try_from(place).map_err(|_| damaged("revoked_from")))
            .transpose()?,
        enrolled_at: row.try_get("enrolled_at")?,
        head: Head {
            seq: u64::try_from(row.try_get::<i64, _>("head_seq")?)
                .map_err(|_| damaged("head_seq"))?,
            pae,
        },
    }))
}

/// Writes the enrolment. An earlier one of the same node and log is replaced: the invite was used again.
/// What the log said of the node's sequence is never taken back.
///
/// # Errors
/// Database trouble.
pub async fn write(
    connection: &mut SqliteConnection,
    enrolment: &Enrolment,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO enrolment (id, node, url, origin, verifier, ca_pem, state, enrolled_at, head_seq, head_pae)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET url = $2, ca_pem = $5, state = $6, head_seq = max(head_seq, $8),
           head_pae = CASE WHEN $8 >= head_seq THEN $9 ELSE head_pae END",
    )
    .bind(enrolment.node.as_str())
    .bind(&enrolment.url)
    .bind(&enrolment.origin)
    .bind(enrolment.verifier.vkey())
    .bind(&enrolment.ca_pem)
    .bind(if enrolment.active { "active" } else { "pending" })
    .bind(enrolment.enrolled_at)
    .bind(enrolment.head.seq.cast_signed())
    .bind(enrolment.head.pae.as_bytes().as_slice())
    .execute(&mut *connection)
    .await?;
    caught_up(connection).await
}

/// The log has said where this node's sequence ends: what a backup did not know is known.
async fn caught_up(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE identity SET restored_at = NULL WHERE restored_at IS NOT NULL")
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether the node was restored from a backup and has not heard from the log since.
///
/// # Errors
/// Database trouble.
pub async fn awaits_the_log(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let restored: Option<Option<i64>> = sqlx::query_scalar("SELECT restored_at FROM identity")
        .fetch_optional(connection)
        .await?;
    Ok(restored.flatten().is_some())
}

/// Remembers that the node was restored.
///
/// # Errors
/// Database trouble.
pub async fn restored(connection: &mut SqliteConnection, at: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE identity SET restored_at = $1")
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes what the aggregator said about the node.
///
/// # Errors
/// Database trouble.
pub async fn refresh(
    connection: &mut SqliteConnection,
    active: bool,
    revoked_from: Option<u64>,
    head: Head,
) -> Result<(), StoreError> {
    // A late answer must not take back what a newer one said: the log only grows.
    let written = sqlx::query(
        "UPDATE enrolment SET state = $1, head_seq = $2, head_pae = $3, revoked_from = coalesce(revoked_from, $4) WHERE id = 1 AND head_seq <= $2",
    )
    .bind(if active { "active" } else { "pending" })
    .bind(head.seq.cast_signed())
    .bind(head.pae.as_bytes().as_slice())
    .bind(revoked_from.map(u64::cast_signed))
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 1 {
        caught_up(connection).await?;
    }
    Ok(())
}
