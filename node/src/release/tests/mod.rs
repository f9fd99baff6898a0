//! What a release promises, case by case.

mod cancelled;
mod corrections;
mod refusing;
mod standards;
mod year;

use std::collections::BTreeMap;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::standard::{Codebook, Family, Standard};
use ldsp_protocol::summary::Manifest;

use super::*;
use crate::disclosure::LedgerMonth;
use crate::release::prepare::prepare_in;
use crate::store::releases::StoredRelease;
use crate::store::{enrolment, ledger, outbox};
use crate::testing::{LEP, Row, World, at, node_key, period, seeded, started};
use crate::work::Progress;

/// After every month that the tests use.
const LATER: &str = "2024-06-01T12:00:00Z";

async fn next(world: &World) -> StoredRelease {
    let prepared = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(LATER),
        &seeded(1),
    )
    .await;
    prepared.unwrap().release
}

async fn approved(world: &World, release: &StoredRelease) -> u64 {
    let approval = Approval {
        person: "bob",
        period: None,
        digest: release.digest,
    };
    approve(&world.store, &node_key(), &approval, at(LATER))
        .await
        .unwrap()
}

async fn months(world: &World) -> Vec<LedgerMonth> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    let epoch = ledger::epochs::present(&mut connection).await.unwrap();
    let (standard, epoch) = (Standard::current(), epoch.number);
    ledger::months(&mut connection, &codebook, standard, epoch)
        .await
        .unwrap()
}

/// Entries of a ledger month by family.
fn totals(month: &LedgerMonth) -> BTreeMap<Family, i64> {
    let tables = month.standard.tables().iter().zip(&month.tables);
    let mut totals = BTreeMap::new();
    for (declared, table) in tables {
        let sum = table.entries.iter().sum::<i64>();
        let before = totals.insert(declared.family, sum);
        assert!(before.is_none_or(|b| b == sum), "{}", declared.id);
    }
    totals
}

fn left(start: &str, end: &str, stage: i64) -> Row {
    Row {
        end: Some(end.parse().unwrap()),
        stage,
        ..started(start)
    }
}

#[tokio::test]
async fn a_month_is_drawn_once() {
    let world = World::new().await;
    world.add(&started("2022-03-10")).await;
    let (store, entropy) = (&world.store, seeded(1));
    let first = prepare(store, crate::testing::asked(), "ann", at(LATER), &entropy)
        .await
        .unwrap();
    assert!(first.drawn);
    assert_eq!(first.release.period, period("2022-03"));
    // Another author, another generator, another day: the same bytes.
    let again = prepare(
        store,
        crate::testing::asked(),
        "cat",
        at("2025-01-01T00:00:00Z"),
        &seeded(9),
    )
    .await
    .unwrap();
    assert!(!again.drawn);
    assert_eq!(again.release, first.release);
    let world = world.reopened().await;
    let request = Request {
        period: Some(period("2022-03")),
        ..crate::testing::asked()
    };
    let named = prepare(&world.store, request, "cat", at(LATER), &entropy)
        .await
        .unwrap();
    assert_eq!(named.release, first.release);
    assert_eq!(world.number("SELECT count(*) FROM ledger_months").await, 1);
}

#[tokio::test]
async fn only_an_author_or_the_timetable_prepares() {
    let world = World::new().await;
    world.add(&started("2022-03-10")).await;
    let attempt = async |who: &str| {
        prepare(
            &world.store,
            crate::testing::asked(),
            who,
            at(LATER),
            &seeded(1),
        )
        .await
    };
    for who in ["bob", "ANN", "nobody"] {
        assert_eq!(attempt(who).await.unwrap_err().code(), "role", "{who}");
    }
    // A person cannot pass for the timed job.
    world
        .run("UPDATE people SET name = 'schedule' WHERE name = 'bob'")
        .await;
    assert_eq!(attempt(SCHEDULE).await.unwrap_err().code(), "role");
    assert_eq!(world.number("SELECT count(*) FROM releases").await, 0);
    world
        .run("DELETE FROM people WHERE name = 'schedule'")
        .await;
    assert!(attempt(SCHEDULE).await.unwrap().drawn);
}

