use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::merkle::leaf_hash;
use ldsp_protocol::log::{ENTRY_LEN, Edge, Entry};
use ldsp_protocol::own;
use ldsp_protocol::statement::Kind;

use super::{SIGN, damaged, entry, month, placed};
use crate::receive::tests::practice::entry as sample;
use crate::store::{
    Announced, Conflict, Log, LoggedStatement, NewOwn, NewStatement, OwnEffect, Placed, Registry,
    Rollups, StoreError, Turn,
};
use crate::testing::{Sim, admit, at, invited};

/// The leaves and their head are exactly those of `statements`, in order.
pub(super) async fn whole<S: Log>(store: &S, statements: &[LoggedStatement]) {
    let mut edge = Edge::default();
    let mut records = Vec::new();
    for statement in statements {
        let record = statement.entry().to_bytes();
        records.extend_from_slice(&record);
        edge.push(leaf_hash(&record));
    }
    assert_eq!(store.records(0..u64::MAX).await.unwrap(), records);
    let head = store.head().await.unwrap();
    assert_eq!(head.checkpoint, Some(SIGN(edge.size(), edge.root())));
    assert_eq!((head.edge, head.receipt), (edge, None));
}

async fn all<S: Log>(store: &S) -> Vec<LoggedStatement> {
    let mut all = store.statements(0, 1000).await.unwrap();
    all.extend(store.owns(0, 1000).await.unwrap());
    all.sort_by_key(|s| s.index);
    let places: Vec<u64> = all.iter().map(|s| s.index).collect();
    assert_eq!(places, (0..all.len() as u64).collect::<Vec<_>>());
    all
}

/// A statement of the log's own that says which turn it was made for.
async fn announce<S: Log>(store: &S, effect: &OwnEffect) -> Result<Announced, StoreError> {
    announce_all(store, &[Kind::KeyAdd], effect).await
}

/// The same, several at once.
async fn announce_all<S: Log>(
    store: &S,
    kinds: &[Kind],
    effect: &OwnEffect,
) -> Result<Announced, StoreError> {
    let make = |first: &Turn| {
        let mut turn = *first;
        let one = |kind: &Kind| {
            let text = format!("{turn:?}");
            let pae = Digest::of(text.as_bytes());
            turn = turn.after(pae);
            NewOwn {
                kind: *kind,
                key_id: Digest::of(b"log"),
                pae,
                envelope: text.into_bytes(),
                received: at("2022-06-02T10:00:00Z"),
            }
        };
        kinds.iter().map(one).collect()
    };
    store.announce(&make, effect, SIGN).await
}

/// The tree: leaves, head and checkpoint move with the statements, or not at all; the log's own statements; damage.
pub(crate) async fn tree_conforms<S: Log + Registry + Rollups + Clone>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    leaves_move_with_statements(&open().await).await;
    own_statements_stand_between(&open().await).await;
    what_an_effect_refuses_is_not_announced(&open().await).await;
    a_run_is_logged_whole_or_not_at_all(&open().await).await;
    a_failed_transaction_leaves_no_leaf(&open().await, &damage).await;
    damage_is_named(&open().await, &damage).await;
}

