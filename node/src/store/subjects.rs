//! Accounts at a sign-in service and the people who sign in with them.

use async_trait::async_trait;
use jiff::Timestamp;
use ldsp_ui::PeopleError;
use ldsp_ui::oidc::{Binding, Bound, Claim, Subject, Subjects};
use sqlx::SqliteConnection;

use super::audit::append;
use super::people::end_sessions;
use super::{Store, StoreError, moment};

type Row = (String, String, String, String, i64);

fn bound((issuer, claim, value, person, since): Row) -> Result<Bound, StoreError> {
    let claim = Claim::named(&claim).ok_or_else(|| StoreError::Corrupt {
        table: "subjects",
        column: "claim",
        row: value.clone(),
    })?;
    Ok(Bound {
        since: moment(since, "subjects", "since", &value)?,
        subject: Subject {
            issuer,
            claim,
            value,
        },
        person,
    })
}

impl Store {
    /// The name of the person whom this subject is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn person_of(&self, subject: &Subject) -> Result<Option<String>, StoreError> {
        let query = "SELECT person FROM subjects WHERE issuer = $1 AND claim = $2 AND value = $3";
        let person = sqlx::query_scalar(query)
            .bind(&subject.issuer)
            .bind(subject.claim.as_str())
            .bind(&subject.value);
        Ok(person.fetch_optional(&self.reader).await?)
    }

    /// Every subject that is noted, by person.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn subjects(&self) -> Result<Vec<Bound>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT issuer, claim, value, person, since FROM subjects ORDER BY person, issuer, claim, value",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(bound).collect()
    }

    /// Notes that `subject` is the person `name`, and in the audit log that `by` did.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn bind_subject(
        &self,
        name: &str,
        subject: &Subject,
        by: &str,
        now: Timestamp,
    ) -> Result<Binding, StoreError> {
        let mut tx = self.write().await?;
        let bound = bind(&mut tx, name, subject, by, now).await?;
        tx.commit().await?;
        Ok(bound)
    }

    /// Forgets that `subject` is the person `name`, ends their sessions, and says in the audit log that `by` did; `false` when it was not.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn unbind_subject(
        &self,
        name: &str,
        subject: &Subject,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "DELETE FROM subjects WHERE issuer = $1 AND claim = $2 AND value = $3 AND person = $4",
        )
        .bind(&subject.issuer)
        .bind(subject.claim.as_str())
        .bind(&subject.value)
        .bind(name)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let detail = format!("{name} at {}", subject.issuer);
        end_sessions(&mut tx, name).await?;
        append(&mut tx, now, by, "people disconnect", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// [`Store::bind_subject`] within a transaction; unless it is noted nothing was changed.
pub(super) async fn bind(
    tx: &mut SqliteConnection,
    name: &str,
    subject: &Subject,
    by: &str,
    now: Timestamp,
) -> Result<Binding, StoreError> {
    let person: Option<i64> = sqlx::query_scalar("SELECT 1 FROM people WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
    if person.is_none() {
        return Ok(Binding::Nobody);
    }
    let done = sqlx::query(
        "INSERT INTO subjects (issuer, claim, value, person, since) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&subject.issuer)
    .bind(subject.claim.as_str())
    .bind(&subject.value)
    .bind(name)
    .bind(now.as_second())
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        let held: String = sqlx::query_scalar(
            "SELECT person FROM subjects WHERE issuer = $1 AND claim = $2 AND value = $3",
        )
        .bind(&subject.issuer)
        .bind(subject.claim.as_str())
        .bind(&subject.value)
        .fetch_one(&mut *tx)
        .await?;
        return Ok(if held == name {
            Binding::Noted
        } else {
            Binding::Taken
        });
    }
    let detail = format!("{name} at {}", subject.issuer);
    append(tx, now, by, "people connect", &detail).await?;
    Ok(Binding::Noted)
}

fn trouble(error: StoreError) -> PeopleError {
    PeopleError(Box::new(error))
}

#[async_trait]
impl Subjects for Store {
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
        by: &str,
        now: Timestamp,
    ) -> Result<Binding, PeopleError> {
        let bound = self.bind_subject(name, subject, by, now).await;
        bound.map_err(trouble)
    }

    async fn unbind(
        &self,
        name: &str,
        subject: &Subject,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PeopleError> {
        let unbound = self.unbind_subject(name, subject, by, now).await;
        unbound.map_err(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::people::{Person, Role};

    #[tokio::test]
    async fn a_subject_is_one_person_and_goes_with_them() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.db")).await.unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let person = |name| Person::new(name, Role::Approver, now);
        store.add_person(&person("Ada"), "Bob").await.unwrap();
        store.add_person(&person("Bob"), "Bob").await.unwrap();
        let subject = |value| Subject::new("https://id.example", Claim::Subject, value).unwrap();
        let (one, two) = (subject("u-1"), subject("U-1"));
        let bind = |name: &'static str, subject: &Subject| {
            let (store, subject) = (store.clone(), subject.clone());
            async move {
                store
                    .bind_subject(name, &subject, "Bob", now)
                    .await
                    .unwrap()
            }
        };
        assert_eq!(bind("Eve", &one).await, Binding::Nobody);
        assert_eq!(bind("Ada", &one).await, Binding::Noted);
        assert_eq!(bind("Ada", &one).await, Binding::Noted);
        assert_eq!(bind("Bob", &one).await, Binding::Taken);
        assert_eq!(bind("Bob", &two).await, Binding::Noted);
        assert_eq!(store.person_of(&one).await.unwrap().as_deref(), Some("Ada"));
        let mail = Subject::new("https://id.example", Claim::Email, "u-1@x").unwrap();
        assert_eq!(store.person_of(&mail).await.unwrap(), None);
        let all = store.subjects().await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((&all[0].person, &all[0].subject), (&"Ada".to_owned(), &one));
        assert!(!store.unbind_subject("Ada", &two, "Ada", now).await.unwrap());
        assert!(store.unbind_subject("Bob", &two, "Bob", now).await.unwrap());
        store.remove_person("Ada", "Bob", now).await.unwrap();
        assert_eq!(store.subjects().await.unwrap(), []);
        store.add_person(&person("Ada"), "Bob").await.unwrap();
        assert_eq!(store.person_of(&one).await.unwrap(), None);
        let acts = store.audit_entries(10).await.unwrap();
        let connected: Vec<_> = acts
            .iter()
            .filter(|a| a.action == "people connect")
            .collect();
        assert_eq!(connected.len(), 2);
        assert!(
            connected
                .iter()
                .all(|a| a.who == "Bob" && !a.detail.contains("u-1"))
        );
    }
}
