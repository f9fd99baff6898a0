//! Runs the benches and prints what they measured; ends with 1 when a ratio breaks its bound.

use std::process::ExitCode;

use clap::Parser;
use ldsp_tests::bench::{ALL, Report, Scale};

/// Benches of the whole: ratios to baselines that are measured in the same run.
#[derive(Debug, Parser)]
#[command(name = "tests/bench")]
struct Options {
    /// The bench to run; every one when left out.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(ALL.iter().map(|(name, _)| *name)))]
    name: Option<String>,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    json: bool,
    /// Small inputs: shows that the benches run and judges nothing.
    #[arg(long)]
    small: bool,
}

#[expect(clippy::print_stdout, reason = "the program's answer")]
fn main() -> ExitCode {
    let options = Options::parse();
    let scale = if options.small {
        Scale::Small
    } else {
        Scale::Full
    };
    let chosen = |name: &str| options.name.as_deref().is_none_or(|wanted| wanted == name);
    let mut all = Report::default();
    for (name, bench) in ALL.iter().filter(|(name, _)| chosen(name)) {
        eprintln!("{name} …");
        let report = bench(scale);
        if !options.json {
            report.lines().iter().for_each(|line| println!("{line}"));
        }
        all.extend(report);
    }
    if options.json {
        println!("{}", all.json());
    }
    let broken = all.broken();
    if scale == Scale::Full && !broken.is_empty() {
        eprintln!("outside their bounds: {}", broken.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
