//! A published correction is a -1 and a +1, once for an enrolment, where its budget has room; nothing is counted again.

use super::*;
use crate::account::standing;
use crate::store::kept::Kept as _;

/// A node with room for corrections.
const RHO: Option<u64> = Some(200_000);
const SKILLS: &str = "leavers.skill-by-outcome";

async fn drawn(world: &World, rho_micro: Option<u64>) -> LedgerMonth {
    let request = Request {
        rho_micro,
        ..crate::testing::asked()
    };
    let prepared = prepare(&world.store, request, "ann", at(LATER), &seeded(1)).await;
    let release = prepared.unwrap().release;
    approved(world, &release).await;
    months(world).await.pop().unwrap()
}

async fn published(world: &World) -> usize {
    let exact = crate::account::corrections(&world.store).await.unwrap();
    exact.for_signed_in_page()
}

/// The account told everybody how many enrolments had been corrected, and what the dearest bore.
#[tokio::test]
async fn what_anybody_may_read_of_the_account_depends_on_no_record() {
    let mut told = Vec::new();
    for corrected in [false, true] {
        let world = World::enrolled().await;
        world.add(&left("2022-03-10", "2022-03-20", 1)).await;
        drawn(&world, RHO).await;
        if corrected {
            world
                .run("UPDATE enrolments SET skill = 3, ethnicity = 2")
                .await;
        }
        drawn(&world, RHO).await;
        assert_eq!(published(&world).await, usize::from(corrected));
        let (stands, _) = standing(&world.store, RHO).await.unwrap();
        told.push(serde_json::to_string(&stands).unwrap());
    }
    assert_eq!(told[0], told[1]);
}

/// Cells of a table that are not 0.
fn cells(month: &LedgerMonth, id: &str) -> Vec<(usize, i64)> {
    let at = Standard::current()
        .tables()
        .iter()
        .position(|t| t.id == id)
        .unwrap();
    let cells = month.tables[at].entries.iter().copied().enumerate();
    cells.filter(|(_, x)| *x != 0).collect()
}

#[tokio::test]
async fn a_correction_moves_one_and_is_published_once() {
    let world = World::enrolled().await;
    world.add(&left("2022-03-10", "2022-03-20", 1)).await;
    let first = drawn(&world, RHO).await;
    assert_eq!(cells(&first, SKILLS), [(0, 1)]);
    world.run("UPDATE enrolments SET skill = 3").await;
    let second = drawn(&world, RHO).await;
    // Skill 0 and skill 3, achieved: three outcomes to a skill.
    assert_eq!(cells(&second, SKILLS), [(0, -1), (9, 1)]);
    assert_eq!(cells(&second, "starts.age-by-sex-by-tier"), []);
    assert!(
        totals(&second).values().all(|sum| *sum == 0),
        "nothing is counted again"
    );
    // Another change stays local.
    world.run("UPDATE enrolments SET skill = 5").await;
    let third = drawn(&world, RHO).await;
    assert!(
        third
            .tables
            .iter()
            .all(|t| t.entries.iter().all(|x| *x == 0))
    );
    let (stands, _) = standing(&world.store, RHO).await.unwrap();
    assert!(stands.allows_corrections);
    assert_eq!(stands.enrolment.whole_micro, 196_000);
    // 2.408495 times that: whatever might have been corrected.
    assert_eq!(stands.enrolment.most_micro / 1_000, 472);
    assert_eq!(published(&world).await, 1);
    assert_eq!(
        world
            .number("SELECT count(*) FROM ledger_corrections")
            .await,
        1
    );
}

#[tokio::test]
async fn without_room_in_the_budget_it_stays_local() {
    let world = World::enrolled().await;
    world.add(&left("2022-03-10", "2022-03-20", 1)).await;
    drawn(&world, None).await;
    world.run("UPDATE enrolments SET skill = 3").await;
    let second = drawn(&world, None).await;
    assert!(
        second
            .tables
            .iter()
            .all(|t| t.entries.iter().all(|x| *x == 0))
    );
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert!(!stands.allows_corrections);
    assert_eq!(stands.enrolment.most_micro, stands.enrolment.whole_micro);
    assert_eq!(published(&world).await, 0);
}

#[tokio::test]
async fn facts_that_enter_later_enter_under_their_new_codes_and_are_not_moved() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    drawn(&world, RHO).await;
    world
        .run("UPDATE enrolments SET skill = 3, stage = 1, end_day = start_day + 40")
        .await;
    let second = drawn(&world, RHO).await;
    assert_eq!(cells(&second, SKILLS), [(9, 1)]);
    let starts = cells(&second, "starts.tier-by-skill-by-mode");
    assert_eq!(starts.iter().map(|(_, x)| *x).collect::<Vec<_>>(), [-1, 1]);
    assert_eq!(totals(&second)[&Family::Starts], 0);
    assert_eq!(totals(&second)[&Family::Leavers], 1);
}

