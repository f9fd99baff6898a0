//! What this node withdrew and published again.

use sqlx::sqlite::SqliteConnection;

use super::StoreError;

/// A withdrawal or a correction that was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision<'a> {
    /// Sequence number of its statement.
    pub seq: u64,
    /// Sequence number of the statement that it names.
    pub target: u64,
    /// Why.
    pub reason: &'a str,
    /// Who decided it.
    pub person: &'a str,
    /// Seconds since 1970-01-01 UTC.
    pub decided_at: i64,
}

/// Writes one; its statement is in the outbox.
///
/// # Errors
/// Database trouble.
pub async fn insert(
    connection: &mut SqliteConnection,
    revision: &Revision<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revisions (seq, target, reason, person, decided_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(revision.seq.cast_signed())
    .bind(revision.target.cast_signed())
    .bind(revision.reason)
    .bind(revision.person)
    .bind(revision.decided_at)
    .execute(connection)
    .await?;
    Ok(())
}
