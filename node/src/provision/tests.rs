//! Freshness and pairs; services kept, merged and taken apart.

use std::collections::BTreeSet;

use jiff::civil::date;

use super::doubles::{Why, pairs};
use super::*;
use crate::model::{self, Trouble};
use crate::store::doubles::Joined;
use crate::store::history::Kind;
use crate::store::kept::{Known, Stored};
use crate::store::services::Service;
use crate::testing::{World, at};

const NOW: &str = "2022-03-04T09:00:00Z";

pub(super) fn texts(pairs: &[(&str, &str)]) -> Vec<String> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    model::texts::<Service>(model::blank::<Service>(), pairs).unwrap()
}

pub(crate) async fn put(world: &World, pairs: &[(&str, &str)]) -> Stored<Service> {
    model::add(&world.store, &texts(pairs), "ann", at(NOW))
        .await
        .unwrap()
}

fn read(pairs: &[(&str, &str)]) -> Result<Service, Vec<(&'static str, &'static str)>> {
    let all = [("name", "Learn"), ("organisation", "Library")];
    let all: Vec<_> = all.iter().chain(pairs).copied().collect();
    model::read(&texts(&all), &Known::default()).map_err(|problems| {
        let named = problems.iter().map(|p| (p.field.unwrap_or(""), p.code));
        named.collect()
    })
}

#[test]
fn six_months_are_fresh_and_a_day_more_is_not() {
    let today = date(2022, 8, 31);
    let of = |assured, seen| Freshness::of(assured, seen, today);
    // Six months before 31 August there is no 31 February.
    assert_eq!(
        of(Some(date(2022, 2, 28)), None),
        Freshness::Fresh(date(2022, 2, 28))
    );
    assert_eq!(
        of(Some(date(2022, 2, 27)), None),
        Freshness::Stale(date(2022, 2, 27))
    );
    assert_eq!(
        of(Some(date(2020, 1, 1)), Some(date(2022, 8, 1))),
        Freshness::Fresh(date(2022, 8, 1)),
        "the later of the two counts"
    );
    assert_eq!(of(None, None), Freshness::Never);
    assert_eq!(
        of(Some(date(2202, 8, 1)), None),
        Freshness::Never,
        "a mistyped year keeps nothing fresh for ever"
    );
}

#[test]
fn everything_that_is_wrong_with_a_service_is_named() {
    let found = read(&[
        ("tier", "middling"),
        ("skills", "foundation; juggling"),
        ("area", "E99999999"),
        ("places", "many"),
        ("starts", "-1"),
        ("start", "2022-09-01"),
        ("end", "2022-08-01"),
        ("cost", "cheap"),
        ("minimum_age", "60"),
        ("maximum_age", "19"),
        ("url", "library"),
        ("status", "perhaps"),
        ("public", "maybe"),
        ("source_id", "17"),
        ("eligibility", "Ring 0121 496 0000"),
        ("description", &"long ".repeat(190)),
    ]);
    let mut found = found.unwrap_err();
    found.sort_unstable();
    let mut wanted = vec![
        ("tier", "code-unknown"),
        ("skills", "skill-unknown"),
        ("area", "service-area"),
        ("places", "capacity-form"),
        ("starts", "runs-form"),
        ("end", "end-before-start"),
        ("cost", "cost-form"),
        ("maximum_age", "ages-order"),
        ("url", "url-form"),
        ("status", "status-unknown"),
        ("public", "yes-or-no"),
        ("source_id", "source-id-form"),
        ("eligibility", "personal-data"),
        ("description", "text-size"),
    ];
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    for url in [
        "ftp://a.example/",
        "https://ann:secret@a.example/",
        "https://localhost/",
    ] {
        assert!(read(&[("url", url)]).is_err(), "{url}");
    }
    let sound = read(&[
        ("url", "https://a.example/x"),
        ("status", "Temporarily-closed"),
    ]);
    assert_eq!(sound.unwrap().status.id(), "temporarily closed");
}

