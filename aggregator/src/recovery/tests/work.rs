//! What a recovery costs: rows that are read, counted.

use super::*;
use crate::receive::tests::practice::entry;
use crate::store::rows_read;

/// Rows that are read while `work` is done.
async fn rows(work: impl Future<Output = ()>) -> u64 {
    let before = rows_read();
    work.await;
    rows_read() - before
}

/// Rows that are read when so many leaves come back, when the log tells what it lacks, when it looks for a way that is not there, and
/// when they are put back.
async fn cost(leaves: usize) -> [u64; 4] {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1)];
    for sim in &sims {
        world.admit(sim).await;
    }
    let dir = world.crash().await;
    let backup = copied(&dir);
    let world = World::in_dir(dir).await;
    let mut envelopes = Vec::new();
    for at in 0..leaves {
        let sim = &mut sims[at % 2];
        let sealed = sim.seal(Kind::PracticeEntry, None, entry(sim.lep.as_str()));
        sim.advance(&sealed);
        let put = world.put(&sim.path(sim.seq), sealed.envelope()).await;
        assert_eq!(put.status.as_u16(), 201, "{}", put.text());
        envelopes.push((sim.slug.clone(), sim.seq, sealed.envelope().to_vec()));
    }
    let mut lost = Vec::new();
    for (node, seq, envelope) in envelopes {
        let (leaf, receipt, _) = held(&world, &node, seq).await;
        // Only its own node and peers may read an entry yet.
        lost.push((leaf, receipt, envelope.into()));
    }
    let note = world.get("/checkpoint").await.text();
    world.crash().await;

    let world = World::in_dir(backup).await;
    hold(&world, &sims[0], &note).await;
    let last = lost.remove(leaves / 2);
    let back = rows(async {
        for leaf in &lost {
            let answer = give(&world, leaf).await;
            assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
        }
    });
    let back = back.await;
    let told = rows(async { assert_eq!(state(&world).await.missing.len(), 1) }).await;
    let stuck = rows(async {
        hold(&world, &sims[0], &note).await;
        hold(&world, &sims[1], &note).await;
    });
    let stuck = stuck.await;
    assert!(state(&world).await.stopped);
    give(&world, &last).await;
    let put_back = rows(async {
        hold(&world, &sims[0], &note).await;
    });
    let put_back = put_back.await;
    assert_eq!(world.get("/checkpoint").await.text(), note);
    sound(&world).await;
    [back, told, stuck, put_back]
}

#[tokio::test]
async fn the_work_of_a_recovery_grows_with_the_leaves_that_are_lost_and_not_faster() {
    let (few, many) = (cost(16).await, cost(64).await);
    println!("rows read for 16 leaves: {few:?}, for 64: {many:?}");
    for (few, many) in few.into_iter().zip(many) {
        // What grew with the square would be 16 times as much.
        assert!(many <= 5 * few, "{few} rows for 16 leaves, {many} for 64");
    }
}
