use ldsp_protocol::ids::Digest;
use ldsp_protocol::standard::{Family, Standard};

use super::*;
use crate::account::standing;
use crate::disclosure::{LedgerMonth, LedgerTable};
use crate::release::{Approval, approve, prepare};
use crate::store::releases::StoredRelease;
use crate::testing::{LEP, Row, World, at, node_key, period, seeded, started};

const NOW: &str = "2024-06-01T12:00:00Z";

/// A node that published March to May 2022.
async fn published() -> World {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    world.add(&started("2022-04-10")).await;
    for _ in 0..3 {
        publish(&world).await;
    }
    world
}

async fn publish(world: &World) -> StoredRelease {
    publish_at(world, None).await
}

async fn publish_at(world: &World, rho_micro: Option<u64>) -> StoredRelease {
    let request = crate::release::Request {
        rho_micro,
        ..crate::testing::asked()
    };
    let prepared = prepare(&world.store, request, "ann", at(NOW), &seeded(4)).await;
    let release = prepared.unwrap().release;
    let approval = Approval {
        person: "bob",
        period: None,
        digest: release.digest,
    };
    let queued = approve(&world.store, &node_key(), &approval, at(NOW)).await;
    queued.unwrap();
    release
}

/// One bit of what entered in April is another.
async fn damage(world: &World) {
    world
        .run("UPDATE ledger_cells SET entries = zeroblob(length(entries)), published = published WHERE month = 2")
        .await;
}

async fn begin(world: &World) -> Result<Second, EpochError> {
    ask(&world.store, "ann", "the disk lost a page", at(NOW)).await?;
    confirm(&world.store, "bob", at(NOW)).await
}

async fn months(world: &World, epoch: u32) -> Vec<LedgerMonth> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    let months = ledger::months(&mut connection, &codebook, Standard::current(), epoch).await;
    months.unwrap()
}

/// Entries of a family in a month of the ledger.
async fn entered(world: &World, epoch: u32, month: usize, family: Family) -> i64 {
    let months = months(world, epoch).await;
    let at = Standard::current()
        .tables()
        .iter()
        .position(|t| t.family == family)
        .unwrap();
    months[month - 1].tables[at].entries.iter().sum()
}

#[tokio::test]
async fn a_lost_ledger_is_gone_on_from_by_two_people_and_nothing_is_counted_twice() {
    let world = published().await;
    damage(&world).await;
    let stopped = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(9),
    )
    .await;
    assert_eq!(stopped.unwrap_err().code(), "storage");
    let asked = ask(&world.store, "ann", " the disk lost a page ", at(NOW))
        .await
        .unwrap();
    assert_eq!(
        (asked.after, asked.reason.as_str()),
        (period("2022-05"), "the disk lost a page")
    );
    // One person's word changes nothing.
    let still = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(NOW),
        &seeded(9),
    )
    .await;
    assert_eq!(still.unwrap_err().code(), "storage");
    confirm(&world.store, "bob", at(NOW)).await.unwrap();

    // A new start in June enters; those of March and April were published and do not.
    world.add(&started("2022-06-02")).await;
    let release = publish(&world).await;
    assert_eq!(
        (
            release.parts[0].epoch,
            release.parts[0].month,
            release.period
        ),
        (2, 1, period("2022-06"))
    );
    assert_eq!(entered(&world, 2, 1, Family::Starts).await, 1);
    // An ending of an earlier enrolment is a new fact.
    world
        .run("UPDATE enrolments SET stage = 1, end_day = start_day + 110 WHERE id = 1")
        .await;
    let second = publish(&world).await;
    assert_eq!((second.parts[0].epoch, second.parts[0].month), (2, 2));
    assert_eq!(entered(&world, 2, 2, Family::Starts).await, 0);
    let leavers =
        entered(&world, 2, 1, Family::Leavers).await + entered(&world, 2, 2, Family::Leavers).await;
    assert_eq!(leavers, 1);
    let audit = world.store.audit_entries(20).await.unwrap();
    let acts: Vec<(&str, &str)> = audit
        .iter()
        .map(|e| (e.who.as_str(), e.action.as_str()))
        .collect();
    assert!(
        acts.contains(&("ann", "second epoch asked for")),
        "{acts:?}"
    );
    assert!(
        acts.contains(&("bob", "second epoch confirmed")),
        "{acts:?}"
    );
}

