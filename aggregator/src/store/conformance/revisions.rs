//! Withdrawals and corrections: what goes, what stays, what comes back, and that figures and fsck follow.

use std::collections::BTreeMap;

use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::Kind;
use ldsp_protocol::summary::LearningSummary;

use super::fsck::{log_it, received, run, signer, sound};
use crate::announce::{Act, Announcer};
use crate::benchmark::{Benchmarks, Measure, Snapshot};
use crate::log::compare;
use crate::receive::tests::practice::entry;
use crate::store::failing::Faults;
use crate::store::{
    Backend, Library, Log, PracticeFilter, Reader, Registry as _, RevisionRow, Rollups, Span,
};
use crate::testing::{ORIGIN, Sim, admit, at};
use crate::verify::{Address, Authentic, parse};

const WHY: &str = "Published before the area had agreed to it.";

/// What a node published, so that it can be named and brought again.
pub(crate) struct Area {
    sim: Sim,
    /// Identity and summary by number.
    sent: BTreeMap<u64, (Digest, Option<LearningSummary>, Option<Period>)>,
}

impl Area {
    pub(crate) async fn new(store: &Backend, number: usize) -> Self {
        let sim = Sim::new(number);
        admit(store, &sim).await;
        Self {
            sim,
            sent: BTreeMap::new(),
        }
    }

    pub(crate) async fn summary(&mut self, store: &Backend) -> u64 {
        let (summary, period) = (self.sim.summary(20), self.sim.next);
        self.sim.next = period.next().unwrap();
        let kind = Kind::LearningSummary;
        let pae = log_it(store, &mut self.sim, kind, Some(period), &summary).await;
        self.sent
            .insert(self.sim.seq, (pae, Some(summary), Some(period)));
        self.sim.seq
    }