#[tokio::test]
async fn killed_between_draw_and_commit_leaves_nothing() {
    let world = World::new().await;
    world.add(&started("2022-03-10")).await;
    let mut transaction = world.store.write().await.unwrap();
    let lost = prepare_in(
        &mut transaction,
        crate::testing::asked(),
        ("ann", at(LATER)),
        &seeded(1),
        &Progress::default(),
    )
    .await
    .unwrap();
    drop(transaction);
    let world = world.reopened().await;
    for sql in [
        "SELECT count(*) FROM releases",
        "SELECT count(*) FROM ledger_months",
        "SELECT count(*) FROM ledger_cells",
        "SELECT count(*) FROM enrolments WHERE counted != 0",
    ] {
        assert_eq!(world.number(sql).await, 0, "{sql}");
    }
    let prepared = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(LATER),
        &seeded(2),
    )
    .await
    .unwrap();
    assert!(prepared.drawn);
    assert_ne!(prepared.release.digest, lost.release.digest);
    assert_eq!(totals(&months(&world).await[0])[&Family::Starts], 1);
}

#[tokio::test]
async fn only_another_person_approves_what_was_shown() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    let attempt = async |person: &str, digest| {
        let approval = Approval {
            person,
            period: None,
            digest,
        };
        approve(&world.store, &node_key(), &approval, at(LATER)).await
    };
    let code = |outcome: Result<u64, ReleaseError>| outcome.unwrap_err().code();
    assert_eq!(code(attempt("ann", release.digest).await), "role");
    assert_eq!(code(attempt("ANN", release.digest).await), "own-work");
    assert_eq!(code(attempt("nobody", release.digest).await), "role");
    assert_eq!(code(attempt("bob", Digest::ZERO).await), "digest");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
    assert_eq!(attempt("bob", release.digest).await.unwrap(), 1);
    assert_eq!(code(attempt("bob", release.digest).await), "nothing-open");
    let again = Approval {
        person: "bob",
        period: Some(release.period),
        digest: release.digest,
    };
    let again = approve(&world.store, &node_key(), &again, at(LATER)).await;
    assert_eq!(code(again), "already-approved");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test]
async fn what_the_receiver_would_refuse_is_not_signed() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    approved(&world, &next(&world).await).await;
    let mut release = next(&world).await;
    // A payload of another budget than the month before: bytes, digest and ledger agree, and the rule is broken.
    let mut summary: LearningSummary = serde_json::from_slice(&release.bytes()).unwrap();
    let noise = &summary.noise;
    summary.noise = Manifest::new(Standard::current(), noise.epoch, noise.month, 100_000);
    release.parts[0].payload = serde_json::to_vec(&summary).unwrap();
    release.digest = Digest::of(&release.bytes());
    sqlx::query("UPDATE release_statements SET payload = $1 WHERE seq IS NULL")
        .bind(&release.parts[0].payload)
        .execute(&world.store.writer)
        .await
        .unwrap();
    sqlx::query("UPDATE releases SET digest = $1 WHERE approver IS NULL")
        .bind(release.digest.as_bytes().as_slice())
        .execute(&world.store.writer)
        .await
        .unwrap();
    let approval = Approval {
        person: "bob",
        period: None,
        digest: release.digest,
    };
    let outcome = approve(&world.store, &node_key(), &approval, at(LATER)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), "rule", "{error}");
    assert!(error.to_string().contains("rho stays the same"), "{error}");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test]
