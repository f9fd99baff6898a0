//! Whether a data directory can take more: asked before people find out by a failed write.

use std::io;
use std::path::Path;

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

/// Less than this is too little: the write-ahead log of one large import, or of a day of statements.
pub const NEEDED: u64 = 64 << 20;

/// Why a directory takes no more, with the next step.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Too little space.
    #[error("the disk of the data directory has {} MiB left, and {} are needed. Free space on it.", .left >> 20, NEEDED >> 20)]
    Full {
        /// Bytes that this user may still write.
        left: u64,
    },
    /// Mounted for reading only, or not this user's to write.
    #[error(
        "the data directory cannot be written ({0}). Check the rights on it and how its disk is mounted."
    )]
    ReadOnly(io::Error),
    /// The system does not say.
    #[error(
        "the disk of the data directory cannot be looked at ({0}). Check that the directory is there."
    )]
    Unknown(io::Error),
}

/// Whether files in `dir` can grow: the disk is mounted for writing, this user may write, and [`NEEDED`] bytes are free.
///
/// # Errors
/// [`Trouble`].
pub fn takes_more(dir: &Path) -> Result<(), Trouble> {
    let disk = statvfs(dir).map_err(|error| Trouble::Unknown(error.into()))?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(Trouble::ReadOnly(io::ErrorKind::ReadOnlyFilesystem.into()));
    }
    access(dir, Access::WRITE_OK).map_err(|error| Trouble::ReadOnly(error.into()))?;
    let left = disk.f_bavail.saturating_mul(disk.f_frsize);
    if left < NEEDED {
        return Err(Trouble::Full { left });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_takes_nothing() {
        let trouble = takes_more(Path::new("no/such/directory")).unwrap_err();
        assert!(matches!(trouble, Trouble::Unknown(_)), "{trouble}");
        assert!(takes_more(Path::new("/proc")).is_err(), "it has no room");
    }
}
