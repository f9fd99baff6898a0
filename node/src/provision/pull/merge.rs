//! What a feed says of a service beside what is held of it.
//!
//! A text that the feed gave and nobody changed here follows the feed. One that somebody changed here stays, whatever the feed says later.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fetch::Got;
use super::oruk::{self, FILLED, Given, NOT_A_SERVICE, Unfit};
use crate::model::service::COLUMNS;
use crate::model::{self, Model as _};
use crate::provision::words;
use crate::store::feeds::{self, Feed, Waiting};
use crate::store::kept::{Known, Stored};
use crate::store::services::{self, Service};
use crate::store::{Store, StoreError};

/// The service is not there any more, though the feed lists it.
const GONE: Unfit = Unfit("service-gone");
/// Nothing in it tells of digital skills, and nobody asked for its kind.
const OTHER: Unfit = Unfit("service-other");
/// What it says could not have come by a file either.
const WRONG: Unfit = Unfit("service-unfit");

/// What became of it.
enum Became {
    Added,
    Changed,
    Same,
}

/// Stores what came for a service that was asked for, and that it was, in one transaction.
pub(super) async fn take(
    store: &Store,
    mut feed: Feed,
    item: &Waiting,
    got: Got,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let (etag, became) = match got {
        Got::Unchanged => (item.etag.clone(), same(&mut tx, &feed, item, now).await?),
        Got::Status(..) => (String::new(), Err(GONE)),
        Got::Body { bytes, etag } => match oruk::service(&bytes, &item.source_id, &feed.url) {
            Ok(given) => (etag, put(&mut tx, &feed, given, now).await?),
            Err(unfit) => (String::new(), Err(unfit)),
        },
    };
    let problem = match became {
        Ok(Became::Added) => {
            feed.tally.added += 1;
            ""
        }
        Ok(Became::Changed) => {
            feed.tally.changed += 1;
            ""
        }
        Ok(Became::Same) => {
            feed.tally.unchanged += 1;
            ""
        }
        Err(Unfit(code)) => {
            feed.tally.refused += 1;
            code
        }
    };
    feeds::settle_item(&mut tx, feed.id, item, &etag, problem).await?;
    feeds::write(&mut tx, &feed).await?;
    Ok(tx.commit().await?)
}

/// The server says that what is held is what there is.
async fn same(
    tx: &mut SqliteConnection,
    feed: &Feed,
    item: &Waiting,
    now: Timestamp,
) -> Result<Result<Became, Unfit>, StoreError> {
    let key = (feed.url.as_str(), item.source_id.as_str());
    let Some((row, _)) = services::pulled(tx, key).await? else {
        return Ok(Err(NOT_A_SERVICE));
    };
    services::saw(tx, row.id, None, now).await?;
    Ok(Ok(Became::Same))
}

/// The row that is held, and what the feed gave of it the last time.
async fn held(
    tx: &mut SqliteConnection,
    feed: &Feed,
    source_id: &str,
) -> Result<Option<(Stored<Service>, BTreeMap<String, String>)>, StoreError> {
    let Some((row, pulled)) = services::pulled(tx, (&feed.url, source_id)).await? else {
        return Ok(None);
    };
    let pulled = pulled.map(|text| serde_json::from_str(&text)).transpose();
    let pulled = pulled.map_err(|_| StoreError::Corrupt {
        table: "services",
        column: "pulled",
        row: row.id.to_string(),
    })?;
    Ok(Some((row, pulled.unwrap_or_default())))
}

/// The texts as they would be: what somebody changed here stays.
fn beside(held: &[String], before: &BTreeMap<String, String>, feed: &[String]) -> Vec<String> {
    let columns = COLUMNS.iter().zip(held.iter().zip(feed));
    let texts = columns.map(|(column, (held, feed))| {
        let follows = FILLED.contains(column)
            && match before.get(*column) {
                Some(before) => before == held,
                // A row of a file that the feed turns out to have: it fills what is empty.
                None => held.is_empty(),
            };
        if follows { feed.clone() } else { held.clone() }
    });
    texts.collect()
}

/// Reads texts; those of columns that can be left out and are wrong are left out.
fn read(mut texts: Vec<String>, known: &Known) -> Result<Service, Unfit> {
    let problems = match model::read(&texts, known) {
        Ok(it) => return Ok(it),
        Err(problems) => problems,
    };
    for (column, text) in COLUMNS.iter().zip(&mut texts) {
        if problems.iter().any(|p| p.field == Some(column)) {
            text.clear();
        }
    }
    model::read(&texts, known).map_err(|_| WRONG)
}

async fn put(
    tx: &mut SqliteConnection,
    feed: &Feed,
    Given { texts, kinds }: Given,
    now: Timestamp,
) -> Result<Result<Became, Unfit>, StoreError> {
    let known = Known::read(tx).await?;
    let new = match read(texts, &known) {
        Ok(new) => new,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let given = new.texts(&known);
    let held = held(tx, feed, &new.source_id).await?;
    if held.is_none() && feed.term.is_empty() && new.skills == 0 {
        let table = words::table(tx).await?;
        let said = [new.name.as_str(), &new.description, &kinds].join(". ");
        if !words::is_digital(&said, &table) {
            return Ok(Err(OTHER));
        }
    }
    let (before, it) = match &held {
        None => (None, new),
        Some((row, before)) => {
            let texts = beside(&row.it.texts(&known), before, &given);
            match read(texts, &known) {
                Ok(it) => (Some(row), it),
                Err(unfit) => return Ok(Err(unfit)),
            }
        }
    };
    let (id, became) = match before {
        Some(before) if before.it == it => (Some(before.id), Became::Same),
        before => {
            let became = before.map_or(Became::Added, |_| Became::Changed);
            let id = model::write(tx, &known, before, &it, &feed.begun_by, now).await?;
            (id, became)
        }
    };
    let Some(id) = id else {
        return Ok(Err(WRONG));
    };
    let filled = COLUMNS.iter().zip(&given);
    let filled: BTreeMap<&str, &String> = filled
        .filter(|(column, _)| FILLED.contains(column))
        .map(|(column, text)| (*column, text))
        .collect();
    let filled = serde_json::to_string(&filled).expect("texts by text are JSON");
    services::saw(tx, id, Some(&filled), now).await?;
    Ok(Ok(became))
}
