//! Submitting: the outbox is drained in order; a statement is done when its receipt verifies. Now and then the log is asked
//! whether it still has what it acknowledged: what it lacks is sent again.

mod back;
mod receipts;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::enrolment::{READ_TYPE, ReadBody};
use ldsp_protocol::problem::{Drawn, GAP, Problem};
use ldsp_protocol::recovery::CHECKPOINT_HEADER;
use rand_core::CryptoRng;

pub(crate) use self::back::{OwnFound, hold_larger, own_row};
pub(crate) use self::receipts::{Held, keep, proven};
use crate::enrol;
use crate::seal::{QueueError, check_head};
use crate::store::enrolment::{self, Enrolment};
use crate::store::outbox::{self, OutboxRow};
use crate::store::proofs;
use crate::store::{Store, StoreError};
use crate::transport::{Answer, ENVELOPE_TYPE, Method, Request, Transport, Unreachable};

/// Backoff while the aggregator is away: doubles from here …
const SHORTEST: i64 = 1;
/// … to here.
const LONGEST: i64 = 15 * 60;
/// After a refusal that a person has to look at: doubles from here …
const REFUSED_SHORTEST: i64 = 60 * 60;
/// … to here. Also the longest `Retry-After` that is honoured.
const REFUSED_LONGEST: i64 = 24 * 60 * 60;
/// How often the log is asked whether it still has everything.
const ASK_EVERY: i64 = 30 * 60;
/// The same while the log lacks leaves that it acknowledged.
const ASK_AGAIN: i64 = 60;
/// Characters of a stranger's text that are kept for people.
const QUOTED: usize = 600;

/// What one step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// Every statement has its receipt.
    Drained,
    /// The node is not enrolled: nothing can be queued.
    NotEnrolled,
    /// The next statement is not to be sent before `until`.
    Waiting {
        /// Its number.
        seq: u64,
        /// When it will be sent.
        until: Timestamp,
        /// Why the last attempt failed.
        problem: Option<String>,
    },
    /// A receipt verified and is kept.
    Acknowledged {
        /// Its number.
        seq: u64,
        /// Its place in the log, from 0.
        index: u64,
    },
    /// An attempt failed; the statement stays as it is.
    Postponed {
        /// Its number.
        seq: u64,
        /// When it will be sent again.
        until: Timestamp,
        /// Why, with the next step.
        problem: String,
    },
}

/// Drains the outbox of one node.
#[derive(Debug, Clone)]
pub struct Submitter<T> {
    store: Store,
    transport: T,
    /// Signs requests, never statements.
    key: SigningKey,
}

/// A failed attempt.
struct Failure {
    problem: String,
    /// A person has to look at it: the same bytes will hardly be taken a minute later.
    refused: bool,
    /// Seconds that the aggregator asked to be left alone for.
    retry_after: Option<i64>,
    /// The log lacks leaves that it acknowledged.
    behind: bool,
}

impl<T: Transport> Submitter<T> {
    /// A submitter over `store` and `transport`; requests that tell who asks are signed with the node's `key`.
    pub fn new(store: Store, transport: T, key: SigningKey) -> Self {
        Self {
            store,
            transport,
            key,
        }
    }

