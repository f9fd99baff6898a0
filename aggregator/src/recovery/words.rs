//! The state of a log in words.

use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::recovery::{LogState, Run};

use crate::store::{Cause, Fork, Stop};

/// Why the log stopped, as a clause.
#[must_use]
pub fn in_words(stop: &Stop) -> String {
    match stop.cause {
        Cause::Told => format!(
            "{} said that its database was restored from a backup",
            stop.said_by
        ),
        Cause::Larger => format!(
            "{} showed a checkpoint by the log’s own key of more leaves than it has, so its database is older than what it acknowledged",
            stop.said_by
        ),
        Cause::Other => format!(
            "{} showed a checkpoint or receipt by the log’s own key of other leaves than it has",
            stop.said_by
        ),
    }
}

/// `places 4 to 7`, from 0.
#[must_use]
pub fn run_in_words(run: Run) -> String {
    if run.first == run.last {
        format!("place {}", run.first)
    } else {
        format!("places {} to {}", run.first, run.last)
    }
}

/// What people have to do about it.
#[must_use]
pub fn next(state: &LogState, unheard: &[NodeSlug], forks: &[Fork]) -> &'static str {
    if !state.stopped {
        return "Nothing. After a database was restored from a backup: `recovery begin`, before it is served.";
    }
    if forks.iter().any(|fork| fork.settled.is_none()) {
        return "The log signed two histories. Keep the proof. If one was signed since the last restore, restore that backup again, run `recovery begin` before it is served, and let the nodes send what it lacks; if the log then has all leaves it needs, `recovery go-on --reason` lets it sign.";
    }
    if state.size < state.needs && !state.missing.is_empty() {
        return "Restore a later backup if there is one. If not, leave the server running: the nodes send what is missing by themselves, within half an hour where their programs run. Ring those that are not heard.";
    }
    if !unheard.is_empty() {
        return "Leave the server running and ring the IT teams of the nodes that are not heard: each must be running. If one will never be, `recovery go-on --reason` goes on without it.";
    }
    "Leave the server running: the leaves that came back are put in their places as soon as the next node is heard. If something is in the way, it is told as trouble."
}
