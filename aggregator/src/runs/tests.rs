use ldsp_protocol::benchmark::Measure;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::run::Recount;

use super::*;
use crate::testing::{Sim, World, at as moment};

async fn published(world: &World, sims: &mut [Sim], months: usize) {
    for _ in 0..months {
        for sim in sims.iter_mut() {
            let (seq, sealed) = sim.publish(60);
            let answer = world.put(&sim.path(seq), sealed.envelope()).await;
            assert!(answer.status.is_success(), "{}", answer.text());
        }
    }
}

async fn world() -> (World, Vec<Sim>) {
    let (world, mut sims) = (World::new().await, vec![Sim::new(0), Sim::new(1)]);
    for sim in &sims {
        world.admit(sim).await;
    }
    published(&world, &mut sims, 2).await;
    (world, sims)
}

async fn run(world: &World) -> Made {
    let service = &world.service;
    make(&service.announcer(), service.now()).await.unwrap()
}

/// All figures again from the envelopes of the log, as an outsider counts them.
async fn recounted(world: &World, size: u64) -> (Inputs, Figures) {
    let store = &world.service.store;
    let mut all = store.statements(0, 1000).await.unwrap();
    all.retain(|s| s.index < size);
    let verifier = world.service.signer.verifier();
    let (mut gather, mut recount) = (Gather::default(), Recount::new(verifier));
    for own in store.owns(0, 1000).await.unwrap() {
        if own.index < size
            && own.kind == Kind::KeyAdd
            && let Own::KeyAdd(add) = recount
                .key(own.index, &own.entry(), Some(&own.envelope))
                .unwrap()
        {
            gather.key(own.index, &add);
        }
    }
    all.sort_by_key(|s| (s.node.clone(), s.index));
    let envelope = |s: &LoggedStatement| s.withdrawn.is_none().then(|| s.envelope.clone());
    for statement in &all {
        gather.entry(statement.index, &statement.entry());
        recount
            .statement(
                statement.index,
                &statement.entry(),
                envelope(statement).as_deref(),
            )
            .unwrap();
    }
    (gather.inputs().unwrap(), recount.end().unwrap())
}

#[test]
fn what_a_statement_cannot_hold_is_refused_before_it_is_signed() {
    // Withdrawals leave gaps, and each gap takes room in what every finding stands on.
    let finding = |gaps: u64| {
        let figures = Figures::default();
        let inputs = (0..gaps).map(|n| 2 * n).collect();
        let stands_on = StandsOn::new(2 * gaps, Digest::ZERO, &figures, inputs);
        MeasureFinding::of(&figures, Measure::ALL[0], stands_on)
    };
    fits("of one measure", &finding(100_000)).unwrap();
    let refused = fits("of one measure", &finding(300_000)).unwrap_err();
    assert!(
        matches!(refused, RunError::Large { bytes, most, .. } if bytes > most && most < MAX_BODY),
        "{refused}"
    );
}

#[tokio::test]
async fn a_run_freezes_what_an_outsider_counts_again_to_the_byte() {
    let (world, mut sims) = world().await;
    let store = &world.service.store;
    let live = world.service.snapshot().await.unwrap();
    let size = store.size().await.unwrap();
    let made = run(&world).await;
    let frozen = made.run.unwrap();
    assert!(made.new && frozen.run.stands_on.size == size);
    assert_eq!(frozen.run.findings.len(), Measure::ALL.len());
    assert_eq!(frozen.index, size + Measure::ALL.len() as u64);
    let (inputs, figures) = recounted(&world, size).await;
    assert_eq!(frozen.run.stands_on.inputs, inputs);
    published(&world, &mut sims, 1).await;
    for named in &frozen.run.findings {
        let statement = statement(store, named).await.unwrap();
        let body = Unverified::parse(&statement.envelope).unwrap();
        let expected = MeasureFinding::of(&figures, named.measure, frozen.run.stands_on.clone());
        assert_eq!(expected.figures, live.of(named.measure));
        let text = serde_json::to_string(&expected).unwrap();
        let body = std::str::from_utf8(body.unverified_body()).unwrap();
        assert!(
            body.ends_with(&format!("\"payload\":{text}}}")),
            "{:?}",
            named.measure
        );
    }
}

#[tokio::test]
async fn a_run_of_the_same_statements_is_not_logged_twice() {
    let empty = World::new().await;
    assert_eq!(
        run(&empty).await,
        Made {
            run: None,
            new: false
        }
    );
    let (world, mut sims) = world().await;
    let first = run(&world).await;
    let size = world.service.store.size().await.unwrap();
    // Neither a key nor the run itself is anything that figures stand on.
    world.admit(&Sim::new(2)).await;
    let again = run(&world).await;
    assert_eq!((again.run, again.new), (first.run.clone(), false));
    assert_eq!(world.service.store.size().await.unwrap(), size + 1);
    published(&world, &mut sims, 1).await;
    let next = run(&world).await;
    assert!(next.new && next.run != first.run);
    let size = next.run.unwrap().run.stands_on.size;
    let (_, figures) = recounted(&world, size).await;
    assert_eq!(figures.range().unwrap().months(), 3);
}

#[tokio::test]
async fn the_schedule_makes_a_run_when_it_comes() {
    let (world, _) = world().await;
    let announcer = world.service.announcer();
    let schedule: Schedule = "0 6 15 * *".parse().unwrap();
    let now = moment("2023-01-05T12:00:00Z");
    let mut job = Job::new(schedule.clone(), None, now);
    assert_eq!(job.step(&announcer, now).await.unwrap(), None);
    let due = job.next().unwrap();
    assert_eq!(due, moment("2023-01-15T06:00:00Z"));
    let made = job.step(&announcer, due).await.unwrap().unwrap();
    assert!(made.new);
    assert_eq!(made.run.unwrap().received, due);
    assert_eq!(job.next(), Some(moment("2023-02-15T06:00:00Z")));
    // What is too large now is so in a quarter of an hour too; trouble with the store may have passed by then.
    let large = RunError::Large {
        what: "of one measure",
        bytes: 2,
        most: 1,
    };
    assert_eq!(job.again(&large, due), Some(moment("2023-02-15T06:00:00Z")));
    assert_eq!(
        job.again(&RunError::Moving(READS), due),
        Some(moment("2023-01-15T06:15:00Z"))
    );
    let overdue = Overdue::default();
    overdue.note(due, Some(&large));
    let (at, why) = overdue.why().unwrap();
    assert!(at == due && why.contains("2 bytes"), "{why}");
    overdue.note(due, None);
    assert_eq!(overdue.why(), None);
    // While the server was off.
    let job = Job::new(schedule, Some(due), moment("2023-04-01T00:00:00Z"));
    assert_eq!(job.next(), Some(moment("2023-02-15T06:00:00Z")));
}
