//! The commands of [`Recovery`](super::Recovery). They are few and small, and both databases know their text, so it is written once.

/// When an operator settled the fork of which a proof at place `$1` is one more; NULL where nobody did. What was settled at one moment is taken for one
/// other history: it begins where the proofs say that the histories still agree, if they say it, and else where the first of them is. `agreed` is 0 where a
/// proof does not say it. The place of a checkpoint is its number of leaves, that of a receipt counts them from 0, so that the last leaf of the first
/// checkpoint is one before it.
macro_rules! settled {
    () => {
        "(SELECT settled FROM log_fork WHERE through IS NOT NULL GROUP BY settled
          HAVING (max(agreed) BETWEEN 1 AND $1 OR min(place) <= $1 + 1) AND max(through) >= $1 LIMIT 1)"
    };
}
pub(in crate::store) use settled;

/// The trait for a backend that has `begin` (a transaction that alone may write), `reader` (a pool) and `put_back` (its own); what it
/// does when something was withdrawn, so that no copy of it stays, is said last.
macro_rules! recovery {
    ($store:ty, $put_back:path) => {
        impl $crate::store::Recovery for $store {
            async fn stop(&self, shown: Shown<'_>, said_by: &str, at: Timestamp) -> Outcome<Stopped> {
                if let Shown::Fork(fork) = shown {
                    // Whoever shows a proof again, and anybody may, keeps nobody from writing.
                    let kept = query(
                        "SELECT settled IS NOT NULL AS settled FROM log_fork, log_head
                         WHERE place = $1 AND log_fork.id = $2 AND (settled IS NOT NULL OR behind IS NOT NULL)",
                    )
                    .bind(signed(fork.place))
                    .bind(fork.id.as_bytes().as_slice())
                    .fetch_optional(&self.reader)
                    .await?;
                    if let Some(kept) = kept {
                        let settled = kept.try_get("settled")?;
                        return Ok(if settled { Stopped::Settled } else { Stopped::Known });
                    }
                }
                if let Shown::Fork(fork) = shown {
                    // Nor does whoever has many proofs of one fork fill the disk with them.
                    let held = query(concat!(
                        "SELECT (SELECT behind FROM log_head WHERE id = 1) IS NOT NULL AS behind, ",
                        settled!(),
                        " IS NOT NULL AS settled,
                         (SELECT count(*) FROM log_fork WHERE settled IS NOT NULL) AS kept,
                         (SELECT count(*) FROM log_fork WHERE settled IS NULL) AS waiting,
                         (SELECT count(*) FROM log_fork WHERE settled IS NULL AND place <= $1) AS earlier,
                         (SELECT coalesce(max(agreed), 0) FROM log_fork WHERE settled IS NULL) AS agreed",
                    ))
                    .bind(signed(fork.place))
                    .fetch_one(&self.reader)
                    .await?;
                    let number = |column| held.try_get::<i64, _>(column);
                    if held.try_get("settled")? {
                        if number("kept")? >= KEPT_FORKS {
                            return Ok(Stopped::Settled);
                        }
                    } else {
                        // One that says more of where the histories part is kept however many there are.
                        let says_no_more = number("earlier")? > 0 && signed(fork.agreed) <= number("agreed")?;
                        if held.try_get("behind")? && number("waiting")? >= KEPT_FORKS && says_no_more {
                            return Ok(Stopped::Known);
                        }
                    }
                }
                let mut tx = self.begin().await?;
                if let Shown::Fork(fork) = shown {
                    query(concat!(
                        "INSERT INTO log_fork (place, id, agreed, ours, theirs, said_by, found, settled)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, ",
                        settled!(),
                        ") ON CONFLICT (place, id) DO NOTHING",
                    ))
                    .bind(signed(fork.place))
                    .bind(fork.id.as_bytes().as_slice())
                    .bind(signed(fork.agreed))
                    .bind(&fork.ours)
                    .bind(&fork.theirs)
                    .bind(&fork.said_by)
                    .bind(fork.found.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                    let settled = query("SELECT 1 FROM log_fork WHERE place = $1 AND id = $2 AND settled IS NOT NULL")
                        .bind(signed(fork.place))
                        .bind(fork.id.as_bytes().as_slice())
                        .fetch_optional(&mut *tx)
                        .await?;
                    if settled.is_some() {
                        tx.commit().await?;
                        return Ok(Stopped::Settled);
                    }
                }
                let stopped = query("UPDATE log_head SET behind = $1 WHERE id = 1 AND behind IS NULL")
                    .bind(at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                let stopped = if stopped.rows_affected() == 0 {
                    Stopped::Already
                } else {
                    for sql in ["DELETE FROM log_claim", "DELETE FROM log_heard", "DELETE FROM log_leaf"] {
                        query(sql).execute(&mut *tx).await?;
                    }
                    query(
                        "INSERT INTO log_stop (number, since, cause, said_by)
                         VALUES ((SELECT coalesce(max(number), 0) + 1 FROM log_stop), $1, $2, $3)",
                    )
                    .bind(at.as_millisecond())
                    .bind(shown.cause().as_str())
                    .bind(said_by)
                    .execute(&mut *tx)
                    .await?;
                    Stopped::Now
                };
                if let Shown::Claim(claim) = shown {
                    query(
                        "INSERT INTO log_claim (size, root, note, said_by) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (size, root) DO NOTHING",
                    )
                    .bind(signed(claim.size))
                    .bind(claim.root.as_bytes().as_slice())
                    .bind(&claim.note)
                    .bind(&claim.said_by)
                    .execute(&mut *tx)
                    .await?;
                }
                tx.commit().await?;
                Ok(stopped)
            }

            async fn stops(&self) -> Outcome<Vec<Stop>> {
                let found = query(
                    "SELECT number, since, cause, said_by, trouble, ended, decided, reason FROM log_stop
                     ORDER BY number DESC LIMIT 20",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::stop).collect()
            }

            async fn note_trouble(&self, trouble: Option<&str>) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query("UPDATE log_stop SET trouble = $1 WHERE ended IS NULL AND trouble IS DISTINCT FROM $1")
                    .bind(trouble)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn goals(&self) -> Outcome<Vec<Claim>> {
                let found = query(
                    "SELECT size, root, note, said_by FROM log_claim
                     WHERE size = (SELECT max(size) FROM log_claim) ORDER BY root",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::claim).collect()
            }

            async fn hear(&self, node: &NodeSlug, at: Timestamp, excused: Option<&str>) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "INSERT INTO log_heard (node, heard, excused) VALUES ($1, $2, $3)
                     ON CONFLICT (node) DO UPDATE SET heard = excluded.heard, excused = excluded.excused",
                )
                .bind(node.as_str())
                .bind(at.as_millisecond())
                .bind(excused)
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn heard(&self) -> Outcome<BTreeMap<NodeSlug, Heard>> {
                let found = query("SELECT node, heard, excused FROM log_heard")
                    .fetch_all(&self.reader)
                    .await?;
                found.iter().map(rows::heard).collect()
            }

            async fn stage(&self, staged: &StagedLeaf) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "INSERT INTO log_leaf (leaf, before, root, record, receipt, envelope, received)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (leaf, root) DO UPDATE SET
                     before = excluded.before, record = excluded.record, receipt = excluded.receipt, envelope = excluded.envelope",
                )
                .bind(signed(staged.link.leaf))
                .bind(staged.link.before.as_bytes().as_slice())
                .bind(staged.link.root.as_bytes().as_slice())
                .bind(staged.record.as_slice())
                .bind(&staged.receipt)
                .bind(staged.envelope.as_slice())
                .bind(staged.received.as_millisecond())
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn links(&self, start: u64) -> Outcome<Vec<Link>> {
                let found = query("SELECT leaf, before, root FROM log_leaf WHERE leaf >= $1 ORDER BY leaf, root")
                    .bind(signed(start))
                    .fetch_all(&self.reader)
                    .await?;
                found.iter().map(rows::link).collect()
            }

            async fn staged(&self, leaf: u64) -> Outcome<Vec<StagedLeaf>> {
                let found = query(
                    "SELECT leaf, before, root, record, receipt, envelope, received FROM log_leaf
                     WHERE leaf = $1 ORDER BY root",
                )
                .bind(signed(leaf))
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::staged).collect()
            }

            async fn unstage(&self, link: Link) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query("DELETE FROM log_leaf WHERE leaf = $1 AND root = $2")
                    .bind(signed(link.leaf))
                    .bind(link.root.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn forks(&self) -> Outcome<Vec<Fork>> {
                let found = query(
                    "SELECT place, id, agreed, ours, theirs, said_by, found, settled FROM log_fork ORDER BY place, found, id",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::fork).collect()
            }

            async fn decide(&self, by: &str, reason: &str, at: Timestamp) -> Outcome<()> {
                let mut tx = self.begin().await?;
                query(
                    "UPDATE log_fork SET settled = $1, through = (SELECT max(size) FROM
                     (SELECT size FROM log_head UNION ALL SELECT size FROM log_claim) AS signed) WHERE settled IS NULL",
                )
                .bind(at.as_millisecond())
                .execute(&mut *tx)
                .await?;
                query("UPDATE log_stop SET decided = $1, reason = $2, trouble = NULL WHERE ended IS NULL")
                    .bind(by)
                    .bind(reason)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(())
            }

            async fn put_back(&self, leaf: &Returned, before: &Edge, sign: Sign<'_>) -> Outcome<Back> {
                let mut tx = self.begin().await?;
                let head = tree::head(&mut tx).await?;
                if head.behind.is_none() || head.edge != *before {
                    return Ok(Back::Moved);
                }
                let growth = match $put_back(&mut tx, leaf, &head.edge, sign).await {
                    Ok(growth) => growth,
                    // The transaction is dropped, and with it what was written before the trouble.
                    Err(StoreError::Conflict(conflict)) => return Ok(Back::Refused(conflict.to_string())),
                    Err(error) => return Err(error),
                };
                // What it passes by is of another history.
                query(concat!(
                    "INSERT INTO log_fork (place, id, ours, theirs, said_by, found, settled)
                     SELECT size, root, $3, note, said_by, $4, ",
                    settled!(),
                    " FROM log_claim WHERE size = $1 AND root <> $2 ON CONFLICT (place, id) DO NOTHING",
                ))
                .bind(signed(before.size() + 1))
                .bind(growth.root.as_bytes().as_slice())
                .bind(&growth.checkpoint)
                .bind(leaf.received().as_millisecond())
                .execute(&mut *tx)
                .await?;
                query("DELETE FROM log_leaf WHERE leaf = $1")
                    .bind(signed(before.size()))
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                if let Returned::Node(new) = leaf
                    && revisions::takes_away(std::slice::from_ref(&**new))
                {
                    self.clear();
                }
                Ok(Back::Placed(growth))
            }

            async fn resume(&self, edge: &Edge, at: Timestamp) -> Outcome<bool> {
                let mut tx = self.begin().await?;
                let resumed = query(
                    "UPDATE log_head SET behind = NULL WHERE id = 1 AND behind IS NOT NULL AND size = $1 AND edge = $2
                     AND NOT EXISTS (SELECT 1 FROM log_claim WHERE log_claim.size > $1)
                     AND NOT EXISTS (SELECT 1 FROM log_fork WHERE settled IS NULL)",
                )
                .bind(signed(edge.size()))
                .bind(edge.to_bytes())
                .execute(&mut *tx)
                .await?;
                if resumed.rows_affected() == 0 {
                    return Ok(false);
                }
                query("UPDATE log_stop SET ended = $1, trouble = NULL WHERE ended IS NULL")
                    .bind(at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                for sql in ["DELETE FROM log_claim", "DELETE FROM log_heard", "DELETE FROM log_leaf"] {
                    query(sql).execute(&mut *tx).await?;
                }
                tx.commit().await?;
                Ok(true)
            }
        }
    };
}
pub(in crate::store) use recovery;
