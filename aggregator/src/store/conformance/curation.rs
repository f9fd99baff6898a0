use jiff::civil::date;
use ldsp_ui::accounts::{Act, By, Change};

use super::{SIGN, damaged, entry};
use crate::receive::tests::practice::entry as sample;
use crate::store::{
    Curated, Curation, Library, Log, PracticeFilter, Reader, Registry, Said, Saying, Span, Staff,
    Standing,
};
use crate::testing::{Sim, admit, at};

const NOON: &str = "2026-11-22T12:00:00Z";

fn by(who: &str) -> By<'_> {
    By { who, now: at(NOON) }
}

/// What curators say decides what is listed, and the last word counts; what people have read is their own.
pub(crate) async fn curation_conforms<S: Curation + Library + Log + Registry + Staff>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let store = open().await;
    let mut sim = Sim::new(0);
    admit(&store, &sim).await;
    let mut sent = vec![];
    for title in ["one", "two", "three"] {
        let mut new = sample("E37000001");
        new.title = title.into();
        sent.push(entry(&mut sim, new));
    }
    store.append(&sent, SIGN).await.unwrap();
    lists(&store).await;
    let (before, all) = (
        store.position().await.unwrap(),
        store.sayings(Span::Newest, 10).await.unwrap(),
    );
    assert_eq!(before.curated, all[0].number, "pages follow");
    pages(&store, &all).await;
    reading(&store).await;
    damage(
        &store,
        "UPDATE statement SET envelope = x'7b7d' WHERE leaf = 0",
    )
    .await;
    // Of what was withdrawn there is no title any more.
    assert_eq!(store.said(0).await.unwrap().unwrap().title, None);
    damage(&store, "UPDATE curation SET at = 9223372036854775807").await;
    damaged(store.said(0).await, ("curation", "at", "4"));
}

async fn lists<S: Curation + Library>(store: &S) {
    let titles = async |curated: Curated, reader: Reader| {
        let filter = PracticeFilter {
            curated,
            ..PracticeFilter::all(reader)
        };
        let found = store.entries(&filter).await.unwrap();
        assert_eq!(
            store.number(&filter).await.unwrap(),
            u64::try_from(found.len()).unwrap()
        );
        let titles: Vec<String> = found.into_iter().map(|e| e.entry.title).collect();
        titles.join(" ")
    };
    let public = || Reader::Public(date(2026, 11, 22));
    assert_eq!(titles(Curated::Unseen, public()).await, "three two one");
    let say = async |leaf, standing, words: &str, seen| {
        let said = store.say(leaf, standing, words, seen, by("cora")).await;
        said.unwrap()
    };
    assert_eq!(
        say(0, Standing::Hidden, "It names a shop.", 0).await,
        Saying::Done(1)
    );
    assert_eq!(say(1, Standing::Listed, "", 0).await, Saying::Done(2));
    // Somebody who saw the entry before that was said.
    assert_eq!(say(0, Standing::Listed, "", 0).await, Saying::Moved);
    assert_eq!(say(9, Standing::Listed, "", 0).await, Saying::Gone);
    for reader in [public(), Reader::Peer] {
        assert_eq!(titles(Curated::Shown, reader).await, "three two");
    }
    assert_eq!(titles(Curated::Unseen, public()).await, "three");
    let hidden = Curated::As(Standing::Hidden);
    assert_eq!(titles(hidden, public()).await, "one");
    assert_eq!(
        say(1, Standing::Featured, "It was repeated twice.", 2).await,
        Saying::Done(3)
    );
    assert_eq!(say(0, Standing::Listed, "", 1).await, Saying::Done(4));
    assert_eq!(titles(Curated::Shown, public()).await, "three two one");
    assert_eq!(titles(hidden, public()).await, "");
    let featured = Curated::As(Standing::Featured);
    assert_eq!(titles(featured, public()).await, "two");
    let said = store.said(1).await.unwrap().unwrap();
    let expected = Said {
        number: 3,
        leaf: 1,
        node: said.node.clone(),
        seq: 2,
        title: Some("two".into()),
        at: at(NOON),
        who: "cora".into(),
        standing: Standing::Featured,
        words: "It was repeated twice.".into(),
    };
    assert_eq!(said, expected);
    assert_eq!(store.said(2).await.unwrap(), None);
}

async fn pages<S: Curation>(store: &S, all: &[Said]) {
    let numbers = async |span, limit| -> Vec<u64> {
        let found = store.sayings(span, limit).await.unwrap();
        found.iter().map(|said| said.number).collect()
    };
    assert_eq!(all.len(), 4);
    assert_eq!(numbers(Span::Newest, 2).await, [4, 3]);
    assert_eq!(numbers(Span::Before(3), 10).await, [2, 1]);
    assert_eq!(numbers(Span::After(1), 2).await, [3, 2]);
}

async fn reading<S: Curation + Staff>(store: &S) {
    let person = Change::Add {
        name: "pia",
        role: "partner",
        organisation: "",
        way_in: ldsp_ui::accounts::WayIn::Secret("$argon2id$"),
    };
    assert_eq!(store.change(&person, by("op")).await.unwrap(), Act::Done);
    assert_eq!(store.read_to("pia").await.unwrap(), None);
    for size in [2, 3] {
        store.note_read("pia", size, at(NOON)).await.unwrap();
        assert_eq!(store.read_to("pia").await.unwrap(), Some((size, at(NOON))));
    }
    let gone = Change::Remove { name: "pia" };
    assert_eq!(store.change(&gone, by("op")).await.unwrap(), Act::Done);
    store.note_read("pia", 4, at(NOON)).await.unwrap();
    assert_eq!(store.read_to("pia").await.unwrap(), None);
}
