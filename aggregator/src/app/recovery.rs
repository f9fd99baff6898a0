//! What the commands about a log that lacks leaves do.

use std::fmt;

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::own::check_reason;
use ldsp_protocol::recovery::Run;
use ldsp_ui::secret::Secret;
use serde::Serialize;

use super::Refused;
use super::commands::authorise;
use crate::announce::one_line;
use crate::log::Signer;
use crate::recovery::{self, Recovery, in_words};
use crate::store::{Fork, Log, Recovery as Kept, Registry, Rollups, Staff, StoreError};

/// Runs and forks that are told one by one.
const TOLD: usize = 20;

/// Where the log stands with itself.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryReport {
    /// Whether it signs nothing.
    pub stopped: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, in words.
    pub cause: Option<String>,
    /// Leaves that it has.
    pub size: u64,
    /// Leaves of the largest checkpoint that it was shown.
    pub needs: u64,
    /// Leaves that nobody has sent back.
    pub missing: Vec<Run>,
    /// Nodes that have not said what they hold.
    pub unheard: Vec<NodeSlug>,
    /// Why leaves could not be put back.
    pub trouble: Option<String>,
    /// Proofs that the log signed two histories.
    pub forks: Vec<ForkLine>,
    /// What to do.
    pub next: &'static str,
}

/// Proof that the log signed two histories.
#[derive(Debug, Clone, Serialize)]
pub struct ForkLine {
    /// Number of leaves of both checkpoints, or the leaf of both receipts.
    pub place: u64,
    /// What this log stands by, as it was signed.
    pub ours: String,
    /// What it was shown, signed by the same key.
    pub theirs: String,
    /// Who showed it.
    pub said_by: String,
    /// When.
    pub found: Timestamp,
    /// Whether an operator has decided to go on.
    pub settled: bool,
}

impl From<Fork> for ForkLine {
    fn from(fork: Fork) -> Self {
        Self {
            place: fork.place,
            ours: fork.ours,
            theirs: fork.theirs,
            said_by: fork.said_by,
            found: fork.found,
            settled: fork.settled.is_some(),
        }
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cause, self.since) {
            (Some(cause), Some(since)) => {
                writeln!(f, "The log signs nothing new since {since}: {cause}.")?;
                writeln!(f, "Leaves   {} of {}", self.size, self.needs)?;
            }
            _ => writeln!(
                f,
                "The log signs: nobody has shown it that it lacks anything.\nLeaves   {}",
                self.size
            )?,
        }
        for run in self.missing.iter().take(TOLD) {
            writeln!(f, "Missing  {}", recovery::run_in_words(*run))?;
        }
        if self.missing.len() > TOLD {
            writeln!(f, "Missing  and {} runs more", self.missing.len() - TOLD)?;
        }
        for node in &self.unheard {
            writeln!(f, "Unheard  {node}")?;
        }
        if let Some(trouble) = &self.trouble {
            writeln!(f, "Trouble  {trouble}")?;
        }
        for fork in self.forks.iter().take(TOLD) {
            let settled = if fork.settled { ", settled" } else { "" };
            writeln!(
                f,
                "Fork     at {}, shown by {} at {}{settled}: both signed texts are in --json and on /operator/log",
                fork.place, fork.said_by, fork.found
            )?;
        }
        write!(f, "Next     {}", self.next)
    }
}

/// Tells where the log stands.
///
/// # Errors
/// Trouble with the store.
pub async fn recovery<S: Log + Registry + Rollups + Kept>(
    store: &S,
    signer: &Signer,
) -> Result<RecoveryReport, Refused> {
    let recovery = Recovery::new(store, signer);
    let state = recovery.state().await?;
    let stop = recovery.stopped().await?.filter(|_| state.stopped);
    let unheard = if state.stopped {
        recovery.unheard().await?
    } else {
        Vec::new()
    };
    let forks = store.forks().await?;
    Ok(RecoveryReport {
        next: recovery::next(&state, &unheard, &forks),
        stopped: state.stopped,
        since: stop.as_ref().map(|stop| stop.since),
        cause: stop.as_ref().map(in_words),
        size: state.size,
        needs: state.needs,
        missing: state.missing,
        unheard,
        trouble: stop.and_then(|stop| stop.trouble),
        forks: forks.into_iter().map(ForkLine::from).collect(),
    })
}

/// Stops the log after its database was restored.
///
/// # Errors
/// Not an operator; trouble with the store.
pub async fn begin_recovery<S: Log + Registry + Rollups + Kept + Staff>(
    store: &S,
    signer: &Signer,
    (by, secret): (&str, &Secret),
    now: Timestamp,
) -> Result<RecoveryReport, Refused> {
    authorise(store, by, secret).await?;
    Recovery::new(store, signer).begin(by, now).await?;
    recovery(store, signer).await
}

/// Has the log go on without the nodes that were not heard, and with its forks as they are.
///
/// # Errors
/// Not an operator, a reason that cannot be kept, a log that is not stopped; trouble with the store.
pub async fn go_on<S: Log + Registry + Rollups + Kept + Staff>(
    store: &S,
    signer: &Signer,
    reason: &str,
    (by, secret): (&str, &Secret),
    now: Timestamp,
) -> Result<RecoveryReport, Refused> {
    authorise(store, by, secret).await?;
    let reason = one_line(reason);
    check_reason(&reason).map_err(|e| {
        Refused::new(
            format!("the reason would be {e}"),
            "Say in one or two sentences why, without names of people.",
        )
    })?;
    let log = Recovery::new(store, signer);
    if log.stopped().await?.is_none() {
        return Err(Refused::new("the log signs", "Nothing is to be decided."));
    }
    match log.go_on(by, &reason, now).await {
        Ok(_) => recovery(store, signer).await,
        Err(error @ StoreError::Corrupt { .. }) => Err(Refused::new(
            error.to_string(),
            "Restore another backup; this one is damaged.",
        )),
        Err(error) => Err(error.into()),
    }
}