#[tokio::test]
async fn a_service_is_kept_with_its_history_and_follows_its_organisation() {
    let world = World::new().await;
    let organisation = |name: &str| {
        let pairs = [("name", name), ("kind", "charity")];
        let pairs = pairs.map(|(n, t)| (n.to_owned(), t.to_owned()));
        model::texts::<crate::store::organisations::Organisation>(
            model::blank::<crate::store::organisations::Organisation>(),
            pairs,
        )
        .unwrap()
    };
    let charity = model::add::<crate::store::organisations::Organisation>(
        &world.store,
        &organisation("Good Things"),
        "ann",
        at(NOW),
    )
    .await
    .unwrap();
    let service = put(
        &world,
        &[("name", "Learn"), ("organisation", "GOOD things")],
    )
    .await;
    let renamed = (charity.id, charity.version);
    model::change::<crate::store::organisations::Organisation>(
        &world.store,
        renamed,
        &organisation("Better Things"),
        "ann",
        at(NOW),
    )
    .await
    .unwrap();
    let known = world.store.known().await.unwrap();
    assert_eq!(model::Model::texts(&service.it, &known)[1], "Better Things");
    let history = world
        .store
        .history(Kind::Service, service.id, 50)
        .await
        .unwrap();
    assert!(
        history
            .iter()
            .any(|c| c.field == "status" && c.after.as_deref() == Some("active"))
    );
    let mut changed = model::Model::texts(&service.it, &known);
    changed[3] = "basic".to_owned();
    let stale = (service.id, service.version);
    model::change::<Service>(&world.store, stale, &changed, "ann", at(NOW))
        .await
        .unwrap();
    changed[3] = "general".to_owned();
    let late = model::change::<Service>(&world.store, stale, &changed, "bob", at(NOW)).await;
    assert!(matches!(late, Err(Trouble::Changed(_))), "{late:?}");
}

const UUID: &str = "5f0d8f7e-0c3a-4a57-9d5b-6a1a8a3c2f10";

#[tokio::test]
async fn one_identifier_of_one_source_is_one_service() {
    let world = World::new().await;
    let pairs = [
        ("name", "A"),
        ("organisation", "X"),
        ("source", "List"),
        ("source_id", UUID),
    ];
    put(&world, &pairs).await;
    let again = model::add::<Service>(&world.store, &texts(&pairs), "ann", at(NOW)).await;
    assert!(
        matches!(&again, Err(Trouble::Fields(p)) if p[0].code == "taken"),
        "{again:?}"
    );
}

#[tokio::test]
async fn rows_of_two_sources_are_paired_merged_and_taken_apart() {
    let world = World::new().await;
    let first = put(
        &world,
        &[
            ("name", "Learn My Way"),
            ("organisation", "Library"),
            ("place", "Town Hall"),
        ],
    )
    .await;
    let words = put(
        &world,
        &[
            ("name", "learn  my-way"),
            ("organisation", "LIBRARY"),
            ("place", "town hall"),
            ("source", "B"),
        ],
    )
    .await;
    put(
        &world,
        &[
            ("name", "Learn My Way"),
            ("organisation", "Library"),
            ("place", "Elsewhere"),
        ],
    )
    .await;
    let one = put(
        &world,
        &[
            ("name", "C"),
            ("organisation", "D"),
            ("source", "B"),
            ("source_id", UUID),
        ],
    )
    .await;
    let two = put(
        &world,
        &[
            ("name", "E"),
            ("organisation", "F"),
            ("source", "G"),
            ("source_id", UUID),
        ],
    )
    .await;
    let all: Vec<Stored<Service>> = world.store.kept().await.unwrap();
    let found: Vec<_> = pairs(&all, &BTreeSet::new())
        .iter()
        .map(|p| (p.one, p.other, p.why))
        .collect();
    assert_eq!(
        found,
        [
            (first.id, words.id, Why::Words),
            (one.id, two.id, Why::Identifier)
        ]
    );

    let merge = async |kept, other| {
        world
            .store
            .merge_services((kept, other), "ann", at(NOW))
            .await
            .unwrap()
    };
    assert_eq!(merge(one.id, two.id).await, Joined::Done);
    assert_eq!(
        merge(one.id, two.id).await,
        Joined::Gone,
        "it stands for itself no more"
    );
    assert_eq!(merge(one.id, one.id).await, Joined::Gone);
    assert_eq!(merge(first.id, 99).await, Joined::Gone);
    // What stood for another takes it along.
    assert_eq!(merge(first.id, one.id).await, Joined::Done);
    let stands_for = async || {
        let found = world.store.merged_with(first.id).await.unwrap();
        found.iter().map(|m| m.id).collect::<Vec<_>>()
    };
    assert_eq!(stands_for().await, [one.id, two.id]);
    let listed: Vec<Stored<Service>> = world.store.kept().await.unwrap();
    assert_eq!(listed.len(), 3, "lists show what stands for itself");
    assert!(
        world
            .store
            .kept_one::<Service>(two.id)
            .await
            .unwrap()
            .is_some()
    );
    let part = world
        .store
        .part_service(one.id, "bob", at(NOW))
        .await
        .unwrap();
    assert_eq!(part, Joined::Done);
    assert_eq!(
        world
            .store
            .part_service(one.id, "bob", at(NOW))
            .await
            .unwrap(),
        Joined::Gone
    );
    assert_eq!(stands_for().await, [two.id]);
    let history = world
        .store
        .history(Kind::Service, one.id, 50)
        .await
        .unwrap();
    let told: Vec<_> = history
        .iter()
        .filter(|c| c.field == "merged_into")
        .map(|c| (c.who.as_str(), c.before.as_deref(), c.after.as_deref()))
        .collect();
    let into = format!("service {}", first.id);
    assert_eq!(
        told,
        [
            ("bob", Some(into.as_str()), None),
            ("ann", None, Some(into.as_str()))
        ]
    );
}

