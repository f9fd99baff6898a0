//! Links on which people set how they sign in, and everything that a new one ends.

use jiff::Timestamp;
use ldsp_ui::accounts::{Act, Chosen, Hash, NewLink, SetUp};
use ldsp_ui::oidc::{Binding, Subject};
use sqlx::SqliteConnection;

use super::kit::unfit;
use crate::store::audit::append;
use crate::store::people::{self, Person, Role};
use crate::store::{Store, StoreError, moment, subjects};

impl Store {
    /// Keeps the link that makes whoever opens it the first admin, in the place of one that was made before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_first_link(
        &self,
        link: NewLink,
        (who, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM set_up_links WHERE person IS NULL")
            .execute(&mut *tx)
            .await?;
        write_link(&mut tx, link, None, now).await?;
        append(&mut tx, now, who, "people link", "for the first admin").await?;
        Ok(tx.commit().await?)
    }

    /// Adds a person who gets in with `link` first, as [`Store::add_person`] does one with a secret.
    ///
    /// # Errors
    /// As [`Store::add_person`].
    pub async fn invite_person(
        &self,
        person: &Person,
        link: NewLink,
        who: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        if !people::insert(&mut tx, person, who).await? {
            return Ok(false);
        }
        let (name, now) = (&person.name, person.added_at);
        write_link(&mut tx, link, Some(name), now).await?;
        append(&mut tx, now, who, "people link", name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// As [`ldsp_ui::accounts::Change::Reset`].
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn reset_person(
        &self,
        name: &str,
        link: NewLink,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "UPDATE people SET secret_hash = NULL, totp_key = NULL, totp_step = NULL WHERE name = $1",
        )
        .bind(name)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        people::end_sessions(&mut tx, name).await?;
        let mut detail = name.to_owned();
        for (what, sql) in [
            ("", "DELETE FROM recovery_codes WHERE person = $1"),
            ("", "DELETE FROM known_browsers WHERE person = $1"),
            ("", "DELETE FROM set_up_links WHERE person = $1"),
            (
                "connected accounts",
                "DELETE FROM subjects WHERE person = $1",
            ),
            ("tokens", "DELETE FROM api_tokens WHERE person = $1"),
        ] {
            let gone = sqlx::query(sql).bind(name).execute(&mut *tx).await?;
            if gone.rows_affected() > 0 && !what.is_empty() {
                detail.push_str(&format!("; {what} ended: {}", gone.rows_affected()));
            }
        }
        write_link(&mut tx, link, Some(name), now).await?;
        append(&mut tx, now, who, "people link", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn open_link(
        &self,
        link: Hash,
        now: Timestamp,
    ) -> Result<Option<SetUp>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        live_link(&mut reader, link, now).await
    }

    pub(super) async fn use_link(
        &self,
        link: Hash,
        name: &str,
        chosen: Chosen<'_>,
        now: Timestamp,
    ) -> Result<Act, StoreError> {
        let mut tx = self.write().await?;
        let Some(set_up) = live_link(&mut tx, link, now).await? else {
            return Ok(Act::Gone);
        };
        let name = match &set_up.person {
            Some(person) => person.clone(),
            None => {
                let person = match Person::described(name, Role::Admin, None, now) {
                    Ok(person) => person,
                    Err(error) => return Ok(unfit(error)),
                };
                if !people::insert(&mut tx, &person, &person.name).await? {
                    return Ok(Act::taken());
                }
                person.name
            }
        };
        match chosen {
            Chosen::Secret(hash) => {
                sqlx::query("UPDATE people SET secret_hash = $2 WHERE name = $1")
                    .bind(&name)
                    .bind(hash)
                    .execute(&mut *tx)
                    .await?;
                append(&mut tx, now, &name, "people secret", "by a link").await?;
            }
            Chosen::Account(subject) => {
                if !connects(&mut tx, &name, subject, now).await? {
                    return Ok(Act::account_taken());
                }
            }
        }
        sqlx::query("DELETE FROM set_up_links WHERE token = $1")
            .bind(&link[..])
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Act::Done)
    }
}

/// Whether the account is this person's now: nobody else's was it.
async fn connects(
    tx: &mut SqliteConnection,
    name: &str,
    subject: &Subject,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let bound = subjects::bind(tx, name, subject, name, now).await?;
    Ok(bound == Binding::Noted)
}

async fn write_link(
    tx: &mut SqliteConnection,
    link: NewLink,
    person: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO set_up_links (token, person, made_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&link.token[..])
    .bind(person)
    .bind(now.as_second())
    .bind(link.expires_at.as_second())
    .execute(tx)
    .await?;
    Ok(())
}

/// A link that has not ended. One for the first admin opens nothing once there is an admin.
async fn live_link(
    connection: &mut SqliteConnection,
    link: Hash,
    now: Timestamp,
) -> Result<Option<SetUp>, StoreError> {
    let row: Option<(Option<String>, i64)> = sqlx::query_as(
        "SELECT person, expires_at FROM set_up_links WHERE token = $1 AND expires_at > $2
         AND (person IS NOT NULL OR NOT EXISTS (SELECT 1 FROM people WHERE role = 'admin'))",
    )
    .bind(&link[..])
    .bind(now.as_second())
    .fetch_optional(connection)
    .await?;
    row.map(|(person, expires_at)| {
        Ok(SetUp {
            expires_at: moment(expires_at, "set_up_links", "expires_at", "of a link")?,
            person,
        })
    })
    .transpose()
}
