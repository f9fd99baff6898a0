//! What people say about Individualised Learner Records (ILR), and what the node remembers of the files: migration 17 comments the tables.

mod replace;

use std::collections::HashMap;

use jiff::Timestamp;
use ldsp_protocol::ids::Digest;
use sqlx::SqliteConnection;

use super::audit::append;
use super::{Store, StoreError, organisations, providers};
pub use replace::Gone;
pub(crate) use replace::{keep, later, named_again, replace, told_later};

/// What a learning aim is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AimRule {
    /// The aim in capitals, or its beginning and `*`.
    pub aim: String,
    /// Of this provider only.
    pub ukprn: Option<u32>,
    /// Under this funding model only.
    pub fund_model: Option<u8>,
    /// What is taught; `None`: not digital, left out.
    pub taught: Option<Taught>,
}

/// What is taught where an aim is digital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taught {
    /// Code of the programme, which says tier, type and audience.
    pub programme: String,
    /// Skill, by its id in the data standard.
    pub skill: String,
    /// Mode of delivery, by its id.
    pub mode: String,
}

/// How a code is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRule {
    /// The ILR's field.
    pub field: String,
    /// The code, or codes that are read together.
    pub code: String,
    /// Id in the data standard.
    pub value: String,
    /// In words.
    pub meaning: String,
}

/// Everything that people have said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// Providers by UKPRN: what was said, else the organisation that has the number.
    pub providers: Vec<(u32, String)>,
    /// Aims, by aim.
    pub aims: Vec<AimRule>,
    /// Codes, by field and code.
    pub codes: Vec<CodeRule>,
    /// When the latest stored file of a provider's year was prepared.
    pub(crate) files: HashMap<(u32, u16), String>,
}