async fn approval_needs_a_place_in_the_federation_that_is_not_ahead() {
    let world = World::new().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    let approval = Approval {
        person: "bob",
        period: None,
        digest: release.digest,
    };
    let outcome = approve(&world.store, &node_key(), &approval, at(LATER)).await;
    assert_eq!(outcome.unwrap_err().code(), "not-enrolled");
    let mut place = crate::testing::place(false);
    place.head = outbox::Head {
        seq: 4,
        pae: Digest::of(b"later"),
    };
    let mut tx = world.store.write().await.unwrap();
    enrolment::write(&mut tx, &place).await.unwrap();
    tx.commit().await.unwrap();
    let outcome = approve(&world.store, &node_key(), &approval, at(LATER)).await;
    assert_eq!(outcome.unwrap_err().code(), "behind-log");
    assert_eq!(
        world
            .number("SELECT count(*) FROM releases WHERE approver IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_month_ends_by_londons_clock() {
    let world = World::new().await;
    world.add(&started("2022-03-31")).await;
    let attempt = async |now: &str| {
        prepare(
            &world.store,
            crate::testing::asked(),
            "ann",
            at(now),
            &seeded(1),
        )
        .await
    };
    // British Summer Time began on 27 March 2022: April begins at 23:00 UTC.
    let early = attempt("2022-03-31T22:59:59Z").await.unwrap_err();
    assert_eq!(early.code(), "not-ended");
    assert!(early.is_quiet());
    assert!(attempt("2022-03-31T23:00:00Z").await.unwrap().drawn);
}

#[tokio::test]
async fn months_come_in_order_quiet_ones_too() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let march = next(&world).await;
    let asked = |month: &str| Request {
        period: Some(period(month)),
        ..crate::testing::asked()
    };
    let early = prepare(&world.store, asked("2022-04"), "ann", at(LATER), &seeded(1)).await;
    assert_eq!(early.unwrap_err().code(), "open-release");
    approved(&world, &march).await;
    let skipped = prepare(&world.store, asked("2022-05"), "ann", at(LATER), &seeded(1)).await;
    assert_eq!(skipped.unwrap_err().code(), "order");
    let april = next(&world).await;
    assert_eq!(april.period, period("2022-04"));
    assert!(totals(&months(&world).await[1]).values().all(|n| *n == 0));
    // Nobody started in April, yet its figures are as noisy as any other's.
    let summary: LearningSummary = serde_json::from_slice(&april.bytes()).unwrap();
    let zeros = summary
        .tables
        .iter()
        .flat_map(|t| &t.cells)
        .filter(|v| **v == 0);
    assert!(zeros.count() < 3);
}

#[tokio::test]
async fn the_first_month_may_be_chosen_once() {
    let world = World::enrolled().await;
    let nothing = prepare(
        &world.store,
        Request::default(),
        "ann",
        at(LATER),
        &seeded(1),
    )
    .await;
    assert_eq!(nothing.unwrap_err().code(), "no-first-month");
    world.add(&started("2022-01-10")).await;
    let from = |month: &str| Request {
        first: Some(period(month)),
        ..crate::testing::asked()
    };
    let march = prepare(&world.store, from("2022-03"), "ann", at(LATER), &seeded(1))
        .await
        .unwrap()
        .release;
    assert_eq!(march.period, period("2022-03"));
    // What began before the first month enters with it.
    assert_eq!(totals(&months(&world).await[0])[&Family::Starts], 1);
    approved(&world, &march).await;
    let other = prepare(&world.store, from("2022-02"), "ann", at(LATER), &seeded(1)).await;
    assert_eq!(other.unwrap_err().code(), "first-month");
}

#[tokio::test]
async fn late_data_enter_the_open_month_and_nothing_enters_twice() {
    let world = World::enrolled().await;
    let id = world.add(&started("2022-03-10")).await;
    approved(&world, &next(&world).await).await;
    // Imported late: it began in March. The first one is corrected: nothing of it is counted again.
    world.add(&started("2022-03-20")).await;
    sqlx::query("UPDATE enrolments SET sex = 2, start_day = start_day + 40 WHERE id = $1")
        .bind(id)
        .execute(&world.store.writer)
        .await
        .unwrap();
    approved(&world, &next(&world).await).await;
    // It ends in May and has a destination six months on.
    sqlx::query("UPDATE enrolments SET stage = 1, end_day = $2, destination_6m = 0 WHERE id = $1")
        .bind(id)
        .bind(crate::store::day("2022-05-31".parse().unwrap()))
        .execute(&world.store.writer)
        .await
        .unwrap();
    for _ in 0..9 {
        approved(&world, &next(&world).await).await;
    }
    let months = months(&world).await;
    let of = |family: Family| -> Vec<i64> { months.iter().map(|m| totals(m)[&family]).collect() };
    assert_eq!(of(Family::Starts), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(of(Family::Leavers), [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    // May and six: November, the ninth month.
    assert_eq!(of(Family::Destination6), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(months[8].period, period("2022-11"));
}

#[tokio::test]
async fn a_third_enrolment_and_people_from_elsewhere_are_never_counted() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-01")).await;
    let third = Row {
        enters: false,
        ..started("2022-03-02")
    };
    let outside = Row {
        in_area: false,
        ..left("2022-03-02", "2022-03-20", 1)
    };
    world.add_all(&[third, outside]).await;
    next(&world).await;
    let counted = totals(&months(&world).await[0]);
    assert_eq!(
        (counted[&Family::Starts], counted[&Family::Leavers]),
        (1, 0)
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM enrolments WHERE counted != 0")
            .await,
        1
    );
}

#[tokio::test]
async fn a_transfer_ends_nothing_and_confidence_has_a_month() {
    let world = World::enrolled().await;
    let transferred = Row {
        destinations: [Some(0); 3],
        ..left("2022-03-01", "2022-03-20", 4)
    };
    let running = Row {
        confidence: Some(2),
        everyday: Some(1),
        ..started("2022-03-05")
    };
    world.add_all(&[transferred, running]).await;
    next(&world).await;
    let counted = totals(&months(&world).await[0]);
    let expected = [2, 0, 0, 0, 0, 1, 1];
    assert_eq!(Family::ALL.map(|f| counted[&f]), expected);
}

#[tokio::test]
async fn a_damaged_or_lost_ledger_is_refused() {
    for (sql, code) in [
        (
            "UPDATE ledger_cells SET entries = zeroblob(length(entries)) WHERE table_id = 'starts.pledge'",
            "storage",
        ),
        (
            "UPDATE ledger_cells SET published = zeroblob(length(published)) WHERE table_id = 'starts.pledge'",
            "storage",
        ),
        (
            "DELETE FROM ledger_cells WHERE table_id = 'everyday.tier-by-everyday'",
            "storage",
        ),
        ("DELETE FROM ledger_cells", "storage"),
        (
            "UPDATE release_statements SET payload = CAST(replace(CAST(payload AS TEXT), 'ldsp-node', 'ldsp-nude') AS BLOB)",
            "storage",
        ),
        (
            "UPDATE ledger_months SET period = period + 1",
            "ledger-lost",
        ),
        ("DELETE FROM release_statements", "ledger-lost"),
    ] {
        let world = World::enrolled().await;
        world.add(&started("2022-03-10")).await;
        approved(&world, &next(&world).await).await;
        world.run(sql).await;
        let outcome = prepare(
            &world.store,
            crate::testing::asked(),
            "ann",
            at(LATER),
            &seeded(1),
        )
        .await;
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), code, "{sql}: {error}");
        assert!(error.next().contains("backup"), "{sql}: {}", error.next());
    }
    // All of it gone, releases too, but statements were queued.
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    approved(&world, &next(&world).await).await;
    world.run("DELETE FROM ledger_cells").await;
    world.run("DELETE FROM ledger_months").await;
    world.run("DELETE FROM release_statements").await;
    world.run("DELETE FROM release_quality").await;
    world.run("DELETE FROM releases").await;
    let outcome = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(LATER),
        &seeded(1),
    )
    .await;
    assert_eq!(outcome.unwrap_err().code(), "ledger-lost");
}

#[tokio::test]
async fn the_budget_stays_what_it_began_as() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let with = |rho| Request {
        rho_micro: Some(rho),
        ..crate::testing::asked()
    };
    let first = prepare(&world.store, with(100_000), "ann", at(LATER), &seeded(1))
        .await
        .unwrap()
        .release;
    let summary: LearningSummary = serde_json::from_slice(&first.bytes()).unwrap();
    assert_eq!(summary.noise.rho_micro, 100_000);
    approved(&world, &first).await;
    let changed = prepare(&world.store, with(200_000), "ann", at(LATER), &seeded(1)).await;
    assert_eq!(changed.unwrap_err().code(), "rho");
    let second = next(&world).await;
    let summary: LearningSummary = serde_json::from_slice(&second.bytes()).unwrap();
    assert_eq!(summary.noise.rho_micro, 100_000);
}
