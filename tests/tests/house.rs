//! Rules of the house that no compiler knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

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

/// Where keys are admitted and signatures judged.
const JUDGE: &str = "protocol/src/keys.rs";
/// What only the judge may say.
const STRICT: [&str; 2] = ["VerifyingKey::from_bytes", "verify_strict"];
/// What nobody may say: names by which the library's laxer forms come into a file. Clippy refuses the calls of the plain
/// `verify` (clippy.toml).
const LAX: [&str; 9] = [
    "VerifyingKey::try_from",
    "Verifier as _",
    "from_public_key",
    "hazmat",
    "raw_verify",
    "verify_batch",
    "verify_digest",
    "verify_prehashed",
    "verify_stream",
];

/// Whether some import brings the trait into scope that has the plain `verify`.
fn imports_the_lax_trait(text: &str) -> bool {
    let library = ["ed25519_dalek", "ed25519", "signature"];
    let imports = text.split(';').filter_map(|part| part.rsplit_once("use "));
    imports.into_iter().any(|(_, import)| {
        let mut words = import.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.next().is_some_and(|name| library.contains(&name))
            && words.any(|word| word == "Verifier" || word == "MultipartVerifier")
    })
}

#[test]
fn keys_are_admitted_and_signatures_judged_in_one_place() {
    for (import, lax) in [
        ("use ed25519_dalek::{Signature, Verifier};", true),
        (
            "use ed25519_dalek::{\n    Signature,\n    Verifier,\n};",
            true,
        ),
        ("use ed25519_dalek::{Signature, VerifyingKey};", false),
        ("use ldsp_protocol::note::Verifier;", false),
    ] {
        assert_eq!(imports_the_lax_trait(import), lax, "{import}");
    }
    let members = ["protocol", "ui", "node", "aggregator", "deploy"];
    let helpers = ["tests", "tests/attack", "tests/cluster"];
    let mut judges = Vec::new();
    for member in members.iter().chain(&helpers) {
        let mut all = Vec::new();
        sources(&root().join(member).join("src"), &mut all);
        for path in all {
            let text = fs::read_to_string(&path).expect("a source file");
            let path = path.strip_prefix(root()).expect("it lies in the project");
            let lax: Vec<&str> = LAX.into_iter().filter(|name| text.contains(name)).collect();
            assert!(
                lax.is_empty(),
                "{}: {lax:?} lets signatures pass",
                path.display()
            );
            assert!(!imports_the_lax_trait(&text), "{}", path.display());
            if members.contains(member) && STRICT.iter().any(|name| text.contains(name)) {
                judges.push(path.to_owned());
            }
        }
    }
    assert_eq!(
        judges,
        [Path::new(JUDGE)],
        "the others call `keys::admit` and `keys::verifies`"
    );
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

/// RUSTSEC-2023-0071: its private operations take a time that tells of the key, and there is no mended version. Libraries for
/// signatures draw it in by a feature.
#[test]
fn rsa_is_left_to_aws_lc() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    assert!(lock.contains("name = \"aws-lc-rs\""));
    assert!(
        !lock.contains("name = \"rsa\""),
        "`cargo tree -i rsa` says who wants it"
    );
}

const MIGRATIONS: &str = "tests/migrations.sha256";

fn migrations(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).expect("a directory of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            migrations(&path, found);
        } else {
            let path = path.strip_prefix(root()).expect("it lies in the project");
            found.insert(path.to_str().expect("plain names").to_owned());
        }
    }
}

/// Every line that the list ever had on the main line, as far as the history at hand goes back. What a branch tried before it was merged is in
/// nobody's database.
fn lines_of_history() -> BTreeSet<String> {
    if !root().join(".git").exists() {
        // A copy of the sources without their history has only the list itself.
        return BTreeSet::new();
    }
    let log = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--format=",
            "--patch",
            "--",
            MIGRATIONS,
        ])
        .current_dir(root())
        .output()
        .expect("git reads the history that is there");
    assert!(
        log.status.success(),
        "{}",
        String::from_utf8_lossy(&log.stderr)
    );
    let log = String::from_utf8(log.stdout).expect("the list is text");
    let added = log.lines().filter(|line| !line.starts_with("+++"));
    let added = added.filter_map(|line| line.strip_prefix('+'));
    added.map(str::to_owned).collect()
}

/// Databases out there remember the digest of each migration that they went through.
#[test]
fn migrations_that_landed_never_change() {
    let list = fs::read_to_string(root().join(MIGRATIONS)).expect("the list");
    let listed: BTreeMap<&str, &str> = list
        .lines()
        .map(|line| {
            line.split_once("  ")
                .expect("a digest, two spaces and a path")
        })
        .map(|(digest, path)| (path, digest))
        .collect();
    assert_eq!(listed.len(), list.lines().count(), "a file is listed once");
    let mut found = BTreeSet::new();
    for member in ["node", "aggregator"] {
        migrations(&root().join(member).join("migrations"), &mut found);
    }
    for path in &found {
        let bytes = fs::read(root().join(path)).expect("a migration");
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        match listed.get(path.as_str()) {
            None => panic!("{path} is not listed: sha256sum {path} >> {MIGRATIONS}"),
            Some(landed) => assert_eq!(
                *landed, digest,
                "{path} has landed: leave it as it was and add a migration with the next number"
            ),
        }
    }
    let present: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(listed.keys().copied().collect::<BTreeSet<_>>(), present);
    let lines: BTreeSet<&str> = list.lines().collect();
    for line in lines_of_history() {
        assert!(
            lines.contains(line.as_str()),
            "{MIGRATIONS} lost or changed the line {line}"
        );
    }
}