type AimRow = (
    String,
    u32,
    u8,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn aim((aim, ukprn, fund_model, programme, skill, mode): AimRow) -> AimRule {
    let taught = programme
        .zip(skill)
        .zip(mode)
        .map(|((programme, skill), mode)| Taught {
            programme,
            skill,
            mode,
        });
    AimRule {
        aim,
        ukprn: (ukprn > 0).then_some(ukprn),
        fund_model: (fund_model > 0).then_some(fund_model),
        taught,
    }
}

/// Everything that people have said, as a transaction sees it.
pub(crate) async fn mappings(connection: &mut SqliteConnection) -> Result<Mappings, StoreError> {
    // Of two organisations with one number neither is meant until somebody says so.
    let providers = sqlx::query_as(
        "SELECT ukprn, provider FROM ilr_providers UNION ALL \
         SELECT ukprn, max(name) FROM organisations WHERE kind = 'provider' AND ukprn IS NOT NULL AND ukprn NOT IN (SELECT ukprn FROM ilr_providers) \
         GROUP BY ukprn HAVING count(*) = 1 ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    let aims: Vec<AimRow> = sqlx::query_as(
        "SELECT aim, ukprn, fund_model, programme, skill, mode FROM ilr_aims ORDER BY aim, ukprn, fund_model",
    )
    .fetch_all(&mut *connection)
    .await?;
    let codes: Vec<(String, String, String, String)> =
        sqlx::query_as("SELECT field, code, value, meaning FROM ilr_codes ORDER BY field, code")
            .fetch_all(&mut *connection)
            .await?;
    let files: Vec<(u32, u16, String)> =
        sqlx::query_as("SELECT ukprn, year, prepared FROM ilr_files")
            .fetch_all(connection)
            .await?;
    Ok(Mappings {
        providers,
        aims: aims.into_iter().map(aim).collect(),
        codes: codes
            .into_iter()
            .map(|(field, code, value, meaning)| CodeRule {
                field,
                code,
                value,
                meaning,
            })
            .collect(),
        files: files
            .into_iter()
            .map(|(ukprn, year, prepared)| ((ukprn, year), prepared))
            .collect(),
    })
}

/// Remembers that a file of a provider's year was stored.
pub(crate) async fn note_file(
    tx: &mut SqliteConnection,
    (ukprn, year): (u32, u16),
    prepared: &str,
    digest: &Digest,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ilr_files (ukprn, year, prepared, digest, stored_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (ukprn, year) DO UPDATE SET prepared = excluded.prepared, digest = excluded.digest, stored_at = excluded.stored_at",
    )
    .bind(ukprn)
    .bind(year)
    .bind(prepared)
    .bind(&digest.as_bytes()[..])
    .bind(at.as_second())
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// Everything that people have said about ILRs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ilr_mappings(&self) -> Result<Mappings, StoreError> {
        let mut reader = self.reader.begin().await?;
        mappings(&mut reader).await
    }

    /// Writes whose an ILR is, that there is such a provider, and its UKPRN where its organisation has none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_ilr_provider(
        &self,
        ukprn: u32,
        provider: &str,
        who: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let known = providers::roots(&mut tx).await?;
        if !known.know(provider) {
            providers::note(&mut tx, &[provider.into()], &known).await?;
        }
        sqlx::query(
            "INSERT INTO ilr_providers (ukprn, provider) VALUES ($1, $2) ON CONFLICT (ukprn) DO UPDATE SET provider = excluded.provider",
        )
        .bind(ukprn)
        .bind(provider)
        .execute(&mut *tx)
        .await?;
        let detail = format!("ILRs of UKPRN {ukprn} are {provider}\u{2019}s");
        append(&mut tx, at, who, "ilr provider", &detail).await?;
        organisations::number(&mut tx, provider, ukprn.into(), who, at).await?;
        Ok(tx.commit().await?)
    }

    /// Writes what an aim is, over what was said of the same aim, provider and funding model. `false` when there is no such programme.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_ilr_aim(
        &self,
        rule: &AimRule,
        who: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let taught = rule.taught.as_ref();
        if let Some(taught) = taught {
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM programmes WHERE code = $1")
                .bind(&taught.programme)
                .fetch_optional(&mut *tx)
                .await?;
            if known.is_none() {
                return Ok(false);
            }
        }
        sqlx::query(
            "INSERT INTO ilr_aims (aim, ukprn, fund_model, programme, skill, mode) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (aim, ukprn, fund_model) DO UPDATE SET programme = excluded.programme, skill = excluded.skill, mode = excluded.mode",
        )
        .bind(&rule.aim)
        .bind(rule.ukprn.unwrap_or(0))
        .bind(rule.fund_model.unwrap_or(0))
        .bind(taught.map(|t| &t.programme))
        .bind(taught.map(|t| &t.skill))
        .bind(taught.map(|t| &t.mode))
        .execute(&mut *tx)
        .await?;
        let detail = match taught {
            Some(t) => format!("{} is {}, {}, {}", rule.aim, t.programme, t.skill, t.mode),
            None => format!("{} is not digital", rule.aim),
        };
        append(&mut tx, at, who, "ilr aim", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes back what was said of an aim; `false` when nothing was.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn remove_ilr_aim(
        &self,
        aim: &str,
        ukprn: Option<u32>,
        fund_model: Option<u8>,
        who: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let done =
            sqlx::query("DELETE FROM ilr_aims WHERE aim = $1 AND ukprn = $2 AND fund_model = $3")
                .bind(aim)
                .bind(ukprn.unwrap_or(0))
                .bind(fund_model.unwrap_or(0))
                .execute(&mut *tx)
                .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let detail = format!("{aim} is not said any more");
        append(&mut tx, at, who, "ilr aim", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Writes how a code is read; what it means in words stays, where it is known.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_ilr_code(
        &self,
        field: &str,
        code: &str,
        value: &str,
        who: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO ilr_codes (field, code, value, meaning) VALUES ($1, $2, $3, 'Added here') \
             ON CONFLICT (field, code) DO UPDATE SET value = excluded.value",
        )
        .bind(field)
        .bind(code)
        .bind(value)
        .execute(&mut *tx)
        .await?;
        let detail = format!("{field} {code} is read as {value}");
        append(&mut tx, at, who, "ilr code", &detail).await?;
        Ok(tx.commit().await?)
    }
}
