//! Whose enrolments are whose, where one number leads to those of several ULNs, or a provider's reference to those of other providers. For counting, whatever was ever named together is one person and
//! stays one ([`super::persons`]): that is the safe side there. For what somebody may see or have erased it is not: a ULN that a provider
//! typed wrong and corrected ties a stranger to its learner, and one that is still wrong ties what one provider holds to another's learner.
//!
//! An enrolment's key is made of the number by which its latest file named the learner, so it tells under which of several ULNs it came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// By which number parts are looked for.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Somebody is asked for by this one.
    Asked(Pseudonym),
    /// These were erased, each with the day.
    Erased(&'a BTreeMap<i64, i64>),
}

impl By<'_> {
    /// Whether it is a provider's reference by which the row is meant, and not the ULN under which it came.
    fn is_reference_of(self, row: &Row, uln: Option<&Pseudonym>) -> bool {
        match self {
            Self::Asked(asked) => row.reference == Some(ident(&asked)),
            Self::Erased(erased) => {
                let is_erased = |number: i64| erased.contains_key(&number);
                row.reference.is_some_and(is_erased) && !uln.map(ident).is_some_and(is_erased)
            }
        }
    }
}

/// The enrolments that came under one ULN.
pub(crate) struct Part {
    /// `None`: they came under a provider's reference alone, or are looked for by it.
    pub(crate) uln: Option<Pseudonym>,
    /// Whether they are those of the provider by whose reference they are looked for, where others gave the same ULN.
    pub(crate) own: bool,
    /// By start.
    pub(crate) rows: Vec<Row>,
}

impl Part {
    /// What the part is asked for by: a keyed number, `reference` or `provider`.
    pub(crate) fn name(&self) -> String {
        match &self.uln {
            Some(uln) => format!("{:016x}", ident(uln).cast_unsigned()),
            None if self.own => "provider".to_owned(),
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

/// The parts of what is held of a person, where there is more than one: several ULNs, or by a provider's reference also what others gave under
/// the same ULN; else none.
pub(crate) async fn parts(
    connection: &mut SqliteConnection,
    key: &PseudonymKey,
    person: &Known,
    by: By<'_>,
) -> Result<Vec<Part>, StoreError> {
    let roots = providers::roots(&mut *connection).await?;
    let mut ulns: BTreeSet<Pseudonym> = person.learners.iter().copied().collect();
    if let By::Asked(asked) = by {
        ulns.insert(asked);
    }
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
    let parts = of_own(sorted(by_uln), by, |provider| roots.of(provider));
    Ok(if parts.len() < 2 { Vec::new() } else { parts })
}

/// By a provider's reference its own rows are meant: what another provider gave under the same ULN may be a stranger's, whom one wrong digit made
/// the same person. That is a part of its own.
fn of_own(parts: Vec<Part>, by: By<'_>, root: impl Fn(&str) -> Arc<str>) -> Vec<Part> {
    let mut own = Vec::new();
    let mut all = Vec::new();
    for mut part in parts {
        let uln = part.uln;
        let meant = part
            .rows
            .iter()
            .filter(|row| by.is_reference_of(row, uln.as_ref()));
        let roots: BTreeSet<Arc<str>> = meant.map(|row| root(&row.provider)).collect();
        let is_own = |row: &Row| roots.contains(&root(&row.provider));
        if uln.is_none() || roots.is_empty() || part.rows.iter().all(is_own) {
            all.push(part);
            continue;
        }
        let (its, others): (Vec<Row>, Vec<Row>) = part.rows.into_iter().partition(is_own);
        own.extend(its);
        part.rows = others;
        all.push(part);
    }
    if !own.is_empty() {
        own.sort_by_key(|row| (row.start, row.id));
        let part = Part {
            uln: None,
            own: true,
            rows: own,
        };
        all.insert(0, part);
    }
    all
}

/// What came under a reference alone goes with the one ULN under which the same reference came, where there is one.
fn sorted(mut by_uln: BTreeMap<Option<Pseudonym>, Vec<Row>>) -> Vec<Part> {
    let mut alone = by_uln.remove(&None).unwrap_or_default();
    if by_uln.len() == 1 {
        // One learner, as far as anything tells.
        by_uln.values_mut().for_each(|rows| rows.append(&mut alone));
        return by_uln.into_iter().map(one).collect();
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
    let mut parts: Vec<Part> = by_uln.into_iter().map(one).collect();
    if !left.is_empty() {
        parts.push(one((None, left)));
    }
    parts
}

fn one((uln, rows): (Option<Pseudonym>, Vec<Row>)) -> Part {
    Part {
        uln,
        own: false,
        rows,
    }
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
                "UPDATE enrolments SET learner = $1, reference = CASE WHEN $2 THEN NULL ELSE reference END, \
                 own_reference = CASE WHEN $2 THEN NULL ELSE own_reference END WHERE id = $3",
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
