//! A small set of made-up records, for trying the node out before there are real ones.
//!
//! They come in by the same way as files, into an empty node only; while they are there nothing else is imported, nothing is prepared and the
//! node does not enrol, so that nothing made-up can reach the log. They go whole.

mod described;

use std::io::Cursor;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use ldsp_protocol::geography::Geography;
use sqlx::SqliteConnection;

use crate::home::{HomeError, Node};
use crate::import::report::{ImportReport, Outcome};
use crate::import::{self, Brings, ImportError, Options, london_day};
use crate::store::audit::append;
use crate::store::{Store, StoreError};

/// Who imports the sample's files, in the audit log. No person may be called so.
pub(crate) const WHO: &str = "sample";
/// Made-up learners.
const LEARNERS: usize = 240;
/// Months before this one in which they start: long enough for some destinations to be due, and for some to be late.
const MONTHS: i32 = 14;

/// Why the sample was neither brought in nor removed.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There are records, or a month was released, or the node is enrolled.
    #[error("this node is in use: it holds records, released a month or is enrolled")]
    InUse,
    /// There is none to remove.
    #[error("this node holds no sample")]
    None,
    /// A row was refused: which, and why.
    #[error("the sample does not fit this version of the program: {0}")]
    Unfit(String),
    /// The import did not run to its end.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The LEP is not chosen yet.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SampleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl SampleError {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::InUse => "Try the sample on a node of its own: `init` in another data directory.",
            Self::None => "Nothing is left to do.",
            Self::Unfit(_) => "Nothing of it was kept. Report it, and begin with your own files.",
            Self::Import(error) => error.next(),
            Self::Home(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }
}

/// Whether all records are the sample's.
pub(crate) async fn is_there(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sample")
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

impl Store {
    /// Whether all records are the sample's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn holds_sample(&self) -> Result<bool, StoreError> {
        let mut reader = self.reader.acquire().await?;
        is_there(&mut reader).await
    }
}

/// Brings the sample in, as an act of `who`.
///
/// # Errors
/// [`SampleError`]; nothing of it is left then.
pub async fn bring_in(node: &Node, who: &str, now: Timestamp) -> Result<(), SampleError> {
    node.lep()?;
    // Marked first: whatever ends the program from here on, nothing made-up stands there without the mark.
    mark(&node.store, who, now).await?;
    match read_files(node, now).await {
        Ok(()) => Ok(()),
        Err(error) => {
            remove(&node.store, who, now).await?;
            Err(error)
        }
    }
}

async fn mark(store: &Store, who: &str, now: Timestamp) -> Result<(), SampleError> {
    let mut tx = store.write().await?;
    let in_use: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM programmes UNION ALL SELECT 1 FROM enrolments UNION ALL SELECT 1 FROM erased UNION ALL SELECT 1 FROM releases
         UNION ALL SELECT 1 FROM enrolment UNION ALL SELECT 1 FROM sample LIMIT 1",
    )
    .fetch_optional(&mut *tx)
    .await?;
    if in_use.is_some() {
        return Err(SampleError::InUse);
    }
    sqlx::query("INSERT INTO sample (id, at) VALUES (1, $1)")
        .bind(now.as_second())
        .execute(&mut *tx)
        .await?;
    append(&mut tx, now, who, "sample brought in", "made-up records").await?;
    Ok(tx.commit().await?)
}

async fn read_files(node: &Node, now: Timestamp) -> Result<(), SampleError> {
    let options = Options {
        who: WHO.to_owned(),
        new_providers: true,
        ..Options::default()
    };
    let today = london_day(now);
    let districts = Geography::embedded().owned_by(&node.lep()?);
    let districts: Vec<&str> = districts.iter().map(|code| code.as_str()).collect();
    let programmes = Cursor::new(programmes(today).into_bytes());
    stored(&import::programmes(&node.store, programmes, &options, now).await?)?;
    let rows = rows(&districts, today);
    let file = |of: &dyn Fn(&Learner) -> bool| {
        let rows = rows
            .iter()
            .filter(|row| of(row))
            .map(|row| row.csv.as_str());
        Cursor::new(format!("{HEAD}{}", rows.collect::<String>()).into_bytes())
    };
    let (store, key) = (&node.store, &node.pseudonyms);
    stored(&import::learners(store, key, file(&|_| true), &options, now).await?)?;
    described::all(store, today, now).await?;
    let cohorts = described::cohorts(store, today, now).await?;
    // The same rows again, by whoever teaches them: that is how learners get into a cohort.
    let college = store.known().await?.organisation(COLLEGE);
    let (organisation, _) = college.ok_or_else(|| SampleError::Unfit(COLLEGE.to_owned()))?;
    for (cohort, programme) in cohorts {
        let own = Options {
            brings: Some(Brings {
                provider: COLLEGE.to_owned(),
                organisation,
                cohort: Some(cohort),
                employer: None,
                adds: false,
            }),
            ..options.clone()
        };
        let of = |row: &Learner| row.programme == programme && row.ago <= IN_COHORTS;
        stored(&import::learners(store, key, file(&of), &own, now).await?)?;
    }
    Ok(())
}

