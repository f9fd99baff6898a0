//! Whose enrolments are whose, where one number leads to those of several ULNs. For counting, whatever was ever named together is one person and
//! stays one ([`super::persons`]): that is the safe side there. For what somebody may see or have erased it is not: a ULN that a provider
//! typed wrong and corrected ties a stranger to its learner.
//!
//! An enrolment's key is made of the number by which its latest file named the learner, so it tells under which of several ULNs it came.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::Pseudonym;
use super::persons::{Known, ident};
use crate::import::pseudonym::PseudonymKey;
use crate::store::StoreError;
use crate::store::providers::{self, folded};

/// An enrolment of a person.
pub(crate) struct Row {
    id: i64,
    spell: Pseudonym,
    reference: Option<i64>,
    /// The training provider.
    pub(crate) provider: String,
    /// Days since 1970-01-01.
    pub(crate) start: i64,
}

/// The enrolments that came under one ULN.
pub(crate) struct Part {
    /// `None`: they came under a provider's reference alone.
    pub(crate) uln: Option<Pseudonym>,
    /// By start.
    pub(crate) rows: Vec<Row>,
}

impl Part {
    /// What the part is asked for by: a keyed number, or `reference`.
    pub(crate) fn name(&self) -> String {
        match &self.uln {
            Some(uln) => format!("{:016x}", ident(uln).cast_unsigned()),
            None => "reference".to_owned(),
        }
    }

    /// Whether any number of it is one of these.
    pub(crate) fn is_of(&self, idents: &BTreeMap<i64, i64>) -> bool {
        match &self.uln {
            Some(uln) => idents.contains_key(&ident(uln)),
            None => self.references().any(|r| idents.contains_key(&r)),
        }
    }

    fn references(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().filter_map(|row| row.reference)
    }

    /// What its rows bear when they are told apart.
    fn learner(&self, row: &Row) -> Pseudonym {
        let mut learner = row.spell;
        if let Some(uln) = &self.uln {
            return *uln;
        }
        if let Some(reference) = row.reference {
            // The first eight bytes are what tells learners apart.
            learner = [0; 16];
            learner[..8].copy_from_slice(&reference.to_be_bytes());
        }
        learner
    }
}

/// The parts of what is held of a person, where there is more than one ULN in it; else none. `asked`: the number that somebody is asked for by.
pub(crate) async fn parts(
    connection: &mut SqliteConnection,
    key: &PseudonymKey,
    person: &Known,
    asked: Option<Pseudonym>,
) -> Result<Vec<Part>, StoreError> {
    let roots = providers::roots(&mut *connection).await?;
    let mut ulns: BTreeSet<Pseudonym> = person.learners.iter().copied().chain(asked).collect();
    let mut named: Vec<(Row, String)> = Vec::new();
    for learner in &person.learners {
        let others: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT uln FROM identities WHERE learner = $1 AND uln IS NOT NULL")
                .bind(&learner[..])
                .fetch_all(&mut *connection)
                .await?;
        ulns.extend(
            others
                .into_iter()
                .filter_map(|uln| Pseudonym::try_from(uln).ok()),
        );
        type Columns = (i64, Vec<u8>, Option<i64>, String, i64, String);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, spell, reference, provider, start_day, aim FROM enrolments WHERE learner = $1",
        )
        .bind(&learner[..])
        .fetch_all(&mut *connection)
        .await?;
        for (id, spell, reference, provider, start, aim) in rows {
            let spell = spell.try_into().map_err(|_| StoreError::Corrupt {
                table: "enrolments",
                column: "spell",
                row: "(not shown)".to_owned(),
            })?;
            let row = Row {
                id,
                spell,
                reference,
                provider,
                start,
            };
            named.push((row, aim));
        }
    }
    named.sort_by_key(|(row, _)| (row.start, row.id));
    let references: BTreeSet<i64> = named.iter().filter_map(|(r, _)| r.reference).collect();
    ulns.retain(|uln| !references.contains(&ident(uln)));
    let mut by_uln: BTreeMap<Option<Pseudonym>, Vec<Row>> = BTreeMap::new();
    for (row, aim) in named {
        let root = roots.of(&row.provider);
        let came_by =
            |uln: &&Pseudonym| key.of_enrolment(&root, uln, &folded(&aim), row.start) == row.spell;
        let uln = ulns.iter().find(came_by).copied();
        by_uln.entry(uln).or_default().push(row);
    }
    Ok(sorted(by_uln))
}

/// What came under a reference alone goes with the one ULN under which the same reference came, where there is one.
fn sorted(mut by_uln: BTreeMap<Option<Pseudonym>, Vec<Row>>) -> Vec<Part> {
    let alone = by_uln.remove(&None).unwrap_or_default();
    if by_uln.len() < 2 {
        return Vec::new();
    }
    let mut left = Vec::new();
    for row in alone {
        let mut same = by_uln
            .values_mut()
            .filter(|rows| rows.iter().any(|r| r.reference == row.reference));
        match (row.reference, same.next(), same.next()) {
            (Some(_), Some(rows), None) => rows.push(row),
            _ => left.push(row),
        }
    }
    let mut parts: Vec<Part> = by_uln
        .into_iter()
        .map(|(uln, rows)| Part { uln, rows })
        .collect();
    if !left.is_empty() {
        parts.push(Part {
            uln: None,
            rows: left,
        });
    }
    parts
}

/// Makes several people of one: those parts that `is_chosen` names become one set of learners, which it gives, and everything else another one. What
/// a part has entered so far stays entered.
pub(crate) async fn tell_apart(
    tx: &mut SqliteConnection,
    person: &Known,
    parts: &[Part],
    is_chosen: impl Fn(&Part) -> bool,
) -> Result<Vec<Pseudonym>, StoreError> {
    let mut chosen = BTreeSet::new();
    let others = parts.iter().filter(|part| !is_chosen(part));
    let shared: BTreeSet<i64> = others.flat_map(Part::references).collect();
    for part in parts {
        let is_chosen = is_chosen(part);
        for row in &part.rows {
            let learner = part.learner(row);
            let shares = row.reference.is_some_and(|r| shared.contains(&r));
            // A reference that both bear would tie them together again: it stays with the others.
            sqlx::query(
                "UPDATE enrolments SET learner = $1, reference = CASE WHEN $2 THEN NULL ELSE reference END WHERE id = $3",
            )
            .bind(&learner[..])
            .bind(is_chosen && shares)
            .bind(row.id)
            .execute(&mut *tx)
            .await?;
            if is_chosen {
                chosen.insert(learner);
            }
        }
    }
    let borne = parts.iter().filter_map(|part| part.uln.as_ref().map(ident));
    for ident in borne.chain(shared.iter().copied()) {
        sqlx::query("DELETE FROM identities WHERE ident = $1")
            .bind(ident)
            .execute(&mut *tx)
            .await?;
    }
    // Former numbers of which nothing tells whose they were go with those who are asked for: what is erased must not come back by them.
    if let Some(first) = chosen.first() {
        for learner in person.learners.iter().filter(|l| !chosen.contains(*l)) {
            sqlx::query("UPDATE identities SET learner = $1 WHERE learner = $2")
                .bind(&first[..])
                .bind(&learner[..])
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(chosen.into_iter().collect())
}
