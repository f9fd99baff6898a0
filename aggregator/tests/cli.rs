//! The command line as people meet it: help texts, refusals, exit codes, one journey.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's allowance for tests does not reach the helpers of an integration test"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

fn run(dir: &Path, arguments: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldsp-aggregator"));
    command
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("COLUMNS", "100");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that asks for no secret may be gone before it is written.
    let _read = stdin.write_all(secret.unwrap_or_default().as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output, words: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let reason = text(&output.stderr);
    assert!(reason.contains(words), "{reason}");
    let next = reason.lines().count() >= 2 || reason.contains("\"next\"");
    assert!(next, "no next step: {reason}");
}

/// The help text is a contract: a change of it is a change of this file.
#[test]
fn help_is_as_agreed() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = String::new();
    for arguments in [
        vec!["--help"],
        vec!["init", "--help"],
        vec!["people", "add", "--help"],
        vec!["people", "link", "--help"],
        vec!["people", "role", "--help"],
        vec!["people", "lock", "--help"],
        vec!["people", "history", "--help"],
        vec!["people", "secret", "--help"],
        vec!["people", "remove", "--help"],
        vec!["people", "list", "--help"],
        vec!["invite", "--help"],
        vec!["nodes", "approve", "--help"],
        vec!["questionnaire", "--help"],
        vec!["questionnaire", "issue", "--help"],
        vec!["questionnaire", "export", "--help"],
        vec!["benchmark", "run", "--help"],
        vec!["fsck", "--help"],
        vec!["revoke", "--help"],
    ] {
        let output = run(dir.path(), &arguments, None);
        assert_eq!(output.status.code(), Some(0));
        all.push_str(&format!("$ ldsp-aggregator {}\n", arguments.join(" ")));
        all.push_str(&text(&output.stdout));
        all.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &all).unwrap();
    }
    let agreed = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(all, agreed, "if it is meant: UPDATE_GOLDEN=1 cargo test");
}

#[tokio::test]
async fn fsck_says_what_was_checked_and_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    refused(&run(dir, &["fsck"], None), "is missing");
    let init = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
        "--json",
    ];
    json(&run(dir, &init, None));
    let sound = json(&run(dir, &["fsck", "--json"], None));
    assert_eq!(sound["findings"], serde_json::json!([]));
    assert_eq!(sound["origin"], "log.example");
    let told = text(&run(dir, &["fsck"], None).stdout);
    assert!(told.contains("Everything that is stored"), "{told}");
    let damage = "INSERT INTO national_month (period, standard, part, cells)
        VALUES ('2022-01', x'b6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33', '', x'00')";
    let database = dir.join("ldsp-aggregator-data/aggregator.sqlite");
    let database = SqliteConnectOptions::new().filename(database);
    let mut connection = database.connect().await.unwrap();
    sqlx::query(damage).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let output = run(dir, &["fsck"], None);
    refused(&output, "not what the log gives");
    let told = text(&output.stdout);
    assert!(
        told.contains("national_month.cells of row 2022-01"),
        "{told}"
    );
    let output = run(dir, &["fsck", "--json"], None);
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["findings"][0]["rule"], "readable", "{told}");
    assert!(
        told["findings"][0]["next"]
            .as_str()
            .unwrap()
            .contains("backup")
    );
}

#[test]
fn usage_errors_exit_with_two() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        &["frobnicate"][..],
        &[
            "invite",
            "UPPER",
            "--lep",
            "E37000001",
            "--out",
            "x",
            "--as",
            "op",
        ],
        &["people", "add", "bo", "--role", "king"],
        &[],
    ] {
        let output = run(dir.path(), arguments, None);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_killed_init_is_completed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let init = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
        "--json",
    ];
    json(&run(dir, &init, None));
    // The identity is written last and the database made after it: without both, init was killed.
    let data = dir.join("ldsp-aggregator-data");
    std::fs::remove_file(data.join("aggregator.sqlite")).unwrap();
    refused(&run(dir, &init, None), "already holds a log");
    std::fs::remove_file(data.join("identity.toml")).unwrap();
    json(&run(dir, &init, None));
    json(&run(dir, &["nodes", "--json"], None));
    refused(&run(dir, &init, None), "already holds a log");
}

