//! Hearing of questionnaires: the log lists them, and each is believed only as a statement that the log's key signed and whose place
//! its receipt proves. One that does not hold is noted for people and does not stop the others.

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Gss, QuestionId};
use ldsp_protocol::own::{NAME, Own};
use ldsp_protocol::questionnaire::Questionnaire;
use serde::Deserialize;
use serde_json::Value;

use crate::store::enrolment::{self, Enrolment};
use crate::store::questionnaires::{self, Left};
use crate::store::{Store, StoreError, audit};
use crate::submit::{OwnFound, hold_larger, in_words, own_row};
use crate::transport::{Request, Transport};

/// Lines of the list that are looked at; the log's operators ask for a handful.
const LISTED: usize = 200;

/// What one step heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Questionnaires and versions that are new here.
    pub new: Vec<(QuestionId, u32)>,
    /// Number of those that were refused.
    pub refused: usize,
    /// Why nothing, or not everything, was heard.
    pub problem: Option<String>,
}

/// What the log answers. Members that a newer one adds are left aside.
#[derive(Deserialize)]
struct List {
    questionnaires: Vec<Value>,
}

#[derive(Deserialize)]
struct Line {
    name: QuestionId,
    version: u32,
    seq: u64,
    index: u64,
    pae: Digest,
}

impl Line {
    fn claims(&self) -> Option<(QuestionId, u32)> {
        Some((self.name.clone(), self.version))
    }
}

/// Asks the log what its operators ask of LEPs, and keeps what is new and asks this one. Repeatable at any time: what is here is not
/// fetched again, and what was refused is looked at anew.
///
/// # Errors
/// The store's; what the log gets wrong is noted and told.
pub async fn hear<T: Transport>(
    store: &Store,
    transport: &T,
    now: Timestamp,
) -> Result<Heard, StoreError> {
    let mut reader = store.reader.acquire().await?;
    let place = enrolment::read(&mut reader).await?;
    let lep = enrolment::lep(&mut reader).await?;
    drop(reader);
    let (Some(place), Some(lep)) = (place, lep) else {
        return Ok(Heard::default());
    };
    let mut found = Heard::default();
    let mut listed = Vec::new();
    match list(transport).await {
        Ok(lines) => {
            for line in lines {
                let hearing = Hearing {
                    store,
                    transport,
                    place: &place,
                    lep: &lep,
                    now,
                };
                if let Err(problem) = hearing.line(&line, &mut listed, &mut found).await? {
                    found.problem = Some(problem);
                    break;
                }
            }
        }
        Err(problem) => found.problem = Some(problem),
    }
    let mut tx = store.write().await?;
    if found.problem.is_none() {
        questionnaires::forget_others(&mut tx, &listed).await?;
    }
    questionnaires::heard(&mut tx, now, found.problem.as_deref()).await?;
    tx.commit().await?;
    Ok(found)
}

async fn list<T: Transport>(transport: &T) -> Result<Vec<Value>, String> {
    let answer = transport.call(Request::get("/v1/questionnaires")).await;
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.status {
        200 => {}
        // A log of before there were any.
        404 => return Ok(Vec::new()),
        _ => return Err(in_words(&answer)),
    }
    let list: List = serde_json::from_slice(&answer.body).map_err(|_| {
        "the log's list of questionnaires is in a form that this version does not know".to_owned()
    })?;
    if list.questionnaires.len() > LISTED {
        return Err(format!(
            "the log lists {} questionnaires; {LISTED} are looked at",
            list.questionnaires.len()
        ));
    }
    Ok(list.questionnaires)
}

/// What came of a line whose statement could be fetched.
enum Judged {
    Refused(String),
    AsksOthers,
    AsksUs(Box<(OwnFound, Questionnaire)>),
}

/// What a line is judged with.
struct Hearing<'a, T> {
    store: &'a Store,
    transport: &'a T,
    place: &'a Enrolment,
    lep: &'a Gss,
    now: Timestamp,
}

