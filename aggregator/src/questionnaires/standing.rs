//! How a questionnaire stands: who was asked, who answered, and what the answers come to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::{Digest, Gss, NodeSlug, QuestionId};
use ldsp_protocol::questionnaire::{Answers, Questionnaire, Tally, tally};
use ldsp_protocol::statement::{Body, Kind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, PAGE, newest, versions};
use crate::benchmark::Place;
use crate::store::{Log, LoggedStatement, Node, Registry, StoreError};
use crate::time::london_day;

/// LEPs that must have answered before the others are told what the answers come to: of fewer, each could tell the other's.
pub const FEW: usize = 3;

/// The last answers of a LEP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Place in the log.
    pub index: u64,
    /// The node that signed.
    pub node: NodeSlug,
    /// Its LEP.
    pub lep: Gss,
    /// Place in the node's sequence.
    pub seq: u64,
    /// When they came; for people, never for order.
    pub received: Timestamp,
    /// Which version they answer.
    pub version: u32,
    /// Whether they came after that version's last day.
    pub late: bool,
    /// What they say.
    pub answers: Answers,
}

/// How a questionnaire stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Every version, oldest first; at least one.
    versions: Vec<Asked>,
    /// The LEPs that the newest asks, by code, each with its node if one was invited.
    pub asked: Vec<(Gss, Option<Node>)>,
    /// The last answers of each LEP, to whatever version, by code.
    pub given: BTreeMap<Gss, Given>,
}

/// A version of a questionnaire, in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Asker {
    /// The same in every version.
    pub name: QuestionId,
    /// From 1.
    pub version: u32,
    /// For people.
    pub title: String,
    /// The last day on which answers are in time.
    #[schema(value_type = String, format = Date)]
    pub due: Date,
    /// Place in the log, from 0.
    pub index: u64,
    /// Place in the log's own sequence, from 1: its envelope and receipt stand at `/v1/nodes/aggregator/statements/{seq}`.
    pub seq: u64,
    /// Identity of the statement, which answers name: SHA-256 of the bytes that were signed.
    pub pae: Digest,
}

/// A questionnaire with how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InList {
    /// Its newest version.
    #[serde(flatten)]
    pub asker: Asker,
    /// LEPs that it asks.
    pub asked: usize,
    /// LEPs whose last answers are to it.
    pub answered: usize,
}

impl From<&Standing> for InList {
    fn from(standing: &Standing) -> Self {
        Self {
            asker: standing.newest().into(),
            asked: standing.asked.len(),
            answered: standing.counted().count(),
        }
    }
}

/// What the answers to the newest version come to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Results {
    /// The newest version.
    pub questionnaire: Asker,
    /// LEPs that it asks.
    pub asked: usize,
    /// LEPs whose last answers are to it.
    pub answered: usize,
    /// Whether so few answered that nothing is told of what they said.
    pub too_few: bool,
    /// Question by question; none where too few answered.
    pub tallies: Vec<Tally>,
}

/// How far a LEP is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It answered the newest version in time.
    InTime,
    /// It answered the newest version after its last day.
    Late,
    /// Its last answers are to an earlier version.
    EarlierVersion,
    /// It has a node and has not answered.
    NotYet,
    /// It has no approved node, so nobody there was asked.
    NoNode,
}

impl State {
    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::InTime => "In time",
            Self::Late => "Late",
            Self::EarlierVersion => "Earlier version",
            Self::NotYet => "Not yet",
            Self::NoNode => "No node",
        }
    }
}

/// How far a LEP is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OfLep {
    /// The LEP.
    pub lep: Place,
    /// Its node; null where none was invited.
    pub node: Option<NodeSlug>,
    /// How far it is.
    pub state: State,
    /// Which version its last answers are to; null before the first.
    pub version: Option<u32>,
    /// When those came.
    pub received: Option<Timestamp>,
    /// Whether that was after the version's last day.
    pub late: Option<bool>,
    /// Their place in the log, from 0.
    pub index: Option<u64>,
}

/// Who answered, and what the answers come to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Progress {
    /// What the answers come to, however few.
    #[serde(flatten)]
    pub results: Results,
    /// The LEPs that are asked, by code.
    pub leps: Vec<OfLep>,
}

impl From<&Asked> for Asker {
    fn from(asked: &Asked) -> Self {
        Self {
            name: asked.questionnaire.name.clone(),
            version: asked.questionnaire.version,
            title: asked.questionnaire.title.clone(),
            due: asked.questionnaire.due,
            index: asked.index,
            seq: asked.seq,
            pae: asked.pae,
        }
    }
}

/// How the questionnaire of this name stands; `None` where there is none.
///
/// # Errors
/// Trouble with the store.
pub async fn standing<S: Log + Registry>(
    store: &S,
    name: &QuestionId,
) -> Result<Option<Standing>, StoreError> {
    let versions = versions(store, name).await?;
    let (Some(first), Some(newest)) = (versions.first(), versions.last()) else {
        return Ok(None);
    };
    let nodes = store.nodes().await?;
    let asks = |lep: &Gss| newest.questionnaire.asks(lep);
    let codes = Geography::embedded().leps().map(|lep| lep.code.clone());
    let of = |lep: Gss| {
        let node = nodes.iter().find(|node| node.lep == lep).cloned();
        (lep, node)
    };
    let mut asked: Vec<_> = codes.filter(asks).map(of).collect();
    asked.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut given = BTreeMap::new();
    let mut from = first.index;
    loop {
        let found = store.statements_of(Kind::QuestionnaireAnswers, from, PAGE);
        let found = found.await?;
        for statement in &found {
            if let Some(one) = read_given(statement, &versions, &nodes)? {
                given.insert(one.lep.clone(), one);
            }
        }
        match found.last() {
            Some(last) if found.len() == PAGE as usize => from = last.index + 1,
            _ => break,
        }
    }
    Ok(Some(Standing {
        versions,
        asked,
        given,
    }))
}

