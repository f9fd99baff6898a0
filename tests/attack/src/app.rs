//! The command line.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use ldsp_protocol::standard::Standard;

use crate::attacks;
use crate::releases::{Published, Standards};
#[cfg(feature = "simulate")]
use crate::simulate::{self, Flaw, Plan, Scenario};
use crate::truth::Truth;
use crate::verdict::{Outcome, Verdict, all_pass};

/// Attacks what nodes published, knowing the public rules and nothing else, and says whether anything about a learner can be learnt.
///
/// DIR holds DSSE envelopes of learning summaries in files ending in .json, in any folders: what an aggregator serves at
/// /v1/nodes/NODE/statements/SEQ. With --truth, a CSV of what was really counted, every attack is scored; without, those that need none
/// are made. Each line says: attack, node size, targets, statistic, limit, pass or FAIL, and what it means. docs/attacks.md explains them.
///
/// Ends with 0 when all pass, 1 when one fails, 2 when the input cannot be read.
#[derive(Debug, Clone, Parser)]
#[command(name = "ldsp-attack", version)]
pub struct Options {
    /// Directory of releases
    #[cfg_attr(
        feature = "simulate",
        arg(value_name = "DIR", required_unless_present = "simulate")
    )]
    #[cfg_attr(not(feature = "simulate"), arg(value_name = "DIR", required = true))]
    pub dir: Option<PathBuf>,
    /// What was really counted: CSV, one row for each entry of an enrolment into a family
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// A data standard that releases follow besides the embedded ones; may be given again
    #[arg(long, value_name = "FILE")]
    pub standard: Vec<PathBuf>,
    /// Print the verdicts as one JSON array
    #[arg(long)]
    pub json: bool,
    #[cfg(feature = "simulate")]
    #[command(flatten)]
    simulation: Simulation,
}

#[cfg(feature = "simulate")]
#[derive(Debug, Clone, clap::Args)]
struct Simulation {
    /// Attack simulated nodes instead of DIR
    #[arg(long, conflicts_with_all = ["dir", "truth", "standard"])]
    simulate: bool,
    /// Sizes of the nodes; smaller ones are simulated in larger numbers
    #[arg(long, value_delimiter = ',', default_value = "500,5000,50000", value_parser = clap::value_parser!(u32).range(50..=200_000), requires = "simulate")]
    learners: Vec<u32>,
    /// Months that each node publishes
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u8).range(6..=120), requires = "simulate")]
    months: u8,
    /// Plant a flaw, which the attacks must find
    #[arg(long, requires = "simulate")]
    flaw: Option<Flaw>,
    /// Number that learners and noise follow from
    #[arg(long, default_value_t = 1, requires = "simulate")]
    seed: u64,
    /// Only write the simulated releases and truth.csv to this directory
    #[arg(long, value_name = "DIR", requires = "simulate")]
    write: Option<PathBuf>,
}

/// Runs the program.
#[expect(clippy::print_stderr, reason = "the program's answer")]
#[must_use]
pub fn main(options: &Options) -> ExitCode {
    match verdicts(options) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(verdicts)) => {
            print(options, &verdicts);
            ExitCode::from(u8::from(!all_pass(&verdicts)))
        }
        Err(error) => {
            eprintln!("ldsp-attack: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the program's answer")]
fn print(options: &Options, verdicts: &[Verdict]) {
    if options.json {
        let json = serde_json::to_string_pretty(verdicts);
        println!("{}", json.expect("verdicts hold numbers and strings only"));
        return;
    }
    for verdict in verdicts {
        println!("{}", verdict.line());
    }
    let count = |outcome| verdicts.iter().filter(|v| v.outcome == outcome).count();
    println!(
        "{} pass, {} fail, {} not tried",
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::NotRun)
    );
}

fn verdicts(options: &Options) -> anyhow::Result<Option<Vec<Verdict>>> {
    #[cfg(feature = "simulate")]
    if options.simulation.simulate {
        return simulated(&options.simulation);
    }
    let Some(dir) = &options.dir else {
        bail!("a directory of releases is needed")
    };
    let mut standards = Standards::default();
    for path in &options.standard {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        standards.add(Standard::parse(&bytes).with_context(|| path.display().to_string())?);
    }
    let published = Published::read(dir, &standards)?;
    let truth = match &options.truth {
        None => None,
        Some(path) => {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            Some(Truth::read(file).with_context(|| path.display().to_string())?)
        }
    };
    Ok(Some(attacks::run(&published, truth.as_ref())))
}

#[cfg(feature = "simulate")]
fn simulated(options: &Simulation) -> anyhow::Result<Option<Vec<Verdict>>> {
    let learners: Vec<usize> = options.learners.iter().map(|n| *n as usize).collect();
    let plan = Plan::new(
        &learners,
        usize::from(options.months),
        options.flaw,
        options.seed,
    );
    if let Some(dir) = &options.write {
        simulate::write(&simulate::simulate(&plan, Scenario::Life), dir)
            .with_context(|| dir.display().to_string())?;
        return Ok(None);
    }
    Ok(Some(simulate::attack_all(&plan)?))
}
