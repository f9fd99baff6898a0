//! Who is who: a learner enters each family at most twice and an enrolment once, whatever files come later.

use super::*;
use crate::store::ledger::mark_counted;
use crate::store::ledger::streams::Stream;
use crate::store::providers::{Renamed, folded};
use crate::store::records::{Doubtful, persons};
use ldsp_protocol::standard::Standard;

const ULN: &str = "1000000027";

/// Counts the facts known by the end of July 2022, as a release does.
async fn count(bench: &Bench) {
    let mut tx = bench.store.write().await.unwrap();
    persons::cap(&mut tx, None).await.unwrap();
    mark_counted(
        &mut tx,
        &Stream::new(Standard::current()),
        "2022-07".parse().unwrap(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// An enrolment of a provider's learner `reference` that began on day `day` of October 2021 and goes on.
fn begun(provider: &str, reference: &str, uln: &str, aim: &str, day: u8) -> String {
    let start = format!("2021-10-{day:02}");
    let change = [
        ("provider", provider),
        ("learner_ref", reference),
        ("uln", uln),
        ("aim", aim),
        ("start", &start),
        ("end", ""),
        ("stage", "in-progress"),
        ("destination_3m", ""),
    ];
    row(1, &change)
}

/// The same, left with achievement.
fn left(row: &str) -> String {
    row.replace(",,in-progress,,", ",2022-02-01,achieved,,")
}

async fn stored(bench: &Bench, rows: &[String]) -> Tally {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let report = bench.rows(&rows).await;
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    report.tally
}

/// How many enrolments have entered the starts, and how many the leavers.
async fn entered(bench: &Bench) -> (i64, i64) {
    sqlx::query_as(
        "SELECT coalesce(sum(counted & 1), 0), coalesce(sum(counted >> 1 & 1), 0) FROM enrolments",
    )
    .fetch_one(&bench.store.reader)
    .await
    .unwrap()
}

fn acme(uln: &str, aim: &str, day: u8) -> String {
    begun("Acme College", "L1", uln, aim, day)
}

#[tokio::test]
async fn a_uln_that_comes_with_new_enrolments_lets_no_third_one_enter() {
    let bench = Bench::new().await;
    stored(&bench, &[acme("", "A1", 1), acme("", "A2", 2)]).await;
    count(&bench).await;
    let four = [("A1", 1), ("A2", 2), ("A3", 3), ("A4", 4)].map(|(aim, day)| acme(ULN, aim, day));
    stored(&bench, &four).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
}

#[tokio::test]
async fn new_enrolments_with_a_uln_that_stand_before_the_old_ones_do_not_enter() {
    let bench = Bench::new().await;
    stored(&bench, &[acme("", "A1", 1), acme("", "A2", 2)]).await;
    count(&bench).await;
    let others = (100..800).map(|n| begun("Acme College", &format!("L{n}"), "", "A1", 1));
    let mut rows = vec![acme(ULN, "A3", 3), acme(ULN, "A4", 4)];
    rows.extend(others);
    rows.extend([acme(ULN, "A1", 1), acme(ULN, "A2", 2)]);
    stored(&bench, &rows).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (702, 0));
}

#[tokio::test]
async fn a_yearly_file_of_new_enrolments_alone_lets_no_third_one_enter() {
    let bench = Bench::new().await;
    stored(&bench, &[acme("", "A1", 1), acme("", "A2", 2)]).await;
    count(&bench).await;
    stored(&bench, &[acme(ULN, "A3", 3), acme(ULN, "A4", 4)]).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
    // Nor does it when the ULN is left out again.
    stored(&bench, &[acme("", "A5", 5)]).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
}

#[tokio::test]
async fn of_two_providers_that_one_uln_ties_together_two_enrolments_go_on_entering() {
    let bench = Bench::new().await;
    let both = |uln: &str| {
        ["Acme College", "Beta College"]
            .map(|p| [1, 2].map(|n| begun(p, "L1", uln, &format!("A{n}"), n)))
            .concat()
    };
    stored(&bench, &both("")).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (4, 0));
    stored(&bench, &both(ULN)).await;
    stored(
        &bench,
        &both(ULN).iter().map(|r| left(r)).collect::<Vec<_>>(),
    )
    .await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (4, 2));
}

