//! The program as people run it: help, exit codes, a node from `init` to its first import.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::CommandFactory as _;
use ldsp_node::app::cli::Cli;

/// Runs the program in `dir` with nothing of ours in its environment.
fn node(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldsp-node"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LDSP_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).args(args).output().unwrap()
}

/// Runs the program with `secret` as its standard input.
fn node_as(dir: &Path, secret: &str, args: &[&str]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
        .current_dir(dir)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(secret.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Adds a person and gives their secret.
fn person(dir: &Path, name: &str, role: &str) -> String {
    let added = done(dir, &["people", "add", name, "--role", role, "--json"]);
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    added["secret"].as_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn done(dir: &Path, args: &[&str]) -> String {
    let output = node(dir, args);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The reason and next step of a refusal.
fn refused(dir: &Path, args: &[&str]) -> String {
    let output = node(dir, args);
    let reason = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {reason}");
    assert!(
        reason.contains("Refused: ") && reason.contains("\nNext: "),
        "{reason}"
    );
    reason
}

/// As [`refused`], with a line on standard input.
fn refused_with(dir: &Path, args: &[&str], line: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
        .current_dir(dir)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing may be gone before it is written.
    let _read = writeln!(child.stdin.take().unwrap(), "{line}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// The help of every command is a file: a change of a name or a word is seen in review.
/// `LDSP_UPDATE_HELP=1` writes the files anew.
#[test]
fn help_is_as_written_down() {
    fn all(command: &mut clap::Command, name: &str, found: &mut Vec<(String, String)>) {
        found.push((name.to_owned(), command.render_long_help().to_string()));
        let names: Vec<String> = command
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .collect();
        for sub in names.iter().filter(|name| *name != "help") {
            if let Some(sub_command) = command.find_subcommand_mut(sub) {
                all(sub_command, &format!("{name}-{sub}"), found);
            }
        }
    }
    let mut command = Cli::command();
    command.build();
    let mut found = Vec::new();
    all(&mut command, "ldsp-node", &mut found);
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let update = std::env::var_os("LDSP_UPDATE_HELP").is_some();
    for (name, help) in &found {
        let path = dir.join(format!("{name}.txt"));
        if update {
            std::fs::write(&path, help).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            *help, expected,
            "{name}: run with LDSP_UPDATE_HELP=1 and review the change"
        );
    }
    let files = std::fs::read_dir(&dir).unwrap().count();
    assert_eq!(
        files,
        found.len(),
        "a file in tests/help belongs to no command"
    );
}

#[test]
fn usage_is_exit_code_two() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["import"][..],
        &["people", "add", "Jo"],
        &["nonsense"],
        &["people", "add", "Jo", "--role", "king"],
    ] {
        assert_eq!(node(dir.path(), args).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(node(dir.path(), &["--help"]).status.code(), Some(0));
}

#[test]
fn from_init_to_the_first_import() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(refused(dir, &["status"]).contains("ldsp-node init"));
    assert!(refused(dir, &["init", "--lep", "E06000001"]).contains("38 LEP codes"));
    assert!(
        !dir.join("ldsp-node-data").exists(),
        "a refused init leaves nothing"
    );
    assert!(done(dir, &["init", "--lep", "E37000001"]).contains("Black Country"));
    let files = modes(&dir.join("ldsp-node-data"));
    assert!(
        refused(dir, &["init", "--lep", "E37000003"])
            .contains("already holds the node of E37000001")
    );
    assert_eq!(
        modes(&dir.join("ldsp-node-data")),
        files,
        "a second init changes nothing"
    );

    let added = done(
        dir,
        &[
            "people",
            "add",
            "Jo Okafor",
            "--role",
            "coordinator",
            "--json",
        ],
    );
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    assert_eq!(added["role"], "coordinator");
    assert!(
        refused(dir, &["people", "add", "Jo Okafor", "--role", "approver"])
            .contains("already a person")
    );
    let listed = done(dir, &["people", "list"]);
    assert!(listed.contains("coordinator  Jo Okafor"));
    assert!(!listed.contains(added["secret"].as_str().unwrap()));

    std::fs::write(dir.join("p.csv"), "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme,basic,,,,,,,\n").unwrap();
    done(dir, &["import", "programmes", "p.csv"]);
    let header = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage";
    let good = "Acme,L1,,40,female,,,,E08000028,A1,P1,,,2021-10-04,,,in-progress";
    let bad = "Acme,L2,5551234567,40,female,,,,E08000028,A1,P1,,,2021-13-04,,,in-progress";
    std::fs::write(dir.join("l.csv"), format!("{header}\n{good}\n{bad}\n")).unwrap();
    let reason = refused(dir, &["import", "learners", "l.csv", "--report", "r.csv"]);
    assert!(reason.contains("--valid-rows"), "{reason}");
    let report = std::fs::read_to_string(dir.join("r.csv")).unwrap();
    assert!(report.contains("3,start,date-impossible,"), "{report}");
    assert!(!report.contains("5551234567") && !report.contains("2021-13-04"));
    let json = done(
        dir,
        &["--json", "import", "learners", "l.csv", "--valid-rows"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["added"], &json["refused"], &json["outcome"]),
        (&1.into(), &1.into(), &"stored".into())
    );
    let status = done(dir, &["status"]);
    assert!(status.contains("learners at "), "{status}");
    assert!(refused(dir, &["import", "learners", "gone.csv"]).contains("gone.csv"));
    std::fs::write(dir.join("ldsp-node.toml"), "data_dirr = \"x\"\n").unwrap();
    let reason = refused(dir, &["status"]);
    assert!(
        reason.contains("ldsp-node.toml") && reason.contains("data_dirr"),
        "{reason}"
    );
}

#[test]
fn the_lep_may_be_chosen_after_init() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let said = done(dir, &["init"]);
    assert!(
        said.contains("/welcome/") && said.contains("lep --set"),
        "{said}"
    );
    // A lost link is no reason to begin elsewhere: nobody is here yet.
    assert!(done(dir, &["init"]).contains("/welcome/"));
    for args in [&["lep"][..], &["status"]] {
        assert!(done(dir, args).contains("not chosen yet"), "{args:?}");
    }
    for args in [
        &["sample", "bring-in"][..],
        &["backup", "--to", "b"],
        &["release", "preview"],
    ] {
        let reason = refused(dir, args);
        assert!(reason.contains("lep --set"), "{args:?}: {reason}");
    }
    assert!(refused(dir, &["lep", "--set", "E06000001"]).contains("38 LEPs"));
    done(dir, &["people", "add", "Ida", "--role", "admin"]);
    assert!(refused(dir, &["init", "--lep", "E37000001"]).contains("lep --set"));
    assert!(done(dir, &["lep", "--set", "E37000003"]).contains("E37000003"));
    assert!(done(dir, &["lep", "--set", "E37000001"]).contains("Black Country"));
    done(dir, &["sample", "bring-in"]);
    let reason = refused(dir, &["lep", "--set", "E37000003"]);
    assert!(reason.contains("made-up records"), "{reason}");
    assert!(refused(dir, &["release", "preview"]).contains("--first"));
    let json = done(dir, &["release", "preview", "--first", "2022-01", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["made_up"], true);
    assert!(json["families"][0]["published"]["value"].is_number());
    let text = done(dir, &["release", "preview", "--first", "2022-01"]);
    assert!(text.contains("Made up, not publishable"), "{text}");
    assert!(refused(dir, &["release", "show"]).contains("no release"));
    done(dir, &["sample", "remove"]);
    assert!(done(dir, &["lep"]).contains("may still be changed"));
}

#[test]
fn programmes_are_kept_by_command() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    assert!(done(dir, &["cohorts", "list"]).contains("Next: `add`"));
    done(
        dir,
        &["organisations", "add", "name=City College", "kind=provider"],
    );
    std::fs::write(
        dir.join("p.json"),
        r#"{"programme": "P1", "name": "Basics", "provider": "City College", "cost": "900", "capacity": 12}"#,
    )
    .unwrap();
    done(
        dir,
        &["programmes", "add", "--from", "p.json", "tier=basic"],
    );
    done(
        dir,
        &[
            "cohorts",
            "add",
            "cohort=A1",
            "programme=P1",
            "provider=city college",
            "title=Tuesdays",
        ],
    );
    done(
        dir,
        &[
            "spend",
            "add",
            "month=2022-01",
            "cohort=A1",
            "category=staff",
            "amount=90",
            "source=Return",
        ],
    );
    let shown = done(dir, &["programmes", "show", "1", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["cost"], &shown["capacity"]),
        (&"900.00".into(), &"12".into()),
        "{shown:#}"
    );
    done(
        dir,
        &[
            "programmes",
            "set",
            "1",
            "--version",
            "1",
            "name=Basics again",
        ],
    );
    let stale = refused(
        dir,
        &["programmes", "set", "1", "--version", "1", "name=Other"],
    );
    assert!(stale.contains("it is in version 2 by now"), "{stale}");
    // Without a version it is the present one that is changed; what is not named stays.
    done(dir, &["programmes", "set", "1", "tier="]);
    let shown = done(dir, &["programmes", "show", "1"]);
    assert!(
        shown.contains("Basics again") && shown.contains("tier from basic to nothing"),
        "{shown}"
    );
    // What was shown may be sent back.
    let json = done(dir, &["cohorts", "show", "1", "--json"]);
    std::fs::write(dir.join("c.json"), json).unwrap();
    done(dir, &["cohorts", "set", "1", "--from", "c.json"]);
    for args in [
        &["programmes", "add", "programme=P1", "name=x", "provider=y"][..],
        &["programmes", "add", "colour=red"],
        &["programmes", "add", "name"],
        &["programmes", "add", "--from", "none.json"],
        &["cohorts", "show", "9"],
        &["spend", "set", "9", "amount=1"],
    ] {
        refused(dir, args);
    }
}

#[test]
fn a_secret_is_replaced_and_a_person_removed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&done(dir, &[args, &["--json"]].concat())).unwrap()
    };
    let secret = |args: &[&str]| json(args)["secret"].as_str().unwrap().to_owned();
    let add = ["people", "add", "Bo", "--role", "approver"];
    let old = secret(&add);
    let approve = |secret: &str| {
        let digest = "0".repeat(64);
        let args = ["release", "approve", "--as", "Bo", "--digest", &digest];
        refused_with(dir, &args, secret)
    };
    // Whoever is let in learns that no release waits.
    let (stranger, nothing) = ("do not belong together", "no release");
    assert!(approve(&old).contains(nothing), "{}", approve(&old));
    let renewed = secret(&["people", "secret", "Bo"]);
    assert!(approve(&old).contains(stranger), "{}", approve(&old));
    assert!(approve(&renewed).contains(nothing));
    assert!(!done(dir, &["people", "list"]).contains(&renewed));

    let said = done(dir, &["people", "remove", "Bo"]);
    assert!(said.contains("No approver is left"), "{said}");
    assert!(approve(&renewed).contains(stranger));
    for command in ["secret", "remove"] {
        assert!(refused(dir, &["people", command, "Bo"]).contains("nobody named Bo"));
    }
    let again = secret(&add);
    assert!(approve(&renewed).contains(stranger));
    assert!(approve(&again).contains(nothing));
}

/// Names, modes and (but for the database, which is opened) contents of a directory.
fn modes(dir: &Path) -> Vec<(String, u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir), 0o700);
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "key"))
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                mode(&entry.path()),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    let names: Vec<_> = files
        .iter()
        .map(|(name, mode, _)| (name.as_str(), *mode))
        .collect();
    assert_eq!(names, [("node.key", 0o600), ("pseudonym.key", 0o600)]);
    files
}