    pub(crate) async fn entry(&mut self, store: &Backend, title: &str, older: Option<u64>) -> u64 {
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

    /// A summary that was published, as a node would say it another time.
    pub(crate) fn again(&self, seq: u64) -> (Kind, Option<Period>, LearningSummary) {
        let (_, summary, period) = self.sent[&seq].clone();
        (Kind::LearningSummary, period, summary.unwrap())
    }

    pub(crate) async fn withdraw(&mut self, store: &Backend, seq: u64) -> u64 {
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

    /// Signs a second statement for a place, which is refused and kept.
    pub(crate) async fn contradicts<P: serde::Serialize>(
        &mut self,
        store: &Backend,
        seq: u64,
        (kind, period, payload): (Kind, Option<Period>, P),
    ) {
        let (at, prev) = (self.sim.seq, self.sim.prev);
        (self.sim.seq, self.sim.prev) = (seq - 1, Digest::of(b"other"));
        let sealed = self.sim.seal(kind, period, payload);
        (self.sim.seq, self.sim.prev) = (at, prev);
        let address = Address {
            node: self.sim.slug.clone(),
            seq,
        };
        let node = store.node(&self.sim.slug).await.unwrap().unwrap();
        let unverified = parse(sealed.envelope()).unwrap();
        let authentic = Authentic::new(unverified, &address, node, ORIGIN).unwrap();
        let now = crate::testing::at("2022-06-02T10:00:00Z");
        let answer = compare(store, &authentic, now).await.unwrap().unwrap();
        assert_eq!(answer.unwrap_err().code, "equivocation");
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
        drawn: Some(Drawn { epoch: 1, month: 2 }),
        month,
        reason: Some(WHY.to_owned()),
    };
    assert_eq!(row, expected);
    assert_eq!(store.withheld(None).await.unwrap(), [expected]);
    let tally = store.tally().await.unwrap();
    let months = tally
        .iter()
        .find(|t| t.node == one.sim.slug && t.kind == february);
    assert_eq!(months.map(|t| (t.count, t.withdrawn)), Some((3, 1)));
    assert!(
        tally
            .iter()
            .all(|t| t.node == one.sim.slug || t.withdrawn == 0)
    );
    let other = store.withheld(Some(&two.sim.slug)).await.unwrap();
    assert_eq!(other, []);
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
    assert_eq!(store.withheld(None).await.unwrap(), []);
    let named = store.revised(0..by.index + 1).await.unwrap();
    assert!(named.len() == 1 && named.contains(&one.sim.slug));
    assert!(store.revised(0..by.index).await.unwrap().is_empty());
}

/// What is withdrawn is not kept as proof either, neither what was refused before nor what comes afterwards; what is other is.
pub(crate) async fn proofs_do_not_keep_what_was_withdrawn(store: Backend) {
    let (mut one, mut two) = (Area::new(&store, 0).await, Area::new(&store, 1).await);
    let signer = signer();
    let announcer = Announcer::new(&store, &signer, Standard::current());
    let now = at("2022-06-03T10:00:00Z");
    announcer.settle(now).await.unwrap();
    one.entry(&store, "It stays", None).await;
    let first = one.summary(&store).await;
    let entry_seq = one.entry(&store, "An entry", None).await;
    let second = one.summary(&store).await;
    let logged = store.statement(&one.sim.slug, first).await.unwrap();
    let logged = logged.unwrap();
    let mut told = entry(one.sim.lep.as_str());
    told.title = "An entry".to_owned();
    let summary = one.sent[&first].1.clone().unwrap();
    let mut other = summary.clone();
    other.tables[0].cells[0] += 1;
    let (kind, period) = (Kind::LearningSummary, one.sent[&first].2);
    // The same again, behind another statement or at another place, and another one.
    one.contradicts(&store, first, (kind, period, &summary))
        .await;
    one.contradicts(&store, entry_seq, (Kind::PracticeEntry, None, &told))
        .await;
    one.contradicts(&store, second, (kind, period, &other))
        .await;
    one.withdraw(&store, second).await;
    one.withdraw(&store, first).await;
    one.withdraw(&store, entry_seq).await;
    let kept = async |seq| {
        let proof = store.evidence(&logged.node, seq).await.unwrap();
        let proof = proof.unwrap();
        assert_ne!(proof.refused, proof.logged);
        !proof.envelope.is_empty()
    };
    assert!(!kept(first).await && !kept(entry_seq).await && kept(second).await);
    sound(&store).await;
    let (third, fourth) = (
        one.entry(&store, "Another", None).await,
        one.summary(&store).await,
    );
    one.withdraw(&store, third).await;
    one.withdraw(&store, fourth).await;
    told.title = "Another".to_owned();
    let (summary, period) = (one.sent[&fourth].1.clone().unwrap(), one.sent[&fourth].2);
    one.contradicts(&store, third, (Kind::PracticeEntry, None, &told))
        .await;
    one.contradicts(&store, fourth, (kind, period, &summary))
        .await;
    assert!(!kept(third).await && !kept(fourth).await);
    sound(&store).await;
    // Of a node that withdrew nothing the proof is whole.
    two.entry(&store, "It stays", None).await;
    let seq = two.summary(&store).await;
    let (summary, period) = (two.sent[&seq].1.clone().unwrap(), two.sent[&seq].2);
    two.contradicts(&store, seq, (kind, period, &summary)).await;
    sound(&store).await;
    let sql = "UPDATE equivocation SET envelope = x'' WHERE node = 'solent'";
    let report = run(&mut store.damaged(sql).await).await;
    let found = report.findings.iter();
    let found: Vec<_> = found.map(|f| (f.table, f.column)).collect();
    assert_eq!(found, [("equivocation", "envelope")]);
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
    // An entry's withdrawal is not one of figures.
    let leaf = store.leaf(&one.sim.slug, one.sim.seq).await.unwrap();
    let places = leaf.unwrap()..leaf.unwrap() + 1;
    assert!(store.revised(places).await.unwrap().is_empty());
    let open = store.withheld(None).await.unwrap();
    assert!(open.iter().all(|r| r.month.is_some()), "{open:?}");
    a_chain_keeps_its_middle(store, one).await;
    // A newer version is an entry, not a correction.
    let mut correction = one.correction(1).0;
    correction.supersedes = one.named(first);
    let of = (Kind::Correction, one.sent[&1].2);
    assert_eq!(one.refused(store, of, correction).await, "correction");
}

/// Without the middle of a chain the oldest version would stand again beside the newest.
async fn a_chain_keeps_its_middle(store: &Backend, one: &mut Area) {
    let stand = async || -> Vec<String> {
        let found = store.entries(&PracticeFilter::all(Reader::Peer)).await;
        found.unwrap().into_iter().map(|e| e.entry.title).collect()
    };
    let oldest = one.entry(store, "oldest", None).await;
    let middle = one.entry(store, "middle", Some(oldest)).await;
    let newest = one.entry(store, "newest", Some(middle)).await;
    let of = (Kind::Withdrawal, None);
    let refused = one.withdrawal(middle);
    assert_eq!(one.refused(store, of, refused).await, "withdrawal");
    assert_eq!(stand().await, ["newest"]);
    one.withdraw(store, oldest).await;
    one.withdraw(store, middle).await;
    assert_eq!(stand().await, ["newest"]);
    one.withdraw(store, newest).await;
    // From the newest on: each that it replaced stands again.
    let oldest = one.entry(store, "oldest", None).await;
    let middle = one.entry(store, "middle", Some(oldest)).await;
    let newest = one.entry(store, "newest", Some(middle)).await;
    for (seq, left) in [(newest, "middle"), (middle, "oldest")] {
        one.withdraw(store, seq).await;
        assert_eq!(stand().await, [left]);
    }
    one.withdraw(store, oldest).await;
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
    assert_eq!(report.withdrawn, 12);
}
