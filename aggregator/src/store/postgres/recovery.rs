//! A log that lacks leaves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::Edge;
use sqlx::{Row as _, query};

use super::{Postgres, log, revisions, tree};
use crate::store::recovery::{KEPT_FORKS, recovery, settled};
use crate::store::rows::{self, signed};
use crate::store::{
    Back, Claim, Fork, Heard, Link, Outcome, Returned, Shown, Sign, StagedLeaf, Stop, Stopped,
    StoreError,
};

recovery!(Postgres, log::put_back);