    /// Sends the first statement that the log has not acknowledged, if it is due; `at_once` ignores its waiting time.
    ///
    /// Sending is repeatable (the address names node and sequence number), so it comes first: killed between the
    /// answer and the row, the node sends the same bytes again and gets the same receipt. Nothing is
    /// acknowledged that did not verify, nothing is signed again. `rng` spreads the nodes' retries.
    ///
    /// # Errors
    /// The store's; the aggregator's refusals are outcomes.
    pub async fn step(
        &self,
        now: Timestamp,
        at_once: bool,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<StepOutcome, StoreError> {
        let mut connection = self.store.reader.acquire().await?;
        let Some(enrolment) = enrolment::read(&mut connection).await? else {
            return Ok(StepOutcome::NotEnrolled);
        };
        let since = now.as_second() - proofs::asked_at(&mut connection).await?;
        drop(connection);
        // A person who asks does not wait, and asks once.
        if since.abs() >= ASK_EVERY || (at_once && since != 0) {
            self.look(&enrolment, now).await?;
        }
        let mut connection = self.store.reader.acquire().await?;
        let Some(row) = outbox::first_waiting(&mut connection).await? else {
            drop(connection);
            self.gather(&enrolment, now).await?;
            return Ok(StepOutcome::Drained);
        };
        drop(connection);
        if !at_once && row.next_attempt_at > now.as_second() {
            return Ok(StepOutcome::Waiting {
                seq: row.seq,
                until: moment(row.next_attempt_at, now),
                problem: row.problem,
            });
        }
        // What a receipt covers has to be here before the next one: the log may need it back.
        self.gather(&enrolment, now).await?;
        let mut attempted = self.attempt(&enrolment, &row, now).await?;
        if attempted.as_ref().is_err_and(|failure| failure.behind)
            && !self.mend(&enrolment, now).await?
        {
            // What this node had was all that the log lacked.
            attempted = self.attempt(&enrolment, &row, now).await?;
        }
        match attempted {
            Ok(held) => {
                let mut transaction = self.store.write().await?;
                receipts::keep(&mut transaction, &enrolment, row.seq, &held, now).await?;
                transaction.commit().await?;
                self.gather(&enrolment, now).await?;
                Ok(StepOutcome::Acknowledged {
                    seq: row.seq,
                    index: held.index,
                })
            }
            Err(failure) => self.postpone(&row, failure, now, rng).await,
        }
    }

    /// Steps until nothing is left or nothing moves. The last outcome says which; a person who asks does not wait
    /// for a backoff.
    ///
    /// # Errors
    /// The store's.
    pub async fn drain(
        &self,
        now: Timestamp,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<(u64, StepOutcome), StoreError> {
        let mut sent = 0;
        loop {
            match self.step(now, true, rng).await? {
                StepOutcome::Acknowledged { .. } => sent += 1,
                outcome => return Ok((sent, outcome)),
            }
        }
    }

    async fn attempt(
        &self,
        enrolment: &Enrolment,
        row: &OutboxRow,
        now: Timestamp,
    ) -> Result<Result<Held, Failure>, StoreError> {
        if row.envelope.is_empty() {
            return Ok(Err(refused(format!(
                "The log lost statement {}, which was withdrawn and of which this node has only the receipt. Ask the national operator to restore a later backup of the log, which holds its place.",
                row.seq
            ))));
        }
        if let Err(failure) = self.stands(enrolment, now).await? {
            return Ok(Err(failure));
        }
        let answer = match self.send(enrolment, row).await? {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(away(&error))),
        };
        let judged = judge(&answer, enrolment, row, now);
        if let Err(failure) = &judged
            && failure.refused
        {
            // Keep the log's view of the node: a node that is behind must not sign. Best effort: the refusal stands.
            if let Err(error) = enrol::refresh(&self.store, &self.transport, enrolment).await {
                tracing::debug!(%error, "the node's record could not be refreshed after a refusal");
            }
        }
        Ok(judged)
    }

    /// Sends a statement with the checkpoint that the node holds.
    async fn send(
        &self,
        enrolment: &Enrolment,
        row: &OutboxRow,
    ) -> Result<Result<Answer, Unreachable>, StoreError> {
        let held = proofs::checkpoint(&mut *self.store.reader.acquire().await?).await?;
        let mut headers = vec![("content-type", ENVELOPE_TYPE.to_owned())];
        // By it a log that was rolled back knows that it was.
        headers.extend(held.map(|note| (CHECKPOINT_HEADER, BASE64.encode(note))));
        let request = Request {
            method: Method::Put,
            path: format!("/v1/nodes/{}/statements/{}", enrolment.node, row.seq),
            headers,
            body: row.envelope.clone(),
        };
        Ok(self.transport.call(request).await)
    }

    /// Asks the log where this node's sequence ends, before anything is sent. A database that was restored from a backup may hold
    /// a second draw of a month that left already: once sent, anybody who keeps both could take the noise off. Such a
    /// statement is refused here, and not by the receiver.
    async fn stands(
        &self,
        enrolment: &Enrolment,
        now: Timestamp,
    ) -> Result<Result<(), Failure>, StoreError> {
        let answer = match self.transport.call(enrol::ask(&enrolment.node)).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => return Ok(Err(unanswered(&answer, now))),
            Err(error) => return Ok(Err(away(&error))),
        };
        match enrol::heard(&self.store, enrolment, &answer).await {
            Ok(record) if !record.state.is_approved() && !enrolment.active => {
                return Ok(Err(pending()));
            }
            // A key that was active and is not any more: the answer to the statement says why.
            Ok(_) => {}
            Err(enrol::EnrolError::Store(error)) => return Err(error),
            Err(error) => return Ok(Err(refused(format!("{error}. {}", error.next())))),
        }
        let mut connection = self.store.reader.acquire().await?;
        let Some(enrolment) = enrolment::read(&mut connection).await? else {
            return Ok(Err(pending()));
        };
        match check_head(&mut connection, &enrolment).await {
            Ok(_) => Ok(Ok(())),
            Err(QueueError::Store(error)) => Err(error),
            Err(error) => Ok(Err(refused(format!(
                "{error}. Nothing was sent. {}",
                error.next()
            )))),
        }
    }

