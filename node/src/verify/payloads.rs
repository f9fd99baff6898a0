//! The content behind a log's entries: that it is there, that it is what its signer signed, and that what is gone was taken back by its
//! own signer. The walk over the log ([`super::whole`]) shows nothing of that: it sees digests only.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::log::Entry;
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::{Own, OwnStatement};
use ldsp_protocol::statement::Kind;

use super::source::{Given, Source};
use super::{Fault, TELL, statement};

/// What a source has of the content of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payloads {
    /// Number of statements that are there, each signed by the key that the log took for its node.
    pub given: u64,
    /// Number of those that are gone, each named by a withdrawal that its node signed.
    pub withdrawn: u64,
    /// Number of practice entries and of answers to questionnaires that are not for everybody, which nobody here could read.
    pub closed: u64,
}

type Keys = BTreeMap<(NodeSlug, Digest), VerifyingKey>;

/// Fetches the envelope of every entry of a log. Memory grows with the number of entries, not with what they hold; `told` hears how
/// many are done, of how many.
///
/// # Errors
/// The first fault: `source`, `hidden`, `altered`, and those of [`statement`].
pub async fn payloads<S: Source>(
    source: &S,
    log: &Verifier,
    entries: &[(u64, Entry)],
    told: impl Fn(u64, u64),
) -> Result<Payloads, Fault> {
    let keys = keys(source, log, entries).await?;
    let mut found = Payloads::default();
    let (mut gone, mut withdrawals) = (Vec::new(), BTreeMap::new());
    let mut answers = stream::iter(entries)
        .map(|(index, entry)| async move {
            Ok::<_, Fault>((*index, entry, given(source, entry).await?))
        })
        .buffered(S::AT_ONCE);
    let mut done = 0;
    while let Some((index, entry, given)) = answers.try_next().await? {
        match given {
            Given::Bytes(bytes) => {
                let key = if entry.kind.is_of_log() {
                    Some(log.key())
                } else {
                    keys.get(&(entry.node.clone(), entry.key_id))
                };
                let key =
                    key.ok_or_else(|| altered(index, entry, "the log never took that key"))?;
                let genuine = statement(&bytes, key).map_err(|f| altered(index, entry, &f.what))?;
                if genuine.entry() != *entry {
                    return Err(altered(index, entry, "it is another statement"));
                }
                if let Some(target) = genuine.statement.withdraws {
                    withdrawals.insert((entry.node.clone(), target.seq), target.pae);
                }
                found.given += 1;
            }
            Given::Closed(_) if is_for_some(entry.kind) => found.closed += 1,
            Given::Closed(words) => return Err(hidden(index, entry, &words)),
            Given::Gone => gone.push((index, entry)),
        }
        done += 1;
        told(done, entries.len() as u64);
    }
    for (index, entry) in gone {
        let named = withdrawals.get(&(entry.node.clone(), entry.seq));
        if named != Some(&entry.pae) {
            return Err(hidden(index, entry, "no withdrawal of that node names it"));
        }
        found.withdrawn += 1;
    }
    Ok(found)
}

/// Whether the content may be for some readers only.
fn is_for_some(kind: Kind) -> bool {
    matches!(kind, Kind::PracticeEntry | Kind::QuestionnaireAnswers)
}

async fn given<S: Source>(source: &S, entry: &Entry) -> Result<Given, Fault> {
    let path = format!("v1/nodes/{}/statements/{}", entry.node, entry.seq);
    source.envelope(&path).await
}

/// The nodes' keys, as the log's own statements name them.
async fn keys<S: Source>(
    source: &S,
    log: &Verifier,
    entries: &[(u64, Entry)],
) -> Result<Keys, Fault> {
    let mut keys = Keys::new();
    for (index, entry) in entries.iter().filter(|(_, e)| e.kind == Kind::KeyAdd) {
        let Given::Bytes(bytes) = given(source, entry).await? else {
            return Err(hidden(*index, entry, "the log's own statements stay"));
        };
        let other = |what: String| altered(*index, entry, &what);
        let verified = Unverified::parse(&bytes).map_err(|e| other(e.to_string()))?;
        let verified = verified
            .verify(log.key())
            .map_err(|e| other(e.to_string()))?;
        let said = OwnStatement::read(&verified).map_err(|e| other(e.to_string()))?;
        if let Own::KeyAdd(add) = said.payload {
            let key = add.key().map_err(|e| other(e.to_string()))?;
            keys.insert((add.node, add.key_id), key);
        }
    }
    Ok(keys)
}

fn altered(index: u64, entry: &Entry, why: &str) -> Fault {
    let what = format!(
        "what is given as statement {} of {} is not what entry {index} is of: {why}",
        entry.seq, entry.node
    );
    Fault::new("altered", what, TELL)
}

fn hidden(index: u64, entry: &Entry, why: &str) -> Fault {
    let what = format!(
        "entry {index}, statement {} of {}, is not given: {why}",
        entry.seq, entry.node
    );
    let next = "Check again: it may have been withdrawn a moment ago. If it stays so, the log hides it: keep its checkpoint and tell its node and the other LEPs.";
    Fault::new("hidden", what, next)
}
