//! A snapshot that follows the store shows what one made from the whole log shows, whatever comes under it.

use std::collections::BTreeMap;

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::rollup::{Layout, NodeMonth, State, rebuild};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Payload, Statement};

use super::*;
use crate::store::{Log, NewStatement, Registry, Rollups, StoreError};
use crate::testing::{Sim, World, shown};

async fn publish(world: &World, sim: &mut Sim) {
    let (seq, sealed) = sim.publish(40);
    let answer = world.put(&sim.path(seq), sealed.envelope()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn anew(world: &World) -> String {
    shown(
        &Benchmarks::default()
            .load(&world.service.store)
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn a_damaged_month_is_named_and_followed_once_it_is_mended() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1)];
    for sim in &mut sims {
        world.admit(sim).await;
        publish(&world, sim).await;
    }
    assert_eq!(
        shown(&world.service.snapshot().await.unwrap()),
        anew(&world).await
    );
    publish(&world, &mut sims[0]).await;
    let writer = world.service.store.writer();
    let run = async |sql: &'static str| sqlx::query(sql).execute(writer).await.unwrap();
    run("CREATE TABLE aside AS SELECT * FROM node_month WHERE period = '2022-02'").await;
    run("UPDATE node_month SET cumulative = x'00' WHERE period = '2022-02'").await;
    let refused = world.service.snapshot().await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Corrupt {
                table: "node_month",
                ..
            })
        ),
        "{refused:?}"
    );
    run("DELETE FROM node_month WHERE period = '2022-02'").await;
    let refused = world.service.snapshot().await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Corrupt {
                table: "node_month",
                ..
            })
        ),
        "{refused:?}"
    );
    // The rollup is rebuilt from the log.
    run("INSERT INTO node_month SELECT * FROM aside").await;
    publish(&world, &mut sims[1]).await;
    let followed = world.service.snapshot().await.unwrap();
    assert_eq!(followed.size(), 6);
    assert_eq!(shown(&followed), anew(&world).await);
}

/// Another log comes under the running program, as when a backup was restored and nodes went on: shorter than what is known, as
/// long, and longer.
#[tokio::test]
async fn a_restored_log_is_read_anew_and_named_anew() {
    let [lost, restored] = [World::new().await, World::new().await];
    let mut sims = [Sim::new(0), Sim::new(1)];
    for world in [&lost, &restored] {
        for sim in &sims {
            world.admit(sim).await;
        }
    }
    for _ in 0..2 {
        publish(&lost, &mut sims[0]).await;
    }
    for months in 0..4 {
        let known = Benchmarks::default();
        let before = known.load(&lost.service.store).await.unwrap();
        let after = known.load(&restored.service.store).await.unwrap();
        assert_eq!(after.size() + 2, before.size() + months);
        assert_eq!(shown(&after), anew(&restored).await);
        assert_ne!(after.figures_digest(), before.figures_digest());
        assert_ne!(after.position().edge, before.position().edge);
        publish(&restored, &mut sims[1]).await;
    }
}

#[tokio::test]
async fn sums_of_the_nation_are_the_rollups() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1), Sim::new(2)];
    for sim in &mut sims {
        world.admit(sim).await;
        publish(&world, sim).await;
        publish(&world, sim).await;
    }
    let store = &world.service.store;
    let rows = store.national().await.unwrap();
    // The first table of starts without districts and pledges: tier by skill by mode.
    let (range, _) = {
        let layout = Layout::national(Standard::current());
        let (range, shape) = layout.table(1);
        (range, shape.to_vec())
    };
    let kept: i64 = rows
        .iter()
        .filter(|r| r.part.is_empty())
        .flat_map(|r| &r.cells[range.clone()])
        .sum();
    let months = store.months(0..store.size().await.unwrap()).await.unwrap();
    let codebook = |m: &NodeMonth| Layout::of_node(Standard::current(), &m.codebook());
    let last = months.iter().filter(|m| m.period.to_string() == "2022-02");
    let followed: i64 = last
        .flat_map(|m| m.cumulative[codebook(m).table(1).0].to_vec())
        .sum();
    assert_eq!(kept, followed);
}

