//! The commands of `people`.

use clap::Subcommand;
use ldsp_ui::accounts::By;

use super::answer;
use crate::app::{Config, Refused, accounts, identity, open_store, people, system_entropy};
use crate::store::Role;

#[derive(Debug, Subcommand)]
pub(super) enum PeopleCommand {
    /// Add a person; prints the secret to sign in with, once, or a link on which they choose one
    Add {
        /// Name to sign in with
        name: String,
        /// What the person may do
        #[arg(long)]
        role: Role,
        /// Print a link on which the person chooses their own secret, instead of a secret
        #[arg(long)]
        link: bool,
    },
    /// Print a link on which a person sets anew how they sign in, once; secret, second step, connected accounts and sessions end at once
    Link {
        /// Name to sign in with
        name: String,
    },
    /// Give a person another role
    Role {
        /// Name to sign in with
        name: String,
        /// What the person may do from now on
        #[arg(long)]
        role: Role,
    },
    /// Give a person a new secret, printed once; the old one and its sessions end at once
    Secret {
        /// Name to sign in with
        name: String,
    },
    /// Keep a person out: neither secret nor session opens anything
    Lock {
        /// Name to sign in with
        name: String,
    },
    /// Let a person in again, who was locked out by an operator or by wrong codes of a phone
    Unlock {
        /// Name to sign in with
        name: String,
    },
    /// Remove a person, who can no longer sign in; what they invited or approved keeps their name
    Remove {
        /// Name to sign in with
        name: String,
    },
    /// List people and their roles
    List,
    /// Print what was done to accounts and by whom, newest first
    History {
        /// How many at most
        #[arg(long, default_value_t = 100)]
        last: u32,
    },
    /// Note which account at the sign-in service is a person: they sign in with it from now on
    Connect {
        /// Name that they have here
        name: String,
        /// What the service calls them, as the page shows it that refused them: the subject, or the address where `claim` is `email`
        account: String,
    },
    /// Take that back; their sessions end at once
    Disconnect {
        /// Name that they have here
        name: String,
        /// What the service calls them, as `people accounts` shows it
        account: String,
        /// At which service, where they have an account of this name at several
        #[arg(long)]
        issuer: Option<String>,
    },
    /// List the accounts at the sign-in service with which people sign in
    Accounts,
}

pub(super) async fn manage(
    command: PeopleCommand,
    config: &Config,
    (by, json): (By<'_>, bool),
) -> Result<(), Refused> {
    let store = open_store(config).await?;
    let (store, mut rng) = (&store, system_entropy());
    let url = || identity::identity(config).map(|identity| identity.public_url);
    let service = config.oidc.as_ref();
    match command {
        PeopleCommand::Add {
            name,
            role,
            link: false,
        } => answer(
            &people::add_person(store, &name, role, by, &mut rng).await?,
            json,
        ),
        PeopleCommand::Add {
            name,
            role,
            link: true,
        } => {
            let who = (name.as_str(), Some(role));
            answer(
                &people::link_person(store, &url()?, who, by, &mut rng).await?,
                json,
            )
        }
        PeopleCommand::Link { name } => {
            let who = (name.as_str(), None);
            answer(
                &people::link_person(store, &url()?, who, by, &mut rng).await?,
                json,
            )
        }
        PeopleCommand::Role { name, role } => {
            answer(&people::change_role(store, &name, role, by).await?, json)
        }
        PeopleCommand::Lock { name } => {
            answer(&people::lock_person(store, &name, true, by).await?, json)
        }
        PeopleCommand::Unlock { name } => {
            answer(&people::lock_person(store, &name, false, by).await?, json)
        }
        PeopleCommand::Secret { name } => answer(
            &people::replace_secret(store, &name, by, &mut rng).await?,
            json,
        ),
        PeopleCommand::Remove { name } => {
            answer(&people::remove_person(store, &name, by).await?, json)
        }
        PeopleCommand::List => answer(&people::people(store).await?, json),
        PeopleCommand::History { last } => answer(&people::history(store, last).await?, json),
        PeopleCommand::Connect { name, account } => {
            let who = (name.trim(), account.trim());
            answer(&accounts::connect(store, service, who, by).await?, json)
        }
        PeopleCommand::Disconnect {
            name,
            account,
            issuer,
        } => {
            let (who, issuer) = ((name.trim(), account.trim()), issuer.as_deref());
            answer(&accounts::disconnect(store, issuer, who, by).await?, json)
        }
        PeopleCommand::Accounts => answer(&accounts::accounts(store).await?, json),
    }
}
