use jiff::{SignedDuration, Timestamp};
use ldsp_ui::accounts::{Act, By, Change, Chosen, Hash, LINK_DAYS, NewLink, WayIn};
use ldsp_ui::oidc::{Binding, Bound, Claim, Subject};

use super::damaged;
use crate::store::{Done, Person, Role, Span, Staff};
use crate::testing::at;

fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

fn by(who: &str) -> By<'_> {
    By { who, now: now() }
}

async fn done<S: Staff>(store: &S, change: Change<'_>) {
    let act = store.change(&change, by("op")).await.unwrap();
    assert_eq!(act, Act::Done);
}

async fn act<S: Staff>(store: &S, change: Change<'_>) -> Act {
    store.change(&change, by("op")).await.unwrap()
}

fn adds<'a>(name: &'a str, role: &'a str) -> Change<'a> {
    Change::Add {
        name,
        role,
        organisation: "",
        way_in: WayIn::Secret("$argon2id$"),
    }
}

fn person(name: &str, role: Role, generation: i64) -> Person {
    Person {
        name: name.into(),
        role,
        secret_hash: Some("$argon2id$".into()),
        added: now(),
        locked: None,
        second_step: false,
        generation,
    }
}

/// People, what they sign in with, and what is written down of both.
pub(crate) async fn staff_conforms<S: Staff>(
    open: impl AsyncFn() -> S,
    damage: impl AsyncFn(&S, &'static str),
) {
    people(&open().await).await;
    somebody_looks_after_people(&open().await).await;
    links(&open().await).await;
    invitations(&open().await).await;
    generations(&open().await).await;
    the_first_link_is_for_the_first_operator(&open().await).await;
    a_first_link_ends_when_the_command_line_was_quicker(&open().await).await;
    second_steps(&open().await).await;
    browsers(&open().await).await;
    subjects(&open().await).await;
    acts_are_paged(&open().await).await;
    let store = open().await;
    done(&store, adds("bo", "analyst")).await;
    damage(&store, "UPDATE act SET at = 9223372036854775807").await;
    damaged(store.acts(Span::Newest, 9).await, ("act", "at", "1"));
    damage(&store, "UPDATE person SET added = 9223372036854775807").await;
    damaged(store.person("bo").await, ("person", "added", "bo"));
    damaged(store.people().await, ("person", "added", "bo"));
}

async fn people<S: Staff>(store: &S) {
    assert_eq!(store.person("bo").await.unwrap(), None);
    done(store, adds("bo", "operator")).await;
    done(store, adds(" al ", "analyst")).await;
    let (bo, al) = (
        person("bo", Role::Operator, 1),
        person("al", Role::Analyst, 2),
    );
    for taken in ["bo", "BO"] {
        assert_eq!(act(store, adds(taken, "analyst")).await, Act::taken());
    }
    for unfit in ["", "b\0o", "new", "command line", "b\u{301}"] {
        assert_eq!(act(store, adds(unfit, "analyst")).await, Act::no_name());
    }
    assert_eq!(act(store, adds("cy", "king")).await, Act::no_role());
    assert_eq!(store.person("bo").await.unwrap(), Some(bo.clone()));
    assert_eq!(store.people().await.unwrap(), [al.clone(), bo.clone()]);
    let renewed = Change::Secret {
        name: "bo",
        secret_hash: "$new$",
    };
    done(store, renewed).await;
    let bo = Person {
        secret_hash: Some("$new$".into()),
        ..bo
    };
    assert_eq!(store.people().await.unwrap(), [al.clone(), bo]);
    let curates = Change::Role {
        name: "al",
        role: "curator",
        organisation: "",
    };
    done(store, curates).await;
    done(
        store,
        Change::Lock {
            name: "al",
            careful: true,
        },
    )
    .await;
    let changed = Person {
        role: Role::Curator,
        locked: Some(now()),
        ..al.clone()
    };
    assert_eq!(store.person("al").await.unwrap(), Some(changed));
    done(store, Change::Unlock { name: "al" }).await;
    assert_eq!(store.person("al").await.unwrap().unwrap().locked, None);
    let bound = Change::Role {
        name: "al",
        role: "curator",
        organisation: "A college",
    };
    assert!(matches!(
        act(store, bound).await,
        Act::Unfit {
            field: "organisation",
            ..
        }
    ));
    done(store, Change::Remove { name: "al" }).await;
    for name in ["al", "BO", "", "b\0o", "bo\u{301}"] {
        assert_eq!(store.person(name).await.unwrap(), None);
        for change in [
            Change::Secret {
                name,
                secret_hash: "$x$",
            },
            Change::Remove { name },
            Change::Unlock { name },
            Change::EndSecondStep { name },
        ] {
            assert_eq!(act(store, change).await, Act::Gone, "{name:?}");
        }
    }
    // The order is that of bytes.
    for name in ["b-a", "b.a", "B", "é", "Bo Bo"] {
        done(store, adds(name, "analyst")).await;
    }
    let people = store.people().await.unwrap();
    let names: Vec<&str> = people.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["B", "Bo Bo", "b-a", "b.a", "bo", "é"]);
    let told = store.acts(Span::Newest, 100).await.unwrap();
    let told: Vec<(u64, &str)> = told.iter().map(|d| (d.number, d.detail.as_str())).collect();
    assert_eq!(
        told[5..],
        [
            (7, "al, who was curator"),
            (6, "al"),
            (5, "al"),
            (4, "al, who was analyst, is curator"),
            (3, "bo"),
            (2, "al as analyst"),
            (1, "bo as operator"),
        ]
    );
}

