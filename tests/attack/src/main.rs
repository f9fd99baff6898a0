//! Attacks a directory of releases, or simulated ones.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    ldsp_attack::app::main(&ldsp_attack::app::Options::parse())
}
