//! The figures of one state of the store.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::Extensions;
use ldsp_protocol::benchmark::Figures;
use ldsp_protocol::ids::{Digest, NodeSlug};
use ldsp_protocol::rollup::NodeMonth;

use crate::needs::Needs;
use crate::store::Position;

/// The [`Figures`] of one state of the log and of the list of nodes, with what others made of it. Pages and the API ask it; it
/// never touches the store.
#[derive(Debug)]
pub struct Snapshot {
    at: Position,
    /// The log's edge when the last months were added: it names them with all that came before.
    months: Digest,
    figures: Figures,
    needs: Arc<Needs>,
    of_figures: Arc<OfFigures>,
    made: Mutex<Extensions>,
}

/// What was made of figures and nodes alone. Dropped when any of them may change.
#[derive(Debug, Default)]
struct OfFigures {
    digest: OnceLock<Digest>,
    made: Mutex<Extensions>,
}

impl Default for Snapshot {
    /// Nothing logged, nobody invited.
    fn default() -> Self {
        Self {
            at: Position::default(),
            months: Position::default().edge,
            figures: Figures::default(),
            needs: Arc::default(),
            of_figures: Arc::default(),
            made: Mutex::default(),
        }
    }
}

impl Deref for Snapshot {
    type Target = Figures;

    fn deref(&self) -> &Figures {
        &self.figures
    }
}

impl Snapshot {
    /// The state at `at`, which `months` (in the order of the log) lead to from this one, with the needs that were published until then.
    #[must_use]
    pub fn after(
        &self,
        at: Position,
        needs: Arc<Needs>,
        months: impl IntoIterator<Item = NodeMonth>,
    ) -> Self {
        let mut months = months.into_iter().peekable();
        let grown = months.peek().is_some();
        let figures = self.figures.after(Arc::clone(&at.members), months);
        let of_figures = if figures.is(&self.figures) {
            Arc::clone(&self.of_figures)
        } else {
            Arc::default()
        };
        Self {
            months: if grown { at.edge } else { self.months },
            at,
            figures,
            needs,
            of_figures,
            made: Mutex::default(),
        }
    }

    /// The same state with all that `node` has in the figures: `months` by period and place. It withdrew or corrected something.
    #[must_use]
    pub fn with(&self, at: &Position, node: &NodeSlug, months: Vec<NodeMonth>) -> Self {
        let member = at.members.iter().find(|m| m.node == *node);
        let figures = self
            .figures
            .with(Arc::clone(&at.members), member.map(|m| &m.lep), months);
        Self {
            at: at.clone(),
            months: at.edge,
            figures,
            needs: Arc::clone(&self.needs),
            of_figures: Arc::default(),
            made: Mutex::default(),
        }
    }

    /// Number of the log's leaves that the figures stand on.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.at.size
    }

    /// The needs that were published until then.
    #[must_use]
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Where the log and the list of nodes stood.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.at
    }

    /// What [`Self::keep`] kept of this type.
    #[must_use]
    pub fn kept<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        locked(&self.made).get().cloned()
    }

    /// Keeps what somebody made of this very state, for whoever needs it again; one value of each type.
    pub fn keep<T: Clone + Send + Sync + 'static>(&self, value: T) {
        locked(&self.made).insert(value);
    }

    /// Names what all figures and areas stand on: the nodes and the months in the log. Other statements leave it as it is.
    #[must_use]
    pub fn figures_digest(&self) -> Digest {
        let stands_on = || format!("{} {:?}", self.months, self.at.members);
        let digest = || Digest::of(stands_on().as_bytes());
        *self.of_figures.digest.get_or_init(digest)
    }

    /// What [`Self::keep_of_figures`] kept of this type.
    #[must_use]
    pub fn kept_of_figures<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        locked(&self.of_figures.made).get().cloned()
    }

    /// Keeps what somebody made of figures and areas alone for whoever needs it again, as long as
    /// [`Self::figures_digest`] is the same; one value of each type.
    pub fn keep_of_figures<T: Clone + Send + Sync + 'static>(&self, value: T) {
        locked(&self.of_figures.made).insert(value);
    }
}

fn locked(made: &Mutex<Extensions>) -> MutexGuard<'_, Extensions> {
    made.lock().unwrap_or_else(PoisonError::into_inner)
}
