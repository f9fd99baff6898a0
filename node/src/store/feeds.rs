//! Feeds that services are pulled from, and how far each pull is.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::audit::append;
use super::{Store, StoreError, moment};

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema says it: see `feeds`")]
pub struct Feed {
    pub id: i64,
    pub url: String,
    pub term: String,
    pub begun_at: Option<Timestamp>,
    pub begun_by: String,
    pub page: u64,
    pub pages: Option<u64>,
    pub last: bool,
    pub robots: Option<String>,
    pub due_at: Timestamp,
    pub failures: u32,
    pub problem: String,
    pub ended_at: Option<Timestamp>,
    pub tally: Pulled,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Services that it listed.
    pub found: u64,
    /// New ones.
    pub added: u64,
    /// Held before and now different.
    pub changed: u64,
    /// Held before and the same.
    pub unchanged: u64,
    /// Left out: something is wrong with them.
    pub refused: u64,
}

fn read(row: &SqliteRow) -> Result<Feed, StoreError> {
    let id: i64 = row.try_get("id")?;
    let at = |column: &'static str| -> Result<Option<Timestamp>, StoreError> {
        let second: Option<i64> = row.try_get(column)?;
        second.map(|s| moment(s, "feeds", column, id)).transpose()
    };
    let count = |column: &'static str| -> Result<u64, StoreError> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    let pages: Option<i64> = row.try_get("pages")?;
    Ok(Feed {
        id,
        url: row.try_get("url")?,
        term: row.try_get("term")?,
        begun_at: at("begun_at")?,
        begun_by: row.try_get("begun_by")?,
        page: count("page")?,
        pages: pages.map(|pages| u64::try_from(pages).unwrap_or(0)),
        last: row.try_get("last")?,
        robots: row.try_get("robots")?,
        due_at: at("due_at")?.unwrap_or(Timestamp::UNIX_EPOCH),
        failures: row.try_get("failures")?,
        problem: row.try_get("problem")?,
        ended_at: at("ended_at")?,
        tally: Pulled {
            found: count("found")?,
            added: count("added")?,
            changed: count("changed")?,
            unchanged: count("unchanged")?,
            refused: count("refused")?,
        },
    })
}

/// One of its services that is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) source_id: String,
    pub(crate) listed: String,
    pub(crate) etag: String,
}

/// A number of SQLite's.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) async fn one(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<Feed>, StoreError> {
    let row = sqlx::query("SELECT * FROM feeds WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The next service that waits.
pub(crate) async fn waiting(
    connection: &mut SqliteConnection,
    feed: i64,
) -> Result<Option<Waiting>, StoreError> {
    let row: Option<(String, String, String)> = sqlx::query_as(
        "SELECT source_id, listed, etag FROM feed_items WHERE feed = $1 AND waits = 1 ORDER BY page, source_id LIMIT 1",
    )
    .bind(feed)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(source_id, listed, etag)| Waiting {
        source_id,
        listed,
        etag,
    }))
}

/// Notes what a page of the run listed; gives how many of them no earlier page of the run had.
pub(crate) async fn list(
    tx: &mut SqliteConnection,
    feed: &Feed,
    items: &[(String, String)],
) -> Result<u64, StoreError> {
    let run = feed.begun_at.map_or(0, Timestamp::as_second);
    let mut new = 0;
    for (id, modified) in items {
        // What did not change since it was stored is not asked for again.
        let done = sqlx::query(
            "INSERT INTO feed_items (feed, source_id, run_at, page, listed, waits) VALUES ($1, $2, $3, $4, $5, 1) \
             ON CONFLICT (feed, source_id) DO UPDATE SET run_at = $3, page = $4, listed = $5, problem = '', \
             waits = ($5 = '' OR $5 != held) WHERE run_at != $3",
        )
        .bind(feed.id)
        .bind(id)
        .bind(run)
        .bind(stored(feed.page))
        .bind(modified)
        .execute(&mut *tx)
        .await?;
        new += done.rows_affected();
    }
    Ok(new)
}