async fn refused(bench: &Bench, rows: &[String], options: &Options) -> Vec<(u64, &'static str)> {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let report = bench.with(file(&rows).as_bytes(), options).await.unwrap();
    assert_eq!(report.outcome, Outcome::Refused, "{}", report.text());
    let problems = report.problems.detailed().iter();
    problems.map(|p| (p.line, p.code)).collect()
}

async fn stored_as(bench: &Bench, rows: &[String], doubtful: Doubtful) -> Tally {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let options = Options {
        doubtful,
        ..Options::default()
    };
    let report = bench.with(file(&rows).as_bytes(), &options).await.unwrap();
    assert_eq!(report.outcome, Outcome::Stored, "{}", report.text());
    report.tally
}

#[tokio::test]
async fn a_provider_that_renames_itself_is_not_counted_again() {
    let bench = Bench::new().await;
    let rows = [acme(ULN, "A1", 1), begun("Acme College", "L2", "", "A1", 1)];
    stored(&bench, &rows).await;
    count(&bench).await;
    let renamed = rows.map(|row| row.replace("Acme College", "Acme Group"));
    let unknown = [(2, "provider-unknown"), (3, "provider-unknown")];
    assert_eq!(
        refused(&bench, &renamed, &Options::default()).await,
        unknown
    );
    let said = bench
        .store
        .rename_provider("acme  college", "Acme Group", "ann", now());
    assert_eq!(said.await.unwrap(), Renamed::Done);
    let done = stored(&bench, &renamed).await;
    assert_eq!((done.changed, done.carried), (2, 0));
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
    for (old, new, outcome) in [
        ("Nobody", "Else", Renamed::Unknown),
        ("Acme Group", "ACME college", Renamed::Taken),
    ] {
        let said = bench.store.rename_provider(old, new, "ann", now());
        assert_eq!(said.await.unwrap(), outcome);
    }
    // A provider that is new has to be said to be.
    let options = Options {
        new_providers: true,
        ..Options::default()
    };
    let other = file(&[&begun("Beta College", "L1", "", "A1", 1)]);
    let report = bench.with(other.as_bytes(), &options).await.unwrap();
    assert_eq!(report.tally, tally(1, 0, 0));
}

/// "Acme GROUP" sorts before "Acme Group", "acme group" behind it: neither spelling undoes what was said of the name.
#[tokio::test]
async fn another_spelling_of_a_later_name_is_the_same_provider() {
    for spelling in ["Acme GROUP", "acme group"] {
        let bench = Bench::new().await;
        let of = |name: &str| {
            [
                begun(name, "L1", "", "A1", 1),
                begun(name, "L2", "", "A1", 1),
            ]
        };
        stored(&bench, &of("Acme College")).await;
        count(&bench).await;
        let said = bench
            .store
            .rename_provider("Acme College", "Acme Group", "ann", now());
        assert_eq!(said.await.unwrap(), Renamed::Done);
        let day = "2022-08-01".parse().unwrap();
        let learner = known_as(&bench, "L2");
        assert_eq!(bench.store.erase(&learner, day).await.unwrap(), 1);
        for _ in 0..2 {
            let done = stored(&bench, &of(spelling)).await;
            assert_eq!((done.added, done.erased), (0, 1), "{spelling}");
        }
        count(&bench).await;
        assert_eq!(entered(&bench).await, (1, 0));
        let mut reader = bench.store.reader.acquire().await.unwrap();
        let roots = crate::store::providers::roots(&mut reader).await.unwrap();
        assert_eq!(&*roots.of(spelling), "acme college");
        // A node whose providers were noted without it is mended by reading.
        sqlx::query("UPDATE providers SET was = NULL WHERE name = $1")
            .bind(spelling)
            .execute(&bench.store.writer)
            .await
            .unwrap();
        let roots = crate::store::providers::roots(&mut reader).await.unwrap();
        assert_eq!(&*roots.of(spelling), "acme college");
    }
}