const LEARNERS: &str = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n";

fn learners(range: std::ops::Range<u32>) -> String {
    range
        .map(|n| format!("Acme,L{n},,40,female,,,,E08000028,A1,P1,,,2021-10-04,,,in-progress\n"))
        .collect()
}

/// A node in `dir` whose import of 20,000 learners is under way: batches are written, and the file, a pipe, may still give rows.
fn half_an_import(dir: &Path) -> (std::process::Child, std::fs::File) {
    use std::io::Write as _;
    done(dir, &["init", "--lep", "E37000001"]);
    std::fs::write(dir.join("p.csv"), "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme,basic,,,,,,,\n").unwrap();
    done(dir, &["import", "programmes", "p.csv"]);
    let made = Command::new("mkfifo").arg(dir.join("pipe")).status();
    assert!(made.unwrap().success());
    let child = Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
        .current_dir(dir)
        .args(["import", "learners", "pipe"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Far more than pipe, channel and one batch hold: when this has been taken, batches are written.
    let mut pipe = std::fs::OpenOptions::new()
        .write(true)
        .open(dir.join("pipe"))
        .unwrap();
    pipe.write_all(LEARNERS.as_bytes()).unwrap();
    pipe.write_all(learners(0..20_000).as_bytes()).unwrap();
    (child, pipe)
}

/// All of those learners are new to the node.
fn holds_none_of_them(dir: &Path) {
    std::fs::write(
        dir.join("l.csv"),
        format!("{LEARNERS}{}", learners(0..20_000)),
    )
    .unwrap();
    let json = done(dir, &["--json", "import", "learners", "l.csv"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["added"], &json["unchanged"]),
        (&20_000.into(), &0.into())
    );
}

/// A real kill: the process dies while the file is still giving rows.
#[test]
fn killed_in_an_import_the_node_holds_what_it_held() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, pipe) = half_an_import(dir.path());
    child.kill().unwrap();
    child.wait().unwrap();
    drop(pipe);
    holds_none_of_them(dir.path());
}

