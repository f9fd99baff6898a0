//! `release prepare`, `preview`, `approve`, `refuse`, `show`, `report`.

use std::path::Path;

use jiff::Timestamp;
use ldsp_protocol::ids::{Digest, Period};
use ldsp_ui::secret::{Secret, verify};
use serde_json::{Value, json};

use super::cli::Release;
use super::output::{Answer, Output, Refusal};
use super::release_words::in_words;
use super::watch::Watched;
use super::{Context, open};
use crate::enrol;
use crate::home::Node;
use crate::questionnaire;
use crate::release::preview::preview;
use crate::release::report::Report;
use crate::release::rules::Outcome;
use crate::release::{
    self, Approval, ReleaseError, Request, approve, prepare_watched, refuse, show,
};
use crate::store::people::Person;
use crate::store::{Store, StoreError, enrolment};
use crate::transport::Https;

impl From<ReleaseError> for Refusal {
    fn from(error: ReleaseError) -> Self {
        if let ReleaseError::Cancelled(cancelled) = error {
            return cancelled.into();
        }
        Self::new(&error, error.next_by_command())
    }
}

pub(super) async fn run(command: Release, context: &Context) -> Answer {
    let node = open(context).await?;
    let answer = match command {
        Release::Prepare {
            name,
            period,
            first,
            payload,
        } => {
            let request = Request {
                period,
                first,
                rho_micro: context.config.rho_micro,
                ..Request::default()
            };
            prepare(&node, request, name.as_deref(), payload.as_deref(), context).await
        }
        Release::Preview { first } => try_out(&node, first, context).await,
        Release::Approve {
            name,
            digest,
            period,
        } => approve_one(&node, &name, digest, period, context).await,
        Release::Refuse {
            name,
            digest,
            reason,
            period,
        } => {
            let refusal = release::Refusal {
                person: &name,
                period,
                digest,
                reason: &reason,
            };
            refuse_one(&node, &refusal, context).await
        }
        Release::Show { period, payload } => shown(&node, period, payload.as_deref()).await,
        Release::Report { period, html } => report(&node, period, html, context).await,
    };
    node.store.close().await;
    answer
}

/// `preview`. Exact counts belong on signed-in pages only.
async fn try_out(node: &Node, first: Option<Period>, context: &Context) -> Answer {
    let request = Request {
        first,
        rho_micro: context.config.rho_micro,
        ..Request::default()
    };
    let now = (context.clock)();
    let tried = preview(&node.store, request, &context.who, now, &context.entropy).await?;
    let is_made_up = tried.made_up.is_some();
    let width = tried.families.iter().map(|f| f.title.chars().count()).max();
    let width = width.unwrap_or(0);
    let families = tried.families.iter().map(|family| {
        let figure = match family.published {
            Some(estimate) => format!("{:.0} \u{b1} {:.0}", estimate.value, family.margin.ceil()),
            None => format!("\u{b1} {:.0}", family.margin.ceil()),
        };
        format!("  {:width$}  {figure}", family.title)
    });
    let families: Vec<String> = families.collect();
    let broken: Vec<String> = tried
        .verdicts
        .iter()
        .filter(|verdict| verdict.outcome != Outcome::Kept)
        .map(|verdict| format!("  not kept: {}", verdict.rule))
        .collect();
    let about = if is_made_up {
        "Made up, not publishable: figures of records that nobody is behind, with noise of this preview alone"
    } else {
        "How near readers would come, 19 times of 20; counts are on the node\u{2019}s page Preview"
    };
    Ok(Output {
        text: format!(
            "Preview of {}. Nothing was stored, spent or sent.\n{about}:\n{}\n{} of {} rules kept\n{}",
            tried.period.in_words(),
            families.join("\n"),
            tried.verdicts.len() - broken.len(),
            tried.verdicts.len(),
            broken.join("\n"),
        )
        .trim_end()
        .to_owned(),
        json: json!({
            "period": tried.period,
            "made_up": is_made_up,
            "families": tried.families.iter().map(|f| json!({
                "title": f.title,
                "margin_95": f.margin,
                "published": f.published.map(release::Interval::from),
            })).collect::<Vec<_>>(),
            "rules": tried.verdicts,
        }),
    })
}

async fn prepare(
    node: &Node,
    request: Request,
    name: Option<&str>,
    file: Option<&Path>,
    context: &Context,
) -> Answer {
    let now = (context.clock)();
    let waiting = release::waiting(&node.store, request.period).await?;
    let prepared = match (waiting, name) {
        (Some(release), _) => release,
        (None, None) => {
            return Err(Refusal::new(
                "no release is prepared, and preparing one takes a coordinator",
                "Add `--as NAME` with the name of a coordinator. The noise of a month is drawn once, when it is prepared.",
            ));
        }
        (None, Some(name)) => {
            let coordinator = sign_in(&node.store, name).await?;
            refresh(&node.store, (context.clock)()).await?;
            let watched = Watched::begin()?;
            let (store, by) = (&node.store, (coordinator.name.as_str(), now));
            let progress = &watched.progress;
            prepare_watched(store, request, by, &context.entropy, progress)
                .await?
                .release
        }
    };
    let shown = show(&node.store, Some(prepared.period)).await?;
    let parsed = prepared
        .parts
        .iter()
        .map(|p| serde_json::from_slice(&p.payload));
    let payloads: Vec<Value> = parsed.collect::<Result<_, _>>().map_err(|_| {
        Refusal::from(StoreError::Corrupt {
            table: "release_statements",
            column: "payload",
            row: prepared.period.to_string(),
        })
    })?;
    let bytes = prepared.bytes();
    let payload_text = String::from_utf8_lossy(&bytes);
    let written = write(file, &bytes)?;
    Ok(Output {
        text: in_words(&shown) + &written,
        json: json!({
            "period": shown.period,
            "digest": shown.digest,
            "author": shown.author,
            "approver": shown.approver,
            "approvers": shown.approvers,
            "families": shown.families,
            "rules": shown.rules,
            "refusals": shown.refusals,
            "turn": shown.turn,
            "statements": shown.statements,
            "payload": payloads.last(),
            "payloads": payloads,
            "payload_text": payload_text,
        }),
    })
}

