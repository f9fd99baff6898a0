//! What the node fills in, and what it does not know.

use ldsp_protocol::additivity::{Observed, reconcile};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::measures::Count;
use ldsp_protocol::noise::{cumulative, sigma2, table_rho, variance};
use ldsp_protocol::questionnaire::Source;
use ldsp_protocol::standard::{Codebook, Family, Standard};
use ldsp_protocol::statement::{Payload, Statement};
use ldsp_protocol::summary::LearningSummary;
use proptest::prelude::*;

use super::super::act::How;
use super::super::facts::Unknown;
use super::*;
use crate::release::{self, Approval, Request};
use crate::store::outbox;
use crate::testing::{LEP, node_key, period, seeded, started};

async fn facts(world: &World, asked: &Questionnaire) -> Facts {
    Facts::read(&world.store, asked, at(NOW)).await.unwrap()
}

/// One question for every fact.
fn all_facts() -> Questionnaire {
    let mut all = asked();
    let questions = Fact::ALL.iter().map(|fact| Question {
        prefill: Some(*fact),
        ..question(fact.id(), number())
    });
    all.questions = questions.collect();
    all
}

/// Known or not, by the name of the fact.
async fn known(world: &World) -> Vec<(&'static str, Result<u64, Unknown>)> {
    let all = all_facts();
    let facts = facts(world, &all).await;
    let of = |(fact, question): (&Fact, &Question)| (fact.id(), facts.of(question).unwrap());
    Fact::ALL.iter().zip(&all.questions).map(of).collect()
}

async fn service(world: &World, name: &str, fields: &[(&str, &str)]) {
    let mut all = vec![("name", name)];
    all.extend(fields);
    if fields.iter().all(|(field, _)| *field != "organisation") {
        all.push(("organisation", "Library"));
    }
    crate::provision::tests::put(world, &all).await;
}

#[tokio::test]
async fn an_empty_node_knows_nothing_and_says_why() {
    let world = World::enrolled().await;
    for (fact, known) in known(&world).await {
        let why = match fact {
            "enrolments-published" => Unknown::NoRelease,
            _ => Unknown::NoService,
        };
        assert_eq!(known, Err(why), "{fact}");
    }
}

#[tokio::test]
async fn services_are_counted_as_the_page_shows_them() {
    let world = World::enrolled().await;
    service(&world, "Old", &[("status", "defunct"), ("places", "90")]).await;
    assert_eq!(
        known(&world).await[0],
        ("services", Ok(0)),
        "listed, and none on offer"
    );
    service(&world, "Over", &[("end", "2022-04-30"), ("places", "90")]).await;
    service(&world, "Soon", &[("start", "2022-05-02"), ("places", "90")]).await;
    service(&world, "Bare", &[("start", "2022-05-01")]).await;
    let counts = known(&world).await;
    assert_eq!(counts[0], ("services", Ok(1)));
    assert_eq!(counts[3], ("places", Err(Unknown::NoPlaces)));
    assert_eq!(counts[4], ("districts-served", Err(Unknown::NoDistrict)));
    let dudley = [
        ("area", "E08000027"),
        ("places", "12"),
        ("assured_date", "2022-04-01"),
        ("end", "2022-05-01"),
    ];
    service(&world, "Full", &dudley).await;
    let elsewhere = [
        ("area", "E07000086"),
        ("organisation", "library "),
        ("places", "8"),
        ("assured_date", "2021-04-01"),
    ];
    service(&world, "Far", &elsewhere).await;
    let counts: Vec<_> = known(&world)
        .await
        .into_iter()
        .map(|(_, known)| known)
        .collect();
    assert_eq!(
        counts[..5],
        [Ok(3), Ok(1), Ok(1), Ok(20), Ok(1)],
        "services, assured, organisations, places, districts of this LEP"
    );
}

#[tokio::test]
async fn what_the_node_fills_in_is_told_from_what_a_person_types() {
    let (world, _) = asked_world().await;
    service(&world, "Learn", &[]).await;
    let give = async |number: u64| {
        let given = vec![(id("services"), Some(Value::Number(number)))];
        save(
            &world.store,
            &id("routes"),
            given,
            How::Whole(None),
            ("ann", at(NOW)),
        )
        .await
        .unwrap();
        case(&world)
            .await
            .draft
            .unwrap()
            .of(&id("services"))
            .unwrap()
            .clone()
    };
    let filled = give(1).await;
    assert_eq!(
        (filled.answer.source, filled.as_of),
        (Source::Records, Some(date(2022, 5, 1)))
    );
    let typed = give(2).await;
    assert_eq!((typed.answer.source, typed.as_of), (Source::Person, None));
    // Filled in, then there are more services: it stays what it was on its day.
    give(1).await;
    service(&world, "Second", &[]).await;
    assert_eq!(give(1).await, filled);
}

/// A number beyond what is asked is no answer.
#[tokio::test]
async fn what_cannot_be_answered_is_not_filled_in() {
    let world = World::enrolled().await;
    service(&world, "Learn", &[]).await;
    let mut all = all_facts();
    all.questions[0].form = Form::Number {
        unit: "services".into(),
        min: 2,
        max: 9,
    };
    let facts = facts(&world, &all).await;
    assert_eq!(facts.of(&all.questions[0]), Some(Err(Unknown::Beyond)));
}

