//! A log that was restored from a backup lacks leaves that it acknowledged. The node says what it holds, and sends back what the log
//! lacks: its own statements and the log's own, each with the receipt that proves its place. Nothing is signed for that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::log::{Checkpoint, Entry, Proof};
use ldsp_protocol::own::{NAME, OwnStatement};
use ldsp_protocol::problem::{LOG_BEHIND, Problem};
use ldsp_protocol::recovery::{LogState, RECEIPT_HEADER};
use sqlx::sqlite::SqliteConnection;

use super::{Submitter, credential};
use crate::store::enrolment::Enrolment;
use crate::store::proofs::OwnRow;
use crate::store::{StoreError, audit, outbox, proofs};
use crate::transport::{Answer, ENVELOPE_TYPE, Method, Request, Transport};

/// Of the log's own statements that are fetched at once; the others come later.
const FETCHED: u64 = 512;

/// Whether the log answered that it lacks leaves.
pub(super) fn is_behind(answer: &Answer) -> bool {
    let problem = serde_json::from_slice::<Problem>(&answer.body);
    answer.status == LOG_BEHIND.status && problem.is_ok_and(|p| p.code == LOG_BEHIND.code)
}

impl<T: Transport> Submitter<T> {
    /// Says which checkpoint the node holds, and sends back what the log lacks if it lacks anything. Gives whether the log still
    /// waits for something afterwards. Best effort: an aggregator that does not answer is told later.
    pub(super) async fn mend(
        &self,
        enrolment: &Enrolment,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.say(enrolment, now).await? {
            return Ok(false);
        }
        self.give_back(now).await?;
        self.offer(enrolment, now).await?;
        // Now the log has everything that this node can give.
        self.say(enrolment, now).await
    }

    /// Gives whether the log lacks leaves.
    async fn say(&self, enrolment: &Enrolment, now: Timestamp) -> Result<bool, StoreError> {
        let held = proofs::checkpoint(&mut *self.store.reader.acquire().await?).await?;
        if held.is_none() && !enrolment.active {
            return Ok(false);
        }
        let path = format!("/v1/nodes/{}/checkpoint", enrolment.node);
        let signed = credential(enrolment, &self.key, &path, now);
        let request = Request {
            method: Method::Post,
            path,
            headers: vec![
                ("content-type", "text/plain; charset=utf-8".to_owned()),
                ("authorization", signed),
            ],
            body: held.unwrap_or_default().into_bytes(),
        };
        let answer = self.transport.call(request).await;
        Ok(answer.is_ok_and(|answer| is_behind(&answer)))
    }

