//! One learner under several pseudonyms. A learner is known by the ULN and, at each provider, by the provider's reference; a ULN may be
//! issued late, be left out again or be corrected. Whatever a row names together belongs to one person, and all of a person's rows
//! bear the same `learner`: what is counted per learner is counted per person.
//!
//! Two people are never told apart again: that could only let more of somebody's enrolments be counted.

mod brought;

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{PER_LEARNER, Pseudonym};
use crate::store::StoreError;
pub(crate) use brought::{Standing, at_provider, standing};

/// A pseudonym's first eight bytes, which tell learners apart as well: of ten million, two agree by chance once in 400,000 nodes.
pub(crate) fn ident(pseudonym: &Pseudonym) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&pseudonym[..8]);
    i64::from_be_bytes(first)
}

/// Identifiers asked for at a time.
const ASKED: usize = 500;

/// By what a row names its learner.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    /// The pseudonym of the ULN, else of the reference.
    pub(crate) learner: Pseudonym,
    /// Of the provider's reference.
    pub(crate) reference: Option<i64>,
    /// Learner and reference of the same enrolment as it is held.
    pub(crate) held: Option<(Pseudonym, Option<i64>)>,
}

/// Who it is.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    /// What all of the person's rows bear.
    pub(crate) learner: Pseudonym,
    /// Day of the latest erasure, days since 1970-01-01.
    pub(crate) erased: Option<i64>,
}

/// Identifiers by the person that they belong to.
#[derive(Default)]
struct Groups {
    at: HashMap<i64, usize>,
    parent: Vec<usize>,
    /// Learners that rows in the store bear.
    held: HashMap<i64, Pseudonym>,
    /// Identifiers and learners to be asked for.
    open: Vec<i64>,
    learners: Vec<Pseudonym>,
    asked: HashSet<Pseudonym>,
}

impl Groups {
    fn place(&mut self, ident: i64) -> usize {
        let next = self.parent.len();
        let at = *self.at.entry(ident).or_insert(next);
        if at == next {
            self.parent.push(next);
            self.open.push(ident);
        }
        at
    }

    fn root(&mut self, ident: i64) -> usize {
        let mut at = self.place(ident);
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, one: i64, other: i64) {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[one.max(other)] = one.min(other);
    }

    fn learner(&mut self, learner: &Pseudonym) -> i64 {
        let ident = ident(learner);
        self.place(ident);
        if self.asked.insert(*learner) {
            self.learners.push(*learner);
        }
        ident
    }

    fn hold(&mut self, learner: Pseudonym, other: Option<i64>) {
        let ident = self.learner(&learner);
        self.held.insert(ident, learner);
        if let Some(other) = other {
            self.join(ident, other);
        }
    }

    /// Follows every tie that the store knows.
    async fn follow(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        while !(self.open.is_empty() && self.learners.is_empty()) {
            let (idents, learners) = (
                std::mem::take(&mut self.open),
                std::mem::take(&mut self.learners),
            );
            for learners in learners.chunks(ASKED) {
                let mut sql = QueryBuilder::<Sqlite>::new(
                    "SELECT DISTINCT learner, reference FROM enrolments WHERE learner IN (",
                );
                super::merge::list(&mut sql, learners.iter());
                self.found(connection, sql).await?;
            }
            for idents in idents.chunks(ASKED) {
                let mut sql = QueryBuilder::<Sqlite>::new(
                    "SELECT DISTINCT learner, reference FROM enrolments WHERE reference IN (",
                );
                numbers(&mut sql, idents);
                sql.push(" UNION SELECT learner, ident FROM identities WHERE ident IN (");
                numbers(&mut sql, idents);
                self.found(connection, sql).await?;
            }
        }
        Ok(())
    }

    async fn found(
        &mut self,
        connection: &mut SqliteConnection,
        mut sql: QueryBuilder<Sqlite>,
    ) -> Result<(), StoreError> {
        let rows: Vec<(Vec<u8>, Option<i64>)> = sql.build_query_as().fetch_all(connection).await?;
        for (learner, reference) in rows {
            let learner = learner.try_into().map_err(|_| StoreError::Corrupt {
                table: "enrolments",
                column: "learner",
                row: "(not shown)".to_owned(),
            })?;
            self.hold(learner, reference);
        }
        Ok(())
    }

