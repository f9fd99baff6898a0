//! The front door keeps its contract: the whole federation, once.

use std::process::Command;

use ldsp_cluster::Cluster;
use ldsp_tests::program;
use ldsp_tests::world::on_postgres;
use serde_json::Value;

/// All 38 LEPs and six months. Noise comes from the operating system, so bounds are ones that chance does not break: achievements
/// miss the input by about 0.08 % (one standard deviation), and of some 2,160 intervals 95 % cover give or take 0.5 %.
#[test]
fn the_whole_federation_agrees_with_its_input() {
    let database = on_postgres().then(|| Cluster::shared().database());
    let mut demo = Command::new(program::binary("ldsp-demo"));
    demo.args(["--once", "--json"]);
    if let Some(database) = &database {
        demo.args(["--database", &database.url()]);
    }
    let outcome = demo.output().expect("it starts");
    let said = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(outcome.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&outcome.stdout).expect("one line of JSON");
    let figure = |what: &str, which: &str| report[what][which].as_f64().expect("a number");
    assert_eq!(report["nodes"], 38);
    assert_eq!(
        report["statements"],
        38 * 6 + 12 + 2 * 38 + 37,
        "six months each, a dozen practice entries, what each asks for and offers, and the answers of all LEPs but the first"
    );
    assert_eq!(report["answered"], 37);
    assert_eq!(report["unanswered"], serde_json::json!(["Black Country"]));
    assert_eq!(
        [
            figure("enrolments", "input"),
            figure("enrolments", "official")
        ],
        [84_760.0, 84_190.0]
    );
    assert_eq!(
        [
            figure("achievements", "input"),
            figure("achievements", "official")
        ],
        [62_870.0, 62_410.0]
    );
    for what in ["enrolments", "achievements"] {
        let off = figure(what, "federated") / figure(what, "input") - 1.0;
        assert!(off.abs() < 0.005, "{what} are {off:+.4} from the input");
    }
    let share = figure("intervals", "covering") / figure("intervals", "printed");
    assert!(
        (0.925..0.975).contains(&share),
        "{share} of the intervals cover the truth"
    );
}

#[test]
fn a_database_that_is_in_use_is_left_alone() {
    let database = Cluster::shared().database();
    let demonstrate = || {
        Command::new(program::binary("ldsp-demo"))
            .args(["--once", "--json", "--nodes=1", "--months=1", "--database"])
            .arg(database.url())
            .output()
            .expect("it starts")
    };
    assert_eq!(demonstrate().status.code(), Some(0));
    let people = || database.sql("SELECT * FROM person ORDER BY name");
    let before = people();
    let again = demonstrate();
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(said.contains("another key"), "{said}");
    assert_eq!(people(), before);
}

#[test]
fn a_directory_that_is_in_use_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("letter"), "mine").expect("it can be written");
    let mut demo = Command::new(program::binary("ldsp-demo"));
    let outcome = demo
        .arg("--once")
        .arg("--dir")
        .arg(dir.path())
        .output()
        .expect("it starts");
    assert_eq!(outcome.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("is not empty"));
    assert_eq!(
        std::fs::read_dir(dir.path()).expect("it is there").count(),
        1
    );
}
