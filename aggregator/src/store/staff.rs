//! The people of this server: who they are, with what they sign in, and what was done to their accounts.
//!
//! Both databases know the text of the commands, so it is written once (`sql`); `kit` is the store as the web kit asks for it.

mod kit;
mod sql;

use std::future::Future;

use jiff::Timestamp;
use ldsp_ui::accounts::{Act, By, Change, Hash, NewLink, SecondStep, SetUp};
use ldsp_ui::oidc::{Binding, Bound, Subject};

use super::{Outcome, Role, Span};

pub(super) use sql::staff;

/// Under whose name the command line acts.
pub use ldsp_ui::terminal::COMMAND_LINE;

/// Browsers that are kept of a person, the latest used.
pub(super) const BROWSERS: i64 = 10;
/// Days for which a browser is known without being used.
pub(super) const BROWSER_DAYS: i64 = 400;

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Unique name.
    pub name: String,
    /// The one role.
    pub role: Role,
    /// argon2id PHC string; `None` until they have set a secret.
    pub secret_hash: Option<String>,
    /// When the person was added.
    pub added: Timestamp,
    /// Since when they are kept out.
    pub locked: Option<Timestamp>,
    /// Whether sign-in asks for a code of their phone.
    pub second_step: bool,
    /// On what their sessions stand ([`ldsp_ui::PersonRecord::generation`]).
    pub generation: i64,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Something that was done to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// In two words.
    pub action: String,
    /// To whom, and what exactly.
    pub detail: String,
}

/// People, and what was done to their accounts. Every change is written down with who did it, in the same transaction.
pub trait Staff: Send + Sync + 'static {
    /// The person of exactly this name.
    fn person(&self, name: &str) -> impl Future<Output = Outcome<Option<Person>>> + Send;
    /// Everybody by name.
    fn people(&self) -> impl Future<Output = Outcome<Vec<Person>>> + Send;
    /// Does something to an account. Unless it is [`Act::Done`] nothing was changed.
    fn change(&self, change: &Change<'_>, by: By<'_>) -> impl Future<Output = Outcome<Act>> + Send;
    /// What a link opens at `now`.
    fn set_up(
        &self,
        link: Hash,
        now: Timestamp,
    ) -> impl Future<Output = Outcome<Option<SetUp>>> + Send;
    /// The second step of a person who has one.
    fn second_step(&self, name: &str) -> impl Future<Output = Outcome<Option<SecondStep>>> + Send;
    /// Who has signed in on this browser.
    fn people_of_browser(&self, browser: Hash)
    -> impl Future<Output = Outcome<Vec<String>>> + Send;
    /// Keeps the link that makes whoever opens it the first operator, in the place of one that was made before; `false` where there is an
    /// operator.
    fn keep_first_link(
        &self,
        link: NewLink,
        by: By<'_>,
    ) -> impl Future<Output = Outcome<bool>> + Send;
    /// At most `limit` things that were done to accounts, newest first.
    fn acts(&self, span: Span, limit: u32) -> impl Future<Output = Outcome<Vec<Done>>> + Send;
    /// The name of the person whom this subject of a sign-in service is.
    fn person_of(&self, subject: &Subject) -> impl Future<Output = Outcome<Option<String>>> + Send;
    /// Every subject that is noted, by person; it goes with the person.
    fn subjects(&self) -> impl Future<Output = Outcome<Vec<Bound>>> + Send;
    /// Notes that `subject` is the person `name`.
    fn bind_subject(
        &self,
        name: &str,
        subject: &Subject,
        by: By<'_>,
    ) -> impl Future<Output = Outcome<Binding>> + Send;
    /// Forgets that `subject` is the person `name`; `false` when it was not.
    fn unbind_subject(
        &self,
        name: &str,
        subject: &Subject,
        by: By<'_>,
    ) -> impl Future<Output = Outcome<bool>> + Send;
}

/// Days since 1970-01-01.
pub(super) fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(24 * 60 * 60)
}

/// The role with this word, for somebody of `organisation`.
///
/// # Errors
/// There is no such role; nobody here is bound to an organisation.
pub(super) fn placed(role: &str, organisation: &str) -> Result<Role, Act> {
    let role = Role::named(role).ok_or_else(Act::no_role)?;
    if organisation.trim().is_empty() {
        return Ok(role);
    }
    Err(Act::unfit(
        "organisation",
        "Leave this empty: nobody here is bound to an organisation",
    ))
}

/// Whether after this somebody may be no operator who can sign in.
pub(super) fn leaves(change: Change<'_>) -> bool {
    match change {
        Change::Role { role, .. } => role != Role::Operator.as_str(),
        Change::Lock { careful, .. } => careful,
        Change::Remove { .. } => true,
        _ => false,
    }
}

/// Whether `name` is the last operator who can sign in.
pub(super) fn is_last(people: &[Person], name: &str) -> bool {
    let mut operators = people
        .iter()
        .filter(|person| person.role == Role::Operator && person.locked.is_none());
    operators.next().is_some_and(|first| first.name == name) && operators.next().is_none()
}
