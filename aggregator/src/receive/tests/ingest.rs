use axum::body::Body;
use axum::http::{Method, StatusCode};
use ed25519_dalek::SigningKey;
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::log::{Entry, Proof};
use ldsp_protocol::receipt::{Receipt, VerifiedReceipt};
use ldsp_protocol::standard::{STANDARD_V1, STANDARD_V2, Standard};
use ldsp_protocol::statement::Kind;

use crate::store::{Log, Registry, Rollups};
use crate::testing::{Answer, Sim, World};

async fn world() -> (World, Sim) {
    let world = World::new().await;
    let sim = Sim::new(0);
    world.admit(&sim).await;
    (world, sim)
}

pub(crate) fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.problem().code, code, "{}", answer.text());
}

async fn nothing_is_stored(world: &World) {
    let statements = world.service.store.statements(0, 9).await.unwrap();
    assert_eq!(statements, []);
    assert!(
        world
            .service
            .store
            .contributions(None)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(world.service.store.national().await.unwrap().is_empty());
}

#[tokio::test]
async fn figures_outlast_practice_entries() {
    let (world, mut sim) = world().await;
    let (seq, sealed) = sim.publish(20);
    world.put(&sim.path(seq), sealed.envelope()).await;
    for (number, (path, names_the_size)) in [
        ("/api/v1/benchmarks.csv", false),
        ("/api/v1/leps/E37000001", false),
        ("/api/v1/benchmarks", true),
    ]
    .into_iter()
    .enumerate()
    {
        let first = world.get(path).await;
        let entry = super::practice::entry("E37000001");
        let sealed = sim.seal(Kind::PracticeEntry, None, entry);
        let place = sim.path(2 + number as u64);
        let put = world.put(&place, sealed.envelope()).await;
        assert_eq!(put.status, StatusCode::CREATED);
        sim.advance(&sealed);
        let later = world.get(path).await;
        assert_eq!(later.body != first.body, names_the_size, "{path}");
        let same = later.headers["etag"] == first.headers["etag"];
        assert_ne!(same, names_the_size, "{path}");
    }
}

#[tokio::test]
async fn who_holds_the_present_state_is_not_sent_it_again() {
    let (world, mut sim) = world().await;
    for path in [
        "/api/v1/benchmarks.csv",
        "/api/v1/benchmarks",
        "/api/v1/nodes",
        "/api/v1/leps/E37000001",
    ] {
        let first = world.get(path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let ask = async |tag: &str| {
            let headers = [("if-none-match", tag)];
            world.call(Method::GET, path, &headers, Body::empty()).await
        };
        let again = ask(&format!("\"x\", {tag}")).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty() && again.headers["etag"] == *tag);
        let (seq, sealed) = sim.publish(20);
        world.put(&sim.path(seq), sealed.envelope()).await;
        let changed = ask(&tag).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}");
        assert_ne!(changed.headers["etag"], *tag);
    }
    let unknown = world.get("/api/v1/leps/nowhere").await;
    assert!(!unknown.headers.contains_key("etag"));
}

/// What a receipt says of the statement that was sent.
fn held(world: &World, receipt: &str, sim: &Sim, (seq, sealed): (u64, &Sealed)) -> VerifiedReceipt {
    let entry = Entry {
        kind: Kind::LearningSummary,
        node: sim.slug.clone(),
        seq,
        key_id: key_id(&sim.key.verifying_key()),
        pae: sealed.pae(),
    };
    let receipt = Receipt::from_text(receipt);
    let held = receipt.check(world.service.signer.verifier(), &entry);
    held.unwrap()
}

