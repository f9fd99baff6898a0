//! A node that published under the first data standard and goes on under the second: each enrolment is counted under one of them, once.

use ldsp_protocol::accountant::Rho;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::statement::{Payload, Statement};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::account::standing;
use crate::epoch;
use crate::release::figures::Opened;
use crate::release::report::Report;
use crate::release::rules::{Outcome, verdicts};
use crate::store::Store;
use crate::store::ledger::streams::{self, Stream, TAIL};

async fn under(
    world: &World,
    standard: &'static Standard,
    rho_micro: Option<u64>,
) -> Result<Prepared, ReleaseError> {
    let request = Request {
        rho_micro,
        standard,
        ..crate::testing::asked()
    };
    prepare(&world.store, request, "ann", at(LATER), &seeded(1)).await
}

/// Draws and approves a month as a program did whose current standard was `standard`.
async fn publish(world: &World, standard: &'static Standard) -> StoredRelease {
    let release = under(world, standard, None).await.unwrap().release;
    approved(world, &release).await;
    release
}

async fn ledger_of(world: &World, standard: &'static Standard, epoch: u32) -> Vec<LedgerMonth> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&LEP.parse().unwrap(), &[]);
    ledger::months(&mut connection, &codebook, standard, epoch)
        .await
        .unwrap()
}

/// Entries of a family by month under a standard.
async fn entered(world: &World, standard: &'static Standard, family: Family) -> Vec<i64> {
    let months = ledger_of(world, standard, 1).await;
    months.iter().map(|m| totals(m)[&family]).collect()
}

async fn begun(world: &World) -> Vec<Stream> {
    let mut connection = world.store.reader.acquire().await.unwrap();
    streams::begun(&mut connection).await.unwrap()
}

/// March and April 2022 under the first standard, May under both: one enrolment of each, and one of March that came late.
async fn turned() -> World {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    publish(&world, Standard::v1()).await;
    world.add(&started("2022-04-10")).await;
    publish(&world, Standard::v1()).await;
    world
        .add_all(&[started("2022-03-20"), started("2022-05-10")])
        .await;
    publish(&world, Standard::v2()).await;
    world
}

#[tokio::test]
async fn a_new_node_has_one_stream() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    assert_eq!(release.parts.len(), 1);
    assert_eq!(release.parts[0].standard, Standard::current());
    assert_eq!(release.digest, Digest::of(&release.parts[0].payload));
    let [stream] = begun(&world).await.try_into().unwrap();
    assert!(stream.is_open() && stream.epoch == 1);
    let shown = show(&world.store, None).await.unwrap();
    assert_eq!((shown.turn, shown.statements.len()), (None, 1));
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert!(stands.earlier.is_empty() && stands.turn.is_none());
}

#[tokio::test]
async fn enrolments_stay_under_the_standard_that_first_counted_them() {
    let world = turned().await;
    // One of each standard ends in June.
    world
        .run("UPDATE enrolments SET stage = 1, end_day = (SELECT max(start_day) FROM enrolments) + 40 WHERE id IN (1, 4)")
        .await;
    publish(&world, Standard::v2()).await;
    let (old, new) = (Standard::v1(), Standard::v2());
    // What was not counted before the turn enters the new tables, also what began earlier.
    assert_eq!(entered(&world, old, Family::Starts).await, [1, 1, 0, 0]);
    assert_eq!(entered(&world, new, Family::Starts).await, [2, 0]);
    assert_eq!(entered(&world, old, Family::Leavers).await, [0, 0, 0, 1]);
    assert_eq!(entered(&world, new, Family::Leavers).await, [0, 1]);
    let sides: Vec<i64> = sqlx::query_scalar("SELECT standard FROM enrolments ORDER BY id")
        .fetch_all(&world.store.reader)
        .await
        .unwrap();
    assert_eq!(sides, [1, 1, 2, 2]);
}

