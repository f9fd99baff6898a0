//! Each call of the store fails once, with nothing done or all of it: whoever got no answer asks again, what was
//! acknowledged is counted, and each contribution once. Contributions are distinct powers of two, so a national sum says which ones
//! are in it.

mod scene;

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use ldsp_protocol::problem;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;

use self::scene::{Place, Scene, Sent, act, is_sound};
use crate::announce::{Announcer, KEY_EVENTS};
use crate::app::audited;
use crate::benchmark::Measure;
use crate::runs;
use crate::store::failing::{Fault, Faults};
use crate::store::{Backend, Log as _, Span};
use crate::testing::{Sim, World, signer};

/// Statements of both kinds, of one node, of several at once, and again.
async fn statements(scene: &mut Scene) {
    for kind in [Kind::LearningSummary, Kind::PracticeEntry] {
        let mut sim = scene.join().await;
        let struck = scene.at_every_call(async |scene| {
            let number = scene.seal(&mut sim, kind);
            scene.send(number).await;
        });
        let struck = struck.await;
        assert!(struck.contains(&"append"), "{struck:?}");
        let struck = scene.at_every_call(async |scene| {
            assert_eq!(scene.send(scene.sent.len() - 1).await, StatusCode::OK);
        });
        let struck = struck.await;
        assert!(struck.contains(&"statement"), "{struck:?}");
    }
    let mut sims = [scene.join().await, scene.join().await, scene.join().await];
    let struck = scene.at_every_call(async |scene| {
        let numbers: Vec<_> = sims
            .iter_mut()
            .map(|sim| scene.seal(sim, Kind::PracticeEntry))
            .collect();
        let sending = numbers.iter().map(|number| {
            let sent = &scene.sent[*number];
            scene.world.put(&sent.path, &sent.envelope)
        });
        let answers = join_all(sending).await;
        // A batch shares its fate. Who was not answered asks again.
        for (number, answer) in numbers.into_iter().zip(answers) {
            if answer.status.is_success() {
                scene.sent[number].receipts.push(answer.text());
            } else {
                assert_eq!(answer.problem().code, problem::STORAGE.code);
                scene.send(number).await;
            }
        }
    });
    assert!(struck.await.contains(&"append"));
}

/// A month is taken back and published again: it counts exactly while one statement of it stands.
async fn revisions(scene: &mut Scene) {
    let mut sim = scene.join().await;
    let mut standing = scene.seal(&mut sim, Kind::LearningSummary);
    scene.send(standing).await;
    let struck = scene.at_every_call(async |scene| {
        let withdrawal = scene.withdraw(&mut sim, standing);
        scene.send(withdrawal).await;
        let gone = scene.world.get(&scene.sent[standing].path).await;
        assert!(matches!(gone.status.as_u16(), 410 | 503), "{}", gone.text());
        standing = scene.reissue(&mut sim, standing);
        scene.send(standing).await;
    });
    let struck = struck.await;
    for method in ["append", "history", "revision"] {
        assert!(struck.contains(&method), "{struck:?}");
    }
}

/// A run of which each call fails is made once, with all of its findings.
async fn frozen(scene: &mut Scene) {
    let mut sim = scene.join().await;
    let mut month = scene.seal(&mut sim, Kind::LearningSummary);
    scene.send(month).await;
    for passing in 0.. {
        // Each run stands on something else than the one before.
        let next = if passing % 2 == 0 {
            scene.withdraw(&mut sim, month)
        } else {
            month = scene.reissue(&mut sim, month);
            month
        };
        scene.send(next).await;
        scene.faults.set(passing, scene.fault);
        let make = async |log: Announcer<'_, Backend>| runs::make(&log, act().at).await;
        let made = scene.announce(make).await;
        let struck = scene.faults.clear();
        scene.check().await;
        let run = made.run.unwrap();
        let all = scene
            .sound
            .announced(&[Kind::BenchmarkRun], Span::Newest, 99);
        let all = all.await.unwrap();
        assert_eq!((all.len(), all[0].index), (passing + 1, run.index));
        assert_eq!(run.run.findings.len(), Measure::ALL.len());
        if struck.is_none() {
            assert!(passing >= 5, "a run is {passing} calls only");
            return;
        }
    }
}

