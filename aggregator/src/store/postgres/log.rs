//! The log. One transaction holds a whole batch: statements, node heads, rollup, library.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ldsp_protocol::ids::{Digest, NodeSlug, Period};
use ldsp_protocol::log::Edge;
use ldsp_protocol::practice::PracticeEntry;
use ldsp_protocol::rollup;
use ldsp_protocol::statement::Kind;
use sqlx::{Connection as _, PgConnection, query};

use super::{Postgres, library, lists, revisions, rollups, tree, wait_for_writers};
use crate::store::plan::{self, Ground, Known, Plan, Standing};
use crate::store::rows::{self, signed};
use crate::store::selects;
use crate::store::{
    Announced, Appended, Contradiction, Effect, Equivocation, Growth, KEPT_BYTES, KEPT_PLACES, Log,
    LogHead, LoggedStatement, Make, NewStatement, Outline, OwnEffect, Placed, Position, Returned,
    RevisionRow, Sign, Span, StatementFilter, StoreError, Tally,
};

async fn find(
    connection: &mut PgConnection,
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

/// Proofs for places that have none yet, in one command.
async fn insert_evidence(
    connection: &mut PgConnection,
    proofs: &[Equivocation],
) -> Result<(), StoreError> {
    if proofs.is_empty() {
        return Ok(());
    }
    let all = || proofs.iter();
    query(
        "INSERT INTO equivocation (pae, node, seq, logged_pae, envelope, received)
         SELECT pae, node, seq, logged_pae, envelope, received FROM (
             SELECT came.*, count(*) OVER so_far AS places, sum(length(came.envelope)) OVER so_far AS bytes
             FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[])
                 WITH ORDINALITY AS came (pae, node, seq, logged_pae, envelope, received, turn)
             WINDOW so_far AS (PARTITION BY came.node ORDER BY came.turn)) AS new
         CROSS JOIN LATERAL (
             SELECT count(*) AS places, coalesce(sum(length(old.envelope)), 0) AS bytes
             FROM equivocation AS old WHERE old.node = new.node) AS kept
         WHERE new.places + kept.places <= $7 AND new.bytes + kept.bytes <= $8
         ORDER BY new.turn
         ON CONFLICT (node, seq) DO NOTHING",
    )
    .bind(all().map(|p| p.refused.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(all().map(|p| p.node.as_str()).collect::<Vec<_>>())
    .bind(all().map(|p| signed(p.seq)).collect::<Vec<_>>())
    .bind(all().map(|p| p.logged.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(all().map(|p| p.envelope.as_slice()).collect::<Vec<_>>())
    .bind(all().map(|p| p.received.as_millisecond()).collect::<Vec<_>>())
    .bind(i64::from(KEPT_PLACES))
    .bind(i64::from(KEPT_BYTES))
    .execute(connection)
    .await?;
    Ok(())
}

/// Where the batch's nodes stand, and the log, as one command sees them: the row without a name is the log's.
async fn ground(
    connection: &mut PgConnection,
    names: &BTreeSet<&NodeSlug>,
) -> Result<Ground, StoreError> {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let found = query(
        "SELECT CAST(NULL AS TEXT) AS name, size AS head_seq, edge AS head_pae, behind AS revoked
         FROM log_head WHERE id = 1
         UNION ALL SELECT name, head_seq, head_pae, revoked FROM node WHERE name = ANY($1)",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    rows::ground(&found)
}

async fn known<'a>(
    connection: &mut PgConnection,
    batch: &'a [NewStatement],
) -> Result<Known<'a>, StoreError> {
    let names: BTreeSet<&NodeSlug> = batch.iter().map(|new| &new.node).collect();
    let ground = ground(connection, &names).await?;
    let taken = plan::taken(batch, &ground.heads);
    let mut found = BTreeMap::new();
    if !taken.is_empty() {
        let (nodes, seqs): (Vec<&str>, Vec<i64>) = taken
            .iter()
            .map(|(node, seq)| (node.as_str(), signed(*seq)))
            .unzip();
        let rows = query(
            "SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn FROM statement
             JOIN unnest($1::text[], $2::bigint[]) AS asked (node, seq) USING (node, seq)",
        )
        .bind(nodes)
        .bind(seqs)
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let logged = rows::statement(row)?;
            let standing = Standing {
                pae: logged.pae,
                index: logged.index,
            };
            found.insert((logged.node, logged.seq), standing);
        }
    }
    let standing = |(node, seq): (&'a NodeSlug, u64)| {
        let standing = found.remove(&(node.clone(), seq))?;
        Some(((node, seq), standing))
    };
    Ok(Known {
        logged: taken.into_iter().filter_map(standing).collect(),
        ground,
    })
}

/// Writes statements and entries, moves the heads of their nodes and counts them, in one command.
async fn insert(
    connection: &mut PgConnection,
    logged: &[(&NewStatement, u64)],
    plan: &Plan,
    entries: &[(&NewStatement, u64, &PracticeEntry)],
) -> Result<(), StoreError> {
    let Some(grown) = &plan.grown else {
        return Ok(());
    };
    let heads = &plan.heads;
    let all = || logged.iter();
    let tallies = plan::tallies(logged);
    let rows = query(
        "WITH moved AS (
             UPDATE node SET head_seq = head.seq, head_pae = head.pae
             FROM unnest($10::text[], $11::bigint[], $12::bytea[]) AS head (name, seq, pae)
             WHERE node.name = head.name),
         counted AS (
             INSERT INTO statement_tally AS tally (node, kind, statements, first, latest)
             SELECT * FROM unnest($13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[])
             ON CONFLICT (node, kind) DO UPDATE SET statements = tally.statements + excluded.statements,
                 latest = greatest(tally.latest, excluded.latest)),
         recorded AS (
             INSERT INTO log_entry (first, entries) VALUES ($18, $19)),
         grown AS (
             UPDATE log_head SET size = $20, edge = $21, checkpoint = $22, receipt = NULL WHERE id = 1),
         entered AS (
             INSERT INTO practice (leaf, node, tier, verdict, public_from, supersedes)
             SELECT * FROM unnest($23::bigint[], $24::text[], $25::text[], $26::text[], $27::text[], $28::bytea[])),
         named AS (
             INSERT INTO practice_cause (leaf, factor) SELECT * FROM unnest($29::bigint[], $30::text[]))
         INSERT INTO statement (leaf, node, seq, kind, period, key_id, pae, envelope, received)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[],
             $7::bytea[], $8::bytea[], $9::bigint[])",
    )
    .bind(all().map(|(_, index)| signed(*index)).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.node.as_str()).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| signed(new.seq)).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.kind.as_str()).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.period.map(|p| p.to_string())).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.key_id.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.pae.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.envelope.as_slice()).collect::<Vec<_>>())
    .bind(all().map(|(new, _)| new.received.as_millisecond()).collect::<Vec<_>>())
    .bind(heads.keys().map(|name| name.as_str()).collect::<Vec<_>>())
    .bind(heads.values().map(|head| signed(head.seq)).collect::<Vec<_>>())
    .bind(heads.values().map(|head| head.pae.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(tallies.iter().map(|t| t.node.as_str()).collect::<Vec<_>>())
    .bind(tallies.iter().map(|t| t.kind.as_str()).collect::<Vec<_>>())
    .bind(tallies.iter().map(|t| signed(t.count)).collect::<Vec<_>>())
    .bind(tallies.iter().map(|t| t.first.as_millisecond()).collect::<Vec<_>>())
    .bind(tallies.iter().map(|t| t.latest.as_millisecond()).collect::<Vec<_>>())
    .bind(signed(grown.growth.first))
    .bind(&grown.records)
    .bind(signed(grown.edge.size()))
    .bind(grown.edge.to_bytes())
    .bind(&grown.growth.checkpoint);
    library::bind(rows, entries).execute(connection).await?;
    Ok(())
}

/// National sums that a batch changes: a month's rows are read and written once a batch, not once
/// a statement.
type Sums = BTreeMap<(Digest, Period, String), Vec<i64>>;

/// Adds the statements' deltas. All sums are read before the first is changed: a damaged one stops the
/// statements and leaves the others as they were.
async fn add_national(
    connection: &mut PgConnection,
    logged: &[(&NewStatement, u64)],
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let deltas: Vec<_> = logged
        .iter()
        .flat_map(|(new, _)| new.effect.national())
        .collect();
    let keys: BTreeSet<(Digest, Period, &str)> = deltas
        .iter()
        .map(|(of, period, part, _)| (*of, *period, *part))
        .filter(|(of, period, part)| !sums.contains_key(&(*of, *period, (*part).to_owned())))
        .collect();
    let keys: Vec<(Digest, Period, &str)> = keys.into_iter().collect();
    for sum in rollups::read_national(connection, &keys).await? {
        sums.insert((sum.standard.digest(), sum.period, sum.part), sum.cells);
    }
    for (of, period, part, delta) in deltas {
        let key = (of, period, part.to_owned());
        rollup::add(sums.entry(key).or_default(), delta);
    }
    Ok(())
}

/// Logs the batch as one: few commands, whatever its size. `back` says that these are leaves which a stopped log lacks; others
/// are for a log that signs.
async fn write(
    connection: &mut PgConnection,
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
    let (mut months, mut entries, mut revised) = (Vec::new(), Vec::new(), Vec::new());
    for (new, index) in &logged {
        match &new.effect {
            Effect::Summary(fold) => months.push(&fold.month),
            Effect::Practice(entry) => entries.push((*new, *index, &**entry)),
            Effect::Revision(change) => revised.push((*new, *index, &**change)),
            Effect::None => {}
        }
    }
    insert(connection, &logged, &plan, &entries).await?;
    rollups::insert_months(connection, &months).await?;
    add_national(connection, &logged, sums).await?;
    library::supersede(connection, &entries).await?;
    // What they name may stand before them in the same batch.
    for (new, index, change) in revised {
        revisions::write(connection, new, index, change).await?;
    }
    insert_evidence(connection, &plan.evidence).await?;
    Ok(Appended {
        placed: plan.outcomes,
        growth: plan.grown.map(|grown| grown.growth),
    })
}

/// Logs the statements of a batch that could not be logged as one: what stops one statement undoes
/// that one, the others are not its business.
async fn one_by_one(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
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
            let changed = sums.iter();
            let changed = changed
                .map(|((standard, period, part), cells)| ((*standard, *period, &**part), &**cells));
            rollups::write_national(connection, changed).await?;
            plan::back(appended, before.size())
        }
    }
}

