//! What stops a log and what lets it sign again: checkpoints that it has to agree with, forks, an operator's decision.

use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::Edge;

use super::recovery::NOON;
use super::{SIGN, month};
use crate::store::{
    Back, Cause, Claim, Fork, Log, Recovery, Registry, Returned, Rollups, Shown, Stopped,
};
use crate::testing::{Sim, admit, at};

pub(super) async fn stops_conform<S: Log + Registry + Rollups + Recovery>(
    open: &impl AsyncFn() -> S,
) {
    what_stands_against_signing_is_looked_for(&open().await).await;
    a_stop_comes_with_what_it_is_for(&open().await).await;
    each_stop_is_its_own(&open().await).await;
    a_settled_fork_is_a_history(&open().await).await;
    a_fork_before_those_that_were_settled_stops_again(&open().await).await;
    a_checkpoint_that_is_passed_by_becomes_a_fork(&open().await).await;
    a_fork_is_proved_by_a_handful(&open().await).await;
}

/// Whoever has the other history can show each of its checkpoints; the disk is not theirs to fill.
async fn a_fork_is_proved_by_a_handful<S: Log + Registry + Recovery>(store: &S) {
    let show = async |place: u64, agreed: u64| {
        let fork = Fork {
            place,
            id: Digest::of(&place.to_be_bytes()),
            agreed,
            ours: "ours\n".into(),
            theirs: "theirs\n".into(),
            said_by: "solent".into(),
            found: at(NOON),
            settled: None,
        };
        let shown = Shown::Fork(&fork);
        store.stop(shown, "solent", at(NOON)).await.unwrap()
    };
    let kept = async || store.forks().await.unwrap().len();
    let claim = Claim {
        size: 400,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    let claim = Shown::Claim(&claim);
    store.stop(claim, "solent", at(NOON)).await.unwrap();
    assert_eq!(show(100, 0).await, Stopped::Already);
    for place in 101..200 {
        let stopped = show(place, 0).await;
        assert!(matches!(stopped, Stopped::Already | Stopped::Known));
    }
    assert_eq!(kept().await, 64);
    // What says more of where the histories part is wanted still.
    assert_eq!(show(99, 0).await, Stopped::Already);
    assert_eq!(show(300, 98).await, Stopped::Already);
    assert_eq!(kept().await, 66);
    store
        .decide("op", "Both are known.", at(NOON))
        .await
        .unwrap();
    for place in 150..250 {
        assert_eq!(show(place, 0).await, Stopped::Settled, "{place}");
    }
    assert_eq!(kept().await, 66);
}

async fn what_stands_against_signing_is_looked_for<S: Log + Registry + Recovery>(store: &S) {
    let edge = Edge::default();
    let claim = Claim {
        size: 3,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    for expected in [Stopped::Now, Stopped::Already] {
        let stopped = store.stop(Shown::Claim(&claim), "solent", at(NOON)).await;
        assert_eq!(stopped.unwrap(), expected);
    }
    assert_eq!(store.goals().await.unwrap(), [claim]);
    assert!(
        !store.resume(&edge, at(NOON)).await.unwrap(),
        "it is shorter"
    );
    let fork = Fork {
        place: 1,
        id: Digest::of(b"other"),
        agreed: 0,
        ours: "ours\n".into(),
        theirs: "theirs\n".into(),
        said_by: "solent".into(),
        found: at(NOON),
        settled: None,
    };
    store
        .stop(Shown::Fork(&fork), "solent", at(NOON))
        .await
        .unwrap();
    let again = Fork {
        theirs: "later\n".into(),
        ..fork.clone()
    };
    store
        .stop(Shown::Fork(&again), "solent", at(NOON))
        .await
        .unwrap();
    assert_eq!(store.forks().await.unwrap(), std::slice::from_ref(&fork));
    store.note_trouble(Some("damage")).await.unwrap();
    assert_eq!(
        store.stops().await.unwrap()[0].trouble.as_deref(),
        Some("damage")
    );
    store
        .decide("op", "Both are known.", at(NOON))
        .await
        .unwrap();
    let stop = store.stops().await.unwrap().remove(0);
    assert_eq!((stop.trouble, stop.decided.as_deref()), (None, Some("op")));
    assert_eq!(store.forks().await.unwrap()[0].settled, Some(at(NOON)));
    assert!(
        !store.resume(&edge, at(NOON)).await.unwrap(),
        "it is still shorter"
    );
    let settled = store.stop(Shown::Fork(&fork), "solent", at(NOON)).await;
    assert_eq!(settled.unwrap(), Stopped::Settled);
}

/// A resume that slips between a stop and what it is for would let the log sign past that: both are one transaction, so that what
/// was shown is there whenever it is stopped, also by the call after a resume. Which stop is the present one does not go by the clock.
async fn a_stop_comes_with_what_it_is_for<S: Log + Registry + Recovery>(store: &S) {
    let edge = Edge::default();
    store.stop(Shown::Restored, "op", at(NOON)).await.unwrap();
    assert!(store.resume(&edge, at(NOON)).await.unwrap());
    let earlier = at("2022-06-01T11:00:00Z");
    let claim = Claim {
        size: 3,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    let stopped = store.stop(Shown::Claim(&claim), "solent", earlier).await;
    assert_eq!(stopped.unwrap(), Stopped::Now);
    assert!(!store.resume(&edge, at(NOON)).await.unwrap());
    assert_eq!(store.goals().await.unwrap(), [claim]);
    let stops = store.stops().await.unwrap();
    let first = (stops[0].since, stops[0].cause, stops[0].ended);
    assert_eq!(first, (earlier, Cause::Larger, None));
}

/// Neither a clock that goes back nor one that stands still makes two stops one, or an ended one the present one.
async fn each_stop_is_its_own<S: Log + Registry + Recovery>(store: &S) {
    let edge = Edge::default();
    let earlier = at("2022-06-01T11:00:00Z");
    for (number, (by, since)) in
        (1..).zip([("a", NOON.parse().unwrap()), ("b", earlier), ("c", earlier)])
    {
        let stopped = store.stop(Shown::Restored, by, since).await.unwrap();
        assert_eq!(stopped, Stopped::Now);
        let stops = store.stops().await.unwrap();
        assert_eq!(stops.len(), number);
        let first = (&*stops[0].said_by, stops[0].since, stops[0].ended);
        assert_eq!(first, (by, since, None));
        assert!(stops[1..].iter().all(|stop| stop.ended.is_some()));
        store.decide(by, "All is there.", since).await.unwrap();
        assert!(store.resume(&edge, since).await.unwrap());
    }
    let stops = store.stops().await.unwrap();
    let decided: Vec<_> = stops
        .iter()
        .filter_map(|stop| stop.decided.as_deref())
        .collect();
    assert_eq!(decided, ["c", "b", "a"]);
}

/// What is settled is a history: from where it is known to begin, up to what was known to be signed when an operator decided.
async fn a_settled_fork_is_a_history<S: Log + Registry + Recovery>(store: &S) {
    let fork = |place: u64, agreed: u64| Fork {
        place,
        id: Digest::of(&place.to_be_bytes()),
        agreed,
        ours: "ours\n".into(),
        theirs: "theirs\n".into(),
        said_by: "solent".into(),
        found: at(NOON),
        settled: None,
    };
    let show = async |fork: Fork| {
        store
            .stop(Shown::Fork(&fork), "solent", at(NOON))
            .await
            .unwrap()
    };
    assert_eq!(show(fork(9, 0)).await, Stopped::Now);
    assert_eq!(show(fork(7, 6)).await, Stopped::Already);
    let claim = Claim {
        size: 20,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    store
        .stop(Shown::Claim(&claim), "solent", at(NOON))
        .await
        .unwrap();
    let later = at("2022-06-01T13:00:00Z");
    store.decide("op", "Both are known.", later).await.unwrap();
    for place in [6, 7, 8, 9, 15, 20] {
        assert_eq!(show(fork(place, 0)).await, Stopped::Settled, "{place}");
    }
    // One more proof says nothing of what an operator saw.
    assert_eq!(show(fork(19, 19)).await, Stopped::Settled);
    assert_eq!(show(fork(10, 0)).await, Stopped::Settled);
    let forks = store.forks().await.unwrap();
    assert_eq!(forks.len(), 8, "each is kept");
    assert!(forks.iter().all(|fork| fork.settled == Some(later)));
    for place in [5, 21] {
        assert_eq!(show(fork(place, 0)).await, Stopped::Already, "{place}");
        assert_eq!(show(fork(place, 0)).await, Stopped::Known, "{place}");
        let forks = store.forks().await.unwrap();
        let kept = forks.iter().find(|fork| fork.place == place).unwrap();
        assert_eq!(kept.settled, None);
    }
}

/// Checkpoints do not say where the histories part: one more that is of an earlier place than an operator saw is for an operator to see.
async fn a_fork_before_those_that_were_settled_stops_again<S: Log + Registry + Recovery>(
    store: &S,
) {
    let fork = |place: u64| Fork {
        place,
        id: Digest::of(&place.to_be_bytes()),
        agreed: 0,
        ours: "ours\n".into(),
        theirs: "theirs\n".into(),
        said_by: "solent".into(),
        found: at(NOON),
        settled: None,
    };
    let show = async |place: u64| {
        let fork = fork(place);
        let shown = Shown::Fork(&fork);
        store.stop(shown, "solent", at(NOON)).await.unwrap()
    };
    let claim = Claim {
        size: 905,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    let claim = Shown::Claim(&claim);
    store.stop(claim, "solent", at(NOON)).await.unwrap();
    assert_eq!(show(900).await, Stopped::Already);
    let later = at("2022-06-01T13:00:00Z");
    store.decide("op", "Both are known.", later).await.unwrap();
    assert_eq!(show(900).await, Stopped::Settled);
    assert_eq!(show(904).await, Stopped::Settled);
    assert_eq!(show(500).await, Stopped::Already);
    let later = at("2022-06-01T14:00:00Z");
    store.decide("op", "This one too.", later).await.unwrap();
    assert_eq!(show(700).await, Stopped::Settled);
}

/// A checkpoint that the log passes by on its way back is proof of another history, from the very transaction on in which it passes it.
async fn a_checkpoint_that_is_passed_by_becomes_a_fork<S: Log + Registry + Rollups + Recovery>(
    store: &S,
) {
    let mut sim = Sim::new(0);
    admit(store, &sim).await;
    let mut history = vec![];
    let first = month(&mut sim, &mut history);
    let claim = |size, root: &[u8]| Claim {
        size,
        root: Digest::of(root),
        note: format!("{size}\n"),
        said_by: "solent".into(),
    };
    for claim in [claim(1, b"other"), claim(2, b"b"), claim(2, b"a")] {
        store
            .stop(Shown::Claim(&claim), "solent", at(NOON))
            .await
            .unwrap();
    }
    let goals = store.goals().await.unwrap();
    assert_eq!(
        (goals.len(), goals[0].size, goals[1].size),
        (2, 2, 2),
        "each of the largest"
    );
    let back = Returned::Node(Box::new(first));
    let placed = store.put_back(&back, &Edge::default(), SIGN).await.unwrap();
    let Back::Placed(growth) = placed else {
        panic!("{placed:?}");
    };
    let forks = store.forks().await.unwrap();
    let fork = (
        forks.len(),
        forks[0].place,
        forks[0].id,
        &*forks[0].ours,
        &*forks[0].theirs,
    );
    assert_eq!(
        fork,
        (1, 1, Digest::of(b"other"), &*growth.checkpoint, "1\n")
    );
}
