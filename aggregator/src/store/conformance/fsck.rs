use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::problem::Problem;
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;

use crate::announce::{Act, Announcer};
use crate::fsck::{Finding, Ground, Report, fsck};
use crate::log::Signer;
use crate::receive::tests::practice::entry;
use crate::store::{Backend, Equivocation, Log, NewStatement, Registry, Rollups, Snapshot};
use crate::testing::{ORIGIN, Sim, admit, at};
use crate::verify::{Address, Authentic, Known};

/// A fault, planted where `plan` says, and where it must be found: table and column.
type Fault = (&'static str, (&'static str, &'static str));

/// Every statement of SQL is known to both databases; bytes are written as SQLite does. Leaves: black-country has 0, 2, 3 (summaries), 4 and
/// 5 (entries, the second in place of the first); solent has 1 (summary) and 6 (entry); 7 and 8 are
/// the log's standards, 9 and 10 add the nodes' keys, 11 revokes solent's.
const FAULTS: [Fault; 73] = [
    // Signature and digest.
    (
        "UPDATE statement SET envelope = (SELECT envelope FROM statement WHERE leaf = 1) WHERE leaf = 0",
        ("statement", "envelope"),
    ),
    (
        "UPDATE statement SET envelope = x'7b7d' WHERE leaf = 6",
        ("statement", "envelope"),
    ),
    (
        "UPDATE statement SET pae = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE leaf = 2",
        ("statement", "pae"),
    ),
    (
        "UPDATE statement SET pae = x'00' WHERE leaf = 2",
        ("statement", "pae"),
    ),
    (
        "UPDATE node SET public_key = (SELECT public_key FROM node WHERE name = 'solent') WHERE name = 'black-country'",
        ("statement", "envelope"),
    ),
    (
        "UPDATE node SET public_key = x'0000000000000000000000000000000000000000000000000000000000000000' WHERE name = 'solent'",
        ("node", "public_key"),
    ),
    (
        "UPDATE node SET state = 'pending' WHERE name = 'black-country'",
        ("node", "state"),
    ),
    // Body against row.
    (
        "UPDATE statement SET kind = 'practice-entry' WHERE leaf = 3",
        ("statement", "kind"),
    ),
    (
        "UPDATE statement SET kind = 'poem' WHERE leaf = 3",
        ("statement", "kind"),
    ),
    (
        "UPDATE statement SET period = '2031-01' WHERE leaf = 3",
        ("statement", "period"),
    ),
    (
        "UPDATE statement SET key_id = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE leaf = 3",
        ("statement", "key_id"),
    ),
    (
        "UPDATE statement SET node = 'solent', seq = 9 WHERE leaf = 5",
        ("statement", "envelope"),
    ),
    (
        "UPDATE statement SET received = 0 WHERE leaf = 2",
        ("statement_tally", "first"),
    ),
    // Sequence, chain, heads.
    (
        "UPDATE statement SET seq = 7 WHERE leaf = 5",
        ("statement", "envelope"),
    ),
    ("DELETE FROM statement WHERE leaf = 2", ("statement", "seq")),
    (
        "UPDATE node SET head_seq = 6 WHERE name = 'black-country'",
        ("node", "head_seq"),
    ),
    (
        "UPDATE node SET head_pae = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE name = 'solent'",
        ("node", "head_pae"),
    ),
    ("DELETE FROM statement WHERE leaf = 6", ("node", "head_seq")),
    // The tree and the log's own statements.
    (
        "UPDATE log_entry SET entries = (SELECT entries FROM log_entry WHERE first = 1) WHERE first = 0",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE log_entry SET entries = x'00' WHERE first = 6",
        ("log_entry", "entries"),
    ),
    (
        "DELETE FROM log_entry WHERE first = 3",
        ("log_entry", "first"),
    ),
    (
        "UPDATE log_entry SET first = 40 WHERE first = 11",
        ("log_entry", "first"),
    ),
    (
        "DELETE FROM log_entry WHERE first = 11",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE log_head SET edge = x'00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'",
        ("log_head", "edge"),
    ),
    ("UPDATE log_head SET edge = x'00'", ("log_head", "edge")),
    ("UPDATE log_head SET size = 10", ("log_head", "size")),
    (
        "UPDATE log_head SET checkpoint = NULL",
        ("log_head", "checkpoint"),
    ),
    (
        "UPDATE log_head SET checkpoint = replace(checkpoint, 'log.example', 'log.exomple')",
        ("log_head", "checkpoint"),
    ),
    ("DELETE FROM log_head", ("log_head", "id")),
    (
        "UPDATE statement SET leaf = 70 WHERE leaf = 6",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE own_statement SET leaf = 6 WHERE leaf = 8",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE own_statement SET envelope = (SELECT envelope FROM statement WHERE leaf = 0) WHERE leaf = 7",
        ("own_statement", "envelope"),
    ),
    (
        "UPDATE own_statement SET pae = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE leaf = 7",
        ("own_statement", "pae"),
    ),
    (
        "UPDATE own_statement SET pae = x'0000000000000000000000000000000000000000000000000000000000000002' WHERE leaf = 7",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE statement SET seq = 0 WHERE leaf = 5",
        ("log_entry", "entries"),
    ),
    (
        "UPDATE own_statement SET key_id = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE leaf = 7",
        ("own_statement", "key_id"),
    ),
    (
        "UPDATE own_statement SET seq = 9 WHERE leaf = 8",
        ("own_statement", "seq"),
    ),
    (
        "DELETE FROM own_statement WHERE leaf = 7",
        ("own_statement", "seq"),
    ),
    (
        "UPDATE own_statement SET kind = 'learning-summary' WHERE leaf = 7",
        ("own_statement", "kind"),
    ),
    (
        "UPDATE node SET revoked = 3 WHERE name = 'black-country'",
        ("node", "revoked"),
    ),
    (
        "UPDATE node SET revoked = NULL WHERE name = 'solent'",
        ("node", "revoked"),
    ),
    (
        "UPDATE node SET added = 3 WHERE name = 'black-country'",
        ("node", "added"),
    ),
    (
        "UPDATE node SET lep = 'E37000005' WHERE name = 'solent'",
        ("node", "lep"),
    ),
    (
        "UPDATE node SET approved_by = 'mallory' WHERE name = 'solent'",
        ("node", "approved_by"),
    ),
    (
        "DELETE FROM own_statement WHERE leaf = 9",
        ("node", "added"),
    ),
    (
        "UPDATE own_statement SET leaf = 0 WHERE leaf = 11",
        ("own_statement", "envelope"),
    ),
    (
        "UPDATE statement SET leaf = 12 WHERE leaf = 6",
        ("statement", "key_id"),
    ),
    // Figures.
    (
        "UPDATE node_month SET cumulative = published WHERE node = 'solent'",
        ("node_month", "cumulative"),
    ),
    (
        "UPDATE node_month SET published = cumulative WHERE node = 'black-country' AND period = '2022-02'",
        ("node_month", "published"),
    ),
    (
        "UPDATE node_month SET cumulative = x'00' WHERE node = 'solent'",
        ("node_month", "cumulative"),
    ),
    (
        "UPDATE node_month SET rho_micro = 400000 WHERE node = 'solent'",
        ("node_month", "rho_micro"),
    ),
    (
        "UPDATE node_month SET month = 9 WHERE node = 'solent'",
        ("node_month", "month"),
    ),
    (
        "UPDATE node_month SET epoch = 2 WHERE node = 'solent'",
        ("node_month", "epoch"),
    ),
    (
        "UPDATE node_month SET seq = 2 WHERE node = 'solent'",
        ("node_month", "seq"),
    ),
    (
        "UPDATE node_month SET period = '2031-01' WHERE node = 'solent'",
        ("node_month", "period"),
    ),
    (
        "DELETE FROM node_month WHERE node = 'black-country' AND period = '2022-02'",
        ("node_month", "period"),
    ),
    (
        "UPDATE national_month SET cells = (SELECT cells FROM national_month WHERE period = '2022-02' AND part = '') WHERE period = '2022-01' AND part = ''",
        ("national_month", "cells"),
    ),
    (
        "DELETE FROM national_month WHERE period = '2022-03' AND part = ''",
        ("national_month", "period"),
    ),
    (
        "UPDATE national_month SET part = 'made-up' WHERE period = '2022-03' AND part = 'none'",
        ("national_month", "period"),
    ),
    // Library.
    (
        "UPDATE practice SET node = 'elsewhere' WHERE leaf = 4",
        ("practice", "node"),
    ),
    (
        "UPDATE practice SET tier = 'advanced' WHERE leaf = 4",
        ("practice", "tier"),
    ),
    (
        "UPDATE practice SET verdict = 'mixed' WHERE leaf = 6",
        ("practice", "verdict"),
    ),
    (
        "UPDATE practice SET public_from = '0000-01-01' WHERE leaf = 4",
        ("practice", "public_from"),
    ),
    (
        "UPDATE practice SET supersedes = x'0000000000000000000000000000000000000000000000000000000000000001' WHERE leaf = 4",
        ("practice", "supersedes"),
    ),
    (
        "UPDATE practice SET superseded_by = NULL WHERE leaf = 4",
        ("practice", "superseded_by"),
    ),
    (
        "UPDATE practice SET superseded_by = 5 WHERE leaf = 6",
        ("practice", "superseded_by"),
    ),
    ("DELETE FROM practice WHERE leaf = 6", ("practice", "leaf")),
    (
        "UPDATE practice_cause SET factor = 'weather' WHERE leaf = 4 AND factor = 'timing'",
        ("practice_cause", "factor"),
    ),
    // Tallies and evidence.
    (
        "UPDATE statement_tally SET statements = 9 WHERE node = 'solent' AND kind = 'practice-entry'",
        ("statement_tally", "statements"),
    ),
    (
        "DELETE FROM statement_tally WHERE node = 'solent' AND kind = 'learning-summary'",
        ("statement_tally", "statements"),
    ),
    (
        "UPDATE equivocation SET logged_pae = pae",
        ("equivocation", "logged_pae"),
    ),
    (
        "UPDATE equivocation SET envelope = (SELECT envelope FROM statement WHERE leaf = 6)",
        ("equivocation", "pae"),
    ),
    (
        "UPDATE equivocation SET envelope = (SELECT envelope FROM statement WHERE leaf = 1)",
        ("equivocation", "envelope"),
    ),
];

pub(super) fn signer() -> Signer {
    Signer::new(ed25519_dalek::SigningKey::from_bytes(&[99; 32]), ORIGIN).unwrap()
}

fn sign(size: u64, root: Digest) -> String {
    signer().checkpoint(size, root)
}

/// As the statement is received.
pub(super) async fn received(
    store: &Backend,
    sim: &Sim,
    sealed: &Sealed,
) -> Result<NewStatement, Problem> {
    let address = Address {
        node: sim.slug.clone(),
        seq: sim.seq,
    };
    let node = store.node(&sim.slug).await.unwrap().unwrap();
    let unverified = Unverified::parse(sealed.envelope()).unwrap();
    let authentic = Authentic::new(unverified, &address, node, ORIGIN).unwrap();
    let history = store.history(&sim.slug, authentic.standard().unwrap());
    let history = history.await.unwrap();
    let asked = crate::log::asked(store, &authentic).await.unwrap();
    let known = Known {
        history: &history,
        asked: asked.as_ref(),
        published: crate::log::published(store, &authentic).await.unwrap(),
        target: crate::log::new_target(store, &authentic).await.unwrap(),
    };
    let now = at("2022-06-01T10:00:00Z") + jiff::SignedDuration::from_secs(sim.seq as i64);
    Ok(authentic.accept(known, now)?.into_new())
}

pub(super) async fn log_it(
    store: &Backend,
    sim: &mut Sim,
    kind: Kind,
    period: Option<Period>,
    payload: impl serde::Serialize,
) -> Digest {
    let sealed = sim.seal(kind, period, payload);
    sim.advance(&sealed);
    let new = received(store, sim, &sealed).await.unwrap();
    store.append(&[new], &sign).await.unwrap();
    sealed.pae()
}

/// Finds nothing in the present moment.
pub(super) async fn sound(store: &Backend) -> Report {
    let report = run(&mut store.snapshot().await.unwrap()).await;
    assert_eq!(report.findings, []);
    report
}

pub(super) async fn summary(store: &Backend, sim: &mut Sim) {
    let (payload, period) = (sim.summary(20), sim.next);
    sim.next = period.next().unwrap();
    log_it(store, sim, Kind::LearningSummary, Some(period), payload).await;
}

/// A log with everything in it that can be damaged.
pub(super) async fn fill(store: &Backend) {
    let (mut one, mut two) = (Sim::new(0), Sim::new(1));
    for sim in [&one, &two] {
        admit(store, sim).await;
    }
    summary(store, &mut one).await;
    summary(store, &mut two).await;
    summary(store, &mut one).await;
    summary(store, &mut one).await;
    let first = log_it(
        store,
        &mut one,
        Kind::PracticeEntry,
        None,
        entry("E37000001"),
    )
    .await;
    let mut newer = entry("E37000001");
    newer.supersedes = Some(first);
    log_it(store, &mut one, Kind::PracticeEntry, None, newer).await;
    let mut loose = entry("E37000055");
    loose.title = "Another one for the same place".into();
    let refused = two.seal(Kind::PracticeEntry, None, loose);
    let logged = log_it(
        store,
        &mut two,
        Kind::PracticeEntry,
        None,
        entry("E37000055"),
    )
    .await;
    let proof = Equivocation {
        node: two.slug.clone(),
        seq: two.seq,
        logged,
        refused: refused.pae(),
        envelope: refused.envelope().to_vec(),
        received: at("2022-06-02T10:00:00Z"),
    };
    store.keep_evidence(&proof).await.unwrap();
    let (signer, act) = (
        signer(),
        Act {
            by: "op",
            at: at("2022-06-03T10:00:00Z"),
        },
    );
    let announcer = Announcer::new(store, &signer, Standard::current());
    announcer.settle(act.at).await.unwrap();
    let revoked = announcer
        .revoke(&two.slug, "The disk was stolen.", act)
        .await;
    assert_eq!(revoked.unwrap().index, 11);
}

pub(super) async fn run(snapshot: &mut Snapshot) -> Report {
    let signer = signer();
    let ground = Ground {
        log: signer.verifier(),
    };
    let mut told = 0;
    let report = fsck(snapshot, ground, &mut |done, _| told = done)
        .await
        .unwrap();
    assert_eq!(told, report.statements);
    report
}

/// What is sound is found sound; each fault, planted alone, is found where it is.
pub(crate) async fn fsck_conforms(store: Backend) {
    assert!(run(&mut store.snapshot().await.unwrap()).await.is_sound());
    fill(&store).await;
    let report = run(&mut store.snapshot().await.unwrap()).await;
    assert_eq!(report.findings, []);
    let counts = (
        report.leaves,
        report.own,
        report.nodes,
        report.statements,
        report.months,
        report.entries,
        report.evidence,
    );
    assert_eq!(counts, (12, 5, 2, 7, 4, 3, 1));
    for (sql, place) in FAULTS {
        // Never committed: the next fault finds the log as it was.
        let mut snapshot = store.damaged(sql).await;
        let report = run(&mut snapshot).await;
        let found = |f: &Finding| (f.table, f.column) == place;
        assert!(
            report.findings.iter().any(found),
            "{sql}: {:#?}",
            report.findings
        );
        assert!(
            report
                .findings
                .iter()
                .all(|f| !f.next.is_empty() && !f.what.is_empty() && !f.row.is_empty())
        );
    }
    assert!(run(&mut store.snapshot().await.unwrap()).await.is_sound());
}