#[tokio::test]
async fn a_corrected_start_is_not_counted_again() {
    let bench = Bench::new().await;
    stored(
        &bench,
        &[acme(ULN, "A1", 1), begun("Acme College", "L2", "", "A1", 1)],
    )
    .await;
    count(&bench).await;
    let corrected = [acme(ULN, "A1", 9), begun("Acme College", "L2", "", "A1", 9)];
    stored(&bench, &corrected).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
    assert_eq!(bench.dump().await.len(), 2);
}

#[tokio::test]
async fn a_reference_that_is_filled_in_makes_no_second_enrolment() {
    let bench = Bench::new().await;
    stored(&bench, &[begun("Acme College", "", ULN, "A1", 1)]).await;
    count(&bench).await;
    stored(&bench, &[acme(ULN, "A1", 1)]).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (1, 0));
    assert_eq!(bench.dump().await.len(), 1);
}

#[tokio::test]
async fn a_start_that_may_be_corrected_or_another_one_is_asked_about() {
    let bench = Bench::new().await;
    let old = left(&acme(ULN, "A1", 1));
    stored(&bench, std::slice::from_ref(&old)).await;
    count(&bench).await;
    // Taken again after it ended, or a mistyped year: nobody can tell.
    let later = acme(ULN, "A1", 9).replace("2021-10-09,2022-01-31", "2022-03-01,2022-09-01");
    let rows = [later.clone()];
    assert_eq!(
        refused(&bench, &rows, &Options::default()).await,
        [(2, "same-or-new")]
    );
    // Both in one file: two enrolments.
    assert_eq!(
        stored(&bench, &[later.clone(), old.clone()]).await,
        tally(1, 0, 1)
    );
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 1));
    // A third is new when somebody says so, and the learner has had two.
    let third = [acme(ULN, "A3", 1)];
    assert_eq!(
        refused(&bench, &third, &Options::default()).await,
        [(2, "same-or-new")]
    );
    stored_as(&bench, &third, Doubtful::New).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 1));
}

#[tokio::test]
async fn a_corrected_aim_is_not_counted_again() {
    let bench = Bench::new().await;
    stored(&bench, &[acme(ULN, "A1", 1)]).await;
    count(&bench).await;
    let corrected = [acme(ULN, "B1", 1)];
    assert_eq!(
        refused(&bench, &corrected, &Options::default()).await,
        [(2, "same-or-new")]
    );
    let done = stored_as(&bench, &corrected, Doubtful::Corrected).await;
    assert_eq!(
        (done.rows, done.added, done.changed, done.carried),
        (1, 0, 1, 1)
    );
    count(&bench).await;
    assert_eq!(
        (entered(&bench).await, bench.dump().await.len()),
        ((1, 0), 1)
    );
    // Two new rows cannot both be the corrected one.
    let two = [acme(ULN, "C1", 1), acme(ULN, "C2", 1)];
    let options = Options {
        doubtful: Doubtful::Corrected,
        ..Options::default()
    };
    let unclear = [(2, "correction-unclear"), (3, "correction-unclear")];
    assert_eq!(refused(&bench, &two, &options).await, unclear);
}

#[tokio::test]
async fn one_reference_has_one_uln_in_a_file() {
    let other = "1000000035";
    let rows = [acme(ULN, "A1", 1), acme("", "A2", 2), acme(other, "A3", 3)];
    for first in [true, false] {
        let bench = Bench::new().await;
        if !first {
            stored(&bench, &[begun("Acme College", "L9", "", "A1", 1)]).await;
        }
        let problems = refused(&bench, &rows, &Options::default()).await;
        assert_eq!(problems, [(4, "uln-differs")]);
        // The same enrolment with and without its ULN.
        let rows = [acme("", "A1", 1), acme("", "A2", 2), acme(ULN, "A1", 1)];
        let problems = refused(&bench, &rows, &Options::default()).await;
        assert_eq!(problems, [(4, "duplicate")]);
    }
}