async fn append(
    connection: &mut PgConnection,
    batch: &[NewStatement],
    sign: Sign<'_>,
) -> Result<Appended, StoreError> {
    let mut tx = connection.begin().await?;
    wait_for_writers(&mut tx).await?;
    let mut sums = Sums::new();
    let mut appended = write(&mut tx, batch, sign, &mut sums, false).await;
    if appended.as_ref().is_err_and(StoreError::is_of_one_row) {
        // Another writer may come in between: what follows reads again what it stands on.
        tx.rollback().await?;
        tx = connection.begin().await?;
        wait_for_writers(&mut tx).await?;
        sums.clear();
        appended = one_by_one(&mut tx, batch, sign, &mut sums).await;
    }
    let appended = appended?;
    let changed = sums.iter();
    let changed =
        changed.map(|((standard, period, part), cells)| ((*standard, *period, &**part), &**cells));
    rollups::write_national(&mut tx, changed).await?;
    // What is known before this line may still vanish; only afterwards may it be acknowledged.
    tx.commit().await?;
    Ok(appended)
}

impl Log for Postgres {
    async fn append(&self, batch: &[NewStatement], sign: Sign<'_>) -> Result<Appended, StoreError> {
        let mut line = self.line().await?;
        let appended = append(line.connection(), batch, sign).await?;
        line.hand_back();
        if revisions::takes_away(batch) {
            self.clear();
        }
        Ok(appended)
    }

    async fn announce(
        &self,
        make: Make<'_>,
        effect: &OwnEffect,
        sign: Sign<'_>,
    ) -> Result<Announced, StoreError> {
        let mut tx = self.begin().await?;
        let announced = tree::announce(&mut tx, make, effect, sign).await?;
        tx.commit().await?;
        Ok(announced)
    }

    async fn establish(&self, sign: Sign<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
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
        let mut line = self.line().await?;
        insert_evidence(line.connection(), std::slice::from_ref(proof)).await?;
        line.hand_back();
        Ok(())
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
        .bind(i64::from(limit))
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
        .bind(i64::from(limit))
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