async fn somebody_looks_after_people<S: Staff>(store: &S) {
    done(store, adds("bo", "operator")).await;
    done(store, adds("al", "analyst")).await;
    let role = |name, role| Change::Role {
        name,
        role,
        organisation: "",
    };
    let lock = |name, careful| Change::Lock { name, careful };
    for change in [
        Change::Remove { name: "bo" },
        role("bo", "analyst"),
        lock("bo", true),
    ] {
        assert_eq!(act(store, change).await, Act::Last);
    }
    // Nobody keeps themselves out.
    for change in [Change::Remove { name: "al" }, lock("al", true)] {
        let kept = store.change(&change, by("al")).await.unwrap();
        assert_eq!(kept, Act::Oneself);
    }
    // Of two, one may go; somebody who is locked out does not count.
    done(store, role("al", "operator")).await;
    done(store, lock("al", true)).await;
    assert_eq!(act(store, Change::Remove { name: "bo" }).await, Act::Last);
    done(store, role("bo", "operator")).await;
    done(store, Change::Unlock { name: "al" }).await;
    done(store, Change::Remove { name: "bo" }).await;
    // Whoever tries codes knows the secret: that locks the last one too.
    done(store, lock("al", false)).await;
    assert!(store.person("al").await.unwrap().unwrap().locked.is_some());
    done(store, Change::Remove { name: "al" }).await;
}

async fn links<S: Staff>(store: &S) {
    let expires_at = now() + SignedDuration::from_hours(24 * LINK_DAYS);
    let link = |token| NewLink { token, expires_at };
    let reset = |name, token: Hash| Change::Reset {
        name,
        link: link(token),
    };
    let take = |link: Hash| Change::TakeLink {
        link,
        name: "eve",
        chosen: Chosen::Secret("$own$"),
    };
    done(store, adds("bo", "operator")).await;
    assert_eq!(act(store, reset("eve", [1; 32])).await, Act::Gone);
    let second = Change::BeginSecondStep {
        name: "bo",
        key: [9; 20],
        step: 5,
        codes: &[[7; 32]],
    };
    done(store, second).await;
    let knows = Change::Browser {
        name: "bo",
        browser: [3; 32],
    };
    done(store, knows).await;
    let account = Subject::new("https://id.example", Claim::Subject, "u-1").unwrap();
    let bound = store.bind_subject("bo", &account, by("op")).await.unwrap();
    assert_eq!(bound, Binding::Noted);
    let before = store.person("bo").await.unwrap().unwrap().generation;
    done(store, reset("bo", [1; 32])).await;
    // Everything that the person signed in with ended with it.
    let held = store.person("bo").await.unwrap().unwrap();
    assert_eq!((held.secret_hash, held.second_step), (None, false));
    assert_ne!(held.generation, before);
    assert_eq!(store.person_of(&account).await.unwrap(), None);
    let told = &store.acts(Span::Newest, 1).await.unwrap()[0];
    assert_eq!(told.detail, "bo; connected accounts ended: 1");
    assert!(store.second_step("bo").await.unwrap().is_none());
    assert!(store.people_of_browser([3; 32]).await.unwrap().is_empty());
    let found = store.set_up([1; 32], now()).await.unwrap().unwrap();
    assert_eq!(
        (found.person.as_deref(), found.expires_at),
        (Some("bo"), expires_at)
    );
    assert!(store.set_up([1; 32], expires_at).await.unwrap().is_none());
    // A new link ends the old one.
    done(store, reset("bo", [2; 32])).await;
    assert!(store.set_up([1; 32], now()).await.unwrap().is_none());
    assert_eq!(act(store, take([1; 32])).await, Act::Gone);
    done(store, take([2; 32])).await;
    assert_eq!(act(store, take([2; 32])).await, Act::Gone);
    let held = store.person("bo").await.unwrap().unwrap();
    assert_eq!(held.secret_hash.as_deref(), Some("$own$"));
    // Nobody keeps themselves out.
    let own = store.change(&reset("bo", [4; 32]), by("bo")).await;
    assert_eq!(own.unwrap(), Act::Oneself);
    // Written down as the person's own, and never what opens something.
    let last = &store.acts(Span::Newest, 1).await.unwrap()[0];
    assert_eq!(
        (
            last.who.as_str(),
            last.action.as_str(),
            last.detail.as_str()
        ),
        ("bo", "people secret", "by a link")
    );
}

