//! What pages say of statements that were withdrawn and published again.

use axum::http::StatusCode;
use ldsp_aggregator::store::{Equivocation, Log, Registry, Rollups};
use ldsp_aggregator::verify::{Address, Authentic, Known, Target, parse};
use ldsp_protocol::dsse::{Sealed, Unverified};
use ldsp_protocol::geography::Lep;
use ldsp_protocol::ids::Period;
use ldsp_protocol::revision::{Correction, Named, Withdrawal};
use ldsp_protocol::standard::Standard;
use ldsp_protocol::statement::{Body, Kind, Payload, SCHEMA, Statement};

use crate::browser::Browser;
use crate::synthetic::{ORIGIN, entry, key, leps};

const WHY: &str = "Sent <b>before</b> the area had agreed to it.";

/// Sends a statement of the area as its node does.
async fn send<P: serde::Serialize>(
    browser: &Browser,
    lep: &Lep,
    (kind, period): (Kind, Option<Period>),
    payload: P,
) {
    let service = &browser.world.service;
    let node = service
        .store
        .node(&lep.slug)
        .await
        .expect("read")
        .expect("a node");
    let body = Body {
        schema: SCHEMA,
        origin: ORIGIN.into(),
        node: lep.slug.clone(),
        seq: node.head.seq + 1,
        prev: node.head.pae,
        kind,
        period,
        standard: Standard::current().digest(),
        payload,
    };
    let sealed = Sealed::sign(&key(&lep.slug), &kind.payload_type(), &body.to_bytes());
    let address = Address {
        node: lep.slug.clone(),
        seq: body.seq,
    };
    let authentic = Authentic::new(
        parse(sealed.envelope()).expect("an envelope"),
        &address,
        node,
        ORIGIN,
    );
    let authentic = authentic.expect("the node's own");
    let history = service.store.history(&lep.slug, Standard::current()).await;
    let history = history.expect("read");
    let named = authentic.named().expect("it names one");
    let target = service
        .store
        .statement(&lep.slug, named)
        .await
        .expect("read");
    let known = Known {
        asked: None,
        published: None,
        history: &history,
        target: target.as_ref().map(Target::from),
    };
    let verified = authentic.accept(known, service.now()).expect("accepted");
    let sign = |size, root| service.signer.checkpoint(size, root);
    service
        .store
        .append(&[verified.into_new()], &sign)
        .await
        .expect("logged");
}

