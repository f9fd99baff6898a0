//! How identifiers look in OpenAPI documents: patterns and examples beside the types that enforce them.

use std::borrow::Cow;

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::ids::{Digest, Gss, NodeSlug, Period, PledgeId, QuestionId};

fn text(description: &str, pattern: &str, example: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .description(Some(description))
        .pattern(Some(pattern))
        .examples([example])
        .build()
}

/// One of the closed lists, each id with its title.
pub(crate) fn choice(choices: &[(&str, &str)]) -> RefOr<Schema> {
    let words: Vec<String> = choices
        .iter()
        .map(|(id, title)| format!("`{id}` {title}"))
        .collect();
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .description(Some(words.join(", ")))
        .enum_values(Some(choices.iter().map(|(id, _)| *id)))
        .into()
}

macro_rules! text_schema {
    ($($name:ident: $description:literal, $pattern:literal, $example:literal;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($description, $pattern, $example).into()
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

text_schema! {
    NodeSlug: "A node's name, fixed by its invite.", "^[a-z0-9-]{2,32}$", "black-country";
    Gss: "A Government Statistical Service area code.", "^[EKNSW][0-9]{8}$", "E37000001";
    PledgeId: "The id of an accepted pledge.", "^[a-z0-9-]{2,64}$", "digital-skills-2022";
    QuestionId: "The name of a questionnaire, of one of its questions or of a choice.", "^[a-z0-9-]{1,40}$", "provision";
    Period: "A calendar month, 2000-01 to 2199-12.", "^2[01][0-9]{2}-(0[1-9]|1[0-2])$", "2022-03";
    Digest: "A SHA-256 digest as 64 lower-case hex digits.", "^[0-9a-f]{64}$", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}
