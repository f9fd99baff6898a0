//! A log that signed two histories.

use ldsp_protocol::log::Checkpoint;
use ldsp_protocol::recovery::Run;

use super::*;
use crate::store::Fork;

#[tokio::test]
async fn a_fork_is_kept_as_proof_and_the_longer_history_is_followed() {
    let past = past().await;
    let kept = copied(&past.backup);
    let mut sims = past.sims;
    // Restored and served without a word: before anybody shows it more, it signs another leaf in the place of one.
    let world = World::in_dir(past.backup).await;
    let mut fresh = Sim::named("late-comer", "E37000007", 9);
    world.admit(&fresh).await;
    publish(&world, &mut fresh).await;
    let short = world.get("/checkpoint").await.text();
    let strays = [
        held(&world, &own::name(), 3).await,
        held(&world, &fresh.slug, 1).await,
    ];
    refused(&hold(&world, &sims[0], &past.note).await, 503, "log-behind");
    let next = &past.held[0];
    assert_eq!(next.0, past.before, "the first that it lacks");
    refused(&give(&world, next).await, 503, "log-behind");
    let forks = world.service.store.forks().await.unwrap();
    assert_eq!((forks.len(), forks[0].place), (1, past.before));
    assert!(forks[0].ours.contains("tlog-proof") && forks[0].theirs == next.1);
    // It cannot be led past what it does not have.
    let now = world.service.now();
    let decided = world
        .service
        .recovery()
        .go_on("op", "We saw it.", now)
        .await
        .unwrap();
    assert_eq!(decided, Progress::Incomplete);
    world.crash().await;

    // The backup again, told this time: both histories come back, and the longer one stands.
    let world = World::in_dir(kept).await;
    world.service.recovery().begin("op", now).await.unwrap();
    for leaf in strays.iter().chain(&past.held) {
        assert_eq!(give(&world, leaf).await.status.as_u16(), 202);
    }
    hold(&world, &sims[0], &past.note).await;
    hold(&world, &sims[1], &short).await;
    hold(&world, &sims[2], &past.note).await;
    assert!(state(&world).await.stopped, "people look at a fork");
    assert!(!world.service.store.forks().await.unwrap().is_empty());
    let recovery = world.service.recovery();
    assert_eq!(
        recovery.go_on("op", "We saw it.", now).await.unwrap(),
        Progress::Signs
    );
    assert_eq!(world.get("/checkpoint").await.text(), past.note);
    sound(&world).await;
    // Whoever shows the short history again stops nothing: its proof is settled.
    let answer = hold(&world, &sims[1], &short).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.text());
    publish(&world, &mut sims[1]).await;
    sound(&world).await;
    let size = Checkpoint::claimed(&past.note).unwrap().size;
    assert_eq!(world.service.store.size().await.unwrap(), size + 1);
}

/// The history that the restored log began beside that of [`Past`]: a node that nobody else knows, statements of which two stand in both,
/// one of them at the same place.
struct Other {
    fresh: Sim,
    held: Vec<Held>,
    /// Each checkpoint that it signed, smallest first.
    notes: Vec<String>,
}

impl Other {
    /// With `more` statements at the end.
    async fn of(past: &Past, more: usize) -> Self {
        let world = World::in_dir(copied(&past.backup)).await;
        let mut notes = Vec::new();
        let note = async || world.get("/checkpoint").await.text();
        let mut fresh = Sim::named("late-comer", "E37000007", 9);
        world.admit(&fresh).await;
        notes.push(note().await);
        publish(&world, &mut fresh).await;
        notes.push(note().await);
        for (node, at) in [(0, 0), (1, 2)] {
            let place = past.sims[node].path(2);
            let put = world.put(&place, &past.held[at].2).await;
            assert_eq!(put.status.as_u16(), 201, "{}", put.text());
            notes.push(note().await);
        }
        for _ in 0..more {
            publish(&world, &mut fresh).await;
            notes.push(note().await);
        }
        let mut given = vec![held(&world, &own::name(), 3).await];
        for seq in 1..=fresh.seq {
            given.push(held(&world, &fresh.slug, seq).await);
        }
        for sim in &past.sims[..2] {
            given.push(held(&world, &sim.slug, 2).await);
        }
        assert_eq!(given.last().unwrap().0, past.held[2].0, "one place of both");
        assert_ne!(given.last().unwrap().1, past.held[2].1);
        let held = given;
        Self { fresh, held, notes }
    }

    fn note(&self) -> &str {
        self.notes.last().unwrap()
    }
}

async fn restored(past: &Past) -> World {
    let world = World::in_dir(copied(&past.backup)).await;
    let now = world.service.now();
    world.service.recovery().begin("op", now).await.unwrap();
    world
}

async fn given(world: &World, leaves: impl IntoIterator<Item = &Held>) {
    for leaf in leaves {
        let answer = give(world, leaf).await;
        assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
    }
}

async fn go_on(world: &World) -> Progress {
    let now = world.service.now();
    let recovery = world.service.recovery();
    recovery.go_on("op", "We saw it.", now).await.unwrap()
}

/// An operator decides until nothing new turned up to decide.
async fn settled(world: &World) {
    if go_on(world).await == Progress::Forked {
        assert_eq!(go_on(world).await, Progress::Signs);
    }
    assert!(!state(world).await.stopped);
}

