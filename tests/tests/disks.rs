//! Disks that are full, read-only or do not confirm, and databases that are held or damaged: each write says so with its next
//! step, stores all or nothing, and works when the trouble is over.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use ldsp_tests::disk::{SmallDisk, Unconfirming};
use ldsp_tests::held::rows;
use ldsp_tests::http::Http;
use ldsp_tests::program::{Outcome, Program};
use ldsp_tests::world::{Federation, Node, ORIGIN, path};
use ldsp_tests::{forge, input};
use serde_json::json;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const SLUG: &str = "cornwall-scilly";
const LEP: &str = "E37000005";

/// Refused for the disk, in words that name it.
#[track_caller]
fn names_the_disk(outcome: Outcome) -> String {
    let reason = outcome.refused();
    assert!(
        reason.contains("disk") || reason.contains("space"),
        "{reason}"
    );
    reason
}

/// The act is refused while the disk is full and done once it has room.
#[track_caller]
fn needs_room(disk: &SmallDisk, act: impl Fn() -> Outcome) -> Outcome {
    let ballast = disk.fill();
    names_the_disk(act());
    drop(ballast);
    let done = act();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done
}

const POSTCODES: &str = "pcds,lad22cd\nTR1 1AA,E06000052\n";

#[test]
fn every_write_of_a_node_needs_room_and_loses_nothing_without_it() {
    let federation = Federation::new();
    let dir = federation.dir.path().join(SLUG);
    let disk = SmallDisk::mount(&dir.join("data"), "24m");
    let program = Program::new("ldsp-node", &dir);
    needs_room(&disk, || program.run(&["init", "--lep", LEP]));
    needs_room(&disk, || {
        program.run(&["people", "add", "Cy", "--role", "coordinator"])
    });

    let node = Node::adopt(&dir, SLUG, LEP);
    let invite = federation.invite(SLUG, LEP);
    needs_room(&disk, || {
        node.program.run(&["enrol", "--invite", path(&invite)])
    });
    federation.approve(&node).done();
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    for (what, bytes) in [
        ("programmes", &programmes[..]),
        ("learners", &learners),
        ("postcodes", POSTCODES.as_bytes()),
    ] {
        let file = node.file(&format!("{what}.csv"), bytes);
        needs_room(&disk, || node.program.run(&["import", what, path(&file)]));
    }
    needs_room(&disk, || {
        node.run_as(
            &node.coordinator,
            &["release", "prepare", "--first", input::FIRST],
        )
    });
    assert_eq!((rows(&node, "releases"), rows(&node, "outbox")), (1, 0));
    let digest = node.prepare();
    needs_room(&disk, || {
        node.run_as(&node.approver, &["release", "approve", "--digest", &digest])
    });
    assert_eq!(rows(&node, "outbox"), 1);
    needs_room(&disk, || node.publish());
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 0);
    assert_eq!(federation.logged(SLUG), 1);

    let form = node.file("entry.toml", practice(&node).as_bytes());
    let written = needs_room(&disk, || {
        node.run_as(
            &node.coordinator,
            &["practice", "publish", path(&form), "--json"],
        )
    });
    let digest = written.json()["digest"].as_str().unwrap().to_owned();
    assert_eq!(rows(&node, "practice"), 1);
    needs_room(&disk, || {
        node.run_as(
            &node.approver,
            &["practice", "publish", "1", "--digest", &digest],
        )
    });
    node.publish().done();
    assert_eq!(federation.logged(SLUG), 2);

    // The authority of its pages is made at the first start.
    let ballast = disk.fill();
    names_the_disk(node.program.run(&["serve"]));
    drop(ballast);
    let serving = node.serve();
    let site = Http::new(&format!("https://{}", serving.address), &node.ca_pem());
    let _in = site.signed_in(&node.coordinator.name, &node.coordinator.secret);
}

