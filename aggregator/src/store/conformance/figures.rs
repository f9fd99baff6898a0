//! Figures that the log signed, and the rule by which fsck makes them again.

use ldsp_protocol::benchmark::{Measure, Shown};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::run::{BenchmarkRun, MeasureFinding, Named};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;

use super::fsck::{fill, run, signer};
use crate::announce::Announcer;
use crate::fsck::Rule;
use crate::log::{Signer, Speech};
use crate::runs::{self, Run};
use crate::store::{Backend, Log, OwnEffect};
use crate::testing::at;

/// A lie by whoever holds the log's key: well formed, signed, logged.
type Lie = fn(&mut MeasureFinding);

const LIES: [Lie; 5] = [
    |finding| {
        if let Shown::Count { value, .. } = &mut finding.figures[0].shown {
            *value += 1;
        } else {
            finding.figures[0].shown = Shown::NotDue;
        }
    },
    |finding| drop(finding.figures.pop()),
    |finding| finding.stands_on.root = Digest::of(b"other"),
    |finding| finding.stands_on.inputs = finding.stands_on.inputs.leaves().skip(1).collect(),
    |finding| finding.stands_on.size += 1,
];

/// Logs the finding as a run of its own.
async fn state(store: &Backend, signer: &Signer, finding: &MeasureFinding, names: Digest) {
    let announcer = Announcer::new(store, signer, Standard::current());
    let standard = Standard::current().digest();
    let speak = |speech: &mut Speech<'_>| {
        let body = |turn: &_| announcer.body(turn, Kind::Finding, standard, finding);
        let (seq, pae) = speech.say(Kind::Finding, body);
        let named = Named {
            measure: finding.measure,
            seq,
            pae: if names == Digest::ZERO { pae } else { names },
        };
        let run = BenchmarkRun {
            stands_on: finding.stands_on.clone(),
            findings: vec![named],
        };
        let kind = Kind::BenchmarkRun;
        speech.say(kind, |turn| announcer.body(turn, kind, standard, &run));
    };
    let now = at("2022-07-01T10:00:00Z");
    let said = signer.announce(store, &OwnEffect::None, speak, now);
    said.await.unwrap();
}

/// Runs are sound however the log went on; each lie is found at its place.
pub(crate) async fn figures_conform(store: Backend) {
    fill(&store).await;
    let signer = signer();
    let announcer = Announcer::new(&store, &signer, Standard::current());
    let now = at("2022-07-01T10:00:00Z");
    let made = runs::make(&announcer, now).await.unwrap();
    assert!(made.new);
    let Run {
        index, run: said, ..
    } = made.run.unwrap();
    assert_eq!((index, said.stands_on.size), (23, 12));
    // Four summaries and two keys, stated after them.
    let inputs: Vec<u64> = said.stands_on.inputs.leaves().collect();
    assert_eq!(inputs, [0, 1, 2, 3, 9, 10]);
    assert!(!runs::make(&announcer, now).await.unwrap().new);
    let report = run(&mut store.snapshot().await.unwrap()).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.figures, Measure::ALL.len() as u64);
    // Another measure's figures, and a month that was altered under them.
    for sql in [
        "UPDATE own_statement SET envelope = (SELECT envelope FROM own_statement WHERE leaf = 13) WHERE leaf = 12",
        "UPDATE node_month SET cumulative = (SELECT cumulative FROM node_month WHERE seq = 3) WHERE seq = 2 AND node = 'black-country'",
        "UPDATE node_month SET cumulative = x'00' WHERE seq = 2 AND node = 'black-country'",
    ] {
        let mut snapshot = store.damaged(sql).await;
        let report = run(&mut snapshot).await;
        assert!(!report.findings.is_empty(), "{sql}");
    }
    let sound = runs::finding(&store, &said.findings[0]).await.unwrap();
    for (number, lie) in LIES.into_iter().enumerate() {
        let mut finding = sound.clone();
        lie(&mut finding);
        let size = store.size().await.unwrap();
        state(&store, &signer, &finding, Digest::ZERO).await;
        let report = run(&mut store.snapshot().await.unwrap()).await;
        let found: Vec<(Rule, &str)> = (report.findings.iter())
            .map(|f| (f.rule, f.row.as_str()))
            .collect();
        assert!(
            found.contains(&(Rule::Finding, &size.to_string())),
            "{number}: {found:?}"
        );
        assert_eq!(found.len(), number + 1, "{found:?}");
    }
    let size = store.size().await.unwrap();
    state(&store, &signer, &sound, Digest::of(b"another")).await;
    let report = run(&mut store.snapshot().await.unwrap()).await;
    let last = report
        .findings
        .iter()
        .find(|f| f.row == (size + 1).to_string());
    assert_eq!(last.map(|f| f.rule), Some(Rule::Finding));
}
