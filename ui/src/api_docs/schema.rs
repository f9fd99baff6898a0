//! Schemas in words.

use askama::Template;
use serde_json::Value;

use super::{Heading, anchor, code, paragraphs, text};
use crate::components::{Table, link};
use crate::html::Html;

/// The form of a value in a few words, with links to the named forms that it is made of.
pub(super) fn form(document: &Value, schema: &Value) -> Html {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return link(name, &format!("#form-{}", anchor(name)));
    }
    if let Some(fixed) = schema.get("const") {
        return joined("exactly ", [literal(fixed)], "");
    }
    if let Some(choices) = schema["enum"].as_array() {
        return joined("", choices.iter().map(literal), ", ");
    }
    for (key, separator) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[key].as_array() {
            let parts: Vec<Html> = parts.iter().map(|part| form(document, part)).collect();
            return joined("", parts, separator);
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Html::text(text(&schema["description"])),
    };
    let parts: Vec<Html> = kinds
        .iter()
        .map(|kind| plain(document, kind, schema))
        .collect();
    joined("", parts, " or ")
}

/// A value of one JSON type.
fn plain(document: &Value, kind: &str, schema: &Value) -> Html {
    match kind {
        "array" => match &schema["prefixItems"] {
            Value::Array(parts) => {
                let parts: Vec<Html> = parts.iter().map(|part| form(document, part)).collect();
                Html::concat([Html::text("list of "), joined("", parts, ", then ")])
            }
            _ => Html::concat([Html::text("list of "), form(document, &schema["items"])]),
        },
        "object" if schema["properties"].is_object() => properties(document, schema),
        "string" | "integer" | "number" => Html::concat([Html::text(kind), bounds(schema)]),
        other => Html::text(other),
    }
}

/// What a value is held to: ` at least 1, at most 100`.
fn bounds(schema: &Value) -> Html {
    let mut said: Vec<Html> = Vec::new();
    if let Some(format) = schema["format"].as_str() {
        said.push(Html::text(format));
    }
    for (key, words) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters, at least"),
        ("maxLength", "characters, at most"),
    ] {
        if let Some(bound) = schema.get(key).filter(|b| b.is_number()) {
            said.push(Html::text(&format!("{words} {bound}")));
        }
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        said.push(Html::concat([Html::text("like "), code(pattern)]));
    }
    if said.is_empty() {
        return Html::default();
    }
    joined(" (", said, ", ").and(")")
}

/// Every named form.
pub(super) fn all(document: &Value) -> Html {
    let schemas = document["components"]["schemas"].as_object();
    let Some(schemas) = schemas.filter(|schemas| !schemas.is_empty()) else {
        return Html::default();
    };
    let sections = schemas.iter().map(|(name, schema)| {
        Html::render(&Section {
            id: format!("form-{}", anchor(name)),
            name,
            description: paragraphs(text(&schema["description"])),
            form: whole(document, schema),
        })
    });
    Html::concat([
        Html::render(&Heading {
            id: "forms",
            text: "Forms",
        }),
        Html::concat(sections),
    ])
}

/// A named form: a table of fields where it has some.
fn whole(document: &Value, schema: &Value) -> Html {
    if let Some(parts) = schema["oneOf"].as_array().or(schema["allOf"].as_array()) {
        let is_one = schema["oneOf"].is_array();
        let intro = if is_one {
            "One of these:"
        } else {
            "All of this together:"
        };
        let parts = parts.iter().map(|part| {
            Html::concat([
                paragraphs(text(&part["description"])),
                whole(document, part),
            ])
        });
        return Html::concat([Html::paragraph(intro), Html::concat(parts)]);
    }
    if schema["properties"].is_object() {
        return properties(document, schema);
    }
    Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        form(document, schema),
        Html::literal("</p>"),
    ])
}

fn properties(document: &Value, schema: &Value) -> Html {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    Table::new("Fields")
        .caption_hidden()
        .columns(["Field", "Form", "Meaning"])
        .rows(fields.map(|(name, field)| {
            let need = if required.contains(&name.as_str()) {
                ""
            } else {
                ", optional"
            };
            [
                code(name),
                form(document, field).and(need),
                Html::text(text(&field["description"])),
            ]
        }))
        .into()
}

fn literal(value: &Value) -> Html {
    match value {
        Value::String(text) => code(text),
        other => code(&other.to_string()),
    }
}

fn joined(before: &str, parts: impl IntoIterator<Item = Html>, separator: &str) -> Html {
    let mut all = vec![Html::text(before)];
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            all.push(Html::text(separator));
        }
        all.push(part);
    }
    Html::concat(all)
}

impl Html {
    /// The same with more text behind it.
    fn and(self, text: &str) -> Self {
        Self::concat([self, Self::text(text)])
    }
}

#[derive(Template)]
#[template(
    source = r#"<h3 class="govuk-heading-s" id="{{ id }}"><span class="ldsp-code">{{ name }}</span></h3>
{{ description }}{{ form }}
"#,
    ext = "html"
)]
struct Section<'a> {
    id: String,
    name: &'a str,
    description: Html,
    form: Html,
}
