//! What the answers of all LEPs come to, as the log tells those that were asked: counts of LEPs and spreads, never another LEP's answer.
//! It is kept with its time, so that it is there when the log is away.

use jiff::{SignedDuration, Timestamp};
use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::Tally;
use serde::Deserialize;

use super::hear::results_path;
use crate::store::{Store, StoreError};
use crate::submit::ReadError;

/// After this long the log is asked again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// What the log answers. Members that a newer one adds are left aside.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Results {
    pub(crate) questionnaire: Of,
    /// LEPs that were asked.
    pub(crate) asked: u64,
    /// LEPs that answered.
    pub(crate) answered: u64,
    /// So few answered that nothing is told.
    #[serde(default)]
    pub(crate) too_few: bool,
    /// In the order of the questions.
    pub(crate) tallies: Vec<Tally>,
}

/// What the figures are of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Of {
    pub(crate) version: u32,
    /// SHA-256 of the PAE of its statement.
    pub(crate) pae: Digest,
}

/// What is known, since when, and why nothing newer is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picture {
    pub(crate) results: Option<(Results, Timestamp)>,
    pub(crate) problem: Option<String>,
}

/// Reads a path of the aggregator as this node; `None` while the node is not enrolled.
pub(crate) type Answered = Option<Result<Vec<u8>, ReadError>>;

/// What all answers come to: from the log where what is kept is old, else as it was kept.
///
/// # Errors
/// The store's.
pub(crate) async fn picture(
    store: &Store,
    name: &QuestionId,
    ask: impl AsyncFnOnce(String) -> Answered,
    now: Timestamp,
) -> Result<Picture, StoreError> {
    let kept = store.questionnaire_results(name).await?;
    let kept = kept.and_then(|(text, at)| Some((parse(text.as_bytes())?, at)));
    if let Some((_, at)) = &kept
        && now.duration_since(*at).abs() < FRESH
    {
        return Ok(Picture {
            results: kept,
            problem: None,
        });
    }
    let problem = match ask(results_path(name)).await {
        None => "this node is not enrolled with the national log".to_owned(),
        Some(Err(error)) => error.to_string(),
        Some(Ok(bytes)) => match (parse(&bytes), String::from_utf8(bytes)) {
            (Some(results), Ok(text)) => {
                store.keep_questionnaire_results(name, &text, now).await?;
                return Ok(Picture {
                    results: Some((results, now)),
                    problem: None,
                });
            }
            _ => "the log\u{2019}s answer is in a form that this version does not know".to_owned(),
        },
    };
    Ok(Picture {
        results: kept,
        problem: Some(problem),
    })
}

fn parse(bytes: &[u8]) -> Option<Results> {
    serde_json::from_slice(bytes).ok()
}
