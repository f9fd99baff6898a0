//! Which databases are brought up to date on opening.

use sqlx::migrate::Migrator;

use super::StoreError;

/// What may be brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// Any database: for a server, which is the only one to use it.
    Any,
    /// A new one. Under a server of an older version the tables must stay as they are.
    OfNothing,
}

impl Upgrade {
    /// Whether a database with the `applied` versions has something before it that is changed.
    ///
    /// # Errors
    /// It may not be changed.
    pub(super) fn is_needed(
        self,
        migrations: &Migrator,
        applied: &[i64],
    ) -> Result<bool, StoreError> {
        let mut versions = migrations.iter().map(|m| m.version);
        let is_needed = !applied.is_empty() && versions.any(|version| !applied.contains(&version));
        if is_needed && self == Self::OfNothing {
            return Err(StoreError::Unusable {
                cause: "The database is of an older version of this program".to_owned(),
                next: "End the server that still uses it and start this version with `serve`, which brings the database up to date",
            });
        }
        Ok(is_needed)
    }
}
