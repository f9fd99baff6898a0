//! What a database holds, read or changed from outside while no process writes.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Decode, Sqlite, Type};

use crate::world::Node;

/// How many rows `table`, or `table WHERE …`, has.
#[must_use]
#[track_caller]
pub fn rows(node: &Node, table: &str) -> i64 {
    one(node, &format!("SELECT count(*) FROM {table}"))
}

/// The first column of the first row.
///
/// # Panics
/// When there is none.
#[must_use]
#[track_caller]
pub fn one<T>(node: &Node, sql: &str) -> T
where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + Send + Unpin,
{
    all(node, sql)
        .into_iter()
        .next()
        .expect("the query has a row")
}

/// The first column of every row.
///
/// # Panics
/// When the database cannot be read.
#[must_use]
#[track_caller]
pub fn all<T>(node: &Node, sql: &str) -> Vec<T>
where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + Send + Unpin,
{
    let options = SqliteConnectOptions::new().filename(node.program.data.join("node.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = options.connect().await.expect("the database opens");
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut connection)
            .await
            .expect("the query fits the schema")
    })
}

/// Changes a database while no process has it, as its owner can.
///
/// # Panics
/// When it changes nothing.
pub fn change(file: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(file);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let changed = runtime.block_on(async {
        let mut connection = options.connect().await.expect("the database opens");
        let done = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let done = done.execute(&mut connection).await;
        done.expect("the statement fits the schema").rows_affected()
    });
    assert!(changed > 0, "{sql}");
}
