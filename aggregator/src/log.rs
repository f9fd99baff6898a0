//! Log: one sequencer gives statements their places. It takes whatever is queued (at most
//! [`BATCH`]) into one durable transaction as soon as the writer is free and never waits to fill a
//! batch; nobody is answered before the transaction is on disk. Order is the log's, never time's.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::note::{NoteError, Verifier};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::receipt::{Claim, Receipt};
use tokio::sync::{mpsc, oneshot};

use crate::store::{Equivocation, Log, NewStatement, Place, Placed, StoreError};
use crate::verify::{Authentic, VerifiedStatement, chain};

/// Statements of one transaction at most.
pub const BATCH: usize = 256;
/// Statements that may wait for the writer; further senders wait at the door.
const QUEUE: usize = 1024;

/// The log's key and name.
#[derive(Clone)]
pub struct Signer {
    key: Arc<SigningKey>,
    verifier: Verifier,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer for the log `origin`.
    ///
    /// # Errors
    /// [`NoteError::Name`] when the origin cannot name a signer.
    pub fn new(key: SigningKey, origin: &str) -> Result<Self, NoteError> {
        let verifier = Verifier::new(origin, key.verifying_key())?;
        Ok(Self {
            key: Arc::new(key),
            verifier,
        })
    }

    /// The log's verifier key.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs an envelope of the log's own.
    #[must_use]
    pub fn seal(&self, payload_type: &str, body: &[u8]) -> Sealed {
        Sealed::sign(&self.key, payload_type, body)
    }

    /// The receipt of a statement at `index`: the same for the same place, whenever it is made.
    fn receipt(&self, new: &NewStatement, index: u64) -> String {
        let claim = Claim {
            origin: self.verifier.name().to_owned(),
            node: new.node.clone(),
            seq: new.seq,
            pae: new.pae,
        };
        let receipt = Receipt::sign(&self.key, &claim, index);
        let receipt = receipt.expect("the origin named a verifier, so it can name a signer");
        receipt.as_text().to_owned()
    }
}

/// An answer that may be given: the statement is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Place and receipt.
    pub place: Place,
    /// Whether it was logged by this very request.
    pub new: bool,
}

type Answer = Result<Logged, Problem>;

struct Job {
    new: NewStatement,
    answer: oneshot::Sender<Answer>,
}

/// The door to the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sequencer {
    queue: mpsc::Sender<Job>,
}

/// The one that writes the log.
pub struct Worker<S> {
    store: S,
    signer: Signer,
    queue: mpsc::Receiver<Job>,
}

/// A sequencer and its worker, which the caller runs.
#[must_use]
pub fn sequencer<S: Log>(store: S, signer: Signer) -> (Sequencer, Worker<S>) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let worker = Worker {
        store,
        signer,
        queue,
    };
    (Sequencer { queue: sender }, worker)
}

/// The problem of a store that cannot write.
#[must_use]
pub fn storage() -> Problem {
    Problem::new(
        problem::STORAGE,
        "The database did not take the write. Nothing was acknowledged.",
    )
}

impl Sequencer {
    /// Whether the worker still takes statements.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Logs a statement and answers when it is durable.
    ///
    /// # Errors
    /// Problems `gap`, `chain`, `equivocation`, `storage`.
    pub async fn log(&self, statement: VerifiedStatement) -> Answer {
        let (answer, logged) = oneshot::channel();
        let job = Job {
            new: statement.into_new(),
            answer,
        };
        self.queue.send(job).await.map_err(|_| storage())?;
        logged.await.map_err(|_| storage())?
    }
}

impl<S: Log> Worker<S> {
    /// Works until every door is closed.
    ///
    /// # Errors
    /// A failed fsync: what is on disk is unknown, so the process must end and read it back.
    pub async fn run(mut self) -> Result<(), StoreError> {
        while self.step().await? {}
        Ok(())
    }

    /// Waits for a statement, logs it with all that are queued behind it, and answers. `false` when
    /// every door is closed.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn step(&mut self) -> Result<bool, StoreError> {
        let mut jobs = Vec::new();
        if self.queue.recv_many(&mut jobs, BATCH).await == 0 {
            return Ok(false);
        }
        let (batch, doors): (Vec<NewStatement>, Vec<oneshot::Sender<Answer>>) =
            jobs.into_iter().map(|job| (job.new, job.answer)).unzip();
        let sign = |new: &NewStatement, index: u64| self.signer.receipt(new, index);
        match self.store.append(&batch, &sign).await {
            Ok(placed) => {
                announce(&placed);
                for ((new, outcome), door) in batch.iter().zip(placed).zip(doors) {
                    if let Placed::Failed { cause } = &outcome {
                        tracing::error!(node = %new.node, seq = new.seq, cause, "a statement could not be logged");
                    }
                    // A sender that went away asks again and gets the same receipt.
                    drop(door.send(answer(new, outcome)));
                }
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, statements = batch.len(), "a batch could not be logged");
                for door in doors {
                    drop(door.send(Err(storage())));
                }
                if error.is_fatal() {
                    Err(error)
                } else {
                    Ok(true)
                }
            }
        }
    }
}

/// One line a batch: a line for each statement would cost as much as its place in the log.
fn announce(placed: &[Placed]) {
    let mut logged = placed.iter().filter_map(|outcome| match outcome {
        Placed::Logged(place) => Some(place.index),
        _ => None,
    });
    if let Some(first) = logged.next() {
        let last = logged.next_back().unwrap_or(first);
        tracing::info!(first, last, "statements were logged");
    }
}

fn answer(new: &NewStatement, outcome: Placed) -> Answer {
    match outcome {
        Placed::Logged(place) => Ok(Logged { place, new: true }),
        Placed::Before(place) => Ok(Logged { place, new: false }),
        Placed::Equivocation { logged } => Err(equivocation(new.seq, logged)),
        Placed::Gap { expected } => Err(Problem::gap(expected, new.seq)),
        Placed::Chain => Err(chain(new.seq - 1)),
        Placed::Failed { .. } => Err(storage()),
    }
}

fn equivocation(seq: u64, logged: Digest) -> Problem {
    let detail = format!("Statement {seq} is logged with digest {logged}. Both are kept as proof.");
    Problem::new(problem::EQUIVOCATION, detail)
}

/// Answers a statement whose place is already taken: the stored receipt for the same statement;
/// for another one, a refusal, and the proof is kept.
///
/// # Errors
/// Trouble with the store; inside, the problem `equivocation`. `Ok(None)` when the place is free.
pub async fn compare<S: Log>(
    store: &S,
    authentic: &Authentic,
    now: jiff::Timestamp,
) -> Result<Option<Answer>, StoreError> {
    let node = &authentic.node().node;
    let Some(logged) = store.statement(node, authentic.seq()).await? else {
        return Ok(None);
    };
    if logged.pae == authentic.pae() {
        return Ok(Some(Ok(Logged {
            place: Place {
                index: logged.index,
                receipt: logged.receipt,
            },
            new: false,
        })));
    }
    let proof = Equivocation {
        node: node.clone(),
        seq: authentic.seq(),
        logged: logged.pae,
        refused: authentic.pae(),
        envelope: authentic.envelope().to_vec(),
        received: now,
    };
    store.keep_evidence(&proof).await?;
    tracing::warn!(%node, seq = authentic.seq(), "a node signed two statements for one place");
    Ok(Some(Err(equivocation(authentic.seq(), logged.pae))))
}
