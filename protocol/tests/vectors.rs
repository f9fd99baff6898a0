//! Golden vectors of version 1. Good ones are accepted and made again byte for byte; `bad_*` ones
//! are refused for the reason that they name. A vector that was published never changes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ldsp_protocol::benchmark::Measure;
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::keys::{admit, key_id};
use ldsp_protocol::log::{Edge, Entry};
use ldsp_protocol::note::Verifier;
use ldsp_protocol::own::{Own, OwnStatement};
use ldsp_protocol::receipt::{Claim, Receipt};
use ldsp_protocol::run::{BenchmarkRun, Gather, MeasureFinding, Named, Recount, StandsOn};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Kind, Payload, Statement};
use ldsp_protocol::{noise, statement};
use serde_json::value::RawValue;
use toml::Table;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1")
}

fn read(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn text<'a>(vector: &'a Table, field: &str) -> &'a str {
    vector[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is not text"))
}

/// What a receiver says of an envelope: the refusal, or the body made again from what was read.
fn judge(vector: &Table) -> Result<Vec<u8>, String> {
    let key =
        admit(&hex::decode(text(vector, "public_key")).unwrap()).map_err(|e| e.to_string())?;
    let verified = Unverified::parse(text(vector, "envelope").as_bytes())
        .and_then(|e| e.verify(&key))
        .map_err(|e| e.to_string())?;
    if vector.get("reader").and_then(|r| r.as_str()) == Some("log") {
        let own = OwnStatement::read(&verified).map_err(|e| e.to_string())?;
        return Ok(match &own.payload {
            Own::KeyAdd(add) => again(&own, add),
            Own::KeyRevoke(revoke) => again(&own, revoke),
            Own::Standard(version) => again(&own, version.as_ref()),
            Own::BenchmarkRun(run) => again(&own, run.as_ref()),
            Own::Questionnaire(asked) => again(&own, asked.as_ref()),
            // Numbers are kept as they were written.
            Own::Finding(_) => {
                let body: statement::Body<&RawValue> =
                    serde_json::from_slice(verified.body()).unwrap();
                again(&own, &body.payload)
            }
        });
    }
    let statement = Statement::read(&verified).map_err(|e| e.to_string())?;
    let standard = Standard::of(statement.standard).unwrap_or(Standard::v1());
    match &statement.payload {
        Payload::LearningSummary(summary) => {
            let lep = text(vector, "lep").parse().unwrap();
            summary
                .check(Standard::v1(), &lep, None)
                .map_err(|e| e.to_string())?;
            Ok(again(&statement, summary))
        }
        Payload::PracticeEntry(entry) => match entry.check().first() {
            Some(problem) => Err(problem.to_string()),
            None => Ok(again(&statement, entry.as_ref())),
        },
        Payload::QuestionnaireAnswers(answers) => Ok(again(&statement, answers.as_ref())),
        Payload::DemandSummary(needs) => {
            needs.check(standard).map_err(|e| e.to_string())?;
            Ok(again(&statement, needs.as_ref()))
        }
        Payload::ProvisionSummary(offers) => {
            offers.check(standard).map_err(|e| e.to_string())?;
            Ok(again(&statement, offers.as_ref()))
        }
        Payload::Withdrawal(withdrawal) => {
            withdrawal.check(statement.seq).map_err(|e| e.to_string())?;
            Ok(again(&statement, withdrawal))
        }
        Payload::Correction(correction) => {
            correction.check(statement.seq).map_err(|e| e.to_string())?;
            let lep = text(vector, "lep").parse().unwrap();
            let summary = &correction.summary;
            summary
                .check(Standard::v1(), &lep, None)
                .map_err(|e| e.to_string())?;
            let withdrawn = text(vector, "withdrawn_cells").parse().unwrap();
            correction
                .check_cells(withdrawn)
                .map_err(|e| e.to_string())?;
            Ok(again(&statement, correction.as_ref()))
        }
    }
}

/// The body made again from what was read.
fn again<Q, P: serde::Serialize + Clone>(s: &statement::Body<Q>, payload: &P) -> Vec<u8> {
    statement::Body {
        schema: s.schema,
        origin: s.origin.clone(),
        node: s.node.clone(),
        seq: s.seq,
        prev: s.prev,
        kind: s.kind,
        period: s.period,
        standard: s.standard,
        payload: payload.clone(),
    }
    .to_bytes()
}

