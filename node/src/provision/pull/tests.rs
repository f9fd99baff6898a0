//! Pulls, of feeds that are as they should be and of hostile ones.

mod network;

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::model::Model as _;
use crate::store::kept::Stored;
use crate::store::services::Service;
use crate::testing::{World, at};

const FEED: &str = "https://feed.example/api";
const BEGIN: &str = "2022-03-04T09:00:00Z";

fn uuid(n: u64) -> String {
    format!("5f0d8f7e-0c3a-4a57-9d5b-{n:012x}")
}

/// What a server answers to a path with its query; it counts what it is asked.
struct Server<F> {
    answer: F,
    asked: Mutex<Vec<Ask>>,
}

impl<F: Fn(&str, &str) -> Result<Got, NotGot> + Send + Sync> Fetch for Server<F> {
    async fn get(&self, ask: &Ask) -> Result<Got, NotGot> {
        self.asked.lock().unwrap().push(ask.clone());
        let path = match ask.url.query() {
            Some(query) => format!("{}?{query}", ask.url.path()),
            None => ask.url.path().to_owned(),
        };
        let got = (self.answer)(&path, &ask.etag)?;
        match &got {
            Got::Body { bytes, .. } if bytes.len() > ask.most => {
                Err(NotGot::Refused(Refusal::Large))
            }
            _ => Ok(got),
        }
    }
}

fn server<F: Fn(&str, &str) -> Result<Got, NotGot> + Send + Sync>(answer: F) -> Server<F> {
    Server {
        answer,
        asked: Mutex::default(),
    }
}

fn body(json: &Value) -> Result<Got, NotGot> {
    tagged(json, "")
}

fn tagged(json: &Value, etag: &str) -> Result<Got, NotGot> {
    Ok(Got::Body {
        bytes: json.to_string().into_bytes(),
        etag: etag.to_owned(),
    })
}

fn status(status: u16) -> Result<Got, NotGot> {
    Ok(Got::Status(status, None))
}

fn page(number: u64, pages: u64, ids: &[Value]) -> Value {
    let contents: Vec<Value> = ids.iter().map(|id| json!({"id": id, "name": "x", "status": "active", "last_modified": "2022-01-01T00:00:00Z"})).collect();
    json!({"total_items": 9, "total_pages": pages, "page_number": number, "size": contents.len(), "first_page": number == 1,
        "last_page": number == pages, "empty": contents.is_empty(), "contents": contents})
}

fn service(id: &str) -> Value {
    json!({
        "id": id.to_uppercase(), "name": "Learn <b>My</b> Way", "status": "active",
        "description": "Come in.\r\nRing 0121 496 0000 or write to jo@library.example, or\u{a0}visit us at B1 1BB. Free.",
        "url": "https://library.example/learn", "assured_date": "2022-02-01T00:00:00Z", "minimum_age": 18, "maximum_age": 0,
        "fees": "Free for residents",
        "organization": {"id": uuid(900), "name": "City Library", "description": "A library"},
        "schedules": [{"id": uuid(901), "valid_from": "2022-01-10", "valid_to": "2022-12-16"}],
        "cost_options": [{"id": uuid(902), "amount": 0, "amount_description": "no charge"}],
        "service_at_locations": [{"id": uuid(903), "location": {"id": uuid(904), "location_type": "physical", "name": "Town Hall",
            "accessibility": [{"id": uuid(905), "description": "Step-free"}]}}],
        "attributes": [{"id": uuid(907), "taxonomy_term": {"id": uuid(908), "name": "Computer courses", "description": "x", "taxonomy": "y"}}],
        "contacts": [{"id": uuid(906), "name": "Jo Bloggs"}],
        "future_member": {"deep": [[[]]]}
    })
}

/// Steps until something else than a sent request comes of it; time passes as each step asks.
async fn run<F: Fetch>(world: &World, web: &F, feed: i64, now: &mut Timestamp) -> Step {
    loop {
        match step(&world.store, web, feed, *now).await.unwrap() {
            Step::Went => {}
            Step::Wait(until) => *now = until,
            other => return other,
        }
    }
}

async fn begin(world: &World, now: &str) -> (i64, Timestamp) {
    let now = at(now);
    (
        world.store.begin_pull(FEED, "", "ann", now).await.unwrap(),
        now,
    )
}

async fn kept(world: &World) -> Vec<(Stored<Service>, Vec<String>)> {
    let known = world.store.known().await.unwrap();
    let all: Vec<Stored<Service>> = world.store.kept().await.unwrap();
    all.into_iter()
        .map(|stored| {
            let texts = stored.it.texts(&known);
            (stored, texts)
        })
        .collect()
}