fn stored(report: &ImportReport) -> Result<(), SampleError> {
    if report.outcome == Outcome::Stored {
        Ok(())
    } else {
        Err(SampleError::Unfit(report.text()))
    }
}

/// Removes the sample whole.
///
/// # Errors
/// [`SampleError::None`], or the store.
pub async fn remove(store: &Store, who: &str, now: Timestamp) -> Result<(), SampleError> {
    let mut tx = store.write().await?;
    if !is_there(&mut tx).await? {
        return Err(SampleError::None);
    }
    let codes = PROGRAMMES.map(|[code, ..]| code);
    let codes = serde_json::to_string(&codes).expect("a list of strings is JSON");
    for sql in GONE {
        let query = sqlx::query(*sql);
        let query = match sql.contains("$1") {
            true => query.bind(&codes),
            false => query,
        };
        query.execute(&mut *tx).await?;
    }
    append(&mut tx, now, who, "sample removed", "made-up records").await?;
    Ok(tx.commit().await?)
}

/// What goes, in the order in which it can: $1 is a JSON list of the sample's programmes. The mark says that there are no other records of
/// learners, imports and questions. What a coordinator has described meanwhile stays, but for the cohorts and the spend of the sample's
/// programmes.
const GONE: &[&str] = &[
    "DELETE FROM enrolments",
    "DELETE FROM identities",
    "DELETE FROM history WHERE kind = 'spend' AND row IN (SELECT s.id FROM spend AS s LEFT JOIN cohorts AS c ON c.id = s.cohort \
     JOIN programmes AS p ON p.id IN (s.programme, c.programme) WHERE p.code IN (SELECT value FROM json_each($1)))",
    "DELETE FROM spend WHERE id IN (SELECT s.id FROM spend AS s LEFT JOIN cohorts AS c ON c.id = s.cohort \
     JOIN programmes AS p ON p.id IN (s.programme, c.programme) WHERE p.code IN (SELECT value FROM json_each($1)))",
    "DELETE FROM history WHERE kind = 'cohort' AND row IN (SELECT c.id FROM cohorts AS c JOIN programmes AS p ON p.id = c.programme \
     WHERE p.code IN (SELECT value FROM json_each($1)))",
    "DELETE FROM cohorts WHERE programme IN (SELECT id FROM programmes WHERE code IN (SELECT value FROM json_each($1)))",
    "DELETE FROM history WHERE kind = 'programme' AND row IN (SELECT id FROM programmes WHERE code IN (SELECT value FROM json_each($1)))",
    "DELETE FROM programmes WHERE code IN (SELECT value FROM json_each($1))",
    "DELETE FROM ilr_aims WHERE programme IN (SELECT value FROM json_each($1))",
    "DELETE FROM history WHERE kind = 'demand' AND row IN (SELECT row FROM sample_kept WHERE kind = 'demand')",
    "DELETE FROM demand WHERE id IN (SELECT row FROM sample_kept WHERE kind = 'demand')",
    "DELETE FROM history WHERE kind = 'service' AND row IN (SELECT row FROM sample_kept WHERE kind = 'service')",
    "DELETE FROM services WHERE id IN (SELECT row FROM sample_kept WHERE kind = 'service')",
    // One that somebody's account, or something that a coordinator described, refers to stays with them.
    "DELETE FROM sample_kept WHERE kind != 'organisation' OR row IN (SELECT organisation FROM cohorts UNION SELECT employer FROM cohorts \
     UNION SELECT organisation_id FROM people UNION SELECT organisation FROM demand UNION SELECT organisation_id FROM services \
     UNION SELECT funder_organisation FROM programmes)",
    "DELETE FROM history WHERE kind = 'organisation' AND row IN (SELECT row FROM sample_kept)",
    "DELETE FROM organisations WHERE id IN (SELECT row FROM sample_kept)",
    "DELETE FROM sample_kept",
    "DELETE FROM providers",
    "DELETE FROM imports WHERE kind IN ('programmes', 'learners')",
    "DELETE FROM quality_questions",
    "DELETE FROM sample",
];

