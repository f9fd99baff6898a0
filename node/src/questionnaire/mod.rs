//! National questionnaires at the node: heard of from the log ([`hear()`]), prefilled with what the node knows, completed by a coordinator
//! (`save`, `hand_over`), released by another person (`release`, `send_back`), and set beside what all answers come to (`results`).
//!
//! Pages, programs and commands call the same functions. A draft is answered for the newest version of its questionnaire; answers
//! of an earlier one are carried over where they still fit. Learners are counted by the estimates of releases alone.

mod act;
pub(crate) mod facts;
pub(crate) mod form;
mod hear;
pub(crate) mod results;
pub(crate) mod shown;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod words;

use jiff::civil::Date;
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::{Answer, Answers, AnswersError, Question, Questionnaire};

pub use act::{By, Given, How, Word, hand_over, release, save};
pub(crate) use act::{seen, send_back, take_back};
pub use hear::{Heard, hear};

use crate::release::ReleaseError;
use crate::seal::QueueError;
use crate::store::answers::{self, KeptAnswer, StoredAnswers};
use crate::store::questionnaires::{self, Asked};
use crate::store::{Store, StoreError};
use facts::Facts;

/// Questions of a page of the form at most.
const A_PAGE: usize = 6;

/// An answer that does not hold.
pub type Fault = (QuestionId, AnswersError);

/// Why answers were left as they are.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum QuestionnaireError {
    #[error("no questionnaire of the name {0} asks this node")]
    Unknown(String),
    #[error("{0} may not answer a questionnaire: that takes a person with the role coordinator")]
    NotCoordinator(String),
    #[error("{0} may not release answers: that takes a person with the role approver")]
    NotApprover(String),
    #[error("{0} wrote these answers, so somebody else has to release them")]
    OwnWork(String),
    #[error("the answers are not those that were shown, so what was read is not what would leave")]
    Digest,
    #[error("{by} changed these answers after they were shown")]
    Changed { by: String },
    #[error("the answers wait for an approver")]
    Waits,
    #[error("no answers wait for an approver")]
    NotHanded,
    #[error("version {newest} of the questionnaire came after these answers were written")]
    Replaced { newest: u32 },
    #[error("the newest version of the questionnaire asks other areas only")]
    Closed,
    #[error("{}", in_one_line(.0))]
    Unfit(Vec<Fault>),
    #[error("the number of learners in the answer to {0} is not what the published months say now")]
    Moved(QuestionId),
    #[error("the reason {0}")]
    Reason(String),
    #[error(transparent)]
    Facts(#[from] ReleaseError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for QuestionnaireError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn in_one_line(faults: &[Fault]) -> String {
    let all: Vec<String> = faults.iter().map(|(_, error)| error.to_string()).collect();
    all.join("; ")
}

impl QuestionnaireError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown-questionnaire",
            Self::NotCoordinator(_) | Self::NotApprover(_) => "role",
            Self::OwnWork(_) => "own-work",
            Self::Digest => "digest",
            Self::Changed { .. } => "changed-meanwhile",
            Self::Waits => "waits",
            Self::NotHanded => "not-handed-over",
            Self::Replaced { .. } => "replaced",
            Self::Closed => "closed",
            Self::Unfit(_) => "answers",
            Self::Moved(_) => "estimate-moved",
            Self::Reason(_) => "reason",
            Self::Facts(error) => error.code(),
            Self::Queue(error) => error.code(),
            Self::Store(_) => "storage",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "The page Questionnaires shows which there are.",
            Self::NotCoordinator(_) => "Ask a coordinator.",
            Self::NotApprover(_) => "Ask an approver; an admin adds one on the page People.",
            Self::OwnWork(_) => "Ask another approver to read and release them.",
            Self::Digest => "Read the answers again and release or send back what is shown now.",
            Self::Changed { .. } => "Look at what is there now, then change it.",
            Self::Waits => {
                "Take them back first, or ask the approver to send them back: then they can be changed."
            }
            Self::NotHanded => "A coordinator hands them over once they are complete.",
            Self::Replaced { .. } => {
                "A coordinator looks at what was carried over to the newer version and hands it over again."
            }
            Self::Closed => "Nothing is to be answered any more.",
            Self::Unfit(_) => {
                "Correct the answers that are named. That something is not known is an answer."
            }
            Self::Moved(_) => {
                "A month was published or withdrawn since. An approver sends the answers back; a coordinator has the number filled in again."
            }
            Self::Reason(_) => {
                "Say in one line of at most 500 characters what to change, and name no person."
            }
            Self::Facts(error) => error.next(),
            Self::Queue(error) => error.next(),
            Self::Store(error) => error.next(),
        }
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn next_by_command(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "See which there are: `ldsp-node questionnaire list`.",
            Self::NotApprover(_) => {
                "Ask an approver; one is added with `ldsp-node people add NAME --role approver`."
            }
            Self::Queue(error) => error.next_by_command(),
            _ => self.next(),
        }
    }
}