/// Ctrl-C: the program says that nothing was stored and ends, although nobody closes the pipe that it reads.
#[test]
fn an_import_is_cancelled_from_the_keyboard() {
    let dir = tempfile::tempdir().unwrap();
    let (child, pipe) = half_an_import(dir.path());
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "Cancelled. Nothing was stored.\n");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(text(&output.stdout), "");
    drop(pipe);
    holds_none_of_them(dir.path());
}

/// What a release writes, counted.
fn drawn(dir: &Path) -> Vec<i64> {
    use sqlx::ConnectOptions as _;
    const TABLES: [&str; 6] = [
        "SELECT count(*) FROM releases",
        "SELECT count(*) FROM release_statements",
        "SELECT count(*) FROM release_quality",
        "SELECT count(*) FROM ledger_months",
        "SELECT count(*) FROM ledger_cells",
        "SELECT count(*) FROM enrolments WHERE counted != 0",
    ];
    let read = async {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("ldsp-node-data/node.db"));
        let mut database = options.connect().await.unwrap();
        let mut counts = Vec::new();
        for sql in TABLES {
            let count: i64 = sqlx::query_scalar(sql)
                .fetch_one(&mut database)
                .await
                .unwrap();
            counts.push(count);
        }
        counts
    };
    tokio::runtime::Runtime::new().unwrap().block_on(read)
}

