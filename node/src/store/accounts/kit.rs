//! The store as the web kit asks for it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use ldsp_ui::accounts::{
    Accounts, Act, By, Change, Hash, Listed, ListedToken, RoleWords, SecondStep, SetUp, Tokens,
    WayIn,
};
use ldsp_ui::components::TagColour;
use ldsp_ui::{PeopleError, PersonRecord};

use crate::store::people::{Changed, Person, PersonError, Role, organisation_of};
use crate::store::{Store, StoreError};

pub(super) fn unfit(error: PersonError) -> Act {
    let why = match error {
        PersonError::Name => return Act::no_name(),
        PersonError::NoOrganisation => "Enter the organisation whose records they see",
        PersonError::Organisation => {
            "Leave this empty: only a provider is bound to an organisation"
        }
        PersonError::OrganisationName => "Give 1 to 200 characters",
    };
    Act::unfit("organisation", why)
}

fn act(changed: Changed) -> Act {
    match changed {
        Changed::Done(_) => Act::Done,
        Changed::Nobody => Act::Gone,
        Changed::LastAdmin => Act::Last,
    }
}

fn boxed(error: StoreError) -> PeopleError {
    PeopleError(Box::new(error))
}

/// The role and the organisation that belongs to it.
fn placed(word: &str, organisation: &str) -> Result<(Role, Option<String>), Act> {
    let role = Role::named(word).ok_or_else(Act::no_role)?;
    let organisation = organisation_of(role, Some(organisation)).map_err(unfit)?;
    Ok((role, organisation))
}

impl Store {
    async fn carry_out(&self, change: Change<'_>, by: By<'_>) -> Result<Act, StoreError> {
        if change.ends_oneself(by) {
            return Ok(Act::Oneself);
        }
        let By { who, now } = by;
        match change {
            Change::Add {
                name,
                role,
                organisation,
                way_in,
            } => {
                let Some(role) = Role::named(role) else {
                    return Ok(Act::no_role());
                };
                let mut person = match Person::described(name, role, Some(organisation), now) {
                    Ok(person) => person,
                    Err(error) => return Ok(unfit(error)),
                };
                if let Err(act) = self.bind(&mut person.organisation).await? {
                    return Ok(act);
                }
                let added = match way_in {
                    WayIn::Secret(hash) => self.add_person(&person.with_secret(hash), who).await?,
                    WayIn::Link(link) => self.invite_person(&person, link, who).await?,
                };
                Ok(if added { Act::Done } else { Act::taken() })
            }
            Change::Role {
                name,
                role,
                organisation,
            } => {
                let (role, mut of) = match placed(role, organisation) {
                    Ok(placed) => placed,
                    Err(act) => return Ok(act),
                };
                if let Err(act) = self.bind(&mut of).await? {
                    return Ok(act);
                }
                let changed = self.change_role(name, role, of.as_deref(), who, now);
                changed.await.map(act)
            }
            Change::Lock { name, careful } => self
                .lock_person(name, true, careful, who, now)
                .await
                .map(act),
            Change::Unlock { name } => self.lock_person(name, false, true, who, now).await.map(act),
            Change::Remove { name } => self.remove_person(name, who, now).await.map(act),
            Change::Reset { name, link } => self
                .reset_person(name, link, who, now)
                .await
                .map(Act::done_if),
            Change::TakeLink { link, name, chosen } => self.use_link(link, name, chosen, now).await,
            Change::Secret { name, secret_hash } => self
                .replace_secret(name, secret_hash, who, now)
                .await
                .map(Act::done_if),
            Change::BeginSecondStep {
                name,
                key,
                step,
                codes,
            } => {
                let second = Some((key, step, codes));
                self.write_second_step(name, second, now).await
            }
            Change::EndSecondStep { name } => self.write_second_step(name, None, now).await,
            Change::Code { name, step } => self.use_step(name, step).await,
            Change::RecoveryCode { name, code } => self.use_recovery_code(name, code, now).await,
            Change::Browser { name, browser } => self
                .write_browser(name, browser, now)
                .await
                .map(|()| Act::Done),
        }
    }
}