/// The same where a page is as it was: what it listed the last time. Gives how many.
pub(crate) async fn list_again(tx: &mut SqliteConnection, feed: &Feed) -> Result<u64, StoreError> {
    let run = feed.begun_at.map_or(0, Timestamp::as_second);
    let done = sqlx::query(
        "UPDATE feed_items SET run_at = $3, problem = '', waits = (listed = '' OR listed != held) \
         WHERE feed = $1 AND page = $2 AND run_at != $3",
    )
    .bind(feed.id)
    .bind(stored(feed.page))
    .bind(run)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// What of the page just listed is held as it is: it was seen, and counts as the same.
pub(crate) async fn seen_as_held(
    tx: &mut SqliteConnection,
    feed: &Feed,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE services SET seen_at = $3 WHERE source = $4 AND source_id IN \
         (SELECT source_id FROM feed_items WHERE feed = $1 AND page = $2 AND run_at = $5 AND waits = 0)",
    )
    .bind(feed.id)
    .bind(stored(feed.page))
    .bind(now.as_second())
    .bind(&feed.url)
    .bind(feed.begun_at.map_or(0, Timestamp::as_second))
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// A service was asked for: what came of it.
pub(crate) async fn settle_item(
    tx: &mut SqliteConnection,
    feed: i64,
    item: &Waiting,
    etag: &str,
    problem: &str,
) -> Result<(), StoreError> {
    let held = if problem.is_empty() {
        item.listed.as_str()
    } else {
        ""
    };
    sqlx::query("UPDATE feed_items SET waits = 0, held = $3, etag = $4, problem = $5 WHERE feed = $1 AND source_id = $2")
        .bind(feed)
        .bind(&item.source_id)
        .bind(held)
        .bind(etag)
        .bind(problem)
        .execute(tx)
        .await?;
    Ok(())
}

/// Entity tag of the page that is to be asked for and how many pages it said that there are, where it was read before.
pub(crate) async fn page_before(
    connection: &mut SqliteConnection,
    feed: &Feed,
) -> Result<Option<(String, u64)>, StoreError> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT etag, pages FROM feed_pages WHERE feed = $1 AND page = $2")
            .bind(feed.id)
            .bind(stored(feed.page))
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(etag, pages)| (etag, u64::try_from(pages).unwrap_or(0))))
}

pub(crate) async fn keep_page(
    tx: &mut SqliteConnection,
    feed: &Feed,
    etag: &str,
    pages: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO feed_pages (feed, page, etag, pages) VALUES ($1, $2, $3, $4) ON CONFLICT (feed, page) DO UPDATE SET etag = $3, pages = $4",
    )
    .bind(feed.id)
    .bind(stored(feed.page))
    .bind(etag)
    .bind(stored(pages))
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes how far a pull is.
pub(crate) async fn write(tx: &mut SqliteConnection, feed: &Feed) -> Result<(), StoreError> {
    let t = feed.tally;
    sqlx::query(
        "UPDATE feeds SET begun_at = $2, page = $3, pages = $4, last = $5, robots = $6, due_at = $7, failures = $8, problem = $9, \
         ended_at = $10, found = $11, added = $12, changed = $13, unchanged = $14, refused = $15 WHERE id = $1",
    )
    .bind(feed.id)
    .bind(feed.begun_at.map(Timestamp::as_second))
    .bind(stored(feed.page))
    .bind(feed.pages.map(stored))
    .bind(feed.last)
    .bind(&feed.robots)
    .bind(feed.due_at.as_second())
    .bind(feed.failures)
    .bind(&feed.problem)
    .bind(feed.ended_at.map(Timestamp::as_second))
    .bind(stored(t.found))
    .bind(stored(t.added))
    .bind(stored(t.changed))
    .bind(stored(t.unchanged))
    .bind(stored(t.refused))
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// Every feed, by address.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn feeds(&self) -> Result<Vec<Feed>, StoreError> {
        let rows = sqlx::query("SELECT * FROM feeds ORDER BY url")
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Begins a pull, or lets the one go on that is under way; gives the feed's number. `term` is a taxonomy term that is asked for alone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_pull(
        &self,
        url: &str,
        term: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO feeds (url, term, begun_by) VALUES ($1, $2, $3) ON CONFLICT (url) DO UPDATE SET url = excluded.url RETURNING id",
        )
        .bind(url)
        .bind(term)
        .bind(who)
        .fetch_one(&mut *tx)
        .await?;
        let feed = one(&mut tx, id).await?;
        let goes_on = feed.is_some_and(|feed| feed.begun_at.is_some() && feed.term == term);
        let sql = if goes_on {
            "UPDATE feeds SET failures = 0, problem = '', begun_by = $2 WHERE id = $1"
        } else {
            // Services that another question listed are listed anew.
            sqlx::query("DELETE FROM feed_pages WHERE feed = $1 AND (SELECT term FROM feeds WHERE id = $1) != $2")
                .bind(id)
                .bind(term)
                .execute(&mut *tx)
                .await?;
            sqlx::query("UPDATE feed_items SET waits = 0 WHERE feed = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            "UPDATE feeds SET failures = 0, problem = '', begun_by = $2, begun_at = $3, term = $4, page = 1, pages = NULL, last = 0, \
             robots = NULL, found = 0, added = 0, changed = 0, unchanged = 0, refused = 0 WHERE id = $1"
        };
        let mut query = sqlx::query(sql).bind(id).bind(who);
        if !goes_on {
            query = query.bind(now.as_second()).bind(term);
        }
        query.execute(&mut *tx).await?;
        append(&mut tx, now, who, "feed pulled", url).await?;
        tx.commit().await?;
        Ok(id)
    }
}