/// Code, name, provider, tier, type, audience.
const PROGRAMMES: [[&str; 6]; 5] = [
    [
        "S1",
        "First steps online",
        LIBRARY,
        "basic",
        "community-session",
        "older-people",
    ],
    [
        "S2",
        "Everyday digital skills",
        COLLEGE,
        "basic",
        "short-course",
        "out-of-work",
    ],
    [
        "S3",
        "Spreadsheets at work",
        COLLEGE,
        "general",
        "workplace-training",
        "people-in-work",
    ],
    [
        "S4",
        "Selling online",
        TRAINER,
        "general",
        "short-course",
        "small-businesses",
    ],
    [
        "S5",
        "Data bootcamp",
        TRAINER,
        "advanced",
        "bootcamp",
        "young-people",
    ],
];
const LIBRARY: &str = "Sample Library (made up)";
pub(crate) const COLLEGE: &str = "Sample College (made up)";
const TRAINER: &str = "Sample Trainer (made up)";

/// Who teaches, where, and what it costs: places of each programme, its cost in pounds, and how many months ago it began. One has too few places
/// and one began after some of its learners, so that the rules of quality have something to find.
const TERMS: [(u32, u32, i32); 5] = [
    (120, 4_000, 15),
    (120, 9_500, 15),
    (60, 12_000, 15),
    (6, 3_000, 15),
    (80, 40_000, 10),
];

fn programmes(today: Date) -> String {
    let mut csv =
        "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n".to_owned();
    let this_month = today.first_of_month();
    for ([code, name, provider, tier, kind, audience], (places, cost, ago)) in
        PROGRAMMES.into_iter().zip(TERMS)
    {
        let start = this_month - ago.months();
        csv.push_str(&format!(
            "{code},{name} (sample),{provider},{tier},{kind},{audience},Sample funder,{cost},{places},{start},\n"
        ));
    }
    csv
}

/// The `n`th of some choices, spread so that two lists do not move together.
fn pick<'a>(n: usize, stride: usize, from: &[&'a str]) -> &'a str {
    from[(n * stride + n / from.len()) % from.len()]
}

/// A made-up learner's row.
struct Learner {
    programme: &'static str,
    /// Months since it began.
    ago: i32,
    csv: String,
}

/// Learners who began so many months ago at most are in a cohort.
const IN_COHORTS: i32 = 3;

const HEAD: &str = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage,\
                    destination_3m,destination_6m,destination_12m,confidence_before,confidence_after,everyday_before,everyday_after\n";

fn rows(districts: &[&str], today: Date) -> Vec<Learner> {
    (0..LEARNERS)
        .map(|n| learner(n, districts, today))
        .collect()
}

