//! Enrolments into a store that holds some: each is compared with what is held.

mod again;
mod changes;
pub(crate) mod doubts;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

pub(super) use again::repeated;

use super::persons::{self, Named, Standing, ident};
use super::silent::{Silent, taken_back};
use super::{Begun, Enrolment, PER_LEARNER, Pseudonym};
use crate::schedule::london;
use crate::store::history::{self, Change, Kind};
use crate::store::providers::Roots;
use crate::store::{StoreError, date, day};

/// What happened to the rows of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Upserted {
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    /// Of the changed ones: under another key than before.
    pub(crate) carried: u64,
    /// Destinations and answers that were held and that rows leave empty.
    pub(crate) taken_back: u64,
    /// Whose provider sees its own reference from now on.
    pub(crate) referred: u64,
}

fn read(row: &SqliteRow) -> Result<Enrolment, sqlx::Error> {
    let blob = |column: &str| -> Result<Pseudonym, sqlx::Error> {
        let bytes: Vec<u8> = row.try_get(column)?;
        bytes.try_into().map_err(|_| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: "not 16 bytes".into(),
        })
    };
    let optional = |column: &str| -> Result<Option<Date>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(column)?.and_then(date))
    };
    Ok(Enrolment {
        spell: blob("spell")?,
        learner: blob("learner")?,
        reference: row.try_get("reference")?,
        provider: row.try_get::<&str, _>("provider")?.into(),
        aim: row.try_get::<&str, _>("aim")?.into(),
        programme: row.try_get("programme")?,
        district: row.try_get::<Option<&str>, _>("district")?.map(Into::into),
        in_area: row.try_get("in_area")?,
        skill: row.try_get("skill")?,
        mode: row.try_get("mode")?,
        age: row.try_get("age")?,
        sex: row.try_get("sex")?,
        ethnicity: row.try_get("ethnicity")?,
        disability: row.try_get("disability")?,
        prior: row.try_get("prior")?,
        start: optional("start_day")?.unwrap_or_default(),
        planned_end: optional("planned_end_day")?,
        end: optional("end_day")?,
        stage: row.try_get("stage")?,
        destinations: [
            row.try_get("destination_3m")?,
            row.try_get("destination_6m")?,
            row.try_get("destination_12m")?,
        ],
        confidence: row.try_get("confidence")?,
        everyday: row.try_get("everyday")?,
        own_reference: row
            .try_get::<Option<&str>, _>("own_reference")?
            .map(Into::into),
        begun: Begun {
            confidence: row.try_get("confidence_before")?,
            everyday: row.try_get("everyday_before")?,
        },
    })
}

pub(crate) fn list<'a>(sql: &mut QueryBuilder<Sqlite>, ids: impl Iterator<Item = &'a Pseudonym>) {
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(id.to_vec());
    }
    sql.push(")");
}

/// Makes the lists of what this file has named so far and of its doubtful rows. They live in SQLite's temporary
/// file, so a file of any length takes the same memory, and they go with the transaction.
pub(crate) async fn begin(
    tx: &mut SqliteConnection,
    roots: Roots,
    by: &By,
) -> Result<Merging, StoreError> {
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS temp.seen; \
         CREATE TEMP TABLE seen (spell BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID",
    )
    .execute(&mut *tx)
    .await?;
    doubts::begin(tx).await?;
    let last = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM enrolments")
        .fetch_one(tx)
        .await?;
    Ok(Merging {
        roots,
        last,
        by: by.clone(),
        since: None,
        year: None,
        own: None,
        adds: false,
        silent: Silent::default(),
        today: by.at.to_zoned(london()).date(),
    })
}

/// Who changes enrolments, and when.
#[derive(Clone)]
pub(crate) struct By {
    pub(crate) who: String,
    pub(crate) at: Timestamp,
}

