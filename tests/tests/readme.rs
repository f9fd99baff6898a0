//! The README's commands are ones that the programs know.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use ldsp_tests::program;

/// Each in a directory of its own, where nothing is set up: a command may refuse, with its reason, but never as bad usage.
#[test]
fn every_command_is_understood() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let programs = program::binary("ldsp-node");
    let programs = programs.parent().expect("a program lies in a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut seen = 0;
    let is_command = |line: &&str| line.starts_with("ldsp-") || line.starts_with("LDSP_");
    for line in readme.lines().filter(is_command) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let command = line.replace("DIGEST", &"0".repeat(64));
        let outcome = Command::new("sh")
            .args(["-c", &command])
            .current_dir(dir.path())
            .env("PATH", format!("{}:{path}", programs.display()))
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&outcome.stderr);
        let code = outcome.status.code();
        assert!(matches!(code, Some(0 | 1)), "{line}: {code:?} {said}");
        assert!(
            code == Some(0) || said.contains("Next:"),
            "{line} does not say what is next: {said}"
        );
        seen += 1;
    }
    assert!(seen >= 18, "{seen} commands were found");
}