fn learner(n: usize, districts: &[&str], today: Date) -> Learner {
    let [programme, _, provider, ..] = PROGRAMMES[n % PROGRAMMES.len()];
    let ago = 1 + i32::try_from(n * 3).unwrap_or_default() % MONTHS;
    let days = i32::try_from(n * 5 % 20).unwrap_or_default();
    let start = today.first_of_month() - ago.months() + days.days();
    let ended = start + 28.days();
    let (end, stage) = match n % 4 {
        _ if ended >= today => (None, "in-progress"),
        0 => (None, "in-progress"),
        3 => (Some(ended), "withdrawn"),
        _ => (Some(ended), "achieved"),
    };
    let planned = start + 35.days();
    let age = 17 + n * 7 % 60;
    let sex = pick(n, 1, &["female", "male"]);
    let ethnicity = pick(n, 3, &["white", "asian", "black", "white", "mixed"]);
    let disability = pick(n, 1, &["no", "no", "yes"]);
    let prior = pick(n, 2, &["unemployed", "employed", "retired", "in-education"]);
    let district = if n % 9 == 4 {
        ""
    } else {
        pick(n, 1, districts)
    };
    let skill = pick(
        n,
        1,
        &["foundation", "communicating", "workplace", "software"],
    );
    let mode = pick(n, 1, &["face-to-face", "online", "blended"]);
    // Some have not been asked yet, although they are due: the provider is.
    let after = |months: i32, every: usize| match end {
        Some(end) if end + months.months() <= today && n % every != 1 => pick(
            n,
            5,
            &[
                "sustained-employment",
                "further-learning",
                "other-positive",
                "none",
            ],
        ),
        _ => "",
    };
    let (three, six, twelve) = (after(3, 4), after(6, 3), after(12, 2));
    let was_asked = end.is_some() && n % 5 != 2;
    let answers = match was_asked {
        true => format!("{},{},{},{}", 3 + n % 4, 5 + n % 5, n % 3, 2 + n % 4),
        false => ",,,".to_owned(),
    };
    let end = end.map_or_else(String::new, |end| end.to_string());
    let csv = format!(
        "{provider},S-{n:03},,{age},{sex},{ethnicity},{disability},{prior},{district},SAMPLE,{programme},{skill},{mode},{start},{planned},{end},{stage},\
         {three},{six},{twelve},{answers}\n"
    );
    Learner {
        programme,
        ago,
        csv,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;
    use crate::model;
    use crate::store::audit::COMMAND_LINE;
    use crate::store::cohorts::Cohort;
    use crate::store::ilr::{AimRule, Taught};
    use crate::store::organisations::Organisation;
    use crate::store::spend::Spend;

    /// What every table holds, but for the audit log, which only grows.
    async fn tables(store: &Store) -> BTreeMap<String, Vec<String>> {
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'audit%'";
        let names: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&store.reader)
            .await
            .unwrap();
        let mut all = BTreeMap::new();
        for name in names {
            let columns = format!(
                "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM pragma_table_info('{name}')"
            );
            let columns: String = sqlx::query_scalar(AssertSqlSafe(columns))
                .fetch_one(&store.reader)
                .await
                .unwrap();
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT {columns} FROM {name} ORDER BY 1"
            )))
            .fetch_all(&store.reader)
            .await
            .unwrap();
            all.insert(name, rows.iter().map(|row| row.get(0)).collect());
        }
        all
    }

    async fn add<M: model::Model>(store: &Store, texts: &[&str], now: Timestamp) -> i64 {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let added = model::add::<M>(store, &texts, "ann", now).await;
        added.map_err(|_| texts).unwrap().id
    }

    /// A table that holds something of the sample and is not in `GONE` differs afterwards.
    #[tokio::test]
    async fn nothing_of_it_is_left_in_any_table() {
        let home = tempfile::tempdir().unwrap();
        let now: Timestamp = "2022-03-04T09:00:00Z".parse().unwrap();
        let lep: ldsp_protocol::ids::Gss = "E37000001".parse().unwrap();
        let entropy = crate::testing::seeded(3);
        let node = Node::init(
            &home.path().join("data"),
            Some(&lep),
            &mut entropy(),
            (COMMAND_LINE, now),
        )
        .await
        .unwrap();
        let store = &node.store;
        for name in [COLLEGE, "Bakery"] {
            let kind = if name == COLLEGE {
                "provider"
            } else {
                "employer"
            };
            add::<Organisation>(store, &[name, kind, "", ""], now).await;
        }
        let before = tables(store).await;
        for _ in 0..2 {
            bring_in(&node, "ann", now).await.unwrap();
            // What people try out with it.
            let cohort = ["A1", "S2", COLLEGE, "Tuesdays", "", "", "8", "", "Bakery"];
            add::<Cohort>(store, &cohort, now).await;
            let spent = "12.00";
            add::<Spend>(store, &["2022-01", "S1", "", "staff", spent, "Claim"], now).await;
            add::<Spend>(store, &["2022-01", "", "A1", "staff", spent, "Claim"], now).await;
            let sql = "UPDATE enrolments SET cohort = (SELECT id FROM cohorts), employer = (SELECT id FROM organisations WHERE name = 'Bakery') WHERE id = 1";
            sqlx::query(sql).execute(&store.writer).await.unwrap();
            let about = (LIBRARY, "silent");
            crate::quality::ask(store, about, "Is March late?", "ann", now)
                .await
                .unwrap();
            let taught = Taught {
                programme: "S3".to_owned(),
                skill: "software".to_owned(),
                mode: "online".to_owned(),
            };
            let rule = AimRule {
                aim: "Z0001234".to_owned(),
                ukprn: None,
                fund_model: None,
                taught: Some(taught),
            };
            assert!(store.set_ilr_aim(&rule, "ann", now).await.unwrap());
            remove(store, "ann", now).await.unwrap();
            let after = tables(store).await;
            for (table, rows) in &before {
                assert_eq!(&after[table], rows, "{table}: add it to GONE");
            }
        }
    }

    /// Every page has something to see, and behind each finding stand as many learners as it counts.
    #[tokio::test]
    async fn what_stands_out_has_its_rows() {
        let home = tempfile::tempdir().unwrap();
        let now: Timestamp = "2022-03-04T09:00:00Z".parse().unwrap();
        let lep: ldsp_protocol::ids::Gss = "E37000001".parse().unwrap();
        let entropy = crate::testing::seeded(5);
        let node = Node::init(
            &home.path().join("data"),
            Some(&lep),
            &mut entropy(),
            (COMMAND_LINE, now),
        )
        .await
        .unwrap();
        bring_in(&node, "ann", now).await.unwrap();
        let store = &node.store;
        let count = async |sql: String| -> i64 {
            let count = sqlx::query_scalar(AssertSqlSafe(sql));
            count.fetch_one(&store.reader).await.unwrap()
        };
        for (table, least) in [
            ("enrolments WHERE cohort IS NOT NULL", 10),
            ("enrolments WHERE own_reference IS NULL", 0),
            ("enrolments WHERE destination_6m IS NOT NULL", 20),
            ("enrolments WHERE confidence IS NOT NULL", 50),
            ("cohorts", 2),
            ("demand", 3),
            ("services WHERE public = 0", 3),
            ("spend", 3),
            ("quality_questions", 1),
        ] {
            let found = count(format!("SELECT count(*) FROM {table}")).await;
            assert!(
                found >= least && (least > 0 || found == 0),
                "{table}: {found}"
            );
        }
        let mut found = std::collections::BTreeSet::new();
        for judged in crate::quality::look(store, now).await.unwrap() {
            for finding in &judged.findings {
                let code = finding.rule.code;
                let rows = crate::quality::rows_of(store, code, now).await.unwrap();
                let sql = format!(
                    "SELECT count(*) FROM enrolments AS e WHERE e.provider = '{}' AND ({})",
                    judged.provider,
                    rows.unwrap()
                );
                let (rows, records) = (count(sql).await, finding.records.cast_signed());
                // What a person looks through may be more than what the rule counts.
                let is_wider = ["over-capacity", "not-stated", "not-asked"].contains(&code);
                assert!(
                    rows == records || is_wider && rows > records,
                    "{code}: {rows}, {records}"
                );
                found.insert(code);
            }
        }
        for code in [
            "outside-programme",
            "over-capacity",
            "overdue-end",
            "destination-late",
        ] {
            assert!(found.contains(code), "{code}: {found:?}");
        }
        for rule in crate::quality::CATALOGUE {
            let rows = crate::quality::rows_of(store, rule.code, now)
                .await
                .unwrap();
            let sql = format!(
                "SELECT count(*) FROM enrolments AS e WHERE {}",
                rows.unwrap()
            );
            count(sql).await;
        }
    }

    #[tokio::test]
    async fn what_is_described_meanwhile_stays() {
        let home = tempfile::tempdir().unwrap();
        let now: Timestamp = "2022-03-04T09:00:00Z".parse().unwrap();
        let lep: ldsp_protocol::ids::Gss = "E37000001".parse().unwrap();
        let entropy = crate::testing::seeded(4);
        let node = Node::init(
            &home.path().join("data"),
            Some(&lep),
            &mut entropy(),
            (COMMAND_LINE, now),
        )
        .await
        .unwrap();
        bring_in(&node, "ann", now).await.unwrap();
        let columns = <crate::store::programmes::Programme as model::Model>::COLUMNS;
        let said = |column: &str| match column {
            "programme" => "OWN",
            "name" => "Our own",
            "provider" => "City College",
            _ => "",
        };
        let texts: Vec<&str> = columns.iter().map(|column| said(column)).collect();
        add::<crate::store::programmes::Programme>(&node.store, &texts, now).await;
        remove(&node.store, "ann", now).await.unwrap();
        let left = node.store.programmes().await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].it.code, "OWN");
    }
}
