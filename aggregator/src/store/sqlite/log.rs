//! The log. One transaction holds a whole batch: statements, node heads, rollup, library.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::log::Edge;
use ldsp_protocol::rollup;
use ldsp_protocol::statement::Kind;
use sqlx::{Connection as _, SqliteConnection, query};

use super::{IMMEDIATE, Script, Sqlite, library, lists, revisions, rollups, tree};
use crate::store::plan::{self, Ground, Heads, Known, Standing};
use crate::store::rows::{self, signed};
use crate::store::selects;
use crate::store::{
    Announced, Appended, Contradiction, Effect, Equivocation, Growth, KEPT_BYTES, KEPT_PLACES, Log,
    LogHead, LoggedStatement, Make, NewStatement, Outline, OwnEffect, Placed, Position, Returned,
    RevisionRow, Sign, Span, StatementFilter, StoreError, Tally,
};

async fn find(
    connection: &mut SqliteConnection,
    node: &NodeSlug,
    seq: u64,
) -> Result<Option<LoggedStatement>, StoreError> {
    let row = query(
        "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn
         FROM statement WHERE node = $1 AND seq = $2",
    )
    .bind(node.as_str())
    .bind(signed(seq))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::statement).transpose()
}

async fn insert_evidence(
    connection: &mut SqliteConnection,
    proof: &Equivocation,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO equivocation (pae, node, seq, logged_pae, envelope, received)
         SELECT $1, $2, $3, $4, $5, $6
         WHERE (SELECT count(*) < $7 AND coalesce(sum(length(envelope)), 0) + length($5) <= $8
             FROM equivocation WHERE node = $2)
         ON CONFLICT (node, seq) DO NOTHING",
    )
    .bind(proof.refused.as_bytes().as_slice())
    .bind(proof.node.as_str())
    .bind(signed(proof.seq))
    .bind(proof.logged.as_bytes().as_slice())
    .bind(&proof.envelope)
    .bind(proof.received.as_millisecond())
    .bind(i64::from(KEPT_PLACES))
    .bind(i64::from(KEPT_BYTES))
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the batch's nodes stand, and the log, as one command sees them: the row without a name is the log's.
async fn ground(
    connection: &mut SqliteConnection,
    names: &BTreeSet<&NodeSlug>,
) -> Result<Ground, StoreError> {
    let found = query(
        "SELECT CAST(NULL AS TEXT) AS name, size AS head_seq, edge AS head_pae, behind AS revoked
         FROM log_head WHERE id = 1
         UNION ALL SELECT name, head_seq, head_pae, revoked FROM node WHERE name IN (SELECT value FROM json_each($1))",
    )
    .bind(serde_json::to_string(names).expect("a list of texts always serialises"))
    .fetch_all(connection)
    .await?;
    rows::ground(&found)
}

async fn known<'a>(
    connection: &mut SqliteConnection,
    batch: &'a [NewStatement],
) -> Result<Known<'a>, StoreError> {
    let names: BTreeSet<&NodeSlug> = batch.iter().map(|new| &new.node).collect();
    let ground = ground(connection, &names).await?;
    let mut logged = BTreeMap::new();
    for (node, seq) in plan::taken(batch, &ground.heads) {
        if let Some(found) = find(connection, node, seq).await? {
            let standing = Standing {
                pae: found.pae,
                index: found.index,
            };
            logged.insert((node, seq), standing);
        }
    }
    Ok(Known { ground, logged })
}

fn insert(script: &mut Script, logged: &[(&NewStatement, u64)]) {
    const INSERT: &str = "INSERT OR FAIL INTO statement
        (leaf, node, seq, kind, period, key_id, pae, envelope, received) ";
    script.rows((INSERT, ""), logged, |row, (new, index)| {
        row.push_bind(signed(*index))
            .push_bind(new.node.as_str())
            .push_bind(signed(new.seq))
            .push_bind(new.kind.as_str())
            .push_bind(new.period.map(|p| p.to_string()))
            .push_bind(new.key_id.as_bytes().as_slice())
            .push_bind(new.pae.as_bytes().as_slice())
            .push_bind(new.envelope.as_slice())
            .push_bind(new.received.as_millisecond());
    });
}

