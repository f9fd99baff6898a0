//! `fsck`: everything that is stored, received again from the log.

use std::fmt;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::identity::{identity, signer};
use super::{Config, Refused, open_store};
use crate::fsck::{Ground, Report, fsck};

/// A report with the log's name.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The log's origin.
    pub origin: String,
    /// What was checked and found.
    #[serde(flatten)]
    pub report: Report,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            leaves,
            nodes,
            statements,
            own,
            months,
            figures,
            figures_gone,
            figures_left,
            questionnaires,
            entries,
            withdrawn,
            evidence,
            findings,
            more,
        } = &self.report;
        for finding in findings {
            writeln!(f, "{finding}")?;
        }
        if *more > 0 {
            writeln!(f, "and {more} more")?;
        }
        if findings.is_empty() {
            writeln!(f, "Everything that is stored is what the log gives.")?;
        }
        writeln!(f, "Log         {}", self.origin)?;
        writeln!(
            f,
            "Tree        {leaves} leaves, each with the record of its statement"
        )?;
        writeln!(f, "Nodes       {nodes}")?;
        writeln!(
            f,
            "Statements  {statements}, each received again; {own} of the log's own"
        )?;
        writeln!(f, "Months      {months}, each folded again")?;
        write!(f, "Findings    {figures}, each made again to the byte")?;
        if *figures_gone > 0 {
            write!(
                f,
                "; {figures_gone} stand on statements that were withdrawn since"
            )?;
        }
        if *figures_left > 0 {
            write!(f, "; {figures_left} of older runs were left out")?;
        }
        writeln!(f)?;
        writeln!(f, "Practice    {entries}")?;
        writeln!(f, "Asked       {questionnaires} versions of questionnaires")?;
        writeln!(
            f,
            "Withdrawn   {withdrawn}, each named by its withdrawal and by the statement behind it"
        )?;
        write!(f, "Proofs      {evidence} against nodes")
    }
}

impl Checked {
    /// Why the check is not passed; the next step is that of the first finding.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        let first = self.report.findings.first()?;
        let number = self.report.findings.len() as u64 + self.report.more;
        Some(Refused::new(
            format!("{number} row(s) are not what the log gives"),
            first.next,
        ))
    }
}

/// Checks the configured database. Progress goes to standard error when that is a terminal.
///
/// # Errors
/// Not set up, or trouble with the database; what is wrong in it is in the report.
pub async fn check(config: &Config) -> Result<Checked, Refused> {
    let signer = signer(config, &identity(config)?)?;
    let store = open_store(config).await?;
    let bar = ProgressBar::new(0);
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} statements, {eta} left");
    bar.set_style(style.expect("the template is a constant"));
    let ground = Ground {
        log: signer.verifier(),
    };
    let mut told = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let mut snapshot = store.snapshot().await?;
    let report = fsck(&mut snapshot, ground, &mut told).await;
    bar.finish_and_clear();
    drop(snapshot);
    store.close().await;
    Ok(Checked {
        origin: signer.verifier().name().to_owned(),
        report: report?,
    })
}