#[tokio::test]
async fn a_month_is_one_release_and_two_statements() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    publish(&world, Standard::v1()).await;
    let before = ledger_of(&world, Standard::v1(), 1).await;
    let release = under(&world, Standard::v2(), None).await.unwrap().release;
    let places = |r: &StoredRelease| {
        let each = r.parts.iter();
        each.map(|p| (p.standard.version(), p.epoch, p.month))
            .collect::<Vec<_>>()
    };
    assert_eq!(places(&release), [(1, 1, 2), (2, 1, 1)]);
    assert_eq!(release.digest, Digest::of(&release.bytes()));
    // Drawn once, whatever is drawn with.
    let again = prepare(
        &world.store,
        crate::testing::asked(),
        "cat",
        at(LATER),
        &seeded(9),
    )
    .await;
    let again = again.unwrap();
    assert!(!again.drawn);
    assert_eq!(again.release, release);
    let shown = show(&world.store, None).await.unwrap();
    assert_eq!(shown.statements.len(), 2);
    assert!(shown.rules.iter().all(|v| v.outcome == Outcome::Kept));
    assert_eq!(shown.tables.len(), 26 + 22);
    assert!(shown.turn.unwrap().contains("March 2025"));

    assert_eq!(approved(&world, &release).await, 3);
    let mut connection = world.store.reader.acquire().await.unwrap();
    for (seq, part) in [2, 3].into_iter().zip(&release.parts) {
        let row = outbox::of(&mut connection, seq).await.unwrap().unwrap();
        let sealed = Unverified::parse(&row.envelope).unwrap();
        let sealed = sealed.verify(&node_key().verifying_key()).unwrap();
        let statement = Statement::read(&sealed).unwrap();
        assert_eq!(statement.standard, part.standard.digest());
        assert_eq!(statement.period, Some(release.period));
        let Payload::LearningSummary(summary) = statement.payload else {
            panic!("a summary");
        };
        assert_eq!(serde_json::to_vec(&summary).unwrap(), part.payload);
    }
    drop(connection);
    // What was there is as it was.
    assert_eq!(ledger_of(&world, Standard::v1(), 1).await[..1], before);
    let mut connection = world.store.reader.acquire().await.unwrap();
    let stored = releases::of(&mut connection, release.period).await;
    let stored = stored.unwrap().unwrap();
    assert_eq!(
        stored.parts.iter().map(|p| p.seq).collect::<Vec<_>>(),
        [Some(2), Some(3)]
    );
}

#[tokio::test]
async fn the_last_month_is_fixed_and_what_becomes_known_later_stays_local() {
    let world = turned().await;
    let [old, new] = begun(&world).await.try_into().unwrap();
    assert_eq!(old.last, period("2022-05").plus(TAIL - 1));
    assert_eq!((new.first, new.last), (Some(period("2022-05")), None));
    // Nobody is left under the old standard, and it goes on.
    world.run("DELETE FROM enrolments WHERE id = 1").await;
    world
        .run("UPDATE enrolments SET stage = 1, end_day = start_day + 1 WHERE id = 2")
        .await;
    for _ in 1..TAIL {
        let release = under_later(&world).await;
        assert_eq!(release.parts.len(), 2, "{}", release.period);
        approved(&world, &release).await;
    }
    world
        .run("UPDATE enrolments SET destination_12m = 0 WHERE id = 2")
        .await;
    let after = under_later(&world).await;
    assert_eq!((after.parts.len(), after.period), (1, period("2025-05")));
    assert_eq!(after.parts[0].month, usize::try_from(TAIL).unwrap() + 1);
    assert!(
        entered(&world, Standard::v1(), Family::Destination12)
            .await
            .iter()
            .all(|n| *n == 0)
    );
    assert!(
        entered(&world, Standard::v2(), Family::Destination12)
            .await
            .iter()
            .all(|n| *n == 0)
    );
    // Figures to date hold both, the month itself only what is still published.
    let opened = Opened::read(&world.store, after.period).await.unwrap();
    assert_eq!((opened.streams.len(), opened.published().count()), (2, 1));
    assert_eq!(opened.exact_family(Family::Starts, opened.to_date()), 4);
    assert_eq!(opened.first(), period("2022-03"));
    assert!(opened.month_before().is_some() && opened.turn().is_none());
    approved(&world, &after).await;
    let whole = epoch::check(&mut world.store.reader.acquire().await.unwrap()).await;
    assert_eq!(whole.unwrap(), Ok(37));
}

async fn under_later(world: &World) -> StoredRelease {
    let now = at("2030-01-01T00:00:00Z");
    let prepared = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        now,
        &seeded(1),
    )
    .await;
    prepared.unwrap().release
}