async fn leaves_move_with_statements<S: Log + Registry>(store: &S) {
    let empty = store.head().await.unwrap();
    assert_eq!((empty.edge, empty.checkpoint), (Edge::default(), None));
    store.establish(SIGN).await.unwrap();
    whole(store, &[]).await;
    assert_eq!(store.records(0..5).await.unwrap(), b"");
    let (mut one, mut two) = (Sim::new(0), Sim::new(1));
    admit(store, &one).await;
    admit(store, &two).await;
    let (mut a, mut b) = (vec![], vec![]);
    let batches = [
        vec![month(&mut one, &mut a)],
        vec![
            month(&mut two, &mut b),
            month(&mut one, &mut a),
            entry(&mut two, sample("E37000055")),
        ],
        vec![entry(&mut one, sample("E37000001"))],
    ];
    let mut size = 0;
    for batch in &batches {
        let grown = store.append(batch, SIGN).await.unwrap().growth.unwrap();
        let hashes: Vec<Digest> = batch.iter().map(|new| new.entry().leaf_hash()).collect();
        assert_eq!((grown.first, &grown.leaves), (size, &hashes));
        size += batch.len() as u64;
        whole(store, &all(store).await).await;
        let head = store.head().await.unwrap();
        assert_eq!(grown.root, head.edge.root());
        assert_eq!(Some(&grown.checkpoint), head.checkpoint.as_ref());
        assert_eq!(store.size().await.unwrap(), size);
        assert_eq!(store.position().await.unwrap().size, size);
        let again = store.append(batch, SIGN).await.unwrap();
        assert_eq!(
            again.growth, None,
            "nothing is signed for what was logged before"
        );
    }
    let records = store.records(0..9).await.unwrap();
    for (start, end) in [(0, 1), (1, 3), (2, 5), (3, 9), (4, 4), (5, 9), (7, 8)] {
        let part = |leaf: u64| leaf.min(5) as usize * ENTRY_LEN;
        let found = store.records(start..end).await.unwrap();
        assert_eq!(
            found,
            records[part(start)..part(end).max(part(start))],
            "{start} {end}"
        );
    }
    let third = Entry::parse(&records[2 * ENTRY_LEN..3 * ENTRY_LEN]).unwrap();
    assert_eq!(third, batches[1][1].entry());
    store
        .establish(&|_, _| panic!("there is a checkpoint"))
        .await
        .unwrap();
}

async fn own_statements_stand_between<S: Log + Registry + Clone>(store: &S) {
    let mut sim = Sim::new(0);
    let key = key_id(&sim.key.verifying_key());
    invited(store, &sim).await;
    let approve = OwnEffect::Approve {
        node: sim.slug.clone(),
        key_id: key,
        by: "op".into(),
        at: at("2022-01-01T00:00:00Z"),
    };
    let first = announce(store, &approve).await.unwrap();
    let expected = Turn {
        index: 0,
        seq: 1,
        prev: Digest::ZERO,
    };
    assert_eq!(first.turn, expected);
    let node = store.node(&sim.slug).await.unwrap().unwrap();
    assert_eq!(
        (node.state, node.approved_by.as_deref(), node.revoked),
        (NodeState::Active, Some("op"), None)
    );
    let mut history = vec![];
    assert_eq!(
        placed(store, &[month(&mut sim, &mut history)]).await,
        [Placed::Logged(1)]
    );
    assert_eq!(store.leaf(&sim.slug, 1).await.unwrap(), Some(1));
    let revoke = OwnEffect::Revoke {
        node: sim.slug.clone(),
        key_id: key,
    };
    let second = announce(store, &revoke).await.unwrap();
    let made = Digest::of(format!("{:?}", first.turn).as_bytes());
    let expected = Turn {
        index: 2,
        seq: 2,
        prev: made,
    };
    assert_eq!(second.turn, expected);
    assert_eq!(
        store.node(&sim.slug).await.unwrap().unwrap().revoked,
        Some(2)
    );
    let late = month(&mut sim, &mut history);
    assert_eq!(
        placed(store, std::slice::from_ref(&late)).await,
        [Placed::Revoked { from: 2 }]
    );
    // What was logged before stays: who asks again gets its place.
    let all = all(store).await;
    assert_eq!(all.len(), 3);
    whole(store, &all).await;
    let both = store.owns(0, 9).await.unwrap();
    assert_eq!(
        (both[0].node.clone(), both[0].seq, both[0].pae),
        (own::name(), 1, made)
    );
    assert_eq!(both[1].envelope, format!("{:?}", second.turn).into_bytes());
    assert_eq!(store.owns(1, 9).await.unwrap(), both[1..]);
    assert_eq!(store.owns(0, 1).await.unwrap(), both[..1]);
    assert_eq!(store.own(2).await.unwrap().as_ref(), Some(&both[1]));
    assert_eq!(store.own(3).await.unwrap(), None);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        tasks.spawn(async move { announce(&store, &OwnEffect::None).await.unwrap().turn.seq });
    }
    let mut seqs = tasks.join_all().await;
    seqs.sort_unstable();
    assert_eq!(seqs, [3, 4, 5, 6]);
    let after = self::all(store).await;
    whole(store, &after).await;
}

