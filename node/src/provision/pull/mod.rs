//! Pulling an Open Referral UK 3.0 feed: its pages, and each service of them, one request at a time.
//!
//! How far a pull is stands in the store after each request, so it goes on where it ended, whatever ended it. [`step`] does what is due and
//! says when the next thing is; it reads no clock and does not wait. What a feed gives is judged as a stranger's: every answer is bounded in
//! size, depth and number, pages that go in circles or never end are refused, and no service comes in that a file could not have brought.
//! What somebody changed here stays as they wrote it (`merge`).

pub(crate) mod fetch;
pub(crate) mod guard;
mod merge;
pub(super) mod oruk;
pub(crate) mod refusal;
mod robots;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use crate::store::feeds::{self, Feed, Pulled, Waiting};
use crate::store::{Store, StoreError};
use fetch::{Ask, Fetch, Got, NotGot};
use refusal::Refusal;
use robots::Robots;

/// Between two requests, unless robots.txt asks for more.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// A request that another program of this node sent may take so long; until then nobody sends another.
const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// After the first failure; doubled after each further one.
const BACK_OFF: SignedDuration = SignedDuration::from_secs(15);
/// The longest wait that a server can ask for.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// So many in a row end the pull, until somebody lets it go on.
const FAILURES: u32 = 5;
/// Pages and services of a run at most.
const PAGES: u64 = 2_000;
const ITEMS: u64 = 20_000;
/// Services of a page that are asked for.
const PER_PAGE: u32 = 50;
/// Bytes of an answer at most.
const PAGE_BYTES: usize = 4 << 20;
const SERVICE_BYTES: usize = 1 << 20;
/// As much as RFC 9309 (section 2.5) wants to be read.
const ROBOTS_BYTES: usize = 512 << 10;

/// Longest taxonomy term, in characters.
const TERM: usize = 200;

/// Why a pull was not begun.
#[derive(Debug)]
pub(crate) enum Unbegun {
    Refused(Refusal),
    Store(StoreError),
}

/// Lets the server read a feed, or read on: its number. `hosts` may be of the LEP's own network; of a feed its address and a taxonomy term,
/// or none.
///
/// # Errors
/// [`Unbegun`]; nothing was begun then.
pub(crate) async fn begin(
    store: &Store,
    hosts: &[String],
    (url, term): (&str, &str),
    (who, now): (&str, Timestamp),
) -> Result<i64, Unbegun> {
    let url = guard::address(url, hosts).map_err(Unbegun::Refused)?;
    let url = url.as_str().trim_end_matches('/');
    let term: String = term.trim().chars().take(TERM).collect();
    let begun = store.begin_pull(url, &term, who, now).await;
    begun.map_err(Unbegun::Store)
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// No pull of this feed is under way.
    Idle,
    /// Nothing before this moment.
    Wait(Timestamp),
    /// One request was sent and its answer stored.
    Went,
    /// The server did not answer as it should: the same is tried again at this moment.
    Again(Timestamp),
    /// The run came to its end.
    Done(Pulled),
    /// It is not read on. What came before stays.
    Refused(Refusal),
}

/// What is asked for next.
enum Next {
    Robots,
    Item(Waiting),
    Page { etag: String, before: Option<u64> },
    End,
}