/// A second statement for a place is refused each time, and kept once.
async fn contradictions(scene: &mut Scene) {
    let mut sim = scene.join().await;
    let number = scene.seal(&mut sim, Kind::PracticeEntry);
    scene.send(number).await;
    let mut twin = Sim::named(sim.slug.as_str(), sim.lep.as_str(), scene.nodes as u8);
    twin.quieten();
    let (path, second) = (twin.path(1), twin.publish(1).1);
    let struck = scene.at_every_call(async |scene| {
        let answer = scene.call(async |world: &World| world.put(&path, second.envelope()).await);
        assert_eq!(answer.await.problem().code, problem::EQUIVOCATION.code);
        let kept = scene.sound.contradictions(&sim.slug).await.unwrap();
        assert_eq!(kept.len(), 1);
    });
    assert!(struck.await.contains(&"keep_evidence"));
}

/// A key that was revoked is revoked once, and nothing of it is taken any more.
async fn revocations(scene: &mut Scene) {
    let struck = scene.at_every_call(async |scene| {
        let mut sim = scene.join().await;
        let revoke = async |log: Announcer<'_, Backend>| {
            log.revoke(&sim.slug, "The disk was stolen.", act()).await
        };
        let stands = scene.announce(revoke).await;
        let sealed = sim.publish(1).1;
        let put = async |world: &World| world.put(&sim.path(1), sealed.envelope()).await;
        let refused = scene.call(put).await;
        assert_eq!(refused.problem().code, problem::REVOKED.code);
        assert_eq!(stands.node.revoked, Some(stands.index));
        let told = scene.sound.announced(&KEY_EVENTS, Span::Newest, 99).await;
        let node = format!("\"{}\"", sim.slug);
        let of_node = |envelope: &[u8]| {
            let unverified = ldsp_protocol::dsse::Unverified::parse(envelope).unwrap();
            String::from_utf8_lossy(unverified.unverified_body()).contains(&node)
        };
        let told = told.unwrap();
        assert_eq!(told.iter().filter(|s| of_node(&s.envelope)).count(), 2);
    });
    let struck = struck.await;
    for method in ["invite", "enrol", "announce", "nodes_named"] {
        assert!(struck.contains(&method), "{struck:?}");
    }
}

/// Whoever reads gets what is there, or is told that it cannot be read: never something else.
async fn reads(scene: &mut Scene) {
    let sent = scene.sent[0].path.clone();
    let bundle = format!("/tile/entries/000.p/{}", scene.sound.size().await.unwrap());
    for path in [
        sent.clone(),
        format!("{sent}/receipt"),
        "/checkpoint".to_owned(),
        bundle,
        "/v1/nodes/node-0".to_owned(),
        "/api/v1/benchmarks".to_owned(),
        "/api/v1/statements".to_owned(),
        "/api/v1/keys".to_owned(),
    ] {
        let sound = scene.world.get(&path).await;
        assert_eq!(sound.status, StatusCode::OK, "{path}: {}", sound.text());
        let struck = scene.at_every_call(async |scene| {
            let answer = scene
                .call(async |world: &World| world.get(&path).await)
                .await;
            assert_eq!(
                (answer.status, &answer.body),
                (sound.status, &sound.body),
                "{path}"
            );
        });
        assert!(!struck.await.is_empty(), "{path} asks nothing of the store");
    }
}

/// A server starts over a store of which each call fails: it says so and states nothing twice.
async fn starts(place: &mut Place, fault: Fault) {
    for passing in 0.. {
        let (sound, faults) = (place.empty().await, Faults::default());
        let store = sound.clone().failing(&faults);
        let signer = signer();
        let start = async || {
            let tree = audited(store.clone(), &signer).await.ok()?;
            let log = Announcer::new(&store, &signer, Standard::current());
            log.settle(act().at).await.ok()?;
            Some(tree)
        };
        faults.set(passing, fault);
        let first = start().await;
        let struck = faults.clear();
        assert_eq!(first.is_none(), struck.is_some(), "{struck:?}");
        let tree = match first {
            Some(tree) => tree,
            None => start().await.expect("a fault strikes once"),
        };
        let standards = Standard::all().len();
        assert_eq!(sound.owns(0, 99).await.unwrap().len(), standards);
        let head = sound.head().await.unwrap();
        assert_eq!(head.edge.size(), standards as u64);
        assert_eq!(Some(tree.checkpoint().await.unwrap()), head.checkpoint);
        is_sound(&sound).await;
        sound.close().await;
        if struck.is_none() {
            assert!(passing >= 5, "a start is {passing} calls only");
            return;
        }
    }
}

