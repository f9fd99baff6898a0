//! Practice entries.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::PracticeEntry;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, SqliteConnection, query};

use super::Sqlite;
use crate::store::rows::{self, Columns, signed};
use crate::store::{
    Library, LibraryEntry, NewStatement, PracticeCounts, PracticeFilter, Reader, StoreError,
};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    new: &NewStatement,
    index: u64,
    entry: &PracticeEntry,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO practice (leaf, node, seq, pae, tier, verdict, public_from, entry)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(signed(index))
    .bind(new.node.as_str())
    .bind(signed(new.seq))
    .bind(new.pae.as_bytes().as_slice())
    .bind(&entry.tier)
    .bind(entry.verdict.id())
    .bind(rows::public_from(entry))
    .bind(rows::payload(entry))
    .execute(&mut *connection)
    .await?;
    for factor in rows::factors(entry) {
        query("INSERT INTO practice_cause (leaf, factor) VALUES ($1, $2)")
            .bind(signed(index))
            .bind(factor)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(older) = entry.supersedes {
        // Another node's entry stays: only its author may replace it.
        query("UPDATE practice SET superseded_by = $1 WHERE pae = $2 AND node = $3 AND superseded_by IS NULL")
            .bind(signed(index))
            .bind(older.as_bytes().as_slice())
            .bind(new.node.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Adds the conditions of `filter`, the part of the list apart. `without` leaves one choice out.
fn narrow(sql: &mut QueryBuilder<sqlx::Sqlite>, filter: &PracticeFilter, without: Option<Facet>) {
    match filter.reader {
        Reader::Peer => {
            sql.push(" WHERE practice.superseded_by IS NULL");
        }
        // Until a newer version is public, at whatever remove, the older one stands.
        Reader::Public(today) => {
            let today = today.to_string();
            sql.push(" WHERE practice.public_from <= ")
                .push_bind(today.clone())
                .push(
                    " AND (practice.superseded_by IS NULL OR NOT EXISTS (
                       WITH RECURSIVE newer (leaf) AS (
                         SELECT practice.superseded_by
                         UNION SELECT later.superseded_by
                         FROM practice AS later JOIN newer ON later.leaf = newer.leaf)
                       SELECT 1 FROM newer JOIN practice AS open ON open.leaf = newer.leaf
                       WHERE open.public_from <= ",
                )
                .push_bind(today)
                .push("))");
        }
    }
    if let Some(node) = &filter.node {
        sql.push(" AND practice.node = ")
            .push_bind(node.to_string());
    }
    if let Some(tier) = filter
        .tier
        .as_ref()
        .filter(|_| without != Some(Facet::Tier))
    {
        sql.push(" AND practice.tier = ").push_bind(tier.clone());
    }
    if let Some(verdict) = filter.verdict.filter(|_| without != Some(Facet::Verdict)) {
        sql.push(" AND practice.verdict = ").push_bind(verdict.id());
    }
    if let Some(cause) = filter.cause.filter(|_| without != Some(Facet::Cause)) {
        sql.push(" AND practice.leaf IN (SELECT leaf FROM practice_cause WHERE factor = ")
            .push_bind(cause.id())
            .push(")");
    }
}

/// A list of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Facet {
    Tier,
    Verdict,
    Cause,
}

impl Sqlite {
    async fn facet(
        &self,
        filter: &PracticeFilter,
        facet: Facet,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let (code, from) = match facet {
            Facet::Tier => ("practice.tier", "practice"),
            Facet::Verdict => ("practice.verdict", "practice"),
            Facet::Cause => (
                "practice_cause.factor",
                "practice JOIN practice_cause ON practice_cause.leaf = practice.leaf",
            ),
        };
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(format!(
            "SELECT {code} AS code, count(*) AS entries FROM {from}"
        ));
        narrow(&mut sql, filter, Some(facet));
        sql.push(format!(" GROUP BY {code}"));
        let rows = sql.build().fetch_all(&self.reader).await?;
        let count = |row: &SqliteRow| {
            let columns = Columns::new(row, "practice", "all");
            Ok((columns.text("code")?, columns.number("entries")?))
        };
        rows.iter().map(count).collect()
    }

    async fn found(
        &self,
        filter: &PracticeFilter,
        without: Option<Facet>,
    ) -> Result<u64, StoreError> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new("SELECT count(*) AS entries FROM practice");
        narrow(&mut sql, filter, without);
        let row = sql.build().fetch_one(&self.reader).await?;
        Columns::new(&row, "practice", "all").number("entries")
    }
}

impl Library for Sqlite {
    async fn entries(&self, filter: &PracticeFilter) -> Result<Vec<LibraryEntry>, StoreError> {
        let mut sql = QueryBuilder::<sqlx::Sqlite>::new(
            "SELECT leaf, node, seq, pae, entry, superseded_by FROM practice",
        );
        narrow(&mut sql, filter, None);
        if let Some(before) = filter.before {
            sql.push(" AND practice.leaf < ").push_bind(signed(before));
        }
        let order = match filter.after {
            None => "DESC",
            Some(after) => {
                sql.push(" AND practice.leaf > ").push_bind(signed(after));
                "ASC"
            }
        };
        sql.push(format!(" ORDER BY practice.leaf {order} LIMIT "))
            .push_bind(filter.limit);
        let found = sql.build().fetch_all(&self.reader).await?;
        let mut entries = found
            .iter()
            .map(rows::entry)
            .collect::<Result<Vec<_>, _>>()?;
        if filter.after.is_some() {
            entries.reverse();
        }
        Ok(entries)
    }

    async fn counts(&self, filter: &PracticeFilter) -> Result<PracticeCounts, StoreError> {
        let tiers = self.facet(filter, Facet::Tier).await?;
        let verdicts = self.facet(filter, Facet::Verdict).await?;
        Ok(PracticeCounts {
            found: self.found(filter, None).await?,
            any_tier: tiers.values().sum(),
            any_verdict: verdicts.values().sum(),
            // An entry with several causes counts at each of them, so these do not add up.
            any_cause: self.found(filter, Some(Facet::Cause)).await?,
            causes: self.facet(filter, Facet::Cause).await?,
            tiers,
            verdicts,
        })
    }

    async fn waiting(&self, today: Date) -> Result<u64, StoreError> {
        let row = query(
            "SELECT count(*) AS entries FROM practice WHERE superseded_by IS NULL AND public_from > $1",
        )
        .bind(today.to_string())
        .fetch_one(&self.reader)
        .await?;
        Columns::new(&row, "practice", "all").number("entries")
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
