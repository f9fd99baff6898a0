use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::enrolment::{READ_TYPE, ReadBody};
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{
    Again, Area, Attrition, Cause, CostBand, Design, Direction, Evidence, Factor, FollowUp,
    Participants, PracticeEntry, Sharing, Strength, Verdict,
};
use ldsp_protocol::statement::Kind;

use crate::store::Log;
use crate::testing::{Answer, ORIGIN, Sim, World, at};

pub(crate) fn entry(lep: &str) -> PracticeEntry {
    PracticeEntry {
        title: "Evening course in a depot".into(),
        what: "Ten evenings for drivers.".into(),
        tier: "basic".into(),
        skills: vec!["foundation".into()],
        audience: vec!["people-in-work".into()],
        mode: "face-to-face".into(),
        area: Area::Lep(lep.parse().unwrap()),
        cost: CostBand::To10k,
        verdict: Verdict::Failed,
        causes: vec![Cause {
            factor: Factor::Timing,
            direction: Direction::FailedBecause,
            because: "Shifts changed weekly.".into(),
        }],
        again: Again::No,
        change: "Run it at shift change.".into(),
        repeat: "Ask the depot for its rota first.".into(),
        evidence: vec![],
        strength: Strength {
            design: Design::None,
            participants: Participants::Under30,
            attrition: Attrition::High,
            follow_up: FollowUp::None,
        },
        tools: vec![],
        contact_role: "Coordinator".into(),
        sharing: Sharing::PeersUntil(jiff::civil::date(2023, 3, 1)),
        review: jiff::civil::date(2023, 6, 1),
        supersedes: None,
        replicates: None,
    }
}

pub(super) async fn signed(
    world: &World,
    sim: &Sim,
    path: &str,
    claimed: &str,
    at: Timestamp,
) -> Answer {
    let body = ReadBody {
        schema: 1,
        origin: ORIGIN.into(),
        node: sim.slug.clone(),
        path: claimed.into(),
        at,
    };
    let sealed = Sealed::sign(&sim.key, READ_TYPE, &serde_json::to_vec(&body).unwrap());
    let credential = format!("LDSP {}", BASE64.encode(sealed.envelope()));
    let headers = [("authorization", credential.as_str())];
    world.call(Method::GET, path, &headers, Body::empty()).await
}

#[tokio::test]
async fn peers_first_means_peers_until_the_date_and_everybody_from_it_on() {
    let world = World::new().await;
    let (mut author, reader) = (Sim::new(0), Sim::new(1));
    world.admit(&author).await;
    world.admit(&reader).await;
    let sealed = author.seal(Kind::PracticeEntry, None, entry("E37000001"));
    let put = world.put(&author.path(1), sealed.envelope()).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    author.advance(&sealed);

    let path = author.path(1);
    let refused = world.get(&path).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.problem().code, "read");
    assert!(!refused.text().contains("depot"));
    let public = world.get("/api/v1/practice").await.json();
    assert_eq!(public["items"].as_array().unwrap().len(), 0);
    assert_eq!(
        world.get("/v1/practice").await.status,
        StatusCode::UNAUTHORIZED
    );

    let now = world.service.now();
    let read = signed(&world, &reader, &path, &path, now).await;
    assert_eq!(read.body, sealed.envelope());
    assert_eq!(read.headers["cache-control"], "no-store");
    let query = "/v1/practice?verdict=failed&cause=timing";
    let listed = signed(&world, &reader, query, query, now).await.json();
    assert_eq!(
        listed["entries"][0]["entry"]["title"],
        "Evening course in a depot"
    );

    *world.now.lock().unwrap() = at("2023-02-28T23:59:59Z");
    assert_eq!(world.get(&path).await.status, StatusCode::UNAUTHORIZED);
    *world.now.lock().unwrap() = at("2023-03-01T00:00:00Z");
    assert_eq!(world.get(&path).await.body, sealed.envelope());
    let public = world.get("/api/v1/practice").await.json();
    assert_eq!(public["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_filter_by_a_code_of_no_list_is_a_problem() {
    let world = World::new().await;
    for field in ["tier", "verdict", "cause"] {
        let answer = world
            .get(&format!("/api/v1/practice?{field}=nonsense"))
            .await;
        let problem = answer.problem();
        assert_eq!(problem.code, "parameter", "{field}");
    }
    let known = world.get("/api/v1/practice?tier=basic").await;
    assert_eq!(known.status, StatusCode::OK);
}

#[tokio::test]
async fn a_signed_read_holds_for_its_address_time_and_signer_only() {
    let world = World::new().await;
    let reader = Sim::new(1);
    let now = world.service.now();
    let path = "/v1/practice";
    let stranger = signed(&world, &reader, path, path, now).await;
    assert_eq!(stranger.problem().code, "read");
    world.admit(&reader).await;
    assert_eq!(
        signed(&world, &reader, path, path, now).await.status,
        StatusCode::OK
    );
    let elsewhere = signed(&world, &reader, path, "/v1/practice?tier=basic", now).await;
    assert_eq!(elsewhere.problem().code, "read");
    for shift in [-301, 301] {
        let then = Timestamp::from_second(now.as_second() + shift).unwrap();
        let stale = signed(&world, &reader, path, path, then).await;
        assert_eq!(stale.problem().code, "read");
    }
    let mut thief = Sim::new(2);
    thief.slug = reader.slug.clone();
    assert_eq!(
        signed(&world, &thief, path, path, now).await.problem().code,
        "read"
    );
}

#[tokio::test]
async fn entries_with_faults_personal_data_or_foreign_evidence_are_refused() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let (_, summary) = sim.publish(20);
    world.put(&sim.path(1), summary.envelope()).await;
    let cite = |statement| Evidence {
        statement,
        table: "everyday.tier-by-everyday".into(),
        cell: 1,
    };
    let mut personal = entry("E37000001");
    personal.what = "Ask jo@example.org".into();
    let mut abroad = entry("E37000055");
    abroad.sharing = Sharing::Public;
    let mut invented = entry("E37000001");
    invented.evidence = vec![cite(Digest::of(b"nothing"))];
    for (fault, word) in [
        (personal, "what"),
        (abroad, "area"),
        (invented, "evidence[0]"),
    ] {
        let sealed = sim.seal(Kind::PracticeEntry, None, fault);
        let answer = world.put(&sim.path(2), sealed.envelope()).await;
        assert_eq!(answer.problem().code, "practice");
        assert!(answer.problem().detail.contains(word), "{}", answer.text());
        assert!(!answer.text().contains("jo@"));
    }
    assert_eq!(world.service.store.size().await.unwrap(), 2);
    let mut sound = entry("E37000001");
    sound.evidence = vec![cite(summary.pae())];
    let sealed = sim.seal(Kind::PracticeEntry, None, sound);
    let answer = world.put(&sim.path(2), sealed.envelope()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}
