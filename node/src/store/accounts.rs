//! With what people sign in: secrets, links, second steps, tokens and the browsers they use; [`ldsp_ui::accounts`] shows the pages. Nothing
//! in here is kept in clear but the key of a second step, which the program needs as it is.

mod kit;

use jiff::Timestamp;
use ldsp_ui::accounts::{Act, Chosen, Hash, ListedToken, NewLink, SecondStep, SetUp, totp};
use ldsp_ui::oidc::{Binding, Subject};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::audit::{COMMAND_LINE, append};
use super::people::{self, Person, Role};
use super::{Store, StoreError, date, moment, subjects};
use kit::unfit;

/// Browsers that are kept of a person, the latest used.
const BROWSERS: i64 = 10;
/// Days for which a browser is known without being used.
const BROWSER_DAYS: i64 = 400;

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(24 * 60 * 60)
}

impl Store {
    /// Keeps the link that makes whoever opens it the first admin, in the place of one that was made before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_first_link(&self, link: NewLink, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM set_up_links WHERE person IS NULL")
            .execute(&mut *tx)
            .await?;
        write_link(&mut tx, link, None, now).await?;
        append(
            &mut tx,
            now,
            COMMAND_LINE,
            "people link",
            "for the first admin",
        )
        .await?;
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

    async fn open_link(&self, link: Hash, now: Timestamp) -> Result<Option<SetUp>, StoreError> {
        let mut reader = self.reader.acquire().await?;
        live_link(&mut reader, link, now).await
    }

