//! The latest snapshot, kept until the log or the list of nodes changes.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Inputs, Snapshot};
use crate::store::{Log, Registry, Rollups, StoreError};

/// Keeps one [`Snapshot`] in the program's state.
#[derive(Debug, Default)]
pub struct Benchmarks {
    latest: Mutex<Option<Arc<Snapshot>>>,
}

impl Benchmarks {
    /// The snapshot of the store's present state. Cheap when nothing changed: two small reads.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load<S: Registry + Log + Rollups>(
        &self,
        store: &S,
    ) -> Result<Arc<Snapshot>, StoreError> {
        loop {
            let size = store.size().await?;
            let nodes = store.nodes().await?;
            let cached = self
                .latest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if let Some(snapshot) = cached.filter(|s| s.size() == size && s.nodes() == nodes) {
                return Ok(snapshot);
            }
            let months = store.contributions().await?;
            let national = store.national().await?;
            // Months and sums must be of one state of the log: read again when it grew meanwhile.
            if store.size().await? != size {
                continue;
            }
            let snapshot = Arc::new(Snapshot::new(Inputs {
                size,
                nodes,
                months,
                national,
            }));
            *self.latest.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Arc::clone(&snapshot));
            return Ok(snapshot);
        }
    }
}
