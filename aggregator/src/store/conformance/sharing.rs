use ldsp_protocol::standard::Standard;
use std::time::Duration;

use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::ENTRY_LEN;

use super::tree::whole;
use super::{SIGN, entry, month, placed};
use crate::receive::tests::practice::entry as sample;
use crate::store::{
    Library, Log, NewStatement, Node, Placed, PracticeFilter, Reader, Registry, Rollups,
    StatementFilter, Store,
};
use crate::testing::{Sim, admit};

/// Long after anybody would wait; a test that waits for a lock fails instead of hanging.
const NEVER: Duration = Duration::from_secs(60);

/// Every read answers, with what was committed, while a transaction that has written is open. `hold`
/// begins such a transaction, which sets every `head_seq` to 77, and gives it.
pub(crate) async fn readers_do_not_wait<S: Store, H>(store: S, hold: impl AsyncFn(&S) -> H) {
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let mut history = vec![];
    let sent = [
        month(&mut sim, &mut history),
        entry(&mut sim, sample("E37000001")),
    ];
    store.append(&sent, SIGN).await.unwrap();
    let other = NewStatement {
        pae: Digest::of(b"other"),
        ..sent[0].clone()
    };
    store.append(&[other], SIGN).await.unwrap();
    let held = hold(&store).await;
    let reads = async {
        assert_eq!(store.size().await.unwrap(), 2);
        let node = store.node(&sim.slug).await.unwrap().unwrap();
        assert_eq!(node.head.seq, 2, "what is not committed is not seen");
        assert_eq!(store.nodes().await.unwrap(), [node]);
        assert!(store.invite_of(&sim.slug).await.unwrap().is_some());
        assert_eq!(store.person("bo").await.unwrap(), None);
        assert!(store.people().await.unwrap().is_empty());
        let first = store.statement(&sim.slug, 1).await.unwrap().unwrap();
        assert_eq!(store.by_identity(first.pae).await.unwrap(), Some(first));
        assert_eq!(store.statements(0, 9).await.unwrap().len(), 2);
        let proof = store.evidence(&sim.slug, 1).await.unwrap().unwrap();
        store.keep_evidence(&proof).await.unwrap();
        assert_eq!(store.contradictions(&sim.slug).await.unwrap().len(), 1);
        assert_eq!(store.conflicts().await.unwrap().len(), 1);
        assert_eq!(store.head().await.unwrap().edge.size(), 2);
        assert_eq!(store.records(0..9).await.unwrap().len(), 2 * ENTRY_LEN);
        assert_eq!(store.leaf(&sim.slug, 2).await.unwrap(), Some(1));
        assert_eq!(store.own(1).await.unwrap(), None);
        assert_eq!(store.owns(0, 9).await.unwrap(), []);
        assert_eq!(store.tally().await.unwrap().len(), 2);
        let filter = StatementFilter::default();
        assert_eq!(store.latest(&filter, 9).await.unwrap().len(), 2);
        assert_eq!(
            store.history(&sim.slug, Standard::current()).await.unwrap(),
            history
        );
        assert_eq!(store.contributions(None).await.unwrap().len(), 1);
        assert!(!store.national().await.unwrap().is_empty());
        let all = PracticeFilter::all(Reader::Peer);
        assert_eq!(store.entries(&all).await.unwrap().len(), 1);
        assert_eq!(store.counts(&all).await.unwrap().found, 1);
        assert!(store.entry(&sim.slug, 2).await.unwrap().is_some());
        assert!(store.cited(sent[1].pae).await.unwrap().is_some());
    };
    tokio::time::timeout(NEVER, reads)
        .await
        .expect("no reader waits for the writer");
    drop(held);
    let next = month(&mut sim, &mut history);
    assert_eq!(placed(&store, &[next]).await, [Placed::Logged(2)]);
}

