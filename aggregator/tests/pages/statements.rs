//! Who sent what: nodes, their keys, their statements, their conflicts.

use axum::http::{StatusCode, header};
use ldsp_aggregator::store::{Equivocation, Log, LoggedStatement};
use ldsp_protocol::dsse::Sealed;
use ldsp_protocol::ids::Digest;
use ldsp_protocol::practice::{PracticeEntry, Sharing};
use ldsp_protocol::statement::{Body, Kind};
use ldsp_protocol::summary::LearningSummary;
use serde::{Serialize, de::DeserializeOwned};

use crate::browser::Browser;
use crate::synthetic::{entry, key, leps};

#[tokio::test]
async fn statements_are_listed_newest_first_by_pages_and_by_choice() {
    let mut browser = Browser::open().await;
    let [first, second] = [leps()[0], leps()[1]];
    browser.world.join(first).await;
    browser.world.join(second).await;
    for n in 0..28 {
        let one = entry(&format!("Entry {n}"), first);
        browser.world.share(first, one).await;
    }
    let month = "2026-10".parse().unwrap();
    browser.world.publish(second, month, 1, 400).await;
    let list = browser.shows("/statements").await;
    assert!(list.contains("The log holds 29 statements"));
    assert!(list.contains(">Statement 30</a>") && list.contains(">Statement 6</a>"));
    assert!(!list.contains(">Statement 5</a>") && !list.contains("rel=\"prev\""));
    assert!(list.contains("href=\"/statements?before=6\" rel=\"next\""));
    assert!(list.contains("Monthly release, October 2026"));
    let rest = browser.shows("/statements?before=6").await;
    assert!(rest.contains(">Statement 5</a>") && rest.contains(">Statement 2</a>"));
    assert!(rest.contains("href=\"/statements?after=5\" rel=\"prev\""));
    assert!(!rest.contains("rel=\"next\""));
    let releases = browser.shows("/statements?kind=learning-summary").await;
    assert!(releases.contains(">Statement 30</a>") && !releases.contains(">Statement 29</a>"));
    let of_one = browser
        .shows("/statements?node=black-country&kind=practice-entry&before=7")
        .await;
    assert!(
        of_one.contains(
            "href=\"/statements?node=black-country&#38;kind=practice-entry&#38;after=6\""
        )
    );
    let none = browser
        .shows("/statements?node=black-country&kind=learning-summary")
        .await;
    assert!(none.contains("No statement is both of this node and of this kind"));
    // Unknown words choose nothing.
    let odd = browser
        .shows("/statements?node=%22%3E&kind=rumour&before=x")
        .await;
    assert!(odd.contains(">Statement 30</a>"));
    // The entries' titles are the authors' to tie to their area, not the list's.
    assert!(!list.contains("Entry 27"));
}