/// Does what is due for a feed: at most one request.
pub(crate) async fn step(
    store: &Store,
    web: &impl Fetch,
    feed: i64,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let Some((mut feed, next)) = claim(store, feed, now).await? else {
        return Ok(Step::Idle);
    };
    let next = match next {
        Claimed::Wait => return Ok(Step::Wait(feed.due_at)),
        Claimed::Next(next) => next,
    };
    if matches!(next, Next::End) {
        return end(store, feed, now).await;
    }
    let Some(ask) = ask(&feed, &next) else {
        return refuse(store, feed, Refusal::Address, now).await;
    };
    if !matches!(next, Next::Robots) && !allowed(&feed, &ask.url) {
        return refuse(store, feed, Refusal::Robots, now).await;
    }
    let got = match web.get(&ask).await {
        Ok(got) => got,
        Err(NotGot::Refused(refusal)) => return refuse(store, feed, refusal, now).await,
        Err(NotGot::Trouble(why)) => {
            tracing::warn!(feed = feed.url, why, "a feed did not answer");
            return again(store, feed, None, now).await;
        }
    };
    match (&got, &next) {
        (Got::Status(404 | 410, _), Next::Item(_)) => {}
        (Got::Status(status, _), Next::Robots) if (400..500).contains(status) && *status != 429 => {
        }
        (Got::Status(429 | 500..=599, later), _) => return again(store, feed, *later, now).await,
        (Got::Status(..), _) => return refuse(store, feed, Refusal::Denied, now).await,
        _ => {}
    }
    feed.failures = 0;
    feed.due_at = now + pause(&feed);
    match next {
        Next::Robots => read_robots(store, feed, got, now).await,
        Next::Page { before, .. } => {
            match read_page(store, feed.clone(), got, before, now).await? {
                Ok(step) => Ok(step),
                Err(refusal) => refuse(store, feed, refusal, now).await,
            }
        }
        Next::Item(item) => {
            merge::take(store, feed, &item, got, now).await?;
            Ok(Step::Went)
        }
        Next::End => Ok(Step::Went),
    }
}

enum Claimed {
    Wait,
    Next(Next),
}

/// Takes the turn of a feed, so that no other program of this node asks meanwhile, and finds what is next.
async fn claim(
    store: &Store,
    feed: i64,
    now: Timestamp,
) -> Result<Option<(Feed, Claimed)>, StoreError> {
    let mut tx = store.write().await?;
    let feed = feeds::one(&mut tx, feed).await?;
    let is_held = |feed: &Feed| !feed.problem.is_empty();
    let Some(mut feed) = feed.filter(|f| f.begun_at.is_some() && !is_held(f)) else {
        return Ok(None);
    };
    if now < feed.due_at {
        return Ok(Some((feed, Claimed::Wait)));
    }
    let next = if feed.robots.is_none() {
        Next::Robots
    } else if let Some(item) = feeds::waiting(&mut tx, feed.id).await? {
        Next::Item(item)
    } else if feed.last {
        Next::End
    } else {
        let before = feeds::page_before(&mut tx, &feed).await?;
        let (etag, before) = before.unzip();
        Next::Page {
            etag: etag.unwrap_or_default(),
            before,
        }
    };
    feed.due_at = now + LEASE;
    feeds::write(&mut tx, &feed).await?;
    tx.commit().await?;
    Ok(Some((feed, Claimed::Next(next))))
}

fn ask(feed: &Feed, next: &Next) -> Option<Ask> {
    let mut url = Url::parse(&feed.url).ok()?;
    let (etag, most) = match next {
        Next::Robots | Next::End => {
            url.set_path("/robots.txt");
            (String::new(), ROBOTS_BYTES)
        }
        Next::Page { etag, .. } => {
            url.path_segments_mut()
                .ok()?
                .pop_if_empty()
                .push("services");
            let mut query = url.query_pairs_mut();
            query.append_pair("page", &feed.page.to_string());
            query.append_pair("per_page", &PER_PAGE.to_string());
            if !feed.term.is_empty() {
                query.append_pair("taxonomy_term_id", &feed.term);
            }
            drop(query);
            (etag.clone(), PAGE_BYTES)
        }
        Next::Item(item) => {
            let mut path = url.path_segments_mut().ok()?;
            path.pop_if_empty().push("services").push(&item.source_id);
            drop(path);
            (item.etag.clone(), SERVICE_BYTES)
        }
    };
    Some(Ask { url, etag, most })
}

fn robots(feed: &Feed) -> Robots {
    let robots = feed.robots.as_deref();
    let robots = robots.and_then(|text| serde_json::from_str(text).ok());
    robots.unwrap_or_default()
}

fn allowed(feed: &Feed, url: &Url) -> bool {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    robots(feed).allows(&path)
}

fn pause(feed: &Feed) -> SignedDuration {
    let asked = robots(feed).delay.unwrap_or(0);
    PAUSE.max(SignedDuration::from_secs(i64::from(asked)))
}

async fn keep(store: &Store, feed: &Feed) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    feeds::write(&mut tx, feed).await?;
    Ok(tx.commit().await?)
}

