//! The node's own feed.

use jiff::Timestamp;
use serde_json::Value;

use super::feed::{Feed, Full, Page, Search};
use super::tests::put;
use crate::model::service::is_uuid;
use crate::store::organisations::OrganisationKind;
use crate::testing::World;

async fn feed(world: &World) -> Vec<Full> {
    let lep = crate::testing::LEP.parse().unwrap();
    let all = world.store.kept().await.unwrap();
    let feed = Feed {
        lep: &lep,
        kinds: &|_| Some(OrganisationKind::Charity),
        changed: &|_| Timestamp::UNIX_EPOCH,
    };
    feed.services(&all)
}

const UUID: &str = "5f0d8f7e-0c3a-4a57-9d5b-6a1a8a3c2f10";

/// Every member called `id` that a value holds, at any depth.
fn ids<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("id").and_then(Value::as_str));
            members.values().for_each(|member| ids(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_public_is_told_with_identifiers_that_stay() {
    let world = World::new().await;
    let all = [
        ("name", "Learn"),
        ("organisation", "Library"),
        ("public", "yes"),
        ("tier", "basic"),
        ("skills", "foundation; transacting"),
        ("audience", "older-people"),
        ("mode", "blended"),
        ("area", "E08000027"),
        ("place", "Town Hall"),
        ("places", "12"),
        ("starts", "4"),
        ("start", "2022-01-10"),
        ("end", "2022-12-16"),
        ("cost", "12.50"),
        ("cost_notes", "a term"),
        ("minimum_age", "19"),
        ("eligibility", "Residents"),
        ("accessibility", "Step-free"),
        ("url", "https://a.example/"),
        ("assured_date", "2022-03-01"),
        ("assured_by", "Adult learning team"),
        ("description", "Come in."),
    ];
    put(&world, &all).await;
    put(&world, &[("name", "Hidden"), ("organisation", "Library")]).await;
    put(
        &world,
        &[
            ("name", "Bare"),
            ("organisation", "Library"),
            ("public", "yes"),
            ("source", "B"),
            ("source_id", UUID),
        ],
    )
    .await;
    put(
        &world,
        &[
            ("name", "Twin"),
            ("organisation", "Library"),
            ("public", "yes"),
            ("source", "C"),
            ("source_id", UUID),
        ],
    )
    .await;
    let found = feed(&world).await;
    let names: Vec<&str> = found.iter().map(|s| s.listed.name.as_str()).collect();
    assert_eq!(names, ["Bare", "Learn", "Twin"]);
    assert_eq!(found[0].listed.id, UUID, "its source's");
    assert_ne!(found[2].listed.id, UUID, "one identifier is one service's");
    let value = serde_json::to_value(&found).unwrap();
    assert_eq!(value, serde_json::to_value(feed(&world).await).unwrap());
    let mut each = Vec::new();
    ids(&value[1], &mut each);
    assert!(each.iter().all(|id| is_uuid(id)), "{each:?}");
    let different: std::collections::BTreeSet<_> = each.iter().collect();
    assert_eq!(different.len(), each.len());
    let full = &value[1];
    for (at, wanted) in [
        ("/description", "Come in. Who may come: Residents"),
        ("/status", "active"),
        ("/assured_date", "2022-03-01"),
        ("/organization/name", "Library"),
        ("/schedules/0/valid_from", "2022-01-10"),
        ("/schedules/0/description", "4 runs begin each year"),
        ("/service_areas/0/name", "Dudley"),
        (
            "/service_areas/0/uri",
            "http://statistics.data.gov.uk/id/statistical-geography/E08000027",
        ),
        (
            "/service_at_locations/0/location/accessibility/0/description",
            "Step-free",
        ),
        ("/attributes/0/taxonomy_term/term", "basic"),
        ("/attributes/2/taxonomy_term/name", "Transacting"),
    ] {
        assert_eq!(
            full.pointer(at).and_then(Value::as_str),
            Some(wanted),
            "{at}: {full:#}"
        );
    }
    assert_eq!(full["cost_options"][0]["amount"], 12.5);
    assert!(
        !value.to_string().contains("null"),
        "what is not stated is left out"
    );
    let search = |words, term| {
        let search = Search { words, term };
        found.iter().filter(|s| search.finds(s)).count()
    };
    let term = full["attributes"][0]["taxonomy_term"]["id"]
        .as_str()
        .unwrap();
    assert_eq!(
        (
            search("", ""),
            search("LIBRARY come", ""),
            search("", term),
            search("nothing", "")
        ),
        (3, 1, 1, 0)
    );
}

#[tokio::test]
async fn pages_hold_everything_once_and_end() {
    let world = World::new().await;
    for n in 0..7 {
        put(
            &world,
            &[
                ("name", &format!("S{n}")),
                ("organisation", "Library"),
                ("public", "yes"),
            ],
        )
        .await;
    }
    let page = async |number, size| {
        serde_json::to_value(Page::of(feed(&world).await, number, size)).unwrap()
    };
    let last = page(3, 3).await;
    assert_eq!(
        (
            &last["total_items"],
            &last["total_pages"],
            &last["page_number"],
            &last["size"],
            &last["first_page"],
            &last["last_page"],
            &last["empty"]
        ),
        (
            &7.into(),
            &3.into(),
            &3.into(),
            &1.into(),
            &false.into(),
            &true.into(),
            &false.into()
        )
    );
    let behind = page(9, 3).await;
    assert_eq!(
        (&behind["empty"], &behind["last_page"], &behind["size"]),
        (&true.into(), &true.into(), &0.into())
    );
    let none = serde_json::to_value(Page::of(Vec::new(), 1, 50)).unwrap();
    assert_eq!(
        (
            &none["total_pages"],
            &none["first_page"],
            &none["last_page"]
        ),
        (&1.into(), &true.into(), &true.into())
    );
}

/// What one node publishes another one understands, codes of the data standard included.
#[tokio::test]
async fn one_node_reads_what_another_one_publishes() {
    use super::pull::oruk::{page, service};
    use crate::model::{self, Model as _};
    use crate::store::kept::Known;
    use crate::store::services::Service;

    let world = World::new().await;
    let said = [
        ("name", "Learn"),
        ("organisation", "Library"),
        ("public", "yes"),
        ("tier", "advanced"),
        ("skills", "software; design"),
        ("audience", "young-people"),
        ("mode", "online"),
        ("area", "E08000028"),
        ("place", "Online"),
        ("cost", "0.00"),
        ("start", "2022-01-10"),
        ("minimum_age", "16"),
        ("accessibility", "Captions"),
        ("url", "https://a.example/"),
        ("assured_date", "2022-03-01"),
    ];
    put(&world, &said).await;
    let found = feed(&world).await;
    let id = found[0].listed.id.clone();
    let full = serde_json::to_vec(&found[0]).unwrap();
    let listed = serde_json::to_vec(&Page::of(found, 1, 50)).unwrap();
    assert_eq!(page(&listed, 1).unwrap().items[0].0, id);
    let given = service(&full, &id, "https://other.example").unwrap();
    let texts = given.texts;
    let known = Known::default();
    let read: Service = model::read(&texts, &known).unwrap();
    let texts = read.texts(&known);
    for (column, text) in said.iter().filter(|(column, _)| *column != "public") {
        let at = Service::COLUMNS
            .iter()
            .position(|name| name == column)
            .unwrap();
        assert_eq!(texts[at], *text, "{column}");
    }
}
