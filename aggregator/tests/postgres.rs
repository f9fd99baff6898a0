//! The command line on PostgreSQL: one journey, and what each wrong `database` is answered with.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's allowance for tests does not reach the helpers of an integration test"
)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use ldsp_cluster::Cluster;

fn run(dir: &Path, database: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ldsp-aggregator"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("LDSP_DATABASE", database)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn init(dir: &Path, database: &str) -> Output {
    let named = [
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
    ];
    run(dir, database, &[&["init"], &named[..]].concat())
}

#[test]
fn from_init_to_people() {
    let database = Cluster::shared().database();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(init(dir, &database.url()).status.code(), Some(0));
    let files: Vec<_> = std::fs::read_dir(dir.join("ldsp-aggregator-data"))
        .unwrap()
        .collect();
    assert_eq!(
        files.len(),
        4,
        "keys and the identity, no SQLite file: {files:?}"
    );
    let add = ["people", "add", "Olu", "--role", "operator", "--json"];
    json(&run(dir, &database.url(), &add));
    let again = run(dir, &database.url(), &add);
    assert_eq!(again.status.code(), Some(1));
    let listed = json(&run(dir, &database.url(), &["people", "list", "--json"]));
    assert_eq!(listed[0]["name"], "Olu");
    assert_eq!(database.sql("SELECT name FROM person").trim(), "Olu");
    let nodes = json(&run(dir, &database.url(), &["nodes", "--json"]));
    assert_eq!(nodes, serde_json::json!([]));
    // The same setting in the file, and a SQLite file elsewhere.
    let other = dir.join("other.sqlite");
    let settings = format!("database = \"sqlite:{}\"\n", other.display());
    std::fs::write(dir.join("ldsp-aggregator.toml"), settings).unwrap();
    let of_file = Command::new(env!("CARGO_BIN_EXE_ldsp-aggregator"))
        .args(["people", "list", "--json"])
        .current_dir(dir)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(json(&of_file), serde_json::json!([]));
    assert!(other.exists());
}

#[test]
fn each_wrong_database_is_refused_with_a_next_step_and_no_password() {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let user = cluster.guarded(&database, "s3cret-right");
    let (dir, nowhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = dir.path();
    let good = cluster.url(user, "s3cret-right", database.name());
    assert_eq!(init(dir, &good).status.code(), Some(0));
    json(&run(dir, &good, &["nodes", "--json"]));
    let nowhere = nowhere.path().display();
    for (url, words, next) in [
        (
            "mysql://u:s3cret@h/d".to_owned(),
            "kind of database",
            "sqlite:PATH",
        ),
        ("s3cret".to_owned(), "kind of database", "postgres://"),
        ("sqlite:".to_owned(), "names no file", "sqlite:PATH"),
        (
            format!("postgres://u:s3cret@localhost/d?host={nowhere}"),
            "cannot be reached",
            "that the server runs",
        ),
        (
            cluster.url(user, "s3cret-wrong", database.name()),
            "refuses the user",
            "password",
        ),
        (
            cluster.url(user, "s3cret-right", "missing"),
            "does not exist",
            "createdb",
        ),
    ] {
        let output = run(dir, &url, &["nodes"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        let advice = said.split_once("\nNext: ").expect("a next step").1;
        assert!(advice.contains(next), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
        assert!(output.stdout.is_empty());
        // `init` makes keys only; it still refuses what can never be.
        if !url.starts_with("postgres") {
            let fresh = tempfile::tempdir().unwrap();
            assert_eq!(init(fresh.path(), &url).status.code(), Some(1));
        }
    }
}