fn move_heads(script: &mut Script, heads: &Heads) {
    const MOVED: &str = "WITH moved (name, seq, pae) AS (";
    const MOVE: &str = ") UPDATE OR FAIL node SET head_seq = moved.seq, head_pae = moved.pae FROM moved WHERE node.name = moved.name";
    let heads: Vec<_> = heads.iter().collect();
    script.rows((MOVED, MOVE), &heads, |row, (name, head)| {
        row.push_bind(name.as_str())
            .push_bind(signed(head.seq))
            .push_bind(head.pae.as_bytes().as_slice());
    });
}

fn count(script: &mut Script, tallies: &[Tally]) {
    const COUNT: &str =
        "INSERT OR FAIL INTO statement_tally (node, kind, statements, first, latest) ";
    const AGAIN: &str =
        " ON CONFLICT (node, kind) DO UPDATE SET statements = statements + excluded.statements,
          latest = max(latest, excluded.latest)";
    script.rows((COUNT, AGAIN), tallies, |row, tally| {
        row.push_bind(tally.node.as_str())
            .push_bind(tally.kind.as_str())
            .push_bind(signed(tally.count))
            .push_bind(tally.first.as_millisecond())
            .push_bind(tally.latest.as_millisecond());
    });
}

/// National sums that a batch changes: a month's rows are read and written once a batch, not once
/// a statement.
type Sums = BTreeMap<(Digest, Period, String), Vec<i64>>;

/// Adds a statement's deltas. All sums are read before the first is changed: a damaged one stops the
/// statement and leaves the others as they were.
async fn add_national(
    connection: &mut SqliteConnection,
    effect: &Effect,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let deltas = effect.national();
    for (standard, period, part, _) in &deltas {
        if let Entry::Vacant(sum) = sums.entry((*standard, *period, (*part).to_owned())) {
            let key = (*standard, *period, *part);
            sum.insert(rollups::national_cells(connection, key).await?);
        }
    }
    for (standard, period, part, delta) in deltas {
        let key = (standard, period, part.to_owned());
        rollup::add(sums.entry(key).or_default(), delta);
    }
    Ok(())
}

/// Logs the batch as one: few commands, whatever its size. `back` says that these are leaves which a stopped log lacks; others
/// are for a log that signs.
async fn write(
    connection: &mut SqliteConnection,
    batch: &[NewStatement],
    sign: Sign<'_>,
    sums: &mut Sums,
    back: bool,
) -> Result<Appended, StoreError> {
    let known = known(connection, batch).await?;
    if known.ground.stopped != back {
        return Err(StoreError::Behind);
    }
    let plan = plan::plan(batch, known, sign)?;
    let logged = plan.logged(batch);
    let mut script = Script::new();
    insert(&mut script, &logged);
    if let Some(grown) = &plan.grown {
        tree::write(&mut script, grown);
    }
    move_heads(&mut script, &plan.heads);
    let tallies = plan::tallies(&logged);
    count(&mut script, &tallies);
    let entries: Vec<_> = logged
        .iter()
        .filter_map(|(new, index)| match &new.effect {
            Effect::Practice(entry) => Some((*new, *index, &**entry)),
            Effect::Summary(_) | Effect::Revision(_) | Effect::None => None,
        })
        .collect();
    library::insert(&mut script, &entries);
    script.run(connection).await?;
    // What a withdrawal names may stand before it in the same batch.
    library::supersede(connection, &entries).await?;
    for (new, index) in &logged {
        match &new.effect {
            Effect::Summary(fold) => rollups::insert_month(connection, &fold.month).await?,
            Effect::Practice(_) | Effect::None => continue,
            Effect::Revision(revised) => {
                revisions::write(connection, new, *index, revised).await?;
            }
        }
        add_national(connection, &new.effect, sums).await?;
    }
    for proof in &plan.evidence {
        insert_evidence(connection, proof).await?;
    }
    Ok(Appended {
        placed: plan.outcomes,
        growth: plan.grown.map(|grown| grown.growth),
    })
}

