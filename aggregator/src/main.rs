//! `ldsp-aggregator`: the national server.

use std::process::ExitCode;

/// Requests make and drop many small buffers on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ldsp_aggregator::app::main(std::env::args_os(), std::env::vars())
}
