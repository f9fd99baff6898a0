//! The suite in seconds: a sound method passes, every planted flaw is found, every scored attack can succeed.

use std::collections::BTreeSet;
use std::process::Command;

use ldsp_attack::simulate::{Flaw, Plan, Scenario, attack, attack_all};
use ldsp_attack::verdict::{Outcome, Verdict};

fn plan(flaw: Option<Flaw>, seed: u64) -> Plan {
    Plan {
        sizes: vec![(500, 4), (5_000, 1)],
        months: 18,
        flaw,
        seed,
    }
}

fn failed(verdicts: &[Verdict]) -> BTreeSet<&'static str> {
    let failed = verdicts.iter().filter(|v| v.outcome == Outcome::Fail);
    failed.map(|v| v.attack).collect()
}

fn caught(flaw: Flaw, scenario: Scenario, by: &[&str]) {
    let verdicts = attack(&plan(Some(flaw), 3), scenario).expect("simulated releases can be read");
    let failed = failed(&verdicts);
    for attack in by {
        assert!(
            failed.contains(attack),
            "{flaw:?} passes {attack}; it fails {failed:?}"
        );
    }
}

fn sound(seed: u64) {
    let verdicts = attack_all(&plan(None, seed)).expect("simulated releases can be read");
    let lines: Vec<String> = verdicts.iter().map(Verdict::line).collect();
    assert!(failed(&verdicts).is_empty(), "{}", lines.join("\n"));
    // Nothing was left out: both sizes, and every attack but those that a line above stands for.
    let tried: BTreeSet<_> = verdicts
        .iter()
        .filter(|v| v.outcome == Outcome::Pass)
        .map(|v| v.attack)
        .collect();
    assert!(tried.len() >= 45, "{tried:?}");
    assert!(
        verdicts.iter().all(|v| v.outcome == Outcome::Pass),
        "{}",
        lines.join("\n")
    );
}

#[test]
fn the_sound_method_passes() {
    sound(1);
}

#[test]
fn the_sound_method_passes_with_other_people_and_other_noise() {
    sound(2);
}

#[test]
fn integer_noise_after_the_filter_is_found() {
    caught(
        Flaw::IntegerNoise,
        Scenario::Life,
        &[
            "dyadic fractions",
            "disability, certain proof",
            "outcome, certain proof",
            "destination, certain proof",
        ],
    );
}

#[test]
fn integer_noise_through_the_filter_is_found() {
    caught(
        Flaw::FilteredIntegerNoise,
        Scenario::Life,
        &["dyadic fractions"],
    );
}

#[test]
fn a_redrawn_release_is_found() {
    caught(Flaw::Redrawn, Scenario::Life, &["redrawn release"]);
}

#[test]
fn noise_left_out_of_zero_cells_is_found() {
    caught(
        Flaw::NoiselessZeros,
        Scenario::Life,
        &[
            "exact zeros",
            "shared margins",
            "noise as stated",
            "outcome, certain proof",
        ],
    );
}

#[test]
fn a_doubled_rho_is_found() {
    caught(
        Flaw::DoubledRho,
        Scenario::Life,
        &["shared margins", "noise as stated"],
    );
}

#[test]
fn a_recount_is_found() {
    caught(Flaw::Recount, Scenario::Life, &["counted again", "recount"]);
    caught(Flaw::Recount, Scenario::ChangedStandard, &["counted again"]);
}

#[test]
fn a_retracted_erasure_is_found() {
    caught(Flaw::Retracted, Scenario::Life, &["erasure, any trace"]);
}

/// A limit that nothing can break protects nobody.
#[test]
fn every_scored_attack_succeeds_on_faint_noise() {
    let scored = [
        "disability, tenfold odds",
        "disability, certain proof",
        "outcome, tenfold odds",
        "outcome, certain proof",
        "destination, tenfold odds",
        "destination, certain proof",
        "ethnicity, tenfold odds",
        "prior status, tenfold odds",
        "confidence, tenfold odds",
        "unique, the rest read off",
        "unique, certain proof",
        "newcomer",
        "newcomer, certain proof",
        "leaver",
        "leaver, certain proof",
        "fake learners",
        "fake learners, certain proof",
        "membership",
        "membership, ratios of 4",
        "membership, two enrolments",
        "group",
        "group, certain proof",
        "reconstruction",
        "differencing of months",
        "averaging",
        "feasible intervals",
        "nation minus nodes",
        "colluding nodes",
    ];
    caught(Flaw::FaintNoise, Scenario::Life, &scored);
    caught(
        Flaw::FaintNoise,
        Scenario::ChangedStandard,
        &["changed standard", "changed standard, certain proof"],
    );
    caught(
        Flaw::FaintNoise,
        Scenario::LostLedger,
        &["lost ledger", "lost ledger, certain proof"],
    );
}

fn program(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ldsp-attack"))
        .args(arguments)
        .output()
        .expect("the program starts");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("it prints text"),
    )
}

#[test]
fn the_program_attacks_a_directory() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap();
    let truth = dir.path().join("truth.csv");
    let write = [
        "--simulate",
        "--learners",
        "200",
        "--months",
        "6",
        "--write",
        path,
    ];
    assert_eq!(program(&write).0, Some(0));
    let (code, text) = program(&[path]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("dyadic fractions") && text.contains("need --truth"),
        "{text}"
    );
    let (code, json) = program(&[path, "--truth", truth.to_str().unwrap(), "--json"]);
    assert_eq!(code, Some(0), "{json}");
    assert!(json.contains("\"attack\": \"membership\""));
    // Somebody changed a byte of what was signed.
    let envelope = dir.path().join("simulated-200-0-0001/envelope.json");
    let key = dir.path().join("simulated-200-1-0001/public_key");
    std::fs::copy(key, envelope.with_file_name("public_key")).unwrap();
    assert_eq!(program(&[path]).0, Some(2));
    assert_eq!(
        program(&[
            "--simulate",
            "--learners",
            "500",
            "--months",
            "12",
            "--flaw",
            "noiseless-zeros"
        ])
        .0,
        Some(1)
    );
}
