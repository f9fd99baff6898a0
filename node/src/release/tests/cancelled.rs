//! A release that is cancelled while it is prepared: wherever it stands, nothing was drawn that stays.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{asked, cancelled_after, dump};
use crate::work::Phase;

#[tokio::test]
async fn cancelled_anywhere_it_leaves_nothing_and_stored_it_stays() {
    let world = World::new().await;
    for day in ["2022-03-01", "2022-03-10", "2022-03-20"] {
        world.add_all(&vec![started(day); 20]).await;
    }
    let entropy = seeded(1);
    let before = dump(&world.store).await;
    let mut seen = BTreeSet::new();
    for stops in 0.. {
        let progress = Progress::default();
        let by = ("ann", at(LATER));
        let work = prepare_watched(&world.store, asked(), by, &entropy, &progress);
        let (in_time, _, ended) = cancelled_after(stops, &progress, work).await;
        let after = dump(&world.store).await;
        if in_time == Some(true) {
            assert!(
                matches!(ended, Err(ReleaseError::Cancelled(_))),
                "{ended:?}"
            );
            assert_eq!(after, before, "after {stops} stops");
            seen.insert(progress.phase());
            continue;
        }
        assert!(ended.unwrap().drawn);
        assert_ne!(after, before);
        assert!(!progress.cancel(), "too late");
        break;
    }
    // How often a short phase stands still depends on the threads.
    let long = BTreeSet::from([
        Phase::Waiting,
        Phase::Ledger,
        Phase::Counting,
        Phase::Drawing,
    ]);
    assert!(seen.is_superset(&long), "{seen:?}");
    // What is there is given, and nothing is drawn again.
    let again = prepare(&world.store, asked(), "cat", at(LATER), &entropy).await;
    assert!(!again.unwrap().drawn);
}
