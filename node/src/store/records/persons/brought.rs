//! Who the learners of a provider's own rows may turn out to be. A provider brings rows without anybody reading them, so they must neither tell
//! it what the node holds of other providers' learners nor change it:
//!
//! - whether somebody was erased is told to a provider whose own records went, and to no other one. Elsewhere the row is taken as a new one,
//!   which is never counted;
//! - a reference that stands for a learner with one ULN is not given another one: two people would be tied together, for every provider and
//!   for ever.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{ASKED, Groups, Named, ident, numbers};
use crate::store::StoreError;

/// The number under which `erased` keeps that records of a provider, by its first name, were erased of the learner with this number. Who
/// knows the number and the name finds it; it tells neither.
pub(crate) fn at_provider(ident: i64, root: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(b"ldsp-node erased at v1");
    hash.update(ident.to_be_bytes());
    hash.update(root.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    i64::from_be_bytes(first)
}

/// What is to be done with a row that a provider brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is taken.
    Taken,
    /// Its learner's records at this very provider were erased.
    Erased,
    /// Its reference stands for a learner with another ULN.
    OtherUln,
}

/// How rows of the provider with the first name `root` stand, each with its first day (since 1970-01-01). Nothing is tied together.
pub(crate) async fn standing(
    connection: &mut SqliteConnection,
    rows: &[(Named, i64)],
    root: &str,
) -> Result<Vec<Standing>, StoreError> {
    let mut groups = Groups::default();
    let mut asked = Vec::new();
    for (row, _) in rows {
        let idents = [Some(ident(&row.learner)), row.reference];
        for ident in idents.into_iter().flatten() {
            asked.extend([ident, at_provider(ident, root)]);
        }
        if let Some(reference) = row.reference {
            groups.place(reference);
        }
    }
    groups.follow(connection).await?;
    let erased = days(connection, &asked).await?;
    let mut members: HashMap<usize, usize> = HashMap::new();
    for ident in groups.at.keys().copied().collect::<Vec<_>>() {
        *members.entry(groups.root(ident)).or_default() += 1;
    }
    let held: Vec<i64> = groups.held.keys().copied().collect();
    let held: HashSet<usize> = held.into_iter().map(|ident| groups.root(ident)).collect();
    let mut standing = |(row, start): &(Named, i64)| {
        let uln = ident(&row.learner);
        let went = |ident: i64| erased.get(&ident).copied();
        let here = |ident: i64| went(at_provider(ident, root));
        let Some(reference) = row.reference else {
            return if here(uln).is_some_and(|day| *start <= day) {
                Standing::Erased
            } else {
                Standing::Taken
            };
        };
        let group = groups.root(reference);
        let alone = members[&group] == 1 && !held.contains(&group);
        // An erasure of before providers were kept with it left the reference itself.
        let before = went(reference).filter(|_| alone);
        let days = [here(uln), here(reference), before];
        if days.into_iter().flatten().any(|day| *start <= day) {
            return Standing::Erased;
        }
        let same = groups
            .at
            .contains_key(&uln)
            .then(|| groups.root(uln) == group);
        let is_tied = uln == reference || same == Some(true);
        let other = members[&group] > 1 || before.is_some() && here(uln).is_none();
        if !is_tied && other {
            Standing::OtherUln
        } else {
            Standing::Taken
        }
    };
    Ok(rows.iter().map(&mut standing).collect())
}

/// The days of those of `idents` that were kept of an erasure.
async fn days(
    connection: &mut SqliteConnection,
    idents: &[i64],
) -> Result<HashMap<i64, i64>, StoreError> {
    let mut days = HashMap::new();
    for idents in idents.chunks(ASKED) {
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT ident, day FROM erased WHERE ident IN (");
        numbers(&mut sql, idents);
        let rows: Vec<(i64, i64)> = sql.build_query_as().fetch_all(&mut *connection).await?;
        days.extend(rows);
    }
    Ok(days)
}