fn of<'a>(texts: &'a [String], column: &str) -> &'a str {
    let at = Service::COLUMNS.iter().position(|name| *name == column);
    &texts[at.unwrap()]
}

/// Two pages of two and one services.
fn sound(path: &str, _: &str) -> Result<Got, NotGot> {
    match path {
        "/robots.txt" => status(404),
        "/api/services?page=1&per_page=50" => body(&page(1, 2, &[json!(uuid(1)), json!(uuid(2))])),
        "/api/services?page=2&per_page=50" => body(&page(2, 2, &[json!(uuid(3))])),
        path => body(&service(path.rsplit('/').next().unwrap())),
    }
}

#[tokio::test]
async fn a_feed_is_read_page_by_page_with_pauses_and_without_personal_data() {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let web = server(sound);
    let done = run(&world, &web, feed, &mut now).await;
    let Step::Done(tally) = done else {
        panic!("{done:?}")
    };
    assert_eq!((tally.found, tally.added, tally.refused), (3, 3, 0));
    // robots.txt, two pages, three services, a second between each.
    assert_eq!(web.asked.lock().unwrap().len(), 6);
    assert_eq!(now.as_second() - at(BEGIN).as_second(), 6);
    let all = kept(&world).await;
    let (stored, texts) = &all[0];
    for (column, text) in [
        ("name", "Learn My Way"),
        ("organisation", "City Library"),
        (
            "description",
            "Come in. Ring [\u{2026}] or write to [\u{2026}], or visit us at [\u{2026}]. Free.",
        ),
        ("place", "Town Hall"),
        ("start", "2022-01-10"),
        ("end", "2022-12-16"),
        ("cost", "0.00"),
        ("cost_notes", "no charge; Free for residents"),
        ("minimum_age", "18"),
        ("maximum_age", ""),
        ("accessibility", "Step-free"),
        ("url", "https://library.example/learn"),
        ("assured_date", "2022-02-01"),
        ("public", "no"),
        ("tier", ""),
        ("source", FEED),
    ] {
        assert_eq!(of(texts, column), text, "{column}");
    }
    assert_eq!(stored.it.source_id, uuid(1));
    let dump = crate::testing::dump(&world.store).await.join("\n");
    for personal in ["0121 496", "jo@library", "B1 1BB", "Bloggs"] {
        assert!(!dump.contains(personal), "{personal}");
    }
    assert_eq!(world.store.sightings().await.unwrap().len(), 3);
    assert_eq!(
        step(&world.store, &web, feed, now).await.unwrap(),
        Step::Idle
    );
}

