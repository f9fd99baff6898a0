//! Nodes that were restored from backups which are older than the last statement in the log.

use ldsp_protocol::standard::{Codebook, Family};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;
use crate::epoch::{self, EpochError};
use crate::release::{Approval, Request, approve, prepare};
use crate::store::ledger;
use crate::submit::{StepOutcome, Submitter};
use crate::testing::{Aggregator, LEP, World, asked, at, node_key, period, place, seeded, started};
use crate::{account, enrol};

const NOW: &str = "2024-06-01T12:00:00Z";

async fn drawn(world: &World, rho_micro: Option<u64>) -> StoredRelease {
    let request = Request {
        rho_micro,
        ..asked()
    };
    let prepared = prepare(&world.store, request, "ann", at(NOW), &seeded(4)).await;
    prepared.unwrap().release
}

async fn approved(world: &World, release: &StoredRelease) {
    let approval = Approval {
        person: "bob",
        period: None,
        digest: release.digest,
    };
    let seq = approve(&world.store, &node_key(), &approval, at(NOW)).await;
    seq.unwrap();
}

async fn sent(world: &World, aggregator: &Aggregator) {
    let submitter = Submitter::new(world.store.clone(), aggregator.clone(), node_key());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (_, left) = submitter.drain(at(NOW), &mut rng).await.unwrap();
    assert_eq!(left, StepOutcome::Drained);
}

async fn published(world: &World, aggregator: &Aggregator, rho_micro: Option<u64>) {
    let release = drawn(world, rho_micro).await;
    approved(world, &release).await;
    sent(world, aggregator).await;
}

/// The node as of now, in another directory, which has heard from the log once the caller says so.
async fn copied(world: &World) -> World {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    sqlx::query("VACUUM INTO $1")
        .bind(path.to_string_lossy())
        .execute(&mut *world.store.reader.acquire().await.unwrap())
        .await
        .unwrap();
    let store = Store::open(&path).await.unwrap();
    World { store, dir }
}

async fn heard(world: &World, aggregator: &Aggregator) {
    let place = place(true);
    assert!(
        enrol::refresh(&world.store, aggregator, &place)
            .await
            .unwrap()
    );
}

async fn back(world: &World, aggregator: &Aggregator) -> Result<usize, RecoverError> {
    take_back(&world.store, aggregator, &node_key(), "ann", at(NOW)).await
}

async fn begun(world: &World) -> Result<Second, EpochError> {
    epoch::ask(&world.store, "ann", "the disk broke", at(NOW)).await?;
    epoch::confirm(&world.store, "bob", at(NOW)).await
}

/// Entries of starts in a month of the second epoch.
async fn entered(world: &World, month: usize) -> i64 {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    let standard = Standard::current();
    let months = ledger::months(&mut connection, &codebook, standard, 2).await;
    let mut tables = standard.tables().iter();
    let at = tables.position(|t| t.family == Family::Starts).unwrap();
    months.unwrap()[month - 1].tables[at].entries.iter().sum()
}

/// The newest backup was one statement old: `new-epoch` found the ledger whole, prepare and approve found it behind, for ever.
#[tokio::test]
async fn a_ledger_restored_one_statement_behind_the_log_reaches_a_second_epoch() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    let rho = Some(200_000);
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, rho).await;
    let restored = copied(&world).await;
    world.add(&started("2022-04-10")).await;
    published(&world, &aggregator, rho).await;
    drop(world);

    heard(&restored, &aggregator).await;
    let behind = prepare(&restored.store, asked(), "ann", at(NOW), &seeded(9)).await;
    assert_eq!(behind.unwrap_err().code(), "behind-log");
    let behind = epoch::ask(&restored.store, "ann", "the disk broke", at(NOW)).await;
    assert!(matches!(
        behind,
        Err(EpochError::Queue(QueueError::Behind { .. }))
    ));
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 1);
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 0);
    let lost = prepare(&restored.store, asked(), "ann", at(NOW), &seeded(9)).await;
    assert_eq!(lost.unwrap_err().code(), "ledger-lost");
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-04"));

    // The files are imported again: what began in April may be out already, what began in May is not.
    restored.add(&started("2022-04-10")).await;
    restored.add(&started("2022-05-10")).await;
    let raised = Request {
        rho_micro: Some(500_000),
        ..asked()
    };
    let raised = prepare(&restored.store, raised, "ann", at(NOW), &seeded(9)).await;
    assert_eq!(raised.unwrap_err().code(), "rho-raised");
    published(&restored, &aggregator, None).await;
    assert_eq!(entered(&restored, 1).await, 1);
    assert_eq!(aggregator.taken(), 3);
    let (stands, _) = account::standing(&restored.store, None).await.unwrap();
    assert_eq!(
        (stands.epoch, stands.rho_micro, stands.months),
        (2, 200_000, 1)
    );
    assert_eq!(stands.enrolment.whole_micro, 2 * 196_000);
}

