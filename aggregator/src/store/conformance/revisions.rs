//! Withdrawals and corrections: what goes, what stays, what comes back, and that figures and fsck follow.

use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_protocol::summary::LearningSummary;

use super::fsck::{log_it, received, run, signer, sound};
use crate::announce::{Act, Announcer};
use crate::benchmark::{Benchmarks, Measure, Snapshot};
use crate::receive::tests::practice::entry;
use crate::store::failing::Faults;
use crate::store::{Backend, Library, Log, PracticeFilter, Reader, RevisionRow, Rollups, Span};
use crate::testing::{Sim, admit, at};

const WHY: &str = "Published before the area had agreed to it.";

/// What a node published, so that it can be named and brought again.
struct Area {
    sim: Sim,
    /// Identity and summary by number.
    sent: BTreeMap<u64, (Digest, Option<LearningSummary>, Option<Period>)>,
}

impl Area {
    async fn new(store: &Backend, number: usize) -> Self {
        let sim = Sim::new(number);
        admit(store, &sim).await;
        Self {
            sim,
            sent: BTreeMap::new(),
        }
    }

    async fn summary(&mut self, store: &Backend) -> u64 {
        let (summary, period) = (self.sim.summary(20), self.sim.next);
        self.sim.next = period.next().unwrap();
        let kind = Kind::LearningSummary;
        let pae = log_it(store, &mut self.sim, kind, Some(period), &summary).await;
        self.sent
            .insert(self.sim.seq, (pae, Some(summary), Some(period)));
        self.sim.seq
    }

    async fn entry(&mut self, store: &Backend, title: &str, older: Option<u64>) -> u64 {
        let mut new = entry(self.sim.lep.as_str());
        new.title = title.to_owned();
        new.supersedes = older.map(|seq| self.sent[&seq].0);
        let pae = log_it(store, &mut self.sim, Kind::PracticeEntry, None, &new).await;
        self.sent.insert(self.sim.seq, (pae, None, None));
        self.sim.seq
    }

    fn named(&self, seq: u64) -> Named {
        Named {
            seq,
            pae: self.sent[&seq].0,
        }
    }

    fn withdrawal(&self, seq: u64) -> Withdrawal {
        let cells = self.sent[&seq].1.as_ref();
        Withdrawal {
            statement: self.named(seq),
            reason: WHY.to_owned(),
            cells: cells.map(LearningSummary::cells_digest),
        }
    }

    fn correction(&self, seq: u64) -> (Correction, Option<Period>) {
        let (_, summary, period) = self.sent[&seq].clone();
        let correction = Correction {
            supersedes: self.named(seq),
            reason: "The area has agreed to it now.".to_owned(),
            summary: summary.unwrap(),
        };
        (correction, period)
    }

    async fn withdraw(&mut self, store: &Backend, seq: u64) -> u64 {
        let payload = self.withdrawal(seq);
        log_it(store, &mut self.sim, Kind::Withdrawal, None, payload).await;
        self.sim.seq
    }

    async fn reissue(&mut self, store: &Backend, seq: u64) -> u64 {
        let (payload, period) = self.correction(seq);
        let summary = payload.summary.clone();
        let pae = log_it(store, &mut self.sim, Kind::Correction, period, payload).await;
        self.sent.insert(self.sim.seq, (pae, Some(summary), period));
        self.sim.seq
    }

    /// Why a statement at the node's next place is refused.
    async fn refused<P: serde::Serialize>(
        &mut self,
        store: &Backend,
        (kind, period): (Kind, Option<Period>),
        payload: P,
    ) -> String {
        let sealed = self.sim.seal(kind, period, payload);
        self.sim.seq += 1;
        let outcome = received(store, &self.sim, &sealed).await;
        self.sim.seq -= 1;
        outcome.unwrap_err().code
    }

    /// Months of the node by whether they count.
    async fn counts(&self, store: &Backend) -> Vec<bool> {
        let history = store.history(&self.sim.slug, Standard::current()).await;
        history.unwrap().iter().map(|m| m.counts()).collect()
    }
}