/// How far a questionnaire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = QuestionnaireState)]
pub(crate) enum State {
    /// Nothing was answered.
    New,
    /// Answers are of an earlier version.
    NewerVersion,
    /// An approver sent the draft back.
    SentBack,
    /// There is a draft.
    Begun,
    /// The draft waits for an approver.
    Waiting,
    /// What was sent answers the newest version.
    Sent,
    /// The newest version asks other LEPs only.
    Closed,
}

impl State {
    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::NewerVersion => "Newer version",
            Self::SentBack => "Sent back",
            Self::Begun => "Begun",
            Self::Waiting => "Waits for approval",
            Self::Sent => "Sent",
            Self::Closed => "No longer asked",
        }
    }

    /// Whether a coordinator or an approver has something to do.
    pub(crate) fn is_open(self) -> bool {
        !matches!(self, Self::Sent | Self::Closed)
    }
}

/// A questionnaire with what this LEP answers.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) it: Asked,
    pub(crate) draft: Option<StoredAnswers>,
    pub(crate) sent: Option<StoredAnswers>,
}

/// Answers as they stand for the newest version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) answers: Vec<KeptAnswer>,
    /// Whether they were given to an earlier version.
    pub(crate) from_earlier: bool,
    /// Questions of the earlier version whose answers do not fit the newest.
    pub(crate) lost: Vec<QuestionId>,
}

impl Case {
    /// The questionnaire of this name; `None`: there is none.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn read(store: &Store, name: &QuestionId) -> Result<Option<Self>, StoreError> {
        let mut reader = store.reader.acquire().await?;
        let Some(it) = questionnaires::newest(&mut reader, name).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            draft: answers::draft(&mut reader, name).await?,
            sent: answers::sent(&mut reader, name).await?,
            it,
        }))
    }

    /// Every questionnaire, the one that is due first in front.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn all(store: &Store) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::new();
        for it in store.questionnaires().await? {
            let (draft, sent) = store.answers(&it.asked.name).await?;
            all.push(Self { it, draft, sent });
        }
        Ok(all)
    }

    /// How far it is.
    pub(crate) fn state(&self) -> State {
        let of_newest = |stored: &StoredAnswers| stored.questionnaire == self.it.pae;
        match (&self.draft, &self.sent) {
            _ if self.it.closed => State::Closed,
            (Some(draft), _) if !of_newest(draft) => State::NewerVersion,
            (Some(draft), _) if draft.handed.is_some() => State::Waiting,
            (Some(draft), _) if draft.back.is_some() => State::SentBack,
            (Some(_), _) => State::Begun,
            (None, Some(sent)) if !of_newest(sent) => State::NewerVersion,
            (None, Some(_)) => State::Sent,
            (None, None) => State::New,
        }
    }

    /// Whether answers are due that were not sent.
    pub(crate) fn is_late(&self, today: Date) -> bool {
        self.state().is_open() && self.it.asked.due < today
    }

    /// The answers that a coordinator goes on with: the draft, or else what was sent.
    pub(crate) fn carried(&self) -> Carried {
        let Some(stored) = self.draft.as_ref().or(self.sent.as_ref()) else {
            return Carried::default();
        };
        if stored.questionnaire == self.it.pae {
            let answers = stored.answers.clone();
            return Carried {
                answers,
                ..Carried::default()
            };
        }
        let fits = |kept: &&KeptAnswer| {
            let question = self.it.asked.question(&kept.answer.question);
            question.is_some_and(|question| kept.answer.check(question).is_ok())
        };
        let (fit, lost): (Vec<_>, Vec<_>) = stored.answers.iter().partition(fits);
        Carried {
            answers: in_order(&self.it.asked, fit.into_iter().cloned().collect()),
            from_earlier: true,
            lost: lost
                .into_iter()
                .map(|kept| kept.answer.question.clone())
                .collect(),
        }
    }

    /// What would be sent of these answers.
    pub(crate) fn payload(&self, kept: &[KeptAnswer]) -> Answers {
        payload(&self.it, kept)
    }
}

