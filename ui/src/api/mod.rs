//! What the JSON interfaces of both servers share: problems as answers and in OpenAPI documents, lists with cursors, strict
//! queries, entity tags, and permission for pages of other origins to read what is public.
//!
//! | need | take |
//! |---|---|
//! | a refusal of a handler | [`Refusal`], made from a [`Problem`] of the catalogue |
//! | the refusals of an operation in its OpenAPI description | [`refusals!`](crate::refusals) |
//! | query parameters | [`Query`]: keys that the type does not have are refused |
//! | a JSON body | [`Sent`]: an object of the type's form, and nothing else |
//! | a list | [`List`] (cursor), [`Limit`], [`Items`] (answer) |
//! | 304 to who holds the present state | [`entity_tag`] around public reads |
//! | browsers of other origins | [`public_reads`] around public reads, never around what somebody has to sign in for |
//! | the documentation page | [`crate::api_docs`] |
//!
//! [`crate::Site`] turns every bare refusal below `/v1/`, `/api/` and `/health/` into a problem, also for addresses
//! that do not exist.

mod cors;
mod describe;
mod etag;
mod list;
mod query;
mod refusal;
mod sent;
#[cfg(test)]
mod tests;

pub use cors::public_reads;
pub use describe::problems;
pub use etag::{entity_tag, holds};
pub use list::{Items, Limit, List};
pub use query::Query;
pub use refusal::{Refusal, Unconfirmed};
pub use sent::Sent;

pub use ldsp_protocol::problem::{self, Problem, ProblemKind};

pub(crate) use etag::tell_encodings_apart;
pub(crate) use refusal::{every_refusal_is_a_problem, nothing_here, panicked, unread};
