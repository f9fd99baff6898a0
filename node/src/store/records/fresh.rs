//! Enrolments into a store that holds none yet: rows are appended as they come, and the indices are built when all are there.
//!
//! Pseudonyms come in random order. An index that is kept up to date row by row is read and written all over, the more the
//! larger it is; one that is built at the end is sorted once. Dropping and building are part of the import's transaction.

use std::sync::{Arc, LazyLock};

use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::merge::{Refused, Why};
use super::persons::{self, Named, ident};
use super::{Enrolment, Pseudonym};
use crate::store::providers::Roots;
use crate::store::{StoreError, day};

/// As the schema has them (migration 3); a test compares, also the next one.
const SPELLS: &str = "CREATE UNIQUE INDEX enrolments_spell ON enrolments (spell)";
const LEARNERS: &str = "CREATE INDEX enrolments_learner ON enrolments (learner, enters)";
/// As migration 8 has it.
const REFERENCES: &str = "CREATE INDEX enrolments_reference ON enrolments (reference, learner)";
/// As migration 24 has it.
const PROVIDERS: &str = "CREATE INDEX enrolments_provider ON enrolments (provider, end_day)";

/// Statements by the number of their rows. A batch is cut into these, so that each is prepared once.
static STATEMENTS: LazyLock<[(usize, Arc<str>); 3]> =
    LazyLock::new(|| [250, 25, 1].map(|rows| (rows, statement(rows).into())));
/// Values of a row. Each costs more to hand over than to take out of a number, so a row's codes share two: see [`codes`] and
/// [`outcome`].
const VALUES: usize = 15;

fn statement(rows: usize) -> String {
    let byte = |value: &str, at: usize| format!("{value} >> {} & 255", at * 8);
    let code = |at| byte("column9", at);
    let held = |at: usize| {
        let value = format!("(column10 >> {} & 511)", 8 + at * 9);
        format!("CASE {value} WHEN 0 THEN NULL ELSE {value} - 1 END")
    };
    // Of the last byte of the codes: see [`begun`].
    let begun = |value: &str| format!("nullif(column9 >> {value}, 0)");
    let columns: [(&str, String); 29] = [
        ("id", "column1".to_owned()),
        ("spell", "column2".to_owned()),
        ("learner", "column3".to_owned()),
        ("provider", "column4".to_owned()),
        ("aim", "column5".to_owned()),
        ("programme", "column6".to_owned()),
        ("district", "column7".to_owned()),
        ("in_area", "column8".to_owned()),
        // Until `finish` looks at all of a learner's.
        ("enters", "column8".to_owned()),
        ("skill", code(0)),
        ("mode", code(1)),
        ("age", code(2)),
        ("sex", code(3)),
        ("ethnicity", code(4)),
        ("disability", code(5)),
        ("prior", code(6)),
        ("stage", byte("column10", 0)),
        ("destination_3m", held(0)),
        ("destination_6m", held(1)),
        ("destination_12m", held(2)),
        ("confidence", held(3)),
        ("everyday", held(4)),
        ("confidence_before", begun("56 & 15")),
        ("everyday_before", format!("{} - 1", begun("60 & 7"))),
        ("start_day", "column11".to_owned()),
        ("planned_end_day", "column12".to_owned()),
        ("end_day", "column13".to_owned()),
        ("reference", "column14".to_owned()),
        ("own_reference", "column15".to_owned()),
    ];
    let names = columns.each_ref().map(|(name, _)| *name).join(", ");
    let values = columns.map(|(_, value)| value).join(", ");
    let row = format!("({})", ["?"; VALUES].join(","));
    let rows = vec![row; rows].join(",");
    format!("INSERT INTO enrolments ({names}) SELECT {values} FROM (VALUES {rows})")
}

/// The codes that every row has, a byte each, and the answers at the start.
fn codes(e: &Enrolment) -> i64 {
    let codes = [
        e.skill,
        e.mode,
        e.age,
        e.sex,
        e.ethnicity,
        e.disability,
        e.prior,
        begun(e),
    ];
    i64::from_le_bytes(codes)
}

