//! An uploaded file: in the data directory while it is read, gone afterwards whatever happens.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use axum::extract::multipart::Field;
use tokio::io::AsyncWriteExt as _;

use crate::Entropy;

/// Files of uploads begin with this.
pub(super) const PREFIX: &str = "upload-";

/// A file that is removed when this is dropped: at the end of the request, and also when the browser went away.
pub(super) struct Upload {
    path: PathBuf,
    pub(super) bytes: u64,
}

/// Why an upload was not kept.
#[derive(Debug)]
pub(super) enum UploadError {
    /// The browser stopped sending, or sent more than is taken.
    Sent(axum::extract::multipart::MultipartError),
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Upload {
    /// Writes a field of the form to a new file in `dir` that only this program's user may read (0600), chunk by chunk.
    pub(super) async fn receive(
        dir: &Path,
        entropy: &Entropy,
        mut field: Field<'_>,
    ) -> Result<Self, UploadError> {
        let mut name = [0; 16];
        (entropy)().fill_bytes(&mut name);
        let path = dir.join(format!("{PREFIX}{}", hex::encode(name)));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        // From here on the file goes when `upload` goes.
        let mut upload = Self { path, bytes: 0 };
        let mut file = tokio::fs::File::from_std(file);
        while let Some(chunk) = field.chunk().await.map_err(UploadError::Sent)? {
            file.write_all(&chunk).await?;
            upload.bytes += chunk.len() as u64;
        }
        file.flush().await?;
        Ok(upload)
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::error!(%error, "an uploaded file could not be removed from the data directory");
        }
    }
}

/// Removes what a killed program left behind.
pub(super) fn sweep(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::error!(%error, "a left-over upload could not be removed from the data directory");
        }
    }
}