#[test]
fn from_init_to_invite() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    refused(&run(dir, &["nodes"], None), "identity.toml is missing");
    let wrong = [
        "init",
        "--origin",
        "a b",
        "--public-url",
        "https://localhost:8443",
    ];
    refused(&run(dir, &wrong, None), "spaces");
    let wrong = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "http://localhost",
    ];
    refused(&run(dir, &wrong, None), "https");
    let init = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
        "--json",
    ];
    let made = json(&run(dir, &init, None));
    assert!(
        made["verifier"]
            .as_str()
            .unwrap()
            .starts_with("log.example+")
    );
    let link = made["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://localhost:8443/welcome/"),
        "{link}"
    );
    let history = text(&run(dir, &["people", "history"], None).stdout);
    assert!(history.contains("for the first operator"), "{history}");
    refused(&run(dir, &init, None), "already holds a log");
    modes(&dir.join("ldsp-aggregator-data"));

    let person = |name, role| {
        json(&run(
            dir,
            &["people", "add", name, "--role", role, "--json"],
            None,
        ))
    };
    let operator = person("op", "operator")["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let analyst = person("an", "analyst")["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    refused(
        &run(dir, &["people", "add", "op", "--role", "analyst"], None),
        "already a person named op",
    );

    let invite = |by: &str, out: &str, secret: &str, days: &str| {
        let arguments = [
            "invite",
            "solent",
            "--lep",
            "E37000055",
            "--out",
            out,
            "--as",
            by,
            "--days",
            days,
        ];
        run(dir, &arguments, Some(secret))
    };
    refused(&invite("op", "a.json", &analyst, "7"), "do not fit");
    refused(&invite("an", "a.json", &analyst, "7"), "operator");
    refused(&invite("op", "a.json", &operator, "8"), "1 to 7 days");
    assert!(!dir.join("a.json").exists());
    assert_eq!(
        invite("op", "a.json", &operator, "7").status.code(),
        Some(0)
    );
    refused(&invite("op", "a.json", &operator, "7"), "a.json");
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("a.json")).unwrap()).unwrap();
    assert_eq!(file["origin"], "log.example");
    assert!(
        file["ca_pem"]
            .as_str()
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    let nodes = json(&run(dir, &["nodes", "list", "--json"], None));
    assert_eq!(nodes[0]["state"], "invited");
    assert_eq!(nodes[0]["conflicts"], 0);
    let zeros = "0".repeat(64);
    let approve = [
        "nodes",
        "approve",
        "solent",
        "--fingerprint",
        &zeros,
        "--as",
        "op",
    ];
    refused(&run(dir, &approve, Some(&operator)), "no key that waits");
    let reserved = [
        "invite",
        "aggregator",
        "--lep",
        "E37000001",
        "--out",
        "b.json",
        "--as",
        "op",
    ];
    refused(
        &run(dir, &reserved, Some(&operator)),
        "the log itself signs",
    );
    assert!(!dir.join("b.json").exists());
    let revoke = |more: &[&str], secret: &str| {
        let place = ["revoke", "solent", "--reason", "A disk was lost.", "--as"];
        run(dir, &[&place[..], more].concat(), Some(secret))
    };
    refused(&revoke(&["op"], &operator), "no terminal");
    refused(&revoke(&["an", "--yes"], &analyst), "operator");
    refused(
        &revoke(&["op", "--yes", "--json"], &operator),
        "no key that counts",
    );
    let benchmark = json(&run(dir, &["benchmark", "--json"], None));
    assert_eq!(benchmark["coverage"]["missing"], 38);
    std::fs::write(dir.join("ldsp-aggregator.toml"), "colour = 1\n").unwrap();
    refused(&run(dir, &["nodes"], None), "colour");
}

#[test]
fn a_secret_is_replaced_and_a_person_removed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let url = "https://localhost:8443";
    let init = ["init", "--origin", "log.example", "--public-url", url];
    assert_eq!(run(dir, &init, None).status.code(), Some(0));
    let listed = || json(&run(dir, &["people", "list", "--json"], None));
    assert_eq!(listed().as_array().unwrap().len(), 0);
    let secret = |arguments: &[&str]| {
        let answer = json(&run(dir, arguments, None));
        answer["secret"].as_str().unwrap().to_owned()
    };
    let add = ["people", "add", "op", "--role", "operator", "--json"];
    let old = secret(&add);
    let invite = |out: &str, secret: &str| {
        let place = ["invite", "solent", "--lep", "E37000055"];
        run(
            dir,
            &[&place[..], &["--out", out, "--as", "op"]].concat(),
            Some(secret),
        )
    };
    let renewed = secret(&["people", "secret", "op", "--json"]);
    refused(&invite("a.json", &old), "do not fit");
    assert_eq!(invite("a.json", &renewed).status.code(), Some(0));
    assert_eq!(listed()[0]["role"], "operator");
    let list = text(&run(dir, &["people", "list"], None).stdout);
    assert!(list.contains("operator  op") && !list.contains(&renewed));

    let last = run(dir, &["people", "remove", "op"], None);
    refused(&last, "op is the only operator");
    secret(&["people", "add", "op2", "--role", "operator", "--json"]);
    let removed = run(dir, &["people", "remove", "op"], None);
    let said = text(&removed.stdout);
    assert!(!said.contains("is left"), "{said}");
    refused(&invite("b.json", &renewed), "do not fit");
    assert!(!dir.join("b.json").exists());
    for command in ["secret", "remove"] {
        refused(&run(dir, &["people", command, "op"], None), "people list");
    }
    let again = secret(&add);
    refused(&invite("b.json", &renewed), "do not fit");
    let lock = |act: &str| text(&run(dir, &["people", act, "op"], None).stdout);
    assert!(lock("lock").contains("op is locked out"));
    refused(&invite("b.json", &again), "do not fit");
    assert!(lock("unlock").contains("may sign in"));
    assert_eq!(invite("b.json", &again).status.code(), Some(0));
}

