use ldsp_protocol::ids::Digest;
use ldsp_protocol::rollup::NodeMonth;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;

use super::{SIGN, damaged, entry, month, placed};
use crate::receive::tests::practice::entry as sample;
use crate::store::{
    Equivocation, KEPT_BYTES, KEPT_PLACES, Log, NewStatement, Placed, Registry, Rollups, Span,
    StatementFilter, Tally,
};
use crate::testing::{Sim, admit, at};

/// The log: order, idempotence, refusals in a batch, concurrency, pages, damage.
pub(crate) async fn log_conforms<S: Log + Registry + Rollups + Clone>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    one_by_one(&open().await).await;
    lists_are_read_newest_first(&open().await).await;
    of_many_conflicts_the_first_is_kept(&open().await).await;
    each_item_of_a_batch_fares_on_its_own(&open().await).await;
    many_writers(open().await).await;
    a_damaged_row_stops_only_the_statement_that_needs_it(&open().await, &damage).await;
    let store = open().await;
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let first = month(&mut sim, &mut vec![]);
    let batch = std::slice::from_ref(&first);
    store.append(batch, SIGN).await.unwrap();
    let forged = NewStatement {
        pae: Digest::of(b"forged"),
        ..first
    };
    store.append(&[forged], SIGN).await.unwrap();
    damage(&store, "UPDATE equivocation SET logged_pae = x'0102'").await;
    let place = store.contradictions(&sim.slug).await;
    damaged(place, ("equivocation", "logged_pae", "1"));
    let evidence = store.evidence(&sim.slug, 1).await;
    damaged(evidence, ("equivocation", "logged_pae", "1"));
    damage(&store, "UPDATE statement SET kind = 'rumour'").await;
    damaged(
        store.statement(&sim.slug, 1).await,
        ("statement", "kind", "0"),
    );
    damage(
        &store,
        "UPDATE statement SET kind = 'learning-summary', pae = x'00'",
    )
    .await;
    damaged(store.statements(0, 1).await, ("statement", "pae", "0"));
}

async fn lists_are_read_newest_first<S: Log + Registry>(store: &S) {
    let (mut first, mut second) = (Sim::new(0), Sim::new(1));
    admit(store, &first).await;
    admit(store, &second).await;
    assert_eq!(store.tally().await.unwrap(), []);
    let (mut a, mut b) = (vec![], vec![]);
    let mut sent = vec![month(&mut first, &mut a), month(&mut second, &mut b)];
    sent.push(entry(&mut first, sample("E37000001")));
    sent.push(month(&mut first, &mut a));
    sent[3].received = at("2022-07-01T10:00:00Z");
    store.append(&sent, SIGN).await.unwrap();
    let list = async |node: Option<&Sim>, kind, span, limit| {
        let node = node.map(|sim| sim.slug.clone());
        let filter = StatementFilter { node, kind, span };
        let found = store.latest(&filter, limit).await.unwrap();
        found.iter().map(|s| s.index).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, Span::Newest, 9).await, [3, 2, 1, 0]);
    assert_eq!(list(None, None, Span::Newest, 2).await, [3, 2]);
    assert_eq!(list(None, None, Span::Before(2), 9).await, [1, 0]);
    assert_eq!(list(None, None, Span::Before(0), 9).await, [0_u64; 0]);
    // The nearest ones, still newest first.
    assert_eq!(list(None, None, Span::After(0), 2).await, [2, 1]);
    assert_eq!(list(None, None, Span::After(3), 2).await, [0_u64; 0]);
    let summaries = Some(Kind::LearningSummary);
    assert_eq!(list(None, summaries, Span::Newest, 9).await, [3, 1, 0]);
    assert_eq!(list(Some(&first), None, Span::Newest, 9).await, [3, 2, 0]);
    assert_eq!(list(Some(&first), None, Span::After(0), 1).await, [2]);
    assert_eq!(list(Some(&first), summaries, Span::Before(3), 9).await, [0]);
    let filter = StatementFilter::default();
    let newest = store.latest(&filter, 1).await.unwrap().remove(0);
    let whole = store.statements(3, 1).await.unwrap().remove(0);
    assert_eq!(
        (newest.node, newest.seq, newest.kind, newest.period),
        (whole.node, whole.seq, whole.kind, whole.period)
    );
    assert_eq!(
        (newest.key_id, newest.pae, newest.received),
        (whole.key_id, whole.pae, whole.received)
    );
    let early = at("2022-06-01T10:00:00Z");
    let tally = |sim: &Sim, kind, count, latest| Tally {
        node: sim.slug.clone(),
        kind,
        count,
        withdrawn: 0,
        first: early,
        latest,
    };
    let expected = [
        tally(&first, Kind::LearningSummary, 2, sent[3].received),
        tally(&first, Kind::PracticeEntry, 1, early),
        tally(&second, Kind::LearningSummary, 1, early),
    ];
    assert_eq!(store.tally().await.unwrap(), expected);
}

