//! Needs as programs and the terminal get them.

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::needs::{DemandSummary, ProvisionSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::sums::Held;
use crate::store::answers::Act;
use crate::store::needs::StoredNeeds;

/// How far needs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = NeedsState)]
pub(crate) enum State {
    /// They wait for an approver.
    Waiting,
    /// An approver refused them.
    Refused,
    /// They are published.
    Published,
}

impl State {
    pub(crate) fn of(it: &StoredNeeds) -> Self {
        match (&it.refused, &it.approved) {
            (_, Some(_)) => Self::Published,
            (Some(_), None) => Self::Refused,
            (None, None) => Self::Waiting,
        }
    }

    /// For people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Waiting => "Waits for an approver",
            Self::Refused => "Refused",
            Self::Published => "Published",
        }
    }
}

/// Needs in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NeedsHead)]
pub(crate) struct Head {
    /// Number at this node.
    id: i64,
    /// The day on which they were made.
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// How far they are.
    state: State,
    /// Of both payloads; an approver names it.
    digest: Digest,
}

impl From<&StoredNeeds> for Head {
    fn from(it: &StoredNeeds) -> Self {
        Self {
            id: it.id,
            as_of: it.demand.as_of,
            state: State::of(it),
            digest: it.digest,
        }
    }
}

/// Who did something, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NeedsAct)]
struct Did {
    by: String,
    at: Timestamp,
}

impl From<&Act> for Did {
    fn from((by, at): &Act) -> Self {
        let (by, at) = (by.clone(), *at);
        Self { by, at }
    }
}

/// Needs: exactly what is, or would be, published, and what is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreparedNeeds)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    prepared: Did,
    #[schema(required)]
    refused: Option<Did>,
    /// Why they were refused. It stays at this node.
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    published: Option<Did>,
    /// Sequence numbers of the statements.
    statements: Vec<u64>,
    /// What is asked for.
    demand: DemandSummary,
    /// What is offered; null: taken back from a log that did not have it.
    #[schema(required)]
    provision: Option<ProvisionSummary>,
    /// Sums that are not told, or not as they are now, and why. It stays at this node.
    kept_back: Vec<Held>,
    /// Records of districts that another LEP owns: that LEP tells of them.
    elsewhere: u64,
    /// Records of people who were asked that are counted here and nowhere else.
    people_records: u64,
}

impl From<&StoredNeeds> for Shown {
    fn from(it: &StoredNeeds) -> Self {
        let refused = it.refused.as_ref();
        Self {
            head: it.into(),
            prepared: (&it.prepared).into(),
            refused: refused.map(|(act, _)| act.into()),
            reason: refused.map(|(_, reason)| reason.clone()),
            published: it.approved.as_ref().map(Into::into),
            statements: it.seqs.iter().flatten().copied().collect(),
            demand: it.demand.clone(),
            provision: it.provision.clone(),
            kept_back: it.left.sums.clone(),
            elsewhere: it.left.elsewhere,
            people_records: it.left.people,
        }
    }
}
