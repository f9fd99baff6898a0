//! A log that lacks leaves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::Edge;
use sqlx::query;

use super::{Sqlite, log, revisions, tree};
use crate::store::recovery::recovery;
use crate::store::rows::{self, signed};
use crate::store::{
    Back, Claim, Fork, Heard, Outcome, Returned, Shown, Sign, StagedLeaf, Stop, Stopped, StoreError,
};

recovery!(Sqlite, log::put_back);
