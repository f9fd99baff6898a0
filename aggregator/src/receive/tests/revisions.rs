//! Withdrawals and corrections over the router.

use axum::http::StatusCode;
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::ids::{Digest, Period};
use ldsp_protocol::practice::Sharing;
use ldsp_protocol::problem::Drawn;
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::statement::{Kind, Payload, Statement};
use ldsp_protocol::summary::LearningSummary;

use super::ingest::refused;
use super::practice::entry;
use crate::store::Log;
use crate::testing::{Sim, World};

const WHY: &str = "Published before the area had agreed to it.";

fn summary(sim: &Sim, sealed: &Sealed) -> LearningSummary {
    let key = sim.key.verifying_key();
    let verified = Unverified::parse(sealed.envelope()).unwrap().verify(&key);
    match Statement::read(&verified.unwrap()).unwrap().payload {
        Payload::LearningSummary(summary) => summary,
        other => panic!("{other:?}"),
    }
}

fn withdrawal((seq, pae): (u64, Digest), cells: Option<Digest>) -> Withdrawal {
    Withdrawal {
        statement: Named { seq, pae },
        reason: WHY.to_owned(),
        cells,
    }
}

async fn send<P: serde::Serialize>(
    world: &World,
    sim: &mut Sim,
    (kind, period): (Kind, Option<Period>),
    payload: P,
) -> (u64, Sealed) {
    let sealed = sim.seal(kind, period, payload);
    sim.advance(&sealed);
    let answer = world.put(&sim.path(sim.seq), sealed.envelope()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    (sim.seq, sealed)
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_with_a_reason_and_figures_follow_at_once() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let (seq, sealed) = sim.publish(20);
        let answer = world.put(&sim.path(seq), sealed.envelope()).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        sent.push(sealed);
    }
    let period = |n: usize| "2022-01".parse::<Period>().unwrap().plus(n as i32);
    let lep = "/api/v1/leps/E37000001";
    let (before, figures) = (world.get(lep).await, world.get("/api/v1/benchmarks").await);
    let february = summary(&sim, &sent[1]);
    let cells = february.cells_digest();

    let payload = withdrawal((2, sent[1].pae()), Some(cells));
    let (by, sealed) = send(&world, &mut sim, (Kind::Withdrawal, None), payload).await;
    let gone = world.get(&sim.path(2)).await;
    refused(&gone, 410, "withdrawn");
    let leaf = world
        .service
        .store
        .leaf(&sim.slug, by)
        .await
        .unwrap()
        .unwrap();
    let said = gone.problem();
    assert_eq!(said.drawn, Some(Drawn { epoch: 1, month: 2 }));
    let detail = said.detail;
    assert!(
        detail.contains(WHY) && detail.contains(&format!("statement {leaf} of the log")),
        "{detail}"
    );
    assert_eq!(
        world.get(&format!("{}/receipt", sim.path(2))).await.status,
        StatusCode::OK
    );
    // A restored node sends everything again.
    for (at, sealed) in sent.iter().chain([&sealed]).enumerate() {
        let again = world.put(&sim.path(at as u64 + 1), sealed.envelope()).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    }
    refused(&world.get(&sim.path(2)).await, 410, "withdrawn");
    let no_entry = world.get("/api/v1/practice/black-country/2").await;
    refused(&no_entry, 404, "not-found");
    let after = world.get(lep).await;
    assert_ne!(after.headers["etag"], before.headers["etag"]);
    let months = after.json();
    assert_ne!(months, before.json());

    let list = world.get("/api/v1/revisions").await.json();
    let item = &list["items"][0];
    assert_eq!(item["kind"], "withdrawal");
    assert_eq!(item["reason"], WHY);
    assert_eq!(item["target_kind"], "learning-summary");
    assert_eq!(item["cells"], cells.to_string());
    assert_eq!(item["period"], period(1).unwrap().to_string());
    let lines = world.get("/api/v1/statements?kind=learning-summary").await;
    assert_eq!(lines.json()["items"][1]["withdrawn"], leaf);
    refused(
        &world.get("/api/v1/revisions?node=nobody-here").await,
        404,
        "unknown-node",
    );

    let correction = Correction {
        supersedes: Named {
            seq: 2,
            pae: sent[1].pae(),
        },
        reason: "The area has agreed to it now.".into(),
        summary: february,
    };
    let mut redrawn = correction.clone();
    redrawn.summary.tables[0].cells[0] += 1;
    let of = (Kind::Correction, period(1));
    let sealed = sim.seal(of.0, of.1, redrawn);
    let answer = world.put(&sim.path(sim.seq + 1), sealed.envelope()).await;
    refused(&answer, 422, "redraw");
    send(&world, &mut sim, of, correction).await;
    assert_eq!(
        world.get("/api/v1/benchmarks").await.json()["items"],
        figures.json()["items"]
    );
    // What stands at the place stays withdrawn; the month is the correction's.
    refused(&world.get(&sim.path(2)).await, 410, "withdrawn");
    assert_eq!(world.get(&sim.path(5)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_withdrawn_entry_leaves_the_library_for_everybody() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let of = (Kind::PracticeEntry, None);
    let mut open = entry("E37000001");
    open.sharing = Sharing::Public;
    let (seq, sealed) = send(&world, &mut sim, of, open).await;
    assert_eq!(
        world.get("/api/v1/practice").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut personal = withdrawal((seq, sealed.pae()), None);
    personal.reason = "Ask Jo on 0121 496 0000".into();
    let refused_one = sim.seal(Kind::Withdrawal, None, personal);
    let answer = world.put(&sim.path(2), refused_one.envelope()).await;
    refused(&answer, 422, "withdrawal");
    assert!(!answer.text().contains("0121"));
    let payload = withdrawal((seq, sealed.pae()), None);
    send(&world, &mut sim, (Kind::Withdrawal, None), payload).await;
    assert_eq!(
        world.get("/api/v1/practice").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    refused(&world.get(&sim.path(1)).await, 410, "withdrawn");
    refused(
        &world.get("/api/v1/practice/black-country/1").await,
        410,
        "withdrawn",
    );
}
