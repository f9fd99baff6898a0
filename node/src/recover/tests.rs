//! Nodes that were restored from backups which are older than the last statement in the log.

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::standard::{Codebook, Family};
use ldsp_protocol::statement::Statement;
use ldsp_protocol::summary::Previous;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;
use crate::epoch::{self, EpochError};
use crate::release::{Approval, Request, approve, prepare};
use crate::revision::{self, Decision};
use crate::store::ledger;
use crate::submit::{StepOutcome, Submitter};
use crate::testing::{
    Aggregator, LEP, Row, World, asked, at, node_key, period, place, seeded, started,
};
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

async fn revised(world: &World, aggregator: &Aggregator, again: bool, seq: u64) {
    let decision = Decision {
        person: "bob",
        seq,
        reason: "Published before the partnership had agreed to it.",
    };
    let (store, key) = (&world.store, node_key());
    let done = if again {
        revision::reissue(store, &key, &decision, at(NOW)).await
    } else {
        revision::withdraw(store, &key, &decision, at(NOW)).await
    };
    done.unwrap();
    sent(world, aggregator).await;
    if !again {
        aggregator.0.lock().unwrap().withdrawn.push(seq);
    }
}

async fn envelopes(world: &World) -> Vec<Vec<u8>> {
    let mut reader = world.store.reader.acquire().await.unwrap();
    let rows = outbox::all(&mut reader).await.unwrap();
    rows.into_iter().map(|row| row.envelope).collect()
}

/// What the restored node holds is one chain.
async fn verified(world: &World) {
    let place = place(true);
    let mut reader = world.store.reader.acquire().await.unwrap();
    let mut check = crate::verify::own::Check::new(&place, node_key().verifying_key());
    for row in outbox::all(&mut reader).await.unwrap() {
        check.take(&row).unwrap();
    }
    check.end().unwrap();
}

/// Statements that were sent again.
fn put_again(aggregator: &Aggregator) -> Vec<u64> {
    let state = aggregator.0.lock().unwrap();
    let puts = state
        .calls
        .iter()
        .filter(|c| c.method == crate::transport::Method::Put);
    puts.map(|c| c.path.rsplit('/').next().unwrap().parse().unwrap())
        .collect()
}

/// A month that was withdrawn and published again: its bytes are made again from what came back, and are the very ones.
#[tokio::test]
async fn a_withdrawn_month_that_came_back_is_taken_back_byte_for_byte() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, None).await;
    let restored = copied(&world).await;
    published(&world, &aggregator, None).await;
    revised(&world, &aggregator, false, 2).await;
    revised(&world, &aggregator, true, 2).await;
    // The correction, too: nobody has its words any more.
    revised(&world, &aggregator, false, 4).await;
    revised(&world, &aggregator, true, 4).await;
    published(&world, &aggregator, None).await;
    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 6);
    let (before, after) = (envelopes(&world).await, envelopes(&restored).await);
    for seq in [1, 2, 3, 5, 6, 7] {
        assert_eq!(before[seq - 1], after[seq - 1], "statement {seq}");
    }
    assert!(after[3].is_empty());
    let targets = "SELECT group_concat(seq || target, ' ') = '32 42 54 64' FROM revisions";
    assert_eq!(restored.number(targets).await, 1);
    verified(&restored).await;
    aggregator.0.lock().unwrap().calls.clear();
    sent(&restored, &aggregator).await;
    assert_eq!(
        put_again(&aggregator),
        [3, 5, 6, 7],
        "what is gone is not sent again"
    );
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-05"));
    published(&restored, &aggregator, None).await;
    assert_eq!(aggregator.taken(), 8);
    verified(&restored).await;
}

/// A month that was withdrawn and did not come back: `take_back` refused for ever. Its place is kept, with the log's receipt.
#[tokio::test]
async fn a_withdrawn_month_does_not_stop_a_restored_node() {
    for months_after in [0, 1] {
        let (world, aggregator) = (World::enrolled().await, Aggregator::new());
        world.add(&started("2022-03-10")).await;
        published(&world, &aggregator, None).await;
        let restored = copied(&world).await;
        published(&world, &aggregator, None).await;
        for _ in 0..months_after {
            published(&world, &aggregator, None).await;
        }
        revised(&world, &aggregator, false, 2).await;
        heard(&restored, &aggregator).await;
        assert_eq!(
            back(&restored, &aggregator).await.unwrap(),
            2 + months_after
        );
        let kept = "SELECT count(*) FROM outbox WHERE seq = 2 AND length(envelope) = 0 AND receipt IS NOT NULL AND log_index IS NOT NULL \
                    AND acknowledged_at IS NOT NULL AND period = (SELECT period + 1 FROM outbox WHERE seq = 1)";
        assert_eq!(restored.number(kept).await, 1);
        verified(&restored).await;
        let again = Decision {
            person: "bob",
            seq: 2,
            reason: "It is agreed now.",
        };
        let gone = revision::reissue(&restored.store, &node_key(), &again, at(NOW)).await;
        assert_eq!(gone.unwrap_err().code(), "content-gone");
        let lost = prepare(&restored.store, asked(), "ann", at(NOW), &seeded(9)).await;
        assert_eq!(lost.unwrap_err().code(), "ledger-lost");
        let last = ["2022-04", "2022-05"][months_after];
        assert_eq!(begun(&restored).await.unwrap().after, period(last));
        published(&restored, &aggregator, None).await;
        assert_eq!(aggregator.taken(), 4 + months_after);
    }
}