/// Whether a process takes Ctrl-C itself, and how much processor time it has used (proc(5): SigCgt, whose bit 1 is signal 2, and utime).
fn takes_interrupts(id: u32) -> Option<(bool, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))?;
    let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let used = stat.rsplit(')').next()?.split_whitespace().nth(11)?;
    Some((caught & 2 != 0, used.parse().ok()?))
}

/// Ctrl-C while a month is drawn: all of it is there afterwards or nothing, and the program says which.
#[test]
fn a_release_is_cancelled_from_the_keyboard() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    let author = person(dir, "Jo", "coordinator");
    std::fs::write(dir.join("p.csv"), "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme,basic,,,,,,,\n").unwrap();
    done(dir, &["import", "programmes", "p.csv"]);
    std::fs::write(dir.join("l.csv"), format!("{LEARNERS}{}", learners(0..200))).unwrap();
    done(dir, &["import", "learners", "l.csv"]);
    let nothing = drawn(dir);
    assert_eq!(nothing, [0; 6]);
    let prepare = ["release", "prepare", "--first", "2021-10", "--as", "Jo"];
    // As soon as it listens, and later and later in its work, in hundredths of a second of its own time.
    for later in [0, 5, 20] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
            .current_dir(dir)
            .args(prepare)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let id = child.id();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(author.as_bytes())
            .unwrap();
        let mut listens = None;
        while child.try_wait().unwrap().is_none() {
            let Some((true, used)) = takes_interrupts(id) else {
                continue;
            };
            if used >= *listens.get_or_insert(used) + later {
                let sent = Command::new("kill")
                    .args(["-INT", &id.to_string()])
                    .status();
                assert!(sent.unwrap().success());
                break;
            }
        }
        let output = child.wait_with_output().unwrap();
        let (code, held) = (output.status.code(), drawn(dir));
        if code == Some(0) {
            assert!(later > 0, "it was asked before it counted anything");
            assert!(held.iter().all(|count| *count > 0), "{held:?}");
            return;
        }
        assert_eq!(code, Some(130), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "Cancelled. Nothing was stored.\n");
        assert_eq!(text(&output.stdout), "");
        assert_eq!(held, nothing);
    }
    // What was cancelled stands in nobody's way.
    let output = node_as(dir, &author, &prepare);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(drawn(dir).iter().all(|count| *count > 0));
}

/// A form is written once, checked with every problem at once, and no problem quotes it.
/// A form is written once, checked with every problem at once, and no problem quotes it.
#[test]
fn practice_is_written_checked_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), &["init", "--lep", "E37000001"]);
    done(dir.path(), &["practice", "new", "--out", "entry.toml"]);
    refused(dir.path(), &["practice", "new", "--out", "entry.toml"]);
    let form = std::fs::read_to_string(dir.path().join("entry.toml")).unwrap();
    assert_eq!(
        done(dir.path(), &["practice", "new"]).trim_end(),
        form.trim_end()
    );
    let typed = form.replace("title = \"\"", "title = \"Ring Jo on 0121 496 0000\"");
    std::fs::write(dir.path().join("entry.toml"), typed).unwrap();
    let output = node(dir.path(), &["practice", "check", "entry.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let (said, reason) = (text(&output.stdout), text(&output.stderr));
    assert!(
        said.starts_with("title: characters 12 to 24 look like a telephone number. "),
        "{said}"
    );
    assert!(
        said.contains("review: no date is given") && !said.contains("0121"),
        "{said}"
    );
    assert!(reason.contains("the form has 16 problems"), "{reason}");
    assert!(done(dir.path(), &["practice", "list"]).contains("No entry yet"));
    refused(dir.path(), &["practice", "publish", "1", "--as", "bob"]);
    refused(dir.path(), &["practice", "check", "absent.toml"]);
}

/// Exact counts stand on signed-in pages only: the terminal shows what readers will see, to people and to programs.
#[test]
fn a_release_on_the_terminal_holds_no_exact_count() {
    const PLANTED: usize = 1_237;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    let (author, approver) = (
        person(dir, "Jo", "coordinator"),
        person(dir, "Bo", "approver"),
    );
    std::fs::write(dir.join("p.csv"), "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme,basic,,,,,,,\n").unwrap();
    done(dir, &["import", "programmes", "p.csv"]);
    let mut rows = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n".to_owned();
    for n in 0..PLANTED {
        rows.push_str(&format!(
            "Acme,L{n},,40,female,,,,E08000028,A1,P1,,,2021-10-04,,,in-progress\n"
        ));
    }
    std::fs::write(dir.join("l.csv"), rows).unwrap();
    done(dir, &["import", "learners", "l.csv"]);

    let refused = node_as(dir, &approver, &["release", "prepare", "--as", "Bo"]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "an approver prepares nothing"
    );
    assert!(text(&refused.stderr).contains("not a coordinator"));

    let first = ["release", "prepare", "--first", "2021-10", "--as", "Jo"];
    let prepare = node_as(dir, &author, &first);
    assert_eq!(prepare.status.code(), Some(0), "{}", text(&prepare.stderr));
    let shown = [
        text(&prepare.stdout),
        done(dir, &["release", "show"]),
        done(dir, &["release", "show", "--json"]),
    ];
    for said in &shown {
        assert!(
            !said.contains("exact\"") && !said.contains("do not share"),
            "{said}"
        );
        let mut numbers = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let planted = PLANTED.to_string();
        assert!(
            !numbers.any(|n| n == planted || n == format!("{planted}.0")),
            "{said}"
        );
    }
    let json: serde_json::Value = serde_json::from_str(&shown[2]).unwrap();
    let table = json["tables"][0].as_object().unwrap();
    let names: Vec<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "cell_sd",
            "cells",
            "id",
            "published",
            "sd",
            "standard",
            "title"
        ]
    );
}