    async fn use_link(
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

    async fn read_second_step(&self, name: &str) -> Result<Option<SecondStep>, StoreError> {
        let row: Option<(Vec<u8>, i64, i64)> = sqlx::query_as(
            "SELECT totp_key, totp_step, (SELECT count(*) FROM recovery_codes WHERE person = name) FROM people
             WHERE name = $1 AND totp_key IS NOT NULL",
        )
        .bind(name)
        .fetch_optional(&self.reader)
        .await?;
        row.map(|(key, step, codes)| {
            let key = totp::Key::try_from(key).map_err(|_| StoreError::Corrupt {
                table: "people",
                column: "totp_key",
                row: name.to_owned(),
            })?;
            Ok(SecondStep {
                key,
                step,
                codes: usize::try_from(codes).unwrap_or_default(),
            })
        })
        .transpose()
    }

    async fn write_second_step(
        &self,
        name: &str,
        second: Option<(totp::Key, i64, &[Hash])>,
        now: Timestamp,
    ) -> Result<Act, StoreError> {
        let mut tx = self.write().await?;
        let (key, step) = second.map(|(key, step, _)| (key.to_vec(), step)).unzip();
        let done = sqlx::query("UPDATE people SET totp_key = $2, totp_step = $3 WHERE name = $1")
            .bind(name)
            .bind(key)
            .bind(step)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Act::Gone);
        }
        sqlx::query("DELETE FROM recovery_codes WHERE person = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        for code in second.map_or(&[][..], |(_, _, codes)| codes) {
            sqlx::query("INSERT INTO recovery_codes (code, person) VALUES ($1, $2)")
                .bind(&code[..])
                .bind(name)
                .execute(&mut *tx)
                .await?;
        }
        let detail = if second.is_some() { "begun" } else { "ended" };
        append(&mut tx, now, name, "second step", detail).await?;
        tx.commit().await?;
        Ok(Act::Done)
    }

    async fn use_step(&self, name: &str, step: i64) -> Result<Act, StoreError> {
        let done =
            sqlx::query("UPDATE people SET totp_step = $2 WHERE name = $1 AND totp_step < $2")
                .bind(name)
                .bind(step)
                .execute(&self.writer)
                .await?;
        Ok(Act::done_if(done.rows_affected() == 1))
    }

    async fn use_recovery_code(
        &self,
        name: &str,
        code: Hash,
        now: Timestamp,
    ) -> Result<Act, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query("DELETE FROM recovery_codes WHERE code = $1 AND person = $2")
            .bind(&code[..])
            .bind(name)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Act::Gone);
        }
        append(&mut tx, now, name, "second step", "by a recovery code").await?;
        tx.commit().await?;
        Ok(Act::Done)
    }

    async fn read_tokens(&self, name: &str) -> Result<Vec<ListedToken>, StoreError> {
        let rows: Vec<(i64, String, i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, label, made_at, expires_at, used_day FROM api_tokens WHERE person = $1 ORDER BY id DESC",
        )
        .bind(name)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(id, label, made_at, expires_at, used)| {
                Ok(ListedToken {
                    id,
                    label,
                    made_at: moment(made_at, "api_tokens", "made_at", id)?,
                    expires_at: moment(expires_at, "api_tokens", "expires_at", id)?,
                    used: used.and_then(date),
                })
            })
            .collect()
    }

    async fn write_token(
        &self,
        name: &str,
        label: &str,
        token: Hash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Act, StoreError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(
            "INSERT INTO api_tokens (token, person, label, made_at, expires_at) SELECT $1, name, $3, $4, $5 FROM people WHERE name = $2",
        )
        .bind(&token[..])
        .bind(name)
        .bind(label)
        .bind(now.as_second())
        .bind(expires_at.as_second())
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(Act::Gone);
        }
        append(&mut tx, now, name, "token made", label).await?;
        tx.commit().await?;
        Ok(Act::Done)
    }

    async fn delete_token(&self, name: &str, id: i64, now: Timestamp) -> Result<Act, StoreError> {
        let mut tx = self.write().await?;
        let label: Option<String> = sqlx::query_scalar(
            "DELETE FROM api_tokens WHERE id = $1 AND person = $2 RETURNING label",
        )
        .bind(id)
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(label) = label else {
            return Ok(Act::Gone);
        };
        append(&mut tx, now, name, "token ended", &label).await?;
        tx.commit().await?;
        Ok(Act::Done)
    }

    async fn person_of_token(
        &self,
        token: Hash,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let row: Option<(i64, String, Option<i64>)> = sqlx::query_as(
            "SELECT id, person, used_day FROM api_tokens WHERE token = $1 AND expires_at > $2",
        )
        .bind(&token[..])
        .bind(now.as_second())
        .fetch_optional(&self.reader)
        .await?;
        let Some((id, name, used)) = row else {
            return Ok(None);
        };
        let today = day_of(now);
        if used != Some(today) {
            self.note_use(id, today).await;
        }
        self.person(&name).await
    }

    /// Notes the day on which a token was used, if nobody writes: a read by program does not wait for an import, and the next one of the day
    /// notes it too.
    async fn note_use(&self, id: i64, today: i64) {
        let Some(mut writer) = self.writer.try_acquire() else {
            return;
        };
        let noted = async move {
            match at_once(&mut writer, id, today).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the use of a token is not noted"),
                Err(error) => {
                    tracing::debug!(%error, "a connection is without its patience");
                    writer.close_on_drop();
                }
            }
        };
        // Whoever asked may be gone before it is done: the connection is put back as it was all the same.
        if let Err(error) = tokio::spawn(noted).await {
            tracing::debug!(%error, "the use of a token is not noted");
        }
    }

    async fn write_browser(
        &self,
        name: &str,
        browser: Hash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO known_browsers (token, person, used_day) SELECT $1, name, $3 FROM people WHERE name = $2
             ON CONFLICT DO UPDATE SET used_day = excluded.used_day",
        )
        .bind(&browser[..])
        .bind(name)
        .bind(day_of(now))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM known_browsers WHERE person = $1 AND (used_day < $2 OR token NOT IN
               (SELECT token FROM known_browsers WHERE person = $1 ORDER BY used_day DESC, token = $3 DESC LIMIT $4))",
        )
        .bind(name)
        .bind(day_of(now) - BROWSER_DAYS)
        .bind(&browser[..])
        .bind(BROWSERS)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}

/// Notes it without waiting for another program that writes. The outer error: the connection may not wait any more.
async fn at_once(
    writer: &mut SqliteConnection,
    id: i64,
    today: i64,
) -> Result<Result<(), sqlx::Error>, sqlx::Error> {
    let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout")
        .fetch_one(&mut *writer)
        .await?;
    sqlx::raw_sql("PRAGMA busy_timeout = 0")
        .execute(&mut *writer)
        .await?;
    let noted = sqlx::query("UPDATE api_tokens SET used_day = $2 WHERE id = $1")
        .bind(id)
        .bind(today)
        .execute(&mut *writer)
        .await;
    let patience = format!("PRAGMA busy_timeout = {patience}");
    sqlx::raw_sql(AssertSqlSafe(patience))
        .execute(writer)
        .await?;
    Ok(noted.map(drop))
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

#[cfg(test)]
mod tests;