/// The form that `practice new` gives, filled in.
fn practice(node: &Node) -> String {
    let mut form = node.program.run(&["practice", "new"]).done();
    for (empty, full) in [
        ("title = \"\"", "title = \"Evening course in a depot\""),
        (
            "what = \"\"\"\n\"\"\"",
            "what = \"Ten evenings for drivers.\"",
        ),
        ("tier = \"\"", "tier = \"basic\""),
        ("skills = []", "skills = [\"foundation\"]"),
        ("audience = []", "audience = [\"people-in-work\"]"),
        ("mode = \"\"", "mode = \"online\""),
        ("cost = \"\"", "cost = \"1k-10k\""),
        ("verdict = \"\"", "verdict = \"worked\""),
        ("again = \"\"", "again = \"yes\""),
        ("repeat = \"\"\"\n\"\"\"", "repeat = \"Book a room.\""),
        ("contact_role = \"\"", "contact_role = \"Coordinator\""),
        ("# review = 2027-09-30", "review = 2099-06-01"),
        ("design = \"\"", "design = \"none\""),
        ("participants = \"\"", "participants = \"under-30\""),
        ("attrition = \"\"", "attrition = \"not-known\""),
        ("follow_up = \"\"", "follow_up = \"none\""),
        ("factor = \"\"", "factor = \"staff\""),
        ("direction = \"\"", "direction = \"worked-because\""),
        ("because = \"\"", "because = \"They stayed.\""),
    ] {
        assert!(form.contains(empty), "{empty}");
        form = form.replacen(empty, full, 1);
    }
    form
}

#[test]
fn every_write_of_the_aggregator_needs_room_and_loses_nothing_without_it() {
    let dir = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&dir.path().join("aggregator").join("data"), "24m");
    let fresh = Program::new("ldsp-aggregator", &dir.path().join("aggregator"));
    let init = [
        "init",
        "--origin",
        ORIGIN,
        "--public-url",
        "https://log.example",
    ];
    let ballast = disk.fill();
    names_the_disk(fresh.run(&init));
    drop(ballast);
    let mut federation = Federation::in_folder(dir);
    needs_room(&disk, || {
        federation
            .aggregator
            .run(&["people", "add", "Cy", "--role", "analyst"])
    });
    let out = federation.dir.path().join("full.invite");
    needs_room(&disk, || {
        federation.operate(&["invite", SLUG, "--lep", LEP, "--out", path(&out)])
    });

    // Enrolment and log, over HTTP. A new process has no room in its write-ahead log yet.
    let node = federation.node(SLUG, LEP);
    let enrol = ["enrol", "--invite", path(&out)];
    federation.kill();
    federation.start();
    let ballast = disk.fill();
    names_the_disk(node.program.run(&enrol));
    drop(ballast);
    node.program.run(&enrol).done();
    needs_room(&disk, || federation.approve(&node));

    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);
    node.release();
    needs_room(&disk, || node.publish());
    assert_eq!(federation.logged(SLUG), 1);

    // Evidence of a second statement for the same place: refused either way, and kept once there is room.
    let mut other = forge::body(&federation.envelope(SLUG, 1));
    other["payload"]["software"] = json!("another/1.0");
    let twin = forge::sign(&node.key(), &other);
    let put = || {
        let at = format!("/v1/nodes/{SLUG}/statements/1");
        federation.http().put(&at, twin.envelope())
    };
    let ballast = disk.fill();
    let first = put();
    assert!(matches!(first.status, 409 | 503), "{}", first.text());
    drop(ballast);
    put().is_problem(409, "equivocation");
    let nodes = federation.aggregator.run(&["nodes", "--json"]).json();
    assert_eq!(nodes[0]["conflicts"], 1, "{nodes:#}");
}

#[test]
fn a_server_without_room_says_that_it_is_not_ready() {
    let dir = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&dir.path().join("aggregator").join("data"), "100m");
    let federation = Federation::in_folder(dir);
    let at = federation.dir.path().join(SLUG).join("data");
    let node_disk = SmallDisk::mount(&at, "100m");
    let node = federation.node(SLUG, LEP);
    let serving = node.serve();
    let site = Http::new(&format!("https://{}", serving.address), &node.ca_pem());
    let national = federation.http();
    for (disk, server) in [(&disk, &national), (&node_disk, &site)] {
        let ready = || server.get("/health/ready");
        assert_eq!(ready().status, 200, "{}", ready().text());
        let ballast = disk.fill();
        let said = ready().text();
        assert_eq!(ready().status, 503, "{said}");
        assert!(
            said.contains("MiB left") && said.contains("Free space"),
            "{said}"
        );
        assert_eq!(server.get("/health/live").status, 200);
        drop(ballast);
        assert_eq!(ready().status, 200);
    }
}

