//! `ldsp-aggregator`: the national server.

use std::process::ExitCode;

fn main() -> ExitCode {
    ldsp_aggregator::app::main(std::env::args_os(), std::env::vars())
}