#[tokio::test]
async fn what_came_late_before_the_loss_stays_local() {
    let world = published().await;
    // Known only now, and of a month that is published.
    world.add(&started("2022-03-20")).await;
    damage(&world).await;
    begin(&world).await.unwrap();
    publish(&world).await;
    assert_eq!(entered(&world, 2, 1, Family::Starts).await, 0);
}

/// Facts that had never entered were marked as counted, so that a change took one out of a cell that never held it.
#[tokio::test]
async fn nothing_of_before_the_loss_is_corrected_after_it() {
    // Room for corrections.
    let rho = Some(100_000);
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    publish_at(&world, rho).await;
    world.add(&started("2022-03-20")).await;
    damage(&world).await;
    world
        .run("UPDATE ledger_cells SET entries = zeroblob(8)")
        .await;
    begin(&world).await.unwrap();
    // The one was published, the other came late and was not. Both end now, under another skill.
    world
        .run("UPDATE enrolments SET skill = 3, stage = 1, end_day = start_day + 35")
        .await;
    publish_at(&world, rho).await;
    let months = months(&world, 2).await;
    for (declared, table) in Standard::current().tables().iter().zip(&months[0].tables) {
        let negative = table.entries.iter().any(|x| *x < 0);
        let expected = if declared.family == Family::Leavers {
            2
        } else {
            0
        };
        assert!(!negative, "{}", declared.id);
        assert_eq!(
            table.entries.iter().sum::<i64>(),
            expected,
            "{}",
            declared.id
        );
    }
    // What entered the second epoch is corrected in it.
    world
        .run("UPDATE enrolments SET skill = 5 WHERE id = 1")
        .await;
    publish_at(&world, rho).await;
    let negative = |t: &&LedgerTable| t.entries.iter().any(|x| *x < 0);
    let months = self::months(&world, 2).await;
    assert_eq!(months[1].tables.iter().filter(negative).count(), 1);
}

/// What was imported after the confirmation about earlier months entered.
#[tokio::test]
async fn what_comes_later_about_earlier_months_stays_local_whatever_becomes_of_its_date() {
    let world = published().await;
    damage(&world).await;
    begin(&world).await.unwrap();
    world.add(&started("2022-05-20")).await;
    publish(&world).await;
    assert_eq!(entered(&world, 2, 1, Family::Starts).await, 0);
    world
        .run("UPDATE enrolments SET start_day = start_day + 40, stage = 1, end_day = start_day + 41 WHERE id = 3")
        .await;
    publish(&world).await;
    assert_eq!(entered(&world, 2, 2, Family::Starts).await, 0);
    assert_eq!(entered(&world, 2, 2, Family::Leavers).await, 1);
}

#[tokio::test]
async fn the_second_epoch_costs_another_budget_and_the_third_is_refused() {
    let world = published().await;
    damage(&world).await;
    begin(&world).await.unwrap();
    publish(&world).await;
    let (stands, second) = standing(&world.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.months), (2, 1));
    assert_eq!(stands.enrolment.whole_micro, 980_000);
    assert_eq!(second.unwrap().confirmed.unwrap().0, "bob");
    world.run("DELETE FROM ledger_cells WHERE epoch = 2").await;
    let third = begin(&world).await.unwrap_err();
    assert!(
        matches!(third, EpochError::Overspent(Overspent::Epoch(3))),
        "{third}"
    );
}

