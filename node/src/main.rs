//! `ldsp-node`: one LEP's server.

use std::process::ExitCode;

fn main() -> ExitCode {
    ldsp_node::app::main(std::env::args_os(), std::env::vars())
}
