//! Tallies of statements, and proofs against nodes.

use ldsp_protocol::enrolment::NodeState;

use super::{Fsck, Rule, node};
use crate::store::{Equivocation, Head, LoggedStatement, Node, StoreError, Tally};
use crate::verify::{Address, Authentic};

/// Counts a statement.
pub(super) fn count(run: &mut Fsck<'_>, row: &LoggedStatement) {
    let tally = run.tallies.entry((row.node.clone(), row.kind));
    let tally = tally.or_insert_with(|| Tally {
        node: row.node.clone(),
        kind: row.kind,
        count: 0,
        withdrawn: 0,
        first: row.received,
        latest: row.received,
    });
    tally.count += 1;
    tally.first = tally.first.min(row.received);
    tally.latest = tally.latest.max(row.received);
}

pub(super) async fn tallies(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    let mut counted = std::mem::take(&mut run.tallies);
    for row in run.snapshot.tallies().await? {
        let Some(stored) = run.readable(row)? else {
            continue;
        };
        let row = format!("{} {}", stored.node, stored.kind.as_str());
        let Some(tally) = counted.remove(&(stored.node.clone(), stored.kind)) else {
            let what = "no statement is counted here";
            run.find(Rule::Tally, ("statement_tally", "statements"), row, what);
            continue;
        };
        for (column, same) in [
            ("statements", stored.count == tally.count),
            ("first", stored.first == tally.first),
            ("latest", stored.latest == tally.latest),
        ] {
            if !same {
                let what = "it is not that of the node's statements";
                run.find(Rule::Tally, ("statement_tally", column), &row, what);
            }
        }
    }
    for (node, kind) in counted.into_keys() {
        let row = format!("{node} {}", kind.as_str());
        let what = "statements are not counted";
        run.find(Rule::Tally, ("statement_tally", "statements"), row, what);
    }
    Ok(())
}

pub(super) async fn evidence(run: &mut Fsck<'_>) -> Result<(), StoreError> {
    for (name, seq) in run.snapshot.places_of_evidence().await? {
        run.report.evidence += 1;
        let Some(proof) = run.snapshot.evidence(&name, seq).await? else {
            continue;
        };
        let Some(proof) = run.readable(proof)? else {
            continue;
        };
        let logged = run.snapshot.identity(&proof.node, proof.seq).await?;
        if logged != Some(proof.logged) {
            let what = "it is not the digest of the statement that is logged in this place";
            find(run, "logged_pae", &proof, what);
        }
        if proof.logged == proof.refused {
            find(run, "pae", &proof, "it is the logged statement itself");
        }
        if proof.envelope.is_empty() {
            // It carried what the node withdrew.
            if !run.withdrew.contains(&proof.node) {
                let what = "the kept envelope is gone, and its node withdrew nothing";
                find(run, "envelope", &proof, what);
            }
            continue;
        }
        let signer = run.snapshot.node(&proof.node).await?;
        let Some(signer) = signer.map(|row| run.readable(row)).transpose()?.flatten() else {
            continue;
        };
        match refused(run, signer, &proof) {
            Ok(authentic) if authentic.pae() == proof.refused => {}
            Ok(_) => find(
                run,
                "pae",
                &proof,
                "it is not the digest of the kept envelope",
            ),
            Err(why) => find(run, "envelope", &proof, &why),
        }
    }
    Ok(())
}

/// The refused statement, if the node signed it for this place.
fn refused(run: &Fsck<'_>, signer: Node, proof: &Equivocation) -> Result<Authentic, String> {
    let unverified = crate::verify::parse(&proof.envelope).map_err(|problem| problem.detail)?;
    let then = Node {
        state: NodeState::Active,
        revoked: None,
        head: Head {
            seq: proof.seq.saturating_sub(1),
            pae: node::named(&unverified),
        },
        ..signer
    };
    let address = Address {
        node: proof.node.clone(),
        seq: proof.seq,
    };
    Authentic::new(unverified, &address, then, run.ground.log.name())
        .map_err(|problem| problem.detail)
}

fn find(run: &mut Fsck<'_>, column: &'static str, proof: &Equivocation, what: &str) {
    let row = format!("{} {}", proof.node, proof.seq);
    run.find(Rule::Evidence, ("equivocation", column), row, what);
}
