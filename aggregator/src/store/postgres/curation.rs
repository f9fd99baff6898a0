//! What curators said, and how far people have read.

use jiff::Timestamp;
use ldsp_ui::accounts::By;
use sqlx::{query, query_as};

use super::Postgres;
use crate::store::curation::curation;
use crate::store::rows::{self, signed};
use crate::store::selects::{self, said};
use crate::store::{Outcome, Said, Saying, Span, Standing};

curation!(Postgres);