#[tokio::test]
async fn figures_add_both_standards_and_rules_name_the_one_at_fault() {
    let world = turned().await;
    let mut opened = Opened::read(&world.store, period("2022-05")).await.unwrap();
    assert_eq!(opened.exact_family(Family::Starts, opened.month()), 2);
    assert_eq!(opened.exact_family(Family::Starts, opened.to_date()), 4);
    let now = opened.estimates(opened.month()).unwrap();
    let total = now.total(Family::Starts).unwrap();
    assert!(
        (total.value - 2.0).abs() < 6.0 * total.se,
        "{} +- {}",
        total.value,
        total.se
    );
    let before = opened.estimates(opened.month_before().unwrap()).unwrap();
    let change = opened.change().unwrap().unwrap();
    let difference = total.value - before.total(Family::Starts).unwrap().value;
    let change = change.total(Family::Starts).unwrap();
    assert!((change.value - difference).abs() < 1e-6);
    // The standard error of a sum of two independent figures is larger than that of either.
    assert!(total.se > 0.0 && change.se > total.se);

    let mut connection = world.store.reader.acquire().await.unwrap();
    let previous = rules::previous(&mut connection, &opened).await.unwrap();
    assert!(previous[0].is_some() && previous[1].is_none());
    assert!(
        verdicts(&opened, &previous)
            .iter()
            .all(|v| v.outcome == Outcome::Kept)
    );
    opened.streams[0].summary.as_mut().unwrap().noise.month = 9;
    let all = verdicts(&opened, &previous);
    let broken: Vec<_> = all
        .iter()
        .filter(|v| v.outcome == Outcome::Broken)
        .collect();
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0]
            .detail
            .as_ref()
            .unwrap()
            .starts_with("ldsp-data-standard v1: months of an epoch")
    );

    let report = Report::read(&world.store, period("2022-05"), at(LATER))
        .await
        .unwrap();
    let text = report.text();
    for words in [
        "Two data standards are in use",
        "April 2025",
        "privacy budget: ldsp-data-standard v1",
        "privacy budget: ldsp-data-standard v2",
        "number 3 of black-country",
        "number 4 of black-country",
    ] {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain.to_lowercase().contains(&words.to_lowercase()),
            "{words}: {plain}"
        );
    }
}

#[tokio::test]
async fn nobody_bears_both_budgets() {
    let world = turned().await;
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert_eq!(stands.standard, "ldsp-data-standard v2");
    assert_eq!((stands.months, stands.enrolment.whole_micro), (1, 490_000));
    let [old] = stands.earlier.as_slice() else {
        panic!("one earlier standard");
    };
    assert_eq!((old.months, old.enrolment.whole_micro), (3, 450_000));
    assert_eq!(old.left, 35);
    let mut connection = world.store.reader.acquire().await.unwrap();
    let accountant = crate::account::of(&mut connection).await.unwrap();
    assert_eq!(accountant.enrolment(), Rho::from_micro(490_000));
}

#[tokio::test]
async fn a_budget_that_was_begun_stays_and_a_new_standard_may_have_its_own() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let first = under(&world, Standard::v1(), Some(300_000)).await.unwrap();
    approved(&world, &first.release).await;
    let both = under(&world, Standard::v2(), Some(200_000)).await.unwrap();
    let rho = |at: usize| {
        let payload = &both.release.parts[at].payload;
        let summary: LearningSummary = serde_json::from_slice(payload).unwrap();
        summary.noise.rho_micro
    };
    assert_eq!((rho(0), rho(1)), (300_000, 200_000));
    approved(&world, &both.release).await;
    let changed = under(&world, Standard::v2(), Some(300_000)).await;
    assert_eq!(changed.unwrap_err().code(), "rho");
}

#[tokio::test]
async fn a_correction_is_published_where_the_enrolment_is_counted() {
    let world = World::enrolled().await;
    let rho = Some(200_000);
    world.add(&started("2022-03-10")).await;
    let first = under(&world, Standard::v1(), rho).await.unwrap();
    approved(&world, &first.release).await;
    world.run("UPDATE enrolments SET skill = 3").await;
    let both = under(&world, Standard::v2(), rho).await.unwrap();
    approved(&world, &both.release).await;
    let moved = |months: Vec<LedgerMonth>| {
        let last = months.last().unwrap().tables.clone();
        last.iter()
            .flat_map(|t| &t.entries)
            .filter(|x| **x != 0)
            .count()
    };
    assert_eq!(moved(ledger_of(&world, Standard::v1(), 1).await), 2);
    assert_eq!(moved(ledger_of(&world, Standard::v2(), 1).await), 0);
    let (stands, _) = standing(&world.store, rho).await.unwrap();
    assert!(stands.allows_corrections && stands.earlier[0].allows_corrections);
    let corrected = crate::account::corrections(&world.store).await.unwrap();
    assert_eq!(corrected.for_signed_in_page(), 1);
}