#[tokio::test]
async fn an_entry_leaves_the_figures_as_they_are() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    publish(&world, &mut sim).await;
    let before = world.service.snapshot().await.unwrap();
    let national = before.national().as_ptr();
    let entry = NewStatement {
        node: sim.slug.clone(),
        seq: 2,
        prev: sim.prev,
        kind: ldsp_protocol::statement::Kind::PracticeEntry,
        period: None,
        key_id: ldsp_protocol::ids::Digest::of(b"key"),
        pae: ldsp_protocol::ids::Digest::of(b"entry"),
        envelope: b"entry".to_vec(),
        received: world.service.now(),
        effect: crate::store::Effect::Practice(Box::new(crate::receive::tests::practice::entry(
            "E37000001",
        ))),
    };
    let sign = |_: u64, _: ldsp_protocol::ids::Digest| "checkpoint".to_owned();
    world.service.store.append(&[entry], &sign).await.unwrap();
    let after = world.service.snapshot().await.unwrap();
    assert_eq!((before.size(), after.size()), (2, 3));
    assert_eq!(after.national().as_ptr(), national);
}

#[tokio::test]
async fn the_rollup_is_rebuilt_from_the_log_byte_for_byte() {
    let world = World::new().await;
    let mut sims = [Sim::new(0), Sim::new(1), Sim::new(2)];
    for sim in &sims {
        world.admit(sim).await;
    }
    for (round, order) in [[0, 1, 2], [2, 0, 1], [1, 2, 0]].iter().enumerate() {
        for at in order.iter().take(3 - round % 2) {
            let sim = &mut sims[*at];
            let mut sealed = Vec::new();
            // One under the first standard, one that changes, one under the second.
            if *at < 2 {
                sealed.push(sim.publish_under(Standard::v1(), 20));
            }
            if *at == 2 || *at == 1 && round > 0 {
                sealed.push(sim.publish_under(Standard::v2(), 20));
            }
            sim.next = sim.next.next().unwrap();
            for (seq, sealed) in sealed {
                let answer = world.put(&sim.path(seq), sealed.envelope()).await;
                assert!(answer.status.is_success(), "{}", answer.text());
            }
        }
    }
    let store = &world.service.store;
    let state = rebuild_store(store).await;
    let kept = store.national().await.unwrap();
    let kept: BTreeMap<_, _> = kept
        .into_iter()
        .map(|n| ((n.standard.version(), n.period, n.part), n.cells))
        .collect();
    assert_eq!(state.national, kept);
    assert_eq!(state.months.len(), 4);
    for ((node, version), months) in &state.months {
        let standard = &Standard::all()[*version as usize - 1];
        assert_eq!(months, &store.history(node, standard).await.unwrap());
    }
}

async fn rebuild_store<S: Log + Registry>(store: &S) -> State {
    let nodes = store.nodes().await.unwrap();
    let mut summaries = Vec::new();
    for logged in store.statements(0, 1000).await.unwrap() {
        let node = nodes.iter().find(|n| n.node == logged.node).unwrap();
        let unverified = Unverified::parse(&logged.envelope).unwrap();
        let verified = unverified.verify(&node.key.unwrap()).unwrap();
        let statement = Statement::read(&verified).unwrap();
        if let Payload::LearningSummary(summary) = statement.payload {
            let place = (&node.node, &node.lep, logged.period.unwrap(), logged.seq);
            let standard = Standard::of(statement.standard).unwrap();
            summaries.push((standard, place, summary));
        }
    }
    let items = summaries.iter().map(|(of, place, s)| (*of, *place, s));
    rebuild(items).unwrap()
}