/// Somebody who is added gets the link in the same transaction, and may choose an account in the place of a secret.
async fn invitations<S: Staff>(store: &S) {
    let expires_at = now() + SignedDuration::from_hours(24 * LINK_DAYS);
    let invites = |name, token| Change::Add {
        name,
        role: "analyst",
        organisation: "",
        way_in: WayIn::Link(NewLink { token, expires_at }),
    };
    done(store, adds("op", "operator")).await;
    done(store, invites("al", [1; 32])).await;
    done(store, invites("bo", [2; 32])).await;
    assert_eq!(act(store, invites("al", [3; 32])).await, Act::taken());
    assert!(store.set_up([3; 32], now()).await.unwrap().is_none());
    let account = Subject::new("https://id.example", Claim::Subject, "u-1").unwrap();
    let take = |link: Hash| Change::TakeLink {
        link,
        name: "",
        chosen: Chosen::Account(&account),
    };
    done(store, take([1; 32])).await;
    assert_eq!(
        store.person_of(&account).await.unwrap().as_deref(),
        Some("al")
    );
    let al = store.person("al").await.unwrap().unwrap();
    assert_eq!(al.secret_hash, None);
    // Somebody else's account is nobody's way in, and the link is still there.
    assert_eq!(act(store, take([2; 32])).await, Act::account_taken());
    assert!(store.set_up([2; 32], now()).await.unwrap().is_some());
    let told = store.acts(Span::Newest, 2).await.unwrap();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|d| (d.who.as_str(), d.action.as_str()))
        .collect();
    assert_eq!(told, [("al", "people connect"), ("op", "people link")]);
}

/// No session of before outlives a new link, an account disconnected or a name given again, also of somebody without a secret.
async fn generations<S: Staff>(store: &S) {
    let expires_at = now() + SignedDuration::from_hours(24 * LINK_DAYS);
    let link = |token| NewLink { token, expires_at };
    let invite = |name, token| Change::Add {
        name,
        role: "analyst",
        organisation: "",
        way_in: WayIn::Link(link(token)),
    };
    let mut given = Vec::new();
    let mut next = async |store: &S| {
        let al = store.person("al").await.unwrap().unwrap();
        assert_eq!(al.secret_hash, None);
        assert!(!given.contains(&al.generation), "{given:?}");
        given.push(al.generation);
    };
    done(store, adds("op", "operator")).await;
    done(store, invite("al", [1; 32])).await;
    next(store).await;
    let reset = Change::Reset {
        name: "al",
        link: link([2; 32]),
    };
    done(store, reset).await;
    next(store).await;
    let account = Subject::new("https://id.example", Claim::Subject, "u-1").unwrap();
    store.bind_subject("al", &account, by("op")).await.unwrap();
    assert!(
        store
            .unbind_subject("al", &account, by("op"))
            .await
            .unwrap()
    );
    next(store).await;
    done(store, Change::Remove { name: "al" }).await;
    done(store, invite("al", [3; 32])).await;
    next(store).await;
    // What leaves sessions open leaves it as it is.
    let al = store.person("al").await.unwrap().unwrap();
    let role = Change::Role {
        name: "al",
        role: "curator",
        organisation: "",
    };
    done(store, role).await;
    let after = store.person("al").await.unwrap().unwrap();
    assert_eq!(after.generation, al.generation);
}