async fn approve_one(
    node: &Node,
    name: &str,
    digest: Digest,
    period: Option<Period>,
    context: &Context,
) -> Answer {
    let person = sign_in(&node.store, name).await?;
    refresh(&node.store, (context.clock)()).await?;
    let approval = Approval {
        person: &person.name,
        period,
        digest,
    };
    let now = (context.clock)();
    let seq = approve(&node.store, &node.signing, &approval, now).await?;
    let shown = show(&node.store, period).await?;
    let seqs: Vec<u64> = shown.statements.iter().filter_map(|s| s.seq).collect();
    let became = match seqs.as_slice() {
        [first, .., last] => format!("They are statements {first} and {last}"),
        _ => format!("It is statement {seq}"),
    };
    Ok(Output {
        text: format!(
            "Approved. {became} of this node, signed and queued.\nNext: `ldsp-node publish`, or leave it to `ldsp-node serve`."
        ),
        json: json!({"seq": seq, "seqs": seqs, "digest": digest}),
    })
}

/// Asks the aggregator how the node stands, so that a node restored from a backup neither draws nor signs. Without a connection the last
/// answer holds. What the log's operators ask of LEPs is heard of on the way.
pub(super) async fn refresh(store: &Store, now: Timestamp) -> Result<(), Refusal> {
    let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
    let place = enrolment::read(&mut connection).await?;
    drop(connection);
    let Some(place) = place else { return Ok(()) };
    let transport = Https::new(&place.url, place.ca_pem.as_deref())?;
    match enrol::refresh(store, &transport, &place).await {
        Ok(_) => {}
        Err(enrol::EnrolError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "the aggregator was not asked how this node stands; its last answer holds");
            return Ok(());
        }
    }
    // So that nobody signs answers to a version that was replaced.
    let heard = questionnaire::hear(store, &transport, now).await?;
    if let Some(problem) = heard.problem {
        tracing::warn!(problem, "not every questionnaire was heard of");
    }
    for (name, version) in heard.new {
        tracing::info!(%name, version, "a questionnaire came");
    }
    Ok(())
}

async fn refuse_one(node: &Node, refusal: &release::Refusal<'_>, context: &Context) -> Answer {
    let person = sign_in(&node.store, refusal.person).await?;
    let refusal = release::Refusal {
        person: &person.name,
        ..refusal.clone()
    };
    let period = refuse(&node.store, &refusal, (context.clock)()).await?;
    Ok(Output {
        text: format!(
            "Refused. Nothing of {} leaves, and nothing is drawn again: the same bytes wait until an approver approves them, and no later month is prepared before.\nNext: the coordinator clears up the reason; `ldsp-node release show` shows the release with it.",
            period.in_words()
        ),
        json: json!({"period": period, "digest": refusal.digest}),
    })
}

async fn shown(node: &Node, period: Option<Period>, file: Option<&Path>) -> Answer {
    let shown = show(&node.store, period).await?;
    let written = match file {
        None => String::new(),
        Some(_) => {
            let release = release::waiting(&node.store, Some(shown.period)).await?;
            let release = release.ok_or(ReleaseError::Unknown(shown.period))?;
            write(file, &release.bytes())?
        }
    };
    Ok(Output {
        text: in_words(&shown) + &written,
        json: json!(shown),
    })
}

async fn report(node: &Node, period: Period, html: bool, context: &Context) -> Answer {
    let report = Report::read(&node.store, period, (context.clock)()).await?;
    Ok(Output {
        text: if html {
            report.document()
        } else {
            report.text()
        },
        json: json!(report),
    })
}

/// Writes the exact payload where it was asked for, and says so. A file that exists is not touched.
fn write(file: Option<&Path>, payload: &[u8]) -> Result<String, Refusal> {
    use std::io::Write as _;

    let Some(file) = file else {
        return Ok(String::new());
    };
    std::fs::File::create_new(file)
        .and_then(|mut new| new.write_all(payload))
        .map_err(|error| {
            Refusal::new(
                format!("{} cannot be written: {error}", file.display()),
                "Name a file that does not exist yet, in a directory that you may write to.",
            )
        })?;
    Ok(format!(
        "Exact bytes: {} ({} bytes; `sha256sum` prints the digest).\n",
        file.display(),
        payload.len()
    ))
}

/// The person, once their secret is right. A wrong name and a wrong secret are told in the same words.
pub(super) async fn sign_in(store: &Store, name: &str) -> Result<Person, Refusal> {
    let secret = Secret::ask(name).map_err(|error| {
        Refusal::new(
            format!("the secret cannot be read: {error}"),
            "Type it at the prompt, or give it as one line on standard input.",
        )
    })?;
    let wrong = || {
        Refusal::new(
            "name and secret do not belong together",
            "Check the spelling of the name; `ldsp-node people list` shows who is there, `ldsp-node people secret NAME` gives a new secret.",
        )
    };
    let person = store.person(name).await?.ok_or_else(wrong)?;
    let Some(hash) = person.secret_hash.clone() else {
        return Err(wrong());
    };
    let right = tokio::task::spawn_blocking(move || verify(&secret, &hash))
        .await
        .unwrap_or(false);
    if right && person.locked_at.is_none() {
        Ok(person)
    } else {
        Err(wrong())
    }
}