impl<T: Transport> Hearing<'_, T> {
    /// Takes a line of the list. The inner error: the log could not be reached, so the rest waits.
    async fn line(
        &self,
        value: &Value,
        listed: &mut Vec<Digest>,
        found: &mut Heard,
    ) -> Result<Result<(), String>, StoreError> {
        let Ok(line) = Line::deserialize(value) else {
            let of = Digest::of(value.to_string().as_bytes());
            listed.push(of);
            let why = "the log's line for it is not in the form that this version knows".to_owned();
            found.refused += 1;
            self.leave(of, None, Some(why)).await?;
            return Ok(Ok(()));
        };
        listed.push(line.pae);
        if self.is_settled(&line).await? {
            return Ok(Ok(()));
        }
        let judged = match self.fetch(&line).await {
            Ok(judged) => judged,
            Err(problem) => return Ok(Err(problem)),
        };
        match judged {
            Judged::Refused(why) => {
                found.refused += 1;
                self.leave(line.pae, line.claims(), Some(why)).await?;
            }
            Judged::AsksOthers => self.leave(line.pae, line.claims(), None).await?,
            Judged::AsksUs(it) => {
                let (own, asked) = *it;
                if self.keep(&own, &asked).await? {
                    found.new.push((asked.name, asked.version));
                } else {
                    found.refused += 1;
                    let why = "this node holds another questionnaire of the same name and version, which the log signed before: the log contradicts itself".to_owned();
                    self.leave(line.pae, line.claims(), Some(why)).await?;
                }
            }
        }
        Ok(Ok(()))
    }

    /// Whether there is nothing left to look at.
    async fn is_settled(&self, line: &Line) -> Result<bool, StoreError> {
        let held = self.store.questionnaires_held().await?;
        let left = self.store.questionnaires_left().await?;
        let asks_others = |l: &Left| l.listed == line.pae && l.refused.is_none();
        Ok(held.contains(&line.pae) || left.iter().any(asks_others))
    }

    /// The statement that a line names, judged. The error: it could not be fetched.
    async fn fetch(&self, line: &Line) -> Result<Judged, String> {
        let path = format!("/v1/nodes/{NAME}/statements/{}", line.seq);
        let receipt = Request::get(format!("{path}/receipt"));
        let envelope = self.transport.call(Request::get(path)).await;
        let envelope = envelope.map_err(|error| error.to_string())?;
        let receipt = self.transport.call(receipt).await;
        let receipt = receipt.map_err(|error| error.to_string())?;
        for answer in [&envelope, &receipt] {
            if matches!(answer.status, 408 | 429 | 500..=599) {
                return Err(in_words(answer));
            }
        }
        let own = match own_row(self.place, line.seq, &envelope, &receipt) {
            Ok(own) => own,
            Err(why) => {
                let why = format!("it is not proven to be the log\u{2019}s own statement: {why}");
                return Ok(Judged::Refused(why));
            }
        };
        Ok(self.judge(line, own))
    }

    fn judge(&self, line: &Line, own: OwnFound) -> Judged {
        let Own::Questionnaire(asked) = &own.said.payload else {
            let why = "the statement that the log lists for it is no questionnaire";
            return Judged::Refused(why.to_owned());
        };
        let asked = (**asked).clone();
        let agrees = [
            ("digest", own.pae == line.pae),
            ("place", own.row.log_index == line.index),
            ("name", asked.name == line.name),
            ("version", asked.version == line.version),
        ];
        if let Some((what, _)) = agrees.iter().find(|(_, agrees)| !agrees) {
            return Judged::Refused(format!(
                "its {what} is another one in the log\u{2019}s list than in what the log signed"
            ));
        }
        if !asked.asks(self.lep) {
            return Judged::AsksOthers;
        }
        Judged::AsksUs(Box::new((own, asked)))
    }

    /// `false`: another one of the same name and version is here.
    async fn keep(&self, own: &OwnFound, asked: &Questionnaire) -> Result<bool, StoreError> {
        let mut tx = self.store.write().await?;
        if !questionnaires::keep(&mut tx, (own.pae, asked), &own.row, self.now).await? {
            return Ok(false);
        }
        // What the node has seen signed is what it can show a log that was restored.
        hold_larger(&mut tx, self.place, &own.under).await?;
        let detail = format!(
            "{}, version {}, due {}, log entry {}",
            asked.name, asked.version, asked.due, own.row.log_index
        );
        audit::append(&mut tx, self.now, NODE, "questionnaire-heard", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn leave(
        &self,
        listed: Digest,
        claims: Option<(QuestionId, u32)>,
        refused: Option<String>,
    ) -> Result<(), StoreError> {
        if let Some(why) = &refused {
            tracing::warn!(?claims, why, "a questionnaire was refused");
        }
        let left = Left {
            listed,
            claims,
            refused,
            noted_at: self.now,
        };
        let mut tx = self.store.write().await?;
        questionnaires::leave(&mut tx, &left).await?;
        Ok(tx.commit().await?)
    }
}

/// In whose name the audit log says what nobody did.
const NODE: &str = "node";

/// The aggregator's address of what all answers come to.
pub(super) fn results_path(name: &QuestionId) -> String {
    format!("/v1/questionnaires/{name}/results")
}