#[test]
fn envelopes() {
    let mut seen = (0, 0);
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let vector = read(&path);
        if !vector.contains_key("envelope") {
            continue;
        }
        let name = path.display();
        let seed: [u8; 32] = hex::decode(text(&vector, "seed"))
            .unwrap()
            .try_into()
            .unwrap();
        let key = SigningKey::from_bytes(&seed);
        assert_eq!(
            key_id(&key.verifying_key()).to_string(),
            text(&vector, "key_id"),
            "{name}"
        );
        let sealed = Sealed::sign(
            &key,
            text(&vector, "payload_type"),
            text(&vector, "body").as_bytes(),
        );
        assert_eq!(sealed.pae().to_string(), text(&vector, "pae"), "{name}");
        match (text(&vector, "expect"), judge(&vector)) {
            ("accepted", outcome) => {
                let again = outcome.unwrap_or_else(|e| panic!("{name}: {e}"));
                assert_eq!(
                    String::from_utf8(again).unwrap(),
                    text(&vector, "body"),
                    "{name}"
                );
                assert_eq!(
                    sealed.envelope(),
                    text(&vector, "envelope").as_bytes(),
                    "{name}"
                );
                seen.0 += 1;
            }
            (words, Err(refusal)) => {
                assert!(refusal.contains(words), "{name}: {refusal}");
                seen.1 += 1;
            }
            (words, Ok(_)) => panic!("{name}: accepted, but should say {words}"),
        }
    }
    assert_eq!(seen, (13, 43));
}

/// The verifiers that are not ours judge these: a kind without one would be judged by nobody else.
#[test]
fn each_kind_of_statement_has_a_vector() {
    for kind in Kind::ALL {
        let name = kind.as_str().replace('-', "_");
        let vector = read(&folder().join(format!("{name}.toml")));
        let envelope = Unverified::parse(text(&vector, "envelope").as_bytes()).unwrap();
        assert_eq!(
            envelope.unverified_payload_type(),
            kind.payload_type(),
            "{name}"
        );
    }
}

#[test]
fn receipts() {
    let mut seen = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let vector = read(&path);
        let Some(receipt) = vector.get("receipt").and_then(|r| r.as_str()) else {
            continue;
        };
        let log = Verifier::parse(text(&vector, "verifier")).unwrap();
        let claim = Claim {
            origin: text(&vector, "origin").to_owned(),
            node: text(&vector, "node").parse().unwrap(),
            seq: vector["seq"].as_integer().unwrap().try_into().unwrap(),
            pae: text(&vector, "pae").parse().unwrap(),
        };
        let said = match Receipt::from_text(receipt).verify(&log, &claim) {
            Ok(held) => format!("index {}", held.index),
            Err(error) => error.to_string(),
        };
        assert!(
            said.contains(text(&vector, "expect")),
            "{}: {said}",
            path.display()
        );
        seen += 1;
    }
    assert_eq!(seen, 4);
}

fn integers(vector: &Table, field: &str) -> Vec<i64> {
    let list = vector[field].as_array().unwrap().iter();
    list.map(|v| v.as_integer().unwrap()).collect()
}

/// Every month of an epoch: the filter, the filter again, and how near the two come to the prefix sum.
#[test]
fn the_filter_over_an_epoch() {
    let vector = read(&folder().join("filter.toml"));
    let entries = integers(&vector, "entries");
    assert_eq!(entries.len(), noise::HORIZON);
    let months = || 1..=noise::HORIZON;
    let filtered: Vec<i64> = months().map(|t| noise::filtered(&entries[..t])).collect();
    assert_eq!(filtered, integers(&vector, "filtered"));
    let sums = |published: &[i64]| -> Vec<i64> {
        months()
            .map(|t| noise::cumulative(&published[..t]).unwrap())
            .collect()
    };
    assert_eq!(sums(&filtered), integers(&vector, "cumulative"));
    // A single entry in the first month: its filter is the coefficients, and theirs the composition.
    let twice = sums(&noise::FILTER);
    assert_eq!(twice, integers(&vector, "twice"));
    let far = twice.iter().map(|v| (v - (1 << 32)).abs()).max();
    assert_eq!(far, vector["worst"].as_integer());
}

