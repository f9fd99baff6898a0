//! Arguments of `access`, `erase`, `retain`, `audit`, `backup` and `restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ldsp_protocol::ids::Digest;

use crate::rights::PERIODS;

/// A learner. The number is asked for on the terminal, where it is not shown, or read from standard input when that is no terminal: on a
/// command line others could see it.
#[derive(Debug, Args)]
#[command(
    after_help = "The learner's number is asked for on the terminal, or read from standard input when that is no terminal: the ULN, or with --provider that provider's reference. It is neither shown nor kept."
)]
pub struct Whom {
    /// The training provider whose reference of the learner is given; without it a ULN is
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Which records are the learner's, where a wrong ULN tied several people's together: `erase --dry-run` lists them; may be repeated
    #[arg(long = "part", value_name = "PART")]
    pub parts: Vec<String>,
}

/// `retain`.
#[derive(Debug, Args)]
pub struct Retain {
    /// Count what would go, with --set by that period, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Set the period, in months after the end of a learner's last enrolment, or `none`; nothing goes before the schedule's next time
    #[arg(long, value_name = "MONTHS|none", requires = "reason")]
    pub set: Option<Months>,
    /// Why, in a sentence that names nobody; kept with the period
    #[arg(long, value_name = "TEXT", requires = "set")]
    pub reason: Option<String>,
}

/// A period in months, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months(pub Option<u16>);

impl std::str::FromStr for Months {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let months = text.parse().ok().filter(|months| PERIODS.contains(months));
        let wrong = || "write 1 to 1200 months, or none".to_owned();
        months.map(|months| Self(Some(months))).ok_or_else(wrong)
    }
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// The latest entries, newest first
    List {
        /// Of this person alone
        #[arg(long, value_name = "NAME")]
        who: Option<String>,
        /// Of this action alone
        #[arg(long, value_name = "ACTION")]
        action: Option<String>,
        /// Entries at most
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Every entry with its hash, oldest first, as CSV to read; with --json as JSON, whose texts are those that the hashes cover
    Export,
    /// Hold every entry to its hash: an entry that was altered, taken out or slipped in shows
    Check {
        /// A hash that was written down earlier, from an export, a backup's manifest or an earlier check: the log must still hold its entry
        #[arg(long, value_name = "HASH")]
        head: Option<Digest>,
    },
}

/// `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Directory to make for the records; it must not exist
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Directory for the keys, which may hold them already [default: the directory of the records with `.keys` behind its name]
    #[arg(long, value_name = "DIR")]
    pub keys_to: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// Directory of the records that `backup` made
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Directory of the keys [default: the directory of the records with `.keys` behind its name]
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// A newer `erasures.journal`, from the lost node or from another backup: who is in it is erased again
    #[arg(long, value_name = "FILE")]
    pub erasures: Option<PathBuf>,
}
