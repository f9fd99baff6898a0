//! Accounts: how people get in and what they keep there. One kit for both sites; where things are kept is the site's business ([`Accounts`]).
//!
//! | page | what |
//! |---|---|
//! | `/welcome/{token}` | a one-time link on which a person chooses their own secret |
//! | `/sign-in/code` | the second step of those who have one |
//! | `/account`, and below it | one's own secret, second step and sessions; tokens, where a site keeps them ([`Tokens`]) |
//! | `/people`, and below it | who may sign in; for those who look after people |
//!
//! What a person chooses or draws is hashed here; a store never sees a secret, a link, a token or a recovery code in clear.

mod account;
mod change;
mod code;
mod desk;
pub(crate) mod looks;
mod names;
mod people;
mod person;
mod proof;
mod qr;
mod second_step;
mod token;
mod tokens;
pub mod totp;
mod welcome;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::components::TagColour;
use crate::people::{PeopleError, PersonRecord};
use crate::roles::{Access, Rule};

use desk::{Answer, Keep, gone, once, session_fault};

pub use change::{Act, By, Change, Chosen, NewLink, WayIn};
pub use names::{is_free_name, is_name, same_person};

pub use crate::throttle::Closed;
pub(crate) use desk::{Desk, Peer, address, router, unavailable};
pub use desk::{Names, is_local, link, new_link};
pub(crate) use proof::Proof;
pub use token::{Hash, Token};
pub(crate) use welcome::over as link_over;

/// How long a set-up link opens anything.
pub const LINK_DAYS: i64 = 7;
/// What a program's token begins with, so that one that was left in a file is found by who looks for such things.
pub const TOKEN_PREFIX: &str = "ldsp_";
/// Wrong codes of a second step in a day after which somebody else has to open the name again: who tries them knows the secret.
const WRONG_CODES: u32 = 10;

/// A role in a site's own words.
#[derive(Debug, Clone)]
pub struct RoleWords {
    /// As the role table writes it.
    pub role: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// A sentence on what somebody with this role does.
    pub does: &'static str,
    /// Of its tag.
    pub colour: TagColour,
    /// Whether people with it are bound to an organisation.
    pub bound: bool,
}

/// Somebody on the list of people.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name they sign in with.
    pub name: String,
    /// Their role, as the role table writes it.
    pub role: String,
    /// The organisation to which they are bound.
    pub organisation: Option<String>,
    /// When they were added.
    pub added_at: Timestamp,
    /// Since when they are locked out.
    pub locked_at: Option<Timestamp>,
    /// Whether they have set a secret.
    pub has_secret: bool,
    /// Whether sign-in asks them for a code too.
    pub second_step: bool,
    /// Whether an account at a sign-in service is connected with the name.
    pub connected: bool,
}

/// A set-up link that still opens something.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// Whose secret it sets; `None`: whoever opens it becomes the first of those who look after people.
    pub person: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What the second step of a person needs.
#[derive(Clone)]
pub struct SecondStep {
    /// Shared with their phone.
    pub key: totp::Key,
    /// The last step whose code was taken.
    pub step: i64,
    /// Recovery codes that were not used yet.
    pub codes: usize,
}

/// A token of a person's programs.
#[derive(Debug, Clone)]
pub struct ListedToken {
    /// Its number.
    pub id: i64,
    /// What it is for, in the person's words.
    pub label: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The day on which it was last used.
    pub used: Option<Date>,
}

/// Where a site keeps accounts.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Every role, in the order in which they are offered.
    fn roles(&self) -> Vec<RoleWords>;

    /// The page that tells those who look after people what was done to accounts, and by whom.
    fn history(&self) -> &'static str;

    /// Everybody, by name.
    async fn everybody(&self) -> Result<Vec<Listed>, PeopleError>;

    /// What a link opens, if it still does.
    async fn link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, PeopleError>;

    /// The second step of a person who has one.
    async fn second_step(&self, name: &str) -> Result<Option<SecondStep>, PeopleError>;

    /// Who has signed in on this browser before.
    async fn people_of_browser(&self, browser: Hash) -> Result<Vec<String>, PeopleError>;

    /// Does something to somebody's account.
    async fn change(&self, change: Change<'_>, by: By<'_>) -> Result<Act, PeopleError>;

    /// Where tokens of people's programs are kept, on a site that has something for programs to ask.
    fn tokens(&self) -> Option<&dyn Tokens> {
        None
    }
}

/// Where a site keeps tokens of people's programs. Making and ending one is written down as an act of the person.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A person's tokens, the latest first.
    async fn of(&self, name: &str) -> Result<Vec<ListedToken>, PeopleError>;

    /// Keeps a token of a person, for what `label` says.
    async fn keep(
        &self,
        label: &str,
        token: Hash,
        expires_at: Timestamp,
        by: By<'_>,
    ) -> Result<Act, PeopleError>;

    /// Ends a token of this person's.
    async fn end(&self, id: i64, by: By<'_>) -> Result<Act, PeopleError>;

    /// The person whose token this is, while it holds.
    async fn owner(&self, token: Hash, now: Timestamp)
    -> Result<Option<PersonRecord>, PeopleError>;
}

/// Every route of the kit but those of [`token_rules`], for a site's role table: `managers` look after people, `readers` see who there is.
#[must_use]
pub fn rules(managers: Access, readers: Access) -> Vec<Rule> {
    let both = |path, access| [Rule::get(path, access), Rule::post(path, access)];
    let mut rules = Vec::new();
    rules.extend(both("/welcome/{token}", Access::Public));
    rules.extend(both("/sign-in/code", Access::Public));
    rules.push(Rule::get("/account", Access::SignedIn));
    rules.extend(both("/account/secret", Access::SignedIn));
    rules.extend(both("/account/second-step", Access::SignedIn));
    rules.push(Rule::post("/account/second-step/end", Access::SignedIn));
    rules.push(Rule::post("/account/sessions/end", Access::SignedIn));
    rules.push(Rule::get("/people", readers));
    rules.extend(both("/people/new", managers));
    rules.push(Rule::get("/people/{name}", managers));
    rules.extend(both("/people/{name}/role", managers));
    rules.extend(both("/people/{name}/remove", managers));
    rules.push(Rule::post("/people/{name}/link", managers));
    rules.push(Rule::post("/people/{name}/lock", managers));
    rules.push(Rule::post("/people/{name}/unlock", managers));
    rules
}

/// The routes of tokens, for a site that keeps them ([`Accounts::tokens`]).
#[must_use]
pub fn token_rules() -> [Rule; 3] {
    [
        Rule::get("/account/tokens/new", Access::SignedIn),
        Rule::post("/account/tokens/new", Access::SignedIn),
        Rule::post("/account/tokens/{id}/end", Access::SignedIn),
    ]
}