#[tokio::test]
async fn pages_say_what_was_withdrawn_and_where_figures_end() {
    let mut browser = Browser::open().await;
    assert!(
        browser
            .shows("/revisions")
            .await
            .contains("No area has withdrawn anything")
    );
    let lep = leps()[0];
    browser.world.join(lep).await;
    let releases = browser
        .world
        .publish(lep, "2026-05".parse().unwrap(), 4, 300)
        .await;
    let place = format!("/leps/{}", lep.code);
    assert!(browser.shows(&place).await.contains("May to August 2026"));
    assert!(!browser.shows("/").await.contains("Figures were revised"));

    let store = &browser.world.service.store;
    let logged = store.statement(&lep.slug, 3).await.unwrap().unwrap();
    let envelope = Unverified::parse(&logged.envelope).unwrap();
    let verified = envelope.verify(&key(&lep.slug).verifying_key()).unwrap();
    let Payload::LearningSummary(summary) = Statement::read(&verified).unwrap().payload else {
        panic!("a summary")
    };
    let named = Named {
        seq: 3,
        pae: releases[2],
    };
    let withdrawal = Withdrawal {
        statement: named,
        reason: WHY.into(),
        cells: Some(summary.cells_digest()),
    };
    send(&browser, lep, (Kind::Withdrawal, None), withdrawal).await;
    // What was withdrawn there is no practice entry.
    let entry = browser.get(&format!("/practice/{}/3", lep.slug)).await;
    assert_eq!(entry.status, StatusCode::NOT_FOUND, "{}", entry.body);
    let raw = "<b>before</b>";
    let safe = "the area had agreed to it.";
    let area = browser.shows(&place).await;
    for part in [
        "This area withdrew its release of July 2026",
        "Its figures end before July 2026 until it publishes that month again",
        "May to June 2026",
        safe,
    ] {
        assert!(area.contains(part), "{part}: {area}");
    }
    assert!(!area.contains(raw));
    let home = browser.shows("/").await;
    assert!(
        home.contains("Figures were revised") && home.contains(safe),
        "{home}"
    );
    let list = browser.shows("/revisions").await;
    assert!(list.contains("Withdrew the release of July 2026") && list.contains(safe));
    let (gone, by) = (logged.index, logged.index + 2);
    let page = browser.shows(&format!("/statements/{gone}")).await;
    for part in [
        "Monthly release, withdrawn",
        "Withdrawn on 22 November 2026",
        &format!("href=\"/statements/{by}\""),
        "Its content is no longer kept here",
        "The content is gone; that this log once bound itself to its digest can still be checked",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Download the signed envelope"));
    let page = browser.shows(&format!("/statements/{by}")).await;
    assert!(
        page.contains("Withdrew the release of July 2026")
            && page.contains("takes a statement back")
    );
    let node = browser.shows(&format!("/nodes/{}", lep.slug)).await;
    assert!(node.contains("Withdrew the release of July 2026") && node.contains("(withdrawn)"));
    for said in ["3 (May to June 2026)", "5, 1 of them withdrawn since"] {
        assert!(node.contains(said), "{said}: {node}");
    }
    let statements = browser.shows("/statements").await;
    assert!(statements.contains("Monthly release, July 2026, withdrawn"));

    let correction = Correction {
        supersedes: named,
        reason: "The area has agreed to it now.".into(),
        summary,
    };
    let july = Some("2026-07".parse().unwrap());
    send(&browser, lep, (Kind::Correction, july), correction).await;
    let area = browser.shows(&place).await;
    assert!(
        area.contains("May to August 2026")
            && area.contains("Published the release of July 2026 again")
    );
    assert!(!area.contains("Its figures end"));
    assert!(!browser.shows("/").await.contains("Figures were revised"));
}

#[tokio::test]
async fn a_withdrawn_entry_is_gone_from_pages() {
    let browser = Browser::open().await;
    let lep = leps()[0];
    browser.world.join(lep).await;
    let pae = browser
        .world
        .share(lep, entry("A title that goes", lep))
        .await;
    assert!(
        browser
            .shows("/practice")
            .await
            .contains("A title that goes")
    );
    let withdrawal = Withdrawal {
        statement: Named { seq: 1, pae },
        reason: "It named a person.".into(),
        cells: None,
    };
    let mut newer = entry("A title that stays", lep);
    newer.supersedes = Some(pae);
    browser.world.share(lep, newer).await;
    send(&browser, lep, (Kind::Withdrawal, None), withdrawal).await;
    assert!(
        !browser
            .shows("/practice")
            .await
            .contains("A title that goes")
    );
    let gone = browser.get(&format!("/practice/{}/1", lep.slug)).await;
    assert_eq!(gone.status, StatusCode::GONE);
    let newer = browser.shows(&format!("/practice/{}/2", lep.slug)).await;
    assert!(newer.contains("An entry that was withdrawn"), "{newer}");
    let nodes = browser.shows("/nodes").await;
    let cells = nodes.split("<td").skip(1).filter_map(|cell| {
        let (_, text) = cell.split_once('>')?;
        Some(text.split_once("</td>")?.0.trim())
    });
    let cells: Vec<&str> = cells.collect();
    assert!(
        cells.windows(3).any(|three| three == ["0", "1", "3"]),
        "{nodes}"
    );
    let list = browser.shows("/revisions").await;
    assert!(list.contains("Withdrew a practice entry") && list.contains("It named a person."));
    // Of a conflict about it operators have what is left; one that carried the same has lost it.
    let store = &browser.world.service.store;
    let newer = store.statement(&lep.slug, 2).await.unwrap().unwrap();
    let proof = |envelope: Vec<u8>| Equivocation {
        node: lep.slug.clone(),
        seq: 1,
        logged: pae,
        refused: newer.pae,
        envelope,
        received: newer.received,
    };
    store.keep_evidence(&proof(Vec::new())).await.unwrap();
    let path = format!("/nodes/{}/conflicts/1", lep.slug);
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("was withdrawn"), "{}", answer.body);
    let full = browser.as_person("operator", &path, None).await;
    assert_eq!(full.status, StatusCode::OK, "{}", full.body);
    let file: serde_json::Value = serde_json::from_str(&full.body).unwrap();
    assert!(file["logged"]["envelope"].is_null() && file["refused"]["envelope"].is_null());
    let receipt = file["logged"]["receipt"].as_str().unwrap();
    assert!(receipt.starts_with("c2sp.org/tlog-proof@v1"), "{receipt}");
}

#[tokio::test]
async fn a_warning_names_the_standard_where_the_others_figures_go_on() {
    let mut browser = Browser::open().await;
    let (old, new) = (Standard::v1(), Standard::v2());
    let lep = leps()[2];
    browser.world.join(lep).await;
    let from = |month: &str| month.parse::<Period>().unwrap();
    let world = &mut browser.world;
    world
        .publish_under(new, lep, (from("2026-08"), 3), 3_000)
        .await;
    world
        .publish_under(old, lep, (from("2026-07"), 4), 3_000)
        .await;
    // The second summary under the second standard: September 2026.
    let statement = {
        let store = &browser.world.service.store;
        store.statement(&lep.slug, 2).await.unwrap().unwrap()
    };
    let envelope = Unverified::parse(&statement.envelope).unwrap();
    let verified = envelope.verify(&key(&lep.slug).verifying_key()).unwrap();
    let Payload::LearningSummary(summary) = Statement::read(&verified).unwrap().payload else {
        panic!("a summary")
    };
    let withdrawal = Withdrawal {
        statement: Named {
            seq: 2,
            pae: statement.pae,
        },
        reason: WHY.into(),
        cells: Some(summary.cells_digest()),
    };
    send(&browser, lep, (Kind::Withdrawal, None), withdrawal).await;
    for page in [
        format!("/leps/{}", lep.code),
        format!("/nodes/{}", lep.slug),
    ] {
        let page = browser.shows(&page).await;
        for said in [
            "withdrew its release of September 2026 under ldsp-data-standard v2",
            "What it counts under ldsp-data-standard v2 ends before September 2026",
            "what it counts under ldsp-data-standard v1 goes on",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("Its figures end before"));
    }
    let home = browser.shows("/").await;
    assert!(
        home.contains("0 of 38 LEPs up to date, 1 in part"),
        "{home}"
    );
}