#[tokio::test]
async fn a_lost_ledger_begins_every_stream_anew_and_a_standard_that_came_later_does_not_count_as_lost()
 {
    let world = turned().await;
    world.run("UPDATE ledger_cells SET entries = zeroblob(length(entries)) WHERE standard = 1 AND month = 2").await;
    let stopped = prepare(
        &world.store,
        crate::testing::asked(),
        "ann",
        at(LATER),
        &seeded(1),
    )
    .await;
    assert_eq!(stopped.unwrap_err().code(), "storage");
    epoch::ask(&world.store, "ann", "a lost page", at(LATER))
        .await
        .unwrap();
    epoch::confirm(&world.store, "bob", at(LATER))
        .await
        .unwrap();
    world.add(&started("2022-06-03")).await;
    let release = publish(&world, Standard::v2()).await;
    let places: Vec<_> = release.parts.iter().map(|p| (p.epoch, p.month)).collect();
    assert_eq!(places, [(2, 1), (2, 1)]);
    let starts = |months: Vec<LedgerMonth>| totals(&months[0])[&Family::Starts];
    assert_eq!(starts(ledger_of(&world, Standard::v1(), 2).await), 0);
    assert_eq!(starts(ledger_of(&world, Standard::v2(), 2).await), 1);
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.enrolment.whole_micro), (2, 980_000));
    assert_eq!(stands.earlier[0].enrolment.whole_micro, 900_000);

    // Another node lost its ledger before the second standard came.
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    publish(&world, Standard::v1()).await;
    world.run("DELETE FROM ledger_cells").await;
    epoch::ask(&world.store, "ann", "a lost disk", at(LATER))
        .await
        .unwrap();
    epoch::confirm(&world.store, "bob", at(LATER))
        .await
        .unwrap();
    world.add(&started("2022-04-03")).await;
    let release = publish(&world, Standard::v2()).await;
    let places: Vec<_> = release.parts.iter().map(|p| (p.epoch, p.month)).collect();
    assert_eq!(places, [(2, 1), (1, 1)]);
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert_eq!((stands.epoch, stands.enrolment.whole_micro), (1, 490_000));
    assert_eq!(
        (
            stands.earlier[0].epoch,
            stands.earlier[0].enrolment.whole_micro
        ),
        (2, 900_000)
    );
}