/// How every questionnaire stands, the one that was issued last first.
///
/// # Errors
/// Trouble with the store.
pub async fn standings<S: Log + Registry>(store: &S) -> Result<Vec<Standing>, StoreError> {
    let mut all = Vec::new();
    for asked in newest(store).await? {
        all.extend(standing(store, &asked.questionnaire.name).await?);
    }
    Ok(all)
}

/// What a statement of answers says.
///
/// # Errors
/// Damaged bytes: it was verified before it was logged.
pub(crate) fn read_answers(statement: &LoggedStatement) -> Result<Answers, StoreError> {
    let unverified = Unverified::parse(&statement.envelope).ok();
    let body =
        unverified.and_then(|u| serde_json::from_slice::<Body<Answers>>(u.unverified_body()).ok());
    body.map(|body| body.payload)
        .ok_or_else(|| damaged(statement.index))
}

fn damaged(leaf: u64) -> StoreError {
    StoreError::Corrupt {
        table: "statement",
        column: "envelope",
        row: leaf.to_string(),
    }
}

/// The answers that a statement gives to one of `versions`; `None` where they are to another questionnaire.
fn read_given(
    statement: &LoggedStatement,
    versions: &[Asked],
    nodes: &[Node],
) -> Result<Option<Given>, StoreError> {
    let answers = read_answers(statement)?;
    let Some(asked) = versions.iter().find(|v| v.pae == answers.questionnaire) else {
        return Ok(None);
    };
    let node = nodes.iter().find(|node| node.node == statement.node);
    let node = node.ok_or_else(|| StoreError::Corrupt {
        table: "statement",
        column: "node",
        row: statement.index.to_string(),
    })?;
    Ok(Some(Given {
        index: statement.index,
        node: statement.node.clone(),
        lep: node.lep.clone(),
        seq: statement.seq,
        received: statement.received,
        version: asked.questionnaire.version,
        late: london_day(statement.received) > asked.questionnaire.due,
        answers,
    }))
}

impl Standing {
    /// The newest version.
    #[must_use]
    pub fn newest(&self) -> &Asked {
        self.versions
            .last()
            .expect("`standing` gives none without a version")
    }

    /// The version of this number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Asked> {
        let mut versions = self.versions.iter();
        versions.find(|asked| asked.questionnaire.version == number)
    }

    /// Every version, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[Asked] {
        &self.versions
    }

    /// What is asked now.
    #[must_use]
    pub fn questionnaire(&self) -> &Questionnaire {
        &self.newest().questionnaire
    }

    /// Whether the newest version asks this LEP.
    #[must_use]
    pub fn asks(&self, lep: &Gss) -> bool {
        self.questionnaire().asks(lep)
    }

    /// How far this LEP is.
    #[must_use]
    pub fn state(&self, lep: &Gss) -> State {
        let newest = self.questionnaire().version;
        let mut asked = self.asked.iter();
        let node = asked.find(|(code, _)| code == lep);
        let node = node.and_then(|(_, node)| node.as_ref());
        match self.given.get(lep) {
            Some(given) if given.version < newest => State::EarlierVersion,
            Some(given) if given.late => State::Late,
            Some(_) => State::InTime,
            None if node.is_some_and(|node| node.state.is_approved()) => State::NotYet,
            None => State::NoNode,
        }
    }

    /// The last answers that are to the newest version, by LEP.
    pub fn counted(&self) -> impl Iterator<Item = &Given> {
        let newest = self.questionnaire().version;
        self.given.values().filter(move |g| g.version == newest)
    }

    /// What they come to, for operators and analysts.
    ///
    /// # Errors
    /// Damaged bytes: each was checked beside the questionnaire before it was logged.
    pub fn results(&self) -> Result<Results, StoreError> {
        let counted: Vec<&Given> = self.counted().collect();
        let answers: Vec<Answers> = counted.iter().map(|g| g.answers.clone()).collect();
        let tallies = tally(self.questionnaire(), &answers)
            .map_err(|e| damaged(counted.get(e.at).map_or(0, |g| g.index)))?;
        Ok(Results {
            questionnaire: self.newest().into(),
            asked: self.asked.len(),
            answered: counted.len(),
            too_few: counted.len() < FEW,
            tallies,
        })
    }

    /// The same for the LEPs that are asked: nothing while too few answered.
    ///
    /// # Errors
    /// As [`Self::results`].
    pub fn results_for_leps(&self) -> Result<Results, StoreError> {
        let results = self.results()?;
        Ok(if results.too_few {
            Results {
                tallies: Vec::new(),
                ..results
            }
        } else {
            results
        })
    }

    /// Who answered, and what the answers come to.
    ///
    /// # Errors
    /// As [`Self::results`].
    pub fn progress(&self) -> Result<Progress, StoreError> {
        let map = Geography::embedded();
        let of = |(lep, node): &(Gss, Option<Node>)| {
            let given = self.given.get(lep);
            OfLep {
                lep: Place {
                    code: lep.to_string(),
                    name: map.lep(lep).map_or_else(String::new, |l| l.name.clone()),
                },
                node: node.as_ref().map(|node| node.node.clone()),
                state: self.state(lep),
                version: given.map(|g| g.version),
                received: given.map(|g| g.received),
                late: given.map(|g| g.late),
                index: given.map(|g| g.index),
            }
        };
        Ok(Progress {
            results: self.results()?,
            leps: self.asked.iter().map(of).collect(),
        })
    }
}