async fn read_robots(
    store: &Store,
    mut feed: Feed,
    got: Got,
    now: Timestamp,
) -> Result<Step, StoreError> {
    // Without a file everything is allowed (RFC 9309, section 2.3.1.3).
    let found = match got {
        Got::Body { bytes, .. } => Robots::read(&String::from_utf8_lossy(&bytes)),
        Got::Unchanged | Got::Status(..) => Robots::default(),
    };
    feed.robots = Some(serde_json::to_string(&found).expect("strings and numbers are JSON"));
    feed.due_at = now + pause(&feed);
    keep(store, &feed).await?;
    Ok(Step::Went)
}

async fn read_page(
    store: &Store,
    mut feed: Feed,
    got: Got,
    before: Option<u64>,
    now: Timestamp,
) -> Result<Result<Step, Refusal>, StoreError> {
    let (page, etag) = match (got, before) {
        (Got::Body { bytes, etag }, _) => match oruk::page(&bytes, feed.page) {
            Ok(page) => (Some(page), etag),
            Err(refusal) => return Ok(Err(refusal)),
        },
        (Got::Unchanged, Some(_)) => (None, String::new()),
        // We named no tag.
        (Got::Unchanged | Got::Status(..), _) => return Ok(Err(Refusal::Schema)),
    };
    let pages = page.as_ref().map_or(before.unwrap_or(0), |page| page.pages);
    let first = *feed.pages.get_or_insert(pages);
    let mut tx = store.write().await?;
    let (listed, new, unnamed, last) = match &page {
        Some(page) => {
            let new = feeds::list(&mut tx, &feed, &page.items).await?;
            (page.items.len() as u64, new, page.unnamed, page.last)
        }
        None => {
            let found = feeds::list_again(&mut tx, &feed).await?;
            (found, found, 0, feed.page >= pages)
        }
    };
    if listed > 0 && new == 0 {
        return Ok(Err(Refusal::Loop));
    }
    feed.tally.found += new;
    feed.tally.refused += unnamed;
    // A feed may grow while it is read, but not so fast that its end runs away.
    let runs_away = pages > first.saturating_mul(2).saturating_add(10);
    if !last && (runs_away || feed.page >= PAGES) || feed.tally.found > ITEMS {
        return Ok(Err(Refusal::Endless));
    }
    feed.tally.unchanged += feeds::seen_as_held(&mut tx, &feed, now).await?;
    if !etag.is_empty() {
        feeds::keep_page(&mut tx, &feed, &etag, pages).await?;
    }
    feed.page += 1;
    feed.last = last;
    feeds::write(&mut tx, &feed).await?;
    tx.commit().await?;
    Ok(Ok(Step::Went))
}

/// The same is tried again later, each time after twice as long.
async fn again(
    store: &Store,
    mut feed: Feed,
    asked: Option<u32>,
    now: Timestamp,
) -> Result<Step, StoreError> {
    feed.failures += 1;
    if feed.failures >= FAILURES {
        return refuse(store, feed, Refusal::Unreachable, now).await;
    }
    let own = BACK_OFF * (1 << (feed.failures - 1));
    let asked = asked.map(|seconds| SignedDuration::from_secs(i64::from(seconds)));
    let wait = asked.unwrap_or(own).clamp(own, LONGEST);
    feed.due_at = now + wait;
    keep(store, &feed).await?;
    Ok(Step::Again(feed.due_at))
}

/// Ends the run with the reason; one that passes keeps its place.
async fn refuse(
    store: &Store,
    mut feed: Feed,
    refusal: Refusal,
    now: Timestamp,
) -> Result<Step, StoreError> {
    refusal.code().clone_into(&mut feed.problem);
    feed.due_at = now + PAUSE;
    if !refusal.passes() {
        feed.begun_at = None;
    }
    keep(store, &feed).await?;
    Ok(Step::Refused(refusal))
}

async fn end(store: &Store, mut feed: Feed, now: Timestamp) -> Result<Step, StoreError> {
    feed.begun_at = None;
    feed.ended_at = Some(now);
    feed.due_at = now + PAUSE;
    keep(store, &feed).await?;
    Ok(Step::Done(feed.tally))
}