#[test]
fn a_read_only_disk_is_said_and_changes_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&dir.path().join(SLUG).join("data"), "24m");
    let node = Node::new(&dir.path().join(SLUG), SLUG, LEP);
    let file = node.file("programmes.csv", input::PROGRAMMES.as_bytes());
    disk.read_only(true);
    for arguments in [
        &["import", "programmes", path(&file)][..],
        &["people", "add", "Cy", "--role", "coordinator"],
        &["serve"],
    ] {
        let reason = node.program.run(arguments).refused();
        assert!(
            reason.contains("rights") || reason.contains("writable"),
            "{reason}"
        );
    }
    node.run_as(
        &node.coordinator,
        &["release", "prepare", "--first", input::FIRST],
    )
    .refused();
    disk.read_only(false);
    assert_eq!((rows(&node, "programmes"), rows(&node, "people")), (0, 2));
    node.program
        .run(&["import", "programmes", path(&file)])
        .done();
}

#[test]
fn the_aggregator_says_that_its_disk_is_read_only_and_changes_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let disk = SmallDisk::mount(&dir.path().join("aggregator").join("data"), "100m");
    let mut federation = Federation::in_folder(dir);
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);
    node.release();
    node.publish().done();
    federation.kill();
    disk.read_only(true);
    for arguments in [
        &["serve"][..],
        &["people", "add", "Ana", "--role", "analyst"],
    ] {
        let reason = federation.aggregator.run(arguments).refused();
        assert!(
            reason.contains("rights") || reason.contains("writable"),
            "{reason}"
        );
    }
    disk.read_only(false);
    federation.start();
    assert_eq!(federation.logged(SLUG), 1);
    federation
        .aggregator
        .run(&["people", "add", "Ana", "--role", "analyst"])
        .done();
}

/// Holds the write lock of a database, as another program would.
struct Held {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Held {
    fn hold(file: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connection = runtime.block_on(async {
            let mut connection = SqliteConnectOptions::new()
                .filename(file)
                .connect()
                .await
                .unwrap();
            sqlx::query("BEGIN IMMEDIATE")
                .execute(&mut connection)
                .await
                .unwrap();
            connection
        });
        Self {
            runtime,
            connection,
        }
    }

    fn let_go(mut self) {
        self.runtime.block_on(async {
            sqlx::query("ROLLBACK")
                .execute(&mut self.connection)
                .await
                .unwrap();
        });
    }
}

#[test]
fn a_database_that_another_program_holds_is_waited_for_and_then_said_to_be_busy() {
    let federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);
    node.release();
    let learners = node.file("again.csv", &learners);
    let invite = federation.dir.path().join("second.invite");

    let ours = Held::hold(&node.program.data.join("node.db"));
    let theirs = Held::hold(&federation.aggregator.data.join("aggregator.sqlite"));
    // All of them wait at the same time.
    let import = node.program.start(&["import", "learners", path(&learners)]);
    let preparing = node.start_as(
        &node.coordinator,
        &["release", "prepare", "--first", input::FIRST],
    );
    let people = node
        .program
        .start(&["people", "add", "Cy", "--role", "coordinator"]);
    let publish = node.program.start(&["publish"]);
    let arguments = [
        "invite",
        "black-country",
        "--lep",
        "E37000001",
        "--out",
        path(&invite),
    ];
    let operate = federation.operate(&arguments);
    for waited in [
        import.wait(),
        preparing.wait(),
        people.wait(),
        publish.wait(),
        operate,
    ] {
        let reason = waited.refused();
        assert!(reason.contains("Wait until it has finished"), "{reason}");
    }
    ours.let_go();
    // The aggregator's database is still held: the statement is not taken, and stays.
    let reason = node.publish().refused();
    assert!(
        reason.contains("[storage]") && reason.contains("stays queued"),
        "{reason}"
    );
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 1);
    theirs.let_go();

    node.publish().done();
    assert_eq!(federation.logged(SLUG), 1);
    assert_eq!((rows(&node, "people"), rows(&node, "releases")), (2, 1));
    assert!(
        !invite.exists(),
        "an invite that opens nothing does not lie about"
    );
    federation.operate(&arguments).done();
    node.program
        .run(&["import", "learners", path(&learners)])
        .done();
    node.release();
}

