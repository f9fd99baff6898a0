//! Problems in OpenAPI documents.

use std::collections::BTreeMap;

use ldsp_protocol::problem::{INTERNAL, MEDIA_TYPE, Problem, ProblemKind, STORAGE};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Declares a type that stands for the refusals of an operation in `#[utoipa::path(responses(…))]`.
///
/// Every operation may also answer 500 and 503; those are added. The document needs the schema of
/// [`Problem`](crate::api::Problem) among its components.
///
/// ```
/// ldsp_ui::refusals! {
///     /// What a read of one thing may answer.
///     pub struct NoSuchThing: PARAMETER, NOT_FOUND;
/// }
/// ```
#[macro_export]
macro_rules! refusals {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident: $($kind:ident),+ $(,)?;)+) => {$(
        $(#[$doc])*
        $vis struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::api::problems(&[$($crate::api::problem::$kind),+])
            }
        }
    )+};
}

/// The responses of `kinds` and of the problems that any operation may meet, by status, each kind with an example.
#[must_use]
pub fn problems(kinds: &[ProblemKind]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in kinds.iter().chain(&[INTERNAL, STORAGE]) {
        let same = by_status.entry(kind.status).or_default();
        if !same.contains(kind) {
            same.push(*kind);
        }
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| (status.to_string(), response(&kinds).into()))
        .collect()
}

fn response(kinds: &[ProblemKind]) -> Response {
    let lines: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{}. (`{}`)", kind.title, kind.code))
        .collect();
    let examples = kinds.iter().map(|kind| {
        let problem = Problem::new(*kind, "What happened in this case.");
        let example = ExampleBuilder::new()
            .summary(kind.title)
            .value(serde_json::to_value(problem).ok());
        (kind.code, example.build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    ResponseBuilder::new()
        .description(lines.join(" "))
        .content(MEDIA_TYPE, content)
        .build()
}
