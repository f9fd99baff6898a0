use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::statement::{Payload, Statement};

use super::*;
use crate::release::{Approval, Request, approve, prepare};
use crate::testing::{World, at, node_key, seeded, started};

const NOW: &str = "2022-03-04T09:00:00Z";
const WHY: &str = "Published before the partnership had agreed to it.";

/// Releases January and February 2022, statements 1 and 2.
async fn released() -> World {
    let world = World::enrolled().await;
    world.add(&started("2022-01-10")).await;
    for _ in 0..2 {
        let request = Request {
            first: Some("2022-01".parse().unwrap()),
            ..Request::default()
        };
        let prepared = prepare(&world.store, request, "ann", at(NOW), &seeded(4)).await;
        let release = prepared.unwrap().release;
        let approval = Approval {
            person: "bob",
            period: None,
            digest: release.digest,
        };
        approve(&world.store, &node_key(), &approval, at(NOW))
            .await
            .unwrap();
    }
    world
}

fn by(person: &str, seq: u64) -> Decision<'_> {
    Decision {
        person,
        seq,
        reason: WHY,
    }
}

async fn said(world: &World, seq: u64) -> Statement {
    let mut reader = world.store.reader.acquire().await.unwrap();
    let row = outbox::of(&mut reader, seq).await.unwrap().unwrap();
    let key = node_key().verifying_key();
    let verified = Unverified::parse(&row.envelope).unwrap().verify(&key);
    Statement::read(&verified.unwrap()).unwrap()
}

#[tokio::test]
async fn a_month_is_withdrawn_and_comes_back_with_its_very_cells() {
    let world = released().await;
    let (store, key) = (&world.store, node_key());
    let Payload::LearningSummary(first) = said(&world, 1).await.payload else {
        panic!("a summary")
    };
    let ledger = "SELECT count(*) FROM ledger_cells";
    let drawn = world.number(ledger).await;

    let seq = withdraw(store, &key, &by("bob", 1), at(NOW)).await.unwrap();
    assert_eq!(seq, 3);
    let statement = said(&world, 3).await;
    let Payload::Withdrawal(withdrawal) = &statement.payload else {
        panic!("a withdrawal")
    };
    assert_eq!(withdrawal.check(3), Ok(()));
    assert_eq!(withdrawal.statement.seq, 1);
    assert_eq!(withdrawal.cells, Some(first.cells_digest()));
    assert_eq!(statement.standard, said(&world, 1).await.standard);
    let again = withdraw(store, &key, &by("bob", 1), at(NOW)).await;
    assert_eq!(again.unwrap_err().code(), "already-withdrawn");
    let stays = withdraw(store, &key, &by("bob", 3), at(NOW)).await;
    assert_eq!(stays.unwrap_err().code(), "withdrawal-stays");
    let lep = crate::testing::LEP.parse().unwrap();
    let figures = store.own_figures(&lep);
    assert_eq!(figures.await.unwrap().releases().len(), 1);

    let seq = reissue(store, &key, &by("bob", 1), at(NOW)).await.unwrap();
    let statement = said(&world, seq).await;
    let Payload::Correction(correction) = statement.payload else {
        panic!("a correction")
    };
    assert_eq!(correction.summary, first);
    assert_eq!(correction.check_cells(first.cells_digest()), Ok(()));
    assert_eq!(statement.period, Some("2022-01".parse().unwrap()));
    let twice = reissue(store, &key, &by("bob", 1), at(NOW)).await;
    assert_eq!(twice.unwrap_err().code(), "published-again");
    // Entries cite the month by the statement that stands for it now.
    let lep = crate::testing::LEP.parse().unwrap();
    let figures = store.own_figures(&lep);
    let figures = figures.await.unwrap();
    let mut reader = store.reader.acquire().await.unwrap();
    let pae = outbox::pae(&mut reader, seq).await.unwrap().unwrap();
    drop(reader);
    assert_eq!(figures.releases()[0].statement, pae);

    // The correction itself may be withdrawn and the month published once more.
    assert_eq!(
        withdraw(store, &key, &by("bob", 4), at(NOW)).await.unwrap(),
        5
    );
    assert_eq!(
        reissue(store, &key, &by("bob", 4), at(NOW)).await.unwrap(),
        6
    );
    assert_eq!(world.number(ledger).await, drawn, "nothing was drawn");
    let acts = "SELECT count(*) FROM audit WHERE action IN ('statement withdrawn', 'month published again')";
    assert_eq!(world.number(acts).await, 4);
}