/// The answers at the start in seven bits: confidence in four, 0 without it; everyday tasks in three, one more than their number.
fn begun(e: &Enrolment) -> u8 {
    let everyday = e.begun.everyday.map_or(0, |tasks| tasks + 1);
    e.begun.confidence.unwrap_or(0) & 0x0f | (everyday & 0x07) << 4
}

/// The stage in a byte, then nine bits for each code that a row may lack: 0 without it, else one more than the code.
fn outcome(e: &Enrolment) -> i64 {
    let [three, six, twelve] = e.destinations;
    let held = [three, six, twelve, e.confidence, e.everyday];
    let packed = held.iter().rev().fold(0, |packed, code| {
        packed << 9 | code.map_or(0, |code| i64::from(code) + 1)
    });
    packed << 8 | i64::from(e.stage)
}

/// Rows as the values of statements.
pub(crate) struct Rows(Vec<(Arc<str>, SqliteArguments)>);

impl Rows {
    /// Takes rows with their ids, which ascend: see [`id_after`].
    ///
    /// # Errors
    /// A value cannot be encoded; bytes, texts and numbers always can.
    pub(crate) fn new(rows: Vec<(i64, Enrolment)>) -> Result<Self, sqlx::Error> {
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        let mut statements = Vec::new();
        for (size, sql) in &*STATEMENTS {
            while left >= *size {
                let mut values = SqliteArguments::default();
                values.reserve(size * VALUES, 0);
                for (id, enrolment) in rows.by_ref().take(*size) {
                    add(&mut values, id, enrolment).map_err(sqlx::Error::Encode)?;
                }
                statements.push((sql.clone(), values));
                left -= size;
            }
        }
        Ok(Self(statements))
    }
}

/// The id of the row of `line`, after the row `last`: so the line is found again when the row turns out to be a repeated one.
/// Ids ascend also where lines do not, in a file whose lines end with a carriage return alone.
pub(crate) fn id_after(last: i64, line: u64) -> i64 {
    let before = i64::try_from(line).unwrap_or(i64::MAX) - 1;
    before.max(last + 1)
}

fn line_of(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0) + 1
}

fn add(
    values: &mut SqliteArguments,
    id: i64,
    e: Enrolment,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (codes, outcome) = (codes(&e), outcome(&e));
    values.add(id)?;
    values.add(e.spell.to_vec())?;
    values.add(e.learner.to_vec())?;
    values.add(e.provider)?;
    values.add(e.aim)?;
    values.add(e.programme)?;
    values.add(e.district)?;
    values.add(e.in_area)?;
    values.add(codes)?;
    values.add(outcome)?;
    values.add(day(e.start))?;
    values.add(e.planned_end.map(day))?;
    values.add(e.end.map(day))?;
    values.add(e.reference)?;
    values.add(e.own_reference)
}

/// Whether the store holds no enrolment, nor what is left of one.
pub(crate) async fn is_fresh(tx: &mut SqliteConnection) -> Result<bool, StoreError> {
    let any: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM enrolments UNION ALL SELECT 1 FROM erased UNION ALL SELECT 1 FROM numbers_gone WHERE last > 0 LIMIT 1")
            .fetch_optional(tx)
            .await?;
    Ok(any.is_none())
}

