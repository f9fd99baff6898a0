//! Log: one sequencer gives statements their places. It takes whatever is queued (at most
//! [`BATCH`]) into one durable transaction as soon as the writer is free and never waits to fill a
//! batch; nobody is answered before the transaction is on disk. Order is the log's, never time's.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::Checkpoint;
use ldsp_protocol::note::{NoteError, Verifier};
use ldsp_protocol::problem::{self, Problem};
use ldsp_protocol::statement::Kind;
use tokio::sync::{mpsc, oneshot};

use crate::needs;
use crate::questionnaires::{Asked, by_identity};
use crate::store::{
    Announced, Appended, Equivocation, Library, Log, LoggedStatement, NewOwn, NewStatement,
    OwnEffect, Placed, Span, StatementFilter, StoreError, Turn,
};
use crate::tree::Tree;
use crate::verify::{Authentic, Target, VerifiedStatement, chain, revoked};

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

    /// The checkpoint of a tree: the same for the same tree, whenever it is signed.
    #[must_use]
    pub fn checkpoint(&self, size: u64, root: Digest) -> String {
        let checkpoint = Checkpoint {
            origin: self.verifier.name().to_owned(),
            size,
            root,
        };
        let signed = checkpoint.sign(&self.key);
        signed.expect("the origin named a verifier, so it can name a signer")
    }

    /// Logs statements of the log's own with what they change: `speak` says them, each for the turn that it takes, in the
    /// transaction that logs them.
    ///
    /// # Errors
    /// As [`Log::announce`].
    pub async fn announce<S: Log>(
        &self,
        store: &S,
        effect: &OwnEffect,
        speak: impl Fn(&mut Speech<'_>) + Send + Sync,
        now: Timestamp,
    ) -> Result<Announced, StoreError> {
        let make = |turn: &Turn| {
            let mut speech = Speech {
                signer: self,
                turn: *turn,
                now,
                said: Vec::new(),
            };
            speak(&mut speech);
            speech.said
        };
        let sign = |size, root| self.checkpoint(size, root);
        store.announce(&make, effect, &sign).await
    }
}

/// Statements of the log's own that are logged together, one after the other.
#[derive(Debug)]
pub struct Speech<'a> {
    signer: &'a Signer,
    turn: Turn,
    now: Timestamp,
    said: Vec<NewOwn>,
}

impl Speech<'_> {
    /// Says the next one, with the body that `body` makes for its turn; gives its place in the log's own sequence and its identity.
    pub fn say(&mut self, kind: Kind, body: impl FnOnce(&Turn) -> Vec<u8>) -> (u64, Digest) {
        let turn = self.turn;
        let sealed = self.signer.seal(&kind.payload_type(), &body(&turn));
        self.said.push(NewOwn {
            kind,
            key_id: key_id(self.signer.verifier.key()),
            pae: sealed.pae(),
            envelope: sealed.envelope().to_vec(),
            received: self.now,
        });
        self.turn = turn.after(sealed.pae());
        (turn.seq, sealed.pae())
    }
}

/// An answer that may be given: the statement is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its leaf.
    pub index: u64,
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
    tree: Arc<Tree<S>>,
    queue: mpsc::Receiver<Job>,
}

/// A sequencer and its worker, which the caller runs. `tree` is the one from which receipts are made.
#[must_use]
pub fn sequencer<S: Log>(store: S, signer: Signer, tree: Arc<Tree<S>>) -> (Sequencer, Worker<S>) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let worker = Worker {
        store,
        signer,
        tree,
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

/// The problem of a log that lacks leaves.
#[must_use]
pub fn behind() -> Problem {
    Problem::new(
        problem::LOG_BEHIND,
        "The log lacks leaves that it acknowledged, or may lack some. Nothing was logged.",
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
    /// Problems `gap`, `chain`, `equivocation`, `key-revoked`, `log-behind`, `storage`.
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
        let sign = |size, root| self.signer.checkpoint(size, root);
        match self.store.append(&batch, &sign).await {
            Ok(Appended { placed, growth }) => {
                // One line a batch: a line for each statement would cost as much as its place in the log. The tree grows before
                // anybody is answered, so that receipts need not be waited for.
                if let Some(growth) = &growth {
                    let last = growth.first + growth.leaves.len() as u64 - 1;
                    tracing::info!(first = growth.first, last, "statements were logged");
                    self.tree.grow(growth);
                }
                for ((new, outcome), door) in batch.iter().zip(placed).zip(doors) {
                    if let Placed::Failed { cause } = &outcome {
                        tracing::error!(node = %new.node, seq = new.seq, cause, "a statement could not be logged");
                    }
                    // A sender that went away asks again and gets a receipt as good.
                    drop(door.send(answer(new, outcome)));
                }
                Ok(true)
            }
            Err(StoreError::Behind) => {
                for door in doors {
                    drop(door.send(Err(behind())));
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

fn answer(new: &NewStatement, outcome: Placed) -> Answer {
    match outcome {
        Placed::Logged(index) => Ok(Logged { index, new: true }),
        Placed::Before(index) => Ok(Logged { index, new: false }),
        Placed::Equivocation { logged } => Err(equivocation(new.seq, logged)),
        Placed::Gap { expected } => Err(Problem::gap(expected, new.seq)),
        Placed::Chain => Err(chain(new.seq - 1)),
        Placed::Revoked { from } => Err(revoked(from)),
        Placed::Failed { .. } => Err(storage()),
    }
}

fn equivocation(seq: u64, logged: Digest) -> Problem {
    let detail = format!("Statement {seq} is logged with digest {logged}. Both are kept as proof.");
    Problem::new(problem::EQUIVOCATION, detail)
}

/// Answers a statement whose place is already taken: its leaf for the same statement;
/// for another one, a refusal, and the proof is kept unless the key was revoked.
///
/// # Errors
/// Trouble with the store; inside, the problems `equivocation`, `key-revoked`. `Ok(None)` when the place is free.
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
            index: logged.index,
            new: false,
        })));
    }
    if let Some(from) = authentic.node().revoked {
        // Nothing of it is kept: whoever holds the key could make as much of that as they please.
        return Ok(Some(Err(revoked(from))));
    }
    let proof = Equivocation {
        node: node.clone(),
        seq: authentic.seq(),
        logged: logged.pae,
        refused: authentic.pae(),
        envelope: kept(store, authentic, &logged).await?,
        received: now,
    };
    store.keep_evidence(&proof).await?;
    tracing::warn!(%node, seq = authentic.seq(), "a node signed two statements for one place");
    Ok(Some(Err(equivocation(authentic.seq(), logged.pae))))
}