/// What holds for a whole file.
pub(crate) struct Merging {
    roots: Roots,
    /// The last row before the file.
    last: i64,
    by: By,
    /// First day of the time that the file tells of; `None`: all. What ended before is not corrected by what the file does not name.
    pub(crate) since: Option<Date>,
    /// The year that an ILR is of: it says nothing new of what a later year's told of.
    pub(crate) year: Option<u16>,
    /// First name of the provider that brings its own rows.
    pub(crate) own: Option<Arc<str>>,
    /// Whether what is held is left alone: a form that adds somebody.
    pub(crate) adds: bool,
    /// What its rows say nothing of.
    pub(crate) silent: Silent,
    today: Date,
}

impl Merging {
    /// The last row before the file.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Whether the file would name an enrolment that is held, if it stood unchanged.
    fn tells_of(&self, held: &Enrolment) -> bool {
        let ended_before = |since| held.end.is_some_and(|end| end < since);
        !self.since.is_some_and(ended_before)
    }

    /// A row of the file as it is to be kept over what is held.
    fn fill(&self, row: &mut Enrolment, held: &Enrolment) {
        self.silent.fill(row, held, self.today);
    }
}

/// Drops the lists again.
pub(crate) async fn end(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("DROP TABLE temp.seen")
        .execute(&mut *tx)
        .await?;
    doubts::end(tx).await
}

/// For each enrolment of a batch with its line: the earlier line of this file that named it, if any.
async fn note_seen(
    tx: &mut SqliteConnection,
    batch: &[(Pseudonym, u64)],
) -> Result<Vec<Option<u64>>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT spell, line FROM temp.seen WHERE spell IN (");
    list(&mut sql, batch.iter().map(|(spell, _)| spell));
    let rows: Vec<(Vec<u8>, i64)> = sql.build_query_as().fetch_all(&mut *tx).await?;
    let mut known: HashMap<Vec<u8>, u64> = rows
        .into_iter()
        .map(|(spell, line)| (spell, u64::try_from(line).unwrap_or(0)))
        .collect();
    let mut earlier = Vec::with_capacity(batch.len());
    let mut fresh = Vec::with_capacity(batch.len());
    for (spell, line) in batch {
        let before = known.get(&spell[..]).copied();
        if before.is_none() {
            known.insert(spell.to_vec(), *line);
            fresh.push((spell, *line));
        }
        earlier.push(before);
    }
    if !fresh.is_empty() {
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO temp.seen (spell, line) ");
        sql.push_values(fresh, |mut row, (spell, line)| {
            row.push_bind(spell.to_vec())
                .push_bind(i64::try_from(line).unwrap_or(i64::MAX));
        });
        sql.build().execute(tx).await?;
    }
    Ok(earlier)
}

/// A row with its line.
pub(crate) type Line = (u64, Enrolment);

/// A row that is not taken.
pub(crate) struct Refused {
    pub(crate) line: u64,
    pub(crate) in_area: bool,
    /// Whether it has a reference that its provider may see.
    pub(crate) referred: bool,
    pub(crate) why: Why,
}

/// Why a row is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// An earlier line names the same enrolment.
    Repeated(u64),
    /// An earlier line gives another ULN for the same reference.
    OtherUln(u64),
    /// What is held under the reference has another ULN, and who brings the row may not say that both are one person.
    HeldUln,
    /// It may be a new enrolment or a corrected one.
    Doubtful,
    /// … and which one was corrected cannot be told.
    Several,
    /// It is held, and whoever sent the row says that it is not.
    There,
}

/// What became of a batch, or of the rows that wait for the end of the file.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) done: Upserted,
    pub(crate) refused: Vec<Refused>,
    /// Rows of learners who were erased, by whether they lie in the area.
    pub(crate) erased: Vec<bool>,
    /// Rows that were said to be new and turned out not to be.
    pub(crate) withdrawn: u64,
    /// Rows of enrolments, held under another key, of which a later year's ILR has told.
    pub(crate) later: u64,
}

impl Merged {
    fn refuse(&mut self, (line, enrolment): &Line, why: Why) {
        self.refused.push(Refused {
            line: *line,
            in_area: enrolment.in_area,
            referred: enrolment.own_reference.is_some(),
            why,
        });
    }
}