/// A database as the program before this standard left it: migrations 1 to 6, filled with what a node of the first standard holds.
async fn as_before(world: &World) -> World {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let mut earlier = sqlx::migrate!();
    earlier.migrations.to_mut().retain(|m| m.version <= 6);
    earlier.run(&mut connection).await.unwrap();
    sqlx::query("ATTACH $1 AS new")
        .bind(world.dir.path().join("node.db").to_str().unwrap())
        .execute(&mut connection)
        .await
        .unwrap();
    for sql in [
        "INSERT INTO identity SELECT id, lep, created_at FROM new.identity",
        "INSERT INTO enrolment SELECT id, node, url, origin, verifier, ca_pem, state, enrolled_at, head_seq, head_pae FROM new.enrolment",
        "INSERT INTO people SELECT name, CASE role WHEN 'coordinator' THEN 'author' ELSE role END, '', added_at FROM new.people",
        "INSERT INTO programmes SELECT * FROM new.programmes",
        "INSERT INTO enrolments SELECT id, spell, learner, provider, aim, programme, district, in_area, enters, skill, mode, age, sex,
           ethnicity, disability, prior, start_day, planned_end_day, end_day, stage, destination_3m, destination_6m, destination_12m,
           confidence, everyday, counted FROM new.enrolments",
        "INSERT INTO ledger_months SELECT epoch, month, period, drawn_at FROM new.ledger_months",
        "INSERT INTO ledger_cells SELECT epoch, month, table_id, entries, published, digest FROM new.ledger_cells",
        "INSERT INTO releases SELECT r.period, s.epoch, s.month, s.payload, r.digest, r.author, r.prepared_at, r.approver,
           r.approved_at, s.seq FROM new.releases AS r JOIN new.release_statements AS s ON s.period = r.period",
        "INSERT INTO release_refusals SELECT * FROM new.release_refusals",
        "INSERT INTO corrections SELECT * FROM new.corrections",
        "INSERT INTO outbox SELECT * FROM new.outbox",
        "INSERT INTO audit SELECT id, at, who, action, detail FROM new.audit",
        "DETACH new",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    drop(connection);
    let store = Store::open(&path).await.unwrap();
    World { store, dir }
}

#[tokio::test]
async fn a_database_of_the_first_standard_goes_on_under_the_second() {
    let old = World::enrolled().await;
    old.add_all(&[started("2022-03-10"), left("2022-03-10", "2022-04-20", 1)])
        .await;
    publish(&old, Standard::v1()).await;
    let waiting = under(&old, Standard::v1(), None).await.unwrap().release;
    let refusal = Refusal {
        person: "bob",
        period: None,
        digest: waiting.digest,
        reason: "Too early",
    };
    refuse(&old.store, &refusal, at(LATER)).await.unwrap();
    old.add(&started("2022-04-11")).await;

    let world = as_before(&old).await;
    assert_eq!(
        ledger_of(&world, Standard::v1(), 1).await,
        ledger_of(&old, Standard::v1(), 1).await
    );
    let [stream] = begun(&world).await.try_into().unwrap();
    assert_eq!(
        (stream.standard, stream.first, stream.last),
        (Standard::v1(), Some(period("2022-03")), None)
    );
    // Before it draws anything, it shows what will be: the new standard's plan beside what was spent.
    let (stands, _) = standing(&world.store, None).await.unwrap();
    assert_eq!((stands.months, stands.earlier[0].months), (0, 2));
    // The open release is the same bytes, with its refusal, and is approved as it is.
    let shown = show(&world.store, None).await.unwrap();
    assert_eq!((shown.digest, shown.refusals.len()), (waiting.digest, 1));
    assert_eq!(next(&world).await, waiting);
    assert_eq!(approved(&world, &waiting).await, 2);

    world.add(&left("2022-05-02", "2022-05-20", 3)).await;
    let release = next(&world).await;
    let places: Vec<_> = release
        .parts
        .iter()
        .map(|p| (p.standard.version(), p.month))
        .collect();
    assert_eq!(places, [(1, 3), (2, 1)]);
    approved(&world, &release).await;
    // Each family of each enrolment entered once, in one of the two.
    for (family, of_old, of_new) in [(Family::Starts, 2, 2), (Family::Leavers, 1, 1)] {
        let sum = async |standard| entered(&world, standard, family).await.iter().sum::<i64>();
        assert_eq!(sum(Standard::v1()).await, of_old, "{family:?}");
        assert_eq!(sum(Standard::v2()).await, of_new, "{family:?}");
    }
    assert_eq!(
        world
            .number("SELECT count(*) FROM enrolments WHERE standard IS NULL")
            .await,
        0
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM pragma_foreign_key_check")
            .await,
        0
    );
}

#[tokio::test]
async fn months_of_an_unknown_standard_are_a_loss() {
    let world = turned().await;
    for sql in [
        "DELETE FROM ledger_standards WHERE standard = 2",
        "INSERT INTO ledger_standards (standard, first) VALUES (9, 200)",
    ] {
        world.run(sql).await;
        let refused = prepare(
            &world.store,
            crate::testing::asked(),
            "ann",
            at(LATER),
            &seeded(1),
        )
        .await;
        assert_eq!(refused.unwrap_err().code(), "storage", "{sql}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(6))]
    /// Wherever the turn falls and whatever happens to enrolments, both ledgers together count each fact once.
    #[test]
    fn both_ledgers_together_count_every_fact_once(seed in proptest::prelude::any::<u64>(), turn in 1usize..12) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rows = super::year::history(40, seed);
        let sums = runtime.block_on(async {
            let world = World::enrolled().await;
            world.add_all(&rows[..20]).await;
            let mut later = Some(&rows[20..]);
            let first = Request { first: Some(period("2022-02")), ..crate::testing::asked() };
            for month in 0..24 {
                let standard = if month < turn { Standard::v1() } else { Standard::v2() };
                if month == turn && let Some(rows) = later.take() {
                    world.add_all(rows).await;
                }
                let request = Request { standard, ..first };
                let (now, entropy) = (at("2025-01-01T00:00:00Z"), seeded(seed % 1_000));
                let prepared = prepare(&world.store, request, "ann", now, &entropy).await;
                approved(&world, &prepared.unwrap().release).await;
            }
            let mut sums = BTreeMap::new();
            for standard in Standard::all() {
                for month in ledger_of(&world, standard, 1).await {
                    for (family, n) in totals(&month) {
                        *sums.entry(family).or_insert(0) += n;
                    }
                }
            }
            sums
        });
        for family in Family::ALL {
            let due = rows.iter().filter(|r| super::year::due(r, period("2024-01")).contains(&family)).count();
            proptest::prop_assert_eq!(sums[&family], due as i64, "{:?}", family);
        }
    }
}