/// What is kept of a refused statement: its envelope, unless that would bring back what was withdrawn. Of a withdrawn month the cells
/// can be told by their digest; of an entry nothing can, and a node that was restored sends it much as it was.
async fn kept<S: Log>(
    store: &S,
    refused: &Authentic,
    logged: &LoggedStatement,
) -> Result<Vec<u8>, StoreError> {
    let gone = match logged.withdrawn {
        None => false,
        Some(_) if logged.kind == Kind::PracticeEntry => true,
        Some(leaf) => {
            let revision = store.revision(leaf).await?;
            let cells = revision.and_then(|r| r.month).map(|(.., cells)| cells);
            cells.is_some() && cells == refused.cells()
        }
    };
    Ok(if gone {
        Vec::new()
    } else {
        refused.envelope().to_vec()
    })
}

/// What is logged of the statement that a withdrawal or a correction names. As its months: what the node adds meanwhile is found out
/// by the log's writer.
///
/// # Errors
/// Trouble with the store.
pub async fn target<S: Log>(
    store: &S,
    authentic: &Authentic,
) -> Result<Option<Target>, StoreError> {
    let Some(seq) = authentic.named() else {
        return Ok(None);
    };
    let named = store.statement(&authentic.node().node, seq).await?;
    Ok(named.as_ref().map(Target::from))
}

/// The questionnaire whose statement answers name, if it stands in the log.
///
/// # Errors
/// Trouble with the store.
pub async fn asked<S: Log>(store: &S, authentic: &Authentic) -> Result<Option<Asked>, StoreError> {
    match authentic.answered() {
        Some(pae) => by_identity(store, pae).await,
        None => Ok(None),
    }
}

/// The day of the node's last statement of the same kind of needs; `None` where this one is of another kind, or the first.
///
/// # Errors
/// Trouble with the store.
pub async fn published<S: Log>(
    store: &S,
    authentic: &Authentic,
) -> Result<Option<Date>, StoreError> {
    if authentic.needs().is_none() {
        return Ok(None);
    }
    let node = &authentic.node().node;
    let filter = StatementFilter {
        node: Some(node.clone()),
        kind: Some(authentic.kind()),
        span: Span::Newest,
    };
    let Some(last) = store.latest(&filter, 1).await?.pop() else {
        return Ok(None);
    };
    let last = store.statement(node, last.seq).await?;
    last.as_ref().map(needs::day).transpose()
}

/// What [`target`] gives of a statement that is not logged yet, with its place among an entry's versions.
///
/// # Errors
/// Trouble with the store.
pub async fn new_target<S: Log + Library>(
    store: &S,
    authentic: &Authentic,
) -> Result<Option<Target>, StoreError> {
    let mut target = target(store, authentic).await?;
    if let Some(target) = &mut target
        && target.kind == Kind::PracticeEntry
        && let Some(seq) = authentic.named()
    {
        target.between = between(store, &authentic.node().node, seq).await?;
    }
    Ok(target)
}

/// The number of the entry that this one replaced, if that is still there and this one was replaced itself.
async fn between<S: Library>(
    store: &S,
    node: &NodeSlug,
    seq: u64,
) -> Result<Option<u64>, StoreError> {
    let entry = store.entry(node, seq).await?;
    let Some(entry) = entry.filter(|entry| entry.superseded_by.is_some()) else {
        return Ok(None);
    };
    let Some(older) = entry.entry.supersedes else {
        return Ok(None);
    };
    let older = store.cited(older).await?;
    let replaced = older.filter(|o| o.node == *node && o.superseded_by == Some(entry.index));
    Ok(replaced.map(|older| older.seq))
}