/// The backup knows of no second epoch and the log has given up the months that would tell of it: the node took itself to be in the first,
/// and the log refused what it then published, for ever.
#[tokio::test]
async fn a_withdrawn_month_of_an_epoch_that_the_backup_does_not_know_is_of_that_epoch() {
    for months_after in [0, 1] {
        let (world, aggregator) = (World::enrolled().await, Aggregator::new());
        world.add(&started("2022-03-10")).await;
        published(&world, &aggregator, None).await;
        let (restored, refusing) = (copied(&world).await, copied(&world).await);
        let lost = "UPDATE ledger_cells SET entries = zeroblob(8)";
        world.run(lost).await;
        begun(&world).await.unwrap();
        published(&world, &aggregator, None).await;
        for _ in 0..months_after {
            published(&world, &aggregator, None).await;
        }
        revised(&world, &aggregator, false, 2).await;

        aggregator.0.lock().unwrap().terse = true;
        heard(&refusing, &aggregator).await;
        let refused = back(&refusing, &aggregator).await.unwrap_err();
        assert!(
            matches!(refused, RecoverError::Epoch { seq: 2 }),
            "{refused}"
        );
        assert!(refused.next().contains("upgrade the aggregator"));
        assert_eq!(refusing.number("SELECT count(*) FROM outbox").await, 1);
        aggregator.0.lock().unwrap().terse = false;

        heard(&restored, &aggregator).await;
        let taken = back(&restored, &aggregator).await.unwrap();
        assert_eq!(taken, 2 + months_after);
        let mut reader = restored.store.reader.acquire().await.unwrap();
        let present = epochs::present(&mut reader).await.unwrap();
        assert_eq!(
            (present.number, present.after),
            (2, Some(period("2022-03")))
        );
        drop(reader);
        let stopped = prepare(&restored.store, asked(), "ann", at(NOW), &seeded(9)).await;
        assert_eq!(stopped.unwrap_err().code(), "ledger-lost");
        let third = begun(&restored).await.unwrap_err();
        assert!(matches!(third, EpochError::Overspent(_)), "{third}");
        assert!(third.next().contains("cannot publish"), "{}", third.next());
        // What else it has to say goes on.
        verified(&restored).await;
        sent(&restored, &aggregator).await;
    }
}

/// What each standard's stream of the log holds, each month as a receiver takes it behind the one before: month, epoch, month of the epoch.
fn logged(aggregator: &Aggregator, standard: &Standard) -> Vec<(String, u32, usize)> {
    let state = aggregator.0.lock().unwrap();
    let mut months = Vec::new();
    let mut previous: Option<Previous> = None;
    for (_, envelope) in &state.taken {
        let sealed = Unverified::parse(envelope).unwrap();
        let sealed = sealed.verify(&node_key().verifying_key()).unwrap();
        let statement = Statement::read(&sealed).unwrap();
        let Payload::LearningSummary(summary) = statement.payload else {
            continue;
        };
        if statement.standard != standard.digest() {
            continue;
        }
        let lep = LEP.parse().unwrap();
        summary.check(standard, &lep, previous.as_ref()).unwrap();
        let (epoch, month) = (summary.noise.epoch, summary.noise.month);
        previous = Some(Previous {
            epoch,
            month,
            rho_micro: summary.noise.rho_micro,
            pledges: summary.pledges,
        });
        months.push((statement.period.unwrap().to_string(), epoch, month));
    }
    months
}

