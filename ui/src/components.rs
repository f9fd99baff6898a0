//! The pieces that pages are made of.
//!
//! Each is built with its methods and turns into [`crate::Html`] with `into()`; in an askama template it can stand as it is:
//! `{{ table }}`. Wherever a method takes `impl Into<Html>`, a string is text and is escaped.

mod choices;
mod fields;
mod figures;
mod forms;
mod lists;
mod live;
mod table;
mod text;

pub use choices::{Checkboxes, Choice, Radios, Select};
pub use fields::{DateInput, Field, TextArea, TextInput};
pub use figures::{Figure, StatCard, Stats};
pub use forms::{Button, ErrorSummary, PostForm};
pub use lists::{Pagination, SummaryList, Task, TaskList};
pub use live::Live;
pub use table::Table;
pub use text::{CodeBlock, Details, InsetText, Notification, Tag, TagColour, Warning, link, list};

#[cfg(test)]
mod tests;
