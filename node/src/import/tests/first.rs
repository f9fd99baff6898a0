//! The first import into an empty node takes a way of its own; what it leaves is what the other way leaves.

use super::*;

/// A file in which learners have one to four enrolments, some elsewhere, in an order that mixes them.
fn mixed() -> Vec<String> {
    let ulns = ["1000000027", "1000000035", "1000000043", "1000000051"];
    let one = |n: usize| {
        let aim = format!("A{}", n % 7);
        let district = ["E08000028", "E06000001", ""][n * 5 % 3];
        let uln = ulns.get(n % 9).copied().unwrap_or("");
        let start = format!("20{:02}-{:02}-04", 10 + n / 12 % 12, 1 + n % 12);
        let change = [
            ("aim", aim.as_str()),
            ("district", district),
            ("uln", uln),
            ("start", &start),
        ];
        row(n, &change)
    };
    (0..900).map(|n| one(n * 389 % 900)).collect()
}

fn whole(rows: &[String]) -> String {
    file(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn schema(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .fetch_all(&bench.store.reader)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_first_import_leaves_what_a_later_one_leaves() {
    let mut rows = mixed();
    // The first of them is its learner's only one: which rows are new is beyond doubt.
    rows.rotate_left(4);
    let at_once = Bench::new().await;
    let before = schema(&at_once).await;
    let options = Options::default();
    let report = at_once
        .with(whole(&rows).as_bytes(), &options)
        .await
        .unwrap();
    assert_eq!(report.tally.added, 900, "{}", report.text());
    assert_eq!(schema(&at_once).await, before);
    let in_two = Bench::new().await;
    for part in [&rows[..1], &rows[1..]] {
        in_two.with(whole(part).as_bytes(), &options).await.unwrap();
    }
    assert_eq!(at_once.dump().await, in_two.dump().await);
    let entering = at_once.flags("enters").await.iter().sum::<i64>();
    let in_area = at_once.flags("in_area").await.iter().sum::<i64>();
    assert!(entering < in_area, "some learner has more than two");
    let again = at_once
        .with(whole(&rows).as_bytes(), &options)
        .await
        .unwrap();
    assert_eq!(again.tally.unchanged, 900);
}

#[tokio::test]
async fn a_refused_first_import_leaves_the_indices() {
    let bench = Bench::new().await;
    let before = schema(&bench).await;
    let report = bench.rows(&[&row(1, &[]), &row(2, &[("sex", "?")])]).await;
    assert_eq!(report.outcome, Outcome::Refused);
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = bench.with(whole(&mixed()).as_bytes(), &dry).await.unwrap();
    assert_eq!(
        (report.outcome, report.tally.added),
        (Outcome::Checked, 900)
    );
    assert_eq!(schema(&bench).await, before);
    assert_eq!(bench.dump().await.len(), 0);
}

#[tokio::test]
async fn repeated_rows_stand_in_the_report_where_they_stand_in_the_file() {
    let bench = Bench::new().await;
    let away = [("district", "E06000001")];
    let rows = [
        row(1, &away),
        row(1, &[]),
        row(2, &[("sex", "?")]),
        row(3, &[]),
        row(1, &away),
        row(4, &[("mode", "?")]),
    ];
    let options = Options {
        valid_rows: true,
        ..Options::default()
    };
    let report = bench.with(whole(&rows).as_bytes(), &options).await.unwrap();
    let found: Vec<_> = report
        .problems
        .detailed()
        .iter()
        .map(|p| (p.line, p.code))
        .collect();
    let expected = [
        (3, "duplicate"),
        (4, "code-unknown"),
        (6, "duplicate"),
        (7, "code-unknown"),
    ];
    assert_eq!(found, expected);
    assert!(report.problems.detailed()[2].cause.contains("line 2"));
    let t = report.tally;
    assert_eq!((t.added, t.refused, t.outside), (2, 4, 1));
    assert_eq!(bench.flags("in_area").await, [0, 1]);
}

#[tokio::test]
async fn a_file_that_goes_on_without_line_feeds_is_stored() {
    let bench = Bench::new().await;
    let text = whole(&mixed());
    // One without any is refused, because its lines cannot be counted.
    let (head, rows) = text.split_once('\n').unwrap();
    let text = format!("{head}\n{}", rows.replace('\n', "\r"));
    let report = bench
        .with(text.as_bytes(), &Options::default())
        .await
        .unwrap();
    assert_eq!(report.tally.added, 900, "{}", report.text());
}

#[tokio::test]
async fn a_database_of_before_the_third_migration_keeps_its_rows() {
    use sqlx::migrate::Migrator;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let all: Migrator = sqlx::migrate!();
    let first = all
        .iter()
        .filter(|m| m.version < 3)
        .cloned()
        .collect::<Vec<_>>();
    Migrator {
        migrations: first.into(),
        ..sqlx::migrate!()
    }
    .run(&pool)
    .await
    .unwrap();
    sqlx::raw_sql(
        "INSERT INTO programmes (id, code, name, provider, tier, type, audience, funder) VALUES (1, 'P', 'P', 'X', 1, 2, 3, '');
         INSERT INTO enrolments (id, spell, learner, provider, aim, programme, in_area, enters, skill, mode, age, sex, ethnicity,
           disability, prior, start_day, stage, counted) VALUES (7, x'01', x'8102030405060708090A0B0C0D0E0F10', 'X', 'A', 1, 1, 0, 1, 2, 3, 1, 4, 1, 6, 19000, 1, 5)",
    )
    .execute(&pool)
    .await
    .unwrap();
    const ROW: &str = "SELECT concat_ws('|', id, hex(spell), hex(learner), provider, aim, programme, in_area, enters, skill, mode, age, \
         sex, ethnicity, disability, prior, start_day, stage, counted) FROM enrolments";
    let before: Vec<String> = sqlx::query_scalar(ROW).fetch_all(&pool).await.unwrap();
    pool.close().await;
    let store = Store::open(&path).await.unwrap();
    let after: Vec<String> = sqlx::query_scalar(ROW)
        .fetch_all(&store.reader)
        .await
        .unwrap();
    assert_eq!(before, after);
    // The learner's own number stands for the reference that was not kept, and the provider is a known one.
    let reference: i64 = sqlx::query_scalar("SELECT reference FROM enrolments")
        .fetch_one(&store.reader)
        .await
        .unwrap();
    assert_eq!(reference, i64::from_be_bytes([0x81, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(store.providers().await.unwrap(), [("X".to_owned(), None)]);
}
