//! `people connect`, `disconnect` and `accounts`: who is whom at the sign-in service.

use ldsp_ui::oidc::{Binding, Meant, Subject};
use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::people::nobody;
use super::{Context, open};

/// The subject that the configured service would name.
fn subject(account: &str, context: &Context) -> Result<Subject, Refusal> {
    let Some(config) = &context.config.oidc else {
        return Err(Refusal::new(
            "no sign-in service is configured",
            "Write the table [oidc] into the configuration file first: docs/sign-in.md.",
        ));
    };
    Subject::new(&config.issuer, config.claim, account).ok_or_else(|| {
        Refusal::new(
            format!("no service says {:?} of somebody", config.claim.as_str()),
            "Give what the page showed that refused the person: 1 to 255 characters; an address where `claim` is `email`.",
        )
    })
}

pub(super) async fn connect(name: &str, account: &str, context: &Context) -> Answer {
    let subject = subject(account, context)?;
    let node = open(context).await?;
    let now = (context.clock)();
    let bound = node
        .store
        .bind_subject(name, &subject, &context.who, now)
        .await?;
    node.store.close().await;
    match bound {
        Binding::Noted => Ok(Output {
            text: format!(
                "{name} signs in with the account {account} of {} from now on.",
                subject.issuer
            ),
            json: json!({"name": name, "issuer": subject.issuer, "claim": subject.claim.as_str(), "account": subject.value}),
        }),
        Binding::Nobody => Err(nobody(name)),
        Binding::Taken => Err(Refusal::new(
            "somebody else signs in with this account",
            "`ldsp-node people accounts` shows who. Disconnect it from them first.",
        )),
    }
}

/// Whatever service is configured now: what was noted before a change is taken back too.
pub(super) async fn disconnect(
    (name, account): (&str, &str),
    issuer: Option<&str>,
    context: &Context,
) -> Answer {
    let node = open(context).await?;
    let now = (context.clock)();
    let meant = match Meant::of(node.store.subjects().await?, name, account, issuer) {
        Meant::Accounts(meant) => meant,
        Meant::Services(services) => {
            return Err(Refusal::new(
                format!(
                    "{name} signs in with the account {account} at several services: {}",
                    services.join(", ")
                ),
                "Name the one that is meant with --issuer.",
            ));
        }
    };
    let mut gone = None;
    for subject in meant {
        let unbound = node.store.unbind_subject(name, &subject, &context.who, now);
        if unbound.await? {
            gone = Some(subject);
        }
    }
    node.store.close().await;
    let subject = gone.ok_or_else(|| {
        Refusal::new(
            format!("{name} does not sign in with the account {account}"),
            "`ldsp-node people accounts` shows who signs in with which.",
        )
    })?;
    Ok(Output {
        text: format!(
            "{name} no longer signs in with the account {account}, and their sessions have ended."
        ),
        json: json!({"name": name, "issuer": subject.issuer, "claim": subject.claim.as_str(), "account": subject.value}),
    })
}

pub(super) async fn list(context: &Context) -> Answer {
    let node = open(context).await?;
    let all = node.store.subjects().await?;
    node.store.close().await;
    let mut text = String::new();
    for one in &all {
        let subject = &one.subject;
        text.push_str(&format!(
            "{}  {} {}  {}\n",
            one.person,
            subject.claim.as_str(),
            subject.value,
            subject.issuer
        ));
    }
    if all.is_empty() {
        text.push_str("Nobody yet. Next: `ldsp-node people connect NAME ACCOUNT`.");
    }
    let accounts: Vec<_> = all
        .iter()
        .map(|one| json!({"name": one.person, "issuer": one.subject.issuer, "claim": one.subject.claim.as_str(), "account": one.subject.value, "since": one.since}))
        .collect();
    Ok(Output {
        text,
        json: json!({"accounts": accounts}),
    })
}
