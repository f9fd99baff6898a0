//! The documentation page of a JSON interface, made from its OpenAPI 3.1 document: no script, nothing fetched from elsewhere.
//!
//! ```
//! let document = serde_json::json!({
//!     "openapi": "3.1.0",
//!     "info": {"title": "Counts", "version": "1"},
//!     "paths": {"/count": {"get": {"operationId": "count", "summary": "How many", "responses": {}}}},
//! });
//! let page = ldsp_ui::api_docs::page(&document);
//! ```

mod example;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use crate::components::{Table, link};
use crate::html::Html;
use crate::page::Page;

/// In the order in which people should read them.
const METHODS: [&str; 8] = [
    "get", "put", "post", "patch", "delete", "head", "options", "trace",
];

/// The page: operations by tag in the document's order, each with its parameters, bodies, answers and an example for a
/// terminal; then the form of everything that is sent. Operations have the anchor of their `operationId`, forms `form-NAME`.
///
/// The document is served at `/openapi.json`, to which the page links. Parts that it lacks are left out.
pub fn page(document: &Value) -> Page {
    let info = &document["info"];
    let groups = groups(document);
    let parts = [
        paragraphs(text(&info["description"])),
        Html::render(&Document {
            title: text(&info["title"]),
            version: text(&info["version"]),
        }),
        contents(&groups),
        Html::concat(groups.iter().map(|group| group.show(document))),
        schema::all(document),
    ];
    Page::new("API").body(Html::concat(parts))
}

#[derive(Template)]
#[template(
    source = r#"<p class="govuk-body">The same as a file for programs: <a class="govuk-link" href="/openapi.json">OpenAPI 3.1 document of {{ title }}, version {{ version }}</a>.</p>"#,
    ext = "html"
)]
struct Document<'a> {
    title: &'a str,
    version: &'a str,
}

/// One method of one path.
struct Operation<'a> {
    path: &'a str,
    method: &'static str,
    said: &'a Value,
    /// Parameters of the path and of the operation.
    parameters: Vec<&'a Value>,
}

struct Group<'a> {
    name: &'a str,
    description: &'a str,
    operations: Vec<Operation<'a>>,
}

/// Operations by their first tag: tags in the order in which the document declares them, others after them.
fn groups(document: &Value) -> Vec<Group<'_>> {
    let mut by_tag: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(said) = item.get(method) else {
                continue;
            };
            let tag = said["tags"][0].as_str().unwrap_or("Other");
            let shared = item["parameters"].as_array().into_iter().flatten();
            let own = said["parameters"].as_array().into_iter().flatten();
            let operation = Operation {
                path,
                method,
                said,
                parameters: shared.chain(own).map(|p| follow(document, p)).collect(),
            };
            by_tag.entry(tag).or_default().push(operation);
        }
    }
    let declared = document["tags"].as_array().into_iter().flatten();
    let mut groups: Vec<Group<'_>> = declared
        .filter_map(|tag| {
            let name = tag["name"].as_str()?;
            Some(Group {
                name,
                description: text(&tag["description"]),
                operations: by_tag.remove(name)?,
            })
        })
        .collect();
    groups.extend(by_tag.into_iter().map(|(name, operations)| Group {
        name,
        description: "",
        operations,
    }));
    groups
}

fn contents(groups: &[Group<'_>]) -> Html {
    let rows = groups.iter().flat_map(|group| &group.operations);
    Table::new("All addresses")
        .columns(["Address", "What it does"])
        .rows(rows.map(|operation| {
            let address = format!("{} {}", operation.verb(), operation.path);
            [
                link(&address, &format!("#{}", operation.id())),
                Html::text(text(&operation.said["summary"])),
            ]
        }))
        .into()
}

impl Group<'_> {
    fn show(&self, document: &Value) -> Html {
        let operations = self.operations.iter().map(|o| o.show(document));
        Html::concat([
            Html::render(&Heading {
                id: &format!("tag-{}", anchor(self.name)),
                text: self.name,
            }),
            paragraphs(self.description),
            Html::concat(operations),
        ])
    }
}