#[test]
fn people_choose_their_secret_on_a_link_and_what_was_done_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let url = "https://localhost:8443";
    let init = ["init", "--origin", "log.example", "--public-url", url];
    assert_eq!(run(dir, &init, None).status.code(), Some(0));
    let add = ["people", "add", "Ana", "--role", "analyst", "--link"];
    let said = text(&run(dir, &add, None).stdout);
    let link = said.split_whitespace().find(|word| word.starts_with(url));
    let link = link.unwrap();
    assert_eq!(link.len(), url.len() + "/welcome/".len() + 43, "{said}");
    let again = json(&run(dir, &["people", "link", "Ana", "--json"], None));
    assert_ne!(again["link"], link);
    let role = ["people", "role", "Ana", "--role", "curator"];
    let said = text(&run(dir, &role, None).stdout);
    assert!(said.contains("who was analyst, is curator"), "{said}");
    for command in [
        &["people", "link", "Eve"][..],
        &["people", "role", "Eve", "--role", "curator"],
        &["people", "lock", "Eve"],
    ] {
        refused(&run(dir, command, None), "people list");
    }
    let told = json(&run(dir, &["people", "history", "--json"], None));
    let actions = told.as_array().unwrap().iter();
    let actions: Vec<_> = actions.map(|act| act["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        // Newest first; the last is that of `init`, for the first operator.
        [
            "people role",
            "people link",
            "people link",
            "people add",
            "people link"
        ]
    );
    let who = told[0]["who"].as_str().unwrap();
    assert!(who.starts_with("command line ("), "{who}");
    let last = ["people", "history", "--last", "1"];
    let said = text(&run(dir, &last, None).stdout);
    assert!(said.contains("): people role, Ana"), "{said}");
    assert!(!said.contains("people add"), "{said}");
}

#[cfg(unix)]
fn modes(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir), 0o700);
    for name in ["log-key.pem", "ca-key.pem"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn no_command_changes_a_database_under_the_server_that_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let init = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
    ];
    assert_eq!(run(dir, &init, None).status.code(), Some(0));
    json(&run(dir, &["people", "list", "--json"], None));
    let data = dir.join("ldsp-aggregator-data");
    let files = std::fs::read_dir(&data).unwrap().map(|f| f.unwrap().path());
    let database = files
        .into_iter()
        .find(|f| f.extension().is_some_and(|e| e == "sqlite"))
        .unwrap();
    let sql = |sql: &'static str| -> i64 {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&database);
        let done = async {
            let mut connection = options.connect().await.unwrap();
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap()
        };
        tokio::runtime::Runtime::new().unwrap().block_on(done)
    };
    // As the version before left it.
    let last = sql("DELETE FROM _sqlx_migrations WHERE version = 5 RETURNING version");
    refused(&run(dir, &["nodes"], None), "older version");
    let lock = std::fs::File::create(data.join("serve.lock")).unwrap();
    lock.lock().unwrap();
    refused(&run(dir, &["serve"], None), "already served");
    let count = "SELECT count(*) FROM _sqlx_migrations WHERE version = 5";
    assert_eq!((last, sql(count)), (5, 0));
}

