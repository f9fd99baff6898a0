//! The log. One transaction holds a whole batch: statements, node heads, rollup, library.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ldsp_protocol::ids::{NodeSlug, Period};
use sqlx::{Connection as _, SqliteConnection, query};

use super::registry::find_node;
use super::{IMMEDIATE, Sqlite, library, lists, rollups};
use crate::rollup::{self, Fold};
use crate::store::rows::{self, Columns, signed};
use crate::store::{
    Conflict, Effect, Equivocation, Head, Log, LoggedStatement, NewStatement, Outline, Place,
    Placed, Sign, StatementFilter, StoreError, Tally,
};

async fn find(
    connection: &mut SqliteConnection,
    node: &NodeSlug,
    seq: u64,
) -> Result<Option<LoggedStatement>, StoreError> {
    let row = query(
        "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, receipt, received
         FROM statement WHERE node = $1 AND seq = $2",
    )
    .bind(node.as_str())
    .bind(signed(seq))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::statement).transpose()
}

async fn size(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let row = query("SELECT coalesce(max(leaf) + 1, 0) AS size FROM statement")
        .fetch_one(connection)
        .await?;
    Columns::new(&row, "statement", "all").number("size")
}

async fn insert_evidence(
    connection: &mut SqliteConnection,
    proof: &Equivocation,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO equivocation (pae, node, seq, logged_pae, envelope, received)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (node, seq) DO NOTHING",
    )
    .bind(proof.refused.as_bytes().as_slice())
    .bind(proof.node.as_str())
    .bind(signed(proof.seq))
    .bind(proof.logged.as_bytes().as_slice())
    .bind(&proof.envelope)
    .bind(proof.received.as_millisecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// Where `new` belongs given the node's head: `Ok(None)` at its end.
async fn refused(
    connection: &mut SqliteConnection,
    head: Head,
    new: &NewStatement,
) -> Result<Option<Placed>, StoreError> {
    if new.seq > head.seq + 1 {
        return Ok(Some(Placed::Gap {
            expected: head.seq + 1,
        }));
    }
    if new.seq == head.seq + 1 {
        return Ok((new.prev != head.pae).then_some(Placed::Chain));
    }
    let logged =
        find(connection, &new.node, new.seq)
            .await?
            .ok_or_else(|| StoreError::Corrupt {
                table: "node",
                column: "head_seq",
                row: new.node.to_string(),
            })?;
    if logged.pae == new.pae {
        return Ok(Some(Placed::Before(Place {
            index: logged.index,
            receipt: logged.receipt,
        })));
    }
    let proof = Equivocation {
        node: new.node.clone(),
        seq: new.seq,
        logged: logged.pae,
        refused: new.pae,
        envelope: new.envelope.clone(),
        received: new.received,
    };
    insert_evidence(connection, &proof).await?;
    Ok(Some(Placed::Equivocation { logged: logged.pae }))
}

async fn insert(
    connection: &mut SqliteConnection,
    new: &NewStatement,
    place: &Place,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO statement (leaf, node, seq, kind, period, key_id, pae, envelope, receipt, received)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(signed(place.index))
    .bind(new.node.as_str())
    .bind(signed(new.seq))
    .bind(new.kind.as_str())
    .bind(new.period.map(|p| p.to_string()))
    .bind(new.key_id.as_bytes().as_slice())
    .bind(new.pae.as_bytes().as_slice())
    .bind(&new.envelope)
    .bind(&place.receipt)
    .bind(new.received.as_millisecond())
    .execute(&mut *connection)
    .await?;
    query("UPDATE node SET head_seq = $1, head_pae = $2 WHERE name = $3")
        .bind(signed(new.seq))
        .bind(new.pae.as_bytes().as_slice())
        .bind(new.node.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// National sums that a batch changes: a month's rows are read and written once a batch, not once
/// a statement.
type Sums = BTreeMap<(Period, String), Vec<i64>>;

/// Adds a month's deltas. All sums are read before the first is changed: a damaged one stops the
/// statement and leaves the others as they were.
async fn add_national(
    connection: &mut SqliteConnection,
    fold: &Fold,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let period = fold.month.period;
    for part in fold.national.keys() {
        if let Entry::Vacant(sum) = sums.entry((period, part.clone())) {
            sum.insert(rollups::national_cells(connection, period, part).await?);
        }
    }
    for (part, delta) in &fold.national {
        rollup::add(sums.entry((period, part.clone())).or_default(), delta);
    }
    Ok(())
}

async fn place(
    connection: &mut SqliteConnection,
    new: &NewStatement,
    index: u64,
    sign: Sign<'_>,
    sums: &mut Sums,
) -> Result<Placed, StoreError> {
    let node = find_node(connection, &new.node)
        .await?
        .ok_or(Conflict::NoNode)?;
    if let Some(refusal) = refused(connection, node.head, new).await? {
        return Ok(refusal);
    }
    let place = Place {
        index,
        receipt: sign(new, index),
    };
    insert(connection, new, &place).await?;
    match &new.effect {
        Effect::Summary(fold) => {
            rollups::insert_month(connection, &fold.month).await?;
            add_national(connection, fold, sums).await?;
        }
        Effect::Practice(entry) => library::insert(connection, new, index, entry).await?,
    }
    Ok(Placed::Logged(place))
}

impl Log for Sqlite {
    async fn append(
        &self,
        batch: &[NewStatement],
        sign: Sign<'_>,
    ) -> Result<Vec<Placed>, StoreError> {
        let mut tx = self.writer.begin_with(IMMEDIATE).await?;
        let mut next = size(&mut tx).await?;
        let mut sums = Sums::new();
        let mut outcomes = Vec::with_capacity(batch.len());
        for new in batch {
            // What stops one statement undoes that one: the others of the batch are not its business.
            let mut savepoint = tx.begin().await?;
            let outcome = match place(&mut savepoint, new, next, sign, &mut sums).await {
                Ok(outcome) => {
                    savepoint.commit().await?;
                    outcome
                }
                Err(error) if error.is_of_one_row() => {
                    savepoint.rollback().await?;
                    let cause = error.to_string();
                    Placed::Failed { cause }
                }
                Err(error) => return Err(error),
            };
            if matches!(outcome, Placed::Logged(_)) {
                next += 1;
            }
            outcomes.push(outcome);
        }
        for ((period, part), cells) in &sums {
            rollups::write_national(&mut tx, *period, part, cells).await?;
        }
        // What is known before this line may still vanish; only afterwards may it be acknowledged.
        tx.commit().await?;
        Ok(outcomes)
    }

    async fn keep_evidence(&self, proof: &Equivocation) -> Result<(), StoreError> {
        insert_evidence(&mut *self.writer.acquire().await?, proof).await
    }

    async fn evidence(&self, node: &NodeSlug) -> Result<Vec<Equivocation>, StoreError> {
        let found = query(
            "SELECT node, seq, logged_pae, pae, envelope, received FROM equivocation WHERE node = $1 ORDER BY seq",
        )
        .bind(node.as_str())
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::evidence).collect()
    }

    async fn conflicts(&self) -> Result<BTreeMap<NodeSlug, u64>, StoreError> {
        let found = query("SELECT node, count(*) AS conflicts FROM equivocation GROUP BY node")
            .fetch_all(&self.reader)
            .await?;
        found.iter().map(rows::conflicts).collect()
    }

    async fn size(&self) -> Result<u64, StoreError> {
        size(&mut *self.reader.acquire().await?).await
    }

    async fn statement(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> Result<Option<LoggedStatement>, StoreError> {
        find(&mut *self.reader.acquire().await?, node, seq).await
    }

    async fn by_identity(
        &self,
        pae: ldsp_protocol::ids::Digest,
    ) -> Result<Option<LoggedStatement>, StoreError> {
        let row = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, receipt, received
             FROM statement WHERE pae = $1",
        )
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(rows::statement).transpose()
    }

    async fn statements(&self, start: u64, limit: u32) -> Result<Vec<LoggedStatement>, StoreError> {
        let found = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, receipt, received
             FROM statement WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
        )
        .bind(signed(start))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::statement).collect()
    }

    async fn latest(
        &self,
        filter: &StatementFilter,
        limit: u32,
    ) -> Result<Vec<Outline>, StoreError> {
        lists::latest(&self.reader, filter, limit).await
    }

    async fn heads(&self) -> Result<Vec<Outline>, StoreError> {
        lists::heads(&self.reader).await
    }

    async fn tally(&self) -> Result<Vec<Tally>, StoreError> {
        lists::tally(&self.reader).await
    }
}