#[tokio::test]
async fn what_may_not_be_revised_is_left_as_it_is() {
    let world = released().await;
    let (store, key) = (&world.store, node_key());
    let refused = async |decision: Decision<'_>, again: bool| {
        let outcome = if again {
            reissue(store, &key, &decision, at(NOW)).await
        } else {
            withdraw(store, &key, &decision, at(NOW)).await
        };
        let error = outcome.unwrap_err();
        assert!(!error.next().is_empty());
        error.code()
    };
    assert_eq!(refused(by("ann", 1), false).await, "role");
    assert_eq!(refused(by("bob", 9), false).await, "unknown-statement");
    assert_eq!(refused(by("bob", 1), true).await, "not-withdrawn");
    let personal = Decision {
        reason: "Ask Jo on 0121 496 0000",
        ..by("bob", 1)
    };
    assert_eq!(refused(personal, false).await, "reason");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 2);
    // A ledger that says otherwise stops the second publication.
    withdraw(store, &key, &by("bob", 1), at(NOW)).await.unwrap();
    world
        .run("UPDATE ledger_cells SET published = entries WHERE month = 1")
        .await;
    let damaged = reissue(store, &key, &by("bob", 1), at(NOW)).await;
    assert_eq!(damaged.unwrap_err().code(), "storage");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 3);
}

/// Months behind a withdrawn one are checked by themselves only. What they say together the log sees when the month comes back, and
/// a correction that it refuses would hold up everything behind it.
#[tokio::test]
async fn a_month_that_the_log_would_refuse_with_a_later_one_is_not_published_again() {
    let world = released().await;
    let (store, key) = (&world.store, node_key());
    withdraw(store, &key, &by("bob", 1), at(NOW)).await.unwrap();
    // Statement 4: margins that do not agree.
    let Payload::LearningSummary(mut summary) = said(&world, 2).await.payload else {
        panic!("a summary")
    };
    summary.noise.month = 3;
    summary.tables[0].cells[0] += 100_000 << 16;
    let of = (Some("2022-03".parse().unwrap()), Standard::current());
    let mut tx = store.write().await.unwrap();
    let kind = Kind::LearningSummary;
    let seq = seal::queue(&mut tx, &key, kind, of, &summary, 0).await;
    assert_eq!(seq.unwrap(), 4);
    tx.commit().await.unwrap();

    let refused = reissue(store, &key, &by("bob", 1), at(NOW)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "later-month", "{refused}");
    assert!(
        refused.to_string().contains("2022-03 (statement 4)"),
        "{refused}"
    );
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 4);
    // Without that month it comes back.
    withdraw(store, &key, &by("bob", 4), at(NOW)).await.unwrap();
    let seq = reissue(store, &key, &by("bob", 1), at(NOW)).await;
    assert_eq!(seq.unwrap(), 6);
    // And that one never does.
    let refused = reissue(store, &key, &by("bob", 4), at(NOW)).await;
    assert!(refused.is_err());
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 6);
}

/// An entry, as the next statement.
async fn entry(world: &World, supersedes: Option<Digest>) -> Digest {
    let lep = crate::testing::LEP.parse().unwrap();
    let figures = world.store.own_figures(&lep).await.unwrap();
    let text = crate::practice::tests::filled();
    let today = jiff::civil::date(2022, 3, 4);
    let entry = PracticeEntry {
        supersedes,
        ..crate::practice::check_file(&text, &figures, today).unwrap()
    };
    let mut tx = world.store.write().await.unwrap();
    let of = (None, Standard::current());
    let kind = Kind::PracticeEntry;
    let seq = seal::queue(&mut tx, &node_key(), kind, of, &entry, 0).await;
    let pae = outbox::pae(&mut tx, seq.unwrap()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    pae
}

#[tokio::test]
async fn the_middle_of_three_versions_is_not_withdrawn_by_itself() {
    let world = World::enrolled().await;
    let (store, key) = (&world.store, node_key());
    let first = entry(&world, None).await;
    let second = entry(&world, Some(first)).await;
    entry(&world, Some(second)).await;
    let refused = withdraw(store, &key, &by("bob", 2), at(NOW)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "between-versions");
    for words in ["statement 1", "statement 3"] {
        assert!(refused.to_string().contains(words), "{refused}");
    }
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 3);
    withdraw(store, &key, &by("bob", 1), at(NOW)).await.unwrap();
    withdraw(store, &key, &by("bob", 2), at(NOW)).await.unwrap();
    withdraw(store, &key, &by("bob", 3), at(NOW)).await.unwrap();
}