/// What was noted before a change of service, or of what it calls people, can be taken back without it.
#[test]
fn accounts_of_a_former_service_are_disconnected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ran = |args: &[&str]| {
        let output = run(dir, args, None);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    let no = |args: &[&str]| text(&run(dir, args, None).stderr);
    let url = "https://localhost:8443";
    ran(&["init", "--origin", "log.example", "--public-url", url]);
    ran(&["people", "add", "Ben", "--role", "analyst"]);
    let service = |issuer: &str| {
        let table = format!("[oidc]\nissuer = \"{issuer}\"\nclient_id = \"x\"\nname = \"x\"\n");
        std::fs::write(dir.join("ldsp-aggregator.toml"), table).unwrap();
    };
    for issuer in ["https://old.example", "https://new.example"] {
        service(issuer);
        ran(&["people", "connect", "Ben", "u-1"]);
    }
    std::fs::write(dir.join("ldsp-aggregator.toml"), "").unwrap();
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

/// A questionnaire as a file, due in a year far away or on no day.
fn asked(dir: &Path, due: Option<&str>) {
    let questionnaire = serde_json::json!({
        "name": "routes", "title": "Ways to a course", "purpose": "To see where there are none.",
        "due": due, "to": ["E37000001", "E37000005"],
        "questions": [
            {"id": "buses", "text": "Are there buses?", "hint": "", "form": "yes-no",
             "required": true, "only_if": null, "prefill": null},
        ],
    });
    std::fs::write(dir.join("routes.json"), questionnaire.to_string()).unwrap();
}

#[test]
fn an_operator_issues_a_questionnaire_and_reads_how_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let init = [
        "init",
        "--origin",
        "log.example",
        "--public-url",
        "https://localhost:8443",
        "--json",
    ];
    json(&run(dir, &init, None));
    let mut secrets = Vec::new();
    for (name, role) in [("Olu", "operator"), ("Ann", "analyst")] {
        let added = json(&run(
            dir,
            &["people", "add", name, "--role", role, "--json"],
            None,
        ));
        secrets.push(added["secret"].as_str().unwrap().to_owned());
    }
    let [olu, ann] = &secrets[..] else { panic!() };
    let ask = |arguments: &[&str]| run(dir, &[&["questionnaire"], arguments].concat(), None);
    let issue = |name: &str, more: &[&str], secret: &str| {
        let arguments = ["questionnaire", "issue", "routes.json", "--as", name];
        run(dir, &[&arguments, more].concat(), Some(secret))
    };
    assert_eq!(json(&ask(&["list", "--json"])), serde_json::json!([]));
    assert!(text(&ask(&["list"]).stdout).contains("questionnaire issue FILE"));
    refused(&issue("Olu", &["--yes"], olu), "routes.json cannot be read");
    std::fs::write(dir.join("routes.json"), "{\"name\": \"routes\"}").unwrap();
    refused(&issue("Olu", &["--yes"], olu), "missing field `title`");
    asked(dir, None);
    refused(&issue("Olu", &["--yes"], olu), "due: no day is set");
    asked(dir, Some("2999-12-31"));
    refused(&issue("Olu", &[], olu), "no terminal to confirm it");
    refused(&issue("Ann", &["--yes"], ann), "needs the role operator");
    refused(&issue("Olu", &["--yes"], ann), "name and secret do not fit");
    assert_eq!(json(&ask(&["list", "--json"])), serde_json::json!([]));
    refused(&ask(&["show", "routes"]), "no questionnaire routes");
    refused(&ask(&["export", "routes"]), "no questionnaire routes");

    let first = json(&issue("Olu", &["--yes", "--json"], olu));
    assert_eq!(
        (&first["version"], &first["new"]),
        (&serde_json::json!(1), &serde_json::json!(true))
    );
    let again = json(&issue("Olu", &["--yes", "--json"], olu));
    assert_eq!(
        (&again["index"], &again["new"]),
        (&first["index"], &serde_json::json!(false))
    );
    let list = json(&ask(&["list", "--json"]));
    assert_eq!(list[0]["pae"], first["pae"]);
    assert_eq!(
        (&list[0]["asked"], &list[0]["answered"]),
        (&serde_json::json!(2), &serde_json::json!(0))
    );
    let shown = json(&ask(&["show", "routes", "--json"]));
    assert_eq!(shown["leps"][1]["state"], "no-node");
    let told = text(&ask(&["show", "routes"]).stdout);
    for words in ["0 of 2 LEPs answered", "Black Country", "31 December 2999"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let table = text(&ask(&["export", "routes"]).stdout);
    assert!(table.starts_with("lep_code,lep,node,") && table.lines().count() == 1);
    let export = json(&ask(&["export", "routes", "--json"]));
    assert_eq!(export["versions"][0]["asked_by"], "Olu");
    assert_eq!(
        json(&run(dir, &["fsck", "--json"], None))["findings"],
        serde_json::json!([])
    );
}
