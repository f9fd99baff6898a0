use ldsp_protocol::enrolment::NodeState;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::Edge;
use ldsp_protocol::own::KeyAdd;
use ldsp_protocol::statement::Kind;

use super::stops::stops_conform;
use super::{SIGN, damaged, month, placed};
use crate::store::{
    Back, Cause, Claim, Link, Log, NewOwn, OwnEffect, Placed, Recovery, Registry, Returned,
    ReturnedOwn, Rollups, Shown, StagedLeaf, Stopped, StoreError, Turn,
};
use crate::testing::{Sim, admit, at};

pub(super) const NOON: &str = "2022-06-01T12:00:00Z";

/// A log that lacks leaves: what it refuses, what it takes back, when it signs again; damage.
pub(crate) async fn recovery_conforms<S: Log + Registry + Rollups + Recovery>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    a_stopped_log_takes_back_what_fits_and_nothing_else(&open().await).await;
    a_key_comes_back_with_its_node(&open().await).await;
    stops_conform(&open).await;
    what_came_back_is_kept(&open().await).await;
    damage_is_named(&open().await, &damage).await;
}

fn behind<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Behind)), "{outcome:?}");
}

fn own(turn: Turn, kind: Kind, effect: OwnEffect) -> Returned {
    let new = NewOwn {
        kind,
        key_id: Digest::of(b"log"),
        pae: Digest::of(format!("{turn:?}").as_bytes()),
        envelope: b"own".to_vec(),
        received: at(NOON),
    };
    Returned::Own(Box::new(ReturnedOwn { new, turn, effect }))
}

async fn a_stopped_log_takes_back_what_fits_and_nothing_else<
    S: Log + Registry + Rollups + Recovery,
>(
    store: &S,
) {
    let mut sim = Sim::new(0);
    admit(store, &sim).await;
    let mut history = vec![];
    let first = month(&mut sim, &mut history);
    assert_eq!(placed(store, &[first]).await, [Placed::Logged(0)]);
    let (second, third) = (month(&mut sim, &mut history), month(&mut sim, &mut history));
    let edge = store.head().await.unwrap().edge;
    let back = |new: &crate::store::NewStatement| Returned::Node(Box::new(new.clone()));
    let early = store.put_back(&back(&second), &edge, SIGN).await.unwrap();
    assert_eq!(early, Back::Moved, "a log that signs takes nothing back");

    let stopped = store.stop(Shown::Restored, "op", at(NOON)).await;
    assert_eq!(stopped.unwrap(), Stopped::Now);
    let again = store.stop(Shown::Restored, "solent", at(NOON)).await;
    assert_eq!(again.unwrap(), Stopped::Already);
    let stops = store.stops().await.unwrap();
    assert_eq!(
        (stops.len(), stops[0].cause, &*stops[0].said_by),
        (1, Cause::Told, "op")
    );
    assert_eq!(store.head().await.unwrap().behind, Some(at(NOON)));
    behind(store.append(std::slice::from_ref(&second), SIGN).await);
    let make = |_: &Turn| panic!("nothing is made");
    behind(store.announce(&make, &OwnEffect::None, SIGN).await);

    let nowhere = Edge::default();
    let elsewhere = store.put_back(&back(&second), &nowhere, SIGN).await;
    assert_eq!(elsewhere.unwrap(), Back::Moved);
    let refused = store.put_back(&back(&third), &edge, SIGN).await.unwrap();
    assert!(
        matches!(&refused, Back::Refused(why) if why.contains("statement 2")),
        "{refused:?}"
    );
    assert_eq!(
        store.head().await.unwrap().edge,
        edge,
        "nothing of it stays"
    );
    assert_eq!(store.contributions(None).await.unwrap().len(), 1);
    let Back::Placed(growth) = store.put_back(&back(&second), &edge, SIGN).await.unwrap() else {
        panic!("it fits");
    };
    let head = store.head().await.unwrap();
    assert_eq!((growth.first, growth.root), (1, head.edge.root()));
    assert_eq!(head.checkpoint, Some(SIGN(2, growth.root)));
    assert_eq!(store.leaf(&sim.slug, 2).await.unwrap(), Some(1));
    assert_eq!(store.contributions(None).await.unwrap().len(), 2);
    assert_eq!(store.tally().await.unwrap()[0].count, 2);
    // It is still stopped, and goes on where it is when it signs again.
    behind(store.append(std::slice::from_ref(&third), SIGN).await);
    assert!(store.resume(&head.edge, at(NOON)).await.unwrap());
    assert!(!store.resume(&head.edge, at(NOON)).await.unwrap());
    assert_eq!(store.stops().await.unwrap()[0].ended, Some(at(NOON)));
    assert_eq!(placed(store, &[third]).await, [Placed::Logged(2)]);
}

