//! What people do with answers: save, hand over, take back, send back, release. Each is one transaction with its line in the audit log.

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::{
    Answer, AnswersError, Fact, Question, Questionnaire, Source, Value,
};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use sqlx::sqlite::SqliteConnection;

use super::facts::Facts;
use super::{Carried, Case, Fault, QuestionnaireError, digest, faults, in_order};
use crate::release::reason_in_order;
use crate::seal;
use crate::store::answers::{self, KeptAnswer, StoredAnswers};
use crate::store::audit::append;
use crate::store::people::{Role, same_person};
use crate::store::questionnaires;
use crate::store::{Store, StoreError};

/// Longest reason, in characters.
const LONGEST: usize = 500;

/// What somebody answers to a question; `None` takes the answer away.
pub type Given = (QuestionId, Option<Value>);

/// Who does it, and when.
pub type By<'a> = (&'a str, Timestamp);

/// Whether a number of learners is not the one that the published months say.
pub(super) fn is_moved(answer: &Answer, question: &Question, facts: &Facts) -> bool {
    let Value::Number(number) = answer.value else {
        return false;
    };
    question.prefill.is_some_and(Fact::is_estimate) && facts.of(question) != Some(Ok(number))
}

/// The answer with its source: what equals what the node knows is from there, a number of learners is from nowhere else.
fn answered(
    question: &Question,
    value: Value,
    before: Option<&KeptAnswer>,
    facts: &Facts,
) -> Result<KeptAnswer, AnswersError> {
    let value = match value {
        Value::Any(mut codes) => {
            codes.sort();
            codes.dedup();
            Value::Any(codes)
        }
        Value::Text(text) => Value::Text(text.replace("\r\n", "\n").trim().to_owned()),
        value => value,
    };
    let known = match (&value, facts.of(question)) {
        (Value::Number(number), Some(Ok(known))) => *number == known,
        _ => false,
    };
    let estimate = question.prefill.is_some_and(Fact::is_estimate);
    let (source, as_of) = match before {
        _ if known && estimate => (Source::Releases, Some(facts.day)),
        _ if known => (Source::Records, Some(facts.day)),
        // It stands as it was filled in on an earlier day.
        Some(kept) if kept.answer.value == value && kept.answer.source == Source::Records => {
            (Source::Records, kept.as_of)
        }
        _ => (Source::Person, None),
    };
    let answer = Answer {
        question: question.id.clone(),
        value,
        source,
    };
    answer.check(question)?;
    Ok(KeptAnswer { answer, as_of })
}

/// Takes what is given into the answers; gives what does not hold, which changes nothing.
fn take(
    asked: &Questionnaire,
    kept: &mut Vec<KeptAnswer>,
    given: Vec<Given>,
    facts: &Facts,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (id, value) in given {
        let Some(question) = asked.question(&id) else {
            faults.push((id.clone(), AnswersError::NotReached(id)));
            continue;
        };
        let at = kept.iter().position(|kept| kept.answer.question == id);
        let Some(value) = value else {
            at.map(|at| kept.remove(at));
            continue;
        };
        match answered(question, value, at.map(|at| &kept[at]), facts) {
            Ok(answer) => match at {
                Some(at) => kept[at] = answer,
                None => kept.push(answer),
            },
            Err(error) => faults.push((id, error)),
        }
    }
    faults
}

/// What some answers are known by, so that of two people who change them at a time the second sees what the first did.
pub(crate) fn seen(kept: &[KeptAnswer], of: &[Question]) -> Digest {
    let is_of = |kept: &&KeptAnswer| of.iter().any(|q| q.id == kept.answer.question);
    let those: Vec<&KeptAnswer> = kept.iter().filter(is_of).collect();
    Digest::of(&serde_json::to_vec(&those).expect("texts, numbers, dates and lists are JSON"))
}

/// How answers are saved.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// Answers that hold are kept beside those that do not, if the answers to these questions, of the part with this number from 1, are what
    /// was shown.
    Part(usize, Digest),
    /// All or none, if what would be sent is what was read; `None`: nobody looks.
    Whole(Option<Digest>),
}