#[test]
fn a_damaged_database_is_named_and_never_written_over() {
    let federation = Federation::new();
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);
    let file = node.program.data.join("node.db");
    let sound = fs::read(&file).unwrap();
    let mut torn = sound.clone();
    torn[..100].fill(0xA5);
    for damaged in [torn, b"a letter to my aunt".repeat(999)] {
        fs::write(&file, &damaged).unwrap();
        let csv = node.file("again.csv", &learners);
        for arguments in [
            &["status"][..],
            &["import", "learners", path(&csv)],
            &["serve"],
            &["init", "--lep", LEP],
        ] {
            let reason = node.program.run(arguments).refused();
            assert!(reason.contains("restore the backup"), "{reason}");
        }
        assert_eq!(
            fs::read(&file).unwrap(),
            damaged,
            "it is left for whoever repairs it"
        );
    }
    fs::write(&file, &sound).unwrap();
    node.release();
    node.publish().done();

    let mut federation = federation;
    federation.kill();
    let file = federation.aggregator.data.join("aggregator.sqlite");
    // With what the killed server had not folded in yet.
    let files =
        ["", "-wal", "-shm"].map(|end| file.with_file_name(format!("aggregator.sqlite{end}")));
    let sound = files.each_ref().map(|file| fs::read(file).ok());
    for file in &files[1..] {
        drop(fs::remove_file(file));
    }
    fs::write(&file, b"a letter to my aunt".repeat(999)).unwrap();
    for arguments in [&["nodes"][..], &["serve"], &["benchmark"]] {
        let reason = federation.aggregator.run(arguments).refused();
        assert!(reason.contains("Restore the backup"), "{reason}");
    }
    for (file, bytes) in files.iter().zip(sound) {
        if let Some(bytes) = bytes {
            fs::write(file, bytes).unwrap();
        }
    }
    federation.start();
    assert_eq!(federation.logged(SLUG), 1);
}

#[test]
fn neither_program_works_in_the_directory_of_the_other() {
    let federation = Federation::new();
    let node = federation.node(SLUG, LEP);
    let data = |program: &Program| path(&program.data).to_owned();
    let lost = node
        .program
        .clone()
        .with("LDSP_DATA_DIR", &data(&federation.aggregator));
    for arguments in [&["status"][..], &["serve"], &["init", "--lep", LEP]] {
        let reason = lost.run(arguments).refused();
        assert!(reason.contains("national log"), "{reason}");
    }
    let lost = federation
        .aggregator
        .clone()
        .with("LDSP_DATA_DIR", &data(&node.program));
    let init = [
        "init",
        "--origin",
        ORIGIN,
        "--public-url",
        "https://log.example",
    ];
    let reason = lost.run(&init).refused();
    assert!(reason.contains("holds a node"), "{reason}");
    lost.run(&["serve"]).refused();
    let names = |dir: &Path| fs::read_dir(dir).unwrap().count();
    assert!(!federation.aggregator.data.join("node.db").exists());
    assert!(!node.program.data.join("identity.toml").exists() && names(&node.program.data) > 0);
}

#[test]
fn a_setting_of_the_wrong_type_is_named() {
    let dir = tempfile::TempDir::new().unwrap();
    for name in ["ldsp-node", "ldsp-aggregator"] {
        let program = Program::new(name, &dir.path().join(name));
        for (text, key) in [
            ("listen = 5", "listen"),
            ("data_dir = [1]", "data_dir"),
            ("log = \"loud\"", "log"),
            ("tls_cert = 7", "tls_cert"),
            ("listen = ", "1"),
            ("\u{feff}data_dir = \"x\"\0", "1"),
        ] {
            let file = dir.path().join("settings.toml");
            fs::write(&file, text).unwrap();
            let reason = program.run(&["--config", path(&file), "serve"]).refused();
            assert!(
                reason.contains(key) || reason.contains("line"),
                "{text}: {reason}"
            );
        }
        let reason = program
            .clone()
            .with("LDSP_LISTEN", "nowhere")
            .run(&["serve"])
            .refused();
        assert!(reason.contains("LDSP_"), "{reason}");
        assert!(!program.data.exists(), "nothing was made");
    }
}

