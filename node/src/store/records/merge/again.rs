//! The same enrolment under another key. A ULN that is issued, a reference that is filled in, a provider that renames itself: the row's key is
//! another one, and person, provider, aim and start tell that it is held.

use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::changes::between;
use super::{Held, Line, Merged, Merging, Why, doubts, entering, held, list, note, put};
use crate::store::providers::Roots;
use crate::store::records::silent::taken_back;
use crate::store::records::{Enrolment, Pseudonym};
use crate::store::{StoreError, ilr};

/// How two enrolments of one learner agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// They are the same one.
    Same,
    /// Provider and aim agree, and they would overlap: nobody takes an aim twice at a time.
    Overlapping,
    /// Provider and either aim or start agree.
    Near,
    No,
}

pub(super) fn alike(one: &Enrolment, other: &Enrolment, roots: &Roots) -> Alike {
    // Most providers are written in one way.
    if one.provider != other.provider && roots.of(&one.provider) != roots.of(&other.provider) {
        return Alike::No;
    }
    let until = |e: &Enrolment| e.end.or(e.planned_end);
    let before = |a: &Enrolment, b: &Enrolment| until(a).is_some_and(|end| end < b.start);
    match (
        one.aim.eq_ignore_ascii_case(&other.aim),
        one.start == other.start,
    ) {
        (true, true) => Alike::Same,
        (true, false) if !before(one, other) && !before(other, one) => Alike::Overlapping,
        (false, false) => Alike::No,
        _ => Alike::Near,
    }
}