#[tokio::test]
async fn a_statement_is_shown_whole_with_the_commands_that_check_it() {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let month = "2026-09".parse().unwrap();
    let digests = browser.world.publish(lep, month, 2, 400).await;
    let page = browser.shows("/statements/2").await;
    for part in [
        digests[0].to_string(),
        digests[1].to_string(),
        "Protected tables of October 2026".to_owned(),
        "href=\"/v1/nodes/black-country/statements/2\"".to_owned(),
        "curl -fsS -o envelope.json https://log.example.org/v1/nodes/black-country/statements/2"
            .to_owned(),
        "curl -fsS -o node.pem https://log.example.org/nodes/black-country/key.pem".to_owned(),
        "openssl pkeyutl -verify -pubin -inkey node.pem -rawin -in signed.bin".to_owned(),
        "securesystemslib".to_owned(),
        "@sigstore/core".to_owned(),
        "golang.org/x/mod/sumdb/note".to_owned(),
        "&#34;software&#34;: ".to_owned(),
        " more]".to_owned(),
        "href=\"/statements/1\" rel=\"prev\"".to_owned(),
    ] {
        assert!(page.contains(&part), "{part}");
    }
    assert!(!page.contains("rel=\"next\""));
    assert!(
        browser
            .shows("/statements/1")
            .await
            .contains("None: this is the node’s first")
    );
    for path in [
        "/statements/3",
        "/statements/-1",
        "/statements/x",
        "/statements/99999999999999999999",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            answer.body.contains("holds no statement at this place"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_entry_for_peers_is_named_with_its_date_and_withheld() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut early = entry("Canary title", lep);
    early.what = "Canary text".into();
    early.sharing = Sharing::PeersUntil("2026-11-23".parse().unwrap());
    let digest = browser.world.share(lep, early).await;
    let mut open = entry("Open title", lep);
    open.sharing = Sharing::PeersUntil("2026-11-22".parse().unwrap());
    browser.world.share(lep, open).await;
    for path in ["/statements", "/nodes/black-country"] {
        let list = browser.shows(path).await;
        assert!(
            list.contains("Practice entry, open from 23 November 2026"),
            "{path}"
        );
        assert!(!list.contains("Canary"), "{path}");
    }
    let page = browser.shows("/statements/1").await;
    assert!(page.contains("withheld here until 23 November 2026"));
    assert!(page.contains(&digest.to_string()) && page.contains("id=\"check-receipt\""));
    assert!(!page.contains("Canary") && !page.contains("envelope.json"));
    assert!(!page.contains("/practice/black-country/1"));
    let page = browser.shows("/statements/2").await;
    assert!(page.contains("Open title") && page.contains("/practice/black-country/2"));
}

#[tokio::test]
async fn an_entry_that_the_library_lost_is_not_shown() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let mut early = entry("Canary title", lep);
    early.sharing = Sharing::PeersUntil("2026-12-01".parse().unwrap());
    browser.world.share(lep, early).await;
    let leaf = browser.world.service.store.leaf(&lep.slug, 1).await;
    let leaf = leaf.unwrap().unwrap();
    browser
        .damage("DELETE FROM practice_cause; DELETE FROM practice")
        .await;
    let page = browser.get(&format!("/statements/{leaf}")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page.body.contains("Canary"), "{}", page.body);
}

#[tokio::test]
async fn nodes_are_listed_with_what_they_sent_and_have_pages() {
    let mut browser = Browser::open().await;
    assert!(
        browser
            .shows("/nodes")
            .await
            .contains("No area has joined yet")
    );
    assert!(
        browser
            .shows("/statements")
            .await
            .contains("Nothing has been published yet")
    );
    let [active, quiet, pending, invited] = [leps()[0], leps()[1], leps()[2], leps()[3]];
    browser.world.join(active).await;
    browser
        .world
        .publish(active, "2026-09".parse().unwrap(), 2, 400)
        .await;
    browser.world.share(active, entry("Learnt", active)).await;
    browser.world.join(quiet).await;
    browser.world.enrol(pending).await;
    browser.world.invite(invited).await;
    let list = browser.shows("/nodes").await;
    for part in [
        "2 of 38 areas have joined",
        "Joined, nothing yet",
        "Waiting for approval",
        "Invited",
        "34 areas have",
        "22 November 2026",
    ] {
        assert!(list.contains(part), "{part}");
    }
    let page = browser.shows(&format!("/nodes/{}", active.slug)).await;
    assert!(
        page.contains("2 (September to October 2026)") && page.contains("href=\"/statements/2\"")
    );
    assert!(!page.contains("id=\"conflicts\""));
    for (lep, text) in [
        (quiet, "has not sent anything yet"),
        (pending, "has asked to join"),
        (invited, "has been invited"),
    ] {
        let page = browser.shows(&format!("/nodes/{}", lep.slug)).await;
        assert!(page.contains(text), "{text}");
    }
    let file = browser
        .get(&format!("/nodes/{}/key.pem", active.slug))
        .await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/x-pem-file");
    assert!(
        file.body
            .starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA")
    );
    let none = browser
        .get(&format!("/nodes/{}/key.pem", invited.slug))
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    for path in [
        "/nodes/nobody",
        "/nodes/X%22",
        "/nodes/black-country/conflicts/1",
    ] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// Signs what `change` makes of a logged body, as a node that lost its way would.
fn second<P: Serialize + DeserializeOwned>(
    logged: &LoggedStatement,
    change: impl FnOnce(&mut Body<P>),
) -> Equivocation {
    let envelope: serde_json::Value =
        serde_json::from_slice(&logged.envelope).expect("what the test wrote");
    use base64::Engine as _;
    let payload = envelope["payload"].as_str().expect("what the test wrote");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(payload)
        .expect("what the test wrote");
    let mut body: Body<P> = serde_json::from_slice(&bytes).expect("what the test wrote");
    change(&mut body);
    let sealed = Sealed::sign(
        &key(&logged.node),
        &logged.kind.payload_type(),
        &body.to_bytes(),
    );
    Equivocation {
        node: logged.node.clone(),
        seq: logged.seq,
        logged: logged.pae,
        refused: sealed.pae(),
        envelope: sealed.envelope().to_vec(),
        received: logged.received,
    }
}

#[tokio::test]
async fn a_conflict_is_proved_to_everybody_unless_the_proof_tells_of_learners_or_comes_before_its_day()
 {
    let mut browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    browser
        .world
        .publish(lep, "2026-08".parse().unwrap(), 2, 400)
        .await;
    for (title, sharing) in [
        ("Open", Sharing::Public),
        ("Peers", Sharing::PeersUntil("2026-12-01".parse().unwrap())),
        ("Personal", Sharing::Public),
    ] {
        let mut one = entry(title, lep);
        one.sharing = sharing;
        browser.world.share(lep, one).await;
    }
    let store = &browser.world.service.store;
    let mut logged = Vec::new();
    for seq in 1..=5 {
        logged.push(store.statement(&lep.slug, seq).await.unwrap().unwrap());
    }
    assert_eq!(logged[1].kind, Kind::LearningSummary);
    let proofs = [
        // The same figures after another statement tell nothing new; another draw does.
        second::<LearningSummary>(&logged[0], |b| b.prev = Digest::of(b"other")),
        second::<LearningSummary>(&logged[1], |b| b.payload.tables[0].cells[0] += 1),
        second::<PracticeEntry>(&logged[2], |b| b.payload.change = "Nothing.".into()),
        second::<PracticeEntry>(&logged[3], |b| b.payload.sharing = Sharing::Public),
        second::<PracticeEntry>(&logged[4], |b| {
            b.payload.what = "Ask ann@example.org.".into()
        }),
    ];
    for proof in &proofs {
        store.keep_evidence(proof).await.unwrap();
    }
    let page = browser.shows("/nodes/black-country").await;
    assert!(page.contains("two different statements for one place"));
    // For everybody, and for operators.
    let rights = [
        (true, true),
        (false, true),
        (true, true),
        // Shared with enrolled areas first, which nobody who signs in here is.
        (false, false),
        (false, true),
    ];
    for (at, (open, for_operators)) in rights.into_iter().enumerate() {
        let path = format!("/nodes/black-country/conflicts/{}", at + 1);
        let href = format!("href=\"{path}\"");
        assert!(page.contains(&href), "{path}");
        assert!(page.contains(&proofs[at].refused.to_string()));
        let answer = browser.get(&path).await;
        let expected = if open {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(answer.status, expected, "{path}");
        let same = browser.as_person("curator", &path, None).await;
        assert_eq!(same.status, expected, "{path}");
        for answer in [&answer, &same] {
            assert!(open || !answer.body.contains("payload"), "{path}");
        }
        let read = browser.as_person("analyst", &path, None).await;
        let full = browser.as_person("operator", &path, None).await;
        assert_eq!(read.status, full.status, "{path}");
        assert!(!for_operators || read.body == full.body, "{path}");
        if !for_operators {
            assert_eq!(full.status, StatusCode::FORBIDDEN, "{path}");
            assert!(!full.body.contains("payload"), "{path}");
            continue;
        }
        assert_eq!(full.status, StatusCode::OK);
        // Both verify with the key in the file: the proof needs nobody's word.
        let proof: serde_json::Value = serde_json::from_str(&full.body).unwrap();
        for (side, pae) in [
            ("logged", proofs[at].logged),
            ("refused", proofs[at].refused),
        ] {
            let envelope = proof[side]["envelope"].to_string();
            let unverified = ldsp_protocol::dsse::Unverified::parse(envelope.as_bytes()).unwrap();
            let verified = unverified.verify(&key(&lep.slug).verifying_key()).unwrap();
            assert_eq!(verified.pae(), pae);
        }
    }
}

#[tokio::test]
async fn every_measure_is_defined() {
    let browser = Browser::open().await;
    let page = browser.shows("/measures").await;
    for measure in ldsp_aggregator::benchmark::Measure::ALL {
        assert!(page.contains(&format!(
            "<h2 class=\"govuk-heading-m\" id=\"{}\">",
            measure.id()
        )));
    }
    for part in [
        "(A + C) ÷ (A + C + W)",
        "leavers.area-by-tier-by-outcome",
        "DfE qualification achievement rates",
        "achieved and completed without achievement",
        "under three standard errors",
        "under five standard errors",
        "theorem",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let one = browser.shows("/benchmarks/retention").await;
    assert!(one.contains("Numerator") && one.contains("href=\"/measures\""));
}
