//! Questionnaires: their versions follow one another, and answers name one that stands before them.

use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, QuestionId};
use ldsp_protocol::questionnaire::Questionnaire;

use super::{Fsck, Rule};
use crate::questionnaires::Asked;
use crate::store::LoggedStatement;

/// What the log asks.
#[derive(Default)]
pub(super) struct Stated {
    asked: BTreeMap<Digest, Asked>,
    /// The last version of each name.
    versions: BTreeMap<QuestionId, u32>,
}

impl Stated {
    /// The questionnaire that a statement at this leaf may answer.
    pub(super) fn before(&self, leaf: u64, pae: Digest) -> Option<Asked> {
        let asked = self.asked.get(&pae)?;
        (asked.index < leaf).then(|| asked.clone())
    }
}

pub(super) fn take(run: &mut Fsck<'_>, row: &LoggedStatement, questionnaire: Questionnaire) {
    run.report.questionnaires += 1;
    let (name, version) = (questionnaire.name.clone(), questionnaire.version);
    let before = run.asked.versions.insert(name.clone(), version);
    if version != before.unwrap_or_default().saturating_add(1) {
        let what = match before {
            Some(before) => format!("version {version} of {name} follows version {before}"),
            None => format!("{name} begins with version {version}"),
        };
        run.find(
            Rule::Sequence,
            ("own_statement", "envelope"),
            row.index,
            what,
        );
    }
    let asked = Asked {
        index: row.index,
        seq: row.seq,
        pae: row.pae,
        received: row.received,
        questionnaire,
    };
    run.asked.asked.insert(row.pae, asked);
}
