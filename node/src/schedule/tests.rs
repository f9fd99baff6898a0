use super::*;
use crate::release::{Approval, Request, approve, prepare};
use crate::testing::{World, at, node_key, period, seeded, started};

/// A node whose first month people have chosen and published.
async fn begun_in_february() -> World {
    let world = World::enrolled().await;
    let now = at("2022-03-02T09:00:00Z");
    let request = Request {
        first: Some(period("2022-02")),
        ..Request::default()
    };
    let prepared = prepare(&world.store, request, "ann", now, &seeded(1)).await;
    let approval = Approval {
        person: "bob",
        period: None,
        digest: prepared.unwrap().release.digest,
    };
    approve(&world.store, &node_key(), &approval, now)
        .await
        .unwrap();
    world
}

/// Where the history begins is for people to choose: the timetable does not, and says why it does nothing.
#[tokio::test]
async fn the_job_does_not_choose_the_first_month() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let begun = at("2022-04-01T00:00:00Z");
    let schedule = "0 6 5 * *".parse().unwrap();
    let mut job = Job::new(&world.store, schedule, None, begun).await.unwrap();
    let due = at("2022-04-05T05:00:00Z");
    let done = job.step(&world.store, due, &seeded(1)).await.unwrap();
    assert!(
        matches!(&done, JobOutcome::Nothing(why) if why.contains("nobody has chosen the month")),
        "{done:?}"
    );
    assert_eq!(world.number("SELECT count(*) FROM ledger_months").await, 0);
}

#[tokio::test]
async fn the_job_prepares_and_never_approves() {
    let world = begun_in_february().await;
    world.add(&started("2022-03-10")).await;
    let schedule: Schedule = "0 6 5 * *".parse().unwrap();
    let mut job = Job::new(
        &world.store,
        schedule.clone(),
        None,
        at("2022-04-01T00:00:00Z"),
    )
    .await
    .unwrap();
    let due = at("2022-04-05T05:00:00Z");
    let early = job
        .step(&world.store, at("2022-04-05T04:59:59Z"), &seeded(1))
        .await
        .unwrap();
    assert_eq!(early, JobOutcome::NotYet(due));
    assert_eq!(
        job.wait(at("2022-04-05T04:59:00Z"), Duration::from_secs(600)),
        Duration::from_secs(60)
    );
    let done = job.step(&world.store, due, &seeded(1)).await.unwrap();
    assert_eq!(done, JobOutcome::Prepared(period("2022-03")));
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 1);
    assert_eq!(
        world
            .number("SELECT count(*) FROM releases WHERE author = 'schedule' AND approver IS NULL")
            .await,
        1
    );
    // Off in May, back in June: made up for once, and the open release stands in the way.
    let back = at("2022-06-02T00:00:00Z");
    let mut job = Job::new(&world.store, schedule, None, back).await.unwrap();
    assert_eq!(job.next(), Some(at("2022-05-05T05:00:00Z")));
    let done = job.step(&world.store, back, &seeded(1)).await.unwrap();
    assert!(
        matches!(&done, JobOutcome::Nothing(why) if why.contains("March 2022")),
        "{done:?}"
    );
    assert_eq!(job.next(), Some(at("2022-06-05T05:00:00Z")));
}

#[tokio::test]
async fn a_release_that_failed_or_was_killed_is_due_still() {
    let world = begun_in_february().await;
    world.add(&started("2022-03-10")).await;
    let schedule: Schedule = "0 6 5 * *".parse().unwrap();
    let begun = at("2022-04-01T00:00:00Z");
    let due = at("2022-04-05T05:00:00Z");
    Job::new(&world.store, schedule.clone(), None, begun)
        .await
        .unwrap();
    // Killed between the audit row and the commit: the draw never comes back.
    let mut job = Job::new(&world.store, schedule.clone(), None, begun)
        .await
        .unwrap();
    let store = world.store.clone();
    let killed = tokio::spawn(async move {
        let dies: Entropy = std::sync::Arc::new(|| panic!("killed here"));
        job.step(&store, due, &dies).await
    });
    assert!(killed.await.unwrap_err().is_panic());
    let world = world.reopened().await;
    let mut job = Job::new(&world.store, schedule, None, at("2022-04-05T05:01:00Z"))
        .await
        .unwrap();
    assert_eq!(job.next(), Some(due));
    // Then the disk fails for a while: tried again, less and less often.
    world
        .run("CREATE TRIGGER full BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'full'); END")
        .await;
    let mut now = at("2022-04-05T05:01:00Z");
    let mut gaps = Vec::new();
    for _ in 0..12 {
        job.step(&world.store, now, &seeded(1)).await.unwrap_err();
        let again = job.step(&world.store, now, &seeded(1)).await.unwrap();
        let JobOutcome::NotYet(next) = again else {
            panic!("{again:?}");
        };
        gaps.push(next.as_second() - now.as_second());
        now = next;
    }
    assert_eq!((gaps[0], gaps[1], gaps[11]), (5, 10, LONGEST_PAUSE));
    let came = "SELECT count(*) FROM audit WHERE action = 'schedule came'";
    assert_eq!(world.number(came).await, 0);
    world.run("DROP TRIGGER full").await;
    let done = job.step(&world.store, now, &seeded(1)).await.unwrap();
    assert_eq!(done, JobOutcome::Prepared(period("2022-03")));
    assert_eq!(world.number(came).await, 1);
    assert_eq!(job.next(), Some(at("2022-05-05T05:00:00Z")));
}
