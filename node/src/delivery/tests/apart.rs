//! A provider learns nothing of other providers' learners from what it brings, and changes nothing of theirs.

use super::*;
use crate::store::records::persons::ident;

const ULNS: [&str; 3] = ["1000000027", "1000000035", "1000000043"];

fn with_uln(reference: &str, uln: &str) -> String {
    row("", reference, "").replace(",,40,", &format!(",{uln},40,"))
}

async fn erased(world: &World, uln: &str) {
    let day = jiff::civil::date(2022, 12, 1);
    let gone = world.store.erase(&key().of_uln(uln), day).await.unwrap();
    assert_eq!(gone, 1);
}

fn checked() -> Bringing {
    Bringing {
        dry_run: true,
        ..Bringing::default()
    }
}

#[tokio::test]
async fn a_provider_cannot_find_out_who_was_erased_elsewhere() {
    let world = world().await;
    let [erased_one, unknown, _] = ULNS;
    brought(
        &world,
        "Library",
        &with_uln("L1", erased_one),
        &in_cohort(2),
    )
    .await;
    erased(&world, erased_one).await;
    let mut said = Vec::new();
    for uln in [erased_one, unknown] {
        let report = brought(&world, "College", &with_uln("C1", uln), &checked()).await;
        said.push(report.text());
    }
    assert_eq!(said[0], said[1]);
    let how = Bringing::default();
    let report = brought(&world, "College", &with_uln("C1", erased_one), &how).await;
    assert_eq!(
        (report.tally.added, report.tally.erased),
        (1, 0),
        "{}",
        report.text()
    );
    // What it is told after that is the same, too.
    for (reference, aim) in [("C1", "AIM2"), ("C2", "AIM3"), ("", "AIM4")] {
        let row = with_uln(reference, erased_one).replace("AIM", aim);
        let report = brought(&world, "College", &row, &how).await;
        assert_eq!(report.tally.erased, 0, "{reference} {}", report.text());
    }
    // Held, and never counted.
    assert_eq!(world.number("SELECT sum(enters) FROM enrolments").await, 0);
    // The one whose records went is told, under another reference and without one, too.
    for reference in ["L1", "L2", ""] {
        let row = with_uln(reference, erased_one);
        let report = brought(&world, "Library", &row, &how).await;
        assert_eq!(report.tally.erased, 1, "{reference} {}", report.text());
    }
}

#[tokio::test]
async fn a_provider_cannot_tie_two_learners_of_another_one_together() {
    let world = world().await;
    let [one, other, nobodys] = ULNS;
    let theirs = with_uln("L1", one) + &with_uln("L2", other);
    brought(&world, "Library", &theirs, &in_cohort(2)).await;
    let how = Bringing::default();
    let report = brought(&world, "College", &with_uln("C1", one), &how).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    for (uln, aim) in [(other, "AIM"), (other, "AIM2"), (nobodys, "AIM")] {
        let row = with_uln("C1", uln).replace("AIM", aim);
        let report = brought(&world, "College", &row, &how).await;
        assert_eq!(report.outcome, Outcome::Refused, "{}", report.text());
        let codes: Vec<_> = report.problems.by_code().keys().copied().collect();
        assert_eq!(codes, ["uln-differs"]);
    }
    // A ULN that was issued late is no other one.
    for rows in [row("", "C2", ""), with_uln("C2", other)] {
        let report = brought(&world, "College", &rows, &how).await;
        assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    }
    let library = own(&world, "Library").await;
    let seen = register(&world.store, &library, 2).await.unwrap();
    assert_eq!(seen.len(), 2);
    let learners = "SELECT count(DISTINCT learner) FROM enrolments WHERE provider = 'Library'";
    assert_eq!(world.number(learners).await, 2);
}

#[tokio::test]
async fn the_reference_of_somebody_who_was_erased_buries_nobody_else() {
    let world = world().await;
    let [erased_one, other, _] = ULNS;
    brought(&world, "Library", &with_uln("L1", other), &in_cohort(2)).await;
    brought(
        &world,
        "College",
        &with_uln("C1", erased_one),
        &in_cohort(1),
    )
    .await;
    erased(&world, erased_one).await;
    let row = with_uln("C1", other).replace("2022-01-10", "2022-12-05");
    let report = brought(&world, "College", &row, &Bringing::default()).await;
    assert!(
        report.problems.by_code().contains_key("uln-differs"),
        "{}",
        report.text()
    );
    let buried: i64 = sqlx::query_scalar("SELECT count(*) FROM erased WHERE ident = $1")
        .bind(ident(&key().of_uln(other)))
        .fetch_one(&world.store.reader)
        .await
        .unwrap();
    assert_eq!(buried, 0);
    assert_eq!(world.number("SELECT sum(enters) FROM enrolments").await, 1);
}
