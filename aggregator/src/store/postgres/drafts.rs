//! Drafts of questionnaires.

use ldsp_protocol::ids::QuestionId;
use ldsp_ui::accounts::By;
use sqlx::query;

use super::Postgres;
use crate::questionnaires::Draft;
use crate::store::drafts::drafts;
use crate::store::rows::{self, signed};
use crate::store::{DraftRow, Keeping, Outcome};

drafts!(Postgres);