async fn the_first_link_is_for_the_first_operator<S: Staff>(store: &S) {
    let expires_at = now() + SignedDuration::from_hours(24 * LINK_DAYS);
    let keep = async |link: Hash| {
        let link = NewLink {
            token: link,
            expires_at,
        };
        let kept = store.keep_first_link(link, by("command line"));
        kept.await.unwrap()
    };
    let take = |link: Hash, name| Change::TakeLink {
        link,
        name,
        chosen: Chosen::Secret("$own$"),
    };
    assert!(keep([1; 32]).await && keep([2; 32]).await);
    assert!(
        store.set_up([1; 32], now()).await.unwrap().is_none(),
        "a newer one replaced it"
    );
    let found = store.set_up([2; 32], now()).await.unwrap().unwrap();
    assert_eq!((found.person, found.expires_at), (None, expires_at));
    // Somebody else's role does not end it, nor does a name that nobody can have.
    done(store, adds("al", "analyst")).await;
    for name in ["", "a\nb", "AL"] {
        let refused = act(store, take([2; 32], name)).await;
        assert!(
            matches!(refused, Act::Unfit { field: "name", .. }),
            "{name:?}"
        );
    }
    done(store, take([2; 32], "bo")).await;
    let first = store.person("bo").await.unwrap().unwrap();
    assert_eq!(
        (first.role, first.secret_hash.as_deref()),
        (Role::Operator, Some("$own$"))
    );
    assert_eq!(act(store, take([2; 32], "eve")).await, Act::Gone);
    assert!(!keep([3; 32]).await, "there is an operator");
    let told = store.acts(Span::Newest, 9).await.unwrap();
    assert!(
        told.iter()
            .any(|done| done.detail == "for the first operator")
    );
}

async fn a_first_link_ends_when_the_command_line_was_quicker<S: Staff>(store: &S) {
    let expires_at = now() + SignedDuration::from_hours(1);
    let link = NewLink {
        token: [1; 32],
        expires_at,
    };
    let kept = store.keep_first_link(link, by("command line"));
    assert!(kept.await.unwrap());
    done(store, adds("bo", "operator")).await;
    assert!(store.set_up([1; 32], now()).await.unwrap().is_none());
    let late = Change::TakeLink {
        link: [1; 32],
        name: "eve",
        chosen: Chosen::Secret("$own$"),
    };
    assert_eq!(act(store, late).await, Act::Gone);
}

async fn second_steps<S: Staff>(store: &S) {
    done(store, adds("bo", "operator")).await;
    done(store, adds("al", "analyst")).await;
    assert!(store.second_step("bo").await.unwrap().is_none());
    let codes = [[1; 32], [2; 32]];
    let begin = Change::BeginSecondStep {
        name: "bo",
        key: [9; 20],
        step: 5,
        codes: &codes,
    };
    done(store, begin).await;
    let second = store.second_step("bo").await.unwrap().unwrap();
    assert_eq!((second.key, second.step, second.codes), ([9; 20], 5, 2));
    assert!(store.person("bo").await.unwrap().unwrap().second_step);
    let code = |step| Change::Code { name: "bo", step };
    for (step, expected) in [
        (5, Act::Gone),
        (6, Act::Done),
        (6, Act::Gone),
        (8, Act::Done),
        (7, Act::Gone),
    ] {
        assert_eq!(act(store, code(step)).await, expected, "{step}");
    }
    let recovers = |name, code: Hash| Change::RecoveryCode { name, code };
    assert_eq!(act(store, recovers("al", [1; 32])).await, Act::Gone);
    done(store, recovers("bo", [1; 32])).await;
    assert_eq!(act(store, recovers("bo", [1; 32])).await, Act::Gone);
    assert_eq!(store.second_step("bo").await.unwrap().unwrap().codes, 1);
    done(store, Change::EndSecondStep { name: "bo" }).await;
    assert!(store.second_step("bo").await.unwrap().is_none());
    assert_eq!(act(store, recovers("bo", [2; 32])).await, Act::Gone);
}