/// A programme that was described anew made a later correction take one out of a cell that it had never entered.
#[tokio::test]
async fn a_programme_that_is_described_anew_moves_no_enrolment_that_was_counted() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let first = drawn(&world, RHO).await;
    const SKILL: &str = "starts.tier-by-skill-by-mode";
    // Four modes to each of 14 skills, 14 skills to a tier; the programme is of tier 1.
    assert_eq!(cells(&first, SKILL), [(56, 1)]);
    let before = world.store.programmes().await.unwrap().remove(0);
    let mut programme = before.it.clone();
    (programme.tier, programme.kind, programme.audience) = (2, 1, 0);
    let mut tx = world.store.write().await.unwrap();
    programme
        .put(&mut tx, Some(before.id))
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    let second = drawn(&world, RHO).await;
    let still = |month: &LedgerMonth| {
        month
            .tables
            .iter()
            .all(|t| t.entries.iter().all(|x| *x == 0))
    };
    assert!(still(&second));
    // It ends under the description that it began under, a new one begins under the present one, and a correction moves it
    // from where it is.
    world
        .run("UPDATE enrolments SET skill = 3, stage = 1, end_day = start_day + 60")
        .await;
    world.add(&started("2022-05-10")).await;
    let third = drawn(&world, RHO).await;
    assert_eq!(cells(&third, SKILL), [(56, -1), (56 + 12, 1), (112, 1)]);
    assert_eq!(cells(&third, "leavers.mode-by-tier-by-outcome"), [(3, 1)]);
    // Another programme has its own description.
    world
        .run("INSERT INTO programmes (code, name, provider, tier, type, audience, funder) VALUES ('Q', 'Q', 'X', 0, 2, 3, '')")
        .await;
    world
        .run("UPDATE enrolments SET programme = 2 WHERE id = 2")
        .await;
    let fourth = drawn(&world, RHO).await;
    assert_eq!(cells(&fourth, SKILL), [(0, 1), (112, -1)]);
}

/// A correction whose codes no list has was passed over.
#[tokio::test]
async fn a_code_that_no_list_has_stops_the_release() {
    for (sql, column) in [
        ("UPDATE enrolments SET skill = 14", "enrolments.skill"),
        ("UPDATE enrolments SET stage = 9", "corrections.stage"),
    ] {
        let world = World::enrolled().await;
        world.add(&left("2022-03-10", "2022-03-20", 1)).await;
        drawn(&world, RHO).await;
        world.run(sql).await;
        let request = Request {
            rho_micro: RHO,
            ..crate::testing::asked()
        };
        let refused = prepare(&world.store, request, "ann", at(LATER), &seeded(1)).await;
        let refused = refused.unwrap_err();
        assert!(refused.to_string().starts_with(column), "{refused}");
    }
}

#[tokio::test]
async fn an_ending_that_was_withdrawn_is_not_taken_back_and_an_erased_correction_leaves_its_cost() {
    let world = World::enrolled().await;
    world.add(&left("2022-03-10", "2022-03-20", 1)).await;
    world.add(&left("2022-03-10", "2022-03-20", 1)).await;
    drawn(&world, RHO).await;
    world
        .run("UPDATE enrolments SET stage = 0, end_day = NULL WHERE id = 1")
        .await;
    world
        .run("UPDATE enrolments SET skill = 3 WHERE id = 2")
        .await;
    let second = drawn(&world, RHO).await;
    assert_eq!(totals(&second)[&Family::Leavers], 0);
    assert_eq!(cells(&second, SKILLS), [(0, -1), (9, 1)]);
    world.erase(2).await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM corrections WHERE enrolment = 2")
            .await,
        0
    );
    assert_eq!(published(&world).await, 1);
    let third = drawn(&world, RHO).await;
    assert!(
        third
            .tables
            .iter()
            .all(|t| t.entries.iter().all(|x| *x == 0))
    );
}

#[tokio::test]
async fn no_more_than_two_of_a_learner_are_counted_whatever_the_records_say() {
    let world = World::enrolled().await;
    for _ in 0..4 {
        world.add(&left("2022-03-10", "2022-03-20", 1)).await;
    }
    world
        .run("UPDATE enrolments SET learner = x'00' WHERE id < 4")
        .await;
    let first = drawn(&world, RHO).await;
    assert_eq!(totals(&first)[&Family::Starts], 3);
    assert_eq!(totals(&first)[&Family::Leavers], 3);
}