#[tokio::test]
async fn a_sound_statement_gets_a_receipt_that_verifies_and_is_served_verbatim() {
    let (world, mut sim) = world().await;
    let (seq, sealed) = sim.publish(200);
    let answer = world.put(&sim.path(1), sealed.envelope()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let verified = held(&world, &answer.text(), &sim, (seq, &sealed));
    // Behind the key of the node.
    assert_eq!(verified.index, 1);
    assert_eq!(verified.checkpoint.unwrap().size, 2);
    assert_eq!(world.get(&sim.path(1)).await.body, sealed.envelope());
    let again = world.get(&format!("{}/receipt", sim.path(1))).await;
    assert_eq!(again.body, answer.body);
    let record = world.get("/v1/nodes/black-country").await.json();
    assert_eq!(record["seq"], 1);
    assert_eq!(record["prev"], sealed.pae().to_string());
}

#[tokio::test]
async fn a_replay_gets_a_receipt_for_the_same_place() {
    let (world, mut sim) = world().await;
    let (_, first) = sim.publish(50);
    let answer = world.put(&sim.path(1), first.envelope()).await;
    let (_, second) = sim.publish(50);
    world.put(&sim.path(2), second.envelope()).await;
    let again = world.put(&sim.path(1), first.envelope()).await;
    assert_eq!(again.status, StatusCode::OK);
    let early = held(&world, &answer.text(), &sim, (1, &first));
    let late = held(&world, &again.text(), &sim, (1, &first));
    assert_eq!((early.index, late.index), (1, 1));
    let sizes = [early, late].map(|held| held.checkpoint.unwrap().size);
    assert_eq!(sizes, [2, 3], "each leads to the log as it then was");
    let stored = world.get(&format!("{}/receipt", sim.path(1))).await;
    assert_eq!(stored.body, again.body);
    assert_eq!(stored.headers["cache-control"], "no-cache");
    assert_eq!(world.service.store.size().await.unwrap(), 3);
}

#[tokio::test]
async fn the_receipt_survives_a_crash_between_append_and_acknowledgement() {
    let (world, mut sim) = world().await;
    let (_, sealed) = sim.publish(50);
    let lost = world.put(&sim.path(1), sealed.envelope()).await;
    let dir = world.crash().await;
    let world = World::in_dir(dir).await;
    let again = world.put(&sim.path(1), sealed.envelope()).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body, lost.body);
}

#[tokio::test]
async fn unsigned_altered_and_foreign_envelopes_are_refused() {
    let (world, mut sim) = world().await;
    let (_, sealed) = sim.publish(20);
    let path = sim.path(1);
    refused(&world.put(&path, b"{}").await, 400, "envelope");
    let mut json: serde_json::Value = serde_json::from_slice(sealed.envelope()).unwrap();
    json["signatures"] = serde_json::json!([]);
    let unsigned = serde_json::to_vec(&json).unwrap();
    refused(&world.put(&path, &unsigned).await, 400, "envelope");
    let other = Sealed::sign(&sim.key, "application/x", b"{}");
    let mut json: serde_json::Value = serde_json::from_slice(sealed.envelope()).unwrap();
    let theirs: serde_json::Value = serde_json::from_slice(other.envelope()).unwrap();
    json["payload"] = theirs["payload"].clone();
    let altered = serde_json::to_vec(&json).unwrap();
    refused(&world.put(&path, &altered).await, 403, "signature");
    sim.key = SigningKey::from_bytes(&[77; 32]);
    (sim.seq, sim.prev) = (0, Digest::ZERO);
    let foreign = sim.seal(Kind::LearningSummary, Some(sim.next), 1);
    refused(
        &world.put(&path, foreign.envelope()).await,
        403,
        "unknown-key",
    );
    let typed = world
        .call(
            Method::PUT,
            &path,
            &[("content-type", "text/plain")],
            sealed.envelope().to_vec(),
        )
        .await;
    refused(&typed, 415, "media-type");
    nothing_is_stored(&world).await;
}

#[tokio::test]
async fn a_statement_for_another_address_is_refused() {
    let (world, mut sim) = world().await;
    let other = Sim::new(1);
    world.admit(&other).await;
    let (_, sealed) = sim.publish(20);
    refused(
        &world.put(&sim.path(2), sealed.envelope()).await,
        422,
        "misdirected",
    );
    refused(
        &world.put(&other.path(1), sealed.envelope()).await,
        403,
        "unknown-key",
    );
    refused(
        &world
            .put("/v1/nodes/nobody/statements/1", sealed.envelope())
            .await,
        404,
        "unknown-node",
    );
    refused(
        &world
            .put("/v1/nodes/UP/statements/1", sealed.envelope())
            .await,
        404,
        "unknown-node",
    );
    refused(
        &world
            .put("/v1/nodes/black-country/statements/0", sealed.envelope())
            .await,
        404,
        "not-found",
    );
    nothing_is_stored(&world).await;
}

#[tokio::test]
async fn a_gap_names_the_expected_number() {
    let (world, mut sim) = world().await;
    sim.publish(20);
    let (_, second) = sim.publish(20);
    let answer = world.put(&sim.path(2), second.envelope()).await;
    refused(&answer, 409, "gap");
    assert_eq!(answer.problem().expected_seq, Some(1));
}

