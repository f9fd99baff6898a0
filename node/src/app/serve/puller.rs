//! Pulls of feeds that somebody began on a page, or by a command that was ended: one request after the other, each when it is due.

use std::collections::HashMap;
use std::time::Duration;

use crate::app::Context;
use crate::provision::pull::fetch::Web;
use crate::provision::pull::{self, Step, guard};
use crate::store::{Store, StoreError};

/// How often is looked for a pull that was begun.
const IDLE: Duration = Duration::from_secs(5);
/// The same while one is under way.
const BUSY: Duration = Duration::from_secs(1);

/// Goes on until it is dropped; faults are logged.
pub(super) async fn run(store: Store, context: Context) {
    let mut clients = HashMap::new();
    loop {
        let busy = match round(&store, &context, &mut clients).await {
            Ok(busy) => busy,
            Err(error) => {
                tracing::error!(%error, next = error.next(), "feeds cannot be pulled");
                false
            }
        };
        tokio::time::sleep(if busy { BUSY } else { IDLE }).await;
    }
}

/// A step of every feed; whether any pull is under way.
async fn round(
    store: &Store,
    context: &Context,
    clients: &mut HashMap<i64, Web>,
) -> Result<bool, StoreError> {
    let mut busy = false;
    for feed in store.feeds().await? {
        if feed.begun_at.is_none() || !feed.problem.is_empty() {
            // The next pull looks the name up anew.
            clients.remove(&feed.id);
            continue;
        }
        let hosts = &context.config.feed_hosts;
        let Ok(url) = guard::address(&feed.url, hosts) else {
            tracing::error!(
                feed = feed.url,
                "the feed's host is not in feed_hosts any more"
            );
            continue;
        };
        busy = true;
        let web = clients
            .entry(feed.id)
            .or_insert_with(|| Web::of(url, hosts));
        match pull::step(store, web, feed.id, (context.clock)()).await? {
            Step::Done(tally) => {
                tracing::info!(feed = feed.url, services = tally.found, "a feed was read")
            }
            Step::Refused(why) => {
                tracing::warn!(feed = feed.url, code = why.code(), "a feed is not read on")
            }
            Step::Idle | Step::Wait(_) | Step::Went | Step::Again(_) => {}
        }
    }
    Ok(busy)
}
