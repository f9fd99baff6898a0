//! A whole federation on this machine, over real TLS.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match ldsp_deploy::demo::main(ldsp_deploy::demo::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ldsp-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
