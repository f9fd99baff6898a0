//! What the database's own errors mean for the people who meet them.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// What happened and what to do, where the database says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) cause: &'static str,
    pub(crate) next: &'static str,
}

const UNKNOWN: Trouble = Trouble {
    cause: "The database cannot be used",
    next: "Check the disk and the log of this server.",
};

const BUSY: Trouble = Trouble {
    cause: "The database is busy: another program or a long write holds it",
    next: "Wait until it has finished and try again.",
};

/// SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC.
pub(super) fn is_unconfirmed(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if matches!(sqlite(&**e), Some(1034 | 1290)))
}

/// SQLite's extended result code (sqlite.org/rescode.html).
fn sqlite(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse().ok()
}

/// What a PostgreSQL server means (its manual, appendix A).
fn postgres(error: &PgDatabaseError) -> Trouble {
    let (cause, next) = match error.code() {
        "55P03" | "57014" => return BUSY,
        "25006" => (
            "The database cannot be written: the server only reads",
            "Name the primary server in `database`.",
        ),
        "53100" => (
            "The database cannot be written: the server's disk is full",
            "Free space on the disk of the database server. What was not acknowledged is sent again.",
        ),
        "53300" => (
            "The database cannot be used: the server has no connection to spare",
            "Raise max_connections of the database server, or end what else uses it.",
        ),
        _ => return UNKNOWN,
    };
    Trouble { cause, next }
}

/// What an error of the database means.
pub(crate) fn of(error: &sqlx::Error) -> Trouble {
    let sqlx::Error::Database(database) = error else {
        return if matches!(error, sqlx::Error::PoolTimedOut) {
            BUSY
        } else {
            UNKNOWN
        };
    };
    if let Some(error) = database.try_downcast_ref::<PgDatabaseError>() {
        return postgres(error);
    }
    let Some(code) = sqlite(&**database) else {
        return UNKNOWN;
    };
    let (cause, next) = match (code & 0xff, code) {
        (5 | 6, _) => return BUSY,
        (8, _) => (
            "The database cannot be written: file or disk is read-only",
            "Make the data directory and the database writable for the user who runs this program.",
        ),
        _ if is_unconfirmed(error) => (
            "The disk did not confirm the write, so whether it is stored is unknown",
            "Check the disk, then start the server again: what is there is read back.",
        ),
        // SQLITE_IOERR_READ, _SHORT_READ and _CORRUPTFS.
        (10, 266 | 522 | 8458) => (
            "The database cannot be read: the disk does not give back what was written",
            "Check the disk; if it is sound, restore the backup.",
        ),
        (10 | 13, _) => (
            "The database cannot be written: the disk is full or failing",
            "Free space on the disk that holds data_dir.",
        ),
        (14, _) => (
            "The database cannot be opened",
            "Check data_dir, the rights on it and the space on its disk.",
        ),
        (11 | 26, _) => (
            "The database file is damaged or no database of this program",
            "Restore the backup.",
        ),
        _ => return UNKNOWN,
    };
    Trouble { cause, next }
}
