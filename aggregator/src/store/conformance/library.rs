use std::collections::BTreeMap;

use jiff::civil::date;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{Factor, Sharing, Verdict};

use super::{SIGN, damaged, entry};
use crate::receive::tests::practice::entry as sample;
use crate::store::{
    Library, LibraryEntry, Log, NewStatement, Placed, PracticeCounts, PracticeFilter, Reader,
    Registry, VERSIONS,
};
use crate::testing::{Sim, admit};

fn titles(entries: &[LibraryEntry]) -> Vec<&str> {
    entries.iter().map(|e| e.entry.title.as_str()).collect()
}

/// Filters, embargo, pages, supersession, damage.
pub(crate) async fn library_conforms<S: Library + Log + Registry>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let store = open().await;
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let mut sent = vec![];
    for (title, verdict, factor, sharing) in [
        ("one", Verdict::Failed, Factor::Timing, Sharing::Public),
        ("two", Verdict::Worked, Factor::Staff, Sharing::Public),
        (
            "three",
            Verdict::Worked,
            Factor::Timing,
            Sharing::PeersUntil(date(2022, 5, 1)),
        ),
    ] {
        let mut new = sample("E37000001");
        (new.title, new.verdict, new.causes[0].factor, new.sharing) =
            (title.into(), verdict, factor, sharing);
        let twice = new.causes[0].clone();
        new.causes.push(twice);
        sent.push(entry(&mut sim, new));
    }
    store.append(&sent, SIGN).await.unwrap();
    let list = async |filter: PracticeFilter| store.entries(&filter).await.unwrap();
    let peer = || PracticeFilter::all(Reader::Peer);
    assert_eq!(titles(&list(peer()).await), ["three", "two", "one"]);
    let before = PracticeFilter::all(Reader::Public(date(2022, 4, 30)));
    assert_eq!(titles(&list(before).await), ["two", "one"]);
    let from = PracticeFilter::all(Reader::Public(date(2022, 5, 1)));
    assert_eq!(titles(&list(from).await), ["three", "two", "one"]);
    let timing = PracticeFilter {
        cause: Some(Factor::Timing),
        ..peer()
    };
    assert_eq!(titles(&list(timing).await), ["three", "one"]);
    let worked = PracticeFilter {
        verdict: Some(Verdict::Worked),
        tier: Some("basic".into()),
        ..peer()
    };
    assert_eq!(titles(&list(worked).await), ["three", "two"]);
    let none = PracticeFilter {
        tier: Some("advanced".into()),
        ..peer()
    };
    assert_eq!(list(none).await, []);
    let page = list(PracticeFilter { limit: 2, ..peer() }).await;
    let rest = PracticeFilter {
        before: page.last().map(|e| e.index),
        ..peer()
    };
    assert_eq!(titles(&list(rest).await), ["one"]);

    let mut walked = vec![];
    let mut before = None;
    while let [entry] = list(PracticeFilter {
        limit: 1,
        before,
        ..peer()
    })
    .await
    .as_slice()
    {
        walked.push(entry.entry.title.clone());
        before = Some(entry.index);
    }
    assert_eq!(walked, ["three", "two", "one"]);
    counting(&store).await;
    let next_to = PracticeFilter {
        after: Some(0),
        limit: 1,
        ..peer()
    };
    assert_eq!(titles(&list(next_to).await), ["two"]);
    let above = PracticeFilter {
        after: Some(0),
        node: Some(sim.slug.clone()),
        ..peer()
    };
    assert_eq!(titles(&list(above).await), ["three", "two"]);
    let elsewhere = PracticeFilter {
        node: Some("elsewhere".parse().unwrap()),
        ..peer()
    };
    assert_eq!(list(elsewhere).await, []);

    superseding(&store, &mut sim, sent[0].pae).await;
    let found = store.cited(sent[1].pae).await.unwrap().unwrap();
    assert_eq!((found.seq, found.entry.title.as_str()), (2, "two"));
    assert_eq!(store.cited(Digest::ZERO).await.unwrap(), None);
    assert_eq!(store.entry(&sim.slug, 9_999).await.unwrap(), None);
    damage(
        &store,
        "UPDATE statement SET envelope = x'7b7d' WHERE leaf = 1",
    )
    .await;
    let entry = store.entry(&sim.slug, 2).await;
    damaged(entry, ("statement", "envelope", "1"));
}

/// Counts say what each choice would find, whatever page is read.
async fn counting<S: Library>(store: &S) {
    let counts = async |filter: PracticeFilter| {
        let counts = store.counts(&filter).await.unwrap();
        assert_eq!(store.number(&filter).await.unwrap(), counts.found);
        counts
    };
    let of = |pairs: &[(&str, u64)]| {
        let owned = pairs.iter().map(|(code, n)| ((*code).to_owned(), *n));
        owned.collect::<BTreeMap<String, u64>>()
    };
    let all = counts(PracticeFilter::all(Reader::Peer)).await;
    let expected = PracticeCounts {
        found: 3,
        tiers: of(&[("basic", 3)]),
        any_tier: 3,
        verdicts: of(&[("failed", 1), ("worked", 2)]),
        any_verdict: 3,
        causes: of(&[("staff", 1), ("timing", 2)]),
        any_cause: 3,
    };
    assert_eq!(all, expected);
    let narrow = PracticeFilter {
        verdict: Some(Verdict::Worked),
        cause: Some(Factor::Timing),
        before: Some(1),
        limit: 1,
        ..PracticeFilter::all(Reader::Peer)
    };
    let expected = PracticeCounts {
        found: 1,
        tiers: of(&[("basic", 1)]),
        any_tier: 1,
        verdicts: of(&[("failed", 1), ("worked", 1)]),
        any_verdict: 2,
        causes: of(&[("staff", 1), ("timing", 1)]),
        any_cause: 2,
    };
    assert_eq!(counts(narrow).await, expected);
    let (early, open) = (date(2022, 4, 30), date(2022, 5, 1));
    let public = counts(PracticeFilter::all(Reader::Public(early))).await;
    assert_eq!((public.found, public.any_cause), (2, 2));
    assert_eq!(store.waiting(early).await.unwrap(), 1);
    assert_eq!(store.waiting(open).await.unwrap(), 0);
}