async fn one_by_one<S: Log + Registry>(store: &S) {
    let mut sim = Sim::new(0);
    admit(store, &sim).await;
    let mut history = vec![];
    assert_eq!(store.size().await.unwrap(), 0);
    assert_eq!(store.statement(&sim.slug, 1).await.unwrap(), None);
    let mut sent: Vec<NewStatement> = vec![];
    for index in 0..5 {
        let new = month(&mut sim, &mut history);
        let first = placed(store, std::slice::from_ref(&new)).await;
        assert_eq!(first, [Placed::Logged(index)]);
        let leaf = store.leaf(&sim.slug, index + 1).await.unwrap();
        assert_eq!(leaf, Some(index));
        assert_eq!(store.leaf(&sim.slug, index + 2).await.unwrap(), None);
        let again = placed(store, std::slice::from_ref(&new)).await;
        assert_eq!(again, [Placed::Before(index)]);
        sent.push(new);
    }
    assert_eq!(store.size().await.unwrap(), 5);
    let head = store.node(&sim.slug).await.unwrap().unwrap().head;
    assert_eq!((head.seq, head.pae), (5, sim.prev));
    let mut walked = vec![];
    while let page @ [_, ..] = store
        .statements(walked.len() as u64, 2)
        .await
        .unwrap()
        .as_slice()
    {
        assert!(page.len() <= 2);
        walked.extend(page.iter().map(|s| s.pae));
    }
    assert_eq!(walked, sent.iter().map(|s| s.pae).collect::<Vec<_>>());
    assert_eq!(store.statements(u64::MAX, 2).await.unwrap(), []);
    let page = store.statements(1, 2).await.unwrap();
    assert_eq!(page.iter().map(|s| s.index).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(store.statements(5, 2).await.unwrap(), []);
    let third = store.statement(&sim.slug, 3).await.unwrap().unwrap();
    assert_eq!(
        (third.index, third.pae, &third.envelope),
        (2, sent[2].pae, &sent[2].envelope)
    );
    assert_eq!(
        (third.period, third.key_id, third.received),
        (sent[2].period, sent[2].key_id, sent[2].received)
    );
    assert_eq!(store.by_identity(sent[2].pae).await.unwrap(), Some(third));
    assert_eq!(store.by_identity(Digest::ZERO).await.unwrap(), None);
}

async fn each_item_of_a_batch_fares_on_its_own<S: Log + Registry + Rollups>(store: &S) {
    let (mut a, mut b) = (Sim::new(0), Sim::new(1));
    admit(store, &a).await;
    admit(store, &b).await;
    let (mut of_a, mut of_b) = (vec![], vec![]);
    let a1 = month(&mut a, &mut of_a);
    let a2 = month(&mut a, &mut of_a);
    let b1 = month(&mut b, &mut of_b);
    let b2 = month(&mut b, &mut of_b);
    let other = NewStatement {
        pae: Digest::of(b"other"),
        envelope: b"other".to_vec(),
        ..a1.clone()
    };
    let unchained = NewStatement {
        prev: Digest::of(b"elsewhere"),
        ..b2.clone()
    };
    let batch = [
        b2.clone(),
        a1.clone(),
        a2.clone(),
        a1.clone(),
        other.clone(),
        b1,
        unchained,
        b2,
    ];
    let placed = placed(store, &batch).await;
    assert_eq!(placed[0], Placed::Gap { expected: 1 });
    assert!(matches!(&placed[1], Placed::Logged(0)));
    assert!(matches!(&placed[2], Placed::Logged(1)));
    assert!(matches!(&placed[3], Placed::Before(0)));
    assert_eq!(placed[4], Placed::Equivocation { logged: a1.pae });
    assert!(matches!(&placed[5], Placed::Logged(2)));
    assert_eq!(placed[6], Placed::Chain);
    assert!(matches!(&placed[7], Placed::Logged(3)));
    let places = store.contradictions(&a.slug).await.unwrap();
    assert_eq!(places.len(), 1);
    assert_eq!((places[0].seq, places[0].index), (1, Some(0)));
    assert_eq!((places[0].refused, places[0].logged), (other.pae, a1.pae));
    let proof = store.evidence(&a.slug, 1).await.unwrap().unwrap();
    assert_eq!((proof.refused, proof.logged), (other.pae, a1.pae));
    store.keep_evidence(&proof).await.unwrap();
    assert_eq!(store.contradictions(&a.slug).await.unwrap(), places);
    assert_eq!(store.contradictions(&b.slug).await.unwrap(), []);
    assert_eq!(store.evidence(&a.slug, 2).await.unwrap(), None);
    assert_eq!(store.evidence(&b.slug, 1).await.unwrap(), None);
    assert_eq!(
        store.history(&a.slug, Standard::current()).await.unwrap(),
        of_a
    );
    assert_eq!(store.contributions(None).await.unwrap().len(), 4);
}

async fn of_many_conflicts_the_first_is_kept<S: Log + Registry>(store: &S) {
    let mut sim = Sim::new(0);
    admit(store, &sim).await;
    assert!(store.conflicts().await.unwrap().is_empty());
    let mut history = vec![];
    let sent = [month(&mut sim, &mut history), month(&mut sim, &mut history)];
    store.append(&sent, SIGN).await.unwrap();
    let other = |of: &NewStatement, text: &str| NewStatement {
        pae: Digest::of(text.as_bytes()),
        envelope: text.as_bytes().to_vec(),
        ..of.clone()
    };
    let flood: Vec<NewStatement> = (0..5).map(|n| other(&sent[0], &format!("{n}"))).collect();
    for placed in placed(store, &flood).await {
        let logged = sent[0].pae;
        assert_eq!(placed, Placed::Equivocation { logged });
    }
    let mut later = store.evidence(&sim.slug, 1).await.unwrap().unwrap();
    later.refused = Digest::of(b"later");
    store.keep_evidence(&later).await.unwrap();
    let proof = store.evidence(&sim.slug, 1).await.unwrap().unwrap();
    assert_eq!(proof.refused, flood[0].pae);
    assert_eq!(proof.envelope, flood[0].envelope);
    store
        .append(&[other(&sent[1], "second")], SIGN)
        .await
        .unwrap();
    let conflicts = store.conflicts().await.unwrap();
    let conflicts: Vec<_> = conflicts.into_iter().collect();
    assert_eq!(conflicts, [(sim.slug.clone(), 2)]);
    kept_proofs_are_bounded(store, &later, &mut sim, &mut history).await;
}

/// Whatever a node contradicts itself in, and by whichever way it comes.
async fn kept_proofs_are_bounded<S: Log + Registry>(
    store: &S,
    proof: &Equivocation,
    sim: &mut Sim,
    history: &mut Vec<NodeMonth>,
) {
    let places = async || store.contradictions(&sim.slug).await.unwrap().len();
    let at = |seq: u64, bytes: u32| Equivocation {
        seq,
        envelope: vec![b' '; bytes as usize],
        ..proof.clone()
    };
    store.keep_evidence(&at(3, KEPT_BYTES)).await.unwrap();
    assert_eq!(places().await, 2, "no room for so many bytes");
    for seq in 3..=u64::from(KEPT_PLACES) + 9 {
        store.keep_evidence(&at(seq, 1)).await.unwrap();
    }
    assert_eq!(places().await, KEPT_PLACES as usize);
    assert_eq!(store.evidence(&sim.slug, 99).await.unwrap(), None);
    let mut other = Sim::new(1);
    admit(store, &other).await;
    let mut of_other = vec![];
    let sent: Vec<NewStatement> = (0..3).map(|_| month(&mut other, &mut of_other)).collect();
    let against = |new: &NewStatement, bytes: u32| NewStatement {
        pae: Digest::of(format!("{} {bytes}", new.seq).as_bytes()),
        envelope: vec![b' '; bytes as usize],
        ..new.clone()
    };
    let half = KEPT_BYTES / 2;
    let too_much = [
        against(&sent[0], half),
        against(&sent[1], half),
        against(&sent[2], 1),
    ];
    let batch = [&sent[..], &too_much].concat();
    assert_eq!(placed(store, &batch).await.len(), 6);
    let kept = store.contradictions(&other.slug).await.unwrap();
    assert_eq!(kept.iter().map(|p| p.seq).collect::<Vec<_>>(), [1, 2]);
    // The node may go on all the same.
    let next = month(sim, history);
    assert!(matches!(
        placed(store, &[next]).await[..],
        [Placed::Logged(_)]
    ));
}

async fn a_damaged_row_stops_only_the_statement_that_needs_it<S: Log + Registry + Rollups>(
    store: &S,
    damage: &impl AsyncFn(&S, &'static str),
) {
    let mut sims = [Sim::new(0), Sim::new(1), Sim::new(2)];
    for sim in &sims {
        admit(store, sim).await;
    }
    let mut histories = [vec![], vec![], vec![]];
    let [first, second, third] = &mut sims;
    let [of_first, of_second, of_third] = &mut histories;
    let opening = [month(first, of_first), month(second, of_second)];
    store.append(&opening, SIGN).await.unwrap();
    // The first node's own row, and a sum that only January's statements need.
    damage(
        store,
        "UPDATE node SET head_pae = x'01' WHERE name = 'black-country'",
    )
    .await;
    damage(
        store,
        "UPDATE national_month SET cells = x'01' WHERE period = '2022-01' AND part = 'none'",
    )
    .await;
    let batch = [
        month(first, of_first),
        month(second, of_second),
        month(third, of_third),
        month(second, of_second),
    ];
    let placed = placed(store, &batch).await;
    let failed = |at: usize, place: &str| match &placed[at] {
        Placed::Failed { cause } => assert!(cause.contains(place), "{cause}"),
        other => panic!("{at}: {other:?}"),
    };
    failed(0, "node.head_pae of row black-country");
    failed(2, "national_month.cells of row 2022-01 74ec92b1 none");
    assert!(matches!(&placed[1], Placed::Logged(2)));
    assert!(matches!(&placed[3], Placed::Logged(3)));
    assert_eq!(store.size().await.unwrap(), 4);
    assert_eq!(
        &store
            .history(&second.slug, Standard::current())
            .await
            .unwrap(),
        of_second
    );
    assert!(
        store
            .history(&third.slug, Standard::current())
            .await
            .unwrap()
            .is_empty()
    );
    let head = store.node(&third.slug).await.unwrap().unwrap().head;
    assert_eq!((head.seq, head.pae), (0, Digest::ZERO));
}

async fn many_writers<S: Log + Registry + Clone>(store: S) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..3 {
        let mut sim = Sim::new(number);
        admit(&store, &sim).await;
        let (store, mut history) = (store.clone(), vec![]);
        let statements: Vec<_> = (0..8).map(|_| month(&mut sim, &mut history)).collect();
        tasks.spawn(async move {
            for new in statements {
                let placed = placed(&store, &[new]).await;
                assert!(
                    matches!(placed.as_slice(), [Placed::Logged(_)]),
                    "{placed:?}"
                );
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let all = store.statements(0, 100).await.unwrap();
    let indices: Vec<u64> = all.iter().map(|s| s.index).collect();
    assert_eq!(indices, (0..24).collect::<Vec<_>>());
}
