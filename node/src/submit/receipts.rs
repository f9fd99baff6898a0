//! Receipts: what is accepted as one, what is kept of it, and whether the log still stands by those it gave.

use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::log::{Checkpoint, Entry, Proof};
use ldsp_protocol::receipt::Receipt;
use sqlx::sqlite::SqliteConnection;

use super::{ASK_AGAIN, ASK_EVERY, Submitter};
use crate::enrol;
use crate::store::enrolment::Enrolment;
use crate::store::outbox::OutboxRow;
use crate::store::{StoreError, audit, proofs};
use crate::transport::{Answer, Request, Transport};

/// A receipt that verified for a statement of this node.
#[derive(Debug)]
pub(crate) struct Held {
    text: String,
    /// Its leaf.
    pub(super) index: u64,
    checkpoint: Checkpoint,
    /// The same as it was signed.
    note: String,
}

/// The receipt of an answer, if it is a proof that the log has the statement of `row`; else why not.
pub(super) fn read(
    answer: &Answer,
    enrolment: &Enrolment,
    row: &OutboxRow,
) -> Result<Held, String> {
    // The bytes in the outbox are the node's own.
    let sealed = Unverified::parse(&row.envelope).map_err(|e| e.to_string())?;
    let entry = Entry {
        kind: row.kind,
        node: enrolment.node.clone(),
        seq: row.seq,
        key_id: sealed.key_id(),
        pae: row.pae,
    };
    proven(answer, enrolment, &entry)
}

/// The receipt of an answer, if it is a proof that the log has `entry`; else why not.
pub(crate) fn proven(
    answer: &Answer,
    enrolment: &Enrolment,
    entry: &Entry,
) -> Result<Held, String> {
    let text = std::str::from_utf8(&answer.body).map_err(|_| "it is not text".to_owned())?;
    if !Receipt::from_text(text).is_proof() {
        return Err("it is not a proof (C2SP tlog-proof@v1)".to_owned());
    }
    let proof = Proof::parse(text).map_err(|e| e.to_string())?;
    let checkpoint = proof.verify(&enrolment.verifier, entry);
    Ok(Held {
        checkpoint: checkpoint.map_err(|e| e.to_string())?,
        text: text.to_owned(),
        index: proof.index,
        note: proof.checkpoint,
    })
}

/// Keeps a receipt, and its checkpoint if it is of the largest log so far. A log that became smaller, or another of the same size,
/// is noted with both checkpoints: together they prove it to anybody.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    enrolment: &Enrolment,
    seq: u64,
    held: &Held,
    now: Timestamp,
) -> Result<(), StoreError> {
    proofs::keep(connection, seq, &held.text, held.index, now.as_second()).await?;
    let before = proofs::checkpoint(connection).await?;
    let known = before
        .as_deref()
        .and_then(|note| Checkpoint::open(&enrolment.verifier, note).ok());
    match (known, before) {
        (Some(known), Some(before))
            if held.checkpoint.size < known.size
                || (held.checkpoint.size == known.size && held.checkpoint.root != known.root) =>
        {
            let detail = format!(
                "it signed {} leaves before and {} now, statement {seq}:\n{before}\n{}",
                known.size, held.checkpoint.size, held.note
            );
            tracing::warn!(
                seq,
                before = known.size,
                now = held.checkpoint.size,
                "the log went back"
            );
            audit::append(connection, now, "node", "log-went-back", &detail).await
        }
        (Some(known), _) if known.size == held.checkpoint.size => Ok(()),
        _ => proofs::hold(connection, &held.note).await,
    }
}

impl<T: Transport> Submitter<T> {
    /// Asks the log whether it still has what it acknowledged. What it lacks, because it was restored from a backup, is queued
    /// again, its old receipts kept; receipts of before there was a tree are replaced by proofs. Best effort: an aggregator that
    /// does not answer is asked again later.
    pub(super) async fn look(
        &self,
        enrolment: &Enrolment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = now.as_second();
        let mut transaction = self.store.write().await?;
        proofs::asked(&mut transaction, at).await?;
        transaction.commit().await?;
        if self.mend(enrolment, now).await? {
            let mut transaction = self.store.write().await?;
            proofs::asked(&mut transaction, at - ASK_EVERY + ASK_AGAIN).await?;
            transaction.commit().await?;
        }
        let record = match self.transport.call(enrol::ask(&enrolment.node)).await {
            Ok(answer) if answer.status == 200 => {
                enrol::heard(&self.store, enrolment, &answer).await
            }
            _ => return Ok(()),
        };
        let record = match record {
            Ok(record) => record,
            Err(enrol::EnrolError::Store(error)) => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "what the log has of this node was not understood");
                return Ok(());
            }
        };
        let mut transaction = self.store.write().await?;
        let lost = proofs::reopen(&mut transaction, record.seq, at).await?;
        if lost > 0 {
            let detail = format!(
                "it has {} statements; {lost} more are sent again",
                record.seq
            );
            tracing::warn!(
                lost,
                head = record.seq,
                "the log lost statements that it acknowledged"
            );
            audit::append(
                &mut transaction,
                now,
                "node",
                "log-lost-statements",
                &detail,
            )
            .await?;
        }
        transaction.commit().await?;
        self.renew(enrolment, now).await
    }

    /// Fetches proofs for statements whose receipts are of before there was a tree.
    async fn renew(&self, enrolment: &Enrolment, now: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.store.reader.acquire().await?;
        let old = proofs::without_proof(&mut connection).await?;
        drop(connection);
        for row in old {
            let path = format!(
                "/v1/nodes/{}/statements/{}/receipt",
                enrolment.node, row.seq
            );
            let answer = match self.transport.call(Request::get(path)).await {
                Ok(answer) if answer.status == 200 => answer,
                _ => return Ok(()),
            };
            let held = read(&answer, enrolment, &row).and_then(|held| {
                let same = Some(held.index) == row.log_index;
                let moved = || {
                    format!(
                        "it proves place {}, the first one {:?}",
                        held.index, row.log_index
                    )
                };
                if same { Ok(()) } else { Err(moved()) }?;
                Ok(held)
            });
            match held {
                Ok(held) => {
                    let mut transaction = self.store.write().await?;
                    keep(&mut transaction, enrolment, row.seq, &held, now).await?;
                    transaction.commit().await?;
                }
                // The receipt that is held goes on to hold.
                Err(why) => tracing::warn!(seq = row.seq, why, "a new receipt does not hold"),
            }
        }
        Ok(())
    }
}