/// Logs the statements of a batch that could not be logged as one: what stops one statement undoes
/// that one, the others are not its business.
async fn one_by_one(
    connection: &mut SqliteConnection,
    batch: &[NewStatement],
    sign: Sign<'_>,
    sums: &mut Sums,
) -> Result<Appended, StoreError> {
    let mut all = Appended::default();
    for new in batch {
        let mut savepoint = connection.begin().await?;
        match write(&mut savepoint, std::slice::from_ref(new), sign, sums, false).await {
            Ok(one) => {
                savepoint.commit().await?;
                all.extend(one);
            }
            Err(error) if error.is_of_one_row() => {
                savepoint.rollback().await?;
                let cause = error.to_string();
                all.placed.push(Placed::Failed { cause });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Logs a leaf again in its place, behind `before`.
pub(super) async fn put_back(
    connection: &mut SqliteConnection,
    leaf: &Returned,
    before: &Edge,
    sign: Sign<'_>,
) -> Result<Growth, StoreError> {
    match leaf {
        Returned::Own(own) => tree::put_back(connection, own, before, sign).await,
        Returned::Node(new) => {
            let mut sums = Sums::new();
            let batch = std::slice::from_ref(&**new);
            let appended = write(connection, batch, sign, &mut sums, true).await?;
            for ((standard, period, part), cells) in &sums {
                rollups::write_national(connection, (*standard, *period, part), cells).await?;
            }
            plan::back(appended, before.size())
        }
    }
}

impl Log for Sqlite {
    async fn append(&self, batch: &[NewStatement], sign: Sign<'_>) -> Result<Appended, StoreError> {
        let mut connection = self.writer.acquire().await?;
        let mut tx = connection.begin_with(IMMEDIATE).await?;
        let mut sums = Sums::new();
        let mut appended = write(&mut tx, batch, sign, &mut sums, false).await;
        if appended.as_ref().is_err_and(StoreError::is_of_one_row) {
            tx.rollback().await?;
            tx = connection.begin_with(IMMEDIATE).await?;
            sums.clear();
            appended = one_by_one(&mut tx, batch, sign, &mut sums).await;
        }
        let appended = appended?;
        for ((standard, period, part), cells) in &sums {
            rollups::write_national(&mut tx, (*standard, *period, part), cells).await?;
        }
        // What is known before this line may still vanish; only afterwards may it be acknowledged.
        tx.commit().await?;
        if revisions::takes_away(batch) {
            self.clear();
        }
        self.checkpoints.count(batch);
        Ok(appended)
    }

    async fn announce(
        &self,
        make: Make<'_>,
        effect: &OwnEffect,
        sign: Sign<'_>,
    ) -> Result<Announced, StoreError> {
        let mut tx = self.writer.begin_with(IMMEDIATE).await?;
        let announced = tree::announce(&mut tx, make, effect, sign).await?;
        tx.commit().await?;
        Ok(announced)
    }

    async fn establish(&self, sign: Sign<'_>) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with(IMMEDIATE).await?;
        tree::establish(&mut tx, sign).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn head(&self) -> Result<LogHead, StoreError> {
        tree::head(&mut *self.reader.acquire().await?).await
    }

    async fn records(&self, leaves: Range<u64>) -> Result<Vec<u8>, StoreError> {
        tree::records(&self.reader, leaves).await
    }

    async fn own(&self, seq: u64) -> Result<Option<LoggedStatement>, StoreError> {
        tree::own(&self.reader, seq).await
    }

    async fn own_by_identity(&self, pae: Digest) -> Result<Option<LoggedStatement>, StoreError> {
        tree::own_by_identity(&self.reader, pae).await
    }

    async fn owns(&self, start: u64, limit: u32) -> Result<Vec<LoggedStatement>, StoreError> {
        tree::owns(&self.reader, start, limit).await
    }

    async fn announced(
        &self,
        kinds: &[Kind],
        span: Span,
        limit: u32,
    ) -> Result<Vec<LoggedStatement>, StoreError> {
        lists::announced(&self.reader, kinds, span, limit).await
    }

    async fn keep_evidence(&self, proof: &Equivocation) -> Result<(), StoreError> {
        let kept = query(selects::KEPT)
            .bind(proof.node.as_str())
            .bind(signed(proof.seq))
            .fetch_one(&self.reader)
            .await?;
        if !rows::has_room(&kept, proof)? {
            return Ok(());
        }
        insert_evidence(&mut *self.writer.acquire().await?, proof).await
    }

    async fn evidence(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> Result<Option<Equivocation>, StoreError> {
        let row = query(
            "SELECT node, seq, logged_pae, pae, envelope, received FROM equivocation WHERE node = $1 AND seq = $2",
        )
        .bind(node.as_str())
        .bind(signed(seq))
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(rows::evidence).transpose()
    }

    async fn contradictions(&self, node: &NodeSlug) -> Result<Vec<Contradiction>, StoreError> {
        let found = query(selects::CONTRADICTIONS)
            .bind(node.as_str())
            .bind(i64::from(KEPT_PLACES))
            .fetch_all(&self.reader)
            .await?;
        found.iter().map(rows::contradiction).collect()
    }

    async fn conflicts(&self) -> Result<BTreeMap<NodeSlug, u64>, StoreError> {
        let found = query("SELECT node, count(*) AS conflicts FROM equivocation GROUP BY node")
            .fetch_all(&self.reader)
            .await?;
        found.iter().map(rows::conflicts).collect()
    }

    async fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head().await?.edge.size())
    }

    async fn position(&self) -> Result<Position, StoreError> {
        let row = query(
            "SELECT (SELECT size FROM log_head WHERE id = 1) AS size, (SELECT edge FROM log_head WHERE id = 1) AS edge,
                 (SELECT string_agg(name || ' ' || lep || ' ' || CASE WHEN revoked IS NULL THEN state ELSE 'revoked' END, ',' ORDER BY name) FROM node) AS members,
                 (SELECT coalesce(max(number), 0) FROM curation) AS curated",
        )
        .fetch_one(&self.reader)
        .await?;
        rows::position(&row)
    }

    async fn statement(
        &self,
        node: &NodeSlug,
        seq: u64,
    ) -> Result<Option<LoggedStatement>, StoreError> {
        find(&mut *self.reader.acquire().await?, node, seq).await
    }

    async fn leaf(&self, node: &NodeSlug, seq: u64) -> Result<Option<u64>, StoreError> {
        let row = query("SELECT leaf FROM statement WHERE node = $1 AND seq = $2")
            .bind(node.as_str())
            .bind(signed(seq))
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(rows::leaf).transpose()
    }

    async fn by_identity(&self, pae: Digest) -> Result<Option<LoggedStatement>, StoreError> {
        let row = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn
             FROM statement WHERE pae = $1",
        )
        .bind(pae.as_bytes().as_slice())
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(rows::statement).transpose()
    }

    async fn statements(&self, start: u64, limit: u32) -> Result<Vec<LoggedStatement>, StoreError> {
        let found = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn
             FROM statement WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
        )
        .bind(signed(start))
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        found.iter().map(rows::statement).collect()
    }

    async fn statements_of(
        &self,
        kind: Kind,
        start: u64,
        limit: u32,
    ) -> Result<Vec<LoggedStatement>, StoreError> {
        let found = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn
             FROM statement WHERE kind = $1 AND leaf >= $2 ORDER BY leaf LIMIT $3",
        )
        .bind(kind.as_str())
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

    async fn revision(&self, leaf: u64) -> Result<Option<RevisionRow>, StoreError> {
        revisions::one(&self.reader, leaf).await
    }

    async fn revisions(
        &self,
        node: Option<&NodeSlug>,
        span: Span,
        limit: u32,
    ) -> Result<Vec<RevisionRow>, StoreError> {
        revisions::latest(&self.reader, node, span, limit).await
    }

    async fn withheld(&self, node: Option<&NodeSlug>) -> Result<Vec<RevisionRow>, StoreError> {
        revisions::withheld(&self.reader, node).await
    }

    async fn revised(&self, places: Range<u64>) -> Result<BTreeSet<NodeSlug>, StoreError> {
        revisions::nodes(&self.reader, places).await
    }

    async fn tally(&self) -> Result<Vec<Tally>, StoreError> {
        lists::tally(&self.reader).await
    }
}