/// While a snapshot is read, what it stands on is withdrawn and new months come: each month is in it once, and it is that of its name.
pub(crate) async fn a_snapshot_is_of_one_state(open: impl AsyncFn() -> Backend) {
    for method in ["contributions", "months"] {
        let store = open().await;
        let (mut one, mut two) = (Area::new(&store, 0).await, Area::new(&store, 1).await);
        for _ in 0..2 {
            one.summary(&store).await;
            two.summary(&store).await;
        }
        let faults = Faults::default();
        let held = store.clone().failing(&faults);
        let follower = Benchmarks::default();
        follower.load(&held).await.unwrap();
        one.withdraw(&store, 2).await;
        let gate = faults.hold(method);
        let meanwhile = async {
            gate.reached().await;
            one.reissue(&store, 2).await;
            one.summary(&store).await;
            two.withdraw(&store, 2).await;
            gate.open();
        };
        let (read, ()) = tokio::join!(follower.load(&held), meanwhile);
        let size = store.size().await.unwrap();
        assert_eq!(read.unwrap().size(), size, "{method}");
        let gate = faults.hold(method);
        one.withdraw(&store, 4).await;
        one.reissue(&store, 4).await;
        let meanwhile = async {
            gate.reached().await;
            one.summary(&store).await;
            gate.open();
        };
        let (read, ()) = tokio::join!(follower.load(&held), meanwhile);
        // Nothing was taken back meanwhile: the state asked for can still be read, and the new month is not of it.
        assert_eq!(read.unwrap().size(), size + 2, "{method}");
        one.summary(&store).await;
        same_as_anew(&held, &follower).await;
    }
}

type Sums = BTreeMap<(Period, String), Vec<i64>>;

/// National sums, without those that are nought.
async fn sums(store: &Backend) -> Sums {
    let sums = store.national().await.unwrap().into_iter();
    let sums = sums.filter(|n| n.cells.iter().any(|c| *c != 0));
    sums.map(|n| ((n.period, n.part), n.cells)).collect()
}

/// fsck finds nothing, and what follows the log shows what reading it from its beginning shows.
async fn holds(store: &Backend, follower: &Benchmarks) {
    sound(store).await;
    same_as_anew(store, follower).await;
}

/// What follows the log shows what reading it from its beginning shows.
async fn same_as_anew(store: &Backend, follower: &Benchmarks) {
    let (followed, anew) = (
        follower.load(store).await.unwrap(),
        Benchmarks::default().load(store).await.unwrap(),
    );
    assert_eq!(followed.national(), anew.national());
    assert_eq!(followed.range(), anew.range());
    assert_eq!(followed.coverage(), anew.coverage());
    assert_eq!(followed.regions(), anew.regions());
    for (one, other) in followed.leps().iter().zip(anew.leps()) {
        assert_eq!(one, other);
        let code = one.place.code.parse().unwrap();
        assert_eq!(followed.releases(&code), anew.releases(&code));
        let trends = |s: &Snapshot| s.lep_trend(&code, Measure::Starts).to_vec();
        assert_eq!(trends(&followed), trends(&anew));
    }
}

pub(crate) async fn revisions_conform(open: impl AsyncFn() -> Backend) {
    let (store, twin) = (open().await, open().await);
    let follower = Benchmarks::default();
    let (mut one, mut two) = (Area::new(&store, 0).await, Area::new(&store, 1).await);
    let mut same = (Area::new(&twin, 0).await, Area::new(&twin, 1).await);
    let signer = signer();
    let act = Act {
        by: "op",
        at: at("2022-06-03T10:00:00Z"),
    };
    Announcer::new(&store, &signer, Standard::current())
        .settle(act.at)
        .await
        .unwrap();
    for _ in 0..3 {
        one.summary(&store).await;
        same.0.summary(&twin).await;
        two.summary(&store).await;
        same.1.summary(&twin).await;
    }
    holds(&store, &follower).await;
    let whole = sums(&store).await;
    assert_eq!(whole, sums(&twin).await);

    months_go_and_come_back(&store, &follower, (&mut one, &mut two), whole).await;
    // A month behind the withdrawn one, that counts with it once it is back.
    one.withdraw(&store, 5).await;
    one.summary(&store).await;
    same.0.summary(&twin).await;
    assert_eq!(one.counts(&store).await, [true, false, false, false]);
    holds(&store, &follower).await;
    one.reissue(&store, 5).await;
    assert_eq!(one.counts(&store).await, [true; 4]);
    holds(&store, &follower).await;
    assert_eq!(sums(&store).await, sums(&twin).await);
    two.withdraw(&store, 1).await;
    assert_eq!(two.counts(&store).await, [false; 3]);
    holds(&store, &follower).await;

    entries_go(&store, &mut one).await;
    holds(&store, &follower).await;
    faults_are_found(&store).await;
}