/// A month leaves as one statement for each standard, and the database was lost between the two: the second epoch began behind that month, and
/// the log refused the later standard's next one for ever.
#[tokio::test]
async fn a_month_of_which_one_half_was_published_is_published_under_the_other() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    let first = Request {
        standard: Standard::v1(),
        ..asked()
    };
    let release = prepare(&world.store, first, "ann", at(NOW), &seeded(4)).await;
    approved(&world, &release.unwrap().release).await;
    world.add(&started("2022-04-10")).await;
    published(&world, &aggregator, None).await;
    let restored = copied(&world).await;
    let release = drawn(&world, None).await;
    approved(&world, &release).await;
    let submitter = Submitter::new(world.store.clone(), aggregator.clone(), node_key());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    submitter.step(at(NOW), true, &mut rng).await.unwrap();
    assert_eq!((release.parts.len(), aggregator.taken()), (2, 4));
    drop(world);

    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 1);
    let lost = prepare(&restored.store, asked(), "ann", at(NOW), &seeded(9)).await;
    assert_eq!(lost.unwrap_err().code(), "ledger-lost");
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-04"));
    // In May one of each standard ends, one of which nobody knows the standard, and one begins. The first was published in May, the third
    // may have been.
    restored
        .run("UPDATE enrolments SET stage = 1, end_day = start_day + 62 WHERE id = 1")
        .await;
    restored
        .run("UPDATE enrolments SET stage = 1, end_day = start_day + 31 WHERE id = 2")
        .await;
    let unknown = Row {
        end: Some("2022-05-20".parse().unwrap()),
        stage: 1,
        ..started("2022-04-20")
    };
    restored.add(&unknown).await;
    restored.add(&started("2022-05-10")).await;

    let may = drawn(&restored, None).await;
    let parts: Vec<_> = may
        .parts
        .iter()
        .map(|p| (p.standard.version(), p.epoch, p.month))
        .collect();
    assert_eq!((may.period, parts), (period("2022-05"), vec![(2, 2, 1)]));
    approved(&restored, &may).await;
    sent(&restored, &aggregator).await;
    published(&restored, &aggregator, None).await;
    let of = |months: [(&str, u32, usize); 3]| months.map(|(p, e, m)| (p.to_owned(), e, m));
    let old = of([("2022-04", 1, 2), ("2022-05", 1, 3), ("2022-06", 2, 1)]);
    let new = of([("2022-04", 1, 1), ("2022-05", 2, 1), ("2022-06", 2, 2)]);
    assert_eq!(logged(&aggregator, Standard::v1())[1..], old);
    assert_eq!(logged(&aggregator, Standard::v2()), new);
    verified(&restored).await;

    let mut reader = restored.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    for (standard, family, expected) in [
        (Standard::v1(), Family::Leavers, vec![0]),
        (Standard::v2(), Family::Starts, vec![1, 0]),
        (Standard::v2(), Family::Leavers, vec![1, 0]),
    ] {
        let months = ledger::months(&mut reader, &codebook, standard, 2).await;
        let mut tables = standard.tables().iter();
        let table = tables.position(|t| t.family == family).unwrap();
        let entered = months.unwrap();
        let entered = entered
            .iter()
            .map(|m| m.tables[table].entries.iter().sum::<i64>());
        assert_eq!(entered.collect::<Vec<_>>(), expected, "{family:?}");
    }
    drop(reader);
    let (stands, _) = account::standing(&restored.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.months), (2, 2));
    let whole = epoch::check(&mut restored.store.reader.acquire().await.unwrap()).await;
    assert_eq!(whole.unwrap(), Ok(2));
}

/// The first month of all, in a backup of before it: the one after it tells which it was. Alone, nothing does.
#[tokio::test]
async fn a_withdrawn_first_month_is_dated_by_the_next() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    let (restored, alone) = (copied(&world).await, copied(&world).await);
    published(&world, &aggregator, None).await;
    revised(&world, &aggregator, false, 1).await;
    heard(&alone, &aggregator).await;
    let refused = back(&alone, &aggregator).await.unwrap_err();
    assert!(
        matches!(refused, RecoverError::Month { seq: 1 }),
        "{refused}"
    );
    assert_eq!(alone.number("SELECT count(*) FROM outbox").await, 0);
    published(&world, &aggregator, None).await;
    heard(&restored, &aggregator).await;
    assert_eq!(back(&restored, &aggregator).await.unwrap(), 3);
    verified(&restored).await;
    assert_eq!(begun(&restored).await.unwrap().after, period("2022-04"));
}

/// What the log says is gone has to be withdrawn by this node itself.
#[tokio::test]
async fn a_statement_that_nothing_withdraws_is_not_taken_as_gone() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    world.add(&started("2022-03-10")).await;
    published(&world, &aggregator, None).await;
    let restored = copied(&world).await;
    published(&world, &aggregator, None).await;
    published(&world, &aggregator, None).await;
    aggregator.0.lock().unwrap().withdrawn.push(2);
    heard(&restored, &aggregator).await;
    let refused = back(&restored, &aggregator).await;
    assert!(matches!(refused, Err(RecoverError::Other { seq: 2, .. })));
    assert_eq!(restored.number("SELECT count(*) FROM outbox").await, 1);
}