/// Two openings of one database, as two processes have them: together they write one log without a
/// gap, and a statement that comes to both is logged once.
pub(crate) async fn openings_share_one_log<S: Log + Registry + Rollups + Library + Clone>(
    one: S,
    other: S,
) {
    const EACH: usize = 6;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..3 {
        let mut sim = Sim::new(number);
        admit(&one, &sim).await;
        let mut history = vec![];
        let sent: Vec<NewStatement> = (0..EACH).map(|_| month(&mut sim, &mut history)).collect();
        let (one, other) = (one.clone(), other.clone());
        tasks.spawn(async move {
            for new in sent {
                let batch = [new];
                let (first, second) = tokio::join!(placed(&one, &batch), placed(&other, &batch));
                match [first[0].clone(), second[0].clone()] {
                    [Placed::Logged(a), Placed::Before(b)]
                    | [Placed::Before(a), Placed::Logged(b)] => assert_eq!(a, b),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(
                other.history(&sim.slug, Standard::current()).await.unwrap(),
                history
            );
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for store in [&one, &other] {
        let all = store.statements(0, 100).await.unwrap();
        let indices: Vec<u64> = all.iter().map(|s| s.index).collect();
        assert_eq!(indices, (0..3 * EACH as u64).collect::<Vec<_>>());
        whole(store, &all).await;
    }
    assert_eq!(
        one.national().await.unwrap(),
        other.national().await.unwrap()
    );
}

/// Everything that a reader can ask of either store is the same after the same statements.
pub(crate) async fn same_statements_same_answers<A: Store, B: Store>(one: A, other: B) {
    let (mut sent, mut slugs) = (vec![], vec![]);
    for number in 0..3 {
        let mut sim = Sim::new(number);
        admit(&one, &sim).await;
        admit(&other, &sim).await;
        let mut history = vec![];
        for _ in 0..4 {
            sent.push(month(&mut sim, &mut history));
        }
        sent.push(entry(&mut sim, sample("E37000001")));
        slugs.push(sim.slug.clone());
    }
    for (at, batch) in sent.chunks(4).enumerate() {
        let a = one.append(batch, SIGN).await.unwrap();
        let b = other.append(batch, SIGN).await.unwrap();
        assert_eq!(a, b, "batch {at}");
    }
    assert_eq!(one.nodes().await.unwrap(), other.nodes().await.unwrap());
    let all = one.statements(0, 100).await.unwrap();
    assert_eq!(all, other.statements(0, 100).await.unwrap());
    assert_eq!(one.head().await.unwrap(), other.head().await.unwrap());
    let (a, b) = (one.records(3..99).await, other.records(3..99).await);
    assert_eq!(a.unwrap(), b.unwrap());
    for slug in &slugs {
        let months = one.history(slug, Standard::current()).await.unwrap();
        assert_eq!(
            months,
            other.history(slug, Standard::current()).await.unwrap()
        );
    }
    let (a, b) = (
        one.contributions(None).await,
        other.contributions(None).await,
    );
    assert_eq!(a.unwrap(), b.unwrap());
    assert_eq!(
        one.national().await.unwrap(),
        other.national().await.unwrap()
    );
    for reader in [
        Reader::Peer,
        Reader::Public(jiff::civil::date(2022, 6, 1)),
        Reader::Public(jiff::civil::date(2030, 6, 1)),
    ] {
        let filter = PracticeFilter::all(reader);
        let (a, b) = (one.entries(&filter).await, other.entries(&filter).await);
        assert_eq!(a.unwrap(), b.unwrap());
        let (a, b) = (one.counts(&filter).await, other.counts(&filter).await);
        assert_eq!(a.unwrap(), b.unwrap());
    }
    assert_eq!(one.tally().await.unwrap(), other.tally().await.unwrap());
    let filter = StatementFilter::default();
    let (a, b) = (one.latest(&filter, 9).await, other.latest(&filter, 9).await);
    assert_eq!(a.unwrap(), b.unwrap());
    let names = slugs[..2].iter().collect();
    let named = |mut nodes: Vec<Node>| {
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        nodes
    };
    let (a, b) = (
        one.nodes_named(&names).await,
        other.nodes_named(&names).await,
    );
    assert_eq!(named(a.unwrap()), named(b.unwrap()));
    let report = |json: crate::app::BenchmarkReport| serde_json::to_value(json).unwrap();
    let a = report(crate::app::benchmark(&one).await.unwrap());
    assert_eq!(a["statements"], all.len());
    assert_eq!(a, report(crate::app::benchmark(&other).await.unwrap()));
}
