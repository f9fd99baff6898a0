//! The store as the web kit asks for it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use ldsp_ui::accounts::{Accounts, Act, By, Change, Hash, Listed, RoleWords, SecondStep, SetUp};
use ldsp_ui::components::TagColour;
use ldsp_ui::oidc::{Binding, Bound, Subject, Subjects};
use ldsp_ui::{People, PeopleError, PersonRecord};

use super::{Person, Staff};
use crate::store::{Backend, Role, StoreError};

fn trouble(error: StoreError) -> PeopleError {
    if error.is_fatal() {
        return PeopleError::unconfirmed(error);
    }
    PeopleError(Box::new(error))
}

impl From<Person> for PersonRecord {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            role: ldsp_ui::Role::new(person.role.as_str()),
            organisation: None,
            secret_hash: person.secret_hash,
            locked: person.locked.is_some(),
            second_step: person.second_step,
            generation: person.generation,
        }
    }
}

impl People for Backend {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        let person = Staff::person(self, name).await.map_err(trouble)?;
        Ok(person.map(Into::into))
    }

    async fn names(&self) -> Result<Vec<String>, PeopleError> {
        let people = Staff::people(self).await.map_err(trouble)?;
        Ok(people.into_iter().map(|person| person.name).collect())
    }
}

#[async_trait]
impl Accounts for Backend {
    fn roles(&self) -> Vec<RoleWords> {
        let words = |role: Role| {
            let (title, colour) = match role {
                Role::Operator => ("Operator", TagColour::Blue),
                Role::Analyst => ("Analyst", TagColour::Purple),
                Role::Partner => ("Partner", TagColour::Green),
                Role::Curator => ("Curator", TagColour::Yellow),
            };
            RoleWords {
                role: role.as_str(),
                title,
                does: role.does(),
                colour,
                bound: false,
            }
        };
        Role::ALL.map(words).to_vec()
    }

    fn history(&self) -> &'static str {
        "/operator/acts"
    }

    async fn everybody(&self) -> Result<Vec<Listed>, PeopleError> {
        let people = Staff::people(self).await.map_err(trouble)?;
        let subjects = Staff::subjects(self).await.map_err(trouble)?;
        let connected: BTreeSet<String> = subjects.into_iter().map(|one| one.person).collect();
        let listed = people.into_iter().map(|person| Listed {
            connected: connected.contains(&person.name),
            name: person.name,
            role: person.role.as_str().to_owned(),
            organisation: None,
            added_at: person.added,
            locked_at: person.locked,
            has_secret: person.secret_hash.is_some(),
            second_step: person.second_step,
        });
        Ok(listed.collect())
    }

    async fn link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, PeopleError> {
        Staff::set_up(self, link, now).await.map_err(trouble)
    }

    async fn second_step(&self, name: &str) -> Result<Option<SecondStep>, PeopleError> {
        Staff::second_step(self, name).await.map_err(trouble)
    }

    async fn people_of_browser(&self, browser: Hash) -> Result<Vec<String>, PeopleError> {
        let found = Staff::people_of_browser(self, browser).await;
        found.map_err(trouble)
    }

    async fn change(&self, change: Change<'_>, by: By<'_>) -> Result<Act, PeopleError> {
        Staff::change(self, &change, by).await.map_err(trouble)
    }
}

#[async_trait]
impl Subjects for Backend {
    async fn person(&self, subject: &Subject) -> Result<Option<String>, PeopleError> {
        self.person_of(subject).await.map_err(trouble)
    }

    async fn all(&self) -> Result<Vec<Bound>, PeopleError> {
        self.subjects().await.map_err(trouble)
    }

    async fn bind(
        &self,
        name: &str,
        subject: &Subject,
        who: &str,
        now: Timestamp,
    ) -> Result<Binding, PeopleError> {
        let bound = self.bind_subject(name, subject, By { who, now }).await;
        bound.map_err(trouble)
    }

    async fn unbind(
        &self,
        name: &str,
        subject: &Subject,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, PeopleError> {
        let unbound = self.unbind_subject(name, subject, By { who, now }).await;
        unbound.map_err(trouble)
    }
}
