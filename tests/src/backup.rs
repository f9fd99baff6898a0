//! Backups of the aggregator's database, whichever the tests run on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::Federation;

/// A copy of the aggregator's database as of one moment, while it does not run.
#[derive(Debug)]
pub enum Backup {
    /// A copy of the data folder.
    Folder(PathBuf),
    /// Of this name on the cluster.
    Database(String),
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        if entry.file_type().expect("the file is there").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a file can be copied");
        }
    }
}

impl Backup {
    /// Of a federation whose aggregator does not run.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn of(federation: &Federation) -> Self {
        if let Some(database) = federation.database() {
            let name = format!("{}_backup", database.name());
            let sql = format!("CREATE DATABASE {name} TEMPLATE {}", database.name());
            database.cluster().sql("postgres", &sql);
            return Self::Database(name);
        }
        let folder = federation.dir.path().join("backup");
        copy(&federation.aggregator.data, &folder);
        Self::Folder(folder)
    }

    /// Puts it in the place of the present database.
    ///
    /// # Panics
    /// When the federation is another one.
    pub fn restore(&self, federation: &Federation) {
        match (self, federation.database()) {
            (Self::Database(backup), Some(database)) => {
                let name = database.name();
                for sql in [
                    format!("DROP DATABASE {name} WITH (FORCE)"),
                    format!("CREATE DATABASE {name} TEMPLATE {backup}"),
                ] {
                    database.cluster().sql("postgres", &sql);
                }
            }
            (Self::Folder(folder), _) => {
                fs::remove_dir_all(&federation.aggregator.data).expect("nobody uses it");
                copy(folder, &federation.aggregator.data);
            }
            (Self::Database(_), None) => panic!("the database is gone"),
        }
    }
}
