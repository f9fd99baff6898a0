//! With what people sign in: secrets, links, second steps, tokens and the browsers they use; [`ldsp_ui::accounts`] shows the pages. Nothing
//! in here is kept in clear but the key of a second step, which the program needs as it is.

mod kit;
mod links;

use jiff::Timestamp;
use ldsp_ui::accounts::{Act, Hash, ListedToken, SecondStep, totp};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::audit::append;
use super::people::Person;
use super::{Store, StoreError, date, moment};

/// Browsers that are kept of a person, the latest used.
const BROWSERS: i64 = 10;
/// Days for which a browser is known without being used.
const BROWSER_DAYS: i64 = 400;

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(24 * 60 * 60)
}

impl Store {
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

#[cfg(test)]
mod tests;
