//! Histories of a year and longer, checked as a receiver and a reader would.

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::measures::Z95;
use ldsp_protocol::noise::{cumulative, in_counts, variance};
use ldsp_protocol::statement::{Payload, Statement};
use ldsp_protocol::summary::Previous;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

/// A year of a small node: `n` enrolments with every kind of fact.
pub(super) fn history(n: usize, seed: u64) -> Vec<Row> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut below = move |n: u64| (rng.next_u64() % n) as i64;
    (0..n)
        .map(|_| {
            let start = jiff::civil::date(2022, 1, 1) + jiff::Span::new().days(below(330));
            let stage = below(4);
            let code = |b: i64| (b < 5).then_some(b);
            Row {
                start,
                end: (stage > 0).then(|| start + jiff::Span::new().days(below(90))),
                stage,
                enters: true,
                in_area: true,
                destinations: [code(below(8)), code(below(8)), code(below(8))],
                confidence: Some(below(4)).filter(|c| *c < 3),
                everyday: Some(below(4)).filter(|c| *c < 3),
                kind: below(1_000),
            }
        })
        .collect()
}

#[tokio::test]
async fn a_year_passes_the_receivers_checks_and_its_intervals_cover() {
    let world = World::enrolled().await;
    world.add_all(&history(700, 4)).await;
    let entropy = seeded(7);
    for _ in 0..12 {
        let prepared = prepare(
            &world.store,
            crate::testing::asked(),
            "schedule",
            at(LATER),
            &entropy,
        )
        .await;
        approved(&world, &prepared.unwrap().release).await;
    }
    let mut connection = world.store.reader.acquire().await.unwrap();
    let rows = outbox::all(&mut connection).await.unwrap();
    drop(connection);
    let (mut previous, mut prev) = (None, Digest::ZERO);
    let mut published = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let verified = Unverified::parse(&row.envelope)
            .unwrap()
            .verify(&node_key().verifying_key())
            .unwrap();
        assert_eq!(verified.pae(), row.pae);
        let statement = Statement::read(&verified).unwrap();
        assert_eq!((statement.seq, statement.prev), (at as u64 + 1, prev));
        let Payload::LearningSummary(summary) = statement.payload else {
            panic!("another kind");
        };
        let checked = summary.check(
            Standard::current(),
            &LEP.parse().unwrap(),
            previous.as_ref(),
        );
        assert_eq!(checked, Ok(()));
        prev = verified.pae();
        previous = Some(Previous {
            epoch: summary.noise.epoch,
            month: summary.noise.month,
            rho_micro: summary.noise.rho_micro,
            pledges: summary.pledges.clone(),
        });
        published.push(summary);
    }
    let truth = months(&world).await;
    let everybody: i64 = truth.iter().map(|m| totals(m)[&Family::Starts]).sum();
    assert_eq!(everybody, 700);
    for upto in [1, 6, 12] {
        coverage(&published[..upto], &truth[..upto]);
    }
}

/// The 95 % intervals that a reader computes from published bytes hold the exact cumulative counts 95 % of the time.
fn coverage(published: &[LearningSummary], truth: &[LedgerMonth]) {
    let (mut inside, mut cells) = (0, 0);
    for (at, table) in Standard::current().tables().iter().enumerate() {
        let sigma2 = published[0].noise.sigma2[&table.id];
        let sd = variance(sigma2, 0, published.len()).sqrt();
        for cell in 0..published[0].tables[at].cells.len() {
            let series: Vec<i64> = published.iter().map(|s| s.tables[at].cells[cell]).collect();
            let exact: i64 = truth.iter().map(|m| m.tables[at].entries[cell]).sum();
            let estimate = in_counts(cumulative(&series).unwrap());
            inside += usize::from((estimate - exact as f64).abs() <= Z95 * sd);
            cells += 1;
        }
    }
    let share = inside as f64 / cells as f64;
    let spread = (0.95f64 * 0.05 / cells as f64).sqrt();
    assert!((share - 0.95).abs() < 4.0 * spread, "{inside} of {cells}");
}

#[tokio::test]
async fn what_is_shown_is_what_is_stored() {
    let world = World::enrolled().await;
    world.add_all(&history(300, 5)).await;
    approved(&world, &next(&world).await).await;
    let release = next(&world).await;
    let shown = show(&world.store, None).await.unwrap();
    assert_eq!(shown.digest, release.digest);
    assert_eq!(shown.tables.len(), 22);
    let exact = totals(&months(&world).await[1]);
    for (table, declared) in shown.tables.iter().zip(Standard::current().tables()) {
        assert!(
            (table.published - exact[&declared.family] as f64).abs() < 5.0 * table.sd,
            "{}",
            table.id
        );
    }
    assert_eq!(
        shown.tables[1].title,
        "Starts by tier, skill and mode of delivery"
    );
    // A release that was approved long ago is shown as it was.
    let first = show(&world.store, Some(period("2022-03"))).await.unwrap();
    assert_eq!(
        (first.approver.as_deref(), first.seq),
        (Some("bob"), Some(1))
    );
}

/// The families that a row enters by the end of `p`, from the definitions and a calendar.
pub(super) fn due(row: &Row, p: Period) -> Vec<Family> {
    let month = |date| Period::of(date).unwrap();
    let by = |date: Option<jiff::civil::Date>, months| {
        date.is_some_and(|d| month(d).plus(months).unwrap() <= p)
    };
    let ended = (1..=3).contains(&row.stage);
    let asked = Some(row.end.unwrap_or(row.start));
    let facts = [
        (Family::Starts, by(Some(row.start), 0)),
        (Family::Leavers, ended && by(row.end, 0)),
        (
            Family::Destination3,
            ended && row.destinations[0].is_some() && by(row.end, 3),
        ),
        (
            Family::Destination6,
            ended && row.destinations[1].is_some() && by(row.end, 6),
        ),
        (
            Family::Destination12,
            ended && row.destinations[2].is_some() && by(row.end, 12),
        ),
        (Family::Confidence, row.confidence.is_some() && by(asked, 0)),
        (Family::Everyday, row.everyday.is_some() && by(asked, 0)),
    ];
    facts
        .into_iter()
        .filter(|(_, d)| *d)
        .map(|(f, _)| f)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_ledger_counts_what_the_definitions_say(seed in any::<u64>(), n in 0usize..60) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rows = history(n, seed);
        let counted = runtime.block_on(async {
            let world = World::enrolled().await;
            world.add_all(&rows).await;
            let first = Request { first: Some(period("2022-02")), ..crate::testing::asked() };
            let entropy = seeded(seed % 1_000);
            for _ in 0..24 {
                let prepared = prepare(&world.store, first, "ann", at("2025-01-01T00:00:00Z"), &entropy).await;
                approved(&world, &prepared.unwrap().release).await;
            }
            months(&world).await
        });
        for family in Family::ALL {
            let mut before = 0;
            for month in &counted {
                let due = rows.iter().filter(|r| due(r, month.period).contains(&family)).count() as i64;
                prop_assert_eq!(totals(month)[&family], due - before, "{:?} in {}", family, month.period);
                before = due;
            }
        }
    }
}