/// Names of providers that a form offers at most.
const OFFERED: usize = 12;

impl Store {
    /// Writes the organisation that somebody is bound to as it is shown here. One that nobody knows may be a typing error, which would make
    /// a second provider of one that is there.
    async fn bind(&self, organisation: &mut Option<String>) -> Result<Result<(), Act>, StoreError> {
        let Some(name) = organisation else {
            return Ok(Ok(()));
        };
        if let Some(shown) = self.shown_provider(name).await? {
            *name = shown;
            return Ok(Ok(()));
        }
        let known = self.bindable().await?;
        let known = match known.len() {
            1..=OFFERED => format!(" Known are: {}.", known.join(", ")),
            _ => String::new(),
        };
        Ok(Err(Act::Unfit {
            field: "organisation",
            why: format!(
                "No training provider of this name is known here.{known} A new one is added under Organisations first"
            ),
        }))
    }
}

#[async_trait]
impl Accounts for Store {
    fn roles(&self) -> Vec<RoleWords> {
        let words = |role: Role| {
            let (title, colour) = match role {
                Role::Admin => ("Admin", TagColour::Grey),
                Role::Coordinator => ("Coordinator", TagColour::Blue),
                Role::Approver => ("Approver", TagColour::Purple),
                Role::Provider => ("Provider", TagColour::Green),
                Role::Viewer => ("Viewer", TagColour::Yellow),
            };
            RoleWords {
                role: role.as_str(),
                title,
                does: role.does(),
                colour,
                bound: role == Role::Provider,
            }
        };
        Role::ALL.map(words).to_vec()
    }

    fn history(&self) -> &'static str {
        "/audit"
    }

    async fn everybody(&self) -> Result<Vec<Listed>, PeopleError> {
        let people = self.people().await.map_err(boxed)?;
        let subjects = self.subjects().await.map_err(boxed)?;
        let connected: BTreeSet<String> = subjects.into_iter().map(|one| one.person).collect();
        let listed = people.into_iter().map(|person| Listed {
            connected: connected.contains(&person.name),
            name: person.name,
            role: person.role.as_str().to_owned(),
            organisation: person.organisation,
            added_at: person.added_at,
            locked_at: person.locked_at,
            has_secret: person.secret_hash.is_some(),
            second_step: person.second_step,
        });
        Ok(listed.collect())
    }

    async fn link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, PeopleError> {
        self.open_link(link, now).await.map_err(boxed)
    }

    async fn second_step(&self, name: &str) -> Result<Option<SecondStep>, PeopleError> {
        self.read_second_step(name).await.map_err(boxed)
    }

    async fn people_of_browser(&self, browser: Hash) -> Result<Vec<String>, PeopleError> {
        let found = sqlx::query_scalar("SELECT person FROM known_browsers WHERE token = $1")
            .bind(&browser[..])
            .fetch_all(&self.reader)
            .await;
        found.map_err(|error| boxed(error.into()))
    }

    async fn change(&self, change: Change<'_>, by: By<'_>) -> Result<Act, PeopleError> {
        self.carry_out(change, by).await.map_err(boxed)
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
    }
}

#[async_trait]
impl Tokens for Store {
    async fn of(&self, name: &str) -> Result<Vec<ListedToken>, PeopleError> {
        self.read_tokens(name).await.map_err(boxed)
    }

    async fn keep(
        &self,
        label: &str,
        token: Hash,
        expires_at: Timestamp,
        by: By<'_>,
    ) -> Result<Act, PeopleError> {
        let kept = self.write_token(by.who, label, token, expires_at, by.now);
        kept.await.map_err(boxed)
    }

    async fn end(&self, id: i64, by: By<'_>) -> Result<Act, PeopleError> {
        let ended = self.delete_token(by.who, id, by.now).await;
        ended.map_err(boxed)
    }

    async fn owner(
        &self,
        token: Hash,
        now: Timestamp,
    ) -> Result<Option<PersonRecord>, PeopleError> {
        let person = self.person_of_token(token, now).await.map_err(boxed)?;
        Ok(person.map(Into::into))
    }
}