    async fn give_back(&self, now: Timestamp) -> Result<(), StoreError> {
        let state = match self.transport.call(Request::get("/v1/recovery")).await {
            Ok(answer) if answer.status == 200 => answer,
            _ => return Ok(()),
        };
        let Ok(state) = serde_json::from_slice::<LogState>(&state.body) else {
            tracing::warn!("what the log lacks was not understood");
            return Ok(());
        };
        let mut connection = self.store.reader.acquire().await?;
        let mut leaves = proofs::owns(&mut connection, state.size).await?;
        let present = outbox::all(&mut connection).await?.into_iter();
        let present = present.filter_map(|row| Some((row.seq, row.envelope, row.receipt?)));
        // A log that signed two histories may follow the one that an earlier receipt is of.
        let replaced = proofs::replaced(&mut connection).await?;
        for (seq, envelope, receipt) in present.chain(replaced) {
            if let Ok(proof) = Proof::parse(&receipt)
                && !envelope.is_empty()
            {
                leaves.push(OwnRow {
                    seq,
                    log_index: proof.index,
                    envelope,
                    receipt,
                });
            }
        }
        drop(connection);
        leaves.retain(|leaf| state.lacks(leaf.log_index));
        let (mut sent, all) = (0, leaves.len());
        for leaf in leaves {
            let request = Request {
                method: Method::Put,
                path: format!("/v1/recovery/leaves/{}", leaf.log_index),
                headers: vec![
                    ("content-type", ENVELOPE_TYPE.to_owned()),
                    (RECEIPT_HEADER, BASE64.encode(leaf.receipt)),
                ],
                body: leaf.envelope,
            };
            match self.transport.call(request).await {
                Ok(answer) if matches!(answer.status, 200 | 202) => sent += 1,
                Ok(answer) => {
                    let why = super::in_words(&answer);
                    tracing::warn!(
                        leaf = leaf.log_index,
                        why,
                        "the log did not take a statement back"
                    );
                }
                Err(_) => break,
            }
        }
        if all > 0 {
            let detail = format!(
                "it has {} leaves and needs {}; {sent} of {all} statements that it lacks and this node has were sent back",
                state.size, state.needs
            );
            tracing::warn!(sent, all, "the log lacks leaves that it acknowledged");
            let mut transaction = self.store.write().await?;
            audit::append(&mut transaction, now, "node", "log-sent-back", &detail).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Sends the first statement that has no receipt, even where earlier ones wait for the log: it may be one that the log signed over
    /// and whose answer was lost. A stopped log logs nothing new; it looks whether that is a leaf that it lacks. Best effort.
    async fn offer(&self, enrolment: &Enrolment, now: Timestamp) -> Result<(), StoreError> {
        let rows = outbox::all(&mut *self.store.reader.acquire().await?).await?;
        let first = rows.into_iter().find(|row| row.receipt.is_none());
        if let Some(row) = first
            && self.stands(enrolment, now).await?.is_ok()
            && let Err(error) = self.send(enrolment, &row).await?
        {
            tracing::debug!(%error, seq = row.seq, "a statement without a receipt was not sent");
        }
        Ok(())
    }

    /// Fetches those of the log's own statements that the node lacks of the largest log that it knows. Best effort.
    pub(super) async fn gather(
        &self,
        enrolment: &Enrolment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut connection = self.store.reader.acquire().await?;
        let note = proofs::checkpoint(&mut connection).await?;
        let (mut next, through) = proofs::own_through(&mut connection).await?;
        drop(connection);
        let held = note.and_then(|note| Checkpoint::open(&enrolment.verifier, &note).ok());
        let Some(held) = held.filter(|held| held.size > through) else {
            return Ok(());
        };
        let end = next + FETCHED;
        while next < end {
            let path = format!("/v1/nodes/{NAME}/statements/{next}");
            let receipt = format!("{path}/receipt");
            let Ok(envelope) = self.transport.call(Request::get(path)).await else {
                return Ok(());
            };
            if envelope.status == 404 {
                let mut transaction = self.store.write().await?;
                proofs::have_own(&mut transaction, held.size).await?;
                return Ok(transaction.commit().await?);
            }
            let Ok(receipt) = self.transport.call(Request::get(receipt)).await else {
                return Ok(());
            };
            let OwnFound {
                row: own, under, ..
            } = match own_row(enrolment, next, &envelope, &receipt) {
                Ok(found) => found,
                Err(why) => {
                    tracing::debug!(
                        seq = next,
                        why,
                        "a statement of the log's own was not taken"
                    );
                    return Ok(());
                }
            };
            let mut transaction = self.store.write().await?;
            proofs::keep_own(&mut transaction, &own, now.as_second()).await?;
            hold_larger(&mut transaction, enrolment, &under).await?;
            transaction.commit().await?;
            next += 1;
        }
        Ok(())
    }
}

/// Holds the checkpoint of a receipt if it is of a larger log than the one that is held: what the node has seen signed is what it has to
/// show a log that was restored.
pub(crate) async fn hold_larger(
    connection: &mut SqliteConnection,
    enrolment: &Enrolment,
    (under, note): &(Checkpoint, String),
) -> Result<(), StoreError> {
    let held = proofs::checkpoint(connection).await?;
    let held = held.and_then(|note| Checkpoint::open(&enrolment.verifier, &note).ok());
    if held.is_some_and(|held| held.size >= under.size) {
        return Ok(());
    }
    proofs::hold(connection, note).await
}

/// A statement of the log's own that is proven to be one.
pub(crate) struct OwnFound {
    /// As it came.
    pub(crate) row: OwnRow,
    /// What it says.
    pub(crate) said: OwnStatement,
    /// SHA-256 of its PAE.
    pub(crate) pae: Digest,
    /// The checkpoint that its receipt leads to, and the same as it was signed.
    pub(crate) under: (Checkpoint, String),
}

/// A statement of the log's own with its receipt, if log and receipt say that it is one; else why not.
pub(crate) fn own_row(
    enrolment: &Enrolment,
    seq: u64,
    envelope: &Answer,
    receipt: &Answer,
) -> Result<OwnFound, String> {
    if (envelope.status, receipt.status) != (200, 200) {
        return Err(format!(
            "answers {} and {}",
            envelope.status, receipt.status
        ));
    }
    let unverified = Unverified::parse(&envelope.body).map_err(|e| e.to_string())?;
    let entry = Entry::claimed(&unverified).ok_or("no statement")?;
    let verified = unverified.verify(enrolment.verifier.key());
    let verified = verified.map_err(|e| e.to_string())?;
    let said = OwnStatement::read(&verified).map_err(|e| e.to_string())?;
    if said.seq != seq {
        return Err("another number".to_owned());
    }
    if said.origin != enrolment.origin {
        return Err("another log".to_owned());
    }
    let text = std::str::from_utf8(&receipt.body).map_err(|e| e.to_string())?;
    let proof = Proof::parse(text).map_err(|e| e.to_string())?;
    let under = proof.verify(&enrolment.verifier, &entry);
    let under = under.map_err(|e| e.to_string())?;
    let row = OwnRow {
        seq,
        log_index: proof.index,
        envelope: envelope.body.clone(),
        receipt: text.to_owned(),
    };
    Ok(OwnFound {
        row,
        said,
        pae: verified.pae(),
        under: (under, proof.checkpoint),
    })
}
