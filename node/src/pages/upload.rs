//! An uploaded file: never on the disk as it was sent, and never under a name.
//!
//! It may be larger than the machine's memory, so it waits in the data directory while it comes: in a file that has lost its name before the
//! first byte, that only this program's user may read, and that holds noise to everybody without this upload's key ([`super::veil`]).

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::veil::{Unveiled, Veil};
use crate::Entropy;
use crate::import::scan::Scan;

/// Files of uploads begin with this, for the moment in which they have a name.
pub(crate) const PREFIX: &str = "upload-";
/// Longest text of a field that is not the file, in bytes.
const TEXT: usize = 64;

/// What the form sent.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// What the file holds.
    pub(super) kind: String,
    /// What shall be done.
    pub(super) way: String,
    /// What providers are that the node does not know.
    pub(super) providers: String,
    /// What rows are that may be new or corrected.
    pub(super) doubtful: String,
    /// The cohort that the rows are in.
    pub(super) cohort: String,
    /// The file, when one was chosen.
    pub(super) upload: Option<Upload>,
}

/// A file without a name: the system frees it when this is dropped or the program ends, however it ends.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// Random, so that it is told from every other one.
    pub(crate) id: [u8; 16],
    file: Arc<File>,
    veil: Veil,
    pub(crate) bytes: u64,
    /// The file was not read to its end: what came is refused for certain, and its report says why.
    enough: bool,
}

/// Why an upload was not kept.
#[derive(Debug)]
pub(super) enum UploadError {
    /// The browser stopped sending, or sent more than is taken.
    Sent(MultipartError),
    /// It is not what the page's form sends.
    Form(&'static str),
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<MultipartError> for UploadError {
    fn from(error: MultipartError) -> Self {
        Self::Sent(error)
    }
}

/// Reads the form, its file into `dir`.
pub(super) async fn receive(
    dir: &Path,
    entropy: &Entropy,
    mut form: Multipart,
) -> Result<Received, UploadError> {
    let mut received = Received::default();
    while let Some(field) = form.next_field().await? {
        match field.name().unwrap_or_default() {
            "kind" => received.kind = text(field).await?,
            "way" => received.way = text(field).await?,
            "providers" => received.providers = text(field).await?,
            "doubtful" => received.doubtful = text(field).await?,
            "cohort" => received.cohort = text(field).await?,
            "file" if received.upload.is_some() => {
                return Err(UploadError::Form("The form holds more than one file."));
            }
            "file" => {
                let chunks = field.map_err(UploadError::Sent);
                let upload = Upload::receive(dir, entropy, chunks).await?;
                let enough = upload.enough;
                received.upload = Some(upload);
                if enough {
                    // Asking for the next field would read the rest of this one.
                    break;
                }
            }
            _ => {}
        }
    }
    Ok(received)
}

async fn text(mut field: Field<'_>) -> Result<String, UploadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        if bytes.len() + chunk.len() > TEXT {
            return Err(UploadError::Form("A field of the form is too long."));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Upload {
    /// Writes what comes, chunk by chunk and hidden, to a new file that only this program's user may read (0600) and that has lost its
    /// name before the first byte.
    pub(crate) async fn receive<E: From<io::Error>>(
        dir: &Path,
        entropy: &Entropy,
        mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Self, E> {
        let (mut id, mut key) = ([0; 16], [0; 32]);
        let mut rng = (entropy)();
        rng.fill_bytes(&mut id);
        rng.fill_bytes(&mut key);
        drop(rng);
        let path = dir.join(format!("{PREFIX}{}", hex::encode(id)));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        remove_file(&path)?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut bytes, mut enough, mut scan) = (0, false, Scan::new());
        let (mut veil, mut hidden) = (Veil::new(key), Vec::new());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            hidden.clear();
            hidden.extend_from_slice(&chunk);
            veil.apply(bytes, &mut hidden);
            file.write_all(&hidden).await?;
            bytes += chunk.len() as u64;
            enough = scan.is_enough(&chunk);
            if enough {
                break;
            }
        }
        file.flush().await?;
        file.rewind().await?;
        let file = file.into_std().await;
        Ok(Self {
            id,
            file: Arc::new(file),
            veil,
            bytes,
            enough,
        })
    }

    /// The file as it was sent, to be read from its beginning, as often as is asked for.
    pub(crate) fn open(&self) -> Unveiled<Reading> {
        let hidden = Reading {
            file: self.file.clone(),
            bytes: self.bytes,
            at: 0,
        };
        Unveiled::new(hidden, self.veil.clone())
    }
}

/// A place in an uploaded file, apart from those of other readers.
#[derive(Debug)]
pub(crate) struct Reading {
    file: Arc<File>,
    bytes: u64,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Reading {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use axum::body::Body;
    use axum::extract::FromRequest as _;
    use axum::http::{Request, header};

    use super::*;
    use crate::testing::seeded;

    async fn form(parts: &[(&str, &str)]) -> Multipart {
        let mut body = String::new();
        for (name, value) in parts {
            body.push_str(&format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--b--\r\n");
        let request = Request::post("/import")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(body))
            .unwrap();
        Multipart::from_request(request, &()).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_has_no_name_while_it_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let parts = [
            ("kind", "learners"),
            ("file", "Canary Person"),
            ("way", "check"),
        ];
        let received = receive(dir.path(), &seeded(1), form(&parts).await)
            .await
            .unwrap();
        assert_eq!(
            (received.kind.as_str(), received.way.as_str()),
            ("learners", "check")
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let upload = received.upload.unwrap();
        assert_eq!(upload.bytes, 13);
        // What the disk has is not what was sent.
        let mut on_disk = Vec::new();
        (&*upload.file).rewind().unwrap();
        (&*upload.file).read_to_end(&mut on_disk).unwrap();
        assert_eq!(on_disk.len(), 13);
        assert_ne!(on_disk, b"Canary Person");
        let mut held = String::new();
        upload.open().read_to_string(&mut held).unwrap();
        assert_eq!(held, "Canary Person");
    }

    #[tokio::test]
    async fn long_text_and_a_second_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (fits, long) = ("x".repeat(TEXT), "x".repeat(TEXT + 1));
        let attempt =
            async |parts: &[(&str, &str)]| receive(dir.path(), &seeded(1), form(parts).await).await;
        assert!(attempt(&[("kind", &fits)]).await.is_ok());
        for parts in [
            &[("kind", long.as_str())][..],
            &[("way", &long)],
            &[("file", "a"), ("file", "b")],
        ] {
            let refused = attempt(parts).await;
            assert!(matches!(refused, Err(UploadError::Form(_))), "{refused:?}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
