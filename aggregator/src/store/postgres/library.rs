//! Practice entries.

use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::PracticeEntry;
use sqlx::{PgConnection, QueryBuilder, query};

use super::Postgres;
use crate::store::rows::{self, signed};
use crate::store::{Library, LibraryEntry, NewStatement, PracticeFilter, Reader, StoreError};

/// Statements with their indices and entries.
pub(super) async fn insert(
    connection: &mut PgConnection,
    entries: &[(&NewStatement, u64, &PracticeEntry)],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let each = || entries.iter();
    query(
        "INSERT INTO practice (leaf, node, seq, pae, tier, verdict, public_from, entry)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::text[],
             $6::text[], $7::text[], $8::text[])",
    )
    .bind(
        each()
            .map(|(_, index, _)| signed(*index))
            .collect::<Vec<_>>(),
    )
    .bind(
        each()
            .map(|(new, ..)| new.node.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(each().map(|(new, ..)| signed(new.seq)).collect::<Vec<_>>())
    .bind(
        each()
            .map(|(new, ..)| new.pae.as_bytes().as_slice())
            .collect::<Vec<_>>(),
    )
    .bind(
        each()
            .map(|(.., entry)| entry.tier.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        each()
            .map(|(.., entry)| entry.verdict.id())
            .collect::<Vec<_>>(),
    )
    .bind(
        each()
            .map(|(.., entry)| rows::public_from(entry))
            .collect::<Vec<_>>(),
    )
    .bind(
        each()
            .map(|(.., entry)| rows::payload(entry))
            .collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    let causes = each().flat_map(|(_, index, entry)| {
        let factors = rows::factors(entry).into_iter();
        factors.map(|factor| (signed(*index), factor))
    });
    let (leaves, factors): (Vec<i64>, Vec<&str>) = causes.unzip();
    query(
        "INSERT INTO practice_cause (leaf, factor) SELECT * FROM unnest($1::bigint[], $2::text[])",
    )
    .bind(leaves)
    .bind(factors)
    .execute(&mut *connection)
    .await?;
    for (new, index, entry) in entries {
        let Some(older) = entry.supersedes else {
            continue;
        };
        // Another node's entry stays: only its author may replace it.
        query("UPDATE practice SET superseded_by = $1 WHERE pae = $2 AND node = $3 AND superseded_by IS NULL")
            .bind(signed(*index))
            .bind(older.as_bytes().as_slice())
            .bind(new.node.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Library for Postgres {
    async fn entries(&self, filter: &PracticeFilter) -> Result<Vec<LibraryEntry>, StoreError> {
        let mut sql = QueryBuilder::<sqlx::Postgres>::new(
            "SELECT leaf, node, seq, pae, entry, superseded_by FROM practice",
        );
        match filter.reader {
            Reader::Peer => {
                sql.push(" WHERE superseded_by IS NULL");
            }
            // Until a newer version is public, at whatever remove, the older one stands.
            Reader::Public(today) => {
                let today = today.to_string();
                sql.push(" WHERE public_from <= ")
                    .push_bind(today.clone())
                    .push(
                        " AND NOT EXISTS (
                           WITH RECURSIVE newer (leaf) AS (
                             SELECT practice.superseded_by
                             UNION SELECT later.superseded_by
                             FROM practice AS later JOIN newer ON later.leaf = newer.leaf)
                           SELECT 1 FROM newer JOIN practice AS open ON open.leaf = newer.leaf
                           WHERE open.public_from <= ",
                    )
                    .push_bind(today)
                    .push(")");
            }
        }
        if let Some(tier) = &filter.tier {
            sql.push(" AND tier = ").push_bind(tier.clone());
        }
        if let Some(verdict) = filter.verdict {
            sql.push(" AND verdict = ").push_bind(verdict.id());
        }
        if let Some(cause) = filter.cause {
            sql.push(" AND leaf IN (SELECT leaf FROM practice_cause WHERE factor = ")
                .push_bind(cause.id())
                .push(")");
        }
        if let Some(before) = filter.before {
            sql.push(" AND leaf < ").push_bind(signed(before));
        }
        sql.push(" ORDER BY leaf DESC LIMIT ")
            .push_bind(i64::from(filter.limit));
        let found = sql.build().fetch_all(&self.reader).await?;
        found.iter().map(rows::entry).collect()
    }

    async fn entry(&self, node: &NodeSlug, seq: u64) -> Result<Option<LibraryEntry>, StoreError> {
        let row = query(
            "SELECT leaf, node, seq, pae, entry, superseded_by FROM practice WHERE node = $1 AND seq = $2",
        )
        .bind(node.as_str())
        .bind(signed(seq))
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(rows::entry).transpose()
    }

    async fn cited(&self, pae: Digest) -> Result<Option<LibraryEntry>, StoreError> {
        let row =
            query("SELECT leaf, node, seq, pae, entry, superseded_by FROM practice WHERE pae = $1")
                .bind(pae.as_bytes().as_slice())
                .fetch_optional(&self.reader)
                .await?;
        row.as_ref().map(rows::entry).transpose()
    }
}