/// Saves answers as a draft. Gives what does not hold; of [`How::Whole`] that is an error.
///
/// # Errors
/// [`QuestionnaireError`]; nothing was changed.
pub async fn save(
    store: &Store,
    name: &QuestionId,
    given: Vec<Given>,
    how: How,
    (who, now): By<'_>,
) -> Result<Vec<Fault>, QuestionnaireError> {
    let case = found(store, name).await?;
    let facts = Facts::read(store, &case.it.asked, now).await?;
    let mut tx = store.write().await?;
    coordinates(&mut tx, who).await?;
    let case = again(&mut tx, &case).await?;
    if case.it.closed {
        return Err(QuestionnaireError::Closed);
    }
    let Carried {
        mut answers,
        from_earlier,
        ..
    } = case.carried();
    let current = case.draft.as_ref().filter(|_| !from_earlier);
    if current.is_some_and(|draft| draft.handed.is_some()) {
        return Err(QuestionnaireError::Waits);
    }
    let is_as_shown = match how {
        How::Part(number, shown) => {
            let parts = super::parts(&case.it.asked);
            let part = parts.get(number.wrapping_sub(1)).copied();
            seen(&answers, part.unwrap_or_default()) == shown
        }
        How::Whole(Some(read)) => digest(&case.payload(&answers)) == read,
        How::Whole(None) => true,
    };
    if !is_as_shown {
        let by = case.draft.as_ref().map(|draft| draft.changed.0.clone());
        let by = by.unwrap_or_else(|| "somebody".to_owned());
        return Err(QuestionnaireError::Changed { by });
    }
    let before = answers.clone();
    let faults = take(&case.it.asked, &mut answers, given, &facts);
    if matches!(how, How::Whole(_)) && !faults.is_empty() {
        return Err(QuestionnaireError::Unfit(faults));
    }
    let answers = in_order(&case.it.asked, answers);
    let is_new = match current {
        Some(_) => answers != before,
        None => !answers.is_empty(),
    };
    if is_new {
        let of = (name, case.it.pae);
        answers::keep(&mut tx, of, &answers, (who, now)).await?;
        let version = case.it.asked.version;
        let detail = format!("{name}, version {version}");
        append(&mut tx, now, who, "questionnaire-answered", &detail).await?;
        tx.commit().await?;
    }
    Ok(faults)
}

/// Hands the draft to an approver; gives the digest of what would be sent.
///
/// # Errors
/// [`QuestionnaireError`]; nothing was changed.
pub async fn hand_over(
    store: &Store,
    name: &QuestionId,
    (who, now): By<'_>,
) -> Result<Digest, QuestionnaireError> {
    let case = found(store, name).await?;
    let facts = Facts::read(store, &case.it.asked, now).await?;
    let mut tx = store.write().await?;
    coordinates(&mut tx, who).await?;
    let case = again(&mut tx, &case).await?;
    if case.state() == super::State::Closed {
        return Err(QuestionnaireError::Closed);
    }
    let carried = case.carried();
    let wrong = faults(&case.it.asked, &carried.answers, &facts);
    if !wrong.is_empty() {
        return Err(QuestionnaireError::Unfit(wrong));
    }
    let sends = case.payload(&carried.answers);
    if let Err(error) = sends.check(&case.it.asked) {
        return Err(QuestionnaireError::Unfit(vec![(name.clone(), error)]));
    }
    let digest = digest(&sends);
    let draft = match &case.draft {
        Some(draft) if draft.questionnaire == case.it.pae => {
            if draft.handed.is_some() {
                return Err(QuestionnaireError::Waits);
            }
            draft.id
        }
        // What was carried over becomes the draft by being handed over.
        _ => {
            let of = (name, case.it.pae);
            answers::keep(&mut tx, of, &carried.answers, (who, now)).await?;
            let kept = answers::draft(&mut tx, name).await?;
            kept.ok_or(QuestionnaireError::NotHanded)?.id
        }
    };
    answers::hand(&mut tx, draft, Some((who, now))).await?;
    let version = case.it.asked.version;
    let detail = format!("{name}, version {version}, digest {digest}");
    append(&mut tx, now, who, "questionnaire-handed-over", &detail).await?;
    tx.commit().await?;
    Ok(digest)
}

/// Takes answers back that wait for an approver, to change them.
///
/// # Errors
/// [`QuestionnaireError`]; nothing was changed.
pub(crate) async fn take_back(
    store: &Store,
    name: &QuestionId,
    (who, now): By<'_>,
) -> Result<(), QuestionnaireError> {
    let mut tx = store.write().await?;
    coordinates(&mut tx, who).await?;
    let (_, draft) = waiting(&mut tx, name).await?;
    answers::hand(&mut tx, draft.id, None).await?;
    append(&mut tx, now, who, "questionnaire-taken-back", name.as_str()).await?;
    Ok(tx.commit().await?)
}

/// An approver's word on the answers with this digest.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// Of which questionnaire.
    pub name: &'a QuestionId,
    /// The digest that the person was shown.
    pub digest: Digest,
    /// Who; the caller has checked the secret.
    pub person: &'a str,
}