/// An enrolment as it is held.
pub(super) struct Held {
    pub(super) id: i64,
    pub(super) enrolment: Enrolment,
    /// Whether `enters` is decided for good: see [`FIXED`].
    pub(super) fixed: bool,
    /// Whether an ILR took it away.
    pub(super) removed: bool,
}

/// SQL of whether `enters` is decided for good: something was counted, or may have been before a ledger was lost.
pub(super) const FIXED: &str = "(counted != 0 OR withheld != 0 AND enters = 1)";

pub(super) async fn held(
    tx: &mut SqliteConnection,
    mut sql: QueryBuilder<Sqlite>,
) -> Result<Vec<Held>, StoreError> {
    let rows = sql.build().fetch_all(tx).await?;
    let held = rows.iter().map(|row| {
        let bits = |column| row.try_get::<i64, _>(column);
        let entered = bits("enters")? == 1;
        Ok(Held {
            id: row.try_get("id")?,
            enrolment: read(row)?,
            fixed: bits("counted")? != 0 || (bits("withheld")? != 0 && entered),
            removed: row.try_get::<Option<i64>, _>("removed_day")?.is_some(),
        })
    });
    Ok(held.collect::<Result<_, sqlx::Error>>()?)
}

/// An enrolment that is held and stands, with its version.
pub(crate) async fn one(
    tx: &mut SqliteConnection,
    id: i64,
) -> Result<Option<(i64, Enrolment)>, StoreError> {
    let row = sqlx::query("SELECT * FROM enrolments WHERE id = $1 AND removed_day IS NULL")
        .bind(id)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get("version")?, read(&row)?)))
}

