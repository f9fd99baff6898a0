use ldsp_protocol::ids::Digest;
use ldsp_protocol::statement::Kind;
use ldsp_ui::accounts::By;

use super::{SIGN, damaged};
use crate::questionnaires::tests::{draft, id};
use crate::store::{Conflict, Drafts, Keeping, Log, NewOwn, OwnEffect, Registry, StoreError, Turn};
use crate::testing::at;

fn by(who: &str) -> By<'_> {
    By {
        who,
        now: at("2023-01-05T12:00:00Z"),
    }
}

fn said(turn: &Turn) -> Vec<NewOwn> {
    vec![NewOwn {
        kind: Kind::Questionnaire,
        key_id: Digest::of(b"key"),
        pae: Digest::of(turn.seq.to_string().as_bytes()),
        envelope: b"a questionnaire".to_vec(),
        received: at("2023-01-05T12:00:00Z"),
    }]
}

/// A change names the edition that it was made from; what is issued takes its draft with it, and only in its turn.
pub(crate) async fn drafts_conform<S: Drafts + Log + Registry>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    let store = open().await;
    store.establish(SIGN).await.unwrap();
    let keep = async |draft: &crate::questionnaires::Draft, seen, who| {
        store.keep_draft(draft, seen, by(who)).await.unwrap()
    };
    let mut one = draft();
    let Keeping::Done(begun) = keep(&one, 0, "olive").await else {
        panic!("it is the first")
    };
    assert_eq!(keep(&one, 0, "omar").await, Keeping::Moved, "there is one");
    one.title = "Ways to courses".into();
    assert_eq!(keep(&one, begun, "omar").await, Keeping::Done(begun + 1));
    assert_eq!(keep(&draft(), begun, "olive").await, Keeping::Moved);
    let kept = store.draft(&one.name).await.unwrap().unwrap();
    assert_eq!((&kept.draft, kept.edition), (&one, begun + 1));
    assert_eq!(
        (kept.changed_by.as_str(), kept.changed),
        ("omar", by("").now)
    );
    let mut other = draft();
    other.name = id("a");
    keep(&other, 0, "olive").await;
    let all = store.drafts().await.unwrap();
    let names: Vec<_> = all.iter().map(|row| row.draft.name.as_str()).collect();
    assert_eq!(names, ["a", "routes"]);
    let stale = store.drop_draft(&id("a"), begun + 9).await.unwrap();
    assert_eq!(stale, Keeping::Moved);
    let dropped = store.drop_draft(&id("a"), begun).await.unwrap();
    assert_eq!(dropped, Keeping::Done(0));
    assert_eq!(store.draft(&id("a")).await.unwrap(), None);
    issuing(&store, begun + 1).await;
    keep(&one, 0, "olive").await;
    damage(&store, "UPDATE questionnaire_draft SET draft = '{}'").await;
    let place = ("questionnaire_draft", "draft", "routes");
    damaged(store.draft(&one.name).await, place);
    damaged(store.drafts().await, place);
}

async fn issuing<S: Drafts + Log>(store: &S, edition: u64) {
    let ask = async |after, draft| {
        let effect = OwnEffect::Ask { after, draft };
        store.announce(&said, &effect, SIGN).await
    };
    let conflict = |outcome: Result<_, StoreError>| match outcome {
        Err(StoreError::Conflict(conflict)) => conflict,
        other => panic!("{:?}", other.map(|_: crate::store::Announced| ())),
    };
    let mine = |edition| Some((id("routes"), edition));
    let refused = ask(None, mine(edition - 1)).await;
    assert_eq!(conflict(refused), Conflict::OtherDraft);
    let refused = ask(Some(7), mine(edition)).await;
    assert_eq!(conflict(refused), Conflict::OtherQuestionnaire);
    assert_eq!(store.size().await.unwrap(), 0);
    assert!(store.draft(&id("routes")).await.unwrap().is_some());
    let first = ask(None, mine(edition)).await.unwrap().turn;
    assert_eq!((first.index, first.seq), (0, 1));
    assert_eq!(store.draft(&id("routes")).await.unwrap(), None);
    let refused = ask(None, None).await;
    assert_eq!(conflict(refused), Conflict::OtherQuestionnaire);
    ask(Some(0), None).await.unwrap();
    let found = store.own_by_identity(Digest::of(b"2")).await.unwrap();
    assert_eq!(found.map(|own| (own.index, own.seq)), Some((1, 2)));
    assert_eq!(store.own_by_identity(Digest::ZERO).await.unwrap(), None);
}
