//! A node for benches: the real program with programmes and postcodes, and what its processes take.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::{records, timed};
use crate::program::{Outcome, Program};

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// From its start to its end.
    pub(super) time: Duration,
    /// Peak of its resident memory in MB (10^6 bytes), as Linux counts it.
    pub(super) peak_mb: f64,
}

/// A node in `dir` that holds programmes and postcodes and no learners.
pub(super) fn prepared(dir: &Path) -> Program {
    let program = Program::new("ldsp-node", dir).with("RUST_LOG", "warn");
    program.run(&["init", "--lep", records::LEP]).done();
    import_lists(&program, dir);
    program
}

/// Imports the programmes and postcodes of [`records`].
pub(super) fn import_lists(program: &Program, dir: &Path) {
    for (kind, text) in [
        ("programmes", records::programmes()),
        ("postcodes", records::postcodes()),
    ] {
        let file = dir.join(format!("{kind}.csv"));
        fs::write(&file, text).expect("a temporary folder can be written");
        program.run(&["import", kind, path(&file)]).done();
    }
}

/// A path as an argument.
///
/// # Panics
/// When it is not UTF-8.
pub(super) fn path(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// Runs `ldsp-node` to its end and measures it.
pub(super) fn measured(program: &Program, arguments: &[&str], input: &str) -> (Outcome, Taken) {
    let (stop, stopped) = mpsc::channel::<()>();
    let ((outcome, watch), time) = timed(|| {
        let running = program.start_with(arguments, input);
        let status = format!("/proc/{}/status", running.id());
        // The peak is a high-water mark: looking now and then misses only what the last moment adds.
        let watch = std::thread::spawn(move || {
            let mut peak = 0;
            loop {
                peak = peak.max(high_water_kib(&status));
                let waited = stopped.recv_timeout(Duration::from_millis(5));
                if waited != Err(mpsc::RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        (running.wait(), watch)
    });
    drop(stop);
    let peak = watch.join().expect("the watch only reads");
    let peak_mb = peak as f64 * 1_024.0 / 1e6;
    (outcome, Taken { time, peak_mb })
}

/// `VmHWM` in KiB; 0 once the process is gone.
fn high_water_kib(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