/// What is looked at is what is approved, and a refusal draws nothing again.
#[test]
fn another_digest_is_refused_and_a_refused_release_stays() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    let (author, approver) = (
        person(dir, "Jo", "coordinator"),
        person(dir, "Bo", "approver"),
    );
    let prepare = [
        "release",
        "prepare",
        "--as",
        "Jo",
        "--first",
        "2021-10",
        "--payload",
        "seen.json",
    ];
    let first = node_as(dir, &author, &prepare);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let seen = std::fs::read(dir.join("seen.json")).unwrap();
    let digest = ldsp_protocol::ids::Digest::of(&seen);
    let said = text(&first.stdout);
    for words in [
        digest.to_string().as_str(),
        "kept    ",
        "Bo looks at it",
        "95% interval",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let zeros = "0".repeat(64);
    let other = node_as(
        dir,
        &approver,
        &["release", "approve", "--as", "Bo", "--digest", &zeros],
    );
    assert_eq!(other.status.code(), Some(1));
    let reason = text(&other.stderr);
    for words in [
        "0000 0000",
        &digest.in_blocks(),
        "Nothing was signed",
        "Next:",
    ] {
        assert!(reason.contains(words), "{words}: {reason}");
    }
    let digest = digest.to_string();
    let refuse = [
        "release",
        "refuse",
        "--as",
        "Bo",
        "--digest",
        &digest,
        "--reason",
        "An old file",
    ];
    let refused = node_as(dir, &approver, &refuse);
    assert_eq!(refused.status.code(), Some(0), "{}", text(&refused.stderr));
    assert!(text(&refused.stdout).contains("nothing is drawn again"));
    let again = node_as(
        dir,
        &author,
        &[
            "release",
            "prepare",
            "--as",
            "Jo",
            "--payload",
            "again.json",
        ],
    );
    assert!(
        text(&again.stdout).contains("Refused by Bo"),
        "{}",
        text(&again.stdout)
    );
    assert_eq!(std::fs::read(dir.join("again.json")).unwrap(), seen);
    // A file that is there is not written over.
    self::refused(dir, &["release", "show", "--payload", "again.json"]);
    let report = done(dir, &["release", "report", "2021-10"]);
    for words in [
        "Privacy report: Black Country, October 2021",
        "An old file.",
        digest.as_str(),
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }
    let html = done(dir, &["release", "report", "2021-10", "--html"]);
    assert!(html.starts_with("<!DOCTYPE html>"), "{html}");
    self::refused(dir, &["release", "report", "2021-11"]);
}

/// `ldsp-node people list | head -0`: the reader is gone before anything is written.
#[test]
fn a_closed_pipe_is_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    for (args, code) in [
        (&["people", "list"][..], 0),
        (&["status", "--json"], 0),
        (&["release", "show"], 1),
    ] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer
        };
        let status = Command::new(env!("CARGO_BIN_EXE_ldsp-node"))
            .current_dir(dir)
            .args(args)
            .stdout(closed())
            .stderr(closed())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

