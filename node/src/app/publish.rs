//! `publish`, and what `status` says of releases and the outbox.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{Answer, Output, Refusal};
use super::{Context, open};
use crate::release::{ReleaseError, next_period};
use crate::store::{Store, StoreError, enrolment, outbox, releases};
use crate::submit::{StepOutcome, Submitter};
use crate::transport::Https;

pub(super) async fn run(context: &Context) -> Answer {
    let node = open(context).await?;
    let mut connection = node
        .store
        .reader
        .acquire()
        .await
        .map_err(StoreError::from)?;
    let place = enrolment::read(&mut connection).await?;
    drop(connection);
    let place = place.ok_or_else(|| {
        let error = ReleaseError::from(crate::seal::QueueError::NotEnrolled);
        Refusal::new(&error, error.next())
    })?;
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    let submitter = Submitter::new(node.store.clone(), transport, node.signing.clone());
    let mut rng = (context.entropy)();
    let (sent, last) = submitter.drain((context.clock)(), &mut *rng).await?;
    node.store.close().await;
    let output = Output {
        text: match sent {
            0 => "Nothing was waiting to be sent.".to_owned(),
            n => format!("{n} statement(s) sent; the aggregator's receipts verified and are kept."),
        },
        json: json!({"sent": sent, "drained": last == StepOutcome::Drained}),
    };
    match last {
        StepOutcome::Postponed {
            seq,
            until,
            problem,
        } => Err(Refusal {
            output: (sent > 0).then_some(output),
            ..Refusal::new(
                format!("statement {seq} stays queued: {problem}"),
                format!(
                    "It is kept and sent again: by `ldsp-node serve` after {until}, or by this command at once."
                ),
            )
        }),
        _ => Ok(output),
    }
}

/// Enrolment, releases and outbox in a few lines. No counts of learners.
pub(super) async fn standing(store: &Store, now: Timestamp) -> Result<(String, Value), Refusal> {
    let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
    let place = enrolment::read(&mut connection).await?;
    let last = releases::last(&mut connection).await?;
    let rows = outbox::all(&mut connection).await?;
    drop(connection);
    let next = next_period(store, now).await?;
    let waiting = rows.iter().filter(|r| r.acknowledged_at.is_none()).count();
    let problem = rows.iter().find_map(|r| r.problem.clone());
    let enrolled = place.as_ref().map_or_else(
        || "not yet: `ldsp-node enrol --invite FILE`, or the page Place in the federation".to_owned(),
        |p| {
            let state = match p.revoked_from {
                Some(from) => format!(
                    "key revoked: from place {from} of the log on nothing is taken; telephone the national operator"
                ),
                None if p.active => "active".to_owned(),
                None => "waits for the operator's approval".to_owned(),
            };
            format!("{} at {}, {state}", p.node, p.origin)
        },
    );
    let release = match (&last, next) {
        (Some(r), _) if r.approved.is_none() => {
            format!("{} waits for an approver", r.period.in_words())
        }
        (_, Some((period, true))) => format!("{} can be prepared", period.in_words()),
        (_, Some((period, false))) => format!("{} is next, once it has ended", period.in_words()),
        _ => "a coordinator chooses the first month with `release prepare --first YYYY-MM`"
            .to_owned(),
    };
    let mut text = format!(
        "Enrolment       {enrolled}\nRelease         {release}\nStatements      {} acknowledged, {waiting} waiting\n",
        rows.len() - waiting,
    );
    if let Some(problem) = &problem {
        text.push_str(&format!("Last problem    {problem}\n"));
    }
    let value = json!({
        "enrolment": place.map(|p| json!({"node": p.node, "origin": p.origin, "url": p.url, "active": p.active, "revoked_from": p.revoked_from})),
        "open_release": last.filter(|r| r.approved.is_none()).map(|r| r.period),
        "next_release": next.map(|(period, ended)| json!({"period": period, "ended": ended})),
        "acknowledged": rows.len() - waiting,
        "waiting": waiting,
        "problem": problem,
    });
    Ok((text, value))
}