async fn superseding<S: Library + Log + Registry>(store: &S, sim: &mut Sim, old: Digest) {
    let mut thief = Sim::new(1);
    admit(store, &thief).await;
    let mut copy = sample("E37000001");
    (copy.title, copy.supersedes, copy.sharing) = ("copy".into(), Some(old), Sharing::Public);
    store
        .append(&[entry(&mut thief, copy)], SIGN)
        .await
        .unwrap();
    assert_eq!(
        store
            .entry(&sim.slug, 1)
            .await
            .unwrap()
            .unwrap()
            .superseded_by,
        None
    );
    let mut newer = sample("E37000001");
    (newer.title, newer.supersedes) = ("newer".into(), Some(old));
    newer.sharing = Sharing::PeersUntil(date(2022, 9, 1));
    store.append(&[entry(sim, newer)], SIGN).await.unwrap();
    assert_eq!(
        store
            .entry(&sim.slug, 1)
            .await
            .unwrap()
            .unwrap()
            .superseded_by,
        Some(4)
    );
    let titles_for = async |reader| {
        let entries = store.entries(&PracticeFilter::all(reader)).await.unwrap();
        entries
            .into_iter()
            .map(|e| e.entry.title)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        titles_for(Reader::Peer).await,
        ["newer", "copy", "three", "two"]
    );
    // The public keeps the older version until it may read the newer one.
    let august = titles_for(Reader::Public(date(2022, 8, 31))).await;
    assert_eq!(august, ["copy", "three", "two", "one"]);
    let september = titles_for(Reader::Public(date(2022, 9, 1))).await;
    assert_eq!(september, ["newer", "copy", "three", "two"]);
    a_replaced_entry_does_not_come_back(store, sim).await;
}

/// The version between two public ones is for peers: the public must see the newest only.
async fn a_replaced_entry_does_not_come_back<S: Library + Log + Registry>(
    store: &S,
    sim: &mut Sim,
) {
    let mut older = None;
    for (title, sharing) in [
        ("first", Sharing::Public),
        ("second", Sharing::PeersUntil(date(2022, 9, 1))),
        ("third", Sharing::PeersUntil(date(2022, 9, 1))),
        ("fourth", Sharing::Public),
    ] {
        let mut version = sample("E37000001");
        (version.title, version.sharing, version.supersedes) = (title.into(), sharing, older);
        let new = entry(sim, version);
        older = Some(new.pae);
        store.append(&[new], SIGN).await.unwrap();
    }
    for reader in [
        Reader::Peer,
        Reader::Public(date(2022, 8, 31)),
        Reader::Public(date(2022, 9, 1)),
    ] {
        let entries = store.entries(&PracticeFilter::all(reader)).await.unwrap();
        let versions = titles(&entries).into_iter();
        let versions: Vec<_> = versions
            .filter(|t| ["first", "second", "third", "fourth"].contains(t))
            .collect();
        assert_eq!(versions, ["fourth"], "{reader:?}");
    }
    versions_are_followed_to_the_newest_public_one(store, sim).await;
}

/// However many versions lie between: one query, and no more of them than [`VERSIONS`].
async fn versions_are_followed_to_the_newest_public_one<S: Library + Log + Registry>(
    store: &S,
    sim: &mut Sim,
) {
    let open = date(2022, 9, 1);
    let mut chain = vec![];
    for n in 0..=VERSIONS + 1 {
        let mut version = sample("E37000001");
        version.title = format!("version {n}");
        version.supersedes = chain.last().map(|new: &NewStatement| new.pae);
        version.sharing = if n >= VERSIONS || n == 3 {
            Sharing::Public
        } else {
            Sharing::PeersUntil(open)
        };
        chain.push(entry(sim, version));
    }
    let first = store.append(&chain, SIGN).await.unwrap();
    let Some(Placed::Logged(first)) = first.placed.first().cloned() else {
        panic!("{first:?}");
    };
    let newest = async |version: u32, today| {
        let leaf = first + u64::from(version);
        let found = store.newest(leaf, today).await.unwrap();
        found.map(|e| e.entry.title)
    };
    let before = date(2022, 8, 31);
    let last = format!("version {}", VERSIONS + 1);
    let within = format!("version {VERSIONS}");
    assert_eq!(
        newest(0, before).await,
        Some(within.clone()),
        "the reach of one query"
    );
    assert_eq!(newest(0, open).await, Some(within));
    assert_eq!(newest(1, before).await, Some(last.clone()));
    assert_eq!(newest(VERSIONS, before).await, Some(last));
    assert_eq!(newest(VERSIONS + 1, open).await, None);
    assert_eq!(store.newest(first + 10_000, open).await.unwrap(), None);
}