/// In the order of the questions.
fn in_order(asked: &Questionnaire, mut kept: Vec<KeptAnswer>) -> Vec<KeptAnswer> {
    let place = |kept: &KeptAnswer| {
        let mut all = asked.questions.iter();
        all.position(|q| q.id == kept.answer.question)
    };
    kept.sort_by_key(place);
    kept
}

/// The answers alone.
pub(crate) fn bare(kept: &[KeptAnswer]) -> Vec<Answer> {
    kept.iter().map(|kept| kept.answer.clone()).collect()
}

/// What would be sent of these answers: those that are reached, in order.
fn payload(it: &Asked, kept: &[KeptAnswer]) -> Answers {
    let all = bare(kept);
    let reached = it.asked.reached(&all).into_iter();
    let answers = reached.filter_map(|q| all.iter().find(|a| a.question == q.id).cloned());
    Answers {
        questionnaire: it.pae,
        answers: answers.collect(),
    }
}

/// SHA-256 of what would be sent: what an approver releases.
pub(crate) fn digest(answers: &Answers) -> Digest {
    let bytes = serde_json::to_vec(answers).expect("texts, numbers and lists are JSON");
    Digest::of(&bytes)
}

/// Every reached question whose answer is missing or does not hold.
pub(crate) fn faults(asked: &Questionnaire, kept: &[KeptAnswer], facts: &Facts) -> Vec<Fault> {
    let all = bare(kept);
    let of = |question: &Question| -> Option<AnswersError> {
        match all.iter().find(|a| a.question == question.id) {
            Some(answer) => answer.check(question).err().or_else(|| {
                let moved = act::is_moved(answer, question, facts);
                moved.then(|| AnswersError::Estimate(question.id.clone()))
            }),
            None if question.required => Some(AnswersError::Missing(question.id.clone())),
            None => None,
        }
    };
    let reached = asked.reached(&all).into_iter();
    reached
        .filter_map(|question| Some((question.id.clone(), of(question)?)))
        .collect()
}

/// The pages of the form: questions in their order, a new page wherever a question hangs on one of the same page, so that a page can tell
/// what is reached from the pages before it.
pub(crate) fn parts(asked: &Questionnaire) -> Vec<&[Question]> {
    let all = asked.questions.as_slice();
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, question) in all.iter().enumerate() {
        let hangs = question
            .only_if
            .as_ref()
            .is_some_and(|condition| all[from..at].iter().any(|q| q.id == condition.question));
        if at > from && (hangs || at - from == A_PAGE) {
            parts.push(&all[from..at]);
            from = at;
        }
    }
    parts.push(&all[from..]);
    parts
}

/// The numbers, from 1, of the pages on which a question is reached with these answers.
pub(crate) fn reached_parts(asked: &Questionnaire, kept: &[KeptAnswer]) -> Vec<usize> {
    let all = bare(kept);
    let reached = asked.reached(&all);
    let parts = parts(asked).into_iter().enumerate();
    parts
        .filter(|(_, part)| part.iter().any(|q| reached.iter().any(|r| r.id == q.id)))
        .map(|(at, _)| at + 1)
        .collect()
}