/// Whatever ends a pull: the next step is the next request.
#[tokio::test]
async fn a_pull_goes_on_where_it_ended() {
    let mut world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let web = server(sound);
    let mut steps = 0;
    loop {
        match step(&world.store, &web, feed, now).await.unwrap() {
            Step::Wait(until) => now = until,
            Step::Went => {
                steps += 1;
                world = world.reopened().await;
                // Somebody presses the button again.
                world.store.begin_pull(FEED, "", "bob", now).await.unwrap();
            }
            Step::Done(tally) => {
                assert_eq!(tally.added, 3);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(steps, 6);
    let asked: Vec<String> = web
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|a| a.url.to_string())
        .collect();
    let different: std::collections::BTreeSet<&String> = asked.iter().collect();
    assert_eq!(
        different.len(),
        asked.len(),
        "nothing is asked twice: {asked:?}"
    );
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_and_what_was_changed_here_stays() {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let version = Mutex::new("one");
    let web = server(|path: &str, etag: &str| {
        let version = *version.lock().unwrap();
        let etag_now = format!("\"{version}\"");
        if path != "/robots.txt" && etag == etag_now {
            return Ok(Got::Unchanged);
        }
        match path {
            "/robots.txt" => status(404),
            "/api/services?page=1&per_page=50" => {
                let mut page = page(1, 1, &[json!(uuid(1)), json!(uuid(2))]);
                page["contents"][0]["last_modified"] = json!(version);
                tagged(&page, &etag_now)
            }
            path => {
                let mut service = service(path.rsplit('/').next().unwrap());
                service["name"] = json!(format!("Name {version}"));
                service["fees"] = json!(format!("Fees {version}"));
                tagged(&service, &etag_now)
            }
        }
    });
    assert!(matches!(
        run(&world, &web, feed, &mut now).await,
        Step::Done(_)
    ));
    // A coordinator gives it a better name and a tier.
    let (stored, mut texts) = kept(&world).await.remove(0);
    texts[0] = "Better name".to_owned();
    texts[3] = "basic".to_owned();
    let seen = (stored.id, stored.version);
    crate::model::change::<Service>(&world.store, seen, &texts, "ann", now)
        .await
        .unwrap();

    let (_, mut now) = begin(&world, "2022-04-04T09:00:00Z").await;
    let before = web.asked.lock().unwrap().len();
    let Step::Done(tally) = run(&world, &web, feed, &mut now).await else {
        panic!()
    };
    assert_eq!((tally.found, tally.unchanged, tally.changed), (2, 2, 0));
    let asked = web.asked.lock().unwrap().len() - before;
    assert_eq!(asked, 2, "robots.txt and the page that is as it was");
    let seen = world.store.sightings().await.unwrap();
    assert!(seen.values().all(|seen| *seen > at("2022-04-04T00:00:00Z")));

    *version.lock().unwrap() = "two";
    let (_, mut now) = begin(&world, "2022-05-04T09:00:00Z").await;
    let before = web.asked.lock().unwrap().len();
    let Step::Done(tally) = run(&world, &web, feed, &mut now).await else {
        panic!()
    };
    // The page says of one of the two alone that it was modified.
    assert_eq!((tally.changed, tally.unchanged), (1, 1));
    assert_eq!(web.asked.lock().unwrap().len() - before, 3);
    let all = kept(&world).await;
    let changed = all.iter().find(|(s, _)| s.it.source_id == uuid(1)).unwrap();
    let is_better = stored.it.source_id == uuid(1);
    assert_eq!(
        of(&changed.1, "name"),
        if is_better { "Better name" } else { "Name two" }
    );
    assert_eq!(of(&changed.1, "cost_notes"), "no charge; Fees two");
    assert_eq!(of(&changed.1, "tier"), if is_better { "basic" } else { "" });
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again_later_and_later_and_then_left() {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let answers = Mutex::new(VecDeque::from([
        Err(NotGot::Trouble("connection refused".to_owned())),
        status(503),
        Ok(Got::Status(429, Some(120))),
        status(404),
    ]));
    let next = |path: &str, etag: &str| match answers.lock().unwrap().pop_front() {
        Some(answer) => answer,
        None => sound(path, etag),
    };
    let web = server(next);
    let mut waits = Vec::new();
    loop {
        match step(&world.store, &web, feed, now).await.unwrap() {
            Step::Again(until) => {
                waits.push(until.as_second() - now.as_second());
                now = until;
            }
            Step::Wait(until) => now = until,
            Step::Went => {}
            Step::Done(tally) => {
                assert_eq!(tally.added, 3);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [15, 30, 120]);

    let (_, mut now) = begin(&world, "2022-04-04T09:00:00Z").await;
    let dead = server(|_: &str, _: &str| Err(NotGot::Trouble("no route".to_owned())));
    let refused = loop {
        match step(&world.store, &dead, feed, now).await.unwrap() {
            Step::Again(until) | Step::Wait(until) => now = until,
            other => break other,
        }
    };
    assert_eq!(refused, Step::Refused(Refusal::Unreachable));
    assert_eq!(dead.asked.lock().unwrap().len(), 5);
    assert_eq!(
        step(&world.store, &dead, feed, now).await.unwrap(),
        Step::Idle
    );
    // Its place is kept for who lets it go on.
    assert!(world.store.feeds().await.unwrap()[0].begun_at.is_some());
}

/// Runs a feed of one kind of page to its end.
async fn refusal_of(
    answer: impl Fn(&str, &str) -> Result<Got, NotGot> + Send + Sync,
) -> (Refusal, usize) {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let web = server(answer);
    let refused = run(&world, &web, feed, &mut now).await;
    let Step::Refused(refusal) = refused else {
        panic!("{refused:?}")
    };
    let feed = world.store.feeds().await.unwrap().remove(0);
    assert_eq!(feed.problem, refusal.code());
    assert_eq!(Refusal::named(&feed.problem), Some(refusal));
    assert!(feed.begun_at.is_none(), "it is over");
    let asked = web.asked.lock().unwrap().len();
    (refusal, asked)
}

/// The number of a page that is asked for.
fn number(path: &str) -> Option<u64> {
    let (_, rest) = path.split_once("page=")?;
    rest.split('&').next()?.parse().ok()
}

#[tokio::test]
async fn hostile_feeds_are_refused_each_with_its_code() {
    let pages = |make: fn(u64) -> Value| {
        move |path: &str, _: &str| match (path, number(path)) {
            ("/robots.txt", _) => status(404),
            (_, Some(n)) => body(&make(n)),
            _ => body(&service(path.rsplit('/').next().unwrap())),
        }
    };
    // The same services on every page.
    let (refusal, asked) = refusal_of(pages(|n| page(n, 9, &[json!(uuid(1))]))).await;
    assert_eq!((refusal, asked), (Refusal::Loop, 4));
    // An end that runs away: with new services on each page, and with none.
    let (refusal, asked) = refusal_of(pages(|n| page(n, n + 20, &[json!(uuid(n))]))).await;
    assert_eq!(refusal, Refusal::Endless);
    assert!(asked < 200, "{asked}");
    let (refusal, _) = refusal_of(pages(|n| page(n + 1, 9, &[json!(uuid(n))]))).await;
    assert_eq!(refusal, Refusal::Wrong);
    for (json, wanted) in [
        (json!([]), Refusal::Schema),
        (json!({"items": [], "page": 1}), Refusal::Schema),
        (
            json!({"total_pages": "1", "page_number": 1, "contents": []}),
            Refusal::Schema,
        ),
        (
            json!({"total_pages": -1, "page_number": 1, "contents": []}),
            Refusal::Schema,
        ),
        (
            page(1, 1, &[json!("1"), json!(7), json!({"a": 1})]),
            Refusal::Identifiers,
        ),
        (page(1, 1, &vec![json!(uuid(1)); 1_001]), Refusal::Large),
    ] {
        let (refusal, _) = refusal_of(move |path: &str, _: &str| match path {
            "/robots.txt" => status(404),
            _ => body(&json),
        })
        .await;
        assert_eq!(refusal, wanted);
    }
    let deep = format!(
        "{{\"total_pages\":1,\"page_number\":1,\"contents\":[],\"x\":{}",
        "[".repeat(100_000)
    );
    for (bytes, wanted) in [
        (deep.into_bytes(), Refusal::Json),
        (b"<html>".to_vec(), Refusal::Json),
        (Vec::new(), Refusal::Json),
        (vec![0xff, 0xfe, 0], Refusal::Json),
        (vec![b' '; (4 << 20) + 1], Refusal::Large),
    ] {
        let (refusal, _) = refusal_of(move |path: &str, _: &str| match path {
            "/robots.txt" => status(404),
            _ => Ok(Got::Body {
                bytes: bytes.clone(),
                etag: String::new(),
            }),
        })
        .await;
        assert_eq!(refusal, wanted);
    }
    for (code, wanted) in [
        (401, Refusal::Denied),
        (403, Refusal::Denied),
        (404, Refusal::Denied),
        (204, Refusal::Denied),
    ] {
        let (refusal, _) = refusal_of(move |path: &str, _: &str| match path {
            "/robots.txt" => status(404),
            _ => status(code),
        })
        .await;
        assert_eq!(refusal, wanted, "{code}");
    }
    // 304 to somebody who holds nothing.
    let (refusal, _) = refusal_of(|path: &str, _: &str| match path {
        "/robots.txt" => status(404),
        _ => Ok(Got::Unchanged),
    })
    .await;
    assert_eq!(refusal, Refusal::Schema);
    let robots = |path: &str, etag: &str| match path {
        "/robots.txt" => Ok(Got::Body {
            bytes: b"User-agent: *\nDisallow: /api/services".to_vec(),
            etag: String::new(),
        }),
        path => sound(path, etag),
    };
    assert_eq!(refusal_of(robots).await, (Refusal::Robots, 1));
}

#[tokio::test]
async fn one_bad_service_is_left_out_and_the_others_come_in() {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let web = server(|path: &str, _: &str| match (path, number(path)) {
        ("/robots.txt", _) => Ok(Got::Body {
            bytes: b"User-agent: *\nCrawl-delay: 7".to_vec(),
            etag: String::new(),
        }),
        (_, Some(n)) => {
            let ids: Vec<Value> = (1..=8)
                .map(|n| json!(uuid(n)))
                .chain([json!("not one")])
                .collect();
            body(&page(n, 1, &ids))
        }
        _ => {
            let id = path.rsplit('/').next().unwrap();
            let mut it = service(id);
            match id.chars().last().unwrap() {
                '1' => it["id"] = json!(uuid(99)),
                '2' => it["status"] = json!("perhaps"),
                '3' => it["name"] = json!(17),
                '4' => it["name"] = json!("<br>"),
                '5' => return status(404),
                '6' => {
                    return Ok(Got::Body {
                        bytes: b"[".repeat(100_000),
                        etag: String::new(),
                    });
                }
                '7' => {
                    // What can be left out is left out.
                    it["url"] = json!("javascript:alert(1)");
                    it["description"] = json!("w\u{e9}".repeat(5_000));
                    it["schedules"][0]["valid_to"] = json!("2021-01-01");
                    it["cost_options"] = json!([{"amount": 5}, {"amount": 9}]);
                    it["organization"]["name"] = json!("Library ".repeat(60));
                    it["minimum_age"] = json!(1e300);
                }
                _ => {}
            }
            body(&it)
        }
    });
    let Step::Done(tally) = run(&world, &web, feed, &mut now).await else {
        panic!()
    };
    assert_eq!((tally.found, tally.added, tally.refused), (8, 2, 7));
    assert_eq!(
        now.as_second() - at(BEGIN).as_second(),
        7 * 10,
        "as robots.txt asks"
    );
    let all = kept(&world).await;
    let (_, texts) = all.iter().find(|(s, _)| s.it.source_id == uuid(7)).unwrap();
    assert_eq!(
        (
            of(texts, "url"),
            of(texts, "end"),
            of(texts, "cost"),
            of(texts, "minimum_age")
        ),
        ("", "", "", "")
    );
    assert_eq!(of(texts, "start"), "2022-01-10");
    assert!(of(texts, "organisation").ends_with('\u{2026}'));
}

/// A directory of everything: what nothing tells to be digital stays out, unless its kind was asked for.
#[tokio::test]
async fn only_services_about_digital_skills_come_in() {
    let world = World::new().await;
    let web = server(|path: &str, _: &str| match (path, number(path)) {
        ("/robots.txt", _) => status(404),
        (_, Some(n)) => body(&page(
            n,
            1,
            &[json!(uuid(1)), json!(uuid(2)), json!(uuid(3))],
        )),
        _ => {
            let id = path.rsplit('/').next().unwrap();
            let mut it = service(id);
            it["attributes"] = json!([]);
            it["name"] = json!(match id.chars().last().unwrap() {
                '1' => "Food bank",
                '2' => "Tablets for beginners",
                // A word of the coordinator's table.
                _ => "Spreadsheets on Tuesdays",
            });
            body(&it)
        }
    });
    let (feed, mut now) = begin(&world, BEGIN).await;
    let Step::Done(tally) = run(&world, &web, feed, &mut now).await else {
        panic!()
    };
    assert_eq!((tally.found, tally.added, tally.refused), (3, 2, 1));
    let names: Vec<String> = kept(&world)
        .await
        .into_iter()
        .map(|(s, _)| s.it.name)
        .collect();
    assert_eq!(names, ["Spreadsheets on Tuesdays", "Tablets for beginners"]);
    let later = at("2022-04-04T09:00:00Z");
    world
        .store
        .begin_pull(FEED, "t1", "ann", later)
        .await
        .unwrap();
    let mut now = later;
    let Step::Done(tally) = run(&world, &web, feed, &mut now).await else {
        panic!()
    };
    assert_eq!((tally.added, tally.unchanged, tally.refused), (1, 2, 0));
}

/// A taxonomy term asks for a part, and another term for another one from its beginning.
#[tokio::test]
async fn another_question_begins_anew() {
    let world = World::new().await;
    let (feed, mut now) = begin(&world, BEGIN).await;
    let web =
        server(|path: &str, etag: &str| sound(&path.replace("&taxonomy_term_id=a%2Fb", ""), etag));
    for _ in 0..3 {
        step(&world.store, &web, feed, now).await.unwrap();
        now += PAUSE;
    }
    let same = world
        .store
        .begin_pull(FEED, "a/b", "ann", now)
        .await
        .unwrap();
    assert_eq!(same, feed);
    assert!(matches!(
        run(&world, &web, feed, &mut now).await,
        Step::Done(_)
    ));
    let asked = web.asked.lock().unwrap();
    assert!(
        asked
            .last()
            .is_some_and(|ask| ask.url.path().starts_with("/api/services/"))
    );
    assert!(
        asked
            .iter()
            .any(|ask| ask.url.query() == Some("page=1&per_page=50&taxonomy_term_id=a%2Fb"))
    );
}