#[test]
fn a_server_ends_when_the_disk_does_not_confirm_a_write() {
    let mut federation = Federation::new();
    let disk = Unconfirming::new(federation.dir.path());
    let node = federation.join(SLUG, LEP);
    let (programmes, learners) = input::files(&input::records(LEP, 2));
    node.import(&programmes, &learners);

    node.release();

    // A node's page. This node is not enrolled, so the page's own write is the first.
    let alone = federation.node("alone", LEP);
    alone.import(&programmes, &learners);
    let serving = disk.under(&alone.program).serve();
    let site = Http::new(&format!("https://{}", serving.address), &alone.ca_pem());
    let site = site.signed_in(&alone.coordinator.name, &alone.coordinator.secret);
    disk.fail(true);
    let answer = site.post(
        "/releases/prepare",
        &format!("first=yes&period={}", input::FIRST),
    );
    assert!(answer.text().contains("unconfirmed"), "{}", answer.text());
    drop(site);
    assert_eq!(serving.ends(), Some(1));
    disk.fail(false);
    // All of it or nothing.
    assert_eq!(rows(&alone, "ledger_months"), rows(&alone, "releases"));
    let _drawn = alone.prepare();
    assert_eq!(rows(&alone, "releases"), 1);

    // The log, and an enrolment.
    let sound = federation.aggregator.clone();
    let invite = federation.invite("black-country", "E37000001");
    let second = federation.node("black-country", "E37000001");
    federation.aggregator = disk.under(&sound);
    for act in [&|| node.publish() as Outcome, &|| {
        second.program.run(&["enrol", "--invite", path(&invite)])
    }] as [&dyn Fn() -> Outcome; 2]
    {
        federation.kill();
        federation.start();
        disk.fail(true);
        act().refused();
        assert_eq!(federation.take().ends(), Some(1));
        disk.fail(false);
        federation.start();
        act().done();
    }
    assert_eq!(federation.logged(SLUG), 1);
    assert_eq!(rows(&node, "outbox WHERE receipt IS NULL"), 0);

    // The operator's page.
    let operator = &federation.operator;
    let site = federation
        .http()
        .signed_in(&operator.name, &operator.secret);
    let fingerprint = second.fingerprint().replace(char::is_whitespace, "");
    let form = format!("key={fingerprint}&compared-black-country=yes");
    let approval = "/operator/nodes/black-country/approve";
    disk.fail(true);
    let answer = site.post(approval, &form);
    assert!(answer.text().contains("unconfirmed"), "{}", answer.text());
    drop(site);
    assert_eq!(federation.take().ends(), Some(1));
    disk.fail(false);
    federation.start();
    let record = federation.record("black-country");
    let state = &record["state"];
    assert!(state == "pending" || state == "active", "{state}");
}

#[test]
fn an_import_that_finds_no_room_for_temporary_files_says_where() {
    let dir = tempfile::TempDir::new().unwrap();
    let node = Node::new(&dir.path().join(SLUG), SLUG, LEP);
    let temporary = dir.path().join("temporary");
    let disk = SmallDisk::mount(&temporary, "1m");
    let program = node.program.clone().with("SQLITE_TMPDIR", path(&temporary));
    let file = |rows: u32| {
        let rows: Vec<_> = (0..rows).map(|n| input::Row::of(n, "E06000052")).collect();
        node.file("learners.csv", &input::learners(&rows))
    };
    let programmes = node.file("programmes.csv", input::PROGRAMMES.as_bytes());
    program
        .run(&["import", "programmes", path(&programmes)])
        .done();
    program.run(&["import", "learners", path(&file(1))]).done();
    let large = file(60_000);
    let ballast = disk.fill();
    let reason = names_the_disk(program.run(&["import", "learners", path(&large)]));
    assert!(reason.contains("TMPDIR"), "{reason}");
    assert_eq!(rows(&node, "enrolments"), 1);
    drop(ballast);
    drop(disk);
    program.run(&["import", "learners", path(&large)]).done();
    assert_eq!(rows(&node, "enrolments"), 60_000);
}