/// Takes a batch: finds who its learners are and which of its enrolments are held, under this key or another one, and stores what is new or
/// different. Rows that may be a new enrolment or a corrected one wait for [`doubts::settle`].
///
/// `enters` is 1 for each of the learner's first two enrolments in the area, in the order in which the
/// node learnt of them. A correction (a district, a ULN that was issued later) decides it again as long as nothing of
/// the enrolment was counted ([`FIXED`]); then it is only ever taken back. `counted` is not touched here.
pub(crate) async fn take(
    tx: &mut SqliteConnection,
    batch: Vec<Line>,
    of: &Merging,
) -> Result<Merged, StoreError> {
    let mut merged = Merged::default();
    let mut rows = unrepeated(tx, batch, &mut merged).await?;
    if rows.is_empty() {
        return Ok(merged);
    }
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE spell IN (");
    list(&mut sql, rows.iter().map(|(_, e)| &e.spell));
    let mut held = by_key(tx, sql).await?;
    let joined = identify(tx, &mut rows, &mut held, of, &mut merged).await?;
    if !joined.is_empty() {
        // Rows may have become one, or got another key.
        again::unite(tx, &joined, of, &mut merged).await?;
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE spell IN (");
        list(&mut sql, rows.iter().map(|(_, e)| &e.spell));
        held = by_key(tx, sql).await?;
    }
    let doubtful = again::find(tx, &mut rows, &mut held, of, &mut merged).await?;
    if of.adds {
        leave_held(&mut rows, &held, &mut merged);
    }
    for (_, row) in &mut rows {
        if let Some(before) = held.get(&row.spell) {
            of.fill(row, &before.enrolment);
        }
    }
    store(tx, &rows, &held, &doubtful, &of.by, &mut merged.done).await?;
    Ok(merged)
}

/// Refuses rows of enrolments that are held and stand.
fn leave_held(rows: &mut Vec<Line>, held: &HashMap<Pseudonym, Held>, merged: &mut Merged) {
    rows.retain(|row| {
        let stands = held.get(&row.1.spell).is_some_and(|held| !held.removed);
        if stands {
            merged.refuse(row, Why::There);
        }
        !stands
    });
}

async fn by_key(
    tx: &mut SqliteConnection,
    sql: QueryBuilder<Sqlite>,
) -> Result<HashMap<Pseudonym, Held>, StoreError> {
    let held = held(tx, sql).await?.into_iter();
    Ok(held.map(|h| (h.enrolment.spell, h)).collect())
}

/// Keeps the first row of each key.
async fn unrepeated(
    tx: &mut SqliteConnection,
    batch: Vec<Line>,
    merged: &mut Merged,
) -> Result<Vec<Line>, StoreError> {
    let keys: Vec<_> = batch.iter().map(|(line, e)| (e.spell, *line)).collect();
    let earlier = note_seen(tx, &keys).await?;
    let mut rows = Vec::with_capacity(batch.len());
    for (row, earlier) in batch.into_iter().zip(earlier) {
        match earlier {
            None => rows.push(row),
            Some(first) => merged.refuse(&row, Why::Repeated(first)),
        }
    }
    Ok(rows)
}

/// Gives the rows the learners that the store knows them by, and leaves out what was erased. Gives the learners who turned out to be
/// several of those that are held.
async fn identify(
    tx: &mut SqliteConnection,
    rows: &mut Vec<Line>,
    held: &mut HashMap<Pseudonym, Held>,
    of: &Merging,
    merged: &mut Merged,
) -> Result<Vec<Pseudonym>, StoreError> {
    let mut ulns: HashMap<i64, (Pseudonym, u64)> = HashMap::new();
    rows.retain(|row| {
        let Some(reference) = row.1.reference.filter(|r| *r != ident(&row.1.learner)) else {
            return true;
        };
        let (uln, first) = *ulns.entry(reference).or_insert((row.1.learner, row.0));
        if uln != row.1.learner {
            merged.refuse(row, Why::OtherUln(first));
        }
        uln == row.1.learner
    });
    if let Some(own) = &of.own {
        keep_apart(tx, rows, held, own, merged).await?;
    }
    let places: Vec<usize> = (0..rows.len())
        .filter(|at| !is_known(&rows[*at].1, held))
        .collect();
    let named = places.iter().map(|at| named(&rows[*at].1, held));
    let (persons, joined) = persons::tie(tx, &named.collect::<Vec<_>>()).await?;
    let mut gone = vec![false; rows.len()];
    for (at, person) in places.into_iter().zip(persons) {
        let e = &mut rows[at].1;
        e.learner = person.learner;
        if let Some(before) = held.get_mut(&e.spell) {
            before.enrolment.learner = person.learner;
            e.keep_reference(&before.enrolment);
        } else {
            // Whose own records went was told before.
            let tells = of.own.is_none();
            gone[at] = tells && person.erased.is_some_and(|erased| day(e.start) <= erased);
        }
    }
    let mut gone = gone.into_iter();
    rows.retain(|(_, e)| {
        let gone = gone.next().unwrap_or(false);
        if gone {
            merged.erased.push(e.in_area);
        }
        !gone
    });
    Ok(joined)
}

/// Whether a row is held with the learner and the reference that it names.
fn is_known(e: &Enrolment, held: &HashMap<Pseudonym, Held>) -> bool {
    let same = |h: &Held| h.enrolment.learner == e.learner && h.enrolment.reference == e.reference;
    held.get(&e.spell).is_some_and(same)
}

/// By what a row names its learner.
fn named(e: &Enrolment, held: &HashMap<Pseudonym, Held>) -> Named {
    let before = held.get(&e.spell);
    Named {
        learner: e.learner,
        reference: e.reference,
        held: before.map(|h| (h.enrolment.learner, h.enrolment.reference)),
    }
}

/// Leaves out rows of a provider that would tie two people together, and those of learners whose records with it were erased.
async fn keep_apart(
    tx: &mut SqliteConnection,
    rows: &mut Vec<Line>,
    held: &HashMap<Pseudonym, Held>,
    own: &str,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    let unknown = rows.iter().filter(|(_, e)| !is_known(e, held));
    let asked: Vec<_> = unknown
        .map(|(_, e)| (named(e, held), day(e.start)))
        .collect();
    let mut standing = persons::standing(tx, &asked, own).await?.into_iter();
    rows.retain(|row| {
        if is_known(&row.1, held) {
            return true;
        }
        match standing.next() {
            Some(Standing::OtherUln) => merged.refuse(row, Why::HeldUln),
            // What is held began anew after it.
            Some(Standing::Erased) if !held.contains_key(&row.1.spell) => {
                merged.erased.push(row.1.in_area);
            }
            _ => return true,
        }
        false
    });
    Ok(())
}

/// Stores what is new or different.
async fn store(
    tx: &mut SqliteConnection,
    rows: &[Line],
    held: &HashMap<Pseudonym, Held>,
    doubtful: &HashSet<Pseudonym>,
    by: &By,
    done: &mut Upserted,
) -> Result<(), StoreError> {
    let mut stored = Vec::with_capacity(rows.len());
    let mut changes = Vec::new();
    for (_, enrolment) in rows {
        match held.get(&enrolment.spell) {
            Some(before) if before.enrolment == *enrolment => done.unchanged += 1,
            // Nothing of the record changed: its provider sees how it calls the learner.
            Some(before) if before.enrolment.agrees_with(enrolment) => {
                done.unchanged += 1;
                done.referred += u64::from(before.enrolment.own_reference.is_none());
                stored.push((enrolment, !before.fixed));
            }
            Some(before) => {
                let is_new = before.enrolment.own_reference.is_none();
                done.referred += u64::from(is_new && enrolment.own_reference.is_some());
                done.changed += 1;
                done.taken_back += taken_back(&before.enrolment, enrolment);
                changes.extend(changes::between(before.id, &before.enrolment, enrolment));
                stored.push((enrolment, !before.fixed));
            }
            None => {
                done.added += 1;
                done.referred += u64::from(enrolment.own_reference.is_some());
                // Nothing is decided yet about those that wait.
                stored.push((enrolment, !doubtful.contains(&enrolment.spell)));
            }
        }
    }
    if !stored.is_empty() {
        let entering = entering(tx, &stored).await?;
        put(tx, &stored, &entering).await?;
    }
    note(tx, &changes, by).await
}

/// Writes changes into the history.
async fn note(tx: &mut SqliteConnection, changes: &[Change], by: &By) -> Result<(), StoreError> {
    history::record(tx, by.at, &by.who, Kind::Enrolment, changes).await
}

/// Writes enrolment `id` anew as it was corrected, under another key where the one that it is known by changed.
pub(crate) async fn revise(
    tx: &mut SqliteConnection,
    id: i64,
    after: &Enrolment,
    by: &By,
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE id = ");
    sql.push_bind(id);
    let before = held(&mut *tx, sql).await?.pop();
    let before = before.ok_or(sqlx::Error::RowNotFound)?;
    if before.enrolment.spell != after.spell {
        again::rekey(tx, id, &after.spell).await?;
    }
    let rows = [(after, !before.fixed)];
    let entering = entering(tx, &rows).await?;
    put(tx, &rows, &entering).await?;
    note(tx, &changes::between(id, &before.enrolment, after), by).await
}

/// `enters` of each row; meaningless for rows whose flag says that it is not open any more.
pub(super) async fn entering(
    tx: &mut SqliteConnection,
    rows: &[(&Enrolment, bool)],
) -> Result<Vec<bool>, StoreError> {
    let candidates = || rows.iter().filter(|(e, open)| *open && e.in_area);
    let mut entered: HashMap<Vec<u8>, i64> = HashMap::new();
    let mut erased = HashSet::new();
    if candidates().next().is_some() {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "SELECT learner, count(*) FROM enrolments WHERE (enters = 1 OR counted != 0) AND learner IN (",
        );
        list(&mut sql, candidates().map(|(e, _)| &e.learner));
        // Those that are decided again must not stand in their own way.
        sql.push(" AND spell NOT IN (");
        list(
            &mut sql,
            rows.iter().filter(|(_, open)| *open).map(|(e, _)| &e.spell),
        );
        sql.push(" GROUP BY learner");
        let counts: Vec<(Vec<u8>, i64)> = sql.build_query_as().fetch_all(&mut *tx).await?;
        entered.extend(counts);
        erased = persons::erased(tx, candidates().map(|(e, _)| &e.learner)).await?;
    }
    Ok(rows
        .iter()
        .map(|(e, open)| {
            if !*open || !e.in_area || erased.contains(&ident(&e.learner)) {
                return false;
            }
            let count = entered.entry(e.learner.to_vec()).or_default();
            *count += 1;
            *count <= PER_LEARNER
        })
        .collect())
}

async fn put(
    tx: &mut SqliteConnection,
    rows: &[(&Enrolment, bool)],
    entering: &[bool],
) -> Result<(), StoreError> {
    // SQLite gives the number after the highest that is there, and that may be the one of somebody who was erased.
    let mut next: Option<i64> = sqlx::query_scalar(
        "SELECT last + 1 FROM numbers_gone WHERE last > coalesce((SELECT max(id) FROM enrolments), 0)",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let mut sql = QueryBuilder::<Sqlite>::new(
        "INSERT INTO enrolments (id, spell, learner, reference, provider, aim, programme, district, in_area, enters, \
         skill, mode, age, sex, ethnicity, disability, prior, start_day, planned_end_day, end_day, stage, \
         destination_3m, destination_6m, destination_12m, confidence, everyday, confidence_before, everyday_before, own_reference) ",
    );
    sql.push_values(rows.iter().zip(entering), |mut row, ((e, _), enters)| {
        row.push_bind(next)
            .push_bind(e.spell.to_vec())
            .push_bind(e.learner.to_vec())
            .push_bind(e.reference)
            .push_bind(e.provider.clone())
            .push_bind(e.aim.clone())
            .push_bind(e.programme)
            .push_bind(e.district.clone())
            .push_bind(e.in_area)
            .push_bind(*enters)
            .push_bind(e.skill)
            .push_bind(e.mode)
            .push_bind(e.age)
            .push_bind(e.sex)
            .push_bind(e.ethnicity)
            .push_bind(e.disability)
            .push_bind(e.prior)
            .push_bind(day(e.start))
            .push_bind(e.planned_end.map(day))
            .push_bind(e.end.map(day))
            .push_bind(e.stage)
            .push_bind(e.destinations[0])
            .push_bind(e.destinations[1])
            .push_bind(e.destinations[2])
            .push_bind(e.confidence)
            .push_bind(e.everyday)
            .push_bind(e.begun.confidence)
            .push_bind(e.begun.everyday)
            .push_bind(e.own_reference.clone());
        next = next.map(|next| next + 1);
    });
    // Not: spell (what is matched), counted (what has been published), nor enters once something was counted.
    sql.push(
        " ON CONFLICT (spell) DO UPDATE SET learner = excluded.learner, reference = excluded.reference, \
         enters = CASE WHEN ",
    );
    sql.push(FIXED).push(
        " THEN enters ELSE excluded.enters END, provider = excluded.provider, aim = excluded.aim, \
         programme = excluded.programme, district = excluded.district, in_area = excluded.in_area, \
         skill = excluded.skill, mode = excluded.mode, age = excluded.age, sex = excluded.sex, \
         ethnicity = excluded.ethnicity, disability = excluded.disability, prior = excluded.prior, \
         start_day = excluded.start_day, planned_end_day = excluded.planned_end_day, \
         end_day = excluded.end_day, stage = excluded.stage, destination_3m = excluded.destination_3m, \
         destination_6m = excluded.destination_6m, destination_12m = excluded.destination_12m, \
         confidence = excluded.confidence, everyday = excluded.everyday, confidence_before = excluded.confidence_before, \
         everyday_before = excluded.everyday_before, own_reference = excluded.own_reference, version = version + 1",
    );
    sql.build().execute(tx).await?;
    Ok(())
}
