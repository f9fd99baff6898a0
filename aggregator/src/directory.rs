//! Directory: the nodes that requests name. Requests that come together are answered by one query;
//! nothing is kept from one query to the next, so that an approval counts at once.

use std::collections::{BTreeMap, BTreeSet};

use ldsp_protocol::ids::NodeSlug;
use tokio::sync::{mpsc, oneshot};

use crate::store::{Node, Registry, StoreError};

/// Requests of one query at most, and that may wait; further ones wait at the door.
const QUEUE: usize = 256;

type Answer = Result<Option<Node>, StoreError>;

struct Ask {
    name: NodeSlug,
    answer: oneshot::Sender<Answer>,
}

/// The door to the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    queue: mpsc::Sender<Ask>,
}

impl Directory {
    /// Starts the task that asks `store`; it ends with the last door. Needs a running tokio.
    #[must_use]
    pub fn open<S: Registry>(store: S) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        tokio::spawn(answer_all(store, queue));
        Self { queue: sender }
    }

    /// The node of this name, as it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn node(&self, name: &NodeSlug) -> Answer {
        let (answer, found) = oneshot::channel();
        let name = name.clone();
        let closed = || StoreError::Database(sqlx::Error::WorkerCrashed);
        let asked = self.queue.send(Ask { name, answer }).await;
        asked.map_err(|_| closed())?;
        found.await.map_err(|_| closed())?
    }
}

async fn answer_all<S: Registry>(store: S, mut queue: mpsc::Receiver<Ask>) {
    let mut asks = Vec::new();
    while queue.recv_many(&mut asks, QUEUE).await > 0 {
        let names: BTreeSet<&NodeSlug> = asks.iter().map(|ask| &ask.name).collect();
        match store.nodes_named(&names).await {
            Ok(nodes) => {
                let nodes: BTreeMap<NodeSlug, Node> =
                    nodes.into_iter().map(|n| (n.node.clone(), n)).collect();
                for ask in asks.drain(..) {
                    // A request that went away wants no answer.
                    drop(ask.answer.send(Ok(nodes.get(&ask.name).cloned())));
                }
            }
            // A damaged row is the trouble of those who name it.
            Err(StoreError::Corrupt { .. }) => {
                for ask in asks.drain(..) {
                    drop(ask.answer.send(store.node(&ask.name).await));
                }
            }
            // A store that does not answer is everybody's, and nobody waits for it again.
            Err(error) => {
                tracing::error!(%error, requests = asks.len(), "nodes could not be looked up");
                for ask in asks.drain(..) {
                    drop(ask.answer.send(Err(StoreError::Unusable {
                        cause: "Nodes could not be looked up".to_owned(),
                        next: "Look at the log of this server",
                    })));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::testing::{Sim, admit};

    #[tokio::test]
    async fn those_who_come_together_each_get_their_own_node() {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&dir.path().join("a.sqlite")).await.unwrap();
        let (a, b) = (Sim::new(0), Sim::new(1));
        admit(&store, &a).await;
        let directory = Directory::open(store.clone());
        let nobody = "nobody".parse().unwrap();
        let found = tokio::join!(
            directory.node(&a.slug),
            directory.node(&b.slug),
            directory.node(&nobody),
            directory.node(&a.slug)
        );
        assert_eq!(found.0.unwrap().unwrap().node, a.slug);
        assert!(found.1.unwrap().is_none() && found.2.unwrap().is_none());
        assert_eq!(found.3.unwrap().unwrap().node, a.slug);
        admit(&store, &b).await;
        let sql = "UPDATE node SET public_key = x'01' WHERE name = 'black-country'";
        sqlx::query(sql).execute(store.writer()).await.unwrap();
        let found = tokio::join!(directory.node(&a.slug), directory.node(&b.slug));
        let damage = found.0.unwrap_err().to_string();
        assert!(
            damage.contains("public_key of row black-country"),
            "{damage}"
        );
        assert_eq!(found.1.unwrap().unwrap().node, b.slug);
        // What is the store's own trouble is asked about once.
        store.close().await;
        let found = tokio::join!(directory.node(&a.slug), directory.node(&b.slug));
        for found in [found.0, found.1] {
            assert!(
                matches!(found, Err(StoreError::Unusable { .. })),
                "{found:?}"
            );
        }
    }
}