async fn a_key_comes_back_with_its_node<S: Log + Registry + Rollups + Recovery>(store: &S) {
    let (known, unknown) = (Sim::new(0), Sim::new(1));
    crate::testing::invited(store, &known).await;
    store
        .stop(Shown::Restored, "solent", at(NOON))
        .await
        .unwrap();
    let add = |sim: &Sim| KeyAdd {
        node: sim.slug.clone(),
        lep: sim.lep.clone(),
        public_key: hex::encode(sim.key.verifying_key().as_bytes()),
        key_id: key_id(&sim.key.verifying_key()),
        from: 0,
        enrolment: Digest::of(b"enrolment"),
        approved_by: "Olu".into(),
    };
    let readmit = |sim: &Sim| OwnEffect::Readmit {
        add: Box::new(add(sim)),
        at: at(NOON),
    };
    let mut turn = Turn {
        index: 0,
        seq: 1,
        prev: Digest::ZERO,
    };
    for sim in [&known, &unknown] {
        let edge = store.head().await.unwrap().edge;
        let wrong = Turn {
            seq: turn.seq + 1,
            ..turn
        };
        let misplaced = own(wrong, Kind::KeyAdd, readmit(sim));
        let misplaced = store.put_back(&misplaced, &edge, SIGN).await.unwrap();
        assert!(matches!(misplaced, Back::Refused(_)), "{misplaced:?}");
        let back = own(turn, Kind::KeyAdd, readmit(sim));
        let placed = store.put_back(&back, &edge, SIGN).await.unwrap();
        assert!(matches!(placed, Back::Placed(_)), "{placed:?}");
        let node = store.node(&sim.slug).await.unwrap().unwrap();
        assert_eq!(
            (
                node.state,
                node.lep,
                node.added,
                node.approved_by.as_deref()
            ),
            (
                NodeState::Active,
                sim.lep.clone(),
                Some(turn.index),
                Some("Olu")
            )
        );
        assert_eq!(node.key, Some(sim.key.verifying_key()));
        turn = Turn {
            index: turn.index + 1,
            seq: turn.seq + 1,
            prev: Digest::of(format!("{turn:?}").as_bytes()),
        };
    }
    // The invite of the one that was known opens nothing any more.
    let invite = store.invite_of(&known.slug).await.unwrap().unwrap();
    assert_eq!(invite.used, Some(Digest::of(b"enrolment")));
    let edge = store.head().await.unwrap().edge;
    let twice = own(turn, Kind::KeyAdd, readmit(&known));
    let twice = store.put_back(&twice, &edge, SIGN).await.unwrap();
    assert!(matches!(twice, Back::Refused(_)), "{twice:?}");
    let effect = OwnEffect::Revoke {
        node: known.slug.clone(),
        key_id: key_id(&known.key.verifying_key()),
    };
    let revoked = own(turn, Kind::KeyRevoke, effect);
    store.put_back(&revoked, &edge, SIGN).await.unwrap();
    let node = store.node(&known.slug).await.unwrap().unwrap();
    assert_eq!(node.revoked, Some(2));
}

async fn what_came_back_is_kept<S: Log + Registry + Recovery>(store: &S) {
    store.stop(Shown::Restored, "op", at(NOON)).await.unwrap();
    // One statement at one place of two histories, and another at that of a third.
    let leaf = |leaf: u64, record: &[u8], root: &[u8]| StagedLeaf {
        link: Link {
            leaf,
            before: Digest::of(b"before"),
            root: Digest::of(root),
        },
        record: record.to_vec(),
        receipt: "receipt".into(),
        envelope: b"envelope".to_vec(),
        received: at(NOON),
    };
    let (a, b, c) = (
        leaf(3, b"a", b"1"),
        leaf(3, b"a", b"2"),
        leaf(3, b"b", b"3"),
    );
    for one in [
        leaf(5, b"a", b"4"),
        a.clone(),
        b.clone(),
        c.clone(),
        a.clone(),
    ] {
        store.stage(&one).await.unwrap();
    }
    let again = StagedLeaf {
        receipt: "newer".into(),
        ..c.clone()
    };
    store.stage(&again).await.unwrap();
    let mut here = [a.clone(), b, again];
    here.sort_by_key(|leaf| leaf.link.root);
    assert_eq!(store.staged(3).await.unwrap(), here);
    assert_eq!(store.staged(4).await.unwrap(), []);
    let links = store.links(0).await.unwrap();
    assert_eq!(links[..3], here.map(|leaf| leaf.link));
    assert_eq!(store.links(4).await.unwrap(), links[3..]);
    store.unstage(a.link).await.unwrap();
    assert_eq!(store.staged(3).await.unwrap().len(), 2);
    assert!(!store.staged(3).await.unwrap().contains(&a));
    let sim = Sim::new(1);
    store.hear(&sim.slug, at(NOON), Some("op")).await.unwrap();
    store
        .hear(&sim.slug, at("2022-06-01T13:00:00Z"), None)
        .await
        .unwrap();
    let heard = store.heard().await.unwrap();
    assert_eq!((heard.len(), heard[&sim.slug].excused.clone()), (1, None));
    // All of it goes with the stop.
    let edge = Edge::default();
    assert!(store.resume(&edge, at(NOON)).await.unwrap());
    assert_eq!(store.links(0).await.unwrap(), []);
    assert!(store.heard().await.unwrap().is_empty());
}

async fn damage_is_named<S: Log + Recovery>(store: &S, damage: &impl AsyncFn(&S, &'static str)) {
    let claim = Claim {
        size: 3,
        root: Digest::of(b"root"),
        note: "note\n".into(),
        said_by: "solent".into(),
    };
    store
        .stop(Shown::Claim(&claim), "op", at(NOON))
        .await
        .unwrap();
    damage(store, "UPDATE log_claim SET root = x'01'").await;
    damaged(store.goals().await, ("log_claim", "root", "3 01"));
    damage(store, "UPDATE log_head SET behind = 9223372036854775807").await;
    damaged(store.head().await, ("log_head", "behind", "1"));
}