    /// Day of the latest erasure by person.
    async fn erased(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<usize, i64>, StoreError> {
        let idents: Vec<i64> = self.at.keys().copied().collect();
        let mut days = HashMap::new();
        for idents in idents.chunks(ASKED) {
            let mut sql =
                QueryBuilder::<Sqlite>::new("SELECT ident, day FROM erased WHERE ident IN (");
            numbers(&mut sql, idents);
            let rows: Vec<(i64, i64)> = sql.build_query_as().fetch_all(&mut *connection).await?;
            for (ident, day) in rows {
                let latest = days.entry(self.root(ident)).or_insert(day);
                *latest = day.max(*latest);
            }
        }
        Ok(days)
    }
}

fn numbers(sql: &mut QueryBuilder<Sqlite>, numbers: &[i64]) {
    let mut list = sql.separated(", ");
    for number in numbers {
        list.push_bind(*number);
    }
    sql.push(")");
}

/// Finds who the learners of `rows` are, and ties together what the rows name together: all of a person's enrolments bear one
/// `learner` from then on, and no more of them enter than a learner's may. Gives the person of each row, and the learners who turned out
/// to be several of those that the store held.
pub(crate) async fn tie(
    tx: &mut SqliteConnection,
    rows: &[Named],
) -> Result<(Vec<Person>, Vec<Pseudonym>), StoreError> {
    let mut groups = Groups::default();
    for row in rows {
        let learner = groups.learner(&row.learner);
        if let Some(reference) = row.reference {
            groups.join(learner, reference);
        }
        if let Some((held, reference)) = row.held {
            groups.hold(held, reference);
            groups.join(learner, ident(&held));
        }
    }
    groups.follow(tx).await?;
    let erased = groups.erased(tx).await?;
    let borne = borne(&mut groups, rows);
    let mut merged = HashSet::new();
    for held in groups.held.clone().into_values() {
        let learner = borne[&groups.root(ident(&held))];
        if held != learner {
            adopt(tx, &held, &learner).await?;
            merged.insert(learner);
        }
    }
    let merged: Vec<Pseudonym> = merged.into_iter().collect();
    remember(tx, &mut groups, rows, &borne).await?;
    for merged in merged.chunks(ASKED) {
        cap(tx, Some(merged)).await?;
    }
    if !erased.is_empty() {
        bar(tx, &mut groups, &erased, &borne).await?;
    }
    let mut person = |row: &Named| {
        let root = groups.root(ident(&row.learner));
        Person {
            learner: borne[&root],
            erased: erased.get(&root).copied(),
        }
    };
    let persons = rows.iter().map(&mut person).collect();
    Ok((persons, merged))
}

/// What each person's rows are to bear: what rows bear already, else the first ULN, else the first reference.
fn borne(groups: &mut Groups, rows: &[Named]) -> HashMap<usize, Pseudonym> {
    let mut borne: HashMap<usize, Pseudonym> = HashMap::new();
    for held in groups.held.clone().into_values() {
        let learner = borne.entry(groups.root(ident(&held))).or_insert(held);
        *learner = held.min(*learner);
    }
    let by_uln = |row: &&Named| row.reference != Some(ident(&row.learner));
    let all = rows.iter().filter(by_uln).chain(rows);
    for row in all {
        let root = groups.root(ident(&row.learner));
        borne.entry(root).or_insert(row.learner);
    }
    borne
}

/// Gives the enrolments of `held` to `learner`.
async fn adopt(
    tx: &mut SqliteConnection,
    held: &Pseudonym,
    learner: &Pseudonym,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE enrolments SET learner = $1 WHERE learner = $2",
        "UPDATE identities SET learner = $1 WHERE learner = $2",
        // What no row bears as a reference is a ULN's.
        "INSERT INTO identities (ident, learner, uln) VALUES ($3, $1, CASE WHEN EXISTS (SELECT 1 FROM enrolments WHERE reference = $3) THEN NULL ELSE $2 END) \
         ON CONFLICT DO UPDATE SET learner = $1",
    ] {
        sqlx::query(sql)
            .bind(&learner[..])
            .bind(&held[..])
            .bind(ident(held))
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Keeps the ULNs' identifiers that no row will bear. A reference that another one replaces is kept by a trigger of the schema.
async fn remember(
    tx: &mut SqliteConnection,
    groups: &mut Groups,
    rows: &[Named],
    borne: &HashMap<usize, Pseudonym>,
) -> Result<(), StoreError> {
    let mut kept: HashSet<(Pseudonym, Pseudonym)> = HashSet::new();
    for row in rows {
        let learner = borne[&groups.root(ident(&row.learner))];
        let own = ident(&row.learner);
        if own != ident(&learner) && row.reference != Some(own) {
            kept.insert((row.learner, learner));
        }
    }
    let kept: Vec<_> = kept.into_iter().collect();
    for kept in kept.chunks(ASKED) {
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO identities (ident, learner, uln) ");
        sql.push_values(kept, |mut row, (uln, learner)| {
            row.push_bind(ident(uln))
                .push_bind(learner.to_vec())
                .push_bind(uln.to_vec());
        });
        sql.push(" ON CONFLICT DO UPDATE SET learner = excluded.learner, uln = excluded.uln");
        sql.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Whoever turns out to be somebody who was erased is not counted any more, under whatever name.
async fn bar(
    tx: &mut SqliteConnection,
    groups: &mut Groups,
    erased: &HashMap<usize, i64>,
    borne: &HashMap<usize, Pseudonym>,
) -> Result<(), StoreError> {
    let held: Vec<i64> = groups.held.keys().copied().collect();
    let held: HashSet<usize> = held.into_iter().map(|ident| groups.root(ident)).collect();
    for ident in groups.at.keys().copied().collect::<Vec<_>>() {
        let root = groups.root(ident);
        if let Some(day) = erased.get(&root) {
            bury(tx, ident, *day, held.contains(&root)).await?;
        }
    }
    for root in erased.keys() {
        if let Some(learner) = borne.get(root) {
            sqlx::query("UPDATE enrolments SET enters = 0 WHERE learner = $1 AND enters = 1")
                .bind(&learner[..])
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}

async fn bury(
    tx: &mut SqliteConnection,
    ident: i64,
    day: i64,
    kept: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO erased (ident, day, kept) VALUES ($1, $2, $3) ON CONFLICT DO UPDATE SET day = max(day, $2)",
    )
    .bind(ident)
    .bind(day)
    .bind(kept)
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of `learners` were erased.
pub(crate) async fn erased(
    connection: &mut SqliteConnection,
    learners: impl Iterator<Item = &Pseudonym>,
) -> Result<HashSet<i64>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT ident FROM erased WHERE ident IN (");
    numbers(&mut sql, &learners.map(ident).collect::<Vec<_>>());
    let idents: Vec<i64> = sql.build_query_scalar().fetch_all(connection).await?;
    Ok(idents.into_iter().collect())
}

/// Lets no more than two of a learner's enrolments enter: of `learners`, or of everybody. Those that something was counted of go first, then
/// those that the node learnt of first.
pub(crate) async fn cap(
    tx: &mut SqliteConnection,
    learners: Option<&[Pseudonym]>,
) -> Result<u64, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "UPDATE enrolments SET enters = 0 WHERE id IN (SELECT id FROM ( \
           SELECT id, enters, row_number() OVER (PARTITION BY learner ORDER BY (counted | withheld) = 0, enters = 0, id) AS place \
           FROM enrolments WHERE (enters = 1 OR counted != 0) AND learner IN (",
    );
    match learners {
        Some(learners) => super::merge::list(&mut sql, learners.iter()),
        // Answered from the index alone.
        None => {
            sql.push("SELECT learner FROM enrolments GROUP BY learner HAVING count(*) > ");
            sql.push_bind(PER_LEARNER);
            sql.push(" AND max(enters) = 1)");
        }
    }
    sql.push(") WHERE enters = 1 AND place > ");
    sql.push_bind(PER_LEARNER);
    sql.push(")");
    Ok(sql.build().execute(tx).await?.rows_affected())
}

/// A person as the store knows them.
#[derive(Default)]
pub(crate) struct Known {
    /// What the rows of the person bear; several before a file ties them together, none when nothing is held.
    pub(crate) learners: Vec<Pseudonym>,
    /// Every number by which the person is known.
    pub(crate) idents: Vec<i64>,
    /// Day of the latest erasure, days since 1970-01-01.
    pub(crate) erased: Option<i64>,
}

/// Finds everything that belongs to the person with these pseudonyms, or whose keyed numbers these are: what an erasure left behind.
pub(crate) async fn known(
    connection: &mut SqliteConnection,
    pseudonyms: &[Pseudonym],
    idents: &[i64],
) -> Result<Known, StoreError> {
    let mut groups = gathered(connection, pseudonyms, idents).await?;
    let erased = groups.erased(connection).await?.into_values().max();
    Ok(Known {
        learners: groups.held.into_values().collect(),
        idents: groups.at.into_keys().collect(),
        erased,
    })
}

/// The people whose keyed numbers these are, each for itself.
pub(crate) async fn known_each(
    connection: &mut SqliteConnection,
    idents: &[i64],
) -> Result<Vec<Known>, StoreError> {
    let mut groups = gathered(connection, &[], idents).await?;
    let erased = groups.erased(connection).await?;
    let mut people: HashMap<usize, Known> = HashMap::new();
    for ident in groups.at.keys().copied().collect::<Vec<_>>() {
        let root = groups.root(ident);
        let person = people.entry(root).or_insert_with(|| Known {
            learners: Vec::new(),
            idents: Vec::new(),
            erased: erased.get(&root).copied(),
        });
        person.learners.extend(groups.held.get(&ident));
        person.idents.push(ident);
    }
    Ok(people.into_values().collect())
}

async fn gathered(
    connection: &mut SqliteConnection,
    pseudonyms: &[Pseudonym],
    idents: &[i64],
) -> Result<Groups, StoreError> {
    let mut groups = Groups::default();
    for pseudonym in pseudonyms {
        groups.learner(pseudonym);
    }
    for ident in idents {
        groups.place(*ident);
        let [low, high] = bounds(*ident);
        let sql = "SELECT DISTINCT learner, NULL FROM enrolments WHERE learner BETWEEN ";
        let mut sql = QueryBuilder::<Sqlite>::new(sql);
        sql.push_bind(low.to_vec())
            .push(" AND ")
            .push_bind(high.to_vec());
        groups.found(connection, sql).await?;
    }
    groups.follow(connection).await?;
    Ok(groups)
}

/// The lowest and the highest pseudonym with these first eight bytes.
fn bounds(ident: i64) -> [Pseudonym; 2] {
    [0, 0xff].map(|rest| {
        let mut whole = [rest; 16];
        whole[..8].copy_from_slice(&ident.to_be_bytes());
        whole
    })
}
