//! Practice entries at the node: what a person writes, checked with every problem at once.
//!
//! The form page and the TOML file are two ways to fill in the same [`Form`], and [`read()`] is the one
//! way from a form to an entry. Text is kept as it was typed until it passes; only an entry that passes is stored,
//! so personal data that was typed by mistake never reaches the database.

mod figures;
mod file;
mod form;
mod read;
mod release;

pub use figures::{OwnFigures, OwnRelease};
pub use file::{TEMPLATE, read_file};
pub use form::{CauseRow, DateParts, Form, ToolRow};
pub use read::read;
pub use release::{PracticeError, release};

use jiff::civil::Date;
use ldsp_protocol::practice::{FieldError, PracticeEntry};

/// A problem with a field.
fn problem(
    field: impl Into<String>,
    cause: impl Into<String>,
    remedy: impl Into<String>,
) -> FieldError {
    FieldError {
        field: field.into(),
        cause: cause.into(),
        remedy: remedy.into(),
    }
}

/// Reads the entry that a TOML file holds.
///
/// # Errors
/// Every problem at once. None quotes the text.
pub fn check_file(
    text: &str,
    figures: &OwnFigures,
    today: Date,
) -> Result<PracticeEntry, Vec<FieldError>> {
    let (form, mut problems) = read_file(text, figures);
    if problems
        .iter()
        .any(|p| p.field == "file" && form == Form::default())
    {
        return Err(problems);
    }
    let found = match read(&form, figures, today) {
        Ok(entry) if problems.is_empty() => return Ok(entry),
        Ok(_) => Vec::new(),
        Err(found) => found,
    };
    // What the file gets wrong about a field says more than that the field is then empty.
    let new = |p: &FieldError| !problems.iter().any(|q| q.field == p.field);
    let found: Vec<FieldError> = found.into_iter().filter(new).collect();
    problems.extend(found);
    read::sort(&mut problems);
    Err(problems)
}

#[cfg(test)]
pub(crate) mod tests;