/// A run and its findings are one transaction, and follow the run that was seen last.
async fn a_run_is_logged_whole_or_not_at_all<S: Log + Registry>(store: &S) {
    let kinds = [Kind::Finding, Kind::Finding, Kind::BenchmarkRun];
    let run = |after| OwnEffect::Run { after };
    let first = announce_all(store, &kinds, &run(None)).await.unwrap();
    assert_eq!((first.turn.index, first.growth.leaves.len()), (0, 3));
    for after in [None, Some(1), Some(3)] {
        match announce_all(store, &kinds, &run(after)).await {
            Err(StoreError::Conflict(found)) => assert_eq!(found, Conflict::OtherRun),
            other => panic!("{other:?}"),
        }
    }
    announce(store, &OwnEffect::None).await.unwrap();
    let second = announce_all(store, &kinds, &run(Some(2))).await.unwrap();
    assert_eq!((second.turn.index, second.turn.seq), (4, 5));
    let all = all(store).await;
    let runs: Vec<u64> = (all.iter())
        .filter(|s| s.kind == Kind::BenchmarkRun)
        .map(|s| s.index)
        .collect();
    assert_eq!(runs, [2, 6]);
    assert_eq!(all[6].seq, 7);
    whole(store, &all).await;
}

async fn what_an_effect_refuses_is_not_announced<S: Log + Registry>(store: &S) {
    let sim = Sim::new(0);
    let right = key_id(&sim.key.verifying_key());
    let approve = |key_id| OwnEffect::Approve {
        node: sim.slug.clone(),
        key_id,
        by: "op".into(),
        at: at("2022-01-01T00:00:00Z"),
    };
    let revoke = |key_id| OwnEffect::Revoke {
        node: sim.slug.clone(),
        key_id,
    };
    let refused = async |effect: &OwnEffect, conflict| match announce(store, effect).await {
        Err(StoreError::Conflict(found)) => assert_eq!(found, conflict),
        other => panic!("{other:?}"),
    };
    refused(&approve(right), Conflict::NoNode).await;
    refused(&revoke(right), Conflict::NoNode).await;
    invited(store, &sim).await;
    refused(&approve(Digest::ZERO), Conflict::OtherKey).await;
    refused(&revoke(right), Conflict::NotActive(sim.slug.clone())).await;
    announce(store, &approve(right)).await.unwrap();
    refused(&approve(right), Conflict::NotPending).await;
    refused(&revoke(Digest::ZERO), Conflict::OtherKey).await;
    announce(store, &revoke(right)).await.unwrap();
    refused(&revoke(right), Conflict::NotActive(sim.slug.clone())).await;
    assert_eq!(store.size().await.unwrap(), 2);
    whole(store, &all(store).await).await;
}