async fn browsers<S: Staff>(store: &S) {
    done(store, adds("bo", "operator")).await;
    done(store, adds("al", "analyst")).await;
    let knows = |name, browser: Hash| Change::Browser { name, browser };
    done(store, knows("bo", [1; 32])).await;
    done(store, knows("al", [1; 32])).await;
    assert_eq!(
        store.people_of_browser([1; 32]).await.unwrap(),
        ["al", "bo"]
    );
    // Ten of a person are kept, the latest used.
    for n in 2..=11 {
        let tomorrow = By {
            who: "bo",
            now: now() + SignedDuration::from_hours(24),
        };
        let known = store.change(&knows("bo", [n; 32]), tomorrow).await;
        assert_eq!(known.unwrap(), Act::Done);
    }
    assert_eq!(store.people_of_browser([1; 32]).await.unwrap(), ["al"]);
    assert_eq!(store.people_of_browser([2; 32]).await.unwrap(), ["bo"]);
    let years = By {
        who: "bo",
        now: now() + SignedDuration::from_hours(24 * 500),
    };
    store.change(&knows("bo", [12; 32]), years).await.unwrap();
    assert!(store.people_of_browser([2; 32]).await.unwrap().is_empty());
    // Nothing of it is written down.
    assert_eq!(store.acts(Span::Newest, 9).await.unwrap().len(), 2);
}

async fn subjects<S: Staff>(store: &S) {
    let subject = |claim, value| Subject::new("https://id.example", claim, value).unwrap();
    let (one, two) = (
        subject(Claim::Subject, "u-1"),
        subject(Claim::Subject, "U-1"),
    );
    done(store, adds("op", "operator")).await;
    done(store, adds("al", "analyst")).await;
    for name in ["eve", "AL", "", "a\0l"] {
        let bound = store.bind_subject(name, &one, by("op")).await.unwrap();
        assert_eq!(bound, Binding::Nobody, "{name:?}");
        assert!(!store.unbind_subject(name, &one, by("op")).await.unwrap());
    }
    done(store, adds("cy", "curator")).await;
    for (name, subject, expected) in [
        ("cy", &one, Binding::Noted),
        ("cy", &one, Binding::Noted),
        ("al", &one, Binding::Taken),
        ("al", &two, Binding::Noted),
    ] {
        let bound = store.bind_subject(name, subject, by("op")).await.unwrap();
        assert_eq!(bound, expected, "{name} {subject:?}");
    }
    assert_eq!(store.person_of(&one).await.unwrap().as_deref(), Some("cy"));
    let mail = subject(Claim::Email, "u-1@x.org");
    assert_eq!(store.person_of(&mail).await.unwrap(), None);
    let bound = |subject: &Subject, person: &str| Bound {
        subject: subject.clone(),
        person: person.into(),
        since: now(),
    };
    let all = store.subjects().await.unwrap();
    assert_eq!(all, [bound(&two, "al"), bound(&one, "cy")]);
    assert!(!store.unbind_subject("cy", &two, by("op")).await.unwrap());
    assert!(store.unbind_subject("al", &two, by("op")).await.unwrap());
    // Whoever gets the name next does not inherit what it was bound to.
    done(store, Change::Remove { name: "cy" }).await;
    done(store, adds("cy", "curator")).await;
    assert_eq!(store.person_of(&one).await.unwrap(), None);
    assert_eq!(store.subjects().await.unwrap(), []);
    let told = store.acts(Span::Newest, 9).await.unwrap();
    let binds = told.iter().filter(|d| d.action == "people connect");
    assert_eq!(binds.count(), 2);
}

async fn acts_are_paged<S: Staff>(store: &S) {
    for name in ["a", "b", "c", "d"] {
        done(store, adds(name, "analyst")).await;
    }
    let numbers = async |span, limit| {
        let acts = store.acts(span, limit).await.unwrap();
        acts.iter().map(|d: &Done| d.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(Span::Newest, 3).await, [4, 3, 2]);
    assert_eq!(numbers(Span::Before(2), 3).await, [1]);
    assert_eq!(numbers(Span::After(1), 2).await, [3, 2]);
}