#[tokio::test]
async fn a_backup_of_before_the_first_release_is_lost_too() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    let restored = copied(&world).await;
    for _ in 0..3 {
        published(&world, &aggregator, None).await;
    }
    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 3);
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-05"));
    published(&restored, &aggregator, None).await;
    assert_eq!(entered(&restored, 1).await, 0);
    assert_eq!(aggregator.taken(), 4);
    let twice = copied(&restored).await;
    // What is lost again is lost for good: there is no third epoch, also not where a backup does not know of the second.
    published(&restored, &aggregator, None).await;
    heard(&twice, &aggregator).await;
    assert_eq!(back(&twice, &aggregator).await.unwrap(), 1);
    assert!(matches!(begun(&twice).await, Err(EpochError::Overspent(_))));
    let first = copied(&world).await;
    heard(&first, &aggregator).await;
    assert_eq!(back(&first, &aggregator).await.unwrap(), 2);
    assert!(matches!(begun(&first).await, Err(EpochError::Overspent(_))));
    let (stands, _) = account::standing(&first.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.months), (2, 2));
}

#[tokio::test]
async fn a_month_that_the_backup_holds_as_it_was_published_is_not_lost() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, None).await;
    world.add(&started("2022-04-10")).await;
    let release = drawn(&world, None).await;
    let restored = copied(&world).await;
    approved(&world, &release).await;
    sent(&world, &aggregator).await;
    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 1);
    assert!(matches!(begun(&restored).await, Err(EpochError::Whole)));
    sent(&restored, &aggregator).await;
    published(&restored, &aggregator, None).await;
    assert_eq!(aggregator.taken(), 3);
}

/// A backup of before a month, drawn again: what was never published gives way to what was.
#[tokio::test]
async fn a_second_draw_gives_way_to_the_one_in_the_log() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, None).await;
    let restored = copied(&world).await;
    published(&world, &aggregator, None).await;
    // It had not heard of the log when it drew.
    restored.add(&started("2022-04-10")).await;
    let entropy = seeded(77);
    let again = prepare(&restored.store, asked(), "ann", at(NOW), &entropy).await;
    assert!(again.unwrap().drawn);
    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 1);
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-04"));
    restored.add(&started("2022-05-10")).await;
    published(&restored, &aggregator, None).await;
    assert_eq!(entered(&restored, 1).await, 1);
}

#[tokio::test]
async fn what_is_not_the_nodes_own_is_not_taken_back() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, None).await;
    let restored = copied(&world).await;
    published(&world, &aggregator, None).await;
    published(&world, &aggregator, None).await;
    heard(&restored, &aggregator).await;
    let foreign = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let refused = take_back(&restored.store, &aggregator, &foreign, "ann", at(NOW)).await;
    assert!(matches!(refused, Err(RecoverError::Other { seq: 2, .. })));
    // Out of order.
    aggregator.0.lock().unwrap().taken.swap(1, 2);
    let refused = back(&restored, &aggregator).await;
    assert!(matches!(refused, Err(RecoverError::Other { seq: 2, .. })));
    assert_eq!(restored.number("SELECT count(*) FROM outbox").await, 1);
}
