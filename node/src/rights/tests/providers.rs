//! By a provider's reference the records of that provider are meant, and nobody else's unasked.

use super::*;
use crate::store::audit::COMMAND_LINE;

/// One learner of Acme College; Beta College gave a record of its own learner under the same ULN, as one wrong digit does.
async fn bench_of_two() -> (Bench, [String; 2]) {
    let bench = Bench::new().await;
    let acme = row("L1", ULN, "A1", "2022-01-10", "");
    let beta = row("B7", ULN, "A9", "2021-10-01", "").replace("Acme", "Beta");
    bench.import(&[acme.clone(), beta.clone()]).await;
    let learners = "SELECT count(DISTINCT learner) FROM enrolments";
    assert_eq!(bench.number(learners).await, 1, "they are tied together");
    (bench, [acme, beta])
}

#[tokio::test]
async fn a_providers_reference_opens_no_other_providers_records_unasked() {
    let (bench, _) = bench_of_two().await;
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let found = preview(&bench.node, subject, &[]).await.unwrap();
    let said: Vec<_> = found
        .parts
        .iter()
        .map(|p| (p.by.as_str(), p.enrolments[0].provider.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("The provider whose reference was given", "Acme College"),
            (
                "Other providers, under the ULN that it gave",
                "Beta College"
            ),
        ]
    );
    assert!(
        found.effect[0].contains("Other providers hold records"),
        "{:?}",
        found.effect
    );
    for refused in [
        access(&bench.node, subject, &[], None, "ann", at(NOW))
            .await
            .err(),
        erase(&bench.node, subject, &[], "ann", at(NOW)).await.err(),
    ] {
        let Some(RightsError::Unfit(unfit)) = refused else {
            panic!("nobody was asked whose records are meant");
        };
        assert_eq!(unfit.field, "parts");
    }
    let own = [found.parts[0].part.clone()];
    let held = access(&bench.node, subject, &own, None, "ann", at(NOW))
        .await
        .unwrap();
    assert_eq!(held.enrolments(), 1);
    assert!(!held.text().contains("Beta College"));
    // Whoever is asked for by the ULN itself is asked for at every provider that knows it.
    let subject = by_uln(ULN).subject(&bench.node).await.unwrap();
    let all = preview(&bench.node, subject, &[]).await.unwrap();
    assert_eq!((all.enrolments.len(), all.parts.len()), (2, 0));
}

#[tokio::test]
async fn what_another_provider_gave_under_the_same_uln_stays_also_after_a_restore() {
    let (bench, [acme, beta]) = bench_of_two().await;
    let old = bench.path("old");
    backup::make(&bench.node, &old, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let subject = by_reference("L1").subject(&bench.node).await.unwrap();
    let own = ["provider".to_owned()];
    let gone = erase(&bench.node, subject, &own, "ann", at(LATER))
        .await
        .unwrap();
    assert_eq!((gone.learners, gone.enrolments), (1, 1));
    // The other one is there, found by either number, and not barred.
    for (asked, count) in [(by_uln(ULN), 1), (by_reference("L1"), 0)] {
        let subject = asked.subject(&bench.node).await.unwrap();
        let left = preview(&bench.node, subject, &[]).await.unwrap();
        assert_eq!(
            (
                left.enrolments.len(),
                left.parts.len(),
                left.erased.is_some()
            ),
            (count, 0, count == 0)
        );
    }
    let later = beta.replace("A9", "A8").replace("2021-10-01", "2021-11-01");
    bench.import(&[later]).await;
    assert_eq!(
        bench
            .number("SELECT count(*) FROM enrolments WHERE enters = 1")
            .await,
        2
    );
    // Acme's record does not come back by its reference.
    bench.import(&[acme.replace(ULN, "")]).await;
    assert_eq!(bench.number("SELECT count(*) FROM enrolments").await, 2);

    let journal = bench.path("data").join(JOURNAL);
    let parts = Parts {
        records: &old,
        keys: None,
        erasures: Some(&journal),
    };
    let back = backup::restore(parts, &bench.path("back"), (COMMAND_LINE, at(LATER)))
        .await
        .unwrap();
    let rows: Vec<String> = sqlx::query_scalar("SELECT provider FROM enrolments")
        .fetch_all(&back.node.store.reader)
        .await
        .unwrap();
    assert_eq!(rows, ["Beta College"]);
}