/// The plan of the privacy budget before anything is released, and a node that comes back from its backup.
#[test]
fn the_budget_is_shown_and_a_backup_brings_the_node_back() {
    let home = tempfile::tempdir().unwrap();
    let (dir, other) = (home.path().join("one"), home.path().join("two"));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    done(&dir, &["init", "--lep", "E37000001"]);
    let secret = person(&dir, "Ama", "coordinator");
    let drawn = node_as(
        &dir,
        &secret,
        &["release", "prepare", "--as", "Ama", "--first", "2022-03"],
    );
    assert_eq!(drawn.status.code(), Some(0), "{}", text(&drawn.stderr));
    let privacy: serde_json::Value =
        serde_json::from_str(&done(&dir, &["privacy", "--json"])).unwrap();
    assert_eq!(
        (&privacy["epoch"], &privacy["months"]),
        (&1.into(), &1.into())
    );
    assert_eq!(privacy["enrolment"]["whole_micro"], 490_000);
    let words = done(&dir, &["privacy"]);
    assert!(
        words.contains("65.5%") && words.contains("1 of 120 months"),
        "{words}"
    );
    assert!(done(&dir, &["ledger", "check"]).contains("whole: 1 month"));
    let asked = ["ledger", "new-epoch", "--as", "Ama", "--reason", "none"];
    assert!(refused_with(&dir, &asked, &secret).contains("the ledger is whole"));

    let kept = home.path().join("kept");
    let to = kept.to_str().unwrap();
    assert!(done(&dir, &["backup", "--to", to]).contains("March 2022"));
    assert!(refused(&dir, &["backup", "--to", to]).contains("exists already"));
    assert!(refused(&dir, &["restore", to]).contains("already"));
    assert!(!kept.join("pseudonym.key").exists());
    let back = done(&other, &["restore", to]);
    assert!(
        back.contains("whole: 1 month") && back.contains("Unknown: what was erased after"),
        "{back}"
    );
    let shown = |dir: &Path| done(dir, &["release", "show", "--json"]);
    assert_eq!(shown(&dir), shown(&other));
}