/// After all of it a new server finds the log whole, and says the same.
async fn starts_again(scene: Scene) {
    let figures = scene.counted().await;
    let Scene {
        world,
        sound,
        faults,
        fault,
        nodes,
        powers,
        sent,
    } = scene;
    let store = sound.clone().failing(&faults);
    for passing in 0.. {
        faults.set(passing, fault);
        let tree = audited(store.clone(), &signer()).await;
        let struck = faults.clear();
        assert_eq!(tree.is_err(), struck.is_some(), "{struck:?}");
        if struck.is_none() {
            break;
        }
    }
    drop(world);
    let world = World::on(store, tempfile::tempdir().unwrap()).await;
    let mut again = Scene {
        world,
        sound,
        faults,
        fault,
        nodes,
        powers,
        sent,
    };
    assert_eq!(again.counted().await, figures);
    for number in 0..again.sent.len() {
        assert_eq!(again.send(number).await, StatusCode::OK);
    }
    again.check().await;
}

/// A log of which nothing is left gets everything back: at every moment it is the beginning of what it was, and in the end all of it.
async fn comes_back(place: &mut Place, old: &mut Scene) {
    let (note, leaves) = (
        old.world.get("/checkpoint").await.text(),
        old.leaves().await,
    );
    let mut scene = Scene::new(place, old.fault).await;
    // Until it is whole, it does not stand by the receipts.
    scene.sent = old.sent.iter().map(Sent::without_receipts).collect();
    let now = scene.world.service.now();
    let struck = scene.at_every_call(async |scene| {
        drop(scene.world.service.recovery().begin("olive", now).await);
    });
    assert_eq!(struck.await, ["stop"]);
    for (number, (leaf, receipt, envelope)) in leaves.iter().enumerate() {
        let path = format!("/v1/recovery/leaves/{leaf}");
        let headers = [
            ("content-type", "application/vnd.dsse+json"),
            ("ldsp-receipt", receipt.as_str()),
        ];
        let give = async |scene: &mut Scene| {
            let give = async |world: &World| {
                world
                    .call(Method::PUT, &path, &headers, envelope.clone())
                    .await
            };
            assert_eq!(scene.call(give).await.status, StatusCode::ACCEPTED);
        };
        if number % 16 == 0 {
            let struck = scene.at_every_call(&give).await;
            assert!(struck.contains(&"stage"), "{struck:?}");
        } else {
            give(&mut scene).await;
        }
    }
    let go_on = async |scene: &mut Scene| {
        let recovery = scene.world.service.recovery();
        drop(recovery.go_on("olive", "A test.", now).await);
    };
    let struck = scene.at_every_call(&go_on).await;
    for method in ["decide", "links", "staged", "put_back"] {
        assert!(struck.contains(&method), "{method}: {struck:?}");
    }
    // It is whole by then, so what comes last is looked at in a stop of its own.
    drop(scene.world.service.recovery().begin("olive", now).await);
    scene.at_call_of("hear", &go_on).await;
    scene.at_call_of("resume", &go_on).await;
    go_on(&mut scene).await;
    assert_eq!(scene.world.get("/checkpoint").await.text(), note);
    assert_eq!(scene.sound.head().await.unwrap().behind, None);
    scene.sent = std::mem::take(&mut old.sent);
    scene.check().await;
    old.sent = scene.sent;
}

async fn every_call(on_postgres: bool, fault: Fault) {
    let mut place = Place {
        on_postgres,
        ..Place::default()
    };
    starts(&mut place, fault).await;
    let mut scene = Scene::new(&mut place, fault).await;
    statements(&mut scene).await;
    contradictions(&mut scene).await;
    revocations(&mut scene).await;
    reads(&mut scene).await;
    comes_back(&mut place, &mut scene).await;
    starts_again(scene).await;
}

async fn every_call_of_a_change(on_postgres: bool, fault: Fault) {
    let mut place = Place {
        on_postgres,
        ..Place::default()
    };
    let mut scene = Scene::new(&mut place, fault).await;
    revisions(&mut scene).await;
    frozen(&mut scene).await;
}

#[tokio::test]
async fn each_call_of_a_revision_and_a_run_fails_on_sqlite() {
    every_call_of_a_change(false, Fault::Failed).await;
    every_call_of_a_change(false, Fault::FailedButPersisted).await;
}

#[tokio::test]
async fn each_call_of_a_revision_and_a_run_fails_on_postgres() {
    every_call_of_a_change(true, Fault::Failed).await;
    every_call_of_a_change(true, Fault::FailedButPersisted).await;
}

#[tokio::test]
async fn each_call_of_sqlite_fails_with_nothing_done() {
    every_call(false, Fault::Failed).await;
}

#[tokio::test]
async fn each_call_of_sqlite_fails_after_all_was_done() {
    every_call(false, Fault::FailedButPersisted).await;
}

#[tokio::test]
async fn each_call_of_postgres_fails_with_nothing_done() {
    every_call(true, Fault::Failed).await;
}

#[tokio::test]
async fn each_call_of_postgres_fails_after_all_was_done() {
    every_call(true, Fault::FailedButPersisted).await;
}