/// Finds the rows of a batch that are held under another key, gives what is held their key and adds it to `held`. A row that names an enrolment
/// which the file named before is taken out; one that is like a held enrolment which the file has not named is noted as doubtful.
pub(super) async fn find(
    tx: &mut SqliteConnection,
    rows: &mut Vec<Line>,
    known: &mut HashMap<Pseudonym, Held>,
    of_file: &Merging,
    merged: &mut Merged,
) -> Result<HashSet<Pseudonym>, StoreError> {
    let mut doubtful = HashSet::new();
    let roots = &of_file.roots;
    let new = || rows.iter().filter(|(_, e)| !known.contains_key(&e.spell));
    if new().next().is_none() {
        return Ok(doubtful);
    }
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE learner IN (");
    list(&mut sql, new().map(|(_, e)| &e.learner));
    let mut by_learner: HashMap<Pseudonym, Vec<Held>> = HashMap::new();
    for held in held(&mut *tx, sql).await? {
        let of = by_learner.entry(held.enrolment.learner).or_default();
        of.push(held);
    }
    let keys = by_learner.values().flatten().map(|h| h.enrolment.spell);
    let named = lines(tx, &keys.collect::<Vec<_>>()).await?;
    let told_later = match of_file.year {
        None => HashSet::new(),
        Some(year) => {
            let ids = by_learner.values().flatten().map(|held| held.id);
            ilr::told_later(tx, year, ids).await?
        }
    };
    let mut first: HashMap<Pseudonym, Vec<(u64, Enrolment)>> = HashMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    for (line, mut row) in std::mem::take(rows) {
        if known.contains_key(&row.spell) {
            kept.push((line, row));
            continue;
        }
        let of = by_learner.entry(row.learner).or_default();
        let same = of
            .iter()
            .position(|h| alike(&h.enrolment, &row, roots) == Alike::Same);
        let earlier = first.entry(row.learner).or_default();
        let repeated = earlier
            .iter()
            .find(|(_, e)| alike(e, &row, roots) == Alike::Same)
            .map(|(line, _)| *line)
            .or_else(|| named.get(&of.get(same?)?.enrolment.spell).copied());
        if let Some(first) = repeated {
            merged.refuse(&(line, row), Why::Repeated(first));
            continue;
        }
        earlier.push((line, row.clone()));
        match same {
            // Its ULN came in between: an older file leaves it as it is, and under its newer key.
            Some(at) if told_later.contains(&of[at].id) => {
                merged.later += 1;
                continue;
            }
            Some(at) => {
                let mut held = of.swap_remove(at);
                rekey(tx, held.id, &row.spell).await?;
                held.enrolment.spell = row.spell;
                row.keep_reference(&held.enrolment);
                of_file.fill(&mut row, &held.enrolment);
                merged.done.carried += u64::from(!row.agrees_with(&held.enrolment));
                known.insert(row.spell, held);
            }
            None => {
                let near = |h: &&Held| {
                    !named.contains_key(&h.enrolment.spell)
                        && of_file.tells_of(&h.enrolment)
                        && alike(&h.enrolment, &row, roots) != Alike::No
                };
                if of.iter().any(|h| near(&h)) {
                    doubts::note(tx, line, &row.spell).await?;
                    doubtful.insert(row.spell);
                }
            }
        }
        kept.push((line, row));
    }
    *rows = kept;
    Ok(doubtful)
}

/// Looks at learners who turned out to be one: enrolments that turn out to be the same one become one row, with all that was counted of
/// them; what the file added of them before may be a corrected one and waits with the doubtful rows.
pub(super) async fn unite(
    tx: &mut SqliteConnection,
    learners: &[Pseudonym],
    of: &Merging,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    for learners in learners.chunks(500) {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE learner IN (");
        list(&mut sql, learners.iter());
        sql.push(" ORDER BY learner, (counted | withheld) = 0, id");
        let rows = held(&mut *tx, sql).await?;
        let keys: Vec<_> = rows.iter().map(|h| h.enrolment.spell).collect();
        let named = lines(tx, &keys).await?;
        let mut kept: Vec<Held> = Vec::with_capacity(rows.len());
        for row in rows {
            // What the file does not name is not its to take away: two learners of another provider may have been tied together by it.
            let names = |held: &Held| named.contains_key(&held.enrolment.spell);
            let same = kept.iter_mut().find(|k| {
                (names(k) || names(&row))
                    && k.enrolment.learner == row.enrolment.learner
                    && alike(&k.enrolment, &row.enrolment, &of.roots) == Alike::Same
            });
            match same {
                Some(kept) => absorb(tx, kept, row, &named, of, merged).await?,
                None => kept.push(row),
            }
        }
        for row in kept.iter().filter(|row| row.id > of.last) {
            if let Some(line) = named.get(&row.enrolment.spell) {
                doubts::note(tx, *line, &row.enrolment.spell).await?;
            }
        }
    }
    Ok(())
}

/// Makes `row` part of `kept`. Where the file has named `row` alone, its key and codes are the newer ones; where it has named both, the
/// later line repeats the earlier one.
async fn absorb(
    tx: &mut SqliteConnection,
    kept: &mut Held,
    row: Held,
    named: &HashMap<Pseudonym, u64>,
    of: &Merging,
    merged: &mut Merged,
) -> Result<(), StoreError> {
    let last = of.last;
    let (ours, theirs) = (
        named.get(&kept.enrolment.spell).copied(),
        named.get(&row.enrolment.spell).copied(),
    );
    // How it was described when it was counted goes with what was counted.
    sqlx::query(
        "UPDATE enrolments AS k SET counted = k.counted | o.counted, withheld = k.withheld | o.withheld, \
         tier = coalesce(k.tier, CASE WHEN k.programme = o.programme THEN o.tier END), \
         type = coalesce(k.type, CASE WHEN k.programme = o.programme THEN o.type END), \
         audience = coalesce(k.audience, CASE WHEN k.programme = o.programme THEN o.audience END), \
         cohort = coalesce(k.cohort, o.cohort), employer = coalesce(k.employer, o.employer), \
         destination_3m = coalesce(k.destination_3m, CASE WHEN k.end_day = o.end_day THEN o.destination_3m END), \
         destination_6m = coalesce(k.destination_6m, CASE WHEN k.end_day = o.end_day THEN o.destination_6m END), \
         destination_12m = coalesce(k.destination_12m, CASE WHEN k.end_day = o.end_day THEN o.destination_12m END), \
         confidence = coalesce(k.confidence, o.confidence), everyday = coalesce(k.everyday, o.everyday), \
         confidence_before = CASE WHEN coalesce(k.confidence, o.confidence) IS NULL THEN coalesce(k.confidence_before, o.confidence_before) END, \
         everyday_before = CASE WHEN coalesce(k.everyday, o.everyday) IS NULL THEN coalesce(k.everyday_before, o.everyday_before) END, \
         brought = max(k.brought, o.brought) \
         FROM enrolments AS o WHERE k.id = $1 AND o.id = $2",
    )
        .bind(kept.id)
        .bind(row.id)
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM enrolments WHERE id = $1")
        .bind(row.id)
        .execute(&mut *tx)
        .await?;
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if row.id > last => {
            merged.withdrawn += 1;
            let later = (ours.max(theirs), row.enrolment);
            merged.refuse(&later, Why::Repeated(ours.min(theirs)));
        }
        (None, Some(_)) => {
            merged.withdrawn += u64::from(row.id > last);
            merged.done.changed += u64::from(row.id > last);
            rekey(tx, kept.id, &row.enrolment.spell).await?;
            let mut now = row.enrolment;
            of.fill(&mut now, &kept.enrolment);
            merged.done.taken_back += taken_back(&kept.enrolment, &now);
            let rows = [(&now, !kept.fixed)];
            let entering = entering(tx, &rows).await?;
            put(tx, &rows, &entering).await?;
            note(tx, &between(kept.id, &kept.enrolment, &now), &of.by).await?;
            kept.enrolment = now;
        }
        _ => {}
    }
    Ok(())
}

/// Enrolments of a learner that repeat an earlier row's, each with the earlier id.
pub(in crate::store::records) async fn repeated(
    tx: &mut SqliteConnection,
    learner: &Pseudonym,
    roots: &Roots,
) -> Result<Vec<(Held, i64)>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM enrolments WHERE learner = ");
    sql.push_bind(learner.to_vec()).push(" ORDER BY id");
    let mut firsts: Vec<Held> = Vec::new();
    let mut repeated = Vec::new();
    for row in held(tx, sql).await? {
        let same = |e: &&Held| alike(&e.enrolment, &row.enrolment, roots) == Alike::Same;
        match firsts.iter().find(same).map(|first| first.id) {
            Some(first) => repeated.push((row, first)),
            None => firsts.push(row),
        }
    }
    Ok(repeated)
}

/// The lines in which the file has named enrolments so far.
async fn lines(
    tx: &mut SqliteConnection,
    keys: &[Pseudonym],
) -> Result<HashMap<Pseudonym, u64>, StoreError> {
    let mut lines = HashMap::new();
    for keys in keys.chunks(1_000) {
        let mut sql =
            QueryBuilder::<Sqlite>::new("SELECT spell, line FROM temp.seen WHERE spell IN (");
        list(&mut sql, keys.iter());
        let rows: Vec<(Vec<u8>, i64)> = sql.build_query_as().fetch_all(&mut *tx).await?;
        for (spell, line) in rows {
            if let Ok(spell) = spell.try_into() {
                lines.insert(spell, u64::try_from(line).unwrap_or(0));
            }
        }
    }
    Ok(lines)
}

/// Gives a held enrolment another key.
pub(super) async fn rekey(
    tx: &mut SqliteConnection,
    id: i64,
    key: &Pseudonym,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE enrolments SET spell = $1 WHERE id = $2")
        .bind(&key[..])
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
