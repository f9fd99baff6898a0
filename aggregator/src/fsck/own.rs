//! The log's own statements: signed by its key, one after the other; which node's key counts where.

use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::own::{KeyAdd, Own, OwnStatement};

use super::{Fsck, Rule, questionnaires};
use crate::store::{Head, LoggedStatement, Node, StoreError};

/// What the log states of a node's key.
#[derive(Debug, Clone, Default)]
pub(super) struct Stated {
    added: Option<(u64, KeyAdd)>,
    revoked: Option<u64>,
}

pub(super) async fn check(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut head = Some(Head {
        seq: 0,
        pae: Digest::ZERO,
    });
    for leaf in run.snapshot.own_leaves().await? {
        run.report.own += 1;
        let row = run.snapshot.own(leaf).await?;
        let row = row.map(|row| run.readable(row)).transpose()?.flatten();
        head = row.map(|row| one(run, &row, head));
    }
    Ok(())
}

/// Checks one and gives where the sequence stands behind it. `head` is `None` behind a row that could not be read.
fn one(run: &mut Fsck<'_>, row: &LoggedStatement, head: Option<Head>) -> Head {
    let log = run.ground.log;
    let mut find = |rule, column, what: &str| {
        run.find(rule, ("own_statement", column), row.index, what);
    };
    let stands = Head {
        seq: row.seq,
        pae: row.pae,
    };
    let verified = match Unverified::parse(&row.envelope).and_then(|u| u.verify(log.key())) {
        Ok(verified) => verified,
        Err(error) => {
            find(Rule::Signature, "envelope", &error.to_string());
            return stands;
        }
    };
    let said = match OwnStatement::read(&verified) {
        Ok(said) => said,
        Err(error) => {
            find(Rule::Body, "envelope", &error.to_string());
            return stands;
        }
    };
    for (column, rule, right) in [
        ("pae", Rule::Digest, verified.pae() == row.pae),
        ("key_id", Rule::Body, key_id(log.key()) == row.key_id),
        ("seq", Rule::Body, said.seq == row.seq),
        ("kind", Rule::Body, said.kind == row.kind),
        ("envelope", Rule::Body, said.origin == log.name()),
    ] {
        if !right {
            find(rule, column, "it is not what the signed envelope says");
        }
    }
    if let Some(head) = head {
        if row.seq != head.seq + 1 {
            let what = format!("the number {} follows {}", row.seq, head.seq);
            find(Rule::Sequence, "seq", &what);
        } else if said.prev != head.pae {
            let what = "the statement does not name the one before it";
            find(Rule::Chain, "envelope", what);
        }
    }
    take(run, row, said.payload);
    Head {
        seq: row.seq,
        pae: verified.pae(),
    }
}

fn take(run: &mut Fsck<'_>, row: &LoggedStatement, said: Own) {
    let leaf = row.index;
    if let Err(error) = run.keys.take(leaf, &said) {
        let column = ("own_statement", "envelope");
        run.find(Rule::Keys, column, leaf, error.to_string());
    }
    match said {
        Own::KeyAdd(add) => {
            run.figures.key(leaf, &add);
            let stated = run.stated.entry(add.node.clone()).or_default();
            stated.added = Some((leaf, add));
        }
        Own::KeyRevoke(revoke) => {
            run.stated.entry(revoke.node).or_default().revoked = Some(leaf);
        }
        Own::Standard(_) => {}
        Own::Questionnaire(questionnaire) => questionnaires::take(run, row, *questionnaire),
        Own::Finding(finding) => run.figures.finding(row, *finding),
        Own::BenchmarkRun(benchmark) => {
            if !run.figures.run(&benchmark) {
                let what = "the run does not name the findings before it";
                run.find(Rule::Finding, ("own_statement", "envelope"), leaf, what);
            }
        }
    }
}

/// Compares a node's row with what the log states of its key; says whether the log states one.
pub(super) fn node(run: &mut Fsck<'_>, node: &Node) -> bool {
    let stated = run.stated.remove(&node.node).unwrap_or_default();
    if stated.revoked != node.revoked {
        let what = "it is not where the log revoked the node's key";
        run.find(Rule::Keys, ("node", "revoked"), &node.node, what);
    }
    let Some((leaf, add)) = stated.added else {
        if node.state.is_approved() {
            let what = "the log does not state the node's key; where it was approved by an earlier version, start the server once";
            run.find(Rule::Keys, ("node", "added"), &node.node, what);
        }
        return false;
    };
    let public_key = node.key.map(|key| hex::encode(key.as_bytes()));
    for (column, right) in [
        ("state", node.state.is_approved()),
        ("added", node.added == Some(leaf)),
        ("public_key", public_key.as_ref() == Some(&add.public_key)),
        ("lep", node.lep == add.lep),
        (
            "approved_by",
            node.approved_by.as_ref() == Some(&add.approved_by),
        ),
    ] {
        if !right {
            let what = format!("it is not what the log states at leaf {leaf}");
            run.find(Rule::Keys, ("node", column), &node.node, what);
        }
    }
    true
}
