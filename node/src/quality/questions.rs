//! Questions to providers about what a rule found, and their answers.

use jiff::Timestamp;
use ldsp_protocol::personal;

use super::rules::Rule;
use crate::store::quality as stored;
use crate::store::{Store, StoreError, audit, providers};

/// Longest question or answer, in characters.
pub(crate) const LONGEST: u32 = 1_000;

/// Why a question or an answer was not taken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum QuestionError {
    #[error("there is no rule {0}")]
    Rule(String),
    #[error("no file has named this provider")]
    Provider,
    #[error("there is no question {0}")]
    Unknown(i64),
    #[error("the question is answered already")]
    Answered,
    #[error("it {0}")]
    Text(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A text in order: single spaces, not empty, not too long, nothing that tells of a person.
fn in_order(text: &str) -> Result<String, QuestionError> {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let text = lines.join("\n").trim().to_owned();
    if text.is_empty() {
        return Err(QuestionError::Text("says nothing".to_owned()));
    }
    if text.chars().count() > LONGEST as usize {
        let long = format!("has more than {LONGEST} characters");
        return Err(QuestionError::Text(long));
    }
    if let Some(found) = personal::find(&text).first() {
        let told = format!(
            "has {}: ask about numbers and dates of the file, not about a person",
            found.kind.in_words()
        );
        return Err(QuestionError::Text(told));
    }
    Ok(text)
}

/// Asks a provider about what a rule found; gives the question's number.
///
/// # Errors
/// [`QuestionError`]; nothing was stored.
pub async fn ask(
    store: &Store,
    (provider, rule): (&str, &str),
    question: &str,
    who: &str,
    at: Timestamp,
) -> Result<i64, QuestionError> {
    let rule = Rule::of(rule).ok_or_else(|| QuestionError::Rule(rule.to_owned()))?;
    let question = in_order(question)?;
    let mut tx = store.write().await?;
    if !providers::roots(&mut tx).await?.know(provider) {
        return Err(QuestionError::Provider);
    }
    let id = stored::ask(&mut tx, provider, rule.code, &question, (who, at)).await?;
    let detail = format!("question {id} to {provider} about {}", rule.code);
    audit::append(&mut tx, at, who, "quality question", &detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(id)
}

/// Writes an answer down. `of`: the provider whose question it must be, under any name that it has had; `None` for the LEP's own people, who write down what they were told.
///
/// # Errors
/// [`QuestionError`]; a question of another provider is unknown. Nothing was stored.
pub async fn answer(
    store: &Store,
    (id, of): (i64, Option<&str>),
    text: &str,
    who: &str,
    at: Timestamp,
) -> Result<(), QuestionError> {
    let text = in_order(text)?;
    let mut tx = store.write().await?;
    let question = stored::question(&mut tx, id).await?;
    let roots = providers::roots(&mut tx).await?;
    let question = question
        .filter(|question| of.is_none_or(|of| roots.of(&question.provider) == roots.of(of)))
        .ok_or(QuestionError::Unknown(id))?;
    if question.answer.is_some() {
        return Err(QuestionError::Answered);
    }
    stored::answer(&mut tx, id, &text, (who, at)).await?;
    let detail = format!("question {id} to {}", question.provider);
    audit::append(&mut tx, at, who, "quality answer", &detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(())
}