#[tokio::test]
async fn a_leaf_of_one_history_takes_no_leaf_of_the_other_away_and_the_lost_branch_is_sent_again() {
    let past = past().await;
    let other = Other::of(&past, 0).await;
    for ours_first in [true, false] {
        let world = restored(&past).await;
        if ours_first {
            given(&world, past.held.iter().chain(&other.held)).await;
        } else {
            given(&world, other.held.iter().chain(&past.held)).await;
        }
        assert_eq!(state(&world).await.missing, []);
        hold(&world, &past.sims[0], &past.note).await;
        hold(&world, &past.sims[1], other.note()).await;
        settled(&world).await;
        assert_eq!(world.get("/checkpoint").await.text(), past.note);
        sound(&world).await;

        // The node of the other history is known to nobody: it is let in again, and sends again what has no place now.
        world.admit(&other.fresh).await;
        let size = world.service.store.size().await.unwrap();
        let lost = other.fresh.path(1);
        let put = world.put(&lost, &other.held[1].2).await;
        assert_eq!(put.status.as_u16(), 201, "{}", put.text());
        assert_eq!(held(&world, &other.fresh.slug, 1).await.0, size);
        // What stands in both has its place.
        for (node, at) in [(0, 0), (1, 2)] {
            let put = world.put(&past.sims[node].path(2), &past.held[at].2).await;
            assert_eq!(put.status.as_u16(), 200, "{}", put.text());
        }
        sound(&world).await;
    }
}

#[tokio::test]
async fn a_leaf_is_missing_where_only_the_other_historys_is_there() {
    let past = past().await;
    let other = Other::of(&past, 0).await;
    let world = restored(&past).await;
    given(&world, &other.held).await;
    let (last, rest): (Vec<&Held>, Vec<&Held>) =
        past.held.iter().partition(|leaf| leaf.0 >= past.before + 4);
    given(&world, last).await;
    let missing = Run {
        first: past.before,
        last: past.before + 3,
    };
    assert_eq!(state(&world).await.missing, [missing]);
    given(&world, rest).await;
    assert_eq!(state(&world).await.missing, []);
    settled(&world).await;
    assert_eq!(world.get("/checkpoint").await.text(), past.note);
    sound(&world).await;
}

#[tokio::test]
async fn of_two_histories_of_one_length_the_one_that_is_there_is_followed_whoever_shows_which() {
    let past = past().await;
    let other = Other::of(&past, 2).await;
    let size = |note: &str| Checkpoint::claimed(note).unwrap().size;
    assert_eq!(size(&past.note), size(other.note()));
    for (first, second) in [(&past.note, other.note()), (&other.notes[5], &*past.note)] {
        for (there, partly, note) in [
            (&past.held, &other.held, &*past.note),
            (&other.held, &past.held, other.note()),
        ] {
            let world = restored(&past).await;
            hold(&world, &past.sims[0], first).await;
            hold(&world, &past.sims[1], second).await;
            given(&world, there.iter().chain(&partly[1..3])).await;
            assert!(!state(&world).await.missing.is_empty(), "of the other one");
            settled(&world).await;
            assert_eq!(world.get("/checkpoint").await.text(), note);
            sound(&world).await;
            let forks = world.service.store.forks().await.unwrap();
            let told = |fork: &Fork| fork.place == size(note) && fork.settled.is_some();
            assert_eq!(forks.iter().filter(|fork| told(fork)).count(), 1);
        }
    }
}

#[tokio::test]
async fn more_of_a_settled_history_is_kept_as_proof_and_stops_nothing() {
    let past = past().await;
    let other = Other::of(&past, 0).await;
    let world = restored(&past).await;
    given(&world, &past.held).await;
    hold(&world, &past.sims[0], &past.note).await;
    // The first that it signed otherwise, and the last.
    hold(&world, &past.sims[1], &other.notes[0]).await;
    hold(&world, &past.sims[1], other.note()).await;
    settled(&world).await;
    let forks = async |world: &World| world.service.store.forks().await.unwrap();
    assert_eq!(
        forks(&world).await.len(),
        2,
        "the checkpoints that were shown"
    );
    // Every other checkpoint of it, and every receipt.
    for note in &other.notes {
        let answer = hold(&world, &past.sims[1], note).await;
        assert_eq!(answer.status.as_u16(), 204, "{}", answer.text());
    }
    assert_eq!(forks(&world).await.len(), other.notes.len());
    for leaf in &other.held {
        give(&world, leaf).await;
    }
    assert!(!state(&world).await.stopped);
    let known = forks(&world).await;
    assert!(known.len() > other.notes.len());
    assert!(known.iter().all(|fork| fork.settled.is_some()));
    assert_eq!(world.service.store.stops().await.unwrap().len(), 1);

    // A third history, beyond what was settled, stops it.
    let mut sims = past.sims;
    let twin = world.crash().await;
    let world = World::in_dir(copied(&twin)).await;
    let third = World::in_dir(twin).await;
    publish(&world, &mut sims[0]).await;
    publish(&third, &mut sims[1]).await;
    let note = third.get("/checkpoint").await.text();
    refused(&hold(&world, &sims[2], &note).await, 503, "log-behind");
    assert!(state(&world).await.stopped);
}
