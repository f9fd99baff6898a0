//! Putting leaves back: the way from the log's end to the largest tree that it signed, and going it.

use std::sync::Arc;

use jiff::Timestamp;
use ldsp_protocol::log::Edge;
use ldsp_protocol::log::merkle::leaf_hash;

use super::chain::{self, Links, Tip};
use super::{Progress, Recovery, aside, leaf};
use crate::store::{Back, Link, Log, Recovery as Kept, Registry, Returned, Rollups, StoreError};

/// A leaf on the way.
enum Step {
    /// It came back with its receipt.
    Proven(Link),
    /// A node has it without one, with this record, and the tree proves its place.
    Found(Vec<u8>),
}

impl<S: Log + Registry + Rollups + Kept> Recovery<'_, S> {
    /// Goes as far as what is there allows: puts leaves back, and lets the log sign when nothing stands against it. To be called
    /// whenever somebody was heard. One call at a time does so, the others wait for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance(&self, at: Timestamp) -> Result<Progress, StoreError> {
        let _turn = self.candidates.turn().await;
        loop {
            let head = self.store.head().await?;
            if head.behind.is_none() {
                return Ok(Progress::Signs);
            }
            // Before everybody was heard, another history may turn out to be the longer one.
            let unheard = self.unheard().await?;
            if !unheard.is_empty() {
                return Ok(Progress::Unheard(unheard));
            }
            let goals = self.goals(head.edge.size()).await?;
            if !goals.is_empty() {
                let Some(way) = self.way(&head.edge, goals).await? else {
                    return Ok(Progress::Incomplete);
                };
                if let Some(refused) = self.put_back(head.edge, &way).await? {
                    tracing::error!(refused, "a leaf cannot be put back");
                    self.store.note_trouble(Some(&refused)).await?;
                    return Ok(Progress::Refused(refused));
                }
                self.store.note_trouble(None).await?;
                // What came back may have added nodes, which have to be heard too.
                continue;
            }
            if self.store.resume(&head.edge, at).await? {
                tracing::warn!(size = head.edge.size(), "the log is whole and signs again");
                self.candidates.clear();
                return Ok(Progress::Signs);
            }
            let forks = self.store.forks().await?;
            if forks.iter().any(|fork| fork.settled.is_none()) {
                return Ok(Progress::Forked);
            }
            // Somebody else moved the log on or showed it another checkpoint: look again.
        }
    }

    /// The way from the log's end to whichever of `goals` the leaves that are there lead to.
    async fn way(&self, head: &Edge, goals: Vec<Tip>) -> Result<Option<Vec<Step>>, StoreError> {
        let links = self.store.links(head.size()).await?;
        let links = Arc::new(aside(move || Links::new(links)).await?);
        for goal in goals {
            if let Some(way) = self.way_to(head, &links, goal).await? {
                return Ok(Some(way));
            }
        }
        Ok(None)
    }

    /// Goes from `goal` back to `head`. Each leaf names the tree before it, so there is one way only; where a leaf is missing, what nodes
    /// have without a receipt is tried.
    async fn way_to(
        &self,
        head: &Edge,
        links: &Arc<Links>,
        goal: Tip,
    ) -> Result<Option<Vec<Step>>, StoreError> {
        let (mut steps, mut tip) = (Vec::new(), goal);
        loop {
            let (known, from) = (Arc::clone(links), head.size());
            let (gone, end) = aside(move || known.back(from, tip)).await?;
            steps.extend(gone.into_iter().map(Step::Proven));
            if end.size == head.size() {
                steps.reverse();
                return Ok((end.root == head.root()).then_some(steps));
            }
            let Some((records, start)) = self.gap(head, end).await? else {
                return Ok(None);
            };
            steps.extend(records.into_iter().rev().map(Step::Found));
            tip = start;
        }
    }

    /// The statements without a receipt that are the last leaves of the tree `end`, in order, and the tree before them.
    async fn gap(&self, head: &Edge, end: Tip) -> Result<Option<(Vec<Vec<u8>>, Tip)>, StoreError> {
        let records = self.candidates.records();
        let mut starts = Vec::new();
        for gap in chain::gaps(records.len()) {
            let size = end.size - gap;
            if size == head.size() {
                starts.push(head.clone());
                break;
            }
            let staged = self.store.staged(size - 1).await?;
            starts.extend(staged.iter().filter_map(chain::edge_of));
        }
        if starts.is_empty() {
            return Ok(None);
        }
        aside(move || chain::fill(&starts, &records, end)).await
    }

    /// Puts leaves back in their order behind `edge`; gives why one cannot be.
    async fn put_back(&self, mut edge: Edge, way: &[Step]) -> Result<Option<String>, StoreError> {
        let sign = |size, root| self.signer.checkpoint(size, root);
        for step in way {
            let Some((read, record)) = self.returned(&edge, step).await? else {
                // Another process was quicker with it.
                return Ok(None);
            };
            let returned = match read {
                Ok(returned) => returned,
                Err(why) => {
                    // Whoever has it sound sends it again.
                    match step {
                        Step::Proven(link) => self.store.unstage(*link).await?,
                        Step::Found(record) => self.candidates.done(record),
                    }
                    return Ok(Some(format!("place {}: {why}", edge.size())));
                }
            };
            match self.store.put_back(&returned, &edge, &sign).await? {
                Back::Placed(growth) => {
                    tracing::info!(leaf = growth.first, "a leaf is back in its place");
                }
                Back::Moved => return Ok(None),
                Back::Refused(why) => return Ok(Some(why)),
            }
            self.candidates.done(&record);
            edge.push(leaf_hash(&record));
        }
        Ok(None)
    }

    /// The leaf that goes back behind `edge`, or why it cannot, with its record; `None` where it is not there any more.
    async fn returned(
        &self,
        edge: &Edge,
        step: &Step,
    ) -> Result<Option<(Result<Returned, String>, Vec<u8>)>, StoreError> {
        match step {
            Step::Proven(link) => {
                let staged = self.store.staged(link.leaf).await?.into_iter();
                let Some(staged) = staged.into_iter().find(|staged| staged.link == *link) else {
                    return Ok(None);
                };
                let read = leaf::returned(self.store, self.signer, &staged).await?;
                let read = read.and_then(|(returned, before)| {
                    let right = before == *edge;
                    let other = || "its receipt shows another history before it".to_owned();
                    right.then_some(returned).ok_or_else(other)
                });
                Ok(Some((read, staged.record)))
            }
            Step::Found(record) => {
                let Some(candidate) = self.candidates.of(record) else {
                    return Ok(None);
                };
                let read = leaf::candidate(self.store, self.signer, &candidate).await?;
                Ok(Some((read, record.clone())))
            }
        }
    }

    /// Goes on by the decision of `by`: without the nodes that were not heard, and with the forks as they are. Never past a
    /// checkpoint that the log does not reach.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn go_on(
        &self,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<Progress, StoreError> {
        self.store.decide(by, reason, at).await?;
        loop {
            for node in self.unheard().await? {
                tracing::warn!(%node, by, "the log goes on without having heard this node");
                self.store.hear(&node, at, Some(by)).await?;
            }
            match self.advance(at).await? {
                // Nodes that were put back a moment ago.
                Progress::Unheard(_) => {}
                done => return Ok(done),
            }
        }
    }
}