#[test]
fn noise_and_standard() {
    let vector = read(&folder().join("noise.toml"));
    let integers = |field: &str| integers(&vector, field);
    assert_eq!(noise::FILTER.to_vec(), integers("filter"));
    assert_eq!(
        noise::energy(noise::HORIZON).to_string(),
        vector["energy"].to_string()
    );
    let entries = integers("entries");
    let filtered: Vec<i64> = (1..=entries.len())
        .map(|t| noise::filtered(&entries[..t]))
        .collect();
    assert_eq!(filtered, integers("filtered"));
    assert_eq!(
        noise::cumulative(&filtered),
        vector["cumulative"].as_integer()
    );
    let standard = Standard::v1();
    assert_eq!(
        standard.digest().to_string(),
        vector["standard"]["digest"].as_str().unwrap()
    );
    let sigma2 = vector["sigma2"].as_table().unwrap();
    assert_eq!(sigma2.len(), standard.tables().len());
    for table in standard.tables() {
        assert_eq!(
            noise::sigma2(table.rho_micro).to_string(),
            sigma2[&table.id].to_string(),
            "{}",
            table.id
        );
    }
}

/// The log of the vectors: standard, key and summary. From those three alone come the bytes of finding and run.
#[test]
fn a_finding_is_made_again_from_the_statements_that_it_names() {
    let of = |name: &str| read(&folder().join(name));
    let log_key = of("finding.toml");
    let seed: [u8; 32] = hex::decode(text(&log_key, "seed"))
        .unwrap()
        .try_into()
        .unwrap();
    let log_key = SigningKey::from_bytes(&seed);
    let log = Verifier::new("log.ldsp.example", log_key.verifying_key()).unwrap();
    let (mut recount, mut gather, mut edge) =
        (Recount::new(&log), Gather::default(), Edge::default());
    for (index, name) in (0..).zip(["standard.toml", "key_add.toml", "learning_summary.toml"]) {
        let vector = of(name);
        let envelope = text(&vector, "envelope").as_bytes();
        let body: statement::Body<&RawValue> = serde_json::from_str(text(&vector, "body")).unwrap();
        let entry = Entry {
            kind: body.kind,
            node: body.node.clone(),
            seq: body.seq,
            key_id: text(&vector, "key_id").parse().unwrap(),
            pae: text(&vector, "pae").parse().unwrap(),
        };
        edge.push(entry.leaf_hash());
        gather.entry(index, &entry);
        match entry.kind {
            statement::Kind::KeyAdd => {
                let Own::KeyAdd(add) = recount.key(index, &entry, Some(envelope)).unwrap() else {
                    panic!("{name}")
                };
                gather.key(index, &add);
            }
            statement::Kind::LearningSummary => {
                recount.statement(index, &entry, Some(envelope)).unwrap()
            }
            _ => {}
        }
    }
    let figures = recount.end().unwrap();
    let inputs = gather.inputs().unwrap();
    let mut stands_on = StandsOn::new(3, edge.root(), &figures, inputs);
    // The vector was made once; the program goes on.
    "ldsp-protocol/0.1.0".clone_into(&mut stands_on.code);
    let finding = MeasureFinding::of(&figures, Measure::EverydayMore, stands_on.clone());
    let made = |name: &str, payload: &dyn Fn(&statement::Body<&RawValue>) -> Vec<u8>| {
        let vector = of(name);
        let body: statement::Body<&RawValue> = serde_json::from_str(text(&vector, "body")).unwrap();
        assert_eq!(
            String::from_utf8(payload(&body)).unwrap(),
            text(&vector, "body"),
            "{name}"
        );
        text(&vector, "pae").parse().unwrap()
    };
    let pae = made("finding.toml", &|body| again(body, &finding));
    let run = BenchmarkRun {
        stands_on,
        findings: vec![Named {
            measure: Measure::EverydayMore,
            seq: 3,
            pae,
        }],
    };
    made("benchmark_run.toml", &|body| again(body, &run));
}
