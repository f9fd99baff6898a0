use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::rollup;
use ldsp_protocol::standard::Standard;

use super::{SIGN, damaged, month, month_under};
use crate::store::{Effect, Log, NewStatement, Registry, Rollups};
use crate::testing::{Sim, admit};

/// Months come back as they were folded, sums add up whatever the batches, damage is named.
pub(crate) async fn rollups_conforms<S: Rollups + Log + Registry>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let (singly, together) = (open().await, open().await);
    let (mut batch, mut histories) = (vec![], vec![]);
    for number in 0..2 {
        let mut sim = Sim::new(number);
        admit(&singly, &sim).await;
        admit(&together, &sim).await;
        let mut history = vec![];
        batch.extend((0..3).map(|_| month(&mut sim, &mut history)));
        histories.push((sim.slug.clone(), history));
    }
    for new in &batch {
        singly
            .append(std::slice::from_ref(new), SIGN)
            .await
            .unwrap();
    }
    together.append(&batch, SIGN).await.unwrap();
    for store in [&singly, &together] {
        for (node, history) in &histories {
            let stored = store.history(node, Standard::current()).await.unwrap();
            assert_eq!(&stored, history);
        }
        let months = store.contributions(None).await.unwrap();
        let mut all: Vec<_> = histories.iter().flat_map(|(_, h)| h.clone()).collect();
        all.iter_mut().for_each(|m| m.published.clear());
        assert_eq!(months, all);
        followed_in_parts(store, &batch).await;
        let kept = store.national().await.unwrap();
        let kept: BTreeMap<_, _> = kept
            .into_iter()
            .map(|n| ((n.standard.digest(), n.period, n.part), n.cells))
            .collect();
        assert_eq!(kept, expected(&batch));
    }
    let nobody = "nobody".parse().unwrap();
    let nothing = singly.history(&nobody, Standard::current()).await.unwrap();
    assert_eq!(nothing, []);
    streams_conform(&open).await;
    damage(
        &singly,
        "UPDATE national_month SET cells = x'0102' WHERE period = '2022-02' AND part = 'none'",
    )
    .await;
    damaged(
        singly.national().await,
        ("national_month", "cells", "2022-02 74ec92b1 none"),
    );
    damage(
        &together,
        "UPDATE node_month SET pledges = '[' WHERE period = '2022-02' AND node = 'solent'",
    )
    .await;
    let solent = "solent".parse().unwrap();
    let row = ("node_month", "pledges", "solent 2");
    damaged(together.history(&solent, Standard::current()).await, row);
    damage(
        &singly,
        "UPDATE node_month SET cumulative = x'00' WHERE period = '2022-03' AND node = 'solent'",
    )
    .await;
    damaged(
        singly.contributions(None).await,
        ("node_month", "cumulative", "solent 3"),
    );
    damaged(
        singly.months(0..6).await,
        ("node_month", "cumulative", "solent 3"),
    );
    damage(
        &together,
        "DELETE FROM node_month WHERE period = '2022-02' AND node = 'solent'",
    )
    .await;
    damaged(
        together.months(0..6).await,
        ("node_month", "node", "solent 2"),
    );
    damage(
        &together,
        "UPDATE national_month SET standard = cells WHERE period = '2022-03' AND part = 'none'",
    )
    .await;
    assert!(together.national().await.is_err());
}

/// A node that changes to another standard has two months of one period: each stream is kept and summed by itself.
async fn streams_conform<S: Rollups + Log + Registry>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let (mut old, mut new, mut batch) = (vec![], vec![], vec![]);
    for at in 0..3 {
        batch.push(month_under(Standard::v1(), &mut sim, &mut old));
        if at > 0 {
            batch.push(month_under(Standard::v2(), &mut sim, &mut new));
        }
        sim.next = sim.next.next().unwrap();
    }
    store.append(&batch[..2], SIGN).await.unwrap();
    store.append(&batch[2..], SIGN).await.unwrap();
    for (standard, months) in [(Standard::v1(), &old), (Standard::v2(), &new)] {
        assert_eq!(&store.history(&sim.slug, standard).await.unwrap(), months);
    }
    followed_in_parts(&store, &batch).await;
    let kept = store.national().await.unwrap().into_iter();
    let kept: Sums = kept
        .map(|n| ((n.standard.digest(), n.period, n.part), n.cells))
        .collect();
    assert_eq!(kept, expected(&batch));
    let periods = store.contributions(None).await.unwrap();
    let periods: Vec<_> = periods.iter().map(|m| (m.period, m.seq)).collect();
    assert!(periods.is_sorted() && periods.len() == 5, "{periods:?}");
}

/// Months come in the order of the log, each place once, however the places are cut.
async fn followed_in_parts<S: Rollups + Log>(store: &S, batch: &[NewStatement]) {
    let in_order: Vec<_> = batch
        .iter()
        .map(|new| match &new.effect {
            Effect::Summary(fold) => rollup::NodeMonth {
                published: vec![],
                ..fold.month.clone()
            },
            _ => panic!("only summaries here"),
        })
        .collect();
    let size = store.position().await.unwrap().size;
    assert_eq!(size, batch.len() as u64);
    for cut in 0..=size {
        let mut months = store.months(0..cut).await.unwrap();
        months.extend(store.months(cut..size).await.unwrap());
        assert_eq!(months, in_order);
    }
    assert_eq!(store.months(size..size + 9).await.unwrap(), []);
    for (new, month) in batch.iter().zip(&in_order) {
        assert_eq!(store.month(new.pae).await.unwrap().as_ref(), Some(month));
    }
    let unknown = ldsp_protocol::ids::Digest::of(b"nothing");
    assert_eq!(store.month(unknown).await.unwrap(), None);
}

type Sums = BTreeMap<(Digest, Period, String), Vec<i64>>;

fn expected(batch: &[NewStatement]) -> Sums {
    let mut sums = BTreeMap::new();
    for new in batch {
        if let Effect::Summary(fold) = &new.effect {
            for (part, delta) in &fold.national {
                let standard = fold.month.standard.digest();
                let key = (standard, fold.month.period, part.clone());
                rollup::add(sums.entry(key).or_default(), delta);
            }
        }
    }
    sums
}
