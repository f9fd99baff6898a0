//! A questionnaire with this LEP's answers, as programs and the terminal get it.

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, QuestionId};
// Under its own name the document would take it for any JSON at all.
use ldsp_protocol::questionnaire::Value as GivenValue;
use ldsp_protocol::questionnaire::{Fact, Questionnaire, Source, Tally};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::Facts;
use super::results::Picture;
use super::{Case, QuestionnaireError, State, bare, digest, faults};
use crate::import::london_day;
use crate::store::Store;
use crate::store::answers::Act;

/// A questionnaire in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireHead)]
pub(crate) struct Head {
    name: QuestionId,
    /// The newest version that this node heard of.
    version: u32,
    title: String,
    /// The last day on which answers are in time.
    #[schema(value_type = String, format = Date)]
    due: Date,
    /// How far it is.
    state: State,
    /// Whether the day is over and nothing was sent.
    late: bool,
}

/// Who did something, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireAct)]
struct Did {
    by: String,
    at: Timestamp,
}

/// An answer of the draft, or of what was sent last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireAnswer)]
struct Kept {
    question: QuestionId,
    value: GivenValue,
    source: Source,
    /// The day on which the node filled it in; null: a person gave it.
    #[schema(required, value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Whether it is sent: the answers before it lead there.
    reached: bool,
}

/// What the node can fill in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireFact)]
struct Known {
    question: QuestionId,
    fact: Fact,
    /// Null where it is not known.
    #[schema(required)]
    value: Option<u64>,
    /// Why it is not known.
    #[schema(required)]
    why: Option<&'static str>,
}

/// An answer that is missing or does not hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireFault)]
struct Wrong {
    question: QuestionId,
    cause: String,
}

/// A questionnaire with what this LEP answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireInFull)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    questionnaire: Questionnaire,
    /// Digest of the log's statement that asks it: answers name it.
    pae: Digest,
    /// Place of that statement in the log.
    log_index: u64,
    /// The draft's, or else those that were sent last; of an earlier version those that still fit.
    answers: Vec<Kept>,
    /// Questions of an earlier version whose answers do not fit any more.
    lost: Vec<QuestionId>,
    known: Vec<Known>,
    /// What stands against handing the answers over.
    problems: Vec<Wrong>,
    /// Digest of what would be sent of these answers: an approver names it.
    digest: Digest,
    #[schema(required)]
    handed_over: Option<Did>,
    #[schema(required)]
    sent_back: Option<Did>,
    /// Why they were sent back.
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    released: Option<Did>,
    /// The statement that was sent last.
    #[schema(required)]
    seq: Option<u64>,
}

impl From<&Act> for Did {
    fn from((by, at): &Act) -> Self {
        Self {
            by: by.clone(),
            at: *at,
        }
    }
}

impl Head {
    pub(crate) fn of(case: &Case, now: Timestamp) -> Self {
        let asked = &case.it.asked;
        Self {
            name: asked.name.clone(),
            version: asked.version,
            title: asked.title.clone(),
            due: asked.due,
            state: case.state(),
            late: case.is_late(london_day(now)),
        }
    }
}

impl Shown {
    /// The questionnaire of this name.
    ///
    /// # Errors
    /// [`QuestionnaireError`].
    pub(crate) async fn read(
        store: &Store,
        name: &QuestionId,
        now: Timestamp,
    ) -> Result<Self, QuestionnaireError> {
        let case = Case::read(store, name).await?;
        let case = case.ok_or_else(|| QuestionnaireError::Unknown(name.to_string()))?;
        let asked = &case.it.asked;
        let facts = Facts::read(store, asked, now).await?;
        let carried = case.carried();
        let all = bare(&carried.answers);
        let reached = asked.reached(&all);
        let answers = carried.answers.iter().map(|kept| Kept {
            question: kept.answer.question.clone(),
            value: kept.answer.value.clone(),
            source: kept.answer.source,
            as_of: kept.as_of,
            reached: reached.iter().any(|q| q.id == kept.answer.question),
        });
        let known = asked.questions.iter().filter_map(|question| {
            let known = facts.of(question)?;
            Some(Known {
                question: question.id.clone(),
                fact: question.prefill?,
                value: known.ok(),
                why: known.err().map(super::facts::Unknown::in_words),
            })
        });
        let wrong = faults(asked, &carried.answers, &facts).into_iter();
        let draft = case.draft.as_ref();
        let back = draft.and_then(|draft| draft.back.as_ref());
        let sent = case.sent.as_ref();
        Ok(Self {
            head: Head::of(&case, now),
            questionnaire: asked.clone(),
            pae: case.it.pae,
            log_index: case.it.log_index,
            answers: answers.collect(),
            lost: carried.lost.clone(),
            known: known.collect(),
            problems: wrong
                .map(|(question, error)| Wrong {
                    question,
                    cause: error.to_string(),
                })
                .collect(),
            digest: digest(&case.payload(&carried.answers)),
            handed_over: draft.and_then(|d| Some(d.handed.as_ref()?.into())),
            sent_back: back.map(|(act, _)| act.into()),
            reason: back.map(|(_, reason)| reason.clone()),
            released: sent.and_then(|s| Some(s.approved.as_ref()?.into())),
            seq: sent.and_then(|s| s.seq),
        })
    }

    /// The digest that an approver names.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }
}

/// An answer that is given; a value of null takes it away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuestionnaireGiven)]
pub(crate) struct GivenAnswer {
    question: QuestionId,
    #[schema(required)]
    value: Option<GivenValue>,
}

/// Answers as programs and files give them. Questions that are not among them stay as they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuestionnaireAnswers)]
pub(crate) struct GivenAnswers {
    pub(crate) answers: Vec<GivenAnswer>,
    /// The digest of the answers that were read: where they are others by now, nothing is stored. Left out: nobody looks.
    #[serde(default)]
    pub(crate) digest: Option<Digest>,
}

impl From<GivenAnswer> for super::Given {
    fn from(given: GivenAnswer) -> Self {
        (given.question, given.value)
    }
}

/// What all answers come to, as the log told it last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionnaireResults)]
pub(crate) struct Told {
    /// LEPs that were asked; null: nothing was heard yet, as are the others.
    #[schema(required)]
    asked: Option<u64>,
    /// LEPs that answered.
    #[schema(required)]
    answered: Option<u64>,
    /// So few answered that nothing is told of what they said.
    #[schema(required)]
    too_few: Option<bool>,
    /// The version of the questionnaire that it is of.
    #[schema(required)]
    version: Option<u32>,
    #[schema(required)]
    heard_at: Option<Timestamp>,
    /// LEPs are counted, never people.
    tallies: Vec<Tally>,
    /// Why nothing newer is known.
    #[schema(required)]
    problem: Option<String>,
}

impl From<Picture> for Told {
    fn from(picture: Picture) -> Self {
        let (results, heard_at) = picture.results.unzip();
        let of = results.as_ref();
        Self {
            asked: of.map(|r| r.asked),
            answered: of.map(|r| r.answered),
            too_few: of.map(|r| r.too_few),
            version: of.map(|r| r.questionnaire.version),
            heard_at,
            problem: picture.problem,
            tallies: results.map_or_else(Vec::new, |r| r.tallies),
        }
    }
}
