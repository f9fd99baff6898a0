//! Rules of the house that no compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Clippy sees calls and types, but not a unit struct used as a value.
#[test]
fn only_app_reads_the_systems_randomness() {
    let mut all = Vec::new();
    for member in ["protocol", "ui", "node", "aggregator", "deploy"] {
        sources(&root().join(member).join("src"), &mut all);
    }
    let (mut inside, mut outside) = (0, Vec::new());
    for path in &all {
        let text = fs::read_to_string(path).expect("a source file");
        let reads = text
            .lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains("getrandom"));
        let in_app = path.components().any(|c| c.as_os_str() == "app");
        match (reads, in_app) {
            (true, true) => inside += 1,
            (true, false) => outside.push(path),
            (false, _) => {}
        }
    }
    assert!(
        outside.is_empty(),
        "randomness is a parameter outside `app`: {outside:?}"
    );
    assert_eq!(inside, 2, "node and aggregator each read it in one place");
}

/// The protocol is what an auditor builds alone.
#[test]
fn the_protocol_depends_on_no_io() {
    let manifest = fs::read_to_string(root().join("protocol/Cargo.toml")).expect("the manifest");
    let (dependencies, _) = manifest
        .split_once("[dev-dependencies]")
        .expect("both sections");
    for banned in ["tokio", "axum", "sqlx", "reqwest", "getrandom", "rand_core"] {
        assert!(
            !dependencies.contains(banned),
            "protocol depends on {banned}"
        );
    }
}
