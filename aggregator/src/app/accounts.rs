//! What the commands about accounts at the sign-in service do.

use std::fmt;

use ldsp_ui::accounts::By;
use ldsp_ui::oidc::{self, Binding, Bound, Meant, Subject};
use serde::Serialize;

use super::Refused;
use super::people::nobody;
use crate::store::Staff;

/// An account at the sign-in service and who signs in with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The person's name here.
    pub name: String,
    /// The service.
    pub issuer: String,
    /// Which claim `account` is of.
    pub claim: &'static str,
    /// What the service calls the person.
    pub account: String,
    /// Whether they sign in with it now.
    pub connected: bool,
}

impl Account {
    fn new(name: &str, subject: Subject, connected: bool) -> Self {
        Self {
            name: name.to_owned(),
            issuer: subject.issuer,
            claim: subject.claim.as_str(),
            account: subject.value,
            connected,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, account) = (&self.name, &self.account);
        if self.connected {
            let issuer = &self.issuer;
            return write!(
                f,
                "{name} signs in with the account {account} of {issuer} from now on."
            );
        }
        write!(
            f,
            "{name} no longer signs in with the account {account}, and their sessions have ended."
        )
    }
}

/// The subject that the configured service would name.
fn subject(config: Option<&oidc::Config>, account: &str) -> Result<Subject, Refused> {
    let config = config.ok_or_else(|| {
        Refused::new(
            "no sign-in service is configured",
            "Write the table [oidc] into the configuration file first: docs/sign-in.md.",
        )
    })?;
    Subject::new(&config.issuer, config.claim, account).ok_or_else(|| {
        Refused::new(
            format!("no service says {:?} of somebody", config.claim.as_str()),
            "Give what the page showed that refused the person: 1 to 255 characters; an address where `claim` is `email`.",
        )
    })
}

/// Notes which account is the person `name`.
///
/// # Errors
/// No service is configured, nobody has this name, the account is somebody else's; trouble with the store.
pub async fn connect<S: Staff>(
    store: &S,
    config: Option<&oidc::Config>,
    (name, account): (&str, &str),
    by: By<'_>,
) -> Result<Account, Refused> {
    let subject = subject(config, account)?;
    match store.bind_subject(name, &subject, by).await? {
        Binding::Noted => Ok(Account::new(name, subject, true)),
        Binding::Nobody => Err(nobody(name)),
        Binding::Taken => Err(Refused::new(
            "somebody else signs in with this account",
            "`ldsp-aggregator people accounts` shows who. Disconnect it from them first.",
        )),
    }
}

/// Forgets it, at whatever service it is: `issuer` says at which, where the person has an account of this name at several.
///
/// # Errors
/// The account is not that person's, or at several services; trouble with the store.
pub async fn disconnect<S: Staff>(
    store: &S,
    issuer: Option<&str>,
    (name, account): (&str, &str),
    by: By<'_>,
) -> Result<Account, Refused> {
    let meant = match Meant::of(store.subjects().await?, name, account, issuer) {
        Meant::Accounts(meant) => meant,
        Meant::Services(services) => {
            return Err(Refused::new(
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
        if store.unbind_subject(name, &subject, by).await? {
            gone = Some(subject);
        }
    }
    let subject = gone.ok_or_else(|| {
        Refused::new(
            format!("{name} does not sign in with the account {account}"),
            "`ldsp-aggregator people accounts` shows who signs in with which.",
        )
    })?;
    Ok(Account::new(name, subject, false))
}

/// Everybody's accounts.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct AccountList(pub Vec<Account>);

impl fmt::Display for AccountList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(
                f,
                "Nobody yet. Next: ldsp-aggregator people connect NAME ACCOUNT"
            );
        }
        for (at, one) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let (name, claim, account) = (&one.name, one.claim, &one.account);
            write!(f, "{end}{name}  {claim} {account}  {}", one.issuer)?;
        }
        Ok(())
    }
}

/// Lists them.
///
/// # Errors
/// Trouble with the store.
pub async fn accounts<S: Staff>(store: &S) -> Result<AccountList, Refused> {
    let all = store.subjects().await?.into_iter();
    let line = |one: Bound| Account::new(&one.person, one.subject, true);
    Ok(AccountList(all.map(line).collect()))
}

#[cfg(test)]
mod tests {
    use ldsp_ui::accounts::{Act, Change, WayIn};
    use ldsp_ui::oidc::Claim;

    use super::*;
    use crate::store::COMMAND_LINE;
    use crate::store::sqlite::Sqlite;

    #[tokio::test]
    async fn an_account_of_a_former_service_is_disconnected_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let by = || By {
            who: COMMAND_LINE,
            now,
        };
        let ben = Change::Add {
            name: "Ben",
            role: "analyst",
            organisation: "",
            way_in: WayIn::Secret("$argon2id$"),
        };
        assert_eq!(store.change(&ben, by()).await.unwrap(), Act::Done);
        for (issuer, claim) in [
            ("https://old.example", Claim::Subject),
            ("https://new.example", Claim::Subject),
            ("https://old.example", Claim::Email),
        ] {
            let value = match claim {
                Claim::Subject => "5f1c",
                Claim::Email => "ben@x.org",
            };
            let subject = Subject::new(issuer, claim, value).unwrap();
            let bound = store.bind_subject("Ben", &subject, by()).await.unwrap();
            assert_eq!(bound, Binding::Noted);
        }
        let end = async |issuer, who| disconnect(&store, issuer, who, by()).await;
        let both = end(None, ("Ben", "5f1c")).await.unwrap_err();
        assert!(
            both.cause.contains("https://old.example") && both.next.contains("--issuer"),
            "{both}"
        );
        let ended = end(Some("https://old.example"), ("Ben", "5f1c")).await;
        assert_eq!(ended.unwrap().issuer, "https://old.example");
        // Neither the service that is configured now nor its claim matters.
        for account in ["5f1c", "Ben@X.org"] {
            assert!(!end(None, ("Ben", account)).await.unwrap().connected);
            assert!(end(None, ("Ben", account)).await.is_err());
        }
        assert!(store.subjects().await.unwrap().is_empty());
    }
}