#[tokio::test]
async fn a_whole_ledger_an_open_release_and_the_wrong_people_are_refused() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let asked = async |who: &str, reason: &str| ask(&world.store, who, reason, at(NOW)).await;
    assert!(matches!(asked("ann", "why").await, Err(EpochError::Whole)));
    let release = publish(&world).await;
    assert!(matches!(asked("ann", "why").await, Err(EpochError::Whole)));
    world
        .run("DELETE FROM ledger_cells WHERE month = 1 AND table_id = 'starts.pledge'")
        .await;
    assert!(matches!(
        asked("bob", "why").await,
        Err(EpochError::NotCoordinator(_))
    ));
    assert!(matches!(
        asked("ann", "  ").await,
        Err(EpochError::Reason(_))
    ));
    // It is shown to everybody who asks what the node has cost.
    let named = asked("ann", "the disk of jo@example.org broke").await;
    assert!(named.unwrap_err().to_string().contains("personal data"));
    assert!(matches!(
        confirm(&world.store, "bob", at(NOW)).await,
        Err(EpochError::NotAsked)
    ));
    asked("ann", "why").await.unwrap();
    assert!(matches!(
        confirm(&world.store, "cat", at(NOW)).await,
        Err(EpochError::NotApprover(_))
    ));
    assert!(matches!(
        confirm(&world.store, "ANN", at(NOW)).await,
        Err(EpochError::OwnWork(_))
    ));
    assert_ne!(release.digest, Digest::ZERO);
    assert_eq!(
        world
            .number("SELECT count(*) FROM ledger_epochs WHERE confirmed_by IS NOT NULL")
            .await,
        0
    );
}

/// It stood in the way of a second epoch for ever.
#[tokio::test]
async fn a_month_that_was_drawn_and_not_published_is_counted_in_the_second_epoch() {
    let world = published().await;
    let asked = crate::testing::asked();
    world.add(&started("2022-06-10")).await;
    // Late: it would have entered the month that is lost.
    world.add(&started("2022-04-20")).await;
    // Published in March, and dated later since: it does not enter again.
    world
        .run("UPDATE enrolments SET start_day = start_day + 100 WHERE id = 1")
        .await;
    let drawn = prepare(&world.store, asked, "ann", at(NOW), &seeded(4)).await;
    assert!(drawn.unwrap().drawn);
    assert_eq!(entered(&world, 1, 4, Family::Starts).await, 2);
    damage(&world).await;
    let second = begin(&world).await.unwrap();
    assert_eq!(second.after, period("2022-05"));
    assert_eq!(world.number("SELECT count(*) FROM releases").await, 3);
    let release = publish(&world).await;
    assert_eq!(release.period, period("2022-06"));
    assert_eq!((release.parts[0].epoch, release.parts[0].month), (2, 1));
    assert_eq!(entered(&world, 2, 1, Family::Starts).await, 1);
    assert_eq!(
        world
            .number("SELECT counted & ~withheld FROM enrolments WHERE id = 3")
            .await,
        1
    );
}

/// An edited configuration made the second epoch cost more than the first had.
#[tokio::test]
async fn the_second_epoch_costs_no_more_than_the_first() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    publish_at(&world, Some(100_000)).await;
    world
        .run("UPDATE ledger_cells SET entries = zeroblob(8)")
        .await;
    begin(&world).await.unwrap();
    let request = |rho_micro| crate::release::Request {
        rho_micro,
        ..crate::testing::asked()
    };
    let ask = async |rho| prepare(&world.store, request(rho), "ann", at(NOW), &seeded(4)).await;
    let raised = ask(Some(500_000)).await.unwrap_err();
    assert_eq!(raised.code(), "rho-raised", "{raised}");
    publish_at(&world, None).await;
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.rho_micro), (2, 100_000));
}

#[tokio::test]
async fn an_erased_record_leaves_the_anonymous_entries_as_they_were() {
    let world = published().await;
    let before = entered(&world, 1, 1, Family::Starts).await;
    world.erase(1).await;
    publish(&world).await;
    assert_eq!(
        (before, entered(&world, 1, 1, Family::Starts).await),
        (1, 1)
    );
    // Nothing is taken back in the month of the erasure either.
    assert_eq!(entered(&world, 1, 4, Family::Starts).await, 0);
}

#[tokio::test]
async fn late_data_enter_in_the_month_in_which_they_become_known() {
    let world = published().await;
    let late = Row {
        end: Some("2022-04-20".parse().unwrap()),
        stage: 1,
        ..started("2022-03-15")
    };
    world.add(&late).await;
    let release = publish(&world).await;
    assert_eq!(release.period, period("2022-06"));
    assert_eq!(entered(&world, 1, 4, Family::Starts).await, 1);
    assert_eq!(entered(&world, 1, 4, Family::Leavers).await, 1);
    assert_eq!(entered(&world, 1, 1, Family::Starts).await, 1);
    publish(&world).await;
    assert_eq!(entered(&world, 1, 5, Family::Starts).await, 0);
}