#[tokio::test]
async fn equivocation_is_refused_and_kept_as_proof() {
    let (world, mut sim) = world().await;
    let (_, first) = sim.publish(20);
    world.put(&sim.path(1), first.envelope()).await;
    let mut twin = Sim::new(0);
    twin.publish(1);
    (twin.seq, twin.prev) = (0, Digest::ZERO);
    let summary = twin.summary(30);
    let other = twin.seal(
        Kind::LearningSummary,
        Some("2022-01".parse().unwrap()),
        summary,
    );
    for _ in 0..2 {
        let answer = world.put(&sim.path(1), other.envelope()).await;
        refused(&answer, 409, "equivocation");
    }
    let store = &world.service.store;
    assert_eq!(store.contradictions(&sim.slug).await.unwrap().len(), 1);
    let proof = store.evidence(&sim.slug, 1).await.unwrap().unwrap();
    assert_eq!((proof.logged, proof.refused), (first.pae(), other.pae()));
    assert_eq!(proof.envelope, other.envelope());
    assert_eq!(world.service.store.size().await.unwrap(), 2);
}

/// An entry may be withdrawn, and a receipt leads to a later checkpoint: who kept one asks before using it again.
#[tokio::test]
async fn what_is_public_is_asked_about_each_time() {
    let (world, mut sim) = world().await;
    let (_, sealed) = sim.publish(20);
    world.put(&sim.path(1), sealed.envelope()).await;
    for path in [sim.path(1), format!("{}/receipt", sim.path(1))] {
        let answer = world.get(&path).await;
        assert_eq!(answer.headers["cache-control"], "no-cache", "{path}");
        let tag = answer.headers["etag"].to_str().unwrap();
        let held = [("if-none-match", tag)];
        let again = world.call(Method::GET, &path, &held, Body::empty()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn a_broken_chain_is_refused() {
    let (world, mut sim) = world().await;
    let (_, first) = sim.publish(20);
    world.put(&sim.path(1), first.envelope()).await;
    sim.prev = Digest::of(b"elsewhere");
    let (_, second) = sim.publish(20);
    refused(
        &world.put(&sim.path(2), second.envelope()).await,
        409,
        "chain",
    );
}

#[tokio::test]
async fn future_and_skipped_months_are_refused() {
    let (world, mut sim) = world().await;
    *world.now.lock().unwrap() = "2022-01-31T23:59:59Z".parse().unwrap();
    let (_, sealed) = sim.publish(20);
    let early = world.put(&sim.path(1), sealed.envelope()).await;
    refused(&early, 422, "period");
    *world.now.lock().unwrap() = "2022-02-01T00:00:00Z".parse().unwrap();
    let due = world.put(&sim.path(1), sealed.envelope()).await;
    assert_eq!(due.status, StatusCode::CREATED);
    *world.now.lock().unwrap() = "2023-02-01T00:00:00Z".parse().unwrap();
    sim.next = "2022-03".parse().unwrap();
    let (_, skipped) = sim.publish(20);
    let answer = world.put(&sim.path(2), skipped.envelope()).await;
    refused(&answer, 422, "period");
    assert!(answer.problem().detail.contains("2022-02"));
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let (world, sim) = world().await;
    let big = vec![b' '; ldsp_protocol::dsse::MAX_ENVELOPE + 1];
    refused(&world.put(&sim.path(1), &big).await, 413, "too-large");
    nothing_is_stored(&world).await;
}

#[tokio::test]
async fn a_pending_node_may_not_publish() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    let (_, sealed) = sim.publish(20);
    refused(
        &world.put(&sim.path(1), sealed.envelope()).await,
        404,
        "unknown-node",
    );
    world.admit(&sim).await;
    sqlx::query("UPDATE node SET state = 'pending'")
        .execute(world.service.store.writer())
        .await
        .unwrap();
    refused(
        &world.put(&sim.path(1), sealed.envelope()).await,
        403,
        "not-active",
    );
}

#[tokio::test]
async fn a_damaged_summary_names_table_and_cell_and_stores_nothing() {
    let (world, mut sim) = world().await;
    let mut summary = sim.summary(20);
    summary.tables[2].cells[5] = i64::MAX;
    let sealed = sim.seal(Kind::LearningSummary, Some(sim.next), summary);
    let answer = world.put(&sim.path(1), sealed.envelope()).await;
    refused(&answer, 422, "summary");
    let problem = answer.problem();
    assert_eq!(problem.table.as_deref(), Some("starts.age-by-sex-by-tier"));
    assert_eq!(problem.cell, Some(5));
    nothing_is_stored(&world).await;
    let head = world
        .service
        .store
        .node(&sim.slug)
        .await
        .unwrap()
        .unwrap()
        .head;
    assert_eq!(head.seq, 0);
}

/// A fault that a month's noise can hide is found when it repeats itself.
#[tokio::test]
async fn a_repeated_fault_is_found_over_the_months() {
    let (world, mut sim) = world().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut summary = sim.without_noise_summary();
        let sigma = (summary.noise.sigma2["starts.pledge"] as f64).sqrt();
        // Against the 12 cells of disability by tier: sd of the difference is sqrt(13) sigma, and 7 of them are not refused.
        let mut tables = summary.tables.iter_mut();
        let pledge = tables.find(|t| t.id == "starts.pledge").unwrap();
        pledge.cells[0] += (7.0 * 13f64.sqrt() * sigma) as i64;
        let sealed = sim.seal(Kind::LearningSummary, Some(sim.next), summary);
        answers.push(world.put(&sim.path(sim.seq + 1), sealed.envelope()).await);
        sim.next = sim.next.next().unwrap();
        sim.advance(&sealed);
    }
    assert_eq!(answers[0].status, StatusCode::CREATED);
    refused(&answers[1], 422, "summary");
    let problem = answers[1].problem();
    assert_eq!(problem.table.as_deref(), Some("starts.disability-by-tier"));
    assert_eq!(problem.cell, Some(0));
    assert!(
        problem.detail.contains("of all months so far"),
        "{}",
        problem.detail
    );
    assert!(
        problem.detail.contains("starts.pledge"),
        "{}",
        problem.detail
    );
    assert_eq!(world.service.store.size().await.unwrap(), 2);
}

#[tokio::test]
async fn estimates_too_large_to_add_up_are_refused() {
    let (world, mut sim) = world().await;
    let mut summary = sim.without_noise_summary();
    // Every table of the family agrees, so only the bound on sums can refuse it.
    for table in summary
        .tables
        .iter_mut()
        .filter(|t| t.id.starts_with("everyday"))
    {
        table.cells[0] = 1 << 52;
    }
    let sealed = sim.seal(Kind::LearningSummary, Some(sim.next), summary);
    let answer = world.put(&sim.path(1), sealed.envelope()).await;
    refused(&answer, 422, "summary");
    assert!(answer.problem().detail.contains("8,388,608"));
    nothing_is_stored(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_of_many_nodes_at_once_are_all_logged_once() {
    let world = std::sync::Arc::new(World::new().await);
    let leps: Vec<_> = ldsp_protocol::geography::Geography::embedded()
        .leps()
        .collect();
    let mut tasks = tokio::task::JoinSet::new();
    // 32 nodes, each statement sent twice at the same time: 64 requests.
    let mut sims = Vec::new();
    for (number, lep) in leps.iter().take(32).enumerate() {
        let sim = Sim::named(lep.slug.as_str(), lep.code.as_str(), number as u8 + 1);
        world.admit(&sim).await;
        sims.push(sim);
    }
    for mut sim in sims {
        let (_, sealed) = sim.publish(5);
        for _ in 0..2 {
            let (world, path, envelope) = (world.clone(), sim.path(1), sealed.envelope().to_vec());
            tasks.spawn(async move {
                let answer = world.put(&path, &envelope).await;
                (path, answer.status, answer.text())
            });
        }
    }
    let mut receipts = std::collections::BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        let (path, status, receipt) = done.unwrap();
        assert!(status.is_success(), "{receipt}");
        let index = Proof::parse(&receipt).unwrap().index;
        assert_eq!(*receipts.entry(path).or_insert(index), index);
    }
    assert_eq!(receipts.len(), 32);
    let all = world.service.store.statements(0, 100).await.unwrap();
    let indices: Vec<u64> = all.iter().map(|s| s.index).collect();
    assert_eq!(indices, (32..64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_store_that_cannot_write_says_so_and_acknowledges_nothing() {
    let (world, mut sim) = world().await;
    sqlx::query("CREATE TRIGGER full BEFORE INSERT ON statement BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(world.service.store.writer())
        .await
        .unwrap();
    let (_, sealed) = sim.publish(20);
    let answer = world.put(&sim.path(1), sealed.envelope()).await;
    refused(&answer, 503, "storage");
    assert!(answer.headers.contains_key("retry-after"));
    nothing_is_stored(&world).await;
    sqlx::query("DROP TRIGGER full")
        .execute(world.service.store.writer())
        .await
        .unwrap();
    let again = world.put(&sim.path(1), sealed.envelope()).await;
    assert_eq!(again.status, StatusCode::CREATED);
}

#[tokio::test]
async fn public_documents_are_served() {
    let (world, mut sim) = world().await;
    let (_, sealed) = sim.publish(500);
    world.put(&sim.path(1), sealed.envelope()).await;
    assert_eq!(world.get("/v1/standard").await.body, STANDARD_V2.as_bytes());
    for text in [STANDARD_V1, STANDARD_V2] {
        let path = format!("/v1/standards/{}", Digest::of(text.as_bytes()));
        assert_eq!(world.get(&path).await.body, text.as_bytes());
    }
    let path = format!("/v1/standards/{}", Digest::of(b"another"));
    refused(&world.get(&path).await, 404, "not-found");
    let vkey = world.get("/v1/verifier").await.text();
    assert_eq!(vkey.trim_end(), world.service.signer.verifier().vkey());
    assert_eq!(world.get("/health/live").await.status, StatusCode::OK);
    assert_eq!(world.get("/health/ready").await.status, StatusCode::OK);
    let report = world.get("/api/v1/benchmarks").await.json();
    assert_eq!(report["coverage"]["of"], 38);
    assert_eq!(report["national"][0]["measure"], "starts");
    let nodes = world.get("/api/v1/nodes").await.json();
    assert_eq!(nodes["items"].as_array().unwrap().len(), 1);
    let lep = world.get("/api/v1/leps/E37000001").await.json();
    assert_eq!(lep["standing"]["status"], "contributed");
    refused(&world.get("/api/v1/leps/E37999999").await, 404, "not-found");
    let csv = world.get("/api/v1/benchmarks.csv").await.text();
    assert!(csv.starts_with("place_code,place,"));
    assert!(csv.lines().all(|line| !line.contains(",,")), "a blank cell");
    let missing = world
        .call(
            Method::GET,
            "/v1/nodes/black-country/statements/9",
            &[],
            Body::empty(),
        )
        .await;
    refused(&missing, 404, "not-found");
}

/// A node that began under the first standard publishes two summaries of each month after its switch; each stream has months of its own.
#[tokio::test]
async fn a_node_that_changes_standard_publishes_two_streams() {
    let (world, mut sim) = world().await;
    let put = async |sim: &Sim, (seq, sealed): (u64, Sealed)| {
        world.put(&sim.path(seq), sealed.envelope()).await
    };
    let (old, new) = (Standard::v1(), Standard::v2());
    for month in 0..3 {
        let first = sim.publish_under(old, 20);
        assert_eq!(put(&sim, first).await.status, StatusCode::CREATED);
        if month > 0 {
            let second = sim.publish_under(new, 20);
            assert_eq!(put(&sim, second).await.status, StatusCode::CREATED);
        }
        sim.next = sim.next.next().unwrap();
    }
    // A gap in one stream is none in the other.
    let mut skips = sim.summary_under(new, 5);
    let later = sim.next.next();
    let sealed = sim.seal_under(new.digest(), Kind::LearningSummary, later, skips.clone());
    let answer = put(&sim, (sim.seq + 1, sealed)).await;
    refused(&answer, 422, "period");
    // A summary under the name of the other standard is none of it.
    skips.noise.month = 4;
    let sealed = sim.seal_under(old.digest(), Kind::LearningSummary, Some(sim.next), skips);
    refused(&put(&sim, (sim.seq + 1, sealed)).await, 422, "summary");
    let unknown = Digest::of(b"a standard of tomorrow");
    let summary = sim.summary_under(old, 5);
    let sealed = sim.seal_under(unknown, Kind::LearningSummary, Some(sim.next), summary);
    let answer = put(&sim, (sim.seq + 1, sealed)).await;
    refused(&answer, 409, "standard");
    assert!(answer.text().contains(&new.digest().to_string()));
    assert_eq!(world.service.store.size().await.unwrap(), 6);
}