#[test]
fn files_are_verified_without_a_node_and_refusals_have_codes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let text = include_str!("../../protocol/vectors/v1/practice_entry.toml");
    let vector: toml::Table = toml::from_str(text).unwrap();
    let said = |name: &str| vector[name].as_str().unwrap();
    std::fs::write(dir.join("envelope.json"), said("envelope")).unwrap();
    let key = said("public_key");
    let told = done(dir, &["verify", "statement", "envelope.json", "--key", key]);
    for words in [
        "is genuine",
        "cornwall-scilly",
        said("pae"),
        "This proves",
        "does not prove",
    ] {
        assert!(told.contains(words), "{told}");
    }
    let reason = refused(dir, &["verify", "statement", "envelope.json"]);
    assert!(reason.contains("--key"), "{reason}");
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let args = ["verify", "statement", "envelope.json", "--key", other];
    refused(dir, &args);
    let output = node(dir, &[&args[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["code"], "unknown-key");
    // Its receipt is of before there was a tree.
    let text = include_str!("../../protocol/vectors/v1/receipt.toml");
    let vector: toml::Table = toml::from_str(text).unwrap();
    let said = |name: &str| vector[name].as_str().unwrap();
    std::fs::write(dir.join("receipt"), said("receipt")).unwrap();
    let args = [
        "verify",
        "receipt",
        "receipt",
        "--statement",
        "envelope.json",
        "--log",
        said("verifier"),
    ];
    let told = done(dir, &args);
    for words in ["entry 41", "bare word", said("pae")] {
        assert!(told.contains(words), "{told}");
    }
    let altered = said("receipt").replace("index 41", "index 42");
    std::fs::write(dir.join("receipt"), altered).unwrap();
    let output = node(dir, &[&args[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["code"], "log-signature", "{told}");
    let reason = refused(dir, &["verify", "log", "."]);
    assert!(reason.contains("--log"), "{reason}");
    let reason = refused(dir, &["verify", "log", ".", "--log", said("verifier")]);
    assert!(reason.contains("no file `checkpoint`"), "{reason}");
    refused(dir, &["verify", "own"]);
    done(dir, &["init", "--lep", "E37000001"]);
    let reason = refused(dir, &["verify", "own"]);
    assert!(reason.contains("not enrolled"), "{reason}");
}

/// A learner is looked up by a number on standard input, told, erased and not brought back by a backup.
#[test]
fn a_learner_is_told_and_erased_by_command() {
    let home = tempfile::tempdir().unwrap();
    let (dir, other) = (home.path().join("one"), home.path().join("two"));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    done(&dir, &["init", "--lep", "E37000001"]);
    std::fs::write(dir.join("p.csv"), "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\nP1,Get online,Acme,basic,short course,older people,,,,,\n").unwrap();
    std::fs::write(dir.join("l.csv"), "provider,learner_ref,uln,birth_date,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\nAcme,CANARY77,1000000027,1950-05-01,female,white,no,retired,E08000027,A1,P1,foundation,online,2016-01-10,,2016-03-10,achieved\n").unwrap();
    done(&dir, &["import", "programmes", "p.csv"]);
    done(&dir, &["import", "learners", "l.csv"]);
    let to = home.path().join("kept");
    let to = to.to_str().unwrap();
    done(&dir, &["backup", "--to", to]);
    let asked = |args: &[&str], line: &str| {
        let output = node_as(&dir, line, args);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            text(&output.stderr)
        );
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(
            !said.contains("CANARY77") && !said.contains("1000000027"),
            "{said}"
        );
        text(&output.stdout)
    };
    let told = asked(&["access"], "1000000027\n");
    assert!(
        told.contains("What is held about you") && told.contains("Acme"),
        "{told}"
    );
    assert!(
        asked(&["access", "--html", "--provider", "acme"], "CANARY77\n")
            .starts_with("<!DOCTYPE html>")
    );
    let json: serde_json::Value =
        serde_json::from_str(&asked(&["access", "--json"], "1000000027\n")).unwrap();
    assert_eq!(json["held"]["enrolments"][0]["aim"], "A1");
    let dry = asked(&["erase", "--dry-run"], "1000000027\n");
    assert!(
        dry.contains("Enrolments that go: 1") && dry.contains("Nothing was changed"),
        "{dry}"
    );
    assert!(refused_with(&dir, &["erase"], "1000000028").contains("no unique learner number"));
    let unasked = refused_with(&dir, &["erase", "--provider", "Acme"], "CANARY77");
    assert!(unasked.contains("no terminal to confirm"), "{unasked}");
    assert!(unasked.contains("--yes"), "{unasked}");
    assert!(refused(&dir, &["retain"]).contains("no retention period"));
    let personal = ["retain", "--set", "84", "--reason", "Ask jo@example.org"];
    assert!(refused(&dir, &personal).contains("personal data"));
    let set = done(
        &dir,
        &["retain", "--set", "84", "--reason", "The grant asks for it"],
    );
    assert!(set.contains("kept for 84 months"), "{set}");
    let due = done(
        &dir,
        &["retain", "--set", "none", "--reason", "x", "--dry-run"],
    );
    assert!(due.contains("Nothing was changed"), "{due}");
    assert!(done(&dir, &["retain", "--dry-run"]).contains("84 months"));
    std::fs::write(dir.join("ldsp-node.toml"), "[retention]\nmonths = 84\n").unwrap();
    let due = done(&dir, &["retain", "--dry-run"]);
    assert!(due.contains("1 learner(s), 1 enrolment(s)"), "{due}");
    let erased = asked(&["erase", "--yes", "--provider", "Acme"], "CANARY77\n");
    assert!(
        erased.contains("1 enrolment(s) erased") && erased.contains("nothing of it is left"),
        "{erased}"
    );
    assert!(asked(&["erase"], "1000000027\n").contains("holds nothing"));
    assert!(done(&dir, &["retain"]).contains("0 learner(s) with 0 enrolment(s) deleted"));

    let journal = dir.join("ldsp-node-data/erasures.journal");
    let back = done(
        &other,
        &["restore", to, "--erasures", journal.to_str().unwrap()],
    );
    assert!(back.contains("1 learner(s), 1 enrolment(s)"), "{back}");
    let list = done(&dir, &["audit", "list", "--action", "learner erased"]);
    assert!(
        list.contains("on request: 1 learner(s), 1 enrolment(s)"),
        "{list}"
    );
    assert_eq!(list.lines().count(), 1);
    // Who acts at the terminal is named by their account of the system.
    assert!(list.contains("command line ("), "{list}");
    let csv = done(&dir, &["audit", "export"]);
    assert!(csv.starts_with("entry,at,who,action,detail,hash\n") && !csv.contains("CANARY77"));
    let exported: serde_json::Value =
        serde_json::from_str(&done(&dir, &["audit", "export", "--json"])).unwrap();
    let first = exported["entries"][0]["hash"].as_str().unwrap();
    assert!(done(&dir, &["audit", "check", "--head", first]).contains("is whole"));
    let reason = refused(&dir, &["audit", "check", "--head", &"0".repeat(64)]);
    assert!(reason.contains("written down earlier"), "{reason}");
}

/// What was noted before a change of service, or of what it calls people, can be taken back without it.
#[test]
fn accounts_of_a_former_service_are_disconnected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    person(dir, "Ben", "viewer");
    let ran = |args: &[&str]| done(dir, args);
    let no = |args: &[&str]| refused(dir, args);
    let service = |issuer: &str| {
        let table = format!("[oidc]\nissuer = \"{issuer}\"\nclient_id = \"x\"\nname = \"x\"\n");
        std::fs::write(dir.join("ldsp-node.toml"), table).unwrap();
    };
    for issuer in ["https://old.example", "https://new.example"] {
        service(issuer);
        ran(&["people", "connect", "Ben", "u-1"]);
    }
    std::fs::write(dir.join("ldsp-node.toml"), "").unwrap();
    let disconnect = ["people", "disconnect", "Ben", "u-1"];
    let said = no(&disconnect);
    assert!(
        said.contains("https://new.example, https://old.example"),
        "{said}"
    );
    ran(&[&disconnect[..], &["--issuer", "https://old.example"]].concat());
    ran(&disconnect);
    let said = no(&disconnect);
    assert!(said.contains("people accounts"), "{said}");
}

#[test]
fn demand_comes_from_files_is_shown_and_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    done(dir, &["init", "--lep", "E37000001"]);
    let file = "reference,asks,area,number,from,how,sure,by\nS1,employer,Sandwell,12,2022-01,survey,counted,Chamber\n";
    std::fs::write(dir.join("demand.csv"), file).unwrap();
    let checked = done(dir, &["import", "demand", "demand.csv", "--dry-run"]);
    assert!(checked.contains("Checked only"), "{checked}");
    done(dir, &["import", "demand", "demand.csv"]);
    let listed = done(dir, &["demand", "list"]);
    assert!(
        listed.contains("S1: Skill not stated, Sandwell"),
        "{listed}"
    );
    let vacancies = "title,description\nWeb developer,SQL\nCarer,Kind people\n";
    std::fs::write(dir.join("vacancies.csv"), vacancies).unwrap();
    let seen = done(dir, &["import", "vacancies", "vacancies.csv", "--dry-run"]);
    for words in [
        "line 2, title: \u{201c}Web developer\u{201d}",
        "95 %",
        "Lines without: 3",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    done(dir, &["import", "vacancies", "vacancies.csv"]);
    let imports = done(dir, &["demand", "imports"]);
    assert!(imports.contains("vacancies: 2 held"), "{imports}");
    done(dir, &["demand", "remove", "2"]);
    assert!(!done(dir, &["demand", "list"]).contains("Software"));
    refused(dir, &["demand", "remove", "2"]);
    refused(dir, &["import", "survey", "demand.csv"]);
    assert!(done(dir, &["demand", "words", "list"]).contains("spreadsheet"));
}

/// What a tutor does on the phone, at the terminal; and what was added by mistake goes again.
#[test]
fn a_providers_work_is_done_by_command() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path();
    done(dir, &["init", "--lep", "E37000001"]);
    done(
        dir,
        &["organisations", "add", "name=College", "kind=provider"],
    );
    done(
        dir,
        &[
            "programmes",
            "add",
            "programme=P1",
            "name=P1",
            "provider=College",
        ],
    );
    done(
        dir,
        &[
            "programmes",
            "add",
            "programme=P2",
            "name=P2",
            "provider=College",
        ],
    );
    let cohort = [
        "cohort=A1",
        "programme=P1",
        "provider=College",
        "title=One",
        "start=2022-01-10",
    ];
    done(dir, &[&["cohorts", "add"][..], &cohort].concat());
    done(dir, &["programmes", "delete", "2"]);
    assert!(refused(dir, &["programmes", "delete", "1"]).contains("nothing was stored"));
    assert!(
        refused(dir, &["programmes", "delete", "2"]).contains("no programme with the number 2")
    );
    let of = ["--provider", "college"];
    let on = |args: &[&'static str]| done(dir, &[&["delivery"], args, &of[..]].concat());
    let at = ["--cohort", "A1"];
    let added = on(&[
        &["add"][..],
        &at,
        &[
            "learner_ref=2022-017",
            "age=67",
            "confidence_before=3",
            "--json",
        ],
    ]
    .concat());
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    assert_eq!(added["age_band"], "65 and over");
    let listed = on(&["learners", "--cohort", "A1"]);
    let handle = listed.split_whitespace().next().unwrap().to_owned();
    assert_eq!(added["id"], handle.as_str());
    let with = |command: &str, columns: &[&str]| -> Vec<String> {
        let all = ["delivery", command, &handle, "--provider", "College"];
        all.iter()
            .chain(columns)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let run = |words: Vec<String>| done(dir, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let left = [
        "stage=achieved",
        "end=2022-03-01",
        "confidence_after=5",
        "--json",
    ];
    let recorded: serde_json::Value = serde_json::from_str(&run(with("record", &left))).unwrap();
    assert_eq!(
        (&recorded["confidence"], &recorded["stage"]),
        (&"rose".into(), &"achieved".into())
    );
    run(with("correct", &["sex=female"]));
    let stale = with("correct", &["sex=male", "--version", "1"]);
    let stale = refused(dir, &stale.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(stale.contains("somebody changed it"), "{stale}");
    assert!(run(with("show", &[])).contains("female"));
    on(&["due", "--when", "late"]);
    assert!(
        refused(dir, &["delivery", "show", &handle, "--provider", "Nobody"])
            .contains("no training provider")
    );
    run(with("take-back", &[]));
    assert!(on(&["learners"]).contains("Nobody so far"));
}