/// What feeds gave counts for the row that stands for all of them.
#[tokio::test]
async fn a_merged_row_is_as_fresh_as_the_latest_of_all_that_it_stands_for() {
    let world = World::new().await;
    let one = put(&world, &[("name", "A"), ("organisation", "X")]).await;
    let two = put(
        &world,
        &[("name", "A"), ("organisation", "X"), ("source", "B")],
    )
    .await;
    world
        .run("UPDATE services SET seen_at = 1646384400 WHERE id = 2")
        .await;
    let seen = world.store.sightings().await.unwrap();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [two.id]);
    world
        .store
        .merge_services((one.id, two.id), "ann", at(NOW))
        .await
        .unwrap();
    let seen = world.store.sightings().await.unwrap();
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        [(one.id, at("2022-03-04T09:00:00Z"))]
    );
}

/// Reproduction: two services that merely look alike stood under "may be the same" for ever.
#[tokio::test]
async fn rows_that_were_told_apart_are_asked_about_no_more() {
    let world = World::new().await;
    let mut all = Vec::new();
    for source in ["", "B", "C"] {
        let row = [("name", "A"), ("organisation", "X"), ("source", source)];
        all.push(put(&world, &row).await.id);
    }
    let store = &world.store;
    let pairs = async || {
        let rows: Vec<Stored<Service>> = store.kept().await.unwrap();
        let found = pairs(&rows, &store.distinct_services().await.unwrap());
        found.iter().map(|p| (p.one, p.other)).collect::<Vec<_>>()
    };
    let tell = async |one: usize, other: usize, distinct| {
        let pair = (all[one], all[other]);
        store
            .tell_apart(pair, distinct, "ann", at(NOW))
            .await
            .unwrap()
    };
    assert_eq!(pairs().await, [(all[0], all[1]), (all[0], all[2])]);
    assert_eq!(tell(2, 0, true).await, Joined::Done);
    // The third is not the first, and may still be the second.
    assert_eq!(pairs().await, [(all[0], all[1]), (all[1], all[2])]);
    assert_eq!(tell(1, 2, true).await, Joined::Done);
    assert_eq!(tell(0, 1, true).await, Joined::Done);
    assert_eq!(pairs().await, []);
    let history = store.history(Kind::Service, all[2], 50).await.unwrap();
    assert!(history.iter().any(|c| c.field == "not_the_same_as"));
    assert_eq!(tell(0, 1, false).await, Joined::Done);
    assert_eq!(pairs().await, [(all[0], all[1])]);
    assert_eq!(tell(0, 0, true).await, Joined::Gone);
    // What is merged all the same was not two services.
    assert_eq!(tell(0, 1, true).await, Joined::Done);
    let merged = store.merge_services((all[0], all[1]), "ann", at(NOW)).await;
    assert_eq!(merged.unwrap(), Joined::Done);
    assert!(
        !store
            .distinct_services()
            .await
            .unwrap()
            .contains(&(all[0], all[1]))
    );
}
