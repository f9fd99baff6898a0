//! A log that lacks leaves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ldsp_protocol::ids::NodeSlug;
use ldsp_protocol::log::Edge;
use sqlx::query;

use super::{Postgres, log, tree};
use crate::store::recovery::recovery;
use crate::store::rows::{self, signed};
use crate::store::{
    Back, Cause, Claim, Fork, Heard, Outcome, Returned, Sign, StagedLeaf, Stop, StoreError,
};

recovery!(Postgres, log::put_back);
