//! A snapshot that followed the log statement by statement shows what one made from the whole log shows.

use proptest::prelude::*;

use super::*;
use crate::rollup::NodeMonth;
use crate::store::{Log, NewStatement, Position, Rollups, StoreError};
use crate::testing::{Sim, World};

/// Everything that can be asked of a snapshot.
fn shown(s: &Snapshot) -> String {
    let by: Vec<_> = Snapshot::BREAKDOWNS.iter().map(|d| s.by(*d)).collect();
    let trends: Vec<_> = Measure::ALL.iter().map(|m| s.trend(*m)).collect();
    let leps: Vec<_> = (s.leps().iter())
        .map(|l| {
            let code = l.place.code.parse().unwrap();
            let own: Vec<_> = Measure::ALL
                .iter()
                .map(|m| s.lep_trend(&code, *m))
                .collect();
            format!("{:?} {own:?}", s.lep(&code))
        })
        .collect();
    let (national, regions, coverage) = (s.national(), s.regions(), s.coverage());
    format!(
        "{} {national:?} {regions:?} {coverage:?} {by:?} {trends:?} {leps:?}",
        s.size()
    )
}

/// Streams of three nodes; the first of them changes standard, so that its streams are the first and the last.
fn published() -> [Vec<NodeMonth>; 4] {
    let streams = [
        (0, Standard::v1(), "2022-01"),
        (1, Standard::v2(), "2022-01"),
        (2, Standard::v1(), "2022-01"),
        (0, Standard::v2(), "2022-03"),
    ];
    streams.map(|(number, standard, first)| {
        let mut sim = Sim::new(number);
        sim.next = first.parse().unwrap();
        let mut history = vec![];
        for seq in 1..=4 {
            let summary = sim.summary_under(standard, 60);
            let place = (&sim.slug, &sim.lep, sim.next, seq);
            let fold = crate::rollup::fold(standard, &history, place, &summary).unwrap();
            history.push(fold.month);
            sim.next = sim.next.next().unwrap();
        }
        history
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the order between nodes and streams, however many come at once, and whoever looks in between.
    #[test]
    fn following_shows_what_starting_anew_shows(
        order in prop::collection::vec((0usize..4, any::<bool>(), any::<bool>()), 1..16),
    ) {
        let all = published();
        let (mut next, mut log, mut waiting) = ([0; 4], vec![], vec![]);
        let mut followed = Snapshot::default();
        let at = |size| Position { size, ..Position::default() };
        for (node, alone, looks) in order {
            let Some(month) = all[node].get(next[node]) else { continue };
            next[node] += 1;
            log.push(month.clone());
            waiting.push(month.clone());
            if alone {
                followed = followed.after(at(log.len() as u64), std::mem::take(&mut waiting));
            }
            if looks {
                shown(&followed);
            }
        }
        followed = followed.after(at(log.len() as u64), waiting);
        let mut by_node = log.clone();
        by_node.sort_by(|a, b| (&a.node, a.period, a.standard.version()).cmp(&(&b.node, b.period, b.standard.version())));
        let size = log.len() as u64;
        let anew = Snapshot::default().after(at(size), log);
        let sorted = Snapshot::default().after(at(size), by_node);
        prop_assert_eq!(shown(&followed), shown(&anew));
        prop_assert_eq!(shown(&followed), shown(&sorted));
    }
}

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
        let layout = crate::rollup::Layout::national(Standard::current());
        let (range, shape) = layout.table(1);
        (range, shape.to_vec())
    };
    let kept: i64 = rows
        .iter()
        .filter(|r| r.part.is_empty())
        .flat_map(|r| &r.cells[range.clone()])
        .sum();
    let months = store.months(0..store.size().await.unwrap()).await.unwrap();
    let codebook =
        |m: &NodeMonth| crate::rollup::Layout::of_node(Standard::current(), &m.codebook());
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