async fn months_go_and_come_back(
    store: &Backend,
    follower: &Benchmarks,
    (one, two): (&mut Area, &mut Area),
    whole: Sums,
) {
    let february = Kind::LearningSummary;
    assert_eq!(one.withdraw(store, 2).await, 4);
    let gone = store.statement(&one.sim.slug, 2).await.unwrap().unwrap();
    let by = store.statement(&one.sim.slug, 4).await.unwrap().unwrap();
    assert_eq!(gone.kind, february);
    assert_eq!((gone.envelope.len(), gone.withdrawn), (0, Some(by.index)));
    assert_eq!(gone.pae, one.sent[&2].0);
    assert_eq!(one.counts(store).await, [true, false, false]);
    assert_eq!(two.counts(store).await, [true; 3]);
    assert_eq!(store.month(gone.pae).await.unwrap(), None);
    let kept = sums(store).await;
    assert!(kept != whole && kept.len() == whole.len());
    let row = store.revision(by.index).await.unwrap().unwrap();
    let cells = one.sent[&2].1.as_ref().unwrap().cells_digest();
    let month = Some((Standard::current(), one.sent[&2].2.unwrap(), cells));
    let expected = RevisionRow {
        index: by.index,
        node: one.sim.slug.clone(),
        seq: 4,
        kind: Kind::Withdrawal,
        received: by.received,
        withdrawn: None,
        target: gone.index,
        target_seq: 2,
        target_kind: february,
        month,
        reason: Some(WHY.to_owned()),
    };
    assert_eq!(row, expected);
    holds(store, follower).await;

    what_does_not_fit_is_refused(store, one).await;

    assert_eq!(one.reissue(store, 2).await, 5);
    assert_eq!(sums(store).await, whole, "back to the last cell");
    assert_eq!(one.counts(store).await, [true; 3]);
    holds(store, follower).await;
    // Who cites the withdrawn statement finds the month that stands in its place.
    let cited = store.month(gone.pae).await.unwrap().unwrap();
    assert_eq!((cited.seq, Some(cited.period)), (5, one.sent[&2].2));
    let all = store.revisions(None, Span::Newest, 9).await.unwrap();
    assert_eq!(all.iter().map(|r| r.seq).collect::<Vec<_>>(), [5, 4]);
    let none = store.revisions(Some(&two.sim.slug), Span::Newest, 9).await;
    assert_eq!(none.unwrap(), []);
    let named = store.revised(0..by.index + 1).await.unwrap();
    assert!(named.len() == 1 && named.contains(&one.sim.slug));
    assert!(store.revised(0..by.index).await.unwrap().is_empty());
}

/// What a receiver says of withdrawals and corrections that do not fit; statement 2 is withdrawn, 1 and 3 stand.
async fn what_does_not_fit_is_refused(store: &Backend, one: &mut Area) {
    let of = (Kind::Withdrawal, None);
    let again = one.withdrawal(2);
    assert_eq!(one.refused(store, of, again).await, "withdrawal");
    for change in 0..4 {
        let mut other = one.withdrawal(3);
        match change {
            0 => other.cells = None,
            1 => other.cells = Some(Digest::of(b"other")),
            2 => other.statement.pae = Digest::of(b"other"),
            _ => other.statement.seq = 5,
        }
        assert_eq!(
            one.refused(store, of, other).await,
            "withdrawal",
            "{change}"
        );
    }
    let mut stays = one.withdrawal(3);
    let by = store.statement(&one.sim.slug, 4).await.unwrap().unwrap();
    stays.statement = Named {
        seq: 4,
        pae: by.pae,
    };
    assert_eq!(one.refused(store, of, stays).await, "withdrawal");

    let (right, period) = one.correction(2);
    let of = |period| (Kind::Correction, period);
    for change in 0..5 {
        let (mut other, mut month) = (right.clone(), period);
        match change {
            0 => (other, month) = one.correction(3),
            1 => month = one.sent[&3].2,
            2 => other.summary.noise.month = 3,
            3 => other.summary.noise.epoch = 2,
            _ => other.summary.pledges = vec!["acme-2022".parse().unwrap()],
        }
        let code = one.refused(store, of(month), other).await;
        assert_eq!(code, "correction", "{change}");
    }
    let mut redrawn = right.clone();
    redrawn.summary.tables[0].cells[0] += 1;
    assert_eq!(one.refused(store, of(period), redrawn).await, "redraw");
    let mut drawn_again = right;
    drawn_again.summary = one.correction(1).0.summary;
    drawn_again.summary.noise.month = 2;
    let code = one.refused(store, of(period), drawn_again).await;
    assert_eq!(code, "redraw");
}

