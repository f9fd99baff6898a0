//! The store as the web kit asks for it.

use async_trait::async_trait;
use jiff::Timestamp;
use ldsp_ui::accounts::{
    Accounts, Act, Hash, Listed, ListedToken, RoleWords, SecondStep, SetUp, totp,
};
use ldsp_ui::components::TagColour;
use ldsp_ui::{PeopleError, PersonRecord};

use crate::store::people::{Changed, Person, PersonError, Role, organisation_of};
use crate::store::{Store, StoreError};

pub(super) fn taken() -> Act {
    Act::Unfit {
        field: "name",
        why: "Somebody has this name already, whatever the capitals. Choose another one".to_owned(),
    }
}

pub(super) fn unfit(error: PersonError) -> Act {
    let (field, why) = match error {
        PersonError::Name => (
            "name",
            "Give 1 to 64 Latin letters and digits with single spaces, hyphens, apostrophes or full stops between them",
        ),
        PersonError::NoOrganisation => (
            "organisation",
            "Enter the organisation whose records they see",
        ),
        PersonError::Organisation => (
            "organisation",
            "Leave this empty: only a provider is bound to an organisation",
        ),
        PersonError::OrganisationName => ("organisation", "Give 1 to 200 characters"),
    };
    Act::Unfit {
        field,
        why: why.to_owned(),
    }
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

/// The role with this word; forms offer no other.
fn role(word: &str) -> Result<Role, Act> {
    Role::named(word).ok_or_else(|| Act::Unfit {
        field: "role",
        why: "Choose what they may do".to_owned(),
    })
}

/// Names of providers that a form offers at most.
const OFFERED: usize = 12;

impl Store {
    /// Writes the organisation that somebody is bound to as it is shown here. One that nobody knows may be a typing error, which would make
    /// a second provider of one that is there.
    async fn bind(
        &self,
        organisation: &mut Option<String>,
    ) -> Result<Result<(), Act>, PeopleError> {
        let Some(name) = organisation else {
            return Ok(Ok(()));
        };
        if let Some(shown) = self.shown_provider(name).await.map_err(boxed)? {
            *name = shown;
            return Ok(Ok(()));
        }
        let known = self.bindable().await.map_err(boxed)?;
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

    async fn everybody(&self) -> Result<Vec<Listed>, PeopleError> {
        let people = self.people().await.map_err(boxed)?;
        let listed = people.into_iter().map(|person| Listed {
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

    async fn add(
        &self,
        name: &str,
        word: &str,
        organisation: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let role = match role(word) {
            Ok(role) => role,
            Err(act) => return Ok(act),
        };
        let mut person = match Person::described(name, role, Some(organisation), now) {
            Ok(person) => person,
            Err(error) => return Ok(unfit(error)),
        };
        if let Err(act) = self.bind(&mut person.organisation).await? {
            return Ok(act);
        }
        let added = self.add_person(&person, who).await.map_err(boxed)?;
        Ok(if added { Act::Done } else { taken() })
    }

    async fn give_role(
        &self,
        name: &str,
        word: &str,
        organisation: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let role = match role(word) {
            Ok(role) => role,
            Err(act) => return Ok(act),
        };
        let mut organisation = match organisation_of(role, Some(organisation)) {
            Ok(organisation) => organisation,
            Err(error) => return Ok(unfit(error)),
        };
        if let Err(act) = self.bind(&mut organisation).await? {
            return Ok(act);
        }
        let changed = self.change_role(name, role, organisation.as_deref(), who, now);
        changed.await.map(act).map_err(boxed)
    }

    async fn lock(
        &self,
        name: &str,
        locked: bool,
        careful: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let changed = self.lock_person(name, locked, careful, who, now).await;
        changed.map(act).map_err(boxed)
    }

    async fn remove(&self, name: &str, who: &str, now: Timestamp) -> Result<Act, PeopleError> {
        let changed = self.remove_person(name, who, now).await;
        changed.map(act).map_err(boxed)
    }

    async fn reset(
        &self,
        name: &str,
        link: Hash,
        expires_at: Timestamp,
        who: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let done = self.reset_person(name, link, expires_at, who, now).await;
        let done = done.map_err(boxed)?;
        Ok(if done { Act::Done } else { Act::Gone })
    }

    async fn link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, PeopleError> {
        self.open_link(link, now).await.map_err(boxed)
    }

    async fn take_link(
        &self,
        link: Hash,
        name: &str,
        secret_hash: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let done = self.use_link(link, name, secret_hash, now).await;
        done.map_err(boxed)
    }

    async fn set_secret(
        &self,
        name: &str,
        secret_hash: &str,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let done = self.replace_secret(name, secret_hash, name, now).await;
        let done = done.map_err(boxed)?;
        Ok(if done { Act::Done } else { Act::Gone })
    }

    async fn second_step(&self, name: &str) -> Result<Option<SecondStep>, PeopleError> {
        self.read_second_step(name).await.map_err(boxed)
    }

    async fn begin_second_step(
        &self,
        name: &str,
        key: totp::Key,
        step: i64,
        codes: &[Hash],
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let second = Some((key, step, codes));
        let done = self.write_second_step(name, second, now).await;
        done.map_err(boxed)
    }

    async fn end_second_step(&self, name: &str, now: Timestamp) -> Result<Act, PeopleError> {
        self.write_second_step(name, None, now).await.map_err(boxed)
    }

    async fn take_step(&self, name: &str, step: i64) -> Result<Act, PeopleError> {
        let done =
            sqlx::query("UPDATE people SET totp_step = $2 WHERE name = $1 AND totp_step < $2")
                .bind(name)
                .bind(step)
                .execute(&self.writer)
                .await;
        let done = done.map_err(|error| boxed(error.into()))?;
        Ok(if done.rows_affected() == 1 {
            Act::Done
        } else {
            Act::Gone
        })
    }

    async fn take_recovery_code(
        &self,
        name: &str,
        code: Hash,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let done = self.use_recovery_code(name, code, now).await;
        done.map_err(boxed)
    }

    async fn tokens(&self, name: &str) -> Result<Vec<ListedToken>, PeopleError> {
        self.read_tokens(name).await.map_err(boxed)
    }

    async fn add_token(
        &self,
        name: &str,
        label: &str,
        token: Hash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Act, PeopleError> {
        let done = self.write_token(name, label, token, expires_at, now).await;
        done.map_err(boxed)
    }

    async fn end_token(&self, name: &str, id: i64, now: Timestamp) -> Result<Act, PeopleError> {
        self.delete_token(name, id, now).await.map_err(boxed)
    }

    async fn by_token(
        &self,
        token: Hash,
        now: Timestamp,
    ) -> Result<Option<PersonRecord>, PeopleError> {
        let person = self.person_of_token(token, now).await.map_err(boxed)?;
        Ok(person.map(Into::into))
    }

    async fn people_of_browser(&self, browser: Hash) -> Result<Vec<String>, PeopleError> {
        let found = sqlx::query_scalar("SELECT person FROM known_browsers WHERE token = $1")
            .bind(&browser[..])
            .fetch_all(&self.reader)
            .await;
        found.map_err(|error| boxed(error.into()))
    }

    async fn note_browser(
        &self,
        name: &str,
        browser: Hash,
        now: Timestamp,
    ) -> Result<(), PeopleError> {
        self.write_browser(name, browser, now).await.map_err(boxed)
    }
}