async fn a_failed_transaction_leaves_no_leaf<S: Log + Registry + Rollups>(
    store: &S,
    damage: &impl AsyncFn(&S, &'static str),
) {
    let (mut one, mut two) = (Sim::new(0), Sim::new(1));
    admit(store, &one).await;
    admit(store, &two).await;
    let (mut a, mut b) = (vec![], vec![]);
    placed(store, &[month(&mut one, &mut a)]).await;
    damage(
        store,
        "UPDATE national_month SET cells = x'01' WHERE period = '2022-01' AND part = 'none'",
    )
    .await;
    // The second needs the damaged sum: it is left out, and the others are leaves as if it had not been there.
    let batch = [
        month(&mut one, &mut a),
        month(&mut two, &mut b),
        entry(&mut one, sample("E37000001")),
    ];
    let appended = store.append(&batch, SIGN).await.unwrap();
    assert_eq!(appended.placed[0], Placed::Logged(1));
    assert!(matches!(appended.placed[1], Placed::Failed { .. }));
    assert_eq!(appended.placed[2], Placed::Logged(2));
    let grown = appended.growth.unwrap();
    assert_eq!((grown.first, grown.leaves.len()), (1, 2));
    let head = store.head().await.unwrap();
    assert_eq!(
        (grown.root, Some(grown.checkpoint)),
        (head.edge.root(), head.checkpoint)
    );
    whole(store, &all(store).await).await;
    // What leaves stand on is not there: nothing is logged, nothing is signed.
    damage(store, "UPDATE log_head SET size = 1").await;
    let batch = [month(&mut one, &mut a)];
    let appended = store.append(&batch, SIGN).await.unwrap();
    assert!(
        matches!(&appended.placed[0], Placed::Failed { .. }),
        "{appended:?}"
    );
    assert_eq!(appended.growth, None);
    damage(store, "UPDATE log_head SET size = 3").await;
    whole(store, &all(store).await).await;
    assert_eq!(placed(store, &batch).await, [Placed::Logged(3)]);
    whole(store, &all(store).await).await;
}

async fn damage_is_named<S: Log + Registry>(store: &S, damage: &impl AsyncFn(&S, &'static str)) {
    let mut sim = Sim::new(0);
    admit(store, &sim).await;
    let mut history = vec![];
    for _ in 0..3 {
        placed(
            store,
            &[month(&mut sim, &mut history), month(&mut sim, &mut history)],
        )
        .await;
    }
    announce(store, &OwnEffect::None).await.unwrap();
    damage(store, "UPDATE own_statement SET kind = 'rumour'").await;
    damaged(store.own(1).await, ("own_statement", "kind", "6"));
    damaged(store.owns(0, 1).await, ("own_statement", "kind", "6"));
    damage(
        store,
        "UPDATE log_entry SET entries = x'0102' WHERE first = 2",
    )
    .await;
    damaged(store.records(3..4).await, ("log_entry", "entries", "2"));
    assert_eq!(store.records(0..2).await.unwrap().len(), 2 * ENTRY_LEN);
    damage(store, "DELETE FROM log_entry WHERE first = 2").await;
    damaged(store.records(0..9).await, ("log_entry", "first", "4"));
    assert_eq!(store.records(2..4).await.unwrap(), b"");
    let next = [month(&mut sim, &mut history)];
    for (sql, column) in [
        ("UPDATE log_head SET edge = x'0102'", "edge"),
        ("UPDATE log_head SET size = -1", "size"),
        ("DELETE FROM log_head", "id"),
    ] {
        damage(store, sql).await;
        damaged(store.head().await, ("log_head", column, "1"));
        damaged(
            announce(store, &OwnEffect::None).await,
            ("log_head", column, "1"),
        );
        match placed(store, &next).await.as_slice() {
            [Placed::Failed { cause }] => assert!(cause.contains("log_head"), "{cause}"),
            other => panic!("{other:?}"),
        }
    }
}

/// A database of before there was a tree: its statements become leaves when it is opened with its key, once. `strip` takes the tree
/// away as the migration finds it.
pub(crate) async fn a_log_without_a_tree_gets_one<S: Log + Registry>(
    store: &S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let (mut one, mut two) = (Sim::new(0), Sim::new(1));
    admit(store, &one).await;
    admit(store, &two).await;
    let (mut a, mut b) = (vec![], vec![]);
    let sent: Vec<NewStatement> = (0..3)
        .flat_map(|_| [month(&mut one, &mut a), month(&mut two, &mut b)])
        .collect();
    for batch in sent.chunks(4) {
        placed(store, batch).await;
    }
    damage(store, "DELETE FROM log_entry").await;
    damage(
        store,
        "UPDATE log_head SET size = 0, edge = x'', checkpoint = NULL, receipt = 'note'",
    )
    .await;
    let head = store.head().await.unwrap();
    assert_eq!(
        (head.checkpoint, head.receipt.as_deref()),
        (None, Some("note"))
    );
    // Before the log has its leaves, nothing is added.
    let next = [month(&mut one, &mut a)];
    assert!(matches!(
        placed(store, &next).await[0],
        Placed::Failed { .. }
    ));
    store.establish(SIGN).await.unwrap();
    whole(store, &all(store).await).await;
    store
        .establish(&|_, _| panic!("it has them"))
        .await
        .unwrap();
    assert_eq!(placed(store, &next).await, [Placed::Logged(6)]);
    whole(store, &all(store).await).await;
}
