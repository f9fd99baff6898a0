//! A refusal, the rules and the report.

use ldsp_protocol::summary::SummaryError;

use super::*;
use crate::disclosure::LedgerTable;
use crate::release::figures::Opened;
use crate::release::report::Report;
use crate::release::rules::{Checker, Outcome, verdicts};

fn no<'a>(person: &'a str, digest: Digest, reason: &'a str) -> Refusal<'a> {
    Refusal {
        person,
        period: None,
        digest,
        reason,
    }
}

#[tokio::test]
async fn a_refused_release_is_not_redrawn() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    let refusal = no("bob", release.digest, "  The file of\nMarch is missing. ");
    let period = refuse(&world.store, &refusal, at(LATER)).await.unwrap();
    assert_eq!(period, release.period);
    // What is missing comes late; preparing again, with another generator, still gives the same bytes.
    world.add(&started("2022-03-20")).await;
    let again = prepare(
        &world.store,
        crate::testing::asked(),
        "cat",
        at(LATER),
        &seeded(9),
    )
    .await
    .unwrap();
    assert!(!again.drawn);
    assert_eq!(again.release, release);
    let shown = show(&world.store, None).await.unwrap();
    assert_eq!(shown.digest, release.digest);
    assert_eq!(shown.refusals[0].reason, "The file of March is missing.");
    // ANN is another spelling of the author's name.
    assert_eq!(shown.approvers, ["bob"]);
    let april = Request {
        period: release.period.next(),
        ..crate::testing::asked()
    };
    let later = prepare(&world.store, april, "ann", at(LATER), &seeded(1)).await;
    assert_eq!(later.unwrap_err().code(), "open-release");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
    // Cleared up: the same bytes are approved, and the late enrolment enters the next month.
    assert_eq!(approved(&world, &release).await, 1);
    next(&world).await;
    let months = months(&world).await;
    assert_eq!(months.len(), 2);
    assert_eq!(totals(&months[1])[&Family::Starts], 1);
    let audit = world.store.audit_entries(100).await.unwrap();
    let told = audit
        .iter()
        .find(|e| e.action == "release refused")
        .unwrap();
    assert!(told.detail.contains(&release.digest.to_string()));
}

#[tokio::test]
async fn only_an_approver_refuses_and_only_what_was_shown() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    for (person, digest, reason, code) in [
        ("ann", release.digest, "Wrong", "role"),
        ("ANN", release.digest, "Wrong", "own-work"),
        ("bob", Digest::ZERO, "Wrong", "digest"),
        ("bob", release.digest, " ", "reason"),
        ("bob", release.digest, "Ring 0121 496 0123", "reason"),
        ("bob", release.digest, &"x".repeat(501), "reason"),
    ] {
        let outcome = refuse(&world.store, &no(person, digest, reason), at(LATER)).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains("0121"), "{error}");
    }
    let refused = "SELECT count(*) FROM release_refusals";
    assert_eq!(world.number(refused).await, 0);
    approved(&world, &release).await;
    let late = Refusal {
        period: Some(release.period),
        ..no("bob", release.digest, "Wrong")
    };
    let late = refuse(&world.store, &late, at(LATER)).await;
    assert_eq!(late.unwrap_err().code(), "already-approved");
}

#[tokio::test]
async fn a_differing_digest_is_told_beside_the_stored_one() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    let approval = Approval {
        person: "bob",
        period: None,
        digest: Digest::of(b"other"),
    };
    let error = approve(&world.store, &node_key(), &approval, at(LATER))
        .await
        .unwrap_err();
    let words = error.to_string();
    for digest in [Digest::of(b"other"), release.digest] {
        assert!(words.contains(&digest.in_blocks()), "{words}");
    }
    assert!(words.contains("Nothing was signed"), "{words}");
    assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
}

/// The payload stands in the signed body byte for byte.
#[tokio::test]
async fn the_approved_bytes_are_the_signed_ones() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    let release = next(&world).await;
    let seq = approved(&world, &release).await;
    let mut connection = world.store.reader.acquire().await.unwrap();
    let row = outbox::of(&mut connection, seq).await.unwrap().unwrap();
    let unverified = ldsp_protocol::dsse::Unverified::parse(&row.envelope).unwrap();
    let body = unverified.verify(&node_key().verifying_key()).unwrap();
    let body = body.body();
    let found = body
        .windows(release.bytes().len())
        .any(|window| window == release.bytes());
    assert!(found, "{}", String::from_utf8_lossy(body));
}

async fn opened(world: &World) -> Opened {
    Opened::read(&world.store, period("2022-03")).await.unwrap()
}

fn broken(opened: &Opened) -> Vec<(Checker, String)> {
    let all = verdicts(opened, &[None]);
    let broken = all.into_iter().filter(|v| v.outcome == Outcome::Broken);
    broken.map(|v| (v.by, v.detail.unwrap())).collect()
}

