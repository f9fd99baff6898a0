//! What every request handler shares.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use ldsp_protocol::receipt::Receipt;
use ldsp_protocol::standard::Standard;
use ldsp_ui::{Clock, Entropy};

use crate::announce::Announcer;
use crate::benchmark::{Benchmarks, Snapshot};
use crate::directory::Directory;
use crate::invite::Host;
use crate::log::{Sequencer, Signer};
use crate::recovery::{Candidates, Recovery};
use crate::runs::Overdue;
use crate::store::{Backend, StoreError};
use crate::time::london_day;
use crate::tree::Tree;

/// The state of a running server; handlers get it as `State<Arc<Service>>`.
pub struct Service {
    /// Nodes, log, rollups, library.
    pub store: Backend,
    /// The door to the nodes.
    pub directory: Directory,
    /// The door to the log.
    pub sequencer: Sequencer,
    /// The log's tree, for receipts and tiles.
    pub tree: Arc<Tree<Backend>>,
    /// The log's key and name.
    pub signer: Signer,
    /// The data standard that this server applies.
    pub standard: &'static Standard,
    /// `https://…` without a path.
    pub public_url: String,
    /// Certificate authority that nodes must be given, where it is a private one.
    pub ca_pem: Option<String>,
    /// What the About page says of the data on this site; blank lines between paragraphs.
    pub about: Option<String>,
    /// The directory whose disk has to take what is logged; `None` where the database is elsewhere.
    pub data_dir: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
    /// What people's phones show the time by: the same but in a demonstration.
    pub phones: Clock,
    /// Randomness: secrets of invites.
    pub entropy: Entropy,
    /// The latest snapshot of all figures.
    pub benchmarks: Arc<Benchmarks>,
    /// What nodes sent without a receipt while the log was stopped.
    pub candidates: Candidates,
    /// Why the run that was due last was not made.
    pub overdue: Overdue,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.signer.verifier().name()
    }

    /// The server as invites name it.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        Host {
            url: &self.public_url,
            verifier: self.signer.verifier(),
            ca_pem: self.ca_pem.as_deref(),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The day that it is in London.
    #[must_use]
    pub fn today(&self) -> Date {
        london_day(self.now())
    }

    /// The receipt for a leaf: a proof against the log's latest checkpoint. `None` beyond the log's end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receipt(&self, index: u64) -> Result<Option<Receipt>, StoreError> {
        Ok(self.tree.proof(index).await?.as_ref().map(Receipt::of))
    }

    /// The log as it speaks for itself.
    #[must_use]
    pub fn announcer(&self) -> Announcer<'_, Backend> {
        Announcer::new(&self.store, &self.signer, self.standard)
    }

    /// The log as far as it may lack leaves.
    #[must_use]
    pub fn recovery(&self) -> Recovery<'_, Backend> {
        Recovery::new(&self.store, &self.signer).with(&self.candidates)
    }

    /// All figures of the log as it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.benchmarks.load(&self.store).await
    }
}