/// A backend that lags behind the other would be found out late.
#[test]
fn both_databases_have_the_same_migrations() {
    let of = |backend: &str| {
        let dir = root().join("aggregator/migrations").join(backend);
        let files = fs::read_dir(dir).expect("the migrations of a backend");
        files
            .map(|file| file.expect("an entry").file_name())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(of("sqlite"), of("postgres"));
}

/// A pool of sqlx that looks after idle connections counts them after it has put one back: whoever takes that one first brings the
/// count from 0 to 2^64 - 1, and if its keeper looks at that moment, it walks through as many (sqlx-core 0.9.0,
/// `pool::inner::spawn_maintenance_tasks`). `ldsp-node status` was seen to never end.
#[test]
fn no_pool_looks_after_idle_connections() {
    let mut all = Vec::new();
    for member in ["ui", "node", "aggregator", "deploy"] {
        sources(&root().join(member).join("src"), &mut all);
    }
    let mut pools = 0;
    for path in &all {
        let text = fs::read_to_string(path).expect("a source file");
        for (at, _) in text.match_indices("PoolOptions::new()") {
            let options: String = text[at..].split_whitespace().take(3).collect();
            assert!(
                options.starts_with("PoolOptions::new().idle_timeout(None).max_lifetime(None)"),
                "{}: a pool without `.idle_timeout(None).max_lifetime(None)`",
                path.display()
            );
            pools += 1;
        }
    }
    assert_eq!(pools, 3, "node, SQLite, PostgreSQL");
}

/// The names under which a document describes the types of some members: by name, the files.
fn described(members: &[&str]) -> BTreeMap<String, Vec<PathBuf>> {
    let mut all = Vec::new();
    for member in members {
        sources(&root().join(member).join("src"), &mut all);
    }
    let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in all {
        let text = fs::read_to_string(&path).expect("a source file");
        let (mut is_described, mut other_name) = (false, None);
        for line in text.lines().map(str::trim) {
            if line.starts_with("//") || line.starts_with("use ") {
                continue;
            }
            is_described |= line.contains("ToSchema");
            if let Some((_, rest)) = line.split_once("schema(as = ") {
                other_name = rest.split([',', ')']).next().map(str::to_owned);
            }
            let mut words = line.split([' ', '<', '(', ';', '{']);
            if !words.any(|word| word == "struct" || word == "enum") {
                continue;
            }
            // A macro's name is its caller's to choose.
            let own = words.next().filter(|name| !name.starts_with('$'));
            let other = other_name.take();
            if let Some(name) = own.filter(|_| std::mem::take(&mut is_described)) {
                let name = other.unwrap_or_else(|| name.to_owned());
                names.entry(name).or_default().push(path.clone());
            }
            is_described = false;
        }
    }
    names
}

/// Of two types with one name utoipa keeps the last and describes the other one wrongly, without a word.
#[test]
fn no_document_describes_two_types_under_one_name() {
    for server in ["node", "aggregator"] {
        let names = described(&["protocol", "ui", server]);
        assert!(names.len() > 50, "{server}: the types are found");
        let twice: Vec<_> = names.iter().filter(|(_, files)| files.len() > 1).collect();
        assert!(
            twice.is_empty(),
            "give one a name by `schema(as = ...)`: {twice:?}"
        );
    }
}

/// Files outside `app` whose words reach terminals alone: what only a command does, and what is printed for one.
const AT_TERMINALS: [&str; 8] = [
    "node/src/backup.rs",
    "node/src/epoch.rs",
    "node/src/home.rs",
    "node/src/import/ilr/words.rs",
    "node/src/practice/file.rs",
    "node/src/release/report/law.rs",
    "node/src/verify/own.rs",
    "node/src/import/faults.rs",
];

/// Somebody at a page is told what to press, and never to type a command: those stand in `next_by_command`.
#[test]
fn commands_are_named_at_terminals_alone() {
    let mut all = Vec::new();
    sources(&root().join("node/src"), &mut all);
    let (mut told, mut astray) = (0, Vec::new());
    for path in &all {
        let name = path.strip_prefix(root()).expect("below the project");
        let is_test = name.components().any(|c| {
            let part = c.as_os_str().to_string_lossy();
            part.starts_with("tests") || part == "app"
        });
        if is_test || AT_TERMINALS.iter().any(|file| name == Path::new(file)) {
            continue;
        }
        let mut function = String::new();
        let text = fs::read_to_string(path).expect("a source file");
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if let Some((_, rest)) = line.split_once("fn ") {
                function = rest
                    .chars()
                    .take_while(|c| *c != '(' && *c != '<')
                    .collect();
            }
            if line.starts_with("//") || !line.contains("`ldsp-node ") {
                continue;
            }
            match function.as_str() {
                "next_by_command" => told += 1,
                _ => astray.push(format!("{}:{}: {line}", name.display(), at + 1)),
            }
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
    assert!(
        told > 10,
        "commands are named in {told} lines: look again at how they are found"
    );
}
