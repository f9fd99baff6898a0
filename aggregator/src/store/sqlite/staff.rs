//! People, with what they sign in, and what was done to their accounts.

use jiff::Timestamp;
use ldsp_ui::accounts::{
    Act, By, Change, Chosen, Hash, NewLink, SecondStep, SetUp, WayIn, is_free_name, same_person,
    totp,
};
use ldsp_ui::oidc::{Binding, Bound, Subject};
use sqlx::{SqliteConnection, query, query_scalar};

use super::Sqlite;
use crate::store::rows::{self, signed};
use crate::store::staff::{BROWSER_DAYS, BROWSERS, day_of, is_last, leaves, placed, staff};
use crate::store::{Done, Outcome, Person, Role, Span};

staff!(Sqlite, SqliteConnection);