type Flaw = (&'static str, fn(&mut Opened));

fn each_table(opened: &mut Opened, change: impl Fn(&mut LedgerTable)) {
    let stream = &mut opened.streams[0];
    let tables = &mut stream.months.last_mut().unwrap().tables;
    let published = &mut stream.summary.as_mut().unwrap().tables;
    for (kept, published) in tables.iter_mut().zip(published) {
        change(kept);
        published.cells.clone_from(&kept.published);
    }
}

#[tokio::test]
async fn the_nodes_own_rules_find_what_no_receiver_can() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    next(&world).await;
    assert_eq!(broken(&opened(&world).await), []);
    let flaws: [Flaw; 6] = [
        ("the digest is another", |o| {
            o.release.parts[0].payload.push(b' ')
        }),
        ("differs from the ledger", |o| {
            o.streams[0].months[0].tables[3].published[0] += 1;
        }),
        ("counts another number", |o| {
            o.streams[0].months[0].tables[4].entries[0] += 1;
        }),
        // A planted flaw: numbers without noise where nobody is.
        ("numbers equal the exact ones", |o| {
            each_table(o, |table| {
                for (v, x) in table.published.iter_mut().zip(&table.entries) {
                    *v = if *x == 0 { 0 } else { *v };
                }
            });
        }),
        // Another: a tenth of the noise.
        ("other noise", |o| {
            each_table(o, |table| {
                table.published.iter_mut().for_each(|v| *v /= 10);
            });
        }),
        // Another: noise in whole enrolments is too large where it is not too small.
        ("other noise", |o| {
            each_table(o, |table| {
                table.published.iter_mut().for_each(|v| *v *= 4);
            });
        }),
    ];
    for (words, damage) in flaws {
        let mut opened = opened(&world).await;
        damage(&mut opened);
        let found = broken(&opened);
        assert!(
            found
                .iter()
                .any(|(by, detail)| *by == Checker::Node && detail.contains(words)),
            "{words}: {found:?}"
        );
    }
}

/// Each refusal of the receiver is shown at its own sentence.
#[tokio::test]
async fn the_receivers_rules_have_their_sentences() {
    type Wrong = (&'static str, fn(&mut LearningSummary));
    let wrong: [Wrong; 9] = [
        ("names the program", |s| s.software.clear()),
        ("privacy budget", |s| s.noise.rho_micro = 1),
        ("one of the 120", |s| s.noise.month = 0),
        ("by the method", |s| s.noise.method.clear()),
        ("size of the noise", |s| {
            s.noise.sigma2.insert("starts.pledge".to_owned(), 1);
        }),
        ("without a gap", |s| s.noise.month = 2),
        ("is there, and no other", |s| {
            s.tables.pop();
        }),
        ("is complete", |s| {
            s.tables[3].cells.pop();
        }),
        ("agree as closely", |s| s.tables[7].cells[0] = 10_000 << 16),
    ];
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    next(&world).await;
    for (sentence, damage) in wrong {
        let mut opened = opened(&world).await;
        damage(opened.streams[0].summary.as_mut().unwrap());
        let all = verdicts(&opened, &[None]);
        let receivers: Vec<_> = all.iter().filter(|v| v.by == Checker::Receiver).collect();
        assert_eq!(receivers.len(), 17, "{sentence} is a rule of the list");
        let at = receivers
            .iter()
            .position(|v| v.outcome == Outcome::Broken)
            .unwrap();
        assert!(
            receivers[at].rule.contains(sentence),
            "{}",
            receivers[at].rule
        );
        let (stream, summary) = opened.published().next().unwrap();
        let error: Option<SummaryError> = summary.check(stream.standard, &opened.lep, None).err();
        assert_eq!(receivers[at].detail, error.map(|e| e.to_string()));
        assert!(
            receivers[at + 1..]
                .iter()
                .all(|v| v.outcome == Outcome::NotReached)
        );
    }
}

#[tokio::test]
async fn the_report_tells_all_and_no_exact_count() {
    const PLANTED: usize = 1_237;
    let world = World::enrolled().await;
    world.add_all(&vec![started("2022-03-10"); PLANTED]).await;
    let release = next(&world).await;
    let read = async || {
        let report = Report::read(&world.store, release.period, at(LATER)).await;
        report.unwrap()
    };
    let open = read().await;
    let digest = release.digest.to_string();
    for words in [
        "Nothing has left yet",
        "waiting for bob",
        "ρ = 0.49",
        "5.16",
        "65.5%",
        &digest,
    ] {
        assert!(open.text().contains(words), "{words}\n{}", open.text());
    }
    refuse(
        &world.store,
        &no("bob", release.digest, "Too early"),
        at(LATER),
    )
    .await
    .unwrap();
    assert!(read().await.text().contains("Too early."));
    approved(&world, &release).await;
    let report = read().await;
    let text = report.text();
    for words in [
        "approved by bob, another person",
        "All 25 rules are kept",
        "Receipt",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(
        text.lines()
            .all(|line| line.chars().count() <= 80 || line.contains(&digest)),
        "{text}"
    );
    let html = report.document();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains(&digest));
    for said in [text, html, serde_json::to_string(&report).unwrap()] {
        let mut numbers = said.split(|c: char| !c.is_ascii_alphanumeric() && c != ',');
        assert!(!numbers.any(|n| n == "1,237" || n == "1237"), "{said}");
    }
}

#[tokio::test]
async fn a_change_is_the_difference_of_two_months() {
    let world = World::enrolled().await;
    world.add(&started("2022-03-10")).await;
    approved(&world, &next(&world).await).await;
    assert!(
        show(&world.store, None).await.unwrap().families[0]
            .change
            .is_none()
    );
    world.add_all(&vec![started("2022-04-10"); 500]).await;
    next(&world).await;
    let shown = show(&world.store, None).await.unwrap();
    let starts = &shown.families[0];
    let (now, before) = (starts.published, starts.before.unwrap());
    let change = starts.change.unwrap();
    assert!((change.value - (now.value - before.value)).abs() < 1e-6);
    // The noise of a month pulls the next one the other way: the change is less certain than two independent months.
    let apart = now.standard_error.hypot(before.standard_error);
    assert!(change.standard_error > apart, "{change:?} {apart}");
    assert!((change.value - 499.0).abs() < 6.0 * change.standard_error);
}