/// Drops the indices, until [`finish`].
pub(crate) async fn begin(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(
        "DROP INDEX enrolments_spell; DROP INDEX enrolments_learner; DROP INDEX enrolments_reference; DROP INDEX enrolments_provider",
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends rows.
pub(crate) async fn insert(tx: &mut SqliteConnection, rows: Rows) -> Result<(), StoreError> {
    for (sql, values) in rows.0 {
        sqlx::query_with(AssertSqlSafe(sql), values)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Finds repeated rows, in the order of the file, when all rows are there, and takes them out again.
pub(crate) async fn settle(
    tx: &mut SqliteConnection,
    found: &mut impl FnMut(Refused),
) -> Result<(), StoreError> {
    // Sorting tells whether any row is repeated at all.
    match sqlx::raw_sql(SPELLS).execute(&mut *tx).await {
        Ok(_) => return Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
        Err(error) => return Err(error.into()),
    }
    sqlx::raw_sql("CREATE INDEX enrolments_repeated ON enrolments (spell)")
        .execute(&mut *tx)
        .await?;
    let mut rows = sqlx::query_as(
        "SELECT e.id, f.first, e.in_area, e.own_reference IS NOT NULL \
         FROM (SELECT spell, min(id) AS first FROM enrolments GROUP BY spell HAVING count(*) > 1) AS f \
         JOIN enrolments AS e ON e.spell = f.spell WHERE e.id > f.first ORDER BY e.id",
    )
    .fetch(&mut *tx);
    while let Some((id, first, in_area, referred)) = rows.try_next().await? {
        found(Refused {
            line: line_of(id),
            in_area,
            referred,
            why: Why::Repeated(line_of(first)),
        });
    }
    drop(rows);
    sqlx::raw_sql(
        "DELETE FROM enrolments \
         WHERE id > (SELECT min(id) FROM enrolments AS f WHERE f.spell = enrolments.spell); \
         DROP INDEX enrolments_repeated",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::raw_sql(SPELLS).execute(tx).await?;
    Ok(())
}

/// Puts the store into the state in which [`super::merge`] would have left it: its other indices, one `learner` for each person. Rows
/// that turn out to be repeated ones, or that give one reference two ULNs, are taken out.
pub(crate) async fn tie(
    tx: &mut SqliteConnection,
    roots: &Roots,
    found: &mut impl FnMut(Refused),
) -> Result<(), StoreError> {
    sqlx::raw_sql(LEARNERS).execute(&mut *tx).await?;
    sqlx::raw_sql(REFERENCES).execute(&mut *tx).await?;
    sqlx::raw_sql(PROVIDERS).execute(&mut *tx).await?;
    let shared: Vec<i64> = sqlx::query_scalar(
        "SELECT reference FROM enrolments WHERE reference IS NOT NULL GROUP BY reference HAVING min(learner) != max(learner)",
    )
    .fetch_all(&mut *tx)
    .await?;
    for reference in shared {
        let rows = named_by(tx, reference).await?;
        let uln = rows.iter().find(|r| ident(&r.1) != reference).copied();
        let mut named = Vec::new();
        for (id, learner, in_area, referred) in rows {
            match uln {
                Some((first, uln, ..)) if learner != uln && ident(&learner) != reference => {
                    found(Refused {
                        line: line_of(id),
                        in_area,
                        referred,
                        why: Why::OtherUln(line_of(first)),
                    });
                    remove(tx, id).await?;
                }
                _ => named.push(Named {
                    learner,
                    reference: Some(reference),
                    held: None,
                }),
            }
        }
        for learner in persons::tie(tx, &named).await?.1 {
            for (row, first) in super::merge::repeated(tx, &learner, roots).await? {
                found(Refused {
                    line: line_of(row.id),
                    in_area: row.enrolment.in_area,
                    referred: row.enrolment.own_reference.is_some(),
                    why: Why::Repeated(line_of(first)),
                });
                remove(tx, row.id).await?;
            }
        }
    }
    Ok(())
}

/// Rows with this reference: id, learner, whether in the area, whether the provider sees its reference.
async fn named_by(
    tx: &mut SqliteConnection,
    reference: i64,
) -> Result<Vec<(i64, Pseudonym, bool, bool)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>, bool, bool)> = sqlx::query_as(
        "SELECT id, learner, in_area, own_reference IS NOT NULL FROM enrolments WHERE reference = $1 ORDER BY id",
    )
    .bind(reference)
    .fetch_all(tx)
    .await?;
    let row = |(id, learner, in_area, referred): (i64, Vec<u8>, bool, bool)| {
        Some((id, Pseudonym::try_from(learner).ok()?, in_area, referred))
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

async fn remove(tx: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM enrolments WHERE id = $1")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Lets each learner's first two enrolments in the area enter.
pub(crate) async fn finish(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    persons::cap(tx, None).await?;
    Ok(())
}