    async fn postpone(
        &self,
        row: &OutboxRow,
        failure: Failure,
        now: Timestamp,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<StepOutcome, StoreError> {
        let (shortest, longest) = if failure.refused {
            (REFUSED_SHORTEST, REFUSED_LONGEST)
        } else {
            (SHORTEST, LONGEST)
        };
        let wait = backoff(row.attempts, shortest, longest, rng);
        let asked = failure.retry_after.unwrap_or(0).clamp(0, REFUSED_LONGEST);
        let until = now.as_second() + wait.max(asked);
        let mut transaction = self.store.write().await?;
        outbox::postpone(&mut transaction, row.seq, until, &failure.problem).await?;
        transaction.commit().await?;
        Ok(StepOutcome::Postponed {
            seq: row.seq,
            until: moment(until, now),
            problem: failure.problem,
        })
    }
}

fn pending() -> Failure {
    Failure {
        problem: "The key is not approved yet. Read this node\u{2019}s fingerprint to the national operator over the telephone; statements leave once it is approved.".to_owned(),
        refused: false,
        retry_after: None,
        behind: false,
    }
}

fn away(error: &Unreachable) -> Failure {
    Failure {
        problem: format!("{error}. {}", error.next()),
        refused: false,
        retry_after: None,
        behind: false,
    }
}

fn refused(problem: String) -> Failure {
    Failure {
        problem,
        refused: true,
        retry_after: None,
        behind: false,
    }
}

/// Seconds to wait after `attempts` earlier failures: doubled each time, half of it at random (so that
/// nodes that failed together do not come back together).
fn backoff(attempts: u32, shortest: i64, longest: i64, rng: &mut (dyn CryptoRng + Send)) -> i64 {
    let doubled = shortest.saturating_mul(1 << attempts.min(20));
    let whole = doubled.clamp(1, longest);
    let half = whole / 2;
    let span = (whole - half).cast_unsigned() + 1;
    // The bias of a remainder of 64 random bits is of no matter for a waiting time.
    whole - (rng.next_u64() % span).cast_signed()
}

fn judge(
    answer: &Answer,
    enrolment: &Enrolment,
    row: &OutboxRow,
    now: Timestamp,
) -> Result<Held, Failure> {
    match answer.status {
        200 | 201 => receipts::read(answer, enrolment, row).map_err(|why| {
            refused(format!(
                "The aggregator answered with a receipt that does not hold: {why}. The statement stays queued. Check that the address is the national aggregator's and tell its operator."
            ))
        }),
        _ => Err(unanswered(answer, now)),
    }
}

/// An answer that is not what was asked for: the aggregator is in trouble, or refuses.
fn unanswered(answer: &Answer, now: Timestamp) -> Failure {
    match answer.status {
        _ if back::is_behind(answer) => Failure {
            problem: in_words(answer),
            refused: false,
            retry_after: None,
            behind: true,
        },
        // 408: the line stalled while the statement was sent.
        408 | 429 | 500..=599 => Failure {
            problem: in_words(answer),
            refused: false,
            retry_after: answer
                .retry_after
                .as_deref()
                .and_then(|text| retry_after(text, now)),
            behind: false,
        },
        _ => refused(in_words(answer)),
    }
}

/// RFC 9110 section 10.2.3: seconds, or an HTTP date.
fn retry_after(text: &str, now: Timestamp) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<i64>() {
        return Some(seconds);
    }
    let date = rfc2822::parse(text.trim()).ok()?;
    Some(date.timestamp().as_second() - now.as_second())
}

/// A refusal for people: the problem's own words where it is one.
pub(crate) fn in_words(answer: &Answer) -> String {
    let text = match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) if problem.code == GAP.code => match problem.expected_seq {
            Some(expected) => format!("{problem} The aggregator expects statement {expected}."),
            None => problem.to_string(),
        },
        Ok(problem) => problem.to_string(),
        Err(_) => format!(
            "The aggregator answered with status {} and no explanation. If it stays so, tell its operator the time.",
            answer.status
        ),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTED)
        .collect()
}

fn moment(second: i64, now: Timestamp) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(now)
}

/// Why a signed read gave nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("{0}")]
    Refused(String),
    #[error("{said}")]
    Withdrawn {
        /// Why, and what to do.
        said: String,
        /// Of a month: where it stands in this node's ledger. An aggregator of before this was asked for does not say.
        drawn: Option<Drawn>,
    },
}

/// Says that this node asks for `path`; holds for five minutes.
pub(crate) fn credential(
    enrolment: &Enrolment,
    key: &SigningKey,
    path: &str,
    now: Timestamp,
) -> String {
    let body = ReadBody {
        schema: 1,
        origin: enrolment.origin.clone(),
        node: enrolment.node.clone(),
        path: path.to_owned(),
        at: now,
    };
    let bytes = serde_json::to_vec(&body).expect("strings and a number always serialise");
    let sealed = Sealed::sign(key, READ_TYPE, &bytes);
    format!("LDSP {}", BASE64.encode(sealed.envelope()))
}

/// Reads `path` (path and query) as this node: what only enrolled nodes may see, such as peers' practice. The request is
/// signed with the node's key and holds for five minutes.
///
/// # Errors
/// [`ReadError`].
pub async fn read<T: Transport>(
    transport: &T,
    enrolment: &Enrolment,
    key: &SigningKey,
    path: &str,
    now: Timestamp,
) -> Result<Vec<u8>, ReadError> {
    let mut request = Request::get(path);
    let signed = credential(enrolment, key, path, now);
    request.headers.push(("authorization", signed));
    let answer = transport.call(request).await?;
    match answer.status {
        200 => Ok(answer.body),
        410 => Err(ReadError::Withdrawn {
            said: in_words(&answer),
            drawn: serde_json::from_slice::<Problem>(&answer.body)
                .ok()
                .and_then(|problem| problem.drawn),
        }),
        _ => Err(ReadError::Refused(in_words(&answer))),
    }
}