#[tokio::test]
async fn a_tie_that_shows_late_in_a_file_joins_what_came_before_it() {
    let bench = Bench::new().await;
    let known = [acme("", "A1", 1), acme("", "A2", 2)];
    stored(&bench, &known).await;
    count(&bench).await;
    // By ULN alone; only then a row that gives both.
    let by_uln = |aim, day| begun("Acme College", "", ULN, aim, day);
    let others = (100..700).map(|n| begun("Acme College", &format!("L{n}"), "", "A1", 1));
    let mut rows = vec![by_uln("A1", 1), by_uln("A3", 3)];
    rows.extend(others);
    rows.push(acme(ULN, "A2", 2));
    let done = stored(&bench, &rows).await;
    assert_eq!((done.added, done.changed + done.unchanged), (601, 2));
    count(&bench).await;
    assert_eq!(entered(&bench).await, (602, 0));
    assert_eq!(bench.dump().await.len(), 603);
}

/// What the import knows a learner of Acme College by.
fn known_as(bench: &Bench, reference: &str) -> crate::store::records::Pseudonym {
    bench.key.of_reference(&folded("Acme College"), reference)
}

#[tokio::test]
async fn who_was_erased_is_not_counted_again() {
    let bench = Bench::new().await;
    let rows = [acme(ULN, "A1", 1), acme(ULN, "A2", 2)];
    stored(&bench, &rows).await;
    count(&bench).await;
    assert_eq!(entered(&bench).await, (2, 0));
    let day = "2022-08-01".parse().unwrap();
    let learner = known_as(&bench, "L1");
    assert_eq!(bench.store.erase(&learner, day).await.unwrap(), 2);
    assert_eq!(bench.store.erase(&learner, day).await.unwrap(), 0);
    // The store is empty: the next file is no first one all the same.
    let done = stored(&bench, &rows).await;
    assert_eq!((done.rows, done.added, done.erased), (2, 0, 2));
    // Under the ULN alone, with a corrected start, from a provider that never knew the reference: the same person.
    let options = Options {
        new_providers: true,
        ..Options::default()
    };
    let other = file(&[
        &begun("Acme College", "", ULN, "A1", 5),
        &begun("Beta College", "B7", ULN, "A9", 6),
    ]);
    let report = bench.with(other.as_bytes(), &options).await.unwrap();
    assert_eq!(report.tally.erased, 2, "{}", report.text());
    assert!(report.text().contains("erased"), "{}", report.text());
    // The tie to the other provider's reference is known from then on.
    assert_eq!(
        stored(&bench, &[begun("Beta College", "B7", "", "A9", 6)])
            .await
            .erased,
        1
    );
    assert_eq!(bench.dump().await.len(), 0);
    // What begins later is kept, and not counted.
    let later = begun("Acme College", "L1", "", "A1", 9)
        .replace("2021-10-09,2022-01-31", "2022-09-01,2022-12-01");
    let text = file(&[&later]);
    let source = Cursor::new(text.into_bytes());
    let in_autumn = "2022-10-01T11:00:00Z".parse().unwrap();
    let options = Options::default();
    let report =
        crate::import::learners(&bench.store, &bench.key, source, &options, in_autumn).await;
    assert_eq!(report.unwrap().tally, tally(1, 0, 0));
    assert_eq!(bench.flags("enters").await, [0]);
    // Nothing is kept of somebody unknown.
    let nobody = known_as(&bench, "L77");
    assert_eq!(bench.store.erase(&nobody, day).await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_takes_away_no_enrolment_that_it_does_not_name() {
    let bench = Bench::new().await;
    let other = "1000000035";
    let beta = [("B1", ULN), ("B2", other)].map(|(r, uln)| begun("Beta College", r, uln, "A1", 1));
    let [one, two] = beta.clone();
    let third = begun("Acme College", "L3", "", "A3", 3);
    stored(&bench, &[one, two, third]).await;
    stored(&bench, &[acme(ULN, "A9", 9)]).await;
    // Acme corrects its ULN: two learners of Beta's are one person from then on, and both of their enrolments stand.
    stored(&bench, &[acme(other, "A9", 9)]).await;
    let learners: i64 = sqlx::query_scalar("SELECT count(DISTINCT learner) FROM enrolments")
        .fetch_one(&bench.store.reader)
        .await
        .unwrap();
    assert_eq!((bench.dump().await.len(), learners), (4, 2));
    let done = stored(&bench, &beta).await;
    assert_eq!((done.unchanged, bench.dump().await.len()), (2, 4));
}

#[tokio::test]
async fn what_is_left_of_an_erased_learner_is_keyed_and_of_fixed_form() {
    let bench = Bench::new().await;
    stored(&bench, &[acme("", "A1", 1)]).await;
    stored(&bench, &[acme(ULN, "A1", 1)]).await;
    let learner = known_as(&bench, "L1");
    let day = "2022-08-01".parse().unwrap();
    assert_eq!(bench.store.erase(&learner, day).await.unwrap(), 1);
    let left: Vec<(i64, i64)> = sqlx::query_as("SELECT ident, day FROM erased ORDER BY ident")
        .fetch_all(&bench.store.reader)
        .await
        .unwrap();
    // Each number, and each with the provider whose records went.
    let expected = [learner, bench.key.of_uln(ULN)].map(|p| persons::ident(&p));
    let mut expected = expected
        .map(|ident| [ident, persons::at_provider(ident, "acme college")])
        .concat()
        .into_iter()
        .map(|ident| (ident, 19_205))
        .collect::<Vec<_>>();
    expected.sort_unstable();
    assert_eq!(left, expected);
    let ties: i64 = sqlx::query_scalar("SELECT count(*) FROM identities")
        .fetch_one(&bench.store.reader)
        .await
        .unwrap();
    assert_eq!(ties, 0);
}

#[tokio::test]
async fn a_third_enrolment_that_slipped_in_is_not_counted() {
    let bench = Bench::new().await;
    let five = [1, 2, 3, 4, 5].map(|n| acme(ULN, &format!("A{n}"), n));
    stored(&bench, &five).await;
    sqlx::query("UPDATE enrolments SET enters = 1")
        .execute(&bench.store.writer)
        .await
        .unwrap();
    count(&bench).await;
    assert_eq!(bench.flags("counted & 1").await, [1, 1, 0, 0, 0]);
    assert_eq!(bench.flags("counted").await[2..], [0, 0, 0]);
}

/// After a second epoch began, a corrected start brought back what the first had published.
#[tokio::test]
async fn what_a_lost_ledger_may_hold_stays_withheld_under_a_corrected_date() {
    let bench = Bench::new().await;
    sqlx::raw_sql(
        "INSERT INTO ledger_standards (standard, first) VALUES (1, 260);
         INSERT INTO ledger_epochs (epoch, after, reason, asked_by, asked_at, confirmed_by, confirmed_at) VALUES (2, 262, 'R', 'ann', 0, 'bob', 0)",
    )
    .execute(&bench.store.writer)
    .await
    .unwrap();
    // 262 is November 2021: two were known by then, one began later.
    let open = ("end", "");
    let going_on = [
        open,
        ("stage", "in-progress"),
        ("destination_3m", ""),
        ("confidence_after", ""),
        ("everyday_after", ""),
    ];
    let at = |n: usize, start: &str| row(n, &[&going_on[..], &[("start", start)]].concat());
    let (one, two, three) = (
        at(1, "2021-11-30"),
        at(2, "2021-10-04"),
        at(3, "2021-12-01"),
    );
    assert_eq!(bench.rows(&[&one, &two, &three]).await.tally.added, 3);
    assert_eq!(bench.flags("withheld").await, [1, 1, 0]);
    let report = bench.rows(&[&at(1, "2021-12-06"), &two, &three]).await;
    assert_eq!(report.tally.carried, 1, "{}", report.text());
    assert_eq!(bench.flags("withheld").await, [1, 1, 0]);
    assert_eq!(bench.flags("enters").await, [1, 1, 1]);
    assert_eq!(bench.flags("coalesce(standard, 0)").await, [1, 1, 0]);
}
