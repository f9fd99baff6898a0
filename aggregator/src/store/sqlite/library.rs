//! Practice entries.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::PracticeEntry;
use sqlx::{SqliteConnection, query};

use super::{Script, Sqlite};
use crate::store::rows::{self, Columns, signed};
use crate::store::selects::{self, Facet};
use crate::store::{
    Library, LibraryEntry, NewStatement, PracticeCounts, PracticeFilter, StoreError,
};

/// Indexes entries; each comes with its statement and its leaf.
pub(super) fn insert(script: &mut Script, entries: &[(&NewStatement, u64, &PracticeEntry)]) {
    const INSERT: &str =
        "INSERT OR FAIL INTO practice (leaf, node, tier, verdict, public_from, supersedes) ";
    script.rows((INSERT, ""), entries, |row, (new, index, entry)| {
        row.push_bind(signed(*index))
            .push_bind(new.node.as_str())
            .push_bind(entry.tier.as_str())
            .push_bind(entry.verdict.id())
            .push_bind(rows::public_from(entry))
            .push_bind(rows::supersedes(entry));
    });
    let causes: Vec<(u64, &'static str)> = entries
        .iter()
        .flat_map(|(_, index, entry)| rows::factors(entry).into_iter().map(|f| (*index, f)))
        .collect();
    const CAUSES: &str = "INSERT OR FAIL INTO practice_cause (leaf, factor) ";
    script.rows((CAUSES, ""), &causes, |row, (index, factor)| {
        row.push_bind(signed(*index)).push_bind(*factor);
    });
}

/// Marks what the entries replace.
pub(super) async fn supersede(
    connection: &mut SqliteConnection,
    entries: &[(&NewStatement, u64, &PracticeEntry)],
) -> Result<(), StoreError> {
    for (new, index, entry) in entries {
        let Some(older) = entry.supersedes else {
            continue;
        };
        // Another node's entry stays: only its author may replace it.
        query("UPDATE practice SET superseded_by = $1
             WHERE leaf = (SELECT leaf FROM statement WHERE pae = $2) AND node = $3 AND superseded_by IS NULL")
            .bind(signed(*index))
            .bind(older.as_bytes().as_slice())
            .bind(new.node.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Sqlite {
    async fn facet(
        &self,
        filter: &PracticeFilter,
        facet: Facet,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut sql = selects::facet::<sqlx::Sqlite>(filter, facet);
        let found = sql.build().fetch_all(&self.reader).await?;
        found.iter().map(rows::code_count).collect()
    }

    async fn found(
        &self,
        filter: &PracticeFilter,
        without: Option<Facet>,
    ) -> Result<u64, StoreError> {
        let mut sql = selects::found::<sqlx::Sqlite>(filter, without);
        let row = sql.build().fetch_one(&self.reader).await?;
        Columns::new(&row, "practice", "all").number("entries")
    }
}

impl Library for Sqlite {
    async fn entries(&self, filter: &PracticeFilter) -> Result<Vec<LibraryEntry>, StoreError> {
        let (mut sql, oldest_first) = selects::entries::<sqlx::Sqlite>(filter);
        let found = sql.build().fetch_all(&self.reader).await?;
        let found = found.iter().map(rows::entry).collect::<Result<_, _>>()?;
        Ok(selects::newest_first(found, oldest_first))
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

    async fn number(&self, filter: &PracticeFilter) -> Result<u64, StoreError> {
        self.found(filter, None).await
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
        let row = query(selects::entry!("WHERE s.node = $1 AND s.seq = $2"))
            .bind(node.as_str())
            .bind(signed(seq))
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(rows::entry).transpose()
    }

    async fn newest(&self, leaf: u64, today: Date) -> Result<Option<LibraryEntry>, StoreError> {
        let mut sql = selects::newest::<sqlx::Sqlite>(leaf, today);
        let row = sql.build().fetch_optional(&self.reader).await?;
        row.as_ref().map(rows::entry).transpose()
    }

    async fn cited(&self, pae: Digest) -> Result<Option<LibraryEntry>, StoreError> {
        let row = query(selects::entry!("WHERE s.pae = $1"))
            .bind(pae.as_bytes().as_slice())
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(rows::entry).transpose()
    }
}
