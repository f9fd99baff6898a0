//! What operators write, and issuing it: a statement of the log's own, made and signed in the transaction that gives it its place and ends
//! its draft.

use jiff::civil::Date;
use ldsp_protocol::dsse::MAX_BODY;
use ldsp_protocol::ids::{Gss, QuestionId};
use ldsp_protocol::questionnaire::{Question, Questionnaire, QuestionnaireError};
use ldsp_protocol::statement::Kind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Asked, versions};
use crate::announce::{Act, AnnounceError, Announcer};
use crate::log::Speech;
use crate::store::{Log, OwnEffect, Registry, Span, StoreError, Turn};
use crate::time::london_day;

/// Bytes of a statement's body that are left for what stands around the payload.
const MARGIN: usize = 64 << 10;

/// A questionnaire as an operator writes it: without the number of its version and who asks, which are known when it is issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The same in every version.
    pub name: QuestionId,
    /// For people.
    pub title: String,
    /// What the answers are for, and who reads them.
    pub purpose: String,
    /// The last day on which answers are in time; null until it is set.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
    /// The LEPs that are asked, in ascending order; none named: all of them.
    pub to: Vec<Gss>,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
}

impl Draft {
    /// A draft of which nothing is known but name and title.
    #[must_use]
    pub fn new(name: QuestionId, title: String) -> Self {
        Self {
            name,
            title,
            purpose: String::new(),
            due: None,
            to: Vec::new(),
            questions: Vec::new(),
        }
    }

    /// The next version of a questionnaire, which says the same but for the due date.
    #[must_use]
    pub fn of(questionnaire: &Questionnaire) -> Self {
        Self {
            name: questionnaire.name.clone(),
            title: questionnaire.title.clone(),
            purpose: questionnaire.purpose.clone(),
            due: None,
            to: questionnaire.to.clone(),
            questions: questionnaire.questions.clone(),
        }
    }

    /// What would be issued as this version; a due date that is not set is 1 January of year 1, so that the rest can be shown and checked.
    #[must_use]
    pub fn version(&self, version: u32, asked_by: &str) -> Questionnaire {
        Questionnaire {
            name: self.name.clone(),
            version,
            title: self.title.clone(),
            purpose: self.purpose.clone(),
            due: self.due.unwrap_or(Date::constant(1, 1, 1)),
            to: self.to.clone(),
            questions: self.questions.clone(),
            asked_by: asked_by.to_owned(),
        }
    }

    /// Everything for which it cannot be issued by this person on this day.
    #[must_use]
    pub fn faults(&self, asked_by: &str, today: Date) -> Vec<QuestionnaireError> {
        let asked = self.version(1, asked_by);
        let mut faults = asked.check();
        let fault = |field: &str, rule: &str| QuestionnaireError {
            field: field.to_owned(),
            rule: rule.to_owned(),
        };
        match self.due {
            None => faults.push(fault("due", "no day is set")),
            Some(due) if due < today => faults.push(fault("due", "the day is over")),
            Some(_) => {}
        }
        let bytes = serde_json::to_vec(&asked).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_BODY - MARGIN {
            faults.push(fault(
                "questions",
                "all together they are longer than a statement may be",
            ));
        }
        faults
    }

    fn says(&self, asked: &Questionnaire) -> bool {
        self.version(asked.version, &asked.asked_by) == *asked && self.due.is_some()
    }
}

/// Why a questionnaire was not issued. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum IssueError {
    #[error("the questionnaire cannot be asked like this: {}", in_words(.0))]
    Faults(Vec<QuestionnaireError>),
    #[error(transparent)]
    Announce(#[from] AnnounceError),
}

impl From<StoreError> for IssueError {
    fn from(error: StoreError) -> Self {
        Self::Announce(error.into())
    }
}

fn in_words(faults: &[QuestionnaireError]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// A questionnaire that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The version.
    pub asked: Asked,
    /// Whether it was issued by this very request.
    pub new: bool,
}

/// Issues the next version of the questionnaire. `edition` is that of the stored draft that it is, which goes with it; without one, what
/// the newest version says already is not issued again.
///
/// # Errors
/// What cannot be asked, a draft that changed meanwhile; trouble with the store.
pub async fn issue<S: Registry + Log>(
    announcer: &Announcer<'_, S>,
    draft: &Draft,
    edition: Option<u64>,
    act: Act<'_>,
) -> Result<Issued, IssueError> {
    let store = announcer.store();
    // Before the versions: one that is issued in between is noticed.
    let last = store.announced(&[Kind::Questionnaire], Span::Newest, 1);
    let after = last.await?.first().map(|statement| statement.index);
    let newest = versions(store, &draft.name).await?.pop();
    if let Some(newest) = newest.as_ref().filter(|n| draft.says(&n.questionnaire)) {
        if edition.is_some() {
            let rule = format!("version {} says the same", newest.questionnaire.version);
            let field = "questions".to_owned();
            return Err(IssueError::Faults(vec![QuestionnaireError { field, rule }]));
        }
        return Ok(Issued {
            asked: newest.clone(),
            new: false,
        });
    }
    let faults = draft.faults(act.by, london_day(act.at));
    if !faults.is_empty() {
        return Err(IssueError::Faults(faults));
    }
    let version = newest.map_or(1, |newest| newest.questionnaire.version + 1);
    let questionnaire = draft.version(version, act.by);
    let (kind, standard) = (Kind::Questionnaire, announcer.standard().digest());
    let speak = |speech: &mut Speech<'_>| {
        let body = |turn: &Turn| announcer.body(turn, kind, standard, &questionnaire);
        speech.say(kind, body);
    };
    let effect = OwnEffect::Ask {
        after,
        draft: edition.map(|edition| (draft.name.clone(), edition)),
    };
    let said = announcer.signer().announce(store, &effect, speak, act.at);
    let turn = said.await?.turn;
    let stands = store.own(turn.seq).await?;
    let asked = stands.as_ref().map(Asked::of).transpose()?.flatten();
    let asked = asked.ok_or_else(|| StoreError::Corrupt {
        table: "own_statement",
        column: "seq",
        row: turn.seq.to_string(),
    })?;
    tracing::info!(index = asked.index, name = %draft.name, version, by = act.by, "a questionnaire was issued");
    Ok(Issued { asked, new: true })
}