impl Operation<'_> {
    fn verb(&self) -> String {
        self.method.to_ascii_uppercase()
    }

    /// The anchor.
    fn id(&self) -> String {
        let own = self.said["operationId"].as_str();
        let made = || format!("{}-{}", self.method, self.path);
        anchor(&own.map_or_else(made, str::to_owned))
    }

    fn show(&self, document: &Value) -> Html {
        let body = follow(document, &self.said["requestBody"]);
        Html::render(&Section {
            id: self.id(),
            verb: self.verb(),
            path: self.path,
            summary: text(&self.said["summary"]),
            description: paragraphs(text(&self.said["description"])),
            parameters: self.parameters(document),
            body: if body.is_null() {
                Html::default()
            } else {
                bodies("What to send", document, body)
            },
            responses: self.responses(document),
            example: example::curl(document, self),
        })
    }

    fn parameters(&self, document: &Value) -> Html {
        if self.parameters.is_empty() {
            return Html::default();
        }
        let place = |parameter: &Value| match text(&parameter["in"]) {
            "path" => "in the path",
            "query" => "in the query",
            "header" => "as a header",
            _ => "as a cookie",
        };
        Table::new("Parameters")
            .columns(["Name", "Where", "Form", "Meaning"])
            .rows(self.parameters.iter().map(|parameter| {
                let required = parameter["required"] == true;
                let need = if required { "required" } else { "optional" };
                [
                    code(text(&parameter["name"])),
                    Html::text(&format!("{}, {need}", place(parameter))),
                    schema::form(document, &parameter["schema"]),
                    paragraphs(text(&parameter["description"])),
                ]
            }))
            .into()
    }

    fn responses(&self, document: &Value) -> Html {
        let responses = self.said["responses"].as_object().into_iter().flatten();
        Table::new("Answers")
            .columns(["Status", "Meaning", "Body"])
            .rows(responses.map(|(status, response)| {
                let response = follow(document, response);
                [
                    code(status),
                    paragraphs(text(&response["description"])),
                    content(document, response),
                ]
            }))
            .into()
    }
}

/// A body by media type.
fn bodies(caption: &str, document: &Value, body: &Value) -> Html {
    let types = body["content"].as_object().into_iter().flatten();
    Html::concat([
        paragraphs(text(&body["description"])),
        Table::new(caption)
            .columns(["Media type", "Form"])
            .rows(
                types.map(|(kind, content)| {
                    [code(kind), schema::form(document, &content["schema"])]
                }),
            )
            .into(),
    ])
}

/// Media types and forms of an answer, in a cell.
fn content(document: &Value, response: &Value) -> Html {
    let types = response["content"].as_object().into_iter().flatten();
    Html::concat(types.map(|(kind, content)| {
        Html::render(&Content {
            kind,
            form: schema::form(document, &content["schema"]),
        })
    }))
}

/// What a `$ref` stands for; other values stand for themselves.
fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text with blank lines between its paragraphs.
fn paragraphs(text: &str) -> Html {
    let parts = text.split("\n\n").map(str::trim).filter(|p| !p.is_empty());
    Html::concat(parts.map(Html::paragraph))
}

fn code(text: &str) -> Html {
    Html::render(&Code { text })
}

/// Text as the id of an element.
fn anchor(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect()
}

#[derive(Template)]
#[template(source = r#"<span class="ldsp-code">{{ text }}</span>"#, ext = "html")]
struct Code<'a> {
    text: &'a str,
}

#[derive(Template)]
#[template(
    source = r#"<div><span class="ldsp-code">{{ kind }}</span>{% if !form.is_empty() %}<br>{{ form }}{% endif %}</div>"#,
    ext = "html"
)]
struct Content<'a> {
    kind: &'a str,
    form: Html,
}

#[derive(Template)]
#[template(
    source = r#"<h2 class="govuk-heading-l" id="{{ id }}">{{ text }}</h2>"#,
    ext = "html"
)]
struct Heading<'a> {
    id: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(
    source = r#"<section class="ldsp-operation" aria-labelledby="{{ id }}">
<h3 class="govuk-heading-m" id="{{ id }}"><span class="ldsp-code">{{ verb }} {{ path }}</span></h3>
{% if !summary.is_empty() %}<p class="govuk-body">{{ summary }}</p>
{% endif %}{{ description }}{{ parameters }}{{ body }}{{ responses }}
<h4 class="govuk-heading-s">Example</h4>
<pre class="ldsp-pre" tabindex="0" role="group" aria-label="Example of {{ verb }} {{ path }}">{{ example }}</pre>
</section>
"#,
    ext = "html"
)]
struct Section<'a> {
    id: String,
    verb: String,
    path: &'a str,
    summary: &'a str,
    description: Html,
    parameters: Html,
    body: Html,
    responses: Html,
    example: String,
}
