//! What this LEP answers to questionnaires: a draft of each at most, and what was sent.

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::Answer;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{Store, StoreError, moment};

/// An answer, and the day on which the node filled it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptAnswer {
    /// What is answered.
    pub answer: Answer,
    /// `None`: a person gave it.
    pub as_of: Option<Date>,
}

/// Somebody did something at a moment.
pub type Act = (String, Timestamp);

/// The answers to one questionnaire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswers {
    /// Number at this node.
    pub id: i64,
    /// Of the questionnaire.
    pub name: QuestionId,
    /// The version that is answered.
    pub questionnaire: Digest,
    /// Also those that are not reached: what was typed is kept.
    pub answers: Vec<KeptAnswer>,
    /// Who changed them last, and when.
    pub changed: Act,
    /// Who handed them to an approver, where they wait for one.
    pub handed: Option<Act>,
    /// The approver who sent them back last, and why.
    pub back: Option<(Act, String)>,
    /// Who released them.
    pub approved: Option<Act>,
    /// Their statement; `None`: a draft.
    pub seq: Option<u64>,
}

impl StoredAnswers {
    /// What is kept of one question.
    #[must_use]
    pub fn of(&self, question: &QuestionId) -> Option<&KeptAnswer> {
        self.answers.iter().find(|a| a.answer.question == *question)
    }
}

const TABLE: &str = "questionnaire_answers";
const COLUMNS: &str = "SELECT id, name, questionnaire, answers, author, changed_at, handed_by, handed_at, back_by, back_at, back_reason, \
     approver, approved_at, seq FROM questionnaire_answers";

fn read(row: &SqliteRow) -> Result<StoredAnswers, StoreError> {
    let id: i64 = row.try_get("id")?;
    let corrupt = |column| StoreError::Corrupt {
        table: TABLE,
        column,
        row: id.to_string(),
    };
    let act = |who, when: &'static str| -> Result<Option<Act>, StoreError> {
        let who: Option<String> = row.try_get(who)?;
        let at: Option<i64> = row.try_get(when)?;
        let at = at.map(|at| moment(at, TABLE, when, id)).transpose()?;
        Ok(who.zip(at))
    };
    let pae: &[u8] = row.try_get("questionnaire")?;
    let pae = pae.try_into().map_err(|_| corrupt("questionnaire"))?;
    let answers = serde_json::from_str(row.try_get("answers")?);
    let name = row.try_get::<&str, _>("name")?.parse();
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(StoredAnswers {
        id,
        name: name.map_err(|_| corrupt("name"))?,
        questionnaire: Digest::from_bytes(pae),
        answers: answers.map_err(|_| corrupt("answers"))?,
        changed: act("author", "changed_at")?.ok_or_else(|| corrupt("author"))?,
        handed: act("handed_by", "handed_at")?,
        back: act("back_by", "back_at")?.zip(row.try_get("back_reason")?),
        approved: act("approver", "approved_at")?,
        seq: seq
            .map(|seq| u64::try_from(seq).map_err(|_| corrupt("seq")))
            .transpose()?,
    })
}

/// The draft of the answers to a questionnaire.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn draft(
    connection: &mut SqliteConnection,
    name: &QuestionId,
) -> Result<Option<StoredAnswers>, StoreError> {
    let sql = format!("{COLUMNS} WHERE name = $1 AND seq IS NULL");
    one(connection, sql, name).await
}

/// The answers to a questionnaire that were sent last.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub async fn sent(
    connection: &mut SqliteConnection,
    name: &QuestionId,
) -> Result<Option<StoredAnswers>, StoreError> {
    let sql = format!("{COLUMNS} WHERE name = $1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1");
    one(connection, sql, name).await
}

async fn one(
    connection: &mut SqliteConnection,
    sql: String,
    name: &QuestionId,
) -> Result<Option<StoredAnswers>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(name.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a draft, in the place of the one that there is. It waits for nobody then.
///
/// # Errors
/// Database trouble.
pub async fn keep(
    connection: &mut SqliteConnection,
    (name, questionnaire): (&QuestionId, Digest),
    answers: &[KeptAnswer],
    (who, now): (&str, Timestamp),
) -> Result<(), StoreError> {
    let text = serde_json::to_string(answers).expect("texts, numbers, dates and lists are JSON");
    sqlx::query(
        "INSERT INTO questionnaire_answers (name, questionnaire, answers, author, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) WHERE seq IS NULL DO UPDATE SET questionnaire = $2, answers = $3, author = $4, changed_at = $5,
           handed_by = NULL, handed_at = NULL",
    )
    .bind(name.as_str())
    .bind(questionnaire.as_bytes().as_slice())
    .bind(text)
    .bind(who)
    .bind(now.as_second())
    .execute(connection)
    .await?;
    Ok(())
}

/// Hands a draft to an approver, or takes it back (`None`). Why it was sent back is dealt with then.
///
/// # Errors
/// Database trouble.
pub async fn hand(
    connection: &mut SqliteConnection,
    id: i64,
    by: Option<(&str, Timestamp)>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE questionnaire_answers SET handed_by = $2, handed_at = $3, back_by = NULL, back_at = NULL, back_reason = NULL
         WHERE id = $1 AND seq IS NULL",
    )
        .bind(id)
        .bind(by.map(|(who, _)| who))
        .bind(by.map(|(_, at)| at.as_second()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Sends a draft back to the coordinator.
///
/// # Errors
/// Database trouble.
pub async fn send_back(
    connection: &mut SqliteConnection,
    id: i64,
    (who, now): (&str, Timestamp),
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE questionnaire_answers SET handed_by = NULL, handed_at = NULL, back_by = $2, back_at = $3, back_reason = $4
         WHERE id = $1 AND seq IS NULL",
    )
    .bind(id)
    .bind(who)
    .bind(now.as_second())
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks a draft as sent.
///
/// # Errors
/// Database trouble.
pub async fn approve(
    connection: &mut SqliteConnection,
    id: i64,
    (who, now): (&str, Timestamp),
    seq: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE questionnaire_answers SET approver = $2, approved_at = $3, seq = $4 WHERE id = $1 AND seq IS NULL",
    )
    .bind(id)
    .bind(who)
    .bind(now.as_second())
    .bind(seq.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The draft of the answers to a questionnaire, and those that were sent last.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn answers(
        &self,
        name: &QuestionId,
    ) -> Result<(Option<StoredAnswers>, Option<StoredAnswers>), StoreError> {
        let mut reader = self.reader.acquire().await?;
        Ok((
            draft(&mut reader, name).await?,
            sent(&mut reader, name).await?,
        ))
    }
}
