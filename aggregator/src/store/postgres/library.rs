//! Practice entries.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::practice::PracticeEntry;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, query};

use super::Postgres;
use crate::store::rows::{self, Columns, signed};
use crate::store::selects::{self, Facet};
use crate::store::{
    Library, LibraryEntry, NewStatement, PracticeCounts, PracticeFilter, StoreError,
};

/// A command with values to bind.
type Command<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// Binds the columns of `practice` but the last, then leaf and factor of `practice_cause`, from statements with their indices and
/// entries.
pub(super) fn bind<'q>(
    command: Command<'q>,
    entries: &[(&'q NewStatement, u64, &'q PracticeEntry)],
) -> Command<'q> {
    let all = || entries.iter();
    let causes = all().flat_map(|(_, i, e)| rows::factors(e).into_iter().map(|f| (signed(*i), f)));
    let (leaves, factors): (Vec<i64>, Vec<&str>) = causes.unzip();
    command
        .bind(all().map(|(_, i, _)| signed(*i)).collect::<Vec<_>>())
        .bind(all().map(|(n, ..)| n.node.as_str()).collect::<Vec<_>>())
        .bind(all().map(|(.., e)| e.tier.as_str()).collect::<Vec<_>>())
        .bind(all().map(|(.., e)| e.verdict.id()).collect::<Vec<_>>())
        .bind(
            all()
                .map(|(.., e)| rows::public_from(e))
                .collect::<Vec<_>>(),
        )
        .bind(all().map(|(.., e)| rows::supersedes(e)).collect::<Vec<_>>())
        .bind(leaves)
        .bind(factors)
}

/// Marks what the entries replace.
pub(super) async fn supersede(
    connection: &mut PgConnection,
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

impl Postgres {
    async fn facet(
        &self,
        filter: &PracticeFilter,
        facet: Facet,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut sql = selects::facet::<sqlx::Postgres>(filter, facet);
        let found = sql.build().fetch_all(&self.reader).await?;
        found.iter().map(rows::code_count).collect()
    }

    async fn found(
        &self,
        filter: &PracticeFilter,
        without: Option<Facet>,
    ) -> Result<u64, StoreError> {
        let mut sql = selects::found::<sqlx::Postgres>(filter, without);
        let row = sql.build().fetch_one(&self.reader).await?;
        Columns::new(&row, "practice", "all").number("entries")
    }
}

impl Library for Postgres {
    async fn entries(&self, filter: &PracticeFilter) -> Result<Vec<LibraryEntry>, StoreError> {
        let (mut sql, oldest_first) = selects::entries::<sqlx::Postgres>(filter);
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
        let mut sql = selects::newest::<sqlx::Postgres>(leaf, today);
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
