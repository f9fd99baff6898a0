//! A file that was sent, on its way into the store.

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::{Arrival, Begin, Door, Owner, Task, Works};
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
    pub(crate) turn: Turn,
}

/// The right to read a file, which one has at a time.
pub(crate) enum Turn {
    /// It is there.
    Mine(#[expect(dead_code, reason = "it is held, never read")] OwnedSemaphorePermit),
    /// It is waited for; until the file is read its sender keeps the place that it came in.
    Waits(
        Works,
        #[expect(dead_code, reason = "it is held, never read")] Arrival,
    ),
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
        let turn = async {
            match &self.turn {
                Turn::Mine(_) => Ok(None),
                Turn::Waits(works, _) => works.turn().await.map(Some),
            }
        };
        let _alone = self.options.progress.unless_cancelled(turn).await?;
        let (store, key) = (&node.store, &node.pseudonyms);
        let source = self.upload.open();
        let kind = match self.kind {
            ImportKind::Survey => {
                let sheet = self.reading.sheet.as_deref();
                return import::survey::take(store, source, sheet, &self.options, now).await;
            }
            ImportKind::Ilr => return import::ilr(store, key, source, &self.options, now).await,
            ImportKind::Postcodes => {
                self.options.progress.expect(self.upload.bytes);
                return import::postcodes(store, source, &self.options, now).await;
            }
            ImportKind::Programmes => Kind::Programmes,
            ImportKind::Demand => Kind::Demand,
            ImportKind::Vacancies => Kind::Vacancies,
            ImportKind::Services => Kind::Services,
            ImportKind::Learners => Kind::Learners,
        };
        let (reading, options) = (&self.reading, &self.options);
        import::file(store, key, (kind, source), reading, options, now).await
    }
}