/// Sends answers back to the coordinator, with the reason.
///
/// # Errors
/// [`QuestionnaireError`]; nothing was changed.
pub(crate) async fn send_back(
    store: &Store,
    word: Word<'_>,
    reason: &str,
    now: Timestamp,
) -> Result<(), QuestionnaireError> {
    let reason = reason_in_order(reason, LONGEST).map_err(QuestionnaireError::Reason)?;
    let mut tx = store.write().await?;
    let (case, draft) = judged(&mut tx, word).await?;
    answers::send_back(&mut tx, draft.id, (word.person, now), &reason).await?;
    let detail = format!("{}, version {}", word.name, case.it.asked.version);
    append(
        &mut tx,
        now,
        word.person,
        "questionnaire-sent-back",
        &detail,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Releases answers: checks them once more, seals them as the node's next statement and queues it. Gives its sequence number.
///
/// # Errors
/// [`QuestionnaireError`]; nothing was changed.
pub async fn release(
    store: &Store,
    key: &SigningKey,
    word: Word<'_>,
    now: Timestamp,
) -> Result<u64, QuestionnaireError> {
    let case = found(store, word.name).await?;
    let facts = Facts::read(store, &case.it.asked, now).await?;
    let mut tx = store.write().await?;
    let (case, draft) = judged(&mut tx, word).await?;
    if case.it.closed {
        return Err(QuestionnaireError::Closed);
    }
    // The log would count answers to an earlier version among nobody's.
    if draft.questionnaire != case.it.pae {
        let newest = case.it.asked.version;
        return Err(QuestionnaireError::Replaced { newest });
    }
    let sends = case.payload(&draft.answers);
    for answer in &sends.answers {
        let question = case.it.asked.question(&answer.question);
        if question.is_some_and(|question| is_moved(answer, question, &facts)) {
            return Err(QuestionnaireError::Moved(answer.question.clone()));
        }
    }
    if let Err(error) = sends.check(&case.it.asked) {
        return Err(QuestionnaireError::Unfit(vec![(word.name.clone(), error)]));
    }
    let of = (None, Standard::current());
    let kind = Kind::QuestionnaireAnswers;
    let seq = seal::queue(&mut tx, key, kind, of, &sends, now.as_second()).await?;
    answers::approve(&mut tx, draft.id, (word.person, now), seq).await?;
    let detail = format!(
        "{}, version {}, digest {}, statement {seq}",
        word.name, case.it.asked.version, word.digest
    );
    append(&mut tx, now, word.person, "questionnaire-released", &detail).await?;
    tx.commit().await?;
    Ok(seq)
}

async fn found(store: &Store, name: &QuestionId) -> Result<Case, QuestionnaireError> {
    let case = Case::read(store, name).await?;
    case.ok_or_else(|| QuestionnaireError::Unknown(name.to_string()))
}

/// The same as the transaction sees it. What the node knows was read for a version: another one has to be looked at first.
async fn again(
    connection: &mut SqliteConnection,
    before: &Case,
) -> Result<Case, QuestionnaireError> {
    let case = within(connection, &before.it.asked.name).await?;
    if case.it.pae != before.it.pae {
        let newest = case.it.asked.version;
        return Err(QuestionnaireError::Replaced { newest });
    }
    Ok(case)
}

async fn within(
    connection: &mut SqliteConnection,
    name: &QuestionId,
) -> Result<Case, QuestionnaireError> {
    let it = questionnaires::newest(&mut *connection, name).await?;
    Ok(Case {
        it: it.ok_or_else(|| QuestionnaireError::Unknown(name.to_string()))?,
        draft: answers::draft(&mut *connection, name).await?,
        sent: answers::sent(connection, name).await?,
    })
}

/// The draft that waits for an approver.
async fn waiting(
    connection: &mut SqliteConnection,
    name: &QuestionId,
) -> Result<(Case, StoredAnswers), QuestionnaireError> {
    let case = within(connection, name).await?;
    let draft = case.draft.clone();
    let draft = draft.filter(|draft| draft.handed.is_some());
    Ok((case, draft.ok_or(QuestionnaireError::NotHanded)?))
}

/// The draft that waits, if it is what the person was shown and the person may judge it.
async fn judged(
    connection: &mut SqliteConnection,
    word: Word<'_>,
) -> Result<(Case, StoredAnswers), QuestionnaireError> {
    if role(connection, word.person).await? != Some(Role::Approver) {
        return Err(QuestionnaireError::NotApprover(word.person.to_owned()));
    }
    let (case, draft) = waiting(connection, word.name).await?;
    let handed = draft.handed.as_ref().map(|(who, _)| who.as_str());
    let wrote = [Some(draft.changed.0.as_str()), handed];
    if wrote
        .iter()
        .flatten()
        .any(|who| same_person(who, word.person))
    {
        return Err(QuestionnaireError::OwnWork(word.person.to_owned()));
    }
    let asked = questionnaires::of(connection, draft.questionnaire).await?;
    let asked = asked.ok_or_else(|| StoreError::Corrupt {
        table: "questionnaire_answers",
        column: "questionnaire",
        row: draft.id.to_string(),
    })?;
    if digest(&super::payload(&asked, &draft.answers)) != word.digest {
        return Err(QuestionnaireError::Digest);
    }
    Ok((case, draft))
}

async fn coordinates(
    connection: &mut SqliteConnection,
    person: &str,
) -> Result<(), QuestionnaireError> {
    match role(connection, person).await? {
        Some(Role::Coordinator) => Ok(()),
        _ => Err(QuestionnaireError::NotCoordinator(person.to_owned())),
    }
}

async fn role(
    connection: &mut SqliteConnection,
    person: &str,
) -> Result<Option<Role>, QuestionnaireError> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM people WHERE name = $1")
        .bind(person)
        .fetch_optional(connection)
        .await?;
    Ok(role.as_deref().and_then(Role::named))
}