async fn months(world: &World, months: usize, seed: u64) {
    let (now, entropy) = (at(NOW), seeded(seed));
    for _ in 0..months {
        let request = Request {
            first: Some(period("2022-01")),
            ..Request::default()
        };
        let prepared = release::prepare(&world.store, request, "ann", now, &entropy).await;
        let approval = Approval {
            person: "bob",
            period: None,
            digest: prepared.unwrap().release.digest,
        };
        release::approve(&world.store, &node_key(), &approval, now)
            .await
            .unwrap();
    }
}

/// What anybody makes of the statements that left: their bytes and the published rules, and nothing of this node.
async fn readers(world: &World) -> Count {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let rows = outbox::all(&mut connection).await.unwrap();
    let read = |row: &outbox::OutboxRow| -> LearningSummary {
        let sealed = Unverified::parse(&row.envelope).unwrap();
        let sealed = sealed.verify(&node_key().verifying_key()).unwrap();
        match Statement::read(&sealed).unwrap().payload {
            Payload::LearningSummary(summary) => summary,
            _ => panic!("only months were sent"),
        }
    };
    let summaries: Vec<LearningSummary> = rows.iter().map(read).collect();
    let standard = Standard::current();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    let mut observed = Vec::new();
    for (at, table) in standard.tables().iter().enumerate() {
        if table.family != Family::Starts {
            continue;
        }
        let shape = codebook.shape(table);
        let cells: usize = shape.iter().product();
        let value = |cell: usize| {
            let published: Vec<i64> = summaries.iter().map(|s| s.tables[at].cells[cell]).collect();
            cumulative(&published).unwrap()
        };
        let rho = summaries[0].noise.rho_micro;
        let noise = sigma2(table_rho(standard, table.rho_micro, rho));
        observed.push(Observed::of(
            standard,
            table,
            &table.dimensions,
            shape,
            (0..cells).map(value).collect(),
            variance(noise, 0, summaries.len()),
        ));
    }
    let reconciled = reconcile(&observed).unwrap();
    let value = reconciled.margin(&[]).unwrap().values[0];
    let se = reconciled
        .covariance(&[], &[(vec![], 1)], &[(vec![], 1)])
        .unwrap()
        .sqrt();
    ldsp_protocol::measures::Estimate { value, se }.display()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// The number of learners is what readers of releases get, to the unit, whatever was counted and drawn.
    #[test]
    fn enrolments_are_what_readers_of_releases_get(people in 0usize..900, released in 1usize..3, seed in 0u64..1_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, _) = asked_world().await;
            world.add_all(&vec![started("2022-01-05"); people]).await;
            months(&world, released, seed).await;
            let all = asked();
            let asks = all.question(&id("enrolments")).unwrap();
            let known = facts(&world, &all).await.of(asks).unwrap();
            match readers(&world).await {
                Count::Shown { value, .. } => {
                    assert_eq!(known, Ok(value));
                    let given = vec![(id("enrolments"), Some(Value::Number(value)))];
                    save(&world.store, &id("routes"), given, How::Whole(None), ("ann", at(NOW))).await.unwrap();
                    let kept = case(&world).await.draft.unwrap();
                    assert_eq!(kept.of(&id("enrolments")).unwrap().answer.source, Source::Releases);
                    let exact = vec![(id("enrolments"), Some(Value::Number(people as u64)))];
                    let typed = save(&world.store, &id("routes"), exact, How::Whole(None), ("ann", at(NOW))).await;
                    assert!(typed.is_err() || value == people as u64);
                }
                Count::TooFew => assert_eq!(known, Err(Unknown::TooFew)),
            }
        });
    }
}

/// A month more was published after the answers were handed over: the number that was true then is not sent.
#[tokio::test]
async fn an_estimate_that_moved_is_sent_back_and_not_sent() {
    let (world, _) = asked_world().await;
    world.add_all(&vec![started("2022-01-05"); 400]).await;
    world.add_all(&vec![started("2022-02-05"); 400]).await;
    months(&world, 1, 5).await;
    let asks = asked();
    let estimate = facts(&world, &asks)
        .await
        .of(asks.question(&id("enrolments")).unwrap());
    let mut given = sound();
    given[4].1 = Some(Value::Number(estimate.unwrap().unwrap()));
    let name = id("routes");
    save(
        &world.store,
        &name,
        given,
        How::Whole(None),
        ("ann", at(NOW)),
    )
    .await
    .unwrap();
    let digest = hand_over(&world.store, &name, ("ann", at(NOW)))
        .await
        .unwrap();
    months(&world, 1, 6).await;
    let word = Word {
        name: &name,
        digest,
        person: "bob",
    };
    let refused = release(&world.store, &node_key(), word, at(NOW)).await;
    assert_eq!(refused.unwrap_err().code(), "estimate-moved");
    send_back(&world.store, word, "Fill it in again.", at(NOW))
        .await
        .unwrap();
    let again = hand_over(&world.store, &name, ("ann", at(NOW))).await;
    assert_eq!(
        again.unwrap_err().code(),
        "answers",
        "the coordinator is told, too"
    );
}