async fn entries_go(store: &Backend, one: &mut Area) {
    let titles = async || -> Vec<String> {
        let all = PracticeFilter::all(Reader::Peer);
        let found = store.entries(&all).await.unwrap();
        assert_eq!(store.number(&all).await.unwrap(), found.len() as u64);
        found.into_iter().map(|e| e.entry.title).collect()
    };
    let first = one.entry(store, "first", None).await;
    let second = one.entry(store, "second", Some(first)).await;
    let third = one.entry(store, "third", Some(first)).await;
    assert_eq!(titles().await, ["third", "second"]);
    one.withdraw(store, second).await;
    assert_eq!(
        titles().await,
        ["third"],
        "another entry replaces the first"
    );
    one.withdraw(store, third).await;
    assert_eq!(titles().await, ["first"], "it stands again");
    one.withdraw(store, first).await;
    assert_eq!(titles().await, [""; 0]);
    let entry = store.entry(&one.sim.slug, first).await.unwrap();
    assert_eq!(entry, None);
    // A newer version is an entry, not a correction.
    let mut correction = one.correction(1).0;
    correction.supersedes = one.named(first);
    let of = (Kind::Correction, one.sent[&1].2);
    assert_eq!(one.refused(store, of, correction).await, "correction");
}

/// Each planted alone: where fsck must find it.
const FAULTS: &[(&str, (&str, &str))] = &[
    (
        "UPDATE statement SET withdrawn = NULL WHERE withdrawn IS NOT NULL AND kind = 'practice-entry' AND seq = (SELECT max(seq) FROM statement WHERE kind = 'practice-entry')",
        ("statement", "withdrawn"),
    ),
    (
        "UPDATE statement SET envelope = (SELECT envelope FROM statement ORDER BY leaf LIMIT 1) WHERE withdrawn IS NOT NULL AND kind = 'correction'",
        ("statement", "envelope"),
    ),
    (
        "UPDATE statement SET envelope = x'', withdrawn = 9 WHERE seq = 3 AND node = 'solent'",
        ("statement", "withdrawn"),
    ),
    (
        "UPDATE statement SET withdrawn = withdrawn + 1 WHERE withdrawn IS NOT NULL AND kind = 'practice-entry'",
        ("statement", "withdrawn"),
    ),
    (
        "UPDATE revision SET reason = 'None.' WHERE leaf = (SELECT max(leaf) FROM revision)",
        ("revision", "reason"),
    ),
    (
        "UPDATE revision SET reason = 'None.' WHERE reason IS NULL",
        ("revision", "reason"),
    ),
    (
        "UPDATE revision SET target = (SELECT min(leaf) FROM statement) WHERE leaf = (SELECT max(leaf) FROM revision)",
        ("revision", "target"),
    ),
    (
        "UPDATE revision SET cells = other.pae FROM statement AS other WHERE other.leaf = (SELECT min(leaf) FROM statement) AND revision.period = '2022-02'",
        ("revision", "cells"),
    ),
    ("DELETE FROM revision", ("revision", "leaf")),
    (
        "UPDATE node_month SET drawn = NULL WHERE node = 'black-country' AND period = '2022-02'",
        ("node_month", "drawn"),
    ),
    (
        "UPDATE node_month SET cumulative = (SELECT published FROM node_month AS o WHERE o.node = 'black-country' AND o.period = '2022-01') WHERE node = 'solent' AND period = '2022-02'",
        ("node_month", "cumulative"),
    ),
];

async fn faults_are_found(store: &Backend) {
    for (sql, place) in FAULTS {
        let report = run(&mut store.damaged(sql).await).await;
        let found = report.findings.iter();
        assert!(
            found.clone().any(|f| (f.table, f.column) == *place),
            "{sql}: {:#?}",
            report.findings
        );
    }
    let report = sound(store).await;
    assert_eq!(report.withdrawn, 6);
}
