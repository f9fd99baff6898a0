//! A file that was sent, on its way into the store.

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::{Begin, Door, Owner, Task};
use crate::home::Node;
use crate::import::mapping::{Kind, Reading};
use crate::import::report::ImportReport;
use crate::import::{self, ImportError, Options};
use crate::pages::upload::Upload;
use crate::store::imports::ImportKind;

/// A file with what is asked of it.
pub(crate) struct SentFile {
    pub(crate) kind: ImportKind,
    pub(crate) door: Door,
    pub(crate) upload: Upload,
    pub(crate) reading: Reading,
    pub(crate) options: Options,
    /// The right to read it.
    #[expect(dead_code, reason = "it is held, never read")]
    pub(crate) alone: OwnedSemaphorePermit,
}

impl SentFile {
    /// What is begun with it.
    pub(crate) fn begin(&self, owner: Owner, at: Timestamp) -> Begin {
        Begin {
            task: Task::Import {
                kind: self.kind,
                options: self.options.clone(),
                door: self.door,
            },
            owner,
            at,
            progress: self.options.progress.clone(),
        }
    }

    /// Reads it in.
    ///
    /// # Errors
    /// [`ImportError`]; nothing was stored then.
    pub(crate) async fn read_in(
        &self,
        node: &Node,
        now: Timestamp,
    ) -> Result<ImportReport, ImportError> {
        let (store, key) = (&node.store, &node.pseudonyms);
        let source = self.upload.open();
        let kind = match self.kind {
            ImportKind::Ilr => return import::ilr(store, key, source, &self.options, now).await,
            ImportKind::Programmes => Kind::Programmes,
            ImportKind::Learners | ImportKind::Postcodes => Kind::Learners,
        };
        let (reading, options) = (&self.reading, &self.options);
        import::file(store, key, (kind, source), reading, options, now).await
    }
}
